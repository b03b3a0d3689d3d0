/* lua_http.h: nlsql.http: requests for scripts. Keys stay in C: see nl_http_auth. */
#ifndef NL_BIND_LUA_HTTP_H
#define NL_BIND_LUA_HTTP_H

#include <lua.h>

int luaopen_nlsql_http(lua_State *L);

#endif
