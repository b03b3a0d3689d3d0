SELECT CURRENT_DATE, CURRENT_TIME, CURRENT_TIMESTAMP, LOCALTIME, LOCALTIMESTAMP, CURRENT_TIMESTAMP(0)
SELECT now(), statement_timestamp(), transaction_timestamp(), clock_timestamp() >= now(), timeofday() IS NOT NULL
SELECT extract(year FROM ordered_at), extract(month FROM ordered_at), extract(dow FROM ordered_at), extract(isodow FROM ordered_at), extract(week FROM ordered_at), extract(epoch FROM ordered_at), extract(hour FROM ordered_at) FROM customer_order LIMIT 5
SELECT date_part('year', ordered_at), date_trunc('week', ordered_at), date_trunc('quarter', ordered_at)::date FROM customer_order LIMIT 5
-- since 14
SELECT date_bin('15 minutes', ordered_at, timestamp '2001-01-01') FROM customer_order LIMIT 5
SELECT ordered_at + interval '1 day', ordered_at - interval '2 hours 30 minutes', ordered_at + '1 week'::interval, ordered_at::date + 1, ordered_at::date - date '2020-01-01' FROM customer_order LIMIT 5
SELECT age(left_on, hired_on), age(hired_on), left_on - hired_on AS days FROM employee WHERE left_on IS NOT NULL
SELECT ordered_at AT TIME ZONE 'Europe/Oslo', (ordered_at AT TIME ZONE 'UTC') AT TIME ZONE 'America/New_York', timezone('Asia/Tokyo', ordered_at) FROM customer_order LIMIT 5
SELECT timestamptz '2024-03-31 01:30+00' AT TIME ZONE 'Europe/Berlin', timestamp with time zone '2024-01-01 00:00:00 Europe/Paris', time with time zone '12:00+02'
SELECT ordered_at::timestamptz, timestamptz '2024-01-01' AT TIME ZONE INTERVAL '-02:00' FROM customer_order LIMIT 2
SELECT to_date('05 Dec 2000', 'DD Mon YYYY'), to_timestamp('2024-01-02 03:04', 'YYYY-MM-DD HH24:MI'), to_timestamp(0), to_char(now(), 'IYYY-IW')
SELECT make_date(2024, 2, 29), make_time(8, 15, 23.5), make_timestamp(2024, 7, 1, 8, 0, 0), make_timestamptz(2024, 7, 1, 8, 0, 0, 'UTC'), make_interval(years => 1, days => 10)
SELECT interval '1 year 2 months', interval '1-2', interval 'P1Y2M', INTERVAL '3' DAY, INTERVAL '1:30' HOUR TO MINUTE, interval(2) '1.234 s', interval '1 day' * 2, interval '1 hour' / 4, - interval '1 day'
SELECT justify_days(interval '40 days'), justify_hours(interval '30 hours'), justify_interval(interval '1 mon -1 hour'), isfinite(date '2024-01-01')
SELECT (date '2024-01-01', date '2024-06-30') OVERLAPS (date '2024-06-01', interval '100 days')
SELECT avg(shipped_at - ordered_at), max(delivered_on - ordered_at::date) FROM customer_order WHERE delivered_on IS NOT NULL
SELECT count(*) FROM customer_order WHERE ordered_at >= date '2025-01-01' AND ordered_at < date '2025-01-01' + interval '1 year'
SELECT count(*) FROM customer_order WHERE ordered_at::time BETWEEN time '08:00' AND time '12:00'
SELECT closes_at - opens_at, extract(hour FROM opens_at), opens_at + interval '30 minutes' FROM store
SELECT d::date AS day, extract(doy FROM d) FROM generate_series('2024-01-01'::timestamp, '2024-01-07', '1 day') AS d
SELECT count(*) FROM generate_series(timestamptz '2024-01-01', '2024-02-01', '1 day') AS d
SELECT to_char(ordered_at, 'YYYY-MM') AS month, count(*) FROM customer_order GROUP BY 1 ORDER BY 1
SELECT 'infinity'::timestamp, '-infinity'::date, 'epoch'::timestamptz, 'today'::date IS NOT NULL, 'yesterday'::date < 'now'::timestamp
SELECT full_name FROM customer WHERE extract(month FROM birth_date) = 12 AND extract(day FROM birth_date) = 24
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY response_time) FROM support_ticket
SELECT sum(response_time), avg(response_time), min(response_time) FROM support_ticket
