/* cluster_template.c: data directories kept for the next start. */
#include "db/cluster_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "data/dedup.h"

#include "base/banned.h"

enum {
    KEPT = 3,            /* of each kind: for two checkouts, and an upgrade of one */
    ABANDONED_S = 3600,  /* a copy that is still being made is younger */
    MAX_SQL = 256 << 20, /* of one file */
    LAYOUT = 1           /* goes up where templates are made in another way */
};

#define NEW ".new-"
#define PROGRAM "postgres (PostgreSQL) "

/* --- the cache's folder --------------------------------------------------------------------- */

static bool make_parents(const char *path) {
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return false;
    memcpy(part, path, n + 1);
    for (char *at = part + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

static bool name_folder(char *folder, size_t room) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (cache && cache[0] == '/')
        n = snprintf(folder, room, "%s/nlsql", cache);
    else if (geteuid() == 0)
        n = snprintf(folder, room, "/var/cache/nlsql");
    else if (home && home[0] == '/')
        n = snprintf(folder, room, "%s/.cache/nlsql", home);
    return n > 0 && (size_t)n < room;
}

/* A template that others could write to would run their commands as us. */
static bool is_ours_alone(const struct stat *st) {
    return S_ISDIR(st->st_mode) && st->st_uid == geteuid() &&
           (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Closes a folder of ours that others may write to. What they may have put there stays theirs, and
 * is not taken for a template. */
static bool make_private(const char *folder) {
    struct stat st;
    if (stat(folder, &st) != 0)
        return false;
    if (is_ours_alone(&st))
        return true;
    if (st.st_uid != geteuid()) {
        nl_log(NL_WARN,
               "the cache folder %s belongs to user %u: nothing is cached, so that every start "
               "takes seconds (XDG_CACHE_HOME names another place)",
               folder, (unsigned)st.st_uid);
        return false;
    }
    if (chmod(folder, 0700) != 0 || stat(folder, &st) != 0 || !is_ours_alone(&st)) {
        nl_log(NL_WARN, "the cache folder %s cannot be made private: nothing is cached", folder);
        return false;
    }
    nl_log(NL_WARN, "others could write to the cache folder %s: it is private now (mode 0700)",
           folder);
    return true;
}

bool cluster_cache_folder(char *folder, size_t room) {
    if (!name_folder(folder, room)) {
        nl_log(NL_INFO, "nothing is cached: neither XDG_CACHE_HOME nor HOME is set");
        return false;
    }
    if (!make_parents(folder)) {
        nl_log(NL_INFO, "nothing is cached: cannot make %s: %s", folder, strerror(errno));
        return false;
    }
    return make_private(folder);
}

/* --- names ---------------------------------------------------------------------------------- */

/* Adds `text` to a file's name; what is not plain becomes one "_". */
static void add_plain(nl_buf *name, const char *text, const char *also) {
    for (const char *at = text; *at; at++) {
        bool plain = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                     (*at >= 'A' && *at <= 'Z') || strchr(also, *at);
        if (plain || (name->size > 0 && name->data[name->size - 1] != '_'))
            nl_buf_char(name, plain ? *at : '_');
    }
}

static bool digest_of(const char *database, const char *const *sql_files, char hex[33],
                      nl_err *err) {
    nl_buf all, text;
    bool ok = true;

    nl_buf_init(&all);
    nl_buf_init(&text);
    nl_buf_printf(&all, "%d %zu %s", LAYOUT, strlen(database), database);
    for (size_t i = 0; ok && sql_files && sql_files[i]; i++) {
        const char *slash = strrchr(sql_files[i], '/');
        const char *name = slash ? slash + 1 : sql_files[i];
        nl_buf_clear(&text);
        ok = nl_buf_read_file(&text, sql_files[i], MAX_SQL, err);
        nl_buf_printf(&all, " %zu %s %zu ", strlen(name), name, text.size);
        nl_buf_add(&all, text.data, text.size);
    }
    if (ok && all.failed)
        ok = nl_err_nomem(err);
    if (ok)
        nl_key_hex(nl_key_of(all.data, all.size), hex);
    nl_buf_release(&text);
    nl_buf_release(&all);
    return ok;
}

bool cluster_template_name(const char *version, const char *database, const char *const *sql_files,
                           char *name, size_t room, nl_err *err) {
    char hex[33];
    nl_buf text;
    bool ok = false;

    nl_buf_init(&text);
    if (database) {
        if (!digest_of(database, sql_files, hex, err))
            goto out;
        add_plain(&text, database, "_");
        nl_buf_printf(&text, "-%.16s-", hex);
    } else {
        nl_buf_str(&text, "postgresql-");
    }
    if (strncmp(version, PROGRAM, strlen(PROGRAM)) == 0)
        version += strlen(PROGRAM);
    add_plain(&text, version, ".+~-");
    if (text.failed) {
        nl_err_nomem(err);
        goto out;
    }
    if (text.data[text.size - 1] == '_')
        text.data[--text.size] = '\0';
    if (text.size > NAME_MAX / 2) /* room for what is put behind it for a while */
        text.data[NAME_MAX / 2] = '\0';
    ok = snprintf(name, room, "%s", text.data) < (int)room ||
         nl_err_set(err, NL_INVALID, "the name of a template is too long");
out:
    nl_buf_release(&text);
    return ok;
}

/* --- taking --------------------------------------------------------------------------------- */

static bool write_size(const char *folder, cluster_size size, nl_err *err) {
    char path[PATH_MAX];
    FILE *file = cluster_join(path, sizeof path, folder, "size") ? fopen(path, "wxe") : NULL;
    if (!file)
        return nl_err_errno(err, "cannot write %s/size", folder);
    bool ok = fprintf(file, "%llu files, %llu bytes\n", size.files, size.bytes) > 0;
    if (fclose(file) != 0 || !ok)
        return nl_err_errno(err, "cannot write %s", path);
    return true;
}

static bool has_size(const char *folder, cluster_size size) {
    char path[PATH_MAX], want[64];
    nl_buf text;
    nl_buf_init(&text);
    (void)snprintf(want, sizeof want, "%llu files, %llu bytes\n", size.files, size.bytes);
    bool ok = cluster_join(path, sizeof path, folder, "size") &&
              nl_buf_read_file(&text, path, sizeof want, NULL) && strcmp(text.data, want) == 0;
    nl_buf_release(&text);
    return ok;
}

/* The template's folder, locked so that nobody removes it meanwhile; -1 with *err set. */
static int open_template(const char *path, nl_err *err) {
    struct stat st, now;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        nl_code code = errno == ENOENT ? NL_NOTFOUND : NL_INVALID;
        nl_err_set(err, code, "cannot open it: %s", strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) != 0 || !is_ours_alone(&st)) {
        nl_err_set(err, NL_INVALID, "it is not ours alone");
    } else if (flock(fd, LOCK_SH) != 0 || stat(path, &now) != 0 || now.st_ino != st.st_ino) {
        nl_err_set(err, NL_NOTFOUND, "it was removed just now");
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

bool cluster_template_take(const char *path, const char *to, uid_t uid, gid_t gid, nl_err *err) {
    char data[PATH_MAX];
    cluster_size size;
    bool ok = false;
    int fd = open_template(path, err);

    if (fd < 0)
        return false;
    if (!cluster_join(data, sizeof data, path, "data")) {
        nl_err_set(err, NL_INVALID, "its path is too long");
    } else if (cluster_copy_tree(data, to, uid, gid, &size, err)) {
        ok = has_size(path, size) ||
             nl_err_set(err, NL_INVALID, "it is not whole: %llu files, %llu bytes", size.files,
                        size.bytes);
    }
    if (ok)
        (void)futimens(fd, NULL); /* when it was last used */
    else
        cluster_remove_tree(to);
    close(fd);
    return ok;
}

/* --- keeping and removing ------------------------------------------------------------------- */

/* A new folder beside `path`, of a name that no template has. */
static bool make_beside(const char *path, char *made, size_t room, nl_err *err) {
    int n = snprintf(made, room, "%s" NEW "XXXXXX", path);
    if (n < 0 || (size_t)n >= room)
        return nl_err_set(err, NL_INVALID, "the path %s is too long", path);
    return mkdtemp(made) != NULL || nl_err_errno(err, "cannot make %s", made);
}

/* Takes a template away, unless somebody is copying it. */
static bool drop(const char *path) {
    char aside[PATH_MAX];
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) /* a file or a link, or not there */
        return cluster_remove_tree(path);
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0 && make_beside(path, aside, sizeof aside, NULL);
    if (ok) {
        ok = rename(path, aside) == 0;
        cluster_remove_tree(aside);
    }
    close(fd);
    return ok;
}

/* Among the templates of a kind: how many there are, and which was not used for longest. Copies
 * that nobody finished are removed on the way. */
static unsigned look_at_kind(const char *folder, const char *kind, char *oldest, size_t room) {
    char path[PATH_MAX];
    struct stat st;
    time_t least = 0, now = time(NULL);
    unsigned n = 0;
    DIR *dir = opendir(folder);

    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, kind, strlen(kind)) != 0 ||
            !cluster_join(path, sizeof path, folder, entry->d_name) || lstat(path, &st) != 0)
            continue;
        if (strstr(entry->d_name, NEW)) {
            if (now - st.st_mtime > ABANDONED_S)
                cluster_remove_tree(path);
        } else if (n++ == 0 || st.st_mtime < least) {
            least = st.st_mtime;
            (void)snprintf(oldest, room, "%s", path);
        }
    }
    if (dir)
        closedir(dir);
    return n;
}

static void prune(const char *path) {
    char folder[PATH_MAX], kind[NAME_MAX + 1], oldest[PATH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    (void)snprintf(kind, sizeof kind, "%.*s", (int)(strcspn(slash + 1, "-") + 1), slash + 1);
    while (look_at_kind(folder, kind, oldest, sizeof oldest) > KEPT) {
        nl_log(NL_DEBUG, "removing the cached %s, which was not used for longest", oldest);
        if (!drop(oldest))
            break; /* it is in use */
    }
}

bool cluster_template_keep(const char *data, const char *path, nl_err *err) {
    char made[PATH_MAX], copy[PATH_MAX];
    cluster_size size;
    struct stat st;

    if (!make_beside(path, made, sizeof made, err))
        return false;
    if (!cluster_join(copy, sizeof copy, made, "data") ||
        !cluster_copy_tree(data, copy, 0, 0, &size, err) || !write_size(made, size, err)) {
        cluster_remove_tree(made);
        return false;
    }
    if (lstat(path, &st) == 0)
        drop(path);
    if (rename(made, path) != 0)
        cluster_remove_tree(made); /* another was faster: its template serves as well */
    prune(path);
    return true;
}
