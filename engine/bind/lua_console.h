/* lua_console.h: nlsql.console: standard output for data, the log and the live block for the rest.
 */
#ifndef NL_BIND_LUA_CONSOLE_H
#define NL_BIND_LUA_CONSOLE_H

#include <lua.h>

int luaopen_nlsql_console(lua_State *L);
/* … for guests, who say what they have to say in the log. */
int luaopen_nlsql_console_guest(lua_State *L);

/* From now on the program ends as by SIGPIPE, without a word, where nobody reads its standard
 * output any more ("nlsql log | head"). For a program that is nothing but nlsql. */
void nl_console_end_with_reader(void);

#endif
