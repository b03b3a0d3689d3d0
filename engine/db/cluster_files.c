#include "db/cluster_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#include "base/banned.h"

#define FOLDER "nlsql-pg-"

enum { OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, ABANDONED_S = 60 };

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool join(char *path, size_t room, const char *dir, const char *name) {
    int n = snprintf(path, room, "%s/%s", dir, name);
    return n > 0 && (size_t)n < room;
}

/* --- trees --------------------------------------------------------------------------------- */

/* By descriptors, so that a folder swapped for a link meanwhile leads nowhere. */
static bool remove_at(int parent, const char *name) {
    bool ok = true;
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return false;
    int fd = openat(parent, name, OPEN_DIR);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!is_dots(entry->d_name))
            ok = remove_at(dirfd(dir), entry->d_name) && ok;
    }
    closedir(dir);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 && ok;
}

bool cluster_remove_tree(const char *path) {
    return remove_at(AT_FDCWD, path);
}

static bool copy_bytes(int from, int to) {
    char bytes[65536];
    if (ioctl(to, FICLONE, from) == 0)
        return true;
    for (;;) {
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        for (ssize_t done = 0; done < n;) {
            ssize_t written = write(to, bytes + done, (size_t)(n - done));
            if (written < 0 && errno != EINTR)
                return false;
            done += written > 0 ? written : 0;
        }
    }
}

struct owner {
    uid_t uid;
    gid_t gid;
};

static bool give(int fd, const struct owner *owner) {
    return owner->uid == 0 || fchown(fd, owner->uid, owner->gid) == 0;
}

static bool copy_file(int from_dir, int to_dir, const char *name, const struct owner *owner) {
    int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = from >= 0 && to >= 0 && give(to, owner) && copy_bytes(from, to);
    int code = errno;
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) != 0 && ok) {
        ok = false;
        code = errno;
    }
    errno = code;
    return ok;
}

/* Makes `name` in to_dir a copy of the open folder `from`, which it closes. */
static bool copy_folder(int from, int to_dir, const char *name, const struct owner *owner) {
    int to = -1;
    bool ok = false;
    DIR *dir = fdopendir(from);
    if (!dir) {
        close(from);
        return false;
    }
    if (mkdirat(to_dir, name, 0700) != 0 || (to = openat(to_dir, name, OPEN_DIR)) < 0 ||
        !give(to, owner))
        goto out;
    ok = true;
    for (const struct dirent *entry; ok && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (is_dots(entry->d_name))
            continue;
        ok = fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        if (ok && S_ISDIR(st.st_mode)) {
            int child = openat(dirfd(dir), entry->d_name, OPEN_DIR);
            ok = child >= 0 && copy_folder(child, to, entry->d_name, owner);
        } else if (ok && S_ISREG(st.st_mode)) {
            ok = copy_file(dirfd(dir), to, entry->d_name, owner);
        }
    }
out:;
    int code = errno;
    if (to >= 0)
        close(to);
    closedir(dir);
    errno = code;
    return ok;
}

bool cluster_copy_tree(const char *from, const char *to, uid_t uid, gid_t gid, nl_err *err) {
    const struct owner owner = { .uid = geteuid() == 0 ? uid : 0, .gid = gid };
    int fd = open(from, OPEN_DIR);
    if (fd < 0 || !copy_folder(fd, AT_FDCWD, to, &owner))
        return nl_err_errno(err, "cannot copy %s to %s", from, to);
    return true;
}

/* --- the template -------------------------------------------------------------------------- */

static bool make_parents(const char *path) {
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return false;
    memcpy(part, path, n + 1);
    for (char *at = part + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

/* A template that others could write to would run their commands as us. */
static bool is_ours_alone(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool cluster_template_path(const char *version, char *path, size_t room) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char folder[PATH_MAX], name[128] = "postgresql-";
    size_t n = strlen(name);
    int size;

    if (cache && cache[0] == '/')
        size = snprintf(folder, sizeof folder, "%s/nlsql", cache);
    else if (geteuid() == 0)
        size = snprintf(folder, sizeof folder, "/var/cache/nlsql");
    else if (home && home[0] == '/')
        size = snprintf(folder, sizeof folder, "%s/.cache/nlsql", home);
    else
        return false;
    if (size < 0 || (size_t)size >= sizeof folder || !make_parents(folder) ||
        !is_ours_alone(folder))
        return false;
    for (const char *at = version; *at && n < sizeof name - 1; at++) {
        bool plain = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                     (*at >= 'A' && *at <= 'Z') || strchr(".+~-", *at);
        if (plain || name[n - 1] != '_')
            name[n++] = plain ? *at : '_';
    }
    name[n] = '\0';
    return join(path, room, folder, name);
}

void cluster_template_keep(const char *data, const char *path) {
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.new-%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary)
        return;
    cluster_remove_tree(temporary); /* of a program that had our number and was killed */
    if (!cluster_copy_tree(data, temporary, 0, 0, NULL) || rename(temporary, path) != 0)
        cluster_remove_tree(temporary); /* where another was faster its template serves as well */
}

/* --- folders of living and dead programs ----------------------------------------------------- */

bool cluster_make_folder(const char *parent, char *path, size_t room, uid_t uid, gid_t gid,
                         int *lock, nl_err *err) {
    char early[PATH_MAX], late[PATH_MAX];
    if (!join(path, room, parent, FOLDER "XXXXXX"))
        return nl_err_set(err, NL_INVALID, "the path %s is too long", parent);
    if (!mkdtemp(path))
        return nl_err_errno(err, "cannot make a folder in %s", parent);
    /* It becomes visible as "lock" only once it is locked: a cleaner never finds it free. */
    *lock = -1;
    if (join(early, sizeof early, path, "lock.new") && join(late, sizeof late, path, "lock"))
        *lock = open(early, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) != 0 || rename(early, late) != 0 ||
        (geteuid() == 0 && uid != 0 && chown(path, uid, gid) != 0)) {
        nl_err_errno(err, "cannot prepare %s", path);
        if (*lock >= 0)
            close(*lock);
        *lock = -1;
        cluster_remove_tree(path);
        return false;
    }
    return true;
}

/* The server whose data lie in `folder`, if it runs; 0 otherwise. The number in the file may have
 * passed to another process: a server's working directory is its data directory. */
static pid_t server_in(const char *folder) {
    char path[PATH_MAX], link[64], cwd[PATH_MAX], data[PATH_MAX];
    nl_buf text;
    pid_t pid = 0;

    nl_buf_init(&text);
    if (join(path, sizeof path, folder, "data/postmaster.pid") &&
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
    return join(path, sizeof path, folder, "data") && realpath(path, data) && strcmp(cwd, data) == 0
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
    if (!join(path, sizeof path, folder, "lock"))
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
            !join(path, sizeof path, parent, entry->d_name) || lstat(path, &st) != 0 ||
            !S_ISDIR(st.st_mode) || (st.st_uid != uid && st.st_uid != geteuid()))
            continue;
        if (is_abandoned(path, &st)) {
            end_server(path);
            cluster_remove_tree(path);
        }
    }
    closedir(dir);
}
