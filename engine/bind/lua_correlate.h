/* lua_correlate.h: nlsql.correlate: which columns of a table have to do with each other. */
#ifndef NL_BIND_LUA_CORRELATE_H
#define NL_BIND_LUA_CORRELATE_H

#include <lua.h>

int luaopen_nlsql_correlate(lua_State *L);

/* The module's one function: see there. */
int nl_stats_l_correlations(lua_State *L);

#endif
