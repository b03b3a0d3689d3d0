#include "catalog_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_catalog.h"
#include "test_db.h"

#include "base/banned.h"

nl_catalog *catalog;

nl_catalog *must_load(const char *url, const char *const *schemas) {
    nl_err err = { .msg = "" };
    nl_catalog *loaded = test_catalog_load(url, schemas, &err);
    if (!loaded)
        fail_msg("%s", err.msg);
    return loaded;
}

const char *catalog_url(const char *more) {
    static char url[640];
    const char *base = test_db_url("catalog");
    (void)snprintf(url, sizeof url, "%s%s%s", base, strchr(base, '?') ? "&" : "?", more);
    return url;
}

int catalog_setup(void **state) {
    static const char *const schemas[] = { "public", "Sales", NULL };
    (void)state;
    catalog = must_load(test_db_url("catalog"), schemas);
    return 0;
}

int catalog_teardown(void **state) {
    (void)state;
    nl_catalog_free(catalog);
    return 0;
}

const nl_table *find_table(const nl_catalog *c, const char *schema, const char *name) {
    const nl_table *found = nl_catalog_find(c, schema, name);
    if (!found)
        fail_msg("no table %s", name);
    return found;
}

const nl_column *find_column(const nl_table *t, const char *name) {
    int at = nl_table_column(t, name);
    if (at < 0)
        fail_msg("no column %s in %s", name, t->name);
    return &t->columns[at];
}

/* "a, b" */
const char *join_names(const char *const *names, size_t n) {
    static char text[4][512];
    static unsigned turn;
    char *to = text[turn++ % 4];
    to[0] = '\0';
    for (size_t i = 0; names && i < n && names[i]; i++) {
        size_t used = strlen(to);
        (void)snprintf(to + used, sizeof text[0] - used, "%s%s", used ? ", " : "", names[i]);
    }
    return to;
}

const char *join_key(const nl_table *t, const nl_index_key *key) {
    const char *names[8];
    assert_true(key && key->n_columns <= 8);
    for (size_t i = 0; i < key->n_columns; i++)
        names[i] = t->columns[key->columns[i]].name;
    return join_names(names, key->n_columns);
}
