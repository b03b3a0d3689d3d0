/* watch.h: which files of some folders have changed.
 *
 * A watch knows name, size, time and inode of every file in its folders. The kernel's events
 * (inotify) say when to look again; what is reported is the difference that a look finds, each file
 * once. So a save is one report however the editor does it (written in place, or a new file renamed
 * over the old one), a temporary file that came and went is none, and neither is a change of
 * permissions.
 *
 * A file is reported once it has been left alone for 12 ms (50 ms where it was emptied, since the
 * text is still to come), a deleted one once it was missing twice. Where events do not come
 * (network file systems, no inotify instance left) a look each second finds the change.
 *
 * Left out: hidden files and folders, and what editors leave beside a file: names that end in ~,
 * .swp, .swx, .tmp or .bak, begin with #, or are digits only (vim's 4913).
 *
 * A folder that does not exist is watched for: when it appears its files are new. One that vanishes
 * has its files reported as deleted; when it is back, what differs is reported.
 *
 * Loop thread only. */
#ifndef NL_IO_WATCH_H
#define NL_IO_WATCH_H

#include "io/loop.h"

typedef struct nl_folder_watch nl_folder_watch;

/* `changed` is called on the loop whenever there is something to take. NULL where memory ran out.
 * Free it before the loop. */
nl_folder_watch *nl_folder_watch_new(nl_loop *loop, nl_fn changed, void *ctx, nl_err *err);
void nl_folder_watch_free(nl_folder_watch *watch); /* NULL is fine */

enum {
    NL_WATCH_TREE = 1, /* its folders too, also those made later, 8 levels down */
};

/* Watches the files that lie in `folder`; those there now are not reported until they change. One
 * that is watched already, by whatever name, is not watched twice. False with NL_NOMEM. */
bool nl_folder_watch_add(nl_folder_watch *watch, const char *folder, int flags, nl_err *err);

/* Watches one file, which need not exist. */
bool nl_folder_watch_add_file(nl_folder_watch *watch, const char *path, nl_err *err);

/* The paths to take, in alphabetical order: FOLDER/NAME with the folder as it was given. Valid
 * until nl_folder_watch_clear, which forgets them, or the loop's next turn. NULL where i is too
 * large. */
const char *nl_folder_watch_path(nl_folder_watch *watch, size_t i);
void nl_folder_watch_clear(nl_folder_watch *watch);

#endif
