/* What a query is about: names resolved by scope as PostgreSQL does. Where a case says that a name
 * is unknown or ambiguous, the server refuses the query too; where it does not, the server runs
 * it. */
#include "sql/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sql/canon.h"
#include "sql/gate.h"
#include "sql_harmless.h"
#include "test_memory.h"
#include "test_sql.h"

static nl_catalog *catalog;

static int setup(void **state) {
    static const char *const schemas[] = { "public", "Sales", NULL };
    (void)state;
    catalog = test_sql_catalog("sql_shop", schemas);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    nl_catalog_free(catalog);
    test_sql_run(NULL, NULL);
    return 0;
}

/* NULL: not looked at. Lists are separated by a blank (tables, columns, functions, constructs) or
 * by | (literals, unknown). */
static const struct {
    const char *sql;
    const char *tables, *columns, *functions, *literals, *constructs, *unknown;
    size_t joined, width;
} cases[] = {
    /* tables and columns */
    { "SELECT 1", "", "", "", "1", "", "", 0, 1 },
    { "SELECT name FROM customers", "customers", "customers.name", "", "", "", "", 1, 1 },
    { "SELECT c.name, c.id FROM customers c WHERE c.city = 'Oslo'", "customers",
      "customers.name customers.id customers.city", "", "Oslo", "", "", 1, 2 },
    { "SELECT * FROM \"Sales\".orders", "\"Sales\".orders",
      "\"Sales\".orders.id \"Sales\".orders.amount \"Sales\".orders.region", "", "", "star", "", 1,
      3 },
    { "SELECT NAME FROM CUSTOMERS", "customers", "customers.name", "", "", "", "", 1, 1 },
    { "SELECT o.*, 1 FROM big_orders o", "big_orders",
      "big_orders.id big_orders.customer_id big_orders.total", "", "1", "star", "", 1, 4 },
    { "SELECT public.orders.id FROM public.orders, \"Sales\".orders", "orders \"Sales\".orders",
      "orders.id", "", "", "join", "", 2, 1 },
    { "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id", "orders customers",
      "orders.id customers.id orders.customer_id", "", "", "join", "", 2, 1 },
    { "SELECT o.buyer FROM orders AS o(no, buyer)", "orders", "orders.customer_id", "", "", "", "",
      1, 1 },
    { "SELECT a.id FROM orders a, orders b, items c", "orders items", "orders.id", "", "",
      "join self_join", "", 3, 1 },
    { "SELECT count(o) FROM orders o WHERE o.id = 1", "orders",
      "orders.id orders.customer_id orders.ordered_at orders.total orders.status", "count", "1",
      "aggregate", "", 1, 1 },
    { "SELECT (o).total FROM orders o", "orders", "orders.total", "", "", "", "", 1, 1 },
    { "SELECT id FROM orders JOIN items USING (id)", "orders items", "orders.id items.id", "", "",
      "join", "", 2, 1 },
    { "SELECT * FROM orders JOIN items USING (id)", "orders items", NULL, "", "", "join star", "",
      2, 9 },
    { "SELECT * FROM orders NATURAL JOIN big_orders", "orders big_orders", NULL, "", "",
      "join star", "", 2, 5 },
    { "SELECT z.id FROM orders JOIN items USING (id) AS z", "orders items", "orders.id items.id",
      "", "", "join", "", 2, 1 },
    { "SELECT j.b FROM (orders o JOIN items i ON i.order_id = o.id) AS j(a, b)", "orders items",
      "orders.customer_id items.order_id orders.id", NULL, NULL, NULL, "", 2, 1 },
    /* scopes */
    { "WITH orders AS (SELECT 1 AS x) SELECT x FROM orders", "", "", "", "1", "cte", "", 0, 1 },
    { "WITH t AS (SELECT id, total FROM orders) SELECT t.total FROM t", "orders",
      "orders.id orders.total", "", "", "cte", "", 1, 1 },
    { "WITH a AS (SELECT id FROM orders), b AS (SELECT id FROM a) SELECT * FROM b", "orders",
      "orders.id", "", "", "cte star", "", 1, 1 },
    { "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t",
      "", "", "", "1|9", "cte recursive_cte set_operation", "", 0, 1 },
    { "SELECT q.n FROM (SELECT count(*) AS n FROM items) q", "items", "", "count", "",
      "aggregate subquery", "", 1, 1 },
    { "SELECT q.count FROM (SELECT count(*) FROM items) q", "items", "", "count", "",
      "aggregate subquery", "", 1, 1 },
    { "SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id)",
      "customers orders", "customers.name orders.customer_id customers.id", "", "1",
      "correlated exists subquery", "", 1, 1 },
    { "SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders)", "customers orders",
      "customers.name customers.id orders.customer_id", "", "", "in_subquery subquery", "", 1, 1 },
    { "SELECT name FROM customers WHERE id IN (SELECT version FROM orders)", "customers orders",
      "customers.name customers.id customers.version", "", "", "correlated in_subquery subquery",
      "", 1, 1 },
    { "SELECT (SELECT max(total) FROM orders o WHERE o.customer_id = c.id) FROM customers c",
      "orders customers", NULL, "max", "", "aggregate correlated scalar_subquery subquery", "", 1,
      1 },
    { "SELECT t.total FROM customers c, LATERAL (SELECT total FROM orders WHERE customer_id = "
      "c.id) t",
      "customers orders", "orders.total orders.customer_id customers.id", "", "",
      "join lateral subquery", "", 1, 1 },
    { "SELECT city AS total FROM customers ORDER BY total", "customers", "customers.city", "", "",
      "order_by", "", 1, 1 },
    { "SELECT lower(city) AS name FROM customers GROUP BY city, name", "customers",
      "customers.city customers.name", "lower", "", "group_by", "", 1, 1 },
    { "SELECT lower(city) AS town, count(*) FROM customers GROUP BY town", "customers",
      "customers.city", "lower count", "", "aggregate group_by", "", 1, 2 },
    { "SELECT id AS a FROM orders UNION SELECT id FROM items ORDER BY a LIMIT 3", "orders items",
      "orders.id items.id", "", "3", "limit order_by set_operation", "", 1, 1 },
    { "SELECT column1 FROM (VALUES (1, 'x')) v", "", "", "", "1|x", "values", "", 0, 1 },
    { "SELECT e.key, e.value FROM customers c, jsonb_each(c.profile) e", "customers",
      "customers.profile", "jsonb_each", "", "join json", "", 1, 2 },
    { "SELECT t FROM customers, unnest(tags) AS t", "customers", "customers.tags", "unnest", "",
      "array join", "", 1, 1 },
    { "SELECT n FROM generate_series(1, 3) AS n, orders", "orders", "", "generate_series", "1|3",
      "join", "", 1, 1 },
    { "SELECT ctid FROM orders", "orders", "", "", "", "", "", 1, 1 },
    /* functions, literals, constructs */
    { "SELECT EXTRACT(year FROM ordered_at), CURRENT_DATE, COALESCE(total, 0), NULLIF(id, 1), "
      "GREATEST(1, 2) FROM orders",
      "orders", "orders.ordered_at orders.total orders.id",
      "extract current_date coalesce nullif greatest", "0|1|2", "", "", 1, 5 },
    { "SELECT -5, - 7, 0, 1.50, 'it''s', TRUE, NULL, 99999999999", "", "", "",
      "-5|-7|0|1.50|it's|true|99999999999", "", "", 0, 8 },
    { "SELECT -(/* 8 */ 5), 'a' || 'a'", "", "", "", "-5|a", "", "", 0, 2 },
    { "SELECT total::numeric(5,2), DATE '2024-01-01' FROM orders GROUP BY 1 ORDER BY 1", "orders",
      "orders.total", "", "2024-01-01", "cast group_by order_by", "", 1, 2 },
    { "SELECT status, count(DISTINCT id) FILTER (WHERE total > 5) FROM orders GROUP BY ROLLUP "
      "(status) HAVING count(*) > 1",
      "orders", NULL, "count", "5|1", "aggregate distinct filter group_by grouping_sets having", "",
      1, 2 },
    { "SELECT sum(total) OVER (PARTITION BY status) FROM orders", "orders",
      "orders.total orders.status", "sum", "", "window", "", 1, 1 },
    { "SELECT DISTINCT ON (status) * FROM orders ORDER BY status LIMIT 2 OFFSET 1", "orders", NULL,
      "", "2|1", "distinct_on limit offset order_by star", "", 1, 5 },
    { "SELECT DISTINCT city FROM customers WHERE name LIKE 'A%' AND email IS NULL AND id IN (1, 2) "
      "AND version BETWEEN 1 AND 3 AND city ~ '^O'",
      "customers", NULL, "", "A%|1|2|3|^O", "between distinct in_list is_null like regex", "", 1,
      1 },
    { "SELECT CASE WHEN tags[1] = 'a' THEN profile->>'x' END FROM customers", "customers", NULL, "",
      "1|a|x", "array case json", "", 1, 1 },
    { "SELECT 1 FROM orders o LEFT JOIN items i ON true RIGHT JOIN customers c ON true FULL JOIN "
      "products p ON i.id = p.id CROSS JOIN big_orders",
      "orders items customers products big_orders", NULL, "", "1|true",
      "cross_join full_join join left_join right_join", "", 5, 1 },
    { "SELECT trim(both 'x' from q.name), q.at AT TIME ZONE 'UTC' FROM (SELECT now() AS at, 'x' AS "
      "name) q",
      "", "", "trim timezone now", "x|UTC", "subquery", "", 0, 2 },
    /* functions by the name that they are written with, not what stands for them in the tree */
    { "SELECT count(*), sum(id), avg(total), min(id), max(id) FROM orders", "orders", NULL,
      "count sum avg min max", "", "aggregate", "", 1, 5 },
    { "SELECT concat(name, city), length(name), char_length(name), lower(name), upper(name), "
      "replace(name, 'a', 'b') FROM customers",
      "customers", NULL, "concat length char_length lower upper replace", "a|b", "", "", 1, 6 },
    { "SELECT substring(name FROM 1 FOR 3), substr(name, 1, 3) FROM customers", "customers", NULL,
      "substring substr", "1|3", "", "", 1, 2 },
    { "SELECT pg_catalog.substring(name, 1, 3) FROM customers", "customers", NULL, "substring",
      "1|3", "", "", 1, 1 },
    { "SELECT TRIM(LEADING 'x' FROM name), TRIM(TRAILING FROM name) FROM customers", "customers",
      NULL, "trim", "x", "", "", 1, 2 },
    { "SELECT TRIM(name), btrim(city), ltrim(email) FROM customers", "customers", NULL,
      "trim btrim ltrim", "", "", "", 1, 3 },
    { "SELECT extract(dow FROM ordered_at), date_part('dow', ordered_at), date_trunc('day', "
      "ordered_at), to_char(ordered_at, 'YYYY'), age(ordered_at) FROM orders",
      "orders", NULL, "extract date_part date_trunc to_char age", "dow|day|YYYY", "", "", 1, 5 },
    { "SELECT now(), CURRENT_DATE FROM orders", "orders", "", "now current_date", "", "", "", 1,
      2 },
    { "SELECT CURRENT_TIMESTAMP, CURRENT_TIMESTAMP(3), LOCALTIMESTAMP FROM orders", "orders", "",
      "current_timestamp localtimestamp", "", "", "", 1, 3 },
    { "SELECT ceil(total), ceiling(total), floor(total), round(total, 1), abs(total) FROM orders",
      "orders", NULL, "ceil ceiling floor round abs", "1", "", "", 1, 5 },
    { "SELECT mod(id, 2) FROM orders", "orders", NULL, "mod", "2", "", "", 1, 1 },
    { "SELECT id % 2 FROM orders", "orders", NULL, "", "2", "", "", 1, 1 },
    { "SELECT row_number() OVER (ORDER BY id), rank() OVER w, lag(total) OVER w, lead(total) OVER "
      "w FROM orders WINDOW w AS (ORDER BY total)",
      "orders", NULL, "row_number rank lag lead", "", "window", "", 1, 4 },
    /* a column or alias of that name is no call of it */
    { "SELECT 'lower' AS upper, q.count FROM (SELECT id AS count FROM orders) q", "orders", NULL,
      "", "lower", "subquery", "", 1, 2 },
    { "SELECT ARRAY(SELECT id FROM orders), total > ALL (SELECT 1) FROM orders", "orders",
      "orders.id orders.total", "", "1", "array subquery", "", 1, 2 },
    { "SELECT p.during FROM products p WHERE p.price = ANY (ARRAY[1, 2])", "products",
      "products.during products.price", "", "1|2", "array", "", 1, 1 },
    /* what does not resolve */
    { "SELECT naem FROM customers", NULL, NULL, NULL, NULL, NULL,
      "column \"naem\" does not exist in customers (did you mean \"name\"?)", 1, 1 },
    { "SELECT name FROM custmers", "", NULL, NULL, NULL, NULL,
      "table \"custmers\" does not exist (did you mean customers?)", 1, 1 },
    { "SELECT 1 FROM \"Order Lines\"", "", NULL, NULL, NULL, NULL,
      "table \"Order Lines\" does not exist (did you mean \"Sales\".\"Order Lines\"?)", 1, 1 },
    { "SELECT c.total FROM customers c", NULL, NULL, NULL, NULL, NULL,
      "column \"total\" does not exist in c (table customers)", 1, 1 },
    { "SELECT customers.name FROM customers c", NULL, NULL, NULL, NULL, NULL,
      "table \"customers\" is called \"c\" here", 1, 1 },
    { "SELECT x.name FROM customers c", NULL, NULL, NULL, NULL, NULL,
      "\"x\" is not a table or alias in FROM", 1, 1 },
    { "SELECT c.name FROM customers c, (SELECT c.id) q", NULL, NULL, NULL, NULL, NULL,
      "\"c\" cannot be seen from here without LATERAL", 1, 1 },
    { "SELECT city AS town FROM customers WHERE town = 'x'", NULL, NULL, NULL, NULL, NULL,
      "column \"town\" does not exist in customers", 1, 1 },
    { "SELECT nope", NULL, NULL, NULL, NULL, NULL,
      "column \"nope\" does not exist: there is no FROM", 0, 1 },
    { "SELECT q.total FROM (SELECT id FROM orders) q", NULL, NULL, NULL, NULL, NULL,
      "column \"total\" does not exist in q", 1, 1 },
    { "WITH t AS (SELECT id FROM orders) SELECT total FROM t", NULL, NULL, NULL, NULL, NULL,
      "column \"total\" does not exist in t", 1, 1 },
    { "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT 1 FROM a", NULL, NULL, NULL, NULL, NULL,
      "table \"b\" does not exist", 1, 1 },
    { "SELECT id FROM orders UNION SELECT id FROM items ORDER BY total", NULL, NULL, NULL, NULL,
      NULL, "column \"total\" does not exist: there is no FROM", 1, 1 },
    { "SELECT 1 FROM orders JOIN items USING (total)", NULL, NULL, NULL, NULL, NULL,
      "column \"total\" of USING does not exist on the join's right side", 2, 1 },
    { "SELECT o.id FROM (orders o JOIN items i ON true) AS j", NULL, NULL, NULL, NULL, NULL,
      "\"o\" is not a table or alias in FROM", 2, 1 },
    { "SELECT a.id FROM orders a, items b JOIN products c ON a.id = c.id", NULL, NULL, NULL, NULL,
      NULL, "\"a\" is not part of the join whose ON names it", 3, 1 },
    { "SELECT g.value FROM generate_series(1, 2) g", NULL, NULL, NULL, NULL, NULL,
      "column \"value\" does not exist in g", 0, 1 },
    { "SELECT \"Name\" FROM customers", NULL, NULL, NULL, NULL, NULL,
      "column \"Name\" does not exist in customers (did you mean \"name\"?)", 1, 1 },
    { "SELECT id FROM \"Sales\".\"Order Lines\"", NULL, NULL, NULL, NULL, NULL,
      "column \"id\" does not exist in Order Lines (did you mean \"Id\"?)", 1, 1 },
};

static nl_sql_facts *facts_of(const char *text, const nl_table *const *scope, size_t n) {
    nl_err err = { .code = NL_OK };
    nl_sql *sql = nl_sql_parse(text, strlen(text), &err);
    if (!sql)
        fail_msg("%s: %s", text, err.msg);
    nl_sql_facts *facts = nl_sql_facts_of(sql, catalog, scope, n, &err);
    if (!facts)
        fail_msg("%s: %s", text, err.msg);
    nl_sql_free(sql); /* facts stand on their own */
    return facts;
}

static void expect(const char *sql, const char *what, const char *got, const char *wanted) {
    if (wanted && strcmp(got, wanted) != 0)
        fail_msg("%s\n  %s: \"%s\", not \"%s\"", sql, what, got, wanted);
}

static void expect_list(const char *sql, const char *what, const char *const *list, size_t n,
                        char between, const char *wanted) {
    nl_buf text;
    nl_buf_init(&text);
    for (size_t i = 0; i < n; i++) {
        if (i)
            (void)nl_buf_char(&text, between);
        (void)nl_buf_str(&text, list[i]);
    }
    expect(sql, what, text.data, wanted);
    nl_buf_release(&text);
}

static void expect_tables(const char *sql, const nl_sql_facts *facts, const char *tables,
                          const char *columns) {
    nl_buf text;
    nl_buf_init(&text);
    for (size_t i = 0; i < facts->n_tables; i++)
        (void)nl_buf_printf(&text, "%s%s", i ? " " : "", facts->tables[i]->reference);
    expect(sql, "tables", text.data, tables);
    nl_buf_clear(&text);
    for (size_t i = 0; i < facts->n_columns; i++)
        (void)nl_buf_printf(&text, "%s%s.%s", i ? " " : "", facts->columns[i].table->reference,
                            facts->columns[i].column->name);
    expect(sql, "columns", text.data, columns);
    nl_buf_release(&text);
}

static void each_case(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *sql = cases[i].sql;
        nl_sql_facts *facts = facts_of(sql, NULL, 0);
        expect_tables(sql, facts, cases[i].tables, cases[i].columns);
        expect_list(sql, "functions", facts->functions, facts->n_functions, ' ',
                    cases[i].functions);
        expect_list(sql, "literals", facts->literals, facts->n_literals, '|', cases[i].literals);
        expect_list(sql, "constructs", facts->constructs, facts->n_constructs, ' ',
                    cases[i].constructs);
        expect_list(sql, "unknown", facts->unknown, facts->n_unknown, '|', cases[i].unknown);
        if (facts->max_joined != cases[i].joined || facts->output_columns != cases[i].width)
            fail_msg("%s\n  joined %zu, width %zu", sql, facts->max_joined, facts->output_columns);
        if (facts->ambiguous)
            fail_msg("%s\n  %s", sql, facts->ambiguous);
        nl_sql_facts_free(facts);
    }
}

/* The cases' own claim, checked against PostgreSQL. */
static void the_server_agrees(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *error = test_sql_run("sql_shop", cases[i].sql);
        bool unknown = cases[i].unknown && cases[i].unknown[0];
        bool named = error && (strstr(error, "does not exist") || strstr(error, "FROM-clause") ||
                               strstr(error, "ORDER BY on a UNION"));
        if (unknown ? !named : error && named)
            fail_msg("%s\n  the server says: %s", cases[i].sql, error ? error : "fine");
    }
}

static void harmless_queries_resolve(void **state) {
    (void)state;
    for (size_t i = 0; i < N_HARMLESS; i++) {
        nl_sql_facts *facts = facts_of(harmless[i], NULL, 0);
        if (facts->n_unknown)
            fail_msg("%s\n  %s", harmless[i], facts->unknown[0]);
        if (facts->ambiguous)
            fail_msg("%s\n  %s", harmless[i], facts->ambiguous);
        nl_sql_facts_free(facts);
    }
}

static void ambiguous_columns_are_named(void **state) {
    static const struct {
        const char *sql, *column; /* NULL: none is */
    } ambiguous[] = {
        { "SELECT id FROM orders, items", "id" },
        { "SELECT o.id FROM orders o JOIN items i ON id = order_id", "id" },
        { "SELECT total FROM orders a JOIN orders b ON a.id = b.id", "total" },
        { "SELECT q.id FROM (SELECT o.id, i.id FROM orders o, items i) q", "id" },
        { "SELECT o.id, i.id FROM orders o, items i ORDER BY id", "id" },
        { "SELECT 1 FROM orders o JOIN items i ON true JOIN products USING (id)", "id" },
        { "SELECT o.id, o.id FROM orders o ORDER BY id", NULL },
        { "SELECT *, o.id FROM orders o ORDER BY id", NULL },
        { "SELECT id FROM orders JOIN items USING (id) JOIN products USING (id)", NULL },
        { "SELECT (SELECT id FROM items LIMIT 1) FROM orders", NULL },
        { "SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM items WHERE id = order_id)", NULL },
        { "SELECT o.id FROM orders o, items i GROUP BY o.id ORDER BY id", NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof ambiguous / sizeof *ambiguous; i++) {
        const char *sql = ambiguous[i].sql, *column = ambiguous[i].column;
        nl_sql_facts *facts = facts_of(sql, NULL, 0);
        if (!facts->ambiguous != !column || (column && !strstr(facts->ambiguous, column)))
            fail_msg("%s\n  %s", sql, facts->ambiguous ? facts->ambiguous : "found none");
        const char *error = test_sql_run("sql_shop", sql);
        if (!column != !error ||
            (column && !strstr(error, "ambiguous") && !strstr(error, "more than once")))
            fail_msg("%s\n  the server says: %s", sql, error ? error : "fine");
        nl_sql_facts_free(facts);
    }
}

static void tables_outside_the_scope_are_reported(void **state) {
    const nl_table *given[] = { nl_catalog_find(catalog, NULL, "orders"),
                                nl_catalog_find(catalog, NULL, "items") };
    nl_sql_facts *facts;
    (void)state;
    facts = facts_of("SELECT o.id FROM orders o JOIN items i ON i.order_id = o.id", given, 2);
    assert_int_equal(facts->n_unknown, 0);
    assert_int_equal(facts->n_tables, 2);
    nl_sql_facts_free(facts);
    facts = facts_of("SELECT 1 FROM orders WHERE id IN (SELECT id FROM customers)", given, 2);
    assert_int_equal(facts->n_unknown, 1);
    assert_string_equal(facts->unknown[0], "table \"customers\" is not among those given");
    nl_sql_facts_free(facts);
}

static void order_and_width(void **state) {
    static const struct {
        const char *sql;
        bool ordered;
        size_t width;
    } of[] = {
        { "SELECT 1 ORDER BY 1", true, 1 },
        { "SELECT * FROM (SELECT id FROM orders ORDER BY id) q", false, 1 },
        { "SELECT 1 UNION SELECT 2 ORDER BY 1", true, 1 },
        { "(SELECT 1 ORDER BY 1) UNION SELECT 2", false, 1 },
        { "SELECT * FROM orders, items", false, 10 },
        { "SELECT * FROM json_populate_record(NULL::orders, '{}')", false, 0 },
        { "VALUES (1, 2, 3)", false, 3 },
        { "SELECT FROM orders", false, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        nl_sql_facts *facts = facts_of(of[i].sql, NULL, 0);
        if (facts->ordered != of[i].ordered || facts->output_columns != of[i].width)
            fail_msg("%s: ordered %d, width %zu", of[i].sql, facts->ordered, facts->output_columns);
        nl_sql_facts_free(facts);
    }
}

static void a_statement_that_is_no_query_has_no_facts(void **state) {
    nl_err err = { .code = NL_OK };
    nl_sql *sql = nl_sql_parse("DELETE FROM orders", 18, NULL);
    (void)state;
    assert_non_null(sql);
    assert_null(nl_sql_facts_of(sql, catalog, NULL, 0, &err));
    assert_int_equal(err.code, NL_INVALID);
    nl_sql_free(sql);
    nl_sql_facts_free(NULL);
}

static bool facts_ok(const nl_sql *sql, nl_err *err) {
    nl_sql_facts *facts = nl_sql_facts_of(sql, catalog, NULL, 0, err);
    nl_sql_facts_free(facts);
    return facts != NULL;
}

static bool safe_ok(const nl_sql *sql, nl_err *err) {
    return nl_sql_safe(sql, catalog, NULL, err);
}

static bool canon_ok(const nl_sql *sql, nl_err *err) {
    nl_sql_keys keys;
    return nl_sql_canon(sql, &keys, err);
}

/* Whichever allocation fails, the answer is "out of memory" and no other; without a failure it is
 * the right one. */
/* The gate parses definitions of views and checks of domains, and libpg_query ends the process
 * where it has no memory. */
static bool parses_again(const char *sql) {
    return strstr(sql, "big_orders") || strstr(sql, "::price");
}

static void memory_may_run_out_anywhere(void **state) {
    static bool (*const calls[])(const nl_sql *, nl_err *) = { facts_ok, safe_ok, canon_ok };
    size_t failures = 0;
    (void)state;
    for (size_t i = 0; i < N_HARMLESS; i++) {
        nl_sql *sql = nl_sql_parse(harmless[i], strlen(harmless[i]), NULL);
        assert_non_null(sql);
        for (size_t call = 0; call < 3; call++) {
            if (call == 1 && parses_again(harmless[i]))
                continue;
            for (long after = 0;; after++) {
                nl_err err = { .code = NL_OK };
                test_memory_fail(after);
                bool ok = calls[call](sql, &err);
                test_memory_fail(-1);
                if (!test_memory_failed()) {
                    assert_true(ok);
                    break;
                }
                failures++;
                if (ok || err.code != NL_NOMEM)
                    fail_msg("%s\n  call %zu, allocation %ld: %s", harmless[i], call, after,
                             ok ? "went on" : err.msg);
            }
        }
        nl_sql_free(sql);
    }
    assert_true(failures > N_HARMLESS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(the_server_agrees),
        cmocka_unit_test(harmless_queries_resolve),
        cmocka_unit_test(ambiguous_columns_are_named),
        cmocka_unit_test(tables_outside_the_scope_are_reported),
        cmocka_unit_test(order_and_width),
        cmocka_unit_test(a_statement_that_is_no_query_has_no_facts),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
