#include "db/demo.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FOLDER "scripts/demo"

enum { MAX_FILES = 64 };

struct files {
    char *paths[MAX_FILES + 1]; /* NULL at the end */
    size_t n;
};

static bool is_sql(const char *name) {
    size_t n = strlen(name);
    return name[0] != '.' && n > 4 && strcmp(name + n - 4, ".sql") == 0;
}

static int bytewise(const void *one, const void *two) {
    return strcmp(*(char *const *)one, *(char *const *)two);
}

static bool list_files(const char *share_dir, struct files *files, nl_err *err) {
    char folder[PATH_MAX];
    DIR *dir = NULL;
    bool ok = false;

    if (snprintf(folder, sizeof folder, "%s/" FOLDER, share_dir) >= (int)sizeof folder) {
        nl_err_set(err, NL_INVALID, "the path %s is too long", share_dir);
        goto out;
    }
    dir = opendir(folder);
    if (!dir && errno != ENOENT) {
        nl_err_errno(err, "cannot read %s", folder);
        goto out;
    }
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        if (!is_sql(entry->d_name))
            continue;
        if (files->n == MAX_FILES) {
            nl_err_set(err, NL_INVALID, "there are more than %d SQL files in %s", MAX_FILES,
                       folder);
            goto out;
        }
        if (asprintf(&files->paths[files->n], "%s/%s", folder, entry->d_name) < 0) {
            files->paths[files->n] = NULL;
            nl_err_nomem(err);
            goto out;
        }
        files->n++;
    }
    qsort(files->paths, files->n, sizeof *files->paths, bytewise);
    ok = files->n > 0 ||
         nl_err_set(err, NL_NOTFOUND, "its SQL files are not in %s; reinstall, or set NLSQL_SHARE",
                    folder);
out:
    if (dir)
        closedir(dir);
    return ok;
}

nl_cluster *nl_demo_start(const char *share_dir, nl_err *err) {
    struct files files = { .n = 0 };
    nl_cluster *cluster = NULL;

    if (list_files(share_dir, &files, err)) {
        const nl_cluster_options options = {
            .database = NL_DEMO_DATABASE,
            .sql_files = (const char *const *)files.paths,
            .making = "making the demo database (once, a few seconds)…",
        };
        cluster = nl_cluster_start(&options, err);
    }
    for (size_t i = 0; i < files.n; i++)
        free(files.paths[i]);
    if (!cluster)
        nl_err_prefix(err, "cannot start the demo database: ");
    return cluster;
}
