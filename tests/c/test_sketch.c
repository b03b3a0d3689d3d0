/* Sketches: their stated errors on sets of known size, numbers that are equal across types, the
 * most common values against exact counts. */
#include "data/sketch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/sketch_number.h"

#include "base/banned.h"

/* --- hashes -------------------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_integers_never_collide(void **state) {
    enum { N = 200000 };
    uint64_t *hashes = malloc(N * sizeof *hashes);
    (void)state;
    assert_non_null(hashes);
    for (int64_t i = 0; i < N; i++)
        hashes[i] = nl_hash_integer(i * 4294967297 - N);
    qsort(hashes, N, sizeof *hashes, by_value);
    for (size_t i = 1; i < N; i++)
        assert_true(hashes[i] != hashes[i - 1]);
    free(hashes);
}

/* --- distinct values ----------------------------------------------------------------------------
 */

/* The mean of many trials shows bias, their spread the stated error. */
static void test_hyperloglog_keeps_its_error(void **state) {
    static const uint64_t sizes[] = { 0, 1, 100, 3000, 20000, 300000 };
    enum { TRIALS = 40 };
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        double sum = 0, squares = 0, n = (double)sizes[s];
        for (uint64_t t = 0; t < TRIALS; t++) {
            nl_hll hll = { { 0 } };
            for (uint64_t i = 0; i < sizes[s]; i++)
                nl_hll_add(&hll, nl_mix64(i + t * 1000000007));
            double off = n > 0 ? nl_hll_estimate(&hll) / n - 1 : nl_hll_estimate(&hll);
            sum += off;
            squares += off * off;
        }
        assert_true(fabs(sum / TRIALS) < 4 * nl_hll_error() / sqrt(TRIALS));
        assert_true(sqrt(squares / TRIALS) < 1.4 * nl_hll_error());
    }
    assert_true(fabs(nl_hll_error() - 0.01625) < 1e-6);
}

static void test_hyperloglogs_merge(void **state) {
    nl_hll all = { { 0 } }, one = { { 0 } }, two = { { 0 } };
    (void)state;
    for (uint64_t i = 0; i < 10000; i++) {
        nl_hll_add(&all, nl_mix64(i));
        nl_hll_add(i % 3 ? &one : &two, nl_mix64(i));
    }
    nl_hll_merge(&one, &two);
    assert_memory_equal(&all, &one, sizeof all);
}

static void fill(nl_kmv *kmv, size_t k, uint64_t from, uint64_t to) {
    nl_kmv_init(kmv, k);
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = from; i < to; i++)
            assert_true(nl_kmv_add(kmv, nl_mix64(i)));
    }
    nl_kmv_finish(kmv);
}

static void test_least_hashes_estimate_sets(void **state) {
    enum { K = 1024 };
    double error;
    nl_kmv a, b, few;
    (void)state;
    fill(&a, K, 0, 50000);
    fill(&b, K, 20000, 120000);
    fill(&few, K, 100, 600);
    assert_true(fabs(nl_kmv_distinct(&few, &error) - 500) < 1e-9 && error == 0);
    assert_true(fabs(nl_kmv_distinct(&a, &error) / 50000 - 1) < 4 / sqrt(K - 2));
    assert_true(fabs(error - 1 / sqrt(K - 2)) < 1e-12);
    nl_kmv_overlap found = nl_kmv_compare(&a, &b);
    assert_true(fabs(found.containment - 0.6) < 4 * found.error);
    assert_true(found.error > 0.01 && found.error < 0.04);
    assert_true(fabs(found.common / 30000 - 1) < 0.15);
    /* what is surely all in, or not at all */
    found = nl_kmv_compare(&few, &a);
    assert_true(found.containment == 1);
    nl_kmv_release(&few);
    fill(&few, K, 200000, 200500);
    assert_true(nl_kmv_compare(&few, &a).containment == 0);
    nl_kmv_release(&few);
    fill(&few, K, 0, 0);
    assert_true(nl_kmv_compare(&few, &a).containment == 0);
    nl_kmv_release(&few);
    nl_kmv_release(&b);
    nl_kmv_release(&a);
}

static void test_least_hashes_are_exact_while_few(void **state) {
    nl_kmv a, b;
    (void)state;
    fill(&a, 512, 0, 300);
    fill(&b, 512, 100, 500);
    nl_kmv_overlap found = nl_kmv_compare(&a, &b);
    assert_true(fabs(found.common - 200) < 1e-9 && found.error == 0);
    nl_kmv joined;
    nl_kmv_init(&joined, 512);
    assert_true(nl_kmv_merge(&joined, &a) && nl_kmv_merge(&joined, &b));
    nl_kmv_finish(&joined);
    assert_int_equal(joined.n, 500);
    nl_kmv_release(&joined);
    nl_kmv_release(&a);
    nl_kmv_release(&b);
}

/* --- the most common
 * ------------------------------------------------------------------------------ */

static void add_times(nl_common *common, uint64_t value, unsigned times) {
    for (unsigned i = 0; i < times; i++)
        nl_common_add(common, nl_mix64(value), (int64_t)value, &value, sizeof value);
}

static void test_common_values_are_exact_while_few(void **state) {
    nl_common common;
    const nl_common_entry *top[10];
    (void)state;
    assert_true(nl_common_init(&common, 1024, true));
    for (uint64_t v = 1; v <= 700; v++)
        add_times(&common, v, (unsigned)(v % 97 + 1));
    assert_int_equal(nl_common_top(&common, top, 10), 10);
    for (size_t i = 0; i < 10; i++) {
        uint64_t value;
        memcpy(&value, nl_common_value(&common, top[i]), sizeof value);
        assert_int_equal(top[i]->count, value % 97 + 1);
        assert_int_equal(top[i]->missed, 0);
        assert_true(top[i]->count >= (i < 7 ? 97u : 96u));
    }
    assert_int_equal(common.bound, 0);
    assert_int_equal(nl_common_top(&common, top, 0), 0);
    nl_common_release(&common);
}

/* A few frequent values among 300,000 rare ones: found, with counts within what is stated; and no
 * value that is told occurred less often than one that is not. */
static void test_common_values_within_their_bound(void **state) {
    enum { RARE = 300000, OFTEN = 7 };
    nl_common common, half;
    const nl_common_entry *top[10];
    (void)state;
    assert_true(nl_common_init(&common, 256, true) && nl_common_init(&half, 256, true));
    for (uint64_t i = 0; i < RARE; i++) {
        nl_common *to = i < RARE / 2 ? &common : &half;
        add_times(to, 1000 + nl_mix64(i) % 1000000, 1);
        if (i % 30 == 0)
            add_times(to, i / 30 % OFTEN, 1 + (unsigned)(i / 30 % OFTEN) * 3);
    }
    assert_true(nl_common_merge(&common, &half));
    size_t n = nl_common_top(&common, top, 10);
    assert_true(n >= 5 && n <= OFTEN);
    for (size_t i = 0; i < n; i++) {
        uint64_t value = (uint64_t)top[i]->number;
        assert_int_equal(value, OFTEN - 1 - i); /* the most common first */
        uint64_t times = 0;
        for (uint64_t j = 0; j < RARE; j += 30)
            times += j / 30 % OFTEN == value ? 1 + value * 3 : 0;
        assert_true(top[i]->count <= times && times <= top[i]->count + top[i]->missed);
        assert_true(top[i]->count > common.bound);
    }
    assert_true(common.bound > 0 && common.bound < RARE / 20);
    nl_common_release(&half);
    nl_common_release(&common);
}

/* --- numbers
 * -------------------------------------------------------------------------------------- */

/* A numeric in the server's binary form, from "-123.4500", "NaN", … */
static size_t numeric(const char *text, uint8_t *out) {
    bool negative = text[0] == '-';
    const char *digits = text + negative, *point = strchr(digits, '.');
    size_t whole = point ? (size_t)(point - digits) : strlen(digits);
    size_t scale = point ? strlen(point + 1) : 0;
    if (strcmp(text, "NaN") == 0)
        return memcpy(out, "\0\0\0\0\xC0\0\0\0", 8), 8;
    if (strcmp(digits, "Infinity") == 0)
        return memcpy(out, negative ? "\0\0\0\0\xF0\0\0\0" : "\0\0\0\0\xD0\0\0\0", 8), 8;
    char padded[400];
    size_t lead = (4 - whole % 4) % 4, tail = (4 - scale % 4) % 4, n = 0;
    for (size_t i = 0; i < lead; i++)
        padded[n++] = '0';
    for (const char *c = digits; *c; c++) {
        if (*c != '.')
            padded[n++] = *c;
    }
    for (size_t i = 0; i < tail; i++)
        padded[n++] = '0';
    int weight = (int)(whole + lead) / 4 - 1;
    out[0] = (uint8_t)(n / 4 >> 8);
    out[1] = (uint8_t)(n / 4);
    out[2] = (uint8_t)((unsigned)weight >> 8);
    out[3] = (uint8_t)weight;
    out[4] = negative ? 0x40 : 0;
    out[5] = 0;
    out[6] = (uint8_t)(scale >> 8);
    out[7] = (uint8_t)scale;
    for (size_t i = 0; i < n / 4; i++) {
        unsigned d = (unsigned)(padded[4 * i] - '0') * 1000 +
                     (unsigned)(padded[4 * i + 1] - '0') * 100 +
                     (unsigned)(padded[4 * i + 2] - '0') * 10 + (unsigned)(padded[4 * i + 3] - '0');
        out[8 + 2 * i] = (uint8_t)(d >> 8);
        out[9 + 2 * i] = (uint8_t)d;
    }
    return 8 + n / 2;
}

static nl_numeric read(const char *text, uint8_t *room) {
    nl_numeric number;
    size_t size = numeric(text, room);
    if (!nl_numeric_read(&number, room, size))
        fail_msg("%s is not read", text);
    return number;
}

static uint64_t hash_of(const char *text) {
    uint8_t room[400];
    nl_numeric number = read(text, room);
    double near;
    return nl_numeric_hash(&number, 7, &near);
}

static void test_equal_numbers_have_one_hash(void **state) {
    static const struct {
        const char *text;
        double real;
        int64_t integer;
        bool whole;
    } rows[] = {
        { "0", 0, 0, true },
        { "0.000", -0.0, 0, true },
        { "1.0", 1, 1, true },
        { "-42.00", -42, -42, true },
        { "10000", 10000, 10000, true },
        { "1000000000000000", 1e15, 1000000000000000, true },
        { "9223372036854775807", 0, INT64_MAX, true },
        { "-9223372036854775808", -9223372036854775808.0, INT64_MIN, true },
        { "0.1", 0.1, 0, false },
        { "12.3400", 12.34, 0, false },
        { "-0.25", -0.25, 0, false },
        { "0.00000000000000000000000000001", 1e-29, 0, false },
        { "99999999999.9999", 99999999999.9999, 0, false },
        { "100000000000000000000", 1e20, 0, false },
        { "123450000000000000000000000000000", 1.2345e32, 0, false },
        { "9223372036854775808", 0, 0, false },
        { "NaN", (double)NAN, 0, false },
        { "Infinity", HUGE_VAL, 0, false },
        { "-Infinity", -HUGE_VAL, 0, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t hash = hash_of(rows[i].text);
        if (rows[i].whole)
            assert_true(hash == nl_hash_integer(rows[i].integer));
        if (rows[i].real != 0 || i < 2)
            assert_true(hash == nl_hash_double(rows[i].real));
        for (size_t j = 0; j < i; j++) {
            if (!(i == 1 && j == 0))
                assert_true(hash != hash_of(rows[j].text));
        }
    }
    assert_true(hash_of("0.1") != hash_of("0.1000000000000000000000000001"));
    assert_true(hash_of("1.00000000000000000000000010") == hash_of("1.0000000000000000000000001"));
    assert_true(nl_hash_double(0.1) != nl_hash_double((double)0.1f));
}

static void test_numerics_have_order_and_text(void **state) {
    static const char *const ordered[] = { "-Infinity",
                                           "-1000000.5",
                                           "-9999",
                                           "-0.1",
                                           "-0.00010000",
                                           "0",
                                           "0.0000000000000000001",
                                           "0.05",
                                           "0.5",
                                           "1",
                                           "1.00000000000000000000001",
                                           "9999.9999",
                                           "10000",
                                           "123456789012345678901234567890.125",
                                           "Infinity",
                                           "NaN" };
    enum { N = sizeof ordered / sizeof *ordered };
    uint8_t a[400], b[400];
    char text[400];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        nl_numeric x = read(ordered[i], a);
        assert_int_equal(nl_numeric_text(&x, text, sizeof text), strlen(ordered[i]));
        assert_string_equal(text, ordered[i]);
        for (size_t j = 0; j < N; j++) {
            nl_numeric y = read(ordered[j], b);
            assert_int_equal(nl_numeric_compare(&x, &y), (i > j) - (i < j));
            double near_x, near_y;
            (void)nl_numeric_hash(&x, 7, &near_x);
            (void)nl_numeric_hash(&y, 7, &near_y);
            if (i < j) /* known ones are in the same order, or equal */
                assert_false(near_x > near_y);
        }
    }
    nl_numeric zero = read("0.00", a), other = read("-0.000", b);
    assert_int_equal(nl_numeric_compare(&zero, &other), 0);
    assert_true(nl_numeric_text(&zero, text, 3) == 2); /* cut where there is no room */
    assert_string_equal(text, "0.");
    assert_false(nl_numeric_read(&zero, "\0\1\0\0\0\0\0\0", 8)); /* a digit is missing */
    assert_false(nl_numeric_read(&zero, "\0\0\0", 3));
}

static void test_doubles_have_the_servers_text(void **state) {
    static const struct {
        double value;
        bool single;
        const char *text;
    } rows[] = {
        { 0, false, "0" },
        { 1, false, "1" },
        { 0.1, false, "0.1" },
        { (double)0.1f, true, "0.1" },
        { 1e20, false, "1e+20" },
        { 123456789012345, false, "123456789012345" },
        { 1e-7, false, "1e-07" },
        { 0.30000000000000004, false, "0.30000000000000004" },
        { -2.5, true, "-2.5" },
        { 12345678, true, "1.2345678e+07" },
        { 1e300, false, "1e+300" },
        { 1234567890123456.0, false, "1.234567890123456e+15" },
        { HUGE_VAL, false, "Infinity" },
    };
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)nl_double_text(rows[i].value, rows[i].single, text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_never_collide),
        cmocka_unit_test(test_hyperloglog_keeps_its_error),
        cmocka_unit_test(test_hyperloglogs_merge),
        cmocka_unit_test(test_least_hashes_estimate_sets),
        cmocka_unit_test(test_least_hashes_are_exact_while_few),
        cmocka_unit_test(test_common_values_are_exact_while_few),
        cmocka_unit_test(test_common_values_within_their_bound),
        cmocka_unit_test(test_equal_numbers_have_one_hash),
        cmocka_unit_test(test_numerics_have_order_and_text),
        cmocka_unit_test(test_doubles_have_the_servers_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
