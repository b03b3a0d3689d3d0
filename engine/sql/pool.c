#include "sql/pool.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"

#include "base/banned.h"

void *nl_pool_take(nl_pool *pool, size_t size) {
    void *at = nl_arena_take(&pool->arena, size);
    pool->failed = pool->failed || !at;
    return at;
}

char *nl_pool_text(nl_pool *pool, const char *text, size_t size) {
    char *copy = nl_pool_take(pool, size + 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

char *nl_pool_printf(nl_pool *pool, const char *format, ...) {
    nl_buf text;
    va_list args;
    nl_buf_init(&text);
    va_start(args, format);
    bool ok = nl_buf_vprintf(&text, format, args);
    va_end(args);
    char *copy = ok ? nl_pool_text(pool, text.data, text.size) : NULL;
    pool->failed = pool->failed || !copy;
    nl_buf_release(&text);
    return copy;
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
    nl_arena_release(&pool->arena);
    pool->failed = false;
}
