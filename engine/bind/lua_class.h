/* lua_class.h: what the userdata of the bindings have in common. */
#ifndef NL_BIND_LUA_CLASS_H
#define NL_BIND_LUA_CLASS_H

#include <lauxlib.h>

/* Makes metatable `name` of the registry: `methods` (NULL: none) as __index, `collect` as __gc,
 * `close` (NULL: none) as __close. [-0, +0, m] */
void nl_lua_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction collect,
                  lua_CFunction close);

#endif
