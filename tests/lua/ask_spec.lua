-- nlsql ask: a real PostgreSQL, a real endpoint, the real program.
local json = require "nlsql.json"
local nearby = require "nlsql.nearby"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

describe("nlsql ask", function()
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

  local function ask(rules, ...)
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script",
      support.write_json_lines(dir .. "/rules.jsonl", rules) }
    return support.nlsql(dir, { "ask", "How many purchases has each country?", ... },
      { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url })
  end

  local function reply(sql) return { content = json.encode { question = "something else", sql = sql } } end

  it("prints the query, what each gate says, and the rows", function()
    local code, out, err = ask({ reply(shop.BY_COUNTRY.sql) })
    assert.equal(0, code, err)
    assert.truthy(out:find("SELECT", 1, true), out)
    assert.truthy(out:find("gates: read passed, private passed, parse passed, safe passed, grounded passed, explain passed, execute passed",
      1, true), out)
    assert.truthy(out:find("\ncountry%s+| "), out)
    assert.truthy(out:find("\n%-+%+%-+\n"), out)
    assert.truthy(out:find("%(%d+ rows%)\n"), out)
  end)

  it("gives numbers as numbers with --json, and the question that was asked", function()
    local code, out, err = ask({ reply("SELECT count(*) AS n, true AS yes, NULL::text AS nothing, 'a' AS word FROM purchase") },
      "--json")
    assert.equal(0, code, err)
    local answer = json.decode(out)
    assert.equal("How many purchases has each country?", answer.question)
    assert.same({ "n", "yes", "nothing", "word" }, { table.unpack(answer.columns) })
    assert.equal("integer", math.type(answer.rows[1][1]))
    assert.same({ true, json.null, "a" }, { table.unpack(answer.rows[1], 2) })
    assert.same({ gate = "read", state = "passed" }, answer.gates[1])
  end)

  it("takes no rows for an answer", function()
    local code, out = ask({ reply("SELECT name FROM customer WHERE name = 'nobody'") })
    assert.equal(0, code)
    assert.truthy(out:find("(0 rows)", 1, true), out)
  end)

  it("has the critic mend what fails, and says from what", function()
    local code, out, err = ask({
      { match = "and failed", content = json.encode { score = 0.2, reason = "column", fixed_sql = "SELECT count(*) FROM purchase" } },
      reply("SELECT count(purchase_nr) FROM purchase"),
    })
    assert.equal(0, code, err)
    assert.truthy(out:find("repaired from: SELECT count(purchase_nr)", 1, true), out)
  end)

  it("ends with 7 and the gate's reason where nothing mends it; no row is shown", function()
    local code, out = ask({
      { match = "and failed", content = json.encode { score = 0, reason = "no", fixed_sql = json.null } },
      reply("DELETE FROM purchase"),
    })
    assert.equal(7, code)
    assert.truthy(out:find("safe FAILED, grounded not reached", 1, true), out)
    assert.truthy(out:find("\nsafe: writes: DELETE", 1, true), out)
    assert.falsy(out:find("rows)", 1, true))
  end)

  it("asks again, and then gives up, where replies hold no query", function()
    local code, _, err = ask({ { content = "I would rather not." } })
    assert.equal(5, code)
    assert.truthy(err:find("there is no query in 3 replies; the last: I would rather not.", 1, true), err)
    assert.equal(3, endpoint.stop().requests)
    endpoint = nil
  end)

  it("pays for the same question once", function()
    local rules = { reply("SELECT count(*) FROM purchase") }
    assert.equal(0, (ask(rules)))
    endpoint.stop()
    local code, _, err = ask { { status = 500, body = "must not be asked" } }
    assert.equal(0, code, err)
    assert.equal(0, endpoint.stop().requests)
    endpoint = nil
  end)

  it("is refused by the grammar, and without a question", function()
    local code, _, err = support.nlsql(dir, { "ask", "How many?", "--provider", "offline" }, { DATABASE_URL = url })
    assert.equal(5, code)
    assert.truthy(err:find("the offline grammar reads no question", 1, true), err)
    code, _, err = support.nlsql(dir, { "ask" }, { DATABASE_URL = url })
    assert.equal(2, code)
    assert.truthy(err:find("which question?", 1, true), err)
  end)
end)

describe("nearby.tables", function()
  local catalog = require "nlsql.catalog"
  local pg = require "nlsql.pg"
  local db, schema

  setup(function()
    db = assert(pg.open(support.demo(), { sessions = 1 }))
    schema = assert(catalog.load(db, {}))
  end)
  teardown(function() db:close() end)

  it("is nil where the whole schema fits", function()
    assert.is_nil(nearby.tables({ schema = schema, settings = { schema_tokens = 100000 } }, "How many stores?"))
  end)

  it("begins with what the question names, and what keys connect it with", function()
    local refs = nearby.tables({ schema = schema, settings = { schema_tokens = 1500 } }, "Which stores are in which countries?")
    local place = {}
    for i, ref in ipairs(refs) do place[ref] = i end
    assert.truthy(place.store and place.country)
    for ref, i in pairs(place) do
      -- what keys connect those two with, and then what shares nothing but a word
      if ref == "wish_list_item" then assert.truthy(i > place.store and i > place.country) end
    end
    assert.truthy(#refs < #schema:names())
  end)
end)
