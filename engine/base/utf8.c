#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#include "base/banned.h"

/* Bytes at the start of s[0..n) that are ASCII, looked at eight at a time. */
static size_t ascii_run(const unsigned char *s, size_t n) {
    size_t i = 0;
    uint64_t word;
    for (; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, s + i, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    while (i < n && s[i] < 0x80)
        i++;
    return i;
}

size_t nl_utf8_span(const char *text, size_t size) {
    const unsigned char *s = (const unsigned char *)text, *end = s + size;
    for (;;) {
        s += ascii_run(s, (size_t)(end - s));
        if (s == end)
            break;
        size_t more = *s >= 0xF0 ? 3 : *s >= 0xE0 ? 2 : 1;
        unsigned least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
        if (*s < 0xC2 || *s > 0xF4 || (size_t)(end - s) <= more)
            break;
        unsigned c = *s & (0x3Fu >> more);
        bool whole = true;
        for (size_t i = 1; i <= more; i++) {
            whole = whole && (s[i] & 0xC0) == 0x80;
            c = c << 6 | (s[i] & 0x3Fu);
        }
        if (!whole || c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
            break;
        s += more + 1;
    }
    return (size_t)(s - (const unsigned char *)text);
}

bool nl_utf8_valid(const char *text, size_t size) {
    return nl_utf8_span(text, size) == size;
}
