--@ parse: 2 statements
SELECT 1; DROP TABLE orders
--@ parse: 3 statements
SELECT 1; SELECT 2; SELECT 3
--@ parse: 2 statements
COMMIT; DELETE FROM orders
--@ parse: 2 statements
SELECT 1; COMMIT
--@ parse: 2 statements
SELECT 1;; DELETE FROM orders;
--@ parse: 2 statements
SELECT 1 /* ; */ ; TRUNCATE orders -- ;
--@ parse: syntax error
SELECT 1) ; COMMIT --
--@ parse: syntax error
1; DELETE FROM orders
--@ parse: there is no statement
--
--@ parse: there is no statement
;
--@ parse: there is no statement
/* DROP TABLE orders */
--@ parse: syntax error
DROP
--@ safe: not a query: PREPARE
PREPARE p AS DELETE FROM orders
--@ safe: not a query: EXECUTE
EXECUTE p
--@ safe: not a query: DEALLOCATE
DEALLOCATE ALL
--@ safe: not a query: DECLARE CURSOR
DECLARE c CURSOR WITH HOLD FOR SELECT pg_advisory_lock(666)
--@ safe: not a query: FETCH or MOVE
FETCH ALL FROM nlsql
--@ safe: not a query: EXPLAIN
EXPLAIN ANALYZE DELETE FROM orders
--@ safe: a parameter ($1)
SELECT * FROM customers WHERE id = $1
--@ safe: DEFAULT
VALUES (DEFAULT)
--@ safe: not a query: RuleStmt
CREATE RULE r AS ON SELECT TO tripped DO INSTEAD SELECT 1
--@ parse: syntax error
\c postgres
--@ parse: syntax error
\! id
--@ parse: syntax error
SELECT 1 \gexec
--@ parse: syntax error
SELECT * FROM customers WHERE CURRENT OF nlsql
