#include "data/sketch_number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { BASE = 10000, BASE_DIGITS = 4, SURE_DIGITS = 15, EXACT_POWER = 22 };

static const uint64_t DOUBLE_SEED = 0x9e3779b97f4a7c15u;

uint64_t nl_hash_double(double value) {
    uint64_t bits;
    if (value >= -9223372036854775808.0 && value < 9223372036854775808.0 &&
        value == (double)(int64_t)value)
        return nl_hash_integer((int64_t)value);
    if (isnan(value))
        value = (double)NAN;
    memcpy(&bits, &value, sizeof bits);
    return nl_mix64(nl_mix64(bits) + DOUBLE_SEED);
}

/* --- numeric ---------------------------------------------------------------------------------- */

static unsigned at16(const uint8_t *bytes) {
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static unsigned digit(const nl_numeric *number, unsigned i) {
    return i < number->n ? at16(number->digits + 2 * i) : 0;
}

bool nl_numeric_read(nl_numeric *number, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    if (size < 8 || size != 8 + 2 * (size_t)at16(at))
        return false;
    unsigned sign = at16(at + 4);
    *number = (nl_numeric){
        .digits = at + 8, .n = at16(at), .weight = (int16_t)at16(at + 2), .scale = at16(at + 6)
    };
    number->kind = sign == 0xC000                     ? NL_NUMBER_NAN
                   : sign == 0xD000 || sign == 0xF000 ? NL_NUMBER_INFINITE
                                                      : NL_NUMBER_FINITE;
    number->negative = sign == 0x4000 || sign == 0xF000;
    if (number->kind != NL_NUMBER_FINITE)
        number->n = 0;
    for (; number->n > 0 && at16(number->digits) == 0; number->n--, number->weight--)
        number->digits += 2;
    while (number->n > 0 && digit(number, number->n - 1) == 0)
        number->n--;
    if (number->n == 0 && number->kind == NL_NUMBER_FINITE) {
        number->weight = 0;
        number->negative = false;
    }
    return true;
}

/* The value as an integer of 64 bits, where it is one. */
static bool as_integer(const nl_numeric *number, int64_t *value) {
    uint64_t sum = 0;
    if ((int)number->n > number->weight + 1)
        return number->n == 0 && (*value = 0, true);
    if (number->weight > 4)
        return false;
    for (int i = 0; i <= number->weight; i++) {
        if (__builtin_mul_overflow(sum, (uint64_t)BASE, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)digit(number, (unsigned)i), &sum))
            return false;
    }
    if (sum > (uint64_t)INT64_MAX + number->negative)
        return false;
    *value = (int64_t)(number->negative ? 0 - sum : sum);
    return true;
}

static double power_of_ten(int n) {
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    return powers[n];
}

/* The nearest double of a value of at most 15 significant digits. Both operands are exact doubles
 * where the power is small, so one rounding is the right one (Clinger: How to read floating point
 * numbers accurately, PLDI 1990). */
static bool as_double(const nl_numeric *number, double *value) {
    unsigned last = number->n - 1, first = digit(number, 0), tail = digit(number, last);
    int significant = first >= 1000 ? 4 : first >= 100 ? 3 : first >= 10 ? 2 : 1;
    int zeros = tail % 1000 == 0 ? 3 : tail % 100 == 0 ? 2 : tail % 10 == 0 ? 1 : 0;
    if (last > 4 || significant + (int)last * BASE_DIGITS - zeros > SURE_DIGITS)
        return false;
    uint64_t sum = 0;
    for (unsigned i = 0; i < last; i++)
        sum = sum * BASE + digit(number, i);
    for (int i = 0; i < BASE_DIGITS - zeros; i++)
        sum *= 10;
    sum += tail / (unsigned)power_of_ten(zeros);
    int power = (number->weight - (int)last) * BASE_DIGITS + zeros;
    if (power >= -EXACT_POWER && power <= EXACT_POWER) {
        *value = power < 0 ? (double)sum / power_of_ten(-power) : (double)sum * power_of_ten(power);
    } else {
        char text[48];
        (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)sum, power);
        *value = strtod(text, NULL);
    }
    if (number->negative)
        *value = -*value;
    return isfinite(*value) && fabs(*value) >= DBL_MIN;
}

uint64_t nl_numeric_hash(const nl_numeric *number, uint64_t seed, double *near) {
    int64_t integer;
    *near = (double)NAN;
    if (number->kind == NL_NUMBER_NAN)
        return nl_hash_double((double)NAN);
    if (number->kind == NL_NUMBER_INFINITE)
        return nl_hash_double(number->negative ? -HUGE_VAL : HUGE_VAL);
    if (as_integer(number, &integer)) {
        *near = (double)integer;
        return nl_hash_integer(integer);
    }
    double value;
    if (as_double(number, &value)) {
        *near = value;
        return nl_hash_double(value);
    }
    uint64_t place = (uint64_t)(int64_t)number->weight << 1 | number->negative;
    return nl_hash_bytes(number->digits, (size_t)number->n * 2, seed ^ nl_mix64(place));
}

static int rank(const nl_numeric *number) {
    if (number->kind == NL_NUMBER_NAN)
        return 3;
    if (number->kind == NL_NUMBER_INFINITE)
        return number->negative ? -2 : 2;
    return number->n == 0 ? 0 : number->negative ? -1 : 1;
}

int nl_numeric_compare(const nl_numeric *a, const nl_numeric *b) {
    int x = rank(a), y = rank(b);
    if (x != y || x == 0 || a->kind != NL_NUMBER_FINITE)
        return (x > y) - (x < y);
    int way = x;
    if (a->weight != b->weight)
        return a->weight > b->weight ? way : -way;
    for (unsigned i = 0; i < a->n || i < b->n; i++) {
        unsigned p = digit(a, i), q = digit(b, i);
        if (p != q)
            return p > q ? way : -way;
    }
    return 0;
}

/* --- text ------------------------------------------------------------------------------------- */

struct text {
    char *at;
    size_t size, room;
};

static void put(struct text *text, char c) {
    if (text->size + 1 < text->room)
        text->at[text->size++] = c;
}

static void put_digits(struct text *text, unsigned value, int n) {
    static const unsigned powers[] = { 1000, 100, 10, 1 };
    for (int i = 0; i < n; i++)
        put(text, (char)('0' + value / powers[i] % 10));
}

size_t nl_numeric_text(const nl_numeric *number, char *text, size_t room) {
    struct text out = { text, 0, room };
    if (number->kind != NL_NUMBER_FINITE) {
        const char *word = number->kind == NL_NUMBER_NAN ? "NaN"
                           : number->negative            ? "-Infinity"
                                                         : "Infinity";
        (void)snprintf(text, room, "%s", word);
        return strlen(text);
    }
    if (number->negative)
        put(&out, '-');
    if (number->weight < 0) {
        put(&out, '0');
    } else {
        unsigned first = digit(number, 0);
        int skip = first >= 1000 ? 0 : first >= 100 ? 1 : first >= 10 ? 2 : 3;
        for (; skip < 4; skip++)
            put(&out, (char)('0' + first / (unsigned)power_of_ten(3 - skip) % 10));
        for (int i = 1; i <= number->weight; i++)
            put_digits(&out, digit(number, (unsigned)i), BASE_DIGITS);
    }
    if (number->scale > 0)
        put(&out, '.');
    int index = number->weight + 1; /* of the first four decimals */
    for (int left = (int)number->scale; left > 0; left -= BASE_DIGITS, index++)
        put_digits(&out, index < 0 ? 0 : digit(number, (unsigned)index),
                   left < BASE_DIGITS ? left : BASE_DIGITS);
    if (room > 0)
        text[out.size] = '\0';
    return out.size;
}

size_t nl_double_text(double value, bool single, char *text, size_t room) {
    int digits = single ? FLT_DIG : DBL_DIG, most = single ? 9 : 17, sure = digits;
    if (!isfinite(value)) {
        (void)snprintf(text, room, "%s",
                       isnan(value) ? "NaN"
                       : value < 0  ? "-Infinity"
                                    : "Infinity");
        return strlen(text);
    }
    for (; digits <= most; digits++) {
        (void)snprintf(text, room, "%.*g", digits, value);
        if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    if (digits > sure && fabs(value) >= power_of_ten(sure))
        (void)snprintf(text, room, "%.*e", digits - 1, value);
    return strlen(text);
}
