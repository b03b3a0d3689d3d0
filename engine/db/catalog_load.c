/* catalog_load.c: asks the server, and once more without expressions where a lock is in the way. */
#include <stdlib.h>
#include <string.h>

#include "data/json.h"
#include "db/catalog_priv.h"

#include "base/banned.h"

struct nl_catalog_load {
    nl_pg *pg;
    nl_pg_op *op;
    char *schemas; /* JSON array; NULL: the search path's */
    bool bare;     /* without expressions: they wait for locks */
    catalog_choice choice;
    nl_catalog_done done;
    void *ctx;
};

static void free_load(nl_catalog_load *load) {
    free(load->schemas);
    nl_catalog_choice_release(&load->choice);
    free(load);
}

static char *json_of(const char *const *names, nl_err *err) {
    nl_buf text;
    nl_json_writer w;
    nl_buf_init(&text);
    nl_json_writer_init(&w, &text);
    nl_json_open_array(&w);
    for (; *names; names++)
        nl_json_str(&w, *names);
    nl_json_close_array(&w);
    char *json = nl_json_writer_done(&w, err) ? nl_buf_detach(&text, NULL) : NULL;
    nl_buf_release(&text);
    return json;
}

static void on_rows(void *ctx, nl_pg_reply *reply);

static bool ask(nl_catalog_load *load, nl_err *err) {
    static const nl_pg_limits limits = {
        .statement_ms = 60000, .lock_ms = 1000, .max_rows = 10000000, .max_bytes = (size_t)1 << 30
    };
    const char *params[] = { load->schemas, load->bare ? "bare" : "all" };
    nl_buf query;
    nl_buf_init(&query);
    if (nl_catalog_query(&query))
        load->op = nl_pg_query(load->pg, query.data, params, 2, &limits, on_rows, load, err);
    else
        nl_err_nomem(err);
    nl_buf_release(&query);
    return load->op != NULL;
}

static void on_rows(void *ctx, nl_pg_reply *reply) {
    nl_catalog_load *load = ctx;
    nl_err err = reply->err;
    nl_catalog *catalog = NULL;
    load->op = NULL;
    if (strcmp(err.sqlstate, "55P03") == 0 && !load->bare) {
        /* a table is being altered: the server tells defaults and checks only when that is over */
        nl_pg_reply_release(reply);
        load->bare = true;
        if (ask(load, &err))
            return;
    } else {
        if (err.code != NL_OK && reply->stage != NL_PG_CONNECT)
            nl_err_prefix(&err, "cannot read the catalog: ");
        if (err.code == NL_OK && reply->rows.more)
            nl_err_set(&err, NL_LIMIT, "the catalog has more rows than can be read");
        if (err.code == NL_OK)
            catalog = nl_catalog_from_rows(&reply->rows, &load->choice, &err);
        nl_pg_reply_release(reply);
    }
    nl_catalog_done done = load->done;
    void *done_ctx = load->ctx;
    free_load(load);
    done(done_ctx, catalog, catalog ? NULL : &err);
}

nl_catalog_load *nl_catalog_start(nl_pg *pg, const nl_catalog_options *options,
                                  nl_catalog_done done, void *ctx, nl_err *err) {
    nl_catalog_load *load = calloc(1, sizeof *load);
    if (!load) {
        nl_err_nomem(err);
        return NULL;
    }
    load->pg = pg;
    load->done = done;
    load->ctx = ctx;
    bool ok =
        !options || nl_catalog_choice_read(&load->choice, options->include, options->exclude, err);
    if (ok && options && options->schemas && options->schemas[0]) {
        load->schemas = json_of(options->schemas, err);
        ok = load->schemas != NULL;
    }
    if (!ok || !ask(load, err)) {
        free_load(load);
        return NULL;
    }
    return load;
}

void nl_catalog_cancel(nl_catalog_load *load) {
    if (load->op)
        nl_pg_cancel(load->op);
    free_load(load);
}
