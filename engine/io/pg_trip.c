/* pg_trip.c: the statements of a query and of a probe, and what their results mean.
 *
 * Each trip is one pipeline. ROLLBACK stands behind a sync of its own since an error skips the rest
 * of a pipeline up to its sync. Nothing here is a session's setting or a named statement, so that
 * any server connection of a pooler can serve any transaction. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/pg_priv.h"

#include "base/banned.h"

#define DECLARE_PREFIX "DECLARE nlsql NO SCROLL CURSOR FOR "
#define EXPLAIN_PREFIX "EXPLAIN (FORMAT JSON) " DECLARE_PREFIX

static const pg_step query[] = { STEP_BEGIN,    STEP_SETTINGS, STEP_QUERY, STEP_SYNC,
                                 STEP_ROLLBACK, STEP_SYNC,     STEP_END };
static const pg_step plan[] = { STEP_BEGIN, STEP_SETTINGS, STEP_EXPLAIN, STEP_SYNC, STEP_END };
static const pg_step only_plan[] = { STEP_BEGIN,    STEP_SETTINGS, STEP_EXPLAIN, STEP_SYNC,
                                     STEP_ROLLBACK, STEP_UNLOCK,   STEP_SYNC,    STEP_END };
static const pg_step execute[] = { STEP_STATEMENT_MS, STEP_LOCK_MS,  STEP_MEMORY, STEP_DECLARE,
                                   STEP_STATEMENT_MS, STEP_LOCK_MS,  STEP_MEMORY, STEP_FETCH,
                                   STEP_SYNC,         STEP_ROLLBACK, STEP_UNLOCK, STEP_SYNC,
                                   STEP_END };
static const pg_step roll_back[] = { STEP_ROLLBACK, STEP_UNLOCK, STEP_SYNC, STEP_END };

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

/* clang-format off */

/* Functions by their schema and no operators: a search path may lead to others of that name. */
#define SET(name, value) "pg_catalog.set_config('" name "', '" value "', true)"
#define NOW(name) "pg_catalog.current_setting('" name "')"
#define CLIENT_CHECK "client_connection_check_interval"
#define CAN_CHECK \
    "(pg_catalog.current_setting('" CLIENT_CHECK "', true) IS NOT NULL" \
    " AND pg_catalog.textlike(pg_catalog.version(), '%%linux%%'))"

/* Strings are to end where the gate saw them end. Compiling a plan (jit) costs more than it saves a
 * query that is capped. Rows come in the table's order, not from where another's scan is. */
#define SETTINGS \
    SET("standard_conforming_strings", "on") ", " \
    SET("jit", "off") ", " \
    SET("synchronize_seqscans", "off") ", " \
    SET("statement_timeout", "%u") ", " \
    SET("lock_timeout", "%u") ", " \
    SET("idle_in_transaction_session_timeout", "%u")

/* What the first operation of a pool asks besides: the server's own settings, which bounds only
 * ever lower, and what may be set. A server that watches its client ends the query of one that is
 * gone: from version 14, but setting it is an error where it cannot (on something else than Linux). */
#define LEARN \
    CAN_CHECK ", %s, " \
    "pg_catalog.pg_size_bytes(" NOW("work_mem") "), " \
    "CASE WHEN pg_catalog.texteq(" NOW("temp_file_limit") ", '-1') THEN -1 " \
    "ELSE pg_catalog.pg_size_bytes(" NOW("temp_file_limit") ") END, " \
    "pg_catalog.set_config(CASE WHEN " CAN_CHECK " THEN '" CLIENT_CHECK "' ELSE 'nlsql.unused' END, " \
    "'2s', true), "
#define IF_SUPERUSER "pg_catalog.texteq(" NOW("is_superuser") ", 'on')"
#define IF_GRANTED "pg_catalog.has_parameter_privilege('temp_file_limit', 'SET')"
/* Where nobody knows yet whether it may be set, and the server's own: in bytes, and in kB. */
#define LOWER_TEMP \
    ", pg_catalog.set_config(CASE WHEN %s AND (pg_catalog.texteq(" NOW("temp_file_limit") ", '-1') " \
    "OR pg_catalog.int8gt(pg_catalog.pg_size_bytes(" NOW("temp_file_limit") "), %zu)) " \
    "THEN 'temp_file_limit' ELSE 'nlsql.unused' END, '%zu', true)"

/* clang-format on */

static uint32_t lock_ms(const nl_pg_op *op) {
    uint32_t ms = op->limits.lock_ms ? op->limits.lock_ms : PG_DEFAULT_LOCK_MS;
    return ms < INT_MAX ? ms : INT_MAX;
}

/* The lower of the server's own and ours, kB. */
static size_t work_mem_kb(const nl_pg_op *op) {
    enum { LEAST = 64 };
    size_t own = op->pg->server.work_mem_kb, ours = op->limits.work_mem_kb;
    if (!ours || ours >= own)
        return own;
    return ours > LEAST ? ours : LEAST;
}

static size_t wanted_temp_kb(const nl_pg_op *op) {
    return op->limits.temp_kb < INT_MAX ? op->limits.temp_kb : INT_MAX;
}

/* 0: it may not be set, or the server's own is lower. */
static size_t temp_kb(const nl_pg_op *op) {
    const pg_server *server = &op->pg->server;
    size_t ours = wanted_temp_kb(op);
    return server->may_set_temp && (server->temp_kb < 0 || (long long)ours < server->temp_kb) ? ours
                                                                                              : 0;
}

/* Transaction-local settings; being a query it also pins the transaction to READ ONLY, which a SET
 * does not. */
static bool send_settings(const nl_pg_op *op) {
    enum { IDLE_MS = 60000, PARAMETER_PRIVILEGES = 150000 };
    const pg_server *server = &op->pg->server;
    bool granted = PQserverVersion(op->conn->pq) >= PARAMETER_PRIVILEGES;
    size_t temp = server->known ? temp_kb(op) : 0;
    nl_buf text;
    nl_buf_init(&text);
    bool ok = nl_buf_str(&text, "SELECT ");
    if (!server->known)
        ok = ok && nl_buf_printf(&text, LEARN, granted ? IF_GRANTED : IF_SUPERUSER);
    ok = ok && nl_buf_printf(&text, SETTINGS, pg_statement_ms(op), lock_ms(op),
                             pg_statement_ms(op) + IDLE_MS);
    if (server->known && server->can_check)
        ok = ok && nl_buf_str(&text, ", " SET(CLIENT_CHECK, "2s"));
    if (!server->known && wanted_temp_kb(op) > 0)
        ok = ok && nl_buf_printf(&text, LOWER_TEMP, granted ? IF_GRANTED : IF_SUPERUSER,
                                 wanted_temp_kb(op) * 1024, wanted_temp_kb(op));
    if (temp > 0)
        ok = ok && nl_buf_printf(&text, ", " SET("temp_file_limit", "%zu"), temp);
    if (op->kind == OP_PROBE)
        ok = ok && nl_buf_str(&text, ", " SET("max_parallel_workers_per_gather", "0"));
    ok = ok && send(op, text.data);
    nl_buf_release(&text);
    return ok;
}

/* One of them again, before what may run for long: planning runs immutable functions, and those may
 * have changed it. */
static bool send_again(const nl_pg_op *op, const char *name, size_t value) {
    char sql[64];
    (void)snprintf(sql, sizeof sql, "SET LOCAL %s TO %zu", name, value);
    return send(op, sql);
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
    case STEP_STATEMENT_MS:
        return send_again(op, "statement_timeout", pg_statement_ms(op));
    case STEP_LOCK_MS:
        return send_again(op, "lock_timeout", lock_ms(op));
    case STEP_MEMORY:
        return send_again(op, "work_mem", work_mem_kb(op));
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
    case STEP_UNLOCK: /* before the sync at which a pooler may give the server to another */
        return send(op, "SELECT pg_catalog.pg_advisory_unlock_all()");
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

static void check_plan(nl_pg_op *op) {
    nl_pg_reply *reply = &op->reply;
    double cost = op->limits.max_cost, rows = op->limits.max_plan_rows;
    if (reply->err.code == NL_OK && cost > 0 && !(reply->cost <= cost))
        pg_reply_fail(op, NL_PG_COST, NL_LIMIT,
                      "the plan's cost is %.0f, more than the %.0f allowed", reply->cost, cost);
    if (reply->err.code == NL_OK && rows > 0 && !(reply->most_rows <= rows))
        pg_reply_fail(op, NL_PG_COST, NL_LIMIT,
                      "a step of the plan expects %.0f rows, more than the %.0f allowed",
                      reply->most_rows, rows);
}

/* A transaction that is over before we end it was ended by the text itself. While more is under way
 * libpq does not tell the status; then the server says that ROLLBACK found nothing. */
static bool was_in_transaction(nl_pg_op *op, bool rolled_back) {
    bool idle = !rolled_back && PQtransactionStatus(op->conn->pq) == PQTRANS_IDLE;
    if (!idle && !op->conn->no_transaction)
        return true;
    pg_reply_fail(op, NL_PG_EXECUTE, NL_DB, "the statement ended its transaction");
    return false;
}

/* A sync came. True where the operation is over (and gone). */
static bool after_sync(nl_pg_op *op) {
    nl_pg_reply *reply = &op->reply;
    double now = pg_now_ms();
    bool explained = op->step[-1] == STEP_EXPLAIN;
    bool rolled_back = op->step[-1] == STEP_ROLLBACK || op->step[-1] == STEP_UNLOCK;

    if (!was_in_transaction(op, rolled_back)) {
        pg_op_finish(op, false);
        return true;
    }
    if (explained) {
        reply->explain_ms = now - op->sent_at;
        op->sent_at = now;
        check_plan(op);
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
static void learn(pg_server *server, const PGresult *result) {
    enum { ASKED = 4 };
    if (server->known || PQntuples(result) != 1 || PQnfields(result) < ASKED)
        return;
    long long work_mem = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
    long long temp = strtoll(PQgetvalue(result, 0, 3), NULL, 10);
    *server = (pg_server){
        .known = true,
        .can_check = PQgetvalue(result, 0, 0)[0] == 't',
        .may_set_temp = PQgetvalue(result, 0, 1)[0] == 't',
        .work_mem_kb = work_mem > 0 ? (size_t)work_mem / 1024 : 4096,
        .temp_kb = temp < 0 ? -1 : temp / 1024,
    };
}

static void take_tuples(nl_pg_op *op, const PGresult *result) {
    if (*op->step == STEP_SETTINGS)
        learn(&op->pg->server, result);
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
        if (*op->step == STEP_ROLLBACK || *op->step == STEP_UNLOCK)
            op->conn->odd = true; /* the answer stands, but the connection serves nobody else */
        else
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
