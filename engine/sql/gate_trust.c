/* gate_trust.c: what hides behind the names of a harmless query: overloads that fit its arguments
 * better than PostgreSQL's own, casts, checks of domains. Each is traced to the functions that it
 * calls. */
#include <string.h>

#include "sql/gate_priv.h"
#include "sql/tree.h"

#include "base/banned.h"

/* --- functions, "schema.name" -------------------------------------------------------------- */

/* The policy may list it with its schema, or without where the search path finds that. */
static bool may_call(const nl_gate *g, const char *call) {
    const char *dot = strchr(call, '.');
    size_t size = (size_t)(dot - call);
    bool builtin = size == 10 && memcmp(call, "pg_catalog", size) == 0;
    if (builtin && nl_gate_builtin(g, dot + 1, false))
        return true;
    return nl_gate_listed(g->policy, call, size, dot + 1) ||
           ((builtin || nl_catalog_on_path(g->catalog, call, size)) &&
            nl_gate_listed(g->policy, NULL, 0, dot + 1));
}

const char *nl_gate_first_bad(const nl_gate *g, const char *const *calls) {
    for (; calls && *calls; calls++) {
        if (!may_call(g, *calls))
            return *calls;
    }
    return NULL;
}

/* --- values of which types are there? ------------------------------------------------------ */

static bool add_present(nl_gate *g, const char *const *holds) {
    for (; holds && *holds; holds++) {
        const char **list = nl_pool_grow(&g->scopes->pool, g->present, g->n_present,
                                         &g->present_room, sizeof *list);
        if (!list)
            return nl_err_nomem(g->err);
        g->present = list;
        list[g->n_present++] = *holds;
    }
    return true;
}

static const nl_loaded *named_type(const nl_gate *g, const nl_json_node *names) {
    const char *schema, *name = nl_tree_name(names, &schema);
    /* not taken: a type's name of three parts was refused where it stands */
    return name ? nl_catalog_loaded(g->catalog, schema, name) : NULL;
}

/* The type that a list of this member's may name: a type's name, or the end of x.type. */
static bool add_list(nl_gate *g, const nl_json_node *list) {
    const nl_loaded *type = NULL;
    const char *field = NULL;
    if (strcmp(list->key, "names") == 0)
        type = named_type(g, list->child);
    else if (strcmp(list->key, "fields") == 0)
        field = nl_tree_last_name(list->child);
    if (field)
        type = nl_catalog_loaded(g->catalog, NULL, field);
    if (type && !add_present(g, type->holds))
        return false;
    bool several = strcmp(list->key, "indirection") == 0;
    for (const nl_json_node *i = several ? list->child : NULL; i; i = i->next) {
        field = nl_tree_string(i);
        type = field ? nl_catalog_loaded(g->catalog, NULL, field) : NULL;
        if (type && !add_present(g, type->holds))
            return false;
    }
    return true;
}

/* Types that the statement names. */
static bool add_named(nl_gate *g, const nl_json_node *node) {
    for (const nl_json_node *c = node->child; c; c = c->next) {
        if ((c->type == NL_JSON_ARRAY && !add_list(g, c)) || !add_named(g, c))
            return false;
    }
    return true;
}

/* Where the query's own star stands: SELECT * alone uses no value. -1: there is none, as in a set
 * operation, which has no targets of its own. */
static long outer_star(const nl_gate *g) {
    nl_tree top = nl_tree_open(nl_sql_statement(g->sql));
    const nl_json_node *targets = nl_tree_list(top.body, "targetList");
    nl_tree target = nl_tree_open(targets);
    nl_tree value = nl_tree_open(NL_GET(target.body, "val"));
    /* not taken: no other expression's node has a name of that length */
    if (!targets || !NL_IS(value, "ColumnRef"))
        return -1;
    nl_tree last = nl_tree_open(nl_tree_last(nl_tree_list(value.body, "fields")));
    /* not taken: the other end of a name is String, which is as long */
    return NL_IS(last, "A_Star") ? nl_tree_location(value.body) : -1;
}

static bool count_present(nl_gate *g) {
    if (g->counted)
        return true;
    if (!nl_gate_resolve(g) || !add_named(g, nl_sql_statement(g->sql)))
        return false;
    long star = outer_star(g);
    for (size_t i = 0; i < g->scopes->n_mentions; i++) {
        const nl_mention *m = &g->scopes->mentions[i];
        if ((star < 0 || m->location != star) && !add_present(g, m->column->holds))
            return false;
    }
    g->counted = true;
    return true;
}

static bool is_present(const nl_gate *g, const char *oid) {
    for (size_t i = 0; i < g->n_present; i++) {
        if (strcmp(g->present[i], oid) == 0)
            return true;
    }
    return false;
}

static bool has_all(const nl_gate *g, const char *const *needs) {
    for (; needs && *needs; needs++) {
        if (!is_present(g, *needs))
            return false;
    }
    return true;
}

/* --- overloads and casts ------------------------------------------------------------------- */

static bool refuse_lever(nl_gate *g, const nl_lever *lever) {
    return NL_REFUSE(g, "%s %s may call %s here, which is not allowed",
                     lever->kind == 'o' ? "operator" : "function", lever->name, lever->calls);
}

static bool put_off(nl_gate *g, const nl_lever *lever) {
    for (size_t i = 0; i < g->n_pending; i++) {
        if (g->pending[i] == lever)
            return true;
    }
    if (g->n_pending == NL_GATE_PENDING)
        return refuse_lever(g, lever);
    g->pending[g->n_pending++] = lever;
    return true;
}

bool nl_gate_levers(nl_gate *g, char kind, const char *name, bool builtin) {
    size_t n;
    const nl_lever *levers = nl_catalog_levers(g->catalog, kind, name, &n);
    if (g->whose != NL_GATE_QUERY)
        return true;
    for (size_t i = 0; i < n; i++) {
        if ((builtin && strncmp(levers[i].calls, "pg_catalog.", 11) != 0) ||
            may_call(g, levers[i].calls))
            continue;
        if (!levers[i].needs)
            return refuse_lever(g, &levers[i]);
        if (!put_off(g, &levers[i]))
            return false;
    }
    return true;
}

/* Those that were put off. */
static bool check_pending(nl_gate *g) {
    for (size_t i = 0; g->loaded && i < g->n_pending; i++) {
        if (!count_present(g))
            return false;
        if (has_all(g, g->pending[i]->needs))
            return refuse_lever(g, g->pending[i]);
    }
    return true;
}

/* Does any string in the tree say so? Types are named in many ways. */
static bool says(const nl_json_node *node, const char *name) {
    if (node->type == NL_JSON_STRING && strcmp(node->text, name) == 0)
        return true;
    if (node->type < NL_JSON_ARRAY)
        return false;
    for (const nl_json_node *c = node->child; c; c = c->next) {
        if (says(c, name))
            return true;
    }
    return false;
}

/* Can the query ask for this cast? By naming its target, a domain over that, or a row that may have
 * it; functions that make json look for casts to it by themselves. */
static bool asks_for(const nl_gate *g, const nl_lever *cast) {
    const nl_json_node *tree = nl_sql_statement(g->sql);
    if (cast->implicit || g->makes_rows || (g->makes_json && strcmp(cast->name, "json") == 0) ||
        says(tree, cast->name))
        return true;
    for (const char *const *domain = cast->domains; domain && *domain; domain++) {
        if (says(tree, *domain))
            return true;
    }
    return false;
}

static bool check_casts(nl_gate *g) {
    size_t n;
    const nl_lever *casts = nl_catalog_casts(g->catalog, &n);
    for (size_t i = 0; i < n; i++) {
        if (may_call(g, casts[i].calls) || (casts[i].needs && !g->loaded) ||
            !asks_for(g, &casts[i]))
            continue;
        if (casts[i].needs && !count_present(g))
            return false;
        if (has_all(g, casts[i].needs))
            return NL_REFUSE(g, "a cast to %s may call %s here, which is not allowed",
                             casts[i].name, casts[i].calls);
    }
    return true;
}

/* --- types ---------------------------------------------------------------------------------- */

bool nl_gate_seen(nl_gate *g, const void *what) {
    nl_gate *root = g->root;
    for (size_t i = 0; i < root->n_seen; i++) {
        if (root->seen[i] == what)
            return true;
    }
    if (root->n_seen < NL_GATE_SEEN)
        root->seen[root->n_seen++] = what;
    return false;
}

static bool check_loaded(nl_gate *g, const nl_loaded *type) {
    const char *bad = nl_gate_first_bad(g, type->calls);
    if (bad)
        return NL_REFUSE(g, "type %s calls %s, which is not allowed", type->name, bad);
    for (const char *const *check = type->checks; check && *check; check++) {
        if (!nl_gate_definition(g, NL_GATE_VIEW, *check)) {
            nl_err_prefix(g->err, "type %s: ", type->name);
            return false;
        }
    }
    return true;
}

bool nl_gate_held(nl_gate *g, const char *const *holds) {
    for (; holds && *holds; holds++) {
        const nl_loaded *inside = nl_catalog_loaded_type(g->catalog, *holds);
        if (inside && !nl_gate_seen(g, inside) && !check_loaded(g, inside))
            return false;
    }
    return true;
}

bool nl_gate_type(nl_gate *g, const nl_loaded *type) {
    return nl_gate_held(g, type->holds);
}

/* Reading a column calls its type's own functions where those are no checks; functions that make
 * values of the type of an argument run the checks too. */
static bool check_columns(nl_gate *g) {
    for (size_t i = 0; i < g->scopes->n_mentions; i++) {
        const char *const *holds = g->scopes->mentions[i].column->holds;
        for (const char *const *h = holds; h && *h; h++) {
            const nl_loaded *inside = nl_catalog_loaded_type(g->catalog, *h);
            const char *bad =
                inside && !inside->checks ? nl_gate_first_bad(g, inside->calls) : NULL;
            if (bad)
                return NL_REFUSE(g, "type %s calls %s, which is not allowed", inside->name, bad);
        }
        if (g->coerces && !nl_gate_held(g, holds))
            return false;
    }
    return true;
}

bool nl_gate_unnamed(nl_gate *g) {
    size_t n;
    (void)nl_catalog_casts(g->catalog, &n);
    if (!check_pending(g) || (n && !check_casts(g)))
        return false;
    bool columns = g->loaded && (g->coerces || nl_catalog_loaded_inputs(g->catalog));
    return !columns || (nl_gate_resolve(g) && check_columns(g));
}
