-- A phase of a stranger's against the run that it is in: what it can reach (nothing), what its loops and
-- bombs end (its own item), what one call that cannot be interrupted ends (the process, and nothing that
-- was committed), and what --trust lifts.
local attacks = require "tests.lua.sandbox_attacks"
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local SECRET, PASSWORD = "sk-secret-0123456789abcdef", "pw-secret-fedcba9876543210"

local PHASE = [[
local SECRET, PASSWORD = %q, %q
local emit
local function find(value, text, seen, path)
  seen, path = seen or {}, path or "?"
  if type(value) == "string" then return value:find(text, 1, true) and path or nil end
  if type(value) ~= "table" or seen[value] then return nil end
  seen[value] = true
  for key, member in next, value do
    local at = find(key, text, seen, path .. ".key") or find(member, text, seen, path .. "." .. tostring(key))
    if at then return at end
  end
  local mt = getmetatable(value)
  return type(mt) == "table" and find(mt, text, seen, path .. "()") or nil
end
local function text_of(value)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then return tostring(value):sub(1, 400) end
  return "a " .. kind
end
local tries = {
%s
}
return {
  name = "strange", summary = "tries what it should not", options = {},
  plan = function(ctx, emit_item)
    emit = emit_item
    for i, try in ipairs(tries) do
      local ok, a, b = pcall(try, ctx)
      ctx:journal("attacks", { n = i, got = text_of(a) .. " " .. text_of(b) })
    end
    emit { key = "after all", count = 1 }
  end,
  run = function()
    return { { question = "How many customers are there?", sql = "SELECT count(*) FROM customer" },
      { question = "What is in the catalog?", sql = "SELECT pg_sleep(0), rolname FROM pg_catalog.pg_roles" } }, { over = true }
  end,
}
]]

describe("a phase from a stranger", function()
  local dir, endpoint

  before_each(function()
    dir = support.temp_dir()
    os.execute("mkdir -p " .. dir .. "/phases " .. dir .. "/scripts")
  end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function write_phase(text) support.write(dir .. "/phases/strange.lua", text) end

  local function run(arguments, variables)
    local given = { DATABASE_URL = shop.url(), OPENAI_API_KEY = SECRET, OPENAI_BASE_URL = endpoint.url }
    for name, value in pairs(variables or {}) do given[name] = value end
    return support.nlsql(dir, { "run", "phases/strange.lua", table.unpack(arguments or {}) }, given)
  end

  --- The rows of dataset.jsonl.
  local function dataset() return shop.dataset(dir, "strange") end

  local function logged(name)
    local out = {}
    local list = io.popen("cat " .. dir .. "/logs/" .. name .. "-*.jsonl 2>/dev/null")
    for line in list:lines() do out[#out + 1] = assert(json.decode(line)) end
    list:close()
    return out
  end

  describe("reaches", function()
    local got, code, err, requests, files_before, files_after

    setup(function()
      dir = support.temp_dir()
      os.execute("mkdir -p " .. dir .. "/phases")
      endpoint = support.endpoint()
      local functions = {}
      for i, attack in ipairs(attacks) do functions[i] = ("  function(ctx) %s end,"):format(attack[2]) end
      write_phase(PHASE:format(SECRET, PASSWORD, table.concat(functions, "\n")))
      local function files()
        local list = io.popen("cd " .. dir .. " && find . -type f -not -path './generated_datasets/*' -not -path './logs/*' | sort")
        local text = list:read("a")
        list:close()
        return text
      end
      files_before = files()
      local url = shop.url()
      local _ -- what it printed
      code, _, err = run({}, { DATABASE_URL = url:gsub("//([^:@/]+)@", "//%1:" .. PASSWORD .. "@") })
      files_after = files():gsub("%./%.out\n", ""):gsub("%./%.err\n", "")
      requests = endpoint.stop().requests
      endpoint = nil
      got = {}
      for _, line in ipairs(logged "attacks") do got[line.n] = line.got end
      got.dataset = dataset()
      got.logs = support.read(dir .. "/.err") or ""
      os.execute("rm -rf " .. dir)
    end)

    for i, attack in ipairs(attacks) do
      it(("%s only so far: %s"):format(attack[1], attack[3]), function()
        assert.truthy(got[i], "the run ended before: " .. tostring(err))
        assert.truthy(got[i]:find(attack[3]), got[i])
      end)
    end

    it("no gate: its good query is kept, and the other falls, whatever it changed", function()
      assert.equal(0, code, err)
      assert.equal(1, #got.dataset)
      assert.equal("How many customers are there?", got.dataset[1].question)
    end)

    it("nobody: no request was sent, no file was written", function()
      assert.equal(0, requests)
      assert.equal(files_before, files_after)
      assert.falsy(got.logs:find(SECRET, 1, true))
    end)
  end)

  --- Hooks of one item each, by its key; what the item's failure says. All run at once, with honest
  --- items between them.
  local BOMBS = {
    { "a loop", "while true do end", "ran for more than" },
    { "a storm of pcalls", "while true do pcall(function() while true do end end) end", "ran for more than" },
    { "errors that loop", "error(setmetatable({}, { __tostring = function() while true do end end }))", "a table, where a sentence" },
    { "an error of nothing", "error()", "a nil, where a sentence" },
    { "closing for ever", "local x <close> = setmetatable({}, { __close = function() while true do end end }) error 'x'",
      "ran for more than" },
    { "a loop in a comparison", "table.sort({ 1, 2, 3 }, function() while true do end end)", "ran for more than" },
    { "a loop in a replacement", "('x'):gsub('x', function() while true do end end)", "ran for more than" },
    { "a loop in an index", "return setmetatable({}, { __index = function() while true do end end }).x", "ran for more than" },
    -- which of its caps a bomb meets first is the machine's affair
    { "an endless list of texts", "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
      "not enough memory|ran for more than" },
    { "an endless list of tables", "local t while true do t = { t } end", "not enough memory|ran for more than" },
    { "an endless list of functions", "local t = {} while true do t[#t + 1] = function() return t end end",
      "not enough memory|ran for more than" },
    { "a text that doubles", "local s = 'x' while true do s = s .. s end", "not enough memory|ran for more than" },
    { "endless jobs", "local jobs = require 'nlsql.jobs' while true do jobs.spawn(function() jobs.sleep(1000) end) end",
      "not enough memory|ran for more than" },
    { "statements without end", "local t, sql = {}, require 'nlsql.sql' while true do t[#t + 1] = sql.parse 'SELECT 1' end",
      "not enough memory|ran for more than" },
    { "keys without end", "local s, text = require 'nlsql.text'.set(), require 'nlsql.text' local i = 0 "
      .. "while true do i = i + 1 s:add(text.key(tostring(i))) end", "not enough memory|ran for more than" },
    { "turns without end", "local jobs = require 'nlsql.jobs' while true do jobs.spawn(function() end):wait() end",
      "took all of its processor time|not enough memory" },
    { "its own end", "require 'nlsql.job'.current():cancel() require 'nlsql.jobs'.sleep(0)", "cancelled" },
    { "garbage", "return 7", "gave no messages|gave nothing|expected|attempt" },
    { "candidates that are none", "return { 5 }", "expected a table with question" },
    { "candidates that are code", "return { setmetatable({}, { __index = function() while true do end end }) }",
      "expected a table with question" },
  }

  local BOMBING = [[
local bombs = {
%s
}
return {
  name = "strange", summary = "bombs", options = {},
  plan = function(_, emit)
    for i = 1, #bombs do
      emit { key = "bomb " .. i, count = 1 }
      emit { key = "good " .. i, count = 1 }
    end
  end,
  run = function(ctx, item)
    local kind, i = item.key:match("(%%a+) (%%d+)")
    if kind == "bomb" then return bombs[tonumber(i)](ctx, item) end
    return { { question = "What is there for " .. i .. "?", sql = "SELECT name, " .. i .. " FROM customer" } }, { over = true }
  end,
}
]]

  it("ends its own items with loops and bombs, and the run goes on", function()
    endpoint = support.endpoint()
    local functions = {}
    for i, bomb in ipairs(BOMBS) do functions[i] = ("  function(ctx, item) %s end,"):format(bomb[2]) end
    write_phase(BOMBING:format(table.concat(functions, "\n")))
    support.write(dir .. "/config.yaml", "phase_slice: 0.1\nphase_memory: 64\ngates: {literal_variants: 0, statement_timeout: 100}\n")
    local code, _, err = run({})
    assert.equal(7, code, err) -- each bomb's pair is wanting
    local said = {}
    for n, why in err:gmatch("item bomb (%d+): ([^\n]*)") do said[tonumber(n)] = why end
    for i, bomb in ipairs(BOMBS) do
      local as_expected = false
      for pattern in bomb[3]:gmatch("[^|]+") do as_expected = as_expected or (said[i] or ""):find(pattern) ~= nil end
      assert.is_true(as_expected, ("%s: %s"):format(bomb[1], said[i] or "nothing was said\n" .. err))
    end
    assert.equal(#BOMBS, #dataset(), err)
  end)

  --- One call each that no hook of Lua's sees the inside of.
  local CALLS = {
    { "a pattern", "('a'):rep(100):find(('.-'):rep(20) .. 'b')" },
    { "an insertion", "table.insert(setmetatable({}, { __len = function() return 1 << 50 end }), 1, 1)" },
    { "a move", "table.move({}, 1, 1 << 50, 2)" },
  }
  for _, case in ipairs(CALLS) do
    it("is ended by the watchdog within one call, by name, and nothing committed is lost: " .. case[1], function()
      endpoint = support.endpoint()
      local text = BOMBING:format("  function(ctx, item) require 'nlsql.jobs'.sleep(2); " .. case[2] .. " end,")
      -- good ones first, and the bomb when they are committed
      text = text:gsub('for i = 1, #bombs do.-\n    end', [[for i = 1, 5 do emit { key = "good " .. i, count = 1 } end
    emit { key = "bomb 1", count = 1 }]])
      write_phase(text)
      support.write(dir .. "/config.yaml", "phase_blocked: 1\ngates: {literal_variants: 0}\n")
      local code, _, err = run({})
      assert.equal(1, code, err)
      assert.truthy(err:find('error: phase "strange" has blocked everything for over 1 s in one call', 1, true), err)
      write_phase((text:gsub("require 'nlsql.jobs'.sleep.- end,", "return {}, { over = true } end,")))
      code, _, err = run({})
      assert.equal(7, code, err)
      assert.truthy(err:find("going on with an earlier run: 5 pairs", 1, true), err)
      assert.equal(5, #dataset())
    end)
  end

  it("cannot fill the memory with sets of values: nothing is shown that cannot be looked for", function()
    endpoint = support.endpoint()
    local bombs = { "  function() local s, i = new(), 0 while true do i = i + 1 s:add('value ' .. i .. long) end end,",
      "  function() local s = new() while true do s:exempt(long) end end,",
      "  function() local s, text = new(), ('x'):rep(20000000) while true do s:find(text) end end,",
      "  function() local t = {} while true do t[#t + 1] = new() end end,",
      "  function() for i = 1, 5000 do local s = new() s:exempt(long) s:add(long .. i) end error 'all were released' end," }
    write_phase("local new, long = require 'nlsql.protect'.set, ('abcdefgh '):rep(200)\n"
      .. BOMBING:format(table.concat(bombs, "\n")))
    support.write(dir .. "/config.yaml", "phase_memory: 48\nphase_slice: 20\ngates: {literal_variants: 0}\n")
    local _, _, err = run({ "--parallelism", "1" })
    local REFUSED = "not enough memory for the values that must not leave: nothing goes out %(phase_memory in config.yaml"
    for i, why in ipairs { REFUSED, REFUSED, REFUSED, "not enough memory", "all were released" } do
      assert.truthy(err:find(("item bomb %d: [^\n]*%s"):format(i, why)), i .. ": " .. err)
    end
    assert.equal(#bombs, #dataset(), err)
  end)

  --- Bytes and lines of a text in which `pattern` occurs.
  local function lines_with(text, pattern)
    local n, bytes = 0, 0
    for line in text:gmatch("[^\n]+") do
      if line:find(pattern) then n, bytes = n + 1, math.max(bytes, #line) end
    end
    return n, bytes
  end

  it("is heard so far and no further: lines of the log, bytes of a line, files, and items that fail", function()
    endpoint = support.endpoint()
    write_phase([[
return {
  name = "strange", summary = "talks", options = {},
  plan = function(ctx, emit)
    local long, console = ("é"):rep(20000), require "nlsql.console"
    for i = 1, 700 do
      print("talk", i, long)
      ctx:log("talk " .. i)
      for _, level in ipairs { "debug", "info", "warn", "error" } do console[level]("talk " .. i) end
    end
    local ok, why = pcall(ctx.journal, ctx, "large", { text = long:rep(75) })
    print("not heard any more")
    for i = 1, 40 do ctx:journal("file" .. i, { n = i, why = why }) end
    for i = 1, 1102 do emit { key = (i < 3 and "good " or "bad ") .. i, count = 1 } end
  end,
  run = function(_, item)
    if item.key:find "bad" then error(item.key .. ("x"):rep(20000)) end
    return { { question = "Is it " .. item.key .. "?", sql = "SELECT " .. item.key:match "%d+" } }, { over = true }
  end,
}
]])
    support.write(dir .. "/config.yaml", "gates: {literal_variants: 0}\n")
    local _, out, err = run {}
    local log = ""
    for _, path in ipairs(support.lines_of("ls " .. dir .. "/logs/run-*.log")) do log = log .. support.read(path) end
    for _, text in ipairs { err, log } do
      local n, bytes = lines_with(text, "talk")
      assert.is_true(n <= 1000 and n >= 800 and bytes < 4100, n .. " lines, " .. bytes .. " bytes")
      assert.equal(1, (lines_with(text, 'phase "strange" has logged 1000 lines: what it says from here on is left out$')))
      assert.equal(0, (lines_with(text, "not heard")))
      assert.equal(1, (lines_with(text, 'phase "strange" has written as much to its logs as it may')))
      n, bytes = lines_with(text, "item bad ")
      assert.is_true(n == 1000 and bytes < 4100, n .. " lines, " .. bytes .. " bytes")
      assert.equal(1, (lines_with(text, "1000 items came to nothing so far: those that follow are counted, and not told of")))
      assert.truthy(utf8.len(text))
    end
    assert.equal(1000, (lines_with(log, "talk")))
    local failed, bytes = lines_with(log, "a job failed: ")
    assert.is_true(failed == 1000 and bytes < 4200, failed .. " lines, " .. bytes .. " bytes")
    assert.truthy(out:find("1102 planned, 2 done, 1100 failed", 1, true), out)
    assert.equal(16, #support.lines_of("ls " .. dir .. "/logs/file*.jsonl"))
    assert.truthy(logged("file1")[1].why:find("journal: a line of 3000011 bytes: expected at most 1048576", 1, true),
      logged("file1")[1].why)
  end)

  it("is stopped when a hook waits for ever without taking time", function()
    local job = require "nlsql.job"
    local ok, why = job.guest(1, 0.2, function() while true do job.sleep(0.01) end end):wait()
    assert.is_false(ok)
    assert.truthy(why:find("took longer than 0.2 s: stopped", 1, true), why)
  end)

  it("is stopped when it has taken its time in small pieces", function()
    local job = require "nlsql.job"
    local ok, why = job.guest(0.1, 0, function()
      local function piece() for i = 1, 1000 do local _ = { i } end end
      while true do job.spawn(piece):wait() end
    end):wait()
    assert.is_false(ok)
    assert.truthy(tostring(why):find("took all of its processor time", 1, true), why)
  end)

  it("runs nowhere else with more rights: not in `nlsql phases`, `config` or `try`", function()
    endpoint = support.endpoint()
    write_phase("if io or os.execute then os.execute('touch " .. dir .. "/caught') end\n"
      .. PHASE:format("", "", "  function() return io end,"))
    support.write(dir .. "/config.yaml", "phases: [strange]\n")
    local given = { DATABASE_URL = shop.url(), OPENAI_API_KEY = SECRET, OPENAI_BASE_URL = endpoint.url }
    for _, command in ipairs { { "phases" }, { "config" }, { "config", "--check" }, { "try", "strange" }, { "run", "--dry-run" } } do
      support.nlsql(dir, command, given)
      assert.is_nil(support.read(dir .. "/caught"), command[1])
    end
    write_phase("while true do end\n")
    local _, _, err = support.nlsql(dir, { "phases" }, {})
    assert.truthy(err:find("ran for more than 5 s|took all", 1) or err:find("ran for more than 5", 1, true), err)
  end)

  it("has all of it with --trust, which is said", function()
    endpoint = support.endpoint()
    write_phase(PHASE:format("", "", [[
  function(ctx) return io.open("trusted", "w") and require "nlsql.http".request and ctx.settings.store end,
  function(ctx) return ctx.db:query("SELECT rolname FROM pg_catalog.pg_roles LIMIT 1").rows[1][1] end,]]))
    local code, _, err = run({ "--trust" })
    assert.equal(0, code, err)
    assert.truthy(err:find("--trust: the phases run without a sandbox, and may do what you may", 1, true), err)
    local got = logged "attacks"
    assert.truthy(got[1].got:find("nlsql.db", 1, true), got[1].got)
    assert.falsy(got[2].got:find("a phase cannot ask this", 1, true), got[2].got)
    assert.truthy(support.read(dir .. "/trusted"))
  end)
end)
