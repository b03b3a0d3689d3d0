-- What the engine's functions give, held against the types that scripts/nlsql.d promises: every
-- field that comes back is declared, every promised one is there, and every declared one was met.
local annotations = require "tests.lua.annotations"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"
local typed = require "tests.lua.typed"

local catalog = require "nlsql.catalog"
local correlate = require "nlsql.correlate"
local http = require "nlsql.http"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local sql = require "nlsql.sql"
local store = require "nlsql.store"
local text = require "nlsql.text"
local yaml = require "nlsql.yaml"

local declared = annotations.declared()
local world = { classes = {}, aliases = declared.aliases, seen = {} }
for _, class in ipairs(declared.classes) do world.classes[class.name] = class end

local function holds(value, stated)
  local out = typed.faults(world, value, stated, stated)
  table.sort(out)
  assert.equal("", table.concat(out, "\n"))
end

--- Every field of the classes was among what came back; those of `unmet` cannot be brought about here.
local function all_met(classes, unmet)
  local out = {}
  for _, name in ipairs(classes) do
    for field, one in pairs(world.classes[name].fields) do
      local met, key = world.seen[name .. "." .. field], name .. "." .. field
      if met == (unmet and unmet[key] or false) or not met and not (unmet and unmet[key]) then
        out[#out + 1] = ("%s: %s was %s"):format(one.place, key, met and "met after all" or "never met")
      end
    end
  end
  table.sort(out)
  assert.equal("", table.concat(out, "\n"))
end

describe("what comes back holds what nlsql.d says:", function()
  local db, cat

  setup(function()
    db = assert(pg.open(shop.url()))
    cat = assert(catalog.load(db, { schemas = { "public", "Sales" } }))
  end)
  teardown(function() db:close() end)

  it("tables, their columns, keys and checks", function()
    for _, ref in ipairs(cat:names()) do holds(cat:table(ref), "nlsql.Table") end
    holds(cat:edges(), "nlsql.Edge[]")
    assert.is_true(#cat:edges() > 0)
    -- a label needs a provider in the server, which none of Debian's packages brings: see anon_spec
    all_met({ "nlsql.Table", "nlsql.Column", "nlsql.ForeignKey", "nlsql.CheckConstraint", "nlsql.Edge" },
      { ["nlsql.Column.label"] = true })
  end)

  it("lists of names", function()
    for _, list in ipairs { cat:names(), cat:schemas(), cat:other_schemas(), cat:denied() } do holds(list, "string[]") end
  end)

  it("results of queries and probes, and the pool's counts", function()
    holds(assert(db:query("SELECT 1 AS n, NULL AS nothing")), "nlsql.QueryResult")
    for _, query in ipairs { "SELECT name FROM customer", "SELECT nme FROM customer", "SELECT 1 / 0",
      "SELECT name FROM customer GROUP BY country", "SELECT nosuch(1)" } do
      holds(assert(db:probe(query, { rows = true })), "nlsql.Probe")
    end
    holds(assert(db:probe("SELECT 1", { execute = false })), "nlsql.Probe")
    holds(assert(db:probe("SELECT name FROM customer", { max_cost = 0.001 })), "nlsql.Probe")
    holds(assert(db:probe("SELECT 1.5 + 'x'")), "nlsql.Probe")
    holds(assert(db:probe("SELECT '{1}'::int[] || '{x'::int[]")), "nlsql.Probe")
    holds(db:stats(), "nlsql.PoolStats")
    all_met { "nlsql.QueryResult", "nlsql.Origin", "nlsql.Probe", "nlsql.PoolStats" }
  end)

  it("correlations", function()
    for _, ref in ipairs { "customer", "product", "purchase" } do
      holds(assert(correlate.correlations(cat, ref, { db = db })), "nlsql.Correlations")
    end
    holds(assert(correlate.correlations(cat, "purchase_line", { db = db, rows = 50, max_error = 1 })), "nlsql.Correlations")
    all_met { "nlsql.Correlations", "nlsql.CorrelatedColumn", "nlsql.CorrelatedPair", "nlsql.Dependency" }
  end)

  it("a query's facts", function()
    for _, query in ipairs { shop.BY_COUNTRY.sql, "SELECT customer_id FROM customer, purchase", "SELECT x FROM y" } do
      local statement <close> = assert(sql.parse(query))
      holds(assert(statement:facts(cat)), "nlsql.Facts")
      holds(table.pack(statement:keys())[2], "nlsql.Key")
    end
    all_met { "nlsql.Facts" }
  end)

  it("replies to requests", function()
    local endpoint = support.endpoint()
    holds(assert(http.request { url = endpoint.url .. "/nothing", body = "{}" }), "nlsql.HttpReply")
    endpoint.stop()
    holds(assert(http.request { url = endpoint.url, connect = 1 }), "nlsql.HttpReply")
    local rules = { { status = 429, headers = { ["Retry-After"] = "1" }, body = "slow down" } }
    local busy = support.endpoint { "--script", support.write_json_lines(support.temp_dir() .. "/rules.jsonl", rules) }
    local ask = json.encode { model = "m", messages = { { role = "user", content = "Hello?" } } }
    local reply = assert(http.request { url = busy.url .. "/chat/completions", body = ask })
    assert.equal(429, reply.status)
    holds(reply, "nlsql.HttpReply")
    busy.stop()
    all_met { "nlsql.HttpReply" }
  end)

  it("the store's runs and items", function()
    local dir = support.temp_dir()
    local st <close> = assert(store.open(dir .. "/nlsql.db"))
    local run, info = st:run { phase = "joins", fingerprint = "f", dataset = dir .. "/dataset.jsonl" }
    holds(info, "nlsql.RunInfo")
    assert(run:commit { item = "a", ordinal = 1, turn = 1, state = "{}", entries = { {
      line = '{"question":"q"}', question = "q", sql = "s", facts = "{}", sql_key = text.key("s"), masked_key = text.key("m"),
      question_key = text.key("q") } } })
    holds(run:item("a"), "nlsql.SavedItem")
    for exact, masked, question in run:seen() do
      holds({ exact, masked, question }, "nlsql.Key[]")
    end
    run:close()
    all_met { "nlsql.RunInfo", "nlsql.SavedItem" }
  end)

  it("streams that were folded, and YAML", function()
    local _, report = json.fold('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n')
    holds(report, "nlsql.FoldReport")
    holds(assert(yaml.read("a: [1, 2.5, ~]\nb: {c: true}\nd: x\n", "x.yaml")), "nlsql.YamlNode")
    all_met { "nlsql.FoldReport", "nlsql.YamlNode" }
  end)

  it("and another kind of value, or a field that nobody promised, is seen", function()
    local function fault(value, stated) return typed.faults(world, value, stated, "v")[1] end
    assert.equal("v.done: expected boolean, found 1", fault({ done = 1, events = 1, garbled = 1 }, "nlsql.FoldReport"))
    assert.equal("v: nlsql.FoldReport has no more, but this one does",
      fault({ done = true, events = 1, garbled = 1, more = 1 }, "nlsql.FoldReport"))
    assert.matches("^v: nlsql.FoldReport promises garbled %(scripts/nlsql.d/json.lua:%d+%), which is missing here$",
      fault({ done = true, events = 1 }, "nlsql.FoldReport"))
    assert.equal("v[2]: expected string, found 2", fault({ "a", 2 }, "string[]"))
    assert.equal('v: expected "a"|"b", found c', fault("c", '"a"|"b"'))
  end)
end)
