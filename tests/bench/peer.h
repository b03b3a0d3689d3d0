/* peer.h: what the programs that measure requests share: options, the request's body, the line of
 * results. The same body in every peer, so that the rates compare. */
#ifndef NL_TESTS_BENCH_PEER_H
#define NL_TESTS_BENCH_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct peer {
    const char *url;
    size_t requests, connections, body_bytes;
    bool stream;
    char *body;
    size_t done, failed, bytes;
};

static double peer_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A chat request whose user message is padded to about `body_bytes` in all. */
static bool peer_make_body(struct peer *peer) {
    static const char line[] = "CREATE TABLE customer (customer_id integer PRIMARY KEY, name text "
                               "NOT NULL, country text);\\n";
    FILE *out = NULL;
    size_t size = 0;

    out = open_memstream(&peer->body, &size);
    if (!out)
        return false;
    (void)fprintf(out, "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"system\",\"content\":"
                       "\"You write questions and SQL for PostgreSQL.\"},{\"role\":\"user\","
                       "\"content\":\"Write 10 pairs for this schema.\\n");
    for (size_t n = 320; n < peer->body_bytes; n += sizeof line - 1)
        (void)fputs(line, out);
    (void)fprintf(out,
                  "\"}],\"temperature\":0.7,\"max_completion_tokens\":4096,"
                  "\"response_format\":{\"type\":\"json_object\"}%s}",
                  peer->stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"
                               : "");
    return fclose(out) == 0 && peer->body;
}

/* --url URL --requests N --connections C [--body-bytes N] [--stream] */
static bool peer_options(struct peer *peer, int argc, char **argv) {
    *peer = (struct peer){ .requests = 100000, .connections = 100, .body_bytes = 2000 };
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--stream") == 0) {
            peer->stream = true;
            continue;
        }
        if (!value)
            return false;
        if (strcmp(argv[i], "--url") == 0)
            peer->url = value;
        else if (strcmp(argv[i], "--requests") == 0)
            peer->requests = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--connections") == 0)
            peer->connections = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--body-bytes") == 0)
            peer->body_bytes = strtoul(value, NULL, 10);
        else
            return false;
        i++;
    }
    if (peer->connections > peer->requests)
        peer->connections = peer->requests;
    return peer->url && peer->connections > 0 && peer_make_body(peer);
}

static int peer_usage(const char *name) {
    (void)fprintf(stderr,
                  "usage: %s --url URL [--requests N] [--connections C] [--body-bytes N] "
                  "[--stream]\n",
                  name);
    return 2;
}

/* One JSON line; fails where a request failed, since then the rate means nothing. */
static int peer_report(const struct peer *peer, const char *name, double seconds) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    (void)printf("{\"name\":\"%s\",\"requests\":%zu,\"failed\":%zu,\"connections\":%zu,"
                 "\"bytes\":%zu,\"seconds\":%.3f,\"rate\":%.0f,\"cpu_seconds\":%.3f,"
                 "\"max_rss_kb\":%ld}\n",
                 name, peer->done, peer->failed, peer->connections, peer->bytes, seconds,
                 (double)peer->done / seconds,
                 (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
                 used.ru_maxrss);
    return peer->failed ? 1 : 0;
}

#endif
