#include "bind/lua_cluster.h"

#include <limits.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "db/demo.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

#define CLUSTER "nlsql.cluster"

enum { MAX_LIST = 32 };

static nl_cluster *check_cluster(lua_State *L) {
    nl_cluster **cluster = luaL_checkudata(L, 1, CLUSTER);
    luaL_argcheck(L, *cluster, 1, "this cluster is stopped");
    return *cluster;
}

/* Fills `list` with the strings of the table at `at` (nil: none); they stay on the stack. */
static void check_list(lua_State *L, int at, const char *list[MAX_LIST + 1]) {
    lua_Integer n = 0;
    if (!lua_isnoneornil(L, at)) {
        luaL_checktype(L, at, LUA_TTABLE);
        n = (lua_Integer)lua_rawlen(L, at);
        luaL_argcheck(L, n <= MAX_LIST, at, "too many");
        luaL_checkstack(L, (int)n, "too many");
        for (lua_Integer i = 1; i <= n; i++) {
            lua_rawgeti(L, at, i);
            list[i - 1] = luaL_checkstring(L, -1);
        }
    }
    list[n] = NULL;
}

static nl_cluster **push_closed(lua_State *L) {
    nl_cluster **cluster = lua_newuserdatauv(L, sizeof *cluster, 0);
    *cluster = NULL;
    luaL_setmetatable(L, CLUSTER);
    return cluster;
}

/* cluster | nil, message, code = start{bin=, settings={}, database=, files={}}: `database` is there
 * from the start, made from the SQL files and kept for the next start. */
static int l_start(lua_State *L) {
    nl_err err;
    const char *settings[MAX_LIST + 1], *files[MAX_LIST + 1];
    nl_cluster_options options = { .settings = settings, .sql_files = files };
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getfield(L, 1, "bin") != LUA_TNIL)
        options.bin_dir = luaL_checkstring(L, -1);
    if (lua_getfield(L, 1, "database") != LUA_TNIL)
        options.database = luaL_checkstring(L, -1);
    lua_getfield(L, 1, "settings");
    check_list(L, lua_gettop(L), settings);
    lua_getfield(L, 1, "files");
    check_list(L, lua_gettop(L), files);
    nl_cluster **cluster = push_closed(L);
    *cluster = nl_cluster_start(&options, &err);
    return *cluster ? 1 : nl_push_err(L, &err);
}

/* cluster | nil, message, code = demo(): holds the demo database. */
static int l_demo(lua_State *L) {
    nl_err err;
    nl_cluster **cluster = push_closed(L);
    *cluster = nl_demo_start(nl_host_of(L)->share_dir, &err);
    return *cluster ? 1 : nl_push_err(L, &err);
}

static int l_stop(lua_State *L) {
    nl_cluster **cluster = luaL_checkudata(L, 1, CLUSTER);
    nl_cluster_stop(*cluster);
    *cluster = NULL;
    return 0;
}

/* url = cluster:url([database]): by default of the one that was there from the start, or "postgres"
 */
static int l_url(lua_State *L) {
    char url[PATH_MAX];
    nl_cluster *cluster = check_cluster(L);
    if (!nl_cluster_url(cluster, luaL_optstring(L, 2, NULL), url, sizeof url))
        return luaL_argerror(L, 2, "too long");
    lua_pushstring(L, url);
    return 1;
}

/* true | nil, message, code = cluster:create(name [, {sql files}]) */
static int l_create(lua_State *L) {
    nl_err err;
    const char *files[MAX_LIST + 1];
    nl_cluster *cluster = check_cluster(L);
    const char *name = luaL_checkstring(L, 2);
    check_list(L, 3, files);
    if (!nl_cluster_create(cluster, name, files, &err))
        return nl_push_err(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_socket_dir(lua_State *L) {
    lua_pushstring(L, nl_cluster_socket_dir(check_cluster(L)));
    return 1;
}

static int l_bin(lua_State *L) {
    lua_pushstring(L, nl_cluster_bin(check_cluster(L)));
    return 1;
}

int luaopen_nlsql_cluster(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "stop", l_stop },     { "url", l_url },
        { "create", l_create }, { "socket_dir", l_socket_dir },
        { "bin", l_bin },       { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "start", l_start },
        { "demo", l_demo },
        { NULL, NULL },
    };
    nl_lua_class(L, CLUSTER, methods, l_stop, l_stop);
    luaL_newlib(L, functions);
    return 1;
}
