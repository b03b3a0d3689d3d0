/* facts_walk.h: what a tree shows without resolving names: constructs, functions, literals.
 * Only for engine/sql. */
#ifndef NL_SQL_FACTS_WALK_H
#define NL_SQL_FACTS_WALK_H

#include <stdint.h>

#include "sql/parse.h"
#include "sql/pool.h"

/* In the order of their names. */
typedef enum {
    NL_HAS_AGGREGATE,
    NL_HAS_ARRAY,
    NL_HAS_BETWEEN,
    NL_HAS_CASE,
    NL_HAS_CAST,
    NL_HAS_CORRELATED,
    NL_HAS_CROSS_JOIN,
    NL_HAS_CTE,
    NL_HAS_DISTINCT,
    NL_HAS_DISTINCT_ON,
    NL_HAS_EXISTS,
    NL_HAS_FILTER,
    NL_HAS_FULL_JOIN,
    NL_HAS_GROUP_BY,
    NL_HAS_GROUPING_SETS,
    NL_HAS_HAVING,
    NL_HAS_IN_LIST,
    NL_HAS_IN_SUBQUERY,
    NL_HAS_IS_NULL,
    NL_HAS_JOIN,
    NL_HAS_JSON,
    NL_HAS_LATERAL,
    NL_HAS_LEFT_JOIN,
    NL_HAS_LIKE,
    NL_HAS_LIMIT,
    NL_HAS_OFFSET,
    NL_HAS_ORDER_BY,
    NL_HAS_RECURSIVE_CTE,
    NL_HAS_REGEX,
    NL_HAS_RIGHT_JOIN,
    NL_HAS_SCALAR_SUBQUERY,
    NL_HAS_SELF_JOIN,
    NL_HAS_SET_OPERATION,
    NL_HAS_STAR,
    NL_HAS_SUBQUERY,
    NL_HAS_VALUES,
    NL_HAS_WINDOW,
    NL_HAS_END
} nl_construct;

extern const char *const nl_construct_names[NL_HAS_END];

typedef struct {
    const char *text; /* in the pool */
    long location;
} nl_word;

typedef struct {
    nl_pool *pool;
    const nl_sql *sql;
    uint64_t constructs; /* a bit for each */
    nl_word *functions, *literals;
    size_t n_functions, functions_room, n_literals, literals_room;
} nl_walk;

/* Fills constructs (but for correlated and self_join), functions and literals, in the order of
 * mention, each once. False where memory ran out. */
bool nl_facts_walk(nl_walk *walk);

#endif
