/* loader.c: where `require` looks.
 *
 * In a sandboxed state: the engine's own modules, then NAME.lua (dots are folders) in the project's
 * scripts/ and the shipped one, each loaded as text in the sandbox's environment; and cjson. In a
 * trusted state the same places are put before Lua's usual ones. */
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>
#include <unistd.h>

#include "base/buf.h"
#include "script/vm.h"

#include "base/banned.h"

/* Registry: modules that the sandbox has loaded, and those that guests have. */
static const char loaded_key, guest_key;

#define TRUST "--trust gives your own phases all of it"

static bool plain_name(const char *name) {
    return name[0] && !strstr(name, "..") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_.-") == strlen(name);
}

static int push_loaded(lua_State *L, bool guest) {
    const void *key = guest ? &guest_key : &loaded_key;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    }
    return lua_gettop(L);
}

/* Pushes the function that makes engine module `name`; false (nothing pushed) where none does. */
static bool push_native(lua_State *L, const char *name, bool guest) {
    nl_vm *vm = nl_vm_of(L);
    bool known = false;
    for (const nl_vm_module *m = nl_vm_modules(vm); m->name; m++) {
        if (strcmp(m->name, name) != 0)
            continue;
        known = true;
        if (guest
                ? m->whom == NL_FOR_LIBRARY || m->whom == NL_FOR_TRUSTED
                : m->whom == NL_FOR_GUESTS || (m->whom == NL_FOR_TRUSTED && !nl_vm_is_trusted(vm)))
            continue;
        lua_pushcfunction(L, m->open);
        return true;
    }
    if (known && guest)
        luaL_error(L, "module '%s' is not for phases, which may come from strangers (" TRUST ")",
                   name);
    if (known)
        luaL_error(L, "module '%s' is for trusted scripts only", name);
    return false;
}

/* Pushes the path of scripts/NAME.lua in `dir`; false (nothing pushed) where there is no such file.
 */
static bool push_path(lua_State *L, const char *dir, const char *name) {
    if (!dir)
        return false;
    const char *relative = luaL_gsub(L, name, ".", "/"); /* relative */
    const char *path = lua_pushfstring(L, "%s/scripts/%s.lua", dir, relative);
    lua_remove(L, -2); /* path */
    if (access(path, F_OK) == 0)
        return true;
    lua_pop(L, 1);
    return false;
}

/* Pushes the loaded chunk of scripts/NAME.lua from `dir`; false where there is no such file. */
static bool push_script(lua_State *L, const char *dir, const char *name, bool guest) {
    nl_err err;
    if (!push_path(L, dir, name))
        return false;
    const char *path = lua_tostring(L, -1);
    const char *shown = path + strlen(dir) + 1;
    nl_vm *vm = nl_vm_of(L);
    if (!(guest ? nl_vm_load_guest : nl_vm_load_file)(vm, path, shown, &err))
        luaL_error(L, "%s", err.msg);
    lua_State *main = nl_vm_lua(nl_vm_of(L));
    if (main != L)
        lua_xmove(main, L, 1);
    return true;
}

static void push_module(lua_State *L, const char *name, bool guest) {
    const nl_host *host = nl_host_of(L);
    if (push_native(L, name, guest))
        return;
    if (strcmp(name, "cjson") == 0 || strcmp(name, "cjson.safe") == 0) {
        if (guest) /* its buffers are outside of Lua's memory: no cap holds for them */
            luaL_error(L, "module '%s' is not for phases: nlsql.json serves (" TRUST ")", name);
        lua_getglobal(L, "require");
        return;
    }
    if (!plain_name(name))
        luaL_error(L, "'%s' cannot be the name of a module%s", name, guest ? " (" TRUST ")" : "");
    if (push_script(L, host->project_dir, name, guest) ||
        push_script(L, host->share_dir, name, guest))
        return;
    luaL_error(L, "module '%s' not found in scripts/ (of the project folder or as shipped)%s", name,
               guest ? "; " TRUST : "");
}

int nl_loader_require(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    bool guest = lua_toboolean(L, lua_upvalueindex(1));
    lua_settop(L, 1);
    int loaded = push_loaded(L, guest); /* name loaded */
    if (lua_getfield(L, loaded, name) == LUA_TBOOLEAN)
        return luaL_error(L, "module '%s' requires itself", name);
    if (!lua_isnil(L, -1))
        return 1;
    lua_pop(L, 1);
    push_module(L, name, guest); /* name loaded … f */
    lua_pushboolean(L, 1);
    lua_setfield(L, loaded, name);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) { /* … result|error */
        lua_pushnil(L);
        lua_setfield(L, loaded, name);
        return lua_error(L);
    }
    if (lua_isnil(L, -1))
        return luaL_error(L, "module '%s' returned nothing", name);
    lua_pushvalue(L, -1);
    lua_setfield(L, loaded, name);
    return 1;
}

static bool is_native(lua_State *L, const char *name) {
    for (const nl_vm_module *m = nl_vm_modules(nl_vm_of(L)); m->name; m++) {
        if (strcmp(m->name, name) == 0)
            return true;
    }
    return strcmp(name, "cjson") == 0 || strcmp(name, "cjson.safe") == 0;
}

/* Is there scripts/NAME.lua? Then a trusted state has it from there: these places come first. */
static bool is_script(lua_State *L, const char *name) {
    const nl_host *host = nl_host_of(L);
    if (!plain_name(name) ||
        (!push_path(L, host->project_dir, name) && !push_path(L, host->share_dir, name)))
        return false;
    lua_pop(L, 1);
    return true;
}

/* Forgets what is in the table at the top, and takes that off. [-1, +0, m] */
static int forget(lua_State *L, bool only_scripts) {
    int loaded = lua_gettop(L), n = 0;
    lua_pushnil(L);
    while (lua_next(L, loaded)) { /* loaded name module */
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        bool done = lua_type(L, -1) != LUA_TBOOLEAN; /* else its file is running just now */
        lua_pop(L, 1);
        if (!name || !done || is_native(L, name) || (only_scripts && !is_script(L, name)))
            continue;
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, loaded); /* clearing a field is fine while it is traversed */
        n++;
    }
    lua_pop(L, 1);
    return n;
}

int nl_loader_forget(lua_State *L) {
    bool trusted = nl_vm_is_trusted(nl_vm_of(L));
    push_loaded(L, true);
    forget(L, false); /* the same files, and none that the library does not have */
    if (trusted)
        luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    else
        push_loaded(L, false);
    return forget(L, trusted);
}

void nl_loader_extend(lua_State *L) {
    const nl_host *host = nl_host_of(L);
    const char *dirs[] = { host->project_dir, host->share_dir };

    lua_getglobal(L, "package"); /* package */
    lua_getfield(L, -1, "preload");
    for (const nl_vm_module *m = nl_vm_modules(nl_vm_of(L)); m->name; m++) {
        if (m->whom == NL_FOR_GUESTS)
            continue;
        lua_pushcfunction(L, m->open);
        lua_setfield(L, -2, m->name);
    }
    lua_pop(L, 1); /* package */
    lua_getfield(L, -1, "path");
    lua_pushliteral(L, "");
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        if (!dirs[i])
            continue;
        lua_pushfstring(L, "%s/scripts/?.lua;", dirs[i]);
        lua_concat(L, 2);
    }
    lua_insert(L, -2); /* package ours theirs */
    lua_concat(L, 2);
    lua_setfield(L, -2, "path");
    lua_pop(L, 1);
}
