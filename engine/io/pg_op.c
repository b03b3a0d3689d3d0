/* pg_op.c: what runs on a connection: the pipelines of nl_pg_query and nl_pg_probe.
 *
 * Trip 1 of a probe:  BEGIN READ ONLY; SELECT set_config(…); EXPLAIN … DECLARE …; sync
 * Trip 2:             DECLARE …; FETCH …; sync; ROLLBACK; sync
 * Trip 3 (instead):   ROLLBACK; sync
 * A query is one trip: BEGIN READ ONLY; SELECT set_config(…); the statement; sync; ROLLBACK; sync.
 * ROLLBACK stands behind a sync of its own since an error skips the rest of a pipeline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "data/json.h"
#include "io/pg_priv.h"

#include "base/banned.h"

enum {
    DEFAULT_STATEMENT_MS = 10000,
    DEFAULT_LOCK_MS = 1000,
    DEFAULT_ROWS = 1000,
    DEFAULT_BYTES = 16 << 20,
    PATIENCE_MS = 5000, /* the client's deadline lies so far behind the server's */
    CANCEL_MS = 2000,   /* from the cancel to closing the connection */
    SLACK_BYTES = 65536 /* of messages beside the rows themselves */
};

#define EXPLAIN_PREFIX "EXPLAIN (FORMAT JSON) DECLARE nlsql NO SCROLL CURSOR FOR "
#define DECLARE_PREFIX "DECLARE nlsql NO SCROLL CURSOR FOR "

double pg_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static uint32_t statement_ms(const nl_pg_op *op) {
    return op->limits.statement_ms ? op->limits.statement_ms : DEFAULT_STATEMENT_MS;
}

static size_t max_rows(const nl_pg_op *op) {
    return op->limits.max_rows ? op->limits.max_rows : DEFAULT_ROWS;
}

/* --- the end of an operation ------------------------------------------------------------------ */

void pg_op_free(nl_pg_op *op) {
    if (!op)
        return;
    nl_pg_reply_release(&op->reply);
    for (size_t i = 0; i < op->n_params; i++)
        free(op->params[i]);
    free(op->params);
    free(op->sql);
    free(op);
}

void nl_pg_reply_release(nl_pg_reply *reply) {
    PQclear(reply->rows.owner);
    free(reply->rows.arrays);
    reply->rows = (nl_pg_rows){ 0 };
    nl_buf_release(&reply->plan);
}

/* The reply becomes the callee's. */
static void deliver(nl_pg_op *op) {
    nl_pg_reply reply = op->reply;
    nl_pg_done done = op->done;
    void *ctx = op->ctx;
    op->reply = (nl_pg_reply){ 0 };
    nl_buf_init(&op->reply.plan);
    pg_op_free(op);
    done(ctx, &reply);
}

static void deliver_task(void *ctx) {
    deliver(ctx);
}

void pg_op_fail(nl_pg_op *op, const nl_err *err) {
    op->reply.stage = NL_PG_CONNECT;
    op->reply.err = *err;
    op->deliver = (nl_task){ .fn = deliver_task, .ctx = op };
    nl_loop_post(op->pg->loop, &op->deliver);
}

/* Takes the operation off its connection, which is idle again or, where it is not fit, closed. */
static void leave_conn(nl_pg_op *op, bool fit) {
    pg_conn *conn = op->conn;
    nl_pg *pg = op->pg;
    nl_timer_stop(conn->timer);
    conn->timer = NULL;
    conn->op = NULL;
    op->conn = NULL;
    if (fit && PQtransactionStatus(conn->pq) == PQTRANS_IDLE && !conn->cancelled) {
        conn->state = PG_IDLE;
        conn->reused = true;
        if (!pg_conn_flush(conn))
            fit = false;
    } else {
        fit = false;
    }
    if (!fit) {
        pg->stats.retired++;
        pg_conn_close(conn);
    }
}

static void finish(nl_pg_op *op, bool fit) {
    nl_pg *pg = op->pg;
    leave_conn(op, fit);
    deliver(op);
    pg_pump(pg);
}

static void set_stage_err(nl_pg_op *op, nl_pg_stage stage, nl_code code, const char *what) {
    if (op->reply.err.code == NL_OK) {
        op->reply.stage = stage;
        nl_err_set(&op->reply.err, code, "%s", what);
    }
}

/* The connection broke. Where it had served before and nothing came for this operation, it was
 * dead before: another serves, once. */
static void lost(nl_pg_op *op) {
    nl_pg *pg = op->pg;
    pg_conn *conn = op->conn;
    char said[300], what[400];
    if (conn->reused && op->received == 0 && !op->retried) {
        op->retried = true;
        leave_conn(op, false);
        pg_requeue(op);
        pg_pump(pg);
        return;
    }
    pg_say(conn->pq, said, sizeof said);
    (void)snprintf(what, sizeof what, "lost the connection to %s: %s", pg->name, said);
    set_stage_err(op, NL_PG_CONNECT, NL_NET, what);
    finish(op, false);
}

void pg_op_expired(nl_pg_op *op) {
    pg_conn *conn = op->conn;
    if (!conn->cancelled) {
        conn->cancelled = true;
        set_stage_err(op, op->trip == 1 && op->kind == OP_PROBE ? NL_PG_EXPLAIN : NL_PG_EXECUTE,
                      NL_TIMEOUT, "no answer before the client's deadline; cancelled");
        pg_conn_cancel(conn);
        nl_timer_again(conn->timer, CANCEL_MS);
        return;
    }
    finish(op, false);
}

static void on_deadline(void *ctx) {
    pg_conn *conn = ctx;
    pg_op_expired(conn->op);
}

/* --- sending ---------------------------------------------------------------------------------- */

static bool send(const pg_conn *conn, const char *sql) {
    return PQsendQueryParams(conn->pq, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_with(const pg_conn *conn, const char *prefix, const char *sql) {
    nl_buf text;
    nl_buf_init(&text);
    bool ok = nl_buf_str(&text, prefix) && nl_buf_str(&text, sql) && send(conn, text.data);
    nl_buf_release(&text);
    return ok;
}

/* Transaction-local settings; being a query it also pins the transaction to READ ONLY. */
static bool send_settings(const nl_pg_op *op) {
    static const char old[] = "SELECT set_config('statement_timeout', $1, true), "
                              "set_config('lock_timeout', $2, true), "
                              "set_config('idle_in_transaction_session_timeout', $3, true)";
    static const char newer[] = "SELECT set_config('statement_timeout', $1, true), "
                                "set_config('lock_timeout', $2, true), "
                                "set_config('idle_in_transaction_session_timeout', $3, true), "
                                "set_config('client_connection_check_interval', '2s', true)";
    char statement[16], lock[16], idle[16];
    const char *values[] = { statement, lock, idle };
    uint32_t lock_ms = op->limits.lock_ms ? op->limits.lock_ms : DEFAULT_LOCK_MS;
    (void)snprintf(statement, sizeof statement, "%u", statement_ms(op));
    (void)snprintf(lock, sizeof lock, "%u", lock_ms);
    (void)snprintf(idle, sizeof idle, "%u", statement_ms(op) + 60000);
    const char *sql = PQserverVersion(op->conn->pq) >= 140000 ? newer : old;
    return PQsendQueryParams(op->conn->pq, sql, 3, NULL, values, NULL, NULL, 0) == 1;
}

static bool send_first_trip(nl_pg_op *op) {
    pg_conn *conn = op->conn;
    if (!send(conn, "BEGIN READ ONLY") || !send_settings(op))
        return false;
    if (op->kind == OP_PROBE)
        return send_with(conn, EXPLAIN_PREFIX, op->sql) && PQpipelineSync(conn->pq) == 1;
    return PQsendQueryParams(conn->pq, op->sql, (int)op->n_params, NULL,
                             (const char *const *)op->params, NULL, NULL, 0) == 1 &&
           PQpipelineSync(conn->pq) == 1 && send(conn, "ROLLBACK") && PQpipelineSync(conn->pq) == 1;
}

static bool send_second_trip(nl_pg_op *op) {
    pg_conn *conn = op->conn;
    char fetch[64];
    (void)snprintf(fetch, sizeof fetch, "FETCH FORWARD %zu FROM nlsql", max_rows(op) + 1);
    return send_with(conn, DECLARE_PREFIX, op->sql) && send(conn, fetch) &&
           PQpipelineSync(conn->pq) == 1 && send(conn, "ROLLBACK") && PQpipelineSync(conn->pq) == 1;
}

void pg_op_start(nl_pg_op *op, pg_conn *conn) {
    uint32_t deadline =
        op->limits.deadline_ms ? op->limits.deadline_ms : statement_ms(op) + PATIENCE_MS;
    op->conn = conn;
    op->trip = 1;
    op->step = 0;
    op->received = 0;
    op->sent_at = pg_now_ms();
    conn->op = op;
    conn->state = PG_BUSY;
    conn->cancelled = false;
    conn->timer = nl_timer_start(op->pg->loop, deadline, 0, on_deadline, conn, NULL);
    if (!conn->timer || !send_first_trip(op) || !pg_conn_flush(conn)) {
        /* found here, told from the loop: the watch fires on a broken socket */
        nl_watch_set(conn->watch, NL_READABLE | NL_WRITABLE);
    }
}

/* --- receiving -------------------------------------------------------------------------------- */

static void copy_field(char *to, size_t room, const char *from) {
    if (snprintf(to, room, "%s", from ? from : "") < 0)
        to[0] = '\0';
}

static bool lost_by_server(const char *state) {
    return strncmp(state, "08", 2) == 0 || strcmp(state, "57P01") == 0 ||
           strcmp(state, "57P02") == 0 || strcmp(state, "57P03") == 0 ||
           strcmp(state, "57P05") == 0 || strcmp(state, "25P03") == 0;
}

static nl_pg_stage stage_now(const nl_pg_op *op) {
    if (op->kind == OP_PROBE && op->trip == 1)
        return op->step <= 1 ? NL_PG_CONNECT : NL_PG_EXPLAIN;
    return NL_PG_EXECUTE;
}

/* Characters that we put before the user's text in the statement that failed. */
static unsigned prefix_length(const nl_pg_op *op) {
    if (op->kind != OP_PROBE)
        return 0;
    return op->trip == 1 ? sizeof EXPLAIN_PREFIX - 1 : sizeof DECLARE_PREFIX - 1;
}

static void take_error(nl_pg_op *op, const PGresult *result) {
    nl_pg_reply *reply = &op->reply;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (reply->err.code != NL_OK)
        return;
    reply->stage = stage_now(op);
    nl_code code = NL_DB;
    if (state && strcmp(state, "57014") == 0)
        code = NL_TIMEOUT;
    else if (!state || lost_by_server(state))
        code = NL_NET;
    if (code == NL_NET)
        reply->stage = NL_PG_CONNECT;
    nl_err_set(&reply->err, code, "%s", message ? message : "the server ended the connection");
    copy_field(reply->err.sqlstate, sizeof reply->err.sqlstate, state);
    copy_field(reply->detail, sizeof reply->detail,
               PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    copy_field(reply->hint, sizeof reply->hint, PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    if (position) {
        unsigned long at = strtoul(position, NULL, 10);
        reply->position = at > prefix_length(op) ? (unsigned)at - prefix_length(op) : 0;
    }
}

static void take_plan(nl_pg_op *op, const PGresult *result) {
    nl_pg_reply *reply = &op->reply;
    for (int i = 0; i < PQntuples(result); i++)
        nl_buf_str(&reply->plan, PQgetvalue(result, i, 0));
    nl_json *json = nl_json_read(reply->plan.data, reply->plan.size, 0, NULL);
    const nl_json_node *root = json ? nl_json_root(json) : NULL;
    const nl_json_node *plan =
        root && root->type == NL_JSON_ARRAY ? nl_json_get(root->child, "Plan") : NULL;
    reply->cost = nl_json_get_num(plan, "Total Cost", -1);
    reply->plan_rows = nl_json_get_num(plan, "Plan Rows", -1);
    nl_json_free(json);
}

/* Cuts a value at a character's edge, in place: the result is ours. */
static int cut_field(char *value, int size, size_t most) {
    if (most == 0 || (size_t)size <= most)
        return size;
    size_t n = most;
    while (n > 0 && ((unsigned char)value[n] & 0xC0) == 0x80)
        n--;
    value[n] = '\0';
    return (int)n;
}

/* Lays arrays over the result, which the reply owns from here. */
static bool take_rows(nl_pg_op *op, PGresult *result) {
    nl_pg_rows *rows = &op->reply.rows;
    size_t columns = (size_t)PQnfields(result), n = (size_t)PQntuples(result);
    size_t most = op->kind == OP_PROBE || op->limits.max_rows ? max_rows(op) : n;
    rows->more = n > most;
    n = n > most ? most : n;
    size_t cells = columns * n;
    char *block = malloc((columns + cells) * (sizeof(char *) + sizeof(uint32_t)) + 1);
    if (!block) {
        nl_err_nomem(&op->reply.err);
        op->reply.stage = NL_PG_EXECUTE;
        PQclear(result);
        return false;
    }
    rows->owner = result;
    rows->arrays = block;
    rows->columns = columns;
    rows->rows = n;
    rows->names = (const char **)(void *)block;
    rows->cells = rows->names + columns;
    rows->types = (uint32_t *)(void *)(rows->cells + cells);
    rows->sizes = rows->types + columns;
    for (size_t c = 0; c < columns; c++) {
        rows->names[c] = PQfname(result, (int)c);
        rows->types[c] = PQftype(result, (int)c);
    }
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < columns; c++) {
            bool null = PQgetisnull(result, (int)r, (int)c) == 1;
            char *value = null ? NULL : PQgetvalue(result, (int)r, (int)c);
            int size = null ? 0 : PQgetlength(result, (int)r, (int)c);
            rows->bytes += (size_t)size;
            rows->cells[r * columns + c] = value;
            rows->sizes[r * columns + c] =
                null ? 0 : (uint32_t)cut_field(value, size, op->limits.max_field);
        }
    }
    return true;
}

/* Which step of the present trip brings the rows that the caller wants? */
static bool brings_rows(const nl_pg_op *op) {
    return (op->kind == OP_QUERY && op->step == 2) ||
           (op->kind == OP_PROBE && op->trip == 2 && op->step == 1);
}

/* One result of a statement; it is freed or kept. */
static void take_result(nl_pg_op *op, PGresult *result) {
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        if (op->kind == OP_PROBE && op->trip == 1 && op->step == 2) {
            take_plan(op, result);
        } else if (brings_rows(op) && !op->reply.rows.owner) {
            take_rows(op, result);
            return;
        }
        break;
    case PGRES_COMMAND_OK:
    case PGRES_PIPELINE_ABORTED:
        break;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
        take_error(op, result);
        break;
    default: /* COPY and the like cannot come through a cursor */
        set_stage_err(op, stage_now(op), NL_DB, "an unexpected kind of result");
        break;
    }
    PQclear(result);
}

static bool send_rollback(nl_pg_op *op) {
    op->trip = 3;
    return send(op->conn, "ROLLBACK") && PQpipelineSync(op->conn->pq) == 1;
}

/* The plan is there, or why it is not. False: the connection is lost. */
static bool after_first_trip(nl_pg_op *op) {
    nl_pg_reply *reply = &op->reply;
    double now = pg_now_ms();
    bool sent;
    reply->explain_ms = now - op->sent_at;
    op->sent_at = now;
    if (reply->err.code == NL_OK && op->limits.max_cost > 0 && reply->cost > op->limits.max_cost) {
        reply->stage = NL_PG_COST;
        nl_err_set(&reply->err, NL_LIMIT, "the plan's cost is %.0f, more than the %.0f allowed",
                   reply->cost, op->limits.max_cost);
    }
    if (reply->err.code != NL_OK || !op->execute) {
        if (reply->err.code == NL_OK)
            reply->stage = NL_PG_DONE;
        sent = send_rollback(op);
    } else {
        op->trip = 2;
        sent = send_second_trip(op);
    }
    op->step = 0;
    return sent && pg_conn_flush(op->conn);
}

/* A sync came. True where the operation is over (and gone). */
static bool after_sync(nl_pg_op *op) {
    if (op->kind == OP_PROBE && op->trip == 1) {
        if (after_first_trip(op))
            return false;
        lost(op);
        return true;
    }
    bool last = op->trip == 3 || op->step >= (op->kind == OP_PROBE ? 3U : 4U);
    if (!last)
        return false;
    if (op->trip != 3)
        op->reply.execute_ms = pg_now_ms() - op->sent_at;
    if (op->reply.err.code == NL_OK)
        op->reply.stage = NL_PG_DONE;
    finish(op, op->reply.err.code != NL_NET);
    return true;
}

/* Bytes are counted before libpq buffers them. False where they are too many. */
static bool within_bytes(nl_pg_op *op) {
    size_t most = (op->limits.max_bytes ? op->limits.max_bytes : DEFAULT_BYTES) + SLACK_BYTES;
    int waiting = 0;
    if (ioctl(PQsocket(op->conn->pq), FIONREAD, &waiting) == 0 && waiting > 0)
        op->received += (size_t)waiting;
    return op->received <= most;
}

static void too_many_bytes(nl_pg_op *op) {
    char what[128];
    (void)snprintf(what, sizeof what, "the result has more than %zu bytes",
                   op->limits.max_bytes ? op->limits.max_bytes : (size_t)DEFAULT_BYTES);
    set_stage_err(op, stage_now(op), NL_LIMIT, what);
    pg_conn_cancel(op->conn);
    finish(op, false);
}

void pg_op_readable(nl_pg_op *op) {
    pg_conn *conn = op->conn;
    if (!within_bytes(op)) {
        too_many_bytes(op);
        return;
    }
    if (PQstatus(conn->pq) != CONNECTION_OK || PQconsumeInput(conn->pq) != 1 ||
        !pg_conn_flush(conn)) {
        /* a last word of the server (57P01) may stand in the buffer */
        PGresult *result = NULL;
        while (op->reply.err.code == NL_OK && PQisBusy(conn->pq) == 0 &&
               (result = PQgetResult(conn->pq)) != NULL &&
               PQresultStatus(result) == PGRES_FATAL_ERROR)
            take_result(op, result);
        if (result && PQresultStatus(result) != PGRES_FATAL_ERROR)
            PQclear(result);
        lost(op);
        return;
    }
    while (PQisBusy(conn->pq) == 0) {
        PGresult *result = PQgetResult(conn->pq);
        if (!result) { /* the end of one statement's results, or nothing more to come yet */
            if (PQpipelineStatus(conn->pq) == PQ_PIPELINE_OFF || ++op->step > 16) {
                lost(op);
                return;
            }
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            if (after_sync(op))
                return;
            continue;
        }
        take_result(op, result);
    }
}
