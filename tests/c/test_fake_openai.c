/* The fake endpoint's own promises, where other tests build on them: which pairs a request gets,
 * what it refuses, how it streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/sse.h"
#include "fake.h"
#include "io/http.h"

#define FAKE BUILD_DIR "/tests/fake_openai"
#define PAIRS BUILD_DIR "/fake-pairs.jsonl"

static nl_loop *loop;
static nl_http *http;
static struct fake fake;

static const char pairs[] =
    "{\"question\":\"A1\",\"sql\":\"SELECT 1 FROM artist WHERE id > 10\"}\n"
    "{\"question\":\"B1\",\"sql\":\"SELECT 2 FROM \\\"Order Lines\\\" l JOIN artist a ON true\"}\n"
    "{\"question\":\"A2\",\"sql\":\"WITH top AS (SELECT * FROM artist) SELECT * FROM top\"}\n"
    "{\"question\":\"A3\",\"sql\":\"SELECT 'x9' FROM public.artist\"}\n";

static int setup(void **state) {
    (void)state;
    FILE *file = fopen(PAIRS, "we");
    if (!file || fputs(pairs, file) < 0 || fclose(file) != 0)
        return -1;
    loop = nl_loop_new(NULL);
    http = loop ? nl_http_new(loop, NULL, NULL) : NULL;
    return http ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_http_free(http);
    nl_loop_free(loop);
    fake_stop(&fake);
    unlink(PAIRS);
    return 0;
}

static char reply_body[16384];
static long reply_status;

static void on_done(void *ctx, nl_http_reply *reply) {
    (void)ctx;
    reply_status = reply->status;
    (void)snprintf(reply_body, sizeof reply_body, "%s", reply->body.data);
    nl_loop_stop(loop);
}

static const char *post(const char *body) {
    nl_http_request request = { .url = fake.chat, .body = body, .body_size = strlen(body) };
    assert_non_null(nl_http_start(http, &request, on_done, NULL, NULL));
    nl_loop_run(loop);
    return reply_body;
}

/* The questions in the reply, in their order: "A1 A2". */
static const char *questions(const char *body) {
    static char found[256];
    size_t n = 0;
    for (const char *at = post(body); (at = strstr(at, "question\\\":\\\"")) != NULL;) {
        at += strlen("question\\\":\\\"");
        size_t size = strcspn(at, "\\");
        n += (size_t)snprintf(found + n, sizeof found - n, "%s%.*s", n ? " " : "", (int)size, at);
    }
    found[n] = '\0';
    return found;
}

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define SAID "{\"role\":\"assistant\",\"content\":\"artist\"}"
#define CHAT(messages) "{\"model\":\"m\",\"messages\":[" messages "]}"

static void pairs_come_in_the_files_order_and_end(void **state) {
    (void)state;
    static const char *const arguments[] = { "--pairs", PAIRS, "--per-reply", "3", NULL };
    fake_start(&fake, FAKE, arguments, NULL);
    assert_string_equal(questions("{}"), "A1 B1 A2");
    assert_string_equal(questions("{}"), "A3");
    assert_string_equal(questions("{}"), "");
}

static void a_cycle_changes_a_literal(void **state) {
    (void)state;
    static const char *const arguments[] = {
        "--pairs", PAIRS, "--per-reply", "4", "--cycle", NULL
    };
    fake_start(&fake, FAKE, arguments, NULL);
    assert_string_equal(questions("{}"), "A1 B1 A2 A3");
    assert_string_equal(questions("{}"),
                        "A1 (variant 1) B1 (variant 1) A2 (variant 1) A3 (variant 1)");
    assert_non_null(strstr(reply_body, "artist WHERE id > 11\\\""));
    assert_non_null(strstr(reply_body, "SELECT 'x9' FROM public.artist LIMIT 1001\\\""));
}

static void a_reply_can_depend_on_the_request_alone(void **state) {
    (void)state;
    static const char *const arguments[] = { "--pairs", PAIRS,          "--per-reply",
                                             "2",       "--by-request", NULL };
    char first[64], second[64];
    fake_start(&fake, FAKE, arguments, NULL);
    (void)snprintf(first, sizeof first, "%s", questions(CHAT(USER("tables:\\nartist, other"))));
    (void)snprintf(second, sizeof second, "%s",
                   questions(CHAT(USER("tables:\\nartist") "," SAID "," USER("more"))));
    /* whatever was asked between, the same again */
    assert_string_equal(questions(CHAT(USER("tables:\\nartist, other"))), first);
    assert_string_equal(questions(CHAT(USER("artist") "," SAID "," USER("more"))), second);
    /* the two turns share three eligible pairs, each once: B1 needs a table that is not named */
    assert_null(strstr(first, "B1"));
    assert_null(strstr(second, "B1"));
    assert_int_equal(strlen(first), 5);
    assert_int_equal(strlen(second), 2);
    assert_null(strstr(first, second));
    /* a word that only begins alike names nothing: then all are eligible */
    (void)snprintf(first, sizeof first, "%s", questions(CHAT(USER("artists"))));
    (void)snprintf(second, sizeof second, "%s",
                   questions(CHAT(USER("artists") "," SAID "," USER("more"))));
    assert_true((strstr(first, "B1") != NULL) != (strstr(second, "B1") != NULL));
}

static void rules_come_first_and_run_out(void **state) {
    (void)state;
    static const char *const arguments[] = { "--pairs", PAIRS, "--per-reply", "1", NULL };
    fake_start(&fake, FAKE, arguments,
               "{\"match\":\"sets\",\"body\":\"the sets\"}\n"
               "{\"times\":1,\"pairs\":[{\"question\":\"R\",\"sql\":\"S\"}]}\n");
    assert_string_equal(post("{\"x\":\"sets\"}"), "the sets");
    assert_string_equal(questions("{}"), "R");
    assert_string_equal(questions("{}"), "A1");
    assert_string_equal(post("{\"x\":\"sets\"}"), "the sets");
}

static void parameters_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *flag, *body;
        long status;
        const char *named;
    } cases[] = {
        { "--no-json-schema", "{\"response_format\":{\"type\":\"json_schema\"}}", 400,
          "\"param\":\"response_format\"" },
        { "--no-json-schema", "{\"response_format\":{\"type\":\"json_object\"}}", 200, "" },
        { "--no-json-object", "{\"response_format\": {\"type\" : \"json_object\"}}", 400,
          "'response_format'" },
        { "--max-tokens-only", "{\"max_completion_tokens\":5}", 400, "max_completion_tokens" },
        { "--max-tokens-only", "{\"max_tokens\":5}", 200, "" },
        { "--max-completion-tokens-only", "{\"max_tokens\":5}", 400, "\"param\":\"max_tokens\"" },
        /* only what is a member of the request, not what a prompt says */
        { "--max-completion-tokens-only",
          "{\"messages\":[{\"max_tokens\":\"\\\"max_tokens\\\":\"}]}", 200, "" },
        { "--no-tools", "{\"tools\":[{\"type\":\"function\"}]}", 400, "does not support tools" },
        { "--no-tools", "{\"messages\":[{\"content\":\"tools\"}]}", 200, "" },
        { "--ignore-stream", "{\"stream\":true}", 200, "\"object\":\"chat.completion\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const arguments[] = { cases[i].flag, NULL };
        fake_start(&fake, FAKE, arguments, NULL);
        const char *got = post(cases[i].body);
        if (reply_status != cases[i].status || !strstr(got, cases[i].named))
            fail_msg("case %zu: %ld %s", i, reply_status, got);
        fake_stop(&fake);
    }
}

static void a_stream_has_usage_where_it_was_asked_for(void **state) {
    (void)state;
    fake_start(&fake, FAKE, NULL,
               "{\"match\":\"none\",\"content\":\"x\",\"usage\":false}\n"
               "{\"content\":\"x\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n");
    assert_non_null(strstr(post("{\"stream\":true,\"stream_options\":{\"include_usage\":true}}"),
                           "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n"
                           "data: [DONE]\n\n"));
    assert_null(strstr(post("{\"stream\":true}"), "usage"));
    assert_non_null(strstr(post("{}"), "\"usage\":{\"prompt_tokens\":3"));
    assert_null(strstr(post("{\"x\":\"none\"}"), "usage"));
    fake_stop(&fake);
    assert_int_equal(fake_count(&fake, "requests"), 4);
    assert_true(fake_count(&fake, "prompt_tokens") >= 9);
}

#define CALLS                                                                                      \
    "{\"match\":\"both\",\"content\":\"I "                                                         \
    "look.\",\"tool_calls\":[{\"name\":\"a\",\"arguments\":\"{}\","                                \
    "\"id\":\"x1\"}]}\n"                                                                           \
    "{\"tool_calls\":[{\"name\":\"first\",\"arguments\":\"{\\\"sql\\\": \\\"SELECT\"},"            \
    "{\"name\":\"second\",\"arguments\":\"{}\"}]}\n"

static void a_rule_calls_tools(void **state) {
    (void)state;
    fake_start(&fake, FAKE, NULL, CALLS);
    assert_non_null(strstr(
        post("{}"),
        "\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{"
        "\"name\":\"first\",\"arguments\":\"{\\\"sql\\\": \\\"SELECT\"}},{\"id\":\"call_2\","));
    assert_non_null(strstr(reply_body, "\"finish_reason\":\"tool_calls\""));
    assert_non_null(strstr(post("{\"x\":\"both\"}"),
                           "\"content\":\"I look.\",\"tool_calls\":[{\"id\":\"x1\","));
}

/* The engine's own fold makes of the stream what the whole reply says. */
static void a_rule_calls_tools_in_a_stream(void **state) {
    nl_buf whole;
    nl_sse_report report;
    nl_err err = { .code = NL_OK };
    (void)state;
    fake_start(&fake, FAKE, NULL, CALLS);
    post("{\"stream\":true}");
    assert_null(strstr(reply_body, "SELECT\"}}")); /* the arguments come in pieces */
    nl_buf_init(&whole);
    assert_true(nl_sse_fold(reply_body, strlen(reply_body), &whole, &report, &err));
    assert_true(report.done);
    assert_non_null(strstr(whole.data, "\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\","
                                       "\"function\":{\"name\":\"first\","
                                       "\"arguments\":\"{\\\"sql\\\": \\\"SELECT\"}},"
                                       "{\"id\":\"call_2\""));
    nl_buf_release(&whole);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(pairs_come_in_the_files_order_and_end),
        CASE(a_cycle_changes_a_literal),
        CASE(a_reply_can_depend_on_the_request_alone),
        CASE(rules_come_first_and_run_out),
        CASE(parameters_are_refused_by_name),
        CASE(a_stream_has_usage_where_it_was_asked_for),
        CASE(a_rule_calls_tools),
        CASE(a_rule_calls_tools_in_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
