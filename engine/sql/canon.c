/* canon.c: writes the tree as a run of short tokens, one for exact and one for masked keys, and
 * hashes that. Where order does not count, parts are hashed on their own and sorted. */
#include "sql/canon.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql/scope.h"
#include "sql/tree.h"

#include "base/banned.h"

typedef struct {
    const nl_sql *sql;
    const nl_scopes *scopes;
    nl_pool pool; /* for the lists that are sorted */
    nl_buf exact, masked;
    bool names_matter;  /* output names decide what the query means: NATURAL JOIN, row_to_json(q) */
    bool keep_literals; /* inside a type's modifiers */
} canon;

typedef struct {
    nl_key *exact, *masked;
    size_t n, room, masked_room;
} keys_list;

static void put_any(canon *c, const nl_json_node *value);
static void put_query(canon *c, const nl_json_node *body);

static void put(canon *c, const char *bytes, size_t size) {
    (void)nl_buf_add(&c->exact, bytes, size);
    (void)nl_buf_add(&c->masked, bytes, size);
}

static void put_tag(canon *c, char tag) {
    put(c, &tag, 1);
}

/* With its NUL: no other text runs on into the next token. */
static void put_text(canon *c, const char *text) {
    put(c, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void put_number(canon *c, size_t number) {
    char digits[24];
    put(c, digits, (size_t)snprintf(digits, sizeof digits, "%zu", number) + 1);
}

/* --- parts whose order does not count ----------------------------------------------------------
 */

/* Takes what was written since the marks off the buffers and keeps its keys. */
static void take_key(canon *c, keys_list *list, size_t exact_mark, size_t masked_mark) {
    nl_key *exact = nl_pool_grow(&c->pool, list->exact, list->n, &list->room, sizeof *exact);
    nl_key *masked =
        nl_pool_grow(&c->pool, list->masked, list->n, &list->masked_room, sizeof *masked);
    if (!exact || !masked || c->exact.failed || c->masked.failed)
        return;
    list->exact = exact;
    list->masked = masked;
    exact[list->n] = nl_key_of(c->exact.data + exact_mark, c->exact.size - exact_mark);
    masked[list->n] = nl_key_of(c->masked.data + masked_mark, c->masked.size - masked_mark);
    list->n++;
    c->exact.size = exact_mark;
    c->masked.size = masked_mark;
}

static void take_any(canon *c, keys_list *list, const nl_json_node *value) {
    size_t exact_mark = c->exact.size, masked_mark = c->masked.size;
    put_any(c, value);
    take_key(c, list, exact_mark, masked_mark);
}

static int by_key(const void *a, const void *b) {
    const nl_key *x = a, *y = b;
    if (x->hi != y->hi)
        return x->hi < y->hi ? -1 : 1;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

/* `once`: masked keys that are equal count once. */
static void put_sorted(canon *c, keys_list *list, bool once) {
    if (list->n == 0)
        return;
    qsort(list->exact, list->n, sizeof *list->exact, by_key);
    qsort(list->masked, list->n, sizeof *list->masked, by_key);
    put_tag(c, '(');
    for (size_t i = 0; i < list->n; i++) {
        (void)nl_buf_add(&c->exact, &list->exact[i], sizeof *list->exact);
        if (!once || i == 0 || by_key(&list->masked[i], &list->masked[i - 1]) != 0)
            (void)nl_buf_add(&c->masked, &list->masked[i], sizeof *list->masked);
    }
    put_tag(c, ')');
}

/* --- literals ------------------------------------------------------------------------------------
 */

/* 1.50 and 1.5, 01 and 1, 1E3 and 1e3; a point stays, since 7/2 is not 7/2.0. */
static void put_decimal(nl_buf *out, const char *text, size_t size) {
    if (size && *text == '-') {
        (void)nl_buf_char(out, '-');
        text++;
        size--;
    }
    while (size > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
        text++;
        size--;
    }
    if (size > 1 && text[0] == '0' && text[1] == '.') {
        text++;
        size--;
    }
    if (memchr(text, 'e', size) || memchr(text, 'E', size)) {
        for (size_t i = 0; i < size; i++)
            (void)nl_buf_char(out, text[i] == 'E' ? 'e' : text[i]);
        return;
    }
    if (memchr(text, '.', size)) {
        while (size > 1 && text[size - 1] == '0')
            size--;
    }
    (void)nl_buf_add(out, text, size);
}

static void put_const(canon *c, const nl_json_node *body) {
    const char *text;
    size_t size;
    char room[32];
    nl_const_kind kind = nl_tree_const(c->sql, body, &text, &size, room);
    static const char tags[] = {
        [NL_CONST_NULL] = 'N',  [NL_CONST_BOOL] = 'b',   [NL_CONST_INT] = 'n',
        [NL_CONST_FLOAT] = 'n', [NL_CONST_STRING] = 's', [NL_CONST_BITS] = 'x'
    };
    put_tag(c, tags[kind]);
    if (kind == NL_CONST_INT || kind == NL_CONST_FLOAT)
        put_decimal(&c->exact, text, size);
    else
        (void)nl_buf_add(&c->exact, text, size);
    (void)nl_buf_char(&c->exact, '\0');
    if (c->keep_literals)
        (void)nl_buf_add(&c->masked, text, size);
    (void)nl_buf_char(&c->masked, '\0');
}

/* --- names
 * ----------------------------------------------------------------------------------------- */

/* A function's, operator's or type's name, less pg_catalog. */
static void put_name(canon *c, const nl_json_node *names) {
    const char *first = nl_tree_string(names);
    if (first && names->next && strcmp(first, "pg_catalog") == 0)
        names = names->next;
    for (; names; names = names->next) {
        put_text(c, nl_tree_string(names));
    }
    put_tag(c, ';');
}

static void put_column(canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    const nl_json_node *fields = nl_tree_list(body, "fields");
    const char *name = nl_tree_last_name(fields);
    nl_use_kind kind = use ? use->kind : NL_USE_UNKNOWN;
    if (kind == NL_USE_COLUMN) {
        put_tag(c, 'C');
        put_number(c, use->rel->id);
        put_number(c, use->at);
    } else if (kind == NL_USE_OUTPUT) {
        put_tag(c, 'O');
        put_number(c, use->at);
    } else if (kind == NL_USE_ROW || kind == NL_USE_ALL) {
        put_tag(c, kind == NL_USE_ROW ? 'W' : 'A');
        put_number(c, use->rel->id);
    } else if ((kind == NL_USE_OPEN || kind == NL_USE_FIELD) && use->rel && name) {
        put_tag(c, 'c');
        put_number(c, use->rel->id);
        put_text(c, name);
    } else {
        put_tag(c, kind == NL_USE_STAR ? '*' : 'u');
        for (; fields; fields = fields->next)
            put_text(c, nl_tree_string(fields));
        put_tag(c, ';');
    }
}

static void put_relation(canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    const nl_rel *rel = use ? use->rel : NULL;
    const char *schema = nl_tree_str(body, "schemaname");
    if (rel && rel->cte) {
        put_tag(c, 'E');
        put_number(c, rel->id);
        put_number(c, rel->cte->id);
        return;
    }
    put_tag(c, nl_tree_flag(body, "inh") ? 'T' : 'o'); /* o: ONLY */
    put_number(c, rel ? rel->id : 0);
    put_text(c, schema && strcmp(schema, "public") != 0 ? schema : "");
    put_text(c, nl_tree_str(body, "relname"));
}

static void put_type(canon *c, const nl_json_node *body) {
    bool keep = c->keep_literals;
    c->keep_literals = true;
    put_tag(c, 't');
    put_name(c, nl_tree_list(body, "names"));
    put_any(c, NL_GET(body, "typmods"));
    put_any(c, NL_GET(body, "arrayBounds"));
    c->keep_literals = keep;
}

/* --- expressions
 * ----------------------------------------------------------------------------------- */

/* > and >= are turned round; = and <> have no sides. */
static bool put_comparison(canon *c, const nl_json_node *body) {
    const nl_json_node *names = nl_tree_list(body, "name");
    const char *op = nl_tree_last_name(names);
    const nl_json_node *left = NL_GET(body, "lexpr"), *right = NL_GET(body, "rexpr");
    bool own = names && (!names->next || strcmp(nl_tree_string(names), "pg_catalog") == 0);
    if (!op || !own || !left || !right || !nl_tree_has(body, "kind", "AEXPR_OP"))
        return false;
    if (strcmp(op, "=") == 0 || strcmp(op, "<>") == 0) {
        keys_list sides = { 0 };
        put_tag(c, '?');
        put_text(c, op);
        take_any(c, &sides, left);
        take_any(c, &sides, right);
        put_sorted(c, &sides, false);
        return true;
    }
    bool turn = strcmp(op, ">") == 0 || strcmp(op, ">=") == 0;
    if (!turn && strcmp(op, "<") != 0 && strcmp(op, "<=") != 0)
        return false;
    put_tag(c, '?');
    put_text(c, op[1] ? "<=" : "<");
    put_any(c, turn ? right : left);
    put_any(c, turn ? left : right);
    return true;
}

static void put_expression(canon *c, const nl_json_node *body) {
    if (put_comparison(c, body))
        return;
    put_tag(c, 'X');
    put_text(c, nl_tree_str(body, "kind"));
    put_name(c, nl_tree_list(body, "name"));
    put_any(c, NL_GET(body, "lexpr"));
    const nl_json_node *right = NL_GET(body, "rexpr");
    nl_tree list = nl_tree_open(right);
    if (nl_tree_has(body, "kind", "AEXPR_IN") && NL_IS(list, "List")) {
        keys_list items = { 0 };
        for (const nl_json_node *i = nl_tree_list(list.body, "items"); i; i = i->next)
            take_any(c, &items, i);
        put_sorted(c, &items, true);
    } else {
        put_any(c, right);
    }
}

/* The conditions under one AND, those of ANDs in parentheses among them included. */
static void take_conditions(canon *c, keys_list *list, const nl_json_node *body, const char *op) {
    for (const nl_json_node *a = nl_tree_list(body, "args"); a; a = a->next) {
        nl_tree inner = nl_tree_open(a);
        if (NL_IS(inner, "BoolExpr") && nl_tree_has(inner.body, "boolop", op))
            take_conditions(c, list, inner.body, op);
        else
            take_any(c, list, a);
    }
}

static void put_boolean(canon *c, const nl_json_node *body) {
    const char *op = nl_tree_str(body, "boolop");
    put_tag(c, 'B');
    put_text(c, op);
    if (!op || strcmp(op, "NOT_EXPR") == 0) {
        put_any(c, NL_GET(body, "args"));
    } else {
        keys_list list = { 0 };
        take_conditions(c, &list, body, op);
        put_sorted(c, &list, false);
    }
}

static void put_function(canon *c, const nl_json_node *body) {
    put_tag(c, 'F');
    put_name(c, nl_tree_list(body, "funcname"));
    for (const nl_json_node *m = body->child; m; m = m->next) {
        if (strcmp(m->key, "funcname") == 0 || strcmp(m->key, "funcformat") == 0 ||
            strcmp(m->key, "location") == 0)
            continue;
        put_text(c, m->key);
        put_any(c, m);
    }
    put_tag(c, ';');
}

static void put_sort(canon *c, const nl_json_node *body) {
    const char *nulls = nl_tree_str(body, "sortby_nulls");
    bool down = nl_tree_has(body, "sortby_dir", "SORTBY_DESC");
    bool first = down; /* by default NULLs are the largest values */
    if (nulls && strcmp(nulls, "SORTBY_NULLS_FIRST") == 0)
        first = true;
    else if (nulls && strcmp(nulls, "SORTBY_NULLS_LAST") == 0)
        first = false;
    put_tag(c, down ? 'd' : 'a');
    put_tag(c, first ? 'f' : 'l');
    if (NL_GET(body, "useOp"))
        put_name(c, nl_tree_list(body, "useOp"));
}

/* --- clauses
 * ----------------------------------------------------------------------------------------- */

/* ORDER BY 2 names the output column at 1, as its alias does. */
static bool put_position(canon *c, const nl_json_node *wrapped) {
    nl_tree tree = nl_tree_open(wrapped);
    const nl_json_node *ival = NL_IS(tree, "A_Const") ? NL_GET(tree.body, "ival") : NULL;
    int64_t position;
    if (!ival || !nl_json_int(NL_GET(ival, "ival"), &position) || position < 1)
        return false;
    put_tag(c, 'O');
    put_number(c, (size_t)position - 1);
    return true;
}

static void put_positions(canon *c, const nl_json_node *list) {
    put_tag(c, '[');
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
    put_tag(c, ']');
}

static void put_targets(canon *c, const nl_json_node *list) {
    put_tag(c, '[');
    for (; list; list = list->next) {
        const nl_json_node *body = nl_tree_open(list).body;
        put_any(c, NL_GET(body, "val"));
        if (c->names_matter)
            put_text(c, nl_tree_str(body, "name"));
    }
    put_tag(c, ']');
}

static void put_join(canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    put_tag(c, 'J');
    put_text(c, nl_tree_str(body, "jointype"));
    put_any(c, NL_GET(body, "larg"));
    put_any(c, NL_GET(body, "rarg"));
    if (nl_tree_flag(body, "isNatural"))
        put_tag(c, '&');
    put_tag(c, '[');
    for (size_t i = 0; use && use->rel && i < use->rel->n_cols; i++) {
        for (const nl_col *col = &use->rel->cols[i]; col; col = col->also) {
            bool known = col->rel && col->at != SIZE_MAX;
            put_number(c, col->rel ? col->rel->id : 0);
            if (known)
                put_number(c, col->at);
            else
                put_text(c, col->name);
        }
    }
    put_tag(c, ']');
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

static void put_members(canon *c, const nl_json_node *body) {
    for (const nl_json_node *m = body->child; m; m = m->next) {
        if (ignored(m))
            continue;
        put_text(c, m->key);
        put_any(c, m);
    }
    put_tag(c, ';');
}

static void put_cte(canon *c, const nl_json_node *body) {
    bool searched = NL_GET(body, "search_clause") || NL_GET(body, "cycle_clause");
    put_tag(c, 'w');
    if (searched) /* their columns go by name */
        put_members(c, body);
    else {
        put_text(c, nl_tree_str(body, "ctematerialized"));
        put_any(c, NL_GET(body, "ctequery"));
    }
}

static void put_query(canon *c, const nl_json_node *body) {
    put_tag(c, 'Q');
    for (const nl_json_node *m = body->child; m; m = m->next) {
        nl_tree limit = nl_tree_open(m);
        if (ignored(m) || (strcmp(m->key, "limitCount") == 0 && nl_tree_flag(limit.body, "isnull")))
            continue;
        put_text(c, m->key);
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
    put_tag(c, ';');
}

/* --- the walk
 * ---------------------------------------------------------------------------------------- */

static bool put_known(canon *c, nl_tree tree) {
    if (NL_IS(tree, "ColumnRef"))
        put_column(c, tree.body);
    else if (NL_IS(tree, "A_Const"))
        put_const(c, tree.body);
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

static void put_relation_id(canon *c, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(c->scopes, body);
    if (use && use->kind == NL_USE_RELATION)
        put_number(c, use->rel->id);
}

static void put_any(canon *c, const nl_json_node *value) {
    if (!value) {
        put_tag(c, '-');
        return;
    }
    if (value->type == NL_JSON_ARRAY) {
        put_tag(c, '[');
        for (const nl_json_node *item = value->child; item; item = item->next)
            put_any(c, item);
        put_tag(c, ']');
        return;
    }
    if (value->type != NL_JSON_OBJECT) {
        put_tag(c, value->type == NL_JSON_TRUE ? '1' : value->text ? '=' : '0');
        put_text(c, value->text);
        return;
    }
    nl_tree tree = nl_tree_open(value);
    if (tree.body && put_known(c, tree))
        return;
    if (value->key && strcmp(value->key, "typeName") == 0) {
        put_type(c, value);
        return;
    }
    put_tag(c, '{');
    if (tree.body) {
        put_text(c, tree.type);
        put_relation_id(c, tree.body);
        if (NL_IS(tree, "SortBy"))
            put_sort(c, tree.body);
        value = tree.body;
    }
    if (NL_IS(tree, "SortBy"))
        put_any(c, NL_GET(tree.body, "node"));
    else
        put_members(c, value);
    put_tag(c, '}');
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
    canon c = { .sql = sql };
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
