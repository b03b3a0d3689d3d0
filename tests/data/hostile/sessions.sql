--@ safe: function pg_terminate_backend
SELECT pg_terminate_backend(pg_backend_pid())
--@ safe: function pg_terminate_backend
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
--@ safe: function pg_cancel_backend
SELECT pg_cancel_backend(g) FROM generate_series(1, 100000) g
--@ safe: function pg_terminate_backend
SELECT g.pg_terminate_backend FROM generate_series(1, 100000) g
--@ safe: function pg_terminate_backend
SELECT count(*) FROM generate_series(1, 99999) AS pid WHERE pg_terminate_backend(pid, 1)
--@ safe: not a query: transaction control
COMMIT
--@ safe: not a query: transaction control
ROLLBACK AND CHAIN
--@ safe: not a query: transaction control
BEGIN READ WRITE
--@ safe: not a query: transaction control
SAVEPOINT s
--@ safe: not a query: transaction control
PREPARE TRANSACTION 'x'
--@ safe: not a query: transaction control
END
--@ safe: not a query: CHECKPOINT
CHECKPOINT
--@ safe: not a query: UNLISTEN
UNLISTEN *
--@ safe: not a query: CLOSE
CLOSE ALL
--@ safe: not a query: CLOSE
CLOSE nlsql
--@ safe: function pg_backend_pid
SELECT pg_backend_pid()
--@ safe: function pg_log_backend_memory_contexts
SELECT pg_log_backend_memory_contexts(1)
--@ safe: function txid_current
SELECT txid_current()
--@ safe: function pg_current_xact_id
SELECT pg_current_xact_id()
--@ safe: function pg_export_snapshot
SELECT pg_export_snapshot()
--@ safe: function pg_promote
SELECT pg_promote(false)
--@ safe: function pg_wal_replay_pause
SELECT pg_wal_replay_pause()
--@ safe: function pg_backup_start
SELECT pg_backup_start('x', true)
