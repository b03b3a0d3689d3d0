#include "io/watchdog.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/banned.h"

#define NAP_NS (100ull * 1000 * 1000)

struct nl_watchdog {
    uv_thread_t thread;
    uv_mutex_t lock; /* guards stop */
    uv_cond_t wake;
    bool stop;
    uint64_t limit_ms;
    const nl_turn *turn;
};

uint64_t nl_monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void end_process(const nl_watchdog *watchdog) {
    const char *who = atomic_load(&watchdog->turn->who);
    char line[512];
    int n = snprintf(line, sizeof line,
                     "\nerror: %s has blocked everything for over %llu s in one call that "
                     "cannot be interrupted; ending (all that was committed is safe)\n",
                     who ? who : "something", (unsigned long long)(watchdog->limit_ms / 1000));
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(1);
    _exit(1);
}

static void watch_turns(void *arg) {
    nl_watchdog *watchdog = arg;
    uv_mutex_lock(&watchdog->lock);
    while (!watchdog->stop) {
        uv_cond_timedwait(&watchdog->wake, &watchdog->lock, NAP_NS);
        uint64_t since = atomic_load_explicit(&watchdog->turn->since, memory_order_relaxed);
        if (since != 0 && nl_monotonic_ms() - since >= watchdog->limit_ms)
            end_process(watchdog);
    }
    uv_mutex_unlock(&watchdog->lock);
}

nl_watchdog *nl_watchdog_start(const nl_turn *turn, uint64_t limit_ms, nl_err *err) {
    int code;
    nl_watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (!watchdog) {
        nl_err_nomem(err);
        return NULL;
    }
    watchdog->turn = turn;
    watchdog->limit_ms = limit_ms;
    code = uv_mutex_init(&watchdog->lock);
    if (code != 0)
        goto no_lock;
    code = uv_cond_init(&watchdog->wake);
    if (code != 0)
        goto no_wake;
    code = uv_thread_create(&watchdog->thread, watch_turns, watchdog);
    if (code == 0)
        return watchdog;
    uv_cond_destroy(&watchdog->wake);
no_wake:
    uv_mutex_destroy(&watchdog->lock);
no_lock:
    free(watchdog);
    nl_err_set(err, NL_IO, "cannot start the watchdog: %s", uv_strerror(code));
    return NULL;
}

void nl_watchdog_stop(nl_watchdog *watchdog) {
    if (!watchdog)
        return;
    uv_mutex_lock(&watchdog->lock);
    watchdog->stop = true;
    uv_cond_signal(&watchdog->wake);
    uv_mutex_unlock(&watchdog->lock);
    uv_thread_join(&watchdog->thread);
    uv_cond_destroy(&watchdog->wake);
    uv_mutex_destroy(&watchdog->lock);
    free(watchdog);
}
