--@ safe: function query_to_xml
SELECT query_to_xml('DELETE FROM orders RETURNING id', true, true, '')
--@ safe: function query_to_xml
SELECT pg_catalog.query_to_xml('SELECT pg_advisory_lock(666)', true, true, '')
--@ safe: function query_to_xmlschema
SELECT query_to_xmlschema('SELECT 1', true, true, '')
--@ safe: function query_to_xml_and_xmlschema
SELECT query_to_xml_and_xmlschema('SELECT pg_sleep(9)', true, true, '')
--@ safe: function cursor_to_xml
SELECT cursor_to_xml('nlsql', 1, true, true, '')
--@ safe: function table_to_xml
SELECT table_to_xml('pg_authid', true, true, '')
--@ safe: function schema_to_xml
SELECT schema_to_xml('pg_catalog', true, true, '')
--@ safe: function database_to_xml
SELECT database_to_xml(true, true, '')
--@ safe: function ts_stat
SELECT * FROM ts_stat('SELECT pg_advisory_lock(666)::text::tsvector')
--@ safe: function ts_stat
SELECT word FROM ts_stat('DELETE FROM orders RETURNING to_tsvector(status)', 'ab')
--@ safe: function ts_rewrite
SELECT ts_rewrite('a & b'::tsquery, 'SELECT ''a''::tsquery, pg_advisory_lock(666)::text::tsquery')
--@ safe: function run_text
SELECT run_text('SELECT 1')
--@ safe: function public.run_text
SELECT public.run_text('SELECT 1')
--@ safe: view v_xml: function query_to_xml
SELECT x FROM v_xml
--@ safe: function crosstab
SELECT * FROM crosstab('DELETE FROM orders RETURNING 1, 2, 3') AS t(a int, b int)
--@ safe: function connectby
SELECT * FROM connectby('orders', 'id', 'customer_id', '1', 0) AS t(a int, b int, c int)
--@ safe: function xpath_table
SELECT * FROM xpath_table('id', 'x', '(SELECT pg_advisory_lock(666))', '/a', 'true') AS t(a int)
--@ safe: not a query: DO
DO $$ BEGIN PERFORM pg_advisory_lock(666); END $$
--@ safe: not a query: CALL
CALL spring_procedure()
--@ safe: function spring_procedure
SELECT spring_procedure()
--@ safe: function query_to_xml
SELECT q.query_to_xml FROM (SELECT 'SELECT 1' AS q) q
--@ safe: function query_to_xml
SELECT * FROM XMLTABLE('/t' PASSING query_to_xml('SELECT pg_advisory_lock(666)', true, true, '') COLUMNS a int) AS x
--@ safe: function plpgsql_call_handler
SELECT plpgsql_call_handler()
--@ safe: function pg_get_viewdef
SELECT pg_get_viewdef('v_file'::regclass)
