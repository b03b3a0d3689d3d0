/* catalog_trust_query.c: the parts of the catalog query that tell the SQL gate what a harmless
 * query could set off: functions that are not PostgreSQL's own and where they hide. In a database
 * that has none, each finds nothing and costs next to nothing.
 *
 * "Own" below is what was made after initdb (an oid of 16384 or more) and is not an extension's
 * function that says it is not volatile. */
#include "db/catalog_priv.h"

#include "base/banned.h"

/* clang-format off: SQL in lines of its own */

#define IS_FUNCTION "classid = 'pg_catalog.pg_proc'::regclass"
#define DEPENDS "pg_catalog.pg_depend d"
#define MADE_LATER ".oid >= 16384"
/* What CREATE TYPE … AS RANGE makes by itself. */
#define NO_CONSTRUCTOR ".prosrc !~ '^(multi)?range_constructor'"
/* Extensions' functions that are not volatile and run text as SQL all the same. */
#define RUNS_TEXT "'^(dblink|crosstab|connectby|xpath_table)'"
#define QUOTED_CALL "json_agg(DISTINCT o.nspname || '.' || o.proname)"
/* Before version 14 there are no multiranges, nor this column. */
#define MULTIRANGE "(to_jsonb(r) ->> 'rngmultitypid')::oid"

static const char *const common[] = {
    /* every function with its schema, and whether it may be trusted without a look at its name */
    ", own AS MATERIALIZED ("
    "  SELECT p.oid, n.nspname, p.proname, p.prokind, p.prolang, p.proargtypes::oid[] AS args,"
    "    p.prosrc, n.nspname = ANY (current_schemas(true)) AS reached"
    "  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    "  WHERE p" MADE_LATER " AND p" NO_CONSTRUCTOR
    "    AND (p.provolatile = 'v' OR p.proname ~ " RUNS_TEXT
    "    OR p.oid NOT IN (SELECT d.objid FROM " DEPENDS " WHERE d.deptype = 'e' AND d." IS_FUNCTION
    "))), "
    /* operators alike, with whatever function is behind them */
    "own_op AS MATERIALIZED ("
    "  SELECT p.oid, p.oprname, n.nspname = ANY (current_schemas(true)) AS reached,"
    "    array_remove(ARRAY[p.oprleft, p.oprright], 0::oid) AS args, f.oid AS fn,"
    "    fn.nspname, f.proname"
    "  FROM pg_catalog.pg_operator p JOIN pg_catalog.pg_proc f ON f.oid = p.oprcode"
    "    JOIN pg_catalog.pg_namespace n ON n.oid = p.oprnamespace"
    "    JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace"
    "  WHERE p" MADE_LATER " AND (f.provolatile = 'v' OR p.oid NOT IN (SELECT d.objid FROM " DEPENDS
    "    WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.pg_operator'::regclass))), "
    "own_cast AS MATERIALIZED ("
    "  SELECT c.oid, c.castsource, t.typname, c.castcontext, n.nspname, f.proname"
    "  FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_proc f ON f.oid = c.castfunc"
    "    JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace"
    "    JOIN pg_catalog.pg_type t ON t.oid = c.casttarget"
    "  WHERE c" MADE_LATER " AND f" NO_CONSTRUCTOR
    " AND (f.provolatile = 'v' OR c.oid NOT IN (SELECT d.objid FROM " DEPENDS
    "    WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.pg_cast'::regclass))), "
    /* which object calls which of them */
    "calls AS MATERIALIZED ("
    "  SELECT d.classid, d.objid, o.nspname, o.proname, o.oid AS fn"
    "  FROM " DEPENDS " JOIN own o ON o.oid = d.refobjid"
    "  WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass"
    "  UNION SELECT d.classid, d.objid, o.nspname, o.proname, o.fn"
    "  FROM " DEPENDS " JOIN own_op o ON o.oid = d.refobjid"
    "  WHERE d.refclassid = 'pg_catalog.pg_operator'::regclass), "
    /* what a type of an argument comes down to: no array, no domain, no multirange; 0: built in */
    "root AS MATERIALIZED ("
    "  SELECT t.oid, CASE WHEN z.oid >= 16384 THEN z.oid ELSE 0::oid END AS root"
    "  FROM pg_catalog.pg_type t LEFT JOIN dom d ON d.oid = t.oid"
    "    LEFT JOIN pg_catalog.pg_range r ON " MULTIRANGE " = t.oid"
    "    JOIN pg_catalog.pg_type b ON b.oid = coalesce(d.base, r.rngtypid, t.oid)"
    "    LEFT JOIN dom e ON e.oid = b.typelem"
    "    JOIN pg_catalog.pg_type z ON z.oid ="
    "      CASE WHEN b.typcategory = 'A' AND b.typelem <> 0 THEN coalesce(e.base, b.typelem) ELSE "
    "b.oid END"
    "  WHERE t.oid IN (SELECT unnest(args) FROM own UNION SELECT unnest(args) FROM own_op"
    "    UNION SELECT castsource FROM own_cast)), ",

    /* own overloads of built-in names, which a query can reach without naming them */
    "lever AS MATERIALIZED ("
    "  SELECT 'f' AS what, o.proname AS name, o.args, o.nspname, o.proname, false AS plain,"
    "    NULL::\"char\" AS context FROM own o WHERE o.reached AND o.prokind IN ('f','a','w')"
    "    AND EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = o.proname"
    "      AND p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384)"
    "  UNION ALL"
    /* plain: a literal beside a value of the built-in type takes that type, as a built-in operator
       does */
    "  SELECT 'o', o.oprname, o.args, o.nspname, o.proname, EXISTS (SELECT FROM "
    "pg_catalog.pg_operator p"
    "      WHERE p.oprname = o.oprname AND p.oid < 16384 AND p.oprleft = p.oprright"
    "        AND p.oprleft = ANY (o.args)), NULL"
    "    FROM own_op o WHERE o.reached AND EXISTS (SELECT FROM pg_catalog.pg_operator p"
    "      WHERE p.oprname = o.oprname AND p.oid < 16384)"
    "  UNION ALL"
    "  SELECT 'c', c.typname, ARRAY[c.castsource], c.nspname, c.proname, true, c.castcontext"
    "    FROM own_cast c), "
    /* types that matter: arguments of those, and what runs something when a value is made or read
     */
    "loaded AS MATERIALIZED ("
    "  SELECT r.root AS oid FROM lever l, unnest(l.args) AS a(t) JOIN root r ON r.oid = a.t"
    "    WHERE r.root <> 0"
    "  UNION SELECT k.contypid FROM pg_catalog.pg_constraint k"
    "    WHERE k.contypid >= 16384 AND k.contype = 'c'"
    "  UNION SELECT t.oid FROM pg_catalog.pg_type t WHERE t" MADE_LATER " AND t.typtype = 'b'"
    "    AND t.typinput IN (SELECT o.oid FROM own o)"
    "  UNION SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngcanonical IN"
    "    (SELECT o.oid FROM own o)), "
    "carries(inside, oid) AS ("
    "  SELECT l.oid, l.oid FROM loaded l"
    "  UNION SELECT c.inside, x.oid FROM carries c JOIN ("
    "      SELECT t.oid, t.typbasetype AS part FROM pg_catalog.pg_type t WHERE t.typtype = 'd'"
    "      UNION ALL SELECT t.oid, t.typelem FROM pg_catalog.pg_type t"
    "        WHERE t" MADE_LATER " AND t.typelem <> 0"
    "      UNION ALL SELECT r.rngtypid, r.rngsubtype FROM pg_catalog.pg_range r"
    "      UNION ALL SELECT " MULTIRANGE ", r.rngtypid FROM pg_catalog.pg_range r"
    "      UNION ALL SELECT k.reltype, a.atttypid FROM pg_catalog.pg_attribute a"
    "        JOIN pg_catalog.pg_class k ON k.oid = a.attrelid"
    "        WHERE a.atttypid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND k.reltype <> 0"
    "    ) AS x ON x.part = c.oid), "
    "cargo AS MATERIALIZED ("
    "  SELECT c.oid, json_agg(c.inside::text)::text AS inside FROM carries c GROUP BY c.oid), "
    /* relations that reach a foreign table through inheritance */
    "far(oid) AS ("
    "  SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c"
    "    ON c.oid = i.inhrelid AND c.relkind = 'f'"
    "  UNION SELECT i.inhparent FROM far f JOIN pg_catalog.pg_inherits i ON i.inhrelid = f.oid), "
    /* expressions that the planner folds when it plans for the table, where they call own functions
     */
    "folded AS MATERIALIZED ("
    "  SELECT i.indrelid AS rel, c.fn, concat_ws(', ', pg_get_expr(i.indexprs, i.indrelid),"
    "      pg_get_expr(i.indpred, i.indrelid)) AS expr"
    "    FROM calls c JOIN pg_catalog.pg_index i ON i.indexrelid = c.objid"
    "    WHERE c.classid = 'pg_catalog.pg_class'::regclass AND $2::text = 'all'"
    "  UNION ALL SELECT k.conrelid, c.fn, pg_get_expr(k.conbin, k.conrelid)"
    "    FROM calls c JOIN pg_catalog.pg_constraint k ON k.oid = c.objid AND k.conrelid <> 0"
    "    WHERE c.classid = 'pg_catalog.pg_constraint'::regclass AND k.contype = 'c'"
    "      AND $2::text = 'all'"
    /* version 13 has no way to tell these: as if the call were on a constant */
    "  UNION ALL SELECT s.stxrelid, c.fn, quote_ident(c.proname) || '()'"
    "    FROM calls c JOIN pg_catalog.pg_statistic_ext s ON s.oid = c.objid"
    "    WHERE c.classid = 'pg_catalog.pg_statistic_ext'::regclass AND $2::text = 'all') ",
};

static const char *const parts[] = {
    /* Overloads and casts; the types without a value of which they cannot be reached. */
    "SELECT 'U', l.what, l.name, l.nspname || '.' || l.proname,"
    "  CASE WHEN l.plain OR NOT (0 = ANY (r.roots)) THEN (SELECT json_agg(x::text)::text"
    "    FROM unnest(r.roots) AS x WHERE x <> 0) END,"
    "  CASE WHEN l.context = 'i' THEN 'i' END,"
    "  CASE WHEN l.what = 'c' THEN (SELECT json_agg(t.typname)::text FROM dom d"
    "    JOIN pg_catalog.pg_type t ON t.oid = d.oid JOIN pg_catalog.pg_type b ON b.oid = d.base"
    "    WHERE b.typname = l.name) END" NL_NONE_4
    " FROM lever l, LATERAL (SELECT coalesce(array_agg(t.root), '{}') AS roots"
    "    FROM unnest(l.args) AS a(t) JOIN root t ON t.oid = a.t) AS r",

    "SELECT 'D', t.oid::text, n.nspname, t.typname,"
    "  CASE WHEN pg_type_is_visible(t.oid) THEN 'v' END, g.inside,"
    "  (SELECT json_agg(DISTINCT c.nspname || '.' || c.proname) FROM ("
    "      SELECT c.nspname, c.proname FROM calls c JOIN pg_catalog.pg_constraint k ON k.oid = "
    "c.objid"
    "        WHERE c.classid = 'pg_catalog.pg_constraint'::regclass AND k.contypid = t.oid"
    "      UNION ALL SELECT o.nspname, o.proname FROM own o WHERE o.oid IN (t.typinput, "
    "t.typoutput)"
    "      UNION ALL SELECT o.nspname, o.proname FROM own o JOIN pg_catalog.pg_range r"
    "        ON r.rngcanonical = o.oid WHERE r.rngtypid = t.oid) AS c)::text,"
    "  (SELECT json_agg('SELECT ' || pg_get_expr(k.conbin, 0)) FROM pg_catalog.pg_constraint k"
    "    WHERE k.contypid = t.oid AND k.contype = 'c')::text" NL_NONE_3
    " FROM cargo g JOIN pg_catalog.pg_type t ON t.oid = g.oid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace",

    /* a value of the table's row type is near where any of its columns is */
    "SELECT 'H', r.oid::text, a.attname, json_agg(DISTINCT g.inside::text)::text" NL_NONE_7
    " FROM rel r JOIN pg_catalog.pg_class c ON c.oid = r.oid"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped"
    "  JOIN (SELECT c.oid AS type, 0::oid AS whole, c.inside FROM carries c"
    "    UNION ALL SELECT 0, l.oid, l.oid FROM loaded l) AS g"
    "    ON g.type = a.atttypid OR (g.whole <> 0 AND g.whole = c.reltype)"
    " GROUP BY r.oid, a.attname",

    "SELECT 'R', n.nspname, c.relname, concat(c.relkind::text,"
    "    CASE WHEN pg_table_is_visible(c.oid) THEN '+' END,"
    "    CASE WHEN c.relkind = 'f' OR c.oid IN (SELECT f.oid FROM far f) THEN '>' END,"
    "    CASE WHEN c.relrowsecurity THEN '#' END, CASE WHEN $2::text <> 'all' THEN '?' END),"
    "  CASE WHEN c.relkind = 'v' AND $2::text = 'all' THEN pg_get_viewdef(c.oid) END,"
    "  (SELECT json_agg(DISTINCT k.nspname || '.' || k.proname) FROM pg_catalog.pg_rewrite w"
    "    JOIN calls k ON k.classid = 'pg_catalog.pg_rewrite'::regclass AND k.objid = w.oid"
    "    WHERE w.ev_class = c.oid)::text,"
    "  (SELECT json_agg(DISTINCT x.inside::text) FROM pg_catalog.pg_rewrite w JOIN " DEPENDS
    "    ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid"
    "      AND d.refclassid = 'pg_catalog.pg_type'::regclass"
    "    JOIN carries x ON x.oid = d.refobjid WHERE w.ev_class = c.oid)::text,"
    "  CASE WHEN c.relrowsecurity AND $2::text = 'all' THEN (SELECT json_agg('SELECT ' ||"
    "    pg_get_expr(p.polqual, p.polrelid)) FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid"
    "    AND p.polqual IS NOT NULL) END::text,"
    "  CASE WHEN c.relrowsecurity THEN (SELECT json_agg(DISTINCT k.nspname || '.' || k.proname)"
    "    FROM pg_catalog.pg_policy p JOIN calls k"
    "      ON k.classid = 'pg_catalog.pg_policy'::regclass AND k.objid = p.oid"
    "    WHERE p.polrelid = c.oid) END::text,"
    "  (SELECT json_agg(DISTINCT x.text) FROM ("
    "      SELECT 'SELECT ' || f.expr AS text FROM folded f WHERE f.rel = c.oid"
    "      UNION ALL SELECT o.prosrc FROM folded f JOIN own o ON o.oid = f.fn"
    "        WHERE f.rel = c.oid AND o.prolang = 14) AS x)::text,"
    "  NULL"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c" MADE_LATER " AND c.relkind IN ('r','p','v','f') AND n.nspname !~ '^pg_t'"
    "  AND (c.relkind IN ('v','f') OR c.relrowsecurity OR c.oid IN (SELECT f.oid FROM far f)"
    "    OR c.oid IN (SELECT f.rel FROM folded f))",
};

/* clang-format on */

bool nl_catalog_trust_common(nl_buf *query) {
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        nl_buf_str(query, common[i]);
    return !query->failed;
}

bool nl_catalog_trust_parts(nl_buf *query) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        nl_buf_printf(query, " UNION ALL (%s)", parts[i]);
    return !query->failed;
}
