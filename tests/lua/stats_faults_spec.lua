-- What a scan meets in a database that others use: locks, dropped tables, privileges, timeouts, lost connections,
-- too little memory, no room for temporary files.
local catalog = require "nlsql.catalog"
local job = require "nlsql.job"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local proc = require "nlsql.proc"
local stats = require "nlsql.stats"
local support = require "tests.lua.support"

local SETUP = [[
CREATE TABLE locked (id integer);
CREATE TABLE dropped (id integer);
CREATE TABLE shrunk (id integer, gone integer);
CREATE TABLE good (id integer);
CREATE TABLE half (id integer, secret integer);
CREATE TABLE later (id integer, closed integer);
INSERT INTO locked SELECT generate_series(1, 10);
INSERT INTO good SELECT generate_series(1, 10);
INSERT INTO half SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO later SELECT g, g FROM generate_series(1, 10) g;
CREATE VIEW slow AS SELECT g AS id, pg_sleep(60)::text AS never FROM generate_series(1, 3) g;
CREATE VIEW broken AS SELECT 1 / (g - 3) AS id FROM generate_series(1, 5) g;
CREATE TABLE wide AS SELECT g::bigint * 7919 AS a, md5(g::text) AS b, md5((g / 2)::text) AS c,
  (g * 3.5)::numeric AS d, repeat('x', 20) AS padding FROM generate_series(1, 600000) g;
DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
GRANT SELECT (id) ON half TO reader;
GRANT SELECT ON good, later TO reader;
ANALYZE;
]]

local url, db, cat
local function psql(sql)
  local code, out = proc.run { argv = { "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql }, timeout = 60 }
  assert(code == 0, "psql failed")
  return (out:gsub("\n$", ""))
end

setup(function()
  local file = support.temp_dir() .. "/faults.sql"
  support.write(file, SETUP)
  url = support.database("stats_faults", { file })
  db = assert(pg.open(url))
  cat = assert(catalog.load(db))
end)
teardown(function() db:close() end)

local function scan(options, schema)
  options.db = options.db or db
  return assert(stats.scan(schema or cat, options))
end

local function reason_of(result, name, column)
  for _, one in ipairs(result.skipped) do
    if one.table == name and one.column == column then return one.reason end
  end
end

local function column_of(result, name, column)
  for _, one in ipairs(result.columns) do
    if one.table == name and one.column == (column or "id") then return one end
  end
end

--- Waits until nobody runs what a scan runs.
local function quiet()
  for _ = 1, 500 do
    if psql "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'" == "0" then return end
    job.sleep(0.01)
  end
  error "a query of the scan still runs"
end

--- Waits until a scan's COPY runs, and returns the server's process.
local function copying()
  for _ = 1, 500 do
    local pid = psql "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active' LIMIT 1"
    if pid ~= "" then return pid end
    job.sleep(0.01)
  end
  error "no scan runs"
end

describe("a scan", function()
  it("leaves out a table that somebody has locked, after lock_timeout", function()
    local holder = assert(proc.start { argv = { "psql", "-XAtq", "-d", url, "-c",
      "BEGIN; LOCK TABLE locked; SELECT pg_sleep(60)" }, stdout = "null", stderr = "null" })
    for _ = 1, 500 do
      local held = psql [[SELECT count(*) FROM pg_locks WHERE relation = 'locked'::regclass AND granted
        AND mode = 'AccessExclusiveLock']]
      if held == "1" then break end
      job.sleep(0.01)
    end
    local begun = job.now()
    local result = scan { lock_timeout = 0.2, tables = { "good", "locked", "half" } }
    assert.is_true(job.now() - begun < 5)
    holder:kill "KILL"
    holder:wait(10)
    psql [[SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'
      AND pid <> pg_backend_pid()]]
    assert.equal("canceling statement due to lock timeout", reason_of(result, "locked"))
    assert.is_nil(column_of(result, "locked"))
    assert.equal(10, column_of(result, "good").distinct)
    assert.equal(10, column_of(result, "half").distinct)
  end)

  it("leaves out tables and columns that are gone", function()
    psql "DROP TABLE dropped; ALTER TABLE shrunk DROP COLUMN gone"
    local result = scan { tables = { "dropped", "shrunk", "good" } }
    assert.equal("the table is not there any more", reason_of(result, "dropped"))
    assert.equal("the column is not there any more", reason_of(result, "shrunk", "gone"))
    assert.equal(0, column_of(result, "shrunk").rows)
    assert.equal(10, column_of(result, "good").rows)
    psql "CREATE TABLE dropped (id integer); ALTER TABLE shrunk ADD COLUMN gone integer"
  end)

  it("leaves out columns that it may not read, also where the privilege went meanwhile", function()
    local own = url .. (url:find("?", 1, true) and "&" or "?") .. "user=reader"
    local reader = assert(pg.open(own))
    local seen = assert(catalog.load(reader))
    psql "REVOKE SELECT ON later FROM reader; GRANT SELECT (id) ON later TO reader"
    local result = scan({ db = reader }, seen)
    reader:close()
    assert.equal("no SELECT privilege on it", reason_of(result, "half", "secret"))
    assert.equal("no SELECT privilege on it", reason_of(result, "later", "closed"))
    assert.equal(10, column_of(result, "half").distinct)
    assert.equal(10, column_of(result, "later").distinct)
  end)

  it("leaves out a table whose reading takes too long, or fails midway, and reads the others", function()
    local result = scan { tables = { "broken", "slow", "good", "half" }, statement_timeout = 0.2, connections = 1 }
    assert.equal("canceling statement due to statement timeout", reason_of(result, "slow"))
    assert.equal("division by zero", reason_of(result, "broken"))
    assert.equal(10, column_of(result, "good").distinct)
    assert.equal(10, column_of(result, "half", "secret").distinct)
    for _, overlap in ipairs(result.overlaps) do
      assert.is_true(math.max(overlap.child, overlap.parent) <= #result.columns)
    end
    local list = assert(stats.tuples(cat, {
      { from = "broken", columns = { "id" }, to = "good", referred = { "id" } },
      { from = "good", columns = { "id" }, to = "half", referred = { "secret" } } }, { db = db }))
    assert.equal("division by zero", list[1].reason)
    assert.equal(1, list[2].containment)
  end)

  it("takes its queries along when its job is cancelled", function()
    local lone = job.spawn(function() scan { tables = { "slow", "good" } } end)
    copying()
    lone:cancel()
    quiet()
  end)

  it("ends with an error where its connection is lost", function()
    local result, message, code
    local lone = job.spawn(function() result, message, code = stats.scan(cat, { db = db, tables = { "slow" } }) end)
    psql(("SELECT pg_terminate_backend(%s)"):format(copying()))
    lone:wait()
    assert.is_nil(result)
    assert.equal("net", code)
    assert.is_string(message)
  end)

  it("ends at once where the engine is told to stop", function()
    local dir = support.temp_dir()
    support.write(dir .. "/scans.lua", [[
local stats = require "nlsql.stats"
return {
  name = "scans", summary = "Scans what takes long",
  plan = function(ctx)
    print(select(2, stats.scan(ctx.schema, { tables = { "slow" } })))
  end,
  prompt = print,
}
]])
    local p = assert(proc.start { argv = { support.build() .. "/nlsql", "run", "scans.lua", "--trust", "--provider", "offline" },
      env = { DATABASE_URL = url }, cwd = dir, stdout = "null", stderr = dir .. "/err" })
    copying()
    p:kill "INT"
    assert.is_number(p:wait(10))
    assert.matches("interrupted\tcancelled\n", support.read(dir .. "/err"), 1, true)
    quiet()
  end)

  it("leaves nlsql relations with the exit code of an interruption", function()
    local p = assert(proc.start { argv = { support.build() .. "/nlsql", "relations", "--views" },
      env = { DATABASE_URL = url }, cwd = support.temp_dir(), stdout = "null", stderr = "null" })
    copying()
    p:kill "INT"
    assert.equal(130, p:wait(10))
    quiet()
  end)
end)

--- 40 tables of 100 columns, a third of them texts; each has up to six of 300 values.
local function many_columns()
  local out = {}
  for t = 1, 40 do
    local columns = {}
    for c = 1, 100 do
      columns[c] = ("((hashint8(g * 1000003 + %d) & 2147483647) %% 300)%s AS c%d"):format(t * 100 + c,
        c % 3 == 0 and "::text" or "", c)
    end
    out[t] = ("CREATE TABLE m_%02d AS SELECT %s FROM generate_series(1, 6) AS g;"):format(t, table.concat(columns, ", "))
  end
  return table.concat(out, "\n")
end

--- The overlaps of half of a column's values at least, a line each, as tests/bench/scan.lua writes them.
local function plain_overlaps(many)
  local parts = {}
  for t = 1, 40 do
    parts[t] = ("SELECT 'm_%02d' AS t, e.* FROM m_%02d AS m, jsonb_each(to_jsonb(m)) AS e"):format(t, t)
  end
  local other = assert(pg.open(many))
  local got = assert(other:query(([[
    WITH v AS MATERIALIZED (SELECT DISTINCT t, substr(key, 2)::int AS c, value FROM (%s) AS all_values),
      n AS MATERIALIZED (SELECT t, c, count(*) AS n FROM v GROUP BY 1, 2)
    SELECT string_agg(format('%%s.c%%s %%s.c%%s %%s', a.t, a.c, b.t, b.c, common), chr(10) ORDER BY a.t, a.c, b.t, b.c) || chr(10)
      FROM (SELECT a.t, a.c, b.t AS bt, b.c AS bc, count(*) AS common FROM v AS a JOIN v AS b USING (value)
            WHERE (a.t, a.c) <> (b.t, b.c) GROUP BY 1, 2, 3, 4) AS s
      JOIN n AS a ON (a.t, a.c) = (s.t, s.c) JOIN n AS b ON (b.t, b.c) = (s.bt, s.bc)
     WHERE common >= 0.5 * a.n]]):format(table.concat(parts, " UNION ALL ")), nil,
    { statement_timeout = 60, max_bytes = 1 << 26 }))
  other:close()
  return got.rows[1][1]
end

describe("a scan with little memory", function()
  it("gives the same answers by way of temporary files, and none is left", function()
    local function left()
      local _, n = proc.run { argv = { "sh", "-c", "ls -d ${TMPDIR:-/tmp}/nlsql-scan-* 2>/dev/null | wc -l" } }
      return n
    end
    local before = left() -- other programs may run here too
    local roomy = scan { tables = { "wide" }, min_containment = 0 }
    local tight = scan { tables = { "wide" }, min_containment = 0, memory_mb = 16 }
    assert.equal(0, roomy.spilled)
    assert.is_true(tight.spilled > 1000000, tight.spilled)
    assert.same(roomy.columns, tight.columns)
    assert.same(roomy.overlaps, tight.overlaps)
    assert.equal(600000, column_of(tight, "wide", "b").distinct)
    assert.equal(300001, column_of(tight, "wide", "c").distinct)
    assert.equal(before, left())
  end)

  it("counts pairs in many passes, with the answers of one pass and of plain SQL, and keeps to its memory", function()
    local dir = support.temp_dir()
    support.write(dir .. "/many.sql", many_columns())
    local many = support.database("stats_many", { dir .. "/many.sql" })
    local function scanned(memory_mb)
      local _, out = proc.run { argv = { support.build() .. "/nlsql", "lua", "tests/bench/scan.lua", many, "overlaps", "2",
        tostring(memory_mb), dir .. "/" .. memory_mb }, timeout = 60 }
      return json.decode(out), support.read(dir .. "/" .. memory_mb)
    end
    local roomy, all = scanned(512)
    local tight, same = scanned(16)
    assert.equal(1, roomy.passes)
    assert.is_true(tight.passes >= 5, tight.passes)
    assert.is_true(tight.overlaps > 500, tight.overlaps)
    assert.equal(0, tight.spilled)
    assert.equal(plain_overlaps(many), all)
    assert.equal(all, same)
    if os.getenv("NLSQL_SANITIZED") then return end -- sanitizers keep what was freed
    assert.is_true(tight.grown_kb < 16 * 1024, tight.grown_kb)
  end)

  it("says where temporary files cannot be made", function()
    local dir = support.temp_dir()
    support.write(dir .. "/scan.lua", [[
      local catalog, pg, stats = require "nlsql.catalog", require "nlsql.pg", require "nlsql.stats"
      local cat = assert(catalog.load(assert(pg.open())))
      local _, message, code = stats.scan(cat, { tables = { "wide" }, memory_mb = 16 })
      print(code, message)]])
    local _, out = proc.run { argv = { support.build() .. "/nlsql", "lua", dir .. "/scan.lua" },
      env = { DATABASE_URL = url, TMPDIR = "/nowhere" }, timeout = 60 }
    assert.equal("io\tcannot make a temporary file in /nowhere: No such file or directory\n", out)
  end)
end)

describe("a scan of a large table", function()
  it("reads its pages in stretches over all connections, and is none the wiser", function()
    local one = scan { tables = { "wide" }, connections = 1, values = true }
    local several = scan { tables = { "wide" }, connections = 4, values = true }
    assert.same(one.overlaps, several.overlaps)
    for i, column in ipairs(several.columns) do
      local common = column.common
      column.common, one.columns[i].common = nil, nil
      assert.same(one.columns[i], column)
      if column.column == "padding" then assert.same({ { value = ("x"):rep(20), count = 600000 } }, common) end
    end
    assert.is_true(column_of(several, "wide", "a").increasing)
    assert.is_false(column_of(several, "wide", "b").increasing)
  end)

  it("is of a sample of its pages above exact_rows, the same for the same seed", function()
    local first, again = (function(options) return scan(options), scan(options) end) {
      tables = { "wide", "good" }, exact_rows = 20000 }
    local other = scan { tables = { "wide", "good" }, exact_rows = 20000, seed = 2 }
    local a = column_of(first, "wide", "a")
    assert.same(first.columns, again.columns)
    assert.are_not_same(a, column_of(other, "wide", "a"))
    assert.near(1 / 30, a.sampled, 0.001)
    assert.is_true(a.rows > 15000 and a.rows < 25000)
    assert.is_false(a.exact)
    assert.is_true(column_of(first, "good").exact)
    assert.is_nil(column_of(first, "good").sampled)
  end)
end)
