/* loop_priv.h: libuv's loop inside ours, for the other files of engine/io that wrap libuv. */
#ifndef NL_IO_LOOP_PRIV_H
#define NL_IO_LOOP_PRIV_H

#include <uv.h>

#include "io/loop.h"

/* Borrowed; lives as long as the loop. */
uv_loop_t *nl_loop_uv(nl_loop *loop);

#endif
