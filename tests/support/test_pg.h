/* test_pg.h: operations of a connection pool as calls that return: each runs the loop until its own
 * completion, or fails the test after 60 s. */
#ifndef NL_TESTS_SUPPORT_TEST_PG_H
#define NL_TESTS_SUPPORT_TEST_PG_H

#include "io/pg.h"

/* The loop that they run on; freed when the program ends. */
nl_loop *test_loop(void);
/* Runs the loop until *flag, or for `ms`; returns *flag. NULL: for `ms`. */
bool test_loop_until(const bool *flag, unsigned ms);

/* A pool on that loop; the caller frees it. */
nl_pg *test_pg_open(const char *url, size_t sessions);
/* The caller releases the reply. */
nl_pg_reply test_pg_query(nl_pg *pg, const char *sql, const char *const *params, size_t n_params,
                          const nl_pg_limits *limits);
nl_pg_reply test_pg_probe(nl_pg *pg, const char *sql, bool execute, const nl_pg_limits *limits);
/* The first cell of a query that must succeed. Valid until the next call. */
const char *test_pg_value(nl_pg *pg, const char *sql);

#endif
