/* lua_proc.h: nlsql.proc: child processes, for trusted scripts only (tests, benches).
 *
 *   p = proc.start{ argv={…}, env={NAME=value}, cwd=, stdin=PATH, stdout=, stderr= }
 *     stdout: "pipe" (default: p:read_line reads it), "inherit", "null", or a path;
 *     stderr: "inherit" (default), "null", "stdout", or a path
 *   status, output = proc.run{ argv={…}, env=, cwd=, stdin= }   waits; output holds both streams
 *   p:pid(); p:kill(["TERM" | number]); p:close()
 *   line = p:read_line([seconds]); nil, message, "not_found" at the end of the output
 *   status = p:wait([seconds])          exit code, or 128 + signal
 *
 * All but a caller's mistakes: nil, message, code. A child that is collected or closed is killed.
 */
#ifndef NL_BIND_LUA_PROC_H
#define NL_BIND_LUA_PROC_H

#include <lua.h>

int luaopen_nlsql_proc(lua_State *L);

#endif
