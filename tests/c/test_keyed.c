/* Keyed bytes and permutations: the same for the same secret, something else for any other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/keyed.h"
#include "test_memory.h"

static const unsigned char secret[NL_SECRET_BYTES] = "a secret of thirty-two bytes ...";
static const unsigned char other[NL_SECRET_BYTES] = "a secret of thirty-two bytes ..,";

static nl_keyed *open_keyed(const unsigned char *with) {
    nl_err err;
    nl_keyed *keyed = nl_keyed_new(with, &err);
    assert_non_null(keyed);
    return keyed;
}

static void bytes_depend_on_secret_domain_and_value(void **state) {
    (void)state;
    unsigned char a[64], b[64];
    nl_keyed *one = open_keyed(secret), *two = open_keyed(other);
    nl_keyed_bytes(one, "email", "x", 1, a, 64);
    nl_keyed_bytes(one, "email", "x", 1, b, 64);
    assert_memory_equal(a, b, 64);
    nl_keyed_bytes(one, "email", "x", 1, b, 7); /* fewer are the first of them */
    assert_memory_equal(a, b, 7);
    nl_keyed_bytes(one, "phone", "x", 1, b, 64);
    assert_memory_not_equal(a, b, 8);
    nl_keyed_bytes(one, "email", "y", 1, b, 64);
    assert_memory_not_equal(a, b, 8);
    nl_keyed_bytes(two, "email", "x", 1, b, 64);
    assert_memory_not_equal(a, b, 8);
    /* where the domain ends and the value begins is part of it */
    nl_keyed_bytes(one, "emai", "lx", 2, b, 64);
    assert_memory_not_equal(a, b, 8);
    nl_keyed_free(one);
    nl_keyed_free(two);
}

static void secrets_are_random(void **state) {
    (void)state;
    nl_err err;
    unsigned char a[NL_SECRET_BYTES], b[NL_SECRET_BYTES];
    assert_true(nl_keyed_secret(a, &err) && nl_keyed_secret(b, &err));
    assert_memory_not_equal(a, b, sizeof a);
}

static void permutations_hit_every_place_once(void **state) {
    static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 10, 28, 31, 64, 100, 1000, 1025, 4096 };
    (void)state;
    nl_keyed *keyed = open_keyed(secret);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint64_t n = sizes[s];
        unsigned char *places = calloc(n, 2);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t p = nl_keyed_permute(keyed, "d", i, n), m = nl_keyed_move(keyed, "d", i, n);
            assert_true(p < n && m < n);
            assert_true(n == 1 || m != i);
            places[2 * p] |= 1;
            places[2 * m + 1] |= 1;
        }
        for (uint64_t i = 0; i < 2 * n; i++)
            assert_int_equal(places[i], 1);
        free(places);
    }
    nl_keyed_free(keyed);
}

static void large_ranges_stay_within_and_differ_by_secret(void **state) {
    static const uint64_t sizes[] = { 10000000000ull, 1000000000000000000ull, 1ull << 62 };
    (void)state;
    nl_keyed *one = open_keyed(secret), *two = open_keyed(other);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        unsigned same = 0, kept = 0;
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t at = i * 7919 % sizes[s];
            uint64_t p = nl_keyed_permute(one, "d", at, sizes[s]);
            assert_true(p < sizes[s]);
            same += p == nl_keyed_permute(two, "d", at, sizes[s]);
            kept += p == at;
        }
        assert_true(same == 0 && kept == 0);
    }
    nl_keyed_free(one);
    nl_keyed_free(two);
}

static void memory_that_runs_out(void **state) {
    (void)state;
    nl_err err;
    if (!test_memory_can_fail())
        skip();
    nl_keyed_free(open_keyed(secret)); /* libsodium has started */
    test_memory_fail(0);
    nl_keyed *keyed = nl_keyed_new(secret, &err);
    test_memory_fail(-1);
    assert_null(keyed);
    assert_int_equal(err.code, NL_NOMEM);
    nl_keyed_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_depend_on_secret_domain_and_value),
        cmocka_unit_test(secrets_are_random),
        cmocka_unit_test(permutations_hit_every_place_once),
        cmocka_unit_test(large_ranges_stay_within_and_differ_by_secret),
        cmocka_unit_test(memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
