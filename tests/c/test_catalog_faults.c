/* Introspection where something is wrong: what is said then; a catalog built from rows by hand; and
 * one of very many tables. */
#include "db/catalog.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "catalog_fixture.h"
#include "db/catalog_priv.h"
#include "io/proc.h"
#include "test_catalog.h"
#include "test_db.h"

#include "base/banned.h"

/* --- what can be wrong ------------------------------------------------------------------------ */

static const struct {
    const char *more; /* of the URL */
    const char *schema;
    nl_code code;
    const char *message;
} faults[] = {
    { "", "Nowhere", NL_NOTFOUND,
      "there is no schema \"Nowhere\" (schemas with tables: Sales, closed, hidden, public)" },
    { "", "sales", NL_NOTFOUND, "did you mean \"Sales\"?" },
    { "", "x'; DROP TABLE kinds; --", NL_NOTFOUND, "there is no schema \"x'; DROP" },
    { "dbname=missing", NULL, NL_DB, "database \"missing\" does not exist" },
    { "port=1", NULL, NL_NET, "" },
    { "user=nobody_here", NULL, NL_DB, "role \"nobody_here\" does not exist" },
};

static void says_what_is_wrong(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *schemas[] = { faults[i].schema, NULL };
        nl_err err = { .msg = "" };
        assert_null(test_catalog_load(catalog_url(faults[i].more), schemas, &err));
        if (err.code != faults[i].code || !strstr(err.msg, faults[i].message))
            fail_msg("%s: %s", nl_code_name(err.code), err.msg);
    }
}

/* A table that is being altered: the server would wait to tell its defaults and checks. */
static void does_not_wait_for_locks(void **state) {
    char program[4096];
    const char *url = test_db_url("catalog");
    const char *const argv[] = {
        program, "-XqAtw", "-d",
        url,     "-c",     "BEGIN; LOCK TABLE kinds IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)",
        NULL
    };
    const nl_proc_options options = { .argv = argv,
                                      .stdout_fd = NL_PROC_NULL,
                                      .stderr_fd = NL_PROC_NULL };
    nl_err err = { .msg = "" };
    (void)state;
    (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(test_db_cluster()));
    pid_t pid = nl_proc_start(&options, &err);
    assert_true(pid > 0);
    for (int i = 0; i < 500; i++) {
        if (strcmp(test_db_psql("catalog",
                                "SELECT count(*) FROM pg_locks WHERE mode = "
                                "'AccessExclusiveLock' AND relation = 'kinds'::regclass"),
                   "1") == 0)
            break;
    }
    nl_catalog *c = must_load(url, NULL);
    assert_int_equal(find_table(c, NULL, "kinds")->n_columns,
                     find_table(catalog, NULL, "kinds")->n_columns);
    assert_null(find_column(find_table(c, NULL, "kinds"), "title")->default_expr);
    assert_int_equal(find_table(c, NULL, "kinds")->n_checks, 0);
    assert_non_null(find_table(c, NULL, "kinds")->primary);
    nl_catalog_free(c);
    nl_proc_stop(pid, SIGINT, 5000);
}

static void fill_bytes(const char *url) {
    char program[4096];
    const char *const argv[] = {
        program, "-XqAtw",
        "-v",    "ON_ERROR_STOP=1",
        "-d",    url,
        "-c",    "DO $$ BEGIN EXECUTE 'CREATE TABLE caf' || chr(233) || ' (a int)'; END $$",
        NULL
    };
    const nl_proc_options options = { .argv = argv };
    nl_buf printed;
    nl_err err = { .msg = "" };
    int status = -1;
    (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(test_db_cluster()));
    nl_buf_init(&printed);
    if (!nl_proc_run(&options, &printed, &status, &err) || status != 0)
        fail_msg("%s%s", err.msg, printed.data);
    nl_buf_release(&printed);
}

/* A database of no known encoding holds whatever bytes it was given; we read UTF-8. */
static void refuses_what_is_not_utf8(void **state) {
    nl_err err = { .msg = "" };
    (void)state;
    test_db_psql(NULL, "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' "
                       "TEMPLATE template0");
    const char *url = catalog_url("dbname=bytes");
    nl_catalog *c = must_load(url, NULL);
    nl_catalog_free(c);
    fill_bytes(url);
    assert_null(test_catalog_load(url, NULL, &err));
    assert_int_equal(err.code, NL_DB);
    assert_string_equal(err.sqlstate, "22021");
    assert_non_null(strstr(err.msg, "cannot read the catalog: invalid byte sequence"));
}

/* --- from rows ------------------------------------------------------------------------------- */

static void builds_from_rows_in_any_order(void **state) {
    static const char *rows[][CATALOG_CELLS] = {
        { "F", "lower", "true", "true" },
        { "F", "akeys", "false", "true" }, /* trusted, but not PostgreSQL's: no */
        { "C", "2", "3", "b", "text", NULL, "S", NULL, NULL, "s" },
        { "C", "2", "1", "a", "integer", NULL, "N", NULL, NULL, "ns" },
        { "C", "1", "1", "id", "integer", NULL, "N", NULL, NULL, "ns" },
        { "C", "9", "1", "of no table", "integer", NULL, "N", NULL, NULL, "ns" },
        { "A", "1", "id", "0.5", "2", NULL, "h" }, /* this one counts: with what inherits */
        { "A", "1", "id", "0.1", "1", NULL, NULL },
        { "M", "2", "3", "NOT MASKED" },
        { "M", "2", "2", "of a column that went away" },
        { "M", "99", "1", "of no table" },
        { "K", "2", "fk", "f", "{1}", NULL, "1", "{1}" },
        { "K", "2", "gone", "f", "{2}", NULL, "1", "{1}" }, /* the column went away meanwhile */
        { "K", "2", "far", "f", "{3}", NULL, "77", "{4}" }, /* and this table */
        { "K", "2", "pk", "p", "{3,1}" },
        { "T", "2", "s", "b", "r", NULL, "5", "vr" },
        { "T", "1", "s", "a", "r", "first", NULL, "r" },
        { "T", "3", "s", "0", "r", NULL, NULL, "v" },
        { "S", "16.1", "160001", "[\"s\"]", "[\"s\",\"t\"]", "[\"s\"]" },
    };
    nl_err err = { .msg = "" };
    (void)state;
    nl_catalog *c = nl_catalog_from_cells(&rows[0][0], sizeof rows / sizeof *rows, &err);
    if (!c)
        fail_msg("%s", err.msg);
    const nl_table *b = find_table(c, NULL, "b");
    assert_null(nl_catalog_find(c, NULL, "a")); /* not visible */
    assert_string_equal(find_table(c, "s", "a")->reference, "s.a");
    assert_string_equal(join_names(nl_catalog_denied(c), 9), "s.\"0\"");
    assert_string_equal(join_names(nl_catalog_other_schemas(c), 9), "t");
    assert_int_equal(b->n_columns, 2);
    assert_string_equal(b->columns[0].name, "a");
    assert_int_equal(b->oid, 2);
    assert_int_equal(b->columns[1].number, 3);
    assert_string_equal(b->columns[1].label, "NOT MASKED");
    assert_null(b->columns[0].label);
    assert_string_equal(join_key(b, b->primary), "b, a");
    assert_int_equal(b->n_foreign, 1);
    assert_ptr_equal(b->foreign[0].referred, find_table(c, "s", "a"));
    assert_true(find_column(find_table(c, "s", "a"), "id")->null_fraction == 0.5);
    assert_true(nl_catalog_function_stable(c, "lower"));
    assert_false(nl_catalog_function_stable(c, "akeys"));
    nl_catalog_free(c);
}

static void refuses_rows_that_no_server_sends(void **state) {
    static const char *unknown[][CATALOG_CELLS] = { { "?" } };
    static const char *empty[][CATALOG_CELLS] = { { NULL } };
    static const char *bad_list[][CATALOG_CELLS] = { { "S", "16", "160000", "[\"s\"" } };
    nl_err err = { .msg = "" };
    (void)state;
    assert_null(nl_catalog_from_cells(&unknown[0][0], 1, &err));
    assert_int_equal(err.code, NL_INVALID);
    assert_null(nl_catalog_from_cells(&empty[0][0], 1, &err));
    assert_null(nl_catalog_from_cells(&empty[0][0], 0, &err));
    assert_null(nl_catalog_from_cells(&bad_list[0][0], 1, &err));
}

/* --- much of it ------------------------------------------------------------------------------- */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long peak_kb(void) {
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    }
    if (file)
        (void)fclose(file);
    return kb;
}

/* Prints time and memory; only what was read is judged. */
static void reads_two_thousand_tables(void **state) {
    enum { TABLES = 2000, COLUMNS = 20 };
    const char *url = test_db_url("big");
    size_t n, columns_read = 0, foreign_read = 0, analysed = 0;
    (void)state;
    for (int i = 0; i < 2; i++) { /* the server's caches are cold once */
        double start = seconds();
        nl_catalog *c = must_load(url, NULL);
        print_message("%d tables with %d columns each: %.2f s, at most %ld kB\n", TABLES, COLUMNS,
                      seconds() - start, peak_kb());
        const nl_table *all = nl_catalog_tables(c, &n);
        for (size_t t = 0; i == 0 && t < n; t++) {
            columns_read += all[t].n_columns;
            foreign_read += all[t].n_foreign;
            analysed += all[t].n_columns > 0 && all[t].columns[2].null_fraction >= 0;
        }
        nl_catalog_free(c);
    }
    assert_int_equal(n, TABLES);
    assert_int_equal(columns_read, TABLES * COLUMNS);
    assert_int_equal(foreign_read, TABLES - 1);
    assert_int_equal(analysed, TABLES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(does_not_wait_for_locks),
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(builds_from_rows_in_any_order),
        cmocka_unit_test(refuses_rows_that_no_server_sends),
        cmocka_unit_test(reads_two_thousand_tables),
    };
    return cmocka_run_group_tests(tests, catalog_setup, catalog_teardown);
}
