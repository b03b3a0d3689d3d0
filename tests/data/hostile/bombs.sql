--@ execute: 
SELECT count(*) FROM generate_series(1, 1000000000000) g
--@ execute: 
SELECT repeat('x', 100000000)
--@ execute: 
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t
--@ execute: 
SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b WHERE a * b = 7
--@ execute: 
SELECT sum(length(lpad(g::text, 10000000))) FROM generate_series(1, 1000) g
--@ execute: 
SELECT array_agg(g) FROM generate_series(1, 1000000000) g
--@ execute: 
SELECT count(regexp_match(repeat('a', 5000) || g, '^(((((a{0,100}){0,100}){0,100})*)*)b$')) FROM generate_series(1, 1000) g
--@ execute: 
SELECT repeat('x', 20000000) FROM generate_series(1, 100)
--@ execute: 
SELECT 10::numeric ^ 100000 % 7 FROM generate_series(1, 100000000)
--@ execute: 
SELECT count(DISTINCT md5(g::text)) FROM generate_series(1, 1000000000) g
--@ execute: 
SELECT row_number() OVER (ORDER BY md5(g::text) DESC) FROM generate_series(1, 1000000000) g
--@ execute: 
SELECT count(*) FROM jsonb_array_elements(('[' || repeat('1,', 50000) || '1]')::jsonb) a, generate_series(1, 1000000)
--@x parse: nested too deeply
SELECT 1\{2000  + 1}
--@x parse: nested too deeply
SELECT \{700 (SELECT }1\{700 )}
--@x parse: the SQL is 18
SELECT 1\{6000  +1}
--@x parse: the SQL is 100
SELECT '\{99992 x}'
--@x parse: nested too deeply
SELECT \{900 ARRAY[}1\{900 ]}
--@x parse: nested too deeply
SELECT NOT \{2200 NOT }true
--@x parse: nested too deeply
SELECT \{600 CASE WHEN true THEN }1\{600  END}
--@ execute: 
SELECT repeat('é', 9000000), repeat('x', 9000000) FROM customers
--@ execute: 
SELECT count(*) FROM regexp_matches(repeat('a', 1000000), 'a', 'g') m, generate_series(1, 1000)
