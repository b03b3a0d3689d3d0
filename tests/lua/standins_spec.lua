-- Queries written with stand-ins: what the server is asked, what it answers, and what is kept.
local disguised = require "tests.lua.disguised"
local gates = require "nlsql.gates"
local introspect = require "nlsql.introspect"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local settings = require "nlsql.settings"
local sql = require "nlsql.sql"
local standins = require "nlsql.standins"
local support = require "tests.lua.support"

local anon = disguised.new({
  ["Theodor O'Quillan"] = "Nabo Tizel", ["Walburga Ödekoven"] = "Reka Duvon", ["Mechthild Hackfurter"] = "Sila Morten",
  ["theodor.oquillan1@mailbox.org"] = "pelu_3@tozim.example", ["100%_sure\\"] = "kolme_x", ["TheodorO'Quillan1"] = "NaboTizel7",
  ["1950-05-18"] = "1950-05-23", ["21.37"] = "21.93", ["Theodor Zwirnlein"] = "Nabo Tizel Ro",
}, { ["person.full_name"] = "person", ["person.email"] = "email", ["person.born_on"] = "date", ["visit.fee"] = "amount" })

local db, schema, ctx

local function open()
  if ctx then return end
  db = assert(pg.open(support.database("private", { "tests/data/private.sql" }), {}))
  local all = settings.built_in()
  all.gates, all.limits, all.safe = settings.GATE_DEFAULTS, settings.GATE_DEFAULTS, { functions = {} }
  schema = assert(introspect.load(db, all))
  ctx = { db = db, schema = schema, settings = all, anon = anon }
end

--- The query as it is executed; nil where it is executed as it is.
local function executed(query)
  open()
  local statement <close> = assert(sql.parse(query))
  local disguise, why = standins.open(ctx, statement)
  assert.is_nil(why)
  return disguise and disguise.text
end

describe("standins", function()
  local WHERE = "SELECT person_id FROM person WHERE "
  local cases = {
    { "full_name = 'Nabo Tizel'", "full_name = 'Theodor O''Quillan'" },
    { "'Nabo Tizel' = full_name", "'Theodor O''Quillan' = full_name" },
    { "full_name IN ('Reka Duvon', 'nobody', $$Nabo Tizel$$)", "full_name IN ('Walburga Ödekoven', 'nobody', 'Theodor O''Quillan')" },
    { "full_name = E'Nabo\\x20Tizel'", "full_name = 'Theodor O''Quillan'" },
    { "full_name LIKE 'Nabo Tizel%'", "full_name LIKE 'Theodor O''Quillan%'" },
    { "full_name ILIKE '%nabo tizel%'", "full_name ILIKE '%Theodor O''Quillan%'" },
    { "email LIKE '%pelu\\_3@tozim.example'", "email LIKE '%theodor.oquillan1@mailbox.org'" },
    { "email LIKE 'pelu_3@tozim.example'", "email LIKE 'theodor.oquillan1@mailbox.org'" },
    { "phone LIKE '%kolme_x%'", "phone LIKE E'%100\\\\%\\\\_sure\\\\\\\\%'" },
    { "full_name LIKE '%Reka Duvon%Nabo Tizel%'", "full_name LIKE '%Walburga Ödekoven%Theodor O''Quillan%'" },
    { "full_name ~ '^Nabo Tizel$'", "full_name ~ '^Theodor O''Quillan$'" },
    { "email ~* 'pelu_3@tozim\\.example'", "email ~* E'theodor\\\\.oquillan1@mailbox\\\\.org'" },
    { "lower(full_name) = 'nabo tizel'", "lower(full_name) = 'theodor o''quillan'" },
    { "upper(full_name) IN ('NABO TIZEL')", "upper(full_name) IN ('THEODOR O''QUILLAN')" },
    { "full_name = ANY (ARRAY['Nabo Tizel', 'x'])", "full_name = ANY (ARRAY['Theodor O''Quillan', 'x'])" },
    { "full_name = ANY ('{Nabo Tizel,\"x y\",NULL}'::text[])", "full_name = ANY ('{\"Theodor O''Quillan\",\"x y\",NULL}'::text[])" },
    { "'Nabo Tizel' = ANY (tags)", "'Theodor O''Quillan' = ANY (tags)" },
    { "tags @> '{\"Nabo Tizel\"}'", "tags @> '{\"Theodor O''Quillan\"}'" },
    { "profile @> '{\"alias\": \"NaboTizel7\"}'", "profile @> '{\"alias\":\"TheodorO''Quillan1\"}'" },
    { "profile ->> 'alias' = 'NaboTizel7'", "profile ->> 'alias' = 'TheodorO''Quillan1'" },
    { "(full_name, status) = ('Nabo Tizel', 'active')", "(full_name, status) = ('Theodor O''Quillan', 'active')" },
    { "starts_with(full_name, 'Nabo Tizel')", "starts_with(full_name, 'Theodor O''Quillan')" },
    { "born_on = '1950-05-23'", "born_on = '1950-05-18'" },
    { "born_on IN (DATE '1950-05-23', '1951-01-01')", "born_on IN (DATE '1950-05-18', '1951-01-01')" },
    { "born_on <> '1950-05-23' AND born_on < '1950-05-23'", "born_on <> '1950-05-18' AND born_on < '1950-05-23'" },
    { "person_id IN (SELECT person_id FROM visit WHERE fee = 21.93 AND fee < 21.93 LIMIT 21)",
      "person_id IN (SELECT person_id FROM visit WHERE fee = 21.37 AND fee < 21.93 LIMIT 21)" },
    { "full_name = 'Nabo Tizel'::varchar(40)", "full_name = 'Theodor O''Quillan'::varchar(40)" },
  }
  for _, case in ipairs(cases) do
    it("are values again in " .. case[1], function()
      local got = executed(WHERE .. case[1])
      assert.equal(WHERE .. case[2], got)
      local result = db:probe(got, { execute = true })
      assert.equal("done", result.stage, result.error)
    end)
  end

  it("leave a query alone that has none", function()
    for _, where in ipairs { "full_name = 'Nabo'", "full_name LIKE '%'", "full_name LIKE 'Tizel%'", "profile @> '{\"a\": 1}'",
      "tags = '{}'", "person_id = 5", "full_name ~ '.*'", "tags @> '{broken'", "full_name LIKE 'x\\%'" } do
      assert.is_nil(executed(WHERE .. where), where)
    end
  end)

  it("do nothing where values may be seen", function()
    anon.is_raw = true
    local got = executed(WHERE .. "full_name = 'Nabo Tizel'")
    anon.is_raw = nil
    assert.is_nil(got)
  end)
end)

describe("a candidate that filters on a stand-in", function()
  local function verdict_of(query, question)
    open()
    return gates.check(ctx, { key = "x" }, { question = question or "Who is it?", sql = query })
  end

  it("is executed with the value and kept with the stand-in", function()
    ctx = nil
    open()
    ctx.keep_rows = true
    local verdict = verdict_of("SELECT full_name, status FROM person WHERE full_name = 'Nabo Tizel' ORDER BY 2 LIMIT 1;")
    assert.is_true(verdict.ok, verdict.reason)
    assert.equal("SELECT full_name, status FROM person WHERE full_name = 'Nabo Tizel' ORDER BY 2 LIMIT 1", verdict.sql)
    assert.equal("Nabo Tizel", verdict.facts.literals[1])
    assert.equal("Nabo Tizel", verdict.probe.rows[1][1])
    assert.is_nil(json.encode(verdict.facts):find("Quillan"))
  end)

  it("falls at private where it holds the value itself, in question or query", function()
    for _, case in ipairs {
      { "SELECT 1 FROM person WHERE full_name = 'Theodor O''Quillan'" },
      { "SELECT 1 FROM person", "Where does Theodor O'Quillan live?" },
      { "SELECT 1 FROM person", "Where does [private] live?" },
    } do
      local verdict = verdict_of(case[1], case[2])
      assert.equal("private", verdict.gate)
      assert.truthy(verdict.reason:find("it holds a protected value", 1, true), verdict.reason)
      assert.is_nil(verdict.reason:find("Quillan"))
    end
    assert.same({ { gate = "read", state = "passed" }, { gate = "private", state = "failed" } },
      table.move(gates.trail({ sql = "" }, verdict_of("SELECT 1 FROM person WHERE full_name = 'Theodor O''Quillan'")), 1, 2, 1, {}))
  end)

  it("falls with the server's words about the stand-in, not the value", function()
    local verdict = verdict_of("SELECT 1 FROM person WHERE person_id = 'Nabo Tizel'")
    assert.equal("explain", verdict.gate)
    assert.equal('invalid input syntax for type integer: "Nabo Tizel"', verdict.reason)
  end)

  it("falls without the data that the server quotes", function()
    local verdict = verdict_of("SELECT full_name::integer FROM person")
    assert.equal("execute", verdict.gate)
    assert.equal('invalid input syntax for type integer: "…"', verdict.reason)
    verdict = verdict_of("SELECT note::json FROM visit")
    assert.equal("execute", verdict.gate)
    assert.equal('invalid input syntax for type json', verdict.reason)
    assert.equal('Token "…" is invalid.', verdict.detail)
    verdict = verdict_of("SELECT xmlparse(document note) FROM visit")
    assert.is_nil((verdict.reason .. tostring(verdict.detail)):find("knee"))
  end)

  it("tells of names as before", function()
    assert.truthy(verdict_of("SELECT p.full_name, count(*) FROM person p").reason:find('"p.full_name" must appear', 1, true))
  end)

  it("is looked at by the gate safe with the values too", function()
    assert.is_true(standins.safe(ctx, { text = "SELECT 1 FROM person WHERE full_name = 'x'" }))
    assert.is_false(standins.safe(ctx, { text = "SELECT 'pg_authid'::regclass FROM person" }))
    assert.is_false(standins.safe(ctx, { text = "SELEKT 1" }))
  end)
end)
