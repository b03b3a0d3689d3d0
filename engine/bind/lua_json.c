#include "bind/lua_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "bind/lua_json_priv.h"
#include "data/sse.h"
#include "script/job.h"
#include "script/vm.h"

#include "base/banned.h"

#define KEEPER "nlsql.json.keeper"

static const char null_key;

struct nl_json_keeper *nl_json_keeper_push(lua_State *L) {
    struct nl_json_keeper *keeper = lua_newuserdatauv(L, sizeof *keeper, 0);
    keeper->json = NULL;
    nl_buf_init(&keeper->buf);
    luaL_setmetatable(L, KEEPER);
    return keeper;
}

void nl_json_keeper_empty(struct nl_json_keeper *keeper) {
    nl_json_free(keeper->json);
    keeper->json = NULL;
    nl_buf_release(&keeper->buf);
}

static int collect_keeper(lua_State *L) {
    nl_json_keeper_empty(luaL_checkudata(L, 1, KEEPER));
    return 0;
}

void nl_push_json_null(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key);
}

void nl_mark_json_array(lua_State *L) {
    luaL_setmetatable(L, NL_JSON_ARRAY_MARK);
}

/* --- decode ------------------------------------------------------------------------------- */

/* Would Lua's number print as the text says? Compares digits, not spelling: 1.50 and 1.5e0 lose
 * nothing as floats, 0.1234567890123456789 does. */
static bool float_is_exact(const char *text, double value) {
    char digits[2][64];
    char shortest[40];
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(shortest, sizeof shortest, "%.*e", precision - 1, value);
        if (strtod(shortest, NULL) == value)
            break;
    }
    const char *sources[2] = { text, shortest };
    for (int s = 0; s < 2; s++) { /* the significant digits of each */
        size_t n = 0;
        bool started = false;
        for (const char *c = sources[s]; *c && *c != 'e' && *c != 'E'; c++) {
            if (*c < '0' || *c > '9' || (!started && *c == '0'))
                continue;
            started = true;
            if (n + 1 >= sizeof digits[s])
                return false;
            digits[s][n++] = *c;
        }
        while (n > 0 && digits[s][n - 1] == '0')
            n--;
        digits[s][n] = '\0';
    }
    return strcmp(digits[0], digits[1]) == 0;
}

static void push_number(lua_State *L, const nl_json_node *node) {
    int64_t whole;
    if (nl_json_int(node, &whole)) {
        lua_pushinteger(L, whole);
        return;
    }
    double value = strtod(node->text, NULL);
    bool fraction = strpbrk(node->text, ".eE") != NULL;
    if (fraction && isfinite(value) && float_is_exact(node->text, value)) {
        lua_pushnumber(L, value);
        return;
    }
    lua_createtable(L, 1, 0); /* an object that keeps the text */
    lua_pushlstring(L, node->text, node->size);
    lua_rawseti(L, -2, 1);
    luaL_setmetatable(L, NL_JSON_NUMBER_MARK);
}

static void push_node(lua_State *L, const nl_json_node *node) {
    luaL_checkstack(L, 4, "JSON nested too deep");
    switch (node->type) {
    case NL_JSON_NULL:
        nl_push_json_null(L);
        break;
    case NL_JSON_FALSE:
    case NL_JSON_TRUE:
        lua_pushboolean(L, node->type == NL_JSON_TRUE);
        break;
    case NL_JSON_NUMBER:
        push_number(L, node);
        break;
    case NL_JSON_STRING:
        lua_pushlstring(L, node->text, node->size);
        break;
    case NL_JSON_ARRAY: {
        lua_Integer i = 1;
        lua_createtable(L, (int)node->size, 0);
        for (const nl_json_node *c = node->child; c; c = c->next) {
            push_node(L, c);
            lua_rawseti(L, -2, i++);
        }
        nl_mark_json_array(L);
        break;
    }
    case NL_JSON_OBJECT:
        lua_createtable(L, 0, (int)node->size);
        for (const nl_json_node *c = node->child; c; c = c->next) {
            lua_pushlstring(L, c->key, c->key_size);
            push_node(L, c);
            lua_rawset(L, -3);
        }
        break;
    }
}

/* Reads text[0..size) into the keeper and pushes the value; false with *err set. */
static bool push_value(lua_State *L, struct nl_json_keeper *keeper, const char *text, size_t size,
                       nl_err *err) {
    keeper->json = nl_json_read(text, size, NL_JSON_MAX_DEPTH, err);
    if (!keeper->json)
        return false;
    push_node(L, nl_json_root(keeper->json));
    nl_json_keeper_empty(keeper);
    return true;
}

/* Bytes that the tree of a text takes at most: a node for each value, and the texts. */
static ptrdiff_t tree_room(const char *text, size_t size) {
    size_t nodes = 1;
    for (size_t i = 0; i < size; i++)
        nodes += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return (ptrdiff_t)(nodes * sizeof(nl_json_node) + 2 * size);
}

/* value | nil, message, code = decode(text) */
static int l_decode(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    nl_err err;
    ptrdiff_t room = tree_room(text, size);
    nl_vm_charge(L, room); /* its tree is not in Lua's memory, but must not be larger either */
    nl_vm_charge(L, -room);
    struct nl_json_keeper *keeper = nl_json_keeper_push(L);
    return push_value(L, keeper, text, size, &err) ? 1 : nl_push_err(L, &err);
}

/* --- markers ------------------------------------------------------------------------------ */

/* t = array(t): encodes as an array, also when empty. */
static int l_array(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nl_mark_json_array(L);
    return 1;
}

/* boolean = is_array(t): was it marked by array, or decoded from one? */
static int l_is_array(lua_State *L) {
    bool is = lua_istable(L, 1) && lua_getmetatable(L, 1);
    if (is) {
        luaL_getmetatable(L, NL_JSON_ARRAY_MARK);
        is = lua_rawequal(L, -1, -2);
    }
    lua_pushboolean(L, is);
    return 1;
}

/* n = number(text): a number that encodes as it is written. */
int nl_json_number(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    nl_buf out;
    nl_json_writer w;
    nl_buf_init(&out);
    nl_json_writer_init(&w, &out);
    bool good = nl_json_put_number(&w, text, size);
    nl_buf_release(&out);
    luaL_argcheck(L, good, 1, "not a JSON number");
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    luaL_setmetatable(L, NL_JSON_NUMBER_MARK);
    return 1;
}

/* v = verbatim(text): an object or list, on one line, that encodes as it is written. */
int nl_json_verbatim(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    nl_err err;
    luaL_argcheck(L, nl_json_span(text, size) == size && !memchr(text, '\n', size), 1,
                  "expected a JSON object or list on one line");
    nl_json *json = nl_json_read(text, size, 0, &err);
    if (!json)
        return luaL_argerror(L, 1, lua_pushstring(L, err.msg));
    nl_json_free(json);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    luaL_setmetatable(L, NL_JSON_VERBATIM_MARK);
    return 1;
}

static int l_number_text(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_rawgeti(L, 1, 1);
    return 1;
}

static int l_number_equal(lua_State *L) {
    lua_pushboolean(L, false);
    if (lua_istable(L, 1) && lua_istable(L, 2)) {
        lua_rawgeti(L, 1, 1);
        lua_rawgeti(L, 2, 1);
        lua_pushboolean(L, lua_rawequal(L, -1, -2));
    }
    return 1;
}

static int l_null_text(lua_State *L) {
    lua_pushliteral(L, "null");
    return 1;
}

/* completion, {done=, events=, garbled=} | nil, message, code = fold(body): see data/sse.h */
static int l_fold(lua_State *L) {
    size_t size;
    const char *body = luaL_checklstring(L, 1, &size);
    nl_sse_report report;
    nl_err err;
    struct nl_json_keeper *keeper = nl_json_keeper_push(L);
    if (!nl_sse_fold(body, size, &keeper->buf, &report, &err))
        return nl_push_err(L, &err);
    lua_pushlstring(L, keeper->buf.data, keeper->buf.size);
    nl_json_keeper_empty(keeper);
    lua_createtable(L, 0, 3);
    lua_pushboolean(L, report.done);
    lua_setfield(L, -2, "done");
    lua_pushinteger(L, report.events);
    lua_setfield(L, -2, "events");
    lua_pushinteger(L, report.garbled);
    lua_setfield(L, -2, "garbled");
    return 2;
}

/* null: a value of its own, so that it can stand in tables; the same for whoever opens the module.
 * [-0, +1, m] */
static void push_null(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key) == LUA_TUSERDATA)
        return;
    lua_pop(L, 1);
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, l_null_text);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &null_key);
}

int luaopen_nlsql_json(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "decode", l_decode },           { "encode", nl_json_encode }, { "array", l_array },
        { "is_array", l_is_array },       { "number", nl_json_number }, { "fold", l_fold },
        { "verbatim", nl_json_verbatim }, { "copy", nl_json_copy },     { NULL, NULL },
    };
    nl_lua_class(L, KEEPER, NULL, collect_keeper, NULL);
    /* what getmetatable gives: a mark is everybody's, and so nobody's to change */
    luaL_newmetatable(L, NL_JSON_ARRAY_MARK);
    lua_pushliteral(L, "json.array");
    lua_setfield(L, -2, "__metatable");
    luaL_newmetatable(L, NL_JSON_VERBATIM_MARK);
    lua_pushliteral(L, "json.verbatim");
    lua_setfield(L, -2, "__metatable");
    luaL_newmetatable(L, NL_JSON_NUMBER_MARK);
    lua_pushliteral(L, "json.number");
    lua_setfield(L, -2, "__metatable");
    lua_pushcfunction(L, l_number_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, l_number_equal);
    lua_setfield(L, -2, "__eq");
    luaL_newlib(L, functions);
    push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}
