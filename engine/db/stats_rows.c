#include "db/stats_rows.h"

#include <stdlib.h>
#include <string.h>

#include "data/sketch_number.h"

#include "base/banned.h"

enum { ODD = 33 };

static uint32_t at32(const char *bytes) {
    uint32_t v;
    memcpy(&v, bytes, sizeof v);
    return __builtin_bswap32(v);
}

static int64_t at64(const char *bytes) {
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    return (int64_t)__builtin_bswap64(v);
}

/* A value that may be any but those that hash to this place. */
void stats_forget(uint64_t *seen, uint64_t mask) {
    for (uint64_t i = 0; i <= mask; i++)
        seen[i] = i ^ 1;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static bool sketch(stats_reader *r, size_t key, uint64_t hash, nl_err *err) {
    nl_hll_add(&r->hlls[key], hash);
    return nl_kmv_add(&r->kmvs[key], hash) || nl_err_nomem(err);
}

static inline bool store(stats_reader *r, size_t key, uint64_t hash, nl_err *err) {
    if (r->kmvs)
        return sketch(r, key, hash, err);
    return stats_store_add(&r->worker->store, hash, r->table->keys[key], err);
}

/* A tuple's hash hangs on the order of its parts. */
static bool store_tuples(stats_reader *r, nl_err *err) {
    for (size_t k = 0; k < r->table->n_keys; k++) {
        const stats_key *key = &r->stats->keys[r->table->keys[k]];
        uint64_t hash = 0;
        bool null = false;
        for (size_t i = 0; i < key->n && !null; i++) {
            const stats_field *one = &r->fields[r->field_of[key->columns[i]]];
            null = one->null;
            hash = nl_mix64(hash * ODD + one->hash + 1);
        }
        if (null)
            continue;
        r->key_rows[k]++;
        if (!store(r, k, hash, err))
            return false;
    }
    return true;
}

/* Was the hash met lately? It is now. */
static inline bool met(stats_field *one, uint64_t hash) {
    if (!one->seen_mask)
        return false;
    uint64_t *seen = &one->seen[hash & one->seen_mask];
    bool again = *seen == hash;
    *seen = hash;
    one->met += again;
    if (++one->looked < STATS_SEEN_ROUND)
        return again;
    if (one->met < STATS_SEEN_ROUND / 4) {
        one->seen_mask = one->seen_mask == STATS_SEEN - 1 ? STATS_SEEN_MORE - 1 : 0;
        stats_forget(one->seen, one->seen_mask);
    }
    one->looked = one->met = 0;
    return again;
}

static bool store_value(stats_reader *r, stats_field *one, size_t key, const stats_value *value,
                        nl_err *err) {
    stats_summary_add(one->summary, one->order, value);
    if (one->summary->common.room)
        nl_common_add(&one->summary->common, value->hash, value->integer, value->bytes,
                      value->size);
    return met(one, value->hash) || store(r, key, value->hash, err);
}

/* "<64 hex digits><10 digits><beginning>" */
static bool read_long(const stats_field *one, const char *bytes, uint32_t size,
                      stats_value *value) {
    enum { DIGEST = 64, LENGTH = 10 };
    char length[LENGTH + 1];
    if (size < DIGEST + LENGTH + KEPT_BYTES)
        return false;
    memcpy(length, bytes + DIGEST, LENGTH);
    length[LENGTH] = '\0';
    value->size = (uint32_t)strtoul(length, NULL, 10);
    value->hash = nl_hash_bytes(bytes, DIGEST + LENGTH, one->column->seed);
    value->bytes = (const uint8_t *)bytes + DIGEST + LENGTH;
    value->integer = at64((const char *)value->bytes);
    return true;
}

/* Takes one field off the row. NULL: of type size -1. */
static bool take(const char **at, const char *end, const char **bytes, uint32_t *size) {
    if (end - *at < 4)
        return false;
    *size = at32(*at);
    *at += 4;
    *bytes = NULL;
    if (*size == UINT32_MAX)
        return true;
    if ((size_t)(end - *at) < *size)
        return false;
    *bytes = *at;
    *at += *size;
    return true;
}

static bool bad_row(const stats_reader *r, nl_err *err) {
    return nl_err_set(err, NL_NET, "%s: the server sent what is no binary COPY",
                      r->table->reference);
}

/* The commonest types without a call. */
static inline bool read_value(const stats_column *column, const char *bytes, uint32_t size,
                              stats_value *value) {
    if (column->kind == KIND_INT4 && size == 4) {
        value->integer = (int32_t)at32(bytes);
        value->hash = nl_hash_integer(value->integer);
    } else if (column->kind == KIND_INT8 && size == 8) {
        value->integer = at64(bytes);
        value->hash = nl_hash_integer(value->integer);
    } else {
        return stats_value_read(column->kind, column->seed, (const uint8_t *)bytes, size, value);
    }
    value->bytes = (const uint8_t *)bytes;
    value->size = size;
    return true;
}

static bool read_row(stats_reader *r, const char *at, const char *end, nl_err *err) {
    const char *bytes;
    uint32_t size;
    stats_value value = { 0 };
    for (size_t i = 0; i < r->n_fields; i++) {
        stats_field *one = &r->fields[i];
        bool is_long = false;
        if (!take(&at, end, &bytes, &size))
            return bad_row(r, err);
        if (one->column->huge && !one->column->folded) {
            const char *more;
            uint32_t more_size;
            if (!take(&at, end, &more, &more_size))
                return bad_row(r, err);
            is_long = more != NULL;
            bytes = is_long ? more : bytes;
            size = is_long ? more_size : size;
        }
        one->null = !bytes;
        if (one->null) {
            one->summary->nulls++;
            continue;
        }
        if (!(is_long ? read_long(one, bytes, size, &value)
                      : read_value(one->column, bytes, size, &value)))
            return bad_row(r, err);
        one->hash = value.hash;
        if (!r->stats->tuples &&
            !store_value(r, one, one->column->key - r->table->keys[0], &value, err))
            return false;
    }
    r->rows++;
    return !r->stats->tuples || store_tuples(r, err);
}

/* A message holds one row; the first one the header too, the last one the end's mark alone. */
bool stats_read_message(stats_reader *r, const char *at, size_t size, bool *first, nl_err *err) {
    static const char signature[11] = "PGCOPY\n\377\r\n";
    const char *end = at + size;
    if (*first) {
        if (size < 19 || memcmp(at, signature, sizeof signature) != 0)
            return bad_row(r, err);
        size_t header = 19 + (size_t)at32(at + 15);
        if (header > size)
            return bad_row(r, err);
        at += header;
        *first = false;
        if (at == end)
            return true;
    }
    if (end - at < 2)
        return bad_row(r, err);
    unsigned n = (unsigned)(uint8_t)at[0] << 8 | (uint8_t)at[1];
    return n == 0xFFFF || read_row(r, at + 2, end, err);
}
