/* catalog_priv.h: how a catalog is made: catalog_load.c asks the server what catalog_query.c says,
 * catalog_build.c (tables, columns; those that catalog_choice.c lets in), catalog_values.c (labels,
 * statistics), catalog_keys.c (keys, names) and catalog_trust.c turn the rows into structs,
 * catalog_relate.c adds keys by hand, catalog_find.c looks things up, catalog_render*.c write it
 * down.
 *
 * The server answers with one table of text, each row of a kind of its own, so that everything is
 * of one snapshot. The same rows written by hand make a catalog without a server:
 *
 *     static const char *rows[][CATALOG_CELLS] = {
 *         { "S", "15.6", "150006", "[\"public\"]", "[\"public\"]", "[\"public\"]" },
 *         { "T", "1", "public", "orders", "r", NULL, "100", "vr" },
 *         { "C", "1", "1", "id", "integer", NULL, "N", NULL, NULL, "ns" },
 *         { "K", "1", "orders_pkey", "p", "{1}" },
 *         { "F", "lower", "true", "true" },
 *     };
 *     catalog = nl_catalog_from_cells(&rows[0][0], sizeof rows / sizeof *rows, &err);
 */
#ifndef NL_DB_CATALOG_PRIV_H
#define NL_DB_CATALOG_PRIV_H

#include "base/arena.h"
#include "db/catalog.h"
#include "db/catalog_choice.h"
#include "db/trust.h"

/* The kinds of rows, and what their cells hold behind the letter. Cells that are not named are
 * NULL. Lists of names are JSON arrays, lists of columns are attribute numbers: "{1,3}" or "1 3".
 */
typedef enum {
    ROW_SERVER,    /* S version, its number, search path, schemas with tables, schemas read,
                    *   schemas asked for (NULL: those of the search path) */
    ROW_TABLE,     /* T oid, schema, name, kind, comment, rows, flags: v visible, r readable */
    ROW_COLUMN,    /* C oid of the table, number, name, type, base type of a domain, category,
                    *   comment, default, flags: n not null, i identity, g generated,
                    *   s selectable; oid of its enum */
    ROW_MASK,      /* M oid of the table, number of the column, its security label */
    ROW_LABELS,    /* L oid of the enum, labels */
    ROW_STATS,     /* A oid of the table, column, fraction of NULLs, distinct, common values,
                    *   flags: h with what inherits from the table */
    ROW_ELSEWHERE, /* X oid of a table that is only referred to, its schema, name, a column's
                    *   number, the column's name */
    ROW_KEY,       /* K oid of the table, name, kind: p primary, u unique, c check, f foreign;
                    *   columns, number of columns that count (NULL: all); of a foreign key: oid
                    *   of the referred table, columns there; of a check: the expression */
    ROW_FUNCTION,  /* F name, PostgreSQL's own?, none of these volatile? */
    ROW_OPERATOR,  /* O the same */
    ROW_TYPE,      /* Y schema, name */
                   /* what db/trust.h is about: lists of names are JSON arrays of "schema.name" */
    ROW_LEVER,     /* U kind: f function, o operator, c cast; name (of a cast the target's), the
                    *   function called, oids of types that it needs (NULL: none), flags: i implicit;
                    *   of a cast: domains over the target */
    ROW_LOADED,    /* D oid of a type, schema, name, flags: v visible; oids of types in it that
                    *   matter, functions that making a value calls, checks as SELECT … */
    ROW_HELD,      /* H oid of the table, column, oids of types in it that matter */
    ROW_SPECIAL,   /* R schema, name, its kind and flags: + visible, > foreign, # row security,
                    *   ? details unknown; view's definition, functions it calls, types in it that
                    *   matter, policies as SELECT …, functions they call, what the planner folds */
    ROW_KINDS
} row_kind;

enum { CATALOG_CELLS = 11 };

/* A function or operator name: is it in pg_catalog, and may it be trusted wherever it is? */
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
    const char **schemas, **path, **others, **denied; /* NULL at the end */
    const char *version;
    int version_num;
    name_facts *functions, *operators; /* sorted by name */
    size_t n_functions, n_operators;
    type_name *types; /* sorted by (name, schema) */
    size_t n_types;
    nl_lever *levers; /* sorted by (kind, name) */
    size_t n_levers;
    nl_loaded *loaded; /* sorted by oid */
    size_t n_loaded;
    bool loaded_inputs;
    nl_special *specials; /* sorted by (name, schema) */
    size_t n_specials;
};

/* Rows may come in any order. NULL with NL_NOTFOUND where a schema that was asked for does not
 * exist, NL_CONFIG where a pattern of `choice` (NULL: every table) matches nothing, NL_INVALID
 * where the rows are not what a server would answer. */
nl_catalog *nl_catalog_from_rows(const nl_pg_rows *rows, catalog_choice *choice, nl_err *err);
/* The same, all of it, from cells written by hand: n rows of CATALOG_CELLS cells each. */
nl_catalog *nl_catalog_from_cells(const char *const *cells, size_t n, nl_err *err);

/* Appends the query that answers with such rows. */
bool nl_catalog_query(nl_buf *query);
/* What catalog_trust_query.c adds to it: further common table expressions, further parts. */
bool nl_catalog_trust_common(nl_buf *query);
bool nl_catalog_trust_parts(nl_buf *query);

/* Cells that a part of the query leaves out at its end. */
#define NL_NONE_3 ", NULL, NULL, NULL"
#define NL_NONE_4 NL_NONE_3 ", NULL"
#define NL_NONE_5 NL_NONE_4 ", NULL"
#define NL_NONE_7 NL_NONE_4 NL_NONE_3
#define NL_NONE_8 NL_NONE_4 NL_NONE_4

/* --- between the files that build --------------------------------------------- */

/* A table by its oid. */
typedef struct {
    uint32_t oid;
    nl_table *table;
    int *numbers; /* attribute numbers of its columns, ascending */
    size_t n_numbers;
} table_place;

typedef struct {
    nl_catalog *catalog;
    nl_arena scratch; /* gone when the catalog is built */
    const nl_pg_rows *rows;
    catalog_choice *choice;       /* NULL: every table */
    size_t *order;                /* rows, kind after kind */
    size_t first[ROW_KINDS + 1];  /* where in `order` each kind begins */
    table_place *places, *others; /* by oid: tables that are in, tables only referred to */
    size_t n_places, n_others;
    const char *types[64]; /* names of types seen last: most columns share a few */
    nl_err *err;
} catalog_builder;

/* The i-th row of a kind. */
size_t nl_catalog_row(const catalog_builder *b, row_kind kind, size_t i);
size_t nl_catalog_count(const catalog_builder *b, row_kind kind);
/* A cell behind the letter, the first being 1. NULL: SQL NULL, or there are no such cells. */
const char *nl_catalog_cell(const catalog_builder *b, size_t row, size_t cell);
/* The same, "" for NULL. */
const char *nl_catalog_text(const catalog_builder *b, size_t row, size_t cell);
bool nl_catalog_flag(const catalog_builder *b, size_t row, size_t cell, char flag);
uint32_t nl_catalog_oid(const catalog_builder *b, size_t row, size_t cell);
/* A copy that the catalog owns; NULL for NULL and where memory ran out. */
const char *nl_catalog_keep(catalog_builder *b, const char *text);
/* Zeroed memory that the catalog owns; room for n + 1. */
void *nl_catalog_take(catalog_builder *b, size_t n, size_t size);
table_place *nl_catalog_place(table_place *places, size_t n, uint32_t oid);
int nl_catalog_by_oid(const void *a, const void *b);

/* A JSON array of strings as a list that ends with NULL; an empty one for NULL. NULL with the
 * builder's error set on failure. */
const char **nl_catalog_names(catalog_builder *b, const char *json);

bool nl_catalog_build_masks(catalog_builder *b);
bool nl_catalog_build_labels(catalog_builder *b);
bool nl_catalog_build_stats(catalog_builder *b);
bool nl_catalog_build_keys(catalog_builder *b);
bool nl_catalog_build_names(catalog_builder *b);
bool nl_catalog_build_trust(catalog_builder *b);

#endif
