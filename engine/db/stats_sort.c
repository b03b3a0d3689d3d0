/* stats_sort.c: sorting a bucket. Its words begin with bits of a hash, so two passes of a radix
 * sort over the highest 16 bits leave next to nothing to do but where one hash occurs many times.
 */
#include <stdlib.h>

#include "db/stats_priv.h"

#include "base/banned.h"

enum { RADIX = 256, SMALL = 48, MANY = 4096 };

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Words that are equal but for their lowest bits cost nothing here. */
static void insert(uint64_t *words, size_t n, unsigned ignored) {
    for (size_t i = 1; i < n; i++) {
        uint64_t word = words[i];
        size_t at = i;
        for (; at > 0 && words[at - 1] >> ignored > word >> ignored; at--)
            words[at] = words[at - 1];
        words[at] = word;
    }
}

static void sort_run(uint64_t *words, size_t n, unsigned ignored) {
    if (n <= SMALL || (ignored > 0 && n <= MANY))
        insert(words, n, ignored);
    else
        qsort(words, n, sizeof *words, by_value);
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
    if (n <= SMALL) {
        insert(words, n, ignored);
        return words;
    }
    for (size_t i = 0; i < n; i++) {
        low[words[i] >> 48 & (RADIX - 1)]++;
        high[words[i] >> 56]++;
    }
    pass(words, scratch, n, 48, low);
    pass(scratch, words, n, 56, high);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && words[end] >> 48 == words[i] >> 48;)
            end++;
        if (end - i > 1)
            sort_run(words + i, end - i, ignored);
    }
    return words;
}
