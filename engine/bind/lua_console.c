#include "bind/lua_console.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/log.h"
#include "script/vm.h"

#include "base/banned.h"

static bool ends_with_reader;

void nl_console_end_with_reader(void) {
    ends_with_reader = true;
}

static int broken(lua_State *L) {
    int why = errno;
    if (why == EPIPE && ends_with_reader) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return luaL_error(L, "cannot write to standard output: %s", strerror(why));
}

/* out(text...): to standard output, as it is. */
static int l_out(lua_State *L) {
    int n = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        size_t size;
        const char *text = luaL_checklstring(L, i, &size);
        if (fwrite(text, 1, size, stdout) != size)
            return broken(L);
    }
    return 0;
}

/* flush(): what `out` was given reaches the reader now, where standard output is a pipe too. */
static int l_flush(lua_State *L) {
    if (fflush(stdout) != 0)
        return broken(L);
    return 0;
}

static int log_at(lua_State *L, nl_level level) {
    nl_log(level, "%s", luaL_checkstring(L, 1));
    return 0;
}

/* debug(text): a line in the log, for --verbose. */
static int l_debug(lua_State *L) {
    return log_at(L, NL_DEBUG);
}

/* info(text): a line in the log. */
static int l_info(lua_State *L) {
    return log_at(L, NL_INFO);
}

/* warn(text): a warning in the log. */
static int l_warn(lua_State *L) {
    return log_at(L, NL_WARN);
}

/* error(text): an error in the log; ends nothing. */
static int l_error(lua_State *L) {
    return log_at(L, NL_ERROR);
}

/* block(lines): the live block below the log; "" takes it away. */
static int l_block(lua_State *L) {
    nl_log_block(luaL_checkstring(L, 1));
    return 0;
}

static int l_is_live(lua_State *L) {
    lua_pushboolean(L, nl_log_is_live());
    return 1;
}

/* columns = width(): of the terminal; 80 where that is unknown. */
static int l_width(lua_State *L) {
    struct winsize size;
    int columns = 80;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    lua_pushinteger(L, columns);
    return 1;
}

/* text = redact(text): without the keys and passwords that the engine knows of. */
static int l_redact(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    luaL_Buffer out;
    char *copy = luaL_buffinitsize(L, &out, size + 1);
    for (size_t i = 0; i <= size; i++)
        copy[i] = text[i];
    nl_log_redact(copy);
    size_t left = 0;
    while (left < size && copy[left])
        left++;
    luaL_pushresultsize(&out, left);
    return 1;
}

/* --- what phases have: as many lines as nl_vm_say lets through -------------------------------- */

static int say_at(lua_State *L, nl_level level) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    nl_vm_say(nl_vm_of(L), level, text, size);
    return 0;
}

static int l_guest_debug(lua_State *L) {
    return say_at(L, NL_DEBUG);
}

/* say(text): a line of a phase's in the log; after so many they are left out, which is said once.
 */
static int l_say(lua_State *L) {
    return say_at(L, NL_INFO);
}

static int l_guest_warn(lua_State *L) {
    return say_at(L, NL_WARN);
}

static int l_guest_error(lua_State *L) {
    return say_at(L, NL_ERROR);
}

int luaopen_nlsql_console(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "out", l_out },       { "flush", l_flush },     { "debug", l_debug },
        { "info", l_info },     { "warn", l_warn },       { "error", l_error },
        { "block", l_block },   { "is_live", l_is_live }, { "width", l_width },
        { "redact", l_redact }, { "say", l_say },         { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}

int luaopen_nlsql_console_guest(lua_State *L) {
    static const luaL_Reg functions[] = {
        { "debug", l_guest_debug },
        { "info", l_say },
        { "warn", l_guest_warn },
        { "error", l_guest_error },
        { "width", l_width },
        { "is_live", l_is_live },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
