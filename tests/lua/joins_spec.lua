-- The main job, end to end: a real PostgreSQL, a real HTTP endpoint, the real program.
local json = require "nlsql.json"
local support = require "tests.lua.support"

local shop = require "tests.lua.shop"
local BY_COUNTRY, BY_PRODUCT, sets = shop.BY_COUNTRY, shop.BY_PRODUCT, shop.sets
local dataset = shop.dataset

local function rules(dir, list) return support.write_json_lines(dir .. "/rules.jsonl", list) end

describe("nlsql run phases/joins.lua", function()
  local dir, url, endpoint

  before_each(function()
    dir = support.temp_dir()
    url = shop.url()
  end)

  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function run(arguments, extra)
    local words = { "run", "phases/joins.lua" }
    for _, word in ipairs(arguments or {}) do words[#words + 1] = word end
    local variables = { DATABASE_URL = url, OPENAI_BASE_URL = endpoint and endpoint.url,
      OPENAI_API_KEY = "sk-test-0123456789" }
    for name, value in pairs(extra or {}) do variables[name] = value end
    return support.nlsql(dir, words, variables)
  end

  it("writes question and sql, in that order, of what passes every gate", function()
    endpoint = support.endpoint { "--script", rules(dir, {
      sets { "customer", "purchase" },
      { pairs = { BY_COUNTRY } },
    }) }
    local code, out, err = run { "--set", "count=1", "--set", "total_table_pairs=1" }
    assert.equal(0, code, err)
    local lines = support.lines(dir .. "/generated_datasets/joins/dataset.jsonl")
    assert.equal(1, #lines)
    assert.equal(json.encode({ question = BY_COUNTRY.question, sql = BY_COUNTRY.sql:sub(1, -2) },
      { keys = { "question", "sql" } }), lines[1])
    assert.truthy(out:find("1 of 1 pairs in generated_datasets/joins/dataset.jsonl", 1, true), out)
    assert.truthy(out:find(BY_COUNTRY.question, 1, true), out)
  end)

  it("names the gate that each wrong candidate falls at", function()
    local wrong = {
      { gate = "parse", sql = "SELEC 1" },
      { gate = "safe", sql = "DELETE FROM customer" },
      { gate = "grounded", sql = "SELECT c.nme FROM customer c JOIN purchase p ON p.customer_id = c.customer_id" },
      { gate = "explain", sql = "SELECT c.name + 1 FROM customer c JOIN purchase p ON p.customer_id = c.customer_id" },
      { gate = "execute", sql = "SELECT 1 / (c.customer_id - c.customer_id) FROM customer c JOIN purchase p USING (customer_id)" },
      { gate = "answer", sql = "SELECT c.name FROM customer c JOIN purchase p USING (customer_id) WHERE c.name = 'nobody'" },
      { gate = "accept", sql = "SELECT count(*) FROM customer" },
    }
    local list = { BY_COUNTRY }
    for i, one in ipairs(wrong) do list[#list + 1] = { question = "Question " .. i .. "?", sql = one.sql } end
    list[#list + 1] = { question = "Purchases by country, please?", sql = BY_COUNTRY.sql:gsub("%f[%w]c%f[%W]", "cust") }
    endpoint = support.endpoint { "--script", rules(dir, {
      sets { "customer", "purchase" },
      { match = "failed", content = '{"score": 0, "reason": "hopeless", "fixed_sql": null}' },
      { pairs = list },
    }) }
    local code, out, err = run { "--set", "count=5", "--set", "total_table_pairs=1", "--set", "max_attempts=1" }
    assert.equal(7, code, err)
    assert.equal(1, #dataset(dir))
    for _, one in ipairs(wrong) do
      assert.truthy(out:find("  " .. one.gate .. "%s+1\n"), one.gate .. " is missing in:\n" .. out)
    end
    assert.truthy(out:find("  unique%s+1\n"), out)
  end)

  it("lets the critic repair with the database's error in hand, and sends the repair through every gate", function()
    local broken = { question = BY_COUNTRY.question, sql = BY_COUNTRY.sql:gsub("c.country,", "c.land,") }
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script", rules(dir, {
      sets { "customer", "purchase" },
      { match = "failed", content = json.encode { score = 0.2, reason = "wrong column", fixed_sql = BY_COUNTRY.sql } },
      { pairs = { broken } },
    }) }
    local code, out, err = run { "--set", "count=1", "--set", "total_table_pairs=1" }
    assert.equal(0, code, err)
    assert.equal(BY_COUNTRY.sql:sub(1, -2), dataset(dir)[1].sql)
    assert.truthy(out:find("Repairs:  1 of 1", 1, true), out)
    assert.truthy(support.read(dir .. "/requests"):find("land", 1, true))
  end)

  it("asks again, with the history and what was wrong, until the item has its count", function()
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script", rules(dir, {
      sets { "customer", "purchase", "purchase_line", "product" },
      { pairs = { BY_COUNTRY }, times = 1 },
      { pairs = { BY_PRODUCT } },
    }) }
    local code, _, err = run { "--set", "count=2", "--set", "total_table_pairs=1" }
    assert.equal(0, code, err)
    assert.equal(2, #dataset(dir))
    local last = json.decode(support.lines(dir .. "/requests")[3])
    assert.truthy(last.body:find("Write 1 more pairs", 1, true))
    assert.truthy(last.body:find("How many purchases", 1, true))
  end)

  it("asks nothing, and pays nothing, where a template cannot be read", function()
    endpoint = support.endpoint { "--script", rules(dir, { sets { "customer", "purchase" }, { pairs = { BY_COUNTRY } } }) }
    os.execute("mkdir -p " .. dir .. "/prompts")
    support.write(dir .. "/prompts/join_sql.txt", "### user:\n{{#cut}} and never closed\n")
    local code, _, err = run {}
    assert.equal(3, code)
    assert.truthy(err:find("prompts/join_sql.txt:2: {{#cut}} is not closed", 1, true), err)
    assert.equal(0, endpoint.stop().requests)
    endpoint = nil
  end)

  it("never writes the key anywhere", function()
    endpoint = support.endpoint { "--require-key", "sk-other", "--script", rules(dir, { { pairs = { BY_COUNTRY } } }) }
    local code, out, err = run { "--set", "count=1" }
    assert.equal(5, code)
    assert.truthy(err:find("401", 1, true), err)
    assert.falsy((out .. err):find("sk-test-0123456789", 1, true))
    local status = os.execute("grep -rq sk-test-0123456789 " .. dir .. "/generated_datasets")
    assert.falsy(status)
  end)

  it("works in a mixed-case schema outside the search path", function()
    endpoint = support.endpoint { "--script", rules(dir, {
      sets { '"Sales"."Region"', '"Sales"."Order Lines"' },
      { pairs = { {
        question = "What is the total amount for each region?",
        sql = 'SELECT r."Name", sum(l."Amount") AS total FROM "Sales"."Region" r JOIN "Sales"."Order Lines" l '
          .. 'ON l."RegionId" = r."RegionId" GROUP BY r."Name" ORDER BY r."Name"',
      } } },
    }) }
    local code, _, err = run { "--set", "count=1", "--set", "total_table_pairs=1", "--schemas", "Sales" }
    assert.equal(0, code, err)
    assert.equal(1, #dataset(dir))
  end)

  it("goes on where it stopped, and pays for no reply twice", function()
    endpoint = support.endpoint { "--script", rules(dir, {
      sets { "customer", "purchase" },
      { pairs = { BY_COUNTRY } },
    }) }
    assert.equal(7, (run { "--set", "count=3", "--set", "total_table_pairs=1", "--set", "max_attempts=2" }))
    local before = support.read(dir .. "/generated_datasets/joins/dataset.jsonl")
    local first = endpoint.stop()
    endpoint = support.endpoint { "--script", rules(dir, { { status = 500, body = "must not be asked" } }) }
    local code, out = run { "--set", "count=3", "--set", "total_table_pairs=1", "--set", "max_attempts=2" }
    assert.equal(7, code)
    assert.equal(before, support.read(dir .. "/generated_datasets/joins/dataset.jsonl"))
    assert.equal(3, first.requests)
    assert.equal(0, endpoint.stop().requests)
    endpoint = nil
    assert.truthy(out:find("1 of them from earlier runs", 1, true), out)
    assert.truthy(out:find("1 planned, 1 done, 0 failed", 1, true), out)
  end)

  it("goes on with items that a larger count asks more of", function()
    endpoint = support.endpoint { "--script", rules(dir, {
      sets { "customer", "purchase", "purchase_line", "product" },
      { pairs = { BY_COUNTRY }, times = 1 },
      { pairs = { BY_PRODUCT } },
    }) }
    assert.equal(0, (run { "--count", "1", "--set", "total_table_pairs=1" }))
    local code, _, err = run { "--count", "2", "--set", "total_table_pairs=1" }
    assert.equal(0, code, err)
    assert.equal(2, #dataset(dir))
  end)

  it("starts over with --fresh, keeping what was there", function()
    endpoint = support.endpoint { "--script", rules(dir, { sets { "customer", "purchase" }, { pairs = { BY_COUNTRY } } }) }
    assert.equal(0, (run { "--set", "count=1", "--set", "total_table_pairs=1" }))
    assert.equal(0, (run { "--set", "count=1", "--set", "total_table_pairs=1", "--fresh" }))
    assert.equal(4, endpoint.stop().requests)
    endpoint = nil
    assert.truthy(support.read(dir .. "/generated_datasets/joins/dataset.1.jsonl"))
    assert.equal(1, #dataset(dir))
  end)

  it("takes pairs in the order of the plan, however fast each item is", function()
    local many = shop.many(6)
    -- the first item is slow, and asks twice; the second has one of its pairs, and is there first
    local list = {
      sets({ "customer", "purchase" }, { "customer", "purchase", "purchase_line" }),
      { match = many[1].question, pairs = { many[3], many[4] }, delay_ms = 80 },
      { match = many[5].question, pairs = { many[6] } },
      { match = 'purchase_line\\":{', pairs = { many[5], many[3] } },
      { pairs = { many[1], many[2] }, delay_ms = 80 },
    }
    local made = {}
    for i, parallelism in ipairs { 1, 16 } do
      endpoint = support.endpoint { "--script", rules(dir, list) }
      local code, _, err = run { "--count", "3", "--set", "total_table_pairs=2", "--set", "max_attempts=2", "--fresh",
        "--parallelism", tostring(parallelism) }
      assert.equal(7, code, err)
      made[i] = {}
      for k, row in ipairs(dataset(dir)) do made[i][k] = row.question end
      endpoint.stop()
      endpoint = nil
    end
    local expected = {}
    for k, i in ipairs { 1, 2, 3, 5, 6 } do expected[k] = many[i].question end
    assert.same(expected, made[1])
    assert.same(expected, made[2])
  end)

  it("stops at the budget, and goes on with a larger one", function()
    endpoint = support.endpoint { "--script", rules(dir, {
      sets { "customer", "purchase" },
      { pairs = { BY_COUNTRY }, usage = { prompt_tokens = 1000, completion_tokens = 1000 } },
    }) }
    -- what a metering proxy on this machine is
    support.write(dir .. "/config.yaml", "loopback_is_free: false\nprices:\n  gpt-4.1: {input: 2, output: 8}\n")
    local code, _, err = run { "--set", "count=1", "--set", "total_table_pairs=1", "--budget", "0.00001" }
    assert.equal(6, code, err)
    assert.truthy(err:find("--budget", 1, true), err)
    assert.equal(0, (run { "--set", "count=1", "--set", "total_table_pairs=1", "--budget", "5" }))
    assert.equal(1, #dataset(dir))
  end)
end)

describe("bad input", function()
  local dir, url

  before_each(function()
    dir = support.temp_dir()
    url = shop.url()
  end)

  after_each(function() os.execute("rm -rf " .. dir) end)

  local cases = {
    { "a key and no database", { OPENAI_API_KEY = "sk-0123456" }, { "run", "phases/joins.lua" }, 4,
      "no database: set DATABASE_URL" },
    { "no key", { db = true }, { "run", "phases/joins.lua" }, 5, "set OPENAI_API_KEY" },
    { "an unreachable database", { DATABASE_URL = "postgresql://u:hush@127.0.0.1:1/x", OPENAI_BASE_URL = "http://127.0.0.1:1/v1" }, { "run", "phases/joins.lua" }, 4,
      "cannot connect to postgresql://u@127.0.0.1:1/x" },
    { "a missing database", { db = "nothere" }, { "schema" }, 4, "\"nothere\" does not exist" },
    { "an endpoint that is down", { db = true, OPENAI_BASE_URL = "http://127.0.0.1:1/v1" },
      { "run", "phases/joins.lua", "--set", "count=1" }, 5, "cannot connect to 127.0.0.1" },
    { "plain http elsewhere", { db = true, OPENAI_BASE_URL = "http://model.example/v1", OPENAI_API_KEY = "sk-0123456" },
      { "run", "phases/joins.lua" }, 5, "http" },
    { "a missing phase", { db = true }, { "run", "phases/join.lua" }, 3, "phases/join.lua" },
    { "a misspelt phase", { db = true }, { "run", "jions" }, 3, "did you mean \"joins\"?" },
    { "an unknown option of the command", { db = true }, { "run", "--cuont", "3" }, 2, "did you mean --count?" },
    { "an unknown option of the phase", { db = true, OPENAI_BASE_URL = "http://127.0.0.1:1/v1" },
      { "run", "phases/joins.lua", "--set", "min_join=2" }, 3, "did you mean \"min_joins\"?" },
    { "a value of the wrong type", { db = true, OPENAI_BASE_URL = "http://127.0.0.1:1/v1" },
      { "run", "phases/joins.lua", "--set", "min_joins=many" }, 3, "min_joins: expected a whole number" },
  }

  for _, case in ipairs(cases) do
    local name, variables, arguments, exit, words = table.unpack(case)
    it(name, function()
      local env = {}
      for k, v in pairs(variables) do env[k] = v end
      if env.db then env.DATABASE_URL = env.db == true and url or url:gsub("shop", env.db) end
      env.db = nil
      local code, _, err = support.nlsql(dir, arguments, env)
      assert.equal(exit, code, err)
      assert.truthy(err:find(words, 1, true), ("expected %q in:\n%s"):format(words, err))
      assert.falsy(err:find("hush", 1, true), "the password is shown")
      assert.falsy(err:find("stack traceback", 1, true))
    end)
  end

  local phases = {
    { "a syntax error", "return {\n  name = = 1\n}", 3, "phases/bad.lua:2:" },
    { "no table", "return 5", 3, "phases/bad.lua" },
    { "a misspelt hook", "return {\n  name = 'bad', summary = 's',\n  plan = function() end,\n  promt = function() end,\n}", 3,
      "did you mean \"prompt\"?" },
    { "loops for ever in the plan", "return { name = 'bad', summary = 's', plan = function() while true do end end, prompt = function() end }",
      1, "without waiting for anything" },
    { "yields where it cannot", "local jobs = require 'nlsql.jobs'\nreturn { name = 'bad', summary = 's', plan = function()\n"
      .. " table.sort({3,2,1}, function(a, b) jobs.sleep(0) return a < b end) end, prompt = function() end }", 1, "cannot wait here" },
    { "an error in a hook", "return { name = 'bad', summary = 's', plan = function(ctx, emit) emit { key = 'a' } end,\n"
      .. "prompt = function() error 'oh no' end }", 1, "phases/bad.lua:2: oh no" },
  }

  for _, case in ipairs(phases) do
    local name, source, exit, words = table.unpack(case)
    it("a phase with " .. name, function()
      os.execute("mkdir -p " .. dir .. "/phases")
      support.write(dir .. "/phases/bad.lua", source)
      local code, out, err = support.nlsql(dir, { "run", "phases/bad.lua" },
        { DATABASE_URL = url, OPENAI_BASE_URL = "http://127.0.0.1:1/v1" })
      assert.equal(exit, code, out .. err)
      assert.truthy(err:find(words, 1, true), ("expected %q in:\n%s"):format(words, err))
    end)
  end
end)
