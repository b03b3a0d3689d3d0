/* Child processes: what they inherit, how failures to start are told from failures of the command,
 * and that they end when we do. */
#include "io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SH(script) ((const char *const[]){ "sh", "-c", script, NULL })

static const nl_proc_options quiet = { .stdout_fd = NL_PROC_NULL, .stderr_fd = NL_PROC_NULL };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const struct {
    const char *why;
    const char *script;
    const char *output;
    int status;
} runs[] = {
    { "both streams come together, in order", "echo one; echo two >&2; echo three",
      "one\ntwo\nthree\n", 0 },
    { "a failing command is a status, not an error", "exit 7", "", 7 },
    { "a signal is 128 and its number", "kill -TERM $$", "", 128 + SIGTERM },
    { "standard input is empty", "cat; echo end", "end\n", 0 },
    { "added variables replace ours", "echo $HOME-$EXTRA", "/nowhere-yes\n", 0 },
    { "the working directory", "pwd", "/usr\n", 0 },
    { "no descriptor leaks: 0, 1, 2 and the listing's own", "ls /proc/self/fd | wc -w", "4\n", 0 },
    { "it leads its own process group, so that Ctrl-C passes it by",
      "read pid comm state ppid pgrp rest < /proc/$$/stat; [ $pgrp = $$ ] && echo leads", "leads\n",
      0 },
    { "a grandchild that keeps the pipe open is not waited for", "sleep 30 & echo started",
      "started\n", 0 },
    { "an ignored SIGPIPE does not stay ignored", "kill -PIPE $$; echo alive", "", 128 + SIGPIPE },
};

static void a_command_runs_to_its_end(void **state) {
    (void)state;
    static const char *const env[] = { "HOME=/nowhere", "EXTRA=yes", NULL };
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    int inheritable = dup(STDIN_FILENO); /* as libraries leave them about */

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        nl_proc_options options = quiet;
        const char *const argv[] = { "sh", "-c", runs[i].script, NULL };
        nl_err err = { .msg = "" };
        nl_buf output;
        int status = -1;
        double started = seconds();

        options.argv = argv;
        options.env = env;
        options.cwd = "/usr";
        nl_buf_init(&output);
        if (!nl_proc_run(&options, &output, &status, &err))
            fail_msg("%s: %s", runs[i].why, err.msg);
        if (status != runs[i].status || strcmp(output.data, runs[i].output) != 0)
            fail_msg("%s: status %d, output \"%s\"", runs[i].why, status, output.data);
        assert_true(seconds() - started < 10);
        nl_buf_release(&output);
    }
    close(inheritable);
    signal(SIGPIPE, before);
}

static void output_is_capped_and_still_read(void **state) {
    (void)state;
    nl_proc_options options = quiet;
    nl_buf output;
    int status = -1;

    options.argv = SH("head -c 3000000 /dev/zero | tr '\\0' x; exit 3");
    nl_buf_init(&output);
    nl_buf_str(&output, "kept:");
    assert_true(nl_proc_run(&options, &output, &status, NULL));
    assert_int_equal(status, 3); /* it could write all of it */
    assert_int_equal(output.size, 5 + (1 << 20));
    assert_memory_equal(output.data, "kept:xxx", 8);
    nl_buf_release(&output);
}

static const struct {
    const char *why;
    const char *program;
    const char *cwd;
    const char *input;
    nl_code code;
    const char *message; /* a part of it */
} refusals[] = {
    { "not on PATH", "no-such-program-here", NULL, NULL, NL_NOTFOUND,
      "cannot find the program no-such-program-here on PATH" },
    { "no such path", "/no/such/program", NULL, NULL, NL_NOTFOUND, "cannot run /no/such/program" },
    { "no program at all", "/etc/passwd", NULL, NULL, NL_IO, "cannot run /etc/passwd" },
    { "empty name", "", NULL, NULL, NL_INVALID, "no command" },
    { "directory to run in", "true", "/no/such/dir", NULL, NL_IO, "cannot enter /no/such/dir" },
    { "input file", "true", NULL, "/no/such/input", NL_IO, "cannot read /no/such/input" },
};

static void a_command_that_cannot_start_is_an_error(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const char *const argv[] = { refusals[i].program, NULL };
        nl_proc_options options = quiet;
        nl_err err = { .code = NL_OK, .msg = "" };

        options.argv = argv;
        options.cwd = refusals[i].cwd;
        options.stdin_path = refusals[i].input;
        assert_int_equal(nl_proc_start(&options, &err), -1);
        if (err.code != refusals[i].code || !strstr(err.msg, refusals[i].message))
            fail_msg("%s: %s: %s", refusals[i].why, nl_code_name(err.code), err.msg);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left behind */
        assert_int_equal(errno, ECHILD);
    }
}

static void input_comes_from_a_file(void **state) {
    (void)state;
    char path[] = "/tmp/nlsql-proc-XXXXXX";
    int fd = mkstemp(path), status = -1;
    nl_proc_options options = quiet;
    nl_buf output;

    assert_true(fd >= 0 && write(fd, "from a file", 11) == 11);
    options.argv = SH("cat");
    options.stdin_path = path;
    nl_buf_init(&output);
    assert_true(nl_proc_run(&options, &output, &status, NULL));
    assert_string_equal(output.data, "from a file");
    nl_buf_release(&output);
    close(fd);
    unlink(path);
}

/* stdout and stderr crossed: installing one must not overwrite the other first. */
static void streams_can_be_swapped(void **state) {
    (void)state;
    char text[64] = "";
    int ends[2], saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    nl_proc_options options = { .argv = SH("echo to-out; echo to-err >&2"),
                                .stdout_fd = STDERR_FILENO,
                                .stderr_fd = STDOUT_FILENO };

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    dup2(ends[1], STDERR_FILENO); /* what the child writes to its stdout must come here */
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    pid_t pid = nl_proc_start(&options, NULL);
    dup2(saved_out, STDOUT_FILENO);
    dup2(saved_err, STDERR_FILENO);
    close(ends[1]);
    close(null);
    close(saved_out);
    close(saved_err);
    assert_true(pid > 0);
    assert_int_equal(read(ends[0], text, sizeof text - 1), 7);
    assert_string_equal(text, "to-out\n");
    assert_int_equal(nl_proc_stop(pid, 0, 5000), 0);
    close(ends[0]);
}

static void stop_asks_first_and_then_kills(void **state) {
    (void)state;
    nl_proc_options options = quiet;
    int ends[2];
    char byte;

    /* each says when its trap stands, so that the signal cannot come before */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    options.stdout_fd = ends[1];
    options.argv = SH("trap 'exit 5' TERM; echo; while :; do sleep 0.01; done");
    pid_t pid = nl_proc_start(&options, NULL);
    assert_true(pid > 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(nl_proc_stop(pid, SIGTERM, 10000), 5);

    options.argv = SH("trap '' TERM; echo; while :; do sleep 0.01; done");
    pid = nl_proc_start(&options, NULL);
    assert_true(pid > 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    double started = seconds();
    assert_int_equal(nl_proc_stop(pid, SIGTERM, 100), 128 + SIGKILL);
    assert_true(seconds() - started < 5);
    assert_int_equal(nl_proc_stop(pid, SIGTERM, 100), -1); /* ours no longer */
    close(ends[0]);
    close(ends[1]);
}

/* The reason for the module: the grandparent sees the child end although its parent was killed
 * with SIGKILL and could do nothing about it. The pipe's last writer is the child. */
static void a_child_ends_when_its_parent_is_killed(void **state) {
    (void)state;
    int ends[2];
    char text[64] = "";

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t middle = fork();
    if (middle == 0) {
        nl_proc_options options = { .argv = SH("echo up; exec sleep 60"),
                                    .stdout_fd = ends[1],
                                    .stderr_fd = NL_PROC_NULL };
        if (nl_proc_start(&options, NULL) < 0)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], text, sizeof text), 3);
    double started = seconds();
    kill(middle, SIGKILL);
    waitpid(middle, NULL, 0);
    assert_int_equal(read(ends[0], text, sizeof text), 0); /* end of file: nobody holds it */
    assert_true(seconds() - started < 10);
    close(ends[0]);
}

static void it_can_run_as_another_user(void **state) {
    (void)state;
    nl_proc_options options = quiet;
    nl_buf output;
    int status = -1;

    if (geteuid() != 0)
        skip();
    nl_buf_init(&output);
    options.argv = SH("id -u; id -g; id -G");
    options.uid = 65534; /* nobody */
    assert_true(nl_proc_run(&options, &output, &status, NULL));
    assert_string_equal(output.data, "65534\n65534\n65534\n");
    /* changing ids clears the parent-death signal: it must have been set after that */
    nl_buf_clear(&output);
    options.argv = (const char *const[]){ "setpriv", "--dump", NULL };
    options.death_signal = SIGINT;
    assert_true(nl_proc_run(&options, &output, &status, NULL));
    if (status == 0)
        assert_non_null(strstr(output.data, "Parent death signal: INT"));
    nl_buf_release(&output);
}

static void programs_are_found_on_path(void **state) {
    (void)state;
    char path[256];
    assert_true(nl_proc_which("sh", path, sizeof path));
    assert_int_equal(access(path, X_OK), 0);
    assert_false(nl_proc_which("sh", path, 3)); /* no room */
    assert_false(nl_proc_which("no-such-program", path, sizeof path));
    assert_false(nl_proc_which("../bin/sh", path, sizeof path)); /* only names */
    assert_false(nl_proc_which("", path, sizeof path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_runs_to_its_end),
        cmocka_unit_test(output_is_capped_and_still_read),
        cmocka_unit_test(a_command_that_cannot_start_is_an_error),
        cmocka_unit_test(input_comes_from_a_file),
        cmocka_unit_test(streams_can_be_swapped),
        cmocka_unit_test(stop_asks_first_and_then_kills),
        cmocka_unit_test(a_child_ends_when_its_parent_is_killed),
        cmocka_unit_test(it_can_run_as_another_user),
        cmocka_unit_test(programs_are_found_on_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
