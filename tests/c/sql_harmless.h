/* Queries as people and models write them, each for a construct: none may be refused, none may
 * have an unknown name, and each runs on the server. Over tests/data/sql_shop.sql. */
static const char *const harmless[] = {
    "SELECT 1",
    "SELECT 'it''s', E'a\\tb', $$dollar$$, U&'\\0041', B'101', X'1F', 1.5e3, -7, NULL, TRUE",
    "VALUES (1, 'a'), (2, 'b') ORDER BY column1 DESC",
    "TABLE products",
    "SELECT * FROM customers",
    "SELECT c.* FROM customers AS c",
    "SELECT public.customers.name FROM public.customers",
    "SELECT \"Id\", \"Unit Price\" * \"Qty\" FROM \"Sales\".\"Order Lines\"",
    "SELECT \"Sales\".orders.amount FROM \"Sales\".orders",
    "SELECT id, total FROM big_orders",
    /* joins */
    "SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id",
    "SELECT c.name, o.total FROM customers c, orders o WHERE o.customer_id = c.id",
    "SELECT c.name, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.total > "
    "50",
    "SELECT count(*) FROM customers c FULL JOIN orders o ON o.customer_id = c.id",
    "SELECT a.name, b.name FROM products a JOIN products b ON b.parent_id = a.id",
    "SELECT order_id, i.id FROM items i JOIN (SELECT id AS order_id FROM orders) o USING "
    "(order_id)",
    "SELECT id FROM orders JOIN items USING (id)",
    "SELECT * FROM orders o NATURAL JOIN big_orders",
    "SELECT id, z.id, o.id FROM orders o JOIN items i USING (id) AS z",
    "SELECT j.x FROM (orders o JOIN items i ON i.order_id = o.id) AS j(x)",
    "SELECT id FROM (orders JOIN items USING (id)) JOIN products USING (id)",
    "SELECT count(*) FROM customers CROSS JOIN products",
    "SELECT c.name FROM customers c RIGHT JOIN (orders o JOIN items i ON i.order_id = o.id) ON "
    "o.customer_id = c.id",
    "SELECT s.id FROM orders AS s(id, buyer) WHERE s.buyer = 1 AND total > 5",
    /* grouping */
    "SELECT city, count(*) AS n FROM customers GROUP BY city HAVING count(*) > 0 ORDER BY n DESC, "
    "1 LIMIT 3 OFFSET 0",
    "SELECT date_trunc('month', ordered_at) AS month, sum(total) FROM orders GROUP BY month ORDER "
    "BY month",
    "SELECT status, sum(total) FILTER (WHERE total > 40) FROM orders GROUP BY status",
    "SELECT city, feeling, count(*) FROM customers GROUP BY GROUPING SETS ((city), (feeling), ())",
    "SELECT city, feeling, grouping(city), count(*) FROM customers GROUP BY ROLLUP (city, feeling)",
    "SELECT city, feeling, count(*) FROM customers GROUP BY CUBE (city, feeling)",
    "SELECT count(DISTINCT customer_id), array_agg(id ORDER BY id DESC) FROM orders",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), mode() WITHIN GROUP (ORDER BY "
    "status) FROM orders",
    "SELECT string_agg(name, ', ' ORDER BY name), bool_and(id > 0), corr(id, version) FROM "
    "customers",
    "SELECT regr_slope(total, id), stddev_samp(total), var_pop(total) FROM orders",
    "SELECT rank(50) WITHIN GROUP (ORDER BY total) FROM orders",
    /* windows */
    "SELECT name, rank() OVER (PARTITION BY city ORDER BY id) FROM customers",
    "SELECT id, sum(total) OVER w, lag(total, 1, 0) OVER w FROM orders WINDOW w AS (PARTITION BY "
    "customer_id ORDER BY ordered_at)",
    "SELECT id, avg(total) OVER (ORDER BY ordered_at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) "
    "FROM orders",
    "SELECT id, count(*) OVER (ORDER BY ordered_at RANGE BETWEEN INTERVAL '7 days' PRECEDING AND "
    "CURRENT ROW EXCLUDE TIES) FROM orders",
    "SELECT id, first_value(total) OVER w, ntile(2) OVER w, cume_dist() OVER (w ROWS UNBOUNDED "
    "PRECEDING) FROM orders WINDOW w AS (ORDER BY id)",
    "SELECT * FROM (SELECT o.*, row_number() OVER (PARTITION BY customer_id ORDER BY total DESC) "
    "AS rn FROM orders o) t WHERE rn = 1 ORDER BY t.rn, total",
    /* sub-selects */
    "SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE total > 50)",
    "SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)",
    "SELECT name, (SELECT max(total) FROM orders WHERE customer_id = customers.id) AS best FROM "
    "customers",
    "SELECT id FROM orders WHERE total > ALL (SELECT price FROM items) OR total = ANY (SELECT "
    "price FROM products)",
    "SELECT ARRAY(SELECT id FROM orders ORDER BY id)",
    "SELECT (id, name) = (SELECT 1, 'Ann') FROM customers",
    "SELECT x.n FROM (SELECT count(*) AS n FROM orders) x",
    "SELECT x.count, x.max FROM (SELECT count(*), max(total) FROM orders) x",
    "SELECT s.\"?column?\" FROM (SELECT 1 + 1) s",
    "SELECT c.name, t.total FROM customers c CROSS JOIN LATERAL (SELECT total FROM orders o WHERE "
    "o.customer_id = c.id ORDER BY total DESC LIMIT 1) t",
    "SELECT c.name, t.n FROM customers c LEFT JOIN LATERAL (SELECT count(*) AS n FROM orders WHERE "
    "customer_id = c.id) t ON true",
    /* CTEs */
    "WITH big AS (SELECT * FROM orders WHERE total > 50) SELECT b.customer_id, count(*) FROM big b "
    "GROUP BY b.customer_id",
    "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT x, y FROM a, b",
    "WITH orders AS (SELECT id AS order_no FROM orders) SELECT order_no FROM orders",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) "
    "FROM t",
    "WITH RECURSIVE tree AS (SELECT id, name, 1 AS depth FROM products WHERE parent_id IS NULL "
    "UNION ALL SELECT p.id, p.name, tree.depth + 1 FROM products p JOIN tree ON p.parent_id = "
    "tree.id) SELECT name, depth FROM tree ORDER BY depth",
    "WITH RECURSIVE late AS (SELECT n FROM early), early AS (SELECT 1 AS n) SELECT n FROM late",
    "WITH RECURSIVE g(id, up) AS (SELECT id, parent_id FROM products UNION ALL SELECT p.id, "
    "p.parent_id FROM products p, g WHERE g.up = p.id) SEARCH DEPTH FIRST BY id SET ord CYCLE id "
    "SET looped USING path SELECT id, looped, path FROM g ORDER BY ord",
    "WITH m AS MATERIALIZED (SELECT id FROM orders) SELECT * FROM m WHERE id IN (SELECT id FROM m)",
    "SELECT (WITH q AS (SELECT o.id AS v) SELECT v FROM q) FROM orders o",
    /* set operations */
    "SELECT id FROM orders UNION SELECT id FROM items EXCEPT SELECT 1 ORDER BY id",
    "(SELECT name AS n FROM customers LIMIT 1) UNION ALL (SELECT name FROM products ORDER BY price "
    "LIMIT 1) ORDER BY n",
    "SELECT id, name FROM customers INTERSECT SELECT id, name FROM products",
    "SELECT u.a FROM (SELECT 1 AS a UNION SELECT 2) u",
    /* DISTINCT, LIMIT */
    "SELECT DISTINCT city FROM customers ORDER BY city NULLS FIRST",
    "SELECT DISTINCT ON (customer_id) customer_id, total FROM orders ORDER BY customer_id, total "
    "DESC",
    "SELECT id FROM orders ORDER BY total FETCH FIRST 2 ROWS WITH TIES",
    "SELECT id FROM orders ORDER BY 1 LIMIT ALL",
    "SELECT id FROM orders ORDER BY total USING >",
    /* expressions */
    "SELECT CASE WHEN total > 100 THEN 'big' WHEN total > 50 THEN 'mid' ELSE 'small' END FROM "
    "orders",
    "SELECT CASE status WHEN 'paid' THEN 1 END, COALESCE(status, '?'), NULLIF(status, 'open'), "
    "GREATEST(1, 2), LEAST(total, 10) FROM orders",
    "SELECT name FROM customers WHERE name LIKE 'A%' OR name ILIKE '%b%' ESCAPE '\\' OR name NOT "
    "SIMILAR TO '(x|y)%'",
    "SELECT name FROM customers WHERE name ~* '^a.*n$' AND name !~ 'z' AND regexp_replace(name, "
    "'[aeiou]', '', 'g') <> ''",
    "SELECT (regexp_match(email, '@(.*)$'))[1], split_part(email, '@', 2), substring(email from "
    "'@(.*)') FROM customers",
    "SELECT id FROM orders WHERE total BETWEEN 10 AND 100 AND id NOT BETWEEN SYMMETRIC 9 AND 4 AND "
    "status IN ('paid', 'open') AND ordered_at IS NOT NULL",
    "SELECT status IS DISTINCT FROM 'x', (total > 5) IS TRUE, NOT (id = 1) FROM orders",
    "SELECT CAST(total AS int), total::text, '5'::integer, id::numeric(5,2), int '7', "
    "'happy'::mood, 3.5::price FROM orders",
    "SELECT EXTRACT(year FROM ordered_at), date_part('dow', ordered_at), to_char(ordered_at, "
    "'YYYY-MM'), ordered_at::date - DATE '2024-01-01' FROM orders",
    "SELECT CURRENT_DATE, now() - INTERVAL '1' DAY, age(now(), created_at), CURRENT_TIMESTAMP(0), "
    "LOCALTIME FROM customers",
    "SELECT created_at AT TIME ZONE 'UTC', timezone('Europe/Oslo', created_at), make_date(2024, 1, "
    "2), justify_days(INTERVAL '40 days') FROM customers",
    "SELECT generate_series(1, 3), d::date FROM generate_series('2024-01-01'::timestamp, "
    "'2024-01-03', '1 day') AS d",
    "SELECT upper(name) || ' ' || lower(city), concat_ws(',', name, city), left(name, 1), "
    "length(name), trim(both ' ' from name), overlay(name placing 'x' from 1), position('n' in "
    "name) FROM customers",
    "SELECT round(avg(total), 2), ceil(1.2), floor(1.8), abs(-1), mod(7, 3), 7 % 3, 2 ^ 3, |/ 9.0, "
    "width_bucket(5, 0, 10, 5), log(10), power(2, 3) FROM orders",
    "SELECT format('%s has %s', name, id), md5(name), encode('abc'::bytea, 'base64'), chr(65), "
    "repeat('ab', 2) FROM customers",
    "SELECT name COLLATE \"C\" FROM customers ORDER BY name COLLATE \"C\"",
    "SELECT random() < 2, clock_timestamp() IS NOT NULL, pg_typeof(id), "
    "pg_size_pretty(1024::bigint) FROM orders",
    "SELECT '[1,2]'::weight @> between_kg FROM parcels",
    "SELECT r.total FROM json_populate_record(NULL::orders, '{\"total\": 5}') r",
    "SELECT r.id, v.id FROM pg_runs r, public.pg_views v",
    "SELECT 1 OPERATOR(pg_catalog.+) 2, pg_catalog.lower('A')",
    "SELECT ROW(1, 'a'), (id, total) > (1, 5) FROM orders",
    /* arrays, ranges, json, full text, xml */
    "SELECT tags[1], tags[1:2], array_length(tags, 1), 'vip' = ANY (tags), tags @> ARRAY['vip'], "
    "cardinality(tags) FROM customers",
    "SELECT c.name, t FROM customers c, unnest(c.tags) AS t",
    "SELECT c.name, u.tag, u.n FROM customers c CROSS JOIN LATERAL unnest(c.tags) WITH ORDINALITY "
    "AS u(tag, n)",
    "SELECT u.tag, u.ordinality FROM customers c, unnest(c.tags) WITH ORDINALITY u(tag)",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b'])) AS r(n, s)",
    "SELECT during @> DATE '2024-02-01', lower(during), upper(during), during && "
    "daterange('2024-03-01', '2024-05-01') FROM products",
    "SELECT profile->>'age', profile#>>'{likes,0}', profile @> '{\"age\": 45}', profile ? 'age', "
    "jsonb_typeof(profile->'likes') FROM customers",
    "SELECT e.key, e.value FROM customers c, jsonb_each(c.profile) e",
    "SELECT c.id, value FROM customers c, jsonb_array_elements_text(c.profile->'likes')",
    "SELECT x.age FROM customers c, jsonb_to_record(c.profile) AS x(age int)",
    "SELECT jsonb_path_query_first(profile, '$.age'), jsonb_build_object('n', name), profile @? "
    "'$.likes' FROM customers",
    "SELECT json_agg(c), row_to_json(c), to_jsonb(c.name), count(c) FROM customers c GROUP BY c.id",
    "SELECT (q).total, (q.o).id FROM (SELECT o, o.total FROM orders o) q",
    "SELECT (o).total, (o).* FROM orders o",
    "SELECT c.version, (c).version, count(c.name) FROM customers c GROUP BY c.version, c.id",
    "SELECT to_tsvector('english', body) @@ plainto_tsquery('english', 'lamp'), "
    "ts_rank(to_tsvector(body), 'oak'), ts_headline(body, to_tsquery('oak')) FROM products",
    "SELECT to_tsvector('english'::regconfig, body) FROM products",
    "SELECT xpath('/p/w/text()', sheet), xmlelement(name item, xmlattributes(id AS no), name), "
    "xmlforest(id, name AS n) FROM products",
    "SELECT id FROM orders TABLESAMPLE BERNOULLI (50) REPEATABLE (1)",
    "SELECT id FROM ONLY orders TABLESAMPLE SYSTEM (100)",
    "SELECT x.w FROM products p, XMLTABLE('/p' PASSING p.sheet COLUMNS w int PATH 'w' DEFAULT 0, n "
    "FOR ORDINALITY) x",
    "SELECT xmlserialize(content sheet AS text), sheet IS DOCUMENT FROM products",
    "SELECT tableoid, ctid FROM orders",
    "SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, 'y')) AS v(a, b) JOIN orders o ON o.id = v.a",
    "SELECT column2 FROM (VALUES (1, 2)) v",
    "SELECT n FROM generate_series(1, 3) AS n WHERE n > 1 ORDER BY n",
    "SELECT generate_series FROM generate_series(1, 3)",
    "SELECT o.id FROM orders o WHERE o.total > (SELECT avg(x.total) FROM orders x WHERE "
    "x.customer_id = o.customer_id)",
    "SELECT date_trunc('day', o.ordered_at)::date AS day, count(*) FILTER (WHERE o.status = "
    "'paid') * 1.0 / count(*) FROM orders o GROUP BY 1 ORDER BY day",
    "SELECT customer_id AS id, count(*) FROM orders GROUP BY customer_id ORDER BY id",
    "SELECT lower(status) AS status, count(*) FROM orders GROUP BY lower(status) ORDER BY status",
    "SELECT make_interval(days => 3), concat(VARIADIC ARRAY['a', 'b'])",
    "SELECT a.id FROM orders a, LATERAL (SELECT b.id AS bid FROM items b WHERE b.order_id = a.id) "
    "s WHERE s.bid > 0",
    "SELECT 1 AS \"select\", 2 AS \"Mixed Case\" ORDER BY \"Mixed Case\"",
    "/* why */ SELECT /* nested /* comment */ */ id -- the end\nFROM orders",
};
enum { N_HARMLESS = sizeof harmless / sizeof *harmless };
