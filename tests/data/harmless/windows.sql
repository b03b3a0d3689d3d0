SELECT full_name, rank() OVER (PARTITION BY store_id ORDER BY salary DESC) FROM employee
SELECT full_name, dense_rank() OVER (ORDER BY salary), percent_rank() OVER (ORDER BY salary), cume_dist() OVER (ORDER BY salary) FROM employee
SELECT full_name, row_number() OVER () FROM employee
SELECT order_id, lag(total) OVER w, lead(total::numeric, 2, 0::numeric) OVER w FROM customer_order WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at)
SELECT order_id, first_value(total) OVER w, last_value(total) OVER w, nth_value(total, 2) OVER w FROM customer_order WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
SELECT name, ntile(4) OVER (ORDER BY list_price) FROM product
SELECT month, sum(revenue) OVER (ORDER BY month ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM monthly_revenue
SELECT order_id, count(*) OVER (ORDER BY ordered_at RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM customer_order
SELECT order_id, sum(total) OVER (ORDER BY ordered_at::date GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) FROM customer_order
SELECT order_id, sum(total) OVER (ORDER BY order_id ROWS 3 PRECEDING EXCLUDE CURRENT ROW) FROM customer_order
SELECT order_id, avg(total) OVER (w ROWS UNBOUNDED PRECEDING) FROM customer_order WINDOW w AS (ORDER BY order_id)
SELECT order_id, sum(total) FILTER (WHERE is_gift) OVER (PARTITION BY channel) FROM customer_order
SELECT * FROM (SELECT p.*, row_number() OVER (PARTITION BY category_id ORDER BY list_price DESC) AS rn FROM product p) t WHERE rn <= 2 ORDER BY category_id, rn
SELECT month, revenue, revenue - lag(revenue) OVER (PARTITION BY channel ORDER BY month) AS change FROM monthly_revenue
SELECT channel, 100.0 * sum(total) / sum(sum(total)) OVER () AS share FROM customer_order GROUP BY channel
SELECT name, list_price - avg(list_price) OVER (PARTITION BY category_id) FROM product
SELECT string_agg(name, ',') OVER (PARTITION BY country_code ORDER BY opened_on) FROM store
SELECT array_agg(rating) OVER (PARTITION BY product_id ORDER BY reviewed_on) FROM review
SELECT full_name, salary, salary = max(salary) OVER (PARTITION BY store_id) AS best FROM employee
SELECT order_id, sum(total) OVER (ORDER BY total RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING) FROM customer_order
SELECT rank() OVER w, dense_rank() OVER w FROM brand WINDOW w AS (ORDER BY founded_in DESC NULLS LAST)
SELECT min(ordered_at) OVER v FROM customer_order WINDOW w AS (PARTITION BY customer_id), v AS (w ORDER BY ordered_at)
SELECT DISTINCT first_value(name) OVER (PARTITION BY country_code ORDER BY opened_on) FROM store
SELECT count(*) OVER () AS of, name FROM brand LIMIT 3
SELECT day::date, count(o.order_id) OVER (ORDER BY day) FROM generate_series(timestamp '2025-01-01', '2025-01-31', '1 day') AS day LEFT JOIN customer_order o ON o.ordered_at::date = day::date
