/* The run store: runs and their resumption, and the dataset as a projection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

/* A store in `dir` whose run has entries 1 to `n`, closed again. */
static void make(unsigned n) {
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    for (unsigned i = 1; i <= n; i++)
        assert_true(store_put_turn(run, "a+b", i, i, 1, NULL, NULL, NULL));
    nl_store_run_close(run);
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
    store_assert_file(store_path(dir, "dataset.1.jsonl"), store_lines_to(2));
    store_assert_file(dataset(), "");
    store_assert_recall(run, "r1", 1, NULL);
    nl_store_item item;
    assert_true(nl_store_item_get(run, "a+b", &item, NULL));
    assert_false(item.found);
    assert_true(store_put_turn(run, "a+b", 1, 7, 1, NULL, NULL, NULL));
    nl_store_run_close(run);

    nl_store_run_close(store_run(store, dir, true, &info));
    assert_string_equal(info.kept, store_path(dir, "dataset.2.jsonl"));
    store_assert_file(dataset(), "");
    nl_store_run_close(store_run(store, dir, true, &info)); /* nothing there: nothing kept */
    assert_string_equal(info.kept, "");
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM run WHERE archived IS NOT NULL"), 3);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), 3);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call WHERE reply = 'paid'"), 1);
}

/* The dataset may be wanted in another folder by then. */
static void fresh_puts_away_what_lies_elsewhere(void **state) {
    (void)state;
    nl_store_run_info info;
    nl_store_run_options options = { .phase = "joins",
                                     .version = "",
                                     .fingerprint = "f",
                                     .dataset = store_path(dir, "other/dataset.jsonl"),
                                     .fresh = true };
    make(2);
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = nl_store_run_open(store, &options, &info, NULL);
    assert_non_null(run);
    assert_string_equal(info.kept, store_path(dir, "dataset.1.jsonl"));
    store_assert_file(store_path(dir, "dataset.1.jsonl"), store_lines_to(2));
    assert_int_equal(access(dataset(), F_OK), -1);
    store_assert_file(store_path(dir, "other/dataset.jsonl"), "");
    assert_int_equal(access(store_path(dir, "other/dataset.1.jsonl"), F_OK), -1);
    assert_true(store_put_turn(run, "a+b", 1, 1, 1, NULL, NULL, NULL));
    nl_store_run_close(run);

    /* what somebody else has put there since stays where it is */
    store_write(store_path(dir, "other/dataset.jsonl"), "{\"mine\":1}\n");
    options.dataset = dataset();
    run = nl_store_run_open(store, &options, &info, NULL);
    assert_non_null(run);
    assert_string_equal(info.kept, "");
    store_assert_file(store_path(dir, "other/dataset.jsonl"), "{\"mine\":1}\n");

    /* and another phase's that is being written to */
    options = (nl_store_run_options){ .phase = "other",
                                      .version = "",
                                      .fingerprint = "f",
                                      .dataset = store_path(dir, "third/dataset.jsonl") };
    nl_store_run *other = nl_store_run_open(store, &options, &info, NULL);
    assert_non_null(other);
    assert_true(store_put_turn(other, "a+b", 1, 5, 1, NULL, NULL, NULL));
    nl_store_run_close(other);
    nl_store_run_close(run);
    options.phase = "joins";
    options.fresh = true;
    run = nl_store_run_open(store, &options, &info, NULL); /* now third/ is that of joins */
    assert_non_null(run);
    options.phase = "other";
    options.dataset = dataset();
    other = nl_store_run_open(store, &options, &info, NULL);
    assert_non_null(other);
    assert_string_equal(info.kept, "");
    assert_true(store_put_turn(run, "a+b", 1, 1, 1, NULL, NULL, NULL));
    nl_store_run_close(run);
    nl_store_close(store);
    store_assert_file(store_path(dir, "third/dataset.jsonl"), store_lines_to(1));
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
    store_assert_recall(other, "r1", 1, NULL);
    assert_null(nl_store_run_open(store, &options, &info, &err)); /* open already */
    assert_int_equal(err.code, NL_BUSY);
    nl_store_run_close(other);
    nl_store_run_close(joins);
    options.fingerprint = "another";
    other = nl_store_run_open(store, &options, &info, &err);
    assert_true(info.resumed && info.changed);
    nl_store_run_close(other);
    nl_store_close(store);
    store_assert_file(dataset(), store_lines_to(1));
    char line[128];
    (void)snprintf(line, sizeof line, "%s\n", store_line(2));
    store_assert_file(store_path(dir, "v2/dataset.jsonl"), line);
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
        store_assert_file(dataset(), ONE TWO THREE);
        assert_int_equal(info.torn, files[i].torn);
        assert_int_equal(info.rewritten, files[i].rewritten);
        assert_string_equal(info.kept,
                            files[i].rewritten ? store_path(dir, "dataset.1.jsonl") : "");
        if (files[i].rewritten)
            store_assert_file(info.kept, files[i].found); /* nothing of somebody's work is lost */
        assert_true(store_put_turn(run, "a+b", 9, 4, 1, NULL, NULL, NULL));
        nl_store_close(store);
        store_assert_file(dataset(), store_lines_to(4));
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fresh_puts_everything_away_and_starts_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(fresh_puts_away_what_lies_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(phases_and_versions_are_runs_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dataset_is_brought_in_line_with_its_entries, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_dataset_that_is_no_file_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(pairs_of_two_sources_never_mix, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
