#include "test_pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test_memory.h"

#include "base/banned.h"

enum { PATIENCE_MS = 60000 };

static nl_loop *loop;

static void free_loop(void) {
    nl_loop_free(loop);
}

nl_loop *test_loop(void) {
    if (!loop) {
        nl_err err = { .msg = "" };
        loop = nl_loop_new(&err);
        if (!loop)
            fail_msg("%s", err.msg);
        assert_int_equal(atexit(free_loop), 0);
    }
    return loop;
}

struct until {
    const bool *flag;
    unsigned ms;
    uint64_t end; /* 0: not known yet, as the loop's time may be that of long ago */
};

static void look(void *ctx) {
    struct until *until = ctx;
    if (until->end == 0)
        until->end = nl_loop_now(loop) + until->ms;
    if ((until->flag && *until->flag) || nl_loop_now(loop) >= until->end)
        nl_loop_stop(loop);
}

bool test_loop_until(const bool *flag, unsigned ms) {
    struct until until = { .flag = flag, .ms = ms };
    test_loop();
    if (flag && *flag)
        return true;
    nl_timer *timer = nl_timer_start(loop, 1, 1, look, &until, NULL);
    if (!timer) { /* memory runs out, as a test wanted it to: that was enough */
        test_memory_fail(-1);
        timer = nl_timer_start(loop, 1, 1, look, &until, NULL);
    }
    assert_non_null(timer);
    nl_loop_run(loop);
    nl_timer_stop(timer);
    return flag && *flag;
}

nl_pg *test_pg_open(const char *url, size_t sessions) {
    nl_err err = { .msg = "" };
    const nl_pg_options options = { .sessions = sessions };
    nl_pg *pg = nl_pg_new(test_loop(), url, &options, &err);
    if (!pg)
        fail_msg("%s", err.msg);
    return pg;
}

struct answer {
    nl_pg_reply reply;
    bool done;
};

static void on_done(void *ctx, nl_pg_reply *reply) {
    struct answer *answer = ctx;
    answer->reply = *reply;
    answer->done = true;
    nl_loop_stop(loop);
}

static nl_pg_reply wait_for(struct answer *answer, const nl_pg_op *op, const char *sql,
                            const nl_err *err) {
    if (!op)
        fail_msg("%s: %s", sql, err->msg);
    assert_false(answer->done); /* completions come from the loop only */
    if (!test_loop_until(&answer->done, PATIENCE_MS))
        fail_msg("no answer within %d s: %s", PATIENCE_MS / 1000, sql);
    return answer->reply;
}

nl_pg_reply test_pg_query(nl_pg *pg, const char *sql, const char *const *params, size_t n_params,
                          const nl_pg_limits *limits) {
    struct answer answer = { .done = false };
    nl_err err = { .msg = "" };
    const nl_pg_op *op = nl_pg_query(pg, sql, params, n_params, limits, on_done, &answer, &err);
    return wait_for(&answer, op, sql, &err);
}

nl_pg_reply test_pg_probe(nl_pg *pg, const char *sql, bool execute, const nl_pg_limits *limits) {
    struct answer answer = { .done = false };
    nl_err err = { .msg = "" };
    const nl_pg_op *op = nl_pg_probe(pg, sql, execute, limits, on_done, &answer, &err);
    return wait_for(&answer, op, sql, &err);
}

const char *test_pg_value(nl_pg *pg, const char *sql) {
    static char value[256];
    nl_pg_reply reply = test_pg_query(pg, sql, NULL, 0, NULL);
    if (reply.err.code != NL_OK)
        fail_msg("%s: %s", sql, reply.err.msg);
    assert_true(reply.rows.rows > 0 && reply.rows.columns > 0);
    (void)snprintf(value, sizeof value, "%s", reply.rows.cells[0] ? reply.rows.cells[0] : "NULL");
    nl_pg_reply_release(&reply);
    return value;
}
