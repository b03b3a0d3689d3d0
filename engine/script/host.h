/* host.h: what the engine lends to its Lua states.
 *
 * One nl_host for each engine; every Lua state of it sees the same. Bindings fetch what they need
 * from here: scripts never hold a key or a password. All fields are borrowed. */
#ifndef NL_SCRIPT_HOST_H
#define NL_SCRIPT_HOST_H

#include <lua.h>

#include "io/http.h"
#include "io/loop.h"

typedef struct {
    nl_loop *loop;
    nl_http *http;
    const char *database_url; /* NULL: none was given */
    const char *project_dir;  /* the user's folder: its phases/, prompts/, scripts/ come first */
    const char *share_dir;    /* what is shipped */
    int stopping;             /* 0; 1: start nothing new; 2: leave now */
    double opened;            /* monotonic seconds: when the engine was opened */
} nl_host;

nl_host *nl_host_of(lua_State *L);
nl_loop *nl_host_loop(lua_State *L);
nl_http *nl_host_http(lua_State *L);
const char *nl_host_database(lua_State *L);

#endif
