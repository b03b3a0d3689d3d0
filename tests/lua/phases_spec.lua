-- Every phase on every kind of schema: the demo, names in mixed case outside the search path, no keys at
-- all, 300 tables; with the grammar, and with an endpoint. What each phase does in detail is in its own spec.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"
local wide = require "tests.lua.wide"

local SCHEMAS = {
  demo = { url = support.demo, plan = 22 },
  mixed_case = { url = shop.url, flags = { "--schemas", "Sales" }, plan = 2 },
  keyless = { url = function() return support.database("odd_keyless", { "tests/data/odd/keyless.sql" }) end, plan = 3 },
  wide = { url = function() return wide.url(300) end, plan = 300 },
}

local dir, endpoint

local function setup_each() dir = support.temp_dir() end

local function teardown_each()
  if endpoint then endpoint.stop() end
  endpoint = nil
  os.execute("rm -rf " .. dir)
end

--- Runs a phase on a schema; returns code, stdout, stderr and the dataset.
local function run(phase, schema, variables, ...)
  local words = { "run", phase, "--set", "max_attempts=2" }
  for _, word in ipairs(schema.flags or {}) do words[#words + 1] = word end
  for _, word in ipairs { ... } do words[#words + 1] = word end
  support.write(dir .. "/config.yaml", "anonymise: off\n")
  variables.DATABASE_URL = schema.url()
  local code, out, err = support.nlsql(dir, words, variables)
  return code, out, err, shop.dataset(dir, phase)
end

describe("with the grammar", function()
  before_each(setup_each)
  after_each(teardown_each)

  --- What each phase makes of each schema: least number of pairs.
  local cases = {
    { "builtins", { "--set", "builtins=COUNT,LOWER,MAX", "--count", "2" }, demo = 6, mixed_case = 4, keyless = 4, wide = 6 },
    { "schema_docs", { "--count", "60" }, demo = 60, mixed_case = 20, keyless = 20, wide = 60 },
    { "single_table", { "--count", "3" }, demo = 60, mixed_case = 4, keyless = 6, wide = 800 },
    { "joins", { "--count", "3", "--set", "total_table_pairs=4" }, demo = 12, mixed_case = 3, keyless = 9, wide = 12 },
    { "complex_sqls", { "--count", "3", "--set", "total_table_pairs=4", "--set", "min_joins=2" }, demo = 12, mixed_case = 2,
      keyless = 6, wide = 12 },
    { "sample_data", {}, demo = 22, mixed_case = 2, keyless = 3, wide = 300 },
    { "schema_relationship", {}, demo = 70, mixed_case = 2, keyless = 4, wide = 400 },
  }
  for _, case in ipairs(cases) do
    for _, name in ipairs { "demo", "mixed_case", "keyless", "wide" } do
      it(("%s on %s"):format(case[1], name), function()
        local code, out, err, rows = run(case[1], SCHEMAS[name], {}, "--provider", "offline", table.unpack(case[2]))
        assert.is_true(code == 0 or code == 7, out .. err)
        assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
        assert.is_true(#rows >= case[name], ("%d of at least %d pairs\n%s%s"):format(#rows, case[name], out, err))
      end)
    end
  end
end)

describe("with an endpoint", function()
  before_each(setup_each)
  after_each(teardown_each)

  --- One table of each schema, a column of it, its type, and a column that refers to another table's.
  local FACTS = {
    demo = { table = "brand", column = "name", type = "text" },
    mixed_case = { table = '"Sales"."Region"', column = '"Name"', type = "text" },
    keyless = { table = "author", column = "name", type = "text" },
    wide = { table = "t_0012", column = "name", type = "text" },
  }

  local function pair(question, sql) return { question = question, sql = sql } end

  --- The wrong and the right reply of each phase about that table, and the gate that the wrong one falls at.
  local cases = {
    { phase = "builtins", flags = { "--set", "builtins=LOWER", "--count", "1", "--set", "rounds=0" }, gate = "accept",
      reply = function(t)
        local right = ("SELECT lower(%s) AS x FROM %s"):format(t.column, t.table)
        return { pair("Which names are there?", ("SELECT %s FROM %s"):format(t.column, t.table)) }, { pair("Small names?", right) }
      end },
    { phase = "schema_docs", flags = { "--count", "1" }, gate = "untrue", answers = true, reply = function(t)
      local column = ("%s.%s"):format(t.table, t.column)
      return { { question = ("What type has %s?"):format(column), answer = ("%s is of type timestamp."):format(column) } },
        { { question = ("Which type has %s?"):format(column), answer = ("%s is of type %s."):format(column, t.type) } }
    end },
    { phase = "single_table", flags = { "--count", "1" }, gate = "grounded", reply = function(t)
      return { pair("Which nothings are there?", ("SELECT nothing FROM %s"):format(t.table)) },
        { pair("How many are there?", ("SELECT count(%s) FROM %s"):format(t.column, t.table)) }
    end },
  }
  for _, case in ipairs(cases) do
    for _, name in ipairs { "demo", "mixed_case", "keyless", "wide" } do
      it(("%s on %s: a wrong reply falls at %s, a right one is kept"):format(case.phase, name, case.gate), function()
        local t = FACTS[name]
        local wrong, right = case.reply(t)
        local pairs_of = {}
        for i, one in ipairs { wrong[1], right[1] } do
          pairs_of[i] = assert(json.encode(one, { keys = { "question", "sql", "answer" } }))
        end
        endpoint = support.endpoint { "--script", support.write_json_lines(dir .. "/rules.jsonl", {
          { match = "and failed", content = '{"score": 0, "reason": "no", "fixed_sql": null}' },
          { content = '{"pairs": [' .. table.concat(pairs_of, ", ") .. "]}" },
        }) }
        support.write(dir .. "/only.yaml", "tables: {include: ['" .. t.table .. "']}\n")
        local code, out, err, rows = run(case.phase, SCHEMAS[name], { OPENAI_BASE_URL = endpoint.url }, "--config", "only.yaml",
          table.unpack(case.flags))
        assert.equal(0, code, out .. err)
        assert.truthy(out:find("  " .. case.gate .. "%s+1\n"), out)
        assert.equal(1, #rows)
        assert.equal(right[1].question, rows[1].question)
      end)
    end
  end
end)
