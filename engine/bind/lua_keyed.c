#include "bind/lua_keyed.h"

#include <lauxlib.h>

#include "bind/lua_class.h"
#include "data/keyed.h"
#include "script/job.h"

#include "base/banned.h"

#define KEYED "nlsql.keyed"

enum { MOST_DOMAIN = 200 };

static nl_keyed *check_keyed(lua_State *L) {
    nl_keyed **keyed = luaL_checkudata(L, 1, KEYED);
    luaL_argcheck(L, *keyed, 1, "this secret is closed");
    return *keyed;
}

static const char *check_domain(lua_State *L, int arg) {
    size_t size;
    const char *domain = luaL_checklstring(L, arg, &size);
    luaL_argcheck(L, size <= MOST_DOMAIN, arg, "a domain has 200 bytes at most");
    return domain; /* up to its first NUL */
}

/* secret | nil, message, code = secret(): 32 random bytes */
static int l_secret(lua_State *L) {
    nl_err err;
    unsigned char secret[NL_SECRET_BYTES];
    if (!nl_keyed_secret(secret, &err))
        return nl_push_err(L, &err);
    lua_pushlstring(L, (const char *)secret, sizeof secret);
    return 1;
}

/* keyed | nil, message, code = open(secret) */
static int l_open(lua_State *L) {
    nl_err err;
    size_t size;
    const char *secret = luaL_checklstring(L, 1, &size);
    luaL_argcheck(L, size == NL_SECRET_BYTES, 1, "expected a secret of 32 bytes");
    nl_keyed **keyed = lua_newuserdatauv(L, sizeof *keyed, 0);
    *keyed = NULL;
    luaL_setmetatable(L, KEYED);
    *keyed = nl_keyed_new((const unsigned char *)secret, &err);
    return *keyed ? 1 : nl_push_err(L, &err);
}

/* bytes = keyed:bytes(domain, value [, n]): n of them, 1 to 64 (64) */
static int l_bytes(lua_State *L) {
    size_t size;
    unsigned char out[NL_KEYED_MOST];
    const nl_keyed *keyed = check_keyed(L);
    const char *domain = check_domain(L, 2), *value = luaL_checklstring(L, 3, &size);
    lua_Integer n = luaL_optinteger(L, 4, NL_KEYED_MOST);
    luaL_argcheck(L, n >= 1 && n <= NL_KEYED_MOST, 4, "expected 1 to 64");
    nl_keyed_bytes(keyed, domain, value, size, out, (size_t)n);
    lua_pushlstring(L, (const char *)out, (size_t)n);
    return 1;
}

static int place(lua_State *L, uint64_t (*of)(const nl_keyed *, const char *, uint64_t, uint64_t)) {
    const nl_keyed *keyed = check_keyed(L);
    const char *domain = check_domain(L, 2);
    lua_Integer i = luaL_checkinteger(L, 3), n = luaL_checkinteger(L, 4);
    luaL_argcheck(L, n >= 1 && n <= (lua_Integer)1 << 62, 4, "expected 1 to 2^62");
    luaL_argcheck(L, i >= 0 && i < n, 3, "expected 0 to n - 1");
    lua_pushinteger(L, (lua_Integer)of(keyed, domain, (uint64_t)i, (uint64_t)n));
    return 1;
}

/* place = keyed:permute(domain, i, n): of i in a secret order of 0 … n-1 */
static int l_permute(lua_State *L) {
    return place(L, nl_keyed_permute);
}

/* place = keyed:move(domain, i, n): the same, but never i itself */
static int l_move(lua_State *L) {
    return place(L, nl_keyed_move);
}

static int l_close(lua_State *L) {
    nl_keyed **keyed = luaL_checkudata(L, 1, KEYED);
    nl_keyed_free(*keyed);
    *keyed = NULL;
    return 0;
}

int luaopen_nlsql_keyed(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "bytes", l_bytes }, { "permute", l_permute }, { "move", l_move },
        { "close", l_close }, { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "secret", l_secret },
        { "open", l_open },
        { NULL, NULL },
    };
    nl_lua_class(L, KEYED, methods, l_close, l_close);
    luaL_newlib(L, functions);
    return 1;
}
