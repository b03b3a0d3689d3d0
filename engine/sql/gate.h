/* gate.h: is this statement one that may be sent to the database?
 *
 * Answers on the parse tree and the catalog alone, by allow-lists: one SELECT (or VALUES, or set
 * operation of them), nothing below it that writes, locks, sleeps, runs text as SQL or reads
 * outside the tables, and nothing that this database has put behind its names that does: views,
 * domains, casts, overloads, row-level security are traced to the functions that they call. Tables
 * and columns that do not exist are for the facts to find. It is the first of several layers: the
 * transaction is READ ONLY and rolled back too. */
#ifndef NL_SQL_GATE_H
#define NL_SQL_GATE_H

#include "db/catalog.h"
#include "sql/parse.h"

typedef struct {
    /* Allowed besides, NULL at the end; may be NULL. "f" is f without a schema, as a call or as
     * x.f; "my_schema.f" is that very spelling. Fields of composite types that are no table's
     * column belong here too: PostgreSQL reads x.f as f(x). What calls these functions (a view, a
     * domain, a cast) is allowed with them: by "my_schema.f", or by "f" where the search path has
     * that schema. */
    const char *const *functions;
    bool system_catalogs; /* allow pg_* and information_schema relations */
    bool foreign_tables;  /* allow relations that reach outside the database */
    bool newer_grammar;   /* leave what only the server's newer grammar knows to the server */
} nl_sql_policy;

/* True where it may run. Otherwise err->code is NL_INVALID and err->msg a short reason that a
 * model can act upon: "writes: DELETE in a WITH query", "locks rows: FOR UPDATE",
 * "function pg_sleep is not allowed", "system catalog pg_authid". */
bool nl_sql_safe(const nl_sql *sql, const nl_catalog *catalog, const nl_sql_policy *policy,
                 nl_err *err);

/* For a text that nl_sql_parse finds no grammar in: what in it a server of that version
 * (nl_catalog_server_version_num) may know though this library does not: "JSON_TABLE". NULL:
 * nothing, or it is no text at all (too long, NUL bytes, bad UTF-8). Goes by words alone. */
const char *nl_sql_newer(const char *text, size_t size, int server_version_num);
/* May a text that only a newer server can read be left to it, going by its words? One statement
 * that begins like a query; no word that writes or locks, no function by name that is not allowed,
 * no field that may be one, no system catalog; views, types and the like as nl_sql_safe judges
 * them. What operators call, and casts that are not written, is not seen. Otherwise as nl_sql_safe.
 */
bool nl_sql_unread_safe(const char *text, size_t size, const nl_catalog *catalog,
                        const nl_sql_policy *policy, nl_err *err);
#define NL_NEWER_GRAMMAR "%s is newer grammar than PostgreSQL 15's, which is what can be checked"

#endif
