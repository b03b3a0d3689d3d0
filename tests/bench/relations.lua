--- relations: the statistics that relationship discovery reads, beside a bare COPY of the same columns,
--- PostgreSQL asked pair by pair, and DuckDB. Called by tests/bench/run.lua.
---
--- `./dev bench relations` takes about three minutes; `./dev bench relations large` reads ten million rows as
--- well, to show how time and memory grow (another five minutes and 3 GB of disk).
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local proc = require "nlsql.proc"
local scandata = require "tests.bench.scandata"
local support = require "tests.lua.support"

local TABLES, ROWS, CONNECTIONS, MEMORY_MB = 20, 50000, 2, 512
local SMALL_ROWS = 10000 -- of each table, where every pair is really asked for
local SAMPLE = 60        -- pairs asked for where they are too many

local relations = {}

local bench

local function database(name, sql)
  local dir = support.temp_dir()
  support.write(dir .. "/data.sql", sql)
  local url = support.database(name, { dir .. "/data.sql" })
  os.execute("rm -rf " .. dir)
  return url
end

local function scan_once(url, what, memory_mb, path)
  return bench.measure { support.build() .. "/nlsql", "lua", "tests/bench/scan.lua", url, what, tostring(CONNECTIONS),
    tostring(memory_mb or MEMORY_MB), path }
end

local function scan(...)
  local words = table.pack(...)
  return bench.best_of(3, function() return scan_once(table.unpack(words, 1, words.n)) end)
end

local function bare_once(url, dir)
  local got = bench.measure { support.build() .. "/tests/bare_copy", url, tostring(CONNECTIONS), dir .. "/copies" }
  got.rate = 1 / got.seconds
  return got
end

--- The bare COPY and the two scans, in turn, so that what else the machine does meets all of them; the best of each.
local function in_turn(url, dir, rounds)
  support.write(dir .. "/copies", scandata.copies(TABLES))
  local best = {}
  for _ = 1, rounds do
    for i, got in ipairs { bare_once(url, dir), scan_once(url, "overlaps"), scan_once(url, "all") } do
      if not best[i] or got.rate > best[i].rate then best[i] = got end
    end
  end
  return table.unpack(best)
end

--- Asks PostgreSQL about pairs, over so many connections; gives the seconds, and the answers as text.
local function ask(url, list, connections)
  local db = assert(pg.open(url, { sessions = connections }))
  local answers = {}
  jobs.map({ 1, 2 }, connections, function() assert(db:query("SELECT 1")) end) -- connecting is not counted
  jobs.sleep(0)
  local started = jobs.now()
  jobs.map(list, connections, function(pair, i)
    local row = assert(db:query(scandata.pair_sql(pair), nil, { statement_timeout = 60 })).rows[1]
    local distinct, common = tonumber(row[1]), tonumber(row[2])
    if distinct > 0 and common / distinct >= 0.5 then
      answers[i] = ("%s.%s %s.%s %d"):format(pair[1].table, pair[1].column, pair[2].table, pair[2].column, common)
    end
  end)
  jobs.sleep(0)
  local seconds = jobs.now() - started
  db:close()
  return seconds, answers
end

--- So many of a list, drawn.
local function sample(list, n)
  local out, left = {}, table.move(list, 1, #list, 1, {})
  math.randomseed(1)
  for i = 1, math.min(n, #left) do out[i] = table.remove(left, math.random(#left)) end
  return out
end

--- Answers of PostgreSQL that the scan does not give, or gives otherwise, and the other way round.
local function differences(answers, n, path)
  local ours, count = {}, 0
  for _, line in ipairs(support.lines(path)) do ours[line] = true end
  for i = 1, n do
    if answers[i] then
      if not ours[answers[i]] then count = count + 1 end
      ours[answers[i]] = nil
    end
  end
  for _ in pairs(ours) do count = count + 1 end
  return count
end

--- A size at which asking for every pair ends.
local function every_pair(dir)
  local url = database("scan_small", scandata.sql(TABLES, SMALL_ROWS))
  local list = scandata.pairs(scandata.columns(TABLES))
  local ours = scan(url, "overlaps", nil, dir .. "/overlaps")
  local seconds, answers = ask(url, list, 1)
  bench.say("  pair by pair in PostgreSQL, %d rows, all %d pairs, one after the other: %.1f s, %.1f ms a pair; nlsql: "
    .. "%.3f s, %.0f times faster (aim 300); answers that differ: %d", TABLES * SMALL_ROWS, #list, seconds,
    1000 * seconds / #list, ours.seconds, seconds / ours.seconds, differences(answers, #list, dir .. "/overlaps"))
end

--- A size at which it would take too long: some pairs, and all of them reckoned from these.
local function sampled_pairs(url, ours)
  local list = scandata.pairs(scandata.columns(TABLES))
  local some = sample(list, SAMPLE)
  local one, several = ask(url, some, 1) / #some, ask(url, some, CONNECTIONS) / #some
  bench.say("  pair by pair in PostgreSQL, %d rows, extrapolated from %d pairs drawn: %.0f s, %.1f ms a pair; nlsql is "
    .. "%.0f times faster; and %.0f times where PostgreSQL is asked over %d connections too", TABLES * ROWS, #some,
    one * #list, 1000 * one, one * #list / ours.seconds, several * #list / ours.seconds, CONNECTIONS)
end

--- --- DuckDB --------------------------------------------------------------------------------------

--- Where its package is, or nil and why not. Fetched once, for this measurement only.
local function duckdb_packages()
  if proc.run { argv = { "node", "--version" } } ~= 0 then return nil, "there is no node here" end
  local folder = support.build():gsub("/[^/]+$", "") .. "/duckdb"
  if not support.read(folder .. "/node_modules/@duckdb/node-api/package.json") then
    os.execute("mkdir -p '" .. folder .. "'")
    support.write(folder .. "/package.json", '{"private": true}\n')
    local status, output = proc.run {
      argv = { "npm", "install", "--silent", "--no-audit", "--no-fund", "@duckdb/node-api" }, cwd = folder,
    }
    if status ~= 0 then return nil, "npm gives no @duckdb/node-api: " .. (tostring(output):match("[^\n]+") or "") end
  end
  return folder
end

--- The tables as CSV files, and what their columns are.
local function export(url, dir)
  local lines, names = {}, {}
  for i, column in ipairs(scandata.COLUMNS) do names[i] = column[1] end
  for t = 1, TABLES do
    local name = scandata.table_name(t)
    lines[t] = ("\\copy %s (%s) TO '%s/%s.csv' (FORMAT csv)"):format(name, table.concat(names, ", "), dir, name)
  end
  support.write(dir .. "/export.sql", table.concat(lines, "\n") .. "\n")
  local psql = support.cluster():bin() .. "/psql"
  local status, output = proc.run {
    argv = { psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", dir .. "/export.sql" },
  }
  if status ~= 0 then error(output) end
  support.write(dir .. "/columns.json", (json.encode(scandata.columns(TABLES))))
end

local function duckdb(url, dir, ours)
  local packages, why = duckdb_packages()
  if not packages then
    bench.say("  DuckDB: skipped (%s)", why)
    return
  end
  export(url, dir)
  local got = bench.best_of(2, function()
    local one = bench.measure { "node", "tests/bench/duckdb_peer.mjs", packages, dir, tostring(CONNECTIONS) }
    one.rate = 1 / one.seconds
    return one
  end)
  bench.say("  DuckDB, %d threads: %.2f s to read the data from CSV files, %.2f s for the same overlaps (%d; ours %d); "
    .. "%.0f MB", CONNECTIONS, got.load, got.seconds, got.overlaps, ours.overlaps, got.rss_kb / 1024)
  bench.say("  … nlsql, reading from PostgreSQL included, %.2f s: %.1f times as fast as both together, %.1f as the "
    .. "second alone", ours.seconds, (got.load + got.seconds) / ours.seconds, got.seconds / ours.seconds)
end

--- --- sizes ---------------------------------------------------------------------------------------

local function many_columns()
  local url = database("scan_wide", scandata.sql(200, 50, 20))
  local got = scan(url, "all")
  bench.say("  200 tables, %d columns, 50 rows each: %.2f s (aim 10), %d overlaps, %.0f MB", got.columns, got.seconds,
    got.overlaps, got.rss_kb / 1024)
end

--- How time and memory grow. The processor's time is told too: it says the same on a machine that others use.
local function ten_times(dir, before)
  local url = database("scan_large", scandata.sql(TABLES, ROWS * 10))
  local now = table.pack(in_turn(url, dir, 3))
  bench.say("  10 times the rows: bare COPY %.2f s, %.1f times as long", now[1].seconds,
    now[1].seconds / before[1].seconds)
  for i, what in ipairs { "containment of all pairs", "with all statistics" } do
    local got, was = now[i + 1], before[i + 1]
    bench.say("  … %s: %.2f s, %.1f times as long (aim 11), %.2f of the bare COPY; %.1f times the processor's time; "
      .. "%.0f MB under a cap of %d (%.0f MB spilled)", what, got.seconds, got.seconds / was.seconds,
      got.seconds / now[1].seconds, got.cpu_seconds / was.cpu_seconds, got.rss_kb / 1024, MEMORY_MB,
      got.spilled / 2 ^ 20)
  end
  local got = scan(url, "overlaps", 64)
  bench.say("  … under a cap of 64 MB: %.2f s, %.0f MB (%.0f MB spilled)", got.seconds, got.rss_kb / 1024,
    got.spilled / 2 ^ 20)
end

--- `tools`: say, measure, best_of of tests/bench/run.lua. `large`: ten million rows as well.
---@param tools { say: function, measure: function, best_of: function }
---@param large boolean
function relations.run(tools, large)
  bench = tools
  bench.say("relations: %d tables, %d columns, %d rows, %d connections", TABLES, TABLES * #scandata.COLUMNS,
    TABLES * ROWS, CONNECTIONS)
  local dir = support.temp_dir()
  local url = database("scan_million", scandata.sql(TABLES, ROWS))
  local floor, overlaps, all = in_turn(url, dir, 5)
  bench.say("  bare COPY of the same columns: %.3f s (%.0f MB)", floor.seconds, floor.bytes / 2 ^ 20)
  bench.say("  containment of all pairs: %.3f s, %.2f of the bare COPY (aim 1.5); %d overlaps, %.0f MB",
    overlaps.seconds, overlaps.seconds / floor.seconds, overlaps.overlaps, overlaps.rss_kb / 1024)
  bench.say("  with all statistics: %.3f s, %.2f of the bare COPY (aim 2.5); %.0f MB", all.seconds,
    all.seconds / floor.seconds, all.rss_kb / 1024)
  duckdb(url, dir, overlaps)
  sampled_pairs(url, overlaps)
  every_pair(dir)
  many_columns()
  if large then ten_times(dir, { floor, overlaps, all }) end
  os.execute("rm -rf " .. dir)
end

return relations
