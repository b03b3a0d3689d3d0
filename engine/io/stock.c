#include "io/stock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/banned.h"

struct nl_stock_entry {
    char *name;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    bool seen;   /* in this look */
    bool missed; /* in the one before */
};

/* Where `name` is, or where it belongs. */
static size_t find(const nl_stock *stock, const char *name, bool *found) {
    size_t from = 0, to = stock->n;
    *found = false;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = strcmp(stock->entries[mid].name, name);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static bool insert(nl_stock *stock, size_t at, const char *name) {
    if (stock->n == stock->room) {
        size_t room = stock->room ? stock->room * 2 : 16;
        struct nl_stock_entry *moved = realloc(stock->entries, room * sizeof *moved);
        if (!moved)
            return false;
        stock->entries = moved;
        stock->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return false;
    memmove(stock->entries + at + 1, stock->entries + at, (stock->n - at) * sizeof *stock->entries);
    stock->entries[at] = (struct nl_stock_entry){ .name = copy, .seen = true };
    stock->n++;
    return true;
}

static void drop(nl_stock *stock, size_t at) {
    free(stock->entries[at].name);
    stock->n--;
    memmove(stock->entries + at, stock->entries + at + 1, (stock->n - at) * sizeof *stock->entries);
}

static bool is_same(const struct nl_stock_entry *entry, const struct stat *is) {
    return entry->inode == is->st_ino && entry->device == is->st_dev &&
           entry->size == is->st_size && entry->changed.tv_sec == is->st_mtim.tv_sec &&
           entry->changed.tv_nsec == is->st_mtim.tv_nsec;
}

/* Is it likely to be written to still? */
static bool is_fresh(const struct stat *is) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long long ms =
        (now.tv_sec - is->st_mtim.tv_sec) * 1000LL + (now.tv_nsec - is->st_mtim.tv_nsec) / 1000000;
    return ms >= 0 && ms < (is->st_size == 0 ? NL_STOCK_EMPTIED_MS : NL_STOCK_LEFT_ALONE_MS);
}

void nl_stock_begin(nl_stock *stock) {
    for (size_t i = 0; i < stock->n; i++)
        stock->entries[i].seen = false;
}

bool nl_stock_file(nl_stock *stock, const char *name, const struct stat *is, nl_stock_note note,
                   void *ctx) {
    bool found;
    size_t at = find(stock, name, &found);
    if (found) {
        stock->entries[at].seen = true;
        stock->entries[at].missed = false;
        if (is_same(&stock->entries[at], is))
            return true;
    }
    if (stock->known && is_fresh(is))
        return false;
    if (!found && !insert(stock, at, name))
        return false;
    if (stock->known && !note(ctx, name)) {
        if (!found)
            drop(stock, at);
        return false;
    }
    struct nl_stock_entry *entry = &stock->entries[at];
    entry->device = is->st_dev;
    entry->inode = is->st_ino;
    entry->size = is->st_size;
    entry->changed = is->st_mtim;
    return true;
}

bool nl_stock_end(nl_stock *stock, nl_stock_note note, void *ctx) {
    bool settled = true;
    for (size_t i = stock->n; i-- > 0;) {
        struct nl_stock_entry *entry = &stock->entries[i];
        if (entry->seen)
            continue;
        if (entry->missed && note(ctx, entry->name)) {
            drop(stock, i);
        } else {
            entry->missed = true;
            settled = false;
        }
    }
    stock->known = true;
    return settled;
}

void nl_stock_release(nl_stock *stock) {
    while (stock->n > 0)
        drop(stock, stock->n - 1);
    free(stock->entries);
    *stock = (nl_stock){ 0 };
}
