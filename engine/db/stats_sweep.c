/* stats_sweep.c: bucket by bucket, all keys' hashes in order: which keys have each value? */
#include <stdlib.h>

#include "db/stats_priv.h"

#include "base/banned.h"

/* One worker's arrays, for one bucket after the other. */
typedef struct {
    stats_words words;
    uint64_t *scratch;
    size_t scratch_room;
    uint32_t *keys; /* that have the value at hand */
} sweep;

/* Words with the same hash stand together, in the order of their keys. */
static bool sweep_words(stats_worker *worker, const uint64_t *words, size_t n, uint32_t *keys,
                        nl_err *err) {
    unsigned bits = worker->stats->bits;
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t i = 0; i < n;) {
        uint64_t hash = words[i] >> bits;
        size_t n_keys = 0;
        for (; i < n && words[i] >> bits == hash; i++) {
            uint32_t key = (uint32_t)(words[i] & mask);
            if (n_keys == 0 || keys[n_keys - 1] != key) {
                keys[n_keys++] = key;
                worker->distinct[key]++;
            }
        }
        if (n_keys > 1 && !stats_pairs_add(worker->pairs, keys, n_keys))
            return nl_err_nomem(err);
    }
    return true;
}

static bool sweep_part(stats_worker *worker, size_t bucket, unsigned bits, size_t part, sweep *own,
                       nl_err *err) {
    const nl_stats *stats = worker->stats;
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
    return sweep_words(worker, stats_sort(own->words.words, own->scratch, own->words.n),
                       own->words.n, own->keys, err);
}

/* A bucket that is too large for the memory is read several times, a part of its hashes each time.
 */
static bool sweep_bucket(stats_worker *worker, size_t bucket, sweep *own, nl_err *err) {
    nl_stats *stats = worker->stats;
    size_t n = 0;
    unsigned bits = 0;
    for (unsigned i = 0; i < stats->n_workers; i++)
        n += stats_store_count(&stats->workers[i].store, bucket);
    while (bits < 12 && (n >> bits) * 2 * sizeof(uint64_t) > stats->sweep_room)
        bits++;
    for (size_t part = 0; part < (size_t)1 << bits; part++) {
        if (!sweep_part(worker, bucket, bits, part, own, err))
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

bool stats_sweep(stats_worker *worker, nl_err *err) {
    nl_stats *stats = worker->stats;
    sweep own = { .keys = malloc((stats->n_keys + 1) * sizeof *own.keys) };
    size_t bucket;
    bool ok = own.keys || nl_err_nomem(err);
    while (ok && next_bucket(stats, &bucket))
        ok = sweep_bucket(worker, bucket, &own, err);
    if (ok && !stats_pairs_finish(worker->pairs))
        ok = nl_err_nomem(err);
    free(own.keys);
    free(own.words.words);
    free(own.scratch);
    return ok;
}
