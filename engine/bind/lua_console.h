/* lua_console.h: nlsql.console: standard output for data, the log and the live block for the rest.
 */
#ifndef NL_BIND_LUA_CONSOLE_H
#define NL_BIND_LUA_CONSOLE_H

#include <lua.h>

int luaopen_nlsql_console(lua_State *L);

#endif
