/* The bindings nlsql.http and nlsql.proc: what scripts get, what they must not do, and that a job
 * which dies while it waits takes its request with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "bind/lua_http.h"
#include "bind/lua_proc.h"
#include "fake.h"
#include "script/job_priv.h"
#include "script/vm.h"

#define FAKE BUILD_DIR "/tests/fake_openai"

static nl_loop *loop;
static nl_host host;
static struct fake fake;

static const nl_vm_module modules[] = {
    { "nlsql.job", luaopen_nlsql_job, false },
    { "nlsql.http", luaopen_nlsql_http, false },
    { "nlsql.proc", luaopen_nlsql_proc, true },
    { NULL, NULL, false },
};

static int setup(void **state) {
    (void)state;
    loop = nl_loop_new(NULL);
    host = (nl_host){ .loop = loop, .share_dir = SOURCE_DIR };
    host.http = loop ? nl_http_new(loop, NULL, NULL) : NULL;
    return host.http ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_http_free(host.http);
    nl_loop_free(loop);
    fake_stop(&fake);
    return 0;
}

/* Runs `source` as the main job, with the endpoint's base URL and the build folder as arguments and
 * the modules in locals; its first result as text, or "error: …". */
static const char *run(const char *source) {
    static char result[2048];
    char path[] = "/tmp/nlsql-test-XXXXXX";
    static const char prelude[] = "local base, build = ... "
                                  "local job, http, proc = require 'nlsql.job', "
                                  "require 'nlsql.http', require 'nlsql.proc' ";
    nl_err err = { .code = NL_OK };
    nl_vm_options options = { .name = "test", .trusted = true };
    int fd = mkstemp(path), n = 0;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, prelude, strlen(prelude)), (ssize_t)strlen(prelude));
    assert_int_equal(write(fd, source, strlen(source)), (ssize_t)strlen(source));
    close(fd);
    nl_vm *vm = nl_vm_new(&host, &options, modules, &err);
    assert_non_null(vm);
    lua_State *L = nl_vm_lua(vm);
    bool ok = nl_vm_load_file(vm, path, "test.lua", &err);
    if (ok) {
        lua_pushstring(L, fake.base);
        lua_pushstring(L, BUILD_DIR);
        ok = nl_vm_run(vm, 2, &n, &err);
    }
    if (!ok)
        (void)snprintf(result, sizeof result, "error: %s", err.msg);
    else
        (void)snprintf(result, sizeof result, "%s",
                       n > 0 ? luaL_tolstring(L, -n, NULL) : "nothing");
    nl_vm_free(vm);
    unlink(path);
    return result;
}

struct script {
    const char *why, *source, *result;
};

static void check(const struct script *scripts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *got = run(scripts[i].source);
        if (strcmp(got, scripts[i].result) != 0)
            fail_msg("%s:\n  wanted %s\n  got    %s", scripts[i].why, scripts[i].result, got);
    }
}

static const struct script requests[] = {
    { "a reply's fields",
      "local r = http.request{ url = base .. '/chat/completions', body = '{}' } "
      "return table.concat({ r.status, r.body, tostring(r.sent), tostring(r.error), "
      "tostring(r.code), tostring(r.retry_after), type(r.seconds), "
      "http.header(r, 'Content-Type'), tostring(http.header(r, 'x-none')) }, '|')",
      "200|plain|true|nil|nil|nil|number|text/plain|nil" },
    { "headers go out, numbers too",
      "local r = http.request{ url = base .. '/chat/completions', body = 'show', "
      "headers = { ['X-A'] = 'b', ['X-N'] = 5 } } return r.status",
      "200" },
    { "an HTTP error is a reply, with the time to wait",
      "local r = http.request{ url = base .. '/chat/completions', body = 'busy' } "
      "return r.status .. ' ' .. r.retry_after .. ' ' .. tostring(r.error)",
      "429 7.0 nil" },
    { "a broken connection is a reply with an error, and its request may be paid for",
      "local r = http.request{ url = base .. '/chat/completions', body = 'reset' } "
      "return r.status .. ' ' .. r.code .. ' ' .. tostring(r.sent) .. ' ' .. #r.body",
      "0 net true 0" },
    { "clocks are seconds",
      "local r = http.request{ url = base .. '/chat/completions', body = 'hang', idle = 0.1 } "
      "return r.code .. ': ' .. r.error:gsub(':%d+', '')",
      "timeout: 127.0.0.1 has been silent for 0.1 s" },
    { "the cap",
      "local r = http.request{ url = base .. '/chat/completions', body = '{}', max_reply = 3 } "
      "return r.code .. ' ' .. r.body",
      "limit pla" },
    { "a body may hold any byte",
      "local r = http.request{ url = base .. '/chat/completions', body = 'a\\0b' } return r.status",
      "200" },
    { "what cannot be asked: nil, message, code",
      "return table.concat({ tostring((http.request{ url = 'http://example.com/' })), "
      "select(3, http.request{ url = 'http://example.com/' }) }, ' ')",
      "nil invalid" },
    { "a missing URL is the caller's mistake",
      "return select(2, pcall(http.request, {})):match('field .*')", "field 'url' is missing)" },
    { "wrong types are named",
      "return select(2, pcall(http.request, { url = base, idle = 'x' })):match('field.*')",
      "field 'idle': number expected, got string)" },
    { "times have bounds",
      "return select(2, pcall(http.request, { url = base, idle = -1 })):match('field.-must')",
      "field 'idle' must" },
    { "headers are names and texts",
      "return select(2, pcall(http.request, { url = base, headers = { 'x' } })):match('%((.*)%)')",
      "headers are names and texts" },
    { "a sort comparison cannot wait",
      "local ok, why = pcall(table.sort, { 2, 1 }, function() "
      "http.request{ url = base .. '/models' } end) return why:match('cannot wait here')",
      "cannot wait here" },
    { "many at once, each its own answer",
      "local n, jobs = 0, {} for i = 1, 200 do jobs[i] = job.spawn(function() "
      "local r = http.request{ url = base .. '/chat/completions', body = '{\"n\":' .. i .. '}' } "
      "n = n + (r.status == 200 and 1 or 0) end) end "
      "for i = 1, 200 do jobs[i]:wait() end return n",
      "200" },
    { "a job that dies takes its request along",
      "local j = job.spawn(function() http.request{ url = base .. '/chat/completions', "
      "body = 'hang' } end) job.sleep(0.05) j:cancel() return j:state()",
      "cancelled" },
    { "the table may change meanwhile: the body is held",
      "local t = { url = base .. '/chat/completions', body = ('x'):rep(3000000) } "
      "local j = job.spawn(function() return http.request(t).status end) job.sleep(0) t.body = nil "
      "collectgarbage() collectgarbage() return select(2, j:wait())",
      "200" },
    { "loopback", "return tostring(http.is_loopback(base)) .. tostring(http.is_loopback('x'))",
      "truefalse" },
};

static void requests_from_scripts(void **state) {
    (void)state;
    fake_start(&fake, FAKE, NULL,
               "{\"match\":\"busy\",\"status\":429,\"headers\":{\"Retry-After\":\"7\"},"
               "\"body\":\"wait\"}\n"
               "{\"match\":\"reset\",\"fault\":\"reset_before\"}\n"
               "{\"match\":\"hang\",\"fault\":\"hang\"}\n"
               "{\"body\":\"plain\"}\n");
    check(requests, sizeof requests / sizeof *requests);
    char *log = fake_log(&fake);
    assert_non_null(strstr(log, "\"x-a\":\"b\""));
    assert_non_null(strstr(log, "\"x-n\":\"5\""));
    free(log);
}

/* One place only: whoever holds it for ever keeps all others out. */
static void a_job_that_dies_frees_its_place(void **state) {
    (void)state;
    nl_http_options options = { .max_connections = 1 };
    nl_http_free(host.http);
    host.http = nl_http_new(loop, &options, NULL);
    assert_non_null(host.http);
    fake_start(&fake, FAKE, NULL, "{\"match\":\"hang\",\"fault\":\"hang\"}\n{\"body\":\"x\"}");
    assert_string_equal(
        run("collectgarbage('stop') local function ask(body) "
            "return http.request{ url = base .. '/chat/completions', body = body, total = 10 } end "
            "local j = job.spawn(ask, 'hang') local waiting = job.spawn(ask, 'hang') "
            "job.sleep(0.05) waiting:cancel() j:cancel() local start = job.now() "
            "return ask('{}').status .. ' ' .. tostring(job.now() - start < 5)"),
        "200 true");
}

static const struct script processes[] = {
    { "lines as they come, then the end",
      "local p = proc.start{ argv = { 'sh', '-c', 'echo one; sleep 0.05; printf two' } } "
      "local a, b = p:read_line(5), p:read_line(5) local c, why, code = p:read_line(5) "
      "return table.concat({ a, b, tostring(c), why, code, p:wait(5) }, '|')",
      "one|two|nil|the output of the process has ended|not_found|0" },
    { "variables, folder, input",
      "local p = proc.start{ argv = { 'sh', '-c', 'cat; echo $A; pwd' }, env = { A = 'b' }, "
      "cwd = '/usr', stdin = '/dev/null', stdout = 'pipe', stderr = 'null' } "
      "return p:read_line(5) .. p:read_line(5)",
      "b/usr" },
    { "a line that does not come",
      "local p <close> = proc.start{ argv = { 'sleep', '30' } } "
      "local line, why, code = p:read_line(0.05) return tostring(line) .. why .. ' ' .. code",
      "nilthe process wrote no line within 0.05 s timeout" },
    { "an end that does not come, then one that is asked for",
      "local p = proc.start{ argv = { 'sleep', '30' } } local s, why, code = p:wait(0.05) "
      "p:kill() return tostring(s) .. ' ' .. code .. ' ' .. p:wait(5) .. ' ' .. p:wait(5)",
      "nil timeout 143 143" },
    { "run: status and both streams",
      "local status, text = proc.run{ argv = { 'sh', '-c', 'echo out; echo err >&2; exit 3' } } "
      "return status .. ' ' .. text",
      "3 out\nerr\n" },
    { "run does not wait for what keeps the pipe",
      "local t = job.now() proc.run{ argv = { 'sh', '-c', 'sleep 20 & echo x' } } job.sleep(0) "
      "return job.now() - t < 10",
      "true" },
    { "others go on meanwhile",
      "local ticks = 0 local j = job.spawn(function() for _ = 1, 5 do job.sleep(0.01) "
      "ticks = ticks + 1 end end) proc.run{ argv = { 'sleep', '0.3' } } return ticks",
      "5" },
    { "a pipe that runs full does not hang wait",
      "local p = proc.start{ argv = { 'head', '-c', '1000000', '/dev/zero' } } return p:wait(10)",
      "0" },
    { "a tireless writer does not stop the loop",
      "local p <close> = proc.start{ argv = { 'yes' } } return tostring(p:wait(0.1))", "nil" },
    { "what cannot start: nil, message, code",
      "return select(2, proc.start{ argv = { 'no-such-program' } }) .. ' ' .. "
      "select(3, proc.run{ argv = { 'no-such-program' } })",
      "cannot find the program no-such-program on PATH not_found" },
    { "a closed handle is a readable error",
      "local p = proc.start{ argv = { 'sleep', '30' } } p:close() p:close() "
      "return select(2, pcall(p.wait, p)):match('this process was closed')",
      "this process was closed" },
    { "a job that dies while it runs something kills it",
      "local j = job.spawn(function() proc.run{ argv = { 'sh', '-c', 'echo $$ > ' .. build .. "
      "'/pid; exec sleep 30' } } end) job.sleep(0.3) j:cancel() "
      "local f = io.open(build .. '/pid') local pid = f:read('n') f:close() "
      "os.remove(build .. '/pid') return tostring(io.open('/proc/' .. pid .. '/stat'))",
      "nil" },
    { "wrong arguments are named",
      "return select(2, pcall(proc.start, { argv = 'ls' })):match('field.*')",
      "field 'argv': table expected, got string)" },
};

static void processes_from_scripts(void **state) {
    (void)state;
    check(processes, sizeof processes / sizeof *processes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_from_scripts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_that_dies_frees_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(processes_from_scripts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
