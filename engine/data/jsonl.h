/* jsonl.h: a file of JSON lines that only ever holds whole ones.
 *
 * One writer at a time. A record goes in with one append, whole or not at all: after a short
 * write the file is cut back. On open a torn tail (no final newline) can be cut off. */
#ifndef NL_DATA_JSONL_H
#define NL_DATA_JSONL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

typedef struct {
    int fd; /* -1 while closed */
    char *path;
    uint64_t size; /* bytes, all of whole lines */
    uint64_t lines;
    uint64_t cut; /* bytes of a torn tail removed by nl_jsonl_open */
} nl_jsonl;

void nl_jsonl_init(nl_jsonl *file);
/* Opens or creates (mode 0644, missing folders too), counts lines, cuts a torn tail. */
bool nl_jsonl_open(nl_jsonl *file, const char *path, nl_err *err);
/* Appends one or more whole lines (`bytes` ends in a newline). On failure nothing is added. */
bool nl_jsonl_append(nl_jsonl *file, const char *bytes, size_t size, nl_err *err);
/* Cuts the file down to its first `size` bytes, which must end a line. */
bool nl_jsonl_truncate(nl_jsonl *file, uint64_t size, nl_err *err);
bool nl_jsonl_sync(nl_jsonl *file, nl_err *err);
void nl_jsonl_close(nl_jsonl *file); /* idempotent */

/* mkdir -p. Mode 0777 less the umask. */
bool nl_make_dirs(const char *path, nl_err *err);

/* The same for the folder that `path` lies in. */
bool nl_make_parent(const char *path, nl_err *err);

#endif
