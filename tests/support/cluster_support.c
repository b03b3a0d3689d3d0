#include "cluster_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "db/cluster_files.h"
#include "db/demo.h"
#include "io/proc.h"

#include "base/banned.h"

double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void nap(long ms) {
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

int psql(const nl_cluster *cluster, const char *database, const char *sql, char *text,
         size_t room) {
    char program[PATH_MAX], url[PATH_MAX];
    const char *const argv[] = { program, "-XqAtw", "-d", url, "-c", sql, NULL };
    const nl_proc_options options = { .argv = argv };
    nl_buf output;
    int status = -1;

    nl_buf_init(&output);
    (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(cluster));
    if (!nl_cluster_url(cluster, database, url, sizeof url) ||
        !nl_proc_run(&options, &output, &status, NULL))
        status = -1;
    (void)snprintf(text, room, "%.*s", (int)strcspn(output.data, "\n"), output.data);
    nl_buf_release(&output);
    return status;
}

unsigned count(const char *dir, const char *prefix, char *path, size_t room) {
    unsigned n = 0;
    DIR *open = opendir(dir);
    if (!open)
        return 0;
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        n++;
        if (path && !cluster_join(path, room, dir, entry->d_name))
            path[0] = '\0';
    }
    closedir(open);
    return n;
}

/* --- processes ------------------------------------------------------------------------------ */

pid_t server_in(const char *folder) {
    char path[PATH_MAX], line[32] = "";
    (void)snprintf(path, sizeof path, "%s/data/postmaster.pid", folder);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    (void)fclose(file);
    return (pid_t)strtol(line, NULL, 10);
}

/* No such process, or one whose new parent has not collected it yet. */
static bool is_over(pid_t pid) {
    char path[64], state = 'Z';
    if (kill(pid, 0) != 0)
        return errno == ESRCH;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *stat_file = fopen(path, "r");
    if (stat_file) {
        if (fscanf(stat_file, "%*d (%*[^)]) %c", &state) !=
            1) /* NOLINT(cert-err34-c): a character */
            state = 'Z';
        (void)fclose(stat_file);
    }
    return state == 'Z';
}

bool is_gone(pid_t pid, double within) {
    double until = seconds() + within;
    while (!is_over(pid) && seconds() < until)
        nap(10);
    return is_over(pid);
}

int in_child(int (*body)(const void *), const void *ctx) {
    int status = 0;
    (void)fflush(NULL); /* or the child prints it once more */
    pid_t pid = fork();
    if (pid == 0)
        _exit(body(ctx));
    return pid > 0 && waitpid(pid, &status, 0) == pid ? nl_proc_status(status) : 1;
}

void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        fail_msg("cannot write %s", path);
}

static bool write_map(const char *path, unsigned id) {
    char text[64];
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int n = snprintf(text, sizeof text, "%u %u 1\n", id, id);
    bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool own_mounts(void) {
    unsigned uid = geteuid();
    if (uid == 0
            ? unshare(CLONE_NEWNS) != 0
            : unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_map("/proc/self/uid_map", uid))
        return false;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool mount_tmpfs(const char *at, const char *options) {
    return mount("tmpfs", at, "tmpfs", 0, options) == 0;
}

/* --- a demo database ------------------------------------------------------------------------ */

static void copy_shipped(const struct place *place, const char *name) {
    char from[PATH_MAX], to[PATH_MAX];
    (void)snprintf(from, sizeof from, "%s/%s", SOURCE_DIR, name);
    (void)snprintf(to, sizeof to, "%s/%s", place->share, name);
    assert_true(cluster_copy_tree(from, to, 0, 0, NULL, NULL));
}

static void make_folder(char *path, size_t room, const char *parent, const char *name) {
    assert_true(cluster_join(path, room, parent, name));
    assert_int_equal(mkdir(path, 0755), 0);
}

void place_make(struct place *place) {
    char path[PATH_MAX];
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/nlsql-test-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    assert_int_equal(chmod(place->folder, 0755), 0); /* the server may be another user */
    make_folder(place->share, sizeof place->share, place->folder, "share");
    make_folder(path, sizeof path, place->share, "scripts");
    make_folder(place->sql, sizeof place->sql, path, "demo");
    make_folder(place->cache, sizeof place->cache, place->folder, "cache");
    make_folder(place->tmp, sizeof place->tmp, place->folder, "tmp");
    (void)snprintf(place->log, sizeof place->log, "%s/log", place->folder);
    static const char *const shipped[] = { "scripts/nlsql", "phases", "prompts" };
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++)
        copy_shipped(place, shipped[i]);
    /* By bytes "10" comes before "2". */
    (void)snprintf(path, sizeof path, "%s/10_tables.sql", place->sql);
    write_file(path, "CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL);\n"
                     "CREATE TABLE shop (id int PRIMARY KEY, city int REFERENCES city);\n"
                     "CREATE TABLE visit (shop int, minutes int);\n");
    (void)snprintf(path, sizeof path, "%s/2_rows.sql", place->sql);
    write_file(path,
               "INSERT INTO city SELECT i, 'city ' || i FROM generate_series(1, 5) i;\n"
               "INSERT INTO shop SELECT i, 1 + i % 5 FROM generate_series(1, 100) i;\n"
               /* more than a sample of PostgreSQL's own size */
               "INSERT INTO visit SELECT i % 100, i % 977 FROM generate_series(1, 40000) i;\n");
    (void)snprintf(path, sizeof path, "%s/notes.txt", place->sql);
    write_file(path, "not SQL\n");
    assert_int_equal(setenv("XDG_CACHE_HOME", place->cache, 1), 0);
    assert_int_equal(setenv("TMPDIR", place->tmp, 1), 0);
    assert_int_equal(setenv("NLSQL_SHARE", place->share, 1), 0);
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("DATABASE_URL");
    unsetenv("OPENAI_API_KEY");
    assert_true(nl_log_file(place->log));
}

void place_remove(const struct place *place) {
    nl_log_file(NULL);
    cluster_remove_tree(place->folder);
}

nl_cluster *place_start(const struct place *place) {
    nl_err err = { .msg = "" };
    nl_cluster *cluster = nl_demo_start(place->share, &err);
    if (!cluster)
        fail_msg("%s", err.msg);
    return cluster;
}

const char *place_said(const struct place *place) {
    static char text[8192];
    char line[2048];
    size_t n = 0;
    FILE *file = fopen(place->log, "re");
    while (file && fgets(line, sizeof line, file)) {
        size_t size = strlen(line);
        if (strstr(line, "Z debug ") || n + size >= sizeof text)
            continue; /* not shown */
        memcpy(text + n, line, size);
        n += size;
    }
    if (file)
        (void)fclose(file);
    text[n] = '\0';
    return truncate(place->log, 0) == 0 ? text : "";
}
