`nlsql lua` runs a file inside the engine: `arg` as the lua program sets it, the engine's modules,
waiting anywhere, and the whole number that the file returns as the exit status.

  $ cat >hello.lua <<'END'
  > local job = require "nlsql.job"
  > job.sleep(0.01)
  > print(arg[0], #arg, ...)
  > return 7
  > END
  $ nlsql lua hello.lua one two
  hello.lua\t2\tone\ttwo (esc)
  [7]

  $ echo 'print(require("nlsql.json").encode { 1, "zwei" })' >json.lua
  $ nlsql lua json.lua
  [1,"zwei"]

Errors name the place.

  $ printf 'local x = 1\nlocal y = = 2\n' >syntax.lua
  $ nlsql lua syntax.lua
  error: syntax.lua:2: unexpected symbol near '='
  [1]
  $ printf 'local x = 1\nerror "on purpose"\n' >raise.lua
  $ nlsql lua raise.lua
  error: raise.lua:2: on purpose* (glob)
  [1]
  $ nlsql lua missing.lua
  error: *missing.lua*No such file or directory* (glob)
  [1]
