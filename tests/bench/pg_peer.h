/* pg_peer.h: what the programs that measure candidates share: options, the SQL, the line of
 * results. The same SQL in the same order in every peer, so that the rates compare. */
#ifndef NL_TESTS_BENCH_PG_PEER_H
#define NL_TESTS_BENCH_PG_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct pg_peer {
    const char *url;
    char **sql;
    size_t n_sql, at;
    size_t connections;
    double seconds;
    size_t done, failed;
};

static double pg_peer_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool pg_peer_read(struct pg_peer *peer, const char *path) {
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    for (ssize_t n; (n = getline(&line, &room, file)) > 0;) {
        while (n > 0 && strchr("\n;", line[n - 1]))
            line[--n] = '\0';
        char **more = realloc(peer->sql, (peer->n_sql + 1) * sizeof *more);
        if (n == 0 || !more)
            continue;
        peer->sql = more;
        peer->sql[peer->n_sql] = strdup(line);
        peer->n_sql += peer->sql[peer->n_sql] != NULL;
    }
    free(line);
    (void)fclose(file);
    return peer->n_sql > 0;
}

/* URL FILE CONNECTIONS SECONDS: one SELECT a line. */
static bool pg_peer_options(struct pg_peer *peer, int argc, char **argv) {
    *peer = (struct pg_peer){ 0 };
    if (argc != 5) {
        (void)fprintf(stderr, "usage: %s URL FILE-OF-SQL-LINES CONNECTIONS SECONDS\n", argv[0]);
        return false;
    }
    peer->url = argv[1];
    peer->connections = strtoul(argv[3], NULL, 10);
    peer->seconds = strtod(argv[4], NULL);
    if (peer->connections == 0 || peer->seconds <= 0 || !pg_peer_read(peer, argv[2])) {
        (void)fprintf(stderr, "%s: no SQL in %s, or no connections or time\n", argv[0], argv[2]);
        return false;
    }
    return true;
}

static const char *pg_peer_next(struct pg_peer *peer) {
    return peer->sql[peer->at++ % peer->n_sql];
}

static int pg_peer_report(struct pg_peer *peer, const char *name, double seconds) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    (void)printf("{\"name\":\"%s\",\"candidates\":%zu,\"failed\":%zu,\"connections\":%zu,"
                 "\"seconds\":%.3f,\"rate\":%.0f,\"cpu_seconds\":%.3f,\"max_rss_kb\":%ld}\n",
                 name, peer->done, peer->failed, peer->connections, seconds,
                 (double)peer->done / seconds,
                 (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
                 used.ru_maxrss);
    for (size_t i = 0; i < peer->n_sql; i++)
        free(peer->sql[i]);
    free(peer->sql);
    return peer->done == 0;
}

#endif
