/* cluster.h: a private, throw-away PostgreSQL cluster.
 *
 * On a unix socket in a 0700 directory, no TCP, trust authentication: whoever may enter the
 * directory is in. Run as `postgres` (or nobody) where we are root. The data directory is a copy of
 * a template cached under $XDG_CACHE_HOME/nlsql (or ~/.cache/nlsql, or /var/cache/nlsql as root),
 * made the first time: by initdb, keyed by the server's version, and where a database is to be in
 * it from the start, keyed by a digest of its files too. A template that does not serve is made
 * again; the last few used of each kind stay. The server ends with this program, SIGKILL included,
 * and the next start removes what such an end left behind. Nothing in it is durable (fsync is off),
 * and nothing changes by itself (autovacuum is off). Blocking: never on a loop that serves others.
 */
#ifndef NL_DB_CLUSTER_H
#define NL_DB_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct nl_cluster nl_cluster;

typedef struct {
    const char *bin_dir; /* NULL: $NLSQL_PG_BIN; where that is not set, the newest of
                          * /usr/lib/postgresql/VERSION/bin, then PATH */
    /* Where the cluster's own new folder is made; NULL: the first of $XDG_RUNTIME_DIR (not as
     * root), $TMPDIR and /tmp that the server's user may enter. Short enough for a socket's path of
     * 107 bytes. */
    const char *run_dir;
    const char *const *settings; /* "name=value", NULL at the end; NULL for none */
    /* A database that is there from the start, made as by nl_cluster_create the first time,
     * vacuumed and analysed; NULL for none. It is the only one then: there is no "postgres", and
     * nothing to make others from. */
    const char *database;
    const char *const *sql_files; /* with it; NULL at the end; NULL for none */
    const char *making;           /* logged before it is made; NULL for nothing */
} nl_cluster_options;

/* `options` may be NULL. Failing, it leaves nothing behind. The server ends when the *thread* that
 * calls this ends: call it from one that lives as long as the program. NL_NOTFOUND where PostgreSQL
 * is not installed: the message names the package. Free it with nl_cluster_stop. */
nl_cluster *nl_cluster_start(const nl_cluster_options *options, nl_err *err);
/* Ends the server at once (sessions are cut) and removes its files. NULL is fine; does nothing in
 * a forked child of the program that started it. */
void nl_cluster_stop(nl_cluster *cluster);

/* A libpq URI of database `name` as superuser, NULL: that of the options, or "postgres". In `url`;
 * false: no room. */
bool nl_cluster_url(const nl_cluster *cluster, const char *name, char *url, size_t room);
/* The folder of the server's programs, and of its socket. Valid until nl_cluster_stop. */
const char *nl_cluster_bin(const nl_cluster *cluster);
const char *nl_cluster_socket_dir(const nl_cluster *cluster);

/* Creates database `name` and runs SQL files in it with psql -X -v ON_ERROR_STOP=1. Where one
 * fails the database is dropped again: NL_DB with psql's "psql:FILE:LINE: ERROR: …". `sql_files`
 * ends in NULL; NULL for none. */
bool nl_cluster_create(nl_cluster *cluster, const char *name, const char *const *sql_files,
                       nl_err *err);

#endif
