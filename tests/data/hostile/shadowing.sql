--@ safe: function initcap may call public.initcap
SELECT initcap(5)
--@ safe: function initcap may call public.initcap
SELECT initcap(id) FROM customers
--@ safe: function replace may call public.replace
SELECT replace(name, 1, 2) FROM customers
--@ safe: function abs may call public.abs
SELECT abs(feeling) FROM customers
--@ safe: function abs may call public.abs
SELECT abs('ok'::mood)
--@ safe: function sum may call public.sum
SELECT sum(feeling) FROM customers
--@ safe: function sum may call public.sum
SELECT sum(x.f) FROM (SELECT feeling AS f FROM customers) x
--@ safe: function sum may call public.sum
SELECT sum(x.feeling) FROM (SELECT * FROM customers) x
--@ safe: function abs may call public.abs
SELECT abs(unnest(enum_range(NULL::mood)))
--@ safe: function abs may call public.abs
SELECT abs((c).feeling) FROM customers c
--@ safe: function abs may call public.abs
SELECT abs((jsonb_populate_record(NULL::customers, '{"feeling": "ok"}')).feeling)
--@ safe: operator = may call public.same_mood
SELECT name FROM customers WHERE feeling = 'ok'
--@ safe: operator = may call public.same_mood
SELECT a.name FROM customers a JOIN customers b USING (feeling)
--@ safe: operator = may call public.same_mood
SELECT a.name FROM customers a NATURAL JOIN customers b
--@ safe: operator = may call public.same_mood
SELECT name FROM customers WHERE feeling IN (SELECT feeling FROM customers)
--@ safe: operator = may call public.same_mood
SELECT CASE feeling WHEN 'ok' THEN 1 END FROM customers
--@ safe: operator = may call public.same_mood
SELECT name FROM customers WHERE feeling = ANY (SELECT feeling FROM customers)
--@ safe: operator = may call public.same_mood
SELECT nullif(feeling, 'ok') FROM customers
--@ safe: operator = may call public.same_mood
SELECT name FROM customers WHERE feeling IS DISTINCT FROM 'ok'
--@ safe: operator << may call public.text_and_int
SELECT name << 1 FROM customers
--@ safe: operator ~ may call public.number_and_mood
SELECT 5 ~ 'ok'
--@ safe: operator ### is not one of PostgreSQL's own
SELECT 1 ### 2
--@ safe: operator ### of another schema
SELECT 1 OPERATOR(public.###) 2
--@ safe: operator = of another schema
SELECT name FROM customers WHERE feeling OPERATOR(public.=) 'ok'
--@ safe: operator < of another schema
SELECT name FROM customers ORDER BY name USING OPERATOR(hidden.<)
--@ safe: operator ## may call pg_catalog.pg_sleep
SELECT OPERATOR(pg_catalog.##) 1.0
--@ safe: function public.initcap is not allowed
SELECT public.initcap('a')
--@ safe: function hidden.lower is not allowed
SELECT hidden.lower('a')
--@ safe: function hidden.lower is not allowed
SELECT "hidden".lower(name) FROM customers
--@ safe: TABLESAMPLE evil
SELECT * FROM customers TABLESAMPLE evil (5)
--@ safe: TABLESAMPLE system
SELECT * FROM customers TABLESAMPLE hidden.system (5)
--@ safe: "status" is no column here
SELECT g.status FROM generate_series(1, 2) g
--@ safe: "value" is no column here
SELECT g.value FROM generate_series(1, 2) g
--@ safe: "description" is no column here
SELECT (g).description FROM generate_series(1, 2) g
--@ safe: "xmin" is no column here
SELECT g.xmin FROM generate_series(1, 2) g
--@ safe: "status" is no column here
SELECT (1).status
--@ safe: "whole" is no column here
SELECT orders.whole FROM orders
--@ safe: "whole" is no column here
SELECT (o).whole FROM orders o
--@ safe: "spring_row" is no column here
SELECT c.spring_row FROM customers c
--@ safe: type city calls public.spring_immutable
SELECT (name).city FROM customers
--@ safe: type city calls public.spring_immutable
SELECT g.city FROM generate_series(1, 2) g
