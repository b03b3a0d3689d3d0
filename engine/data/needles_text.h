/* needles_text.h: how values and texts are read for needles.h. */
#ifndef NL_DATA_NEEDLES_TEXT_H
#define NL_DATA_NEEDLES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum nl_needle_kind { NL_NEEDLE_TEXT, NL_NEEDLE_NUMBER, NL_NEEDLE_DATE, NL_NEEDLE_NOTHING };

/* What a value is, and which of its bytes count: white space at its ends, a number's sign and its
 * zeros at the end behind a point do not. NL_NEEDLE_NOTHING: it is not worth looking for. */
enum nl_needle_kind nl_needle_read(const char **value, size_t *size);

/* May text[from..to), which is the value byte for byte, be the value, and not a part of something
 * longer? */
bool nl_needle_stands_alone(enum nl_needle_kind kind, const char *text, size_t size, size_t from,
                            size_t to);

/* Appends the text with its escapes undone: \n, \", \u00e9 and the like become what they mean, any
 * other backslash goes. What is wrong stays as it is. */
void nl_needle_unescape(nl_buf *out, const char *text, size_t size);
/* Appends the text with each '' as '. */
void nl_needle_unquote(nl_buf *out, const char *text, size_t size);

/* The next word of text[*at..size): letters, digits, underscores. False: none is left. */
bool nl_needle_word(const char *text, size_t size, size_t *at, size_t *from, size_t *to);

#endif
