/* The HTTP client with many calls at once: turns, cancelling, closing, connections used again. */
#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_fixture.h"

/* --- many at once -------------------------------------------------------------------------- */

enum { CROWD = 60, PLACES = 20 };

static void calls_wait_their_turn(void **state) {
    (void)state;
    static struct result results[CROWD];
    static const char *const arguments[] = { "--delay-ms", "300", NULL };
    nl_http_options options = { .max_connections = PLACES };

    fake_start(&http_fake, FAKE, arguments, NULL);
    nl_http_free(http_client);
    http_client = nl_http_new(http_loop, &options, NULL);
    assert_non_null(http_client);
    /* the last come to their turn after 600 ms: no clock may run before that */
    nl_http_request request = {
        .url = http_fake.chat, .body = "{}", .body_size = 2, .connect_ms = 550, .total_ms = 560
    };
    for (size_t i = 0; i < CROWD; i++)
        http_start(&request, &results[i]);
    http_wait_all();
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(results[i].err.code, NL_OK);
        assert_int_equal(results[i].status, 200);
        http_drop(&results[i]);
    }
    fake_stop(&http_fake);
    assert_int_equal(fake_count(&http_fake, "requests"), CROWD);
    assert_int_equal(fake_count(&http_fake, "max_in_flight"), PLACES);
}

static void a_cancelled_call_is_never_heard_of(void **state) {
    (void)state;
    static struct result results[60];
    static const char *const arguments[] = { "--delay-ms", "20", NULL };
    nl_http_call *calls[60];
    nl_http_options options = { .max_connections = 10 };

    fake_start(&http_fake, FAKE, arguments, NULL);
    nl_http_free(http_client);
    http_client = nl_http_new(http_loop, &options, NULL);
    nl_http_request request = { .url = http_fake.chat, .body = "{}", .body_size = 2 };
    for (size_t i = 0; i < 60; i++)
        calls[i] = http_start(&request, &results[i]);
    for (size_t i = 0; i < 60;
         i++) { /* some under way, some in the queue, every one but each 4th */
        if (i % 4 != 0) {
            nl_http_cancel(calls[i]);
            http_waiting--;
        }
    }
    http_wait_all();
    for (size_t i = 0; i < 60; i++) {
        assert_int_equal(results[i].done, i % 4 == 0);
        http_drop(&results[i]);
    }
}

static nl_http_call *neighbour;
static struct result neighbour_result;

static void cancel_neighbour(void *ctx, nl_http_reply *reply) {
    (void)reply;
    if (neighbour)
        nl_http_cancel(neighbour);
    neighbour = NULL;
    http_done(ctx, reply);
    /* and start another from here */
    if (http_waiting == 1) {
        http_waiting--;
        nl_http_request request = { .url = http_fake.chat, .body = "{}", .body_size = 2 };
        http_start(&request, &neighbour_result);
    }
}

static void calls_can_be_started_and_cancelled_from_an_end(void **state) {
    (void)state;
    struct result result = { 0 }, other;
    fake_start(&http_fake, FAKE, NULL, NULL);
    nl_http_request request = { .url = http_fake.chat, .body = "{}", .body_size = 2 };
    assert_non_null(nl_http_start(http_client, &request, cancel_neighbour, &result, NULL));
    http_waiting += 2;
    /* both are answered at about the same time: the second's end may be in line already */
    *(&other) = (struct result){ 0 };
    neighbour = nl_http_start(http_client, &request, cancel_neighbour, &other, NULL);
    http_wait_all();
    assert_int_equal(result.done + other.done, 1);
    assert_true(neighbour_result.done);
    http_drop(&result);
    http_drop(&other);
    http_drop(&neighbour_result);
}

static void closing_the_client_drops_what_is_under_way(void **state) {
    (void)state;
    static struct result results[30];
    nl_http_options options = { .max_connections = 10 };
    fake_start(&http_fake, FAKE, NULL, "{\"fault\":\"hang\"}");
    nl_http_free(http_client);
    http_client = nl_http_new(http_loop, &options, NULL);
    nl_http_request request = { .url = http_fake.chat, .body = "{}", .body_size = 2 };
    for (size_t i = 0; i < 30; i++)
        http_start(&request, &results[i]);
    nl_timer *timer = nl_timer_start(http_loop, 50, 0, (nl_fn)nl_loop_stop, http_loop, NULL);
    nl_loop_run(http_loop);
    nl_timer_stop(timer);
    nl_http_free(http_client); /* sanitizers watch */
    http_client = NULL;
    for (size_t i = 0; i < 30; i++)
        assert_false(results[i].done);
}

static void connections_are_used_again(void **state) {
    (void)state;
    struct result result;
    int before = dup(0);
    close(before);
    fake_start(&http_fake, FAKE, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        http_post("{}", &result);
        assert_int_equal(result.err.code, NL_OK);
        http_drop(&result);
    }
    int after = dup(0);
    close(after);
    assert_true(after - before <= 4); /* the connection and the fake's pipe, not 50 sockets */

    /* the server goes: that wakes an idle connection's watch once, not for ever */
    fake_stop(&http_fake);
    clock_t busy = clock();
    nl_timer *timer = nl_timer_start(http_loop, 200, 0, (nl_fn)nl_loop_stop, http_loop, NULL);
    nl_loop_run(http_loop);
    nl_timer_stop(timer);
    assert_true(clock() - busy < CLOCKS_PER_SEC / 40);
    http_post("{}", &result);
    assert_int_equal(result.err.code, NL_NET);
    assert_false(result.sent);
    http_drop(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(calls_wait_their_turn),
        CASE(a_cancelled_call_is_never_heard_of),
        CASE(calls_can_be_started_and_cancelled_from_an_end),
        CASE(closing_the_client_drops_what_is_under_way),
        CASE(connections_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
