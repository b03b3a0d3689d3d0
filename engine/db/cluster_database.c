/* cluster_database.c: the databases of a throw-away cluster. */
#include "db/cluster_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static bool add_escaped(nl_buf *out, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     strchr("-_.~", c);
        if (!(plain ? nl_buf_char(out, (char)c) : nl_buf_printf(out, "%%%02X", c)))
            return false;
    }
    return true;
}

bool nl_cluster_url(const nl_cluster *c, const char *name, char *url, size_t room) {
    nl_buf text;
    nl_buf_init(&text);
    bool ok = nl_buf_str(&text, "postgresql://postgres@/") &&
              add_escaped(&text, name          ? name
                                 : c->database ? c->database
                                               : "postgres") &&
              nl_buf_str(&text, "?port=5432&host=") && /* or PGPORT would hold */
              add_escaped(&text, c->folder) && text.size < room;
    if (ok)
        memcpy(url, text.data, text.size + 1);
    nl_buf_release(&text);
    return ok;
}

/* The line that says what is wrong, not those of CONTEXT behind it. */
static bool set_psql_error(nl_buf *output, nl_err *err) {
    const char *said = strstr(output->data, "ERROR:");
    while (said && said > output->data && said[-1] != '\n')
        said--;
    if (!said)
        said = cluster_last_line(output);
    return nl_err_set(err, NL_DB, "%.*s", (int)strcspn(said, "\n"), said);
}

bool cluster_psql(const nl_cluster *c, const char *database, const char *option,
                  const char *const *values, nl_err *err) {
    enum { MAX_VALUES = 64 };
    char program[PATH_MAX + 16], url[PATH_MAX];
    const char *argv[12 + 2 * MAX_VALUES] = { program, "-Xqw", "-v", "ON_ERROR_STOP=1", "-d", url };
    const nl_proc_options options = { .argv = argv, .env = cluster_environment };
    size_t n = 6;
    int status = -1;
    nl_buf output;

    if (!nl_cluster_url(c, database, url, sizeof url))
        return nl_err_set(err, NL_INVALID, "the database's name is too long");
    (void)snprintf(program, sizeof program, "%s/psql", c->bin);
    for (size_t i = 0; values[i]; i++) {
        if (i == MAX_VALUES)
            return nl_err_set(err, NL_INVALID, "more than %d SQL files for a database", MAX_VALUES);
        argv[n++] = option;
        argv[n++] = values[i];
    }
    nl_buf_init(&output);
    bool ok = nl_proc_run(&options, &output, &status, err) &&
              (status == 0 || set_psql_error(&output, err));
    nl_buf_release(&output);
    return ok;
}

static bool run_on_database(const nl_cluster *c, const char *what, const char *name, nl_err *err) {
    nl_buf command;
    nl_buf_init(&command);
    nl_buf_printf(&command, "%s \"", what);
    for (const char *at = name; *at; at++) {
        if (*at == '"')
            nl_buf_char(&command, '"');
        nl_buf_char(&command, *at);
    }
    nl_buf_char(&command, '"');
    const char *const commands[] = { command.data, NULL };
    bool ok = command.failed ? nl_err_nomem(err) : cluster_psql(c, NULL, "-c", commands, err);
    nl_buf_release(&command);
    return ok;
}

bool nl_cluster_create(nl_cluster *c, const char *name, const char *const *sql_files, nl_err *err) {
    if (!run_on_database(c, "CREATE DATABASE", name, err))
        return nl_err_prefix(err, "cannot create the database %s: ", name);
    if (!sql_files || !sql_files[0] || cluster_psql(c, name, "-f", sql_files, err))
        return true;
    run_on_database(c, "DROP DATABASE", name, NULL);
    return false;
}
