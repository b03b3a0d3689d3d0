-- One query a line, over the demo database. "-- since 14" stands above what an older server does not know.
SELECT 1
VALUES (1, 'a'), (2, 'b') ORDER BY column1 DESC
TABLE brand
TABLE country ORDER BY name LIMIT 3 OFFSET 2
SELECT * FROM store
SELECT s.* FROM store AS s
SELECT public.store.name FROM public.store
SELECT "name" AS "Store name", "floor_area" "Area in m²" FROM "store"
SELECT DISTINCT city FROM store ORDER BY city NULLS FIRST
SELECT DISTINCT ON (country_code) country_code, name, opened_on FROM store ORDER BY country_code, opened_on DESC
SELECT ALL name FROM brand
SELECT name FROM product ORDER BY list_price DESC NULLS LAST, name ASC LIMIT 5
SELECT name FROM product ORDER BY 1 LIMIT ALL
SELECT name, list_price FROM product ORDER BY list_price USING >
SELECT name FROM product ORDER BY list_price FETCH FIRST ROW ONLY
SELECT name FROM product ORDER BY list_price FETCH FIRST 3 ROWS WITH TIES
SELECT name FROM product OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY
SELECT name FROM product LIMIT (SELECT count(*) FROM brand) OFFSET 1 + 1
SELECT 'it''s', E'a\tb', $$dollar$$, $q$it's$q$, U&'\0041', B'101', X'1F', 1.5e3, -7, NULL, TRUE
SELECT /* why */ name /* nested /* comment */ */ FROM brand -- the end
SELECT name FROM store WHERE has_repair_shop AND NOT has_climbing_wall OR floor_area > 800
SELECT name FROM store WHERE has_repair_shop IS TRUE AND has_climbing_wall IS NOT UNKNOWN
SELECT name FROM employee, store WHERE employee.store_id = store.store_id AND left_on IS NULL
SELECT name FROM product WHERE warranty_years IS DISTINCT FROM 2
SELECT name FROM product WHERE grams BETWEEN 100 AND 500 AND list_price NOT BETWEEN SYMMETRIC 50 AND 20
SELECT name FROM product WHERE brand_id IN (1, 2, 3) AND category_id NOT IN (7)
SELECT name FROM product WHERE (brand_id, category_id) IN ((1, 2), (3, 4))
SELECT name FROM product WHERE (list_price, name) > (100, 'M')
SELECT name FROM product WHERE ROW(brand_id, category_id) = ROW(1, 2)
SELECT name FROM brand WHERE name LIKE 'A%' OR name ILIKE '%b%' OR name NOT LIKE '%\_%' ESCAPE '\'
SELECT name FROM brand WHERE name SIMILAR TO '(A|B)%' OR name NOT SIMILAR TO '%(x|y)%'
SELECT name FROM brand WHERE name LIKE ANY (ARRAY['A%', 'B%'])
SELECT name FROM brand WHERE website IS NULL
SELECT CASE WHEN list_price > 100 THEN 'dear' WHEN list_price > 50 THEN 'fair' ELSE 'cheap' END FROM product
SELECT CASE tier WHEN 'gold' THEN 1 WHEN 'silver' THEN 2 END FROM customer
SELECT COALESCE(phone, 'none'), NULLIF(job_title, 'Clerk'), GREATEST(salary, 2000), LEAST(weekly_hours, 30) FROM employee
SELECT CAST(list_price AS int), list_price::text, '5'::integer, product_id::numeric(7,2), int '7', float8 '1.5' FROM product
SELECT list_price * 1.2 - 3 / 2 + 7 % 3, 2 ^ 10, |/ 9.0, ||/ 27.0, @ -5, 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 256 >> 2 FROM product
SELECT 1 OPERATOR(pg_catalog.+) 2, pg_catalog.lower('A'), pg_catalog.count(*) FROM brand
SELECT name COLLATE "C" FROM brand ORDER BY name COLLATE "C"
SELECT count(*) FROM ONLY brand
SELECT b.name FROM brand b WHERE b.country_code = (SELECT country_code FROM country WHERE name = 'Norway')
SELECT name, tableoid::regclass FROM brand
SELECT ctid, xmin FROM brand
SELECT brand FROM brand
SELECT (brand).name, (brand.*) FROM brand
SELECT b.* IS NULL FROM brand b
SELECT 1 AS a, 2 AS a
SELECT name FROM product TABLESAMPLE BERNOULLI (50) REPEATABLE (1)
SELECT name FROM product TABLESAMPLE SYSTEM (100)
SELECT 1 WHERE EXISTS (SELECT FROM brand)
SELECT FROM brand
SELECT random() < 2, clock_timestamp() IS NOT NULL, pg_typeof(name), gen_random_uuid() IS NOT NULL FROM brand
SELECT 1 = 1, 1 <> 2, 1 != 2, 1 < 2, 1 >= 0, NOT true
SELECT +1, - 5, -(-3), 1 - -1
SELECT null::int, NULL IS NULL, NULL ISNULL, 1 NOTNULL
