#include "bind/lua_correlate.h"

#include <math.h>
#include <string.h>

#include <lauxlib.h>

#include "bind/lua_catalog.h"
#include "bind/lua_class.h"
#include "bind/lua_json.h"
#include "bind/lua_pg.h"
#include "db/correlate.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

#define MEASURING "nlsql.correlate.measuring"

struct measuring {
    nl_correlation *correlation;
    nl_pg *pg; /* its own; NULL where the script gave one */
    nl_job *job;
    nl_correlate_result result;
    nl_err err; /* NL_OK: there is a result */
};

static void cancel_measuring(void *op) {
    struct measuring *m = op;
    if (m->correlation)
        nl_correlate_cancel(m->correlation);
    m->correlation = NULL;
}

static void release(struct measuring *m) {
    cancel_measuring(m);
    nl_correlate_result_release(&m->result);
    nl_pg_free(m->pg);
    m->pg = NULL;
}

static int collect_measuring(lua_State *L) {
    release(luaL_checkudata(L, 1, MEASURING));
    return 0;
}

static void on_done(void *ctx, nl_correlate_result *result, const nl_err *err) {
    struct measuring *m = ctx;
    m->correlation = NULL;
    if (result)
        m->result = *result;
    else
        m->err = *err;
    nl_job_wake(m->job);
}

/* --- options --------------------------------------------------------------------------------- */

static lua_Number number_option(lua_State *L, const char *name, lua_Number least, lua_Number most,
                                lua_Number otherwise) {
    lua_Number value = otherwise;
    if (lua_getfield(L, 3, name) != LUA_TNIL) {
        value = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
        if (!(value >= least && value <= most))
            luaL_error(L, "%s: expected a number from %f to %f, not %s", name, least, most,
                       luaL_tolstring(L, -1, NULL));
    }
    lua_pop(L, 1);
    return value;
}

static size_t count_option(lua_State *L, const char *name, lua_Number least, lua_Number most,
                           lua_Number otherwise) {
    lua_Number value = number_option(L, name, least, most, otherwise);
    if (value != floor(value))
        luaL_error(L, "%s: expected a whole number", name);
    return (size_t)value;
}

/* options.columns as a list that Lua owns, which stays on the stack; NULL: there is none.
 * [-0, +(0 to n + 2), v] */
static const char *const *column_option(lua_State *L) {
    if (lua_getfield(L, 3, "columns") == LUA_TNIL)
        return NULL;
    if (!lua_istable(L, -1))
        luaL_error(L, "columns: expected a list of names");
    int list = lua_gettop(L);
    size_t n = (size_t)lua_rawlen(L, list);
    luaL_argcheck(L, n <= 1600, 3, "columns: more than a table can have");
    luaL_checkstack(L, (int)n + 8, "too many columns");
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    for (size_t i = 0; i < n; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "columns: expected a list of names");
        names[i] = lua_tostring(L, -1);
    }
    names[n] = NULL;
    return names;
}

static nl_correlate_options check_options(lua_State *L) {
    nl_correlate_options options = {
        .rows = count_option(L, "rows", 2, 1e8, 100000),
        .full_rows = number_option(L, "full_rows", 0, 1e15, 1e6),
        .seed = (uint64_t)number_option(L, "seed", 0, 0x1p53, 1),
        .max_columns = count_option(L, "max_columns", 2, 1600, 100),
        .limits = { .max_categories = count_option(L, "max_categories", 2, 1e6, 200),
                    .max_bins = count_option(L, "bins", 2, 1e4, 16),
                    .max_error = number_option(L, "max_error", 0, 1, 0.05),
                    .max_bytes = count_option(L, "memory_mb", 1, 1e6, 256) << 20 },
    };
    lua_Number seconds = number_option(L, "statement_timeout", 0.001, 4e6, 60);
    options.query.statement_ms = (uint32_t)ceil(seconds * 1000);
    seconds = number_option(L, "lock_timeout", 0.001, 4e6, 1);
    options.query.lock_ms = (uint32_t)ceil(seconds * 1000);
    options.query.max_bytes = options.limits.max_bytes;
    return options;
}

/* --- the result ------------------------------------------------------------------------------ */

static void set_number(lua_State *L, const char *name, double value) {
    if (isnan(value))
        return;
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void set_count(lua_State *L, const char *name, size_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *value) {
    if (!value)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

/* The columns that were measured, if only for dependencies. */
static void push_columns(lua_State *L, const nl_correlate_result *result) {
    static const char *const measures[] = { "number", "category", "equality" };
    lua_Integer n = 0;
    lua_newtable(L);
    for (size_t i = 0; i < result->n_names; i++) {
        const nl_correlate_name *name = &result->names[i];
        if (name->index == SIZE_MAX)
            continue;
        const nl_correlate_column *column = &result->found.columns[name->index];
        if (column->measure == NL_MEASURE_NOTHING)
            continue;
        lua_createtable(L, 0, 5);
        set_text(L, "column", name->name);
        set_text(L, "measure", measures[column->measure]);
        set_count(L, "nulls", column->missing);
        set_count(L, "distinct", column->distinct);
        if (column->bins > 0)
            set_count(L, "bins", column->bins);
        lua_rawseti(L, -2, ++n);
    }
    nl_mark_json_array(L);
}

/* Those that were not, or not in full. */
static void push_skipped(lua_State *L, const nl_correlate_result *result) {
    lua_Integer n = 0;
    lua_newtable(L);
    for (size_t i = 0; i < result->n_names; i++) {
        if (!result->names[i].reason)
            continue;
        lua_createtable(L, 0, 2);
        set_text(L, "column", result->names[i].name);
        set_text(L, "reason", result->names[i].reason);
        lua_rawseti(L, -2, ++n);
    }
    nl_mark_json_array(L);
}

static void push_pairs(lua_State *L, const nl_correlate_result *result) {
    const nl_correlations *found = &result->found;
    lua_createtable(L, (int)found->n_pairs, 0);
    for (size_t i = 0; i < found->n_pairs; i++) {
        const nl_correlate_pair *pair = &found->pairs[i];
        lua_createtable(L, 0, 6);
        set_text(L, "a", result->read[pair->a]);
        set_text(L, "b", result->read[pair->b]);
        set_count(L, "n", pair->n);
        set_number(L, "pearson", pair->pearson);
        set_number(L, "spearman", pair->spearman);
        set_number(L, "cramers_v", pair->cramers_v);
        set_number(L, "correlation_ratio", pair->correlation_ratio);
        set_number(L, "mutual_information", pair->mutual_information);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
}

static void push_dependencies(lua_State *L, const nl_correlate_result *result) {
    const nl_correlations *found = &result->found;
    lua_createtable(L, (int)found->n_dependencies, 0);
    for (size_t i = 0; i < found->n_dependencies; i++) {
        const nl_dependency *one = &found->dependencies[i];
        lua_createtable(L, 0, 6);
        set_text(L, "from", result->read[one->from]);
        set_text(L, "to", result->read[one->to]);
        set_number(L, "error", one->error);
        set_number(L, "baseline", one->baseline);
        set_count(L, "n", one->n);
        set_count(L, "repeated", one->repeated);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
}

static int push_result(lua_State *L, void *op) {
    struct measuring *m = op;
    const nl_correlate_result *result = &m->result;
    if (m->err.code != NL_OK)
        return nl_push_err(L, &m->err);
    lua_createtable(L, 0, 6);
    set_count(L, "rows", result->rows);
    if (result->total > (double)result->rows)
        set_number(L, "sampled", (double)result->rows / result->total);
    push_columns(L, result);
    lua_setfield(L, -2, "columns");
    push_skipped(L, result);
    lua_setfield(L, -2, "skipped");
    push_pairs(L, result);
    lua_setfield(L, -2, "pairs");
    push_dependencies(L, result);
    lua_setfield(L, -2, "dependencies");
    release(m);
    return 1;
}

/* --- the call -------------------------------------------------------------------------------- */

/* result | nil, message, code, sqlstate = correlations(schema, ref [, options]): schema is a
 * catalog, options.db the pool that asks; without one the engine's own database is asked. */
int nl_stats_l_correlations(lua_State *L) {
    nl_err err;
    nl_pg *pg = NULL;
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    const nl_table *table = nl_find_reference(catalog, luaL_checkstring(L, 2));
    luaL_argcheck(L, table, 2, "there is no such table");
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    if (lua_getfield(L, 3, "db") != LUA_TNIL) /* at 4 */
        pg = nl_check_pg(L, 4);
    nl_correlate_options options = check_options(L);
    options.columns = column_option(L);
    const char *url = nl_host_database(L);
    nl_job *job = nl_job_here(L);
    struct measuring *m = lua_newuserdatauv(L, sizeof *m, 1);
    memset(m, 0, sizeof *m);
    luaL_setmetatable(L, MEASURING);
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, -2, 1); /* it keeps its pool */
    m->job = job;
    if (!pg && !url) {
        nl_err_set(&err, NL_DB, "no database: DATABASE_URL is not set, and no db was given");
        return nl_push_err(L, &err);
    }
    if (!pg)
        pg = m->pg = nl_pg_new(nl_host_loop(L), url, &(nl_pg_options){ .sessions = 1 }, &err);
    if (pg)
        m->correlation = nl_correlate_start(nl_host_loop(L), pg, table, &options, on_done, m, &err);
    if (!m->correlation)
        return nl_push_err(L, &err);
    return nl_job_park(L, m, cancel_measuring, push_result);
}

int luaopen_nlsql_correlate(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "correlations", nl_stats_l_correlations },
        { NULL, NULL },
    };
    nl_lua_class(L, MEASURING, NULL, collect_measuring, NULL);
    luaL_newlib(L, functions);
    return 1;
}
