#include "bind/lua_http.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "io/http.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

#define REQUEST "nlsql.http.request"

struct op {
    nl_http_call *call; /* while it is under way */
    nl_job *job;
    nl_http_reply reply; /* ours, once it has come */
    double retry_after;
};

static void release_op(struct op *op) {
    if (op->call)
        nl_http_cancel(op->call);
    op->call = NULL;
    nl_buf_release(&op->reply.headers);
    nl_buf_release(&op->reply.body);
}

static int l_collect(lua_State *L) {
    release_op(luaL_checkudata(L, 1, REQUEST));
    return 0;
}

static void cancel_op(void *ctx) {
    release_op(ctx);
}

static void on_done(void *ctx, nl_http_reply *reply) {
    struct op *op = ctx;
    op->call = NULL;
    op->retry_after = nl_http_retry_after(reply, time(NULL));
    op->reply = *reply; /* the buffers move over */
    nl_buf_init(&reply->headers);
    nl_buf_init(&reply->body);
    nl_job_wake(op->job);
}

static int push_reply(lua_State *L, void *ctx) {
    struct op *op = ctx;
    const nl_http_reply *reply = &op->reply;

    lua_createtable(L, 0, 8); /* … reply */
    lua_pushinteger(L, reply->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, reply->body.data, reply->body.size);
    lua_setfield(L, -2, "body");
    lua_pushlstring(L, reply->headers.data, reply->headers.size);
    lua_setfield(L, -2, "headers");
    lua_pushnumber(L, reply->seconds);
    lua_setfield(L, -2, "seconds");
    lua_pushboolean(L, reply->sent);
    lua_setfield(L, -2, "sent");
    if (op->retry_after >= 0) {
        lua_pushnumber(L, op->retry_after);
        lua_setfield(L, -2, "retry_after");
    }
    if (reply->err.code != NL_OK) {
        lua_pushstring(L, reply->err.msg);
        lua_setfield(L, -2, "error");
        lua_pushstring(L, nl_code_name(reply->err.code));
        lua_setfield(L, -2, "code");
    }
    release_op(op); /* not only when it is collected: bodies are large */
    return 1;
}

/* --- the request, field by field ----------------------------------------------------------- */

static void bad_field(lua_State *L, const char *name, const char *wanted) {
    luaL_error(L, "bad argument #1 to 'request' (field '%s': %s expected, got %s)", name, wanted,
               luaL_typename(L, -1));
}

/* The string field, borrowed from the table, which stays on the stack; NULL where it is missing. */
static const char *text_field(lua_State *L, const char *name, size_t *size) {
    const char *text = NULL;
    int type = lua_getfield(L, 1, name);
    if (type ==
        LUA_TSTRING) /* a number would be converted, and the copy not be held by the table */
        text = lua_tolstring(L, -1, size);
    else if (type != LUA_TNIL)
        bad_field(L, name, "string");
    lua_pop(L, 1);
    return text;
}

static lua_Number number_field(lua_State *L, const char *name, lua_Number least, lua_Number most) {
    lua_Number number = 0;
    int type = lua_getfield(L, 1, name);
    if (type == LUA_TNUMBER)
        number = lua_tonumber(L, -1);
    else if (type != LUA_TNIL)
        bad_field(L, name, "number");
    if (type == LUA_TNUMBER && !(number >= least && number <= most))
        luaL_error(L, "bad argument #1 to 'request' (field '%s' must lie between %f and %f)", name,
                   least, most);
    lua_pop(L, 1);
    return number;
}

static uint32_t ms_field(lua_State *L, const char *name) {
    return (uint32_t)(number_field(L, name, 0.001, 1e6) * 1000 + 0.5);
}

/* Pushes an array "Name: value", …, NULL whose strings a table below it holds. [-0, +2, e] */
static const char *const *push_headers(lua_State *L) {
    size_t n = 0;
    int type = lua_getfield(L, 1, "headers"); /* headers */
    if (type != LUA_TNIL && type != LUA_TTABLE)
        bad_field(L, "headers", "table");
    lua_newtable(L); /* headers held */
    if (type == LUA_TTABLE)
        lua_pushnil(L);
    while (type == LUA_TTABLE && lua_next(L, -3)) { /* headers held name value */
        if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
            luaL_error(L, "bad argument #1 to 'request' (headers are names and texts)");
        lua_pushvalue(L, -2);
        lua_pushliteral(L, ": ");
        lua_pushvalue(L, -3);
        lua_concat(L, 3);                     /* headers held name value line */
        lua_rawseti(L, -4, (lua_Integer)++n); /* headers held name value */
        lua_pop(L, 1);                        /* headers held name */
    }
    lua_remove(L, -2);                                                   /* held */
    const char **list = lua_newuserdatauv(L, (n + 1) * sizeof *list, 0); /* held list */
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        list[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    list[n] = NULL;
    return list;
}

static int l_request(lua_State *L) {
    nl_http_request request = { .body_stays = true };
    nl_err err = { .code = NL_OK };

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    request.url = text_field(L, "url", NULL);
    luaL_argcheck(L, request.url, 1, "field 'url' is missing");
    request.method = text_field(L, "method", NULL);
    request.body = text_field(L, "body", &request.body_size);
    request.connect_ms = ms_field(L, "connect");
    request.idle_ms = ms_field(L, "idle");
    request.total_ms = ms_field(L, "total");
    request.max_reply = (size_t)number_field(L, "max_reply", 1, 1e12);
    request.headers = push_headers(L); /* t held list */
    nl_job *job = nl_job_here(L);

    struct op *op = lua_newuserdatauv(L, sizeof *op, 1); /* t held list op */
    *op = (struct op){ .job = job };
    nl_buf_init(&op->reply.headers);
    nl_buf_init(&op->reply.body);
    luaL_setmetatable(L, REQUEST);
    lua_getfield(L, 1, "body");  /* t held list op body */
    lua_setiuservalue(L, -2, 1); /* the body stays as long as op does; the table may change */
    op->call = nl_http_start(nl_host_http(L), &request, on_done, op, &err);
    if (!op->call)
        return nl_push_err(L, &err);
    lua_replace(L, 1); /* op held list */
    lua_settop(L, 1);  /* op: what a parked job does not need can go */
    return nl_job_park(L, op, cancel_op, push_reply);
}

static int l_header(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t n, size;
    lua_settop(L, 2);
    const char *name = luaL_checklstring(L, 2, &n);
    luaL_Buffer lower;
    char *text = luaL_buffinitsize(L, &lower, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)tolower((unsigned char)name[i]);
    luaL_pushresultsize(&lower, n);
    lua_getfield(L, 1, "headers");
    const char *headers = lua_tolstring(L, -1, &size);
    luaL_argcheck(L, headers, 1, "expected a reply of http.request");
    nl_http_reply reply = { .headers = { .size = size } };
    reply.headers.data = (char *)(uintptr_t)headers; /* only read */
    char *value = lua_newuserdatauv(L, size + 1, 0);
    if (nl_http_header(&reply, lua_tostring(L, 3), value, size + 1))
        lua_pushstring(L, value);
    else
        lua_pushnil(L);
    return 1;
}

static int l_is_loopback(lua_State *L) {
    lua_pushboolean(L, nl_http_is_loopback(luaL_checkstring(L, 1)));
    return 1;
}

static int l_remember(lua_State *L) {
    const char *url = luaL_checkstring(L, 1);
    const char *text = luaL_checkstring(L, 2);
    nl_err err = { .code = NL_OK };
    if (!nl_host_http(L)) /* while the configuration is read */
        return luaL_error(L, "there is no endpoint yet to remember something about");
    if (!nl_http_remember(nl_host_http(L), url, text, &err))
        return nl_push_err(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

static int l_remembered(lua_State *L) {
    const char *url = luaL_checkstring(L, 1);
    const nl_http *http = nl_host_http(L);
    const char *text = http ? nl_http_remembered(http, url) : NULL;
    lua_pushstring(L, text); /* nil for NULL */
    return 1;
}

int luaopen_nlsql_http(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "request", l_request },         { "header", l_header },
        { "is_loopback", l_is_loopback }, { "remember", l_remember },
        { "remembered", l_remembered },   { NULL, NULL },
    };
    nl_lua_class(L, REQUEST, NULL, l_collect, NULL);
    luaL_newlib(L, functions);
    return 1;
}
