/* The HTTP client: whom it trusts and where a key goes: certificates, keys, notes of an address. */
#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "http_fixture.h"
#include "io/proc.h"

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
    fake_start(&http_fake, FAKE, arguments, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result;
        char url[96];
        setenv("CURL_CA_BUNDLE",
               cases[i].trusted ? BUILD_DIR "/tls-test/cert.pem"
                                : "/etc/ssl/certs/ca-certificates.crt",
               1);
        nl_http_free(http_client);
        http_client = nl_http_new(http_loop, NULL, NULL);
        (void)snprintf(url, sizeof url, "https://%s:%u/v1/models", cases[i].host, http_fake.port);
        nl_http_request request = { .url = url };
        http_ask(&request, &result);
        if (cases[i].passes != (result.status == 200))
            fail_msg("%s: %ld %s", cases[i].why, result.status, result.err.msg);
        if (!cases[i].passes) {
            assert_int_equal(result.err.code, NL_NET);
            assert_non_null(strstr(result.err.msg, "cannot make a secure connection to"));
            assert_false(result.sent);
        }
        http_drop(&result);
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

    fake_start(&http_fake, FAKE, arguments, NULL);
    (void)snprintf(root, sizeof root, "http://127.0.0.1:%u", http_fake.port);
    assert_true(nl_http_auth(http_client, http_fake.base, "sk-test-123456", NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(url, sizeof url, "%s%s", root, cases[i].path);
        nl_http_request request = { .url = url };
        http_ask(&request, &result);
        if (result.status != cases[i].status)
            fail_msg("%s: %ld", cases[i].path, result.status);
        http_drop(&result);
    }
    /* same address under another name: another host */
    (void)snprintf(url, sizeof url, "http://localhost:%u/v1/models", http_fake.port);
    nl_http_request request = { .url = url };
    http_ask(&request, &result);
    assert_int_equal(result.status, 401);
    http_drop(&result);
    /* a request's own header is left alone */
    (void)snprintf(url, sizeof url, "%s/models", http_fake.base);
    request.headers = own;
    http_ask(&request, &result);
    assert_int_equal(result.status, 401);
    http_drop(&result);
    /* taken away */
    request.headers = NULL;
    assert_true(nl_http_auth(http_client, http_fake.base, "", NULL));
    http_ask(&request, &result);
    assert_int_equal(result.status, 401);
    http_drop(&result);
    /* replaced */
    assert_true(nl_http_auth(http_client, http_fake.base, "sk-wrong-9999", NULL));
    assert_true(nl_http_auth(http_client, http_fake.base, "sk-test-123456", NULL));
    http_ask(&request, &result);
    assert_int_equal(result.status, 200);
    http_drop(&result);
}

static void a_key_is_never_repeated(void **state) {
    (void)state;
    struct result result;
    char line[] = "Bearer sk-echo-abcdef!";

    fake_start(&http_fake, FAKE, NULL,
               "{\"status\":401,\"headers\":{\"X-Echo\":\"sk-echo-abcdef\"},"
               "\"body\":\"wrong key: sk-echo-abcdef, sk-echo-abcdef.\"}");
    assert_true(nl_http_auth(http_client, http_fake.base, "sk-echo-abcdef", NULL));
    http_post("{}", &result);
    assert_string_equal(result.body, "wrong key: ***, ***.");
    assert_int_equal(result.size, strlen(result.body));
    assert_non_null(strstr(result.headers, "x-echo: ***\n"));
    nl_log_redact(line);
    assert_string_equal(line, "Bearer ***!");
    http_drop(&result);
}

static void a_key_may_go_in_another_header(void **state) {
    (void)state;
    static const char *const arguments[] = { "--as", "azure", "--require-key", "azure-123456",
                                             NULL };
    static const char *const own[] = { "API-Key: other", NULL };
    struct result result;
    char url[160];

    fake_start(&http_fake, FAKE, arguments, NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/openai/v1/models", http_fake.port);
    nl_http_request request = { .url = url };
    assert_true(nl_http_auth(http_client, url, "azure-123456", NULL));
    http_ask(&request, &result);
    assert_int_equal(result.status, 401); /* as a bearer's it is no key there */
    http_drop(&result);
    assert_true(nl_http_auth_as(http_client, url, "api-key: ", "azure-123456", NULL));
    http_ask(&request, &result);
    assert_int_equal(result.status, 200);
    http_drop(&result);
    request.headers = own; /* in any case of letters */
    http_ask(&request, &result);
    assert_int_equal(result.status, 401);
    http_drop(&result);
}

static void notes_are_kept_for_each_address(void **state) {
    (void)state;
    static char large[(64 << 10) + 2];
    nl_err err = { .msg = "" };
    char url[32];

    assert_null(nl_http_remembered(http_client, "a"));
    assert_true(nl_http_remember(http_client, "a", "one", &err));
    assert_true(nl_http_remember(http_client, "b", "two", &err));
    assert_true(nl_http_remember(http_client, "a", "three", &err));
    assert_string_equal(nl_http_remembered(http_client, "a"), "three");
    assert_string_equal(nl_http_remembered(http_client, "b"), "two");
    memset(large, 'x', sizeof large - 1);
    assert_false(nl_http_remember(http_client, "a", large, &err));
    assert_int_equal(err.code, NL_LIMIT);
    assert_string_equal(nl_http_remembered(http_client, "a"), "three");
    for (int i = 2; i < 64; i++) {
        (void)snprintf(url, sizeof url, "url %d", i);
        assert_true(nl_http_remember(http_client, url, "x", &err));
    }
    assert_false(nl_http_remember(http_client, "one too many", "x", &err));
    assert_true(nl_http_remember(http_client, "b", "still", &err));
}

static void a_key_must_be_fit_for_a_header(void **state) {
    (void)state;
    static const char *const keys[] = { "sk-secret\r\nX: y", "sk-secret two", "sk-secret\n" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        nl_err err = { .msg = "" };
        assert_false(nl_http_auth(http_client, "http://127.0.0.1/v1", keys[i], &err));
        assert_int_equal(err.code, NL_INVALID);
        assert_null(strstr(err.msg, "secret"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(certificates_are_checked),        CASE(a_key_goes_only_where_it_belongs),
        CASE(a_key_is_never_repeated),         CASE(a_key_may_go_in_another_header),
        CASE(notes_are_kept_for_each_address), CASE(a_key_must_be_fit_for_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
