/* nlsql_ask and what another program reads from its result: against a real PostgreSQL and a real
 * endpoint; and that the example program does what it says. */
#include <nlsql.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/result.h"
#include "cluster_support.h"
#include "fake.h"
#include "io/proc.h"
#include "test_memory.h"

#include "base/banned.h"

#define FAKE BUILD_DIR "/tests/fake_openai"
#define EXAMPLE BUILD_DIR "/tests/example_ask"

/* A rule for the endpoint: requests that hold `word` are answered with this query. */
#define RULE(word, sql)                                                                            \
    "{\"match\":\"" word "\",\"content\":\"{\\\"question\\\":\\\"x\\\",\\\"sql\\\":\\\"" sql       \
    "\\\"}\"}\n"

static struct place place;
static struct fake fake;
static nl_cluster *demo;
static char url[512], asks[256];

static int set_up(void **state) {
    (void)state;
    static const char rules[] = RULE("How many shops", "SELECT count(*) AS n FROM shop")
        RULE("Which cities", "SELECT id, name, NULLIF(name, 'city 2') AS other FROM city WHERE id "
                             "< 4 ORDER BY id")
            RULE("Which nowhere", "SELECT name FROM city WHERE id > 100")
                RULE("Every visit", "SELECT shop FROM visit")
                    RULE("Which planets", "SELECT name FROM planet");
    place_make(&place);
    if (chdir(place.folder) != 0) /* where replies are stored */
        return -1;
    demo = place_start(&place);
    if (!nl_cluster_url(demo, "demo", url, sizeof url))
        return -1;
    fake_start(&fake, FAKE, NULL, rules);
    (void)snprintf(asks, sizeof asks, "{\"base_url\": \"%s\", \"anonymise\": \"off\"}", fake.base);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fake_stop(&fake);
    nl_cluster_stop(demo);
    if (chdir("/") != 0)
        return -1;
    place_remove(&place);
    return 0;
}

static nlsql *open_engine(const char *database_url) {
    const nlsql_options options = { .database_url = database_url, .project_dir = place.folder };
    char error[512] = "";
    nlsql *engine = nlsql_open(&options, error, sizeof error);
    if (!engine)
        fail_msg("%s", error);
    return engine;
}

static void an_answer_has_a_query_and_rows(void **state) {
    (void)state;
    nlsql *engine = open_engine(url);
    nlsql_result *one = nlsql_ask(engine, "Which cities come first?", asks);
    nlsql_result *other = nlsql_ask(engine, "How many shops are there?", asks);
    nlsql_close(engine); /* results outlive it */
    if (!nlsql_result_ok(one))
        fail_msg("%d: %s", nlsql_result_code(one), nlsql_result_reason(one));
    assert_int_equal(nlsql_result_code(one), NLSQL_DONE);
    assert_non_null(strstr(nlsql_result_sql(one), "NULLIF(name, 'city 2')"));
    assert_null(nlsql_result_gate(one));
    assert_null(nlsql_result_reason(one));
    assert_int_equal(nlsql_result_n_columns(one), 3);
    assert_string_equal(nlsql_result_column(one, 0), "id");
    assert_string_equal(nlsql_result_column(one, 2), "other");
    assert_null(nlsql_result_column(one, 3));
    assert_int_equal(nlsql_result_n_rows(one), 3);
    assert_string_equal(nlsql_result_cell(one, 0, 0), "1");
    assert_string_equal(nlsql_result_cell(one, 1, 1), "city 2");
    assert_null(nlsql_result_cell(one, 1, 2)); /* SQL's NULL */
    assert_string_equal(nlsql_result_cell(one, 2, 2), "city 3");
    assert_null(nlsql_result_cell(one, 3, 0));
    assert_null(nlsql_result_cell(one, 0, 3));
    assert_int_equal(nlsql_result_has_more(one), 0);
    assert_true(nlsql_result_cost(one) == 0); /* an endpoint on this machine */
    assert_memory_equal(nlsql_result_json(one), "{\"ok\":true,", 11);
    assert_non_null(strstr(nlsql_result_json(one), "Which cities come first?"));
    assert_string_equal(nlsql_result_cell(other, 0, 0), "100");
    nlsql_result_free(one);
    nlsql_result_free(other);
}

static void rows_may_be_none_or_too_many(void **state) {
    (void)state;
    nlsql *engine = open_engine(url);
    nlsql_result *none = nlsql_ask(engine, "Which nowhere is there?", asks);
    nlsql_result *many = nlsql_ask(engine, "Every visit, please", asks);
    assert_int_equal(nlsql_result_code(none), NLSQL_DONE);
    assert_int_equal(nlsql_result_n_columns(none), 1);
    assert_int_equal(nlsql_result_n_rows(none), 0);
    assert_null(nlsql_result_cell(none, 0, 0));
    assert_int_equal(nlsql_result_code(many), NLSQL_DONE);
    assert_true(nlsql_result_n_rows(many) > 0 && nlsql_result_n_rows(many) < 40000);
    assert_int_equal(nlsql_result_has_more(many), 1);
    assert_non_null(nlsql_result_cell(many, nlsql_result_n_rows(many) - 1, 0));
    nlsql_result_free(none);
    nlsql_result_free(many);
    nlsql_close(engine);
}

static void a_query_that_falls_says_where_and_why(void **state) {
    (void)state;
    nlsql *engine = open_engine(url);
    nlsql_result *result = nlsql_ask(engine, "Which planets are there?", asks);
    assert_int_equal(nlsql_result_ok(result), 0);
    assert_int_equal(nlsql_result_code(result), NLSQL_TOO_FEW);
    assert_string_equal(nlsql_result_gate(result), "grounded");
    assert_non_null(strstr(nlsql_result_reason(result), "planet"));
    assert_non_null(strstr(nlsql_result_sql(result), "planet"));
    assert_int_equal(nlsql_result_n_rows(result), 0);
    nlsql_result_free(result);
    nlsql_close(engine);
}

static void why_there_is_no_query_is_said(void **state) {
    (void)state;
    static const char nobody[] = "{\"base_url\": \"http://127.0.0.1:9/v1\", \"retries\": 0}";
    const struct {
        const char *url, *question, *options;
        int code;
        const char *says;
    } cases[] = {
        { url, NULL, asks, NLSQL_USAGE, "which question?" },
        { url, " ", asks, NLSQL_USAGE, "which question?" },
        { url, "caf\xC3", asks, NLSQL_USAGE, "question: " },
        { url, "How many shops?", "{", NLSQL_USAGE, "options: " },
        { url, "How many shops?", "[1]", NLSQL_USAGE, "options: expected a JSON object" },
        { url, "How many shops?", "{\"retries\": \"many\"}", NLSQL_CONFIG, "retries" },
        { url, "How many shops?", nobody, NLSQL_MODEL, "127.0.0.1:9" },
        { url, "How many shops?", "{\"provider\": \"offline\"}", NLSQL_MODEL, "reads no question" },
        { url, "How many shops?", NULL, NLSQL_MODEL, "OPENAI_API_KEY" },
        { NULL, "How many shops?", asks, NLSQL_DATABASE, "or give --demo" },
        { "postgresql://app@127.0.0.1:1/shop", "How many shops?", asks, NLSQL_DATABASE,
          "cannot connect to postgresql://app@127.0.0.1:1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlsql *engine = open_engine(cases[i].url);
        nlsql_result *result = nlsql_ask(engine, cases[i].question, cases[i].options);
        const char *reason = nlsql_result_reason(result);
        if (nlsql_result_code(result) != cases[i].code || !reason || !strstr(reason, cases[i].says))
            fail_msg("expected %d: %s, found %d: %s", cases[i].code, cases[i].says,
                     nlsql_result_code(result), reason);
        assert_null(nlsql_result_sql(result));
        assert_null(nlsql_result_gate(result));
        assert_null(nlsql_result_json(result));
        nlsql_result_free(result);
        nlsql_close(engine);
    }
}

static void it_takes_the_demo_database(void **state) {
    (void)state;
    char options[300];
    nlsql *engine = open_engine(NULL);
    (void)snprintf(options, sizeof options, "{\"demo\": true, \"base_url\": \"%s\"}", fake.base);
    nlsql_result *result = nlsql_ask(engine, "How many shops are there?", options);
    assert_int_equal(nlsql_result_code(result), NLSQL_DONE);
    assert_string_equal(nlsql_result_cell(result, 0, 0), "100");
    nlsql_result_free(result);
    nlsql_close(engine);
}

static void the_same_question_is_paid_for_once(void **state) {
    (void)state;
    nlsql *engine = open_engine(url);
    struct fake once;
    fake_start(&once, FAKE, NULL, RULE("Count the cities", "SELECT count(*) FROM city"));
    char options[256];
    (void)snprintf(options, sizeof options, "{\"base_url\": \"%s\"}", once.base);
    for (int i = 0; i < 2; i++) {
        nlsql_result *result = nlsql_ask(engine, "Count the cities", options);
        assert_int_equal(nlsql_result_code(result), NLSQL_DONE);
        assert_string_equal(nlsql_result_cell(result, 0, 0), "5");
        nlsql_result_free(result);
    }
    nlsql_close(engine);
    fake_stop(&once);
    assert_int_equal(fake_count(&once, "requests"), 1);
}

/* The library is Lua that a user may edit: what it returns is not believed. */
static void an_edited_script_may_return_anything(void **state) {
    (void)state;
    static const struct {
        const char *returns;
        int code;
        const char *says;
    } cases[] = {
        { "0, '{\"ok\":true,\"sql\":\"SELECT 1\",\"columns\":[\"a\"],\"rows\":[[\"1\"],[null]]}'",
          NLSQL_DONE, NULL },
        { "0, 'no JSON'", NLSQL_RUN_ERROR, "nlsql.ask: line 1" },
        { "0, '[]'", NLSQL_RUN_ERROR, "nlsql.ask: the answer is no JSON object" },
        { "0, '{\"columns\":[\"a\",\"b\"],\"rows\":[[\"1\"]]}'", NLSQL_RUN_ERROR,
          "nlsql.ask: a row of the answer has not 2 cells" },
        { "0, '{\"columns\":[\"a\"],\"rows\":[7]}'", NLSQL_RUN_ERROR,
          "nlsql.ask: a row of the answer has not 1 cells" },
        { "5", NLSQL_MODEL, "the script has not said why" },
        { "error('broken', 0)", NLSQL_RUN_ERROR, "broken" },
    };
    char path[128], text[512];
    (void)snprintf(path, sizeof path, "%s/scripts", place.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/scripts/nlsql", place.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/scripts/nlsql/ask.lua", place.folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(text, sizeof text, "return { main = function() return %s end }",
                       cases[i].returns);
        write_file(path, text);
        nlsql *engine = open_engine(url);
        nlsql_result *result = nlsql_ask(engine, "How many shops?", asks);
        const char *reason = nlsql_result_reason(result);
        if (nlsql_result_code(result) != cases[i].code ||
            (cases[i].says ? !reason || !strstr(reason, cases[i].says) : reason != NULL))
            fail_msg("%s: %d: %s", cases[i].returns, nlsql_result_code(result), reason);
        nlsql_result_free(result);
        nlsql_close(engine);
    }
    assert_int_equal(unlink(path), 0);
}

static void no_result_is_one_without_an_answer(void **state) {
    (void)state;
    assert_int_equal(nlsql_result_ok(NULL), 0);
    assert_int_equal(nlsql_result_code(NULL), NLSQL_RUN_ERROR);
    assert_null(nlsql_result_sql(NULL));
    assert_null(nlsql_result_gate(NULL));
    assert_string_equal(nlsql_result_reason(NULL), "out of memory");
    assert_int_equal(nlsql_result_n_columns(NULL), 0);
    assert_int_equal(nlsql_result_n_rows(NULL), 0);
    assert_int_equal(nlsql_result_has_more(NULL), 0);
    assert_null(nlsql_result_column(NULL, 0));
    assert_null(nlsql_result_cell(NULL, 0, 0));
    assert_null(nlsql_result_json(NULL));
    assert_true(nlsql_result_cost(NULL) == 0);
    nlsql_result_free(NULL);
}

static void memory_may_run_out(void **state) {
    (void)state;
    for (long after = 0;; after++) {
        nl_buf answer;
        nl_buf_init(&answer);
        nl_buf_str(&answer,
                   "{\"sql\":\"SELECT 1\",\"columns\":[\"a\"],\"rows\":[[\"1\"],[\"2\"]]}");
        test_memory_fail(after);
        nlsql_result *result = engine_result(NLSQL_DONE, &answer, "");
        bool failed = test_memory_failed();
        test_memory_fail(-1);
        assert_true(failed ? !result : result != NULL);
        if (result)
            assert_string_equal(nlsql_result_cell(result, 1, 0), "2");
        nlsql_result_free(result);
        nl_buf_release(&answer);
        if (!failed)
            break;
        assert_true(after < 100);
    }
}

static const char *example(const char *const *argv, int status) {
    static char said[4096];
    char base[128], database[600];
    const char *const env[] = { base, database, NULL };
    nl_proc_options options = { .argv = argv,
                                .env = env,
                                .cwd = place.folder,
                                .stdout_fd = NL_PROC_NULL,
                                .stderr_fd = NL_PROC_NULL };
    nl_err err = { .msg = "" };
    nl_buf output;
    int ended = -1;
    (void)snprintf(base, sizeof base, "OPENAI_BASE_URL=%s", fake.base);
    (void)snprintf(database, sizeof database, "DATABASE_URL=%s", url);
    nl_buf_init(&output);
    if (!nl_proc_run(&options, &output, &ended, &err))
        fail_msg("%s", err.msg);
    (void)snprintf(said, sizeof said, "%s", output.data);
    nl_buf_release(&output);
    if (ended != status)
        fail_msg("exit code %d: %s", ended, said);
    return said;
}

static bool ends_in(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void the_example_does_what_it_says(void **state) {
    (void)state;
    static const char answer[] = "\nn\n100\n";
    const char *const question[] = { EXAMPLE, "How many shops are there?", NULL };
    const char *const with_phase[] = { EXAMPLE, "How many shops are there?", "small.lua",
                                       "{\"count\": 1}", NULL };
    const char *const planets[] = { EXAMPLE, "Which planets are there?", NULL };
    const char *const nothing[] = { EXAMPLE, NULL };
    char path[128];
    nl_buf rows;

    assert_true(ends_in(example(question, NLSQL_DONE), answer));
    assert_non_null(strstr(example(planets, NLSQL_TOO_FEW), "\ngrounded: "));
    assert_non_null(strstr(example(nothing, NLSQL_USAGE), "usage: "));

    (void)snprintf(path, sizeof path, "%s/small.lua", place.folder);
    write_file(path, "return { name = 'small', summary = 'One pair',\n"
                     "  plan = function(_, emit) emit { key = 'one', tables = { 'city' } } end,\n"
                     "  run = function() return { { question = 'How many cities are there?',\n"
                     "    sql = 'SELECT count(*) FROM city' } } end }\n");
    assert_true(ends_in(example(with_phase, NLSQL_DONE), answer));
    (void)snprintf(path, sizeof path, "%s/generated_datasets/small/dataset.jsonl", place.folder);
    nl_buf_init(&rows);
    assert_true(nl_buf_read_file(&rows, path, 0, NULL));
    assert_non_null(strstr(rows.data, "How many cities are there?"));
    nl_buf_release(&rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_a_query_and_rows),
        cmocka_unit_test(rows_may_be_none_or_too_many),
        cmocka_unit_test(a_query_that_falls_says_where_and_why),
        cmocka_unit_test(why_there_is_no_query_is_said),
        cmocka_unit_test(it_takes_the_demo_database),
        cmocka_unit_test(the_same_question_is_paid_for_once),
        cmocka_unit_test(an_edited_script_may_return_anything),
        cmocka_unit_test(no_result_is_one_without_an_answer),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(the_example_does_what_it_says),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
