#include "script/slab.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { CHUNK = 64 * 1024 };

struct nl_slab_chunk {
    struct nl_slab_chunk *next;
    _Alignas(NL_SLAB_GRAIN) char bytes[CHUNK];
};

/* AddressSanitizer sees each block where malloc hands it out. */
#if defined(__SANITIZE_ADDRESS__)
static const size_t largest = 0;
#else
static const size_t largest = NL_SLAB_LARGEST;
#endif

static size_t class_of(size_t size) {
    return (size + NL_SLAB_GRAIN - 1) / NL_SLAB_GRAIN;
}

static void *take(nl_slab *slab, size_t size) {
    size_t class = class_of(size), bytes = class * NL_SLAB_GRAIN;
    void *block = slab->free[class];
    if (block) {
        memcpy(&slab->free[class], block, sizeof(void *)); /* the next free one is kept inside */
        return block;
    }
    if ((size_t)(slab->end - slab->at) < bytes) {
        struct nl_slab_chunk *chunk = malloc(sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->next = slab->chunks;
        slab->chunks = chunk;
        slab->at = chunk->bytes;
        slab->end = chunk->bytes + CHUNK;
    }
    block = slab->at;
    slab->at += bytes;
    return block;
}

static void give_back(nl_slab *slab, void *block, size_t size) {
    size_t class = class_of(size);
    memcpy(block, &slab->free[class], sizeof(void *));
    slab->free[class] = block;
}

static void *move(nl_slab *slab, void *block, size_t old_size, size_t new_size) {
    void *fresh = new_size <= largest ? take(slab, new_size) : malloc(new_size);
    if (!fresh)
        return NULL;
    memcpy(fresh, block, old_size < new_size ? old_size : new_size);
    if (old_size <= largest)
        give_back(slab, block, old_size);
    else
        free(block);
    return fresh;
}

void *nl_slab_resize(nl_slab *slab, void *block, size_t old_size, size_t new_size) {
    if (!block)
        return new_size <= largest ? take(slab, new_size) : malloc(new_size);
    if (new_size == 0) {
        if (old_size <= largest)
            give_back(slab, block, old_size);
        else
            free(block);
        return NULL;
    }
    if (old_size > largest && new_size > largest)
        return realloc(block, new_size);
    if (old_size <= largest && new_size <= largest && class_of(old_size) == class_of(new_size))
        return block;
    return move(slab, block, old_size, new_size);
}

void nl_slab_release(nl_slab *slab) {
    while (slab->chunks) {
        struct nl_slab_chunk *next = slab->chunks->next;
        free(slab->chunks);
        slab->chunks = next;
    }
    *slab = (nl_slab){ 0 };
}
