/* literals.c: finds the constants of a tree; literals_write.c puts others in their places. */
#include "sql/literals.h"

#include <stdlib.h>

#include "sql/pool.h"
#include "sql/scope.h"
#include "sql/tree.h"

#include "base/banned.h"

struct box {
    nl_literals literals; /* first: what the caller holds */
    nl_pool pool;
};

/* What stands on the other side of a constant. */
typedef struct {
    const char *op, *folded;
    const nl_table *table;
    const nl_column *column;
} context;

typedef struct {
    const nl_sql *sql;
    const nl_scopes *scopes; /* NULL: columns are not looked up */
    struct box *box;
    size_t room;
} walk;

enum { DEEPEST = 64 }; /* subqueries within subqueries */

static const context ALONE = { NULL, NULL, NULL, NULL };

static void walk_any(walk *w, const nl_json_node *value, const context *beside);

/* --- the other side ------------------------------------------------------------------------- */

static const char *function_name(const nl_json_node *call) {
    return nl_tree_last_name(nl_tree_list(call, "funcname"));
}

/* A function whose result is its first argument, written otherwise. */
static bool is_fold(const char *name) {
    static const char *const names[] = { "lower", "upper", "initcap", "trim",
                                         "btrim", "ltrim", "rtrim",   NULL };
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Follows a column through subqueries and CTEs to the base table that it comes from uncomputed. */
static bool look_up(const walk *w, const nl_json_node *body, context *found) {
    const nl_use *use = w->scopes ? nl_scopes_use(w->scopes, body) : NULL;
    const nl_rel *rel = use && use->kind == NL_USE_COLUMN ? use->rel : NULL;
    size_t at = use ? use->at : 0;
    for (int depth = 0; rel && at != SIZE_MAX && depth < DEEPEST; depth++) {
        if (rel->kind == NL_REL_TABLE) {
            if (!rel->table || at >= rel->table->n_columns)
                return false;
            found->table = rel->table;
            found->column = &rel->table->columns[at];
            return true;
        }
        bool cte = rel->kind == NL_REL_CTE;
        if (at >= (cte ? rel->cte->n_cols : rel->n_cols))
            return false;
        const nl_col *col = cte ? &rel->cte->cols[at] : &rel->cols[at];
        rel = col->rel;
        at = col->at;
    }
    return false;
}

/* Is it a column, behind casts, collations and folds? */
static bool find_column(const walk *w, const nl_json_node *wrapped, context *found) {
    const char *folded = NULL;
    for (;;) {
        nl_tree tree = nl_tree_open(wrapped);
        if (NL_IS(tree, "ColumnRef")) {
            found->folded = folded;
            return look_up(w, tree.body, found);
        }
        if (NL_IS(tree, "TypeCast") || NL_IS(tree, "CollateClause")) {
            wrapped = NL_GET(tree.body, "arg");
        } else if (NL_IS(tree, "FuncCall")) {
            const char *name = function_name(tree.body);
            if (!name || !is_fold(name))
                return false;
            folded = folded ? folded : name;
            wrapped = nl_tree_list(tree.body, "args");
        } else {
            return false;
        }
    }
}

/* --- the walk --------------------------------------------------------------------------------- */

static void add(walk *w, const nl_json_node *body, const context *beside) {
    nl_literals *literals = &w->box->literals;
    nl_pool *pool = &w->box->pool;
    char room[32];
    const char *text;
    size_t size;
    long location = nl_tree_location(body);
    nl_const_kind kind = nl_tree_const(w->sql, body, &text, &size, room);
    bool number = kind == NL_CONST_INT || kind == NL_CONST_FLOAT;
    if (location < 0 || (!number && kind != NL_CONST_STRING))
        return;
    nl_literal *list = nl_pool_grow(pool, literals->list, literals->n, &w->room, sizeof *list);
    char *copy = nl_pool_text(pool, text, size);
    if (!list || !copy)
        return;
    literals->list = list;
    list[literals->n++] = (nl_literal){
        .kind = number ? NL_LITERAL_NUMBER : NL_LITERAL_STRING,
        .text = copy,
        .size = size,
        .location = (size_t)location,
        .op = beside->op,
        .folded = beside->folded,
        .table = beside->table,
        .column = beside->column,
    };
}

static const char *operator_of(const nl_json_node *expr) {
    static const struct {
        const char *kind, *op;
    } kinds[] = {
        { "AEXPR_OP_ANY", "any" },
        { "AEXPR_OP_ALL", "all" },
        { "AEXPR_DISTINCT", "=" },
        { "AEXPR_NOT_DISTINCT", "=" },
        { "AEXPR_NULLIF", "=" },
        { "AEXPR_IN", "in" },
        { "AEXPR_LIKE", "like" },
        { "AEXPR_ILIKE", "ilike" },
        { "AEXPR_SIMILAR", "similar" },
        { "AEXPR_BETWEEN", "between" },
        { "AEXPR_NOT_BETWEEN", "between" },
        { "AEXPR_BETWEEN_SYM", "between" },
        { "AEXPR_NOT_BETWEEN_SYM", "between" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (nl_tree_has(expr, "kind", kinds[i].kind))
            return kinds[i].op;
    }
    return nl_tree_last_name(nl_tree_list(expr, "name"));
}

/* (a, b) = ('x', 'y'): each beside its own. */
static void walk_pairs(walk *w, const nl_json_node *columns, const nl_json_node *values,
                       const char *op) {
    for (; values; values = values->next) {
        context beside = { .op = op };
        (void)find_column(w, columns, &beside);
        walk_any(w, values, &beside);
        walk_any(w, columns, &ALONE);
        columns = columns ? columns->next : NULL;
    }
}

static void walk_comparison(walk *w, const nl_json_node *expr) {
    const nl_json_node *left = NL_GET(expr, "lexpr"), *right = NL_GET(expr, "rexpr");
    context beside = { .op = operator_of(expr) };
    nl_tree row = nl_tree_open(left), rows = nl_tree_open(right);
    if (NL_IS(row, "RowExpr") && NL_IS(rows, "RowExpr")) {
        walk_pairs(w, nl_tree_list(row.body, "args"), nl_tree_list(rows.body, "args"), beside.op);
        return;
    }
    if (NL_IS(row, "RowExpr") && NL_IS(rows, "List")) {
        for (const nl_json_node *c = nl_tree_list(rows.body, "items"); c; c = c->next)
            walk_pairs(w, nl_tree_list(row.body, "args"),
                       nl_tree_list(nl_tree_open(c).body, "args"), beside.op);
        return;
    }
    if (!find_column(w, left, &beside))
        (void)find_column(w, right, &beside);
    walk_any(w, left, &beside);
    walk_any(w, right, &beside);
}

/* The arguments of a call are beside the first column among them; what only rewrites a pattern or a
 * value is beside what the call itself is beside. */
static void walk_call(walk *w, const nl_json_node *call, const context *outer) {
    const char *name = function_name(call);
    context beside = { .op = name };
    bool through = name && (is_fold(name) || strcmp(name, "like_escape") == 0 ||
                            strcmp(name, "similar_to_escape") == 0);
    bool found = false;
    for (const nl_json_node *c = nl_tree_list(call, "args"); c && !found; c = c->next)
        found = find_column(w, c, &beside);
    for (const nl_json_node *c = call->child; c; c = c->next)
        walk_any(w, c, through && !found ? outer : &beside);
}

/* CASE x WHEN 'a' …: the values are beside x; the results are beside nothing. */
static void walk_case(walk *w, const nl_json_node *body) {
    context beside = { .op = "case" };
    const nl_json_node *arg = NL_GET(body, "arg");
    (void)find_column(w, arg, &beside);
    walk_any(w, arg, &ALONE);
    walk_any(w, NL_GET(body, "defresult"), &ALONE);
    for (const nl_json_node *c = nl_tree_list(body, "args"); c; c = c->next) {
        nl_tree when = nl_tree_open(c);
        walk_any(w, NL_GET(when.body, "expr"), arg ? &beside : &ALONE);
        walk_any(w, NL_GET(when.body, "result"), &ALONE);
    }
}

/* What lies between an operator and its constant without changing what is compared. */
static bool is_transparent(nl_tree tree) {
    return NL_IS(tree, "TypeCast") || NL_IS(tree, "CollateClause") || NL_IS(tree, "List") ||
           NL_IS(tree, "A_ArrayExpr");
}

static void walk_node(walk *w, nl_tree tree, const context *beside) {
    if (NL_IS(tree, "A_Const")) {
        add(w, tree.body, beside);
    } else if (NL_IS(tree, "A_Expr")) {
        walk_comparison(w, tree.body);
    } else if (NL_IS(tree, "FuncCall")) {
        walk_call(w, tree.body, beside);
    } else if (NL_IS(tree, "CaseExpr")) {
        walk_case(w, tree.body);
    } else {
        for (const nl_json_node *c = tree.body->child; c; c = c->next)
            walk_any(w, c, is_transparent(tree) ? beside : &ALONE);
    }
}

/* Any value in the tree: a wrapped node, a struct without a wrapper, a list, a text. */
static void walk_any(walk *w, const nl_json_node *value, const context *beside) {
    if (!value || (value->type != NL_JSON_OBJECT && value->type != NL_JSON_ARRAY))
        return;
    if (value->key && value->key_size == 8 && memcmp(value->key, "typeName", 8) == 0)
        return; /* varchar(10): the ten is no value */
    nl_tree tree = nl_tree_open(value);
    if (tree.body) {
        walk_node(w, tree, beside);
        return;
    }
    for (const nl_json_node *c = value->child; c; c = c->next)
        walk_any(w, c, beside);
}

static int by_place(const void *a, const void *b) {
    size_t x = ((const nl_literal *)a)->location, y = ((const nl_literal *)b)->location;
    return (x > y) - (x < y);
}

nl_literals *nl_literals_of(const nl_sql *sql, const nl_catalog *catalog, nl_err *err) {
    nl_scopes *scopes = NULL;
    struct box *box = calloc(1, sizeof *box);
    if (!box) {
        nl_err_nomem(err);
        return NULL;
    }
    if (catalog && !(scopes = nl_scopes_of(sql, catalog, err))) {
        free(box);
        return NULL;
    }
    walk w = { .sql = sql, .scopes = scopes, .box = box };
    walk_any(&w, nl_sql_statement(sql), &ALONE);
    nl_scopes_free(scopes);
    if (box->pool.failed) {
        nl_literals_free(&box->literals);
        nl_err_nomem(err);
        return NULL;
    }
    if (box->literals.n > 1)
        qsort(box->literals.list, box->literals.n, sizeof *box->literals.list, by_place);
    return &box->literals;
}

void nl_literals_free(nl_literals *literals) {
    if (literals) {
        struct box *box = (struct box *)literals;
        nl_pool_release(&box->pool);
        free(box);
    }
}
