/* facts.h: what a query is about.
 *
 * Names are resolved as PostgreSQL does: through aliases, CTEs, subqueries and LATERAL, by
 * scope; unquoted names were folded by the parser. */
#ifndef NL_SQL_FACTS_H
#define NL_SQL_FACTS_H

#include "db/catalog.h"
#include "sql/parse.h"

typedef struct {
    const nl_table *table;
    const nl_column *column;
} nl_sql_column;

typedef struct {
    const nl_table **tables; /* distinct, in order of first mention; CTEs are not tables */
    size_t n_tables;
    nl_sql_column *columns; /* distinct, resolved to tables; those behind * included */
    size_t n_columns;
    const char **functions; /* distinct, lower-case names, "count", "date_trunc" (special forms
                             * such as COALESCE, NULLIF, EXTRACT, CURRENT_DATE by those names) */
    size_t n_functions;
    const char **literals; /* distinct, as SQL text without quotes, in order of mention */
    size_t n_literals;
    const char **constructs; /* of: join, left_join, right_join, full_join, cross_join, self_join,
                              * subquery, correlated, exists, in_subquery, scalar_subquery, lateral,
                              * cte, recursive_cte, set_operation, aggregate, filter, group_by,
                              * grouping_sets, having, window, distinct, distinct_on, order_by,
                              * limit, offset, case, like, between, is_null, in_list, cast, values,
                              * star, regex, json, array; sorted */
    size_t n_constructs;
    size_t max_joined;    /* most base tables (self-joins count) joined at one query level */
    const char **unknown; /* what did not resolve: sentences "table \"x\" does not exist (did
                           * you mean …?)", "column \"y\" does not exist in a, b" */
    size_t n_unknown;
    const char *ambiguous; /* NULL, or the sentence about the first ambiguous column */
    bool ordered;          /* top level has ORDER BY */
    size_t output_columns; /* width of the result where known, else 0 */
} nl_sql_facts;

/* `scope`: the tables that the query may use (NULL: all of the catalog). A table outside it is
 * reported in `unknown` ("table \"x\" is not among those given"). Free with nl_sql_facts_free. */
nl_sql_facts *nl_sql_facts_of(const nl_sql *sql, const nl_catalog *catalog,
                              const nl_table *const *scope, size_t n_scope, nl_err *err);
void nl_sql_facts_free(nl_sql_facts *facts);

#endif
