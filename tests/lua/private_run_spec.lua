-- Whole runs on a database of people, with an endpoint that writes down each request: no name, address, number or
-- note of anybody may be in a request, a dataset, a log or the store, and queries that filter on stand-ins work.
local anon = require "nlsql.anon"
local catalog = require "nlsql.catalog"
local grammar = require "nlsql.grammar"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local protect = require "nlsql.protect"
local shop = require "tests.lua.shop"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"

local URL, reals, people

local function ask(db, query) return assert(db:query(query, nil, { max_rows = 10000 })).rows end

--- All that is private in the database, and its people by number.
local function read_database()
  if reals then return end
  URL = support.database("private", { "tests/data/private.sql" })
  local db <close> = assert(pg.open(URL, {}))
  reals, people = protect.set(), {}
  for _, row in ipairs(ask(db, "SELECT person_id, full_name, email, phone, profile ->> 'alias' FROM person")) do
    people[tonumber(row[1])] = { name = row[2], email = row[3], phone = row[4] }
    for i = 2, 5 do reals:add(row[i]) end
  end
  for _, row in ipairs(ask(db, "SELECT note FROM visit")) do reals:add(row[1]) end
  assert(#reals >= 42 * 3 + 300)
end

local function files_below(dir)
  local list, p = {}, assert(io.popen("find " .. dir .. " -type f"))
  for path in p:lines() do list[#list + 1] = path end
  p:close()
  return list
end

--- Fails where a file holds a value of the database; returns how many files were looked at.
local function assert_clean(dir, but)
  local n = 0
  for _, path in ipairs(files_below(dir)) do
    local found = not (but and path:find(but, 1, true)) and reals:find(support.read(path))
    assert.is_nil(found, ("%s holds %s"):format(path, tostring(found)))
    n = n + 1
  end
  return n
end

describe("a database of people", function()
  local dir, endpoint

  before_each(function()
    read_database()
    dir = support.temp_dir()
    support.write(dir .. "/config.yaml", "retries: 0\ndefaults: {enable_worker_chat_log: true}\n")
  end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function serve(rules)
    if endpoint then endpoint.stop() end
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script",
      support.write_json_lines("/tmp/nlsql_rules_" .. dir:match("[^/]+$"), rules) }
  end

  local function nlsql(...)
    return support.nlsql(dir, { ... }, { DATABASE_URL = URL, OPENAI_BASE_URL = endpoint and endpoint.url })
  end

  --- Stand-ins of the first people, as sample_data writes them.
  local function standins()
    local code, _, err = nlsql("run", "sample_data", "--set", "n_rows=3")
    assert.equal(0, code, err)
    for _, row in ipairs(shop.dataset(dir, "sample_data")) do
      if row.question:find("from the person table", 1, true) then return row.rows end
    end
  end

  local SETS = shop.sets { "visit", "person" }
  local function pair(question, query) return { question = question, sql = query } end

  it("is asked about by stand-ins, which are executed as the values behind them", function()
    local rows = standins()
    assert.not_equal(people[1].name, rows[1].full_name)
    assert.not_equal(people[1].email, rows[1].email)
    local other, mail = rows[1].full_name, rows[3].email -- no prompt shows the third
    local quoted = other:gsub("'", "''")
    local FROM = " FROM visit v JOIN person p ON p.person_id = v.person_id WHERE "
    serve { SETS, { match = "failed", content = '{"score": 0, "reason": "hopeless", "fixed_sql": null}' }, { pairs = {
      pair("Which visits did " .. other .. " make?", "SELECT v.visit_id" .. FROM .. "p.full_name = '" .. quoted .. "'"),
      pair("When did the person of " .. mail .. " come?", "SELECT v.visited_on" .. FROM .. "p.email IN ('" .. mail .. "')"),
      pair("What did people like " .. other .. " pay?", "SELECT v.fee" .. FROM .. "p.full_name ILIKE '%" .. quoted:lower() .. "%'"),
      pair("What did " .. people[1].name .. " pay?", "SELECT v.fee" .. FROM .. "p.full_name = '"
        .. people[1].name:gsub("'", "''") .. "'"),
      pair("Which numbers are the notes?", "SELECT v.note::integer" .. FROM .. "v.fee > 0"),
      pair("Which number is the visitor?", "SELECT v.fee" .. FROM .. "v.visit_id = '" .. quoted .. "'"),
    } } }
    local code, out, err = nlsql("run", "joins", "--count", "6", "--set", "total_table_pairs=1", "--set", "max_attempts=1")
    assert.equal(7, code, err)
    local dataset = shop.dataset(dir)
    assert.equal(3, #dataset, out)
    assert.truthy(dataset[1].sql:find("p.full_name = '" .. quoted .. "'", 1, true))
    assert.truthy(dataset[1].question:find(other, 1, true))
    assert.truthy(out:find("private%s+1\n%s+1 × it holds a protected value"), out)
    assert.truthy(out:find('invalid input syntax for type integer: "…"', 1, true), out)
    assert.truthy(out:find('invalid input syntax for type integer: "' .. other .. '"', 1, true), out)
    assert.truthy(support.read(dir .. "/requests"):find(other, 1, true)) -- rows were shown
    assert.is_nil(reals:find(out .. err))
    assert.is_true(assert_clean(dir) > 5)
  end)

  it("shows nobody in any phase, whatever a model says of those it was shown", function()
    local shown = standins()
    local gossip = ("%s (%s, %s) came"):format(people[1].name, people[2].email, people[2].phone)
    local function filter(name) return "SELECT full_name, email FROM person WHERE full_name <> '" .. name:gsub("'", "''") .. "'" end
    local function pairs_of(said, query)
      return { pairs = { pair("Who is it? " .. said, query), pair("Who are they?", "SELECT oops FROM person"),
        { question = "What is person? " .. said, answer = "A table of people." } } }
    end
    local known, unknown = filter(people[2].name), filter(shown[3].full_name)
    serve { SETS, { match = "Name up to", content = json.encode { relations = json.array {} } },
      { match = shown[1].full_name, content = json.encode(pairs_of(gossip, known)) }, -- to which rows were shown
      { match = "failed", content = json.encode { score = 0.5, reason = "No.", fixed_sql = unknown } },
      { content = json.encode(pairs_of("It was " .. shown[3].full_name, unknown)) } }
    local fallen = 0
    local function run(phase)
      local _, out, err = nlsql("run", phase, "--count", "1", "--set", "max_attempts=2")
      fallen = fallen + (tonumber(out:match("private%s+(%d+)")) or 0)
      assert.is_nil(reals:find(out .. err), phase .. ": " .. out .. err)
      assert.is_nil(err:find("lua:%d+:"), err)
    end
    for _, phase in ipairs { "builtins", "single_table", "joins", "complex_sqls", "schema_docs", "schema_relationship" } do
      run(phase)
    end
    for _, words in ipairs { { "ask", "Which people are active?" }, { "try", "joins", "--fresh" } } do
      local _, out, err = nlsql(table.unpack(words))
      assert.is_nil(reals:find(out .. err), out .. err)
    end
    assert.is_true(#support.lines(dir .. "/requests") > 8)
    assert.is_true(fallen >= 3, "only " .. fallen .. " fell")
    assert_clean(dir)
  end)

  it("is not sent where a prompt holds a value all the same", function()
    os.execute("mkdir -p " .. dir .. "/phases")
    support.write(dir .. "/phases/careless.lua", ([[
      return { name = "careless", summary = "a prompt with rows that nobody disguised",
        plan = function(ctx, emit) emit { key = "raw", tables = { "person" } } emit { key = "good", tables = { "person" } } end,
        prompt = function(ctx, item)
          local shown = ctx:sample { "person" }
          if item.key == "good" then return "Write pairs for good. " .. shown end
          return "Write pairs for " .. ctx.db:query("SELECT full_name FROM person ORDER BY person_id LIMIT 1").rows[1][1]
        end }]]))
    serve { { pairs = { pair("How many are there?", "SELECT count(*) FROM person") } } }
    local code, out, err = nlsql("run", "phases/careless.lua", "--trust", "--count", "1", "--set", "max_attempts=1")
    assert.equal(7, code, err)
    assert.truthy(err:find("phase careless, item raw: the request (ask) is not sent: the user message holds a protected value "
      .. "(person", 1, true), err)
    assert.truthy(out:find("1 done, 1 failed", 1, true), out)
    assert.equal(1, #support.lines(dir .. "/requests"))
    assert.is_nil(reals:find(out .. err))
    assert_clean(dir)
  end)

  it("is told of by the offline grammar with stand-ins, executed as the values behind them", function()
    for _, phase in ipairs { "joins", "single_table", "complex_sqls", "builtins" } do
      local code, out, err = nlsql("run", phase, "--provider", "offline", "--count", phase == "builtins" and "2" or "30")
      assert.is_true(code == 0 or code == 7, phase .. ": " .. out .. err)
      assert.is_nil(reals:find(out .. err))
    end
    local named = 0
    for _, phase in ipairs { "joins", "single_table", "complex_sqls" } do
      local rows = shop.dataset(dir, phase)
      assert.is_true(#rows > 25, phase)
      for _, row in ipairs(rows) do
        local statement <close> = assert(sql.parse(row.sql))
        for _, literal in ipairs(assert(statement:literals())) do
          if not literal.number and literal.text:find("^%u%l+ %u%l+") and literal.op == "=" then named = named + 1 end
        end
      end
    end
    assert.is_true(named > 5, "only " .. named .. " pairs name somebody")
    assert_clean(dir)
  end)

  it("is checked with the values behind its stand-ins, where the store of the run is", function()
    local shown = standins()[1].full_name
    local quoted = shown:gsub("'", "''")
    local JOIN = " FROM visit v JOIN person p USING (person_id)"
    serve { SETS, { match = "failed", content = '{"score": 0, "reason": "hopeless", "fixed_sql": null}' }, { pairs = {
      pair("Which visits did " .. shown .. " make?", "SELECT v.visit_id" .. JOIN .. " WHERE p.full_name = '" .. quoted .. "'"),
      pair("Which visits were of " .. shown .. "?", "SELECT v.visit_id" .. JOIN .. " JOIN (VALUES ('"
        .. quoted .. "')) AS w (n) ON w.n = p.full_name"), -- no column stands beside it
      pair("How many visits are there?", "SELECT count(*)" .. JOIN) } } }
    nlsql("run", "joins", "--count", "3", "--set", "total_table_pairs=1", "--set", "max_attempts=1")
    assert.equal(0, (nlsql("run", "complex_sqls", "--provider", "offline", "--count", "60", "--set", "total_table_pairs=1")))
    local own, offline = "generated_datasets/joins/dataset.jsonl", "generated_datasets/complex_sqls/dataset.jsonl"
    assert.equal(3, #support.lines(dir .. "/" .. own))
    local function check(file, folder, ...)
      local code, out, err = support.nlsql(folder or dir, { "check", file, ... }, { DATABASE_URL = URL })
      assert.is_nil(reals:find(out .. err), out .. err)
      return code, out, err
    end
    local code, out, err = check(own)
    assert.same({ 0, "1: ok\n2: ok\n3: ok\n" }, { code, out }, err)
    assert.equal(0, (check(offline)))
    support.write(dir .. "/alone.jsonl", support.lines(dir .. "/" .. own)[2]) -- no other line makes the stand-in known
    code, out = check "alone.jsonl"
    assert.same({ 0, "1: ok\n" }, { code, out })

    local elsewhere = support.temp_dir() -- the store is found beside the dataset, or by its configuration
    assert.equal(0, (check(dir .. "/" .. own, elsewhere)))
    support.write(dir .. "/both.jsonl", support.read(dir .. "/" .. own) .. support.read(dir .. "/" .. offline))
    assert.equal(0, (check "both.jsonl"))
    code, out, err = check(dir .. "/both.jsonl", elsewhere)
    assert.equal(7, code)
    assert.equal("1: answer: the result has no rows", out:match("^[^\n]+"))
    assert.truthy(err:find("%d+ of them look for values and find no rows; if these are stand%-ins: there is no store "
      .. "generated_datasets/nlsql.db: without the store of the run that wrote it nobody can tell"), err)

    -- a query that no run wrote is judged as the dataset's run would have judged it, and shows nobody either
    local held = json.encode { question = "Who?", sql = "SELECT v.fee" .. JOIN .. " WHERE p.full_name = '"
      .. people[1].name:gsub("'", "''") .. "'" }
    local added = json.encode { question = "Who?", sql = "SELECT v.fee, 1" .. JOIN .. " WHERE p.full_name = '" .. quoted .. "'" }
    support.write(dir .. "/" .. own, support.read(dir .. "/" .. own) .. added .. "\n" .. held .. "\n")
    code, out = check(own, nil, "--json")
    assert.equal(7, code)
    assert.truthy(out:find('"line":4,"ok":true', 1, true), out)
    assert.truthy(out:find('"line":5,"ok":false,"gate":"private","reason":"it holds a protected value (person)', 1, true), out)

    -- what was archived has the secret that it was written with
    support.write(dir .. "/before.jsonl", support.read(dir .. "/" .. offline))
    assert.equal(0, (nlsql("run", "complex_sqls", "--fresh", "--provider", "offline", "--count", "5", "--set", "total_table_pairs=1")))
    assert.equal(0, (check "before.jsonl"))
    assert.equal(0, (check(offline)))
    os.execute("rm -rf " .. elsewhere)
  end)

  it("is told of in the same pairs whenever the secret is the same", function()
    local db <close> = assert(pg.open(URL, {}))
    local schema = assert(catalog.load(db, {}))
    local function write(secret)
      local made = anon.open({ anonymise = true }, schema, secret:rep(32), db)
      local written = grammar.open(schema, db, { seed = 3, anon = made })
      local list = written:pairs({ "visit", "person" }, 40, 1, written:draws("x"), grammar.known(0))
      for i, one in ipairs(list) do list[i] = one.question .. "\n" .. one.sql end
      return table.concat(list, "\n")
    end
    local first = write "a"
    assert.equal(first, write "a")
    assert.not_equal(first, write "b")
    assert.is_nil(reals:find(first))
  end)

  it("goes out as it is to this machine where the configuration says so", function()
    support.write(dir .. "/config.yaml", "anonymise: off\nretries: 0\n")
    serve { SETS, { pairs = { pair("What did " .. people[1].name .. " pay?",
      "SELECT v.fee FROM visit v JOIN person p USING (person_id) WHERE p.full_name = '" .. people[1].name:gsub("'", "''") .. "'") } } }
    local code, _, err = nlsql("run", "joins", "--count", "1", "--set", "total_table_pairs=1")
    assert.equal(0, code, err)
    assert.truthy(reals:find(support.read(dir .. "/requests")))
    assert.truthy(reals:find(support.read(dir .. "/generated_datasets/joins/dataset.jsonl")))
  end)
end)
