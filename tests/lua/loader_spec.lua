local loader = require "nlsql.loader"

--- A phase's source, and what running it returns; `change` maps patterns to replacements.
local SOURCE = [[
--- name = "not this one"
local helper = { rounds = 2, template = "critic" }

return {
  name    = "joins",
  summary = "Questions with joins",
  options = {
    count = { 200, "pairs wanted", { min = 1 } },
    style = { "plain", "how", { choices = { "plain", "formal" } } },
    topic = { nil, "about what", { type = "text" } },
    plan  = { 1, "shares its name with a field" },
  },
  plan = function() end,
  prompt = function() end,
  critic = helper,
}
]]

local function check(old, new)
  local source = SOURCE
  if old then
    local first, last = source:find(old, 1, true)
    assert(first, "the source does not hold " .. old)
    source = source:sub(1, first - 1) .. new .. source:sub(last + 1)
  end
  local phase = assert(load(source, "=source", "t"))()
  return loader.check(phase, "phases/joins.lua", source)
end

describe("loader.check", function()
  it("takes a phase", function() assert.is_true(check()) end)
  it("takes one that drives itself", function() assert.is_true(check("  prompt =", "  run =")) end)
  it("takes one without options or critic", function()
    assert.is_true(loader.check({ name = "a", summary = "b", plan = print, prompt = print }, "a.lua", ""))
  end)
  it("takes every hook", function()
    assert.is_true(check("  critic = helper,",
      "  follow = print, accept = print, record = print, run = print, task = print, pairs = 'question_answer',"))
  end)

  local faults = {
    { "a misspelt hook", "  prompt =", "  promt =",
      '14: "promt" is not a field of a phase (did you mean "prompt"?)' },
    { "a misspelt hook beside the right one", "  critic = helper", "  acept = print",
      '15: "acept" is not a field of a phase (did you mean "accept"?)' },
    { "a field of no likeness", "  critic = helper", "  zzzzzzzzz = 1",
      '15: "zzzzzzzzz" is not a field of a phase: there are accept, critic, follow, model, name, options,' },
    { "a field in brackets", "  critic = helper", '  ["hook-er"] = 1',
      '15: "hook-er" is not a field of a phase' },
    { "a number for a field", "  critic = helper", "  [1] = 1", "4: a phase's fields have names, found [1]" },
    { "a name that is no text", 'name    = "joins"', "name = 5", "5: name: expected text, found a number" },
    { "a name with a blank", 'name    = "joins"', 'name = "my joins"',
      '5: name: expected letters, digits, "_" and "-", found "my joins"' },
    { "no name", '  name    = "joins",\n', "", "4: name is missing: expected text" },
    { "no summary", '  summary = "Questions with joins",\n', "", "4: summary is missing: expected text" },
    { "an empty summary", '"Questions with joins"', '" "', "6: summary: expected one line about the phase" },
    { "no plan", "  plan = function() end,\n", "", "4: plan is missing: expected a function" },
    { "pairs of something else", "  plan =", '  pairs = "question_rows",\n  plan =',
      '13: pairs: expected one of "question_answer", "question_sql", found "question_rows"' },
    { "no prompt", "  prompt = function() end,\n", "",
      "4: prompt is missing (or run, where the phase drives itself)" },
    { "text for a hook", "  prompt = function() end", '  prompt = "join_sql"',
      "14: prompt: expected a function, found text" },
    { "a function for the critic", "critic = helper", "critic = print",
      "15: critic: expected a table, found a function" },
    { "true for the critic", "critic = helper", "critic = true",
      "15: critic: expected a table, found true or false" },
    { "any table for the critic", "critic = helper", "critic = {}",
      "15: critic: expected what critic.repair{ rounds = 2 } gives" },
    { "half a round", "rounds = 2", "rounds = 0.5",
      "15: critic: expected what critic.repair{ rounds = 2 } gives" },
    { "pairs of a kind that there is not", "  critic = helper", '  pairs = "question_sq"',
      '15: pairs: expected one of "question_answer", "question_sql", found "question_sq"' },
    { "pairs that are no text", "  critic = helper", "  pairs = true", "15: pairs: expected text, found true or false" },
    { "a table for the task", "  critic = helper", "  task = {}", "15: task: expected a function, found a table" },
    { "a misspelt run", "  prompt =", "  runn =", '14: "runn" is not a field of a phase (did you mean "run"?)' },
    { "text for run", "  critic = helper", '  run = "joins"', "15: run: expected a function, found text" },
    { "text for options", 'options = {', 'options = "x", _ = {', '7: "_" is not a field of a phase' },
    { "an option that is a value", '{ 200, "pairs wanted", { min = 1 } }', "200",
      '8: options.count: expected { default, "what it is for" }, found a number' },
    { "an option without help", '{ 200, "pairs wanted", { min = 1 } }', "{ 200 }",
      "8: options.count: the second member: expected one line of help, found nothing" },
    { "an option with a blank for help", '"pairs wanted"', '" "',
      "8: options.count: the second member: expected one line of help, found text" },
    { "an option with named members", '{ 200, "pairs wanted", { min = 1 } }', '{ default = 200, help = "x" }',
      '8: options.count: expected { default, "what it is for" }, found a member [' },
    { "limits that are no table", "{ min = 1 }", "1",
      "8: options.count: the third member: expected { min =, max =, choices =, type = }, found a number" },
    { "a misspelt limit", "{ choices =", "{ choises =",
      '9: options.style: "choises" limits nothing (did you mean "choices"?)' },
    { "a limit of the wrong type", "{ min = 1 }", '{ min = "1" }',
      "8: options.count: min: expected a number, found text" },
    { "a type that there is not", '{ type = "text" }', '{ type = "string" }',
      "10: options.topic: type: expected one of any, boolean, integer, list, map, number, text, found" },
    { "no default and no type", ', { type = "text" }', "",
      "10: options.topic: without a default, it needs { type = … } as its third member" },
    { "a default below its own least", "{ 200,", "{ 0,",
      "8: options.count: the default: expected a whole number of 1 or more, found 0" },
    { "a default that is not a choice", '{ "plain", "how"', '{ "rude", "how"',
      '9: options.style: the default: expected one of "plain", "formal", found "rude"' },
    { "a shared option of another type", '{ 200, "pairs wanted", { min = 1 } }', '{ "200", "pairs wanted" }',
      "8: options.count: expected a default that is a whole number, as count is in every phase" },
    { "an option with an odd name", "    style =", '    ["my style"] =',
      '7: options: expected names of letters, digits and "_", found "my style"' },
    { "an option, not the field of its name", "    plan  = { 1,", "    name  = 5, x = { 1,",
      "11: options.name: expected { default" },
    { "options as a list", 'count = { 200,', '{ 200,',
      '7: options: expected names of letters, digits and "_", found [1]' },
  }
  for _, case in ipairs(faults) do
    it("names " .. case[1], function()
      local good, why, code = check(case[2], case[3])
      assert.is_nil(good)
      local expected = "phases/joins.lua:" .. case[4]
      assert.equal(expected, why:sub(1, #expected))
      assert.equal("config", code)
    end)
  end

  for _, case in ipairs {
    { nil, "phases/x.lua:2: a phase's file returns a table, this one returned nothing" },
    { "text", "phases/x.lua:2: a phase's file returns a table, this one returned text" },
    { print, "phases/x.lua:2: a phase's file returns a table, this one returned a function" },
  } do
    it("names a file that returned " .. type(case[1]), function()
      local _, why = loader.check(case[1], "phases/x.lua", "local x\nreturn x\n")
      assert.equal(case[2], why)
    end)
  end

  it("does without the source, and then without lines", function()
    local _, why = loader.check({ name = 5 }, "phases/x.lua")
    assert.equal("phases/x.lua: name: expected text, found a number", why)
  end)

  it("raises on a caller's mistake", function()
    assert.has_error(function() loader.check({}) end,
      "loader.check(phase, file, source) takes a string as file")
  end)
end)

describe("the shipped phases", function()
  local files = require "nlsql.files"
  for _, name in ipairs(files.list("phases")) do
    it("are phases: " .. name, function()
      local path = files.find("phases", name)
      local source = assert(files.read(path))
      -- what they require needs an engine: only the declaration counts here
      local stub = setmetatable({},
        { __index = function() return function() return { rounds = 1, template = "x" } end end })
      local environment = setmetatable({ require = function() return stub end }, { __index = _G })
      local phase = assert(load(source, "@" .. path, "t", environment))()
      assert.same({ true }, { loader.check(phase, "phases/" .. name, source) })
      assert.equal(name, phase.name .. ".lua")
    end)
  end
end)
