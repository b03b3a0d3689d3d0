/* test_memory.h: memory that runs out when a test says so.
 *
 * A program that calls test_memory_fail gets its malloc, calloc and realloc from here. Sanitizers
 * have allocators of their own: there nothing fails, and test_memory_can_fail says so. */
#ifndef NL_TESTS_SUPPORT_TEST_MEMORY_H
#define NL_TESTS_SUPPORT_TEST_MEMORY_H

#include <stdbool.h>

bool test_memory_can_fail(void);
/* Lets `after` allocations of this thread pass, then fails every one; -1: none fails any more. */
void test_memory_fail(long after);
/* The same for one allocation only: those behind it pass, as where a large one does not fit. */
void test_memory_fail_once(long after);
/* Has an allocation failed since test_memory_fail? */
bool test_memory_failed(void);

#endif
