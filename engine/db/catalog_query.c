/* catalog_query.c: the catalog query. One statement, so that everything is of one snapshot and
 * costs one round trip, whatever the number of tables. Its rows are described in catalog_priv.h.
 *
 * $1: the schemas wanted, as a JSON array, or NULL for those on the search path;
 * $2: "all", or "bare" to leave out what waits for locks (defaults and checks). */
#include "db/catalog_priv.h"

#include "base/banned.h"

/* clang-format off: SQL in lines of its own */

#define NOT_SYSTEM "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
#define RELATIONS "c.relkind IN ('r','p','v','m','f')"
#define PG_CATALOG "'pg_catalog'::regnamespace"
#define BUILT_IN "p.pronamespace = " PG_CATALOG " AND p.oid < 16384 AND p.prolang IN (12, 13, 14)"
#define EXTENSIONS                                                                                 \
    "SELECT d.objid FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.classid = "

/* What the other parts stand on: the schemas to read; tables that count (no partitions, nothing
 * that an extension brought); rows of partitioned tables; domains down to what is no domain. */
static const char common[] =
    "WITH RECURSIVE wanted AS MATERIALIZED ("
    "  SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n WHERE CASE WHEN $1::text IS NULL"
    "    THEN n.nspname = ANY (current_schemas(false)) AND " NOT_SYSTEM
    "    ELSE n.nspname IN (SELECT json_array_elements_text($1::text::json)) END), "
    "rel AS MATERIALIZED ("
    "  SELECT c.oid, w.nspname, c.relname, c.relkind, c.reltuples, c.relpages,"
    "    has_table_privilege(c.oid, 'SELECT') AS whole,"
    "    has_schema_privilege(w.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')"
    "      AS readable"
    "  FROM pg_catalog.pg_class c JOIN wanted w ON w.oid = c.relnamespace"
    "  WHERE " RELATIONS " AND NOT c.relispartition"
    "    AND c.oid NOT IN (" EXTENSIONS "'pg_catalog.pg_class'::regclass)), "
    "part(root, oid) AS ("
    "  SELECT i.inhparent, i.inhrelid FROM pg_catalog.pg_inherits i"
    "    JOIN rel r ON r.oid = i.inhparent AND r.relkind = 'p'"
    "  UNION ALL"
    "  SELECT p.root, i.inhrelid FROM part p"
    "    JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid), "
    "total AS ("
    "  SELECT p.root, sum(c.reltuples) AS tuples FROM part p"
    "    JOIN pg_catalog.pg_class c ON c.oid = p.oid"
    "  WHERE c.relkind <> 'p' AND c.reltuples >= 0 AND (c.reltuples > 0 OR c.relpages > 0)"
    "  GROUP BY p.root), "
    "step(oid, base, typmod, strict) AS ("
    "  SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull FROM pg_catalog.pg_type t"
    "    WHERE t.typtype = 'd'"
    "  UNION ALL"
    "  SELECT s.oid, t.typbasetype, t.typtypmod, s.strict OR t.typnotnull FROM step s"
    "    JOIN pg_catalog.pg_type t ON t.oid = s.base WHERE t.typtype = 'd'), "
    /* the last step of each; a NOT NULL on the way counts */
    "dom AS MATERIALIZED ("
    "  SELECT s.oid, s.base, s.typmod, s.strict, t.typtype, t.typnamespace FROM step s"
    "    JOIN pg_catalog.pg_type t ON t.oid = s.base WHERE t.typtype <> 'd') ";

static const char *const parts[] = {
    "SELECT 'S', current_setting('server_version'), current_setting('server_version_num'),"
    "  (SELECT json_agg(s) FROM unnest(current_schemas(false)) AS s)::text,"
    "  (SELECT json_agg(n.nspname ORDER BY n.nspname) FROM pg_catalog.pg_namespace n"
    "    WHERE " NOT_SYSTEM " AND EXISTS (SELECT FROM pg_catalog.pg_class c"
    "      WHERE c.relnamespace = n.oid AND " RELATIONS "))::text,"
    "  (SELECT json_agg(w.nspname ORDER BY"
    "      array_position(current_schemas(false), w.nspname), w.nspname) FROM wanted w)::text,"
    "  $1::text" NL_NONE_4,

    /* before version 14 zero rows on zero pages may mean "never analysed"; since then -1 does */
    "SELECT 'T', r.oid::text, r.nspname, r.relname, r.relkind::text,"
    "  obj_description(r.oid, 'pg_class'),"
    "  (CASE WHEN r.relkind = 'v' THEN -1"
    "     WHEN r.relkind = 'p' AND r.reltuples <= 0 THEN coalesce(t.tuples, -1)"
    "     WHEN r.reltuples = 0 AND r.relpages = 0"
    "       AND current_setting('server_version_num')::int < 140000 THEN -1"
    "     ELSE r.reltuples END)::text,"
    "  concat(CASE WHEN pg_table_is_visible(r.oid) THEN 'v' END,"
    "         CASE WHEN r.readable THEN 'r' END)" NL_NONE_3
    " FROM rel r LEFT JOIN total t ON t.root = r.oid WHERE r.readable IS NOT NULL",

    "SELECT 'C', a.attrelid::text, a.attnum::text, a.attname, format_type(a.atttypid, a.atttypmod),"
    "  CASE WHEN d.oid IS NOT NULL THEN format_type(d.base, d.typmod) END,"
    "  CASE WHEN b.typtype = 'e' THEN 'E' ELSE b.typcategory::text END, s.description,"
    "  CASE WHEN $2::text = 'all' THEN pg_get_expr(f.adbin, f.adrelid) END,"
    "  concat(CASE WHEN a.attnotnull OR d.strict THEN 'n' END,"
    "         CASE WHEN a.attidentity <> '' THEN 'i' END,"
    "         CASE WHEN a.attgenerated <> '' THEN 'g' END,"
    "         CASE WHEN r.whole OR has_column_privilege(a.attrelid, a.attnum, 'SELECT')"
    "           THEN 's' END),"
    "  (CASE WHEN b.typtype = 'e' THEN b.oid WHEN e.typtype = 'e' THEN e.oid END)::text"
    " FROM rel r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid"
    "  LEFT JOIN dom d ON d.oid = a.atttypid"
    "  JOIN pg_catalog.pg_type b ON b.oid = coalesce(d.base, a.atttypid)"
    "  LEFT JOIN dom ed ON ed.oid = b.typelem AND b.typcategory = 'A'"
    "  LEFT JOIN pg_catalog.pg_type e"
    "    ON e.oid = coalesce(ed.base, b.typelem) AND b.typcategory = 'A'"
    "  LEFT JOIN pg_catalog.pg_description s ON s.classoid = 'pg_catalog.pg_class'::regclass"
    "    AND s.objoid = a.attrelid AND s.objsubid = a.attnum"
    "  LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum"
    " WHERE r.readable AND a.attnum > 0 AND NOT a.attisdropped",

    /* what PostgreSQL Anonymizer was told of a column; there where its provider no longer is */
    "SELECT 'M', s.objoid::text, s.objsubid::text, s.label" NL_NONE_7
    " FROM pg_catalog.pg_seclabel s JOIN rel r ON r.oid = s.objoid"
    " WHERE s.classoid = 'pg_catalog.pg_class'::regclass AND s.objsubid > 0"
    "  AND s.provider = 'anon' AND r.readable",

    "SELECT 'L', e.enumtypid::text, json_agg(e.enumlabel ORDER BY e.enumsortorder)::text" NL_NONE_8
    " FROM pg_catalog.pg_enum e GROUP BY e.enumtypid",

    /* Table by table (OFFSET 0): over all of pg_statistic the view would check the privilege on
     * every column there is. Arrays with another delimiter than a comma are no text[]. */
    "SELECT 'A', r.oid::text, s.attname, s.null_frac::text, s.n_distinct::text,"
    "  CASE WHEN (r.oid, s.attname) NOT IN (SELECT a.attrelid, a.attname"
    "      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    "      WHERE t.typdelim <> ',')"
    "    THEN array_to_json((s.most_common_vals::text::text[])[1:8])::text END,"
    "  CASE WHEN s.inherited THEN 'h' END" NL_NONE_4
    " FROM rel r, LATERAL (SELECT p.attname, p.null_frac, p.n_distinct, p.most_common_vals,"
    "    p.inherited FROM pg_catalog.pg_stats p"
    "    WHERE p.schemaname = r.nspname AND p.tablename = r.relname OFFSET 0) AS s"
    " WHERE r.readable",

    "SELECT DISTINCT 'X', k.confrelid::text, n.nspname, c.relname, a.attnum::text, "
    "a.attname" NL_NONE_5
    " FROM rel r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.contype = 'f'"
    "  JOIN pg_catalog.pg_class c ON c.oid = k.confrelid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.confkey)"
    " WHERE k.conparentid = 0 AND c.oid NOT IN (SELECT x.oid FROM rel x WHERE x.readable)",

    /* the clones of a foreign key that partitions get have a parent */
    "SELECT 'K', k.conrelid::text, k.conname, k.contype::text, k.conkey::text, NULL,"
    "  k.confrelid::text, k.confkey::text,"
    "  CASE WHEN k.contype = 'c' AND $2::text = 'all' THEN pg_get_constraintdef(k.oid) END, NULL, "
    "NULL"
    " FROM rel r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid"
    " WHERE r.readable AND k.contype IN ('p','u','f','c')"
    "  AND (k.contype <> 'f' OR k.conparentid = 0)",

    /* unique indexes that no constraint made say the same of their columns */
    "SELECT 'K', i.indrelid::text, c.relname, 'u', i.indkey::text, i.indnkeyatts::text" NL_NONE_5
    " FROM rel r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid"
    "  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " WHERE r.readable AND i.indisunique AND i.indisvalid AND i.indpred IS NULL"
    "  AND i.indexprs IS NULL AND i.indexrelid NOT IN"
    "   (SELECT k.conindid FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p','u'))",

    /* PostgreSQL's own, which initdb made: what else there is of the name is for the parts about
     * trust. What was replaced in another language is PostgreSQL's own no more. */
    "SELECT 'F', p.proname, bool_or(" BUILT_IN ")::text,"
    "  (bool_and(p.provolatile <> 'v') FILTER (WHERE " BUILT_IN "))::text" NL_NONE_7
    " FROM pg_catalog.pg_proc p WHERE p.prokind IN ('f','a','w') GROUP BY p.proname",

    "SELECT 'O', o.oprname, bool_or(o.oprnamespace = " PG_CATALOG " AND o.oid < 16384)::text,"
    "  (bool_and(p.provolatile <> 'v') FILTER (WHERE o.oid < 16384))::text" NL_NONE_7
    " FROM pg_catalog.pg_operator o LEFT JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode"
    " GROUP BY o.oprname",

    /* pg_catalog's own; of the schemas that are read: enums, and domains over either */
    "SELECT 'Y', n.nspname, t.typname" NL_NONE_8
    " FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    "  LEFT JOIN dom d ON d.oid = t.oid"
    " WHERE (n.nspname = 'pg_catalog' AND t.oid < 16384 AND t.typrelid = 0 AND t.typtype IN "
    "('b','r','m'))"
    "  OR (n.oid IN (SELECT w.oid FROM wanted w) AND (t.typtype = 'e'"
    "    OR (t.typtype = 'd' AND (d.typnamespace = " PG_CATALOG
    "      OR (d.typtype = 'e' AND d.typnamespace IN (SELECT w.oid FROM wanted w))))))",
};

/* clang-format on */

bool nl_catalog_query(nl_buf *query) {
    nl_buf_str(query, common);
    nl_catalog_trust_common(query);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        nl_buf_printf(query, "%s(%s)", i ? " UNION ALL " : "", parts[i]);
    return nl_catalog_trust_parts(query);
}
