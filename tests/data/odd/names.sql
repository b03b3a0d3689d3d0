-- Names that SQL has to quote: capitals, spaces, reserved words, quotes, letters that are not ASCII.
CREATE SCHEMA "Head Office";
SET search_path = "Head Office";
CREATE TABLE "User" ("Id" int PRIMARY KEY, "Full Name" text NOT NULL, "group" text NOT NULL, "select" numeric(8,2) NOT NULL,
  "isActive" boolean NOT NULL, "Größe (cm)" int, "it""s" date);
CREATE TABLE "order" ("Id" int PRIMARY KEY, "userId" int NOT NULL REFERENCES "User", "where" text NOT NULL, "from" date NOT NULL,
  "limit" int NOT NULL, "table" jsonb, "Tags" text[]);
CREATE TABLE "ORDER" ("order" int NOT NULL REFERENCES "order", "No" int NOT NULL, "desc" text, "Unit Price" double precision NOT NULL,
  PRIMARY KEY ("order", "No"));
INSERT INTO "User" SELECT i, 'Name ' || chr(64 + i) || 'son O''Hara', (ARRAY['a b', 'c''d', 'e%f'])[1 + i % 3], i * 1.25, i % 2 = 0,
  CASE WHEN i % 4 > 0 THEN 150 + i END, date '2020-02-28' + i FROM generate_series(1, 25) AS i;
INSERT INTO "order" SELECT i, 1 + i % 22, (ARRAY['North', 'South', 'East'])[1 + i % 3], date '2019-11-20' + i * 7, i % 17,
  jsonb_build_object('colour', (ARRAY['red', 'blue'])[1 + i % 2], 'n', i), ARRAY[(ARRAY['x', 'y z'])[1 + i % 2]]
  FROM generate_series(1, 90) AS i;
INSERT INTO "ORDER" SELECT i, n, CASE WHEN n = 1 THEN 'line ' || i END, i * n / 3.0 FROM generate_series(1, 80) AS i, generate_series(1, 2) AS n;
