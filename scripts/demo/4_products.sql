-- The product range: products, who supplies them, what they were on sale for.

-- Of all series and variants of a kind a few are made. The later variants are dearer and heavier.
CREATE TABLE build.made AS
WITH combination AS (
  SELECT k.*, s.name AS series, s.brand_id, v.name AS variant, v.variant_no,
         k.kind_no * 1000 + s.series_no * 10 + v.variant_no AS n
    FROM build.kind k CROSS JOIN build.series s
    CROSS JOIN LATERAL unnest(k.variants) WITH ORDINALITY AS v(name, variant_no)
), chosen AS (
  SELECT c.*, row_number() OVER (PARTITION BY kind_no ORDER BY build.draw('made', n, 268435456), n) AS place
    FROM combination c
), described AS (
  SELECT c.*, (variant_no - 1) * 500 / cardinality(variants) AS heft,
         date '2014-03-01' + CASE WHEN build.chance('old', n, 60) THEN build.draw('released', n, 1750)
                                  ELSE 1750 + build.draw('released', n, 2480) END AS released_on
    FROM chosen c WHERE place <= products
)
SELECT row_number() OVER (ORDER BY released_on, n) AS product_id, d.*,
       low + (high - low) * (heft + build.draw('price', n, 500)) / 1000 AS whole_euros,
       grams_low + (grams_high - grams_low) * (heft + build.draw('grams', n, 500)) / 1000 AS grams,
       CASE WHEN build.chance('ended', n, 22) THEN released_on + 500 + build.draw('ended on', n, 1500) END AS ended_on
  FROM described d;

INSERT INTO product (product_id, name, brand_id, category_id, list_price, grams, warranty_years, tags,
                     attributes, released_on, discontinued_on, is_active)
SELECT product_id, series || ' ' || variant || ' ' || kind, brand_id, category_id,
       whole_euros + CASE WHEN whole_euros < 20 AND build.chance('cents', n, 50) THEN 0.49 ELSE 0.95 END,
       CASE WHEN build.chance('not weighed', n, 3) THEN NULL WHEN grams > 200 THEN grams - grams % 5 ELSE grams END,
       warranty,
       tags || array_remove(ARRAY[
         CASE WHEN grams < grams_low + (grams_high - grams_low) / 4 THEN 'lightweight' END,
         CASE WHEN build.chance('recycled', n, 25) THEN 'recycled' END,
         CASE WHEN build.chance('vegan', n, 15) AND kind NOT IN ('Down Jacket', 'Sleeping Bag') THEN 'vegan' END,
         CASE WHEN build.chance('european', n, 20) THEN 'made in Europe' END,
         CASE WHEN build.chance('limited', n, 4) THEN 'limited edition' END], NULL),
       jsonb_strip_nulls(jsonb_build_object(
         'material', build.pick('material', n, materials),
         'colour', CASE WHEN category_id <> 43 THEN build.pick('colour', n,
           '{black,grey,navy,moss green,forest green,red,orange,sand,sky blue,violet,yellow}') END,
         'sizes', CASE WHEN measure = 'sizes' THEN
           CASE WHEN category_id BETWEEN 16 AND 19 THEN '["38","40","42","44","46"]'::jsonb
                WHEN build.chance('sizes', n, 70) THEN '["S","M","L","XL"]'::jsonb ELSE '["S","M","L"]'::jsonb END END))
         || CASE WHEN measure <> 'sizes' THEN jsonb_build_object(measure, variant::numeric) ELSE '{}'::jsonb END,
       released_on, CASE WHEN ended_on < '2025-12-01' THEN ended_on END, coalesce(ended_on, '2099-01-01') >= '2025-12-01'
  FROM build.made ORDER BY product_id;

-- How well products sell: fame 1 is the best seller. What comes after 580 has never been sold.
CREATE TABLE build.fame AS
SELECT row_number() OVER (ORDER BY build.draw('fame', product_id, 268435456), product_id) AS fame,
       product_id, list_price, released_on, coalesce(discontinued_on, '2099-01-01') AS ended_on
  FROM product;
CREATE UNIQUE INDEX ON build.fame (fame);

INSERT INTO supplier (supplier_id, name, country_code, email, phone, quality_score, lead_days, partner_since)
SELECT id, s.name, country_code, 'sales.' || build.plain(s.name, '') || '@example.org',
       CASE WHEN build.chance('s phone', id, 80)
            THEN '+' || calling_code || ' 555 ' || 10000 + build.draw('s number', id, 90000) END,
       CASE WHEN build.chance('audited', id, 85) THEN 5.5 + build.draw('quality', id, 45) / 10.0 END,
       3 + build.skew('lead', id, 60, 20), date '2011-02-01' + build.draw('since', id, 4700)
  FROM unnest(
    '{Steinbach Trading,Hallvard Imports,Tessin Textiles,Baltic Down Company,Lindqvist and Sons,Orlo Metalworks,
      Rhine Valley Fabrics,Pennine Leather,Dolomia Calzature,Brabant Wholesale,Moravia Plastics,Savoie Cordage,
      Gdynia Sailcloth,Karawanken Tools,Oresund Logistics,Tatra Wool Mill,Ebro Composites,Hardanger Steel,
      Jura Optics,Zeeland Tarpaulins,Vistula Electronics,Styria Footwear,Galway Knitwear,Lapland Reindeer Leather,
      Bohemia Glass and Flask,Aosta Alpine Parts,Cumbria Waxworks,Skane Foods,Burgundy Provisions,Ljubljana Lamps,
      Antwerp Forwarding,Tyrol Timber,Asturias Rubber,Turku Polymers,Reykjanes Fibre,Kent Paper and Print}'::text[])
    WITH ORDINALITY AS s(name, id)
  JOIN unnest('{DE,NO,CH,PL,SE,IT,DE,GB,IT,NL,CZ,FR,PL,SI,DK,PL,ES,NO,CH,NL,PL,AT,IE,FI,CZ,IT,GB,SE,FR,SI,
      BE,AT,ES,FI,IS,GB}'::text[])
    WITH ORDINALITY AS c(country_code, id) USING (id)
  JOIN build.market USING (country_code)
 ORDER BY id;

-- The last three suppliers have not delivered anything yet.
INSERT INTO product_supplier (product_id, supplier_id, purchase_price, minimum_quantity, is_preferred)
SELECT product_id, supplier_id, round(list_price * (42 + build.draw('cost', product_id * 4 + choice, 22)) / 100, 2),
       (ARRAY[1, 5, 10, 12, 20, 25, 50, 100])[1 + build.skew('minimum', product_id * 4 + choice, 8, 40)], choice = 1
  FROM (SELECT DISTINCT ON (product_id, supplier_id) product_id, list_price, choice,
               1 + build.skew('supplier', product_id * 4 + choice, 33, 15) AS supplier_id
          FROM product CROSS JOIN generate_series(1, 3) AS choice
         WHERE choice = 1 OR build.chance('second source', product_id * 4 + choice, 40)
         ORDER BY product_id, supplier_id, choice) AS offers
 ORDER BY product_id, supplier_id;

INSERT INTO promotion (promotion_id, title, discount_percent, channel, starts_on, ends_on, budget)
SELECT row_number() OVER (ORDER BY starts_on), title || ' ' || year, discount, channel::sales_channel,
       starts_on, starts_on + days,
       CASE WHEN build.chance('budget', key, 80) THEN (4 + build.skew('euros', key, 60, 20)) * 250 END
  FROM generate_series(2019, 2025) AS year
 CROSS JOIN (VALUES
    (1, 'Winter Sale',           1,  7, 'store', 20), (2, 'Spring Trail Days',       4,  1, NULL, 13),
    (3, 'Summer Kick-off',       6, 10, NULL,    11), (4, 'Back to the Mountains',   8, 25, NULL, 16),
    (5, 'Black Week',           11, 22, 'web',    7), (6, 'Christmas Deals',        12,  5, NULL, 15))
    AS s(season, title, month, day, channel, days)
 CROSS JOIN LATERAL (SELECT year * 10 + season AS key) AS keyed
 CROSS JOIN LATERAL (SELECT make_date(year, month, day) + build.draw('start', key, 5) AS starts_on,
                            (ARRAY[10, 15, 20, 25, 30, 40])[1 + build.skew('discount', key, 6, 50)] AS discount) AS drawn
 ORDER BY starts_on;

-- Two promotions were called off before products had been chosen.
INSERT INTO promotion_product (promotion_id, product_id, is_featured)
SELECT promotion_id, product_id, build.chance('featured', promotion_id * 1000 + product_id, 12)
  FROM promotion
  JOIN LATERAL (SELECT DISTINCT build.skew('on sale', promotion_id * 1000 + i, 600, 25) + 1 AS fame
                  FROM generate_series(1, 60 + build.draw('articles', promotion_id, 50)) AS i) AS drawn ON true
  JOIN build.fame USING (fame)
 WHERE starts_on > released_on AND ends_on < ended_on AND title NOT IN ('Summer Kick-off 2020', 'Winter Sale 2021')
 ORDER BY promotion_id, product_id;
