-- The phase schema_docs, end to end, and the grammar that answers for it offline.
local catalog = require "nlsql.catalog"
local claims = require "nlsql.claims"
local docs = require "nlsql.grammar.docs"
local grammar = require "nlsql.grammar"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"
local text = require "nlsql.text"

local DATASET = "/generated_datasets/schema_docs/dataset.jsonl"

local function odd(name) return support.database("odd_" .. name, { "tests/data/odd/" .. name .. ".sql" }) end

local function rows(dir)
  local out = {}
  for i, line in ipairs(support.lines(dir .. DATASET)) do out[i] = assert(json.decode(line)) end
  return out
end

describe("schema_docs with a model", function()
  local dir, endpoint
  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  --- Runs the phase against an endpoint that follows these rules.
  local function run(rules, arguments, url)
    local list = {}
    for i, rule in ipairs(rules) do list[i] = assert(json.encode(rule)) end
    support.write(dir .. "/rules.jsonl", table.concat(list, "\n") .. "\n")
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script", dir .. "/rules.jsonl" }
    local words = table.move(arguments, 1, #arguments, 3, { "run", "phases/schema_docs.lua" })
    return support.nlsql(dir, words, { DATABASE_URL = url or shop.url(), OPENAI_BASE_URL = endpoint.url,
      OPENAI_API_KEY = "sk-test-0123456789" })
  end

  local function reply(match, list)
    return { match = match, content = assert(json.encode { pairs = json.array(list) }) }
  end

  local RIGHT = { question = "Which table does `purchase.customer_id` reference?", answer = "It references `customer`." }

  it("writes question and answer, in that order, of what is true", function()
    local code, out, err = run({ reply("table purchase of", { RIGHT }), reply("", {
      { question = "What is this?", answer = "A table." } }) }, { "--count", "4", "--set", "max_attempts=1" })
    assert.equal(7, code, err) -- "What is this?" is taken once
    local lines = support.lines(dir .. DATASET)
    assert.equal('{"question":"What is this?","answer":"A table."}', lines[1])
    assert.equal(json.encode(RIGHT, { keys = { "question", "answer" } }), lines[2])
    assert.equal(2, #lines)
    assert.truthy(out:find("  unique%s+2\n"), out)
  end)

  local wrong = {
    { "a wrong type", "untrue", { question = "What is the type of `bought_on` in `purchase`?", answer = "`bought_on` is a `timestamp`." },
      "purchase.bought_on is of type date" },
    { "a wrong type, in one word", "untrue", { question = "What is the data type of purchase.bought_on?", answer = "text" },
      "purchase.bought_on is of type date" },
    { "a relation the wrong way round", "untrue", { question = "How are `customer` and `purchase` related?",
      answer = "`customer.customer_id` is a foreign key that references `purchase.customer_id`." },
      "customer.customer_id has no foreign key to purchase.customer_id" },
    { "a wrong primary key", "untrue", { question = "What is the primary key of `purchase_line`?", answer = "The primary key is `line_no`." },
      "the primary key of purchase_line is purchase_id and line_no" },
    { "a required column that is not", "untrue", { question = "May `mood` of `customer` be empty?", answer = "No, `mood` is required." },
      "customer.mood may be NULL" },
    { "a made-up column", "grounded", { question = "Where is the price of a line?", answer = "In the `unit_price` column of `purchase_line`." },
      "unit_price" },
    { "a column of another table", "grounded", { question = "What does `purchase.title` hold?", answer = "The title." },
      "purchase has no column title" },
    { "a made-up table", "grounded", { question = "Where are orders?", answer = "The `orders` table holds them." }, "orders" },
    { "an empty answer", "read", { question = "What is a purchase?", answer = " " }, "the answer is empty" },
    { "a query in place of an answer", "read", { question = "How many purchases?", sql = "SELECT count(*) FROM purchase" },
      "there is no answer" },
  }
  for _, case in ipairs(wrong) do
    local name, gate, pair, reason = table.unpack(case)
    it("refuses " .. name .. " at " .. gate, function()
      local code, out, err = run({ reply("table purchase of", { pair, RIGHT }), reply("", {}) },
        { "--count", "4", "--set", "max_attempts=1" })
      assert.equal(7, code, err)
      assert.same({ RIGHT }, rows(dir))
      assert.truthy(out:find("  " .. gate .. "%s+%d+\n"), out)
      assert.truthy(out:find(reason, 1, true), ("expected %q in:\n%s"):format(reason, out))
    end)
  end

  it("shows a table with its neighbours, and tells what was wrong when it asks again", function()
    local code, _, err = run({
      { match = "table purchase of", times = 1, content = json.encode { pairs = json.array { wrong[1][3], RIGHT } } },
      reply("Write", { { question = "What is one row of `purchase`?", answer = "One purchase of one customer." } }),
    }, { "--count", "8", "--set", "max_attempts=2" })
    assert.is_true(code == 7 or code == 0, err)
    local first, again
    for _, line in ipairs(support.lines(dir .. "/requests")) do
      local body = json.decode(line).body
      if body:find("table purchase of", 1, true) then
        if body:find("Some of those were rejected", 1, true) then again = body else first = body end
      end
    end
    for _, name in ipairs { "customer", "purchase_line" } do assert.truthy(first:find('\\"' .. name .. '\\":', 1, true), name) end
    assert.falsy(first:find('\\"product\\":', 1, true))
    assert.truthy(first:find("people who bought something", 1, true))
    assert.truthy(again and again:find("untrue: purchase.bought_on is of type date", 1, true))
  end)

  it("works in a mixed-case schema outside the search path", function()
    local good = { question = "What does `Order Lines`.`RegionId` reference?", answer = "`RegionId` references `Region`." }
    local code, _, err = run({ reply('Order Lines\\" of', { good, {
      question = "How does the `Region` table relate to `Order Lines`?", answer = "`Region` has a foreign key to `Order Lines`." } }),
      reply("", {}) }, { "--count", "4", "--set", "max_attempts=1", "--schemas", "Sales" })
    assert.equal(7, code, err)
    assert.same({ good }, rows(dir))
  end)
end)

describe("schema_docs offline", function()
  local dir
  before_each(function() dir = support.temp_dir() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function run(url, arguments)
    local words = table.move(arguments or {}, 1, #(arguments or {}), 5, { "run", "phases/schema_docs.lua", "--provider", "offline" })
    return support.nlsql(dir, words, { DATABASE_URL = url })
  end

  it("brings 800 different pairs about the demo database, none refused", function()
    local code, out, err = run(support.demo())
    assert.equal(0, code, err)
    assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
    local list, asked, named = rows(dir), {}, {}
    assert.equal(800, #list)
    for _, row in ipairs(list) do
      assert.is_nil(asked[row.question])
      asked[row.question] = true
      local said = row.question .. " " .. row.answer
      for name in said:gmatch("`([%w_]+)[`.]") do named[name] = true end
    end
    for _, name in ipairs { "customer_order", "order_item", "monthly_revenue", "stock" } do assert.is_true(named[name], name) end
  end)

  local shares = {
    { 800, { customer_order = 60, promotion_product = 20 } }, { 22, { customer_order = 1, promotion_product = 1 } },
    { 23, { customer_order = 2 } }, { 3, { customer_order = 1 } },
  }
  for _, case in ipairs(shares) do
    it(("shares %d pairs among the tables"):format(case[1]), function()
      local phase = dofile "phases/schema_docs.lua"
      local db = assert(pg.open(support.demo(), { sessions = 1, connect_timeout = 5 }))
      local schema = assert(catalog.load(db, {}))
      local total, got = 0, {}
      phase.plan({ schema = schema, opt = { count = case[1] } }, function(item)
        assert.is_true(math.type(item.count) == "integer" and item.count >= 1)
        assert.is_nil(got[item.key])
        got[item.key], total = item.count, total + item.count
      end)
      assert.equal(case[1], total)
      for name, least in pairs(case[2]) do assert.is_true((got[name] or 0) >= least, ("%s: %s"):format(name, tostring(got[name]))) end
      if case[1] == 800 then assert.is_true(got.customer_order > got.promotion_product) end
      db:close()
    end)
  end

  it("gives the same bytes at any parallelism", function()
    local made = {}
    for i, parallelism in ipairs { "1", "16" } do
      assert.equal(0, (run(support.demo(), { "--count", "200", "--fresh", "--parallelism", parallelism, "--set", "offline.error_rate=0.2" })))
      made[i] = support.read(dir .. DATASET)
    end
    assert.equal(made[1], made[2])
  end)

  it("errs as often as it is told, and the gates find all of it", function()
    local code, out, err = run(support.demo(), { "--set", "offline.error_rate=0.25" })
    assert.equal(0, code, err)
    for _, gate in ipairs { "untrue", "grounded" } do
      local spoilt, found = out:match("  " .. gate .. "%s+(%d+) spoilt,%s+(%d+) found")
      assert.truthy(spoilt, gate .. " is missing in:\n" .. out)
      assert.equal(spoilt, found, gate)
      assert.is_true(tonumber(spoilt) > 20, gate)
    end
  end)

  it("asks for no more once a table has no more to tell", function()
    local code, out, err = run(odd "views", { "--count", "5000" })
    assert.equal(7, code, err)
    assert.truthy(out:find("2 planned, 2 done, 0 failed", 1, true), out)
    assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
    code, out = run(odd "views", { "--count", "5000" })
    assert.equal(7, code)
    assert.truthy(out:find("Requests: 0", 1, true), out)
  end)

  local odd_ones = {
    { "quoted names in a schema of their own", function() return odd "names" end, { "--schemas", "Head Office" } },
    { "mixed-case names", shop.url, { "--schemas", "Sales" } },
    { "tables without keys", function() return odd "keyless" end },
    { "nothing but views", function() return odd "views" end },
    { "names that clash", function() return odd "clashes" end },
    { "tables without rows", function() return odd "empty" end },
  }
  for _, case in ipairs(odd_ones) do
    it("works on " .. case[1], function()
      local arguments = table.move(case[3] or {}, 1, #(case[3] or {}), 3, { "--count", "60" })
      local code, out, err = run(case[2](), arguments)
      assert.equal(0, code, out .. err)
      assert.equal(60, #rows(dir))
      assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
    end)
  end
end)

describe("what the grammar says of a table", function()
  local worlds = {
    { "the demo database", support.demo, nil, true },
    { "the shop", shop.url, { "public", "Sales" }, true },
    { "quoted names", function() return odd "names" end, { "Head Office" }, false }, -- "ORDER" is a table, and "order" a column too
    { "no keys", function() return odd "keyless" end, nil, true },
    { "views", function() return odd "views" end, nil, true },
    { "names that clash", function() return odd "clashes" end, nil, true },
  }
  for _, case in ipairs(worlds) do
    it("passes every check, and what it spoils none: " .. case[1], function()
      local db = assert(pg.open(case[2](), { sessions = 1, connect_timeout = 5 }))
      local schema = assert(catalog.load(db, { schemas = case[3] }))
      for seed = 1, 3 do
        local made = grammar.open(schema, db, { seed = seed })
        for _, ref in ipairs(schema:names()) do
          for _, pair in ipairs(docs.pairs(made, ref, 100000, text.set())) do
            local ok, gate, why = claims.check(schema, { ref }, pair.question, pair.answer)
            assert.is_true(ok, ("%s | %s: %s: %s"):format(pair.question, pair.answer, tostring(gate), tostring(why)))
            if pair.wrong and case[4] then
              ok, gate = claims.check(schema, { ref }, pair.question, pair.wrong)
              assert.is_nil(ok, ("let through: %s | %s"):format(pair.question, pair.wrong))
              assert.equal("untrue", gate, pair.wrong)
            end
          end
        end
      end
      db:close()
    end)
  end

  it("is enough for 40 pairs on a table of eight columns, in many forms", function()
    local db = assert(pg.open(support.demo(), { sessions = 1, connect_timeout = 5 }))
    local schema = assert(catalog.load(db, {}))
    local made = grammar.open(schema, db, { seed = 1 })
    local first = {}
    for _, pair in ipairs(docs.pairs(made, "review", 40, text.set())) do first[pair.question:match("^%S+ %S+")] = true end
    local n = 0
    for _ in pairs(first) do n = n + 1 end
    assert.is_true(n >= 8, "only " .. n .. " ways to begin a question")
    assert.is_true(#docs.pairs(made, "review", 1000, text.set()) > 100)
    db:close()
  end)

  it("shows no values of the data", function()
    local db = assert(pg.open(support.demo(), { sessions = 1, connect_timeout = 5 }))
    local schema = assert(catalog.load(db, {}))
    local made = grammar.open(schema, db, { seed = 1 })
    for _, ref in ipairs { "address", "employee", "country" } do
      local common = {}
      for _, column in ipairs(schema:table(ref).columns) do
        for _, value in ipairs(column.category == "S" and column.common or {}) do common[#common + 1] = value end
      end
      for _, pair in ipairs(docs.pairs(made, ref, 1000, text.set())) do
        for _, value in ipairs(common) do
          assert.falsy(#value > 3 and (pair.question .. pair.answer):find(value, 1, true), value)
        end
      end
    end
    db:close()
  end)
end)
