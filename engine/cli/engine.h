/* engine.h: what nlsql.h keeps opaque: one loop, one HTTP client, and the Lua states in turn. */
#ifndef NL_CLI_ENGINE_H
#define NL_CLI_ENGINE_H

#include <nlsql.h>
#include <stdbool.h>

#include "base/err.h"
#include "script/vm.h"

/* As nlsql_run, but with the command line's flags as one JSON object ("phase", "config", "set",
 * "fresh", …: see scripts/nlsql/cli.lua). */
int nl_engine_run(nlsql *engine, const char *flags_json);

/* Runs function `name` of scripts/nlsql/cli.lua in a trusted state with `argument` (a string);
 * returns the number that it returned, as an exit code. */
int nl_engine_command(nlsql *engine, const char *name, const char *argument);

/* Runs a Lua file in a trusted state with `arg` set as the lua program sets it. */
int nl_engine_lua(nlsql *engine, int argc, char **argv);

/* The exit code that belongs to an error. */
int nl_exit_code(nl_code code);

/* Finds the shipped scripts: ../share/nlsql beside the program, or the nearest folder above it
 * that holds scripts/nlsql/runner.lua. False with a sentence. */
bool nl_find_share(char *path, size_t room, nl_err *err);

#endif
