/* gate.h: is this statement one that may be sent to the database?
 *
 * Answers on the parse tree alone, by allow-lists: one SELECT (or VALUES, or set operation of
 * them), nothing below it that writes, locks, sleeps, runs text as SQL or reads outside the
 * tables. It is the first of several layers: the transaction is READ ONLY and rolled back too. */
#ifndef NL_SQL_GATE_H
#define NL_SQL_GATE_H

#include "db/catalog.h"
#include "sql/parse.h"

typedef struct {
    /* Allowed besides, NULL at the end; may be NULL. "f" is f without a schema, as a call or as
     * x.f; "my_schema.f" is that very spelling. Fields of composite types that are no table's
     * column belong here too: PostgreSQL reads x.f as f(x). */
    const char *const *functions;
    bool system_catalogs; /* allow pg_* and information_schema relations */
} nl_sql_policy;

/* True where it may run. Otherwise err->code is NL_INVALID and err->msg a short reason that a
 * model can act upon: "writes: DELETE in a WITH query", "locks rows: FOR UPDATE",
 * "function pg_sleep is not allowed", "system catalog pg_authid". */
bool nl_sql_safe(const nl_sql *sql, const nl_catalog *catalog, const nl_sql_policy *policy,
                 nl_err *err);

#endif
