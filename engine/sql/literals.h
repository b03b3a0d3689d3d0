/* literals.h: the constants of a query, what each is compared with, and the query with others in
 * their places.
 *
 * For queries that were written with stand-ins and are executed with the real values behind them.
 */
#ifndef NL_SQL_LITERALS_H
#define NL_SQL_LITERALS_H

#include "base/buf.h"
#include "db/catalog.h"
#include "sql/parse.h"

typedef enum { NL_LITERAL_STRING, NL_LITERAL_NUMBER } nl_literal_kind;

typedef struct {
    nl_literal_kind kind;
    const char *text; /* "it's", "-5.3": without quotes, escapes undone */
    size_t size;
    size_t location; /* byte offset in the text that was parsed */
    /* The operator or function beside it, lower case: "=", "<", "in", "any", "all", "between",
     * "like", "ilike", "similar", "~", "case", "starts_with", …; NULL: it stands alone, as in a
     * target list. */
    const char *op;
    const char
        *folded; /* "lower", "upper", …: the other side goes through this function; or NULL */
    /* The base table's column on the other side, or in the same call; NULL: none, or not known. */
    const nl_table *table;
    const nl_column *column;
} nl_literal;

typedef struct {
    nl_literal *list; /* in the order of the text */
    size_t n;
} nl_literals;

/* Strings and numbers of the statement; not those inside a type's name, nor bit strings. `catalog`
 * NULL: columns are not looked up. NULL with NL_NOMEM, or NL_INVALID where it is no SELECT. Free
 * with nl_literals_free; the statement must outlive it. */
nl_literals *nl_literals_of(const nl_sql *sql, const nl_catalog *catalog, nl_err *err);
void nl_literals_free(nl_literals *literals);

/* Appends the statement's text (as nl_sql_text) with values[i] (NULL: as it is) in the place of the
 * i-th literal, written so that no server reads it in another way. What comes of it is parsed
 * again, and must have the same literals but for those: else false with NL_INVALID, and *out as it
 * was. A number's value must be a number. False with NL_NOMEM, or NL_LIMIT where it becomes longer
 * than a query may be. */
bool nl_literals_replace(const nl_sql *sql, const nl_literals *literals, const char *const *values,
                         nl_buf *out, nl_err *err);

#endif
