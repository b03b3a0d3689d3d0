/* pg_trip.c: the statements of a query and of a probe, and what their results mean.
 *
 * Each trip is one pipeline. ROLLBACK stands behind a sync of its own since an error skips the rest
 * of a pipeline up to its sync. Nothing here is a session's setting or a named statement, so that
 * any server connection of a pooler can serve any transaction. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "io/pg_priv.h"

#include "base/banned.h"

#define DECLARE_PREFIX "DECLARE nlsql NO SCROLL CURSOR FOR "
#define EXPLAIN_PREFIX "EXPLAIN (FORMAT JSON) " DECLARE_PREFIX

static const pg_step query[] = { STEP_BEGIN,    STEP_SETTINGS, STEP_QUERY, STEP_SYNC,
                                 STEP_ROLLBACK, STEP_SYNC,     STEP_END };
static const pg_step plan[] = { STEP_BEGIN, STEP_SETTINGS, STEP_EXPLAIN, STEP_SYNC, STEP_END };
static const pg_step only_plan[] = { STEP_BEGIN,    STEP_SETTINGS, STEP_EXPLAIN, STEP_SYNC,
                                     STEP_ROLLBACK, STEP_SYNC,     STEP_END };
static const pg_step execute[] = { STEP_DECLARE,  STEP_FETCH, STEP_SYNC,
                                   STEP_ROLLBACK, STEP_SYNC,  STEP_END };
static const pg_step roll_back[] = { STEP_ROLLBACK, STEP_SYNC, STEP_END };

uint32_t pg_statement_ms(const nl_pg_op *op) {
    uint32_t ms = op->limits.statement_ms ? op->limits.statement_ms : PG_DEFAULT_STATEMENT_MS;
    return ms < INT_MAX / 2 ? ms : INT_MAX / 2; /* the server's setting is an int */
}

nl_pg_stage pg_trip_stage(const nl_pg_op *op) {
    switch (*op->step) {
    case STEP_BEGIN:
    case STEP_SETTINGS:
        return NL_PG_CONNECT;
    case STEP_EXPLAIN:
        return NL_PG_EXPLAIN;
    default:
        return NL_PG_EXECUTE;
    }
}

unsigned pg_trip_prefix(const nl_pg_op *op) {
    if (*op->step == STEP_EXPLAIN)
        return sizeof EXPLAIN_PREFIX - 1;
    return *op->step == STEP_DECLARE ? sizeof DECLARE_PREFIX - 1 : 0;
}

/* --- sending --------------------------------------------------------------------------------- */

static bool send(const nl_pg_op *op, const char *sql) {
    return PQsendQueryParams(op->conn->pq, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_with(const nl_pg_op *op, const char *prefix) {
    nl_buf text;
    nl_buf_init(&text);
    bool ok = nl_buf_str(&text, prefix) && nl_buf_str(&text, op->sql) && send(op, text.data);
    nl_buf_release(&text);
    return ok;
}

/* Strings are to end where the gate saw them end. Compiling a plan (jit) costs more than it saves a
 * query that is capped. Rows come in the table's order, not from where another's scan is. */
#define SETTINGS                                                                                   \
    "SELECT set_config('standard_conforming_strings', 'on', true) || "                             \
    "set_config('jit', 'off', true) || set_config('synchronize_seqscans', 'off', true) || "        \
    "set_config('statement_timeout', $1, true), "                                                  \
    "set_config('lock_timeout', $2, true), "                                                       \
    "set_config('idle_in_transaction_session_timeout', $3, true)"
#define CLIENT_CHECK "client_connection_check_interval"
#define CAN_CHECK                                                                                  \
    "current_setting('" CLIENT_CHECK "', true) IS NOT NULL AND version() LIKE '%linux%'"

/* Transaction-local settings; being a query it also pins the transaction to READ ONLY, which a SET
 * does not. A server that watches its client ends the query of one that is gone: from version 14,
 * but setting it is an error where it cannot (on something else than Linux), so the first operation
 * of a pool asks. */
static bool send_settings(const nl_pg_op *op) {
    static const char *const sql[] = {
        [PG_CHECK_UNKNOWN] = SETTINGS ", set_config(CASE WHEN " CAN_CHECK " THEN '" CLIENT_CHECK
                                      "' ELSE 'nlsql.unused' END, '2s', true), " CAN_CHECK,
        [PG_CHECK_YES] = SETTINGS ", set_config('" CLIENT_CHECK "', '2s', true)",
        [PG_CHECK_NO] = SETTINGS,
    };
    enum { IDLE_MS = 60000 };
    char statement[16], lock[16], idle[16];
    const char *values[] = { statement, lock, idle };
    uint32_t lock_ms = op->limits.lock_ms ? op->limits.lock_ms : PG_DEFAULT_LOCK_MS;
    (void)snprintf(statement, sizeof statement, "%u", pg_statement_ms(op));
    (void)snprintf(lock, sizeof lock, "%u", lock_ms < INT_MAX ? lock_ms : INT_MAX);
    (void)snprintf(idle, sizeof idle, "%u", pg_statement_ms(op) + IDLE_MS);
    return PQsendQueryParams(op->conn->pq, sql[op->pg->client_check], 3, NULL, values, NULL, NULL,
                             0) == 1;
}

static size_t max_rows(const nl_pg_op *op) {
    return op->limits.max_rows ? op->limits.max_rows : PG_DEFAULT_ROWS;
}

static bool send_fetch(const nl_pg_op *op) {
    char sql[64];
    if (max_rows(op) >= INT_MAX) /* the grammar takes an int */
        return send(op, "FETCH ALL FROM nlsql");
    (void)snprintf(sql, sizeof sql, "FETCH FORWARD %zu FROM nlsql", max_rows(op) + 1);
    return send(op, sql);
}

static bool send_step(const nl_pg_op *op, pg_step step) {
    switch (step) {
    case STEP_BEGIN:
        return send(op, "BEGIN READ ONLY");
    case STEP_SETTINGS:
        return send_settings(op);
    case STEP_EXPLAIN:
        return send_with(op, EXPLAIN_PREFIX);
    case STEP_DECLARE:
        return send_with(op, DECLARE_PREFIX);
    case STEP_FETCH:
        return send_fetch(op);
    case STEP_QUERY: /* the flush: so that we know that the server has begun */
        return PQsendFlushRequest(op->conn->pq) == 1 &&
               PQsendQueryParams(op->conn->pq, op->sql, (int)op->n_params, NULL,
                                 (const char *const *)op->params, NULL, NULL, 0) == 1;
    case STEP_ROLLBACK:
        return send(op, "ROLLBACK");
    case STEP_SYNC:
        return PQpipelineSync(op->conn->pq) == 1;
    case STEP_END:
        break;
    }
    return true;
}

static bool send_trip(nl_pg_op *op, const pg_step *trip) {
    op->step = trip;
    for (; *trip != STEP_END; trip++) {
        if (!send_step(op, *trip))
            return false;
    }
    return true;
}

bool pg_trip_first(nl_pg_op *op) {
    if (op->kind == OP_QUERY)
        return send_trip(op, query);
    return send_trip(op, op->execute ? plan : only_plan);
}

/* --- receiving ------------------------------------------------------------------------------- */

/* Behind the plan: on to execution, or back. False: the connection is lost. */
static bool after_plan(nl_pg_op *op) {
    bool go_on = op->reply.err.code == NL_OK;
    return send_trip(op, go_on ? execute : roll_back) && pg_conn_flush(op->conn);
}

static void check_cost(nl_pg_op *op) {
    nl_pg_reply *reply = &op->reply;
    double most = op->limits.max_cost;
    if (reply->err.code == NL_OK && most > 0 && !(reply->cost <= most))
        pg_reply_fail(op, NL_PG_COST, NL_LIMIT,
                      "the plan's cost is %.0f, more than the %.0f allowed", reply->cost, most);
}

/* A transaction that is over before we end it was ended by the text itself. */
static bool still_in_transaction(nl_pg_op *op) {
    if (PQtransactionStatus(op->conn->pq) != PQTRANS_IDLE) /* ACTIVE: the rest is under way */
        return true;
    pg_reply_fail(op, NL_PG_EXECUTE, NL_DB, "the statement ended its transaction");
    return false;
}

/* A sync came. True where the operation is over (and gone). */
static bool after_sync(nl_pg_op *op) {
    nl_pg_reply *reply = &op->reply;
    double now = pg_now_ms();
    bool explained = op->step[-1] == STEP_EXPLAIN;
    bool rolled_back = op->step[-1] == STEP_ROLLBACK;

    if (!rolled_back && !still_in_transaction(op)) {
        pg_op_finish(op, false);
        return true;
    }
    if (explained) {
        reply->explain_ms = now - op->sent_at;
        op->sent_at = now;
        check_cost(op);
    } else if (!rolled_back) {
        reply->execute_ms = now - op->sent_at;
    }
    op->step++;
    if (*op->step != STEP_END)
        return false;
    if (explained) { /* the trip that ends in a plan */
        if (!after_plan(op)) {
            pg_op_lost(op);
            return true;
        }
        return false;
    }
    if (reply->err.code == NL_OK)
        reply->stage = NL_PG_DONE;
    pg_op_finish(op, reply->err.code != NL_NET && reply->err.code != NL_NOMEM);
    return true;
}

/* Of the operations that asked at once the last answer counts; they are all the same. */
static void learn(nl_pg *pg, const PGresult *result) {
    enum { ASKED = 4 };
    if (pg->client_check == PG_CHECK_UNKNOWN && PQntuples(result) == 1 && PQnfields(result) > ASKED)
        pg->client_check = PQgetvalue(result, 0, ASKED)[0] == 't' ? PG_CHECK_YES : PG_CHECK_NO;
}

static void take_tuples(nl_pg_op *op, const PGresult *result) {
    if (*op->step == STEP_SETTINGS)
        learn(op->pg, result);
    else if (*op->step == STEP_EXPLAIN)
        pg_reply_plan(op, result);
    else if (*op->step == STEP_FETCH || *op->step == STEP_QUERY)
        pg_reply_rows(op, result);
}

bool pg_trip_result(nl_pg_op *op, PGresult *result) {
    if (!result) {                    /* the end of one statement's results */
        if (*op->step >= STEP_SYNC) { /* more than was asked for */
            pg_op_lost(op);
            return true;
        }
        op->step++;
        if (*op->step == STEP_FETCH || *op->step == STEP_QUERY) /* so that rows can be counted */
            (void)PQsetSingleRowMode(op->conn->pq);
        return false;
    }
    ExecStatusType status = PQresultStatus(result);
    switch (status) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        op->answered = true;
        take_tuples(op, result);
        break;
    case PGRES_COMMAND_OK:
        op->answered = true;
        break;
    case PGRES_PIPELINE_ABORTED:
    case PGRES_PIPELINE_SYNC:
        break;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
        pg_reply_error(op, result);
        break;
    default: /* COPY: no cursor does that, and nl_pg_query is not for it */
        pg_reply_fail(op, pg_trip_stage(op), NL_INVALID, "an unexpected kind of result");
        PQclear(result);
        pg_op_finish(op, false);
        return true;
    }
    PQclear(result);
    if (status != PGRES_PIPELINE_SYNC)
        return false;
    if (*op->step != STEP_SYNC) {
        pg_op_lost(op);
        return true;
    }
    return after_sync(op);
}
