/* lua_stats_priv.h: what nlsql.stats has in another file than lua_stats.c. */
#ifndef NL_BIND_LUA_STATS_PRIV_H
#define NL_BIND_LUA_STATS_PRIV_H

#include <lua.h>

#include "db/stats.h"

/* [-0, +1, m] */
void nl_stats_push_result(lua_State *L, const nl_stats_result *result, bool flat);
void nl_stats_push_tuples(lua_State *L, const nl_stats_result *result);

#endif
