#include "bind/lua_yaml.h"

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "data/yaml.h"
#include "script/job.h"

#include "base/banned.h"

#define DOCUMENT "nlsql.yaml.document"

static int collect(lua_State *L) {
    nl_yaml **yaml = luaL_checkudata(L, 1, DOCUMENT);
    nl_yaml_free(*yaml);
    *yaml = NULL;
    return 0;
}

static void set_place(lua_State *L, const char *name, unsigned value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void push_scalar(lua_State *L, const nl_yaml_node *node) {
    switch (node->type) {
    case NL_YAML_BOOL:
        lua_pushboolean(L, node->integer != 0);
        break;
    case NL_YAML_INT:
        lua_pushinteger(L, node->integer);
        break;
    case NL_YAML_FLOAT:
        lua_pushnumber(L, node->number);
        break;
    default:
        lua_pushlstring(L, node->text, node->text_size);
    }
}

/* {type=, line=, column=, value=, text=, items=, key=, key_line=, key_column=} */
static void push_node(lua_State *L, const nl_yaml_node *node) {
    static const char *const types[] = {
        [NL_YAML_NULL] = "null",   [NL_YAML_BOOL] = "bool",     [NL_YAML_INT] = "int",
        [NL_YAML_FLOAT] = "float", [NL_YAML_STRING] = "string", [NL_YAML_LIST] = "list",
        [NL_YAML_MAP] = "map",
    };
    luaL_checkstack(L, 4, "YAML nested too deep");
    lua_createtable(L, 0, 8);
    lua_pushstring(L, types[node->type]);
    lua_setfield(L, -2, "type");
    set_place(L, "line", node->line);
    set_place(L, "column", node->column);
    if (node->key) {
        lua_pushstring(L, node->key);
        lua_setfield(L, -2, "key");
        set_place(L, "key_line", node->key_line);
        set_place(L, "key_column", node->key_column);
    }
    if (node->text) {
        lua_pushlstring(L, node->text, node->text_size);
        lua_setfield(L, -2, "text");
    }
    if (node->type == NL_YAML_LIST || node->type == NL_YAML_MAP) {
        lua_Integer i = 1;
        lua_newtable(L);
        for (const nl_yaml_node *c = node->child; c; c = c->next) {
            push_node(L, c);
            lua_rawseti(L, -2, i++);
        }
        lua_setfield(L, -2, "items");
    } else if (node->type != NL_YAML_NULL) {
        push_scalar(L, node);
        lua_setfield(L, -2, "value");
    }
}

/* node | nil, message, code = read(text, name) */
static int l_read(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    const char *name = luaL_checkstring(L, 2);
    nl_err err;
    nl_yaml **yaml = lua_newuserdatauv(L, sizeof *yaml, 0);
    *yaml = NULL;
    luaL_setmetatable(L, DOCUMENT);
    *yaml = nl_yaml_read(text, size, name, &err);
    if (!*yaml)
        return nl_push_err(L, &err);
    push_node(L, nl_yaml_root(*yaml));
    return 1;
}

int luaopen_nlsql_yaml(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "read", l_read },
        { NULL, NULL },
    };
    nl_lua_class(L, DOCUMENT, NULL, collect, NULL);
    luaL_newlib(L, functions);
    return 1;
}
