/* lua_cluster.h: nlsql.cluster: a throw-away PostgreSQL for trusted scripts. Blocking. */
#ifndef NL_BIND_LUA_CLUSTER_H
#define NL_BIND_LUA_CLUSTER_H

#include <lua.h>

int luaopen_nlsql_cluster(lua_State *L);

#endif
