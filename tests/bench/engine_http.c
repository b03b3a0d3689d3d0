/* engine_http.c: the engine's own client, asked for the same as bare_http.c. */
#include "io/http.h"

#include "peer.h"

static struct peer peer;
static struct {
    nl_loop *loop;
    nl_http *http;
    nl_http_request request;
    size_t started;
} run;

static void on_done(void *ctx, nl_http_reply *reply);

static void start(void) {
    nl_err err = { .msg = "" };
    run.started++;
    if (!nl_http_start(run.http, &run.request, on_done, NULL, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
}

static void on_done(void *ctx, nl_http_reply *reply) {
    (void)ctx;
    if (reply->err.code != NL_OK || reply->status != 200) {
        if (peer.failed++ == 0)
            (void)fprintf(stderr, "status %ld: %s\n", reply->status, reply->err.msg);
    }
    peer.done++;
    peer.bytes += reply->body.size;
    if (run.started < peer.requests)
        start();
    else if (peer.done == peer.requests)
        nl_loop_stop(run.loop);
}

int main(int argc, char **argv) {
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    nl_err err = { .msg = "" };

    if (!peer_options(&peer, argc, argv))
        return peer_usage("engine_http");
    nl_http_options options = { .max_connections = peer.connections };
    run.loop = nl_loop_new(&err);
    run.http = run.loop ? nl_http_new(run.loop, &options, &err) : NULL;
    if (!run.http || !nl_http_auth(run.http, peer.url, "sk-bench-0123456789", &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    run.request = (nl_http_request){
        .url = peer.url, .headers = headers, .body = peer.body, .body_size = strlen(peer.body)
    };
    double began = peer_seconds();
    for (size_t i = 0; i < peer.connections; i++)
        start();
    nl_loop_run(run.loop);
    int status = peer_report(&peer, "engine_http", peer_seconds() - began);
    nl_http_free(run.http);
    nl_loop_free(run.loop);
    free(peer.body);
    return status;
}
