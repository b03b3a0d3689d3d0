/* pg.h: a pool of asynchronous PostgreSQL connections.
 *
 * Everything goes over the extended protocol, in pipelines, inside BEGIN READ ONLY … ROLLBACK
 * with transaction-local settings only, so it works through PgBouncer in transaction mode and
 * can write nothing. Connections open on demand, up to `sessions`; a request waits its turn
 * (first come, first served). A connection that showed anything odd is closed and replaced.
 * Names are resolved and cancels sent by the worker pool: nothing blocks the loop. While the server
 * has no room for another connection (53300), is starting (57P03), or cannot be reached though it
 * was before, the pool makes do with the connections that it has and tries again every half second;
 * with none at all what waits fails after connect_ms of that.
 * The password never appears in an error. */
#ifndef NL_IO_PG_H
#define NL_IO_PG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "io/loop.h"

typedef struct nl_pg nl_pg;

typedef struct {
    size_t sessions;     /* most connections at once; 0: 8 */
    uint32_t connect_ms; /* 0: 10,000 */
} nl_pg_options;

/* `url`: a libpq URI or conninfo string. Does not connect yet; a string that libpq cannot read
 * is NL_CONFIG. */
nl_pg *nl_pg_new(nl_loop *loop, const char *url, const nl_pg_options *options, nl_err *err);
/* Cancels what is under way (no callbacks come) and closes all connections. May be called from a
 * callback of the pool's. NULL is fine. */
void nl_pg_free(nl_pg *pg);
/* "postgresql://app@db.example:5432/shop": for messages; no password. Valid until nl_pg_free. */
const char *nl_pg_name(const nl_pg *pg);

/* What a connection is made with, as libpq takes it, NULL at the end of each list; the password is
 * among it. For those who connect by themselves, from a thread of their own. The pool's. */
void nl_pg_settings(const nl_pg *pg, const char *const **keywords, const char *const **values);

typedef struct {
    uint32_t statement_ms; /* statement_timeout; 0: 10,000 */
    uint32_t lock_ms;      /* lock_timeout; 0: 1,000 */
    uint32_t deadline_ms; /* client side, from start of running: cancel, then close; 0: statement_ms
                             + 5,000 */
    double max_cost;      /* refuse plans above it; 0: none */
    double max_plan_rows; /* refuse plans of which any step expects more; 0: none */
    size_t max_rows;      /* rows kept; 0: 1,000 for a probe, which fetches no more than it keeps
                           * and one; none for a query */
    size_t max_bytes;     /* of one reply's data, counted before libpq buffers it; 0: 16 MiB */
    size_t max_field;     /* longer values are cut at a character's edge; 0: none */
    /* Bounds on the server's own settings, for the transaction; they never raise one. 0: none. */
    size_t work_mem_kb;
    size_t temp_kb; /* temp_file_limit, where the role may set it (a superuser, or from version 15
                     * one who was granted that) */
} nl_pg_limits;

/* A result: cells are row-major, NULL for SQL NULL, text format. Empty where the operation failed.
 */
typedef struct {
    size_t columns, rows;
    const char **names; /* columns */
    uint32_t *types;    /* type oids */
    uint32_t *tables; /* oids of the relations (views too) whose columns they are; 0: expressions */
    int *numbers;     /* of those columns (attnum); 0: expressions */
    const char **cells; /* rows * columns */
    uint32_t *sizes;    /* bytes of each cell */
    bool more;          /* there were more rows than max_rows */
    size_t bytes;       /* of data */
    size_t room;        /* cells allocated */
    nl_arena arena;     /* holds names, types and the cells' bytes */
} nl_pg_rows;

typedef enum {
    NL_PG_CONNECT, /* never reached the server, or lost it */
    NL_PG_EXPLAIN, /* EXPLAIN failed: the server's grammar or planner refuses the query */
    NL_PG_COST,    /* the plan is above max_cost or max_plan_rows */
    NL_PG_EXECUTE, /* DECLARE or FETCH failed */
    NL_PG_DONE
} nl_pg_stage;

typedef struct {
    nl_pg_stage stage; /* how far it came; NL_PG_DONE where all went well */
    nl_err err;        /* NL_OK when done. NL_DB with sqlstate; NL_TIMEOUT (57014 or the client's
                        * deadline); NL_LIMIT (cost, bytes); NL_NET: lost or refused, not the
                        * query's fault. A connection that the server refused for good (password,
                        * no such database) is NL_DB at NL_PG_CONNECT, with its sqlstate */
    char detail[512], hint[512]; /* the server's, or "" */
    unsigned position;      /* 1-based character in the query that the error points at; 0: none */
    nl_buf plan;            /* EXPLAIN's JSON; empty for nl_pg_query */
    double cost, plan_rows; /* of the plan's top node */
    double most_rows;       /* the largest number of rows that any node expects */
    double explain_ms, execute_ms;
    nl_pg_rows rows;
} nl_pg_reply;

/* `reply` is the callee's: release it with nl_pg_reply_release when done with it. */
typedef void (*nl_pg_done)(void *ctx, nl_pg_reply *reply);
void nl_pg_reply_release(nl_pg_reply *reply);

typedef struct nl_pg_op nl_pg_op;

/* Runs one fixed statement with text parameters (NULL: SQL NULL), one round trip. Where the
 * connection is lost before the server has begun, another takes over without a report, three times
 * at most. */
nl_pg_op *nl_pg_query(nl_pg *pg, const char *sql, const char *const *params, size_t n_params,
                      const nl_pg_limits *limits, nl_pg_done done, void *ctx, nl_err *err);

/* One row of nl_pg_stream's: `cells` hold the n columns' values as NUL-terminated text, NULL where
 * SQL has it, borrowed until it returns. False with *err ends the query, which fails with that. */
typedef bool (*nl_pg_row)(void *ctx, const char *const *cells, const uint32_t *sizes, size_t n,
                          nl_err *err);
/* The same for results of any length: each row is given to `row` as it comes, and the reply keeps
 * none. max_bytes bounds one row; max_rows and max_field do not apply. */
nl_pg_op *nl_pg_stream(nl_pg *pg, const char *sql, const char *const *params, size_t n_params,
                       const nl_pg_limits *limits, nl_pg_row row, nl_pg_done done, void *ctx,
                       nl_err *err);

/* Tries a query that a model wrote, in two round trips: BEGIN READ ONLY; set_config(…, true);
 * EXPLAIN (FORMAT JSON) DECLARE … CURSOR FOR <sql>. Then, unless the plan is too dear, DECLARE,
 * FETCH max_rows + 1, each behind the settings once more (planning runs immutable functions, which
 * may have changed them), and ROLLBACK behind a sync of its own, with which locks that would
 * outlive it are released. No parallel workers. `execute` false: stops after the plan. The text
 * goes in verbatim behind "FOR ", so the caller strips its final semicolon. */
nl_pg_op *nl_pg_probe(nl_pg *pg, const char *sql, bool execute, const nl_pg_limits *limits,
                      nl_pg_done done, void *ctx, nl_err *err);

/* The callback will not come. A query that runs is cancelled at the server; its connection serves
 * nobody until the server has answered, and is closed then. Frees the op. */
void nl_pg_cancel(nl_pg_op *op);

typedef struct {
    size_t open, busy, waiting;
    uint64_t connects, queries, probes, retired;
} nl_pg_stats;
void nl_pg_get_stats(const nl_pg *pg, nl_pg_stats *stats);

#endif
