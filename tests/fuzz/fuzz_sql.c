/* SQL: text that a model wrote goes through parser, gate, facts and canonical form. Whatever the
 * text, none of them crashes; what the gate lets through is one SELECT; a query equals itself with
 * a comment behind it. The schema is that of tests/data/shop.sql, read once from a real server. */
#include <string.h>

#include "db/catalog.h"
#include "db/cluster.h"
#include "io/loop.h"
#include "io/pg.h"
#include "sql/canon.h"
#include "sql/facts.h"
#include "sql/gate.h"
#include "sql/parse.h"

#include "fuzz.h"

#include "base/banned.h"

static nl_catalog *catalog;
static nl_loop *loop;

static void on_catalog(void *ctx, nl_catalog *loaded, const nl_err *err) {
    (void)ctx;
    if (!loaded)
        (void)fprintf(stderr, "%s\n", err->msg);
    catalog = loaded;
    nl_loop_stop(loop);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const char *const files[] = { SOURCE_DIR "/tests/data/shop.sql", NULL };
    nl_cluster_options options = { 0 };
    nl_catalog_options all = { 0 };
    nl_pg_options few = { .sessions = 1 };
    nl_err err = { .code = NL_OK };
    char url[512];
    (void)argc;
    (void)argv;

    nl_cluster *cluster = nl_cluster_start(&options, &err);
    if (!cluster || !nl_cluster_create(cluster, "shop", files, &err))
        (void)fprintf(stderr, "%s\n", err.msg);
    MUST(cluster && err.code == NL_OK && nl_cluster_url(cluster, "shop", url, sizeof url));
    loop = nl_loop_new(&err);
    MUST(loop);
    nl_pg *pg = nl_pg_new(loop, url, &few, &err);
    MUST(pg && nl_catalog_start(pg, &all, on_catalog, NULL, &err));
    nl_loop_run(loop);
    nl_pg_free(pg);
    nl_loop_free(loop);
    nl_cluster_stop(cluster);
    MUST(catalog);
    return 0;
}

static void check_comment(const nl_sql *sql, const nl_sql_keys *keys) {
    nl_buf text;
    nl_err err = { .code = NL_OK };
    nl_sql_keys again;
    nl_buf_init(&text);
    MUST(nl_buf_printf(&text, "%s\n /* ; */ ;", nl_sql_text(sql)));
    if (text.size <= NL_SQL_MAX_BYTES) {
        nl_sql *other = nl_sql_parse(text.data, text.size, &err);
        MUST(other && nl_sql_canon(other, &again, &err));
        MUST(memcmp(&again.exact, &keys->exact, sizeof again.exact) == 0);
        MUST(memcmp(&again.masked, &keys->masked, sizeof again.masked) == 0);
        nl_sql_free(other);
    }
    nl_buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    nl_err err = { .code = NL_OK };
    nl_sql *sql = nl_sql_parse((const char *)data, size, &err);
    if (!sql) {
        MUST(err.code != NL_OK && err.msg[0] != '\0');
        return 0;
    }
    MUST(size <= NL_SQL_MAX_BYTES);
    const nl_json_node *statement = nl_sql_statement(sql);
    MUST(statement && statement->child && statement->child->key);

    if (nl_sql_safe(sql, catalog, NULL, &err))
        MUST(strcmp(statement->child->key, "SelectStmt") == 0);
    else
        MUST(err.code != NL_OK && err.msg[0] != '\0');

    nl_sql_facts *facts = nl_sql_facts_of(sql, catalog, NULL, 0, &err);
    if (facts) {
        for (size_t i = 0; i < facts->n_columns; i++)
            MUST(facts->columns[i].table && facts->columns[i].column);
        for (size_t i = 0; i < facts->n_unknown; i++)
            MUST(facts->unknown[i][0] != '\0');
    }
    nl_sql_facts_free(facts);

    nl_sql_keys keys;
    if (nl_sql_canon(sql, &keys, &err))
        check_comment(sql, &keys);
    nl_sql_free(sql);
    return 0;
}
