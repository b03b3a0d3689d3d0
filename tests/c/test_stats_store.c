/* Buckets of hashes: what goes in comes out, also by way of a temporary file, of a full disk, and
 * where memory runs out; sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cluster_support.h"
#include "db/stats_priv.h"
#include "test_memory.h"

#include "base/banned.h"

enum { BITS = 6, KEYS = 40, VALUES = 100000, SMALL_ROOM = 512 * 1024 };

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* --- sorting
 * -------------------------------------------------------------------------------------- */

static void test_sorts_what_qsort_sorts(void **state) {
    enum { N = 30000 };
    static const size_t sizes[] = { 0, 1, 2, 47, 48, 49, 200, 5000, N };
    uint64_t *words = malloc(N * sizeof *words), *scratch = malloc(N * sizeof *scratch);
    uint64_t *expected = malloc(N * sizeof *expected);
    (void)state;
    assert_true(words && scratch && expected);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (unsigned kind = 0; kind < 3; kind++) { /* all apart; many alike; one hash, many keys */
            for (size_t i = 0; i < sizes[s]; i++)
                words[i] = kind == 0   ? nl_mix64(i)
                           : kind == 1 ? nl_mix64(i % 7)
                                       : nl_mix64(i % 3) << BITS | nl_mix64(i) % KEYS;
            memcpy(expected, words, sizes[s] * sizeof *words);
            qsort(expected, sizes[s], sizeof *words, by_value);
            const uint64_t *sorted = stats_sort(words, scratch, sizes[s], 0);
            assert_memory_equal(sorted, expected, sizes[s] * sizeof *words);
            for (size_t i = 0; i < sizes[s]; i++)
                words[i] = expected[(i * 7919) % sizes[s]];
            sorted = stats_sort(words, scratch, sizes[s], BITS);
            for (size_t i = 1; i < sizes[s]; i++)
                assert_true(sorted[i] >> BITS >= sorted[i - 1] >> BITS);
        }
    }
    free(words);
    free(scratch);
    free(expected);
}

/* --- the store
 * ------------------------------------------------------------------------------------ */

static uint64_t value_of(size_t i) {
    return nl_mix64(i % (VALUES / 2)); /* each one twice */
}

/* Every (hash, key) that was put in is in its bucket and in its part, and nothing else is. */
static void check_contents(const stats_store *store, unsigned part_bits) {
    nl_err err = { .msg = "" };
    stats_words words = { 0 };
    size_t found = 0;
    uint64_t *scratch = malloc(2 * VALUES * sizeof *scratch);
    assert_non_null(scratch);
    for (size_t b = 0; b < (size_t)1 << BITS; b++) {
        size_t in_bucket = 0;
        for (size_t part = 0; part < (size_t)1 << part_bits; part++) {
            words.n = 0;
            assert_true(stats_store_fetch(store, b, part_bits, part, &words, &err));
            in_bucket += words.n;
            const uint64_t *sorted = stats_sort(words.words, scratch, words.n, 0);
            for (size_t i = 0; i < words.n; i++)
                found += i == 0 || sorted[i] != sorted[i - 1];
        }
        assert_int_equal(in_bucket, stats_store_count(store, b));
    }
    assert_int_equal(found, VALUES / 2);
    words.n = 0;
    uint64_t hash = value_of(17);
    assert_true(stats_store_fetch(store, (size_t)(hash >> (64 - BITS)), 0, 0, &words, &err));
    bool there = false;
    for (size_t i = 0; i < words.n; i++)
        there = there || words.words[i] == (hash << BITS | 17 % KEYS);
    assert_true(there);
    free(words.words);
    free(scratch);
}

static bool put_all(stats_store *store, nl_err *err) {
    for (size_t i = 0; i < VALUES; i++) {
        if (!stats_store_add(store, value_of(i), (uint32_t)(i % (VALUES / 2) % KEYS), err))
            return false;
    }
    return true;
}

static void test_keeps_what_is_put_in(void **state) {
    static const size_t rooms[] = { 64 << 20, SMALL_ROOM };
    (void)state;
    for (size_t r = 0; r < 2; r++) {
        stats_store store;
        nl_err err = { .msg = "" };
        assert_true(stats_store_init(&store, BITS, rooms[r], &err));
        store.room = rooms[r];
        assert_true(put_all(&store, &err));
        assert_true(store.used <= store.room);
        assert_true(r == 0 ? store.rounds == 0 && store.file_size == 0
                           : store.rounds > 0 && store.file_size > 100000);
        check_contents(&store, 0);
        check_contents(&store, 3);
        stats_store_release(&store);
    }
}

/* Repeated values are thrown away before anything goes to a file. */
static void test_repeated_values_need_no_file(void **state) {
    stats_store store;
    nl_err err = { .msg = "" };
    (void)state;
    assert_true(stats_store_init(&store, BITS, SMALL_ROOM, &err));
    store.room = SMALL_ROOM;
    for (size_t i = 0; i < 10 * VALUES; i++)
        assert_true(stats_store_add(&store, nl_mix64(i % 5000), 3, &err));
    assert_int_equal(store.file_size, 0);
    stats_store_release(&store);
}

static int fill_a_small_disk(const void *ctx) {
    char dir[] = "/tmp/nlsql-full-XXXXXX", left[128];
    stats_store store;
    nl_err err = { .msg = "" };
    (void)ctx;
    if (!own_mounts())
        return CANNOT;
    CHECK(mkdtemp(dir), "no folder");
    if (!mount_tmpfs(dir, "size=256k"))
        return CANNOT;
    setenv("TMPDIR", dir, 1);
    CHECK(stats_store_init(&store, BITS, SMALL_ROOM, &err), "%s", err.msg);
    store.room = SMALL_ROOM;
    CHECK(!put_all(&store, &err), "a full disk went unnoticed");
    CHECK(err.code == NL_IO && strstr(err.msg, "No space left on device") && strstr(err.msg, dir) &&
              strstr(err.msg, "memory_mb"),
          "%s", err.msg);
    CHECK(count(dir, "nlsql-scan-", left, sizeof left) == 0, "%s is left", left);
    stats_store_release(&store);
    return 0;
}

static void test_a_full_disk_is_told(void **state) {
    (void)state;
    int result = in_child(fill_a_small_disk, NULL);
    if (result == CANNOT)
        skip();
    assert_int_equal(result, 0);
}

static void test_memory_may_run_out_anywhere(void **state) {
    (void)state;
    bool done = false;
    for (long after = 0; !done; after++) {
        stats_store store;
        nl_err err = { .code = NL_OK };
        test_memory_fail_once(after);
        bool ok = stats_store_init(&store, BITS, SMALL_ROOM, &err);
        if (ok) {
            store.room = SMALL_ROOM;
            ok = put_all(&store, &err);
        }
        done = !test_memory_failed();
        test_memory_fail(-1);
        assert_true(ok == done);
        if (!ok)
            assert_int_equal(err.code, NL_NOMEM);
        stats_store_release(&store);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts_what_qsort_sorts),
        cmocka_unit_test(test_keeps_what_is_put_in),
        cmocka_unit_test(test_repeated_values_need_no_file),
        cmocka_unit_test(test_a_full_disk_is_told),
        cmocka_unit_test(test_memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
