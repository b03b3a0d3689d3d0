#include "data/dedup.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/banned.h"

struct nl_dedup {
    nl_key *slots; /* {0,0} is an empty one */
    size_t room;   /* a power of two */
    size_t count;
    bool has_zero; /* the key {0,0} itself */
};

nl_key nl_key_of(const void *bytes, size_t size) {
    XXH128_hash_t h = XXH3_128bits(bytes, size);
    return (nl_key){ h.high64, h.low64 };
}

void nl_key_hex(nl_key key, char hex[33]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        hex[i] = digits[key.hi >> (60 - 4 * i) & 15];
        hex[16 + i] = digits[key.lo >> (60 - 4 * i) & 15];
    }
    hex[32] = '\0';
}

bool nl_key_from_hex(const char *hex, nl_key *key) {
    uint64_t half[2] = { 0, 0 };
    for (int i = 0; i < 32; i++) {
        char c = hex[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return false;
        half[i / 16] = half[i / 16] << 4 | digit;
    }
    *key = (nl_key){ half[0], half[1] };
    return hex[32] == '\0';
}

nl_dedup *nl_dedup_new(size_t expected) {
    nl_dedup *set = calloc(1, sizeof *set);
    size_t room = 64;
    while (room / 8 * 7 <= expected && room <= SIZE_MAX / 2)
        room *= 2;
    if (set)
        set->slots = calloc(room, sizeof *set->slots);
    if (!set || !set->slots) {
        free(set);
        return NULL;
    }
    set->room = room;
    return set;
}

void nl_dedup_free(nl_dedup *set) {
    if (set) {
        free(set->slots);
        free(set);
    }
}

/* The slot that holds `key`, or the empty one where it belongs. Linear probing. */
static nl_key *find(const nl_dedup *set, nl_key key) {
    size_t mask = set->room - 1;
    size_t at = (size_t)key.lo & mask;
    while ((set->slots[at].hi || set->slots[at].lo) &&
           (set->slots[at].hi != key.hi || set->slots[at].lo != key.lo))
        at = (at + 1) & mask;
    return &set->slots[at];
}

static bool grow(nl_dedup *set, nl_err *err) {
    nl_dedup bigger = { .room = set->room * 2 };
    bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
    if (!bigger.slots)
        return nl_err_nomem(err);
    for (size_t i = 0; i < set->room; i++) {
        if (set->slots[i].hi || set->slots[i].lo)
            *find(&bigger, set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    set->slots = bigger.slots;
    set->room = bigger.room;
    return true;
}

bool nl_dedup_add(nl_dedup *set, nl_key key, bool *fresh, nl_err *err) {
    if (!key.hi && !key.lo) {
        *fresh = !set->has_zero;
        set->count += *fresh;
        set->has_zero = true;
        return true;
    }
    nl_key *slot = find(set, key);
    if (slot->hi || slot->lo) {
        *fresh = false;
        return true;
    }
    if ((set->count + 1) * 8 > set->room * 7) {
        if (!grow(set, err))
            return false;
        slot = find(set, key);
    }
    *slot = key;
    set->count++;
    *fresh = true;
    return true;
}

bool nl_dedup_has(const nl_dedup *set, nl_key key) {
    if (!key.hi && !key.lo)
        return set->has_zero;
    const nl_key *slot = find(set, key);
    return slot->hi || slot->lo;
}

size_t nl_dedup_count(const nl_dedup *set) {
    return set->count;
}
