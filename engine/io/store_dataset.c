/* The dataset of a run as the projection of its entries: appending after each commit, and bringing
 * a file in line when a run is opened. All on the writer's thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "data/json.h"
#include "io/store_priv.h"

#include "base/banned.h"

enum { CHUNK = 1 << 20, MAX_TAIL = 1 << 20 };

/* --- while writing ------------------------------------------------------------------------- */

bool nl_store_add_line(nl_buf *lines, const char *line, size_t size) {
    if (!nl_buf_add(lines, line, size + 1))
        return false;
    lines->data[lines->size - 1] = '\n';
    return true;
}

void nl_store_drop_lines(nl_store *store) {
    for (nl_store_run *run = store->runs; run; run = run->next)
        nl_buf_clear(&run->lines);
}

bool nl_store_append_lines(nl_store *store, nl_err *err) {
    for (nl_store_run *run = store->runs; run; run = run->next) {
        if (run->lines.size == 0)
            continue;
        if (!nl_jsonl_append(&run->dataset, run->lines.data, run->lines.size, err))
            return false;
        if (run->lines.room > CHUNK)
            nl_buf_release(&run->lines);
        else
            nl_buf_clear(&run->lines);
    }
    return true;
}

/* --- comparing a file with the entries ----------------------------------------------------- */

/* Looks at what lies behind the lines that agree, where `expected` (NULL: nothing) should. Half a
 * line is what a crash leaves; what has a newline, or is another whole JSON value, somebody else
 * wrote. */
static bool judge_rest(FILE *file, const char *path, const char *expected,
                       struct nl_store_match *match, nl_err *err) {
    char chunk[4096];
    size_t n;
    nl_buf tail;
    nl_buf_init(&tail);
    match->torn = true;
    if (fseeko(file, (off_t)match->bytes, SEEK_SET) != 0)
        return nl_err_errno(err, "cannot read %s", path);
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        match->rest += n;
        if (memchr(chunk, '\n', n) || match->rest > MAX_TAIL || !nl_buf_add(&tail, chunk, n))
            match->torn = false;
    }
    bool ours = expected && strncmp(expected, tail.data, tail.size) == 0;
    if (match->torn && match->rest > 0 && !ours && nl_json_span(tail.data, tail.size) == tail.size)
        match->torn = false;
    nl_buf_release(&tail);
    if (ferror(file))
        return nl_err_errno(err, "cannot read %s", path);
    return true;
}

/* Reads `size` bytes and a newline: do they agree with `line`? */
static bool agrees(FILE *file, const char *line, size_t size) {
    char chunk[4096];
    for (size_t at = 0; at < size;) {
        size_t n = size - at < sizeof chunk ? size - at : sizeof chunk;
        if (fread(chunk, 1, n, file) != n || memcmp(chunk, line + at, n) != 0)
            return false;
        at += n;
    }
    return getc(file) == '\n';
}

static sqlite3_stmt *lines_after(nl_store *store, int64_t run, int64_t entry, nl_err *err) {
    sqlite3_stmt *stmt =
        nl_store_prepare(store, store->writer,
                         "SELECT id, line FROM entry WHERE run = ?1 AND id > ?2 ORDER BY id", err);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, run);
        sqlite3_bind_int64(stmt, 2, entry);
    }
    return stmt;
}

bool nl_store_compare(nl_store *store, int64_t run, const char *path, struct nl_store_match *match,
                      nl_err *err) {
    bool ok = false, row;
    sqlite3_stmt *stmt = NULL;
    const char *line = NULL;
    FILE *file = fopen(path, "re");
    *match = (struct nl_store_match){ 0 };
    if (!file && errno == ENOENT)
        return true;
    if (!file)
        return nl_err_errno(err, "cannot read %s", path);
    stmt = lines_after(store, run, 0, err);
    if (!stmt)
        goto out;
    while ((ok = nl_store_row(store, stmt, &row, err)) && row) {
        line = (const char *)sqlite3_column_text(stmt, 1);
        size_t size = (size_t)sqlite3_column_bytes(stmt, 1);
        if (!line || !agrees(file, line, size))
            break;
        match->bytes += size + 1;
        match->last = sqlite3_column_int64(stmt, 0);
    }
    if (ok && row && !line)
        ok = nl_err_nomem(err);
    else if (ok)
        ok = judge_rest(file, path, row ? line : NULL, match, err);
out:
    sqlite3_finalize(stmt);
    fclose(file);
    return ok;
}

/* --- bringing it in line ------------------------------------------------------------------- */

bool nl_store_free_name(const char *path, char *name, size_t room, nl_err *err) {
    struct stat info;
    size_t n = strlen(path);
    const char *ending = n > 6 && strcmp(path + n - 6, ".jsonl") == 0 ? ".jsonl" : "";
    /* not taken: four billion names are in use */
    for (unsigned i = 1; i != 0; i++) {
        int size = snprintf(name, room, "%.*s.%u%s", (int)(n - strlen(ending)), path, i, ending);
        if ((size_t)size >= room)
            return nl_err_set(err, NL_INVALID, "too long a path: %s", path);
        bool there = lstat(name, &info) == 0;
        if (!there && errno == ENOENT)
            return true;
        if (!there)
            return nl_err_errno(err, "cannot look for %s", name);
    }
    return nl_err_set(err, NL_IO, "no name is free beside %s", path);
}

static bool move_aside(const char *path, nl_store_run_info *info, nl_err *err) {
    if (!nl_store_free_name(path, info->kept, sizeof info->kept, err))
        return false;
    if (rename(path, info->kept) == 0)
        return true;
    nl_err_errno(err, "cannot move %s to %s", path, info->kept);
    info->kept[0] = '\0';
    return false;
}

bool nl_store_complete(nl_store *store, nl_store_run *run, int64_t last, nl_err *err) {
    bool ok, row;
    sqlite3_stmt *stmt = lines_after(store, run->id, last, err);
    nl_buf *lines = &run->lines;
    if (!stmt)
        return false;
    while ((ok = nl_store_row(store, stmt, &row, err)) && row) {
        const char *line = (const char *)sqlite3_column_text(stmt, 1);
        if (!line || !nl_store_add_line(lines, line, (size_t)sqlite3_column_bytes(stmt, 1))) {
            ok = nl_err_nomem(err);
            break;
        }
        if (lines->size >= CHUNK) {
            ok = nl_jsonl_append(&run->dataset, lines->data, lines->size, err);
            if (!ok)
                break;
            nl_buf_clear(lines);
        }
    }
    ok = ok && nl_jsonl_append(&run->dataset, lines->data, lines->size, err);
    nl_buf_release(lines);
    sqlite3_finalize(stmt);
    return ok;
}

bool nl_store_align(nl_store *store, nl_store_run *run, const char *path, nl_store_run_info *info,
                    nl_err *err) {
    struct nl_store_match match;
    if (store->scratch && unlink(path) != 0 && errno != ENOENT)
        return nl_err_errno(err, "cannot replace %s", path);
    if (!nl_store_compare(store, run->id, path, &match, err))
        return false;
    if (match.rest > 0 && !match.torn) {
        if (!move_aside(path, info, err))
            return false;
        info->rewritten = true;
        match = (struct nl_store_match){ 0 };
    }
    info->torn = match.rest;
    if (!nl_jsonl_open(&run->dataset, path, err))
        return false;
    /* not taken: somebody else writes to it at this very moment */
    if (run->dataset.size != match.bytes)
        return nl_err_set(err, NL_IO, "%s changed while it was being checked", path);
    return nl_store_complete(store, run, match.last, err);
}
