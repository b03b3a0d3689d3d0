/* lua_proc.h: nlsql.proc: child processes for trusted scripts. Blocking but for what it says. */
#ifndef NL_BIND_LUA_PROC_H
#define NL_BIND_LUA_PROC_H

#include <lua.h>

int luaopen_nlsql_proc(lua_State *L);

#endif
