-- nlsql try, run --dry-run and new phase: a real PostgreSQL, a real endpoint, the real program.
local diff = require "nlsql.diff"
local json = require "nlsql.json"
local proc = require "nlsql.proc"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local BROKEN = { question = "Which nme?", sql = "SELECT c.nme FROM customer c JOIN purchase p USING (customer_id)" }
local HOPELESS = { match = "and failed", content = json.encode { score = 0, reason = "no", fixed_sql = json.null } }

local dir, url, endpoint

local function setup_each()
  dir = support.temp_dir()
  url = shop.url()
end

local function teardown_each()
  if endpoint then endpoint.stop() end
  endpoint = nil
  os.execute("rm -rf " .. dir)
end

local function serve(rules)
  if endpoint then endpoint.stop() end
  endpoint = support.endpoint { "--log", dir .. "/requests", "--script",
    support.write_json_lines(dir .. "/rules.jsonl", rules) }
end

local function nlsql(...)
  return support.nlsql(dir, { ... }, { DATABASE_URL = url, OPENAI_BASE_URL = endpoint and endpoint.url })
end

describe("nlsql try", function()
  before_each(setup_each)
  after_each(teardown_each)

  local SETS = shop.sets({ "customer", "purchase" }, { "purchase", "purchase_line", "product" })

  it("shows the prompt, the reply, and what every gate says of each candidate, with the plan", function()
    serve { SETS, HOPELESS, { pairs = { shop.BY_COUNTRY, BROKEN } } }
    local code, out, err = nlsql("try", "joins", "--count", "2")
    assert.equal(0, code, err)
    assert.truthy(out:find("item: customer+purchase\n", 1, true), out)
    assert.truthy(out:find("### user:\nTables of a PostgreSQL database:", 1, true), out)
    assert.truthy(out:find("1. Q: " .. shop.BY_COUNTRY.question, 1, true), out)
    assert.truthy(out:find("read ✓  private ✓  parse ✓  safe ✓  grounded ✓  explain ✓  execute ✓  answer ✓  accept ✓  unique ✓", 1, true), out)
    assert.truthy(out:find("Seq Scan on customer (cost ", 1, true), out)
    assert.truthy(out:find("grounded ✗  explain ·  execute ·  answer ·  accept ·  unique ·", 1, true), out)
    assert.truthy(out:find('grounded: column "nme" does not exist', 1, true), out)
    assert.truthy(out:find("passed every gate%s+1\n"), out)
    assert.truthy(out:find("fell at grounded%s+1\n"), out)
    assert.falsy(io.open(dir .. "/generated_datasets/joins/dataset.jsonl"))
  end)

  it("tries the item that is asked for, by number or table; 7 where nothing passes", function()
    serve { SETS, HOPELESS, { pairs = { BROKEN } } }
    local code, out = nlsql("try", "joins", "--item", "2", "--count", "1")
    assert.equal(7, code)
    assert.truthy(out:find("item: purchase+purchase_line+product\n", 1, true), out)
    code, out = nlsql("try", "joins", "--table", "product", "--count", "1")
    assert.equal(7, code)
    assert.truthy(out:find("item: purchase+purchase_line+product\n", 1, true), out)
  end)

  local wrong = {
    { "no phase", {}, 2, "which phase?" },
    { "a phase that does not exist", { "jions" }, 3, 'there is no phase "jions" (did you mean "joins"?)' },
    { "an item beyond the plan", { "joins", "--item", "99", "--set", "total_table_pairs=2" }, 2,
      "the plan has no item 99 (it has 2)" },
    { "a table that does not exist", { "joins", "--table", "custmer" }, 2, "did you mean customer?" },
  }
  for _, case in ipairs(wrong) do
    it("says what is wrong with " .. case[1], function()
      serve { SETS, { pairs = { shop.BY_COUNTRY } } }
      local code, _, err = nlsql("try", table.unpack(case[2]))
      assert.equal(case[3], code, err)
      assert.truthy(err:find(case[4], 1, true), err)
    end)
  end

  it("pays once for the same prompt; --fresh asks again; --n asks for that many", function()
    serve { SETS, { pairs = { shop.BY_COUNTRY } } }
    nlsql("try", "joins", "--count", "1")
    local code, out = nlsql("try", "joins", "--count", "1")
    assert.equal(0, code)
    assert.truthy(out:find("(recorded; --fresh asks again)", 1, true), out)
    assert.equal(2, endpoint.stop().requests)
    endpoint = nil
    serve { SETS, { pairs = { shop.BY_COUNTRY } } }
    assert.equal(0, (nlsql("try", "joins", "--count", "1", "--fresh", "--n", "3")))
    assert.equal(4, endpoint.stop().requests)
    endpoint = nil
  end)

  it("puts two models side by side", function()
    serve { SETS, HOPELESS, { match = '"model":"small"', pairs = { BROKEN } }, { pairs = { shop.BY_COUNTRY } } }
    local code, out, err = nlsql("try", "joins", "--count", "1", "--model", "large", "--model", "small")
    assert.equal(0, code, err)
    assert.truthy(out:find("\n%s+large%s+small\n"), out)
    assert.truthy(out:find("passed every gate%s+1%s+0\n"), out)
    assert.truthy(out:find("fell at grounded%s+0%s+1\n"), out)
  end)

  it("shows an edited prompt's difference at once under --watch, and judges a recorded reply anew", function()
    local single = { question = "How many customers?", sql = "SELECT count(customer_id) FROM customer" }
    serve { HOPELESS, { pairs = { single } } }
    assert.equal(0, (nlsql("new", "phase", "mine")))
    local program = assert(proc.start {
      argv = { "sh", "-c", "cd " .. dir .. " && exec " .. support.build() .. "/nlsql try phases/mine.lua --watch --table customer" },
      env = { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url }, stdout = "pipe",
    })
    local seen = {}
    local function until_line(pattern)
      while true do
        local line = program:read_line(10)
        assert(line, ("no line matches %q in:\n%s"):format(pattern, table.concat(seen, "\n")))
        seen[#seen + 1] = line
        if line:find(pattern) then return line end
      end
    end
    until_line("^seconds")
    local prompt = support.read(dir .. "/prompts/mine.txt")
    support.write(dir .. "/prompts/mine.txt", (prompt:gsub("in plain English", "in plain Spanish")))
    until_line("^=== .*mine%.txt")
    until_line("^prompt: changed")
    until_line("^%-.*plain English")
    until_line("^%+.*plain Spanish")
    until_line("^seconds")
    local phase = support.read(dir .. "/phases/mine.lua")
    support.write(dir .. "/phases/mine.lua", (phase:gsub('if #candidate.facts.columns > 0 then return true end', "")))
    until_line("^=== .*mine%.lua")
    until_line("^prompt: unchanged")
    until_line("recorded; %-%-fresh asks again")
    until_line("accept ✗")
    until_line("^seconds")
    support.write(dir .. "/phases/mine.lua", "return {")
    until_line("^=== .*mine%.lua")
    support.write(dir .. "/phases/mine.lua", phase)
    until_line("accept ✓")
    program:kill("INT")
    assert.equal(0, program:wait(10))
  end)
end)

describe("nlsql run --dry-run", function()
  before_each(setup_each)
  after_each(teardown_each)

  it("forecasts items, prompts, tokens and cost, and calls nothing", function()
    serve { { status = 500, body = "must not be asked" } }
    support.write(dir .. "/config.yaml", "loopback_is_free: false\nprices:\n  gpt-4.1: {input: 2, output: 8}\n")
    local code, out, err = nlsql("run", "joins", "--dry-run", "--count", "10", "--set", "total_table_pairs=2", "--budget", "0.001")
    assert.equal(0, code, err)
    assert.truthy(out:find("joins: 2 items, 20 pairs wanted", 1, true), out)
    assert.truthy(out:find("The first request of item ", 1, true), out)
    assert.truthy(out:find("Tables of a PostgreSQL database:", 1, true), out)
    local low, high = out:match("Cost:%s+%$([%d.]+) to %$([%d.]+) with gpt%-4%.1")
    assert.truthy(tonumber(low) and tonumber(high) and tonumber(low) < tonumber(high), out)
    assert.truthy(out:find("more than the budget of $0.00 at either end", 1, true), out)
    assert.equal(0, endpoint.stop().requests)
    endpoint = nil
    assert.falsy(io.open(dir .. "/generated_datasets/nlsql.db"))
  end)

  it("counts reviews where a score is wanted", function()
    serve {}
    support.write(dir .. "/config.yaml", "critic: {min_score: 0.5}\n")
    local _, out = nlsql("run", "joins", "--dry-run", "--count", "10", "--set", "total_table_pairs=2")
    assert.truthy(out:find("20 reviews of what passed", 1, true), out)
  end)
end)

describe("nlsql new phase", function()
  before_each(setup_each)
  after_each(teardown_each)

  it("writes a phase that runs, and overwrites nothing", function()
    assert.equal(0, (nlsql("new", "phase", "orders")))
    local code, out, err = support.nlsql(dir, { "run", "phases/orders.lua", "--count", "2", "--provider", "offline" },
      { DATABASE_URL = url })
    assert.equal(0, code, out .. err)
    local before = support.read(dir .. "/phases/orders.lua")
    code, out, err = nlsql("new", "phase", "orders")
    assert.equal("", out)
    assert.equal(3, code)
    assert.truthy(err:find("phases/orders.lua is there already", 1, true), err)
    assert.equal(before, support.read(dir .. "/phases/orders.lua"))
    code, out, err = nlsql("new", "phase", "my/phase")
    assert.equal("", out)
    assert.equal(2, code)
    assert.truthy(err:find("cannot be the name of a phase", 1, true), err)
  end)
end)

describe("diff.lines", function()
  local cases = {
    { "nothing", "a\nb", "a\nb", {} },
    { "a line that changed", "a\nb\nc", "a\nx\nc", { " a", "-b", "+x", " c" } },
    { "a line that came at the end", "a", "a\nb", { " a", "+b" } },
    { "what is far away", "1\n2\n3\n4\n5\n6\n7\n8\n9", "1\nx\n3\n4\n5\n6\n7\n8\ny",
      { " 1", "-2", "+x", " 3", " 4", "…", " 7", " 8", "-9", "+y" } },
    { "lines that moved", "a\nb\nc", "b\nc\na", { "-a", " b", " c", "+a" } },
  }
  for _, case in ipairs(cases) do
    it("tells " .. case[1], function() assert.same(case[4], diff.lines(case[2], case[3])) end)
  end
end)
