-- The annotations that editors read against what there is: the engine's modules as `require` gives
-- them, the bindings' own comments, values that come back, and the library's functions.
local annotations = require "tests.lua.annotations"
local support = require "tests.lua.support"

--- Metatables of userdata, and the classes that tell of them.
local CLASSES = {
  ["nlsql.catalog"] = "nlsql.Catalog", ["nlsql.cluster"] = "nlsql.Cluster", ["nlsql.job"] = "nlsql.Job",
  ["nlsql.keyed"] = "nlsql.Keyed",
  ["nlsql.pg"] = "nlsql.Db", ["nlsql.proc"] = "nlsql.Process", ["nlsql.protect.set"] = "nlsql.ProtectedSet",
  ["nlsql.sql.statement"] = "nlsql.Statement", ["nlsql.store"] = "nlsql.Store", ["nlsql.store.run"] = "nlsql.Run",
  ["nlsql.store.view"] = "nlsql.StoreView", ["nlsql.text.set"] = "nlsql.KeySet",
  ["nlsql.watch"] = "nlsql.Watch",
}

local function sorted(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function lines_of(command)
  local list, p = {}, assert(io.popen(command))
  for line in p:lines() do list[#list + 1] = line end
  p:close()
  return list
end

local function complain(list) assert.equal("", table.concat(list, "\n")) end

local declared = annotations.declared()
local class_named = {}
for _, class in ipairs(declared.classes) do class_named[class.name] = class end

local natives = {}
for name in pairs(package.preload) do
  if name:find("^nlsql%.") then natives[#natives + 1] = name end
end
table.sort(natives)

--- Every module and class that scripts can call: { { what, functions as there are, class }… }.
local function surfaces()
  local list = {}
  for _, name in ipairs(natives) do
    list[#list + 1] = { what = name, there = require(name), class = "nlsql.lib." .. name:match("[^.]+$") }
  end
  for key, value in pairs(debug.getregistry()) do
    local methods = type(key) == "string" and key:find("^nlsql%.") and type(value) == "table" and rawget(value, "__index")
    if type(methods) == "table" then
      list[#list + 1] = { what = "userdata " .. key, there = methods, class = CLASSES[key] or "(none in CLASSES)" }
    end
  end
  table.sort(list, function(a, b) return a.what < b.what end)
  return list
end

--- What differs between a module and the class that tells of it.
local function differences(surface, classes)
  local class, out = classes[surface.class], {}
  if not class then return { ("%s: no class %s tells of it"):format(surface.what, surface.class) } end
  for _, name in ipairs(sorted(surface.there)) do
    local is_function = type(surface.there[name]) == "function"
    if not (is_function and class.functions or class.fields)[name] then
      out[#out + 1] = ("%s: %s has no %s, but %s does"):format(class.place, class.name, name, surface.what)
    end
  end
  for _, name in ipairs(sorted(class.functions)) do
    if type(surface.there[name]) ~= "function" then
      out[#out + 1] = ("%s: %s has no %s"):format(class.functions[name].place, surface.what, name)
    end
  end
  for _, name in ipairs(sorted(class.fields)) do
    if surface.there[name] == nil or type(surface.there[name]) == "function" then
      out[#out + 1] = ("%s: %s has no %s"):format(class.fields[name].place, surface.what, name)
    end
  end
  return out
end

describe("nlsql.d and the engine's modules", function()
  it("hold the same functions, methods and values", function()
    local out = {}
    assert.is_true(#natives >= 13)
    for _, surface in ipairs(surfaces()) do
      for _, one in ipairs(differences(surface, class_named)) do out[#out + 1] = one end
    end
    complain(out)
  end)

  it("hold no module or userdata that there is not", function()
    local known, out = {}, {}
    for _, surface in ipairs(surfaces()) do known[surface.class] = true end
    for _, class in ipairs(declared.classes) do
      local tells = class.name:find("^nlsql%.lib%.") or class.parent == "userdata" or next(class.functions)
      if tells and not known[class.name] then
        out[#out + 1] = ("%s: there is nothing that %s could tell of"):format(class.place, class.name)
      end
    end
    complain(out)
  end)

  it("is Lua, and is never required by mistake", function()
    for i, path in ipairs(annotations.declarations()) do
      assert.truthy(loadfile(path, "t"))
      if i == 1 then assert.equal("---@meta _", support.lines(path)[1]) end
    end
  end)

  it("is found by require's name in an editor: a file for each module, and none besides", function()
    local there = {}
    for i, path in ipairs(lines_of("ls scripts/nlsql.d")) do there[i] = "nlsql." .. path:gsub("%.lua$", "") end
    assert.same(natives, there)
    for _, name in ipairs(natives) do
      local short = name:match("[^.]+$")
      local text = support.read(("scripts/nlsql.d/%s.lua"):format(short))
      assert.equal(("---@meta %s"):format(name), text:match("^[^\n]+"))
      assert.truthy(text:find(("\n---@class nlsql.lib.%s\n"):format(short), 1, true), name)
      assert.equal(("\nlocal %s = {}\n"):format(short), text:match("\nlocal %w+ = {}\n"))
      assert.equal(("\n\nreturn %s\n"):format(short), text:match("\n\nreturn %w+\n$"))
    end
  end)

  describe("compared with a spoilt copy", function()
    local spoilt = {
      { "a method that is missing", "function Catalog:edges() end", "", "nlsql.Catalog has no edges" },
      { "a method that there is not", "function Catalog:edges() end", "function Catalog:edges() end\nfunction Catalog:egdes() end",
        "userdata nlsql.catalog has no egdes" },
      { "a function that is missing", "function json.fold(body) end", "", "nlsql.lib.json has no fold, but nlsql.json does" },
      { "a function that there is not", "function json.fold(body) end", "function json.folds(body) end", "nlsql.json has no folds" },
      { "a value that is missing", "---@field null userdata", "--- null", "nlsql.lib.json has no null" },
      { "a module that is missing", "---@class nlsql.lib.yaml", "---@class nlsql.lib.yml", "no class nlsql.lib.yaml tells of it" },
    }
    for _, case in ipairs(spoilt) do
      it("shows " .. case[1], function()
        local classes, instead = {}, {}
        for _, path in ipairs(annotations.declarations()) do
          local text = support.read(path)
          local first, last = text:find(case[2], 1, true)
          if first then instead[path] = text:sub(1, first - 1) .. case[3] .. text:sub(last + 1) end
        end
        assert.truthy(next(instead))
        for _, class in ipairs(annotations.declared(instead).classes) do classes[class.name] = class end
        local out = {}
        for _, surface in ipairs(surfaces()) do
          for _, one in ipairs(differences(surface, classes)) do out[#out + 1] = one end
        end
        assert.truthy(table.concat(out, "\n"):find(case[4], 1, true), table.concat(out, "\n"))
      end)
    end
  end)
end)

--- --- parameters against the comments of the bindings ---------------------------------------------

--- The C files of a module: its binding, or the job's own file.
local function sources_of(module)
  if module == "nlsql.lib.job" then return { "engine/script/job.c" } end
  local short = module:match("[^.]+$")
  return lines_of(("ls engine/bind/lua_%s.c engine/bind/lua_%s_*.c engine/bind/lua_%s.h 2>/dev/null"):format(short, short, short))
end

--- Everything that the bindings of a module say: signatures by name, and the source as a whole.
local function binding_of(module)
  local by_name, whole = {}, {}
  local function add(name, signature)
    by_name[name] = by_name[name] or {}
    table.insert(by_name[name], signature)
  end
  for _, path in ipairs(sources_of(module)) do
    local functions, told, source = annotations.read_binding(path)
    whole[#whole + 1] = source
    for _, found in pairs(functions) do
      for name, signature in pairs(found) do add(name, signature) end
    end
    if path:find("%.h$") then
      for name, signature in pairs(told) do add(name, signature) end
    end
  end
  return { by_name = by_name, source = table.concat(whole, "\n") }
end

--- The members of an options table by its annotation: a class, or { a: T, b: T? } written out.
local function members_of(type_text)
  type_text = type_text:gsub("%?$", "")
  local names, class = {}, class_named[type_text]
  while class do
    for name in pairs(class.fields) do names[name] = true end
    class = class_named[class.parent]
  end
  for _, one in ipairs(annotations.split(type_text:match("^{(.*)}$") or "", ",")) do
    names[one:match("^[%a_][%w_]*") or "?"] = true
  end
  return names
end

--- nil where a declaration and a signature agree, else how they differ.
local function disagreement(declaration, signature)
  local parameters, arguments = declaration.parameters, signature.arguments
  for i, argument in ipairs(arguments) do
    local name = parameters[i]
    if argument.variadic and name ~= "..." or not name then
      return ("takes (%s)"):format(table.concat(parameters, ", "))
    elseif argument.name and not argument.variadic and argument.name ~= name then
      return ("calls it %s"):format(name)
    elseif argument.members then
      local told, listed = {}, {}
      for _, one in ipairs(declaration.documented) do
        if one.name == name then told = members_of(one.type) end
      end
      for _, member in ipairs(argument.members) do
        listed[member] = true
        if not told[member] then return ("%s has no %s"):format(name, member) end
      end
      for member in pairs(told) do
        if not listed[member] then return ("%s has %s"):format(name, member) end
      end
    end
  end
  if #parameters > #arguments then return ("takes (%s)"):format(table.concat(parameters, ", ")) end
end

--- What bindings read a member of a table with.
local READS = {}
for _, name in ipairs { "lua_getfield", "need_text", "bool_field", "count_field", "flag_field", "int_field", "key_field",
  "list_field", "ms_field", "number_field", "size_field", "text_field" } do
  READS[name] = true
end

describe("parameters", function()
  local bindings = {}
  local function binding(module)
    bindings[module] = bindings[module] or binding_of(module)
    return bindings[module]
  end

  it("are those that the bindings' comments name", function()
    local out, compared = {}, 0
    for _, class in ipairs(declared.classes) do
      for _, name in ipairs(sorted(class.functions)) do
        local one, told = class.functions[name], binding(class.module).by_name[name] or {}
        local differs
        for _, signature in ipairs(told) do
          differs = disagreement(one, signature)
          compared = compared + 1
          if not differs then break end
          differs = ("%s: %s, but the binding says %s"):format(one.place, differs, signature.text)
        end
        if #told == 0 and #one.parameters > 0 then
          differs = ("%s: no comment of a binding says how %s is called"):format(one.place, name)
        end
        out[#out + 1] = differs
      end
    end
    complain(out)
    assert.is_true(compared > 50)
  end)

  it("have the members that the bindings read, and no others", function()
    local out, told = {}, {}
    for _, class in ipairs(declared.classes) do
      told[class.module] = told[class.module] or {}
      for name, field in pairs(class.fields) do told[class.module][name] = field.place end
      for _, one in pairs(class.functions) do
        for _, documented in ipairs(one.documented) do
          for name in pairs(members_of(documented.type)) do
            told[class.module][name] = told[class.module][name] or documented.place
          end
        end
      end
    end
    for _, module in ipairs(sorted(told)) do
      local source = binding(module).source
      for call, at, name in source:gmatch('([%w_]+)%(L, ([^;()]-)"([%a][%w_]*)"') do
        if READS[call] and at:sub(1, 1) ~= "-" and not told[module][name] then
          out[#out + 1] = ("%s: the binding reads %q, which no annotation tells of"):format(module, name)
        end
      end
      for _, name in ipairs(sorted(told[module])) do
        if not source:find('"' .. name .. '"', 1, true) then
          out[#out + 1] = ("%s: %s: the binding knows no %q"):format(told[module][name], module, name)
        end
      end
    end
    complain(out)
  end)
end)
