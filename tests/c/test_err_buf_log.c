/* engine/base: errors, buffers, arenas, UTF-8, the log. */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/edit.h"
#include "base/log.h"
#include "base/utf8.h"

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

static void files_are_read_whole_or_not_at_all(void **state) {
    (void)state;
    char path[] = "/tmp/nlsql-buf-XXXXXX";
    nl_buf buf;
    nl_err err = { .code = NL_OK };
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "ab\0cd", 5), 5);
    nl_buf_init(&buf);
    assert_true(nl_buf_read_file(&buf, path, 5, &err));
    assert_int_equal(buf.size, 5);
    assert_memory_equal(buf.data, "ab\0cd", 6);
    nl_buf_clear(&buf);
    assert_false(nl_buf_read_file(&buf, path, 4, &err));
    assert_int_equal(err.code, NL_LIMIT);
    close(fd);
    unlink(path);
    assert_false(nl_buf_read_file(&buf, path, 0, &err));
    assert_int_equal(err.code, NL_NOTFOUND);
    assert_false(nl_buf_read_file(&buf, "/", 0, &err));
    assert_int_equal(err.code, NL_IO);
    nl_buf_release(&buf);
}

static const struct {
    const char *why, *text;
    size_t valid; /* bytes */
} utf8[] = {
    { "ASCII, longer than a word", "0123456789abcdef!", 17 },
    { "two, three and four bytes", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9 },
    { "the last character", "\xF4\x8F\xBF\xBF", 4 },
    { "beyond it", "a\xF4\x90\x80\x80", 1 },
    { "an overlong slash", "ab\xC0\xAF", 2 },
    { "an overlong three", "\xE0\x9F\xBF", 0 },
    { "an overlong four", "\xF0\x8F\xBF\xBF", 0 },
    { "a surrogate", "x\xED\xA0\x80", 1 },
    { "right before the surrogates", "\xED\x9F\xBF", 3 },
    { "a cut character", "abc\xE2\x82", 3 },
    { "a lone continuation", "\x80", 0 },
    { "Latin-1 behind eight bytes", "01234567\xE9t\xE9", 8 },
};

static void utf8_is_judged_as_rfc_3629_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
        size_t size = strlen(utf8[i].text), n = nl_utf8_span(utf8[i].text, size);
        if (n != utf8[i].valid)
            fail_msg("%s: %zu bytes taken for valid, not %zu", utf8[i].why, n, utf8[i].valid);
        assert_int_equal(nl_utf8_valid(utf8[i].text, size), n == size);
    }
}

static void the_log_hides_secrets_and_levels(void **state) {
    (void)state;
    char path[] = "/tmp/nlsql-log-XXXXXX", text[1024] = "";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    (void)fflush(stderr);
    dup2(fd, STDERR_FILENO);
    nl_log_setup(NL_INFO, false);
    nl_log_secret("sk-very");
    nl_log_secret("sk-very-secret"); /* begins with one that was known before */
    nl_log(NL_DEBUG, "not shown");
    nl_log(NL_INFO, "key sk-very-secret twice sk-very-secret");
    nl_log(NL_WARN, "careful");
    nl_log(NL_INFO, "red \033[31m, bell \a, tab \t.");
    nl_log_setup(NL_INFO, true);
    nl_log(NL_ERROR, "say \"hi\"\n%s", "sk-very-secret");
    nl_log(NL_ERROR, "caf\xC3\xA9 \xFF\xC3 end");
    nl_log_setup(NL_INFO, false);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_null(strstr(text, "-secret"));
    assert_null(strstr(text, "not shown"));
    assert_non_null(strstr(text, "key *** twice ***\n"));
    assert_non_null(strstr(text, "warn: careful\n"));
    assert_non_null(strstr(text, "\"level\":\"error\",\"msg\":\"say \\\"hi\\\"\\u000a***\"}\n"));
    assert_non_null(strstr(text, "red ?[31m, bell ?, tab \t.\n"));
    assert_non_null(strstr(text, "\"msg\":\"caf\xC3\xA9 \\ufffd\\ufffd end\"}\n"));
    close(fd);
    unlink(path);
}

static void redaction_works_in_place(void **state) {
    (void)state;
    char text[] = "abcdabcd x abcd";
    assert_true(nl_log_secret("abc")); /* too short to be one */
    assert_true(nl_log_secret("abcd"));
    assert_true(nl_log_secret("abcd")); /* known */
    nl_log_redact(text);
    assert_string_equal(text, "****** x ***");
}

static void a_secret_is_hidden_in_json_too(void **state) {
    (void)state;
    char text[] = "{\"url\":\"x:pa\\\"ss\\\\word@y\"} pa\"ss\\word";
    assert_true(nl_log_secret("pa\"ss\\word"));
    nl_log_redact(text);
    assert_string_equal(text, "{\"url\":\"x:***@y\"} ***");
}

/* Each line of `text`, without its time, whose form is checked. */
static const char *without_times(char *text) {
    static char out[1024];
    regex_t time;
    size_t n = 0;
    assert_int_equal(regcomp(&time,
                             "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                             "\\.[0-9]{3}Z ",
                             REG_EXTENDED),
                     0);
    for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
        regmatch_t match = { 0 };
        if (line[0] != ' ' && regexec(&time, line, 1, &match, 0) != 0)
            fail_msg("no time: %s", line);
        n += (size_t)snprintf(out + n, sizeof out - n, "%s\n", line + match.rm_eo);
    }
    regfree(&time);
    return out;
}

static void a_file_gets_every_message(void **state) {
    (void)state;
    char path[] = "/tmp/nlsql-log-XXXXXX", text[1024] = "";
    struct stat is;
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    assert_int_equal(unlink(path), 0);
    close(fd);
    assert_false(nl_log_has_file());
    assert_true(nl_log_file(path));
    assert_true(nl_log_has_file());
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    nl_log_secret("sk-very-secret");
    nl_log(NL_DEBUG, "not shown");
    nl_log(NL_INFO, "key sk-very-secret, bell \a");
    nl_log_setup(NL_ERROR, true);
    nl_log(NL_WARN, "several\nlines\n");
    nl_log_setup(NL_INFO, false);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_true(nl_log_file(NULL));
    nl_log(NL_DEBUG, "after");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &is) == 0);
    assert_int_equal(is.st_mode & 0777, 0600);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_string_equal(without_times(text), "debug not shown\n"
                                             "info  key ***, bell ?\n"
                                             "warn  several\n"
                                             "    lines\n");
    assert_false(nl_log_file("/nonexistent/folder/log"));
    assert_int_equal(errno, ENOENT);
    close(fd);
    unlink(path);
}

static void a_full_disk_ends_the_file_with_one_warning(void **state) {
    (void)state;
    char path[] = "/tmp/nlsql-log-XXXXXX", text[512] = "";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    assert_true(nl_log_file("/dev/full"));
    dup2(fd, STDERR_FILENO);
    nl_log(NL_INFO, "one");
    nl_log(NL_INFO, "two");
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_false(nl_log_has_file());
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text,
                        "one\nwarn: the log's file ends here: No space left on device\ntwo\n");
    close(fd);
    unlink(path);
}

static void edits_are_counted(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        size_t edits;
    } cases[] = {
        { "count", "count", 0 }, { "COUNT", "count", 0 }, /* case is no edit */
        { "cuont", "count", 1 },                          /* neighbours swapped */
        { "cout", "count", 1 },  { "counts", "count", 1 }, { "caunt", "count", 1 },
        { "", "abc", 3 },        { "abc", "", 3 },         { "kitten", "sitting", 3 },
    };
    char longer[NL_EDIT_LONGEST + 2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].a), m = strlen(cases[i].b);
        if (nl_edit_distance(cases[i].a, n, cases[i].b, m) != cases[i].edits)
            fail_msg("%s and %s: %zu", cases[i].a, cases[i].b,
                     nl_edit_distance(cases[i].a, n, cases[i].b, m));
    }
    memset(longer, 'x', sizeof longer);
    assert_int_equal(nl_edit_distance(longer, sizeof longer, longer, 1), sizeof longer);
    assert_int_equal(nl_edit_distance(longer, NL_EDIT_LONGEST, longer, NL_EDIT_LONGEST), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_messages_end_with_a_whole_character),
        cmocka_unit_test(a_prefix_goes_before),
        cmocka_unit_test(edits_are_counted),
        cmocka_unit_test(a_buffer_over_its_limit_keeps_what_it_had),
        cmocka_unit_test(an_arena_hands_out_zeroed_separate_memory),
        cmocka_unit_test(files_are_read_whole_or_not_at_all),
        cmocka_unit_test(utf8_is_judged_as_rfc_3629_does),
        cmocka_unit_test(the_log_hides_secrets_and_levels),
        cmocka_unit_test(redaction_works_in_place),
        cmocka_unit_test(a_secret_is_hidden_in_json_too),
        cmocka_unit_test(a_file_gets_every_message),
        cmocka_unit_test(a_full_disk_ends_the_file_with_one_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
