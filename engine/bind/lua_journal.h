/* lua_journal.h: nlsql.journal: lines of logs/NAME in the project's folder.
 *
 *     journal.append("critic-2026-11-26.jsonl", line)
 *
 * The line is queued: it is written soon, whole, without secrets (see io/journal.h). */
#ifndef NL_BIND_LUA_JOURNAL_H
#define NL_BIND_LUA_JOURNAL_H

#include <lua.h>

int luaopen_nlsql_journal(lua_State *L);

#endif
