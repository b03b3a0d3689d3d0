/* nlsql.store: what a run accepted and rejected before. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "bind/lua_store_priv.h"

#include "base/banned.h"

#define SEEN "nlsql.store.seen"

/* --- what was accepted before -------------------------------------------------------------- */

struct seen {
    nl_key *keys; /* three an entry */
    size_t n, room, at;
    bool failed;
};

static void add_seen(void *ctx, const nl_store_seen *one) {
    struct seen *seen = ctx;
    if (seen->failed)
        return;
    if (seen->n + 3 > seen->room) {
        size_t room = seen->room ? seen->room * 2 : 3072;
        nl_key *keys = realloc(seen->keys, room * sizeof *keys);
        if (!keys) {
            seen->failed = true;
            return;
        }
        seen->keys = keys;
        seen->room = room;
    }
    seen->keys[seen->n++] = one->sql;
    seen->keys[seen->n++] = one->masked;
    seen->keys[seen->n++] = one->question;
}

static int collect_seen(lua_State *L) {
    struct seen *seen = luaL_checkudata(L, 1, SEEN);
    free(seen->keys);
    seen->keys = NULL;
    seen->n = 0;
    return 0;
}

static int next_seen(lua_State *L) {
    struct seen *seen = luaL_checkudata(L, lua_upvalueindex(1), SEEN);
    if (seen->at >= seen->n)
        return 0;
    for (int i = 0; i < 3; i++)
        lua_pushlstring(L, (const char *)&seen->keys[seen->at + (size_t)i], sizeof *seen->keys);
    seen->at += 3;
    return 3;
}

/* for sql_key, masked_key, question_key in run:seen() */
int nl_lua_run_seen(lua_State *L) {
    nl_err err;
    nl_store_run *run = nl_lua_check_run(L, 1);
    struct seen *seen = lua_newuserdatauv(L, sizeof *seen, 0);
    memset(seen, 0, sizeof *seen);
    luaL_setmetatable(L, SEEN);
    if (!nl_store_each_seen(run, add_seen, seen, &err))
        return luaL_error(L, "%s", err.msg);
    if (seen->failed)
        return luaL_error(L, "not enough memory");
    lua_pushcclosure(L, next_seen, 1);
    return 1;
}

/* --- what was rejected before -------------------------------------------------------------- */

static void push_text(lua_State *L, const char *name, const char *text) {
    if (text) {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

/* Appends one to the list on top of the stack; protected, since the store's reading waits under it.
 */
static int add_rejected(lua_State *L) {
    const nl_store_rejected *one = lua_touserdata(L, 2);
    lua_createtable(L, 0, 8); /* list one table */
    lua_pushinteger(L, one->id);
    lua_setfield(L, -2, "id");
    lua_pushinteger(L, one->turn);
    lua_setfield(L, -2, "turn");
    lua_pushinteger(L, one->candidate);
    lua_setfield(L, -2, "candidate");
    push_text(L, "gate", one->gate);
    push_text(L, "reason", one->reason);
    push_text(L, "question", one->question);
    push_text(L, "sql", one->sql);
    push_text(L, "detail", one->detail);
    lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
    return 0;
}

struct rejected_list {
    lua_State *L;
    int list; /* where it lies on the stack */
    bool failed;
};

static void on_rejected(void *ctx, const nl_store_rejected *one) {
    struct rejected_list *to = ctx;
    if (to->failed)
        return;
    lua_pushcfunction(to->L, add_rejected);
    lua_pushvalue(to->L, to->list);
    lua_pushlightuserdata(to->L, (void *)one);
    to->failed = lua_pcall(to->L, 2, 0, 0) != LUA_OK;
}

/* list = run:rejected(item): those of earlier turns that were not taken up again */
int nl_lua_run_rejected(lua_State *L) {
    nl_err err;
    nl_store_run *run = nl_lua_check_run(L, 1);
    const char *item = luaL_checkstring(L, 2);
    lua_settop(L, 2);
    luaL_checkstack(L, 4, "too many values");
    lua_newtable(L);
    struct rejected_list to = { L, 3, false };
    if (!nl_store_each_rejected(run, item, on_rejected, &to, &err))
        return luaL_error(L, "%s", err.msg);
    if (to.failed)
        return lua_error(L);
    return 1;
}

void nl_lua_past_setup(lua_State *L) {
    nl_lua_class(L, SEEN, NULL, collect_seen, NULL);
}
