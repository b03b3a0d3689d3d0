#include "cli/engine.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/log.h"
#include "bind/modules.h"
#include "data/json.h"

#include "base/banned.h"

enum { WATCHDOG_MS = 60000, MAX_PHASE_BYTES = 16 << 20 };

struct nlsql {
    nl_host host;
    char *database_url, *api_key, *project_dir, *share_dir;
    _Atomic int stop_requests;
    nl_timer *stop_poll;
};

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
    char found[PATH_MAX];
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
    if (engine->host.stopping >= 2)
        nl_loop_stop(engine->host.loop);
}

static void on_interrupt(void *ctx) {
    nlsql *engine = ctx;
    nlsql_stop(engine);
    take_stop_requests(engine);
    if (engine->host.stopping == 1)
        nl_log(NL_WARN, "stopping: what is in flight may finish; once more to leave now "
                        "(everything committed is kept)");
}

static bool listen_for_stops(nlsql *engine, nl_err *err) {
    nl_loop *loop = engine->host.loop;
    engine->stop_poll = nl_timer_start(loop, 50, 50, take_stop_requests, engine, err);
    return engine->stop_poll && nl_loop_on_signal(loop, SIGINT, on_interrupt, engine, err) &&
           nl_loop_on_signal(loop, SIGTERM, on_interrupt, engine, err) &&
           nl_loop_watchdog(loop, WATCHDOG_MS, err);
}

static void stop_listening(nlsql *engine) {
    nl_timer_stop(engine->stop_poll);
    engine->stop_poll = NULL;
    nl_loop_on_signal(engine->host.loop, SIGINT, NULL, NULL, NULL);
    nl_loop_on_signal(engine->host.loop, SIGTERM, NULL, NULL, NULL);
    nl_loop_watchdog(engine->host.loop, 0, NULL);
}

/* --- calling scripts ---------------------------------------------------------------------- */

static nl_vm *new_vm(nlsql *engine, const char *name, size_t max_memory, bool trusted,
                     nl_err *err) {
    nl_vm_options options = { .name = name, .trusted = trusted, .max_memory = max_memory };
    return nl_vm_new(&engine->host, &options, nl_modules, err);
}

/* module, field → function: runs protected, since both look-ups can raise. */
static int push_function(lua_State *L) {
    nl_vm *vm = nl_vm_of(L);
    const char *module = luaL_checkstring(L, 1);
    if (nl_vm_is_trusted(vm))
        lua_getglobal(L, "require");
    else
        lua_pushcfunction(L, nl_loader_require);
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_gettable(L, -2);
    return 1;
}

static bool find_function(nl_vm *vm, const char *module, const char *field, nl_err *err) {
    lua_State *L = nl_vm_lua(vm);
    nl_vm_slice(vm);
    lua_pushcfunction(L, push_function);
    lua_pushstring(L, module);
    lua_pushstring(L, field);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        return true;
    const char *why = lua_tostring(L, -1);
    nl_err_set(err, NL_SCRIPT, "%s", why ? why : "a script cannot be loaded");
    lua_pop(L, 1);
    return false;
}

static int complain(const nl_err *err) {
    nl_log(NL_ERROR, "%s", err->msg);
    return nl_exit_code(err->code);
}

/* The whole number that a finished call left as its first result. */
static int code_of_results(lua_State *L, int n_results) {
    int code = NLSQL_DONE;
    if (n_results > 0 && lua_isinteger(L, -n_results))
        code = (int)lua_tointeger(L, -n_results);
    lua_pop(L, n_results);
    return code;
}

int nl_engine_command(nlsql *engine, const char *name, const char *argument) {
    nl_err err = { .code = NL_OK };
    int n_results = 0, code = NLSQL_DONE;
    nl_vm *vm = new_vm(engine, "command line", 0, true, &err);
    if (!vm || !listen_for_stops(engine, &err) || !find_function(vm, "nlsql.cli", name, &err)) {
        code = complain(&err);
        goto out;
    }
    lua_pushstring(nl_vm_lua(vm), argument);
    if (nl_vm_run(vm, 1, &n_results, &err))
        code = code_of_results(nl_vm_lua(vm), n_results);
    else
        code = complain(&err);
out:
    nl_vm_free(vm);
    stop_listening(engine);
    return code;
}

/* --- nlsql lua FILE ----------------------------------------------------------------------- */

static void set_arg(lua_State *L, int argc, char **argv) {
    lua_createtable(L, argc, 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setglobal(L, "arg");
}

int nl_engine_lua(nlsql *engine, int argc, char **argv) {
    nl_err err = { .code = NL_OK };
    int n_results = 0, code = NLSQL_DONE;
    nl_http_options http = { .allow_insecure = true };
    nl_vm *vm = new_vm(engine, argv[0], 0, true, &err);
    engine->host.http = nl_http_new(engine->host.loop, &http, &err);
    if (!vm || !engine->host.http || !nl_vm_load_file(vm, argv[0], argv[0], &err)) {
        code = complain(&err);
        goto out;
    }
    set_arg(nl_vm_lua(vm), argc, argv);
    for (int i = 1; i < argc; i++)
        lua_pushstring(nl_vm_lua(vm), argv[i]);
    if (nl_vm_run(vm, argc - 1, &n_results, &err))
        code = code_of_results(nl_vm_lua(vm), n_results);
    else
        code = complain(&err);
out:
    nl_vm_free(vm);
    return code;
}

/* --- nlsql run ---------------------------------------------------------------------------- */

/* Asks the trusted configuration script for the plan: one JSON object with the settings and, for
 * each phase, its file and options. NULL with *code set where it has complained already. */
static nl_json *make_plan(nlsql *engine, const char *flags_json, int *code) {
    nl_err err = { .code = NL_OK };
    nl_json *plan = NULL;
    int n_results = 0;
    nl_vm *vm = new_vm(engine, "configuration", 0, true, &err);
    if (!vm || !find_function(vm, "nlsql.cli", "plan", &err)) {
        *code = complain(&err);
        goto out;
    }
    lua_State *L = nl_vm_lua(vm);
    lua_pushstring(L, flags_json);
    if (!nl_vm_run(vm, 1, &n_results, &err)) {
        *code = complain(&err);
        goto out;
    }
    size_t size;
    if (n_results == 0 || lua_type(L, -n_results) != LUA_TSTRING) {
        *code = code_of_results(L, n_results);
        goto out;
    }
    const char *text = lua_tolstring(L, -n_results, &size);
    plan = nl_json_read(text, size, 0, &err);
    if (!plan)
        *code = complain(&err);
out:
    nl_vm_free(vm);
    return plan;
}

static bool open_http(nlsql *engine, const nl_json_node *plan, nl_err *err) {
    nl_http_options options = {
        .max_connections = (size_t)nl_json_get_num(plan, "max_connections", 0),
        .allow_insecure = nl_json_get_bool(plan, "allow_insecure"),
    };
    const char *base_url = nl_json_get_str(plan, "base_url");
    nl_http_free(engine->host.http);
    engine->host.http = nl_http_new(engine->host.loop, &options, err);
    if (!engine->host.http)
        return false;
    return !engine->api_key || !base_url ||
           nl_http_auth(engine->host.http, base_url, engine->api_key, err);
}

/* Pushes the arguments of runner.main: the spec as JSON, then the phase's chunk (or nil and why
 * it does not load) and its source. */
static int push_phase(nl_vm *vm, const nl_json_node *phase) {
    lua_State *L = nl_vm_lua(vm);
    nl_err err = { .code = NL_OK };
    const char *spec = nl_json_get_str(phase, "spec");
    const char *path = nl_json_get_str(phase, "path");
    const char *shown = nl_json_get_str(phase, "shown");
    nl_buf source;

    nl_buf_init(&source);
    lua_pushstring(L, spec);
    if (!nl_vm_load_file(vm, path, shown, &err)) {
        lua_pushnil(L);
        lua_pushstring(L, err.msg);
    } else {
        lua_pushnil(L);
    }
    if (nl_buf_read_file(&source, path, MAX_PHASE_BYTES, NULL))
        lua_pushlstring(L, source.data, source.size);
    else
        lua_pushliteral(L, "");
    nl_buf_release(&source);
    return 4;
}

static int run_phase(nlsql *engine, const nl_json_node *phase) {
    nl_err err = { .code = NL_OK };
    int n_results = 0, code;
    size_t memory = (size_t)nl_json_get_num(phase, "max_memory", 0);
    nl_vm *vm = new_vm(engine, nl_json_get_str(phase, "title"), memory, false, &err);
    if (!vm || !find_function(vm, "nlsql.runner", "main", &err)) {
        code = complain(&err);
        goto out;
    }
    int n_args = push_phase(vm, phase);
    if (nl_vm_run(vm, n_args, &n_results, &err))
        code = code_of_results(nl_vm_lua(vm), n_results);
    else if (err.code == NL_CANCELLED && engine->host.stopping)
        code = NLSQL_INTERRUPTED;
    else
        code = complain(&err);
out:
    nl_vm_free(vm);
    return code;
}

int nl_engine_run(nlsql *engine, const char *flags_json) {
    nl_err err = { .code = NL_OK };
    int code = NLSQL_RUN_ERROR;
    nl_json *plan = make_plan(engine, flags_json, &code);
    if (!plan)
        return code;
    const nl_json_node *root = nl_json_root(plan);
    if (!open_http(engine, root, &err) || !listen_for_stops(engine, &err)) {
        code = complain(&err);
    } else {
        const nl_json_node *phases = nl_json_get(root, "phases");
        code = NLSQL_DONE;
        for (const nl_json_node *p = phases ? phases->child : NULL; p; p = p->next) {
            int this_code = run_phase(engine, p);
            if (this_code != NLSQL_DONE)
                code = this_code;
            /* money, a stop, or an unreachable server would end the next phase too */
            if (engine->host.stopping || this_code == NLSQL_BUDGET || this_code == NLSQL_DATABASE ||
                this_code == NLSQL_INTERRUPTED)
                break;
        }
    }
    nl_log_block("");
    stop_listening(engine);
    nl_json_free(plan);
    return code;
}

int nlsql_run(nlsql *engine, const char *phase, const char *options_json) {
    nl_buf flags;
    nl_json_writer w;
    nl_err err = { .code = NL_OK };
    int code;

    nl_buf_init(&flags);
    nl_json_writer_init(&w, &flags);
    nl_json_open_object(&w);
    if (phase) {
        nl_json_key(&w, "phase");
        nl_json_str(&w, phase);
    }
    if (options_json) {
        nl_json *checked = nl_json_read(options_json, strlen(options_json), 0, &err);
        if (!checked) {
            nl_err_prefix(&err, "options: ");
            nl_buf_release(&flags);
            complain(&err);
            return NLSQL_USAGE;
        }
        nl_json_free(checked);
        nl_json_key(&w, "options");
        nl_json_put_raw(&w, options_json, strlen(options_json));
    }
    nl_json_close_object(&w);
    code = nl_json_writer_done(&w, &err) ? nl_engine_run(engine, flags.data) : complain(&err);
    nl_buf_release(&flags);
    return code;
}
