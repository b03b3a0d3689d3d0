-- What claims about relations are worth: reading them, resolving names, evidence, scores.
local catalog = require "nlsql.catalog"
local pg = require "nlsql.pg"
local reader = require "nlsql.relationreader"
local relations = require "nlsql.relations"
local support = require "tests.lua.support"

describe("nlsql.relationreader", function()
  local lines = {
    { "a.x -> b.y", "a", { "x" }, "b", { "y" } },
    { "(a.x, a.y) -> (b.x, b.y)", "a", { "x", "y" }, "b", { "x", "y" } },
    { "(a.x, y) => (b.x, y)", "a", { "x", "y" }, "b", { "x", "y" } },
    { "a(x, y) → b (x, y)", "a", { "x", "y" }, "b", { "x", "y" } },
    { "b.y <- a.x", "a", { "x" }, "b", { "y" } },
    { '"Sales"."Order Lines"."RegionId" -> "Sales"."Region"."RegionId"', '"Sales"."Order Lines"', { '"RegionId"' },
      '"Sales"."Region"', { '"RegionId"' } },
    { "Sales.Order Lines.RegionId -> Sales.Region.RegionId", "Sales.Order Lines", { "RegionId" }, "Sales.Region", { "RegionId" } },
    { '"a.b".x -> b."y "" z"', '"a.b"', { "x" }, "b", { '"y "" z"' } },
    { "a -> b" }, { "a.x" }, { "a.x ->" }, { "-> b.y" }, { '"a.x -> b.y' }, { "a.x) -> b.y" }, { "a.x,, -> b.y" },
    { "(a.x, b.y) -> c.z" }, { "" },
  }
  for _, case in ipairs(lines) do
    it("reads " .. case[1], function()
      local expected = case[2] and { from = case[2], columns = case[3], to = case[4], referred = case[5] } or nil
      assert.same(expected, reader.line(case[1]))
    end)
  end

  local replies = {
    { '{"relations": []}', 0, "none" }, { "[]", 0, "none" }, { '{"relations": [], "note": "all are declared"}', 0, "none" },
    { "no idea", 0, "no_json" }, { "", 0, "empty" }, { '{"relations": [{"from": "a"}]}', 0, "nothing_usable" },
    { '{"relations":[{"from":"a.x","to":"b.y"},{"from_table":"a","from_columns":["x"],"to_table":"b","to_column":"y"}]}', 2 },
    { '```json\n["a.x -> b.y", "c.x -> b.y"]\n```', 2 },
    { '{"question":"How is a.x related to b.y?","answer":"a.x -> b.y"}', 1 },
    { '{"from":{"table":"a","columns":["x","z"]},"to":["b.x","b.z"]}', 1 },
    { '{"relations":[{"from":"a.x","to":"b.y"},{"from":"a.z","t', 1, "truncated" },
  }
  for _, case in ipairs(replies) do
    it("reads the reply " .. case[1], function()
      local claims, state = reader.claims(case[1])
      assert.same({ case[2], case[3] }, { #claims, state })
    end)
  end

  for _, case in ipairs {
    { '{"related": true, "reason": "x"}', true }, { '{"related": "No."}', false }, { "Yes", true },
    { 'I think {"answer": "yes"}', true }, { "<think>yes</think>{\"related\": false}", false }, { "perhaps", nil },
    { '{"related": 7}', nil },
  } do
    it("reads the opinion " .. case[1], function() assert.equal(case[2], (reader.opinion(case[1]))) end)
  end
end)

describe("nlsql.relations", function()
  local db, schema, ctx

  setup(function()
    db = assert(pg.open(support.demo()))
    schema = assert(catalog.load(db))
    ctx = { db = db, schema = schema, settings = { limits = { statement_timeout = 10 } }, opt = {} }
  end)
  teardown(function() db:close() end)

  local function find(from, columns, to, referred)
    return assert(relations.find(schema, { from = from, columns = columns, to = to, referred = referred }))
  end

  local names = {
    { "address", "customer_id", "customer", "customer_id", 1 },
    { "customer", "preferred_store_id", "store", "store_id", 0.9 },
    { "customer_order", "billing_address_id", "address", "address_id", 0.9 },
    { "category", "parent_id", "category", "category_id", 0.8, "its comment names the table" },
    { "employee", "manager_id", "employee", "employee_id", 0.5 },
    { "product_sales", "category_name", "category", "name", 1 },
    { "order_item", "quantity", "product", "product_id", 0 },
    { "order_item", "line_number", "product", "product_id", 0, "a number is no id" },
    { "support_ticket", "ticket_id", "customer_order", "order_id", 0, "its own key" },
    { "wish_list_item", "customer_id", "review", "review_id", 0, "called after another table" },
    { "customer", "preferred_store_id", "product", "product_id", 0, "its last word is called after another table" },
    { "customer_order", "customer_id", "customer_order", "order_id", 0, "a word of a name is no abbreviation of it" },
    { "employee", "manager_id", "customer", "customer_id", 0, "a declared key says otherwise" },
  }
  for _, case in ipairs(names) do
    it(("compares the names %s.%s and %s.%s"):format(table.unpack(case, 1, 4)), function()
      assert.equal(case[5], relations.names(schema, find(case[1], { case[2] }, case[3], { case[4] })), case[6])
    end)
  end

  it("finds every declared key of the demo likelier than numbers that merely look alike", function()
    local declared = relations.declared(schema)
    assert.equal(35, #declared)
    for _, relation in ipairs(declared) do
      local evidence, refused = relations.verify(ctx, relation)
      assert.is_nil(refused)
      assert.is_true(relations.score(evidence, relations.names(schema, relation), true) >= 0.6, relations.text(relation))
    end
    for _, case in ipairs { { "order_item", "quantity", "product", "product_id" }, { "review", "rating", "store", "store_id" },
      { "review", "review_id", "customer_order", "order_id" }, { "order_item", "line_number", "brand", "brand_id" },
      { "store", "floor_area", "customer", "customer_id" }, { "customer", "credit_limit", "customer_order", "order_id" } } do
      local relation = find(case[1], { case[2] }, case[3], { case[4] })
      local evidence, refused = relations.verify(ctx, relation)
      assert.is_true(refused ~= nil or relations.score(evidence, relations.names(schema, relation), true) < 0.6,
        relations.text(relation))
    end
  end)

  it("takes away for each thing that speaks against a relation", function()
    local good = { rows = 100, distinct = 50, orphans = 0, orphan_rows = 0, share = 1, sampled = false, unique = "declared",
      chance = 0 }
    local function but(changes)
      local out = {}
      for name, value in pairs(good) do out[name] = value end
      for name, value in pairs(changes) do out[name] = value end
      return (relations.score(out, 1, true))
    end
    assert.equal(0.95, but {})
    assert.equal(0.784, but { chance = 0.06 })
    assert.equal(0.95, but { chance = 0.05 })
    assert.equal(0.817, but { orphans = 2, share = 0.96 })
    assert.equal(0.917, but { sampled = true })
    assert.equal(0.712, (relations.score(good, 0, true)))
    assert.equal(0.712, (relations.score(good, 1, false)))
    assert.equal(0.831, (relations.score(good, 1, nil)))
  end)

  it("does not take a relation that was written by hand on trust", function()
    local world = setmetatable({ edges = function()
      return { { from = "a", columns = { "x" }, to = "b", referred_columns = { "y" }, declared = false } }
    end }, { __index = schema })
    assert.same({ by_hand = true, declared = false, from = "a", columns = { "x" }, to = "b", referred = { "y" } },
      relations.declared(world)[1])
    local phase = dofile "phases/schema_relationship.lua"
    local right = find("product_sales", { "product_id" }, "product", { "product_id" })
    local wrong = find("review", { "review_id" }, "store", { "store_id" })
    right.by_hand, wrong.by_hand = true, true
    local pairs_brought = assert(phase.run(ctx, { relations = { right, wrong } }))
    assert.equal(3, #pairs_brought)
    assert.equal(0.99, pairs_brought[1].known.confidence)
    assert.equal("product.product_id <- product_sales.product_id", pairs_brought[2].answer)
    assert.equal("untrue", pairs_brought[3].refused.gate)
  end)

  it("says that the database was lost, and that a check took too long", function()
    local relation = find("payment", { "order_id" }, "customer_order", { "order_id" })
    local gone = assert(pg.open("postgresql://u@127.0.0.1:1/x", { connect_timeout = 1 }))
    local evidence, refused, message, code = relations.verify({ db = gone, schema = schema, settings = ctx.settings }, relation)
    assert.same({ nil, nil, "net" }, { evidence, refused, code })
    assert.truthy(message:find("cannot connect", 1, true))
    evidence, refused = relations.verify({ db = db, schema = schema, settings = { limits = { statement_timeout = 0.001 } } }, relation)
    assert.is_nil(evidence)
    assert.equal("execute", refused.gate)
    assert.truthy(refused.reason:find("it could not be verified", 1, true), refused.reason)
    gone:close()
  end)
end)
