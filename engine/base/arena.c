#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { FIRST_BLOCK = 4096, LAST_BLOCK = 1 << 20, ALIGN = 16 };

struct nl_arena_block {
    struct nl_arena_block *next;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

void *nl_arena_take(nl_arena *arena, size_t size) {
    struct nl_arena_block *block = arena->blocks;
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!block || block->size - block->used < size) {
        size_t room = block ? block->size * 2 : FIRST_BLOCK;
        room = room > LAST_BLOCK ? LAST_BLOCK : room;
        room = room < size ? size : room;
        struct nl_arena_block *fresh = malloc(sizeof *fresh + room);
        if (!fresh)
            return NULL;
        fresh->next = block;
        fresh->size = room;
        fresh->used = 0;
        arena->blocks = block = fresh;
    }
    void *at = block->bytes + block->used;
    block->used += size;
    return memset(at, 0, size);
}

char *nl_arena_copy(nl_arena *arena, const char *text, size_t size) {
    char *copy = nl_arena_take(arena, size + 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void nl_arena_release(nl_arena *arena) {
    while (arena->blocks) {
        struct nl_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
