-- What is protected is found in whatever is about to leave, and what came from outside is kept without it.
local disguised = require "tests.lua.disguised"
local entries = require "nlsql.entries"
local guard = require "nlsql.guard"
local json = require "nlsql.json"

local NAME, NOTE = "Theodor O'Quillan", "Caller was upset: the parcel came late and the box was open, wants his money back"

local function ctx_of() return { anon = disguised.new { [NAME] = "Nabo Tizel", [NOTE] = "Lomi tare" } } end

describe("guard", function()
  local ctx = ctx_of()

  it("says what a text holds, and never the value", function()
    assert.is_nil(guard.check(ctx, "Nabo Tizel came"))
    for _, text in ipairs { NAME .. " came", "name = 'Theodor O''Quillan'", assert(json.encode { NOTE }), NOTE:sub(12, 70) } do
      assert.equal("a protected value (person)", guard.check(ctx, text))
    end
    assert.equal("a protected value", guard.check(ctx, "x = '[private]'"))
    assert.is_nil(guard.check({}, NAME)) -- nothing is protected where there are no stand-ins
  end)

  it("finds nothing where values may be seen", function()
    local open = ctx_of()
    open.anon.is_raw = true
    assert.is_nil(guard.check(open, NAME))
    assert.equal(NAME, guard.mask(open, NAME))
  end)

  it("takes values out of a text in every spelling", function()
    assert.equal("[private] and [private]", guard.mask(ctx, NAME .. " and " .. NAME))
    assert.equal("a = '[private]' OR b", guard.mask(ctx, "a = 'Theodor O''Quillan' OR b"))
    assert.equal([[{"sql":"a = '[private]'"}]], guard.mask(ctx, assert(json.encode { sql = "a = 'Theodor O''Quillan'" })))
    local inner = assert(json.encode { note = "a \"b\"\n" .. NAME })
    local twice = guard.mask(ctx, assert(json.encode { content = inner }))
    assert.equal('a "b"\n[private]', json.decode(json.decode(twice).content).note)
    assert.equal("[private]", guard.mask(ctx, "Theodor O\\u0027Quillan")) -- all of it: who knows where it begins
    assert.is_nil(ctx.anon.protected:find(guard.mask(ctx, "so: " .. NOTE:sub(5, 75) .. "!")))
    assert.equal("as it is", guard.mask(ctx, "as it is"))
  end)

  it("takes them out of what a reply holds", function()
    local completion = json.decode(json.encode { choices = json.array { { message = { content = "It is " .. NAME } } }, id = 5,
      none = json.null, created = 123456.5 })
    local clean = guard.mask_all(ctx, completion)
    assert.equal("It is [private]", clean.choices[1].message.content)
    assert.is_true(json.is_array(clean.choices))
    assert.equal(json.null, clean.none)
    assert.equal("It is " .. NAME, completion.choices[1].message.content) -- its own is left alone
    local big = json.decode("[12345678901234567890]")
    assert.equal("[12345678901234567890]", json.encode(guard.mask_all(ctx, big)))
  end)

  it("looks at each message of a request, and at what tools were called with", function()
    local function request(message) return { messages = { { role = "system", content = "Be good" }, message } } end
    assert.is_nil(guard.check_request(ctx, request { role = "user", content = "Hello" }))
    assert.equal("the user message holds a protected value (person)",
      guard.check_request(ctx, request { role = "user", content = "Hello " .. NAME }))
    assert.equal("the tool message holds a protected value (person)",
      guard.check_request(ctx, request { role = "tool", content = json.encode { rows = { { NAME } } } }))
    assert.equal("the assistant message holds a protected value (person)", guard.check_request(ctx, request { role = "assistant",
      tool_calls = { { id = "1", name = "writer", arguments = json.encode { sql = "SELECT 'Theodor O''Quillan'" } } } }))
  end)
end)

describe("a row of the dataset that holds a value", function()
  it("falls at private, and is kept without it", function()
    local ctx = ctx_of()
    ctx.opt, ctx.settings, ctx.phase, ctx.llm = {}, { gates = { literal_variants = 5 }, provider = "openai" }, "joins",
      { endpoint = { model = "m" } }
    function ctx.count_fault() end
    local list = entries.open(ctx, { record = function(_, _, candidate)
      return { question = candidate.question, sql = candidate.sql, seen = candidate.seen }
    end }, { seen = function() return function() end end })
    local function one(key, seen)
      local keys = { sql_key = key:rep(16), masked_key = key:rep(16), question_key = key:rep(16) }
      return { candidate = { question = "Who?", sql = "SELECT 1", seen = seen },
        verdict = { ok = true, sql = "SELECT 1", facts = {}, sql_key = keys.sql_key, masked_key = keys.masked_key,
          question_key = keys.question_key } }
    end
    local fallen_before = { candidate = { question = "Who is " .. NAME .. "?", sql = "SELECT x" },
      verdict = { ok = false, gate = "explain", reason = "no " .. NAME, detail = "not " .. NAME } }
    local taken, fallen = list:take({ key = "x", accepted = 0, count = 5 }, { number = 1,
      unread = { { reason = "no pair", text = NAME .. " said" } }, judged = { one("a", NAME), one("b", "Nabo Tizel"), fallen_before } })
    assert.equal(1, #taken)
    assert.truthy(taken[1].line:find("Nabo Tizel", 1, true))
    assert.equal("private", fallen[2].gate)
    assert.equal("the row holds a protected value (person)", fallen[2].reason)
    assert.is_nil(ctx.anon.protected:find(assert(json.encode(fallen))))
    assert.equal("Who is [private]?", fallen[3].question)
    assert.equal(1, list.rejected.private)
  end)
end)
