-- Customers. Who bought when comes first, since it decides when somebody became a customer and how
-- loyal they are.

-- Every order's day and buyer. Business grows from year to year and has two seasons, early summer
-- and Christmas. Buyer 1 is the most faithful one of 2,000.
CREATE TABLE build.visit AS
SELECT n, bought_at, 1 + build.skew('buyer', n, 2000, 5) AS buyer
  FROM (VALUES (2019, 45), (2020, 60), (2021, 85), (2022, 95), (2023, 100), (2024, 115), (2025, 130)) AS y(year, business)
 CROSS JOIN (VALUES (1, 70), (2, 65), (3, 85), (4, 100), (5, 120), (6, 130), (7, 125), (8, 110), (9, 90), (10, 85),
                    (11, 115), (12, 150)) AS m(month, season)
 CROSS JOIN LATERAL generate_series(1, business * season * 85 / 10000) AS i
 CROSS JOIN LATERAL (SELECT (year * 12 + month) * 1000 + i AS n, make_date(year, month, 1) AS first_day) AS k
 CROSS JOIN LATERAL (SELECT first_day + build.draw('day', n, (first_day + interval '1 month')::date - first_day)
                            + (540 + build.draw('minute', n, 560)) * interval '1 minute'
                            + build.draw('second', n, 60) * interval '1 second' AS bought_at) AS b
 WHERE bought_at < '2025-12-31 18:00';

CREATE TABLE build.buyer AS
WITH joined AS (
  SELECT buyer, CASE WHEN count(bought_at) > 0 THEN min(bought_at)::date - build.skew('joined', buyer, 90, 0)
                     ELSE date '2025-12-24' - build.draw('joined', buyer, 2500) END AS joined_on
    FROM generate_series(1, 2000) AS buyer LEFT JOIN build.visit USING (buyer)
   GROUP BY buyer
)
SELECT (row_number() OVER (ORDER BY joined_on, buyer))::int AS customer_id, buyer, joined_on, country_code, calling_code
  FROM joined JOIN build.market ON market = 1 + build.skew('country', buyer, 16, 3);

-- Cities, larger ones first. '#' in a postal code stands for a digit that is drawn.
CREATE TABLE build.city AS
SELECT country_code, place, split_part(entry, ':', 2) AS city, split_part(entry, ':', 1) AS postal_code,
       length(entry) - length(replace(entry, '#', '')) AS blanks,
       count(*) OVER (PARTITION BY country_code) AS cities, streets::text[] AS streets
  FROM (VALUES
    ('DE', '10###:Berlin,80###:Munich,20###:Hamburg,50###:Cologne,70###:Stuttgart,'
           '04###:Leipzig,79###:Freiburg,87###:Kempten,01###:Dresden,83###:Rosenheim',
           '{Hauptstrasse,Bergstrasse,Lindenweg,Gartenstrasse,Bahnhofstrasse,Am Waldrand,Schillerstrasse}'),
    ('AT', '10##:Vienna,60##:Innsbruck,80##:Graz,50##:Salzburg,40##:Linz,69##:Bregenz,90##:Klagenfurt',
           '{Hauptplatz,Dorfstrasse,Alpenweg,Mozartgasse,Innstrasse,Kirchengasse}'),
    ('CH', '80##:Zurich,30##:Bern,40##:Basel,10##:Lausanne,70##:Chur,12##:Geneva',
           '{Bahnhofstrasse,Seeweg,Dorfplatz,Rebgasse,Bergweg}'),
    ('FR', '69###:Lyon,38###:Grenoble,75###:Paris,74###:Annecy,67###:Strasbourg,64###:Pau',
           '{Rue du Lac,Avenue des Alpes,Rue des Lilas,Chemin du Moulin,Rue Victor Hugo}'),
    ('IT', '20###:Milan,39###:Bolzano,10###:Turin,38###:Trento,37###:Verona',
           '{Via Roma,Via Garibaldi,Via delle Rose,Corso Italia,Via Monte Rosa}'),
    ('NL', '10##:Amsterdam,35##:Utrecht,30##:Rotterdam,97##:Groningen', '{Dorpsstraat,Molenweg,Kerkstraat,Parklaan}'),
    ('SE', '11###:Stockholm,41###:Gothenburg,75###:Uppsala,98###:Kiruna', '{Storgatan,Skogsvagen,Kungsgatan,Bjorkvagen}'),
    ('NO', '01##:Oslo,50##:Bergen,70##:Trondheim,90##:Tromso', '{Storgata,Fjordveien,Kirkegata,Solbakken}'),
    ('DK', '21##:Copenhagen,80##:Aarhus,50##:Odense', '{Algade,Strandvej,Skovvej,Norregade}'),
    ('BE', '10##:Brussels,90##:Ghent,40##:Liege', '{Stationsstraat,Rue Neuve,Nieuwstraat,Rue du Bois}'),
    ('CZ', '11###:Prague,60###:Brno,46###:Liberec', '{Nadrazni,Lipova,Zahradni,Horska}'),
    ('PL', '31###:Krakow,00###:Warsaw,34###:Zakopane', '{Lipowa,Ogrodowa,Polna,Lesna}'),
    ('SI', '10##:Ljubljana,20##:Maribor,42##:Kranj', '{Slovenska cesta,Gorska pot,Vrtna ulica}'),
    ('ES', '08###:Barcelona,28###:Madrid,22###:Huesca', '{Calle Mayor,Avenida del Sol,Calle del Pino}'),
    ('GB', 'EH# 4QT:Edinburgh,M## 1AE:Manchester,LA# 2BD:Kendal,S## 3GH:Sheffield', '{High Street,Mill Lane,Church Road,Station Road}'),
    ('FI', '00###:Helsinki,33###:Tampere,96###:Rovaniemi', '{Koivutie,Rantakatu,Metsapolku}')) AS c(country_code, entries, streets)
 CROSS JOIN LATERAL unnest(string_to_array(entries, ',')) WITH ORDINALITY AS e(entry, place);

-- The stores of each country, the oldest first.
CREATE TABLE build.near AS
SELECT country_code, store_id, opened_on,
       row_number() OVER (PARTITION BY country_code ORDER BY store_id) AS place,
       count(*) OVER (PARTITION BY country_code) AS stores
  FROM store;

INSERT INTO customer (customer_id, full_name, email, phone, birth_date, joined_on, tier, credit_limit,
                      accepts_newsletter, preferred_store_id, referrer_id)
SELECT customer_id, full_name,
       build.plain(full_name, '.') || build.pick('domain', buyer, '{@example.com,@example.org}'),
       CASE WHEN build.chance('phone', buyer, 65)
            THEN '+' || calling_code || ' 555 ' || 100000 + build.draw('number', buyer, 900000) END,
       CASE WHEN build.chance('birth', buyer, 82)
            THEN date '2001-12-31' - build.draw('birth', buyer, 9000) - build.draw('older', buyer, 9000) END,
       joined_on,
       (CASE WHEN buyer <= 45 THEN 'platinum' WHEN buyer <= 190 THEN 'gold' WHEN buyer <= 600 THEN 'silver'
             ELSE 'bronze' END)::loyalty_tier,
       CASE WHEN build.chance('credit', buyer, 30) OR buyer <= 45
            THEN 250 * (1 + build.skew('limit', buyer, 12, 10)) END,
       build.chance('newsletter', buyer, 58), n.store_id,
       CASE WHEN customer_id > 20 AND build.chance('referred', buyer, 14)
            THEN 1 + build.skew('referrer', buyer, customer_id - 1, 10) END
  FROM build.buyer b
 CROSS JOIN LATERAL (SELECT build.person(500 + buyer) AS full_name) AS p
  LEFT JOIN build.near n ON n.country_code = b.country_code AND build.chance('prefers', buyer, 60)
                        AND n.place = 1 + build.skew('preferred', buyer, n.stores, 25)
 ORDER BY customer_id;

-- The first address is where a customer lives; some have more, in the same country.
INSERT INTO address (address_id, customer_id, street, postal_code, city, country_code, is_default)
SELECT row_number() OVER (ORDER BY customer_id, i), customer_id,
       build.pick('street', n, streets) || ' ' || 1 + build.skew('house', n, 140, 10),
       regexp_replace(postal_code, '#+', lpad(build.draw('postal', n, (10 ^ blanks)::bigint)::text, blanks, '0')),
       city, c.country_code, i = 1
  FROM build.buyer b
 CROSS JOIN LATERAL generate_series(1, 1 + build.skew('addresses', buyer, 3, 5) * build.draw('moves', buyer, 2)) AS i
 CROSS JOIN LATERAL (SELECT buyer * 4 + i AS n) AS k
  JOIN build.city c ON c.country_code = b.country_code AND place = 1 + build.skew('city', n, cities, 15)
 ORDER BY customer_id, i;
