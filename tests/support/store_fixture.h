/* store_fixture.h: where most tests of the store work: a loop and a folder of its own for each. */
#ifndef NL_TEST_STORE_FIXTURE_H
#define NL_TEST_STORE_FIXTURE_H

#include "io/store_view.h"
#include "store_support.h"

extern nl_loop *loop;
extern char dir[256];

/* For cmocka_unit_test_setup_teardown. */
int setup(void **state);
int teardown(void **state);

/* The same where syncs cost nothing, if there is such a place. */
int setup_in_memory(void **state);

/* "DIR/dataset.jsonl". */
const char *dataset(void);

/* A store with a run, entries 1 and 2 of item "a", a rejection by gate "g", the call "r1" and a
 * note, closed again: all of it lies in the file. */
void store_make(void);

/* Reads a cursor to its end and frees it; NULL is a failure. */
bool store_take_all(nl_store_cursor *cursor, nl_err *err);

/* Opens a view of the folder's store once more, and closes it. */
bool store_view_again(nl_err *err);

/* Part of an UPDATE that makes a text one long enough for SQLite to read it into memory of its own;
 * a blob, it is copied once more where it is wanted as text. */
#define LONG_BLOB(column)                                                                          \
    column " = CAST(printf('%s%.*c', " column ", 12295 - length(" column "), ' ') AS BLOB)"

#endif
