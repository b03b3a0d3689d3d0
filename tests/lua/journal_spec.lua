local journal = require "nlsql.journal"
local proc = require "nlsql.proc"
local support = require "support"

local PHASE = [[
local journal, console = require "nlsql.journal", require "nlsql.console"
return {
  name = "talks", summary = "Says things",
  plan = function()
    console.debug("a prompt\nof two lines")
    console.warn("careful")
    journal.append("talks.jsonl", '{"key":"sk-never-shown"}')
    journal.append("talks.jsonl", "{}")
    local ok, why = pcall(journal.append, "../talks.jsonl", "{}")
    console.info(tostring(ok) .. " " .. why)
    error("the end", 0)
  end,
  prompt = print,
}
]]

--- Runs it in a folder; the text of the run's log, the path of it, what was said.
local function run(dir, ...)
  support.write(dir .. "/talks.lua", PHASE)
  local status, _, said = support.nlsql(dir, { "run", "talks.lua", "--trust", "--provider", "offline", ... },
    { DATABASE_URL = support.demo(), OPENAI_API_KEY = "sk-never-shown" })
  assert.equal(1, status, said)
  local _, found = proc.run { argv = { "sh", "-c", "ls logs/run-*.log" }, cwd = dir }
  local name = found:match("^(logs/run%-%d%d%d%d%d%d%d%dT%d%d%d%d%d%dZ%-%d+%.log)\n$")
  return name and support.read(dir .. "/" .. name), name, said
end

describe("journal.append", function()
  it("refuses names and lines of another kind", function()
    assert.error_matches(function() journal.append(".env", "x") end, "a log's name has letters, digits")
    assert.error_matches(function() journal.append("a/b", "x") end, "a log's name has letters, digits")
    assert.error_matches(function() journal.append("a.log", "x\ny") end, "a line holds neither newline nor NUL")
    assert.error_matches(function() journal.append("a.log", "x\0y") end, "a line holds neither newline nor NUL")
    assert.error_matches(function() journal.append "a.log" end, "string expected, got no value")
  end)
end)

describe("the logs of nlsql run", function()
  local dir
  before_each(function() dir = support.temp_dir() end)
  after_each(function() proc.run { argv = { "rm", "-rf", dir } } end)

  it("hold every message with its time, shown or not", function()
    local log, name, said = run(dir)
    assert.matches("\n%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ debug a prompt\n    of two lines\n", log)
    assert.matches("Z warn  careful\n", log)
    assert.matches("Z error plan: the end;", log)
    assert.matches("^[^\n]* debug the log of this run is " .. dir:gsub("%p", "%%%0") .. "/" .. name:gsub("%p", "%%%0"), log)
    assert.matches("warn: careful\n", said)
    assert.is_nil(said:find("a prompt", 1, true))
    assert.is_nil(said:find("the log of this run", 1, true))
  end)

  it("hold a script's lines, whole, without secrets, for their owner alone", function()
    local log = run(dir)
    assert.equal('{"key":"***"}\n{}\n', support.read(dir .. "/logs/talks.jsonl"))
    assert.matches("info  false .*a log's name has letters", log)
    local _, modes = proc.run { argv = { "sh", "-c", "stat -c %a logs logs/*" }, cwd = dir }
    assert.equal("700\n600\n600\n", modes)
  end)

  it("are said with -v", function()
    local _, name, said = run(dir, "-v")
    assert.matches("debug: the log of this run is " .. dir .. "/" .. name, said, 1, true)
  end)

  it("that cannot be written stop nothing", function()
    support.write(dir .. "/logs", "in the way")
    local log, _, said = run(dir)
    assert.is_nil(log)
    assert.matches("the end", said, 1, true)
    local _, times = said:gsub("Not a directory", "")
    assert.equal(2, times, said) -- the run's log, and once for the lines of the phase
  end)

  it("are kept from run to run, and not made where nothing runs", function()
    assert.equal(3, (support.nlsql(dir, { "run", "no_such_phase" })))
    local status, _, said = support.nlsql(dir, { "run", "joins", "--provider", "offline", "--dry-run" },
      { DATABASE_URL = support.demo() })
    assert.equal(0, status, said)
    local _, found = proc.run { argv = { "sh", "-c", "ls -d logs" }, cwd = dir }
    assert.is_nil(found:find("^logs\n"))
    run(dir)
    run(dir)
    assert.equal(4, #support.lines(dir .. "/logs/talks.jsonl"))
    _, found = proc.run { argv = { "sh", "-c", "ls logs/run-*.log | wc -l" }, cwd = dir }
    assert.equal("2\n", found)
  end)
end)
