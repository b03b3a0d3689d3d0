/* gate_names.h: which of PostgreSQL's own functions, types and statements a query may not name.
 * Only for engine/sql. */
#ifndef NL_SQL_GATE_NAMES_H
#define NL_SQL_GATE_NAMES_H

#include <stdbool.h>

/* A function of pg_catalog that is not volatile and still not for us: it runs text as SQL, or
 * tells about the server, the session or the system catalogs instead of the data. */
bool nl_gate_function_denied(const char *name);
/* Volatile, and harmless all the same: random(), clock_timestamp(), … */
bool nl_gate_function_harmless(const char *name);
/* Tells who is asking, which policies of row-level security are for. */
bool nl_gate_function_informs(const char *name);
/* Makes values of the type of another argument, which runs a domain's checks. */
bool nl_gate_function_coerces(const char *name, int server_version_num);
/* The form that a function's name is in the server's grammar, though not in the library's:
 * "JSON_VALUE"; NULL: none. */
const char *nl_sql_newer_function(const char *name, int server_version_num);
/* Fields of rows that PostgreSQL's functions return and nothing declares: lexeme, positions. */
bool nl_gate_field_own(const char *name);
/* Casts to it look the system catalogs up: regclass, aclitem. */
bool nl_gate_type_denied(const char *name);
/* "pg_toast", "pg_temp_3", "pg_catalog", "information_schema". */
bool nl_gate_schema_is_system(const char *name);
/* "INSERT" for InsertStmt; the struct's name where nobody knows a better one. */
const char *nl_gate_statement_name(const char *type);
bool nl_gate_statement_writes(const char *type);

#endif
