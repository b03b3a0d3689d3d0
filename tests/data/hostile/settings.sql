--@ safe: not a query: SET or RESET
SET ROLE postgres
--@ safe: not a query: SET or RESET
SET SESSION AUTHORIZATION postgres
--@ safe: not a query: SET or RESET
SET TRANSACTION READ WRITE
--@ safe: not a query: SET or RESET
SET search_path = hidden, public
--@ safe: not a query: SET or RESET
SET LOCAL statement_timeout = 0
--@ safe: not a query: SET or RESET
RESET ALL
--@ safe: not a query: SET or RESET
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
--@ safe: not a query: SHOW
SHOW data_directory
--@ safe: not a query: SHOW
SHOW ALL
--@ safe: writes: ALTER SYSTEM
ALTER SYSTEM SET shared_preload_libraries = 'evil'
--@ safe: not a query: AlterRoleSetStmt
ALTER ROLE plain SET search_path = hidden
--@ safe: not a query: AlterDatabaseSetStmt
ALTER DATABASE postgres SET default_transaction_read_only = off
--@ safe: not a query: DISCARD
DISCARD ALL
--@ safe: function set_config
SELECT set_config('statement_timeout', '0', false)
--@ safe: function set_config
SELECT pg_catalog.set_config('role', 'postgres', true)
--@ safe: function set_config
SELECT * FROM set_config('search_path', 'hidden', false)
--@ safe: function set_config
SELECT name FROM customers ORDER BY set_config('row_security', 'off', false)
--@ safe: function current_setting
SELECT current_setting('data_directory')
--@ safe: function current_setting
SELECT current_setting('is_superuser', true) FROM customers
--@ safe: view v_setting: function current_setting
SELECT dir FROM v_setting
--@ safe: function setseed
SELECT setseed(0.5)
--@ safe: function pg_reload_conf
SELECT pg_reload_conf()
--@ safe: system catalog pg_settings
SELECT name, setting FROM pg_settings
--@ safe: system catalog pg_catalog.pg_db_role_setting
SELECT * FROM pg_catalog.pg_db_role_setting
--@ safe: function pg_show_all_settings
SELECT * FROM pg_show_all_settings()
