/* lua_catalog.h: nlsql.catalog: introspection for scripts. Tables are named by their reference, as
 * SQL writes them. */
#ifndef NL_BIND_LUA_CATALOG_H
#define NL_BIND_LUA_CATALOG_H

#include <lua.h>

#include "db/catalog.h"

int luaopen_nlsql_catalog(lua_State *L);

/* The catalog at `arg`; raises where it is something else. */
const nl_catalog *nl_check_catalog(lua_State *L, int arg);

/* The table of that reference, or NULL. */
const nl_table *nl_find_reference(const nl_catalog *catalog, const char *reference);

/* Reads the list of references at `arg` into an array that Lua owns (pushed); *n its length. Raises
 * where one names no table. [-0, +1, v] */
const nl_table **nl_check_tables(lua_State *L, int arg, const nl_catalog *catalog, size_t *n);

#endif
