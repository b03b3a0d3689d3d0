/* cluster_server.c: the programs of a throw-away cluster: initdb, and the server itself. */
#include "db/cluster_priv.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum {
    MAX_SETTINGS = 64,
    START_MS = 60000, /* a busy machine; the usual is 100 */
    POLL_MS = 5,
    STOP_MS = 5000
};

/* --- the data directory ---------------------------------------------------------------------- */

const char *const cluster_environment[] = { "TZ=UTC", "LC_ALL=C",
                                            "PGOPTIONS=", "PGCLIENTENCODING=UTF8", NULL };

/* Options of a program that runs as the server's user, with `path` made of its name. */
static nl_proc_options as_server(const nl_cluster *c, const char *const *argv) {
    return (nl_proc_options){ .argv = argv,
                              .env = cluster_environment,
                              .cwd = c->folder, /* ours may be closed to that user */
                              .uid = c->uid,
                              .gid = c->gid,
                              .stdout_fd = NL_PROC_NULL,
                              .stderr_fd = NL_PROC_NULL };
}

/* The last line that is not empty, in place. */
char *cluster_last_line(nl_buf *text) {
    while (text->size > 0 && strchr("\r\n ", text->data[text->size - 1]))
        text->data[--text->size] = '\0';
    char *at = text->size ? strrchr(text->data, '\n') : NULL;
    return at ? at + 1 : text->data;
}

/* From the reason that a program gave, where it can be found; a line of many may follow it. */
static const char *telling_line(nl_buf *text) {
    static const char *const marks[] = { "PANIC:", "FATAL:", "error:" };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char *at = strstr(text->data, marks[i]);
        if (at) {
            at += strlen(marks[i]);
            at += strspn(at, " ");
            at[strcspn(at, "\n")] = '\0';
            return at;
        }
    }
    return cluster_last_line(text);
}

static bool run(const nl_proc_options *options, nl_buf *output, const char *what, nl_err *err) {
    int status = -1;
    if (!nl_proc_run(options, output, &status, err))
        return nl_err_prefix(err, "%s: ", what);
    if (status != 0)
        return nl_err_set(err, NL_IO, "%s failed (status %d): %s", what, status,
                          telling_line(output));
    return true;
}

bool cluster_version(const nl_cluster *c, nl_buf *version, nl_err *err) {
    char program[PATH_MAX + 16];
    const char *const argv[] = { program, "--version", NULL };
    (void)snprintf(program, sizeof program, "%s/postgres", c->bin);
    nl_proc_options options = as_server(c, argv);
    if (!run(&options, version, "postgres --version", err))
        return false;
    cluster_last_line(version);
    return true;
}

static bool has_utf8_locale(void) {
    locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    if (locale)
        freelocale(locale);
    return locale != (locale_t)0;
}

bool cluster_initdb(const nl_cluster *c, nl_err *err) {
    char program[PATH_MAX + 16];
    nl_buf output;
    /* Small WAL segments make a template that is a third smaller to copy. */
    const char *const argv[] = { program,
                                 "--pgdata",
                                 c->data,
                                 "--username=postgres",
                                 "--auth-local=trust",
                                 "--auth-host=reject",
                                 "--encoding=UTF8",
                                 has_utf8_locale() ? "--locale=C.UTF-8" : "--locale=C",
                                 "--wal-segsize=1",
                                 "--no-sync",
                                 "--no-clean", /* a full disk is still seen to be full */
                                 NULL };
    (void)snprintf(program, sizeof program, "%s/initdb", c->bin);
    nl_proc_options options = as_server(c, argv);
    nl_buf_init(&output);
    bool ok = run(&options, &output, "initdb", err);
    nl_buf_release(&output);
    return ok;
}

/* --- the server ------------------------------------------------------------------------------ */

/* The eighth line of postmaster.pid is the server's state. Without memory of its own: where there
 * is none, a server that is ready would never seem so. */
static bool is_ready(const nl_cluster *c) {
    char path[PATH_MAX], text[512];
    (void)snprintf(path, sizeof path, "%s/postmaster.pid", c->data);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    const char *at = text;
    for (int line = 1; at && line < 8; line++) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return at && strtol(text, NULL, 10) == (long)c->server && strncmp(at, "ready", 5) == 0;
}

static void read_log(const nl_cluster *c, nl_buf *text) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/log", c->folder);
    nl_buf_read_file(text, path, 65536, NULL);
}

/* With what the server gave as the reason. */
static bool set_server_error(const nl_cluster *c, nl_err *err, const char *what) {
    nl_buf text;
    nl_buf_init(&text);
    read_log(c, &text);
    const char *why = telling_line(&text);
    nl_err_set(err, NL_IO, "the private PostgreSQL server %s: %s", what,
               why[0] ? why : "it left no message");
    nl_buf_release(&text);
    return false;
}

void cluster_explain_panic(const nl_cluster *c, nl_err *err) {
    nl_buf text;
    nl_buf_init(&text);
    read_log(c, &text);
    if (strstr(text.data, "PANIC:"))
        set_server_error(c, err, "broke off");
    nl_buf_release(&text);
}

static bool wait_until_ready(nl_cluster *c, nl_err *err) {
    const struct timespec nap = { .tv_nsec = POLL_MS * 1000 * 1000 };
    for (int waited = 0; waited < START_MS; waited += POLL_MS) {
        int status;
        if (is_ready(c))
            return true;
        if (waitpid(c->server, &status, WNOHANG) == c->server) {
            c->server = 0;
            return set_server_error(c, err, "did not start");
        }
        nanosleep(&nap, NULL);
    }
    return set_server_error(c, err, "was not ready in time");
}

bool cluster_shut_down(nl_cluster *c, nl_err *err) {
    int status = nl_proc_stop(c->server, SIGINT, START_MS); /* "fast": cut sessions, write all */
    c->server = 0;
    return status == 0 || set_server_error(c, err, "did not stop cleanly");
}

void cluster_stop_server(nl_cluster *c) {
    if (c->server > 0)
        nl_proc_stop(c->server, SIGQUIT, STOP_MS); /* "immediate": there is nothing to save */
    c->server = 0;
}

/* `name` as an element of a list setting: in double quotes. */
static bool quoted_setting(nl_buf *out, const char *setting, const char *name) {
    nl_buf_printf(out, "%s=\"", setting);
    for (; *name; name++) {
        if (*name == '"')
            nl_buf_char(out, '"');
        nl_buf_char(out, *name);
    }
    return nl_buf_char(out, '"');
}

bool cluster_start_server(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    static const char *const ours[] = {
        "listen_addresses=", "port=5432", "unix_socket_permissions=0700", "fsync=off",
        "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0",
        "max_wal_size=1GB", "shared_buffers=64MB", "max_logical_replication_workers=0",
        "autovacuum=off", /* what is in it changes only when somebody changes it */
        /* failing queries are its daily bread: the log is for starting and crashing */
        "log_min_messages=fatal", "log_min_error_statement=panic", "cluster_name=nlsql"
    };
    enum { OURS = sizeof ours / sizeof *ours };
    const char *argv[6 + 2 * (OURS + MAX_SETTINGS)];
    char program[PATH_MAX + 16], log[PATH_MAX];
    size_t n = 0;
    bool ok = false;
    nl_buf socket;

    nl_buf_init(&socket);
    (void)snprintf(program, sizeof program, "%s/postgres", c->bin);
    (void)snprintf(log, sizeof log, "%s/log", c->folder);
    int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
    if (log_fd < 0) {
        nl_err_errno(err, "cannot write %s", log);
        goto out;
    }
    if (!quoted_setting(&socket, "unix_socket_directories", c->folder)) {
        nl_err_nomem(err);
        goto out;
    }
    argv[n++] = program;
    argv[n++] = "-D";
    argv[n++] = c->data;
    argv[n++] = "-c";
    argv[n++] = socket.data;
    for (size_t i = 0; i < OURS; i++) {
        argv[n++] = "-c";
        argv[n++] = ours[i];
    }
    for (size_t i = 0; options->settings && options->settings[i]; i++) {
        if (i == MAX_SETTINGS) {
            nl_err_set(err, NL_INVALID, "more than %d settings for a cluster", MAX_SETTINGS);
            goto out;
        }
        argv[n++] = "-c";
        argv[n++] = options->settings[i];
    }
    argv[n] = NULL;
    nl_proc_options proc = as_server(c, argv);
    proc.stderr_fd = log_fd;
    proc.death_signal = SIGQUIT; /* SIGKILL would let its busy sessions run on */
    c->server = nl_proc_start(&proc, err);
    ok = c->server > 0 && wait_until_ready(c, err);
out:
    if (log_fd >= 0)
        close(log_fd);
    nl_buf_release(&socket);
    if (!ok)
        cluster_stop_server(c);
    return ok;
}
