/* sketch_number.h: numbers of different types that are equal in SQL get the same hash.
 *
 * int2, int4, int8, numeric, float4 and float8 are one family. A value that is an integer of 64
 * bits is hashed as that; any other that a double holds to 15 significant digits as that double;
 * what is left (longer decimals) by its digits. So numbers compare as `=` does, with two
 * exceptions: a numeric of more than 15 significant digits is never equal to a double that is not
 * an integer, and beyond 2^53 an integer equals a double only where it is exactly the same. */
#ifndef NL_DATA_SKETCH_NUMBER_H
#define NL_DATA_SKETCH_NUMBER_H

#include "data/sketch.h"

static inline uint64_t nl_hash_integer(int64_t value) {
    return nl_mix64((uint64_t)value ^ 0x6e756d626572u);
}
/* All NaNs are one value, as in PostgreSQL; so are 0 and -0. */
uint64_t nl_hash_double(double value);

/* A numeric as PostgreSQL sends it in binary: 16-bit big-endian numbers. */
typedef struct {
    const uint8_t *digits; /* to base 10,000, the first one not 0 */
    unsigned n, scale;     /* digits; decimals shown */
    int weight;            /* of the first digit: times 10,000 to the power of it */
    enum { NL_NUMBER_FINITE, NL_NUMBER_NAN, NL_NUMBER_INFINITE } kind;
    bool negative;
} nl_numeric;

/* False where the bytes are no numeric. Zeros before and after are left out. */
bool nl_numeric_read(nl_numeric *number, const void *bytes, size_t size);
/* *near: a double in the same order as the numbers, equal for some that are not; NaN: unknown. */
uint64_t nl_numeric_hash(const nl_numeric *number, uint64_t seed, double *near);
/* -1, 0, 1; NaN is above all. */
int nl_numeric_compare(const nl_numeric *a, const nl_numeric *b);
/* As PostgreSQL writes it, in `text`; what does not fit is cut. Returns the length. */
size_t nl_numeric_text(const nl_numeric *number, char *text, size_t room);
/* The shortest text that reads as the same double (of a float4: `single`). */
size_t nl_double_text(double value, bool single, char *text, size_t room);

#endif
