/* Files that fail at each of the calls on them: short counts, an interruption, a full disk, a disk
 * that gives errors, for a moment and for good. Whoever writes says so in a sentence or goes on;
 * nothing is torn, and what was reported written is there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "cluster_support.h"
#include "data/jsonl.h"
#include "data/yaml.h"
#include "db/stats_priv.h"
#include "io/journal.h"
#include "io/store.h"
#include "store_support.h"
#include "test_files.h"
#include "test_pg.h"

#include "base/banned.h"

enum { SHORT = 0, MOST_PLACES = 60 };

static const struct {
    int calls, error;
    bool lasts;
} faults[] = {
    { TEST_FILES_WRITE, SHORT, true },  { TEST_FILES_WRITE, EINTR, false },
    { TEST_FILES_WRITE, ENOSPC, true }, { TEST_FILES_WRITE, ENOSPC, false },
    { TEST_FILES_WRITE, EIO, false },   { TEST_FILES_READ, SHORT, true },
    { TEST_FILES_READ, EINTR, false },  { TEST_FILES_READ, EIO, true },
    { TEST_FILES_SYNC, EIO, true },     { TEST_FILES_SYNC, ENOSPC, false },
    { TEST_FILES_OPEN, EMFILE, true },  { TEST_FILES_OPEN, EACCES, false },
    { TEST_FILES_CHANGE, EIO, false },  { TEST_FILES_CHANGE, EROFS, true },
    { TEST_FILES_EVERY, EIO, true },
};

static char folder[256];

static const char *path(const char *name) {
    return store_path(folder, name);
}

/* What a body does with the world as it is again, to look at what was left. */
static bool were_hit;
static void faults_end(void) {
    were_hit = test_files_stop();
}

/* Does `body` under every fault at each place. A short count and an interruption are no failure
 * where `patient`: then they must not be told as one. `body` calls faults_end before it looks. */
static void under_faults(bool (*body)(nl_err *err), bool patient) {
    unsigned n = 0, failed = 0;
    nl_err err = { .code = NL_OK };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        bool harmless = faults[i].error == SHORT || faults[i].error == EINTR;
        for (long after = 0; after < MOST_PLACES; after += after < 10 ? 1 : 4, n++) {
            err = (nl_err){ .code = NL_OK };
            test_files_fail(faults[i].calls, after, faults[i].error, faults[i].lasts);
            bool ok = body(&err);
            if (!ok && (!err.msg[0] || err.code == NL_OK))
                fail_msg("fault %zu at call %ld: no sentence", i, after);
            if (!ok && !were_hit)
                fail_msg("failed though nothing did: %s", err.msg);
            if (!ok && harmless && patient)
                fail_msg("fault %zu at call %ld is none: %s", i, after, err.msg);
            failed += !ok;
            if (!were_hit)
                break;
        }
    }
    if (!body(&err))
        fail_msg("it does not work any more: %s", err.msg);
    print_message("  %u faults, %u failures told\n", n, failed);
    assert_true(failed > 0);
}

/* The file holds `line` again and again, whole; how often. */
static size_t whole_lines(const char *name, const char *line) {
    size_t n = 0, size = strlen(line);
    char *text = store_file(path(name));
    for (const char *at = text; at && *at; at += size, n++) {
        if (strncmp(at, line, size) != 0)
            fail_msg("%s is torn: %.60s", name, at);
    }
    free(text);
    return n;
}

/* --- JSON lines ------------------------------------------------------------------------------- */

static bool lines_are_appended(nl_err *err) {
    static const char line[] = "{\"question\":\"how many?\",\"sql\":\"SELECT 1\"}\n";
    nl_jsonl file;
    size_t kept = 0;
    nl_jsonl_init(&file);
    unlink(path("deep/x.jsonl"));
    rmdir(path("deep"));
    bool ok = nl_jsonl_open(&file, path("deep/x.jsonl"), err);
    for (int i = 0; i < 3 && file.fd >= 0; i++) { /* also behind one that failed */
        bool added = nl_jsonl_append(&file, line, sizeof line - 1, err);
        kept += added;
        ok = ok && added;
    }
    ok = ok && nl_jsonl_sync(&file, err);
    nl_jsonl_close(&file);
    faults_end();
    if (access(path("deep/x.jsonl"), F_OK) == 0) { /* a torn tail goes when it is opened again */
        nl_err again = { .code = NL_OK };
        if (!nl_jsonl_open(&file, path("deep/x.jsonl"), &again))
            fail_msg("%s", again.msg);
        assert_int_equal(file.lines, kept);
        nl_jsonl_close(&file);
        assert_int_equal(whole_lines("deep/x.jsonl", line), kept);
    } else {
        assert_int_equal(kept, 0);
    }
    return ok;
}

static void json_lines(void **state) {
    (void)state;
    under_faults(lines_are_appended, true);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool a_config_is_read(nl_err *err) {
    nl_buf text;
    nl_buf_init(&text);
    bool ok = nl_buf_read_file(&text, SOURCE_DIR "/config.yaml", 0, err);
    faults_end();
    if (ok) { /* all of it, or nothing */
        nl_yaml *yaml = nl_yaml_read(text.data, text.size, "config.yaml", err);
        ok = yaml != NULL;
        nl_yaml_free(yaml);
        FILE *file = fopen(SOURCE_DIR "/config.yaml", "re");
        assert_true(file && fseek(file, 0, SEEK_END) == 0);
        assert_int_equal((long)text.size, ftell(file));
        assert_int_equal(fclose(file), 0);
    }
    nl_buf_release(&text);
    return ok;
}

static void reading(void **state) {
    (void)state;
    under_faults(a_config_is_read, true);
}

/* --- logs ------------------------------------------------------------------------------------- */

static bool a_journal_is_kept(nl_err *err) {
    static const char line[] = "a line of the journal that is long enough to be torn";
    enum { LINES = 4 };
    nl_journal *journal = nl_journal_new(path("logs"), err);
    assert_non_null(journal);
    unlink(path("logs/x.log"));
    for (int i = 0; i < LINES; i++) {
        if (!nl_journal_append(journal, "x.log", line, sizeof line - 1, err))
            fail_msg("%s", err->msg);  /* queued: it never waits for a disk */
        if (i % 2 == 1)                /* two are written one right after the other, */
            nl_journal_flush(journal); /* and the next two to the file opened again */
    }
    faults_end();
    size_t lost = nl_journal_lost(journal), whole = 0;
    nl_journal_append(journal, "x.log", "end", 3, NULL);
    nl_journal_free(journal);
    char *text = store_file(path("logs/x.log"));
    assert_non_null(text);
    for (char *at = text, *next; *at; at = next) { /* whole, or half of one and ended */
        next = strchr(at, '\n');
        assert_non_null(next);
        *next++ = '\0';
        whole += strcmp(at, line) == 0;
        assert_true(strncmp(at, line, strlen(at)) == 0 || strcmp(at, "end") == 0);
    }
    free(text);
    assert_int_equal(whole + lost, LINES);
    return lost == 0 || nl_err_set(err, NL_IO, "%zu lines are lost", lost);
}

static void journal(void **state) {
    (void)state;
    under_faults(a_journal_is_kept, true);
}

/* --- buckets of a scan in a temporary file ---------------------------------------------------- */

static bool words_are_spilled(nl_err *err) {
    enum { BITS = 6, VALUES = 400000 };
    stats_store store;
    stats_words words = { 0 };
    size_t n = 0;
    bool ok = stats_store_init(&store, BITS, 512 * 1024, err);
    for (uint64_t i = 0; i < VALUES && ok; i++)
        ok = stats_store_add(&store, nl_mix64(i), 1, err);
    assert_true(!ok || store.file >= 0); /* it did not fit */
    for (size_t bucket = 0; bucket < (size_t)1 << BITS && ok; bucket++) {
        words.n = 0;
        ok = stats_store_fetch(&store, bucket, 0, 0, &words, err);
        n += words.n;
    }
    faults_end();
    if (ok)
        assert_int_equal(n, VALUES);
    free(words.words);
    stats_store_release(&store);
    return ok;
}

static void spilling(void **state) {
    (void)state;
    under_faults(words_are_spilled, true);
}

/* --- the store -------------------------------------------------------------------------------- */

struct writing {
    nl_loop *loop;
    nl_err err;
    bool over, durable;
};

static void on_durable(void *ctx, const nl_err *err) {
    struct writing *w = ctx;
    w->over = true;
    w->durable = err == NULL;
    if (err)
        w->err = *err;
}

/* Turns until one fails; how many were reported durable. */
static unsigned put_turns(nl_store_run *run, nl_err *err) {
    enum { TURNS = 3 };
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct writing w = { .loop = test_loop() };
        if (!store_put_turn(run, "a+b", turn + 1, 1 + 2 * turn, 2, on_durable, &w, err))
            return turn;
        assert_true(test_loop_until(&w.over, 10000));
        if (!w.durable) {
            *err = w.err;
            return turn;
        }
    }
    return TURNS;
}

static void look_at_store(const char *dir, unsigned durable) {
    char text[64];
    nl_store *store = store_open(test_loop(), dir);
    nl_store_run_close(store_run(store, dir, false, NULL));
    nl_store_close(store);
    store_text(dir, "PRAGMA integrity_check", text, sizeof text);
    assert_string_equal(text, "ok");
    int64_t entries = store_number(dir, "SELECT count(*) FROM entry");
    assert_true(entries >= 2 * durable && entries % 2 == 0 && entries <= 2 * (durable + 1));
    nl_buf expected;
    nl_buf_init(&expected);
    for (unsigned i = 1; i <= entries; i++)
        nl_buf_printf(&expected, "%s\n", store_line(i));
    char *file = store_file(store_path(dir, "dataset.jsonl"));
    assert_string_equal(file ? file : "", expected.data);
    free(file);
    nl_buf_release(&expected);
}

static bool a_run_is_stored(nl_err *err) {
    char dir[256], database[300], dataset[300];
    (void)snprintf(dir, sizeof dir, "%s", store_dir(access("/dev/shm", W_OK) ? NULL : "/dev/shm"));
    (void)snprintf(database, sizeof database, "%s/nlsql.db", dir);
    (void)snprintf(dataset, sizeof dataset, "%s/dataset.jsonl", dir);
    nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = dataset
    };
    unsigned durable = 0;
    nl_store *store = nl_store_open(test_loop(), database, err);
    nl_store_run *run = store ? nl_store_run_open(store, &options, NULL, err) : NULL;
    if (run)
        durable = put_turns(run, err);
    bool ok = durable == 3;
    nl_store_close(store);
    faults_end();
    look_at_store(dir, durable);
    store_remove(dir);
    return ok;
}

static void the_store(void **state) {
    (void)state;
    under_faults(a_run_is_stored, false); /* SQLite takes a short write for a full disk */
}

/* --- templates of clusters -------------------------------------------------------------------- */

/* A cluster whose template cannot be copied, or kept, starts without, or says why not; and what is
 * kept afterwards serves the next one. */
static void templates(void **state) {
    static const struct {
        int calls, error;
        long after;
    } some[] = {
        { TEST_FILES_WRITE, SHORT, 0 },
        { TEST_FILES_WRITE, ENOSPC, 40 },
        { TEST_FILES_READ, EIO, 200 },
        { TEST_FILES_CHANGE, EIO, 0 },
    };
    struct place place;
    (void)state;
    place_make(&place);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        nl_err err = { .code = NL_OK };
        test_files_fail(some[i].calls, some[i].after, some[i].error, some[i].error == SHORT);
        nl_cluster *cluster = nl_cluster_start(NULL, &err);
        test_files_stop();
        if (!cluster && !err.msg[0])
            fail_msg("fault %zu: no sentence", i);
        nl_cluster_stop(cluster);
        cluster = nl_cluster_start(NULL, &err);
        if (!cluster)
            fail_msg("fault %zu left something that does not serve: %s", i, err.msg);
        char text[32];
        assert_int_equal(psql(cluster, NULL, "SELECT 6 * 7", text, sizeof text), 0);
        assert_string_equal(text, "42");
        nl_cluster_stop(cluster);
    }
    place_remove(&place);
}

static int set_up(void **state) {
    (void)state;
    nl_log_setup(NL_ERROR + 1, false);
    test_files_vfs();
    (void)snprintf(folder, sizeof folder, "%s", store_dir(NULL));
    return test_loop() ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    store_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines), cmocka_unit_test(reading),   cmocka_unit_test(journal),
        cmocka_unit_test(spilling),   cmocka_unit_test(the_store), cmocka_unit_test(templates),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
