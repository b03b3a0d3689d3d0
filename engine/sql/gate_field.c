/* gate_field.c: PostgreSQL reads `x.f` as f(x) where x has no column f, even for a function in FROM
 * that returns a plain value (SELECT g.pg_sleep FROM generate_series(5, 5) g), and as a cast where
 * f is a type. So what is not surely a column has to be a call that is allowed. */
#include <string.h>

#include "sql/gate_names.h"
#include "sql/gate_priv.h"
#include "sql/tree.h"

#include "base/banned.h"

/* Is it surely a column, by the tables and sub-selects around it? */
static bool is_column(const nl_gate *g, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(g->scopes, body);
    return use && use->kind == NL_USE_COLUMN && !use->guessed;
}

static bool is_some_column(const nl_gate *g, const char *name) {
    size_t n;
    const nl_table *tables = nl_catalog_tables(g->catalog, &n);
    for (size_t i = 0; i < n; i++) {
        if (nl_table_column(&tables[i], name) >= 0)
            return true;
    }
    return false;
}

/* A slip ("regions" for region) is better told by what resolving the names found. */
static bool refuse_name(nl_gate *g, const char *name) {
    if (nl_catalog_function_known(g->catalog, name))
        return NL_REFUSE(g, "function %s is not allowed (no column of that name is known here)",
                         name);
    if (g->scopes->n_unknown)
        return NL_REFUSE(g, "%s", g->scopes->unknown[0]);
    if (nl_gate_type_denied(name))
        return NL_REFUSE(g, "type %s is not allowed: it reads the system catalogs", name);
    return NL_REFUSE(g, "field \"%s\" is not known to be a column", name);
}

/* The catalog knows every function by name; a name that is none of them nor a type's is a column's
 * or an error. Rows of functions have fields that nothing declares. */
static bool check_name(nl_gate *g, const char *name) {
    const nl_loaded *type = nl_catalog_loaded(g->catalog, NULL, name);
    if (nl_gate_listed(g->policy, NULL, 0, name))
        return true;
    if (nl_catalog_function_foreign(g->catalog, name))
        return NL_REFUSE(g, "\"%s\" is no column here, so it calls a function that is not allowed",
                         name);
    if (type && !nl_gate_type(g, type))
        return false;
    g->loaded = g->loaded || type;
    if (nl_gate_builtin(g, name, false))
        return nl_gate_levers(g, 'f', name, false);
    if (nl_is_system_column(name))
        return true;
    if (nl_catalog_function_known(g->catalog, name) || nl_gate_type_denied(name))
        return refuse_name(g, name);
    if (!nl_gate_field_own(name) && !is_some_column(g, name))
        return refuse_name(g, name);
    return true;
}

bool nl_gate_column(nl_gate *g, const nl_json_node *body) {
    const nl_json_node *fields = nl_tree_list(body, "fields");
    const char *name = nl_tree_last_name(fields);
    if (!name || !fields->next) /* a bare name is no call; nor is a star */
        return true;
    return g->whose != NL_GATE_QUERY ||
           (nl_gate_resolve(g) && (is_column(g, body) || check_name(g, name)));
}

bool nl_gate_field(nl_gate *g, const nl_json_node *body) {
    const nl_json_node *first = nl_tree_list(body, "indirection");
    if (g->whose != NL_GATE_QUERY)
        return true;
    if (!nl_gate_resolve(g))
        return false;
    for (const nl_json_node *i = first; i; i = i->next) {
        const char *name = nl_tree_string(i);
        if (name && !(i == first && is_column(g, body)) && !check_name(g, name))
            return false;
    }
    return true;
}

/* Not a sub-select's column of that name, which may be anything. */
bool nl_gate_cast(nl_gate *g, const nl_json_node *body) {
    nl_tree arg = nl_tree_open(NL_GET(body, "arg"));
    const char *name =
        /* not taken: no other expression's node has a name of that length */
        NL_IS(arg, "ColumnRef") ? nl_tree_last_name(nl_tree_list(arg.body, "fields")) : NULL;
    g->of_tableoid = false;
    if (!name || strcmp(name, "tableoid") != 0)
        return true;
    if (!nl_gate_resolve(g))
        return false;
    const nl_use *use = nl_scopes_use(g->scopes, arg.body);
    /* not taken: resolving has met every column of the statement */
    g->of_tableoid = use && use->kind != NL_USE_COLUMN && use->kind != NL_USE_ROW &&
                     (use->rel ? use->rel->kind == NL_REL_TABLE : use->kind != NL_USE_OPEN);
    return true;
}
