/* pg_conn.c: one connection: connecting, idling, cancelling, closing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/pg_priv.h"

#include "base/banned.h"

static void connect_failed(pg_conn *conn, const nl_err *err, bool passing) {
    nl_pg *pg = conn->pg;
    pg_conn_close(conn);
    pg_connect_failed(pg, err, passing);
}

/* --- what went wrong ------------------------------------------------------------------------- */

/* With PQERRORS_VERBOSE the server's words are "FATAL:  53300: sorry, …\nLOCATION:  …": the only
 * way to a refused connection's sqlstate, which does not depend on the server's language. */
void pg_say(const PGconn *pq, char *text, size_t room, char *state) {
    const char *at = PQerrorMessage(pq);
    for (const char *next = at; (next = strstr(next, "failed: ")) != NULL;)
        at = next += strlen("failed: "); /* the last of several addresses */
    const char *code = strstr(at, ":  ");
    state[0] = '\0';
    if (code && code < at + strcspn(at, "\n") &&
        strspn(code + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && code[8] == ':') {
        memcpy(state, code + 3, 5);
        state[5] = '\0';
        at = code + 9;
    }
    at += strspn(at, " ");
    int n = (int)strcspn(at, "\n");
    (void)snprintf(text, room, "%.*s", n ? n : 23, n ? at : "the connection was lost");
}

/* No room now, or just starting. PgBouncer has no sqlstate of its own for that. */
static bool is_passing(const char *state, const char *said) {
    return strncmp(state, "53", 2) == 0 || strncmp(state, "57P", 3) == 0 ||
           strstr(said, "no more connections allowed");
}

static void refused(pg_conn *conn) {
    nl_err err;
    char said[300], state[6];
    pg_say(conn->pq, said, sizeof said, state);
    bool passing = is_passing(state, said);
    bool by_server =
        state[0] && !passing && strncmp(state, "08", 2) != 0 && strncmp(state, "57", 2) != 0;
    nl_err_set(&err, by_server ? NL_DB : NL_NET, "cannot connect to %s: %s", conn->pg->name, said);
    memcpy(err.sqlstate, state, sizeof err.sqlstate);
    /* one that served us before may just be restarting */
    connect_failed(conn, &err, passing || (!by_server && conn->pg->stats.connects > 0));
}

/* --- connecting ------------------------------------------------------------------------------ */

static void on_ready(void *ctx, int events);
static void dying_event(pg_conn *conn);

static bool watch(pg_conn *conn, nl_watch_fn fn, int events, nl_err *err) {
    nl_watch_free(conn->watch);
    conn->watch = nl_watch_new(conn->pg->loop, PQsocket(conn->pq), fn, conn, err);
    if (!conn->watch)
        return false;
    conn->watched = events;
    return nl_watch_set(conn->watch, events) || nl_err_set(err, NL_IO, "cannot watch a connection");
}

static void connected(pg_conn *conn) {
    nl_err err;
    nl_pg *pg = conn->pg;
    if (PQsetnonblocking(conn->pq, 1) != 0 || PQenterPipelineMode(conn->pq) != 1) {
        nl_err_set(&err, NL_NET, "cannot connect to %s: the server speaks too old a protocol",
                   pg->name);
        connect_failed(conn, &err, false);
        return;
    }
    PQsetErrorVerbosity(conn->pq, PQERRORS_DEFAULT);
    if (!watch(conn, on_ready, NL_READABLE, &err)) {
        connect_failed(conn, &err, false);
        return;
    }
    nl_timer_stop(conn->timer);
    conn->timer = NULL;
    conn->state = PG_IDLE;
    pg->trouble_since = 0;
    pg->stats.connects++;
    pg_pump(pg);
}

static void on_connecting(void *ctx, int events) {
    pg_conn *conn = ctx;
    nl_err err;
    (void)events;
    /* libpq may close the socket and open another: the watch must not outlive it */
    nl_watch_free(conn->watch);
    conn->watch = NULL;
    PostgresPollingStatusType status = PQconnectPoll(conn->pq);
    if (status == PGRES_POLLING_OK) {
        connected(conn);
    } else if (status == PGRES_POLLING_FAILED) {
        refused(conn);
    } else if (!watch(conn, on_connecting,
                      status == PGRES_POLLING_READING ? NL_READABLE : NL_WRITABLE, &err)) {
        connect_failed(conn, &err, false);
    }
}

/* The server's NOTICEs and WARNINGs are of no use to us, but for one; libpq would print them. */
static void on_notice(void *ctx, const PGresult *result) {
    pg_conn *conn = ctx;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state && strcmp(state, "25P01") == 0) /* no active transaction */
        conn->no_transaction = true;
}

/* `hosts`, `addresses`, `ports`: in place of the URL's; NULL for those. */
static void connect_now(pg_conn *conn, const char *hosts, const char *addresses,
                        const char *ports) {
    enum { MAX_SETTINGS = 64, OURS = 6 };
    const char *keywords[MAX_SETTINGS], *values[MAX_SETTINGS];
    const char *ours[OURS][2] = {
        { "host", hosts },
        { "hostaddr", addresses },
        { "port", ports && strspn(ports, ",") < strlen(ports) ? ports : NULL },
        { "fallback_application_name", "nlsql" },
        { "client_encoding", "UTF8" },
    };
    nl_pg *pg = conn->pg;
    nl_err err;
    size_t n = 0;

    for (size_t i = 0; pg->keywords[i] && n < MAX_SETTINGS - OURS - 1; i++, n++) {
        keywords[n] = pg->keywords[i];
        values[n] = pg->values[i];
    }
    for (size_t i = 0; i < OURS; i++) { /* the last of a name counts */
        if (!ours[i][1])
            continue;
        keywords[n] = ours[i][0];
        values[n++] = ours[i][1];
    }
    keywords[n] = values[n] = NULL;
    conn->state = PG_CONNECTING;
    conn->pq = PQconnectStartParams(keywords, values, 0);
    if (!conn->pq) {
        nl_err_nomem(&err);
        connect_failed(conn, &err, false);
        return;
    }
    PQsetErrorVerbosity(conn->pq, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(conn->pq, on_notice, conn);
    if (PQstatus(conn->pq) == CONNECTION_BAD)
        refused(conn);
    else if (!watch(conn, on_connecting, NL_WRITABLE, &err))
        connect_failed(conn, &err, false);
}

void pg_conn_resolved(pg_conn *conn, const char *hosts, const char *addresses, const char *ports,
                      const nl_err *err) {
    if (!err) {
        connect_now(conn, hosts, addresses, ports);
        return;
    }
    nl_err why = *err;
    nl_err_prefix(&why, "cannot connect to %s: ", conn->pg->name);
    connect_failed(conn, &why, false);
}

static void connect_expired(void *ctx) {
    pg_conn *conn = ctx;
    nl_err err;
    nl_err_set(&err, NL_NET, "cannot connect to %s: no answer within %.3g s", conn->pg->name,
               conn->pg->connect_ms / 1000.0);
    connect_failed(conn, &err, false);
}

static void start_connecting(void *ctx) {
    pg_conn *conn = ctx;
    nl_err err;
    nl_timer_stop(conn->timer);
    conn->timer =
        nl_timer_start(conn->pg->loop, conn->pg->connect_ms, 0, connect_expired, conn, &err);
    if (conn->timer)
        connect_now(conn, NULL, NULL, NULL);
    else
        connect_failed(conn, &err, false);
}

pg_conn *pg_conn_open(nl_pg *pg, nl_err *err) {
    bool names = pg_needs_resolving(pg);
    pg_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        nl_err_nomem(err);
        return NULL;
    }
    conn->pg = pg;
    conn->next = pg->conns;
    if (pg->conns)
        pg->conns->previous = conn;
    pg->conns = conn;
    pg->n_conns++;
    conn->state = PG_RESOLVING;
    /* without names on the next turn: a failure must not call back from here */
    conn->timer = nl_timer_start(pg->loop, names ? pg->connect_ms : 0, 0,
                                 names ? connect_expired : start_connecting, conn, err);
    if (!conn->timer || (names && !pg_resolve_start(conn, err))) {
        pg_conn_close(conn);
        return NULL;
    }
    return conn;
}

void pg_conn_close(pg_conn *conn) {
    nl_pg *pg = conn->pg;
    pg_resolve_forget(conn->resolve);
    nl_timer_stop(conn->timer);
    nl_watch_free(conn->watch);
    if (conn->pq)
        PQfinish(conn->pq);
    if (conn->previous)
        conn->previous->next = conn->next;
    else
        pg->conns = conn->next;
    if (conn->next)
        conn->next->previous = conn->previous;
    pg->n_conns--;
    free(conn);
}

/* --- connected ------------------------------------------------------------------------------- */

bool pg_conn_flush(pg_conn *conn) {
    int left = PQflush(conn->pq);
    if (left < 0)
        return false;
    int events = NL_READABLE | (left ? NL_WRITABLE : 0);
    if (events != conn->watched && !nl_watch_set(conn->watch, events))
        return false;
    conn->watched = events;
    return true;
}

/* Nothing should arrive on an idle connection but a notice, a changed setting, or its end. */
static void idle_event(pg_conn *conn) {
    nl_pg *pg = conn->pg;
    PGnotify *notify;
    if (PQconsumeInput(conn->pq) == 1 && PQisBusy(conn->pq) == 0 &&
        PQstatus(conn->pq) == CONNECTION_OK && PQtransactionStatus(conn->pq) == PQTRANS_IDLE) {
        while ((notify = PQnotifies(conn->pq)) != NULL)
            PQfreemem(notify);
        return;
    }
    pg->stats.retired++;
    pg_conn_close(conn);
    pg_pump(pg);
}

static void on_ready(void *ctx, int events) {
    pg_conn *conn = ctx;
    if (conn->state == PG_IDLE)
        idle_event(conn);
    else if (conn->state == PG_DYING)
        dying_event(conn);
    else if (events & NL_READABLE)
        pg_op_readable(conn->op);
    else if (!pg_conn_flush(conn))
        pg_op_lost(conn->op);
}

static void send_cancel(void *ctx) {
    char why[256];
    (void)PQcancel(ctx, why, sizeof why); /* where it fails the connection is closed anyway */
}

static void free_cancel(void *ctx) {
    PQfreeCancel(ctx);
}

void pg_conn_cancel(pg_conn *conn) {
    PGcancel *cancel = PQgetCancel(conn->pq);
    conn->cancels++;
    if (cancel && !nl_loop_work(conn->pg->loop, send_cancel, free_cancel, cancel, NULL))
        PQfreeCancel(cancel);
}

/* --- called off ------------------------------------------------------------------------------ */

static void retire(pg_conn *conn) {
    nl_pg *pg = conn->pg;
    pg->stats.retired++;
    pg_conn_close(conn);
    pg_pump(pg);
}

/* True once the statement is over, or the connection is, or there is more than we care to read. */
static bool drained(pg_conn *conn) {
    size_t taken;
    bool over = !pg_consume(conn->pq, &taken);
    conn->drained += taken;
    over = over || conn->drained > PG_DEFAULT_BYTES || !pg_conn_flush(conn);
    while (!over && PQisBusy(conn->pq) == 0) {
        PGresult *result = PQgetResult(conn->pq);
        ExecStatusType status = PQresultStatus(result); /* of NULL: a fatal error */
        over = result && (status == PGRES_FATAL_ERROR || status == PGRES_PIPELINE_SYNC);
        if (!result && ++conn->nothings > 16)
            over = true;
        PQclear(result);
    }
    return over;
}

static void dying_event(pg_conn *conn) {
    if (drained(conn))
        retire(conn);
}

static void cancel_again(void *ctx) {
    pg_conn *conn = ctx;
    if (conn->cancels < PG_CANCELS)
        pg_conn_cancel(conn);
    else
        retire(conn);
}

void pg_conn_abandon(pg_conn *conn) {
    nl_timer_stop(conn->timer);
    conn->timer = nl_timer_start(conn->pg->loop, PG_CANCEL_EVERY_MS, PG_CANCEL_EVERY_MS,
                                 cancel_again, conn, NULL);
    conn->op = NULL;
    conn->state = PG_DYING;
    conn->drained = 0;
    conn->nothings = 0;
    pg_conn_cancel(conn);
    if (!conn->timer)
        retire(conn);
}
