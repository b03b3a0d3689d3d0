-- Traps for what a model may write. Whatever of them is run takes advisory lock 666, which outlives the
-- rollback and so betrays it, and tries to write.
--
-- Harmless parts first: what the statements of the other files read.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city text, feeling mood, tags text[], profile jsonb,
    created_at timestamptz);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, total numeric(10, 2), status text,
    ordered_at timestamp);
INSERT INTO customers VALUES
    (1, 'Ann', 'Oslo', 'happy', '{vip}', '{"age": 31}', '2024-01-05 10:00+00'),
    (2, 'Bo', 'Bergen', 'ok', '{}', '{"age": 45}', '2024-02-05 10:00+00');
INSERT INTO orders VALUES (1, 1, 120.50, 'paid', '2024-03-01'), (2, 1, 30, 'open', '2024-03-09'), (3, 2, 55, 'paid', '2024-04-01');
CREATE SEQUENCE counter;
CREATE TABLE tripped (what text);
CREATE VIEW paid_orders AS SELECT o.id, o.total, c.name, lower(c.city) AS city
    FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'paid';

-- What a trap does, under several covers. Volatile and not, as its owner (a superuser) and as the caller.
CREATE FUNCTION spring(what text) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_advisory_lock(666);
    INSERT INTO public.tripped VALUES (what);
    RETURN true;
END $$;
CREATE FUNCTION spring_immutable(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN public.spring(what);
END $$;
CREATE FUNCTION spring_number(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM public.spring('a number');
    RETURN n;
END $$;
CREATE FUNCTION spring_row(c customers) RETURNS int LANGUAGE sql STABLE AS 'SELECT public.spring_number(c.id)';
CREATE FUNCTION spring_table() RETURNS TABLE (id int, name text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM public.spring('a table');
    RETURN QUERY SELECT 1, 'x'::text;
END $$;
CREATE PROCEDURE spring_procedure() LANGUAGE plpgsql AS $$ BEGIN PERFORM public.spring('a procedure'); END $$;
CREATE FUNCTION run_text(query text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE got text;
BEGIN
    PERFORM public.spring('dynamic SQL');
    EXECUTE query INTO got;
    RETURN got;
END $$;
-- Named as columns, fields and system columns are: x.status is status(x) where x has no such column.
CREATE FUNCTION status(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number($1)';
CREATE FUNCTION value(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number($1)';
CREATE FUNCTION description(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number($1)';
CREATE FUNCTION xmin(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number($1)';
CREATE FUNCTION whole(orders) RETURNS int LANGUAGE sql STABLE AS 'SELECT public.spring_number($1.id)';
-- Over PostgreSQL's names, for arguments that fit better than PostgreSQL's own.
CREATE FUNCTION initcap(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number($1)::text';
CREATE FUNCTION replace(text, int, int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number($2)::text';
CREATE FUNCTION abs(mood) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number(1)';
CREATE FUNCTION mood_state(int, mood) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number(1)';
CREATE AGGREGATE sum(mood) (SFUNC = mood_state, STYPE = int, INITCOND = '0');
CREATE FUNCTION same_mood(mood, mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_immutable(''='')';
CREATE FUNCTION text_and_int(text, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_immutable(''<<'')';
CREATE FUNCTION number_and_mood(int, mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_immutable(''~'')';
CREATE OPERATOR = (LEFTARG = mood, RIGHTARG = mood, FUNCTION = same_mood);
CREATE OPERATOR << (LEFTARG = text, RIGHTARG = int, FUNCTION = text_and_int);
CREATE OPERATOR ~ (LEFTARG = int, RIGHTARG = mood, FUNCTION = number_and_mood);
CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
CREATE OPERATOR ## (RIGHTARG = float8, FUNCTION = pg_sleep); -- PostgreSQL's own function behind it
-- Casts.
CREATE FUNCTION mood_to_int(mood) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_number(1)';
CREATE FUNCTION mood_to_json(mood) RETURNS json LANGUAGE sql IMMUTABLE AS 'SELECT to_json(public.spring_number(1))';
CREATE FUNCTION text_to_lseg(text) RETURNS lseg LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM public.spring('a cast');
    RETURN NULL;
END $$;
CREATE CAST (mood AS int) WITH FUNCTION mood_to_int(mood);
CREATE CAST (mood AS json) WITH FUNCTION mood_to_json(mood);
CREATE CAST (text AS lseg) WITH FUNCTION text_to_lseg(text);
-- Domains.
CREATE DOMAIN checked AS text CHECK (spring_immutable(VALUE));
CREATE DOMAIN slow AS int CHECK (pg_sleep(VALUE) IS NOT NULL);
CREATE DOMAIN nested AS checked;
CREATE DOMAIN city AS text CHECK (spring_immutable(VALUE)); -- a column has that name too
CREATE DOMAIN fine AS numeric CHECK (VALUE >= 0);
CREATE TYPE pair AS (a int, b checked);
CREATE TABLE guarded (id int PRIMARY KEY, note checked, n fine);
CREATE TYPE loud AS (a int, b int);
CREATE DOMAIN small AS int;
-- Views.
CREATE VIEW v_function AS SELECT spring('a view') AS s;
CREATE VIEW v_builtin AS SELECT id FROM orders WHERE pg_sleep(0.01) IS NOT NULL;
CREATE VIEW v_deep AS SELECT * FROM (SELECT s FROM v_function) AS inside;
CREATE VIEW v_catalog AS SELECT rolname, rolpassword FROM pg_authid;
CREATE VIEW v_stats AS SELECT query FROM pg_stat_activity;
CREATE VIEW v_setting AS SELECT current_setting('data_directory') AS dir;
CREATE VIEW v_operator AS SELECT id FROM customers WHERE feeling = 'ok'::mood;
CREATE VIEW v_plus AS SELECT id ### 1 AS n FROM orders;
CREATE VIEW v_cast AS SELECT feeling::int AS n FROM customers;
CREATE VIEW v_domain AS SELECT name::checked AS n FROM customers;
CREATE VIEW v_locks AS SELECT id FROM orders FOR UPDATE;
CREATE VIEW v_file AS SELECT pg_read_file('PG_VERSION') AS t;
CREATE VIEW v_xml AS SELECT query_to_xml('SELECT 1', true, true, '') AS x;
CREATE VIEW v_lateral AS SELECT o.id FROM orders o, LATERAL (SELECT spring_number(o.id)) AS s(n);
CREATE MATERIALIZED VIEW m_stored AS SELECT id, lower(status) AS status FROM orders;
CREATE SCHEMA hidden;
CREATE FUNCTION hidden.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT public.spring_immutable($1)::text';
CREATE FUNCTION hidden.leak() RETURNS int LANGUAGE sql STABLE AS 'SELECT public.spring_number(1)';
CREATE VIEW hidden.v AS SELECT hidden.leak() AS n;
CREATE VIEW v_hidden AS SELECT n FROM hidden.v;
CREATE VIEW v_shadow AS SELECT hidden.lower(name) AS n FROM customers;
-- A table whose policy, index and check run more than they say.
CREATE TABLE tenants (id int PRIMARY KEY, name text);
INSERT INTO tenants VALUES (1, 'a');
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON tenants USING (spring_number(id) > 0);
CREATE TABLE indexed (id int, name text);
INSERT INTO indexed VALUES (1, 'a');
CREATE TABLE own_tenant (id int PRIMARY KEY, who text);
INSERT INTO own_tenant VALUES (1, 'a');
ALTER TABLE own_tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON own_tenant USING (who = current_user OR who = current_setting('shop.tenant', true) OR id > 0);
-- An index on a constant call: planning a query on the table calls it.
INSERT INTO tripped SELECT 'an index' WHERE false;
CREATE FUNCTION spring_quietly(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_setting('shop.building', true) = 'yes' THEN RETURN n; END IF;
    PERFORM public.spring('an index');
    RETURN n;
END $$;
SET shop.building = 'yes';
CREATE INDEX indexed_trap ON indexed ((spring_quietly(1)));
CREATE TABLE plainly_indexed (id int, name text);
CREATE INDEX plainly_indexed_n ON plainly_indexed ((spring_quietly(id)));
RESET shop.building;
-- Outside the database.
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far_orders (id int, total numeric) SERVER elsewhere;
CREATE TABLE measured (id int, day date) PARTITION BY RANGE (day);
CREATE FOREIGN TABLE measured_far PARTITION OF measured FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') SERVER elsewhere;
CREATE VIEW v_far AS SELECT id FROM far_orders;
-- A large object, and a login with few rights.
SELECT lo_from_bytea(4242, 'secret');
DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA public, hidden TO plain;
GRANT SELECT ON ALL TABLES IN SCHEMA public, hidden TO plain;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public, hidden TO plain;
ANALYZE customers, orders;
