/* lua_text.h: nlsql.text: keys of texts, sets of keys, UTF-8, nearest names. */
#ifndef NL_BIND_LUA_TEXT_H
#define NL_BIND_LUA_TEXT_H

#include <lua.h>

int luaopen_nlsql_text(lua_State *L);

#endif
