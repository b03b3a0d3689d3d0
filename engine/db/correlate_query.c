/* correlate_query.c: which columns can be compared, how SQL has to write them, and why others are
 * left out. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "db/correlate_priv.h"

#include "base/banned.h"

/* --- types ----------------------------------------------------------------------------------- */

typedef struct {
    nl_measure measure;
    const char *before, *behind; /* of the column's name in SQL */
} manner;

static bool begins(const char *type, const char *with) {
    return strncmp(type, with, strlen(with)) == 0;
}

static bool one_of(const char *type, const char *const *names) {
    for (; *names; names++) {
        if (begins(type, *names))
            return true;
    }
    return false;
}

/* How the values of a type are read. Texts are cut where they are longer than is kept, so that no
 * document travels. */
static bool manner_of(const nl_column *column, manner *m) {
    static const char *const numbers[] = { "smallint", "integer", "bigint",           "numeric",
                                           "real",     "oid",     "double precision", NULL };
    const char *type = column->base_type;
    switch (column->category) {
    case 'N':
        *m = (manner){ NL_MEASURE_NUMBER, "", "" };
        if (strcmp(type, "money") == 0)
            m->behind = "::numeric";
        return m->behind[0] || one_of(type, numbers);
    case 'D':
    case 'T':
        *m = (manner){ NL_MEASURE_NUMBER, "extract(epoch FROM ", ")" };
        return true;
    case 'S':
        *m = (manner){ NL_MEASURE_CATEGORY, "left(", "::text, 201)" };
        if (strcmp(type, "citext") == 0)
            *m = (manner){ NL_MEASURE_CATEGORY, "left(lower(", "::text), 201)" };
        return true;
    case 'E':
    case 'B':
    case 'I':
        *m = (manner){ NL_MEASURE_CATEGORY, "", "::text" };
        return true;
    default:
        *m = (manner){ NL_MEASURE_CATEGORY, "", "::text" };
        return strcmp(type, "uuid") == 0;
    }
}

/* --- the query ------------------------------------------------------------------------------- */

void correlate_query_release(correlate_query *q) {
    free(q->reference);
    free(q->measures);
    free(q->narrow);
    nl_buf_release(&q->list);
}

static const char *say(nl_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const char *say(nl_arena *arena, const char *format, ...) {
    nl_buf text;
    va_list args;
    nl_buf_init(&text);
    va_start(args, format);
    bool ok = nl_buf_vprintf(&text, format, args);
    va_end(args);
    const char *copy = ok ? nl_arena_copy(arena, text.data, text.size) : NULL;
    nl_buf_release(&text);
    return copy;
}

static bool allocate(correlate_query *q, nl_correlate_result *result, const nl_table *table,
                     size_t n) {
    size_t room = n ? n : 1;
    nl_buf_init(&q->list);
    q->reference = strdup(table->reference);
    q->measures = calloc(room, sizeof *q->measures);
    q->narrow = calloc(room, sizeof *q->narrow);
    result->names = calloc(room, sizeof *result->names);
    result->read = calloc(room, sizeof *result->read);
    return q->reference && q->measures && q->narrow && result->names && result->read;
}

/* Adds the next column, to what is asked for or to what is left out. False: out of memory. */
static bool add_column(correlate_query *q, nl_correlate_result *result, const nl_column *column,
                       size_t max_columns) {
    manner m;
    nl_arena *arena = &result->arena;
    nl_correlate_name *name = &result->names[result->n_names++];
    bool fits = manner_of(column, &m);
    *name = (nl_correlate_name){ .index = SIZE_MAX };
    name->name = nl_arena_copy(arena, column->name, strlen(column->name));
    if (!column->selectable)
        name->reason = say(arena, "no SELECT privilege on it");
    else if (!fits)
        name->reason = say(arena, "%s is neither a number nor a category", column->type);
    else if (q->n == max_columns)
        name->reason = say(arena, "behind the first %zu columns that can be compared", max_columns);
    else
        name->index = q->n;
    if (name->index == SIZE_MAX)
        return name->name && name->reason;
    result->read[q->n] = name->name;
    q->measures[q->n] = m.measure;
    q->narrow[q->n] = m.measure == NL_MEASURE_CATEGORY;
    return name->name && (q->n++ == 0 || nl_buf_str(&q->list, ", ")) &&
           nl_buf_str(&q->list, m.before) && nl_quote_ident(&q->list, column->name) &&
           nl_buf_str(&q->list, m.behind);
}

bool correlate_query_build(correlate_query *q, nl_correlate_result *result, const nl_table *table,
                           const nl_correlate_options *options, nl_err *err) {
    size_t n = 0;
    while (options->columns && options->columns[n])
        n++;
    if (!options->columns)
        n = table->n_columns;
    if (!allocate(q, result, table, n))
        return nl_err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        int at = options->columns ? nl_table_column(table, options->columns[i]) : (int)i;
        if (at < 0)
            return nl_err_set(err, NL_NOTFOUND, "%s has no column %s", table->reference,
                              options->columns[i]);
        if (!add_column(q, result, &table->columns[at], options->max_columns))
            return nl_err_nomem(err);
    }
    return true;
}

/* --- what was left out ----------------------------------------------------------------------- */

bool correlate_explain(nl_correlate_result *result, const nl_correlate_options *options,
                       const nl_row_sample *sample) {
    bool ok = true;
    for (size_t i = 0; i < result->n_names && ok; i++) {
        nl_correlate_name *name = &result->names[i];
        const nl_correlate_column *column;
        if (name->index == SIZE_MAX)
            continue;
        column = &result->found.columns[name->index];
        if (column->measure == NL_MEASURE_NOTHING)
            name->reason = say(&result->arena, "wide text: a value has more than %d bytes",
                               NL_CORRELATE_WIDTH);
        else if (column->measure == NL_MEASURE_EQUALITY)
            name->reason = say(&result->arena,
                               "%zu distinct values, more than %zu: only its dependencies are told",
                               column->distinct, options->limits.max_categories);
        else if (column->missing == sample->n_rows)
            name->reason = say(&result->arena, "no values");
        else
            continue;
        ok = name->reason != NULL;
    }
    return ok;
}
