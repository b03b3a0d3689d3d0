--@ safe: locks rows: FOR UPDATE
SELECT * FROM customers FOR UPDATE
--@ safe: locks rows: FOR NO KEY UPDATE
SELECT * FROM customers FOR NO KEY UPDATE NOWAIT
--@ safe: locks rows: FOR SHARE
SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id FOR SHARE OF o SKIP LOCKED
--@ safe: locks rows: FOR KEY SHARE
SELECT * FROM (SELECT * FROM customers FOR KEY SHARE) AS x
--@ safe: locks rows: FOR UPDATE
SELECT 1 WHERE EXISTS (SELECT 1 FROM orders FOR UPDATE)
--@ safe: locks rows: FOR UPDATE
WITH x AS (SELECT * FROM orders FOR UPDATE) SELECT count(*) FROM x
--@ safe: not a query: LOCK
LOCK TABLE customers IN ACCESS EXCLUSIVE MODE
--@ safe: function pg_advisory_lock
SELECT pg_advisory_lock(666)
--@ safe: function pg_try_advisory_lock
SELECT pg_try_advisory_lock(1, 2)
--@ safe: function pg_advisory_lock_shared
SELECT name FROM customers WHERE pg_advisory_lock_shared(id) IS NOT NULL
--@ safe: function pg_advisory_xact_lock
SELECT pg_catalog.pg_advisory_xact_lock(666)
--@ safe: function pg_advisory_unlock_all
SELECT pg_advisory_unlock_all()
--@ safe: view v_locks: locks rows: FOR UPDATE
SELECT id FROM v_locks
--@ safe: function pg_try_advisory_lock
SELECT g.pg_try_advisory_lock FROM generate_series(1, 3) g
