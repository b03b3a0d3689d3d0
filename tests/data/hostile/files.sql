--@ safe: writes: COPY
COPY customers TO '/tmp/nlsql_hostile'
--@ safe: writes: COPY
COPY (SELECT 1) TO PROGRAM 'touch /tmp/nlsql_hostile'
--@ safe: writes: COPY
COPY tripped FROM '/etc/passwd'
--@ safe: writes: COPY
COPY tripped FROM PROGRAM 'id'
--@ safe: function pg_read_file
SELECT pg_read_file('/etc/passwd')
--@ safe: function pg_read_file
SELECT pg_catalog.pg_read_file('PG_VERSION', 0, 100, true)
--@ safe: function pg_read_binary_file
SELECT encode(pg_read_binary_file('global/pg_control'), 'hex')
--@ safe: function pg_ls_dir
SELECT * FROM pg_ls_dir('.') AS f
--@ safe: function pg_ls_waldir
SELECT name FROM pg_ls_waldir()
--@ safe: function pg_ls_logdir
SELECT name FROM pg_ls_logdir()
--@ safe: function pg_ls_tmpdir
SELECT name FROM pg_ls_tmpdir()
--@ safe: function pg_stat_file
SELECT size FROM pg_stat_file('PG_VERSION')
--@ safe: function lo_import
SELECT lo_import('/etc/passwd')
--@ safe: function lo_import
SELECT lo_import('/etc/passwd', 4343)
--@ safe: function lo_export
SELECT lo_export(4242, '/tmp/nlsql_hostile')
--@ safe: function pg_file_write
SELECT pg_file_write('x', 'y', false)
--@ safe: function pg_hba_file_rules
SELECT * FROM pg_hba_file_rules()
--@ safe: system catalog pg_file_settings
SELECT * FROM pg_file_settings
--@ safe: system catalog pg_hba_file_rules
SELECT * FROM pg_hba_file_rules
--@ safe: function pg_logdir_ls
SELECT * FROM pg_logdir_ls() AS t(a timestamp, b text)
--@ safe: function pg_rotate_logfile
SELECT pg_rotate_logfile()
--@ safe: function pg_current_logfile
SELECT pg_current_logfile()
--@ safe: function pg_relation_filepath
SELECT pg_relation_filepath('customers')
--@ safe: not a query: LOAD
LOAD '/tmp/evil.so'
--@ safe: view v_file: function pg_read_file
SELECT t FROM v_file
--@ safe: function pg_walfile_name
SELECT pg_walfile_name('0/0')
--@ safe: function pg_ls_archive_statusdir
SELECT * FROM ROWS FROM (pg_ls_archive_statusdir(), generate_series(1, 2)) AS r
--@ safe: function lo_get
SELECT convert_from(lo_get(4242), 'UTF8')
--@ safe: function loread
SELECT loread(lo_open(4242, 262144), 100)
--@ safe: system catalog pg_largeobject
SELECT data FROM pg_largeobject
