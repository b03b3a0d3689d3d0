-- Orders, their lines, their payments.

-- A purchase in a store needs one that was open by then in the buyer's country; else it was made on
-- the web. Most go to the store that the customer prefers.
CREATE TABLE build.purchase AS
WITH wanted AS (
  SELECT v.n, v.bought_at, c.customer_id, b.country_code, c.preferred_store_id, build.draw('channel', v.n, 100) AS way
    FROM build.visit v JOIN build.buyer b USING (buyer) JOIN customer c USING (customer_id)
)
SELECT w.n, w.bought_at, w.customer_id, w.country_code,
       (CASE WHEN s.store_id IS NOT NULL THEN 'store' WHEN way >= 92 THEN 'phone' ELSE 'web' END)::sales_channel AS channel,
       s.store_id
  FROM wanted w
  LEFT JOIN build.near s ON way < 42 AND s.opened_on <= w.bought_at::date AND s.country_code = w.country_code
   AND CASE WHEN preferred_store_id IS NOT NULL AND build.chance('loyal', w.n, 80) THEN s.store_id = preferred_store_id
            ELSE s.place = 1 + build.skew('store', w.n, s.stores, 25) END;

-- The lines: products are drawn by fame, and those not on sale that day fall away, as does the second
-- of two equal ones. A purchase of which nothing is left never was. The price of the day was lower
-- the longer ago it was; the best promotion counts; without one, something is taken off now and then.
CREATE TABLE build.line AS
WITH drawn AS (
  SELECT DISTINCT ON (p.n, f.product_id) p.n, p.bought_at::date AS day, p.channel, l AS place, p.n * 10 + l AS key,
         f.product_id, f.list_price
    FROM build.purchase p
   CROSS JOIN LATERAL generate_series(1, 1 + build.skew('lines', p.n, 8, 10)) AS l
    JOIN build.fame f ON f.fame = 1 + build.skew('product', p.n * 10 + l, 580, 1)
   WHERE f.released_on <= p.bought_at::date AND p.bought_at::date < f.ended_on
   ORDER BY p.n, f.product_id, l
), offer AS (
  SELECT DISTINCT ON (d.n, d.product_id) d.n, d.product_id, o.promotion_id, o.discount_percent
    FROM drawn d
    JOIN promotion_product pp USING (product_id)
    JOIN promotion o ON o.promotion_id = pp.promotion_id AND d.day BETWEEN o.starts_on AND o.ends_on
                    AND coalesce(o.channel, d.channel) = d.channel
   ORDER BY d.n, d.product_id, o.discount_percent DESC, o.promotion_id
)
SELECT d.n, row_number() OVER (PARTITION BY d.n ORDER BY d.place) AS line_number, d.product_id,
       1 + CASE WHEN d.list_price < 40 THEN build.skew('quantity', key, 5, 0)
                WHEN d.list_price < 150 AND build.chance('two', key, 9) THEN 1 ELSE 0 END AS quantity,
       floor(d.list_price * (88 + 2 * (extract(year FROM day)::int - 2019)) / 100) + d.list_price % 1 AS unit_price,
       o.promotion_id, coalesce(o.discount_percent, CASE WHEN build.chance('off', key, 7) THEN 5 END, 0) AS discount_percent
  FROM drawn d LEFT JOIN offer o USING (n, product_id);

-- What became of each order by the end of 2025. Payment by bank transfer takes a day, and nothing is
-- shipped before the second one; how far an order has come follows from its times alone.
CREATE TABLE build.sale AS
WITH summed AS (
  SELECT p.*, t.total, row_number() OVER (ORDER BY bought_at, p.n) AS order_id,
         CASE WHEN p.channel = 'store' OR t.total >= 100 THEN 0 ELSE m.shipping_fee END AS fee, m.delivery_days,
         bought_at + (44 + build.skew('shipping hours', p.n, 140, 5)) * interval '1 hour'
                   + build.draw('shipping minutes', p.n, 60) * interval '1 minute' AS ships_at,
         p.channel <> 'store' AND build.chance('cancelled', p.n, 4) AS cancelled,
         CASE WHEN p.channel = 'store' THEN (ARRAY['card', 'cash', 'gift card'])[1 + build.skew('method', p.n, 3, 20)]
              WHEN c.credit_limit > t.total AND build.chance('credit', p.n, 50) THEN 'invoice'
              ELSE (ARRAY['card', 'paypal', 'bank transfer', 'gift card'])[1 + build.skew('method', p.n, 4, 15)] END AS method
    FROM build.purchase p
    JOIN (SELECT n, sum(round(quantity * unit_price * (100 - discount_percent) / 100, 2)) AS total
            FROM build.line GROUP BY n) AS t USING (n)
    JOIN customer c USING (customer_id)
    JOIN build.market m USING (country_code)
)
SELECT s.*, CASE WHEN cancelled THEN 'cancelled' WHEN s.channel = 'store' THEN 'delivered'
                 WHEN bought_at > '2025-12-30 06:00' THEN 'pending'
                 WHEN ships_at > '2025-12-31 18:00' THEN 'confirmed'
                 WHEN arrives_on > '2025-12-31' THEN 'shipped' ELSE 'delivered' END::order_status AS status,
       CASE WHEN s.channel = 'store' THEN bought_at::date ELSE arrives_on END AS arrives_on
  FROM summed s
 CROSS JOIN LATERAL (SELECT ships_at::date + delivery_days - 1 + build.skew('on the way', n, 6, 5) AS arrives_on) AS a;

-- Goods sold in a store or by phone were sold by someone of that store or of customer service who was
-- employed at the time.
CREATE TABLE build.seller AS
SELECT employee_id, store_id, hired_on, coalesce(left_on, '2099-01-01') AS left_on
  FROM employee WHERE job_title IN ('Sales assistant', 'Customer advisor');

INSERT INTO customer_order (order_id, order_number, customer_id, channel, store_id, employee_id, status, ordered_at,
                            shipped_at, delivered_on, billing_address_id, shipping_address_id, total, shipping_fee, is_gift)
SELECT order_id, upper(left(s.channel::text, 1)) || to_char(bought_at, 'YY') || '-' || 100000 + order_id, s.customer_id,
       s.channel, s.store_id, e.employee_id, s.status, bought_at,
       CASE WHEN s.channel <> 'store' AND s.status IN ('shipped', 'delivered') THEN ships_at END,
       CASE WHEN s.status = 'delivered' THEN arrives_on END,
       a.home,
       CASE WHEN s.channel <> 'store' THEN a.home + (a.addresses - 1) * build.draw('elsewhere', n, 2) END,
       s.total, fee,
       s.channel <> 'store' AND build.chance('gift', n, CASE WHEN extract(month FROM bought_at) = 12 THEN 24 ELSE 6 END)
  FROM build.sale s
  JOIN (SELECT customer_id, min(address_id) AS home, count(*) AS addresses FROM address GROUP BY customer_id) AS a
       USING (customer_id)
  LEFT JOIN LATERAL (SELECT employee_id FROM build.seller e
                      WHERE s.channel <> 'web' AND e.store_id IS NOT DISTINCT FROM s.store_id
                        AND hired_on <= bought_at::date AND bought_at::date < left_on
                      ORDER BY build.draw('seller', order_id * 1000 + employee_id, 268435456), employee_id LIMIT 1) AS e ON true
 ORDER BY order_id;

INSERT INTO order_item (order_id, line_number, product_id, quantity, unit_price, discount_percent, promotion_id, line_total)
SELECT order_id, line_number, product_id, quantity, unit_price, discount_percent, promotion_id,
       round(quantity * unit_price * (100 - discount_percent) / 100, 2)
  FROM build.line JOIN build.sale USING (n) ORDER BY order_id, line_number;

-- An order is paid in one go, or first some of it with a gift card. Now and then a card is refused
-- before. Invoices are paid after delivery, the latest not yet; of the orders cancelled, some had
-- been paid and got their money back.
INSERT INTO payment (payment_id, order_id, method, status, amount, paid_at)
SELECT row_number() OVER (ORDER BY paid_at, order_id, part), order_id, paid_with::payment_method,
       outcome::payment_status, amount, paid_at
  FROM build.sale s
 CROSS JOIN LATERAL (SELECT total + fee AS due,
      CASE WHEN method <> 'gift card' AND total > 60 AND build.chance('card first', n, 5)
           THEN 10 * (1 + build.draw('card value', n, 5)) ELSE 0 END AS from_card,
      CASE method WHEN 'invoice' THEN arrives_on + time '08:00' + build.skew('pays', n, 40 * 24, 10) * interval '1 hour'
                  WHEN 'bank transfer' THEN bought_at + (5 + build.draw('pays', n, 30)) * interval '1 hour'
                  ELSE bought_at END + build.draw('pays at', n, 300) * interval '1 second' AS settled_at) AS d
 CROSS JOIN LATERAL (VALUES
      (1, 'card', 'failed', due - from_card, bought_at,
          method IN ('card', 'paypal') AND s.channel <> 'store' AND build.chance('refused', n, 4)),
      (2, 'gift card', CASE WHEN cancelled THEN 'refunded' ELSE 'settled' END, from_card,
          bought_at + interval '20 seconds', from_card > 0),
      (3, method, CASE WHEN cancelled THEN 'refunded' ELSE 'settled' END, due - from_card,
          settled_at + interval '40 seconds', true))
      AS p(part, paid_with, outcome, amount, paid_at, happened)
 WHERE happened AND s.status <> 'pending' AND paid_at < '2025-12-31 18:00'
   AND NOT (cancelled AND (method = 'invoice' OR build.chance('unpaid', n, 40)));
