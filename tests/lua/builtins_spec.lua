-- The phase builtins as a run of the real program: a model that calls tools (against a fake endpoint), one that cannot, and the
-- grammar. On the shop's database only `purchase` has a date, so EXTRACT is always asked of that.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"

local QUESTION = "In how many different months of the year were purchases made?"
local GOOD = "SELECT count(DISTINCT EXTRACT(MONTH FROM bought_on)) AS months FROM purchase"
local PLAUSIBLE = "SELECT count(DISTINCT date_part('month', bought_on)) AS months FROM purchase"

local function answer(query, question) return json.encode { question = question or QUESTION, sql = query } end
local function call(name, arguments, id) return { name = name, arguments = json.encode(arguments), id = id } end

--- Rules by what a request holds.
local NO_REPAIR = { match = "You review PostgreSQL queries", content = '{"score": 0, "reason": "no idea", "fixed_sql": null}' }
local WRITES = { match = "Write the query that answers this question", content = answer(GOOD) }
local PLAIN = "and runs as it stands"

describe("builtins with a model", function()
  local dir, endpoint

  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function serve(rules, options)
    if endpoint then endpoint.stop() end
    os.remove(dir .. "/requests")
    local arguments = { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", rules) }
    for _, word in ipairs(options or {}) do arguments[#arguments + 1] = word end
    endpoint = support.endpoint(arguments)
  end

  local function run(extra)
    local words = { "run", "builtins", "--count", "1" }
    local builtins = "builtins=EXTRACT"
    for _, word in ipairs(extra or {}) do
      if word:find("^builtins=") then builtins = word else words[#words + 1] = word end
    end
    words[#words + 1] = "--set"
    words[#words + 1] = builtins
    return support.nlsql(dir, words, { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })
  end

  local function requests()
    local list = {}
    for i, line in ipairs(support.lines(dir .. "/requests")) do list[i] = json.decode(json.decode(line).body) end
    return list
  end

  local function dataset() return shop.dataset(dir, "builtins") end

  local function tool_names(request)
    local names = {}
    for i, tool in ipairs(request.tools) do names[i] = tool["function"].name end
    return table.concat(names, " ")
  end

  --- What the model was told of a call.
  local function told(id)
    for _, request in ipairs(requests()) do
      for _, message in ipairs(request.messages) do
        if message.tool_call_id == id then return message.content end
      end
    end
  end

  it("lets it have a query written, validated and reviewed, and takes its answer", function()
    serve {
      { match = '"tool_call_id":"c3"', content = "Here it is:\n```json\n" .. answer(GOOD) .. "\n```" },
      { match = '"tool_call_id":"c2"', tool_calls = { call("critic", { sql = GOOD, question = QUESTION }, "c3") } },
      { match = '"tool_call_id":"c1"', tool_calls = { call("validate_sql", { sql = GOOD }, "c2") } },
      WRITES,
      { match = "You review PostgreSQL queries", content = '{"score": 0.9, "reason": "fine", "fixed_sql": null}' },
      { tool_calls = { call("generate_sql", { nl_question = "How many months, in the purchases?" }, "c1") } },
    }
    local code, out, err = run()
    assert.equal(0, code, out .. err)
    assert.same({ { question = QUESTION, sql = GOOD } }, dataset())
    local list = requests()
    assert.equal(6, #list)
    assert.equal("generate_sql validate_sql critic writer", tool_names(list[1]))
    assert.truthy(list[1].messages[2].content:find("Write one question about purchase whose answer needs the SQL function EXTRACT", 1, true))
    local wrote = list[2].messages[2].content
    assert.truthy(wrote:find("How many months, in the purchases?", 1, true), wrote)
    assert.truthy(wrote:find("The query calls the function EXTRACT.", 1, true), wrote)
    assert.truthy(wrote:find('"purchase":', 1, true) and not wrote:find('"customer":{', 1, true), wrote)
    assert.same({ sql = GOOD }, json.decode(told "c1"))
    assert.same({ valid = true, rows = 1 }, json.decode(told "c2"))
    assert.same({ score = 0.9, reason = "fine" }, json.decode(told "c3"))
    -- the day of the first purchase is the second of the month; as a stand-in that day may be another's
    local day = wrote:match('"purchase_id":"?1"?,"customer_id":"?%d+"?,"bought_on":"2023%-01%-(%d+)"')
    assert.truthy(day and day ~= "02", wrote)
  end)

  it("shows rows, with stand-ins unless config says off, and offers no tool for them where they are not wanted", function()
    local rules = {
      { match = '"tool_call_id":"w1"', content = answer(GOOD) },
      { tool_calls = { call("writer", { sql = "SELECT EXTRACT(YEAR FROM bought_on) AS y, bought_on FROM purchase ORDER BY bought_on", n_rows = 2 }, "w1") } },
    }
    support.write(dir .. "/config.yaml", "anonymise: off\n")
    serve(rules)
    assert.equal(0, (run()))
    assert.equal("generate_sql validate_sql critic writer", tool_names(requests()[1]))
    assert.same({ columns = { "y", "bought_on" }, rows = { { "2023", "2023-01-02" }, { "2023", "2023-01-03" } }, more_rows = true },
      json.decode(told "w1"))
    assert.truthy(requests()[1].messages[2].content:find("A few of its rows", 1, true))
    support.write(dir .. "/config.yaml", "anonymise: on\n")
    serve(rules)
    assert.equal(0, (run { "--fresh" }))
    local shown = json.decode(told "w1").rows
    assert.equal(2, #shown)
    assert.truthy(shown[1][2]:find("^2023%-01%-%d%d$") and shown[1][2] ~= "2023-01-02", shown[1][2])
    assert.truthy(requests()[1].messages[2].content:find("A few of its rows", 1, true))
    serve(rules)
    assert.equal(0, (run { "--fresh", "--set", "use_sample_rows=false" }))
    assert.equal("generate_sql validate_sql critic", tool_names(requests()[1]))
    assert.truthy(told("w1"):find('There is no tool "writer"', 1, true), told "w1")
    assert.falsy(support.read(dir .. "/requests"):find("2023-01-02", 1, true), "a row was shown")
  end)

  it("tells which gate a query fails, and why", function()
    serve {
      { match = '"tool_call_id":"v4"', content = answer(GOOD) },
      { tool_calls = {
        call("validate_sql", { sql = "SELECT * FROM purchase WHERE" }, "v1"), call("validate_sql", { sql = "DELETE FROM purchase" }, "v2"),
        call("validate_sql", { sql = PLAUSIBLE }, "v3"), call("validate_sql", { sql = "SELECT EXTRACT(YEAR FROM boght_on) FROM purchase" }, "v4"),
      } },
    }
    assert.equal(0, (run()))
    local wanted = { v1 = "parse", v2 = "safe", v3 = "accept", v4 = "grounded" }
    for id, gate in pairs(wanted) do
      local result = json.decode(told(id))
      assert.same({ false, gate }, { result.valid, result.gate }, told(id))
      assert.is_string(result.reason)
    end
    assert.equal("does not call EXTRACT", json.decode(told "v3").reason)
  end)

  it("goes on after a tool that there is not, and after broken arguments", function()
    serve {
      { match = '"tool_call_id":"b2"', content = answer(GOOD) },
      { match = '"tool_call_id":"b1"', tool_calls = { { name = "validate_sql", arguments = '{"sql": "SELECT', id = "b2" } } },
      { tool_calls = { call("run_sql", { sql = GOOD }, "b1") } },
    }
    assert.equal(0, (run()))
    assert.equal(1, #dataset())
    assert.truthy(told("b1"):find("There are: generate_sql, validate_sql, critic, writer.", 1, true), told "b1")
    assert.truthy(told("b2"):find("The arguments are no JSON object", 1, true), told "b2")
  end)

  it("does not take a plausible query that answers without the function: it falls at accept", function()
    serve { NO_REPAIR, { content = answer(PLAUSIBLE) } }
    local code, out = run { "--set", "max_attempts=1" }
    assert.equal(7, code)
    assert.truthy(out:find("accept%s+1"), out)
    assert.truthy(out:find("does not call EXTRACT", 1, true), out)
    assert.same({}, dataset())
  end)

  it("tells in the next turn, a later run's too, what was rejected and why", function()
    local rules = { NO_REPAIR, { match = "That answer was rejected. accept: does not call EXTRACT", content = answer(GOOD) },
      { content = answer(PLAUSIBLE) } }
    serve(rules)
    assert.equal(7, (run { "--set", "max_attempts=1" }))
    local code, out, err = run { "--set", "max_attempts=2" }
    assert.equal(0, code, out .. err)
    assert.same({ { question = QUESTION, sql = GOOD } }, dataset())
    local list = requests()
    assert.equal(answer(PLAUSIBLE), list[#list].messages[3].content)
  end)

  local told_apart = {
    { "CEIL", "SELECT ceiling(price) AS p FROM product" }, { "CEILING", "SELECT ceil(price) AS p FROM product" },
    { "NOW", "SELECT CURRENT_TIMESTAMP - bought_on AS since FROM purchase" },
    { "CURRENT_TIMESTAMP", "SELECT now() - bought_on AS since FROM purchase" }, { "MOD", "SELECT quantity % 2 AS m FROM purchase_line" },
    { "TRIM", "SELECT btrim(name) AS n FROM customer" },
  }
  for _, case in ipairs(told_apart) do
    it("does not take " .. case[2]:match("SELECT (.-) AS") .. " for " .. case[1], function()
      serve { NO_REPAIR, { content = answer(case[2]) } }
      local code, out = run { "builtins=" .. case[1], "--set", "max_attempts=1" }
      assert.equal(7, code)
      assert.truthy(out:find("does not call " .. case[1], 1, true) or out:find("grounded", 1, true), out)
    end)
  end

  it("asks plainly where it called tools to no end", function()
    serve { { match = PLAIN, content = answer(GOOD) }, { tool_calls = { call("validate_sql", { sql = GOOD }, "c1") } } }
    local code, out, err = run()
    assert.equal(0, code, out .. err)
    assert.truthy(out:find("it called validate_sql again and again with the same arguments", 1, true), out)
    assert.equal(5, #requests())
    assert.equal(1, #dataset())
  end)

  it("caps the requests of a turn", function()
    local rules = { { match = PLAIN, content = answer(GOOD) } }
    for i = 9, 1, -1 do
      rules[#rules + 1] = { match = ('"tool_call_id":"c%d"'):format(i), tool_calls = { call("validate_sql", { sql = "SELECT " .. i }, "c" .. i + 1) } }
    end
    rules[#rules + 1] = { tool_calls = { call("validate_sql", { sql = "SELECT 0" }, "c1") } }
    serve(rules)
    local code, out = run { "--set", "rounds=3" }
    assert.equal(0, code, out)
    assert.truthy(out:find("it called tools for 3 rounds and gave no answer", 1, true), out)
    assert.equal(4, #requests())
  end)

  it("asks plainly where the endpoint has no tools, having found that out once", function()
    serve({ { match = "about purchase whose", content = answer(GOOD) } }, { "--no-tools" })
    local code, out, err = run { "builtins=EXTRACT,DATE_TRUNC", "--set", "max_attempts=1", "--parallelism", "1" }
    assert.equal(7, code, out .. err)
    assert.same({ { question = QUESTION, sql = GOOD } }, dataset())
    local with, without = 0, 0
    for _, request in ipairs(requests()) do
      if request.tools then
        with = with + 1
      elseif request.messages[2].content:find(PLAIN, 1, true) then
        without = without + 1
        assert.equal("json_schema", request.response_format.type)
      end
    end
    assert.same({ 1, 2 }, { with, without })
  end)

  it("offers no tools where rounds is 0, nor a critic where there is none", function()
    serve { { match = PLAIN, content = answer(GOOD) } }
    assert.equal(0, (run { "--set", "rounds=0" }))
    assert.is_nil(requests()[1].tools)
    support.write(dir .. "/config.yaml", "critic: false\n")
    serve { { content = answer(GOOD) } }
    assert.equal(0, (run { "--fresh" }))
    assert.equal("generate_sql validate_sql writer", tool_names(requests()[1]))
  end)

  it("takes nothing twice: a double is asked for anew", function()
    local other = "SELECT EXTRACT(YEAR FROM bought_on) AS year, count(*) AS n FROM purchase GROUP BY 1"
    serve { { match = "is there already: ask something else", content = answer(other, "How many purchases a year?") },
      { content = answer(GOOD) } }
    local code, out, err = run { "--set", "count=2" }
    assert.equal(0, code, out .. err)
    assert.equal(2, #dataset())
    assert.truthy(out:find("unique%s+1"), out)
  end)

  it("gives each item an answer of its own, whichever is faster, where several ask the very same", function()
    local list = {}
    for i = 1, 4 do
      local query = ("SELECT EXTRACT(DAY FROM bought_on) AS d FROM purchase WHERE purchase_id > %d"):format(i * 7)
      list[i] = { times = 1, content = answer(query, "Q" .. i) }
    end
    for _, parallelism in ipairs { "1", "8" } do
      serve(list)
      local code, out, err = run { "--set", "count=4", "--set", "max_attempts=1", "--fresh", "--parallelism", parallelism }
      assert.equal(0, code, out .. err)
      assert.equal(4, #dataset())
    end
  end)

  it("is forecast with the requests that tools take, and asks nothing for it", function()
    local tokens = {}
    serve { { content = answer(GOOD) } }
    for i, rounds in ipairs { "8", "0" } do
      local code, out, err = run { "--dry-run", "--set", "rounds=" .. rounds }
      assert.equal(0, code, err)
      assert.truthy(out:find("Write one question about purchase whose answer needs the SQL function EXTRACT", 1, true), out)
      assert.equal(rounds == "8", out:find("A turn takes 4 to 10 requests", 1, true) ~= nil, out)
      tokens[i] = tonumber((out:match("Tokens in:  ([%d,]+)"):gsub(",", "")))
    end
    assert.is_true(tokens[1] > 3 * tokens[2])
    assert.same({}, requests())
  end)

  it("is the same run after a resume: recorded replies are not asked for again", function()
    local rules = {
      { match = '"tool_call_id":"c1"', content = answer(PLAUSIBLE) }, WRITES, NO_REPAIR,
      { tool_calls = { call("generate_sql", { nl_question = QUESTION }, "c1") } },
    }
    serve(rules)
    assert.equal(7, (run { "--set", "max_attempts=1" }))
    assert.equal(4, #requests())
    serve(rules)
    local code, out = run { "--set", "max_attempts=1" }
    assert.equal(7, code)
    assert.equal(0, #requests(), out)
  end)
end)

describe("builtins with the grammar", function()
  local dir
  before_each(function() dir = support.temp_dir() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function run(url, ...)
    return support.nlsql(dir, { "run", "builtins", "--provider", "offline", "--set", "anonymise=off", ... }, { DATABASE_URL = url })
  end

  local function functions_of(query)
    local catalog, pg = require "nlsql.catalog", require "nlsql.pg"
    local db = assert(pg.open(support.demo(), { sessions = 1 }))
    local schema = assert(catalog.load(db, {}))
    local function of(one)
      local statement <close> = assert(sql.parse(one))
      local set = {}
      for _, name in ipairs(statement:facts(schema).functions) do set[name] = true end
      return set
    end
    if query then return of(query) end
    return of, db
  end

  it("brings all pairs of all thirty functions on the demo database, in the plan's order", function()
    local code, out, err = run(support.demo())
    assert.equal(0, code, out .. err)
    local rows = shop.dataset(dir, "builtins")
    assert.equal(150, #rows)
    local listed = support.read("phases/builtins.lua"):match("local FUNCTIONS = {(.-)}")
    local of, db = functions_of()
    local n = 0
    for name in listed:gmatch('"([%u_]+)"') do
      for _ = 1, 5 do
        n = n + 1
        assert.is_true(of(rows[n].sql)[name:lower()], name .. ": " .. rows[n].sql)
      end
    end
    db:close()
    assert.equal(150, n)
  end)

  it("writes the same bytes at any parallelism, and others from another seed", function()
    local made = {}
    for i, words in ipairs { { "--parallelism", "1" }, { "--parallelism", "40" }, { "--seed", "9" } } do
      assert.equal(0, (run(support.demo(), "--count", "3", "--fresh", table.unpack(words))))
      made[i] = support.read(dir .. "/generated_datasets/builtins/dataset.jsonl")
    end
    assert.equal(made[1], made[2])
    assert.not_equal(made[1], made[3])
  end)

  it("takes a map of function to count, and has what was spoilt found and mended", function()
    support.write(dir .. "/config.yaml", "phases:\n  - name: builtins\n    builtins: {LOWER: 4, to_char: 30, COUNT: 0}\n"
      .. "offline: {error_rate: 0.3}\n")
    local code, out, err = run(support.demo())
    assert.equal(0, code, out .. err)
    assert.equal(34, #shop.dataset(dir, "builtins"))
    assert.falsy(out:find("Rejected, by gate: none", 1, true), out)
  end)

  it("leaves out what no table has a column for, and says so", function()
    local url = support.database("odd_single", { "tests/data/odd/single.sql" })
    local code, out, err = run(url, "--count", "2")
    assert.equal(0, code, out .. err)
    assert.truthy(err:find("builtins: [%u_]+ is left out: no table has a column for it")
      or err:find("can write no query that calls it", 1, true), err)
    assert.is_true(#shop.dataset(dir, "builtins") >= 40, out)
  end)

  it("serves names that need quotes and tables without keys", function()
    local names = support.database("odd_names", { "tests/data/odd/names.sql" })
    local code, out, err = run(names, "--count", "2", "--schemas", "Head Office")
    assert.equal(0, code, out .. err)
    assert.is_true(#shop.dataset(dir, "builtins") >= 50, out)
    local keyless = support.database("odd_keyless", { "tests/data/odd/keyless.sql" })
    code, out, err = run(keyless, "--count", "2", "--fresh")
    assert.equal(0, code, out .. err)
    assert.is_true(#shop.dataset(dir, "builtins") >= 40, out)
  end)

  local wrong = {
    { "a function that does not exist", "[COUNT, LOWWER]", 'there is no function "LOWWER" in PostgreSQL (did you mean "lower"?)' },
    { "one that no query may call", "[pg_sleep]", "pg_sleep: no query may call it" },
    { "a number", "7", "config.yaml:3:15: builtins: expected a list of functions, or a map of function to count, found 7" },
    { "a count that is none", "{LOWER: many}", "builtins.LOWER: expected a whole number" },
    { "nothing", "[]", "builtins: expected at least one function, found none" },
  }
  for _, case in ipairs(wrong) do
    it("says what is wrong with " .. case[1], function()
      support.write(dir .. "/config.yaml", ("phases:\n  - name: builtins\n    builtins: %s\n"):format(case[2]))
      local code, _, err = run(support.demo())
      assert.equal(3, code, err)
      assert.truthy(err:find(case[3], 1, true), err)
      assert.falsy(err:find("traceback", 1, true), err)
    end)
  end
end)
