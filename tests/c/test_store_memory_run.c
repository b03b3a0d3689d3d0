/* The run store where memory runs out at each place while it and its runs are opened and written,
 * most of which the writer's thread does. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"
#include "test_memory.h"

static nl_store *store;
static nl_store_run *run;

/* --- opening a run ------------------------------------------------------------------------- */

static const char *lines; /* what is in the dataset; NULL: there is none, */
static const char *tail;  /* and what a crash left behind it */

/* With calls that need no memory themselves. */
static void leave_dataset(void) {
    (void)unlink(dataset());
    if (!lines)
        return;
    int fd = open(dataset(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
    assert_int_equal(write(fd, tail, strlen(tail)), strlen(tail));
    assert_int_equal(close(fd), 0);
}

static bool a_run_is_opened(nl_err *err) {
    const nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = dataset()
    };
    nl_store_run_info info;
    leave_dataset();
    nl_store_run *opened = nl_store_run_open(store, &options, &info, err);
    test_memory_fail(-1);
    bool ok = opened != NULL;
    if (ok && (info.entries != 2 || info.calls != 1 || !nl_store_run_before(opened)[0]))
        ok = nl_err_set(err, NL_INVALID, "it is not whole");
    if (ok && info.kept[0] && !tail[0])
        fail_msg("what agrees with the entries was put away");
    nl_store_run_close(opened);
    assert_null(nl_store_failed(store)); /* it can be tried again */
    if (info.kept[0])
        unlink(info.kept);
    return ok;
}

/* A torn line that there is no memory to look at may be anybody's: it is put away. */
static void open_under_faults(const char *whole, const char *torn) {
    const int flags = TEST_MEMORY_THREADS | TEST_MEMORY_CODE | (torn[0] ? TEST_MEMORY_OPTIONAL : 0);
    const test_scenario scenarios[] = {
        { "a run is opened (own)", a_run_is_opened, flags | TEST_MEMORY_OWN },
        { "a run is opened", a_run_is_opened, flags | TEST_MEMORY_OPTIONAL },
    };
    lines = whole;
    tail = torn;
    store = store_open(loop, dir);
    test_memory_scenarios(scenarios, 2);
    nl_store_close(store);
}

static void a_run_is_opened_or_memory_is_told_to_be_out(void **state) {
    (void)state;
    store_make();
    open_under_faults(NULL, "");
    open_under_faults(store_lines_to(2), "");
    open_under_faults(store_lines_to(2), "{\"ques");
    store_assert_file(dataset(), store_lines_to(2));
}

static void long_lines_are_written_or_memory_is_told_to_be_out(void **state) {
    (void)state;
    store_make();
    store_sql(dir, "UPDATE entry SET " LONG_BLOB("line"));
    open_under_faults(NULL, "");
    char *text = store_file(dataset());
    assert_int_equal(strlen(text), 2 * 12296);
    open_under_faults(text, "");
    free(text);
}

/* --- from the beginning -------------------------------------------------------------------- */

static bool a_store_is_opened(nl_err *err) {
    nl_store *opened = nl_store_open(loop, store_path(dir, "nlsql.db"), err);
    nl_store_close(opened);
    return opened != NULL;
}

static bool a_run_begins_anew(nl_err *err) {
    const nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = dataset(), .fresh = true
    };
    nl_store_run *opened = nl_store_run_open(store, &options, NULL, err);
    test_memory_fail(-1);
    bool ok = opened != NULL;
    nl_store_run_close(opened);
    assert_null(nl_store_failed(store));
    return ok;
}

static void on_durable(void *ctx, const nl_err *err) {
    if (err)
        *(nl_err *)ctx = *err;
    nl_loop_stop(loop);
}

static uint32_t turns;
static bool other_schema;

/* With a schema that changed meanwhile, SQLite prepares each statement anew, within the
 * transaction: where memory runs out then, the transaction is gone, and the statement is not. */
static void open_all(void) {
    store = store_open(loop, dir);
    run = store_run(store, dir, false, NULL);
    if (other_schema)
        store_sql(dir, "CREATE TABLE other (x); DROP TABLE other");
}

/* All of a turn is there, or it is told that nothing is. Opens the store for the next one. */
static bool a_turn_is_written(nl_err *err) {
    int64_t before = 2 * turns;
    if (store_put_turn(run, "a", turns + 1, 2 * turns + 1, 2, on_durable, err, err))
        nl_loop_run(loop);
    test_memory_fail(-1);
    bool ok = err->code == NL_OK;
    turns += ok;
    nl_store_close(store);
    open_all();
    assert_int_equal(
        store_number(dir, "SELECT count(*) FROM entry WHERE run = (SELECT max(id) FROM run)"),
        before + (ok ? 2 : 0));
    assert_int_equal(store_number(dir, "SELECT accepted FROM item ORDER BY run DESC LIMIT 1"),
                     before + (ok ? 2 : 0));
    return ok;
}

static void a_beginning_is_made_or_memory_is_told_to_be_out(void **state) {
    const int flags = TEST_MEMORY_THREADS | TEST_MEMORY_OPTIONAL;
    const test_scenario opening[] = {
        { "a store is opened", a_store_is_opened, flags | TEST_MEMORY_CODE },
    };
    const test_scenario running[] = { { "a run begins anew", a_run_begins_anew, flags } };
    const test_scenario writing[] = {
        { "a turn is written (own)", a_turn_is_written, TEST_MEMORY_THREADS | TEST_MEMORY_OWN },
        { "a turn is written", a_turn_is_written, flags },
        { "a turn is written in another schema", a_turn_is_written, flags },
    };
    (void)state;
    store_make();
    test_memory_scenarios(opening, 1);
    store = store_open(loop, dir);
    test_memory_scenarios(running, 1);
    nl_store_close(store);
    turns = 0;
    open_all();
    assert_true(store_put_turn(run, "a", ++turns, 1, 2, NULL, NULL, NULL));
    test_memory_scenarios(writing, 2);
    nl_store_close(store);
    /* few enough allocations for memory to run out at each */
    store_sql(dir, "DROP INDEX call_run; DROP INDEX rejection_run; DROP INDEX opening_run");
    other_schema = true;
    open_all();
    test_memory_scenarios(writing + 2, 1);
    nl_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_is_opened_or_memory_is_told_to_be_out,
                                        setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(long_lines_are_written_or_memory_is_told_to_be_out,
                                        setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(a_beginning_is_made_or_memory_is_told_to_be_out,
                                        setup_in_memory, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
