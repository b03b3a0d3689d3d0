/* lua_yaml.h: nlsql.yaml: YAML with positions for scripts. */
#ifndef NL_BIND_LUA_YAML_H
#define NL_BIND_LUA_YAML_H

#include <lua.h>

int luaopen_nlsql_yaml(lua_State *L);

#endif
