--- anon: stand-ins a second, of values that were never seen, by class; and of one that was.
--- usage: nlsql lua tests/bench/anon.lua [VALUES]
local anon = require "nlsql.anon"

local n = tonumber(arg[1]) or 100000

local MAKE = {
  { "person", function(i) return ("Anna%d Berg"):format(i) end },
  { "email", function(i) return ("anna.%d@firm%d.test"):format(i, i % 7) end },
  { "phone", function(i) return ("+49 30 %07d"):format(i) end },
  { "card", function(i) return ("4111 1111 %04d %04d"):format(i // 10000, i % 10000) end },
  { "code", function(i) return ("ORD-%07d"):format(i) end },
  { "uuid", function(i) return ("123e4567-e89b-42d3-a456-%012x"):format(i) end },
  { "text", function(i) return ("the customer number %d was not amused"):format(i) end },
  { "amount", function(i) return ("%d.%02d"):format(1000 + i // 100, i % 100) end },
  { "date", function(i) return os.date("!%Y-%m-%d %H:%M:%S", i * 86399) end },
}

local schema = { edges = function() return {} end, names = function() return {} end }

local self = anon.open({}, schema, ("s"):rep(32), {})
local decision
self.decision = function() return decision end
for _, one in ipairs(MAKE) do
  decision = { class = one[1], why = "" }
  local started, seen, twice = os.clock(), {}, 0
  for i = 1, n do
    local other = self:value("t", "c", one[2](i))
    if seen[other] then twice = twice + 1 end
    seen[other] = true
  end
  local seconds = os.clock() - started
  started = os.clock()
  for i = 1, n do self:value("t", "c", one[2](i)) end
  print(("%-8s %9.0f a second, seen before %9.0f; %d stand-ins twice"):format(one[1], n / seconds,
    n / (os.clock() - started), twice))
end
print(("%d gave way to others"):format(self.clashes))
collectgarbage()
print(("%d values with a stand-in take %.0f bytes each, the set of protected ones not counted"):format(#self.protected,
  collectgarbage("count") * 1024 / #self.protected))
