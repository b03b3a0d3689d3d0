local cli = require "nlsql.cli"
local config = require "nlsql.config"
local json = require "nlsql.json"
local serving_of = require("nlsql.serving").of

local CLOUD = "https://api.openai.com/v1"
local HERE, THERE = "http://127.0.0.1:11434/v1", "https://models.example/v1"

--- The configuration as a run gets it. `ask`: flags, env and the text of config.yaml.
local function configured(ask)
  return assert(config.load {
    flags = ask.flags, env = ask.env,
    read = function() return ask.file, "no such file", "not_found" end,
  })
end

local function serving(given, ask, command) return serving_of(given, configured(ask or {}), command or "run") end

local NO_DATABASE = "no database: set DATABASE_URL, e.g. "
  .. "export DATABASE_URL=postgresql://user:password@host:5432/name, or give --demo for the demo database"

local function no_key(url)
  return ("no key for %s: set OPENAI_API_KEY (an endpoint on this machine needs none: set OPENAI_BASE_URL, e.g. "
    .. "%s), or give --provider offline for the grammar, which needs no model"):format(url, HERE)
end

local BOTH = "stand-ins: the demo database (%s) and the offline grammar (%s)"

--- What is given, and what serves: demo, provider, and what is said about it.
local CASES = {
  -- nothing, or one of the two
  { "nothing", {}, {}, true, "offline", BOTH:format("no DATABASE_URL", "no OPENAI_API_KEY") },
  { "a database and a key", { database = true, key = true }, {}, false, "openai" },
  { "a database alone", { database = true }, {}, nil, "model", no_key(CLOUD) },
  { "a key alone", { key = true }, {}, nil, "db", NO_DATABASE },
  -- an address counts as a model
  { "an address here", {}, { env = { OPENAI_BASE_URL = HERE } }, nil, "db", NO_DATABASE },
  { "an address in config.yaml", {}, { file = "base_url: " .. HERE }, nil, "db", NO_DATABASE },
  { "a database and an address here", { database = true }, { env = { OPENAI_BASE_URL = HERE } }, false, "openai" },
  { "a database and an address elsewhere", { database = true }, { flags = { base_url = THERE } }, nil, "model",
    no_key(THERE) },
  { "… with a key", { database = true, key = true }, { flags = { base_url = THERE } }, false, "openai" },
  -- offline wins over whatever else is configured
  { "offline", {}, { flags = { provider = "offline" } }, true, "offline",
    BOTH:format("no DATABASE_URL", "--provider offline") },
  { "offline and a key", { key = true }, { flags = { provider = "offline" } }, true, "offline",
    BOTH:format("no DATABASE_URL", "--provider offline") },
  { "offline in config.yaml", { key = true }, { file = "provider: offline" }, true, "offline",
    BOTH:format("no DATABASE_URL", "provider: offline, config.yaml:1:11") },
  { "offline and an address", {}, { flags = { provider = "offline", base_url = THERE } }, true, "offline",
    BOTH:format("no DATABASE_URL", "--provider offline") },
  { "offline and a database", { database = true }, { flags = { provider = "offline" } }, false, "offline",
    "stand-in: the offline grammar (--provider offline)" },
  { "offline, a database and a key", { database = true, key = true }, { flags = { provider = "offline" } }, false,
    "offline", "stand-in: the offline grammar (--provider offline)" },
  -- openai, asked for by name
  { "openai", {}, { flags = { provider = "openai" } }, nil, "db", NO_DATABASE },
  { "openai and a database", { database = true }, { flags = { provider = "openai" } }, nil, "model", no_key(CLOUD) },
  { "openai, a database and a key", { database = true, key = true }, { file = "provider: openai" }, false, "openai" },
  -- --demo
  { "--demo", { demo = true }, {}, true, "offline", BOTH:format("--demo", "no OPENAI_API_KEY") },
  { "--demo and a key", { demo = true, key = true }, {}, true, "openai", "stand-in: the demo database (--demo)" },
  { "--demo and an address here", { demo = true }, { env = { OPENAI_BASE_URL = HERE } }, true, "openai",
    "stand-in: the demo database (--demo)" },
  { "--demo and an address elsewhere", { demo = true }, { env = { OPENAI_BASE_URL = THERE } }, nil, "model",
    no_key(THERE) },
  { "--demo and openai", { demo = true }, { flags = { provider = "openai" } }, nil, "model", no_key(CLOUD) },
  { "--demo and offline", { demo = true, key = true }, { flags = { provider = "offline" } }, true, "offline",
    BOTH:format("--demo", "--provider offline") },
  { "--demo and a database", { demo = true, database = true }, {}, true, "offline",
    BOTH:format("--demo", "no OPENAI_API_KEY") },
  { "--demo, a database and a key", { demo = true, database = true, key = true }, {}, true, "openai",
    "stand-in: the demo database (--demo)" },
}

describe("serving.of", function()
  for _, case in ipairs(CASES) do
    local name, given, ask, demo, provider, said = table.unpack(case, 1, 6)
    it("with " .. name, function()
      local got = serving(given, ask)
      if demo == nil then
        assert.same({ code = provider, message = said }, got.problem)
        assert.is_nil(got.stand_ins)
      else
        assert.is_nil(got.problem)
        assert.same({ demo, provider, said }, { got.demo, got.provider, got.stand_ins })
      end
      assert.equal(given.demo and given.database or nil, got.warning and true)
    end)
  end

  it("changes nothing of what it looks at", function()
    local got = configured { flags = { provider = "offline" } }
    local given = { key = true }
    serving_of(given, got, "run")
    assert.same({ key = true }, given)
    assert.equal("offline", got.settings.provider)
  end)

  it("knows for `nlsql schema` the database alone", function()
    local demo = "stand-in: the demo database (%s)"
    local nothing = serving({}, {}, "schema")
    assert.same({ true, demo:format "no DATABASE_URL" }, { nothing.demo, nothing.stand_ins })
    local asked = serving({ demo = true, key = true, database = true }, {}, "schema")
    assert.same({ true, demo:format "--demo" }, { asked.demo, asked.stand_ins })
    assert.is_string(asked.warning)
    assert.same({ demo = false, provider = "openai" }, serving({ database = true }, {}, "schema"))
    assert.same({ code = "db", message = NO_DATABASE }, serving({ key = true }, {}, "schema").problem)
  end)
end)

--- The plan as the engine gets it, for flags as JSON; os.getenv gives what `env` holds.
local function plan_of(flags, env)
  flags.config = "/dev/null"
  local getenv = os.getenv
  os.getenv = function(name) return env[name] end -- luacheck: ignore 122
  local ok, plan = pcall(cli.plan, assert(json.encode(flags)))
  os.getenv = getenv -- luacheck: ignore 122
  assert(ok, plan)
  if math.type(plan) then return plan end
  plan = assert(json.decode(plan))
  return plan, assert(json.decode(plan.phases[1].spec))
end

describe("cli.plan", function()
  it("tells the engine and the runner who serves", function()
    local plan, spec = plan_of({ phase = "joins" }, {})
    assert.is_true(plan.demo)
    assert.same({ true, "offline" }, { spec.settings.demo, spec.settings.provider })
    assert.equal(BOTH:format("no DATABASE_URL", "no OPENAI_API_KEY"), spec.settings.stand_ins)
    assert.is_nil(spec.problem)
  end)

  it("starts no demo database for a run that is refused", function()
    local plan, spec = plan_of({ phase = "joins", demo = true, provider = "openai" }, {})
    assert.is_false(plan.demo)
    assert.equal("model", spec.problem.code)
  end)

  it("takes what another program gave for given", function()
    local plan, spec = plan_of({ phase = "joins", given = { database = true, key = true } }, {})
    assert.is_false(plan.demo)
    assert.is_nil(spec.problem)
    assert.is_nil(spec.settings.stand_ins)
    plan, spec = plan_of({ phase = "joins", given = { database = false, key = false },
      options = { demo = true, provider = "offline", count = 3 } }, { DATABASE_URL = "postgresql://x" })
    assert.is_true(plan.demo)
    assert.equal("offline", spec.settings.provider)
    assert.same({ 3, nil }, { spec.options.count.value, spec.options.demo })
    assert.equal(3, plan_of({ phase = "joins", options = { demo = 7 } }, {}))
  end)
end)
