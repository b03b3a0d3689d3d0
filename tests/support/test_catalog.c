#include "test_catalog.h"

#include "io/loop.h"
#include "io/pg.h"

#include "base/banned.h"

struct wait {
    nl_loop *loop;
    nl_catalog *catalog;
    nl_err *err;
};

static void on_catalog(void *ctx, nl_catalog *catalog, const nl_err *err) {
    struct wait *wait = ctx;
    wait->catalog = catalog;
    if (!catalog)
        *wait->err = *err;
    nl_loop_stop(wait->loop);
}

nl_catalog *test_catalog_load(const char *url, const char *const *schemas, nl_err *err) {
    const nl_catalog_options options = { .schemas = schemas };
    struct wait wait = { .loop = nl_loop_new(err), .err = err };
    nl_pg *pg = wait.loop ? nl_pg_new(wait.loop, url, NULL, err) : NULL;
    if (pg && nl_catalog_start(pg, &options, on_catalog, &wait, err))
        nl_loop_run(wait.loop);
    nl_pg_free(pg);
    nl_loop_free(wait.loop);
    return wait.catalog;
}
