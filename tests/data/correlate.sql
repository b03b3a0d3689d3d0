-- What correlations meet beside ordinary tables: odd types, values that are no numbers, columns with
-- nothing in them, and tables of which only a sample is read.
CREATE TYPE size AS ENUM ('S', 'M', 'L');

CREATE TABLE odd (
  id         bigint PRIMARY KEY,
  "Of Day"   date,
  at         timestamptz,
  span       interval,
  clock      time,
  price      money,
  ratio      double precision,
  flag       boolean,
  size       size,
  address    inet,
  token      uuid,
  label      varchar(300),
  essay      text,
  tags       text[],
  extra      jsonb,
  same       integer,
  nothing    integer
);
INSERT INTO odd
  SELECT 9007199254740992 + i, date '2024-01-01' + i, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour',
         i * interval '1 minute', time '00:00' + i * interval '1 second', (i * 1.25)::numeric::money,
         CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' ELSE sqrt(i) END, i % 3 = 0,
         (enum_range(NULL::size))[1 + i % 3], ('10.0.0.' || i % 4)::inet,
         md5((i % 5)::text)::uuid, 'label ' || i % 7, repeat('x', 150 + i), '{}', '{}', 7, NULL
    FROM generate_series(1, 120) AS i;
UPDATE odd SET "Of Day" = 'infinity' WHERE id = 9007199254740992 + 60;

-- y follows x with noise, city lies in one country but for every 100th row.
CREATE TABLE large AS
  SELECT i AS id, i % 1000 AS x, i % 1000 + (i * 7919) % 1009 AS y, 'city ' || i % 50 AS city,
         'country ' || CASE WHEN i % 100 = 0 THEN 99 ELSE i % 50 / 5 END AS country
    FROM generate_series(1, 60000) AS i;

CREATE TABLE shrunk AS SELECT i AS a, i * 2 AS b FROM generate_series(1, 20000) AS i;
ALTER TABLE shrunk SET (autovacuum_enabled = off);

CREATE TABLE wide AS SELECT i AS id, repeat(md5(i::text), 6) AS a, repeat(md5(i::text), 6) AS b FROM generate_series(1, 9000) AS i;
CREATE TABLE vacant (a integer, b text);
CREATE TABLE unreadable (tags text[], extra jsonb);

CREATE VIEW large_view AS SELECT x, y, city FROM large;
CREATE VIEW slow AS SELECT i, pg_sleep(0.01)::text AS s FROM generate_series(1, 1000) AS i;

DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT SELECT (id, x) ON large TO reader;

ANALYZE;
DELETE FROM shrunk WHERE a > 30;
