-- Columns of every class, keys that are texts, labels of PostgreSQL Anonymizer, types of which nothing is known.
CREATE TYPE mood AS ENUM ('happy', 'neutral', 'angry');
CREATE DOMAIN email_address AS text;

CREATE TABLE account (
    login       text PRIMARY KEY,
    full_name   text NOT NULL,
    contact     text NOT NULL,
    mobile      text,
    born        date,
    card        text,
    ip          inet,
    home        text,
    token_id    uuid,
    mood        mood,
    plan        text NOT NULL,
    remark      text,
    profile     jsonb,
    nicknames   text[],
    balance     numeric(12,2),
    seen_at     timestamptz,
    picture     bytea,
    search      tsvector,
    notes_xml   xml,
    stay        daterange,
    masked      text,
    amount      numeric,
    plainly     text
);
INSERT INTO account
SELECT 'user' || i || 'x', 'Anna' || i || ' Berg', 'anna' || i || '@mail.test', '+49 170 ' || 1000000 + i * 7,
       date '1960-01-01' + i * 31, '4' || lpad((i * 104729)::text, 15, '0'), ('10.' || i % 256 || '.7.' || i * 3 % 256)::inet,
       'Lindenweg ' || i, md5(i::text)::uuid, (ARRAY['happy', 'neutral', 'angry']::mood[])[1 + i % 3],
       (ARRAY['basic', 'premium', 'enterprise'])[1 + i % 3], 'Called about order ' || i || ' and was polite',
       jsonb_build_object('email', 'anna' || i || '@mail.test', 'street', 'Lindenweg ' || i, 'visits', i, 'vip', i % 2 = 0,
         'Secret name ' || i, 'x'),
       ARRAY['Ann' || i, 'A"n, ' || i, NULL], 1000.25 * i, timestamptz '2024-03-01 10:00+00' + i * interval '37 minutes',
       '\x00ff', to_tsvector('english', 'Anna called'), xmlparse(content '<a>Anna</a>'), daterange('2024-01-01', '2024-02-01'),
       'hidden' || i, 12345 + i, 'plain words number ' || i
FROM generate_series(1, 300) AS i;

CREATE TABLE visit (
    visit_id integer PRIMARY KEY,
    who      text NOT NULL REFERENCES account,
    channel  text NOT NULL,
    city     text NOT NULL,
    paid     numeric(10,2)
);
INSERT INTO visit
SELECT i, 'user' || 1 + i * 7 % 300 || 'x', (ARRAY['web', 'shop'])[1 + i % 2], (ARRAY['Hamburg', 'Marseille'])[1 + i % 2], i * 3.5
FROM generate_series(1, 900) AS i;

-- Few values in the first rows, many after them.
CREATE TABLE late (late_id integer PRIMARY KEY, word text NOT NULL);
INSERT INTO late SELECT i, CASE WHEN i <= 1000 THEN 'open' ELSE 'Person number ' || i END FROM generate_series(1, 2000) AS i;

CREATE VIEW overview AS SELECT a.plan, a.remark AS story, v.channel, upper(a.plan) AS loud, v.who
  FROM account AS a JOIN visit AS v ON v.who = a.login;

-- Labels as SECURITY LABEL FOR anon leaves them; the server takes that command only from a loaded provider.
SET allow_system_table_mods = on;
INSERT INTO pg_seclabel
SELECT 'account'::regclass, 'pg_class'::regclass, a.attnum, l.provider, l.label
FROM (VALUES ('masked', 'anon', 'MASKED WITH FUNCTION anon.fake_email()'), ('amount', 'anon', 'NOT MASKED'),
             ('plainly', 'anon', 'MASKED WITH VALUE ''CONFIDENTIAL'''), ('remark', 'other', 'MASKED WITH FUNCTION anon.fake_iban()'))
     AS l (name, provider, label)
JOIN pg_attribute AS a ON a.attrelid = 'account'::regclass AND a.attname = l.name;
RESET allow_system_table_mods;

ANALYZE;
