What is wrong is said in one sentence, with its place, and has its exit code: 3 for what the user
wrote, 4 for the database, 5 for the model.

A model without a database: the demo database is not guessed, since the model may cost money. (Where
neither is configured both have stand-ins: see demo.t.)

  $ OPENAI_API_KEY=sk-secret-123456 nlsql run joins
  error: no database: set DATABASE_URL, e.g. export DATABASE_URL=postgresql://user:password@host:5432/name, or give --demo for the demo database
  [4]
  $ OPENAI_BASE_URL=http://127.0.0.1:11434/v1 nlsql run joins
  error: no database: set DATABASE_URL, * (glob)
  [4]
  $ OPENAI_API_KEY=sk-secret-123456 nlsql schema
  error: no database: set DATABASE_URL, * or give --demo for the demo database (glob)
  [4]

The database:

  $ DATABASE_URL=nonsense nlsql schema
  error: the database's URL cannot be read (expected postgresql://user:password@host:5432/name)
  [4]
  $ export DATABASE_URL=postgresql://app:hunter2@127.0.0.1:1/shop
  $ nlsql schema
  error: cannot connect to postgresql://app@127.0.0.1:1/shop: Connection refused* (glob)
  [4]

The model's endpoint: a key is needed before anything is asked.

  $ nlsql run joins
  error: no key for https://api.openai.com/v1: set OPENAI_API_KEY (* or give --provider offline for the grammar, which needs no model (glob)
  [5]
  $ nlsql run joins --provider oracle
  error: --provider: provider: expected one of "openai", "offline", found "oracle"
  [3]
  $ OPENAI_API_KEY=sk-secret-123456 nlsql run joins >said 2>&1
  [4]
  $ grep 'hunter2\|sk-secret' said
  [1]

Phases: the file, its line, and what would do.

  $ nlsql run jons
  error: there is no phase "jons" (did you mean "joins"?)
  [3]
  $ nlsql run JOINS
  error: there is no phase "JOINS" (did you mean "joins"?)
  [3]
  $ nlsql run --phase jons
  error: there is no phase "jons" (did you mean "joins"?)
  [3]
  $ nlsql try jons
  error: there is no phase "jons" (did you mean "joins"?)
  [3]
  $ nlsql run no-likeness-at-all
  error: there is no phase "no-likeness-at-all" (there are: * (glob)
  [3]
  $ nlsql run ../joins
  error: there is no phase "../joins" (* (glob)
  [3]
  $ nlsql run phases/jons.lua
  error: cannot read phases/jons.lua: no such file
  [3]
  $ mkdir phases
  $ printf 'local a =\n  = 1\n' >phases/syntax.lua
  $ nlsql run phases/syntax.lua
  error: phases/syntax.lua:2: unexpected symbol near '='
  [3]
  $ echo 'return 5' >phases/number.lua
  $ nlsql run phases/number.lua
  error: phases/number.lua:1: a phase's file returns a table, this one returned a number
  [3]
  $ printf 'return {\n  name = "hooks",\n  acept = function() end,\n}\n' >phases/hooks.lua
  $ nlsql run hooks
  error: phases/hooks.lua:3: "acept" is not a field of a phase (did you mean "accept"?)
  [3]
  $ cat >phases/half.lua <<'END'
  > return {
  >   name = "half", summary = "Half a phase", plan = function() end, prompt = function() end,
  >   options = { style = { "plain", "how", { choices = { "formal" } } } },
  > }
  > END
  $ nlsql run half
  error: phases/half.lua:3: options.style: the default: expected "formal", found "plain"
  [3]
  $ sed -i '/options/d; s/prompt =/promt =/' phases/half.lua
  $ nlsql run half
  error: phases/half.lua:2: "promt" is not a field of a phase (did you mean "prompt"?)
  [3]
  $ sed -i 's/, promt = function() end//' phases/half.lua
  $ nlsql run half
  error: phases/half.lua:1: prompt is missing (or run, where the phase drives itself): expected a function
  [3]
  $ sed -i 's/plan = .*/prompt = 5,/' phases/half.lua
  $ nlsql run half
  error: phases/half.lua:2: prompt: expected a function, found a number
  [3]

Options:

  $ nlsql run joins --set conut=5
  error: --set conut=5: phase "joins" has no option "conut" (did you mean "count"?)
  [3]
  $ nlsql run joins --set count=many
  error: --set count=many: count: expected a whole number of 1 or more, found "many"
  [3]
  $ nlsql run joins --count=-5
  error: --count: count: expected a whole number of 1 or more, found -5
  [3]

Configuration: an unknown key is a warning with the nearest known one; a wrong type is an error.

  $ nlsql run joins --config nosuch.yaml
  error: cannot read nosuch.yaml: No such file or directory
  [3]
  $ printf 'phases: [joins\n' >config.yaml
  $ nlsql run joins
  error: config.yaml:2:1: * (glob)
  [3]
  $ printf 'openai_modle: x\nparalelism: 3\n' >config.yaml
  $ nlsql run joins
  warn: config.yaml:1:1: "openai_modle" is not a setting (did you mean "openai_model"?); it is ignored
  warn: config.yaml:2:1: "paralelism" is not a setting (did you mean "parallelism"?); it is ignored
  error: no key for * (glob)
  [5]
  $ printf 'phases:\n  - name: joins\n    count: many\n' >config.yaml
  $ nlsql run joins
  error: config.yaml:3:12: count: expected a whole number of 1 or more, found "many"
  [3]
