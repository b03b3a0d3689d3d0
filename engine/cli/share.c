/* share.c: where the shipped scripts are, relative to the running program. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/engine.h"

#include "base/banned.h"

#define PROOF "scripts/nlsql/runner.lua"

static bool holds_scripts(const char *dir) {
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/" PROOF, dir);
    return n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0;
}

bool nl_find_share(char *path, size_t room, nl_err *err) {
    char program[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    if (size < 0)
        return nl_err_errno(err, "cannot find out where this program is");
    program[size] = '\0';

    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    int n = snprintf(path, room, "%s/../share/nlsql", program);
    if (n > 0 && (size_t)n < room && holds_scripts(path))
        return true;
    while ((slash = strrchr(program, '/')) != NULL) { /* the build tree */
        n = snprintf(path, room, "%s", program);
        if (n > 0 && (size_t)n < room && holds_scripts(path))
            return true;
        *slash = '\0';
    }
    return nl_err_set(err, NL_NOTFOUND,
                      "the shipped scripts (" PROOF ") are neither in ../share/nlsql beside the "
                      "program nor in a folder above it; reinstall, or set NLSQL_SHARE");
}
