#include "db/correlate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/correlate_priv.h"

#include "base/banned.h"

/* Rows that a page sample is asked for, for each that is kept: pages are not evenly filled. */
enum { SAMPLE_FACTOR = 3 };

struct nl_correlation {
    nl_loop *loop;
    nl_pg *pg;
    nl_pg_op *op; /* while the rows come */
    nl_task task; /* where there is nothing to ask */
    correlate_query query;
    nl_correlate_options options;
    nl_row_sample sample;
    nl_correlate_result result;
    nl_err err;        /* of the arithmetic */
    atomic_bool stop;  /* for the arithmetic */
    bool working;      /* it is under way */
    bool cancelled;    /* nobody wants to know */
    double page_share; /* of the rows that the page sample holds; 0: none is taken */
    double estimate;   /* of the table's rows */
    nl_correlate_done done;
    void *ctx;
};

void nl_correlate_result_release(nl_correlate_result *result) {
    nl_correlations_release(&result->found);
    free(result->names);
    free(result->read);
    nl_arena_release(&result->arena);
    *result = (nl_correlate_result){ 0 };
}

static void free_correlation(nl_correlation *c) {
    nl_row_sample_release(&c->sample);
    correlate_query_release(&c->query);
    nl_correlate_result_release(&c->result);
    free(c);
}

void nl_correlate_cancel(nl_correlation *c) {
    nl_loop_unpost(c->loop, &c->task);
    if (c->op)
        nl_pg_cancel(c->op);
    c->op = NULL;
    c->cancelled = true;
    atomic_store(&c->stop, true);
    if (!c->working)
        free_correlation(c);
}

static void fail(nl_correlation *c, const nl_err *err) {
    nl_correlate_done done = c->done;
    void *ctx = c->ctx;
    nl_err why = *err;
    free_correlation(c);
    done(ctx, NULL, &why);
}

/* --- the arithmetic -------------------------------------------------------------------------- */

/* In the worker pool. */
static void measure(void *ctx) {
    nl_correlation *c = ctx;
    c->err.code = NL_OK;
    nl_correlate(&c->sample, c->query.measures, &c->options.limits, &c->stop, &c->result.found,
                 &c->err);
}

static void finish(void *ctx) {
    nl_correlation *c = ctx;
    c->working = false;
    if (c->cancelled) {
        free_correlation(c);
        return;
    }
    if (c->err.code == NL_OK && !correlate_explain(&c->result, &c->options, &c->sample))
        nl_err_nomem(&c->err);
    if (c->err.code != NL_OK) {
        fail(c, &c->err);
        return;
    }
    nl_correlate_result result = c->result;
    nl_correlate_done done = c->done;
    void *done_ctx = c->ctx;
    c->result = (nl_correlate_result){ 0 };
    free_correlation(c);
    done(done_ctx, &result, NULL);
}

static void start_measuring(nl_correlation *c) {
    nl_err err;
    c->result.rows = c->sample.n_rows;
    c->result.total = c->page_share > 0 ? c->estimate : (double)c->sample.reservoir.seen;
    if (c->result.total < (double)c->result.rows) /* the estimate was too low */
        c->result.total = (double)c->result.rows;
    c->working = nl_loop_work(c->loop, measure, finish, c, &err);
    if (!c->working)
        fail(c, &err);
}

/* --- the rows -------------------------------------------------------------------------------- */

static bool take_row(void *ctx, const char *const *cells, const uint32_t *sizes, size_t n,
                     nl_err *err) {
    nl_correlation *c = ctx;
    (void)n; /* as many as were asked for */
    return nl_row_sample_offer(&c->sample, cells, sizes, err);
}

static bool ask(nl_correlation *c, nl_err *err);

/* A table with far fewer rows than it was estimated to have: a page sample of it says little. */
static bool ask_for_all(nl_correlation *c, nl_err *err) {
    c->page_share = 0;
    nl_row_sample_release(&c->sample);
    return ask(c, err);
}

static void take_reply(void *ctx, nl_pg_reply *reply) {
    nl_correlation *c = ctx;
    nl_err err = reply->err;
    c->op = NULL;
    nl_pg_reply_release(reply);
    if (err.code == NL_OK && c->page_share > 0 && c->sample.n_rows < c->options.rows) {
        if (!ask_for_all(c, &err))
            fail(c, &err);
        return;
    }
    if (err.code == NL_OK) {
        start_measuring(c);
        return;
    }
    nl_err_prefix(&err, "cannot read %s: ", c->query.reference);
    fail(c, &err);
}

static void without_rows(void *ctx) {
    start_measuring(ctx);
}

/* One more statement; a correlation without columns has none to ask for. */
static bool ask(nl_correlation *c, nl_err *err) {
    nl_buf sql;
    if (!nl_row_sample_init(&c->sample, c->options.rows, c->options.seed, c->query.n,
                            c->query.narrow, NL_CORRELATE_WIDTH, c->options.limits.max_bytes, err))
        return false;
    if (c->query.n == 0) {
        c->task = (nl_task){ .fn = without_rows, .ctx = c };
        nl_loop_post(c->loop, &c->task);
        return true;
    }
    nl_buf_init(&sql);
    nl_buf_printf(&sql, "SELECT %s FROM %s", c->query.list.data, c->query.reference);
    if (c->page_share > 0)
        nl_buf_printf(&sql, " TABLESAMPLE SYSTEM (%.9g) REPEATABLE (%u)", 100 * c->page_share,
                      (unsigned)c->options.seed);
    if (sql.failed)
        nl_err_nomem(err);
    else
        c->op =
            nl_pg_stream(c->pg, sql.data, NULL, 0, &c->options.query, take_row, take_reply, c, err);
    nl_buf_release(&sql);
    return c->op != NULL;
}

/* 0: the table is read whole. */
static double share_to_sample(const nl_table *table, const nl_correlate_options *options) {
    double wanted = (double)options->rows * SAMPLE_FACTOR;
    bool can = table->kind == 'r' || table->kind == 'p' || table->kind == 'm';
    if (!can || !(table->rows > options->full_rows) || wanted >= table->rows)
        return 0;
    return wanted / table->rows;
}

nl_correlation *nl_correlate_start(nl_loop *loop, nl_pg *pg, const nl_table *table,
                                   const nl_correlate_options *options, nl_correlate_done done,
                                   void *ctx, nl_err *err) {
    nl_correlation *c = calloc(1, sizeof *c);
    if (!c) {
        nl_err_nomem(err);
        return NULL;
    }
    c->loop = loop;
    c->pg = pg;
    c->options = *options;
    c->done = done;
    c->ctx = ctx;
    c->page_share = share_to_sample(table, options);
    c->estimate = table->rows;
    atomic_init(&c->stop, false);
    bool ok = correlate_query_build(&c->query, &c->result, table, options, err) && ask(c, err);
    c->options.columns = NULL; /* the caller's */
    if (!ok) {
        free_correlation(c);
        return NULL;
    }
    return c;
}
