/* stats_conn.c: blocking connections of a scan's own threads. */
#include <stdio.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

static void ignore_notice(void *ctx, const PGresult *result) {
    (void)ctx;
    (void)result;
}

static const char *setting(const nl_stats *stats, const char *keyword) {
    for (size_t i = 0; stats->keywords[i]; i++) {
        if (strcmp(stats->keywords[i], keyword) == 0 && stats->values[i][0])
            return stats->values[i];
    }
    return NULL;
}

void stats_pg_error(PGconn *conn, const PGresult *result, nl_err *err) {
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *said = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    bool lost = PQstatus(conn) == CONNECTION_BAD;
    if (!said)
        said = PQerrorMessage(conn);
    int n = (int)strcspn(said, "\n");
    nl_err_set(err, lost ? NL_NET : NL_DB, "%.*s", n ? n : 23,
               n ? said : "the connection was lost");
    if (state && strlen(state) == 5)
        memcpy(err->sqlstate, state, 6);
}

bool stats_connect(nl_stats *stats, stats_worker *worker, nl_err *err) {
    enum { MAX_SETTINGS = 64 };
    const char *keywords[MAX_SETTINGS], *values[MAX_SETTINGS];
    static const char *const ours[][2] = {
        { "fallback_application_name", "nlsql" },
        { "client_encoding", "UTF8" },
    };
    size_t n = 0;
    if (!setting(stats, "connect_timeout")) {
        keywords[n] = "connect_timeout";
        values[n++] = "10";
    }
    for (size_t i = 0; stats->keywords[i] && n < MAX_SETTINGS - 3; i++, n++) {
        keywords[n] = stats->keywords[i];
        values[n] = stats->values[i];
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        keywords[n] = ours[i][0];
        values[n++] = ours[i][1];
    }
    keywords[n] = values[n] = NULL;
    PGconn *conn = PQconnectdbParams(keywords, values, 0);
    if (!conn)
        return nl_err_nomem(err);
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    if (PQstatus(conn) != CONNECTION_OK) {
        stats_pg_error(conn, NULL, err);
        err->code = NL_NET;
        nl_err_prefix(err, "cannot connect to %s: ", stats->name);
        PQfinish(conn);
        return false;
    }
    pthread_mutex_lock(&stats->lock);
    worker->conn = conn;
    worker->cancel = PQgetCancel(conn);
    worker->socket = PQsocket(conn);
    pthread_mutex_unlock(&stats->lock);
    return true;
}

void stats_disconnect(nl_stats *stats, stats_worker *worker) {
    pthread_mutex_lock(&stats->lock);
    PGcancel *cancel = worker->cancel;
    worker->cancel = NULL;
    worker->socket = -1;
    pthread_mutex_unlock(&stats->lock);
    PQfreeCancel(cancel);
    PQfinish(worker->conn);
    worker->conn = NULL;
}

PGresult *stats_query(nl_stats *stats, PGconn *conn, const char *sql, const char *const *params,
                      int n, nl_err *err) {
    (void)stats;
    PGresult *result = PQexecParams(conn, sql, n, NULL, params, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_OUT)
        return result;
    stats_pg_error(conn, result, err);
    PQclear(result);
    return NULL;
}

bool stats_run(nl_stats *stats, PGconn *conn, const char *sql, nl_err *err) {
    PGresult *result = stats_query(stats, conn, sql, NULL, 0, err);
    PQclear(result);
    return result != NULL;
}

/* Settings are the transaction's own, so that a pooler's next client does not get them. The order
 * of rows is that of the table's pages only where scans start at its beginning and one process
 * reads. */
bool stats_begin(nl_stats *stats, PGconn *conn, nl_err *err) {
    char text[128], statement_ms[16], lock_ms[16];
    const char *params[] = { statement_ms, lock_ms };
    if (!stats_run(stats, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err))
        return false;
    if (stats->snapshot[0]) { /* the server's own word: digits, letters and hyphens */
        (void)snprintf(text, sizeof text, "SET TRANSACTION SNAPSHOT '%s'", stats->snapshot);
        if (!stats_run(stats, conn, text, err))
            return false;
    }
    (void)snprintf(statement_ms, sizeof statement_ms, "%u", stats->options.statement_ms);
    (void)snprintf(lock_ms, sizeof lock_ms, "%u", stats->options.lock_ms);
    PGresult *result = stats_query(stats, conn,
                                   "SELECT set_config('statement_timeout', $1, true),"
                                   " set_config('lock_timeout', $2, true),"
                                   " set_config('idle_in_transaction_session_timeout', '0', true),"
                                   " set_config('synchronize_seqscans', 'off', true),"
                                   " set_config('max_parallel_workers_per_gather', '0', true),"
                                   " set_config('search_path', '', true)",
                                   params, 2, err);
    PQclear(result);
    return result != NULL;
}
