/* The queue, and the thread that empties it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

enum {
    BATCH_BYTES = 8 << 20,  /* most that one transaction takes on */
    GATHER_BYTES = 1 << 20, /* what nobody waits for is written once there is this much of it, */
    GATHER_MS = 20          /* or after this long */
};

bool nl_store_usable(const nl_store *store, nl_err *err) {
    if (!atomic_load_explicit(&store->failed, memory_order_acquire))
        return true;
    if (err)
        *err = store->error;
    return false;
}

const nl_err *nl_store_failed(const nl_store *store) {
    return nl_store_usable(store, NULL) ? NULL : &store->error;
}

size_t nl_store_backlog(const nl_store *store) {
    return atomic_load_explicit(&store->backlog, memory_order_relaxed);
}

static bool is_urgent(const struct nl_store_op *op) {
    return op->done || op->kind == OP_SYNC;
}

void nl_store_submit(nl_store *store, struct nl_store_op *op) {
    bool urgent = is_urgent(op);
    op->next = NULL;
    atomic_fetch_add_explicit(&store->backlog, op->size, memory_order_relaxed);
    pthread_mutex_lock(&store->mutex);
    bool wake = !store->first || (urgent && !store->urgent) ||
                (store->queued < GATHER_BYTES && store->queued + op->size >= GATHER_BYTES);
    if (store->last)
        store->last->next = op;
    else
        store->first = op;
    store->last = op;
    store->queued += op->size;
    store->urgent = store->urgent || urgent;
    pthread_mutex_unlock(&store->mutex);
    if (wake)
        pthread_cond_signal(&store->work);
}

/* Sleeps until something should be written now; with the mutex held. */
static void wait_for_work(nl_store *store) {
    struct timespec until;
    while (!store->first && !store->closing)
        pthread_cond_wait(&store->work, &store->mutex);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!store->urgent && !store->closing && store->queued < GATHER_BYTES) {
        if (pthread_cond_timedwait(&store->work, &store->mutex, &until) == ETIMEDOUT)
            break;
    }
}

/* The next batch: a synchronous call, or what one transaction may hold. NULL: the end. */
static struct nl_store_op *take(nl_store *store) {
    pthread_mutex_lock(&store->mutex);
    wait_for_work(store);
    struct nl_store_op *batch = store->first, *last = batch;
    if (batch) {
        size_t size = batch->size;
        while (batch->kind != OP_SYNC && last->next && last->next->kind != OP_SYNC &&
               size < BATCH_BYTES) {
            last = last->next;
            size += last->size;
        }
        store->first = last->next;
        last->next = NULL;
        if (!store->first)
            store->last = NULL;
        store->queued -= size;
        store->urgent = store->first != NULL;
        store->writing = batch;
    }
    pthread_mutex_unlock(&store->mutex);
    return batch;
}

/* --- writing ------------------------------------------------------------------------------- */

static void fail(nl_store *store, const nl_err *err) {
    store->error = *err;
    atomic_store_explicit(&store->failed, true, memory_order_release);
    nl_loop_post_remote(store->loop, &store->report); /* those in line for money must know */
}

/* One transaction over the whole batch. */
static bool commit_batch(nl_store *store, struct nl_store_op *batch, nl_err *err) {
    bool open = false;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    store->wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    for (struct nl_store_op *op = batch; op; op = op->next) {
        if (op->kind == OP_FLUSH)
            continue;
        if (!open && !nl_store_step(store, store->write[W_BEGIN], err))
            return false;
        open = store->whole = true;
        if (!nl_store_execute(store, op, err))
            goto rollback;
    }
    store->whole = false;
    if (!open || nl_store_step(store, store->write[W_COMMIT], err))
        return true;
rollback:
    store->whole = false;
    nl_store_drop_lines(store);
    if (!sqlite3_get_autocommit(store->writer))
        nl_store_step(store, store->write[W_ROLLBACK], NULL);
    return false;
}

/* Reports to who waits, frees the rest. */
static void give_back(nl_store *store, struct nl_store_op *batch, bool ok) {
    struct nl_store_op *first = NULL, *last = NULL, *unwanted = NULL;
    size_t size = 0;
    for (struct nl_store_op *op = batch, *next; op; op = next) {
        next = op->next;
        size += op->size;
        op->failed = !ok;
        op->next = NULL;
        if (!op->done) {
            op->next = unwanted;
            unwanted = op;
        } else if (last) {
            last->next = op;
            last = op;
        } else {
            first = last = op;
        }
    }
    pthread_mutex_lock(&store->mutex);
    store->writing = NULL;
    if (first && store->done_last)
        store->done_last->next = first;
    else if (first)
        store->done_first = first;
    if (first)
        store->done_last = last;
    pthread_mutex_unlock(&store->mutex);
    atomic_fetch_sub_explicit(&store->backlog, size, memory_order_relaxed);
    if (first)
        nl_loop_post_remote(store->loop, &store->report);
    while (unwanted) {
        struct nl_store_op *next = unwanted->next;
        free(unwanted);
        unwanted = next;
    }
}

static void write_batch(nl_store *store, struct nl_store_op *batch) {
    nl_err err = { .code = NL_OK };
    bool ok = nl_store_usable(store, NULL);
    if (ok) {
        ok = commit_batch(store, batch, &err);
        /* what is committed is safe, whatever becomes of its projection */
        if (!ok || !nl_store_append_lines(store, &err))
            fail(store, &err);
    }
    give_back(store, batch, ok);
}

/* On the loop: calls those who waited. A callback may submit, and reads nothing of this list. */
void nl_store_report(void *ctx) {
    nl_store *store = ctx;
    pthread_mutex_lock(&store->mutex);
    struct nl_store_op *op = store->done_first;
    store->done_first = store->done_last = NULL;
    pthread_mutex_unlock(&store->mutex);
    while (op) {
        struct nl_store_op *next = op->next;
        op->done(op->ctx, op->failed ? &store->error : NULL);
        free(op);
        op = next;
    }
    if (!nl_store_usable(store, NULL))
        nl_store_money_fail(store);
}

/* --- calls that wait ----------------------------------------------------------------------- */

struct sync_op {
    struct nl_store_op op;
    nl_store_sync_fn fn;
    void *ctx;
    nl_err *err;
    bool ok, over;
};

static void run_sync(nl_store *store, struct sync_op *sync) {
    bool ok = sync->fn(store, sync->ctx, sync->err);
    pthread_mutex_lock(&store->mutex);
    store->writing = NULL;
    sync->ok = ok;
    sync->over = true;
    pthread_cond_broadcast(&store->synced);
    pthread_mutex_unlock(&store->mutex);
}

bool nl_store_sync(nl_store *store, nl_store_sync_fn fn, void *ctx, nl_err *err) {
    struct sync_op sync = { .op = { .kind = OP_SYNC }, .fn = fn, .ctx = ctx, .err = err };
    nl_store_submit(store, &sync.op);
    pthread_mutex_lock(&store->mutex);
    while (!sync.over)
        pthread_cond_wait(&store->synced, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
    return sync.ok;
}

static void *write_all(void *arg) {
    nl_store *store = arg;
    for (;;) {
        struct nl_store_op *batch = take(store);
        if (!batch)
            break;
        if (batch->kind == OP_SYNC)
            run_sync(store, (struct sync_op *)batch);
        else
            write_batch(store, batch);
    }
    return NULL;
}

bool nl_store_flush(nl_store *store, nl_store_done done, void *ctx, nl_err *err) {
    if (!nl_store_usable(store, err))
        return false;
    struct nl_store_op *op = malloc(sizeof *op);
    if (!op)
        return nl_err_nomem(err);
    *op = (struct nl_store_op){ .kind = OP_FLUSH, .size = sizeof *op, .done = done, .ctx = ctx };
    nl_store_submit(store, op);
    return true;
}

bool nl_store_start(nl_store *store, nl_err *err) {
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&store->thread, NULL, write_all, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return nl_err_set(err, NL_IO, "cannot start the store's thread: %s", strerror(code));
    store->running = true;
    return true;
}
