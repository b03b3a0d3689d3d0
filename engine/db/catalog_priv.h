/* catalog_priv.h: how a catalog is made: catalog_load.c asks the server, catalog_build.c turns the
 * rows into structs, catalog_find.c looks things up, catalog_render.c writes it down. */
#ifndef NL_DB_CATALOG_PRIV_H
#define NL_DB_CATALOG_PRIV_H

#include "base/arena.h"
#include "db/catalog.h"

/* The queries, in the order in which they are asked and their rows are built in. */
typedef enum {
    CQ_SERVER,
    CQ_TABLES,
    CQ_COLUMNS,
    CQ_LABELS,
    CQ_STATS,
    CQ_KEYS,
    CQ_FUNCTIONS,
    CQ_OPERATORS,
    CQ_TYPES,
    CQ_COUNT
} cq_kind;

/* A function or operator name: is it in pg_catalog, and is every overload there and not volatile?
 */
typedef struct {
    const char *name;
    bool known, stable;
} name_facts;

typedef struct {
    const char *schema, *name;
} type_name;

struct nl_catalog {
    nl_arena arena;
    nl_table *tables; /* by (schema, name) */
    size_t n_tables;
    uint32_t *oids;                                   /* of tables, while building */
    const char **schemas, **path, **others, **denied; /* NULL at the end */
    const char *version;
    int version_num;
    name_facts *functions, *operators; /* sorted by name */
    size_t n_functions, n_operators;
    type_name *types; /* sorted */
    size_t n_types;
};

nl_catalog *nl_catalog_new(nl_err *err);
/* Takes one query's rows in. They must come in the order of cq_kind. */
bool nl_catalog_build(nl_catalog *catalog, cq_kind kind, const nl_pg_rows *rows, nl_err *err);

#endif
