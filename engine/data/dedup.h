/* dedup.h: have we seen this before?
 *
 * A set of 128-bit keys (open addressing, 16 bytes a slot) that only grows. Keys come from
 * nl_key_*; the set keeps no copy of what was hashed, so texts whose XXH3 digests collide
 * count as equal: expect one such pair among 2^64 texts. Not thread-safe. */
#ifndef NL_DATA_DEDUP_H
#define NL_DATA_DEDUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct {
    uint64_t hi, lo;
} nl_key;

/* XXH3, 128 bits, of the bytes as they are. */
nl_key nl_key_of(const void *bytes, size_t size);

/* XXH3 of a question reduced to what tells it from others: case folded for ASCII and Latin-1,
 * punctuation and repeated white space dropped; openings ("please show me", "list all"), articles,
 * forms of be, do and have, "what", "which", "of" dropped; simple plurals folded. Numbers, signs,
 * quoted values (letter by letter), capitalised names, negations and comparison words stay: two
 * questions share a key only where a reader would call them the same question. */
nl_key nl_key_of_question(const char *text, size_t size);

/* 32 lower-case hexadecimal digits and a NUL. */
void nl_key_hex(nl_key key, char hex[33]);
bool nl_key_from_hex(const char *hex, nl_key *key);

typedef struct nl_dedup nl_dedup;
/* With room for `expected` keys before it first grows (0: unknown). NULL: memory ran out. */
nl_dedup *nl_dedup_new(size_t expected);
void nl_dedup_free(nl_dedup *set);
/* Adds `key` and says in *fresh whether it was new. False with NL_NOMEM where the set had to
 * grow and could not: then it is unchanged and usable. */
bool nl_dedup_add(nl_dedup *set, nl_key key, bool *fresh, nl_err *err);
bool nl_dedup_has(const nl_dedup *set, nl_key key);
size_t nl_dedup_count(const nl_dedup *set);

#endif
