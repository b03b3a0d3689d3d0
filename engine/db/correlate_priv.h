/* correlate_priv.h: what is asked of the server. Only for engine/db/correlate*.c. */
#ifndef NL_DB_CORRELATE_PRIV_H
#define NL_DB_CORRELATE_PRIV_H

#include "db/correlate.h"

typedef struct {
    char *reference; /* of the table */
    nl_buf list;     /* what SELECT names */
    size_t n;        /* columns in it */
    nl_measure *measures;
    bool *narrow; /* of each: long values are not kept */
} correlate_query;

/* Chooses the columns, and names each in the result with a reason where it is left out. Release the
 * query in any case. */
bool correlate_query_build(correlate_query *query, nl_correlate_result *result,
                           const nl_table *table, const nl_correlate_options *options, nl_err *err);
void correlate_query_release(correlate_query *query);

/* Gives reasons for the columns that the arithmetic left out. False: out of memory. */
bool correlate_explain(nl_correlate_result *result, const nl_correlate_options *options,
                       const nl_row_sample *sample);

#endif
