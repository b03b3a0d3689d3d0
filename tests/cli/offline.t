The offline grammar, on a database of the user's: no key, no network, no price. It is told to spoil some
pairs, and says so. Then the same command once more: all is there. Another source is refused.

  $ cat >session.sh <<'END'
  > run() { nlsql run joins --set total_table_pairs=2 --count 5 --quiet "$@"; }
  > run --provider offline --set offline.error_rate=0.5
  > echo "[$?]"
  > run --provider offline --set offline.error_rate=0.5 | grep earlier
  > run --base-url http://127.0.0.1:9/v1
  > echo "[$?]"
  > nlsql run joins --provider oracle
  > END
  $ nlsql lua "$SOURCE_DIR/tests/cli/with_shop.lua" bash session.sh >said 2>&1
  [3]
  $ grep -c ' spoilt, ' said | sed 's/[1-9]/some/'
  some
  $ sed '/^The first/,/^Items/d; / spoilt, /d' said
  warn: the role postgres may do more than read: it is a superuser (nlsql role prints one that only reads)
  joins: 10 of 10 pairs in generated_datasets/joins/dataset.jsonl
  
  Requests: * (glob)
  Repairs:  * tried passed every gate (glob)
  Spoilt on purpose (error_rate 0.5), by the gate that is to find it:
  Cost:     $0.00 in this run (the grammar costs nothing), $0.00 over all runs of this store
  Time:     [0-9.]+ s (re)
  
  Stand-in: the offline grammar (--provider offline).
  Next, with your own model:
    export OPENAI_API_KEY=sk-…    # or OPENAI_BASE_URL=http://127.0.0.1:11434/v1, a model on this machine
    nlsql run joins --fresh --count 20 --set total_table_pairs=5 --budget 1
  [0]
  warn: the role postgres may do more than read: it is a superuser (nlsql role prints one that only reads)
    10 of them from earlier runs, 0 new
  warn: the role postgres may do more than read: it is a superuser (nlsql role prints one that only reads)
  error: generated_datasets/joins/dataset.jsonl holds pairs of your database and the offline grammar, and this run would add some of your database and a model: --fresh archives what is there, --run-version NAME makes a dataset beside it
  [3]
  error: --provider: * "openai", "offline", found "oracle" (glob)
