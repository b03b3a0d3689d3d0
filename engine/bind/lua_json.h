/* lua_json.h: nlsql.json: exact JSON for scripts. */
#ifndef NL_BIND_LUA_JSON_H
#define NL_BIND_LUA_JSON_H

#include <stdbool.h>

#include <lua.h>

int luaopen_nlsql_json(lua_State *L);

/* Pushes json.null, which also stands for SQL's NULL in rows. [-0, +1, m] */
void nl_push_json_null(lua_State *L);

/* Marks the table at the top of the stack as an array, so that it encodes as one when empty.
 * [-0, +0, m] */
void nl_mark_json_array(lua_State *L);

#endif
