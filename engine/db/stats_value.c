/* stats_value.c: values of each type: hashes that are equal where SQL's `=` says so, and an order.
 */
#include <string.h>

#include "data/sketch_number.h"
#include "db/stats_priv.h"

#include "base/banned.h"

static uint32_t at32(const uint8_t *bytes) {
    uint32_t v;
    memcpy(&v, bytes, sizeof v);
    return __builtin_bswap32(v);
}

static uint64_t at64(const uint8_t *bytes) {
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    return __builtin_bswap64(v);
}

stats_order stats_order_of(stats_kind kind) {
    switch (kind) {
    case KIND_INT2:
    case KIND_INT4:
    case KIND_INT8:
    case KIND_OID:
    case KIND_MONEY:
    case KIND_BOOL:
    case KIND_DATE:
    case KIND_TIMESTAMP:
    case KIND_TIMESTAMPTZ:
    case KIND_TIME:
        return ORDER_INTEGER;
    case KIND_FLOAT4:
    case KIND_FLOAT8:
        return ORDER_DOUBLE;
    case KIND_NUMERIC:
        return ORDER_NUMERIC;
    case KIND_TEXT:
    case KIND_BPCHAR:
    case KIND_ENUM:
    case KIND_UUID:
        return ORDER_BYTES;
    default:
        return ORDER_NONE;
    }
}

static bool read_double(double real, stats_value *value) {
    value->real = real;
    memcpy(&value->integer, &real, sizeof real);
    value->hash = nl_hash_double(real);
    return true;
}

/* Intervals are equal where they are as long, a month being 30 days and a day 24 hours. */
static bool read_interval(uint64_t seed, const uint8_t *bytes, stats_value *value) {
    const int64_t day_us = 86400000000;
    int64_t us = (int64_t)at64(bytes);
    int64_t days = (int64_t)(int32_t)at32(bytes + 12) * 30 + (int32_t)at32(bytes + 8);
    int64_t length[2] = { days + us / day_us, us % day_us };
    if (length[1] < 0) {
        length[0]--;
        length[1] += day_us;
    }
    value->hash = nl_hash_bytes(length, sizeof length, seed);
    return true;
}

/* The first eight bytes, as an integer in the same order. */
static int64_t beginning(const uint8_t *bytes, uint32_t size) {
    uint64_t word = 0;
    if (size >= sizeof word)
        return (int64_t)at64(bytes);
    for (uint32_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << (56 - 8 * i);
    return (int64_t)word;
}

static bool read_bytes(uint64_t seed, const uint8_t *bytes, uint32_t size, stats_value *value) {
    value->size = size;
    value->integer = beginning(bytes, size);
    value->hash = nl_hash_bytes(bytes, size, seed);
    return true;
}

static uint32_t trimmed(const uint8_t *bytes, uint32_t size) {
    while (size > 0 && bytes[size - 1] == ' ')
        size--;
    return size;
}

static bool fixed(const uint8_t *bytes, uint32_t size, uint32_t width) {
    return bytes && size == width;
}

/* Money and dates: integers, but of another family than numbers. */
static bool read_integer(uint64_t seed, int64_t integer, stats_value *value) {
    value->integer = integer;
    value->hash = nl_mix64((uint64_t)integer ^ seed);
    return true;
}

static bool read_number(int64_t integer, stats_value *value) {
    value->integer = integer;
    value->hash = nl_hash_integer(integer);
    return true;
}

static bool read_numeric(uint64_t seed, const uint8_t *bytes, uint32_t size, stats_value *value) {
    nl_numeric number;
    if (!nl_numeric_read(&number, bytes, size))
        return false;
    value->hash = nl_numeric_hash(&number, seed, &value->real);
    return true;
}

static bool read_float4(uint32_t bits, stats_value *value) {
    float single;
    memcpy(&single, &bits, sizeof single);
    return read_double((double)single, value);
}

static bool read_float8(uint64_t bits, stats_value *value) {
    double real;
    memcpy(&real, &bits, sizeof real);
    return read_double(real, value);
}

bool stats_value_read(stats_kind kind, uint64_t seed, const uint8_t *bytes, uint32_t size,
                      stats_value *value) {
    value->bytes = bytes;
    value->size = size;
    value->integer = 0;
    switch (kind) {
    case KIND_INT2:
        return fixed(bytes, size, 2) &&
               read_number((int16_t)((unsigned)bytes[0] << 8 | bytes[1]), value);
    case KIND_INT4:
        return fixed(bytes, size, 4) && read_number((int32_t)at32(bytes), value);
    case KIND_INT8:
        return fixed(bytes, size, 8) && read_number((int64_t)at64(bytes), value);
    case KIND_OID:
        return fixed(bytes, size, 4) && read_number((int64_t)at32(bytes), value);
    case KIND_FLOAT4:
        return fixed(bytes, size, 4) && read_float4(at32(bytes), value);
    case KIND_FLOAT8:
        return fixed(bytes, size, 8) && read_float8(at64(bytes), value);
    case KIND_NUMERIC:
        return read_numeric(seed, bytes, size, value);
    case KIND_BOOL:
        return fixed(bytes, size, 1) && read_integer(seed, bytes[0], value);
    case KIND_DATE:
        return fixed(bytes, size, 4) && read_integer(seed, (int32_t)at32(bytes), value);
    case KIND_MONEY:
    case KIND_TIMESTAMP:
    case KIND_TIMESTAMPTZ:
    case KIND_TIME:
        return fixed(bytes, size, 8) && read_integer(seed, (int64_t)at64(bytes), value);
    case KIND_INTERVAL:
        return fixed(bytes, size, 16) && read_interval(seed, bytes, value);
    case KIND_BPCHAR: /* spaces at the end do not count */
        return read_bytes(seed, bytes, trimmed(bytes, size), value);
    default:
        return read_bytes(seed, bytes, size, value);
    }
}

/* --- order -------------------------------------------------------------------------------------
 */

void stats_keep(stats_kept *kept, stats_order order, const stats_value *value) {
    kept->set = true;
    kept->size = value->size;
    kept->integer = value->integer;
    kept->real = value->real;
    if (order != ORDER_INTEGER && order != ORDER_DOUBLE)
        memcpy(kept->bytes, value->bytes, value->size < KEPT_BYTES ? value->size : KEPT_BYTES);
}

static int compare_doubles(double a, double b) { /* NaN is above all */
    if (a != a || b != b)
        return (a != a) - (b != b);
    return (a > b) - (a < b);
}

static int compare_bytes(const uint8_t *a, uint32_t n, const uint8_t *b, uint32_t m) {
    n = n < KEPT_BYTES ? n : KEPT_BYTES;
    m = m < KEPT_BYTES ? m : KEPT_BYTES;
    int way = memcmp(a, b, n < m ? n : m);
    return way ? way : (n > m) - (n < m);
}

static int compare(stats_order order, const stats_kept *a, const stats_value *b) {
    nl_numeric x, y;
    switch (order) {
    case ORDER_INTEGER:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case ORDER_DOUBLE:
        return compare_doubles(a->real, b->real);
    case ORDER_BYTES:
        return compare_bytes(a->bytes, a->size, b->bytes, b->size);
    case ORDER_NUMERIC: /* what is too long to be kept whole compares by its beginning */
        if (a->size > KEPT_BYTES || !nl_numeric_read(&x, a->bytes, a->size) ||
            !nl_numeric_read(&y, b->bytes, b->size))
            return 0;
        return nl_numeric_compare(&x, &y);
    default:
        return 0;
    }
}

int stats_compare(stats_order order, const stats_kept *kept, const stats_value *value) {
    return compare(order, kept, value);
}

int stats_compare_kept(stats_order order, const stats_kept *a, const stats_kept *b) {
    stats_value value = {
        .integer = b->integer, .real = b->real, .bytes = b->bytes, .size = b->size
    };
    if (order == ORDER_NUMERIC && b->size > KEPT_BYTES)
        return 0;
    return compare(order, a, &value);
}
