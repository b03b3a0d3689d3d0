/* gate_priv.h: between gate.c, which walks the tree, gate_field.c, which reads x.f, and
 * gate_trust.c, which knows what hides behind names. Only for gate*.c. */
#ifndef NL_SQL_GATE_PRIV_H
#define NL_SQL_GATE_PRIV_H

#include "db/trust.h"
#include "sql/gate.h"
#include "sql/scope.h"

/* Whose text is being walked. Definitions belong to the database: the functions that they call by
 * names that are not PostgreSQL's own are known from its dependencies, not from the text. */
typedef enum {
    NL_GATE_QUERY,
    NL_GATE_VIEW,  /* a view's definition or a domain's check */
    NL_GATE_POLICY /* of row-level security: may ask who is asking */
} nl_gate_whose;

enum { NL_GATE_SEEN = 256, NL_GATE_PENDING = 64 };

typedef struct nl_gate {
    const nl_sql *sql;
    const nl_catalog *catalog;
    const nl_sql_policy *policy;
    nl_scopes *scopes; /* made where a field's meaning has to be known */
    nl_err *err;
    nl_gate_whose whose;
    bool makes_json;  /* a function is called that casts to json where there is such a cast */
    bool makes_rows;  /* a table's row type is named: making one casts to its columns' types */
    bool of_tableoid; /* the next type is cast to from a table's system column tableoid */
    bool coerces;     /* a function that makes values of its argument's type is called */

    const struct nl_gate *outer; /* whose name led here; NULL: the query itself */
    struct nl_gate *root;        /* the query's own; keeps what was found good already */
    const void *seen[NL_GATE_SEEN];
    size_t n_seen;

    /* Overloads that the query reaches if it has values of the types that they need: for the end,
     * when it is known whether any table or type with such values is named. */
    const nl_lever *pending[NL_GATE_PENDING];
    size_t n_pending;
    bool loaded;

    const char **present; /* types that matter of which the query has values; in the scopes' pool */
    size_t n_present, present_room;
    bool counted; /* present is filled */
} nl_gate;

#define NL_REFUSE(g, ...) nl_err_set((g)->err, NL_INVALID, __VA_ARGS__)

/* --- gate.c ------------------------------------------------------------------------------- */

/* Is this spelling listed by the policy? */
bool nl_gate_listed(const nl_sql_policy *policy, const char *schema, size_t schema_size,
                    const char *name);
/* May this built-in function be called, going by its name alone? `special`: the grammar's own. */
bool nl_gate_builtin(const nl_gate *g, const char *name, bool special);
/* Walks the statement of `g`, a SelectStmt. */
bool nl_gate_walk(nl_gate *g);
/* Resolves the names of the statement; once. */
bool nl_gate_resolve(nl_gate *g);

/* --- gate_field.c ------------------------------------------------------------------------- */

/* x.f as a ColumnRef, and (x).f: a column, or a call that is allowed? */
bool nl_gate_column(nl_gate *g, const nl_json_node *body);
bool nl_gate_field(nl_gate *g, const nl_json_node *body);
/* Notes whether what the TypeCast casts is a table's own tableoid: its name may be shown. */
bool nl_gate_cast(nl_gate *g, const nl_json_node *body);

/* --- gate_trust.c ------------------------------------------------------------------------- */

/* May the query use this function or operator name (kind f or o), for all that lies over it?
 * `builtin`: only overloads in pg_catalog count. */
bool nl_gate_levers(nl_gate *g, char kind, const char *name, bool builtin);
/* May values of this type be made? */
bool nl_gate_type(nl_gate *g, const nl_loaded *type);
/* May values of all these types be made? */
bool nl_gate_held(nl_gate *g, const char *const *holds);
/* The first of the calls that is not allowed, or NULL. */
const char *nl_gate_first_bad(const nl_gate *g, const char *const *calls);
/* Was it looked at before, for this query? It is noted. */
bool nl_gate_seen(nl_gate *g, const void *what);
/* What no name in the query shows: casts, types of columns. The last look. */
bool nl_gate_unnamed(nl_gate *g);

/* --- gate_view.c -------------------------------------------------------------------------- */

/* May this relation be read? */
bool nl_gate_special(nl_gate *g, const nl_special *special);
/* Walks a definition that the server wrote. */
bool nl_gate_definition(nl_gate *g, nl_gate_whose whose, const char *text);

#endif
