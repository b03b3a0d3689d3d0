/* Reading, on the loop's thread: indexed look-ups through a connection of their own. */
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

bool nl_store_item_get(nl_store_run *run, const char *key, nl_store_item *item, nl_err *err) {
    nl_store *store = run->store;
    sqlite3_stmt *stmt = store->read[R_ITEM];
    bool row = false;
    *item = (nl_store_item){ .state = "" };
    sqlite3_bind_int64(stmt, 1, run->id);
    sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
    bool ok = nl_store_row(store, stmt, &row, err);
    nl_buf_clear(&run->state);
    if (row) {
        /* before its text: where there is no memory for that, it has none afterwards */
        bool none = sqlite3_column_type(stmt, 3) == SQLITE_NULL;
        const char *state = (const char *)sqlite3_column_text(stmt, 3);
        item->found = true;
        item->done = sqlite3_column_int(stmt, 0) != 0;
        item->turns = (uint32_t)sqlite3_column_int64(stmt, 1);
        item->accepted = (uint32_t)sqlite3_column_int64(stmt, 2);
        if (!none && (!state || !nl_buf_str(&run->state, state)))
            ok = nl_err_nomem(err);
        item->state = run->state.data;
    }
    sqlite3_reset(stmt);
    return ok;
}

nl_key nl_store_call_key(nl_key key, uint32_t sample) {
    struct {
        nl_key key;
        uint64_t sample;
    } both = { key, sample };
    return nl_key_of(&both, sizeof both);
}

bool nl_store_keep(const char *text, size_t size, char **reply, size_t *reply_size, nl_err *err) {
    *reply = text ? malloc(size + 1) : NULL; /* SQLite had no memory for a copy of its own */
    if (!*reply)
        return nl_err_nomem(err);
    if (size > 0)
        memcpy(*reply, text, size);
    (*reply)[size] = '\0';
    *reply_size = size;
    return true;
}

static bool find_stored(nl_store_run *run, nl_key key, uint32_t sample, bool *found, char **reply,
                        size_t *size, nl_err *err) {
    nl_store *store = run->store;
    sqlite3_stmt *stmt = store->read[R_CALL];
    nl_store_key bytes;
    sqlite3_bind_int64(stmt, 1, run->id);
    nl_store_bind_key(stmt, 2, key, bytes);
    sqlite3_bind_int64(stmt, 3, sample);
    bool ok = nl_store_row(store, stmt, found, err);
    if (*found) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        ok = nl_store_keep(text, (size_t)sqlite3_column_bytes(stmt, 0), reply, size, err);
        *found = ok;
    }
    sqlite3_reset(stmt);
    return ok;
}

static const nl_store_call *find_in(const struct nl_store_op *op, const nl_store_run *run,
                                    nl_key key, uint32_t sample) {
    for (; op; op = op->next) {
        if (op->kind != OP_CALL || op->run != run)
            continue;
        const nl_store_call *call = &((const struct nl_store_call_op *)op)->call;
        if (call->reply && call->sample == sample && call->key.hi == key.hi &&
            call->key.lo == key.lo)
            return call;
    }
    return NULL;
}

/* Recorded a moment ago, and not committed yet? */
static bool find_pending(nl_store_run *run, nl_key key, uint32_t sample, char **reply, size_t *size,
                         nl_err *err) {
    nl_store *store = run->store;
    bool ok = true;
    pthread_mutex_lock(&store->mutex);
    const nl_store_call *call = find_in(store->writing, run, key, sample);
    if (!call)
        call = find_in(store->first, run, key, sample);
    if (call)
        ok = nl_store_keep(call->reply, call->reply_size, reply, size, err);
    pthread_mutex_unlock(&store->mutex);
    return ok;
}

bool nl_store_call_get(nl_store_run *run, nl_key key, uint32_t sample, bool *found, char **reply,
                       size_t *size, nl_err *err) {
    char *pending = NULL;
    size_t pending_size = 0;
    *found = false;
    *reply = NULL;
    *size = 0;
    if (!nl_dedup_has(run->answered, nl_store_call_key(key, sample)))
        return true;
    /* in this order: what is committed between the two looks, the second finds */
    if (!find_pending(run, key, sample, &pending, &pending_size, err))
        return false;
    bool ok = find_stored(run, key, sample, found, reply, size, err);
    if (ok && !*found && pending) {
        *found = true;
        *reply = pending;
        *size = pending_size;
    } else {
        free(pending); /* what is stored was there before */
    }
    return ok;
}

bool nl_store_each_seen(nl_store_run *run, void (*each)(void *ctx, const nl_store_seen *seen),
                        void *ctx, nl_err *err) {
    nl_store *store = run->store;
    sqlite3_stmt *stmt = store->read[R_SEEN];
    bool row = true, ok;
    sqlite3_bind_int64(stmt, 1, run->id);
    while ((ok = nl_store_row(store, stmt, &row, err)) && row) {
        nl_store_seen seen = {
            .sql = nl_store_column_key(stmt, 0),
            .masked = nl_store_column_key(stmt, 1),
            .question = nl_store_column_key(stmt, 2),
            .question_text = (const char *)sqlite3_column_text(stmt, 3),
            .sql_text = (const char *)sqlite3_column_text(stmt, 4),
        };
        if (!seen.question_text || !seen.sql_text) {
            ok = nl_err_nomem(err);
            break;
        }
        each(ctx, &seen);
    }
    sqlite3_reset(stmt);
    return ok;
}

bool nl_store_each_rejected(nl_store_run *run, const char *item,
                            void (*each)(void *ctx, const nl_store_rejected *rejected), void *ctx,
                            nl_err *err) {
    nl_store *store = run->store;
    sqlite3_stmt *stmt = store->read[R_REJECTED];
    bool row = true, ok;
    sqlite3_bind_int64(stmt, 1, run->id);
    sqlite3_bind_text(stmt, 2, item, -1, SQLITE_STATIC);
    while ((ok = nl_store_row(store, stmt, &row, err)) && row) {
        nl_store_rejected rejected = {
            .id = sqlite3_column_int64(stmt, 0),
            .turn = (uint32_t)sqlite3_column_int64(stmt, 1),
            .candidate = (uint32_t)sqlite3_column_int64(stmt, 2),
            .gate = (const char *)sqlite3_column_text(stmt, 3),
            .reason = (const char *)sqlite3_column_text(stmt, 4),
            .question = (const char *)sqlite3_column_text(stmt, 5),
            .sql = (const char *)sqlite3_column_text(stmt, 6),
            .detail = (const char *)sqlite3_column_text(stmt, 7),
        };
        if (!rejected.gate || !rejected.reason) {
            ok = nl_err_nomem(err);
            break;
        }
        each(ctx, &rejected);
    }
    sqlite3_reset(stmt);
    return ok;
}
