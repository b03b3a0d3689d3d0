/* Writing: submissions are copied into one allocation each, and executed by the writer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

/* --- copying ------------------------------------------------------------------------------- */

/* Moves texts, one after the other, into the room behind a submission. */
struct packer {
    char *at;
};

static size_t room_for(const char *text) {
    return text ? strlen(text) + 1 : 0;
}

static const char *pack_n(struct packer *packer, const char *text, size_t size) {
    if (!text)
        return NULL;
    char *copy = packer->at;
    memcpy(copy, text, size);
    copy[size] = '\0';
    packer->at += size + 1;
    return copy;
}

static const char *pack(struct packer *packer, const char *text) {
    return text ? pack_n(packer, text, strlen(text)) : NULL;
}

/* --- calls --------------------------------------------------------------------------------- */

static size_t call_room(const nl_store_call *call) {
    return room_for(call->purpose) + room_for(call->item) + room_for(call->model) +
           room_for(call->outcome) + (call->request ? call->request_size + 1 : 0) +
           (call->reply ? call->reply_size + 1 : 0);
}

static struct nl_store_call_op *copy_call(const nl_store_call *call) {
    size_t size = sizeof(struct nl_store_call_op) + call_room(call);
    struct nl_store_call_op *op = malloc(size);
    if (!op)
        return NULL;
    struct packer packer = { (char *)(op + 1) };
    *op = (struct nl_store_call_op){ .op = { .kind = OP_CALL, .size = size }, .call = *call };
    op->call.purpose = pack(&packer, call->purpose);
    op->call.item = pack(&packer, call->item);
    op->call.model = pack(&packer, call->model);
    op->call.outcome = pack(&packer, call->outcome);
    op->call.request = pack_n(&packer, call->request, call->request_size);
    op->call.reply = pack_n(&packer, call->reply, call->reply_size);
    return op;
}

bool nl_store_call_put(nl_store_run *run, const nl_store_call *call, nl_store_done done, void *ctx,
                       nl_err *err) {
    nl_store *store = run->store;
    bool fresh;
    if (!nl_store_usable(store, err) ||
        (call->reservation != 0 && !nl_store_money_check(store, call->reservation, err)))
        return false;
    if (call->reservation == 0 && call->cost < 0)
        return nl_err_set(err, NL_INVALID, "a call without a reservation needs its cost");
    struct nl_store_call_op *op = copy_call(call);
    if (!op)
        return nl_err_nomem(err);
    if (call->reply &&
        !nl_dedup_add(run->answered, nl_store_call_key(call->key, call->sample), &fresh, err)) {
        free(op);
        return false;
    }
    op->op.run = run;
    op->op.done = done;
    op->op.ctx = ctx;
    op->ledger_id = call->reservation;
    if (call->reservation != 0)
        op->call.cost = nl_store_money_settle(store, call->reservation, call->cost);
    else if (call->cost > 0)
        op->ledger_id = nl_store_money_charge(store, &op->call.cost);
    nl_store_submit(store, &op->op);
    nl_store_money_pump(store);
    return true;
}

/* The row of a request's text, made where there is none. */
static bool find_text(nl_store *store, const char *text, size_t size, int64_t *id, nl_err *err) {
    nl_store_key key;
    bool row;
    sqlite3_stmt *put = store->write[W_TEXT], *find = store->write[W_TEXT_FIND];
    nl_store_bind_key(put, 1, nl_key_of(text, size), key);
    sqlite3_bind_text64(put, 2, text, size, SQLITE_STATIC, SQLITE_UTF8);
    if (!nl_store_step(store, put, err))
        return false;
    if (sqlite3_changes(store->writer) == 1) {
        *id = sqlite3_last_insert_rowid(store->writer);
        return true;
    }
    sqlite3_bind_blob(find, 1, key, sizeof key, SQLITE_STATIC); /* it is there already */
    bool ok = nl_store_row(store, find, &row, err);
    *id = sqlite3_column_int64(find, 0);
    sqlite3_reset(find);
    return ok;
}

static void bind_count(sqlite3_stmt *stmt, int at, int64_t value) {
    if (value < 0)
        sqlite3_bind_null(stmt, at);
    else
        sqlite3_bind_int64(stmt, at, value);
}

static bool write_ledger(nl_store *store, int64_t id, int64_t reserved, int64_t cost, nl_err *err) {
    sqlite3_stmt *stmt = store->write[W_LEDGER];
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, reserved);
    bind_count(stmt, 3, cost);
    sqlite3_bind_int64(stmt, 4, store->wall_ms);
    return nl_store_step(store, stmt, err);
}

static bool settle_ledger(nl_store *store, int64_t id, int64_t cost, nl_err *err) {
    sqlite3_stmt *stmt = store->write[W_SETTLE];
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, cost);
    return nl_store_step(store, stmt, err);
}

static bool write_call(nl_store *store, const struct nl_store_call_op *op, nl_err *err) {
    const nl_store_call *call = &op->call;
    sqlite3_stmt *stmt = store->write[W_CALL];
    int64_t request = -1;
    nl_store_key key;
    if (call->request && !find_text(store, call->request, call->request_size, &request, err))
        return false;
    sqlite3_bind_int64(stmt, 1, op->op.run->id);
    nl_store_bind_key(stmt, 2, call->key, key);
    sqlite3_bind_int64(stmt, 3, call->sample);
    sqlite3_bind_text(stmt, 4, call->purpose, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, call->item, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, call->model, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 7, call->outcome, -1, SQLITE_STATIC);
    bind_count(stmt, 8, call->tokens_in);
    bind_count(stmt, 9, call->tokens_out);
    bind_count(stmt, 10, call->tokens_cached);
    sqlite3_bind_int64(stmt, 11, call->cost);
    bind_count(stmt, 12, op->ledger_id ? op->ledger_id : -1);
    sqlite3_bind_double(stmt, 13, call->seconds);
    sqlite3_bind_int64(stmt, 14, store->wall_ms);
    bind_count(stmt, 15, request);
    sqlite3_bind_text64(stmt, 16, call->reply, call->reply_size, SQLITE_STATIC, SQLITE_UTF8);
    if (!nl_store_step(store, stmt, err))
        return false;
    if (call->reservation != 0)
        return settle_ledger(store, op->ledger_id, call->cost, err);
    return op->ledger_id == 0 || write_ledger(store, op->ledger_id, 0, call->cost, err);
}

/* --- turns --------------------------------------------------------------------------------- */

static size_t turn_room(const nl_store_turn *turn) {
    size_t size = room_for(turn->item) + room_for(turn->state);
    for (size_t i = 0; i < turn->n_entries; i++) {
        const nl_store_entry *e = &turn->entries[i];
        size += sizeof *e + room_for(e->line) + room_for(e->question) + room_for(e->sql) +
                room_for(e->facts);
    }
    for (size_t i = 0; i < turn->n_rejections; i++) {
        const nl_store_rejection *r = &turn->rejections[i];
        size += sizeof *r + room_for(r->gate) + room_for(r->reason) + room_for(r->question) +
                room_for(r->sql) + room_for(r->detail);
    }
    return size + turn->n_retried * sizeof *turn->retried;
}

static struct nl_store_turn_op *copy_turn(const nl_store_turn *turn) {
    size_t size = sizeof(struct nl_store_turn_op) + turn_room(turn);
    struct nl_store_turn_op *op = malloc(size);
    if (!op)
        return NULL;
    nl_store_entry *entries = (nl_store_entry *)(op + 1);
    nl_store_rejection *rejections = (nl_store_rejection *)(entries + turn->n_entries);
    int64_t *retried = (int64_t *)(rejections + turn->n_rejections);
    struct packer packer = { (char *)(retried + turn->n_retried) };
    *op = (struct nl_store_turn_op){ .op = { .kind = OP_TURN, .size = size }, .turn = *turn };
    op->turn.item = pack(&packer, turn->item);
    op->turn.state = pack(&packer, turn->state);
    op->turn.entries = entries;
    op->turn.rejections = rejections;
    op->turn.retried = retried;
    if (turn->n_retried > 0)
        memcpy(retried, turn->retried, turn->n_retried * sizeof *retried);
    for (size_t i = 0; i < turn->n_entries; i++) {
        entries[i] = turn->entries[i];
        entries[i].line = pack(&packer, entries[i].line);
        entries[i].question = pack(&packer, entries[i].question);
        entries[i].sql = pack(&packer, entries[i].sql);
        entries[i].facts = pack(&packer, entries[i].facts);
    }
    for (size_t i = 0; i < turn->n_rejections; i++) {
        rejections[i] = turn->rejections[i];
        rejections[i].gate = pack(&packer, rejections[i].gate);
        rejections[i].reason = pack(&packer, rejections[i].reason);
        rejections[i].question = pack(&packer, rejections[i].question);
        rejections[i].sql = pack(&packer, rejections[i].sql);
        rejections[i].detail = pack(&packer, rejections[i].detail);
    }
    return op;
}

bool nl_store_turn_put(nl_store_run *run, const nl_store_turn *turn, nl_store_done done, void *ctx,
                       nl_err *err) {
    if (!nl_store_usable(run->store, err))
        return false;
    for (size_t i = 0; i < turn->n_entries; i++) {
        const char *line = turn->entries[i].line;
        if (line[0] == '\0' || strchr(line, '\n'))
            return nl_err_set(err, NL_INVALID, "a dataset row must be one line of JSON");
    }
    if (turn->n_entries > 0 && !run->dataset.path)
        return nl_err_set(err, NL_INVALID, "a run without a dataset takes no entries");
    if (turn->ordinal > INT64_MAX)
        return nl_err_set(err, NL_INVALID, "an item's ordinal is too large");
    struct nl_store_turn_op *op = copy_turn(turn);
    if (!op)
        return nl_err_nomem(err);
    op->op.run = run;
    op->op.done = done;
    op->op.ctx = ctx;
    nl_store_submit(run->store, &op->op);
    return true;
}

static bool write_item(nl_store *store, int64_t run, const nl_store_turn *turn, int64_t *id,
                       nl_err *err) {
    sqlite3_stmt *stmt = store->write[W_ITEM];
    sqlite3_bind_int64(stmt, 1, run);
    sqlite3_bind_text(stmt, 2, turn->item, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, (int64_t)turn->ordinal);
    sqlite3_bind_int64(stmt, 4, turn->turn);
    sqlite3_bind_int64(stmt, 5, (int64_t)turn->n_entries);
    sqlite3_bind_int(stmt, 6, turn->done);
    sqlite3_bind_text(stmt, 7, turn->state, -1, SQLITE_STATIC);
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        nl_store_db_err(store, store->writer, err);
        sqlite3_reset(stmt);
        return false;
    }
    *id = sqlite3_column_int64(stmt, 0);
    return nl_store_step(store, stmt, err); /* to its end: the row counts only then */
}

static bool write_entry(nl_store *store, nl_store_run *run, int64_t item, uint32_t turn,
                        const nl_store_entry *entry, nl_err *err) {
    sqlite3_stmt *stmt = store->write[W_ENTRY];
    nl_store_key keys[3];
    sqlite3_bind_int64(stmt, 1, run->id);
    sqlite3_bind_int64(stmt, 2, item);
    sqlite3_bind_int64(stmt, 3, turn);
    sqlite3_bind_text(stmt, 4, entry->line, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, entry->question, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, entry->sql, -1, SQLITE_STATIC);
    nl_store_bind_key(stmt, 7, entry->sql_key, keys[0]);
    nl_store_bind_key(stmt, 8, entry->masked_key, keys[1]);
    nl_store_bind_key(stmt, 9, entry->question_key, keys[2]);
    sqlite3_bind_text(stmt, 10, entry->facts, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 11, store->wall_ms);
    if (!nl_store_step(store, stmt, err))
        return false;
    if (!nl_store_add_line(&run->lines, entry->line, strlen(entry->line)))
        return nl_err_nomem(err);
    return true;
}

static bool write_rejection(nl_store *store, int64_t run, int64_t item, uint32_t turn,
                            const nl_store_rejection *rejection, nl_err *err) {
    sqlite3_stmt *stmt = store->write[W_REJECTION];
    sqlite3_bind_int64(stmt, 1, run);
    sqlite3_bind_int64(stmt, 2, item);
    sqlite3_bind_int64(stmt, 3, turn);
    sqlite3_bind_int64(stmt, 4, rejection->candidate);
    sqlite3_bind_text(stmt, 5, rejection->gate, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, rejection->reason, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 7, rejection->question, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 8, rejection->sql, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 9, rejection->detail, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 10, store->wall_ms);
    return nl_store_step(store, stmt, err);
}

static bool write_retried(nl_store *store, int64_t run, int64_t rejection, nl_err *err) {
    sqlite3_stmt *stmt = store->write[W_RETRIED];
    sqlite3_bind_int64(stmt, 1, rejection);
    sqlite3_bind_int64(stmt, 2, store->wall_ms);
    sqlite3_bind_int64(stmt, 3, run);
    return nl_store_step(store, stmt, err);
}

static bool write_turn(nl_store *store, const struct nl_store_turn_op *op, nl_err *err) {
    const nl_store_turn *turn = &op->turn;
    nl_store_run *run = op->op.run;
    int64_t item;
    if (!write_item(store, run->id, turn, &item, err))
        return false;
    for (size_t i = 0; i < turn->n_entries; i++) {
        if (!write_entry(store, run, item, turn->turn, &turn->entries[i], err))
            return false;
    }
    for (size_t i = 0; i < turn->n_rejections; i++) {
        if (!write_rejection(store, run->id, item, turn->turn, &turn->rejections[i], err))
            return false;
    }
    for (size_t i = 0; i < turn->n_retried; i++) {
        if (!write_retried(store, run->id, turn->retried[i], err))
            return false;
    }
    return true;
}

/* --- notes on a run ------------------------------------------------------------------------ */

static bool submit_note(nl_store_run *run, const char *config, const char *changed,
                        const char *outcome, nl_err *err) {
    size_t size =
        sizeof(struct nl_store_note_op) + room_for(config) + room_for(changed) + room_for(outcome);
    if (!nl_store_usable(run->store, err))
        return false;
    struct nl_store_note_op *op = malloc(size);
    if (!op)
        return nl_err_nomem(err);
    struct packer packer = { (char *)(op + 1) };
    *op = (struct nl_store_note_op){ .op = { .kind = OP_NOTE, .size = size, .run = run } };
    op->config = pack(&packer, config);
    op->changed = pack(&packer, changed);
    op->outcome = pack(&packer, outcome);
    nl_store_submit(run->store, &op->op);
    return true;
}

bool nl_store_run_note(nl_store_run *run, const char *config, const char *changed, nl_err *err) {
    return submit_note(run, config, changed, NULL, err);
}

bool nl_store_run_end(nl_store_run *run, const char *outcome, nl_err *err) {
    return submit_note(run, NULL, NULL, outcome, err);
}

static bool write_note(nl_store *store, const struct nl_store_note_op *note, nl_err *err) {
    const struct {
        int which;
        int64_t id;
        const char *text;
    } notes[] = {
        { W_CONFIG, note->op.run->id, note->config },
        { W_CHANGED, note->op.run->opening, note->changed },
        { W_ENDED, note->op.run->opening, note->outcome },
    };
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        sqlite3_stmt *stmt = store->write[notes[i].which];
        if (!notes[i].text)
            continue;
        sqlite3_bind_int64(stmt, 1, notes[i].id);
        sqlite3_bind_text(stmt, 2, notes[i].text, -1, SQLITE_STATIC);
        if (notes[i].which == W_ENDED)
            sqlite3_bind_int64(stmt, 3, store->wall_ms);
        if (!nl_store_step(store, stmt, err))
            return false;
    }
    return true;
}

bool nl_store_execute(nl_store *store, struct nl_store_op *op, nl_err *err) {
    /* not taken: a flush is nothing to write (commit_batch), and OP_SYNC comes alone (take) */
    switch (op->kind) {
    case OP_CALL:
        return write_call(store, (const struct nl_store_call_op *)op, err);
    case OP_TURN:
        return write_turn(store, (const struct nl_store_turn_op *)op, err);
    case OP_RESERVE: {
        const struct nl_store_wait *wait = (const struct nl_store_wait *)op;
        return write_ledger(store, wait->id, wait->amount, -1, err);
    }
    case OP_SETTLE: {
        const struct nl_store_settle_op *settle = (const struct nl_store_settle_op *)op;
        return settle_ledger(store, settle->id, settle->cost, err);
    }
    case OP_NOTE:
        return write_note(store, (const struct nl_store_note_op *)op, err);
    case OP_FLUSH:
    case OP_SYNC:
        break;
    }
    return true;
}
