-- The config.yaml that is shipped: it has no fault, and what it says in comments is true.
local config = require "nlsql.config"
local files = require "nlsql.files"
local support = require "tests.lua.support"

local PATH = files.find("scripts", "nlsql/config.lua"):gsub("scripts/nlsql/config.lua$", "config.yaml")
local SEVEN = { "builtins", "schema_docs", "single_table", "joins", "complex_sqls", "sample_data", "schema_relationship" }

describe("the shipped config.yaml", function()
  it("has no fault, a price for every common model, and rows off limits", function()
    local got = assert(config.load { path = PATH })
    assert.same({}, got.warnings)
    for _, model in ipairs { "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "o4-mini" } do
      local price = assert(got.settings.prices[model], model)
      assert.truthy(price.as_of:find("^%d+%-%d+%-%d+$"))
      assert.is_true(price.cached_input < price.input and price.input < price.output)
    end
    assert.is_true(got.settings.anonymise)
    assert.equal(50, got.settings.budget_usd)
  end)

  it("lists the seven phases", function()
    local got = assert(config.load { path = PATH })
    local names, by_name = {}, {}
    for i, phase in ipairs(got.phases) do names[i], by_name[phase.name] = phase.name, phase end
    assert.same(SEVEN, names)
    local function value(phase, name) return by_name[phase].options[name].value end
    assert.equal(30, #value("builtins", "builtins"))
    assert.equal(25, value("builtins", "count"))
    assert.is_false(value("builtins", "tag_schema_json"))
    assert.is_true(value("single_table", "tag_schema_json")) -- of defaults
    assert.equal(800, value("schema_docs", "count"))
    assert.same({ 200, 35, 2 }, { value("joins", "count"), value("joins", "total_table_pairs"), value("joins", "min_joins") })
    assert.equal(50, by_name.single_table.settings.parallelism)
    for _, name in ipairs(SEVEN) do
      assert.equal("generated_datasets/" .. name, value(name, "dataset_output_file_dir"))
    end
  end)

  it("has keys in its comments that are keys, with values that are right", function()
    local lines, inside = {}, false
    for line in assert(support.read(PATH)):gmatch("([^\n]*)\n") do
      local key = line:match("^# ([%l_]+:.*)$")
      local below = inside and line:match("^# (%s+.*)$")
      inside = key ~= nil or below ~= nil
      lines[#lines + 1] = key or below or line
    end
    local got, errors = config.load { path = PATH, read = function() return table.concat(lines, "\n") end }
    assert(got, errors and table.concat(errors, "\n"))
    assert.same({}, got.warnings)
    local s = got.settings
    for _, name in ipairs { "base_url", "schemas", "relations", "examples", "language", "critic" } do
      assert.truthy(got.origins[name]:find("config.yaml", 1, true), name)
    end
    assert.same({ "log_*", "sales.tmp*" }, s.tables.exclude)
    assert.equal("Status 3 means cancelled.", s.notes.orders)
    assert.equal(0.1, s.offline.error_rate)
    assert.equal(1000000, s.limits.max_cost)
  end)

  local whole = true
  for _, name in ipairs(SEVEN) do whole = whole and files.find("phases", name .. ".lua") ~= nil end
  local test = whole and it or pending
  test("is right for the phases as they are", function()
    local dir = support.temp_dir()
    support.write(dir .. "/config.yaml", support.read(PATH))
    local code, out, err = support.nlsql(dir, { "config", "--check" })
    assert.equal(0, code, err)
    assert.equal("config.yaml: no fault found, 7 phases\n", out)
    os.execute("rm -rf " .. dir)
  end)
end)
