/* nearest.c: which of the names that exist was meant. */
#include <string.h>

#include "base/edit.h"
#include "sql/scope_priv.h"

#include "base/banned.h"

enum { LONGEST = 63 }; /* PostgreSQL's names are no longer */

bool nl_nearer(const char *name, const char *candidate, size_t *best) {
    size_t n = strlen(name), m = strlen(candidate);
    if (n == 0 || m == 0 || n > LONGEST || m > LONGEST)
        return false;
    size_t longer = n > m ? n : m, apart = longer - (n < m ? n : m);
    if (apart * 3 > longer || apart >= *best)
        return false;
    size_t d = nl_edit_distance(name, n, candidate, m);
    if (d * 3 > longer || d >= *best)
        return false;
    *best = d;
    return true;
}
