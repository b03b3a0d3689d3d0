/* correlate.h: how much two columns of a table have to do with each other.
 *
 * Pure arithmetic on series: columns whose values were replaced by codes, 0 to n_codes - 1, equal
 * for equal values. Every measure looks at the rows where both columns have a value (pairwise
 * deletion), has no unit, does not depend on the order of the rows but for rounding, and is NAN
 * where it is not defined: fewer than two rows, or a column that is constant in them. Rounding
 * errors are of the order of 1e-12 unless said otherwise. Functions that need memory return false
 * with NL_NOMEM where it ran out. Nothing here is shared: other threads may do the same. */
#ifndef NL_DATA_CORRELATE_H
#define NL_DATA_CORRELATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NL_NO_CODE UINT32_MAX /* of a row without a value */

typedef struct {
    size_t n;        /* rows */
    uint32_t *codes; /* of each row */
    size_t n_codes;  /* distinct values */
    double *values;  /* of each code, ascending; NULL: these are no numbers */
    size_t missing;  /* rows without a value */
} nl_series;

/* From texts as PostgreSQL writes them, NULL for SQL's NULL. Numbers: equal ones get one code
 * however they are written (1.0, 1.00, -0); NaN, infinities and what is beyond a double's range are
 * no values. Whole numbers beyond 2^53 keep codes of their own, though their doubles may be equal.
 * At most NL_NO_CODE - 1 rows. */
bool nl_series_numbers(nl_series *series, const char *const *texts, size_t n, nl_err *err);
/* Values are equal where their bytes are. */
bool nl_series_categories(nl_series *series, const char *const *texts, size_t n, nl_err *err);
void nl_series_release(nl_series *series);

/* Numbers as categories: at most `bins` intervals of equal frequency. A value goes to the interval
 * that the middle of its rows falls into, so equal values stay together and intervals may be left
 * out; with no more values than bins each value is one. */
bool nl_series_binned(nl_series *binned, const nl_series *numbers, size_t bins, nl_err *err);
/* How many bins n rows can bear: on average at least five rows in each cell of a bins × bins table
 * (Cochran 1954), between 2 and `most`. */
size_t nl_bins_for(size_t n, size_t most);

/* Rows where both have a value. */
size_t nl_series_common(const nl_series *a, const nl_series *b);

/* Pearson's r of two series of numbers, -1 to 1: updated row by row (Welford 1962), of values that
 * were shifted to the middle one and scaled by a power of two, so that neither a large mean costs
 * digits nor a large value overflows. */
double nl_pearson(const nl_series *x, const nl_series *y);

/* Spearman's ρ of two series of numbers, -1 to 1: Pearson's r of their ranks among the rows looked
 * at; equal values share the mean of their ranks (mid-ranks). */
bool nl_spearman(const nl_series *x, const nl_series *y, double *rho, nl_err *err);

/* The correlation ratio η of a category and a number, 0 to 1 (Fisher 1925, "Statistical methods for
 * research workers"): η² is the share of the number's variance that lies between the means of the
 * categories. Not corrected: with few rows a category it comes out high. NAN where no category has
 * two rows. */
bool nl_correlation_ratio(const nl_series *category, const nl_series *number, double *eta,
                          nl_err *err);

/* What the table of the counts n_ab of the values of two series tells. Counted by groups of equal
 * a, in O(rows + n_codes), never as a whole table. */
typedef struct {
    size_t n;                      /* rows where both have a value */
    size_t a_levels, b_levels;     /* distinct values among them */
    size_t cells;                  /* combinations that occur */
    size_t a_repeated, b_repeated; /* rows whose value of a (of b) occurs more than once */
    size_t a_mode, b_mode;         /* rows with the most common value */
    size_t a_kept, b_kept;         /* see nl_joint_g3 */
    double phi2;                   /* χ² / n */
    double information;            /* see nl_mutual_information */
} nl_joint;
bool nl_joint_count(const nl_series *a, const nl_series *b, nl_joint *joint, nl_err *err);

/* Cramér's V, 0 to 1, with the bias correction of Bergsma (2013, "A bias-correction for Cramér's V
 * and Tschuprow's T", J. Korean Stat. Soc. 42): 0 in the mean where there is no association,
 * however many categories there are. */
double nl_cramers_v(const nl_joint *joint);

/* Mutual information in nats, at least 0, of the observed frequencies (the plug-in estimate): it is
 * about (a_levels - 1) (b_levels - 1) / 2n too high (Miller 1955). */
double nl_mutual_information(const nl_joint *joint);

/* The error g3 of the functional dependency a → b, 0 to 1 (Kivinen & Mannila 1995, "Approximate
 * inference of functional dependencies from relations"): the least share of the rows that must go
 * so that no two rows agree in a and differ in b. *reverse (may be NULL) is that of b → a. Several
 * columns on the left would be one series whose codes stand for their combinations, as the products
 * of partitions in TANE (Huhtala et al. 1999); nothing else would change. */
double nl_joint_g3(const nl_joint *joint, double *reverse);

#endif
