#include "data/correlate_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

typedef struct {
    const nl_row_sample *sample;
    const nl_correlate_limits *limits;
    const atomic_bool *stop;
    nl_correlations *out;
    nl_series *series; /* of each column */
    nl_series *levels; /* of each number: its bins; empty for the others */
    size_t room;       /* dependencies allocated */
} worker;

void nl_correlations_release(nl_correlations *c) {
    free(c->columns);
    free(c->pairs);
    free(c->dependencies);
    *c = (nl_correlations){ 0 };
}

static bool go_on(const worker *w, nl_err *err) {
    if (w->stop && atomic_load_explicit(w->stop, memory_order_relaxed))
        return nl_err_set(err, NL_CANCELLED, "cancelled");
    return true;
}

/* --- series ---------------------------------------------------------------------------------- */

/* The sample, codes and bins of each column, and what one column and one pair need meanwhile. */
static bool within_memory(const worker *w, nl_err *err) {
    const nl_row_sample *s = w->sample;
    size_t n = s->n_rows, columns = s->columns;
    size_t bytes = s->bytes + n * columns * (2 * sizeof(uint32_t) + sizeof(double)) + n * 128;
    if (bytes <= w->limits->max_bytes)
        return true;
    return nl_err_set(err, NL_LIMIT,
                      "%zu rows of %zu columns take %zu MB to correlate, more than %zu", n, columns,
                      (bytes >> 20) + 1, w->limits->max_bytes >> 20);
}

static bool read_series(worker *w, size_t c, const char **texts, nl_err *err) {
    const nl_row_sample *s = w->sample;
    nl_correlate_column *column = &w->out->columns[c];
    bool number = column->measure == NL_MEASURE_NUMBER;
    for (size_t i = 0; i < s->n_rows; i++)
        texts[i] = nl_row_sample_cell(s, i, c);
    if (!(number ? nl_series_numbers : nl_series_categories)(&w->series[c], texts, s->n_rows, err))
        return false;
    const nl_series *series = &w->series[c];
    column->missing = series->missing;
    column->distinct = series->n_codes;
    if (column->measure == NL_MEASURE_CATEGORY && series->n_codes > w->limits->max_categories)
        column->measure = NL_MEASURE_EQUALITY;
    if (!number || series->n_codes == 0)
        return true;
    size_t bins = nl_bins_for(series->n - series->missing, w->limits->max_bins);
    if (!nl_series_binned(&w->levels[c], series, bins, err))
        return false;
    column->bins = bins < series->n_codes ? bins : series->n_codes;
    return true;
}

static bool read_columns(worker *w, const nl_measure *measures, nl_err *err) {
    const nl_row_sample *s = w->sample;
    size_t columns = s->columns ? s->columns : 1;
    const char **texts = malloc((s->n_rows ? s->n_rows : 1) * sizeof *texts);
    w->series = calloc(columns, sizeof *w->series);
    w->levels = calloc(columns, sizeof *w->levels);
    w->out->columns = calloc(columns, sizeof *w->out->columns);
    bool ok = texts && w->series && w->levels && w->out->columns;
    if (!ok)
        nl_err_nomem(err);
    for (size_t c = 0; ok && c < s->columns; c++) {
        bool wide = s->narrow[c] && s->widest[c] > s->max_width;
        w->out->n_columns = c + 1;
        w->out->columns[c].measure = wide ? NL_MEASURE_NOTHING : measures[c];
        ok = go_on(w, err) &&
             (w->out->columns[c].measure == NL_MEASURE_NOTHING || read_series(w, c, texts, err));
    }
    free(texts);
    return ok;
}

/* --- pairs ----------------------------------------------------------------------------------- */

static bool add_dependency(worker *w, const nl_dependency *found, nl_err *err) {
    nl_correlations *out = w->out;
    if (!(found->error <= w->limits->max_error) || !(found->error < found->baseline) ||
        found->repeated == 0)
        return true;
    if (out->n_dependencies == w->room) {
        size_t room = w->room ? w->room * 2 : 16;
        nl_dependency *more = realloc(out->dependencies, room * sizeof *more);
        if (!more)
            return nl_err_nomem(err);
        out->dependencies = more;
        w->room = room;
    }
    out->dependencies[out->n_dependencies++] = *found;
    return true;
}

static bool add_dependencies(worker *w, size_t a, size_t b, const nl_joint *joint, nl_err *err) {
    double reverse, error = nl_joint_g3(joint, &reverse), n = (double)joint->n;
    if (joint->n < 2)
        return true;
    return add_dependency(w,
                          &(nl_dependency){ a, b, joint->n, joint->a_repeated, error,
                                            (double)(joint->n - joint->b_mode) / n },
                          err) &&
           add_dependency(w,
                          &(nl_dependency){ b, a, joint->n, joint->b_repeated, reverse,
                                            (double)(joint->n - joint->a_mode) / n },
                          err);
}

static bool is(const worker *w, size_t c, nl_measure measure) {
    return w->out->columns[c].measure == measure;
}

/* Two numbers, or a number and a category: the bins' joint distribution is another than the
 * values'. */
static bool measure_numbers(worker *w, nl_correlate_pair *pair, nl_err *err) {
    size_t a = pair->a, b = pair->b;
    const nl_series *x = &w->series[a], *y = &w->series[b];
    bool number_a = is(w, a, NL_MEASURE_NUMBER), number_b = is(w, b, NL_MEASURE_NUMBER);
    nl_joint joint;
    if (number_a && number_b) {
        pair->pearson = nl_pearson(x, y);
        if (!nl_spearman(x, y, &pair->spearman, err))
            return false;
    } else if (!nl_correlation_ratio(number_a ? y : x, number_a ? x : y, &pair->correlation_ratio,
                                     err)) {
        return false;
    }
    if (!nl_joint_count(number_a ? &w->levels[a] : x, number_b ? &w->levels[b] : y, &joint, err))
        return false;
    pair->mutual_information = nl_mutual_information(&joint);
    return true;
}

static bool measure_pair(worker *w, size_t a, size_t b, nl_err *err) {
    nl_joint joint;
    nl_correlate_pair pair = { a, b, 0, NAN, NAN, NAN, NAN, NAN };
    bool numbers = is(w, a, NL_MEASURE_NUMBER) || is(w, b, NL_MEASURE_NUMBER);
    if (is(w, a, NL_MEASURE_NOTHING) || is(w, b, NL_MEASURE_NOTHING))
        return true;
    if (!go_on(w, err) || !nl_joint_count(&w->series[a], &w->series[b], &joint, err) ||
        !add_dependencies(w, a, b, &joint, err))
        return false;
    if (is(w, a, NL_MEASURE_EQUALITY) || is(w, b, NL_MEASURE_EQUALITY))
        return true;
    pair.n = joint.n;
    if (!numbers) {
        pair.cramers_v = nl_cramers_v(&joint);
        pair.mutual_information = nl_mutual_information(&joint);
    } else if (joint.n > 0 && !measure_numbers(w, &pair, err)) {
        return false;
    }
    w->out->pairs[w->out->n_pairs++] = pair;
    return true;
}

static bool measure_pairs(worker *w, nl_err *err) {
    size_t columns = w->out->n_columns, n = columns * columns / 2;
    w->out->pairs = calloc(n ? n : 1, sizeof *w->out->pairs);
    if (!w->out->pairs)
        return nl_err_nomem(err);
    for (size_t a = 0; a < columns; a++) {
        for (size_t b = a + 1; b < columns; b++) {
            if (!measure_pair(w, a, b, err))
                return false;
        }
    }
    return true;
}

bool nl_correlate(const nl_row_sample *sample, const nl_measure *measures,
                  const nl_correlate_limits *limits, const atomic_bool *stop, nl_correlations *out,
                  nl_err *err) {
    worker w = { .sample = sample, .limits = limits, .stop = stop, .out = out };
    *out = (nl_correlations){ 0 };
    bool ok = within_memory(&w, err) && read_columns(&w, measures, err) && measure_pairs(&w, err);
    for (size_t c = 0; c < out->n_columns; c++) {
        nl_series_release(&w.series[c]);
        nl_series_release(&w.levels[c]);
    }
    free(w.series);
    free(w.levels);
    if (!ok)
        nl_correlations_release(out);
    return ok;
}
