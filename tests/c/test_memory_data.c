/* Memory that runs out at each allocation of engine/base and engine/data (and of the readers of
 * .env and of the command line's options, which are as small). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "cli/args.h"
#include "cli/dotenv.h"
#include "data/correlate.h"
#include "data/correlate_sample.h"
#include "data/dedup.h"
#include "data/json.h"
#include "data/jsonl.h"
#include "data/sketch.h"
#include "data/sse.h"
#include "data/yaml.h"

#include "test_memory.h"

static char folder[] = "/tmp/nlsql-memory-XXXXXX";

static const char *path(const char *name) {
    static char text[128];
    (void)snprintf(text, sizeof text, "%s/%s", folder, name);
    return text;
}

/* What tells a failure by its result alone. */
static bool told(bool ok, nl_err *err) {
    return ok || nl_err_nomem(err);
}

/* --- base ------------------------------------------------------------------------------------- */

static bool a_buffer_grows(nl_err *err) {
    nl_buf buf;
    size_t size;
    nl_buf_init(&buf);
    for (int i = 0; i < 200; i++)
        nl_buf_printf(&buf, "%d %s\n", i, "some more text");
    bool ok = !buf.failed;
    if (!ok && strlen(buf.data) != buf.size) /* what was there is kept, and is a string */
        return nl_err_set(err, NL_INVALID, "the buffer is torn");
    nl_buf_clear(&buf);
    ok = nl_buf_str(&buf, "again") && ok;
    char *text = nl_buf_detach(&buf, &size);
    ok = ok && text && strcmp(text, "again") == 0;
    free(text);
    nl_buf_release(&buf);
    return told(ok, err);
}

static bool an_empty_buffer_is_detached(nl_err *err) {
    nl_buf buf;
    nl_buf_init(&buf);
    char *text = nl_buf_detach(&buf, NULL);
    bool ok = text && !text[0];
    free(text);
    return told(ok, err);
}

static bool a_file_is_read(nl_err *err) {
    nl_buf buf;
    nl_buf_init(&buf);
    bool ok = nl_buf_read_file(&buf, SOURCE_DIR "/config.yaml", 0, err);
    nl_buf_release(&buf);
    return ok;
}

static bool an_arena_grows(nl_err *err) {
    nl_arena arena = { 0 };
    bool ok = true;
    for (size_t i = 1; i < 3000 && ok; i++)
        ok = nl_arena_take(&arena, i) && nl_arena_copy(&arena, "text", 4);
    nl_arena_release(&arena);
    return told(ok, err);
}

static bool a_line_is_logged(nl_err *err) {
    static char secret[32];
    static unsigned n;
    nl_buf errors;
    nl_buf_init(&errors);
    nl_log_errors(&errors);
    (void)snprintf(secret, sizeof secret, "secret-%u", n++ % 8); /* 16 at most are known */
    bool ok = nl_log_secret(secret);
    nl_log(NL_ERROR, "one line with %s in it, and %0200d", secret, 7);
    nl_log_errors(NULL);
    if (ok && errors.size > 0 && strstr(errors.data, secret))
        ok = nl_err_set(err, NL_INVALID, "a secret was shown");
    nl_buf_release(&errors);
    return told(ok, err);
}

/* --- JSON, YAML, streams ---------------------------------------------------------------------- */

static const char json_text[] =
    "{\"a\":[1,2.5,true,null,\"\\u00e9\\n\"],\"b\":{\"c\":{\"d\":[[],{}]}},\"e\":\"" /* long: */
    "0123456789012345678901234567890123456789012345678901234567890123456789\"}";

static bool json_is_read_and_written(nl_err *err) {
    nl_json_writer w;
    nl_buf out;
    nl_json *json = nl_json_read(json_text, sizeof json_text - 1, 0, err);
    if (!json)
        return false;
    nl_buf_init(&out);
    nl_json_writer_init(&w, &out);
    nl_json_put_node(&w, nl_json_root(json));
    bool ok = nl_json_writer_done(&w, err);
    nl_buf_release(&out);
    nl_json_free(json);
    return ok;
}

static bool yaml_is_read(nl_err *err) {
    static const char text[] = "a: &x [1, 2.5, 'three']\nb: {c: *x, d: |\n  text\n  }\n"
                               "list:\n  - one: yes\n  - two: !!str 2\n";
    static const char plain[] = "a: &x [1, 2.5, 'three']\nb: *x\nc: |\n  text\n  more\nlist:\n"
                                "  - one: true\n  - two: \"2\"\n";
    nl_err bad = { .code = NL_OK };
    nl_yaml *refused = nl_yaml_read(text, sizeof text - 1, "x.yaml", &bad);
    nl_yaml_free(refused);
    if (bad.code == NL_NOMEM) {
        *err = bad;
        return false;
    }
    nl_yaml *yaml = nl_yaml_read(plain, sizeof plain - 1, "x.yaml", err);
    nl_yaml_free(yaml);
    return yaml != NULL;
}

static bool a_stream_is_folded(nl_err *err) {
    static const char body[] =
        "data: "
        "{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\""
        ":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\","
        "\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":"
        "\"{}\"}}]},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\ndata: [DONE]\n\n";
    nl_sse_report report = { 0 };
    nl_buf out;
    nl_buf_init(&out);
    bool ok = nl_sse_fold(body, sizeof body - 1, &out, &report, err);
    nl_buf_release(&out);
    return ok;
}

static bool lines_are_appended(nl_err *err) {
    nl_jsonl file;
    nl_jsonl_init(&file);
    unlink(path("deep/x.jsonl"));
    bool ok = nl_jsonl_open(&file, path("deep/x.jsonl"), err) &&
              nl_jsonl_append(&file, "{\"a\":1}\n{\"b\":2}\n", 16, err) &&
              nl_jsonl_truncate(&file, 8, err) && nl_jsonl_sync(&file, err);
    if (ok && file.lines != 1)
        ok = nl_err_set(err, NL_INVALID, "the lines are miscounted");
    nl_jsonl_close(&file);
    return ok;
}

/* --- sets and sketches ------------------------------------------------------------------------ */

static bool a_set_grows(nl_err *err) {
    nl_dedup *set = nl_dedup_new(4);
    if (!set)
        return nl_err_nomem(err);
    bool ok = true, fresh;
    size_t n = 0;
    for (uint64_t i = 0; i < 4000 && ok; i++, n += ok)
        ok = nl_dedup_add(set, (nl_key){ nl_mix64(i), i }, &fresh, err);
    if (nl_dedup_count(set) != n) /* what is in it stays, after a failure too */
        ok = nl_err_set(err, NL_INVALID, "the set is torn");
    for (uint64_t i = 0; i < n; i++) {
        if (!nl_dedup_has(set, (nl_key){ nl_mix64(i), i }))
            ok = nl_err_set(err, NL_INVALID, "the set forgot a key");
    }
    nl_dedup_free(set);
    return ok;
}

static bool hashes_are_kept(nl_err *err) {
    nl_kmv one, two;
    nl_kmv_init(&one, 500);
    nl_kmv_init(&two, 500);
    bool ok = true;
    for (uint64_t i = 0; i < 3000 && ok; i++)
        ok = nl_kmv_add(&one, nl_mix64(i)) && nl_kmv_add(&two, nl_mix64(i + 100));
    nl_kmv_finish(&one);
    nl_kmv_finish(&two);
    ok = ok && nl_kmv_merge(&one, &two);
    nl_kmv_release(&one);
    nl_kmv_release(&two);
    return told(ok, err);
}

static bool common_values_are_counted(nl_err *err) {
    nl_common one = { 0 }, two = { 0 };
    bool ok = nl_common_init(&one, 64, true) && nl_common_init(&two, 64, true);
    for (uint64_t i = 0; i < 500 && ok; i++) {
        nl_common_add(&one, nl_mix64(i % 90), 0, "value", 5);
        nl_common_add(&two, nl_mix64(i % 70), 0, "value", 5);
    }
    ok = ok && nl_common_merge(&one, &two);
    nl_common_release(&one);
    nl_common_release(&two);
    return told(ok, err);
}

static bool series_are_compared(nl_err *err) {
    static char texts[300][16];
    const char *cells[300];
    nl_series numbers = { 0 }, bins = { 0 };
    nl_joint joint;
    double rho, eta;
    for (size_t i = 0; i < 300; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%zu.5", i * 7 % 101);
        cells[i] = texts[i];
    }
    bool ok = nl_series_numbers(&numbers, cells, 300, err) &&
              nl_series_binned(&bins, &numbers, 8, err) &&
              nl_spearman(&numbers, &numbers, &rho, err) &&
              nl_correlation_ratio(&bins, &numbers, &eta, err) &&
              nl_joint_count(&bins, &numbers, &joint, err);
    nl_series_release(&numbers);
    nl_series_release(&bins);
    return ok;
}

static bool rows_are_sampled(nl_err *err) {
    static const char *const cells[] = { "1", "some text", NULL };
    static const uint32_t sizes[] = { 1, 9, 0 };
    static const bool narrow[] = { true, true, false };
    nl_row_sample sample;
    bool ok = nl_row_sample_init(&sample, 50, 1, 3, narrow, 100, 1 << 20, err);
    for (int i = 0; i < 400 && ok; i++)
        ok = nl_row_sample_offer(&sample, cells, sizes, err);
    nl_row_sample_release(&sample);
    return ok;
}

/* --- the smallest of cli ---------------------------------------------------------------------- */

static bool options_become_json(nl_err *err) {
    static const nl_arg args[] = { { "count", 'n', NL_ARG_INT, "N", "how many" },
                                   { "set", 0, NL_ARG_LIST, "K=V", "an option" },
                                   { "dry-run", 0, NL_ARG_FLAG, NULL, "only plan" },
                                   { NULL, 0, NL_ARG_FLAG, NULL, NULL } };
    static const nl_command command = { "run", NULL, "PHASE", "runs", NULL, args, NULL };
    char text[8][24] = { "joins.lua", "--count", "5", "--set", "a=b", "--set", "c=d", "--dry-run" };
    char *argv[] = { text[0], text[1], text[2], text[3], text[4], text[5], text[6], text[7], NULL };
    nl_buf json;
    nl_buf_init(&json);
    bool ok = nl_args_read(&command, 8, argv, &json, err);
    if (ok && !strstr(json.data, "\"set\":[\"a=b\",\"c=d\"]"))
        ok = nl_err_set(err, NL_INVALID, "%.300s", json.data);
    nl_buf_release(&json);
    return ok;
}

static bool an_env_file_is_read(nl_err *err) {
    nl_dotenv found = { .n = 0 };
    nl_buf json, said;
    nl_buf_init(&json);
    nl_buf_init(&said);
    unsetenv("OPENAI_BASE_URL");
    nl_log_errors(&said);
    nl_dotenv_load(path("env"), &found);
    nl_log_errors(NULL);
    bool ok = nl_buf_str(&json, "{\"a\":1}") ? nl_dotenv_report(&found, "env", &json, err)
                                             : nl_err_nomem(err);
    if (ok && found.n != 1) /* a file that could not be read was warned of, and is none */
        ok = nl_err_nomem(err);
    nl_buf_release(&json);
    nl_buf_release(&said);
    return ok;
}

/* --- all -------------------------------------------------------------------------------------- */

static void each_allocation_may_fail(void **state) {
    static const test_scenario scenarios[] = {
        { "a buffer grows", a_buffer_grows, 0 },
        { "an empty buffer is detached", an_empty_buffer_is_detached, 0 },
        { "a file is read", a_file_is_read, 0 },
        { "an arena grows", an_arena_grows, 0 },
        { "a line is logged", a_line_is_logged, TEST_MEMORY_OPTIONAL },
        { "JSON is read and written", json_is_read_and_written, 0 },
        { "YAML is read", yaml_is_read, 0 },
        { "a stream is folded", a_stream_is_folded, 0 },
        { "lines are appended", lines_are_appended, 0 },
        { "a set grows", a_set_grows, 0 },
        { "hashes are kept", hashes_are_kept, TEST_MEMORY_OWN }, /* qsort sorts in place then */
        { "common values are counted", common_values_are_counted, 0 },
        { "series are compared", series_are_compared, TEST_MEMORY_OWN },
        { "rows are sampled", rows_are_sampled, 0 },
        { "options become JSON", options_become_json, 0 },
        { "an env file is read", an_env_file_is_read, TEST_MEMORY_OPTIONAL },
    };
    (void)state;
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}

static int set_up(void **state) {
    (void)state;
    nl_log_setup(NL_ERROR + 1, false); /* what is said is not shown */
    if (!mkdtemp(folder))
        return -1;
    FILE *file = fopen(path("env"), "we");
    if (!file)
        return -1;
    (void)fputs("OPENAI_BASE_URL=http://127.0.0.1:9/v1\n", file);
    return fclose(file);
}

static int tear_down(void **state) {
    (void)state;
    unlink(path("deep/x.jsonl"));
    rmdir(path("deep"));
    unlink(path("env"));
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
