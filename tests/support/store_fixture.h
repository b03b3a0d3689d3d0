/* store_fixture.h: where most tests of the store work: a loop and a folder of its own for each. */
#ifndef NL_TEST_STORE_FIXTURE_H
#define NL_TEST_STORE_FIXTURE_H

#include "store_support.h"

extern nl_loop *loop;
extern char dir[256];

/* For cmocka_unit_test_setup_teardown. */
int setup(void **state);
int teardown(void **state);

/* "DIR/dataset.jsonl". */
const char *dataset(void);

#endif
