#include "test_db.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/proc.h"

#include "base/banned.h"

struct database {
    struct database *next;
    char *name;
    char url[512];
};

static nl_cluster *cluster;
static struct database *databases;
static nl_buf printed;

static _Noreturn void give_up(const char *what, const nl_err *err) {
    (void)fprintf(stderr, "test database: %s: %s\n", what, err->msg);
    exit(1);
}

static void stop(void) {
    nl_cluster_stop(cluster);
    while (databases) {
        struct database *next = databases->next;
        free(databases->name);
        free(databases);
        databases = next;
    }
    nl_buf_release(&printed);
}

nl_cluster *test_db_cluster(void) {
    nl_err err = { .code = NL_OK };
    if (cluster)
        return cluster;
    nl_buf_init(&printed);
    cluster = nl_cluster_start(NULL, &err);
    if (!cluster)
        give_up("cannot start", &err);
    if (atexit(stop) != 0) {
        stop();
        nl_err_nomem(&err);
        give_up("cannot start", &err);
    }
    return cluster;
}

static struct database *find(const char *name) {
    for (struct database *at = databases; at; at = at->next) {
        if (strcmp(at->name, name) == 0)
            return at;
    }
    return NULL;
}

static const char *make(const char *name, const char *file, bool exists) {
    nl_err err = { .code = NL_OK };
    const char *const files[] = { file, NULL };
    struct database *made = calloc(1, sizeof *made);

    if (made)
        made->name = strdup(name);
    if (!made || !made->name) {
        nl_err_nomem(&err);
        give_up(name, &err);
    }
    if (!exists && !nl_cluster_create(cluster, name, files, &err))
        give_up(name, &err);
    if (!nl_cluster_url(cluster, name, made->url, sizeof made->url)) {
        nl_err_set(&err, NL_INVALID, "its URL is too long");
        give_up(name, &err);
    }
    made->next = databases;
    databases = made;
    return made->url;
}

const char *test_db_url(const char *name) {
    char path[PATH_MAX];
    const char *wanted = name ? name : "postgres";

    test_db_cluster();
    const struct database *found = find(wanted);
    if (found)
        return found->url;
    (void)snprintf(path, sizeof path, SOURCE_DIR "/tests/data/%s.sql", wanted);
    return make(wanted, access(path, R_OK) == 0 ? path : NULL, !name);
}

const char *test_db_make(const char *name, const char *sql) {
    char path[] = "/tmp/nlsql-test-XXXXXX";
    test_db_cluster();
    if (!sql)
        return make(name, NULL, false);
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file || fputs(sql, file) < 0 || fclose(file) != 0) {
        nl_err err;
        nl_err_errno(&err, "cannot write %s", path);
        give_up(name, &err);
    }
    const char *url = make(name, path, false);
    unlink(path);
    return url;
}

const char *test_db_psql(const char *name, const char *sql) {
    char program[PATH_MAX + 16];
    const char *url = test_db_url(name);
    const char *const argv[] = { program, "-XqAtw", "-v", "ON_ERROR_STOP=1", "-d", url,
                                 "-c",    sql,      NULL };
    const nl_proc_options options = { .argv = argv };
    nl_err err = { .code = NL_OK };
    int status = -1;

    (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(cluster));
    nl_buf_clear(&printed);
    if (nl_proc_run(&options, &printed, &status, &err) && status != 0)
        nl_err_set(&err, NL_DB, "%s", printed.data);
    if (err.code != NL_OK)
        give_up(sql, &err);
    while (printed.size > 0 && printed.data[printed.size - 1] == '\n')
        printed.data[--printed.size] = '\0';
    return printed.data;
}
