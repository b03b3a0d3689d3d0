/* nlsql.store: runs. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "bind/lua_store_priv.h"

#include "base/banned.h"

#define RUN "nlsql.store.run"
#define TEXT "nlsql.store.text"

enum {
    MAX_LIST = 100000,
    MAX_BACKLOG = 64 << 20 /* bytes on their way to the disk from which on everybody waits */
};

/* The userdata of a run; its user value is the store's. */
struct run {
    nl_store_run *run; /* NULL: closed */
};

static struct nl_lua_store *store_of(lua_State *L, int at) {
    lua_getiuservalue(L, at, 1);
    struct nl_lua_store *handle = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return handle;
}

nl_store_run *nl_lua_check_run(lua_State *L, int at) {
    struct run *run = luaL_checkudata(L, at, RUN);
    luaL_argcheck(L, run->run, at, "this run is closed");
    luaL_argcheck(L, store_of(L, at)->store, at, "the store of this run is closed");
    return run->run;
}

/* --- fields of tables ---------------------------------------------------------------------- */

/* The string field stays on the stack. */
static const char *text_field(lua_State *L, int table, const char *name, size_t *size) {
    luaL_checkstack(L, 4, "too many fields");
    int type = lua_getfield(L, table, name);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        luaL_error(L, "%s: expected a string", name);
    return lua_tolstring(L, -1, size);
}

static const char *need_text(lua_State *L, int table, const char *name) {
    const char *text = text_field(L, table, name, NULL);
    if (!text)
        luaL_error(L, "%s is missing", name);
    return text;
}

static lua_Integer int_field(lua_State *L, int table, const char *name, lua_Integer otherwise) {
    int is = 1;
    lua_getfield(L, table, name);
    lua_Integer value = lua_isnil(L, -1) ? otherwise : lua_tointegerx(L, -1, &is);
    lua_pop(L, 1);
    if (!is)
        luaL_error(L, "%s: expected a whole number", name);
    return value;
}

/* A whole number that counts something. */
static uint32_t count_field(lua_State *L, int table, const char *name, lua_Integer otherwise) {
    lua_Integer value = int_field(L, table, name, otherwise);
    if (value < 0 || value > UINT32_MAX)
        luaL_error(L, "%s: expected 0 to %I", name, (LUAI_UACINT)UINT32_MAX);
    return (uint32_t)value;
}

static bool bool_field(lua_State *L, int table, const char *name, bool otherwise) {
    bool value = lua_getfield(L, table, name) == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static nl_key key_field(lua_State *L, int table, const char *name) {
    nl_key key = { 0, 0 };
    size_t size = 0;
    const char *bytes = text_field(L, table, name, &size);
    if (bytes && size == sizeof key)
        memcpy(&key, bytes, sizeof key);
    else
        luaL_error(L, "%s: expected a key of 16 bytes", name);
    lua_pop(L, 1);
    return key;
}

/* --- items and calls ----------------------------------------------------------------------- */

/* {done=, turns=, accepted=, state=} | nil = run:item(key) */
static int l_item(lua_State *L) {
    nl_err err;
    nl_store_item item;
    nl_store_run *run = nl_lua_check_run(L, 1);
    if (!nl_store_item_get(run, luaL_checkstring(L, 2), &item, &err))
        return luaL_error(L, "%s", err.msg);
    if (!item.found) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 4);
    lua_pushboolean(L, item.done);
    lua_setfield(L, -2, "done");
    lua_pushinteger(L, item.turns);
    lua_setfield(L, -2, "turns");
    lua_pushinteger(L, item.accepted);
    lua_setfield(L, -2, "accepted");
    lua_pushstring(L, item.state);
    lua_setfield(L, -2, "state");
    return 1;
}

static int collect_text(lua_State *L) {
    char **text = luaL_checkudata(L, 1, TEXT);
    free(*text);
    *text = NULL;
    return 0;
}

/* reply | nil = run:recall(key, sample) */
static int l_recall(lua_State *L) {
    nl_err err;
    size_t size;
    bool found;
    nl_key key;
    nl_store_run *run = nl_lua_check_run(L, 1);
    const char *bytes = luaL_checklstring(L, 2, &size);
    luaL_argcheck(L, size == sizeof key, 2, "expected a key of 16 bytes");
    memcpy(&key, bytes, sizeof key);
    lua_Integer sample = luaL_checkinteger(L, 3);
    luaL_argcheck(L, sample >= 0 && sample <= UINT32_MAX, 3, "expected 0 to 4294967295");
    char **reply = lua_newuserdatauv(L, sizeof *reply, 0);
    *reply = NULL;
    luaL_setmetatable(L, TEXT);
    if (!nl_store_call_get(run, key, (uint32_t)sample, &found, reply, &size, &err))
        return luaL_error(L, "%s", err.msg);
    if (found)
        lua_pushlstring(L, *reply, size);
    else
        lua_pushnil(L);
    free(*reply);
    *reply = NULL;
    return 1;
}

/* Pushes what to park on, where the caller wants to wait or the disk is far behind; NULL: go on.
 * Raises where that is needed and impossible, before anything is submitted. */
static struct nl_lua_wait *wait_if(lua_State *L, bool wanted) {
    if (!wanted && nl_store_backlog(store_of(L, 1)->store) < MAX_BACKLOG)
        return NULL;
    nl_job *job = nl_job_here(L);
    lua_getiuservalue(L, 1, 1);
    return nl_lua_wait_push(L, lua_gettop(L), job);
}

static int finish(lua_State *L, const struct nl_lua_wait *wait) {
    if (wait)
        return nl_lua_wait_park(L);
    lua_pushboolean(L, 1);
    return 1;
}

/* true | nil, message, code = run:record{...}: waits only while the disk is far behind */
static int l_record(lua_State *L) {
    nl_err err;
    nl_store_run *run = nl_lua_check_run(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    nl_store_call call = { .key = key_field(L, 2, "key") };
    call.sample = count_field(L, 2, "sample", 1);
    call.purpose = need_text(L, 2, "purpose");
    call.item = text_field(L, 2, "item", NULL);
    call.model = need_text(L, 2, "model");
    call.request = text_field(L, 2, "request", &call.request_size);
    call.reply = text_field(L, 2, "reply", &call.reply_size);
    call.outcome = need_text(L, 2, "outcome");
    call.tokens_in = int_field(L, 2, "tokens_in", -1);
    call.tokens_out = int_field(L, 2, "tokens_out", -1);
    call.tokens_cached = int_field(L, 2, "tokens_cached", -1);
    call.cost = int_field(L, 2, "cost", 0);
    call.reservation = int_field(L, 2, "reservation", 0);
    lua_getfield(L, 2, "seconds");
    call.seconds = lua_tonumber(L, -1);
    struct nl_lua_wait *wait = wait_if(L, false);
    if (!nl_store_call_put(run, &call, wait ? nl_lua_durable : NULL, wait, &err))
        return nl_push_err(L, &err);
    return finish(L, wait);
}

/* Fills `entries` from the list on top of the stack; the strings are kept by the list's tables. */
static void read_entries(lua_State *L, nl_store_entry *entries, size_t n) {
    int list = lua_gettop(L);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        int at = lua_gettop(L);
        if (!lua_istable(L, at))
            luaL_error(L, "entries: expected a list of tables");
        entries[i].line = need_text(L, at, "line");
        entries[i].question = need_text(L, at, "question");
        entries[i].sql = need_text(L, at, "sql");
        entries[i].facts = text_field(L, at, "facts", NULL);
        entries[i].sql_key = key_field(L, at, "sql_key");
        entries[i].masked_key = key_field(L, at, "masked_key");
        entries[i].question_key = key_field(L, at, "question_key");
        lua_settop(L, list);
    }
}

static void read_rejections(lua_State *L, nl_store_rejection *rejections, size_t n) {
    int list = lua_gettop(L);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        int at = lua_gettop(L);
        if (!lua_istable(L, at))
            luaL_error(L, "rejections: expected a list of tables");
        rejections[i].gate = need_text(L, at, "gate");
        rejections[i].reason = need_text(L, at, "reason");
        rejections[i].question = text_field(L, at, "question", NULL);
        rejections[i].sql = text_field(L, at, "sql", NULL);
        rejections[i].detail = text_field(L, at, "detail", NULL);
        rejections[i].candidate = count_field(L, at, "candidate", 0);
        lua_settop(L, list);
    }
}

/* Length of the list in field `name`, which stays on the stack. */
static size_t list_field(lua_State *L, const char *name) {
    if (lua_getfield(L, 2, name) == LUA_TNIL)
        return 0;
    luaL_checktype(L, -1, LUA_TTABLE);
    size_t n = (size_t)lua_rawlen(L, -1);
    if (n > MAX_LIST)
        luaL_error(L, "%s: too many", name);
    return n;
}

/* true | nil, message, code = run:commit{item=, ordinal=, turn=, done=, state=, entries=,
 * rejections=, retried=, wait=}: parks until durable unless wait is false */
static int l_commit(lua_State *L) {
    nl_err err;
    nl_store_run *run = nl_lua_check_run(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    nl_store_turn turn = { .item = need_text(L, 2, "item") };
    turn.ordinal = count_field(L, 2, "ordinal", 0);
    turn.turn = count_field(L, 2, "turn", 0);
    turn.done = bool_field(L, 2, "done", false);
    turn.state = text_field(L, 2, "state", NULL);
    turn.n_entries = list_field(L, "entries");
    nl_store_entry *entries = lua_newuserdatauv(L, (turn.n_entries + 1) * sizeof *entries, 0);
    lua_insert(L, -2);
    read_entries(L, entries, turn.n_entries);
    turn.entries = entries;
    turn.n_rejections = list_field(L, "rejections");
    nl_store_rejection *rejections =
        lua_newuserdatauv(L, (turn.n_rejections + 1) * sizeof *rejections, 0);
    lua_insert(L, -2);
    read_rejections(L, rejections, turn.n_rejections);
    turn.rejections = rejections;
    turn.n_retried = list_field(L, "retried");
    int64_t *retried = lua_newuserdatauv(L, (turn.n_retried + 1) * sizeof *retried, 0);
    lua_insert(L, -2);
    for (size_t i = 0; i < turn.n_retried; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        if (!lua_isinteger(L, -1))
            luaL_error(L, "retried: expected a list of numbers");
        retried[i] = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    turn.retried = retried;
    struct nl_lua_wait *wait = wait_if(L, bool_field(L, 2, "wait", true));
    if (!nl_store_turn_put(run, &turn, wait ? nl_lua_durable : NULL, wait, &err))
        return nl_push_err(L, &err);
    return finish(L, wait);
}

/* --- notes --------------------------------------------------------------------------------- */

/* text = run:before(): the config that was last noted before; "" where there was none */
static int l_before(lua_State *L) {
    lua_pushstring(L, nl_store_run_before(nl_lua_check_run(L, 1)));
    return 1;
}

/* true | nil, message, code = run:note(config, changed): either may be nil, which leaves it */
static int l_note(lua_State *L) {
    nl_err err;
    nl_store_run *run = nl_lua_check_run(L, 1);
    if (!nl_store_run_note(run, luaL_optstring(L, 2, NULL), luaL_optstring(L, 3, NULL), &err))
        return nl_push_err(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* true | nil, message, code = run:ended(outcome) */
static int l_ended(lua_State *L) {
    nl_err err;
    nl_store_run *run = nl_lua_check_run(L, 1);
    if (!nl_store_run_end(run, luaL_checkstring(L, 2), &err))
        return nl_push_err(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* --- opening and closing ------------------------------------------------------------------- */

/* run:close() */
static int l_run_close(lua_State *L) {
    struct run *run = luaL_checkudata(L, 1, RUN);
    nl_store_run *open = run->run;
    run->run = NULL;
    if (open && store_of(L, 1)->store) /* a store that was closed has closed its runs */
        nl_store_run_close(open);
    return 0;
}

static void push_info(lua_State *L, const nl_store_run_info *info) {
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        { "torn", info->torn },
        { "items_done", info->items_done },
        { "entries", info->entries },
        { "calls", info->calls },
    };
    lua_createtable(L, 0, 9);
    lua_pushlstring(L, (const char *)info->secret, sizeof info->secret);
    lua_setfield(L, -2, "secret");
    lua_pushboolean(L, info->resumed);
    lua_setfield(L, -2, "resumed");
    lua_pushboolean(L, info->changed);
    lua_setfield(L, -2, "changed");
    lua_pushboolean(L, info->rewritten);
    lua_setfield(L, -2, "rewritten");
    lua_pushstring(L, info->kept);
    lua_setfield(L, -2, "kept");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        lua_pushinteger(L, (lua_Integer)numbers[i].value);
        lua_setfield(L, -2, numbers[i].name);
    }
}

/* run, info | nil, message, code = store:run{phase=, version=, fingerprint=, source=, dataset=,
 * fresh=, age_ms=}
 */
int nl_lua_run_open(lua_State *L) {
    nl_err err;
    nl_store_run_info info = { 0 };
    nl_store *store = nl_lua_check_store(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    nl_store_run_options options = { .phase = need_text(L, 2, "phase") };
    options.version = text_field(L, 2, "version", NULL);
    options.version = options.version ? options.version : "";
    options.fingerprint = need_text(L, 2, "fingerprint");
    options.source = text_field(L, 2, "source", NULL);
    options.dataset = text_field(L, 2, "dataset", NULL);
    options.fresh = bool_field(L, 2, "fresh", false);
    options.age_ms = int_field(L, 2, "age_ms", 0);
    struct run *run = lua_newuserdatauv(L, sizeof *run, 1);
    run->run = NULL;
    luaL_setmetatable(L, RUN);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* the run keeps its store */
    run->run = nl_store_run_open(store, &options, &info, &err);
    if (!run->run)
        return nl_push_err(L, &err);
    push_info(L, &info);
    return 2;
}

void nl_lua_run_setup(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "item", l_item },
        { "recall", l_recall },
        { "record", l_record },
        { "commit", l_commit },
        { "seen", nl_lua_run_seen },
        { "close", l_run_close },
        { "rejected", nl_lua_run_rejected },
        { "before", l_before },
        { "note", l_note },
        { "ended", l_ended },
        { NULL, NULL },
    };
    nl_lua_class(L, TEXT, NULL, collect_text, collect_text);
    nl_lua_past_setup(L);
    nl_lua_class(L, RUN, methods, l_run_close, l_run_close);
}
