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
    char *database; /* that was there from the start; NULL: none */
    uid_t uid;      /* 0: run as ourselves */
    gid_t gid;
    int lock;
    pid_t server; /* 0: not running */
    pid_t owner;  /* the process that started it: a forked child must not stop it */
};

/* cluster_where.c: the programs, the user to run them as where we are root, and the folder that the
 * cluster's own is made in (a borrowed string): `asked`, or one that serves. */
bool cluster_find_bin(const char *asked, char *bin, size_t room, nl_err *err);
bool cluster_find_user(nl_cluster *cluster, nl_err *err);
bool cluster_find_parent(const nl_cluster *cluster, const char *asked, const char **parent,
                         nl_err *err);

/* What `postgres --version` prints. */
bool cluster_version(const nl_cluster *cluster, nl_buf *version, nl_err *err);
/* Makes a fresh data directory. */
bool cluster_initdb(const nl_cluster *cluster, nl_err *err);
/* Starts the server on its data directory and waits until it takes connections. */
bool cluster_start_server(nl_cluster *cluster, const nl_cluster_options *options, nl_err *err);
/* Ends the server so that its data directory can be copied. */
bool cluster_shut_down(nl_cluster *cluster, nl_err *err);
/* Ends it at once. */
void cluster_stop_server(nl_cluster *cluster);
/* Where the server's log tells why it broke off, that becomes *err: its clients only know that it
 * did. */
void cluster_explain_panic(const nl_cluster *cluster, nl_err *err);

/* One psql, as ourselves (files may be closed to the server), with `option` ("-c", "-f") before
 * each of `values`, which end in NULL. `database`: as in nl_cluster_url. */
bool cluster_psql(const nl_cluster *cluster, const char *database, const char *option,
                  const char *const *values, nl_err *err);

/* Variables for PostgreSQL's programs, so that the user's own do not steer them. */
extern const char *const cluster_environment[];
/* The last line of `text` that is not empty, in place. */
char *cluster_last_line(nl_buf *text);

#endif
