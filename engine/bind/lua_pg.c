#include "bind/lua_pg.h"

#include <string.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "bind/lua_json.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

#define POOL "nlsql.pg"
#define REQUEST "nlsql.pg.request"

struct request {
    nl_pg_op *op;
    nl_job *job;
    nl_pg_reply reply;
    bool has_reply;
    bool probe, rows; /* how the reply is told */
};

nl_pg *nl_check_pg(lua_State *L, int arg) {
    nl_pg **pg = luaL_checkudata(L, arg, POOL);
    luaL_argcheck(L, *pg, arg, "this connection pool is closed");
    return *pg;
}

static lua_Number number_field(lua_State *L, int options, const char *name, lua_Number otherwise) {
    lua_Number value = otherwise;
    if (!lua_istable(L, options))
        return otherwise;
    if (lua_getfield(L, options, name) != LUA_TNIL) {
        if (!lua_isnumber(L, -1) || !(lua_tonumber(L, -1) >= 0)) /* NaN too */
            luaL_error(L, "%s: expected a number of 0 or more", name);
        value = lua_tonumber(L, -1);
    }
    lua_pop(L, 1);
    return value;
}

static bool flag_field(lua_State *L, int options, const char *name, bool otherwise) {
    if (!lua_istable(L, options))
        return otherwise;
    bool value = lua_getfield(L, options, name) == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* Seconds as milliseconds; a little is never 0, which stands for the default. */
static uint32_t ms_field(lua_State *L, int options, const char *name) {
    lua_Number seconds = number_field(L, options, name, 0);
    if (seconds > 0 && seconds < 0.001)
        return 1;
    return seconds > 4000000 ? 4000000000u : (uint32_t)(seconds * 1000 + 0.5);
}

static size_t size_field(lua_State *L, int options, const char *name) {
    lua_Number value = number_field(L, options, name, 0);
    return value < 9e15 ? (size_t)value : (size_t)9e15;
}

static nl_pg_limits check_limits(lua_State *L, int options) {
    if (!lua_isnoneornil(L, options))
        luaL_checktype(L, options, LUA_TTABLE);
    return (nl_pg_limits){
        .statement_ms = ms_field(L, options, "statement_timeout"),
        .lock_ms = ms_field(L, options, "lock_timeout"),
        .deadline_ms = ms_field(L, options, "deadline"),
        .max_cost = number_field(L, options, "max_cost", 0),
        .max_rows = size_field(L, options, "max_rows"),
        .max_bytes = size_field(L, options, "max_bytes"),
        .max_field = size_field(L, options, "max_field"),
        .max_plan_rows = number_field(L, options, "max_plan_rows", 0),
        .work_mem_kb = size_field(L, options, "work_mem"),
        .temp_kb = size_field(L, options, "temp_files"),
    };
}

/* --- requests ----------------------------------------------------------------------------- */

static struct request *push_request(lua_State *L) {
    struct request *request = lua_newuserdatauv(L, sizeof *request, 1);
    memset(request, 0, sizeof *request);
    luaL_setmetatable(L, REQUEST);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* the request keeps its pool alive */
    return request;
}

static void release(struct request *request) {
    if (request->op)
        nl_pg_cancel(request->op);
    request->op = NULL;
    if (request->has_reply)
        nl_pg_reply_release(&request->reply);
    request->has_reply = false;
}

/* Its pool, made before it, is collected after it. */
static int collect_request(lua_State *L) {
    release(luaL_checkudata(L, 1, REQUEST));
    return 0;
}

static void cancel_request(void *op) {
    release(op);
}

static void on_done(void *ctx, nl_pg_reply *reply) {
    struct request *request = ctx;
    request->op = NULL;
    request->reply = *reply;
    request->has_reply = true;
    nl_job_wake(request->job);
}

static void set_str(lua_State *L, const char *name, const char *value) {
    if (value && value[0]) {
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
}

static void set_num(lua_State *L, const char *name, lua_Number value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void push_names(lua_State *L, const nl_pg_rows *rows) {
    lua_createtable(L, (int)rows->columns, 0);
    for (size_t c = 0; c < rows->columns; c++) {
        lua_pushstring(L, rows->names[c]);
        lua_rawseti(L, -2, (lua_Integer)c + 1);
    }
    nl_mark_json_array(L);
}

/* The OIDs of the columns' types. */
static void push_types(lua_State *L, const nl_pg_rows *rows) {
    lua_createtable(L, (int)rows->columns, 0);
    for (size_t c = 0; c < rows->columns; c++) {
        lua_pushinteger(L, rows->types[c]);
        lua_rawseti(L, -2, (lua_Integer)c + 1);
    }
    nl_mark_json_array(L);
}

/* Where the columns come from: {oid=, number=} of a relation's column, false for expressions. */
static void push_origins(lua_State *L, const nl_pg_rows *rows) {
    lua_createtable(L, (int)rows->columns, 0);
    for (size_t c = 0; c < rows->columns; c++) {
        if (rows->tables[c] && rows->numbers[c]) {
            lua_createtable(L, 0, 2);
            lua_pushinteger(L, rows->tables[c]);
            lua_setfield(L, -2, "oid");
            lua_pushinteger(L, rows->numbers[c]);
            lua_setfield(L, -2, "number");
        } else {
            lua_pushboolean(L, false);
        }
        lua_rawseti(L, -2, (lua_Integer)c + 1);
    }
    nl_mark_json_array(L);
}

static void push_rows(lua_State *L, const nl_pg_rows *rows) {
    lua_createtable(L, (int)rows->rows, 0);
    for (size_t r = 0; r < rows->rows; r++) {
        lua_createtable(L, (int)rows->columns, 0);
        for (size_t c = 0; c < rows->columns; c++) {
            size_t at = r * rows->columns + c;
            if (rows->cells[at])
                lua_pushlstring(L, rows->cells[at], rows->sizes[at]);
            else
                nl_push_json_null(L);
            lua_rawseti(L, -2, (lua_Integer)c + 1);
        }
        nl_mark_json_array(L);
        lua_rawseti(L, -2, (lua_Integer)r + 1);
    }
    nl_mark_json_array(L);
}

static bool all_null(const nl_pg_rows *rows) {
    for (size_t i = 0; i < rows->rows * rows->columns; i++) {
        if (rows->cells[i])
            return false;
    }
    return true;
}

static int push_probe(lua_State *L, const struct request *request) {
    static const char *const stages[] = {
        [NL_PG_CONNECT] = "connect", [NL_PG_EXPLAIN] = "explain", [NL_PG_COST] = "cost",
        [NL_PG_EXECUTE] = "execute", [NL_PG_DONE] = "done",
    };
    const nl_pg_reply *reply = &request->reply;
    lua_createtable(L, 0, 16);
    set_str(L, "stage", stages[reply->stage]);
    if (reply->err.code != NL_OK) {
        set_str(L, "error", reply->err.msg);
        set_str(L, "code", nl_code_name(reply->err.code));
        set_str(L, "sqlstate", reply->err.sqlstate);
    }
    set_str(L, "detail", reply->detail);
    set_str(L, "hint", reply->hint);
    if (reply->position) {
        lua_pushinteger(L, reply->position);
        lua_setfield(L, -2, "position");
    }
    set_num(L, "cost", reply->cost);
    set_num(L, "plan_rows", reply->plan_rows);
    set_num(L, "most_rows", reply->most_rows);
    lua_pushlstring(L, reply->plan.data, reply->plan.size);
    lua_setfield(L, -2, "plan");
    set_num(L, "explain_ms", reply->explain_ms);
    set_num(L, "execute_ms", reply->execute_ms);
    lua_pushinteger(L, (lua_Integer)reply->rows.rows);
    lua_setfield(L, -2, "n_rows");
    lua_pushboolean(L, reply->rows.more);
    lua_setfield(L, -2, "more");
    lua_pushboolean(L, all_null(&reply->rows));
    lua_setfield(L, -2, "all_null");
    push_names(L, &reply->rows);
    lua_setfield(L, -2, "columns");
    if (request->rows) {
        push_types(L, &reply->rows);
        lua_setfield(L, -2, "types");
        push_origins(L, &reply->rows);
        lua_setfield(L, -2, "origins");
        push_rows(L, &reply->rows);
        lua_setfield(L, -2, "rows");
    }
    return 1;
}

static int push_query(lua_State *L, const struct request *request) {
    const nl_pg_reply *reply = &request->reply;
    if (reply->err.code != NL_OK)
        return nl_push_err(L, &reply->err);
    lua_createtable(L, 0, 4);
    push_names(L, &reply->rows);
    lua_setfield(L, -2, "columns");
    push_types(L, &reply->rows);
    lua_setfield(L, -2, "types");
    push_origins(L, &reply->rows);
    lua_setfield(L, -2, "origins");
    push_rows(L, &reply->rows);
    lua_setfield(L, -2, "rows");
    lua_pushboolean(L, reply->rows.more);
    lua_setfield(L, -2, "more");
    return 1;
}

static int push_reply(lua_State *L, void *op) {
    struct request *request = op;
    int n = request->probe ? push_probe(L, request) : push_query(L, request);
    release(request);
    return n;
}

static bool is_json_null(lua_State *L, int at) {
    at = lua_absindex(L, at);
    nl_push_json_null(L);
    bool is = lua_rawequal(L, at, -1);
    lua_pop(L, 1);
    return is;
}

/* {columns, types, origins, rows, more} | nil, message, code, sqlstate = db:query(sql [, params [,
 * limits]]): json.null among the params is SQL's NULL. */
static int l_query(lua_State *L) {
    enum { MAX_PARAMS = 32 };
    const char *params[MAX_PARAMS];
    size_t n = 0;
    nl_err err;
    nl_pg *pg = nl_check_pg(L, 1);
    const char *sql = luaL_checkstring(L, 2);
    nl_pg_limits limits = check_limits(L, 4);
    lua_settop(L, 4);
    if (!lua_isnil(L, 3)) {
        luaL_checktype(L, 3, LUA_TTABLE);
        n = (size_t)lua_rawlen(L, 3);
        luaL_argcheck(L, n <= MAX_PARAMS, 3, "too many parameters");
        luaL_checkstack(L, (int)n + 4, "too many parameters");
        for (size_t i = 0; i < n; i++) { /* they stay on the stack until they were copied */
            lua_rawgeti(L, 3, (lua_Integer)i + 1);
            params[i] = NULL;
            if (!is_json_null(L, -1)) {
                params[i] = luaL_tolstring(L, -1, NULL);
                lua_remove(L, -2);
            }
        }
    }
    nl_job *job = nl_job_here(L);
    struct request *request = push_request(L);
    request->job = job;
    request->op = nl_pg_query(pg, sql, params, n, &limits, on_done, request, &err);
    if (!request->op)
        return nl_push_err(L, &err);
    return nl_job_park(L, request, cancel_request, push_reply);
}

/* result = db:probe(sql [, options]): EXPLAIN, then run: see nl_pg_probe. Failures are in the
 * result, with the stage that they happened at. */
static int l_probe(lua_State *L) {
    nl_err err;
    nl_pg *pg = nl_check_pg(L, 1);
    const char *sql = luaL_checkstring(L, 2);
    nl_pg_limits limits = check_limits(L, 3);
    bool execute = flag_field(L, 3, "execute", true), rows = flag_field(L, 3, "rows", false);
    nl_job *job = nl_job_here(L);
    struct request *request = push_request(L);
    request->job = job;
    request->probe = true;
    request->rows = rows;
    request->op = nl_pg_probe(pg, sql, execute, &limits, on_done, request, &err);
    if (!request->op)
        return nl_push_err(L, &err);
    return nl_job_park(L, request, cancel_request, push_reply);
}

/* --- the pool ----------------------------------------------------------------------------- */

/* db | nil, message, code = open([url], {sessions=, connect_timeout=}): url nil: the engine's own
 */
static int l_open(lua_State *L) {
    nl_err err;
    const char *url = luaL_optstring(L, 1, NULL);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    nl_pg_options options = {
        .sessions = size_field(L, 2, "sessions"),
        .connect_ms = ms_field(L, 2, "connect_timeout"),
    };
    url = url ? url : nl_host_database(L);
    if (!url) {
        nl_err_set(&err, NL_DB, "no database: DATABASE_URL is not set");
        return nl_push_err(L, &err);
    }
    nl_pg **pg = lua_newuserdatauv(L, sizeof *pg, 0);
    *pg = NULL;
    luaL_setmetatable(L, POOL);
    *pg = nl_pg_new(nl_host_loop(L), url, &options, &err);
    return *pg ? 1 : nl_push_err(L, &err);
}

static int l_close(lua_State *L) {
    nl_pg **pg = luaL_checkudata(L, 1, POOL);
    nl_pg_stats stats = { 0 };
    if (*pg)
        nl_pg_get_stats(*pg, &stats);
    if (stats.busy + stats.waiting > 0)
        return luaL_error(L, "cannot close this pool: requests are under way");
    nl_pg_free(*pg);
    *pg = NULL;
    return 0;
}

/* No request is left: each keeps its pool alive. */
static int collect_pool(lua_State *L) {
    nl_pg **pg = luaL_checkudata(L, 1, POOL);
    nl_pg_free(*pg);
    *pg = NULL;
    return 0;
}

static int l_name(lua_State *L) {
    lua_pushstring(L, nl_pg_name(nl_check_pg(L, 1)));
    return 1;
}

static int l_stats(lua_State *L) {
    nl_pg_stats stats;
    nl_pg_get_stats(nl_check_pg(L, 1), &stats);
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        { "open", stats.open },         { "busy", stats.busy },       { "waiting", stats.waiting },
        { "connects", stats.connects }, { "queries", stats.queries }, { "probes", stats.probes },
        { "retired", stats.retired },
    };
    lua_newtable(L);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(L, (lua_Integer)fields[i].value);
        lua_setfield(L, -2, fields[i].name);
    }
    return 1;
}

int luaopen_nlsql_pg(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "query", l_query }, { "probe", l_probe }, { "name", l_name },
        { "stats", l_stats }, { "close", l_close }, { NULL, NULL },
    };
    static const luaL_Reg meta[] = {
        { "__gc", collect_pool },
        { "__close", l_close },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "open", l_open },
        { NULL, NULL },
    };
    nl_lua_class(L, REQUEST, NULL, collect_request, NULL);
    luaL_newmetatable(L, POOL);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
