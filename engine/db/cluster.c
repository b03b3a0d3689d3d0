#include "db/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "data/jsonl.h"
#include "io/proc.h"

#include "base/banned.h"

#define PREFIX "nlsql-pg-"
#define INSTALL_HINT "install Debian's package \"postgresql\" (apt-get install postgresql)"

enum { START_MS = 30000, STOP_MS = 10000, STALE_S = 60, SOCKET_ROOM = 107 };

struct nl_cluster {
    char bin[PATH_MAX];
    char dir[PATH_MAX]; /* socket, data/, lock */
    pid_t server;
    int lock;
    uid_t uid; /* 0: as we are */
    gid_t gid;
};

static bool format(char *to, size_t room, nl_err *err, const char *pattern, const char *a,
                   const char *b) {
    nl_buf text;
    nl_buf_init(&text);
    for (const char *p = pattern; *p; p++) {
        if (*p == '1')
            nl_buf_str(&text, a);
        else if (*p == '2')
            nl_buf_str(&text, b);
        else
            nl_buf_char(&text, *p);
    }
    bool ok = !text.failed && text.size < room;
    if (ok)
        memcpy(to, text.data, text.size + 1);
    nl_buf_release(&text);
    return ok || nl_err_set(err, NL_LIMIT, "a path is too long: %s", a);
}

/* --- the server's programs ---------------------------------------------------------------------
 */

static bool holds_server(const char *bin) {
    char path[PATH_MAX];
    return format(path, sizeof path, NULL, "1/initdb", bin, "") && access(path, X_OK) == 0 &&
           format(path, sizeof path, NULL, "1/postgres", bin, "") && access(path, X_OK) == 0;
}

/* The newest of Debian's versions that holds a server. */
static bool find_debian(char *bin, size_t room) {
    const char *root = "/usr/lib/postgresql";
    DIR *dir = opendir(root);
    long newest = 0;
    struct dirent *entry;
    if (!dir)
        return false;
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_MAX], *end;
        long version = strtol(entry->d_name, &end, 10);
        if (version <= newest || *end ||
            !format(path, sizeof path, NULL, "1/2/bin", root, entry->d_name) ||
            !holds_server(path) || strlen(path) >= room)
            continue;
        newest = version;
        memcpy(bin, path, strlen(path) + 1);
    }
    closedir(dir);
    return newest > 0;
}

static bool find_bin(const nl_cluster_options *options, char *bin, size_t room, nl_err *err) {
    const char *given = options ? options->bin_dir : NULL;
    if (given) {
        if (!holds_server(given))
            return nl_err_set(err, NL_NOTFOUND, "no PostgreSQL server (initdb, postgres) in %s",
                              given);
        return format(bin, room, err, "1", given, "");
    }
    if (find_debian(bin, room))
        return true;
    char path[PATH_MAX], real[PATH_MAX];
    if (nl_proc_which("initdb", path, sizeof path) && realpath(path, real)) {
        *strrchr(real, '/') = '\0';
        if (holds_server(real))
            return format(bin, room, err, "1", real, "");
    }
    return nl_err_set(
        err, NL_NOTFOUND,
        "no PostgreSQL server is installed (looked in /usr/lib/postgresql/*/bin and on "
        "PATH); " INSTALL_HINT);
}

/* --- who runs it -------------------------------------------------------------------------------
 */

/* initdb and postgres refuse root. */
static bool choose_user(nl_cluster *c, nl_err *err) {
    static const char *const names[] = { "postgres", "nobody" };
    if (geteuid() != 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct passwd *who = getpwnam(names[i]);
        if (who) {
            c->uid = who->pw_uid;
            c->gid = who->pw_gid;
            return true;
        }
    }
    return nl_err_set(err, NL_NOTFOUND,
                      "PostgreSQL does not run as root, and there is neither a user "
                      "\"postgres\" nor \"nobody\"");
}

/* Runs a program as the server's user (`as_us` false) or as us; its output is in the error. */
static bool run(const nl_cluster *c, const char *const *argv, bool as_us, nl_err *err) {
    nl_proc_options options = { .argv = argv,
                                .uid = as_us ? 0 : c->uid,
                                .gid = as_us ? 0 : c->gid,
                                .cwd = "/",
                                .stdout_fd = NL_PROC_NULL,
                                .stderr_fd = NL_PROC_NULL };
    nl_buf output;
    int status = 0;
    nl_buf_init(&output);
    bool ok = nl_proc_run(&options, &output, &status, err);
    if (ok && status != 0) {
        size_t n = strcspn(output.data, "\n");
        const char *last = strstr(output.data, "error:");
        last = last ? last : strstr(output.data, "ERROR:");
        last = last ? last : output.data;
        n = strcspn(last, "\n");
        ok = nl_err_set(err, NL_IO, "%s failed: %.*s", argv[0], (int)n, last);
    }
    nl_buf_release(&output);
    return ok;
}

static bool remove_tree(const nl_cluster *c, const char *path, nl_err *err) {
    const char *argv[] = { "rm", "-rf", "--", path, NULL };
    return run(c, argv, true, err);
}

/* --- the template ------------------------------------------------------------------------------
 */

static bool cache_folder(char *path, size_t room, nl_err *err) {
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool ok;
    if (geteuid() == 0)
        ok = format(path, room, err, "/var/cache/nlsql", "", "");
    else if (xdg && xdg[0] == '/')
        ok = format(path, room, err, "1/nlsql", xdg, "");
    else
        ok = format(path, room, err, "1/.cache/nlsql", home ? home : "/tmp", "");
    return ok && nl_make_dirs(path, err);
}

/* "15.6" of "postgres (PostgreSQL) 15.6 (Debian 15.6-0+deb12u1)". */
static bool server_version(const char *bin, char *version, size_t room, nl_err *err) {
    char path[PATH_MAX];
    const char *argv[] = { path, "--version", NULL };
    nl_proc_options options = { .argv = argv };
    nl_buf output;
    int status = 0;
    bool ok = false;
    nl_buf_init(&output);
    if (format(path, sizeof path, err, "1/postgres", bin, "") &&
        nl_proc_run(&options, &output, &status, err)) {
        const char *at = strstr(output.data, "(PostgreSQL) ");
        at = at ? at + strlen("(PostgreSQL) ") : "unknown";
        size_t n = strspn(at, "0123456789.abcdefghijklmnopqrstuvwxyz");
        ok = status == 0 && n > 0 && n < room;
        if (ok) {
            memcpy(version, at, n);
            version[n] = '\0';
        } else {
            nl_err_set(err, NL_IO, "%s does not tell its version", path);
        }
    }
    nl_buf_release(&output);
    return ok;
}

static bool make_template(const nl_cluster *c, const char *folder, const char *path, nl_err *err) {
    char made[PATH_MAX], data[PATH_MAX], initdb[PATH_MAX];
    const char *argv[] = {
        initdb,       "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8",
        "--locale=C", NULL
    };
    if (!format(made, sizeof made, err, "1/making-XXXXXX", folder, "") ||
        !format(initdb, sizeof initdb, err, "1/initdb", c->bin, ""))
        return false;
    if (!mkdtemp(made))
        return nl_err_errno(err, "cannot make a folder in %s", folder);
    bool ok = format(data, sizeof data, err, "1/data", made, "");
    if (ok && c->uid && chown(made, c->uid, c->gid) != 0)
        ok = nl_err_errno(err, "cannot give %s away", made);
    ok = ok && run(c, argv, false, err);
    /* two that start at once both make one; the first rename wins */
    if (ok && rename(data, path) != 0 && errno != ENOTEMPTY && errno != EEXIST)
        ok = nl_err_errno(err, "cannot keep %s", path);
    remove_tree(c, made, NULL);
    return ok;
}

static bool copy_template(const nl_cluster *c, nl_err *err) {
    char folder[PATH_MAX], path[PATH_MAX], data[PATH_MAX], version[32], check[PATH_MAX];
    const char *argv[] = { "cp", "-a", "--reflink=auto", "--", path, data, NULL };
    char name[64];
    if (!cache_folder(folder, sizeof folder, err) ||
        !server_version(c->bin, version, sizeof version, err) ||
        !format(name, sizeof name, err, "template-1-2", version, c->uid ? "server" : "own") ||
        !format(path, sizeof path, err, "1/2", folder, name) ||
        !format(check, sizeof check, err, "1/PG_VERSION", path, "") ||
        !format(data, sizeof data, err, "1/data", c->dir, ""))
        return false;
    if (c->uid && chmod(folder, 0755) != 0)
        return nl_err_errno(err, "cannot open %s to the server", folder);
    if (access(check, F_OK) != 0) {
        remove_tree(c, path, NULL); /* half of one, if anything */
        if (!make_template(c, folder, path, err))
            return false;
    }
    return run(c, argv, false, err);
}

/* --- the run folder ----------------------------------------------------------------------------
 */

static const char *run_base(void) {
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    /* a server run as another user cannot reach into our own runtime folder */
    return geteuid() != 0 && xdg && xdg[0] == '/' && access(xdg, W_OK) == 0 ? xdg : "/tmp";
}

/* First line of postmaster.pid; 0 where there is none. */
static pid_t server_of(const char *dir) {
    char path[PATH_MAX];
    nl_buf text;
    long pid = 0;
    nl_buf_init(&text);
    if (format(path, sizeof path, NULL, "1/data/postmaster.pid", dir, "") &&
        nl_buf_read_file(&text, path, 4096, NULL))
        pid = strtol(text.data, NULL, 10);
    nl_buf_release(&text);
    return pid > 1 ? (pid_t)pid : 0;
}

/* Is the folder one that its program left behind? Then its lock can be had. */
static bool is_stale(const char *dir) {
    char path[PATH_MAX];
    struct stat info;
    if (!format(path, sizeof path, NULL, "1/lock", dir, ""))
        return false;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) /* one that is being made, unless it is old */
        return errno == ENOENT && stat(dir, &info) == 0 && time(NULL) - info.st_mtime > STALE_S;
    bool stale = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return stale;
}

static void remove_stale(const nl_cluster *c, const char *base) {
    DIR *dir = opendir(base);
    struct dirent *entry;
    if (!dir)
        return;
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_MAX];
        struct stat info;
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
            !format(path, sizeof path, NULL, "1/2", base, entry->d_name) ||
            lstat(path, &info) != 0 || !S_ISDIR(info.st_mode) ||
            (info.st_uid != geteuid() && geteuid() != 0) || !is_stale(path))
            continue;
        pid_t server = server_of(path);
        if (server && kill(server, SIGQUIT) == 0) { /* it should have gone with its program */
            struct timespec nap = { .tv_nsec = 300000000 };
            nanosleep(&nap, NULL);
        }
        remove_tree(c, path, NULL);
    }
    closedir(dir);
}

static bool make_run_folder(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    const char *base = options && options->run_dir ? options->run_dir : run_base();
    char lock[PATH_MAX];
    if (!format(c->dir, sizeof c->dir, err, "1/" PREFIX "XXXXXX", base, ""))
        return false;
    if (strlen(c->dir) + strlen("/.s.PGSQL.5432") >= SOCKET_ROOM)
        return nl_err_set(
            err, NL_LIMIT,
            "%s is too long for a socket's path (at most %d bytes with the socket's name); "
            "choose a shorter folder",
            base, SOCKET_ROOM);
    remove_stale(c, base);
    if (!mkdtemp(c->dir)) {
        c->dir[0] = '\0';
        return nl_err_errno(err, "cannot make a private folder in %s", base);
    }
    if (!format(lock, sizeof lock, err, "1/lock", c->dir, ""))
        return false;
    c->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (c->lock < 0 || flock(c->lock, LOCK_EX | LOCK_NB) != 0)
        return nl_err_errno(err, "cannot lock %s", lock);
    if (c->uid && chown(c->dir, c->uid, c->gid) != 0)
        return nl_err_errno(err, "cannot give %s to the server's user", c->dir);
    return true;
}

/* --- the server --------------------------------------------------------------------------------
 */

/* The eighth line of postmaster.pid says "ready" once connections are taken. */
static bool is_ready(const nl_cluster *c) {
    char path[PATH_MAX];
    nl_buf text;
    nl_buf_init(&text);
    bool ready = format(path, sizeof path, NULL, "1/data/postmaster.pid", c->dir, "") &&
                 nl_buf_read_file(&text, path, 4096, NULL);
    const char *at = text.data;
    for (int line = 1; ready && line < 8; line++) {
        at = strchr(at, '\n');
        ready = at != NULL;
        at = at ? at + 1 : at;
    }
    ready = ready && strncmp(at, "ready", 5) == 0;
    nl_buf_release(&text);
    return ready;
}

static void last_words(const char *path, char *words, size_t room) {
    nl_buf text;
    nl_buf_init(&text);
    words[0] = '\0';
    if (nl_buf_read_file(&text, path, 1 << 20, NULL)) {
        const char *at = text.data;
        for (const char *next = at; (next = strstr(next, "FATAL:")) != NULL; next++)
            at = next;
        (void)snprintf(words, room, "%.*s", (int)strcspn(at, "\n"), at);
    }
    nl_buf_release(&text);
}

static bool wait_until_ready(nl_cluster *c, const char *log, nl_err *err) {
    char words[300];
    for (unsigned waited = 0; waited < START_MS; waited += 5) {
        struct timespec nap = { .tv_nsec = 5000000 };
        int status;
        if (is_ready(c))
            return true;
        if (waitpid(c->server, &status, WNOHANG) == c->server) {
            c->server = 0;
            last_words(log, words, sizeof words);
            return nl_err_set(err, NL_IO, "the private PostgreSQL server did not start: %s", words);
        }
        nanosleep(&nap, NULL);
    }
    return nl_err_set(err, NL_TIMEOUT, "the private PostgreSQL server was not ready within %d s",
                      START_MS / 1000);
}

static bool start_server(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    enum { MAX_ARGS = 96 };
    char program[PATH_MAX], data[PATH_MAX], log[PATH_MAX];
    const char *argv[MAX_ARGS] = {
        program,
        "-D",
        data,
        "-k",
        c->dir,
        "-c",
        "listen_addresses=",
        "-c",
        "fsync=off",
        "-c",
        "full_page_writes=off",
        "-c",
        "synchronous_commit=off",
        "-c",
        "shared_buffers=64MB",
        "-c",
        "unix_socket_permissions=0700",
        "-c",
        "max_connections=100",
        "-c",
        "log_statement=none",
    };
    size_t n = 21;
    for (const char *const *s = options ? options->settings : NULL; s && *s && n < MAX_ARGS - 3;
         s++) {
        argv[n++] = "-c";
        argv[n++] = *s;
    }
    if (!format(program, sizeof program, err, "1/postgres", c->bin, "") ||
        !format(data, sizeof data, err, "1/data", c->dir, "") ||
        !format(log, sizeof log, err, "1/log", c->dir, ""))
        return false;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return nl_err_errno(err, "cannot write %s", log);
    /* SIGINT is PostgreSQL's fast shutdown: it goes with us, whatever ends us */
    nl_proc_options how = { .argv = argv,
                            .uid = c->uid,
                            .gid = c->gid,
                            .cwd = "/",
                            .death_signal = SIGINT,
                            .stdout_fd = fd,
                            .stderr_fd = fd };
    c->server = nl_proc_start(&how, err);
    close(fd);
    if (c->server < 0) {
        c->server = 0;
        return false;
    }
    return wait_until_ready(c, log, err);
}

nl_cluster *nl_cluster_start(const nl_cluster_options *options, nl_err *err) {
    nl_cluster *c = calloc(1, sizeof *c);
    if (!c) {
        nl_err_nomem(err);
        return NULL;
    }
    c->lock = -1;
    if (!find_bin(options, c->bin, sizeof c->bin, err) || !choose_user(c, err) ||
        !make_run_folder(c, options, err) || !copy_template(c, err) ||
        !start_server(c, options, err)) {
        nl_cluster_stop(c);
        return NULL;
    }
    return c;
}

void nl_cluster_stop(nl_cluster *c) {
    if (!c)
        return;
    if (c->server > 0)
        (void)nl_proc_stop(c->server, SIGINT, STOP_MS);
    if (c->dir[0])
        remove_tree(c, c->dir, NULL);
    if (c->lock >= 0)
        close(c->lock);
    free(c);
}

bool nl_cluster_url(const nl_cluster *c, const char *name, char *url, size_t room) {
    return format(url, room, NULL, "postgresql://postgres@/1?host=2", name ? name : "postgres",
                  c->dir);
}

const char *nl_cluster_bin(const nl_cluster *c) {
    return c->bin;
}

const char *nl_cluster_socket_dir(const nl_cluster *c) {
    return c->dir;
}

bool nl_cluster_create(nl_cluster *c, const char *name, const char *const *sql_files, nl_err *err) {
    char psql[PATH_MAX], create[256];
    const char *to_create[] = { psql,       "-X",   "-q",   "-v",       "ON_ERROR_STOP=1",
                                "-h",       c->dir, "-U",   "postgres", "-d",
                                "postgres", "-c",   create, NULL };
    if (strchr(name, '"') || strlen(name) > 63)
        return nl_err_set(err, NL_INVALID, "\"%s\" cannot be a database's name here", name);
    if (!format(psql, sizeof psql, err, "1/psql", c->bin, "") ||
        !format(create, sizeof create, err, "CREATE DATABASE \"1\"", name, "") ||
        !run(c, to_create, true, err))
        return false;
    for (const char *const *file = sql_files; file && *file; file++) {
        char path[PATH_MAX];
        const char *to_load[] = { psql, "-X",   "-q", "-v",       "ON_ERROR_STOP=1",
                                  "-h", c->dir, "-U", "postgres", "-d",
                                  name, "-f",   path, NULL };
        if (!realpath(*file, path))
            return nl_err_errno(err, "cannot read %s", *file);
        if (!run(c, to_load, true, err))
            return nl_err_prefix(err, "%s: ", *file);
    }
    return true;
}
