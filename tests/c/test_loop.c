/* The loop's promises: order, no inline callbacks, timers, threads, descriptors, signals, and a
 * watchdog that ends a process which stands still. */
#include "io/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static nl_loop *loop;

static int setup(void **state) {
    (void)state;
    loop = nl_loop_new(NULL);
    return loop ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_loop_free(loop);
    return 0;
}

static char trace[64];
static nl_task first, second, third;

static void note(const char *what) {
    size_t n = strlen(trace);
    (void)snprintf(trace + n, sizeof trace - n, "%s", what);
}

static void run_first(void *ctx) {
    (void)ctx;
    note("1");
    nl_loop_post(loop, &third); /* not in this turn */
    nl_loop_unpost(loop, &second);
    note("-");
}

static void run_second(void *ctx) {
    (void)ctx;
    note("2");
}

static void run_third(void *ctx) {
    (void)ctx;
    note("3");
    nl_loop_stop(loop);
}

static void tasks_run_in_order_on_the_next_turn(void **state) {
    (void)state;
    trace[0] = '\0';
    first = (nl_task){ .fn = run_first };
    second = (nl_task){ .fn = run_second };
    third = (nl_task){ .fn = run_third };
    nl_loop_post(loop, &first);
    nl_loop_post(loop, &first); /* twice counts once */
    nl_loop_post(loop, &second);
    assert_string_equal(trace, ""); /* never inline */
    nl_loop_run(loop);
    assert_string_equal(trace, "1-3");
}

static unsigned ticks;
static nl_timer *timer;

static void tick(void *ctx) {
    (void)ctx;
    if (++ticks == 3) {
        nl_timer_stop(timer);
        nl_loop_stop(loop);
    }
}

static void a_timer_repeats_until_stopped(void **state) {
    (void)state;
    ticks = 0;
    timer = nl_timer_start(loop, 1, 1, tick, NULL, NULL);
    assert_non_null(timer);
    nl_loop_run(loop);
    assert_int_equal(ticks, 3);
}

static void end_timer(void *ctx) {
    (void)ctx;
    nl_timer_stop(timer);
    nl_loop_stop(loop);
}

static int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Or a time-out set after long work would be over at once. */
static void a_timer_counts_from_its_start(void **state) {
    const struct timespec long_work = { .tv_nsec = 80000000 };
    (void)state;
    for (int again = 0; again < 2; again++) {
        nanosleep(&long_work, NULL);
        timer = nl_timer_start(loop, again ? 1 : 60, 0, end_timer, NULL, NULL);
        assert_non_null(timer);
        if (again) {
            nanosleep(&long_work, NULL);
            nl_timer_again(timer, 60);
        }
        int64_t start = clock_ms();
        nl_loop_run(loop);
        assert_true(clock_ms() - start >= 59);
    }
}

static pthread_t worker_thread;

static void work(void *ctx) {
    worker_thread = pthread_self();
    *(int *)ctx += 1;
}

static void work_done(void *ctx) {
    *(int *)ctx += 10;
    nl_loop_stop(loop);
}

static void work_runs_elsewhere_and_reports_here(void **state) {
    (void)state;
    int steps = 0;
    assert_true(nl_loop_work(loop, work, work_done, &steps, NULL));
    nl_loop_run(loop);
    assert_int_equal(steps, 11);
    assert_false(pthread_equal(worker_thread, pthread_self()));
}

static unsigned remote_runs;

static void on_remote(void *ctx) {
    (void)ctx;
    remote_runs++;
    nl_loop_stop(loop);
}

static void *post_from_thread(void *task) {
    nl_loop_post_remote(loop, task);
    return NULL;
}

static void another_thread_can_post(void **state) {
    (void)state;
    nl_task task = { .fn = on_remote };
    pthread_t thread;
    remote_runs = 0;
    assert_int_equal(pthread_create(&thread, NULL, post_from_thread, &task), 0);
    nl_loop_run(loop);
    pthread_join(thread, NULL);
    assert_int_equal(remote_runs, 1);
}

static int seen_events;

static void on_ready(void *ctx, int events) {
    (void)ctx;
    seen_events = events;
    nl_loop_stop(loop);
}

static void a_descriptor_is_watched(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    nl_watch *watch = nl_watch_new(loop, ends[0], on_ready, NULL, NULL);
    assert_non_null(watch);
    assert_true(nl_watch_set(watch, NL_READABLE));
    assert_int_equal(write(ends[1], "x", 1), 1);
    seen_events = 0;
    nl_loop_run(loop);
    assert_int_equal(seen_events, NL_READABLE);
    nl_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
}

/* Reads a byte at a time, so that what was sent before the error is not read at once with it. */
static void read_one(void *ctx, int events) {
    const int *fd = ctx;
    char byte;
    (void)events;
    ssize_t n = read(*fd, &byte, 1);
    note(n == 1 ? "b" : n < 0 ? "e" : "0");
    if (n != 1)
        nl_loop_stop(loop);
}

static void give_up(void *ctx) {
    (void)ctx;
    nl_loop_stop(loop);
}

/* The other end closes with something of ours unread: that is an error, behind what it wrote. */
static void what_came_before_an_error_is_read_first(void **state) {
    (void)state;
    int pair[2];
    trace[0] = '\0';
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    nl_watch *watch = nl_watch_new(loop, pair[0], read_one, &pair[0], NULL);
    assert_true(watch && nl_watch_set(watch, NL_READABLE));
    assert_int_equal(write(pair[0], "unread", 6), 6);
    assert_int_equal(write(pair[1], "ab", 2), 2);
    close(pair[1]);
    nl_timer *patience = nl_timer_start(loop, 2000, 0, give_up, NULL, NULL);
    nl_loop_run(loop);
    nl_timer_stop(patience);
    nl_watch_free(watch);
    close(pair[0]);
    assert_string_equal(trace, "bbe");
}

static void a_signal_reaches_the_loop(void **state) {
    (void)state;
    remote_runs = 0;
    assert_true(nl_loop_on_signal(loop, SIGUSR1, on_remote, NULL, NULL));
    raise(SIGUSR1);
    nl_loop_run(loop);
    assert_int_equal(remote_runs, 1);
    assert_true(nl_loop_on_signal(loop, SIGUSR1, NULL, NULL, NULL));
}

static void spin(void *ctx) {
    volatile unsigned *count = ctx;
    for (;;)
        ++*count;
}

static void the_watchdog_ends_a_loop_that_stands_still(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        unsigned count = 0;
        dup2(ends[1], STDERR_FILENO);
        alarm(10);
        nl_loop *own = nl_loop_new(NULL);
        nl_loop_watchdog(own, 300, NULL);
        nl_loop_working_for(own, "phase \"bad\"");
        /* from a timer: the watch starts with the first turn that waited for events */
        nl_timer_start(own, 10, 0, spin, &count, NULL);
        nl_loop_run(own);
        _exit(0);
    }
    close(ends[1]);
    char text[512];
    ssize_t n = read(ends[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(text, "phase \"bad\" has blocked everything"));
    close(ends[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tasks_run_in_order_on_the_next_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_repeats_until_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_counts_from_its_start, setup, teardown),
        cmocka_unit_test_setup_teardown(work_runs_elsewhere_and_reports_here, setup, teardown),
        cmocka_unit_test_setup_teardown(another_thread_can_post, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_is_watched, setup, teardown),
        cmocka_unit_test_setup_teardown(what_came_before_an_error_is_read_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signal_reaches_the_loop, setup, teardown),
        cmocka_unit_test(the_watchdog_ends_a_loop_that_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
