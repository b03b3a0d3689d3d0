/* JSON lines: a file only ever holds whole ones, whatever stops the writer. */
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

#include "data/jsonl.h"

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

static void cuts_end_a_line(void **state) {
    (void)state;
    nl_jsonl file;
    nl_err err = { .code = NL_OK };
    char path[256];
    (void)snprintf(path, sizeof path, "%s/cuts.jsonl", folder);
    nl_jsonl_init(&file);
    assert_true(nl_jsonl_open(&file, path, &err));
    assert_true(nl_jsonl_append(&file, "", 0, &err)); /* nothing is whole */
    assert_true(nl_jsonl_append(&file, "1\n22\n", 5, &err));
    assert_false(nl_jsonl_truncate(&file, 3, &err));
    assert_int_equal(err.code, NL_INVALID);
    assert_false(nl_jsonl_truncate(&file, 6, &err)); /* it would grow by a NUL */
    assert_int_equal(err.code, NL_INVALID);
    assert_int_equal(file.size, 5);
    assert_true(nl_jsonl_truncate(&file, 2, &err));
    assert_true(nl_jsonl_append(&file, "3\n", 2, &err)); /* goes where the cut is */
    assert_true(nl_jsonl_sync(&file, &err));
    nl_jsonl_close(&file);
    nl_buf text;
    nl_buf_init(&text);
    assert_true(nl_buf_read_file(&text, path, 0, &err));
    assert_string_equal(text.data, "1\n3\n");
    nl_buf_release(&text);
}

static void a_file_in_the_way_is_told(void **state) {
    (void)state;
    nl_jsonl file;
    nl_err err = { .code = NL_OK };
    char path[300], below[320];
    (void)snprintf(path, sizeof path, "%s/plain", folder);
    nl_jsonl_init(&file);
    assert_true(nl_jsonl_open(&file, path, &err));
    nl_jsonl_close(&file);
    assert_false(nl_make_dirs(path, &err)); /* exists, but is no folder */
    assert_int_equal(err.code, NL_IO);
    (void)snprintf(below, sizeof below, "%s/x/y.jsonl", path);
    assert_false(nl_jsonl_open(&file, below, &err));
    assert_int_equal(file.fd, -1);
    assert_non_null(strstr(err.msg, path));
    assert_false(nl_make_dirs("", &err));
    assert_int_equal(err.code, NL_INVALID);
    (void)snprintf(below, sizeof below, "%s/a//b/./c/", folder);
    assert_true(nl_make_dirs(below, &err));
    assert_true(nl_make_dirs(below, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_tail_is_cut),
        cmocka_unit_test(a_full_disk_leaves_whole_lines),
        cmocka_unit_test(cuts_end_a_line),
        cmocka_unit_test(a_file_in_the_way_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
