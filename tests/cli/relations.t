The relations that the data supports, of a database that declares one key of three: here the demo database,
made from files of our own.

  $ mkdir -p share/scripts/demo tmp
  $ chmod 755 tmp
  $ cp -r "$SOURCE_DIR/scripts/nlsql" share/scripts
  $ cp -r "$SOURCE_DIR/phases" "$SOURCE_DIR/prompts" share
  $ cat >share/scripts/demo/1_schema.sql <<'END'
  > CREATE TABLE city (city_id int PRIMARY KEY, name text NOT NULL);
  > CREATE TABLE shop (shop_id int PRIMARY KEY, city_id int REFERENCES city);
  > CREATE TABLE sale (sale_id int PRIMARY KEY, shop_id int, quantity int);
  > CREATE TABLE visit (city_id int, shop_id int, PRIMARY KEY (city_id, shop_id));
  > INSERT INTO city SELECT i, 'City ' || i FROM generate_series(1, 20) AS i;
  > INSERT INTO shop SELECT i, 1 + i * 7 % 20 FROM generate_series(1, 60) AS i;
  > INSERT INTO sale SELECT i, 1 + i * 7 % 60, 1 + i % 5 FROM generate_series(1, 300) AS i;
  > INSERT INTO visit SELECT DISTINCT 1 + i * 3 % 20, 1 + i * 11 % 60 FROM generate_series(1, 200) AS i;
  > END
  $ export NLSQL_SHARE=$PWD/share XDG_CACHE_HOME=$PWD/cache TMPDIR=$PWD/tmp
  $ nlsql schema --demo --quiet --tables city >/dev/null

A line a relation, with its score and what speaks for it most; then the link tables.

  $ nlsql relations --demo --quiet
  1.00  sale.shop_id -> shop.shop_id: the names agree to 1.00; the keys there leave hardly a gap, so being found there says little by itself; that 60 values do and go no further says more; the other side is a primary key
  1.00  shop.city_id -> city.city_id: the foreign key shop_city_id_fkey declares it
  1.00  visit.city_id -> city.city_id: the names agree to 1.00; the keys there leave hardly a gap, so being found there says little by itself; that 20 values do and go no further says more; the other side is a primary key
  1.00  visit.shop_id -> shop.shop_id: the names agree to 1.00; the keys there leave hardly a gap, so being found there says little by itself; that 60 values do and go no further says more; the other side is a primary key
  1.00  city <-> shop through visit: many-to-many

The scan is kept until schema or data change.

  $ nlsql relations --demo 2>&1 >/dev/null
  stand-in: the demo database (--demo)
  4 relations, 3 of them undeclared; nothing changed since the last scan (--fresh reads all again)
  $ nlsql relations --demo --fresh 2>&1 >/dev/null
  stand-in: the demo database (--demo)
  4 relations, 3 of them undeclared; 440 rows read in * s (glob)
  $ nlsql relations --demo --quiet --threshold 1
  1.00  shop.city_id -> city.city_id: the foreign key shop_city_id_fkey declares it

As JSON, and as graphs.

  $ nlsql relations --demo --quiet --json | grep -o '"\(from\|to\)":{[^}]*}'
  "from":{"columns":["shop_id"],"schema":"public","table":"sale"}
  "to":{"columns":["shop_id"],"schema":"public","table":"shop"}
  "from":{"columns":["city_id"],"schema":"public","table":"shop"}
  "to":{"columns":["city_id"],"schema":"public","table":"city"}
  "from":{"columns":["city_id"],"schema":"public","table":"visit"}
  "to":{"columns":["city_id"],"schema":"public","table":"city"}
  "from":{"columns":["shop_id"],"schema":"public","table":"visit"}
  "to":{"columns":["shop_id"],"schema":"public","table":"shop"}
  $ nlsql relations --demo --quiet --dot
  digraph relations {
    rankdir=LR;
    node [shape=box];
    "sale" -> "shop" [label="shop_id", style=dashed, tooltip="1.00"];
    "shop" -> "city" [label="city_id"];
    "visit" -> "city" [label="city_id", style=dashed, tooltip="1.00"];
    "visit" -> "shop" [label="shop_id", style=dashed, tooltip="1.00"];
  }
  $ nlsql relations --demo --quiet --mermaid
  erDiagram
    shop ||..o{ sale : "shop_id"
    city ||--o{ shop : "city_id"
    city ||..o{ visit : "city_id"
    shop ||..o{ visit : "shop_id"

All that was found about one pair.

  $ nlsql relations --demo --quiet --explain sale.shop_id shop.shop_id
  sale.shop_id -> shop.shop_id: score 1.00, believed
    for      +3.80  the names agree to 1.00
    for      +3.07  the keys there leave hardly a gap, so being found there says little by itself; that 60 values do and go no further says more
    for      +0.80  the other side is a primary key
    for      +0.60  its values are spread over the keys there, 100 % of which are referred to
    besides  +0.00  all 60 distinct values are found there
  $ nlsql relations --demo --quiet --explain sale.quantity city.city_id
  sale.quantity -> city.city_id: score 0.00, not believed: below 0.50
    for      +1.21  the keys there leave hardly a gap, so being found there says little by itself
    for      +0.80  the other side is a primary key
    besides  +0.00  all 5 distinct values are found there
    besides  +0.00  shop.shop_id fits nearly as well
    against  -1.00  it is not called like a key, as others of its table are
    against  -1.20  the names have nothing in common
    against  -2.50  it is called like a measure: quantity
    against  -6.00  its values keep to a corner of the keys there: so close together they would be with a likelihood of 0.001
  $ nlsql relations --demo --quiet --explain sale.shop_id city.name
  sale.shop_id -> city.name: sale.shop_id is integer and city.name is text: no value of one equals one of the other
  sale.shop_id might refer to shop.shop_id: score 1.00

What is not understood is said before the database is asked.

  $ nlsql relations --demo --json --dot
  error: --json and --dot: expected one of them
  [2]
  $ nlsql relations --demo --threshold 2
  error: --threshold: expected a number from 0 to 1, found 2
  [2]
  $ nlsql relations --demo city.city_id
  error: "city.city_id" is one argument too many for "relations" (two columns go with --explain)
  [2]
  $ nlsql relations --demo --explain city.city_id
  error: --explain: expected two columns, the one that refers and the one that it refers to: --explain a.x b.y
  [2]
  $ nlsql relations --demo --quiet --explain sale.shop shop.shop_id
  error: --explain: sale has no column shop
  [2]
