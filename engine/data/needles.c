#include "data/needles.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "data/dedup.h"
#include "data/needles_text.h"

#include "base/banned.h"

/* A value, or a piece of a long one. */
struct needle {
    const char *bytes;
    uint32_t size;
    uint32_t window; /* where in it the six bytes are that it hangs under */
    uint32_t value;  /* which value it is of */
    uint32_t next;   /* the next one under the same window, 0: none; numbers count from 1 */
    uint8_t kind;
    bool piece, exempt;
};

struct value {
    const char *bytes;
    size_t size;
};

struct slot {
    uint64_t window;
    uint32_t head, count; /* count 0: empty */
};

struct nl_needles {
    nl_arena arena;
    struct needle *needles;
    struct value *values;
    size_t n_needles, needle_room, n_values, value_room;
    struct slot *slots; /* open addressing, at most half full; `room` is a power of two */
    uint64_t *filter;   /* eight bits for each slot: most windows of a text end here */
    size_t room, used;
    int shift;
    nl_dedup *known, *words;
    nl_buf texts;   /* exempt ones, a NUL behind each */
    bool unsettled; /* something came since the exempt texts were searched */
};

enum { ROOM = 64, FILTER_BITS = 8, WINDOWS_TRIED = 64, LONGEST_WORD = 64 };

/* Two loads; the same on every byte order. */
static inline uint64_t window_at(const char *at) {
    uint32_t low;
    uint16_t high;
    memcpy(&low, at, sizeof low);
    memcpy(&high, at + sizeof low, sizeof high);
    return (uint64_t)high << 32 | low;
}

/* Knuth's multiplicative hash: the high bits are the good ones. */
static inline uint64_t hash_of(uint64_t window) {
    return window * UINT64_C(0x9E3779B97F4A7C15);
}

static inline bool filtered(const nl_needles *set, uint64_t hash) {
    size_t bit = (size_t)(hash >> (set->shift - 3));
    return !(set->filter[bit >> 6] >> (bit & 63) & 1);
}

static struct slot *slot_of(const nl_needles *set, uint64_t window) {
    size_t mask = set->room - 1;
    size_t at = (size_t)(hash_of(window) >> set->shift);
    while (set->slots[at].count > 0 && set->slots[at].window != window)
        at = (at + 1) & mask;
    return &set->slots[at];
}

static void mark(nl_needles *set, uint64_t window) {
    size_t bit = (size_t)(hash_of(window) >> (set->shift - 3));
    set->filter[bit >> 6] |= UINT64_C(1) << (bit & 63);
}

static bool make_room(nl_needles *set, size_t room) {
    struct slot *old = set->slots;
    size_t n = set->room;
    struct slot *slots = calloc(room, sizeof *slots);
    uint64_t *filter = calloc(room * FILTER_BITS / 64, sizeof *filter);
    if (!slots || !filter) {
        free(slots);
        free(filter);
        return false;
    }
    free(set->filter);
    set->slots = slots;
    set->filter = filter;
    set->room = room;
    set->shift = 64 - __builtin_ctzll(room);
    for (size_t i = 0; i < n; i++) {
        if (old[i].count > 0) {
            *slot_of(set, old[i].window) = old[i];
            mark(set, old[i].window);
        }
    }
    free(old);
    return true;
}

nl_needles *nl_needles_new(void) {
    nl_needles *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    nl_buf_init(&set->texts);
    set->known = nl_dedup_new(0);
    set->words = nl_dedup_new(0);
    if (!set->known || !set->words || !make_room(set, ROOM)) {
        nl_needles_free(set);
        return NULL;
    }
    return set;
}

void nl_needles_free(nl_needles *set) {
    if (!set)
        return;
    nl_arena_release(&set->arena);
    nl_buf_release(&set->texts);
    nl_dedup_free(set->known);
    nl_dedup_free(set->words);
    free(set->needles);
    free(set->values);
    free(set->slots);
    free(set->filter);
    free(set);
}

size_t nl_needles_count(const nl_needles *set) {
    return set->n_values;
}

/* Lists and tables grow to twice what is in them, and are half full at most. */
size_t nl_needles_cost(size_t value_size) {
    size_t pieces = value_size >= 48 ? (value_size - NL_NEEDLE_PIECE) / NL_NEEDLE_STRIDE + 1 : 0;
    size_t needle = 2 * sizeof(struct needle) + 4 * (sizeof(struct slot) + FILTER_BITS / 8);
    return value_size + 1 + (1 + pieces) * needle + 2 * sizeof(struct value) + 4 * sizeof(nl_key);
}

size_t nl_needles_exempt_cost(size_t text_size) {
    return 2 * (text_size + 1) + (text_size / NL_NEEDLE_LEAST + 1) * 4 * sizeof(nl_key);
}

/* --- adding -------------------------------------------------------------------------------- */

/* Room for one more element; NULL: no memory, and what was there stays. */
static void *roomier(void *list, size_t n, size_t *room, size_t size) {
    if (n < *room)
        return list;
    size_t more = *room ? *room * 2 : 64;
    void *bigger = realloc(list, more * size);
    if (bigger)
        *room = more;
    return bigger;
}

/* The window of bytes[0..size) under which fewest needles hang. */
static uint32_t best_window(const nl_needles *set, const char *bytes, size_t size) {
    size_t best = 0, least = SIZE_MAX, last = size - NL_NEEDLE_LEAST;
    for (size_t i = 0; i <= last && i < WINDOWS_TRIED && least > 0; i++) {
        size_t count = slot_of(set, window_at(bytes + i))->count;
        if (count < least) {
            least = count;
            best = i;
        }
    }
    return (uint32_t)best;
}

static bool add_needle(nl_needles *set, struct needle needle) {
    void *list = roomier(set->needles, set->n_needles, &set->needle_room, sizeof needle);
    if (!list)
        return false;
    set->needles = list;
    if (set->used * 2 >= set->room && !make_room(set, set->room * 2))
        return false;
    needle.window = best_window(set, needle.bytes, needle.size);
    uint64_t window = window_at(needle.bytes + needle.window);
    struct slot *slot = slot_of(set, window);
    set->used += slot->count == 0;
    slot->window = window;
    needle.next = slot->head;
    set->needles[set->n_needles++] = needle;
    slot->head = (uint32_t)set->n_needles;
    slot->count++;
    mark(set, window);
    return true;
}

/* The value whole, and the pieces of a long one. */
static bool add_needles(nl_needles *set, const char *copy, size_t size, enum nl_needle_kind kind) {
    struct needle needle = { .bytes = copy,
                             .size = (uint32_t)size,
                             .kind = (uint8_t)kind,
                             .value = (uint32_t)set->n_values };
    if (!add_needle(set, needle))
        return false;
    needle.piece = true;
    needle.size = NL_NEEDLE_PIECE;
    for (size_t at = 0; size >= 48 && at + NL_NEEDLE_PIECE <= size; at += NL_NEEDLE_STRIDE) {
        needle.bytes = copy + at;
        if (!add_needle(set, needle))
            return false;
    }
    return true;
}

bool nl_needles_add(nl_needles *set, const char *value, size_t size, bool *kept, nl_err *err) {
    bool fresh = true;
    enum nl_needle_kind kind = nl_needle_read(&value, &size);
    *kept = kind != NL_NEEDLE_NOTHING;
    if (!*kept)
        return true;
    nl_key key = nl_key_of(value, size);
    if (nl_dedup_has(set->known, key))
        return true;
    if (size > UINT32_MAX || set->n_needles + size / NL_NEEDLE_STRIDE >= UINT32_MAX)
        return nl_err_set(err, NL_LIMIT, "too many protected values to look for");
    void *list = roomier(set->values, set->n_values, &set->value_room, sizeof *set->values);
    if (!list)
        return nl_err_nomem(err);
    set->values = list;
    char *copy = nl_arena_copy(&set->arena, value, size);
    if (!copy)
        return nl_err_nomem(err);
    set->values[set->n_values] = (struct value){ copy, size };
    bool added = add_needles(set, copy, size, kind);
    set->n_values++; /* needles may point to it, whether all could be added or not */
    set->unsettled = true;
    if (!added || !nl_dedup_add(set->known, key, &fresh, err))
        return nl_err_nomem(err);
    return true;
}

/* --- searching ------------------------------------------------------------------------------ */

/* Is it here, at text[at..], where its window was seen? */
static bool is_here(const struct needle *needle, const char *text, size_t size, size_t at) {
    if (needle->exempt || at < needle->window || size - (at - needle->window) < needle->size)
        return false;
    size_t from = at - needle->window;
    return memcmp(text + from, needle->bytes, needle->size) == 0 &&
           (needle->piece ||
            nl_needle_stands_alone(needle->kind, text, size, from, from + needle->size));
}

/* The first needle in text[*at..size); leaves its window's place in *at. NULL: none. */
static struct needle *next_needle(const nl_needles *set, const char *text, size_t size,
                                  size_t *at) {
    size_t i = *at;
    for (; i + NL_NEEDLE_LEAST <= size; i++) {
        uint64_t window = window_at(text + i);
        if (filtered(set, hash_of(window)))
            continue;
        for (uint32_t n = slot_of(set, window)->head; n > 0; n = set->needles[n - 1].next) {
            if (is_here(&set->needles[n - 1], text, size, i)) {
                *at = i;
                return &set->needles[n - 1];
            }
        }
    }
    *at = i;
    return NULL;
}

/* A value that is a word of an exempt text is exempt, in whatever case it is written. */
static bool is_exempt_word(const nl_needles *set, const char *text, size_t size) {
    char word[LONGEST_WORD];
    if (size > sizeof word)
        return false;
    for (size_t i = 0; i < size; i++)
        word[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    return nl_dedup_has(set->words, nl_key_of(word, size));
}

/* Searches the exempt texts for the values. */
static void settle(nl_needles *set) {
    struct needle *found;
    size_t at = 0;
    if (!set->unsettled)
        return;
    while ((found = next_needle(set, set->texts.data, set->texts.size, &at)))
        found->exempt = true; /* others may be at the same place: once more there */
    for (size_t i = 0; i < set->n_needles; i++) {
        struct needle *needle = &set->needles[i];
        needle->exempt |= !needle->piece && is_exempt_word(set, needle->bytes, needle->size);
    }
    set->unsettled = false;
}

static bool find_plain(const nl_needles *set, const char *text, size_t size, nl_needle_hit *hit) {
    size_t at = 0;
    const struct needle *found = next_needle(set, text, size, &at);
    if (found)
        *hit = (nl_needle_hit){ set->values[found->value].bytes, set->values[found->value].size,
                                found->bytes, found->size };
    return found != NULL;
}

/* The text as it is, and with doubled quotes undone. */
static bool find_quoted(const nl_needles *set, const char *text, size_t size, nl_needle_hit *hit,
                        bool *failed) {
    nl_buf plain;
    if (find_plain(set, text, size, hit))
        return true;
    if (!memmem(text, size, "''", 2))
        return false;
    nl_buf_init(&plain);
    nl_needle_unquote(&plain, text, size);
    *failed |= plain.failed;
    bool found = find_plain(set, plain.data, plain.size, hit);
    nl_buf_release(&plain);
    return found;
}

bool nl_needles_find(nl_needles *set, const char *text, size_t size, nl_needle_hit *hit,
                     nl_err *err) {
    nl_buf plain[2];
    bool failed = false;
    *hit = (nl_needle_hit){ .value = NULL };
    nl_buf_init(&plain[0]);
    nl_buf_init(&plain[1]);
    settle(set);
    bool found = find_quoted(set, text, size, hit, &failed);
    for (int i = 0; i < 2 && !found && memchr(text, '\\', size); i++) {
        nl_needle_unescape(&plain[i], text, size);
        failed |= plain[i].failed;
        text = plain[i].data;
        size = plain[i].size;
        found = find_quoted(set, text, size, hit, &failed);
    }
    nl_buf_release(&plain[0]);
    nl_buf_release(&plain[1]);
    return found || !failed || nl_err_nomem(err);
}

/* --- what everybody may see ------------------------------------------------------------------ */

static bool add_word(nl_needles *set, const char *text, size_t size, nl_err *err) {
    char word[LONGEST_WORD];
    bool fresh;
    if (size < NL_NEEDLE_LEAST || size > sizeof word)
        return true;
    for (size_t i = 0; i < size; i++)
        word[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    return nl_dedup_add(set->words, nl_key_of(word, size), &fresh, err);
}

/* The parts of an identifier. */
static bool add_parts(nl_needles *set, const char *text, size_t size, nl_err *err) {
    size_t from = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && text[i] != '_')
            continue;
        if (!add_word(set, text + from, i - from, err))
            return false;
        from = i + 1;
    }
    return true;
}

bool nl_needles_exempt(nl_needles *set, const char *text, size_t size, nl_err *err) {
    size_t at = 0, from, to;
    if (!nl_buf_reserve(&set->texts, size + 1))
        return nl_err_nomem(err);
    (void)nl_buf_add(&set->texts, text, size);
    (void)nl_buf_char(&set->texts, '\0');
    set->unsettled = true;
    while (nl_needle_word(text, size, &at, &from, &to)) {
        if (!add_word(set, text + from, to - from, err) ||
            !add_parts(set, text + from, to - from, err))
            return false;
    }
    return true;
}
