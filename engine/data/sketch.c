#include "data/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/banned.h"

uint64_t nl_hash_bytes(const void *bytes, size_t size, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, size, seed);
}

/* --- HyperLogLog ------------------------------------------------------------------------------ */

void nl_hll_add(nl_hll *hll, uint64_t hash) {
    size_t at = (size_t)(hash >> (64 - NL_HLL_BITS));
    uint64_t rest = hash << NL_HLL_BITS;
    int zeros = rest ? __builtin_clzll(rest) : 64 - NL_HLL_BITS;
    if (hll->registers[at] < zeros + 1)
        hll->registers[at] = (uint8_t)(zeros + 1);
}

void nl_hll_merge(nl_hll *into, const nl_hll *other) {
    for (size_t i = 0; i < NL_HLL_REGISTERS; i++) {
        if (into->registers[i] < other->registers[i])
            into->registers[i] = other->registers[i];
    }
}

/* Ertl's sigma and tau: what the registers at 0 and at the top stand for. */
static double sigma(double x) {
    double y = 1, z = x, before;
    if (x == 1)
        return HUGE_VAL;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x) {
    if (x == 0 || x == 1)
        return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

double nl_hll_estimate(const nl_hll *hll) {
    enum { TOP = 64 - NL_HLL_BITS };
    const double m = NL_HLL_REGISTERS;
    unsigned counts[TOP + 2] = { 0 };
    for (size_t i = 0; i < NL_HLL_REGISTERS; i++)
        counts[hll->registers[i]]++;
    double z = m * tau(1 - counts[TOP + 1] / m);
    for (int k = TOP; k >= 1; k--)
        z = 0.5 * (z + counts[k]);
    z += m * sigma(counts[0] / m);
    return m / (2 * log(2)) * m / z;
}

double nl_hll_error(void) {
    return 1.04 / sqrt(NL_HLL_REGISTERS);
}

/* --- the k least hashes ------------------------------------------------------------------------
 */

void nl_kmv_init(nl_kmv *kmv, size_t k) {
    *kmv = (nl_kmv){ .k = k < 3 ? 3 : k, .limit = UINT64_MAX };
}

void nl_kmv_release(nl_kmv *kmv) {
    free(kmv->hashes);
    *kmv = (nl_kmv){ .k = kmv->k, .limit = UINT64_MAX };
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void nl_kmv_finish(nl_kmv *kmv) {
    size_t n = 0;
    if (kmv->n > 1)
        qsort(kmv->hashes, kmv->n, sizeof *kmv->hashes, by_value);
    for (size_t i = 0; i < kmv->n; i++) {
        if (n == 0 || kmv->hashes[n - 1] != kmv->hashes[i])
            kmv->hashes[n++] = kmv->hashes[i];
    }
    kmv->n = n < kmv->k ? n : kmv->k;
    if (kmv->n == kmv->k)
        kmv->limit = kmv->hashes[kmv->k - 1];
}

/* Hashes gather unsorted in room for 2 k; each time it is full the least k stay. */
bool nl_kmv_add_slow(nl_kmv *kmv, uint64_t hash) {
    if (kmv->k == 0)
        return true; /* keeps none */
    if (kmv->n == kmv->room && kmv->room == 2 * kmv->k)
        nl_kmv_finish(kmv);
    if (kmv->n == kmv->room) {
        size_t room = kmv->room > 0 ? 2 * kmv->room : 64;
        if (room > 2 * kmv->k)
            room = 2 * kmv->k;
        uint64_t *bigger = realloc(kmv->hashes, room * sizeof *bigger);
        if (!bigger)
            return false;
        kmv->hashes = bigger;
        kmv->room = room;
    }
    kmv->hashes[kmv->n++] = hash;
    return true;
}

bool nl_kmv_merge(nl_kmv *into, const nl_kmv *other) {
    bool ok = true;
    for (size_t i = 0; i < other->n && ok; i++)
        ok = nl_kmv_add(into, other->hashes[i]);
    return ok;
}

static const double ALL_HASHES = 18446744073709551616.0; /* 2^64 */

double nl_kmv_distinct(const nl_kmv *kmv, double *error) {
    bool exact = kmv->n < kmv->k;
    *error = exact ? 0 : 1 / sqrt((double)kmv->k - 2);
    if (exact)
        return (double)kmv->n;
    return ((double)kmv->k - 1) / (((double)kmv->limit + 1) / ALL_HASHES);
}

nl_kmv_overlap nl_kmv_compare(const nl_kmv *of, const nl_kmv *in) {
    bool exact = of->n < of->k && in->n < in->k;
    uint64_t limit = of->n < of->k ? UINT64_MAX : of->limit;
    size_t seen = 0, shared = 0, j = 0;
    nl_kmv_overlap overlap = { 0 };
    if (in->n == in->k && in->limit < limit)
        limit = in->limit;
    for (size_t i = 0; i < of->n && of->hashes[i] <= limit; i++, seen++) {
        while (j < in->n && in->hashes[j] < of->hashes[i])
            j++;
        shared += j < in->n && in->hashes[j] == of->hashes[i];
    }
    if (seen == 0)
        return overlap;
    double share = (double)shared / (double)seen, unused;
    /* no spread seen is not none: at least that of one more of the other kind */
    double careful = ((double)shared + 1) / ((double)seen + 2);
    overlap.containment = share;
    overlap.common = share * nl_kmv_distinct(of, &unused);
    overlap.error = exact ? 0 : sqrt(careful * (1 - careful) / (double)seen);
    return overlap;
}
