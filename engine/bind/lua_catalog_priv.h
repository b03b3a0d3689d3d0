/* lua_catalog_priv.h: methods of nlsql.catalog in other files than lua_catalog.c. */
#ifndef NL_BIND_LUA_CATALOG_PRIV_H
#define NL_BIND_LUA_CATALOG_PRIV_H

#include "bind/lua_catalog.h"

/* Pushes a list of names, marked as an array; to_null: it ends with NULL, otherwise after n. */
int nl_catalog_push_list(lua_State *L, const char *const *names, size_t n, bool to_null);

int nl_catalog_l_find(lua_State *L);
/* Its upvalue is nlsql.text's nearest. */
int nl_catalog_l_nearest(lua_State *L);
int nl_catalog_l_table(lua_State *L);
int nl_catalog_l_edges(lua_State *L);

#endif
