-- nlsql.pg, nlsql.catalog and nlsql.sql together, as scripts use them, on a real server.
local catalog = require "nlsql.catalog"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local shop = require "tests.lua.shop"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"

describe("pg", function()
  local db

  before_each(function() db = assert(pg.open(shop.url(), { sessions = 2 })) end)
  after_each(function() db:close() end)

  it("gives rows as text, NULL as json.null", function()
    local got = assert(db:query("SELECT $1::int + 1 AS a, NULL AS b, 'x' AS c", { 41 }))
    assert.same({ "a", "b", "c" }, { table.unpack(got.columns) })
    assert.equal("42", got.rows[1][1])
    assert.equal(json.null, got.rows[1][2])
  end)

  it("tells what the server says, with its state", function()
    local got, message, code, state = db:query("SELECT nope")
    assert.is_nil(got)
    assert.truthy(message:find('column "nope" does not exist', 1, true))
    assert.equal("db", code)
    assert.equal("42703", state)
  end)

  local probes = {
    { "a good query", "SELECT name FROM customer ORDER BY 1", stage = "done", n_rows = 60 },
    { "an empty result", "SELECT 1 WHERE false", stage = "done", n_rows = 0 },
    { "nothing but NULL", "SELECT NULL, NULL", stage = "done", all_null = true },
    { "a syntax error", "SELECT FROM WHERE", stage = "explain", sqlstate = "42601" },
    { "an error while running", "SELECT 1 / (customer_id - 1) FROM customer", stage = "execute", sqlstate = "22012" },
    { "a plan that is too dear", "SELECT * FROM customer a, customer b, customer c", stage = "cost", code = "limit" },
    { "a query that takes too long", "SELECT pg_sleep(5)", stage = "execute", code = "timeout" },
    { "a write inside a query", "WITH d AS (DELETE FROM customer RETURNING 1) SELECT * FROM d", stage = "explain",
      sqlstate = "0A000" },
    { "a statement behind a semicolon", "SELECT 1; DROP TABLE customer", stage = "explain", sqlstate = "42601" },
    { "COMMIT in place of a query", "SELECT 1) ; COMMIT --", stage = "explain", sqlstate = "42601" },
  }
  for _, case in ipairs(probes) do
    it("probes " .. case[1], function()
      local got = db:probe(case[2], { statement_timeout = 0.3, max_cost = 50, max_rows = 100 })
      for _, field in ipairs { "stage", "n_rows", "all_null", "sqlstate", "code" } do
        if case[field] ~= nil then assert.equal(case[field], got[field], got.error) end
      end
      assert.equal("60", db:query("SELECT count(*) FROM customer").rows[1][1])
    end)
  end

  it("keeps at most so many rows and bytes", function()
    local got = db:probe("SELECT i FROM generate_series(1, 1000) AS i", { max_rows = 10, rows = true })
    assert.equal(10, #got.rows)
    assert.truthy(got.more)
    got = db:probe("SELECT repeat('x', 1000) FROM generate_series(1, 5000)", { max_rows = 5000, max_bytes = 100000 })
    assert.equal("limit", got.code)
    got = db:probe("SELECT 'äöü'", { max_field = 3, rows = true })
    assert.equal("ä", got.rows[1][1])
  end)

  it("runs more at once than it has sessions", function()
    local got = jobs.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 10, function(i)
      return db:query("SELECT $1::int * 2", { i }).rows[1][1]
    end)
    assert.equal("20", got[10])
    assert.truthy(db:stats().open <= 2)
  end)

  it("cannot be closed under a request, nor used once closed", function()
    local job = jobs.spawn(function() return db:query("SELECT pg_sleep(0.2)") end)
    jobs.sleep(0.05)
    assert.has_error(function() db:close() end)
    job:cancel()
    db:close()
    db:close()
    assert.has_error(function() db:name() end)
    db = assert(pg.open(shop.url()))
  end)

  it("reads strings as the gate did, however the server is set up", function()
    local odd = assert(pg.open(support.database("backslash", { "tests/data/backslash.sql" })))
    local got = odd:probe("SELECT '\\' AS a, pg_typeof(1) AS b", { rows = true })
    assert.equal("\\", got.rows and got.rows[1][1], got.error)
    odd:close()
  end)
end)

describe("catalog", function()
  local db, schema

  before_each(function()
    db = assert(pg.open(shop.url()))
    schema = assert(catalog.load(db, { schemas = { "public", "Sales" } }))
  end)
  after_each(function() db:close() end)

  it("names tables as SQL writes them", function()
    assert.same({ '"Sales"."Order Lines"', '"Sales"."Region"', "customer", "product", "purchase", "purchase_line" },
      { table.unpack(schema:names()) })
  end)

  local spoken = {
    { "customer", "customer" }, { "CUSTOMER", "customer" }, { "public.customer", "customer" }, { '"customer"', "customer" },
    { "Sales.Region", '"Sales"."Region"' }, { '"Sales"."Order Lines"', '"Sales"."Order Lines"' },
    { "region", '"Sales"."Region"' }, { "order lines", '"Sales"."Order Lines"' }, { "nothing", nil }, { "", nil },
  }
  for _, case in ipairs(spoken) do
    it(("finds %q"):format(case[1]), function() assert.equal(case[2], schema:find(case[1])) end)
  end

  it("knows columns, keys, comments and labels", function()
    local t = schema:table("customer")
    assert.equal("people who bought something", t.comment)
    assert.same({ "customer_id" }, { table.unpack(t.primary) })
    assert.equal("customer", t.foreign[1].referred)
    assert.same({ "happy", "neutral", "angry" }, { table.unpack(t.columns[4].labels) })
    assert.equal("N", t.columns[1].category)
    assert.equal(2, #schema:table("purchase_line").primary)
    assert.equal(5, #schema:edges())
  end)

  it("cuts a rendering to its tokens and says what was cut", function()
    local whole, cut = schema:render { format = "json" }
    assert.is_nil(cut)
    assert.truthy(json.decode(whole).tables.customer.columns.name)
    local short, said, tokens = schema:render { format = "json", max_tokens = 60 }
    assert.truthy(#short < #whole)
    assert.truthy(said)
    assert.truthy(tokens > 0)
  end)

  it("says which schemas there are where one is misspelt", function()
    local got, message, code = catalog.load(db, { schemas = { "Sale" } })
    assert.is_nil(got)
    assert.equal("not_found", code)
    assert.truthy(message:find("Sales", 1, true), message)
  end)

  it("feeds the facts of a query", function()
    local facts = sql.parse('SELECT r."Name" FROM "Sales"."Region" r JOIN "Sales"."Order Lines" l USING ("RegionId")')
      :facts(schema)
    assert.equal(2, facts.joined)
    assert.same({}, { table.unpack(facts.unknown) })
    assert.same({ '"Sales"."Region"', '"Sales"."Order Lines"' }, { table.unpack(facts.tables) })
  end)
end)
