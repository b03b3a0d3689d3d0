/* stats_pairs.c: how many values each pair of keys shares.
 *
 * Many values occur in exactly the same set of columns (the numbers from 1 to 1,000 in every serial
 * key), so sets are counted first, and a set's pairs once for all its values. Counts stand in a
 * triangle where that fits, otherwise in a table of those pairs that share anything, as far as the
 * memory cap lets that grow. */
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

enum { SLOTS = 1 << 13, SET_KEYS = 1 << 18, FEW = 6 };

typedef struct {
    uint64_t sign, count; /* count 0: empty */
    uint32_t at, n;       /* its keys */
} set_slot;

typedef struct {
    uint64_t pair, count; /* pair: a << 32 | b */
} pair_slot;

struct stats_pairs {
    size_t n_keys;
    uint64_t *triangle; /* NULL: the table serves */
    pair_slot *table;
    size_t room, used, most; /* slots */
    set_slot sets[SLOTS];
    uint32_t keys[SET_KEYS];
    size_t n_sets, n_set_keys;
};

static size_t size_of(size_t n) {
    return n * (n - 1) / 2;
}

stats_pairs *stats_pairs_new(size_t n_keys, size_t room, size_t most) {
    stats_pairs *pairs = calloc(1, sizeof *pairs);
    if (!pairs)
        return NULL;
    pairs->n_keys = n_keys;
    if (n_keys < 2)
        return pairs;
    if (size_of(n_keys) <= room / sizeof *pairs->triangle) {
        pairs->triangle = calloc(size_of(n_keys), sizeof *pairs->triangle);
    } else {
        pairs->room = 1 << 12;
        pairs->most = most / sizeof *pairs->table;
        pairs->table = calloc(pairs->room, sizeof *pairs->table);
    }
    if (pairs->triangle || pairs->table)
        return pairs;
    stats_pairs_free(pairs);
    return NULL;
}

void stats_pairs_free(stats_pairs *pairs) {
    if (!pairs)
        return;
    free(pairs->triangle);
    free(pairs->table);
    free(pairs);
}

/* --- the table -----------------------------------------------------------------------------------
 */

static pair_slot *find(pair_slot *table, size_t room, uint64_t pair) {
    size_t at = (size_t)nl_mix64(pair) & (room - 1);
    while (table[at].count && table[at].pair != pair)
        at = (at + 1) & (room - 1);
    return &table[at];
}

static bool grow(stats_pairs *pairs, nl_err *err) {
    size_t room = pairs->room * 2;
    if (room > pairs->most)
        return nl_err_set(
            err, NL_LIMIT,
            "more than %zu pairs of the %zu columns share values, which is more than the "
            "memory allowed holds: choose fewer tables, or allow more",
            pairs->used, pairs->n_keys);
    pair_slot *bigger = calloc(room, sizeof *bigger);
    if (!bigger)
        return nl_err_nomem(err);
    for (size_t i = 0; i < pairs->room; i++) {
        if (pairs->table[i].count)
            *find(bigger, room, pairs->table[i].pair) = pairs->table[i];
    }
    free(pairs->table);
    pairs->table = bigger;
    pairs->room = room;
    return true;
}

static bool count_pair(stats_pairs *pairs, uint32_t a, uint32_t b, uint64_t count, nl_err *err) {
    pair_slot *slot = find(pairs->table, pairs->room, (uint64_t)a << 32 | b);
    if (!slot->count) {
        if (pairs->used + 1 > pairs->room / 3 * 2) {
            if (!grow(pairs, err))
                return false;
            slot = find(pairs->table, pairs->room, (uint64_t)a << 32 | b);
        }
        slot->pair = (uint64_t)a << 32 | b;
        pairs->used++;
    }
    slot->count += count;
    return true;
}

static bool count_set(stats_pairs *pairs, const uint32_t *keys, size_t n, uint64_t count,
                      nl_err *err) {
    bool ok = true;
    for (size_t j = 1; j < n && ok; j++) {
        if (pairs->triangle) {
            uint64_t *row = pairs->triangle + size_of(keys[j]);
            for (size_t i = 0; i < j; i++)
                row[keys[i]] += count;
        } else {
            for (size_t i = 0; i < j && ok; i++)
                ok = count_pair(pairs, keys[i], keys[j], count, err);
        }
    }
    return ok;
}

/* --- sets ----------------------------------------------------------------------------------------
 */

bool stats_pairs_finish(stats_pairs *pairs, nl_err *err) {
    bool ok = true;
    for (size_t i = 0; i < SLOTS && ok; i++) {
        const set_slot *slot = &pairs->sets[i];
        if (slot->count)
            ok = count_set(pairs, pairs->keys + slot->at, slot->n, slot->count, err);
    }
    memset(pairs->sets, 0, sizeof pairs->sets);
    pairs->n_sets = pairs->n_set_keys = 0;
    return ok;
}

static set_slot *find_set(stats_pairs *pairs, uint64_t sign, const uint32_t *keys, size_t n) {
    size_t at = (size_t)sign & (SLOTS - 1);
    for (;; at = (at + 1) & (SLOTS - 1)) {
        set_slot *slot = &pairs->sets[at];
        if (!slot->count || (slot->sign == sign && slot->n == n &&
                             memcmp(pairs->keys + slot->at, keys, n * sizeof *keys) == 0))
            return slot;
    }
}

bool stats_pairs_add(stats_pairs *pairs, const uint32_t *keys, size_t n, nl_err *err) {
    if (n <= FEW || n > SET_KEYS)
        return count_set(pairs, keys, n, 1, err);
    uint64_t sign = n;
    for (size_t i = 0; i < n; i++)
        sign = (sign ^ keys[i]) * 0x9e3779b97f4a7c15u;
    sign ^= sign >> 32;
    set_slot *slot = find_set(pairs, sign, keys, n);
    if (!slot->count) {
        if (pairs->n_sets >= SLOTS / 2 || pairs->n_set_keys + n > SET_KEYS) {
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

bool stats_pairs_each(const stats_pairs *pairs, stats_pair_fn fn, void *ctx) {
    bool ok = true;
    for (uint32_t b = 1; pairs->triangle && b < pairs->n_keys && ok; b++) {
        for (uint32_t a = 0; a < b && ok; a++) {
            uint64_t count = pairs->triangle[size_of(b) + a];
            ok = count == 0 || fn(ctx, a, b, count);
        }
    }
    for (size_t i = 0; pairs->table && i < pairs->room && ok; i++) {
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
    return stats_pairs_each(other, add_pair, &merging);
}
