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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "base/log.h"
#include "bind/modules.h"
#include "cli/engine.h"
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

/* --- the command line's own calls ------------------------------------------------------------ */

#define BIG 100000

static char big[BIG + 1];

static void write_at(const char *name, const char *text) {
    store_write(store_path(folder, name), text);
}

/* What the command line's scripts are to this place: they return at once. */
static void write_command_line(void) {
    static const char cli[] =
        "local function nothing() return 0 end\n"
        "return { nothing = nothing, plan = function(flags)\n"
        "  return ('{\"phases\":[{\"title\":\"t\",\"entry\":\"small\",\"path\":\"%s/big.lua\",'\n"
        "    .. '\"shown\":\"big.lua\",\"spec\":\"%s\"}]}'):format(PLACE, flags)\n"
        "end }\n";
    static const char small[] = "return { main = function(spec, chunk, why, source)\n"
                                "  assert(#spec == 100000 and #source > 100000 and not why)\n"
                                "  return chunk()\n"
                                "end }\n";
    char text[1024];
    assert_int_equal(mkdir(store_path(folder, "scripts"), 0700), 0);
    assert_int_equal(mkdir(store_path(folder, "scripts/nlsql"), 0700), 0);
    (void)snprintf(text, sizeof text, "local PLACE = '%s'\n%s", folder, cli);
    write_at("scripts/nlsql/cli.lua", text);
    write_at("scripts/small.lua", small);
    write_at("count.lua", "return select('#', ...) == #arg and #arg == 300 and 0 or 1\n");
    char *source = test_malloc(BIG + 64);
    (void)snprintf(source, BIG + 64, "return 0 --%s\n", big);
    write_at("big.lua", source);
    test_free(source);
}

static bool says(int code, nl_err *err) {
    return code == NLSQL_DONE || nl_err_set(err, NL_SCRIPT, "exit code %d", code);
}

static nlsql *open_engine(nl_err *err) {
    const nlsql_options options = { .project_dir = folder, .share_dir = SOURCE_DIR };
    nlsql *engine = nlsql_open(&options, err->msg, sizeof err->msg);
    if (!engine)
        err->code = NL_NOMEM;
    return engine;
}

static bool a_command(nl_err *err) {
    nlsql *engine = open_engine(err);
    bool ok = engine && says(nl_engine_command(engine, "nothing", big), err);
    nlsql_close(engine);
    return ok;
}

static bool a_run(nl_err *err) {
    nlsql *engine = open_engine(err);
    bool ok = engine && says(nl_engine_run(engine, big), err);
    nlsql_close(engine);
    return ok;
}

static bool a_script(nl_err *err) {
    char file[256], *argv[301] = { file };
    nlsql *engine = open_engine(err);
    (void)snprintf(file, sizeof file, "%s", store_path(folder, "count.lua"));
    for (int i = 1; i <= 300; i++) /* more than a stack has places before it is asked for some */
        argv[i] = big + (i % 50 == 0 ? i : BIG - 1);
    bool ok = engine && says(nl_engine_lua(engine, 301, argv), err);
    nlsql_close(engine);
    return ok;
}

/* From here no memory is to be had; true where the state still has blocks that were freed. */
static int fail_from_here(lua_State *L) {
#if defined(__SANITIZE_ADDRESS__)
    lua_pushboolean(L, false);
#else
    lua_pushboolean(L, true);
#endif
    test_memory_fail(0);
    return 1;
}

/* Lua would turn a number into a text where a text is asked for, and there is no room for one: all
 * blocks of the size are taken before the script ends. */
static void an_error_needs_no_memory_to_be_told(void **state) {
    (void)state;
    static const struct {
        const char *last, *says;
    } cases[] = {
        { "error(0.5)", "0.5" },
        { "error(7)", "7" },
        { "error('as it is', 0)", "as it is" },
        { "error(true)", "failed without a message" },
        { "yield()", "yielded outside any wait of the engine" },
    };
    /* Blocks of 64 bytes, and of 32; all of it is kept, so that no collection makes room. */
    static const char fill[] =
        "local fail, yield = ..., coroutine.yield\n"
        "function make_table() return {} end\n"
        "function make_function() return function() end end\n"
        "kept, main = {}, debug.getinfo(1, 'f').func\n"
        "for i = 1, 100000 do kept[i] = false end\n"
        "function fill(make)\n"
        "  for i = 1, #kept do kept[i] = kept[i] or make() end\n"
        "end\n"
        "function nest(n) if n > 0 then nest(n - 1) end end\n"
        "if fail() then\n"
        "  pcall(fill, make_table)\n"
        "  pcall(fill, make_function)\n"
        "  nest(2)\n" /* as deep as these calls were: a failed one has given back a frame */
        "end\n";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const nl_vm_options options = { .name = "memory", .trusted = true };
        nl_err err = { .code = NL_OK };
        char text[1024];
        int n = 0;
        (void)snprintf(text, sizeof text, "%s%s\n", fill, cases[i].last);
        write_at("error.lua", text);
        nl_vm *vm = nl_vm_new(&host, &options, nl_modules, &err);
        assert_non_null(vm);
        assert_true(nl_vm_load_file(vm, store_path(folder, "error.lua"), "error.lua", &err));
        lua_pushcfunction(nl_vm_lua(vm), fail_from_here);
        bool ok = nl_vm_run(vm, 1, &n, &err);
        test_memory_fail(-1);
        assert_false(ok);
        assert_string_equal(err.msg, cases[i].says);
        nl_vm_free(vm);
    }
}

/* --- all -------------------------------------------------------------------------------------- */

/* Lua says "not enough memory" in a message of its own, and tries again after it has collected. */
enum {
    LUA = TEST_MEMORY_OWN | TEST_MEMORY_CODE | TEST_MEMORY_OPTIONAL,
    SERVED = LUA | TEST_MEMORY_DEAR,
};

static void a_large_one_of_the_command_line_may_fail(void **state) {
    static const test_scenario scenarios[] = {
        { "a command", a_command, LUA | TEST_MEMORY_LARGE },
        { "a run", a_run, LUA | TEST_MEMORY_LARGE },
        { "a script with arguments", a_script, LUA | TEST_MEMORY_LARGE },
    };
    (void)state;
    memset(big, 'x', BIG);
    write_command_line();
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(an_error_needs_no_memory_to_be_told),
        cmocka_unit_test(a_large_one_of_the_command_line_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
