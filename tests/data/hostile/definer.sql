--@ safe: function spring is not one of PostgreSQL's own
SELECT spring('a call')
--@ safe: function public.spring is not allowed
SELECT public.spring('a call')
--@ safe: function spring is not one of PostgreSQL's own
SELECT name FROM customers WHERE spring(name)
--@ safe: function spring_table is not one of PostgreSQL's own
SELECT * FROM spring_table()
--@ safe: function spring_table is not one of PostgreSQL's own
SELECT c.name FROM customers c, LATERAL spring_table() AS t
--@ safe: function spring_table is not one of PostgreSQL's own
SELECT * FROM ROWS FROM (spring_table()) WITH ORDINALITY AS t
--@ safe: function spring_row is not one of PostgreSQL's own
SELECT spring_row(c) FROM customers c
--@ safe: view v_function: it calls public.spring
SELECT s FROM v_function
--@ safe: view v_deep: view v_function: it calls public.spring
SELECT s FROM v_deep
--@ safe: view v_function: it calls public.spring
SELECT 1 FROM customers WHERE EXISTS (SELECT FROM v_function)
--@ safe: view v_function: it calls public.spring
WITH a AS (SELECT * FROM public.v_function) SELECT count(*) FROM a
--@ safe: view v_operator: it calls public.same_mood
SELECT id FROM v_operator
--@ safe: view v_cast: it calls public.mood_to_int
SELECT n FROM v_cast
--@ safe: view v_domain: type checked calls public.spring_immutable
SELECT n FROM v_domain
--@ safe: view v_lateral: it calls public.spring_number
SELECT id FROM v_lateral
--@ safe: view v_hidden: view v: it calls hidden.leak
SELECT n FROM v_hidden
--@ safe: view v: it calls hidden.leak
SELECT n FROM hidden.v
--@ safe: view v_shadow: it calls hidden.lower
SELECT n FROM v_shadow
--@ safe: table tenants: its row-level security calls public.spring_number
SELECT name FROM tenants
--@ safe: table tenants: its row-level security calls public.spring_number
SELECT c.name FROM customers c LEFT JOIN tenants t ON t.id = c.id
--@ safe: function hidden.leak is not allowed
SELECT hidden.leak()
