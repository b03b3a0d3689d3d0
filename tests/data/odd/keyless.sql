-- No keys, no comments: names and values are all there is.
CREATE TABLE publication (pid int, title text, year int, citations int, venue text);
CREATE TABLE author (aid int, name text, homepage text);
CREATE TABLE writes (aid int, pid int);
INSERT INTO author SELECT i, 'Author ' || chr(64 + i) || ' Lee', CASE WHEN i % 3 > 0 THEN 'https://example.org/' || i END
  FROM generate_series(1, 20) AS i;
INSERT INTO publication SELECT i, 'On ' || (ARRAY['Graphs', 'Trees', 'Sorting', 'Hashing'])[1 + i % 4] || ' ' || i, 1990 + i % 30,
  i * i % 101, (ARRAY['VLDB', 'SIGMOD', 'ICDE'])[1 + i % 3] FROM generate_series(1, 60) AS i;
INSERT INTO writes SELECT 1 + i % 20, 1 + i % 60 FROM generate_series(1, 120) AS i;
