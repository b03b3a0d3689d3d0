#include "sql/pool.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { FIRST_BLOCK = 8192, LARGEST_BLOCK = 1 << 20 };

struct nl_pool_block {
    struct nl_pool_block *next;
    size_t size, used;
    _Alignas(16) char bytes[];
};

void *nl_pool_take(nl_pool *pool, size_t size) {
    struct nl_pool_block *block = pool->blocks;
    size = (size + 15) & ~(size_t)15;
    if (!block || block->size - block->used < size) {
        size_t wanted = block ? block->size * 2 : FIRST_BLOCK;
        if (wanted > LARGEST_BLOCK)
            wanted = LARGEST_BLOCK;
        if (wanted < size)
            wanted = size;
        struct nl_pool_block *fresh = malloc(sizeof *fresh + wanted);
        if (!fresh) {
            pool->failed = true;
            return NULL;
        }
        fresh->next = block;
        fresh->size = wanted;
        fresh->used = 0;
        pool->blocks = block = fresh;
    }
    void *at = block->bytes + block->used;
    block->used += size;
    return memset(at, 0, size);
}

char *nl_pool_text(nl_pool *pool, const char *text, size_t size) {
    char *copy = nl_pool_take(pool, size + 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

char *nl_pool_printf(nl_pool *pool, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0)
        text = nl_pool_take(pool, (size_t)n + 1);
    if (text) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    return text;
}

void *nl_pool_grow(nl_pool *pool, void *array, size_t count, size_t *room, size_t item) {
    if (count < *room)
        return array;
    size_t wanted = *room ? *room * 2 : 8;
    void *fresh = nl_pool_take(pool, wanted * item);
    if (!fresh)
        return NULL;
    if (count)
        memcpy(fresh, array, count * item);
    *room = wanted;
    return fresh;
}

void nl_pool_release(nl_pool *pool) {
    while (pool->blocks) {
        struct nl_pool_block *next = pool->blocks->next;
        free(pool->blocks);
        pool->blocks = next;
    }
    pool->failed = false;
}
