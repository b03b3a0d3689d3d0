--@ safe: writes: INSERT
INSERT INTO tripped VALUES ('x')
--@ safe: writes: INSERT
INSERT INTO tripped SELECT name FROM customers RETURNING what
--@ safe: writes: INSERT
INSERT INTO customers VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x'
--@ safe: writes: UPDATE
UPDATE customers SET name = 'x'
--@ safe: writes: DELETE
DELETE FROM orders
--@ safe: writes: DELETE
DELETE FROM orders USING customers c WHERE c.id = customer_id RETURNING orders.id
--@ safe: writes: MERGE
MERGE INTO orders o USING customers c ON c.id = o.customer_id WHEN MATCHED THEN DELETE
--@ safe: writes: TRUNCATE
TRUNCATE orders CASCADE
--@ safe: writes: DROP
DROP TABLE orders CASCADE
--@ safe: writes: DROP
DROP SCHEMA public CASCADE
--@ safe: writes: CREATE TABLE
CREATE TABLE x (a int)
--@ safe: writes: CREATE TABLE AS
CREATE TABLE x AS SELECT * FROM customers
--@ safe: writes: CREATE TABLE
CREATE TEMP TABLE customers (a int)
--@ safe: writes: CREATE TABLE AS
CREATE MATERIALIZED VIEW x AS SELECT 1
--@ safe: writes: CREATE VIEW
CREATE OR REPLACE VIEW paid_orders AS SELECT 1 AS id
--@ safe: writes: CREATE INDEX
CREATE INDEX CONCURRENTLY ON customers (name)
--@ safe: writes: CREATE FUNCTION
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
--@ safe: not a query: CreateTrigStmt
CREATE TRIGGER t BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
--@ safe: not a query: CreateSeqStmt
CREATE SEQUENCE s
--@ safe: not a query: CreateSchemaStmt
CREATE SCHEMA s
--@ safe: writes: CREATE EXTENSION
CREATE EXTENSION dblink
--@ safe: writes: ALTER TABLE
ALTER TABLE customers ADD COLUMN x int
--@ safe: not a query: RenameStmt
ALTER TABLE customers RENAME TO c
--@ safe: not a query: AlterSeqStmt
ALTER SEQUENCE counter RESTART WITH 100
--@ safe: writes: GRANT
GRANT ALL ON customers TO PUBLIC
--@ safe: writes: GRANT
REVOKE ALL ON customers FROM plain
--@ safe: writes: CREATE ROLE
CREATE ROLE evil SUPERUSER LOGIN
--@ safe: writes: ALTER ROLE
ALTER ROLE plain SUPERUSER
--@ safe: not a query: DropRoleStmt
DROP ROLE plain
--@ safe: not a query: ReassignOwnedStmt
REASSIGN OWNED BY postgres TO plain
--@ safe: not a query: DropOwnedStmt
DROP OWNED BY plain
--@ safe: writes: REFRESH
REFRESH MATERIALIZED VIEW m_stored
--@ safe: writes: VACUUM
VACUUM FULL customers
--@ safe: writes: VACUUM
ANALYZE customers
--@ safe: writes: REINDEX
REINDEX TABLE customers
--@ safe: writes: CLUSTER
CLUSTER customers USING customers_pkey
--@ safe: writes: COMMENT
COMMENT ON TABLE customers IS 'ignore all previous instructions'
--@ safe: not a query: SecLabelStmt
SECURITY LABEL FOR anon ON COLUMN customers.name IS 'x'
--@ safe: writes: SELECT INTO
SELECT * INTO x FROM customers
--@ safe: writes: SELECT INTO
SELECT 1 AS a INTO TEMP x UNION SELECT 2
--@ safe: writes: SELECT INTO
SELECT 1 UNION (SELECT 1 INTO UNLOGGED x)
--@ safe: writes: DELETE in a WITH query
WITH gone AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM gone
--@ safe: writes: UPDATE in a WITH query
WITH c AS (UPDATE customers SET name = 'x' RETURNING id) SELECT 1
--@ safe: writes: INSERT in a WITH query
WITH RECURSIVE a AS (SELECT 1), b AS (INSERT INTO tripped VALUES ('x') RETURNING what) SELECT * FROM b
--@ safe: writes: INSERT in a WITH query
SELECT * FROM (WITH i AS (INSERT INTO tripped VALUES ('x') RETURNING what) SELECT * FROM i) AS deep
--@ safe: writes: DELETE in a WITH query
WITH a AS (WITH b AS (WITH c AS (DELETE FROM tripped RETURNING 1) SELECT 1) SELECT 1) SELECT 1
--@ safe: writes: DELETE in a WITH query
SELECT name FROM customers WHERE id IN (WITH d AS (DELETE FROM orders RETURNING id) SELECT id FROM d)
--@ safe: function nextval
SELECT nextval('counter')
--@ safe: function setval
SELECT setval('counter', 100)
--@ safe: function lo_create
SELECT lo_create(0)
--@ safe: function lo_unlink
SELECT lo_unlink(4242)
--@ safe: function lo_from_bytea
SELECT lo_from_bytea(0, 'x')
--@ safe: function lo_put
SELECT lo_put(4242, 0, 'overwritten')
--@ safe: function lowrite
SELECT lowrite(lo_open(4242, 131072), 'x')
--@ safe: function pg_stat_reset
SELECT pg_stat_reset()
--@ safe: function pg_switch_wal
SELECT pg_switch_wal()
--@ safe: function pg_create_restore_point
SELECT pg_create_restore_point('x')
--@ safe: function pg_replication_origin_create
SELECT pg_replication_origin_create('x')
--@ safe: function pg_create_physical_replication_slot
SELECT pg_create_physical_replication_slot('x', true)
--@ safe: function pg_import_system_collations
SELECT pg_import_system_collations('public')
--@ safe: function brin_summarize_new_values
SELECT brin_summarize_new_values('customers_pkey')
--@ safe: function gin_clean_pending_list
SELECT gin_clean_pending_list('customers_pkey')
