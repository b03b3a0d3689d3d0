-- nlsql.json, nlsql.text and nlsql.yaml, as scripts see them.
local json = require "nlsql.json"
local text = require "nlsql.text"
local yaml = require "nlsql.yaml"

describe("json", function()
  local round = {
    "{}", "[]", "[[],{}]", '{"a":null}', "9007199254740993", "-9223372036854775808", "1.5", "1e-07",
    "123456789012345678901234567890", "0.1234567890123456789", '"\\u0000"', '{"a":{"b":[1,"x",true]}}',
  }
  for _, source in ipairs(round) do
    it("brings back " .. source, function() assert.equal(source, (json.encode(assert(json.decode(source))))) end)
  end

  it("gives whole numbers as integers, exactly", function()
    assert.equal("integer", math.type(json.decode("9007199254740993")))
    assert.equal(9007199254740993, json.decode("9007199254740993"))
    assert.equal("float", math.type(json.decode("1.25")))
  end)

  it("keeps a number that no float holds as it is written", function()
    local n = json.decode("12345678901234567890.10")
    assert.equal("12345678901234567890.10", tostring(n))
    assert.equal("[12345678901234567890.10]", (json.encode { n }))
  end)

  it("puts the named keys first, the others in order", function()
    assert.equal('{"question":1,"sql":2,"a":3,"b":4}',
      (json.encode({ b = 4, sql = 2, a = 3, question = 1 }, { keys = { "question", "sql" } })))
    assert.equal('{"sql":2}', (json.encode({ sql = 2 }, { keys = { "question", "sql" } })))
  end)

  it("tells an empty array by its mark", function()
    assert.equal("{}", (json.encode {}))
    assert.equal("[]", (json.encode(json.array {})))
    assert.truthy(json.is_array(json.decode("[]")))
    assert.falsy(json.is_array({}))
  end)

  local looped = {}
  looped.self = looped
  local refused = {
    { "a hole", { rows = { 1, nil, 3 } }, "rows" },
    { "a list with names", { rows = { 1, x = 2 } }, "rows" },
    { "a function", { a = { b = print } }, "a.b" },
    { "NaN", { x = 0 / 0 }, "x" },
    { "invalid UTF-8", { rows = { { name = "\xFF" } } }, "rows[1].name" },
    { "a cycle", looped, "self" },
    { "a number as a name", { [1.5] = 1 }, "name" },
  }
  for _, case in ipairs(refused) do
    it("refuses " .. case[1] .. " and says where", function()
      local got, message, code = json.encode(case[2])
      assert.is_nil(got)
      assert.equal("invalid", code)
      assert.truthy(message:find(case[3], 1, true), message)
    end)
  end

  it("says where a text goes wrong", function()
    local value, message, code = json.decode('{\n "a": tru }')
    assert.is_nil(value)
    assert.equal("invalid", code)
    assert.truthy(message:find("line 2", 1, true), message)
  end)

  it("refuses what is nested too deep", function()
    local _, _, code = json.decode(("["):rep(5000) .. ("]"):rep(5000))
    assert.equal("limit", code)
  end)

  it("folds a stream into one completion", function()
    local body = 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
      .. 'data: {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    local folded, report = json.fold(body)
    assert.equal("ab", json.decode(folded).choices[1].message.content)
    assert.same({ done = true, events = 2, garbled = 0 }, report)
    assert.is_nil((json.fold("nothing")))
  end)
end)

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

  it("mends invalid UTF-8", function()
    assert.equal("a\u{FFFD}é", text.clean_utf8("a\xFFé"))
    assert.truthy(text.valid_utf8("é"))
    assert.falsy(text.valid_utf8("\xED\xA0\x80"))
  end)

  it("finds the nearest name, and none where all are far", function()
    local names = { "min_joins", "count", "n_rows" }
    assert.equal("min_joins", text.nearest("min_join", names))
    assert.equal("count", text.nearest("cuont", names))
    assert.equal("count", text.nearest("COUNT", names))
    assert.is_nil(text.nearest("parallelism", names))
    assert.is_nil(text.nearest("x", {}))
  end)
end)

describe("yaml", function()
  it("gives nodes with their places", function()
    local root = yaml.read("count: 5\nlist:\n  - a\n  - 'b'\n", "c.yaml")
    assert.equal("map", root.type)
    assert.same({ type = "int", value = 5, text = "5", line = 1, column = 8, key = "count", key_line = 1, key_column = 1 },
      root.items[1])
    assert.equal(4, root.items[2].items[2].line)
    assert.equal("b", root.items[2].items[2].value)
  end)

  it("says where it goes wrong", function()
    local root, message, code = yaml.read("a: 1\na: 2\n", "c.yaml")
    assert.is_nil(root)
    assert.equal("config", code)
    assert.truthy(message:find("c.yaml:2:1", 1, true), message)
  end)
end)
