/* The smaller modules of engine/base and engine/data: errors, buffers, arenas, the log, JSON lines,
 * YAML, keys and event streams. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "data/dedup.h"
#include "data/jsonl.h"
#include "data/sse.h"
#include "data/yaml.h"

/* --- errors, buffers, arenas ------------------------------------------------------------------ */

static void long_messages_end_with_a_whole_character(void **state) {
    (void)state;
    nl_err err;
    char text[1000];
    for (size_t cut = 0; cut < 4; cut++) {
        memset(text, 'x', sizeof text);
        for (size_t i = cut; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\xF0\x9F\x98\x80", 4);
        text[sizeof text - 1] = '\0';
        nl_err_set(&err, NL_IO, "%s", text);
        size_t n = strlen(err.msg);
        assert_true(n >= sizeof err.msg - 4);
        assert_true((n - cut) % 4 == 0);
    }
}

static void a_prefix_goes_before(void **state) {
    (void)state;
    nl_err err;
    nl_err_set(&err, NL_DB, "bad");
    assert_false(nl_err_prefix(&err, "%s: ", "file"));
    assert_string_equal(err.msg, "file: bad");
    assert_int_equal(err.code, NL_DB);
}

static void a_buffer_over_its_limit_keeps_what_it_had(void **state) {
    (void)state;
    nl_buf buf;
    size_t size;
    nl_buf_init(&buf);
    assert_string_equal(buf.data, "");
    buf.limit = 10;
    assert_true(nl_buf_str(&buf, "12345"));
    assert_false(nl_buf_str(&buf, "678901"));
    assert_false(nl_buf_char(&buf, 'x')); /* sticky, though it would fit */
    assert_string_equal(buf.data, "12345");
    char *own = nl_buf_detach(&buf, &size);
    assert_null(own); /* a failed buffer has nothing to hand out */
    nl_buf_clear(&buf);
    assert_true(nl_buf_printf(&buf, "%d-%s", 7, "x"));
    own = nl_buf_detach(&buf, &size);
    assert_string_equal(own, "7-x");
    assert_int_equal(size, 3);
    free(own);
    nl_buf_release(&buf);
}

static void an_arena_hands_out_zeroed_separate_memory(void **state) {
    (void)state;
    nl_arena arena = { 0 };
    unsigned char *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = nl_arena_take(&arena, i * 37 + 1);
        assert_non_null(blocks[i]);
        for (size_t k = 0; k <= i * 37; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)i, i * 37 + 1);
    }
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(blocks[i][i * 37], i & 0xFF);
    assert_string_equal(nl_arena_copy(&arena, "abcdef", 3), "abc");
    nl_arena_release(&arena);
}

/* --- log ----------------------------------------------------------------------------------------
 */

static void the_log_hides_secrets_and_levels(void **state) {
    (void)state;
    char path[] = "/tmp/nlsql-log-XXXXXX", text[1024] = "";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    (void)fflush(stderr);
    dup2(fd, STDERR_FILENO);
    nl_log_setup(NL_INFO, false);
    nl_log_secret("sk-very-secret");
    nl_log(NL_DEBUG, "not shown");
    nl_log(NL_INFO, "key sk-very-secret twice sk-very-secret");
    nl_log(NL_WARN, "careful");
    nl_log_setup(NL_INFO, true);
    nl_log(NL_ERROR, "say \"hi\"\n%s", "sk-very-secret");
    nl_log_setup(NL_INFO, false);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_null(strstr(text, "very-secret"));
    assert_null(strstr(text, "not shown"));
    assert_non_null(strstr(text, "key *** twice ***\n"));
    assert_non_null(strstr(text, "warn: careful\n"));
    assert_non_null(strstr(text, "\"level\":\"error\",\"msg\":\"say \\\"hi\\\"\\u000a***\"}\n"));
    close(fd);
    unlink(path);
}

/* --- JSON lines ----------------------------------------------------------------------------------
 */

static char folder[] = "/tmp/nlsql-jsonl-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); /* NOLINT(cert-env33-c): a fixed command on our own folder */
}

static void a_torn_tail_is_cut(void **state) {
    (void)state;
    nl_jsonl file;
    nl_err err;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/deep/er/d.jsonl", folder);
    nl_jsonl_init(&file);
    assert_true(nl_jsonl_open(&file, path, &err)); /* makes the folders */
    assert_true(nl_jsonl_append(&file, "{\"a\":1}\n{\"b\":2}\n", 16, &err));
    assert_false(nl_jsonl_append(&file, "{\"torn\"", 7, &err));
    assert_int_equal(file.lines, 2);
    assert_int_equal(write(file.fd, "", 0), 0);
    assert_int_equal(pwrite(file.fd, "{\"half", 6, 16), 6);
    nl_jsonl_close(&file);
    nl_jsonl_close(&file); /* idempotent */
    assert_true(nl_jsonl_open(&file, path, &err));
    assert_int_equal(file.cut, 6);
    assert_int_equal(file.lines, 2);
    assert_int_equal(file.size, 16);
    assert_true(nl_jsonl_truncate(&file, 8, &err));
    assert_int_equal(file.lines, 1);
    nl_jsonl_close(&file);
}

static void a_full_disk_leaves_whole_lines(void **state) {
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/full.jsonl", folder);
    pid_t child = fork();
    if (child == 0) { /* the limit stands for a disk that takes only a part of a write */
        nl_jsonl file;
        nl_err err;
        struct rlimit limit = { 100, 100 };
        char line[60];
        memset(line, 'x', sizeof line);
        line[59] = '\n';
        signal(SIGXFSZ, SIG_IGN);
        nl_jsonl_init(&file);
        bool ok = nl_jsonl_open(&file, path, &err) && setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                  nl_jsonl_append(&file, line, 60, &err) &&
                  !nl_jsonl_append(&file, line, 60, &err) && file.size == 60;
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    struct stat info;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 60);
}

/* --- YAML
 * ----------------------------------------------------------------------------------------- */

static const struct {
    const char *text, *complaint;
} bad_yaml[] = {
    { "a: [1, 2", "x.yaml:" },
    { "a: 1\nb: 2\na: 3\n", "x.yaml:3:1: \"a\" is here twice (first in line 1)" },
    { "a: 1\n---\nb: 2\n", "x.yaml:3:1: a second document" },
    { "? [1, 2]\n: x\n", "a key must be plain text" },
    { "a: \"unclosed\n", "x.yaml:" },
    { "a:\n\t- tab\n", "x.yaml:2:1" },
    { "x: &a [*a]\n", "x.yaml:" },
};

static void bad_yaml_is_told_with_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_yaml / sizeof *bad_yaml; i++) {
        nl_err err = { .code = NL_OK };
        nl_yaml *yaml = nl_yaml_read(bad_yaml[i].text, strlen(bad_yaml[i].text), "x.yaml", &err);
        if (yaml || !strstr(err.msg, bad_yaml[i].complaint))
            fail_msg("%s: expected \"%s\", got \"%s\"", bad_yaml[i].text, bad_yaml[i].complaint,
                     yaml ? "a document" : err.msg);
        assert_int_equal(err.code, NL_CONFIG);
    }
}

static void yaml_knows_types_and_places(void **state) {
    (void)state;
    static const char text[] =
        "i: 12\nf: 1.5\nb: true\nn: ~\nq: '12'\ns: two words\nl:\n  - x\n  - 0x10\n";
    static const nl_yaml_type types[] = { NL_YAML_INT,  NL_YAML_FLOAT,  NL_YAML_BOOL,
                                          NL_YAML_NULL, NL_YAML_STRING, NL_YAML_STRING,
                                          NL_YAML_LIST };
    nl_yaml *yaml = nl_yaml_read(text, sizeof text - 1, "x", NULL);
    assert_non_null(yaml);
    const nl_yaml_node *node = nl_yaml_root(yaml)->child;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++, node = node->next) {
        assert_non_null(node);
        assert_int_equal(node->type, types[i]);
        assert_int_equal(node->key_line, i + 1);
        assert_int_equal(node->key_column, 1);
        if (i == 6) {
            assert_int_equal(node->child->line, 8);
            assert_int_equal(node->child->column, 5);
            assert_int_equal(node->child->next->integer, 16);
        }
    }
    assert_null(node);
    nl_yaml_free(yaml);
    yaml = nl_yaml_read("", 0, "x", NULL);
    assert_int_equal(nl_yaml_root(yaml)->type, NL_YAML_NULL);
    nl_yaml_free(yaml);
}

/* --- keys
 * ------------------------------------------------------------------------------------------ */

static bool same_question(const char *a, const char *b) {
    nl_key x = nl_key_of_question(a, strlen(a)), y = nl_key_of_question(b, strlen(b));
    return x.hi == y.hi && x.lo == y.lo;
}

static const struct {
    const char *a, *b;
    bool same;
} questions[] = {
    { "How many tracks are there?", "how many tracks are there", true },
    { "List the names of all artists.", "Show me the names of artists", true },
    { "Which countries have customers?", "Which country has customers?", true },
    { "Please list tracks", "List tracks", true },
    { "Tracks longer than 5 minutes", "Tracks longer than 6 minutes", false },
    { "Tracks longer than 5 minutes", "Tracks shorter than 5 minutes", false },
    { "Albums with tracks", "Albums without tracks", false },
    { "Albums not sold", "Albums sold", false },
    { "Price over 0.99", "Price over 0.98", false },
    { "Temperatures below -5", "Temperatures below 5", false },
    { "Sales before 2020-01-31", "Sales before 2020-01-30", false },
    { "a > b", "a < b", false },
    { "\xC3\x89t\xC3\xA9", "\xC3\xA9t\xC3\xA9", true },
    { "Customers of Acme", "Customers of Beta", false },
    { "???", "!!!", false },
};

static void question_keys_merge_wording_only(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (same_question(questions[i].a, questions[i].b) != questions[i].same)
            fail_msg("\"%s\" and \"%s\" should be %s", questions[i].a, questions[i].b,
                     questions[i].same ? "the same" : "different");
    }
}

static void a_set_remembers_what_it_was_given(void **state) {
    (void)state;
    nl_dedup *set = nl_dedup_new(0);
    bool fresh;
    for (uint64_t i = 0; i < 20000; i++) { /* few low bits, so that probing has work */
        nl_key key = { i / 64, i % 64 };
        assert_true(nl_dedup_add(set, key, &fresh, NULL));
        assert_true(fresh);
    }
    assert_int_equal(nl_dedup_count(set), 20000);
    for (uint64_t i = 0; i < 20000; i++) {
        nl_key key = { i / 64, i % 64 };
        assert_true(nl_dedup_has(set, key)); /* the zero key too */
        nl_dedup_add(set, key, &fresh, NULL);
        assert_false(fresh);
    }
    assert_false(nl_dedup_has(set, (nl_key){ 1 << 20, 0 }));
    nl_dedup_free(set);
}

static void keys_print_and_read(void **state) {
    (void)state;
    char hex[33];
    nl_key key = nl_key_of("abc", 3), back;
    nl_key_hex(key, hex);
    assert_string_equal(hex, "06b05ab6733a618578af5f94892f3950"); /* XXH3-128 of "abc" */
    assert_true(nl_key_from_hex(hex, &back));
    assert_true(back.hi == key.hi && back.lo == key.lo);
    assert_false(nl_key_from_hex("06b05ab6733a618578af5f94892f395", &back));
}

/* --- event streams
 * ---------------------------------------------------------------------------------- */

#define HI                                                                                         \
    "data: "                                                                                       \
    "{\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"       \
    "\"Hi\"}}]}"
#define YOU                                                                                        \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "                                  \
    "you\"},\"finish_reason\":\"stop\"}]}"

static const struct {
    const char *why, *body;
    const char *holds; /* what the folded completion contains; NULL: refused */
    bool done;
    unsigned events, garbled;
} streams[] = {
    { "deltas are joined", HI "\n\n" YOU "\n\ndata: [DONE]\n\n", "\"content\":\"Hi you\"", true, 2,
      0 },
    { "CRLF and comments", ": ping\r\n\r\n" HI "\r\n\r\n: x\r\n" YOU "\r\n\r\n", "Hi you", true, 2,
      0 },
    { "broken off inside an event", HI "\n\ndata: {\"choices\":[{\"ind", "\"content\":\"Hi\"",
      false, 1, 1 },
    { "broken off right behind one", HI "\n\n" YOU, "Hi you", true, 2, 0 },
    { "usage of the last chunk", HI "\n\ndata: {\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\n",
      "\"usage\":{\"total_tokens\":7}", false, 2, 0 },
    { "an error in the stream", "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
      "\"error\":{\"message\":\"overloaded\"}", false, 1, 0 },
    { "tool calls are joined",
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\","
      "\"function\":"
      "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
      "{\"arguments\":\":1}\"}}]}}]}\n\n",
      "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"", false, 2, 0 },
    { "an index out of all bounds",
      "data: {\"choices\":[{\"index\":99999,\"delta\":{\"content\":\"x\"}}]}\n\n", "\"choices\":[]",
      false, 1, 0 },
    { "nothing readable", "data: nonsense\n\n", NULL, false, 0, 1 },
    { "no events", "<html>", NULL, false, 0, 0 },
};

static void streams_are_folded(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        nl_buf out;
        nl_sse_report report;
        nl_err err;
        nl_buf_init(&out);
        bool ok = nl_sse_fold(streams[i].body, strlen(streams[i].body), &out, &report, &err);
        if (ok != (streams[i].holds != NULL) || (ok && !strstr(out.data, streams[i].holds)))
            fail_msg("%s: got %s", streams[i].why, ok ? out.data : err.msg);
        if (report.done != streams[i].done || report.events != streams[i].events ||
            report.garbled != streams[i].garbled)
            fail_msg("%s: done %d, events %u, garbled %u", streams[i].why, report.done,
                     report.events, report.garbled);
        nl_buf_release(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_messages_end_with_a_whole_character),
        cmocka_unit_test(a_prefix_goes_before),
        cmocka_unit_test(a_buffer_over_its_limit_keeps_what_it_had),
        cmocka_unit_test(an_arena_hands_out_zeroed_separate_memory),
        cmocka_unit_test(the_log_hides_secrets_and_levels),
        cmocka_unit_test(a_torn_tail_is_cut),
        cmocka_unit_test(a_full_disk_leaves_whole_lines),
        cmocka_unit_test(bad_yaml_is_told_with_its_place),
        cmocka_unit_test(yaml_knows_types_and_places),
        cmocka_unit_test(question_keys_merge_wording_only),
        cmocka_unit_test(a_set_remembers_what_it_was_given),
        cmocka_unit_test(keys_print_and_read),
        cmocka_unit_test(streams_are_folded),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
