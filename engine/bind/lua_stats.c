#include "bind/lua_stats.h"

#include <string.h>

#include <lauxlib.h>

#include "bind/lua_catalog.h"
#include "bind/lua_class.h"
#include "bind/lua_pg.h"
#include "bind/lua_stats_priv.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

#define SCAN "nlsql.stats.scan"
#define SETTINGS "nlsql.stats.settings"

enum { MAX_TUPLE = 32, MAX_TUPLES = 10000 };

struct scan {
    nl_stats *stats;
    nl_stats_result *result;
    nl_err err;
    nl_job *job;
    nl_host *host;
    nl_on_stop on_stop;
    bool tuples, flat;
};

/* --- options ------------------------------------------------------------------------------------
 */

static lua_Number number_of(lua_State *L, int options, const char *name, lua_Number least,
                            lua_Number most, lua_Number otherwise) {
    lua_Number value = otherwise;
    if (lua_istable(L, options) && lua_getfield(L, options, name) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TNUMBER)
            luaL_error(L, "%s: expected a number, not %s", name, luaL_typename(L, -1));
        value = lua_tonumber(L, -1);
        if (!(value >= least && value <= most)) /* NaN too */
            luaL_error(L, "%s: expected %f to %f", name, least, most);
    }
    lua_settop(L, options);
    return value;
}

static bool flag_of(lua_State *L, int options, const char *name) {
    bool value = false;
    if (lua_istable(L, options)) {
        int type = lua_getfield(L, options, name);
        if (type != LUA_TNIL && type != LUA_TBOOLEAN)
            luaL_error(L, "%s: expected true or false, not %s", name, luaL_typename(L, -1));
        value = lua_toboolean(L, -1);
    }
    lua_settop(L, options);
    return value;
}

static nl_stats_options check_options(lua_State *L, int at) {
    if (!lua_isnoneornil(L, at))
        luaL_checktype(L, at, LUA_TTABLE);
    lua_settop(L, at);
    return (nl_stats_options){
        .connections = (unsigned)number_of(L, at, "connections", 1, 16, 2),
        .memory = (size_t)(number_of(L, at, "memory_mb", 16, 1048576, 512) * 1048576),
        .exact_rows = number_of(L, at, "exact_rows", 1, 1e15, 5e6),
        .min_containment = number_of(L, at, "min_containment", 0, 1, 0.5),
        .max_overlaps = (size_t)number_of(L, at, "max_overlaps", 1, 1e8, 250000),
        .fair = flag_of(L, at, "fair"),
        .statement_ms = (uint32_t)(number_of(L, at, "statement_timeout", 0, 2e6, 0) * 1000 + 0.5),
        .lock_ms = (uint32_t)(number_of(L, at, "lock_timeout", 0.001, 2e6, 1) * 1000 + 0.5),
        .seed = (uint32_t)number_of(L, at, "seed", 0, 2147483647, 1),
        .sketch = (size_t)number_of(L, at, "sketch", 0, 1 << 20, 0),
        .common = flag_of(L, at, "values"),
    };
}

/* Where to connect: options.db, or the engine's own database. Pushes what owns it. [-0, +1, e] */
static const nl_pg *push_settings(lua_State *L, int options, nl_err *err) {
    if (lua_istable(L, options) && lua_getfield(L, options, "db") != LUA_TNIL)
        return nl_check_pg(L, lua_gettop(L));
    lua_settop(L, options);
    if (!nl_host_database(L)) {
        nl_err_set(err, NL_DB, "no database: DATABASE_URL is not set");
        return NULL;
    }
    nl_pg **own = lua_newuserdatauv(L, sizeof *own, 0);
    *own = NULL;
    luaL_setmetatable(L, SETTINGS);
    *own = nl_pg_new(nl_host_loop(L), nl_host_database(L), NULL, err);
    return *own;
}

static int collect_settings(lua_State *L) {
    nl_pg **own = luaL_checkudata(L, 1, SETTINGS);
    nl_pg_free(*own);
    *own = NULL;
    return 0;
}

/* --- waiting ------------------------------------------------------------------------------------
 */

static void on_done(void *ctx, nl_stats_result *result, const nl_err *err) {
    struct scan *scan = ctx;
    scan->stats = NULL;
    scan->result = result;
    if (!result)
        scan->err = *err;
    nl_host_off_stop(scan->host, &scan->on_stop);
    nl_job_wake(scan->job);
}

static void cancel(void *op) {
    struct scan *scan = op;
    nl_host_off_stop(scan->host, &scan->on_stop);
    if (scan->stats)
        nl_stats_cancel(scan->stats);
    scan->stats = NULL;
}

/* The engine was asked to stop. */
static void on_stop(void *ctx) {
    struct scan *scan = ctx;
    if (!scan->stats)
        return;
    cancel(scan);
    nl_err_set(&scan->err, NL_CANCELLED, "interrupted");
    nl_job_wake(scan->job);
}

static int collect(lua_State *L) {
    struct scan *scan = luaL_checkudata(L, 1, SCAN);
    cancel(scan);
    nl_stats_result_free(scan->result);
    scan->result = NULL;
    return 0;
}

static struct scan *push_scan(lua_State *L, nl_job *job) {
    struct scan *scan = lua_newuserdatauv(L, sizeof *scan, 0);
    *scan = (struct scan){ .job = job, .host = nl_host_of(L) };
    scan->on_stop = (nl_on_stop){ .fn = on_stop, .ctx = scan };
    luaL_setmetatable(L, SCAN);
    return scan;
}

static int push_done(lua_State *L, void *op) {
    struct scan *scan = op;
    if (!scan->result)
        return nl_push_err(L, &scan->err);
    if (scan->tuples)
        nl_stats_push_tuples(L, scan->result);
    else
        nl_stats_push_result(L, scan->result, scan->flat);
    nl_stats_result_free(scan->result);
    scan->result = NULL;
    return 1;
}

/* --- scan ---------------------------------------------------------------------------------------
 */

/* The tables of options.tables; without it all but views and foreign ones. [-0, +1, e] */
static const nl_table **push_tables(lua_State *L, const nl_catalog *catalog, int options,
                                    size_t *n) {
    if (lua_istable(L, options) && lua_getfield(L, options, "tables") != LUA_TNIL)
        return nl_check_tables(L, lua_gettop(L), catalog, n);
    size_t all;
    const nl_table *tables = nl_catalog_tables(catalog, &all);
    const nl_table **list = lua_newuserdatauv(L, (all + 1) * sizeof(const nl_table *), 0);
    *n = 0;
    for (size_t i = 0; i < all; i++) {
        if (strchr("rpm", tables[i].kind))
            list[(*n)++] = &tables[i];
    }
    return list;
}

/* result | nil, message, code, sqlstate = scan(schema, {db=, tables=, connections=, memory_mb=,
 * exact_rows=, min_containment=, max_overlaps=, fair=, flat=, statement_timeout=, lock_timeout=,
 * seed=, sketch=, values=}) */
static int l_scan(lua_State *L) {
    nl_err err;
    size_t n;
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    nl_stats_options options = check_options(L, 2);
    bool flat = flag_of(L, 2, "flat");
    nl_job *job = nl_job_here(L);
    const nl_pg *pg = push_settings(L, 2, &err);
    if (!pg)
        return nl_push_err(L, &err);
    const nl_table **tables = push_tables(L, catalog, 2, &n);
    struct scan *scan = push_scan(L, job);
    scan->flat = flat;
    scan->stats = nl_stats_start(nl_host_loop(L), pg, tables, n, &options, on_done, scan, &err);
    if (!scan->stats)
        return nl_push_err(L, &err);
    nl_host_on_stop(scan->host, &scan->on_stop);
    return nl_job_park(L, scan, cancel, push_done);
}

/* --- tuples -------------------------------------------------------------------------------------
 */

static const nl_table *check_table(lua_State *L, const nl_catalog *catalog, int i,
                                   const char *name) {
    lua_getfield(L, -1, name);
    const char *reference = lua_tostring(L, -1);
    const nl_table *table = reference ? nl_find_reference(catalog, reference) : NULL;
    if (!table)
        luaL_error(L, "tuple %d: %s: there is no table %s", i, name,
                   reference ? reference : "(not a string)");
    lua_pop(L, 1);
    return table;
}

static size_t check_columns(lua_State *L, const nl_table *table, int i, const char *name,
                            uint16_t *columns) {
    if (lua_getfield(L, -1, name) != LUA_TTABLE)
        luaL_error(L, "tuple %d: %s: expected a list of columns", i, name);
    size_t n = (size_t)lua_rawlen(L, -1);
    if (n < 1 || n > MAX_TUPLE)
        luaL_error(L, "tuple %d: %s: expected 1 to %d columns", i, name, MAX_TUPLE);
    for (size_t c = 0; c < n; c++) {
        lua_rawgeti(L, -1, (lua_Integer)c + 1);
        const char *column = lua_tostring(L, -1);
        int at = column ? nl_table_column(table, column) : -1;
        if (at < 0)
            luaL_error(L, "tuple %d: %s: %s has no column %s", i, name, table->reference,
                       column ? column : "(not a string)");
        columns[c] = (uint16_t)at;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return n;
}

/* The wishes in the list at 2, in memory that Lua owns. [-0, +1, e] */
static nl_stats_tuple *push_wishes(lua_State *L, const nl_catalog *catalog, size_t *n) {
    luaL_checktype(L, 2, LUA_TTABLE);
    *n = (size_t)lua_rawlen(L, 2);
    luaL_argcheck(L, *n <= MAX_TUPLES, 2, "too many tuples");
    size_t columns = *n * 2 * MAX_TUPLE * sizeof(uint16_t);
    nl_stats_tuple *list = lua_newuserdatauv(L, (*n + 1) * sizeof *list + columns, 0);
    uint16_t *own = (uint16_t *)(void *)(list + *n + 1);
    for (size_t i = 0; i < *n; i++, own += (size_t)2 * MAX_TUPLE) {
        int place = (int)i + 1;
        if (lua_rawgeti(L, 2, place) != LUA_TTABLE)
            luaL_error(L, "tuple %d: expected a table", place);
        list[i] = (nl_stats_tuple){ .from = check_table(L, catalog, place, "from"),
                                    .to = check_table(L, catalog, place, "to"),
                                    .columns = own,
                                    .referred = own + MAX_TUPLE };
        list[i].n = check_columns(L, list[i].from, place, "columns", own);
        if (check_columns(L, list[i].to, place, "referred", own + MAX_TUPLE) != list[i].n)
            luaL_error(L, "tuple %d: as many columns on each side", place);
        lua_pop(L, 1);
    }
    return list;
}

/* list | nil, message, code, sqlstate = tuples(schema, {{from=, columns=, to=, referred=}…},
 * options) */
static int l_tuples(lua_State *L) {
    nl_err err;
    size_t n;
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    nl_stats_options options = check_options(L, 3);
    options.sketch = 0;
    nl_job *job = nl_job_here(L);
    const nl_stats_tuple *wishes = push_wishes(L, catalog, &n);
    lua_insert(L, 3); /* schema list wishes options */
    const nl_pg *pg = push_settings(L, 4, &err);
    if (!pg)
        return nl_push_err(L, &err);
    struct scan *scan = push_scan(L, job);
    scan->tuples = true;
    scan->stats =
        nl_stats_start_tuples(nl_host_loop(L), pg, wishes, n, &options, on_done, scan, &err);
    if (!scan->stats)
        return nl_push_err(L, &err);
    nl_host_on_stop(scan->host, &scan->on_stop);
    return nl_job_park(L, scan, cancel, push_done);
}

int luaopen_nlsql_stats(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "scan", l_scan },
        { "tuples", l_tuples },
        { NULL, NULL },
    };
    nl_lua_class(L, SCAN, NULL, collect, NULL);
    nl_lua_class(L, SETTINGS, NULL, collect_settings, NULL);
    luaL_newlib(L, functions);
    return 1;
}
