-- Stores, who works there and at head office, and what the stores have.

INSERT INTO store (store_id, name, street, city, country_code, opened_on, floor_area, opens_at, closes_at,
                   has_repair_shop, has_climbing_wall)
SELECT id, name, street, city, country_code, opened_on::date, floor_area,
       time '09:00' + build.draw('opens', id, 3) * interval '30 minutes',
       time '18:00' + build.draw('closes', id, 5) * interval '30 minutes',
       floor_area > 600 OR build.chance('repairs', id, 25), floor_area > 1000
  FROM (VALUES
    ( 1, 'Munich Old Town',        'Sendlinger Strasse 14',   'Munich',     'DE', '2011-03-12', 1450),
    ( 2, 'Innsbruck Nordkette',    'Innrain 27',              'Innsbruck',  'AT', '2011-10-01',  880),
    ( 3, 'Berlin Kreuzberg',       'Oranienstrasse 112',      'Berlin',     'DE', '2012-04-21', 1180),
    ( 4, 'Hamburg Harbour',        'Am Sandtorkai 8',         'Hamburg',    'DE', '2013-03-09',  760),
    ( 5, 'Vienna Naschmarkt',      'Linke Wienzeile 40',      'Vienna',     'AT', '2013-09-14',  940),
    ( 6, 'Zurich Lakeside',        'Seefeldstrasse 61',       'Zurich',     'CH', '2014-05-03',  690),
    ( 7, 'Stuttgart West',         'Rotebuehlstrasse 77',     'Stuttgart',  'DE', '2014-10-11',  540),
    ( 8, 'Grenoble Bastille',      'Quai Perriere 5',         'Grenoble',   'FR', '2015-04-18',  620),
    ( 9, 'Bolzano Arcades',        'Via dei Portici 33',      'Bolzano',    'IT', '2015-06-06',  580),
    (10, 'Cologne Rhine Bank',     'Severinstrasse 19',       'Cologne',    'DE', '2016-03-19',  720),
    (11, 'Amsterdam Canals',       'Haarlemmerdijk 88',       'Amsterdam',  'NL', '2016-09-03',  450),
    (12, 'Salzburg Fortress',      'Linzer Gasse 21',         'Salzburg',   'AT', '2016-11-05',  410),
    (13, 'Bern Arcades',           'Kramgasse 46',            'Bern',       'CH', '2017-04-08',  480),
    (14, 'Munich North',           'Leopoldstrasse 230',      'Munich',     'DE', '2017-10-14', 1020),
    (15, 'Copenhagen Harbour',     'Islands Brygge 12',       'Copenhagen', 'DK', '2018-03-24',  520),
    (16, 'Stockholm South',        'Gotgatan 54',             'Stockholm',  'SE', '2018-05-12',  610),
    (17, 'Lyon Presquile',         'Rue de la Republique 17', 'Lyon',       'FR', '2018-09-22',  560),
    (18, 'Oslo Fjord',             'Torggata 30',             'Oslo',       'NO', '2019-04-06',  570),
    (19, 'Prague Lesser Town',     'Karmelitska 9',           'Prague',     'CZ', '2019-09-07',  430),
    (20, 'Leipzig Station',        'Nikolaistrasse 36',       'Leipzig',    'DE', '2020-09-26',  390),
    (21, 'Milan Navigli',          'Ripa di Porta Ticinese 7','Milan',      'IT', '2021-06-12',  660),
    (22, 'Graz Clock Tower',       'Sackstrasse 15',          'Graz',       'AT', '2021-10-16',  360),
    (23, 'Krakow Market Square',   'Ulica Florianska 22',     'Krakow',     'PL', '2022-05-21',  470),
    (24, 'Utrecht Cathedral',      'Oudegracht 141',          'Utrecht',    'NL', '2023-03-25',  380),
    (25, 'Lausanne Terraces',      'Rue de Bourg 28',         'Lausanne',   'CH', '2024-05-04',  420),
    (26, 'Ljubljana Riverside',    'Trubarjeva cesta 11',     'Ljubljana',  'SI', '2025-12-30',  440))
    AS s(id, name, street, city, country_code, opened_on, floor_area);

-- 4,800 full names, each once: number n stands for one first name and one last name. The numbers
-- jump through them, for 1777 has no divisor in common with 4800.
CREATE FUNCTION build.person(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ('{Anna,Lukas,Marie,Jonas,Sofia,Emil,Clara,Felix,Nora,Paul,Elena,Oskar,Ida,Matteo,Lena,Hugo,Freya,Jan,
            Julia,Erik,Camille,Tomas,Astrid,David,Alice,Henrik,Laura,Simon,Greta,Pierre,Eva,Nils,Chiara,Stefan,
            Ingrid,Marco,Hanna,Adam,Louise,Viktor,Maja,Daniel,Katarina,Leon,Rosa,Martin,Signe,Andre,Petra,
            Samuel,Linnea,Georg,Teresa,Magnus,Helena,Rafael,Agnes,Ruben,Zofia,Callum}'::text[])[1 + n * 1777 % 4800 % 60]
         || ' ' ||
         ('{Berger,Novak,Larsen,Moreau,Rossi,Keller,Jansen,Lindgren,Fischer,Kowalski,Hofer,Dubois,Nilsen,Wagner,
            Bianchi,Svoboda,Meier,Hansen,Garcia,Brandt,Visser,Gruber,Laurent,Olsen,Huber,Ferrari,Dvorak,Vogel,
            Peeters,Eriksson,Weber,Martinez,Horvat,Baumann,Lefevre,Andersen,Steiner,Conti,Nowak,Schuster,
            Bakker,Virtanen,Egger,Girard,Kristensen,Pichler,Marino,Prochazka,Frei,Dahl,Roth,Fournier,Mulder,
            Zimmermann,Lund,Moser,Greco,Wisniewski,Kaufmann,Berg,Claes,Haas,Bonnet,Solberg,Winkler,Kovac,
            Gallagher,Thomsen,Reiter,Serrano,Sandberg,Brunner,Mercier,Holm,Auer,Whitfield,Lang,Romano,
            Seidl,Ashworth}'::text[])[1 + n * 1777 % 4800 / 60]
$$;

-- Posts from the top down, so that a manager is known before the staff. A store's first two
-- assistants come at its opening and stay, so that there is someone to sell on every day.
CREATE TABLE build.post (employee_id serial, job_title text, store_id int, manager_id int, started date, pay int,
                         may_leave boolean DEFAULT false);
INSERT INTO build.post (job_title, manager_id, started, pay) VALUES
  ('Chief executive',           NULL, '2010-09-01', 11500),
  ('Head of sales',             1,    '2010-11-01', 7800), ('Head of purchasing',    1, '2011-02-01', 7400),
  ('Head of customer service',  1,    '2012-01-16', 6600), ('Head of finance',       1, '2013-05-01', 7900),
  ('Head of e-commerce',        1,    '2014-08-01', 7200), ('Head of human resources', 1, '2016-03-01', 6500),
  ('Regional manager',          2,    '2012-06-01', 5600), ('Regional manager',      2, '2013-04-15', 5500),
  ('Regional manager',          2,    '2015-01-12', 5400), ('Regional manager',      2, '2017-11-01', 5200);
INSERT INTO build.post (job_title, store_id, manager_id, started, pay)
SELECT 'Store manager', store_id, CASE WHEN country_code = 'DE' THEN 8 WHEN country_code IN ('AT', 'SI', 'CZ', 'PL') THEN 9
                                       WHEN country_code IN ('CH', 'IT', 'FR') THEN 10 ELSE 11 END,
       opened_on - 40, 3600 + floor_area
  FROM store ORDER BY store_id;
INSERT INTO build.post (job_title, manager_id, started, pay, may_leave)
SELECT title, head, from_day + build.draw(title, i, days), pay, title <> 'Customer advisor' OR i > 5
  FROM (VALUES (1, 'Customer advisor', 4, 14, date '2012-03-01', 2200, 2500), (2, 'Buyer', 3, 6, '2012-03-01', 4400, 3700),
               (3, 'Web developer', 6, 7, '2014-10-01', 3900, 4600), (4, 'Accountant', 5, 5, '2013-07-01', 4200, 3900),
               (5, 'Warehouse clerk', 3, 16, '2012-03-01', 4700, 2300), (6, 'Content editor', 6, 3, '2015-02-01', 3600, 3200),
               (7, 'Recruiter', 7, 2, '2017-02-01', 2500, 3500)) AS t(place, title, head, posts, from_day, days, pay)
 CROSS JOIN generate_series(1, posts) AS i ORDER BY place, i;
INSERT INTO build.post (job_title, store_id, manager_id, started, pay, may_leave)
SELECT CASE WHEN i = 3 AND has_repair_shop THEN 'Workshop technician' ELSE 'Sales assistant' END, store_id, employee_id,
       CASE WHEN i <= 2 THEN opened_on - 14
            ELSE opened_on + build.draw('hired', store_id * 100 + i, date '2025-11-15' - opened_on) END, 2350, i > 2
  FROM store JOIN build.post USING (store_id)
 CROSS JOIN LATERAL generate_series(1, 3 + floor_area / 130) AS i
 WHERE i <= 2 OR opened_on < '2025-06-01'
 ORDER BY store_id, i;

INSERT INTO employee (employee_id, full_name, email, phone, job_title, store_id, manager_id, hired_on, left_on,
                      salary, weekly_hours)
SELECT employee_id, build.person(employee_id), build.plain(build.person(employee_id), '.') || '@example.com',
       CASE WHEN build.chance('e phone', employee_id, 70) OR employee_id < 40
            THEN '+' || coalesce(calling_code, 49) || ' 555 ' || 20000 + build.draw('e number', employee_id, 70000) END,
       job_title, store_id, manager_id, started, CASE WHEN gone_on < '2025-12-20' THEN gone_on END,
       pay * (100 + least((date '2025-12-31' - started) / 200, 20) + build.draw('pay', employee_id, 12))
           / 40 * hours / 1000 * 10, hours
  FROM build.post
  LEFT JOIN store USING (store_id)
  LEFT JOIN build.market USING (country_code)
 CROSS JOIN LATERAL (SELECT CASE WHEN job_title IN ('Sales assistant', 'Customer advisor', 'Warehouse clerk')
             THEN (ARRAY[40, 38, 30, 24, 20, 12])[1 + build.skew('hours', employee_id, 6, 30)] ELSE 40 END AS hours) AS h
  LEFT JOIN LATERAL (SELECT started + 200 + build.draw('gone', employee_id, 2200) AS gone_on
                      WHERE may_leave AND build.chance('leaves', employee_id, 40)) AS g ON true
 ORDER BY employee_id;

-- Every store but the newest has some of the products on sale, the well-known ones more surely and
-- in larger numbers.
INSERT INTO stock (store_id, product_id, quantity, reorder_level, shelf, counted_on)
SELECT store_id, product_id,
       CASE WHEN build.chance('sold out', n, 6) THEN 0 ELSE 1 + build.skew('stocked', n, 16 + 4000 / (40 + fame), 30) END,
       1 + build.skew('reorder', n, 6, 20) + 60 / (20 + fame),
       CASE WHEN build.chance('shelf', n, 88)
            THEN chr(65 + build.draw('row', n, 6)::int) || 1 + build.draw('bay', n, 18) END,
       date '2025-12-20' - build.skew('counted', n, 330, 20)
  FROM store CROSS JOIN build.fame
 CROSS JOIN LATERAL (SELECT store_id * 1000 + product_id AS n) AS k
 WHERE opened_on < '2025-12-01' AND ended_on > '2025-12-01'
   AND build.chance('stocked', n, (15 + least(25, floor_area / 50) + 2000 / (60 + fame))::int)
 ORDER BY store_id, product_id;
