/* gate_view.c: relations that are more than rows: views, policies of row-level security, foreign
 * tables, and what the planner calls when it plans for a table. */
#include <string.h>

#include "sql/gate_priv.h"
#include "sql/tree.h"

#include "base/banned.h"

enum { MAX_VIEWS = 32 }; /* views within views */

static size_t depth_of(const nl_gate *g) {
    size_t n = 0;
    for (; g->outer; g = g->outer)
        n++;
    return n;
}

/* A definition that this library's grammar does not know is the server's, which is newer. */
static bool unread_definition(nl_gate *g, const nl_err *why) {
    if (g->policy && g->policy->newer_grammar)
        return true;
    return NL_REFUSE(g, "its definition cannot be read: %s", why->msg);
}

bool nl_gate_definition(nl_gate *g, nl_gate_whose whose, const char *text) {
    nl_err why = { .code = NL_OK };
    nl_sql *sql = nl_sql_parse_definition(text, strlen(text), &why);
    if (!sql)
        return why.code == NL_NOMEM ? nl_err_nomem(g->err) : unread_definition(g, &why);
    nl_gate inner = { .sql = sql,
                      .catalog = g->catalog,
                      .policy = g->policy,
                      .err = g->err,
                      .whose = whose,
                      .outer = g,
                      .root = g->root };
    bool ok = nl_gate_walk(&inner);
    nl_scopes_free(inner.scopes);
    nl_sql_free(sql);
    return ok;
}

static bool has_column(const nl_json_node *node) {
    if (node->key && (strcmp(node->key, "ColumnRef") == 0 || strcmp(node->key, "ParamRef") == 0))
        return true;
    if (node->type < NL_JSON_ARRAY)
        return false;
    for (const nl_json_node *c = node->child; c; c = c->next) {
        if (has_column(c))
            return true;
    }
    return false;
}

static bool is_own_function(const nl_gate *g, const char *schema, const char *name) {
    return (schema && strcmp(schema, "pg_catalog") != 0) ||
           !nl_catalog_function_known(g->catalog, name);
}

/* With a schema the server writes operators that are not PostgreSQL's. */
static bool is_own_operator(const nl_gate *g, const char *schema, const char *name) {
    size_t n;
    (void)nl_catalog_levers(g->catalog, 'o', name, &n);
    return schema || n > 0;
}

/* Calls of own functions on constants alone: the planner folds them while it plans. */
static bool check_folded_node(nl_gate *g, const nl_json_node *node) {
    const char *schema = NULL, *name = NULL;
    bool call = node->key && strcmp(node->key, "FuncCall") == 0;
    bool own = false;
    if (call || (node->key && strcmp(node->key, "A_Expr") == 0)) {
        name = nl_tree_name(nl_tree_list(node, call ? "funcname" : "name"), &schema);
        if (!name)
            return NL_REFUSE(g, "planning calls a name of three parts");
        own = call ? is_own_function(g, schema, name) : is_own_operator(g, schema, name);
    }
    if (own && !has_column(node) &&
        !nl_gate_listed(g->policy, schema, schema ? strlen(schema) : 0, name))
        return NL_REFUSE(g, "planning calls %s, which is not allowed", name);
    for (const nl_json_node *c = node->type >= NL_JSON_ARRAY ? node->child : NULL; c; c = c->next) {
        if (!check_folded_node(g, c))
            return false;
    }
    return true;
}

/* What cannot be read is no expression but the body of a function in another language. */
static bool check_folded(nl_gate *g, const char *text) {
    nl_err why = { .code = NL_OK };
    nl_sql *sql = nl_sql_parse_definition(text, strlen(text), &why);
    if (!sql)
        return why.code == NL_NOMEM ? nl_err_nomem(g->err) : unread_definition(g, &why);
    bool ok = check_folded_node(g, nl_sql_statement(sql));
    nl_sql_free(sql);
    return ok;
}

static bool check_view(nl_gate *g, const nl_special *s) {
    const char *bad = nl_gate_first_bad(g, s->calls);
    if (bad)
        return NL_REFUSE(g, "it calls %s, which is not allowed", bad);
    return nl_gate_held(g, s->holds) && nl_gate_definition(g, NL_GATE_VIEW, s->definition);
}

static bool check_policies(nl_gate *g, const nl_special *s) {
    const char *bad = nl_gate_first_bad(g, s->policy_calls);
    if (bad)
        return NL_REFUSE(g, "its row-level security calls %s, which is not allowed", bad);
    for (const char *const *p = s->policies; p && *p; p++) {
        if (!nl_gate_definition(g, NL_GATE_POLICY, *p))
            return false;
    }
    return true;
}

static bool check_parts(nl_gate *g, const nl_special *s) {
    if (s->foreign && !(g->policy && g->policy->foreign_tables))
        return NL_REFUSE(g, "it reads outside the database, which is not allowed");
    if (s->unknown)
        return NL_REFUSE(g, "what it does could not be read: a table is locked");
    if (depth_of(g) >= MAX_VIEWS)
        return NL_REFUSE(g, "views are nested more than %d deep", MAX_VIEWS);
    for (const char *const *f = s->folded; f && *f; f++) {
        if (!check_folded(g, *f))
            return false;
    }
    return (!s->secured || check_policies(g, s)) && (!s->definition || check_view(g, s));
}

bool nl_gate_special(nl_gate *g, const nl_special *special) {
    if (g->root->n_seen == NL_GATE_SEEN) /* and would be walked again and again */
        return NL_REFUSE(g, "it reads more than %d views", NL_GATE_SEEN);
    if (nl_gate_seen(g, special) || check_parts(g, special))
        return true;
    nl_err_prefix(g->err, "%s %s: ", special->kind == 'v' ? "view" : "table", special->name);
    return false;
}
