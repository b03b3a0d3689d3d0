/* nearest.c: edit distance for "did you mean". */
#include <string.h>

#include "sql/scope_priv.h"

#include "base/banned.h"

enum { LONGEST = 63 }; /* PostgreSQL's names are no longer */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap neighbours) from a to b: optimal string alignment. */
static size_t distance(const char *a, size_t n, const char *b, size_t m) {
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            now[j] = least(last[j - 1] + !same, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

bool nl_nearer(const char *name, const char *candidate, size_t *best) {
    size_t n = strlen(name), m = strlen(candidate);
    if (n == 0 || m == 0 || n > LONGEST || m > LONGEST)
        return false;
    size_t longer = n > m ? n : m, apart = longer - (n < m ? n : m);
    if (apart * 3 > longer || apart >= *best)
        return false;
    size_t d = distance(name, n, candidate, m);
    if (d * 3 > longer || d >= *best)
        return false;
    *best = d;
    return true;
}
