/* stats_rows.h: rows of a binary COPY into summaries and hashes. Only for engine/db/stats*.c. */
#ifndef NL_DB_STATS_ROWS_H
#define NL_DB_STATS_ROWS_H

#include "db/stats_priv.h"

/* Hashes that were met lately, each in the one place where it may stand: what is there again needs
 * not be stored again. Most values of most columns are repeated ones. Where too few are met again
 * among STATS_SEEN_ROUND, more are remembered, and where that does not help, none. */
enum { STATS_SEEN = 256, STATS_SEEN_MORE = 2048, STATS_SEEN_ROUND = 4096 };

/* One column of the rows that are read. */
typedef struct {
    const stats_column *column;
    stats_order order;
    stats_summary *summary;
    uint64_t *seen;
    uint64_t seen_mask;   /* 0: none is remembered */
    unsigned looked, met; /* in this round */
    bool null;
    uint64_t hash; /* of this row's value */
} stats_field;

typedef struct {
    stats_worker *worker;
    nl_stats *stats;
    stats_table *table;
    stats_field *fields;
    size_t n_fields;
    uint16_t *field_of; /* each column's */
    stats_summary *summaries;
    uint64_t *key_rows;
    uint64_t rows;
    nl_kmv *kmvs; /* of sketches: of each key of the table */
    nl_hll *hlls;
} stats_reader;

/* Of a place for hashes: nothing was met. mask: their number - 1. */
void stats_forget(uint64_t *seen, uint64_t mask);
/* Takes one message of a COPY; *first is true for the first one, and false afterwards. */
bool stats_read_message(stats_reader *r, const char *at, size_t size, bool *first, nl_err *err);

#endif
