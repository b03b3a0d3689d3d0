/* bench_sql: what the gates before the database cost: parse, safe, facts and keys of one query,
 * beside a bare pg_query_parse of the same text. From the repository's root:
 * prints one line of JSON, microseconds a query and the ratio of all to the bare parser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pg_query.h>

#include "db/catalog.h"
#include "db/cluster.h"
#include "io/loop.h"
#include "io/pg.h"
#include "sql/canon.h"
#include "sql/facts.h"
#include "sql/gate.h"
#include "sql/parse.h"

#include "../c/sql_harmless.h"

#include "base/banned.h"

enum { ROUNDS = 200, BARE = 0, PARSE, SAFE, FACTS, KEYS, FREE, STEPS };

static nl_loop *loop;
static nl_catalog *catalog;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void on_catalog(void *ctx, nl_catalog *loaded, const nl_err *err) {
    (void)ctx;
    if (!loaded)
        (void)fprintf(stderr, "%s\n", err->msg);
    catalog = loaded;
    nl_loop_stop(loop);
}

static bool load(nl_err *err) {
    static const char *const files[] = { "tests/data/sql_shop.sql", NULL };
    static const char *const schemas[] = { "public", "Sales", NULL };
    nl_catalog_options options = { .schemas = schemas };
    char url[512];
    nl_pg *pg = NULL;
    nl_cluster *cluster = nl_cluster_start(NULL, err);
    loop = nl_loop_new(err);
    if (cluster && loop && nl_cluster_create(cluster, "shop", files, err) &&
        nl_cluster_url(cluster, "shop", url, sizeof url))
        pg = nl_pg_new(loop, url, NULL, err);
    if (pg && nl_catalog_start(pg, &options, on_catalog, NULL, err))
        nl_loop_run(loop);
    nl_pg_free(pg);
    nl_loop_free(loop);
    nl_cluster_stop(cluster);
    return catalog != NULL;
}

static void one(const char *text, double spent[STEPS]) {
    nl_err err = { .code = NL_OK };
    nl_sql_keys keys;
    double at[STEPS + 1];
    at[0] = now();
    pg_query_free_parse_result(pg_query_parse(text));
    at[1] = now();
    nl_sql *sql = nl_sql_parse(text, strlen(text), &err);
    at[2] = now();
    if (!sql || !nl_sql_safe(sql, catalog, NULL, &err)) {
        (void)fprintf(stderr, "%s: %s\n", text, err.msg);
        exit(1);
    }
    at[3] = now();
    nl_sql_facts *facts = nl_sql_facts_of(sql, catalog, NULL, 0, &err);
    at[4] = now();
    (void)nl_sql_canon(sql, &keys, &err);
    at[5] = now();
    nl_sql_facts_free(facts);
    nl_sql_free(sql);
    at[6] = now();
    for (int i = 0; i < STEPS; i++)
        spent[i] += at[i + 1] - at[i];
}

int main(void) {
    nl_err err = { .code = NL_OK };
    double spent[STEPS] = { 0 }, all = 0, n = (double)ROUNDS * N_HARMLESS;
    if (!load(&err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    for (size_t i = 0; i < N_HARMLESS; i++) /* warm */
        one(harmless[i], spent);
    memset(spent, 0, sizeof spent);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < N_HARMLESS; i++)
            one(harmless[i], spent);
    }
    for (int i = PARSE; i < STEPS; i++)
        all += spent[i];
    printf(
        "{\"bare_us\":%.1f,\"parse_us\":%.1f,\"safe_us\":%.1f,\"facts_us\":%.1f,\"keys_us\":%.1f,"
        "\"free_us\":%.1f,\"ratio\":%.2f}\n",
        spent[BARE] / n, spent[PARSE] / n, spent[SAFE] / n, spent[FACTS] / n, spent[KEYS] / n,
        spent[FREE] / n, all / spent[BARE]);
    nl_catalog_free(catalog);
    return 0;
}
