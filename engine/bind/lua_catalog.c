#include "bind/lua_catalog.h"

#include <string.h>

#include <lauxlib.h>

#include "bind/lua_catalog_priv.h"
#include "bind/lua_class.h"
#include "bind/lua_json.h"
#include "bind/lua_pg.h"
#include "bind/lua_text.h"
#include "db/catalog_choice.h"
#include "script/job.h"

#include "base/banned.h"

#define CATALOG "nlsql.catalog"
#define LOADING "nlsql.catalog.loading"
#define KEEPER "nlsql.catalog.keeper"

enum { MAX_NAMES = 1000 }; /* in one list of options */

const nl_catalog *nl_check_catalog(lua_State *L, int arg) {
    nl_catalog **catalog = luaL_checkudata(L, arg, CATALOG);
    return *catalog;
}

/* Most references are a name, or a schema and a name; the others are looked for one by one. */
static const nl_table *find_plain(const nl_catalog *catalog, const char *reference) {
    char schema[64];
    const char *dot = strchr(reference, '.');
    if (!dot)
        return nl_catalog_find(catalog, NULL, reference);
    size_t size = (size_t)(dot - reference);
    if (size >= sizeof schema)
        return NULL;
    memcpy(schema, reference, size);
    schema[size] = '\0';
    return nl_catalog_find(catalog, schema, dot + 1);
}

const nl_table *nl_find_reference(const nl_catalog *catalog, const char *reference) {
    size_t n;
    const nl_table *plain = find_plain(catalog, reference);
    if (plain && strcmp(plain->reference, reference) == 0)
        return plain;
    const nl_table *tables = nl_catalog_tables(catalog, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tables[i].reference, reference) == 0)
            return &tables[i];
    }
    return NULL;
}

const nl_table **nl_check_tables(lua_State *L, int arg, const nl_catalog *catalog, size_t *n) {
    luaL_checktype(L, arg, LUA_TTABLE);
    *n = (size_t)lua_rawlen(L, arg);
    const nl_table **list = lua_newuserdatauv(L, (*n + 1) * sizeof *list, 0);
    for (size_t i = 0; i < *n; i++) {
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        const char *reference = lua_tostring(L, -1);
        list[i] = reference ? nl_find_reference(catalog, reference) : NULL;
        if (!list[i])
            luaL_error(L, "there is no table %s", reference ? reference : "(not a string)");
        lua_pop(L, 1);
    }
    return list;
}

/* --- loading --------------------------------------------------------------------------------- */

struct loading {
    nl_catalog_load *load;
    nl_catalog *catalog;
    nl_err err;
    nl_job *job;
};

static void on_loaded(void *ctx, nl_catalog *catalog, const nl_err *err) {
    struct loading *loading = ctx;
    loading->load = NULL;
    loading->catalog = catalog;
    if (!catalog)
        loading->err = *err;
    nl_job_wake(loading->job);
}

static void cancel_loading(void *op) {
    struct loading *loading = op;
    if (loading->load)
        nl_catalog_cancel(loading->load);
    loading->load = NULL;
}

static int collect_loading(lua_State *L) {
    struct loading *loading = luaL_checkudata(L, 1, LOADING);
    nl_catalog_free(loading->catalog);
    loading->catalog = NULL;
    return 0;
}

static int push_loaded(lua_State *L, void *op) {
    struct loading *loading = op;
    if (!loading->catalog)
        return nl_push_err(L, &loading->err);
    nl_catalog **catalog = lua_newuserdatauv(L, sizeof *catalog, 0);
    *catalog = NULL;
    luaL_setmetatable(L,
                      CATALOG); /* may run out of memory, so the catalog changes hands after it */
    *catalog = loading->catalog;
    loading->catalog = NULL;
    return 1;
}

/* The list of strings opts[key], or NULL where there is none; they stay on the stack until copied.
 * [-0, +(n + 2), v] */
static const char *const *check_names(lua_State *L, int opts, const char *key) {
    if (lua_isnoneornil(L, opts) || lua_getfield(L, opts, key) == LUA_TNIL)
        return NULL;
    int list = lua_gettop(L);
    if (!lua_istable(L, list))
        luaL_error(L, "%s: expected a list of names", key);
    size_t n = (size_t)lua_rawlen(L, list);
    if (n > MAX_NAMES)
        luaL_error(L, "%s: more than %d names", key, MAX_NAMES);
    luaL_checkstack(L, (int)n + 8, "too many names");
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    for (size_t i = 0; i < n; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "%s: string expected", key);
        names[i] = lua_tostring(L, -1);
    }
    names[n] = NULL;
    return names;
}

/* catalog | nil, message, code, sqlstate = load(db, {schemas=, include=, exclude=}) */
static int l_load(lua_State *L) {
    nl_catalog_options options;
    nl_err err;
    nl_pg *pg = nl_check_pg(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    options.schemas = check_names(L, 2, "schemas");
    options.include = check_names(L, 2, "include");
    options.exclude = check_names(L, 2, "exclude");
    nl_job *job = nl_job_here(L);
    struct loading *loading = lua_newuserdatauv(L, sizeof *loading, 1);
    memset(loading, 0, sizeof *loading);
    luaL_setmetatable(L, LOADING);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* the load keeps its pool */
    loading->job = job;
    loading->load = nl_catalog_start(pg, &options, on_loaded, loading, &err);
    if (!loading->load)
        return nl_push_err(L, &err);
    return nl_job_park(L, loading, cancel_loading, push_loaded);
}

/* fresh | nil, message, code = cat:relate(from, columns, to, referred_columns): adds a
 * foreign key that the database does not declare; false where it is there already */
static int l_relate(lua_State *L) {
    bool fresh = false;
    nl_err err;
    nl_catalog *catalog = *(nl_catalog **)luaL_checkudata(L, 1, CATALOG);
    const nl_table *from = nl_find_reference(catalog, luaL_checkstring(L, 2));
    const nl_table *to = nl_find_reference(catalog, luaL_checkstring(L, 4));
    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checktype(L, 5, LUA_TTABLE);
    size_t n = (size_t)lua_rawlen(L, 3);
    luaL_argcheck(L, from, 2, "there is no such table");
    luaL_argcheck(L, to, 4, "there is no such table");
    luaL_argcheck(L, n > 0 && n == (size_t)lua_rawlen(L, 5), 5, "as many columns on each side");
    lua_settop(L, 5);
    lua_createtable(L, 0, 2); /* in the form that check_names reads */
    lua_pushvalue(L, 3);
    lua_setfield(L, 6, "columns");
    lua_pushvalue(L, 5);
    lua_setfield(L, 6, "referred");
    const char *const *columns = check_names(L, 6, "columns");
    const char *const *referred = check_names(L, 6, "referred");
    if (!nl_catalog_relate(catalog, from, columns, to, referred, n, &fresh, &err))
        return nl_push_err(L, &err);
    lua_pushboolean(L, fresh);
    return 1;
}

/* true | nil, message, code = pattern(text): can `include` and `exclude` have it? */
static int l_pattern(lua_State *L) {
    const char *list[] = { luaL_checkstring(L, 1), NULL };
    catalog_choice choice = { 0 };
    nl_err err;
    bool good = nl_catalog_choice_read(&choice, list, NULL, &err);
    nl_catalog_choice_release(&choice);
    if (!good)
        return nl_push_err(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

static int l_collect(lua_State *L) {
    nl_catalog **catalog = luaL_checkudata(L, 1, CATALOG);
    nl_catalog_free(*catalog);
    *catalog = NULL;
    return 0;
}

/* --- lists ----------------------------------------------------------------------------------- */

int nl_catalog_push_list(lua_State *L, const char *const *names, size_t n, bool to_null) {
    lua_newtable(L);
    for (size_t i = 0; to_null ? names[i] != NULL : i < n; i++) {
        lua_pushstring(L, names[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
    return 1;
}

static int l_names(lua_State *L) {
    size_t n;
    const nl_table *tables = nl_catalog_tables(nl_check_catalog(L, 1), &n);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushstring(L, tables[i].reference);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
    return 1;
}

static int l_schemas(lua_State *L) {
    return nl_catalog_push_list(L, nl_catalog_schemas(nl_check_catalog(L, 1)), 0, true);
}

static int l_other_schemas(lua_State *L) {
    return nl_catalog_push_list(L, nl_catalog_other_schemas(nl_check_catalog(L, 1)), 0, true);
}

static int l_denied(lua_State *L) {
    return nl_catalog_push_list(L, nl_catalog_denied(nl_check_catalog(L, 1)), 0, true);
}

/* "15.6", 150006 = cat:version() */
static int l_version(lua_State *L) {
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    lua_pushstring(L, nl_catalog_server_version(catalog));
    lua_pushinteger(L, nl_catalog_server_version_num(catalog));
    return 2;
}

/* --- rendering ------------------------------------------------------------------------------- */

struct keeper {
    nl_buf out, cut;
};

static int collect_keeper(lua_State *L) {
    struct keeper *keeper = luaL_checkudata(L, 1, KEEPER);
    nl_buf_release(&keeper->out);
    nl_buf_release(&keeper->cut);
    return 0;
}

/* text, cut|nil, tokens | nil, message, code = cat:render{format=, tables=, max_tokens=} */
static int l_render(lua_State *L) {
    static const char *const formats[] = { "json", "ddl", "markdown", NULL };
    nl_render_options options = { 0 };
    size_t tokens = 0;
    nl_err err;
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_getfield(L, 2, "format");
    options.format = (nl_render_format)luaL_checkoption(L, 3, "json", formats);
    lua_getfield(L, 2, "max_tokens");
    options.max_tokens = (size_t)luaL_optinteger(L, 4, 0);
    if (lua_getfield(L, 2, "tables") != LUA_TNIL)
        options.tables = nl_check_tables(L, 5, catalog, &options.n_tables);
    struct keeper *keeper = lua_newuserdatauv(L, sizeof *keeper, 0);
    nl_buf_init(&keeper->out);
    nl_buf_init(&keeper->cut);
    luaL_setmetatable(L, KEEPER);
    if (!nl_catalog_render(catalog, &options, &keeper->out, &keeper->cut, &tokens, &err))
        return nl_push_err(L, &err);
    lua_pushlstring(L, keeper->out.data, keeper->out.size);
    if (keeper->cut.size > 0)
        lua_pushlstring(L, keeper->cut.data, keeper->cut.size);
    else
        lua_pushnil(L);
    lua_pushinteger(L, (lua_Integer)tokens);
    nl_buf_release(&keeper->out);
    nl_buf_release(&keeper->cut);
    return 3;
}

/* n = tokens(text): a rough count */
static int l_tokens(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    lua_pushinteger(L, (lua_Integer)nl_estimate_tokens(text, size));
    return 1;
}

/* identifier = quote(name): quoted where SQL needs it */
static int l_quote(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    struct keeper *keeper = lua_newuserdatauv(L, sizeof *keeper, 0);
    nl_buf_init(&keeper->out);
    nl_buf_init(&keeper->cut);
    luaL_setmetatable(L, KEEPER);
    if (!nl_quote_ident(&keeper->out, name))
        return luaL_error(L, "not enough memory");
    lua_pushlstring(L, keeper->out.data, keeper->out.size);
    return 1;
}

int luaopen_nlsql_catalog(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "names", l_names },
        { "schemas", l_schemas },
        { "other_schemas", l_other_schemas },
        { "denied", l_denied },
        { "version", l_version },
        { "find", nl_catalog_l_find },
        { "table", nl_catalog_l_table },
        { "edges", nl_catalog_l_edges },
        { "relate", l_relate },
        { "render", l_render },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "load", l_load },       { "tokens", l_tokens }, { "quote", l_quote },
        { "pattern", l_pattern }, { NULL, NULL },
    };
    nl_lua_class(L, LOADING, NULL, collect_loading, NULL);
    nl_lua_class(L, KEEPER, NULL, collect_keeper, NULL);
    luaL_newmetatable(L, CATALOG);
    lua_pushcfunction(L, l_collect);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_pushcfunction(L, luaopen_nlsql_text);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "nearest");
    lua_remove(L, -2);
    lua_pushcclosure(L, nl_catalog_l_nearest, 1);
    lua_setfield(L, -2, "nearest");
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
