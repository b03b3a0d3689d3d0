#include "sql/facts_walk.h"

#include <stdlib.h>

#include "sql/scope_priv.h"
#include "sql/tree.h"

#include "base/banned.h"

const char *const nl_construct_names[NL_HAS_END] = {
    [NL_HAS_AGGREGATE] = "aggregate",
    [NL_HAS_ARRAY] = "array",
    [NL_HAS_BETWEEN] = "between",
    [NL_HAS_CASE] = "case",
    [NL_HAS_CAST] = "cast",
    [NL_HAS_CORRELATED] = "correlated",
    [NL_HAS_CROSS_JOIN] = "cross_join",
    [NL_HAS_CTE] = "cte",
    [NL_HAS_DISTINCT] = "distinct",
    [NL_HAS_DISTINCT_ON] = "distinct_on",
    [NL_HAS_EXISTS] = "exists",
    [NL_HAS_FILTER] = "filter",
    [NL_HAS_FULL_JOIN] = "full_join",
    [NL_HAS_GROUP_BY] = "group_by",
    [NL_HAS_GROUPING_SETS] = "grouping_sets",
    [NL_HAS_HAVING] = "having",
    [NL_HAS_IN_LIST] = "in_list",
    [NL_HAS_IN_SUBQUERY] = "in_subquery",
    [NL_HAS_IS_NULL] = "is_null",
    [NL_HAS_JOIN] = "join",
    [NL_HAS_JSON] = "json",
    [NL_HAS_LATERAL] = "lateral",
    [NL_HAS_LEFT_JOIN] = "left_join",
    [NL_HAS_LIKE] = "like",
    [NL_HAS_LIMIT] = "limit",
    [NL_HAS_OFFSET] = "offset",
    [NL_HAS_ORDER_BY] = "order_by",
    [NL_HAS_RECURSIVE_CTE] = "recursive_cte",
    [NL_HAS_REGEX] = "regex",
    [NL_HAS_RIGHT_JOIN] = "right_join",
    [NL_HAS_SCALAR_SUBQUERY] = "scalar_subquery",
    [NL_HAS_SELF_JOIN] = "self_join",
    [NL_HAS_SET_OPERATION] = "set_operation",
    [NL_HAS_STAR] = "star",
    [NL_HAS_SUBQUERY] = "subquery",
    [NL_HAS_VALUES] = "values",
    [NL_HAS_WINDOW] = "window",
};

static void walk_any(nl_walk *w, const nl_json_node *value);

static void set(nl_walk *w, nl_construct construct) {
    w->constructs |= UINT64_C(1) << construct;
}

static void set_if(nl_walk *w, nl_construct construct, bool on) {
    if (on)
        set(w, construct);
}

static void add_word(nl_walk *w, nl_word **list, size_t *n, size_t *room, const char *text,
                     size_t size, long location) {
    nl_word *words = nl_pool_grow(w->pool, *list, *n, room, sizeof *words);
    char *copy = nl_pool_text(w->pool, text, size);
    if (!words || !copy)
        return;
    *list = words;
    words[(*n)++] = (nl_word){ copy, location };
}

static void add_function(nl_walk *w, const char *name, long location) {
    add_word(w, &w->functions, &w->n_functions, &w->functions_room, name, strlen(name), location);
}

static bool listed(const char *const *list, const char *name) {
    for (; *list; list++) {
        if (strcmp(*list, name) == 0)
            return true;
    }
    return false;
}

/* Aggregates of pg_catalog, by name; hypothetical-set ones need WITHIN GROUP and show by that. */
static bool is_aggregate(const char *name) {
    static const char *const names[] = {
        "any_value",
        "array_agg",
        "avg",
        "bit_and",
        "bit_or",
        "bit_xor",
        "bool_and",
        "bool_or",
        "corr",
        "count",
        "covar_pop",
        "covar_samp",
        "every",
        "json_agg",
        "json_object_agg",
        "jsonb_agg",
        "jsonb_object_agg",
        "max",
        "min",
        "mode",
        "percentile_cont",
        "percentile_disc",
        "range_agg",
        "range_intersect_agg",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "string_agg",
        "sum",
        "var_pop",
        "var_samp",
        "variance",
        "xmlagg",
        NULL,
    };
    return listed(names, name) || strncmp(name, "regr_", 5) == 0;
}

static bool has_prefix(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* --- nodes
 * ----------------------------------------------------------------------------------------- */

static void constant(nl_walk *w, const nl_json_node *body) {
    const char *text;
    size_t size;
    char room[32];
    long location = nl_tree_location(body);
    nl_const_kind kind = nl_tree_const(w->sql, body, &text, &size, room);
    if (kind != NL_CONST_NULL && location >= 0) /* the grammar's own have no place */
        add_word(w, &w->literals, &w->n_literals, &w->literals_room, text, size, location);
}

static void function(nl_walk *w, const nl_json_node *body) {
    const char *name = nl_tree_last_name(nl_tree_list(body, "funcname"));
    const nl_json_node *args = nl_tree_list(body, "args");
    bool special = nl_tree_has(body, "funcformat", "COERCE_SQL_SYNTAX");
    bool window = NL_GET(body, "over") != NULL;
    if (!name)
        return;
    if (special &&
        (strcmp(name, "btrim") == 0 || strcmp(name, "ltrim") == 0 || strcmp(name, "rtrim") == 0))
        name = "trim"; /* TRIM(LEADING …) and the like */
    if (strcmp(name, "similar_to_escape") != 0 && strcmp(name, "like_escape") != 0)
        add_function(w, name, nl_tree_location(body));
    set_if(w, NL_HAS_WINDOW, window);
    set_if(w, NL_HAS_AGGREGATE,
           !window && (is_aggregate(name) || nl_tree_flag(body, "agg_star") ||
                       nl_tree_flag(body, "agg_within_group") || NL_GET(body, "agg_filter")));
    set_if(w, NL_HAS_FILTER, NL_GET(body, "agg_filter") != NULL);
    set_if(w, NL_HAS_DISTINCT, nl_tree_flag(body, "agg_distinct"));
    set_if(w, NL_HAS_REGEX, has_prefix(name, "regexp_"));
    set_if(w, NL_HAS_JSON,
           has_prefix(name, "json") || strcmp(name, "row_to_json") == 0 ||
               strcmp(name, "to_json") == 0 || strcmp(name, "to_jsonb") == 0);
    set_if(w, NL_HAS_ARRAY,
           has_prefix(name, "array_") || strcmp(name, "unnest") == 0 ||
               strcmp(name, "string_to_array") == 0);
    if (special && strcmp(name, "extract") == 0 && args) /* the field is a word, no literal */
        args = args->next;
    for (; args; args = args->next)
        walk_any(w, args);
    walk_any(w, NL_GET(body, "agg_order"));
    walk_any(w, NL_GET(body, "agg_filter"));
    walk_any(w, NL_GET(body, "over"));
}

static void operator(nl_walk *w, const nl_json_node *body) {
    static const char *const regex[] = { "~", "~*", "!~", "!~*", NULL };
    static const char *const json[] = { "->", "->>", "#>", "#>>", "@?", NULL };
    const char *kind = nl_tree_str(body, "kind");
    const char *name = nl_tree_last_name(nl_tree_list(body, "name"));
    if (!kind || !name)
        return;
    if (strcmp(kind, "AEXPR_OP") == 0) {
        set_if(w, NL_HAS_REGEX, listed(regex, name));
        set_if(w, NL_HAS_JSON, listed(json, name));
        set_if(w, NL_HAS_LIKE, strstr(name, "~~") != NULL);
    } else if (strcmp(kind, "AEXPR_OP_ANY") == 0 || strcmp(kind, "AEXPR_OP_ALL") == 0) {
        set(w, NL_HAS_ARRAY);
    } else if (strcmp(kind, "AEXPR_IN") == 0) {
        set(w, NL_HAS_IN_LIST);
    } else if (strcmp(kind, "AEXPR_LIKE") == 0 || strcmp(kind, "AEXPR_ILIKE") == 0) {
        set(w, NL_HAS_LIKE);
    } else if (strcmp(kind, "AEXPR_SIMILAR") == 0) {
        set(w, NL_HAS_REGEX);
    } else if (strcmp(kind, "AEXPR_NULLIF") == 0) {
        add_function(w, "nullif", nl_tree_location(body));
    } else if (strstr(kind, "BETWEEN")) {
        set(w, NL_HAS_BETWEEN);
    }
}

static void sublink(nl_walk *w, const nl_json_node *body) {
    const char *type = nl_tree_str(body, "subLinkType");
    const char *op = nl_tree_last_name(nl_tree_list(body, "operName"));
    set(w, NL_HAS_SUBQUERY);
    if (!type)
        return;
    set_if(w, NL_HAS_EXISTS, strcmp(type, "EXISTS_SUBLINK") == 0);
    set_if(w, NL_HAS_SCALAR_SUBQUERY, strcmp(type, "EXPR_SUBLINK") == 0);
    set_if(w, NL_HAS_ARRAY, strcmp(type, "ARRAY_SUBLINK") == 0);
    set_if(w, NL_HAS_IN_SUBQUERY,
           strcmp(type, "ANY_SUBLINK") == 0 && (!op || strcmp(op, "=") == 0));
}

static void join(nl_walk *w, const nl_json_node *body) {
    const char *type = nl_tree_str(body, "jointype");
    set(w, NL_HAS_JOIN);
    if (!type)
        return;
    set_if(w, NL_HAS_LEFT_JOIN, strcmp(type, "JOIN_LEFT") == 0);
    set_if(w, NL_HAS_RIGHT_JOIN, strcmp(type, "JOIN_RIGHT") == 0);
    set_if(w, NL_HAS_FULL_JOIN, strcmp(type, "JOIN_FULL") == 0);
    set_if(w, NL_HAS_CROSS_JOIN,
           strcmp(type, "JOIN_INNER") == 0 && !NL_GET(body, "quals") &&
               !NL_GET(body, "usingClause") && !nl_tree_flag(body, "isNatural"));
}

static bool is_position(const nl_json_node *wrapped) {
    nl_tree tree = nl_tree_open(wrapped);
    return NL_IS(tree, "A_Const") && NL_GET(tree.body, "ival");
}

/* GROUP BY and ORDER BY lists: a bare number is a position, no literal. */
static void positions(nl_walk *w, const nl_json_node *list) {
    for (; list; list = list->next) {
        nl_tree sort = nl_tree_open(list);
        const nl_json_node *expr = NL_IS(sort, "SortBy") ? NL_GET(sort.body, "node") : list;
        if (!is_position(expr))
            walk_any(w, expr);
    }
}

static void query(nl_walk *w, const nl_json_node *body) {
    const nl_json_node *from = nl_tree_list(body, "fromClause");
    const nl_json_node *distinct = nl_tree_list(body, "distinctClause");
    const nl_json_node *count = NL_GET(body, "limitCount"), *with = NL_GET(body, "withClause");
    nl_tree limit = nl_tree_open(count);

    set_if(w, NL_HAS_JOIN, from && from->next);
    set_if(w, NL_HAS_SET_OPERATION, NL_GET(body, "larg") != NULL);
    set_if(w, NL_HAS_VALUES, NL_GET(body, "valuesLists") != NULL);
    set_if(w, NL_HAS_DISTINCT, distinct && distinct->size == 0);
    set_if(w, NL_HAS_DISTINCT_ON, distinct && distinct->size > 0);
    set_if(w, NL_HAS_GROUP_BY, NL_GET(body, "groupClause") != NULL);
    set_if(w, NL_HAS_HAVING, NL_GET(body, "havingClause") != NULL);
    set_if(w, NL_HAS_ORDER_BY, NL_GET(body, "sortClause") != NULL);
    set_if(w, NL_HAS_LIMIT, count && !nl_tree_flag(limit.body, "isnull"));
    set_if(w, NL_HAS_OFFSET, NL_GET(body, "limitOffset") != NULL);
    set_if(w, NL_HAS_CTE, with != NULL);
    set_if(w, NL_HAS_RECURSIVE_CTE, nl_tree_flag(with, "recursive"));
    for (const nl_json_node *m = body->child; m; m = m->next) {
        if (strcmp(m->key, "groupClause") == 0 || strcmp(m->key, "sortClause") == 0 ||
            strcmp(m->key, "distinctClause") == 0) {
            positions(w, m->child);
        } else if (strcmp(m->key, "larg") == 0 || strcmp(m->key, "rarg") == 0) {
            query(w, m);
        } else {
            walk_any(w, m);
        }
    }
}

static void column(nl_walk *w, const nl_json_node *body) {
    nl_tree last = nl_tree_open(nl_tree_last(nl_tree_list(body, "fields")));
    set_if(w, NL_HAS_STAR, NL_IS(last, "A_Star"));
}

/* Forms that are called like functions: COALESCE, GREATEST, CURRENT_DATE, … */
static void special_form(nl_walk *w, const nl_json_node *wrapped, const nl_json_node *body) {
    const char *name = nl_column_name(wrapped);
    if (name[0] != '?')
        add_function(w, name, nl_tree_location(body));
}

static void from_item(nl_walk *w, const nl_json_node *body) {
    nl_tree inner = nl_tree_open(NL_GET(body, "subquery"));
    set_if(w, NL_HAS_SUBQUERY, inner.body && !NL_GET(inner.body, "valuesLists"));
    set_if(w, NL_HAS_LATERAL, nl_tree_flag(body, "lateral"));
}

/* Nodes that see to their members themselves. */
static bool walk_whole(nl_walk *w, nl_tree tree) {
    if (NL_IS(tree, "A_Const"))
        constant(w, tree.body);
    else if (NL_IS(tree, "ColumnRef"))
        column(w, tree.body);
    else if (NL_IS(tree, "FuncCall"))
        function(w, tree.body);
    else if (NL_IS(tree, "SelectStmt"))
        query(w, tree.body);
    else
        return false;
    return true;
}

static void note_node(nl_walk *w, const nl_json_node *wrapped, nl_tree tree) {
    if (NL_IS(tree, "A_Expr"))
        operator(w, tree.body);
    else if (NL_IS(tree, "SubLink"))
        sublink(w, tree.body);
    else if (NL_IS(tree, "JoinExpr"))
        join(w, tree.body);
    else if (NL_IS(tree, "RangeSubselect") || NL_IS(tree, "RangeFunction"))
        from_item(w, tree.body);
    else if (NL_IS(tree, "TypeCast")) /* DATE '2020-01-01' is a literal: it has no place */
        set_if(w, NL_HAS_CAST, nl_tree_location(tree.body) >= 0);
    else if (NL_IS(tree, "NullTest"))
        set(w, NL_HAS_IS_NULL);
    else if (NL_IS(tree, "CaseExpr"))
        set(w, NL_HAS_CASE);
    else if (NL_IS(tree, "GroupingSet"))
        set(w, NL_HAS_GROUPING_SETS);
    else if (NL_IS(tree, "A_ArrayExpr") || NL_IS(tree, "A_Indices"))
        set(w, NL_HAS_ARRAY);
    else if (NL_IS(tree, "CoalesceExpr") || NL_IS(tree, "MinMaxExpr") ||
             NL_IS(tree, "SQLValueFunction") || NL_IS(tree, "GroupingFunc") ||
             NL_IS(tree, "XmlExpr") || NL_IS(tree, "XmlSerialize"))
        special_form(w, wrapped, tree.body);
}

static void walk_any(nl_walk *w, const nl_json_node *value) {
    if (!value || value->type < NL_JSON_ARRAY)
        return;
    nl_tree tree = nl_tree_open(value);
    if (tree.body) {
        if (walk_whole(w, tree))
            return;
        note_node(w, value, tree);
        value = tree.body;
    }
    for (const nl_json_node *c = value->child; c; c = c->next) {
        if (c->type >= NL_JSON_ARRAY && !(c->key && strcmp(c->key, "typeName") == 0))
            walk_any(w, c);
    }
}

static int by_location(const void *a, const void *b) {
    long x = ((const nl_word *)a)->location, y = ((const nl_word *)b)->location;
    return (x > y) - (x < y);
}

/* In the order of mention, each text once. */
static size_t in_order(nl_word *words, size_t n) {
    size_t kept = 0;
    if (n)
        qsort(words, n, sizeof *words, by_location);
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < kept && strcmp(words[j].text, words[i].text) != 0)
            j++;
        if (j == kept)
            words[kept++] = words[i];
    }
    return kept;
}

bool nl_facts_walk(nl_walk *walk) {
    walk_any(walk, nl_sql_statement(walk->sql));
    walk->n_functions = in_order(walk->functions, walk->n_functions);
    walk->n_literals = in_order(walk->literals, walk->n_literals);
    return !walk->pool->failed;
}
