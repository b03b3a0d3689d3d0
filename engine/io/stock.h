/* stock.h: which files a folder held at the last look, to tell what has changed since.
 *
 * A look is begun, told of each file that is there, and ended. Name, size, time and inode make a
 * file the same. Only for io/watch.c. */
#ifndef NL_IO_STOCK_H
#define NL_IO_STOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct nl_stock_entry;

/* Zero it before use. */
typedef struct {
    struct nl_stock_entry *entries; /* by name */
    size_t n, room;
    bool known; /* a look has ended: from here on changes are told */
} nl_stock;

enum {
    NL_STOCK_LEFT_ALONE_MS = 12, /* for how long before a change is told */
    NL_STOCK_EMPTIED_MS = 50,    /* the same for a file without text, which is still to come */
};

/* A file is new, changed or gone. False where that could not be noted: it will be told again. */
typedef bool (*nl_stock_note)(void *ctx, const char *name);

void nl_stock_begin(nl_stock *stock);
/* These two return false where the next look is to be soon: a file is being written to, one was
 * missing for the first time (only the second time it is told), or memory ran out. */
bool nl_stock_file(nl_stock *stock, const char *name, const struct stat *is, nl_stock_note note,
                   void *ctx);
bool nl_stock_end(nl_stock *stock, nl_stock_note note, void *ctx);
void nl_stock_release(nl_stock *stock);

#endif
