/* Memory that runs out at each allocation of engine/db and engine/sql: the catalog, scans and
 * correlations of a real database, a throw-away cluster, the parser of SQL. (What a query is about,
 * whether it is safe, and when two are the same: see test_sql_facts, which has every query of its
 * corpus fail in each place.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "db/catalog.h"
#include "db/catalog_choice.h"
#include "db/cluster.h"
#include "db/correlate.h"
#include "db/stats.h"
#include "sql/parse.h"
#include "test_catalog.h"
#include "test_db.h"
#include "test_memory.h"
#include "test_pg.h"

/* Each run asks a server: not every place is tried in the short form. libuv gives up without
 * memory, and where a connection is lost the pool has another. */
enum { SCAN = TEST_MEMORY_OWN | TEST_MEMORY_THREADS | TEST_MEMORY_OPTIONAL | TEST_MEMORY_DEAR };

static nl_catalog *catalog;
static nl_pg *pool;
static bool ended;

static bool wait_for_end(void) {
    bool came = test_loop_until(&ended, 20000);
    if (!came)
        fail_msg("it never ended");
    ended = false;
    return came;
}

/* --- the catalog ------------------------------------------------------------------------------ */

static nl_catalog *loaded;
static nl_err load_err;

static void on_catalog(void *ctx, nl_catalog *made, const nl_err *err) {
    (void)ctx;
    loaded = made;
    if (!made)
        load_err = *err;
    ended = true;
}

static bool a_catalog_is_loaded(nl_err *err) {
    static const char *const schemas[] = { "public", NULL };
    static const char *const include[] = { "c*", "p*", NULL };
    const nl_catalog_options options = { .schemas = schemas, .include = include };
    load_err = (nl_err){ .code = NL_OK };
    if (!nl_catalog_start(pool, &options, on_catalog, NULL, err))
        return false;
    wait_for_end();
    bool ok = loaded != NULL;
    if (!ok)
        *err = load_err;
    nl_catalog_free(loaded);
    loaded = NULL;
    return ok;
}

static bool a_schema_is_rendered(nl_err *err) {
    static const nl_render_format formats[] = { NL_RENDER_JSON, NL_RENDER_DDL, NL_RENDER_MARKDOWN };
    bool ok = true;
    for (int i = 0; i < 6 && ok; i++) {
        nl_render_options options = { .format = formats[i % 3], .max_tokens = i < 3 ? 0 : 60 };
        nl_buf out, cut;
        size_t tokens;
        nl_buf_init(&out);
        nl_buf_init(&cut);
        ok = nl_catalog_render(catalog, &options, &out, &cut, &tokens, err);
        nl_buf_release(&out);
        nl_buf_release(&cut);
    }
    return ok;
}

/* A key that the catalog did not have; the catalog is made for it, outside of what fails. */
static nl_catalog *related;

static bool a_key_is_added(nl_err *err) {
    static const char *const from[] = { "quantity", NULL };
    static const char *const to[] = { "customer_id", NULL };
    bool fresh = false;
    if (!related) { /* only ever added to once */
        related = test_catalog_load(test_db_url("shop"), NULL, err);
        if (!related)
            return false;
    }
    const nl_table *line = nl_catalog_find(related, NULL, "purchase_line");
    const nl_table *customer = nl_catalog_find(related, NULL, "customer");
    bool ok = nl_catalog_relate(related, line, from, customer, to, 1, &fresh, err);
    if (ok) {
        nl_catalog_free(related);
        related = NULL;
    }
    return ok;
}

/* --- scans ------------------------------------------------------------------------------------ */

static nl_err scan_err;
static bool scanned;

static void on_stats(void *ctx, nl_stats_result *result, const nl_err *err) {
    (void)ctx;
    scanned = result != NULL;
    if (!result)
        scan_err = *err;
    nl_stats_result_free(result);
    ended = true;
}

static const nl_table **all_tables(size_t *n) {
    static const nl_table *list[32];
    const nl_table *tables = nl_catalog_tables(catalog, n);
    assert_true(*n > 0 && *n <= 32);
    for (size_t i = 0; i < *n; i++)
        list[i] = &tables[i];
    return list;
}

static bool tables_are_scanned(const nl_stats_options *options, nl_err *err) {
    size_t n;
    const nl_table **tables = all_tables(&n);
    if (!nl_stats_start(test_loop(), pool, tables, n, options, on_stats, NULL, err))
        return false;
    wait_for_end();
    if (!scanned)
        *err = scan_err;
    return scanned;
}

static bool tables_are_scanned_exactly(nl_err *err) {
    const nl_stats_options options = { .common = true, .connections = 2 };
    return tables_are_scanned(&options, err);
}

static bool tables_are_sketched(nl_err *err) {
    const nl_stats_options options = { .sketch = 64, .common = true, .connections = 1 };
    return tables_are_scanned(&options, err);
}

static bool tuples_are_compared(nl_err *err) {
    static const uint16_t columns[] = { 0, 1 };
    const nl_table *from = nl_catalog_find(catalog, NULL, "purchase_line");
    const nl_table *to = nl_catalog_find(catalog, NULL, "purchase");
    const nl_stats_tuple tuple = {
        .from = from, .to = to, .columns = columns, .referred = columns, .n = 2
    };
    const nl_stats_options options = { .connections = 1 };
    if (!nl_stats_start_tuples(test_loop(), pool, &tuple, 1, &options, on_stats, NULL, err))
        return false;
    wait_for_end();
    if (!scanned)
        *err = scan_err;
    return scanned;
}

static void on_correlations(void *ctx, nl_correlate_result *result, const nl_err *err) {
    (void)ctx;
    scanned = result != NULL;
    if (!result)
        scan_err = *err;
    else
        nl_correlate_result_release(result);
    ended = true;
}

static bool a_table_is_correlated(nl_err *err) {
    const nl_correlate_options options = {
        .rows = 100,
        .full_rows = 1e6,
        .seed = 1,
        .max_columns = 20,
        .limits = { .max_categories = 50, .max_bins = 8, .max_error = 0.1, .max_bytes = 1 << 24 }
    };
    const nl_table *table = nl_catalog_find(catalog, NULL, "purchase_line");
    if (!nl_correlate_start(test_loop(), pool, table, &options, on_correlations, NULL, err))
        return false;
    wait_for_end();
    if (!scanned)
        *err = scan_err;
    return scanned;
}

/* --- the cluster ------------------------------------------------------------------------------ */

static bool a_cluster_starts(nl_err *err) {
    static const char *const settings[] = { "work_mem=1MB", NULL };
    static const char *const files[] = { SOURCE_DIR "/tests/data/shop.sql", NULL };
    const nl_cluster_options options = { .settings = settings,
                                         .database = "shop",
                                         .sql_files = files };
    char url[512];
    nl_cluster *cluster = nl_cluster_start(&options, err);
    bool ok = cluster && (nl_cluster_url(cluster, NULL, url, sizeof url) || nl_err_nomem(err));
    nl_cluster_stop(cluster);
    return ok;
}

/* --- SQL -------------------------------------------------------------------------------------- */

static bool queries_are_parsed(nl_err *err) {
    static const char *const queries[] = {
        "WITH a AS (SELECT 1 AS x) SELECT count(*) FILTER (WHERE x > 2) FROM a ORDER BY 1",
        ("SELECT c.name, sum(l.quantity) OVER (PARTITION BY c.id) FROM customer c JOIN LATERAL "
         "(SELECT * FROM purchase_line WHERE quantity IN (1, 2, 3)) l ON true"),
        "SELECT",
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        nl_sql *sql = nl_sql_parse(queries[i], strlen(queries[i]), err);
        if (!sql)
            return false;
        nl_sql_free(sql);
    }
    return true;
}

/* --- all -------------------------------------------------------------------------------------- */

static void each_allocation_may_fail(void **state) {
    static const test_scenario scenarios[] = {
        { "a catalog is loaded", a_catalog_is_loaded, SCAN },
        { "a schema is rendered", a_schema_is_rendered, 0 },
        { "a key is added", a_key_is_added, SCAN },
        { "tables are scanned", tables_are_scanned_exactly, SCAN },
        { "tables are sketched", tables_are_sketched, SCAN },
        { "tuples are compared", tuples_are_compared, SCAN },
        { "a table is correlated", a_table_is_correlated, SCAN },
        { "queries are parsed", queries_are_parsed, TEST_MEMORY_OWN },
        { "a cluster starts", a_cluster_starts, SCAN },
    };
    (void)state;
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}

static int set_up(void **state) {
    nl_err err = { .code = NL_OK };
    (void)state;
    nl_log_setup(NL_ERROR + 1, false);
    test_loop();
    pool = test_pg_open(test_db_url("shop"), 2);
    (void)test_pg_value(pool, "SELECT 1");
    catalog = test_catalog_load(test_db_url("shop"), NULL, &err);
    if (!catalog)
        print_error("%s\n", err.msg);
    return catalog ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    nl_catalog_free(related);
    nl_catalog_free(catalog);
    nl_pg_free(pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
