/* catalog_find.c: look-ups by exact name. */
#include <stdlib.h>
#include <string.h>

#include "db/catalog_priv.h"

#include "base/banned.h"

const nl_table *nl_catalog_tables(const nl_catalog *catalog, size_t *n) {
    *n = catalog->n_tables;
    return catalog->tables;
}

const char *const *nl_catalog_schemas(const nl_catalog *catalog) {
    return catalog->schemas;
}

const char *const *nl_catalog_other_schemas(const nl_catalog *catalog) {
    return catalog->others;
}

const char *const *nl_catalog_denied(const nl_catalog *catalog) {
    return catalog->denied;
}

const char *nl_catalog_server_version(const nl_catalog *catalog) {
    return catalog->version;
}

int nl_catalog_server_version_num(const nl_catalog *catalog) {
    return catalog->version_num;
}

static int by_schema_and_name(const void *a, const void *b) {
    const nl_table *x = a, *y = b;
    int order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->name, y->name);
}

static const nl_table *find_in(const nl_catalog *c, const char *schema, const char *name) {
    nl_table key = { .schema = schema, .name = name };
    return bsearch(&key, c->tables, c->n_tables, sizeof *c->tables, by_schema_and_name);
}

const nl_table *nl_catalog_find(const nl_catalog *catalog, const char *schema, const char *name) {
    if (schema)
        return find_in(catalog, schema, name);
    for (const char **s = catalog->path; s && *s; s++) {
        const nl_table *found = find_in(catalog, *s, name);
        if (found && found->visible)
            return found;
    }
    return NULL;
}

int nl_table_column(const nl_table *table, const char *name) {
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const name_facts *)a)->name, ((const name_facts *)b)->name);
}

static const name_facts *find_name(const name_facts *list, size_t n, const char *name) {
    name_facts key = { .name = name };
    return n ? bsearch(&key, list, n, sizeof *list, by_name) : NULL;
}

bool nl_catalog_function_known(const nl_catalog *catalog, const char *name) {
    const name_facts *found = find_name(catalog->functions, catalog->n_functions, name);
    return found && found->known;
}

bool nl_catalog_function_stable(const nl_catalog *catalog, const char *name) {
    const name_facts *found = find_name(catalog->functions, catalog->n_functions, name);
    return found && found->stable;
}

bool nl_catalog_function_foreign(const nl_catalog *catalog, const char *name) {
    const name_facts *found = find_name(catalog->functions, catalog->n_functions, name);
    return found && !found->known;
}

bool nl_catalog_operator_known(const nl_catalog *catalog, const char *name) {
    const name_facts *found = find_name(catalog->operators, catalog->n_operators, name);
    return found && found->stable;
}

static int by_type(const void *a, const void *b) {
    const type_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->schema, y->schema);
}

static bool has_type(const nl_catalog *c, const char *schema, const char *name) {
    type_name key = { .schema = schema, .name = name };
    return c->n_types && bsearch(&key, c->types, c->n_types, sizeof *c->types, by_type) != NULL;
}

bool nl_catalog_type_known(const nl_catalog *catalog, const char *schema, const char *name) {
    if (schema)
        return has_type(catalog, schema, name);
    if (has_type(catalog, "pg_catalog", name))
        return true;
    for (const char **s = catalog->path; s && *s; s++) {
        if (has_type(catalog, *s, name))
            return true;
    }
    return false;
}
