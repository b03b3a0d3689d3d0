/* store.h: the run store, one SQLite database (WAL) for an output root.
 *
 * It holds the truth of its runs: items and their conversations, requests and replies, accepted
 * entries, rejected candidates, and the money. One thread of its own does all the writing: what
 * is submitted while it commits shares the next transaction, so a durable write costs a share of
 * one fsync, and the loop never waits for a disk. Submissions are copied, executed in order, and
 * reported on the loop once durable. After a failed write (a full disk) every later submission
 * fails with the same error: what was reported durable stays, nothing else is claimed.
 *
 * The dataset file is the projection of the entries in commit order, appended by the same thread
 * right after each commit.
 *
 * Money is int64 nano-dollars (1e-9 USD), so that a price of 0.10 $ a million tokens is exact. */
#ifndef NL_IO_STORE_H
#define NL_IO_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "data/dedup.h"
#include "data/keyed.h"
#include "io/loop.h"

typedef struct nl_store nl_store;
typedef struct nl_store_run nl_store_run;

/* Opens or creates `path` (folders too), takes the lock (NL_BUSY names the process that holds
 * it), checks the schema's version, and charges in full what a crash left reserved. Blocking. */
nl_store *nl_store_open(nl_loop *loop, const char *path, nl_err *err);
/* A store below TMPDIR (/tmp) that goes with its closing, for a run that keeps nothing but its
 * dataset, which is made anew each time. Nothing of it is ever synced to the disk. What killed
 * processes have left of such goes too, once it is a minute old. Blocking. */
nl_store *nl_store_open_scratch(nl_loop *loop, nl_err *err);
/* Waits until all that was submitted is durable, then closes, runs included. No callbacks come
 * any more. NULL is fine; not from a callback of this store. */
void nl_store_close(nl_store *store);
/* NULL while all is well; else the first write error (sticky). */
const nl_err *nl_store_failed(const nl_store *store);
/* Bytes of memory that hold what is submitted and not yet durable. Nothing bounds it but its
 * producers: one that outruns the disk waits (nl_store_flush) while this is too much for it. */
size_t nl_store_backlog(const nl_store *store);

/* --- a run: one phase (and --run-version) of this root ------------------------------------ */

typedef struct {
    const char *phase, *version; /* version "" where none was given */
    const char *fingerprint;     /* of phase file, prompts, options, model: free text */
    const char *source;  /* in words, what the entries are of ("the demo database and a model");
                          * one line; NULL: not told. Entries of two sources never mix */
    const char *dataset; /* path of the JSONL file; NULL: the run keeps calls, and writes no file */
    bool fresh;          /* archive what was there and start over */
    int64_t age_ms;      /* since when this program runs: see `secret` below */
} nl_store_run_options;

typedef struct {
    bool resumed;   /* there was something to go on with */
    bool changed;   /* … made under another fingerprint */
    bool rewritten; /* the dataset file did not match and was made again */
    char kept[512]; /* … what was there before is here; "" where it was not needed */
    uint64_t torn;  /* bytes of a torn tail that were cut */
    uint64_t items_done, entries, calls;
    unsigned char secret[NL_SECRET_BYTES]; /* of the run's stand-ins, as old as the run; the open
                                            * runs of a store share one, but for those that began
                                            * with `fresh`, which share one made within
                                            * `age_ms` */
} nl_store_run_info;

/* Finds the open run of phase and version, or starts one; brings the dataset file in line (a
 * lagging one is completed, a torn tail cut, a file that is no prefix of the entries is moved
 * aside and rewritten). A tail is torn where it is half a line: a whole JSON value without its
 * newline is somebody's edit. A run of another source is left alone (NL_CONFIG, naming both ways
 * on). With `fresh` the run is marked archived, its calls included, and its dataset moved to
 * "dataset.N.jsonl", in the folder that it was written to. NL_BUSY where the run or the file is
 * open already. Blocking: call it before the work starts. `info` may be NULL. */
nl_store_run *nl_store_run_open(nl_store *store, const nl_store_run_options *options,
                                nl_store_run_info *info, nl_err *err);
/* Waits until what was submitted is durable; callbacks for it may still come. NULL is fine. */
void nl_store_run_close(nl_store_run *run);

/* What nl_store_run_note last put down of what was there before; "" where there was nothing.
 * Borrowed until the run is closed. */
const char *nl_store_run_before(const nl_store_run *run);
/* Puts down, with what is submitted next, what the run is made with (`config`, free text, in the
 * place of what stood there), and in words what `changed` of it. NULL leaves either as it is. */
bool nl_store_run_note(nl_store_run *run, const char *config, const char *changed, nl_err *err);
/* How this opening of the run ended ("done", "budget", …). One that is never told was cut off. */
bool nl_store_run_end(nl_store_run *run, const char *outcome, nl_err *err);

/* --- reading, blocking and short (an indexed look-up); for the start of a run or an item ---- */

typedef struct {
    bool found, done;
    uint32_t turns, accepted; /* of the conversation, as committed */
    const char *state;        /* the text of the last commit's `state`, NUL-terminated; borrowed
                               * until the next reading call on this run */
} nl_store_item;
bool nl_store_item_get(nl_store_run *run, const char *key, nl_store_item *item, nl_err *err);

/* The recorded reply to request `key`, sample number `sample` of it; the first where there are
 * several, and also one that is not durable yet. A miss costs no I/O: the keys are in memory.
 * *reply is malloced for the caller, NULL where none was found. */
bool nl_store_call_get(nl_store_run *run, nl_key key, uint32_t sample, bool *found, char **reply,
                       size_t *size, nl_err *err);

/* Calls `each` for the committed rejections of an item that were not taken up again, in their
 * order. Its texts are borrowed, and may be NULL but for gate and reason. `each` must not read from
 * this store. */
typedef struct {
    int64_t id;
    uint32_t turn, candidate;
    const char *gate, *reason, *question, *sql, *detail;
} nl_store_rejected;
bool nl_store_each_rejected(nl_store_run *run, const char *item,
                            void (*each)(void *ctx, const nl_store_rejected *rejected), void *ctx,
                            nl_err *err);

/* Calls `each` for every committed entry of the run in commit order. `each` must not read from
 * this store. */
typedef struct {
    nl_key sql, masked, question;
    const char *question_text, *sql_text;
} nl_store_seen;
bool nl_store_each_seen(nl_store_run *run, void (*each)(void *ctx, const nl_store_seen *seen),
                        void *ctx, nl_err *err);

/* --- writing -------------------------------------------------------------------------------- */

/* Called on the loop; err NULL: durable. */
typedef void (*nl_store_done)(void *ctx, const nl_err *err);

typedef struct {
    nl_key key; /* of the request */
    uint32_t sample;
    const char *purpose; /* "ask", "critic", "join_set", … */
    const char *item;    /* item key, or NULL */
    const char *model;
    const char *request, *reply; /* JSON texts; reply NULL for a failed call (kept for the money,
                                  * never served again) */
    size_t request_size, reply_size;
    const char *outcome; /* "ok", "length", "refusal", "http_500", "timeout", … */
    int64_t tokens_in, tokens_out, tokens_cached; /* -1: not reported */
    int64_t cost;                                 /* nano-dollars */
    int64_t reservation;                          /* settles this one; 0: none was made */
    double seconds;
} nl_store_call;
/* Charges `cost` (< 0: all that was reserved). NL_INVALID where the reservation is not
 * outstanding: then nothing is recorded. */
bool nl_store_call_put(nl_store_run *run, const nl_store_call *call, nl_store_done done, void *ctx,
                       nl_err *err); /* done may be NULL */

typedef struct {
    const char *line; /* the dataset row, JSON; NL_INVALID where it holds a newline */
    const char *question, *sql;
    nl_key sql_key, masked_key, question_key;
    const char *facts; /* JSON */
} nl_store_entry;

typedef struct {
    const char *gate, *reason;  /* "explain", "column \"x\" does not exist" */
    const char *question, *sql; /* either may be NULL */
    const char *detail;         /* JSON or NULL */
    uint32_t candidate;
} nl_store_rejection;

/* One turn of an item, durable as a whole: entries, rejections, and the item's new state. */
typedef struct {
    const char *item; /* key */
    uint64_t ordinal; /* place in the plan */
    uint32_t turn;    /* 1-based; 0: no turn, only the state changes */
    bool done;
    const char *state; /* what the item needs to go on (JSON); NULL: unchanged */
    const nl_store_entry *entries;
    size_t n_entries;
    const nl_store_rejection *rejections;
    size_t n_rejections;
    const int64_t *retried; /* numbers of rejections of earlier turns, which this one replaces */
    size_t n_retried;
} nl_store_turn;
bool nl_store_turn_put(nl_store_run *run, const nl_store_turn *turn, nl_store_done done, void *ctx,
                       nl_err *err); /* done may be NULL */

/* Reports once all that was submitted before is durable. */
bool nl_store_flush(nl_store *store, nl_store_done done, void *ctx, nl_err *err);

/* --- money ---------------------------------------------------------------------------------- */

/* Most that may be spent over all runs of this root; < 0: no limit. */
void nl_store_set_budget(nl_store *store, int64_t nano);
void nl_store_ledger(const nl_store *store, int64_t *spent, int64_t *reserved);

/* Reserves `amount` durably. Where it does not fit now it waits, first come first served, until
 * settlements make room; where none is outstanding and it still does not fit, NL_BUDGET. `done`
 * gets the reservation's number. nl_store_call_put with that number settles it. An amount of 0 is
 * always granted, without the disk, and has number 0. What is outstanding when the store closes is
 * charged in full when it opens again. */
typedef void (*nl_store_reserved)(void *ctx, int64_t reservation, const nl_err *err);
typedef struct nl_store_wait nl_store_wait;
nl_store_wait *nl_store_reserve(nl_store *store, int64_t amount, nl_store_reserved done, void *ctx,
                                nl_err *err);
/* Only before `done` was called, which then will not be; what was reserved is given back. */
void nl_store_reserve_cancel(nl_store_wait *wait);
/* Settles without a call record: `cost` < 0 charges it in full. Number 0 is fine. */
bool nl_store_settle(nl_store *store, int64_t reservation, int64_t cost, nl_err *err);

#endif
