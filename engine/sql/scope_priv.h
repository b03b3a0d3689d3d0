/* scope_priv.h: between the files that resolve names. Only for scope*.c and colname.c. */
#ifndef NL_SQL_SCOPE_PRIV_H
#define NL_SQL_SCOPE_PRIV_H

#include "sql/scope.h"
#include "sql/tree.h"

typedef enum {
    NL_SCOPE_TOP,
    NL_SCOPE_EXPRESSION,
    NL_SCOPE_FROM,
    NL_SCOPE_CTE,
    NL_SCOPE_ARM
} nl_scope_kind;

/* One query level while it is being resolved; on the C stack. */
typedef struct nl_scope {
    const struct nl_scope *parent;
    const struct nl_scope *blocked; /* siblings that it could see were it LATERAL, or … */
    bool is_on;                     /* … that are not part of the join whose ON this is */
    nl_scope_kind kind;
    const nl_cte *ctes; /* that it can see, the nearest first */
    nl_rel **rels;
    size_t n_rels, room;
    size_t base_tables;
} nl_scope;

/* A query's output columns. */
typedef struct {
    nl_col *cols;
    size_t n, room;
    bool open;
} nl_output;

/* Where a column was found. */
typedef struct {
    const nl_rel *rel;
    const nl_col *col; /* NULL: a known table's own */
    size_t at;
    bool guessed;
} nl_found;

/* --- scope.c: storage and looking names up ------------------------------------------------ */

nl_use *nl_scopes_record(nl_scopes *r, const nl_json_node *node, nl_use_kind kind,
                         const nl_rel *rel, long location);
nl_rel *nl_scope_push(nl_scopes *r, nl_scope *scope, nl_rel_kind kind, const nl_json_node *node,
                      size_t where);
nl_col *nl_output_add(nl_scopes *r, nl_output *out, const char *name);
/* Columns of `rel` called `name`; the first goes to *found. Guesses count only where sure ones
 * are missing. */
size_t nl_rel_find(const nl_rel *rel, const char *name, nl_found *found);
bool nl_rel_hides(const nl_rel *rel, const char *name);
/* Columns that the bare `name` can mean among rels[from..to); *open gets the number of open
 * relations and *only one of them. */
size_t nl_scope_find(const nl_scope *scope, size_t from, size_t to, const char *name,
                     nl_found *found, size_t *open, const nl_rel **only);
/* The base table columns behind a relation's column are mentioned at `location`. */
void nl_scopes_mention(nl_scopes *r, const nl_rel *rel, size_t at, long location);
void nl_scopes_mention_all(nl_scopes *r, const nl_rel *rel, bool bare, long location);
/* Appends the columns that a star stands for. */
void nl_output_expand(nl_scopes *r, nl_output *out, const nl_rel *rel, bool bare);

/* --- scope_column.c ----------------------------------------------------------------------- */

void nl_scope_column(nl_scopes *r, const nl_scope *scope, const nl_json_node *body);
/* (t).x and the like. False where the argument has to be resolved on its own. */
bool nl_scope_indirection(nl_scopes *r, const nl_scope *scope, const nl_json_node *body);

/* --- scope_report.c: sentences about what did not resolve --------------------------------- */

void nl_report_table(nl_scopes *r, const char *schema, const char *name);
void nl_report_bare(nl_scopes *r, const nl_scope *scope, const char *name);
void nl_report_column(nl_scopes *r, const nl_rel *rel, const char *name);
void nl_report_relation(nl_scopes *r, const nl_scope *scope, const char *name);
void nl_report_using(nl_scopes *r, const char *name, bool left);
void nl_report_ambiguous(nl_scopes *r, const char *name);
void nl_report_unknown(nl_scopes *r, const char *sentence);

/* --- scope_from.c ------------------------------------------------------------------------- */

void nl_scope_from(nl_scopes *r, nl_scope *scope, const nl_json_node *item);
/* Renames the first columns; further names make further columns. */
void nl_output_rename(nl_scopes *r, nl_output *out, const nl_json_node *names);

/* --- scope_select.c ----------------------------------------------------------------------- */

void nl_scope_select(nl_scopes *r, const nl_scope *parent, nl_scope_kind kind, const nl_cte *ctes,
                     const nl_json_node *body, nl_cte *self, nl_output *out);
void nl_scope_expr(nl_scopes *r, const nl_scope *scope, const nl_json_node *value);
void nl_scope_cte(nl_scopes *r, nl_cte *cte, const nl_cte *visible);

/* --- colname.c ---------------------------------------------------------------------------- */

/* The name that PostgreSQL gives to an output column without AS. */
const char *nl_column_name(const nl_json_node *expr);
/* Columns of well-known functions in FROM, NULL at the end: {"key", "value"}; NULL: not known.
 * An empty name stands for the function's alias, or its own name. */
const char *const *nl_function_columns(const char *function);

/* --- nearest.c ---------------------------------------------------------------------------- */

/* Is `candidate` close enough to `name` to be meant, and closer than *best edits? Then *best is
 * set. Case does not count. */
bool nl_nearer(const char *name, const char *candidate, size_t *best);

#endif
