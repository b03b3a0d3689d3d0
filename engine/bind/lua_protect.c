#include "bind/lua_protect.h"

#include <lauxlib.h>

#include "data/needles.h"

#include "base/banned.h"

#define SET "nlsql.protect.set"

static nl_needles *check_set(lua_State *L) {
    nl_needles **set = luaL_checkudata(L, 1, SET);
    if (!*set)
        luaL_error(L, "this set was released");
    return *set;
}

/* set = set() */
static int l_set(lua_State *L) {
    nl_needles **set = lua_newuserdatauv(L, sizeof *set, 0);
    *set = NULL;
    luaL_setmetatable(L, SET);
    *set = nl_needles_new();
    return *set ? 1 : luaL_error(L, "not enough memory");
}

/* kept = set:add(value) */
static int l_set_add(lua_State *L) {
    size_t size;
    bool kept;
    nl_err err;
    nl_needles *set = check_set(L);
    const char *value = luaL_checklstring(L, 2, &size);
    if (!nl_needles_add(set, value, size, &kept, &err))
        return luaL_error(L, "%s", err.msg);
    lua_pushboolean(L, kept);
    return 1;
}

/* set:exempt(text) */
static int l_set_exempt(lua_State *L) {
    size_t size;
    nl_err err;
    nl_needles *set = check_set(L);
    const char *text = luaL_checklstring(L, 2, &size);
    return nl_needles_exempt(set, text, size, &err) ? 0 : luaL_error(L, "%s", err.msg);
}

/* value | nil = set:find(text). Memory that runs out raises: what could not be searched is not
 * clean. */
static int l_set_find(lua_State *L) {
    size_t size;
    nl_needle_hit hit;
    nl_err err;
    nl_needles *set = check_set(L);
    const char *text = luaL_checklstring(L, 2, &size);
    if (!nl_needles_find(set, text, size, &hit, &err))
        return luaL_error(L, "%s", err.msg);
    if (!hit.value) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushlstring(L, hit.value, hit.size);
    lua_pushlstring(L, hit.found, hit.found_size);
    return 2;
}

static int l_set_count(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)nl_needles_count(check_set(L)));
    return 1;
}

static int l_set_collect(lua_State *L) {
    nl_needles **set = luaL_checkudata(L, 1, SET);
    nl_needles_free(*set);
    *set = NULL;
    return 0;
}

int luaopen_nlsql_protect(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "add", l_set_add },
        { "exempt", l_set_exempt },
        { "find", l_set_find },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "set", l_set },
        { NULL, NULL },
    };
    luaL_newmetatable(L, SET);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_set_count);
    lua_setfield(L, -2, "__len");
    lua_pushcfunction(L, l_set_collect);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "set"); /* what getmetatable gives: __gc is not a script's to call */
    lua_setfield(L, -2, "__metatable");
    luaL_newlib(L, functions);
    return 1;
}
