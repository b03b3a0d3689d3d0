/* lua_json_encode.c: Lua values as JSON, or the place of what cannot be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "bind/lua_json.h"
#include "bind/lua_json_priv.h"

#include "base/banned.h"

/* Tables that hold one another several times over write themselves out many times. */
enum { FEW_MEMBERS = 16, FIRST_ROOM = 1024, MAX_TEXT = 256 << 20, MAX_TABLES = 10000000 };

/* A table that is being written, and which member of it. */
struct step {
    const void *table;
    const char *key; /* anchored by the table; NULL in a list, or before the first member */
    size_t key_size;
    lua_Integer index; /* 0 in an object, or before the first item */
};

struct encoder {
    lua_State *L;
    nl_json_writer w;
    int keys; /* stack index of the list of first keys, or 0 */
    unsigned depth, tables;
    struct step open[NL_JSON_MAX_DEPTH];
};

/* Raises "cannot encode rows[3].name: why". */
static int fail_at(struct encoder *e, const char *why) {
    luaL_Buffer path;
    luaL_buffinit(e->L, &path);
    for (unsigned i = 0; i < e->depth; i++) {
        const struct step *step = &e->open[i];
        char index[32];
        if (step->key) {
            if (i > 0)
                luaL_addchar(&path, '.');
            luaL_addlstring(&path, step->key, step->key_size);
        } else if (step->index > 0) {
            (void)snprintf(index, sizeof index, "[%lld]", (long long)step->index);
            luaL_addstring(&path, index);
        }
    }
    luaL_pushresult(&path);
    const char *place = lua_tostring(e->L, -1);
    return luaL_error(e->L, "cannot encode %s%s%s", place, *place ? ": " : "", why);
}

static void encode(struct encoder *e, int at);

/* Length of the sequence where a table is one; -1 where it is an object. */
static lua_Integer sequence_length(struct encoder *e, int at) {
    lua_State *L = e->L;
    lua_Integer n = (lua_Integer)lua_rawlen(L, at), found = 0;
    bool marked = false, other = false;
    if (lua_getmetatable(L, at)) {
        luaL_getmetatable(L, NL_JSON_ARRAY_MARK);
        marked = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    if (n == 0 && !marked)
        return -1;
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
    if (other)
        fail_at(e, n > 0 ? "both a list and an object" : "a list with names");
    return n;
}

static void encode_list(struct encoder *e, int at, lua_Integer n) {
    struct step *step = &e->open[e->depth - 1];
    nl_json_open_array(&e->w);
    for (lua_Integer i = 1; i <= n; i++) {
        step->index = i;
        lua_rawgeti(e->L, at, i);
        encode(e, lua_gettop(e->L));
        lua_pop(e->L, 1);
    }
    step->index = 0;
    nl_json_close_array(&e->w);
}

/* Writes member `key` (on top of the stack) of the table at `at`, if it has it; pops the key. */
static void encode_member(struct encoder *e, int at) {
    lua_State *L = e->L;
    struct step *step = &e->open[e->depth - 1];
    lua_pushvalue(L, -1);
    if (lua_rawget(L, at) != LUA_TNIL) {
        step->key = lua_tolstring(L, -2, &step->key_size);
        if (!nl_json_key_n(&e->w, step->key, step->key_size))
            fail_at(e, e->w.why);
        encode(e, lua_gettop(L));
        step->key = NULL;
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

/* Is it one of the first n keys of the list of those that come first? */
static bool is_listed(struct encoder *e, lua_Integer n, const char *key, size_t size) {
    bool found = false;
    for (lua_Integer i = 1; i <= n && !found; i++) {
        if (lua_rawgeti(e->L, e->keys, i) == LUA_TSTRING) {
            size_t other_size;
            const char *other = lua_tolstring(e->L, -1, &other_size);
            found = other_size == size && memcmp(other, key, size) == 0;
        }
        lua_pop(e->L, 1);
    }
    return found;
}

/* Writes the members that come first, each once; returns the length of their list. */
static lua_Integer encode_listed(struct encoder *e, int at) {
    lua_State *L = e->L;
    lua_Integer n = (lua_Integer)lua_rawlen(L, e->keys);
    for (lua_Integer i = 1; i <= n; i++) {
        size_t size;
        bool wanted = lua_rawgeti(L, e->keys, i) == LUA_TSTRING;
        if (wanted) {
            const char *key = lua_tolstring(L, -1, &size);
            wanted = !is_listed(e, i - 1, key, size);
        }
        if (wanted)
            encode_member(e, at);
        else
            lua_pop(L, 1);
    }
    return n;
}

/* Names of the table's members, at most `room` of them, but for the first `listed` keys; returns
 * how many there are. */
static size_t gather(struct encoder *e, int at, lua_Integer listed, struct member *members,
                     size_t room) {
    lua_State *L = e->L;
    size_t n = 0;
    lua_pushnil(L);
    while (lua_next(L, at)) {
        struct member m;
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            fail_at(e, "a name that is no string");
        m.key = lua_tolstring(L, -1, &m.size);
        if (listed > 0 && is_listed(e, listed, m.key, m.size))
            continue;
        if (n < room)
            members[n] = m;
        n++;
    }
    return n;
}

static void encode_object(struct encoder *e, int at) {
    lua_State *L = e->L;
    struct member few[FEW_MEMBERS], *members = few; /* the table anchors the names */

    nl_json_open_object(&e->w);
    lua_Integer listed = e->depth == 1 && e->keys ? encode_listed(e, at) : 0;
    size_t n = gather(e, at, listed, few, FEW_MEMBERS);
    if (n > FEW_MEMBERS) {
        members = lua_newuserdatauv(L, n * sizeof *members, 0); /* a long list is Lua's to free */
        gather(e, at, listed, members, n);
    } else {
        lua_pushnil(L);
    }
    qsort(members, n, sizeof *members, compare_members);
    for (size_t i = 0; i < n; i++) {
        lua_pushlstring(L, members[i].key, members[i].size);
        encode_member(e, at);
    }
    lua_pop(L, 1);
    nl_json_close_object(&e->w);
}

/* Has the table the metatable `mark`? */
static bool is_marked(lua_State *L, int at, const char *mark) {
    if (!lua_getmetatable(L, at))
        return false;
    luaL_getmetatable(L, mark);
    bool is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

static void encode_table(struct encoder *e, int at) {
    lua_State *L = e->L;
    bool number = is_marked(L, at, NL_JSON_NUMBER_MARK);
    if (number || is_marked(L, at, NL_JSON_VERBATIM_MARK)) {
        size_t size = 0;
        lua_rawgeti(L, at, 1);
        const char *text = lua_tolstring(L, -1, &size);
        if (number)
            nl_json_put_number(&e->w, text ? text : "", size);
        else if (text && nl_json_span(text, size) == size)
            nl_json_put_raw(&e->w, text, size);
        else
            fail_at(e, "a verbatim value that is no JSON");
        lua_pop(L, 1);
        return;
    }
    const void *self = lua_topointer(L, at);
    for (unsigned i = 0; i < e->depth; i++) {
        if (e->open[i].table == self)
            fail_at(e, "a table inside itself");
    }
    if (e->depth == NL_JSON_MAX_DEPTH)
        fail_at(e, "nested too deep");
    e->tables++;
    e->open[e->depth++] = (struct step){ .table = self };
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
    if (e->w.out->size > MAX_TEXT || e->tables > MAX_TABLES)
        fail_at(e, "more than 256 MiB of text, or 10 million tables");
}

/* keeper, value, keys|nil → text: raises what is wrong. */
static int do_encode(lua_State *L) {
    struct nl_json_keeper *out = lua_touserdata(L, 1);
    struct encoder e;
    e.L = L;
    e.keys = lua_istable(L, 3) ? 3 : 0;
    e.depth = e.tables = 0;
    nl_json_writer_init(&e.w, &out->buf);
    if (!nl_buf_reserve(&out->buf, FIRST_ROOM))
        return luaL_error(L, "not enough memory");
    encode(&e, 2);
    lua_pushlstring(L, out->buf.data, out->buf.size);
    return 1;
}

/* text | nil, message, code = encode(value [, {keys = {...}}]) */
int nl_json_encode(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    struct nl_json_keeper *out = nl_json_keeper_push(L); /* value options out */
    lua_pushcfunction(L, do_encode);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 1);
    if (lua_istable(L, 2))
        lua_getfield(L, 2, "keys");
    else
        lua_pushnil(L);                 /* value options out do_encode out value keys */
    int status = lua_pcall(L, 3, 1, 0); /* value options out text|message */
    nl_json_keeper_empty(out);
    if (status == LUA_OK)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    lua_pushstring(L, status == LUA_ERRMEM ? "nomem" : "invalid"); /* … nil message code */
    return 3;
}
