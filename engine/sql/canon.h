/* canon.h: when two queries are the same.
 *
 * A key over the parse tree in which spelling is gone: white space, comments, case of unquoted
 * names, aliases of tables and CTEs (renamed by order of appearance), output column names that
 * nothing refers to (those that are referred to count by position, as ORDER BY 1 does), the
 * qualifier of a column where only one table can have it, the schemas public and pg_catalog
 * spelled out, AS/INNER/OUTER/ASC noise, the order of literals in an IN list and of conditions
 * under one AND or OR, 1.50 for 1.5, a flipped comparison (5 < x for x > 5), != for <>.
 *
 * Equal keys mean the same query but for hash collisions (XXH3, 128 bits), and for two names that
 * only the catalog could tell apart: GROUP BY n, where n is both an alias and a column that
 * nothing else mentions. Queries that mean the same may still differ in their keys. */
#ifndef NL_SQL_CANON_H
#define NL_SQL_CANON_H

#include "data/dedup.h"
#include "sql/parse.h"

typedef struct {
    nl_key exact;  /* equal: the same query, literals included */
    nl_key masked; /* equal: the same but for the values of literals (and LIMIT counts) and the
                    * number of them in an IN list */
} nl_sql_keys;

/* False with NL_INVALID where it is no SELECT or VALUES, NL_NOMEM where memory ran out. */
bool nl_sql_canon(const nl_sql *sql, nl_sql_keys *keys, nl_err *err);

#endif
