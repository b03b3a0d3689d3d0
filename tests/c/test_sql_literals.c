/* The constants of a query, what they are compared with, and others in their places. */
#include "sql/literals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* Each as text:operator:function:column, with a blank between; - for none. */
static const struct {
    const char *sql, *literals;
} contexts[] = {
    { "SELECT 'x', 1", "x:-:-:- 1:-:-:-" },
    { "SELECT 1 FROM customers WHERE name = 'Ann' LIMIT 5",
      "1:-:-:- Ann:=:-:customers.name 5:-:-:-" },
    { "SELECT id FROM customers c WHERE 'Ann' = c.name", "Ann:=:-:customers.name" },
    { "SELECT id FROM customers WHERE lower(name) = lower('Ann')", "Ann:=:lower:customers.name" },
    { "SELECT id FROM customers WHERE upper(trim(name))::text COLLATE \"C\" <> 'ANN'",
      "ANN:<>:upper:customers.name" },
    { "SELECT id FROM customers WHERE name IN ('a', 'b')",
      "a:in:-:customers.name b:in:-:customers.name" },
    { "SELECT id FROM customers WHERE name NOT LIKE '%a!%%' ESCAPE '!'",
      "%a!%%:like:-:customers.name !:like:-:customers.name" },
    { "SELECT id FROM customers WHERE name ILIKE 'a%'", "a%:ilike:-:customers.name" },
    { "SELECT id FROM customers WHERE name SIMILAR TO 'a%'", "a%:similar:-:customers.name" },
    { "SELECT id FROM customers WHERE name ~* '^a'", "^a:~*:-:customers.name" },
    { "SELECT id FROM customers WHERE name = ANY (ARRAY['a', 'b'])",
      "a:any:-:customers.name b:any:-:customers.name" },
    { "SELECT id FROM customers WHERE name = ANY ('{a,b}'::text[])", "{a,b}:any:-:customers.name" },
    { "SELECT id FROM customers WHERE 'vip' = ANY (tags)", "vip:any:-:customers.tags" },
    { "SELECT id FROM orders WHERE total BETWEEN 3 AND -4.5",
      "3:between:-:orders.total -4.5:between:-:orders.total" },
    { "SELECT id FROM orders WHERE ordered_at >= date '2024-01-02'",
      "2024-01-02:>=:-:orders.ordered_at" },
    { "SELECT id FROM orders WHERE total * 2 > 10", "2:*:-:orders.total 10:>:-:-" },
    { "SELECT id FROM orders WHERE (status, total) = ('paid', 3)",
      "paid:=:-:orders.status 3:=:-:orders.total" },
    { "SELECT id FROM orders WHERE (status, total) IN (('paid', 3))",
      "paid:in:-:orders.status 3:in:-:orders.total" },
    { "SELECT CASE status WHEN 'paid' THEN 'yes' ELSE 'no' END FROM orders",
      "paid:case:-:orders.status yes:-:-:- no:-:-:-" },
    { "SELECT id FROM customers WHERE starts_with(name, 'A')", "A:starts_with:-:customers.name" },
    { "SELECT date_trunc('month', ordered_at) FROM orders",
      "month:date_trunc:-:orders.ordered_at" },
    { "SELECT profile ->> 'age' FROM customers", "age:->>:-:customers.profile" },
    { "WITH c AS (SELECT name AS n FROM customers) SELECT * FROM (SELECT n AS m FROM c) q WHERE m "
      "= 'Ann'",
      "Ann:=:-:customers.name" },
    { "SELECT 1 FROM customers a JOIN orders b USING (id) WHERE id = 7",
      "1:-:-:- 7:=:-:customers.id" },
    { "SELECT name::varchar(10) FROM customers WHERE id = -(7)", "-7:=:-:customers.id" },
    { "SELECT count(*) FILTER (WHERE city = 'Oslo') FROM customers HAVING count(*) > 2",
      "Oslo:=:-:customers.city 2:>:-:-" },
};

static void show(const nl_literals *literals, char *out, size_t room) {
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < literals->n; i++) {
        const nl_literal *one = &literals->list[i];
        n += (size_t)snprintf(out + n, room - n, "%s%s:%s:%s:", i ? " " : "", one->text,
                              one->op ? one->op : "-", one->folded ? one->folded : "-");
        n += (size_t)snprintf(out + n, room - n, "%s%s%s", one->table ? one->table->reference : "",
                              one->table ? "." : "-", one->column ? one->column->name : "");
    }
}

static void says_what_each_is_compared_with(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
        nl_err err = { .msg = "" };
        char got[1000];
        nl_sql *sql = nl_sql_parse(contexts[i].sql, strlen(contexts[i].sql), &err);
        nl_literals *literals = sql ? nl_literals_of(sql, catalog, &err) : NULL;
        if (!literals)
            fail_msg("%s: %s", contexts[i].sql, err.msg);
        show(literals, got, sizeof got);
        if (strcmp(got, contexts[i].literals) != 0)
            fail_msg("%s\n gives    %s\n expected %s", contexts[i].sql, got, contexts[i].literals);
        nl_literals_free(literals);
        nl_sql_free(sql);
    }
}

/* Replaces each literal `from` by `to`; NULL: it could not be. */
static char *replace(const char *text, const char *from, const char *to, nl_err *err) {
    const char *values[64] = { NULL };
    nl_buf out;
    nl_buf_init(&out);
    nl_sql *sql = nl_sql_parse(text, strlen(text), err);
    nl_literals *literals = sql ? nl_literals_of(sql, NULL, err) : NULL;
    bool ok = literals != NULL;
    for (size_t i = 0; ok && i < literals->n; i++)
        values[i] = strcmp(literals->list[i].text, from) == 0 ? to : NULL;
    ok = ok && nl_literals_replace(sql, literals, values, &out, err);
    nl_literals_free(literals);
    nl_sql_free(sql);
    char *got = ok ? nl_buf_detach(&out, NULL) : NULL;
    nl_buf_release(&out);
    return got;
}

static const struct {
    const char *sql, *from, *to, *expected; /* NULL: refused */
} replaced[] = {
    { " SELECT 'x' ; ", "x", "y", "SELECT 'y'" },
    { "SELECT 'x', 'z', 'x'", "x", "y", "SELECT 'y', 'z', 'y'" },
    { "SELECT 'x'", "x", "O'Neil", "SELECT 'O''Neil'" },
    { "SELECT 'x'", "x", "'; DROP TABLE t; --", "SELECT '''; DROP TABLE t; --'" },
    { "SELECT 'x'", "x", "a\\' OR 1=1", "SELECT E'a\\\\'' OR 1=1'" },
    { "SELECT'x'AS y", "x", "a\\b", "SELECT E'a\\\\b'AS y" },
    { "SELECT 'it''s'", "it's", "y", "SELECT 'y'" },
    { "SELECT E'it\\'s\\n', 1", "it's\n", "y", "SELECT 'y', 1" },
    { "SELECT E'\\\\', 'x'", "\\", "y", "SELECT 'y', 'x'" },
    { "SELECT $$x$$, $a$ $$ $a$", " $$ ", "y", "SELECT $$x$$, 'y'" },
    { "SELECT $$x$$ || $b$z$b$", "x", "y", "SELECT 'y' || $b$z$b$" },
    { "SELECT U&'d\\0061ta', 1", "data", "y", "SELECT 'y', 1" },
    { "SELECT U&'d!0061ta' UESCAPE '!', 1", "data", "y", "SELECT 'y', 1" },
    { "SELECT 'a' \n 'b', 'c'", "ab", "y", "SELECT 'y', 'c'" },
    { "SELECT /* 'x' */ 'x' -- 'x'", "x", "y", "SELECT /* 'x' */ 'y' -- 'x'" },
    { "SELECT \"x\" FROM (SELECT 'x' AS \"x\") q", "x", "y",
      "SELECT \"x\" FROM (SELECT 'y' AS \"x\") q" },
    { "SELECT date '2024-01-02' - 5", "2024-01-02", "2024-01-05", "SELECT date '2024-01-05' - 5" },
    { "SELECT N'x'", "x", "y", "SELECT N'y'" },
    { "SELECT N'x'", "x", "\\", NULL }, /* NE'…' would be something else */
    { "SELECT 12.50, 12", "12.50", "13.25", "SELECT 13.25, 12" },
    { "SELECT 5-1", "1", "-2", "SELECT 5- -2" },
    { "SELECT a>-1.5 FROM t", "-1.5", "2", "SELECT a>2 FROM t" },
    { "SELECT - 7", "-7", "8", "SELECT 8" },
    { "SELECT -(7)", "-7", "8", NULL },
    { "SELECT 1e5", "1e5", "7", "SELECT 7" },
    { "SELECT 7", "7", "8; DROP TABLE t", NULL },
    { "SELECT 7", "7", "1e9", NULL },
    { "SELECT B'01', 'x'", "x", "y", "SELECT B'01', 'y'" },
    { "SELECT '\xC3\xA9', 'x'", "x", "\xC3\xBC", "SELECT '\xC3\xA9', '\xC3\xBC'" },
};

static void puts_others_in_their_places(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        nl_err err = { .msg = "" };
        char *got = replace(replaced[i].sql, replaced[i].from, replaced[i].to, &err);
        const char *expected = replaced[i].expected;
        if (!expected && !got)
            assert_int_equal(err.code, NL_INVALID);
        else if (!expected || !got || strcmp(got, expected) != 0)
            fail_msg("[%s] gives [%s], expected [%s]: %s", replaced[i].sql, got ? got : "(refused)",
                     expected ? expected : "(refused)", err.msg);
        free(got);
    }
}

/* Whatever the spelling and the value, the server reads the value back. */
static void the_server_reads_the_same_value(void **state) {
    (void)state;
    static const char *const spellings[] = {
        "'x y'",
        "E'x\\x20y'",
        "$$x y$$",
        "$q$x y$q$",
        "U&'x\\0020y'",
        "'x'\n' y'",
        "U&'x!0020y' UESCAPE '!'",
    };
    unsigned seed = 11;
    for (int round = 0; round < 300; round++) {
        char value[24], query[200], check[600], hex[64] = "";
        size_t n = 1 + (seed >> 8) % 20;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            value[i] = "ab'\\$\"\n-;/*%_E u&{}"[(seed >> 8) % 19];
            (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)(unsigned char)value[i]);
        }
        value[n] = '\0';
        (void)snprintf(query, sizeof query, "SELECT%sAS v", spellings[round % 7]);
        if (spellings[round % 7][0] != '\'') /* SELECTE'…' is a name */
            (void)snprintf(query, sizeof query, "SELECT %s AS v", spellings[round % 7]);
        nl_err err = { .msg = "" };
        char *got = replace(query, "x y", value, &err);
        if (!got)
            fail_msg("%s with %s: %s", query, value, err.msg);
        (void)snprintf(check, sizeof check,
                       "SELECT 1 / (convert_to(v, 'UTF8') = '\\x%s'::bytea)::int FROM (%s) q", hex,
                       got);
        const char *wrong = test_sql_run("sql_shop", check);
        if (wrong)
            fail_msg("%s: %s", check, wrong);
        free(got);
    }
}

static void a_query_that_grows_too_long_is_refused(void **state) {
    (void)state;
    nl_err err;
    char *value = malloc(NL_SQL_MAX_BYTES + 1);
    assert_non_null(value);
    memset(value, 'a', NL_SQL_MAX_BYTES);
    value[NL_SQL_MAX_BYTES] = '\0';
    assert_null(replace("SELECT 'x'", "x", value, &err));
    assert_int_equal(err.code, NL_LIMIT);
    free(value);
    assert_null(replace("DELETE FROM t WHERE a = 'x' RETURNING 1; SELECT 2", "x", "y", &err));
}

static void memory_that_runs_out_is_reported(void **state) {
    (void)state;
    if (!test_memory_can_fail())
        skip();
    const char *text =
        "WITH c AS (SELECT name AS n FROM customers) SELECT 1 FROM c WHERE n IN ('a', 'b', 'x')";
    bool done = false;
    int failures = 0;
    for (long n = 0; !done && n < 4000; n += 1 + n / 40) {
        nl_err err = { .code = NL_OK };
        const char *values[8] = { NULL, "q", NULL, "r" };
        nl_buf out;
        nl_buf_init(&out);
        nl_sql *sql = nl_sql_parse(text, strlen(text), &err);
        assert_non_null(sql);
        test_memory_fail(n);
        nl_literals *literals = nl_literals_of(sql, catalog, &err);
        done = !test_memory_failed();
        test_memory_fail(-1);
        failures += !done;
        assert_true(done == (literals != NULL));
        assert_true(done || err.code == NL_NOMEM);
        if (literals)
            assert_true(nl_literals_replace(sql, literals, values, &out, &err));
        nl_literals_free(literals);
        nl_sql_free(sql);
        nl_buf_release(&out);
    }
    assert_true(done && failures > 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_each_is_compared_with),
        cmocka_unit_test(puts_others_in_their_places),
        cmocka_unit_test(the_server_reads_the_same_value),
        cmocka_unit_test(a_query_that_grows_too_long_is_refused),
        cmocka_unit_test(memory_that_runs_out_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
