-- What claims.check refuses of questions and answers about a schema, and what it must never refuse.
local catalog = require "nlsql.catalog"
local claims = require "nlsql.claims"
local draws = require "nlsql.grammar.draw"
local pg = require "nlsql.pg"
local statements = require "tests.lua.claims_statements"
local support = require "tests.lua.support"

local schemas = {}

local function schema_of(name)
  if not schemas[name] then
    local url = name == "demo" and support.demo() or support.database(name == "shop" and name or "odd_" .. name,
      { name == "shop" and "tests/data/shop.sql" or "tests/data/odd/" .. name .. ".sql" })
    local db = assert(pg.open(url, { sessions = 1, connect_timeout = 5 }))
    schemas[name] = assert(catalog.load(db, { schemas = statements.SCHEMAS[name] }))
    db:close()
  end
  return schemas[name]
end

local function shown(case) return ("%s: %s | %s"):format(case.on or "demo", case.ask or "", case[1]) end

describe("claims.check never refuses what is true:", function()
  for i, case in ipairs(statements.TRUE) do
    it(("%d. %s"):format(i, shown(case)), function()
      local ok, gate, why = claims.check(schema_of(case.on or "demo"), case.refs, case.ask or "What is worth knowing?", case[1])
      assert.is_true(ok, ("refused at %s: %s"):format(tostring(gate), tostring(why)))
    end)
  end
end)

describe("claims.check finds what is false:", function()
  for i, case in ipairs(statements.FALSE) do
    it(("%d. %s"):format(i, shown(case)), function()
      local ok, gate, why = claims.check(schema_of(case.on or "demo"), case.refs, case.ask or "What is worth knowing?", case[1])
      assert.is_nil(ok, "was let through")
      assert.equal("untrue", gate, why)
      assert.truthy(why:find(case[2], 1, true), ("expected %q in %q"):format(case[2], why))
    end)
  end
end)

describe("claims.check finds names of nothing:", function()
  for i, case in ipairs(statements.UNKNOWN) do
    it(("%d. %s"):format(i, shown(case)), function()
      local ok, gate, why = claims.check(schema_of(case.on or "demo"), case.refs, case.ask or "What is worth knowing?", case[1])
      assert.is_nil(ok, "was let through")
      assert.equal("grounded", gate, why)
      assert.truthy(why:find(case[2], 1, true), ("expected %q in %q"):format(case[2], why))
    end)
  end
end)

describe("claims.check on answers of models", function()
  for i, case in ipairs(require "tests.lua.claims_true") do
    it(("takes %d. %s | %s"):format(i, case[2], case[3]), function()
      local ok, gate, why = claims.check(schema_of("demo"), { case[1] }, case[2], case[3])
      assert.is_true(ok, ("refused at %s: %s"):format(tostring(gate), tostring(why)))
    end)
  end
  for i, case in ipairs(require "tests.lua.claims_false") do
    it(("refuses %d. %s | %s"):format(i, case[2], case[3]), function()
      local ok, gate, why = claims.check(schema_of("demo"), { case[1] }, case[2], case[3])
      assert.is_nil(ok, "was let through")
      assert.truthy(gate == "untrue" or gate == "grounded")
      assert.equal(case[4], why)
    end)
  end
end)

describe("claims.check", function()
  it("lets through what it cannot make out", function()
    for _, answer in ipairs {
      "`store_id` and `total` are of type text and integer, respectively.",
      "If `store_id` is not null, the order was placed in a store.",
      "Neither `store_id` nor `total` is a foreign key.",
      "Suppose that an application wants to know whether `total` may be null.",
    } do
      assert.is_true((claims.check(schema_of("demo"), { "customer_order" }, "What about `store_id`?", answer)), answer)
    end
  end)

  it("never fails, whatever the words", function()
    local vocabulary = {}
    for word in ([[`customer` customer `customer_id` customer_id purchase.customer_id `Order Lines` "Sales"."Region" the a table
        column columns is are not no primary foreign key references has have may be null nullable required unique integer text
        `numeric(10,2)` ( ) , . : ; - -> and or both it which that yes of in to through via type data default value 1 two ` ' "
        `quantity = 1` `SELECT 1` 'x' "y" each many belongs linked between respectively composite part view enum `a -> b` does
        can must how what ? one-to-many 's don't cannot e.g. date array uniquely identifies]]):gmatch("%S+") do
      vocabulary[#vocabulary + 1] = word
    end
    local draw = draws.new("words", 1)
    local function soup()
      local out = {}
      for i = 1, draw:int(25) do out[i] = draw:pick(vocabulary) end
      return table.concat(out, draw:chance(0.9) and " " or "")
    end
    for _ = 1, 3000 do
      local question, answer = soup(), soup()
      local ok, gate, why = claims.check(schema_of("shop"), draw:chance(0.5) and { "purchase" } or nil, question, answer)
      assert.is_true(ok or (gate == "untrue" or gate == "grounded") and type(why) == "string", question .. " | " .. answer)
    end
  end)

  it("reads long texts in time", function()
    for _, piece in ipairs { "`customer_id` is not null and ", "'", "`", "a.b ", "x, ", "customer_id, ", "(", '"a" ', "which is " } do
      local started = os.clock()
      claims.check(schema_of("shop"), { "purchase" }, "What?", piece:rep(100000))
      assert.is_true(os.clock() - started < 3, ("%q took %.1f s"):format(piece, os.clock() - started))
    end
  end)

  it("reads 300 pairs on 3,000 tables in time", function()
    local file = os.tmpname()
    support.write(file, "DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE format('CREATE TABLE thing_%s (thing_%s_id int PRIMARY KEY, label text, "
      .. "made_on date)', i, i); IF i % 500 = 0 THEN COMMIT; END IF; END LOOP; END $$;")
    local db = assert(pg.open(support.database("wide_claims", { file }), { sessions = 1, connect_timeout = 5 }))
    os.remove(file)
    local schema = assert(catalog.load(db, {}))
    local started = os.clock()
    for i = 1, 300 do
      local name = "thing_" .. i
      assert.is_true(claims.check(schema, { name }, "What is the primary key of " .. name .. "?", ("It is `%s_id`."):format(name)))
      assert.is_nil((claims.check(schema, { name }, "Where is the name?", ("It is in `%s.lable`."):format(name))))
    end
    assert.is_true(os.clock() - started < 10, ("took %.1f s"):format(os.clock() - started))
    db:close()
  end)
end)
