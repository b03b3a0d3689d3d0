/* When two queries are the same: pairs that must and pairs that must not share a key. */
#include "sql/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sql_harmless.h"

enum { SAME, SAME_BUT_LITERALS, DIFFERENT };

static const struct {
    int how;
    const char *a, *b;
} pairs[] = {
    /* spelling */
    { SAME, "SELECT 1", "select   1 ;" },
    { SAME, "SELECT name FROM customers", "select NAME /* x */ from Customers -- y" },
    { SAME, "SELECT \"name\" FROM t", "SELECT name FROM t" },
    { DIFFERENT, "SELECT \"Name\" FROM t", "SELECT name FROM t" },
    { SAME, "SELECT a FROM t u", "SELECT a FROM t AS u" },
    { SAME, "SELECT 1 FROM a JOIN b ON a.x = b.x", "SELECT 1 FROM a INNER JOIN b ON a.x = b.x" },
    { SAME, "SELECT 1 FROM a LEFT JOIN b ON a.x = b.x",
      "SELECT 1 FROM a LEFT OUTER JOIN b ON a.x = b.x" },
    { DIFFERENT, "SELECT 1 FROM a LEFT JOIN b ON a.x = b.x",
      "SELECT 1 FROM a JOIN b ON a.x = b.x" },
    { SAME, "SELECT a FROM t WHERE a != 1", "SELECT a FROM t WHERE a <> 1" },
    { SAME, "SELECT CAST(a AS integer) FROM t", "SELECT a::int4 FROM t" },
    { DIFFERENT, "SELECT a::int FROM t", "SELECT a::bigint FROM t" },
    { DIFFERENT, "SELECT a::numeric(5,2) FROM t", "SELECT a::numeric(5,3) FROM t" },
    { SAME, "SELECT substring(a from 1 for 2) FROM t", "SELECT substring(a, 1, 2) FROM t" },
    { SAME, "SELECT pg_catalog.lower(a) FROM t", "SELECT lower(a) FROM t" },
    { DIFFERENT, "SELECT lower(a) FROM t", "SELECT upper(a) FROM t" },
    { SAME, "SELECT a FROM public.t", "SELECT a FROM t" },
    { DIFFERENT, "SELECT a FROM other.t", "SELECT a FROM t" },
    { DIFFERENT, "SELECT a FROM ONLY t", "SELECT a FROM t" },
    /* aliases of tables */
    { SAME, "SELECT c.name FROM customers c", "SELECT x.name FROM customers AS x" },
    { SAME, "SELECT c.name FROM customers c", "SELECT customers.name FROM customers" },
    { SAME, "SELECT c.name FROM customers c", "SELECT name FROM customers" },
    { SAME, "SELECT c.name FROM customers c", "SELECT public.customers.name FROM customers" },
    { DIFFERENT, "SELECT c.name FROM customers c", "SELECT c.name FROM products c" },
    { SAME, "SELECT a.x, b.x FROM t a, t b WHERE a.y = b.z",
      "SELECT p.x, q.x FROM t p, t q WHERE p.y = q.z" },
    { DIFFERENT, "SELECT a.x FROM t a, t b WHERE a.y = b.z",
      "SELECT b.x FROM t a, t b WHERE a.y = b.z" },
    { DIFFERENT, "SELECT a.x FROM t a, t b WHERE a.y = b.z",
      "SELECT a.x FROM t a, t b WHERE b.y = a.z" },
    { SAME, "SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b i WHERE i.k = a.k)",
      "SELECT o.x FROM a o WHERE EXISTS (SELECT 1 FROM b WHERE b.k = o.k)" },
    { DIFFERENT, "SELECT x FROM a o WHERE EXISTS (SELECT 1 FROM b i WHERE i.k = o.k)",
      "SELECT x FROM a o WHERE EXISTS (SELECT 1 FROM b i WHERE i.k = i.k)" },
    { SAME, "SELECT c.a FROM t AS c(a, b)", "SELECT d.x FROM t AS d(x, y)" },
    { DIFFERENT, "SELECT c.a FROM t AS c(a, b)", "SELECT c.b FROM t AS c(a, b)" },
    { SAME, "SELECT n FROM generate_series(1, 3) AS n", "SELECT g FROM generate_series(1, 3) g" },
    /* CTEs and sub-selects */
    { SAME, "WITH a AS (SELECT x FROM t) SELECT x FROM a",
      "WITH b AS (SELECT x FROM t) SELECT b.x FROM b" },
    { SAME, "WITH a AS (SELECT x AS p FROM t) SELECT p FROM a",
      "WITH a(q) AS (SELECT x FROM t) SELECT q FROM a" },
    { DIFFERENT, "WITH a AS (SELECT x, y FROM t) SELECT x FROM a",
      "WITH a AS (SELECT x, y FROM t) SELECT y FROM a" },
    { DIFFERENT, "WITH a AS (SELECT 1 AS p, 2 AS q) SELECT p FROM a",
      "WITH a AS (SELECT 1 AS q, 2 AS p) SELECT p FROM a" },
    { DIFFERENT, "WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM a",
      "WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM b" },
    { SAME, "WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM b",
      "WITH b AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a" },
    { SAME, "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t",
      "WITH RECURSIVE r(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM r) SELECT k FROM r" },
    { SAME, "SELECT q.n FROM (SELECT count(*) AS n FROM t) q",
      "SELECT z.c FROM (SELECT count(*) AS c FROM t) z" },
    { SAME, "SELECT q.count FROM (SELECT count(*) FROM t) q",
      "SELECT z.c FROM (SELECT count(*) AS c FROM t) z" },
    { DIFFERENT, "SELECT q.a FROM (SELECT x AS a, y AS b FROM t) q",
      "SELECT q.a FROM (SELECT x AS b, y AS a FROM t) q" },
    { DIFFERENT, "SELECT row_to_json(q) FROM (SELECT 1 AS a) q",
      "SELECT row_to_json(q) FROM (SELECT 1 AS b) q" },
    { DIFFERENT, "SELECT * FROM (SELECT 1 AS a, 2 AS b) p NATURAL JOIN (SELECT 1 AS a, 3 AS c) q",
      "SELECT * FROM (SELECT 1 AS a, 2 AS b) p NATURAL JOIN (SELECT 1 AS b, 3 AS c) q" },
    { DIFFERENT, "SELECT 1 FROM (SELECT 1 AS a, 2 AS b) p JOIN (SELECT 1 AS a, 2 AS b) q USING (a)",
      "SELECT 1 FROM (SELECT 1 AS a, 2 AS b) p JOIN (SELECT 1 AS a, 2 AS b) q USING (b)" },
    { DIFFERENT, "SELECT 1 FROM a JOIN b USING (x)", "SELECT 1 FROM a JOIN b USING (y)" },
    /* output names */
    { SAME, "SELECT count(*) AS n FROM t", "SELECT count(*) FROM t" },
    { SAME, "SELECT a, count(*) AS n FROM t GROUP BY a ORDER BY n DESC",
      "SELECT a, count(*) AS c FROM t GROUP BY a ORDER BY c DESC" },
    { SAME, "SELECT a, count(*) AS n FROM t GROUP BY a ORDER BY n",
      "SELECT a, count(*) FROM t GROUP BY a ORDER BY 2" },
    { DIFFERENT, "SELECT a, count(*) AS n FROM t GROUP BY a ORDER BY n",
      "SELECT a, count(*) AS n FROM t GROUP BY a ORDER BY a" },
    { SAME, "SELECT lower(a) AS b FROM t GROUP BY b", "SELECT lower(a) AS c FROM t GROUP BY c" },
    { DIFFERENT, "SELECT lower(a) AS a FROM t GROUP BY a",
      "SELECT lower(a) AS c FROM t GROUP BY c" },
    { SAME, "SELECT a FROM t UNION SELECT b FROM u ORDER BY a",
      "SELECT a AS z FROM t UNION SELECT b FROM u ORDER BY z" },
    /* order that counts, and order that does not */
    { SAME, "SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a ASC NULLS LAST" },
    { SAME, "SELECT a FROM t ORDER BY b DESC", "SELECT a FROM t ORDER BY b DESC NULLS FIRST" },
    { DIFFERENT, "SELECT a FROM t ORDER BY b DESC", "SELECT a FROM t ORDER BY b" },
    { DIFFERENT, "SELECT a FROM t ORDER BY b", "SELECT a FROM t" },
    { DIFFERENT, "SELECT a, b FROM t", "SELECT b, a FROM t" },
    { SAME, "SELECT a FROM t WHERE a IN (1, 2, 3)", "SELECT a FROM t WHERE a IN (3, 1, 2)" },
    { SAME, "SELECT a FROM t WHERE a > 5", "SELECT a FROM t WHERE 5 < a" },
    { SAME, "SELECT a FROM t WHERE a >= b", "SELECT a FROM t WHERE b <= a" },
    { SAME, "SELECT a FROM t WHERE a = 5", "SELECT a FROM t WHERE 5 = a" },
    { DIFFERENT, "SELECT a FROM t WHERE a > b", "SELECT a FROM t WHERE a < b" },
    { DIFFERENT, "SELECT a FROM t WHERE a > b", "SELECT a FROM t WHERE a >= b" },
    { DIFFERENT, "SELECT a - b FROM t", "SELECT b - a FROM t" },
    { SAME, "SELECT a FROM t WHERE a = 1 AND b = 2 AND c = 3",
      "SELECT a FROM t WHERE c = 3 AND (a = 1 AND b = 2)" },
    { SAME, "SELECT a FROM t WHERE a = 1 OR b = 2", "SELECT a FROM t WHERE b = 2 OR a = 1" },
    { DIFFERENT, "SELECT a FROM t WHERE a = 1 OR b = 2", "SELECT a FROM t WHERE a = 1 AND b = 2" },
    { DIFFERENT, "SELECT a FROM t WHERE a = 1 AND (b = 2 OR c = 3)",
      "SELECT a FROM t WHERE (a = 1 AND b = 2) OR c = 3" },
    { DIFFERENT, "SELECT a FROM t WHERE NOT a = 1", "SELECT a FROM t WHERE a = 1" },
    { DIFFERENT, "SELECT a FROM t EXCEPT SELECT b FROM t",
      "SELECT b FROM t EXCEPT SELECT a FROM t" },
    { DIFFERENT, "SELECT 1 UNION SELECT 2", "SELECT 1 UNION ALL SELECT 2" },
    { DIFFERENT, "SELECT a FROM t", "SELECT DISTINCT a FROM t" },
    { DIFFERENT, "SELECT DISTINCT a FROM t", "SELECT DISTINCT ON (a) a FROM t" },
    { DIFFERENT, "SELECT count(a) FROM t", "SELECT count(DISTINCT a) FROM t" },
    { DIFFERENT, "SELECT count(a) FROM t", "SELECT count(*) FROM t" },
    { DIFFERENT, "SELECT sum(a) FROM t", "SELECT sum(a) OVER () FROM t" },
    { DIFFERENT, "SELECT sum(a) OVER (ORDER BY b) FROM t",
      "SELECT sum(a) OVER (ORDER BY b ROWS UNBOUNDED PRECEDING) FROM t" },
    { SAME, "SELECT a FROM t LIMIT ALL", "SELECT a FROM t" },
    { SAME, "SELECT a FROM t LIMIT 3", "SELECT a FROM t FETCH FIRST 3 ROWS ONLY" },
    { DIFFERENT, "SELECT a FROM t ORDER BY a LIMIT 3",
      "SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS WITH TIES" },
    /* literals */
    { SAME, "SELECT 1.50", "SELECT 1.5" },
    { SAME, "SELECT 0.5, 1E3", "SELECT .50, 1e3" },
    { SAME, "SELECT 'a'", "SELECT E'\\x61'" },
    { SAME, "SELECT - 5", "SELECT -/* five */5" },
    { SAME, "SELECT -0, -007", "SELECT 0, -7" },
    { DIFFERENT, "SELECT '1'", "SELECT 1" },
    { SAME_BUT_LITERALS, "SELECT 7/2", "SELECT 7/2.0" },
    { SAME_BUT_LITERALS, "SELECT -5", "SELECT -6" },
    { SAME_BUT_LITERALS, "SELECT 0", "SELECT -6" },
    { SAME_BUT_LITERALS, "SELECT -10", "SELECT -1" },
    { SAME_BUT_LITERALS, "SELECT 100", "SELECT 1" },
    { SAME_BUT_LITERALS, "SELECT ''", "SELECT ' '" },
    { SAME_BUT_LITERALS, "SELECT a FROM t WHERE a > 5 LIMIT 3",
      "SELECT a FROM t WHERE 6 < a LIMIT 4" },
    { SAME_BUT_LITERALS, "SELECT a FROM t WHERE b = 'x'", "SELECT u.a FROM t u WHERE 'y' = u.b" },
    { SAME_BUT_LITERALS, "SELECT a FROM t WHERE a IN (1, 2)",
      "SELECT a FROM t WHERE a IN (3, 4, 5)" },
    { SAME_BUT_LITERALS, "SELECT a FROM t WHERE b = 1 AND c = 2",
      "SELECT a FROM t WHERE c = 1 AND b = 2" },
    { SAME_BUT_LITERALS, "SELECT true", "SELECT false" },
    { DIFFERENT, "SELECT NULL", "SELECT true" },
    { DIFFERENT, "SELECT a, b FROM t ORDER BY 1", "SELECT a, b FROM t ORDER BY 2" },
};

static nl_sql_keys keys_of(const char *text) {
    nl_err err = { .code = NL_OK };
    nl_sql_keys keys = { 0 };
    nl_sql *sql = nl_sql_parse(text, strlen(text), &err);
    if (!sql || !nl_sql_canon(sql, &keys, &err))
        fail_msg("%s: %s", text, err.msg);
    nl_sql_free(sql);
    return keys;
}

static bool equal(nl_key a, nl_key b) {
    return a.hi == b.hi && a.lo == b.lo;
}

static void pairs_that_are_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        nl_sql_keys a = keys_of(pairs[i].a), b = keys_of(pairs[i].b);
        bool exact = equal(a.exact, b.exact), masked = equal(a.masked, b.masked);
        if (exact != (pairs[i].how == SAME) || masked != (pairs[i].how != DIFFERENT))
            fail_msg("%s\n%s\n  exact keys %s, masked keys %s", pairs[i].a, pairs[i].b,
                     exact ? "equal" : "differ", masked ? "equal" : "differ");
    }
}

/* No two of many queries share a key, and a query always has the same. */
static void different_queries_differ(void **state) {
    static nl_sql_keys keys[N_HARMLESS];
    (void)state;
    for (size_t i = 0; i < N_HARMLESS; i++) {
        keys[i] = keys_of(harmless[i]);
        assert_true(equal(keys[i].exact, keys_of(harmless[i]).exact));
        for (size_t j = 0; j < i; j++) {
            if (equal(keys[i].exact, keys[j].exact) || equal(keys[i].masked, keys[j].masked))
                fail_msg("one key:\n%s\n%s", harmless[i], harmless[j]);
        }
    }
}

static void only_queries_have_keys(void **state) {
    nl_err err = { .code = NL_OK };
    nl_sql_keys keys;
    nl_sql *sql = nl_sql_parse("DELETE FROM t", 13, NULL);
    (void)state;
    assert_non_null(sql);
    assert_false(nl_sql_canon(sql, &keys, &err));
    assert_int_equal(err.code, NL_INVALID);
    nl_sql_free(sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_that_are_the_same),
        cmocka_unit_test(different_queries_differ),
        cmocka_unit_test(only_queries_have_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
