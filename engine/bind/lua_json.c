#include "bind/lua_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "data/json.h"
#include "data/sse.h"
#include "script/job.h"

#include "base/banned.h"

#define ARRAY "nlsql.json.array"
#define NUMBER "nlsql.json.number"
#define KEEPER "nlsql.json.keeper"

enum { MAX_DEPTH = 200, FEW_MEMBERS = 16 };

static const char null_key;

/* What C allocates while Lua may raise: freed by __gc where the call did not get that far. */
struct keeper {
    nl_json *json;
    nl_buf buf;
};

static struct keeper *push_keeper(lua_State *L) {
    struct keeper *keeper = lua_newuserdatauv(L, sizeof *keeper, 0);
    keeper->json = NULL;
    nl_buf_init(&keeper->buf);
    luaL_setmetatable(L, KEEPER);
    return keeper;
}

static void empty_keeper(struct keeper *keeper) {
    nl_json_free(keeper->json);
    keeper->json = NULL;
    nl_buf_release(&keeper->buf);
}

static int collect_keeper(lua_State *L) {
    empty_keeper(luaL_checkudata(L, 1, KEEPER));
    return 0;
}

void nl_push_json_null(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key);
}

void nl_mark_json_array(lua_State *L) {
    luaL_setmetatable(L, ARRAY);
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
    luaL_setmetatable(L, NUMBER);
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
static bool push_value(lua_State *L, struct keeper *keeper, const char *text, size_t size,
                       nl_err *err) {
    keeper->json = nl_json_read(text, size, MAX_DEPTH, err);
    if (!keeper->json)
        return false;
    push_node(L, nl_json_root(keeper->json));
    empty_keeper(keeper);
    return true;
}

/* value | nil, message, code = decode(text) */
static int l_decode(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    nl_err err;
    struct keeper *keeper = push_keeper(L);
    return push_value(L, keeper, text, size, &err) ? 1 : nl_push_err(L, &err);
}

/* --- encode ------------------------------------------------------------------------------- */

struct encoder {
    lua_State *L;
    nl_json_writer w;
    int keys; /* stack index of the list of first keys, or 0 */
    const void *open[MAX_DEPTH];
    unsigned depth;
    nl_buf *path; /* "rows[3].name", for messages */
};

static int fail_at(struct encoder *e, const char *why) {
    return luaL_error(e->L, "cannot encode %s%s%s", e->path->size ? e->path->data : "",
                      e->path->size ? ": " : "", why);
}

static void encode(struct encoder *e, int at);

/* Length of the sequence where a table is one; -1 where it is an object. */
static lua_Integer sequence_length(struct encoder *e, int at) {
    lua_State *L = e->L;
    lua_Integer n = (lua_Integer)lua_rawlen(L, at), found = 0;
    bool marked = false, other = false;
    if (lua_getmetatable(L, at)) {
        luaL_getmetatable(L, ARRAY);
        marked = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    lua_pushnil(L);
    while (lua_next(L, at)) {
        lua_pop(L, 1);
        if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && lua_tointeger(L, -1) <= n)
            found++;
        else if (!marked || lua_type(L, -1) != LUA_TSTRING || strcmp(lua_tostring(L, -1), "n") != 0)
            other = true; /* a list's own `n` is no member */
    }
    if (found != n)
        fail_at(e, "a list with holes");
    if (n == 0 && !marked)
        return -1;
    if (other)
        fail_at(e, n > 0 ? "both a list and an object" : "a list with names");
    return n;
}

static void encode_list(struct encoder *e, int at, lua_Integer n) {
    size_t path_size = e->path->size;
    nl_json_open_array(&e->w);
    for (lua_Integer i = 1; i <= n; i++) {
        nl_buf_printf(e->path, "[%lld]", (long long)i);
        lua_rawgeti(e->L, at, i);
        encode(e, lua_gettop(e->L));
        lua_pop(e->L, 1);
        e->path->size = path_size;
        e->path->data[path_size] = '\0';
    }
    nl_json_close_array(&e->w);
}

/* Writes member `key` (on top of the stack) of the table at `at`, if it has it; pops the key. */
static void encode_member(struct encoder *e, int at) {
    lua_State *L = e->L;
    size_t path_size = e->path->size, size;
    const char *key = lua_tolstring(L, -1, &size);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, at) != LUA_TNIL) {
        if (path_size)
            nl_buf_char(e->path, '.');
        nl_buf_add(e->path, key, size);
        if (!nl_json_key_n(&e->w, key, size))
            fail_at(e, e->w.why);
        encode(e, lua_gettop(L));
        e->path->size = path_size;
        e->path->data[path_size] = '\0';
    }
    lua_pop(L, 2);
}

struct member {
    const char *key;
    size_t size;
};

static int compare_members(const void *a, const void *b) {
    const struct member *m = a, *n = b;
    int order = memcmp(m->key, n->key, m->size < n->size ? m->size : n->size);
    return order ? order : (m->size > n->size) - (m->size < n->size);
}

/* Is the string at the top one of the keys that come first? */
static bool is_first_key(struct encoder *e, const char *key, size_t size) {
    lua_Integer n = (lua_Integer)lua_rawlen(e->L, e->keys);
    bool found = false;
    for (lua_Integer i = 1; i <= n && !found; i++) {
        size_t other_size;
        lua_rawgeti(e->L, e->keys, i);
        const char *other = lua_tolstring(e->L, -1, &other_size);
        found = other && other_size == size && memcmp(other, key, size) == 0;
        lua_pop(e->L, 1);
    }
    return found;
}

static void encode_object(struct encoder *e, int at) {
    lua_State *L = e->L;
    size_t n = 0, room = 0;
    bool top = e->depth == 1 && e->keys;

    nl_json_open_object(&e->w);
    if (top) {
        lua_Integer wanted = (lua_Integer)lua_rawlen(L, e->keys);
        for (lua_Integer i = 1; i <= wanted; i++) {
            if (lua_rawgeti(L, e->keys, i) == LUA_TSTRING)
                encode_member(e, at);
            else
                lua_pop(L, 1);
        }
    }
    lua_pushnil(L);
    while (lua_next(L, at)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            fail_at(e, "a name that is no string");
        room++;
    }
    /* The keys are anchored by the table; a long list of them is Lua's to free. */
    struct member few[FEW_MEMBERS], *members = few;
    if (room > FEW_MEMBERS)
        members = lua_newuserdatauv(L, room * sizeof *members, 0);
    else
        lua_pushnil(L);
    lua_pushnil(L);
    while (lua_next(L, at)) {
        lua_pop(L, 1);
        struct member m;
        m.key = lua_tolstring(L, -1, &m.size);
        if (!top || !is_first_key(e, m.key, m.size))
            members[n++] = m;
    }
    qsort(members, n, sizeof *members, compare_members);
    for (size_t i = 0; i < n; i++) {
        lua_pushlstring(L, members[i].key, members[i].size);
        encode_member(e, at);
    }
    lua_pop(L, 1);
    nl_json_close_object(&e->w);
}

static void encode_table(struct encoder *e, int at) {
    lua_State *L = e->L;
    if (lua_getmetatable(L, at)) {
        luaL_getmetatable(L, NUMBER);
        bool number = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
        if (number) {
            size_t size;
            lua_rawgeti(L, at, 1);
            const char *text = lua_tolstring(L, -1, &size);
            nl_json_put_number(&e->w, text ? text : "", text ? size : 0);
            lua_pop(L, 1);
            return;
        }
    }
    const void *self = lua_topointer(L, at);
    for (unsigned i = 0; i < e->depth; i++) {
        if (e->open[i] == self)
            fail_at(e, "a table inside itself");
    }
    if (e->depth == MAX_DEPTH)
        fail_at(e, "nested too deep");
    e->open[e->depth++] = self;
    lua_Integer n = sequence_length(e, at);
    if (n >= 0)
        encode_list(e, at, n);
    else
        encode_object(e, at);
    e->depth--;
}

static void encode(struct encoder *e, int at) {
    lua_State *L = e->L;
    size_t size;
    luaL_checkstack(L, 8, "nested too deep");
    switch (lua_type(L, at)) {
    case LUA_TBOOLEAN:
        nl_json_put_bool(&e->w, lua_toboolean(L, at));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, at))
            nl_json_put_int(&e->w, lua_tointeger(L, at));
        else
            nl_json_put_double(&e->w, lua_tonumber(L, at));
        break;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, at, &size);
        nl_json_str_n(&e->w, text, size);
        break;
    }
    case LUA_TTABLE:
        encode_table(e, at);
        break;
    case LUA_TNIL:
        nl_json_put_null(&e->w);
        break;
    case LUA_TUSERDATA:
    case LUA_TLIGHTUSERDATA:
        nl_push_json_null(L);
        if (lua_rawequal(L, -1, at)) {
            lua_pop(L, 1);
            nl_json_put_null(&e->w);
            break;
        }
        lua_pop(L, 1);
        /* fall through */
    default:
        fail_at(e, lua_pushfstring(L, "a %s cannot be JSON", luaL_typename(L, at)));
    }
    if (e->w.failed)
        fail_at(e, e->w.why);
}

/* keeper, path keeper, value, keys|nil → text: raises what is wrong. */
static int do_encode(lua_State *L) {
    struct keeper *out = lua_touserdata(L, 1), *path = lua_touserdata(L, 2);
    struct encoder *e = lua_newuserdatauv(L, sizeof *e, 0);
    memset(e, 0, sizeof *e);
    e->L = L;
    e->keys = lua_istable(L, 4) ? 4 : 0;
    e->path = &path->buf;
    if (!nl_buf_reserve(e->path, 64))
        return luaL_error(L, "not enough memory");
    nl_json_writer_init(&e->w, &out->buf);
    encode(e, 3);
    lua_pushlstring(L, out->buf.data, out->buf.size);
    return 1;
}

/* text | nil, message, code = encode(value [, {keys = {...}}]) */
static int l_encode(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    struct keeper *out = push_keeper(L), *path = push_keeper(L);
    lua_pushcfunction(L, do_encode);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 4);
    lua_pushvalue(L, 1);
    if (lua_istable(L, 2))
        lua_getfield(L, 2, "keys");
    else
        lua_pushnil(L);
    int status = lua_pcall(L, 4, 1, 0);
    empty_keeper(out);
    empty_keeper(path);
    if (status == LUA_OK)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    lua_pushstring(L, status == LUA_ERRMEM ? "nomem" : "invalid");
    return 3;
}

/* --- markers ------------------------------------------------------------------------------ */

/* t = array(t): encodes as an array, also when empty. */
static int l_array(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    nl_mark_json_array(L);
    return 1;
}

static int l_is_array(lua_State *L) {
    bool is = lua_istable(L, 1) && lua_getmetatable(L, 1);
    if (is) {
        luaL_getmetatable(L, ARRAY);
        is = lua_rawequal(L, -1, -2);
    }
    lua_pushboolean(L, is);
    return 1;
}

/* n = number(text): a number that encodes as it is written. */
static int l_number(lua_State *L) {
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
    luaL_setmetatable(L, NUMBER);
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
    struct keeper *keeper = push_keeper(L);
    if (!nl_sse_fold(body, size, &keeper->buf, &report, &err))
        return nl_push_err(L, &err);
    lua_pushlstring(L, keeper->buf.data, keeper->buf.size);
    empty_keeper(keeper);
    lua_createtable(L, 0, 3);
    lua_pushboolean(L, report.done);
    lua_setfield(L, -2, "done");
    lua_pushinteger(L, report.events);
    lua_setfield(L, -2, "events");
    lua_pushinteger(L, report.garbled);
    lua_setfield(L, -2, "garbled");
    return 2;
}

int luaopen_nlsql_json(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "decode", l_decode }, { "encode", l_encode },
        { "array", l_array },   { "is_array", l_is_array },
        { "number", l_number }, { "fold", l_fold },
        { NULL, NULL },
    };
    luaL_newmetatable(L, KEEPER);
    lua_pushcfunction(L, collect_keeper);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, ARRAY);
    luaL_newmetatable(L, NUMBER);
    lua_pushcfunction(L, l_number_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, l_number_equal);
    lua_setfield(L, -2, "__eq");
    luaL_newlib(L, functions);
    lua_newuserdatauv(L, 0, 0); /* null: a value of its own, so that it can stand in tables */
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, l_null_text);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &null_key);
    lua_setfield(L, -2, "null");
    return 1;
}
