-- What `critic:` and `dataset_fields` of the configuration do to a run.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local BROKEN = { question = shop.BY_COUNTRY.question, sql = shop.BY_COUNTRY.sql:gsub("c.country,", "c.land,") }

local function review(score, fixed)
  return json.encode { score = score, reason = "so it is", fixed_sql = fixed or json.null }
end

local dir, url, endpoint

local function setup_each()
  dir, url = support.temp_dir(), shop.url()
end

local function teardown_each()
  if endpoint then endpoint.stop() end
  endpoint = nil
  os.execute("rm -rf " .. dir)
end

--- Runs joins with this configuration and these answers; returns code, stdout, stderr.
local function run(config, rules, ...)
  local list = { shop.sets { "customer", "purchase" } }
  table.move(rules, 1, #rules, 2, list)
  endpoint = support.endpoint { "--log", dir .. "/requests", "--script",
    support.write_json_lines(dir .. "/rules.jsonl", list) }
  support.write(dir .. "/config.yaml", config)
  return support.nlsql(dir, { "run", "joins", "--count", "1", "--set", "total_table_pairs=1", "--set", "max_attempts=1", ... },
    { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url })
end

local function stopped()
  local counts = endpoint.stop()
  endpoint = nil
  return counts
end

describe("critic:", function()
  before_each(setup_each)
  after_each(teardown_each)

  it("false, or enabled: false, asks for no repair", function()
    for _, config in ipairs { "critic: false\n", "critic: {enabled: false}\n" } do
      local code = run(config, { { match = "and failed", content = review(0.5, shop.BY_COUNTRY.sql) }, { pairs = { BROKEN } } },
        "--fresh")
      assert.equal(7, code)
      assert.equal(2, stopped().requests)
    end
  end)

  it("rounds says how often a repair is tried", function()
    local worse = BROKEN.sql:gsub("c.land", "c.lnad")
    local code, out = run("critic: {rounds: 1}\n", { { match = "and failed", content = review(0.5, worse) }, { pairs = { BROKEN } } })
    assert.equal(7, code)
    assert.truthy(out:find("Repairs:  0 of 1 tried", 1, true), out)
    assert.equal(3, stopped().requests)
  end)

  it("openai_model and prompt_template are the critic's own", function()
    os.execute("mkdir -p " .. dir .. "/prompts")
    support.write(dir .. "/prompts/strict.txt", "### user:\nMend this now: {{sql}} ({{reason}}) of {{question}} {{schema_json}}\n")
    local code, _, err = run("critic: {openai_model: judge-1, prompt_template: strict}\n", {
      { match = "Mend this now", content = review(0.5, shop.BY_COUNTRY.sql) }, { pairs = { BROKEN } },
    })
    assert.equal(0, code, err)
    local requests = support.lines(dir .. "/requests")
    assert.truthy(requests[3]:find("judge-1", 1, true))
    assert.truthy(requests[3]:find("Mend this now: SELECT c.land", 1, true))
    assert.falsy(requests[2]:find("judge-1", 1, true))
  end)

  it("a model without a price is refused once there is a budget", function()
    local code, _, err = run("loopback_is_free: false\nbudget_usd: 5\nprices:\n  gpt-4.1: {input: 2, output: 8}\n"
      .. "critic: {openai_model: judge-1}\n", { { pairs = { BROKEN } } })
    assert.equal(3, code)
    assert.truthy(err:find('no price is known for model "judge-1"', 1, true), err)
  end)

  it("min_score has what passes reviewed: too low a score is rejected at review, a good one is kept", function()
    local code, out = run("critic: {min_score: 0.7}\n", { { match = "It runs.", content = review(0.6) }, { pairs = { shop.BY_COUNTRY } } })
    assert.equal(7, code)
    assert.truthy(out:find("  review%s+1\n"), out)
    assert.truthy(out:find("the critic's score is 0.60, below 0.70: so it is", 1, true), out)
    stopped()
    local err
    code, out, err = run("critic: {min_score: 0.7}\n", { { match = "It runs.", content = review(0.8) }, { pairs = { shop.BY_COUNTRY } } },
      "--fresh")
    assert.equal(0, code, out .. err)
  end)

  it("min_score: a reply that is no review rejects too", function()
    local code, out = run("critic: {min_score: 0.7}\n", { { match = "It runs.", content = "Looks fine to me." },
      { pairs = { shop.BY_COUNTRY } } })
    assert.equal(7, code)
    assert.truthy(out:find("the critic gave no score", 1, true), out)
  end)
end)

describe("dataset_fields:", function()
  before_each(setup_each)
  after_each(teardown_each)

  local SUMS = {
    question = "How many purchases and what mood per customer?",
    sql = "SELECT c.customer_id, count(*) AS n, count(*) > 0 AS any, min(p.purchase_id)::numeric / 3 AS third, NULL::text AS x "
      .. "FROM customer c JOIN purchase p USING (customer_id) GROUP BY c.customer_id ORDER BY 1 LIMIT 2",
  }

  it("adds what is asked for, in a fixed order", function()
    local code, _, err = run("defaults: {dataset_fields: [tables, functions, schema]}\n", { { pairs = { SUMS } } })
    assert.equal(0, code, err)
    local line = support.lines(dir .. "/generated_datasets/joins/dataset.jsonl")[1]
    assert.truthy(line:find('^{"question":.-,"sql":.-,"functions":%["count","min"%],"schema":{.-"tables":%["customer","purchase"%]}$'),
      line)
  end)

  it("rows is the answer, with numbers as numbers, where rows may be shown", function()
    local code, _, err = run("anonymise: off\ndefaults: {dataset_fields: [rows]}\n", { { pairs = { SUMS } } })
    assert.equal(0, code, err)
    local line = support.lines(dir .. "/generated_datasets/joins/dataset.jsonl")[1]
    local rows = line:match('"rows":(.*)}$')
    assert.truthy(rows:find('^%[{"customer_id":%d+,"n":%d+,"any":true,"third":[%d.]+,"x":null},{'), rows)
    assert.equal(2, #json.decode(rows))
  end)

  it("rows is the answer with stand-ins, unless rows may be shown as they are", function()
    local names = { question = "Who bought something?", sql = "SELECT DISTINCT c.name, c.country, upper(c.name) AS loud, c.customer_id "
      .. "FROM customer c JOIN purchase p USING (customer_id) WHERE c.customer_id < 3 ORDER BY c.customer_id" }
    assert.equal(0, (run("defaults: {dataset_fields: [rows]}\n", { { pairs = { names } } })))
    local rows = shop.dataset(dir)[1].rows
    assert.equal(2, #rows)
    for i, row in ipairs(rows) do
      assert.equal(i, row.customer_id) -- a key
      assert.equal(i == 1 and "Canada" or "Norway", row.country) -- one of four that come again
      assert.truthy(row.name:find("^%u%l+ %d$") and not row.name:find("Customer", 1, true), row.name)
      assert.falsy(row.loud:find("CUSTOMER", 1, true), row.loud)
    end
  end)

  it("names the nearest field", function()
    local code, _, err = run("defaults: {dataset_fields: [row]}\n", { { pairs = { SUMS } } })
    assert.equal(3, code)
    assert.truthy(err:find('dataset_fields: there is no field "row" (did you mean "rows"?)', 1, true), err)
  end)
end)
