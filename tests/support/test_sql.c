#include "test_sql.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/loop.h"
#include "io/pg.h"
#include "test_db.h"

#include "base/banned.h"

static _Noreturn void give_up(const char *what, const nl_err *err) {
    (void)fprintf(stderr, "test sql: %s: %s\n", what, err->msg);
    exit(1);
}

struct wait {
    nl_loop *loop;
    nl_pg *pg;
    nl_catalog *catalog;
    nl_err err;
};

static void begin(struct wait *wait, const char *database) {
    nl_err err = { .code = NL_OK };
    *wait = (struct wait){ .loop = nl_loop_new(&err) };
    if (!wait->loop || !(wait->pg = nl_pg_new(wait->loop, test_db_url(database), NULL, &err)))
        give_up("cannot connect", &err);
}

static void end(struct wait *wait) {
    nl_pg_free(wait->pg);
    nl_loop_free(wait->loop);
}

static void on_catalog(void *ctx, nl_catalog *catalog, const nl_err *err) {
    struct wait *wait = ctx;
    wait->catalog = catalog;
    if (!catalog)
        wait->err = *err;
    nl_loop_stop(wait->loop);
}

nl_catalog *test_sql_catalog(const char *database, const char *const *schemas) {
    struct wait wait;
    nl_err err = { .code = NL_OK };
    nl_catalog_options options = { .schemas = schemas };
    begin(&wait, database);
    if (!nl_catalog_start(wait.pg, &options, on_catalog, &wait, &err))
        give_up("cannot read the catalog", &err);
    nl_loop_run(wait.loop);
    if (!wait.catalog)
        give_up("cannot read the catalog", &wait.err);
    end(&wait);
    return wait.catalog;
}

static void on_reply(void *ctx, nl_pg_reply *reply) {
    struct wait *wait = ctx;
    wait->err = reply->err;
    nl_pg_reply_release(reply);
    nl_loop_stop(wait->loop);
}

const char *test_sql_run(const char *database, const char *sql) {
    static nl_err result;
    static struct wait wait; /* one connection serves a whole test */
    static const char *of;
    static const nl_pg_limits limits = { .statement_ms = 10000, .max_rows = 100 };
    if (wait.loop && of != database) {
        end(&wait);
        wait.loop = NULL;
    }
    if (!sql)
        return NULL;
    if (!wait.loop)
        begin(&wait, database);
    of = database;
    if (!nl_pg_probe(wait.pg, sql, true, &limits, on_reply, &wait, &result))
        give_up("cannot run a query", &result);
    nl_loop_run(wait.loop);
    result = wait.err;
    return result.code == NL_OK ? NULL : result.msg;
}
