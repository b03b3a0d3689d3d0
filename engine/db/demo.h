/* demo.h: the demo database: a private PostgreSQL that serves where nobody names a database.
 *
 * Its contents are the SQL files of SHARE/scripts/demo, run in the order of their names (bytewise).
 * They are made once (a few seconds, said in the log) and copied for each start. */
#ifndef NL_DB_DEMO_H
#define NL_DB_DEMO_H

#include "db/cluster.h"

#define NL_DEMO_DATABASE "demo"

/* A cluster (see cluster.h for how long it lives) that holds the database NL_DEMO_DATABASE made
 * from the files below `share_dir`. NULL with a sentence in *err; NL_NOTFOUND where PostgreSQL is
 * not installed, or there are no such files. Free it with nl_cluster_stop. */
nl_cluster *nl_demo_start(const char *share_dir, nl_err *err);

#endif
