/* cluster_where.c: which server a throw-away cluster runs, as whom, and in which folder. */
#include "db/cluster_priv.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#include "base/banned.h"

#define SERVERS "/usr/lib/postgresql"
#define BIN_VARIABLE "NLSQL_PG_BIN"
#define IN_PARENT "/nlsql-pg-XXXXXX/.s.PGSQL.5432"

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

bool cluster_find_bin(const char *asked, char *bin, size_t room, nl_err *err) {
    const char *named = getenv(BIN_VARIABLE);
    if (!asked && named && named[0])
        asked = named;
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
bool cluster_find_user(nl_cluster *c, nl_err *err) {
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

/* --- where it runs ---------------------------------------------------------------------------- */

static bool may(const struct stat *st, uid_t uid, gid_t gid, mode_t all) {
    mode_t mode = st->st_uid == uid   ? st->st_mode >> 6
                  : st->st_gid == gid ? st->st_mode >> 3
                                      : st->st_mode;
    return (mode & all) == all;
}

/* May the server's user enter this folder? What it needs in there is made for it. Its other groups
 * are not looked at: a folder too many is left aside. */
static bool is_open_to(const char *path, uid_t uid, gid_t gid) {
    char part[PATH_MAX];
    struct stat st;
    size_t n = strlen(path);
    if (n >= sizeof part)
        return false;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode) || !may(&st, uid, gid, S_IXOTH))
            return false;
    }
    return true;
}

static bool fits(const char *parent) {
    return strlen(parent) + strlen(IN_PARENT) <= CLUSTER_SOCKET_PATH;
}

/* The folder that an environment variable names, where it serves; NULL otherwise. */
static const char *from_environment(const nl_cluster *c, const char *variable) {
    const char *path = getenv(variable), *why = NULL;
    if (!path || !path[0])
        return NULL;
    if (path[0] != '/')
        why = "is not an absolute path";
    else if (access(path, W_OK | X_OK) != 0)
        why = strerror(errno);
    else if (c->uid != 0 && !is_open_to(path, c->uid, c->gid))
        why = "is closed to the server's user";
    if (why) {
        nl_log(NL_DEBUG, "%s=%s does not serve a private PostgreSQL: %s", variable, path, why);
        return NULL;
    }
    if (!fits(path)) {
        nl_log(NL_INFO, "%s=%s is too long for a socket's path (%d bytes in all): another serves",
               variable, path, CLUSTER_SOCKET_PATH);
        return NULL;
    }
    return path;
}

bool cluster_find_parent(const nl_cluster *c, const char *asked, const char **parent, nl_err *err) {
    /* that of root, or of whoever became root, is closed to the server's user */
    const char *runtime = !asked && geteuid() != 0 ? from_environment(c, "XDG_RUNTIME_DIR") : NULL;
    const char *found = asked ? asked : runtime ? runtime : from_environment(c, "TMPDIR");
    *parent = found ? found : "/tmp";
    if (fits(*parent))
        return true;
    return nl_err_set(err, NL_INVALID,
                      "the path %s is too long for a socket (%d bytes in all): choose a "
                      "shorter run_dir",
                      *parent, CLUSTER_SOCKET_PATH);
}
