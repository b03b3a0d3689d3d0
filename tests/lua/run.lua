--- Runs specs with busted inside the engine, so that they see its modules and may wait on its loop:
---
---     nlsql lua tests/lua/run.lua [SPEC...] [--filter=PATTERN and busted's other options]
---
--- Without SPEC: every *_spec.lua below this folder. A spec requires helpers from this folder by
--- name. Returns 0 where at least one test passed and none failed, else 1.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local paths = 0
for _, word in ipairs(arg) do
  if word:sub(1, 1) ~= "-" then paths = paths + 1 end
end
if paths == 0 then table.insert(arg, here) end

-- busted ends the process by itself; here that must wait until the engine has let go of what it
-- holds, so its way out becomes an error that is caught below.
local EXIT = {}
require("busted.compatibility").exit = function(code)
  error(setmetatable({ code = code }, EXIT), 0)
end

-- The runner's own count is out of reach: look over its shoulder.
local passed = 0
local make_core = require "busted.core"
package.loaded["busted.core"] = function()
  local core = make_core()
  core.subscribe({ "test", "end" }, function(_, _, status)
    if status == "success" then passed = passed + 1 end
    return nil, true
  end)
  return core
end

local ok, stopped = pcall(function() require "busted.runner" { standalone = false } end)
if not ok then
  if getmetatable(stopped) ~= EXIT then error(stopped, 0) end
  return stopped.code == 0 and 0 or 1
end
if passed == 0 then
  io.stderr:write("no test passed: none ran, or all are pending\n")
  return 1
end
return 0
