/* sketch_common.c: the most common values. */
#include <stdlib.h>
#include <string.h>

#include "data/sketch.h"

#include "base/banned.h"

bool nl_common_init(nl_common *common, size_t room, bool with_bytes) {
    *common = (nl_common){ .room = room };
    common->slots = calloc(room, sizeof *common->slots);
    common->spare = calloc(room, sizeof *common->spare);
    if (with_bytes) {
        common->bytes = malloc(room * NL_COMMON_BYTES);
        common->spare_bytes = malloc(room * NL_COMMON_BYTES);
    }
    if (common->slots && common->spare && ((common->bytes && common->spare_bytes) || !with_bytes))
        return true;
    nl_common_release(common);
    return false;
}

void nl_common_release(nl_common *common) {
    free(common->slots);
    free(common->bytes);
    free(common->spare);
    free(common->spare_bytes);
    *common = (nl_common){ 0 };
}

static size_t index_of(const nl_common *common, const nl_common_entry *slot) {
    return (size_t)(slot - common->slots);
}

const uint8_t *nl_common_value(const nl_common *common, const nl_common_entry *slot) {
    return common->bytes ? common->bytes + index_of(common, slot) * NL_COMMON_BYTES : NULL;
}

void nl_common_keep(nl_common *common, nl_common_entry *slot, const void *bytes, size_t size) {
    slot->size = size < NL_COMMON_UNKNOWN ? (uint32_t)size : NL_COMMON_UNKNOWN - 1;
    if (common->bytes && size > 0)
        memcpy(common->bytes + index_of(common, slot) * NL_COMMON_BYTES, bytes,
               size < NL_COMMON_BYTES ? size : NL_COMMON_BYTES);
}

/* --- rounds -------------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* An upper bound of the occurrences of about half of the values, found on a few of them. */
static uint64_t middle(const nl_common *common) {
    enum { SAMPLE = 31 };
    uint64_t sample[SAMPLE];
    size_t n = 0, step = (common->room / SAMPLE) | 1;
    for (size_t i = 0; n < SAMPLE && i < common->room; i++) {
        const nl_common_entry *slot = &common->slots[i * step % common->room];
        if (slot->count)
            sample[n++] = slot->count + slot->missed;
    }
    if (n == 0)
        return common->bound;
    qsort(sample, n, sizeof *sample, by_size);
    return sample[n / 2];
}

/* A new round: those above the bound are put into the spare table, which then serves. One at least
 * goes, as the bound is the count of one. */
static void purge(nl_common *common) {
    nl_common old = *common;
    uint64_t bound = middle(common);
    memset(common->spare, 0, common->room * sizeof *common->spare);
    common->slots = old.spare;
    common->bytes = old.spare_bytes;
    common->spare = old.slots;
    common->spare_bytes = old.bytes;
    common->bound = bound > old.bound ? bound : old.bound;
    common->n = 0;
    for (size_t i = 0; i < old.room; i++) {
        const nl_common_entry *from = &old.slots[i];
        if (!from->count || from->count + from->missed <= common->bound)
            continue;
        nl_common_entry *to = nl_common_slot(common, from->hash);
        *to = *from;
        if (from->size != NL_COMMON_UNKNOWN)
            nl_common_keep(common, to, nl_common_value(&old, from), from->size);
        common->n++;
    }
}

static nl_common_entry *make_slot(nl_common *common, uint64_t hash) {
    if (common->n >= common->room / 4 * 3)
        purge(common);
    common->n++;
    return nl_common_slot(common, hash);
}

/* After the first round a value is kept when it comes again: most never do, and one that occurred
 * once is not above the bound. */
void nl_common_insert(nl_common *common, uint64_t hash, int64_t number, const void *bytes,
                      size_t size) {
    nl_common_entry *slot = make_slot(common, hash);
    *slot = (nl_common_entry){ hash, 1, common->bound, number, NL_COMMON_UNKNOWN };
    if (common->bound == 0)
        nl_common_keep(common, slot, bytes, size);
}

/* --- two tables
 * ----------------------------------------------------------------------------------- */

/* What one side does not know of a value was at most that side's bound. */
static void merge_value(nl_common *into, const nl_common *one, const nl_common_entry *slot,
                        const nl_common *two, const nl_common_entry *twin) {
    uint64_t missed = slot->missed + (twin->count ? twin->missed : two->bound);
    uint64_t count = slot->count + twin->count;
    const nl_common *from = slot->size != NL_COMMON_UNKNOWN ? one : two;
    const nl_common_entry *known = slot->size != NL_COMMON_UNKNOWN ? slot : twin;
    if (!known->count || known->size == NL_COMMON_UNKNOWN) { /* once on each side at most */
        if (into->bound < count + missed)
            into->bound = count + missed;
        return;
    }
    nl_common_entry *to = make_slot(into, slot->hash);
    *to = (nl_common_entry){ slot->hash, count, missed, slot->number, known->size };
    nl_common_keep(into, to, nl_common_value(from, known), known->size);
}

bool nl_common_merge(nl_common *into, const nl_common *other) {
    nl_common merged;
    const nl_common *sides[] = { into, other };
    if (!nl_common_init(&merged, into->room, into->bytes != NULL))
        return false;
    merged.bound = into->bound + other->bound;
    for (size_t side = 0; side < 2; side++) {
        const nl_common *one = sides[side], *two = sides[1 - side];
        for (size_t i = 0; i < one->room; i++) {
            const nl_common_entry *slot = &one->slots[i];
            if (!slot->count)
                continue;
            const nl_common_entry *twin = nl_common_slot(two, slot->hash);
            if (side == 0 || !twin->count)
                merge_value(&merged, one, slot, two, twin);
        }
    }
    nl_common_release(into);
    *into = merged;
    return true;
}

/* --- the top
 * -------------------------------------------------------------------------------------- */

static bool before(const nl_common_entry *a, const nl_common_entry *b) {
    return a->count > b->count || (a->count == b->count && a->hash < b->hash);
}

size_t nl_common_top(const nl_common *common, const nl_common_entry **top, size_t n) {
    size_t found = 0;
    for (size_t i = 0; i < common->room; i++) {
        const nl_common_entry *slot = &common->slots[i];
        if (!slot->count || slot->count <= common->bound || slot->size == NL_COMMON_UNKNOWN)
            continue;
        size_t at = found < n ? found++ : n;
        if (at == n && (n == 0 || !before(slot, top[n - 1])))
            continue;
        at = at == n ? n - 1 : at;
        for (; at > 0 && before(slot, top[at - 1]); at--)
            top[at] = top[at - 1];
        top[at] = slot;
    }
    return found;
}
