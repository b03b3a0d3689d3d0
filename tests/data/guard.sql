-- A login that may read some tables only.
DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT SELECT ON customer, purchase, purchase_line TO reader;
