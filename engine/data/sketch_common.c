/* sketch_common.c: the most common values. */
#include <stdlib.h>
#include <string.h>

#include "data/sketch.h"

#include "base/banned.h"

bool nl_common_init(nl_common *common, size_t room, bool with_bytes) {
    *common = (nl_common){ .room = room };
    common->slots = calloc(room, sizeof *common->slots);
    if (with_bytes)
        common->bytes = malloc(room * NL_COMMON_BYTES);
    if (common->slots && (common->bytes || !with_bytes))
        return true;
    nl_common_release(common);
    return false;
}

void nl_common_release(nl_common *common) {
    free(common->slots);
    free(common->bytes);
    *common = (nl_common){ 0 };
}

void nl_common_clear(nl_common *common) {
    memset(common->slots, 0, common->room * sizeof *common->slots);
    common->n = 0;
    common->bound = 0;
}

static size_t index_of(const nl_common *common, const nl_common_entry *slot) {
    return (size_t)(slot - common->slots);
}

const uint8_t *nl_common_value(const nl_common *common, const nl_common_entry *slot) {
    return common->bytes ? common->bytes + index_of(common, slot) * NL_COMMON_BYTES : NULL;
}

/* Takes a slot out; those behind it that would not be found any more move up (Knuth, TAOCP 3,
 * 6.4, algorithm R). */
static void take_out(nl_common *common, size_t at) {
    size_t mask = common->room - 1, hole = at;
    for (size_t next = (hole + 1) & mask; common->slots[next].count; next = (next + 1) & mask) {
        size_t home = (size_t)common->slots[next].hash & mask;
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        common->slots[hole] = common->slots[next];
        if (common->bytes)
            memcpy(common->bytes + hole * NL_COMMON_BYTES, common->bytes + next * NL_COMMON_BYTES,
                   NL_COMMON_BYTES);
        hole = next;
    }
    common->slots[hole].count = 0;
    common->n--;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* An upper bound of the occurrences of about half of the values, found on a few of them. */
static uint64_t middle(const nl_common *common) {
    enum { SAMPLE = 63 };
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

static void purge(nl_common *common) {
    uint64_t bound = middle(common);
    if (bound < common->bound)
        bound = common->bound;
    common->bound = bound;
    for (size_t i = 0; i < common->room;) {
        const nl_common_entry *slot = &common->slots[i];
        if (slot->count && slot->count + slot->missed <= bound)
            take_out(common, i); /* another may stand here now */
        else
            i++;
    }
}

void nl_common_insert(nl_common *common, uint64_t hash, uint64_t count, uint64_t missed,
                      int64_t number, const void *bytes, size_t size) {
    while (common->n >= common->room / 4 * 3) {
        purge(common);
        if (missed < common->bound)
            missed = common->bound;
    }
    nl_common_entry *slot = nl_common_slot(common, hash);
    uint32_t kept = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    *slot = (nl_common_entry){ hash, count, missed, number, kept };
    if (common->bytes && size > 0)
        memcpy(common->bytes + index_of(common, slot) * NL_COMMON_BYTES, bytes,
               size < NL_COMMON_BYTES ? size : NL_COMMON_BYTES);
    common->n++;
}

/* What one side does not know of a value was at most that side's bound. */
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
            if (twin->count && side == 1)
                continue;
            uint64_t missed = slot->missed + (twin->count ? twin->missed : two->bound);
            uint64_t count = slot->count + twin->count;
            if (count + missed > merged.bound || merged.n < merged.room / 4 * 3)
                nl_common_insert(&merged, slot->hash, count, missed, slot->number,
                                 nl_common_value(one, slot), slot->size);
        }
    }
    nl_common_release(into);
    *into = merged;
    return true;
}

static bool before(const nl_common_entry *a, const nl_common_entry *b) {
    return a->count > b->count || (a->count == b->count && a->hash < b->hash);
}

size_t nl_common_top(const nl_common *common, const nl_common_entry **top, size_t n) {
    size_t found = 0;
    for (size_t i = 0; i < common->room; i++) {
        const nl_common_entry *slot = &common->slots[i];
        if (!slot->count || slot->count <= common->bound)
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
