/* pg_pool.c: the pool: settings, the line of waiting operations, how many connections there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/pg_priv.h"

#include "base/banned.h"

enum { DEFAULT_SESSIONS = 8, DEFAULT_CONNECT_MS = 10000, AGAIN_MS = 500 };

/* --- settings ------------------------------------------------------------------------------- */

/* What a URL leaves out may come from the environment; a service's file stands between the two, so
 * where one is named libpq does it all by itself. */
static const char *from_environment(const PQconninfoOption *option, bool service) {
    static const char *const wanted[] = { "host", "hostaddr", "port", "user", "dbname" };
    for (size_t i = 0; !service && i < sizeof wanted / sizeof *wanted; i++) {
        if (strcmp(option->keyword, wanted[i]) == 0)
            return getenv(option->envvar);
    }
    return NULL;
}

static bool copy_settings(nl_pg *pg, const PQconninfoOption *options) {
    size_t n = 0;
    bool service = getenv("PGSERVICE") != NULL;
    for (const PQconninfoOption *o = options; o->keyword; o++, n++)
        service = service || (o->val && strcmp(o->keyword, "service") == 0);
    pg->keywords = calloc(n + 1, sizeof *pg->keywords);
    pg->values = calloc(n + 1, sizeof *pg->values);
    if (!pg->keywords || !pg->values)
        return false;
    n = 0;
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        const char *value = o->val ? o->val : from_environment(o, service);
        if (!value)
            continue;
        pg->keywords[n] = strdup(o->keyword);
        pg->values[n] = strdup(value);
        if (!pg->keywords[n] || !pg->values[n])
            return false;
        if (o->dispchar[0] == '*') /* a password */
            nl_log_secret(value);
        n++;
    }
    return true;
}

static bool read_settings(nl_pg *pg, const char *url, nl_err *err) {
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &why);
    if (!options) { /* libpq's reason may quote the string, password and all: not told */
        PQfreemem(why);
        return nl_err_set(err, NL_CONFIG,
                          "the database's URL cannot be read (expected "
                          "postgresql://user:password@host:5432/name)");
    }
    bool ok = copy_settings(pg, options);
    PQconninfoFree(options);
    if (!ok)
        nl_err_nomem(err);
    return ok;
}

const char *pg_setting(const nl_pg *pg, const char *keyword) {
    for (size_t i = 0; pg->keywords && pg->keywords[i]; i++) {
        if (strcmp(pg->keywords[i], keyword) == 0 && pg->values[i][0])
            return pg->values[i];
    }
    return NULL;
}

static bool make_name(nl_pg *pg, nl_err *err) {
    nl_buf name;
    const char *user = pg_setting(pg, "user"), *host = pg_setting(pg, "host");
    const char *port = pg_setting(pg, "port"), *database = pg_setting(pg, "dbname");
    if (!host)
        host = pg_setting(pg, "hostaddr");
    nl_buf_init(&name);
    nl_buf_str(&name, "postgresql://");
    if (user)
        nl_buf_printf(&name, "%s@", user);
    nl_buf_str(&name, host ? host : "");
    if (port)
        nl_buf_printf(&name, ":%s", port);
    if (database)
        nl_buf_printf(&name, "/%s", database);
    pg->name = nl_buf_detach(&name, NULL);
    return pg->name || nl_err_nomem(err);
}

nl_pg *nl_pg_new(nl_loop *loop, const char *url, const nl_pg_options *options, nl_err *err) {
    nl_pg *pg = calloc(1, sizeof *pg);
    if (!pg) {
        nl_err_nomem(err);
        return NULL;
    }
    pg->loop = loop;
    pg->sessions = options && options->sessions ? options->sessions : DEFAULT_SESSIONS;
    pg->allowed = pg->sessions;
    pg->connect_ms = options && options->connect_ms ? options->connect_ms : DEFAULT_CONNECT_MS;
    if (!read_settings(pg, url, err) || !make_name(pg, err)) {
        nl_pg_free(pg);
        return NULL;
    }
    return pg;
}

void nl_pg_free(nl_pg *pg) {
    if (!pg)
        return;
    pg->freed = true;
    while (pg->failed)
        nl_pg_cancel(pg->failed);
    while (pg->first)
        nl_pg_cancel(pg->first);
    while (pg->conns) {
        nl_pg_op *op = pg->conns->op;
        if (op)
            nl_pg_cancel(op); /* closes the connection too */
        else
            pg_conn_close(pg->conns);
    }
    nl_timer_stop(pg->again);
    for (size_t i = 0; pg->keywords && pg->keywords[i]; i++)
        free(pg->keywords[i]);
    for (size_t i = 0; pg->values && pg->values[i]; i++)
        free(pg->values[i]);
    free(pg->keywords);
    free(pg->values);
    free(pg->name);
    free(pg);
}

const char *nl_pg_name(const nl_pg *pg) {
    return pg->name;
}

void nl_pg_settings(const nl_pg *pg, const char *const **keywords, const char *const **values) {
    *keywords = (const char *const *)pg->keywords;
    *values = (const char *const *)pg->values;
}

void nl_pg_get_stats(const nl_pg *pg, nl_pg_stats *stats) {
    *stats = pg->stats;
    stats->open = pg->n_conns;
    for (const pg_conn *c = pg->conns; c; c = c->next)
        stats->busy += c->state == PG_BUSY;
    for (const nl_pg_op *op = pg->first; op; op = op->next)
        stats->waiting++;
}

/* --- the line ------------------------------------------------------------------------------- */

static void put_last(nl_pg *pg, nl_pg_op *op) {
    op->next = NULL;
    op->previous = pg->last;
    if (pg->last)
        pg->last->next = op;
    else
        pg->first = op;
    pg->last = op;
}

static void take_off(nl_pg *pg, nl_pg_op *op) {
    if (op->previous)
        op->previous->next = op->next;
    else if (op->failed)
        pg->failed = op->next;
    else
        pg->first = op->next;
    if (op->next)
        op->next->previous = op->previous;
    else if (!op->failed)
        pg->last = op->previous;
    op->next = op->previous = NULL;
}

void pg_requeue(nl_pg_op *op) {
    nl_pg *pg = op->pg;
    op->conn = NULL;
    op->previous = NULL;
    op->next = pg->first;
    if (pg->first)
        pg->first->previous = op;
    else
        pg->last = op;
    pg->first = op;
}

static pg_conn *idle_conn(nl_pg *pg) {
    for (pg_conn *c = pg->conns; c; c = c->next) {
        if (c->state == PG_IDLE)
            return c;
    }
    return NULL;
}

static size_t count_state(const nl_pg *pg, bool connected) {
    size_t n = 0;
    for (const pg_conn *c = pg->conns; c; c = c->next)
        n += connected ? c->state == PG_IDLE || c->state == PG_BUSY
                       : c->state == PG_RESOLVING || c->state == PG_CONNECTING;
    return n;
}

static size_t count_waiting(const nl_pg *pg, size_t enough) {
    size_t n = 0;
    for (const nl_pg_op *op = pg->first; op && n < enough; op = op->next)
        n++;
    return n;
}

static void fail_waiting(nl_pg *pg, const nl_err *err) {
    while (pg->first) {
        nl_pg_op *op = pg->first;
        take_off(pg, op);
        pg_op_fail(op, err);
    }
}

static void try_again(void *ctx) {
    nl_pg *pg = ctx;
    nl_timer_stop(pg->again);
    pg->again = NULL;
    if (pg->allowed < pg->sessions)
        pg->allowed++;
    pg_pump(pg);
}

static void try_later(nl_pg *pg) {
    if (!pg->again)
        pg->again = nl_timer_start(pg->loop, AGAIN_MS, 0, try_again, pg, NULL);
}

void pg_pump(nl_pg *pg) {
    pg_conn *conn;
    if (pg->freed)
        return;
    while (pg->first && (conn = idle_conn(pg)) != NULL) {
        nl_pg_op *op = pg->first;
        take_off(pg, op);
        pg_op_start(op, conn);
    }
    if (pg->again) /* the server is full or down: not before the timer */
        return;
    size_t opening = count_state(pg, false);
    size_t waiting = count_waiting(pg, pg->sessions + 1);
    while (waiting > opening && pg->n_conns < pg->allowed) {
        nl_err err;
        if (!pg_conn_open(pg, &err)) {
            if (pg->n_conns == 0)
                fail_waiting(pg, &err);
            return;
        }
        opening++;
    }
    if (waiting > opening && pg->allowed < pg->sessions)
        try_later(pg); /* there may be more room by now */
}

/* Those that wait fail only where there is no connection left that could serve them, none is still
 * being tried, and the trouble is not of the kind that passes, or lasts. */
void pg_connect_failed(nl_pg *pg, const nl_err *err, bool passing) {
    size_t alive = count_state(pg, true), trying = count_state(pg, false);
    uint64_t now = nl_loop_now(pg->loop);
    if (pg->freed)
        return;
    if (passing)
        pg->allowed = alive > 0 ? alive : 1; /* what the server lets us have */
    if (alive > 0) {
        pg->trouble_since = 0;
        try_later(pg);
        return;
    }
    if (pg->trouble_since == 0)
        pg->trouble_since = now > 0 ? now : 1;
    if (passing && now - pg->trouble_since < pg->connect_ms) {
        try_later(pg);
    } else if (trying == 0) {
        pg->trouble_since = 0;
        fail_waiting(pg, err);
    }
}

/* --- submitting ------------------------------------------------------------------------------ */

static nl_pg_op *new_op(nl_pg *pg, op_kind kind, const char *sql, const nl_pg_limits *limits,
                        nl_pg_done done, void *ctx) {
    nl_pg_op *op = calloc(1, sizeof *op);
    if (!op)
        return NULL;
    op->pg = pg;
    op->kind = kind;
    op->done = done;
    op->ctx = ctx;
    if (limits)
        op->limits = *limits;
    nl_buf_init(&op->reply.plan);
    op->sql = strdup(sql);
    if (!op->sql) {
        pg_op_free(op);
        return NULL;
    }
    return op;
}

static nl_pg_op *submit(nl_pg *pg, nl_pg_op *op) {
    put_last(pg, op);
    /* an idle connection starts it now; its completion still comes from the loop */
    pg_pump(pg);
    return op;
}

nl_pg_op *nl_pg_query(nl_pg *pg, const char *sql, const char *const *params, size_t n_params,
                      const nl_pg_limits *limits, nl_pg_done done, void *ctx, nl_err *err) {
    nl_pg_op *op = new_op(pg, OP_QUERY, sql, limits, done, ctx);
    if (!op)
        goto nomem;
    if (n_params > 0) {
        op->params = calloc(n_params, sizeof *op->params);
        if (!op->params)
            goto nomem;
        op->n_params = n_params;
        for (size_t i = 0; i < n_params; i++) {
            if (params[i] && !(op->params[i] = strdup(params[i])))
                goto nomem;
        }
    }
    pg->stats.queries++;
    return submit(pg, op);
nomem:
    pg_op_free(op);
    nl_err_nomem(err);
    return NULL;
}

nl_pg_op *nl_pg_stream(nl_pg *pg, const char *sql, const char *const *params, size_t n_params,
                       const nl_pg_limits *limits, nl_pg_row row, nl_pg_done done, void *ctx,
                       nl_err *err) {
    nl_pg_op *op = nl_pg_query(pg, sql, params, n_params, limits, done, ctx, err);
    if (op)
        op->row = row; /* nothing arrives before the loop's next turn */
    return op;
}

nl_pg_op *nl_pg_probe(nl_pg *pg, const char *sql, bool execute, const nl_pg_limits *limits,
                      nl_pg_done done, void *ctx, nl_err *err) {
    nl_pg_op *op = new_op(pg, OP_PROBE, sql, limits, done, ctx);
    if (!op) {
        nl_err_nomem(err);
        return NULL;
    }
    op->execute = execute;
    pg->stats.probes++;
    return submit(pg, op);
}

void nl_pg_cancel(nl_pg_op *op) {
    nl_pg *pg = op->pg;
    pg_conn *conn = op->conn;
    nl_loop_unpost(pg->loop, &op->task);
    if (conn && pg->freed) {
        pg_conn_cancel(conn);
        pg_conn_close(conn);
    } else if (conn) { /* what runs is cancelled at the server; the connection is not used again */
        pg_conn_abandon(conn);
    } else {
        take_off(pg, op);
    }
    pg_op_free(op);
    pg_pump(pg);
}
