/* store_view.h: looking at a store that another process may be writing: its runs, what happened in
 * them, and recorded replies.
 *
 * Never writes, takes no lock that keeps a writer out, and sees what is committed. Everything
 * blocks, for short look-ups; no thread, no loop. What a cursor gives is one moment of the store,
 * however long it takes. */
#ifndef NL_IO_STORE_VIEW_H
#define NL_IO_STORE_VIEW_H

#include <stdint.h>

#include "base/err.h"
#include "data/dedup.h"

typedef struct nl_store_view nl_store_view;
typedef struct nl_store_cursor nl_store_cursor;

/* NL_NOTFOUND where there is no store; NL_IO where it is none, or one of another version. */
nl_store_view *nl_store_view_open(const char *path, nl_err *err);
/* Cursors may be freed later, and not stepped any more. NULL is fine. */
void nl_store_view_close(nl_store_view *view);

/* The process that has the store open to write; 0: none. */
bool nl_store_view_holder(const nl_store_view *view, int64_t *pid, nl_err *err);

/* --- rows ---------------------------------------------------------------------------------- */

typedef struct {
    enum { NL_FIELD_NULL, NL_FIELD_INT, NL_FIELD_REAL, NL_FIELD_TEXT } kind;
    int64_t number;
    double real;
    const char *text; /* `size` bytes; borrowed until the next step */
    size_t size;
} nl_store_field;

/* Runs, oldest first: id, phase, version, source, dataset, config, started, archived, opened,
 * pid, ended, outcome, changed, items, items_done, entries, rejections, calls, failed, cost. Times
 * are Unix milliseconds, cost is nano-dollars, `rejections` are those not taken up again. */
enum { NL_STORE_FIELDS = 20 }; /* of these rows, and of those below */
nl_store_cursor *nl_store_view_runs(nl_store_view *view, bool archived, nl_err *err);

/* Where to go on: the last number seen of each kind of event. */
typedef struct {
    int64_t opening, call, rejection, entry;
} nl_store_marks;
/* What happened in a run behind `after`, in order of time: kind ("opening", "call", "rejection",
 * "entry"), id, at, item, turn, candidate, purpose, model, outcome, kept, sample, tokens_in,
 * tokens_out, cost, seconds, gate, reason, question, sql, detail; NULL where the kind has none. */
nl_store_cursor *nl_store_view_events(nl_store_view *view, int64_t run, nl_store_marks after,
                                      nl_err *err);

/* 1: *fields has the next row, in the order told above; 0: there is none; -1: *err says why. */
int nl_store_cursor_next(nl_store_cursor *cursor, const nl_store_field **fields, nl_err *err);
void nl_store_cursor_free(nl_store_cursor *cursor); /* NULL is fine */

/* --- look-ups ------------------------------------------------------------------------------ */

/* Spent over all runs, and reserved now (or by a process that was killed). Nano-dollars. */
bool nl_store_view_ledger(nl_store_view *view, int64_t *spent, int64_t *reserved, nl_err *err);

/* The first recorded reply of a run to request `key`, sample number `sample`. *reply is malloced,
 * NULL where there is none. */
bool nl_store_view_reply(nl_store_view *view, int64_t run, nl_key key, uint32_t sample,
                         char **reply, size_t *size, nl_err *err);

/* The secret of a run's stand-ins, NL_SECRET_BYTES; *found false where it has none. */
bool nl_store_view_secret(nl_store_view *view, int64_t run, unsigned char *secret, bool *found,
                          nl_err *err);

/* Do the lines of `path` agree with the run's entries? `same` counts the lines from the first on
 * that do, `entries` and `lines` how many there are of either. */
typedef struct {
    uint64_t same, entries, lines;
} nl_store_agreement;
bool nl_store_view_compare(nl_store_view *view, int64_t run, const char *path,
                           nl_store_agreement *agreement, nl_err *err);

#endif
