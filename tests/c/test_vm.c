/* The Lua state and its jobs: sandbox, memory cap, deadline, structured jobs, waiting, cancelling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "script/job_priv.h"
#include "script/vm.h"

static nl_loop *loop;
static nl_host host;

static const nl_vm_module modules[] = {
    { "nlsql.job", luaopen_nlsql_job, false },
    { "nlsql.secret", luaopen_nlsql_job, true },
    { NULL, NULL, false },
};

static int setup(void **state) {
    (void)state;
    loop = nl_loop_new(NULL);
    host = (nl_host){ .loop = loop, .share_dir = SOURCE_DIR };
    return loop ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_loop_free(loop);
    return 0;
}

/* Runs `source` as the main job; its first result as text, or "error: …". */
static const char *run(const char *source, bool trusted, size_t memory) {
    static char result[1024];
    char path[] = "/tmp/nlsql-test-XXXXXX";
    nl_err err = { .code = NL_OK };
    nl_vm_options options = {
        .name = "test", .max_memory = memory, .slice_ms = 200, .trusted = trusted
    };
    int fd = mkstemp(path), n = 0;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, source, strlen(source)), (ssize_t)strlen(source));
    close(fd);
    nl_vm *vm = nl_vm_new(&host, &options, modules, &err);
    assert_non_null(vm);
    lua_State *L = nl_vm_lua(vm);
    if (!nl_vm_load_file(vm, path, "test.lua", &err) || !nl_vm_run(vm, 0, &n, &err)) {
        (void)snprintf(result, sizeof result, "error: %s", err.msg);
    } else {
        (void)snprintf(result, sizeof result, "%s",
                       n > 0 ? luaL_tolstring(L, -n, NULL) : "nothing");
    }
    nl_vm_free(vm);
    unlink(path);
    return result;
}

static const struct {
    const char *why, *source, *result;
} sandboxed[] = {
    { "plain Lua works", "return 1 + 1", "2" },
    { "no files", "return io", "nil" },
    { "no processes", "return os.execute", "nil" },
    { "no environment variables", "return os.getenv", "nil" },
    { "the time is harmless", "return type(os.time())", "number" },
    { "no debug library", "return debug", "nil" },
    { "no package library", "return package", "nil" },
    { "no raw coroutines", "return coroutine", "nil" },
    { "no bytecode out", "return string.dump", "nil" },
    { "no bytecode out through a string", "return ('').dump", "nil" },
    { "no bytecode in", "return select(2, load('\\27Lua'))",
      "attempt to load a binary chunk (mode is 't')" },
    { "load stays in the sandbox", "return load('return io')()", "nil" },
    { "load takes a reader",
      "local n = 0 return load(function() n = n + 1 return n < 3 and 'return 7 ' and "
      "(n == 1 and 'return ' or '7') or nil end)()",
      "7" },
    { "no finalizers", "return select(2, pcall(setmetatable, {}, {__gc = print}))",
      "a script's metatable cannot have __gc" },
    { "metatables otherwise work", "return setmetatable({}, {__index = {x = 5}}).x", "5" },
    { "the metatable of strings is shut", "return getmetatable('')", "string" },
    { "no unknown modules", "return (select(2, pcall(require, 'os')))",
      "module 'os' not found in scripts/ (of the project folder or as shipped)" },
    { "no walking out of the script folders",
      "return (select(2, pcall(require, '../../etc/passwd')))",
      "'../../etc/passwd' cannot be the name of a module" },
    { "no trusted modules", "return (select(2, pcall(require, 'nlsql.secret')))",
      "module 'nlsql.secret' is for trusted scripts only" },
    { "syntax errors name file and line", "local x = = 1",
      "error: test.lua:1: unexpected symbol near '='" },
    { "run-time errors too", "\n\nerror('bad')", "error: test.lua:3: bad" },
};

static void the_sandbox_shows_an_allow_list(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sandboxed / sizeof *sandboxed; i++) {
        const char *got = run(sandboxed[i].source, false, 0);
        if (strcmp(got, sandboxed[i].result) != 0)
            fail_msg("%s: expected \"%s\", got \"%s\"", sandboxed[i].why, sandboxed[i].result, got);
    }
}

static void trusted_scripts_have_all_of_lua(void **state) {
    (void)state;
    assert_string_equal(run("return type(io.open) .. type(debug.traceback)", true, 0),
                        "functionfunction");
    assert_string_equal(run("return type(require('nlsql.secret').spawn)", true, 0), "function");
}

static const struct {
    const char *why, *source, *result;
} stopped[] = {
    { "an endless loop", "while true do end",
      "error: test.lua:1: ran for more than 0.2 s without waiting for anything: stopped" },
    { "pcall cannot swallow it", "while true do pcall(function() while true do end end) end",
      "error: test.lua:1: ran for more than 0.2 s without waiting for anything: stopped" },
    { "only its own job ends",
      "local job = require 'nlsql.job'\n"
      "local bad = job.spawn(function() while true do end end)\n"
      "local ok, why = bad:wait()\n"
      "return tostring(ok) .. why:match(': (ran for)')",
      "falseran for" },
    { "memory is capped", "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end",
      "error: not enough memory" },
    { "in one step too", "return ('x'):rep(1 << 30)", "error: not enough memory" },
    { "a job that eats memory leaves the others alive",
      "local job = require 'nlsql.job'\n"
      "local function eat() local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end "
      "end\n"
      "local function try() return select(2, job.spawn(eat):wait()) end\n"
      "local why = try()\n"
      "return why .. #('y'):rep(3000000)",
      "not enough memory3000000" },
};

static void runaway_scripts_are_stopped(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof stopped / sizeof *stopped; i++) {
        const char *got = run(stopped[i].source, false, 32 << 20);
        if (strcmp(got, stopped[i].result) != 0)
            fail_msg("%s: expected \"%s\", got \"%s\"", stopped[i].why, stopped[i].result, got);
    }
}

#define JOB "local job = require 'nlsql.job'\n"

static const struct {
    const char *why, *source, *result;
} waiting[] = {
    { "a job's results come back",
      JOB "local ok, a, b = job.spawn(function(x) return x, x * 2 end, 4):wait()\n"
          "return a + b",
      "12" },
    { "an error comes back",
      JOB "return select(2, job.spawn(function() error('oh', 0) end):wait())", "oh" },
    { "an error may be a table",
      JOB "return select(2, job.spawn(function() error({ code = 7 }) end):wait()).code", "7" },
    { "sleepers overlap",
      JOB "local t = job.now()\n"
          "local jobs = {}\n"
          "for i = 1, 50 do jobs[i] = job.spawn(job.sleep, 0.05) end\n"
          "for i = 1, 50 do jobs[i]:wait() end\n"
          "return job.now() - t < 1",
      "true" },
    { "waiting works under pcall",
      JOB "return select(2, pcall(function() job.sleep(0) return 'ok' end))", "ok" },
    { "not in a sort comparison",
      JOB
      "local ok, why = pcall(table.sort, {3, 2, 1}, function(a, b) job.sleep(0) return a < b end)\n"
      "return why:match('cannot wait here')",
      "cannot wait here" },
    { "a cancelled job says so",
      JOB "local one = job.spawn(job.sleep, 100)\n"
          "job.sleep(0)\n"
          "one:cancel()\n"
          "return select(2, one:wait())",
      "cancelled" },
    { "a parent takes its children along",
      JOB
      "local child\n"
      "local parent = job.spawn(function() child = job.spawn(job.sleep, 100) job.sleep(0) end)\n"
      "parent:wait()\n"
      "return child:state()",
      "cancelled" },
    { "a job can cancel its own parent and ends with it",
      JOB "local log = ''\n"
          "local parent\n"
          "parent = job.spawn(function()\n"
          "  job.spawn(function() parent:cancel() log = log .. 'after' job.sleep(0) log = log .. "
          "'never' end)\n"
          "  job.sleep(100)\n"
          "end)\n"
          "parent:wait()\n"
          "job.sleep(0.01)\n"
          "return log .. parent:state()",
      "aftercancelled" },
    { "unpark before park counts", JOB "job.current():unpark() job.park() return 'went on'",
      "went on" },
    { "unpark wakes",
      JOB "local me = job.current()\n"
          "job.spawn(function() me:unpark() end)\n"
          "job.park() return 'woken'",
      "woken" },
    { "a closed variable is closed when its job is cancelled",
      JOB "local closed = 'no'\n"
          "local one = job.spawn(function()\n"
          "  local guard <close> = setmetatable({}, { __close = function() closed = 'yes' end })\n"
          "  job.sleep(100)\n"
          "end)\n"
          "job.sleep(0)\n"
          "one:cancel()\n"
          "return closed",
      "yes" },
    { "all runs side by side",
      "local jobs = require 'nlsql.jobs'\n"
      "local r = jobs.all { function() jobs.sleep(0.01) return 'a' end, function() return 'b' end "
      "}\n"
      "return r[1] .. r[2]",
      "ab" },
    { "all raises the first error and cancels the rest",
      "local jobs = require 'nlsql.jobs'\n"
      "local t = jobs.now()\n"
      "local ok, why = pcall(jobs.all, { function() jobs.sleep(0.01) error('x', 0) end, function() "
      "jobs.sleep(50) end })\n"
      "return why .. tostring(jobs.now() - t < 5)",
      "xtrue" },
    { "map keeps order and limits how many run",
      "local jobs = require 'nlsql.jobs'\n"
      "local running, most = 0, 0\n"
      "local r = jobs.map({ 5, 4, 3, 2, 1 }, 2, function(v)\n"
      "  running = running + 1 most = math.max(most, running)\n"
      "  jobs.sleep(v / 1000) running = running - 1 return v * 10\n"
      "end)\n"
      "return table.concat(r, ',') .. ' ' .. most",
      "50,40,30,20,10 2" },
    { "a semaphore lets so many in",
      "local jobs = require 'nlsql.jobs'\n"
      "local s, inside, most = jobs.semaphore(3), 0, 0\n"
      "jobs.map({1,2,3,4,5,6,7,8}, 8, function()\n"
      "  s:acquire() inside = inside + 1 most = math.max(most, inside)\n"
      "  jobs.sleep(0.002) inside = inside - 1 s:release()\n"
      "end)\n"
      "return most",
      "3" },
};

static void jobs_wait_and_end_as_they_should(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        const char *got = run(waiting[i].source, false, 0);
        if (strcmp(got, waiting[i].result) != 0)
            fail_msg("%s: expected \"%s\", got \"%s\"", waiting[i].why, waiting[i].result, got);
    }
}

static void a_suspended_job_is_small(void **state) {
    (void)state;
    const char *got = run(JOB "local before = collectgarbage 'count'\n"
                              "local t = {}\n"
                              "for i = 1, 10000 do t[i] = job.spawn(job.sleep, 1000) end\n"
                              "job.sleep(0)\n"
                              "return (collectgarbage 'count' - before) * 1024 / 10000 < 4096",
                          false, 0);
    assert_string_equal(got, "true");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_sandbox_shows_an_allow_list, setup, teardown),
        cmocka_unit_test_setup_teardown(trusted_scripts_have_all_of_lua, setup, teardown),
        cmocka_unit_test_setup_teardown(runaway_scripts_are_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(jobs_wait_and_end_as_they_should, setup, teardown),
        cmocka_unit_test_setup_teardown(a_suspended_job_is_small, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
