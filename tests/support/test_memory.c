#include "test_memory.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

/* Places at which a scenario fails, at most: of a dear one, of another. */
enum { MOST_DEAR = 20, MOST = 600 };

enum { LARGE = 64 * 1024 };

struct countdown {
    atomic_long left, stopped; /* < 0: nothing fails; what was left when that was said */
    atomic_bool failed, once;
};

static _Thread_local struct countdown mine = { .left = -1 };
static struct countdown everybodys = { .left = -1 };
static int scope; /* TEST_MEMORY_* */

static struct countdown *counting(void) {
    return scope & TEST_MEMORY_THREADS ? &everybodys : &mine;
}

void test_memory_fail(long after) {
    struct countdown *c = counting();
    long was = atomic_exchange(&c->left, -1);
    if (was >= 0)
        atomic_store(&c->stopped, was);
    atomic_store(&c->once, false);
    if (after >= 0)
        atomic_store(&c->failed, false);
    atomic_store(&c->left, after);
}

void test_memory_fail_once(long after) {
    struct countdown *c = counting();
    test_memory_fail(-1);
    atomic_store(&c->failed, false);
    atomic_store(&c->once, true);
    atomic_store(&c->left, after);
}

bool test_memory_failed(void) {
    return atomic_load(&counting()->failed);
}

static bool fails(void) {
    struct countdown *c = counting();
    long left = atomic_load(&c->left);
    do {
        if (left < 0)
            return false;
    } while (!atomic_compare_exchange_weak(&c->left, &left,
                                           left > 0                ? left - 1
                                           : atomic_load(&c->once) ? -1
                                                                   : 0));
    if (left > 0)
        return false;
    atomic_store(&c->failed, true);
    errno = ENOMEM;
    return true;
}

/* --- the engine's own, by --wrap -------------------------------------------------------------- */

extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t n, size_t size);
extern void *__real_realloc(void *old, size_t size);
extern void *__real_aligned_alloc(size_t alignment, size_t size);
extern char *__real_strdup(const char *text);
extern char *__real_strndup(const char *text, size_t size);
extern char *__real_realpath(const char *path, char *resolved);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
char *__wrap_realpath(const char *path, char *resolved);
int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where the test's allocator counts too, one allocation counts once. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { OWN_COUNT = true };
#else
enum { OWN_COUNT = false };
#endif

static bool own_fails(size_t size) {
    if (!OWN_COUNT && !(scope & TEST_MEMORY_OWN))
        return false;
    return (size >= LARGE || !(scope & TEST_MEMORY_LARGE)) && fails();
}

void *__wrap_malloc(size_t size) {
    return own_fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
    return own_fails(n * size) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return own_fails(size) ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return own_fails(size) ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text) {
    return own_fails(strlen(text) + 1) ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size) {
    return own_fails(size + 1) ? NULL : __real_strndup(text, size);
}

char *__wrap_realpath(const char *path, char *resolved) {
    return !resolved && own_fails(PATH_MAX) ? NULL : __real_realpath(path, resolved);
}

int __wrap_asprintf(char **text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vasprintf(text, format, args);
    va_end(args);
    if (size < 0 || !own_fails((size_t)size + 1))
        return size;
    free(*text);
    return -1;
}

/* --- the libraries' too ----------------------------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/* glibc's own, under the names by which it lets itself be replaced. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);

static bool any_fails(void) {
    return !(scope & TEST_MEMORY_OWN) && fails();
}

void *malloc(size_t size) {
    return any_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return any_fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
    return any_fails() ? NULL : __libc_realloc(old, size);
}

#endif

/* --- scenarios -------------------------------------------------------------------------------- */

/* One run with memory that ends; false where it did not end. */
static bool run_out(const test_scenario *s, long after, bool once) {
    nl_err err = { .code = NL_OK };
    if (getenv("NLSQL_SHOW_PLACE")) /* for one that never ends */
        (void)fprintf(stderr, "%s: allocation %ld%s\n", s->name, after, once ? " once" : "");
    if (once)
        test_memory_fail_once(after);
    else
        test_memory_fail(after);
    bool ok = s->run(&err);
    test_memory_fail(-1);
    bool failed = test_memory_failed();
    if (!failed && !ok)
        fail_msg("%s: failed though no allocation did: %s", s->name, err.msg);
    if (failed && ok && !(s->flags & TEST_MEMORY_OPTIONAL))
        fail_msg("%s: allocation %ld failed (%s), and nobody said so", s->name, after,
                 once ? "once" : "and all behind it");
    if (!ok && !err.msg[0])
        fail_msg("%s: allocation %ld failed, and the error is empty", s->name, after);
    if (!ok && err.code != NL_NOMEM && !(s->flags & TEST_MEMORY_CODE))
        fail_msg("%s: allocation %ld failed (%s), and the error is \"%s\" (%s)", s->name, after,
                 once ? "once" : "and all behind it", err.msg, nl_code_name(err.code));
    return failed;
}

/* Runs it with all the memory there is; returns how many allocations it makes. */
static long run_whole(const test_scenario *s, const char *when) {
    nl_err err = { .code = NL_OK };
    test_memory_fail(LONG_MAX);
    bool ok = s->run(&err);
    test_memory_fail(-1); /* where the scenario has not said so */
    if (!ok)
        fail_msg("%s: %s: %s", s->name, when, err.msg);
    return LONG_MAX - atomic_load(&counting()->stopped);
}

static unsigned run_each(const test_scenario *s, long places, bool once) {
    long most = s->flags & TEST_MEMORY_DEAR ? MOST_DEAR : MOST;
    long step = getenv("NLSQL_EVERY_PLACE") || places <= most ? 1 : (places + most - 1) / most;
    unsigned runs = 0;
    /* those that fail once begin elsewhere */
    for (long after = once ? step / 2 : 0; run_out(s, after, once); after += step)
        runs++;
    return runs;
}

void test_memory_scenarios(const test_scenario *scenarios, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const test_scenario *s = &scenarios[i];
        const char *only = getenv("NLSQL_SCENARIO");
        if (only && strcmp(only, s->name) != 0)
            continue;
        scope = s->flags & (TEST_MEMORY_OWN | TEST_MEMORY_THREADS | TEST_MEMORY_LARGE);
        (void)run_whole(s, "fails with all the memory there is"); /* what is kept is made */
        long places = run_whole(s, "fails the second time");
        unsigned runs = run_each(s, places, false) + run_each(s, places, true);
        (void)run_whole(s, "fails once memory is there again");
        scope = 0;
        if (runs == 0 && !(OWN_COUNT && (s->flags & TEST_MEMORY_LIBRARY)))
            fail_msg("%s: allocates nothing", s->name);
        print_message("  %s: %ld allocations, memory ran out %u times\n", s->name, places, runs);
    }
}
