/* correlate_table.h: every pair of a table's columns, measured over a sample of its rows.
 *
 * What is measured depends on what the two columns are:
 *
 *     number, number      Pearson's r, Spearman's ρ, mutual information of equal-frequency bins
 *     category, category  Cramér's V, mutual information
 *     category, number    correlation ratio η, mutual information with the number's bins
 *     any two             the functional dependencies between them, in both directions
 *
 * A column of texts with more than max_categories distinct values, or of a type of which only
 * equality is known, is in dependencies alone. */
#ifndef NL_DATA_CORRELATE_TABLE_H
#define NL_DATA_CORRELATE_TABLE_H

#include <stdatomic.h>

#include "data/correlate.h"
#include "data/correlate_sample.h"

typedef enum {
    NL_MEASURE_NUMBER,
    NL_MEASURE_CATEGORY,
    NL_MEASURE_EQUALITY, /* a category of too many values */
    NL_MEASURE_NOTHING   /* left out: a value is wider than the sample keeps */
} nl_measure;

typedef struct {
    size_t max_categories; /* distinct values of a category */
    size_t max_bins;       /* of a number, for mutual information; see nl_bins_for */
    double max_error;      /* g3 of the dependencies that are told */
    size_t max_bytes;      /* of the sample and of what is worked out from it */
} nl_correlate_limits;

typedef struct {
    nl_measure measure;
    size_t missing;  /* rows without a value */
    size_t distinct; /* values */
    size_t bins;     /* of a number: those it was cut into, some of which may be empty; 0: none */
} nl_correlate_column;

/* NAN: not measured, or not defined. */
typedef struct {
    size_t a, b; /* columns, a < b */
    size_t n;    /* rows where both have a value */
    double pearson, spearman, cramers_v, correlation_ratio, mutual_information;
} nl_correlate_pair;

/* from → to. Told where g3 is at most max_error and less than `baseline`, some value of `from`
 * comes up twice, and `to` is not constant: a key determines everything, and everything a constant.
 */
typedef struct {
    size_t from, to;
    size_t n;        /* rows where both have a value */
    size_t repeated; /* those of them whose value of `from` comes up more than once: the evidence */
    double error;    /* g3 */
    double baseline; /* the g3 that a constant in place of `from` would have */
} nl_dependency;

typedef struct {
    nl_correlate_column *columns;
    size_t n_columns;
    nl_correlate_pair *pairs; /* by (a, b) */
    size_t n_pairs;
    nl_dependency *dependencies; /* in the order of their pairs */
    size_t n_dependencies;
} nl_correlations;

/* Measures the sample's columns, of which `measures` says what each is. Takes long; NL_CANCELLED
 * soon after *stop was set (may be NULL). NL_LIMIT where it would take more than max_bytes. On
 * failure *out is empty. */
bool nl_correlate(const nl_row_sample *sample, const nl_measure *measures,
                  const nl_correlate_limits *limits, const atomic_bool *stop, nl_correlations *out,
                  nl_err *err);
void nl_correlations_release(nl_correlations *correlations);

#endif
