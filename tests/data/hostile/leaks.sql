--@ safe: system catalog pg_authid
SELECT rolname, rolpassword FROM pg_authid
--@ safe: system catalog pg_catalog.pg_shadow
SELECT * FROM pg_catalog.pg_shadow
--@ safe: system catalog pg_catalog.pg_class
SELECT relname FROM "pg_catalog"."pg_class"
--@ safe: system catalog information_schema.tables
SELECT table_name FROM information_schema.tables
--@ safe: system catalog pg_stat_activity
SELECT query FROM pg_stat_activity
--@ safe: system catalog pg_statistic
SELECT stavalues1 FROM pg_statistic
--@ safe: system catalog pg_stats
SELECT most_common_vals FROM pg_stats
--@ safe: system catalog pg_user_mappings
SELECT umoptions FROM pg_user_mappings
--@ safe: system catalog pg_views
SELECT definition FROM pg_views
--@ safe: system catalog pg_proc
SELECT prosrc FROM pg_proc
--@ safe: system relation pg_toast.pg_toast_1
SELECT * FROM pg_toast.pg_toast_1
--@ safe: system relation pg_temp.x
SELECT * FROM pg_temp.x
--@ safe: system catalog pg_authid
WITH pg_authid AS (SELECT 1 AS a) SELECT a FROM pg_authid
--@ safe: system catalog pg_class
SELECT name FROM customers WHERE EXISTS (TABLE pg_class)
--@ safe: system catalog pg_database
SELECT * FROM customers NATURAL JOIN pg_database
--@ safe: type regclass
SELECT 'pg_authid'::regclass::oid
--@ safe: type regrole
SELECT 10::oid::regrole
--@ safe: type regproc
SELECT CAST('pg_sleep' AS regproc)
--@ safe: type regnamespace
SELECT 'public'::pg_catalog.regnamespace
--@ safe: type aclitem
SELECT '{}'::aclitem[]
--@ safe: type regclass
SELECT * FROM json_to_record('{"a": "pg_authid"}') AS t(a regclass)
--@ safe: function to_regclass
SELECT to_regclass('pg_authid')
--@ safe: function regclass
SELECT regclass('pg_authid')
--@ safe: function version
SELECT version()
--@ safe: CURRENT_USER
SELECT CURRENT_USER
--@ safe: SESSION_USER
SELECT name FROM customers WHERE name = SESSION_USER
--@ safe: CURRENT_CATALOG
SELECT CURRENT_CATALOG
--@ safe: CURRENT_SCHEMA
SELECT CURRENT_SCHEMA
--@ safe: function current_database
SELECT current_database()
--@ safe: function current_query
SELECT current_query()
--@ safe: function current_schemas
SELECT current_schemas(true)
--@ safe: function has_table_privilege
SELECT has_table_privilege('pg_authid', 'SELECT')
--@ safe: function pg_has_role
SELECT pg_has_role('postgres', 'MEMBER')
--@ safe: function pg_get_userbyid
SELECT (10::oid).pg_get_userbyid
--@ safe: function obj_description
SELECT obj_description(1259)
--@ safe: function pg_get_functiondef
SELECT pg_get_functiondef('spring'::regproc)
--@ safe: function pg_database_size
SELECT pg_database_size('postgres')
--@ safe: function pg_postmaster_start_time
SELECT pg_postmaster_start_time()
--@ safe: function pg_control_system
SELECT * FROM pg_control_system()
--@ safe: function pg_stat_get_activity
SELECT query FROM pg_stat_get_activity(NULL)
--@ safe: function pg_stat_get_backend_activity
SELECT pg_stat_get_backend_activity(g) FROM generate_series(1, 10) g
--@ safe: function pg_listening_channels
SELECT * FROM pg_listening_channels()
--@ safe: function pg_lock_status
SELECT * FROM pg_lock_status()
--@ safe: function pg_config
SELECT * FROM pg_config()
--@ safe: view v_catalog: system catalog pg_authid
SELECT * FROM v_catalog
--@ safe: view v_stats: system catalog pg_stat_activity
SELECT query FROM v_stats
--@ safe: type pg_authid
SELECT NULL::pg_authid
--@ safe: system catalog pg_class
SELECT pg_class FROM pg_class
--@ safe: system catalog pg_stat_wal
SELECT '0/0'::pg_lsn FROM pg_stat_wal
--@ grounded: table "no_such" does not exist
SELECT * FROM no_such
--@ grounded: column "password" does not exist
SELECT password FROM customers
