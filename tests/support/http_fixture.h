/* http_fixture.h: where the tests of the HTTP client work: a loop and a client of its own for each,
 * and the server that the test starts with fake_start. */
#ifndef NL_TEST_HTTP_FIXTURE_H
#define NL_TEST_HTTP_FIXTURE_H

#include "fake.h"
#include "io/http.h"

#define FAKE BUILD_DIR "/tests/fake_openai"

extern nl_loop *http_loop;
extern nl_http *http_client;
extern struct fake http_fake; /* stopped by teardown */
extern size_t http_waiting;   /* calls that have not ended */

/* What a call came to. */
struct result {
    bool done;
    long status;
    nl_err err;
    bool sent;
    double seconds;
    char *body, *headers;
    size_t size;
};

/* For cmocka_unit_test_setup_teardown. */
int http_setup(void **state);
int http_teardown(void **state);
#define CASE(f) cmocka_unit_test_setup_teardown(f, http_setup, http_teardown)

/* How a call ends: for those that start one themselves. */
void http_done(void *ctx, nl_http_reply *reply);
/* Starts a call that ends in `result`; it must start, and may not end at once. */
nl_http_call *http_start(const nl_http_request *request, struct result *result);
/* Runs the loop until all that were started have ended, at most 30 s. */
void http_wait_all(void);
/* Both. */
void http_ask(const nl_http_request *request, struct result *result);
/* The same for a POST of this body to the server's chat address. */
void http_post(const char *body, struct result *result);
/* Frees what the result holds. */
void http_drop(struct result *result);

#endif
