#include "data/correlate_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* --- which rows ------------------------------------------------------------------------------ */

/* SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"). */
static uint64_t draw(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform, above 0 and below 1. */
static double uniform(uint64_t *state) {
    return ((double)(draw(state) >> 12) + 0.5) * 0x1p-52;
}

/* A place, below `size`. The remainder's bias is size / 2^64. */
static size_t place(nl_reservoir *r) {
    return (size_t)(draw(&r->state) % r->size);
}

/* How far it is to the next row that is taken. */
static void leap(nl_reservoir *r) {
    double rows = floor(log(uniform(&r->state)) / log1p(-r->w)) + 1;
    r->next = rows < 0x1p62 ? r->next + (uint64_t)rows : UINT64_MAX;
}

void nl_reservoir_init(nl_reservoir *r, size_t size, uint64_t seed) {
    *r = (nl_reservoir){ .size = size ? size : 1, .state = seed };
    r->next = r->size - 1;
    r->w = exp(log(uniform(&r->state)) / (double)r->size);
    leap(r);
}

size_t nl_reservoir_offer(nl_reservoir *r) {
    uint64_t at = r->seen++;
    if (at < r->size)
        return (size_t)at;
    if (at != r->next)
        return SIZE_MAX;
    size_t taken = place(r);
    r->w *= exp(log(uniform(&r->state)) / (double)r->size);
    leap(r);
    return taken;
}

/* --- their cells ----------------------------------------------------------------------------- */

/* A row is its size in bytes, the offset of each cell (0: none), and the cells, each with a NUL. */
typedef struct {
    size_t size;
    uint32_t offsets[];
} packed;

bool nl_row_sample_init(nl_row_sample *s, size_t size, uint64_t seed, size_t columns,
                        const bool *narrow, uint32_t max_width, size_t max_bytes, nl_err *err) {
    *s = (nl_row_sample){
        .columns = columns, .narrow = narrow, .max_width = max_width, .max_bytes = max_bytes
    };
    nl_reservoir_init(&s->reservoir, size, seed);
    s->widest = calloc(columns ? columns : 1, sizeof *s->widest);
    return s->widest ? true : nl_err_nomem(err);
}

void nl_row_sample_release(nl_row_sample *s) {
    for (size_t i = 0; i < s->n_rows; i++)
        free(s->rows[i]);
    free(s->rows);
    free(s->widest);
    *s = (nl_row_sample){ 0 };
}

static bool is_kept(const nl_row_sample *s, const char *const *cells, const uint32_t *sizes,
                    size_t c) {
    return cells[c] && !(s->narrow[c] && sizes[c] > s->max_width);
}

static packed *pack(const nl_row_sample *s, const char *const *cells, const uint32_t *sizes,
                    nl_err *err) {
    size_t at = sizeof(packed) + s->columns * sizeof(uint32_t), size = at;
    for (size_t c = 0; c < s->columns; c++)
        size += is_kept(s, cells, sizes, c) ? (size_t)sizes[c] + 1 : 0;
    if (size > s->max_bytes || size > UINT32_MAX) {
        nl_err_set(err, NL_LIMIT, "one row takes %zu bytes", size);
        return NULL;
    }
    packed *row = malloc(size);
    if (!row) {
        nl_err_nomem(err);
        return NULL;
    }
    row->size = size;
    for (size_t c = 0; c < s->columns; c++) {
        row->offsets[c] = 0;
        if (!is_kept(s, cells, sizes, c))
            continue;
        row->offsets[c] = (uint32_t)at;
        memcpy((char *)row + at, cells[c], sizes[c]);
        at += sizes[c];
        ((char *)row)[at++] = '\0';
    }
    return row;
}

static bool make_room(nl_row_sample *s, nl_err *err) {
    if (s->n_rows < s->room)
        return true;
    size_t room = s->room ? s->room * 2 : 256;
    void **rows = realloc(s->rows, room * sizeof *rows);
    if (!rows)
        return nl_err_nomem(err);
    s->rows = rows;
    s->room = room;
    return true;
}

bool nl_row_sample_offer(nl_row_sample *s, const char *const *cells, const uint32_t *sizes,
                         nl_err *err) {
    for (size_t c = 0; c < s->columns; c++) {
        if (cells[c] && sizes[c] > s->widest[c])
            s->widest[c] = sizes[c];
    }
    size_t at = nl_reservoir_offer(&s->reservoir);
    if (at == SIZE_MAX)
        return true;
    if (!make_room(s, err))
        return false;
    packed *row = pack(s, cells, sizes, err);
    if (!row)
        return false;
    if (at < s->n_rows) {
        s->bytes -= ((packed *)s->rows[at])->size;
        free(s->rows[at]);
    } else {
        at = s->n_rows++;
    }
    s->rows[at] = row;
    s->bytes += row->size;
    if (s->bytes > s->max_bytes)
        return nl_err_set(err, NL_LIMIT, "%zu of its rows take more than %zu bytes", s->n_rows,
                          s->max_bytes);
    return true;
}

const char *nl_row_sample_cell(const nl_row_sample *s, size_t row, size_t column) {
    const packed *p = s->rows[row];
    return p->offsets[column] ? (const char *)p + p->offsets[column] : NULL;
}
