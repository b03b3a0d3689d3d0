/* test_catalog.h: a catalog of a real database, waited for. */
#ifndef NL_TESTS_SUPPORT_TEST_CATALOG_H
#define NL_TESTS_SUPPORT_TEST_CATALOG_H

#include "db/catalog.h"

/* `schemas`: names, NULL at the end; NULL: the search path's. NULL with *err set on failure. */
nl_catalog *test_catalog_load(const char *url, const char *const *schemas, nl_err *err);

#endif
