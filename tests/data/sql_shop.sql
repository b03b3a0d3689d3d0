-- What the tests of engine/sql look names up in: two schemas, types of every kind, and functions
-- and operators that are not PostgreSQL's own.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN price AS numeric(10, 2) CHECK (VALUE >= 0);
CREATE TABLE customers (
    id int PRIMARY KEY, name text NOT NULL, city text, email text, feeling mood,
    created_at timestamptz, tags text[], profile jsonb, version int);
CREATE TABLE orders (
    id int PRIMARY KEY, customer_id int REFERENCES customers, ordered_at timestamp,
    total numeric(10, 2), status text);
CREATE TABLE products (
    id int PRIMARY KEY, name text, category text, price price, parent_id int, body text,
    during daterange, sheet xml);
CREATE TABLE items (
    id int PRIMARY KEY, order_id int REFERENCES orders, product_id int REFERENCES products,
    quantity int, price price);
CREATE SCHEMA "Sales";
CREATE TABLE "Sales"."Order Lines" ("Id" int PRIMARY KEY, "Qty" int, "Unit Price" numeric);
CREATE TABLE "Sales".orders (id int, amount numeric, region text);
CREATE TYPE weight AS RANGE (SUBTYPE = float8);
CREATE TABLE parcels (id int PRIMARY KEY, between_kg weight);
-- Names as the system has them, one of them its own: public.pg_views is behind pg_catalog's.
CREATE TABLE pg_runs (id int);
CREATE TABLE public.pg_views (id int);
CREATE VIEW big_orders AS SELECT id, customer_id, total FROM orders WHERE total > 100;

CREATE FUNCTION leak(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1';
CREATE FUNCTION good_rank(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
-- An overload of one of PostgreSQL's names that is not PostgreSQL's.
CREATE FUNCTION initcap(int) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1::text';
-- What extensions do: overloads of PostgreSQL's names for a type of their own.
CREATE FUNCTION max(mood, mood) RETURNS mood LANGUAGE sql IMMUTABLE AS 'SELECT greatest($1, $2)';
CREATE FUNCTION mood_is(mood, text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2';
CREATE OPERATOR = (LEFTARG = mood, RIGHTARG = text, FUNCTION = mood_is);
CREATE OPERATOR @!@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);

INSERT INTO customers VALUES
    (1, 'Ann', 'Oslo', 'ann@example.org', 'happy', '2024-01-05 10:00+00', '{vip,new}', '{"age": 31, "likes": ["tea", "go"]}', 1),
    (2, 'Bo', 'Bergen', NULL, 'ok', '2024-02-05 10:00+00', '{}', '{"age": 45}', 2);
INSERT INTO orders VALUES (1, 1, '2024-03-01 12:00', 120.50, 'paid'), (2, 1, '2024-03-09 12:00', 30, 'open'), (3, 2, '2024-04-01 12:00', 55, 'paid');
INSERT INTO products VALUES
    (1, 'Desk', 'furniture', 100, NULL, 'a solid oak desk', '[2024-01-01,2024-06-01)', '<p><w>3</w></p>'),
    (2, 'Lamp', 'light', 20.5, 1, 'a bright lamp', '[2024-03-01,2024-04-01)', NULL);
INSERT INTO items VALUES (1, 1, 1, 1, 100), (2, 1, 2, 1, 20.5), (3, 2, 2, 2, 15), (4, 3, 2, 1, 20.5);
INSERT INTO "Sales"."Order Lines" VALUES (1, 2, 9.5);
INSERT INTO "Sales".orders VALUES (1, 10, 'north');
ANALYZE;
