#include "bind/lua_class.h"

#include "base/banned.h"

void nl_lua_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction collect,
                  lua_CFunction close) {
    luaL_newmetatable(L, name); /* mt */
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    if (close) {
        lua_pushcfunction(L, close);
        lua_setfield(L, -2, "__close");
    }
    if (methods) {
        lua_newtable(L); /* mt methods */
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
}
