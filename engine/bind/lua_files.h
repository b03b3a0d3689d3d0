/* lua_files.h: nlsql.files: the text files that scripts may read.
 *
 * Only below the project folder and the shipped share, so that a phase cannot read a key, and the
 * file of the phase itself. Files are read and loaded as they are now: `load` and `forget` let a
 * script go on with what was saved since it started. */
#ifndef NL_BIND_LUA_FILES_H
#define NL_BIND_LUA_FILES_H

#include <lua.h>

int luaopen_nlsql_files(lua_State *L);

#endif
