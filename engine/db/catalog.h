/* catalog.h: what a database holds, read with one catalog query into structs.
 *
 * In one arena, and immutable once loaded but for nl_catalog_relate. Names are as the catalog has
 * them (unquoted). Tables come sorted by (schema, name) bytewise, columns by position. Partitions
 * are left out, their parent is in; so are tables that an extension brought. Keys with a column
 * that we may not read are left out, as a query could not use them. */
#ifndef NL_DB_CATALOG_H
#define NL_DB_CATALOG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "io/pg.h"

typedef struct {
    const char *name;
    const char *type;          /* as written: "numeric(10,2)", "mood", "text[]" */
    const char *base_type;     /* of a domain: what it stands for; else the same as type */
    char category;             /* pg_type.typcategory of the base type: N, S, D, B, E, A, … */
    const char *comment;       /* NULL: none */
    const char *label;         /* its security label of provider "anon"; NULL: none */
    const char *default_expr;  /* NULL: none */
    const char *const *labels; /* enum labels in order, NULL at the end; NULL where no enum */
    bool not_null, identity, generated, selectable; /* selectable: we hold SELECT on it */
    double null_fraction;                           /* -1: not analysed */
    double distinct;           /* as pg_stats.n_distinct: < 0 is a fraction of rows; 0: unknown */
    int number;                /* pg_attribute.attnum */
    unsigned enum_oid;         /* of the enum that the base type, or its element, is; 0: none */
    const char *const *common; /* up to 8 most common values, as text, the most common first, NULL
                                * at the end; long ones are left out; NULL: unknown */
    const char *const *holds;  /* see trust.h; NULL: nothing */
} nl_column;

typedef struct {
    const char *name;
    const uint16_t *columns; /* indexes into the table's columns, in the key's order */
    size_t n_columns;
} nl_index_key; /* a primary or unique key */

typedef struct nl_table nl_table;

typedef struct {
    const char *name;
    const nl_table *referred; /* NULL where the referred table was not loaded: see names */
    const char *referred_schema, *referred_table;
    const char *const *columns, *const *referred_columns; /* as many, ordered pairs */
    size_t n_columns;
    bool by_hand; /* the database does not declare it: nl_catalog_relate added it */
} nl_foreign_key;

typedef struct {
    const char *name, *expression; /* "CHECK ((price > 0))" */
} nl_check;

struct nl_table {
    const char *schema, *name;
    const char *reference; /* how SQL names it, quoted as needed; the schema only where the
                            * search path does not find it: orders, "Sales"."Order Lines" */
    char kind;             /* r table, p partitioned, v view, m materialised view, f foreign */
    const char *comment;   /* NULL: none */
    bool visible;          /* found by its bare name on the search path */
    uint32_t oid;
    double rows; /* estimate; -1: never analysed, or a view */
    bool holds;  /* some column does: see trust.h */
    const nl_column *columns;
    size_t n_columns;
    const nl_index_key *primary; /* NULL: none */
    const nl_index_key *uniques; /* constraints, and unique indexes over whole tables */
    size_t n_uniques;
    const nl_foreign_key *foreign;
    size_t n_foreign;
    const nl_check *checks;
    size_t n_checks;
};

typedef struct nl_catalog nl_catalog;

/* Lists end with NULL. Patterns: see catalog_choice.h. A table that is left out is nowhere: keys
 * that refer to it are left out too. */
typedef struct {
    const char *const *schemas; /* NULL: every non-system schema on the search path */
    const char *const *include; /* patterns of the tables to read; NULL, or none: all */
    const char *const *exclude; /* patterns of those to leave out, though included; NULL: none */
} nl_catalog_options;

/* Loads over `pg`; `done` gets the catalog (the callee's to free) or NULL and the error: NL_DB,
 * NL_NET as from pg.h; NL_NOTFOUND where a named schema does not exist (naming those that
 * do); NL_CONFIG where a pattern cannot be read or matches no table (naming the nearest). A catalog
 * without tables is no error. Defaults and check constraints are missing where a lock on a table
 * keeps the server from telling them within a second. */
typedef void (*nl_catalog_done)(void *ctx, nl_catalog *catalog, const nl_err *err);
typedef struct nl_catalog_load nl_catalog_load;
nl_catalog_load *nl_catalog_start(nl_pg *pg, const nl_catalog_options *options,
                                  nl_catalog_done done, void *ctx, nl_err *err);
void nl_catalog_cancel(nl_catalog_load *load); /* `done` will not be called */
void nl_catalog_free(nl_catalog *catalog);

const nl_table *nl_catalog_tables(const nl_catalog *catalog, size_t *n);
/* Schemas that were read, in the search path's order; other non-system schemas that hold tables;
 * tables that were left out because we may not SELECT from any of their columns, as SQL names them
 * with their schema. NULL at the end of each. */
const char *const *nl_catalog_schemas(const nl_catalog *catalog);
const char *const *nl_catalog_other_schemas(const nl_catalog *catalog);
const char *const *nl_catalog_denied(const nl_catalog *catalog);
const char *nl_catalog_server_version(const nl_catalog *catalog); /* "15.6" */
int nl_catalog_server_version_num(const nl_catalog *catalog);     /* 150006 */

/* Looks a table up. `schema` NULL: by the search path. Exact, as the catalog has it. */
const nl_table *nl_catalog_find(const nl_catalog *catalog, const char *schema, const char *name);
/* Index of a column by its exact name, or -1. */
int nl_table_column(const nl_table *table, const char *name);

/* Adds a foreign key that the database does not declare: the n columns of `table` refer to those of
 * `referred`. Both are tables of this catalog; *fresh is false where that key is there already, and
 * nothing is added. NL_INVALID where a column does not exist or may not be read. Pointers to the
 * table's other keys are stale afterwards. */
bool nl_catalog_relate(nl_catalog *catalog, const nl_table *table, const char *const *columns,
                       const nl_table *referred, const char *const *referred_columns, size_t n,
                       bool *fresh, nl_err *err);

/* PostgreSQL's own functions (aggregates and window functions included) and operators by their bare
 * name. What others have put beside or over them: see trust.h. */
bool nl_catalog_function_known(const nl_catalog *catalog, const char *name);
bool nl_catalog_function_stable(const nl_catalog *catalog,
                                const char *name); /* known, no volatile overload among them */
bool nl_catalog_operator_known(const nl_catalog *catalog,
                               const char *name); /* the same of an operator */
/* Is there a function of the name that is not PostgreSQL's own, in whatever schema? */
bool nl_catalog_function_foreign(const nl_catalog *catalog, const char *name);
/* Types: is it a type of pg_catalog (no pseudo-type, no table's row), or in a schema that was read
 * an enum, or a domain that stands for either? `schema` NULL: pg_catalog, then the search path. */
bool nl_catalog_type_known(const nl_catalog *catalog, const char *schema, const char *name);

typedef enum { NL_RENDER_JSON, NL_RENDER_DDL, NL_RENDER_MARKDOWN } nl_render_format;

typedef struct {
    nl_render_format format;
    const nl_table *const *tables; /* NULL: all */
    size_t n_tables;
    size_t max_tokens; /* 0: no cap. Over it there go, one after the other: unique and check
                        * constraints, NOT NULL, row counts and domains' base types; comments;
                        * columns that are in no key; whole tables from the end, but for one */
} nl_render_options;

/* Names are written as SQL has to write them. Columns that we may not read are left out, and so are
 * foreign keys to tables that are not shown. Common values are never shown: they are data.
 * Appends the rendering to *out and, where something was cut, one plain sentence saying what to
 * *cut. `tokens` (may be NULL) gets the estimate of what was written. */
bool nl_catalog_render(const nl_catalog *catalog, const nl_render_options *options, nl_buf *out,
                       nl_buf *cut, size_t *tokens, nl_err *err);

/* A rough count of a byte-pair tokenizer's tokens: about 4 bytes of prose or 3 of code each.
 * Only for cutting prompts and forecasts; reservations of money count bytes instead. */
size_t nl_estimate_tokens(const char *text, size_t size);

/* The identifier as SQL has to write it: quoted where case, characters or a keyword need it. */
bool nl_quote_ident(nl_buf *out, const char *name);

#endif
