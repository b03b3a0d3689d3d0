/* The run store whose file is damaged page by page, whose rows somebody has changed by hand, or
 * whose dataset is something else than a file. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "io/store_priv.h"
#include "io/store_view.h"
#include "store_fixture.h"
#include "test_files.h"

static nl_store_run *open_run(nl_store *store, bool fresh, nl_store_run_info *info, nl_err *err) {
    const nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = dataset(), .fresh = fresh
    };
    return nl_store_run_open(store, &options, info, err);
}

/* Overwrites the first page of a table or an index. */
static void damage(const char *name) {
    char sql[128], garbage[4096];
    (void)snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_master WHERE name = '%s'", name);
    off_t page = (off_t)store_number(dir, sql);
    assert_true(page > 1);
    memset(garbage, 0x5a, sizeof garbage);
    int fd = open(store_path(dir, "nlsql.db"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, garbage, sizeof garbage, (page - 1) * 4096), sizeof garbage);
    close(fd);
}

static void anew(void) {
    store_remove(dir);
    (void)snprintf(dir, sizeof dir, "%s", store_dir(NULL));
}

static void assert_damaged(bool ok, const nl_err *err, const char *what) {
    if (ok || err->code != NL_IO || !strstr(err->msg, "nlsql.db is damaged"))
        fail_msg("%s: %s", what, ok ? "nobody saw it" : err->msg);
}

/* --- pages --------------------------------------------------------------------------------- */

static void a_damaged_page_keeps_a_run_from_opening(void **state) {
    (void)state;
    static const struct {
        const char *page;
        enum { STORE, RUN, RUN_WITHOUT_FILE, FRESH } opens;
    } cases[] = {
        { "ledger", STORE },
        { "ledger_outstanding", STORE },
        { "run_open", RUN },
        { "opening", RUN },
        { "secret", RUN },
        { "sqlite_autoindex_item_1", RUN },
        { "item", RUN },
        { "entry_run", RUN },
        { "call", RUN },
        { "entry", RUN },
        { "entry", RUN_WITHOUT_FILE },
        { "entry", FRESH },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_err err = { .code = NL_OK };
        store_make();
        damage(cases[i].page);
        if (cases[i].opens == RUN_WITHOUT_FILE)
            assert_int_equal(unlink(dataset()), 0);
        nl_store *store = nl_store_open(loop, store_path(dir, "nlsql.db"), &err);
        if (cases[i].opens == STORE) {
            assert_damaged(store != NULL, &err, cases[i].page);
        } else {
            assert_non_null(store);
            assert_damaged(open_run(store, cases[i].opens == FRESH, NULL, &err) != NULL, &err,
                           cases[i].page);
            assert_null(nl_store_failed(store));
        }
        nl_store_close(store);
        if (cases[i].opens != RUN_WITHOUT_FILE) /* the pairs are safe */
            store_assert_file(dataset(), store_lines_to(2));
        anew();
    }
}

static void ignore_seen(void *ctx, const nl_store_seen *seen) {
    (void)ctx;
    (void)seen;
}

static void ignore_rejected(void *ctx, const nl_store_rejected *one) {
    (void)ctx;
    (void)one;
}

static void a_damaged_page_is_told_by_who_reads_it(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_item item;
    bool found;
    char *reply;
    size_t size;
    store_make();
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    static const char *const pages[] = { "item", "entry", "call", "rejection" };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        damage(pages[i]);
    assert_damaged(nl_store_item_get(run, "a", &item, &err), &err, "item");
    assert_damaged(nl_store_call_get(run, nl_key_of("r1", 2), 1, &found, &reply, &size, &err), &err,
                   "call");
    assert_damaged(nl_store_each_seen(run, ignore_seen, NULL, &err), &err, "entry");
    assert_damaged(nl_store_each_rejected(run, "a", ignore_rejected, NULL, &err), &err,
                   "rejection");
    nl_store_close(store);
}

static void a_damaged_page_is_told_by_who_looks_on(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    int64_t a, b;
    bool found;
    char *reply;
    size_t size;
    unsigned char secret[NL_SECRET_BYTES];
    nl_store_agreement agreement;
    const nl_store_field *fields;
    store_make();
    static const char *const pages[] = { "secret", "entry", "call", "ledger", "opening" };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        damage(pages[i]);
    nl_store_view *view = nl_store_view_open(store_path(dir, "nlsql.db"), &err);
    assert_non_null(view);
    assert_damaged(nl_store_view_ledger(view, &a, &b, &err), &err, "ledger");
    assert_damaged(nl_store_view_reply(view, 1, nl_key_of("r1", 2), 1, &reply, &size, &err), &err,
                   "call");
    assert_damaged(nl_store_view_secret(view, 1, secret, &found, &err), &err, "secret");
    assert_damaged(nl_store_view_compare(view, 1, dataset(), &agreement, &err), &err, "entry");
    nl_store_cursor *cursor = nl_store_view_runs(view, true, &err);
    assert_damaged(nl_store_cursor_next(cursor, &fields, &err) >= 0, &err, "opening");
    nl_store_cursor_free(cursor);
    nl_store_view_close(view);
}

/* --- rows changed by hand ------------------------------------------------------------------ */

static void first_keys(void *ctx, const nl_store_seen *seen) {
    nl_store_seen *first = ctx;
    if (first->sql_text == NULL)
        *first = (nl_store_seen){ seen->sql, seen->masked, seen->question, "", "" };
}

static void what_is_no_key_any_more_is_none(void **state) {
    (void)state;
    nl_store_seen seen = { .sql_text = NULL };
    store_make();
    store_sql(dir, "UPDATE entry SET sql_key = x'', masked_key = x'0102', question_key = 'text'");
    store_sql(dir, "UPDATE call SET key = x'01'");
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(nl_store_each_seen(run, first_keys, &seen, NULL));
    assert_true(seen.sql.hi == 0 && seen.sql.lo == 0 && seen.masked.hi == 0 &&
                seen.masked.lo == 0 && seen.question.hi == 0 && seen.question.lo == 0);
    store_assert_recall(run, "r1", 1, NULL); /* it is asked for again */
    nl_store_close(store);
}

static void a_secret_that_is_none_is_made_anew(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    unsigned char secret[NL_SECRET_BYTES];
    bool found = true;
    nl_store_run_info info;
    store_make();
    store_sql(dir, "UPDATE secret SET secret = x'0102'");
    nl_store_view *view = nl_store_view_open(store_path(dir, "nlsql.db"), NULL);
    assert_true(nl_store_view_secret(view, 1, secret, &found, NULL));
    assert_false(found);
    nl_store *store = store_open(loop, dir);
    nl_store_run_close(store_run(store, dir, false, &info));
    assert_true(nl_store_view_secret(view, 1, secret, &found, NULL));
    assert_true(found);
    assert_memory_equal(secret, info.secret, NL_SECRET_BYTES);
    nl_store_close(store);
    store_sql(dir, "DROP TABLE secret"); /* as from before there was one */
    assert_true(nl_store_view_secret(view, 1, secret, &found, NULL));
    assert_false(found);
    nl_store_view_close(view);
    store_sql(dir, "CREATE INDEX secret ON item (done)");
    assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
    assert_non_null(strstr(err.msg, "already an index named secret"));
}

/* SQLite has a way of its own for file systems without locks, and shares no log there. */
static void a_file_system_without_shared_memory_is_refused(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1);
    nl_store *store = nl_store_open(loop, store_path(dir, "nlsql.db"), &err);
    sqlite3_vfs_register(usual, 1);
    assert_null(store);
    if (!strstr(err.msg, "needs a local file system"))
        fail_msg("%s", err.msg);
    nl_store_close(store_open(loop, dir));
}

/* Another program has the database for longer than the writer waits (here: not at all). */
static void a_writer_that_is_kept_out_fails_the_store(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    sqlite3_busy_timeout(store->writer, 0);
    sqlite3 *db = store_sql_begin(dir, "UPDATE run SET source = 'x'");
    assert_true(store_put_turn(run, "a", 1, 1, 1, NULL, NULL, NULL));
    assert_false(store_flush(loop, store, &err));
    assert_non_null(strstr(err.msg, "database is locked"));
    store_sql_commit(db);
    nl_store_close(store);
    store_assert_file(dataset(), "");
    assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), 0);
}

static void a_cost_that_cannot_be_written_fails_its_call(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    store_make();
    store_sql(dir, "CREATE TRIGGER t BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'refused');"
                   " END");
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_call(run, "r2", 1, "reply", 0, 7));
    assert_false(store_flush(loop, store, &err));
    assert_non_null(strstr(err.msg, "refused"));
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call"), 1);
}

/* --- runs and datasets --------------------------------------------------------------------- */

static void a_pipe_is_no_dataset(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    assert_int_equal(mkfifo(dataset(), 0600), 0);
    int both = open(dataset(), O_RDWR | O_CLOEXEC); /* so that nobody waits for the other end */
    nl_store *store = store_open(loop, dir);
    assert_null(open_run(store, false, NULL, &err));
    assert_non_null(strstr(err.msg, "cannot read"));
    assert_non_null(strstr(err.msg, "dataset.jsonl"));
    nl_store_close(store);
    close(both);
}

static void a_torn_dataset_is_completed_before_it_is_put_away(void **state) {
    (void)state;
    nl_store_run_info info;
    char torn[128];
    store_make();
    (void)snprintf(torn, sizeof torn, "%s\n{\"ques", store_line(1));
    store_write(dataset(), torn);
    nl_store *store = store_open(loop, dir);
    const nl_store_run_options calls = { .phase = "calls", .version = "", .fingerprint = "f" };
    assert_non_null(nl_store_run_open(store, &calls, NULL, NULL)); /* which writes no dataset */
    store_run(store, dir, true, &info);
    store_assert_file(info.kept, store_lines_to(2));
    nl_store_close(store);
}

static void a_dataset_that_cannot_be_opened_is_not_put_away(void **state) {
    (void)state;
    bool refused = false;
    store_make();
    nl_store *store = store_open(loop, dir);
    for (long after = 0;; after++) {
        nl_err err = { .code = NL_OK };
        test_files_fail(TEST_FILES_OPEN, after, EACCES, false);
        nl_store_run *run = open_run(store, true, NULL, &err);
        bool hit = test_files_stop();
        if (run && !hit)
            break;
        if (!run && !strstr(err.msg, strerror(EACCES)))
            fail_msg("opening %ld: %s", after, err.msg);
        if (!run && after == 0) { /* it is there still, and open for more */
            refused = true;
            store_assert_file(dataset(), store_lines_to(2));
        }
        nl_store_run_close(run);
    }
    assert_true(refused);
    nl_store_close(store);
}

static void a_run_of_calls_alone_goes_on_and_an_empty_one_is_new(void **state) {
    (void)state;
    nl_store_run_info info;
    nl_store_run_options options = { .phase = "calls", .version = "", .fingerprint = "f" };
    nl_store *store = store_open(loop, dir);
    nl_store_run_close(nl_store_run_open(store, &options, &info, NULL));
    options.fingerprint = "another";
    nl_store_run *run = nl_store_run_open(store, &options, &info, NULL);
    assert_false(info.resumed || info.changed); /* there was nothing in it */
    assert_true(store_put_call(run, "r1", 1, "reply", 0, 0));
    assert_true(store_flush(loop, store, NULL));
    nl_store_run_close(run);
    options.fingerprint = "a third";
    run = nl_store_run_open(store, &options, &info, NULL);
    assert_true(info.resumed && info.changed);
    assert_int_equal(info.calls, 1);
    nl_store_run_close(run);
    options.dataset = store_path(dir, "calls.jsonl");
    options.fresh = true; /* there was no dataset to put away */
    run = nl_store_run_open(store, &options, &info, NULL);
    assert_non_null(run);
    assert_string_equal(info.kept, "");
    assert_non_null(store_run(store, dir, false, NULL)); /* beside one without a dataset */
    nl_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_damaged_page_keeps_a_run_from_opening, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_page_is_told_by_who_reads_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_page_is_told_by_who_looks_on, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_key_any_more_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_that_is_none_is_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_system_without_shared_memory_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_writer_that_is_kept_out_fails_the_store, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cost_that_cannot_be_written_fails_its_call, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_pipe_is_no_dataset, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_dataset_is_completed_before_it_is_put_away, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_dataset_that_cannot_be_opened_is_not_put_away, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_run_of_calls_alone_goes_on_and_an_empty_one_is_new, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
