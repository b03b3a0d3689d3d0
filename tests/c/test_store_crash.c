/* What the store holds after its process was killed at any moment, and after the disk was full. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store_fixture.h"

/* The lines of the run's entries, as the store has them. */
static void add_line(void *ctx, const nl_store_seen *seen) {
    nl_buf *lines = ctx;
    assert_true(nl_buf_printf(lines, "%s\n", store_line((unsigned)seen->sql.hi)));
}

/* Entries and dataset agree, the database is sound. Returns the number of entries. */
static unsigned assert_sound(nl_store_run *run) {
    char sound[64];
    nl_buf lines;
    unsigned n = 0;
    nl_buf_init(&lines);
    assert_true(nl_store_each_seen(run, add_line, &lines, NULL));
    char *file = store_file(store_path(dir, "dataset.jsonl"));
    assert_non_null(file);
    assert_string_equal(file, lines.data);
    for (const char *at = file; *at; at++)
        n += *at == '\n';
    free(file);
    nl_buf_release(&lines);
    store_text(dir, "PRAGMA integrity_check", sound, sizeof sound);
    assert_string_equal(sound, "ok");
    return n;
}

/* --- killed -------------------------------------------------------------------------------- */

/* A writer that never stops: turns of one to three entries, calls, reservations, several under
 * way at once. What is reported durable it tells through a pipe. */
static struct writer {
    nl_loop *loop;
    nl_store *store;
    nl_store_run *run;
    unsigned next, turn;
    int acknowledged;
} writer;

struct ack {
    unsigned last; /* entry */
};

static void put_more(void);

static void on_durable(void *ctx, const nl_err *err) {
    struct ack *ack = ctx;
    if (err || write(writer.acknowledged, &ack->last, sizeof ack->last) != sizeof ack->last)
        _exit(3);
    free(ack);
    put_more();
}

static void on_reserved(void *ctx, int64_t id, const nl_err *err) {
    (void)ctx;
    char request[32];
    (void)snprintf(request, sizeof request, "request %u", writer.turn);
    if (err || (writer.turn % 3 && !store_put_call(writer.run, request, 1, "reply", id, 3)))
        _exit(4);
    if (!nl_store_reserve(writer.store, 5, on_reserved, NULL, NULL))
        _exit(5);
}

static void put_more(void) {
    struct ack *ack = malloc(sizeof *ack);
    unsigned n = 1 + writer.turn % 3;
    writer.turn++;
    ack->last = writer.next + n - 1;
    if (!store_put_turn(writer.run, "item", writer.turn, writer.next, n, on_durable, ack, NULL))
        _exit(6);
    writer.next += n;
}

static void write_for_ever(unsigned first, int pipe_end) {
    writer = (struct writer){ .next = first, .acknowledged = pipe_end };
    writer.loop = nl_loop_new(NULL);
    writer.store = nl_store_open(writer.loop, store_path(dir, "nlsql.db"), NULL);
    if (!writer.store)
        _exit(2);
    writer.run = store_run(writer.store, dir, false, NULL);
    for (int i = 0; i < 4; i++)
        put_more();
    on_reserved(NULL, 0, NULL);
    nl_loop_run(writer.loop);
    _exit(7);
}

/* Runs a writer for a while, which starts with it or with its first durable turn, and kills it.
 * Returns the last entry that it called durable. */
static unsigned run_and_kill(unsigned first, bool working, unsigned microseconds) {
    int ends[2];
    unsigned last = first - 1, value;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        write_for_ever(first, ends[1]);
    }
    close(ends[1]);
    if (working && read(ends[0], &value, sizeof value) == sizeof value)
        last = value;
    usleep(microseconds);
    kill(child, SIGKILL);
    while (read(ends[0], &value, sizeof value) == sizeof value)
        last = value;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* it ran until it was killed */
    return last;
}

static void no_acknowledged_entry_is_lost_by_a_kill(void **state) {
    (void)state;
    enum { ROUNDS = 30 };
    unsigned entries = 0, lagged = 0, seed = 7;
    for (int round = 0; round < ROUNDS; round++) {
        nl_store_run_info info;
        nl_store_item item;
        int64_t spent, reserved;
        seed = seed * 1103515245u + 12345u;
        unsigned last = run_and_kill(entries + 1, round % 2, (seed >> 8) % 40000);
        nl_store *store = store_open(loop, dir);
        nl_store_run *run = store_run(store, dir, false, &info);
        entries = assert_sound(run);
        assert_true(entries >= last);
        assert_false(info.rewritten); /* what a crash leaves is never taken for an edit */
        assert_int_equal(info.entries, entries);
        lagged += entries > last;
        assert_true(nl_store_item_get(run, "item", &item, NULL));
        assert_int_equal(item.found ? item.accepted : 0, entries);
        nl_store_ledger(store, &spent, &reserved);
        assert_int_equal(reserved, 0);
        assert_int_equal(spent, store_number(dir, "SELECT coalesce(sum(cost), 0) FROM ledger"));
        assert_int_equal(store_number(dir, "SELECT count(*) FROM ledger WHERE cost IS NULL"), 0);
        assert_int_equal(store_number(dir, "SELECT count(*) FROM call JOIN ledger "
                                           "ON ledger.id = call.ledger WHERE ledger.cost <> 3"),
                         0);
        nl_store_close(store);
    }
    print_message("  %u entries in %d rounds; %u had more than was acknowledged\n", entries, ROUNDS,
                  lagged);
    assert_true(entries >= ROUNDS / 2); /* every second round got somewhere */
}

/* --- a full disk --------------------------------------------------------------------------- */

struct flood {
    nl_store_run *run;
    unsigned next, durable;
    nl_err err;
    bool over, refused;
};

static void on_flood(void *ctx, const nl_err *err) {
    struct flood *flood = ctx;
    if (err) {
        assert_true(!flood->over || strcmp(flood->err.msg, err->msg) == 0); /* always the same */
        flood->err = *err;
        flood->over = true;
        nl_loop_stop(loop);
        return;
    }
    assert_false(flood->over); /* nothing is durable after a failure */
    flood->durable += 50;
    if (!store_put_turn(flood->run, "item", flood->next / 50 + 1, flood->next, 50, on_flood, flood,
                        &flood->err)) {
        flood->over = true;
        nl_loop_stop(loop);
    }
    flood->next += 50;
}

static void on_refused(void *ctx, int64_t id, const nl_err *err) {
    struct flood *flood = ctx;
    assert_int_equal(id, 0);
    assert_non_null(err);
    assert_int_equal(err->code, NL_IO);
    flood->refused = true;
    nl_loop_stop(loop);
}

/* Writes until the disk is full; then everything that was durable is there. */
static unsigned flood_until_full(nl_store *store, nl_store_run *run) {
    struct flood flood = { .run = run, .next = 51 };
    nl_err err = { .code = NL_OK };
    nl_store_set_budget(store, 10);
    assert_true(store_reserve(loop, store, 8, NULL) > 0);
    assert_non_null(nl_store_reserve(store, 8, on_refused, &flood, NULL)); /* waits in line */
    assert_true(store_put_turn(run, "item", 1, 1, 50, on_flood, &flood, NULL));
    while (!flood.over || !flood.refused)
        nl_loop_run(loop);
    assert_int_equal(flood.err.code, NL_IO);
    assert_non_null(nl_store_failed(store));
    assert_string_equal(nl_store_failed(store)->msg, flood.err.msg);
    print_message("  %u entries, then: %s\n", flood.durable, flood.err.msg);
    assert_true(flood.durable >= 100);
    assert_false(store_put_turn(run, "item", 1, 1, 1, NULL, NULL, &err));
    assert_string_equal(err.msg, flood.err.msg);
    assert_false(store_put_call(run, "r", 1, "reply", 0, 0));
    assert_false(nl_store_flush(store, on_flood, &flood, &err));
    assert_null(nl_store_reserve(store, 1, on_refused, &flood, &err));
    nl_store_close(store);
    char *file = store_file(store_path(dir, "dataset.jsonl"));
    size_t size = file ? strlen(file) : 0;
    assert_true(size > 0 && file[size - 1] == '\n'); /* whole lines only */
    free(file);
    return flood.durable;
}

static void assert_all_there(unsigned durable) {
    nl_store_run_info info;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, &info);
    assert_false(info.rewritten);
    assert_true(assert_sound(run) >= durable);
    assert_true(store_put_turn(run, "more", 1, 1, 1, NULL, NULL, NULL));
    assert_true(store_flush(loop, store, NULL)); /* and it goes on */
    nl_store_close(store);
}

static void a_file_that_may_not_grow_ends_the_run_and_loses_nothing(void **state) {
    (void)state;
    struct rlimit before, small;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 400000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    unsigned durable = flood_until_full(store, run);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_all_there(durable);
}

/* Mounts a small file system on `at`, in a mount table of this process's own. */
static bool mount_small(const char *at, const char *options) {
    static bool own;
    if (!own &&
        (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
        return false;
    own = true;
    return mount("tmpfs", at, "tmpfs", 0, options) == 0;
}

static void a_full_disk_ends_the_run_and_loses_nothing(void **state) {
    (void)state;
    if (!mount_small(dir, "size=1m")) {
        print_message("  not allowed to mount a file system: %s\n", strerror(errno));
        skip();
    }
    nl_store *store = store_open(loop, dir);
    unsigned durable = flood_until_full(store, store_run(store, dir, false, NULL));
    assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT, "size=64m"), 0);
    assert_all_there(durable);
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

static void a_full_disk_under_the_dataset_alone_leaves_whole_lines(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    char small[300], path[320];
    (void)snprintf(small, sizeof small, "%s", store_dir(dir));
    (void)snprintf(path, sizeof path, "%s/dataset.jsonl", small);
    if (!mount_small(small, "size=16k")) {
        print_message("  not allowed to mount a file system: %s\n", strerror(errno));
        skip();
    }
    nl_store *store = store_open(loop, dir);
    nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = path
    };
    nl_store_run *run = nl_store_run_open(store, &options, NULL, &err);
    assert_non_null(run);
    unsigned next = 1;
    while (store_put_turn(run, "item", next, next, 10, NULL, NULL, NULL)) {
        next += 10;
        store_flush(loop, store, &err);
    }
    assert_non_null(strstr(nl_store_failed(store)->msg, path));
    nl_store_close(store);
    char *file = store_file(path);
    assert_true(strlen(file) > 10000);
    assert_int_equal(file[strlen(file) - 1], '\n');
    free(file);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), next - 1); /* all committed */
    assert_int_equal(mount(NULL, small, NULL, MS_REMOUNT, "size=1m"), 0);
    store = store_open(loop, dir);
    run = nl_store_run_open(store, &options, NULL, &err);
    assert_non_null(run);
    nl_store_close(store);
    file = store_file(path);
    unsigned lines = 0;
    for (const char *at = file; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, next - 1);
    free(file);
    assert_int_equal(umount2(small, MNT_DETACH), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_acknowledged_entry_is_lost_by_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_may_not_grow_ends_the_run_and_loses_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_ends_the_run_and_loses_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_under_the_dataset_alone_leaves_whole_lines,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
