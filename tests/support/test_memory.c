#include "test_memory.h"

#include <errno.h>
#include <stddef.h>

#include "base/banned.h"

static _Thread_local long left = -1;
static _Thread_local bool failed, once;

void test_memory_fail(long after) {
    left = after;
    once = false;
    if (after >= 0)
        failed = false;
}

void test_memory_fail_once(long after) {
    test_memory_fail(after);
    once = true;
}

bool test_memory_failed(void) {
    return failed;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool test_memory_can_fail(void) {
    return false;
}

#else

/* glibc's own, under the names by which it lets itself be replaced. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);

bool test_memory_can_fail(void) {
    return true;
}

static bool fails(void) {
    if (left < 0 || left-- > 0)
        return false;
    left = once ? -1 : 0;
    failed = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
    return fails() ? NULL : __libc_realloc(old, size);
}

#endif
