/* cluster_files.h: the folders of throw-away clusters: trees copied and removed, the cached
 * templates, what killed programs left behind. Only for engine/db/cluster*.c. */
#ifndef NL_DB_CLUSTER_FILES_H
#define NL_DB_CLUSTER_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* --- trees (cluster_tree.c) ----------------------------------------------------------------- */

/* "dir/name" in `path`; false where there is no room. */
bool cluster_join(char *path, size_t room, const char *dir, const char *name);

/* Removes a folder and all below it; symbolic links are removed, never followed. False where
 * something is left. One that is not there is fine. */
bool cluster_remove_tree(const char *path);

typedef struct {
    unsigned long long files, bytes;
} cluster_size;

/* Copies a folder of plain files and folders to `to`, which must not exist, and says in *size (may
 * be NULL) what that came to. Owner `uid`:`gid` where we are root and uid is not 0. Failing, it
 * leaves what it has copied. */
bool cluster_copy_tree(const char *from, const char *to, uid_t uid, gid_t gid, cluster_size *size,
                       nl_err *err);

/* --- templates (cluster_template.c) --------------------------------------------------------- */

/* A template is a folder in the cache: "data" is a data directory of a server that was stopped
 * cleanly, "size" says how much that is, so that a copy that lost something is noticed. */

/* The folder that templates are kept in. False where there is none that only we can write to,
 * which is said in the log: then there is no caching. A folder of ours that others may write to is
 * closed to them first. */
bool cluster_cache_folder(char *folder, size_t room);

/* What a template is called: "postgresql-VERSION" for a cluster as initdb leaves it; with
 * `database` "DATABASE-DIGEST-VERSION", where the digest covers the names and contents of its
 * files. */
bool cluster_template_name(const char *version, const char *database, const char *const *sql_files,
                           char *name, size_t room, nl_err *err);

/* Makes `to` a copy of the template at `path`. False with NL_NOTFOUND where there is none, NL_IO
 * where it cannot be copied, NL_INVALID where it is damaged: then nothing is left of `to`. */
bool cluster_template_take(const char *path, const char *to, uid_t uid, gid_t gid, nl_err *err);

/* Keeps a copy of `data` as the template at `path`, whole or not at all, in place of one that is
 * there; another program that does the same at once is fine. Then removes what is stale: of each
 * kind (the name up to the first "-") the KEPT last used stay, and those in use. */
bool cluster_template_keep(const char *data, const char *path, nl_err *err);

/* --- folders that clusters run in (cluster_files.c) ------------------------------------------ */

/* A new folder "nlsql-pg-XXXXXX" in `parent`, of mode 0700 and locked for as long as *lock stays
 * open. It becomes that of `uid`:`gid` where we are root and uid is not 0. */
bool cluster_make_folder(const char *parent, char *path, size_t room, uid_t uid, gid_t gid,
                         int *lock, nl_err *err);

/* Removes folders in `parent` whose program has ended, and ends servers that still run there. Only
 * those that `uid` or we own. */
void cluster_clean_stale(const char *parent, uid_t uid);

#endif
