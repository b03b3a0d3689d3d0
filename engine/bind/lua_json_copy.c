/* lua_json_copy.c: Lua values as data, copied: what passes between the library and a stranger's
 * code. Nothing runs when a value is looked at: no metamethod, no key of its maker's own kind. */
#include <lauxlib.h>

#include "bind/lua_json.h"
#include "bind/lua_json_priv.h"

#include "base/banned.h"

enum { MOST_DEPTH = 100, MOST_VALUES = 2000000, SLOTS = 8 };

struct copier {
    lua_State *L;
    int depth, values;
    int array, number, verbatim, null; /* where the marks are on the stack */
};

static void copy(struct copier *c, int at);

/* A text that keeps its mark is checked again: its maker may have put another in its place. */
static void copy_marked(const struct copier *c, int at, lua_CFunction make) {
    lua_pushcfunction(c->L, make);
    lua_rawgeti(c->L, at, 1);
    lua_call(c->L, 1, 1);
}

static bool is_key(int type) {
    return type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN;
}

/* Copies the members of the table at `at` to the one on top of the stack. */
static void copy_members(struct copier *c, int at) {
    lua_State *L = c->L;
    int out = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, at)) { /* out key member */
        if (is_key(lua_type(L, -2))) {
            copy(c, lua_gettop(L)); /* out key member copy */
            lua_pushvalue(L, -3);
            lua_insert(L, -2); /* out key member key copy */
            lua_rawset(L, out);
        }
        lua_pop(L, 1);
    }
}

static void copy_table(struct copier *c, int at) {
    lua_State *L = c->L;
    bool array = false;
    if (lua_getmetatable(L, at)) {
        bool number = lua_rawequal(L, -1, c->number), verbatim = lua_rawequal(L, -1, c->verbatim);
        array = lua_rawequal(L, -1, c->array);
        lua_pop(L, 1);
        if (number || verbatim) {
            copy_marked(c, at, number ? nl_json_number : nl_json_verbatim);
            return;
        }
    }
    if (c->depth >= MOST_DEPTH)
        luaL_error(L, "tables are nested too deep, or hold themselves");
    c->depth++;
    lua_createtable(L, 0, 0);
    copy_members(c, at);
    c->depth--;
    if (array)
        nl_mark_json_array(L);
}

/* Pushes a copy of the value at `at`, an absolute index; nil for what is no data. */
static void copy(struct copier *c, int at) {
    lua_State *L = c->L;
    luaL_checkstack(L, SLOTS, "tables nested too deep");
    if (++c->values > MOST_VALUES)
        luaL_error(L, "more than %d values in one table", MOST_VALUES);
    int type = lua_type(L, at);
    if (type == LUA_TTABLE)
        copy_table(c, at);
    else if (is_key(type) || lua_rawequal(L, at, c->null))
        lua_pushvalue(L, at);
    else
        lua_pushnil(L);
}

/* value = copy(value) */
int nl_json_copy(lua_State *L) {
    struct copier c = { .L = L, .array = 2, .number = 3, .verbatim = 4, .null = 5 };
    lua_settop(L, 1);
    if (is_key(lua_type(L, 1)))
        return 1;
    luaL_getmetatable(L, NL_JSON_ARRAY_MARK);
    luaL_getmetatable(L, NL_JSON_NUMBER_MARK);
    luaL_getmetatable(L, NL_JSON_VERBATIM_MARK);
    nl_push_json_null(L);
    copy(&c, 1);
    return 1;
}
