-- single_table, end to end: a model's stand-in and the grammar, on several kinds of databases.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"
local wide = require "tests.lua.wide"

local function pair(question, sql) return { question = question, sql = sql } end

describe("nlsql run single_table", function()
  local dir, endpoint
  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function run(url, arguments)
    local words = { "run", "single_table" }
    for _, word in ipairs(arguments) do words[#words + 1] = word end
    return support.nlsql(dir, words, { DATABASE_URL = url, OPENAI_BASE_URL = endpoint and endpoint.url })
  end

  --- Answers a prompt by the table that it is about.
  local function answers(by_table)
    local rules = {}
    for name, list in pairs(by_table) do
      local sent = assert(json.encode(name)):sub(2, -2) -- as the request's JSON has it
      rules[#rules + 1] = { match = "reads no table but " .. sent .. ";", pairs = list }
    end
    rules[#rules + 1] = { match = "failed", content = '{"score": 0, "reason": "hopeless", "fixed_sql": null}' }
    rules[#rules + 1] = { content = "no pairs here" }
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script",
      support.write_json_lines(dir .. "/rules.jsonl", rules) }
  end

  local function dataset() return shop.dataset(dir, "single_table") end

  it("asks about every table with rows, views too, showing that table alone", function()
    answers {}
    local code, out, err = run(support.demo(), { "--count", "7", "--set", "max_attempts=1", "--set", "api_answer_count=4" })
    assert.equal(7, code, err)
    assert.truthy(out:find("22 planned, 22 done, 0 failed", 1, true), out)
    local asked = {}
    for _, line in ipairs(support.lines(dir .. "/requests")) do
      local body = json.decode(json.decode(line).body)
      local text = body.messages[#body.messages].content
      asked[text:match("reads no table but (%S+);")] = text
    end
    for _, ref in ipairs { "customer", "customer_order", "product_sales", "monthly_revenue" } do
      assert.truthy(asked[ref], ref .. " was not asked about")
      assert.truthy(asked[ref]:find(('{"%s":{"columns"'):format(ref), 1, true), asked[ref])
      assert.truthy(asked[ref]:find("Write 4 different pairs", 1, true), asked[ref])
    end
    assert.falsy(asked.customer:find("customer_order", 1, true))
  end)

  it("takes what reads that table only, and refuses another with the gate grounded", function()
    answers {
      purchase = {
        pair("How many purchases were there?", "SELECT count(*) AS purchases FROM purchase"),
        pair("Which purchases fell on one day?",
          "SELECT a.purchase_id, b.purchase_id AS other FROM purchase a JOIN purchase b ON a.bought_on = b.bought_on LIMIT 5"),
        pair("What is the most that a customer bought?", "WITH each AS (SELECT customer_id, count(*) AS n FROM purchase "
          .. "GROUP BY customer_id) SELECT max(n) AS most FROM each"),
        -- plausible, and wrong: the names are of another table
        pair("Who bought most?", "SELECT c.name FROM purchase p JOIN customer c USING (customer_id) GROUP BY c.name "
          .. "ORDER BY count(*) DESC, c.name LIMIT 1"),
        pair("Who bought nothing?", "SELECT name FROM customer WHERE customer_id NOT IN (SELECT customer_id FROM purchase)"),
        pair("What is the customer's name?", "SELECT name FROM purchase"),
        pair("What is the time?", "SELECT 'late' AS time"),
      },
    }
    local code, out, err = run(shop.url(), { "--count", "5", "--set", "max_attempts=1" })
    assert.equal(7, code, err)
    local rows = dataset()
    assert.equal(3, #rows)
    for _, row in ipairs(rows) do assert.falsy(row.sql:find("customer ", 1, true), row.sql) end
    assert.truthy(out:find("  grounded%s+3\n"), out)
    assert.truthy(out:find('table "customer" is not among those given', 1, true), out)
    assert.truthy(out:find("  accept%s+1\n"), out)
    assert.truthy(out:find("does not read the table purchase", 1, true), out)
  end)

  it("leaves empty tables out, and says which", function()
    answers {}
    local path = dir .. "/some.sql"
    support.write(path, "CREATE TABLE full_one (a int); INSERT INTO full_one VALUES (1);"
      .. "CREATE TABLE bare_one (a int); CREATE TABLE no_columns ();")
    local code, out, err = run(support.database("some_empty", { path }), { "--count", "1", "--set", "max_attempts=1" })
    assert.equal(7, code, err)
    assert.truthy(out:find("1 planned", 1, true), out)
    assert.truthy(err:find("left out, since they hold no rows: bare_one, no_columns", 1, true), err)
    code, out, err = run(support.database("odd_empty", { "tests/data/odd/empty.sql" }), { "--count", "1", "--fresh" })
    assert.equal(4, code, out .. err)
    assert.truthy(err:find("nothing to ask about: every table is empty", 1, true), err)
  end)

  it("shows five rows where rows may be shown", function()
    answers {}
    support.write(dir .. "/config.yaml", "anonymise: off\n")
    run(shop.url(), { "--count", "1", "--set", "max_attempts=1" })
    local log = support.read(dir .. "/requests")
    assert.equal(5, select(2, log:gsub("product: {", "")))
    endpoint.stop()
    os.remove(dir .. "/requests")
    answers {}
    run(shop.url(), { "--count", "1", "--set", "max_attempts=1", "--set", "use_sample_rows=false", "--fresh" })
    assert.falsy(support.read(dir .. "/requests"):find("product: {", 1, true))
  end)

  it("takes another prompt", function()
    answers {}
    os.execute("mkdir -p " .. dir .. "/prompts")
    support.write(dir .. "/prompts/mine.txt", "### user:\nA haiku about {{table}} with {{count}} lines\n")
    run(shop.url(), { "--count", "3", "--set", "max_attempts=1", "--set", "prompt_template=mine" })
    assert.truthy(support.read(dir .. "/requests"):find("A haiku about purchase_line with 3 lines", 1, true))
  end)

  it("works on mixed-case names outside public, and without keys", function()
    answers {
      ['"Sales"."Order Lines"'] = { pair("What is the largest amount?", 'SELECT max("Amount") AS largest FROM "Sales"."Order Lines"') },
      author = { pair("How many authors are there?", "SELECT count(*) AS authors FROM author") },
    }
    assert.equal(7, (run(shop.url(), { "--count", "1", "--set", "max_attempts=1", "--schemas", "Sales" })))
    assert.equal('SELECT max("Amount") AS largest FROM "Sales"."Order Lines"', dataset()[1].sql)
    run(support.database("odd_keyless", { "tests/data/odd/keyless.sql" }), { "--count", "1", "--set", "max_attempts=1", "--fresh" })
    assert.equal("How many authors are there?", dataset()[1].question)
  end)

  it("asks about each of 300 tables", function()
    answers { t_0299 = { pair("How many are there?", "SELECT count(*) FROM t_0299") } }
    local code, out, err = run(wide.url(300), { "--count", "1", "--set", "max_attempts=1" })
    assert.equal(7, code, err)
    assert.truthy(out:find("300 planned, 300 done, 0 failed", 1, true), out)
    assert.equal(1, #dataset())
  end)

  local function offline(url, count, ...)
    local code, out, err = run(url, { "--provider", "offline", "--set", "anonymise=off", "--count", tostring(count), "--fresh", ... })
    assert.is_true(code == 0 or code == 7, out .. err)
    assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
    return dataset(), out
  end

  local WORDS = { "GROUP BY", "ORDER BY", "LIMIT", "DISTINCT", " OVER (", "CASE WHEN", "FILTER (", "HAVING", "EXCEPT", "> (SELECT" }

  it("is served by the grammar on each of these", function()
    local rows = offline(support.demo(), 40)
    assert.is_true(#rows > 800, "only " .. #rows)
    local n = {}
    for _, row in ipairs(rows) do
      for _, word in ipairs(WORDS) do
        if row.sql:find(word, 1, true) then n[word] = true end
      end
    end
    for _, word in ipairs(WORDS) do assert.is_true(n[word], word .. " never occurs") end
    rows = offline(shop.url(), 10, "--schemas", "Sales")
    assert.is_true(#rows >= 15, "only " .. #rows)
    for _, row in ipairs(rows) do assert.truthy(row.sql:find('"Sales".', 1, true), row.sql) end
    rows = offline(support.database("odd_keyless", { "tests/data/odd/keyless.sql" }), 20)
    assert.is_true(#rows >= 30, "only " .. #rows)
    local code, _, err = run(wide.url(300), { "--provider", "offline", "--count", "2", "--fresh" })
    assert.equal(0, code, err)
    assert.equal(600, #dataset())
  end)
end)
