--- lexicon: what tables are called in English, and what the rows that they refer to are to them.
---
--- Names come from short comments ("An order, from any channel" is an order) or from identifiers. An
--- entity is a table with its nouns and attributes (see nlsql.grammar.attributes).

local attributes = require "nlsql.grammar.attributes"
local profile = require "nlsql.grammar.profile"
local relation = require "nlsql.grammar.relation"
local words = require "nlsql.grammar.words"

local lexicon = {}

---@class nlsql.Entity
---@field ref string
---@field noun string       "order item"
---@field nouns string      "order items"
---@field table table       of the catalog
---@field attributes nlsql.Attribute[]
---@field label nlsql.Attribute[] what shows a row: one column, or first and last name; else its key
---@field named boolean     is the label a name, not only a key?
---@field key string[]      primary (or unique) key; empty where there is none
---@field rows integer
---@field gaps table<string, boolean> columns in which some row has NULL

---@class nlsql.Lexicon
---@field schema nlsql.Catalog
---@field db nlsql.Db
---@field seed integer
---@field anon nlsql.Anon?        what values are shown as; nil: as they are
---@field prefix string           that all tables carry
---@field tables table<string, nlsql.Table>
---@field nouns table<string, string>
---@field parents table<string, table[]>  foreign keys from each table, with their roles
---@field entities table
---@field trees table
---@field only table<string, boolean>
local Lexicon = {}
Lexicon.__index = Lexicon

--- --- nouns --------------------------------------------------------------------------------------

---@class nlsql.TableName what names a table; its columns are left to who works on it
---@field schema string
---@field name string
---@field comment string?
---@field column_prefix string

--- A prefix that all tables carry: "shop_order", "shop_item"; without a separator only where their
--- columns carry it too.
local function table_prefix(all)
  local names = {}
  for i, t in ipairs(all) do names[i] = t.name:lower() end
  local prefix = #names >= 3 and attributes.common_prefix(names) or ""
  local separated = prefix:match("^.+_")
  if separated or #prefix < 2 then return separated or "" end
  for _, t in ipairs(all) do
    if t.column_prefix:sub(1, #prefix) ~= prefix then return "" end
  end
  return prefix
end

local function noun_of(self, t)
  local said = words.noun_phrase(t.comment, 3)
  return words.countable(words.singular(said or words.humanise(t.name:sub(#self.prefix + 1))))
end

--- Nouns for all tables; those that would be alike are told apart by their schema, or as written.
local function name_tables(self)
  local all, taken, again = {}, {}, {}
  for i, ref in ipairs(self.schema:names()) do
    local t = self.schema:table(ref)
    all[i] = { ref = ref, schema = t.schema, name = t.name, comment = t.comment,
      column_prefix = attributes.column_prefix(t) }
  end
  self.prefix = table_prefix(all)
  for _, t in ipairs(all) do
    t.noun = noun_of(self, t)
    taken[t.noun] = (taken[t.noun] or 0) + 1
  end
  for _, t in ipairs(all) do
    if taken[t.noun] > 1 then
      t.noun = words.humanise(t.schema) .. " " .. words.singular(words.humanise(t.name:sub(#self.prefix + 1)))
    end
    again[t.noun] = (again[t.noun] or 0) + 1
  end
  for _, t in ipairs(all) do
    self.nouns[t.ref] = (again[t.noun] > 1 or t.noun == "") and t.name .. " row" or t.noun
  end
end

--- --- relations ----------------------------------------------------------------------------------

local SUFFIXES = { "id", "key", "fk", "code", "no", "nr", "ref", "uuid", "number" }
local ROLES = { ["reports to"] = "manager", ["created by"] = "creator", ["updated by"] = "last editor",
  ["approved by"] = "approver", ["assigned to"] = "assignee", ["owned by"] = "owner", ["sold by"] = "seller" }

local function strip_suffix(name)
  local list = words.split(name)
  local last = list[#list]
  for _, suffix in ipairs(SUFFIXES) do
    if last == suffix and #list > 1 then
      list[#list] = nil
      return table.concat(list, "_")
    end
    -- customerid, in databases that fold case
    local stem = #list == 1 and suffix == "id" and last:match("^(%l%l%l+)id$")
    if stem then return stem end
  end
  return name
end

local function comment_of(t, name)
  for _, column in ipairs(t.columns) do
    if column.name == name then return column.comment end
  end
end

--- What the referred row is to the one that refers: "customer", "billing address", "manager".
local function role_of(self, edge)
  local target, own = self.nouns[edge.to], words.singular(words.humanise(self.tables[edge.to].name))
  if #edge.columns > 1 then return target end
  -- writes.aid → author.aid: a key's own name says what it is the key of, and no more
  if edge.declared == false and edge.columns[1] == edge.referred_columns[1] then return target end
  local comment = words.noun_phrase(comment_of(self.tables[edge.from], edge.columns[1]), 3)
  if comment and not comment:find(" in ", 1, true) and not comment:find(" of ", 1, true) then return comment end
  local said = words.humanise(strip_suffix(edge.columns[1]))
  if ROLES[said] then return ROLES[said] end
  if said == "parent" then return "parent " .. target end
  local bare = words.singular(said)
  if bare == target or bare == own or bare == "" or words.split(edge.columns[1])[1] == "id" then return target end
  local short = bare:gsub(" ", "")
  if target:gsub(" ", ""):sub(1, #short) == short or target:find(" " .. bare .. "$") or #short <= 2 then
    return target -- "cust" for customer, "item" for order item
  end
  local before = said:match("^(.+) " .. own:gsub("%W", "%%%0") .. "$")
  if said:find(" via$") or before and target ~= own then return said:find(" via$") and target or before end
  if said:find(" by$") or said:find(" to$") or said:find(" from$") then
    return said:gsub(" ", "-") .. " " .. target
  end
  return said
end

--- Gives each of a table's foreign keys its role. Two keys to one table with the same role ("address",
--- "address") say the column instead.
local function name_roles(self, list)
  local seen = {}
  for _, edge in ipairs(list) do
    edge.role = role_of(self, edge)
    seen[edge.role] = (seen[edge.role] or 0) + 1
  end
  for _, edge in ipairs(list) do
    if seen[edge.role] > 1 then
      local said = words.humanise(strip_suffix(table.concat(edge.columns, "_")))
      edge.role = said ~= edge.role and said or ("%s (%s)"):format(edge.role, edge.columns[1])
    end
  end
end

local function link_tables(self)
  for _, edge in ipairs(self.schema:edges()) do
    if edge.declared or relation.leads_to_one(self.db, self.tables, edge) then
      local list = self.parents[edge.from] or {}
      self.parents[edge.from] = list
      list[#list + 1] = edge
    end
  end
end

local NO_KEYS = {}

--- Has the table foreign keys?
---@param ref string
---@return boolean
function Lexicon:refers(ref) return self.parents[ref] ~= nil end

--- Foreign keys from `ref` to others, each with its `role`.
---@return table[]
function Lexicon:edges_from(ref)
  local list = self.parents[ref]
  if not list then return NO_KEYS end
  if not list[1].role then name_roles(self, list) end
  return list
end

--- Steps beyond which a path of keys is not looked for.
local FAR = 4

--- How many paths of foreign keys lead from one table to another within `most` steps.
local function count_paths(self, from, to, most, seen)
  local n = 0
  for _, edge in ipairs(self:edges_from(from)) do
    if edge.to == to then
      n = n + 1
    elseif most > 1 and not seen[edge.to] then
      seen[edge.to] = true
      n = n + count_paths(self, edge.to, to, most - 1, seen)
      seen[edge.to] = nil
    end
    if n > 1 then return n end
  end
  return n
end

--- Is there but one path of keys, so that "the customer of an order item" can only mean one?
---@param from string
---@param to string
---@return boolean
function Lexicon:only_path(from, to)
  local key = from .. "\0" .. to
  if self.only[key] == nil then self.only[key] = count_paths(self, from, to, FAR, { [from] = true }) == 1 end
  return self.only[key]
end

--- --- entities ------------------------------------------------------------------------------------

local function smallest_key(t)
  if t.primary then return t.primary end
  local best
  for _, key in ipairs(t.uniques) do
    local good = true
    for _, name in ipairs(key) do
      for _, column in ipairs(t.columns) do
        if column.name == name and not column.not_null then good = false end
      end
    end
    if good and (not best or #key < #best) then best = key end
  end
  return best or {}
end

local function make_entity(self, ref)
  local t = self.tables[ref]
  local p = profile.of(self.db, t, self.seed)
  local entity = { ref = ref, noun = self.nouns[ref], nouns = words.plural(self.nouns[ref]), table = t,
    attributes = {}, rows = p.rows, key = smallest_key(t), gaps = {} }
  for name, column in pairs(p.columns) do entity.gaps[name] = column.filled < p.rows end
  attributes.fill(entity, p, self)
  return entity
end

--- What is known of a table. Asks the database the first time.
---@param ref string
---@return nlsql.Entity
function Lexicon:entity(ref)
  return profile.once(self.entities, ref, function() return make_entity(self, ref) end)
end

--- Reads the names of all tables. Of the data it asks only whether relations that were written by hand
--- hold: the database vouches for the others. What else there is to know of a table waits until somebody
--- asks: few of a large schema are.
---@param schema nlsql.Catalog
---@param db nlsql.Db
---@param seed integer
---@param anon nlsql.Anon?  nil: values are shown as they are
---@return nlsql.Lexicon
function lexicon.open(schema, db, seed, anon)
  local tables = setmetatable({}, { __index = function(known, ref)
    known[ref] = schema:table(ref)
    return rawget(known, ref)
  end })
  local self = setmetatable({
    schema = schema, db = db, seed = seed, anon = anon, tables = tables, nouns = {}, parents = {}, entities = {}, only = {},
    trees = {}, n_trees = 0,
  }, Lexicon)
  name_tables(self)
  link_tables(self)
  return self
end

return lexicon
