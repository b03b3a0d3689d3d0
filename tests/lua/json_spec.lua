-- nlsql.json, as scripts see it: what comes back, what is refused and where.
local json = require "nlsql.json"

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
    assert.equal('{"a":1,"b":2}', (json.encode({ b = 2, a = 1 }, { keys = { "a", "a", 7 } }))) -- each once
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
    { "an item behind a deep one", { { { a = {} }, { b = { 1, print } } } }, "[1][2].b[2]" },
    { "the later of two members", { a = { x = 1 }, b = { y = { print } } }, "encode b.y[1]: a function" },
    { "a bad name", { rows = { ["\xFF"] = 1 } }, "rows.\xFF: invalid UTF-8" },
    { "a table too deep", (function()
      local t = {}
      for _ = 1, 300 do t = { t } end
      return t
    end)(), "nested too deep" },
    { "a number's words that were changed", (function()
      local n = json.number("1")
      n[1] = "01"
      return { a = n }
    end)(), "a: not a JSON number" },
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

  it("says nothing of a place where the value itself is wrong", function()
    local _, message = json.encode(print)
    assert.equal("cannot encode a function cannot be JSON", message)
  end)

  it("encodes objects of any size in the order of their names", function()
    for _, n in ipairs { 0, 1, 15, 16, 17, 500 } do
      local object, parts = {}, {}
      for i = 1, n do
        object[("k%04d"):format(i)] = i
        parts[i] = ('"k%04d":%d'):format(i, i)
      end
      assert.equal("{" .. table.concat(parts, ",") .. "}", (json.encode(object)))
    end
  end)

  it("takes one table twice, side by side", function()
    local shared = { 1 }
    assert.equal('{"a":[1],"b":[1]}', (json.encode { a = shared, b = shared }))
  end)

  it("says where a text goes wrong", function()
    local value, message, code = json.decode('{\n "a": tru }')
    assert.is_nil(value)
    assert.equal("invalid", code)
    assert.truthy(message:find("line 2", 1, true), message)
  end)

  it("copies data, and nothing that runs or that its maker can change", function()
    local given = { a = 1, [2] = "two", [true] = 1.5, list = json.array { 1, { b = json.null } }, none = json.array {},
      n = json.number "1.50", v = json.verbatim '{"k":1}', f = print, co = coroutine.create(print), [{}] = "key", [print] = 1 }
    setmetatable(given, { __index = error, __pairs = error, __len = error })
    local copy = json.copy(given)
    assert.is_nil(getmetatable(copy))
    local seen = {}
    for name, value in next, copy do seen[#seen + 1] = tostring(name) .. ":" .. type(value) end
    table.sort(seen)
    assert.equal("2:string a:number list:table n:table none:table true:number v:table", table.concat(seen, " "))
    assert.equal('{"list":[1,{"b":null}],"n":1.50,"none":[],"v":{"k":1}}',
      json.encode { list = copy.list, n = copy.n, none = copy.none, v = copy.v })
    given.list[2].b, given.n[1] = "changed", "2"
    assert.equal(json.null, copy.list[2].b)
    assert.equal("1.50", tostring(copy.n))
    for _, same in ipairs { "text", 4, false, json.null } do assert.equal(same, json.copy(same)) end
    assert.is_nil(json.copy(print))
    assert.is_nil(json.copy())
  end)

  it("copies no mark whose text is no longer what it was, and nothing without end", function()
    local number, verbatim = json.number "1", json.verbatim "[1]"
    number[1], verbatim[1] = "1, \"x\": 2", "[1]\n{}"
    local itself, deep, many = {}, {}, {}
    itself.t = itself
    for _ = 1, 99 do deep = { deep } end
    assert.truthy(json.copy(deep))
    for i = 1, 1500 do many[i] = many[1] or {} end
    for i = 1, 1400 do many[1][i] = i end
    for why, value in pairs { ["not a JSON number"] = { number }, ["expected a JSON object"] = { verbatim },
      ["nested too deep, or hold themselves"] = itself, ["nested too deep"] = { deep },
      ["more than 2000000 values in one table"] = many } do
      local ok, said = pcall(json.copy, value)
      assert.is_false(ok)
      assert.truthy(said:find(why, 1, true), said)
    end
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
