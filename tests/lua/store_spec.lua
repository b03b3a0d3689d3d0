-- The store as scripts see it: what waits, what does not, and handles that have gone stale.
local job = require "nlsql.job"
local store = require "nlsql.store"
local support = require "support"
local text = require "nlsql.text"

describe("nlsql.store", function()
  local dir, st

  before_each(function()
    dir = support.temp_dir()
    st = assert(store.open(dir .. "/nlsql.db"))
  end)

  after_each(function()
    st:close()
    os.execute("rm -rf " .. dir)
  end)

  local function open_run(fresh)
    return st:run {
      phase = "joins", version = "", fingerprint = "f", dataset = dir .. "/dataset.jsonl", fresh = fresh,
    }
  end

  local function entry(n)
    return {
      line = ('{"question":"q%d","sql":"SELECT %d"}'):format(n, n), question = "q" .. n,
      sql = "SELECT " .. n,
      sql_key = text.key("sql" .. n), masked_key = text.key "masked", question_key = text.key("q" .. n),
      facts = "{}",
    }
  end

  local function reopen()
    st:close()
    st = assert(store.open(dir .. "/nlsql.db"))
    return assert(open_run())
  end

  it("keeps a turn, and says so once it is durable", function()
    local run, info = open_run()
    assert.is_false(info.resumed)
    assert.is_nil(run:item "a+b")
    assert.is_true(run:commit {
      item = "a+b", ordinal = 1, turn = 1, done = false, state = "{}", entries = { entry(1), entry(2) },
      rejections = { { gate = "parse", reason = "no", sql = "SELEC", candidate = 3 } },
    })
    assert.same({ done = false, turns = 1, accepted = 2, state = "{}" }, run:item "a+b")
    assert.is_true(run:commit { item = "a+b", ordinal = 1, turn = 0, done = true, wait = false })
    run, info = st:run { phase = "joins", fingerprint = "f", dataset = dir .. "/other.jsonl" }
    assert.is_nil(run)
    assert.truthy(info:find("open already", 1, true))
    run = reopen()
    assert.is_true(run:item("a+b").done)
    local seen = {}
    for sql_key, masked_key, question_key in run:seen() do
      seen[#seen + 1] = text.hex(sql_key) .. text.hex(masked_key) .. text.hex(question_key)
    end
    assert.same({ text.hex(text.key "sql1") .. text.hex(text.key "masked") .. text.hex(text.key "q1"),
      text.hex(text.key "sql2") .. text.hex(text.key "masked") .. text.hex(text.key "q2") }, seen)
    assert.same({ entry(1).line, entry(2).line }, support.lines(dir .. "/dataset.jsonl"))
  end)

  it("recalls a recorded reply by key and sample, a failed one never", function()
    local run = assert(open_run())
    local function record(name, sample, reply)
      return run:record { key = text.key(name), sample = sample, purpose = "ask", model = "m", request = "{}",
        reply = reply, outcome = reply and "ok" or "timeout", cost = 0, seconds = 0.1 }
    end
    assert.is_true(record("r", 1, "one"))
    assert.is_true(record("r", 2, "two\0three"))
    assert.is_true(record("s", 1, nil))
    for _ = 1, 2 do
      assert.equal("one", run:recall(text.key "r", 1))
      assert.equal("two\0three", run:recall(text.key "r", 2))
      assert.is_nil(run:recall(text.key "r", 3))
      assert.is_nil(run:recall(text.key "s", 1))
      run = reopen()
    end
  end)

  it("keeps a budget: reserves, waits, refuses", function()
    st:budget(100)
    local id = assert(st:reserve(60))
    assert.same({ 0, 60 }, { st:ledger() })
    local second
    local waiting = job.spawn(function() second = assert(st:reserve(60)) end)
    st:flush()
    assert.equal("parked", waiting:state())
    assert.is_true(st:settle(id, 40))
    assert.is_true(waiting:wait())
    assert.same({ 40, 60 }, { st:ledger() })
    assert.is_true(st:settle(second))
    local none, message, code = st:reserve(1)
    assert.is_nil(none)
    assert.equal("budget", code)
    assert.truthy(message:find("budget reached", 1, true))
    none, message, code = st:settle(second)
    assert.is_nil(none)
    assert.equal("invalid", code)
    assert.truthy(message:find("settled before", 1, true))
    assert.equal(0, st:reserve(0))
    st:budget(nil)
    assert.truthy(st:reserve(1000000))
  end)

  it("gives back what a job that was cancelled had asked for", function()
    st:budget(100)
    local held = assert(st:reserve(50))
    local in_line = job.spawn(function() st:reserve(80) end)
    local on_its_way = job.spawn(function() st:reserve(50) end)
    job.sleep(0)
    in_line:cancel()
    on_its_way:cancel()
    assert.is_true(st:flush())
    assert.same({ 0, 50 }, { st:ledger() })
    assert.is_true(st:settle(held, 0))
    assert.truthy(st:reserve(100))
  end)

  it("charges in full what a job held that died, so that nobody waits for it for ever", function()
    st:budget(100)
    local asking = job.spawn(function()
      local hold <close> = st:hold(assert(st:reserve(80))) -- luacheck: ignore 211
      job.sleep(100)
    end)
    job.sleep(0)
    assert.is_true(st:flush())
    local waiting = job.spawn(function() return st:reserve(50) end)
    job.sleep(0)
    asking:cancel()
    local ok, none, _, code = waiting:wait()
    assert.same({ true, nil, "budget" }, { ok, none, code })
    assert.same({ 80, 0 }, { st:ledger() })
    do
      local settled = assert(st:reserve(10))
      local hold <close> = st:hold(settled) -- luacheck: ignore 211
      assert.is_true(st:settle(settled, 3))
    end
    assert.same({ 83, 0 }, { st:ledger() })
  end)

  it("lets a job die that waits for the disk", function()
    local run = assert(open_run())
    local committing = job.spawn(function() run:commit { item = "a", turn = 1, entries = { entry(1) } } end)
    local flushing = job.spawn(function() st:flush() end)
    job.sleep(0)
    committing:cancel()
    flushing:cancel()
    assert.is_true(st:flush())
    assert.equal(1, run:item("a").accepted) -- it was submitted, and stays
  end)

  it("tells those who wait that it was closed", function()
    st:budget(100)
    local run = assert(open_run())
    assert(st:reserve(100))
    local answers = {}
    local waiting = {
      job.spawn(function() answers[1] = table.pack(st:reserve(1)) end),
      job.spawn(function() answers[2] = table.pack(st:flush()) end),
      job.spawn(function() answers[3] = table.pack(run:commit { item = "a", turn = 1 }) end),
    }
    while waiting[3]:state() == "ready" do job.sleep(0) end
    st:close()
    for _, one in ipairs(waiting) do assert.is_true(one:wait()) end
    assert.same({ nil, "the store was closed", "cancelled", n = 3 }, answers[1])
  end)

  it("has handles that close twice and are of no use afterwards", function()
    local run = assert(open_run())
    local other = assert(st:run { phase = "other", fingerprint = "f", dataset = dir .. "/other.jsonl" })
    other:close()
    other:close()
    assert.error_matches(function() other:item "a" end, "this run is closed")
    st:close()
    st:close()
    assert.error_matches(function() run:item "a" end, "the store of this run is closed")
    assert.error_matches(function() run:record {} end, "the store of this run is closed")
    assert.error_matches(function() st:flush() end, "this store is closed")
    run:close()
  end)

  it("raises a caller's mistakes, naming the field", function()
    local run = assert(open_run())
    for _, case in ipairs {
      { function() run:commit {} end, "item is missing" },
      { function() run:commit { item = "a", turn = -1 } end, "turn: expected 0 to" },
      { function() run:commit { item = "a", entries = { {} } } end, "line is missing" },
      { function() run:commit { item = "a", entries = { 5 } } end, "entries: expected a list of tables" },
      { function() run:commit { item = "a", rejections = { { gate = "x" } } } end, "reason is missing" },
      { function() run:record { key = "short" } end, "key: expected a key of 16 bytes" },
      { function() run:record { key = text.key "", sample = 2.5 } end, "sample: expected a whole number" },
      { function() run:recall("short", 1) end, "expected a key of 16 bytes" },
      { function() run:recall(text.key "", -1) end, "expected 0 to" },
      { function() st:reserve(-1) end, "expected 0 or more" },
      { function() table.sort({ 1, 2 }, function() st:flush() end) end, "cannot wait here" },
    } do
      assert.error_matches(case[1], case[2])
    end
    assert.is_true(st:flush()) -- and nothing of it reached the store
    assert.is_nil(run:item "a")
  end)

  it("returns the world's failures", function()
    local run = assert(open_run())
    local bad = entry(1)
    bad.line = "two\nlines"
    local none, message, code = run:commit { item = "a", turn = 1, entries = { bad } }
    assert.is_nil(none)
    assert.equal("a dataset row must be one line of JSON", message)
    assert.equal("invalid", code)
    none, message, code = store.open(dir .. "/nlsql.db")
    assert.is_nil(none)
    assert.truthy(message:find("is in use by process", 1, true))
    assert.equal("busy", code)
    support.write(dir .. "/words.db", ("no database "):rep(100))
    none, message, code = store.open(dir .. "/words.db")
    assert.is_nil(none)
    assert.equal("io", code)
    assert.truthy(message:find(dir .. "/words.db", 1, true))
    assert.is_nil(st:failed())
  end)

  it("makes a producer wait that is far ahead of the disk", function()
    local run = assert(open_run())
    local reply, most = ("x"):rep(1 << 20), 0
    for i = 1, 200 do
      assert.is_true(run:record { key = text.key("r" .. i), purpose = "ask", model = "m", request = "{}",
        reply = reply, outcome = "ok" })
      most = math.max(most, st:backlog())
    end
    assert.truthy(most <= 66 << 20, most)
    assert.is_true(st:flush())
  end)

  it("keeps the secret of a run's stand-ins: shared by its runs, kept over a resume, new with fresh", function()
    local function secret_of(phase, fresh, age_ms)
      local run, info = st:run { phase = phase, version = "", fingerprint = "f", fresh = fresh, age_ms = age_ms }
      assert(run, info):close()
      assert.equal(32, #info.secret)
      return info.secret
    end
    local first = secret_of "joins"
    assert.equal(first, secret_of "single_table")
    reopen():close()
    assert.equal(first, secret_of "joins")
    local second = secret_of("joins", true, 0) -- none was made since then
    assert.not_equal(first, second)
    assert.equal(second, secret_of "joins")
    assert.equal(first, secret_of "single_table") -- it began with that one
    assert.equal(second, secret_of "complex_sqls") -- the newest
    assert.equal(second, secret_of("single_table", true, 60000)) -- of the same process as the one before
    local view <close> = assert(store.view(dir .. "/nlsql.db"))
    local seen = 0
    for row in view:runs() do
      if row.phase == "joins" then
        seen = seen + 1
        assert.equal(second, view:secret(row.id))
      end
    end
    assert.equal(1, seen)
    assert.is_nil(view:secret(10000))
  end)
end)
