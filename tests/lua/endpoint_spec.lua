-- The model client against an endpoint that misbehaves: each fault in a run of the real program.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local SETS = shop.sets { "customer", "purchase" }
local GOOD = { pairs = { shop.BY_COUNTRY } }

describe("an endpoint", function()
  local dir, endpoint

  before_each(function() dir = support.temp_dir() end)

  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  --- Runs joins for one pair against an endpoint with these rules and options.
  local function run(rules, options, extra)
    local arguments = { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", rules) }
    for _, word in ipairs(options or {}) do arguments[#arguments + 1] = word end
    endpoint = support.endpoint(arguments)
    local words = { "run", "phases/joins.lua", "--count", "1", "--set", "total_table_pairs=1" }
    for _, word in ipairs(extra or {}) do words[#words + 1] = word end
    return support.nlsql(dir, words, { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })
  end

  local function requests()
    local list = {}
    for i, line in ipairs(support.lines(dir .. "/requests")) do list[i] = json.decode(line) end
    return list
  end

  local recovered = {
    { "429 with Retry-After", { { times = 1, status = 429, headers = { ["Retry-After"] = "1" }, body = "slow down" } } },
    { "429 without it", { { times = 1, status = 429, body = "{}" } } },
    { "503", { { times = 1, status = 503, body = "<html>busy</html>" } } },
    { "a reset before the reply", { { times = 1, fault = "reset_before" } } },
    { "a reset amid the reply", { { times = 1, fault = "reset_mid", content = "x" } } },
    { "garbage", { { times = 1, fault = "garbage" } } },
    { "an empty body", { { times = 1, fault = "empty" } } },
    { "a 200 with an error body", { { times = 1, status = 200, body = '{"error": {"message": "overloaded"}}' } } },
  }
  for _, case in ipairs(recovered) do
    it("that answers once with " .. case[1] .. " is asked again", function()
      local rules = { SETS }
      for _, rule in ipairs(case[2]) do rules[#rules + 1] = rule end
      rules[#rules + 1] = GOOD
      local code, out, err = run(rules)
      assert.equal(0, code, out .. err)
      assert.equal(1, #shop.dataset(dir))
      assert.truthy(out:find("1 retries", 1, true), out)
    end)
  end

  local spent = {
    { "a refusal", { status = 200, body = json.encode { choices = { { index = 0, finish_reason = "stop",
      message = { role = "assistant", content = json.null, refusal = "I cannot help with that" } } } } }, "refusal 1" },
    { "the content filter", { content = "", finish_reason = "content_filter" }, "content_filter 1" },
    { "no choices", { status = 200, body = '{"choices": []}' }, "no_choices 1" },
    { "nothing but thoughts", { content = "<think>hm" }, nil },
  }
  for _, case in ipairs(spent) do
    it("that answers with " .. case[1] .. " has spent a turn, and is asked once more", function()
      case[2].times = 1
      local code, out, err = run { SETS, case[2], GOOD }
      assert.equal(0, code, out .. err)
      assert.truthy(out:find("  read%s+1\n"), out)
      if case[3] then assert.truthy(out:find(case[3], 1, true), out) end
    end)
  end

  it("whose reply was cut by the output limit has its whole pairs taken", function()
    local text = json.encode(shop.BY_COUNTRY) .. '\n{"question": "half of o'
    local code, out = run { SETS, { content = text, finish_reason = "length" } }
    assert.equal(0, code, out)
    assert.truthy(out:find("length 1", 1, true), out)
  end)

  it("whose stream breaks has its whole pairs taken", function()
    local text = json.encode(shop.BY_COUNTRY) .. "\n" .. ("x"):rep(4000)
    local code, out, err = run { SETS, { content = text, stream_break_after = 12 } }
    assert.equal(0, code, out .. err)
    assert.equal(1, #shop.dataset(dir))
  end)

  it("whose stream lost an event in the middle is not taken for whole", function()
    local function event(content) return 'data: {"choices":[{"index":0,"delta":{"content":' .. json.encode(content) .. "}}]}\n\n" end
    local whole = json.encode(shop.BY_COUNTRY)
    local body = event(whole:sub(1, 40)) .. "data: garbled\n\n" .. event(whole:sub(60)) .. "data: [DONE]\n\n"
    local code, out, err = run { SETS, { times = 1, status = 200, body = body }, GOOD }
    assert.equal(0, code, out .. err)
    assert.truthy(out:find("broken 1", 1, true), out)
  end)

  it("that knows no json_schema is asked for less, and only once", function()
    local code, _, err = run({ SETS, GOOD }, { "--no-json-schema", "--no-json-object" })
    assert.equal(0, code, err)
    local formats = {}
    for i, request in ipairs(requests()) do
      local format = json.decode(request.body).response_format
      formats[i] = format and format.type or "plain"
    end
    assert.same({ "json_schema", "json_object", "plain", "plain" }, formats)
  end)

  it("that knows the output limit by the other name is given that", function()
    assert.equal(0, (run({ SETS, GOOD }, { "--max-completion-tokens-only" })))
    assert.equal(3, #requests())
  end)

  it("that ignores stream is understood", function()
    assert.equal(0, (run({ SETS, GOOD }, { "--ignore-stream" })))
  end)

  it("is not asked again where the model is unknown", function()
    local code, _, err = run { { status = 404, body = '{"error": {"message": "The model gpt-9 does not exist"}}' } }
    assert.equal(5, code)
    assert.truthy(err:find("The model gpt-9 does not exist", 1, true), err)
    assert.equal(1, #requests())
  end)

  it("that only fails ends the run, with nothing lost", function()
    local code, _, err = run({ SETS, { status = 500, body = "no" } }, nil, { "--set", "retries=1", "--set", "retry_base=0.01",
      "--set", "total_table_pairs=3" })
    assert.truthy(code == 5 or code == 1, tostring(code))
    assert.truthy(err:find("HTTP 500", 1, true), err)
  end)
end)

describe("a run", function()
  local dir

  before_each(function() dir = support.temp_dir() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function start(url, endpoint, extra)
    local words = { "env", "DATABASE_URL=" .. url, "OPENAI_BASE_URL=" .. endpoint.url, support.build() .. "/nlsql", "run",
      "phases/joins.lua", "--count", "60", "--set", "total_table_pairs=1", "--set", "max_attempts=40" }
    for _, word in ipairs(extra or {}) do words[#words + 1] = word end
    return assert(require "nlsql.proc".start { argv = words, cwd = dir, stdout = dir .. "/out", stderr = dir .. "/err" })
  end

  local function slow_endpoint()
    support.write(dir .. "/config.yaml", "gates: {literal_variants: 0}\n")
    return support.endpoint { "--pairs", support.write_json_lines(dir .. "/pairs.jsonl", shop.many(60)), "--per-reply", "5",
      "--delay-ms", "60", "--by-request", "--script", support.write_json_lines(dir .. "/rules.jsonl", { SETS }) }
  end

  local function path() return dir .. "/generated_datasets/joins/dataset.jsonl" end

  it("that is interrupted keeps what it has, says how to go on, and goes on", function()
    local endpoint = slow_endpoint()
    local p = start(shop.url(), endpoint)
    require "nlsql.jobs".sleep(0.45)
    p:kill("INT")
    assert.equal(130, p:wait(20), support.read(dir .. "/err"))
    local before = support.read(path()) or ""
    assert.truthy(support.read(dir .. "/err"):find("run the same command again", 1, true))
    p = start(shop.url(), endpoint)
    p:wait(60)
    endpoint.stop()
    local after = support.read(path())
    assert.truthy(#after > #before)
    assert.equal(before, after:sub(1, #before))
  end)

  it("that is interrupted twice leaves at once, with what was committed", function()
    local endpoint = support.endpoint { "--script", support.write_json_lines(dir .. "/rules.jsonl",
      { SETS, { match = "more pairs", fault = "hang" }, GOOD }) }
    local p = start(shop.url(), endpoint)
    require "nlsql.jobs".sleep(os.getenv("NLSQL_SANITIZED") and 5 or 1)
    p:kill("INT")
    assert.is_nil((p:wait(0.5)), "the first interrupt waits for what is in flight")
    p:kill("INT")
    assert.equal(130, p:wait(3), support.read(dir .. "/err"))
    endpoint.stop()
    assert.equal(1, #shop.dataset(dir))
  end)

  it("that is killed again and again ends with the dataset of one that was not", function()
    local endpoint = slow_endpoint()
    for i = 1, 6 do
      local p = start(shop.url(), endpoint)
      require "nlsql.jobs".sleep(0.12 + 0.05 * i)
      p:kill("KILL")
      p:wait(10)
    end
    local p = start(shop.url(), endpoint)
    p:wait(60)
    local killed = support.read(path())
    -- turns that were taken are not taken again: their pairs would show as doubles
    assert.falsy(support.read(dir .. "/out"):find("unique", 1, true), support.read(dir .. "/out"))
    p = start(shop.url(), endpoint, { "--fresh" })
    p:wait(60)
    endpoint.stop()
    assert.truthy(#killed > 0)
    assert.equal(support.read(path()), killed)
  end)

  it("stops with a sentence where the disk is full, and keeps whole lines", function()
    local endpoint = slow_endpoint()
    local words = ("cd %s && ulimit -f 300 && exec env DATABASE_URL=%q OPENAI_BASE_URL=%s %s/nlsql run phases/joins.lua "
      .. "--count 60 --set total_table_pairs=1 --set max_attempts=40 >out 2>err"):format(dir, shop.url(), endpoint.url,
      support.build())
    local code = require "nlsql.proc".run { argv = { "bash", "-c", "trap '' XFSZ; " .. words } }
    endpoint.stop()
    assert.equal(1, code, support.read(dir .. "/err"))
    local text = support.read(path()) or ""
    assert.truthy(text == "" or text:sub(-1) == "\n")
  end)

  it("that a second one would disturb refuses the second", function()
    local endpoint = slow_endpoint()
    local p = start(shop.url(), endpoint)
    require "nlsql.jobs".sleep(0.4)
    local code, _, err = support.nlsql(dir, { "run", "phases/joins.lua" },
      { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })
    p:kill("KILL")
    p:wait(10)
    endpoint.stop()
    assert.equal(1, code)
    assert.truthy(err:find("nlsql.db", 1, true), err)
  end)

  it("leaves out tables that it may not read, and says so", function()
    local url = support.database("guarded", { "tests/data/shop.sql", "tests/data/guard.sql" })
    local code, out, err = support.nlsql(dir, { "schema" }, { DATABASE_URL = (url:gsub("postgres@", "reader@")) })
    assert.equal(0, code, err)
    assert.truthy(out:find("CREATE TABLE customer", 1, true))
    assert.falsy(out:find("CREATE TABLE product", 1, true))
    assert.truthy(err:find("public.product", 1, true), err)
  end)

  it("shows rows to the model as they are only where the configuration says so in plain words", function()
    local rules = { SETS, GOOD }
    for _, anonymise in ipairs { "on", "off" } do
      local endpoint = support.endpoint { "--log", dir .. "/" .. anonymise, "--script",
        support.write_json_lines(dir .. "/rules.jsonl", rules) }
      support.write(dir .. "/config.yaml", "anonymise: " .. anonymise .. "\n")
      assert.equal(0, (support.nlsql(dir, { "run", "phases/joins.lua", "--count", "1", "--set", "total_table_pairs=1", "--fresh" },
        { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })))
      endpoint.stop()
    end
    assert.falsy(support.read(dir .. "/on"):find("Customer 1", 1, true))
    assert.truthy(support.read(dir .. "/on"):find("A few of their rows", 1, true)) -- with stand-ins all the same
    assert.truthy(support.read(dir .. "/off"):find("Customer 1", 1, true))
  end)

  it("goes on past an item that eats memory or loops for ever", function()
    os.execute("mkdir -p " .. dir .. "/phases")
    support.write(dir .. "/config.yaml", "phase_memory: 64\n")
    support.write(dir .. "/phases/greedy.lua", [[
      return { name = "greedy", summary = "one bad item among good ones",
        plan = function(_, emit) for i = 1, 4 do emit { key = "item" .. i, tables = { "customer", "purchase" } } end end,
        prompt = function(_, item)
          if item.key == "item2" then local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end end
          if item.key == "item3" then while true do pcall(function() while true do end end) end end
          return "Write pairs for " .. item.key
        end }]])
    local rules = { { match = "item1", pairs = { shop.BY_COUNTRY } }, { match = "item4", pairs = { shop.BY_PRODUCT } } }
    local endpoint = support.endpoint { "--script", support.write_json_lines(dir .. "/rules.jsonl", rules) }
    local code, out, err = support.nlsql(dir, { "run", "phases/greedy.lua", "--count", "1", "--set", "max_attempts=1",
      "--parallelism", "1" }, { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })
    endpoint.stop()
    assert.equal(7, code, err)
    assert.truthy(err:find("item2: not enough memory", 1, true), err)
    assert.truthy(err:find("item3: .*without waiting for anything"), err)
    assert.truthy(out:find("2 done, 2 failed", 1, true), out)
  end)
end)
