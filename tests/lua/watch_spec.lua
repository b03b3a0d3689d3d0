local files = require "nlsql.files"
local job = require "nlsql.job"
local proc = require "nlsql.proc"
local support = require "support"
local watch = require "nlsql.watch"

local dir

local function sh(script)
  local status, output = proc.run { argv = { "sh", "-c", script }, cwd = dir }
  assert.equal(0, status, output)
end

--- Runs `script` a little later, in a job of its own.
local function soon(script)
  return job.spawn(function()
    job.sleep(0.05)
    sh(script)
  end)
end

describe("nlsql.watch", function()
  before_each(function()
    dir = support.temp_dir()
    sh "mkdir prompts && echo one > prompts/joins.txt && sleep 0.02"
  end)
  after_each(function() sh('rm -rf "$PWD"') end)

  it("answers within 100 ms of a save, with each file once", function()
    local w <close> = assert(watch.open { dir .. "/prompts" })
    local least = math.huge
    for i = 1, 5 do -- the best of five: this machine may be busy
      sh(("echo %s > prompts/joins.txt"):format(("x"):rep(i)))
      local saved = job.uptime()
      assert.same({ dir .. "/prompts/joins.txt" }, w:wait(2))
      least = math.min(least, job.uptime() - saved)
    end
    assert.is_true(least < 0.1, least)
  end)

  it("takes files as well as folders, there or not", function()
    local w <close> = assert(watch.open { dir .. "/prompts/joins.txt", dir .. "/phases" })
    soon "echo 1 > prompts/other.txt; mkdir phases; echo 1 > phases/joins.lua"
    assert.same({ dir .. "/phases/joins.lua" }, w:wait(3))
    soon "echo new > prompts/joins.txt"
    assert.same({ dir .. "/prompts/joins.txt" }, w:wait(3))
  end)

  it("keeps what changes between two waits", function()
    local w <close> = assert(watch.open { dir .. "/prompts" })
    sh "echo new > prompts/joins.txt"
    job.sleep(0.1)
    sh "echo new > prompts/b.txt"
    job.sleep(0.1)
    assert.same({ dir .. "/prompts/b.txt", dir .. "/prompts/joins.txt" }, w:wait())
    local nothing, message, code = w:wait(0.05)
    assert.is_nil(nothing)
    assert.equal("nothing changed within 0.05 s", message)
    assert.equal("timeout", code)
  end)

  it("refuses what cannot be right", function()
    local w <close> = assert(watch.open { dir })
    assert.error_matches(function() watch.open "prompts" end, "table expected, got string")
    assert.error_matches(function() w:wait(-1) end, "expected 0 to 1,000,000 seconds")
    assert.error_matches(function() w:wait "soon" end, "number expected, got string")
  end)
end)

describe("files.forget", function()
  it("lets the next require read the file again", function()
    local before = require "nlsql.sqltext"
    assert.equal(before, require "nlsql.sqltext")
    assert.is_true(files.forget() > 0)
    assert.are_not_equal(before, require "nlsql.sqltext")
    assert.equal(watch, require "nlsql.watch")
  end)
end)

describe("a phase under nlsql run", function()
  local PHASE = [[
local files, watch = require "nlsql.files", require "nlsql.watch"
return {
  name = "waits", summary = "Waits for its own file",
  plan = function()
    local w <close> = watch.open()
    print("watching")
    local paths, why, code = w:wait()
    print(paths and paths[1] or code)
    print(files.load(paths and paths[1] or "waits.lua", "waits.lua")().summary)
    error(paths and "saved" or why, 0)
  end,
  prompt = print,
}
]]

  --- Starts it in a folder of its own and waits until it watches.
  local function start()
    dir = support.temp_dir()
    support.write(dir .. "/waits.lua", PHASE)
    local p = assert(proc.start { argv = { support.build() .. "/nlsql", "run", "waits.lua", "--trust", "--provider", "offline" },
      env = { DATABASE_URL = support.demo() }, cwd = dir, stdout = "null", stderr = dir .. "/err" })
    for _ = 1, 500 do
      if (support.read(dir .. "/err") or ""):find("watching", 1, true) then return p end
      job.sleep(0.02)
    end
    error("it does not watch: " .. support.read(dir .. "/err"))
  end

  it("may wait for its own file, outside the folders of scripts, and load it anew", function()
    local p = start()
    support.write(dir .. "/waits.lua", (PHASE:gsub("Waits for its own file", "Saved")))
    assert.equal(1, p:wait(10))
    local said = support.read(dir .. "/err")
    assert.matches(dir .. "/waits.lua\nSaved\n", said, 1, true)
    assert.matches("saved", said, 1, true)
  end)

  it("is told of Ctrl-C at once, and nothing is said to be in flight", function()
    local p = start()
    p:kill "INT"
    assert.is_number(p:wait(10))
    local said = support.read(dir .. "/err")
    assert.matches("cancelled\nWaits for its own file\n", said, 1, true)
    assert.is_nil(said:find("in flight", 1, true))
  end)
end)
