/* correlate_sample.h: a seeded uniform sample of rows that come one by one.
 *
 * Each of the rows offered is as likely as any other to be among those kept (Vitter 1985, "Random
 * sampling with a reservoir"), by algorithm L (Li 1994, "Reservoir-sampling algorithms of time
 * complexity O(n(1 + log(N/n)))"), which draws how many rows to pass over instead of one number for
 * each row. The same seed, size and order of rows keep the same rows. */
#ifndef NL_DATA_CORRELATE_SAMPLE_H
#define NL_DATA_CORRELATE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct {
    size_t size;    /* places; at least 1 */
    uint64_t seen;  /* items offered so far */
    uint64_t next;  /* number, from 0, of the next item that is taken once all places are full */
    uint64_t state; /* of the generator */
    double w;       /* the greatest of `size` uniform draws that the kept items would have got */
} nl_reservoir;

void nl_reservoir_init(nl_reservoir *reservoir, size_t size, uint64_t seed);
/* Offers the next item: the place, below `size`, that it takes (whoever is there leaves), or
 * SIZE_MAX where it is passed over. */
size_t nl_reservoir_offer(nl_reservoir *reservoir);

/* Rows of texts, kept as they come, in bounded memory. */
typedef struct {
    nl_reservoir reservoir;
    size_t columns;
    void **rows; /* n_rows, each of one allocation */
    size_t n_rows, room;
    size_t bytes, max_bytes; /* of what is kept */
    uint32_t max_width;      /* longer values of the columns in `narrow` are not kept */
    const bool *narrow;      /* of each column; borrowed */
    uint32_t *widest;        /* of each column: the longest value among all rows offered, bytes */
} nl_row_sample;

/* `size` rows at most. Release it after a failure too. */
bool nl_row_sample_init(nl_row_sample *sample, size_t size, uint64_t seed, size_t columns,
                        const bool *narrow, uint32_t max_width, size_t max_bytes, nl_err *err);
void nl_row_sample_release(nl_row_sample *sample);
/* Offers a row, whose cells are copied where it is taken; NULL is SQL's NULL. NL_LIMIT where the
 * rows would take more than max_bytes: then, as with NL_NOMEM, the sample is good for nothing but
 * its release. */
bool nl_row_sample_offer(nl_row_sample *sample, const char *const *cells, const uint32_t *sizes,
                         nl_err *err);
/* NUL-terminated; NULL: SQL's NULL, or longer than max_width in a narrow column. */
const char *nl_row_sample_cell(const nl_row_sample *sample, size_t row, size_t column);

#endif
