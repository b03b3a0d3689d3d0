#include "data/needles_text.h"

#include <string.h>

#include "data/needles.h"

#include "base/banned.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_ascii_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A letter of an alphabet whose words stand apart. Others (Chinese, Thai, …) are written without
 * spaces, so that the edge of a value among them cannot be seen: a find too many is the safe side.
 */
static bool is_letter(unsigned point) {
    return (point >= 0xC0 && point <= 0x24F && point != 0xD7 && point != 0xF7) ||
           (point >= 0x370 && point <= 0x52F) || (point >= 0x1E00 && point <= 0x1FFF);
}

/* Reads two or three bytes of UTF-8 of which the first is `lead`; 0 for all else. */
static unsigned point_of(const unsigned char *at, size_t left) {
    if (left >= 2 && (at[0] & 0xE0) == 0xC0 && (at[1] & 0xC0) == 0x80)
        return (at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu);
    if (left >= 3 && (at[0] & 0xF0) == 0xE0 && (at[1] & 0xC0) == 0x80 && (at[2] & 0xC0) == 0x80)
        return (at[0] & 0xFu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
    return 0;
}

static bool letter_at(const char *text, size_t size, size_t at) {
    if (at >= size)
        return false;
    if (!((unsigned char)text[at] & 0x80))
        return is_ascii_word(text[at]);
    return is_letter(point_of((const unsigned char *)text + at, size - at));
}

static bool letter_before(const char *text, size_t size, size_t at) {
    size_t start = at;
    if (at == 0)
        return false;
    do
        start--;
    while (start > 0 && at - start < 3 && ((unsigned char)text[start] & 0xC0) == 0x80);
    return letter_at(text, size, start);
}

/* --- values -------------------------------------------------------------------------------- */

static bool is_date(const char *v, size_t size) {
    static const char form[] = "dddd-dd-dd";
    if (size < 10)
        return false;
    for (size_t i = 0; i < 10; i++) {
        if (form[i] == 'd' ? !is_digit(v[i]) : v[i] != '-')
            return false;
    }
    return size == 10 || v[10] == ' ' || v[10] == 'T';
}

/* The first of a month, at midnight if at any time. */
static bool is_round_date(const char *v, size_t size) {
    if (v[8] != '0' || v[9] != '1')
        return false;
    for (size_t i = 11; i < size && v[i] != '+' && v[i] != '-'; i++) {
        if (v[i] != '0' && v[i] != ':' && v[i] != '.')
            return false;
    }
    return true;
}

static bool is_number(const char *v, size_t size, bool *point) {
    size_t digits = 0;
    *point = false;
    for (size_t i = 0; i < size; i++) {
        if (v[i] == '.' && !*point && digits > 0)
            *point = true;
        else if (is_digit(v[i]))
            digits++;
        else
            return false;
    }
    return digits > 0;
}

static bool is_round_number(const char *v, size_t size) {
    if (v[0] == '0')
        return false; /* 000120 is a code */
    for (size_t i = 2; i < size; i++) {
        if (v[i] != '0')
            return false;
    }
    return true;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

enum nl_needle_kind nl_needle_read(const char **value, size_t *size) {
    const char *v = *value;
    size_t n = *size;
    bool point;
    while (n > 0 && is_space(v[0]))
        v++, n--;
    while (n > 0 && is_space(v[n - 1]))
        n--;
    size_t sign = n > 1 && (v[0] == '-' || v[0] == '+');
    bool number = is_number(v + sign, n - sign, &point);
    if (number && v[0] != '+') { /* +49… may be a telephone number */
        v += sign, n -= sign;
    }
    if (number && point) {
        while (v[n - 1] == '0')
            n--;
        n -= v[n - 1] == '.';
        point = memchr(v, '.', n) != NULL;
    }
    *value = v;
    *size = n;
    if (n < (size_t)NL_NEEDLE_LEAST + (number && point))
        return NL_NEEDLE_NOTHING;
    if (number)
        return !point && is_round_number(v, n) ? NL_NEEDLE_NOTHING : NL_NEEDLE_NUMBER;
    if (is_date(v, n))
        return is_round_date(v, n) ? NL_NEEDLE_NOTHING : NL_NEEDLE_DATE;
    return NL_NEEDLE_TEXT;
}

/* --- places -------------------------------------------------------------------------------- */

/* Behind a number: zeros that change nothing, then no further digit, point or letter of a longer
 * one. */
static bool number_ends(const char *text, size_t size, size_t from, size_t to) {
    size_t at = to;
    bool point = memchr(text + from, '.', to - from) != NULL;
    if (!point && at + 1 < size && text[at] == '.' && is_digit(text[at + 1])) {
        at++;
        point = true;
    }
    while (point && at < size && text[at] == '0')
        at++;
    return !letter_at(text, size, at) &&
           !(at + 1 < size && text[at] == '.' && is_digit(text[at + 1]));
}

bool nl_needle_stands_alone(enum nl_needle_kind kind, const char *text, size_t size, size_t from,
                            size_t to) {
    if (letter_at(text, size, from) && letter_before(text, size, from))
        return false;
    if (kind == NL_NEEDLE_NUMBER) {
        bool longer = from >= 2 && text[from - 1] == '.' && is_digit(text[from - 2]);
        return !longer && number_ends(text, size, from, to);
    }
    if (kind == NL_NEEDLE_DATE && to < size && text[to] == 'T')
        return true; /* 2024-05-17T10:00 */
    return !letter_before(text, size, to) || !letter_at(text, size, to);
}

/* --- spellings ------------------------------------------------------------------------------ */

static int hex_of(char c) {
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool four_hex(const char *text, size_t left, unsigned *value) {
    *value = 0;
    if (left < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_of(text[i]);
        if (digit < 0)
            return false;
        *value = *value << 4 | (unsigned)digit;
    }
    return true;
}

static void put_point(nl_buf *out, unsigned point) {
    char bytes[4];
    size_t n = 0;
    if (point < 0x80) {
        bytes[n++] = (char)point;
    } else if (point < 0x800) {
        bytes[n++] = (char)(0xC0 | point >> 6);
        bytes[n++] = (char)(0x80 | (point & 0x3F));
    } else {
        if (point < 0x10000) {
            bytes[n++] = (char)(0xE0 | point >> 12);
        } else {
            bytes[n++] = (char)(0xF0 | point >> 18);
            bytes[n++] = (char)(0x80 | (point >> 12 & 0x3F));
        }
        bytes[n++] = (char)(0x80 | (point >> 6 & 0x3F));
        bytes[n++] = (char)(0x80 | (point & 0x3F));
    }
    (void)nl_buf_add(out, bytes, n);
}

/* \uXXXX, or the pair of a character beyond U+FFFF, at text[at] behind "\u"; bytes read, 0 where it
 * is none. */
static size_t put_unicode(nl_buf *out, const char *text, size_t left) {
    unsigned high, low;
    if (!four_hex(text, left, &high))
        return 0;
    if (high >= 0xD800 && high < 0xDC00 && left >= 10 && text[4] == '\\' && text[5] == 'u' &&
        four_hex(text + 6, left - 6, &low) && low >= 0xDC00 && low < 0xE000) {
        put_point(out, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
        return 10;
    }
    put_point(out, high);
    return 4;
}

void nl_needle_unescape(nl_buf *out, const char *text, size_t size) {
    static const char names[] = "nrtbf", means[] = "\n\r\t\b\f";
    size_t at = 0;
    while (at < size) {
        const char *next = memchr(text + at, '\\', size - at);
        size_t plain = next ? (size_t)(next - text) - at : size - at;
        (void)nl_buf_add(out, text + at, plain);
        at += plain;
        if (at + 1 >= size) {
            (void)nl_buf_add(out, text + at, size - at);
            return;
        }
        char c = text[at + 1];
        const char *name = c ? strchr(names, c) : NULL;
        at += 2;
        if (c == 'u') {
            size_t n = put_unicode(out, text + at, size - at);
            if (n == 0)
                (void)nl_buf_str(out, "\\u");
            at += n;
        } else {
            (void)nl_buf_char(out, name ? means[name - names] : c);
        }
    }
}

void nl_needle_unquote(nl_buf *out, const char *text, size_t size) {
    size_t at = 0;
    while (at < size) {
        const char *next = memchr(text + at, '\'', size - at);
        size_t plain = next ? (size_t)(next - text) - at + 1 : size - at;
        (void)nl_buf_add(out, text + at, plain);
        at += plain;
        if (next && at < size && text[at] == '\'')
            at++;
    }
}

bool nl_needle_word(const char *text, size_t size, size_t *at, size_t *from, size_t *to) {
    size_t i = *at;
    while (i < size && !is_ascii_word(text[i]) && text[i] != '_' && !(text[i] & 0x80))
        i++;
    *from = i;
    while (i < size && (is_ascii_word(text[i]) || text[i] == '_' || (text[i] & 0x80)))
        i++;
    *to = *at = i;
    return *to > *from;
}
