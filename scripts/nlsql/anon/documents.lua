--- documents: stand-ins within arrays and JSON, whose form stays.

local json = require "nlsql.json"
local names = require "nlsql.anon.names"

local documents = {}

--- --- arrays, as PostgreSQL writes them -------------------------------------------------------------

--- The elements of an array's text as they stand, and where each begins and ends; nil where it is no array.
local function elements_of(value)
  local at = value:match("^%[[^=]*=()") or 1 -- bounds: [0:1]={…}
  if value:sub(at, at) ~= "{" then return nil end
  local list = {}
  while at <= #value do
    local c = value:sub(at, at)
    if c == '"' then
      local last = at + 1
      while value:sub(last, last) ~= '"' do
        if last > #value then return nil end
        last = last + (value:sub(last, last) == "\\" and 2 or 1)
      end
      list[#list + 1] = { from = at, to = last, text = value:sub(at + 1, last - 1):gsub("\\(.)", "%1") }
      at = last + 1
    elseif c:find("[{},]") then
      at = at + 1
    else
      local last = value:find("[{},]", at)
      if not last then return nil end
      list[#list + 1] = { from = at, to = last - 1, text = value:sub(at, last - 1), bare = true }
      at = last
    end
  end
  return list
end

--- The array with `of(text)` in the place of each element; nil where it cannot be read.
---@param value string
---@param of fun(text: string): string
---@return string?
function documents.array(value, of)
  local list = elements_of(value)
  if not list then return nil end
  local out, done = {}, 1
  for _, one in ipairs(list) do
    out[#out + 1] = value:sub(done, one.from - 1)
    if one.bare and one.text:upper() == "NULL" then
      out[#out + 1] = one.text
    else
      local other = of(one.text)
      out[#out + 1] = other:find('^[^%s{},"\\]+$') and other:upper() ~= "NULL" and other
        or '"' .. other:gsub('[\\"]', "\\%0") .. '"'
    end
    done = one.to + 1
  end
  out[#out + 1] = value:sub(done)
  return table.concat(out)
end

--- --- JSON ------------------------------------------------------------------------------------------

--- Is it the name of a member that somebody wrote into a program, and no value?
local function is_plain_name(name)
  return #name <= 40 and name:find("^[%a_$@][%w_%-%.:]*$") ~= nil and not name:find("@.+%.")
end

--- Classes of numbers within documents that a name tells.
local NUMBERS = { phone = true, card = true, code = true, address = true, coordinate = true, withheld = true, person = true }

local function number(node, name, column, of)
  local written = assert(json.encode(node))
  local class = names.class(name or column, "")
  if names.is_year(name or column) then return node end
  local shape = class == "coordinate" and "coordinate" or class and NUMBERS[class] and "number" or "amount"
  local other = json.decode(of(shape, written))
  if type(other) == "table" or other == nil then return json.verbatim("0") end
  return other
end

local function walk(node, name, column, of)
  if node == json.null or type(node) == "boolean" then return node end
  if type(node) == "string" then return of(names.class(name or column, "") or "text", node) end
  if type(node) == "number" or type(node) == "userdata" then return number(node, name, column, of) end
  local is_list = json.is_array(node) or #node > 0
  if not is_list and getmetatable(node) ~= nil then return number(node, name, column, of) end
  local out = is_list and json.array {} or {}
  if is_list then
    for i, one in ipairs(node) do out[i] = walk(one, name, column, of) end
  else
    for key, one in pairs(node) do out[is_plain_name(key) and key or of("text", key)] = walk(one, key, column, of) end
  end
  return out
end

--- The document with `of(class, text)` in the place of each text and number; nil where it is no JSON.
---@param value string
---@param column string  its name, for what has none of its own
---@param of fun(class: string, text: string): string
---@return string?
function documents.json(value, column, of)
  local node = json.decode(value)
  if node == nil then return nil end
  return (json.encode(walk(node, nil, column, of)))
end

return documents
