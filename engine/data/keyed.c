#include "data/keyed.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/banned.h"

struct nl_keyed {
    unsigned char secret[NL_SECRET_BYTES];
};

static bool start(nl_err *err) {
    return sodium_init() >= 0 || nl_err_set(err, NL_IO, "libsodium cannot be started");
}

bool nl_keyed_secret(unsigned char *secret, nl_err *err) {
    if (!start(err))
        return false;
    randombytes_buf(secret, NL_SECRET_BYTES);
    return true;
}

nl_keyed *nl_keyed_new(const unsigned char *secret, nl_err *err) {
    if (!start(err))
        return NULL;
    nl_keyed *keyed = malloc(sizeof *keyed);
    if (!keyed) {
        nl_err_nomem(err);
        return NULL;
    }
    memcpy(keyed->secret, secret, sizeof keyed->secret);
    return keyed;
}

void nl_keyed_free(nl_keyed *keyed) {
    if (!keyed)
        return;
    sodium_memzero(keyed->secret, sizeof keyed->secret);
    free(keyed);
}

void nl_keyed_bytes(const nl_keyed *keyed, const char *domain, const void *value, size_t size,
                    unsigned char *out, size_t n) {
    crypto_generichash_state state;
    unsigned char digest[crypto_generichash_BYTES_MAX];
    /* the length of what comes out is part of what is hashed: always the same one is taken */
    crypto_generichash_init(&state, keyed->secret, sizeof keyed->secret, sizeof digest);
    crypto_generichash_update(&state, (const unsigned char *)domain, strlen(domain) + 1);
    crypto_generichash_update(&state, value, size);
    crypto_generichash_final(&state, digest, sizeof digest);
    memcpy(out, digest, n);
}

/* --- permutations --------------------------------------------------------------------------- */

enum { ROUNDS = 10 };

/* What a round mixes into one half, from the other. */
static uint64_t round_value(const nl_keyed *keyed, const char *domain, unsigned round,
                            unsigned bits, uint64_t half) {
    unsigned char value[10], out[8];
    uint64_t number = 0;
    value[0] = (unsigned char)round;
    value[1] = (unsigned char)bits;
    for (int i = 0; i < 8; i++)
        value[2 + i] = (unsigned char)(half >> (8 * i));
    nl_keyed_bytes(keyed, domain, value, sizeof value, out, sizeof out);
    for (int i = 0; i < 8; i++)
        number |= (uint64_t)out[i] << (8 * i);
    return number;
}

/* A permutation of the numbers of 2 × bits bits; `back`: its inverse. */
static uint64_t feistel(const nl_keyed *keyed, const char *domain, unsigned bits, uint64_t i,
                        bool back) {
    uint64_t mask = ((uint64_t)1 << bits) - 1, left = i >> bits, right = i & mask;
    for (unsigned k = 0; k < ROUNDS; k++) {
        unsigned round = back ? ROUNDS - 1 - k : k;
        uint64_t from = back ? left : right, to = back ? right : left;
        uint64_t next = to ^ (round_value(keyed, domain, round, bits, from) & mask);
        left = back ? next : from;
        right = back ? from : next;
    }
    return left << bits | right;
}

/* Walks on while it is outside: its cycle comes back below n, since i began there. */
static uint64_t walk(const nl_keyed *keyed, const char *domain, uint64_t i, uint64_t n, bool back) {
    unsigned bits = 1;
    while (bits < 31 && (uint64_t)1 << (2 * bits) < n)
        bits++;
    do
        i = feistel(keyed, domain, bits, i, back);
    while (i >= n);
    return i;
}

uint64_t nl_keyed_permute(const nl_keyed *keyed, const char *domain, uint64_t i, uint64_t n) {
    return n <= 1 ? 0 : walk(keyed, domain, i, n, false);
}

uint64_t nl_keyed_move(const nl_keyed *keyed, const char *domain, uint64_t i, uint64_t n) {
    return n <= 1 ? 0 : walk(keyed, domain, (walk(keyed, domain, i, n, false) + 1) % n, n, true);
}
