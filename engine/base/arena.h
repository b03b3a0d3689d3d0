/* arena.h: many small allocations, one release.
 *
 * Blocks grow from 4 kB to 1 MB. Zeroed memory, aligned for anything. */
#ifndef NL_BASE_ARENA_H
#define NL_BASE_ARENA_H

#include <stddef.h>

struct nl_arena_block;

typedef struct {
    struct nl_arena_block *blocks;
} nl_arena;

/* A zeroed nl_arena is an empty one. */
void *nl_arena_take(nl_arena *arena, size_t size); /* NULL: out of memory */
/* A NUL-terminated copy of text[0..size). */
char *nl_arena_copy(nl_arena *arena, const char *text, size_t size);
void nl_arena_release(nl_arena *arena); /* empty and usable again */

#endif
