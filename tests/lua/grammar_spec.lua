-- Properties of every pair that the grammar writes, over many seeds and odd schemas: the query parses, is safe and grounded,
-- runs and has rows; question and query mention the same values.
local catalog = require "nlsql.catalog"
local dates = require "nlsql.grammar.dates"
local grammar = require "nlsql.grammar"
local pg = require "nlsql.pg"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"
local words = require "nlsql.grammar.words"

local VARIANTS = 5

--- --- do question and query mention the same values? ------------------------------------------------

local WORDS_OF_NUMBERS = { ["1"] = "one decimal", ["2"] = "two decimals", ["100.0"] = "percent" }

local function starts_period(day)
  local year, month = day:match("^(%d+)%-(%d+)%-01$")
  return year and (dates.month(tonumber(year), tonumber(month)))
end

--- Is a day of the query in the question: as itself, as the start of its month or year, or as the
--- day after the last one (half-open ranges)?
local function says_day(question, day)
  local before = dates.plus(day, -1)
  local forms = { dates.spoken(day), dates.spoken(before), starts_period(day), starts_period(before:sub(1, 8) .. "01"), }
  for _, form in pairs(forms) do
    if question:find(form, 1, true) then return true end
  end
  return (day:find("-01-01", 1, true) and (question:find("in " .. day:sub(1, 4), 1, true)
    or question:find("in " .. before:sub(1, 4), 1, true))) ~= nil
end

local function says(question, query, literal)
  if question:find(literal, 1, true) then return true end
  if literal:find("^%d%d%d%d%-%d%d%-%d%d$") then return says_day(question, literal) end
  local plain = literal:gsub("%%", "")
  if plain ~= "" and question:find(plain, 1, true) then return true end
  if WORDS_OF_NUMBERS[literal] and question:lower():find(WORDS_OF_NUMBERS[literal], 1, true) then return true end
  -- LIMIT 1 and the first of each group are said by the singular
  if literal == "1" and (query:find("LIMIT 1$") or query:find("position <= 1", 1, true)
      or query:find("SELECT 1 FROM", 1, true) or query:find("GROUP BY 1", 1, true)) then
    return true
  end
  -- a key of an object
  return query:find("->> '" .. literal .. "'", 1, true) ~= nil and question:find(words.humanise(literal), 1, true) ~= nil
end

--- Values in quotes and numbers of the question that the query lacks.
local function unsaid(question, query)
  local bare = question
  for value in question:gmatch("%f['\"]['\"]([^'\"]-)['\"]%f[^%w'\"]") do
    if not query:lower():find(value:lower():gsub("'", "''"), 1, true) then return value end
  end
  bare = bare:gsub("'[^']*'", ""):gsub('"[^"]*"', "")
  for number in bare:gmatch("%f[%w.-]%-?%d+%.?%d*%f[^%w]") do
    number = number:gsub("%.$", "")
    if not query:find(number, 1, true) and not bare:find(number .. " %u") then return number end -- "9 March"
  end
end

--- --- one pair --------------------------------------------------------------------------------------

local function check(world, pair)
  local function fail(why) error(("%s [%s]\n  %s\n  %s"):format(why, pair.construct, pair.question, pair.sql), 0) end
  local statement <close>, why = sql.parse(pair.sql)
  if not statement then fail("does not parse: " .. why) end
  local safe, unsafe = statement:safe(world.schema, {})
  if not safe then fail("is not safe: " .. unsafe) end
  local facts = statement:facts(world.schema)
  if facts.unknown[1] then fail("is not grounded: " .. facts.unknown[1]) end
  local result = world.db:probe(pair.sql, { execute = true, max_rows = 50 })
  if result.error then fail("does not run: " .. result.error) end
  if result.n_rows == 0 or result.all_null then fail("has no answer") end
  for _, literal in ipairs(facts.literals) do
    if not says(pair.question, pair.sql, literal) then fail(("the question does not say %q"):format(literal)) end
  end
  local order = pair.sql:match("ORDER BY ([^()]+) LIMIT %d+$")
  if pair.sql:find("LIMIT %d+$") and not (order and order:find(",") and pair.question:lower():find("ties")) then
    fail("does not say how ties are broken")
  end
  local called = {}
  for _, name in ipairs(result.columns) do
    if called[name] then fail(("two columns are called %q"):format(name)) end
    called[name] = true
  end
  local left = unsaid(pair.question, pair.sql)
  if left then fail(("the query lacks %q"):format(left)) end
  if not pair.question:find("^%u") or not pair.question:find("[.?]$") or pair.question:find("  ", 1, true)
      or pair.question:find("%%", 1, true) and not pair.question:find("'[^']*%%[^']*'") or pair.question:find("%f[%a]nil%f[%A]") then
    fail("is no sentence")
  end
end

local function open(url, options)
  local db = assert(pg.open(url, { sessions = 2 }))
  local schema = assert(catalog.load(db, options or {}))
  return { db = db, schema = schema }
end

--- `count` pairs of a seed over sets drawn from it; returns how many there were, by construct.
local function write(world, seed, count, least, seen)
  local g = grammar.open(world.schema, world.db, { seed = seed, variants = VARIANTS })
  local draw = g:draws("spec")
  local sets = g:sets(least, 4, draw)
  local n = 0
  for _, set in ipairs(sets) do
    for _, pair in ipairs(g:pairs(set, count // #sets + 1, least, draw, grammar.known(VARIANTS))) do
      check(world, pair)
      n = n + 1
      seen[pair.construct] = (seen[pair.construct] or 0) + 1
    end
  end
  return n
end

local function only(construct)
  local weights = {}
  for _, name in ipairs(grammar.constructs()) do weights[name] = name == construct and 1 or 0 end
  return weights
end

describe("the grammar on the demo database", function()
  local world
  setup(function() world = open(support.demo()) end)
  teardown(function() world.db:close() end)

  it("writes pairs that hold, over a hundred seeds", function()
    local seen, n = {}, 0
    for seed = 1, 100 do n = n + write(world, seed, 16, seed % 3 == 0 and 1 or 2, seen) end
    assert.is_true(n >= 1500, "only " .. n)
    for _, construct in ipairs(grammar.constructs()) do
      assert.is_true((seen[construct] or 0) > 0, "never wrote: " .. construct)
    end
  end)

  it("writes the same again from the same seed, and other pairs from another", function()
    local function first(seed)
      local g = grammar.open(world.schema, world.db, { seed = seed, variants = VARIANTS })
      local out = {}
      for i, pair in ipairs(g:pairs({ "product", "category", "brand" }, 30, 2, g:draws("x"), grammar.known(VARIANTS))) do
        out[i] = pair.question .. pair.sql
      end
      return out
    end
    assert.same(first(7), first(7))
    assert.not_same(first(7), first(8))
  end)

  it("uses all tables of a set, whatever the seed", function()
    local set = { "review", "product", "category", "customer" }
    local g = grammar.open(world.schema, world.db, { seed = 3, variants = VARIANTS })
    for _, pair in ipairs(g:pairs(set, 60, 2, g:draws("all"), grammar.known(VARIANTS))) do
      local statement <close> = sql.parse(pair.sql)
      assert.equal(4, #statement:facts(world.schema).tables, pair.sql)
    end
  end)

  it("writes of one construct only, where its weight alone is above 0", function()
    for _, construct in ipairs(grammar.constructs()) do
      local g = grammar.open(world.schema, world.db, { seed = 1, weights = only(construct), variants = VARIANTS })
      local known, draw = grammar.known(VARIANTS), g:draws("one")
      local list = g:pairs({ "customer_order", "customer" }, 3, 2, draw, known)
      if #list == 0 then list = g:pairs({ "customer_order", "customer", "store" }, 3, 2, draw, known) end
      assert.equal(3, #list, construct)
      for _, pair in ipairs(list) do assert.equal(construct, pair.construct) end
    end
  end)

  it("says which rows a join leaves, where some have nothing to be joined to", function()
    local g = grammar.open(world.schema, world.db, { seed = 2, weights = only "list", variants = VARIANTS })
    local n = 0
    for _, pair in ipairs(g:pairs({ "employee", "store" }, 60, 2, g:draws("left out"), grammar.known(VARIANTS))) do
      if not pair.sql:find("WHERE", 1, true) and pair.sql:find("JOIN store", 1, true) then
        n = n + 1
        assert.truthy(pair.question:find("hav[^?.]* a store"), pair.question)
      end
    end
    assert.is_true(n > 3, "only " .. n)
  end)

  it("does not call the order of an enum's values alphabetical", function()
    local g = grammar.open(world.schema, world.db, { seed = 1, weights = only "distinct", variants = VARIANTS })
    local enums, sorted = {}, 0
    for _, name in ipairs(world.schema:names()) do
      for _, column in ipairs(world.schema:table(name).columns) do enums[column.name] = column.labels ~= nil or enums[column.name] end
    end
    for _, set in ipairs { { "customer_order" }, { "customer" }, { "support_ticket" }, { "employee" }, { "country" } } do
      for _, pair in ipairs(g:pairs(set, 60, 1, g:draws("sorted", set[1]), grammar.known(VARIANTS))) do
        local by = pair.sql:match("ORDER BY ([%w_]+)$")
        if by then
          sorted = sorted + 1
          assert.truthy(pair.question:find("alphabetically", 1, true), pair.question)
          assert.falsy(enums[by], pair.sql)
        end
      end
    end
    assert.is_true(sorted > 5, "only " .. sorted)
  end)

  it("leaves the tables as they were called, whatever point of view a pair took", function()
    local g = grammar.open(world.schema, world.db, { seed = 2, weights = only "with_partner", variants = VARIANTS })
    local set = { "customer_order", "customer", "store" }
    local joined = require("nlsql.grammar.tree").over(g.lexicon, set, g:draws("view"))
    local before = {}
    for i, node in ipairs(joined.nodes) do before[i] = node.noun .. " of " .. (node.parent and node.parent.noun or "none") end
    assert.is_true(#g:pairs(set, 40, 2, g:draws("view"), grammar.known(VARIANTS)) > 20)
    for i, node in ipairs(joined.nodes) do
      assert.equal(before[i], node.noun .. " of " .. (node.parent and node.parent.noun or "none"))
    end
  end)

  it("never brings a pair twice, nor more variants of one than it may", function()
    local g = grammar.open(world.schema, world.db, { seed = 5, variants = 2 })
    local known = grammar.known(2)
    local first = g:pairs({ "store", "country" }, 200, 2, g:draws("a"), known)
    local again = grammar.known(2)
    for _, pair in ipairs(first) do assert.is_true(again:add(pair.question, pair.sql), pair.sql) end
    assert.is_true(#first > 100)
  end)
end)

describe("the grammar on a schema with", function()
  local cases = {
    { "no keys", "keyless", least = 1, n = 100, some = 60 },
    { "names that need quotes", "names", least = 1, n = 200, options = { schemas = { "Head Office" } } },
    { "names that need quotes, joined", "names", least = 2, n = 200, options = { schemas = { "Head Office" } } },
    { "columns that are called as the grammar's own", "clashes", least = 1, n = 300 },
    { "columns that are called as the grammar's own, joined", "clashes", least = 2, n = 300 },
    { "one table", "single", least = 1, n = 100 },
    { "views only", "views", least = 1, n = 60, some = 30 },
  }
  for _, case in ipairs(cases) do
    local name, file = case[1], case[2]
    it(name, function()
      local world = open(support.database("odd_" .. file, { "tests/data/odd/" .. file .. ".sql" }), case.options)
      local n = 0
      for seed = 1, 5 do n = n + write(world, seed, case.n // 5, case.least, {}) end
      assert.is_true(n >= (case.some or case.n * 0.8), "only " .. n)
      world.db:close()
    end)
  end

  it("a column that is called as a count of its rows", function()
    local world = open(support.database("odd_clashes", { "tests/data/odd/clashes.sql" }))
    local g = grammar.open(world.schema, world.db, { seed = 1, weights = only "counting_zero", variants = 0 })
    local list = g:pairs({ "team", "result" }, 40, 2, g:draws("clash"), grammar.known(0))
    assert.equal(40, #list)
    for _, pair in ipairs(list) do check(world, pair) end
    world.db:close()
  end)

  it("empty tables: there is nothing to write", function()
    local world = open(support.database("odd_empty", { "tests/data/odd/empty.sql" }))
    local g = grammar.open(world.schema, world.db, { seed = 1, variants = VARIANTS })
    assert.is_false(g:has_rows())
    assert.same({}, g:pairs({ "child", "parent" }, 5, 2, g:draws("x"), grammar.known(VARIANTS)))
    world.db:close()
  end)

  it("no keys: no set of two", function()
    local world = open(support.database("odd_keyless", { "tests/data/odd/keyless.sql" }))
    local g = grammar.open(world.schema, world.db, { seed = 1, variants = VARIANTS })
    assert.same({}, g:sets(2, 5, g:draws("x")))
    world.db:close()
  end)
end)
