With a real database. The server ends with the program that started it, so each command line below
runs below that program.

  $ with_shop() { nlsql lua "$SOURCE_DIR/tests/cli/with_shop.lua" bash -c "$1"; }

Introspection:

  $ with_shop 'nlsql schema --tables product'
  other schemas: Sales (choose with --schemas)
  CREATE TABLE product (
    product_id integer NOT NULL,
    title text NOT NULL,
    price numeric(10,2) NOT NULL,
    PRIMARY KEY (product_id),
    CHECK ((price > (0)::numeric))
  );
  $ with_shop 'nlsql schema --tables nosuch'
  error: there is no table "nosuch"
  [2]
  $ with_shop 'nlsql schema --schemas nosuch'
  error: there is no schema "nosuch" (schemas with tables: Sales, public)
  [4]

The main job, with an endpoint on this machine that answers by rules: one right pair, one that
writes. Then the same command once more: all is there, so nothing is asked again.

  $ cat >rules.jsonl <<'END'
  > {"match":"different sets of tables","content":"{\"sets\":[{\"tables\":[\"customer\",\"purchase\"]}]}"}
  > {"pairs":[{"question":"How many purchases has each country?","sql":"SELECT country, count(*) FROM customer JOIN purchase USING (customer_id) GROUP BY country"},{"question":"Can you empty the shop?","sql":"DELETE FROM customer"}]}
  > END
  $ cat >session.sh <<'END'
  > fake_openai --port 0 --script rules.jsonl >counts &
  > until grep -qs listening counts; do sleep 0.02; done
  > export OPENAI_BASE_URL=http://127.0.0.1:$(sed 's/listening //' counts)/v1
  > nlsql run joins --quiet --set total_table_pairs=1 --set count=1
  > echo "[$?]"
  > nlsql run joins --quiet --set total_table_pairs=1 --set count=1 | grep Requests
  > kill $!
  > END
  $ with_shop '. ./session.sh'
  warn: the role postgres may do more than read: it is a superuser (nlsql role prints one that only reads)
  joins: 1 of 1 pairs in generated_datasets/joins/dataset.jsonl
  
  The first * (glob)
    Q: How many purchases has each country?
    A: SELECT country, count(*) FROM customer JOIN purchase USING (customer_id) GROUP BY country
  
  Rejected, by gate:
    safe           1
                   1 × writes: DELETE
  
  Items:    1 planned, 1 done, 0 failed
  Requests: 3, 0 replies from the store, 0 retries; [0-9,]+ tokens in, [0-9,]+ out (re)
  Cost:     $0.00 in this run (an endpoint on loopback costs nothing), $0.00 over all runs of this store
  Time:     [0-9.]+ s (re)
  [0]
  warn: the role postgres may do more than read: it is a superuser (nlsql role prints one that only reads)
  Requests: 0, * 0 tokens in, 0 out (glob)
  $ cat generated_datasets/joins/dataset.jsonl
  {"question":"How many purchases has each country?","sql":"SELECT country, count(*) FROM customer JOIN purchase USING (customer_id) GROUP BY country"}
