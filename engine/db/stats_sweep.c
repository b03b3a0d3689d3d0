/* stats_sweep.c: bucket by bucket, all keys' hashes in order: which keys have each value? */
#include <stdlib.h>

#include "db/stats_priv.h"

#include "base/banned.h"

/* One worker's arrays, for one bucket after the other. */
typedef struct {
    stats_words words;
    uint64_t *scratch;
    size_t scratch_room;
    uint32_t *keys;     /* that have the value at hand */
    uint64_t *bits;     /* one for each key, all 0 */
    size_t n_bits;      /* words of them */
    stats_pairs *pairs; /* of a sweep for pairs alone, with the place of each key */
    const uint32_t *place_of;
} sweep;

/* The keys of n words, ascending, each once; where `place_of` is not NULL, their places, if they
 * have one. Many are put in order by a set of bits. */
static inline size_t take_keys(const uint64_t *words, size_t n, uint64_t mask, sweep *own,
                               const uint32_t *place_of) {
    enum { FEW = 12 };
    uint32_t *keys = own->keys;
    size_t n_keys = 0;
    if (n <= FEW) {
        for (size_t i = 0; i < n; i++) {
            uint32_t key = (uint32_t)(words[i] & mask);
            size_t at = n_keys;
            if (place_of && (key = place_of[key]) == UINT32_MAX)
                continue;
            while (at > 0 && keys[at - 1] > key)
                at--;
            if (at > 0 && keys[at - 1] == key)
                continue;
            for (size_t j = n_keys++; j > at; j--)
                keys[j] = keys[j - 1];
            keys[at] = key;
        }
        return n_keys;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t key = words[i] & mask;
        if (!place_of || (key = place_of[key]) != UINT32_MAX)
            own->bits[key / 64] |= (uint64_t)1 << key % 64;
    }
    for (size_t i = 0; i < own->n_bits; i++) {
        for (uint64_t bits = own->bits[i]; bits; bits &= bits - 1)
            keys[n_keys++] = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(bits);
        own->bits[i] = 0;
    }
    return n_keys;
}

/* Words with the same hash stand together. */
static size_t end_of(const uint64_t *words, size_t n, size_t from, unsigned bits) {
    size_t end = from + 1;
    while (end < n && words[end] >> bits == words[from] >> bits)
        end++;
    return end;
}

static bool sweep_words(stats_worker *worker, const uint64_t *words, size_t n, sweep *own,
                        nl_err *err) {
    unsigned bits = worker->stats->bits;
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t i = 0, end; i < n; i = end) {
        end = end_of(words, n, i, bits);
        if (end == i + 1) {
            worker->distinct[words[i] & mask]++;
            continue;
        }
        size_t n_keys = take_keys(words + i, end - i, mask, own, NULL);
        for (size_t k = 0; k < n_keys; k++)
            worker->distinct[own->keys[k]]++;
        if (n_keys < 2)
            continue;
        for (size_t k = 0; worker->shared && k < n_keys; k++)
            worker->shared[own->keys[k]] = 1;
        if (worker->pairs && !stats_pairs_add(worker->pairs, own->keys, n_keys, err))
            return false;
    }
    return true;
}

static bool pair_words(const nl_stats *stats, const uint64_t *words, size_t n, sweep *own,
                       nl_err *err) {
    uint64_t mask = ((uint64_t)1 << stats->bits) - 1;
    for (size_t i = 0, end; i < n; i = end) {
        end = end_of(words, n, i, stats->bits);
        size_t n_keys = end == i + 1 ? 1 : take_keys(words + i, end - i, mask, own, own->place_of);
        if (n_keys > 1 && !stats_pairs_add(own->pairs, own->keys, n_keys, err))
            return false;
    }
    return true;
}

static bool sweep_part(nl_stats *stats, stats_worker *worker, size_t bucket, unsigned bits,
                       size_t part, sweep *own, nl_err *err) {
    own->words.n = 0;
    for (unsigned i = 0; i < stats->n_workers; i++) {
        if (!stats_store_fetch(&stats->workers[i].store, bucket, bits, part, &own->words, err))
            return false;
    }
    if (own->scratch_room < own->words.n) {
        free(own->scratch);
        own->scratch_room = own->words.room;
        own->scratch = malloc(own->scratch_room * sizeof *own->scratch);
        if (!own->scratch)
            return nl_err_nomem(err);
    }
    const uint64_t *sorted = stats_sort(own->words.words, own->scratch, own->words.n, stats->bits);
    return worker ? sweep_words(worker, sorted, own->words.n, own, err)
                  : pair_words(stats, sorted, own->words.n, own, err);
}

/* A bucket that is too large for the memory is read several times, a part of its hashes each time.
 */
static bool sweep_bucket(nl_stats *stats, stats_worker *worker, size_t bucket, sweep *own,
                         nl_err *err) {
    size_t n = 0;
    unsigned bits = 0;
    for (unsigned i = 0; i < stats->n_workers; i++)
        n += stats_store_count(&stats->workers[i].store, bucket);
    while (bits < 12 && (n >> bits) * 2 * sizeof(uint64_t) > stats->sweep_room)
        bits++;
    for (size_t part = 0; part < (size_t)1 << bits; part++) {
        if (!sweep_part(stats, worker, bucket, bits, part, own, err))
            return false;
    }
    return true;
}

static bool next_bucket(nl_stats *stats, size_t *bucket) {
    pthread_mutex_lock(&stats->lock);
    *bucket = stats->next_bucket;
    bool found = *bucket < (size_t)1 << stats->bits;
    stats->next_bucket += found;
    pthread_mutex_unlock(&stats->lock);
    return found && !stats_stopping(stats);
}

static bool make_sweep(sweep *own, const nl_stats *stats, nl_err *err) {
    own->n_bits = stats->n_keys / 64 + 1;
    own->keys = malloc((stats->n_keys + 1) * sizeof *own->keys);
    own->bits = calloc(own->n_bits, sizeof *own->bits);
    return (own->keys && own->bits) || nl_err_nomem(err);
}

static void release(sweep *own) {
    free(own->keys);
    free(own->bits);
    free(own->words.words);
    free(own->scratch);
}

bool stats_has_large(const nl_stats *stats) {
    uint64_t words = 0;
    for (size_t b = 0; b < (size_t)1 << stats->bits; b++) {
        for (unsigned i = 0; i < stats->n_workers; i++)
            words += stats_store_count(&stats->workers[i].store, b);
    }
    return words > UINT32_MAX;
}

/* Pairs are counted on the way, if those of all workers fit. */
static bool prepare_pairs(stats_worker *worker, nl_err *err) {
    nl_stats *stats = worker->stats;
    size_t room = stats->tuples ? SIZE_MAX : stats->pairs_room; /* a count for each wish */
    worker->pairs =
        stats_pairs_new(&stats->layout, 0, stats->layout.n, room, stats_has_large(stats));
    if (!worker->pairs)
        return nl_err_nomem(err);
    if (stats_pairs_dense(worker->pairs))
        return true;
    worker->shared = calloc(stats->n_keys + 1, sizeof *worker->shared);
    return worker->shared || nl_err_nomem(err);
}

/* One worker's pairs are too many: nobody counts them. */
static void give_up_pairs(stats_worker *worker) {
    nl_stats *stats = worker->stats;
    if (worker->pairs && stats_pairs_full(worker->pairs))
        atomic_store_explicit(&stats->full, true, memory_order_relaxed);
    if (worker->pairs && atomic_load_explicit(&stats->full, memory_order_relaxed)) {
        stats_pairs_free(worker->pairs);
        worker->pairs = NULL;
    }
}

bool stats_sweep(stats_worker *worker, nl_err *err) {
    nl_stats *stats = worker->stats;
    sweep own = { 0 };
    size_t bucket;
    bool ok = make_sweep(&own, stats, err) && prepare_pairs(worker, err);
    while (ok && next_bucket(stats, &bucket)) {
        ok = sweep_bucket(stats, worker, bucket, &own, err);
        give_up_pairs(worker);
    }
    ok = ok && (!worker->pairs || stats_pairs_finish(worker->pairs, err));
    give_up_pairs(worker);
    release(&own);
    return ok;
}

bool stats_sweep_pairs(nl_stats *stats, stats_pairs *pairs, const uint32_t *place_of, nl_err *err) {
    sweep own = { .pairs = pairs, .place_of = place_of };
    bool ok = make_sweep(&own, stats, err);
    for (size_t b = 0; ok && b < (size_t)1 << stats->bits; b++) {
        if (stats_pairs_full(pairs))
            break;
        ok = !stats_stopping(stats) || nl_err_set(err, NL_CANCELLED, "cancelled");
        ok = ok && sweep_bucket(stats, NULL, b, &own, err);
    }
    ok = ok && stats_pairs_finish(pairs, err);
    release(&own);
    return ok;
}
