-- Nothing but views.
CREATE VIEW sale AS SELECT i AS sale_id, 1 + i % 9 AS shop_no, (ARRAY['cash', 'card'])[1 + i % 2] AS method, i * 1.5 AS amount,
  date '2024-01-01' + i AS sold_on FROM generate_series(1, 200) AS i;
CREATE VIEW shop AS SELECT i AS shop_no, 'Shop ' || chr(64 + i) AS name FROM generate_series(1, 9) AS i;
