#include "test_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <sqlite3.h>

static atomic_int wanted, error_code;
static atomic_long left = -1;
static atomic_bool lasting, happened, parted;

void test_files_fail(int calls, long after, int error, bool lasts) {
    atomic_store(&left, -1);
    atomic_store(&wanted, calls);
    atomic_store(&error_code, error);
    atomic_store(&lasting, lasts);
    atomic_store(&happened, false);
    atomic_store(&parted, false);
    atomic_store(&left, after);
}

bool test_files_stop(void) {
    atomic_store(&left, -1);
    return atomic_load(&happened);
}

/* Is it this call's turn? */
static bool hit(int call) {
    long n = atomic_load(&left);
    if (!(atomic_load(&wanted) & call))
        return false;
    do {
        if (n < 0)
            return false;
    } while (!atomic_compare_exchange_weak(&left, &n,
                                           n > 0                   ? n - 1
                                           : atomic_load(&lasting) ? 0
                                                                   : -1));
    if (n > 0)
        return false;
    atomic_store(&happened, true);
    return true;
}

static bool fails(int call) {
    if (!hit(call))
        return false;
    errno = atomic_load(&error_code);
    return true;
}

/* For calls that move bytes: *size may become less. */
static bool moving_fails(int call, size_t *size) {
    if (!hit(call))
        return false;
    int error = atomic_load(&error_code);
    bool part = error == 0;
    if (error == ENOSPC && !atomic_exchange(&parted, true) && *size > 1) {
        part = true; /* a full disk takes a part, and fails at the next call */
        atomic_store(&left, 0);
    }
    if (part && *size > 1)
        *size /= 2;
    errno = error;
    return !part;
}

/* --- the engine's own calls ------------------------------------------------------------------- */

extern ssize_t __real_write(int fd, const void *bytes, size_t size);
extern ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
extern ssize_t __real_read(int fd, void *bytes, size_t size);
extern ssize_t __real_pread(int fd, void *bytes, size_t size, off_t at);
extern int __real_fsync(int fd);
extern int __real_fdatasync(int fd);
extern int __real_open(const char *path, int flags, ...);
extern int __real_mkdir(const char *path, mode_t mode);
extern int __real_rename(const char *from, const char *to);
extern int __real_ftruncate(int fd, off_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_open(const char *path, int flags, ...);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rename(const char *from, const char *to);
int __wrap_ftruncate(int fd, off_t size);

ssize_t __wrap_write(int fd, const void *bytes, size_t size) {
    return moving_fails(TEST_FILES_WRITE, &size) ? -1 : __real_write(fd, bytes, size);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at) {
    return moving_fails(TEST_FILES_WRITE, &size) ? -1 : __real_pwrite(fd, bytes, size, at);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size) {
    return moving_fails(TEST_FILES_READ, &size) ? -1 : __real_read(fd, bytes, size);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at) {
    return moving_fails(TEST_FILES_READ, &size) ? -1 : __real_pread(fd, bytes, size, at);
}

int __wrap_fsync(int fd) {
    return fails(TEST_FILES_SYNC) ? -1 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd) {
    return fails(TEST_FILES_SYNC) ? -1 : __real_fdatasync(fd);
}

int __wrap_open(const char *path, int flags, ...) {
    va_list args;
    if (fails(TEST_FILES_OPEN))
        return -1;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return __real_open(path, flags, mode);
}

int __wrap_mkdir(const char *path, mode_t mode) {
    return fails(TEST_FILES_OPEN) ? -1 : __real_mkdir(path, mode);
}

int __wrap_rename(const char *from, const char *to) {
    return fails(TEST_FILES_CHANGE) ? -1 : __real_rename(from, to);
}

int __wrap_ftruncate(int fd, off_t size) {
    return fails(TEST_FILES_CHANGE) ? -1 : __real_ftruncate(fd, size);
}

/* --- SQLite's --------------------------------------------------------------------------------- */

static sqlite3_vfs *below;
static const sqlite3_io_methods *methods_below; /* of the files of the VFS below: always the same */
static sqlite3_io_methods methods;

static int vfs_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at) {
    if (hit(TEST_FILES_WRITE)) {
        int error = atomic_load(&error_code);
        if (error != EIO && size > 1) /* a full disk takes a part */
            (void)methods_below->xWrite(file, bytes, size / 2, at);
        return error == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return methods_below->xWrite(file, bytes, size, at);
}

static int vfs_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
    return hit(TEST_FILES_READ) ? SQLITE_IOERR_READ : methods_below->xRead(file, bytes, size, at);
}

static int vfs_sync(sqlite3_file *file, int flags) {
    return hit(TEST_FILES_SYNC) ? SQLITE_IOERR_FSYNC : methods_below->xSync(file, flags);
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return hit(TEST_FILES_CHANGE) ? SQLITE_IOERR_TRUNCATE : methods_below->xTruncate(file, size);
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    if (hit(TEST_FILES_OPEN)) {
        file->pMethods = NULL;
        return SQLITE_CANTOPEN;
    }
    int code = below->xOpen(below, name, file, flags, out);
    if (code != SQLITE_OK || !file->pMethods)
        return code;
    if (!methods_below) {
        methods_below = file->pMethods;
        methods = *methods_below;
        methods.xWrite = vfs_write;
        methods.xRead = vfs_read;
        methods.xSync = vfs_sync;
        methods.xTruncate = vfs_truncate;
        methods.iVersion = methods.iVersion > 2 ? 2 : methods.iVersion; /* no memory mapping */
    }
    if (file->pMethods == methods_below)
        file->pMethods = &methods;
    return code;
}

void test_files_vfs(void) {
    static sqlite3_vfs vfs;
    if (below)
        return;
    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.zName = "failing";
    vfs.xOpen = vfs_open;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}
