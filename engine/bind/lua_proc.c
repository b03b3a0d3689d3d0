#include "bind/lua_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

#include "io/proc.h"
#include "script/job.h"

#include "base/banned.h"

#define PROCESS "nlsql.proc"

enum { MAX_WORDS = 128 };

struct process {
    pid_t pid; /* 0 once waited for */
    int out;   /* our end of its standard output; -1 */
    int status;
    nl_buf pending; /* read but not yet handed out */
};

static struct process *check_process(lua_State *L) {
    return luaL_checkudata(L, 1, PROCESS);
}

/* The list of strings in field `name` of the table at 1; they stay on the stack. */
static bool check_words(lua_State *L, const char *name, const char *list[MAX_WORDS + 1]) {
    list[0] = NULL;
    if (lua_getfield(L, 1, name) != LUA_TTABLE)
        return false;
    int at = lua_gettop(L);
    lua_Integer n = (lua_Integer)lua_rawlen(L, at);
    if (n > MAX_WORDS)
        luaL_error(L, "%s: too many", name);
    luaL_checkstack(L, (int)n + 4, "too many");
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, at, i);
        list[i - 1] = luaL_checkstring(L, -1);
    }
    list[n] = NULL;
    return n > 0;
}

static const char *text_field(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    return luaL_optstring(L, -1, NULL);
}

/* process | nil, message, code = start{argv=, env=, cwd=, stdin=path, stdout="pipe"|path,
 * stderr=path} */
static int l_start(lua_State *L) {
    const char *argv[MAX_WORDS + 1], *env[MAX_WORDS + 1];
    int ends[2] = { -1, -1 }, err_fd = NL_PROC_INHERIT;
    nl_err err;
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, check_words(L, "argv", argv), 1, "argv is missing");
    check_words(L, "env", env);
    nl_proc_options options = { .argv = argv, .env = env };
    options.cwd = text_field(L, "cwd");
    options.stdin_path = text_field(L, "stdin");
    const char *out = text_field(L, "stdout"), *err_path = text_field(L, "stderr");
    struct process *p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = (struct process){ .out = -1 };
    nl_buf_init(&p->pending);
    luaL_setmetatable(L, PROCESS);
    options.stdout_fd = NL_PROC_INHERIT;
    if (out && strcmp(out, "pipe") == 0) {
        if (pipe2(ends, O_CLOEXEC) != 0)
            return luaL_error(L, "cannot make a pipe: %s", strerror(errno));
        p->out = ends[0];
        options.stdout_fd = ends[1];
    } else if (out) {
        ends[1] = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        options.stdout_fd = ends[1];
    }
    if (err_path)
        err_fd = open(err_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    options.stderr_fd = err_fd;
    pid_t pid = nl_proc_start(&options, &err);
    if (ends[1] >= 0)
        close(ends[1]);
    if (err_fd >= 0)
        close(err_fd);
    if (pid < 0)
        return nl_push_err(L, &err);
    p->pid = pid;
    return 1;
}

static int l_pid(lua_State *L) {
    lua_pushinteger(L, check_process(L)->pid);
    return 1;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Hands out the first line of what is pending; false where there is none yet. */
static bool push_line(lua_State *L, struct process *p) {
    const char *end = memchr(p->pending.data, '\n', p->pending.size);
    if (!end)
        return false;
    size_t n = (size_t)(end - p->pending.data);
    lua_pushlstring(L, p->pending.data, n);
    memmove(p->pending.data, end + 1, p->pending.size - n - 1);
    p->pending.size -= n + 1;
    p->pending.data[p->pending.size] = '\0';
    return true;
}

/* line | nil = process:read_line(seconds): nil at the end of output, or when time is over */
static int l_read_line(lua_State *L) {
    struct process *p = check_process(L);
    double deadline = now_s() + luaL_optnumber(L, 2, 10);
    while (p->out >= 0 && !push_line(L, p)) {
        char chunk[4096];
        struct pollfd ready = { .fd = p->out, .events = POLLIN };
        double left = deadline - now_s();
        if (left <= 0 || poll(&ready, 1, (int)(left * 1000) + 1) == 0) {
            lua_pushnil(L);
            return 1;
        }
        ssize_t n = read(p->out, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            lua_pushnil(L);
            return 1;
        }
        if (!nl_buf_add(&p->pending, chunk, (size_t)n))
            return luaL_error(L, "not enough memory");
    }
    if (p->out < 0)
        lua_pushnil(L);
    return 1;
}

static int signal_number(lua_State *L, int arg) {
    static const char *const names[] = { "TERM", "KILL", "INT", "HUP", "STOP", "CONT", NULL };
    static const int numbers[] = { SIGTERM, SIGKILL, SIGINT, SIGHUP, SIGSTOP, SIGCONT };
    return numbers[luaL_checkoption(L, arg, "TERM", names)];
}

/* process:kill([signal]) */
static int l_kill(lua_State *L) {
    struct process *p = check_process(L);
    int signum = signal_number(L, 2);
    lua_pushboolean(L, p->pid > 0 && kill(p->pid, signum) == 0);
    return 1;
}

/* status | nil = process:wait([seconds]): exit code or 128+signal; nil where it still runs */
static int l_wait(lua_State *L) {
    struct process *p = check_process(L);
    double deadline = now_s() + luaL_optnumber(L, 2, 10);
    while (p->pid > 0) {
        int status;
        if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
            p->pid = 0;
            p->status = nl_proc_status(status);
            break;
        }
        if (now_s() >= deadline) {
            lua_pushnil(L);
            return 1;
        }
        struct timespec nap = { .tv_nsec = 2000000 };
        nanosleep(&nap, NULL);
    }
    lua_pushinteger(L, p->status);
    return 1;
}

static int l_collect(lua_State *L) {
    struct process *p = check_process(L);
    if (p->pid > 0)
        (void)nl_proc_stop(p->pid, SIGTERM, 2000);
    p->pid = 0;
    if (p->out >= 0)
        close(p->out);
    p->out = -1;
    nl_buf_release(&p->pending);
    return 0;
}

/* status, output | nil, message, code = run{argv=, env=, cwd=} */
static int l_run(lua_State *L) {
    const char *argv[MAX_WORDS + 1], *env[MAX_WORDS + 1];
    int status = 0;
    nl_err err;
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, check_words(L, "argv", argv), 1, "argv is missing");
    check_words(L, "env", env);
    nl_proc_options options = { .argv = argv, .env = env };
    options.cwd = text_field(L, "cwd");
    struct process *p = lua_newuserdatauv(L, sizeof *p, 0); /* keeps the output */
    *p = (struct process){ .out = -1 };
    nl_buf_init(&p->pending);
    luaL_setmetatable(L, PROCESS);
    if (!nl_proc_run(&options, &p->pending, &status, &err))
        return nl_push_err(L, &err);
    lua_pushinteger(L, status);
    lua_pushlstring(L, p->pending.data, p->pending.size);
    return 2;
}

int luaopen_nlsql_proc(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "pid", l_pid }, { "read_line", l_read_line }, { "kill", l_kill }, { "wait", l_wait },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "start", l_start },
        { "run", l_run },
        { NULL, NULL },
    };
    luaL_newmetatable(L, PROCESS);
    lua_pushcfunction(L, l_collect);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
