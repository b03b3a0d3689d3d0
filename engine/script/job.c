#include "script/job.h"

#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "base/log.h"
#include "script/job_priv.h"
#include "script/vm.h"

#include "base/banned.h"

#define JOB "nlsql.job"

enum state { READY, RUNNING, PARKED, ENDED, FAILED, CANCELLED };

struct nl_job { /* a userdata; its user value is the coroutine */
    nl_vm *vm;
    lua_State *co;
    int anchor; /* registry reference that keeps it alive until it ends */
    enum state state;
    nl_task task;
    int n_args, n_results;
    bool woken;    /* a wake came; the task is posted */
    bool doomed;   /* cancelled while it was running */
    bool permit;   /* unpark came before park */
    bool observed; /* somebody was told how it ended */
    bool guest;    /* runs on a guest's terms */
    void *op;
    nl_job_cancel_fn cancel;
    nl_job_push_fn push;
    nl_job *parent, *children, *next, *previous;
    nl_job *waiter;
    nl_fn on_end;
    void *end_ctx;
    nl_job *payer;       /* the guest whose processor time this job takes; NULL: nobody's */
    uint64_t left_ns;    /* of a payer: what it may still take */
    nl_timer *alarm;     /* of a payer that has so long only */
    double most_s, late; /* seconds of its processor time; seconds after which it was stopped */
};

/* The jobs of one state, found through the registry. */
struct jobs {
    nl_job *running;
    nl_job *roots;              /* those without a parent */
    unsigned failed, forgotten; /* jobs of which the log told that they failed */
};

static const char jobs_key, stray_key; /* of the registry */

static struct jobs *jobs_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &jobs_key);
    struct jobs *jobs = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return jobs;
}

static nl_loop *loop_of(const nl_job *job) {
    return nl_vm_host(job->vm)->loop;
}

static bool is_over(const nl_job *job) {
    return job->state >= ENDED;
}

static void link_to(nl_job **head, nl_job *job) {
    job->next = *head;
    job->previous = NULL;
    if (*head)
        (*head)->previous = job;
    *head = job;
}

static void unlink_from(nl_job **head, nl_job *job) {
    if (job->previous)
        job->previous->next = job->next;
    else
        *head = job->next;
    if (job->next)
        job->next->previous = job->previous;
    job->next = job->previous = NULL;
}

static void cancel_job(nl_job *job);

/* Everything that follows an end, whatever kind of end it was. */
static void finish(nl_job *job, enum state state) {
    lua_State *L = nl_vm_lua(job->vm);
    struct jobs *jobs = jobs_of(L);

    job->state = state;
    while (job->children)
        cancel_job(job->children);
    unlink_from(job->parent ? &job->parent->children : &jobs->roots, job);
    job->parent = NULL;
    nl_timer_stop(job->alarm);
    job->alarm = NULL;
    if (job->waiter) {
        nl_job *waiter = job->waiter;
        job->waiter = NULL;
        nl_job_wake(waiter);
    }
    if (job->on_end)
        job->on_end(job->end_ctx);
    int anchor = job->anchor;
    job->anchor = LUA_NOREF;
    luaL_unref(L, LUA_REGISTRYINDEX, anchor); /* the last thing: job may be collected now */
}

#define NO_TIME_LEFT "took all of its processor time: stopped"

static void start_slice(const nl_job *job) {
    if (job->guest)
        nl_vm_slice_guest(job->vm, job->payer ? job->payer->left_ns : UINT64_MAX, NO_TIME_LEFT);
    else
        nl_vm_slice(job->vm);
}

/* Ends a job that is not running: its operation, its coroutine, its children. */
static void end_by_force(nl_job *job) {
    nl_loop_unpost(loop_of(job), &job->task);
    nl_job_cancel_fn cancel = job->cancel;
    bool under_way = job->state == PARKED && !job->woken;
    job->cancel = NULL;
    job->push = NULL;
    if (under_way && cancel)
        cancel(job->op);
    job->op = NULL;
    struct jobs *jobs = jobs_of(nl_vm_lua(job->vm));
    nl_loop_working_for(loop_of(job), nl_vm_name(job->vm));
    start_slice(job);
    lua_resetthread(job->co); /* closes to-be-closed variables */
    if (jobs->running)        /* whoever cancels does not pay for it */
        start_slice(jobs->running);
    else
        nl_vm_slice(job->vm);
    lua_settop(job->co, 0);
    job->n_results = 0;
    finish(job, CANCELLED);
}

static void cancel_job(nl_job *job) {
    if (is_over(job))
        return;
    if (job->state == RUNNING) {
        job->doomed = true; /* ends as soon as it comes back */
        struct jobs *jobs = jobs_of(nl_vm_lua(job->vm));
        job->payer = NULL; /* as may who pays */
        if (job->parent) { /* its parent may be gone by then */
            unlink_from(&job->parent->children, job);
            job->parent = NULL;
            link_to(&jobs->roots, job);
        }
        return;
    }
    end_by_force(job);
}

static void pay(nl_job *payer, uint64_t ns) {
    payer->left_ns -= ns < payer->left_ns ? ns : payer->left_ns;
}

static void resume(void *ctx) {
    nl_job *job = ctx;
    lua_State *L = nl_vm_lua(job->vm);
    struct jobs *jobs = jobs_of(L);
    nl_loop *loop = loop_of(job);
    int n_results = 0, n_args = job->n_args;

    job->woken = false;
    job->n_args = 0;
    job->state = RUNNING;
    jobs->running = job;
    nl_loop_working_for(loop, nl_vm_name(job->vm));
    start_slice(job);
    uint64_t started = job->payer ? nl_vm_cpu_ns() : 0;
    int status = lua_resume(job->co, L, n_args, &n_results);
    if (job->payer)
        pay(job->payer, nl_vm_cpu_ns() - started);
    nl_vm_slice(job->vm);
    nl_loop_working_for(loop, NULL);
    jobs->running = NULL;

    if (status == LUA_OK) {
        job->n_results = n_results;
        finish(job, ENDED);
    } else if (status != LUA_YIELD) {
        lua_resetthread(job->co); /* frees its frames at once, and leaves the error */
        char room[NL_VM_NUMBER];
        const char *why = nl_vm_text(job->co, room);
        if (jobs->failed++ < NL_VM_MOST_LINES) /* who waits for it tells the others */
            nl_log(NL_DEBUG, "%s: a job failed: %.*s", nl_vm_name(job->vm), NL_VM_MOST_LINE,
                   why ? why : "(no message)");
        finish(job, FAILED);
        /* the buffers of lauxlib fail without collecting first */
        if (nl_vm_starved(job->vm) || status == LUA_ERRMEM)
            lua_gc(L, LUA_GCCOLLECT);
    } else if (job->state != PARKED) { /* a script's own coroutine.yield */
        lua_settop(job->co, 0);
        lua_rawgetp(job->co, LUA_REGISTRYINDEX, &stray_key);
        finish(job, FAILED);
    } else if (job->doomed) {
        end_by_force(job);
    } else if (job->woken) {
        nl_loop_post(loop, &job->task);
    }
}

static int collect_job(lua_State *L) {
    nl_job *job = luaL_checkudata(L, 1, JOB);
    if (job->state == FAILED && !job->observed) {
        lua_getiuservalue(L, 1, 1);
        lua_State *co = lua_tothread(L, -1);
        char room[NL_VM_NUMBER];
        const char *why = co && lua_gettop(co) ? nl_vm_text(co, room) : NULL;
        if (jobs_of(L)->forgotten++ < NL_VM_MOST_LINES)
            nl_log(NL_WARN, "%s: a job failed that nobody waited for: %.*s", nl_vm_name(job->vm),
                   NL_VM_MOST_LINE, why ? why : "(no message)");
    }
    return 0;
}

nl_job *nl_job_new(lua_State *L, int n_args, nl_job *parent) {
    struct jobs *jobs = jobs_of(L);
    luaL_checkstack(L, 4, "too many arguments");
    nl_job *job = lua_newuserdatauv(L, sizeof *job, 1); /* f args job */
    memset(job, 0, sizeof *job);
    job->vm = nl_vm_of(L);
    job->anchor = LUA_NOREF;
    job->task = (nl_task){ .fn = resume, .ctx = job };
    job->observed = true; /* until it has started: nothing to collect */
    luaL_setmetatable(L, JOB);
    lua_State *co = lua_newthread(L); /* f args job co */
    lua_setiuservalue(L, -2, 1);      /* f args job */
    lua_pushvalue(L, -1);
    int anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_insert(L, -(n_args + 2)); /* job f args */
    job->co = co;
    job->anchor = anchor;
    job->observed = false;
    if (!lua_checkstack(co, n_args + 1)) {
        luaL_unref(L, LUA_REGISTRYINDEX, anchor);
        luaL_error(L, "not enough memory");
    }
    lua_xmove(L, co, n_args + 1); /* job */
    job->n_args = n_args;
    job->parent = parent;
    job->payer = parent ? parent->payer : NULL;
    job->guest = parent && parent->guest;
    link_to(parent ? &parent->children : &jobs->roots, job);
    nl_loop_post(loop_of(job), &job->task);
    return job;
}

void nl_job_on_end(nl_job *job, nl_fn fn, void *ctx) {
    job->on_end = fn;
    job->end_ctx = ctx;
}

bool nl_job_results(lua_State *L, nl_job *job, int *n_results, nl_err *err) {
    job->observed = true;
    if (job->state == ENDED) {
        int n = job->n_results;
        if (!lua_checkstack(L, n))
            return nl_err_nomem(err);
        lua_xmove(job->co, L, n); /* job results */
        lua_remove(L, -(n + 1));  /* results */
        *n_results = n;
        return true;
    }
    char room[NL_VM_NUMBER];
    const char *why = job->state == FAILED ? nl_vm_text(job->co, room) : NULL;
    if (job->state == FAILED)
        nl_err_set(err, NL_SCRIPT, "%s", why ? why : "failed without a message");
    else
        nl_err_set(err, NL_CANCELLED, "cancelled");
    lua_pop(L, 1);
    return false;
}

void nl_job_cancel_all(lua_State *L) {
    struct jobs *jobs = jobs_of(L);
    while (jobs && jobs->roots)
        cancel_job(jobs->roots);
}

nl_job *nl_job_here(lua_State *L) {
    struct jobs *jobs = jobs_of(L);
    nl_job *job = jobs ? jobs->running : NULL;
    if (!job)
        luaL_error(L, "cannot wait here: this is not running inside a job");
    else if (L != job->co)
        luaL_error(L, "cannot wait inside a coroutine of the script's own; use jobs.spawn");
    else if (!lua_isyieldable(L))
        luaL_error(L,
                   "cannot wait here: inside a sort comparison, a gsub callback, a metamethod or "
                   "the body of a required file; do it before or after that call");
    return job;
}

static int resumed(lua_State *L, int status, lua_KContext ctx) {
    nl_job *job = jobs_of(L)->running;
    nl_job_push_fn push = job->push;
    void *op = job->op;
    (void)status;
    (void)ctx;
    job->cancel = NULL;
    job->push = NULL;
    job->op = NULL;
    return push ? push(L, op) : 0;
}

int nl_job_park(lua_State *L, void *op, nl_job_cancel_fn cancel, nl_job_push_fn push) {
    nl_job *job = jobs_of(L)->running;
    job->op = op;
    job->cancel = cancel;
    job->push = push;
    job->state = PARKED;
    return lua_yieldk(L, 0, 0, resumed);
}

void nl_job_wake(nl_job *job) {
    if (is_over(job) || job->woken)
        return;
    job->woken = true;
    if (job->state == PARKED)
        nl_loop_post(loop_of(job), &job->task);
}

int nl_push_err(lua_State *L, const nl_err *err) {
    lua_pushnil(L);
    lua_pushstring(L, err->msg);
    lua_pushstring(L, nl_code_name(err->code));
    if (!err->sqlstate[0])
        return 3;
    lua_pushstring(L, err->sqlstate);
    return 4;
}

/* --- what scripts see ---------------------------------------------------------------------- */

static nl_job *check_job(lua_State *L) {
    return luaL_checkudata(L, 1, JOB);
}

/* job = spawn(f, ...): runs f as a job of its own, a child of this one. */
static int l_spawn(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    nl_job_new(L, lua_gettop(L) - 1, jobs_of(L)->running);
    return 1;
}

static int push_end(lua_State *L, void *op) {
    nl_job *job = op;
    job->observed = true;
    lua_pushboolean(L, job->state == ENDED);
    if (job->state == CANCELLED && job->late > 0) {
        lua_pushfstring(L, "took longer than %f s: stopped", job->late);
        return 2;
    }
    if (job->state == CANCELLED) {
        lua_pushliteral(L, "cancelled");
        return 2;
    }
    int n = job->state == ENDED ? job->n_results : 1;
    luaL_checkstack(L, n, "too many results");
    int first = lua_gettop(job->co) - n;
    if (!lua_checkstack(job->co, n))
        return luaL_error(L, "not enough memory");
    for (int i = 1; i <= n; i++)
        lua_pushvalue(job->co, first + i);
    lua_xmove(job->co, L, n);
    return n + 1;
}

static void ring(void *ctx) {
    nl_job *job = ctx;
    job->late = job->most_s;
    cancel_job(job);
}

/* job = guest(cpu_seconds, seconds, f, ...): runs f as spawn does, on a guest's terms: it and its
 * children together take so much processor time only, a part of the memory is not theirs, and
 * (seconds above 0) after so long it is over. */
static int l_guest(lua_State *L) {
    lua_Number cpu = luaL_checknumber(L, 1), seconds = luaL_checknumber(L, 2);
    luaL_argcheck(L, cpu > 0 && cpu <= 1e6, 1, "expected up to 1,000,000 seconds");
    luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 2, "expected 0 to 1,000,000 seconds");
    luaL_checktype(L, 3, LUA_TFUNCTION);
    nl_err err;
    nl_job *job = nl_job_new(L, lua_gettop(L) - 3, jobs_of(L)->running); /* cpu seconds job */
    nl_vm_watch(job->co);
    job->guest = true;
    job->payer = job;
    job->left_ns = (uint64_t)(cpu * 1e9);
    job->most_s = seconds;
    if (seconds > 0) {
        job->alarm =
            nl_timer_start(loop_of(job), (uint64_t)(seconds * 1000 + 0.5), 0, ring, job, &err);
        if (!job->alarm) {
            cancel_job(job);
            return luaL_error(L, "%s", err.msg);
        }
    }
    return 1;
}

/* job = under(parent, f, ...): runs f as a child of that job, on its terms. */
static int l_under(lua_State *L) {
    nl_job *parent = check_job(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_argcheck(L, !is_over(parent), 1, "this job is over");
    nl_job_new(L, lua_gettop(L) - 2, parent); /* parent job */
    return 1;
}

static void forget_waiter(void *op) {
    ((nl_job *)op)->waiter = NULL;
}

/* true, results... | false, error = job:wait() */
static int l_wait(lua_State *L) {
    nl_job *job = check_job(L);
    if (is_over(job))
        return push_end(L, job);
    nl_job *self = nl_job_here(L);
    luaL_argcheck(L, self != job, 1, "a job cannot wait for itself");
    luaL_argcheck(L, !job->waiter, 1, "another job waits for it already");
    job->waiter = self;
    return nl_job_park(L, job, forget_waiter, push_end);
}

/* job:cancel(): ends it and its children; what it waited for is cancelled. */
static int l_cancel(lua_State *L) {
    cancel_job(check_job(L));
    return 0;
}

/* "ready", "running", "parked", "ended", "failed" or "cancelled" = job:state() */
static int l_state(lua_State *L) {
    static const char *const names[] = { "ready", "running", "parked",
                                         "ended", "failed",  "cancelled" };
    lua_pushstring(L, names[check_job(L)->state]);
    return 1;
}

static int l_current(lua_State *L) {
    nl_job *job = nl_job_here(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, job->anchor);
    return 1;
}

/* park(): waits until somebody calls job:unpark(); an unpark that came first counts. */
static int l_park(lua_State *L) {
    nl_job *job = nl_job_here(L);
    if (job->permit) {
        job->permit = false;
        return 0;
    }
    return nl_job_park(L, NULL, NULL, NULL);
}

static int l_unpark(lua_State *L) {
    nl_job *job = check_job(L);
    if (job->state == PARKED && !job->op)
        nl_job_wake(job);
    else if (!is_over(job))
        job->permit = true;
    return 0;
}

struct nap {
    nl_timer *timer;
    nl_job *job;
};

static void stop_nap(void *op) {
    struct nap *nap = op;
    nl_timer_stop(nap->timer);
    nap->timer = NULL;
}

static void end_nap(void *ctx) {
    struct nap *nap = ctx;
    stop_nap(nap);
    nl_job_wake(nap->job);
}

static int push_nothing(lua_State *L, void *op) {
    (void)L;
    (void)op;
    return 0;
}

/* sleep(seconds) */
static int l_sleep(lua_State *L) {
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 1, "expected 0 to 1,000,000 seconds");
    nl_job *job = nl_job_here(L);
    struct nap *nap = lua_newuserdatauv(L, sizeof *nap, 0); /* s nap */
    nl_err err;
    nap->job = job;
    nap->timer =
        nl_timer_start(nl_host_loop(L), (uint64_t)(seconds * 1000 + 0.5), 0, end_nap, nap, &err);
    if (!nap->timer)
        return luaL_error(L, "%s", err.msg);
    return nl_job_park(L, nap, stop_nap, push_nothing);
}

/* seconds = now(): monotonic, as of the start of this turn of the loop. */
static int l_now(lua_State *L) {
    lua_pushnumber(L, (lua_Number)nl_loop_now(nl_host_loop(L)) / 1000);
    return 1;
}

/* seconds = uptime(): since the engine was opened. */
static int l_uptime(lua_State *L) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L,
                   (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9 - nl_host_of(L)->opened);
    return 1;
}

/* 0, 1 (start nothing new) or 2 (leave now) = stopping() */
static int l_stopping(lua_State *L) {
    lua_pushinteger(L, nl_host_of(L)->stopping);
    return 1;
}

void nl_job_setup(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "wait", l_wait },     { "cancel", l_cancel }, { "state", l_state },
        { "unpark", l_unpark }, { NULL, NULL },
    };
    struct jobs *jobs = lua_newuserdatauv(L, sizeof *jobs, 0); /* jobs */
    *jobs = (struct jobs){ 0 };
    lua_rawsetp(L, LUA_REGISTRYINDEX, &jobs_key); /* */
    lua_pushliteral(L, "yielded outside any wait of the engine");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &stray_key); /* */
    luaL_newmetatable(L, JOB);                     /* mt */
    luaL_newlib(L, methods);                       /* mt methods */
    lua_setfield(L, -2, "__index");                /* mt */
    lua_pushcfunction(L, collect_job);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, JOB);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

static const luaL_Reg functions[] = {
    { "spawn", l_spawn }, { "current", l_current },   { "park", l_park },     { "sleep", l_sleep },
    { "now", l_now },     { "stopping", l_stopping }, { "uptime", l_uptime }, { NULL, NULL },
};

int luaopen_nlsql_job(lua_State *L) {
    static const luaL_Reg more[] = {
        { "guest", l_guest },
        { "under", l_under },
        { NULL, NULL },
    };
    luaopen_nlsql_job_guest(L);
    luaL_setfuncs(L, more, 0);
    return 1;
}

int luaopen_nlsql_job_guest(lua_State *L) {
    luaL_newlib(L, functions);
    return 1;
}
