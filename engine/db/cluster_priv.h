/* cluster_priv.h: what a throw-away cluster is made of. Only for engine/db/cluster*.c. */
#ifndef NL_DB_CLUSTER_PRIV_H
#define NL_DB_CLUSTER_PRIV_H

#include <limits.h>
#include <sys/types.h>

#include "base/buf.h"
#include "db/cluster.h"
#include "io/proc.h"

enum { CLUSTER_SOCKET_PATH = 107 };

struct nl_cluster {
    char bin[PATH_MAX];
    char folder[CLUSTER_SOCKET_PATH + 1]; /* holds lock, log, data and the socket */
    char data[CLUSTER_SOCKET_PATH + 8];
    uid_t uid; /* 0: run as ourselves */
    gid_t gid;
    int lock;
    pid_t server; /* 0: not running */
    pid_t owner;  /* the process that started it: a forked child must not stop it */
};

/* What `postgres --version` prints. */
bool cluster_version(const nl_cluster *cluster, nl_buf *version, nl_err *err);
/* Makes a fresh data directory. */
bool cluster_initdb(const nl_cluster *cluster, nl_err *err);
/* Starts the server on its data directory and waits until it takes connections. */
bool cluster_start_server(nl_cluster *cluster, const nl_cluster_options *options, nl_err *err);
void cluster_stop_server(nl_cluster *cluster);

/* Variables for PostgreSQL's programs, so that the user's own do not steer them. */
extern const char *const cluster_environment[];
/* The last line of `text` that is not empty, in place. */
char *cluster_last_line(nl_buf *text);

#endif
