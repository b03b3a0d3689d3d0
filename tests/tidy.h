/* tidy.h: what clang's analyzer cannot see by itself, for ./dev lint only: these raise, and so do
 * not return. (Lua declares them as returning int, for `return luaL_error(…)`.) */
struct lua_State;
int luaL_error(struct lua_State *L, const char *format, ...) __attribute__((analyzer_noreturn));
int luaL_argerror(struct lua_State *L, int arg, const char *why) __attribute__((analyzer_noreturn));
int luaL_typeerror(struct lua_State *L, int arg, const char *type)
    __attribute__((analyzer_noreturn));
int lua_error(struct lua_State *L) __attribute__((analyzer_noreturn));
