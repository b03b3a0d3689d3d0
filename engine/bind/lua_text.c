#include "bind/lua_text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>

#include "base/edit.h"
#include "bind/lua_class.h"
#include "data/dedup.h"
#include "data/json.h"
#include "script/vm.h"

#include "base/banned.h"

#define SET "nlsql.text.set"

enum { KEY_BYTES = 16, KEY_ROOM = 48 }; /* bytes of a key, and what one takes in a set at most */

static int push_key(lua_State *L, nl_key key) {
    lua_pushlstring(L, (const char *)&key, KEY_BYTES);
    return 1;
}

static nl_key check_key(lua_State *L, int arg) {
    size_t size;
    nl_key key;
    const char *bytes = luaL_checklstring(L, arg, &size);
    luaL_argcheck(L, size == KEY_BYTES, arg, "expected a key of 16 bytes");
    memcpy(&key, bytes, KEY_BYTES);
    return key;
}

/* key = key(text): 16 bytes, XXH3 of the text. */
static int l_key(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    return push_key(L, nl_key_of(text, size));
}

/* key = question_key(text): the same for questions that ask the same in the same words. */
static int l_question_key(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    return push_key(L, nl_key_of_question(text, size));
}

/* digits = hex(key) */
static int l_hex(lua_State *L) {
    char hex[33];
    nl_key_hex(check_key(L, 1), hex);
    lua_pushlstring(L, hex, 32);
    return 1;
}

/* --- sets --------------------------------------------------------------------------------- */

static nl_dedup *check_set(lua_State *L) {
    nl_dedup **set = luaL_checkudata(L, 1, SET);
    if (!*set)
        luaL_error(L, "this set was released");
    return *set;
}

static int l_set(lua_State *L) {
    nl_dedup **set = lua_newuserdatauv(L, sizeof *set, 0);
    *set = NULL;
    luaL_setmetatable(L, SET);
    *set = nl_dedup_new(0);
    return *set ? 1 : luaL_error(L, "not enough memory");
}

/* fresh = set:add(key) */
static int l_set_add(lua_State *L) {
    nl_err err;
    bool fresh;
    nl_dedup *set = check_set(L);
    nl_key key = check_key(L, 2);
    nl_vm_charge(L, KEY_ROOM);
    if (!nl_dedup_add(set, key, &fresh, &err)) {
        nl_vm_charge(L, -KEY_ROOM);
        return luaL_error(L, "%s", err.msg);
    }
    if (!fresh)
        nl_vm_charge(L, -KEY_ROOM);
    lua_pushboolean(L, fresh);
    return 1;
}

/* boolean = set:has(key) */
static int l_set_has(lua_State *L) {
    nl_dedup *set = check_set(L);
    lua_pushboolean(L, nl_dedup_has(set, check_key(L, 2)));
    return 1;
}

static int l_set_count(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)nl_dedup_count(check_set(L)));
    return 1;
}

static int l_set_collect(lua_State *L) {
    nl_dedup **set = luaL_checkudata(L, 1, SET);
    if (*set)
        nl_vm_charge(L, -(ptrdiff_t)(nl_dedup_count(*set) * KEY_ROOM));
    nl_dedup_free(*set);
    *set = NULL;
    return 0;
}

/* --- UTF-8 -------------------------------------------------------------------------------- */

/* boolean = valid_utf8(text) */
static int l_valid_utf8(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    lua_pushboolean(L, nl_utf8_valid(text, size));
    return 1;
}

/* Bytes of the valid character at text, 0 where there is none. */
static size_t character(const char *text, size_t size) {
    for (size_t n = 1; n <= 4 && n <= size; n++) {
        if (nl_utf8_valid(text, n))
            return n;
    }
    return 0;
}

/* text = clean_utf8(text): each byte that is no part of a character becomes U+FFFD. */
static int l_clean_utf8(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    luaL_Buffer out;
    if (nl_utf8_valid(text, size)) {
        lua_settop(L, 1);
        return 1;
    }
    luaL_buffinit(L, &out);
    for (size_t i = 0; i < size;) {
        size_t n = character(text + i, size - i);
        if (n > 0)
            luaL_addlstring(&out, text + i, n);
        else
            luaL_addlstring(&out, "\xEF\xBF\xBD", 3);
        i += n ? n : 1;
    }
    luaL_pushresult(&out);
    return 1;
}

/* --- nearest names ------------------------------------------------------------------------- */

/* name | nil = nearest(word, names): at most a third of the word (but two edits) away. */
static int l_nearest(lua_State *L) {
    size_t size;
    const char *word = luaL_checklstring(L, 1, &size);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2), best = 0;
    size_t least = (size < 6 ? 2 : size / 3) + 1;
    for (lua_Integer i = 1; i <= n; i++) {
        size_t other_size;
        lua_rawgeti(L, 2, i);
        const char *other = lua_tolstring(L, -1, &other_size);
        size_t d = other ? nl_edit_distance(word, size, other, other_size) : least;
        lua_pop(L, 1);
        if (d < least && d < size) {
            least = d;
            best = i;
        }
    }
    if (best)
        lua_rawgeti(L, 2, best);
    else
        lua_pushnil(L);
    return 1;
}

int luaopen_nlsql_text(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "add", l_set_add },
        { "has", l_set_has },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "key", l_key },
        { "question_key", l_question_key },
        { "hex", l_hex },
        { "set", l_set },
        { "valid_utf8", l_valid_utf8 },
        { "clean_utf8", l_clean_utf8 },
        { "nearest", l_nearest },
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
