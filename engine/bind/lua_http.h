/* lua_http.h: nlsql.http: requests, one call each, that wait without blocking the others.
 *
 *   reply = http.request{ url=, method=, headers={Name=value}, body=,
 *                         connect=, idle=, total= (seconds), max_reply= (bytes) }
 *     { status=, body=, headers="name: value\n…", seconds=, retry_after=, error=, code=, sent= }
 *     nil, message, code only where it could not be started
 *   value | nil = http.header(reply, name)
 *   boolean = http.is_loopback(url)
 *   true | nil, message, code = http.remember(url, text)    for as long as the engine's client
 * lives text | nil = http.remembered(url) */
#ifndef NL_BIND_LUA_HTTP_H
#define NL_BIND_LUA_HTTP_H

#include <lua.h>

int luaopen_nlsql_http(lua_State *L);

#endif
