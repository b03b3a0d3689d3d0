-- 2,000 tables with 20 columns each, analysed: what introspection has to bear.
DO $$
DECLARE
    kinds constant text[] := ARRAY['text', 'integer', 'numeric(10,2)', 'timestamptz', 'boolean'];
    given constant text[] := ARRAY['''value '' || i % 4', 'i % 7', 'i / 3.0', 'now()', 'i % 2 = 0'];
    types text;
    vals text;
BEGIN
    SELECT string_agg(format('column_%s %s', c, kinds[1 + c % 5]), ', '),
           string_agg(given[1 + c % 5], ', ')
    INTO types, vals FROM generate_series(3, 20) AS c;
    FOR n IN 1..2000 LOOP
        EXECUTE format('CREATE TABLE table_%s (id integer PRIMARY KEY, parent_id integer %s, %s)', n,
            CASE WHEN n > 1 THEN format('REFERENCES table_%s', greatest(n / 2, 1)) END, types);
        EXECUTE format('COMMENT ON TABLE table_%s IS %L', n, 'what is known of ' || n);
        EXECUTE format('COMMENT ON COLUMN table_%s.column_3 IS %L', n, 'a number for ' || n);
        EXECUTE format('INSERT INTO table_%s SELECT i, CASE WHEN %s > 1 AND i > 1 THEN 1 END, %s '
            'FROM generate_series(1, 20) AS i', n, n, vals);
        IF n % 100 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;
ANALYZE;
