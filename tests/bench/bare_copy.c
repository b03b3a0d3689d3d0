/* bare_copy.c: the floor for scans: COPY … TO STDOUT (FORMAT BINARY) of the same columns over as
 * many connections, one thread each, every byte received and thrown away.
 *
 *     bare_copy URL CONNECTIONS FILE     -- FILE: one COPY a line; prints one JSON line
 *
 * The connections take the statements from one queue, in one exported snapshot, as a scan does.
 * Making them is not counted. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

enum { MAX_CONNECTIONS = 64, MAX_STATEMENTS = 8192 };

static char *statements[MAX_STATEMENTS];
static size_t n_statements;
static atomic_size_t next_statement, bytes;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(PGconn *pq, const char *what) {
    (void)fprintf(stderr, "bare_copy: %s: %s", what, PQerrorMessage(pq));
    exit(1);
}

static void command(PGconn *pq, const char *sql) {
    PGresult *result = PQexec(pq, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail(pq, sql);
    PQclear(result);
}

static PGconn *open_connection(const char *url) {
    PGconn *pq = PQconnectdb(url);
    if (PQstatus(pq) != CONNECTION_OK)
        fail(pq, url);
    command(pq, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return pq;
}

/* The first connection's snapshot, taken by all others. */
static void share_snapshot(PGconn **conns, size_t n) {
    char sql[256];
    PGresult *result = PQexec(conns[0], "SELECT pg_export_snapshot()");
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail(conns[0], "pg_export_snapshot");
    (void)snprintf(sql, sizeof sql, "SET TRANSACTION SNAPSHOT '%s'", PQgetvalue(result, 0, 0));
    PQclear(result);
    for (size_t i = 1; i < n; i++)
        command(conns[i], sql);
}

static void *work(void *arg) {
    PGconn *pq = arg;
    char *buffer = NULL;
    for (size_t at; (at = atomic_fetch_add(&next_statement, 1)) < n_statements;) {
        PGresult *result = PQexec(pq, statements[at]);
        if (PQresultStatus(result) != PGRES_COPY_OUT)
            fail(pq, statements[at]);
        PQclear(result);
        size_t received = 0;
        for (int n; (n = PQgetCopyData(pq, &buffer, 0)) > 0;) {
            received += (size_t)n;
            PQfreemem(buffer);
        }
        atomic_fetch_add(&bytes, received);
        while ((result = PQgetResult(pq))) {
            if (PQresultStatus(result) != PGRES_COMMAND_OK)
                fail(pq, statements[at]);
            PQclear(result);
        }
    }
    return NULL;
}

static void read_statements(const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    while (file && n_statements < MAX_STATEMENTS && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        statements[n_statements++] = strdup(line);
    }
    free(line);
    if (file)
        (void)fclose(file);
}

int main(int argc, char **argv) {
    PGconn *conns[MAX_CONNECTIONS];
    pthread_t threads[MAX_CONNECTIONS];
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s URL CONNECTIONS FILE\n", argv[0]);
        return 2;
    }
    size_t n = strtoul(argv[2], NULL, 10);
    read_statements(argv[3]);
    if (n == 0 || n > MAX_CONNECTIONS || n_statements == 0)
        return 2;
    for (size_t i = 0; i < n; i++)
        conns[i] = open_connection(argv[1]);
    share_snapshot(conns, n);
    double started = now();
    for (size_t i = 0; i < n; i++) {
        if (pthread_create(&threads[i], NULL, work, conns[i]) != 0)
            return 1;
    }
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    double seconds = now() - started;
    (void)printf("{\"name\":\"bare_copy\",\"statements\":%zu,\"connections\":%zu,\"bytes\":%zu,"
                 "\"seconds\":%.4f}\n",
                 n_statements, n, atomic_load(&bytes), seconds);
    for (size_t i = 0; i < n; i++) {
        PQfinish(conns[i]);
    }
    for (size_t i = 0; i < n_statements; i++)
        free(statements[i]);
    return 0;
}
