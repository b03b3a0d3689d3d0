-- Who says what first: flags, the environment, a phase, defaults, the top level; and which phases.
local config = require "nlsql.config"
local json = require "nlsql.json"

--- Loads `source` as config.yaml; `ask` holds the rest of config.load's arguments.
local function load(source, ask)
  ask = ask or {}
  ask.read = function(path)
    if path == (ask.path or "config.yaml") and source then return source end
    return nil, "cannot read " .. path .. ": No such file or directory", "not_found"
  end
  return config.load(ask)
end

local function errors_of(source, ask)
  local got, errors, code = load(source, ask)
  assert.is_nil(got)
  assert.equal("config", code)
  return errors
end

describe("the order of config.load", function()
  local FILE = [[
openai_model: top
defaults:
  parallelism: 3
  max_attempts: 4
phases:
  - name: joins
    parallelism: 5
    count: 50
    openai_model: phase
    gates: {allow_empty: true}
  - name: other
    my_option: x
]]

  it("is phase over defaults over the top level over what is built in", function()
    local got = assert(load(FILE))
    local joins, other = got.phases[1], got.phases[2]
    assert.equal("joins", joins.name)
    assert.equal(5, joins.settings.parallelism)
    assert.equal("phase", joins.settings.openai_model)
    assert.equal(50, joins.options.count.value)
    assert.equal("config.yaml:8:12", joins.options.count.at)
    assert.equal(4, joins.options.max_attempts.value)
    assert.equal("defaults", joins.options.max_attempts.from)
    assert.same({}, other.settings)
    assert.equal(3, got.settings.parallelism)
    assert.equal("top", got.settings.openai_model)
    assert.equal("x", other.options.my_option.value)
    assert.equal("config.yaml:12:5", other.options.my_option.key_at)
  end)

  it("merges a phase's gates over all others", function()
    local got = assert(load(FILE .. "gates: {max_rows: 7}\n"))
    assert.is_true(got.phases[1].settings.gates.allow_empty)
    assert.equal(7, got.phases[1].settings.limits.max_rows)
    assert.is_false(got.settings.gates.allow_empty)
    assert.is_nil(got.phases[2].settings.gates)
  end)

  it("is environment over file", function()
    local got = assert(load(FILE, { env = {
      DG_PARALLELISM = "20", OPENAI_BASE_URL = "http://localhost:1/v1", OPENAI_BUDGET_USD = "2.5",
      DB_COCURRENT_SESSION = "30", OPENAI_API_KEY = "sk-secret", DATABASE_URL = "postgresql://x:secret@y/z",
    } }))
    assert.equal(20, got.settings.parallelism)
    assert.is_nil(got.phases[1].settings.parallelism)
    assert.equal("DG_PARALLELISM", got.origins.parallelism)
    assert.equal("http://localhost:1/v1", got.settings.base_url)
    assert.equal(2.5, got.settings.budget_usd)
    assert.equal(30, got.settings.db_concurrent_sessions)
    assert.is_nil(json.encode(got.settings):find("secret", 1, true))
  end)

  it("is flag over environment", function()
    local got = assert(load(FILE, {
      env = { DG_PARALLELISM = "20", OPENAI_BUDGET_USD = "2.5" },
      flags = { parallelism = 7, budget = 1, model = "flag", count = 9, schemas = "a, B", seed = 4,
        base_url = "https://x/v1" },
    }))
    assert.equal(7, got.settings.parallelism)
    assert.equal("--parallelism", got.origins.parallelism)
    assert.equal(1, got.settings.budget_usd)
    assert.equal("flag", got.settings.openai_model)
    assert.is_nil(got.phases[1].settings.openai_model)
    assert.equal(9, got.phases[1].options.count.value)
    assert.equal("--count", got.phases[1].options.count.at)
    assert.same({ "a", "B" }, got.settings.schemas)
    assert.equal(4, got.settings.seed)
    assert.equal("--base-url", got.origins.base_url)
  end)

  it("caps parallelism at OPENAI_MAX_PARALLEL", function()
    local got = assert(load(FILE, { env = { OPENAI_MAX_PARALLEL = "4" } }))
    assert.equal(3, got.settings.parallelism)
    assert.equal(4, got.phases[1].settings.parallelism)
    assert.equal("OPENAI_MAX_PARALLEL", got.phases[1].origins.parallelism)
  end)

  it("caps sessions at MAX_DB_CONCURRENT_LIMIT_ALL", function()
    local got = assert(load(nil, { env = { MAX_DB_CONCURRENT_LIMIT_ALL = "4" } }))
    assert.equal(4, got.settings.db_concurrent_sessions)
    assert.equal("MAX_DB_CONCURRENT_LIMIT_ALL", got.origins.db_concurrent_sessions)
  end)

  it("takes an empty variable for none", function()
    assert.equal(10, assert(load(nil, { env = { DG_PARALLELISM = "" } })).settings.parallelism)
  end)

  local bad = {
    { { env = { DG_PARALLELISM = "many" } },
      'DG_PARALLELISM: parallelism: expected a whole number of 1 or more, found "many"' },
    { { env = { OPENAI_BASE_URL = "localhost" } },
      'OPENAI_BASE_URL: base_url: expected an http:// or https:// address, found "localhost"' },
    { { flags = { set = { "seed=x" } } }, '--set seed=x: seed: expected a whole number, found "x"' },
    { { flags = { set = { "count" } } }, '--set: expected KEY=VALUE, found "count"' },
    { { flags = { set = { "gates.allow_emtpy=1" } } },
      '--set gates.allow_emtpy=1: gates.allow_emtpy: there is no such key (did you mean "allow_empty"?)' },
    { { flags = { set = { "jions.count=1" } } },
      '--set jions.count=1: there is no phase "jions" to run (did you mean "joins"?)' },
    { { flags = { parallelism = 0 } },
      "--parallelism: parallelism: expected a whole number of 1 or more, found 0" },
  }
  for _, case in ipairs(bad) do
    it("complains: " .. case[2], function() assert.same({ case[2] }, errors_of(FILE, case[1])) end)
  end
end)

describe("--set", function()
  local FILE = "phases:\n- name: joins\n  count: 1\n- name: other\n"

  it("gives an option to every phase, as text", function()
    local got = assert(load(FILE, { flags = { set = { "count=5", "x = a=b" } } }))
    for _, phase in ipairs(got.phases) do
      assert.same({ value = "5", at = "--set count=5", words = true, from = "flag" }, phase.options.count)
      assert.equal(" a=b", phase.options.x.value)
    end
  end)

  it("gives one to a single phase", function()
    local got = assert(load(FILE, { flags = { set = { "other.count=5" } } }))
    assert.equal(1, got.phases[1].options.count.value)
    assert.equal("5", got.phases[2].options.count.value)
  end)

  it("sets what is not a phase's too, lists by commas", function()
    local s = assert(load(FILE, { flags = { set = {
      "seed=9", "schemas=a,b", "gates.allow_empty=yes", "stream=off", "anonymise=off", "budget_usd=0.5",
      "gates.functions=f,g",
    } } })).settings
    assert.equal(9, s.seed)
    assert.same({ "a", "b" }, s.schemas)
    assert.is_true(s.gates.allow_empty)
    assert.is_false(s.stream)
    assert.is_false(s.anonymise)
    assert.equal(0.5, s.budget_usd)
    assert.same({ "f", "g" }, s.safe.functions)
  end)

  it("wins over a phase's own setting", function()
    local got = assert(load("phases:\n- name: joins\n  parallelism: 2\n",
      { flags = { set = { "parallelism=6" } } }))
    assert.equal(6, got.settings.parallelism)
    assert.is_nil(got.phases[1].settings.parallelism)
  end)

  it("is what the C interface's options are, but typed", function()
    local got = assert(load(FILE, { flags = { options = { count = 3, seed = 2, use_sample_rows = false } } }))
    assert.equal(3, got.phases[1].options.count.value)
    assert.is_false(got.phases[2].options.use_sample_rows.value)
    assert.equal(2, got.settings.seed)
  end)
end)

describe("the phase asked for", function()
  local FILE = "defaults: {count: 2}\nphases:\n- joins\n- name: other\n  count: 3\n  file: my/other.lua\n"
  local function asked(phase)
    local got = assert(load(FILE, { phase = phase }))
    assert.equal(1, #got.phases)
    local one = got.phases[1]
    return { one.name, one.file, one.options.count.value }
  end
  it("may be listed by name alone", function() assert.same({ "joins", nil, 2 }, asked "joins") end)
  it("may be one of the list", function() assert.same({ "other", "my/other.lua", 3 }, asked "other") end)
  it("may be a file, which wins", function()
    assert.same({ "other", "x/other.lua", 3 }, asked "x/other.lua")
  end)
  it("may be one that is not listed", function() assert.same({ "third", nil, 2 }, asked "third") end)
  it("may be a file that is not listed", function()
    assert.same({ "third", "./third.lua", 2 }, asked "./third.lua")
  end)
end)
