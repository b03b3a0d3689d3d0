#include "db/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "db/cluster_files.h"
#include "db/cluster_priv.h"

#include "base/banned.h"

enum { NO_ROOM = 1 << 20 }; /* bytes; less than one more piece of the log */

static bool make_folder(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    const char *parent;
    if (!cluster_find_parent(c, options->run_dir, &parent, err))
        return false;
    cluster_clean_stale(parent, c->uid);
    if (!cluster_make_folder(parent, c->folder, sizeof c->folder, c->uid, c->gid, &c->lock, err))
        return false;
    (void)snprintf(c->data, sizeof c->data, "%s/data", c->folder);
    return true;
}

/* A failure for want of room reads differently wherever it strikes, and may have made room again.
 */
static bool is_full(const nl_cluster *c, const nl_err *err) {
    static const char *const marks[] = { "No space left on device", "Disk quota exceeded",
                                         "wrote only" /* 4096 of 8192 bytes */ };
    struct statvfs fs;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strstr(err->msg, marks[i]))
            return true;
    }
    return statvfs(c->folder, &fs) == 0 && fs.f_bavail * fs.f_frsize < NO_ROOM;
}

static void explain_full(const nl_cluster *c, nl_err *err) {
    if (!c->folder[0] || !is_full(c, err))
        return;
    err->code = NL_IO;
    nl_err_prefix(err,
                  "there is no room in %.*s (a private PostgreSQL takes about 100 MB; TMPDIR names "
                  "another folder): ",
                  (int)(strrchr(c->folder, '/') - c->folder), c->folder);
}

/* --- from the template ------------------------------------------------------------------------ */

/* Paths of what is kept for the next start; "": it cannot be. */
struct templates {
    char plain[PATH_MAX], filled[PATH_MAX];
};

static bool find_templates(const nl_cluster *c, const nl_cluster_options *options,
                           struct templates *t, nl_err *err) {
    char folder[PATH_MAX], name[NAME_MAX + 1];
    nl_buf version;
    bool ok = false;

    nl_buf_init(&version);
    if (!cluster_version(c, &version, err) ||
        !cluster_template_name(version.data, NULL, NULL, name, sizeof name, err))
        goto out;
    bool caching = cluster_cache_folder(folder, sizeof folder);
    if (!caching || !cluster_join(t->plain, sizeof t->plain, folder, name))
        t->plain[0] = '\0';
    if (options->database && !cluster_template_name(version.data, options->database,
                                                    options->sql_files, name, sizeof name, err))
        goto out;
    if (!caching || !cluster_join(t->filled, sizeof t->filled, folder, name))
        t->filled[0] = '\0';
    ok = true;
out:
    nl_buf_release(&version);
    return ok;
}

static void keep(const nl_cluster *c, const char *path) {
    nl_err why = { .code = NL_OK };
    if (path[0] && !cluster_template_keep(c->data, path, &why))
        nl_log(NL_INFO, "nothing is cached, so that the next start takes as long: %s", why.msg);
}

/* Starts from the template at `path`. False with *make where it must be made, again where it turns
 * out to be damaged (the machine stopped while it was written) or to suit another server. */
static bool start_cached(nl_cluster *c, const char *path, const nl_cluster_options *options,
                         bool *make, nl_err *err) {
    nl_err why = { .code = NL_NOTFOUND };
    *make = true;
    if (path[0] && cluster_template_take(path, c->data, c->uid, c->gid, &why) &&
        cluster_start_server(c, options, &why))
        return true;
    if (why.code == NL_NOMEM || (why.code != NL_NOTFOUND && is_full(c, &why))) {
        *make = false;
        return nl_err_set(err, why.code, "%s", why.msg);
    }
    if (why.code != NL_NOTFOUND)
        nl_log(NL_INFO, "the cached %s does not serve and is made again: %s", path, why.msg);
    cluster_remove_tree(c->data);
    return false;
}

/* As initdb leaves it. */
static bool start_plain(nl_cluster *c, const struct templates *t, const nl_cluster_options *options,
                        nl_err *err) {
    bool make;
    if (start_cached(c, t->plain, options, &make, err))
        return true;
    if (!make || !cluster_initdb(c, err))
        return false;
    keep(c, t->plain);
    return cluster_start_server(c, options, err);
}

/* All rows are visible to all, and the statistics are there, before anything is kept: of all rows,
 * in tables of up to 90,000, and not of some that are drawn. What is taken away again is two thirds
 * of the files, and making files is what a start spends its time on. */
static bool fill(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    static const char *const commands[] = {
        "SET default_statistics_target = 300",
        "VACUUM (FREEZE, ANALYZE)",
        "UPDATE pg_database SET datistemplate = false",
        "DROP DATABASE postgres",
        "DROP DATABASE template0",
        "DROP DATABASE template1",
        NULL,
    };
    if (nl_cluster_create(c, options->database, options->sql_files, err) &&
        cluster_psql(c, options->database, "-c", commands, err))
        return cluster_shut_down(c, err);
    cluster_explain_panic(c, err);
    return false;
}

/* With a database in it from the start. */
static bool start_filled(nl_cluster *c, const struct templates *t,
                         const nl_cluster_options *options, nl_err *err) {
    static const char *const settings[] = {
        "wal_recycle=off", "min_wal_size=2MB", /* nothing is kept that is not needed */
        "restart_after_crash=off",             /* a full disk ends it */
        "synchronous_commit=on",               /* or VACUUM finds what was just written in doubt */
        NULL
    };
    const nl_cluster_options filling = { .settings = settings };
    bool make;
    if (start_cached(c, t->filled, options, &make, err))
        return true;
    if (!make)
        return false;
    if (options->making)
        nl_log(NL_INFO, "%s", options->making);
    if (!start_plain(c, t, &filling, err) || !fill(c, options, err))
        return false;
    keep(c, t->filled);
    return cluster_start_server(c, options, err);
}

/* --- starting and stopping ------------------------------------------------------------------ */

static bool start(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    struct templates t;
    return cluster_find_bin(options->bin_dir, c->bin, sizeof c->bin, err) &&
           cluster_find_user(c, err) && make_folder(c, options, err) &&
           find_templates(c, options, &t, err) &&
           (options->database ? start_filled(c, &t, options, err)
                              : start_plain(c, &t, options, err));
}

nl_cluster *nl_cluster_start(const nl_cluster_options *options, nl_err *err) {
    static const nl_cluster_options none = { 0 };
    nl_err why = { .code = NL_OK };
    nl_cluster *c = calloc(1, sizeof *c);
    if (!c) {
        nl_err_nomem(err);
        return NULL;
    }
    c->lock = -1;
    c->owner = getpid();
    if (!options)
        options = &none;
    if (start(c, options, &why)) {
        c->database = options->database ? strdup(options->database) : NULL;
        if (c->database || !options->database)
            return c;
        nl_err_nomem(&why);
    }
    explain_full(c, &why);
    nl_cluster_stop(c);
    if (err)
        *err = why;
    return NULL;
}

void nl_cluster_stop(nl_cluster *c) {
    if (!c)
        return;
    if (c->owner == getpid()) {
        cluster_stop_server(c);
        if (c->lock >= 0) {
            cluster_remove_tree(c->folder);
            close(c->lock);
        }
    }
    free(c->database);
    free(c);
}

const char *nl_cluster_bin(const nl_cluster *c) {
    return c->bin;
}

const char *nl_cluster_socket_dir(const nl_cluster *c) {
    return c->folder;
}
