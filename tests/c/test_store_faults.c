/* The run store where memory runs out at each of its allocations, and where its tables are gone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_fixture.h"
#include "test_memory.h"

/* Far in, where SQLite allocates for itself, not each one is tried. */
enum { MOST = 8000, STEP = 12 };

/* --- memory -------------------------------------------------------------------------------- */

static void ignore_seen(void *ctx, const nl_store_seen *seen) {
    (void)ctx;
    (void)seen;
}

static void ignore_rejected(void *ctx, const nl_store_rejected *one) {
    (void)ctx;
    (void)one;
}

static void ignore_reserved(void *ctx, int64_t id, const nl_err *err) {
    (void)ctx;
    (void)id;
    (void)err;
}

static nl_store *store;
static nl_store_run *run;
static nl_store_view *view;

/* One call each, with all that it needs open. */
static bool open_again(nl_err *err) {
    nl_store *other = nl_store_open(loop, store_path(dir, "other.db"), err);
    nl_store_close(other);
    return other != NULL;
}

static bool open_scratch(nl_err *err) {
    nl_store *other = nl_store_open_scratch(loop, err);
    nl_store_close(other);
    return other != NULL;
}

static bool get_item(nl_err *err) {
    nl_store_item item;
    return nl_store_item_get(run, "a", &item, err);
}

static bool get_call(nl_err *err) {
    bool found;
    char *reply;
    size_t size;
    bool ok = nl_store_call_get(run, nl_key_of("r1", 2), 1, &found, &reply, &size, err);
    free(reply);
    return ok;
}

static bool see_entries(nl_err *err) {
    return nl_store_each_seen(run, ignore_seen, NULL, err);
}

static bool see_rejections(nl_err *err) {
    return nl_store_each_rejected(run, "a", ignore_rejected, NULL, err);
}

static bool put_turn(nl_err *err) {
    const nl_store_rejection fallen = { .gate = "g", .reason = "r" };
    const int64_t one = 1;
    const nl_store_turn turn = { .item = "a",
                                 .turn = 1,
                                 .rejections = &fallen,
                                 .n_rejections = 1,
                                 .retried = &one,
                                 .n_retried = 1 };
    return nl_store_turn_put(run, &turn, NULL, NULL, err);
}

static unsigned requests;

static bool put_call(nl_err *err) {
    char request[32];
    const nl_store_call call = { .key = { ++requests, 1 },
                                 .purpose = "ask",
                                 .model = "m",
                                 .outcome = "ok",
                                 .request = request,
                                 .request_size = 3,
                                 .reply = "reply",
                                 .reply_size = 5 };
    (void)snprintf(request, sizeof request, "%03u", requests % 1000);
    return nl_store_call_put(run, &call, NULL, NULL, err);
}

static bool note(nl_err *err) {
    return nl_store_run_note(run, "config", "changed", err);
}

static bool end(nl_err *err) {
    return nl_store_run_end(run, "done", err);
}

static bool reserve(nl_err *err) {
    return nl_store_reserve(store, 5, ignore_reserved, NULL, err) != NULL;
}

static bool flush(nl_err *err) {
    nl_store_wait *wait = nl_store_reserve(store, 0, ignore_reserved, NULL, err);
    if (!wait)
        return false;
    nl_store_reserve_cancel(wait);
    return true;
}

static bool look_at_holder(nl_err *err) {
    int64_t pid;
    return nl_store_view_holder(view, &pid, err);
}

static bool look_at_runs(nl_err *err) {
    return store_take_all(nl_store_view_runs(view, true, err), err);
}

static bool look_at_events(nl_err *err) {
    return store_take_all(nl_store_view_events(view, 1, (nl_store_marks){ 0 }, err), err);
}

static bool look_at_reply(nl_err *err) {
    char *reply;
    size_t size;
    nl_store_view *other = nl_store_view_open(store_path(dir, "nlsql.db"), err);
    bool ok = other && nl_store_view_reply(other, 1, nl_key_of("r1", 2), 1, &reply, &size, err);
    if (ok)
        free(reply);
    nl_store_view_close(other);
    return ok;
}

static bool look_at_ledger(nl_err *err) {
    int64_t spent, reserved;
    return nl_store_view_ledger(view, &spent, &reserved, err);
}

static bool compare(nl_err *err) {
    nl_store_agreement found;
    return nl_store_view_compare(view, 1, store_path(dir, "dataset.jsonl"), &found, err);
}

static const struct {
    const char *what;
    bool (*call)(nl_err *err);
    bool again; /* it goes well a second time */
} calls[] = {
    { "open", open_again, true },
    { "open_scratch", open_scratch, true },
    { "item_get", get_item, true },
    { "call_get", get_call, true },
    { "each_seen", see_entries, true },
    { "each_rejected", see_rejections, true },
    { "turn_put", put_turn, true },
    { "call_put", put_call, true },
    { "note", note, true },
    { "end", end, true },
    { "reserve", reserve, true },
    { "reserve nothing", flush, true },
    { "view_open", store_view_again, true },
    { "holder", look_at_holder, true },
    { "runs", look_at_runs, true },
    { "events", look_at_events, true },
    { "reply", look_at_reply, true },
    { "ledger", look_at_ledger, true },
    { "compare", compare, true },
};

static void memory_may_run_out_at_each_allocation(void **state) {
    (void)state;
    if (!test_memory_can_fail())
        skip();
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    assert_true(store_put_turn(run, "a", 1, 1, 2, NULL, NULL, NULL));
    assert_true(put_turn(NULL));
    assert_true(store_put_call(run, "r1", 1, "reply", 0, 0));
    assert_true(store_flush(loop, store, NULL));
    view = nl_store_view_open(store_path(dir, "nlsql.db"), NULL);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        long after = 0;
        for (;; after += 1 + after / STEP) {
            nl_err err = { .code = NL_OK };
            test_memory_fail(after);
            bool ok = calls[i].call(&err);
            bool failed = test_memory_failed();
            test_memory_fail(-1);
            if (!ok && err.code != NL_NOMEM && !strstr(err.msg, strerror(ENOMEM)))
                fail_msg("%s, allocation %ld: %s", calls[i].what, after, err.msg);
            if (ok && !failed)
                break;
            assert_true(after < MOST);
            assert_true(!ok || failed);
            if (calls[i].again && !calls[i].call(&err))
                fail_msg("%s, after allocation %ld failed: %s", calls[i].what, after, err.msg);
        }
        print_message("  %-16s %ld allocations\n", calls[i].what, after);
    }
    nl_store_view_close(view);
    assert_true(store_flush(loop, store, NULL)); /* nothing of it has hurt the store */
    nl_store_close(store);
}

/* --- tables that are gone ------------------------------------------------------------------ */

/* What stands in for any error of the database while it is written to: somebody took a table away.
 * The store fails with a sentence, once and for all, and what was durable before stays. */
static const struct {
    const char *table;
    bool (*call)(nl_err *err);
} gone[] = {
    { "item", put_turn }, { "rejection", put_turn }, { "text", put_call },  { "call", put_call },
    { "run", note },      { "opening", end },        { "ledger", reserve },
};

static void a_table_that_is_gone_fails_the_store_for_good(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        char drop[64];
        nl_err err = { .code = NL_OK }, again = { .code = NL_OK };
        store = store_open(loop, dir);
        run = store_run(store, dir, false, NULL);
        assert_true(store_put_turn(run, "a", 1, 1, 2, NULL, NULL, NULL));
        assert_true(store_flush(loop, store, NULL));
        (void)snprintf(drop, sizeof drop, "PRAGMA foreign_keys = 0; DROP TABLE %s", gone[i].table);
        store_sql(dir, drop);
        assert_true(gone[i].call(&err));
        assert_false(store_flush(loop, store, &err));
        if (!strstr(err.msg, gone[i].table))
            fail_msg("%s: %s", gone[i].table, err.msg);
        assert_false(note(&again));
        assert_string_equal(again.msg, err.msg);
        assert_false(put_turn(&again));
        assert_null(nl_store_run_open(
            store, &(nl_store_run_options){ .phase = "x", .version = "", .fingerprint = "" }, NULL,
            &again));
        nl_store_close(store);
        store_assert_file(store_path(dir, "dataset.jsonl"), store_lines_to(2));
        store_remove(dir);
        (void)snprintf(dir, sizeof dir, "%s", store_dir(NULL));
    }
}

static void a_run_is_not_opened_where_a_table_is_gone(void **state) {
    (void)state;
    static const char *const tables[] = { "run", "opening", "item", "entry", "call" };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char drop[64];
        nl_err err = { .code = NL_OK };
        store = store_open(loop, dir);
        store_put_turn(store_run(store, dir, false, NULL), "a", 1, 1, 1, NULL, NULL, NULL);
        nl_store_close(store);
        store = store_open(loop, dir);
        (void)snprintf(drop, sizeof drop, "PRAGMA foreign_keys = 0; DROP TABLE %s", tables[i]);
        store_sql(dir, drop);
        for (int fresh = 0; fresh < 2; fresh++) {
            const nl_store_run_options options = { .phase = "joins",
                                                   .version = "",
                                                   .fingerprint = "f",
                                                   .fresh = fresh,
                                                   .dataset = store_path(dir, "dataset.jsonl") };
            assert_null(nl_store_run_open(store, &options, NULL, &err));
            if (!strstr(err.msg, tables[i]))
                fail_msg("%s: %s", tables[i], err.msg);
        }
        nl_store_close(store);
        store_remove(dir);
        (void)snprintf(dir, sizeof dir, "%s", store_dir(NULL));
    }
}

static void reading_where_a_table_is_gone_is_an_error(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    assert_true(store_put_call(run, "r1", 1, "reply", 0, 0));
    assert_true(store_flush(loop, store, NULL));
    view = nl_store_view_open(store_path(dir, "nlsql.db"), NULL);
    store_sql(dir,
              "PRAGMA foreign_keys = 0; DROP TABLE entry; DROP TABLE call; DROP TABLE rejection;"
              "DROP TABLE item; DROP TABLE ledger");
    bool (*const reading[])(nl_err *) = { get_item,       get_call,       see_entries,
                                          see_rejections, look_at_runs,   look_at_events,
                                          look_at_reply,  look_at_ledger, compare };
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++) {
        err = (nl_err){ .code = NL_OK };
        assert_false(reading[i](&err));
        assert_int_equal(err.code, NL_IO);
        assert_non_null(strstr(err.msg, "no such table"));
    }
    nl_store_view_close(view);
    nl_store_close(store);
}

/* SQLite's own memory, which the writer's thread takes. */
static void a_writer_without_memory_fails_the_store(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    assert_true(store_put_turn(run, "a", 1, 1, 2, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    char *large = malloc(4 << 20);
    assert_non_null(large);
    memset(large, 'x', 4 << 20);
    const nl_store_call call = { .key = { 5, 5 },
                                 .purpose = "ask",
                                 .model = "m",
                                 .outcome = "ok",
                                 .request = large,
                                 .request_size = 4 << 20 };
    sqlite3_hard_heap_limit64(sqlite3_memory_used() + 100000);
    assert_true(nl_store_call_put(run, &call, NULL, NULL, NULL));
    assert_false(store_flush(loop, store, &err));
    sqlite3_hard_heap_limit64(0);
    assert_int_equal(err.code, NL_NOMEM);
    nl_store_close(store);
    free(large);
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    nl_store_close(store);
    store_assert_file(store_path(dir, "dataset.jsonl"), store_lines_to(2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_may_run_out_at_each_allocation, setup, teardown),
        cmocka_unit_test_setup_teardown(a_table_that_is_gone_fails_the_store_for_good, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_run_is_not_opened_where_a_table_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_where_a_table_is_gone_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writer_without_memory_fails_the_store, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
