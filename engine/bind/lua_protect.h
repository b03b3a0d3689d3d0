/* lua_protect.h: nlsql.protect: values that must not leave, and whether one occurs in a text. */
#ifndef NL_BIND_LUA_PROTECT_H
#define NL_BIND_LUA_PROTECT_H

#include <lua.h>

int luaopen_nlsql_protect(lua_State *L);

#endif
