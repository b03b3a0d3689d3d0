-- What a run leaves in logs/: its messages, the reviews, and what each worker said and heard.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local BROKEN = { question = "Which land?", sql = "SELECT c.land FROM customer c JOIN purchase p USING (customer_id)" }

describe("logs/", function()
  local dir, url, endpoint

  before_each(function()
    dir, url = support.temp_dir(), shop.url()
    endpoint = support.endpoint { "--script", support.write_json_lines(dir .. "/rules.jsonl", {
      shop.sets { "customer", "purchase" },
      { match = "and failed", content = '{"score": 0.25, "reason": "hopeless", "fixed_sql": null}' },
      { pairs = { shop.BY_COUNTRY, BROKEN } },
    }) }
  end)

  after_each(function()
    endpoint.stop()
    os.execute("rm -rf " .. dir)
  end)

  local function run(...)
    return support.nlsql(dir, { "run", "joins", "--count", "2", "--set", "total_table_pairs=1", "--set", "max_attempts=1", ... },
      { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url, OPENAI_API_KEY = "sk-test-0123456789" })
  end

  --- The one file whose name matches: its path.
  local function only(pattern)
    local list, found = assert(io.popen("ls " .. dir .. "/logs")), {}
    for name in list:lines() do
      if name:find(pattern) then found[#found + 1] = name end
    end
    list:close()
    assert.equal(1, #found, pattern .. ": " .. table.concat(found, " "))
    return dir .. "/logs/" .. found[1]
  end

  it("run-TIME.log has the messages and the prompts, schemas as names, no key", function()
    run("--quiet")
    local log = support.read(only("^run%-%d+T%d+Z%-%d+%.log$"))
    assert.truthy(log:find("joins: join_set: user: Here is the schema", 1, true), log)
    assert.truthy(log:find("[schema of customer, purchase]", 1, true), log)
    assert.falsy(log:find('{"tables":{"customer"', 1, true))
    assert.truthy(log:find(shop.BY_COUNTRY.question, 1, true))
    assert.falsy(log:find("sk-test-0123456789", 1, true))
    assert.falsy(io.open(dir .. "/logs/joins-worker-1.jsonl"))
  end)

  it("critic-DATE.jsonl has a line for each review: question, candidate, verdict, score, reason", function()
    run()
    local lines = support.lines(only("^critic%-%d%d%d%d%-%d%d%-%d%d%.jsonl$"))
    assert.equal(1, #lines)
    local review = json.decode(lines[1])
    assert.equal(BROKEN.question, review.question)
    assert.equal(BROKEN.sql, review.candidate)
    assert.equal("grounded", review.verdict)
    assert.equal(0.25, review.score)
    assert.equal("hopeless", review.reason)
    assert.truthy(review.why:find('column "land" does not exist', 1, true))
  end)

  it("one chat log for each worker where that is wanted", function()
    run("--set", "enable_worker_chat_log=true")
    local lines = support.lines(only("^joins%-worker%-1%-%d+T%d+Z%.jsonl$"))
    assert.equal(2, #lines) -- the pairs, and the review
    local first = json.decode(lines[1])
    assert.equal("customer+purchase", first.item)
    assert.truthy(first.messages[2].content:find("[schema of customer, purchase]", 1, true))
    assert.truthy(first.reply:find(shop.BY_COUNTRY.question, 1, true))
  end)

  it("cannot be written: the run goes on, and says so once", function()
    support.write(dir .. "/logs", "in the way")
    local code, out, err = run()
    assert.equal(7, code, err)
    assert.truthy(out:find("1 of 2 pairs", 1, true), out)
    local _, times = err:gsub("logs", "")
    assert.truthy(times >= 1 and times <= 2, err)
  end)
end)
