/* stats_server.c: what the server says of the tables: are they still there, how large are they, of
 * which types are their columns. */
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

/* clang-format off */

static const char columns_query[] =
    "WITH RECURSIVE dom AS ("
    "  SELECT t.oid, t.typbasetype AS base FROM pg_catalog.pg_type t WHERE t.typtype = 'd'"
    "  UNION ALL SELECT d.oid, t.typbasetype FROM dom d"
    "   JOIN pg_catalog.pg_type t ON t.oid = d.base AND t.typtype = 'd')"
    " SELECT w.n, c.oid, c.relkind, c.relhassubclass, a.attname, b.typname,"
    "  CASE WHEN b.typtype = 'e' THEN 'e' WHEN b.typname = 'citext' THEN 'c'"
    "   WHEN b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace THEN 'b' ELSE 'o' END,"
    "  pg_catalog.format_type(b.oid, NULL), k.collisdeterministic,"
    "  pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')"
    " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(s, t, n)"
    "  JOIN pg_catalog.pg_namespace s ON s.nspname = w.s"
    "  JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relname = w.t"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    "  LEFT JOIN (SELECT d.oid, d.base FROM dom d JOIN pg_catalog.pg_type t ON t.oid = d.base"
    "   WHERE t.typtype <> 'd') AS d ON d.oid = a.atttypid"
    "  JOIN pg_catalog.pg_type b ON b.oid = coalesce(d.base, a.atttypid)"
    "  LEFT JOIN pg_catalog.pg_collation k ON k.oid = a.attcollation"
    " ORDER BY w.n, a.attnum";

/* Sizes take a lock on each table, so a table that somebody else has locked shows here. */
static const char sizes_query[] =
    "SELECT w.n, sum(pg_catalog.pg_relation_size(c.oid)) / pg_catalog.current_setting('block_size')::int,"
    "  sum(CASE WHEN c.reltoastrelid <> 0 THEN pg_catalog.pg_relation_size(c.reltoastrelid) ELSE 0 END),"
    "  sum(c.relpages), sum(CASE WHEN c.relpages > 0 AND c.reltuples > 0 THEN c.reltuples ELSE 0 END)"
    " FROM unnest($1::oid[]) WITH ORDINALITY AS w(oid, n)"
    "  JOIN pg_catalog.pg_class r ON r.oid = w.oid AND r.relkind IN ('r','m','p'),"
    "  LATERAL (SELECT r.oid WHERE r.relkind <> 'p'"
    "   UNION ALL SELECT t.relid FROM pg_catalog.pg_partition_tree("
    "     CASE WHEN r.relkind = 'p' THEN r.oid END) AS t WHERE t.isleaf) AS leaf(oid)"
    "  JOIN pg_catalog.pg_class c ON c.oid = leaf.oid AND c.relkind IN ('r','m')"
    " GROUP BY w.n";

/* clang-format on */

static const struct {
    const char *name;
    stats_kind kind;
    const char *family;
} types[] = {
    { "int2", KIND_INT2, "number" },
    { "int4", KIND_INT4, "number" },
    { "int8", KIND_INT8, "number" },
    { "oid", KIND_OID, "number" },
    { "float4", KIND_FLOAT4, "number" },
    { "float8", KIND_FLOAT8, "number" },
    { "numeric", KIND_NUMERIC, "number" },
    { "money", KIND_MONEY, "money" },
    { "bool", KIND_BOOL, "boolean" },
    { "text", KIND_TEXT, "text" },
    { "varchar", KIND_TEXT, "text" },
    { "bpchar", KIND_BPCHAR, "text" },
    { "name", KIND_TEXT, "text" },
    { "char", KIND_TEXT, "text" },
    { "date", KIND_DATE, "date" },
    { "timestamp", KIND_TIMESTAMP, "timestamp" },
    { "timestamptz", KIND_TIMESTAMPTZ, "timestamptz" },
    { "time", KIND_TIME, "time" },
    { "timetz", KIND_TIMETZ, "timetz" },
    { "interval", KIND_INTERVAL, "interval" },
    { "uuid", KIND_UUID, "uuid" },
    { "inet", KIND_OTHER, "inet" },
    { "cidr", KIND_OTHER, "cidr" },
    { "macaddr", KIND_OTHER, "macaddr" },
    { "macaddr8", KIND_OTHER, "macaddr8" },
};

/* --- arrays as parameters -----------------------------------------------------------------------
 */

static void add_element(nl_buf *out, const char *text) {
    nl_buf_char(out, out->size ? ',' : '{');
    nl_buf_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            nl_buf_char(out, '\\');
        nl_buf_char(out, *text);
    }
    nl_buf_char(out, '"');
}

static bool end_array(nl_buf *out) {
    if (out->size == 0)
        nl_buf_char(out, '{');
    return nl_buf_char(out, '}');
}

/* --- columns ------------------------------------------------------------------------------------
 */

static uint64_t seed_of(const char *family) {
    return nl_hash_bytes(family, strlen(family), 0);
}

static bool set_family(nl_stats *stats, stats_column *column, const char *family, stats_kind kind) {
    column->kind = kind;
    column->family = nl_arena_copy(&stats->arena, family, strlen(family));
    column->seed = column->family ? seed_of(column->family) : 0;
    return column->family != NULL;
}

static bool set_type(nl_stats *stats, stats_column *column, const char *name, char where,
                     const char *written, bool deterministic) {
    if (column->reason)
        return true;
    if (where == 'e') {
        const char *family = stats_say(&stats->arena, "enum %s", written);
        return family && set_family(stats, column, family, KIND_ENUM);
    }
    if (where == 'c') {
        column->folded = true;
        return set_family(stats, column, "citext", KIND_TEXT);
    }
    for (size_t i = 0; where == 'b' && i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        if (!deterministic)
            column->reason = "its collation holds different texts for equal";
        return column->reason || set_family(stats, column, types[i].family, types[i].kind);
    }
    column->reason =
        stats_say(&stats->arena, "values of type %s are not compared with other columns'", written);
    return column->reason != NULL;
}

static stats_column *find_column(stats_table *table, const char *name) {
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    }
    return NULL;
}

static bool take_columns(nl_stats *stats, const PGresult *result, unsigned *oids) {
    bool ok = true;
    for (int r = 0; r < PQntuples(result) && ok; r++) {
        size_t t = (size_t)strtoul(PQgetvalue(result, r, 0), NULL, 10) - 1;
        stats_table *table = &stats->tables[t];
        stats_column *column = find_column(table, PQgetvalue(result, r, 4));
        oids[t] = (unsigned)strtoul(PQgetvalue(result, r, 1), NULL, 10);
        table->kind = PQgetvalue(result, r, 2)[0];
        table->single = table->kind == 'r' && PQgetvalue(result, r, 3)[0] == 'f';
        table->plain = table->single;
        if (!column) /* it came after the catalog was read */
            continue;
        if (PQgetvalue(result, r, 9)[0] == 'f')
            column->reason = "no SELECT privilege on it";
        ok = set_type(stats, column, PQgetvalue(result, r, 5), PQgetvalue(result, r, 6)[0],
                      PQgetvalue(result, r, 7), PQgetvalue(result, r, 8)[0] != 'f');
    }
    for (size_t t = 0; t < stats->n_tables; t++) {
        stats_table *table = &stats->tables[t];
        if (oids[t] == 0)
            table->reason = "the table is not there any more";
        for (size_t c = 0; c < table->n_columns; c++) {
            if (!table->columns[c].family && !table->columns[c].reason)
                table->columns[c].reason = "the column is not there any more";
        }
    }
    return ok;
}

static bool ask_columns(nl_stats *stats, PGconn *conn, unsigned *oids, nl_err *err) {
    nl_buf schemas, names;
    PGresult *result = NULL;
    nl_buf_init(&schemas);
    nl_buf_init(&names);
    for (size_t t = 0; t < stats->n_tables; t++) {
        add_element(&schemas, stats->tables[t].schema);
        add_element(&names, stats->tables[t].name);
    }
    bool ok = end_array(&schemas) && end_array(&names);
    if (ok) {
        const char *params[] = { schemas.data, names.data };
        result = stats_query(stats, conn, columns_query, params, 2, err);
        ok = result && (take_columns(stats, result, oids) || nl_err_nomem(err));
    } else {
        nl_err_nomem(err);
    }
    PQclear(result);
    nl_buf_release(&schemas);
    nl_buf_release(&names);
    return ok;
}

/* --- sizes --------------------------------------------------------------------------------------
 */

static void take_size(stats_table *table, const PGresult *result, int row) {
    double per_page = 8192.0 / (28 + 8 * (double)(table->n_columns ? table->n_columns : 1));
    table->pages = strtod(PQgetvalue(result, row, 1), NULL);
    table->huge = strtod(PQgetvalue(result, row, 2), NULL) > 0 || !table->single;
    double known = strtod(PQgetvalue(result, row, 3), NULL);
    double rows = strtod(PQgetvalue(result, row, 4), NULL);
    table->rows = table->pages * (known > 0 && rows > 0 ? rows / known : per_page);
}

/* Of tables first … last. */
static bool ask_sizes(nl_stats *stats, PGconn *conn, const unsigned *oids, size_t first,
                      size_t last, nl_err *err) {
    nl_buf list;
    nl_buf_init(&list);
    for (size_t t = first; t <= last; t++)
        nl_buf_printf(&list, "%c%u", t == first ? '{' : ',', oids[t]);
    bool ok = nl_buf_char(&list, '}') || nl_err_nomem(err);
    if (ok) {
        const char *params[] = { list.data };
        PGresult *result = stats_query(stats, conn, sizes_query, params, 1, err);
        for (int r = 0; result && r < PQntuples(result); r++) {
            size_t n = (size_t)strtoul(PQgetvalue(result, r, 0), NULL, 10);
            take_size(&stats->tables[first + n - 1], result, r);
        }
        ok = result != NULL;
        PQclear(result);
    }
    nl_buf_release(&list);
    return ok;
}

/* All at once, and only where that fails (a lock) one by one. */
static bool ask_all_sizes(nl_stats *stats, PGconn *conn, const unsigned *oids, nl_err *err) {
    nl_err why = { .code = NL_OK };
    size_t n = stats->n_tables;
    for (size_t t = 0; t < n; t++)
        stats->tables[t].huge = true; /* of a view nothing is known */
    if (n == 0)
        return true;
    if (!stats_run(stats, conn, "SAVEPOINT sizes", err))
        return false;
    if (ask_sizes(stats, conn, oids, 0, n - 1, &why))
        return true;
    for (size_t t = 0; t < n && !stats_stopping(stats); t++) {
        if (why.code == NL_NET || why.code == NL_NOMEM) {
            *err = why;
            return false;
        }
        if (!stats_run(stats, conn, "ROLLBACK TO SAVEPOINT sizes", err))
            return false;
        if (!stats->tables[t].reason && !ask_sizes(stats, conn, oids, t, t, &why))
            stats->tables[t].reason = stats_say(&stats->arena, "%s", why.msg);
    }
    return why.code == NL_OK || stats_run(stats, conn, "ROLLBACK TO SAVEPOINT sizes", err);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void set_keys(nl_stats *stats) {
    for (size_t k = 0; k < stats->n_keys; k++) {
        stats_key *key = &stats->keys[k];
        const stats_table *table = &stats->tables[key->table];
        if (!stats->tuples)
            key->family = table->columns[key->columns[0]].family;
        for (size_t i = 0; stats->tuples && i < key->n; i++) {
            const stats_column *own = &table->columns[key->columns[i]];
            const stats_key *twin = &stats->keys[k ^ 1];
            const stats_table *other = &stats->tables[twin->table];
            const stats_column *its = &other->columns[twin->columns[i]];
            if (!own->family)
                stats->tuple_reasons[k / 2] =
                    stats_say(&stats->arena, "%s.%s: %s", table->reference, own->name, own->reason);
            else if (its->family && strcmp(own->family, its->family) != 0)
                stats->tuple_reasons[k / 2] = stats_say(
                    &stats->arena, "%s.%s (%s) and %s.%s (%s) cannot be compared", table->reference,
                    own->name, own->family, other->reference, its->name, its->family);
        }
    }
}

/* Columns whose values may be long; of others a value is of fixed or small size. */
static void set_huge(nl_stats *stats) {
    for (size_t t = 0; t < stats->n_tables; t++) {
        stats_table *table = &stats->tables[t];
        for (size_t c = 0; c < table->n_columns; c++) {
            stats_column *column = &table->columns[c];
            column->huge =
                table->huge && (column->kind == KIND_TEXT || column->kind == KIND_BPCHAR);
            if (column->family && (column->huge || column->folded))
                table->plain = false;
        }
    }
}

bool stats_plan_server(nl_stats *stats, PGconn *conn, nl_err *err) {
    unsigned *oids = calloc(stats->n_tables + 1, sizeof *oids);
    bool ok = oids != NULL;
    if (!ok)
        nl_err_nomem(err);
    stats->server_version = PQserverVersion(conn);
    ok = ok && ask_columns(stats, conn, oids, err) && ask_all_sizes(stats, conn, oids, err);
    free(oids);
    if (!ok)
        return false;
    set_keys(stats);
    set_huge(stats);
    return true;
}
