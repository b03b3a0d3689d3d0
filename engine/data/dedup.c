#include "data/dedup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/buf.h"

#include "base/banned.h"

struct nl_dedup {
    nl_key *slots; /* {0,0} is an empty one */
    size_t room;   /* a power of two */
    size_t count;
    bool has_zero; /* the key {0,0} itself */
};

nl_key nl_key_of(const void *bytes, size_t size) {
    XXH128_hash_t h = XXH3_128bits(bytes, size);
    return (nl_key){ h.high64, h.low64 };
}

void nl_key_hex(nl_key key, char hex[33]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        hex[i] = digits[key.hi >> (60 - 4 * i) & 15];
        hex[16 + i] = digits[key.lo >> (60 - 4 * i) & 15];
    }
    hex[32] = '\0';
}

bool nl_key_from_hex(const char *hex, nl_key *key) {
    uint64_t half[2] = { 0, 0 };
    for (int i = 0; i < 32; i++) {
        char c = hex[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return false;
        half[i / 16] = half[i / 16] << 4 | digit;
    }
    *key = (nl_key){ half[0], half[1] };
    return hex[32] == '\0';
}

nl_dedup *nl_dedup_new(size_t expected) {
    nl_dedup *set = calloc(1, sizeof *set);
    size_t room = 64;
    while (room < expected + expected / 7 + 1)
        room *= 2;
    if (set)
        set->slots = calloc(room, sizeof *set->slots);
    if (!set || !set->slots) {
        free(set);
        return NULL;
    }
    set->room = room;
    return set;
}

void nl_dedup_free(nl_dedup *set) {
    if (set) {
        free(set->slots);
        free(set);
    }
}

/* The slot that holds `key`, or the empty one where it belongs. Linear probing. */
static nl_key *find(const nl_dedup *set, nl_key key) {
    size_t mask = set->room - 1;
    size_t at = (size_t)key.lo & mask;
    while ((set->slots[at].hi || set->slots[at].lo) &&
           (set->slots[at].hi != key.hi || set->slots[at].lo != key.lo))
        at = (at + 1) & mask;
    return &set->slots[at];
}

static bool grow(nl_dedup *set, nl_err *err) {
    nl_dedup bigger = { .room = set->room * 2 };
    bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
    if (!bigger.slots)
        return nl_err_nomem(err);
    for (size_t i = 0; i < set->room; i++) {
        if (set->slots[i].hi || set->slots[i].lo)
            *find(&bigger, set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    set->slots = bigger.slots;
    set->room = bigger.room;
    return true;
}

bool nl_dedup_add(nl_dedup *set, nl_key key, bool *fresh, nl_err *err) {
    if (!key.hi && !key.lo) {
        *fresh = !set->has_zero;
        set->count += *fresh;
        set->has_zero = true;
        return true;
    }
    nl_key *slot = find(set, key);
    if (slot->hi || slot->lo) {
        *fresh = false;
        return true;
    }
    if ((set->count + 1) * 8 > set->room * 7) {
        if (!grow(set, err))
            return false;
        slot = find(set, key);
    }
    *slot = key;
    set->count++;
    *fresh = true;
    return true;
}

bool nl_dedup_has(const nl_dedup *set, nl_key key) {
    if (!key.hi && !key.lo)
        return set->has_zero;
    const nl_key *slot = find(set, key);
    return slot->hi || slot->lo;
}

size_t nl_dedup_count(const nl_dedup *set) {
    return set->count;
}

/* --- questions ---------------------------------------------------------------------------- */

/* Words that never tell one question from another. Negations, comparisons and numbers are not
 * among them. */
static bool is_filler(const char *word, size_t size) {
    static const char *const fillers[] = {
        "a",    "an",    "the", "please", "show", "me",     "list", "give", "find", "display",
        "what", "which", "is",  "are",    "get",  "return", "us",   "tell", "of",   "all",
        "do",   "does",  "did", "was",    "were", "there",  "have", "has",
    };
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        if (strlen(fillers[i]) == size && memcmp(fillers[i], word, size) == 0)
            return true;
    }
    return false;
}

/* "countries" → "country", "tracks" → "track"; "address" and "status" stay. */
static size_t singular(char *word, size_t size) {
    if (size > 4 && memcmp(word + size - 3, "ies", 3) == 0) {
        word[size - 3] = 'y';
        return size - 2;
    }
    if (size > 3 && word[size - 1] == 's' && word[size - 2] != 's' && word[size - 2] != 'u' &&
        word[size - 2] != 'i')
        return size - 1;
    return size;
}

/* Folds ASCII and Latin-1's two-byte capitals to lower case, in place. */
static void fold_case(char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x80)
            text[i] = (char)tolower(c);
        else if (c == 0xC3 && i + 1 < size) {
            unsigned char d = (unsigned char)text[++i];
            if (d >= 0x80 && d <= 0x9E && d != 0x97)
                text[i] = (char)(d + 0x20);
        }
    }
}

static bool in_word(const char *text, size_t size, size_t i) {
    unsigned char c = (unsigned char)text[i];
    if (isalnum(c) || c >= 0x80)
        return true;
    bool between = i > 0 && i + 1 < size && isdigit((unsigned char)text[i + 1]);
    /* 0.99, 1,000 and 2020-01-31 are one word each; a sign belongs to its number */
    if ((c == '.' || c == ',' || c == '-' || c == ':') && between &&
        isdigit((unsigned char)text[i - 1]))
        return true;
    return c == '-' && i + 1 < size && isdigit((unsigned char)text[i + 1]) &&
           (i == 0 || isspace((unsigned char)text[i - 1]));
}

static bool is_sign(unsigned char c) {
    return c == '<' || c == '>' || c == '=' || c == '%' || c == '$' || c == '+' || c == '/' ||
           c == '*' || c == '&' || c == '#';
}

nl_key nl_key_of_question(const char *text, size_t size) {
    nl_buf kept;
    nl_key key;
    char *copy = malloc(size + 1);

    if (!copy) /* out of memory: fall back on the text itself, which merges nothing wrongly */
        return nl_key_of(text, size);
    memcpy(copy, text, size);
    copy[size] = '\0';
    fold_case(copy, size);
    nl_buf_init(&kept);
    for (size_t i = 0; i < size;) {
        if (is_sign((unsigned char)copy[i]))
            nl_buf_char(&kept, copy[i]);
        if (!in_word(copy, size, i)) {
            i++;
            continue;
        }
        size_t from = i;
        while (i < size && in_word(copy, size, i))
            i++;
        size_t n = i - from;
        if (is_filler(copy + from, n))
            continue;
        n = singular(copy + from, n);
        nl_buf_char(&kept, ' ');
        nl_buf_add(&kept, copy + from, n);
    }
    key = kept.failed || kept.size == 0 ? nl_key_of(text, size) : nl_key_of(kept.data, kept.size);
    nl_buf_release(&kept);
    free(copy);
    return key;
}
