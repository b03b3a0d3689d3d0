-- nlsql.text, as scripts see it: keys, sets, UTF-8, nearest names.
local text = require "nlsql.text"

describe("text", function()
  it("makes keys of 16 bytes", function()
    assert.equal(16, #text.key("abc"))
    assert.equal("06b05ab6733a618578af5f94892f3950", text.hex(text.key("abc")))
    assert.equal(text.question_key("How many tracks are there?"), text.question_key("how many tracks are there"))
    assert.not_equal(text.question_key("Over 5?"), text.question_key("Over 6?"))
  end)

  it("keeps sets of them", function()
    local set = text.set()
    assert.truthy(set:add(text.key("a")))
    assert.falsy(set:add(text.key("a")))
    assert.truthy(set:has(text.key("a")))
    assert.falsy(set:has(text.key("b")))
    assert.equal(1, #set)
    assert.has_error(function() set:add("short") end)
  end)

  it("raises, and nothing worse, where a set is no set any more", function()
    local set = text.set()
    local meta = debug.getmetatable(set)
    meta.__gc(set)
    meta.__gc(set)
    assert.has_error(function() set:has(text.key("a")) end, "this set was released")
    assert.has_error(function() set:add(text.key("a")) end)
    assert.has_error(function() return #set end)
  end)

  it("keeps a set's functions to itself", function()
    assert.equal("set", getmetatable(text.set()))
    assert.has_error(function() setmetatable(text.set(), {}) end)
  end)

  it("mends invalid UTF-8", function()
    assert.equal("a\u{FFFD}é", text.clean_utf8("a\xFFé"))
    assert.truthy(text.valid_utf8("é"))
    assert.falsy(text.valid_utf8("\xED\xA0\x80"))
    assert.equal("\u{FFFD}\u{FFFD}", text.clean_utf8("\xE2\x82")) -- a cut character
    assert.equal("", text.clean_utf8(""))
  end)

  it("finds the nearest name, and none where all are far", function()
    local names = { "min_joins", "count", "n_rows" }
    assert.equal("min_joins", text.nearest("min_join", names))
    assert.equal("count", text.nearest("cuont", names))
    assert.equal("count", text.nearest("COUNT", names))
    assert.is_nil(text.nearest("parallelism", names))
    assert.is_nil(text.nearest("x", {}))
    assert.equal("count", text.nearest("count", { 1, true, "count" }))
    assert.is_nil(text.nearest(("x"):rep(500), { ("y"):rep(500) })) -- longer than any name
  end)
end)
