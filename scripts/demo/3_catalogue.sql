-- The draws that all rows are made of, then the lists behind the product range: countries, brands,
-- categories, kinds of product. The schema build holds what only the making needs; 9_finish.sql drops it.

SET jit = off;  -- without statistics yet, short statements are taken for long ones and compiled

CREATE SCHEMA build;

-- A whole number from 0 to sides - 1, always the same for the same text and number. md5, since
-- random() and PostgreSQL's own hash functions differ between versions.
CREATE FUNCTION build.draw(what text, n bigint, sides bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT (('x' || substr(md5(what || n::text), 1, 7))::bit(28)::bigint * sides >> 28)::integer
$$;

-- The same, small numbers far more often than large ones: a uniform draw, squared. The smaller
-- `ease`, the steeper; whole numbers throughout, since exp() and ln() may differ in the last digit.
CREATE FUNCTION build.skew(what text, n bigint, sides bigint, ease bigint) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  u bigint := build.draw(what, n, 1048576);
  e bigint := ease * 20972;
BEGIN
  RETURN u * (u + e) * sides / (1048576 * (1048576 + e));
END $$;

CREATE FUNCTION build.chance(what text, n bigint, percent integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT build.draw(what, n, 100) < percent
$$;

CREATE FUNCTION build.pick(what text, n bigint, list text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT list[1 + build.draw(what, n, cardinality(list))]
$$;

-- A text for addresses: small letters, and something else in place of blanks. In the C collation, for
-- a Turkish one makes another letter of I.
CREATE FUNCTION build.plain(name text, blank text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT replace(lower(name COLLATE "C"), ' ', blank)
$$;

-- Most important market first: 6_customers.sql draws customers' countries by this order. Nobody has
-- ordered from the last two.
CREATE TABLE build.market (market serial, country_code text, name text, region text, vat_rate numeric,
                           shipping_fee numeric, delivery_days int, is_eu_member boolean, calling_code int);
INSERT INTO build.market (country_code, name, region, vat_rate, shipping_fee, delivery_days, is_eu_member, calling_code) VALUES
  ('DE', 'Germany',        'Central Europe',  19.0,  4.95, 2, true, 49),
  ('AT', 'Austria',        'Central Europe',  20.0,  4.95, 2, true, 43),
  ('CH', 'Switzerland',    'Central Europe',   8.1,  9.95, 3, false, 41),
  ('FR', 'France',         'Western Europe',  20.0,  6.95, 3, true, 33),
  ('IT', 'Italy',          'Southern Europe', 22.0,  6.95, 3, true, 39),
  ('NL', 'Netherlands',    'Western Europe',  21.0,  5.95, 2, true, 31),
  ('SE', 'Sweden',         'Northern Europe', 25.0,  8.95, 4, true, 46),
  ('NO', 'Norway',         'Northern Europe', 25.0, 12.95, 5, false, 47),
  ('DK', 'Denmark',        'Northern Europe', 25.0,  6.95, 3, true, 45),
  ('BE', 'Belgium',        'Western Europe',  21.0,  5.95, 2, true, 32),
  ('CZ', 'Czechia',        'Central Europe',  21.0,  5.95, 3, true, 420),
  ('PL', 'Poland',         'Central Europe',  23.0,  5.95, 3, true, 48),
  ('SI', 'Slovenia',       'Southern Europe', 22.0,  6.95, 3, true, 386),
  ('ES', 'Spain',          'Southern Europe', 21.0,  7.95, 4, true, 34),
  ('GB', 'United Kingdom', 'Western Europe',  20.0, 11.95, 6, false, 44),
  ('FI', 'Finland',        'Northern Europe', 25.5,  9.95, 5, true, 358),
  ('IE', 'Ireland',        'Western Europe',  23.0, 10.95, 6, true, 353),
  ('IS', 'Iceland',        'Northern Europe', 24.0, 19.95, 8, false, 354);

INSERT INTO country (country_code, name, region, vat_rate, shipping_fee, delivery_days, is_eu_member)
SELECT country_code, name, region, vat_rate, shipping_fee, delivery_days, is_eu_member
  FROM build.market ORDER BY market;

INSERT INTO brand (brand_id, name, country_code, founded_in, website, is_own_brand)
SELECT id, name, country_code, founded_in,
       CASE WHEN build.chance('website', id, 85)
            THEN 'https://' || build.plain(name, '') || '.example.com' END,
       name LIKE 'Basecamp %'
  FROM (VALUES
    (1, 'Basecamp Basics', 'DE', 2011), (2, 'Alpwerk', 'AT', 1962), (3, 'Nordfell', 'NO', 1978),
    (4, 'Cairnstone', 'GB', 1984), (5, 'Basecamp Pro', 'DE', 2013), (6, 'Bergquell', 'DE', 1949),
    (7, 'Vallombre', 'FR', 1971), (8, 'Skarvik', 'SE', 1990), (9, 'Monte Verano', 'IT', 1958),
    (10, 'Kestrel and Crow', 'IE', 2003), (11, 'Tarnhaus', 'CH', 1933), (12, 'Fjordline Gear', 'NO', 1996),
    (13, 'Lumo Outdoor', 'FI', 2008), (14, 'Polder Supply', 'NL', 2004), (15, 'Karpat', 'PL', 1999),
    (16, 'Sumava Sport', 'CZ', 1987), (17, 'Triglav Works', 'SI', 1993), (18, 'Sierra Clara', 'ES', 1981),
    (19, 'Ardenne Atelier', 'BE', 2010), (20, 'Hekla Wool', 'IS', 1965), (21, 'Havhest', 'DK', 2001),
    (22, 'Gratwanderer', 'DE', 2008), (23, 'Piz Grond', 'CH', 1976), (24, 'Isbre', 'NO', 2012),
    (25, 'Cordata', 'IT', 1968), (26, 'Refuge Blanc', 'FR', 1994), (27, 'Moorland Mills', 'GB', 1921),
    (28, 'Oxbjorn Trail', 'SE', 2005), (29, 'Kaltwasser', 'AT', 2006), (30, 'Rowan and Reed', 'IE', 2009),
    (31, 'Duinen', 'NL', 2021), (32, 'Westwind Yards', 'DK', 1989)) AS b(id, name, country_code, founded_in);

INSERT INTO category (category_id, parent_id, name, menu_position, is_seasonal) VALUES
  (1, NULL, 'Clothing', 1, false), (2, NULL, 'Footwear', 2, false), (3, NULL, 'Camping', 3, false),
  (4, NULL, 'Packs and Bags', 4, false), (5, NULL, 'Climbing', 5, false), (6, NULL, 'Winter Sports', 6, true),
  (7, NULL, 'Water Sports', 7, true), (8, NULL, 'Navigation and Electronics', 8, false),
  (9, NULL, 'Provisions', 9, false), (10, NULL, 'Books and Maps', 10, false),
  (11, 1, 'Jackets', 1, false), (12, 1, 'Trousers', 2, false), (13, 1, 'Base Layers', 3, false),
  (14, 1, 'Headwear and Gloves', 4, true), (15, 1, 'Socks', 5, false),
  (16, 2, 'Hiking Boots', 1, false), (17, 2, 'Trail Running Shoes', 2, false),
  (18, 2, 'Approach Shoes', 3, false), (19, 2, 'Sandals', 4, true),
  (20, 3, 'Tents', 1, false), (21, 3, 'Sleeping', 2, false), (22, 3, 'Camp Kitchen', 3, false),
  (23, 3, 'Camp Furniture', 4, true), (24, 3, 'Lighting', 5, false),
  (25, 4, 'Daypacks', 1, false), (26, 4, 'Trekking Packs', 2, false), (27, 4, 'Travel Bags', 3, false),
  (28, 5, 'Ropes', 1, false), (29, 5, 'Harnesses', 2, false), (30, 5, 'Helmets', 3, false),
  (31, 5, 'Hardware', 4, false),
  (32, 6, 'Snowshoes', 1, true), (33, 6, 'Avalanche Safety', 2, true), (34, 6, 'Ski Touring', 3, true),
  (35, 7, 'Dry Bags', 1, false), (36, 7, 'Paddles', 2, true), (37, 7, 'Kayaks', 3, true),
  (38, 8, 'GPS Devices', 1, false), (39, 8, 'Watches', 2, false), (40, 8, 'Power Banks', 3, false),
  (41, 9, 'Bottles and Flasks', 1, false), (42, 9, 'Water Filters', 2, false), (43, 9, 'Trail Food', 3, false),
  (44, 10, 'Guide Books', 1, false), (45, 10, 'Hiking Maps', 2, false),
  (46, 11, 'Rain Jackets', 1, false), (47, 11, 'Down Jackets', 2, true), (48, 11, 'Softshells', 3, false),
  (49, 12, 'Hiking Trousers', 1, false), (50, 12, 'Shorts', 2, true),
  (51, 20, 'Trekking Tents', 1, false), (52, 20, 'Family Tents', 2, true),
  (53, 21, 'Sleeping Bags', 1, false), (54, 21, 'Sleeping Mats', 2, false),
  (55, 22, 'Stoves', 1, false), (56, 22, 'Cookware', 2, false);

-- A product is a series, a variant and a kind: "Alder 45 Trekking Pack". Of every kind so many are
-- made, between these prices and weights; `measure` says what a variant that is a number counts,
-- 'sizes' that the product is worn.
CREATE TABLE build.kind (kind_no serial, category_id int, kind text, products int, low int, high int,
                         grams_low int, grams_high int, warranty int, variants text[], measure text,
                         materials text[], tags text[]);
INSERT INTO build.kind (category_id, kind, products, low, high, grams_low, grams_high, warranty,
                        variants, measure, materials, tags) VALUES
  (46, 'Rain Jacket', 30, 79, 420, 240, 620, 2, '{Light,Trail,Pro,Alpine}', 'sizes', '{nylon,polyester,recycled polyester}', '{waterproof,hiking}'),
  (47, 'Down Jacket', 20, 119, 390, 260, 680, 2, '{Light,Peak,Expedition}', 'sizes', '{goose down,duck down,synthetic fibre}', '{winter,warm}'),
  (48, 'Softshell', 16, 69, 210, 320, 640, 2, '{Flex,Pro,Wind}', 'sizes', '{softshell,polyester}', '{hiking}'),
  (49, 'Hiking Trousers', 24, 49, 160, 280, 520, 2, '{Flex,Zip,Pro}', 'sizes', '{softshell,nylon,cotton}', '{hiking}'),
  (50, 'Shorts', 12, 29, 90, 140, 280, NULL, '{Flex,Cargo}', 'sizes', '{nylon,cotton}', '{hiking,summer}'),
  (13, 'Base Layer', 22, 29, 110, 130, 260, NULL, '{150,200,260}', 'sizes', '{merino wool,polyester,merino blend}', '{warm}'),
  (14, 'Beanie', 14, 14, 45, 40, 110, NULL, '{Light,Rib}', NULL, '{merino wool,fleece}', '{winter,warm}'),
  (14, 'Gloves', 16, 24, 130, 60, 240, 1, '{Liner,Trek,Alpine}', 'sizes', '{leather,fleece,softshell}', '{winter}'),
  (15, 'Hiking Socks', 18, 9, 29, 45, 110, NULL, '{Low,Mid,High}', 'sizes', '{merino wool,merino blend,cotton}', '{hiking}'),
  (16, 'Hiking Boot', 28, 109, 320, 780, 1650, 2, '{Low,Mid,High}', 'sizes', '{leather,suede,nylon}', '{hiking,waterproof}'),
  (17, 'Trail Shoe', 20, 79, 190, 420, 720, 2, '{Sprint,Long,Mud}', 'sizes', '{mesh,nylon}', '{running}'),
  (18, 'Approach Shoe', 12, 99, 210, 640, 980, 2, '{Rock,Mix}', 'sizes', '{leather,suede}', '{climbing,hiking}'),
  (19, 'Sandal', 8, 39, 120, 380, 720, 1, '{River,Trek}', 'sizes', '{rubber,leather}', '{summer}'),
  (51, 'Trekking Tent', 22, 159, 790, 980, 3600, 3, '{1,2,3}', 'persons', '{ripstop nylon,polyester}', '{camping,waterproof}'),
  (52, 'Family Tent', 12, 249, 980, 6200, 19500, 3, '{4,5,6}', 'persons', '{polyester,cotton}', '{camping,family}'),
  (53, 'Sleeping Bag', 26, 59, 520, 480, 1900, 3, '{200,300,450,600}', 'filling_grams', '{goose down,duck down,synthetic fibre}', '{camping,warm}'),
  (54, 'Sleeping Mat', 16, 25, 210, 320, 1250, 2, '{Base,Air,Warm}', NULL, '{polyester,nylon}', '{camping}'),
  (55, 'Stove', 14, 29, 190, 75, 980, 3, '{Solo,Duo,Group}', NULL, '{steel,titanium,brass}', '{camping,cooking}'),
  (56, 'Cook Set', 16, 19, 110, 140, 920, 2, '{1,2,4}', 'persons', '{aluminium,titanium,steel}', '{camping,cooking}'),
  (23, 'Camp Chair', 12, 29, 150, 880, 3900, 2, '{Low,High,Rocking}', NULL, '{aluminium,steel,bamboo}', '{camping,family}'),
  (24, 'Headlamp', 22, 19, 130, 45, 190, 3, '{200,350,500,900}', 'lumens', '{plastic,aluminium}', '{camping,running}'),
  (25, 'Daypack', 28, 39, 170, 380, 1150, 3, '{12,18,24,30}', 'capacity_litres', '{nylon,ripstop nylon,recycled polyester}', '{hiking}'),
  (26, 'Trekking Pack', 24, 119, 340, 1150, 2600, 3, '{45,55,65,75}', 'capacity_litres', '{nylon,ripstop nylon,recycled polyester}', '{hiking,camping}'),
  (27, 'Duffel', 12, 49, 180, 650, 1800, 2, '{40,60,90}', 'capacity_litres', '{polyester,tarpaulin}', '{travel}'),
  (28, 'Rope', 14, 89, 290, 2100, 4900, NULL, '{40,60,70,80}', 'length_metres', '{nylon}', '{climbing}'),
  (29, 'Harness', 14, 45, 150, 260, 540, 2, '{Gym,Alpine,Big Wall}', 'sizes', '{nylon,polyester}', '{climbing}'),
  (30, 'Helmet', 12, 49, 140, 190, 390, 2, '{Crag,Tour}', NULL, '{plastic,foam}', '{climbing}'),
  (31, 'Carabiner', 18, 6, 32, 24, 95, NULL, '{Wire,Screw,Twist}', NULL, '{aluminium,steel}', '{climbing}'),
  (31, 'Ice Axe', 8, 79, 280, 290, 620, 3, '{Walk,Climb}', NULL, '{aluminium,steel}', '{climbing,winter}'),
  (32, 'Snowshoes', 10, 99, 310, 1500, 2400, 2, '{22,25,30}', 'length_inches', '{plastic,aluminium}', '{winter}'),
  (33, 'Avalanche Beacon', 8, 219, 420, 180, 260, 5, '{Mono,Tri}', NULL, '{plastic}', '{winter,safety}'),
  (33, 'Snow Shovel', 8, 35, 90, 460, 880, 2, '{Light,Strong}', NULL, '{aluminium}', '{winter,safety}'),
  (35, 'Dry Bag', 14, 12, 69, 60, 480, 1, '{5,10,20,35}', 'capacity_litres', '{tarpaulin,ripstop nylon}', '{waterproof,travel}'),
  (36, 'Paddle', 6, 59, 310, 780, 1200, 2, '{210,220,230}', 'length_centimetres', '{carbon,aluminium,ash wood}', '{summer}'),
  (38, 'GPS', 10, 179, 690, 110, 290, 2, '{Mini,Map,Map Pro}', NULL, '{plastic}', '{hiking,electronics}'),
  (39, 'Sports Watch', 12, 149, 790, 38, 98, 2, '{2,3,4}', NULL, '{steel,titanium,plastic}', '{running,electronics}'),
  (40, 'Power Bank', 8, 29, 120, 140, 480, 2, '{5000,10000,20000}', 'capacity_mah', '{plastic,aluminium}', '{electronics,travel}'),
  (41, 'Flask', 18, 9, 55, 95, 520, 5, '{0.5,0.75,1.0}', 'capacity_litres', '{steel,titanium,plastic}', '{hiking}'),
  (42, 'Water Filter', 8, 29, 140, 65, 480, 1, '{Straw,Pump}', NULL, '{plastic,ceramic}', '{camping,travel}'),
  (43, 'Trail Meal', 14, 5, 14, 90, 240, NULL, '{Pasta,Curry,Porridge,Stew}', NULL, '{foil,paper}', '{food,camping}'),
  (43, 'Energy Bar', 8, 1, 4, 40, 70, NULL, '{Nut,Berry,Cocoa}', NULL, '{foil,paper}', '{food,running}');

-- Each series belongs to one brand. Large brands have several; some have none, and so no products.
CREATE TABLE build.series AS
SELECT series_no::int, name, 1 + build.skew('series', series_no, 30, 30) AS brand_id
  FROM unnest('{Alder,Aspen,Auk,Birch,Bracken,Brook,Cedar,Cirrus,Cobalt,Condor,Corrie,Drift,Dune,Eider,
    Ember,Falcon,Fern,Firn,Fjell,Flint,Gale,Glen,Granite,Grouse,Harrier,Hazel,Heath,Ibex,Juniper,Kite,
    Larch,Lark,Lichen,Linden,Lynx,Marten,Marsh,Merlin,Moraine,Moss,Nimbus,Oriole,Otter,Petrel,Pika,Pine,
    Plover,Raven,Ridge,Rime,Rowan,Sable,Scree,Sorrel,Spruce,Swift,Talus,Tarn,Tern,Thistle,Tundra,Vale,
    Wren,Yarrow}'::text[]) WITH ORDINALITY AS s(name, series_no);
