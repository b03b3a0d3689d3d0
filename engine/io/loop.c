#include "io/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "io/loop_priv.h"
#include "io/watchdog.h"

#include "base/banned.h"

struct tasks {
    nl_task *first, *last;
};

struct on_signal {
    uv_signal_t handle;
    nl_fn fn;
    void *ctx;
    struct on_signal *next;
};

struct nl_loop {
    uv_loop_t uv;
    uv_idle_t idle;       /* active while local tasks are posted: keeps the poll from blocking */
    uv_prepare_t prepare; /* a turn's end */
    uv_check_t check;     /* a turn's start */
    uv_async_t async;
    struct tasks local;
    pthread_mutex_t remote_lock;
    struct tasks remote;
    struct on_signal *signals;

    nl_watchdog *watchdog; /* NULL: nobody watches */
    nl_turn turn;
};

static bool uv_failed(nl_err *err, const char *what, int code) {
    return nl_err_set(err, code == UV_ENOMEM ? NL_NOMEM : NL_IO, "%s: %s", what, uv_strerror(code));
}

static void append(struct tasks *list, nl_task *task) {
    task->next = NULL;
    task->previous = list->last;
    task->posted = true;
    if (list->last)
        list->last->next = task;
    else
        list->first = task;
    list->last = task;
}

static void append_here(nl_loop *loop, nl_task *task) {
    task->here = true;
    append(&loop->local, task);
}

/* Takes a task off the list that it is on: at once, since there may be very many. */
static void drop(struct tasks *list, nl_task *task) {
    if (task->previous)
        task->previous->next = task->next;
    else
        list->first = task->next;
    if (task->next)
        task->next->previous = task->previous;
    else
        list->last = task->previous;
    task->next = task->previous = NULL;
    task->posted = task->here = false;
}

/* Runs what was posted before this turn. Tasks leave the list one by one, so that a callback may
 * unpost or free others; those posted meanwhile lie behind the marker. */
static void on_idle(uv_idle_t *idle) {
    nl_loop *loop = idle->data;
    nl_task marker = { 0 };

    append_here(loop, &marker);
    for (nl_task *task; (task = loop->local.first) != NULL;) {
        drop(&loop->local, task);
        if (task == &marker)
            break;
        task->fn(task->ctx);
    }
    if (!loop->local.first)
        uv_idle_stop(idle);
}

static void on_async(uv_async_t *async) {
    nl_loop *loop = async->data;
    for (;;) {
        pthread_mutex_lock(&loop->remote_lock);
        nl_task *task = loop->remote.first;
        if (task)
            drop(&loop->remote, task);
        pthread_mutex_unlock(&loop->remote_lock);
        if (!task)
            break;
        task->fn(task->ctx);
    }
}

static void on_prepare(uv_prepare_t *prepare) {
    nl_loop *loop = prepare->data;
    atomic_store_explicit(&loop->turn.since, 0, memory_order_relaxed);
}

static void on_check(uv_check_t *check) {
    nl_loop *loop = check->data;
    if (loop->watchdog)
        atomic_store_explicit(&loop->turn.since, nl_monotonic_ms(), memory_order_relaxed);
}

nl_loop *nl_loop_new(nl_err *err) {
    nl_loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        nl_err_nomem(err);
        return NULL;
    }
    int code = uv_loop_init(&loop->uv);
    if (code == 0 && (code = uv_async_init(&loop->uv, &loop->async, on_async)) != 0)
        uv_loop_close(&loop->uv);
    if (code != 0) {
        uv_failed(err, "cannot make an event loop", code);
        free(loop);
        return NULL;
    }
    uv_idle_init(&loop->uv, &loop->idle);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    loop->idle.data = loop->prepare.data = loop->check.data = loop->async.data = loop;
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    pthread_mutex_init(&loop->remote_lock, NULL);
    return loop;
}

static void close_handle(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void nl_loop_free(nl_loop *loop) {
    if (!loop)
        return;
    nl_loop_watchdog(loop, 0, NULL);
    uv_walk(&loop->uv, close_handle, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        continue;
    uv_loop_close(&loop->uv);
    while (loop->signals) {
        struct on_signal *next = loop->signals->next;
        free(loop->signals);
        loop->signals = next;
    }
    pthread_mutex_destroy(&loop->remote_lock);
    free(loop);
}

void nl_loop_run(nl_loop *loop) {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    atomic_store_explicit(&loop->turn.since, 0, memory_order_relaxed);
}

void nl_loop_stop(nl_loop *loop) {
    uv_stop(&loop->uv);
}

uint64_t nl_loop_now(const nl_loop *loop) {
    return uv_now(&loop->uv);
}

uv_loop_t *nl_loop_uv(nl_loop *loop) {
    return &loop->uv;
}

/* --- tasks -------------------------------------------------------------------------------- */

void nl_loop_post(nl_loop *loop, nl_task *task) {
    if (task->posted)
        return;
    append_here(loop, task);
    if (!uv_is_active((uv_handle_t *)&loop->idle))
        uv_idle_start(&loop->idle, on_idle);
}

void nl_loop_unpost(nl_loop *loop, nl_task *task) {
    if (task->here) {
        drop(&loop->local, task);
        return;
    }
    pthread_mutex_lock(&loop->remote_lock);
    if (task->posted)
        drop(&loop->remote, task);
    pthread_mutex_unlock(&loop->remote_lock);
}

void nl_loop_post_remote(nl_loop *loop, nl_task *task) {
    pthread_mutex_lock(&loop->remote_lock);
    if (!task->posted) {
        append(&loop->remote, task);
        uv_async_send(&loop->async);
    }
    pthread_mutex_unlock(&loop->remote_lock);
}

/* --- timers ------------------------------------------------------------------------------- */

struct nl_timer {
    uv_timer_t handle;
    nl_fn fn;
    void *ctx;
};

static void on_timer(uv_timer_t *handle) {
    nl_timer *timer = handle->data;
    timer->fn(timer->ctx);
}

/* libuv counts from when its turn began, which is long ago where the turn did much, or the loop has
 * not run for a while: a time-out must not be over before it began. The loop's own clock is left as
 * it is: timers that start each other would otherwise keep a turn from ending. */
static uint64_t from_now(const uv_loop_t *uv, uint64_t ms) {
    uint64_t now = uv_hrtime() / 1000000, turn = uv_now(uv);
    return ms > 0 && now > turn ? ms + (now - turn) : ms;
}

nl_timer *nl_timer_start(nl_loop *loop, uint64_t ms, uint64_t repeat_ms, nl_fn fn, void *ctx,
                         nl_err *err) {
    nl_timer *timer = calloc(1, sizeof *timer);
    if (!timer) {
        nl_err_nomem(err);
        return NULL;
    }
    timer->fn = fn;
    timer->ctx = ctx;
    uv_timer_init(&loop->uv, &timer->handle);
    timer->handle.data = timer;
    uv_timer_start(&timer->handle, on_timer, from_now(&loop->uv, ms), repeat_ms);
    return timer;
}

static void free_data(uv_handle_t *handle) {
    free(handle->data);
}

void nl_timer_stop(nl_timer *timer) {
    if (timer)
        uv_close((uv_handle_t *)&timer->handle, free_data);
}

void nl_timer_again(nl_timer *timer, uint64_t ms) {
    uv_timer_start(&timer->handle, on_timer, from_now(timer->handle.loop, ms),
                   uv_timer_get_repeat(&timer->handle));
}

/* --- worker pool -------------------------------------------------------------------------- */

struct work {
    uv_work_t request;
    nl_fn work, done;
    void *ctx;
};

static void do_work(uv_work_t *request) {
    struct work *work = request->data;
    work->work(work->ctx);
}

static void after_work(uv_work_t *request, int status) {
    struct work *work = request->data;
    (void)status; /* nothing here cancels queued work */
    work->done(work->ctx);
    free(work);
}

bool nl_loop_work(nl_loop *loop, nl_fn work_fn, nl_fn done, void *ctx, nl_err *err) {
    struct work *work = malloc(sizeof *work);
    if (!work)
        return nl_err_nomem(err);
    *work = (struct work){ .work = work_fn, .done = done, .ctx = ctx };
    work->request.data = work;
    int code = uv_queue_work(&loop->uv, &work->request, do_work, after_work);
    if (code != 0) {
        free(work);
        return uv_failed(err, "cannot use the worker pool", code);
    }
    return true;
}

/* --- descriptors -------------------------------------------------------------------------- */

struct nl_watch {
    uv_poll_t handle;
    nl_watch_fn fn;
    void *ctx;
    int wanted; /* as libuv has it */
};

static void on_poll(uv_poll_t *handle, int status, int events) {
    nl_watch *watch = handle->data;
    int ready = NL_READABLE | NL_WRITABLE;
    if (status == 0)
        ready = (events & UV_READABLE ? NL_READABLE : 0) | (events & UV_WRITABLE ? NL_WRITABLE : 0);
    else /* libuv stops at an error, but what came before it may have to be read first */
        uv_poll_start(handle, watch->wanted, on_poll);
    watch->fn(watch->ctx, ready);
}

nl_watch *nl_watch_new(nl_loop *loop, int fd, nl_watch_fn fn, void *ctx, nl_err *err) {
    nl_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        nl_err_nomem(err);
        return NULL;
    }
    watch->fn = fn;
    watch->ctx = ctx;
    int code = uv_poll_init(&loop->uv, &watch->handle, fd);
    if (code != 0) {
        uv_failed(err, "cannot watch a connection", code);
        free(watch);
        return NULL;
    }
    watch->handle.data = watch;
    return watch;
}

bool nl_watch_set(nl_watch *watch, int events) {
    int wanted =
        (events & NL_READABLE ? UV_READABLE : 0) | (events & NL_WRITABLE ? UV_WRITABLE : 0);
    watch->wanted = wanted;
    if (wanted == 0)
        return uv_poll_stop(&watch->handle) == 0;
    return uv_poll_start(&watch->handle, wanted, on_poll) == 0;
}

void nl_watch_free(nl_watch *watch) {
    if (watch) {
        uv_poll_stop(&watch->handle);
        uv_close((uv_handle_t *)&watch->handle, free_data);
    }
}

/* --- signals ------------------------------------------------------------------------------ */

static void on_signal(uv_signal_t *handle, int signum) {
    struct on_signal *entry = handle->data;
    (void)signum;
    if (entry->fn)
        entry->fn(entry->ctx);
}

bool nl_loop_on_signal(nl_loop *loop, int signum, nl_fn fn, void *ctx, nl_err *err) {
    struct on_signal *entry = loop->signals;
    while (entry && entry->handle.signum != signum)
        entry = entry->next;
    if (!fn) {
        if (entry)
            uv_signal_stop(&entry->handle); /* signum becomes 0: the entry can serve another */
        return true;
    }
    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry)
            return nl_err_nomem(err);
        uv_signal_init(&loop->uv, &entry->handle);
        uv_unref((uv_handle_t *)&entry->handle);
        entry->handle.data = entry;
        entry->next = loop->signals;
        loop->signals = entry;
    }
    entry->fn = fn;
    entry->ctx = ctx;
    int code = uv_signal_start(&entry->handle, on_signal, signum);
    return code == 0 || uv_failed(err, "cannot handle a signal", code);
}

/* --- watchdog ----------------------------------------------------------------------------- */

bool nl_loop_watchdog(nl_loop *loop, uint64_t limit_ms, nl_err *err) {
    nl_watchdog_stop(loop->watchdog);
    loop->watchdog = NULL;
    if (limit_ms == 0)
        return true;
    loop->watchdog = nl_watchdog_start(&loop->turn, limit_ms, err);
    return loop->watchdog != NULL;
}

void nl_loop_working_for(nl_loop *loop, const char *who) {
    atomic_store(&loop->turn.who, who);
    if (who && loop->watchdog) /* many in one turn may each take their time */
        atomic_store_explicit(&loop->turn.since, nl_monotonic_ms(), memory_order_relaxed);
}
