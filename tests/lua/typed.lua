--- typed: does a value hold what an annotation says?

local annotations = require "tests.lua.annotations"

local typed = {}

local PLAIN = { string = "string", boolean = "boolean", number = "number", table = "table", userdata = "userdata",
  ["function"] = "function", ["nil"] = "nil" }

local faults -- mutual recursion

local function list_faults(world, value, member, at)
  if type(value) ~= "table" then return { ("%s: expected a list, found %s"):format(at, type(value)) } end
  local out = {}
  for i, one in ipairs(value) do
    for _, fault in ipairs(faults(world, one, member, ("%s[%d]"):format(at, i))) do out[#out + 1] = fault end
  end
  for key in pairs(value) do
    if math.type(key) ~= "integer" then out[#out + 1] = ("%s: a list with a member %s"):format(at, tostring(key)) end
  end
  return out
end

local function class_faults(world, value, class, at)
  if type(value) ~= "table" then return { ("%s: expected %s, found %s"):format(at, class.name, type(value)) } end
  local out, fields = {}, {}
  local level = class
  while level do
    for name, field in pairs(level.fields) do fields[name] = field end
    level = world.classes[level.parent]
  end
  for name, one in pairs(value) do
    if not fields[name] then
      out[#out + 1] = ("%s: %s has no %s, but this one does"):format(at, class.name, tostring(name))
    else
      world.seen[class.name .. "." .. name] = true
      for _, fault in ipairs(faults(world, one, fields[name].type, at .. "." .. name)) do out[#out + 1] = fault end
    end
  end
  for name, field in pairs(fields) do
    if value[name] == nil and not field.optional then
      out[#out + 1] = ("%s: %s promises %s (%s), which is missing here"):format(at, class.name, name, field.place)
    end
  end
  return out
end

local function union_faults(world, value, choices, at)
  local first
  for _, choice in ipairs(choices) do
    local out = faults(world, value, choice, at)
    if #out == 0 then return out end
    first = first or out
  end
  if #choices == 1 then return first end
  return { ("%s: expected %s, found %s"):format(at, table.concat(choices, "|"), tostring(value)) }
end

function faults(world, value, stated, at)
  local optional = stated:match("^(.*)%?$")
  if optional then
    if value == nil then return {} end
    stated = optional
  end
  local choices = annotations.split(stated, "|")
  if #choices > 1 then return union_faults(world, value, choices, at) end
  local member, alias = stated:match("^(.*)%[%]$"), world.aliases[stated]
  if stated == "any" then return {} end
  if member then return list_faults(world, value, member, at) end
  if alias then return faults(world, value, alias.type, at) end
  if world.classes[stated] then return class_faults(world, value, world.classes[stated], at) end
  local right
  if stated == "integer" then
    right = math.type(value) == "integer"
  elseif stated:find('^"') then
    right = value == stated:sub(2, -2)
  elseif PLAIN[stated] then
    right = type(value) == PLAIN[stated]
  else
    error(("%s: the type %s is not one that this test can tell"):format(at, stated), 0)
  end
  return right and {} or { ("%s: expected %s, found %s"):format(at, stated, tostring(value)) }
end

--- What `value` holds against the type `stated`. `world.seen` collects the fields that were met.
---@param world { classes: table<string, AnnotatedClass>, aliases: table, seen: table<string, boolean> }
---@param value any
---@param stated string
---@param at string  what complaints call it
---@return string[]
function typed.faults(world, value, stated, at) return faults(world, value, stated, at) end

return typed
