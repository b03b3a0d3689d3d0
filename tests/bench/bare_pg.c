/* bare_pg.c: the ceiling for candidates: a C loop over libpq that makes the gates' two round trips
 * for each query over N connections, and does nothing else: no parsing, no limits, no store.
 *
 *     bare_pg URL FILE CONNECTIONS SECONDS     -- FILE: one query a line; prints one JSON line */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

enum { MAX_CONNECTIONS = 64 };

struct conn {
    PGconn *pq;
    int trip, syncs;
    const char *query;
};

static char **queries;
static size_t n_queries, next_query, done, failed;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void send(const struct conn *c, const char *sql) {
    PQsendQueryParams(c->pq, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static void send_with(const struct conn *c, const char *prefix, const char *sql) {
    char text[16384];
    (void)snprintf(text, sizeof text, "%s%s", prefix, sql);
    send(c, text);
}

static void first_trip(struct conn *c) {
    c->query = queries[next_query++ % n_queries];
    c->trip = 1;
    c->syncs = 1;
    send(c, "BEGIN READ ONLY");
    send(c, "SELECT set_config('statement_timeout', '10000', true), set_config('lock_timeout', "
            "'1000', true), "
            "set_config('idle_in_transaction_session_timeout', '70000', true), "
            "set_config('standard_conforming_strings', 'on', true), "
            "set_config('client_connection_check_interval', '2s', true)");
    send_with(c, "EXPLAIN (FORMAT JSON) DECLARE c NO SCROLL CURSOR FOR ", c->query);
    PQpipelineSync(c->pq);
}

static void second_trip(struct conn *c) {
    c->trip = 2;
    c->syncs = 2;
    send_with(c, "DECLARE c NO SCROLL CURSOR FOR ", c->query);
    send(c, "FETCH FORWARD 1001 FROM c");
    PQpipelineSync(c->pq);
    send(c, "ROLLBACK");
    PQpipelineSync(c->pq);
}

static void receive(struct conn *c) {
    if (!PQconsumeInput(c->pq)) {
        (void)fprintf(stderr, "%s", PQerrorMessage(c->pq));
        exit(1);
    }
    while (!PQisBusy(c->pq)) {
        PGresult *result = PQgetResult(c->pq);
        if (!result)
            continue;
        ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        failed += status == PGRES_FATAL_ERROR;
        if (status != PGRES_PIPELINE_SYNC || --c->syncs > 0)
            continue;
        if (c->trip == 1) {
            second_trip(c);
        } else {
            done++;
            first_trip(c);
        }
        PQflush(c->pq);
    }
    PQflush(c->pq);
}

static void read_queries(const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while (file && (n = getline(&line, &room, file)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        queries = realloc(queries, (n_queries + 1) * sizeof *queries);
        queries[n_queries++] = strdup(line);
    }
    free(line);
    if (file)
        (void)fclose(file);
}

int main(int argc, char **argv) {
    struct conn conns[MAX_CONNECTIONS];
    struct pollfd fds[MAX_CONNECTIONS];
    if (argc != 5) {
        (void)fprintf(stderr, "usage: %s URL FILE CONNECTIONS SECONDS\n", argv[0]);
        return 2;
    }
    size_t n = strtoul(argv[3], NULL, 10);
    read_queries(argv[2]);
    if (n == 0 || n > MAX_CONNECTIONS || n_queries == 0)
        return 2;
    for (size_t i = 0; i < n; i++) {
        conns[i] = (struct conn){ .pq = PQconnectdb(argv[1]) };
        if (PQstatus(conns[i].pq) != CONNECTION_OK) {
            (void)fprintf(stderr, "%s", PQerrorMessage(conns[i].pq));
            return 1;
        }
        PQsetnonblocking(conns[i].pq, 1);
        PQenterPipelineMode(conns[i].pq);
        fds[i] = (struct pollfd){ .fd = PQsocket(conns[i].pq), .events = POLLIN };
    }
    double started = now(), until = started + strtod(argv[4], NULL);
    for (size_t i = 0; i < n; i++) {
        first_trip(&conns[i]);
        PQflush(conns[i].pq);
    }
    while (now() < until) {
        if (poll(fds, (nfds_t)n, 100) < 0)
            break;
        for (size_t i = 0; i < n; i++) {
            if (fds[i].revents)
                receive(&conns[i]);
        }
    }
    double seconds = now() - started;
    (void)printf("{\"name\":\"bare_pg\",\"candidates\":%zu,\"failed\":%zu,\"connections\":%zu,"
                 "\"rate\":%.0f}\n",
                 done, failed, n, (double)done / seconds);
    for (size_t i = 0; i < n; i++)
        PQfinish(conns[i].pq);
    return failed > 0;
}
