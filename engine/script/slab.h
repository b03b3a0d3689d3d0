/* slab.h: the small objects of a Lua state.
 *
 * Lua tells the size of what it frees, so blocks need no headers and a free list for each size is
 * enough. Blocks of up to 512 bytes come from slabs of 64 kB, larger ones from malloc; slabs are
 * returned when the state is closed. Not thread-safe: one for each state. */
#ifndef NL_SCRIPT_SLAB_H
#define NL_SCRIPT_SLAB_H

#include <stddef.h>

enum { NL_SLAB_LARGEST = 512, NL_SLAB_GRAIN = 16 };

struct nl_slab_chunk;

typedef struct {
    void *free[NL_SLAB_LARGEST / NL_SLAB_GRAIN + 1];
    struct nl_slab_chunk *chunks;
    char *at, *end; /* what is left of the newest chunk */
} nl_slab;

/* As lua_Alloc: `block` has `old_size` bytes (NULL: none), `new_size` 0 frees it. A zeroed nl_slab
 * is an empty one. */
void *nl_slab_resize(nl_slab *slab, void *block, size_t old_size, size_t new_size);
void nl_slab_release(nl_slab *slab);

#endif
