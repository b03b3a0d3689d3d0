/* The run store where memory runs out on the loop's thread: at single places, and at each place of
 * what reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_fixture.h"
#include "test_memory.h"

static nl_store *store;
static nl_store_run *run;
static nl_store_view *view;

/* --- single places ------------------------------------------------------------------------- */

static void ignore_reserved(void *ctx, int64_t id, const nl_err *err) {
    (void)ctx;
    (void)id;
    (void)err;
}

static void assert_no_memory(bool ok, nl_err *err) {
    assert_false(ok);
    assert_int_equal(err->code, NL_NOMEM);
    *err = (nl_err){ .code = NL_OK };
}

static void nothing_is_submitted_without_memory(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_run_options options = { .phase = "x", .version = "", .fingerprint = "" };
    store = store_open(loop, dir);
    test_memory_fail(0);
    bool flushed = nl_store_flush(store, NULL, NULL, &err);
    test_memory_fail(-1);
    assert_no_memory(flushed, &err);
    test_memory_fail(0);
    run = nl_store_run_open(store, &options, NULL, &err);
    test_memory_fail(-1);
    assert_no_memory(run != NULL, &err);
    run = nl_store_run_open(store, &options, NULL, &err);
    assert_non_null(run);
    nl_store_close(store);
}

/* The set of what can be recalled grows now and then; where it cannot, the call is not taken, and
 * can be given again. */
static void a_call_that_cannot_be_remembered_is_refused(void **state) {
    (void)state;
    unsigned refused = 0;
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    for (unsigned i = 0; i < 200; i++) {
        nl_err err = { .code = NL_OK };
        const nl_store_call call = {
            .key = { i, 1 }, .outcome = "ok", .reply = "r", .reply_size = 1
        };
        test_memory_fail(1); /* its copy is made, */
        bool ok = nl_store_call_put(run, &call, NULL, NULL, &err);
        test_memory_fail(-1);
        if (ok)
            continue;
        assert_no_memory(ok, &err);
        refused++;
        assert_true(nl_store_call_put(run, &call, NULL, NULL, &err));
    }
    assert_true(refused > 0);
    assert_true(store_flush(loop, store, NULL));
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call"), 200);
}

static void assert_reserved(int64_t expected_spent, int64_t expected) {
    int64_t spent, reserved;
    nl_store_ledger(store, &spent, &reserved);
    assert_int_equal(spent, expected_spent);
    assert_int_equal(reserved, expected);
}

static void money_is_not_lost_without_memory(void **state) {
    (void)state;
    enum { ROOM = 64 }; /* of the list of what is outstanding, at first */
    nl_err err = { .code = NL_OK };
    store = store_open(loop, dir);
    int64_t first = store_reserve(loop, store, 10, &err);
    for (int i = 1; i < ROOM; i++)
        assert_true(store_reserve(loop, store, 10, &err) > 0);
    test_memory_fail(1);
    nl_store_wait *wait = nl_store_reserve(store, 10, ignore_reserved, NULL, &err);
    test_memory_fail(-1);
    assert_no_memory(wait != NULL, &err);
    assert_reserved(0, ROOM * 10);
    test_memory_fail(0);
    bool settled = nl_store_settle(store, first, 3, &err);
    test_memory_fail(-1);
    assert_no_memory(settled, &err);
    assert_reserved(0, ROOM * 10); /* it is outstanding still, */
    assert_true(nl_store_settle(store, first, 3, &err));
    assert_reserved(3, ROOM * 10 - 10);
    wait = nl_store_reserve(store, 10, ignore_reserved, NULL, &err);
    test_memory_fail(0);
    nl_store_reserve_cancel(wait);
    test_memory_fail(-1);
    assert_reserved(3, ROOM * 10); /* … and what cannot be given back is charged in the end */
    assert_true(store_flush(loop, store, &err));
    nl_store_close(store);
    store = store_open(loop, dir);
    assert_reserved(3 + ROOM * 10, 0);
    nl_store_close(store);
}

static void what_is_on_its_way_is_found_or_memory_is_told_to_be_out(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    bool found;
    char *reply;
    size_t size;
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    sqlite3 *db = store_sql_begin(dir, "SELECT 1");
    for (uint64_t i = 1; i <= 3; i++) { /* whose keys differ in one half only */
        const nl_store_call call = {
            .key = { 7, i }, .outcome = "ok", .reply = &"123"[i - 1], .reply_size = 1
        };
        assert_true(nl_store_call_put(run, &call, NULL, NULL, NULL));
    }
    test_memory_fail(0);
    bool ok = nl_store_call_get(run, (nl_key){ 7, 3 }, 0, &found, &reply, &size, &err);
    test_memory_fail(-1);
    assert_no_memory(ok, &err);
    assert_true(nl_store_call_get(run, (nl_key){ 7, 3 }, 0, &found, &reply, &size, &err));
    assert_true(found);
    assert_string_equal(reply, "3");
    free(reply);
    store_sql_commit(db);
    nl_store_close(store);
}

/* --- reading at each place ----------------------------------------------------------------- */

static unsigned rows;

static void count_seen(void *ctx, const nl_store_seen *seen) {
    (void)ctx;
    rows += strncmp(seen->question_text, "question", 8) == 0;
}

static void count_rejected(void *ctx, const nl_store_rejected *one) {
    (void)ctx;
    rows += one->gate[0] == 'g';
}

static bool see_entries(nl_err *err) {
    rows = 0;
    return nl_store_each_seen(run, count_seen, NULL, err) &&
           (rows == 2 || nl_err_set(err, NL_INVALID, "%u rows", rows));
}

static bool see_rejections(nl_err *err) {
    rows = 0;
    return nl_store_each_rejected(run, "a", count_rejected, NULL, err) &&
           (rows == 1 || nl_err_set(err, NL_INVALID, "%u rows", rows));
}

static bool get_item(nl_err *err) {
    nl_store_item item;
    return nl_store_item_get(run, "a", &item, err) &&
           (item.state[0] == '{' || nl_err_set(err, NL_INVALID, "no state: %s", item.state));
}

static bool get_call(nl_err *err) {
    bool found;
    char *reply;
    size_t size;
    bool ok = nl_store_call_get(run, nl_key_of("r1", 2), 1, &found, &reply, &size, err);
    if (ok && !found)
        ok = nl_err_set(err, NL_INVALID, "no reply");
    free(reply);
    return ok;
}

static bool look_at_reply(nl_err *err) {
    char *reply;
    size_t size;
    bool ok = nl_store_view_reply(view, 1, nl_key_of("r1", 2), 1, &reply, &size, err);
    free(reply);
    return ok;
}

static bool compare(nl_err *err) {
    nl_store_agreement found;
    return nl_store_view_compare(view, 1, dataset(), &found, err);
}

static bool look_at_secret(nl_err *err) {
    unsigned char secret[NL_SECRET_BYTES];
    bool found = false;
    return nl_store_view_secret(view, 1, secret, &found, err) &&
           (found || nl_err_set(err, NL_INVALID, "no secret"));
}

static bool look_at_runs(nl_err *err) {
    return store_take_all(nl_store_view_runs(view, true, err), err);
}

/* Long texts that somebody has made blobs are read as what they are, or memory is told to be out.
 */
static void long_blobs_are_read_or_memory_is_told_to_be_out(void **state) {
    static const test_scenario scenarios[] = {
        { "entries", see_entries, TEST_MEMORY_LIBRARY },
        { "rejections", see_rejections, TEST_MEMORY_LIBRARY },
        { "an item", get_item, TEST_MEMORY_LIBRARY },
        { "a call", get_call, 0 },
        { "a reply", look_at_reply, 0 },
        { "a comparison", compare, TEST_MEMORY_OPTIONAL | TEST_MEMORY_LIBRARY },
        { "a view", store_view_again, TEST_MEMORY_OPTIONAL },
        { "a secret", look_at_secret, TEST_MEMORY_LIBRARY },
    };
    (void)state;
    store_make();
    store_sql(dir, "UPDATE entry SET " LONG_BLOB("question") ", " LONG_BLOB("sql") ", " LONG_BLOB(
                       "line") ";"
                               "UPDATE rejection SET " LONG_BLOB("gate") ", " LONG_BLOB(
                                   "reason") ";"
                                             "UPDATE item SET " LONG_BLOB(
                                                 "state") ";"
                                                          "UPDATE call SET " LONG_BLOB("reply"));
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    view = nl_store_view_open(store_path(dir, "nlsql.db"), NULL);
    assert_non_null(view);
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
    nl_store_view_close(view);
    nl_store_close(store);
}

/* The buffer of an item's state is made when the first one is looked at. */
static void a_state_is_there_or_memory_is_told_to_be_out(void **state) {
    (void)state;
    const nl_store_turn bare = { .item = "bare", .turn = 1 };
    nl_store_item item;
    long after = 0;
    store_make();
    for (bool ok = false; !ok; after++) {
        nl_err err = { .code = NL_OK };
        store = store_open(loop, dir);
        run = store_run(store, dir, false, NULL);
        test_memory_fail(after);
        ok = get_item(&err);
        bool failed = test_memory_failed();
        test_memory_fail(-1);
        if (!ok)
            assert_no_memory(ok, &err);
        assert_true(ok != failed);
        nl_store_close(store);
    }
    assert_true(after > 1);
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    assert_true(nl_store_turn_put(run, &bare, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    assert_true(nl_store_item_get(run, "bare", &item, NULL));
    assert_true(item.found);
    assert_string_equal(item.state, "");
    nl_store_close(store);
}

/* What lies there in UTF-16 is converted each time. */
static void a_view_of_another_encoding_tells_that_memory_is_out(void **state) {
    static const test_scenario scenarios[] = { { "runs", look_at_runs, 0 } };
    (void)state;
    store_sql(dir, "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (x); DROP TABLE t");
    store_make();
    char encoding[16];
    store_text(dir, "PRAGMA encoding", encoding, sizeof encoding);
    assert_string_equal(encoding, "UTF-16le");
    view = nl_store_view_open(store_path(dir, "nlsql.db"), NULL);
    assert_non_null(view);
    test_memory_scenarios(scenarios, 1);
    nl_store_view_close(view);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_submitted_without_memory, setup_in_memory,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_call_that_cannot_be_remembered_is_refused,
                                        setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(money_is_not_lost_without_memory, setup_in_memory,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_on_its_way_is_found_or_memory_is_told_to_be_out,
                                        setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(long_blobs_are_read_or_memory_is_told_to_be_out,
                                        setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(a_state_is_there_or_memory_is_told_to_be_out,
                                        setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(a_view_of_another_encoding_tells_that_memory_is_out,
                                        setup_in_memory, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
