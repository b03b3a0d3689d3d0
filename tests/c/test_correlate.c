/* Coefficients against published examples, against slow computations by their definitions on random
 * columns, and against what must hold of any. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/correlate.h"
#include "test_memory.h"

#include "base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MOST = 600 };

static void assert_near(double is, double expected, double error) {
    if (!(fabs(is - expected) <= error))
        fail_msg("%.17g is not %.17g within %g", is, expected, error);
}

/* --- series from C values -------------------------------------------------------------------- */

/* NAN: no value. */
static nl_series numbers_of(const double *values, size_t n) {
    static char texts[MOST][32];
    const char *cells[MOST];
    nl_series series;
    nl_err err;
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%.17g", values[i]);
        cells[i] = isnan(values[i]) ? NULL : texts[i];
    }
    assert_true(nl_series_numbers(&series, cells, n, &err));
    return series;
}

/* Below 0: no value. */
static nl_series categories_of(const int *values, size_t n) {
    static char texts[MOST][16];
    const char *cells[MOST];
    nl_series series;
    nl_err err;
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "c%d", values[i]);
        cells[i] = values[i] < 0 ? NULL : texts[i];
    }
    assert_true(nl_series_categories(&series, cells, n, &err));
    return series;
}

static double pearson_of(const double *x, const double *y, size_t n) {
    nl_series a = numbers_of(x, n), b = numbers_of(y, n);
    double r = nl_pearson(&a, &b);
    assert_true(isnan(r) ? isnan(nl_pearson(&b, &a)) : fabs(r - nl_pearson(&b, &a)) < 1e-14);
    nl_series_release(&a);
    nl_series_release(&b);
    return r;
}

static double spearman_of(const double *x, const double *y, size_t n) {
    double rho, other;
    nl_series a = numbers_of(x, n), b = numbers_of(y, n);
    assert_true(nl_spearman(&a, &b, &rho, NULL));
    assert_true(nl_spearman(&b, &a, &other, NULL));
    assert_true(isnan(rho) ? isnan(other) : fabs(rho - other) < 1e-14);
    nl_series_release(&a);
    nl_series_release(&b);
    return rho;
}

static double eta_of(const int *category, const double *number, size_t n) {
    double eta;
    nl_series a = categories_of(category, n), b = numbers_of(number, n);
    assert_true(nl_correlation_ratio(&a, &b, &eta, NULL));
    nl_series_release(&a);
    nl_series_release(&b);
    return eta;
}

static nl_joint joint_of(const int *x, const int *y, size_t n) {
    nl_joint joint;
    nl_series a = categories_of(x, n), b = categories_of(y, n);
    assert_true(nl_joint_count(&a, &b, &joint, NULL));
    nl_series_release(&a);
    nl_series_release(&b);
    return joint;
}

/* A contingency table of counts, `columns` in each row. */
static nl_joint joint_of_table(const int *counts, size_t rows, size_t columns) {
    static int x[4000], y[4000];
    size_t n = 0;
    for (size_t i = 0; i < rows * columns; i++) {
        for (int k = 0; k < counts[i]; k++, n++) {
            x[n] = (int)(i / columns);
            y[n] = (int)(i % columns);
        }
    }
    nl_joint joint;
    nl_series a = { .n = n, .n_codes = rows }, b = { .n = n, .n_codes = columns };
    a.codes = (uint32_t *)x;
    b.codes = (uint32_t *)y;
    assert_true(nl_joint_count(&a, &b, &joint, NULL));
    assert_int_equal(joint.n, n);
    return joint;
}

/* --- published examples ---------------------------------------------------------------------- */

/* Anscombe 1973, "Graphs in statistical analysis": r is 0.816 in each of the four. */
static const double anscombe_x[] = { 10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5 };
static const double anscombe_x4[] = { 8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8 };
static const double anscombe_y[4][11] = {
    { 8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68 },
    { 9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74 },
    { 7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73 },
    { 6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89 },
};

static void anscombes_quartet(void **state) {
    (void)state;
    static const double r[] = { 0.81642, 0.81624, 0.81629, 0.81652 };
    for (size_t i = 0; i < 4; i++)
        assert_near(pearson_of(i < 3 ? anscombe_x : anscombe_x4, anscombe_y[i], 11), r[i], 5e-6);
}

static void ranks_with_ties(void **state) {
    (void)state;
    /* The example of SciPy's scipy.stats.spearmanr: 8 / √95. */
    static const double x[] = { 1, 2, 3, 4, 5 }, y[] = { 5, 6, 7, 8, 7 };
    assert_near(spearman_of(x, y, 5), 0.82078268166812329, 1e-15);
    /* Wikipedia's "Spearman's rank correlation coefficient": -29 / 165, no ties. */
    static const double iq[] = { 106, 100, 86, 101, 99, 103, 97, 113, 112, 110 };
    static const double tv[] = { 7, 27, 2, 50, 28, 29, 20, 12, 6, 17 };
    assert_near(spearman_of(iq, tv, 10), -29.0 / 165, 1e-15);
}

static void cramers_v_of_published_tables(void **state) {
    (void)state;
    /* Snee 1974, "Graphical display of two-way contingency tables": hair (rows) and eyes of 592
     * students; χ² = 138.29, V = 0.279. By hand: φ² = 0.2335977, φ² - 9/591 = 0.2183693,
     * r̃ - 1 = 3 - 9/591 = 2.9847716, and √(0.2183693 / 2.9847716) = 0.270483. */
    static const int hair[] = { 68, 20, 15, 5, 119, 84, 54, 29, 26, 17, 14, 14, 7, 94, 10, 16 };
    nl_joint joint = joint_of_table(hair, 4, 4);
    assert_near(joint.phi2 * 592, 138.2898, 5e-5);
    assert_near(sqrt(joint.phi2 / 3), 0.279, 5e-4);
    assert_near(nl_cramers_v(&joint), 0.270483, 5e-7);
    /* The example of SciPy's scipy.stats.contingency.association: V = 0.18617813 uncorrected. By
     * hand: φ² = 0.0346623, φ² - 3/2424 = 0.0334247, c̃ - 1 = 1 - 1/2424, √0.0334385 = 0.182862. */
    static const int four[] = { 100, 150, 203, 322, 420, 700, 320, 210 };
    joint = joint_of_table(four, 4, 2);
    assert_near(sqrt(joint.phi2), 0.18617813077483678, 1e-14);
    assert_near(nl_cramers_v(&joint), 0.182862, 5e-7);
}

/* Wikipedia's "Correlation ratio": marks in three subjects, η² = 6780 / 9640. */
static void the_correlation_ratio_of_marks(void **state) {
    (void)state;
    static const double marks[] = { 45, 70, 29, 15, 21, 40, 20, 30, 42, 65, 95, 80, 70, 85, 73 };
    static const int subject[] = { 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3 };
    assert_near(eta_of(subject, marks, 15), sqrt(6780.0 / 9640), 1e-14);
}

/* Cover & Thomas, "Elements of information theory", example 2.2.1: I(X;Y) = 3/8 bit. */
static void the_information_of_a_joint_distribution(void **state) {
    (void)state;
    static const int in_32nds[] = { 4, 2, 1, 1, 2, 4, 1, 1, 2, 2, 2, 2, 8, 0, 0, 0 };
    nl_joint joint = joint_of_table(in_32nds, 4, 4);
    assert_int_equal(joint.cells, 13);
    assert_near(nl_mutual_information(&joint), 0.375 * log(2), 1e-14);
}

/* By the definition: of the rows with a = 1 two of three may stay, with 2 two of three, with 3
 * both, so 2 of 8 go; by b: of x two of four, of y three of three, of z one: again 2, but other
 * rows. */
static void rows_to_remove_for_a_dependency(void **state) {
    (void)state;
    static const int a[] = { 1, 1, 1, 2, 2, 2, 3, 3 }, b[] = { 7, 7, 8, 8, 8, 9, 7, 7 };
    static const int key[] = { 1, 2, 3, 4, 5, 6, 7, 8 }, constant[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    double reverse;
    nl_joint joint = joint_of(a, b, 8);
    assert_near(nl_joint_g3(&joint, &reverse), 2.0 / 8, 0);
    assert_near(reverse, 3.0 / 8, 0);
    assert_int_equal(joint.a_repeated, 8);
    assert_int_equal(joint.b_repeated, 7);
    assert_int_equal(joint.b_mode, 4);
    joint = joint_of(key, b, 8);
    assert_near(nl_joint_g3(&joint, &reverse), 0, 0);
    assert_near(reverse, 5.0 / 8, 0);
    assert_int_equal(joint.a_repeated, 0);
    joint = joint_of(constant, b, 8);
    assert_near(nl_joint_g3(&joint, &reverse), 4.0 / 8, 0);
    assert_near(reverse, 0, 0);
}

/* --- numbers that are hard ------------------------------------------------------------------- */

static void large_means_cost_no_digits(void **state) {
    (void)state;
    double x[11], y[11], expected = pearson_of(anscombe_x, anscombe_y[0], 11);
    for (size_t i = 0; i < 11; i++) { /* whole numbers, so that the shift rounds nothing */
        x[i] = anscombe_x[i] + 1e12;
        y[i] = round(anscombe_y[0][i] * 100) - 1e12;
    }
    assert_near(pearson_of(x, y, 11), expected, 1e-12);
    int category[11];
    for (size_t i = 0; i < 11; i++)
        category[i] = (int)i / 4;
    assert_near(eta_of(category, x, 11), eta_of(category, anscombe_x, 11), 1e-12);
}

static void nothing_overflows_or_vanishes(void **state) {
    (void)state;
    static const double scales[] = { 0x1p1000, 0x1p-1000, -0x1p990, 0x1p-1060 };
    double expected = pearson_of(anscombe_x, anscombe_y[0], 11);
    int category[11];
    for (size_t i = 0; i < 11; i++)
        category[i] = (int)i / 4;
    double eta = eta_of(category, anscombe_x, 11);
    for (size_t s = 0; s < COUNT(scales); s++) {
        double x[11];
        for (size_t i = 0; i < 11; i++)
            x[i] = anscombe_x[i] * scales[s];
        assert_near(pearson_of(x, anscombe_y[0], 11), scales[s] < 0 ? -expected : expected, 1e-13);
        assert_near(eta_of(category, x, 11), eta, 1e-13);
    }
}

static void what_is_not_defined(void **state) {
    (void)state;
    static const double x[] = { 1, 2, 3 }, same[] = { 7, 7, 7 }, none[] = { NAN, NAN, NAN };
    static const double first[] = { 1, NAN, NAN };
    static const int a[] = { 1, 1, 2 }, constant[] = { 1, 1, 1 }, key[] = { 1, 2, 3 };
    assert_true(isnan(pearson_of(x, same, 3)));
    assert_true(isnan(pearson_of(x, none, 3)));
    assert_true(isnan(pearson_of(x, first, 3)));
    assert_true(isnan(spearman_of(same, x, 3)));
    assert_true(isnan(spearman_of(none, none, 3)));
    assert_true(isnan(eta_of(constant, x, 3)));
    assert_true(isnan(eta_of(a, same, 3)));
    assert_true(isnan(eta_of(key, x, 3)));
    assert_true(!isnan(eta_of(a, x, 3)));
    nl_joint joint = joint_of(a, constant, 3);
    assert_true(isnan(nl_cramers_v(&joint)));
    assert_true(isnan(nl_mutual_information(&joint)));
    joint = joint_of(key, key, 3); /* each once: nothing is known of an association */
    assert_true(isnan(nl_cramers_v(&joint)));
    joint = joint_of(a, a, 0);
    assert_true(isnan(nl_joint_g3(&joint, NULL)));
    assert_true(isnan(nl_mutual_information(&joint)));
}

static void numbers_are_equal_however_they_are_written(void **state) {
    (void)state;
    static const char *const texts[] = { "1.50",
                                         "1.5",
                                         "-0.00",
                                         "0",
                                         "100",
                                         "1e+2",
                                         NULL,
                                         "NaN",
                                         "-7",
                                         "-7.0",
                                         "Infinity",
                                         "1e999",
                                         "100.000",
                                         "9007199254740993",
                                         "9007199254740992",
                                         "x" };
    nl_series s;
    assert_true(nl_series_numbers(&s, texts, COUNT(texts), NULL));
    assert_int_equal(s.missing, 5); /* NULL, NaN, both infinite, x */
    assert_int_equal(s.codes[0], s.codes[1]);
    assert_int_equal(s.codes[2], s.codes[3]);
    assert_int_equal(s.codes[4], s.codes[12]);
    assert_int_equal(s.codes[8], s.codes[9]);
    assert_int_equal(s.codes[8], 0);
    assert_true(s.codes[6] == NL_NO_CODE && s.codes[7] == NL_NO_CODE && s.codes[15] == NL_NO_CODE);
    assert_int_not_equal(s.codes[13], s.codes[14]); /* other numbers, though one double */
    assert_true(s.values[s.codes[13]] == s.values[s.codes[14]]);
    for (size_t i = 1; i < s.n_codes; i++)
        assert_true(s.values[i - 1] <= s.values[i]);
    nl_series_release(&s);
}

/* --- against the definitions, on random columns ---------------------------------------------- */

static unsigned random_state = 12345;

static unsigned below(unsigned n) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* The rows where both are there, moved to the front. */
static size_t pairwise(const double *x, const double *y, size_t n, double *px, double *py) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(x[i]) && !isnan(y[i])) {
            px[kept] = x[i];
            py[kept++] = y[i];
        }
    }
    return kept;
}

/* In two passes, with more digits. */
static double slow_pearson(const double *x, const double *y, size_t n) {
    long double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        mx += x[i] / (long double)n;
        my += y[i] / (long double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return (double)(xy / sqrtl(xx * yy));
}

/* A value's mid-rank is 1/2 + those below it + half of those equal to it. */
static double slow_spearman(const double *x, const double *y, size_t n) {
    double rx[MOST], ry[MOST];
    for (size_t i = 0; i < n; i++) {
        rx[i] = ry[i] = 0.5;
        for (size_t k = 0; k < n; k++) {
            rx[i] += x[k] < x[i] ? 1 : x[k] == x[i] ? 0.5 : 0;
            ry[i] += y[k] < y[i] ? 1 : y[k] == y[i] ? 0.5 : 0;
        }
    }
    return slow_pearson(rx, ry, n);
}

static void numbers_by_their_definition(void **state) {
    (void)state;
    for (int round = 0; round < 200; round++) {
        double x[MOST], y[MOST], px[MOST], py[MOST], moved[MOST];
        size_t n = 3 + below(80);
        unsigned values = 2 + below(30);
        for (size_t i = 0; i < n; i++) {
            x[i] = below(8) == 0 ? NAN : (double)below(values) / 7;
            y[i] = below(8) == 0 ? NAN : (double)below(50) - (isnan(x[i]) ? 0 : 3 * x[i]);
            moved[i] = -1e6 * x[i] + 3;
        }
        size_t kept = pairwise(x, y, n, px, py);
        double r = pearson_of(x, y, n), rho = spearman_of(x, y, n);
        if (isnan(r)) {
            assert_true(kept < 2 || isnan(slow_pearson(px, py, kept)));
            continue;
        }
        assert_near(r, slow_pearson(px, py, kept), 1e-12);
        assert_near(rho, slow_spearman(px, py, kept), 1e-12);
        assert_true(fabs(r) <= 1 && fabs(rho) <= 1);
        assert_near(pearson_of(moved, y, n), -r, 1e-9);
        assert_near(spearman_of(moved, y, n), -rho, 1e-12);
        assert_near(pearson_of(px, px, kept), 1, 1e-15);
        for (size_t i = 0; i < n; i++)
            moved[i] = exp(x[i]); /* ascending: the same ranks */
        assert_near(spearman_of(moved, y, n), rho, 1e-12);
    }
}

static double slow_eta(const int *a, const double *y, size_t n) {
    double mean = 0, within = 0, all = 0;
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double of_group = 0, in_group = 0;
        for (size_t k = 0; k < n; k++) {
            of_group += a[k] == a[i] ? y[k] : 0;
            in_group += a[k] == a[i];
        }
        within += pow(y[i] - of_group / in_group, 2);
        all += pow(y[i] - mean, 2);
    }
    return sqrt(1 - within / all);
}

static void ratios_by_their_definition(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        int a[MOST];
        double y[MOST], moved[MOST];
        size_t n = 20 + below(100);
        for (size_t i = 0; i < n; i++) {
            a[i] = (int)below(5);
            y[i] = (double)below(100) + 10 * a[i];
            moved[i] = 17 - y[i] / 3;
        }
        double eta = eta_of(a, y, n);
        assert_near(eta, slow_eta(a, y, n), 1e-10);
        assert_true(eta >= 0 && eta <= 1);
        assert_near(eta_of(a, moved, n), eta, 1e-12);
    }
}

enum { LEVELS = 9 };

typedef struct {
    double v, information, g3, reverse;
} slow_joint;

static double most_of(size_t table[LEVELS][LEVELS], size_t i, bool row) {
    size_t most = 0;
    for (size_t k = 0; k < LEVELS; k++) {
        size_t count = row ? table[i][k] : table[k][i];
        most = count > most ? count : most;
    }
    return (double)most;
}

/* From the whole table, cell by cell, with its expected counts. */
static slow_joint joint_by_definition(const int *a, const int *b, size_t all) {
    size_t table[LEVELS][LEVELS] = { 0 };
    double rows[LEVELS] = { 0 }, columns[LEVELS] = { 0 }, n = 0, chi2 = 0, r = 0, c = 0;
    slow_joint slow = { 0 };
    for (size_t i = 0; i < all; i++) {
        if (a[i] >= 0 && b[i] >= 0) {
            table[a[i]][b[i]]++;
            rows[a[i]]++;
            columns[b[i]]++;
            n++;
        }
    }
    for (size_t i = 0; i < LEVELS; i++) {
        r += rows[i] > 0;
        c += columns[i] > 0;
        slow.g3 += most_of(table, i, true);
        slow.reverse += most_of(table, i, false);
        for (size_t k = 0; k < LEVELS; k++) {
            double expected = rows[i] * columns[k] / n, count = (double)table[i][k];
            if (expected > 0)
                chi2 += (count - expected) * (count - expected) / expected;
            if (count > 0)
                slow.information += count / n * log(count / expected);
        }
    }
    slow.g3 = 1 - slow.g3 / n;
    slow.reverse = 1 - slow.reverse / n;
    double phi2 = fmax(0, chi2 / n - (r - 1) * (c - 1) / (n - 1));
    slow.v =
        sqrt(phi2 / (fmin(r - (r - 1) * (r - 1) / (n - 1), c - (c - 1) * (c - 1) / (n - 1)) - 1));
    return slow;
}

static void joints_by_their_definition(void **state) {
    (void)state;
    double random_v = 0;
    for (int round = 0; round < 200; round++) {
        int a[MOST], b[MOST], renamed[MOST];
        size_t n = 60 + below(400);
        unsigned noise = round % 2 ? 3 : 1; /* 1: nothing but */
        for (size_t i = 0; i < n; i++) {
            a[i] = below(10) == 0 ? -1 : (int)below(LEVELS - 3);
            b[i] = below(10) == 0      ? -1
                   : below(noise) == 0 ? (int)below(LEVELS)
                                       : (a[i] + 9) % LEVELS;
            renamed[i] = b[i] < 0 ? -1 : 100 - b[i];
        }
        nl_joint joint = joint_of(a, b, n), other = joint_of(renamed, a, n);
        slow_joint slow = joint_by_definition(a, b, n);
        double reverse, back, v = nl_cramers_v(&joint);
        assert_near(v, slow.v, 1e-7); /* a root near 0 halves the digits */
        assert_true(v >= 0 && v <= 1);
        assert_near(nl_cramers_v(&other), v, 1e-7);
        assert_near(nl_mutual_information(&joint), slow.information, 1e-12);
        assert_near(nl_mutual_information(&other), slow.information, 1e-12);
        assert_near(nl_joint_g3(&joint, &reverse), slow.g3, 1e-14);
        assert_near(reverse, slow.reverse, 1e-14);
        assert_near(nl_joint_g3(&other, &back), slow.reverse, 1e-14);
        assert_near(back, slow.g3, 1e-14);
        if (noise == 1)
            random_v += v / 100;
        joint = joint_of(a, a, n);
        assert_near(nl_cramers_v(&joint), 1, 1e-9);
    }
    assert_true(random_v < 0.06); /* that is what the correction is for: without it, 0.16 */
}

/* --- intervals ------------------------------------------------------------------------------- */

static void intervals_are_of_equal_frequency(void **state) {
    (void)state;
    double x[MOST];
    size_t counts[10] = { 0 };
    for (size_t i = 0; i < 500; i++)
        x[i] = pow(1.02, (double)(i * 7 % 500)); /* skewed, and out of order */
    x[500] = NAN;
    nl_series s = numbers_of(x, 501), binned;
    assert_true(nl_series_binned(&binned, &s, 10, NULL));
    assert_int_equal(binned.n_codes, 10);
    assert_int_equal(binned.missing, 1);
    assert_true(binned.codes[500] == NL_NO_CODE);
    for (size_t i = 0; i < 500; i++)
        counts[binned.codes[i]]++;
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(counts[i], 50);
    for (size_t i = 1; i < 500; i++)
        assert_true(x[i] < x[i - 1] ? binned.codes[i] <= binned.codes[i - 1]
                                    : binned.codes[i] >= binned.codes[i - 1]);
    nl_series_release(&binned);
    assert_true(nl_series_binned(&binned, &s, 500, NULL)); /* no more values than bins */
    assert_int_equal(binned.n_codes, 500);
    nl_series_release(&binned);
    nl_series_release(&s);
    for (size_t i = 0; i < 500; i++)
        x[i] = i < 400 ? 0 : (double)i; /* one value fills most intervals */
    s = numbers_of(x, 500);
    assert_true(nl_series_binned(&binned, &s, 10, NULL));
    assert_int_equal(binned.n_codes, 3);
    nl_series_release(&binned);
    nl_series_release(&s);
    for (size_t i = 0; i < 10;
         i++) /* 4, 4 and 2 rows: the middle of the second is behind the half */
        x[i] = (double)(i / 4);
    s = numbers_of(x, 10);
    assert_true(nl_series_binned(&binned, &s, 2, NULL));
    assert_true(binned.codes[3] == 0 && binned.codes[4] == 1 && binned.codes[9] == 1);
    nl_series_release(&binned);
    nl_series_release(&s);
    assert_int_equal(nl_bins_for(100000, 16), 16);
    assert_int_equal(nl_bins_for(500, 16), 10);
    assert_int_equal(nl_bins_for(3, 16), 2);
}

/* --- memory ---------------------------------------------------------------------------------- */

static bool everything(const char *const *texts, size_t n, nl_err *err) {
    nl_series a = { 0 }, b = { 0 }, bins = { 0 };
    nl_joint joint;
    double value;
    bool ok = nl_series_numbers(&a, texts, n, err) && nl_series_categories(&b, texts, n, err) &&
              nl_series_binned(&bins, &a, 5, err) && nl_spearman(&a, &a, &value, err) &&
              nl_correlation_ratio(&b, &a, &value, err) && nl_joint_count(&a, &bins, &joint, err);
    nl_series_release(&a);
    nl_series_release(&b);
    nl_series_release(&bins);
    return ok;
}

static void memory_that_runs_out(void **state) {
    (void)state;
    static char texts[MOST][8];
    const char *cells[MOST];
    for (size_t i = 0; i < MOST; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%zu", i % 300);
        cells[i] = texts[i];
    }
    long after = 0;
    for (bool ok = false; !ok; after++) {
        nl_err err = { .code = NL_OK };
        test_memory_fail(after);
        ok = everything(cells, MOST, &err);
        bool failed = test_memory_failed();
        test_memory_fail(-1);
        assert_true(ok != failed);
        assert_int_equal(err.code, ok ? NL_OK : NL_NOMEM);
    }
    assert_true(after > 25);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anscombes_quartet),
        cmocka_unit_test(ranks_with_ties),
        cmocka_unit_test(cramers_v_of_published_tables),
        cmocka_unit_test(the_correlation_ratio_of_marks),
        cmocka_unit_test(the_information_of_a_joint_distribution),
        cmocka_unit_test(rows_to_remove_for_a_dependency),
        cmocka_unit_test(large_means_cost_no_digits),
        cmocka_unit_test(nothing_overflows_or_vanishes),
        cmocka_unit_test(what_is_not_defined),
        cmocka_unit_test(numbers_are_equal_however_they_are_written),
        cmocka_unit_test(numbers_by_their_definition),
        cmocka_unit_test(ratios_by_their_definition),
        cmocka_unit_test(joints_by_their_definition),
        cmocka_unit_test(intervals_are_of_equal_frequency),
        cmocka_unit_test(memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
