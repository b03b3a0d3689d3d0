-- Relations of every kind: declared ones, true ones that nobody declared, and numbers that merely look alike.
CREATE TABLE region (country text, region_no integer, name text NOT NULL, PRIMARY KEY (country, region_no));
CREATE TABLE customer (
    customer_id integer PRIMARY KEY,
    name        text NOT NULL,
    referrer_id integer REFERENCES customer,
    country     text NOT NULL,
    region_no   integer NOT NULL,
    FOREIGN KEY (country, region_no) REFERENCES region
);
CREATE TABLE seller (seller_id integer PRIMARY KEY, badge text NOT NULL);
CREATE TABLE passport (customer_id integer PRIMARY KEY REFERENCES customer, number text NOT NULL);
-- each of the two holds the other's key
CREATE TABLE desk (desk_no integer PRIMARY KEY);
CREATE TABLE chair (desk_no integer PRIMARY KEY REFERENCES desk);
ALTER TABLE desk ADD FOREIGN KEY (desk_no) REFERENCES chair DEFERRABLE INITIALLY DEFERRED;
-- no key of this one is declared
CREATE TABLE invoice (
    invoice_id    integer,
    customer_id   integer,          -- true; some are NULL
    old_customer_id integer,        -- true, but for 2 of 100 values
    seller_badge  text,             -- true
    buyer_id      integer,          -- as good as random: a third of its values are no customer's
    quantity      integer NOT NULL, -- 1 to 5, all of which are customers' numbers too
    approver_id   integer,          -- small numbers, in a column that is called like a reference
    country       text,
    region_no     integer,          -- with country: true
    note          text,
    marks         integer[]
);

BEGIN;
INSERT INTO region SELECT c, n, c || n FROM unnest(ARRAY['AT', 'CH', 'DE']) AS c, generate_series(1, 3) AS n;
INSERT INTO customer SELECT i, 'Name ' || i, nullif(i / 2, 0), (ARRAY['AT', 'CH', 'DE'])[1 + i % 3], 1 + i % 2
FROM generate_series(1, 100) AS i;
INSERT INTO seller SELECT i, 'B-' || i * 7919 % 1000 FROM generate_series(1, 20) AS i;
INSERT INTO passport SELECT i, 'P' || i FROM generate_series(1, 50) AS i;
INSERT INTO desk SELECT i FROM generate_series(1, 4) AS i;
INSERT INTO chair SELECT i FROM generate_series(1, 4) AS i;
INSERT INTO invoice
SELECT i, CASE WHEN i % 10 > 0 THEN 1 + i % 100 END, CASE WHEN i % 100 < 2 THEN 900 + i % 100 ELSE 1 + i % 100 END,
       'B-' || (1 + i % 20) * 7919 % 1000, 1 + i % 150, 1 + i % 5, 1 + i % 8,
       (ARRAY['AT', 'CH', 'DE'])[1 + i % 3], 1 + i % 2, NULL, ARRAY[i]
FROM generate_series(1, 600) AS i;
COMMIT;
ANALYZE;
