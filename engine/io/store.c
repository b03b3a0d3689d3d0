/* Opening and closing, and the lock. */
#include "io/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "io/store_priv.h"

#include "base/banned.h"

enum {
    LOCK_TRIES = 10, /* somebody who only looks (store_view.c) holds the lock for a moment */
    LOCK_NAP_MS = 10
};

/* --- the lock ------------------------------------------------------------------------------ */

static bool busy(const nl_store *store, nl_err *err) {
    char text[32];
    ssize_t n = pread(store->lock, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    long pid = strtol(text, NULL, 10);
    if (pid > 0)
        return nl_err_set(err, NL_BUSY,
                          "%s is in use by process %ld: wait until it has ended, or use another "
                          "folder",
                          store->path, pid);
    return nl_err_set(err, NL_BUSY, "%s is in use by another process", store->path);
}

static bool lock_soon(int fd) {
    const struct timespec nap = { .tv_nsec = LOCK_NAP_MS * 1000000L };
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        /* not taken: a local file's flock fails for nothing else */
        if (errno != EWOULDBLOCK)
            return false;
        nanosleep(&nap, NULL);
    }
    errno = EWOULDBLOCK;
    return false;
}

/* A lock of the kernel's: it goes with its process, however that dies. */
static bool take_lock(nl_store *store, nl_err *err) {
    nl_buf path;
    bool ok = false;
    nl_buf_init(&path);
    if (!nl_buf_printf(&path, "%s.lock", store->path)) {
        nl_err_nomem(err);
        goto out;
    }
    store->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (store->lock < 0) {
        nl_err_errno(err, "cannot open %s", path.data);
        goto out;
    }
    if (!lock_soon(store->lock)) {
        /* not taken: nothing else comes out of lock_soon */
        if (errno == EWOULDBLOCK)
            busy(store, err);
        else
            nl_err_errno(err, "cannot lock %s", path.data);
        goto out;
    }
    /* who holds it is for people: a full disk that keeps it from being written is no error */
    /* not taken: an open file of our own can be made empty */
    if (ftruncate(store->lock, 0) == 0)
        (void)!dprintf(store->lock, "%ld\n", (long)getpid());
    ok = true;
out:
    if (!ok && store->lock >= 0) {
        close(store->lock);
        store->lock = -1;
    }
    nl_buf_release(&path);
    return ok;
}

/* --- open and close ------------------------------------------------------------------------ */

static nl_store *new_store(nl_loop *loop) {
    pthread_condattr_t monotonic;
    nl_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->loop = loop;
    store->lock = -1;
    store->report = (nl_task){ .fn = nl_store_report, .ctx = store };
    store->money.limit = -1;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->work, &monotonic);
    pthread_cond_init(&store->synced, NULL);
    pthread_condattr_destroy(&monotonic);
    return store;
}

/* `store` has its path, or NULL for want of memory. */
static nl_store *open_new(nl_store *store, nl_err *err) {
    if (!store || !store->path)
        nl_err_nomem(err);
    else if (nl_make_parent(store->path, err) && take_lock(store, err) &&
             nl_store_connect(store, err) && nl_store_money_open(store, err) &&
             nl_store_start(store, err))
        return store;
    nl_store_close(store);
    return NULL;
}

nl_store *nl_store_open(nl_loop *loop, const char *path, nl_err *err) {
    nl_store *store = new_store(loop);
    if (store)
        store->path = strdup(path);
    return open_new(store, err);
}

nl_store *nl_store_open_scratch(nl_loop *loop, nl_err *err) {
    const char *base = getenv("TMPDIR");
    nl_store *store = new_store(loop);
    char *folder = NULL;
    base = base && *base ? base : "/tmp";
    nl_store_sweep_scratch(base);
    if (!store || asprintf(&folder, "%s/" NL_SCRATCH "XXXXXX", base) < 0)
        return open_new(store, err);
    if (!mkdtemp(folder)) {
        nl_err_errno(err, "cannot make the folder %s", folder);
        free(folder);
        nl_store_close(store);
        return NULL;
    }
    store->scratch = folder;
    if (asprintf(&store->path, "%s/nlsql.db", folder) < 0)
        store->path = NULL;
    return open_new(store, err);
}

void nl_store_close(nl_store *store) {
    if (!store)
        return;
    if (store->running) {
        pthread_mutex_lock(&store->mutex);
        store->closing = true;
        pthread_mutex_unlock(&store->mutex);
        pthread_cond_signal(&store->work);
        pthread_join(store->thread, NULL);
    }
    nl_loop_unpost(store->loop, &store->report);
    while (store->done_first) {
        struct nl_store_op *next = store->done_first->next;
        free(store->done_first);
        store->done_first = next;
    }
    nl_store_money_close(store);
    while (store->runs) {
        nl_store_run *next = store->runs->next;
        nl_store_run_free(store->runs);
        store->runs = next;
    }
    nl_store_disconnect(store);
    if (store->lock >= 0) {
        (void)!ftruncate(store->lock, 0);
        close(store->lock);
    }
    if (store->scratch)
        nl_store_remove_scratch(store->scratch);
    pthread_cond_destroy(&store->synced);
    pthread_cond_destroy(&store->work);
    pthread_mutex_destroy(&store->mutex);
    free(store->scratch);
    free(store->path);
    free(store);
}
