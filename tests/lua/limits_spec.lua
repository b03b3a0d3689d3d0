-- How much a run does at once: sessions of the database, requests to the endpoint. Measured at the other
-- end: by a role that may not connect more often, and by the endpoint's count of what is in flight.
local config = require "nlsql.config"
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local N = 12 -- questions, and so items

describe("what a run does at once", function()
  local dir, endpoint

  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  --- Runs N questions, each with an answer of its own; returns code, log, and the most requests that
  --- were in flight. `sql` may have %d.
  local function run(sql, variables, arguments, delay, url)
    local rules, questions = {}, {}
    for i = 1, N do
      local question = ("Question number %02d?"):format(i)
      questions[i] = question
      rules[i] = { match = question, content = json.encode { question = question, sql = sql:format(i) } }
    end
    endpoint = support.endpoint { "--script", support.write_json_lines(dir .. "/rules.jsonl", rules), "--delay-ms", delay or "0" }
    support.write(dir .. "/config.yaml", ([[
anonymise: off
gates: {literal_variants: 0, system_catalogs: true, functions: [pg_stat_get_activity, current_database]}
phases:
- {name: ours, parallelism: 10, dataset_fields: [rows], questions: %s}
]]):format(json.encode(json.array(questions))))
    local given = { DATABASE_URL = url or shop.url(), OPENAI_BASE_URL = endpoint.url, OPENAI_API_KEY = "sk-test-0123456789" }
    for name, value in pairs(variables) do given[name] = value end
    local code, _, err = support.nlsql(dir, { "run", table.unpack(arguments or {}) }, given)
    local counts = endpoint.stop()
    endpoint = nil
    return code, err, counts.max_in_flight
  end

  describe("with the database", function()
    --- Each answer says how many sessions it saw, and takes long enough for others to be there as well.
    local COUNTING = "SELECT %d AS number, count(*) AS sessions, (SELECT count(*) FROM generate_series(1, 400000)) AS slow "
      .. "FROM session"
    local VIEW = "CREATE VIEW session AS SELECT pid FROM pg_stat_activity WHERE datname = current_database();\n"

    local function watched()
      support.write(dir .. "/view.sql", VIEW)
      return support.database("watched", { "tests/data/shop.sql", dir .. "/view.sql" })
    end

    local function most_sessions()
      local most, rows = 0, shop.dataset(dir, "ours")
      for _, row in ipairs(rows) do most = math.max(most, tonumber(row.rows[1].sessions)) end
      return most, #rows
    end

    it("never has more sessions than MAX_DB_CONCURRENT_LIMIT_ALL, whatever else is said", function()
      local code, err = run(COUNTING, { MAX_DB_CONCURRENT_LIMIT_ALL = "2", DB_COCURRENT_SESSION = "30", DG_PARALLELISM = "12" },
        nil, nil, watched())
      assert.equal(0, code, err)
      assert.same({ 2, N }, { most_sessions() })
      assert.truthy(err:find("DB_COCURRENT_SESSION: db_concurrent_sessions: 30 is above the limit of 2 (MAX_DB_CONCURRENT_LIMIT_ALL)",
        1, true), err)
    end)

    it("has as many as it may", function()
      local code, err = run(COUNTING, { DB_COCURRENT_SESSION = "6", DG_PARALLELISM = "12" }, nil, nil, watched())
      assert.equal(0, code, err)
      local most, n = most_sessions()
      assert.equal(N, n)
      assert.is_true(most > 2 and most <= 6, "sessions: " .. most)
    end)
  end)

  describe("with the endpoint", function()
    local PLAIN = "SELECT name, %d AS number FROM customer"

    it("is what the phase says", function()
      local _, err, most = run(PLAIN, {}, nil, "150")
      assert.equal(10, most, err)
    end)

    it("is what DG_PARALLELISM says before the phase", function()
      local _, err, most = run(PLAIN, { DG_PARALLELISM = "3" }, nil, "60")
      assert.equal(3, most, err)
    end)

    it("is never more than OPENAI_MAX_PARALLEL", function()
      local _, err, most = run(PLAIN, { DG_PARALLELISM = "12", OPENAI_MAX_PARALLEL = "4" }, nil, "60")
      assert.equal(4, most, err)
    end)

    it("is what --parallelism says before all of them but that", function()
      local _, err, most = run(PLAIN, { DG_PARALLELISM = "12" }, { "--parallelism", "2" }, "40")
      assert.equal(2, most, err)
    end)
  end)
end)

describe("the order of what limits", function()
  local function load(source, env, flags)
    return assert(config.load { env = env, flags = flags, read = function() return source end })
  end

  local SESSIONS = {
    { "", {}, 8 },
    { "db_cocurrent_session: 50", {}, 50 },
    { "db_cocurrent_session: 50", { DB_COCURRENT_SESSION = "20" }, 20 },
    { "db_concurrent_sessions: 500", {}, 450 },
    { "", { DB_COCURRENT_SESSION = "500" }, 450 },
    { "max_db_concurrent_limit_all: 30\ndb_concurrent_sessions: 40", {}, 30 },
    { "max_db_concurrent_limit_all: 30", { MAX_DB_CONCURRENT_LIMIT_ALL = "5" }, 5 },
    { "defaults: {db_cocurrent_session: 50}", { MAX_DB_CONCURRENT_LIMIT_ALL = "1" }, 1 },
  }
  for _, case in ipairs(SESSIONS) do
    it(("gives %d sessions: %s %s"):format(case[3], case[1]:gsub("\n", "; "), json.encode(case[2])), function()
      assert.equal(case[3], load(case[1], case[2]).settings.db_concurrent_sessions)
    end)
  end

  it("holds for a --set too", function()
    local got = load("", {}, { set = { "db_cocurrent_session=700", "max_db_concurrent_limit_all=6" } })
    assert.equal(6, got.settings.db_concurrent_sessions)
  end)

  it("caps what each phase and DG_PARALLELISM ask for", function()
    local got = load("phases:\n- {name: a, parallelism: 50}\n- {name: b, parallelism: 2}\n- c", { OPENAI_MAX_PARALLEL = "5" })
    assert.same({ 5, 2, 5 }, { got.phases[1].settings.parallelism, got.phases[2].settings.parallelism, got.settings.parallelism })
    got = load("phases: [{name: a, parallelism: 2}]", { OPENAI_MAX_PARALLEL = "5", DG_PARALLELISM = "50" })
    assert.same({ n = 5 }, { n = got.settings.parallelism, own = got.phases[1].settings.parallelism })
  end)
end)
