--- names: what the schema calls things, and what a piece of prose can mean by a name.

local text = require "nlsql.text"
local types = require "nlsql.claims.types"
local words = require "nlsql.grammar.words"

local names = {}

---@class nlsql.Names
---@field schema nlsql.Catalog
---@field tables table<string, string[]>    references by name in lower case
---@field exact table<string, string[]>     references by name as it is
---@field columns table<string, table[]>    {ref=, name=} by name in lower case
---@field nouns table<string, string|false> references by what a row is called; false: several
---@field types table<string, boolean>      types of columns, in lower case
---@field labels table<string, boolean>     labels of enums and values of checks, in lower case
---@field words table<string, boolean>      words that names and comments are made of
---@field constraints table<string, boolean>
---@field into table<string, table[]>       foreign keys by the table that they refer to
local Names = {}
Names.__index = Names

local made = setmetatable({}, { __mode = "k" })

local function add(map, key, value)
  local list = map[key]
  if not list then
    list = {}
    map[key] = list
  end
  list[#list + 1] = value
end

--- Words that sentences are made of: no row is called so.
local NO_NOUN = words.set([[
  type key column table name index row order value reference number date time text field view schema data database
  default relation constraint id all each it one many user_ that this null is has in on to
]])

local function add_words(self, text_of)
  for _, word in ipairs(words.split(text_of)) do
    for part in word:gmatch("[%w\x80-\xFF]+") do
      self.words[part] = true
      self.words[words.singular(part)] = true
    end
  end
end

local function add_noun(self, noun, ref)
  for _, form in ipairs { noun, words.plural(noun) } do
    if not NO_NOUN[form] and #form > 2 then
      if self.nouns[form] == nil then
        self.nouns[form] = ref
      elseif self.nouns[form] ~= ref then
        self.nouns[form] = false
      end
    end
  end
end

local function add_type(self, written)
  local lower = written:lower():gsub('"', ""):gsub("%[%]$", ""):gsub("%(.*%)$", "")
  self.types[lower] = true
  local bare = lower:match("([^.]+)$")
  if bare then self.types[bare] = true end
end

local function add_table(self, t)
  local ref = t.reference
  add(self.tables, t.name:lower(), ref)
  add(self.exact, t.name, ref)
  self.schemas[t.schema:lower()] = true
  add_words(self, t.name)
  if t.comment then add_words(self, t.comment) end
  for _, column in ipairs(t.columns) do
    add(self.columns, column.name:lower(), { ref = ref, name = column.name })
    add_words(self, column.name)
    if column.comment then add_words(self, column.comment) end
    add_type(self, column.type)
    add_type(self, column.base_type)
    for _, label in ipairs(column.labels or {}) do self.labels[label:lower()] = true end
    for literal in (column.default or ""):gmatch("'([^']*)'") do self.labels[literal:lower()] = true end
  end
  for _, check in ipairs(t.checks) do
    if check.name then self.constraints[check.name:lower()] = true end
    for literal in (check.expression or ""):gmatch("'([^']*)'") do self.labels[literal:lower()] = true end
  end
  for _, key in ipairs(t.foreign) do
    if key.name then self.constraints[key.name:lower()] = true end
  end
end

--- What the schema calls things. Made at the first call for a schema, and kept.
---@param schema nlsql.Catalog
---@return nlsql.Names
function names.of(schema)
  local self = made[schema]
  if self then return self end
  self = setmetatable({ schema = schema, tables = {}, exact = {}, columns = {}, nouns = {}, types = {}, labels = {},
    words = {},
    constraints = {}, schemas = {}, into = {}, known = {}, all = schema:names() }, Names)
  local said = {}
  for _, ref in ipairs(self.all) do
    local t = schema:table(ref)
    add_table(self, t)
    add_noun(self, words.singular(words.humanise(t.name)), ref)
    said[ref] = words.noun_phrase(t.comment, 3)
  end
  for _, ref in ipairs(self.all) do -- names win over what comments say
    if said[ref] and self.nouns[words.singular(said[ref])] == nil then
      add_noun(self, words.singular(said[ref]), ref)
    end
  end
  for _, edge in ipairs(schema:edges()) do add(self.into, edge.to, edge) end
  made[schema] = self
  return self
end

--- Tables that are kept at hand.
local KEPT = 200

--- The table of the catalog, with its columns by name.
---@param ref string
---@return table
function Names:table(ref)
  local t = self.known[ref]
  if not t then
    t = self.schema:table(ref)
    t.by_name = {}
    for _, column in ipairs(t.columns) do t.by_name[column.name] = column end
    self.n_known = (self.n_known or 0) + 1
    if self.n_known > KEPT then self.known, self.n_known = {}, 1 end
    self.known[ref] = t
  end
  return t
end

--- Which of the columns named `name` (in any case; in that of `name` where there is one) is in `ref`?
---@return string? name as the catalog has it
function Names:column(ref, name)
  local t = self:table(ref)
  if t.by_name[name] then return name end
  for _, one in ipairs(self.columns[name:lower()] or {}) do
    if one.ref == ref then return one.name end
  end
end

--- The parts of a name as SQL or prose writes it: s."T".c
---@param written string
---@return string[]?
local function parts_of(written)
  local out, at = {}, 1
  while at <= #written do
    local quoted = written:match('^"([^"]+)"', at)
    local part = quoted or written:match("^[^.\"]+", at)
    if not part then return nil end
    out[#out + 1] = part
    at = at + #part + (quoted and 2 or 0)
    if at <= #written then
      if written:sub(at, at) ~= "." or at == #written then return nil end
      at = at + 1
    end
  end
  return #out > 0 and out or nil
end

--- The tables of that name, in any or in this schema, whatever their capitals where none is spelt so; nil:
--- there are none.
function Names:tables_named(name, in_schema)
  local found = {}
  for _, ref in ipairs(self.exact[name] or self.tables[name:lower()] or {}) do
    if not in_schema or self:table(ref).schema:lower() == in_schema:lower() then found[#found + 1] = ref end
  end
  return #found > 0 and found or nil
end

--- The nearest name of a table, or of a column of these tables.
function Names:nearest(name, refs, kind)
  local list = {}
  if kind ~= "table" then
    for _, ref in ipairs(refs) do
      for _, column in ipairs(self:table(ref).columns) do list[#list + 1] = column.name end
    end
  end
  if kind ~= "column" then
    for written in pairs(self.exact) do list[#list + 1] = written end
    table.sort(list)
  end
  local elsewhere = kind ~= "table" and self.columns[name:lower()]
  if elsewhere then return (" (%s has one)"):format(elsewhere[1].ref) end
  local near = text.nearest(name, list)
  if not near and kind ~= "table" then
    list = {}
    for _, all in pairs(self.columns) do list[#list + 1] = all[1].name end
    table.sort(list)
    near = text.nearest(name, list)
  end
  return near and (" (did you mean %q?)"):format(near) or ""
end

local function no_column(self, refs, name)
  return ("%s has no column %s%s"):format(refs[1], name, self:nearest(name, refs, "column"))
end

--- s.t, t.c, s.t.c
local function dotted(self, parts)
  local n = #parts
  if n == 2 and self.schemas[parts[1]:lower()] then
    local refs = self:tables_named(parts[2], parts[1])
    if refs then return { refs = refs } end
  end
  if n > 3 then table.remove(parts, 1) end
  local refs = self:tables_named(parts[#parts - 1], #parts > 2 and parts[1] or nil)
  if not refs then
    if n == 2 and self.schemas[parts[1]:lower()] then
      return nil, ("there is no table %s.%s%s"):format(parts[1], parts[2], self:nearest(parts[2], {}, "table"))
    end
    return nil, ("there is no table %s%s"):format(parts[#parts - 1], self:nearest(parts[#parts - 1], {}, "table"))
  end
  local at, name = {}, nil
  for _, ref in ipairs(refs) do
    local column = self:column(ref, parts[#parts])
    if column then at[#at + 1], name = { ref = ref, name = column }, column end
  end
  if not name then
    if parts[#parts] == "*" then return { refs = refs } end
    return nil, no_column(self, refs, parts[#parts])
  end
  return { columns = { { name = name, at = at, qualified = true } } }
end

--- What a written name means: { refs = tables } or { columns = … } or both; nil and why there is none.
---@param written string
---@return table?, string?
function Names:resolve(written)
  if self.schema:find(written) == written then return { refs = { written } } end
  local parts = (self.exact[written] or self.columns[written:lower()]) and { written } or parts_of(written)
  if not parts then return nil end
  if #parts > 1 then
    local whole = self:tables_named(written) -- a name may hold a dot
    if whole then return { refs = whole } end
    return dotted(self, parts)
  end
  local name = parts[1]
  local out = { refs = self:tables_named(name) }
  local columns = self.columns[name:lower()]
  if columns then
    local exact, at = false, {}
    for _, one in ipairs(columns) do exact = exact or one.name == name end
    for _, one in ipairs(columns) do
      if not exact or one.name == name then at[#at + 1] = one end
    end
    out.columns = { { name = at[1].name, at = at } }
  end
  if out.refs or out.columns then return out end
  return nil
end

--- May `name` be that of a constraint, an index or a sequence that goes with a table?
function Names:is_constraint(name)
  local lower = name:lower()
  if self.constraints[lower] then return true end
  local bare = lower:match("^(.+)_pkey$")
  if bare then return self.tables[bare] ~= nil end
  bare = lower:match("^(.+)_fkey%d*$") or lower:match("^(.+)_key%d*$") or lower:match("^(.+)_check%d*$")
    or lower:match("^(.+)_idx%d*$")
    or lower:match("^(.+)_seq$") or lower:match("^(.+)_excl%d*$")
  while bare do
    local rest = bare
    bare = bare:match("^(.+)_[^_]+$")
    if bare and self.tables[bare] and rest ~= bare then return true end
  end
  return false
end

--- A type of PostgreSQL or of this database.
---@return nlsql.SpokenType?
function Names:type(written) return types.read(written, self.types) end

return names
