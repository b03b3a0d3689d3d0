/* stats_priv.h: the parts of stats.h behind its face. Only for engine/db/stats*.c.
 *
 * stats.c: starting, the coordinating thread, cancelling; stats_plan.c: what is read, and what the
 * server says of it; stats_conn.c: blocking connections; stats_read.c: a worker
 * reading tables; stats_rows.c: their rows;
 * stats_value.c: values of each type; stats_text.c: values as text; stats_store.c: buckets of
 * hashes; stats_sort.c: sorting one; stats_sweep.c: the sweep over all columns; stats_pairs.c: how
 * many values pairs of columns share; stats_passes.c: the same where that does not fit;
 * stats_overlaps.c: which of them are told; stats_result.c: all that is told. */
#ifndef NL_DB_STATS_PRIV_H
#define NL_DB_STATS_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include <libpq-fe.h>

#include "data/sketch.h"
#include "db/stats.h"

enum { KEPT_BYTES = 256, MAX_CONNECTIONS = 16, STATS_LONG_VALUE = 256 * 1024 };

/* --- values ----------------------------------------------------------------------------------- */

typedef enum {
    KIND_NONE, /* a type that is not read */
    KIND_INT2,
    KIND_INT4,
    KIND_INT8,
    KIND_OID,
    KIND_MONEY,
    KIND_FLOAT4,
    KIND_FLOAT8,
    KIND_NUMERIC,
    KIND_BOOL,
    KIND_TEXT,
    KIND_BPCHAR,
    KIND_ENUM,
    KIND_DATE,
    KIND_TIMESTAMP,
    KIND_TIMESTAMPTZ,
    KIND_TIME,
    KIND_TIMETZ,
    KIND_INTERVAL,
    KIND_UUID,
    KIND_OTHER /* equal where their bytes are */
} stats_kind;

typedef enum { ORDER_NONE, ORDER_INTEGER, ORDER_DOUBLE, ORDER_BYTES, ORDER_NUMERIC } stats_order;

typedef struct {
    uint64_t hash;
    int64_t integer; /* ORDER_INTEGER; the bits of a double; the first bytes of ORDER_BYTES */
    double real;     /* ORDER_DOUBLE; of ORDER_NUMERIC the nearest one, or NaN */
    const uint8_t *bytes;
    uint32_t size;
} stats_value;

stats_order stats_order_of(stats_kind kind);
/* Reads a value as the server sends it in binary. False where it cannot be one of that kind. */
bool stats_value_read(stats_kind kind, uint64_t seed, const uint8_t *bytes, uint32_t size,
                      stats_value *value);

/* A value that outlives its row; of long ones the beginning. */
typedef struct {
    bool set;
    uint32_t size; /* of the whole value */
    int64_t integer;
    double real;
    uint8_t bytes[KEPT_BYTES];
} stats_kept;

void stats_keep(stats_kept *kept, stats_order order, const stats_value *value);
int stats_compare(stats_order order, const stats_kept *kept, const stats_value *value);
int stats_compare_kept(stats_order order, const stats_kept *a, const stats_kept *b);
/* Appends the value as PostgreSQL writes it, valid UTF-8; false where that kind has no text. */
bool stats_text(nl_buf *out, stats_kind kind, int64_t integer, const uint8_t *bytes, size_t size);

/* --- what is read ------------------------------------------------------------------------------
 */

/* What a stretch of a table says of one column. */
typedef struct {
    uint64_t rows, nulls, bytes;
    stats_kept min, max, first, last;
    bool falls, rises;
    nl_common common; /* room 0: not counted */
} stats_summary;

typedef struct {
    const char *name;
    const char *family; /* NULL: not read */
    stats_kind kind;
    uint64_t seed;      /* of its family's hashes */
    bool huge;          /* there may be values too long to be sent whole */
    bool folded;        /* citext: compared in lower case */
    const char *reason; /* why it is not read */
    uint32_t key;       /* of a scan of columns: its own */
    stats_summary total;
    nl_stats_common *top; /* the most common values, once the table is read */
    size_t n_top;
    stats_summary *parts; /* of each stretch, where there are several */
} stats_column;

/* What is hashed together: one column, or a tuple of them. */
typedef struct {
    uint32_t table;
    uint16_t n;
    const uint16_t *columns; /* indexes into the table's columns */
    const char *family;
    uint64_t rows; /* not NULL */
    nl_hll *hll;   /* of sketches */
    nl_kmv kmv;
} stats_key;

typedef struct {
    const char *schema, *name, *reference;
    char kind;
    stats_column *columns;
    size_t n_columns;
    const uint32_t *keys; /* indexes into the plan's */
    size_t n_keys;
    double pages, rows; /* estimates */
    bool single;        /* one heap: no partitions, no children */
    bool plain;         /* COPY may name the table itself */
    bool huge;          /* it has values out of line, or may have */
    double sample;      /* per cent of the pages; 0: all */
    unsigned n_parts, parts_left;
    uint64_t rows_read;
    const char *reason; /* why it is not in the result */
} stats_table;

/* A table, or a stretch of its pages. */
typedef struct {
    uint32_t table;
    unsigned part;
    uint32_t from, to; /* pages; to 0: up to the end */
    double pages;
} stats_task;

/* --- hashes in buckets --------------------------------------------------------------------------
 */

/* A word is a hash without the top bits that its bucket has, and in the room of those its key. So
 * there must be at least as many buckets as keys, and nothing of the hash is lost. */
typedef struct stats_chunk stats_chunk;
typedef struct stats_slab stats_slab;

typedef struct {
    uint64_t offset;
    size_t words;
} stats_segment;

typedef struct {
    unsigned bits; /* 2^bits buckets */
    uint64_t (*lines)[8];
    uint8_t *fill; /* words in each line */
    stats_chunk **chunks;
    size_t *counts; /* words in each bucket's chunks */
    stats_slab *slabs;
    size_t room, used; /* bytes of chunks: at most; now */
    int file;          /* -1: none */
    uint64_t file_size;
    stats_segment *segments; /* rounds * buckets */
    size_t rounds;
    stats_chunk *free_chunks;
} stats_store;

size_t stats_store_least(unsigned bits); /* it takes so much: a chunk for each bucket */
bool stats_store_init(stats_store *store, unsigned bits, size_t room, nl_err *err);
void stats_store_release(stats_store *store);
bool stats_store_flush(stats_store *store, size_t bucket, nl_err *err); /* a full line */
static inline bool stats_store_add(stats_store *store, uint64_t hash, uint32_t key, nl_err *err) {
    size_t bucket = (size_t)(hash >> (64 - store->bits));
    uint8_t n = store->fill[bucket];
    store->lines[bucket][n] = hash << store->bits | key;
    store->fill[bucket] = (uint8_t)(n + 1);
    return n < 7 || stats_store_flush(store, bucket, err);
}
/* What this thread has put into its store is there for others, once they know of it. */
void stats_store_settle(void);
size_t stats_store_count(const stats_store *store, size_t bucket);
size_t stats_store_held(const stats_store *store); /* bytes of memory */
typedef struct {
    uint64_t *words;
    size_t n, room;
} stats_words;

/* Appends the words of a bucket whose next bits (behind the bucket's) are `part` of 2^part_bits. */
bool stats_store_fetch(const stats_store *store, size_t bucket, unsigned part_bits, size_t part,
                       stats_words *words, nl_err *err);

/* Sorts by all bits but the lowest `ignored`; `scratch` has as much room. Returns where the sorted
 * words are: either array. */
uint64_t *stats_sort(uint64_t *words, uint64_t *scratch, size_t n, unsigned ignored);

/* --- pairs of keys ------------------------------------------------------------------------------
 */

/* Which pairs are counted, and where: of each place those with the places from `first` up to it. */
typedef struct {
    uint32_t n;
    uint32_t *first;  /* of each place; never falls */
    uint64_t *offset; /* of each place: pairs of the places before it; n + 1 of them */
} stats_layout;

/* From each place's `first`. */
void stats_layout_close(stats_layout *layout);

typedef struct stats_pairs stats_pairs;
/* Counts the pairs whose greater place is one of [from, to). `room`: bytes for all of it, if those
 * hold a count for every pair; if not, for the pairs that share anything, as long as those fit.
 * `large`: counts may reach 2^32. */
stats_pairs *stats_pairs_new(const stats_layout *layout, uint32_t from, uint32_t to, size_t room,
                             bool large);
void stats_pairs_free(stats_pairs *pairs);
size_t stats_pairs_fit(size_t room, bool large);  /* so many pairs fit, whatever they share */
bool stats_pairs_dense(const stats_pairs *pairs); /* surely never full */
/* There were more pairs than fit: nothing is counted any more, and all counts are forgotten. */
bool stats_pairs_full(const stats_pairs *pairs);
/* One value that these places (ascending, two at least) share. False: out of memory. */
bool stats_pairs_add(stats_pairs *pairs, const uint32_t *places, size_t n, nl_err *err);
/* Counts what is not counted yet. */
bool stats_pairs_finish(stats_pairs *pairs, nl_err *err);
/* Adds the counts of a finished one of the same places. It may be full then. */
bool stats_pairs_merge(stats_pairs *into, const stats_pairs *other, nl_err *err);
typedef bool (*stats_pair_fn)(void *ctx, uint32_t a, uint32_t b, uint64_t common); /* a < b */
bool stats_pairs_each(const stats_pairs *pairs, stats_pair_fn fn, void *ctx);

/* --- the scan -----------------------------------------------------------------------------------
 */

typedef struct {
    nl_stats *stats;
    pthread_t thread;
    PGconn *conn;
    PGcancel *cancel; /* under the lock: while it may be used */
    int socket;       /* the same; -1: none */
    bool started;
    stats_store store;
    uint64_t *distinct; /* of each key */
    uint64_t *seen;     /* of the columns that are read */
    size_t seen_room;
    stats_pairs *pairs; /* NULL: there are too many */
    uint8_t *shared;    /* of each key: has another one of its values? NULL: nobody asks */
} stats_worker;

struct nl_stats {
    nl_loop *loop;
    nl_stats_done done;
    void *ctx; /* of the caller; not used any more once cancelled */
    nl_stats_options options;
    char **keywords, **values; /* for connecting */
    char *name;                /* of the database, for messages */
    nl_arena arena;            /* of the plan */
    stats_table *tables;
    size_t n_tables;
    stats_key *keys;
    size_t n_keys;
    bool tuples;                /* keys are pairs of tuples, in order */
    const char **tuple_reasons; /* n_keys / 2 */
    stats_task *tasks;
    size_t n_tasks;
    char snapshot[64];
    int server_version;
    unsigned bits;
    size_t store_room, sweep_room, pairs_room;
    stats_layout layout; /* of the keys */
    atomic_bool full;    /* the pairs do not fit: they are counted in passes */
    stats_worker workers[MAX_CONNECTIONS];
    unsigned n_workers;

    atomic_bool cancelled; /* the caller is gone */
    atomic_bool failed;    /* all stop */
    pthread_mutex_t lock;  /* over what follows, and the totals of tables, columns and keys */
    pthread_cond_t changed;
    size_t next_task;
    unsigned reading; /* workers that still read */
    unsigned running; /* that still run */
    size_t next_bucket;
    nl_err err; /* the first failure */
    nl_stats_result *result;
};

static inline bool stats_stopping(nl_stats *stats) {
    return atomic_load_explicit(&stats->cancelled, memory_order_relaxed) ||
           atomic_load_explicit(&stats->failed, memory_order_relaxed);
}
/* The first failure is the scan's; all stop. Always false. */
bool stats_fail(nl_stats *stats, const nl_err *err);
/* Text for the plan's or the result's life; from any thread that holds the lock, or while there are
 * no others. NULL: out of memory. */
const char *stats_say(nl_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* stats_conn.c */
bool stats_connect(nl_stats *stats, stats_worker *worker, nl_err *err);
void stats_disconnect(nl_stats *stats, stats_worker *worker);
/* Runs fixed text with text parameters. NULL where it fails; then *err has the server's words. The
 * result is cleared by the caller. */
PGresult *stats_query(nl_stats *stats, PGconn *conn, const char *sql, const char *const *params,
                      int n, nl_err *err);
bool stats_run(nl_stats *stats, PGconn *conn, const char *sql, nl_err *err);
/* A failure's text and code. `result` may be NULL. */
void stats_pg_error(PGconn *conn, const PGresult *result, nl_err *err);
/* BEGIN … READ ONLY, this scan's snapshot where there is one, and its limits. */
bool stats_begin(nl_stats *stats, PGconn *conn, nl_err *err);

/* stats_plan.c */
bool stats_plan_columns(nl_stats *stats, const nl_table *const *tables, size_t n, nl_err *err);
bool stats_plan_tuples(nl_stats *stats, const nl_stats_tuple *tuples, size_t n, nl_err *err);
/* stats_server.c: asks the server about the tables, in the coordinator's transaction. */
bool stats_plan_server(nl_stats *stats, PGconn *conn, nl_err *err);
/* Bytes for what is known of the columns, while they are read and told. */
size_t stats_columns_held(const nl_stats *stats);
/* Sets tasks, samples, buckets, rooms, and which pairs are counted. */
bool stats_plan_tasks(nl_stats *stats, nl_err *err);

/* stats_read.c: reads table after table. */
bool stats_read_all(stats_worker *worker, nl_err *err);
/* stats_copy.c: the statement that reads a stretch. */
bool stats_copy_text(const nl_stats *stats, const stats_task *task, nl_buf *sql);
/* stats_summary.c */
void stats_summary_add_slow(stats_summary *summary, stats_order order, const stats_value *value);

/* Integers, and what is surely between the least and the greatest, without a call. */
static inline void stats_summary_add(stats_summary *summary, stats_order order,
                                     const stats_value *value) {
    if (!summary->first.set || (order != ORDER_INTEGER && !summary->falls)) {
        stats_summary_add_slow(summary, order, value);
        return;
    }
    if (order == ORDER_INTEGER) {
        summary->bytes += value->size;
        summary->falls |= value->integer < summary->last.integer;
        summary->rises |= value->integer > summary->last.integer;
        summary->last.integer = value->integer;
        if (value->integer < summary->min.integer)
            summary->min.integer = value->integer;
        if (value->integer > summary->max.integer)
            summary->max.integer = value->integer;
        return;
    }
    bool between = order == ORDER_BYTES
                       ? (uint64_t)value->integer > (uint64_t)summary->min.integer &&
                             (uint64_t)value->integer < (uint64_t)summary->max.integer
                       : value->real > summary->min.real && value->real < summary->max.real;
    if (between)
        summary->bytes += value->size;
    else
        stats_summary_add_slow(summary, order, value);
}
bool stats_summary_merge(nl_stats *stats, stats_table *table, unsigned part, stats_summary *parts,
                         nl_err *err);

/* stats_sweep.c: a worker takes buckets as long as there are any. */
bool stats_sweep(stats_worker *worker, nl_err *err);
/* Counts pairs over all buckets; place_of: of each key, UINT32_MAX: none. Ends early once it is
 * full. */
bool stats_sweep_pairs(nl_stats *stats, stats_pairs *pairs, const uint32_t *place_of, nl_err *err);
bool stats_has_large(const nl_stats *stats); /* so many words that a pair may share 2^32 values */

/* stats_passes.c: calls fn for all pairs of keys of one family that share a value, one at a time,
 * in any order, having swept the buckets as often as the memory wants it: once for each of `*n`
 * ranges at least. `index_of` each key: UINT32_MAX: it is left out. */
bool stats_passes(nl_stats *stats, const uint32_t *index_of, stats_pair_fn fn, void *ctx, size_t *n,
                  nl_err *err);

/* stats_overlaps.c: the best of them, as many as are told. */
typedef struct stats_overlaps stats_overlaps;
/* Of columns: their distinct values, and what is unique. */
stats_overlaps *stats_overlaps_new(const nl_stats_column *columns, size_t n, size_t most,
                                   double min_containment, bool fair);
size_t stats_overlaps_held(const nl_stats_options *options); /* bytes, where there are many */
void stats_overlaps_free(stats_overlaps *overlaps);
/* The two hold each other's values, or some; it is quicker where b stays the same for a while. */
bool stats_overlaps_add(stats_overlaps *overlaps, uint32_t a, uint32_t b, uint64_t common);
/* One holds the other's, whatever the share is. */
bool stats_overlaps_take(stats_overlaps *overlaps, uint32_t child, uint32_t parent,
                         uint64_t common);
/* By child, then parent, of the caller's then; how many were left out. NULL: out of memory. */
nl_stats_overlap *stats_overlaps_told(stats_overlaps *overlaps, size_t *n, size_t *left_out);

/* stats_result.c */
nl_stats_result *stats_result_make(nl_stats *stats, double seconds, nl_err *err);

#endif
