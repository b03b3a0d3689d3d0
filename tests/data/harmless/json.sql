SELECT attributes -> 'colour', attributes ->> 'colour', attributes #> '{a,b}', attributes #>> '{colour}' FROM product
SELECT name FROM product WHERE attributes @> '{"persons": 2}' OR attributes ? 'colour' OR attributes ?| ARRAY['a', 'b'] OR attributes ?& ARRAY['a'] OR '{}' <@ attributes
SELECT (attributes ->> 'capacity_mah')::int FROM product WHERE attributes ? 'capacity_mah'
SELECT key, count(*) FROM product, jsonb_object_keys(attributes) AS key GROUP BY key
SELECT p.name, e.key, e.value FROM product p CROSS JOIN jsonb_each(p.attributes) AS e(key, value)
SELECT jsonb_typeof(attributes), jsonb_typeof(attributes -> 'persons'), jsonb_pretty(attributes) FROM product LIMIT 3
SELECT jsonb_build_object('name', name, 'tags', tags), jsonb_build_array(1, 'a', true), json_build_object('a', 1), to_jsonb(tags), to_json(name), array_to_json(tags) FROM product LIMIT 3
SELECT attributes || '{"new": true}', attributes - 'colour', attributes - ARRAY['a', 'b'], attributes #- '{a,b}' FROM product LIMIT 3
SELECT jsonb_set(attributes, '{colour}', '"red"'), jsonb_insert('{"a": [1]}', '{a,0}', '2'), jsonb_strip_nulls(attributes), jsonb_set_lax('{"a": 1}', '{a}', NULL) FROM product LIMIT 3
SELECT jsonb_path_query(attributes, '$.*'), jsonb_path_exists(attributes, '$.persons ? (@ > 2)'), jsonb_path_query_first(attributes, '$.colour'), jsonb_path_query_array(attributes, '$.keyvalue().key') FROM product LIMIT 3
SELECT attributes @? '$.persons ? (@ >= 2 && @ < 5)', attributes @@ '$.persons > 2', jsonb_path_match('{"a": 1}', '$.a == 1') FROM product LIMIT 3
SELECT jsonb_path_query('{"d": "2024-01-01"}', '$.d.datetime()'), jsonb_path_query('[1, 2, 3]', '$[*] ? (@ > $x)', '{"x": 1}')
SELECT '$.a.b[*] ? (@.c like_regex "^x" flag "i")'::jsonpath
SELECT value FROM jsonb_array_elements('[1, 2, 3]'), json_array_elements_text('["a", "b"]') AS t(x)
SELECT x.a, x.b FROM jsonb_to_record('{"a": 1, "b": "x"}') AS x(a int, b text)
SELECT * FROM jsonb_to_recordset('[{"a": 1}, {"a": 2}]') AS x(a int)
SELECT r.name, r.founded_in FROM json_populate_record(NULL::brand, '{"name": "x", "founded_in": 1990}') r
SELECT r.list_price FROM jsonb_populate_recordset(NULL::product, '[{"list_price": 5}]') r
SELECT jsonb_array_length('[1, 2]'), json_array_length('[]'), '[1, 2]'::jsonb -> 0, '[1, 2]'::jsonb ->> -1, json_typeof('null')
SELECT json_strip_nulls('{"a": null}'), json_object('{a,1,b,2}'), jsonb_object(ARRAY['a'], ARRAY['b']), row_to_json(ROW(1, 'x'))
SELECT '{"a": 1}'::json ->> 'a', '{"a": 1}'::jsonb = '{"a":1}'::jsonb, '{"a": {"b": 1}}'::jsonb #>> '{a,b}'
-- since 14
SELECT attributes['colour'], attributes['a']['b'] FROM product LIMIT 3
SELECT name FROM product ORDER BY attributes ->> 'colour' NULLS LAST LIMIT 3
SELECT attributes ->> 'colour' AS colour, count(*), avg(list_price) FROM product GROUP BY 1 ORDER BY 2 DESC
SELECT jsonb_agg(jsonb_build_object('n', name) ORDER BY name) FILTER (WHERE is_own_brand) FROM brand
SELECT count(*) FROM product WHERE (attributes -> 'waterproof')::boolean
