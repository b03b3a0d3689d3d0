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

local function warnings_of(source, ask)
  local got, errors = load(source, ask)
  assert(got, errors and errors[1])
  return got.warnings
end

describe("config.load without a file", function()
  it("gives what is built in", function()
    local got = assert(load(nil))
    local s = got.settings
    assert.same({}, got.phases)
    assert.same({}, got.warnings)
    assert.is_nil(got.file)
    assert.equal("gpt-4.1", s.openai_model)
    assert.equal("https://api.openai.com/v1", s.base_url)
    assert.equal("openai", s.provider)
    assert.equal(10, s.parallelism)
    assert.equal(8, s.db_concurrent_sessions)
    assert.equal("generated_datasets/nlsql.db", s.store)
    assert.is_nil(s.budget_usd)
    assert.is_nil(s.schemas)
    assert.is_true(s.anonymise)
    assert.equal(1 << 30, s.phase_memory)
    assert.same({ allow_empty = false, allow_null = false, literal_variants = 5 }, s.gates)
    assert.equal(10, s.limits.statement_timeout)
    assert.same({}, s.safe.functions)
    assert.equal("built in", got.origins.openai_model)
  end)

  it("can be written as JSON, as it goes from one script to another", function()
    local got = assert(load("anonymise: off\nphases:\n- name: joins\n  builtins: []\n  extra: {a: [1]}\n", {
      flags = { set = { "count=5" }, schemas = "a,b" },
    }))
    local again = assert(json.decode(assert(json.encode { got.settings, got.phases[1].options })))
    assert.same({ "a", "b" }, again[1].schemas)
    assert.is_true(json.is_array(again[2].builtins.value))
    assert.is_true(json.is_array(again[1].safe.functions))
    assert.is_false(again[1].anonymise)
  end)

  for _, source in ipairs { "", "# nothing\n", "---\n", "phases:\ndefaults:\n" } do
    it(("takes %q for nothing said"):format(source), function()
      local got = assert(load(source))
      assert.same({}, got.phases)
      assert.equal("config.yaml", got.file)
    end)
  end

  it("takes the shipped prices where the file has none, and only those", function()
    local got = assert(config.load { path = "a.yaml", read = function(path)
      if path == "a.yaml" then return "seed: 5\n" end
      return "openai_model: other\nprices:\n  as_of: 2026-01-01\n  m: {input: 1, output: 2}\n"
    end })
    assert.same({ m = { input = 1, output = 2, as_of = "2026-01-01" } }, got.settings.prices)
    assert.truthy(got.origins.prices:find("config.yaml:3:3", 1, true), got.origins.prices)
    assert.equal("gpt-4.1", got.settings.openai_model)
  end)

  it("does without where nothing is shipped", function() assert.is_nil(assert(load(nil)).settings.prices) end)
end)

describe("config.load reads", function()
  local cases = {
    { "text", "openai_model: gpt-4o", "openai_model", "gpt-4o" },
    { "text that looks like a number, as written", "openai_model: 4.10", "openai_model", "4.10" },
    { "a number", "budget_usd: 12.5", "budget_usd", 12.5 },
    { "a whole number", "seed: -3", "seed", -3 },
    { "anonymise: off", "anonymise: off", "anonymise", false },
    { "anonymise: on", "anonymise: on", "anonymise", true },
    { "anonymise: false", "anonymise: false", "anonymise", false },
    { "anonymise in American", "anonymize: off", "anonymise", false },
    { "yes for true", "stream: yes", "stream", true },
    { "a list", "schemas: [public, Sales]", "schemas", { "public", "Sales" } },
    { "tables as a list", "tables: [a, 'b*']", "tables", { include = { "a", "b*" } } },
    { "tables to leave out", "tables: {exclude: [a]}", "tables", { exclude = { "a" } } },
    { "the seed's spelling of sessions", "db_cocurrent_session: 12", "db_concurrent_sessions", 12 },
    { "sessions under defaults", "defaults: {db_cocurrent_session: 12}", "db_concurrent_sessions", 12 },
    { "defaults over the top level", "parallelism: 3\ndefaults:\n  parallelism: 4", "parallelism", 4 },
    { "memory in megabytes", "phase_memory: 64", "phase_memory", 64 << 20 },
    { "notes as text", "notes: 'All sums are net.'", "notes", "All sums are net." },
    { "notes for tables", "notes: {orders: net}", "notes", { orders = "net" } },
    { "relations", "relations: ['a.x -> b.y']", "relations", { "a.x -> b.y" } },
    { "examples", "examples: [{question: q, sql: s}]", "examples", { { question = "q", sql = "s" } } },
    { "a critic turned off", "critic: off", "critic", false },
    { "a critic", "critic: {rounds: 1}", "critic", { rounds = 1 } },
    { "prices with their date", "prices:\n  as_of: 2026-03-01\n  m: {input: 2, cached_input: 0.5, output: 8}",
      "prices", { m = { input = 2, cached_input = 0.5, output = 8, as_of = "2026-03-01" } } },
    { "a price with a date of its own", "prices: {m: {input: 2, output: 8, as_of: 2026-01-02}}",
      "prices", { m = { input = 2, output = 8, as_of = "2026-01-02" } } },
    { "gates over what is built in", "gates: {allow_empty: true}", "gates",
      { allow_empty = true, allow_null = false, literal_variants = 5 } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local got = assert(load(case[2]))
      assert.same(case[4], got.settings[case[3]])
      assert.same({}, got.warnings)
    end)
  end

  it("limits and functions among the gates", function()
    local s = assert(load("gates: {max_cost: 1e6, statement_timeout: 2.5, functions: [my_f]}")).settings
    assert.equal(1e6, s.limits.max_cost)
    assert.equal(2.5, s.limits.statement_timeout)
    assert.equal(1000, s.limits.max_rows)
    assert.same({ "my_f" }, s.safe.functions)
  end)

  it("where each value stands", function()
    local origins = assert(load("seed: 2\ngates:\n  max_rows: 5\ndefaults:\n  parallelism: 4\n")).origins
    assert.equal("config.yaml:1:7", origins.seed)
    assert.equal("config.yaml:3:13", origins["gates.max_rows"])
    assert.equal("config.yaml:5:16", origins.parallelism)
    assert.equal("built in", origins["gates.max_bytes"])
  end)
end)

describe("config.load complains about", function()
  local cases = {
    { "a word for a number", "phases:\n- name: joins\n  count: many",
      'config.yaml:3:10: count: expected a whole number of 1 or more, found "many"' },
    { "a fraction for a whole number", "defaults: {count: 2.5}",
      "config.yaml:1:19: count: expected a whole number of 1 or more, found 2.5" },
    { "zero", "parallelism: 0",
      "config.yaml:1:14: parallelism: expected a whole number of 1 or more, found 0" },
    { "a quoted number", "seed: '5'", 'config.yaml:1:7: seed: expected a whole number, found "5"' },
    { "a negative budget", "budget_usd: -1",
      "config.yaml:1:13: budget_usd: expected a number of 0 or more, found -1" },
    { "a number out of range", "temperature: 3",
      "config.yaml:1:14: temperature: expected a number from 0 to 2, found 3" },
    { "no number at all", "budget_usd: .nan",
      "config.yaml:1:13: budget_usd: expected a number of 0 or more, found" },
    { "nothing", "openai_model:", "config.yaml:1:14: openai_model: expected text, found nothing" },
    { "a list for text", "openai_model: [a]", "config.yaml:1:15: openai_model: expected text, found a list" },
    { "a map for a number", "seed: {a: 1}",
      "config.yaml:1:7: seed: expected a whole number, found keys and values" },
    { "a word for true or false", "stream: maybe",
      'config.yaml:1:9: stream: expected true or false, found "maybe"' },
    { "a provider that there is not", "provider: oracle",
      'config.yaml:1:11: provider: expected one of "openai", "offline", found "oracle"' },
    { "an address that is none", "base_url: api.openai.com",
      'config.yaml:1:11: base_url: expected an http:// or https:// address, found "api.openai.com"' },
    { "text for a list", "schemas: public",
      'config.yaml:1:10: schemas: expected a list of texts, found "public"' },
    { "a list within a list", "schemas:\n- a\n- [b]",
      "config.yaml:3:3: schemas[2]: expected text, found a list" },
    { "a gate's value", "gates:\n  max_rows: lots",
      'config.yaml:2:13: gates.max_rows: expected a whole number of 1 or more, found "lots"' },
    { "a time of 0", "connect_timeout: 0",
      "config.yaml:1:18: connect_timeout: expected seconds, a number above 0" },
    { "text for gates", "gates: strict", 'config.yaml:1:8: gates: expected keys and values, found "strict"' },
    { "a price without output", "prices:\n  m: {input: 2}",
      "config.yaml:2:6: prices.m: expected input and output in dollars per million tokens" },
    { "a price that is a number", "prices:\n  m: 2",
      "config.yaml:2:6: prices.m: expected input and output in dollars per million tokens, found 2" },
    { "a price in words", "prices:\n  m: {input: cheap, output: 1}",
      'config.yaml:2:14: prices.m.input: expected a number of 0 or more, found "cheap"' },
    { "a date that is none", "prices: {as_of: March}",
      'config.yaml:1:17: prices.as_of: expected a date such as 2026-03-01, found "March"' },
    { "an odd setting of anonymise", "anonymise: maybe",
      'config.yaml:1:12: anonymise: expected on, off, or a map of columns, amounts and dates, found "maybe"' },
    { "a list at the top", "- a", "config.yaml:1:1: top level: expected keys and values, found a list" },
    { "text at the top", "hello", 'config.yaml:1:1: top level: expected keys and values, found "hello"' },
    { "phases that are no list", "phases: {joins: {}}",
      'config.yaml:1:9: phases: expected a list ("- name: joins"), found keys and values' },
    { "a phase that is a number", "phases: [5]",
      "config.yaml:1:10: phases[1]: expected a phase's keys and values, found 5" },
    { "a phase without a name", "phases:\n- count: 5",
      "config.yaml:2:3: phases[1].name: expected a name of letters, digits, _ and -, found nothing" },
    { "a phase with an odd name", "phases:\n- name: ../x",
      'config.yaml:2:9: phases[1].name: expected a name of letters, digits, _ and -, found "../x"' },
    { "a phase listed twice", "phases:\n- name: joins\n- name: joins",
      'config.yaml:3:3: phase "joins" is listed already (config.yaml:2:3)' },
    { "builtins", "phases:\n- name: b\n  builtins: 5",
      "config.yaml:3:13: builtins: expected a list of functions, or a map of function to count, found 5" },
    { "a count of a builtin", "phases:\n- name: b\n  builtins: {SUM: x}",
      'config.yaml:3:19: builtins.SUM: expected a whole number of 0 or more, found "x"' },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local errors = errors_of(case[2])
      assert.equal(1, #errors, table.concat(errors, "\n"))
      assert.equal(case[3], errors[1]:sub(1, #case[3]))
    end)
  end

  it("what is not YAML, with line and column", function()
    local errors = errors_of("a: 1\nb: [1, 2\nc: 3\n")
    assert.equal(1, #errors)
    assert.truthy(errors[1]:find("^config%.yaml:%d+:%d+: "), errors[1])
  end)

  it("everything at once, in the order of the file", function()
    assert.same({
      'config.yaml:1:7: seed: expected a whole number, found "x"',
      'config.yaml:2:9: stream: expected true or false, found "y"',
      'config.yaml:4:12: count: expected a whole number of 1 or more, found "z"',
    }, errors_of("seed: x\nstream: y\nphases:\n  - count: z\n    name: joins\n"))
  end)

  it("a file that was named but is not there", function()
    local got, errors = config.load { path = "my.yaml", read = function(path)
      return nil, "cannot read " .. path .. ": No such file or directory", "not_found"
    end }
    assert.is_nil(got)
    assert.same({ "cannot read my.yaml: No such file or directory" }, errors)
  end)

  it("a file that cannot be read", function()
    local why = "cannot read config.yaml: Permission denied"
    local got, errors = config.load { read = function() return nil, why, "io" end }
    assert.is_nil(got)
    assert.same({ why }, errors)
  end)
end)

describe("config.load warns about", function()
  local cases = {
    { "an unknown key", "budgt_usd: 5",
      'config.yaml:1:1: "budgt_usd" is not a setting (did you mean "budget_usd"?); it is ignored' },
    { "one like nothing", "zzzzzzzz: 5", 'config.yaml:1:1: "zzzzzzzz" is not a setting; it is ignored' },
    { "an option at the top", "count: 5",
      'config.yaml:1:1: "count" is not a setting (it belongs under defaults: or to a phase); it is ignored' },
    { "an unknown gate", "gates:\n  allow_emtpy: true",
      'config.yaml:2:3: gates.allow_emtpy: there is no such key (did you mean "allow_empty"?); it is ' },
    { "an unknown part of a price", "prices: {m: {input: 1, output: 2, cached: 1}}",
      "config.yaml:1:35: prices.m.cached: there is no such key" },
    { "a slip under defaults", "defaults:\n  paralelism: 5",
      'config.yaml:2:3: "paralelism" is not an option that phases share (did you mean "parallelism"?)' },
    { "two spellings of one key", "db_concurrent_sessions: 5\ndb_cocurrent_session: 6",
      'config.yaml:2:1: "db_cocurrent_session" means the same as "db_concurrent_sessions" at config.yaml' },
    { "more sessions than the limit", "db_concurrent_sessions: 500",
      "config.yaml:1:25: db_concurrent_sessions: 500 is above the limit of 450 (built in): taken as that" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local warnings = warnings_of(case[2])
      assert.equal(1, #warnings, table.concat(warnings, "\n"))
      assert.equal(case[3], warnings[1]:sub(1, #case[3]))
    end)
  end

  it("nothing under defaults that only one phase may know", function()
    assert.same({}, warnings_of("defaults: {my_own_thing: 5}"))
  end)

  it("the later of two spellings counts", function()
    local got = assert(load("db_cocurrent_session: 6\ndb_concurrent_sessions: 5"))
    assert.equal(5, got.settings.db_concurrent_sessions)
  end)
end)

describe("a caller's mistake", function()
  it("raises", function()
    assert.has_error(function() config.load() end,
      "config.load takes a table: { path=, flags=, env=, phase= }")
  end)
end)
