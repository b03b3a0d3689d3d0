/* nlsql.store: the store itself, its money, and waiting for the disk. */
#include "bind/lua_store.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "bind/lua_store_priv.h"
#include "script/host.h"

#include "base/banned.h"

#define WAIT "nlsql.store.wait"
#define HOLD "nlsql.store.hold"

nl_store *nl_lua_check_store(lua_State *L, int at) {
    struct nl_lua_store *handle = luaL_checkudata(L, at, NL_LUA_STORE);
    luaL_argcheck(L, handle->store, at, "this store is closed");
    return handle->store;
}

/* --- waiting until something is durable ---------------------------------------------------- */

/* Outlives the job where that dies first: the store will still report. */
struct nl_lua_wait {
    struct nl_lua_store *handle;
    struct nl_lua_wait *next;
    nl_job *job; /* NULL: nobody waits any more */
    nl_err err;
    bool submitted, reported, failed;
};

/* Tells the job; `wait` is on no list any more. */
static void end_wait(struct nl_lua_wait *wait, const nl_err *err) {
    if (!wait->job) {
        free(wait);
        return;
    }
    wait->reported = true;
    wait->failed = err != NULL;
    if (err)
        wait->err = *err;
    nl_job_wake(wait->job);
}

void nl_lua_durable(void *ctx, const nl_err *err) {
    struct nl_lua_wait *wait = ctx;
    struct nl_lua_wait **at = &wait->handle->waits;
    while (*at != wait)
        at = &(*at)->next;
    *at = wait->next;
    end_wait(wait, err);
}

/* Leaves it to the store, which will report and then free it, or frees it where it has reported,
 * or never will. */
static void forget_wait(void *op) {
    struct nl_lua_wait **slot = op;
    struct nl_lua_wait *wait = *slot;
    *slot = NULL;
    if (wait && wait->submitted && !wait->reported)
        wait->job = NULL;
    else
        free(wait);
}

static int collect_wait(lua_State *L) {
    forget_wait(luaL_checkudata(L, 1, WAIT));
    return 0;
}

struct nl_lua_wait *nl_lua_wait_push(lua_State *L, int at, nl_job *job) {
    struct nl_lua_wait **slot = lua_newuserdatauv(L, sizeof *slot, 1); /* slot */
    *slot = NULL;
    luaL_setmetatable(L, WAIT);
    lua_pushvalue(L, at);
    lua_setiuservalue(L, -2, 1); /* it keeps the store */
    struct nl_lua_wait *wait = *slot = calloc(1, sizeof *wait);
    if (!wait) {
        luaL_error(L, "not enough memory"); /* does not return, which the compiler cannot know */
        return NULL;
    }
    wait->handle = lua_touserdata(L, at);
    wait->job = job;
    return wait;
}

static int push_durable(lua_State *L, void *op) {
    struct nl_lua_wait **slot = op;
    if ((*slot)->failed)
        return nl_push_err(L, &(*slot)->err);
    lua_pushboolean(L, 1);
    return 1;
}

int nl_lua_wait_park(lua_State *L) {
    struct nl_lua_wait **slot = lua_touserdata(L, -1);
    struct nl_lua_wait *wait = *slot;
    wait->submitted = true;
    wait->next = wait->handle->waits;
    wait->handle->waits = wait;
    return nl_job_park(L, slot, forget_wait, push_durable);
}

/* --- reservations -------------------------------------------------------------------------- */

/* A userdata on the stack of its parked job. */
struct nl_lua_reserving {
    struct nl_lua_store *handle;
    struct nl_lua_reserving *next;
    nl_store_wait *wait;
    nl_job *job;
    nl_err err;
    int64_t reservation;
    bool failed;
};

static void unlink_reserving(struct nl_lua_reserving *reserving) {
    struct nl_lua_reserving **at = &reserving->handle->reserving;
    while (*at != reserving)
        at = &(*at)->next;
    *at = reserving->next;
}

static void end_reserving(struct nl_lua_reserving *reserving, int64_t reservation,
                          const nl_err *err) {
    reserving->reservation = reservation;
    reserving->failed = err != NULL;
    if (err)
        reserving->err = *err;
    nl_job_wake(reserving->job);
}

static void on_reserved(void *ctx, int64_t reservation, const nl_err *err) {
    unlink_reserving(ctx);
    end_reserving(ctx, reservation, err);
}

/* The job dies before it was answered. */
static void cancel_reserving(void *op) {
    struct nl_lua_reserving *reserving = op;
    unlink_reserving(reserving);
    nl_store_reserve_cancel(reserving->wait);
}

static int push_reserved(lua_State *L, void *op) {
    struct nl_lua_reserving *reserving = op;
    if (reserving->failed)
        return nl_push_err(L, &reserving->err);
    lua_pushinteger(L, reserving->reservation);
    return 1;
}

/* reservation | nil, message, code = store:reserve(nano): waits until it fits */
static int l_reserve(lua_State *L) {
    nl_err err;
    nl_store *store = nl_lua_check_store(L, 1);
    lua_Integer amount = luaL_checkinteger(L, 2);
    luaL_argcheck(L, amount >= 0, 2, "expected 0 or more");
    nl_job *job = nl_job_here(L);
    struct nl_lua_reserving *reserving = lua_newuserdatauv(L, sizeof *reserving, 1);
    memset(reserving, 0, sizeof *reserving);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* it keeps the store */
    reserving->handle = lua_touserdata(L, 1);
    reserving->job = job;
    reserving->wait = nl_store_reserve(store, amount, on_reserved, reserving, &err);
    if (!reserving->wait)
        return nl_push_err(L, &err);
    reserving->next = reserving->handle->reserving;
    reserving->handle->reserving = reserving;
    return nl_job_park(L, reserving, cancel_reserving, push_reserved);
}

/* --- reservations that nobody settled ------------------------------------------------------ */

struct hold { /* a userdata; its user value is the store's */
    struct nl_lua_store *handle;
    int64_t reservation; /* 0: done with */
};

/* Charges it in full, unless it was settled before. */
static int end_hold(lua_State *L) {
    struct hold *hold = luaL_checkudata(L, 1, HOLD);
    nl_err err;
    if (hold->reservation != 0 && hold->handle->store)
        (void)nl_store_settle(hold->handle->store, hold->reservation, -1, &err);
    hold->reservation = 0;
    return 0;
}

/* hold = store:hold(reservation): to be closed. Whatever ends the job that asks (its item's
 * failure, a deadline), the reservation does not stay open, and nobody waits for it for ever. */
static int l_hold(lua_State *L) {
    (void)nl_lua_check_store(L, 1);
    lua_Integer reservation = luaL_checkinteger(L, 2);
    struct hold *hold = lua_newuserdatauv(L, sizeof *hold, 1);
    *hold = (struct hold){ .handle = lua_touserdata(L, 1), .reservation = reservation };
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, HOLD);
    return 1;
}

/* --- the store ----------------------------------------------------------------------------- */

static struct nl_lua_store *push_closed(lua_State *L) {
    struct nl_lua_store *handle = lua_newuserdatauv(L, sizeof *handle, 0);
    memset(handle, 0, sizeof *handle);
    luaL_setmetatable(L, NL_LUA_STORE);
    return handle;
}

/* store | nil, message, code = open(path) */
static int l_open(lua_State *L) {
    nl_err err;
    const char *path = luaL_checkstring(L, 1);
    struct nl_lua_store *handle = push_closed(L);
    handle->store = nl_store_open(nl_host_loop(L), path, &err);
    return handle->store ? 1 : nl_push_err(L, &err);
}

/* store | nil, message, code = scratch(): one that goes with its closing */
static int l_scratch(lua_State *L) {
    nl_err err;
    struct nl_lua_store *handle = push_closed(L);
    handle->store = nl_store_open_scratch(nl_host_loop(L), &err);
    return handle->store ? 1 : nl_push_err(L, &err);
}

/* store:close(): waits for the disk; who was still waiting is told that it was closed. */
static int l_close(lua_State *L) {
    struct nl_lua_store *handle = luaL_checkudata(L, 1, NL_LUA_STORE);
    nl_store *open = handle->store;
    if (!open)
        return 0;
    handle->store = NULL;
    nl_store_close(open);
    nl_err closed = { .code = NL_CANCELLED, .msg = "the store was closed" };
    for (struct nl_lua_wait *wait; (wait = handle->waits);) {
        handle->waits = wait->next;
        end_wait(wait, &closed);
    }
    for (struct nl_lua_reserving *reserving; (reserving = handle->reserving);) {
        handle->reserving = reserving->next;
        end_reserving(reserving, 0, &closed);
    }
    return 0;
}

/* store:budget(nano | nil) */
static int l_budget(lua_State *L) {
    nl_store *store = nl_lua_check_store(L, 1);
    nl_store_set_budget(store, lua_isnoneornil(L, 2) ? -1 : luaL_checkinteger(L, 2));
    return 0;
}

/* spent, reserved = store:ledger(): nano-dollars */
static int l_ledger(lua_State *L) {
    int64_t spent, reserved;
    nl_store_ledger(nl_lua_check_store(L, 1), &spent, &reserved);
    lua_pushinteger(L, spent);
    lua_pushinteger(L, reserved);
    return 2;
}

/* true | nil, message, code = store:settle(reservation [, cost]): without a cost, in full */
static int l_settle(lua_State *L) {
    nl_err err;
    nl_store *store = nl_lua_check_store(L, 1);
    if (!nl_store_settle(store, luaL_checkinteger(L, 2), luaL_optinteger(L, 3, -1), &err))
        return nl_push_err(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* true | nil, message, code = store:flush(): parks until all that was submitted is durable */
static int l_flush(lua_State *L) {
    nl_err err;
    nl_store *store = nl_lua_check_store(L, 1);
    nl_job *job = nl_job_here(L);
    if (!nl_store_flush(store, nl_lua_durable, nl_lua_wait_push(L, 1, job), &err))
        return nl_push_err(L, &err);
    return nl_lua_wait_park(L);
}

/* message | nil = store:failed() */
static int l_failed(lua_State *L) {
    const nl_err *err = nl_store_failed(nl_lua_check_store(L, 1));
    if (err)
        lua_pushstring(L, err->msg);
    else
        lua_pushnil(L);
    return 1;
}

/* bytes = store:backlog(): submitted and not yet durable */
static int l_backlog(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)nl_store_backlog(nl_lua_check_store(L, 1)));
    return 1;
}

int luaopen_nlsql_store(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "run", nl_lua_run_open }, { "budget", l_budget }, { "ledger", l_ledger },
        { "reserve", l_reserve },   { "settle", l_settle }, { "hold", l_hold },
        { "flush", l_flush },       { "failed", l_failed }, { "backlog", l_backlog },
        { "close", l_close },       { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "open", l_open },
        { "scratch", l_scratch },
        { "view", nl_lua_view_open },
        { NULL, NULL },
    };
    nl_lua_class(L, WAIT, NULL, collect_wait, NULL);
    nl_lua_class(L, HOLD, NULL, end_hold, end_hold);
    nl_lua_run_setup(L);
    nl_lua_view_setup(L);
    nl_lua_class(L, NL_LUA_STORE, methods, l_close, l_close);
    luaL_newlib(L, functions);
    return 1;
}
