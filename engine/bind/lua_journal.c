#include "bind/lua_journal.h"

#include <string.h>

#include <lauxlib.h>

#include "io/journal.h"
#include "script/host.h"
#include "script/job.h"

#include "base/banned.h"

/* true | nil, message, code = append(name, line): a line of logs/NAME. That the disk takes none is
 * no error here: it was said, and the script goes on. */
static int l_append(lua_State *L) {
    size_t size;
    const char *name = luaL_checkstring(L, 1);
    const char *line = luaL_checklstring(L, 2, &size);
    nl_journal *journal = nl_host_of(L)->journal;
    nl_err err = { .code = NL_OK };
    luaL_argcheck(L, nl_journal_is_name(name), 1,
                  "a log's name has letters, digits, \"-\", \"_\" and \".\"");
    luaL_argcheck(L, !memchr(line, '\n', size) && !memchr(line, '\0', size), 2,
                  "a line holds neither newline nor NUL");
    if (!journal) {
        nl_err_set(&err, NL_NOTFOUND, "there are no logs here");
        return nl_push_err(L, &err);
    }
    if (!nl_journal_append(journal, name, line, size, &err))
        return nl_push_err(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

int luaopen_nlsql_journal(lua_State *L) {
    static const luaL_Reg functions[] = { { "append", l_append }, { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
