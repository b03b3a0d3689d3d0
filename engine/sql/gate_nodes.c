#include "sql/gate_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define P(name)                                                                                    \
    { name, NL_MEMBER_PLAIN, NULL }
#define N(name)                                                                                    \
    { name, NL_MEMBER_NODES, NULL }
#define S(name, of)                                                                                \
    { name, NL_MEMBER_STRUCT, of }
#define AT P("location")
#define MEMBERS(...)                                                                               \
    (const nl_gate_member[]) {                                                                     \
        __VA_ARGS__, {                                                                             \
            NULL, NL_MEMBER_PLAIN, NULL                                                            \
        }                                                                                          \
    }

/* Sorted by type. What is not here is refused: intoClause and lockingClause of a SelectStmt,
 * setof of a TypeName, the constraints of a ColumnDef, and every other struct of the parser. */
static const nl_gate_node nodes[] = {
    { "A_ArrayExpr", NL_LOOK_NONE, MEMBERS(N("elements"), AT) },
    { "A_Const", NL_LOOK_NONE,
      MEMBERS(S("ival", "Integer"), S("fval", "Float"), S("sval", "String"),
              S("bsval", "BitString"), S("boolval", "Boolean"), P("isnull"), AT) },
    { "A_Expr", NL_LOOK_OPERATOR, MEMBERS(N("lexpr"), N("rexpr"), N("name"), P("kind"), AT) },
    { "A_Indices", NL_LOOK_NONE, MEMBERS(P("is_slice"), N("lidx"), N("uidx")) },
    { "A_Indirection", NL_LOOK_FIELD, MEMBERS(N("arg"), N("indirection")) },
    { "A_Star", NL_LOOK_NONE, MEMBERS(AT) },
    { "Alias", NL_LOOK_NONE, MEMBERS(P("aliasname"), N("colnames")) },
    { "BitString", NL_LOOK_NONE, MEMBERS(P("bsval")) },
    { "BoolExpr", NL_LOOK_NONE, MEMBERS(N("args"), P("boolop"), AT) },
    { "Boolean", NL_LOOK_NONE, MEMBERS(P("boolval")) },
    { "BooleanTest", NL_LOOK_NONE, MEMBERS(N("arg"), P("booltesttype"), AT) },
    { "CTECycleClause", NL_LOOK_NONE,
      MEMBERS(N("cycle_col_list"), P("cycle_mark_column"), N("cycle_mark_value"),
              N("cycle_mark_default"), P("cycle_path_column"), AT) },
    { "CTESearchClause", NL_LOOK_NONE,
      MEMBERS(N("search_col_list"), P("search_breadth_first"), P("search_seq_column"), AT) },
    { "CaseExpr", NL_LOOK_EQUALS, MEMBERS(N("arg"), N("args"), N("defresult"), AT) },
    { "CaseWhen", NL_LOOK_NONE, MEMBERS(N("expr"), N("result"), AT) },
    { "CoalesceExpr", NL_LOOK_NONE, MEMBERS(N("args"), AT) },
    { "CollateClause", NL_LOOK_NONE, MEMBERS(N("arg"), N("collname"), AT) },
    { "ColumnDef", NL_LOOK_NONE,
      MEMBERS(P("colname"), S("typeName", "TypeName"), P("is_local"),
              S("collClause", "CollateClause"), AT) },
    { "ColumnRef", NL_LOOK_COLUMN, MEMBERS(N("fields"), AT) },
    { "CommonTableExpr", NL_LOOK_CTE,
      MEMBERS(P("ctename"), N("aliascolnames"), P("ctematerialized"), N("ctequery"),
              S("search_clause", "CTESearchClause"), S("cycle_clause", "CTECycleClause"), AT) },
    { "Float", NL_LOOK_NONE, MEMBERS(P("fval")) },
    { "FuncCall", NL_LOOK_FUNCTION,
      MEMBERS(N("funcname"), N("args"), P("funcformat"), AT, P("agg_star"), P("agg_distinct"),
              N("agg_order"), N("agg_filter"), S("over", "WindowDef"), P("agg_within_group"),
              P("func_variadic")) },
    { "GroupingFunc", NL_LOOK_NONE, MEMBERS(N("args"), AT) },
    { "GroupingSet", NL_LOOK_NONE, MEMBERS(N("content"), P("kind"), AT) },
    { "Integer", NL_LOOK_NONE, MEMBERS(P("ival")) },
    { "JoinExpr", NL_LOOK_EQUALS,
      MEMBERS(P("jointype"), N("larg"), N("rarg"), N("quals"), N("usingClause"), P("isNatural"),
              S("alias", "Alias"), S("join_using_alias", "Alias")) },
    { "List", NL_LOOK_NONE, MEMBERS(N("items")) },
    { "MinMaxExpr", NL_LOOK_NONE, MEMBERS(N("args"), P("op"), AT) },
    { "NamedArgExpr", NL_LOOK_NONE, MEMBERS(N("arg"), P("name"), P("argnumber"), AT) },
    { "NullTest", NL_LOOK_NONE, MEMBERS(N("arg"), P("nulltesttype"), AT) },
    { "RangeFunction", NL_LOOK_NONE,
      MEMBERS(P("lateral"), P("ordinality"), P("is_rowsfrom"), N("functions"), S("alias", "Alias"),
              N("coldeflist")) },
    { "RangeSubselect", NL_LOOK_NONE, MEMBERS(P("lateral"), N("subquery"), S("alias", "Alias")) },
    { "RangeTableFunc", NL_LOOK_NONE,
      MEMBERS(P("lateral"), N("docexpr"), N("rowexpr"), N("namespaces"), N("columns"),
              S("alias", "Alias"), AT) },
    { "RangeTableFuncCol", NL_LOOK_NONE,
      MEMBERS(P("colname"), S("typeName", "TypeName"), P("for_ordinality"), P("is_not_null"),
              N("colexpr"), N("coldefexpr"), AT) },
    { "RangeTableSample", NL_LOOK_SAMPLE,
      MEMBERS(N("relation"), N("method"), N("args"), N("repeatable"), AT) },
    { "RangeVar", NL_LOOK_RELATION,
      MEMBERS(P("relname"), P("inh"), P("relpersistence"), AT, S("alias", "Alias"), P("schemaname"),
              P("catalogname")) },
    { "ResTarget", NL_LOOK_NONE, MEMBERS(N("val"), AT, P("name")) },
    { "RowExpr", NL_LOOK_NONE, MEMBERS(N("args"), P("row_format"), AT) },
    { "SQLValueFunction", NL_LOOK_SESSION, MEMBERS(P("op"), P("typmod"), AT) },
    { "SelectStmt", NL_LOOK_QUERY,
      MEMBERS(N("targetList"), N("fromClause"), N("whereClause"), P("limitOption"), P("op"),
              N("groupClause"), N("havingClause"), N("sortClause"), N("limitCount"),
              N("limitOffset"), S("withClause", "WithClause"), N("distinctClause"),
              S("larg", "SelectStmt"), S("rarg", "SelectStmt"), P("all"), N("windowClause"),
              N("valuesLists"), P("groupDistinct")) },
    { "SortBy", NL_LOOK_OPERATOR,
      MEMBERS(N("node"), P("sortby_dir"), P("sortby_nulls"), AT, N("useOp")) },
    { "String", NL_LOOK_NONE, MEMBERS(P("sval")) },
    { "SubLink", NL_LOOK_EQUALS,
      MEMBERS(P("subLinkType"), N("subselect"), AT, N("testexpr"), N("operName"), P("subLinkId")) },
    { "TypeCast", NL_LOOK_CAST, MEMBERS(N("arg"), S("typeName", "TypeName"), AT) },
    { "TypeName", NL_LOOK_TYPE,
      MEMBERS(N("names"), P("typemod"), AT, N("typmods"), N("arrayBounds")) },
    { "WindowDef", NL_LOOK_NONE,
      MEMBERS(N("partitionClause"), N("orderClause"), P("frameOptions"), AT, P("name"),
              P("refname"), N("startOffset"), N("endOffset")) },
    { "WithClause", NL_LOOK_NONE, MEMBERS(N("ctes"), P("recursive"), AT) },
    { "XmlExpr", NL_LOOK_NONE,
      MEMBERS(P("op"), P("name"), N("named_args"), N("arg_names"), N("args"), P("xmloption"), AT) },
    { "XmlSerialize", NL_LOOK_NONE,
      MEMBERS(P("xmloption"), N("expr"), S("typeName", "TypeName"), AT) },
};

static int by_type(const void *key, const void *row) {
    return strcmp(key, ((const nl_gate_node *)row)->type);
}

const nl_gate_node *nl_gate_node_find(const char *type) {
    return bsearch(type, nodes, sizeof nodes / sizeof *nodes, sizeof *nodes, by_type);
}

const nl_gate_member *nl_gate_member_find(const nl_gate_node *node, const char *name, size_t size) {
    for (const nl_gate_member *m = node->members; m->name; m++) {
        if (memcmp(m->name, name, size < 2 ? size : 2) == 0 && strlen(m->name) == size &&
            memcmp(m->name, name, size) == 0)
            return m;
    }
    return NULL;
}
