/* utf8.h: is it UTF-8? */
#ifndef NL_BASE_UTF8_H
#define NL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes at the start of text[0..size) that are valid UTF-8: no surrogates, no overlong forms, at
 * most U+10FFFF; never ends inside a character. */
size_t nl_utf8_span(const char *text, size_t size);
/* Is all of it? */
bool nl_utf8_valid(const char *text, size_t size);

#endif
