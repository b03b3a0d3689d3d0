-- One table.
CREATE TABLE reading (taken_at timestamptz NOT NULL, sensor text NOT NULL, celsius real NOT NULL, ok boolean NOT NULL, note text);
INSERT INTO reading SELECT timestamptz '2023-01-01 00:30+00' + i * interval '5 hours', 'S' || i % 7, 10 + i % 13 * 0.5, i % 5 > 0,
  CASE WHEN i % 9 = 0 THEN 'checked by hand' END FROM generate_series(1, 300) AS i;
