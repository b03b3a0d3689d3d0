#include "bind/lua_files.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/buf.h"
#include "script/job.h"
#include "script/vm.h"

#include "base/banned.h"

enum { MAX_TEXT = 16 << 20 };

static const char *const kinds[] = { "phases", "prompts", "scripts", NULL };

/* Is the real path `path` below the real path of `dir`? */
static bool below(const char *path, const char *dir) {
    char root[PATH_MAX];
    if (!dir || !realpath(dir, root))
        return false;
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && (path[n] == '/' || strcmp(root, "/") == 0);
}

/* A hidden file (.env) is never for scripts. */
static bool hidden(const char *path) {
    return strstr(path, "/.") != NULL;
}

/* Pushes DIR/KIND/NAME where that is a readable file. */
static bool push_found(lua_State *L, const char *dir, const char *kind, const char *name) {
    if (!dir)
        return false;
    lua_pushfstring(L, "%s/%s/%s", dir, kind, name);
    if (access(lua_tostring(L, -1), R_OK) == 0)
        return true;
    lua_pop(L, 1);
    return false;
}

/* path | nil = find(kind, name): the project's own first, then the shipped one. */
static int l_find(lua_State *L) {
    const char *kind = kinds[luaL_checkoption(L, 1, NULL, kinds)];
    const char *name = luaL_checkstring(L, 2);
    const nl_host *host = nl_host_of(L);
    luaL_argcheck(L, !strstr(name, "..") && name[0] != '/', 2, "a plain name was expected");
    return push_found(L, host->project_dir, kind, name) ||
           push_found(L, host->share_dir, kind, name);
}

static int push_text(lua_State *L) {
    const nl_buf *text = lua_touserdata(L, 1);
    lua_pushlstring(L, text->data, text->size);
    return 1;
}

/* May scripts read `path`? Then its absolute path without links is in `real`. */
static bool may_read(lua_State *L, const char *path, char real[PATH_MAX], nl_err *err) {
    const nl_host *host = nl_host_of(L);
    const char *own = nl_vm_own_file(nl_vm_of(L));
    bool trusted = nl_vm_is_trusted(nl_vm_of(L));
    if (!realpath(path, real)) {
        nl_err_errno(err, "cannot read %s", path);
        err->code = NL_NOTFOUND;
        return false;
    }
    if (trusted || (own && strcmp(real, own) == 0))
        return true;
    if (hidden(real + strspn(real, "/")) ||
        (!below(real, host->project_dir) && !below(real, host->share_dir)))
        return nl_err_set(err, NL_INVALID, "%s is outside the folders that scripts may read", path);
    return true;
}

/* text | nil, message, code = read(path) */
static int l_read(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    char real[PATH_MAX];
    nl_err err = { .code = NL_OK };
    nl_buf text;

    nl_buf_init(&text);
    if (!may_read(L, path, real, &err))
        return nl_push_err(L, &err);
    bool ok = nl_buf_read_file(&text, real, MAX_TEXT, &err);
    lua_pushcfunction(L, push_text);
    lua_pushlightuserdata(L, &text);
    int status =
        ok ? lua_pcall(L, 1, 1, 0) : LUA_OK; /* protected: the bytes are freed either way */
    nl_buf_release(&text);
    if (!ok)
        return nl_push_err(L, &err);
    return status == LUA_OK ? 1 : lua_error(L);
}

static int load_chunk(lua_State *L, bool guest) {
    const char *path = luaL_checkstring(L, 1);
    const char *shown = luaL_optstring(L, 2, path);
    nl_vm *vm = nl_vm_of(L);
    char real[PATH_MAX];
    nl_err err = { .code = NL_OK };
    if (!may_read(L, path, real, &err) ||
        !(guest ? nl_vm_load_guest : nl_vm_load_file)(vm, real, shown, &err))
        return nl_push_err(L, &err);
    if (nl_vm_lua(vm) != L)
        lua_xmove(nl_vm_lua(vm), L, 1);
    return 1;
}

/* chunk | nil, message, code = load(path [, shown]): a Lua file that scripts may read, as text in
 * this state's environment; messages call it `shown`. */
static int l_load(lua_State *L) {
    return load_chunk(L, false);
}

/* chunk | nil, message, code = phase(path [, shown]): the same in the environment of guests. Any
 * file, where a trusted script asks. */
static int l_phase(lua_State *L) {
    return load_chunk(L, true);
}

/* n = forget(): the next `require` of each module of scripts/ reads its file again. What a script
 * holds of a module already stays as it is: it has to require it anew. */
static int l_forget(lua_State *L) {
    lua_pushinteger(L, nl_loader_forget(L));
    return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* What scandir found, in a userdata: Lua may raise while the names are taken over. */
struct listing {
    struct dirent **entries;
    int n;
};

static int free_listing(lua_State *L) {
    struct listing *listing = lua_touserdata(L, 1);
    for (int i = 0; i < listing->n; i++)
        free(listing->entries[i]);
    free(listing->entries);
    *listing = (struct listing){ 0 };
    return 0;
}

static struct listing *push_listing(lua_State *L) {
    struct listing *listing = lua_newuserdatauv(L, sizeof *listing, 0);
    *listing = (struct listing){ 0 };
    if (luaL_newmetatable(L, "nlsql.listing")) {
        lua_pushcfunction(L, free_listing);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return listing;
}

/* names seen → names seen */
static void add_names(lua_State *L, const char *dir, const char *kind) {
    int names = lua_gettop(L) - 1, seen = names + 1;
    const char *path = lua_pushfstring(L, "%s/%s", dir, kind);
    struct listing *listing = push_listing(L);
    int n = scandir(path, &listing->entries, NULL, by_name);
    listing->n = n > 0 ? n : 0;
    for (int i = 0; i < listing->n; i++) {
        const char *name = listing->entries[i]->d_name;
        if (name[0] == '.')
            continue;
        if (lua_getfield(L, seen, name) == LUA_TNIL) {
            lua_pushstring(L, name);
            lua_rawseti(L, names, (lua_Integer)lua_rawlen(L, names) + 1);
            lua_pushboolean(L, 1);
            lua_setfield(L, seen, name);
        }
        lua_pop(L, 1);
    }
    lua_pushcfunction(L, free_listing);
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    lua_settop(L, seen);
}

/* names = list(kind): file names, the project's own and the shipped ones, each once. */
static int l_list(lua_State *L) {
    const char *kind = kinds[luaL_checkoption(L, 1, NULL, kinds)];
    const nl_host *host = nl_host_of(L);
    lua_settop(L, 1);
    lua_newtable(L); /* kind names */
    lua_newtable(L); /* kind names seen */
    if (host->project_dir)
        add_names(L, host->project_dir, kind);
    if (host->share_dir)
        add_names(L, host->share_dir, kind);
    lua_pop(L, 1);
    return 1;
}

int luaopen_nlsql_files(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "find", l_find }, { "read", l_read },     { "load", l_load }, { "phase", l_phase },
        { "list", l_list }, { "forget", l_forget }, { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
