#include "io/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/loop_priv.h"
#include "io/stock.h"

#include "base/banned.h"

enum {
    SOON_MS = NL_STOCK_LEFT_ALONE_MS, /* from an event to the look */
    HELD_MS = 100,                    /* a save of many files is one report, but not for ever */
    LOOK_MS = 1000,                   /* between two looks without an event */
    MAX_DEPTH = 8
};

/* A handle of libuv's, freed when libuv has let go of it. */
struct ear {
    uv_fs_event_t handle;
    nl_folder_watch *watch;
};

struct folder {
    char *path;
    char *only; /* the one file that is watched; NULL: all */
    bool tree;
    unsigned depth;
    bool there;
    dev_t device; /* where it is there */
    ino_t inode;
    struct ear *ear; /* NULL: no events come */
    nl_stock stock;
    struct folder *next;
};

struct nl_folder_watch {
    nl_loop *loop;
    nl_fn changed;
    void *ctx;
    nl_timer *timer;
    bool soon;   /* the timer's next call is for an event */
    bool ready;  /* what is in `paths` may be taken */
    int held_ms; /* how long it has not been */
    struct folder *folders;
    char **paths; /* changed, by name */
    size_t n;
};

/* Whose files a look is at. */
struct looking {
    nl_folder_watch *watch;
    const struct folder *folder;
};

/* Notes FOLDER/NAME as changed. */
static bool note(void *ctx, const char *name) {
    const struct looking *at_files = ctx;
    nl_folder_watch *watch = at_files->watch;
    char *path = NULL;
    char **paths = realloc(watch->paths, (watch->n + 1) * sizeof *paths);
    if (!paths)
        return false;
    watch->paths = paths;
    if (asprintf(&path, "%s/%s", at_files->folder->path, name) < 0)
        return false;
    size_t at = watch->n;
    while (at > 0 && strcmp(paths[at - 1], path) > 0)
        at--;
    if (at > 0 && strcmp(paths[at - 1], path) == 0) {
        free(path);
        return true;
    }
    memmove(paths + at + 1, paths + at, (watch->n - at) * sizeof *paths);
    paths[at] = path;
    watch->n++;
    return true;
}

/* --- events --------------------------------------------------------------------------------- */

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status) {
    nl_folder_watch *watch = ((struct ear *)handle->data)->watch;
    (void)name;
    (void)events;
    (void)status;
    if (watch->soon)
        return;
    watch->soon = true;
    nl_timer_again(watch->timer, SOON_MS);
}

static void free_ear(uv_handle_t *handle) {
    free(handle->data);
}

static void disarm(struct folder *folder) {
    if (folder->ear)
        uv_close((uv_handle_t *)&folder->ear->handle, free_ear);
    folder->ear = NULL;
}

/* Without events (no memory, no inotify instance left) the look each second still serves. */
static void arm(nl_folder_watch *watch, struct folder *folder) {
    struct ear *ear = calloc(1, sizeof *ear);
    if (!ear)
        return;
    uv_fs_event_init(nl_loop_uv(watch->loop), &ear->handle);
    ear->handle.data = ear;
    ear->watch = watch;
    if (uv_fs_event_start(&ear->handle, on_event, folder->path, 0) != 0) {
        uv_close((uv_handle_t *)&ear->handle, free_ear);
        return;
    }
    folder->ear = ear;
}

/* Does another of the same folder serve for it? */
static bool is_shadowed(const nl_folder_watch *watch, const struct folder *folder) {
    bool before = true;
    for (const struct folder *f = watch->folders; f; f = f->next) {
        if (f == folder) {
            before = false;
            continue;
        }
        if (!f->there || f->device != folder->device || f->inode != folder->inode)
            continue;
        if (!f->only && (folder->only || (before && f->tree >= folder->tree)))
            return true;
        if (before && f->only && folder->only && strcmp(f->only, folder->only) == 0)
            return true;
    }
    return false;
}

/* Hears events of the folder that has this path now. */
static void look_for_folder(nl_folder_watch *watch, struct folder *folder) {
    struct stat is;
    bool there = stat(folder->path, &is) == 0 && S_ISDIR(is.st_mode);
    bool same = there && folder->there && is.st_dev == folder->device && is.st_ino == folder->inode;
    if (!same)
        disarm(folder);
    folder->there = there;
    if (there) {
        folder->device = is.st_dev;
        folder->inode = is.st_ino;
    }
    if (there && is_shadowed(watch, folder))
        disarm(folder);
    else if (there && !folder->ear)
        arm(watch, folder);
}

/* --- looking -------------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_left_out(const struct folder *folder, const char *name) {
    static const char *const ends[] = { "~", ".swp", ".swx", ".tmp", ".bak", NULL };
    if (folder->only)
        return strcmp(name, folder->only) != 0;
    if (name[0] == '.' || name[0] == '#' || name[strspn(name, "0123456789")] == '\0')
        return true;
    for (const char *const *end = ends; *end; end++) {
        if (ends_in(name, *end))
            return true;
    }
    return false;
}

static struct folder *add_folder(nl_folder_watch *watch, const char *path, size_t size,
                                 const char *only) {
    struct folder *folder = calloc(1, sizeof *folder), **end = &watch->folders;
    if (!folder)
        return NULL;
    folder->path = strndup(path, size);
    folder->only = only ? strdup(only) : NULL;
    if (!folder->path || (only && !folder->only)) {
        free(folder->path);
        free(folder->only);
        free(folder);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = folder;
    return folder;
}

/* A folder in a tree: it goes to the end of the list, where this look comes by. Its files are new
 * where the folder is. */
static bool look_at_folder(nl_folder_watch *watch, const struct folder *parent, const char *name) {
    char *path = NULL;
    struct folder *folder = NULL;
    bool known = false;

    if (!parent->tree || parent->depth >= MAX_DEPTH)
        return true;
    if (asprintf(&path, "%s/%s", parent->path, name) < 0)
        return false;
    for (const struct folder *f = watch->folders; f && !known; f = f->next)
        known = !f->only && strcmp(f->path, path) == 0;
    if (!known)
        folder = add_folder(watch, path, strlen(path), NULL);
    if (folder) {
        folder->tree = true;
        folder->depth = parent->depth + 1;
        folder->stock.known = parent->stock.known;
    }
    free(path);
    return known || folder;
}

static bool look_into(nl_folder_watch *watch, struct folder *folder) {
    struct looking at_files = { watch, folder };
    bool settled = true;
    struct dirent *item;

    look_for_folder(watch, folder);
    if (folder->there && is_shadowed(watch, folder))
        return true;
    DIR *dir = opendir(folder->path);
    if (!dir && errno != ENOENT && errno != ENOTDIR)
        return true; /* no descriptor left, no permission: then nothing is known of its files */
    nl_stock_begin(&folder->stock);
    while (dir && (item = readdir(dir)) != NULL) {
        struct stat is;
        if (is_left_out(folder, item->d_name) || fstatat(dirfd(dir), item->d_name, &is, 0) != 0)
            continue;
        if (S_ISREG(is.st_mode))
            settled &= nl_stock_file(&folder->stock, item->d_name, &is, note, &at_files);
        else if (S_ISDIR(is.st_mode))
            settled &= look_at_folder(watch, folder, item->d_name);
    }
    if (dir)
        closedir(dir);
    return nl_stock_end(&folder->stock, note, &at_files) && settled;
}

static void look(void *ctx) {
    nl_folder_watch *watch = ctx;
    bool settled = true;
    for (struct folder *f = watch->folders; f; f = f->next)
        settled &= look_into(watch, f);
    watch->soon = !settled;
    nl_timer_again(watch->timer, settled ? LOOK_MS : SOON_MS);
    if (watch->n == 0 || watch->ready)
        return;
    if (!settled && watch->held_ms < HELD_MS) {
        watch->held_ms += SOON_MS;
        return;
    }
    watch->held_ms = 0;
    watch->ready = true;
    watch->changed(watch->ctx);
}

/* --- the watch ------------------------------------------------------------------------------ */

nl_folder_watch *nl_folder_watch_new(nl_loop *loop, nl_fn changed, void *ctx, nl_err *err) {
    nl_folder_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        nl_err_nomem(err);
        return NULL;
    }
    watch->loop = loop;
    watch->changed = changed;
    watch->ctx = ctx;
    watch->timer = nl_timer_start(loop, LOOK_MS, LOOK_MS, look, watch, err);
    if (!watch->timer) {
        free(watch);
        return NULL;
    }
    return watch;
}

void nl_folder_watch_free(nl_folder_watch *watch) {
    if (!watch)
        return;
    nl_folder_watch_clear(watch);
    nl_timer_stop(watch->timer);
    while (watch->folders) {
        struct folder *folder = watch->folders;
        watch->folders = folder->next;
        disarm(folder);
        nl_stock_release(&folder->stock);
        free(folder->path);
        free(folder->only);
        free(folder);
    }
    free(watch->paths);
    free(watch);
}

bool nl_folder_watch_add(nl_folder_watch *watch, const char *path, int flags, nl_err *err) {
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    struct folder *folder = add_folder(watch, path, size, NULL);
    if (!folder)
        return nl_err_nomem(err);
    folder->tree = flags & NL_WATCH_TREE;
    for (; folder; folder = folder->next) /* those of the tree follow it */
        look_into(watch, folder);
    return true;
}

bool nl_folder_watch_add_file(nl_folder_watch *watch, const char *path, nl_err *err) {
    const char *slash = strrchr(path, '/');
    struct folder *folder =
        add_folder(watch, slash ? path : ".", slash && slash > path ? (size_t)(slash - path) : 1,
                   slash ? slash + 1 : path);
    if (!folder)
        return nl_err_nomem(err);
    look_into(watch, folder);
    return true;
}

const char *nl_folder_watch_path(nl_folder_watch *watch, size_t i) {
    return watch->ready && i < watch->n ? watch->paths[i] : NULL;
}

void nl_folder_watch_clear(nl_folder_watch *watch) {
    while (watch->n > 0)
        free(watch->paths[--watch->n]);
    watch->ready = false;
}
