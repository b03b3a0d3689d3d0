/* The run store: what a run notes of itself, rejections that are taken up again, scratch stores. */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

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

/* --- what a run notes ---------------------------------------------------------------------- */

static void a_run_knows_what_was_noted_before(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_string_equal(nl_store_run_before(run), "");
    assert_true(nl_store_run_note(run, "{\"model\":\"a\"}", NULL, &err));
    assert_true(nl_store_run_note(run, NULL, "nothing of it", &err)); /* leaves it */
    nl_store_run_close(run);
    run = store_run(store, dir, false, NULL);
    assert_string_equal(nl_store_run_before(run), "{\"model\":\"a\"}");
    assert_true(nl_store_run_end(run, "budget", &err));
    nl_store_run_close(run);
    run = store_run(store, dir, true, NULL); /* another run, of which nothing is noted */
    assert_string_equal(nl_store_run_before(run), "");
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM opening"), 3);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM opening WHERE outcome = 'budget' AND "
                                       "ended >= at AND id = 2"),
                     1);
    assert_int_equal(
        store_number(dir,
                     "SELECT count(*) FROM opening WHERE changed = 'nothing of it' AND id = 1"),
        1);
}

static void list_rejected(void *ctx, const nl_store_rejected *one) {
    char *text = ctx;
    size_t n = strlen(text);
    (void)snprintf(text + n, 256 - n, "%lld:%u.%u %s %s %s %s %s;", (long long)one->id, one->turn,
                   one->candidate, one->gate, one->reason, one->question, one->sql,
                   one->detail ? one->detail : "-");
}

static void rejections_are_listed_until_they_are_taken_up_again(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    char text[256] = "";
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    const int64_t first = 1;
    reject(run, "explain", "{}", NULL, 0);
    reject(run, "answer", NULL, NULL, 0);
    assert_true(store_flush(loop, store, NULL));
    assert_true(nl_store_each_rejected(run, "a", list_rejected, text, &err));
    assert_string_equal(text, "1:2.3 explain why q? SELECT x {};2:2.3 answer why q? SELECT x -;");
    reject(run, "execute", NULL, &first, 1);
    assert_true(store_flush(loop, store, NULL));
    text[0] = '\0';
    assert_true(nl_store_each_rejected(run, "a", list_rejected, text, &err));
    assert_string_equal(text, "2:2.3 answer why q? SELECT x -;3:2.3 execute why q? SELECT x -;");
    text[0] = '\0';
    assert_true(nl_store_each_rejected(run, "none", list_rejected, text, &err));
    assert_string_equal(text, "");
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT retried IS NOT NULL FROM rejection WHERE id = 1"),
                     1);
}

/* --- scratch ------------------------------------------------------------------------------- */

static void in_tmpdir(const char *value) {
    if (value)
        setenv("TMPDIR", value, 1);
    else
        unsetenv("TMPDIR");
}

static void a_scratch_store_leaves_its_dataset_and_nothing_else(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    in_tmpdir(dir);
    for (int i = 0; i < 2; i++) { /* the second time in the place of the first */
        nl_store *store = nl_store_open_scratch(loop, &err);
        if (!store)
            fail_msg("%s", err.msg);
        nl_store_run *run = store_run(store, dir, false, NULL);
        assert_true(store_put_turn(run, "a", 1, 1, 2, NULL, NULL, NULL));
        nl_store_close(store);
        store_assert_file(store_path(dir, "dataset.jsonl"), store_lines_to(2));
    }
    assert_int_equal(unlink(store_path(dir, "dataset.jsonl")), 0);
    assert_int_equal(rmdir(dir), 0); /* it is empty */
    assert_null(nl_store_open_scratch(loop, &err));
    assert_non_null(strstr(err.msg, "cannot make the folder"));
    assert_int_equal(mkdir(dir, 0700), 0);
    in_tmpdir(kept);
    free(kept);
}

/* The path of the only scratch store there is, made `seconds` old; NULL: there is none. */
static const char *scratch_of_age(time_t seconds) {
    static char path[512];
    glob_t found;
    path[0] = '\0';
    if (glob(store_path(dir, "nlsql-scratch-*"), 0, NULL, &found) != 0)
        return NULL;
    assert_int_equal(found.gl_pathc, 1);
    (void)snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    globfree(&found);
    const struct timespec times[2] = { { .tv_sec = time(NULL) - seconds },
                                       { .tv_sec = time(NULL) - seconds } };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    return path;
}

static void what_is_no_scratch_store_of_ours_stays(void **state) {
    (void)state;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    in_tmpdir(dir);
    nl_store *store = nl_store_open_scratch(loop, NULL);
    store_remove(scratch_of_age(0)); /* somebody tidies up */
    nl_store_close(store);
    assert_null(scratch_of_age(0));
    store_write(store_path(dir, "nlsql-scratch-file"), "mine\n");
    assert_non_null(scratch_of_age(100));
    nl_store_close(nl_store_open_scratch(loop, NULL));
    store_assert_file(scratch_of_age(0), "mine\n");
    assert_int_equal(unlink(scratch_of_age(0)), 0);
    assert_int_equal(mkdir(store_path(dir, "nlsql-scratch-bare"), 0700), 0); /* without a lock */
    assert_non_null(scratch_of_age(100));
    nl_store_close(nl_store_open_scratch(loop, NULL));
    assert_null(scratch_of_age(0));
    in_tmpdir(kept);
    free(kept);
}

static void what_a_killed_process_left_of_a_scratch_store_goes_later(void **state) {
    (void)state;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    int status = 0;
    in_tmpdir(dir);
    pid_t child = fork();
    if (child == 0) {
        if (nl_store_open_scratch(loop, NULL))
            (void)raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));

    nl_store_close(nl_store_open_scratch(loop, NULL)); /* too young: it might be just opening */
    assert_non_null(scratch_of_age(100));
    nl_store_close(nl_store_open_scratch(loop, NULL));
    assert_null(scratch_of_age(0));

    nl_store *store = nl_store_open_scratch(loop, NULL); /* one that lives is left alone */
    assert_non_null(scratch_of_age(100));
    nl_store_close(nl_store_open_scratch(loop, NULL));
    assert_non_null(scratch_of_age(0));
    nl_store_close(store);
    assert_null(scratch_of_age(0));
    in_tmpdir(kept);
    free(kept);
}

static void a_scratch_store_that_cannot_replace_its_dataset_says_so(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store *store = nl_store_open_scratch(loop, &err);
    const nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = dir /* a folder */
    };
    assert_non_null(store);
    assert_null(nl_store_run_open(store, &options, NULL, &err));
    assert_non_null(strstr(err.msg, "cannot replace"));
    nl_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_knows_what_was_noted_before, setup, teardown),
        cmocka_unit_test_setup_teardown(rejections_are_listed_until_they_are_taken_up_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_scratch_store_leaves_its_dataset_and_nothing_else, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_scratch_store_of_ours_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_killed_process_left_of_a_scratch_store_goes_later,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_scratch_store_that_cannot_replace_its_dataset_says_so,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
