/* The run store: items, calls, and the queue that writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

/* --- items --------------------------------------------------------------------------------- */

static void an_item_goes_on_where_its_last_commit_left_it(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run_info info;
    nl_store_run *run = store_run(store, dir, false, &info);
    nl_store_item item;
    nl_store_rejection fallen = {
        .gate = "explain", .reason = "no column x", .sql = "SELECT x", .candidate = 2
    };
    nl_store_turn last = { .item = "a+b",
                           .ordinal = 7,
                           .done = true,
                           .rejections = &fallen,
                           .n_rejections = 1,
                           .turn = 3 };

    assert_false(info.resumed);
    assert_true(nl_store_item_get(run, "a+b", &item, NULL));
    assert_false(item.found);
    assert_true(store_put_turn(run, "a+b", 1, 1, 2, NULL, NULL, NULL));
    assert_true(store_put_turn(run, "a+b", 2, 3, 1, NULL, NULL, NULL));
    assert_true(store_put_turn(run, "other", 1, 4, 1, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    assert_true(nl_store_item_get(run, "a+b", &item, NULL));
    assert_true(item.found && !item.done);
    assert_int_equal(item.turns, 2);
    assert_int_equal(item.accepted, 3);
    assert_true(nl_store_turn_put(run, &last, NULL, NULL, NULL));
    nl_store_close(store); /* also closes the run */

    store = store_open(loop, dir);
    run = store_run(store, dir, false, &info);
    assert_true(info.resumed && !info.changed && !info.rewritten);
    assert_int_equal(info.items_done, 1);
    assert_int_equal(info.entries, 4);
    assert_true(nl_store_item_get(run, "a+b", &item, NULL));
    assert_true(item.found && item.done);
    assert_int_equal(item.turns, 3);
    assert_string_equal(item.state, "{\"history\":[]}"); /* NULL left it unchanged */
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM rejection WHERE gate = 'explain' "
                                       "AND candidate = 2 AND question IS NULL"),
                     1);
    store_assert_file(dataset(), store_lines_to(4));
}

static void no_turn_changes_the_state_only(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    nl_store_item item;
    nl_store_turn finished = {
        .item = "a+b", .ordinal = 1, .turn = 0, .done = true, .state = "{}"
    };
    assert_true(store_put_turn(run, "a+b", 5, 1, 1, NULL, NULL, NULL));
    assert_true(nl_store_turn_put(run, &finished, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    assert_true(nl_store_item_get(run, "a+b", &item, NULL));
    assert_int_equal(item.turns, 5);
    assert_true(item.done);
    assert_string_equal(item.state, "{}");
    nl_store_close(store);
}

static void collect(void *ctx, const nl_store_seen *seen) {
    char *text = ctx;
    size_t n = strlen(text);
    (void)snprintf(text + n, 256 - n, "%d.%d.%d %s|%s;", (int)seen->sql.hi, (int)seen->masked.lo,
                   (int)seen->question.lo, seen->question_text, seen->sql_text);
}

static void entries_are_seen_in_commit_order(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    char text[256] = "";
    assert_true(store_put_turn(run, "z", 1, 9, 1, NULL, NULL, NULL));
    assert_true(store_put_turn(run, "a", 1, 2, 1, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    assert_true(nl_store_each_seen(run, collect, text, NULL));
    assert_string_equal(text, "9.2.3 question 9?|SELECT 9;2.2.3 question 2?|SELECT 2;");
    nl_store_close(store);
}

static void a_row_of_two_lines_is_refused(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    nl_err err;
    nl_store_entry entry = { .line = "{}\n{}", .question = "q", .sql = "s" };
    nl_store_turn turn = { .item = "i", .turn = 1, .entries = &entry, .n_entries = 1 };
    assert_false(nl_store_turn_put(run, &turn, NULL, NULL, &err));
    assert_int_equal(err.code, NL_INVALID);
    nl_store_close(store);
    store_assert_file(dataset(), "");
}

/* --- calls --------------------------------------------------------------------------------- */

static void a_paid_reply_is_recalled_by_key_and_sample(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run_info info;
    nl_store_run *run = store_run(store, dir, false, NULL);
    store_assert_recall(run, "r1", 1, NULL);
    assert_true(store_put_call(run, "r1", 1, "first", 0, 0));
    store_assert_recall(run, "r1", 1, "first"); /* at once, committed or not */
    assert_true(store_put_call(run, "r1", 2, "second", 0, 0));
    assert_true(store_put_call(run, "r2", 1, "", 0, 0));
    assert_true(store_put_call(run, "r1", 1, "too late", 0, 0));
    for (int pass = 0; pass < 2; pass++) { /* as written, and after a restart */
        assert_true(store_flush(loop, store, NULL));
        store_assert_recall(run, "r1", 1, "first");
        store_assert_recall(run, "r1", 2, "second");
        store_assert_recall(run, "r1", 3, NULL);
        store_assert_recall(run, "r2", 1, "");
        store_assert_recall(run, "r3", 1, NULL);
        nl_store_close(store);
        store = store_open(loop, dir);
        run = store_run(store, dir, false, &info);
        assert_true(info.resumed);
        assert_int_equal(info.calls, 4);
    }
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM text"), 2); /* once each */
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call JOIN text ON text.id = request "
                                       "WHERE body = 'r1'"),
                     3);
}

static void a_failed_call_is_never_served_again(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run_info info;
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_call(run, "r1", 1, NULL, 0, 25));
    store_assert_recall(run, "r1", 1, NULL);
    assert_true(store_flush(loop, store, NULL));
    store_assert_recall(run, "r1", 1, NULL);
    nl_store_close(store);
    store = store_open(loop, dir);
    run = store_run(store, dir, false, &info);
    assert_int_equal(info.calls, 0);
    store_assert_recall(run, "r1", 1, NULL);
    assert_true(store_put_call(run, "r1", 1, "now it came", 0, 0));
    store_assert_recall(run, "r1", 1, "now it came");
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call WHERE outcome = 'timeout' "
                                       "AND cost = 25 AND tokens_in = 10 AND tokens_out IS NULL"),
                     1);
}

static void a_reply_may_hold_any_byte(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    nl_key key = { 1, 2 };
    nl_store_call call = { .key = key, .reply = "a\0b", .reply_size = 3, .outcome = "ok" };
    bool found;
    char *reply;
    size_t size;
    assert_true(nl_store_call_put(run, &call, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    assert_true(nl_store_call_get(run, key, 0, &found, &reply, &size, NULL));
    assert_true(found);
    assert_int_equal(size, 3);
    assert_memory_equal(reply, "a\0b", 4);
    free(reply);
    nl_store_close(store);
}

/* --- the queue ----------------------------------------------------------------------------- */

static unsigned called;

static void count_call(void *ctx, const nl_err *err) {
    (void)ctx;
    assert_null(err);
    called++;
}

static void closing_writes_what_was_submitted_and_calls_nobody(void **state) {
    (void)state;
    called = 0;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    for (unsigned i = 1; i <= 20; i++)
        assert_true(store_put_turn(run, "a", i, i, 1, count_call, NULL, NULL));
    assert_int_equal(called, 0); /* never inline */
    nl_store_close(store);
    assert_int_equal(called, 0);
    store_assert_file(dataset(), store_lines_to(20));
}

static void done_comes_once_each_in_order_and_the_backlog_empties(void **state) {
    (void)state;
    called = 0;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_int_equal(nl_store_backlog(store), 0);
    for (unsigned i = 1; i <= 200; i++)
        assert_true(store_put_turn(run, "a", i, i, 1, i % 2 ? count_call : NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    assert_int_equal(called, 100);
    for (int i = 0; i < 1000 && nl_store_backlog(store) > 0; i++)
        usleep(1000); /* the flush itself leaves the count a moment after it reports */
    assert_int_equal(nl_store_backlog(store), 0);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), 200);
    nl_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_item_goes_on_where_its_last_commit_left_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_turn_changes_the_state_only, setup, teardown),
        cmocka_unit_test_setup_teardown(entries_are_seen_in_commit_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_of_two_lines_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_paid_reply_is_recalled_by_key_and_sample, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failed_call_is_never_served_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reply_may_hold_any_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_writes_what_was_submitted_and_calls_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(done_comes_once_each_in_order_and_the_backlog_empties,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
