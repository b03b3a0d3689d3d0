/* lua_keyed.h: nlsql.keyed: bytes and permutations that hang on a secret. */
#ifndef NL_BIND_LUA_KEYED_H
#define NL_BIND_LUA_KEYED_H

#include <lua.h>

int luaopen_nlsql_keyed(lua_State *L);

#endif
