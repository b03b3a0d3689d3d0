/* parse.h: SQL text to PostgreSQL's own parse tree (libpg_query, grammar of PostgreSQL 15).
 *
 * The tree is the library's JSON, read into nodes of data/json.h: node types are the names of
 * PostgreSQL's structs ("SelectStmt", "RangeVar", "ColumnRef", "A_Const", …). */
#ifndef NL_SQL_PARSE_H
#define NL_SQL_PARSE_H

#include "base/err.h"
#include "data/json.h"

enum { NL_SQL_MAX_BYTES = 16384 }; /* the library's stack overflows on 100,000 chained operators */

typedef struct nl_sql nl_sql;

/* Parses exactly one statement. A final semicolon and white space are dropped from the text kept
 * (never one inside a literal or comment). NULL with NL_LIMIT (too long, nested too deep) or
 * NL_INVALID (syntax error with its place, no statement, several statements, NUL byte, bad UTF-8).
 * Free with nl_sql_free. */
nl_sql *nl_sql_parse(const char *text, size_t size, nl_err *err);
/* The same for what the server itself wrote (views), which may be longer. */
nl_sql *nl_sql_parse_definition(const char *text, size_t size, nl_err *err);
void nl_sql_free(nl_sql *sql); /* NULL is fine */

/* The text as given, less the final semicolon and the white space around it. */
const char *nl_sql_text(const nl_sql *sql);
/* The statement's node: an object with one member named after its struct. */
const nl_json_node *nl_sql_statement(const nl_sql *sql);

#endif
