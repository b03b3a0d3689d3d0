/* lua_sql.h: nlsql.sql: parsing, the safety gate, facts and keys of queries for scripts. */
#ifndef NL_BIND_LUA_SQL_H
#define NL_BIND_LUA_SQL_H

#include <lua.h>

int luaopen_nlsql_sql(lua_State *L);

#endif
