/* lua_store.h: nlsql.store: the run store for scripts. */
#ifndef NL_BIND_LUA_STORE_H
#define NL_BIND_LUA_STORE_H

#include <lua.h>

int luaopen_nlsql_store(lua_State *L);

#endif
