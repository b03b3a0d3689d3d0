--@ safe: function pg_sleep
SELECT pg_sleep(3600)
--@ safe: function pg_sleep
SELECT pg_catalog.pg_sleep(3600)
--@ safe: function pg_sleep
SELECT "pg_sleep"(3600)
--@ safe: function pg_sleep
SELECT PG_SLEEP(3600)
--@ safe: function pg_sleep_for
SELECT pg_sleep_for('1 hour')
--@ safe: function pg_sleep_until
SELECT pg_sleep_until('tomorrow')
--@ safe: function pg_sleep
SELECT g.pg_sleep FROM generate_series(3600, 3600) g
--@ safe: function pg_sleep
SELECT (3600::float8).pg_sleep
--@ safe: function pg_sleep
SELECT (x.n).pg_sleep FROM (SELECT 3600::float8 AS n) x
--@ safe: function pg_sleep
SELECT name FROM customers ORDER BY pg_sleep(id)
--@ safe: function pg_sleep
SELECT count(*) FILTER (WHERE pg_sleep(3600) IS NULL) FROM customers
--@ safe: function pg_sleep
SELECT sum(id) OVER (PARTITION BY pg_sleep(3600)::text) FROM customers
--@ safe: function pg_sleep
SELECT 1 LIMIT (SELECT 1 WHERE pg_sleep(3600) IS NULL)
--@ safe: function pg_sleep
SELECT 1 OFFSET (SELECT 0 FROM pg_sleep(3600))
--@ safe: function pg_sleep
SELECT * FROM customers c JOIN orders o ON pg_sleep(3600) IS NULL
--@ safe: function pg_sleep
SELECT CASE WHEN true THEN pg_sleep(3600) END
--@ safe: function pg_sleep
VALUES (1), ((SELECT 1 FROM pg_sleep(3600)))
--@ safe: function pg_sleep
SELECT ARRAY(SELECT pg_sleep(3600)::text)
--@ safe: function pg_sleep
SELECT * FROM customers TABLESAMPLE bernoulli ((SELECT 50 FROM pg_sleep(3600)))
--@ safe: function pg_sleep
SELECT * FROM customers WHERE (id, name) IN (SELECT 1, pg_sleep(3600)::text)
--@ safe: function pg_sleep
SELECT DISTINCT ON (pg_sleep(3600)::text) id FROM customers
--@ safe: function pg_sleep
SELECT x FROM XMLTABLE('/a' PASSING xmlparse(document '<a/>') COLUMNS x text DEFAULT (pg_sleep(3600)::text)) AS t
--@ safe: function pg_sleep
SELECT coalesce(NULL, greatest(1, 2)::text, pg_sleep(3600)::text)
--@ safe: function pg_sleep
SELECT a FROM (VALUES (1)) AS v(a) GROUP BY GROUPING SETS ((a), (pg_sleep(3600)::text))
--@ safe: function pg_sleep
SELECT name FROM customers WINDOW w AS (ORDER BY pg_sleep(3600)::text)
--@ safe: function pg_sleep
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY length(pg_sleep(3600)::text)) FROM customers
--@ safe: view v_builtin: function pg_sleep
SELECT id FROM v_builtin
--@ safe: operator ## may call pg_catalog.pg_sleep
SELECT ## 3600.0
--@ safe: type slow: function pg_sleep
SELECT 3600::slow
