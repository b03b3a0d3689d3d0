SELECT b.name, p.name FROM brand b JOIN product p ON p.brand_id = b.brand_id
SELECT b.name, p.name FROM brand b JOIN product p USING (brand_id)
-- since 14
SELECT brand_id, u.brand_id FROM brand JOIN product USING (brand_id) AS u
SELECT b.name FROM brand b LEFT JOIN product p ON p.brand_id = b.brand_id AND p.is_active WHERE p.product_id IS NULL
SELECT count(*) FROM store s FULL OUTER JOIN employee e ON e.store_id = s.store_id
SELECT s.name, e.full_name FROM store s RIGHT JOIN employee e USING (store_id)
SELECT count(*) FROM store CROSS JOIN category
SELECT e.full_name, m.full_name AS manager FROM employee e JOIN employee m ON m.employee_id = e.manager_id
SELECT c.name, b.name FROM country c, brand b WHERE b.country_code = c.country_code
SELECT * FROM brand NATURAL JOIN (SELECT brand_id, count(*) AS n FROM product GROUP BY brand_id) AS counted
SELECT o.order_id, i.line_number, p.name FROM customer_order o JOIN (order_item i JOIN product p USING (product_id)) USING (order_id)
SELECT j.a FROM (brand b JOIN product p USING (brand_id)) AS j(a)
SELECT a.name, b.name FROM product a JOIN product b ON a.category_id = b.category_id AND a.product_id < b.product_id AND abs(a.list_price - b.list_price) < 1
SELECT c.full_name, t.total FROM customer c CROSS JOIN LATERAL (SELECT total FROM customer_order o WHERE o.customer_id = c.customer_id ORDER BY total DESC LIMIT 1) t
SELECT c.full_name, t.n FROM customer c LEFT JOIN LATERAL (SELECT count(*) AS n FROM review r WHERE r.customer_id = c.customer_id) t ON true
SELECT p.name, tag FROM product p, unnest(p.tags) AS tag
SELECT p.name, u.tag, u.place FROM product p CROSS JOIN LATERAL unnest(p.tags) WITH ORDINALITY AS u(tag, place)
SELECT p.name, e.key, e.value FROM product p, jsonb_each_text(p.attributes) e
SELECT s.name, g.n FROM store s, generate_series(1, 3) AS g(n)
SELECT s.name FROM store s WHERE EXISTS (SELECT 1 FROM employee e WHERE e.store_id = s.store_id AND e.salary > 4000)
SELECT s.name FROM store s WHERE NOT EXISTS (SELECT FROM stock k WHERE k.store_id = s.store_id AND k.quantity = 0)
SELECT name FROM product WHERE product_id IN (SELECT product_id FROM review WHERE rating = 5)
SELECT name FROM product WHERE product_id NOT IN (SELECT product_id FROM order_item WHERE product_id IS NOT NULL)
SELECT name FROM product WHERE list_price > ALL (SELECT list_price FROM product WHERE category_id = 3)
SELECT name FROM product WHERE list_price = ANY (SELECT max(list_price) FROM product GROUP BY category_id)
SELECT name FROM product p WHERE list_price > (SELECT avg(x.list_price) FROM product x WHERE x.category_id = p.category_id)
SELECT name, (SELECT count(*) FROM product p WHERE p.brand_id = b.brand_id) AS products FROM brand b
SELECT (SELECT max(total))::text FROM customer_order LIMIT 1
SELECT x.n FROM (SELECT count(*) AS n FROM brand) x
SELECT x.count, x.max FROM (SELECT count(*), max(founded_in) FROM brand) x
SELECT ARRAY(SELECT name FROM brand ORDER BY name)
SELECT * FROM product_sales WHERE units_sold > 10 ORDER BY revenue DESC LIMIT 10
SELECT m.month, sum(m.revenue) FROM monthly_revenue m GROUP BY m.month ORDER BY m.month
SELECT s.product_name, c.name FROM product_sales s JOIN category c ON c.name = s.category_name
SELECT v.a, v.b, b.name FROM (VALUES (1, 'x'), (2, 'y')) AS v(a, b) JOIN brand b ON b.brand_id = v.a
SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b', 'c'])) AS r(n, s)
SELECT * FROM ROWS FROM (json_to_record('{"a": 1}') AS (a int), generate_series(1, 2)) AS t
SELECT * FROM (SELECT brand_id, name FROM brand) AS b(id, title) WHERE b.id = 1
SELECT o.order_number FROM customer_order o JOIN customer c USING (customer_id) JOIN address a ON a.address_id = o.billing_address_id JOIN country k ON k.country_code = a.country_code WHERE k.is_eu_member AND c.tier = 'gold'
SELECT (SELECT o.total FROM customer_order o WHERE o.customer_id = c.customer_id ORDER BY o.ordered_at DESC LIMIT 1) AS last FROM customer c
SELECT c.full_name FROM customer c WHERE (SELECT count(*) FROM customer_order o WHERE o.customer_id = c.customer_id) > 20
