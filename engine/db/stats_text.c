/* stats_text.c: values as PostgreSQL writes them (DateStyle ISO, time zone UTC). */
#include <arpa/inet.h>
#include <string.h>

#include "base/utf8.h"
#include "data/sketch_number.h"
#include "db/stats_priv.h"

#include "base/banned.h"

static const int64_t DAY_US = 86400000000;

/* Days since 2000-01-01 as a date of the proleptic Gregorian calendar (Richards' algorithm, as in
 * Explanatory supplement to the astronomical almanac, 2013, section 15.11). */
static void write_date(nl_buf *out, int64_t days, bool *before_christ) {
    int64_t julian = days + 2451545;
    int64_t f = julian + 1401 + (4 * julian + 274277) / 146097 * 3 / 4 - 38;
    int64_t e = 4 * f + 3, g = e % 1461 / 4, h = 5 * g + 2;
    int64_t day = h % 153 / 5 + 1, month = (h / 153 + 2) % 12 + 1;
    int64_t year = e / 1461 - 4716 + (14 - month) / 12;
    *before_christ = year <= 0;
    nl_buf_printf(out, "%04lld-%02lld-%02lld", (long long)(year <= 0 ? 1 - year : year),
                  (long long)month, (long long)day);
}

static void write_time(nl_buf *out, int64_t us) {
    long long seconds = us / 1000000, rest = us % 1000000;
    nl_buf_printf(out, "%02lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (rest) {
        char text[16];
        int n = 6;
        for (int i = 5; i >= 0; i--, rest /= 10)
            text[i] = (char)('0' + rest % 10);
        while (text[n - 1] == '0')
            n--;
        nl_buf_char(out, '.');
        nl_buf_add(out, text, (size_t)n);
    }
}

static void write_timestamp(nl_buf *out, int64_t us, const char *zone) {
    bool bc;
    if (us == INT64_MAX || us == INT64_MIN) {
        nl_buf_str(out, us > 0 ? "infinity" : "-infinity");
        return;
    }
    int64_t days = us / DAY_US, rest = us % DAY_US;
    if (rest < 0) {
        days--;
        rest += DAY_US;
    }
    write_date(out, days, &bc);
    nl_buf_char(out, ' ');
    write_time(out, rest);
    nl_buf_str(out, zone);
    nl_buf_str(out, bc ? " BC" : "");
}

static void write_day(nl_buf *out, int64_t days) {
    bool bc;
    if (days == INT32_MAX || days == INT32_MIN) {
        nl_buf_str(out, days > 0 ? "infinity" : "-infinity");
        return;
    }
    write_date(out, days, &bc);
    nl_buf_str(out, bc ? " BC" : "");
}

static void write_uuid(nl_buf *out, const uint8_t *bytes) {
    for (int i = 0; i < 16; i++)
        nl_buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
}

/* Text of a database without an encoding may be anything; what is cut may end inside a character.
 */
static void write_utf8(nl_buf *out, const uint8_t *bytes, size_t size, bool cut) {
    const char *at = (const char *)bytes;
    while (size > 0) {
        size_t span = nl_utf8_span(at, size);
        nl_buf_add(out, at, span);
        at += span;
        size -= span;
        if (size > 0) {
            if (!(cut && size < 4))
                nl_buf_str(out, "\xEF\xBF\xBD");
            at++;
            size--;
        }
    }
}

static void write_number(nl_buf *out, stats_kind kind, const uint8_t *bytes, size_t size) {
    char text[1024];
    nl_numeric number;
    (void)kind;
    if (nl_numeric_read(&number, bytes, size))
        nl_buf_add(out, text, nl_numeric_text(&number, text, sizeof text));
}

static void write_double(nl_buf *out, int64_t bits, bool single) {
    char text[64];
    double real;
    memcpy(&real, &bits, sizeof real);
    nl_buf_add(out, text, nl_double_text(real, single, text, sizeof text));
}

bool stats_text(nl_buf *out, stats_kind kind, int64_t integer, const uint8_t *bytes, size_t size) {
    size_t most = size < KEPT_BYTES ? size : KEPT_BYTES;
    switch (kind) {
    case KIND_INT2:
    case KIND_INT4:
    case KIND_INT8:
    case KIND_OID:
        return nl_buf_printf(out, "%lld", (long long)integer);
    case KIND_MONEY: /* without the currency: that, and its decimals, are the server's lc_monetary
                      */
        return nl_buf_printf(out, "%lld", (long long)integer);
    case KIND_BOOL:
        return nl_buf_str(out, integer ? "true" : "false");
    case KIND_FLOAT4:
    case KIND_FLOAT8:
        write_double(out, integer, kind == KIND_FLOAT4);
        return true;
    case KIND_NUMERIC:
        if (size > most)
            return false;
        write_number(out, kind, bytes, size);
        return true;
    case KIND_DATE:
        write_day(out, integer);
        return true;
    case KIND_TIMESTAMP:
    case KIND_TIMESTAMPTZ:
        write_timestamp(out, integer, kind == KIND_TIMESTAMPTZ ? "+00" : "");
        return true;
    case KIND_TIME:
        write_time(out, integer);
        return true;
    case KIND_UUID:
        write_uuid(out, bytes);
        return true;
    case KIND_TEXT:
    case KIND_BPCHAR:
    case KIND_ENUM:
        write_utf8(out, bytes, most, most < size);
        return true;
    default:
        return false;
    }
}
