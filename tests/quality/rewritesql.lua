--- rewritesql: the statements of tests/quality/rewrite.lua that are the same for every database.

local rewritesql = {}

--- Columns of all tables: schema, table, name, type, whether it is generated, name of its base type.
rewritesql.COLUMNS = [[
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
  coalesce(b.typname, t.typname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^(pg_|information_schema$)'
ORDER BY 1, 2, a.attnum]]

--- Primary keys of one column: schema, table, column.
rewritesql.PRIMARY = [[
SELECT n.nspname, c.relname, a.attname
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
WHERE k.contype = 'p' AND cardinality(k.conkey) = 1]]

--- Foreign keys: child, its columns (JSON), parent, its columns.
rewritesql.FOREIGN = [[
SELECT n.nspname || '.' || c.relname,
  (SELECT json_agg(a.attname ORDER BY p.n) FROM unnest(k.conkey) WITH ORDINALITY AS p(num, n)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.num),
  m.nspname || '.' || d.relname,
  (SELECT json_agg(a.attname ORDER BY p.n) FROM unnest(k.confkey) WITH ORDINALITY AS p(num, n)
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.num)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class d ON d.oid = k.confrelid JOIN pg_namespace m ON m.oid = d.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, k.conname]]

--- Takes the foreign keys away.
rewritesql.DROP_FOREIGN = [[
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT conrelid::regclass AS tbl, conname FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.tbl, r.conname);
  END LOOP;
END $$;
ANALYZE;
]]

--- Takes away what stands in the way of new keys, and notes how to bring it back.
rewritesql.BEFORE = [[
SET client_min_messages = warning;
SET session_replication_role = replica;
CREATE TEMP TABLE kept (n serial, line text);
CREATE TEMP VIEW own AS SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)';
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT oid::regclass::text AS name, CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END AS kind
      FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace IN (TABLE own) ORDER BY oid LOOP
    IF to_regclass(r.name) IS NOT NULL THEN EXECUTE format('DROP %s %s CASCADE', r.kind, r.name); END IF;
  END LOOP;
  FOR r IN SELECT conrelid::regclass AS tbl, conname, pg_get_constraintdef(oid) AS def FROM pg_constraint
      WHERE conrelid > 0 AND contype IN ('p', 'u', 'x', 'c') AND connamespace IN (TABLE own) LOOP
    INSERT INTO kept (line) VALUES (format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.tbl, r.conname, r.def));
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.tbl, r.conname);
  END LOOP;
  FOR r IN SELECT oid::regclass AS name, pg_get_indexdef(oid) AS def FROM pg_class
      WHERE relkind = 'i' AND relnamespace IN (TABLE own) LOOP
    INSERT INTO kept (line) VALUES (r.def);
    EXECUTE format('DROP INDEX %s', r.name);
  END LOOP;
END $$;
]]

--- Brings it back, and takes away what tells the old names of anything but tables and columns.
rewritesql.AFTER = [[
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT line FROM kept ORDER BY n LOOP EXECUTE r.line; END LOOP;
  FOR r IN SELECT c.oid::regclass AS tbl, a.attname FROM pg_description d
      JOIN pg_class c ON c.oid = d.objoid AND c.relkind IN ('r', 'p') AND c.relnamespace IN (TABLE own)
      LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
      WHERE d.classoid = 'pg_class'::regclass LOOP
    IF r.attname IS NULL THEN EXECUTE format('COMMENT ON TABLE %s IS NULL', r.tbl);
    ELSE EXECUTE format('COMMENT ON COLUMN %s.%I IS NULL', r.tbl, r.attname); END IF;
  END LOOP;
  FOR r IN SELECT oid, conrelid::regclass AS tbl, conname FROM pg_constraint
      WHERE conrelid > 0 AND connamespace IN (TABLE own) LOOP
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', r.tbl, r.conname, 'k_' || r.oid);
  END LOOP;
  FOR r IN SELECT oid, oid::regclass AS name FROM pg_class
      WHERE relkind = 'i' AND relname !~ '^k_' AND relnamespace IN (TABLE own) LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', r.name, 'i_' || r.oid);
  END LOOP;
  FOR r IN SELECT oid, oid::regtype AS name FROM pg_type
      WHERE typtype IN ('e', 'd') AND typnamespace IN (TABLE own) LOOP
    EXECUTE format('ALTER TYPE %s RENAME TO %I', r.name, 'y_' || r.oid);
  END LOOP;
END $$;
]]

return rewritesql
