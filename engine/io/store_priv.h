/* store_priv.h: what the files of the store share. Only for engine/io/store*.c.
 *
 * Two threads. The loop's thread submits and reads (through `reader`); the writer's thread owns
 * `writer`, the runs' dataset files and the list of runs. What passes between them lies in the
 * queue, under `mutex`. A submission is one allocation, executed in order, and given back to the
 * loop where somebody waits for it. Money is decided on the loop's thread in the order of
 * submission, so that every prefix of the queue, hence every state a crash can leave, keeps the
 * budget. */
#ifndef NL_IO_STORE_PRIV_H
#define NL_IO_STORE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "data/jsonl.h"
#include "io/store.h"

struct sqlite3;
struct sqlite3_stmt;

enum nl_store_op_kind { OP_CALL, OP_TURN, OP_RESERVE, OP_SETTLE, OP_NOTE, OP_FLUSH, OP_SYNC };

/* The head of every submission. */
struct nl_store_op {
    struct nl_store_op *next;
    enum nl_store_op_kind kind;
    bool failed; /* with the store's error */
    size_t size; /* bytes, this head included */
    nl_store_run *run;
    nl_store_done done; /* NULL: nobody waits */
    void *ctx;
};

struct nl_store_call_op {
    struct nl_store_op op;
    nl_store_call call; /* its texts lie behind this struct */
    int64_t ledger_id;  /* 0: costs nothing and settles nothing */
};

struct nl_store_turn_op {
    struct nl_store_op op;
    nl_store_turn turn; /* its arrays, then their texts, lie behind this struct */
};

struct nl_store_note_op {
    struct nl_store_op op;
    const char *config, *changed, *outcome; /* behind this struct; NULL: as it is */
};

struct nl_store_settle_op {
    struct nl_store_op op;
    int64_t id, cost;
};

/* A reservation on its way; NL_BUDGET and the like are reported from `answers`. */
struct nl_store_wait {
    struct nl_store_op op;
    nl_store *store;
    nl_store_reserved done;
    void *ctx;
    int64_t amount, id;
    enum { WAIT_QUEUED, WAIT_SUBMITTED, WAIT_ANSWERED } state;
    nl_code code;   /* of the answer, */
    uint64_t turn;  /* and after which turn it was given */
    bool cancelled; /* while submitted */
    struct nl_store_wait *before, *after;
};

struct nl_store_waits {
    struct nl_store_wait *first, *last;
};

struct nl_store_money {
    int64_t limit; /* < 0: none */
    int64_t spent, reserved;
    int64_t next_id;
    struct nl_store_outstanding {
        int64_t id, amount;
    } * outstanding; /* by id, ascending */
    size_t n_outstanding, n_queued, room;
    struct nl_store_waits queue, answers;
    nl_task answer;
    uint64_t turn;
};

enum {
    W_BEGIN,
    W_COMMIT,
    W_ROLLBACK,
    W_TEXT,
    W_TEXT_FIND,
    W_CALL,
    W_ITEM,
    W_ENTRY,
    W_REJECTION,
    W_LEDGER,
    W_SETTLE,
    W_RETRIED,
    W_CONFIG,
    W_CHANGED,
    W_ENDED,
    W_COUNT
};
enum { R_ITEM, R_CALL, R_SEEN, R_REJECTED, R_COUNT };

struct nl_store {
    nl_loop *loop;
    char *path;
    int lock;      /* -1: not held */
    char *scratch; /* the folder that goes with it; NULL: it is one to be kept */

    struct sqlite3 *writer, *reader;
    struct sqlite3_stmt *write[W_COUNT], *read[R_COUNT];
    nl_store_run *runs; /* the writer's */
    int64_t wall_ms;    /* the writer's: Unix time of its transaction, */
    bool whole;         /* which is to be committed as a whole, and is not to be yet */

    pthread_t thread;
    bool running;
    pthread_mutex_t mutex;
    pthread_cond_t work, synced;
    struct nl_store_op *first, *last; /* submitted */
    struct nl_store_op *writing;      /* taken by the writer */
    struct nl_store_op *done_first, *done_last;
    size_t queued; /* bytes */
    bool urgent;   /* somebody waits for something that is queued */
    bool closing;

    atomic_size_t backlog;
    atomic_bool failed;
    nl_err error; /* written once, before `failed` */
    nl_task report;

    struct nl_store_money money;
};

struct nl_store_run {
    nl_store *store;
    nl_store_run *next;
    int64_t id, opening;
    nl_buf before;      /* nl_store_run_before */
    nl_dedup *answered; /* the loop's: keys of calls that can be recalled */
    nl_buf state;       /* the loop's: of the last nl_store_item_get */
    nl_jsonl dataset;   /* the writer's */
    nl_buf lines;       /* the writer's: of the open transaction */
};

/* --- store_queue.c ------------------------------------------------------------------------- */

/* Owns `op` from here on. */
void nl_store_submit(nl_store *store, struct nl_store_op *op);
/* False with the sticky error where the store has failed. */
bool nl_store_usable(const nl_store *store, nl_err *err);
/* Starts the writer's thread. */
bool nl_store_start(nl_store *store, nl_err *err);
/* On the loop: calls those who waited for what is durable now, or has failed. */
void nl_store_report(void *store);
/* Runs fn on the writer's thread, after all that was submitted, and waits for it. */
typedef bool (*nl_store_sync_fn)(nl_store *store, void *ctx, nl_err *err);
bool nl_store_sync(nl_store *store, nl_store_sync_fn fn, void *ctx, nl_err *err);

/* --- store_db.c ---------------------------------------------------------------------------- */

/* "nlsq": tells our files from other programs' (PRAGMA application_id). */
#define NL_STORE_APPLICATION 0x6e6c7371
#define NL_STORE_SCHEMA 3
/* The first recorded answer is the answer, whatever came later. */
#define NL_STORE_REPLY_SQL                                                                         \
    "SELECT reply FROM call WHERE run = ?1 AND key = ?2 AND sample = ?3"                           \
    " AND reply IS NOT NULL ORDER BY id LIMIT 1"

/* Opens both connections, checks what kind of file it is, makes the tables of a new one. */
bool nl_store_connect(nl_store *store, nl_err *err);
void nl_store_disconnect(nl_store *store);
/* What SQLite just said, as a sentence that names the file. Returns false. `db` is NULL where there
 * was no memory to open it. */
bool nl_store_db_err(const nl_store *store, struct sqlite3 *db, nl_err *err);
/* One step: *row says whether it gives a row. False with *err where it failed. */
bool nl_store_row(const nl_store *store, struct sqlite3_stmt *stmt, bool *row, nl_err *err);
/* Runs a statement that gives no row (any more), and resets it; false with *err where it failed. */
bool nl_store_step(const nl_store *store, struct sqlite3_stmt *stmt, nl_err *err);
/* Prepares one for a single use. */
struct sqlite3_stmt *nl_store_prepare(const nl_store *store, struct sqlite3 *db, const char *sql,
                                      nl_err *err);
/* The whole number that a query of one value gives. */
bool nl_store_number(const nl_store *store, struct sqlite3 *db, const char *sql, int64_t *value,
                     nl_err *err);
/* Runs statements that need no looking at. */
bool nl_store_script(const nl_store *store, struct sqlite3 *db, const char *sql, nl_err *err);
/* Keys lie in the database as 16 bytes, the digits of nl_key_hex. `bytes` must last until the
 * statement has run. */
typedef unsigned char nl_store_key[16];
void nl_store_bind_key(struct sqlite3_stmt *stmt, int at, nl_key key, nl_store_key bytes);
/* {0, 0} for what is no key. */
nl_key nl_store_column_key(struct sqlite3_stmt *stmt, int column);

/* --- store_put.c --------------------------------------------------------------------------- */

/* Executes one submission in the writer's open transaction. */
bool nl_store_execute(nl_store *store, struct nl_store_op *op, nl_err *err);

/* --- store_dataset.c (the writer's thread) ------------------------------------------------ */

/* Adds `line`, which ends in a NUL behind its `size` bytes, and a newline. */
bool nl_store_add_line(nl_buf *lines, const char *line, size_t size);
/* Appends what the transaction added to the datasets, or drops it. */
bool nl_store_append_lines(nl_store *store, nl_err *err);
void nl_store_drop_lines(nl_store *store);

/* store_secret.c: its table, made before statements are prepared: one that has to be prepared anew
 * in the middle of a transaction may lose it for want of memory, and then run without. */
bool nl_store_secret_table(const nl_store *store, nl_err *err);
/* One secret and when it was made, by a query with one number. */
#define NL_STORE_SECRET_SQL "SELECT secret, made FROM secret WHERE run = ?1"
bool nl_store_secret_look(const nl_store *store, struct sqlite3 *db, const char *sql, int64_t a,
                          unsigned char *secret, int64_t *made, bool *found, nl_err *err);
/* The secret of run `run`, found or made; on the writer's thread. */
bool nl_store_secret(nl_store *store, int64_t run, bool fresh, int64_t age_ms,
                     unsigned char *secret, nl_err *err);

/* How much of a dataset file is what the store would have written. */
struct nl_store_match {
    uint64_t bytes; /* of whole lines that agree */
    int64_t last;   /* the last entry among them; 0: none */
    uint64_t rest;  /* bytes behind them, */
    bool torn;      /* which are half a line (or none at all) */
};
/* A file that is not there agrees with nothing, and has no rest. */
bool nl_store_compare(nl_store *store, int64_t run, const char *path, struct nl_store_match *match,
                      nl_err *err);
/* Appends the entries after `last` to the open dataset of `run`. */
bool nl_store_complete(nl_store *store, nl_store_run *run, int64_t last, nl_err *err);
/* Opens the dataset of `run` so that it holds exactly the lines of its entries. */
bool nl_store_align(nl_store *store, nl_store_run *run, const char *path, nl_store_run_info *info,
                    nl_err *err);
/* The first free name "dataset.N.jsonl" beside `path`. */
bool nl_store_free_name(const char *path, char *name, size_t room, nl_err *err);

/* --- store_run.c, store_read.c ------------------------------------------------------------ */

void nl_store_run_free(nl_store_run *run);
/* A copy of a reply, malloced, with a NUL behind it. */
bool nl_store_keep(const char *text, size_t size, char **reply, size_t *reply_size, nl_err *err);
/* The set of recallable calls holds this in place of (key, sample). */
nl_key nl_store_call_key(nl_key key, uint32_t sample);

/* --- store_money.c ------------------------------------------------------------------------- */

/* Charges what a crash left reserved, and reads the totals. Before the writer starts. */
bool nl_store_money_open(nl_store *store, nl_err *err);
void nl_store_money_close(nl_store *store);
/* Is `reservation` outstanding? NL_INVALID where it is not. */
bool nl_store_money_check(const nl_store *store, int64_t reservation, nl_err *err);
/* Takes an outstanding reservation off the books and charges `cost` (< 0: all of it). Returns
 * what was charged. Submit its record next, then call nl_store_money_pump. */
int64_t nl_store_money_settle(nl_store *store, int64_t reservation, int64_t cost);
/* Charges what was not reserved; returns the ledger's number for it. *cost is capped where it is
 * absurd. */
int64_t nl_store_money_charge(nl_store *store, int64_t *cost);
/* Lets those go ahead that now fit. Call it after the submission that made room. */
void nl_store_money_pump(nl_store *store);
/* The store has failed: so does everyone who waits. */
void nl_store_money_fail(nl_store *store);

/* --- store_scratch.c ------------------------------------------------------------------------ */

#define NL_SCRATCH "nlsql-scratch-" /* how the folder of a scratch store begins */
void nl_store_remove_scratch(const char *folder);
/* Removes those below `base` whose process is gone. */
void nl_store_sweep_scratch(const char *base);

#endif
