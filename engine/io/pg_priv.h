/* pg_priv.h: the parts of pg.h behind its face. Only for engine/io/pg*.c.
 *
 * pg_pool.c: settings, the line of waiting operations, how many connections there are;
 * pg_conn.c: a connection's life; pg_resolve.c: names to addresses, in the worker pool;
 * pg_op.c: an operation's life; pg_trip.c: the statements that it sends and what their results
 * mean; pg_reply.c: results, plans and errors put into the reply. */
#ifndef NL_IO_PG_PRIV_H
#define NL_IO_PG_PRIV_H

#include <libpq-fe.h>

#include "io/pg.h"

enum {
    PG_DEFAULT_STATEMENT_MS = 10000,
    PG_DEFAULT_LOCK_MS = 1000,
    PG_DEFAULT_ROWS = 1000,
    PG_DEFAULT_BYTES = 16 << 20
};

typedef enum {
    PG_RESOLVING,
    PG_CONNECTING,
    PG_IDLE,
    PG_BUSY,
    PG_DYING /* its operation was called off; the server has not answered yet */
} pg_state;

/* A cancel that arrives between two statements of a pipeline is forgotten by the server, so it is
 * sent again until there is an answer. */
enum { PG_CANCEL_EVERY_MS = 250, PG_CANCELS = 8 };

typedef struct pg_conn {
    nl_pg *pg;
    PGconn *pq;
    nl_watch *watch;
    int watched;     /* the events that it watches for */
    nl_timer *timer; /* while connecting: its limit; while busy: the operation's deadline */
    pg_state state;
    nl_pg_op *op;        /* while busy */
    unsigned cancels;    /* sent for the operation under way */
    size_t drained;      /* bytes read while dying */
    unsigned nothings;   /* ends of results seen while dying */
    bool swollen;        /* libpq's buffer has grown by a large row, and never shrinks */
    bool odd;            /* the operation under way did what none should: it serves no other */
    bool no_transaction; /* ROLLBACK found none to end */
    struct pg_resolve *resolve;
    struct pg_conn *next, *previous;
} pg_conn;

/* What the first operation of a pool learns of the server, and of the role there. */
typedef struct {
    bool known;
    bool can_check;     /* the server can watch whether its client is still there */
    bool may_set_temp;  /* temp_file_limit */
    size_t work_mem_kb; /* the session's own */
    long long temp_kb;  /* likewise; -1: no limit */
} pg_server;

typedef enum { OP_QUERY, OP_PROBE } op_kind;

/* What a statement of a pipeline is for. */
typedef enum {
    STEP_BEGIN,
    STEP_SETTINGS,
    STEP_EXPLAIN,
    STEP_STATEMENT_MS, /* once more, one by one */
    STEP_LOCK_MS,
    STEP_MEMORY,
    STEP_DECLARE,
    STEP_FETCH,
    STEP_QUERY,
    STEP_ROLLBACK,
    STEP_UNLOCK,
    STEP_SYNC,
    STEP_END
} pg_step;

struct nl_pg_op {
    nl_pg *pg;
    pg_conn *conn; /* while running */
    nl_pg_op *next, *previous;
    op_kind kind;
    char *sql;
    char **params;
    size_t n_params;
    nl_pg_limits limits;
    bool execute;
    nl_pg_row row; /* takes each row; NULL: the reply keeps them */
    bool refused;  /* it wants no more */
    nl_pg_done done;
    void *ctx;
    const pg_step *step; /* what the next result belongs to; the rest of the trip follows it */
    unsigned retries;    /* how often it was put on a fresh connection */
    bool answered;       /* the server has begun with it */
    bool failed;         /* is on the pool's list of those that wait to be told so */
    size_t pending;      /* bytes read since the last whole row or result */
    double sent_at;
    nl_pg_reply reply;
    nl_task task; /* for what is found outside a callback of the loop */
};

struct nl_pg {
    nl_loop *loop;
    char **keywords, **values; /* as libpq wants them */
    char *name;
    size_t sessions, allowed; /* allowed: lowered while the server has no room for more */
    uint32_t connect_ms;
    pg_conn *conns;
    size_t n_conns;
    nl_pg_op *first, *last; /* waiting */
    nl_pg_op *failed;       /* to be told so on the next turn */
    nl_timer *again;        /* a connection is tried again when it fires */
    uint64_t trouble_since; /* loop's time; 0: the server takes connections */
    pg_server server;
    bool freed;
    nl_pg_stats stats;
};

/* pg_pool.c */
/* Starts what can be started, and opens connections for the rest. Calls nobody back. */
void pg_pump(nl_pg *pg);
/* Puts an operation back at the head of the line. */
void pg_requeue(nl_pg_op *op);
/* A connection could not be made: `err` says why; `passing`: that is worth another try. */
void pg_connect_failed(nl_pg *pg, const nl_err *err, bool passing);
/* A setting of the URL, or of the environment in its place; NULL where there is none. */
const char *pg_setting(const nl_pg *pg, const char *keyword);

/* pg_resolve.c */
/* Do host names stand between us and connecting? */
bool pg_needs_resolving(const nl_pg *pg);
/* Looks them up in the worker pool, then calls pg_conn_resolved unless conn->resolve was
 * forgotten with pg_resolve_forget meanwhile. */
bool pg_resolve_start(pg_conn *conn, nl_err *err);
void pg_resolve_forget(struct pg_resolve *resolve); /* NULL is fine */

/* pg_conn.c */
pg_conn *pg_conn_open(nl_pg *pg, nl_err *err);
/* The lists that libpq takes in place of the URL's own; NULL with *err where a name is unknown. */
void pg_conn_resolved(pg_conn *conn, const char *hosts, const char *addresses, const char *ports,
                      const nl_err *err);
/* Closes and frees it; its operation must have been taken off. */
void pg_conn_close(pg_conn *conn);
/* Asks the server to cancel what runs, from the worker pool. */
void pg_conn_cancel(pg_conn *conn);
/* Cancels what runs and closes the connection once the server, or a pooler, has answered: one that
 * is closed at once may overtake its cancel. Its operation must have been taken off. */
void pg_conn_abandon(pg_conn *conn);
/* Sends what is buffered and watches for what must come next. False: the connection is lost. */
bool pg_conn_flush(pg_conn *conn);
/* What libpq or the server says, on one line, without its preamble; its sqlstate in `state`
 * (6 bytes) where there is one, otherwise "". */
void pg_say(const PGconn *pq, char *text, size_t room, char *state);

/* pg_op.c */
void pg_op_start(nl_pg_op *op, pg_conn *conn);
/* Something arrived on a busy connection. */
void pg_op_readable(nl_pg_op *op);
/* The connection broke. */
void pg_op_lost(nl_pg_op *op);
/* Ends an operation that runs on no connection, from the loop. */
void pg_op_fail(nl_pg_op *op, const nl_err *err);
void pg_op_free(nl_pg_op *op);
/* The operation is over; `fit`: its connection is good for another. */
void pg_op_finish(nl_pg_op *op, bool fit);
double pg_now_ms(void);

/* pg_recv.c */
/* PQconsumeInput that reads a bounded amount, told in *taken. False: the connection is lost. */
bool pg_consume(PGconn *pq, size_t *taken);

/* pg_trip.c */
uint32_t pg_statement_ms(const nl_pg_op *op);
/* Queues the first pipeline. False: out of memory, or the connection is lost. */
bool pg_trip_first(nl_pg_op *op);
/* Takes one result of libpq's, NULL for the end of a statement's. True where the operation is over
 * (and gone). */
bool pg_trip_result(nl_pg_op *op, PGresult *result);
/* The stage that a failure belongs to now, and the characters that stand before the user's text in
 * the statement under way. */
nl_pg_stage pg_trip_stage(const nl_pg_op *op);
unsigned pg_trip_prefix(const nl_pg_op *op);

/* pg_reply.c */
/* Sets the reply's error, unless there is one already. */
void pg_reply_fail(nl_pg_op *op, nl_pg_stage stage, nl_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void pg_reply_error(nl_pg_op *op, const PGresult *result);
void pg_reply_plan(nl_pg_op *op, const PGresult *result);
/* Appends the rows of `result`, up to the cap. */
void pg_reply_rows(nl_pg_op *op, const PGresult *result);
/* Forgets all of it, for another try. */
void pg_reply_reset(nl_pg_reply *reply);

#endif
