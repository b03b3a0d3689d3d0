/* loop.h: the one event loop (libuv), its timers, signals, worker pool and watchdog.
 *
 * All callbacks come from nl_loop_run on the loop's thread and never inline from the call
 * that asked for them. Only nl_loop_post_remote may be called from another thread. */
#ifndef NL_IO_LOOP_H
#define NL_IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct nl_loop nl_loop;
typedef void (*nl_fn)(void *ctx);

nl_loop *nl_loop_new(nl_err *err);
/* Closes every handle and waits for work in the pool. Whoever still has operations under way
 * must have cancelled them. */
void nl_loop_free(nl_loop *loop);

/* Runs until nl_loop_stop. */
void nl_loop_run(nl_loop *loop);
void nl_loop_stop(nl_loop *loop);
/* Monotonic milliseconds, cached at the start of the turn. */
uint64_t nl_loop_now(const nl_loop *loop);

/* A callback for the next turn. Embedded in its owner: no allocation, cannot fail. Zero it,
 * then set fn and ctx. Posting one that is posted already does nothing. */
typedef struct nl_task {
    nl_fn fn;
    void *ctx;
    struct nl_task *next, *previous;
    bool posted;
    bool here; /* by nl_loop_post, of which other threads know nothing */
} nl_task;
void nl_loop_post(nl_loop *loop, nl_task *task);
void nl_loop_unpost(nl_loop *loop, nl_task *task); /* fine where it is not posted */
/* The same from any thread. A task must not be posted by both ways at once. */
void nl_loop_post_remote(nl_loop *loop, nl_task *task);

/* A timer: calls fn once after `ms` from now, or every `repeat_ms` after that where it is not 0. */
typedef struct nl_timer nl_timer;
nl_timer *nl_timer_start(nl_loop *loop, uint64_t ms, uint64_t repeat_ms, nl_fn fn, void *ctx,
                         nl_err *err);
/* Stops and frees it; must be called for one-shot timers too, also from its own callback. */
void nl_timer_stop(nl_timer *timer); /* NULL is fine */
/* Moves the next call of a timer to `ms` from now. */
void nl_timer_again(nl_timer *timer, uint64_t ms);

/* `work` on a thread of the pool (4 threads), then `done` on the loop. Neither may be NULL. */
bool nl_loop_work(nl_loop *loop, nl_fn work, nl_fn done, void *ctx, nl_err *err);

/* Watches a file descriptor (a libpq or libcurl socket). The watch must be freed before the
 * descriptor is closed; a descriptor reused after a reconnect needs a new watch. */
typedef struct nl_watch nl_watch;
enum { NL_READABLE = 1, NL_WRITABLE = 2 };
/* `events` is what became ready; NL_READABLE|NL_WRITABLE on an error of the descriptor, so
 * that the library that owns it finds the error itself. */
typedef void (*nl_watch_fn)(void *ctx, int events);
nl_watch *nl_watch_new(nl_loop *loop, int fd, nl_watch_fn fn, void *ctx, nl_err *err);
bool nl_watch_set(nl_watch *watch, int events); /* 0: pauses */
void nl_watch_free(nl_watch *watch);

/* Calls fn on the loop each time `signum` arrives, in place of its default action; NULL gives
 * it back its default. */
bool nl_loop_on_signal(nl_loop *loop, int signum, nl_fn fn, void *ctx, nl_err *err);

/* A thread that ends the process (exit code 1, one line on standard error, everything committed
 * is safe) once one turn of the loop has lasted longer than `limit_ms` (0: stops watching).
 * `who` is printed with it: set it around each call into a script; NULL for none. */
bool nl_loop_watchdog(nl_loop *loop, uint64_t limit_ms, nl_err *err);
void nl_loop_working_for(nl_loop *loop, const char *who);

#endif
