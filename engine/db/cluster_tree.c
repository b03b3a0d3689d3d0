/* cluster_tree.c: trees of plain files, copied and removed. */
#include "db/cluster_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool cluster_join(char *path, size_t room, const char *dir, const char *name) {
    int n = snprintf(path, room, "%s/%s", dir, name);
    return n > 0 && (size_t)n < room;
}

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

/* Who the copy is for, and what it came to so far. */
struct copy {
    uid_t uid;
    gid_t gid;
    cluster_size size;
};

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

static bool give(int fd, const struct copy *copy) {
    return copy->uid == 0 || fchown(fd, copy->uid, copy->gid) == 0;
}

static bool copy_file(int from_dir, int to_dir, const char *name, struct copy *copy) {
    int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct stat st;
    bool ok = from >= 0 && to >= 0 && give(to, copy) && copy_bytes(from, to) && fstat(to, &st) == 0;
    int code = errno;
    if (ok) {
        copy->size.files++;
        copy->size.bytes += (unsigned long long)st.st_size;
    }
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
static bool copy_folder(int from, int to_dir, const char *name, struct copy *copy) {
    int to = -1;
    bool ok = false;
    DIR *dir = fdopendir(from);
    if (!dir) {
        close(from);
        return false;
    }
    if (mkdirat(to_dir, name, 0700) != 0 || (to = openat(to_dir, name, OPEN_DIR)) < 0 ||
        !give(to, copy))
        goto out;
    ok = true;
    for (const struct dirent *entry; ok && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (is_dots(entry->d_name))
            continue;
        ok = fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        if (ok && S_ISDIR(st.st_mode)) {
            int child = openat(dirfd(dir), entry->d_name, OPEN_DIR);
            ok = child >= 0 && copy_folder(child, to, entry->d_name, copy);
        } else if (ok && S_ISREG(st.st_mode)) {
            ok = copy_file(dirfd(dir), to, entry->d_name, copy);
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

bool cluster_copy_tree(const char *from, const char *to, uid_t uid, gid_t gid, cluster_size *size,
                       nl_err *err) {
    struct copy copy = { .uid = geteuid() == 0 ? uid : 0, .gid = gid };
    int fd = open(from, OPEN_DIR);
    if (fd < 0 || !copy_folder(fd, AT_FDCWD, to, &copy))
        return nl_err_errno(err, "cannot copy %s to %s", from, to);
    if (size)
        *size = copy.size;
    return true;
}
