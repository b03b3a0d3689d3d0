#include "fake.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/proc.h"

/* Reads one line, without its end. */
static bool read_line(int fd, char *line, size_t room) {
    size_t n = 0;
    char c;
    while (n + 1 < room && read(fd, &c, 1) == 1 && c != '\n')
        line[n++] = c;
    line[n] = '\0';
    return n > 0;
}

static void make_file(char *path, size_t room, const char *text) {
    (void)snprintf(path, room, "/tmp/nlsql-fake-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    if (text)
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

void fake_start(struct fake *fake, const char *program, const char *const *arguments,
                const char *script) {
    const char *argv[32] = { program, "--port", "0" };
    size_t n = 3;
    int ends[2];
    char line[64];
    nl_err err = { .msg = "" };

    *fake = (struct fake){ .pid = -1, .out = -1 };
    make_file(fake->log, sizeof fake->log, NULL);
    argv[n++] = "--log";
    argv[n++] = fake->log;
    if (script) {
        make_file(fake->script, sizeof fake->script, script);
        argv[n++] = "--script";
        argv[n++] = fake->script;
    }
    for (; arguments && *arguments && n + 1 < sizeof argv / sizeof *argv; arguments++)
        argv[n++] = *arguments;
    argv[n] = NULL;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    nl_proc_options options = { .argv = argv, .stdout_fd = ends[1], .stderr_fd = NL_PROC_INHERIT };
    fake->pid = nl_proc_start(&options, &err);
    close(ends[1]);
    fake->out = ends[0];
    if (fake->pid < 0)
        fail_msg("%s", err.msg);
    if (!read_line(ends[0], line, sizeof line) || sscanf(line, "listening %u", &fake->port) != 1)
        fail_msg("the fake endpoint did not start: \"%s\"", line);
    (void)snprintf(fake->base, sizeof fake->base, "http://127.0.0.1:%u/v1", fake->port);
    (void)snprintf(fake->chat, sizeof fake->chat, "%s/chat/completions", fake->base);
}

void fake_stop(struct fake *fake) {
    if (fake->pid <= 0)
        return;
    int status = nl_proc_stop(fake->pid, SIGTERM, 10000);
    fake->pid = -1;
    if (!read_line(fake->out, fake->counts, sizeof fake->counts))
        fake->counts[0] = '\0';
    close(fake->out);
    unlink(fake->log);
    if (fake->script[0])
        unlink(fake->script);
    assert_int_equal(status, 0); /* its own sanitizers were content */
}

long fake_count(const struct fake *fake, const char *name) {
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = strstr(fake->counts, quoted);
    return at ? strtol(at + strlen(quoted), NULL, 10) : -1;
}

char *fake_log(const struct fake *fake) {
    nl_buf text;
    nl_buf_init(&text);
    assert_true(nl_buf_read_file(&text, fake->log, 0, NULL));
    char *copy = nl_buf_detach(&text, NULL);
    assert_non_null(copy);
    return copy;
}
