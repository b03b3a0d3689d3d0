local json = require "nlsql.json"
local options = require "nlsql.options"

describe("options.check", function()
  local DECLARED = {
    count = { 200, "pairs wanted", { min = 1 } },
    share = { 0.5, "of what", { min = 0, max = 1 } },
    use_sample_rows = { true, "show rows" },
    style = { "plain", "how to write", { choices = { "plain", "formal" } } },
    functions = { json.array {}, "which", { of = { type = "text" } } },
    topic = { nil, "about what", { type = "text" } },
    weights = { { a = 1 }, "by what" },
  }
  local function check(given) return options.check(DECLARED, given, 'phase "joins"') end

  it("gives the defaults where nothing is given", function()
    local values, errors, warnings = check {}
    assert.equal(200, values.count)
    assert.equal(0.5, values.share)
    assert.is_true(values.use_sample_rows)
    assert.is_nil(values.topic)
    assert.same({}, errors)
    assert.same({}, warnings)
  end)

  local good = {
    { "count", { value = 5, at = "c:1:1" }, 5 },
    { "count", 5, 5 },
    { "count", { value = 5.0, at = "c:1:1" }, 5 },
    { "count", { value = "5", at = "--set count=5", words = true }, 5 },
    { "share", { value = 1, at = "c:1:1" }, 1 },
    { "share", { value = ".25", at = "--set", words = true }, 0.25 },
    { "use_sample_rows", { value = "off", at = "--set", words = true }, false },
    { "use_sample_rows", { value = "no", at = "c:1:1" }, false },
    { "style", { value = "formal", at = "c:1:1" }, "formal" },
    { "topic", { value = 2024, text = "2024", at = "c:1:1" }, "2024" },
    { "topic", { value = "true", at = "--set", words = true }, "true" },
    { "functions", { value = "SUM, AVG", at = "--set", words = true }, { "SUM", "AVG" } },
    { "functions", { value = json.array {}, at = "c:1:1" }, {} },
    { "weights", { value = { b = 2 }, at = "c:1:1" }, { b = 2 } },
    { "tag_schema_json", { value = true, at = "c:1:1" }, true }, -- every phase may have it
  }
  for i, case in ipairs(good) do
    it(("takes a value for %s (%d)"):format(case[1], i), function()
      local values, errors, warnings = check { [case[1]] = case[2] }
      assert.same({}, errors)
      assert.same({}, warnings)
      assert.same(case[3], values[case[1]])
      if math.type(case[3]) then assert.equal(math.type(case[3]), math.type(values[case[1]])) end
    end)
  end

  local bad = {
    { "count", { value = "many", at = "config.yaml:14:9" },
      'config.yaml:14:9: count: expected a whole number of 1 or more, found "many"' },
    { "count", { value = 0, text = "0", at = "--count" },
      "--count: count: expected a whole number of 1 or more, found 0" },
    { "count", { value = "5", at = "c:1:1" },
      'c:1:1: count: expected a whole number of 1 or more, found "5"' },
    { "count", { value = json.null, at = "c:1:1" },
      "c:1:1: count: expected a whole number of 1 or more, found nothing" },
    { "count", { value = "", at = "--set count=", words = true },
      '--set count=: count: expected a whole number of 1 or more, found ""' },
    { "share", { value = 1.5, text = "1.5", at = "c:1:1" },
      "c:1:1: share: expected a number from 0 to 1, found 1.5" },
    { "use_sample_rows", { value = 1, text = "1", at = "c:1:1" },
      "c:1:1: use_sample_rows: expected true or false, found 1" },
    { "style", { value = "rude", at = "c:1:1" },
      'c:1:1: style: expected one of "plain", "formal", found "rude"' },
    { "functions", { value = "SUM", at = "c:1:1" },
      'c:1:1: functions: expected a list of texts, found "SUM"' },
    { "functions", { value = json.array { "a", json.array {} }, at = "c:1:1" },
      "c:1:1: functions[2]: expected text, found a list" },
    { "weights", { value = "a", at = "--set", words = true },
      '--set: weights: expected keys and values, found "a"' },
    { "min_joins", { value = "x", at = "c:1:1" },
      'c:1:1: min_joins: expected a whole number of 1 or more, found "x"' },
    { "cuont", { value = "5", at = "--set cuont=5", words = true, from = "flag" },
      '--set cuont=5: phase "joins" has no option "cuont" (did you mean "count"?)' },
  }
  for _, case in ipairs(bad) do
    it("complains: " .. case[3], function()
      local values, errors = check { [case[1]] = case[2] }
      assert.same({ case[3] }, errors)
      assert.is_table(values)
    end)
  end

  it("warns about an unknown key of the file, with where the key stands", function()
    local given = { shrae = { value = 1, at = "c:2:9", key_at = "c:2:3", from = "phase" } }
    local _, errors, warnings = check(given)
    assert.same({}, errors)
    assert.same({ 'c:2:3: phase "joins" has no option "shrae" (did you mean "share"?); it is ignored' },
      warnings)
  end)

  it("says nothing of an unknown key of defaults, which may be another phase's", function()
    local _, errors, warnings = check { thing = { value = 1, at = "c:2:9", from = "defaults" } }
    assert.same({ {}, {} }, { errors, warnings })
  end)

  it("raises, with a place, where a phase reads an option that there is not", function()
    local values = check {}
    local ok, why = pcall(function() return values.min_join end)
    assert.is_false(ok)
    assert.truthy(why:find("options_spec%.lua:%d+: option "), why)
    assert.truthy(why:find('"min_join" is not one that phase "joins" declares (did you mean "min_joins"?)',
      1, true), why)
    assert.is_nil(values.n_rows)
  end)

  it("raises on a caller's mistake", function()
    assert.has_error(function() options.check({}, {}) end,
      "options.check(declared, given, where) takes two tables and a string")
  end)
end)
