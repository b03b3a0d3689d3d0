-- Conditions: what each kind says in words and in SQL, and that its SQL finds the rows that it holds for.
local catalog = require "nlsql.catalog"
local conditions = require "nlsql.grammar.conditions"
local draws = require "nlsql.grammar.draw"
local english = require "nlsql.grammar.english"
local kinds = require "nlsql.grammar.kinds"
local lexicon = require "nlsql.grammar.lexicon"
local pg = require "nlsql.pg"
local pieces = require "nlsql.grammar.pieces"
local support = require "tests.lua.support"
local tree = require "nlsql.grammar.tree"

--- An attribute of a base called "order" (or of a "customer" that it refers to).
local function attribute(fields, of_customer)
  local base = { noun = "order", entity = { noun = "order", nouns = "orders", named = true }, label = {} }
  local node = base
  if of_customer then
    node = { noun = "customer", parent = base, entity = { noun = "customer", named = true }, label = {} }
  end
  local made = { node = node, expr = "x", at = 1, type = "text", phrase = fields.phrase or "price", name = "price", role = "number" }
  for name, value in pairs(fields) do made[name] = value end
  if fields.is_label then node.label[1] = made end
  return made
end

local function condition(kind, values, of)
  return { name = kind, kind = kinds.ALL[kind], values = values, attribute = of or attribute {} }
end

describe("a condition in SQL and in words:", function()
  local status = attribute { phrase = "status", name = "status", role = "category" }
  local day = attribute { phrase = "order date", role = "date", type = "date" }
  local stamp = attribute { phrase = "order date", role = "date", type = "timestamp with time zone" }
  local tags = attribute { phrase = "tags", role = "array" }
  local cases = {
    { "eq", { "paid" }, status, "x = 'paid'", "whose status is 'paid'", "have the status 'paid'" },
    { "eq", { "d'Or" }, status, "x = 'd''Or'", 'whose status is "d\'Or"', 'have the status "d\'Or"' },
    { "ne", { "paid" }, status, "x <> 'paid'", "whose status is not 'paid'", "have a status other than 'paid'" },
    { "is_in", { "a", "b" }, status, "x IN ('a', 'b')", "whose status is 'a' or 'b'", "have a status of 'a' or 'b'" },
    { "not_in", { "a", "b" }, status, "x NOT IN ('a', 'b')", "whose status is neither 'a' nor 'b'", "have a status other than 'a' or 'b'" },
    { "starts", { "Ab" }, status, "x LIKE 'Ab%'", "whose status starts with 'Ab'", "have a status starting with 'Ab'" },
    { "starts", { "A" }, status, "x LIKE 'A%'", "whose status starts with the letter 'A'", "have a status starting with 'A'" },
    { "ends", { "ed" }, status, "x LIKE '%ed'", "whose status ends with 'ed'", "have a status ending with 'ed'" },
    { "contains", { "ai" }, status, "x ILIKE '%ai%'", "whose status contains 'ai' (ignoring case)", "have a status containing 'ai' (ignoring case)" },
    { "null", {}, status, "x IS NULL", "without a status", "have no status" },
    { "not_null", {}, status, "x IS NOT NULL", "with a known status", "have a known status" },
    { "gt", { 5, 1 }, nil, "x > 5", "whose price is above 5", "have a price above 5" },
    { "ge", { 2.5, 1 }, nil, "x >= 2.5", "whose price is at least 2.5", "have a price of at least 2.5" },
    { "lt", { 5, 2 }, nil, "x < 5", "whose price is less than 5", "have a price of less than 5" },
    { "le", { 5, 1 }, nil, "x <= 5", "whose price is at most 5", "have a price of at most 5" },
    { "equals", { 5 }, nil, "x = 5", "whose price is 5", "have a price of 5" },
    { "le", { 0.15, 1 }, attribute { type = "real" }, "x::numeric <= 0.15", "whose price is at most 0.15", "have a price of at most 0.15" },
    { "between", { 1, 5 }, nil, "x BETWEEN 1 AND 5", "whose price is between 1 and 5", "have a price between 1 and 5" },
    { "on", { "2021-03-09" }, day, "x = '2021-03-09'", "whose order date is 9 March 2021", "have an order date on 9 March 2021" },
    { "on", { "2021-12-31", "2022-01-01" }, stamp, "x >= '2021-12-31' AND x < '2022-01-01'", "whose order date is 31 December 2021",
      "have an order date on 31 December 2021" },
    { "before", { "2021-03-09" }, day, "x < '2021-03-09'", "whose order date is before 9 March 2021", "have an order date before 9 March 2021" },
    { "since", { "2021-03-09" }, day, "x >= '2021-03-09'", "whose order date is on or after 9 March 2021",
      "have an order date on or after 9 March 2021" },
    { "year", { 2021, false }, day, "x >= '2021-01-01' AND x < '2022-01-01'", "whose order date is in 2021", "have an order date in 2021" },
    { "year", { 2021, true }, day, "EXTRACT(YEAR FROM x) = 2021", "whose order date is in 2021", "have an order date in 2021" },
    { "month", { 2021, 12 }, day, "x >= '2021-12-01' AND x < '2022-01-01'", "whose order date is in December 2021",
      "have an order date in December 2021" },
    { "days", { "2021-03-09", "2021-03-11" }, day, "x BETWEEN '2021-03-09' AND '2021-03-11'",
      "whose order date is from 9 March 2021 to 11 March 2021, both days included",
      "have an order date from 9 March 2021 to 11 March 2021, both days included" },
    { "days", { "2021-03-09", "2021-03-11", "2021-03-12" }, stamp, "x >= '2021-03-09' AND x < '2021-03-12'",
      "whose order date is from 9 March 2021 to 11 March 2021, both days included",
      "have an order date from 9 March 2021 to 11 March 2021, both days included" },
    { "within", { "2021-03-09", 30, "2021-04-08" }, day, "x >= DATE '2021-03-09' AND x < DATE '2021-03-09' + INTERVAL '30 days'",
      "whose order date is in the 30 days that begin on 9 March 2021", "have an order date in the 30 days that begin on 9 March 2021" },
    { "has", { "new", true }, tags, "'new' = ANY (x)", "whose tags include 'new'", "have 'new' among their tags" },
    { "has", { "new", false }, tags, "x @> ARRAY['new']", "whose tags include 'new'", "have 'new' among their tags" },
  }
  for _, case in ipairs(cases) do
    local kind, values, of, sql, that, verb = table.unpack(case, 1, 6)
    it(that, function()
      local made = condition(kind, values, of)
      assert.equal(sql, conditions.sql(made))
      assert.same({ that, verb }, { english.condition(made) })
    end)
  end

  it("every kind is among these", function()
    local seen = { yes = true, no = true } -- see the flags below
    for _, case in ipairs(cases) do seen[case[1]] = true end
    for name in pairs(kinds.ALL) do assert.truthy(seen[name], name) end
  end)
end)

describe("a condition on another table's row:", function()
  local country = attribute({ phrase = "country", role = "category" }, true)
  local name = attribute({ phrase = "name", role = "label", is_label = true }, true)
  local cases = {
    { condition("eq", { "Norway" }, country), "whose customer's country is 'Norway'", "have a customer whose country is 'Norway'" },
    { condition("eq", { "Ann" }, name), "whose customer is 'Ann'", "have the customer 'Ann'" },
    { condition("starts", { "An" }, name), "whose customer's name starts with 'An'", "have a customer whose name starts with 'An'" },
    { condition("null", {}, country), "whose customer has no country", "have a customer that has no country" },
  }
  for _, case in ipairs(cases) do
    it(case[2], function() assert.same({ case[2], case[3] }, { english.condition(case[1]) }) end)
  end

  it("two of one row are not said as if of two", function()
    assert.is_nil(english.verbs { cases[1][1], condition("ne", { "X" }, country) })
    assert.equal("have a price above 5 and a customer whose country is 'Norway'",
      english.verbs { condition("gt", { 5, 1 }), cases[1][1] })
  end)
end)

describe("a flag:", function()
  local cases = {
    { "is_active", "that are active", "that are not active" }, { "is_gift", "that are gifts", "that are not gifts" },
    { "has_parking", "that have parking", "that have no parking" }, { "has_repair_shop", "that have a repair shop", "that have no repair shop" },
    { "discontinued", "that are discontinued", "that are not discontinued" },
    { "accepts_newsletter", "that accept newsletter", "that do not accept newsletter" }, { "can_edit", "that can edit", "that cannot edit" },
    { "fragility", "whose fragility is true", "whose fragility is false" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local flag = attribute { name = case[1], phrase = case[1], role = "flag" }
      assert.equal(case[2], (english.condition(condition("yes", {}, flag))))
      assert.equal(case[3], (english.condition(condition("no", {}, flag))))
      assert.equal("x", conditions.sql(condition("yes", {}, flag)))
      assert.equal("NOT x", conditions.sql(condition("no", {}, flag)))
    end)
  end
end)

describe("pieces.row_order leaves no ties:", function()
  local function node(distinct, key, named)
    local label = attribute { phrase = "name", name = "name", expr = "c.name", distinct = distinct }
    return { alias = "c", label = { label }, entity = { noun = "customer", rows = 10, key = key, named = named } }
  end
  it("a name that repeats is not enough", function()
    assert.same({ { "c.name", "c.customer_id" }, "name, then by customer ID" },
      { pieces.row_order(node(9, { "customer_id" }, true)) })
  end)
  it("a name that does not is", function()
    assert.same({ { "c.name" }, "name" }, { pieces.row_order(node(10, { "customer_id" }, true)) })
  end)
  it("where there is no key either, nothing is", function()
    assert.is_nil((pieces.row_order(node(9, {}, true))))
  end)
end)

describe("the database and the sample", function()
  it("agree on the rows that a condition holds for", function()
    local db = assert(pg.open(support.demo(), { sessions = 1 }))
    local world = lexicon.open(assert(catalog.load(db, {})), db, 1)
    local seen = {}
    for _, ref in ipairs { "store", "country", "brand", "category", "supplier", "promotion" } do -- few rows: the sample is all
      local draw = draws.new("agree", ref)
      local joined = tree.over(world, { ref }, draw)
      while joined.nodes[2] do joined = tree.over(world, { ref }, draw) end -- not joined to itself
      assert.equal(joined.nodes[1].entity.rows, #joined.rows)
      for _ = 1, 60 do
        local made, rows = conditions.on(draw, draw:pick(joined.nodes[1].attributes), joined.rows)
        if made then
          local count = db:query(("SELECT count(*) FROM %s WHERE %s"):format(ref, conditions.sql(made))).rows[1][1]
          assert.equal(tonumber(count), #rows, conditions.sql(made))
          seen[made.name] = true
        end
      end
    end
    local n = 0
    for _ in pairs(seen) do n = n + 1 end
    assert.is_true(n >= 15, "only " .. n .. " kinds were seen")
    db:close()
  end)
end)
