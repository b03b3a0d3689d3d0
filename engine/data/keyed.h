/* keyed.h: bytes and permutations that only a holder of the secret can derive from a value.
 *
 * Keyed BLAKE2b (libsodium). Who does not know the secret can neither go back from what comes out
 * to the value, nor try values until one fits. The same secret, domain and value always give the
 * same; another domain gives something unrelated. Not thread-safe. */
#ifndef NL_DATA_KEYED_H
#define NL_DATA_KEYED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { NL_SECRET_BYTES = 32, NL_KEYED_MOST = 64 };

typedef struct nl_keyed nl_keyed;

/* A new secret of NL_SECRET_BYTES, from the system's source of randomness. */
bool nl_keyed_secret(unsigned char *secret, nl_err *err);

/* Keeps a copy of the secret in memory that is wiped when freed. NULL: memory ran out. */
nl_keyed *nl_keyed_new(const unsigned char *secret, nl_err *err);
void nl_keyed_free(nl_keyed *keyed); /* NULL is fine */

/* Writes `n` bytes, 1 to NL_KEYED_MOST, derived from the value. `domain` is NUL-terminated. */
void nl_keyed_bytes(const nl_keyed *keyed, const char *domain, const void *value, size_t size,
                    unsigned char *out, size_t n);

/* The place of `i` in a secret order of 0 … n-1: a permutation, so that two numbers never share a
 * place. A Feistel network of ten rounds over the next even power of two, walked until it falls
 * below n (four steps at most on average). `n` from 1 to 2^62, i below n. */
uint64_t nl_keyed_permute(const nl_keyed *keyed, const char *domain, uint64_t i, uint64_t n);
/* The neighbour of `i` in that order: a permutation that leaves no number where it is (n > 1). */
uint64_t nl_keyed_move(const nl_keyed *keyed, const char *domain, uint64_t i, uint64_t n);

#endif
