/* catalog_load.c: the catalog queries. Their number does not depend on that of the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/json.h"
#include "db/catalog_priv.h"

#include "base/banned.h"

/* Tables that count: of the schemas wanted, no partitions, nothing that an extension brought. */
#define TABLES_WANTED                                                                              \
    "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "                                    \
    "WHERE c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition "                           \
    "AND n.nspname IN (SELECT json_array_elements_text($1::json)) "                                \
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass "              \
    "AND d.objid = c.oid AND d.deptype = 'e')"

#define NOT_SYSTEM(name) name " <> 'information_schema' AND " name " !~ '^pg_'"

/* $1: the schemas wanted, as a JSON array, or NULL for those on the search path. */
static const char *const queries[CQ_COUNT] = {
    [CQ_SERVER] =
        "SELECT current_setting('server_version'), current_setting('server_version_num'), "
        "(SELECT json_agg(s) FROM unnest(current_schemas(false)) AS s), "
        "(SELECT json_agg(n.nspname ORDER BY n.nspname) FROM pg_namespace n WHERE " NOT_SYSTEM(
            "n.nspname") " AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND "
                         "c.relkind IN ('r','p','v','m','f'))), "
                         "(SELECT json_agg(n.nspname) FROM pg_namespace n), $1::text",
    [CQ_TABLES] =
        "SELECT c.oid, n.nspname, c.relname, c.relkind, obj_description(c.oid, 'pg_class'), "
        "CASE WHEN c.relkind = 'v' OR (c.reltuples = 0 AND c.relpages = 0 AND "
        "current_setting('server_version_num')::int < 140000) THEN -1 ELSE c.reltuples END, "
        "pg_table_is_visible(c.oid), has_schema_privilege(n.oid, 'USAGE') AND "
        "has_any_column_privilege(c.oid, 'SELECT') "
        "FROM " TABLES_WANTED " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"",
    [CQ_COLUMNS] =
        "WITH RECURSIVE domain(oid, base, typmod) AS ("
        "SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd' UNION ALL "
        "SELECT d.oid, t.typbasetype, t.typtypmod FROM domain d JOIN pg_type t ON t.oid = d.base "
        "WHERE t.typtype = 'd') "
        "SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), "
        "CASE WHEN d.oid IS NULL THEN format_type(a.atttypid, a.atttypmod) "
        "ELSE format_type(d.base, d.typmod) END, "
        "CASE WHEN b.typtype = 'e' THEN 'E' ELSE b.typcategory END, "
        "s.description, pg_get_expr(f.adbin, f.adrelid), a.attnotnull, a.attidentity <> '', "
        "a.attgenerated <> '', has_column_privilege(a.attrelid, a.attnum, 'SELECT'), "
        "CASE WHEN b.typtype = 'e' THEN b.oid WHEN e.typtype = 'e' THEN e.oid ELSE 0 END "
        "FROM pg_attribute a "
        "JOIN pg_type t ON t.oid = a.atttypid "
        "LEFT JOIN domain d ON d.oid = t.oid AND NOT EXISTS "
        "(SELECT FROM pg_type x WHERE x.oid = d.base AND x.typtype = 'd') "
        "JOIN pg_type b ON b.oid = coalesce(d.base, t.oid) "
        "LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typcategory = 'A' "
        "LEFT JOIN pg_description s ON s.classoid = 'pg_class'::regclass "
        "AND s.objoid = a.attrelid AND s.objsubid = a.attnum "
        "LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum "
        "WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (SELECT c.oid "
        "FROM " TABLES_WANTED ") ORDER BY a.attrelid, a.attnum",
    [CQ_LABELS] = "SELECT enumtypid, enumlabel FROM pg_enum WHERE $1::text IS NOT NULL "
                  "ORDER BY enumtypid, enumsortorder",
    [CQ_STATS] =
        "SELECT schemaname, tablename, attname, null_frac, n_distinct, "
        "(SELECT json_agg(left(v, 80)) FROM unnest((most_common_vals::text::text[])[1:8]) AS v) "
        "FROM pg_stats WHERE schemaname IN (SELECT json_array_elements_text($1::json)) "
        "ORDER BY inherited",
    [CQ_KEYS] =
        "SELECT k.conrelid, k.conname, k.contype, "
        "(SELECT json_agg(a.attname ORDER BY u.i) FROM unnest(k.conkey) WITH ORDINALITY AS u(n, i) "
        "JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n), "
        "rn.nspname, r.relname, "
        "(SELECT json_agg(a.attname ORDER BY u.i) FROM unnest(k.confkey) WITH ORDINALITY AS u(n, "
        "i) "
        "JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n), "
        "CASE WHEN k.contype = 'c' THEN pg_get_constraintdef(k.oid) END "
        "FROM pg_constraint k LEFT JOIN pg_class r ON r.oid = k.confrelid "
        "LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace "
        "WHERE k.contype IN ('p','u','f','c') AND (k.contype <> 'f' OR k.conparentid = 0) "
        "AND k.conrelid IN (SELECT c.oid FROM " TABLES_WANTED ") "
        "ORDER BY k.conrelid, k.contype, k.conname COLLATE \"C\"",
    [CQ_FUNCTIONS] =
        "SELECT p.proname, bool_or(n.nspname = 'pg_catalog'), bool_and(n.nspname = 'pg_catalog' "
        "AND p.provolatile <> 'v') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE p.prokind IN ('f','a','w') AND $1::text IS NOT NULL GROUP BY p.proname",
    [CQ_OPERATORS] =
        "SELECT o.oprname, bool_or(n.nspname = 'pg_catalog'), bool_and(n.nspname = 'pg_catalog') "
        "FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace "
        "WHERE $1::text IS NOT NULL GROUP BY o.oprname",
    /* pg_catalog's own, and the enums and domains over them of the schemas that are read */
    [CQ_TYPES] =
        "SELECT n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
        "LEFT JOIN pg_type b ON b.oid = t.typbasetype "
        "LEFT JOIN pg_namespace bn ON bn.oid = b.typnamespace "
        "WHERE (n.nspname = 'pg_catalog' AND t.typrelid = 0 AND t.typtype IN ('b','r','m')) OR "
        "(n.nspname IN (SELECT json_array_elements_text($1::json)) AND "
        "(t.typtype = 'e' OR (t.typtype = 'd' AND bn.nspname = 'pg_catalog')))",
};

struct nl_catalog_load {
    nl_pg *pg;
    nl_pg_op *op;
    nl_catalog *catalog;
    cq_kind kind;
    char *schemas; /* JSON array; NULL: the search path's, until the server has told */
    nl_catalog_done done;
    void *ctx;
};

static void free_load(nl_catalog_load *load) {
    free(load->schemas);
    nl_catalog_free(load->catalog);
    free(load);
}

static void fail(nl_catalog_load *load, const nl_err *err) {
    nl_catalog_done done = load->done;
    void *ctx = load->ctx;
    free_load(load);
    done(ctx, NULL, err);
}

static char *json_of(const char *const *names, nl_err *err) {
    nl_buf text;
    nl_json_writer w;
    nl_buf_init(&text);
    nl_json_writer_init(&w, &text);
    nl_json_open_array(&w);
    for (; *names; names++)
        nl_json_str(&w, *names);
    nl_json_close_array(&w);
    char *json = nl_json_writer_done(&w, err) ? nl_buf_detach(&text, NULL) : NULL;
    nl_buf_release(&text);
    return json;
}

static void on_rows(void *ctx, nl_pg_reply *reply);

static bool ask(nl_catalog_load *load, nl_err *err) {
    static const nl_pg_limits limits = {
        .statement_ms = 60000, .lock_ms = 10000, .max_rows = 10000000, .max_bytes = (size_t)1 << 30
    };
    const char *params[] = { load->schemas };
    load->op = nl_pg_query(load->pg, queries[load->kind], params, 1, &limits, on_rows, load, err);
    return load->op != NULL;
}

static void on_rows(void *ctx, nl_pg_reply *reply) {
    nl_catalog_load *load = ctx;
    nl_err err = reply->err;
    load->op = NULL;
    bool ok =
        reply->err.code == NL_OK && nl_catalog_build(load->catalog, load->kind, &reply->rows, &err);
    nl_pg_reply_release(reply);
    if (ok && load->kind == CQ_SERVER) {
        free(load->schemas);
        load->schemas = json_of(load->catalog->schemas, &err);
        ok = load->schemas != NULL;
    }
    if (ok && (int)++load->kind < CQ_COUNT) {
        ok = ask(load, &err);
        if (ok)
            return;
    }
    if (!ok) {
        fail(load, &err);
        return;
    }
    nl_catalog *catalog = load->catalog;
    nl_catalog_done done = load->done;
    void *done_ctx = load->ctx;
    load->catalog = NULL;
    free_load(load);
    done(done_ctx, catalog, NULL);
}

nl_catalog_load *nl_catalog_start(nl_pg *pg, const nl_catalog_options *options,
                                  nl_catalog_done done, void *ctx, nl_err *err) {
    nl_catalog_load *load = calloc(1, sizeof *load);
    if (!load) {
        nl_err_nomem(err);
        return NULL;
    }
    load->pg = pg;
    load->done = done;
    load->ctx = ctx;
    load->catalog = nl_catalog_new(err);
    bool ok = load->catalog != NULL;
    if (ok && options && options->schemas && options->schemas[0]) {
        load->schemas = json_of(options->schemas, err);
        ok = load->schemas != NULL;
    }
    if (!ok || !ask(load, err)) {
        free_load(load);
        return NULL;
    }
    return load;
}

void nl_catalog_cancel(nl_catalog_load *load) {
    if (load->op)
        nl_pg_cancel(load->op);
    free_load(load);
}
