-- Runs looked at, replayed, and their rejected candidates taken up again: the real program, a real endpoint, a real
-- database.
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local proc = require "nlsql.proc"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local DATASET = "/generated_datasets/joins/dataset.jsonl"
local REPLAYED = "/generated_datasets/joins/dataset.replay.jsonl"
local SETS = shop.sets({ "customer", "purchase" }, { "product", "purchase_line" }, { "customer", "purchase", "purchase_line" })
local MISTAKEN = { question = "How many purchases has each counrty?",
  sql = "SELECT c.counrty, count(*) FROM customer c JOIN purchase p USING (customer_id) GROUP BY 1" }
local MENDED = { content = json.encode { score = 0.4, reason = "a typing error",
  fixed_sql = "SELECT c.country, count(*) FROM customer c JOIN purchase p USING (customer_id) GROUP BY 1 ORDER BY 2" },
  match = "You review" }
local EMPTY = { question = "Which customers of Atlantis made a purchase?",
  sql = "SELECT c.customer_id FROM customer c JOIN purchase p USING (customer_id) WHERE c.country = 'Atlantis'" }

describe("runs", function()
  local dir, endpoint

  before_each(function() dir = support.temp_dir() end)

  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function serve(arguments) endpoint = support.endpoint(arguments) end

  local function serve_rules(rules, more)
    local arguments = { "--script", support.write_json_lines(dir .. "/rules.jsonl", rules) }
    serve(table.move(more or {}, 1, #(more or {}), #arguments + 1, arguments))
  end

  local function variables(url)
    return { DATABASE_URL = shop.url(), OPENAI_BASE_URL = url or endpoint and endpoint.url or "http://127.0.0.1:9/v1" }
  end

  local function run(words, url)
    local all = table.move(words, 1, #words, 3, { "run", "joins" })
    return support.nlsql(dir, all, variables(url))
  end

  local function runs(...)
    local code, out, err = support.nlsql(dir, { "runs", "--json", ... }, variables())
    assert.equal(0, code, err)
    local list = {}
    for line in out:gmatch("[^\n]+") do list[#list + 1] = assert(json.decode(line)) end
    return list
  end

  --- A run of three items with doubles, mended and rejected candidates, at so much parallelism.
  local THREE = { "--count", "6", "--set", "total_table_pairs=3", "--set", "max_attempts=4",
    "--set", "gates.literal_variants=0" }

  local function serve_three()
    local pairs_file = support.write_json_lines(dir .. "/pairs.jsonl",
      table.move(shop.many(40), 1, 40, 3, { MISTAKEN, EMPTY }))
    serve_rules({ SETS, MENDED }, { "--pairs", pairs_file, "--per-reply", "3", "--by-request", "--cycle" })
  end

  describe("replayed", function()
    it("give the same bytes from the recorded replies, whatever the parallelism, and ask nobody", function()
      serve_three()
      run(THREE)
      local made = support.read(dir .. DATASET)
      assert.is_true(#support.lines(dir .. DATASET) >= 10)
      assert.is_true(runs()[1].calls > 5)
      local asked = endpoint.stop().requests
      endpoint = nil
      assert.equal(runs()[1].calls, asked)
      local words = table.move(THREE, 1, #THREE, 2, { "--replay" })
      for _, parallelism in ipairs { "1", "3", "16" } do
        local _, _, err = run(table.move({ "--parallelism", parallelism }, 1, 2, #words + 1, words)) -- nobody is there
        assert.equal(made, support.read(dir .. REPLAYED), err)
        assert.truthy(err:find("is the same as generated_datasets/joins/dataset.jsonl, byte for byte", 1, true), err)
      end
      serve_three()
      run(words)
      assert.equal(0, endpoint.stop().requests)
      endpoint = nil
      assert.equal(made, support.read(dir .. REPLAYED))
      assert.equal(made, support.read(dir .. DATASET))
      assert.equal(1, #runs("--all")) -- and the store has nothing of it
    end)

    it("need neither key nor address, and find out who had answered", function()
      serve_rules { SETS, { pairs = { shop.BY_COUNTRY } } }
      assert.equal(0, (run { "--count", "1", "--set", "total_table_pairs=1" }))
      local code, _, err = support.nlsql(dir, { "run", "joins", "--count", "1", "--set", "total_table_pairs=1", "--replay" },
        { DATABASE_URL = shop.url() })
      assert.equal(0, code, err)
      assert.equal(support.read(dir .. DATASET), support.read(dir .. REPLAYED))
    end)

    it("name the item and turn that have no reply, and do the others", function()
      serve_rules { SETS, { match = "purchase_line", status = 400, body = "{}" }, { pairs = { shop.BY_COUNTRY } } }
      local words = { "--count", "1", "--set", "total_table_pairs=3", "--set", "max_attempts=1", "--parallelism", "1" }
      run(words)
      local code, _, err = run(table.move({ "--replay" }, 1, 1, #words + 1, words))
      assert.equal(5, code, err)
      assert.truthy(err:find('item product+purchase_line: turn 1: no reply to its request "ask" is recorded', 1, true), err)
      assert.equal(1, #support.lines(dir .. REPLAYED))
    end)

    it("say what changed where that is why", function()
      serve_rules { SETS, { pairs = { shop.BY_COUNTRY } } }
      local words = { "--count", "1", "--set", "total_table_pairs=1" }
      run(words)
      local code, _, err = run { "--count", "1", "--set", "total_table_pairs=1", "--replay", "--seed", "5" }
      assert.equal(5, code)
      assert.truthy(err:find("changed since they were recorded: seed: 1 before, 5 now", 1, true), err)
      assert.truthy(err:find('no reply to its request "join_set" is recorded; nlsql run without --replay asks for it', 1, true),
        err)
    end)

    it("are refused where there is nothing to replay, or with flags that mean otherwise", function()
      local code, _, err = run { "--replay" }
      assert.equal(3, code)
      assert.truthy(err:find("there is no store generated_datasets/nlsql.db: nothing was recorded yet", 1, true), err)
      serve_rules { SETS, { pairs = { shop.BY_COUNTRY } } }
      run { "--count", "1", "--set", "total_table_pairs=1" }
      code, _, err = run { "--replay", "--run-version", "b" }
      assert.equal(3, code)
      assert.truthy(err:find('has no run of "joins" with --run-version b (there is: joins)', 1, true), err)
      code, _, err = run { "--replay", "--fresh" }
      assert.equal(2, code)
      assert.truthy(err:find("--replay and --fresh do not go together", 1, true), err)
    end)
  end)

  it("ask once what is wanted twice at the same time, so that a replay tells both the same", function()
    os.execute("mkdir -p " .. dir .. "/phases")
    support.write(dir .. "/phases/twice.lua", [[
      local jobs = require "nlsql.jobs"
      return {
        name = "twice", summary = "two at once",
        plan = function(_, emit) emit { key = "one", count = 1 } end,
        run = function(ctx)
          local function ask()
            return ctx.llm:chat({ purpose = "ask", messages = { { role = "user", content = "Hello?" } } }).content
          end
          local said = jobs.all { ask, ask }
          return { { question = said[1] .. said[2], sql = "SELECT 1 FROM customer LIMIT 1" } }
        end,
      }]])
    serve_rules { { delay_ms = 200, content = "a", times = 1 }, { content = "b" } }
    local code, _, err = support.nlsql(dir, { "run", "phases/twice.lua" }, variables())
    assert.equal(0, code, err)
    assert.equal("aa", shop.dataset(dir, "twice")[1].question)
    assert.equal(1, endpoint.stop().requests)
    endpoint = nil
  end)

  it("say what changed since: an option, a setting, the phase, a prompt", function()
    serve_rules { SETS, { pairs = { shop.BY_COUNTRY } } }
    os.execute(("mkdir -p %s/phases %s/prompts"):format(dir, dir))
    os.execute(("cp phases/joins.lua %s/phases/; cp prompts/join_sql.txt %s/prompts/"):format(dir, dir))
    local words = { "--count", "1", "--set", "total_table_pairs=1" }
    local function again(extra)
      local _, _, err = run(table.move(extra or {}, 1, #(extra or {}), #words + 1, table.move(words, 1, #words, 1, {})))
      return err:match("changed since then: ([^\n]*); what is done")
    end
    assert.is_nil(again())
    assert.is_nil(again())
    assert.equal("option max_attempts: 6 before, 3 now", again { "--set", "max_attempts=3" })
    assert.equal("option max_attempts: 3 before, 6 now; gates.allow_empty: false before, true now",
      again { "--set", "gates.allow_empty=true" })
    assert.equal('gates.allow_empty: true before, false now; openai_model: "gpt-4.1" before, "other" now',
      again { "--model", "other" })
    assert.is_nil(again { "--model", "other", "--parallelism", "2" })
    support.write(dir .. "/phases/joins.lua", support.read(dir .. "/phases/joins.lua") .. "\n-- later\n")
    support.write(dir .. "/prompts/join_sql.txt", support.read(dir .. "/prompts/join_sql.txt") .. "Be brief.\n")
    assert.equal("phases/joins.lua changed; prompts/join_sql.txt changed", again { "--model", "other" })
    assert.is_nil(again { "--model", "other" })
    assert.equal("phases/joins.lua changed; prompts/join_sql.txt changed", runs()[1].changed)
    assert.equal(1, #support.lines(dir .. DATASET))
  end)

  describe("whose rejected candidates are retried", function()
    local words = { "--count", "2", "--set", "total_table_pairs=1", "--set", "max_attempts=1" }
    local function again(...) return run(table.move(words, 1, #words, select("#", ...) + 1, { ... })) end

    before_each(function()
      serve_rules { SETS, { pairs = { EMPTY, shop.BY_COUNTRY } } }
      assert.equal(7, (run(words)))
      assert.equal(1, runs()[1].rejections)
    end)

    it("keep what falls as before, once", function()
      local code, out = again "--retry-rejected"
      assert.equal(7, code)
      assert.truthy(out:find("1 rejected candidates met the gates again, 0 passed", 1, true), out)
      assert.equal(1, runs()[1].rejections)
    end)

    it("take what passes now, without asking", function()
      local code, out, err = again("--retry-rejected", "--set", "gates.allow_empty=true")
      assert.equal(0, code, out .. err)
      assert.truthy(out:find("1 rejected candidates met the gates again, 1 passed", 1, true), out)
      assert.equal(2, endpoint.stop().requests) -- of the first run: the sets, and one turn
      endpoint = nil
      assert.equal(2, #support.lines(dir .. DATASET))
      assert.equal(EMPTY.question, shop.dataset(dir)[2].question)
      local row = runs()[1]
      assert.same({ 0, 2, "done" }, { row.rejections, row.entries, row.state })
      code, out = again("--retry-rejected", "--set", "gates.allow_empty=true")
      assert.equal(0, code)
      assert.truthy(out:find("0 rejected candidates met the gates again", 1, true), out)
    end)

    it("tell the gate at which they fall now", function()
      local _, out = again("--retry-rejected", "--set", "gates.allow_empty=true", "--set", "gates.max_cost=0.01")
      assert.truthy(out:find("Rejected, by gate:\n  explain", 1, true), out)
      assert.equal(1, runs()[1].rejections)
    end)
  end)

  --- Starts a run and returns its process once it asks.
  local function start(words)
    local argv = table.move(words, 1, #words, 4, { support.build() .. "/nlsql", "run", "joins" })
    local p = assert(proc.start { argv = argv, cwd = dir, env = variables(), stderr = dir .. "/.started" })
    local deadline = jobs.now() + 10
    repeat
      jobs.sleep(0.05)
      local _, out = support.nlsql(dir, { "runs", "--json" }, variables())
    until out:find('"calls":[1-9]') or jobs.now() > deadline
    return p
  end

  it("are listed and followed while another process writes them, which a second one cannot", function()
    serve_rules({ SETS, { delay_ms = 1500, pairs = { shop.BY_COUNTRY, MISTAKEN } } })
    local p = start { "--count", "1", "--set", "total_table_pairs=1", "--set", "critic=false" }
    local row = runs()[1]
    local pid = row.state:match("^running %(process (%d+)%)$")
    assert.truthy(pid, row.state)
    local code, _, err = run { "--count", "1" }
    assert.equal(1, code)
    assert.truthy(err:find(("generated_datasets/nlsql.db is in use by process %s"):format(pid), 1, true), err)
    local out
    code, out, err = support.nlsql(dir, { "log", "joins", "--follow", "--json" }, variables())
    assert.equal(0, code, err)
    assert.equal(0, p:wait(5))
    local events = {}
    for line in out:gmatch("[^\n]+") do
      local event = assert(json.decode(line))
      events[#events + 1] = event.event .. ":" .. (event.purpose or event.gate or event.question or "")
    end
    assert.same({ "opened:", "asked:join_set", "asked:ask", "rejected:grounded", "accepted:" .. shop.BY_COUNTRY.question },
      events)
    assert.truthy(err:find("run 1 of joins: done; 1 pairs, 1 rejected, 2 calls", 1, true), err)
    assert.equal("done", runs()[1].state)
  end)

  it("tell a run that was killed, an archived one, and where there is none", function()
    local code, _, err = support.nlsql(dir, { "runs" }, variables())
    assert.equal(1, code)
    assert.truthy(err:find("there is no store generated_datasets/nlsql.db: nothing was run here yet", 1, true), err)
    serve_rules { SETS, { delay_ms = 5000, pairs = { shop.BY_COUNTRY } } }
    local p = start { "--count", "1", "--set", "total_table_pairs=1" }
    p:kill("KILL")
    p:wait(5)
    assert.equal("cut off", runs()[1].state)
    endpoint.stop()
    serve_rules { SETS, { pairs = { shop.BY_COUNTRY } } }
    assert.equal(0, (run { "--count", "1", "--set", "total_table_pairs=1", "--fresh" }))
    assert.equal(1, #runs())
    local all = runs "--all"
    assert.same({ "archived", "done" }, { all[1].state, all[2].state })
    local out
    code, out = support.nlsql(dir, { "log", "1" }, variables())
    assert.equal(0, code)
    assert.truthy(out:find("opened   the run began", 1, true), out)
    code, _, err = support.nlsql(dir, { "log", "jions" }, variables())
    assert.equal(2, code)
    assert.truthy(err:find('there is no run of "jions" (did you mean joins?)', 1, true), err)
    code, out = support.nlsql(dir, { "runs", "--all" }, variables())
    assert.equal(0, code)
    assert.truthy(out:find("  2  joins  -        done ", 1, true), out)
  end)
end)
