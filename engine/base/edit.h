/* edit.h: how far two words are apart, for "did you mean". */
#ifndef NL_BASE_EDIT_H
#define NL_BASE_EDIT_H

#include <stddef.h>

enum { NL_EDIT_LONGEST = 127 }; /* bytes; a longer word is as far from every other as it is long */

/* Edits (insert, delete, replace, swap of neighbours) from a[0..n) to b[0..m), blind to ASCII case:
 * optimal string alignment, the restricted Damerau-Levenshtein distance. */
size_t nl_edit_distance(const char *a, size_t n, const char *b, size_t m);

#endif
