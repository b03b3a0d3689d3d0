/* test_files.h: files that fail when a test says so.
 *
 * The engine's own system calls pass through here by the linker's --wrap; what a library calls by
 * itself does not (for SQLite there is test_files_vfs). Counted in every thread. */
#ifndef NL_TESTS_SUPPORT_TEST_FILES_H
#define NL_TESTS_SUPPORT_TEST_FILES_H

#include <stdbool.h>

typedef enum {
    TEST_FILES_WRITE = 1,   /* write, pwrite */
    TEST_FILES_READ = 2,    /* read, pread */
    TEST_FILES_SYNC = 4,    /* fsync, fdatasync */
    TEST_FILES_OPEN = 8,    /* open, mkdir */
    TEST_FILES_CHANGE = 16, /* rename, ftruncate, link, unlink */
    TEST_FILES_EVERY = 31,
} test_files_calls;

/* Lets `after` of these calls pass; the next one fails with `error`, and all behind it where
 * `lasts`. An error of 0 is a short count in place of a failure: half of what was to be written or
 * read. */
void test_files_fail(int calls, long after, int error, bool lasts);
/* Nothing fails any more; true where something did. */
bool test_files_stop(void);

/* Makes a VFS the default one of SQLite whose writes, syncs, truncations and openings count as the
 * same calls. Once. */
void test_files_vfs(void);

#endif
