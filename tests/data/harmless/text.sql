SELECT upper(name), lower(name), initcap(name), length(name), char_length(name), octet_length(name), bit_length(name) FROM brand
SELECT name || ' (' || founded_in || ')' FROM brand
SELECT concat(name, '-', website), concat_ws(', ', name, website), format('%s was founded in %s: %I %L', name, founded_in, name, name) FROM brand
SELECT left(name, 3), right(name, 3), substr(name, 2, 3), substring(name from 2 for 3), substring(name, '[A-Z]'), substring(name from '[a-z]+') FROM brand
SELECT trim(name), trim(both 'x' from name), trim(leading from name), ltrim(name, 'A'), rtrim(name, 's'), btrim(name, 'A') FROM brand
SELECT position('a' in name), strpos(name, 'a'), overlay(name placing 'xx' from 2 for 1), replace(name, 'a', 'b'), translate(name, 'abc', 'xyz') FROM brand
SELECT lpad(name, 20, '.'), rpad(name, 20), repeat('-', 5), reverse(name), split_part(email, '@', 2) FROM supplier
SELECT ascii(name), chr(65), md5(name), to_hex(brand_id), quote_literal(name), quote_ident(name), quote_nullable(website) FROM brand
SELECT encode(convert_to(name, 'UTF8'), 'hex'), encode('abc'::bytea, 'base64'), convert_from(decode('616263', 'hex'), 'UTF8') FROM brand
SELECT sha256(name::bytea), get_byte(name::bytea, 0), length(name::bytea) FROM brand
SELECT starts_with(name, 'A'), name ^@ 'A' FROM brand
SELECT name FROM brand WHERE name ~ '^[A-M]' AND name !~ 'z' AND name ~* 'a' AND name !~* 'q$'
SELECT regexp_replace(phone, '[^0-9]', '', 'g'), regexp_match(email, '@(.+)$'), (regexp_match(email, '^([^@]+)'))[1] FROM supplier
SELECT m[1] FROM supplier, regexp_matches(email, '([a-z]+)', 'g') AS m
SELECT regexp_split_to_array(street, '\s+'), word FROM store, regexp_split_to_table(name, '\s+') AS word
-- since 15
SELECT regexp_count(name, 'a'), regexp_instr(name, 'a'), regexp_substr(name, '[a-z]+'), regexp_like(name, '^A') FROM brand
SELECT string_to_array(name, ' '), array_to_string(tags, ', ') FROM product
-- since 14
SELECT part FROM product, string_to_table(name, ' ') AS part
SELECT to_char(list_price, 'FM999G990D00'), to_char(released_on, 'Day, DD Mon YYYY'), to_number('1,234.5', '9G999D9') FROM product
SELECT normalize('é', NFD), 'é' IS NORMALIZED
-- since 14
SELECT unistr('\0041')
SELECT name COLLATE "POSIX" < 'b' FROM brand
SELECT 'a' < 'b', 'a' || NULL, 'abc' = 'abc'::char(5), 'x'::varchar(3), 'long'::varchar(2)
SELECT levels.l FROM unnest(ARRAY['low', 'high']) AS levels(l)
SELECT to_tsvector('english', comment) @@ to_tsquery('english', 'light & warm') FROM review
SELECT title FROM review WHERE to_tsvector('simple', title) @@ plainto_tsquery('simple', 'good')
SELECT ts_rank(to_tsvector('english', comment), websearch_to_tsquery('english', '"very light" or warm -heavy')) FROM review WHERE comment IS NOT NULL ORDER BY 1 DESC LIMIT 3
SELECT ts_headline('english', comment, phraseto_tsquery('english', 'warm jacket')) FROM review WHERE comment IS NOT NULL LIMIT 3
SELECT to_tsvector('english'::regconfig, 'The fat rats'), strip(to_tsvector('a b')), setweight(to_tsvector('a'), 'A'), length(to_tsvector('a b'))
SELECT 'a & b'::tsquery && 'c'::tsquery, 'a'::tsquery || 'b'::tsquery, !! 'a'::tsquery, 'a'::tsquery <-> 'b'::tsquery, numnode('a & b'::tsquery), querytree('a & !b'::tsquery)
SELECT w.lexeme, w.positions FROM review, unnest(to_tsvector('english', title)) AS w LIMIT 5
SELECT ts_rank_cd(to_tsvector(title), to_tsquery('good')), tsvector_to_array(to_tsvector(title)) FROM review LIMIT 3
SELECT ts_delete(to_tsvector('a b'), 'a'), ts_filter('a:1A b:2B'::tsvector, '{a}'), array_to_tsvector(ARRAY['a', 'b']), to_tsvector('a') || to_tsvector('b')
SELECT get_current_ts_config() IS NOT NULL
