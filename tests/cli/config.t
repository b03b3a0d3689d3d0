What holds, and where it comes from: a flag, the environment, .env, the phase's section, defaults, the
top level of config.yaml, what is built in.

  $ cat >config.yaml <<'END'
  > openai_model: gpt-4.1
  > db_cocurrent_session: 12
  > defaults:
  >   max_attempts: 4
  > phases:
  >   - name: joins
  >     count: 50
  >   - name: ours
  >     questions: ["How many orders are there?"]
  > END
  $ cat >.env <<'END'
  > # of this project
  > export OPENAI_API_KEY='sk-secret-123456'
  > DATABASE_URL="postgresql://app:hunter2@127.0.0.1:1/shop"
  > OPENAI_BUDGET_USD=3
  > END
  $ chmod 644 .env
  $ DG_PARALLELISM=7 nlsql config --set joins.n_rows=3 >said
  warn: .env can be read or changed by others (mode 0644): chmod 600 .env
  $ grep -v 'built in\|not set\|prices' said | sed '/^phase/,$d'
  settings
    budget_usd                   3                                             .env:4
    db_concurrent_sessions       12                                            config.yaml:2:23
    openai_model                 gpt-4.1                                       config.yaml:1:15
    parallelism                  7                                             DG_PARALLELISM
  
  environment
    DATABASE_URL                 set: postgresql://app@127.0.0.1:1/shop        .env:3
    OPENAI_API_KEY               set                                           .env:2
  
  $ grep '^phase\| count \| max_attempts \| n_rows \| questions \| tag_schema_json ' said
  phase joins (phases/joins.lua)
    count                        50                                            config.yaml:7:12
    max_attempts                 4                                             config.yaml:4:17
    n_rows                       3                                             --set joins.n_rows=3
    tag_schema_json              false                                         built in
  phase ours (phases/questions.lua)
    count                        20                                            built in
    max_attempts                 4                                             config.yaml:4:17
    n_rows                       2                                             phases/questions.lua
    questions                    ["How many orders are there?"]                config.yaml:9:16
    tag_schema_json              false                                         built in
  $ nlsql config --json 2>&1 | grep 'hunter2\|sk-secret'
  [1]

Others can read that file:

  $ nlsql config --check
  warn: .env can be read or changed by others (mode 0644): chmod 600 .env
  config.yaml: no fault found, 2 phases
  $ chmod 600 .env
  $ nlsql config --check
  config.yaml: no fault found, 2 phases

The same file serves a run, and the environment wins over it.

  $ nlsql schema
  error: cannot connect to postgresql://app@127.0.0.1:1/shop: Connection refused
  [4]
  $ DATABASE_URL=postgresql://app@127.0.0.1:2/mine nlsql schema
  error: cannot connect to postgresql://app@127.0.0.1:2/mine: Connection refused
  [4]
  $ echo 'DATABASE_URL=postgresql://app:hunter2@127.0.0.1:3/shop' >.env
  $ echo "OPENAI_KEY: sk-secret-123456" >>.env
  $ nlsql schema 2>said
  [4]
  $ cat said
  warn: .env:2: expected NAME=VALUE; the line is left out
  error: cannot connect to postgresql://app@127.0.0.1:3/shop: Connection refused
  $ rm .env

All that is wrong is said, each with its place.

  $ cat >config.yaml <<'END'
  > budget_usd: lots
  > parallelism: 4
  > relations: [orders.customer -> customers]
  > phases:
  >   - name: jions
  >   - name: joins
  >     min_joins: 1
  >     prompt_template: join_sqll
  >   - name: ours
  >     questions: How many?
  > END
  $ nlsql config --check
  a run here would have stand-ins: the demo database (no DATABASE_URL) and the offline grammar (no OPENAI_API_KEY)
  error: config.yaml:1:13: budget_usd: expected a number of 0 or more, found "lots"
  error: config.yaml:3:13: relations[1]: is not two columns that are named with their tables; expected "orders.customer_id -> customers.id", or "(a.x, a.y) -> (b.x, b.y)"
  error: config.yaml:10:16: questions: expected a list of texts, found "How many?"
  error: config.yaml:5:5: there is no phase "jions" (did you mean "joins"?); a phase without a file of its own has questions, prompt_template or builtins
  error: config.yaml:7:16: min_joins: expected a whole number of 2 or more, found 1
  error: config.yaml:8:22: prompt_template: prompts/join_sqll.txt: there is no such template (did you mean "join_sql"?)
  [3]
  $ nlsql config
  error: config.yaml:1:13: budget_usd: expected a number of 0 or more, found "lots"
  error: config.yaml:3:13: relations[1]: is not two columns that are named with their tables; expected "orders.customer_id -> customers.id", or "(a.x, a.y) -> (b.x, b.y)"
  error: config.yaml:10:16: questions: expected a list of texts, found "How many?"
  [3]
