#include "bind/lua_http.h"

#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "io/http.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

#define CALL "nlsql.http.call"

enum { MAX_HEADERS = 32 };

struct call {
    nl_http_call *call;
    nl_job *job;
    nl_buf headers, body;
    long status;
    double seconds, retry_after;
    nl_err err;
    bool sent;
};

static int collect_call(lua_State *L) {
    struct call *call = luaL_checkudata(L, 1, CALL);
    nl_buf_release(&call->headers);
    nl_buf_release(&call->body);
    return 0;
}

static void cancel_call(void *op) {
    struct call *call = op;
    if (call->call)
        nl_http_cancel(call->call);
    call->call = NULL;
}

static void on_done(void *ctx, nl_http_reply *reply) {
    struct call *call = ctx;
    call->call = NULL;
    call->status = reply->status;
    call->seconds = reply->seconds;
    call->retry_after = nl_http_retry_after(reply, (long long)time(NULL));
    call->err = reply->err;
    call->sent = reply->sent;
    call->headers = reply->headers; /* taken: the reply keeps empty ones */
    call->body = reply->body;
    nl_buf_init(&reply->headers);
    nl_buf_init(&reply->body);
    nl_job_wake(call->job);
}

static int push_reply(lua_State *L, void *op) {
    struct call *call = op;
    lua_createtable(L, 0, 8);
    lua_pushinteger(L, call->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, call->body.data, call->body.size);
    lua_setfield(L, -2, "body");
    lua_pushlstring(L, call->headers.data, call->headers.size);
    lua_setfield(L, -2, "headers");
    lua_pushnumber(L, call->seconds);
    lua_setfield(L, -2, "seconds");
    lua_pushboolean(L, call->sent);
    lua_setfield(L, -2, "sent");
    if (call->retry_after >= 0) {
        lua_pushnumber(L, call->retry_after);
        lua_setfield(L, -2, "retry_after");
    }
    if (call->err.code != NL_OK) {
        lua_pushstring(L, call->err.msg);
        lua_setfield(L, -2, "error");
        lua_pushstring(L, nl_code_name(call->err.code));
        lua_setfield(L, -2, "code");
    }
    nl_buf_release(&call->headers);
    nl_buf_release(&call->body);
    return 1;
}

static const char *text_field(lua_State *L, const char *name) {
    if (lua_getfield(L, 1, name) != LUA_TNIL && lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "%s: expected a string", name);
    return lua_tostring(L, -1); /* stays on the stack */
}

static uint32_t ms_field(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    lua_Number seconds = luaL_optnumber(L, -1, 0);
    lua_pop(L, 1);
    if (seconds < 0 || seconds > 4000000)
        luaL_error(L, "%s: expected seconds", name);
    return (uint32_t)(seconds * 1000 + 0.5);
}

/* Leaves "Name: value" strings on the stack and lists them. */
static void check_headers(lua_State *L, const char *list[MAX_HEADERS + 1]) {
    size_t n = 0;
    luaL_checkstack(L, MAX_HEADERS + 8, "too many headers");
    if (lua_getfield(L, 1, "headers") == LUA_TTABLE) {
        int headers = lua_gettop(L);
        lua_pushnil(L);
        while (lua_next(L, headers)) { /* … name value */
            if (n == MAX_HEADERS)
                luaL_error(L, "too many headers");
            list[n++] = lua_pushfstring(L, "%s: %s", lua_tostring(L, -2), lua_tostring(L, -1));
            lua_remove(L, -2); /* … name line */
            lua_insert(L, -2); /* … line name */
        }
    }
    list[n] = NULL;
}

/* reply = request{url=, method=, headers=, body=, connect=, idle=, total=, max_reply=}; a failed
 * transfer has reply.error and .code. nil, message, code: it could not be started. */
static int l_request(lua_State *L) {
    const char *headers[MAX_HEADERS + 1];
    nl_http_request request = { .headers = headers };
    nl_err err;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    request.url = text_field(L, "url");
    luaL_argcheck(L, request.url, 1, "url is missing");
    request.method = text_field(L, "method");
    request.body = text_field(L, "body");
    request.body_size = request.body ? (size_t)lua_rawlen(L, -1) : 0;
    request.connect_ms = ms_field(L, "connect");
    request.idle_ms = ms_field(L, "idle");
    request.total_ms = ms_field(L, "total");
    lua_getfield(L, 1, "max_reply");
    request.max_reply = (size_t)luaL_optinteger(L, -1, 0);
    check_headers(L, headers);
    nl_job *job = nl_job_here(L);
    nl_http *http = nl_host_http(L);
    if (!http)
        return luaL_error(L, "there is no HTTP client in this state");
    struct call *call = lua_newuserdatauv(L, sizeof *call, 0);
    memset(call, 0, sizeof *call);
    nl_buf_init(&call->headers);
    nl_buf_init(&call->body);
    luaL_setmetatable(L, CALL);
    call->job = job;
    call->call = nl_http_start(http, &request, on_done, call, &err);
    if (!call->call)
        return nl_push_err(L, &err);
    return nl_job_park(L, call, cancel_call, push_reply);
}

/* value | nil = header(reply, name): of reply.headers, one "name: value" a line */
static int l_header(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t size;
    const char *name = luaL_checklstring(L, 2, &size);
    lua_getfield(L, 1, "headers");
    const char *at = luaL_checkstring(L, -1);
    for (; *at; at += strcspn(at, "\n") + 1) {
        if (strncmp(at, name, size) == 0 && at[size] == ':') {
            at += size + 1;
            at += strspn(at, " ");
            lua_pushlstring(L, at, strcspn(at, "\n"));
            return 1;
        }
        if (!at[strcspn(at, "\n")])
            break;
    }
    lua_pushnil(L);
    return 1;
}

static int l_is_loopback(lua_State *L) {
    lua_pushboolean(L, nl_http_is_loopback(luaL_checkstring(L, 1)));
    return 1;
}

int luaopen_nlsql_http(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "request", l_request },
        { "header", l_header },
        { "is_loopback", l_is_loopback },
        { NULL, NULL },
    };
    luaL_newmetatable(L, CALL);
    lua_pushcfunction(L, collect_call);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, functions);
    return 1;
}
