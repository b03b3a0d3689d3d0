#include "bind/lua_protect.h"

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "data/needles.h"
#include "script/vm.h"

#include "base/banned.h"

#define SET "nlsql.protect.set"

enum { EMPTY_ROOM = 8192, FIND_ROOM = 6 };

/* The set's memory is not Lua's, but counts as the script's. */
struct set {
    nl_needles *needles; /* NULL: released */
    size_t charged;
};

static struct set *check_set(lua_State *L) {
    struct set *set = luaL_checkudata(L, 1, SET);
    if (!set->needles)
        luaL_error(L, "this set was released");
    return set;
}

/* set = set() */
static int l_set(lua_State *L) {
    struct set *set = lua_newuserdatauv(L, sizeof *set, 0);
    *set = (struct set){ 0 };
    luaL_setmetatable(L, SET);
    nl_vm_charge(L, EMPTY_ROOM);
    set->charged = EMPTY_ROOM;
    set->needles = nl_needles_new();
    return set->needles ? 1 : luaL_error(L, "not enough memory");
}

/* Takes the memory before it is needed: what cannot be looked for must not be shown, so that this
 * raises. */
static void charge(lua_State *L, struct set *set, size_t bytes) {
    if (!nl_vm_try_charge(L, bytes)) {
        lua_pushliteral(L, "not enough memory for the values that must not leave: nothing goes out "
                           "(phase_memory in config.yaml allows more)");
        lua_error(L);
    }
    set->charged += bytes;
}

static void discharge(lua_State *L, struct set *set, size_t bytes) {
    nl_vm_charge(L, -(ptrdiff_t)bytes);
    set->charged -= bytes;
}

/* kept = set:add(value) */
static int l_set_add(lua_State *L) {
    size_t size;
    bool kept;
    nl_err err;
    struct set *set = check_set(L);
    const char *value = luaL_checklstring(L, 2, &size);
    size_t before = nl_needles_count(set->needles), cost = nl_needles_cost(size);
    charge(L, set, cost);
    if (!nl_needles_add(set->needles, value, size, &kept, &err))
        return luaL_error(L, "%s", err.msg);
    if (nl_needles_count(set->needles) == before)
        discharge(L, set, cost);
    lua_pushboolean(L, kept);
    return 1;
}

/* set:exempt(text) */
static int l_set_exempt(lua_State *L) {
    size_t size;
    nl_err err;
    struct set *set = check_set(L);
    const char *text = luaL_checklstring(L, 2, &size);
    charge(L, set, nl_needles_exempt_cost(size));
    return nl_needles_exempt(set->needles, text, size, &err) ? 0 : luaL_error(L, "%s", err.msg);
}

/* value | nil = set:find(text). Memory that runs out raises: what could not be searched is not
 * clean. */
static int l_set_find(lua_State *L) {
    size_t size;
    nl_needle_hit hit;
    nl_err err;
    struct set *set = check_set(L);
    const char *text = luaL_checklstring(L, 2, &size);
    size_t room = FIND_ROOM * size; /* for the other spellings that are read */
    charge(L, set, room);
    bool searched = nl_needles_find(set->needles, text, size, &hit, &err);
    discharge(L, set, room);
    if (!searched)
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
    lua_pushinteger(L, (lua_Integer)nl_needles_count(check_set(L)->needles));
    return 1;
}

static int l_set_collect(lua_State *L) {
    struct set *set = luaL_checkudata(L, 1, SET);
    nl_needles_free(set->needles);
    set->needles = NULL;
    discharge(L, set, set->charged);
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
    nl_lua_class(L, SET, methods, l_set_collect, NULL);
    luaL_getmetatable(L, SET);
    lua_pushcfunction(L, l_set_count);
    lua_setfield(L, -2, "__len");
    lua_pushliteral(L, "set"); /* what getmetatable gives: __gc is not a script's to call */
    lua_setfield(L, -2, "__metatable");
    luaL_newlib(L, functions);
    return 1;
}
