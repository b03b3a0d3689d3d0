#include "data/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

void nl_jsonl_init(nl_jsonl *file) {
    *file = (nl_jsonl){ .fd = -1 };
}

bool nl_make_dirs(const char *path, nl_err *err) {
    bool ok = false;
    struct stat info;
    if (*path == '\0')
        return nl_err_set(err, NL_INVALID, "a folder without a name");
    char *copy = strdup(path);
    if (!copy)
        return nl_err_nomem(err);
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char c = *at;
        *at = '\0';
        if (mkdir(copy, 0777) != 0 &&
            (errno != EEXIST || stat(copy, &info) != 0 || !S_ISDIR(info.st_mode))) {
            nl_err_errno(err, "cannot make the folder %s", copy);
            goto out;
        }
        *at = c;
        if (c == '\0')
            break;
    }
    ok = true;
out:
    free(copy);
    return ok;
}

bool nl_make_parent(const char *path, nl_err *err) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return true;
    char *folder = strndup(path, (size_t)(slash - path));
    bool ok = folder ? nl_make_dirs(folder, err) : nl_err_nomem(err);
    free(folder);
    return ok;
}

/* Counts whole lines; file->size is where the last one ends. */
static bool count_lines(nl_jsonl *file, nl_err *err) {
    enum { CHUNK = 1 << 16 };
    char *chunk = malloc(CHUNK);
    uint64_t at = 0;
    bool ok = false;
    if (!chunk)
        return nl_err_nomem(err);
    for (;;) {
        ssize_t n = pread(file->fd, chunk, CHUNK, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            nl_err_errno(err, "cannot read %s", file->path);
            goto out;
        }
        if (n == 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            if (chunk[i] == '\n') {
                file->lines++;
                file->size = at + (uint64_t)i + 1;
            }
        }
        at += (uint64_t)n;
    }
    file->cut = at - file->size;
    ok = true;
out:
    free(chunk);
    return ok;
}

bool nl_jsonl_open(nl_jsonl *file, const char *path, nl_err *err) {
    nl_jsonl_close(file);
    if (!nl_make_parent(path, err))
        return false;
    file->path = strdup(path);
    if (!file->path)
        return nl_err_nomem(err);
    file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file->fd < 0) {
        nl_err_errno(err, "cannot open %s", path);
        goto fail;
    }
    if (!count_lines(file, err))
        goto fail;
    if (file->cut > 0 && ftruncate(file->fd, (off_t)file->size) != 0) {
        nl_err_errno(err, "cannot cut the torn last line off %s", path);
        goto fail;
    }
    return true;
fail:
    nl_jsonl_close(file);
    return false;
}

/* Never leaves half a line behind. */
static void cut_back(const nl_jsonl *file) {
    if (ftruncate(file->fd, (off_t)file->size) != 0)
        return; /* the next open cuts it */
}

bool nl_jsonl_append(nl_jsonl *file, const char *bytes, size_t size, nl_err *err) {
    size_t done = 0;
    uint64_t lines = 0;
    if (size == 0)
        return true;
    if (bytes[size - 1] != '\n')
        return nl_err_set(err, NL_INVALID, "a record must end in a newline");
    while (done < size) { /* a full disk writes a part and says so next time */
        ssize_t n = pwrite(file->fd, bytes + done, size - done, (off_t)(file->size + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            nl_err_errno(err, "cannot append to %s", file->path);
            cut_back(file);
            return false;
        }
        done += (size_t)n;
    }
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    file->size += size;
    file->lines += lines;
    return true;
}

bool nl_jsonl_truncate(nl_jsonl *file, uint64_t size, nl_err *err) {
    char last = '\n';
    if (size > file->size)
        return nl_err_set(err, NL_INVALID, "%s has no %llu bytes", file->path,
                          (unsigned long long)size);
    if (size > 0 && pread(file->fd, &last, 1, (off_t)size - 1) != 1)
        return nl_err_errno(err, "cannot read %s", file->path);
    if (last != '\n')
        return nl_err_set(err, NL_INVALID, "%s would be cut inside a line", file->path);
    if (ftruncate(file->fd, (off_t)size) != 0)
        return nl_err_errno(err, "cannot cut %s", file->path);
    file->size = file->lines = 0;
    return count_lines(file, err);
}

bool nl_jsonl_sync(nl_jsonl *file, nl_err *err) {
    if (fdatasync(file->fd) != 0)
        return nl_err_errno(err, "cannot sync %s", file->path);
    return true;
}

void nl_jsonl_close(nl_jsonl *file) {
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    nl_jsonl_init(file);
}
