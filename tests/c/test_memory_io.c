/* Memory that runs out at each allocation of engine/io: the loop, child processes, the HTTP client
 * against a real server, the run store and its writer's thread. (The pool of connections, the
 * journal and the watch of folders have such tests of their own: test_pg, test_journal,
 * test_watch.) */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "fake.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/proc.h"
#include "io/store.h"
#include "store_support.h"
#include "test_memory.h"

enum { PATIENCE_MS = 10000 };

static struct fake fake;

static void give_up(void *ctx) {
    (void)ctx;
    fail_msg("nothing happened for %d ms", PATIENCE_MS);
}

static void stop(void *ctx) {
    nl_loop_stop(ctx);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void nothing(void *ctx) {
    (void)ctx;
}

static void on_event(void *ctx, int events) {
    (void)ctx;
    (void)events;
}

static bool a_loop_serves(nl_err *err) {
    int ends[2] = { -1, -1 };
    nl_watch *watch = NULL;
    nl_timer *timer = NULL;
    nl_loop *loop = nl_loop_new(err);
    bool ok = loop && (pipe(ends) == 0 || nl_err_errno(err, "no pipe"));
    ok = ok && (watch = nl_watch_new(loop, ends[0], on_event, NULL, err)) &&
         (nl_watch_set(watch, NL_READABLE) || nl_err_nomem(err)) &&
         (timer = nl_timer_start(loop, 5000, 0, nothing, NULL, err)) &&
         nl_loop_on_signal(loop, SIGUSR1, nothing, NULL, err) &&
         nl_loop_watchdog(loop, 60000, err) && nl_loop_work(loop, nothing, stop, loop, err);
    if (ok)
        nl_loop_run(loop);
    nl_timer_stop(timer);
    nl_watch_free(watch);
    nl_loop_free(loop);
    if (ends[0] >= 0) {
        close(ends[0]);
        close(ends[1]);
    }
    return ok;
}

/* libuv ends the process where it has no memory for one more descriptor: this one is large enough
 * before it runs out. */
static nl_loop *warm_loop(void) {
    enum { HIGH = 100 };
    static nl_loop *loop;
    if (loop)
        return loop;
    loop = nl_loop_new(NULL);
    assert_int_equal(dup2(fake.out, HIGH), HIGH);
    nl_watch *watch = loop ? nl_watch_new(loop, HIGH, on_event, NULL, NULL) : NULL;
    assert_true(watch && nl_watch_set(watch, NL_READABLE));
    nl_watch_free(watch);
    close(HIGH);
    return loop;
}

/* --- child processes -------------------------------------------------------------------------- */

static bool a_command_runs(nl_err *err) {
    static const char *const argv[] = { "sh", "-c", "echo $A; head -c 20000 /dev/zero", NULL };
    static const char *const env[] = { "A=b", "HOME=/", NULL };
    const nl_proc_options options = { .argv = argv, .env = env, .cwd = "/" };
    nl_buf output;
    int status = -1;
    nl_buf_init(&output);
    bool ok = nl_proc_run(&options, &output, &status, err);
    if (ok && (status != 0 || output.size != 20002))
        ok = nl_err_set(err, NL_INVALID, "status %d, %zu bytes", status, output.size);
    nl_buf_release(&output);
    return ok;
}

/* --- HTTP ------------------------------------------------------------------------------------- */

struct answer {
    nl_loop *loop;
    nl_err err;
    long status;
};

static void on_answer(void *ctx, nl_http_reply *reply) {
    struct answer *answer = ctx;
    answer->status = reply->status;
    answer->err = reply->err;
    nl_loop_stop(answer->loop);
}

static bool ask(nl_loop *loop, nl_http *http, nl_err *err) {
    static const char *const headers[] = { "Content-Type: application/json", "X-Run: 1", NULL };
    static const char body[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"two\"}]}";
    const nl_http_request request = { .url = fake.chat,
                                      .headers = headers,
                                      .body = body,
                                      .body_size = sizeof body - 1,
                                      .total_ms = PATIENCE_MS / 2 };
    struct answer answer = { .loop = loop };
    if (!nl_http_start(http, &request, on_answer, &answer, err))
        return false;
    nl_loop_run(loop);
    if (answer.err.code != NL_OK)
        *err = answer.err;
    else if (answer.status != 200)
        nl_err_set(err, NL_MODEL, "status %ld", answer.status);
    return answer.err.code == NL_OK && answer.status == 200;
}

/* What failed for want of memory must not keep the client from serving once it is there. */
static bool requests_are_answered(nl_err *err) {
    nl_http_options options = { .max_connections = 4 };
    nl_loop *loop = warm_loop();
    nl_timer *patience = nl_timer_start(loop, PATIENCE_MS, 0, give_up, NULL, err);
    nl_http *http = patience ? nl_http_new(loop, &options, err) : NULL;
    bool ok = http && nl_http_auth(http, fake.base, "key-of-a-test", err) && ask(loop, http, err) &&
              ask(loop, http, err);
    test_memory_fail(-1);
    nl_err again = { .code = NL_OK };
    if (http && !ok && !ask(loop, http, &again)) {
        *err = (nl_err){ .code = NL_OK };
        fail_msg("the client does not serve any more: %s", again.msg);
    }
    nl_http_free(http);
    nl_timer_stop(patience);
    return ok;
}

/* --- the store -------------------------------------------------------------------------------- */

struct writing {
    nl_loop *loop;
    nl_err err;
    int64_t reservation;
    bool durable;
};

static void on_reserved(void *ctx, int64_t reservation, const nl_err *err) {
    struct writing *w = ctx;
    w->reservation = reservation;
    if (err)
        w->err = *err;
    nl_loop_stop(w->loop);
}

static void on_durable(void *ctx, const nl_err *err) {
    struct writing *w = ctx;
    w->durable = err == NULL;
    if (err)
        w->err = *err;
    nl_loop_stop(w->loop);
}

static bool put_call(nl_store_run *run, int64_t reservation, nl_err *err) {
    nl_store_call call = { .key = nl_key_of("request", 7),
                           .sample = 1,
                           .purpose = "ask",
                           .item = "a+b",
                           .model = "m",
                           .request = "request",
                           .request_size = 7,
                           .reply = "a reply",
                           .reply_size = 7,
                           .outcome = "ok",
                           .cost = 60,
                           .reservation = reservation };
    return nl_store_call_put(run, &call, NULL, NULL, err);
}

static bool write_all(struct writing *w, nl_store *store, nl_store_run *run, nl_err *err) {
    nl_store_item item;
    bool found;
    char *reply = NULL;
    size_t size;
    if (!nl_store_reserve(store, 100, on_reserved, w, err))
        return false;
    nl_loop_run(w->loop);
    if (w->err.code == NL_OK && put_call(run, w->reservation, err) &&
        store_put_turn(run, "a+b", 1, 1, 3, on_durable, w, err))
        nl_loop_run(w->loop);
    if (w->err.code != NL_OK)
        *err = w->err;
    bool ok = w->durable && nl_store_item_get(run, "a+b", &item, err) &&
              nl_store_call_get(run, nl_key_of("request", 7), 1, &found, &reply, &size, err);
    free(reply);
    return ok;
}

/* After a failure, with memory again: what was reported durable is there, nothing is torn. */
static void check_store(const char *dir, const struct writing *w) {
    char text[64];
    nl_loop *loop = nl_loop_new(NULL);
    nl_store *store = store_open(loop, dir);
    nl_store_run_close(store_run(store, dir, false, NULL));
    nl_store_close(store);
    nl_loop_free(loop);
    store_text(dir, "PRAGMA integrity_check", text, sizeof text);
    assert_string_equal(text, "ok");
    int64_t entries = store_number(dir, "SELECT count(*) FROM entry");
    if (w->durable)
        assert_int_equal(entries, 3);
    else
        assert_true(entries == 0 || entries == 3); /* a turn is durable as a whole */
    assert_int_equal(store_number(dir, "SELECT coalesce(sum(accepted), 0) FROM item"), entries);
    char *file = store_file(store_path(dir, "dataset.jsonl"));
    size_t lines = 0;
    for (const char *at = file; at && (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, entries);
    free(file);
}

static bool a_run_is_stored(nl_err *err) {
    const char *dir = store_dir(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
    char path[300], dataset[300];
    struct writing w = { .loop = warm_loop() };
    nl_store_run *run = NULL;
    (void)snprintf(path, sizeof path, "%s/nlsql.db", dir);
    (void)snprintf(dataset, sizeof dataset, "%s/dataset.jsonl", dir);
    nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = dataset
    };
    nl_timer *patience = w.loop ? nl_timer_start(w.loop, PATIENCE_MS, 0, give_up, NULL, err) : NULL;
    nl_store *store = patience ? nl_store_open(w.loop, path, err) : NULL;
    if (store)
        run = nl_store_run_open(store, &options, NULL, err);
    bool ok = run && write_all(&w, store, run, err);
    nl_store_close(store);
    test_memory_fail(-1);
    nl_timer_stop(patience);
    check_store(dir, &w);
    store_remove(dir);
    return ok;
}

/* --- all -------------------------------------------------------------------------------------- */

static void each_allocation_may_fail(void **state) {
    static const test_scenario scenarios[] = {
        { "a loop serves", a_loop_serves, TEST_MEMORY_OWN }, /* libuv gives up */
        { "a command runs", a_command_runs, 0 },
        /* libcurl 7.88 divides by the size of a table that it could not make */
        { "requests are answered", requests_are_answered,
          TEST_MEMORY_OWN | TEST_MEMORY_CODE | TEST_MEMORY_OPTIONAL },
        { "a run is stored", a_run_is_stored, TEST_MEMORY_THREADS | TEST_MEMORY_OPTIONAL },
    };
    (void)state;
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}

static int set_up(void **state) {
    (void)state;
    nl_log_setup(NL_ERROR + 1, false);
    fake_start(&fake, BUILD_DIR "/tests/fake_openai", NULL, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    nl_loop_free(warm_loop());
    fake_stop(&fake);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
