/* canon.h: when two queries are the same.
 *
 * A key over the parse tree in which spelling is gone: white space, comments, case of unquoted
 * names, aliases of tables and CTEs (renamed by order of appearance), output column names that
 * nothing refers to, spelled-out schema of a visible table, AS/INNER/OUTER/ASC noise, the order of
 * literals in an IN list, 1.50 for 1.5, a flipped comparison (5 < x for x > 5), != for <>. */
#ifndef NL_SQL_CANON_H
#define NL_SQL_CANON_H

#include "data/dedup.h"
#include "sql/parse.h"

typedef struct {
    nl_key exact;  /* equal: the same query, literals included */
    nl_key masked; /* equal: the same but for the values of literals (and LIMIT counts) */
} nl_sql_keys;

bool nl_sql_canon(const nl_sql *sql, nl_sql_keys *keys, nl_err *err);

#endif
