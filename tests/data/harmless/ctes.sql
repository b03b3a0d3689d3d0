WITH big AS (SELECT * FROM customer_order WHERE total > 500) SELECT customer_id, count(*) FROM big GROUP BY customer_id
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT x, y FROM a, b
WITH a(x, y) AS (VALUES (1, 2), (3, 4)) SELECT x * y FROM a
WITH m AS MATERIALIZED (SELECT brand_id FROM brand) SELECT * FROM m WHERE brand_id IN (SELECT brand_id FROM m)
WITH m AS NOT MATERIALIZED (SELECT brand_id FROM brand) SELECT count(*) FROM m
WITH brand AS (SELECT 'mine' AS name) SELECT name FROM brand
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t
WITH RECURSIVE tree AS (SELECT category_id, name, 1 AS depth FROM category WHERE parent_id IS NULL UNION ALL SELECT c.category_id, c.name, t.depth + 1 FROM category c JOIN tree t ON c.parent_id = t.category_id) SELECT depth, count(*) FROM tree GROUP BY depth
WITH RECURSIVE chain AS (SELECT employee_id, manager_id, ARRAY[employee_id] AS path FROM employee WHERE manager_id IS NULL UNION ALL SELECT e.employee_id, e.manager_id, c.path || e.employee_id FROM employee e JOIN chain c ON e.manager_id = c.employee_id WHERE NOT e.employee_id = ANY (c.path)) SELECT max(array_length(path, 1)) FROM chain
WITH RECURSIVE referred(id) AS (SELECT customer_id FROM customer WHERE referrer_id IS NULL UNION SELECT c.customer_id FROM customer c, referred r WHERE c.referrer_id = r.id) SELECT count(*) FROM referred
WITH RECURSIVE fib(a, b) AS (VALUES (0, 1) UNION ALL SELECT b, a + b FROM fib WHERE b < 1000) SELECT a FROM fib
WITH RECURSIVE late AS (SELECT n FROM early), early AS (SELECT 1 AS n) SELECT n FROM late
-- since 14
WITH RECURSIVE g(id, up) AS (SELECT category_id, parent_id FROM category WHERE parent_id IS NULL UNION ALL SELECT c.category_id, c.parent_id FROM category c, g WHERE c.parent_id = g.id) SEARCH DEPTH FIRST BY id SET ord SELECT id FROM g ORDER BY ord
-- since 14
WITH RECURSIVE g(id, up) AS (SELECT category_id, parent_id FROM category UNION ALL SELECT c.category_id, c.parent_id FROM category c, g WHERE c.category_id = g.up) SEARCH BREADTH FIRST BY id SET ord CYCLE id SET looped USING path SELECT id, looped, path FROM g ORDER BY ord
-- since 14
WITH RECURSIVE g(id, up) AS (SELECT category_id, parent_id FROM category UNION ALL SELECT c.category_id, c.parent_id FROM category c, g WHERE c.category_id = g.up) CYCLE id SET looped TO 'y' DEFAULT 'n' USING path SELECT count(*) FROM g
SELECT (WITH q AS (SELECT b.brand_id AS v) SELECT v FROM q) FROM brand b
SELECT * FROM (WITH q AS (SELECT 1 AS a) SELECT a FROM q) AS s
WITH monthly AS (SELECT date_trunc('month', ordered_at) AS m, sum(total) AS s FROM customer_order GROUP BY 1), ranked AS (SELECT m, s, rank() OVER (ORDER BY s DESC) AS r FROM monthly) SELECT m, s FROM ranked WHERE r <= 3
WITH x AS (SELECT 1 AS a) (WITH y AS (SELECT a FROM x) SELECT a FROM y) UNION ALL SELECT a FROM x
SELECT name FROM brand UNION SELECT name FROM category EXCEPT SELECT 'x' ORDER BY name
SELECT country_code FROM store INTERSECT SELECT country_code FROM brand
SELECT country_code FROM store INTERSECT ALL SELECT country_code FROM address
SELECT country_code FROM address EXCEPT ALL SELECT country_code FROM store
(SELECT name AS n FROM brand ORDER BY founded_in LIMIT 1) UNION ALL (SELECT name FROM store ORDER BY opened_on LIMIT 1) ORDER BY n
SELECT 1 UNION ALL SELECT 2 UNION ALL VALUES (3), (4) ORDER BY 1 DESC LIMIT 2
SELECT u.a FROM (SELECT 1 AS a UNION SELECT 2) u
TABLE country INTERSECT TABLE country LIMIT 2
SELECT NULL UNION SELECT 1
(SELECT 1) EXCEPT (SELECT 2 UNION SELECT 3) INTERSECT SELECT 1
