#include "db/cluster.h"

#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/cluster_files.h"
#include "db/cluster_priv.h"

#include "base/banned.h"

#define SERVERS "/usr/lib/postgresql"
#define SOCKET "/.s.PGSQL.5432"

/* --- what to run, and as whom ---------------------------------------------------------------- */

static bool has_servers(const char *dir) {
    char path[PATH_MAX];
    static const char *const programs[] = { "postgres", "initdb", "psql" };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", dir, programs[i]);
        if (n < 0 || (size_t)n >= sizeof path || access(path, X_OK) != 0)
            return false;
    }
    return true;
}

static bool find_newest(char *bin, size_t room) {
    char path[PATH_MAX];
    long newest = 0;
    DIR *dir = opendir(SERVERS);
    if (!dir)
        return false;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        long version = strtol(entry->d_name, NULL, 10);
        int n = snprintf(path, sizeof path, SERVERS "/%s/bin", entry->d_name);
        if (version > newest && n > 0 && (size_t)n < room && has_servers(path)) {
            newest = version;
            memcpy(bin, path, (size_t)n + 1);
        }
    }
    closedir(dir);
    return newest > 0;
}

static bool find_bin(const char *asked, char *bin, size_t room, nl_err *err) {
    if (asked) {
        int n = snprintf(bin, room, "%s", asked);
        if (n > 0 && (size_t)n < room && has_servers(bin))
            return true;
    } else {
        if (find_newest(bin, room))
            return true;
        if (nl_proc_which("initdb", bin, room)) {
            *strrchr(bin, '/') = '\0';
            if (has_servers(bin))
                return true;
        }
    }
    return nl_err_set(
        err, NL_NOTFOUND,
        "PostgreSQL's server programs (postgres, initdb, psql) are not in %s; install "
        "the package postgresql (on Debian: apt install postgresql)",
        asked ? asked : SERVERS "/*/bin or on PATH");
}

/* The server refuses to run as root. */
static bool find_user(nl_cluster *c, nl_err *err) {
    static const char *const names[] = { "postgres", "nobody" };
    if (geteuid() != 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct passwd entry, *found = NULL;
        char text[4096];
        if (getpwnam_r(names[i], &entry, text, sizeof text, &found) == 0 && found &&
            found->pw_uid != 0) {
            c->uid = found->pw_uid;
            c->gid = found->pw_gid;
            return true;
        }
    }
    return nl_err_set(err, NL_NOTFOUND,
                      "PostgreSQL does not run as root, and there is neither a user postgres nor "
                      "nobody to run it as");
}

/* $XDG_RUNTIME_DIR of root, or of whoever became root, is closed to the server's user. */
static const char *run_parent(const nl_cluster_options *options) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat st;
    if (options->run_dir)
        return options->run_dir;
    if (geteuid() != 0 && runtime && runtime[0] == '/' && stat(runtime, &st) == 0 &&
        S_ISDIR(st.st_mode) && access(runtime, W_OK | X_OK) == 0 &&
        strlen(runtime) + sizeof "/nlsql-pg-XXXXXX" SOCKET <= CLUSTER_SOCKET_PATH)
        return runtime;
    return "/tmp";
}

static bool make_folder(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    const char *parent = run_parent(options);
    if (strlen(parent) + sizeof "/nlsql-pg-XXXXXX" SOCKET > CLUSTER_SOCKET_PATH)
        return nl_err_set(err, NL_INVALID,
                          "the path %s is too long for a socket (%d bytes in all): choose a "
                          "shorter run_dir",
                          parent, CLUSTER_SOCKET_PATH);
    cluster_clean_stale(parent, c->uid);
    if (!cluster_make_folder(parent, c->folder, sizeof c->folder, c->uid, c->gid, &c->lock, err))
        return false;
    (void)snprintf(c->data, sizeof c->data, "%s/data", c->folder);
    return true;
}

/* --- starting and stopping ------------------------------------------------------------------ */

/* From a template that turns out to be damaged (the machine stopped while it was written) a new
 * one is made. */
static bool start_from_template(nl_cluster *c, const nl_cluster_options *options, nl_err *err) {
    char path[PATH_MAX];
    nl_buf version;
    bool ok = false;

    nl_buf_init(&version);
    if (!cluster_version(c, &version, err))
        goto out;
    bool caching = cluster_template_path(version.data, path, sizeof path);
    if (caching && access(path, F_OK) == 0) {
        ok = cluster_copy_tree(path, c->data, c->uid, c->gid, NULL) &&
             cluster_start_server(c, options, NULL);
        if (ok)
            goto out;
        cluster_remove_tree(c->data);
    }
    if (!cluster_initdb(c, err))
        goto out;
    if (caching) {
        cluster_remove_tree(path);
        cluster_template_keep(c->data, path);
    }
    ok = cluster_start_server(c, options, err);
out:
    nl_buf_release(&version);
    return ok;
}

nl_cluster *nl_cluster_start(const nl_cluster_options *options, nl_err *err) {
    static const nl_cluster_options none = { 0 };
    nl_cluster *c = calloc(1, sizeof *c);
    if (!c) {
        nl_err_nomem(err);
        return NULL;
    }
    if (!options)
        options = &none;
    c->lock = -1;
    c->owner = getpid();
    if (!find_bin(options->bin_dir, c->bin, sizeof c->bin, err) || !find_user(c, err) ||
        !make_folder(c, options, err) || !start_from_template(c, options, err)) {
        nl_cluster_stop(c);
        return NULL;
    }
    return c;
}

void nl_cluster_stop(nl_cluster *c) {
    if (!c)
        return;
    if (c->owner == getpid()) {
        cluster_stop_server(c);
        if (c->lock >= 0) {
            cluster_remove_tree(c->folder);
            close(c->lock);
        }
    }
    free(c);
}

/* --- databases ------------------------------------------------------------------------------- */

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
              add_escaped(&text, name ? name : "postgres") && nl_buf_str(&text, "?host=") &&
              add_escaped(&text, c->folder) && text.size < room;
    if (ok)
        memcpy(url, text.data, text.size + 1);
    nl_buf_release(&text);
    return ok;
}

const char *nl_cluster_bin(const nl_cluster *c) {
    return c->bin;
}

const char *nl_cluster_socket_dir(const nl_cluster *c) {
    return c->folder;
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

/* One psql for `command` or for `files`, as ourselves: the files may be closed to the server. */
static bool run_psql(const nl_cluster *c, const char *database, const char *command,
                     const char *const *files, nl_err *err) {
    enum { MAX_FILES = 64 };
    char program[PATH_MAX + 16], url[PATH_MAX];
    const char *argv[12 + 2 * MAX_FILES] = { program, "-Xqw", "-v", "ON_ERROR_STOP=1", "-d", url };
    const nl_proc_options options = { .argv = argv, .env = cluster_environment };
    size_t n = 6;
    int status = -1;
    nl_buf output;

    if (!nl_cluster_url(c, database, url, sizeof url))
        return nl_err_set(err, NL_INVALID, "the database's name is too long");
    (void)snprintf(program, sizeof program, "%s/psql", c->bin);
    if (command) {
        argv[n++] = "-c";
        argv[n++] = command;
    }
    for (size_t i = 0; files && files[i]; i++) {
        if (i == MAX_FILES)
            return nl_err_set(err, NL_INVALID, "more than %d SQL files for a database", MAX_FILES);
        argv[n++] = "-f";
        argv[n++] = files[i];
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
    bool ok =
        nl_buf_char(&command, '"') ? run_psql(c, NULL, command.data, NULL, err) : nl_err_nomem(err);
    nl_buf_release(&command);
    return ok;
}

bool nl_cluster_create(nl_cluster *c, const char *name, const char *const *sql_files, nl_err *err) {
    if (!run_on_database(c, "CREATE DATABASE", name, err))
        return nl_err_prefix(err, "cannot create the database %s: ", name);
    if (!sql_files || !sql_files[0] || run_psql(c, name, NULL, sql_files, err))
        return true;
    run_on_database(c, "DROP DATABASE", name, NULL);
    return false;
}
