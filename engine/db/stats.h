/* stats.h: statistics of live columns, and which columns hold each other's values.
 *
 * Every table is read once, by binary COPY over a few connections with a thread each, all in one
 * snapshot. Values become 64-bit hashes (see data/sketch.h) that are equal where the values are
 * under SQL's `=`; they are put into buckets by their top bits, and each bucket is sorted and swept
 * over all columns at once, as in SPIDER (Bauckmann, Leser, Naumann: Efficiently computing
 * inclusion dependencies for schema discovery, ICDE workshops 2006) and BINDER (Papenbrock et al.:
 * Divide & conquer-based inclusion dependency discovery, PVLDB 8, 2015). What does not fit into the
 * memory cap goes to unlinked temporary files, so that none is left however the process ends. Where
 * the counts of all pairs do not fit either, the buckets are swept several times, for some of the
 * columns each.
 *
 * A table that is locked, gone, or may not be read is left out and told with the reason; so are
 * columns whose type has no equality that keys use. */
#ifndef NL_DB_STATS_H
#define NL_DB_STATS_H

#include "base/arena.h"
#include "db/catalog.h"
#include "io/pg.h"

typedef struct {
    unsigned connections;   /* 0: 2; at most 16 */
    size_t memory;          /* bytes; 0: 512 MiB. At least 16 MiB are taken */
    double exact_rows;      /* tables of more rows are read by a page sample; 0: 5,000,000 */
    double min_containment; /* overlaps below it are not told */
    size_t max_overlaps;    /* 0: 250,000; the least contained are left out above it */
    bool fair;              /* those that are not among the best of their child instead */
    uint32_t statement_ms;  /* statement_timeout for each table; 0: none */
    uint32_t lock_ms;       /* lock_timeout; 0: 1,000 */
    uint32_t seed;          /* of page samples */
    size_t sketch;          /* 0: exact; otherwise the k least hashes of each column are kept (KMV)
                             * and distinct values are counted by HyperLogLog */
    bool common;            /* the most common values too */
} nl_stats_options;

typedef struct {
    const char *value;
    size_t size;
    uint64_t count, missed; /* occurred between count and count + missed times */
    bool cut;               /* the value is longer than shown */
} nl_stats_common;

enum { NL_STATS_COMMON = 10 };

typedef struct {
    const char *table, *column; /* the table's reference; the column's name */
    const char *family;         /* columns of one family are compared */
    uint64_t rows, nulls, distinct;
    bool exact;            /* false: `distinct` is an estimate, or of a sample */
    double error;          /* relative standard error of the estimate; 0 where it is none */
    double sampled;        /* share of the pages read; 0: all */
    const char *min, *max; /* text, at most 256 bytes of it; NULL: none, or a type without order.
                            * Texts in the order of their bytes, as COLLATE "C" has it */
    double width;          /* mean bytes of a value as the server sends it; 0 where all are NULL */
    bool unique;           /* no value twice among those that are not NULL */
    bool increasing; /* in physical order no value is less than the one before it, and the last
                      * is greater than the first */
    const nl_stats_common *common;
    size_t n_common;
} nl_stats_column;

/* Columns by their index. Of sketches all figures are estimates. */
typedef struct {
    uint32_t child, parent;
    uint64_t common, orphans;    /* distinct values of the child that the parent has; has not */
    double containment, jaccard; /* common / distinct of the child; common / distinct of either */
    double error;                /* standard error of the containment; 0: exact */
    bool unique;                 /* the parent's values are: it could be a key */
} nl_stats_overlap;

typedef struct {
    const char *table, *column; /* column NULL: the whole table */
    const char *reason;
} nl_stats_skipped;

/* Of one wish for tuples. */
typedef struct {
    const char *reason; /* NULL: computed; otherwise why not */
    uint64_t rows;      /* of the child, those with a NULL in the tuple left out */
    uint64_t distinct, common, orphans;
    double containment;
    bool unique;    /* no tuple twice among the parent's */
    double sampled; /* the lesser share of the two tables; 0: all */
} nl_stats_inclusion;

typedef struct {
    nl_stats_column *columns;
    nl_stats_overlap *overlaps; /* by child, then parent */
    nl_stats_skipped *skipped;
    nl_stats_inclusion *tuples; /* as many as were asked for */
    size_t n_columns, n_overlaps, n_skipped, n_tuples;
    size_t left_out; /* overlaps above max_overlaps */
    double seconds;
    uint64_t rows, spilled; /* read; bytes written to temporary files */
    size_t passes;          /* ranges of columns whose pairs were counted by themselves; 1: all */
    const char *snapshot;
    nl_arena arena; /* holds all of it */
} nl_stats_result;

void nl_stats_result_free(nl_stats_result *result); /* NULL is fine */

/* On the loop. The result is the callee's to free; NULL with the error otherwise. */
typedef void (*nl_stats_done)(void *ctx, nl_stats_result *result, const nl_err *err);
typedef struct nl_stats nl_stats;

/* Columns of all these tables, and all their overlaps. Connects with the pool's settings, but by
 * itself. Everything that it needs is copied; neither pool nor catalog need to live on. */
nl_stats *nl_stats_start(nl_loop *loop, const nl_pg *pg, const nl_table *const *tables, size_t n,
                         const nl_stats_options *options, nl_stats_done done, void *ctx,
                         nl_err *err);

/* Do the tuples of `columns` occur among those of `referred`? As many on each side, by index. */
typedef struct {
    const nl_table *from, *to;
    const uint16_t *columns, *referred;
    size_t n;
} nl_stats_tuple;
nl_stats *nl_stats_start_tuples(nl_loop *loop, const nl_pg *pg, const nl_stats_tuple *tuples,
                                size_t n, const nl_stats_options *options, nl_stats_done done,
                                void *ctx, nl_err *err);

/* `done` will not be called. Queries under way are cancelled from other threads. */
void nl_stats_cancel(nl_stats *stats);

#endif
