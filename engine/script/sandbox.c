/* sandbox.c: the globals of a script that is not trusted.
 *
 * An allow-list. What is missing on purpose: io, debug, package, dofile, loadfile, coroutine, most
 * of os, string.dump, finalizers (__gc), and bytecode. Guests do not see the metatables of the
 * engine's objects either: a method that was changed there would be changed for the library. */
#include <string.h>

#include <lauxlib.h>

#include "script/vm.h"

#include "base/banned.h"

/* print(...): to the log, since standard output is for data. */
static int l_print(lua_State *L) {
    int n = lua_gettop(L);
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&line, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    nl_vm_say(nl_vm_of(L), NL_INFO, text, size);
    return 0;
}

/* setmetatable, but for __gc, whose functions no deadline reaches. */
static int l_setmetatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "a script's metatable cannot have __gc");
        lua_pop(L, 1);
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* getmetatable of guests: of tables only. */
static int l_getmetatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_istable(L, 1)) {
        if (!lua_getmetatable(L, 1)) {
            lua_pushnil(L);
            return 1;
        }
        luaL_getmetafield(L, 1, "__metatable");
        return 1; /* that, or else the metatable */
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TSTRING)
        lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

static const char *next_piece(lua_State *L, void *ctx, size_t *size) {
    (void)ctx;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        *size = 0;
        return NULL;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "reader function must return a string");
    lua_replace(L, 5);
    return lua_tolstring(L, 5, size);
}

/* load(chunk [, name [, mode [, env]]]): text only, in the sandbox unless told otherwise. */
static int l_load(lua_State *L) {
    const char *name = luaL_optstring(L, 2, "=(load)");
    int status;
    lua_settop(L, 4);
    if (lua_isnil(L, 4)) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_replace(L, 4);
    }
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t size;
        const char *text = lua_tolstring(L, 1, &size);
        status = luaL_loadbufferx(L, text, size, name, "t");
    } else {
        luaL_checktype(L, 1, LUA_TFUNCTION);
        lua_pushnil(L); /* slot 5 keeps the piece alive */
        status = lua_load(L, next_piece, NULL, name, "t");
    }
    if (status != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushvalue(L, 4);
    if (!lua_setupvalue(L, -2, 1))
        lua_pop(L, 1);
    return 1;
}

/* kilobytes = collectgarbage("count"): nothing else. */
static int l_collectgarbage(lua_State *L) {
    const char *what = luaL_optstring(L, 1, "count");
    if (strcmp(what, "count") != 0)
        return luaL_error(L, "a script can only collectgarbage(\"count\")");
    lua_pushnumber(L,
                   (lua_Number)lua_gc(L, LUA_GCCOUNT) + (lua_Number)lua_gc(L, LUA_GCCOUNTB) / 1024);
    return 1;
}

/* Copies the listed fields of the table at the top into the new table below it. */
static void copy_fields(lua_State *L, const char *const *names) {
    for (; *names; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
}

/* sandbox → sandbox, with a copy of library `name` less `without` */
static void copy_library(lua_State *L, const char *name, const char *without) {
    lua_newtable(L);        /* env copy */
    lua_getglobal(L, name); /* env copy lib */
    lua_pushnil(L);
    while (lua_next(L, -2)) { /* env copy lib k v */
        lua_pushvalue(L, -2);
        lua_insert(L, -2); /* env copy lib k k v */
        if (without && strcmp(lua_tostring(L, -2), without) == 0)
            lua_pop(L, 2);
        else
            lua_settable(L, -5);
    }
    lua_pop(L, 1);             /* env copy */
    lua_setfield(L, -2, name); /* env */
}

void nl_sandbox_push(lua_State *L, bool guest) {
    static const char *const plain[] = {
        "assert",   "error",    "getmetatable", "ipairs", "next",     "pairs",
        "pcall",    "rawequal", "rawget",       "rawlen", "rawset",   "select",
        "tonumber", "tostring", "type",         "xpcall", "_VERSION", NULL,
    };
    static const char *const time[] = { "clock", "date", "difftime", "time", NULL };
    static const luaL_Reg own[] = {
        { "print", l_print },
        { "setmetatable", l_setmetatable },
        { "collectgarbage", l_collectgarbage },
        { NULL, NULL },
    };
    lua_newtable(L); /* env */
    lua_pushglobaltable(L);
    copy_fields(L, plain);
    lua_pop(L, 1);
    luaL_setfuncs(L, own, 0);
    if (guest) {
        lua_pushcfunction(L, l_getmetatable);
        lua_setfield(L, -2, "getmetatable");
    }
    lua_pushboolean(L, guest);
    lua_pushcclosure(L, nl_loader_require, 1);
    lua_setfield(L, -2, "require");
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, l_load, 1);
    lua_setfield(L, -2, "load");
    copy_library(L, "string", "dump");
    copy_library(L, "table", NULL);
    copy_library(L, "math", NULL);
    copy_library(L, "utf8", NULL);
    lua_newtable(L); /* env os */
    lua_getglobal(L, "os");
    copy_fields(L, time);
    lua_pop(L, 1);
    lua_setfield(L, -2, "os"); /* env */
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
}

void nl_sandbox_shut_strings(lua_State *L) {
    lua_newtable(L); /* env */
    copy_library(L, "string", "dump");
    lua_pushliteral(L, "");
    if (lua_getmetatable(L, -1)) { /* env "" mt */
        lua_getfield(L, -3, "string");
        lua_setfield(L, -2, "__index");
        lua_pushliteral(L, "string");
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
    }
    lua_pop(L, 2); /* */
}
