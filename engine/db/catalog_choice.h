/* catalog_choice.h: which tables a catalog holds, where somebody chose.
 *
 * A pattern names tables: `order*`, `Sales.*`, `"Order Lines"`, `log_20??`. `*` stands for any run
 * of characters and `?` for one; ASCII letters match in either case, as in SQL. Between double
 * quotes every character stands for itself, case included. Without a schema it is any that was
 * read. */
#ifndef NL_DB_CATALOG_CHOICE_H
#define NL_DB_CATALOG_CHOICE_H

#include "base/buf.h"
#include "base/err.h"

enum { CATALOG_GLOB = 128 }; /* PostgreSQL's names have 63 bytes */

typedef struct {
    char bytes[CATALOG_GLOB], kinds[CATALOG_GLOB];
    size_t n;
} catalog_glob;

typedef struct {
    char text[256]; /* as written */
    catalog_glob schema, name;
    bool has_schema;
    bool hit; /* some table matched */
} catalog_pattern;

typedef struct {
    catalog_pattern *include, *exclude; /* no pattern to include: every table */
    size_t n_include, n_exclude;
} catalog_choice;

/* Reads the patterns (lists with NULL at the end, or NULL) into *choice, which starts zeroed. False
 * with NL_CONFIG and a sentence that begins "include[2]: " where one cannot be read. */
bool nl_catalog_choice_read(catalog_choice *choice, const char *const *include,
                            const char *const *exclude, nl_err *err);
void nl_catalog_choice_release(catalog_choice *choice);

/* Is the table chosen? Notes which patterns matched. */
bool nl_catalog_choice_has(catalog_choice *choice, const char *schema, const char *name);

/* The first pattern that has matched nothing, or NULL; `where` gets "include[2]". */
const catalog_pattern *nl_catalog_choice_idle(const catalog_choice *choice, nl_buf *where);

/* How far the pattern's name is from a table's, in edits that ignore its `*` and `?`; SIZE_MAX
 * where that is further than a slip. */
size_t nl_catalog_pattern_distance(const catalog_pattern *pattern, const char *name);

#endif
