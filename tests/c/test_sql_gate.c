/* What may be sent to the database: hostile statements with the reason for each, harmless ones,
 * and the policy that extends the list. The catalog is a real database's. */
#include "sql/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "db/catalog_priv.h"
#include "sql/facts.h"
#include "sql_harmless.h"
#include "test_db.h"
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

static const struct {
    const char *sql;
    const char *reason; /* that the message holds */
} hostile[] = {
    /* writes */
    { "INSERT INTO orders VALUES (9)", "writes: INSERT" },
    { "UPDATE orders SET total = 0", "writes: UPDATE" },
    { "DELETE FROM orders", "writes: DELETE" },
    { "MERGE INTO orders o USING items i ON o.id = i.id WHEN MATCHED THEN DELETE",
      "writes: MERGE" },
    { "TRUNCATE orders", "writes: TRUNCATE" },
    { "DROP TABLE orders", "writes: DROP" },
    { "CREATE TABLE x AS SELECT 1", "writes: CREATE TABLE AS" },
    { "CREATE TEMP TABLE x (a int)", "writes: CREATE TABLE" },
    { "ALTER TABLE orders ADD x int", "writes: ALTER TABLE" },
    { "GRANT ALL ON orders TO public", "writes: GRANT" },
    { "COPY orders TO '/tmp/x'", "writes: COPY" },
    { "COPY (SELECT 1) TO PROGRAM 'id'", "writes: COPY" },
    { "SELECT 1 INTO x", "writes: SELECT INTO" },
    { "SELECT * INTO TEMP x FROM orders", "writes: SELECT INTO" },
    { "WITH d AS (DELETE FROM orders RETURNING *) SELECT * FROM d", "writes: DELETE in a WITH" },
    { "WITH d AS (INSERT INTO orders VALUES (9) RETURNING id) SELECT * FROM d",
      "writes: INSERT in" },
    { "WITH d AS (UPDATE orders SET total = 0 RETURNING id) SELECT 1", "writes: UPDATE in a WITH" },
    { "SELECT * FROM (WITH d AS (DELETE FROM orders RETURNING *) SELECT 1) x", "writes: DELETE" },
    { "WITH a AS (WITH d AS (DELETE FROM orders RETURNING 1) SELECT 1) SELECT 1",
      "writes: DELETE" },
    { "SELECT 1 UNION (SELECT 1 INTO x)", "writes: SELECT INTO" },
    /* statements that are no query */
    { "EXPLAIN ANALYZE SELECT 1", "not a query: EXPLAIN" },
    { "PREPARE p AS SELECT 1", "not a query: PREPARE" },
    { "EXECUTE p", "not a query: EXECUTE" },
    { "DO $$ BEGIN NULL; END $$", "not a query: DO" },
    { "CALL p()", "not a query: CALL" },
    { "SET ROLE postgres", "not a query: SET" },
    { "RESET ALL", "not a query: SET or RESET" },
    { "SHOW data_directory", "not a query: SHOW" },
    { "BEGIN", "not a query: transaction" },
    { "COMMIT", "not a query: transaction" },
    { "LOCK TABLE orders", "not a query: LOCK" },
    { "LISTEN x", "not a query: LISTEN" },
    { "NOTIFY x", "not a query: NOTIFY" },
    { "DECLARE c CURSOR FOR SELECT 1", "not a query: DECLARE" },
    { "LOAD 'x'", "not a query: LOAD" },
    { "CHECKPOINT", "not a query: CHECKPOINT" },
    /* locks */
    { "SELECT * FROM orders FOR UPDATE", "locks rows: FOR UPDATE" },
    { "SELECT * FROM orders FOR NO KEY UPDATE NOWAIT", "locks rows: FOR NO KEY UPDATE" },
    { "SELECT * FROM orders FOR SHARE SKIP LOCKED", "locks rows: FOR SHARE" },
    { "SELECT * FROM (SELECT * FROM orders FOR KEY SHARE) x", "locks rows: FOR KEY SHARE" },
    { "SELECT 1 WHERE EXISTS (SELECT 1 FROM orders FOR UPDATE)", "locks rows" },
    /* functions that act, wait, run text, or tell about the server */
    { "SELECT pg_sleep(10)", "function pg_sleep" },
    { "SELECT pg_catalog.pg_sleep(10)", "function pg_sleep" },
    { "SELECT pg_terminate_backend(1)", "function pg_terminate_backend" },
    { "SELECT pg_read_file('/etc/passwd')", "function pg_read_file" },
    { "SELECT * FROM pg_ls_dir('.')", "function pg_ls_dir" },
    { "SELECT pg_advisory_lock(1)", "function pg_advisory_lock" },
    { "SELECT pg_notify('a', 'b')", "function pg_notify" },
    { "SELECT set_config('role', 'postgres', false)", "function set_config" },
    { "SELECT current_setting('data_directory')", "function current_setting" },
    { "SELECT lo_import('/etc/passwd')", "function lo_import" },
    { "SELECT lo_create(0)", "function lo_create" },
    { "SELECT nextval('x')", "function nextval" },
    { "SELECT setseed(0.5)", "function setseed" },
    { "SELECT query_to_xml('DELETE FROM orders', true, true, '')", "function query_to_xml" },
    { "SELECT table_to_xml('orders', true, true, '')", "function table_to_xml" },
    { "SELECT schema_to_xml('public', true, true, '')", "function schema_to_xml" },
    { "SELECT database_to_xml(true, true, '')", "function database_to_xml" },
    { "SELECT cursor_to_xml('c', 1, true, true, '')", "function cursor_to_xml" },
    { "SELECT * FROM ts_stat('SELECT body FROM products')", "function ts_stat" },
    { "SELECT ts_rewrite('a'::tsquery, 'SELECT 1')", "function ts_rewrite" },
    { "SELECT dblink('host=x', 'SELECT 1')", "function dblink" },
    { "SELECT has_table_privilege('orders', 'SELECT')", "function has_table_privilege" },
    { "SELECT version()", "function version" },
    { "SELECT inet_server_addr()", "function inet_server_addr" },
    { "SELECT txid_current()", "function txid_current" },
    { "SELECT to_regclass('pg_authid')", "function to_regclass" },
    { "SELECT regclass('pg_authid')", "function regclass" },
    { "SELECT regclassin('pg_authid')", "function regclassin" },
    { "SELECT obj_description(1)", "function obj_description" },
    { "SELECT current_database()", "function current_database" },
    { "SELECT array_agg(pg_backend_pid()) FILTER (WHERE true) FROM orders", "pg_backend_pid" },
    { "SELECT count(*) FROM orders ORDER BY pg_sleep(1)", "function pg_sleep" },
    { "SELECT count(*) OVER (ORDER BY pg_sleep(1)) FROM orders", "function pg_sleep" },
    { "SELECT 1 LIMIT (SELECT 1 WHERE pg_sleep(1) IS NULL)", "function pg_sleep" },
    { "SELECT * FROM orders o JOIN items i ON pg_sleep(1) IS NULL", "function pg_sleep" },
    { "SELECT CASE WHEN true THEN pg_sleep(1) END", "function pg_sleep" },
    { "VALUES (1), (pg_sleep(1) IS NULL)", "function pg_sleep" },
    { "SELECT * FROM ROWS FROM (pg_ls_dir('.')) x", "function pg_ls_dir" },
    { "SELECT * FROM XMLTABLE('/a' PASSING query_to_xml('x', true, true, '') COLUMNS a int) x",
      "function query_to_xml" },
    { "SELECT id FROM orders TABLESAMPLE bernoulli (pg_backend_pid())", "function pg_backend_pid" },
    { "SELECT a FROM (VALUES (1)) v(a) GROUP BY ROLLUP (a, pg_backend_pid())", "pg_backend_pid" },
    /* x.f is f(x) where x has no such column */
    { "SELECT g.pg_sleep FROM generate_series(5, 5) g", "function pg_sleep" },
    { "SELECT (5.0::float8).pg_sleep", "function pg_sleep" },
    { "SELECT (g).pg_sleep FROM (SELECT 5.0::float8 AS g) q", "function pg_sleep" },
    { "SELECT (g).leak FROM generate_series(1, 2) g", "\"leak\"" },
    { "SELECT g.leak FROM generate_series(1, 2) g", "\"leak\"" },
    { "SELECT (1).leak FROM (SELECT 1 AS leak) q", "\"leak\"" },
    { "SELECT ('postgres'::name).pg_get_userbyid", "function pg_get_userbyid" },
    { "SELECT o.lo_unlink FROM orders o", "function lo_unlink" },
    { "SELECT (array[g])[1].pg_sleep FROM generate_series(1, 2) g", "function pg_sleep" },
    /* functions and operators of others */
    { "SELECT leak(1)", "function leak is not one of PostgreSQL's own" },
    { "SELECT public.leak(1)", "function public.leak" },
    { "SELECT good_rank(1)", "function good_rank" },
    { "SELECT initcap(5)", "function initcap" },
    { "SELECT no_such_function(1)", "function no_such_function" },
    { "SELECT db.public.leak(1)", "function name of three parts" },
    { "SELECT 1 @!@ 2", "operator @!@" },
    { "SELECT 1 OPERATOR(public.@!@) 2", "operator @!@" },
    { "SELECT id FROM orders WHERE id @!@ ANY (SELECT 1)", "operator @!@" },
    { "SELECT id FROM orders ORDER BY id USING OPERATOR(public.<)", "operator <" },
    /* the system's relations, types and session */
    { "SELECT * FROM pg_authid", "system catalog pg_authid" },
    { "SELECT * FROM pg_catalog.pg_class", "system catalog pg_catalog.pg_class" },
    { "SELECT * FROM information_schema.tables", "system catalog information_schema" },
    { "SELECT * FROM pg_toast.pg_toast_1", "system relation pg_toast" },
    { "SELECT * FROM pg_temp.x", "system relation pg_temp" },
    { "SELECT * FROM pg_views", "system catalog pg_views" },
    { "SELECT * FROM pg_stat_activity", "system catalog pg_stat_activity" },
    { "SELECT * FROM orders WHERE EXISTS (TABLE pg_shadow)", "system catalog pg_shadow" },
    { "SELECT * FROM pg_authid, (WITH pg_authid AS (SELECT 1) SELECT 1) q", "pg_authid" },
    { "SELECT 'pg_authid'::regclass", "type regclass" },
    { "SELECT CAST(1 AS pg_catalog.regrole)", "type regrole" },
    { "SELECT 1::oid::regproc", "type regproc" },
    { "SELECT * FROM jsonb_to_record('{}') AS x(a regclass)", "type regclass" },
    { "SELECT '{}'::aclitem[]", "type aclitem" },
    { "SELECT 'x'::no_such_type", "type no_such_type" },
    { "SELECT CURRENT_USER", "CURRENT_USER" },
    { "SELECT SESSION_USER", "SESSION_USER" },
    { "SELECT CURRENT_CATALOG", "CURRENT_CATALOG" },
    { "SELECT user", "USER" },
    /* the rest */
    { "SELECT * FROM orders WHERE id = $1", "a parameter ($1)" },
    { "VALUES (DEFAULT)", "DEFAULT" },
    { "SELECT * FROM orders TABLESAMPLE other (1)", "TABLESAMPLE other" },
};

static bool safe(const char *sql, const nl_sql_policy *policy, nl_err *err) {
    nl_sql *parsed = nl_sql_parse(sql, strlen(sql), err);
    if (!parsed)
        fail_msg("%s: %s", sql, err->msg);
    bool ok = nl_sql_safe(parsed, catalog, policy, err);
    nl_sql_free(parsed);
    return ok;
}

static void hostile_statements_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        nl_err err = { .code = NL_OK };
        if (safe(hostile[i].sql, NULL, &err))
            fail_msg("passed: %s", hostile[i].sql);
        if (err.code != NL_INVALID || !strstr(err.msg, hostile[i].reason))
            fail_msg("%s\n  refused by \"%s\", not \"%s\"", hostile[i].sql, err.msg,
                     hostile[i].reason);
    }
}

/* None is refused, and the server runs each: what the gate lets through is no invention. A server
 * that is older than the library knows some forms not yet. */
static void harmless_queries_pass(void **state) {
    bool older = strtol(test_db_psql("sql_shop", "SHOW server_version_num"), NULL, 10) < 140000;
    (void)state;
    for (size_t i = 0; i < N_HARMLESS; i++) {
        nl_err err = { .code = NL_OK };
        if (!safe(harmless[i], NULL, &err))
            fail_msg("%s\n  refused: %s", harmless[i], err.msg);
        const char *error = test_sql_run("sql_shop", harmless[i]);
        if (error && !(older && (strstr(error, "syntax error") || strstr(error, "does not exist"))))
            fail_msg("%s\n  the server says: %s", harmless[i], error);
    }
}

static void a_policy_extends_the_list(void **state) {
    static const char *const functions[] = { "good_rank", "public.leak", NULL };
    static const nl_sql_policy own = { .functions = functions },
                               system = { .system_catalogs = true };
    static const struct {
        const char *sql;
        const nl_sql_policy *policy;
        bool passes;
    } cases[] = {
        { "SELECT good_rank(1)", &own, true },
        { "SELECT public.good_rank(1)", &own, false }, /* listed without a schema */
        { "SELECT public.leak(1)", &own, true },
        { "SELECT leak(1)", &own, false }, /* which leak the search path finds is not said */
        { "SELECT pg_sleep(1)", &own, false },
        { "SELECT g.good_rank FROM generate_series(1, 2) g", &own, true },
        { "SELECT relname FROM pg_class", &own, false },
        { "SELECT relname FROM pg_class", &system, true },
        { "SELECT table_name FROM information_schema.tables", &system, true },
        { "SELECT * FROM pg_toast.x", &system, false },
        { "SELECT pg_sleep(1) FROM pg_class", &system, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_err err = { .code = NL_OK };
        if (safe(cases[i].sql, cases[i].policy, &err) != cases[i].passes)
            fail_msg("%s: %s", cases[i].sql, cases[i].passes ? err.msg : "passed");
    }
}

/* What only the server's grammar knows goes by words, outside strings, comments and quoted names.
 */
static void newer_grammar_is_named(void **state) {
    static const struct {
        const char *sql;
        int version;
        const char *what; /* NULL: nothing */
    } cases[] = {
        { "SELECT * FROM JSON_TABLE(x, '$' COLUMNS (a int))", 170004, "JSON_TABLE" },
        { "SELECT * FROM JSON_TABLE(x, '$' COLUMNS (a int))", 160004, NULL },
        { "SELECT * FROM JSON_TABLE(x, '$' COLUMNS (a int))", 150004, NULL },
        { "SELECT json_object ('a': 1)", 160000, "JSON_OBJECT" },
        { "SELECT json('1' WITH UNIQUE KEYS)", 180000, "JSON(…)" },
        { "SELECT x IS JSON OBJECT", 160000, "IS JSON" },
        { "SELECT x IS NOT json", 160000, "IS JSON" },
        { "SELECT t AT LOCAL", 170000, "AT LOCAL" },
        { "SELECT t AT LOCAL", 160000, NULL },
        { "SELECT 1_000", 160000, "a number with _ or in another base than ten" },
        { "SELECT 0xFF", 160000, "a number with _ or in another base than ten" },
        { "SELECT x1_0 0", 160000, NULL },
        { "SELECT 'is json' \"is json\" -- is json\n/* is /* json */ is json */ x y", 180000,
          NULL },
        { "SELECT $a$ is json $b$ is json $a$ $1 x y z", 180000, NULL },
        { "SELECT E'\\' is json' 'a''is json' is json", 180000, "IS JSON" },
        { "SELECT 'open is json", 180000, NULL },
        { "SELECT /* open is json", 180000, NULL },
        { "SELECT $a$ open is json", 180000, NULL },
        { "SELECT FROM FROM a_word_that_is_longer_than_any_of_those", 180000, NULL },
        { "SELECT \xFF is json", 180000, NULL },
        { "SELECT \xC3\xA9[1] ^ ~x { is json", 180000, "IS JSON" },
        { "SELECT is x json, a at time, a at", 180000, NULL },
        { "SELECT E'x\\", 180000, NULL },
        { "SELECT E'\\' is json'", 180000, NULL },
        { "SELECT ea '\\' is json, 'x'", 180000, "IS JSON" },
        { "SELECT date'\\' is json, 'x'", 180000, "IS JSON" },
        { "SELECT e '\\' is json, 'x'", 180000, "IS JSON" },
        { "SELECT $1$ is json, $1$", 180000, "IS JSON" },
        { "SELECT x -- y\ris json", 180000, "IS JSON" },
        { "SELECT $", 180000, NULL },
        { "SELECT a - b / c * d -", 180000, NULL },
        { "SELECT /* a/b * c */ x is json", 180000, "IS JSON" },
        { "SELECT a \x01 is json /", 180000, "IS JSON" },
        { "SELECT 1 -- is json", 180000, NULL },
        { "SELECT 00, 1_a, 1, '", 180000, NULL },
        { "SELECT $abc", 180000, NULL },
        { "SELECT $a1$ is json $a1$, 'x'", 180000, NULL },
    };
    static char long_text[NL_SQL_MAX_BYTES + 1];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *what = nl_sql_newer(cases[i].sql, strlen(cases[i].sql), cases[i].version);
        if (!what != !cases[i].what || (what && strcmp(what, cases[i].what) != 0))
            fail_msg("%s: %s", cases[i].sql, what ? what : "nothing");
    }
    assert_null(nl_sql_newer("SELECT x IS JSON\0", 17, 180000));
    memset(long_text, ' ', sizeof long_text);
    memcpy(long_text, "SELECT x IS JSON", 16);
    assert_null(nl_sql_newer(long_text, sizeof long_text, 180000));
    assert_string_equal(nl_sql_newer(long_text, sizeof long_text - 1, 180000), "IS JSON");
}

/* Forms that read as calls in the older grammar are none of the server's functions. */
static void newer_forms_are_no_calls(void **state) {
    static const char *rows[][CATALOG_CELLS] = {
        { "S", "18.1", "180001", "[\"public\"]", "[\"public\"]", "[\"public\"]" },
    };
    static const nl_sql_policy left = { .newer_grammar = true }, none = { .newer_grammar = false };
    nl_err err = { .code = NL_OK };
    nl_catalog *kept = catalog;
    (void)state;
    catalog = nl_catalog_from_cells(&rows[0][0], 1, &err);
    assert_non_null(catalog);
    assert_false(safe("SELECT JSON_VALUE('{}', '$.a')", &none, &err));
    assert_false(safe("SELECT JSON_VALUE('{}', '$.a')", NULL, &err));
    assert_string_equal(err.msg, "JSON_VALUE is newer grammar than PostgreSQL 15's, which is what "
                                 "can be checked");
    assert_true(safe("SELECT JSON_VALUE('{}', '$.a')", &left, &err));
    assert_false(safe("SELECT JSON_VALUE(pg_sleep(1)::text, '$.a')", &left, &err));
    assert_false(safe("SELECT public.json_value('{}', '$.a')", &left, &err));
    nl_catalog_free(catalog);
    catalog = kept;
}

/* Relations as no server has them, or only now and then. */
static void odd_relations_are_refused(void **state) {
    enum { CHAIN = 40, FIRST = 8 };
    static char names[CHAIN + 1][16], texts[CHAIN][32];
    static const char *rows[FIRST + CHAIN][CATALOG_CELLS] = {
        { "S", "18.1", "180001", "[\"public\"]", "[\"public\"]", "[\"public\"]" },
        { "R", "public", "newer", "v+", "SELECT a FROM FROM" },
        { "R", "public", "locked", "v+?" },
        { "R", "public", "folded", "r+", NULL, NULL, NULL, NULL, NULL,
          "[\"SELECT (1 OPERATOR(x.+) 2)\"]" },
        { "R", "public", "fine", "r+", NULL, NULL, NULL, NULL, NULL,
          "[\"SELECT (a OPERATOR(x.+) 2)\"]" },
        { "R", "public", "body", "r+", NULL, NULL, NULL, NULL, NULL, "[\"SELECT FROM FROM\"]" },
        { "R", "public", "secured", "r+#", NULL, NULL, NULL, "[\"SELECT (pg_sleep(1) IS NULL)\"]" },
        { "F", "pg_sleep", "true", "false" },
    };
    static const struct {
        const char *sql, *reason;
    } cases[] = {
        { "SELECT a FROM newer", "view newer: its definition cannot be read: syntax error" },
        { "SELECT a FROM locked", "view locked: what it does could not be read" },
        { "SELECT a FROM folded", "table folded: planning calls +" },
        { "SELECT a FROM body", "table body: its definition cannot be read" },
        { "SELECT a FROM secured", "table secured: function pg_sleep is not allowed" },
        { "SELECT a FROM c0", "views are nested more than 32 deep" },
    };
    static const nl_sql_policy left = { .newer_grammar = true };
    nl_catalog *kept = catalog;
    (void)state;
    for (int i = 0; i < CHAIN; i++) {
        (void)snprintf(names[i], sizeof names[i], "c%d", i);
        (void)snprintf(texts[i], sizeof texts[i], "SELECT a FROM c%d", i + 1);
        const char *row[CATALOG_CELLS] = { "R", "public", names[i], "v+", texts[i] };
        memcpy(rows[FIRST + i], row, sizeof row);
    }
    nl_err err = { .code = NL_OK };
    catalog = nl_catalog_from_cells(&rows[0][0], FIRST + CHAIN, &err);
    assert_non_null(catalog);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (safe(cases[i].sql, NULL, &err) || !strstr(err.msg, cases[i].reason))
            fail_msg("%s: %s", cases[i].sql, err.msg);
    }
    assert_true(safe("SELECT a FROM fine", NULL, &err));
    assert_true(safe("SELECT a FROM newer", &left, &err));
    assert_true(safe("SELECT a FROM c20", NULL, &err));
    nl_catalog_free(catalog);
    catalog = kept;
}

/* Extensions overload =, max, replace and more for their types: that refuses no query. */
static void extensions_refuse_nothing(void **state) {
    nl_buf sql;
    (void)state;
    if (strcmp(test_db_psql(NULL, "SELECT count(*) FROM pg_available_extensions "
                                  "WHERE name IN ('citext', 'hstore', 'pg_trgm', 'intarray')"),
               "4") != 0)
        skip();
    nl_buf_init(&sql);
    assert_true(nl_buf_read_file(&sql, SOURCE_DIR "/tests/data/sql_shop.sql", 0, NULL));
    assert_true(nl_buf_str(&sql, "CREATE EXTENSION citext; CREATE EXTENSION hstore;"
                                 "CREATE EXTENSION pg_trgm; CREATE EXTENSION intarray;"
                                 "ALTER TABLE customers ADD nick citext;"));
    (void)test_db_make("sql_extensions", sql.data);
    nl_catalog *plain = catalog;
    static const char *const schemas[] = { "public", "Sales", NULL };
    catalog = test_sql_catalog("sql_extensions", schemas);
    for (size_t i = 0; i < N_HARMLESS; i++) {
        nl_err err = { .code = NL_OK };
        if (!safe(harmless[i], NULL, &err))
            fail_msg("%s\n  refused: %s", harmless[i], err.msg);
    }
    nl_err err = { .code = NL_OK };
    assert_true(safe("SELECT nick FROM customers WHERE nick = 'a'::citext", NULL, &err));
    assert_false(safe("SELECT 'a=>1'::hstore", NULL, &err)); /* no column has it */
    nl_catalog_free(catalog);
    catalog = plain;
    nl_buf_release(&sql);
}

/* --- questions that people answered ------------------------------------------------------- */

#define GOLD_DIR "NLSQL_GOLD_DIR" /* a folder with gold.jsonl and its databases' .sql files */

struct gold {
    char db[32];
    nl_catalog *catalog;
};

static const nl_catalog *gold_catalog(struct gold *dbs, size_t n, const char *dir, const char *db) {
    size_t i = 0;
    while (i < n && dbs[i].catalog && strcmp(dbs[i].db, db) != 0)
        i++;
    assert_true(i < n);
    if (!dbs[i].catalog) {
        nl_buf path, sql;
        nl_buf_init(&path);
        nl_buf_init(&sql);
        assert_true(nl_buf_printf(&path, "%s/%s.sql", dir, db));
        assert_true(nl_buf_read_file(&sql, path.data, 0, NULL));
        (void)test_db_make(db, sql.data);
        (void)strncat(dbs[i].db, db, sizeof dbs[i].db - 1);
        dbs[i].catalog = test_sql_catalog(db, NULL);
        nl_buf_release(&path);
        nl_buf_release(&sql);
    }
    return dbs[i].catalog;
}

static void check_gold(const nl_catalog *of, const char *sql) {
    nl_err err = { .code = NL_OK };
    nl_sql *parsed = nl_sql_parse(sql, strlen(sql), &err);
    if (!parsed || !nl_sql_safe(parsed, of, NULL, &err))
        fail_msg("%s\n  refused: %s", sql, err.msg);
    nl_sql_facts *facts = nl_sql_facts_of(parsed, of, NULL, 0, &err);
    assert_non_null(facts);
    if (facts->n_unknown)
        fail_msg("%s\n  unknown: %s", sql, facts->unknown[0]);
    if (facts->ambiguous)
        fail_msg("%s\n  %s", sql, facts->ambiguous);
    nl_sql_facts_free(facts);
    nl_sql_free(parsed);
}

static void gold_queries_pass(void **state) {
    struct gold dbs[8] = { 0 };
    const char *dir = getenv(GOLD_DIR);
    nl_buf path, text;
    size_t n = 0;
    (void)state;
    nl_buf_init(&path);
    nl_buf_init(&text);
    if (dir)
        (void)nl_buf_printf(&path, "%s/gold.jsonl", dir);
    if (!dir || access(path.data, R_OK) != 0) {
        nl_buf_release(&path);
        skip();
    }
    assert_true(nl_buf_read_file(&text, path.data, 0, NULL));
    for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        nl_json *row = nl_json_read(line, (size_t)(end - line), 0, NULL);
        assert_non_null(row);
        const char *db = nl_json_get_str(nl_json_root(row), "db");
        const char *sql = nl_json_get_str(nl_json_root(row), "sql");
        check_gold(gold_catalog(dbs, 8, dir, db), sql);
        nl_json_free(row);
        n++;
    }
    assert_true(n > 50);
    for (size_t i = 0; i < 8; i++)
        nl_catalog_free(dbs[i].catalog);
    nl_buf_release(&path);
    nl_buf_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_statements_are_refused),
        cmocka_unit_test(harmless_queries_pass),
        cmocka_unit_test(a_policy_extends_the_list),
        cmocka_unit_test(newer_grammar_is_named),
        cmocka_unit_test(newer_forms_are_no_calls),
        cmocka_unit_test(odd_relations_are_refused),
        cmocka_unit_test(extensions_refuse_nothing),
        cmocka_unit_test(gold_queries_pass),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
