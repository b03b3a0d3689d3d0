--@ safe: function spring_immutable is not one of PostgreSQL's own
SELECT spring_immutable('planning')
--@ safe: function spring_number is not one of PostgreSQL's own
SELECT name FROM customers WHERE id = spring_number(1)
--@ safe: function spring_number is not one of PostgreSQL's own
SELECT name FROM customers WHERE false AND spring_number(1) = 1
--@ safe: function spring_number is not one of PostgreSQL's own
SELECT name FROM customers LIMIT spring_number(1)
--@ safe: function spring_number is not one of PostgreSQL's own
SELECT CASE WHEN true THEN 1 ELSE spring_number(1) END
--@ safe: type checked calls public.spring_immutable
SELECT 'x'::checked
--@ safe: type checked calls public.spring_immutable
SELECT CAST(name AS checked) FROM customers
--@ safe: type checked calls public.spring_immutable
SELECT checked 'x'
--@ safe: type checked calls public.spring_immutable
SELECT 'x'::nested
--@ safe: type checked calls public.spring_immutable
SELECT 'x'::public.nested
--@ safe: type checked calls public.spring_immutable
SELECT '{x}'::checked[]
--@ safe: type checked calls public.spring_immutable
SELECT (1, 'x')::pair
--@ safe: type checked calls public.spring_immutable
SELECT '(1,x)'::guarded
--@ safe: type checked calls public.spring_immutable
SELECT jsonb_populate_record(NULL::guarded, '{"note": "x"}')
--@ safe: type checked calls public.spring_immutable
SELECT r.note FROM guarded g, jsonb_populate_record(g, '{"note": "x"}') AS r
--@ safe: type checked calls public.spring_immutable
SELECT * FROM jsonb_to_record('{"a": "x"}') AS t(a checked)
--@ safe: type checked calls public.spring_immutable
SELECT * FROM json_to_recordset('[{"a": "x"}]') AS t(a nested)
--@ safe: type checked calls public.spring_immutable
SELECT * FROM XMLTABLE('/a' PASSING xmlparse(document '<a>x</a>') COLUMNS a checked PATH '.') AS t
--@ safe: function checked is not one of PostgreSQL's own
SELECT checked('x')
--@ safe: type checked calls public.spring_immutable
SELECT (name).checked FROM customers
--@ safe: type city calls public.spring_immutable
SELECT 'Oslo'::city
--@ safe: a cast to int4 may call public.mood_to_int
SELECT feeling::int FROM customers
--@ safe: a cast to int4 may call public.mood_to_int
SELECT 'ok'::mood::int
--@ safe: a cast to int4 may call public.mood_to_int
SELECT int4(feeling) FROM customers
--@ safe: a cast to int4 may call public.mood_to_int
SELECT (c.feeling).int4 FROM customers c
--@ safe: a cast to json may call public.mood_to_json
SELECT to_json(feeling) FROM customers
--@ safe: a cast to json may call public.mood_to_json
SELECT row_to_json(c) FROM customers c
--@ safe: a cast to json may call public.mood_to_json
SELECT json_agg(x) FROM (SELECT * FROM customers) x
--@ safe: a cast to lseg may call public.text_to_lseg
SELECT name::lseg FROM customers
--@ safe: a cast to lseg may call public.text_to_lseg
SELECT lseg(name) FROM customers
--@ safe: a cast to lseg may call public.text_to_lseg
SELECT ('x'::text).lseg
--@ safe: table indexed: planning calls spring_quietly
SELECT name FROM indexed
--@ safe: table indexed: planning calls spring_quietly
SELECT c.name FROM customers c WHERE c.id IN (SELECT id FROM indexed)
--@ safe: type no_such is not known
SELECT 1::no_such
--@ safe: a cast to int4 may call public.mood_to_int
SELECT ROW(o.id, c.feeling, o.total, o.status, o.ordered_at)::orders FROM customers c CROSS JOIN orders o
--@ safe: a cast to int4 may call public.mood_to_int
SELECT feeling::small FROM customers
