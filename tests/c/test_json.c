/* JSON: what the reader takes and refuses, what the writer writes and refuses, and that both agree.
 */
#include "data/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_memory.h"

static const struct {
    const char *why, *text;
    const char *back; /* what the writer makes of it; NULL: the same; "!…": refused so */
} cases[] = {
    { "an empty object", "{}", NULL },
    { "an empty array stays one", "[]", NULL },
    { "order of keys is kept", "{\"question\":1,\"sql\":2,\"a\":3}", NULL },
    { "white space goes", " { \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}" },
    { "2^53 + 1 is exact", "9007199254740993", NULL },
    { "a bigint beyond int64 is exact", "123456789012345678901234567890", NULL },
    { "decimals keep their zeros", "[1.50,0.1234567890123456789]", NULL },
    { "exponents are kept", "1e-7", NULL },
    { "escapes are decoded", "\"a\\n\\t\\\"\\u00e9\\ud83d\\ude00\"",
      "\"a\\n\\t\\\"\xC3\xA9\xF0\x9F\x98\x80\"" },
    { "a NUL inside a string", "\"a\\u0000b\"", NULL },
    { "duplicate keys are both there", "{\"a\":1,\"a\":2}", NULL },
    { "nothing", "", "!line 1" },
    { "two values", "1 2", "!line 1, column 3: something follows" },
    { "a trailing comma", "[1,]", "!line 1, column" },
    { "no quotes", "{a:1}", "!line 1, column" },
    { "invalid UTF-8", "\"\xFF\"", "!line 1, column" },
    { "an overlong form", "\"\xC0\xAF\"", "!line 1, column" },
    { "the place is told", "{\n  \"a\": tru\n}", "!line 2" },
    { "a comment", "/* x */ 1", "!line 1" },
    { "NaN", "NaN", "!line 1" },
    { "an unfinished string behind the value", "[1]\n \"", "!line 2, column 2: something follows" },
    { "an unfinished word behind the value", "{} tr", "!line 1, column 4: something follows" },
    { "a lone low surrogate", "\"a\\udc00b\"",
      "\"a\xEF\xBF\xBD"
      "b\"" },
    { "a character that begins like a surrogate", "\"\xED\x9F\xBF\"", NULL },
    { "every escape", "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\\\/\\u007f\"",
      "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\\u007f\"" },
};

static void reads_and_writes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_err err = { .code = NL_OK };
        nl_json *json = nl_json_read(cases[i].text, strlen(cases[i].text), 0, &err);
        if (cases[i].back && cases[i].back[0] == '!') {
            if (json || !strstr(err.msg, cases[i].back + 1))
                fail_msg("%s: expected a refusal with \"%s\", got \"%s\"", cases[i].why,
                         cases[i].back + 1, json ? "a value" : err.msg);
            continue;
        }
        if (!json)
            fail_msg("%s: %s", cases[i].why, err.msg);
        nl_buf out;
        nl_json_writer w;
        nl_buf_init(&out);
        nl_json_writer_init(&w, &out);
        nl_json_put_node(&w, nl_json_root(json));
        assert_true(nl_json_writer_done(&w, &err));
        const char *expected = cases[i].back ? cases[i].back : cases[i].text;
        if (strcmp(out.data, expected) != 0)
            fail_msg("%s: expected %s, got %s", cases[i].why, expected, out.data);
        nl_buf_release(&out);
        nl_json_free(json);
    }
}

static void depth_is_capped(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    char deep[2001];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    deep[2000] = '\0';
    assert_null(nl_json_read(deep, 2000, 0, &err));
    assert_int_equal(err.code, NL_LIMIT);
    nl_json *json = nl_json_read(deep + 900, 200, 100, NULL); /* exactly the limit */
    assert_non_null(json);
    nl_json_free(json);
    assert_null(nl_json_read(deep + 899, 202, 100, NULL));
}

static void members_are_found(void **state) {
    (void)state;
    static const char text[] = "{\"s\":\"x\",\"n\":-12,\"big\":9223372036854775808,\"f\":1.5,"
                               "\"t\":true,\"s\":\"last\"}";
    int64_t value = 0;
    nl_json *json = nl_json_read(text, sizeof text - 1, 0, NULL);
    const nl_json_node *root = nl_json_root(json);
    assert_string_equal(nl_json_get_str(root, "s"), "last"); /* of doubles the last counts */
    assert_null(nl_json_get_str(root, "n"));
    assert_null(nl_json_get(root, "none"));
    assert_null(nl_json_get(NULL, "s"));
    assert_true(nl_json_int(nl_json_get(root, "n"), &value));
    assert_int_equal(value, -12);
    assert_false(nl_json_int(nl_json_get(root, "big"), &value));
    assert_false(nl_json_int(nl_json_get(root, "f"), &value));
    assert_true(nl_json_get_num(root, "f", 0) == 1.5);
    assert_true(nl_json_get_num(root, "none", 7) == 7);
    assert_true(nl_json_get_bool(root, "t"));
    assert_false(nl_json_get_bool(root, "s"));
    nl_json_free(json);
}

static void the_writer_refuses_what_is_not_json(void **state) {
    (void)state;
    for (int i = 0; i < 9; i++) {
        nl_buf out;
        nl_json_writer w;
        nl_err err = { .code = NL_OK };
        nl_buf_init(&out);
        nl_json_writer_init(&w, &out);
        switch (i) {
        case 0: /* never finished */
            nl_json_open_object(&w);
            break;
        case 1: /* a value without a key */
            nl_json_open_object(&w);
            nl_json_put_int(&w, 1);
            break;
        case 2: /* a key in an array */
            nl_json_open_array(&w);
            nl_json_key(&w, "a");
            break;
        case 3: /* the wrong bracket */
            nl_json_open_array(&w);
            nl_json_close_object(&w);
            break;
        case 4: /* two values */
            nl_json_put_int(&w, 1);
            nl_json_put_int(&w, 2);
            break;
        case 5:
            nl_json_str_n(&w, "\xED\xA0\x80", 3); /* a surrogate */
            break;
        case 6:
            nl_json_put_double(&w, (double)NAN);
            break;
        case 7:
            nl_json_put_number(&w, "01", 2);
            break;
        default:
            nl_json_put_number(&w, "1.", 2);
            break;
        }
        if (nl_json_writer_done(&w, &err))
            fail_msg("case %d was written: %s", i, out.data);
        assert_int_equal(err.code, NL_INVALID);
        nl_buf_release(&out);
    }
}

static void doubles_are_shortest_and_exact(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } doubles[] = { { 0.1, "0.1" },
                    { 1.0 / 3, "0.33333333333333331" },
                    { 1e300, "1e+300" },
                    { -2.5, "-2.5" },
                    { 100, "100" } };
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        nl_buf out;
        nl_json_writer w;
        nl_buf_init(&out);
        nl_json_writer_init(&w, &out);
        assert_true(nl_json_put_double(&w, doubles[i].value));
        assert_true(strtod(out.data, NULL) == doubles[i].value);
        assert_true(strlen(out.data) <= strlen(doubles[i].text));
        nl_buf_release(&out);
    }
}

static void spans_end_where_the_value_does(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t span;
    } spans[] = { { "{}", 2 },
                  { "[1,{\"a\":\"]\"}] x", 13 },
                  { "{\"a\\\"}\":1}", 10 },
                  { "{", 0 },
                  { "x", 0 },
                  { "[\"", 0 } };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        assert_int_equal(nl_json_span(spans[i].text, strlen(spans[i].text)), spans[i].span);
}

static void memory_limits_are_errors(void **state) {
    (void)state;
    nl_buf out;
    nl_json_writer w;
    nl_err err;
    nl_buf_init(&out);
    out.limit = 16;
    nl_json_writer_init(&w, &out);
    nl_json_str(&w, "more than sixteen bytes of text");
    assert_false(nl_json_writer_done(&w, &err));
    assert_int_equal(err.code, NL_NOMEM);
    nl_buf_release(&out);
}

/* yajl itself does not look at what its allocator returns. Texts on both sides of the reader's
 * scratch memory; one allocation fails, or all from one on. */
static void reading_outlives_memory_that_runs_out(void **state) {
    (void)state;
    nl_buf text;
    nl_buf_init(&text);
    nl_buf_str(&text, "{\"a\":[1,2.5,null,true],\"long\":\"\\n");
    for (int large = 0; large < 2; large++) {
        size_t size = text.size;
        nl_buf_str(&text, "\",\"deep\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}");
        for (int once = 0; once < 2; once++) {
            bool done = false;
            for (long i = 0; !done; i++) {
                nl_err err = { .code = NL_OK };
                if (once)
                    test_memory_fail_once(i);
                else
                    test_memory_fail(i);
                nl_json *json = nl_json_read(text.data, text.size, 0, &err);
                test_memory_fail(-1);
                done = !test_memory_failed();
                if (done != (json != NULL) || (!done && err.code != NL_NOMEM))
                    fail_msg("allocation %ld: %s", i, json ? "a value" : err.msg);
                nl_json_free(json);
            }
        }
        text.size = size;
        for (int i = 0; i < 5000; i++)
            nl_buf_str(&text, "\\t\xC3\xA9");
    }
    nl_buf_release(&text);
}

/* The text goes on wrong behind something long: the words of the error need memory too. */
static void errors_outlive_memory_that_runs_out(void **state) {
    (void)state;
    static const char text[] = "{\"a\": [1, 2, 3}";
    bool done = false;
    for (long i = 0; !done; i++) {
        nl_err err = { .code = NL_OK };
        test_memory_fail(i);
        assert_null(nl_json_read(text, sizeof text - 1, 0, &err));
        test_memory_fail(-1);
        done = !test_memory_failed();
        assert_int_equal(err.code, done ? NL_INVALID : NL_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(depth_is_capped),
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(the_writer_refuses_what_is_not_json),
        cmocka_unit_test(doubles_are_shortest_and_exact),
        cmocka_unit_test(spans_end_where_the_value_does),
        cmocka_unit_test(memory_limits_are_errors),
        cmocka_unit_test(reading_outlives_memory_that_runs_out),
        cmocka_unit_test(errors_outlive_memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
