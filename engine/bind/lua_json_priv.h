/* lua_json_priv.h: what decoding and encoding share. Only for lua_json*.c. */
#ifndef NL_BIND_LUA_JSON_PRIV_H
#define NL_BIND_LUA_JSON_PRIV_H

#include <lua.h>

#include "base/buf.h"
#include "data/json.h"

/* Names of the metatables that mark a table as an array, and as a number kept in its own words. */
#define NL_JSON_ARRAY_MARK "nlsql.json.array"
#define NL_JSON_NUMBER_MARK "nlsql.json.number"
#define NL_JSON_VERBATIM_MARK "nlsql.json.verbatim"

enum { NL_JSON_MAX_DEPTH = 200 };

/* What C allocates while Lua may raise: freed by __gc where the call did not get that far. */
struct nl_json_keeper {
    nl_json *json;
    nl_buf buf;
};

/* An empty one. [-0, +1, m] */
struct nl_json_keeper *nl_json_keeper_push(lua_State *L);
void nl_json_keeper_empty(struct nl_json_keeper *keeper);

/* text | nil, message, code = encode(value [, {keys = {...}}]) */
int nl_json_encode(lua_State *L);

/* number(text) and verbatim(text), see lua_json.c. */
int nl_json_number(lua_State *L);
int nl_json_verbatim(lua_State *L);

/* value = copy(value): data only, see lua_json_copy.c. */
int nl_json_copy(lua_State *L);

#endif
