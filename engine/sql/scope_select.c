/* scope_select.c: one query: WITH, FROM, the output list, and the clauses that may name it. */
#include <stdint.h>

#include "sql/scope_priv.h"

#include "base/banned.h"

static void sublink(nl_scopes *r, const nl_scope *scope, const nl_json_node *body) {
    nl_tree query = nl_tree_open(NL_GET(body, "subselect"));
    nl_output out = { 0 };
    nl_scope_expr(r, scope, NL_GET(body, "testexpr"));
    if (query.body && NL_IS(query, "SelectStmt"))
        nl_scope_select(r, scope, NL_SCOPE_EXPRESSION, scope->ctes, query.body, NULL, &out);
}

void nl_scope_expr(nl_scopes *r, const nl_scope *scope, const nl_json_node *value) {
    if (!value || value->type < NL_JSON_ARRAY)
        return;
    nl_tree tree = nl_tree_open(value);
    if (tree.body) {
        if (NL_IS(tree, "ColumnRef")) {
            nl_scope_column(r, scope, tree.body);
            return;
        }
        if (NL_IS(tree, "SubLink")) {
            sublink(r, scope, tree.body);
            return;
        }
        if (NL_IS(tree, "A_Const") || NL_IS(tree, "String"))
            return;
        if (NL_IS(tree, "A_Indirection") && nl_scope_indirection(r, scope, tree.body)) {
            nl_scope_expr(r, scope, NL_GET(tree.body, "indirection"));
            return;
        }
        value = tree.body;
    }
    for (const nl_json_node *c = value->child; c; c = c->next) {
        if (c->type >= NL_JSON_ARRAY)
            nl_scope_expr(r, scope, c);
    }
}

/* --- WITH --------------------------------------------------------------------------------- */

static void add_cte_column(nl_scopes *r, nl_output *out, const nl_json_node *clause,
                           const char *key) {
    const char *name = nl_tree_str(clause, key);
    if (name)
        (void)nl_output_add(r, out, name);
}

static void set_cte_columns(nl_scopes *r, nl_cte *cte, const nl_output *from) {
    nl_output out = { .open = from->open };
    for (size_t i = 0; i < from->n; i++) {
        nl_col *col = nl_output_add(r, &out, from->cols[i].name);
        if (col) { /* where it comes from; relations made of the CTE have the names only */
            col->rel = from->cols[i].rel;
            col->at = from->cols[i].at;
        }
    }
    nl_output_rename(r, &out, nl_tree_list(cte->node, "aliascolnames"));
    cte->cols = out.cols;
    cte->n_cols = out.n;
    cte->open = out.open;
}

void nl_scope_cte(nl_scopes *r, nl_cte *cte, const nl_cte *visible) {
    nl_tree query = nl_tree_open(NL_GET(cte->node, "ctequery"));
    const nl_json_node *search = NL_GET(cte->node, "search_clause");
    const nl_json_node *cycle = NL_GET(cte->node, "cycle_clause");
    nl_output out = { .open = true };
    cte->state = NL_CTE_BUSY;
    if (query.body && NL_IS(query, "SelectStmt")) {
        out.open = false;
        nl_scope_select(r, cte->owner, NL_SCOPE_CTE, visible, query.body, cte, &out);
    }
    set_cte_columns(r, cte, &out);
    out =
        (nl_output){ .cols = cte->cols, .n = cte->n_cols, .room = cte->n_cols, .open = cte->open };
    add_cte_column(r, &out, search, "search_seq_column");
    add_cte_column(r, &out, cycle, "cycle_mark_column");
    add_cte_column(r, &out, cycle, "cycle_path_column");
    cte->cols = out.cols;
    cte->n_cols = out.n;
    cte->state = NL_CTE_DONE;
}

/* Plain WITH: each query sees those before it. WITH RECURSIVE: all of them. */
static void with(nl_scopes *r, nl_scope *scope, const nl_json_node *clause) {
    bool recursive = nl_tree_flag(clause, "recursive");
    const nl_json_node *first = nl_tree_list(clause, "ctes");
    size_t n = nl_tree_count(first), i = 0;
    const nl_cte *visible = scope->ctes;
    nl_cte *ctes = n ? nl_pool_take(&r->pool, n * sizeof *ctes) : NULL;
    if (!ctes)
        return;
    for (const nl_json_node *c = first; c; c = c->next, i++) {
        const nl_json_node *body = nl_tree_open(c).body;
        const char *name = nl_tree_str(body, "ctename");
        ctes[i] = (nl_cte){ .name = name ? name : "",
                            .id = r->n_ctes++,
                            .node = body,
                            .owner = scope,
                            .outer = visible };
        visible = &ctes[i];
    }
    for (i = 0; i < n; i++) {
        if (ctes[i].state == NL_CTE_WAITING) {
            const nl_cte *seen = recursive ? visible : ctes[i].outer;
            scope->ctes = seen;
            nl_scope_cte(r, &ctes[i], seen);
        }
    }
    scope->ctes = visible;
}

/* --- names of output columns -------------------------------------------------------------- */

static bool differ(const nl_col *a, const nl_col *b) {
    return a->rel && b->rel && (a->rel != b->rel || a->at != b->at) && a->at != SIZE_MAX &&
           b->at != SIZE_MAX && a->rel->kind != NL_REL_JOIN && b->rel->kind != NL_REL_JOIN;
}

/* The output column called `name`, or NULL. Two different ones are ambiguous. */
static const nl_col *find_output(nl_scopes *r, const nl_output *out, const char *name) {
    const nl_col *found = NULL;
    for (size_t i = 0; i < out->n; i++) {
        const nl_col *col = &out->cols[i];
        if (col->maybe || strcmp(col->name, name) != 0)
            continue;
        if (found && differ(found, col))
            nl_report_ambiguous(r, name);
        found = found ? found : col;
    }
    return found;
}

static const char *lone_name(const nl_json_node *wrapped, const nl_json_node **body) {
    nl_tree tree = nl_tree_open(wrapped);
    const nl_json_node *fields =
        tree.body && NL_IS(tree, "ColumnRef") ? nl_tree_list(tree.body, "fields") : NULL;
    *body = tree.body;
    return fields && !fields->next ? nl_tree_string(fields) : NULL;
}

static void record_output(nl_scopes *r, const nl_json_node *body, const nl_output *out,
                          const nl_col *col) {
    nl_use *use = nl_scopes_record(r, body, NL_USE_OUTPUT, NULL, nl_tree_location(body));
    if (use)
        use->at = (size_t)(col - out->cols);
}

/* A name that only output columns behind a star may have: nothing to resolve or to report. */
static bool may_be_output(nl_scopes *r, const nl_scope *scope, const nl_output *out,
                          const nl_json_node *body, const char *name) {
    nl_found found;
    size_t open;
    const nl_rel *only;
    if (!name || !out->open || nl_scope_find(scope, 0, scope->n_rels, name, &found, &open, &only) ||
        open)
        return false;
    nl_use *use = nl_scopes_record(r, body, NL_USE_OPEN, NULL, nl_tree_location(body));
    if (use)
        use->guessed = true;
    return true;
}

/* ORDER BY and DISTINCT ON: a lone name is an output column's first. */
static void by_output(nl_scopes *r, const nl_scope *scope, const nl_output *out,
                      const nl_json_node *expr) {
    const nl_json_node *body;
    const char *name = lone_name(expr, &body);
    const nl_col *col = name ? find_output(r, out, name) : NULL;
    if (col)
        record_output(r, body, out, col);
    else if (!may_be_output(r, scope, out, body, name))
        nl_scope_expr(r, scope, expr);
}

/* Was `name` met among uses[from..] as a column of a table that may or may not have it? */
static bool met_open(const nl_scopes *r, size_t from, const char *name) {
    for (size_t i = from; i < r->n_uses; i++) {
        const nl_use *use = &r->uses[i];
        if (use->kind != NL_USE_OPEN && use->kind != NL_USE_FIELD)
            continue;
        const char *last = nl_tree_last_name(nl_tree_list(use->node, "fields"));
        if (last && strcmp(last, name) == 0)
            return true;
    }
    return false;
}

/* GROUP BY: a lone name is a column of FROM first. `from`: the output list's first use. */
static void by_input(nl_scopes *r, const nl_scope *scope, const nl_output *out,
                     const nl_json_node *expr, size_t from) {
    const nl_json_node *body;
    const char *name = lone_name(expr, &body);
    nl_tree tree = nl_tree_open(expr);
    nl_found found;
    size_t open;
    const nl_rel *only;
    if (tree.body && (NL_IS(tree, "RowExpr") || NL_IS(tree, "GroupingSet"))) {
        const nl_json_node *part =
            nl_tree_list(tree.body, NL_IS(tree, "RowExpr") ? "args" : "content");
        for (; part; part = part->next)
            by_input(r, scope, out, part, from);
        return;
    }
    if (name && !nl_scope_find(scope, 0, scope->n_rels, name, &found, &open, &only)) {
        const nl_col *col = find_output(r, out, name);
        /* With no table open, no column of FROM can have the name. */
        if (col && (!open || (col->aliased && !met_open(r, from, name)))) {
            record_output(r, body, out, col);
            return;
        }
    }
    if (!may_be_output(r, scope, out, body, name))
        nl_scope_expr(r, scope, expr);
}

/* --- the query
 * ------------------------------------------------------------------------------------ */

static void star_target(nl_scopes *r, const nl_scope *scope, const nl_json_node *body,
                        nl_output *out) {
    nl_scope_column(r, scope, body);
    const nl_use *use = nl_scopes_use(r, body);
    if (!use)
        return;
    if (use->kind == NL_USE_ALL)
        nl_output_expand(r, out, use->rel, false);
    else if (use->kind == NL_USE_UNKNOWN)
        out->open = true;
    for (size_t i = 0; use->kind == NL_USE_STAR && i < scope->n_rels; i++) {
        if (scope->rels[i]->shown)
            nl_output_expand(r, out, scope->rels[i], true);
    }
}

static void target(nl_scopes *r, const nl_scope *scope, const nl_json_node *res, nl_output *out) {
    const nl_json_node *val = NL_GET(res, "val");
    const char *alias = nl_tree_str(res, "name");
    nl_tree tree = nl_tree_open(val);
    bool column = tree.body && NL_IS(tree, "ColumnRef");
    if (column && !nl_tree_last_name(nl_tree_list(tree.body, "fields"))) {
        star_target(r, scope, tree.body, out);
        return;
    }
    nl_scope_expr(r, scope, val);
    if (tree.body && NL_IS(tree, "A_Indirection") &&
        NL_IS(nl_tree_open(nl_tree_last(nl_tree_list(tree.body, "indirection"))), "A_Star")) {
        out->open = true; /* (composite).* */
        return;
    }
    nl_col *col = nl_output_add(r, out, alias ? alias : nl_column_name(val));
    const nl_use *use = column ? nl_scopes_use(r, tree.body) : NULL;
    if (!col)
        return;
    col->aliased = alias != NULL;
    if (use && use->kind == NL_USE_COLUMN && !use->guessed) {
        col->rel = use->rel;
        col->at = use->at;
    }
}

static void order_and_limit(nl_scopes *r, const nl_scope *scope, const nl_json_node *body,
                            const nl_output *out) {
    for (const nl_json_node *s = nl_tree_list(body, "sortClause"); s; s = s->next)
        by_output(r, scope, out, NL_GET(nl_tree_open(s).body, "node"));
    nl_scope_expr(r, scope, NL_GET(body, "limitCount"));
    nl_scope_expr(r, scope, NL_GET(body, "limitOffset"));
}

static void set_operation(nl_scopes *r, nl_scope *scope, const nl_json_node *body, nl_cte *self,
                          nl_output *out) {
    nl_output right = { 0 };
    nl_scope_select(r, scope, NL_SCOPE_ARM, scope->ctes, NL_GET(body, "larg"), NULL, out);
    if (self) /* a recursive query's own name has the first arm's columns from here on */
        set_cte_columns(r, self, out);
    nl_scope_select(r, scope, NL_SCOPE_ARM, scope->ctes, NL_GET(body, "rarg"), NULL, &right);
    for (size_t i = 0; i < out->n; i++)
        out->cols[i] = (nl_col){ .name = out->cols[i].name, .at = SIZE_MAX, .aliased = true };
    out->open = out->open || (out->n == 0 && right.open);
    order_and_limit(r, scope, body, out);
}

static void values(nl_scopes *r, const nl_scope *scope, const nl_json_node *body, nl_output *out) {
    const nl_json_node *rows = nl_tree_list(body, "valuesLists");
    size_t n = nl_tree_count(nl_tree_list(nl_tree_open(rows).body, "items"));
    for (const nl_json_node *row = rows; row; row = row->next)
        nl_scope_expr(r, scope, row);
    for (size_t i = 0; i < n; i++)
        (void)nl_output_add(r, out, nl_pool_printf(&r->pool, "column%zu", i + 1));
    order_and_limit(r, scope, body, out);
}

static void plain(nl_scopes *r, nl_scope *scope, const nl_json_node *body, nl_output *out) {
    for (const nl_json_node *f = nl_tree_list(body, "fromClause"); f; f = f->next)
        nl_scope_from(r, scope, f);
    size_t first_use = r->n_uses;
    for (const nl_json_node *t = nl_tree_list(body, "targetList"); t; t = t->next)
        target(r, scope, nl_tree_open(t).body, out);
    nl_scope_expr(r, scope, NL_GET(body, "whereClause"));
    for (const nl_json_node *g = nl_tree_list(body, "groupClause"); g; g = g->next)
        by_input(r, scope, out, g, first_use);
    nl_scope_expr(r, scope, NL_GET(body, "havingClause"));
    nl_scope_expr(r, scope, NL_GET(body, "windowClause"));
    for (const nl_json_node *d = nl_tree_list(body, "distinctClause"); d; d = d->next)
        by_output(r, scope, out, d);
    order_and_limit(r, scope, body, out);
}

void nl_scope_select(nl_scopes *r, const nl_scope *parent, nl_scope_kind kind, const nl_cte *ctes,
                     const nl_json_node *body, nl_cte *self, nl_output *out) {
    nl_scope scope = { .parent = parent, .kind = kind, .ctes = ctes };
    const nl_json_node *clause = NL_GET(body, "withClause");
    if (r->pool.failed || !body)
        return;
    if (clause)
        with(r, &scope, clause);
    if (NL_GET(body, "larg"))
        set_operation(r, &scope, body, self, out);
    else if (nl_tree_list(body, "valuesLists"))
        values(r, &scope, body, out);
    else
        plain(r, &scope, body, out);
}
