/* sketch.h: what is kept of a column's values instead of the values. Pure arithmetic: no I/O, no
 * memory of its own but where a function says so.
 *
 * Hashes are 64 bits wide. Integers are hashed by a bijection, so they never collide with each
 * other; among n other distinct values two collide with a probability of about n^2 / 2^65 (a
 * thousand million values: 2.7 %; ten million: 0.0003 %). */
#ifndef NL_DATA_SKETCH_H
#define NL_DATA_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- hashes ---------------------------------------------------------------------------------- */

/* A bijection of 64-bit integers that mixes every bit: the finalizer of SplitMix64 (Steele, Lea,
 * Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014; constants of Stafford's
 * variant 13). */
static inline uint64_t nl_mix64(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* XXH3-64. */
uint64_t nl_hash_bytes(const void *bytes, size_t size, uint64_t seed);

/* --- distinct values: HyperLogLog ------------------------------------------------------------- */

/* Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, AofA 2007; estimated without bias over the whole
 * range by Ertl: New cardinality estimation algorithms for HyperLogLog sketches, 2017 (section 4).
 * 4,096 registers: a relative standard error of 1.04 / sqrt(4096) = 1.6 %. */
enum { NL_HLL_BITS = 12, NL_HLL_REGISTERS = 1 << NL_HLL_BITS };
typedef struct {
    uint8_t registers[NL_HLL_REGISTERS];
} nl_hll; /* zeroed: of no values */

void nl_hll_add(nl_hll *hll, uint64_t hash);
void nl_hll_merge(nl_hll *into, const nl_hll *other);
double nl_hll_estimate(const nl_hll *hll);
double nl_hll_error(void); /* the relative standard error */

/* --- distinct values and overlaps: the k least hashes ------------------------------------------
 */

/* KMV (Bar-Yossef et al.: Counting distinct elements in a data stream, RANDOM 2002; Beyer et al.:
 * On synopses for distinct-value estimation under multiset operations, SIGMOD 2007). Exact while
 * there are fewer than k values. Owns its memory. */
typedef struct {
    uint64_t *hashes; /* after nl_kmv_finish ascending, without duplicates */
    size_t n, k, room;
    uint64_t limit; /* hashes above it are not among the k least */
} nl_kmv;

void nl_kmv_init(nl_kmv *kmv, size_t k);
void nl_kmv_release(nl_kmv *kmv);
bool nl_kmv_add_slow(nl_kmv *kmv, uint64_t hash);
static inline bool nl_kmv_add(nl_kmv *kmv, uint64_t hash) { /* false: out of memory */
    return hash > kmv->limit || nl_kmv_add_slow(kmv, hash);
}
bool nl_kmv_merge(nl_kmv *into, const nl_kmv *other);
void nl_kmv_finish(nl_kmv *kmv);

/* Of finished sketches. The unbiased estimate is (k - 1) / (k-th least hash, as a share of all
 * hashes); its relative standard error is at most 1 / sqrt(k - 2), 0 where it is exact. */
double nl_kmv_distinct(const nl_kmv *kmv, double *error);
/* How many distinct values two columns share, and which share of the first one's are in the second:
 * counted among the first one's hashes below both limits, which are a uniform sample of its values.
 * *error: the standard error of the containment (of a sample's share); 0 where it is exact. */
typedef struct {
    double common, containment, error;
} nl_kmv_overlap;
nl_kmv_overlap nl_kmv_compare(const nl_kmv *of, const nl_kmv *in);

/* --- the most common values --------------------------------------------------------------------
 */

/* Lossy counting (Manku, Motwani: Approximate frequency counts over data streams, VLDB 2002), with
 * rounds that end when the table is full: then the least half goes. A value that is not in the
 * table occurred at most `bound` times; one that is occurred between count and count + missed
 * times. Exact (bound and every missed 0) while the distinct values fit. */
enum { NL_COMMON_BYTES = 128 };
#define NL_COMMON_UNKNOWN UINT32_MAX /* not an int, so not an enumerator */
typedef struct {
    uint64_t hash;
    uint64_t count;  /* 0: an empty slot */
    uint64_t missed; /* at most so many more were seen before it was kept */
    int64_t number;  /* the value where it is an integer, or the bits of a double; else 0 */
    uint32_t size;   /* of the value; more than NL_COMMON_BYTES: only its beginning is kept.
                      * NL_COMMON_UNKNOWN: it is not kept yet */
} nl_common_entry;
typedef struct {
    nl_common_entry *slots;
    uint8_t *bytes;         /* NL_COMMON_BYTES of each slot; NULL: numbers only */
    nl_common_entry *spare; /* where a new round is put together */
    uint8_t *spare_bytes;
    size_t room, n; /* slots, a power of two; at most 3/4 of them are used */
    uint64_t bound;
} nl_common;

/* `room`: a power of two, 16 at least. */
bool nl_common_init(nl_common *common, size_t room, bool with_bytes);
void nl_common_release(nl_common *common); /* zeroed is fine */
/* The slot of `hash`, or the empty one where it would go. */
static inline nl_common_entry *nl_common_slot(const nl_common *common, uint64_t hash) {
    size_t mask = common->room - 1, at = (size_t)hash & mask;
    while (common->slots[at].count && common->slots[at].hash != hash)
        at = (at + 1) & mask;
    return &common->slots[at];
}
void nl_common_insert(nl_common *common, uint64_t hash, int64_t number, const void *bytes,
                      size_t size);
void nl_common_keep(nl_common *common, nl_common_entry *slot, const void *bytes, size_t size);
static inline void nl_common_add(nl_common *common, uint64_t hash, int64_t number,
                                 const void *bytes, size_t size) {
    nl_common_entry *slot = nl_common_slot(common, hash);
    if (!slot->count) {
        nl_common_insert(common, hash, number, bytes, size);
        return;
    }
    slot->count++;
    if (slot->size == NL_COMMON_UNKNOWN)
        nl_common_keep(common, slot, bytes, size);
}
/* The counts of other rows. */
bool nl_common_merge(nl_common *into, const nl_common *other);
const uint8_t *nl_common_value(const nl_common *common, const nl_common_entry *slot);
/* The up to `n` most common ones, the most common first (the lesser hash first among equals), that
 * are surely more common than every value that is not told; returns how many. */
size_t nl_common_top(const nl_common *common, const nl_common_entry **top, size_t n);

#endif
