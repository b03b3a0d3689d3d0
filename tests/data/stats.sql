-- Columns of every family, with values that are equal across types, and what a scan must do without.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE TYPE other_mood AS ENUM ('sad', 'ok', 'glad');
CREATE DOMAIN code AS varchar(8);
CREATE DOMAIN short_code AS code;

CREATE TABLE numbers (
    small smallint, usual integer, large bigint, plain numeric, money_like numeric(12, 2),
    single real, double double precision, reference oid
);
INSERT INTO numbers
SELECT g, g, g, g, g / 4.0, g / 4.0, g / 4.0, g FROM generate_series(1, 200) g;
INSERT INTO numbers VALUES
    (-5, -2147483648, -9223372036854775808, -9223372036854775808, -0.25, '-0', 0, 4294967295),
    (NULL, NULL, 9223372036854775807, 9223372036854775807, NULL, 'NaN', 'NaN', NULL),
    (0, 0, 0, 0.000, 0.00, 'Infinity', 'Infinity', 0),
    (NULL, NULL, NULL, 'NaN', 0.10, 0.1, 0.1, NULL),
    (NULL, NULL, NULL, 0.1, 12.34, 12.34, 12.34, NULL),
    (NULL, NULL, NULL, 12.3400, 1234567890.12, 1e20, 1e20, NULL),
    (NULL, NULL, NULL, 1e20, NULL, 1e-7, 1e-7, NULL),
    (NULL, NULL, NULL, 0.0000001, NULL, NULL, 1234567890.12, NULL),
    (NULL, NULL, NULL, 123456789012345678901234567890.123456789, NULL, NULL, 1e300, NULL),
    (NULL, NULL, NULL, 1e300, NULL, NULL, 123456789012345, NULL),
    (NULL, NULL, NULL, 123456789012345.5, NULL, NULL, 0.30000000000000004, NULL),
    (NULL, NULL, NULL, 0.3, NULL, NULL, 0.3, NULL);

CREATE TABLE texts (
    free text, limited varchar(40), padded char(8), short short_code, label mood, label2 other_mood,
    tagged name
);
INSERT INTO texts
SELECT 'v' || g, 'v' || g % 50, 'v' || g % 70, 'v' || g % 20,
    (enum_range(NULL::mood))[1 + g % 3], (enum_range(NULL::other_mood))[1 + g % 3], 'v' || g % 9
FROM generate_series(1, 120) g;
INSERT INTO texts VALUES ('', '', '', '', NULL, NULL, ''), ('sad', 'Grüße', 'a ', 'a', 'sad', 'sad', 'sad'),
    ('a ', 'a ', 'a', 'a', NULL, NULL, 'a'), ('Grüße', 'glad', 'ok', NULL, 'ok', 'ok', 'glad');

CREATE TABLE moments (
    day date, at timestamp, at_zone timestamptz, clock time, clock_zone timetz, span interval, span2 interval,
    id uuid, flag boolean, address inet, price money
);
INSERT INTO moments
SELECT date '2020-02-27' + g, timestamp '1999-12-31 23:59:58.5' + g * interval '1 second',
    timestamptz '2020-01-01 00:00:00+02' + g * interval '1 hour', time '23:00' + g * interval '10 minutes',
    timetz '10:00+01', make_interval(days => g * 30), make_interval(months => g % 10),
    ('00000000-0000-4000-8000-' || lpad(g::text, 12, '0'))::uuid, g % 2 = 0, ('10.0.0.' || g % 7)::inet, (g % 5)::money
FROM generate_series(1, 40) g;
INSERT INTO moments (day, at, at_zone) VALUES ('infinity', '-infinity', '0044-03-15 12:00:00+00 BC'),
    ('0001-01-01 BC', '0001-02-03 04:05:06.000007', NULL);

CREATE TABLE odd (
    doc json, docb jsonb, raw bytea, xml xml, list integer[], place point, words tsvector, "Quoted ""name""" integer,
    all_null integer, id integer
);
INSERT INTO odd SELECT '{}', '{}', 'x', '<a/>', '{1}', '(1,2)', 'a', g, NULL, g FROM generate_series(1, 10) g;

CREATE TABLE empty (id integer, name text);
CREATE TABLE nothing ();

CREATE TABLE measured (id integer, region text) PARTITION BY RANGE (id);
CREATE TABLE measured_low PARTITION OF measured FOR VALUES FROM (0) TO (50);
CREATE TABLE measured_high PARTITION OF measured FOR VALUES FROM (50) TO (1000);
INSERT INTO measured SELECT g, 'r' || g % 3 FROM generate_series(0, 99) g;

CREATE TABLE forebear (id integer);
CREATE TABLE offspring (extra text) INHERITS (forebear);
INSERT INTO forebear VALUES (1), (2);
INSERT INTO offspring VALUES (3, 'x');

CREATE VIEW seen AS SELECT id FROM measured WHERE id < 10;
CREATE MATERIALIZED VIEW kept AS SELECT id, region FROM measured WHERE id >= 90;

CREATE TABLE pairs_parent (a integer, b text, PRIMARY KEY (a, b));
CREATE TABLE pairs_child (x bigint, y varchar(10), z text);
INSERT INTO pairs_parent SELECT g / 10, 'k' || g % 10 FROM generate_series(0, 199) g;
INSERT INTO pairs_child SELECT g / 10, 'k' || g % 10, 'z' FROM generate_series(0, 99) g;
INSERT INTO pairs_child VALUES (3, 'k99', 'z'), (NULL, 'k1', 'z'), (5, NULL, 'z'), (3, 'k3', 'z');

-- above what is sent whole, and beside it
CREATE TABLE bulky (id integer, body text, copy varchar, fixed char(300000));
INSERT INTO bulky SELECT g, repeat(md5(g::text), 20000 + g), repeat(md5(g::text), CASE g WHEN 2 THEN 5 ELSE 20000 + g END),
    repeat('x', 270000 + g) FROM generate_series(1, 4) g;
INSERT INTO bulky VALUES (5, 'short', 'short', 'short');
ANALYZE;
