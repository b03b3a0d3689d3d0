#include "data/correlate.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

static bool both(const nl_series *a, const nl_series *b, size_t row) {
    return a->codes[row] != NL_NO_CODE && b->codes[row] != NL_NO_CODE;
}

size_t nl_series_common(const nl_series *a, const nl_series *b) {
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += both(a, b, i);
    return n;
}

static double clamp(double value, double least, double most) {
    if (value < least) /* NAN stays */
        return least;
    return value > most ? most : value;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Means, and sums of squares and products of deviations from them, updated by each point (Welford
 * 1962, "Note on a method for calculating corrected sums of squares and products"). */
typedef struct {
    double n, mean_x, mean_y, xx, yy, xy;
} comoments;

static void add_point(comoments *m, double x, double y) {
    m->n++;
    double dx = x - m->mean_x, dy = y - m->mean_y;
    m->mean_x += dx / m->n;
    m->mean_y += dy / m->n;
    m->xx += dx * (x - m->mean_x);
    m->yy += dy * (y - m->mean_y);
    m->xy += dx * (y - m->mean_y);
}

static double correlation(const comoments *m) {
    if (m->n < 2 || !(m->xx > 0) || !(m->yy > 0))
        return NAN;
    return clamp(m->xy / (sqrt(m->xx) * sqrt(m->yy)), -1, 1);
}

/* How the values of a series are brought near 1 and near 0, neither of which changes a coefficient:
 * times a power of two, which rounds nothing, so that no square overflows or vanishes; less the
 * value in the middle, so that values far from 0 and close to each other keep their digits, which
 * the updated mean would lose. */
typedef struct {
    double scale, middle;
} view;

static view view_of(const nl_series *numbers) {
    enum { LARGEST = 1020 }; /* 2^-1024 has no full precision */
    int exponent = 0;
    size_t n = numbers->n_codes;
    if (n == 0)
        return (view){ 1, 0 };
    double least = fabs(numbers->values[0]), most = fabs(numbers->values[n - 1]);
    (void)frexp(least > most ? least : most, &exponent);
    if (exponent > LARGEST)
        exponent = LARGEST;
    if (exponent < -LARGEST)
        exponent = -LARGEST;
    double scale = ldexp(1, -exponent);
    return (view){ scale, numbers->values[n / 2] * scale };
}

static double seen(const view *v, const nl_series *numbers, size_t row) {
    return numbers->values[numbers->codes[row]] * v->scale - v->middle;
}

double nl_pearson(const nl_series *x, const nl_series *y) {
    comoments m = { 0 };
    view of_x = view_of(x), of_y = view_of(y);
    for (size_t i = 0; i < x->n; i++) {
        if (both(x, y, i))
            add_point(&m, seen(&of_x, x, i), seen(&of_y, y, i));
    }
    return correlation(&m);
}

/* The mid-rank of each code of x among the rows where y has a value too. NULL: out of memory. */
static double *mid_ranks(const nl_series *x, const nl_series *y) {
    double *ranks = calloc(x->n_codes ? x->n_codes : 1, sizeof *ranks); /* counts at first */
    if (!ranks)
        return NULL;
    for (size_t i = 0; i < x->n; i++) {
        if (both(x, y, i))
            ranks[x->codes[i]]++;
    }
    double before = 0;
    for (size_t from = 0, to; from < x->n_codes; from = to) {
        double count = 0;
        for (to = from; to < x->n_codes && x->values[to] == x->values[from]; to++)
            count += ranks[to];
        for (size_t code = from; code < to; code++)
            ranks[code] = before + (count + 1) / 2;
        before += count;
    }
    return ranks;
}

bool nl_spearman(const nl_series *x, const nl_series *y, double *rho, nl_err *err) {
    comoments m = { 0 };
    double *ranks_x = mid_ranks(x, y), *ranks_y = mid_ranks(y, x);
    bool ok = ranks_x && ranks_y;
    for (size_t i = 0; ok && i < x->n; i++) {
        if (both(x, y, i))
            add_point(&m, ranks_x[x->codes[i]], ranks_y[y->codes[i]]);
    }
    free(ranks_x);
    free(ranks_y);
    if (!ok)
        return nl_err_nomem(err);
    *rho = correlation(&m);
    return true;
}

/* --- a category and a number ----------------------------------------------------------------- */

typedef struct {
    double n, sum; /* of deviations from the mean of all */
} group;

bool nl_correlation_ratio(const nl_series *category, const nl_series *number, double *eta,
                          nl_err *err) {
    comoments all = { 0 };
    view of_number = view_of(number);
    double between = 0;
    size_t levels = 0;
    group *groups = calloc(category->n_codes ? category->n_codes : 1, sizeof *groups);
    if (!groups)
        return nl_err_nomem(err);
    for (size_t i = 0; i < number->n; i++) {
        if (both(category, number, i))
            add_point(&all, seen(&of_number, number, i), 0);
    }
    for (size_t i = 0; i < number->n; i++) {
        if (both(category, number, i)) {
            group *g = &groups[category->codes[i]];
            g->n++;
            g->sum += seen(&of_number, number, i) - all.mean_x;
        }
    }
    for (size_t code = 0; code < category->n_codes; code++) {
        if (groups[code].n > 0) {
            levels++;
            between += groups[code].sum * groups[code].sum / groups[code].n;
        }
    }
    free(groups);
    bool defined = levels > 1 && (double)levels < all.n && all.xx > 0;
    *eta = defined ? sqrt(clamp(between / all.xx, 0, 1)) : NAN;
    return true;
}

/* --- the joint distribution ------------------------------------------------------------------ */

typedef struct {
    size_t *a_counts, *b_counts; /* rows with each code; a_counts then: where a group ends */
    uint32_t *grouped;           /* the codes of b, those of equal a together */
    uint32_t *in_group;          /* rows of the group under way with each code of b */
    uint32_t *most;              /* of each code of b: the greatest n_ab */
} tally;

static void release_tally(tally *t) {
    free(t->a_counts);
    free(t->b_counts);
    free(t->grouped);
    free(t->in_group);
    free(t->most);
}

static bool init_tally(tally *t, const nl_series *a, const nl_series *b) {
    size_t n = a->n ? a->n : 1, n_a = a->n_codes + 1, n_b = b->n_codes + 1;
    *t = (tally){
        .a_counts = calloc(n_a, sizeof *t->a_counts),
        .b_counts = calloc(n_b, sizeof *t->b_counts),
        .grouped = malloc(n * sizeof *t->grouped),
        .in_group = calloc(n_b, sizeof *t->in_group),
        .most = calloc(n_b, sizeof *t->most),
    };
    return t->a_counts && t->b_counts && t->grouped && t->in_group && t->most;
}

static void count_level(size_t count, size_t *levels, size_t *repeated, size_t *mode) {
    *levels += count > 0;
    *repeated += count > 1 ? count : 0;
    *mode = count > *mode ? count : *mode;
}

/* Puts the rows with equal a together (a counting sort). Then the group of code a ends at
 * a_counts[a], and begins where that of the code before it ends. */
static void group_rows(tally *t, const nl_series *a, const nl_series *b, nl_joint *joint) {
    size_t start = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (both(a, b, i)) {
            t->a_counts[a->codes[i]]++;
            t->b_counts[b->codes[i]]++;
            joint->n++;
        }
    }
    for (size_t code = 0; code < b->n_codes; code++)
        count_level(t->b_counts[code], &joint->b_levels, &joint->b_repeated, &joint->b_mode);
    for (size_t code = 0; code < a->n_codes; code++) {
        size_t count = t->a_counts[code];
        count_level(count, &joint->a_levels, &joint->a_repeated, &joint->a_mode);
        t->a_counts[code] = start;
        start += count;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (both(a, b, i))
            t->grouped[t->a_counts[a->codes[i]]++] = b->codes[i];
    }
}

/* Takes the rows grouped[from..to), which agree in a. */
static void count_group(tally *t, size_t from, size_t to, nl_joint *joint) {
    size_t most = 0;
    double in_a = (double)(to - from), n = (double)joint->n;
    for (size_t i = from; i < to; i++)
        t->in_group[t->grouped[i]]++;
    for (size_t i = from; i < to; i++) {
        uint32_t code = t->grouped[i], count = t->in_group[code];
        if (count == 0) /* taken already */
            continue;
        double share = (double)count / in_a; /* of the group; n_ab² / (n_a n_b), in parts */
        joint->phi2 += share * ((double)count / (double)t->b_counts[code]);
        joint->information += (double)count / n * log(share * (n / (double)t->b_counts[code]));
        joint->cells++;
        most = count > most ? count : most;
        t->most[code] = count > t->most[code] ? count : t->most[code];
        t->in_group[code] = 0;
    }
    joint->a_kept += most;
}

bool nl_joint_count(const nl_series *a, const nl_series *b, nl_joint *joint, nl_err *err) {
    tally t;
    *joint = (nl_joint){ .phi2 = -1 };
    if (!init_tally(&t, a, b)) {
        release_tally(&t);
        return nl_err_nomem(err);
    }
    group_rows(&t, a, b, joint);
    for (size_t code = 0, from = 0; code < a->n_codes; code++) {
        count_group(&t, from, t.a_counts[code], joint);
        from = t.a_counts[code];
    }
    for (size_t code = 0; code < b->n_codes; code++)
        joint->b_kept += t.most[code];
    joint->phi2 = clamp(joint->phi2, 0, INFINITY);
    release_tally(&t);
    return true;
}

double nl_cramers_v(const nl_joint *joint) {
    double n = (double)joint->n, r = (double)joint->a_levels, c = (double)joint->b_levels;
    if (joint->n < 2 || joint->a_levels < 2 || joint->b_levels < 2)
        return NAN;
    double phi2 = clamp(joint->phi2 - (r - 1) * (c - 1) / (n - 1), 0, INFINITY);
    r -= (r - 1) * (r - 1) / (n - 1);
    c -= (c - 1) * (c - 1) / (n - 1);
    double most = (r < c ? r : c) - 1;
    return most > 0 ? sqrt(clamp(phi2 / most, 0, 1)) : NAN;
}

double nl_mutual_information(const nl_joint *joint) {
    if (joint->n < 2 || joint->a_levels < 2 || joint->b_levels < 2)
        return NAN;
    return clamp(joint->information, 0, INFINITY);
}

double nl_joint_g3(const nl_joint *joint, double *reverse) {
    double n = (double)joint->n;
    if (reverse)
        *reverse = joint->n ? ((double)(joint->n - joint->b_kept)) / n : NAN;
    return joint->n ? ((double)(joint->n - joint->a_kept)) / n : NAN;
}
