The demo database, made here from two files of our own: in a share folder like the shipped one.

  $ mkdir -p share/scripts/demo tmp
  $ chmod 755 tmp
  $ cp -r "$SOURCE_DIR/scripts/nlsql" share/scripts
  $ cp -r "$SOURCE_DIR/phases" "$SOURCE_DIR/prompts" share
  $ cat >share/scripts/demo/1_schema.sql <<'END'
  > CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL);
  > CREATE TABLE shop (id int PRIMARY KEY, city_id int REFERENCES city);
  > END
  $ cat >share/scripts/demo/2_rows.sql <<'END'
  > INSERT INTO city VALUES (1, 'Bern');
  > INSERT INTO shop VALUES (1, 1);
  > END
  $ export NLSQL_SHARE=$PWD/share XDG_CACHE_HOME=$PWD/cache TMPDIR=$PWD/tmp

It is made once. Which database it is that is shown is said.

  $ nlsql schema --tables city
  stand-in: the demo database (no DATABASE_URL)
  making the demo database (once, a few seconds)…
  CREATE TABLE city (
    id integer NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (id)
  );
  $ nlsql schema --tables city --demo
  stand-in: the demo database (--demo)
  CREATE TABLE city (
    id integer NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (id)
  );

--demo wins over DATABASE_URL, with a warning; settings of libpq do not steer the private server.

  $ DATABASE_URL=postgresql://127.0.0.1:1/nothing PGPORT=1 PGHOST=/nowhere PGUSER=nobody nlsql schema --demo --quiet --tables shop
  warn: --demo: the demo database serves, DATABASE_URL is not used
  CREATE TABLE shop (
    id integer NOT NULL,
    city_id integer,
    PRIMARY KEY (id)
  );

Its files are part of what it is.

  $ echo 'SELECT nothing;' >share/scripts/demo/3_more.sql
  $ nlsql schema --demo
  stand-in: the demo database (--demo)
  making the demo database (once, a few seconds)…
  error: cannot start the demo database: psql:*/3_more.sql:1: ERROR:  column "nothing" does not exist (glob)
  [4]
  $ rm share/scripts/demo/*
  $ nlsql run joins --demo --base-url http://127.0.0.1:9/v1
  error: cannot start the demo database: its SQL files are not in */share/scripts/demo; reinstall, or set NLSQL_SHARE (glob)
  [4]

Nothing is left behind.

  $ ls tmp
