--- scan: one stats.scan of a whole database, in a process of its own so that its memory is its own.
--- usage: nlsql lua tests/bench/scan.lua URL all|overlaps CONNECTIONS MEMORY_MB [FILE]
--- Prints one JSON line; writes the overlaps to FILE, a line each: table.column table.column common.
local catalog = require "nlsql.catalog"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local stats = require "nlsql.stats"

local url, what, connections, memory, path = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4]), arg[5]

local function memory_kb()
  for text in io.lines("/proc/self/status") do
    local kb = text:match("^VmHWM:%s*(%d+)")
    if kb then return tonumber(kb) end
  end
end

local function write(result)
  local f = assert(io.open(path, "w"))
  for _, overlap in ipairs(result.overlaps) do
    local child, parent = result.columns[overlap.child], result.columns[overlap.parent]
    f:write(("%s.%s %s.%s %d\n"):format(child.table, child.column, parent.table, parent.column, overlap.common))
  end
  f:close()
end

local db = assert(pg.open(url))
local schema = assert(catalog.load(db))
jobs.sleep(0)
local before = memory_kb()
local started, cpu = jobs.now(), os.clock()
local result = assert(stats.scan(schema, { db = db, connections = connections, memory_mb = memory,
  min_containment = 0.5, exact_rows = 1000000000, values = what == "all" or nil }))
jobs.sleep(0)
local seconds = jobs.now() - started
cpu = os.clock() - cpu -- of all threads of this process; the server's is its own
if path then write(result) end
print((json.encode { name = "nlsql " .. what, seconds = seconds, rate = 1 / seconds, cpu_seconds = cpu,
  rows = result.rows, columns = #result.columns, overlaps = #result.overlaps, skipped = #result.skipped,
  spilled = result.spilled, passes = result.passes, rss_kb = memory_kb(), grown_kb = memory_kb() - before }))
