/* Watched folders: a save is one report however it is made, what editors leave beside a file is
 * none, and folders may come and go. */
#include "io/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_memory.h"

static nl_loop *loop;
static nl_folder_watch *watch;
static char top[64];
static bool reported;
static uint64_t reported_at;

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_changed(void *ctx) {
    (void)ctx;
    reported = true;
    reported_at = now_ms();
    nl_loop_stop(loop);
}

static void sh(const char *script) {
    char *command = NULL;
    assert_true(asprintf(&command, "cd %s && { %s; }", top, script) > 0);
    assert_int_equal(system(command), 0); /* NOLINT: the test's own words */
    free(command);
}

/* A folder with two files, watched. */
static int setup(void **state) {
    (void)state;
    (void)snprintf(top, sizeof top, "/tmp/nlsql-watch-XXXXXX");
    loop = nl_loop_new(NULL);
    assert_non_null(mkdtemp(top));
    sh("mkdir prompts && echo one > prompts/a.txt && echo two > prompts/b.txt && sleep 0.02");
    watch = nl_folder_watch_new(loop, on_changed, NULL, NULL);
    return loop && watch ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_folder_watch_free(watch);
    nl_loop_free(loop);
    sh("rm -rf ../${PWD##*/}");
    return 0;
}

static const char *in(const char *name) {
    static char path[4][128];
    static unsigned at;
    at = (at + 1) % 4;
    (void)snprintf(path[at], sizeof path[at], "%s/%s", top, name);
    return path[at];
}

static void add(const char *folder, int flags) {
    assert_true(nl_folder_watch_add(watch, in(folder), flags, NULL));
}

static void stop(void *ctx) {
    (void)ctx;
    nl_loop_stop(loop);
}

/* What is reported within `ms`: names below the folder with blanks between them, taken. */
static const char *wait_for(uint64_t ms) {
    static char names[512];
    const char *path;
    nl_timer *timer = nl_timer_start(loop, ms, 0, stop, NULL, NULL);
    assert_non_null(timer);
    reported = false;
    nl_loop_run(loop);
    nl_timer_stop(timer);
    names[0] = '\0';
    assert_true(reported || !nl_folder_watch_path(watch, 0));
    for (size_t i = 0; (path = nl_folder_watch_path(watch, i)) != NULL; i++) {
        size_t n = strlen(names);
        assert_memory_equal(path, top, strlen(top));
        (void)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "", path + strlen(top) + 1);
    }
    nl_folder_watch_clear(watch);
    return names;
}

static const struct {
    const char *why, *script, *names;
} saves[] = {
    { "written in place", "echo new > prompts/a.txt", "prompts/a.txt" },
    { "emptied, and written a little later",
      ": > prompts/a.txt; sleep 0.02; echo x > prompts/a.txt", "prompts/a.txt" },
    { "a temporary file renamed over it",
      "echo new > prompts/sedAb1; mv prompts/sedAb1 prompts/a.txt", "prompts/a.txt" },
    { "renamed with an old time and the same size",
      "echo uno > x; touch -r prompts/a.txt x; mv x prompts/a.txt", "prompts/a.txt" },
    { "vim: a probe, a backup, a new file",
      "touch prompts/4913; rm prompts/4913; mv prompts/a.txt prompts/a.txt~; "
      "echo new > prompts/a.txt; rm prompts/a.txt~",
      "prompts/a.txt" },
    { "a backup that stays", "cp prompts/a.txt prompts/a.txt~; echo new > prompts/a.txt",
      "prompts/a.txt" },
    { "many writes", "for i in 1 2 3 4 5; do echo $i >> prompts/a.txt; done", "prompts/a.txt" },
    { "two files", "echo new > prompts/b.txt; echo new > prompts/a.txt",
      "prompts/a.txt prompts/b.txt" },
    { "a new file", "echo new > prompts/c.txt", "prompts/c.txt" },
    { "a file that is deleted", "rm prompts/b.txt", "prompts/b.txt" },
    { "a file that is renamed", "mv prompts/b.txt prompts/c.txt", "prompts/b.txt prompts/c.txt" },
    { "an empty file", ": > prompts/a.txt", "prompts/a.txt" },
    { "a file that came and went", "echo x > prompts/c.txt; rm prompts/c.txt", "" },
    { "hidden, backup and lock files",
      "cd prompts; touch .a.txt.swp a.swp a.swx .#a.txt '#a.txt#' a.txt~ 4913 a.tmp a.bak .env",
      "" },
    { "permissions", "chmod 600 prompts/a.txt", "" },
    { "what is read", "cat prompts/*.txt > /dev/null", "" },
    { "another folder", "mkdir other; echo x > other/a.txt; echo x > a.txt", "" },
    { "a folder below", "mkdir prompts/below; echo x > prompts/below/a.txt", "" },
};

static void a_save_is_one_report(void **state) {
    for (size_t i = 0; i < sizeof saves / sizeof *saves; i++) {
        assert_int_equal(setup(state), 0);
        add("prompts", 0);
        sh(saves[i].script);
        uint64_t saved = now_ms();
        const char *names = wait_for(400);
        if (strcmp(names, saves[i].names) != 0)
            fail_msg("%s: reported \"%s\"", saves[i].why, names);
        if (names[0] && reported_at - saved > 250)
            fail_msg("%s: reported after %d ms", saves[i].why, (int)(reported_at - saved));
        if (names[0] && wait_for(100)[0])
            fail_msg("%s: reported twice", saves[i].why);
        teardown(state);
    }
}

static void *save_slowly(void *script) {
    sh(script);
    return NULL;
}

/* While somebody waits: gaps of a save do not make two reports of it. A busy machine may stretch
 * them, so one try of five is enough. */
static void a_slow_save_is_one_report(void **state) {
    static const char *const slow[] = {
        "sleep 0.05; : > prompts/a.txt; sleep 0.03; echo x > prompts/a.txt",
        "sleep 0.05; mv prompts/a.txt prompts/a.txt~; sleep 0.015; echo new > prompts/a.txt",
        "sleep 0.05; for i in 1 2 3 4; do echo $i >> prompts/a.txt; sleep 0.004; done",
        "sleep 0.05; echo new > prompts/a.txt; sleep 0.004; echo new > prompts/a.txt",
    };
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        char said[64] = "", again[64] = "-";
        for (int tries = 0; tries < 5 && again[0]; tries++) {
            pthread_t thread;
            assert_int_equal(setup(state), 0);
            add("prompts", 0);
            assert_int_equal(pthread_create(&thread, NULL, save_slowly, (void *)slow[i]), 0);
            (void)snprintf(said, sizeof said, "%s", wait_for(2000));
            pthread_join(thread, NULL);
            (void)snprintf(again, sizeof again, "%s", wait_for(200));
            teardown(state);
        }
        if (again[0] || strcmp(said, "prompts/a.txt") != 0)
            fail_msg("%s: reported \"%s\", then \"%s\"", slow[i], said, again);
    }
}

static void what_happens_while_nobody_waits_is_kept(void **state) {
    (void)state;
    add("prompts", 0);
    sh("echo new > prompts/a.txt");
    assert_string_equal(wait_for(400), "prompts/a.txt");
    sh("echo newer > prompts/a.txt; sleep 0.1; echo new > prompts/b.txt; sleep 0.03");
    assert_string_equal(wait_for(400), "prompts/a.txt prompts/b.txt");
}

static void a_tree_holds_folders_made_later(void **state) {
    (void)state;
    sh("mkdir -p scripts/nlsql/grammar && touch scripts/nlsql/x.lua scripts/nlsql/grammar/y.lua");
    sh("ln -s .. scripts/nlsql/up && sleep 0.06");
    add("scripts", NL_WATCH_TREE);
    assert_string_equal(wait_for(100), "");
    sh("echo 1 > scripts/nlsql/x.lua; echo 1 > scripts/nlsql/grammar/y.lua");
    assert_string_equal(wait_for(400), "scripts/nlsql/grammar/y.lua scripts/nlsql/x.lua");
    sh("mkdir scripts/mine; echo 1 > scripts/mine/z.lua");
    assert_string_equal(wait_for(400), "scripts/mine/z.lua");
    sh("echo 12 > scripts/mine/z.lua");
    uint64_t saved = now_ms();
    assert_string_equal(wait_for(400), "scripts/mine/z.lua");
    assert_true(reported_at - saved < 250);
    sh("mkdir scripts/.git; echo 1 > scripts/.git/z.lua");
    assert_string_equal(wait_for(200), "");
}

static void a_folder_may_come_and_go(void **state) {
    (void)state;
    add("prompts", 0);
    add("phases", 0);
    assert_string_equal(wait_for(50), "");
    sh("mkdir phases; echo 1 > phases/joins.lua");
    assert_string_equal(wait_for(3000), "phases/joins.lua");
    sh("mv prompts away");
    assert_string_equal(wait_for(3000), "prompts/a.txt prompts/b.txt");
    sh("echo x > away/a.txt");
    assert_string_equal(wait_for(100), "");
    sh("cp -a away prompts; rm prompts/b.txt");
    assert_string_equal(wait_for(3000), "prompts/a.txt");
    sh("echo newest > prompts/a.txt"); /* events come from the new folder */
    uint64_t saved = now_ms();
    assert_string_equal(wait_for(400), "prompts/a.txt");
    assert_true(reported_at - saved < 250);
    sh("rm -r prompts; mkdir prompts; echo y > prompts/b.txt"); /* as a checkout does */
    assert_string_equal(wait_for(3000), "prompts/a.txt prompts/b.txt");
}

static void one_file_of_a_folder(void **state) {
    (void)state;
    assert_true(nl_folder_watch_add_file(watch, in("config.yaml"), NULL));
    assert_true(nl_folder_watch_add_file(watch, in("prompts/a.txt"), NULL));
    sh("echo 1 > other.yaml; echo x > prompts/b.txt");
    assert_string_equal(wait_for(200), "");
    sh("echo 1 > config.yaml; echo x > prompts/a.txt");
    assert_string_equal(wait_for(400), "config.yaml prompts/a.txt");
    sh("rm config.yaml");
    assert_string_equal(wait_for(400), "config.yaml");
}

static void the_same_folder_twice_reports_once(void **state) {
    (void)state;
    sh("ln -s prompts link");
    assert_true(nl_folder_watch_add_file(watch, in("link/a.txt"), NULL));
    add("prompts/", 0);
    add("link", 0);
    sh("echo new > prompts/a.txt");
    assert_string_equal(wait_for(400), "prompts/a.txt");
    sh("echo newer > link/b.txt");
    assert_string_equal(wait_for(400), "prompts/b.txt");
}

/* Without descriptors nothing can be heard or seen, but nothing is reported as deleted. */
static void descriptors_may_run_out(void **state) {
    (void)state;
    int fds[64], n = 0, one;
    struct rlimit limit, low;
    add("prompts", 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    one = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(one >= 0 && one < 48);
    low = (struct rlimit){ .rlim_cur = 60, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while ((fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    assert_int_equal(errno, EMFILE);
    assert_string_equal(wait_for(1300), ""); /* a look was made */
    while (n > 0)
        close(fds[--n]);
    close(one);
    setrlimit(RLIMIT_NOFILE, &limit);
    sh("echo new > prompts/a.txt");
    assert_string_equal(wait_for(400), "prompts/a.txt");
}

/* The kernel tells nothing of what a link leads to: the look each second finds it. */
static void a_change_without_an_event_is_found(void **state) {
    (void)state;
    sh("echo one > elsewhere.txt; ln -s ../elsewhere.txt prompts/link.txt; sleep 0.02");
    add("prompts", 0);
    sh("echo other > elsewhere.txt");
    assert_string_equal(wait_for(3000), "prompts/link.txt");
}

static void memory_may_run_out(void **state) {
    (void)state;
    nl_folder_watch_free(watch);
    watch = NULL;
    for (long after = 0;; after++) {
        nl_err err = { .code = NL_OK };
        test_memory_fail(after);
        nl_folder_watch *one = nl_folder_watch_new(loop, on_changed, NULL, &err);
        bool ok = one && nl_folder_watch_add(one, in("prompts"), NL_WATCH_TREE, &err) &&
                  nl_folder_watch_add_file(one, in("config.yaml"), &err);
        bool failed = test_memory_failed();
        test_memory_fail(-1);
        nl_folder_watch_free(one);
        assert_true(ok || err.code == NL_NOMEM);
        if (!failed)
            break;
        assert_true(after < 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_is_one_report),
        cmocka_unit_test(a_slow_save_is_one_report),
        cmocka_unit_test_setup_teardown(what_happens_while_nobody_waits_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tree_holds_folders_made_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_may_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(one_file_of_a_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_folder_twice_reports_once, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_may_run_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_without_an_event_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_run_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
