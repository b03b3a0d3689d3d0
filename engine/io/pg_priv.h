/* pg_priv.h: the parts of pg.h behind its face: connections (pg_conn.c), the pool (pg_pool.c), and
 * what runs on a connection (pg_op.c). Only for engine/io/pg*.c. */
#ifndef NL_IO_PG_PRIV_H
#define NL_IO_PG_PRIV_H

#include <libpq-fe.h>

#include "io/pg.h"

typedef enum { PG_RESOLVING, PG_CONNECTING, PG_IDLE, PG_BUSY } pg_state;

typedef struct pg_conn {
    nl_pg *pg;
    PGconn *pq;
    nl_watch *watch;
    nl_timer *timer; /* while connecting: its limit; while busy: the operation's deadline */
    pg_state state;
    nl_pg_op *op;   /* while busy */
    bool reused;    /* has served before */
    bool cancelled; /* a cancel was sent for the operation under way */
    struct resolve *resolve;
    struct pg_conn *next, *previous;
} pg_conn;

typedef enum { OP_QUERY, OP_PROBE } op_kind;

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
    nl_pg_done done;
    void *ctx;
    unsigned step;   /* which statement of the pipeline the next result belongs to */
    int trip;        /* 1: up to the plan; 2: execution; 3: rollback only */
    bool retried;    /* was put on a fresh connection once */
    size_t received; /* bytes since it began */
    double sent_at;
    nl_pg_reply reply;
    nl_task deliver; /* for failures found outside a callback of the loop */
};

struct nl_pg {
    nl_loop *loop;
    char **keywords, **values; /* as libpq wants them; no hostaddr but the user's own */
    char *name;
    size_t sessions, allowed; /* allowed: lowered while the server has no room for more */
    uint32_t connect_ms;
    pg_conn *conns;
    size_t n_conns;
    nl_pg_op *first, *last; /* waiting */
    nl_timer *again;        /* a connection is tried again when it fires */
    unsigned failures;      /* connections in a row that could not be made */
    bool freed;
    nl_pg_stats stats;
};

/* pg_pool.c */
void pg_pump(nl_pg *pg);
/* Puts an operation back at the head of the line. */
void pg_requeue(nl_pg_op *op);
/* A connection could not be made: `err` says why; `full`: the server has no room now. */
void pg_connect_failed(nl_pg *pg, const nl_err *err, bool full);

/* pg_conn.c */
pg_conn *pg_conn_open(nl_pg *pg, nl_err *err);
/* Closes and frees it; its operation must have been taken off. */
void pg_conn_close(pg_conn *conn);
/* Asks the server to cancel what runs, from the worker pool. */
void pg_conn_cancel(pg_conn *conn);
/* Sends what is buffered and watches for what must come next. False: the connection is lost. */
bool pg_conn_flush(pg_conn *conn);
/* What libpq or the server says, on one line, without its preamble. */
void pg_say(const PGconn *pq, char *text, size_t room);

/* pg_op.c */
void pg_op_start(nl_pg_op *op, pg_conn *conn);
/* Something arrived on a busy connection. */
void pg_op_readable(nl_pg_op *op);
/* The deadline passed. */
void pg_op_expired(nl_pg_op *op);
/* Ends an operation without a connection's help. */
void pg_op_fail(nl_pg_op *op, const nl_err *err);
void pg_op_free(nl_pg_op *op);
double pg_now_ms(void);

#endif
