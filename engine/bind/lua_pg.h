/* lua_pg.h: nlsql.pg: the connection pool for scripts. */
#ifndef NL_BIND_LUA_PG_H
#define NL_BIND_LUA_PG_H

#include <lua.h>

#include "io/pg.h"

int luaopen_nlsql_pg(lua_State *L);

/* The open pool at `arg`; raises where it is closed or something else. */
nl_pg *nl_check_pg(lua_State *L, int arg);

#endif
