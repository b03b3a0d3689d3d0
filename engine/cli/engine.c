#include "cli/engine.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/log.h"
#include "bind/modules.h"
#include "cli/engine_priv.h"

#include "base/banned.h"

enum { WATCHDOG_MS = 60000 };

int nl_exit_code(nl_code code) {
    switch (code) {
    case NL_OK:
        return NLSQL_DONE;
    case NL_CONFIG:
        return NLSQL_CONFIG;
    case NL_DB:
        return NLSQL_DATABASE;
    case NL_MODEL:
        return NLSQL_MODEL;
    case NL_BUDGET:
        return NLSQL_BUDGET;
    case NL_CANCELLED:
        return NLSQL_INTERRUPTED;
    default:
        return NLSQL_RUN_ERROR;
    }
}

/* The password of a URI is never to be shown. */
static void hide_password(const char *url) {
    const char *from = url ? strstr(url, "://") : NULL;
    const char *at = from ? strrchr(from, '@') : NULL;
    const char *colon = at ? memchr(from + 3, ':', (size_t)(at - from - 3)) : NULL;
    if (colon && at > colon + 1) {
        char *password = strndup(colon + 1, (size_t)(at - colon - 1));
        if (password)
            nl_log_secret(password);
        free(password);
    }
}

static char *copy_or_env(const char *given, const char *variable) {
    const char *value = given ? given : getenv(variable);
    return value && value[0] ? strdup(value) : NULL;
}

nlsql *nlsql_open(const nlsql_options *options, char *error, size_t room) {
    nl_err err = { .code = NL_OK };
    char found[PATH_MAX], *logs = NULL;
    nlsql *engine = calloc(1, sizeof *engine);
    if (!engine) {
        nl_err_nomem(&err);
        goto fail;
    }
    engine->database_url = copy_or_env(options->database_url, "DATABASE_URL");
    engine->api_key = copy_or_env(options->api_key, "OPENAI_API_KEY");
    engine->project_dir = realpath(options->project_dir ? options->project_dir : ".", NULL);
    if (!engine->project_dir) {
        nl_err_errno(&err, "cannot use the folder %s", options->project_dir);
        goto fail;
    }
    engine->share_dir = copy_or_env(options->share_dir, "NLSQL_SHARE");
    if (!engine->share_dir) {
        if (!nl_find_share(found, sizeof found, &err))
            goto fail;
        engine->share_dir = realpath(found, NULL);
    }
    hide_password(engine->database_url);
    if (engine->api_key)
        nl_log_secret(engine->api_key);
    engine->host.loop = nl_loop_new(&err);
    if (!engine->host.loop)
        goto fail;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    engine->host.opened = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    engine->host.database_url = engine->database_url;
    engine->host.project_dir = engine->project_dir;
    if (asprintf(&logs, "%s/logs", engine->project_dir) < 0) {
        nl_err_nomem(&err);
        goto fail;
    }
    engine->host.journal = nl_journal_new(logs, &err);
    free(logs);
    if (!engine->host.journal)
        goto fail;
    engine->host.share_dir = engine->share_dir;
    return engine;
fail:
    nlsql_close(engine);
    if (error && room > 0 && snprintf(error, room, "%s", err.msg) < 0)
        error[0] = '\0';
    return NULL;
}

void nlsql_close(nlsql *engine) {
    if (!engine)
        return;
    nl_http_free(engine->host.http);
    nl_loop_free(engine->host.loop);
    nl_journal_free(engine->host.journal);
    nl_cluster_stop(engine->demo);
    free(engine->database_url);
    free(engine->api_key);
    free(engine->project_dir);
    free(engine->share_dir);
    free(engine);
}

/* --- stopping ----------------------------------------------------------------------------- */

void nlsql_stop(nlsql *engine) {
    atomic_fetch_add(&engine->stop_requests, 1);
}

static void take_stop_requests(void *ctx) {
    nlsql *engine = ctx;
    engine->host.stopping = atomic_load(&engine->stop_requests);
    if (engine->host.stopping > 0)
        nl_host_stop(&engine->host);
    if (engine->host.stopping >= 2)
        nl_loop_stop(engine->host.loop);
}

static void on_interrupt(void *ctx) {
    nlsql *engine = ctx;
    bool idle = engine->host.on_stop != NULL; /* then nothing is in flight */
    nlsql_stop(engine);
    take_stop_requests(engine);
    if (engine->host.stopping == 1 && !idle)
        nl_log(NL_WARN, "stopping: what is in flight may finish; once more to leave now "
                        "(everything committed is kept)");
}

bool engine_listen(nlsql *engine, nl_err *err) {
    nl_loop *loop = engine->host.loop;
    engine->stop_poll = nl_timer_start(loop, 50, 50, take_stop_requests, engine, err);
    return engine->stop_poll && nl_loop_on_signal(loop, SIGINT, on_interrupt, engine, err) &&
           nl_loop_on_signal(loop, SIGTERM, on_interrupt, engine, err) &&
           nl_loop_watchdog(loop, engine->blocked_ms ? engine->blocked_ms : WATCHDOG_MS, err);
}

void engine_stop_listening(nlsql *engine) {
    nl_timer_stop(engine->stop_poll);
    engine->stop_poll = NULL;
    nl_loop_on_signal(engine->host.loop, SIGINT, NULL, NULL, NULL);
    nl_loop_on_signal(engine->host.loop, SIGTERM, NULL, NULL, NULL);
    nl_loop_watchdog(engine->host.loop, 0, NULL);
    atomic_store(&engine->stop_requests, 0); /* they were of what has ended */
    engine->host.stopping = 0;
}

/* --- the log of a run --------------------------------------------------------------------- */

bool engine_open_log(nlsql *engine, const char *what) {
    char name[96], when[32];
    time_t now = time(NULL);
    struct tm utc;
    nl_err err = { .code = NL_OK };
    if (nl_log_has_file())
        return false;
    gmtime_r(&now, &utc);
    (void)strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &utc);
    (void)snprintf(name, sizeof name, "%.32s-%s-%ld.log", what, when, (long)getpid());
    char *path = nl_journal_path(engine->host.journal, name, &err);
    bool ok = path != NULL;
    if (ok && !nl_log_file(path))
        ok = nl_err_errno(&err, "cannot write %s", path);
    if (ok)
        nl_log(NL_DEBUG, "the log of this run is %s", path);
    else
        nl_log(NL_WARN, "%s; this goes on without a log", err.msg);
    free(path);
    return ok;
}

void engine_close_log(nlsql *engine, bool opened) {
    nl_journal_flush(engine->host.journal);
    size_t lost = nl_journal_lost(engine->host.journal);
    if (lost > 0)
        nl_log(NL_DEBUG, "%zu lines of the other logs could not be written", lost);
    if (opened)
        nl_log_file(NULL);
}

/* --- calling scripts ---------------------------------------------------------------------- */

nl_vm *engine_new_vm(nlsql *engine, const char *name, nl_err *err) {
    nl_vm_options options = { .name = name, .trusted = true };
    return nl_vm_new(&engine->host, &options, nl_modules, err);
}

struct wanted {
    const char *module, *field;
};

/* wanted → function */
static int push_function(lua_State *L) {
    const struct wanted *wanted = lua_touserdata(L, 1);
    if (nl_vm_is_trusted(nl_vm_of(L)))
        lua_getglobal(L, "require");
    else
        lua_pushcfunction(L, nl_loader_require);
    lua_pushstring(L, wanted->module);
    lua_call(L, 1, 1);
    lua_pushstring(L, wanted->field);
    lua_gettable(L, -2);
    return 1;
}

bool engine_find(nl_vm *vm, const char *module, const char *field, nl_err *err) {
    struct wanted wanted = { module, field };
    int n;
    nl_vm_slice(vm);
    return nl_vm_call(vm, push_function, &wanted, &n, err);
}

/* arguments → the texts, and those of `nlsql lua` as the global `arg` too */
static int push_arguments(lua_State *L) {
    const struct engine_arguments *given = lua_touserdata(L, 1);
    luaL_checkstack(L, given->n, "too many arguments");
    if (given->file) {
        lua_createtable(L, given->n, 1);
        lua_pushstring(L, given->file);
        lua_rawseti(L, -2, 0);
    }
    for (int i = 0; i < given->n; i++) {
        lua_pushstring(L, given->texts[i]);
        if (!given->file)
            continue;
        lua_pushvalue(L, -1);
        lua_rawseti(L, 2, i + 1);
    }
    if (given->file) {
        lua_pushvalue(L, 2);
        lua_setglobal(L, "arg");
    }
    return given->n;
}

bool engine_push(nl_vm *vm, const struct engine_arguments *given, nl_err *err) {
    struct engine_arguments copy = *given;
    int n;
    return nl_vm_call(vm, push_arguments, &copy, &n, err);
}

int engine_complain(const nl_err *err) {
    nl_log(NL_ERROR, "%s", err->msg);
    return nl_exit_code(err->code);
}

int engine_code(lua_State *L, int n_results) {
    int code = NLSQL_DONE;
    if (n_results > 0 && lua_isinteger(L, -n_results))
        code = (int)lua_tointeger(L, -n_results);
    lua_pop(L, n_results);
    return code;
}

int nl_engine_command(nlsql *engine, const char *name, const char *argument) {
    nl_err err = { .code = NL_OK };
    int n_results = 0, code = NLSQL_DONE;
    struct engine_arguments given = { .n = 1, .texts = &argument };
    nl_vm *vm = engine_new_vm(engine, "command line", &err);
    if (!vm || !engine_listen(engine, &err) || !engine_find(vm, "nlsql.cli", name, &err) ||
        !engine_push(vm, &given, &err)) {
        code = engine_complain(&err);
        goto out;
    }
    if (nl_vm_run(vm, 1, &n_results, &err))
        code = engine_code(nl_vm_lua(vm), n_results);
    else
        code = engine_complain(&err);
out:
    nl_vm_free(vm);
    engine_stop_listening(engine);
    return code;
}

/* --- nlsql lua FILE ----------------------------------------------------------------------- */

int nl_engine_lua(nlsql *engine, int argc, char **argv) {
    nl_err err = { .code = NL_OK };
    int n_results = 0, code = NLSQL_DONE;
    nl_http_options http = { .allow_insecure = true };
    struct engine_arguments given = { argv[0], argc - 1, (const char *const *)argv + 1 };
    nl_vm *vm = engine_new_vm(engine, argv[0], &err);
    engine->host.http = nl_http_new(engine->host.loop, &http, &err);
    if (!vm || !engine->host.http || !nl_vm_load_file(vm, argv[0], argv[0], &err) ||
        !engine_push(vm, &given, &err)) {
        code = engine_complain(&err);
        goto out;
    }
    if (nl_vm_run(vm, argc - 1, &n_results, &err))
        code = engine_code(nl_vm_lua(vm), n_results);
    else
        code = engine_complain(&err);
out:
    nl_vm_free(vm);
    return code;
}
