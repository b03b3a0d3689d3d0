--- Runs a program with DATABASE_URL set to a private database made from tests/data/shop.sql:
---
---     nlsql lua "$SOURCE_DIR/tests/cli/with_shop.lua" PROGRAM [ARGUMENT...]
---
--- Its output comes out as one, and its exit status is this one's.
local cluster = require "nlsql.cluster"
local proc = require "nlsql.proc"

local server <close> = assert(cluster.start {})
assert(server:create("shop", { os.getenv("SOURCE_DIR") .. "/tests/data/shop.sql" }))
local child = assert(proc.start {
  argv = { ... },
  env = { DATABASE_URL = server:url("shop") },
  stdout = "inherit",
})
return child:wait()
