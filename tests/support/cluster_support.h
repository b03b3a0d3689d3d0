/* cluster_support.h: what tests of clusters look at from outside: processes, folders, what psql
 * prints; and a demo database of two small tables. */
#ifndef NL_TESTS_SUPPORT_CLUSTER_SUPPORT_H
#define NL_TESTS_SUPPORT_CLUSTER_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "db/cluster.h"

double seconds(void);
void nap(long ms);

/* The first line that psql prints, in `text`; its exit code. `database` as in nl_cluster_url. */
int psql(const nl_cluster *cluster, const char *database, const char *sql, char *text, size_t room);

/* Entries of `dir` that begin with `prefix`; in `path` (NULL: unwanted) the path of one. */
unsigned count(const char *dir, const char *prefix, char *path, size_t room);

/* The server of the cluster that runs in `folder`; 0 where there is none. */
pid_t server_in(const char *folder);
/* Has it ended, or does it within so many seconds? */
bool is_gone(pid_t pid, double within);

void write_file(const char *path, const char *text);

/* Runs `body` in a child. Its result: 0, or 1 where something is wrong and was printed, or CANNOT
 * where this machine does not allow what it needs. cmocka's checks must not be used in it. */
enum { CANNOT = 77 };
int in_child(int (*body)(const void *), const void *ctx);

#define CHECK(what, ...)                                                                           \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #what);                       \
            (void)fprintf(stderr, __VA_ARGS__);                                                    \
            (void)fputc('\n', stderr);                                                             \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

/* In a child: mounts made from here on are its own. False where that is not allowed. */
bool own_mounts(void);
bool mount_tmpfs(const char *at, const char *options);

/* --- a demo database ------------------------------------------------------------------------ */

/* Folders for one test program, all below one new folder: its shipped files (those of the source
 * tree with a demo database of their own), its cache and its TMPDIR, which the environment names.
 */
struct place {
    char folder[64], share[80], sql[96], cache[80], tmp[80], log[80];
};
void place_make(struct place *place);
void place_remove(const struct place *place);

/* nl_demo_start, or the test fails. */
nl_cluster *place_start(const struct place *place);
/* What was said (logged, and not for debugging) since the last call. */
const char *place_said(const struct place *place);

#endif
