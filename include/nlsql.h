/* nlsql.h: the engine, for other programs.
 *
 *     nlsql_options options = { .database_url = url, .api_key = key };
 *     nlsql *engine = nlsql_open(&options, error, sizeof error);
 *     int code = nlsql_run(engine, "phases/joins.lua", "{\"count\": 10}");
 *     nlsql_close(engine);
 *
 * One engine at a time in a process; all calls from one thread; nlsql_run blocks. Progress and
 * complaints go to standard error, the run's report to standard output, as with the program. */
#ifndef NLSQL_H
#define NLSQL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nlsql nlsql;

typedef struct {
    const char *database_url; /* a libpq URI; NULL: $DATABASE_URL */
    const char *api_key;      /* NULL: $OPENAI_API_KEY */
    const char
        *project_dir; /* whose phases/, prompts/, scripts/, config.yaml come first; NULL: "." */
    const char *share_dir; /* the shipped ones; NULL: found beside the running program */
} nlsql_options;

/* The exit codes of the program, and what nlsql_run returns. */
enum {
    NLSQL_DONE = 0,
    NLSQL_RUN_ERROR = 1,
    NLSQL_USAGE = 2,
    NLSQL_CONFIG = 3,
    NLSQL_DATABASE = 4,
    NLSQL_MODEL = 5,
    NLSQL_BUDGET = 6,
    NLSQL_TOO_FEW = 7,
    NLSQL_INTERRUPTED = 130
};

/* NULL with a sentence in `error` (cut to `room` bytes). The strings are copied. */
nlsql *nlsql_open(const nlsql_options *options, char *error, size_t room);

/* Runs one phase: a path ("phases/joins.lua") or a name ("joins"); NULL: every phase of
 * config.yaml. `options_json`: an object of the phase's options, which win over the
 * configuration; NULL: none. It may hold settings of config.yaml too ("provider": "offline"), and
 * "demo": true, for the demo database in place of the one that was given. What was not given is
 * stood in for as with the program: neither a database nor a model, and the demo database and the
 * offline grammar serve; one of them, and the run is refused with a sentence. The demo database is
 * a PostgreSQL server that lives until nlsql_close, and ends with the thread that called this.
 * Returns one of the codes above. */
int nlsql_run(nlsql *engine, const char *phase, const char *options_json);

/* Asks a running nlsql_run to stop: the first call lets what is in flight finish, the second ends
 * at once; what was committed is kept either way. The only call allowed from a signal handler. */
void nlsql_stop(nlsql *engine);

void nlsql_close(nlsql *engine); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
