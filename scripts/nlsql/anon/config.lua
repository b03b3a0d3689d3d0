--- config: what `anonymise:` says, read for a database: which class each column has, what becomes of amounts
--- and dates.

local classes = require "nlsql.anon.classes"

local config = {}

---@class nlsql.AnonConfig
---@field off boolean            values go out as they are
---@field amounts "jitter"|"keep"
---@field dates "shift"|"keep"
---@field rules { pattern: string, class: string, at: string?, weight: integer, used: boolean? }[]  the most particular first
local Config = {}
Config.__index = Config

--- A pattern of columns as one of Lua: `*` and `?` within a part, in either letter case.
local function part_pattern(part)
  return (part:gsub("[^%w_*?\x80-\xff]", "%%%0"):gsub("%*", ".*"):gsub("%?", "."))
end

--- Does the pattern `table.column` or `schema.table.column` mean this column?
local function means(pattern, t, column)
  local parts = {}
  for part in pattern:lower():gsub('"', ""):gmatch("[^.]+") do parts[#parts + 1] = "^" .. part_pattern(part) .. "$" end
  local name = column.name:lower()
  if #parts == 2 then return t.name:lower():find(parts[1]) and name:find(parts[2]) and true or false end
  if #parts == 3 then
    return t.schema:lower():find(parts[1]) and t.name:lower():find(parts[2]) and name:find(parts[3]) and true or false
  end
  return false
end

--- How particular a pattern is: letters that stand for themselves.
local function weight(pattern)
  local plain = pattern:gsub("[*?]", "")
  return #plain * 2 + (plain == pattern and 1000 or 0)
end

--- Is the key of `columns:` a pattern at all? nil and a sentence.
---@param pattern string
---@return true?
---@return string? message
function config.pattern(pattern)
  local _, dots = pattern:gsub("%.", "")
  local whole = not pattern:find("%.%.") and not pattern:find("^%.") and not pattern:find("%.$")
  if whole and dots >= 1 and dots <= 2 then return true end
  return nil, ("expected table.column or schema.table.column (* and ? stand for any letters), found %q"):format(pattern)
end

--- The settings' `anonymise` in one form.
---@param settings table
---@return nlsql.AnonConfig
function config.read(settings)
  local given = settings.anonymise
  local self = setmetatable({ off = given == false or given == "off", amounts = "jitter", dates = "shift", rules = {} }, Config)
  if type(given) ~= "table" then return self end
  self.amounts, self.dates = given.amounts or "jitter", given.dates or "shift"
  local places = settings.places or {}
  for pattern, word in pairs(given.columns or {}) do
    self.rules[#self.rules + 1] = { pattern = pattern, class = classes.find(word) or "text", weight = weight(pattern),
      at = places["anonymise.columns." .. pattern] }
  end
  table.sort(self.rules, function(a, b)
    if a.weight ~= b.weight then return a.weight > b.weight end
    return a.pattern < b.pattern
  end)
  return self
end

--- The rule for a column; nil where the configuration says nothing of it.
---@param t nlsql.Table
---@param column nlsql.Column
---@return { pattern: string, class: string, at: string? }?
function Config:rule(t, column)
  for _, rule in ipairs(self.rules) do
    if means(rule.pattern, t, column) then return rule end
  end
end

--- What is wrong with the patterns, now that the database is known: those that mean no column.
---@param schema nlsql.Catalog
---@return string[] complaints
function Config:faults(schema)
  local open, out = {}, {}
  for _, rule in ipairs(self.rules) do open[#open + 1] = rule end
  for _, ref in ipairs(#open > 0 and schema:names() or {}) do
    local t = schema:table(ref) --[[@as nlsql.Table]]
    for _, column in ipairs(t.columns) do
      for i = #open, 1, -1 do
        if means(open[i].pattern, t, column) then table.remove(open, i) end
      end
    end
  end
  for _, rule in ipairs(open) do
    out[#out + 1] = ("%sanonymise.columns: %s"):format(rule.at and rule.at .. ": " or "", config.nearest(schema, rule.pattern))
  end
  table.sort(out)
  return out
end

--- The sentence for a pattern that means no column.
---@param schema nlsql.Catalog
---@param pattern string
---@return string
function config.nearest(schema, pattern)
  local text = require "nlsql.text"
  local of, name = pattern:match("^(.*)%.([^.]+)$")
  local ref = of and not of:find("[*?]") and schema:find(of)
  if of and not of:find("[*?]") and not ref then
    local near = schema:nearest(of)
    return ("there is no table %s%s"):format(of, near and (" (did you mean %s?)"):format(near) or "")
  end
  if ref and not name:find("[*?]") then
    local known = {}
    for _, column in ipairs((schema:table(ref) --[[@as nlsql.Table]]).columns) do known[#known + 1] = column.name end
    local near = text.nearest(name, known)
    return ("table %s has no column %s%s"):format(ref, name, near and (" (did you mean %s?)"):format(near) or "")
  end
  return ("no column matches %s"):format(pattern)
end

return config
