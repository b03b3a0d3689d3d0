/* correlate_series.c: columns of texts become series of codes. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "data/correlate.h"

#include "base/banned.h"

void nl_series_release(nl_series *series) {
    free(series->codes);
    free(series->values);
    *series = (nl_series){ 0 };
}

/* --- equal texts get one code ---------------------------------------------------------------- */

typedef struct {
    const char *bytes;
    size_t size;
    const char *sign; /* "-", or "": stands before the bytes */
} text_key;

typedef struct {
    text_key *keys; /* of each code */
    uint64_t *hashes;
    size_t n, room;
    uint32_t *slots; /* codes, or NL_NO_CODE; a power of two, at least twice `room` */
} dictionary;

static void release_dictionary(dictionary *d) {
    free(d->keys);
    free(d->hashes);
    free(d->slots);
}

static bool grow(dictionary *d, nl_err *err) {
    size_t room = d->room ? d->room * 2 : 64;
    text_key *keys = realloc(d->keys, room * sizeof *keys);
    if (keys)
        d->keys = keys;
    uint64_t *hashes = realloc(d->hashes, room * sizeof *hashes);
    if (hashes)
        d->hashes = hashes;
    uint32_t *slots = malloc(2 * room * sizeof *slots);
    if (!keys || !hashes || !slots) {
        free(slots);
        return nl_err_nomem(err);
    }
    free(d->slots);
    d->slots = slots;
    d->room = room;
    memset(slots, 0xFF, 2 * room * sizeof *slots);
    for (size_t code = 0; code < d->n; code++) {
        size_t at = (size_t)d->hashes[code] & (2 * room - 1);
        while (slots[at] != NL_NO_CODE)
            at = (at + 1) & (2 * room - 1);
        slots[at] = (uint32_t)code;
    }
    return true;
}

static bool same(const text_key *a, const text_key *b) {
    return a->size == b->size && a->sign[0] == b->sign[0] &&
           memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* The code of a text, a new one where it was not seen before. */
static bool look_up(dictionary *d, text_key key, uint32_t *code, nl_err *err) {
    if (d->n == d->room && !grow(d, err))
        return false;
    uint64_t hash = XXH3_64bits_withSeed(key.bytes, key.size, (uint64_t)key.sign[0]);
    size_t at = (size_t)hash & (2 * d->room - 1);
    for (; d->slots[at] != NL_NO_CODE; at = (at + 1) & (2 * d->room - 1)) {
        *code = d->slots[at];
        if (d->hashes[*code] == hash && same(&d->keys[*code], &key))
            return true;
    }
    *code = (uint32_t)d->n++;
    d->keys[*code] = key;
    d->hashes[*code] = hash;
    d->slots[at] = *code;
    return true;
}

static bool init_series(nl_series *series, size_t n, nl_err *err) {
    *series = (nl_series){ .n = n };
    if (n >= NL_NO_CODE)
        return nl_err_set(err, NL_LIMIT, "more than %u rows", NL_NO_CODE - 1);
    series->codes = malloc((n + 1) * sizeof *series->codes);
    if (!series->codes)
        return nl_err_nomem(err);
    memset(series->codes, 0xFF, (n + 1) * sizeof *series->codes); /* NL_NO_CODE */
    return true;
}

bool nl_series_categories(nl_series *series, const char *const *texts, size_t n, nl_err *err) {
    dictionary words = { 0 };
    bool ok = init_series(series, n, err);
    for (size_t i = 0; ok && i < n; i++) {
        if (texts[i])
            ok = look_up(&words, (text_key){ texts[i], strlen(texts[i]), "" }, &series->codes[i],
                         err);
        else
            series->missing++;
    }
    series->n_codes = words.n;
    release_dictionary(&words);
    if (!ok)
        nl_series_release(series);
    return ok;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Without what does not change the value: zeros behind the point, the point, the sign of zero. */
static text_key plain_number(const char *text) {
    text_key key = { text, strlen(text), "" };
    if (text[0] == '-') {
        key = (text_key){ text + 1, key.size - 1, "-" };
    }
    if (memchr(key.bytes, '.', key.size) && !memchr(key.bytes, 'e', key.size)) {
        while (key.bytes[key.size - 1] == '0')
            key.size--;
        if (key.bytes[key.size - 1] == '.')
            key.size--;
    }
    if (key.size == 1 && key.bytes[0] == '0')
        key.sign = "";
    return key;
}

/* True where the whole text is a finite number. */
static bool read_number(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end > text && *end == '\0' && isfinite(*value);
}

typedef struct {
    double value;
    uint32_t code;
} valued;

static int by_value(const void *a, const void *b) {
    const valued *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

/* Renames the codes so that their values ascend. */
static bool order_codes(nl_series *series, valued *list, nl_err *err) {
    size_t n = series->n_codes;
    uint32_t *renamed = malloc((n ? n : 1) * sizeof *renamed);
    series->values = malloc((n ? n : 1) * sizeof *series->values);
    if (!renamed || !series->values) {
        free(renamed);
        return nl_err_nomem(err);
    }
    if (n > 0)
        qsort(list, n, sizeof *list, by_value);
    for (size_t i = 0; i < n; i++) {
        series->values[i] = list[i].value;
        renamed[list[i].code] = (uint32_t)i;
    }
    for (size_t i = 0; i < series->n; i++) {
        if (series->codes[i] != NL_NO_CODE)
            series->codes[i] = renamed[series->codes[i]];
    }
    free(renamed);
    return true;
}

bool nl_series_numbers(nl_series *series, const char *const *texts, size_t n, nl_err *err) {
    dictionary numbers = { 0 };
    valued *list = calloc(n ? n : 1, sizeof *list);
    bool ok = init_series(series, n, err);
    if (ok && !list)
        ok = nl_err_nomem(err);
    for (size_t i = 0; ok && i < n; i++) {
        double value;
        if (!texts[i] || !read_number(texts[i], &value)) {
            series->missing++;
            continue;
        }
        ok = look_up(&numbers, plain_number(texts[i]), &series->codes[i], err);
        if (ok)
            list[series->codes[i]] = (valued){ value, series->codes[i] };
    }
    series->n_codes = numbers.n;
    release_dictionary(&numbers);
    ok = ok && order_codes(series, list, err);
    free(list);
    if (!ok)
        nl_series_release(series);
    return ok;
}

/* --- intervals ------------------------------------------------------------------------------- */

size_t nl_bins_for(size_t n, size_t most) {
    size_t bins = (size_t)sqrt((double)n / 5);
    bins = bins < most ? bins : most;
    return bins < 2 ? 2 : bins;
}

/* The interval of each code: that of the middle of its rows. */
static size_t cut(const nl_series *numbers, size_t bins, const size_t *counts, uint32_t *bin_of) {
    size_t before = 0, n = numbers->n - numbers->missing, used = 0, last = SIZE_MAX;
    bool each = numbers->n_codes <= bins;
    for (size_t code = 0; code < numbers->n_codes; code++) {
        size_t twice_middle = 2 * before + counts[code]; /* in whole numbers: no edge is rounded */
        size_t bin = each ? code : bins * twice_middle / (2 * n);
        if (bin != last) {
            last = bin;
            used++;
        }
        bin_of[code] = (uint32_t)used - 1;
        before += counts[code];
    }
    return used;
}

bool nl_series_binned(nl_series *binned, const nl_series *numbers, size_t bins, nl_err *err) {
    bool ok = false;
    size_t n_codes = numbers->n_codes ? numbers->n_codes : 1;
    size_t *counts = calloc(n_codes, sizeof *counts);
    uint32_t *bin_of = malloc(n_codes * sizeof *bin_of);
    if (!init_series(binned, numbers->n, err))
        goto out;
    if (!counts || !bin_of) {
        nl_err_nomem(err);
        goto out;
    }
    for (size_t i = 0; i < numbers->n; i++) {
        if (numbers->codes[i] != NL_NO_CODE)
            counts[numbers->codes[i]]++;
    }
    binned->n_codes = cut(numbers, bins, counts, bin_of);
    binned->missing = numbers->missing;
    for (size_t i = 0; i < numbers->n; i++) {
        uint32_t code = numbers->codes[i];
        binned->codes[i] = code == NL_NO_CODE ? NL_NO_CODE : bin_of[code];
    }
    ok = true;
out:
    free(counts);
    free(bin_of);
    if (!ok)
        nl_series_release(binned);
    return ok;
}
