-- The books of a group of companies, in the manner of an old ERP system: short names, codes of fixed
-- length, keys of two and three columns that begin with the company. 20 tables, 45 declared relations,
-- 16 of them of two or three columns.
--
-- Right as well, though the keys above imply them: the first column of each composite key is a company.
--
-- relation: soitm.bco -> cmp.co
-- relation: soitm.mno -> mat.mno
-- relation: dlitm.bco -> cmp.co
-- relation: pritm.bco -> cmp.co
-- relation: glpos.bco -> cmp.co
-- relation: glpos.ryr -> fyr.ryr
-- relation: bomln.bco -> cmp.co
-- relation: bomln.prnt -> mat.mno
-- relation: bomln.part -> mat.mno
-- relation: stkmv.bco -> cmp.co
-- relation: stkmv.mno -> mat.mno
-- relation: pohdr.bco -> cmp.co
-- relation: sohdr.bco -> cmp.co
-- relation: dlhdr.bco -> cmp.co

CREATE FUNCTION pg_temp.draw(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
  $$ SELECT (('x' || substr(md5($1), 1, 7))::bit(28)::int % $2) $$;
CREATE FUNCTION pg_temp.co(i int) RETURNS char(4) LANGUAGE sql IMMUTABLE AS
  $$ SELECT (ARRAY['1000', '1100', '2000', '3000', '3050'])[1 + $1] $$;
CREATE FUNCTION pg_temp.mno(i int) RETURNS char(10) LANGUAGE sql IMMUTABLE AS
  $$ SELECT (ARRAY['FG', 'SF', 'RM', 'PK'])[1 + $1 % 4] || '-' || lpad(($1 * 37 % 1009)::text, 5, '0') $$;

CREATE TABLE ctry (iso char(2) PRIMARY KEY, txt varchar(30) NOT NULL);
INSERT INTO ctry VALUES ('DE', 'Germany'), ('FR', 'France'), ('IT', 'Italy'), ('PL', 'Poland'), ('SE', 'Sweden'), ('US', 'United States'),
  ('CA', 'Canada'), ('CN', 'China'), ('JP', 'Japan'), ('BR', 'Brazil'), ('ZA', 'South Africa'), ('IN', 'India');
CREATE TABLE curr (cur char(3) PRIMARY KEY, dec_pl smallint NOT NULL, home char(2));
INSERT INTO curr VALUES ('EUR', 2, NULL), ('USD', 2, 'US'), ('CAD', 2, 'CA'), ('CNY', 2, 'CN'), ('JPY', 0, 'JP'), ('BRL', 2, 'BR'),
  ('PLN', 2, 'PL'), ('SEK', 2, 'SE'), ('ZAR', 2, 'ZA'), ('INR', 2, 'IN');
CREATE TABLE uom (u char(3) PRIMARY KEY, txt varchar(20) NOT NULL, base char(3), factor numeric(12,4));
INSERT INTO uom VALUES ('PC', 'piece', NULL, NULL), ('KG', 'kilogram', NULL, NULL), ('G', 'gram', 'KG', 0.001), ('T', 'tonne', 'KG', 1000),
  ('M', 'metre', NULL, NULL), ('CM', 'centimetre', 'M', 0.01), ('BX', 'box', 'PC', 12), ('PAL', 'pallet', 'PC', 480), ('L', 'litre', NULL, NULL);
CREATE TABLE payt (ptrm char(4) PRIMARY KEY, net_days smallint NOT NULL, disc_pct numeric(4,2) NOT NULL);
INSERT INTO payt VALUES ('N000', 0, 0), ('N014', 14, 0), ('N030', 30, 0), ('D210', 30, 2.00), ('D314', 60, 3.00), ('N090', 90, 0);

CREATE TABLE cmp (co char(4) PRIMARY KEY, nam varchar(40) NOT NULL, iso char(2) NOT NULL, cur char(3) NOT NULL, par_co char(4));
INSERT INTO cmp VALUES ('1000', 'Holding AG', 'DE', 'EUR', NULL), ('1100', 'Maschinen GmbH', 'DE', 'EUR', '1000'),
  ('2000', 'Outils SA', 'FR', 'EUR', '1000'), ('3000', 'Tools Inc', 'US', 'USD', '1000'), ('3050', 'Tools Canada Ltd', 'CA', 'CAD', '3000');
CREATE TABLE fyr (co char(4) NOT NULL, ryr smallint NOT NULL, opn date NOT NULL, cls date, PRIMARY KEY (co, ryr));
INSERT INTO fyr SELECT pg_temp.co(i), y, make_date(y, 1, 1), CASE WHEN y < 2024 THEN make_date(y + 1, 2, 15 + i) END
  FROM generate_series(0, 4) AS i, generate_series(2019, 2025) AS y;

CREATE TABLE plnt (co char(4) NOT NULL, pl char(2) NOT NULL, nam varchar(40) NOT NULL, iso char(2) NOT NULL, PRIMARY KEY (co, pl));
INSERT INTO plnt SELECT pg_temp.co(i), lpad((n * 10)::text, 2, '0'), 'Plant ' || n, (ARRAY['DE', 'PL', 'FR', 'US', 'CA'])[1 + (i + n) % 5]
  FROM generate_series(0, 4) AS i, generate_series(1, 4) AS n WHERE n <= 2 + i % 3;

CREATE TABLE mat (mno char(10) PRIMARY KEY, txt varchar(60) NOT NULL, u char(3) NOT NULL, wgt numeric(10,3), wgt_u char(3), repl_by char(10));
INSERT INTO mat SELECT pg_temp.mno(i), 'Material ' || i, (ARRAY['PC', 'KG', 'M', 'L'])[1 + i % 4], (i * 13 % 977) / 8.0,
  CASE WHEN i % 3 > 0 THEN (ARRAY['KG', 'G'])[1 + i % 2] END, CASE WHEN i % 17 = 0 THEN pg_temp.mno(i - 5) END FROM generate_series(1, 640) AS i;
CREATE TABLE mpl (co char(4) NOT NULL, pl char(2) NOT NULL, mno char(10) NOT NULL, rop int NOT NULL, abc char(1) NOT NULL, PRIMARY KEY (co, pl, mno));
INSERT INTO mpl SELECT p.co, p.pl, m.mno, 10 * pg_temp.draw(p.co || p.pl || m.mno, 40), (ARRAY['A', 'B', 'C'])[1 + pg_temp.draw(m.mno || p.pl, 3)]
  FROM plnt p, mat m WHERE pg_temp.draw('mp' || p.co || p.pl || m.mno, 3) = 0;

CREATE TABLE bp (co char(4) NOT NULL, bpn int NOT NULL, nam varchar(40) NOT NULL, kind char(1) NOT NULL, iso char(2) NOT NULL, ptrm char(4),
  hq_bpn int, PRIMARY KEY (co, bpn));
INSERT INTO bp SELECT pg_temp.co(i % 5), 100000 + i / 5, 'Partner ' || i, (ARRAY['C', 'V', 'B'])[1 + i % 3],
  (ARRAY['DE', 'FR', 'IT', 'US', 'CA', 'JP', 'CN', 'PL'])[1 + pg_temp.draw('bp' || i, 8)],
  CASE WHEN i % 6 > 0 THEN (ARRAY['N014', 'N030', 'D210', 'D314', 'N090'])[1 + pg_temp.draw('pt' || i, 5)] END,
  CASE WHEN i % 10 = 3 AND i > 50 THEN 100000 + pg_temp.draw('hq' || i, i / 5 - 5) END FROM generate_series(0, 1199) AS i;

CREATE TABLE sohdr (bco char(4) NOT NULL, sono int NOT NULL, sold_to int NOT NULL, ship_to int, cur char(3) NOT NULL, ptrm char(4), odt date NOT NULL,
  PRIMARY KEY (bco, sono));
INSERT INTO sohdr SELECT pg_temp.co(i % 5), 500000 + i / 5, 100000 + pg_temp.draw('st' || i, 240), CASE WHEN i % 4 = 0 THEN 100000 + pg_temp.draw('sh' || i, 240) END,
  (ARRAY['EUR', 'USD', 'CAD', 'SEK'])[1 + pg_temp.draw('cu' || i, 4)], (ARRAY['N014', 'N030', 'D210'])[1 + i % 3],
  date '2022-01-01' + pg_temp.draw('od' || i, 1200) FROM generate_series(0, 2999) AS i;
CREATE TABLE soitm (bco char(4) NOT NULL, sono int NOT NULL, itm smallint NOT NULL, pl char(2) NOT NULL, mno char(10) NOT NULL, qty numeric(12,3) NOT NULL,
  u char(3) NOT NULL, amt numeric(12,2) NOT NULL, PRIMARY KEY (bco, sono, itm));
INSERT INTO soitm SELECT h.bco, h.sono, n * 10, m.pl, m.mno, 1 + pg_temp.draw('q' || h.bco || h.sono || n, 400) / 4.0,
  (ARRAY['PC', 'KG', 'BX', 'M'])[1 + pg_temp.draw('u' || h.sono || n, 4)], 5 + pg_temp.draw('a' || h.bco || h.sono || n, 90000) / 100.0
  FROM sohdr h JOIN LATERAL generate_series(1, 1 + h.sono % 4) AS n ON true
  JOIN LATERAL (SELECT *, row_number() OVER () AS r FROM mpl WHERE co = h.bco ORDER BY pl, mno OFFSET pg_temp.draw('m' || h.bco || h.sono || n, 390) LIMIT 1) AS m ON true;

CREATE TABLE dlhdr (bco char(4) NOT NULL, dlno int NOT NULL, pl char(2) NOT NULL, ship_to int NOT NULL, gdt date NOT NULL, PRIMARY KEY (bco, dlno));
INSERT INTO dlhdr SELECT bco, 800000 + (sono - 500000) * 3, (SELECT pl FROM plnt p WHERE p.co = bco ORDER BY pl OFFSET sono % 2 LIMIT 1),
  coalesce(ship_to, sold_to), odt + 12 FROM sohdr WHERE sono % 5 > 0;
CREATE TABLE dlitm (bco char(4) NOT NULL, dlno int NOT NULL, lin smallint NOT NULL, so_no int NOT NULL, so_itm smallint NOT NULL, qty numeric(12,3) NOT NULL,
  PRIMARY KEY (bco, dlno, lin));
INSERT INTO dlitm SELECT d.bco, d.dlno, row_number() OVER (PARTITION BY d.bco, d.dlno ORDER BY i.itm), i.sono, i.itm, i.qty
  FROM dlhdr d JOIN soitm i ON i.bco = d.bco AND i.sono = 500000 + (d.dlno - 800000) / 3 WHERE pg_temp.draw('di' || i.bco || i.sono || i.itm, 8) > 0;

CREATE TABLE pohdr (bco char(4) NOT NULL, pono int NOT NULL, vend int NOT NULL, cur char(3) NOT NULL, pdt date NOT NULL, PRIMARY KEY (bco, pono));
INSERT INTO pohdr SELECT pg_temp.co(i % 5), 450000 + i / 5 * 2, 100000 + pg_temp.draw('ve' || i, 240), (ARRAY['EUR', 'USD', 'CNY', 'JPY', 'PLN'])[1 + pg_temp.draw('pc' || i, 5)],
  date '2022-01-10' + pg_temp.draw('pd' || i, 1200) FROM generate_series(0, 1499) AS i;
CREATE TABLE pritm (bco char(4) NOT NULL, pono int NOT NULL, itm smallint NOT NULL, mno char(10) NOT NULL, qty numeric(12,3) NOT NULL, u char(3) NOT NULL,
  PRIMARY KEY (bco, pono, itm));
INSERT INTO pritm SELECT bco, pono, n * 10, pg_temp.mno(1 + pg_temp.draw('pm' || bco || pono || n, 640)), 1 + pg_temp.draw('pq' || bco || pono || n, 4000) / 8.0,
  (ARRAY['PC', 'KG', 'M', 'L'])[1 + pg_temp.draw('pu' || pono || n, 4)] FROM pohdr, generate_series(1, 3) AS n WHERE n <= 1 + pono / 2 % 3;

CREATE TABLE bomln (bco char(4) NOT NULL, prnt char(10) NOT NULL, part char(10) NOT NULL, qty_per numeric(10,4) NOT NULL, u char(3) NOT NULL, PRIMARY KEY (bco, prnt, part));
INSERT INTO bomln SELECT DISTINCT ON (1, 2, 3) pg_temp.co(pg_temp.draw('bc' || i, 3)), pg_temp.mno(i * 4 % 640 + 1), pg_temp.mno(1 + pg_temp.draw('bt' || i || n, 640)),
  1 + pg_temp.draw('bq' || i || n, 90) / 8.0, (ARRAY['PC', 'KG', 'G'])[1 + n % 3] FROM generate_series(1, 160) AS i, generate_series(1, 5) AS n;

CREATE TABLE stkmv (mvno int PRIMARY KEY, bco char(4) NOT NULL, pl char(2) NOT NULL, mno char(10) NOT NULL, mtyp smallint NOT NULL, qty numeric(12,3) NOT NULL,
  po_no int, rev_mv int, pst date NOT NULL);
INSERT INTO stkmv SELECT 49000000 + i, m.co, m.pl, m.mno, (ARRAY[101, 201, 261, 311])[1 + i % 4], (pg_temp.draw('sq' || i, 2000) - 500) / 4.0,
  CASE WHEN i % 4 = 0 THEN 450000 + pg_temp.draw('sp' || i, 300) * 2 END, CASE WHEN i % 31 = 0 THEN 49000000 + i - 1 - pg_temp.draw('sr' || i, 20) END,
  date '2023-01-01' + i / 8 FROM generate_series(1, 7000) AS i
  JOIN LATERAL (SELECT co, pl, mno FROM mpl ORDER BY co, pl, mno OFFSET pg_temp.draw('sm' || i, 2500) LIMIT 1) AS m ON true;

CREATE TABLE glacc (acc char(6) PRIMARY KEY, txt varchar(40) NOT NULL, grp char(6), bal_side char(1) NOT NULL);
INSERT INTO glacc SELECT (100000 + i * 400)::char(6), 'Account ' || i, CASE WHEN i % 12 > 0 THEN (100000 + (i - i % 12) * 400)::char(6) END,
  (ARRAY['D', 'C'])[1 + i % 2] FROM generate_series(0, 179) AS i;
CREATE TABLE glpos (bco char(4) NOT NULL, docno int NOT NULL, lin smallint NOT NULL, ryr smallint NOT NULL, acc char(6) NOT NULL, amt numeric(14,2) NOT NULL,
  cur char(3) NOT NULL, bpn int, PRIMARY KEY (bco, docno, lin));
INSERT INTO glpos SELECT pg_temp.co(pg_temp.draw('gc' || i, 5)), 1900000 + i, n, 2019 + pg_temp.draw('gy' || i, 7), (100000 + pg_temp.draw('ga' || i || n, 180) * 400)::char(6),
  (CASE n WHEN 1 THEN 1 ELSE -1 END) * (pg_temp.draw('gv' || i, 900000) + 100) / 100.0, (ARRAY['EUR', 'USD', 'CAD'])[1 + pg_temp.draw('gu' || i, 3)],
  CASE WHEN n = 1 AND i % 3 = 0 THEN 100000 + pg_temp.draw('gb' || i, 240) END FROM generate_series(1, 3500) AS i, generate_series(1, 2) AS n;

ALTER TABLE curr ADD FOREIGN KEY (home) REFERENCES ctry;
ALTER TABLE uom ADD FOREIGN KEY (base) REFERENCES uom;
ALTER TABLE cmp ADD FOREIGN KEY (iso) REFERENCES ctry, ADD FOREIGN KEY (cur) REFERENCES curr, ADD FOREIGN KEY (par_co) REFERENCES cmp;
ALTER TABLE fyr ADD FOREIGN KEY (co) REFERENCES cmp;
ALTER TABLE plnt ADD FOREIGN KEY (co) REFERENCES cmp, ADD FOREIGN KEY (iso) REFERENCES ctry;
ALTER TABLE mat ADD FOREIGN KEY (u) REFERENCES uom, ADD FOREIGN KEY (wgt_u) REFERENCES uom, ADD FOREIGN KEY (repl_by) REFERENCES mat;
ALTER TABLE mpl ADD FOREIGN KEY (co, pl) REFERENCES plnt, ADD FOREIGN KEY (mno) REFERENCES mat;
ALTER TABLE bp ADD FOREIGN KEY (co) REFERENCES cmp, ADD FOREIGN KEY (iso) REFERENCES ctry, ADD FOREIGN KEY (ptrm) REFERENCES payt,
  ADD FOREIGN KEY (co, hq_bpn) REFERENCES bp;
ALTER TABLE sohdr ADD FOREIGN KEY (bco, sold_to) REFERENCES bp, ADD FOREIGN KEY (bco, ship_to) REFERENCES bp, ADD FOREIGN KEY (cur) REFERENCES curr,
  ADD FOREIGN KEY (ptrm) REFERENCES payt;
ALTER TABLE soitm ADD FOREIGN KEY (bco, sono) REFERENCES sohdr, ADD FOREIGN KEY (bco, pl, mno) REFERENCES mpl, ADD FOREIGN KEY (u) REFERENCES uom;
ALTER TABLE dlhdr ADD FOREIGN KEY (bco, pl) REFERENCES plnt, ADD FOREIGN KEY (bco, ship_to) REFERENCES bp;
ALTER TABLE dlitm ADD FOREIGN KEY (bco, dlno) REFERENCES dlhdr, ADD FOREIGN KEY (bco, so_no, so_itm) REFERENCES soitm;
ALTER TABLE pohdr ADD FOREIGN KEY (bco, vend) REFERENCES bp, ADD FOREIGN KEY (cur) REFERENCES curr;
ALTER TABLE pritm ADD FOREIGN KEY (bco, pono) REFERENCES pohdr, ADD FOREIGN KEY (mno) REFERENCES mat, ADD FOREIGN KEY (u) REFERENCES uom;
ALTER TABLE bomln ADD FOREIGN KEY (bco) REFERENCES cmp, ADD FOREIGN KEY (prnt) REFERENCES mat, ADD FOREIGN KEY (part) REFERENCES mat,
  ADD FOREIGN KEY (u) REFERENCES uom;
ALTER TABLE stkmv ADD FOREIGN KEY (bco, pl, mno) REFERENCES mpl, ADD FOREIGN KEY (bco, po_no) REFERENCES pohdr, ADD FOREIGN KEY (rev_mv) REFERENCES stkmv;
ALTER TABLE glacc ADD FOREIGN KEY (grp) REFERENCES glacc;
ALTER TABLE glpos ADD FOREIGN KEY (bco, ryr) REFERENCES fyr, ADD FOREIGN KEY (acc) REFERENCES glacc, ADD FOREIGN KEY (cur) REFERENCES curr,
  ADD FOREIGN KEY (bco, bpn) REFERENCES bp;
ANALYZE;
