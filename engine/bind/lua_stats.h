/* lua_stats.h: nlsql.stats: statistics of live columns, which columns hold each other's values, and
 * inclusion of tuples. See db/stats.h. */
#ifndef NL_BIND_LUA_STATS_H
#define NL_BIND_LUA_STATS_H

#include <lua.h>

int luaopen_nlsql_stats(lua_State *L);

#endif
