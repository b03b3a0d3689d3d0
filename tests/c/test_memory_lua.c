/* Memory that runs out at each allocation of engine/script and engine/bind: a Lua state is made,
 * and a script (memory_scenarios.lua) has each binding do its work. Lua's own allocations come from
 * the engine's allocator, and fail with the others: whatever fails, the state ends with a message,
 * gives everything back, and the next one works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "base/log.h"
#include "bind/modules.h"
#include "fake.h"
#include "script/vm.h"
#include "store_support.h"
#include "test_db.h"
#include "test_memory.h"
#include "test_pg.h"

static nl_host host;
static struct fake fake;
static const char *folder, *database;

/* How it is to end, and where: what call_scenario is given. */
struct call {
    const char *name;
};

static int done(lua_State *L, int status, lua_KContext context) {
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

/* call → has the script do it. All that allocates is in here, where Lua may raise. */
static int call_scenario(lua_State *L) {
    const struct call *call = lua_touserdata(L, 1);
    nl_vm *vm = nl_vm_of(L);
    nl_err err;
    if (!nl_vm_load_file(vm, SOURCE_DIR "/tests/c/memory_scenarios.lua", "scenarios.lua", &err))
        return luaL_error(L, "%s", err.msg);
    lua_xmove(nl_vm_lua(vm), L, 1);
    lua_call(L, 0, 1); /* call function */
    lua_pushstring(L, call->name);
    lua_newtable(L); /* call function name place */
    lua_pushstring(L, folder);
    lua_setfield(L, -2, "folder");
    lua_pushstring(L, fake.base);
    lua_setfield(L, -2, "base");
    lua_pushstring(L, database);
    lua_setfield(L, -2, "database");
    lua_callk(L, 2, 0, 0, done);
    return 0;
}

static bool run(const char *name, bool trusted, nl_err *err) {
    struct call call = { name };
    const nl_vm_options options = { .name = "memory", .trusted = trusted };
    int n_results = 0;
    nl_vm *vm = nl_vm_new(&host, &options, nl_modules, err);
    if (!vm)
        return false;
    lua_pushcfunction(nl_vm_lua(vm), call_scenario);
    lua_pushlightuserdata(nl_vm_lua(vm), &call);
    bool ok = nl_vm_run(vm, 1, &n_results, err);
    nl_vm_free(vm);
    return ok;
}

/* A script that asks nothing of others. */
#define PLAIN(name)                                                                                \
    static bool name(nl_err *err) {                                                                \
        return run(#name, false, err);                                                             \
    }
#define TRUSTED(name)                                                                              \
    static bool name(nl_err *err) {                                                                \
        return run(#name, true, err);                                                              \
    }
PLAIN(json)
PLAIN(yaml)
PLAIN(text)
PLAIN(protect)
PLAIN(files)
PLAIN(sql)
PLAIN(jobs)
PLAIN(journal)
PLAIN(pg)
PLAIN(catalog)
PLAIN(stats)
PLAIN(http)
PLAIN(store)
TRUSTED(proc)
TRUSTED(watch)

static bool a_file_is_loaded(nl_err *err) {
    const nl_vm_options options = { .name = "memory" };
    nl_vm *vm = nl_vm_new(&host, &options, nl_modules, err);
    bool ok = vm && nl_vm_set_own_file(vm, SOURCE_DIR "/phases/joins.lua", err) &&
              nl_vm_load_file(vm, SOURCE_DIR "/phases/joins.lua", "phases/joins.lua", err);
    nl_vm_free(vm);
    return ok;
}

/* --- all -------------------------------------------------------------------------------------- */

/* Lua says "not enough memory" in a message of its own, and tries again after it has collected. */
enum {
    LUA = TEST_MEMORY_OWN | TEST_MEMORY_CODE | TEST_MEMORY_OPTIONAL,
    SERVED = LUA | TEST_MEMORY_DEAR,
};

static void each_allocation_may_fail(void **state) {
    static const test_scenario scenarios[] = {
        { "a file is loaded", a_file_is_loaded, LUA },
        { "json", json, LUA },
        { "yaml", yaml, LUA },
        { "text", text, LUA },
        { "protect", protect, LUA },
        { "files", files, LUA },
        { "sql", sql, LUA },
        { "jobs", jobs, LUA },
        { "journal", journal, LUA },
        { "pg", pg, SERVED },
        { "catalog", catalog, SERVED },
        { "stats", stats, SERVED },
        { "http", http, SERVED },
        { "store", store, SERVED },
        { "proc", proc, SERVED },
        { "watch", watch, SERVED },
    };
    (void)state;
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}

static int set_up(void **state) {
    static char kept[64];
    (void)state;
    nl_log_setup(NL_ERROR + 1, false);
    (void)snprintf(kept, sizeof kept, "%s", store_dir(NULL));
    folder = kept;
    database = test_db_url("shop");
    fake_start(&fake, BUILD_DIR "/tests/fake_openai", NULL, NULL);
    host = (nl_host){ .loop = test_loop(), .share_dir = SOURCE_DIR, .project_dir = kept };
    host.database_url = database;
    host.http = nl_http_new(host.loop, NULL, NULL);
    host.journal = nl_journal_new(store_path(folder, "logs"), NULL);
    return host.http && host.journal ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    nl_http_free(host.http);
    nl_journal_free(host.journal);
    fake_stop(&fake);
    store_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
