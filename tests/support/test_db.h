/* test_db.h: a real PostgreSQL for tests: one private cluster for each test program, started when
 * first asked for and gone when the program ends. Every function here gives what was asked for, or
 * ends the program with a sentence. Call it from the program's main thread. */
#ifndef NL_TESTS_SUPPORT_TEST_DB_H
#define NL_TESTS_SUPPORT_TEST_DB_H

#include "db/cluster.h"

/* URL of `database` (NULL: "postgres"), which is made at its first use: from tests/data/NAME.sql
 * where there is such a file, otherwise empty. Valid until the program ends. */
const char *test_db_url(const char *database);

/* The same from a string of SQL in place of the file; NULL for an empty database. It must not have
 * been asked for before. */
const char *test_db_make(const char *database, const char *sql);

nl_cluster *test_db_cluster(void);

/* Runs SQL in `database` with psql as superuser; returns what it printed (unaligned, no headers),
 * without the final newline. Valid until the next call. */
const char *test_db_psql(const char *database, const char *sql);

#endif
