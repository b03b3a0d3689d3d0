/* run.c: nlsql run, try and ask: the plan that the configuration makes, and what is in it one after
 * the other. */
#include <string.h>

#include <lauxlib.h>

#include "base/log.h"
#include "bind/modules.h"
#include "cli/engine_priv.h"
#include "data/json.h"
#include "db/demo.h"

#include "base/banned.h"

enum { MAX_PHASE_BYTES = 16 << 20 };

/* Asks the trusted configuration script for the plan: one JSON object with the settings and, for
 * each phase, its file and options. NULL with *code set where it has complained already. */
static nl_json *make_plan(nlsql *engine, const char *flags_json, int *code) {
    nl_err err = { .code = NL_OK };
    nl_json *plan = NULL;
    int n_results = 0;
    nl_vm *vm = engine_new_vm(engine, "configuration", &err);
    const struct engine_arguments given = { .n = 1, .texts = &flags_json };
    if (!vm || !engine_find(vm, "nlsql.cli", "plan", &err) || !engine_push(vm, &given, &err)) {
        *code = engine_complain(&err);
        goto out;
    }
    lua_State *L = nl_vm_lua(vm);
    if (!nl_vm_run(vm, 1, &n_results, &err)) {
        *code = engine_complain(&err);
        goto out;
    }
    size_t size;
    if (n_results == 0 || lua_type(L, -n_results) != LUA_TSTRING) {
        *code = engine_code(L, n_results);
        goto out;
    }
    const char *text = lua_tolstring(L, -n_results, &size);
    plan = nl_json_read(text, size, 0, &err);
    if (!plan)
        *code = engine_complain(&err);
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
    const char *header = nl_json_get_str(plan, "key_header");
    return !engine->api_key || !base_url ||
           nl_http_auth_as(engine->host.http, base_url, header ? header : "Authorization: Bearer ",
                           engine->api_key, err);
}

struct entry_arguments {
    const nl_json_node *phase;
    const char *path; /* of its file; NULL: it has none */
    nl_buf source;
};

/* entry_arguments → the spec as JSON, then, where it has a file, its chunk (or nil and why it does
 * not load) and its source. */
static int push_entry_arguments(lua_State *L) {
    const struct entry_arguments *given = lua_touserdata(L, 1);
    nl_vm *vm = nl_vm_of(L);
    nl_err err = { .code = NL_OK };
    const char *shown = nl_json_get_str(given->phase, "shown");
    bool trusted = nl_json_get_bool(given->phase, "trust");

    lua_pushstring(L, nl_json_get_str(given->phase, "spec"));
    if (!given->path)
        return 1;
    if (!(trusted ? nl_vm_load_file : nl_vm_load_guest)(vm, given->path, shown, &err)) {
        lua_pushnil(L);
        lua_pushstring(L, err.msg);
    } else {
        lua_pushnil(L);
    }
    lua_pushlstring(L, given->source.data, given->source.size);
    return 4;
}

/* Where the file cannot be read, loading it says why. */
static bool read_source(nl_vm *vm, const char *path, nl_buf *source, nl_err *err) {
    nl_err why = { .code = NL_OK };
    if (nl_vm_set_own_file(vm, path, &why) && nl_buf_read_file(source, path, MAX_PHASE_BYTES, &why))
        return true;
    nl_buf_clear(source);
    return why.code != NL_NOMEM || nl_err_nomem(err);
}

/* Pushes the arguments of the phase's entry (a module's `main`). */
static bool push_phase(nl_vm *vm, const nl_json_node *phase, int *n_args, nl_err *err) {
    struct entry_arguments given = { .phase = phase, .path = nl_json_get_str(phase, "path") };
    nl_buf_init(&given.source);
    bool ok = (!given.path || read_source(vm, given.path, &given.source, err)) &&
              nl_vm_call(vm, push_entry_arguments, &given, n_args, err);
    nl_buf_release(&given.source);
    return ok;
}

/* The text that a finished call left as its second result. */
static void take_answer(lua_State *L, int n_results, nl_buf *answer) {
    size_t size;
    if (n_results < 2 || lua_type(L, 1 - n_results) != LUA_TSTRING)
        return;
    const char *text = lua_tolstring(L, 1 - n_results, &size);
    nl_buf_add(answer, text, size);
}

static int run_phase(nlsql *engine, const nl_json_node *phase, nl_buf *answer) {
    nl_err err = { .code = NL_OK };
    int n_args = 0, n_results = 0, code;
    const char *entry = nl_json_get_str(phase, "entry");
    nl_vm_options options = {
        .name = nl_json_get_str(phase, "title"),
        .max_memory = (size_t)nl_json_get_num(phase, "max_memory", 0),
        .slice_ms = (uint32_t)nl_json_get_num(phase, "slice_ms", 0),
        .trusted = nl_json_get_bool(phase, "trust"),
    };
    nl_vm *vm = nl_vm_new(&engine->host, &options, nl_modules, &err);
    if (!vm || !engine_find(vm, entry ? entry : "nlsql.runner", "main", &err) ||
        !push_phase(vm, phase, &n_args, &err)) {
        code = engine_complain(&err);
        goto out;
    }
    if (nl_vm_run(vm, n_args, &n_results, &err)) {
        if (answer)
            take_answer(nl_vm_lua(vm), n_results, answer);
        code = engine_code(nl_vm_lua(vm), n_results);
    } else if (err.code == NL_CANCELLED && engine->host.stopping) {
        code = NLSQL_INTERRUPTED;
    } else {
        code = engine_complain(&err);
    }
out:
    nl_vm_free(vm);
    return code;
}

/* The database that the run reads: the one that was given, or the demo database, which lives from
 * the first run that wants it until nlsql_close. */
static bool choose_database(nlsql *engine, const nl_json_node *plan, nl_err *err) {
    engine->host.database_url = engine->database_url;
    if (!nl_json_get_bool(plan, "demo"))
        return true;
    if (!engine->demo)
        engine->demo = nl_demo_start(engine->share_dir, err);
    if (!engine->demo)
        return false;
    if (!nl_cluster_url(engine->demo, NL_DEMO_DATABASE, engine->demo_url, sizeof engine->demo_url))
        return nl_err_set(err, NL_DB, "the demo database's URL is too long");
    engine->host.database_url = engine->demo_url;
    return true;
}

static int run_phases(nlsql *engine, const nl_json_node *plan, nl_buf *answer) {
    const nl_json_node *phases = nl_json_get(plan, "phases");
    int code = NLSQL_DONE;
    for (const nl_json_node *p = phases ? phases->child : NULL; p; p = p->next) {
        int this_code = run_phase(engine, p, answer);
        if (this_code != NLSQL_DONE)
            code = this_code;
        /* money, a stop, or an unreachable server would end the next phase too */
        if (engine->host.stopping || this_code == NLSQL_BUDGET || this_code == NLSQL_DATABASE ||
            this_code == NLSQL_INTERRUPTED)
            break;
    }
    nl_log_block("");
    return code;
}

int engine_run(nlsql *engine, const char *flags_json, nl_buf *answer) {
    nl_err err = { .code = NL_OK };
    int code = NLSQL_RUN_ERROR;
    nl_json *plan = make_plan(engine, flags_json, &code);
    if (!plan)
        return code;
    const nl_json_node *root = nl_json_root(plan);
    bool logged = nl_json_get_bool(root, "log") && engine_open_log(engine, "run");
    engine->blocked_ms = (uint32_t)nl_json_get_num(root, "blocked_ms", 0);
    /* The demo database before signals are heard: until then Ctrl-C simply ends the program. */
    if (!choose_database(engine, root, &err)) {
        engine_complain(&err);
        code = NLSQL_DATABASE;
    } else if (!open_http(engine, root, &err) || !engine_listen(engine, &err)) {
        code = engine_complain(&err);
    } else {
        code = run_phases(engine, root, answer);
    }
    engine_stop_listening(engine);
    engine_close_log(engine, logged);
    nl_json_free(plan);
    return code;
}

int nl_engine_run(nlsql *engine, const char *flags_json) {
    return engine_run(engine, flags_json, NULL);
}
