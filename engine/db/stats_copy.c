/* stats_copy.c: the statement that reads a table, or a stretch of it. */
#include "db/stats_priv.h"

#include "base/banned.h"

/* A value above LONG_VALUE bytes never reaches us: the server hashes it, and sends its length, its
 * SHA-256 and its beginning in a second field. */
static void add_huge(nl_buf *sql, const char *name) {
    nl_buf_str(sql, "CASE WHEN octet_length((");
    nl_quote_ident(sql, name);
    nl_buf_printf(sql, ")::text) <= %d THEN (", STATS_LONG_VALUE);
    nl_quote_ident(sql, name);
    nl_buf_str(sql, ")::text END, CASE WHEN octet_length((");
    nl_quote_ident(sql, name);
    nl_buf_printf(sql, ")::text) > %d THEN encode(sha256(textsend((", STATS_LONG_VALUE);
    nl_quote_ident(sql, name);
    nl_buf_str(sql, ")::text)), 'hex') || lpad(octet_length((");
    nl_quote_ident(sql, name);
    nl_buf_printf(sql, ")::text)::text, 10, '0') || left((");
    nl_quote_ident(sql, name);
    nl_buf_printf(sql, ")::text, %d) END", KEPT_BYTES);
}

static void add_column(nl_buf *sql, const stats_column *column) {
    if (column->huge && !column->folded) {
        add_huge(sql, column->name);
    } else if (column->folded) {
        nl_buf_str(sql, "lower((");
        nl_quote_ident(sql, column->name);
        nl_buf_str(sql, ")::text)");
    } else {
        nl_quote_ident(sql, column->name);
    }
}

static void add_columns(nl_buf *sql, const stats_table *table) {
    bool first = true;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!table->columns[i].family)
            continue;
        if (!first)
            nl_buf_str(sql, ", ");
        first = false;
        add_column(sql, &table->columns[i]);
    }
}

static void add_name(nl_buf *sql, const stats_table *table) {
    nl_quote_ident(sql, table->schema);
    nl_buf_char(sql, '.');
    nl_quote_ident(sql, table->name);
}

bool stats_copy_text(const nl_stats *stats, const stats_task *task, nl_buf *sql) {
    const stats_table *table = &stats->tables[task->table];
    bool whole = task->from == 0 && task->to == 0;
    if (table->plain && whole && table->sample <= 0) {
        nl_buf_str(sql, "COPY ");
        add_name(sql, table);
        nl_buf_str(sql, " (");
        add_columns(sql, table);
        return nl_buf_str(sql, ") TO STDOUT (FORMAT BINARY)");
    }
    nl_buf_str(sql, "COPY (SELECT ");
    add_columns(sql, table);
    nl_buf_str(sql, " FROM ");
    add_name(sql, table);
    if (table->sample > 0)
        nl_buf_printf(sql, " TABLESAMPLE SYSTEM (%.9g) REPEATABLE (%u)", table->sample,
                      stats->options.seed);
    if (!whole)
        nl_buf_printf(sql, " WHERE ctid >= '(%u,0)'::tid", task->from);
    if (task->to > 0)
        nl_buf_printf(sql, " AND ctid < '(%u,0)'::tid", task->to);
    return nl_buf_str(sql, ") TO STDOUT (FORMAT BINARY)");
}
