#include "bind/lua_catalog.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <lauxlib.h>

#include "bind/lua_json.h"
#include "bind/lua_pg.h"
#include "script/job.h"

#include "base/banned.h"

#define CATALOG "nlsql.catalog"
#define LOADING "nlsql.catalog.loading"
#define KEEPER "nlsql.catalog.keeper"

enum { MAX_SCHEMAS = 256 };

const nl_catalog *nl_check_catalog(lua_State *L, int arg) {
    nl_catalog **catalog = luaL_checkudata(L, arg, CATALOG);
    return *catalog;
}

const nl_table *nl_find_reference(const nl_catalog *catalog, const char *reference) {
    size_t n;
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

/* catalog | nil, message, code, sqlstate = load(db, {schemas = {...}}) */
static int l_load(lua_State *L) {
    const char *schemas[MAX_SCHEMAS + 1];
    nl_catalog_options options = { .schemas = schemas };
    size_t n = 0;
    nl_err err;
    nl_pg *pg = nl_check_pg(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        if (lua_getfield(L, 2, "schemas") == LUA_TTABLE) {
            n = (size_t)lua_rawlen(L, 3);
            luaL_argcheck(L, n <= MAX_SCHEMAS, 2, "too many schemas");
            luaL_checkstack(L, (int)n + 8, "too many schemas");
            for (size_t i = 0; i < n; i++) { /* they stay on the stack until copied */
                lua_rawgeti(L, 3, (lua_Integer)i + 1);
                schemas[i] = luaL_checkstring(L, -1);
            }
        }
    }
    schemas[n] = NULL;
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

static int l_collect(lua_State *L) {
    nl_catalog **catalog = luaL_checkudata(L, 1, CATALOG);
    nl_catalog_free(*catalog);
    *catalog = NULL;
    return 0;
}

/* --- lists ----------------------------------------------------------------------------------- */

static int push_list(lua_State *L, const char *const *names, size_t n, bool to_null) {
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
    return push_list(L, nl_catalog_schemas(nl_check_catalog(L, 1)), 0, true);
}

static int l_other_schemas(lua_State *L) {
    return push_list(L, nl_catalog_other_schemas(nl_check_catalog(L, 1)), 0, true);
}

static int l_denied(lua_State *L) {
    return push_list(L, nl_catalog_denied(nl_check_catalog(L, 1)), 0, true);
}

/* "15.6", 150006 = cat:version() */
static int l_version(lua_State *L) {
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    lua_pushstring(L, nl_catalog_server_version(catalog));
    lua_pushinteger(L, nl_catalog_server_version_num(catalog));
    return 2;
}

/* --- finding --------------------------------------------------------------------------------- */

/* `text` as a person or a model may write a table: quoted or not, with a schema or not. Splits at
 * the last dot outside quotes; copies without quotes. */
struct spoken {
    char schema[128], name[128];
    bool has_schema;
};

static bool read_spoken(const char *text, struct spoken *s) {
    char *to = s->name;
    size_t n = 0;
    bool quoted = false;
    s->has_schema = false;
    text += strspn(text, " \t");
    for (; *text; text++) {
        if (*text == '"') {
            if (quoted && text[1] == '"')
                text++;
            else {
                quoted = !quoted;
                continue;
            }
        } else if (*text == '.' && !quoted) {
            if (s->has_schema) /* database.schema.table: the database goes */
                n = 0;
            else
                memcpy(s->schema, s->name, sizeof s->schema);
            s->schema[n] = '\0';
            s->has_schema = true;
            n = 0;
            continue;
        }
        if (n + 1 >= sizeof s->name)
            return false;
        to[n++] = *text;
    }
    while (n > 0 && !quoted && isspace((unsigned char)to[n - 1]))
        n--;
    to[n] = '\0';
    return n > 0;
}

/* The only table that `s` names; exact names win over those that differ in case. */
static const nl_table *find_spoken(const nl_catalog *catalog, const struct spoken *s) {
    size_t n, alike = 0;
    const nl_table *tables = nl_catalog_tables(catalog, &n), *found = NULL;
    const nl_table *exact = nl_catalog_find(catalog, s->has_schema ? s->schema : NULL, s->name);
    if (exact)
        return exact;
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(tables[i].name, s->name) != 0 ||
            (s->has_schema && strcasecmp(tables[i].schema, s->schema) != 0))
            continue;
        alike++;
        found = &tables[i];
    }
    return alike == 1 ? found : NULL;
}

/* ref | nil = cat:find(text) */
static int l_find(lua_State *L) {
    const nl_catalog *catalog = nl_check_catalog(L, 1);
    const char *text = luaL_checkstring(L, 2);
    struct spoken s;
    const nl_table *found = nl_find_reference(catalog, text);
    if (!found && read_spoken(text, &s))
        found = find_spoken(catalog, &s);
    if (found)
        lua_pushstring(L, found->reference);
    else
        lua_pushnil(L);
    return 1;
}

/* --- one table ------------------------------------------------------------------------------- */

static void set_str(lua_State *L, const char *name, const char *value) {
    if (value) {
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
}

static void set_bool(lua_State *L, const char *name, bool value) {
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void set_num(lua_State *L, const char *name, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void push_column(lua_State *L, const nl_column *c) {
    char category[2] = { c->category, '\0' };
    lua_createtable(L, 0, 16);
    set_str(L, "name", c->name);
    set_str(L, "type", c->type);
    set_str(L, "base_type", c->base_type);
    set_str(L, "category", category);
    set_str(L, "comment", c->comment);
    set_str(L, "default", c->default_expr);
    set_bool(L, "not_null", c->not_null);
    set_bool(L, "identity", c->identity);
    set_bool(L, "generated", c->generated);
    if (c->null_fraction >= 0) {
        set_num(L, "null_fraction", c->null_fraction);
        set_num(L, "distinct", c->distinct);
    }
    if (c->labels) {
        push_list(L, c->labels, 0, true);
        lua_setfield(L, -2, "labels");
    }
    if (c->common) {
        push_list(L, c->common, 0, true);
        lua_setfield(L, -2, "common");
    }
}

static void push_key(lua_State *L, const nl_table *t, const nl_index_key *key) {
    lua_createtable(L, (int)key->n_columns, 0);
    for (size_t i = 0; i < key->n_columns; i++) {
        lua_pushstring(L, t->columns[key->columns[i]].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
}

static void push_foreign(lua_State *L, const nl_foreign_key *f) {
    lua_createtable(L, 0, 4);
    set_str(L, "name", f->name);
    push_list(L, f->columns, f->n_columns, false);
    lua_setfield(L, -2, "columns");
    push_list(L, f->referred_columns, f->n_columns, false);
    lua_setfield(L, -2, "referred_columns");
    set_str(L, "referred", f->referred ? f->referred->reference : NULL);
}

static const char *kind_name(char kind) {
    switch (kind) {
    case 'p':
        return "partitioned";
    case 'v':
        return "view";
    case 'm':
        return "materialised view";
    case 'f':
        return "foreign";
    default:
        return "table";
    }
}

static void push_keys(lua_State *L, const nl_table *t) {
    if (t->primary) {
        push_key(L, t, t->primary);
        lua_setfield(L, -2, "primary");
    }
    lua_createtable(L, (int)t->n_uniques, 0);
    for (size_t i = 0; i < t->n_uniques; i++) {
        push_key(L, t, &t->uniques[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "uniques");
    lua_createtable(L, (int)t->n_foreign, 0);
    for (size_t i = 0; i < t->n_foreign; i++) {
        push_foreign(L, &t->foreign[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "foreign");
    lua_createtable(L, (int)t->n_checks, 0);
    for (size_t i = 0; i < t->n_checks; i++) {
        lua_createtable(L, 0, 2);
        set_str(L, "name", t->checks[i].name);
        set_str(L, "expression", t->checks[i].expression);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "checks");
}

/* table | nil = cat:table(ref); columns that we may not read are left out */
static int l_table(lua_State *L) {
    const nl_table *t = nl_find_reference(nl_check_catalog(L, 1), luaL_checkstring(L, 2));
    if (!t) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 12);
    set_str(L, "schema", t->schema);
    set_str(L, "name", t->name);
    set_str(L, "reference", t->reference);
    set_str(L, "kind", kind_name(t->kind));
    set_str(L, "comment", t->comment);
    set_num(L, "rows", t->rows);
    lua_createtable(L, (int)t->n_columns, 0);
    lua_Integer n = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].selectable)
            continue;
        push_column(L, &t->columns[i]);
        lua_rawseti(L, -2, ++n);
    }
    lua_setfield(L, -2, "columns");
    push_keys(L, t);
    return 1;
}

/* {{from=, to=, columns=, referred_columns=, name=}...} = cat:edges() */
static int l_edges(lua_State *L) {
    size_t n;
    lua_Integer i = 0;
    const nl_table *tables = nl_catalog_tables(nl_check_catalog(L, 1), &n);
    lua_newtable(L);
    for (size_t t = 0; t < n; t++) {
        for (size_t f = 0; f < tables[t].n_foreign; f++) {
            const nl_foreign_key *key = &tables[t].foreign[f];
            if (!key->referred)
                continue;
            push_foreign(L, key);
            set_str(L, "from", tables[t].reference);
            set_str(L, "to", key->referred->reference);
            lua_rawseti(L, -2, ++i);
        }
    }
    return 1;
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
        { "names", l_names },   { "schemas", l_schemas }, { "other_schemas", l_other_schemas },
        { "denied", l_denied }, { "version", l_version }, { "find", l_find },
        { "table", l_table },   { "edges", l_edges },     { "render", l_render },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "load", l_load },
        { "tokens", l_tokens },
        { "quote", l_quote },
        { NULL, NULL },
    };
    luaL_newmetatable(L, LOADING);
    lua_pushcfunction(L, collect_loading);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, KEEPER);
    lua_pushcfunction(L, collect_keeper);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, CATALOG);
    lua_pushcfunction(L, l_collect);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
