/* Branches of the gate that no ordinary database reaches, on catalogs that are written by hand:
 * overloads, types and relations as an attacker could make them, and memory that runs out. */
#include "sql/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/catalog_priv.h"
#include "test_memory.h"

typedef const char *row[CATALOG_CELLS];

#define SERVER(number)                                                                             \
    { "S", "x", number, "[\"public\"]", "[\"public\"]", "[\"public\"]" }
#define N(rows) (sizeof(rows) / sizeof *(rows))
#define LIST(name, ...) static const char *const name[] = { __VA_ARGS__, NULL }

typedef struct {
    const char *sql;
    const char *reason; /* that the refusal holds; NULL: it passes */
    const nl_sql_policy *policy;
} edge;

static nl_catalog *made(const row *rows, size_t n) {
    nl_err err = { .code = NL_OK };
    nl_catalog *catalog = nl_catalog_from_cells(&rows[0][0], n, &err);
    if (!catalog)
        fail_msg("the catalog: %s", err.msg);
    return catalog;
}

static void check(const row *rows, size_t n_rows, const edge *edges, size_t n) {
    nl_catalog *catalog = made(rows, n_rows);
    for (size_t i = 0; i < n; i++) {
        nl_err err = { .code = NL_OK, .msg = "" };
        nl_sql *sql = nl_sql_parse(edges[i].sql, strlen(edges[i].sql), &err);
        if (!sql)
            fail_msg("%s: %s", edges[i].sql, err.msg);
        bool ok = nl_sql_safe(sql, catalog, edges[i].policy, &err);
        if (ok != !edges[i].reason || (!ok && !strstr(err.msg, edges[i].reason)))
            fail_msg("%s\n  %s, expected: %s", edges[i].sql, ok ? "passed" : err.msg,
                     edges[i].reason ? edges[i].reason : "passes");
        assert_true(nl_sql_safe(sql, catalog, edges[i].policy, NULL) == ok);
        nl_sql_free(sql);
    }
    nl_catalog_free(catalog);
}

/* Table t with a column of each type that matters, and functions of each kind. */
#define COMMON                                                                                     \
    { "T", "1", "public", "t", "r", NULL, "100", "vr" },                                           \
        { "C", "1", "1", "a", "integer", NULL, "N", NULL, NULL, "s" },                             \
        { "C", "1", "2", "shape", "geometry(Point,4326)", NULL, "U", NULL, NULL, "s" },            \
        { "C", "1", "3", "boxes", "box2d[]", NULL, "A", NULL, NULL, "s" },                         \
        { "C", "1", "4", "other", "geographyx", NULL, "U", NULL, NULL, "s" },                      \
        { "T", "2", "public", "pg_hidden", "r", NULL, "100", "r" },                                \
        { "C", "2", "1", "a", "integer", NULL, "N", NULL, NULL, "s" },                             \
        { "F", "lower", "true", "true" }, { "F", "abs", "true", "true" },                          \
        { "F", "generate_series", "true", "true" }, { "F", "shaky", "true", "false" },             \
        { "F", "extract", "true", "false" }, { "F", "timezone", "true", "false" },                 \
        { "O", "=", "true", "true" }, { "O", "+", "true", "true" }, { "Y", "pg_catalog", "int4" }, \
        { "Y", "pg_catalog", "regdictionary" }, {                                                  \
        "Y", "pg_catalog", "text"                                                                  \
    }

static void names_are_looked_at(void **state) {
    static const row rows[] = { SERVER("150006"), COMMON };
    LIST(near, "publicity.leak", "public", "public.leaks", "public_leak", "lea");
    static const nl_sql_policy policy = { .functions = near };
    static const edge edges[] = {
        { "SELECT public.leak(1)", "function public.leak is not allowed", &policy },
        { "SELECT shaky(1)", "function shaky is not allowed", NULL },
        { "SELECT pg_catalog.shaky(1)", "function shaky is not allowed", NULL },
        { "SELECT EXTRACT(year FROM a) FROM t", NULL, NULL },
        { "SELECT pg_catalog.extract('year', a) FROM t", "function extract is not allowed", NULL },
        { "SELECT timezone('UTC', a) FROM t", NULL, NULL },
        { "SELECT 1 OPERATOR(a.b.+) 2", "operator of a schema", NULL },
        { "SELECT a FROM pg_hidden", "system catalog pg_hidden", NULL },
        { "SELECT * FROM t TABLESAMPLE a.b.c (1)", "TABLESAMPLE", NULL },
        { "SELECT * FROM t TABLESAMPLE x.system (1)", "TABLESAMPLE system is not", NULL },
        { "SELECT * FROM t TABLESAMPLE pg_catalog.system (1)", NULL, NULL },
        { "SELECT 'x'::geometry, 'x'::box2d", NULL, NULL },
        { "SELECT 'x'::geo", "type geo is not known", NULL },
        { "SELECT 'x'::geography", "type geography is not known", NULL },
        { "SELECT 'x'::x.geometry", "type geometry is not known", NULL },
        { "SELECT 'x'::a.b.c", "a type name of three parts", NULL },
        { "SELECT NULL::t, NULL::t", NULL, NULL },
        { "SELECT 1::SETOF int", "setof of TypeName is not allowed", NULL },
        { "SELECT 'x'::regdictionary", NULL, NULL },
        { "SELECT '{}'::_aclitem", "type _aclitem is not allowed", NULL },
        { "SELECT '{}'::_regclass", "type _regclass is not allowed", NULL },
        { "SELECT (5).regrole", "type regrole", NULL },
    };
    (void)state;
    check(rows, N(rows), edges, N(edges));
}

/* Only a table's own tableoid may be shown as a name: anything else could be any number. */
static void a_tableoid_is_a_tables(void **state) {
    static const row rows[] = { SERVER("150006"), COMMON };
    static const edge edges[] = {
        { "SELECT tableoid::regclass FROM t", NULL, NULL },
        { "SELECT tableoid::regtype FROM t", "type regtype", NULL },
        { "SELECT q.tableoid::regclass FROM (SELECT 1 AS tableoid) q", "type regclass", NULL },
        { "SELECT q.tableoid::regclass FROM t AS q(tableoid)", "type regclass", NULL },
        { "SELECT tableoid::regclass FROM (SELECT 1) tableoid", "type regclass", NULL },
        { "SELECT tableoid::regclass FROM generate_series(1, 2) tableoid", "type regclass", NULL },
        { "SELECT g.tableoid::regclass FROM generate_series(1, 2) g", "type regclass", NULL },
        { "SELECT q.tableoid::regclass FROM (SELECT 1 AS a) q", "type regclass", NULL },
        { "WITH q AS (SELECT 1 AS a) SELECT q.tableoid::regclass FROM q", "type regclass", NULL },
        { "SELECT tableoid::regclass FROM no_table, other_table", "type regclass", NULL },
        { "SELECT tableoid::regclass FROM t, generate_series(1, 2) g(a)", NULL, NULL },
    };
    (void)state;
    check(rows, N(rows), edges, N(edges));
}

/* EXTRACT calls date_part there, and more functions coerce to their arguments' types. */
static void version_thirteen_is_older(void **state) {
#define TYPED                                                                                      \
    { "T", "1", "public", "t", "r", NULL, "100", "vr" },                                           \
        { "C", "1", "1", "a", "dom", "integer", "N", NULL, NULL, "s" },                            \
        { "F", "date_part", "true", "true" }, { "F", "array_append", "true", "true" },             \
        { "F", "json_populate_record", "true", "true" }, { "H", "1", "a", "[\"9\", \"77\"]" }, {   \
        "D", "9", "public", "dom", "v", "[\"9\", \"77\"]", "[\"x.bad\"]", "[\"SELECT x.bad(1)\"]"  \
    }
    static const row old[] = { SERVER("130010"), TYPED }, now[] = { SERVER("150006"), TYPED };
    static const edge before[] = {
        { "SELECT EXTRACT(year FROM a) FROM t", NULL, NULL },
        { "SELECT json_populate_record(a, 'x') FROM t", "type dom calls x.bad", NULL },
        { "SELECT array_append(a, a) FROM t", "type dom calls x.bad", NULL },
    };
    static const edge since[] = {
        { "SELECT json_populate_record(a, 'x') FROM t", "type dom calls x.bad", NULL },
        { "SELECT array_append(a, a) FROM t", NULL, NULL },
    };
    (void)state;
    check(old, N(old), before, N(before));
    check(now, N(now), since, N(since));
}

/* Operators that nobody wrote: BETWEEN's four, = of CASE x WHEN. */
static void unwritten_operators_count(void **state) {
    static const row rows[] = { SERVER("150006"),           { "U", "o", ">=", "x.ge" },
                                { "U", "o", "<=", "x.le" }, { "U", "o", "<", "x.lt" },
                                { "U", "o", ">", "x.gt" },  { "U", "o", "=", "x.eq" } };
    LIST(one, "x.ge");
    LIST(two, "x.ge", "x.le");
    LIST(three, "x.ge", "x.le", "x.lt");
    LIST(four, "x.ge", "x.le", "x.lt", "x.gt");
    static const nl_sql_policy to1 = { .functions = one }, to2 = { .functions = two },
                               to3 = { .functions = three }, to4 = { .functions = four };
    static const edge edges[] = {
        { "SELECT 1 BETWEEN 2 AND 3", "operator >= may call x.ge", NULL },
        { "SELECT 1 BETWEEN 2 AND 3", "operator <= may call x.le", &to1 },
        { "SELECT 1 NOT BETWEEN 2 AND 3", "operator < may call x.lt", &to2 },
        { "SELECT 1 BETWEEN SYMMETRIC 2 AND 3", "operator > may call x.gt", &to3 },
        { "SELECT 1 BETWEEN 2 AND 3", NULL, &to4 },
        { "SELECT CASE 1 WHEN 2 THEN 3 END", "operator = may call x.eq", &to4 },
        { "SELECT CASE WHEN true THEN 3 END", NULL, NULL },
    };
    (void)state;
    check(rows, N(rows), edges, N(edges));
}

static void definitions_are_walked(void **state) {
    static const row rows[] = {
        SERVER("150006"),
        COMMON,
        { "F", "pg_has_role", "true", "true" },
        { "F", "row_security_active", "true", "true" },
        { "F", "pg_sleep", "true", "false" },
        { "R", "public", "own", "v+", "SELECT x.f(1) AS a" },
        { "R", "public", "unknown", "v+", "SELECT pg_catalog.unheard(1) AS a" },
        { "R", "public", "shaky_view", "v+", "SELECT pg_catalog.shaky(1) AS a" },
        { "R", "public", "field", "v+", "SELECT (t).no_column FROM t" },
        { "R", "public", "newer", "v+", "SELECT a FROM FROM" },
        { "R", "public", "roles", "r+#", NULL, NULL, NULL,
          "[\"SELECT pg_has_role('x')\", \"SELECT row_security_active('x')\"]" },
        { "R", "public", "sleeps", "r+#", NULL, NULL, NULL, "[\"SELECT pg_sleep(1)\"]" },
        { "R", "public", "secured", "r+#" },
        { "R", "public", "far", "f+>" },
    };
    static const nl_sql_policy none = { .functions = NULL }, reaches = { .foreign_tables = true };
    static const edge edges[] = {
        { "SELECT a FROM own", NULL, NULL },
        { "SELECT a FROM own, own AS again", NULL, NULL },
        { "SELECT a FROM unknown", NULL, NULL },
        { "SELECT a FROM shaky_view", "view shaky_view: function shaky", NULL },
        { "SELECT 1 FROM field", NULL, NULL },
        { "SELECT 1 FROM newer", "view newer: its definition cannot be read", &none },
        { "SELECT 1 FROM roles", NULL, NULL },
        { "SELECT pg_has_role('x') FROM roles", "function pg_has_role", NULL },
        { "SELECT 1 FROM sleeps", "table sleeps: function pg_sleep", NULL },
        { "SELECT 1 FROM secured", NULL, NULL },
        { "SELECT 1 FROM far", "table far: it reads outside the database", NULL },
        { "SELECT 1 FROM far", "table far: it reads outside the database", &none },
        { "SELECT 1 FROM far", NULL, &reaches },
    };
    (void)state;
    check(rows, N(rows), edges, N(edges));
}

/* The planner folds a call of constants. */
static void folded_calls_are_walked(void **state) {
#define FOLDED(name, text)                                                                         \
    { "R", "public", name, "r+", NULL, NULL, NULL, NULL, NULL, text }
    static const row rows[] = {
        SERVER("150006"),
        COMMON,
        { "U", "o", "@", "x.at" },
        FOLDED("parameter", "[\"SELECT x.f($1)\"]"),
        FOLDED("column", "[\"SELECT x.f(a)\"]"),
        FOLDED("three", "[\"SELECT a.b.c(1)\"]"),
        FOLDED("third", "[\"SELECT 1 OPERATOR(a.b.+) 2\"]"),
        FOLDED("plain", "[\"SELECT lower(1)\", \"SELECT pg_catalog.lower(1)\", \"SELECT 1 + 2\"]"),
        FOLDED("other", "[\"SELECT x.lower(1)\"]"),
        FOLDED("unheard", "[\"SELECT unheard(1)\"]"),
        FOLDED("lever", "[\"SELECT 1 @ 2\"]"),
    };
    LIST(listed, "x.lower", "unheard");
    static const nl_sql_policy policy = { .functions = listed };
    static const edge edges[] = {
        { "SELECT 1 FROM parameter", NULL, NULL },
        { "SELECT 1 FROM \"column\"", NULL, NULL },
        { "SELECT 1 FROM three", "table three: planning calls a name of three parts", NULL },
        { "SELECT 1 FROM third", "table third: planning calls a name of three parts", NULL },
        { "SELECT 1 FROM plain", NULL, NULL },
        { "SELECT 1 FROM other", "table other: planning calls lower", NULL },
        { "SELECT 1 FROM other", NULL, &policy },
        { "SELECT 1 FROM unheard", "table unheard: planning calls unheard", NULL },
        { "SELECT 1 FROM unheard", NULL, &policy },
        { "SELECT 1 FROM lever", "table lever: planning calls @", NULL },
    };
    (void)state;
    check(rows, N(rows), edges, N(edges));
}

/* Overloads and casts that wait for a type, and functions behind types. */
static void what_waits_for_a_type(void **state) {
    static const row rows[] = {
        SERVER("150006"),
        COMMON,
        { "F", "upper", "true", "true" },
        { "F", "rpad", "true", "true" },
        { "U", "f", "abs", "x.abs", "[\"7\"]" },
        { "U", "f", "upper", "tenletters.upper" },
        { "U", "f", "rpad", "pg_catalog.evil" },
        { "D", "7", "public", "key", "v", "[\"7\", \"4712\"]" },
        { "D", "8", "public", "raw", "v", "[\"8\"]", "[\"x.raw_in\"]" },
        { "T", "3", "public", "raws", "r", NULL, "100", "vr" },
        { "C", "3", "1", "r", "raw", NULL, "U", NULL, NULL, "s" },
        { "C", "3", "2", "gone", "integer", NULL, "N", NULL, NULL, "s" },
        { "H", "3", "r", "[\"8\"]" },
        { "H", "3", "gone", "[\"4711\", \"7\"]" },
    };
    static const edge edges[] = {
        { "SELECT abs(a) FROM t", NULL, NULL },
        { "SELECT abs(a), (c).key FROM t c", "function abs may call x.abs", NULL },
        { "SELECT abs(a), (c).a, (c).boxes[1] FROM t c", NULL, NULL },
        { "SELECT abs(a), c.key FROM t c", "function abs may call x.abs", NULL },
        { "SELECT upper('a')", "function upper may call tenletters.upper", NULL },
        { "SELECT pg_catalog.upper('a')", NULL, NULL },
        { "SELECT pg_catalog.rpad('a')", "function rpad may call pg_catalog.evil", NULL },
        { "SELECT r FROM raws", "type raw calls x.raw_in", NULL },
        { "SELECT gone FROM raws", NULL, NULL },
        { "SELECT gone FROM raws UNION SELECT abs(1)", "function abs may call x.abs", NULL },
    };
    static const row always[] = { SERVER("150006"), { "U", "c", "int4", "x.to", NULL, "i" } };
    static const edge refused[] = { { "SELECT 1", "a cast to int4 may call x.to", NULL } };
    (void)state;
    check(rows, N(rows), edges, N(edges));
    check(always, N(always), refused, N(refused));
}

/* --- many of a kind, and memory that runs out ---------------------------------------------- */

enum { MANY = 300, ROWS = 3 * MANY + 40 };

static row many[ROWS];
static char texts[3 * MANY][32], numbers[MANY * 8 + 8], reads[MANY * 8 + 64];
static size_t n_many;

static void add(const row cells) {
    assert_true(n_many < ROWS);
    memcpy(many[n_many++], cells, sizeof(row));
}

/* MANY overloads of abs, MANY types inside one, MANY views that one reads. */
static void make_many(void) {
    static const row fixed[] = {
        SERVER("150006"),
        COMMON,
        { "U", "c", "text", "x.to_text", "[\"99999\"]", "i" },
        { "U", "f", "lower", "x.lower", "[\"99999\"]" },
        { "R", "public", "all_of_them", "v+", reads },
        { "R", "public", "folded", "r+", NULL, NULL, NULL, NULL, NULL, "[\"SELECT (a + 1)\"]" },
        { "Y", "public", "value" },
        { "D", "5", "public", "value", "v", numbers },
        { "D", "6", "public", "own_input", "v", NULL, "[\"x.in\"]" },
        { "H", "1", "a", numbers },
    };
    size_t used = 0, at = 0;
    n_many = 0;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(texts[3 * i], sizeof texts[0], "v%d", i);
        (void)snprintf(texts[3 * i + 1], sizeof texts[0], "%d", i + 1000);
        (void)snprintf(texts[3 * i + 2], sizeof texts[0], "x.f%d", i);
        used += (size_t)snprintf(numbers + used, sizeof numbers - used, "%s\"%d\"", i ? "," : "[",
                                 i + 1000);
        at += (size_t)snprintf(reads + at, sizeof reads - at, "%sv%d",
                               i ? ", " : "SELECT 1 AS a FROM ", i);
        add((row){ "R", "public", texts[3 * i], "v+", "SELECT 1 AS a" });
        add((row){ "D", texts[3 * i + 1], "public", texts[3 * i + 1], "", NULL });
        add((row){ "U", "f", "abs", texts[3 * i + 2], "[\"99999\"]" });
    }
    (void)snprintf(numbers + used, sizeof numbers - used, "]");
    for (size_t i = 0; i < N(fixed); i++)
        add(fixed[i]);
}

static void there_are_limits(void **state) {
    static const edge edges[] = {
        { "SELECT abs(1)", "function abs may call x.f", NULL },
        { "SELECT a FROM all_of_them", "it reads more than 256 views", NULL },
        { "SELECT 'x'::value", NULL, NULL },
    };
    (void)state;
    make_many();
    check((const row *)many, n_many, edges, N(edges));
}

/* What no parser here can read, where names are as nobody writes them. */
static void unread_queries_are_read(void **state) {
    static const row rows[] = {
        SERVER("180001"),
        { "T", "1", "public", "t", "r", NULL, "100", "vr" },
        { "C", "1", "1", "a", "integer", NULL, "N", NULL, NULL, "s" },
        { "R", "public", "q\"q", "v+", "SELECT 1 AS a" },
        { "R", "p\"p", "v", "v", "SELECT 1 AS a" },
        { "R", "public", "v", "v+", "SELECT 1 AS a" },
        { "F", "lower", "true", "true" },
        { "F", "random", "true", "false" },
        { "F", "restless", "true", "false" },
        { "F", "uuidv7", "false", "false" },
        { "F", "columns", "false", "false" },
        { "F", "json_value", "false", "false" },
    };
    LIST(listed, "uuidv7", "x.f");
    static const nl_sql_policy none = { .functions = NULL }, some = { .functions = listed };
    static const edge edges[] = {
        { "SELECT lower('a'), random(), 1_0, JSON_QUERY(a, '$') FROM t", NULL, NULL },
        { "SELECT 1_0 FROM v, public.v", NULL, NULL },
        { "SELECT 1_0 FROM \"q\"\"q\"", "q\"q is not allowed in newer grammar", &none },
        { "SELECT 1_0 FROM \"p\"\"p\".v", "v is not allowed in newer grammar", &none },
        { "SELECT 1_0, restless()", "function restless", NULL },
        { "SELECT 1_0, t.restless FROM t", "function restless", NULL },
        { "SELECT 1_0, t.lower, t.random, t.a, (t).a, t . a FROM t", NULL, NULL },
        { "SELECT 1_0, nothing()", "function nothing", NULL },
        { "SELECT 1_0, uuidv7()", "function uuidv7",
          &none }, /* of this database: no PostgreSQL 18 */
        { "SELECT 1_0, uuidv7(), x.f(1), t.uuidv7 FROM t", NULL, &some },
        { "SELECT 1_0, columns(1)", "function columns", NULL },
        { "SELECT 1_0, json_value('1')", "function json_value", NULL },
        { "SELECT 1_0, x.g(1)", "function g", &some },
        { "SELECT 1_0, (t).lower(1), \"coalesce\"(1) FROM t", "function coalesce", &some },
        { "SELECT 1_0, 'a' 'b'", "a string in two parts", NULL },
        { "SELECT regclass, 1_0 FROM t", NULL, NULL }, /* there is no type of that name */
        { "", NULL, NULL },
    };
    nl_catalog *catalog = made(rows, N(rows));
    (void)state;
    for (size_t i = 0; i < N(edges); i++) {
        nl_err err = { .code = NL_OK, .msg = "" };
        const char *sql = edges[i].sql;
        bool ok = nl_sql_unread_safe(sql, strlen(sql), catalog, edges[i].policy, &err);
        if (ok != !edges[i].reason || (!ok && !strstr(err.msg, edges[i].reason)))
            fail_msg("%s\n  %s", sql, ok ? "passed" : err.msg);
    }
    nl_catalog_free(catalog);
}

static const nl_catalog *against;
static nl_sql *asked;

static bool it_is_safe(nl_err *err) {
    return nl_sql_safe(asked, against, NULL, err);
}

static bool unread_is_safe(nl_err *err) {
    static const char sql[] = "SELECT 1_0 FROM v1";
    return nl_sql_unread_safe(sql, sizeof sql - 1, against, NULL, err);
}

/* Whichever allocation fails, alone or with all that follow, that is said, and nothing passes. */
static void memory_runs_out(void **state) {
#define EIGHT(text) text ", " text ", " text ", " text ", " text ", " text ", " text ", " text
    static const char *const queries[] = {
        "SELECT lower('a'), " EIGHT("'x'::value"),
        "SELECT 'x'::value",
        "SELECT lower('a'), " EIGHT("a") " FROM t",
        "SELECT a FROM t",
        "SELECT lower('a'), " EIGHT("(c).value") ", (c).a FROM t c",
        "SELECT lower('a'), " EIGHT("c.value") " FROM t c",
        "SELECT tableoid::regclass FROM t",
        "SELECT a FROM v1",
        "SELECT a FROM folded",
        "SELECT lower((c).boxes[1]) FROM t c",
        "SELECT 'x'::plain", /* on a catalog of its own: nothing but types with functions */
    };
    static const row few[] = {
        SERVER("150006"),
        { "Y", "public", "plain" },
        { "D", "5", "public", "plain", "v", "[\"5\"]" },
        { "D", "6", "public", "own_input", "v", NULL, "[\"x.in\"]" },
    };
    (void)state;
    if (!test_memory_can_fail())
        skip();
    make_many();
    nl_catalog *const catalogs[] = { made((const row *)many, n_many), made(few, N(few)) };
    for (size_t i = 0; i < N(queries); i++) {
        against = catalogs[i == N(queries) - 1];
        const test_scenario one = { queries[i], it_is_safe, TEST_MEMORY_OWN };
        nl_err err = { .code = NL_OK };
        asked = nl_sql_parse(queries[i], strlen(queries[i]), &err);
        assert_non_null(asked);
        test_memory_scenarios(&one, 1);
        nl_sql_free(asked);
    }
    against = catalogs[0];
    const test_scenario unread = { "SELECT 1_0 FROM v1", unread_is_safe, TEST_MEMORY_OWN };
    test_memory_scenarios(&unread, 1);
    nl_catalog_free(catalogs[0]);
    nl_catalog_free(catalogs[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_looked_at),       cmocka_unit_test(a_tableoid_is_a_tables),
        cmocka_unit_test(version_thirteen_is_older), cmocka_unit_test(unwritten_operators_count),
        cmocka_unit_test(definitions_are_walked),    cmocka_unit_test(folded_calls_are_walked),
        cmocka_unit_test(what_waits_for_a_type),     cmocka_unit_test(there_are_limits),
        cmocka_unit_test(unread_queries_are_read),   cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
