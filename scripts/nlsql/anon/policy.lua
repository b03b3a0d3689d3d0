--- policy: the class of each column, and why.
---
--- What somebody said comes first: the configuration, then security labels. Then what is no secret by its kind:
--- keys that are numbers, enums, booleans. Then the column's name, its comment, what its values look like. Text
--- that none of these tells is kept only where its values are few and come again and again; otherwise it is
--- "text", and never goes out as it is. A column that refers to another has that one's class, so that joins join.

local config = require "nlsql.anon.config"
local labels = require "nlsql.anon.labels"
local lists = require "nlsql.anon.lists"
local names = require "nlsql.anon.names"
local values = require "nlsql.anon.values"

local policy = {}

---@class nlsql.AnonDecision
---@field class string   of nlsql.anon.classes
---@field shape string?  how the stand-in is made, where that is not the class's own: "number", "array", "document"
---@field why string
---@field code boolean?  kept as one of few values, which are no secret wherever they stand

---@class nlsql.AnonPolicy
---@field config nlsql.AnonConfig
---@field schema nlsql.Catalog
---@field db nlsql.Db
---@field decided table<string, table<string, nlsql.AnonDecision>>  by table and column
---@field whole table<string, nlsql.WholeTable>?  while somebody wants them: tables all of whose values were looked at
---@field counted table<string, nlsql.FewValues|false>
---@field children table<string, { from: string, column: string }[]>?  those that refer to "table.column"
local Policy = {}
Policy.__index = Policy

---@param settings table
---@param schema nlsql.Catalog
---@param db nlsql.Db
---@return nlsql.AnonPolicy
function policy.open(settings, schema, db)
  return setmetatable({ config = config.read(settings), schema = schema, db = db, decided = {}, counted = {} }, Policy)
end

local function keep(why, code) return { class = "keep", why = why, code = code } end

local function column_of(t, name)
  for _, column in ipairs(t.columns) do
    if column.name == name then return column end
  end
end

--- The column that this one refers to.
local function referred(t, name)
  for _, key in ipairs(t.foreign) do
    for i, column in ipairs(key.columns) do
      if column == name and key.referred then return key.referred, key.referred_columns[i] end
    end
  end
end

local function has(list, name)
  for _, one in ipairs(list or {}) do
    if one == name then return true end
  end
  return false
end

--- Columns that refer to this one: { from, column } each.
local function children_of(self, t, name)
  if not self.children then
    self.children = {}
    for _, edge in ipairs(self.schema:edges()) do
      for i, column in ipairs(edge.columns) do
        local key = edge.to .. "." .. edge.referred_columns[i]
        self.children[key] = self.children[key] or {}
        table.insert(self.children[key], { from = edge.from, column = column })
      end
    end
  end
  return self.children[t.reference .. "." .. name] or {}
end

--- Is the column part of a key, or named as one? Views and tables without keys have the names only.
local function is_in_key(self, t, name)
  if has(t.primary, name) or referred(t, name) or #children_of(self, t, name) > 0 then return true end
  for _, key in ipairs(t.uniques) do
    if has(key, name) then return true end
  end
  return names.is_key(name)
end

--- --- what somebody said ----------------------------------------------------------------------------

local function said(self, t, column)
  local rule = self.config:rule(t, column)
  if rule then return { class = rule.class, why = rule.at or "anonymise.columns." .. rule.pattern } end
  if not column.label then return nil end
  local class, why = labels.class(column.label)
  if class then return { class = class, why = "SECURITY LABEL: " .. column.label } end
  return why and { class = "withheld", why = why } or nil
end

--- --- by type ---------------------------------------------------------------------------------------

local INTEGERS = { smallint = true, integer = true, bigint = true }

local NETWORK = { inet = "ip", cidr = "ip", macaddr = "mac", macaddr8 = "mac" }

local function of_network(column) return { class = NETWORK[column.base_type] or "withheld", why = "its type" } end

--- Types of category U and others.
local function of_other(column)
  local base = column.base_type
  if base == "uuid" then return { class = "uuid", why = "its type" } end
  if base == "json" or base == "jsonb" then return { class = "document", why = "its type" } end
  if NETWORK[base] then return of_network(column) end
  return { class = "withheld", why = ("nothing is known of the type %s"):format(column.type) }
end

local function of_date(_, _, column, first)
  if column.base_type:find("^time ") or column.base_type == "time" then return keep "a time of day" end
  if values.are_months(first[column.name] or {}) then return keep "its values are months" end
  return { class = "date", why = "its type" }
end

--- Classes whose stand-in in a column of numbers is a number of as many digits.
local AS_NUMBER = { phone = true, card = true, code = true, address = true, person = true, withheld = true, email = true,
  ip = true, mac = true, uuid = true, city = true, company = true, url = true, text = true }

--- --- by name and data ------------------------------------------------------------------------------

--- What the name, the type's name or the comment says.
local function by_words(t, column)
  local class = names.class(column.name, t.name)
  if class then return class, ("its name in table %s"):format(t.name) end
  if column.type ~= column.base_type then
    class = names.class(column.type:gsub("%(.*", ""):gsub('"', ""):gsub("^.*%.", ""), "")
    if class then return class, ("the name of its type, %s"):format(column.type) end
  end
  class = names.of_comment(column.comment)
  if class then return class, "its comment" end
end

local function counted(self, t, column)
  local key = t.reference .. "." .. column.name
  if self.counted[key] == nil then self.counted[key] = values.count(self.db, t, column) or false end
  return self.counted[key] or nil
end

local function of_number(self, t, column, first)
  if is_in_key(self, t, column.name) or column.identity then return keep "a number of a key" end
  local class, why = by_words(t, column)
  if class == "coordinate" then return { class = class, why = why } end
  if class and AS_NUMBER[class] then return { class = class, shape = "number", why = why } end
  if names.is_year(column.name) then return keep "its name: a number of the calendar" end
  local list = first[column.name] or {}
  if not INTEGERS[column.base_type] then return { class = "amount", why = "a number" } end
  class, why = values.class(list)
  if class == "card" then return { class = class, shape = "number", why = why } end
  if values.are_years(list) then return keep "its values are years" end
  local found = values.may_be_few(list) and counted(self, t, column)
  if found and found.few then return keep(("%d numbers that come again and again"):format(found.distinct)) end
  return { class = "amount", why = "a number" }
end

--- Does a column that refers to the one of that name hold few values that come again? Then so are these.
local function known_by_children(self, t, name)
  for _, child in ipairs(children_of(self, t, name)) do
    local other = self.schema:table(child.from) --[[@as nlsql.Table]]
    local own = column_of(other, child.column)
    local found = own and counted(self, other, own)
    if found and found.few then return true end
  end
  return false
end

--- Tables that are looked at for a view's sake.
local MOST_NAMESAKES = 10

--- A view's text comes from tables where it may be a secret: it is kept where all tables that have a column of that
--- name keep it, and there is one.
local function kept_by_namesakes(self, t, column, seen)
  local n = 0
  for _, ref in ipairs(self.schema:names()) do
    local other = ref ~= t.reference and self.schema:table(ref) --[[@as nlsql.Table]]
    local own = other and other.kind ~= "view" and other.kind ~= "materialised view" and column_of(other, column.name)
    if own then
      n = n + 1
      if n > MOST_NAMESAKES or self:table(ref, seen)[column.name].class ~= "keep" then return false end
    end
  end
  return n > 0
end

local function of_text(self, t, column, first, seen)
  local list = first[column.name] or {}
  local class, why = by_words(t, column)
  local looks, how_many = values.class(list)
  -- a "contact" is somebody's name by its own name, but may hold e-mail addresses
  if looks and (not class or class == "person" or class == "company") then class, why = looks, how_many end
  if class then return { class = class, why = why } end
  local may_keep = (t.kind ~= "view" and t.kind ~= "materialised view") or kept_by_namesakes(self, t, column, seen)
  local found = may_keep and values.may_be_few(list) and counted(self, t, column)
  if found and found.few then return keep(("%d values that come again and again"):format(found.distinct), true) end
  if found and found.short and known_by_children(self, t, column.name) then
    return keep(("%d codes that other tables refer to"):format(found.distinct), true)
  end
  local key = found and found.least and lists.key(t, column, list)
  if key and known_by_children(self, t, key) then
    return keep(("%d names of a list that other tables refer to again and again"):format(found.distinct), true)
  end
  return { class = "text", why = #list == 0 and "text of which nothing is known" or "text of many values" }
end

local function of_array(self, t, column)
  local base = column.base_type:gsub("[%[%]]", "")
  if INTEGERS[base] or base:find("^numeric") or base == "double precision" or base == "real" then
    return { class = "amount", shape = "array", why = "numbers" }
  end
  if base == "text" or base:find("^character") or base == "citext" then
    local decision = of_text(self, t, { name = column.name, type = base, base_type = base, comment = column.comment }, {})
    return { class = decision.class, shape = "array", why = decision.why }
  end
  if base == "uuid" then return { class = "uuid", shape = "array", why = "its type" } end
  if base == "date" or base:find("^timestamp") then return { class = "date", shape = "array", why = "its type" } end
  if base == "boolean" or column.labels then return keep "its type" end
  return { class = "withheld", why = ("nothing is known of the type %s"):format(column.type) }
end

local BY_CATEGORY = {
  A = of_array, D = of_date, N = of_number, S = of_text,
  B = function() return keep "true or false" end,
  E = function() return keep "an enum" end,
  T = function() return keep "a length of time" end,
  I = function(_, _, column) return of_network(column) end,
}

--- A class that somebody chose, for a column of this type.
local function fitted(decision, column)
  local class = decision.class
  if column.category == "N" and AS_NUMBER[class] then decision.shape = "number" end
  if column.category == "A" and class ~= "keep" and class ~= "withheld" then decision.shape = "array" end
  if (column.base_type == "json" or column.base_type == "jsonb") and class ~= "keep" and class ~= "withheld" then
    decision.shape = "document"
  end
  if column.category == "D" and class ~= "keep" then decision.class = "date" end
  if (column.category == "B" or column.category == "T" or column.category == "E") and class ~= "keep" then
    decision.class = "withheld"
  end
  return decision
end

--- --- the whole -------------------------------------------------------------------------------------

--- Amounts and dates as the configuration wants them.
local function settled(self, decision)
  if decision.class == "amount" and self.config.amounts == "keep" then return keep "amounts: keep" end
  if decision.class == "date" and self.config.dates == "keep" then return keep "dates: keep" end
  return decision
end

local function decide(self, t, column, first, seen)
  local spoken = said(self, t, column)
  if spoken then return settled(self, fitted(spoken, column)) end
  local ref, name = referred(t, column.name)
  if ref and column.category ~= "N" and not seen[ref .. "." .. name] then
    local other = self:table(ref, seen)[name]
    if other then
      return { class = other.class, shape = other.shape, code = other.code, why = ("as %s.%s"):format(ref, name) }
    end
  end
  local of = BY_CATEGORY[column.category]
  return settled(self, of and of(self, t, column, first, seen) or of_other(column))
end

--- Columns whose values are looked at.
local function looked_at(self, t)
  local list = {}
  for _, column in ipairs(t.columns) do
    local tells = column.category == "S" or column.category == "D" or INTEGERS[column.base_type]
    if tells and not said(self, t, column) then list[#list + 1] = column end
  end
  return list
end

--- The decisions for a table's columns. Waits at the first time. Where the database does not answer, what its data
--- would have told is taken for unknown, and asked again the next time.
---@param ref string
---@param seen table<string, boolean>?  columns on the way to this one
---@return table<string, nlsql.AnonDecision> by column
function Policy:table(ref, seen)
  local known = self.decided[ref]
  if known then return known end
  local t = self.schema:table(ref)
  if not t then return {} end
  local out, first, rows = {}, values.first(self.db, t, looked_at(self, t))
  if self.whole and rows then self.whole[ref] = { rows = rows, values = first } end
  for _, column in ipairs(t.columns) do
    local way = setmetatable({ [ref .. "." .. column.name] = true }, { __index = seen })
    out[column.name] = decide(self, t, column, first or {}, way)
  end
  if first and not seen then self.decided[ref] = out end
  return out
end

return policy
