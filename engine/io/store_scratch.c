/* The folders of scratch stores: removed when they are closed, and those that were never closed by
 * whoever opens the next. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/store_priv.h"

#include "base/banned.h"

enum { SETTLED_S = 60 }; /* by then a store that is being opened has its lock */

/* Leaves nothing of a scratch store but its dataset, which lies elsewhere. */
static void remove_at(int dir, const char *name) {
    static const char *const files[] = { "nlsql.db", "nlsql.db-wal", "nlsql.db-shm",
                                         "nlsql.db.lock" };
    int folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        (void)unlinkat(folder, files[i], 0);
    close(folder);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

void nl_store_remove_scratch(const char *folder) {
    remove_at(AT_FDCWD, folder);
}

/* Is it ours, of a process that is gone? Its lock, then, is held by nobody. */
static bool is_left(int dir, const char *name) {
    struct stat at;
    bool held;
    /* not taken: it goes between readdir and this */
    if (fstatat(dir, name, &at, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(at.st_mode) ||
        at.st_uid != geteuid() || time(NULL) - at.st_mtime < SETTLED_S)
        return false;
    int folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int lock = openat(folder, "nlsql.db.lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    held = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0;
    if (lock >= 0)
        close(lock);
    close(folder);
    return !held;
}

void nl_store_sweep_scratch(const char *base) {
    const struct dirent *entry;
    DIR *listing = opendir(base);
    if (!listing)
        return; /* making the new one says why */
    while ((entry = readdir(listing)) != NULL) {
        if (strncmp(entry->d_name, NL_SCRATCH, sizeof NL_SCRATCH - 1) == 0 &&
            is_left(dirfd(listing), entry->d_name))
            remove_at(dirfd(listing), entry->d_name);
    }
    closedir(listing);
}
