/* api.c: nlsql_run and nlsql_ask, which say what another program wants as the command line's flags.
 */
#include <string.h>

#include "base/log.h"
#include "cli/engine_priv.h"
#include "cli/result.h"
#include "data/json.h"

#include "base/banned.h"

/* What was given to nlsql_open, which the scripts cannot see in the environment. */
static void write_given(nl_json_writer *w, const nlsql *engine) {
    nl_json_key(w, "given");
    nl_json_open_object(w);
    nl_json_key(w, "database");
    nl_json_put_bool(w, engine->database_url != NULL);
    nl_json_key(w, "key");
    nl_json_put_bool(w, engine->api_key != NULL);
    nl_json_close_object(w);
}

static bool write_options(nl_json_writer *w, const char *options_json, nl_err *err) {
    if (!options_json)
        return true;
    nl_json *checked = nl_json_read(options_json, strlen(options_json), 0, err);
    if (!checked)
        return nl_err_prefix(err, "options: ");
    bool is_object = nl_json_root(checked)->type == NL_JSON_OBJECT;
    nl_json_free(checked);
    if (!is_object)
        return nl_err_set(err, NL_INVALID, "options: expected a JSON object");
    nl_json_key(w, "options");
    nl_json_put_raw(w, options_json, strlen(options_json));
    return true;
}

/* The flags: `command`, where `name` is not NULL `name` with `value`, the options. */
static bool write_flags(nl_buf *flags, const nlsql *engine, const char *command, const char *name,
                        const char *value, const char *options_json, nl_err *err) {
    nl_json_writer w;
    nl_json_writer_init(&w, flags);
    nl_json_open_object(&w);
    nl_json_key(&w, "command");
    nl_json_str(&w, command);
    nl_json_key(&w, "returned");
    nl_json_put_bool(&w, true);
    if (value) {
        nl_json_key(&w, name);
        nl_json_str(&w, value);
    }
    if (!write_options(&w, options_json, err))
        return false;
    write_given(&w, engine);
    nl_json_close_object(&w);
    return nl_json_writer_done(&w, err) || nl_err_prefix(err, "%s: ", name);
}

int nlsql_run(nlsql *engine, const char *phase, const char *options_json) {
    nl_err err = { .code = NL_OK };
    nl_buf flags;
    int code = NLSQL_USAGE;

    nl_buf_init(&flags);
    if (write_flags(&flags, engine, "run", "phase", phase, options_json, &err))
        code = nl_engine_run(engine, flags.data);
    else
        engine_complain(&err);
    nl_buf_release(&flags);
    return code;
}

nlsql_result *nlsql_ask(nlsql *engine, const char *question, const char *options_json) {
    nl_err err = { .code = NL_OK };
    nl_buf flags, answer, errors;
    int code = NLSQL_USAGE;

    nl_buf_init(&flags);
    nl_buf_init(&answer);
    nl_buf_init(&errors);
    nl_log_errors(&errors);
    if (write_flags(&flags, engine, "ask", "question", question, options_json, &err))
        code = engine_run(engine, flags.data, &answer);
    else
        engine_complain(&err);
    nl_log_errors(NULL);
    nlsql_result *result = engine_result(code, &answer, errors.data);
    nl_buf_release(&flags);
    nl_buf_release(&answer);
    nl_buf_release(&errors);
    return result;
}
