/* The run store: runs and their resumption, calls, items, and the dataset as a projection. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_support.h"

static nl_loop *loop;
static char dir[256];

static int setup(void **state) {
    (void)state;
    loop = nl_loop_new(NULL);
    (void)snprintf(dir, sizeof dir, "%s", store_dir(NULL));
    return loop ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_loop_free(loop);
    store_remove(dir);
    return 0;
}

static const char *dataset(void) {
    return store_path(dir, "dataset.jsonl");
}

static void assert_file(const char *path, const char *expected) {
    char *text = store_file(path);
    if (!text)
        fail_msg("%s is not there", path);
    assert_string_equal(text, expected);
    free(text);
}

/* The lines of entries 1 to n. */
static const char *lines_to(unsigned n) {
    static char text[4096];
    size_t size = 0;
    text[0] = '\0';
    for (unsigned i = 1; i <= n; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\n", store_line(i));
    return text;
}

/* A store in `dir` whose run has entries 1 to `n`, closed again. */
static void make(unsigned n) {
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    for (unsigned i = 1; i <= n; i++)
        assert_true(store_put_turn(run, "a+b", i, i, 1, NULL, NULL, NULL));
    nl_store_run_close(run);
    nl_store_close(store);
}

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
    assert_file(dataset(), lines_to(4));
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
    assert_file(dataset(), "");
}

/* --- calls --------------------------------------------------------------------------------- */

static void assert_recall(nl_store_run *run, const char *request, uint32_t sample,
                          const char *expected) {
    char *reply = store_recall(run, request, sample);
    if (expected) {
        assert_non_null(reply);
        assert_string_equal(reply, expected);
    } else {
        assert_null(reply);
    }
    free(reply);
}

static void a_paid_reply_is_recalled_by_key_and_sample(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run_info info;
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_recall(run, "r1", 1, NULL);
    assert_true(store_put_call(run, "r1", 1, "first", 0, 0));
    assert_recall(run, "r1", 1, "first"); /* at once, committed or not */
    assert_true(store_put_call(run, "r1", 2, "second", 0, 0));
    assert_true(store_put_call(run, "r2", 1, "", 0, 0));
    assert_true(store_put_call(run, "r1", 1, "too late", 0, 0));
    for (int pass = 0; pass < 2; pass++) { /* as written, and after a restart */
        assert_true(store_flush(loop, store, NULL));
        assert_recall(run, "r1", 1, "first");
        assert_recall(run, "r1", 2, "second");
        assert_recall(run, "r1", 3, NULL);
        assert_recall(run, "r2", 1, "");
        assert_recall(run, "r3", 1, NULL);
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
    assert_recall(run, "r1", 1, NULL);
    assert_true(store_flush(loop, store, NULL));
    assert_recall(run, "r1", 1, NULL);
    nl_store_close(store);
    store = store_open(loop, dir);
    run = store_run(store, dir, false, &info);
    assert_int_equal(info.calls, 0);
    assert_recall(run, "r1", 1, NULL);
    assert_true(store_put_call(run, "r1", 1, "now it came", 0, 0));
    assert_recall(run, "r1", 1, "now it came");
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

/* --- runs ---------------------------------------------------------------------------------- */

static void fresh_puts_everything_away_and_starts_over(void **state) {
    (void)state;
    nl_store_run_info info;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_turn(run, "a+b", 1, 1, 2, NULL, NULL, NULL));
    assert_true(store_put_call(run, "r1", 1, "paid", 0, 0));
    nl_store_run_close(run);
    store_write(dataset(), ""); /* lagging: what is put away is complete all the same */

    run = store_run(store, dir, true, &info);
    assert_string_equal(info.kept, store_path(dir, "dataset.1.jsonl"));
    assert_false(info.resumed || info.changed || info.rewritten);
    assert_int_equal(info.entries, 0);
    assert_file(store_path(dir, "dataset.1.jsonl"), lines_to(2));
    assert_file(dataset(), "");
    assert_recall(run, "r1", 1, NULL);
    nl_store_item item;
    assert_true(nl_store_item_get(run, "a+b", &item, NULL));
    assert_false(item.found);
    assert_true(store_put_turn(run, "a+b", 1, 7, 1, NULL, NULL, NULL));
    nl_store_run_close(run);

    nl_store_run_close(store_run(store, dir, true, &info));
    assert_string_equal(info.kept, store_path(dir, "dataset.2.jsonl"));
    assert_file(dataset(), "");
    nl_store_run_close(store_run(store, dir, true, &info)); /* nothing there: nothing kept */
    assert_string_equal(info.kept, "");
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM run WHERE archived IS NOT NULL"), 3);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), 3);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call WHERE reply = 'paid'"), 1);
}

static void phases_and_versions_are_runs_of_their_own(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run_info info;
    nl_err err = { .code = NL_OK };
    nl_store_run *joins = store_run(store, dir, false, NULL);
    nl_store_run_options options = {
        .phase = "joins", .version = "v2", .fingerprint = "f", .dataset = dataset()
    };
    assert_null(nl_store_run_open(store, &options, &info, &err)); /* one writer a file */
    assert_int_equal(err.code, NL_BUSY);
    options.dataset = store_path(dir, "v2/dataset.jsonl");
    nl_store_run *other = nl_store_run_open(store, &options, &info, &err);
    assert_non_null(other);
    assert_true(store_put_turn(joins, "a", 1, 1, 1, NULL, NULL, NULL));
    assert_true(store_put_turn(other, "a", 1, 2, 1, NULL, NULL, NULL));
    assert_true(store_put_call(joins, "r1", 1, "of joins", 0, 0));
    assert_recall(other, "r1", 1, NULL);
    assert_null(nl_store_run_open(store, &options, &info, &err)); /* open already */
    assert_int_equal(err.code, NL_BUSY);
    nl_store_run_close(other);
    nl_store_run_close(joins);
    options.fingerprint = "another";
    other = nl_store_run_open(store, &options, &info, &err);
    assert_true(info.resumed && info.changed);
    nl_store_run_close(other);
    nl_store_close(store);
    assert_file(dataset(), lines_to(1));
    char line[128];
    (void)snprintf(line, sizeof line, "%s\n", store_line(2));
    assert_file(store_path(dir, "v2/dataset.jsonl"), line);
}

/* --- the dataset is brought in line -------------------------------------------------------- */

#define ONE "{\"question\":\"question 1?\",\"sql\":\"SELECT 1\"}\n"
#define TWO "{\"question\":\"question 2?\",\"sql\":\"SELECT 2\"}\n"
#define THREE_LESS_NEWLINE "{\"question\":\"question 3?\",\"sql\":\"SELECT 3\"}"
#define THREE THREE_LESS_NEWLINE "\n"
#define MINE "{\"question\":\"mine\",\"sql\":\"SELECT 0\"}"

static const struct {
    const char *why, *found;
    uint64_t torn;
    bool rewritten;
} files[] = {
    { "whole", ONE TWO THREE, 0, false },
    { "not there", NULL, 0, false },
    { "empty", "", 0, false },
    { "a line behind", ONE TWO, 0, false },
    { "torn in a line of ours", ONE "{\"question\":\"que", 16, false },
    { "torn right before the newline", ONE TWO THREE_LESS_NEWLINE, sizeof THREE_LESS_NEWLINE - 1,
      false },
    { "torn by something odd", ONE TWO "{\"quest\xC3", 8, false },
    { "torn behind the last line", ONE TWO THREE "{\"q", 3, false },
    { "a line edited", ONE "{\"question\":\"question II?\",\"sql\":\"SELECT 2\"}\n" THREE, 0,
      true },
    { "a line cut out", ONE THREE, 0, true },
    { "a line added", ONE TWO THREE MINE "\n", 0, true },
    { "a line added by an editor that leaves out the newline", ONE TWO THREE MINE, 0, true },
    { "Windows newlines", "{\"question\":\"question 1?\",\"sql\":\"SELECT 1\"}\r\n", 0, true },
    { "another file altogether", "name,price\n", 0, true },
};

static void a_dataset_is_brought_in_line_with_its_entries(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        nl_store_run_info info;
        make(3);
        if (files[i].found)
            store_write(dataset(), files[i].found);
        else
            unlink(dataset());
        nl_store *store = store_open(loop, dir);
        nl_store_run *run = store_run(store, dir, false, &info);
        print_message("  %s\n", files[i].why);
        assert_file(dataset(), ONE TWO THREE);
        assert_int_equal(info.torn, files[i].torn);
        assert_int_equal(info.rewritten, files[i].rewritten);
        assert_string_equal(info.kept,
                            files[i].rewritten ? store_path(dir, "dataset.1.jsonl") : "");
        if (files[i].rewritten)
            assert_file(info.kept, files[i].found); /* nothing of somebody's work is lost */
        assert_true(store_put_turn(run, "a+b", 9, 4, 1, NULL, NULL, NULL));
        nl_store_close(store);
        assert_file(dataset(), lines_to(4));
        store_remove(dir);
        assert_int_equal(mkdir(dir, 0700), 0);
    }
}

static void a_dataset_that_is_no_file_is_an_error(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "", .dataset = dir
    };
    nl_store *store = store_open(loop, dir);
    assert_null(nl_store_run_open(store, &options, NULL, &err));
    assert_non_null(strstr(err.msg, dir));
    assert_null(nl_store_failed(store)); /* the store itself is well */
    nl_store_close(store);
}

/* Opens the run for pairs of `source` and closes it again; false with *err where it is refused. */
static bool opens_for(const char *source, bool fresh, nl_store_run_info *info, nl_err *err) {
    nl_store_run_options options = {
        .phase = "joins",
        .version = "",
        .fingerprint = "f",
        .source = source,
        .fresh = fresh,
        .dataset = store_path(dir, "dataset.jsonl"),
    };
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = nl_store_run_open(store, &options, info, err);
    if (run)
        store_put_turn(run, "a", 1, 0, 1, NULL, NULL, NULL);
    nl_store_run_close(run);
    nl_store_close(store);
    return run != NULL;
}

static void pairs_of_two_sources_never_mix(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_run_info info;
    assert_true(opens_for("the demo", false, &info, &err));
    char *before = store_file(store_path(dir, "dataset.jsonl"));
    assert_false(opens_for("the shop", false, &info, &err));
    assert_int_equal(err.code, NL_CONFIG);
    assert_non_null(
        strstr(err.msg, "holds pairs of the demo, and this run would add some of the shop"));
    char *after = store_file(store_path(dir, "dataset.jsonl"));
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_true(opens_for("the demo", false, &info, &err)); /* it stays what it was */
    assert_true(info.resumed && !info.changed);
    assert_true(opens_for(NULL, false, &info, &err));        /* who tells no source may go on */
    assert_false(opens_for("the shop", false, &info, &err)); /* which changes nothing */
    assert_true(opens_for("the demo", false, &info, &err));
    assert_true(opens_for("the shop", true, &info, &err));
    assert_false(info.resumed);
    assert_false(opens_for("the demo", false, &info, &err));
}

/* --- opening ------------------------------------------------------------------------------- */

static const char *open_fails(nl_code code) {
    static nl_err err;
    err = (nl_err){ .code = NL_OK };
    assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.msg, store_path(dir, "nlsql.db"))); /* it names the file */
    return err.msg;
}

static void sql(const char *text) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(store_path(dir, "nlsql.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state) {
    (void)state;
    const char *words =
        "Dear diary, this is no database at all, and I would like to keep it. Yours.";
    store_write(store_path(dir, "nlsql.db"), words);
    assert_non_null(strstr(open_fails(NL_IO), "not a store of nlsql"));
    assert_file(store_path(dir, "nlsql.db"), words);
}

static void another_programs_database_is_refused_and_kept(void **state) {
    (void)state;
    sql("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (5)");
    assert_non_null(strstr(open_fails(NL_IO), "another program"));
    assert_int_equal(store_number(dir, "SELECT x FROM theirs"), 5);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM sqlite_master"), 1);
    char mode[16];
    store_text(dir, "PRAGMA journal_mode", mode, sizeof mode);
    assert_string_equal(mode, "delete"); /* not even that */
}

static void a_newer_schema_is_refused(void **state) {
    (void)state;
    make(1);
    sql("PRAGMA user_version = 99");
    assert_non_null(strstr(open_fails(NL_IO), "newer nlsql (its schema is version 99"));
}

static void an_older_schema_is_brought_up_to_date(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_run_info info;
    assert_true(opens_for("the demo", false, &info, &err));
    sql("ALTER TABLE run DROP COLUMN source; ALTER TABLE run DROP COLUMN config;"
        "ALTER TABLE entry DROP COLUMN at; ALTER TABLE rejection DROP COLUMN at;"
        "ALTER TABLE rejection DROP COLUMN retried; DROP TABLE opening;"
        "DROP INDEX call_run; DROP INDEX rejection_run; PRAGMA user_version = 1");
    assert_true(opens_for("the shop", false, &info, &err)); /* nobody knows of what its pairs are */
    assert_true(info.resumed && !info.changed);
    assert_int_equal(store_number(dir, "PRAGMA user_version"), 3);
    assert_false(opens_for("the demo", false, &info, &err));
}

static void a_damaged_file_is_named(void **state) {
    (void)state;
    make(40);
    struct stat info;
    assert_int_equal(stat(store_path(dir, "nlsql.db"), &info), 0);
    int fd = open(store_path(dir, "nlsql.db"), O_WRONLY | O_CLOEXEC);
    char garbage[4096];
    memset(garbage, 0x5a, sizeof garbage);
    for (off_t at = 4096; at < info.st_size; at += 4096) /* all but the first page */
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, at), sizeof garbage);
    close(fd);
    assert_non_null(strstr(open_fails(NL_IO), "damaged"));
}

static void folders_are_made_and_missing_rights_told(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store *store = nl_store_open(loop, store_path(dir, "a/b/nlsql.db"), &err);
    assert_non_null(store);
    nl_store_close(store);
    assert_null(nl_store_open(loop, "/proc/nlsql/nlsql.db", &err));
    assert_int_equal(err.code, NL_IO);
    assert_non_null(strstr(err.msg, "/proc/nlsql"));
}

static void a_second_process_is_refused_and_a_dead_one_is_no_obstacle(void **state) {
    (void)state;
    int ready[2];
    char byte, words[64];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        nl_loop *own = nl_loop_new(NULL);
        bool ok = nl_store_open(own, store_path(dir, "nlsql.db"), NULL) != NULL;
        if (write(ready[1], ok ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    (void)snprintf(words, sizeof words, "in use by process %ld", (long)child);
    assert_non_null(strstr(open_fails(NL_BUSY), words));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    nl_store *store = store_open(loop, dir);
    (void)snprintf(words, sizeof words, "in use by process %ld", (long)getpid());
    assert_non_null(strstr(open_fails(NL_BUSY), words)); /* twice in one process neither */
    nl_store_close(store);
    nl_store_close(store_open(loop, dir));
    close(ready[0]);
    close(ready[1]);
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
    assert_file(dataset(), lines_to(20));
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
        cmocka_unit_test_setup_teardown(fresh_puts_everything_away_and_starts_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(phases_and_versions_are_runs_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dataset_is_brought_in_line_with_its_entries, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_dataset_that_is_no_file_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(pairs_of_two_sources_never_mix, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_refused_and_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_programs_database_is_refused_and_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_newer_schema_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_schema_is_brought_up_to_date, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_are_made_and_missing_rights_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_process_is_refused_and_a_dead_one_is_no_obstacle,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(closing_writes_what_was_submitted_and_calls_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(done_comes_once_each_in_order_and_the_backlog_empties,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
