/* nlsql.store: looking at a store that another process may be writing. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "bind/lua_store_priv.h"
#include "io/store_view.h"

#include "base/banned.h"

#define VIEW "nlsql.store.view"
#define CURSOR "nlsql.store.cursor"
#define REPLY "nlsql.store.reply"

struct view {
    nl_store_view *view; /* NULL: closed */
};

static struct view *check_view(lua_State *L, int at) {
    struct view *handle = luaL_checkudata(L, at, VIEW);
    luaL_argcheck(L, handle->view, at, "this view is closed");
    return handle;
}

/* view | nil, message, code = view(path) */
int nl_lua_view_open(lua_State *L) {
    nl_err err;
    const char *path = luaL_checkstring(L, 1);
    struct view *handle = lua_newuserdatauv(L, sizeof *handle, 0);
    handle->view = NULL;
    luaL_setmetatable(L, VIEW);
    handle->view = nl_store_view_open(path, &err);
    return handle->view ? 1 : nl_push_err(L, &err);
}

/* view:close() */
static int l_close(lua_State *L) {
    struct view *handle = luaL_checkudata(L, 1, VIEW);
    nl_store_view_close(handle->view);
    handle->view = NULL;
    return 0;
}

/* --- rows ---------------------------------------------------------------------------------- */

static int collect_cursor(lua_State *L) {
    nl_store_cursor **slot = luaL_checkudata(L, 1, CURSOR);
    nl_store_cursor_free(*slot);
    *slot = NULL;
    return 0;
}

static void push_field(lua_State *L, const nl_store_field *field) {
    switch (field->kind) {
    case NL_FIELD_INT:
        lua_pushinteger(L, field->number);
        break;
    case NL_FIELD_REAL:
        lua_pushnumber(L, field->real);
        break;
    case NL_FIELD_TEXT:
        lua_pushlstring(L, field->text, field->size);
        break;
    case NL_FIELD_NULL:
        lua_pushnil(L);
        break;
    }
}

/* The next row as a table; a reading error is raised. Upvalues: the cursor's slot, the view, the
 * names of the fields. */
static int next_row(lua_State *L) {
    nl_err err;
    nl_store_cursor **slot = luaL_checkudata(L, lua_upvalueindex(1), CURSOR);
    const char *const *names = lua_touserdata(L, lua_upvalueindex(3));
    const nl_store_field *fields;
    check_view(L, lua_upvalueindex(2));
    if (!*slot)
        return 0;
    int more = nl_store_cursor_next(*slot, &fields, &err);
    if (more == 1) {
        lua_createtable(L, 0, NL_STORE_FIELDS);
        for (size_t i = 0; i < NL_STORE_FIELDS; i++) {
            push_field(L, &fields[i]);
            lua_setfield(L, -2, names[i]);
        }
        return 1;
    }
    nl_store_cursor_free(*slot);
    *slot = NULL;
    return more == 0 ? 0 : luaL_error(L, "%s", err.msg);
}

static const char *const run_names[NL_STORE_FIELDS] = {
    "id",         "phase",   "version",    "source", "dataset", "config",  "started",
    "archived",   "opened",  "pid",        "ended",  "outcome", "changed", "items",
    "items_done", "entries", "rejections", "calls",  "failed",  "cost",
};

static const char *const event_names[NL_STORE_FIELDS] = {
    "kind",    "id",      "at",     "item",     "turn",      "candidate",  "purpose",
    "model",   "outcome", "kept",   "sample",   "tokens_in", "tokens_out", "cost",
    "seconds", "gate",    "reason", "question", "sql",       "detail",
};

static nl_store_cursor **push_slot(lua_State *L) {
    nl_store_cursor **slot = lua_newuserdatauv(L, sizeof *slot, 0);
    *slot = NULL;
    luaL_setmetatable(L, CURSOR);
    return slot;
}

/* The iterator over the cursor in the slot on top of the stack, and what ends it where the loop is
 * left early: until then the view sees nothing newer. */
static int push_rows(lua_State *L, nl_store_cursor *const *slot, const char *const *names,
                     const nl_err *err) {
    if (!*slot)
        return luaL_error(L, "%s", err->msg);
    int at = lua_gettop(L);
    lua_pushvalue(L, at);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, (void *)names);
    lua_pushcclosure(L, next_row, 3); /* slot next */
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, at);
    return 4;
}

/* for row in view:runs([archived]) */
static int l_runs(lua_State *L) {
    nl_err err;
    nl_store_view *view = check_view(L, 1)->view;
    bool archived = lua_toboolean(L, 2);
    nl_store_cursor **slot = push_slot(L);
    *slot = nl_store_view_runs(view, archived, &err);
    return push_rows(L, slot, run_names, &err);
}

static int64_t mark(lua_State *L, const char *name) {
    lua_Integer value = 0;
    if (lua_istable(L, 3)) {
        lua_getfield(L, 3, name);
        value = luaL_optinteger(L, -1, 0);
        lua_pop(L, 1);
    }
    return value;
}

/* for row in view:events(run [, marks]): marks has the last id seen of each kind */
static int l_events(lua_State *L) {
    nl_err err;
    nl_store_view *view = check_view(L, 1)->view;
    lua_Integer run = luaL_checkinteger(L, 2);
    nl_store_marks after = { mark(L, "opening"), mark(L, "call"), mark(L, "rejection"),
                             mark(L, "entry") };
    nl_store_cursor **slot = push_slot(L);
    *slot = nl_store_view_events(view, run, after, &err);
    return push_rows(L, slot, event_names, &err);
}

/* --- look-ups ------------------------------------------------------------------------------ */

/* pid | nil = view:holder(): who has it open to write; 0: it is not known who */
static int l_holder(lua_State *L) {
    nl_err err;
    int64_t pid;
    if (!nl_store_view_holder(check_view(L, 1)->view, &pid, &err))
        return luaL_error(L, "%s", err.msg);
    if (pid == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, pid < 0 ? 0 : pid);
    return 1;
}

/* spent, reserved = view:ledger(): nano-dollars */
static int l_ledger(lua_State *L) {
    nl_err err;
    int64_t spent, reserved;
    if (!nl_store_view_ledger(check_view(L, 1)->view, &spent, &reserved, &err))
        return luaL_error(L, "%s", err.msg);
    lua_pushinteger(L, spent);
    lua_pushinteger(L, reserved);
    return 2;
}

static int collect_reply(lua_State *L) {
    char **reply = luaL_checkudata(L, 1, REPLY);
    free(*reply);
    *reply = NULL;
    return 0;
}

/* reply | nil = view:reply(run, key, sample) */
static int l_reply(lua_State *L) {
    nl_err err;
    nl_key key;
    size_t size;
    nl_store_view *view = check_view(L, 1)->view;
    lua_Integer run = luaL_checkinteger(L, 2);
    const char *bytes = luaL_checklstring(L, 3, &size);
    luaL_argcheck(L, size == sizeof key, 3, "expected a key of 16 bytes");
    memcpy(&key, bytes, sizeof key);
    lua_Integer sample = luaL_checkinteger(L, 4);
    luaL_argcheck(L, sample >= 0 && sample <= UINT32_MAX, 4, "expected 0 to 4294967295");
    char **reply = lua_newuserdatauv(L, sizeof *reply, 0);
    *reply = NULL;
    luaL_setmetatable(L, REPLY);
    if (!nl_store_view_reply(view, run, key, (uint32_t)sample, reply, &size, &err))
        return luaL_error(L, "%s", err.msg);
    if (*reply)
        lua_pushlstring(L, *reply, size);
    else
        lua_pushnil(L);
    free(*reply);
    *reply = NULL;
    return 1;
}

/* secret | nil = view:secret(run) */
static int l_secret(lua_State *L) {
    nl_err err;
    bool found;
    unsigned char secret[NL_SECRET_BYTES];
    nl_store_view *view = check_view(L, 1)->view;
    if (!nl_store_view_secret(view, luaL_checkinteger(L, 2), secret, &found, &err))
        return luaL_error(L, "%s", err.msg);
    if (found)
        lua_pushlstring(L, (const char *)secret, sizeof secret);
    else
        lua_pushnil(L);
    return 1;
}

/* same, entries, lines | nil, message, code = view:compare(run, path) */
static int l_compare(lua_State *L) {
    nl_err err;
    nl_store_agreement agreement;
    nl_store_view *view = check_view(L, 1)->view;
    if (!nl_store_view_compare(view, luaL_checkinteger(L, 2), luaL_checkstring(L, 3), &agreement,
                               &err))
        return nl_push_err(L, &err);
    lua_pushinteger(L, (lua_Integer)agreement.same);
    lua_pushinteger(L, (lua_Integer)agreement.entries);
    lua_pushinteger(L, (lua_Integer)agreement.lines);
    return 3;
}

void nl_lua_view_setup(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "runs", l_runs },     { "events", l_events }, { "holder", l_holder },
        { "ledger", l_ledger }, { "reply", l_reply },   { "compare", l_compare },
        { "secret", l_secret }, { "close", l_close },   { NULL, NULL },
    };
    nl_lua_class(L, CURSOR, NULL, collect_cursor, collect_cursor);
    nl_lua_class(L, REPLY, NULL, collect_reply, NULL);
    nl_lua_class(L, VIEW, methods, l_close, l_close);
}
