/* scope.h: what every name in a query stands for.
 *
 * Follows PostgreSQL's parse_clause.c, parse_relation.c and parse_target.c: which relations a name
 * can see (FROM order, LATERAL, CTEs in their order, aliases hiding table names), columns merged by
 * USING and NATURAL, output names in ORDER BY and GROUP BY. Serves facts (with a catalog), the
 * gate (the same), and canon (without: then base tables are open, see below). Only for engine/sql.
 */
#ifndef NL_SQL_SCOPE_H
#define NL_SQL_SCOPE_H

#include <stddef.h>

#include "db/catalog.h"
#include "sql/parse.h"
#include "sql/pool.h"

typedef struct nl_rel nl_rel;
typedef struct nl_cte nl_cte;

/* A column of a relation, or of a query's output. */
typedef struct nl_col {
    const char *name;
    const nl_rel *rel; /* where it comes from without being computed: one of a base table, … */
    size_t at;         /* … at this index; SIZE_MAX: unknown (an open relation's) */
    const struct nl_col *also; /* the other side of a column merged by USING or NATURAL */
    bool maybe;   /* the name is a guess: a function's result, which may be a row or a value */
    bool aliased; /* an output column that was given its name by AS */
} nl_col;

typedef enum { NL_REL_TABLE, NL_REL_CTE, NL_REL_QUERY, NL_REL_FUNCTION, NL_REL_JOIN } nl_rel_kind;

/* A name behind which a merged column took its place. */
typedef struct nl_hidden {
    const char *name;
    struct nl_hidden *next;
} nl_hidden;

struct nl_rel {
    nl_rel_kind kind;
    unsigned id;               /* by order of appearance */
    const nl_json_node *node;  /* the body of its RangeVar, RangeSubselect, … */
    const char *alias;         /* NULL: none, it can't be named */
    const char *schema, *name; /* of a table, as written or resolved; schema may be NULL */
    const nl_table *table;     /* NULL: not a table, or not known */
    const nl_cte *cte;
    nl_col *cols; /* for a known table: only those renamed by its alias, the first */
    size_t n_cols;
    bool open;         /* may have columns besides */
    bool aliased;      /* by AS, which hides the table's own name */
    bool named, shown; /* its name / its bare column names can be used */
    nl_hidden *hidden;
    long location;
};

struct nl_cte {
    const char *name;
    unsigned id;
    const nl_json_node *node; /* CommonTableExpr's body */
    nl_col *cols;
    size_t n_cols;
    bool open;
    enum { NL_CTE_WAITING, NL_CTE_BUSY, NL_CTE_DONE } state;
    const nl_cte *outer;          /* the next one out that can be seen */
    const struct nl_scope *owner; /* the query whose WITH it is in; while that is being resolved */
};

typedef enum {
    NL_USE_UNKNOWN,  /* stands for nothing: reported */
    NL_USE_OPEN,     /* may be a column of an open relation: `rel` where there is only one */
    NL_USE_COLUMN,   /* column `at` of `rel` */
    NL_USE_FIELD,    /* a field or function of a whole row: `rel` */
    NL_USE_ROW,      /* a whole row of `rel` */
    NL_USE_ALL,      /* rel.* */
    NL_USE_STAR,     /* a bare * */
    NL_USE_OUTPUT,   /* output column `at` of the same query */
    NL_USE_RELATION, /* the RangeVar itself */
    NL_USE_JOIN      /* a JoinExpr's merged columns: `rel` holds them */
} nl_use_kind;

typedef struct {
    const nl_json_node *node; /* the ColumnRef's body (an A_Indirection's for (t).x) */
    nl_use_kind kind;
    const nl_rel *rel;
    const nl_col *col; /* of a relation with columns of its own */
    size_t at;
    bool guessed;    /* found in an open relation, or by a guessed name */
    bool correlated; /* reaches out of a sub-select in an expression */
    long location;
} nl_use;

/* A base table's column, mentioned. */
typedef struct {
    const nl_table *table;
    const nl_column *column;
    long location;
    size_t order;
} nl_mention;

typedef struct {
    nl_pool pool;
    const nl_sql *sql;
    const nl_catalog *catalog; /* NULL: tables are not looked up */

    nl_use *uses;
    size_t n_uses, uses_room;
    unsigned *slots; /* open addressing by node: index + 1 */
    size_t n_slots;

    const nl_rel **tables; /* relations that are base tables, in the order met */
    size_t n_tables, tables_room;
    nl_mention *mentions;
    size_t n_mentions, mentions_room;
    const char **unknown;
    size_t n_unknown, unknown_room;
    const char *ambiguous;

    unsigned n_rels, n_ctes;
    size_t max_joined;
    bool self_join, correlated;
    nl_col *output; /* of the whole query */
    size_t n_output;
    bool output_open;
} nl_scopes;

/* Resolves the whole statement, a SELECT. NULL only with NL_NOMEM, or NL_INVALID where it is no
 * SELECT. Free with nl_scopes_free. The tree must outlive it. */
nl_scopes *nl_scopes_of(const nl_sql *sql, const nl_catalog *catalog, nl_err *err);
void nl_scopes_free(nl_scopes *scopes);

/* What the ColumnRef, A_Indirection, RangeVar, … with this body stands for; NULL: not met. */
const nl_use *nl_scopes_use(const nl_scopes *scopes, const nl_json_node *body);

/* Name of a relation's column at an index, through a known table's renamed ones. */
const char *nl_rel_column(const nl_rel *rel, size_t at);
size_t nl_rel_width(const nl_rel *rel);

/* Has every table a column of this name, which is listed nowhere ("ctid")? */
bool nl_is_system_column(const char *name);

#endif
