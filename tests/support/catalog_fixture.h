/* catalog_fixture.h: where the tests of the catalog work: the database "catalog" as it was read,
 * and finders that fail the test where nothing is found. */
#ifndef NL_TEST_CATALOG_FIXTURE_H
#define NL_TEST_CATALOG_FIXTURE_H

#include "db/catalog.h"

extern nl_catalog *catalog; /* of public and "Sales", as superuser */

/* For cmocka_run_group_tests. */
int catalog_setup(void **state);
int catalog_teardown(void **state);

/* The caller frees it. */
nl_catalog *must_load(const char *url, const char *const *schemas);
/* The database's URL with `more` ("user=reader"); static until the next call. */
const char *catalog_url(const char *more);

const nl_table *find_table(const nl_catalog *c, const char *schema, const char *name);
const nl_column *find_column(const nl_table *t, const char *name);

/* "a, b", of at most `n` names; of the four last calls. */
const char *join_names(const char *const *names, size_t n);
const char *join_key(const nl_table *t, const nl_index_key *key);

#endif
