/* bench_store: what recorded calls cost the loop's thread, and how fast the writer keeps up.
 *
 * Prints one line of JSON: submit_us is the loop's share of one call (its copy), written_per_s
 * what the writer makes durable, commit_us the wait for a commit with nothing else under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/store.h"

#include "base/banned.h"

enum { CALLS = 40000, BATCH = 200, TEXT = 4096, COMMITS = 300 };

static nl_loop *loop;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(void *ctx, const nl_err *err) {
    (void)ctx;
    if (err) {
        (void)fprintf(stderr, "%s\n", err->msg);
        exit(1);
    }
    nl_loop_stop(loop);
}

static void flush(nl_store *store) {
    if (!nl_store_flush(store, stop, NULL, NULL))
        exit(1);
    nl_loop_run(loop);
}

int main(void) {
    static char request[TEXT], reply[TEXT];
    char dir[] = "/tmp/nlsql-bench-XXXXXX", path[64], data[64];
    nl_err err = { .code = NL_OK };
    double submitting = 0;
    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(path, sizeof path, "%s/nlsql.db", dir);
    (void)snprintf(data, sizeof data, "%s/dataset.jsonl", dir);
    loop = nl_loop_new(&err);
    nl_store *store = nl_store_open(loop, path, &err);
    nl_store_run_options options = {
        .phase = "bench", .version = "", .fingerprint = "", .dataset = data
    };
    nl_store_run *run = store ? nl_store_run_open(store, &options, NULL, &err) : NULL;
    if (!run) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    memset(request, 'q', sizeof request - 1);
    memset(reply, 'r', sizeof reply - 1);

    double started = now();
    for (unsigned i = 0; i < CALLS; i += BATCH) {
        double from = now();
        for (unsigned j = i; j < i + BATCH; j++) {
            (void)snprintf(request, 16, "%015u", j);
            nl_store_call call = { .key = nl_key_of(request, 16),
                                   .sample = 1,
                                   .purpose = "ask",
                                   .item = "customer+purchase",
                                   .model = "some-model",
                                   .request = request,
                                   .request_size = TEXT - 1,
                                   .reply = reply,
                                   .reply_size = TEXT - 1,
                                   .outcome = "ok",
                                   .tokens_in = 1000,
                                   .tokens_out = 900,
                                   .seconds = 0.2 };
            if (!nl_store_call_put(run, &call, NULL, NULL, &err))
                return 1;
        }
        submitting += now() - from;
        while (nl_store_backlog(store) > 32 << 20) /* as a producer would */
            usleep(1000);
    }
    flush(store);
    double took = now() - started;

    started = now();
    for (unsigned i = 0; i < COMMITS; i++) {
        nl_store_turn turn = {
            .item = "customer+purchase", .ordinal = 1, .turn = i, .state = "{}"
        };
        if (!nl_store_turn_put(run, &turn, stop, NULL, &err))
            return 1;
        nl_loop_run(loop);
    }
    double commit = (now() - started) / COMMITS;
    nl_store_close(store);
    nl_loop_free(loop);
    printf("{\"submit_us\":%.2f,\"written_per_s\":%.0f,\"commit_us\":%.0f}\n",
           submitting / CALLS * 1e6, CALLS / took, commit * 1e6);
    (void)unlink(data);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/nlsql.db.lock", dir);
    (void)unlink(path);
    return rmdir(dir) == 0 ? 0 : 1;
}
