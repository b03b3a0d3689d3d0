/* The journal: lines whole and in order, in files for their owner alone, without secrets; and a
 * disk that takes nothing stops nobody. */
#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "test_memory.h"

static char top[64], logs[80], said[96];
static nl_journal *journal;

static int setup(void **state) {
    (void)state;
    (void)snprintf(top, sizeof top, "/tmp/nlsql-journal-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    (void)snprintf(logs, sizeof logs, "%s/logs", top);
    (void)snprintf(said, sizeof said, "%s/said", top);
    journal = nl_journal_new(logs, NULL);
    return journal && nl_log_file(said) ? 0 : -1;
}

static int teardown(void **state) {
    char command[96];
    (void)state;
    nl_journal_free(journal);
    nl_log_file(NULL);
    (void)snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command); /* NOLINT: the test's own words */
}

static void append(const char *name, const char *text) {
    nl_err err = { .msg = "" };
    if (!nl_journal_append(journal, name, text, strlen(text), &err))
        fail_msg("%s", err.msg);
}

static const char *in(const char *name) {
    static char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", logs, name);
    return path;
}

/* The text of a file; "" where there is none. */
static const char *text_of(const char *path) {
    static nl_buf text;
    if (!text.data)
        nl_buf_init(&text);
    nl_buf_clear(&text);
    nl_buf_read_file(&text, path, 0, NULL);
    return text.data;
}

/* How often `what` was said, by warnings. */
static int warnings(const char *what) {
    int n = 0;
    for (const char *at = text_of(said); (at = strstr(at, " warn  ")) != NULL; at++)
        n += strstr(at, what) != NULL;
    return n;
}

static void lines_are_written_in_order(void **state) {
    (void)state;
    struct stat is;
    nl_buf expected;
    nl_buf_init(&expected);
    assert_int_equal(access(logs, F_OK), -1); /* not before it is needed */
    for (int i = 0; i < 2000; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "{\"line\":%d}", i);
        append("one.jsonl", line);
        append(i % 2 ? "two.log" : "three.log", line);
        nl_buf_printf(&expected, "%s\n", line);
    }
    nl_journal_flush(journal);
    assert_string_equal(text_of(in("one.jsonl")), expected.data);
    assert_memory_equal(text_of(in("two.log")), "{\"line\":1}\n{\"line\":3}\n", 22);
    assert_int_equal(stat(in("one.jsonl"), &is), 0);
    assert_int_equal(is.st_mode & 0777, 0600);
    assert_int_equal(stat(logs, &is), 0);
    assert_int_equal(is.st_mode & 0777, 0700);
    assert_int_equal(nl_journal_lost(journal), 0);
    nl_buf_release(&expected);
}

static void freeing_writes_what_is_queued(void **state) {
    (void)state;
    for (int i = 0; i < 500; i++)
        append("x.log", "a line");
    nl_journal_free(journal);
    journal = NULL;
    assert_int_equal(strlen(text_of(in("x.log"))), 500 * 7);
}

static void a_secret_never_gets_there(void **state) {
    (void)state;
    assert_true(nl_log_secret("sk-journal-secret"));
    append("x.log", "key sk-journal-secret, sk-journal-secret");
    append("x.log", "next");
    nl_journal_flush(journal);
    assert_string_equal(text_of(in("x.log")), "key ***, ***\nnext\n");
}

static void names_and_lines_of_another_kind_are_refused(void **state) {
    (void)state;
    static const char *const names[] = { "",     ".",  "..",  ".env",     "a/b",
                                         "../a", "/a", "a b", "\xC3\xA9", "a\n" };
    char longest[202];
    nl_err err;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        err.code = NL_OK;
        if (nl_journal_append(journal, names[i], "x", 1, &err) || err.code != NL_INVALID)
            fail_msg("\"%s\" is a name", names[i]);
    }
    memset(longest, 'x', sizeof longest);
    longest[201] = '\0';
    assert_false(nl_journal_append(journal, longest, "x", 1, NULL));
    longest[200] = '\0';
    append(longest, "x");
    append("a-B_9..log", "");
    assert_false(nl_journal_append(journal, "a", "x\ny", 3, NULL));
    assert_false(nl_journal_append(journal, "a", "x\0y", 3, NULL));
    nl_journal_flush(journal);
    assert_string_equal(text_of(in(longest)), "x\n");
    assert_string_equal(text_of(in("a-B_9..log")), "\n");
    assert_int_equal(access(in("a"), F_OK), -1);
}

/* What a crash left behind is ended, whole lines are left alone. */
static void a_torn_line_is_ended(void **state) {
    (void)state;
    append("x.log", "one");
    nl_journal_flush(journal);
    int fd = open(in("x.log"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "tor", 3), 3);
    close(fd);
    append("x.log", "two");
    append("x.log", "three");
    nl_journal_flush(journal);
    assert_string_equal(text_of(in("x.log")), "one\ntor\ntwo\nthree\n");
}

/* A file may not become larger, as on a full disk: one warning; room again, and lines go on. */
static void a_full_disk_stops_nobody(void **state) {
    (void)state;
    struct rlimit limit, low;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    nl_log_file(NULL); /* which has the same disk */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    append("x.log", "0123456789");
    nl_journal_flush(journal);
    low = (struct rlimit){ .rlim_cur = 14, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    for (int i = 0; i < 3; i++)
        append("x.log", "abcdefghij");
    nl_journal_flush(journal);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, before);
    append("x.log", "after");
    nl_journal_flush(journal);
    assert_string_equal(text_of(in("x.log")), "0123456789\nabc\nafter\n");
    assert_int_equal(nl_journal_lost(journal), 3);
}

static struct rlimit whole;

static void give_room(int signum) {
    (void)signum;
    (void)setrlimit(RLIMIT_FSIZE, &whole);
}

/* A pipe that is full keeps the thread busy until all of `lines` wait for it: they are one batch.
 */
static void append_as_one(const char *const *lines, const char *name) {
    static char much[100000], bytes[4096];
    assert_int_equal(mkfifo(in("slow.log"), 0600), 0);
    int fd = open(in("slow.log"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    memset(much, 'x', sizeof much);
    assert_true(nl_journal_append(journal, "slow.log", much, sizeof much, NULL));
    assert_int_equal(read(fd, bytes, 1), 1); /* it is at it */
    for (; *lines; lines++)
        append(name, *lines);
    for (size_t left = sizeof much; left > 0;) { /* and the newline */
        ssize_t n = read(fd, bytes, left < sizeof bytes ? left : sizeof bytes);
        assert_true(n > 0);
        left -= (size_t)n;
    }
    nl_journal_flush(journal);
    close(fd);
}

/* The disk is full in the middle of a line, and has room again before the next of the same batch:
 * the file is looked at again, and the torn line ended. */
static void a_line_that_failed_is_ended_before_the_next_of_its_batch(void **state) {
    (void)state;
    static const char *const lines[] = { "abcdefghij", "second", "third", NULL };
    void (*before)(int) = signal(SIGXFSZ, give_room);
    nl_log_file(NULL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    append("x.log", "0123456789");
    nl_journal_flush(journal);
    const struct rlimit low = { .rlim_cur = 14, .rlim_max = whole.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    append_as_one(lines, "x.log");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    signal(SIGXFSZ, before);
    assert_string_equal(text_of(in("x.log")), "0123456789\nabc\nsecond\nthird\n");
    assert_int_equal(nl_journal_lost(journal), 1);
}

static void a_folder_that_cannot_be_made_is_said_once(void **state) {
    (void)state;
    int fd = open(logs, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* a file is in its place */
    assert_true(fd >= 0);
    close(fd);
    for (int i = 0; i < 5; i++)
        append("x.log", "a line");
    nl_journal_flush(journal);
    assert_int_equal(nl_journal_lost(journal), 5);
    assert_int_equal(warnings("Not a directory; this goes on without"), 1);
    unlink(logs);
    append("x.log", "a line");
    nl_journal_flush(journal);
    assert_string_equal(text_of(in("x.log")), "a line\n");
}

/* A pipe that nobody reads stands in for a disk that hangs. */
static void a_slow_disk_is_not_waited_for(void **state) {
    (void)state;
    static char line[1 << 20];
    nl_err err = { .code = NL_OK };
    int n = 0;
    assert_int_equal(mkdir(logs, 0700), 0);
    assert_int_equal(mkfifo(in("slow.log"), 0600), 0);
    int fd = open(in("slow.log"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    memset(line, 'x', sizeof line);
    while (n < 100 && nl_journal_append(journal, "slow.log", line, sizeof line, &err))
        n++;
    assert_int_equal(n, 7); /* and their newlines */
    assert_int_equal(err.code, NL_LIMIT);
    assert_false(nl_journal_append(journal, "other.log", line, sizeof line, NULL));
    assert_int_equal(nl_journal_lost(journal), 2);
    assert_int_equal(warnings("over 8 MB wait to be written"), 1);
    for (size_t left = 7 * (sizeof line + 1); left > 0;) {
        char bytes[65536];
        ssize_t got = read(fd, bytes, sizeof bytes);
        assert_true(got > 0);
        left -= (size_t)got;
    }
    nl_journal_flush(journal);
    append("other.log", "again");
    assert_true(nl_journal_append(journal, "large.log", line, sizeof line, NULL));
    nl_journal_flush(journal);
    assert_string_equal(text_of(in("other.log")), "again\n");
    close(fd);
}

static void two_processes_share_a_file(void **state) {
    (void)state;
    char line[300], other[300];
    int status = -1;
    memset(line, 'a', sizeof line - 1);
    memset(other, 'b', sizeof other - 1);
    line[sizeof line - 1] = other[sizeof other - 1] = '\0';
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        nl_journal *mine = nl_journal_new(logs, NULL);
        for (int i = 0; mine && i < 1000; i++)
            nl_journal_append(mine, "x.log", other, strlen(other), NULL);
        nl_journal_free(mine);
        _exit(mine ? 0 : 1);
    }
    for (int i = 0; i < 1000; i++)
        append("x.log", line);
    nl_journal_flush(journal);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    const char *text = text_of(in("x.log"));
    size_t n = 0;
    for (const char *at = text; *at; at += sizeof line, n++) {
        assert_memory_equal(at, at[0] == 'a' ? line : other, sizeof line - 1);
        assert_int_equal(at[sizeof line - 1], '\n');
    }
    assert_int_equal(n, 2000);
}

static void memory_may_run_out(void **state) {
    (void)state;
    append("x.log", "first"); /* the thread is there */
    nl_journal_flush(journal);
    for (long after = 0;; after++) {
        nl_err err = { .code = NL_OK };
        test_memory_fail(after);
        nl_journal *one = nl_journal_new(logs, &err);
        bool made = one != NULL;
        bool ok = made && nl_journal_append(journal, "x.log", "line", 4, &err);
        bool failed = test_memory_failed();
        test_memory_fail(-1);
        nl_journal_free(one);
        assert_true(ok || err.code == NL_NOMEM);
        if (!failed)
            break;
        assert_true(after < 100);
    }
    nl_journal_flush(journal);
    assert_string_equal(text_of(in("x.log")), "first\nline\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_written_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_writes_what_is_queued, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_never_gets_there, setup, teardown),
        cmocka_unit_test_setup_teardown(names_and_lines_of_another_kind_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_torn_line_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_failed_is_ended_before_the_next_of_its_batch,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_disk_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(two_processes_share_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_run_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
