/* probe_pg: the same candidates as bare_pg, through the engine's pool: nl_pg_probe. */
#include "io/pg.h"

#include "pg_peer.h"

static struct pg_peer peer;
static nl_loop *loop;
static nl_pg *pg;
static double until;
static size_t under_way;

static void submit(void);

static void on_done(void *ctx, nl_pg_reply *reply) {
    (void)ctx;
    peer.done++;
    peer.failed += reply->err.code != NL_OK;
    under_way--;
    nl_pg_reply_release(reply);
    if (pg_peer_now() < until)
        submit();
    else if (under_way == 0)
        nl_loop_stop(loop);
}

static void submit(void) {
    nl_err err;
    if (!nl_pg_probe(pg, pg_peer_next(&peer), true, NULL, on_done, NULL, &err)) {
        (void)fprintf(stderr, "probe_pg: %s\n", err.msg);
        exit(1);
    }
    under_way++;
}

int main(int argc, char **argv) {
    nl_err err = { .msg = "" };
    if (!pg_peer_options(&peer, argc, argv))
        return 2;
    const nl_pg_options options = { .sessions = peer.connections };
    loop = nl_loop_new(&err);
    pg = loop ? nl_pg_new(loop, peer.url, &options, &err) : NULL;
    if (!pg) {
        (void)fprintf(stderr, "probe_pg: %s\n", err.msg);
        return 1;
    }
    double started = pg_peer_now();
    until = started + peer.seconds;
    for (size_t i = 0; i < 2 * peer.connections; i++) /* a few wait, as in a run */
        submit();
    nl_loop_run(loop);
    double took = pg_peer_now() - started;
    nl_pg_free(pg);
    nl_loop_free(loop);
    return pg_peer_report(&peer, "probe_pg", took);
}
