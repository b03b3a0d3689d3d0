/* Text to tree: exactly one statement, its text, places of errors, caps; and nothing that breaks
 * the library, the reader or the walks over the tree. */
#include "sql/parse.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sql/canon.h"
#include "sql/facts.h"
#include "sql/gate.h"
#include "sql_harmless.h"
#include "test_sql.h"

static nl_catalog *catalog;

static int setup(void **state) {
    (void)state;
    catalog = test_sql_catalog("sql_shop", NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    nl_catalog_free(catalog);
    return 0;
}

static void texts_lose_the_final_semicolon_only(void **state) {
    static const struct {
        const char *given, *kept;
    } cases[] = {
        { "SELECT 1", "SELECT 1" },
        { "  SELECT 1 ;\n", "SELECT 1" },
        { "SELECT 1;;; ;", "SELECT 1" },
        { ";; SELECT 1", "SELECT 1" },
        { "SELECT ';'", "SELECT ';'" },
        { "SELECT ';';", "SELECT ';'" },
        { "SELECT $$;$$;", "SELECT $$;$$" },
        { "SELECT 1 -- one;", "SELECT 1 -- one;" },
        { "SELECT 1 /* two; */", "SELECT 1 /* two; */" },
        { "SELECT 1; -- said before;", "SELECT 1" },
        { "-- first\nSELECT 1;", "-- first\nSELECT 1" },
        { "SELECT \";\" FROM (SELECT 1 AS \";\") x;", "SELECT \";\" FROM (SELECT 1 AS \";\") x" },
        { "SELECT 'é';", "SELECT 'é'" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_err err = { .code = NL_OK };
        nl_sql *sql = nl_sql_parse(cases[i].given, strlen(cases[i].given), &err);
        if (!sql)
            fail_msg("%s: %s", cases[i].given, err.msg);
        assert_string_equal(nl_sql_text(sql), cases[i].kept);
        assert_non_null(nl_json_get(nl_sql_statement(sql), "SelectStmt"));
        nl_sql_free(sql);
    }
}

static void what_is_no_statement_is_refused(void **state) {
    static const struct {
        const char *text;
        size_t size; /* 0: strlen */
        nl_code code;
        const char *message;
    } cases[] = {
        { "", 0, NL_INVALID, "no statement" },
        { " ;; -- nothing\n", 0, NL_INVALID, "no statement" },
        { "SELECT 1; SELECT 2", 0, NL_INVALID, "2 statements where one was expected" },
        { "SELECT 1; DROP TABLE x; COMMIT", 0, NL_INVALID, "3 statements" },
        { "SELEC 1", 0, NL_INVALID, "syntax error at or near \"SELEC\" (line 1, column 1)" },
        { "SELECT a\nFROM é,\n  WHERE", 0, NL_INVALID, "(line 3, column 3)" },
        { "SELECT 'é' x y", 0, NL_INVALID, "(line 1, column 14)" },
        { "SELECT 'open", 0, NL_INVALID, "unterminated quoted string" },
        { "SELECT /* open", 0, NL_INVALID, "unterminated /* comment" },
        { "SELECT (1", 0, NL_INVALID, "syntax error at end of input" },
        { "SELECT 1\0", 9, NL_INVALID, "NUL byte" },
        { "SELECT '\xff'", 0, NL_INVALID, "not valid UTF-8" },
        { "SELECT '\xed\xa0\x80'", 0, NL_INVALID, "not valid UTF-8" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_err err = { .code = NL_OK };
        size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text);
        assert_null(nl_sql_parse(cases[i].text, size, &err));
        if (err.code != cases[i].code || !strstr(err.msg, cases[i].message))
            fail_msg("%s\n  said \"%s\", not \"%s\"", cases[i].text, err.msg, cases[i].message);
    }
}

/* The whole way that a candidate takes, on whatever the parser accepts. */
static bool go_all_the_way(const char *text, size_t size, nl_err *err) {
    nl_sql_keys keys;
    nl_sql *sql = nl_sql_parse(text, size, err);
    if (!sql)
        return false;
    (void)nl_sql_safe(sql, catalog, NULL, err);
    (void)nl_sql_canon(sql, &keys, err);
    nl_sql_facts_free(nl_sql_facts_of(sql, catalog, NULL, 0, err));
    nl_sql_free(sql);
    return true;
}

/* `open` and `close` as often as fit around `inner`. */
static void deep(const char *open, const char *inner, const char *close) {
    nl_buf text;
    nl_err err = { .code = NL_OK };
    nl_buf_init(&text);
    (void)nl_buf_str(&text, "SELECT ");
    size_t n = (NL_SQL_MAX_BYTES - 40) / (strlen(open) + strlen(close));
    for (size_t i = 0; i < n; i++)
        (void)nl_buf_str(&text, open);
    (void)nl_buf_str(&text, inner);
    for (size_t i = 0; i < n; i++)
        (void)nl_buf_str(&text, close);
    assert_true(text.size <= NL_SQL_MAX_BYTES);
    if (!go_all_the_way(text.data, text.size, &err))
        assert_true(err.code == NL_LIMIT || err.code == NL_INVALID);
    nl_buf_release(&text);
}

static void depth_is_an_error_and_no_crash(void **state) {
    (void)state;
    deep("(", "1", ")");
    deep("", "a", "+a");
    deep("", "a", " OR a=a");
    deep("", "a", "||a");
    deep("+ ", "a", "");
    deep("-(", "a", ")");
    deep("NOT ", "a", "");
    deep("(SELECT ", "1", ")");
    deep("1 IN(SELECT ", "1", ")");
    deep("", "1", " UNION SELECT 1");
    deep("ARRAY[", "1", "]");
    deep("CASE WHEN ", "a", " THEN 1 END");
    deep("f(", "1", ")");
    deep("", "a", "::int");
    deep("", "a", "[1]");
    deep("", "(a)", ".b");
    deep("", "1", ",1");
    deep("* FROM (SELECT ", "1", ") q");
    deep("", "* FROM t", " JOIN t ON a");
    deep("", "* FROM t", ",t");
    deep("(", "* FROM t", ") x");
    deep("ROW(", "1", ")");
    deep("", "a", " IS NULL");
    deep("", "a", " COLLATE x");
}

static void a_long_chain_within_reason_is_read(void **state) {
    nl_buf text;
    nl_err err = { .code = NL_OK };
    (void)state;
    nl_buf_init(&text);
    (void)nl_buf_str(&text, "SELECT 1");
    for (int i = 0; i < 400; i++)
        (void)nl_buf_str(&text, " + 1");
    assert_true(go_all_the_way(text.data, text.size, &err));
    nl_buf_clear(&text);
    (void)nl_buf_str(&text, "SELECT 1 WHERE 1 IN (1");
    for (int i = 0; i < 4000; i++)
        (void)nl_buf_str(&text, ",17");
    (void)nl_buf_str(&text, ")");
    assert_true(go_all_the_way(text.data, text.size, &err));
    while (text.size <= NL_SQL_MAX_BYTES)
        (void)nl_buf_char(&text, ' ');
    assert_null(nl_sql_parse(text.data, text.size, &err));
    assert_int_equal(err.code, NL_LIMIT);
    nl_buf_release(&text);
}

/* --- damaged queries ---------------------------------------------------------------------- */

static uint64_t seed = 1;

static size_t any(size_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % below);
}

/* A piece of one query put into another, a piece cut out, a byte changed. */
static void damage(nl_buf *out) {
    static const char noise[] = "()',.;*\"$-/:[]\\ \n0a";
    const char *a = harmless[any(N_HARMLESS)], *b = harmless[any(N_HARMLESS)];
    size_t n = strlen(a), m = strlen(b), cut = any(n), from = any(m);
    nl_buf_clear(out);
    (void)nl_buf_add(out, a, cut);
    if (any(2))
        (void)nl_buf_add(out, b + from, any(m - from) + 1);
    size_t skip = any(4) ? any(8) : any(n);
    if (cut + skip < n)
        (void)nl_buf_str(out, a + cut + skip);
    if (out->size && any(2))
        out->data[any(out->size)] = noise[any(sizeof noise - 1)];
}

static void damaged_queries_do_no_harm(void **state) {
    nl_buf text;
    size_t parsed = 0;
    (void)state;
    nl_buf_init(&text);
    for (int i = 0; i < 20000; i++) {
        nl_err err = { .code = NL_OK };
        damage(&text);
        if (go_all_the_way(text.data, text.size, &err))
            parsed++;
        else if (err.code != NL_INVALID || !err.msg[0])
            fail_msg("%s\n  error %d: %s", text.data, err.code, err.msg);
    }
    nl_buf_release(&text);
    assert_true(parsed > 500); /* else the walks saw nothing */
}

/* libpg_query keeps a context for each thread. */
static void *parse_in_thread(void *ctx) {
    size_t *good = ctx;
    for (size_t i = 0; i < N_HARMLESS; i++) {
        nl_sql *sql = nl_sql_parse(harmless[i], strlen(harmless[i]), NULL);
        *good += sql != NULL;
        nl_sql_free(sql);
    }
    return NULL;
}

static void threads_parse_beside_each_other(void **state) {
    pthread_t threads[4];
    size_t good[4] = { 0 };
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_in_thread, &good[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(good[i], N_HARMLESS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_lose_the_final_semicolon_only),
        cmocka_unit_test(what_is_no_statement_is_refused),
        cmocka_unit_test(depth_is_an_error_and_no_crash),
        cmocka_unit_test(a_long_chain_within_reason_is_read),
        cmocka_unit_test(damaged_queries_do_no_harm),
        cmocka_unit_test(threads_parse_beside_each_other),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
