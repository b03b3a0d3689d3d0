SELECT tags[1], tags[1:2], tags[:2], tags[2:], array_length(tags, 1), cardinality(tags), array_ndims(tags), array_dims(tags) FROM product
SELECT name FROM product WHERE 'waterproof' = ANY (tags) OR tags @> ARRAY['light'] OR tags && '{warm,down}' OR tags <@ ARRAY['x']
SELECT array_append(tags, 'new'), array_prepend('new', tags), array_cat(tags, tags), tags || 'x'::text, tags || tags, array_remove(tags, 'light'), array_replace(tags, 'a', 'b') FROM product
SELECT array_position(tags, 'light'), array_positions(tags, 'light'), array_upper(tags, 1), array_lower(tags, 1), array_to_string(tags, '; ', '?') FROM product
SELECT ARRAY[1, 2, 3], (ARRAY[[1, 2], [3, 4]])[2][1], '{1,2}'::int[], ARRAY[]::text[], (ARRAY['a', 'b'])[2], array_fill(0, ARRAY[3])
SELECT tag, count(*) FROM product, unnest(tags) AS tag GROUP BY tag ORDER BY 2 DESC
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) AS u(n, s)
SELECT ARRAY(SELECT DISTINCT unnest(tags) FROM product ORDER BY 1)
SELECT i, tags[i] FROM product, generate_subscripts(tags, 1) AS i LIMIT 5
SELECT 1 = ALL (ARRAY[1, 1]), 2 <> ALL ('{1}'::int[]), 3 > ANY (ARRAY[1, 2]), ARRAY[1, 2] < ARRAY[1, 3], ARRAY[1] = ARRAY[1]
SELECT int4range(1, 10), int4range(1, 10, '[]'), '[1,5)'::int4range, numrange(1.0, 2.5), daterange('2024-01-01', '2024-12-31'), tsrange(now()::timestamp, NULL), int8range(NULL, 5), 'empty'::int4range
SELECT title FROM promotion WHERE daterange(starts_on, ends_on, '[]') @> date '2024-06-01'
SELECT a.title, b.title FROM promotion a JOIN promotion b ON a.promotion_id < b.promotion_id AND daterange(a.starts_on, a.ends_on, '[]') && daterange(b.starts_on, b.ends_on, '[]')
SELECT lower(r), upper(r), isempty(r), lower_inc(r), upper_inf(r), r * int4range(5, 20), r + int4range(9, 12), r - int4range(1, 3) FROM (SELECT int4range(1, 10) AS r) x
SELECT int4range(1, 5) -|- int4range(5, 9), int4range(1, 5) << int4range(7, 9), int4range(1, 5) &< int4range(3, 9), range_merge(int4range(1, 2), int4range(5, 6)), 3 <@ int4range(1, 5)
-- since 14
SELECT '{[1,3),[5,8)}'::int4multirange, int4multirange(int4range(1, 3), int4range(5, 8)), int4multirange(int4range(1, 5)) @> 3, range_merge('{[1,3),[5,8)}'::int4multirange)
-- since 14
SELECT unnest(datemultirange(daterange('2024-01-01', '2024-02-01'))), multirange(int4range(1, 3))
SELECT ROW(1, 'a'), ROW(1, 2) < ROW(1, 3), (1, 2) IS DISTINCT FROM (1, 3)
SELECT enum_range(NULL::order_status), enum_first(NULL::order_status), enum_last(NULL::order_status), 'shipped'::order_status > 'pending'
SELECT tier, tier >= 'gold' FROM customer
SELECT count(*) FROM customer WHERE tier = ANY ('{gold,platinum}')
SELECT 5::euros, 'a@b.org'::email_address, NULL::euros
SELECT array_agg(ROW(brand_id, name)) FROM brand
SELECT array_agg(tags[1:1]) FROM product WHERE cardinality(tags) > 0
SELECT max(tags), min(tags) FROM product
