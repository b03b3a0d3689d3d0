/* pg_op.c: an operation's life on a connection: started, fed, counted, cut off, finished. */
#include <stdlib.h>
#include <time.h>

#include "io/pg_priv.h"

#include "base/banned.h"

enum {
    MAX_RETRIES = 3,
    PATIENCE_MS = 5000,      /* the client's deadline lies so far behind the server's */
    CANCEL_MS = 2000,        /* from the cancel to closing the connection */
    MESSAGE_BYTES = 1 << 18, /* a row's bytes beside its values: at most 1,600 lengths, and what was
                                read with them */
    SWOLLEN_BYTES = 4 << 20
};

double pg_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* --- the end --------------------------------------------------------------------------------- */

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

/* The reply becomes the callee's. It may free the pool: this is the last thing that anybody does
 * with the operation, its connection and its pool. */
static void deliver(nl_pg_op *op) {
    nl_pg_reply reply = op->reply;
    nl_pg_done done = op->done;
    void *ctx = op->ctx;
    op->reply = (nl_pg_reply){ 0 };
    nl_buf_init(&op->reply.plan);
    pg_op_free(op);
    done(ctx, &reply);
}

static void deliver_failed(void *ctx) {
    nl_pg_op *op = ctx;
    if (op->previous)
        op->previous->next = op->next;
    else
        op->pg->failed = op->next;
    if (op->next)
        op->next->previous = op->previous;
    deliver(op);
}

void pg_op_fail(nl_pg_op *op, const nl_err *err) {
    nl_pg *pg = op->pg;
    op->reply.stage = NL_PG_CONNECT;
    op->reply.err = *err;
    op->failed = true;
    op->previous = NULL;
    op->next = pg->failed;
    if (pg->failed)
        pg->failed->previous = op;
    pg->failed = op;
    op->task = (nl_task){ .fn = deliver_failed, .ctx = op };
    nl_loop_post(pg->loop, &op->task);
}

/* Takes the operation off its connection, which is idle again or, where it is not fit, closed. */
static void leave_conn(nl_pg_op *op, bool fit) {
    pg_conn *conn = op->conn;
    nl_loop_unpost(op->pg->loop, &op->task);
    nl_timer_stop(conn->timer);
    conn->timer = NULL;
    conn->op = NULL;
    op->conn = NULL;
    if (fit && conn->cancels == 0 && !conn->swollen && !conn->odd && !conn->no_transaction &&
        PQtransactionStatus(conn->pq) == PQTRANS_IDLE && pg_conn_flush(conn)) {
        conn->state = PG_IDLE;
    } else {
        op->pg->stats.retired++;
        pg_conn_close(conn);
    }
}

void pg_op_finish(nl_pg_op *op, bool fit) {
    leave_conn(op, fit);
    pg_pump(op->pg);
    deliver(op);
}

/* Where the server has not begun with this operation the connection was dead before, or dies with a
 * server that restarts: another serves. A server that crashes may take in a connection or two
 * before it knows. */
void pg_op_lost(nl_pg_op *op) {
    nl_pg *pg = op->pg;
    char said[300], state[6];
    if (!op->answered && op->retries < MAX_RETRIES) {
        op->retries++;
        leave_conn(op, false);
        pg_reply_reset(&op->reply);
        pg_requeue(op);
        pg_pump(pg);
        return;
    }
    pg_say(op->conn->pq, said, sizeof said, state);
    pg_reply_fail(op, NL_PG_CONNECT, NL_NET, "lost the connection to %s: %s", pg->name, said);
    pg_op_finish(op, false);
}

/* Called again while the cancel is not answered. A late one might hit the next operation: the
 * connection ends with this one in any case. */
static void on_deadline(void *ctx) {
    pg_conn *conn = ctx;
    nl_pg_op *op = conn->op;
    if (conn->cancels == PG_CANCELS) {
        pg_op_finish(op, false);
        return;
    }
    pg_reply_fail(op, pg_trip_stage(op), NL_TIMEOUT,
                  "no answer before the client's deadline; cancelled");
    pg_conn_cancel(conn);
    nl_timer_again(conn->timer, PG_CANCEL_EVERY_MS);
}

/* --- the beginning --------------------------------------------------------------------------- */

static void lost_task(void *ctx) {
    pg_op_lost(ctx);
}

void pg_op_start(nl_pg_op *op, pg_conn *conn) {
    uint32_t deadline =
        op->limits.deadline_ms ? op->limits.deadline_ms : pg_statement_ms(op) + PATIENCE_MS;
    op->conn = conn;
    op->answered = false;
    op->pending = 0;
    op->sent_at = pg_now_ms();
    conn->op = op;
    conn->state = PG_BUSY;
    conn->cancels = 0;
    conn->timer = nl_timer_start(op->pg->loop, deadline, 0, on_deadline, conn, NULL);
    if (!conn->timer || !pg_trip_first(op) || !pg_conn_flush(conn)) {
        op->task = (nl_task){ .fn = lost_task, .ctx = op }; /* not from within the caller's call */
        nl_loop_post(op->pg->loop, &op->task);
    }
}

/* --- what arrives ---------------------------------------------------------------------------- */

/* Rows that are whole, and the part of one that is not: libpq holds it, however long it will be. */
static bool within_bytes(const nl_pg_op *op) {
    size_t most = op->limits.max_bytes ? op->limits.max_bytes : PG_DEFAULT_BYTES;
    return op->reply.rows.bytes <= most && op->pending <= most + MESSAGE_BYTES;
}

static void too_many_bytes(nl_pg_op *op) {
    pg_reply_fail(op, pg_trip_stage(op), NL_LIMIT, "the result has more than %zu bytes",
                  op->limits.max_bytes ? op->limits.max_bytes : (size_t)PG_DEFAULT_BYTES);
    pg_conn_cancel(op->conn);
    pg_op_finish(op, false);
}

void pg_op_readable(nl_pg_op *op) {
    pg_conn *conn = op->conn;
    size_t taken;
    if (!pg_consume(conn->pq, &taken) || !pg_conn_flush(conn)) {
        pg_op_lost(op);
        return;
    }
    op->pending += taken;
    conn->swollen = conn->swollen || op->pending > SWOLLEN_BYTES;
    while (PQisBusy(conn->pq) == 0) {
        PGresult *result = PQgetResult(conn->pq);
        if (result)
            op->pending = 0;
        if (pg_trip_result(op, result))
            return;
        if (op->refused) {
            pg_conn_cancel(conn);
            pg_op_finish(op, false);
            return;
        }
        if (!within_bytes(op))
            break;
    }
    if (!within_bytes(op))
        too_many_bytes(op);
}
