/* lua_watch.h: nlsql.watch: waits until a phase, a prompt, a script or the configuration is saved.
 *
 *     local w <close> = watch.open()
 *     local paths, message, code = w:wait(seconds)
 *
 * What counts as a change: see io/watch.h. */
#ifndef NL_BIND_LUA_WATCH_H
#define NL_BIND_LUA_WATCH_H

#include <lua.h>

int luaopen_nlsql_watch(lua_State *L);

#endif
