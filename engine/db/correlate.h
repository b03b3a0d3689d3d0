/* correlate.h: which columns of a table have to do with each other, from its live rows.
 *
 * One query streams the columns that can be compared; a seeded reservoir keeps some of the rows;
 * the worker pool does the arithmetic of data/correlate_table.h. A table that is estimated to have
 * more than `full_rows` rows is not read whole: a page sample (TABLESAMPLE SYSTEM … REPEATABLE) of
 * three times as many rows as are kept goes into the reservoir. Pages hold rows that were written
 * together, so what is found there is less certain than the number of rows says. Views cannot be
 * sampled and are read whole.
 *
 * Numbers are integers, numeric, floating point and money; dates and timestamps as seconds since
 * 1970, times and intervals as seconds. Categories are text, enums, booleans, uuids and network
 * addresses. Texts of more than 200 bytes (nobody's category), and all other types, are left out.
 */
#ifndef NL_DB_CORRELATE_H
#define NL_DB_CORRELATE_H

#include "data/correlate_table.h"
#include "db/catalog.h"
#include "io/pg.h"

enum { NL_CORRELATE_WIDTH = 200 }; /* bytes of a text, at most */

typedef struct {
    size_t rows;                /* kept */
    double full_rows;           /* see above */
    uint64_t seed;              /* of the page sample and of the reservoir */
    size_t max_columns;         /* the rest is left out; the work grows with their square */
    const char *const *columns; /* NULL at the end; only these; NULL: all */
    nl_correlate_limits limits;
    nl_pg_limits query; /* timeouts */
} nl_correlate_options;

typedef struct {
    const char *name;
    const char *reason; /* why it is left out, or is in dependencies alone; NULL: it is not */
    size_t index;       /* in `found`; SIZE_MAX: it was not read */
} nl_correlate_name;

typedef struct {
    nl_correlate_name *names; /* of the table's columns, or those of the options; in their order */
    size_t n_names;
    const char **read;     /* names of found.columns */
    nl_correlations found; /* see data/correlate_table.h */
    size_t rows;           /* that were measured */
    double total;   /* rows of the table: counted, or estimated where a page sample was taken */
    nl_arena arena; /* holds the names and reasons */
} nl_correlate_result;
void nl_correlate_result_release(nl_correlate_result *result);

typedef struct nl_correlation nl_correlation;

/* The result is the callee's; NULL with the error: NL_DB, NL_NET, NL_TIMEOUT as from pg.h, NL_LIMIT
 * where memory is capped, NL_NOMEM. */
typedef void (*nl_correlate_done)(void *ctx, nl_correlate_result *result, const nl_err *err);

/* Copies what it needs of table and options. NL_NOTFOUND where options.columns names one that the
 * table does not have. */
nl_correlation *nl_correlate_start(nl_loop *loop, nl_pg *pg, const nl_table *table,
                                   const nl_correlate_options *options, nl_correlate_done done,
                                   void *ctx, nl_err *err);
/* `done` will not be called. Arithmetic that is under way ends soon and frees itself. */
void nl_correlate_cancel(nl_correlation *correlation);

#endif
