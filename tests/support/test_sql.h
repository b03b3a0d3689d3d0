/* test_sql.h: for the tests of engine/sql: a catalog out of a real database, and whether the
 * server itself takes a query. As in test_db.h, each gives what was asked for or ends the program
 * with a sentence. */
#ifndef NL_TESTS_SUPPORT_TEST_SQL_H
#define NL_TESTS_SUPPORT_TEST_SQL_H

#include "db/catalog.h"

/* The catalog of test_db_url(database); `schemas` ends with NULL, or is NULL for the search path's.
 * The caller frees it. */
nl_catalog *test_sql_catalog(const char *database, const char *const *schemas);

/* NULL where the server runs the query, else its error. Valid until the next call. With `sql` and
 * `database` NULL it closes the connection that it keeps. */
const char *test_sql_run(const char *database, const char *sql);

#endif
