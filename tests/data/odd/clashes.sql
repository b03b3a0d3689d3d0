-- Columns that are called as the grammar calls columns of its own.
CREATE TABLE team (team_id int PRIMARY KEY, name text NOT NULL UNIQUE, position int NOT NULL, total int NOT NULL, average numeric NOT NULL,
  result_count int NOT NULL);
CREATE TABLE result (result_id int PRIMARY KEY, team_id int NOT NULL REFERENCES team, position int NOT NULL, percentage numeric NOT NULL,
  month text NOT NULL, year text NOT NULL, change int NOT NULL, running_total int NOT NULL, result_count int NOT NULL, raced_on date NOT NULL);
INSERT INTO team SELECT i, 'Team ' || chr(64 + i), 21 - i, i * 7, i / 4.0, i % 9 FROM generate_series(1, 20) AS i;
INSERT INTO result SELECT i, 1 + i % 20, 1 + i * 7 % 31, i % 97 / 2.0, (ARRAY['May', 'June', 'July'])[1 + i % 3],
  (ARRAY['first', 'second'])[1 + i % 2], i % 11 - 5, i * 3, i % 13, date '2021-01-01' + i * 3 FROM generate_series(1, 300) AS i;
