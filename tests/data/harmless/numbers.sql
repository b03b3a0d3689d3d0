SELECT round(list_price), round(list_price, 1), ceil(list_price), floor(list_price), trunc(list_price, 1), abs(-list_price), sign(list_price) FROM product
SELECT mod(7, 3), div(7, 2), power(2, 10), sqrt(2), cbrt(27), exp(1), ln(10), log(100), log(2, 8), factorial(5), gcd(12, 18), lcm(4, 6)
SELECT pi(), degrees(pi()), radians(180), sin(1), cos(1), tan(1), asin(0.5), acos(0.5), atan(1), atan2(1, 2), cot(1), sinh(1), cosh(1), tanh(1), sind(30)
SELECT random() * 10 < 100, floor(random() * 6)::int BETWEEN 0 AND 5
SELECT width_bucket(5.35, 0.024, 10.06, 5), width_bucket(5, ARRAY[1, 3, 7]), scale(1.50), min_scale(1.50), trim_scale(1.50)
SELECT 7 / 2, 7.0 / 2, 7 % 4, -7 / 2, 2 ^ 0.5, 5 / 3::numeric, 1e10, .5, 5., 0.1 + 0.2
SELECT 'NaN'::float8, 'Infinity'::float8, '-Infinity'::float8 IS NULL WHERE false
SELECT 1::smallint, 2::int2, 3::int4, 4::int8, 5::bigint, 6::real, 7::double precision, 8::decimal(5,1), 9::dec, 10::float(10)
SELECT 12.34::money, '$5.00'::money * 2, 5::money::numeric
SELECT B'1010' & B'0110', B'10' || B'01', bit_length(B'101'), get_bit(B'101', 0), 5::bit(8), B'101'::int
-- since 14
SELECT bit_count(B'101'), trim_array(ARRAY[1, 2, 3], 1)
SELECT greatest(1, 2, NULL), least(1, NULL), num_nulls(1, NULL), num_nonnulls(1, NULL)
SELECT generate_series(1, 10, 3), generate_series(1.5, 3, 0.5)
SELECT n, n * n FROM generate_series(-2, 2) AS n WHERE n <> 0 ORDER BY n DESC
SELECT generate_series FROM generate_series(1, 3)
SELECT to_hex(255), x'ff'::int, pg_size_pretty(123456789::bigint), pg_column_size(name) FROM brand
SELECT sum(quantity * unit_price * (100 - discount_percent) / 100.0) FROM order_item
SELECT round((100.0 * count(*) FILTER (WHERE status = 'cancelled') / count(*))::numeric, 1) FROM customer_order
SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM response_time)) FROM support_ticket
SELECT point(1, 2) <-> point(4, 6), box '((0,0),(1,1))' @> point '(0.5,0.5)', circle '((0,0),2)', area(circle '((0,0),2)'), lseg '((0,0),(1,1))' ?# lseg '((0,1),(1,0))', path '((0,0),(1,1))', polygon '((0,0),(1,1),(1,0))', line '{1,2,3}'
SELECT inet '192.168.1.5/24', host(inet '192.168.1.5'), network(inet '192.168.1.5/24'), inet '192.168.1.5' << inet '192.168.1.0/24', masklen(inet '10.0.0.0/8'), family(inet '::1'), cidr '10.0.0.0/8', macaddr '08:00:2b:01:02:03', abbrev(cidr '10.1.0.0/16')
SELECT '\xdeadbeef'::bytea, length('\xdead'::bytea), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid
SELECT true AND NULL, true OR NULL, NOT NULL, 'yes'::boolean, 1::boolean, 't'::bool
