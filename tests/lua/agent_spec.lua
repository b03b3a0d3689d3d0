-- The loop in which a model calls tools, with the real client against a fake endpoint: what the model gets wrong is told to it,
-- what leads nowhere ends with a reason.
local agent = require "nlsql.agent"
local catalog = require "nlsql.catalog"
local jobs = require "nlsql.job"
local json = require "nlsql.json"
local llm = require "nlsql.llm"
local money = require "nlsql.money"
local openai = require "nlsql.openai"
local pg = require "nlsql.pg"
local settings = require "nlsql.settings"
local shop = require "tests.lua.shop"
local store = require "nlsql.store"
local support = require "tests.lua.support"
local tools = require "nlsql.tools"

local TASK = { { role = "user", content = "Do it." } }

describe("an agent", function()
  local dir, endpoint, st, run, called

  before_each(function() dir, called = support.temp_dir(), {} end)

  after_each(function()
    if run then run:close() end
    if st then st:close() end
    if endpoint then endpoint.stop() end
    endpoint, st, run = nil, nil, nil
    os.execute("rm -rf " .. dir)
  end)

  local function open_run()
    st = assert(store.open(dir .. "/nlsql.db"))
    run = assert(st:run { phase = "agent", fingerprint = "f", dataset = dir .. "/dataset.jsonl" })
  end

  --- A context whose model is an endpoint with these rules.
  local function open(rules, options)
    local arguments = { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", rules) }
    for _, word in ipairs(options or {}) do arguments[#arguments + 1] = word end
    endpoint = support.endpoint(arguments)
    open_run()
    local told = settings.built_in()
    told.base_url, told.retries, told.retry_base = endpoint.url, 1, 0.01
    return { llm = llm.open(told, st, run, money.FREE, {}) }
  end

  local function requests()
    local list = {}
    for i, line in ipairs(support.lines(dir .. "/requests")) do list[i] = json.decode(json.decode(line).body) end
    return list
  end

  local LOOK = {
    name = "look", description = "Looks.",
    parameters = { type = "object", required = { "what" },
      properties = { what = { type = "string" }, n = { type = "integer", minimum = 1, maximum = 9 } } },
    call = function(arguments)
      called[#called + 1] = arguments
      return { seen = arguments.what }
    end,
  }
  local WAIT = { name = "wait", description = "Waits.", parameters = { type = "object" }, call = function() return "waited" end }

  local function go(ctx, fields)
    local o = { task = TASK, tools = { LOOK, WAIT } }
    for name, value in pairs(fields or {}) do o[name] = value end
    return agent.run(ctx, { key = "item" }, o)
  end

  local function calls(...) return { tool_calls = { ... } } end
  local function call(name, arguments, id) return { name = name, arguments = arguments, id = id } end
  local function last_result()
    local list = requests()
    local messages = list[#list].messages
    return messages[#messages]
  end

  local ANSWER = { content = "done" }

  for _, stream in ipairs { "--ignore-stream", "--cycle" } do -- whole; and, as asked, streamed
    it("calls what it is told to, each with its arguments, and gives the answer, " .. stream, function()
      local ctx = open({
        { match = '"tool_call_id":"c2"', content = "done" },
        calls(call("look", '{"what": "a", "n": 3.0}', "c1"), call("wait", "", "c2")),
      }, { stream })
      local result = assert(go(ctx))
      assert.same({ content = "done", rounds = 2, calls = 2 }, result)
      assert.same({ { what = "a", n = 3 } }, called)
      local list = requests()
      assert.equal("look", list[1].tools[1]["function"].name)
      assert.same({ "what" }, list[1].tools[1]["function"].parameters.required)
      assert.is_nil(list[1].response_format)
      local said = list[2].messages
      assert.same({ "user", "assistant", "tool", "tool" }, { said[1].role, said[2].role, said[3].role, said[4].role })
      assert.same({ id = "c1", type = "function", ["function"] = { name = "look", arguments = '{"what": "a", "n": 3.0}' } },
        said[2].tool_calls[1])
      assert.same({ "c1", '{"seen":"a"}' }, { said[3].tool_call_id, said[3].content })
      assert.same({ "c2", "waited" }, { said[4].tool_call_id, said[4].content })
    end)
  end

  local wrong = {
    { "a tool that there is not", call("lok", '{"what":"a"}'), 'There is no tool "lok" (did you mean "look"?). There are: look, wait.' },
    { "broken JSON", call("look", '{"what": "a'), "The arguments are no JSON object (line 1, column" },
    { "no object", call("look", '["a"]'), 'found ["a"]' },
    { "nothing where something is needed", call("look", ""), "what is missing. look takes n (a whole number, may be left out), what (text)" },
    { "a missing argument", call("look", '{"n": 1}'), "what is missing" },
    { "null for an argument", call("look", '{"what": null}'), "what is missing" },
    { "a wrong type", call("look", '{"what": 7}'), "what: expected text, found 7" },
    { "half a number", call("look", '{"what": "a", "n": 1.5}'), "n: expected a whole number, found 1.5" },
    { "a number out of range", call("look", '{"what": "a", "n": 10}'), "n: expected a whole number from 1 to 9, found 10" },
    { "blanks", call("look", '{"what": "  "}'), "what: expected some text, found none" },
  }
  for _, case in ipairs(wrong) do
    it("is told what is wrong with " .. case[1] .. ", and goes on", function()
      local ctx = open { { match = '"role":"tool"', content = "done" }, calls(case[2]) }
      assert.equal("done", assert(go(ctx)).content)
      local told = last_result().content
      assert.truthy(told:find("^error: "), told)
      assert.truthy(told:find(case[3], 1, true), told)
      assert.same({}, called)
    end)
  end

  it("may leave out what is optional, and name what nobody knows", function()
    local ctx = open { { match = '"role":"tool"', content = "done" }, calls(call("look", '{"what":"a","x":[1]}')) }
    assert.equal("done", assert(go(ctx)).content)
    assert.same({ { what = "a" } }, called)
  end)

  it("is stopped after its rounds, and told before the last that it is", function()
    local rules = {}
    for i = 9, 1, -1 do
      rules[#rules + 1] = { match = ('"tool_call_id":"c%d"'):format(i), tool_calls = { call("look", ('{"what":"%d"}'):format(i + 1), "c" .. i + 1) } }
    end
    rules[#rules + 1] = calls(call("look", '{"what":"1"}', "c1"))
    local result = assert(go(open(rules), { rounds = 4 }))
    assert.same({ failure = "rounds", reason = "it called tools for 4 rounds and gave no answer", rounds = 4, calls = 3 }, result)
    assert.equal(4, #requests())
    assert.truthy(last_result().content:find("No more tools can be called", 1, true), last_result().content)
  end)

  it("is stopped where it makes the same call over and over", function()
    local result = assert(go(open { calls(call("look", '{"what":"a"}')) }, { rounds = 20 }))
    assert.equal("repeated", result.failure)
    assert.equal("it called look again and again with the same arguments", result.reason)
    assert.equal(4, result.rounds)
    assert.equal(1, #called)
    assert.truthy(last_result().content:find("You have called this before", 1, true))
  end)

  it("is answered for each call, though only some are made", function()
    local many = {}
    for i = 1, 12 do many[i] = call("look", ('{"what":"%d"}'):format(i), "c" .. i) end
    assert.equal("done", assert(go(open { { match = '"role":"tool"', content = "done" }, { tool_calls = many } })).content)
    assert.equal(8, #called)
    assert.equal("c12", last_result().tool_call_id)
    assert.truthy(last_result().content:find("not called", 1, true))
  end)

  it("ends with a reason where a tool is at fault, and without one that can go on", function()
    local ctx = open { calls(call("look", '{"what":"a"}')) }
    local broken = setmetatable({ call = function() error("oh no", 0) end }, { __index = LOOK })
    assert.same({ failure = "tool", reason = "the tool look failed: oh no", rounds = 1, calls = 1 }, (go(ctx, { tools = { broken } })))
    local lost = setmetatable({ call = function() return nil, "the database is gone", "db" end }, { __index = LOOK })
    assert.same({ [2] = "the database is gone", [3] = "db" }, { go(ctx, { tools = { lost } }) })
  end)

  local ends = {
    { "nothing", { content = "" }, "empty", "the reply is empty" },
    { "the content filter", { content = "", finish_reason = "content_filter" }, "content_filter" },
    { "a call that the output limit cut", { tool_calls = { call("look", '{"wh') }, finish_reason = "length" }, "length" },
    { "no choices", { body = '{"choices": []}' }, "no_choices" },
  }
  for _, case in ipairs(ends) do
    it("ends with a reason where the reply is " .. case[1], function()
      local result = assert(go(open { case[2] }))
      assert.is_nil(result.content)
      assert.equal(case[3], result.failure)
      assert.is_string(result.reason)
      if case[4] then assert.equal(case[4], result.reason) end
    end)
  end

  it("says that the endpoint calls no tools, having asked it once", function()
    local ctx = open({ ANSWER }, { "--no-tools" })
    assert.is_true(ctx.llm:calls_tools())
    assert.equal("no_tools", assert(go(ctx)).failure)
    assert.is_false(ctx.llm:calls_tools())
    assert.equal("no_tools", assert(go(ctx)).failure)
    assert.equal(1, #requests())
  end)

  it("finds its recorded replies again, and none of another's", function()
    local ctx = open { { match = '"role":"tool"', content = "done" }, calls(call("look", '{"what":"a"}')) }
    assert.equal("done", assert(go(ctx)).content)
    assert.equal("done", assert(go(ctx)).content)
    assert.equal(2, #requests())
    assert.equal(2, ctx.llm.counts.recalled)
    assert.equal("done", assert(go(ctx, { tools = { LOOK } })).content) -- other tools are another question
    assert.equal(4, #requests())
    local other = setmetatable({ call = function() return "nothing" end }, { __index = LOOK })
    assert.equal("done", assert(go(ctx, { tools = { other, WAIT } })).content) -- and so is another result
    assert.equal(5, #requests())
    assert.equal("done", assert(go(ctx, { sample = 2 })).content)
    assert.equal(7, #requests())
  end)

  it("tells requests apart by what was called and answered, and by the tools that are offered", function()
    local ctx = open { ANSWER }
    local function ask(id, name, arguments, answered, offered)
      return ctx.llm:chat { purpose = "agent", tools = offered, messages = { TASK[1],
        { role = "assistant", content = "", tool_calls = { { id = id, name = name, arguments = arguments } } },
        { role = "tool", tool_call_id = answered, content = "r" } } }
    end
    local tool = { name = "look", description = "Looks.", parameters = { type = "object" } }
    local kinds = { { "a", "look", "{}", "a" }, { "b", "look", "{}", "a" }, { "a", "wait", "{}", "a" }, { "a", "look", "", "a" },
      { "a", "look", "{}", "b" }, { "a", "look", "{}", "a", { tool } }, { "a", "look", "{}", "a", { tool, tool } } }
    for i, one in ipairs(kinds) do
      assert.is_nil(ask(table.unpack(one, 1, 5)).recalled, i)
      assert.is_true(ask(table.unpack(one, 1, 5)).recalled, i)
    end
    assert.equal(#kinds, #requests())
  end)

  it("cuts a result that is too long at a character, and tells none that is not text", function()
    local ctx = open { { match = '"role":"tool"', content = "done" }, calls(call("look", '{"what":"a"}')) }
    local long = setmetatable({ call = function() return "x" .. ("é"):rep(20000) end }, { __index = LOOK })
    assert.equal("done", assert(go(ctx, { tools = { long } })).content)
    local told = last_result().content
    assert.is_true(#told < 12100 and utf8.len(told) ~= nil)
    local odd = setmetatable({ call = function() return "\xff" end }, { __index = LOOK })
    assert.equal("done", assert(go(ctx, { tools = { odd } })).content)
    assert.equal("error: the result cannot be written as text", last_result().content)
  end)
end)

describe("openai.body", function()
  it("asks for no form of the reply while tools are offered", function()
    local told = settings.built_in()
    local endpoint = openai.open(told)
    local tool = { name = "look", description = "Looks.", parameters = { type = "object" } }
    local ask = { messages = TASK, schema = { name = "s", schema = {} }, tools = { tool } }
    assert.is_nil(openai.body(endpoint, ask).response_format)
    ask.tools = nil
    assert.equal("json_schema", openai.body(endpoint, ask).response_format.type)
  end)
end)

describe("generate_sql", function()
  local db, ctx
  setup(function()
    db = assert(pg.open(shop.url(), { sessions = 1 }))
    ctx = { schema = assert(catalog.load(db, { schemas = { "public", "Sales" } })) }
  end)
  teardown(function() db:close() end)

  local cases = {
    { "How many purchases did each customer make?", nil, { "customer", "purchase" } },
    { "How many of PURCHASE_LINE are there?", nil, { "purchase_line" } },
    { "How many purchase lines are there?", nil, { "purchase", "purchase_line" } },
    { "Sum the amounts of order lines by region.", nil, { '"Sales"."Order Lines"', '"Sales"."Region"' } },
    { "Are the customersatisfied?", nil, nil },
    { "How many products are there?", { "customer", "purchase" }, { "customer", "purchase" } },
    { "How many customers are there?", { "customer", "purchase" }, { "customer" } },
  }
  for _, case in ipairs(cases) do
    it("sees of the tables those that are named: " .. case[1], function()
      local named = tools.named(ctx, { tables = case[2] }, case[1])
      if named then table.sort(named) end
      assert.same(case[3], named)
    end)
  end
end)

describe("openai.read", function()
  local function read(message, finish)
    return openai.read(json.decode(assert(json.encode { choices = json.array { { message = message, finish_reason = finish } } })))
  end
  local function calling(...) return { role = "assistant", content = json.null, tool_calls = json.array { ... } } end

  it("takes calls whatever the finish reason says, ids and arguments as far as they are there", function()
    local reply = read(calling({ ["function"] = { name = "a", arguments = { x = 1 } } }, { id = "z", ["function"] = { name = "b" } }, 7), "stop")
    assert.equal("tool_calls", reply.outcome)
    assert.equal("", reply.content)
    assert.same({ { id = "call_1", name = "a", arguments = '{"x":1}' }, { id = "z", name = "b", arguments = "" },
      { id = "call_3", name = "", arguments = "" } }, reply.tool_calls)
  end)

  it("sees no call in an empty list", function()
    local reply = read({ role = "assistant", content = "done", tool_calls = json.array {} }, "stop")
    assert.equal("ok", reply.outcome)
    assert.is_nil(reply.tool_calls)
  end)
end)

describe("a call that is cancelled", function()
  it("is in flight no more", function()
    local dir, fake = support.temp_dir(), support.endpoint { "--delay-ms", "5000" }
    local st = assert(store.open(dir .. "/nlsql.db"))
    local run = assert(st:run { phase = "agent", fingerprint = "f", dataset = dir .. "/dataset.jsonl" })
    local told = settings.built_in()
    told.base_url = fake.url
    local model = llm.open(told, st, run, money.FREE, {})
    local asking = jobs.spawn(function()
      model:chat { purpose = "ask", item = "a", messages = { { role = "user", content = "?" } } }
    end)
    local till = jobs.now() + 5
    while model.counts.in_flight == 0 and jobs.now() < till do jobs.sleep(0.01) end
    assert.same({ 1, 1 }, { model.counts.in_flight, model.pace.in_flight })
    asking:cancel()
    assert.same({ 0, 0 }, { model.counts.in_flight, model.pace.in_flight })
    st:close()
    fake.stop()
    os.execute("rm -rf " .. dir)
  end)
end)

describe("an endpoint without tools", function()
  local dir = support.temp_dir()
  after_each(function() os.execute("rm -rf " .. dir .. "; mkdir -p " .. dir) end)

  local cases = {
    { 400, "registry.ollama.ai/library/gemma:2b does not support tools", true },
    { 400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', true },
    { 500, "tools param requires --jinja flag", true },
    { 404, "No endpoints found that support tool use.", true },
    { 422, "body.tools: Extra inputs are not permitted", true },
    { 404, "The model gpt-9 does not exist", false },
    { 400, "This model's maximum context length is 4097 tokens, of which 60 are in the tools", false },
    { 500, "the tools crashed", false },
  }
  for _, case in ipairs(cases) do
    it((case[3] and "is known by: " or "is not what says: ") .. case[1] .. " " .. case[2], function()
      local fake = support.endpoint { "--script", support.write_json_lines(dir .. "/rules.jsonl",
        { { status = case[1], body = json.encode { error = { message = case[2] } } } }) }
      local told = settings.built_in()
      told.base_url = fake.url
      local endpoint = openai.open(told)
      local body = openai.body(endpoint, { messages = {}, tools = { { name = "a", description = "", parameters = {} } } })
      local reply = openai.send(endpoint, body, assert(json.encode(body)))
      fake.stop()
      assert.equal(case[3], openai.manner(endpoint).no_tools == true)
      assert.equal(case[3], reply.failure == "learn")
    end)
  end
end)
