#include "bind/lua_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "io/loop.h"
#include "io/proc.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

#define PROC "nlsql.proc"

enum { MAX_LINE = 16 << 20, MAX_OUTPUT = 1 << 20 };

/* What a parked job waits for. */
enum aim { NOTHING, A_LINE, THE_END, EVERYTHING };

struct proc {
    pid_t pid; /* 0: never started */
    bool ended;
    int status;
    int end; /* readable once the child has ended */
    int out; /* its output; -1: none, or at its end */
    nl_buf text;
    enum aim aim;
    bool late;
    double seconds; /* the timeout; negative: none */
    nl_job *job;
    nl_watch *end_watch, *out_watch;
    nl_timer *timer;
};

static struct proc *check_proc(lua_State *L) {
    struct proc *proc = luaL_checkudata(L, 1, PROC);
    luaL_argcheck(L, proc->pid > 0, 1, "this process was closed");
    return proc;
}

/* --- waiting ------------------------------------------------------------------------------- */

static void stop_waiting(struct proc *proc) {
    nl_watch_free(proc->end_watch);
    nl_watch_free(proc->out_watch);
    nl_timer_stop(proc->timer);
    proc->end_watch = proc->out_watch = NULL;
    proc->timer = NULL;
    proc->aim = NOTHING;
}

static void close_output(struct proc *proc) {
    nl_watch_free(proc->out_watch);
    proc->out_watch = NULL;
    if (proc->out >= 0)
        close(proc->out);
    proc->out = -1;
}

static void release(struct proc *proc) {
    stop_waiting(proc);
    close_output(proc);
    if (proc->end >= 0)
        close(proc->end);
    proc->end = -1;
    if (proc->pid > 0 && !proc->ended)
        nl_proc_stop(proc->pid, 0, 0);
    proc->pid = 0;
    nl_buf_release(&proc->text);
}

static bool has_line(const struct proc *proc) {
    return proc->text.size > 0 && memchr(proc->text.data, '\n', proc->text.size);
}

/* Not to the end of what a tireless child writes, but of more than a pipe holds; where a line is
 * wanted no further than that, since what stands behind it is moved with every line taken. */
static void read_output(struct proc *proc) {
    size_t most = proc->aim == EVERYTHING ? MAX_OUTPUT : MAX_LINE;
    char bytes[16384];
    for (int chunks = 0; proc->out >= 0 && chunks < 64; chunks++) {
        if (proc->aim == A_LINE && has_line(proc))
            return;
        ssize_t n = read(proc->out, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            close_output(proc);
            return;
        }
        size_t room = proc->text.size < most ? most - proc->text.size : 0;
        nl_buf_add(&proc->text, bytes, (size_t)n < room ? (size_t)n : room);
    }
}

static void look_for_end(struct proc *proc) {
    int status = 0;
    if (proc->ended || waitpid(proc->pid, &status, WNOHANG) != proc->pid)
        return;
    proc->ended = true;
    proc->status = nl_proc_status(status);
    nl_watch_free(proc->end_watch); /* it would call for ever */
    proc->end_watch = NULL;
}

static bool is_reached(struct proc *proc) {
    switch (proc->aim) {
    case A_LINE:
        return proc->out < 0 || has_line(proc) || proc->text.size >= MAX_LINE;
    case THE_END:
    case EVERYTHING: /* not until the pipe closes: grandchildren may keep it */
        return proc->ended;
    default:
        return true;
    }
}

/* Looks at both; the output last, so that all that came before the end is in. */
static bool look(struct proc *proc) {
    look_for_end(proc);
    read_output(proc);
    return is_reached(proc);
}

static void on_change(struct proc *proc) {
    if (!look(proc))
        return;
    enum aim aim = proc->aim;
    stop_waiting(proc);
    proc->aim = aim;
    nl_job_wake(proc->job);
}

static void on_ready(void *ctx, int events) {
    (void)events;
    on_change(ctx);
}

static void on_late(void *ctx) {
    struct proc *proc = ctx;
    proc->late = true;
    enum aim aim = proc->aim;
    stop_waiting(proc);
    proc->aim = aim;
    nl_job_wake(proc->job);
}

static bool watch(struct proc *proc, nl_loop *loop, nl_err *err) {
    if (!proc->ended) {
        proc->end_watch = nl_watch_new(loop, proc->end, on_ready, proc, err);
        if (!proc->end_watch || !nl_watch_set(proc->end_watch, NL_READABLE))
            return false;
    }
    if (proc->out >= 0) {
        proc->out_watch = nl_watch_new(loop, proc->out, on_ready, proc, err);
        if (!proc->out_watch || !nl_watch_set(proc->out_watch, NL_READABLE))
            return false;
    }
    if (proc->seconds >= 0)
        proc->timer =
            nl_timer_start(loop, (uint64_t)(proc->seconds * 1000 + 0.5), 0, on_late, proc, err);
    return proc->seconds < 0 || proc->timer;
}

static int push_line(lua_State *L, struct proc *proc) {
    nl_err err;
    const char *end = memchr(proc->text.data, '\n', proc->text.size);
    size_t n = end ? (size_t)(end - proc->text.data) : proc->text.size;
    if (!end && proc->text.size >= MAX_LINE) {
        nl_err_set(&err, NL_LIMIT, "the process wrote a line of over %d bytes", (int)MAX_LINE);
        return nl_push_err(L, &err);
    }
    if (!end && proc->text.size == 0) {
        nl_err_set(&err, NL_NOTFOUND, "the output of the process has ended");
        return nl_push_err(L, &err);
    }
    lua_pushlstring(L, proc->text.data, n);
    n += end != NULL;
    memmove(proc->text.data, proc->text.data + n, proc->text.size - n);
    proc->text.size -= n;
    return 1;
}

static int push_result(lua_State *L, void *ctx) {
    struct proc *proc = ctx;
    enum aim aim = proc->aim;
    nl_err err;

    proc->aim = NOTHING;
    if (proc->text.failed) {
        nl_err_nomem(&err);
        return nl_push_err(L, &err);
    }
    if (proc->late) {
        nl_err_set(&err, NL_TIMEOUT,
                   aim == A_LINE ? "the process wrote no line within %g s"
                                 : "the process has not ended within %g s",
                   proc->seconds);
        return nl_push_err(L, &err);
    }
    if (aim == A_LINE)
        return push_line(L, proc);
    lua_pushinteger(L, proc->status);
    if (aim == THE_END)
        return 1;
    lua_pushlstring(L, proc->text.data, proc->text.size);
    release(proc);
    return 2;
}

/* The job died: what `run` started dies with it, what `start` started has a handle of its own. */
static void cancel_wait(void *ctx) {
    struct proc *proc = ctx;
    if (proc->aim == EVERYTHING)
        release(proc);
    else
        stop_waiting(proc);
}

/* Waits for `aim`, at most so many seconds (negative: for ever). */
static int wait_for(lua_State *L, struct proc *proc, enum aim aim, lua_Number seconds) {
    nl_err err = { .code = NL_OK };
    luaL_argcheck(L, proc->aim == NOTHING, 1, "another job waits for this process already");
    proc->late = false;
    proc->aim = aim;
    if (look(proc))
        return push_result(L, proc);
    proc->aim = NOTHING; /* nl_job_here may raise */
    proc->job = nl_job_here(L);
    proc->aim = aim;
    proc->seconds = seconds;
    if (!watch(proc, nl_host_loop(L), &err)) {
        stop_waiting(proc);
        return nl_push_err(L, &err);
    }
    return nl_job_park(L, proc, cancel_wait, push_result);
}

/* --- starting ------------------------------------------------------------------------------ */

/* Pushes an array of the strings of the list or map at the top, NULL behind them, in place of it.
 * What it points to is held by the table that is pushed below. [-1, +2, e] */
static const char *const *push_strings(lua_State *L, const char *name, bool is_map) {
    size_t n = 0;
    if (!lua_istable(L, -1))
        luaL_error(L, "bad argument #1 (field '%s': table expected, got %s)", name,
                   luaL_typename(L, -1));
    lua_newtable(L); /* list held */
    if (is_map) {
        lua_pushnil(L);
        while (lua_next(L, -3)) { /* map held name value */
            if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
                luaL_error(L, "bad argument #1 (field '%s' holds names and texts)", name);
            lua_pushvalue(L, -2);
            lua_pushliteral(L, "=");
            lua_pushvalue(L, -3);
            lua_concat(L, 3);
            lua_rawseti(L, -4, (lua_Integer)++n); /* map held name value */
            lua_pop(L, 1);                        /* map held name */
        }
    } else {
        while (lua_rawgeti(L, -2, (lua_Integer)n + 1) != LUA_TNIL) { /* list held one */
            if (!lua_isstring(L, -1))
                luaL_error(L, "bad argument #1 (field '%s' holds texts)", name);
            lua_tostring(L, -1); /* a number becomes a text, which `held` holds */
            lua_rawseti(L, -2, (lua_Integer)++n);
        }
        lua_pop(L, 1);
    }
    lua_remove(L, -2); /* held */
    const char **strings = lua_newuserdatauv(L, (n + 1) * sizeof *strings, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        strings[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    strings[n] = NULL;
    return strings;
}

static const char *text_field(lua_State *L, const char *name, const char *otherwise) {
    int type = lua_getfield(L, 1, name);
    const char *text =
        type == LUA_TSTRING ? lua_tostring(L, -1) : otherwise; /* the table holds it */
    if (type != LUA_TSTRING && type != LUA_TNIL)
        luaL_error(L, "bad argument #1 (field '%s': string expected, got %s)", name,
                   luaL_typename(L, -1));
    lua_pop(L, 1);
    return text;
}

/* The descriptor that a stream's word stands for; *made where it is to be closed after the start.
 */
static bool open_stream(const char *word, int *fd, int *made, nl_err *err) {
    if (strcmp(word, "inherit") == 0) {
        *fd = NL_PROC_INHERIT;
    } else if (strcmp(word, "null") == 0) {
        *fd = NL_PROC_NULL;
    } else {
        *fd = *made = open(word, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (*fd < 0)
            return nl_err_errno(err, "cannot write %s", word);
    }
    return true;
}

static bool start(struct proc *proc, nl_proc_options *options, const char *out_word,
                  const char *err_word, nl_err *err) {
    int ends[2] = { -1, -1 }, made[2] = { -1, -1 };
    bool ok = false;

    if (strcmp(out_word, "pipe") == 0) {
        if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
            nl_err_errno(err, "cannot make a pipe");
            goto out;
        }
        options->stdout_fd = ends[1];
    } else if (!open_stream(out_word, &options->stdout_fd, &made[0], err)) {
        goto out;
    }
    if (strcmp(err_word, "stdout") == 0)
        options->stderr_fd =
            options->stdout_fd == NL_PROC_INHERIT ? STDOUT_FILENO : options->stdout_fd;
    else if (!open_stream(err_word, &options->stderr_fd, &made[1], err))
        goto out;
    proc->pid = nl_proc_start(options, err);
    if (proc->pid < 0) {
        proc->pid = 0;
        goto out;
    }
    proc->out = ends[0];
    ends[0] = -1;
    proc->end = pidfd_open(proc->pid, 0);
    ok = proc->end >= 0 || nl_err_errno(err, "cannot watch the process");
out:
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
        if (made[i] >= 0)
            close(made[i]);
    }
    return ok;
}

/* Starts what the table in argument 1 describes and leaves the handle alone on the stack; NULL with
 * the three values of an error pushed. */
static struct proc *start_described(lua_State *L, bool collect) {
    nl_proc_options options = { .stdout_fd = NL_PROC_INHERIT, .stderr_fd = NL_PROC_INHERIT };
    nl_err err = { .code = NL_OK };

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "argv");
    options.argv = push_strings(L, "argv", false);
    if (lua_getfield(L, 1, "env") != LUA_TNIL)
        options.env = push_strings(L, "env", true);
    options.cwd = text_field(L, "cwd", NULL);
    options.stdin_path = text_field(L, "stdin", NULL);
    const char *out_word = collect ? "pipe" : text_field(L, "stdout", "pipe");
    const char *err_word = collect ? "stdout" : text_field(L, "stderr", "inherit");
    struct proc *proc = lua_newuserdatauv(L, sizeof *proc, 0); /* t … proc */
    *proc = (struct proc){ .end = -1, .out = -1 };
    nl_buf_init(&proc->text);
    luaL_setmetatable(L, PROC);
    if (!start(proc, &options, out_word, err_word, &err)) {
        release(proc);
        nl_push_err(L, &err);
        return NULL;
    }
    lua_replace(L, 1);
    lua_settop(L, 1); /* proc */
    return proc;
}

static int l_start(lua_State *L) {
    return start_described(L, false) ? 1 : 3;
}

static int l_run(lua_State *L) {
    nl_job_here(L); /* before anything runs */
    struct proc *proc = start_described(L, true);
    return proc ? wait_for(L, proc, EVERYTHING, -1) : 3;
}

/* --- the handle ---------------------------------------------------------------------------- */

static int l_pid(lua_State *L) {
    lua_pushinteger(L, check_proc(L)->pid);
    return 1;
}

static lua_Number check_seconds(lua_State *L) {
    if (lua_isnoneornil(L, 2))
        return -1;
    lua_Number seconds = luaL_checknumber(L, 2);
    luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 2, "expected 0 to 1,000,000 seconds");
    return seconds;
}

static int l_read_line(lua_State *L) {
    struct proc *proc = check_proc(L);
    return wait_for(L, proc, A_LINE, check_seconds(L));
}

static int l_wait(lua_State *L) {
    struct proc *proc = check_proc(L);
    return wait_for(L, proc, THE_END, check_seconds(L));
}

static int check_signal(lua_State *L) {
    static const char *const names[] = { "TERM", "INT",  "KILL", "HUP",  "QUIT",
                                         "USR1", "USR2", "STOP", "CONT", NULL };
    static const int numbers[] = { SIGTERM, SIGINT,  SIGKILL, SIGHUP, SIGQUIT,
                                   SIGUSR1, SIGUSR2, SIGSTOP, SIGCONT };
    if (lua_type(L, 2) == LUA_TNUMBER)
        return (int)luaL_checkinteger(L, 2);
    return numbers[luaL_checkoption(L, 2, "TERM", names)];
}

static int l_kill(lua_State *L) {
    struct proc *proc = check_proc(L);
    int signum = check_signal(L);
    nl_err err;
    look_for_end(proc); /* its number may belong to another by now */
    if (proc->ended || kill(proc->pid, signum) == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    nl_err_errno(&err, "cannot send signal %d", signum);
    return nl_push_err(L, &err);
}

static int l_close(lua_State *L) {
    struct proc *proc = luaL_checkudata(L, 1, PROC);
    luaL_argcheck(L, proc->aim == NOTHING, 1, "a job waits for this process");
    release(proc);
    return 0;
}

static int l_collect(lua_State *L) {
    release(luaL_checkudata(L, 1, PROC));
    return 0;
}

int luaopen_nlsql_proc(lua_State *L) {
    static const luaL_Reg functions[] = { { "start", l_start }, { "run", l_run }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "pid", l_pid },   { "read_line", l_read_line }, { "wait", l_wait },
        { "kill", l_kill }, { "close", l_close },         { NULL, NULL },
    };
    nl_lua_class(L, PROC, methods, l_collect, l_close);
    luaL_newlib(L, functions);
    return 1;
}
