/* trust.h: what a harmless query could set off in this database, for the SQL gate: functions that
 * are not PostgreSQL's own and where they hide. The catalog query reads it with all the rest.
 *
 * "Own" functions are the database's: made after initdb, but for extensions' functions that say
 * that they are not volatile. Functions are written "schema.name". Types that matter are known by
 * their oids as text: lists of them end with NULL, and a list that is NULL is empty. All of it
 * belongs to the catalog. */
#ifndef NL_DB_TRUST_H
#define NL_DB_TRUST_H

#include "db/catalog.h"

/* An own overload of a built-in function or operator that the search path reaches, or a cast. */
typedef struct {
    char kind;        /* f function, o operator, c cast */
    const char *name; /* of a cast the target type's */
    const char *calls;
    const char *const *needs;   /* without values of all these types nobody reaches it */
    const char *const *domains; /* over a cast's target */
    bool implicit;              /* a cast that happens without being asked for */
} nl_lever;

/* A type that matters: values of it reach a lever, or making one calls functions. */
typedef struct {
    unsigned oid;
    const char *schema, *name;
    bool visible;              /* found by its bare name */
    const char *const *holds;  /* types inside that matter, itself included */
    const char *const *calls;  /* own functions that its own checks or input call */
    const char *const *checks; /* its own checks: "SELECT …" of VALUE */
} nl_loaded;

/* A relation that is more than rows: a view, a foreign table, one with row-level security, one
 * whose indexes or constraints call own functions. */
typedef struct {
    const char *schema, *name;
    char kind; /* as pg_class.relkind */
    bool visible;
    bool foreign;           /* it, or a table that inherits from it */
    bool secured;           /* row-level security is on */
    bool unknown;           /* a lock was in the way of reading the rest */
    const char *definition; /* of a view */
    const char *const *calls, *const *holds;
    const char *const *policies, *const *policy_calls;
    const char *const *folded; /* what the planner may call while it plans: "SELECT …" */
} nl_special;

/* The first of the levers of that kind and name, which follow each other; *n gets how many. */
const nl_lever *nl_catalog_levers(const nl_catalog *catalog, char kind, const char *name,
                                  size_t *n);
/* All casts. */
const nl_lever *nl_catalog_casts(const nl_catalog *catalog, size_t *n);
/* Is there a type that calls functions and has no checks: one whose input and output are own? */
bool nl_catalog_loaded_inputs(const nl_catalog *catalog);
/* By name; `schema` NULL: the one that the bare name finds. */
const nl_loaded *nl_catalog_loaded(const nl_catalog *catalog, const char *schema, const char *name);
/* By oid, as text. */
const nl_loaded *nl_catalog_loaded_type(const nl_catalog *catalog, const char *oid);
const nl_special *nl_catalog_special(const nl_catalog *catalog, const char *schema,
                                     const char *name);
/* Is the schema on the search path? */
bool nl_catalog_on_path(const nl_catalog *catalog, const char *schema, size_t size);

#endif
