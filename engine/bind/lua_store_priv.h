/* lua_store_priv.h: what the files of the store's binding share.
 *
 * A closed store calls nobody, so the handle knows who waits for it, and wakes them itself. */
#ifndef NL_BIND_LUA_STORE_PRIV_H
#define NL_BIND_LUA_STORE_PRIV_H

#include <lua.h>

#include "io/store.h"
#include "script/job.h"

#define NL_LUA_STORE "nlsql.store"

struct nl_lua_wait;
struct nl_lua_reserving;

/* The userdata of a store. */
struct nl_lua_store {
    nl_store *store; /* NULL: closed */
    struct nl_lua_wait *waits;
    struct nl_lua_reserving *reserving;
};

/* --- waiting until something is durable ---------------------------------------------------- */

/* Pushes the userdata that the job will park on, and returns the context for nl_lua_durable.
 * `at` is the store's handle on the stack. [-0, +1, m] */
struct nl_lua_wait *nl_lua_wait_push(lua_State *L, int at, nl_job *job);
/* An nl_store_done. */
void nl_lua_durable(void *ctx, const nl_err *err);
/* Parks on the userdata at the top of the stack; the job gets true, or nil, message, code. Use as
 * `return nl_lua_wait_park(L)`. */
int nl_lua_wait_park(lua_State *L);

/* --- runs (lua_store_run.c) ---------------------------------------------------------------- */

/* Makes the metatables. [-0, +0, m] */
void nl_lua_run_setup(lua_State *L);
/* store:run{…} */
int nl_lua_run_open(lua_State *L);

/* The run at `at`, which must be open. */
nl_store_run *nl_lua_check_run(lua_State *L, int at);

/* --- what was before (lua_store_past.c) ------------------------------------------------------ */

/* Makes the metatables. [-0, +0, m] */
void nl_lua_past_setup(lua_State *L);
int nl_lua_run_seen(lua_State *L);     /* run:seen() */
int nl_lua_run_rejected(lua_State *L); /* run:rejected(item) */

/* --- looking (lua_store_view.c) ------------------------------------------------------------- */

/* Makes the metatables. [-0, +0, m] */
void nl_lua_view_setup(lua_State *L);
/* store.view(path) */
int nl_lua_view_open(lua_State *L);

nl_store *nl_lua_check_store(lua_State *L, int at);

#endif
