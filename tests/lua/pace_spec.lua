-- How fast an endpoint is asked: what its headers say, concurrency that goes down and comes back, rates a
-- minute; and runs of the real program against a stand-in that counts.
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local pace = require "nlsql.pace"
local rates = require "nlsql.rates"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local WALL = 1767225600 -- 2026-01-01T00:00:00Z

describe("a header's time", function()
  local cases = {
    { "1s", 1 }, { "6m0s", 360 }, { "8.64s", 8.64 }, { "120ms", 0.12 }, { "1h2m3s", 3723 }, { "1m30.5s", 90.5 }, { "0", 0 },
    { " 30 ", 30 }, { "1d", 86400 }, { "2026-01-01T00:01:00Z", 60 }, { "2026-01-01T01:00:30.5+01:00", 30.5 },
    { "2025-12-31T19:00:10-05:00", 10 }, { "2025-12-31T23:00:00Z", 0 }, { "2028-03-01T00:00:00Z", 68256000 },
    { "", nil }, { "soon", nil }, { "5x", nil }, { "-3s", nil }, { "2026-01-01T00:00:00 CET", nil }, { nil, nil },
  }
  for _, case in ipairs(cases) do
    it(("%q is %s s"):format(tostring(case[1]), case[2]), function() assert.equal(case[2], rates.seconds(case[1], WALL)) end)
  end
end)

describe("the headers of rates", function()
  local function read(what, headers) return rates.read(function(name) return headers[name] end, what, WALL) end

  it("are read in OpenAI's form", function()
    local told = { ["x-ratelimit-limit-requests"] = "60", ["x-ratelimit-remaining-requests"] = "59",
      ["x-ratelimit-reset-requests"] = "1s", ["x-ratelimit-limit-tokens"] = "150000",
      ["x-ratelimit-remaining-tokens"] = "149984", ["x-ratelimit-reset-tokens"] = "6m0s" }
    assert.same({ limit = 60, remaining = 59, reset = 1 }, read("requests", told))
    assert.same({ limit = 150000, remaining = 149984, reset = 360 }, read("tokens", told))
  end)

  it("are read in Anthropic's", function()
    assert.same({ limit = 50, remaining = 0, reset = 20 }, read("requests", { ["anthropic-ratelimit-requests-limit"] = "50",
      ["anthropic-ratelimit-requests-remaining"] = "0", ["anthropic-ratelimit-requests-reset"] = "2026-01-01T00:00:20Z" }))
  end)

  it("are left alone where they make no sense", function()
    for _, pair in ipairs { { "-1", "-1" }, { "0", "0" }, { "many", "1" }, { "10" }, { "1e99", "1" }, { "nan", "1" } } do
      assert.is_nil(read("tokens", { ["x-ratelimit-limit-tokens"] = pair[1], ["x-ratelimit-remaining-tokens"] = pair[2] }))
    end
    assert.same({ limit = 10, remaining = 10, reset = 0 }, read("requests", { ["x-ratelimit-limit-requests"] = "10",
      ["x-ratelimit-remaining-requests"] = "99", ["x-ratelimit-reset-requests"] = "later" }))
  end)
end)

describe("a rate", function()
  it("of the configuration lets a second's worth through at once, then an even flow", function()
    local bucket = rates.even(120, 10)
    assert.equal(0, bucket:wait(1, 10))
    bucket:take(2, 10)
    assert.equal(0.5, bucket:wait(1, 10))
    assert.equal(0, bucket:wait(1, 10.5))
    assert.equal(0, bucket:wait(2, 100))
    bucket:take(2, 100)
    assert.equal(0.5, bucket:wait(1, 100), "it holds no more than its room")
  end)

  it("lets one large call through when it is full, and makes the next ones pay", function()
    local bucket = rates.even(6000, 0)
    assert.equal(0, bucket:wait(1000, 0))
    bucket:take(1000, 0)
    assert.equal(9.01, bucket:wait(1, 0))
    bucket:take(-500, 0)
    assert.equal(4.01, bucket:wait(1, 0))
  end)

  it("that a reply told fills as fast as it is said to be full again", function()
    local bucket = rates.told(nil, { limit = 60, remaining = 0, reset = 30 }, 100, 100, 0)
    assert.equal(0.5, bucket:wait(1, 100))
    assert.equal(2, bucket.per_second)
  end)

  it("that a reply told is less what was sent since, and more what came in since", function()
    local bucket = rates.told(nil, { limit = 60, remaining = 20, reset = 20 }, 100, 103, 10)
    assert.equal(20 + 3 * 2 - 10, bucket.level)
  end)
end)

describe("a pace", function()
  local function slow(one, place) one:settle(place, { slow = true, failure = "retry" }) end
  local function good(one, place) one:settle(place, {}) end
  local function enter(one)
    return assert(one:enter(100, 100))
  end

  it("is halved once for all calls that were under way, and grows by one a round", function()
    local one = pace.of("test 1", { parallelism = 16 })
    local places = {}
    for i = 1, 16 do places[i] = enter(one) end
    jobs.sleep(0.002)
    for i = 1, 16 do slow(one, places[i]) end
    assert.equal(8, one.limit)
    jobs.sleep(0.002)
    slow(one, enter(one))
    assert.equal(4, one.limit)
    for _ = 1, 4 do good(one, enter(one)) end
    assert.is_true(one.limit > 4.8 and one.limit < 5.1, "limit " .. one.limit)
    for _ = 1, 200 do good(one, enter(one)) end
    assert.equal(16, one.limit)
    assert.equal("slowed down 2 times, to 4 of 16 at once, 16 at the end", one:report())
  end)

  it("never lets more through than its limit, and each in its turn", function()
    local one, order, most = pace.of("test 2", { parallelism = 3 }), {}, 0
    local work = {}
    for i = 1, 20 do
      work[i] = function()
        local place <close> = enter(one)
        most = math.max(most, one.in_flight)
        order[#order + 1] = i
        jobs.sleep(0.001)
        good(one, place)
      end
    end
    jobs.all(work)
    assert.equal(3, most)
    assert.equal(0, one.in_flight)
    for i = 1, 20 do assert.equal(i, order[i]) end
    assert.is_nil(one:report())
  end)

  it("gets the place back of a call that is cancelled, and of one that waits for it", function()
    local one = pace.of("test 3", { parallelism = 1 })
    local function hold()
      local place <close> = enter(one) -- luacheck: ignore 211
      jobs.sleep(60)
    end
    local first, second, third = jobs.spawn(hold), jobs.spawn(hold), jobs.spawn(hold)
    jobs.sleep(0.005)
    assert.equal(1, one.in_flight)
    second:cancel()
    first:cancel()
    jobs.sleep(0.005)
    assert.equal(1, one.in_flight, "the third has its place")
    third:cancel()
    jobs.sleep(0.005)
    assert.equal(0, one.in_flight)
    good(one, enter(one))
  end)

  it("holds all calls back for as long as the endpoint asks", function()
    local one = pace.of("test 4", { parallelism = 4 })
    one:settle(enter(one), { slow = true, failure = "retry", retry_after = 0.1 })
    local before = jobs.now()
    good(one, enter(one))
    assert.is_true(jobs.now() - before >= 0.095)
    assert.truthy(one:report():find("waited 0.1 s", 1, true))
  end)

  it("is known to the next phase, and a phase that wants fewer at once does not slow the one behind it", function()
    local one = pace.of("test 5", { parallelism = 8 })
    slow(one, enter(one))
    package.loaded["nlsql.pace"] = nil -- as in a state of its own
    local next_phase = require("nlsql.pace").of("test 5", { parallelism = 10 })
    assert.equal(4, next_phase.limit)
    assert.equal(10, next_phase.cap)
    good(pace.of("test 6", { parallelism = 2 }), enter(pace.of("test 6", { parallelism = 2 })))
    package.loaded["nlsql.pace"] = nil
    assert.equal(10, require("nlsql.pace").of("test 6", { parallelism = 10 }).limit)
    package.loaded["nlsql.pace"] = pace
  end)
end)

describe("a run against an endpoint", function()
  local dir, endpoint

  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  --- Runs `n` questions, each with its own answer. Returns code, output, the endpoint's counts, when each
  --- request came (ms), errors.
  local function run(n, arguments, config, first_rules)
    local rules, questions = first_rules or {}, {}
    for i = 1, n do
      questions[i] = ("Question number %03d?"):format(i)
      rules[#rules + 1] = { match = questions[i], content = json.encode { question = questions[i],
        sql = ("SELECT name, %d AS number FROM customer"):format(i) } }
    end
    local words = { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", rules) }
    for _, word in ipairs(arguments) do words[#words + 1] = word end
    endpoint = support.endpoint(words)
    support.write(dir .. "/config.yaml", ("gates: {literal_variants: 0}\n%s\nphases:\n- {name: ours, questions: %s}\n"):format(config,
      json.encode(json.array(questions))))
    local code, out, err = support.nlsql(dir, { "run", "--fresh" }, { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })
    local counts = endpoint.stop()
    endpoint = nil
    local times = {}
    for i, line in ipairs(support.lines(dir .. "/requests")) do times[i] = json.decode(line).ms end
    os.remove(dir .. "/requests")
    return code, out, counts, times, err
  end

  it("that takes three at once finds that out, and loses nothing", function()
    if os.getenv("NLSQL_SANITIZED") then return end -- too slow to be told often
    local code, out, counts, _, err = run(120, { "--max-in-flight", "3", "--delay-ms", "15" },
      "parallelism: 64\nretry_base: 0.02")
    assert.equal(0, code, out .. err)
    assert.equal(120, #shop.dataset(dir, "ours"))
    assert.equal(120 + counts.slowed, counts.requests)
    assert.is_true(counts.slowed >= 20 and counts.slowed <= 250, "told to slow down: " .. counts.slowed)
    local cuts, lowest = out:match("slowed down (%d+) times, to (%d+) of 64 at once")
    assert.is_true(tonumber(cuts) >= 3 and tonumber(lowest) <= 8, out)
    assert.truthy(out:find(("http_429 %d"):format(counts.slowed), 1, true), out)
  end)

  it("that is overloaded for a moment is asked as before when it has recovered", function()
    local code, out, _, _, err = run(60, { "--delay-ms", "5" }, "parallelism: 8\nretry_base: 0.02",
      { { times = 8, status = 503, body = '{"error":{"message":"The server is overloaded."}}' } })
    assert.equal(0, code, out .. err)
    assert.truthy(out:find("slowed down %d times?, to [1-4] of 8 at once, 8 at the end"), out)
  end)

  for _, status in ipairs { 429, 503, 529 } do
    it(("that answers %d, whatever its words, asks to slow down"):format(status), function()
      local code, out = run(6, {}, "parallelism: 4\nretry_base: 0.02", { { times = 1, status = status, body = "{}" } })
      assert.equal(0, code, out)
      assert.truthy(out:find("slowed down 1 time, to 2 of 4 at once", 1, true), out)
    end)
  end

  it("that says in a 200 that it is overloaded asks to slow down", function()
    local code, out = run(6, {}, "parallelism: 4\nretry_base: 0.02", { { times = 1,
      body = '{"error":{"message":"Provider is overloaded","code":502}}' } })
    assert.equal(0, code, out)
    assert.truthy(out:find("slowed down 1 time", 1, true), out)
  end)

  it("that errs without asking to slow down is asked no less at once", function()
    local code, out = run(10, {}, "parallelism: 8\nretry_base: 0.02", { { times = 3, status = 500, body = "no" } })
    assert.equal(0, code, out)
    assert.falsy(out:find("slowed", 1, true), out)
  end)

  it("that says what is left of its rate is never asked beyond it", function()
    local code, out, counts, times, err = run(25, { "--rate", "600", "--burst", "5" }, "parallelism: 4")
    assert.equal(0, code, out .. err)
    assert.equal(0, counts.slowed)
    assert.is_true(times[#times] - times[1] >= 1900, "took ms: " .. times[#times] - times[1])
    assert.is_true(times[#times] - times[1] <= 4000, "took ms: " .. times[#times] - times[1])
    assert.truthy(out:find("waited %d%.%d s for the endpoint's rates"), out)
  end)

  it("gets no more requests a minute than the configuration says", function()
    local code, out, counts, times, err = run(12, {}, "parallelism: 12\nrequests_per_minute: 240")
    assert.equal(0, code, out .. err)
    assert.equal(12, counts.requests)
    local took = times[12] - times[1]
    assert.is_true(took >= 1900 and took <= 3500, "took ms: " .. took)
    for i = 1, 12 do -- a second's worth at once, and what comes in meanwhile
      local within = 0
      for k = i, 12 do within = within + (times[k] - times[i] < 1000 and 1 or 0) end
      assert.is_true(within <= 8, within .. " within a second")
    end
  end)

  it("gets no more tokens a minute than the configuration says", function()
    local code, out, counts, times, err = run(8, {}, "parallelism: 8\ntokens_per_minute: 90000\nmax_tokens: 400")
    assert.equal(0, code, out .. err)
    local seconds = (times[#times] - times[1]) / 1000
    local tokens = counts.prompt_tokens + counts.completion_tokens
    assert.is_true(tokens <= 1500 * seconds + 1500 + tokens / 8, ("%d tokens in %.2f s"):format(tokens, seconds))
    assert.is_true(seconds <= 2 * tokens / 1500 + 1, ("%d tokens in %.2f s"):format(tokens, seconds))
  end)

  it("that names milliseconds is waited for by all, no longer than that", function()
    local code, out, _, times, err = run(6, {}, "parallelism: 2\nretry_base: 0",
      { { times = 1, status = 429, headers = { ["retry-after-ms"] = "400", ["Retry-After"] = "30" }, body = "{}" } })
    assert.equal(0, code, out .. err)
    table.sort(times)
    local gap = times[3] - times[1] -- the second was on its way when the first was told to wait
    assert.is_true(gap >= 390 and gap < 3000, "gap " .. gap)
  end)

  it("writes the same dataset however slow it is", function()
    local function written() return support.read(dir .. "/generated_datasets/ours/dataset.jsonl") end
    assert.equal(0, (run(20, {}, "parallelism: 10")))
    local fast = written()
    assert.equal(0, (run(20, { "--max-in-flight", "2", "--delay-ms", "5" }, "parallelism: 10\nretry_base: 0.02\nretries: 10")))
    assert.equal(fast, written())
    assert.equal(20, #support.lines(dir .. "/generated_datasets/ours/dataset.jsonl"))
  end)

  it("that asks to wait long leaves at once when the user wants to", function()
    local words = { "--script", support.write_json_lines(dir .. "/rules.jsonl",
      { { status = 429, headers = { ["Retry-After"] = "500" }, body = "{}" } }) }
    endpoint = support.endpoint(words)
    support.write(dir .. "/config.yaml", "phases:\n- {name: ours, questions: [One?, Two?]}\n")
    local p = assert(require "nlsql.proc".start { argv = { "env", "DATABASE_URL=" .. shop.url(), "OPENAI_BASE_URL=" .. endpoint.url,
      support.build() .. "/nlsql", "run" }, cwd = dir, stdout = dir .. "/out", stderr = dir .. "/err" })
    jobs.sleep(0.5)
    p:kill("INT")
    assert.equal(130, p:wait(3), support.read(dir .. "/err"))
  end)
end)
