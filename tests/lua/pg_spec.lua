-- The binding of the connection pool, and of the throw-away cluster that it talks to here.
local cluster = require "nlsql.cluster"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local support = require "tests.lua.support"

describe("nlsql.pg", function()
  local db

  setup(function()
    db = assert(pg.open(support.database("pg_shop", { "tests/data/shop.sql" }), { sessions = 4 }))
  end)
  teardown(function() db:close() end)

  it("gives rows as text, and NULL as json.null both ways", function()
    local got = assert(db:query("SELECT $1::int + 1 AS a, $2::text AS b, $3::text AS c",
      { 41, json.null, "x" }))
    assert.same({ "a", "b", "c" }, got.columns)
    assert.same({ "42", json.null, "x" }, got.rows[1])
    assert.is_false(got.more)
  end)

  it("returns the database's refusal with its sqlstate", function()
    local got, message, code, sqlstate = db:query("SELECT nothing")
    assert.is_nil(got)
    assert.equal('column "nothing" does not exist', message)
    assert.same({ "db", "42703" }, { code, sqlstate })
  end)

  it("tells how far a probe came", function()
    local got = db:probe("SELECT name, mood FROM customer ORDER BY 1",
      { rows = true, max_rows = 2, max_field = 5 })
    assert.equal("done", got.stage)
    assert.same({ "name", "mood" }, got.columns)
    assert.same({ "Custo", "neutr" }, { got.rows[1][1], got.rows[2][2] })
    assert.same({ 2, true, false }, { got.n_rows, got.more, got.all_null })
    assert.is_true(got.cost > 0 and json.decode(got.plan)[1].Plan["Plan Rows"] == 60)

    assert.is_nil(db:probe("SELECT 1").rows)
    assert.is_true(db:probe("SELECT NULL, NULL").all_null)
    assert.equal("cost", db:probe("SELECT * FROM customer a, customer b", { max_cost = 1 }).stage)
    local planned = db:probe("SELECT pg_sleep(60)", { execute = false })
    assert.same({ "done", 0 }, { planned.stage, planned.n_rows })
    local late = db:probe("SELECT pg_sleep(60)", { statement_timeout = 0.05 })
    assert.same({ "execute", "timeout", "57014" }, { late.stage, late.code, late.sqlstate })
    local wrong = db:probe("SELECT a FRM b")
    assert.same({ "explain", "42601", 14 }, { wrong.stage, wrong.sqlstate, wrong.position })
  end)

  it("serves many jobs at once", function()
    local n = 0
    local list = {}
    for i = 1, 200 do list[i] = i end
    jobs.map(list, 50, function(i)
      local got = tonumber(assert(db:query("SELECT $1::int", { i })).rows[1][1])
      n = n + got -- in a step of its own: others add while this one waits
    end)
    assert.equal(20100, n)
    local stats = db:stats()
    assert.same({ 4, 0, 0 }, { stats.open, stats.busy, stats.waiting })
  end)

  it("raises a caller's mistakes, and reads limits that are out of range as the nearest", function()
    assert.has_error(function() db:query("SELECT 1", nil, { max_rows = -1 }) end)
    assert.has_error(function() db:query("SELECT 1", nil, { max_bytes = 0 / 0 }) end)
    assert.has_error(function() db:query("SELECT 1", 7) end)
    local got = assert(db:query("SELECT 1", nil, { max_rows = 1e300, statement_timeout = math.huge }))
    assert.equal("1", got.rows[1][1])
  end)

  it("says in one sentence why it cannot connect", function()
    local none = assert(pg.open("postgresql://app:se-cret@127.0.0.1:1/x"))
    local got, message, code = none:query("SELECT 1")
    assert.is_nil(got)
    assert.equal("cannot connect to postgresql://app@127.0.0.1:1/x: Connection refused", message)
    assert.equal("net", code)
    none:close()
    none:close()
    assert.has_error(function() none:query("SELECT 1") end)
    assert.is_nil((pg.open("postgresql://app@host/x?nonsense=1")))
  end)
end)

describe("nlsql.cluster", function()
  it("starts, makes databases, stops, and is stale then", function()
    local c = assert(cluster.start { settings = { "work_mem=5MB" } })
    assert(c:create("fresh", { "tests/data/shop.sql" }))
    local db = assert(pg.open(c:url("fresh")))
    assert.equal("5MB", assert(db:query("SHOW work_mem")).rows[1][1])
    db:close()
    local made, message, code = c:create("fresh")
    assert.is_nil(made)
    assert.equal("db", code)
    assert.truthy(message:find("already exists", 1, true))
    c:stop()
    c:stop()
    assert.has_error(function() c:url() end)
  end)

  it("says what to install", function()
    local c, message, code = cluster.start { bin = "/nowhere" }
    assert.is_nil(c)
    assert.equal("not_found", code)
    assert.truthy(message:find("apt install postgresql", 1, true))
  end)
end)
