/* The HTTP client against a real server that misbehaves on request: what arrives, what is said
 * about failures and whether the request may have been served, clocks, caps, turns, keys. */
#include "io/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "fake.h"
#include "io/proc.h"

#define FAKE BUILD_DIR "/tests/fake_openai"

static nl_loop *loop;
static nl_http *http;
static struct fake fake;

struct result {
    bool done;
    long status;
    nl_err err;
    bool sent;
    double seconds;
    char *body, *headers;
    size_t size;
};

static size_t waiting;

static int setup(void **state) {
    (void)state;
    loop = nl_loop_new(NULL);
    http = loop ? nl_http_new(loop, NULL, NULL) : NULL;
    waiting = 0;
    return http ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_http_free(http);
    nl_loop_free(loop);
    fake_stop(&fake);
    return 0;
}

static void on_done(void *ctx, nl_http_reply *reply) {
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
    if (--waiting == 0)
        nl_loop_stop(loop);
}

static nl_http_call *start(const nl_http_request *request, struct result *result) {
    nl_err err = { .msg = "" };
    *result = (struct result){ 0 };
    nl_http_call *call = nl_http_start(http, request, on_done, result, &err);
    if (!call)
        fail_msg("%s", err.msg);
    assert_false(result->done); /* never inline */
    waiting++;
    return call;
}

static void give_up(void *ctx) {
    (void)ctx;
    fail_msg("nothing happened for 30 s");
}

static void wait_all(void) {
    nl_timer *timer = nl_timer_start(loop, 30000, 0, give_up, NULL, NULL);
    nl_loop_run(loop);
    nl_timer_stop(timer);
}

static void ask(const nl_http_request *request, struct result *result) {
    start(request, result);
    wait_all();
}

static void drop(struct result *result) {
    free(result->body);
    free(result->headers);
}

static void post(const char *body, struct result *result) {
    nl_http_request request = { .url = fake.chat, .body = body, .body_size = strlen(body) };
    ask(&request, result);
}

/* --- what arrives -------------------------------------------------------------------------- */

static void a_reply_arrives_whole(void **state) {
    (void)state;
    static const char *const headers[] = { "Content-Type: application/json", "X-Own: yes", NULL };
    const char *body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    struct result result;
    char value[32];

    fake_start(&fake, FAKE, NULL, "{\"content\":\"grüß dich\",\"headers\":{\"X-Their\":\"a: b\"}}");
    nl_http_request request = {
        .url = fake.chat, .headers = headers, .body = body, .body_size = strlen(body)
    };
    ask(&request, &result);
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

    char *log = fake_log(&fake);
    assert_non_null(strstr(log, "\"x-own\":\"yes\""));
    assert_non_null(strstr(log, "\"content-type\":\"application/json\""));
    assert_non_null(strstr(log, "{\\\"model\\\":\\\"m\\\",")); /* the body as it was */
    assert_null(strstr(log, "authorization"));
    free(log);
    drop(&result);
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
    fake_start(&fake, FAKE, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char url[128];
        struct result result;
        (void)snprintf(url, sizeof url, "%s%s", fake.base, cases[i].path);
        nl_http_request request = { .method = cases[i].method,
                                    .url = url,
                                    .body = cases[i].body,
                                    .body_size = cases[i].body ? strlen(cases[i].body) : 0 };
        ask(&request, &result);
        if (result.err.code != NL_OK || result.status != cases[i].status)
            fail_msg("case %zu: status %ld: %s", i, result.status, result.err.msg);
        drop(&result);
    }
}

static void a_large_body_goes_out_and_comes_back(void **state) {
    (void)state;
    size_t size = 3 << 20; /* above libcurl's threshold for asking first */
    char *body = malloc(size + 1);
    struct result result;

    fake_start(&fake, FAKE, NULL, "{\"fault\":\"huge\",\"times\":1}");
    assert_non_null(body);
    memset(body, ' ', size);
    body[size] = '\0';
    nl_http_request request = { .url = fake.chat,
                                .body = body,
                                .body_size = size,
                                .body_stays = true,
                                .max_reply = 120 << 20 };
    ask(&request, &result);
    assert_int_equal(result.err.code, NL_OK);
    assert_int_equal(result.size, 100000000);
    drop(&result);
    char *log = fake_log(&fake);
    assert_non_null(strstr(log, "\"content-length\":\"3145728\""));
    assert_null(strstr(log, "\"expect\""));
    free(log);
    free(body);
}

static void the_body_is_copied_unless_it_stays(void **state) {
    (void)state;
    struct result result;
    char body[] = "{\"model\":\"before\"}";

    fake_start(&fake, FAKE, NULL, NULL);
    nl_http_request request = { .url = fake.chat, .body = body, .body_size = strlen(body) };
    start(&request, &result);
    memset(body, 'x', strlen(body));
    wait_all();
    assert_non_null(strstr(result.body, "\"model\":\"before\""));
    drop(&result);
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
        fake_start(&fake, FAKE, NULL, faults[i].rule);
        bool stream = strstr(faults[i].rule, "stream_break_after") != NULL;
        nl_http_request request = { .url = fake.chat,
                                    .body = stream ? body : "{}",
                                    .body_size = stream ? strlen(body) : 2,
                                    .idle_ms = 300 };
        ask(&request, &result);
        if (result.status != faults[i].status || result.err.code != faults[i].code ||
            (result.err.code && !strstr(result.err.msg, faults[i].message)) ||
            (faults[i].body && !strstr(result.body, faults[i].body)) ||
            (!faults[i].body && result.size > 0))
            fail_msg("%s: status %ld, %s: %s\n%s", faults[i].why, result.status,
                     nl_code_name(result.err.code), result.err.msg, result.body);
        assert_true(result.sent); /* each of them got the request */
        drop(&result);
        fake_stop(&fake);
        assert_int_equal(fake_count(&fake, "requests"), 1); /* asked once, come what may */
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
    ask(&request, &result);
    assert_int_equal(result.err.code, NL_NET);
    assert_string_equal(result.err.msg, message);
    assert_false(result.sent);
    assert_int_equal(result.status, 0);
    drop(&result);
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
    ask(&request, &result);
    assert_int_equal(result.err.code, NL_TIMEOUT);
    assert_non_null(strstr(result.err.msg, "cannot connect to 127.0.0.1"));
    assert_non_null(strstr(result.err.msg, "within 0.2 s"));
    assert_false(result.sent);
    assert_true(result.seconds >= 0.19 && result.seconds < 5);
    drop(&result);
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        close(fillers[i]);
    close(fd);
}

static void a_slow_stream_is_not_a_silent_one(void **state) {
    (void)state;
    const char *body = "{\"stream\":true}";
    struct result result;

    /* 8 events at 100 ms: longer than the idle time in all, never between two */
    fake_start(&fake, FAKE, NULL,
               "{\"content\":\"0123456789012345678901234567890123456789012345678901234567890123\","
               "\"event_delay_ms\":100}");
    nl_http_request request = {
        .url = fake.chat, .body = body, .body_size = strlen(body), .idle_ms = 400
    };
    ask(&request, &result);
    assert_int_equal(result.err.code, NL_OK);
    assert_true(result.seconds > 0.5);
    assert_non_null(strstr(result.body, "[DONE]"));
    drop(&result);

    request.total_ms = 300; /* and the whole has a clock too */
    ask(&request, &result);
    assert_int_equal(result.err.code, NL_TIMEOUT);
    assert_non_null(strstr(result.err.msg, "has not finished its reply within 0.3 s"));
    assert_non_null(strstr(result.body, "\"delta\"")); /* what came is kept */
    assert_true(result.sent);
    drop(&result);
}

static void a_reply_is_capped_while_it_comes(void **state) {
    (void)state;
    struct result result;
    fake_start(&fake, FAKE, NULL,
               "{\"match\":\"huge\",\"fault\":\"huge\"}\n{\"body\":\"0123456789\"}");
    nl_http_request request = {
        .url = fake.chat, .body = "huge", .body_size = 4, .max_reply = 100000
    };
    ask(&request, &result);
    assert_int_equal(result.err.code, NL_LIMIT);
    assert_non_null(strstr(result.err.msg, "larger than 100000 bytes"));
    assert_int_equal(result.size, 100000);
    assert_int_equal(result.status, 200);
    drop(&result);

    request = (nl_http_request){ .url = fake.chat, .body = "x", .body_size = 1, .max_reply = 10 };
    ask(&request, &result); /* exactly as large is not larger */
    assert_int_equal(result.err.code, NL_OK);
    assert_string_equal(result.body, "0123456789");
    drop(&result);
    request.max_reply = 9;
    ask(&request, &result);
    assert_int_equal(result.err.code, NL_LIMIT);
    assert_string_equal(result.body, "012345678");
    drop(&result);
}

/* A connection that is used again and dies before the reply: libcurl alone would ask again. */
static void a_request_is_never_sent_twice(void **state) {
    (void)state;
    struct result result;
    fake_start(&fake, FAKE, NULL, "{\"times\":1,\"content\":\"x\"}\n{\"fault\":\"reset_before\"}");
    post("{}", &result);
    assert_int_equal(result.err.code, NL_OK);
    drop(&result);
    post("{}", &result);
    assert_int_equal(result.err.code, NL_NET);
    assert_true(result.sent);
    drop(&result);
    fake_stop(&fake);
    assert_int_equal(fake_count(&fake, "requests"), 2);
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
        assert_null(nl_http_start(http, &request, on_done, &result, &err));
        if (err.code != NL_INVALID || !strstr(err.msg, refusals[i].message))
            fail_msg("case %zu: %s", i, err.msg);
        assert_null(strstr(err.msg, "secret"));
    }
    nl_err err = { .msg = "" };
    assert_false(nl_http_auth_as(http, "http://127.0.0.1/v1", "X: a\r\nY: ", "key", &err));
    assert_false(nl_http_auth_as(http, "http://127.0.0.1/v1", "nothing", "key", &err));
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

/* --- TLS ----------------------------------------------------------------------------------- */

static void certificates_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *why, *host;
        bool trusted, passes;
    } cases[] = {
        { "signed by nobody we know", "127.0.0.1", false, false },
        { "trusted, and its name", "127.0.0.1", true, true },
        { "trusted, but another's name", "localhost", true, false },
    };
    static const char dir[] = BUILD_DIR "/tls-test";
    static const char *const arguments[] = { "--tls-cert", BUILD_DIR "/tls-test/cert.pem",
                                             "--tls-key", BUILD_DIR "/tls-test/key.pem", NULL };
    const char *const argv[] = {
        "sh", "-c",
        "mkdir -p $0 && cd $0 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes "
        "-keyout key.pem -out cert.pem -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1",
        dir, NULL
    };
    nl_proc_options options = { .argv = argv };
    nl_buf output;
    int status = -1;

    nl_buf_init(&output);
    assert_true(nl_proc_run(&options, &output, &status, NULL));
    if (status != 0)
        fail_msg("%s", output.data);
    nl_buf_release(&output);
    char *before = getenv("CURL_CA_BUNDLE");
    before = before ? strdup(before) : NULL;
    fake_start(&fake, FAKE, arguments, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result;
        char url[96];
        setenv("CURL_CA_BUNDLE",
               cases[i].trusted ? BUILD_DIR "/tls-test/cert.pem"
                                : "/etc/ssl/certs/ca-certificates.crt",
               1);
        nl_http_free(http);
        http = nl_http_new(loop, NULL, NULL);
        (void)snprintf(url, sizeof url, "https://%s:%u/v1/models", cases[i].host, fake.port);
        nl_http_request request = { .url = url };
        ask(&request, &result);
        if (cases[i].passes != (result.status == 200))
            fail_msg("%s: %ld %s", cases[i].why, result.status, result.err.msg);
        if (!cases[i].passes) {
            assert_int_equal(result.err.code, NL_NET);
            assert_non_null(strstr(result.err.msg, "cannot make a secure connection to"));
            assert_false(result.sent);
        }
        drop(&result);
    }
    if (before)
        setenv("CURL_CA_BUNDLE", before, 1);
    else
        unsetenv("CURL_CA_BUNDLE");
    free(before);
}

/* --- keys ---------------------------------------------------------------------------------- */

static void a_key_goes_only_where_it_belongs(void **state) {
    (void)state;
    static const struct {
        const char *path;
        long status;
    } cases[] = {
        { "/v1/models", 200 },       { "/v1/chat/../models", 200 },
        { "/v1/../v2/models", 401 }, /* leads elsewhere */
        { "/v10/models", 401 },      { "/models", 401 },
    };
    static const char *const arguments[] = { "--require-key", "sk-test-123456", NULL };
    static const char *const own[] = { "authorization: Bearer sk-other-key", NULL };
    char root[64], url[128];
    struct result result;

    fake_start(&fake, FAKE, arguments, NULL);
    (void)snprintf(root, sizeof root, "http://127.0.0.1:%u", fake.port);
    assert_true(nl_http_auth(http, fake.base, "sk-test-123456", NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(url, sizeof url, "%s%s", root, cases[i].path);
        nl_http_request request = { .url = url };
        ask(&request, &result);
        if (result.status != cases[i].status)
            fail_msg("%s: %ld", cases[i].path, result.status);
        drop(&result);
    }
    /* same address under another name: another host */
    (void)snprintf(url, sizeof url, "http://localhost:%u/v1/models", fake.port);
    nl_http_request request = { .url = url };
    ask(&request, &result);
    assert_int_equal(result.status, 401);
    drop(&result);
    /* a request's own header is left alone */
    (void)snprintf(url, sizeof url, "%s/models", fake.base);
    request.headers = own;
    ask(&request, &result);
    assert_int_equal(result.status, 401);
    drop(&result);
    /* taken away */
    request.headers = NULL;
    assert_true(nl_http_auth(http, fake.base, "", NULL));
    ask(&request, &result);
    assert_int_equal(result.status, 401);
    drop(&result);
    /* replaced */
    assert_true(nl_http_auth(http, fake.base, "sk-wrong-9999", NULL));
    assert_true(nl_http_auth(http, fake.base, "sk-test-123456", NULL));
    ask(&request, &result);
    assert_int_equal(result.status, 200);
    drop(&result);
}

static void a_key_is_never_repeated(void **state) {
    (void)state;
    struct result result;
    char line[] = "Bearer sk-echo-abcdef!";

    fake_start(&fake, FAKE, NULL,
               "{\"status\":401,\"headers\":{\"X-Echo\":\"sk-echo-abcdef\"},"
               "\"body\":\"wrong key: sk-echo-abcdef, sk-echo-abcdef.\"}");
    assert_true(nl_http_auth(http, fake.base, "sk-echo-abcdef", NULL));
    post("{}", &result);
    assert_string_equal(result.body, "wrong key: ***, ***.");
    assert_int_equal(result.size, strlen(result.body));
    assert_non_null(strstr(result.headers, "x-echo: ***\n"));
    nl_log_redact(line);
    assert_string_equal(line, "Bearer ***!");
    drop(&result);
}

static void a_key_may_go_in_another_header(void **state) {
    (void)state;
    static const char *const arguments[] = { "--as", "azure", "--require-key", "azure-123456",
                                             NULL };
    static const char *const own[] = { "API-Key: other", NULL };
    struct result result;
    char url[160];

    fake_start(&fake, FAKE, arguments, NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/openai/v1/models", fake.port);
    nl_http_request request = { .url = url };
    assert_true(nl_http_auth(http, url, "azure-123456", NULL));
    ask(&request, &result);
    assert_int_equal(result.status, 401); /* as a bearer's it is no key there */
    drop(&result);
    assert_true(nl_http_auth_as(http, url, "api-key: ", "azure-123456", NULL));
    ask(&request, &result);
    assert_int_equal(result.status, 200);
    drop(&result);
    request.headers = own; /* in any case of letters */
    ask(&request, &result);
    assert_int_equal(result.status, 401);
    drop(&result);
}

static void notes_are_kept_for_each_address(void **state) {
    (void)state;
    static char large[(64 << 10) + 2];
    nl_err err = { .msg = "" };
    char url[32];

    assert_null(nl_http_remembered(http, "a"));
    assert_true(nl_http_remember(http, "a", "one", &err));
    assert_true(nl_http_remember(http, "b", "two", &err));
    assert_true(nl_http_remember(http, "a", "three", &err));
    assert_string_equal(nl_http_remembered(http, "a"), "three");
    assert_string_equal(nl_http_remembered(http, "b"), "two");
    memset(large, 'x', sizeof large - 1);
    assert_false(nl_http_remember(http, "a", large, &err));
    assert_int_equal(err.code, NL_LIMIT);
    assert_string_equal(nl_http_remembered(http, "a"), "three");
    for (int i = 2; i < 64; i++) {
        (void)snprintf(url, sizeof url, "url %d", i);
        assert_true(nl_http_remember(http, url, "x", &err));
    }
    assert_false(nl_http_remember(http, "one too many", "x", &err));
    assert_true(nl_http_remember(http, "b", "still", &err));
}

static void a_key_must_be_fit_for_a_header(void **state) {
    (void)state;
    static const char *const keys[] = { "sk-secret\r\nX: y", "sk-secret two", "sk-secret\n" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        nl_err err = { .msg = "" };
        assert_false(nl_http_auth(http, "http://127.0.0.1/v1", keys[i], &err));
        assert_int_equal(err.code, NL_INVALID);
        assert_null(strstr(err.msg, "secret"));
    }
}

/* --- many at once -------------------------------------------------------------------------- */

enum { CROWD = 60, PLACES = 20 };

static void calls_wait_their_turn(void **state) {
    (void)state;
    static struct result results[CROWD];
    static const char *const arguments[] = { "--delay-ms", "300", NULL };
    nl_http_options options = { .max_connections = PLACES };

    fake_start(&fake, FAKE, arguments, NULL);
    nl_http_free(http);
    http = nl_http_new(loop, &options, NULL);
    assert_non_null(http);
    /* the last come to their turn after 600 ms: no clock may run before that */
    nl_http_request request = {
        .url = fake.chat, .body = "{}", .body_size = 2, .connect_ms = 550, .total_ms = 560
    };
    for (size_t i = 0; i < CROWD; i++)
        start(&request, &results[i]);
    wait_all();
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(results[i].err.code, NL_OK);
        assert_int_equal(results[i].status, 200);
        drop(&results[i]);
    }
    fake_stop(&fake);
    assert_int_equal(fake_count(&fake, "requests"), CROWD);
    assert_int_equal(fake_count(&fake, "max_in_flight"), PLACES);
}

static void a_cancelled_call_is_never_heard_of(void **state) {
    (void)state;
    static struct result results[60];
    static const char *const arguments[] = { "--delay-ms", "20", NULL };
    nl_http_call *calls[60];
    nl_http_options options = { .max_connections = 10 };

    fake_start(&fake, FAKE, arguments, NULL);
    nl_http_free(http);
    http = nl_http_new(loop, &options, NULL);
    nl_http_request request = { .url = fake.chat, .body = "{}", .body_size = 2 };
    for (size_t i = 0; i < 60; i++)
        calls[i] = start(&request, &results[i]);
    for (size_t i = 0; i < 60;
         i++) { /* some under way, some in the queue, every one but each 4th */
        if (i % 4 != 0) {
            nl_http_cancel(calls[i]);
            waiting--;
        }
    }
    wait_all();
    for (size_t i = 0; i < 60; i++) {
        assert_int_equal(results[i].done, i % 4 == 0);
        drop(&results[i]);
    }
}

static nl_http_call *neighbour;
static struct result neighbour_result;

static void cancel_neighbour(void *ctx, nl_http_reply *reply) {
    (void)reply;
    if (neighbour)
        nl_http_cancel(neighbour);
    neighbour = NULL;
    on_done(ctx, reply);
    /* and start another from here */
    if (waiting == 1) {
        waiting--;
        nl_http_request request = { .url = fake.chat, .body = "{}", .body_size = 2 };
        start(&request, &neighbour_result);
    }
}

static void calls_can_be_started_and_cancelled_from_an_end(void **state) {
    (void)state;
    struct result result = { 0 }, other;
    fake_start(&fake, FAKE, NULL, NULL);
    nl_http_request request = { .url = fake.chat, .body = "{}", .body_size = 2 };
    assert_non_null(nl_http_start(http, &request, cancel_neighbour, &result, NULL));
    waiting += 2;
    /* both are answered at about the same time: the second's end may be in line already */
    *(&other) = (struct result){ 0 };
    neighbour = nl_http_start(http, &request, cancel_neighbour, &other, NULL);
    wait_all();
    assert_int_equal(result.done + other.done, 1);
    assert_true(neighbour_result.done);
    drop(&result);
    drop(&other);
    drop(&neighbour_result);
}

static void closing_the_client_drops_what_is_under_way(void **state) {
    (void)state;
    static struct result results[30];
    nl_http_options options = { .max_connections = 10 };
    fake_start(&fake, FAKE, NULL, "{\"fault\":\"hang\"}");
    nl_http_free(http);
    http = nl_http_new(loop, &options, NULL);
    nl_http_request request = { .url = fake.chat, .body = "{}", .body_size = 2 };
    for (size_t i = 0; i < 30; i++)
        start(&request, &results[i]);
    nl_timer *timer = nl_timer_start(loop, 50, 0, (nl_fn)nl_loop_stop, loop, NULL);
    nl_loop_run(loop);
    nl_timer_stop(timer);
    nl_http_free(http); /* sanitizers watch */
    http = NULL;
    for (size_t i = 0; i < 30; i++)
        assert_false(results[i].done);
}

static void connections_are_used_again(void **state) {
    (void)state;
    struct result result;
    int before = dup(0);
    close(before);
    fake_start(&fake, FAKE, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        post("{}", &result);
        assert_int_equal(result.err.code, NL_OK);
        drop(&result);
    }
    int after = dup(0);
    close(after);
    assert_true(after - before <= 4); /* the connection and the fake's pipe, not 50 sockets */

    /* the server goes: that wakes an idle connection's watch once, not for ever */
    fake_stop(&fake);
    clock_t busy = clock();
    nl_timer *timer = nl_timer_start(loop, 200, 0, (nl_fn)nl_loop_stop, loop, NULL);
    nl_loop_run(loop);
    nl_timer_stop(timer);
    assert_true(clock() - busy < CLOCKS_PER_SEC / 40);
    post("{}", &result);
    assert_int_equal(result.err.code, NL_NET);
    assert_false(result.sent);
    drop(&result);
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

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
        CASE(certificates_are_checked),
        CASE(a_key_goes_only_where_it_belongs),
        CASE(a_key_is_never_repeated),
        CASE(a_key_may_go_in_another_header),
        CASE(notes_are_kept_for_each_address),
        CASE(a_key_must_be_fit_for_a_header),
        CASE(calls_wait_their_turn),
        CASE(a_cancelled_call_is_never_heard_of),
        CASE(calls_can_be_started_and_cancelled_from_an_end),
        CASE(closing_the_client_drops_what_is_under_way),
        CASE(connections_are_used_again),
        cmocka_unit_test(loopback_is_known_by_address),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
