/* canon.c: writes the tree as a run of short tokens, one for exact and one for masked keys, and
 * hashes that. Where order does not count, parts are hashed on their own and sorted. */
#include "sql/canon.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql/canon_token.h"

#include "base/banned.h"

static void put_any(nl_canon *c, const nl_json_node *value);
static void put_query(nl_canon *c, const nl_json_node *body);

static void take_any(nl_canon *c, nl_canon_keys *list, const nl_json_node *value) {
    size_t exact_mark = c->exact.size, masked_mark = c->masked.size;
    put_any(c, value);
    nl_canon_take(c, list, exact_mark, masked_mark);
}

static void put_column(nl_canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    const nl_json_node *fields = nl_tree_list(body, "fields");
    const char *name = nl_tree_last_name(fields);
    nl_use_kind kind = use ? use->kind : NL_USE_UNKNOWN;
    if (kind == NL_USE_COLUMN) {
        nl_canon_tag(c, 'C');
        nl_canon_number(c, use->rel->id);
        nl_canon_number(c, use->at);
    } else if (kind == NL_USE_OUTPUT) {
        nl_canon_tag(c, 'O');
        nl_canon_number(c, use->at);
    } else if (kind == NL_USE_ROW || kind == NL_USE_ALL) {
        nl_canon_tag(c, kind == NL_USE_ROW ? 'W' : 'A');
        nl_canon_number(c, use->rel->id);
    } else if ((kind == NL_USE_OPEN || kind == NL_USE_FIELD) && use->rel && name) {
        nl_canon_tag(c, 'c');
        nl_canon_number(c, use->rel->id);
        nl_canon_text(c, name);
    } else {
        nl_canon_tag(c, kind == NL_USE_STAR ? '*' : 'u');
        for (; fields; fields = fields->next)
            nl_canon_text(c, nl_tree_string(fields));
        nl_canon_tag(c, ';');
    }
}

static void put_relation(nl_canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    const nl_rel *rel = use ? use->rel : NULL;
    const char *schema = nl_tree_str(body, "schemaname");
    if (rel && rel->cte) {
        nl_canon_tag(c, 'E');
        nl_canon_number(c, rel->id);
        nl_canon_number(c, rel->cte->id);
        return;
    }
    nl_canon_tag(c, nl_tree_flag(body, "inh") ? 'T' : 'o'); /* o: ONLY */
    nl_canon_number(c, rel ? rel->id : 0);
    nl_canon_text(c, schema && strcmp(schema, "public") != 0 ? schema : "");
    nl_canon_text(c, nl_tree_str(body, "relname"));
}

static void put_type(nl_canon *c, const nl_json_node *body) {
    bool keep = c->keep_literals;
    c->keep_literals = true;
    nl_canon_tag(c, 't');
    nl_canon_name(c, nl_tree_list(body, "names"));
    put_any(c, NL_GET(body, "typmods"));
    put_any(c, NL_GET(body, "arrayBounds"));
    c->keep_literals = keep;
}

/* --- expressions
 * ----------------------------------------------------------------------------------- */

/* > and >= are turned round; = and <> have no sides. */
static bool put_comparison(nl_canon *c, const nl_json_node *body) {
    const nl_json_node *names = nl_tree_list(body, "name");
    const char *op = nl_tree_last_name(names);
    const nl_json_node *left = NL_GET(body, "lexpr"), *right = NL_GET(body, "rexpr");
    bool own = names && (!names->next || strcmp(nl_tree_string(names), "pg_catalog") == 0);
    if (!op || !own || !left || !right || !nl_tree_has(body, "kind", "AEXPR_OP"))
        return false;
    if (strcmp(op, "=") == 0 || strcmp(op, "<>") == 0) {
        nl_canon_keys sides = { 0 };
        nl_canon_tag(c, '?');
        nl_canon_text(c, op);
        take_any(c, &sides, left);
        take_any(c, &sides, right);
        nl_canon_sorted(c, &sides, false);
        return true;
    }
    bool turn = strcmp(op, ">") == 0 || strcmp(op, ">=") == 0;
    if (!turn && strcmp(op, "<") != 0 && strcmp(op, "<=") != 0)
        return false;
    nl_canon_tag(c, '?');
    nl_canon_text(c, op[1] ? "<=" : "<");
    put_any(c, turn ? right : left);
    put_any(c, turn ? left : right);
    return true;
}

static void put_expression(nl_canon *c, const nl_json_node *body) {
    if (put_comparison(c, body))
        return;
    nl_canon_tag(c, 'X');
    nl_canon_text(c, nl_tree_str(body, "kind"));
    nl_canon_name(c, nl_tree_list(body, "name"));
    put_any(c, NL_GET(body, "lexpr"));
    const nl_json_node *right = NL_GET(body, "rexpr");
    nl_tree list = nl_tree_open(right);
    if (nl_tree_has(body, "kind", "AEXPR_IN") && NL_IS(list, "List")) {
        nl_canon_keys items = { 0 };
        for (const nl_json_node *i = nl_tree_list(list.body, "items"); i; i = i->next)
            take_any(c, &items, i);
        nl_canon_sorted(c, &items, true);
    } else {
        put_any(c, right);
    }
}

/* The conditions under one AND, those of ANDs in parentheses among them included. */
static void take_conditions(nl_canon *c, nl_canon_keys *list, const nl_json_node *body,
                            const char *op) {
    for (const nl_json_node *a = nl_tree_list(body, "args"); a; a = a->next) {
        nl_tree inner = nl_tree_open(a);
        if (NL_IS(inner, "BoolExpr") && nl_tree_has(inner.body, "boolop", op))
            take_conditions(c, list, inner.body, op);
        else
            take_any(c, list, a);
    }
}

static void put_boolean(nl_canon *c, const nl_json_node *body) {
    const char *op = nl_tree_str(body, "boolop");
    nl_canon_tag(c, 'B');
    nl_canon_text(c, op);
    if (!op || strcmp(op, "NOT_EXPR") == 0) {
        put_any(c, NL_GET(body, "args"));
    } else {
        nl_canon_keys list = { 0 };
        take_conditions(c, &list, body, op);
        nl_canon_sorted(c, &list, false);
    }
}

static void put_function(nl_canon *c, const nl_json_node *body) {
    nl_canon_tag(c, 'F');
    nl_canon_name(c, nl_tree_list(body, "funcname"));
    for (const nl_json_node *m = body->child; m; m = m->next) {
        if (strcmp(m->key, "funcname") == 0 || strcmp(m->key, "funcformat") == 0 ||
            strcmp(m->key, "location") == 0)
            continue;
        nl_canon_text(c, m->key);
        put_any(c, m);
    }
    nl_canon_tag(c, ';');
}

static void put_sort(nl_canon *c, const nl_json_node *body) {
    const char *nulls = nl_tree_str(body, "sortby_nulls");
    bool down = nl_tree_has(body, "sortby_dir", "SORTBY_DESC");
    bool first = down; /* by default NULLs are the largest values */
    if (nulls && strcmp(nulls, "SORTBY_NULLS_FIRST") == 0)
        first = true;
    else if (nulls && strcmp(nulls, "SORTBY_NULLS_LAST") == 0)
        first = false;
    nl_canon_tag(c, down ? 'd' : 'a');
    nl_canon_tag(c, first ? 'f' : 'l');
    if (NL_GET(body, "useOp"))
        nl_canon_name(c, nl_tree_list(body, "useOp"));
}

/* --- clauses
 * ----------------------------------------------------------------------------------------- */

/* ORDER BY 2 names the output column at 1, as its alias does. */
static bool put_position(nl_canon *c, const nl_json_node *wrapped) {
    nl_tree tree = nl_tree_open(wrapped);
    const nl_json_node *ival = NL_IS(tree, "A_Const") ? NL_GET(tree.body, "ival") : NULL;
    int64_t position;
    if (!ival || !nl_json_int(NL_GET(ival, "ival"), &position) || position < 1)
        return false;
    nl_canon_tag(c, 'O');
    nl_canon_number(c, (size_t)position - 1);
    return true;
}

static void put_positions(nl_canon *c, const nl_json_node *list) {
    nl_canon_tag(c, '[');
    for (; list; list = list->next) {
        nl_tree tree = nl_tree_open(list);
        const nl_json_node *expr = list;
        if (NL_IS(tree, "SortBy")) {
            put_sort(c, tree.body);
            expr = NL_GET(tree.body, "node");
        }
        if (!put_position(c, expr))
            put_any(c, expr);
    }
    nl_canon_tag(c, ']');
}

static void put_targets(nl_canon *c, const nl_json_node *list) {
    nl_canon_tag(c, '[');
    for (; list; list = list->next) {
        const nl_json_node *body = nl_tree_open(list).body;
        put_any(c, NL_GET(body, "val"));
        if (c->names_matter)
            nl_canon_text(c, nl_tree_str(body, "name"));
    }
    nl_canon_tag(c, ']');
}

static void put_join(nl_canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    nl_canon_tag(c, 'J');
    nl_canon_text(c, nl_tree_str(body, "jointype"));
    put_any(c, NL_GET(body, "larg"));
    put_any(c, NL_GET(body, "rarg"));
    if (nl_tree_flag(body, "isNatural"))
        nl_canon_tag(c, '&');
    nl_canon_tag(c, '[');
    for (size_t i = 0; use && use->rel && i < use->rel->n_cols; i++) {
        for (const nl_col *col = &use->rel->cols[i]; col; col = col->also) {
            bool known = col->rel && col->at != SIZE_MAX;
            nl_canon_number(c, col->rel ? col->rel->id : 0);
            if (known)
                nl_canon_number(c, col->at);
            else
                nl_canon_text(c, col->name);
        }
    }
    nl_canon_tag(c, ']');
    put_any(c, NL_GET(body, "quals"));
}

static bool ignored(const nl_json_node *member) {
    static const char *const keys[] = { "location",    "alias",     "ctename", "join_using_alias",
                                        "limitOption", "subLinkId", NULL };
    for (const char *const *k = keys; *k; k++) {
        if (strcmp(*k, member->key) == 0)
            return strcmp(*k, "limitOption") != 0 ||
                   strcmp(member->text, "LIMIT_OPTION_WITH_TIES") != 0;
    }
    return false;
}

static void put_members(nl_canon *c, const nl_json_node *body) {
    for (const nl_json_node *m = body->child; m; m = m->next) {
        if (ignored(m))
            continue;
        nl_canon_text(c, m->key);
        put_any(c, m);
    }
    nl_canon_tag(c, ';');
}

static void put_cte(nl_canon *c, const nl_json_node *body) {
    bool searched = NL_GET(body, "search_clause") || NL_GET(body, "cycle_clause");
    nl_canon_tag(c, 'w');
    if (searched) /* their columns go by name */
        put_members(c, body);
    else {
        nl_canon_text(c, nl_tree_str(body, "ctematerialized"));
        put_any(c, NL_GET(body, "ctequery"));
    }
}

static void put_query(nl_canon *c, const nl_json_node *body) {
    nl_canon_tag(c, 'Q');
    for (const nl_json_node *m = body->child; m; m = m->next) {
        nl_tree limit = nl_tree_open(m);
        if (ignored(m) || (strcmp(m->key, "limitCount") == 0 && nl_tree_flag(limit.body, "isnull")))
            continue;
        nl_canon_text(c, m->key);
        if (strcmp(m->key, "larg") == 0 || strcmp(m->key, "rarg") == 0)
            put_query(c, m);
        else if (strcmp(m->key, "targetList") == 0)
            put_targets(c, m->child);
        else if (strcmp(m->key, "sortClause") == 0 || strcmp(m->key, "groupClause") == 0 ||
                 strcmp(m->key, "distinctClause") == 0)
            put_positions(c, m->child);
        else
            put_any(c, m);
    }
    nl_canon_tag(c, ';');
}

/* --- the walk
 * ---------------------------------------------------------------------------------------- */

static bool put_known(nl_canon *c, nl_tree tree) {
    if (NL_IS(tree, "ColumnRef"))
        put_column(c, tree.body);
    else if (NL_IS(tree, "A_Const"))
        nl_canon_const(c, tree.body);
    else if (NL_IS(tree, "A_Expr"))
        put_expression(c, tree.body);
    else if (NL_IS(tree, "FuncCall"))
        put_function(c, tree.body);
    else if (NL_IS(tree, "BoolExpr"))
        put_boolean(c, tree.body);
    else if (NL_IS(tree, "SelectStmt"))
        put_query(c, tree.body);
    else if (NL_IS(tree, "RangeVar"))
        put_relation(c, tree.body);
    else if (NL_IS(tree, "JoinExpr"))
        put_join(c, tree.body);
    else if (NL_IS(tree, "CommonTableExpr"))
        put_cte(c, tree.body);
    else
        return false;
    return true;
}

static void put_relation_id(nl_canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    if (use && use->kind == NL_USE_RELATION)
        nl_canon_number(c, use->rel->id);
}

static void put_any(nl_canon *c, const nl_json_node *value) {
    if (!value) {
        nl_canon_tag(c, '-');
        return;
    }
    if (value->type == NL_JSON_ARRAY) {
        nl_canon_tag(c, '[');
        for (const nl_json_node *item = value->child; item; item = item->next)
            put_any(c, item);
        nl_canon_tag(c, ']');
        return;
    }
    if (value->type != NL_JSON_OBJECT) {
        nl_canon_tag(c, value->type == NL_JSON_TRUE ? '1' : value->text ? '=' : '0');
        nl_canon_text(c, value->text);
        return;
    }
    nl_tree tree = nl_tree_open(value);
    if (tree.body && put_known(c, tree))
        return;
    if (value->key && strcmp(value->key, "typeName") == 0) {
        put_type(c, value);
        return;
    }
    nl_canon_tag(c, '{');
    if (tree.body) {
        nl_canon_text(c, tree.type);
        put_relation_id(c, tree.body);
        if (NL_IS(tree, "SortBy"))
            put_sort(c, tree.body);
        value = tree.body;
    }
    if (NL_IS(tree, "SortBy"))
        put_any(c, NL_GET(tree.body, "node"));
    else
        put_members(c, value);
    nl_canon_tag(c, '}');
}

/* A natural join, and a whole row of a sub-select, depend on the names of output columns. */
static bool do_names_matter(const nl_scopes *scopes) {
    for (size_t i = 0; i < scopes->n_uses; i++) {
        const nl_use *use = &scopes->uses[i];
        if (use->kind == NL_USE_JOIN && nl_tree_flag(use->node, "isNatural"))
            return true;
        if (use->kind == NL_USE_ROW && use->rel->kind != NL_REL_TABLE)
            return true;
    }
    return false;
}

bool nl_sql_canon(const nl_sql *sql, nl_sql_keys *keys, nl_err *err) {
    nl_canon c = { .sql = sql };
    nl_scopes *scopes = nl_scopes_of(sql, NULL, err);
    if (!scopes)
        return false;
    nl_buf_init(&c.exact);
    nl_buf_init(&c.masked);
    c.scopes = scopes;
    c.names_matter = do_names_matter(scopes);
    put_any(&c, nl_sql_statement(sql));
    bool ok = !c.exact.failed && !c.masked.failed && !c.pool.failed;
    if (ok) {
        keys->exact = nl_key_of(c.exact.data, c.exact.size);
        keys->masked = nl_key_of(c.masked.data, c.masked.size);
    } else {
        nl_err_nomem(err);
    }
    nl_buf_release(&c.exact);
    nl_buf_release(&c.masked);
    nl_pool_release(&c.pool);
    nl_scopes_free(scopes);
    return ok;
}
