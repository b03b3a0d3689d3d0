/* The run store looked at from another place: runs, events, replies, comparisons. */

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/store_view.h"
#include "store_fixture.h"

static nl_store_view *view_open(void) {
    nl_err err = { .code = NL_OK };
    nl_store_view *view = nl_store_view_open(store_path(dir, "nlsql.db"), &err);
    if (!view)
        fail_msg("%s", err.msg);
    return view;
}

/* A turn of item "a" with a rejection, and those of `retried` taken up. */
static void reject(nl_store_run *run, const char *gate, const char *detail, const int64_t *retried,
                   size_t n) {
    const nl_store_rejection fallen = { .gate = gate,
                                        .reason = "why",
                                        .question = "q?",
                                        .sql = "SELECT x",
                                        .detail = detail,
                                        .candidate = 3 };
    const nl_store_turn turn = { .item = "a",
                                 .ordinal = 1,
                                 .turn = 2,
                                 .rejections = &fallen,
                                 .n_rejections = 1,
                                 .retried = retried,
                                 .n_retried = n };
    assert_true(nl_store_turn_put(run, &turn, NULL, NULL, NULL));
}

/* Columns of a row, as text: "1|joins||NULL". */
static const char *row_of(nl_store_cursor *cursor, const int *columns, size_t n) {
    static char text[512];
    const nl_store_field *fields;
    nl_err err = { .code = NL_OK };
    size_t size = 0;
    int more = nl_store_cursor_next(cursor, &fields, &err);
    if (more < 0)
        fail_msg("%s", err.msg);
    text[0] = '\0';
    for (size_t i = 0; more && i < n; i++) {
        const nl_store_field *f = &fields[columns[i]];
        const char *bar = i ? "|" : "";
        if (f->kind == NL_FIELD_TEXT)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", bar, f->text);
        else if (f->kind == NL_FIELD_NULL)
            size += (size_t)snprintf(text + size, sizeof text - size, "%sNULL", bar);
        else if (f->kind == NL_FIELD_REAL)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%g", bar, f->real);
        else
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%lld", bar,
                                     (long long)f->number);
    }
    return more ? text : NULL;
}

enum {
    ID,
    PHASE,
    VERSION,
    PID = 9,
    ENDED,
    OUTCOME,
    CHANGED,
    ITEMS,
    DONE,
    ENTRIES,
    REJECTIONS,
    CALLS,
    FAILED,
    COST
};

static void runs_are_listed_while_they_are_written(void **state) {
    (void)state;
    static const int seen[] = { ID,   PHASE,   VERSION,    OUTCOME, CHANGED, ITEMS,
                                DONE, ENTRIES, REJECTIONS, CALLS,   FAILED,  COST };
    const size_t n = sizeof seen / sizeof *seen;
    nl_err err = { .code = NL_OK };
    int64_t pid = -1, spent, reserved;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    nl_store_view *view = view_open();
    nl_store_cursor *cursor = nl_store_view_runs(view, false, &err);
    assert_string_equal(row_of(cursor, seen, n), "1|joins||NULL|NULL|0|0|0|0|0|0|0");
    nl_store_cursor_free(cursor);
    assert_true(nl_store_view_holder(view, &pid, &err));
    assert_int_equal(pid, getpid());

    assert_true(store_put_turn(run, "a", 1, 1, 2, NULL, NULL, NULL));
    reject(run, "explain", NULL, NULL, 0);
    assert_true(store_put_call(run, "r1", 1, "reply", 0, 7));
    assert_true(store_put_call(run, "r2", 1, NULL, 0, 5));
    assert_true(nl_store_run_note(run, "{}", "the model", &err));
    assert_true(nl_store_run_end(run, "done", &err));
    assert_true(store_reserve(loop, store, 30, NULL) > 0);
    assert_true(store_flush(loop, store, NULL));
    cursor = nl_store_view_runs(view, false, &err);
    assert_string_equal(row_of(cursor, seen, n), "1|joins||done|the model|1|0|2|1|2|1|12");
    assert_null(row_of(cursor, seen, n));
    nl_store_cursor_free(cursor);
    assert_true(nl_store_view_ledger(view, &spent, &reserved, &err));
    assert_int_equal(spent, 12);
    assert_int_equal(reserved, 30);
    nl_store_run_close(run);
    run = store_run(store, dir, true, NULL); /* puts the first away */
    cursor = nl_store_view_runs(view, false, &err);
    assert_string_equal(row_of(cursor, seen, 1), "2");
    nl_store_cursor_free(cursor);
    cursor = nl_store_view_runs(view, true, &err);
    assert_string_equal(row_of(cursor, seen, 1), "1");
    nl_store_view_close(view); /* with a cursor that is open still */
    nl_store_cursor_free(cursor);
    nl_store_close(store);

    view = view_open();
    assert_true(nl_store_view_holder(view, &pid, &err));
    assert_int_equal(pid, 0);
    unlink(store_path(dir, "nlsql.db.lock"));
    assert_true(nl_store_view_holder(view, &pid, &err));
    assert_int_equal(pid, 0);
    nl_store_view_close(view);
}

static void a_look_at_the_lock_keeps_nobody_out(void **state) {
    (void)state;
    int64_t pid;
    nl_store_close(store_open(loop, dir));
    nl_store_view *view = view_open();
    for (int i = 0; i < 50; i++) {
        assert_true(nl_store_view_holder(view, &pid, NULL));
        nl_store_close(store_open(loop, dir));
    }
    nl_store_view_close(view);
}

static void events_come_in_order_and_go_on_behind_marks(void **state) {
    (void)state;
    static const int seen[] = { 0, 1, 3, 4, 5, 6, 8, 13, 14, 15, 17 };
    const size_t n = sizeof seen / sizeof *seen;
    nl_err err = { .code = NL_OK };
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    nl_store_marks marks = { 0 };
    nl_store_view *view = view_open();
    assert_true(store_put_call(run, "r1", 1, "reply", 0, 7));
    reject(run, "explain", NULL, NULL, 0);
    assert_true(store_put_turn(run, "a", 1, 1, 1, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    nl_store_cursor *cursor = nl_store_view_events(view, 1, marks, &err);
    assert_string_equal(row_of(cursor, seen, n),
                        "opening|1|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL");
    assert_string_equal(row_of(cursor, seen, n), "call|1|a+b|NULL|NULL|ask|ok|7|0.5|NULL|NULL");
    assert_string_equal(row_of(cursor, seen, n),
                        "rejection|1|a|2|3|NULL|NULL|NULL|NULL|explain|q?");
    assert_string_equal(row_of(cursor, seen, n),
                        "entry|1|a|1|NULL|NULL|NULL|NULL|NULL|NULL|question 1?");
    assert_null(row_of(cursor, seen, n));
    nl_store_cursor_free(cursor);
    marks = (nl_store_marks){ 1, 1, 1, 1 };
    assert_true(store_put_turn(run, "a", 2, 2, 1, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    cursor = nl_store_view_events(view, 1, marks, &err);
    assert_string_equal(row_of(cursor, seen, 2), "entry|2");
    assert_null(row_of(cursor, seen, 2));
    nl_store_cursor_free(cursor);
    nl_store_view_close(view);
    nl_store_close(store);
}

static void a_reply_is_found_and_a_failed_one_is_not(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    char *reply;
    size_t size;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_call(run, "r1", 1, "first", 0, 0));
    assert_true(store_put_call(run, "r1", 1, "later", 0, 0));
    assert_true(store_put_call(run, "r2", 1, NULL, 0, 0));
    assert_true(store_flush(loop, store, NULL));
    nl_store_view *view = view_open();
    assert_true(nl_store_view_reply(view, 1, nl_key_of("r1", 2), 1, &reply, &size, &err));
    assert_string_equal(reply, "first");
    assert_int_equal(size, 5);
    free(reply);
    assert_true(nl_store_view_reply(view, 1, nl_key_of("r1", 2), 2, &reply, &size, &err));
    assert_null(reply);
    assert_true(nl_store_view_reply(view, 1, nl_key_of("r2", 2), 1, &reply, &size, &err));
    assert_null(reply);
    assert_true(nl_store_view_reply(view, 2, nl_key_of("r1", 2), 1, &reply, &size, &err));
    assert_null(reply);
    nl_store_view_close(view);
    nl_store_close(store);
}

static void a_file_is_compared_with_the_entries(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t same, lines;
    } cases[] = {
        { NULL, 3, 3 },
        { "", 0, 0 },
        { "x\n", 0, 1 },
        { "a\nb\nc\nd\n", 0, 4 },
        { "{\"question\":\"question 2?\",\"sql\":\"SELECT 1\"}\n", 0, 1 },
    };
    nl_err err = { .code = NL_OK };
    nl_store_agreement found;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_turn(run, "a", 1, 1, 3, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    nl_store_view *view = view_open();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store_write(store_path(dir, "other"), cases[i].text ? cases[i].text : store_lines_to(3));
        assert_true(nl_store_view_compare(view, 1, store_path(dir, "other"), &found, &err));
        assert_int_equal(found.same, cases[i].same);
        assert_int_equal(found.entries, 3);
        assert_int_equal(found.lines, cases[i].lines);
    }
    char *lines = strdup(store_lines_to(3));
    lines[strlen(lines) - 1] = ' '; /* another character in the place of its last newline */
    store_write(store_path(dir, "other"), lines);
    assert_true(nl_store_view_compare(view, 1, store_path(dir, "other"), &found, &err));
    assert_int_equal(found.same, 2);
    assert_int_equal(found.lines, 3);
    lines[strlen(lines) - 1] = '\0'; /* without its last newline */
    store_write(store_path(dir, "other"), lines);
    free(lines);
    assert_true(nl_store_view_compare(view, 1, store_path(dir, "other"), &found, &err));
    assert_int_equal(found.same, 2);
    assert_false(nl_store_view_compare(view, 1, store_path(dir, "none"), &found, &err));
    assert_non_null(strstr(err.msg, "cannot read"));
    assert_false(nl_store_view_compare(view, 1, dir, &found, &err)); /* a folder opens, no more */
    nl_store_view_close(view);
    nl_store_close(store);
}

static const char *refused(nl_code code) {
    static nl_err err;
    err = (nl_err){ .code = NL_OK };
    assert_null(nl_store_view_open(store_path(dir, "nlsql.db"), &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.msg, "nlsql.db"));
    return err.msg;
}

static void what_is_no_store_of_this_version_is_refused(void **state) {
    (void)state;
    assert_non_null(strstr(refused(NL_NOTFOUND), "there is no store"));
    store_write(store_path(dir, "nlsql.db"), "no database at all, and longer than its header of "
                                             "a hundred bytes, so that it is looked at as one");
    assert_non_null(strstr(refused(NL_IO), "no SQLite database"));
    unlink(store_path(dir, "nlsql.db"));
    store_sql(dir, "CREATE TABLE theirs (x)");
    assert_non_null(strstr(refused(NL_IO), "is not a store of nlsql"));
    unlink(store_path(dir, "nlsql.db"));
    nl_store_close(store_open(loop, dir));
    store_sql(dir, "PRAGMA user_version = 2");
    assert_non_null(strstr(refused(NL_IO), "an older nlsql (its schema is version 2"));
    store_sql(dir, "PRAGMA user_version = 99");
    assert_non_null(strstr(refused(NL_IO), "a newer nlsql (its schema is version 99"));
}

static void a_path_may_hold_what_means_something_in_an_address(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    const char *path = store_path(dir, "50% of it?#1/nlsql.db");
    nl_store *store = nl_store_open(loop, path, &err);
    assert_non_null(store);
    nl_store_view *view = nl_store_view_open(path, &err);
    assert_non_null(view);
    nl_store_view_close(view);
    nl_store_close(store);
}

/* Nothing may be written there, and no writer has left its log: a copy on a disk that is read only.
 */
static void a_store_that_may_not_be_written_can_be_looked_at(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    static const int seen[] = { PHASE };
    nl_store *store = store_open(loop, dir);
    store_run(store, dir, false, NULL);
    nl_store_close(store);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(dir, dir, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        print_message("  not allowed to mount a file system: %s\n", strerror(errno));
        skip();
    }
    nl_store_view *view = view_open();
    nl_store_cursor *cursor = nl_store_view_runs(view, false, &err);
    assert_string_equal(row_of(cursor, seen, 1), "joins");
    nl_store_cursor_free(cursor);
    nl_store_view_close(view);
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_are_listed_while_they_are_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_at_the_lock_keeps_nobody_out, setup, teardown),
        cmocka_unit_test_setup_teardown(events_come_in_order_and_go_on_behind_marks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reply_is_found_and_a_failed_one_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_compared_with_the_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_store_of_this_version_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_path_may_hold_what_means_something_in_an_address, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_store_that_may_not_be_written_can_be_looked_at, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
