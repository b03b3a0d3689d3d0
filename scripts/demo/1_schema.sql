-- The demo database: an outdoor-gear retailer that sells on the web, by phone and in 26 stores, as
-- its books stood on 31 December 2025. 20 tables and 2 views, about 50,000 rows, seven years.
--
-- Everything is invented and made by these files alone, run in the order of their names on an empty
-- database, outside a transaction: this one says what there is, 2_comments.sql what it means, 3 to 8
-- make the rows, 9_finish.sql adds what is cheaper once the rows are there (foreign keys, indexes,
-- statistics) and clears up.
--
-- The rows are the same on every PostgreSQL from 13 on: draws are taken from md5 (see
-- 3_catalogue.sql), times carry no zone, texts are ASCII, and nothing is sorted by a collation.
-- Keys are plain integers, for nothing is added later.

CREATE TYPE sales_channel   AS ENUM ('web', 'store', 'phone');
CREATE TYPE order_status    AS ENUM ('pending', 'confirmed', 'shipped', 'delivered', 'cancelled');
CREATE TYPE payment_method  AS ENUM ('card', 'paypal', 'invoice', 'bank transfer', 'cash', 'gift card');
CREATE TYPE payment_status  AS ENUM ('settled', 'refunded', 'failed');
CREATE TYPE loyalty_tier    AS ENUM ('bronze', 'silver', 'gold', 'platinum');
CREATE TYPE return_reason   AS ENUM ('wrong size', 'changed mind', 'damaged', 'not as described', 'late delivery');
CREATE TYPE ticket_priority AS ENUM ('low', 'normal', 'high', 'urgent');
CREATE TYPE ticket_status   AS ENUM ('open', 'waiting', 'solved', 'closed');

CREATE DOMAIN euros AS numeric(10,2) CHECK (VALUE >= 0);
COMMENT ON DOMAIN euros IS 'an amount of money, in euros';
CREATE DOMAIN email_address AS text CHECK (VALUE ~ '^[^@ ]+@[^@ ]+[.][a-z]+$');
COMMENT ON DOMAIN email_address IS 'an e-mail address';

-- Where things are.

CREATE TABLE country (
  country_code  text PRIMARY KEY CHECK (country_code ~ '^[A-Z][A-Z]$'),
  name          text NOT NULL UNIQUE,
  region        text NOT NULL,
  vat_rate      numeric(4,1) NOT NULL CHECK (vat_rate BETWEEN 0 AND 30),
  shipping_fee  euros NOT NULL,
  delivery_days smallint NOT NULL CHECK (delivery_days > 0),
  is_eu_member  boolean NOT NULL
);

CREATE TABLE store (
  store_id          integer PRIMARY KEY,
  name              text NOT NULL UNIQUE,
  street            text NOT NULL,
  city              text NOT NULL,
  country_code      text NOT NULL,
  opened_on         date NOT NULL,
  floor_area        integer NOT NULL CHECK (floor_area > 0),
  opens_at          time NOT NULL,
  closes_at         time NOT NULL,
  has_repair_shop   boolean NOT NULL,
  has_climbing_wall boolean NOT NULL,
  CHECK (opens_at < closes_at)
);

CREATE TABLE employee (
  employee_id  integer PRIMARY KEY,
  full_name    text NOT NULL,
  email        email_address NOT NULL UNIQUE,
  phone        text,
  job_title    text NOT NULL,
  store_id     integer,
  manager_id   integer CHECK (manager_id <> employee_id),
  hired_on     date NOT NULL,
  left_on      date CHECK (left_on > hired_on),
  salary       euros NOT NULL,
  weekly_hours smallint NOT NULL CHECK (weekly_hours BETWEEN 8 AND 40)
);

-- What is sold.

CREATE TABLE brand (
  brand_id     integer PRIMARY KEY,
  name         text NOT NULL UNIQUE,
  country_code text NOT NULL,
  founded_in   smallint NOT NULL,
  website      text,
  is_own_brand boolean NOT NULL
);

CREATE TABLE category (
  category_id   integer PRIMARY KEY,
  parent_id     integer CHECK (parent_id <> category_id),
  name          text NOT NULL UNIQUE,
  menu_position smallint NOT NULL,
  is_seasonal   boolean NOT NULL,
  UNIQUE (parent_id, menu_position)
);

CREATE TABLE product (
  product_id      integer PRIMARY KEY,
  name            text NOT NULL UNIQUE,
  brand_id        integer NOT NULL,
  category_id     integer NOT NULL,
  list_price      euros NOT NULL CHECK (list_price > 0),
  grams           integer CHECK (grams > 0),
  warranty_years  smallint CHECK (warranty_years > 0),
  tags            text[] NOT NULL,
  attributes      jsonb NOT NULL CHECK (jsonb_typeof(attributes) = 'object'),
  released_on     date NOT NULL,
  discontinued_on date CHECK (discontinued_on > released_on),
  is_active       boolean NOT NULL,
  CHECK (is_active = (discontinued_on IS NULL))
);

CREATE TABLE supplier (
  supplier_id   integer PRIMARY KEY,
  name          text NOT NULL UNIQUE,
  country_code  text NOT NULL,
  email         email_address NOT NULL UNIQUE,
  phone         text,
  quality_score numeric(3,1) CHECK (quality_score BETWEEN 0 AND 10),
  lead_days     smallint NOT NULL CHECK (lead_days > 0),
  partner_since date NOT NULL
);

CREATE TABLE product_supplier (
  product_id       integer NOT NULL,
  supplier_id      integer NOT NULL,
  purchase_price   euros NOT NULL CHECK (purchase_price > 0),
  minimum_quantity integer NOT NULL CHECK (minimum_quantity > 0),
  is_preferred     boolean NOT NULL,
  PRIMARY KEY (product_id, supplier_id)
);

CREATE TABLE stock (
  store_id      integer NOT NULL,
  product_id    integer NOT NULL,
  quantity      integer NOT NULL CHECK (quantity >= 0),
  reorder_level integer NOT NULL CHECK (reorder_level >= 0),
  shelf         text,
  counted_on    date NOT NULL,
  PRIMARY KEY (store_id, product_id)
);

CREATE TABLE promotion (
  promotion_id     integer PRIMARY KEY,
  title            text NOT NULL UNIQUE,
  discount_percent smallint NOT NULL CHECK (discount_percent BETWEEN 1 AND 70),
  channel          sales_channel,
  starts_on        date NOT NULL,
  ends_on          date NOT NULL,
  budget           euros,
  CHECK (starts_on <= ends_on)
);

CREATE TABLE promotion_product (
  promotion_id integer NOT NULL,
  product_id   integer NOT NULL,
  is_featured  boolean NOT NULL,
  PRIMARY KEY (promotion_id, product_id)
);

-- Who buys.

CREATE TABLE customer (
  customer_id        integer PRIMARY KEY,
  full_name          text NOT NULL,
  email              email_address NOT NULL UNIQUE,
  phone              text,
  birth_date         date,
  joined_on          date NOT NULL,
  tier               loyalty_tier NOT NULL,
  credit_limit       euros,
  accepts_newsletter boolean NOT NULL,
  preferred_store_id integer,
  referrer_id        integer CHECK (referrer_id <> customer_id),
  CHECK (birth_date < joined_on)
);

CREATE TABLE address (
  address_id   integer PRIMARY KEY,
  customer_id  integer NOT NULL,
  street       text NOT NULL,
  postal_code  text NOT NULL,
  city         text NOT NULL,
  country_code text NOT NULL,
  is_default   boolean NOT NULL
);

CREATE TABLE wish_list_item (
  customer_id integer NOT NULL,
  product_id  integer NOT NULL,
  quantity    smallint NOT NULL CHECK (quantity > 0),
  added_on    date NOT NULL,
  PRIMARY KEY (customer_id, product_id)
);

-- What was bought.

CREATE TABLE customer_order (
  order_id            integer PRIMARY KEY,
  order_number        text NOT NULL UNIQUE,
  customer_id         integer NOT NULL,
  channel             sales_channel NOT NULL,
  store_id            integer,
  employee_id         integer,
  status              order_status NOT NULL,
  ordered_at          timestamp NOT NULL,
  shipped_at          timestamp CHECK (shipped_at > ordered_at),
  delivered_on        date CHECK (delivered_on >= ordered_at::date),
  billing_address_id  integer NOT NULL,
  shipping_address_id integer,
  total               euros NOT NULL,
  shipping_fee        euros NOT NULL,
  is_gift             boolean NOT NULL,
  CHECK ((channel = 'store') = (store_id IS NOT NULL)),
  CHECK ((channel = 'store') = (shipping_address_id IS NULL)),
  CHECK ((status = 'delivered') = (delivered_on IS NOT NULL))
);

CREATE TABLE order_item (
  order_id         integer NOT NULL,
  line_number      smallint NOT NULL CHECK (line_number > 0),
  product_id       integer NOT NULL,
  quantity         smallint NOT NULL CHECK (quantity > 0),
  unit_price       euros NOT NULL CHECK (unit_price > 0),
  discount_percent smallint NOT NULL CHECK (discount_percent BETWEEN 0 AND 70),
  promotion_id     integer,
  line_total       euros NOT NULL,
  PRIMARY KEY (order_id, line_number),
  UNIQUE (order_id, product_id),
  CHECK (line_total = round(quantity * unit_price * (100 - discount_percent) / 100, 2))
);

CREATE TABLE payment (
  payment_id integer PRIMARY KEY,
  order_id   integer NOT NULL,
  method     payment_method NOT NULL,
  status     payment_status NOT NULL,
  amount     euros NOT NULL CHECK (amount > 0),
  paid_at    timestamp NOT NULL
);

-- What came of it.

CREATE TABLE returned_item (
  return_id     integer PRIMARY KEY,
  order_id      integer NOT NULL,
  line_number   smallint NOT NULL,
  quantity      smallint NOT NULL CHECK (quantity > 0),
  reason        return_reason NOT NULL,
  refund        euros NOT NULL,
  returned_on   date NOT NULL,
  is_restocked  boolean NOT NULL,
  UNIQUE (order_id, line_number)
);

CREATE TABLE review (
  review_id     integer PRIMARY KEY,
  product_id    integer NOT NULL,
  customer_id   integer NOT NULL,
  rating        smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
  title         text NOT NULL,
  comment       text,
  helpful_votes integer NOT NULL CHECK (helpful_votes >= 0),
  reviewed_on   date NOT NULL,
  UNIQUE (product_id, customer_id)
);

CREATE TABLE support_ticket (
  ticket_id     integer PRIMARY KEY,
  subject       text NOT NULL,
  customer_id   integer NOT NULL,
  order_id      integer,
  employee_id   integer,
  priority      ticket_priority NOT NULL,
  status        ticket_status NOT NULL,
  opened_at     timestamp NOT NULL,
  closed_at     timestamp CHECK (closed_at > opened_at),
  response_time interval CHECK (response_time > interval '0'),
  satisfaction  smallint CHECK (satisfaction BETWEEN 1 AND 5),
  CHECK ((closed_at IS NOT NULL) = (status IN ('solved', 'closed')))
);

-- What the books say. Cancelled orders bring in nothing.

CREATE VIEW product_sales AS
  SELECT p.product_id, p.name AS product_name, b.name AS brand_name, c.name AS category_name,
         coalesce(s.units_sold, 0) AS units_sold, coalesce(s.revenue, 0) AS revenue, s.last_sold_on
    FROM product p
    JOIN brand b USING (brand_id)
    JOIN category c USING (category_id)
    LEFT JOIN (SELECT i.product_id, sum(i.quantity) AS units_sold, sum(i.line_total) AS revenue,
                      max(o.ordered_at)::date AS last_sold_on
                 FROM order_item i
                 JOIN customer_order o USING (order_id)
                WHERE o.status <> 'cancelled'
                GROUP BY i.product_id) s USING (product_id);

CREATE VIEW monthly_revenue AS
  SELECT date_trunc('month', ordered_at)::date AS month, channel,
         count(*) AS order_count, count(DISTINCT customer_id) AS customer_count, sum(total) AS revenue
    FROM customer_order
   WHERE status <> 'cancelled'
   GROUP BY 1, 2;
