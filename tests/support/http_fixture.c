#include "http_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

nl_loop *http_loop;
nl_http *http_client;
struct fake http_fake;
size_t http_waiting;

int http_setup(void **state) {
    (void)state;
    http_loop = nl_loop_new(NULL);
    http_client = http_loop ? nl_http_new(http_loop, NULL, NULL) : NULL;
    http_waiting = 0;
    return http_client ? 0 : -1;
}

int http_teardown(void **state) {
    (void)state;
    nl_http_free(http_client);
    nl_loop_free(http_loop);
    fake_stop(&http_fake);
    return 0;
}

void http_done(void *ctx, nl_http_reply *reply) {
    struct result *result = ctx;
    assert_false(result->done); /* once only */
    result->done = true;
    result->status = reply->status;
    result->err = reply->err;
    result->sent = reply->sent;
    result->seconds = reply->seconds;
    result->size = reply->body.size;
    result->body = nl_buf_detach(&reply->body, NULL);
    result->headers = nl_buf_detach(&reply->headers, NULL);
    if (--http_waiting == 0)
        nl_loop_stop(http_loop);
}

nl_http_call *http_start(const nl_http_request *request, struct result *result) {
    nl_err err = { .msg = "" };
    *result = (struct result){ 0 };
    nl_http_call *call = nl_http_start(http_client, request, http_done, result, &err);
    if (!call)
        fail_msg("%s", err.msg);
    assert_false(result->done); /* never inline */
    http_waiting++;
    return call;
}

static void give_up(void *ctx) {
    (void)ctx;
    fail_msg("nothing happened for 30 s");
}

void http_wait_all(void) {
    nl_timer *timer = nl_timer_start(http_loop, 30000, 0, give_up, NULL, NULL);
    nl_loop_run(http_loop);
    nl_timer_stop(timer);
}

void http_ask(const nl_http_request *request, struct result *result) {
    http_start(request, result);
    http_wait_all();
}

void http_drop(struct result *result) {
    free(result->body);
    free(result->headers);
}

void http_post(const char *body, struct result *result) {
    nl_http_request request = { .url = http_fake.chat, .body = body, .body_size = strlen(body) };
    http_ask(&request, result);
}
