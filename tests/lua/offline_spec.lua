-- The offline provider: the program with the grammar in a model's place.
local grammar = require "nlsql.grammar"
local json = require "nlsql.json"
local proc = require "nlsql.proc"
local repair = require "nlsql.grammar.repair"
local spoil = require "nlsql.grammar.spoil"
local support = require "tests.lua.support"

local DATASET = "/generated_datasets/joins/dataset.jsonl"

describe("nlsql run with the offline provider", function()
  local dir, url
  before_each(function()
    dir, url = support.temp_dir(), support.demo()
  end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function run(arguments, variables)
    local words = { "run", "phases/joins.lua", "--set", "provider=offline", "--set", "anonymise=off" } -- the demo's rows
    for _, word in ipairs(arguments) do words[#words + 1] = word end
    local env = { DATABASE_URL = url }
    for name, value in pairs(variables or {}) do env[name] = value end
    return support.nlsql(dir, words, env)
  end

  it("needs no key, no network and no price, and says in each entry who wrote it", function()
    local code, out, err = run { "--count", "5", "--set", "total_table_pairs=3", "--budget", "1" }
    assert.equal(0, code, err)
    assert.equal(15, #support.lines(dir .. DATASET))
    assert.truthy(out:find("the grammar costs nothing", 1, true), out)
    for _, line in ipairs(support.lines(dir .. DATASET)) do
      local row = json.decode(line)
      assert.is_string(row.question)
      assert.is_string(row.sql)
    end
  end)

  it("gives the same bytes at any parallelism, and after a kill and a resume", function()
    local options = { "--count", "30", "--set", "total_table_pairs=8", "--set", "offline.error_rate=0.2" }
    local made = {}
    for i, parallelism in ipairs { "1", "7", "64" } do
      local words = table.move(options, 1, #options, 3, { "--fresh", "--parallelism=" .. parallelism })
      local code, _, err = run(words)
      assert.equal(0, code, err)
      made[i] = support.read(dir .. DATASET)
    end
    assert.equal(made[1], made[2])
    assert.equal(made[1], made[3])
    assert.equal(240, select(2, made[1]:gsub("\n", "")))

    os.execute("rm -rf " .. dir .. "/generated_datasets")
    local argv = { "env", "DATABASE_URL=" .. url, "sh", "-c", 'cd "$0" && exec "$@" >/dev/null 2>&1', dir, support.build() .. "/nlsql", "run",
      "phases/joins.lua", "--set", "provider=offline", "--set", "anonymise=off", "--parallelism=3" }
    local killed = assert(proc.start { argv = table.move(options, 1, #options, #argv + 1, argv) })
    repeat until #support.lines(dir .. DATASET) >= 60
    killed:kill("KILL")
    killed:wait(10)
    assert.is_true(#support.lines(dir .. DATASET) < 240, "it was over before the kill")
    local code, out, err = run(options)
    assert.equal(0, code, err)
    assert.truthy(out:find("from earlier runs", 1, true), out)
    assert.equal(made[1], support.read(dir .. DATASET))
  end)

  it("depends on the seed", function()
    assert.equal(0, (run { "--count", "5", "--set", "total_table_pairs=3", "--seed", "1" }))
    local first = support.read(dir .. DATASET)
    assert.equal(0, (run { "--count", "5", "--set", "total_table_pairs=3", "--seed", "2", "--fresh" }))
    assert.not_equal(first, support.read(dir .. DATASET))
  end)

  it("errs as often as it is told, and each gate finds what was spoilt for it", function()
    local code, out, err = run { "--count", "40", "--set", "total_table_pairs=12", "--set", "offline.error_rate=0.2" }
    assert.equal(0, code, err)
    local total = 0
    for _, gate in ipairs(spoil.KINDS) do
      local spoilt, found, mended = out:match("  " .. gate .. "%s+(%d+) spoilt,%s+(%d+) found,%s+(%d+) mended")
      assert.truthy(spoilt, gate .. " is missing in:\n" .. out)
      -- a double of a pair that its item had no room for is surplus too
      local surplus = gate == "unique" and tonumber(out:match("Surplus:%s+(%d+)")) or 0
      assert.is_true((gate == "unique" or tonumber(found) <= tonumber(spoilt)) and found + surplus >= tonumber(spoilt),
        ("%s: %s of %s found"):format(gate, found, spoilt))
      local mends = gate ~= "read" and gate ~= "answer" and gate ~= "accept" and gate ~= "unique"
      assert.equal(mends and spoilt or "0", mended, gate)
      total = total + tonumber(spoilt)
    end
    assert.is_true(total > 60 and total < 250, "spoilt " .. total)
  end)

  it("writes only what the weights leave", function()
    local lines = { "provider: offline", "offline:", "  weights:" }
    for _, name in ipairs(grammar.constructs()) do
      lines[#lines + 1] = ("    %s: %d"):format(name, name == "per_period" and 1 or 0)
    end
    support.write(dir .. "/config.yaml", table.concat(lines, "\n") .. "\n")
    local code, out, err = run { "--count", "4", "--set", "total_table_pairs=4", "--set", "max_attempts=1" }
    assert.is_true(code == 0 or code == 7, out .. err)
    assert.is_true(#support.lines(dir .. DATASET) > 4)
    for _, line in ipairs(support.lines(dir .. DATASET)) do assert.truthy(line:find("date_trunc", 1, true) or line:find("EXTRACT", 1, true), line) end
  end)

  it("keeps what it wrote as a reply, with the provider and grammar in the entry's facts", function()
    assert.equal(0, (run { "--count", "2", "--set", "total_table_pairs=1" }))
    local bytes = support.read(dir .. "/generated_datasets/nlsql.db") .. (support.read(dir .. "/generated_datasets/nlsql.db-wal") or "")
    local n = 0
    for facts in bytes:gmatch('{[^{}]*"plan_cost"[^{}]*}') do
      local read = json.decode(facts)
      assert.same({ "offline", "grammar" }, { read.provider, read.model })
      n = n + 1
    end
    assert.is_true(n >= 2)
  end)

  local wrong = {
    { "a construct that there is not", "offline:\n  weights: { gruop: 1 }\n", 3,
      'offline.weights: there is no construct "gruop" (did you mean "group"?)' },
    { "an error rate above 1", "offline:\n  error_rate: 2\n", 3, "config.yaml:2:15: offline.error_rate: expected" },
    { "a key that there is not", "offline:\n  eror_rate: 0.1\n", 0, 'did you mean "error_rate"?' },
  }
  for _, case in ipairs(wrong) do
    local name, config, exit, sentence = table.unpack(case)
    it("says what is wrong with " .. name, function()
      support.write(dir .. "/config.yaml", config)
      local code, _, err = run { "--count", "1", "--set", "total_table_pairs=1" }
      assert.equal(exit, code, err)
      assert.truthy(err:find(sentence, 1, true), err)
    end)
  end

  it("says that there is nothing to ask about, exit code 4", function()
    for file, words in pairs { empty = "every table is empty", keyless = "no foreign keys connect 2 tables" } do
      local database = support.database("odd_" .. file, { "tests/data/odd/" .. file .. ".sql" })
      support.write(dir .. "/config.yaml", "discover: off\n") -- else the data would show some
      local code, out, err = run({ "--count", "1" }, { DATABASE_URL = database })
      assert.equal(4, code, out .. err)
      assert.truthy(err:find("nothing to ask about", 1, true), err)
      assert.truthy(err:find(words, 1, true), err)
    end
  end)

  it("ends an item whose tables hold no more pairs, and rejects nothing for that", function()
    local single = support.database("odd_views", { "tests/data/odd/views.sql" })
    os.execute("mkdir -p " .. dir .. "/phases")
    support.write(dir .. "/phases/each.lua", [[
      return { name = "each", summary = "s", plan = function(ctx, emit)
        for _, ref in ipairs(ctx.schema:names()) do emit { key = ref, tables = { ref } } end
      end, prompt = function() return "pairs, please" end }]])
    local code, out, err = support.nlsql(dir, { "run", "phases/each.lua", "--provider", "offline", "--count", "5000",
      "--set", "anonymise=off" },
      { DATABASE_URL = single })
    assert.equal(7, code, out .. err)
    assert.truthy(out:find("2 planned, 2 done, 0 failed", 1, true), out)
    assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
    -- and asks no more of it when the same is run again
    local made = support.read(dir .. "/generated_datasets/each/dataset.jsonl")
    code, out, err = support.nlsql(dir, { "run", "phases/each.lua", "--provider", "offline", "--count", "5000",
      "--set", "anonymise=off" },
      { DATABASE_URL = single })
    assert.equal(7, code, out .. err)
    assert.truthy(out:find("Requests: 0, 0 replies from the store", 1, true), out)
    assert.equal(made, support.read(dir .. "/generated_datasets/each/dataset.jsonl"))
  end)

  it("is one provider of those that providers.lua lists, and nothing else goes by its name", function()
    local listed = support.read "scripts/nlsql/providers.lua"
    local row = 'parrot = { module = "nlsql.parrot", words = "a parrot", noun = "parrot", reads_prompts = false, '
      .. 'sends = false, needs_key = false, free = "a parrot costs nothing" },'
    local with_row = listed:gsub("providers.KNOWN = {", "%0 " .. row):gsub('{ "openai", "offline" }', '{ "openai", "offline", "parrot" }')
    os.execute("mkdir -p " .. dir .. "/scripts/nlsql")
    support.write(dir .. "/scripts/nlsql/providers.lua", with_row)
    support.write(dir .. "/scripts/nlsql/parrot.lua", 'return setmetatable({}, { __index = require "nlsql.offline" })\n')
    local function parrot(phase, ...)
      return support.nlsql(dir, { "run", phase, "--provider", "parrot", "--set", "anonymise=off", "--count", "2",
        "--model", "without-a-price", "--budget", "1",
        ... }, { DATABASE_URL = url })
    end
    local code, out, err, _ = parrot("joins", "--set", "total_table_pairs=2")
    assert.equal(0, code, err)
    assert.truthy(out:find("(a parrot costs nothing)", 1, true), out)
    assert.is_nil(out:find("OPENAI_API_KEY", 1, true), "it stands in for nothing")
    code, _, err = parrot("joins", "--set", "total_table_pairs=2", "--replay")
    assert.equal(0, code, err)
    assert.truthy(err:find("byte for byte", 1, true), err)
    code, out, err = parrot("schema_relationship", "--set", "discover=off")
    assert.equal(0, code, out .. err)
    assert.truthy(err:find("a parrot proposes no others", 1, true), err)
    code, _, err = support.nlsql(dir, { "ask", "How many?", "--provider", "parrot" }, { DATABASE_URL = url })
    assert.equal(5, code, err)
    assert.truthy(err:find("a parrot reads no question", 1, true), err)
    code, _, err = run { "--provider", "oracle" }
    assert.equal(3, code, err)
    assert.truthy(err:find('expected one of "openai", "offline", "parrot"', 1, true), err)
  end)

  it("never mixes its pairs with those of another source", function()
    local shop = support.database("shop", { "tests/data/shop.sql" })
    assert.equal(0, (run { "--count", "2", "--set", "total_table_pairs=2" }))
    local before = support.read(dir .. DATASET)
    local code, _, err = support.nlsql(dir, { "run", "joins", "--count", "2" }, { DATABASE_URL = shop,
      OPENAI_BASE_URL = "http://127.0.0.1:1/v1" })
    assert.equal(3, code, err)
    assert.truthy(err:find("holds pairs of your database and the offline grammar", 1, true), err)
    assert.truthy(err:find("--fresh", 1, true), err)
    assert.equal(before, support.read(dir .. DATASET))
  end)

  it("refuses, in words, what is no task of its own", function()
    os.execute("mkdir -p " .. dir .. "/phases")
    support.write(dir .. "/phases/chat.lua", [[
      return { name = "chat", summary = "s", plan = function(ctx)
        local reply = ctx.llm:chat { purpose = "poem", messages = { { role = "user", content = "A poem, please" } } }
        ctx:log(reply.outcome .. ": " .. reply.message)
      end, prompt = function() end }]])
    local _, _, err = support.nlsql(dir, { "run", "phases/chat.lua", "--set", "provider=offline" }, { DATABASE_URL = url })
    assert.truthy(err:find("refusal: the offline grammar writes pairs, answers about tables, sets of tables and reviews, nothing else", 1, true), err)
  end)
end)

describe("repair.review sees the request's text only, and", function()
  local function request(sql, gate, reason)
    return ("This query was written for the question below, and failed.\n\nQuestion: How many?\n\nQuery:\n%s\n\nIt failed at: %s\n"
      .. "Reason: %s\n\nThe tables that it may use:\n"):format(sql, gate, reason)
  end
  local cases = {
    { "mends keywords", "SELCT a FORM t WEHRE b = 'FORM'", "parse", 'syntax error at or near "SELCT"', "SELECT a FROM t WHERE b = 'FORM'" },
    { "takes a lock off", "SELECT a FROM t FOR UPDATE", "safe", "locks rows", "SELECT a FROM t" },
    { "takes INTO out", "SELECT a INTO kept FROM t", "safe", "writes", "SELECT a FROM t" },
    { "takes the name that the complaint suggests", "SELECT c.nme FROM t AS c WHERE c.x = 'nme'", "grounded",
      'column "nme" does not exist in c (table t) (did you mean "name"?)', "SELECT c.name FROM t AS c WHERE c.x = 'nme'" },
    { "frees a number", "SELECT a FROM t WHERE n > '5 ca.'", "explain", 'invalid input syntax for type integer: "5 ca."',
      "SELECT a FROM t WHERE n > 5" },
    { "divides by what is not zero", "SELECT 1 / count(*) FROM t", "execute", "division by zero", "SELECT 1 / nullif(count(*), 0) FROM t" },
    { "gives up where it knows no rule", "SELECT a FROM t", "accept", "joins 1 of at least 2 tables", nil },
    { "guesses no name", "SELECT nme FROM t", "grounded", 'column "nme" does not exist in t', nil },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local review = repair.review(request(case[2], case[3], case[4]))
      assert.equal(case[5], review.fixed_sql)
      assert.is_number(review.score)
      assert.is_string(review.reason)
    end)
  end

  it("finds no query in another prompt", function()
    assert.is_nil(repair.review("Please mend SELECT 1").fixed_sql)
  end)
end)
