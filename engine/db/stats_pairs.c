/* stats_pairs.c: how many values each pair of keys shares.
 *
 * Many values occur in exactly the same set of columns (the numbers from 1 to 1,000 in every serial
 * key), so sets are counted first, and a set's pairs once for all its values. Counts stand in rows,
 * one for each place, where that fits, otherwise in a table of those pairs that share anything, as
 * far as the memory lets that grow. */
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

enum { MOST_SETS = 1 << 13, LEAST_SETS = 1 << 6, KEYS_OF_SET = 32, FEW = 6, LEAST_TABLE = 1 << 8 };

typedef struct {
    uint64_t sign, count; /* count 0: empty */
    uint32_t at, n;       /* its places */
} set_slot;

typedef struct {
    uint64_t pair, count; /* pair: a << 32 | b */
} pair_slot;

struct stats_pairs {
    const stats_layout *layout;
    uint32_t from, to;
    uint32_t *cells; /* NULL: another one serves */
    uint64_t *large;
    pair_slot *table;
    size_t slots, used, room; /* of the table; bytes that it may have */
    bool full;
    set_slot *sets;
    uint32_t *keys;
    size_t set_slots, n_sets, n_set_keys;
};

void stats_layout_close(stats_layout *layout) {
    layout->offset[0] = 0;
    for (uint32_t b = 0; b < layout->n; b++)
        layout->offset[b + 1] = layout->offset[b] + (b - layout->first[b]);
}

/* --- life ----------------------------------------------------------------------------------------
 */

static size_t set_bytes(size_t slots) {
    return slots * (sizeof(set_slot) + KEYS_OF_SET * sizeof(uint32_t));
}

static size_t set_slots(size_t room) {
    size_t slots = MOST_SETS;
    while (slots > LEAST_SETS && set_bytes(slots) > room / 4)
        slots /= 2;
    return slots;
}

size_t stats_pairs_fit(size_t room, bool large) {
    size_t taken = set_bytes(set_slots(room));
    return (room > taken ? room - taken : 0) / (large ? sizeof(uint64_t) : sizeof(uint32_t));
}

static bool make_counts(stats_pairs *pairs, size_t room, bool large) {
    uint64_t cells = pairs->layout->offset[pairs->to] - pairs->layout->offset[pairs->from];
    if (cells <= stats_pairs_fit(room, large)) {
        if (large)
            pairs->large = calloc(cells + 1, sizeof *pairs->large);
        else
            pairs->cells = calloc(cells + 1, sizeof *pairs->cells);
        return pairs->large || pairs->cells;
    }
    pairs->slots = LEAST_TABLE;
    pairs->room = room > set_bytes(pairs->set_slots) ? room - set_bytes(pairs->set_slots) : 0;
    pairs->table = calloc(pairs->slots, sizeof *pairs->table);
    return pairs->table != NULL;
}

stats_pairs *stats_pairs_new(const stats_layout *layout, uint32_t from, uint32_t to, size_t room,
                             bool large) {
    stats_pairs *pairs = calloc(1, sizeof *pairs);
    if (!pairs)
        return NULL;
    pairs->layout = layout;
    pairs->from = from;
    pairs->to = to;
    pairs->set_slots = set_slots(room);
    pairs->sets = calloc(pairs->set_slots, sizeof *pairs->sets);
    pairs->keys = malloc(pairs->set_slots * KEYS_OF_SET * sizeof *pairs->keys);
    if (pairs->sets && pairs->keys && make_counts(pairs, room, large))
        return pairs;
    stats_pairs_free(pairs);
    return NULL;
}

static void forget(stats_pairs *pairs) {
    free(pairs->cells);
    free(pairs->large);
    free(pairs->table);
    pairs->cells = NULL;
    pairs->large = NULL;
    pairs->table = NULL;
}

void stats_pairs_free(stats_pairs *pairs) {
    if (!pairs)
        return;
    forget(pairs);
    free(pairs->sets);
    free(pairs->keys);
    free(pairs);
}

bool stats_pairs_dense(const stats_pairs *pairs) {
    return pairs->cells || pairs->large;
}

bool stats_pairs_full(const stats_pairs *pairs) {
    return pairs->full;
}

/* --- the table -----------------------------------------------------------------------------------
 */

static pair_slot *find(pair_slot *table, size_t slots, uint64_t pair) {
    size_t at = (size_t)nl_mix64(pair) & (slots - 1);
    while (table[at].count && table[at].pair != pair)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

/* The old table and the new one are there at once. */
static bool grow(stats_pairs *pairs, nl_err *err) {
    size_t slots = pairs->slots * 2;
    if ((slots + pairs->slots) * sizeof *pairs->table > pairs->room) {
        pairs->full = true;
        forget(pairs);
        return true;
    }
    pair_slot *bigger = calloc(slots, sizeof *bigger);
    if (!bigger)
        return nl_err_nomem(err);
    for (size_t i = 0; i < pairs->slots; i++) {
        if (pairs->table[i].count)
            *find(bigger, slots, pairs->table[i].pair) = pairs->table[i];
    }
    free(pairs->table);
    pairs->table = bigger;
    pairs->slots = slots;
    return true;
}

static bool count_pair(stats_pairs *pairs, uint32_t a, uint32_t b, uint64_t count, nl_err *err) {
    uint64_t pair = (uint64_t)a << 32 | b;
    pair_slot *slot = find(pairs->table, pairs->slots, pair);
    if (!slot->count) {
        if (pairs->used + 1 > pairs->slots / 3 * 2) {
            if (!grow(pairs, err))
                return false;
            if (pairs->full)
                return true;
            slot = find(pairs->table, pairs->slots, pair);
        }
        slot->pair = pair;
        pairs->used++;
    }
    slot->count += count;
    return true;
}

/* --- rows ----------------------------------------------------------------------------------------
 */

/* Where the count of (0, b) would stand, which may be before the first one. */
static size_t row_of(const stats_pairs *pairs, uint32_t b) {
    const stats_layout *layout = pairs->layout;
    return (size_t)(layout->offset[b] - layout->offset[pairs->from]) - layout->first[b];
}

static bool count_row(stats_pairs *pairs, const uint32_t *keys, size_t n, uint32_t b,
                      uint64_t count, nl_err *err) {
    size_t row = row_of(pairs, b);
    if (pairs->cells) {
        for (size_t i = 0; i < n; i++)
            pairs->cells[row + keys[i]] += (uint32_t)count;
    } else if (pairs->large) {
        for (size_t i = 0; i < n; i++)
            pairs->large[row + keys[i]] += count;
    } else {
        for (size_t i = 0; i < n && !pairs->full; i++) {
            if (!count_pair(pairs, keys[i], b, count, err))
                return false;
        }
    }
    return true;
}

/* How many of them are less than `limit`. */
static size_t less(const uint32_t *keys, size_t n, uint32_t limit) {
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (keys[middle] < limit)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static bool count_set(stats_pairs *pairs, const uint32_t *keys, size_t n, uint64_t count,
                      nl_err *err) {
    bool ok = true;
    size_t first = 0;
    for (size_t j = less(keys, n, pairs->from); j < n && ok && !pairs->full; j++) {
        while (first < j && keys[first] < pairs->layout->first[keys[j]])
            first++;
        ok = count_row(pairs, keys + first, j - first, keys[j], count, err);
    }
    return ok;
}

/* --- sets ----------------------------------------------------------------------------------------
 */

bool stats_pairs_finish(stats_pairs *pairs, nl_err *err) {
    bool ok = true;
    for (size_t i = 0; i < pairs->set_slots && ok; i++) {
        const set_slot *slot = &pairs->sets[i];
        if (slot->count)
            ok = count_set(pairs, pairs->keys + slot->at, slot->n, slot->count, err);
    }
    memset(pairs->sets, 0, pairs->set_slots * sizeof *pairs->sets);
    pairs->n_sets = pairs->n_set_keys = 0;
    return ok;
}

static set_slot *find_set(const stats_pairs *pairs, uint64_t sign, const uint32_t *keys, size_t n) {
    size_t at = (size_t)sign & (pairs->set_slots - 1);
    for (;; at = (at + 1) & (pairs->set_slots - 1)) {
        set_slot *slot = &pairs->sets[at];
        if (!slot->count || (slot->sign == sign && slot->n == n &&
                             memcmp(pairs->keys + slot->at, keys, n * sizeof *keys) == 0))
            return slot;
    }
}

bool stats_pairs_add(stats_pairs *pairs, const uint32_t *keys, size_t n, nl_err *err) {
    size_t room = pairs->set_slots * KEYS_OF_SET;
    n = keys[n - 1] < pairs->to ? n : less(keys, n, pairs->to);
    if (n < 2 || keys[n - 1] < pairs->from || pairs->full)
        return true;
    if (n <= FEW || n > room)
        return count_set(pairs, keys, n, 1, err);
    uint64_t sign = n;
    for (size_t i = 0; i < n; i++)
        sign = (sign ^ keys[i]) * 0x9e3779b97f4a7c15u;
    sign ^= sign >> 32;
    set_slot *slot = find_set(pairs, sign, keys, n);
    if (!slot->count) {
        if (pairs->n_sets >= pairs->set_slots / 2 || pairs->n_set_keys + n > room) {
            if (!stats_pairs_finish(pairs, err))
                return false;
            slot = find_set(pairs, sign, keys, n);
        }
        *slot = (set_slot){ .sign = sign, .at = (uint32_t)pairs->n_set_keys, .n = (uint32_t)n };
        memcpy(pairs->keys + slot->at, keys, n * sizeof *keys);
        pairs->n_set_keys += n;
        pairs->n_sets++;
    }
    slot->count++;
    return true;
}

/* --- all together --------------------------------------------------------------------------------
 */

static bool each_in_row(const stats_pairs *pairs, uint32_t b, stats_pair_fn fn, void *ctx) {
    size_t row = row_of(pairs, b);
    for (uint32_t a = pairs->layout->first[b]; a < b; a++) {
        uint64_t count = pairs->cells ? pairs->cells[row + a] : pairs->large[row + a];
        if (count > 0 && !fn(ctx, a, b, count))
            return false;
    }
    return true;
}

bool stats_pairs_each(const stats_pairs *pairs, stats_pair_fn fn, void *ctx) {
    bool ok = true;
    for (uint32_t b = pairs->from; stats_pairs_dense(pairs) && b < pairs->to && ok; b++)
        ok = each_in_row(pairs, b, fn, ctx);
    for (size_t i = 0; pairs->table && i < pairs->slots && ok; i++) {
        const pair_slot *slot = &pairs->table[i];
        ok = slot->count == 0 ||
             fn(ctx, (uint32_t)(slot->pair >> 32), (uint32_t)slot->pair, slot->count);
    }
    return ok;
}

struct merging {
    stats_pairs *into;
    nl_err *err;
};

static bool add_pair(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    const struct merging *merging = ctx;
    const uint32_t keys[] = { a, b };
    return count_set(merging->into, keys, 2, common, merging->err);
}

bool stats_pairs_merge(stats_pairs *into, const stats_pairs *other, nl_err *err) {
    struct merging merging = { into, err };
    into->full = into->full || other->full;
    if (into->full)
        forget(into);
    return into->full || stats_pairs_each(other, add_pair, &merging);
}
