--@x parse: not valid UTF-8
SELECT '\xff'
--@x parse: not valid UTF-8
SELECT '\xc0\xa7; DROP TABLE orders; --'
--@x parse: not valid UTF-8
SELECT '\xed\xa0\x80'
--@x parse: NUL byte
SELECT 1\x00; DROP TABLE orders
--@x parse: not valid UTF-8
SELECT '\xbf\x27 OR pg_sleep(9) --'
--@x parse: syntax error
SELECT\xc2\xa0pg_sleep(9)
--@x parse: syntax error
\xef\xbb\xbfSELECT pg_sleep(9)
--@x safe: function pg_sleep
SELECT/**/pg_sleep/**/(9)
--@x safe: function pg_sleep
SELECT -- a comment\x0apg_sleep(9)
--@x safe: function pg_sleep
SELECT --\x0dpg_sleep(9)
--@x safe: function pg_sleep
SELECT /* /* nested */ still a comment */ pg_sleep(9)
--@ parse: unterminated /* comment
SELECT 1 /* /* */ , pg_sleep(9)
--@ safe: function pg_sleep
SELECT U&"pg\005fsleep"(9)
--@ safe: function pg_sleep
SELECT U&"pg!005fsleep" UESCAPE '!' (9)
--@ safe: system catalog pg_authid
SELECT * FROM U&"\0070g_authid"
--@ safe: function pg_sleep
SELECT $a$ ' $a$, pg_sleep(9), $a$ ' $a$
--@ safe: function pg_sleep
SELECT E'\'', pg_sleep(9), E'\''
--@ safe: function pg_sleep
SELECT '\', pg_sleep(9), '\'
--@ safe: function pg_sleep
SELECT "pg_catalog"."pg_sleep"(9)
--@ safe: function name of three parts
SELECT postgres.pg_catalog.pg_sleep(9)
--@ safe: function pg_sleep
SELECT pg_sleep
(9)
--@x parse: syntax error
SELECT\x0bpg_sleep(9)
--@x safe: function pg_sleep
SELECT\x0c1,\x0d\x0c\x09pg_sleep(9)
--@x safe: function PG_SLEEP is not one of PostgreSQL's own
SELECT "PG_SLEEP"(9)
--@ parse: unterminated quoted string
SELECT 'a
--@ parse: syntax error
SELECT 1 \; DROP TABLE orders
--@x safe: function pg_sleep
SELECT 'a'\x0a'b' || pg_sleep(9)
--@x safe: function p\xd0\xb3_sleep is not one of PostgreSQL's own
SELECT p\xd0\xb3_sleep(9)
--@x safe: function pg_sleep\{55 x} is not allowed
SELECT pg_sleep\{100 x}(9)
