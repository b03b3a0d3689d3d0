Mistakes on the command line: one sentence on standard error, status 2, nothing on standard output.

  $ nlsql bogus
  error: "bogus" is not a command (see nlsql --help)
  [2]

  $ nlsql run --bogus
  error: --bogus is not an option of "run" (see nlsql run --help)
  [2]

  $ nlsql run --fres
  error: * (glob)
  [2]

  $ nlsql run --count=many phases/joins.lua
  error: --count: expected a whole number, found "many"
  [2]

  $ nlsql lua
  error: which file? usage: nlsql lua FILE [ARGUMENT...]
  [2]

  $ nlsql bogus 2>/dev/null
  [2]

Who reads no further is not told of it; a full disk is.

  $ echo 'local c = require "nlsql.console" while true do c.out("line\n") end' > endless.lua

  $ { nlsql lua endless.lua; echo $? > status; } 2> errors | head -n 1; cat status errors
  line
  141

  $ nlsql lua endless.lua > /dev/full
  error: endless.lua:1: cannot write to standard output: No space left on device
  [1]
