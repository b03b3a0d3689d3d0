#include "bind/lua_watch.h"

#include <sys/stat.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "io/watch.h"
#include "script/job.h"
#include "script/vm.h"

#include "base/banned.h"

#define WATCH "nlsql.watch"

struct watch {
    nl_folder_watch *folders; /* NULL: closed */
    nl_host *host;
    nl_job *job; /* that waits; NULL: none */
    nl_timer *timer;
    nl_on_stop on_stop;
    bool late;
    double seconds;
};

static struct watch *check_watch(lua_State *L) {
    struct watch *watch = luaL_checkudata(L, 1, WATCH);
    luaL_argcheck(L, watch->folders, 1, "this watch was closed");
    return watch;
}

static void stop_waiting(void *op) {
    struct watch *watch = op;
    nl_timer_stop(watch->timer);
    watch->timer = NULL;
    nl_host_off_stop(watch->host, &watch->on_stop);
    watch->job = NULL;
}

static void wake(void *ctx) {
    struct watch *watch = ctx;
    nl_job *job = watch->job;
    if (!job)
        return;
    stop_waiting(watch);
    nl_job_wake(job);
}

static void on_late(void *ctx) {
    ((struct watch *)ctx)->late = true;
    wake(ctx);
}

static void release(struct watch *watch) {
    stop_waiting(watch);
    nl_folder_watch_free(watch->folders);
    watch->folders = NULL;
}

/* --- opening -------------------------------------------------------------------------------- */

/* Adds DIR/KIND for the kinds of files that a user edits. */
static bool add_kinds(lua_State *L, nl_folder_watch *folders, const char *dir, nl_err *err) {
    static const char *const kinds[] = { "phases", "prompts", "scripts" };
    bool ok = true;
    for (size_t i = 0; dir && i < sizeof kinds / sizeof *kinds && ok; i++) {
        const char *path = lua_pushfstring(L, "%s/%s", dir, kinds[i]);
        ok = nl_folder_watch_add(folders, path, NL_WATCH_TREE, err);
        lua_pop(L, 1);
    }
    return ok;
}

static bool add_usual(lua_State *L, nl_folder_watch *folders, nl_err *err) {
    const nl_host *host = nl_host_of(L);
    const char *own = nl_vm_own_file(nl_vm_of(L));
    if (!add_kinds(L, folders, host->project_dir, err) ||
        !add_kinds(L, folders, host->share_dir, err))
        return false;
    if (own && !nl_folder_watch_add_file(folders, own, err))
        return false;
    if (!host->project_dir)
        return true;
    const char *config = lua_pushfstring(L, "%s/config.yaml", host->project_dir);
    bool ok = nl_folder_watch_add_file(folders, config, err);
    lua_pop(L, 1);
    return ok;
}

/* The folders and files of the list in argument 1, whose elements were checked. */
static bool add_listed(lua_State *L, nl_folder_watch *folders, nl_err *err) {
    bool ok = true;
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    for (lua_Integer i = 1; ok && i <= n; i++) {
        lua_rawgeti(L, 1, i);
        const char *path = lua_tostring(L, -1);
        struct stat is;
        if (stat(path, &is) == 0 && S_ISREG(is.st_mode))
            ok = nl_folder_watch_add_file(folders, path, err);
        else
            ok = nl_folder_watch_add(folders, path, NL_WATCH_TREE, err);
        lua_pop(L, 1);
    }
    return ok;
}

/* w | nil, message, code = open([list]): the folders that scripts are read from, of the project and
 * as shipped, this state's phase and config.yaml; where trusted also any list of folders (with
 * those below them) and files. */
static int l_open(lua_State *L) {
    nl_err err = { .code = NL_OK };
    bool listed = !lua_isnoneornil(L, 1);
    if (listed) {
        luaL_checktype(L, 1, LUA_TTABLE);
        luaL_argcheck(L, nl_vm_is_trusted(nl_vm_of(L)), 1,
                      "only a trusted script chooses what is watched");
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 1); i++) {
            int type = lua_rawgeti(L, 1, i);
            lua_pop(L, 1);
            luaL_argcheck(L, type == LUA_TSTRING, 1, "expected a list of paths");
        }
    }
    lua_settop(L, 1);
    struct watch *watch = lua_newuserdatauv(L, sizeof *watch, 0); /* list watch */
    *watch = (struct watch){ .host = nl_host_of(L), .on_stop = { .fn = wake, .ctx = watch } };
    luaL_setmetatable(L, WATCH);
    watch->folders = nl_folder_watch_new(nl_host_loop(L), wake, watch, &err);
    if (!watch->folders ||
        !(listed ? add_listed(L, watch->folders, &err) : add_usual(L, watch->folders, &err))) {
        release(watch);
        return nl_push_err(L, &err);
    }
    return 1;
}

/* --- waiting -------------------------------------------------------------------------------- */

static int push_paths(lua_State *L, void *op) {
    struct watch *watch = op;
    const char *path;
    nl_err err;
    if (watch->folders && nl_folder_watch_path(watch->folders, 0)) {
        lua_newtable(L); /* paths */
        for (size_t i = 0; (path = nl_folder_watch_path(watch->folders, i)) != NULL; i++) {
            lua_pushstring(L, path);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        nl_folder_watch_clear(watch->folders);
        return 1;
    }
    if (watch->late)
        nl_err_set(&err, NL_TIMEOUT, "nothing changed within %g s", watch->seconds);
    else
        nl_err_set(&err, NL_CANCELLED, "interrupted");
    return nl_push_err(L, &err);
}

/* paths | nil, message, code = w:wait([seconds]): what changed since the last answer. Code
 * "timeout" where nothing did, "cancelled" where the engine was asked to stop. */
static int l_wait(lua_State *L) {
    struct watch *watch = check_watch(L);
    nl_err err = { .code = NL_OK };
    bool limited = !lua_isnoneornil(L, 2);
    lua_Number seconds = luaL_optnumber(L, 2, 0);
    luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 2, "expected 0 to 1,000,000 seconds");
    luaL_argcheck(L, !watch->job, 1, "another job waits for it already");
    nl_job *job = nl_job_here(L);
    watch->late = false;
    watch->seconds = seconds;
    if (watch->host->stopping) {
        nl_err_set(&err, NL_CANCELLED, "interrupted");
        return nl_push_err(L, &err);
    }
    if (nl_folder_watch_path(watch->folders, 0))
        return push_paths(L, watch);
    if (limited) {
        watch->timer = nl_timer_start(nl_host_loop(L), (uint64_t)(seconds * 1000 + 0.5), 0, on_late,
                                      watch, &err);
        if (!watch->timer)
            return nl_push_err(L, &err);
    }
    watch->job = job;
    nl_host_on_stop(watch->host, &watch->on_stop);
    return nl_job_park(L, watch, stop_waiting, push_paths);
}

static int l_close(lua_State *L) {
    struct watch *watch = luaL_checkudata(L, 1, WATCH);
    luaL_argcheck(L, !watch->job, 1, "a job waits for this watch");
    release(watch);
    return 0;
}

static int l_collect(lua_State *L) {
    release(luaL_checkudata(L, 1, WATCH));
    return 0;
}

int luaopen_nlsql_watch(lua_State *L) {
    static const luaL_Reg functions[] = { { "open", l_open }, { NULL, NULL } };
    static const luaL_Reg methods[] = { { "wait", l_wait }, { "close", l_close }, { NULL, NULL } };
    nl_lua_class(L, WATCH, methods, l_collect, l_close);
    luaL_getmetatable(L, WATCH);
    lua_pushliteral(L, WATCH);
    lua_setfield(L, -2, "__metatable");
    luaL_newlib(L, functions);
    return 1;
}
