-- A hospital whose keys are what people write on paper: ward codes, badge numbers, ICD and ATC codes,
-- record numbers. 18 tables, 32 declared relations: three of them say how a table refers to itself, three are
-- one to one, two lie in a link table. Everything is invented; the draws come from md5, so it is the
-- same everywhere.

CREATE FUNCTION pg_temp.draw(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
  $$ SELECT (('x' || substr(md5($1), 1, 7))::bit(28)::int % $2) $$;
CREATE FUNCTION pg_temp.badge(i int) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT substr('ABCDEFGHKLMNPRSTVWXYZ', 1 + pg_temp.draw('b' || i, 21), 1) || lpad(((i * 7919) % 10007)::text, 5, '0') $$;
CREATE FUNCTION pg_temp.record(i int) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT 'MRN-' || lpad(((i::bigint * 104729) % 999983)::text, 6, '0') $$;

CREATE TABLE department (
  code text PRIMARY KEY, title text NOT NULL, floor smallint NOT NULL, phone_extension text, beds_planned int
);
INSERT INTO department SELECT c, t, f, (4000 + f * 37 + length(t))::text, 10 + f * 4 FROM (VALUES
  ('CARD', 'Cardiology', 3), ('NEUR', 'Neurology', 4), ('ORTH', 'Orthopaedics', 2), ('PAED', 'Paediatrics', 1),
  ('ONCO', 'Oncology', 5), ('EMER', 'Emergency', 0), ('SURG', 'Surgery', 2), ('RADI', 'Radiology', 0),
  ('OBST', 'Obstetrics', 3), ('GERI', 'Geriatrics', 5), ('PSYC', 'Psychiatry', 6), ('LABO', 'Laboratory', 0)) AS d(c, t, f);

CREATE TABLE staff (
  badge varchar(8) PRIMARY KEY, full_name text NOT NULL, works_in text NOT NULL, reports_to varchar(8),
  role text NOT NULL, hired date NOT NULL, weekly_hours int NOT NULL
);
INSERT INTO staff SELECT pg_temp.badge(i), 'Person ' || i, (ARRAY['CARD','NEUR','ORTH','PAED','ONCO','EMER','SURG','RADI','OBST',
  'GERI','PSYC','LABO'])[1 + pg_temp.draw('w' || i, 12)], CASE WHEN i > 12 THEN pg_temp.badge(1 + pg_temp.draw('r' || i, 12)) END,
  (ARRAY['nurse', 'physician', 'physician', 'clerk', 'technician'])[1 + i % 5], date '2005-01-01' + pg_temp.draw('h' || i, 6500),
  20 + 4 * pg_temp.draw('k' || i, 6) FROM generate_series(1, 420) AS i;

CREATE TABLE physician (
  badge varchar(8) PRIMARY KEY, licence_number text NOT NULL UNIQUE, pager int, head_of text UNIQUE
);
INSERT INTO physician SELECT pg_temp.badge(i), 'L' || (70000 + (i * 613) % 9973), 100 + i, CASE WHEN i IN (1, 2, 6, 7, 11, 12, 16, 17)
  THEN (ARRAY['CARD','NEUR','ORTH','PAED','ONCO','EMER','SURG','RADI'])[(i + 4) / 5 * 2 - i % 2] END
  FROM generate_series(1, 420) AS i WHERE i % 5 IN (1, 2);

CREATE TABLE speciality (name text PRIMARY KEY, training_years smallint NOT NULL);
INSERT INTO speciality SELECT s, 3 + length(s) % 5 FROM unnest(ARRAY['Invasive cardiology', 'Electrophysiology', 'Stroke medicine',
  'Epileptology', 'Hand surgery', 'Spine surgery', 'Neonatology', 'Haematology', 'Radiotherapy', 'Trauma care',
  'Vascular surgery', 'Ultrasound', 'Perinatal medicine', 'Palliative care', 'Addiction medicine']) AS s;

CREATE TABLE physician_speciality (physician varchar(8) NOT NULL, speciality text NOT NULL, since int NOT NULL,
  PRIMARY KEY (physician, speciality));
INSERT INTO physician_speciality SELECT DISTINCT ON (1, 2) p.badge, s.name, 1990 + pg_temp.draw(p.badge || s.name, 33)
  FROM physician p JOIN speciality s ON pg_temp.draw(s.name || p.badge, 8) = 0;

CREATE TABLE ward (
  ward_code text PRIMARY KEY, department text NOT NULL, charge_nurse varchar(8), capacity int NOT NULL, is_intensive boolean NOT NULL
);
INSERT INTO ward SELECT d.code || '-' || n, d.code, pg_temp.badge(5 * pg_temp.draw('n' || d.code || n, 80) + 5), 8 + 2 * n, n = 3
  FROM department d, generate_series(1, 3) AS n WHERE d.code NOT IN ('RADI', 'LABO');

CREATE TABLE bed (
  ward text NOT NULL, number int NOT NULL, kind text NOT NULL, last_cleaned timestamp, PRIMARY KEY (ward, number)
);
INSERT INTO bed SELECT ward_code, n, CASE WHEN is_intensive THEN 'monitored' ELSE (ARRAY['standard', 'wide'])[1 + n % 2] END,
  timestamp '2025-03-01 06:00' + n * interval '7 minutes' FROM ward, generate_series(1, capacity) AS n;

CREATE TABLE insurer (short_name text PRIMARY KEY, legal_name text NOT NULL, parent_group text, hotline text);
INSERT INTO insurer SELECT s, s || ' Mutual plc', g, '0800-' || (length(s) * 1013) FROM (VALUES ('Aurora', NULL), ('Beacon', NULL),
  ('Cedar', 'Aurora'), ('Dunes', 'Aurora'), ('Elm', 'Beacon'), ('Fjord', NULL), ('Grove', 'Beacon'), ('Harbour', 'Fjord')) AS i(s, g);

CREATE TABLE patient (
  record_no varchar(12) PRIMARY KEY, full_name text NOT NULL, born date NOT NULL, sex char(1) NOT NULL, blood_group text,
  insured_with text, policy_no text, family_doctor varchar(8), next_of_kin_phone text
);
INSERT INTO patient SELECT pg_temp.record(i), 'Patient ' || pg_temp.draw('n' || i, 5000), date '1930-01-01' + pg_temp.draw('b' || i, 34000),
  (ARRAY['f', 'm'])[1 + i % 2], (ARRAY['A+', 'A-', 'B+', 'B-', 'O+', 'O-', 'AB+', NULL])[1 + pg_temp.draw('g' || i, 8)],
  (ARRAY['Aurora', 'Beacon', 'Cedar', 'Dunes', 'Elm', 'Fjord', 'Grove', NULL])[1 + pg_temp.draw('i' || i, 8)],
  'P' || (i * 31 % 9001), CASE WHEN i % 3 > 0 THEN pg_temp.badge(5 * pg_temp.draw('f' || i, 84) + 1) END, '07' || (100000 + i)
  FROM generate_series(1, 2400) AS i;

CREATE TABLE icd (code text PRIMARY KEY, description text NOT NULL, chapter text NOT NULL);
INSERT INTO icd SELECT chr(65 + i / 20) || lpad((i % 20 * 4)::text, 2, '0') || '.' || i % 7, 'Condition number ' || i, 'Chapter ' || i / 20
  FROM generate_series(0, 259) AS i;

CREATE TABLE admission (
  case_no int PRIMARY KEY, patient varchar(12) NOT NULL, admitted timestamp NOT NULL, discharged timestamp,
  admitting varchar(8) NOT NULL, ward text NOT NULL, bed int NOT NULL, main_diagnosis text, urgency smallint NOT NULL
);
INSERT INTO admission SELECT 20210000 + i, pg_temp.record(1 + pg_temp.draw('p' || i, 2100)), a, a + pg_temp.draw('l' || i, 200) * interval '1 hour',
  pg_temp.badge(5 * pg_temp.draw('a' || i, 84) + 1 + i % 2), b.ward, b.number,
  (SELECT code FROM icd ORDER BY code OFFSET pg_temp.draw('d' || i, 230) LIMIT 1), 1 + pg_temp.draw('u' || i, 5)
  FROM generate_series(1, 3600) AS i CROSS JOIN LATERAL (SELECT timestamp '2024-01-01' + pg_temp.draw('t' || i, 12000) * interval '1 hour' AS a) AS t
  CROSS JOIN LATERAL (SELECT * FROM bed ORDER BY ward, number OFFSET pg_temp.draw('e' || i, 350) LIMIT 1) AS b;

CREATE TABLE secondary_diagnosis (case_no int NOT NULL, icd text NOT NULL, certainty char(1) NOT NULL, PRIMARY KEY (case_no, icd));
INSERT INTO secondary_diagnosis SELECT DISTINCT ON (1, 2) a.case_no, (SELECT code FROM icd ORDER BY code
  OFFSET pg_temp.draw('s' || a.case_no || n, 240) LIMIT 1), (ARRAY['c', 's'])[n] FROM admission a, generate_series(1, 2) AS n
  WHERE pg_temp.draw('x' || case_no, 3) = 0;

CREATE TABLE transfer (
  case_no int NOT NULL, step smallint NOT NULL, from_ward text NOT NULL, to_ward text NOT NULL, moved_by varchar(8), at timestamp NOT NULL,
  PRIMARY KEY (case_no, step)
);
INSERT INTO transfer SELECT case_no, 1, ward, (SELECT ward_code FROM ward ORDER BY 1 OFFSET pg_temp.draw('y' || case_no, 30) LIMIT 1),
  pg_temp.badge(1 + pg_temp.draw('m' || case_no, 400)), admitted + interval '1 day' FROM admission WHERE pg_temp.draw('z' || case_no, 4) = 0;

CREATE TABLE drug (atc text PRIMARY KEY, substance text NOT NULL, unit text NOT NULL, max_daily numeric(8,2), is_controlled boolean NOT NULL);
INSERT INTO drug SELECT chr(65 + i % 14) || lpad((i % 12)::text, 2, '0') || chr(65 + i % 5) || chr(65 + i % 3) || lpad(i::text, 2, '0'),
  'Substance ' || i, (ARRAY['mg', 'ml', 'IU'])[1 + i % 3], (i * 17 % 400) / 4.0 + 5, i % 9 = 0 FROM generate_series(1, 96) AS i;

CREATE TABLE prescription (
  rx bigint PRIMARY KEY, case_no int NOT NULL, drug text NOT NULL, prescribed_by varchar(8) NOT NULL, dose numeric(8,2) NOT NULL,
  times_a_day smallint NOT NULL, replaces bigint
);
INSERT INTO prescription SELECT 900000 + i * 3, 20210001 + pg_temp.draw('c' || i, 3600), (SELECT atc FROM drug ORDER BY atc
  OFFSET pg_temp.draw('q' || i, 96) LIMIT 1), pg_temp.badge(5 * pg_temp.draw('v' || i, 84) + 1 + i % 2), 5 * (1 + i % 40), 1 + i % 4,
  CASE WHEN i % 11 = 0 AND i > 20 THEN 900000 + (i - 1 - pg_temp.draw('o' || i, 9)) * 3 END FROM generate_series(10, 6009) AS i;

CREATE TABLE interaction (drug_a text NOT NULL, drug_b text NOT NULL, severity smallint NOT NULL, PRIMARY KEY (drug_a, drug_b));
INSERT INTO interaction SELECT a.atc, b.atc, 1 + pg_temp.draw(a.atc || b.atc, 4) FROM drug a JOIN drug b
  ON a.atc < b.atc AND pg_temp.draw(b.atc || a.atc, 15) = 0;

CREATE TABLE lab_result (
  sample text NOT NULL, case_no int NOT NULL, analyte text NOT NULL, value double precision, flag char(1), validated_by varchar(8),
  taken timestamp NOT NULL, PRIMARY KEY (sample, analyte)
);
INSERT INTO lab_result SELECT 'S' || i, 20210001 + pg_temp.draw('j' || i, 3600), a, pg_temp.draw('f' || i || a, 900) / 10.0,
  (ARRAY['H', 'L', NULL, NULL])[1 + pg_temp.draw('g' || i || a, 4)], CASE WHEN i % 2 = 0 THEN pg_temp.badge(5 * pg_temp.draw('V' || i, 84)
  + 5 * (i % 2) + 5) END, timestamp '2024-01-02' + i * interval '3 hours'
  FROM generate_series(1, 2500) AS i, unnest(ARRAY['Na', 'K', 'CRP']) AS a;

CREATE TABLE invoice (case_no int PRIMARY KEY, payer text, total numeric(10,2) NOT NULL, issued date NOT NULL, paid date);
INSERT INTO invoice SELECT a.case_no, p.insured_with, 300 + pg_temp.draw('I' || a.case_no, 900000) / 100.0, a.discharged::date + 10,
  CASE WHEN a.case_no % 4 > 0 THEN a.discharged::date + 30 END FROM admission a JOIN patient p ON p.record_no = a.patient
  WHERE a.case_no % 10 < 9;

ALTER TABLE staff ADD FOREIGN KEY (works_in) REFERENCES department, ADD FOREIGN KEY (reports_to) REFERENCES staff;
ALTER TABLE physician ADD FOREIGN KEY (badge) REFERENCES staff, ADD FOREIGN KEY (head_of) REFERENCES department;
ALTER TABLE physician_speciality ADD FOREIGN KEY (physician) REFERENCES physician, ADD FOREIGN KEY (speciality) REFERENCES speciality;
ALTER TABLE ward ADD FOREIGN KEY (department) REFERENCES department, ADD FOREIGN KEY (charge_nurse) REFERENCES staff;
ALTER TABLE bed ADD FOREIGN KEY (ward) REFERENCES ward;
ALTER TABLE insurer ADD FOREIGN KEY (parent_group) REFERENCES insurer;
ALTER TABLE patient ADD FOREIGN KEY (insured_with) REFERENCES insurer, ADD FOREIGN KEY (family_doctor) REFERENCES physician;
ALTER TABLE admission ADD FOREIGN KEY (patient) REFERENCES patient, ADD FOREIGN KEY (admitting) REFERENCES physician,
  ADD FOREIGN KEY (ward, bed) REFERENCES bed, ADD FOREIGN KEY (main_diagnosis) REFERENCES icd;
ALTER TABLE secondary_diagnosis ADD FOREIGN KEY (case_no) REFERENCES admission, ADD FOREIGN KEY (icd) REFERENCES icd;
ALTER TABLE transfer ADD FOREIGN KEY (case_no) REFERENCES admission, ADD FOREIGN KEY (from_ward) REFERENCES ward,
  ADD FOREIGN KEY (to_ward) REFERENCES ward, ADD FOREIGN KEY (moved_by) REFERENCES staff;
ALTER TABLE prescription ADD FOREIGN KEY (case_no) REFERENCES admission, ADD FOREIGN KEY (drug) REFERENCES drug,
  ADD FOREIGN KEY (prescribed_by) REFERENCES physician, ADD FOREIGN KEY (replaces) REFERENCES prescription;
ALTER TABLE interaction ADD FOREIGN KEY (drug_a) REFERENCES drug, ADD FOREIGN KEY (drug_b) REFERENCES drug;
ALTER TABLE lab_result ADD FOREIGN KEY (case_no) REFERENCES admission, ADD FOREIGN KEY (validated_by) REFERENCES staff;
ALTER TABLE invoice ADD FOREIGN KEY (case_no) REFERENCES admission, ADD FOREIGN KEY (payer) REFERENCES insurer;
ANALYZE;
