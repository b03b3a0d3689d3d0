SELECT country_code, count(*) AS n FROM store GROUP BY country_code HAVING count(*) > 1 ORDER BY n DESC, 1
SELECT date_trunc('month', ordered_at) AS month, sum(total) FROM customer_order GROUP BY month ORDER BY month
SELECT channel, sum(total) FILTER (WHERE is_gift), count(*) FILTER (WHERE status = 'cancelled') FROM customer_order GROUP BY channel
SELECT channel, status, count(*) FROM customer_order GROUP BY GROUPING SETS ((channel), (status), (channel, status), ())
SELECT channel, status, grouping(channel, status), count(*) FROM customer_order GROUP BY ROLLUP (channel, status)
SELECT channel, status, count(*) FROM customer_order GROUP BY CUBE (channel, status)
SELECT channel, status, count(*) FROM customer_order GROUP BY channel, ROLLUP (status), GROUPING SETS ((is_gift), ())
-- since 14
SELECT channel, status, count(*) FROM customer_order GROUP BY DISTINCT ROLLUP (channel, status), ROLLUP (channel)
SELECT count(DISTINCT customer_id), count(*), count(employee_id) FROM customer_order
SELECT array_agg(name ORDER BY name DESC), string_agg(name, ', ' ORDER BY founded_in) FROM brand
SELECT string_agg(DISTINCT city, '; ') FROM store
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY total) FROM customer_order
SELECT mode() WITHIN GROUP (ORDER BY channel) FROM customer_order
SELECT rank(100) WITHIN GROUP (ORDER BY total), dense_rank(100) WITHIN GROUP (ORDER BY total), percent_rank(100) WITHIN GROUP (ORDER BY total), cume_dist(100) WITHIN GROUP (ORDER BY total) FROM customer_order
SELECT bool_and(is_active), bool_or(is_active), every(list_price > 0), bit_and(product_id), bit_or(product_id) FROM product
SELECT corr(grams, list_price), covar_pop(grams, list_price), covar_samp(grams, list_price) FROM product
SELECT regr_slope(list_price, grams), regr_intercept(list_price, grams), regr_r2(list_price, grams), regr_count(list_price, grams) FROM product
SELECT stddev(salary), stddev_pop(salary), stddev_samp(salary), variance(salary), var_pop(salary), var_samp(salary) FROM employee
SELECT min(hired_on), max(hired_on), avg(salary), sum(weekly_hours) FROM employee
SELECT json_agg(name), jsonb_agg(name ORDER BY name), json_object_agg(name, founded_in), jsonb_object_agg(name, founded_in) FROM brand
SELECT json_agg(b), row_to_json(b), to_jsonb(b.name) FROM brand b GROUP BY b.brand_id
SELECT xmlagg(xmlelement(name b, name)) FROM brand
-- since 14
SELECT range_agg(daterange(starts_on, ends_on, '[]')), range_intersect_agg(daterange(starts_on, ends_on, '[]')) FROM promotion
-- since 14
SELECT bit_xor(product_id) FROM product
-- since 16
SELECT any_value(name) FROM brand
SELECT round(avg(rating), 2) AS rating, count(*) FROM review GROUP BY product_id HAVING avg(rating) >= 4 AND count(*) > 5
SELECT extract(year FROM ordered_at) AS year, extract(quarter FROM ordered_at) AS quarter, sum(total) FROM customer_order GROUP BY 1, 2 ORDER BY 1, 2
SELECT lower(city) AS city, count(*) FROM store GROUP BY lower(city) ORDER BY city
SELECT country_code AS c, count(*) FROM store GROUP BY c ORDER BY count(*) DESC
SELECT width_bucket(list_price, 0, 500, 5) AS bucket, count(*) FROM product GROUP BY bucket ORDER BY bucket
SELECT tier, avg(extract(year FROM age(date '2025-12-31', birth_date))) FROM customer WHERE birth_date IS NOT NULL GROUP BY tier ORDER BY tier
SELECT sum(total) / nullif(count(*), 0) FROM customer_order
SELECT store_id, array_agg(DISTINCT shelf) FILTER (WHERE shelf IS NOT NULL) FROM stock GROUP BY store_id
SELECT method, sum(amount) AS paid FROM payment WHERE status = 'settled' GROUP BY method HAVING sum(amount) > (SELECT avg(amount) FROM payment)
SELECT count(*) FROM (SELECT 1 FROM review GROUP BY product_id HAVING count(*) > 3) AS often
SELECT sum(count(*)) OVER (ORDER BY date_trunc('year', ordered_at)) FROM customer_order GROUP BY date_trunc('year', ordered_at)
