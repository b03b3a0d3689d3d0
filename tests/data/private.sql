-- People whose names, addresses and notes must not leave; beside them what may be seen.
CREATE TABLE city (city_id integer PRIMARY KEY, city text NOT NULL);
CREATE TABLE person (
    person_id   integer PRIMARY KEY,
    full_name   text NOT NULL,
    email       text NOT NULL,
    phone       text,
    born_on     date NOT NULL,
    status      text NOT NULL,
    tags        text[],
    profile     jsonb,
    city_id     integer REFERENCES city
);
COMMENT ON COLUMN person.full_name IS 'name';
CREATE TABLE visit (
    visit_id   integer PRIMARY KEY,
    person_id  integer NOT NULL REFERENCES person,
    visited_on date NOT NULL,
    fee        numeric(8,2) NOT NULL,
    note       text
);
INSERT INTO city SELECT i, 'Ostheim ' || chr(64 + i) FROM generate_series(1, 8) AS i;
INSERT INTO person
SELECT i, first || ' ' || last, lower(first) || '.' || lower(replace(last, '''', '')) || i || '@mailbox.org',
       '+49 30 55' || to_char(i * 7919 % 100000, 'FM00000'), date '1950-01-01' + i * 137,
       (ARRAY['active', 'paused', 'left'])[1 + i % 3], ARRAY['vip', first || ' ' || last],
       jsonb_build_object('alias', first || last || i), 1 + i % 8
FROM (SELECT i, (ARRAY['Walburga', 'Theodor', 'Mechthild', 'Ignatius', 'Kunigunde', 'Balthasar'])[1 + i % 6] AS first,
             (ARRAY['Zwirnlein', 'O''Quillan', 'Hackfurter', 'Spindelmann', 'Grünwedel', 'Trautvetter', 'Ödekoven'])[1 + i % 7] AS last
      FROM generate_series(1, 42) AS i) AS names;
INSERT INTO visit
SELECT i, 1 + i * 5 % 42, date '2024-01-01' + i, 20 + i * 1.37,
       'Came because of the left knee, case ' || i || ', lives with her sister in house ' || i * 3 || ', wants a letter'
FROM generate_series(1, 300) AS i;
ANALYZE;
