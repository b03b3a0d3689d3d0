/* The HTTP client against a real server that misbehaves on request: what arrives, what is said
 * about failures and whether the request may have been served, clocks, caps, what cannot be asked.
 */
#include "io/http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_fixture.h"

/* --- what arrives -------------------------------------------------------------------------- */

static void a_reply_arrives_whole(void **state) {
    (void)state;
    static const char *const headers[] = { "Content-Type: application/json", "X-Own: yes", NULL };
    const char *body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    struct result result;
    char value[32];

    fake_start(&http_fake, FAKE, NULL,
               "{\"content\":\"grüß dich\",\"headers\":{\"X-Their\":\"a: b\"}}");
    nl_http_request request = {
        .url = http_fake.chat, .headers = headers, .body = body, .body_size = strlen(body)
    };
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_OK);
    assert_int_equal(result.status, 200);
    assert_true(result.sent);
    assert_true(result.seconds >= 0 && result.seconds < 10);
    assert_non_null(strstr(result.body, "\"content\":\"grüß dich\""));
    assert_int_equal(result.size, strlen(result.body));

    nl_http_reply reply = { .headers = { .data = result.headers, .size = strlen(result.headers) } };
    assert_true(nl_http_header(&reply, "x-their", value, sizeof value));
    assert_string_equal(value, "a: b");
    assert_false(nl_http_header(&reply, "x-the", value, sizeof value));
    assert_false(nl_http_header(&reply, "x-their", value, 4)); /* no room */

    char *log = fake_log(&http_fake);
    assert_non_null(strstr(log, "\"x-own\":\"yes\""));
    assert_non_null(strstr(log, "\"content-type\":\"application/json\""));
    assert_non_null(strstr(log, "{\\\"model\\\":\\\"m\\\",")); /* the body as it was */
    assert_null(strstr(log, "authorization"));
    free(log);
    http_drop(&result);
}

static void methods_follow_each_other_on_one_handle(void **state) {
    (void)state;
    static const struct {
        const char *method, *path, *body;
        long status;
    } cases[] = {
        { NULL, "/models", NULL, 200 },
        { "GET", "/models", NULL, 200 },
        { NULL, "/chat/completions", "{}", 200 },
        { NULL, "/models", NULL, 200 },
        { "HEAD", "/models", NULL, 404 }, /* which the fake does not serve, but answers */
        { "POST", "/chat/completions", "{}", 200 },
        { "POST", "/chat/completions", NULL, 200 },
        { "DELETE", "/models", NULL, 404 },
        { "PUT", "/chat/completions", "{}", 404 },
        { "GET", "/models", NULL, 200 },
    };
    fake_start(&http_fake, FAKE, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char url[128];
        struct result result;
        (void)snprintf(url, sizeof url, "%s%s", http_fake.base, cases[i].path);
        nl_http_request request = { .method = cases[i].method,
                                    .url = url,
                                    .body = cases[i].body,
                                    .body_size = cases[i].body ? strlen(cases[i].body) : 0 };
        http_ask(&request, &result);
        if (result.err.code != NL_OK || result.status != cases[i].status)
            fail_msg("case %zu: status %ld: %s", i, result.status, result.err.msg);
        http_drop(&result);
    }
}

static void a_large_body_goes_out_and_comes_back(void **state) {
    (void)state;
    size_t size = 3 << 20; /* above libcurl's threshold for asking first */
    char *body = malloc(size + 1);
    struct result result;

    fake_start(&http_fake, FAKE, NULL, "{\"fault\":\"huge\",\"times\":1}");
    assert_non_null(body);
    memset(body, ' ', size);
    body[size] = '\0';
    nl_http_request request = { .url = http_fake.chat,
                                .body = body,
                                .body_size = size,
                                .body_stays = true,
                                .max_reply = 120 << 20 };
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_OK);
    assert_int_equal(result.size, 100000000);
    http_drop(&result);
    char *log = fake_log(&http_fake);
    assert_non_null(strstr(log, "\"content-length\":\"3145728\""));
    assert_null(strstr(log, "\"expect\""));
    free(log);
    free(body);
}

static void the_body_is_copied_unless_it_stays(void **state) {
    (void)state;
    struct result result;
    char body[] = "{\"model\":\"before\"}";

    fake_start(&http_fake, FAKE, NULL, NULL);
    nl_http_request request = { .url = http_fake.chat, .body = body, .body_size = strlen(body) };
    http_start(&request, &result);
    memset(body, 'x', strlen(body));
    http_wait_all();
    assert_non_null(strstr(result.body, "\"model\":\"before\""));
    http_drop(&result);
}

/* --- failures ------------------------------------------------------------------------------ */

static const struct {
    const char *why;
    const char *rule;
    long status;
    nl_code code;
    const char *message; /* a part of it, behind "127.0.0.1:PORT" */
    const char *body;    /* a part of what must have been kept; NULL: nothing may have come */
} faults[] = {
    { "the server takes the request and resets", "{\"fault\":\"reset_before\"}", 0, NL_NET,
      "broke: connection reset by peer", NULL },
    { "reset in the middle: what came is kept", "{\"fault\":\"reset_mid\"}", 200, NL_NET,
      "broke: connection reset by peer", "\"chat.completion\"" },
    { "no HTTP", "{\"fault\":\"garbage\"}", 0, NL_NET, "is not HTTP", NULL },
    { "silence", "{\"fault\":\"hang\"}", 0, NL_TIMEOUT, "has been silent for 0.3 s", NULL },
    { "half a reply, then silence", "{\"fault\":\"half_open\"}", 200, NL_TIMEOUT,
      "has been silent for 0.3 s", "\"chat.completion\"" },
    { "a stream that breaks off keeps its events",
      "{\"content\":\"0123456789012345678901234567890123456789\",\"stream_break_after\":2}", 200,
      NL_NET, "closed the connection in the middle of its reply", "0123456789012345\"" },
    { "an empty body is a reply", "{\"fault\":\"empty\"}", 200, NL_OK, "", "" },
    { "a proxy's page is a reply", "{\"fault\":\"html\",\"status\":502}", 502, NL_OK, "",
      "Bad gateway" },
    { "truncated JSON is a reply", "{\"fault\":\"truncated_json\"}", 200, NL_OK, "",
      "\"chat.completion\"" },
    { "errors are replies", "{\"status\":429,\"body\":\"{\\\"error\\\":1}\"}", 429, NL_OK, "",
      "{\"error\":1}" },
    { "a redirect is not followed",
      "{\"status\":307,\"headers\":{\"Location\":\"http://127.0.0.1:1/\"},\"body\":\"gone\"}", 307,
      NL_OK, "", "gone" },
};

static void each_failure_is_told_apart(void **state) {
    (void)state;
    const char *body = "{\"stream\":true}";
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct result result;
        fake_start(&http_fake, FAKE, NULL, faults[i].rule);
        bool stream = strstr(faults[i].rule, "stream_break_after") != NULL;
        nl_http_request request = { .url = http_fake.chat,
                                    .body = stream ? body : "{}",
                                    .body_size = stream ? strlen(body) : 2,
                                    .idle_ms = 300 };
        http_ask(&request, &result);
        if (result.status != faults[i].status || result.err.code != faults[i].code ||
            (result.err.code && !strstr(result.err.msg, faults[i].message)) ||
            (faults[i].body && !strstr(result.body, faults[i].body)) ||
            (!faults[i].body && result.size > 0))
            fail_msg("%s: status %ld, %s: %s\n%s", faults[i].why, result.status,
                     nl_code_name(result.err.code), result.err.msg, result.body);
        assert_true(result.sent); /* each of them got the request */
        http_drop(&result);
        fake_stop(&http_fake);
        assert_int_equal(fake_count(&http_fake, "requests"), 1); /* asked once, come what may */
    }
}

/* A port that nobody listens on: bound, so that nobody else takes it. */
static int dead_port(unsigned *port, bool listening) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    if (listening)
        assert_int_equal(listen(fd, 0), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void a_refused_connection_was_not_sent(void **state) {
    (void)state;
    struct result result;
    char url[64], message[128];
    unsigned port;
    int fd = dead_port(&port, false);

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/v1", port);
    (void)snprintf(message, sizeof message, "cannot connect to 127.0.0.1:%u: connection refused",
                   port);
    nl_http_request request = { .url = url, .body = "{}", .body_size = 2 };
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_NET);
    assert_string_equal(result.err.msg, message);
    assert_false(result.sent);
    assert_int_equal(result.status, 0);
    http_drop(&result);
    close(fd);
}

/* A full accept queue lets no further connection finish. */
static void connecting_has_its_own_clock(void **state) {
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct result result;
    char url[64];
    unsigned port;
    int fd = dead_port(&port, true), fillers[8];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/v1", port);
    nl_http_request request = { .url = url, .connect_ms = 200, .idle_ms = 60, .total_ms = 20000 };
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_TIMEOUT);
    assert_non_null(strstr(result.err.msg, "cannot connect to 127.0.0.1"));
    assert_non_null(strstr(result.err.msg, "within 0.2 s"));
    assert_false(result.sent);
    assert_true(result.seconds >= 0.19 && result.seconds < 5);
    http_drop(&result);
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        close(fillers[i]);
    close(fd);
}

static void a_slow_stream_is_not_a_silent_one(void **state) {
    (void)state;
    const char *body = "{\"stream\":true}";
    struct result result;

    /* 8 events at 100 ms: longer than the idle time in all, never between two */
    fake_start(&http_fake, FAKE, NULL,
               "{\"content\":\"0123456789012345678901234567890123456789012345678901234567890123\","
               "\"event_delay_ms\":100}");
    nl_http_request request = {
        .url = http_fake.chat, .body = body, .body_size = strlen(body), .idle_ms = 400
    };
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_OK);
    assert_true(result.seconds > 0.5);
    assert_non_null(strstr(result.body, "[DONE]"));
    http_drop(&result);

    request.total_ms = 300; /* and the whole has a clock too */
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_TIMEOUT);
    assert_non_null(strstr(result.err.msg, "has not finished its reply within 0.3 s"));
    assert_non_null(strstr(result.body, "\"delta\"")); /* what came is kept */
    assert_true(result.sent);
    http_drop(&result);
}

static void a_reply_is_capped_while_it_comes(void **state) {
    (void)state;
    struct result result;
    fake_start(&http_fake, FAKE, NULL,
               "{\"match\":\"huge\",\"fault\":\"huge\"}\n{\"body\":\"0123456789\"}");
    nl_http_request request = {
        .url = http_fake.chat, .body = "huge", .body_size = 4, .max_reply = 100000
    };
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_LIMIT);
    assert_non_null(strstr(result.err.msg, "larger than 100000 bytes"));
    assert_int_equal(result.size, 100000);
    assert_int_equal(result.status, 200);
    http_drop(&result);

    request =
        (nl_http_request){ .url = http_fake.chat, .body = "x", .body_size = 1, .max_reply = 10 };
    http_ask(&request, &result); /* exactly as large is not larger */
    assert_int_equal(result.err.code, NL_OK);
    assert_string_equal(result.body, "0123456789");
    http_drop(&result);
    request.max_reply = 9;
    http_ask(&request, &result);
    assert_int_equal(result.err.code, NL_LIMIT);
    assert_string_equal(result.body, "012345678");
    http_drop(&result);
}

/* A connection that is used again and dies before the reply: libcurl alone would ask again. */
static void a_request_is_never_sent_twice(void **state) {
    (void)state;
    struct result result;
    fake_start(&http_fake, FAKE, NULL,
               "{\"times\":1,\"content\":\"x\"}\n{\"fault\":\"reset_before\"}");
    http_post("{}", &result);
    assert_int_equal(result.err.code, NL_OK);
    http_drop(&result);
    http_post("{}", &result);
    assert_int_equal(result.err.code, NL_NET);
    assert_true(result.sent);
    http_drop(&result);
    fake_stop(&http_fake);
    assert_int_equal(fake_count(&http_fake, "requests"), 2);
}

/* --- what cannot be asked ------------------------------------------------------------------ */

static const struct {
    const char *url;
    const char *header;
    const char *method;
    const char *message;
} refusals[] = {
    { "http://example.com/v1", NULL, NULL, "plain http to example.com is refused" },
    { "http://127.0.0.1.example.com/", NULL, NULL, "plain http to 127.0.0.1.example.com" },
    { "http://10.0.0.1/", NULL, NULL, "plain http to 10.0.0.1" },
    { "ftp://127.0.0.1/", NULL, NULL, "only http and https" },
    { "file:///etc/passwd", NULL, NULL, "only http and https" },
    { "", NULL, NULL, "no http or https URL" },
    { "http://127.0.0.1:99999/", NULL, NULL, "no http or https URL" },
    { "http://127.0.0.1/\r\nX: y", NULL, NULL, "no http or https URL" },
    { "https://user:secret@127.0.0.1/", NULL, NULL, "must not hold a user name or password" },
    { "http://127.0.0.1/", "A: b\r\nInjected: yes", NULL, "\"Name: value\" on one line" },
    { "http://127.0.0.1/", "no colon", NULL, "\"Name: value\" on one line" },
    { "http://127.0.0.1/", ": no name", NULL, "\"Name: value\" on one line" },
    { "http://127.0.0.1/", NULL, "GET / HTTP/1.1\r\nX: y", "a word in capitals" },
    { "http://127.0.0.1/", NULL, "", "a word in capitals" },
    { NULL, NULL, NULL, "needs a URL" },
};

static void what_cannot_be_asked_is_refused_at_once(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const char *const headers[] = { refusals[i].header, NULL };
        nl_http_request request = { .url = refusals[i].url,
                                    .headers = headers,
                                    .method = refusals[i].method };
        struct result result = { 0 };
        nl_err err = { .msg = "" };
        assert_null(nl_http_start(http_client, &request, http_done, &result, &err));
        if (err.code != NL_INVALID || !strstr(err.msg, refusals[i].message))
            fail_msg("case %zu: %s", i, err.msg);
        assert_null(strstr(err.msg, "secret"));
    }
    nl_err err = { .msg = "" };
    assert_false(nl_http_auth_as(http_client, "http://127.0.0.1/v1", "X: a\r\nY: ", "key", &err));
    assert_false(nl_http_auth_as(http_client, "http://127.0.0.1/v1", "nothing", "key", &err));
}

static void loopback_is_known_by_address(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool is;
    } cases[] = {
        { "http://127.0.0.1:8080/v1", true },
        { "https://127.9.9.9", true },
        { "http://localhost/v1", true },
        { "http://LOCALHOST:1", true },
        { "http://[::1]:80/", true },
        { "http://[0:0:0:0:0:0:0:1]/", true },
        { "http://127.1/", true }, /* short for 127.0.0.1 */
        { "https://api.openai.com/v1", false },
        { "http://localhost.example.com/", false },
        { "http://127.0.0.1.nip.io/", false },
        { "http://128.0.0.1/", false },
        { "http://[::2]/", false },
        { "http://0.0.0.0/", false },
        { "http://127.0.0.1@example.com/", false },
        { "127.0.0.1", false },
        { "nonsense", false },
        { "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (nl_http_is_loopback(cases[i].url) != cases[i].is)
            fail_msg("%s", cases[i].url);
    }
}

/* --- retry-after --------------------------------------------------------------------------- */

static void retry_after_is_seconds_or_a_date(void **state) {
    (void)state;
    static const struct {
        const char *headers;
        double seconds;
    } cases[] = {
        { "retry-after: 7\n", 7 },
        { "date: x\nretry-after:   0.5\n", 0.5 },
        { "retry-after: Fri, 31 Dec 1999 23:59:59 GMT\n", 59 },
        { "retry-after: Fri, 31 Dec 1999 23:00:00 GMT\n", 0 }, /* past */
        { "retry-after: soon\n", -1 },
        { "retry-after: -5\n", -1 },
        { "retry-after:\n", -1 },
        { "x-retry-after: 7\n", -1 },
        { "", -1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_http_reply reply;
        nl_buf_init(&reply.headers);
        nl_buf_str(&reply.headers, cases[i].headers);
        double got = nl_http_retry_after(&reply, 946684799 - 59);
        if (got != cases[i].seconds)
            fail_msg("%s: %g", cases[i].headers, got);
        nl_buf_release(&reply.headers);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_reply_arrives_whole),
        CASE(methods_follow_each_other_on_one_handle),
        CASE(a_large_body_goes_out_and_comes_back),
        CASE(the_body_is_copied_unless_it_stays),
        CASE(each_failure_is_told_apart),
        CASE(a_refused_connection_was_not_sent),
        CASE(connecting_has_its_own_clock),
        CASE(a_slow_stream_is_not_a_silent_one),
        CASE(a_reply_is_capped_while_it_comes),
        CASE(a_request_is_never_sent_twice),
        CASE(what_cannot_be_asked_is_refused_at_once),
        cmocka_unit_test(loopback_is_known_by_address),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
