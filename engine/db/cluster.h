/* cluster.h: a private, throw-away PostgreSQL cluster.
 *
 * On a unix socket in a 0700 directory, no TCP, trust authentication for its own user; run as
 * `postgres` (or nobody) where we are root. The data directory is a copy of a template cached
 * under $XDG_CACHE_HOME/nlsql (or ~/.cache/nlsql, or /var/cache/nlsql as root), made by initdb the
 * first time, keyed by the server's version. The server ends with this program, SIGKILL included,
 * and the next start removes what such an end left behind. Blocking: never on a loop that serves
 * others. */
#ifndef NL_DB_CLUSTER_H
#define NL_DB_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct nl_cluster nl_cluster;

typedef struct {
    const char *bin_dir;         /* NULL: newest of /usr/lib/postgresql/VERSION/bin, then PATH */
    const char *run_dir;         /* NULL: a new folder in $XDG_RUNTIME_DIR or /tmp */
    const char *const *settings; /* "name=value", NULL at the end; NULL for none */
} nl_cluster_options;

nl_cluster *nl_cluster_start(const nl_cluster_options *options, nl_err *err);
void nl_cluster_stop(nl_cluster *cluster); /* fast shutdown, removes its files; NULL is fine */

/* A libpq URI of database `name` as superuser, NULL: "postgres". In `url`; false: no room. */
bool nl_cluster_url(const nl_cluster *cluster, const char *name, char *url, size_t room);
const char *nl_cluster_bin(const nl_cluster *cluster);
const char *nl_cluster_socket_dir(const nl_cluster *cluster);

/* Creates database `name` and runs SQL files in it with psql -X -v ON_ERROR_STOP=1. */
bool nl_cluster_create(nl_cluster *cluster, const char *name, const char *const *sql_files,
                       nl_err *err);

#endif
