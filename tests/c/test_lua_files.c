/* The bindings nlsql.files and nlsql.watch in a state that is not trusted: what a script may read,
 * load again and wait for, and that an engine which is asked to stop ends the wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "bind/lua_files.h"
#include "bind/lua_watch.h"
#include "script/job_priv.h"
#include "script/vm.h"

static nl_loop *loop;
static nl_host host;
static char top[64], project[96], share[96];

static const nl_vm_module modules[] = {
    { "nlsql.job", luaopen_nlsql_job, false },
    { "nlsql.files", luaopen_nlsql_files, false },
    { "nlsql.watch", luaopen_nlsql_watch, false },
    { NULL, NULL, false },
};

static void sh(const char *script) {
    char *command = NULL;
    assert_true(asprintf(&command, "cd %s && { %s; }", top, script) > 0);
    assert_int_equal(system(command), 0); /* NOLINT: the test's own words */
    free(command);
}

/* TOP/project and TOP/share, and TOP/elsewhere with the state's own phase and a secret. */
static int setup(void **state) {
    (void)state;
    (void)snprintf(top, sizeof top, "/tmp/nlsql-files-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    (void)snprintf(project, sizeof project, "%s/project", top);
    (void)snprintf(share, sizeof share, "%s/share", top);
    sh("mkdir -p project/scripts project/phases share/scripts/lib share/prompts elsewhere; "
       "echo 'return { n = 1 }' > project/scripts/mine.lua; "
       "echo 'return { n = 1 }' > share/scripts/lib/theirs.lua; "
       "echo 'return name' > project/phases/good.lua; "
       "echo 'return = 1' > project/phases/bad.lua; "
       "echo 'return 1' > project/.hidden.lua; "
       "echo 'return 40 + 2' > elsewhere/own.lua; echo 'return 1' > elsewhere/other.lua; "
       "ln -s ../../elsewhere/other.lua project/phases/link.lua; sleep 0.02");
    loop = nl_loop_new(NULL);
    host = (nl_host){ .loop = loop, .project_dir = project, .share_dir = share };
    return loop ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_loop_free(loop);
    sh("rm -rf ../${PWD##*/}");
    return 0;
}

/* Runs `source` in a new state, with the modules in locals and the folder as its argument; its
 * first result as text, or "error: …". */
static const char *run(const char *source, bool trusted) {
    static char result[1024];
    static const char prelude[] = "local top = ... local job, files, watch = require 'nlsql.job', "
                                  "require 'nlsql.files', require 'nlsql.watch' ";
    char path[96], own[96];
    nl_err err = { .code = NL_OK };
    nl_vm_options options = { .name = "test", .trusted = trusted };
    int n = 0;

    (void)snprintf(path, sizeof path, "%s/test.lua", top);
    (void)snprintf(own, sizeof own, "%s/elsewhere/own.lua", top);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "%s%s", prelude, source) > 0);
    assert_int_equal(fclose(file), 0);
    nl_vm *vm = nl_vm_new(&host, &options, modules, &err);
    assert_non_null(vm);
    lua_State *L = nl_vm_lua(vm);
    assert_true(nl_vm_set_own_file(vm, own, &err));
    assert_true(nl_vm_load_file(vm, path, "test.lua", &err));
    lua_pushstring(L, top);
    if (nl_vm_run(vm, 1, &n, &err))
        (void)snprintf(result, sizeof result, "%s",
                       n > 0 ? luaL_tolstring(L, -n, NULL) : "nothing");
    else
        (void)snprintf(result, sizeof result, "error: %s", err.msg);
    nl_vm_free(vm);
    return result;
}

static const struct {
    const char *why, *source, *result;
    bool trusted;
} cases[] = {
    { "a file of the project is loaded in the sandbox's environment",
      "name = 'set' local f = files.load(top .. '/project/phases/good.lua') "
      "return f() .. tostring(io)",
      "setnil", false },
    { "it is named in messages as the caller says",
      "local f, why, code = files.load(top .. '/project/phases/bad.lua', 'phases/bad.lua') "
      "return tostring(f) .. ' ' .. why .. ' ' .. code",
      "nil phases/bad.lua:1: unexpected symbol near '=' script", false },
    { "the state's own file may be loaded", "return files.load(top .. '/elsewhere/own.lua')()",
      "42", false },
    { "and read, by any name", "return (files.read(top .. '/share/../elsewhere/own.lua'))",
      "return 40 + 2\n", false },
    { "its neighbour may not", "return select(3, files.load(top .. '/elsewhere/other.lua'))",
      "invalid", false },
    { "not even through a link", "return select(3, files.load(top .. '/project/phases/link.lua'))",
      "invalid", false },
    { "a hidden file neither", "return select(3, files.load(top .. '/project/.hidden.lua'))",
      "invalid", false },
    { "no such file", "return select(3, files.load(top .. '/project/phases/none.lua'))",
      "not_found", false },
    { "bytecode is refused",
      "return select(2, files.load(top .. '/project/bytecode.lua', 'x.lua'))",
      "attempt to load a binary chunk (mode is 't')", false },
    { "what was forgotten is read anew, what is native stays",
      "local a, b = require 'mine', require 'lib.theirs' local n = files.forget() "
      "local c, d = require 'mine', require 'lib.theirs' "
      "return ('%d %s %s %s'):format(n, a == c, b == d, files == require 'nlsql.files')",
      "2 false false true", false },
    { "what was not forgotten is not", "return tostring(require 'mine' == require 'mine')", "true",
      false },
    { "a trusted state forgets its scripts and nothing else",
      "local a, b, s = require 'mine', require 'lib.theirs', require 'string' "
      "local n = files.forget() "
      "return ('%d %s %s %s %s'):format(n, a == require 'mine', b == require 'lib.theirs', "
      "s == require 'string', files == require 'nlsql.files')",
      "2 false false true true", true },
    { "a wait that is too long", "return select(3, watch.open():wait(0.02))", "timeout", false },
    { "only a trusted script chooses folders", "return select(2, pcall(watch.open, { top }))",
      "bad argument #1 to '?' (only a trusted script chooses what is watched)", false },
    { "a list of something else", "return select(2, pcall(watch.open, { top, 7 })):match('%b()')",
      "(expected a list of paths)", true },
    { "two jobs cannot wait for one watch",
      "local w = watch.open() local one = job.spawn(function() return w:wait(0.1) end) "
      "local two = job.spawn(function() return w:wait(0.1) end) local ok, why = two:wait() "
      "one:wait() return why:match('%b()')",
      "(another job waits for it already)", false },
    { "a closed watch says so, and closes again",
      "local w = watch.open() w:close() w:close() "
      "return select(2, pcall(w.wait, w))",
      "bad argument #1 to '?' (this watch was closed)", false },
    { "a job that dies while it waits frees the watch for others",
      "local w <close> = watch.open() local one = job.spawn(function() w:wait() end) "
      "job.sleep(0.01) one:cancel() return select(3, w:wait(0.01))",
      "timeout", false },
    { "and one that owns it closes it",
      "local one = job.spawn(function() local w <close> = watch.open() w:wait() end) "
      "job.sleep(0.01) one:cancel() return select(2, one:wait())",
      "cancelled", false },
};

static void scripts_get_what_they_may(void **state) {
    (void)state;
    sh("printf '\\033Lua' > project/bytecode.lua");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = run(cases[i].source, cases[i].trusted);
        if (strcmp(got, cases[i].result) != 0)
            fail_msg("%s: got \"%s\"", cases[i].why, got);
    }
}

/* Saves while a script waits; the paths that it gets, below the folder. */
static const char *watched(const char *script) {
    char *command = NULL;
    assert_true(asprintf(&command, "(sleep 0.1; %s) & :", script) > 0);
    sh(command);
    free(command);
    return run("local w <close> = watch.open() local paths = w:wait(2) or {} "
               "for i, path in ipairs(paths) do paths[i] = path:sub(#top + 2) end "
               "return table.concat(paths, ' ')",
               false);
}

static void a_script_hears_of_what_runs_are_made_of(void **state) {
    (void)state;
    assert_string_equal(watched("echo 1 > project/phases/good.lua"), "project/phases/good.lua");
    assert_string_equal(watched("echo 1 > share/scripts/lib/theirs.lua"),
                        "share/scripts/lib/theirs.lua");
    assert_string_equal(watched("echo 1 > share/prompts/new.txt"), "share/prompts/new.txt");
    assert_string_equal(watched("echo 1 > project/config.yaml"), "project/config.yaml");
    assert_string_equal(watched("echo 1 > elsewhere/own.lua"), "elsewhere/own.lua");
    assert_string_equal(watched("echo 1 > elsewhere/third.lua; echo 1 > project/x; sleep 0.2; "
                                "echo 2 > project/config.yaml"),
                        "project/config.yaml");
}

static void ask_to_stop(void *ctx) {
    (void)ctx;
    host.stopping = 1;
    nl_host_stop(&host);
}

static void a_stop_ends_the_wait(void **state) {
    (void)state;
    nl_timer *timer = nl_timer_start(loop, 30, 0, ask_to_stop, NULL, NULL);
    assert_string_equal(run("local w = watch.open() local _, why, code = w:wait() "
                            "return code .. ' ' .. why .. ' ' .. select(3, w:wait())",
                            false),
                        "cancelled interrupted cancelled");
    assert_null(host.on_stop);
    nl_timer_stop(timer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scripts_get_what_they_may, setup, teardown),
        cmocka_unit_test_setup_teardown(a_script_hears_of_what_runs_are_made_of, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_ends_the_wait, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
