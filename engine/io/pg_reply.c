/* pg_reply.c: what the server says, put into the reply: errors, plans, rows. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/pg_priv.h"

#include "base/banned.h"

static void release_rows(nl_pg_rows *rows) {
    free(rows->cells);
    free(rows->sizes);
    nl_arena_release(&rows->arena);
    *rows = (nl_pg_rows){ 0 };
}

void nl_pg_reply_release(nl_pg_reply *reply) {
    release_rows(&reply->rows);
    nl_buf_release(&reply->plan);
}

void pg_reply_reset(nl_pg_reply *reply) {
    nl_pg_reply_release(reply);
    *reply = (nl_pg_reply){ 0 };
    nl_buf_init(&reply->plan);
}

/* --- errors ---------------------------------------------------------------------------------- */

/* A failed operation has no rows. */
static bool begin_failure(nl_pg_reply *reply, nl_pg_stage stage) {
    if (reply->err.code != NL_OK)
        return false;
    release_rows(&reply->rows);
    reply->stage = stage;
    return true;
}

void pg_reply_fail(nl_pg_op *op, nl_pg_stage stage, nl_code code, const char *format, ...) {
    char text[sizeof op->reply.err.msg];
    va_list args;
    if (!begin_failure(&op->reply, stage))
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    nl_err_set(&op->reply.err, code, "%s", text);
}

/* The server, or a pooler, ends the connection with FATAL and PANIC. The sqlstate does not tell:
 * class 08 is also what it says to a text with a $1 in it. */
static bool ends_connection(const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (!severity) /* before 9.6, and poolers */
        severity = PQresultErrorField(result, PG_DIAG_SEVERITY);
    return !severity || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

/* Cut at a character's edge, as nl_err_set does. */
static void copy_field(char *to, size_t room, const char *from) {
    size_t n = from ? strlen(from) : 0;
    if (n >= room) {
        n = room - 1;
        while (n > 0 && ((unsigned char)from[n] & 0xC0) == 0x80)
            n--;
    }
    if (n)
        memcpy(to, from, n);
    to[n] = '\0';
}

void pg_reply_error(nl_pg_op *op, const PGresult *result) {
    nl_pg_reply *reply = &op->reply;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (reply->err.code != NL_OK) /* an earlier one counts */
        return;
    bool late = state && (strcmp(state, "57014") == 0 || strcmp(state, "25P04") == 0);
    if (!late && ends_connection(result)) {
        pg_reply_fail(op, NL_PG_CONNECT, NL_NET, "lost the connection to %s: %s", op->pg->name,
                      message ? message : "the server sent something that cannot be read");
    } else {
        pg_reply_fail(op, pg_trip_stage(op), late ? NL_TIMEOUT : NL_DB, "%s",
                      message ? message : "the server gave no reason");
    }
    copy_field(reply->err.sqlstate, sizeof reply->err.sqlstate, state);
    if (state && (strncmp(state, "XX", 2) == 0 || strncmp(state, "58", 2) == 0))
        op->conn->odd = true; /* a fault of the server's own, or of its disk */
    copy_field(reply->detail, sizeof reply->detail,
               PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    copy_field(reply->hint, sizeof reply->hint, PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    if (position) {
        unsigned long at = strtoul(position, NULL, 10);
        unsigned before = pg_trip_prefix(op);
        reply->position = at > before && at - before <= UINT32_MAX ? (unsigned)(at - before) : 0;
    }
}

/* --- plans ----------------------------------------------------------------------------------- */

/* The number behind a name that *at is moved to, and then past; -1 where there is no more of them.
 * A quoted name within a string has backslashes before its quotes. */
static double next_number(const char **at, const char *name) {
    char *end = NULL;
    const char *found = strstr(*at, name);
    if (!found)
        return -1;
    found += strlen(name);
    double value = strtod(found, &end);
    *at = found;
    return end > found ? value : -1;
}

/* The plan's top node comes first and names its costs before its children. */
static void read_plan(nl_pg_reply *reply) {
    const char *cost_at = reply->plan.data, *rows_at = reply->plan.data;
    reply->cost = next_number(&cost_at, "\"Total Cost\": ");
    reply->plan_rows = next_number(&rows_at, "\"Plan Rows\": ");
    reply->most_rows = reply->plan_rows;
    for (double rows; (rows = next_number(&rows_at, "\"Plan Rows\": ")) >= 0;) {
        if (rows > reply->most_rows)
            reply->most_rows = rows;
    }
}

void pg_reply_plan(nl_pg_op *op, const PGresult *result) {
    nl_pg_reply *reply = &op->reply;
    for (int i = 0; i < PQntuples(result); i++) {
        if (!nl_buf_add(&reply->plan, PQgetvalue(result, i, 0),
                        (size_t)PQgetlength(result, i, 0))) {
            pg_reply_fail(op, NL_PG_EXPLAIN, NL_NOMEM, "out of memory");
            return;
        }
    }
    read_plan(reply);
    if (reply->cost < 0) /* or else it would be under every cap */
        pg_reply_fail(op, NL_PG_EXPLAIN, NL_DB, "the server's plan does not tell its cost");
}

/* --- rows ------------------------------------------------------------------------------------ */

/* Cut at a character's edge. */
static size_t kept_size(const char *value, size_t size, size_t most) {
    if (most == 0 || size <= most)
        return size;
    while (most > 0 && ((unsigned char)value[most] & 0xC0) == 0x80)
        most--;
    return most;
}

static bool take_columns(nl_pg_rows *rows, const PGresult *result) {
    size_t n = (size_t)PQnfields(result);
    if (rows->names)
        return true;
    rows->names = nl_arena_take(&rows->arena, (n ? n : 1) * sizeof *rows->names);
    rows->types = nl_arena_take(&rows->arena, (n ? n : 1) * sizeof *rows->types);
    rows->tables = nl_arena_take(&rows->arena, (n ? n : 1) * sizeof *rows->tables);
    rows->numbers = nl_arena_take(&rows->arena, (n ? n : 1) * sizeof *rows->numbers);
    if (!rows->names || !rows->types || !rows->tables || !rows->numbers)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *name = PQfname(result, (int)i);
        rows->names[i] = nl_arena_copy(&rows->arena, name, strlen(name));
        rows->types[i] = PQftype(result, (int)i);
        rows->tables[i] = PQftable(result, (int)i);
        rows->numbers[i] = rows->tables[i] ? PQftablecol(result, (int)i) : 0;
        if (!rows->names[i])
            return false;
    }
    rows->columns = n;
    return true;
}

static bool make_room(nl_pg_rows *rows, size_t cells) {
    if (cells <= rows->room)
        return true;
    size_t room = rows->room ? rows->room * 2 : 32;
    while (room < cells)
        room *= 2;
    const char **more_cells = realloc(rows->cells, room * sizeof *more_cells);
    if (more_cells)
        rows->cells = more_cells;
    uint32_t *more_sizes = realloc(rows->sizes, room * sizeof *more_sizes);
    if (more_sizes)
        rows->sizes = more_sizes;
    if (!more_cells || !more_sizes)
        return false;
    rows->room = room;
    return true;
}

static bool take_row(nl_pg_op *op, const PGresult *result, int r) {
    nl_pg_rows *rows = &op->reply.rows;
    size_t at = rows->rows * rows->columns;
    if (!make_room(rows, at + rows->columns))
        return false;
    for (size_t c = 0; c < rows->columns; c++, at++) {
        rows->cells[at] = NULL;
        rows->sizes[at] = 0;
        if (PQgetisnull(result, r, (int)c))
            continue;
        const char *value = PQgetvalue(result, r, (int)c);
        size_t size = (size_t)PQgetlength(result, r, (int)c);
        size_t kept = kept_size(value, size, op->limits.max_field);
        rows->bytes += size;
        rows->cells[at] = nl_arena_copy(&rows->arena, value, kept);
        rows->sizes[at] = (uint32_t)kept;
        if (!rows->cells[at])
            return false;
    }
    rows->rows++;
    return true;
}

/* A query of ours without a cap of rows is bounded by its bytes. */
static size_t row_cap(const nl_pg_op *op) {
    if (op->limits.max_rows)
        return op->limits.max_rows;
    return op->kind == OP_PROBE ? PG_DEFAULT_ROWS : SIZE_MAX;
}

/* The rows of `result` to who takes them as they come. */
static void give_rows(nl_pg_op *op, const PGresult *result) {
    enum { MOST = 1664 }; /* the server's limit for a result */
    const char *cells[MOST];
    uint32_t sizes[MOST];
    size_t n = (size_t)PQnfields(result) < MOST ? (size_t)PQnfields(result) : MOST;
    nl_err err = { .code = NL_OK };
    for (int r = 0; r < PQntuples(result) && !op->refused; r++) {
        for (size_t c = 0; c < n; c++) {
            bool null = PQgetisnull(result, r, (int)c);
            cells[c] = null ? NULL : PQgetvalue(result, r, (int)c);
            sizes[c] = null ? 0 : (uint32_t)PQgetlength(result, r, (int)c);
        }
        op->refused = !op->row(op->ctx, cells, sizes, n, &err);
    }
    if (op->refused)
        pg_reply_fail(op, NL_PG_EXECUTE, err.code, "%s", err.msg);
}

void pg_reply_rows(nl_pg_op *op, const PGresult *result) {
    nl_pg_rows *rows = &op->reply.rows;
    if (op->reply.err.code != NL_OK)
        return;
    if (op->row) {
        give_rows(op, result);
        return;
    }
    bool ok = take_columns(rows, result);
    for (int r = 0; ok && r < PQntuples(result); r++) {
        rows->more = rows->rows >= row_cap(op);
        if (rows->more)
            return;
        ok = take_row(op, result, r);
    }
    if (!ok)
        pg_reply_fail(op, NL_PG_EXECUTE, NL_NOMEM, "out of memory");
}
