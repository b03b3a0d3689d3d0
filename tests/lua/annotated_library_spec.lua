-- The comments of the Lua library: what a phase may call says what it does, names its parameters as
-- they are, and speaks of types that there are.
local annotations = require "tests.lua.annotations"

local function paths()
  local list, p = {}, assert(io.popen("find scripts phases -name '*.lua' | LC_ALL=C sort"))
  for line in p:lines() do list[#list + 1] = line end
  p:close()
  return list
end

--- What is wrong with the comment of one function.
local function function_faults(one, out)
  local called = ("%s%s%s"):format(one.owner, one.method and ":" or ".", one.name)
  if not one.commented then out[#out + 1] = ("%s: %s has no comment"):format(one.place, called) end
  local at = 0
  for _, documented in ipairs(one.documented) do
    local found
    for i, parameter in ipairs(one.parameters) do
      if parameter == documented.name then found = i end
    end
    if not found then
      out[#out + 1] = ("%s: %s has no parameter %s: it takes (%s)"):format(documented.place, called, documented.name,
        table.concat(one.parameters, ", "))
    elseif found <= at then
      out[#out + 1] = ("%s: %s: the parameters are in another order: (%s)"):format(documented.place, called,
        table.concat(one.parameters, ", "))
    end
    at = found or at
    if documented.type == "" then
      out[#out + 1] = ("%s: %s: %s has no type"):format(documented.place, called, documented.name)
    end
  end
end

--- What is wrong with several files as a whole.
---@param files AnnotatedFile[]
local function faults(files)
  local out, defined = {}, {}
  local function define(name, place)
    if defined[name] then
      out[#out + 1] = ("%s: %s is defined at %s already"):format(place, name, defined[name])
    end
    defined[name] = defined[name] or place
  end
  for _, file in ipairs(files) do
    for _, class in ipairs(file.classes) do define(class.name, class.place) end
    for name, alias in pairs(file.aliases) do define(name, alias.place) end
    for _, one in ipairs(file.functions) do function_faults(one, out) end
  end
  for _, file in ipairs(files) do
    for _, mention in ipairs(file.types) do
      if not defined[mention.name] then
        out[#out + 1] = ("%s: there is no type %s"):format(mention.place, mention.name)
      end
    end
  end
  table.sort(out)
  return table.concat(out, "\n"), files
end

describe("the library's annotations", function()
  it("tell of every function, by its own parameters, in types that there are", function()
    local files, functions, mentions = {}, 0, 0
    for i, path in ipairs(paths()) do
      files[i] = annotations.read(path)
      functions, mentions = functions + #files[i].functions, mentions + #files[i].types
    end
    assert.equal("", (faults(files)))
    assert.is_true(#files > 50 and functions > 250 and mentions > 300)
  end)

  local spoilt = {
    { "no comment", "local m = {}\nfunction m.f() end\n", "x.lua:2: m.f has no comment" },
    { "a blank line between", "--- F.\n\nfunction m.f() end\n", "x.lua:3: m.f has no comment" },
    { "a parameter of another name", "--- F.\n---@param b string\nfunction m.f(a) end\n", "x.lua:2: m.f has no parameter b: it takes (a)" },
    { "a parameter of another name, of a method", "--- F.\n---@param b string\nfunction M:f(a) end\n",
      "x.lua:2: M:f has no parameter b: it takes (a)" },
    { "parameters in another order", "--- F.\n---@param b string\n---@param a string\nfunction m.f(a, b) end\n",
      "x.lua:3: m.f: the parameters are in another order: (a, b)" },
    { "a parameter without a type", "--- F.\n---@param a\nfunction m.f(a) end\n", "x.lua:2: m.f: a has no type" },
    { "a type that there is not", "--- F.\n---@param a nlsql.Nothing[]?\nfunction m.f(a) end\n",
      "x.lua:2: there is no type nlsql.Nothing" },
    { "a result of a type that there is not", "--- F.\n---@return table<string, nlsql.Nil>\nfunction m.f() end\n",
      "x.lua:2: there is no type nlsql.Nil" },
    { "a field of a type that there is not", "---@class nlsql.A\n---@field b fun(c: nlsql.C): string\nlocal A = {}\n",
      "x.lua:2: there is no type nlsql.C" },
    { "a class that is defined twice", "---@class nlsql.A\nlocal A = {}\n\n---@class nlsql.A\nlocal B = {}\n",
      "x.lua:4: nlsql.A is defined at x.lua:1 already" },
  }
  for _, case in ipairs(spoilt) do
    it("would be refused for " .. case[1], function()
      assert.equal(case[3], (faults { annotations.read("x.lua", case[2]) }))
    end)
  end

  it("may be as they should be", function()
    assert.equal("", (faults { annotations.read("x.lua", [[
---@class nlsql.A : userdata
---@field b nlsql.A[]
local A = {}

--- F.
---@param a nlsql.A?  the first
---@param ... any
---@return nlsql.A
function A.f(a, ...) end
]]) }))
  end)
end)
