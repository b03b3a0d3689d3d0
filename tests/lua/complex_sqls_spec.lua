-- complex_sqls, end to end: a model's stand-in and the grammar, on several kinds of databases.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"
local wide = require "tests.lua.wide"

local function pair(question, sql) return { question = question, sql = sql } end

local JOINED = "customer c JOIN purchase p USING (customer_id) JOIN purchase_line l USING (purchase_id)"

local GOOD = {
  pair("Which customers bought a line of more pieces than the average line?",
    "SELECT DISTINCT c.name FROM " .. JOINED .. " WHERE l.quantity > (SELECT avg(quantity) FROM purchase_line)"),
  pair("How many pieces does the average country buy?", "WITH each AS (SELECT c.country, sum(l.quantity) AS n FROM " .. JOINED
    .. " GROUP BY c.country) SELECT avg(n) AS average FROM each"),
  pair("What is each country's share of all pieces?",
    "SELECT c.country, sum(l.quantity) / sum(sum(l.quantity)) OVER () AS share FROM " .. JOINED .. " GROUP BY c.country"),
  pair("Which countries bought before June 2023, and also more than two pieces at once?", "SELECT c.country FROM " .. JOINED
    .. " WHERE p.bought_on < '2023-06-01' INTERSECT SELECT c.country FROM " .. JOINED .. " WHERE l.quantity > 2"),
  pair("Which customers have a purchase with a line of product 4?", "SELECT c.name FROM customer c WHERE EXISTS (SELECT 1 FROM "
    .. "purchase p JOIN purchase_line l USING (purchase_id) WHERE p.customer_id = c.customer_id AND l.product_id = 4)"),
}

-- plausible, and wrong: each is right for its question, and not what is asked for here
local PLAIN = pair("How many pieces did each country buy?",
  "SELECT c.country, sum(l.quantity) AS pieces FROM " .. JOINED .. " GROUP BY c.country HAVING sum(l.quantity) > 1")
local NARROW = pair("Which customers bought often?", "WITH often AS (SELECT customer_id FROM purchase GROUP BY customer_id "
  .. "HAVING count(*) > 2) SELECT c.name FROM customer c JOIN often USING (customer_id)")

describe("nlsql run complex_sqls", function()
  local dir, endpoint
  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function run(url, arguments, phase)
    local words = { "run", phase or "complex_sqls" }
    for _, word in ipairs(arguments) do words[#words + 1] = word end
    return support.nlsql(dir, words, { DATABASE_URL = url, OPENAI_BASE_URL = endpoint and endpoint.url })
  end

  local function answers(sets, list)
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", {
      sets, { match = "failed", content = '{"score": 0, "reason": "hopeless", "fixed_sql": null}' }, { pairs = list } }) }
  end

  local function dataset() return shop.dataset(dir, "complex_sqls") end

  local ONE = { "--set", "max_attempts=1", "--set", "total_table_pairs=1" }
  local function once(...) return table.move(ONE, 1, #ONE, select("#", ...) + 1, { ... }) end

  it("takes subqueries, CTEs, windows and set operations, and refuses a plain join with the gate accept", function()
    local list = table.move(GOOD, 1, #GOOD, 3, { PLAIN, NARROW })
    answers(shop.sets { "customer", "purchase", "purchase_line" }, list)
    local code, out, err = run(shop.url(), once("--count", "9"))
    assert.equal(7, code, err)
    local rows = dataset()
    assert.equal(#GOOD, #rows, out)
    for i, row in ipairs(rows) do assert.equal(GOOD[i].question, row.question) end
    assert.truthy(out:find("  accept%s+2\n"), out)
    assert.truthy(out:find("is a plain query: wanted is one with a subquery, a CTE, a window function or a set operation", 1,
      true), out)
    assert.truthy(out:find("uses 2 of at least 3 tables", 1, true), out)
  end)

  it("asks with the tables, their rows where they may be shown, and what is wanted", function()
    support.write(dir .. "/config.yaml", "anonymise: off\n")
    answers(shop.sets { "customer", "purchase", "purchase_line" }, GOOD)
    assert.equal(0, (run(shop.url(), once("--count", "2"))))
    local lines = support.lines(dir .. "/requests")
    assert.equal(2, #lines)
    local body = json.decode(json.decode(lines[2]).body)
    local text = body.messages[#body.messages].content
    for _, words in ipairs { "Write 2 different pairs", "uses at least 3 of these tables", '"purchase_line":{"columns"' } do
      assert.truthy(text:find(words, 1, true), words .. " is missing in:\n" .. text)
    end
    assert.equal(20, select(2, text:gsub("purchase_line: {", "")))
  end)

  it("reports how often each construct occurs in what it accepted", function()
    answers(shop.sets { "customer", "purchase", "purchase_line" }, GOOD)
    local _, out = run(shop.url(), once("--count", "3"))
    assert.truthy(out:find("Constructs in the 3 pairs of this run:", 1, true), out)
    for name, share in pairs { cte = "1  33.3 %%", window = "1  33.3 %%", scalar_subquery = "1  33.3 %%", join = "3 100.0 %%" } do
      assert.truthy(out:find("  " .. name .. "%s+" .. share), name .. " is wrong in:\n" .. out)
    end
    assert.falsy(out:find("set_operation", 1, true), out)
    -- of what is new, after a resume
    _, out = run(shop.url(), { "--count", "5", "--set", "max_attempts=3", "--set", "total_table_pairs=1" })
    assert.truthy(out:find("Constructs in the 2 new pairs of this run:", 1, true), out)
    assert.truthy(out:find("  set_operation%s+1  50.0 %%"), out)
    -- and wherever it is asked for, or not
    _, out = run(shop.url(), once("--count", "3", "--fresh", "--set", "construct_report=false"))
    assert.falsy(out:find("Constructs in", 1, true), out)
    _, out = run(shop.url(), once("--count", "3", "--set", "construct_report=true"), "joins")
    assert.truthy(out:find("Constructs in the 3 pairs of this run:", 1, true), out)
  end)

  it("works on mixed-case names outside public, and without keys", function()
    answers(shop.sets { '"Sales"."Region"', '"Sales"."Order Lines"' }, { pair("Which regions have more than the average amount?",
      'SELECT r."Name" FROM "Sales"."Region" r JOIN "Sales"."Order Lines" l ON l."RegionId" = r."RegionId" GROUP BY r."Name" '
      .. 'HAVING avg(l."Amount") >= (SELECT avg("Amount") FROM "Sales"."Order Lines")') })
    local code, _, err = run(shop.url(), once("--count", "1", "--schemas", "Sales", "--set", "min_joins=2"))
    assert.equal(0, code, err)
    endpoint.stop()
    answers(shop.sets { "author", "writes", "publication" }, { pair("Who wrote most?", "SELECT name FROM (SELECT a.name, rank() "
      .. "OVER (ORDER BY count(*) DESC) AS place FROM author a JOIN writes w USING (aid) JOIN publication p USING (pid) "
      .. "GROUP BY a.aid, a.name) AS ranked WHERE place = 1") })
    code, _, err = run(support.database("odd_keyless", { "tests/data/odd/keyless.sql" }), once("--count", "1", "--fresh"))
    assert.equal(0, code, err)
    assert.equal("Who wrote most?", dataset()[1].question)
  end)

  local function offline(url, ...)
    return run(url, { "--provider", "offline", "--set", "anonymise=off", "--fresh", "--count", "12", ... })
  end

  it("is served by the grammar, which draws only what is wanted", function()
    for name, url in pairs { demo = support.demo(), wide = wide.url(300) } do
      local code, out, err = offline(url, "--set", "total_table_pairs=8")
      assert.equal(0, code, name .. ": " .. out .. err)
      assert.equal(96, #dataset())
      assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
      for _, construct in ipairs { "subquery", "cte", "window", "set_operation" } do
        assert.truthy(out:find("  " .. construct .. "%s+%d+ "), name .. ": no " .. construct .. " in\n" .. out)
      end
    end
    local names = support.database("odd_names", { "tests/data/odd/names.sql" })
    local code, out, err = offline(names, "--schemas", "Head Office", "--set", "total_table_pairs=1")
    assert.equal(0, code, out .. err)
    for _, row in ipairs(dataset()) do assert.truthy(row.sql:find('"Head Office"."ORDER"', 1, true), row.sql) end
    -- two tables with little to ask about: what there is of it
    code, out, err = offline(shop.url(), "--schemas", "Sales", "--set", "min_joins=2", "--set", "max_attempts=1")
    assert.is_true(code == 0 or code == 7, out .. err)
    assert.is_true(#dataset() >= 3, out)
  end)

  it("says that without keys the grammar has nothing to ask about, unless they may be found in the data", function()
    local url = support.database("odd_keyless", { "tests/data/odd/keyless.sql" })
    support.write(dir .. "/config.yaml", "discover: off\n")
    local code, _, err = offline(url)
    assert.equal(4, code, err)
    assert.truthy(err:find("no foreign keys connect 3 tables", 1, true), err)
    os.remove(dir .. "/config.yaml")
    code, _, err = offline(url, "--fresh", "--set", "min_joins=2")
    assert.is_true(code == 0 or code == 7, err)
    for _, row in ipairs(dataset()) do assert.truthy(row.sql:find("JOIN", 1, true) or row.sql:find("IN (", 1, true), row.sql) end
    assert.is_true(#dataset() > 3)
  end)
end)
