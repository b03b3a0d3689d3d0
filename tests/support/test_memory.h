/* test_memory.h: memory that runs out when a test says so.
 *
 * The engine's own allocations (malloc, calloc, realloc, aligned_alloc, strdup, strndup, realpath,
 * asprintf) are counted by the linker's --wrap, also under sanitizers. Those of the libraries are
 * counted too where the test's allocator can stand in for glibc's: not under a sanitizer, which has
 * one of its own. */
#ifndef NL_TESTS_SUPPORT_TEST_MEMORY_H
#define NL_TESTS_SUPPORT_TEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

static inline bool test_memory_can_fail(void) {
    return true;
}
/* Lets `after` allocations of this thread pass, then fails every one; -1: none fails any more. */
void test_memory_fail(long after);
/* The same for one allocation only: those behind it pass, as where a large one does not fit. */
void test_memory_fail_once(long after);
/* Has an allocation failed since test_memory_fail? */
bool test_memory_failed(void);

enum {
    TEST_MEMORY_ALL = 0,     /* the libraries' allocations count too, where they can */
    TEST_MEMORY_OWN = 1,     /* the engine's only: a library does not outlive it, or says nothing */
    TEST_MEMORY_THREADS = 2, /* those of every thread */
    TEST_MEMORY_CODE = 4,    /* a failure is told with another code than NL_NOMEM */
    TEST_MEMORY_OPTIONAL = 8, /* some allocations may fail and it goes on without */
    TEST_MEMORY_DEAR = 16,    /* takes long: fails at a share of its places only, see below */
    TEST_MEMORY_LARGE = 32,   /* those of TEST_MEMORY_OWN that ask for 64 kB and more, only */
    TEST_MEMORY_LIBRARY = 64, /* only a library allocates: whole and no more under a sanitizer */
};

/* Something that allocates: true where it was done, false with *err. It leaves nothing behind
 * either way, and does the same each time. */
typedef struct {
    const char *name;
    bool (*run)(nl_err *err);
    int flags;
} test_scenario;

/* Runs each scenario whole, then again and again with memory running out at each of its first
 * allocations (for good, and once only), and whole at last. Fails the test where a failure is not
 * told as NL_NOMEM, or is told where none was, or where the last run does not work. What leaks, or
 * is used after it was freed, AddressSanitizer sees.
 *
 * A scenario with very many allocations fails at a share of them, evenly spread; with the variable
 * NLSQL_EVERY_PLACE set, at each one. NLSQL_SCENARIO names the only one to run. */
void test_memory_scenarios(const test_scenario *scenarios, size_t n);

#endif
