/* colname.c: the names that PostgreSQL gives to columns by itself: FigureColname in
 * parse_target.c, and the OUT parameters of its set-returning functions. */
#include "sql/scope_priv.h"

#include "base/banned.h"

/* How good the name is: a type's name gives way to a better one. */
enum { NAME_NONE, NAME_WEAK, NAME_STRONG };

static int figure(const nl_json_node *wrapped, const char **name);

static int weak(const char **name, const char *text) {
    *name = text;
    return NAME_WEAK;
}

static int strong(const char **name, const char *text) {
    *name = text;
    return text ? NAME_STRONG : NAME_NONE;
}

/* The last field that is a name: b in a.b, x in (y).x[1]. */
static const char *last_field(const nl_json_node *list) {
    const char *name = NULL;
    for (; list; list = list->next) {
        const char *text = nl_tree_string(list);
        if (text)
            name = text;
    }
    return name;
}

static int of_sublink(const nl_json_node *body, const char **name) {
    const char *type = nl_tree_str(body, "subLinkType");
    if (!type)
        return NAME_NONE;
    if (strcmp(type, "EXISTS_SUBLINK") == 0)
        return strong(name, "exists");
    if (strcmp(type, "ARRAY_SUBLINK") == 0)
        return strong(name, "array");
    if (strcmp(type, "EXPR_SUBLINK") != 0)
        return NAME_NONE;
    const nl_json_node *query = nl_tree_open(NL_GET(body, "subselect")).body;
    while (query && NL_GET(query, "larg")) /* a set operation is named by its first arm */
        query = NL_GET(query, "larg");
    if (query && nl_tree_list(query, "valuesLists"))
        return strong(name, "column1");
    const nl_json_node *target = nl_tree_open(nl_tree_list(query, "targetList")).body;
    const char *given = nl_tree_str(target, "name");
    return given ? strong(name, given) : figure(NL_GET(target, "val"), name);
}

static int of_session(const nl_json_node *body, const char **name) {
    static const struct {
        const char *op, *name;
    } ops[] = {
        { "SVFOP_CURRENT_DATE", "current_date" },
        { "SVFOP_CURRENT_TIMESTAMP", "current_timestamp" },
        { "SVFOP_CURRENT_TIMESTAMP_N", "current_timestamp" },
        { "SVFOP_CURRENT_TIME", "current_time" },
        { "SVFOP_CURRENT_TIME_N", "current_time" },
        { "SVFOP_LOCALTIME", "localtime" },
        { "SVFOP_LOCALTIME_N", "localtime" },
        { "SVFOP_LOCALTIMESTAMP", "localtimestamp" },
        { "SVFOP_LOCALTIMESTAMP_N", "localtimestamp" },
        { "SVFOP_CURRENT_ROLE", "current_role" },
        { "SVFOP_CURRENT_USER", "current_user" },
        { "SVFOP_USER", "user" },
        { "SVFOP_SESSION_USER", "session_user" },
        { "SVFOP_CURRENT_CATALOG", "current_catalog" },
        { "SVFOP_CURRENT_SCHEMA", "current_schema" },
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (nl_tree_has(body, "op", ops[i].op))
            return strong(name, ops[i].name);
    }
    return NAME_NONE;
}

static int of_xml(const nl_json_node *body, const char **name) {
    static const struct {
        const char *op, *name;
    } ops[] = {
        { "IS_XMLCONCAT", "xmlconcat" }, { "IS_XMLELEMENT", "xmlelement" },
        { "IS_XMLFOREST", "xmlforest" }, { "IS_XMLPARSE", "xmlparse" },
        { "IS_XMLPI", "xmlpi" },         { "IS_XMLROOT", "xmlroot" },
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (nl_tree_has(body, "op", ops[i].op))
            return strong(name, ops[i].name);
    }
    return NAME_NONE;
}

/* A cast has its argument's name, a type's where that has none. */
static int of_cast(const nl_json_node *body, const char **name) {
    int how = figure(NL_GET(body, "arg"), name);
    if (how != NAME_NONE && how != NAME_WEAK)
        return how;
    const char *type = nl_tree_last_name(nl_tree_list(NL_GET(body, "typeName"), "names"));
    return type ? weak(name, type) : how;
}

static int of_case(const nl_json_node *body, const char **name) {
    int how = figure(NL_GET(body, "defresult"), name);
    return how > NAME_WEAK ? how : weak(name, "case");
}

static int figure(const nl_json_node *wrapped, const char **name) {
    nl_tree tree = nl_tree_open(wrapped);
    if (!tree.body)
        return NAME_NONE;
    if (NL_IS(tree, "ColumnRef"))
        return strong(name, last_field(nl_tree_list(tree.body, "fields")));
    if (NL_IS(tree, "A_Indirection")) {
        const char *field = last_field(nl_tree_list(tree.body, "indirection"));
        return field ? strong(name, field) : figure(NL_GET(tree.body, "arg"), name);
    }
    if (NL_IS(tree, "FuncCall"))
        return strong(name, nl_tree_last_name(nl_tree_list(tree.body, "funcname")));
    if (NL_IS(tree, "A_Expr"))
        return nl_tree_has(tree.body, "kind", "AEXPR_NULLIF") ? strong(name, "nullif") : NAME_NONE;
    if (NL_IS(tree, "TypeCast"))
        return of_cast(tree.body, name);
    if (NL_IS(tree, "CollateClause"))
        return figure(NL_GET(tree.body, "arg"), name);
    if (NL_IS(tree, "GroupingFunc"))
        return strong(name, "grouping");
    if (NL_IS(tree, "SubLink"))
        return of_sublink(tree.body, name);
    if (NL_IS(tree, "CaseExpr"))
        return of_case(tree.body, name);
    if (NL_IS(tree, "A_ArrayExpr"))
        return strong(name, "array");
    if (NL_IS(tree, "RowExpr"))
        return strong(name, "row");
    if (NL_IS(tree, "CoalesceExpr"))
        return strong(name, "coalesce");
    if (NL_IS(tree, "MinMaxExpr"))
        return strong(name, nl_tree_has(tree.body, "op", "IS_LEAST") ? "least" : "greatest");
    if (NL_IS(tree, "SQLValueFunction"))
        return of_session(tree.body, name);
    if (NL_IS(tree, "XmlExpr"))
        return of_xml(tree.body, name);
    return NL_IS(tree, "XmlSerialize") ? strong(name, "xmlserialize") : NAME_NONE;
}

const char *nl_column_name(const nl_json_node *expr) {
    const char *name = NULL;
    return figure(expr, &name) == NAME_NONE ? "?column?" : name;
}

const char *const *nl_function_columns(const char *function) {
    static const char *const own[] = { "", NULL }, *const value[] = { "value", NULL };
    static const char *const pair[] = { "key", "value", NULL };
    static const struct {
        const char *name;
        const char *const *columns;
    } known[] = {
        { "generate_series", own },
        { "generate_subscripts", own },
        { "regexp_split_to_table", own },
        { "regexp_matches", own },
        { "string_to_table", own },
        { "json_object_keys", own },
        { "jsonb_object_keys", own },
        { "jsonb_path_query", own },
        { "json_array_elements", value },
        { "json_array_elements_text", value },
        { "jsonb_array_elements", value },
        { "jsonb_array_elements_text", value },
        { "json_each", pair },
        { "json_each_text", pair },
        { "jsonb_each", pair },
        { "jsonb_each_text", pair },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, function) == 0)
            return known[i].columns;
    }
    return NULL;
}
