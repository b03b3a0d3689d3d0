/* pool.h: memory that lives and dies together, for one statement's analysis.
 *
 * An arena in which running out is sticky: nl_pool_take returns NULL and `failed` stays set, so an
 * analysis may go on to a safe stop and look once at the end. Only for engine/sql. */
#ifndef NL_SQL_POOL_H
#define NL_SQL_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

typedef struct {
    nl_arena arena;
    bool failed;
} nl_pool;

/* `size` zeroed bytes, aligned for any type; NULL where memory ran out. */
void *nl_pool_take(nl_pool *pool, size_t size);
/* A NUL-terminated copy. */
char *nl_pool_text(nl_pool *pool, const char *text, size_t size);
char *nl_pool_printf(nl_pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for one item more in an array of `count` items that has room for *room; the array
 * may move. NULL, with the old array still good, where memory ran out. */
void *nl_pool_grow(nl_pool *pool, void *array, size_t count, size_t *room, size_t item);
void nl_pool_release(nl_pool *pool);

#endif
