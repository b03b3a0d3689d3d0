-- Every fault of tests/lua/faults.lua in every phase that asks a model: the run ends by itself, keeps every
-- good answer, asks no more often than it may, and says what happened. One run for each fault, with all
-- phases; several runs at once.
--
-- NLSQL_FAULTS=PATTERN takes the faults whose name matches; NLSQL_FAULTS_LONG=1 adds a run for each fault that
-- strikes once and is over, after which nothing is missing.
local faults = require "tests.lua.faults"
local jobs = require "nlsql.jobs"
local shop = require "tests.lua.shop"
local world = require "tests.lua.fault_world"

--- Seconds that no run may take: each has at most 20 tries that wait 2 s each.
local LONGEST = 120

local AT_ONCE = 8

local chosen = {}
for _, fault in ipairs(faults.LIST) do
  if fault.name:find(os.getenv("NLSQL_FAULTS") or "") then chosen[#chosen + 1] = fault end
end

--- The same rules, each for one request.
local function once(fault)
  return function(hit)
    local rules = type(fault.rules) == "function" and fault.rules(hit) or { fault.rules[1] }
    local copies = {}
    for i, rule in ipairs(rules) do
      copies[i] = {}
      for name, value in pairs(rule) do copies[i][name] = value end
      copies[i].times = 1
    end
    return copies
  end
end

local hits = {}
for _, hit in ipairs(world.HITS) do hits[hit.phase] = hit end

--- How often the request that is hit is asked, at least and at most.
local function asked(fault, hit)
  if fault.becomes == "kept" then return 1, 1 end
  if fault.becomes == "fails" then
    -- the critic in each of two turns; what slows down is waited for longer once others were answered
    local turns = hit.kind == "critic" and 2 or 1
    return 2 * turns, (fault.slow and not hit.alone and 4 or 2) * turns
  end
  if hit.kind == "critic" and fault.critic then return fault.critic, fault.critic end
  local times = hit.kind and 1 or 2 -- what critics and sets were answered is kept, whatever it was
  return times, times
end

local function accepted(fault, hit)
  if fault.becomes == "kept" then return hit.wanted end
  if hit.kind == "sets" then return 2 end -- the keys' own sets do
  return hit.others
end

local function check(fault, run, name)
  local hit, got = hits[name], run.phases[name]
  local shown = ("%s\n%s"):format(run.out, run.err)
  assert.equal(accepted(fault, hit), got.accepted, shown)
  if hit.good ~= "" or fault.becomes ~= "kept" then
    local least, most = asked(fault, hit)
    assert.is_true(got.asked >= least and got.asked <= most, ("asked %d times\n%s"):format(got.asked, shown))
    if fault.says then assert.truthy(got.said:find(("%s %d%%f[^%%d]"):format(fault.says, got.asked)), shown) end
  end
  if fault.gap then
    assert.is_true(got.times[2] - got.times[1] >= fault.gap, "tried again after ms: " .. got.times[2] - got.times[1])
  end
end

describe("in a run of all phases,", function()
  local runs

  setup(function()
    shop.url()
    runs = jobs.map(chosen, AT_ONCE, function(fault) return world.run(fault.rules, fault) end)
  end)

  teardown(function()
    for _, run in ipairs(runs) do os.execute("rm -rf " .. run.dir) end
  end)

  for i, fault in ipairs(chosen) do
    describe(fault.name, function()
      for _, hit in ipairs(world.HITS) do
        it(("%s in %s"):format(fault.becomes, hit.phase), function() check(fault, runs[i], hit.phase) end)
      end

      it("ends by itself, and is told of", function()
        local run = runs[i]
        assert.is_true(run.seconds < LONGEST, "took s: " .. run.seconds)
        assert.equal(fault.becomes == "kept" and 0 or 7, run.code, run.err)
        if fault.error then assert.truthy(run.err:find(fault.error, 1, true), run.err) end
      end)
    end)
  end
end)

if os.getenv("NLSQL_FAULTS_LONG") then
  describe("in a run of all phases, what strikes once:", function()
    local runs

    setup(function() runs = jobs.map(chosen, AT_ONCE, function(fault) return world.run(once(fault), fault) end) end)
    teardown(function()
      for _, run in ipairs(runs) do os.execute("rm -rf " .. run.dir) end
    end)

    for i, fault in ipairs(chosen) do
      it(fault.name, function()
        local run = runs[i]
        for _, hit in ipairs(world.HITS) do
          local got = run.phases[hit.phase]
          -- what was answered is kept, and critics and sets are not asked twice
          local missing = hit.kind and fault.becomes == "spent"
          if not missing then assert.equal(hit.wanted, got.accepted, hit.phase .. "\n" .. run.out .. run.err) end
          assert.is_true(got.asked <= 2, hit.phase .. " was asked " .. got.asked)
        end
      end)
    end
  end)
end
