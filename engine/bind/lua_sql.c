#include "bind/lua_sql.h"

#include <string.h>

#include <lauxlib.h>

#include "bind/lua_catalog.h"
#include "bind/lua_class.h"
#include "bind/lua_json.h"
#include "script/job.h"
#include "script/vm.h"
#include "sql/canon.h"
#include "sql/facts.h"
#include "sql/gate.h"
#include "sql/literals.h"

#include "base/banned.h"

#define STATEMENT "nlsql.sql.statement"
#define FACTS "nlsql.sql.facts"
#define LITERALS "nlsql.sql.literals"

enum {
    MAX_FUNCTIONS = 256,
    TREE_ROOM = 1 << 16 /* about what a statement takes outside of Lua's memory */
};

static nl_sql *check_statement(lua_State *L) {
    nl_sql **sql = luaL_checkudata(L, 1, STATEMENT);
    luaL_argcheck(L, *sql, 1, "this statement is closed");
    return *sql;
}

/* statement | nil, message, code = parse(text) */
static int l_parse(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    nl_err err;
    nl_sql **sql = lua_newuserdatauv(L, sizeof *sql, 0);
    *sql = NULL;
    luaL_setmetatable(L, STATEMENT);
    nl_vm_charge(L, TREE_ROOM);
    *sql = nl_sql_parse(text, size, &err);
    if (*sql)
        return 1;
    nl_vm_charge(L, -TREE_ROOM);
    return nl_push_err(L, &err);
}

/* Frees the tree, some 50 kB that Lua's collector does not see: worth saying `<close>` where many
 * statements are parsed. */
static int l_close(lua_State *L) {
    nl_sql **sql = luaL_checkudata(L, 1, STATEMENT);
    if (*sql)
        nl_vm_charge(L, -TREE_ROOM);
    nl_sql_free(*sql);
    *sql = NULL;
    return 0;
}

static int l_text(lua_State *L) {
    lua_pushstring(L, nl_sql_text(check_statement(L)));
    return 1;
}

/* sentence | nil = newer(text, catalog) */
static int l_newer(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    const nl_catalog *catalog = nl_check_catalog(L, 2);
    const char *what = nl_sql_newer(text, size, nl_catalog_server_version_num(catalog));
    if (!what)
        return 0;
    lua_pushfstring(L, NL_NEWER_GRAMMAR, what);
    return 1;
}

static bool flag(lua_State *L, int table, const char *name) {
    lua_getfield(L, table, name);
    bool on = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return on;
}

/* Reads the policy at place 3, which may be missing; its texts stay on the stack. */
static void read_policy(lua_State *L, const char **functions, nl_sql_policy *policy) {
    *policy = (nl_sql_policy){ .functions = functions };
    lua_settop(L, 3);
    if (lua_isnil(L, 3))
        return;
    luaL_checktype(L, 3, LUA_TTABLE);
    policy->system_catalogs = flag(L, 3, "system_catalogs");
    policy->foreign_tables = flag(L, 3, "foreign_tables");
    lua_getfield(L, 3, "newer_grammar");
    policy->newer_grammar =
        lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "server") == 0;
    if (lua_getfield(L, 3, "functions") == LUA_TTABLE) {
        int list = lua_gettop(L);
        lua_Integer n = (lua_Integer)lua_rawlen(L, list);
        luaL_argcheck(L, n <= MAX_FUNCTIONS, 3, "too many functions");
        luaL_checkstack(L, (int)n + 4, "too many functions");
        for (lua_Integer i = 1; i <= n; i++) { /* they stay on the stack */
            lua_rawgeti(L, list, i);
            functions[i - 1] = luaL_checkstring(L, -1);
        }
    }
}

/* true | nil, reason = statement:safe(catalog [, policy]) */
static int l_safe(lua_State *L) {
    const char *functions[MAX_FUNCTIONS + 1] = { NULL };
    nl_sql_policy policy;
    nl_err err;
    nl_sql *sql = check_statement(L);
    const nl_catalog *catalog = nl_check_catalog(L, 2);
    read_policy(L, functions, &policy);
    if (nl_sql_safe(sql, catalog, &policy, &err)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    return nl_push_err(L, &err);
}

/* true | nil, reason = unread(text, catalog [, policy]) */
static int l_unread(lua_State *L) {
    const char *functions[MAX_FUNCTIONS + 1] = { NULL };
    size_t size;
    nl_sql_policy policy;
    nl_err err;
    const char *text = luaL_checklstring(L, 1, &size);
    const nl_catalog *catalog = nl_check_catalog(L, 2);
    read_policy(L, functions, &policy);
    if (nl_sql_unread_safe(text, size, catalog, &policy, &err)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    return nl_push_err(L, &err);
}

/* exact, masked = statement:keys(): 16 bytes each */
static int l_keys(lua_State *L) {
    nl_sql_keys keys;
    nl_err err;
    if (!nl_sql_canon(check_statement(L), &keys, &err))
        return luaL_error(L, "%s", err.msg);
    lua_pushlstring(L, (const char *)&keys.exact, sizeof keys.exact);
    lua_pushlstring(L, (const char *)&keys.masked, sizeof keys.masked);
    return 2;
}

/* --- facts ----------------------------------------------------------------------------------- */

static int collect_facts(lua_State *L) {
    nl_sql_facts **facts = luaL_checkudata(L, 1, FACTS);
    nl_sql_facts_free(*facts);
    *facts = NULL;
    return 0;
}

static void set_list(lua_State *L, const char *name, const char *const *list, size_t n) {
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushstring(L, list[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
    lua_setfield(L, -2, name);
}

static void push_facts(lua_State *L, const nl_sql_facts *facts) {
    lua_createtable(L, 0, 11);
    lua_createtable(L, (int)facts->n_tables, 0);
    for (size_t i = 0; i < facts->n_tables; i++) {
        lua_pushstring(L, facts->tables[i]->reference);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
    lua_setfield(L, -2, "tables");
    lua_createtable(L, (int)facts->n_columns, 0);
    for (size_t i = 0; i < facts->n_columns; i++) {
        lua_pushfstring(L, "%s.%s", facts->columns[i].table->reference,
                        facts->columns[i].column->name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_mark_json_array(L);
    lua_setfield(L, -2, "columns");
    set_list(L, "functions", facts->functions, facts->n_functions);
    set_list(L, "literals", facts->literals, facts->n_literals);
    set_list(L, "constructs", facts->constructs, facts->n_constructs);
    set_list(L, "unknown", facts->unknown, facts->n_unknown);
    if (facts->ambiguous) {
        lua_pushstring(L, facts->ambiguous);
        lua_setfield(L, -2, "ambiguous");
    }
    lua_pushinteger(L, (lua_Integer)facts->max_joined);
    lua_setfield(L, -2, "joined");
    lua_pushinteger(L, (lua_Integer)facts->output_columns);
    lua_setfield(L, -2, "output_columns");
    lua_pushboolean(L, facts->ordered);
    lua_setfield(L, -2, "ordered");
}

/* facts | nil, message, code = statement:facts(catalog [, references]) */
static int l_facts(lua_State *L) {
    nl_err err;
    const nl_table **scope = NULL;
    size_t n = 0;
    nl_sql *sql = check_statement(L);
    const nl_catalog *catalog = nl_check_catalog(L, 2);
    lua_settop(L, 3);
    if (!lua_isnil(L, 3))
        scope = nl_check_tables(L, 3, catalog, &n);
    nl_sql_facts **facts = lua_newuserdatauv(L, sizeof *facts, 0);
    *facts = NULL;
    luaL_setmetatable(L, FACTS);
    *facts = nl_sql_facts_of(sql, catalog, scope, n, &err);
    if (!*facts)
        return nl_push_err(L, &err);
    push_facts(L, *facts);
    nl_sql_facts_free(*facts);
    *facts = NULL;
    return 1;
}

/* --- literals -------------------------------------------------------------------------------- */

/* What must be freed whatever Lua does. */
struct written {
    nl_literals *literals;
    nl_buf out;
};

static int collect_literals(lua_State *L) {
    struct written *written = luaL_checkudata(L, 1, LITERALS);
    nl_literals_free(written->literals);
    written->literals = NULL;
    nl_buf_release(&written->out);
    return 0;
}

static struct written *push_written(lua_State *L) {
    struct written *written = lua_newuserdatauv(L, sizeof *written, 0);
    written->literals = NULL;
    nl_buf_init(&written->out);
    luaL_setmetatable(L, LITERALS);
    return written;
}

static void set_text(lua_State *L, const char *name, const char *text) {
    if (text) {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

/* list | nil, message, code = statement:literals([catalog]): {text=, number=, op=, folded=, table=,
 * column=} */
static int l_literals(lua_State *L) {
    nl_err err;
    nl_sql *sql = check_statement(L);
    const nl_catalog *catalog = lua_isnoneornil(L, 2) ? NULL : nl_check_catalog(L, 2);
    struct written *written = push_written(L);
    written->literals = nl_literals_of(sql, catalog, &err);
    if (!written->literals)
        return nl_push_err(L, &err);
    lua_createtable(L, (int)written->literals->n, 0);
    for (size_t i = 0; i < written->literals->n; i++) {
        const nl_literal *one = &written->literals->list[i];
        lua_createtable(L, 0, 6);
        lua_pushlstring(L, one->text, one->size);
        lua_setfield(L, -2, "text");
        lua_pushboolean(L, one->kind == NL_LITERAL_NUMBER);
        lua_setfield(L, -2, "number");
        set_text(L, "op", one->op);
        set_text(L, "folded", one->folded);
        set_text(L, "table", one->table ? one->table->reference : NULL);
        set_text(L, "column", one->column ? one->column->name : NULL);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    nl_literals_free(written->literals);
    written->literals = NULL;
    return 1;
}

/* text | nil, message, code = statement:with(values): values[i] in the place of the i-th of
 * literals() */
static int l_with(lua_State *L) {
    nl_err err;
    nl_sql *sql = check_statement(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    struct written *written = push_written(L);
    written->literals = nl_literals_of(sql, NULL, &err);
    if (!written->literals)
        return nl_push_err(L, &err);
    size_t n = written->literals->n;
    const char **values = lua_newuserdatauv(L, (n + 1) * sizeof *values, 0);
    luaL_checkstack(L, (int)n + 8, "too many literals");
    for (size_t i = 0; i < n; i++) { /* they stay on the stack */
        size_t size;
        bool given = lua_rawgeti(L, 2, (lua_Integer)i + 1) == LUA_TSTRING;
        values[i] = given ? lua_tolstring(L, -1, &size) : NULL;
        luaL_argcheck(L, !given || strlen(values[i]) == size, 2, "a value with a NUL byte");
    }
    if (!nl_literals_replace(sql, written->literals, values, &written->out, &err))
        return nl_push_err(L, &err);
    lua_pushlstring(L, written->out.data, written->out.size);
    nl_buf_release(&written->out);
    nl_literals_free(written->literals);
    written->literals = NULL;
    return 1;
}

int luaopen_nlsql_sql(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "text", l_text },   { "safe", l_safe },         { "keys", l_keys }, { "facts", l_facts },
        { "close", l_close }, { "literals", l_literals }, { "with", l_with }, { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "parse", l_parse },
        { "newer", l_newer },
        { "unread", l_unread },
        { NULL, NULL },
    };
    nl_lua_class(L, LITERALS, NULL, collect_literals, NULL);
    nl_lua_class(L, FACTS, NULL, collect_facts, NULL);
    nl_lua_class(L, STATEMENT, methods, l_close, l_close);
    luaL_newlib(L, functions);
    return 1;
}
