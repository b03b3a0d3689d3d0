/* engine_priv.h: what an engine is made of. Only for engine.c, run.c and api.c. */
#ifndef NL_CLI_ENGINE_PRIV_H
#define NL_CLI_ENGINE_PRIV_H

#include <stdatomic.h>

#include "base/buf.h"
#include "cli/engine.h"
#include "db/cluster.h"

struct nlsql {
    nl_host host;
    char *database_url, *api_key, *project_dir, *share_dir;
    nl_cluster *demo; /* NULL until a run wants it */
    char demo_url[512];
    _Atomic int stop_requests;
    nl_timer *stop_poll;
    uint32_t blocked_ms; /* after which the watchdog ends it all; 0: as usual */
};

/* From here SIGINT, SIGTERM and nlsql_stop are heard, and the watchdog watches. */
bool engine_listen(nlsql *engine, nl_err *err);
void engine_stop_listening(nlsql *engine);

/* From here all messages go to logs/WHAT-TIME-PID.log too, in the project's folder. False where
 * they do not: a warning said why, or a file has them already. */
bool engine_open_log(nlsql *engine, const char *what);
/* Writes all logs to their end; `opened` is what engine_open_log returned. */
void engine_close_log(nlsql *engine, bool opened);

/* As nl_engine_run; what the phase returned beside its exit code goes to `answer`, where that is
 * not NULL. */
int engine_run(nlsql *engine, const char *flags_json, nl_buf *answer);

/* A trusted Lua state with all modules. */
nl_vm *engine_new_vm(nlsql *engine, const char *name, nl_err *err);

/* Pushes function `field` of a script's module. [-0, +(0|1), -] */
bool engine_find(nl_vm *vm, const char *module, const char *field, nl_err *err);

/* What a script is called with. */
struct engine_arguments {
    const char *file; /* of `nlsql lua`: it has them in the global `arg` too; NULL: none */
    int n;
    const char *const *texts;
};

/* Pushes them. [-0, +(n|0), -] */
bool engine_push(nl_vm *vm, const struct engine_arguments *given, nl_err *err);

/* Logs *err and returns the exit code that belongs to it. */
int engine_complain(const nl_err *err);

/* The whole number that a finished call left as its first result; 0 where there is none.
 * [-n_results, +0, -] */
int engine_code(lua_State *L, int n_results);

#endif
