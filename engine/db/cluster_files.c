/* cluster_files.c: the folders that clusters run in, of living and of dead programs. */
#include "db/cluster_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#include "base/banned.h"

#define FOLDER "nlsql-pg-"

enum { ABANDONED_S = 60 };

/* Some file systems (shares, memory cards) have no modes, or owners, of their own. */
static bool is_private(const char *path, nl_err *err) {
    struct stat st;
    if (lstat(path, &st) != 0)
        return nl_err_errno(err, "cannot look at %s", path);
    if ((st.st_mode & 077) == 0 && st.st_uid == geteuid())
        return true;
    return nl_err_set(err, NL_IO,
                      "the new folder %s cannot be made private (its mode is %03o, its owner user "
                      "%u): name a folder on another file system in TMPDIR",
                      path, (unsigned)st.st_mode & 0777, (unsigned)st.st_uid);
}

/* It becomes visible as "lock" only once it is locked: a cleaner never finds it free. */
static bool lock_folder(const char *path, int *lock, nl_err *err) {
    char early[PATH_MAX], late[PATH_MAX];
    *lock = -1;
    if (cluster_join(early, sizeof early, path, "lock.new") &&
        cluster_join(late, sizeof late, path, "lock"))
        *lock = open(early, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) == 0 && rename(early, late) == 0)
        return true;
    return nl_err_errno(err, "cannot lock %s", path);
}

bool cluster_make_folder(const char *parent, char *path, size_t room, uid_t uid, gid_t gid,
                         int *lock, nl_err *err) {
    *lock = -1;
    if (!cluster_join(path, room, parent, FOLDER "XXXXXX"))
        return nl_err_set(err, NL_INVALID, "the path %s is too long", parent);
    if (!mkdtemp(path))
        return nl_err_errno(err, "cannot make a folder in %s", parent);
    bool ok = is_private(path, err) && lock_folder(path, lock, err);
    if (ok && geteuid() == 0 && uid != 0 && chown(path, uid, gid) != 0)
        ok = nl_err_errno(err, "cannot give %s to user %u", path, (unsigned)uid);
    if (!ok) {
        cluster_remove_tree(path);
        if (*lock >= 0)
            close(*lock);
        *lock = -1;
    }
    return ok;
}

/* The server whose data lie in `folder`, if it runs; 0 otherwise. The number in the file may have
 * passed to another process: a server's working directory is its data directory. */
static pid_t server_in(const char *folder) {
    char path[PATH_MAX], link[64], cwd[PATH_MAX], data[PATH_MAX];
    nl_buf text;
    pid_t pid = 0;

    nl_buf_init(&text);
    if (cluster_join(path, sizeof path, folder, "data/postmaster.pid") &&
        nl_buf_read_file(&text, path, 4096, NULL))
        pid = (pid_t)strtol(text.data, NULL, 10);
    nl_buf_release(&text);
    if (pid <= 1)
        return 0;
    (void)snprintf(link, sizeof link, "/proc/%ld/cwd", (long)pid);
    ssize_t n = readlink(link, cwd, sizeof cwd - 1);
    if (n <= 0)
        return 0;
    cwd[n] = '\0';
    return cluster_join(path, sizeof path, folder, "data") && realpath(path, data) &&
                   strcmp(cwd, data) == 0
               ? pid
               : 0;
}

/* It is told by the kernel to end with its program and does so by itself, most often before we
 * look. */
static void end_server(const char *folder) {
    const struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };
    pid_t pid = 0;
    for (int i = 0; i < 300 && (pid = server_in(folder)) != 0; i++) {
        if (i % 50 == 0)
            kill(pid, i < 250 ? SIGQUIT : SIGKILL);
        nanosleep(&nap, NULL);
    }
}

static bool is_abandoned(const char *folder, const struct stat *st) {
    char path[PATH_MAX];
    struct timespec now;
    if (!cluster_join(path, sizeof path, folder, "lock"))
        return false;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) { /* killed before it made its lock, or it is just about to */
        clock_gettime(CLOCK_REALTIME, &now);
        return errno == ENOENT && now.tv_sec - st->st_mtime > ABANDONED_S;
    }
    bool free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return free;
}

void cluster_clean_stale(const char *parent, uid_t uid) {
    char path[PATH_MAX];
    struct stat st;
    DIR *dir = opendir(parent);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, FOLDER, sizeof FOLDER - 1) != 0 ||
            !cluster_join(path, sizeof path, parent, entry->d_name) || lstat(path, &st) != 0 ||
            !S_ISDIR(st.st_mode) || (st.st_uid != uid && st.st_uid != geteuid()))
            continue;
        if (is_abandoned(path, &st)) {
            end_server(path);
            cluster_remove_tree(path);
        }
    }
    closedir(dir);
}
