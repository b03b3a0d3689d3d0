/* The run store at its edges: paths that cannot be had, much at once, arguments that make no sense.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

static nl_store_run *run_at(nl_store *store, const char *path, bool fresh, nl_store_run_info *info,
                            nl_err *err) {
    const nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = path, .fresh = fresh
    };
    return nl_store_run_open(store, &options, info, err);
}

/* A run that is refused, with these words. */
static void refused(nl_store *store, const char *path, bool fresh, const char *words) {
    nl_err err = { .code = NL_OK };
    assert_null(run_at(store, path, fresh, NULL, &err));
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" is not in: %s", words, err.msg);
    assert_null(nl_store_failed(store)); /* the store itself is well */
}

/* `n` entries of about `size` bytes each, whose first is numbered `first`. */
static void put_large(nl_store_run *run, unsigned first, unsigned n, size_t size) {
    char *line = malloc(size + 64);
    assert_non_null(line);
    for (unsigned i = first; i < first + n; i++) {
        int at = snprintf(line, 64, "{\"question\":\"question %u?\",\"sql\":\"", i);
        memset(line + at, 'x', size);
        memcpy(line + at + size, "\"}", 3);
        const nl_store_entry entry = {
            .line = line, .question = "q", .sql = "s", .sql_key = { i, 1 }, .question_key = { i, 2 }
        };
        const nl_store_turn turn = { .item = "a", .turn = i, .entries = &entry, .n_entries = 1 };
        assert_true(nl_store_turn_put(run, &turn, NULL, NULL, NULL));
    }
    free(line);
}

static size_t size_of(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

/* --- the lock ------------------------------------------------------------------------------ */

static void a_lock_that_cannot_be_had_is_told(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    assert_int_equal(mkdir(store_path(dir, "nlsql.db.lock"), 0700), 0);
    assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
    assert_non_null(strstr(err.msg, "cannot open"));
    assert_non_null(strstr(err.msg, "nlsql.db.lock"));
    assert_int_equal(rmdir(store_path(dir, "nlsql.db.lock")), 0);
    nl_store *store = store_open(loop, dir);
    store_write(store_path(dir, "nlsql.db.lock"),
                ""); /* as where a full disk kept the number out */
    assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
    assert_int_equal(err.code, NL_BUSY);
    assert_non_null(strstr(err.msg, "in use by another process"));
    nl_store_close(store);
    nl_store_close(NULL);
    nl_store_run_close(NULL);
}

/* A machine on which no thread can be made any more: for who may have one process only. */
static void a_store_without_its_thread_is_not_opened(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    nl_err err = { .code = NL_OK };
    struct rlimit before;
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(getrlimit(RLIMIT_NPROC, &before), 0);
    const struct rlimit none = { 1, before.rlim_max };
    bool root = geteuid() == 0;
    assert_int_equal(setrlimit(RLIMIT_NPROC, &none), 0);
    assert_int_equal(root ? setresuid(NOBODY, NOBODY, 0) : 0, 0);
    nl_store *store = nl_store_open(loop, store_path(dir, "nlsql.db"), &err);
    assert_int_equal(root ? setresuid(0, 0, 0) : 0, 0);
    assert_int_equal(setrlimit(RLIMIT_NPROC, &before), 0);
    assert_null(store);
    assert_non_null(strstr(err.msg, "cannot start the store's thread"));
    nl_store_close(store_open(loop, dir));
}

/* --- datasets ------------------------------------------------------------------------------ */

static void much_that_is_missing_is_written_piece_by_piece(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    put_large(run, 1, 30, 100000); /* more than fits the buffer that is kept */
    assert_true(store_flush(loop, store, NULL));
    nl_store_close(store);
    char *whole = store_file(dataset());
    assert_true(strlen(whole) > 3000000);
    assert_int_equal(unlink(dataset()), 0);
    store = store_open(loop, dir);
    store_run(store, dir, false, NULL);
    nl_store_close(store);
    store_assert_file(dataset(), whole);
    free(whole);
}

static void what_is_missing_and_finds_no_room_is_an_error(void **state) {
    (void)state;
    struct rlimit before;
    nl_store *store = store_open(loop, dir);
    put_large(store_run(store, dir, false, NULL), 1, 30, 100000);
    nl_store_close(store);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    static const rlim_t room[] = { 500000, 2900000 }; /* within the first piece, and the last */
    for (size_t i = 0; i < 2; i++) {
        const struct rlimit low = { room[i], before.rlim_max };
        assert_int_equal(unlink(dataset()), 0);
        store = store_open(loop, dir);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        refused(store, dataset(), false, dataset());
        refused(store, dataset(), true, dataset()); /* nor is it put away unfinished */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        nl_store_close(store);
    }
    signal(SIGXFSZ, handler);
    store = store_open(loop, dir);
    store_run(store, dir, false, NULL);
    nl_store_close(store);
    assert_true(size_of(dataset()) > 3000000);
}

static void a_path_that_is_too_long_is_told(void **state) {
    (void)state;
    char path[700];
    size_t n = (size_t)snprintf(path, sizeof path, "%s/", dir);
    nl_store *store = store_open(loop, dir);
    for (int i = 0; i < 2; i++) { /* folders, then a name: together beyond what `kept` holds */
        memset(path + n, 'd', 200);
        n += 200;
        path[n++] = '/';
    }
    (void)snprintf(path + n, sizeof path - n, "%0100d.jsonl", 7);
    nl_store_run *run = run_at(store, path, false, NULL, NULL);
    assert_non_null(run);
    assert_true(store_put_turn(run, "a", 1, 1, 1, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL));
    nl_store_run_close(run);
    refused(store, path, true, "too long a path"); /* there is no name for what was there */
    store_write(path, "mine\n");
    refused(store, path, false, "too long a path");
    store_assert_file(path, "mine\n");
    nl_store_close(store);
}

static void a_dataset_may_have_any_name(void **state) {
    (void)state;
    nl_store_run_info info;
    nl_store *store = store_open(loop, dir);
    const char *names[] = { "pairs", "pairs.txt" };
    for (size_t i = 0; i < 2; i++) {
        char expected[300];
        const char *path = store_path(dir, names[i]);
        nl_store_run *run = run_at(store, path, false, NULL, NULL);
        assert_true(store_put_turn(run, "a", 1, 1, 1, NULL, NULL, NULL));
        nl_store_run_close(run);
        store_write(path, "mine\n");
        run = run_at(store, path, false, &info, NULL);
        (void)snprintf(expected, sizeof expected, "%s/%s.1", dir, names[i]);
        assert_string_equal(info.kept, expected);
        store_assert_file(expected, "mine\n");
        nl_store_run_close(run);
    }
    nl_store_close(store);
}

static void what_somebody_edited_is_put_away_as_it_is(void **state) {
    (void)state;
    nl_store_run_info info;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_turn(run, "a", 1, 1, 2, NULL, NULL, NULL));
    nl_store_run_close(run);
    store_write(dataset(), "edited\n");
    store_run(store, dir, true, &info);
    store_assert_file(info.kept, "edited\n");
    store_assert_file(dataset(), "");
    nl_store_close(store);
}

static void a_run_without_a_dataset_keeps_calls_only(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_run_info info;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = run_at(store, NULL, false, &info, &err);
    assert_true(store_put_call(run, "r1", 1, "reply", 0, 0));
    assert_false(store_put_turn(run, "a", 1, 1, 1, NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "without a dataset takes no entries"));
    nl_store_run_close(run);
    run = run_at(store, NULL, true, &info, &err);
    assert_string_equal(info.kept, "");
    assert_false(info.resumed);
    nl_store_run_close(run);
    nl_store_close(store);
}

/* A disk that is read only, where a dataset is to be moved or made. */
static void a_disk_that_is_read_only_is_told(void **state) {
    (void)state;
    char own[300], path[320];
    (void)snprintf(own, sizeof own, "%s/own", dir);
    (void)snprintf(path, sizeof path, "%s/own/dataset.jsonl", dir);
    assert_int_equal(mkdir(own, 0700), 0);
    /* before the store's thread begins, which otherwise sees other mounts */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(own, own, NULL, MS_BIND, NULL) != 0) {
        print_message("  not allowed to mount a file system: %s\n", strerror(errno));
        skip();
    }
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = run_at(store, path, false, NULL, NULL);
    assert_true(store_put_turn(run, "a", 1, 1, 1, NULL, NULL, NULL));
    nl_store_run_close(run);
    const unsigned long read_only = MS_BIND | MS_REMOUNT | MS_RDONLY;
    store_write(path, "mine\n");
    assert_int_equal(mount(NULL, own, NULL, read_only, NULL), 0);
    refused(store, path, false, "cannot move");
    refused(store, path, true, "cannot move");
    assert_int_equal(mount(NULL, own, NULL, MS_BIND | MS_REMOUNT, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mount(NULL, own, NULL, read_only, NULL), 0);
    refused(store, path, false, path);
    assert_int_equal(umount2(own, MNT_DETACH), 0);
    run = run_at(store, path, false, NULL, NULL);
    assert_non_null(run);
    nl_store_close(store);
}

/* --- what makes no sense ------------------------------------------------------------------- */

static void ignore(void *ctx, int64_t id, const nl_err *err) {
    (void)ctx;
    (void)id;
    (void)err;
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    const nl_store_entry empty = { .line = "", .question = "q", .sql = "s" };
    nl_store_turn turn = { .item = "a", .turn = 1, .entries = &empty, .n_entries = 1 };
    assert_false(nl_store_turn_put(run, &turn, NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "must be one line"));
    turn = (nl_store_turn){ .item = "a", .ordinal = UINT64_MAX };
    assert_false(nl_store_turn_put(run, &turn, NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "ordinal is too large"));
    assert_false(store_put_call(run, "r", 1, "x", 0, -1));
    assert_false(store_put_call(run, "r", 1, "x", 99, 1)); /* no such reservation */
    assert_null(nl_store_reserve(store, -1, ignore, NULL, &err));
    assert_null(nl_store_reserve(store, INT64_MAX, ignore, NULL, &err));
    assert_non_null(strstr(err.msg, "cannot reserve"));
    assert_false(nl_store_settle(store, 99, 1, &err));
    assert_true(nl_store_settle(store, 0, 1, &err));
    nl_store_close(store);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call"), 0);
}

/* --- the queue ----------------------------------------------------------------------------- */

/* More than one transaction takes on, and more than is gathered before somebody wakes the writer.
 */
static void much_at_once_is_written_in_order(void **state) {
    (void)state;
    enum { CALLS = 24, SIZE = 1 << 20 };
    char *reply = malloc(SIZE + 1);
    assert_non_null(reply);
    memset(reply, 'r', SIZE);
    reply[SIZE] = '\0';
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    for (unsigned i = 0; i < CALLS; i++) {
        char request[16];
        (void)snprintf(request, sizeof request, "r%u", i);
        assert_true(store_put_call(run, request, 1, reply, 0, 0));
        char *again = store_recall(run, request, 1); /* wherever it is just now */
        assert_non_null(again);
        assert_int_equal(strlen(again), SIZE);
        free(again);
    }
    for (unsigned i = 0; i < 2000; i++) /* small ones that nobody waits for */
        assert_true(store_put_turn(run, "a", i + 1, i, 1, NULL, NULL, NULL));
    for (int i = 0; i < 4000 && nl_store_backlog(store) > 0; i++)
        usleep(5000); /* gathered, and written by themselves */
    assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), 2000);
    nl_store_close(store);
    free(reply);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), 2000);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM call WHERE id = 24"), 1);
}

static void a_reply_of_another_run_or_sample_is_no_answer(void **state) {
    (void)state;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    nl_store_run *other = run_at(store, NULL, false, NULL, NULL);
    assert_null(other); /* the same phase and version is open */
    const nl_store_run_options options = { .phase = "other", .version = "", .fingerprint = "f" };
    other = nl_store_run_open(store, &options, NULL, NULL);
    assert_non_null(other);
    for (unsigned i = 1; i < 50; i++) {
        assert_true(store_put_call(run, "r1", i, "of the first", 0, 0));
        assert_true(store_put_call(other, "r1", i, "of the other", 0, 0));
        store_assert_recall(run, "r1", i, "of the first");
        store_assert_recall(other, "r1", i, "of the other");
        store_assert_recall(run, "r1", i + 1, NULL);
    }
    nl_store_run_close(run); /* while the other stays open */
    store_assert_recall(other, "r1", 3, "of the other");
    nl_store_run_close(other);
    nl_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lock_that_cannot_be_had_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_without_its_thread_is_not_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(much_that_is_missing_is_written_piece_by_piece, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_and_finds_no_room_is_an_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dataset_may_have_any_name, setup, teardown),
        cmocka_unit_test_setup_teardown(what_somebody_edited_is_put_away_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_without_a_dataset_keeps_calls_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_is_read_only_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(much_at_once_is_written_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reply_of_another_run_or_sample_is_no_answer, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
