/* lua_catalog_table.c: one table, and the foreign keys between tables, as Lua tables. */
#include <lauxlib.h>

#include "bind/lua_catalog_priv.h"
#include "bind/lua_json.h"

#include "base/banned.h"

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
    set_str(L, "label", c->label);
    set_str(L, "default", c->default_expr);
    lua_pushinteger(L, c->number);
    lua_setfield(L, -2, "number");
    set_bool(L, "not_null", c->not_null);
    set_bool(L, "identity", c->identity);
    set_bool(L, "generated", c->generated);
    if (c->null_fraction >= 0) {
        set_num(L, "null_fraction", c->null_fraction);
        set_num(L, "distinct", c->distinct);
    }
    if (c->labels) {
        nl_catalog_push_list(L, c->labels, 0, true);
        lua_setfield(L, -2, "labels");
    }
    if (c->common) {
        nl_catalog_push_list(L, c->common, 0, true);
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
    lua_createtable(L, 0, 5);
    set_str(L, "name", f->name);
    set_bool(L, "declared", !f->by_hand);
    nl_catalog_push_list(L, f->columns, f->n_columns, false);
    lua_setfield(L, -2, "columns");
    nl_catalog_push_list(L, f->referred_columns, f->n_columns, false);
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
int nl_catalog_l_table(lua_State *L) {
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
    lua_pushinteger(L, t->oid);
    lua_setfield(L, -2, "oid");
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

/* {{from=, to=, columns=, referred_columns=, name=, declared=}...} = cat:edges() */
int nl_catalog_l_edges(lua_State *L) {
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
