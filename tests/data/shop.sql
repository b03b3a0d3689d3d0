-- A small shop in two schemas: plain names in public, mixed case and quoting in "Sales".
CREATE TYPE mood AS ENUM ('happy', 'neutral', 'angry');

CREATE TABLE customer (
    customer_id integer PRIMARY KEY,
    name        text NOT NULL,
    country     text NOT NULL,
    mood        mood,
    referred_by integer REFERENCES customer
);
COMMENT ON TABLE customer IS 'people who bought something';

CREATE TABLE product (
    product_id integer PRIMARY KEY,
    title      text NOT NULL,
    price      numeric(10,2) NOT NULL CHECK (price > 0)
);

CREATE TABLE purchase (
    purchase_id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customer,
    bought_on   date NOT NULL
);

CREATE TABLE purchase_line (
    purchase_id integer REFERENCES purchase,
    line_no     integer,
    product_id  integer NOT NULL REFERENCES product,
    quantity    integer NOT NULL DEFAULT 1,
    PRIMARY KEY (purchase_id, line_no)
);
COMMENT ON COLUMN purchase_line.quantity IS 'pieces';

INSERT INTO customer
SELECT i, 'Customer ' || i, (ARRAY['Brazil', 'Canada', 'Norway', 'Japan'])[1 + i % 4],
       (ARRAY['happy', 'neutral', 'angry']::mood[])[1 + i % 3], nullif(i / 2, 0)
FROM generate_series(1, 60) AS i;

INSERT INTO product SELECT i, 'Product ' || i, i * 1.25 FROM generate_series(1, 25) AS i;

INSERT INTO purchase
SELECT i, 1 + i * 7 % 60, date '2023-01-01' + i FROM generate_series(1, 400) AS i;

INSERT INTO purchase_line
SELECT p, l, 1 + (p * 3 + l) % 25, 1 + (p + l) % 4
FROM generate_series(1, 400) AS p, generate_series(1, 2) AS l;

CREATE SCHEMA "Sales";
CREATE TABLE "Sales"."Region" (
    "RegionId" integer PRIMARY KEY,
    "Name"     text NOT NULL
);
CREATE TABLE "Sales"."Order Lines" (
    "LineId"   integer PRIMARY KEY,
    "RegionId" integer NOT NULL REFERENCES "Sales"."Region",
    "select"   text,
    "Amount"   numeric NOT NULL
);
INSERT INTO "Sales"."Region" VALUES (1, 'North'), (2, 'South'), (3, 'West');
INSERT INTO "Sales"."Order Lines"
SELECT i, 1 + i % 3, 'x' || i, i * 10 FROM generate_series(1, 90) AS i;

ANALYZE;
