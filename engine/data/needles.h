/* needles.h: does any of many values occur in a text?
 *
 * A set of protected values, and a search of a text for all of them at once. The bytes must be the
 * same, letter case included, but these spellings of a value are found too: escaped as in JSON
 * (twice, if need be), as a SQL literal ('' doubled, E'' escapes), as a LIKE pattern (\%).
 *
 * What counts as an occurrence:
 * - An end of the value that is a letter or digit must not go on in the text: "123456" does not
 *   occur in "91234567", nor "Walter" in "Walters". An underscore ends a word. Letters are those of
 *   ASCII, and Latin, Greek and Cyrillic ones; before and behind other scripts every place is an
 * end.
 * - A number does not occur in a longer one ("123456" not in "0.123456"), but with other trailing
 *   zeros behind its point ("123456.5" in "123456.50").
 * - Of a value of 48 bytes or more, any run of 47 bytes is an occurrence: half a note is private
 * too.
 *
 * What is no value of the set, because it tells nothing or would be found everywhere: fewer than
 * six bytes (white space at the ends not counted), round numbers (all zeros behind two digits) and
 * numbers with a point of fewer than six digits, first days of a month; and what stands in the
 * texts given to nl_needles_exempt.
 *
 * The search looks up each six bytes of the text: after Karp and Rabin, Efficient randomized
 * pattern-matching algorithms, IBM J. Res. Dev. 31 (1987), with exact windows in place of a rolling
 * hash, since six bytes fit a register. A value hangs under that of its own windows under which
 * fewest others hang, so that values that all begin alike ("https://…") cost no more than others.
 * Not thread-safe. */
#ifndef NL_DATA_NEEDLES_H
#define NL_DATA_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { NL_NEEDLE_LEAST = 6, NL_NEEDLE_PIECE = 32, NL_NEEDLE_STRIDE = 16 };

typedef struct nl_needles nl_needles;

nl_needles *nl_needles_new(void); /* NULL: memory ran out */
void nl_needles_free(nl_needles *set);

/* Adds a copy of the value; says in *kept whether the set holds it now (also where it did before).
 * False with NL_NOMEM: the set is usable, and may hold a part of the value. */
bool nl_needles_add(nl_needles *set, const char *value, size_t size, bool *kept, nl_err *err);

/* No value that occurs in this text is found any more, nor a value that is one of its words (in any
 * letter case; parts of an identifier are words too), whether it is in the set already or comes
 * later. Texts that everybody may see: the schema, templates. Kept as a copy. */
bool nl_needles_exempt(nl_needles *set, const char *text, size_t size, nl_err *err);

typedef struct {
    const char
        *value; /* the whole value that was added, lives as long as the set; NULL: none occurs */
    size_t size;
    const char *found; /* the bytes of it that occur: all of them, or a piece */
    size_t found_size;
} nl_needle_hit;

/* A value that occurs in text[0..size): the first in some spelling. False with NL_NOMEM: not known.
 */
bool nl_needles_find(nl_needles *set, const char *text, size_t size, nl_needle_hit *hit,
                     nl_err *err);

/* Bytes that adding this value, or exempting this text, takes at most. */
size_t nl_needles_cost(size_t value_size);
size_t nl_needles_exempt_cost(size_t text_size);

/* Values held, those that are exempt included. */
size_t nl_needles_count(const nl_needles *set);

#endif
