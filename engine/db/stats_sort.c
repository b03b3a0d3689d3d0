/* stats_sort.c: sorting a bucket. Its words begin with bits of a hash, so two passes of a radix
 * sort over the highest 16 bits leave next to nothing to do but where one hash occurs many times.
 */
#include <stdlib.h>

#include "db/stats_priv.h"

#include "base/banned.h"

enum { RADIX = 256, SMALL = 48, MOVES = 64 };

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* What is nearly in order takes one look at each word; words that are equal but for their lowest
 * bits cost nothing more. False, with some still out of order, where it takes many moves: one hash
 * has occurred many times beside another with the same beginning. */
static bool insert(uint64_t *words, size_t n, unsigned ignored, size_t moves) {
    for (size_t i = 1; i < n; i++) {
        uint64_t word = words[i];
        if (words[i - 1] >> ignored <= word >> ignored)
            continue;
        size_t at = i;
        for (; at > 0 && words[at - 1] >> ignored > word >> ignored; at--)
            words[at] = words[at - 1];
        words[at] = word;
        if (i - at > moves)
            return false;
        moves -= i - at;
    }
    return true;
}

static void pass(const uint64_t *from, uint64_t *to, size_t n, unsigned shift, size_t *counts) {
    size_t sum = 0;
    for (size_t i = 0; i < RADIX; i++) {
        size_t count = counts[i];
        counts[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[from[i] >> shift & (RADIX - 1)]++] = from[i];
}

uint64_t *stats_sort(uint64_t *words, uint64_t *scratch, size_t n, unsigned ignored) {
    size_t low[RADIX] = { 0 }, high[RADIX] = { 0 };
    if (n > SMALL) {
        for (size_t i = 0; i < n; i++) {
            low[words[i] >> 48 & (RADIX - 1)]++;
            high[words[i] >> 56]++;
        }
        pass(words, scratch, n, 48, low);
        pass(scratch, words, n, 56, high);
    }
    if (!insert(words, n, ignored, n * MOVES))
        qsort(words, n, sizeof *words, by_value);
    return words;
}
