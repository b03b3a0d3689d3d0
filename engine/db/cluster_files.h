/* cluster_files.h: the folders of throw-away clusters: trees copied and removed, the cached
 * template, what killed programs left behind. Only for engine/db/cluster*.c. */
#ifndef NL_DB_CLUSTER_FILES_H
#define NL_DB_CLUSTER_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Removes a folder and all below it; symbolic links are removed, never followed. False where
 * something is left. One that is not there is fine. */
bool cluster_remove_tree(const char *path);

/* Copies a folder of plain files and folders to `to`, which must not exist. Owner `uid`:`gid`
 * where we are root and uid is not 0. */
bool cluster_copy_tree(const char *from, const char *to, uid_t uid, gid_t gid, nl_err *err);

/* Where the template of `version` lies, whether or not it exists yet. False where there is no
 * folder that only we can write to: then there is no caching. */
bool cluster_template_path(const char *version, char *path, size_t room);

/* Keeps a copy of `data` as the template at `path`, whole or not at all; another program that does
 * the same at once is fine. Failing (a full disk) is no error: the next start makes it again. */
void cluster_template_keep(const char *data, const char *path);

/* A new folder "nlsql-pg-XXXXXX" in `parent`, locked for as long as *lock stays open. */
bool cluster_make_folder(const char *parent, char *path, size_t room, uid_t uid, gid_t gid,
                         int *lock, nl_err *err);

/* Removes folders in `parent` whose program has ended, and ends servers that still run there. Only
 * those that `uid` or we own. */
void cluster_clean_stale(const char *parent, uid_t uid);

#endif
