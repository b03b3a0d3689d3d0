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
    uint64_t *bits; /* one for each key, all 0 */
    size_t n_bits;  /* words of them */
} sweep;

/* The keys of n words, ascending, each once. Many are put in order by a set of bits. */
static size_t take_keys(const uint64_t *words, size_t n, uint64_t mask, sweep *own) {
    enum { FEW = 12 };
    uint32_t *keys = own->keys;
    size_t n_keys = 0;
    if (n <= FEW) {
        for (size_t i = 0; i < n; i++) {
            uint32_t key = (uint32_t)(words[i] & mask);
            size_t at = n_keys;
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
    for (size_t i = 0; i < n; i++)
        own->bits[(words[i] & mask) / 64] |= (uint64_t)1 << (words[i] & mask) % 64;
    for (size_t i = 0; i < own->n_bits; i++) {
        for (uint64_t bits = own->bits[i]; bits; bits &= bits - 1)
            keys[n_keys++] = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(bits);
        own->bits[i] = 0;
    }
    return n_keys;
}

/* Words with the same hash stand together. */
static bool sweep_words(stats_worker *worker, const uint64_t *words, size_t n, sweep *own,
                        nl_err *err) {
    unsigned bits = worker->stats->bits;
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t i = 0, end; i < n; i = end) {
        uint64_t hash = words[i] >> bits;
        for (end = i + 1; end < n && words[end] >> bits == hash;)
            end++;
        if (end == i + 1) {
            worker->distinct[words[i] & mask]++;
            continue;
        }
        size_t n_keys = take_keys(words + i, end - i, mask, own);
        for (size_t k = 0; k < n_keys; k++)
            worker->distinct[own->keys[k]]++;
        if (n_keys > 1 && !stats_pairs_add(worker->pairs, own->keys, n_keys, err))
            return false;
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
    return sweep_words(worker,
                       stats_sort(own->words.words, own->scratch, own->words.n, stats->bits),
                       own->words.n, own, err);
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
    sweep own = { .n_bits = stats->n_keys / 64 + 1 };
    size_t bucket;
    own.keys = malloc((stats->n_keys + 1) * sizeof *own.keys);
    own.bits = calloc(own.n_bits, sizeof *own.bits);
    bool ok = (own.keys && own.bits) || nl_err_nomem(err);
    while (ok && next_bucket(stats, &bucket))
        ok = sweep_bucket(worker, bucket, &own, err);
    ok = ok && stats_pairs_finish(worker->pairs, err);
    free(own.keys);
    free(own.bits);
    free(own.words.words);
    free(own.scratch);
    return ok;
}
