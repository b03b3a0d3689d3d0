-- Pairs that call a given function, as the grammar writes them: each of the thirty functions on the demo database, and what
-- can be called on odd schemas. Every query is safe, grounded, runs, has rows, and calls the function.
local calls = require "nlsql.grammar.calls"
local catalog = require "nlsql.catalog"
local grammar = require "nlsql.grammar"
local pg = require "nlsql.pg"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"

local FUNCTIONS = { "abs", "age", "avg", "ceil", "coalesce", "concat", "count", "current_date", "current_timestamp",
  "date_trunc", "extract", "floor", "lag", "lead", "length", "lower", "max", "min", "mod", "now", "nullif", "rank",
  "replace", "round", "row_number", "substring", "sum", "to_char", "trim", "upper" }

local function open(url, options)
  local db = assert(pg.open(url, { sessions = 2 }))
  return { db = db, schema = assert(catalog.load(db, options or {})) }
end

local function is_called(facts, name)
  for _, one in ipairs(facts.functions) do
    if one == name then return true end
  end
  return false
end

--- Values in quotes that the question has and the query lacks.
local function unsaid(question, query)
  for value in question:gmatch("[%s(]['\"]([^'\"]-)['\"]%f[^%w'\"]") do
    if not query:lower():find(value:lower(), 1, true) then return value end
  end
end

local function check(world, name, pair)
  local function fail(why) error(("%s [%s]\n  %s\n  %s"):format(why, pair.construct, pair.question, pair.sql), 0) end
  local statement <close> = assert(sql.parse(pair.sql))
  local safe, unsafe = statement:safe(world.schema, {})
  if not safe then fail("is not safe: " .. unsafe) end
  local facts = statement:facts(world.schema)
  if facts.unknown[1] or facts.ambiguous then fail("is not grounded: " .. (facts.unknown[1] or facts.ambiguous)) end
  if not is_called(facts, name) then fail("does not call " .. name) end
  local result = world.db:probe(pair.sql, { execute = true, max_rows = 50 })
  if result.error then fail("does not run: " .. result.error) end
  if result.n_rows == 0 or result.all_null then fail("has no rows with values") end
  if pair.question:find("%%[sd]") or pair.question:find("  ", 1, true) then fail("is a broken sentence") end
  local value = unsaid(pair.question, pair.sql)
  if value then fail("does not say '" .. value .. "'") end
end

--- Up to `each` pairs for every table; how many there were.
local function write(world, seed, name, each)
  local g = grammar.open(world.schema, world.db, { seed = seed, variants = 5 })
  local n = 0
  for _, ref in ipairs(world.schema:names()) do
    for _, pair in ipairs(g:pairs({ ref }, each, 1, g:draws(name, ref), grammar.known(5), { calls = name })) do
      check(world, name, pair)
      n = n + 1
    end
  end
  return n
end

describe("the grammar on the demo database", function()
  local world
  setup(function() world = open(support.demo()) end)
  teardown(function() world.db:close() end)

  it("knows the thirty functions", function() assert.same(FUNCTIONS, calls.names()) end)

  for _, name in ipairs(FUNCTIONS) do
    it("calls " .. name, function()
      local n = write(world, 1, name, 3) + write(world, 2, name, 3)
      assert.is_true(n >= 60, "only " .. n)
    end)
  end

  it("writes the same again from the same words, and other pairs from others", function()
    local function first(...)
      local g = grammar.open(world.schema, world.db, { seed = 4, variants = 5 })
      return g:pairs({ "product" }, 8, 1, g:draws(...), grammar.known(5), { calls = "round" })
    end
    assert.same(first("a", 1), first("a", 1))
    assert.not_same(first("a", 1), first("a", 2))
  end)
end)

describe("the grammar calls functions on a schema with", function()
  local cases = {
    { "no keys", "keyless", 150 },
    { "names that need quotes", "names", 300, { schemas = { "Head Office" } } },
    { "columns that are called as the grammar's own", "clashes", 200 },
    { "one table", "single", 100 },
    { "views", "views", 100 },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local world = open(support.database("odd_" .. case[2], { "tests/data/odd/" .. case[2] .. ".sql" }), case[4])
      local n = 0
      for _, name in ipairs(FUNCTIONS) do n = n + write(world, 3, name, 5) end
      world.db:close()
      assert.is_true(n >= case[3], "only " .. n)
    end)
  end
end)
