-- nlsql config: what holds and where it comes from; what --check finds. The real program, in a folder of
-- its own.
local effective = require "nlsql.effective"
local json = require "nlsql.json"
local support = require "tests.lua.support"
local templatecheck = require "nlsql.templatecheck"

describe("what nlsql config shows of an address", function()
  local cases = {
    { "postgresql://app:hunter2@host:5432/shop?sslmode=require", "postgresql://app@host:5432/shop" },
    { "postgres://app@host/shop", "postgres://app@host/shop" },
    { "postgresql://host/shop?password=hunter2", "postgresql://host/shop" },
    { "postgresql://app:p@ss:w/rd@host/shop", "postgresql://app@host/shop" },
    { "postgresql:///shop", "postgresql:///shop" },
    { "host=x password=hunter2" }, { "hunter2" },
  }
  for _, case in ipairs(cases) do
    it("is safe: " .. (case[2] or "nothing"), function() assert.same({ case[2] }, { effective.shown_url(case[1]) }) end)
  end
end)

describe("templatecheck", function()
  it("looks for what is given in the phase and the modules that it requires", function()
    local sources = templatecheck.sources('local tables = require "nlsql.tables"\nctx:render("x", { count = 1 })')
    assert.truthy(sources:find("function tables.suggested", 1, true))
    assert.same({}, templatecheck.faults("join_sql", "join_sql", "{ schema_json = 1, cut = 1, sample_rows = 1, min_joins = 1, "
      .. "count = 1 }"))
    assert.same({ "prompts/join_sql.txt: {{cut}} is not given to this template",
      "prompts/join_sql.txt: {{min_joins}} is not given to this template",
      "prompts/join_sql.txt: {{sample_rows}} is not given to this template",
      "prompts/join_sql.txt: {{schema_json}} is not given to this template" },
      templatecheck.faults("join_sql", "join_sql", "count = 1, cut == 1, is_cut = 2"))
    assert.same({ "prompts/join_sql.txt: {{min_joins}} is not given to this template" },
      templatecheck.faults("join_sql", "ask", "count = 1, min_join = 1")) -- the others are in the default
  end)
end)

describe("nlsql config", function()
  local dir

  before_each(function() dir = support.temp_dir() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function config(source, arguments, variables)
    if source then support.write(dir .. "/config.yaml", source) end
    return support.nlsql(dir, { "config", table.unpack(arguments or {}) }, variables)
  end

  local FILE = [[
openai_model: top
gates: {max_rows: 7}
tables: [a, b*]
defaults: {count: 3, parallelism: 2}
phases:
- name: joins
  min_joins: 3
  openai_model: own
  gates: {allow_empty: true}
- name: ours
  questions: [How many?]
]]

  local function values_of(source, arguments, variables)
    local code, out, err = config(source, { "--json", table.unpack(arguments or {}) }, variables)
    assert.equal(0, code, err)
    return json.decode(out), err
  end

  it("has each value with its origin", function()
    local got = values_of(FILE, { "--set", "seed=4", "--set", "joins.n_rows=9", "--budget", "2" },
      { DG_PARALLELISM = "6", OPENAI_API_KEY = "sk-secret", DATABASE_URL = "postgresql://app:hunter2@host/shop" })
    local s, joins, ours = got.settings, got.phases[1], got.phases[2]
    local function same(value, origin, one) assert.same({ value = value, origin = origin }, one) end
    assert.equal("config.yaml", got.file)
    same("top", "config.yaml:1:15", s.openai_model)
    same(7, "config.yaml:2:19", s["gates.max_rows"])
    same({ include = { "a", "b*" } }, "config.yaml:3:9", s.tables)
    same(6, "DG_PARALLELISM", s.parallelism)
    same(4, "--set seed=4", s.seed)
    same(2, "--budget", s.budget_usd)
    same(10, "built in", s.connect_timeout)
    same(json.null, "not set", s.temperature)
    same("set: postgresql://app@host/shop", "environment", got.environment.DATABASE_URL)
    same("set", "environment", got.environment.OPENAI_API_KEY)

    assert.same({ "joins", "phases/joins.lua" }, { joins.name, joins.file })
    same(3, "config.yaml:4:19", joins.values.count)
    same(3, "config.yaml:7:14", joins.values.min_joins)
    same("own", "config.yaml:8:17", joins.values.openai_model)
    same(true, "config.yaml:9:24", joins.values["gates.allow_empty"])
    same(9, "--set joins.n_rows=9", joins.values.n_rows)
    same("join_sql", "phases/joins.lua", joins.values.prompt_template)
    same("generated_datasets/joins", "built in", joins.values.dataset_output_file_dir)
    assert.is_nil(joins.values.questions)

    assert.same({ "ours", "phases/questions.lua" }, { ours.name, ours.file })
    same({ "How many?" }, "config.yaml:11:14", ours.values.questions)
  end)

  it("is aligned in three columns, and never has a secret", function()
    local code, out, err = config(FILE, {}, { OPENAI_API_KEY = "sk-secret", DATABASE_URL = "postgresql://app:hunter2@host/shop",
      OPENAI_BASE_URL = "https://me:hunter2@models.example/v1" })
    assert.equal(0, code, err)
    assert.is_nil(out:find("hunter2", 1, true) or out:find("sk-secret", 1, true))
    local at
    for line in out:gmatch("[^\n]+") do
      local origin = line:match("^  .*  ()%S+$")
      if origin and not line:find("…", 1, true) and not line:find("--", 1, true) then
        at = at or origin
        assert.equal(at, origin, line)
      end
    end
    assert.truthy(at and out:find("\n  openai_model +own +config.yaml:8:17\n"), out)
    assert.truthy(out:find("\nphase joins (phases/joins.lua)\n", 1, true))
    assert.truthy(out:find("https://***@models.example/v1", 1, true))
  end)

  it("is of one phase where one is named", function()
    local got = values_of(FILE, { "--phase", "ours" })
    assert.equal(1, #got.phases)
    assert.equal("ours", got.phases[1].name)
  end)

  it("takes .env, which the environment wins over", function()
    support.write(dir .. "/.env", "OPENAI_BUDGET_USD=5\n# x\nDG_PARALLELISM=9\nOPENAI_API_KEY=sk-secret\n")
    os.execute("chmod 600 " .. dir .. "/.env")
    local got, err = values_of("", {}, { DG_PARALLELISM = "4" })
    assert.same({ value = 5, origin = ".env:1" }, got.settings.budget_usd)
    assert.same({ value = 4, origin = "DG_PARALLELISM" }, got.settings.parallelism)
    assert.same({ value = "set", origin = ".env:4" }, got.environment.OPENAI_API_KEY)
    assert.is_nil(err:find("warn", 1, true), err)
    local _, out = config("openai_model: gpt-4.1\n", {}, { OPENAI_BUDGET_USD = "oops" })
    assert.is_nil(out:find("%S"))
    support.write(dir .. "/.env", "\nOPENAI_BUDGET_USD=lots\n")
    local code, _, why = config("")
    assert.equal(3, code)
    assert.truthy(why:find('.env:2: budget_usd: expected a number of 0 or more, found "lots"', 1, true), why)
  end)

  it("prints no configuration that is wrong, and what is right of a phase that is not", function()
    local code, out, err = config("seed: x\n")
    assert.same({ 3, "" }, { code, out })
    assert.truthy(err:find('config.yaml:1:7: seed: expected a whole number, found "x"', 1, true), err)
    code, out, err = config("phases: [nothing, joins]\n")
    assert.equal(3, code)
    assert.truthy(err:find('config.yaml:1:10: there is no phase "nothing"', 1, true), err)
    assert.truthy(out:find("phase joins", 1, true))
  end)

  describe("--check", function()
    local function check(source, arguments, variables)
      local code, out, err = config(source, { "--check", table.unpack(arguments or {}) }, variables)
      local lines = {}
      for line in err:gmatch("[^\n]+") do lines[#lines + 1] = line:match("^error: (.*)") end
      return code, lines, out, err
    end

    it("finds nothing wrong with what is right, and asks nobody", function()
      local code, lines, out, err = check(FILE, {}, { DATABASE_URL = "postgresql://127.0.0.1:1/none", OPENAI_API_KEY = "sk-x" })
      assert.same({}, lines)
      assert.equal(0, code, err)
      assert.equal("config.yaml: no fault found, 2 phases\n", out)
      code, lines, out, err = check(FILE)
      assert.same({}, lines)
      assert.equal(0, code, err) -- what a machine lacks is no fault of the file
      assert.equal("config.yaml: no fault found, 2 phases\n", out)
    end)

    it("says everything at once", function()
      assert(os.execute("mkdir -p " .. dir .. "/phases " .. dir .. "/prompts"))
      support.write(dir .. "/phases/broken.lua", "return {\n  name = 'broken',\n  acept = 1,\n}\n")
      support.write(dir .. "/phases/evil.lua", "os.execute('touch " .. dir .. "/touched')\n")
      support.write(dir .. "/prompts/odd.txt", "### user:\n{{schema_json}} {{min_joins}} {{cout}}\n")
      support.write(dir .. "/prompts/bare.txt", "no role\n")
      local code, lines, _, err = check([[
seed: x
budgt_usd: 5
language: German
provider: offline
offline: {weights: {lisst: 1}}
critic: {prompt_template: critc}
relations: [orders]
examples: [{question: q}]
phases:
- {name: joins, count: many, min_joins: 1, colour: red, prompt_template: odd, dataset_fields: [rowz, rows]}
- {name: ours, questions: [How many?]}
- {name: bare, prompt_template: bare}
- {name: nothing, count: 5}
- broken
- evil
]])
      assert.equal(3, code)
      local wanted = {
        'config.yaml:1:7: seed: expected a whole number, found "x"',
        'config.yaml:7:13: relations[1]: expected "orders.customer_id -> customers.id"',
        "config.yaml:8:12: examples[1]: expected a question and its sql, found no sql",
        'config.yaml:10:24: count: expected a whole number of 1 or more, found "many"',
        'config.yaml:2:1: "budgt_usd" is not a setting (did you mean "budget_usd"?)',
        "config.yaml:10:41: min_joins: expected a whole number of 2 or more, found 1",
        'config.yaml:10:44: phase "joins" has no option "colour"',
        'config.yaml:10:95: dataset_fields: there is no field "rowz" (did you mean "rows"?)',
        'config.yaml:10:74: prompt_template: prompts/odd.txt: {{cout}} is not given to this template (did you mean',
        'config.yaml:6:9: critic: prompts/critc.txt: there is no such template (did you mean "critic"?)',
        "language: the offline grammar writes English only, not German",
        'config.yaml:11:3: phase "ours": the offline grammar reads no questions',
        "config.yaml:12:33: prompt_template: prompts/bare.txt:1: there is no role line",
        'config.yaml:13:3: there is no phase "nothing"',
        'phases/broken.lua:3: "acept" is not a field of a phase',
        "phases/evil.lua:1: attempt to call a nil value (field 'execute')",
      }
      local said = "\n" .. table.concat(lines, "\n")
      for _, want in ipairs(wanted) do assert.truthy(said:find("\n" .. want, 1, true), want .. "\nis not in:" .. said .. err) end
      assert.is_nil(support.read(dir .. "/touched"))
    end)

    it("says once what all phases and one of them expect of a value, in the narrower words", function()
      support.write(dir .. "/config.yaml", "phases:\n- {name: joins, min_joins: many}\n")
      local code, _, err = support.nlsql(dir, { "config", "--check" })
      assert.equal(3, code)
      local _, times = err:gsub("min_joins: expected", "")
      assert.equal(1, times, err)
      assert.truthy(err:find('min_joins: expected a whole number of 2 or more, found "many"', 1, true), err)
    end)

    it("reads the examples", function()
      local _, lines = check("examples: [{question: q, sql: SELEC}]\nphases: [joins, {name: ours, questions: [q]}]\n")
      assert.equal(1, #lines)
      assert.truthy(lines[1]:find('^config.yaml:1:31: examples%[1%].sql: .*"SELEC"'), lines[1])
    end)

    it("names a construct that there is not, and a model without a price", function()
      local _, lines = check("provider: offline\noffline: {weights: {lisst: 1}}\nphases: [joins]\n")
      assert.truthy(lines[1]:find('offline.weights: there is no construct "lisst" (did you mean "list"?)', 1, true), lines[1])
      _, lines = check("openai_model: mine\nbudget_usd: 5\nphases: [joins]\n", {}, { OPENAI_API_KEY = "sk-x",
        DATABASE_URL = "postgresql://127.0.0.1:1/none" })
      assert.truthy(lines[1]:find('no price is known for model "mine"', 1, true), lines[1])
    end)
  end)
end)
