-- What a catalog has to cope with, each in its smallest form.
CREATE ROLE reader LOGIN;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION dblink;
CREATE EXTENSION pg_buffercache;   -- brings a view, which is not listed

CREATE TYPE mood AS ENUM ('zufrieden', 'it''s fine', 'böse');
CREATE DOMAIN positive AS integer NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN small_positive AS positive CHECK (VALUE < 100);
CREATE DOMAIN good_mood AS mood CHECK (VALUE <> 'böse');
CREATE DOMAIN price AS numeric(10,2);
CREATE DOMAIN fee AS price NOT NULL;
CREATE DOMAIN tags AS text[];
CREATE TYPE pair AS (a integer, b integer);

CREATE TABLE kinds (
    gone_1     integer,
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gone_2     text,
    title      varchar(40) NOT NULL DEFAULT 'none',
    amount     price CHECK (amount > 0),
    stars      small_positive,
    cost       fee DEFAULT 1,
    feeling    mood,
    best       good_mood,
    feelings   mood[],
    labels     tags,
    double_id  integer GENERATED ALWAYS AS (id * 2) STORED,
    area       box,
    both_      pair,
    doc        jsonb,
    email      citext
);
ALTER TABLE kinds DROP COLUMN gone_1, DROP COLUMN gone_2;
COMMENT ON TABLE kinds IS E'two\nlines, and "quotes"';
COMMENT ON COLUMN kinds.amount IS 'in euros';
INSERT INTO kinds (title, amount, stars, feeling, feelings, area)
SELECT CASE WHEN i % 4 = 0 THEN 'it''s "rare", {here}' WHEN i % 4 = 1 THEN repeat('long ', 8) ELSE 'usual' END,
       1 + i % 3, 5, CASE WHEN i % 2 = 0 THEN 'böse'::mood END, ARRAY['böse']::mood[], '((0,0),(1,1))'
FROM generate_series(1, 200) AS i;

CREATE TABLE nothing ();
CREATE TABLE never_analysed (x integer);
CREATE TABLE "with ""quotes"" and
a break" ("a ""b""" integer, "Ünï çödé" text, "order" integer, "UPPER" integer, plain_1 integer);

CREATE SCHEMA "Sales";
CREATE TABLE "Sales"."Region" (
    "Country" text, "RegionNo" integer, "Name" text,
    PRIMARY KEY ("Country", "RegionNo")
);
CREATE UNIQUE INDEX "Region names" ON "Sales"."Region" ("Name") INCLUDE ("Country");
CREATE UNIQUE INDEX partly ON "Sales"."Region" ("Name") WHERE "RegionNo" > 3;
CREATE UNIQUE INDEX computed ON "Sales"."Region" (lower("Name"));
CREATE TABLE "Sales"."Order Lines" (
    "LineId"   integer PRIMARY KEY,
    "No"       integer,
    "In"       text,
    kind_id    integer REFERENCES kinds,
    parent     integer CONSTRAINT "own parent" REFERENCES "Sales"."Order Lines",
    UNIQUE ("No", "LineId"),
    CONSTRAINT "to region" FOREIGN KEY ("In", "No") REFERENCES "Sales"."Region" ("Country", "RegionNo")
);

-- once, not for each partition; the foreign keys of partitions are clones
CREATE TABLE sensor (id integer PRIMARY KEY);
CREATE TABLE measured (
    at date, sensor integer REFERENCES sensor, value numeric, PRIMARY KEY (sensor, at)
) PARTITION BY RANGE (at);
CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE measured_2 PARTITION OF measured FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')
    PARTITION BY LIST (sensor);
CREATE TABLE measured_2a PARTITION OF measured_2 FOR VALUES IN (1);
INSERT INTO sensor VALUES (1), (2);
INSERT INTO measured SELECT date '2020-01-01' + i, 1, i FROM generate_series(1, 500) AS i;
CREATE TABLE remark (
    sensor integer, at date, FOREIGN KEY (sensor, at) REFERENCES measured (sensor, at)
);

CREATE TABLE ancestor (a integer);
CREATE TABLE heir (b integer) INHERITS (ancestor);
INSERT INTO ancestor VALUES (1);
INSERT INTO heir SELECT 2, 2 FROM generate_series(1, 99);

CREATE VIEW happy AS SELECT id, title FROM kinds;
COMMENT ON COLUMN happy.title IS 'seen';
CREATE MATERIALIZED VIEW counted AS SELECT title, count(*) AS n FROM kinds GROUP BY title;

-- schemas off the path: one that hides behind another's names, one that is referred to, an empty one
CREATE SCHEMA hidden;
CREATE TABLE hidden.kinds (id integer);
CREATE TABLE hidden.base (code text PRIMARY KEY);
CREATE TYPE hidden.color AS ENUM ('red');
CREATE TABLE uses_hidden (code text REFERENCES hidden.base, color hidden.color);
CREATE SCHEMA empty;

-- privileges
CREATE TABLE secret (id integer PRIMARY KEY);
CREATE TABLE half_secret (
    id integer PRIMARY KEY, salary integer UNIQUE CHECK (salary > 0), name text,
    boss integer REFERENCES secret
);
CREATE TABLE points_at_half (half integer REFERENCES half_secret, name text);
CREATE SCHEMA closed;
CREATE TABLE closed.open_table (x integer);
GRANT SELECT ON ALL TABLES IN SCHEMA public, "Sales", closed TO reader;
GRANT USAGE ON SCHEMA "Sales" TO reader;
REVOKE ALL ON secret, half_secret FROM reader;
GRANT SELECT (name) ON half_secret TO reader;

-- functions and operators besides those of pg_catalog
CREATE FUNCTION lower(mood) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE FUNCTION homemade(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION plus(mood, mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR + (LEFTARG = mood, RIGHTARG = mood, FUNCTION = plus);
CREATE OPERATOR ### (LEFTARG = mood, RIGHTARG = mood, FUNCTION = plus);

ANALYZE kinds, "Sales"."Region", "Sales"."Order Lines", measured_1, measured_2a, ancestor, heir, counted;
