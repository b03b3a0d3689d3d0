-- The budget against what the endpoint really bills: it counts on its own, whether a reply was read or
-- not, bills any number of tokens up to the output limit, and is asked by 500 calls at once while the
-- program is killed and its calls run into time limits.
local json = require "nlsql.json"
local money = require "nlsql.money"
local proc = require "nlsql.proc"
local shop = require "tests.lua.shop"
local store = require "nlsql.store"
local support = require "tests.lua.support"

--- One call for each item; nothing comes of them.
local PHASE = [[
return {
  name = "asker", summary = "asks", options = { items = { 100000, "items" } },
  plan = function(ctx, emit) for i = 1, ctx.opt.items do emit { key = "item " .. i, count = 1 } end end,
  run = function(ctx, item)
    local kind = item.ordinal %% 40 == 7 and "hang" or item.ordinal %% 40 == 17 and "reset" or item.ordinal %% 40 == 27 and "fail"
    local reply, message, code = ctx.llm:chat { purpose = "ask", item = item.key, messages = { { role = "user",
      content = ("%%s number %%d: %%s"):format(%s and kind or "ask", item.ordinal, ("x"):rep(item.ordinal %% 200)) } } }
    if not reply then return nil, message, code end
    return {}, { over = true }
  end,
}
]]

--- Dollars per million tokens.
local INPUT, OUTPUT = 1, 2

local CONFIG = [[
openai_model: m
loopback_is_free: false
prices: {as_of: %s, m: {input: 1, output: 2}}
max_tokens: 400
parallelism: 500
max_parallel_requests: 500
retries: 4
retry_base: 0.01
total_timeout: 4
]]

describe("the budget", function()
  local dir, endpoint

  before_each(function()
    dir = support.temp_dir()
    os.execute("mkdir -p " .. dir .. "/phases")
    support.write(dir .. "/config.yaml", CONFIG:format(os.date("%Y-%m-%d")))
  end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function serve(faults)
    support.write(dir .. "/phases/asker.lua", PHASE:format(tostring(faults)))
    local rules = faults and {
      { match = "hang number", fault = "hang", times = 20 }, { match = "reset number", fault = "reset_mid", times = 20 },
      { match = "fail number", status = 500, body = '{"error":{"message":"busy"}}', times = 20 },
    } or {}
    local arguments = { "--random-usage", "--delay-ms", "1500" }
    if faults then
      arguments[#arguments + 1] = "--script"
      arguments[#arguments + 1] = support.write_json_lines(dir .. "/rules.jsonl", rules)
    end
    endpoint = support.endpoint(arguments)
  end

  local function variables(more)
    local out = { DATABASE_URL = shop.url(), OPENAI_API_KEY = "sk-test-0123456789", OPENAI_BASE_URL = endpoint.url }
    for name, value in pairs(more or {}) do out[name] = value end
    return out
  end

  local function run(arguments, more)
    return support.nlsql(dir, { "run", "phases/asker.lua", table.unpack(arguments or {}) }, variables(more))
  end

  --- What the endpoint has billed, in dollars, and its counts.
  local function billed()
    local _, body = proc.run { argv = { "curl", "-s", endpoint.url .. "/charged" } }
    local counts = assert(json.decode(body))
    return (counts.prompt_tokens * INPUT + counts.completion_tokens * OUTPUT) / 1e6, counts
  end

  local function ledger()
    local st = assert(store.open(dir .. "/generated_datasets/nlsql.db"))
    local spent, reserved = st:ledger()
    st:close()
    return spent / 1e9, reserved / 1e9
  end

  it("is used but never passed by 500 calls at once, says when little is left, and can be made larger", function()
    serve(false)
    local code, _, err = run({ "--budget", "0.8" })
    local cost, counts = billed()
    assert.equal(6, code, err)
    assert.is_true(counts.max_in_flight >= 400, "in flight: " .. counts.max_in_flight)
    assert.is_true(cost <= 0.8 and cost >= 0.95 * 0.8, ("%f of 0.8"):format(cost))
    assert.equal(("%.9f"):format(cost), ("%.9f"):format((ledger())))
    local _, warnings = err:gsub("warn: %$0%.%d+ of the budget of %$0%.80 is spent %(8%d %%%)", "")
    assert.equal(1, warnings, err)
    assert.truthy(err:find("budget reached: %$0%.%d+ of %$0%.80 spent, the next call could cost %$0%.0%d+; go on with %-%-budget 2\n"),
      err)

    code, _, err = run({ "--budget", "0.9" })
    cost = billed()
    assert.equal(6, code, err)
    assert.is_true(cost <= 0.9 and cost >= 0.95 * 0.9, ("%f of 0.9"):format(cost))
  end)

  it("holds through kills, time limits, broken connections and refusals", function()
    serve(true)
    local budget, kills = 2, 0
    local env = {}
    for name, value in pairs(variables()) do env[#env + 1] = name .. "=" .. value end
    for i = 1, 3 do
      local p = assert(proc.start { argv = { "env", "-C", dir, table.unpack(env) , "sh", "-c",
        "exec " .. support.build() .. "/nlsql run phases/asker.lua --quiet --budget " .. budget .. " >/dev/null 2>&1" } })
      local before = select(2, billed()).requests
      local deadline = os.time() + 20
      while select(2, billed()).requests < before + 250 * i and os.time() < deadline do proc.run { argv = { "sleep", "0.05" } } end
      p:kill("KILL")
      p:wait(10)
      kills = kills + 1
      local cost = billed()
      assert.is_true(cost <= budget, ("%f of %g after %d kills"):format(cost, budget, kills))
    end
    local code, _, err = run({ "--budget", tostring(budget) })
    local cost, counts = billed()
    assert.equal(6, code, err)
    assert.is_true(cost <= budget, ("%f of %g"):format(cost, budget))
    assert.is_true(counts.max_in_flight >= 400, "in flight: " .. counts.max_in_flight)
    local spent, reserved = ledger()
    assert.is_true(spent <= budget and spent >= 0.95 * budget, ("%f of %g by the ledger"):format(spent, budget))
    assert.equal(0, reserved)
    assert.is_true(cost <= spent, ("billed %f, by the ledger %f"):format(cost, spent))
    if os.getenv "SHOW" then print(("billed %.4f, ledger %.4f of %g, %d requests"):format(cost, spent, budget, counts.requests)) end
  end)
end)

describe("prices", function()
  local PRICES = { as_of = "2026-03-01",
    m = { input = 2, cached_input = 0.5, cache_write = 2.5, output = 8, as_of = "2026-03-01" }, plain = { input = 1, output = 4 } }

  local COSTS = {
    { "input and output", "m", { tokens_in = 1000, tokens_out = 100 }, 1000 * 2000 + 100 * 8000 },
    { "cached input", "m", { tokens_in = 1000, tokens_cached = 400, tokens_out = 0 }, 600 * 2000 + 400 * 500 },
    { "input that goes to the cache", "m", { tokens_in = 1000, tokens_written = 100, tokens_out = 0 }, 900 * 2000 + 100 * 2500 },
    { "both", "m", { tokens_in = 1000, tokens_cached = 800, tokens_written = 500, tokens_out = 0 }, 800 * 500 + 200 * 2500 },
    { "more cached than there was", "m", { tokens_in = 10, tokens_cached = 99, tokens_out = 0 }, 10 * 500 },
    { "no price for the cache", "plain", { tokens_in = 10, tokens_cached = 4, tokens_out = 1 }, 10 * 1000 + 4000 },
    { "the endpoint's own word", "m", { tokens_in = 1000, tokens_out = 100, cost = 0.0123 }, 12300000 },
  }
  for _, case in ipairs(COSTS) do
    it("give a call's cost: " .. case[1], function()
      assert.equal(case[4], money.cost(money.price(PRICES, case[2]), case[3]))
    end)
  end

  it("are the dearest in a reservation", function()
    assert.equal((100 + money.OVERHEAD_TOKENS) * 2500 + 50 * 8000, money.most(money.price(PRICES, "m"), 100, 50))
  end)

  it("of more than a year ago are told of", function()
    local day = os.time { year = 2027, month = 3, day = 1, hour = 12 }
    assert.is_nil(money.age(PRICES, "m", day))
    assert.truthy(money.age(PRICES, "m", day + 2 * 86400):find("the price of m is of 2026-03-01, more than a year ago", 1, true))
    assert.is_nil(money.age(PRICES, "unknown", day + 2 * 86400))
  end)

  it("give a budget to go on with", function()
    for _, case in ipairs { { 5, 10 }, { 0.8, 2 }, { 7.5, 20 }, { 50, 100 }, { 0, 0.0001 } } do
      assert.equal(("%g"):format(case[2]), ("%g"):format(money.larger(case[1])))
    end
  end)
end)

describe("usage", function()
  local openai = require "nlsql.openai"

  local CASES = {
    { "plain", { prompt_tokens = 10, completion_tokens = 5 }, { 10, 5, 0, 0 } },
    { "cached", { prompt_tokens = 10, completion_tokens = 5, prompt_tokens_details = { cached_tokens = 4 } }, { 10, 5, 4, 0 } },
    { "reasoning within", { prompt_tokens = 10, completion_tokens = 50, total_tokens = 60,
      completion_tokens_details = { reasoning_tokens = 40 } }, { 10, 50, 0, 0 } },
    { "reasoning beside", { prompt_tokens = 10, completion_tokens = 5, total_tokens = 55,
      completion_tokens_details = { reasoning_tokens = 40 } }, { 10, 45, 0, 0 } },
    { "written to the cache", { prompt_tokens = 10, completion_tokens = 5, prompt_tokens_details = { cache_write_tokens = 3 } },
      { 10, 5, 0, 3 } },
    { "… by another name", { prompt_tokens = 10, completion_tokens = 5, cache_creation_input_tokens = 3 }, { 10, 5, 0, 3 } },
    { "a cost", { prompt_tokens = 10, completion_tokens = 5, cost = 0.5 }, { 10, 5, 0, 0, 0.5 } },
    { "a cost below nothing", { prompt_tokens = 10, completion_tokens = 5, cost = -0.5 }, { 10, 5, 0, 0 } },
    { "a cost beyond all", { prompt_tokens = 10, completion_tokens = 5, cost = 1e300 }, { 10, 5, 0, 0 } },
    { "nothing usable", { prompt_tokens = -1, completion_tokens = 5 }, nil },
    { "no numbers", { prompt_tokens = "10", completion_tokens = 5 }, nil },
  }
  for _, case in ipairs(CASES) do
    it("is read: " .. case[1], function()
      local usage = openai.read({ usage = case[2], choices = { { message = { content = "x" } } } }).usage
      if not case[3] then return assert.is_nil(usage) end
      assert.same(case[3], { usage.tokens_in, usage.tokens_out, usage.tokens_cached, usage.tokens_written, usage.cost })
    end)
  end
end)
