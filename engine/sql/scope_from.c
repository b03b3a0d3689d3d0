/* scope_from.c: what FROM brings into sight: transformFromClauseItem. */
#include <stdint.h>

#include "sql/scope_priv.h"

#include "base/banned.h"

/* Makes it possible to say `alias`; colnames are the caller's. */
static const nl_json_node *name_it(nl_rel *rel, const nl_json_node *alias, const char *otherwise) {
    const char *given = nl_tree_str(alias, "aliasname");
    rel->aliased = given != NULL;
    rel->alias = given ? given : otherwise;
    rel->named = rel->alias != NULL;
    return nl_tree_list(alias, "colnames");
}

void nl_output_rename(nl_scopes *r, nl_output *out, const nl_json_node *names) {
    size_t i = 0;
    for (; names; names = names->next, i++) {
        const char *name = nl_tree_string(names);
        if (!name)
            continue;
        if (i < out->n) {
            out->cols[i].name = name;
            out->cols[i].maybe = false;
        } else {
            (void)nl_output_add(r, out, name);
        }
    }
}

static void give_columns(nl_rel *rel, const nl_output *out) {
    rel->cols = out->cols;
    rel->n_cols = out->n;
    rel->open = out->open;
}

/* --- tables and CTEs ---------------------------------------------------------------------- */

static nl_cte *find_cte(const nl_scope *scope, const char *name) {
    for (const nl_cte *cte = scope->ctes; cte; cte = cte->outer) {
        if (strcmp(cte->name, name) == 0)
            return (nl_cte *)(uintptr_t)cte; /* ours, made writable again */
    }
    return NULL;
}

static void from_cte(nl_scopes *r, nl_scope *scope, const nl_json_node *body, nl_cte *cte) {
    nl_output out = { 0 };
    if (cte->state == NL_CTE_WAITING) /* a forward reference under WITH RECURSIVE */
        nl_scope_cte(r, cte, cte->owner->ctes);
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_CTE, body, scope->n_rels);
    if (!rel)
        return;
    rel->cte = cte;
    rel->location = nl_tree_location(body);
    for (size_t i = 0; i < cte->n_cols; i++)
        (void)nl_output_add(r, &out, cte->cols[i].name);
    out.open = cte->open || cte->state == NL_CTE_BUSY;
    if (cte->state == NL_CTE_BUSY && cte->n_cols)
        out.open = cte->open; /* a recursive reference: the first arm gave the columns */
    nl_output_rename(r, &out, name_it(rel, NL_GET(body, "alias"), cte->name));
    give_columns(rel, &out);
    (void)nl_scopes_record(r, body, NL_USE_RELATION, rel, rel->location);
}

static bool is_system(const char *schema, const char *name) {
    if (schema)
        return strncmp(schema, "pg_", 3) == 0 || strcmp(schema, "information_schema") == 0;
    return strncmp(name, "pg_", 3) == 0;
}

static void look_up(nl_scopes *r, nl_rel *rel, const char *schema) {
    rel->table = r->catalog ? nl_catalog_find(r->catalog, schema, rel->name) : NULL;
    rel->open = rel->table == NULL;
    if (rel->table) {
        rel->schema = rel->table->schema;
    } else if (r->catalog && !is_system(schema, rel->name)) { /* the gate judges those */
        nl_report_table(r, schema, rel->name);
    }
}

static void note_table(nl_scopes *r, nl_scope *scope, const nl_rel *rel) {
    const nl_rel **list =
        nl_pool_grow(&r->pool, r->tables, r->n_tables, &r->tables_room, sizeof *list);
    if (!list)
        return;
    r->tables = list;
    list[r->n_tables++] = rel;
    if (++scope->base_tables > r->max_joined)
        r->max_joined = scope->base_tables;
    for (size_t i = 0; rel->table && i < scope->n_rels; i++) {
        if (scope->rels[i] != rel && scope->rels[i]->table == rel->table)
            r->self_join = true;
    }
}

static void from_table(nl_scopes *r, nl_scope *scope, const nl_json_node *body) {
    const char *schema = nl_tree_str(body, "schemaname");
    const char *name = nl_tree_str(body, "relname");
    nl_output out = { 0 };
    if (!name)
        return;
    nl_cte *cte = schema ? NULL : find_cte(scope, name);
    if (cte) {
        from_cte(r, scope, body, cte);
        return;
    }
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_TABLE, body, scope->n_rels);
    if (!rel)
        return;
    rel->name = name;
    rel->schema = schema;
    rel->location = nl_tree_location(body);
    look_up(r, rel, schema);
    bool open = rel->open;
    nl_output_rename(r, &out, name_it(rel, NL_GET(body, "alias"), name));
    give_columns(rel, &out);
    rel->open = open;
    note_table(r, scope, rel);
    (void)nl_scopes_record(r, body, NL_USE_RELATION, rel, rel->location);
}

/* --- sub-selects and functions ------------------------------------------------------------ */

static void from_query(nl_scopes *r, nl_scope *scope, const nl_json_node *body) {
    nl_tree query = nl_tree_open(NL_GET(body, "subquery"));
    nl_output out = { 0 };
    if (!query.body || !NL_IS(query, "SelectStmt"))
        return;
    if (nl_tree_flag(body, "lateral")) {
        nl_scope_select(r, scope, NL_SCOPE_FROM, scope->ctes, query.body, NULL, &out);
    } else { /* sees what is around the query, not its siblings */
        nl_scope outside = {
            .parent = scope->parent, .kind = scope->kind, .ctes = scope->ctes, .blocked = scope
        };
        nl_scope_select(r, &outside, NL_SCOPE_FROM, scope->ctes, query.body, NULL, &out);
    }
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_QUERY, body, scope->n_rels);
    if (!rel)
        return;
    nl_output_rename(r, &out, name_it(rel, NL_GET(body, "alias"), NULL));
    give_columns(rel, &out);
    (void)nl_scopes_record(r, body, NL_USE_RELATION, rel, -1);
}

static void add_definitions(nl_scopes *r, nl_output *out, const nl_json_node *defs) {
    for (; defs; defs = defs->next) {
        const char *name = nl_tree_str(nl_tree_open(defs).body, "colname");
        if (name)
            (void)nl_output_add(r, out, name);
    }
}

/* Columns of one function of a RangeFunction: {FuncCall}, {List of column definitions}. */
static void add_function(nl_scopes *r, nl_output *out, const nl_json_node *call,
                         const nl_json_node *defs, const char *alias) {
    const char *name = nl_column_name(call);
    nl_tree list = nl_tree_open(defs);
    if (list.body && NL_IS(list, "List")) {
        add_definitions(r, out, nl_tree_list(list.body, "items"));
        return;
    }
    const char *const *known = nl_function_columns(name);
    for (size_t i = 0; known && known[i]; i++)
        (void)nl_output_add(r, out, known[i][0] ? known[i] : alias ? alias : name);
    if (known)
        return;
    nl_col *col = nl_output_add(r, out, alias ? alias : name);
    if (col)
        col->maybe = true;
    out->open = true;
}

static void from_function(nl_scopes *r, nl_scope *scope, const nl_json_node *body) {
    const nl_json_node *functions = nl_tree_list(body, "functions");
    const nl_json_node *defs = nl_tree_list(body, "coldeflist");
    const nl_json_node *alias = NL_GET(body, "alias");
    const char *given = nl_tree_str(alias, "aliasname");
    const char *first = NULL;
    bool several = functions && functions->next;
    nl_output out = { 0 };

    for (const nl_json_node *f = functions; f; f = f->next) {
        const nl_json_node *call = nl_tree_list(nl_tree_open(f).body, "items");
        if (!call)
            continue;
        nl_scope_expr(r, scope, call);
        if (!first)
            first = nl_column_name(call);
        if (!defs)
            add_function(r, &out, call, call->next, several ? NULL : given);
    }
    add_definitions(r, &out, defs);
    if (nl_tree_flag(body, "ordinality")) {
        nl_col *col = nl_output_add(r, &out, "ordinality");
        if (col)
            col->maybe = out.open;
    }
    for (size_t i = 0; several && out.open && i < out.n; i++)
        out.cols[i].maybe = true;
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_FUNCTION, body, scope->n_rels);
    if (!rel)
        return;
    const nl_json_node *names = name_it(rel, alias, first);
    if (names && out.open && nl_tree_count(names) > 1) { /* which is which is not known */
        nl_output fresh = { .open = true };
        bool ordinal = nl_tree_flag(body, "ordinality");
        nl_output_rename(r, &fresh, names);
        nl_col *col = ordinal ? nl_output_add(r, &fresh, "ordinality") : NULL;
        if (col)
            col->maybe = true;
        out = fresh;
    } else {
        nl_output_rename(r, &out, names);
    }
    give_columns(rel, &out);
    (void)nl_scopes_record(r, body, NL_USE_RELATION, rel, -1);
}

static void from_xmltable(nl_scopes *r, nl_scope *scope, const nl_json_node *body) {
    nl_output out = { 0 };
    nl_scope_expr(r, scope, NL_GET(body, "docexpr"));
    nl_scope_expr(r, scope, NL_GET(body, "rowexpr"));
    nl_scope_expr(r, scope, NL_GET(body, "namespaces"));
    for (const nl_json_node *c = nl_tree_list(body, "columns"); c; c = c->next) {
        const nl_json_node *column = nl_tree_open(c).body;
        const char *name = nl_tree_str(column, "colname");
        if (name)
            (void)nl_output_add(r, &out, name);
        nl_scope_expr(r, scope, NL_GET(column, "colexpr"));
        nl_scope_expr(r, scope, NL_GET(column, "coldefexpr"));
    }
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_FUNCTION, body, scope->n_rels);
    if (!rel)
        return;
    nl_output_rename(r, &out, name_it(rel, NL_GET(body, "alias"), "xmltable"));
    give_columns(rel, &out);
    (void)nl_scopes_record(r, body, NL_USE_RELATION, rel, -1);
}

/* --- joins
 * ---------------------------------------------------------------------------------------- */

static void hide(nl_scopes *r, const nl_scope *scope, size_t from, size_t to, const char *name) {
    for (size_t i = from; i < to; i++) {
        nl_hidden *h = nl_pool_take(&r->pool, sizeof *h);
        if (!h)
            return;
        h->name = name;
        h->next = scope->rels[i]->hidden;
        scope->rels[i]->hidden = h;
    }
}

/* One merged column out of the left rels[from..mid) and the right rels[mid..to). */
static void merge(nl_scopes *r, const nl_scope *scope, size_t from, size_t mid, size_t to,
                  const char *name, nl_output *out) {
    nl_found found[2] = { { 0 } };
    size_t n[2], open[2];
    const nl_rel *only[2];
    n[0] = nl_scope_find(scope, from, mid, name, &found[0], &open[0], &only[0]);
    n[1] = nl_scope_find(scope, mid, to, name, &found[1], &open[1], &only[1]);
    for (size_t i = 0; i < 2; i++) {
        if (n[i] > 1)
            nl_report_ambiguous(r, name);
        if (n[i] == 0 && open[i] == 0)
            nl_report_using(r, name, i == 0);
    }
    nl_col *col = nl_output_add(r, out, name);
    nl_col *right = nl_pool_take(&r->pool, sizeof *right);
    if (!col || !right)
        return;
    *right = (nl_col){ .name = name,
                       .rel = n[1] ? found[1].rel : only[1],
                       .at = n[1] ? found[1].at : SIZE_MAX };
    col->rel = n[0] ? found[0].rel : only[0];
    col->at = n[0] ? found[0].at : SIZE_MAX;
    col->also = right;
}

/* The left side's visible names that the right side has too. */
static void merge_natural(nl_scopes *r, const nl_scope *scope, size_t from, size_t mid, size_t to,
                          nl_output *out) {
    nl_output left = { 0 };
    for (size_t i = from; i < mid; i++) {
        if (scope->rels[i]->shown)
            nl_output_expand(r, &left, scope->rels[i], true);
    }
    for (size_t i = 0; i < left.n; i++) {
        nl_found found;
        size_t open;
        const nl_rel *only;
        if (!left.cols[i].maybe &&
            nl_scope_find(scope, mid, to, left.cols[i].name, &found, &open, &only))
            merge(r, scope, from, mid, to, left.cols[i].name, out);
    }
}

/* The merged columns become a relation of their own before the two sides', so that a star shows
 * them first; the sides' own are reached by qualified names only. */
static nl_rel *merge_columns(nl_scopes *r, nl_scope *scope, const nl_json_node *body, size_t from,
                             size_t mid) {
    const nl_json_node *names = nl_tree_list(body, "usingClause");
    bool natural = nl_tree_flag(body, "isNatural");
    size_t to = scope->n_rels;
    nl_output out = { 0 };
    if (!names && !natural)
        return NULL;
    if (natural)
        merge_natural(r, scope, from, mid, to, &out);
    for (; names; names = names->next) {
        const char *name = nl_tree_string(names);
        if (name)
            merge(r, scope, from, mid, to, name, &out);
    }
    for (size_t i = 0; i < out.n; i++)
        hide(r, scope, from, to, out.cols[i].name);
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_JOIN, body, from);
    if (!rel)
        return NULL;
    give_columns(rel, &out);
    for (size_t i = mid; i < scope->n_rels && rel->location < 0; i++)
        rel->location = scope->rels[i]->location;
    for (size_t i = 0; i < rel->n_cols; i++)
        nl_scopes_mention(r, rel, i, rel->location);
    (void)nl_scopes_record(r, body, NL_USE_JOIN, rel, rel->location);
    return rel;
}

/* (a JOIN b …) AS j: one relation with all the columns; a and b are out of sight. */
static void cover(nl_scopes *r, nl_scope *scope, const nl_json_node *alias,
                  const nl_json_node *body, size_t from) {
    nl_output out = { 0 };
    for (size_t i = from; i < scope->n_rels; i++) {
        nl_rel *rel = scope->rels[i];
        if (rel->shown)
            nl_output_expand(r, &out, rel, true);
        rel->shown = rel->named = false;
    }
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_JOIN, body, scope->n_rels);
    if (!rel)
        return;
    nl_output_rename(r, &out, name_it(rel, alias, NULL));
    give_columns(rel, &out);
}

/* JOIN … USING (…) AS z: z names the merged columns only. */
static void name_merged(nl_scopes *r, nl_scope *scope, const nl_json_node *alias,
                        const nl_rel *merged) {
    nl_rel *rel = nl_scope_push(r, scope, NL_REL_JOIN, merged->node, scope->n_rels);
    if (!rel)
        return;
    (void)name_it(rel, alias, NULL);
    rel->cols = merged->cols;
    rel->n_cols = merged->n_cols;
    rel->shown = false;
}

static void from_join(nl_scopes *r, nl_scope *scope, const nl_json_node *body) {
    size_t from = scope->n_rels;
    nl_scope_from(r, scope, NL_GET(body, "larg"));
    size_t mid = scope->n_rels;
    nl_scope_from(r, scope, NL_GET(body, "rarg"));
    const nl_rel *merged = merge_columns(r, scope, body, from, mid);
    const nl_json_node *using_alias = NL_GET(body, "join_using_alias");
    const nl_json_node *alias = NL_GET(body, "alias");
    if (merged && using_alias)
        name_merged(r, scope, using_alias, merged);
    const nl_json_node *quals = NL_GET(body, "quals");
    if (quals) { /* ON sees the two sides alone, and what is around the query */
        nl_scope sides = { .parent = scope->parent,
                           .blocked = scope,
                           .is_on = true,
                           .kind = scope->kind,
                           .ctes = scope->ctes,
                           .rels = scope->rels + from,
                           .n_rels = scope->n_rels - from };
        nl_scope_expr(r, &sides, quals);
    }
    if (alias)
        cover(r, scope, alias, body, from);
}

void nl_scope_from(nl_scopes *r, nl_scope *scope, const nl_json_node *item) {
    nl_tree tree = nl_tree_open(item);
    if (!tree.body)
        return;
    if (NL_IS(tree, "RangeVar")) {
        from_table(r, scope, tree.body);
    } else if (NL_IS(tree, "JoinExpr")) {
        from_join(r, scope, tree.body);
    } else if (NL_IS(tree, "RangeSubselect")) {
        from_query(r, scope, tree.body);
    } else if (NL_IS(tree, "RangeFunction")) {
        from_function(r, scope, tree.body);
    } else if (NL_IS(tree, "RangeTableFunc")) {
        from_xmltable(r, scope, tree.body);
    } else if (NL_IS(tree, "RangeTableSample")) {
        nl_scope_from(r, scope, NL_GET(tree.body, "relation"));
        nl_scope_expr(r, scope, NL_GET(tree.body, "args"));
        nl_scope_expr(r, scope, NL_GET(tree.body, "repeatable"));
    }
}
