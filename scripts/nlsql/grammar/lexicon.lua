--- lexicon: what tables and columns are called in English, and what each column is good for.
---
--- Names come from short comments ("weight in grams") or from the identifier. An entity is a table
--- with its nouns; an attribute is a column that a question can be about, with its role:
---
---   label     tells one row from another for a person: name, title
---   category  few values, many rows each: status, country
---   flag      yes or no
---   number    a quantity: compared and averaged, added up where `additive`
---   year      a calendar year as a number: compared, never averaged
---   date      a date or a time stamp
---   text      any other text
---   array     a list of texts
---
--- Keys are no attributes: people ask for names. Where a table has no label its key serves.

local catalog = require "nlsql.catalog"
local profile = require "nlsql.grammar.profile"
local words = require "nlsql.grammar.words"

local lexicon = {}

---@class nlsql.Attribute
---@field name string       the column
---@field phrase string     "unit price"
---@field role string
---@field sql string        the expression behind the table's alias and dot, quoted: `"Unit Price"`
---@field type string       base type: numeric, date, …
---@field nullable boolean  some row has no value
---@field sparse boolean    most rows have none
---@field distinct integer
---@field additive boolean? does a sum of it mean anything?
---@field json string?      the key of an object, where the attribute is one of its values
---@field labels string[]?  of an enum
---@field mean number?      of a number

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
local Lexicon = {}
Lexicon.__index = Lexicon

local function set(text)
  local out = {}
  for word in text:gmatch("%S+") do out[word] = true end
  return out
end

--- --- phrases from comments ---------------------------------------------------------------------

local NOT_IN_PHRASE = set("is are was were be been has have had if when where whether which that this these those used uses see "
  .. "refers references reference referencing foreign key fk pk primary identifies stores contains holds must may can "
  .. "should not null true false yes no e.g i.e todo deprecated table column row rows each every")

--- The noun phrase with which a comment begins, if it is one: "weight in grams; net" → "weight in grams".
---@param comment string?
---@param most integer words at most
---@return string?
function lexicon.phrase_of(comment, most)
  local phrase = comment and comment:match("^%s*([^.;:,(\n—–]+)")
  if not phrase then return nil end
  phrase = phrase:gsub("%s+", " "):gsub("%s+$", ""):gsub("^[TtAa][hn]?e? ", function(article)
    return (article:lower() == "the " or article:lower() == "a " or article:lower() == "an ") and "" or nil
  end)
  local n = 0
  for word in phrase:gmatch("%S+") do
    n = n + 1
    if NOT_IN_PHRASE[word:lower()] or not word:find("^[%a][%w%-'/]*$") then return nil end
  end
  if n == 0 or n > most then return nil end
  if phrase:find("^%u%l") then phrase = phrase:sub(1, 1):lower() .. phrase:sub(2) end
  return phrase
end

--- --- prefixes -----------------------------------------------------------------------------------

--- What all names begin with, of which some other name is left of each.
local function common_prefix(names)
  local prefix = names[1] or ""
  for _, name in ipairs(names) do
    while name:sub(1, #prefix) ~= prefix or #name == #prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local PLAIN = set "id no key code name"

--- A prefix that all columns of a table carry, its key among them: "cust_id", "cust_name" → "cust_".
local function column_prefix(t)
  local names = {}
  for i, column in ipairs(t.columns) do names[i] = column.name:lower() end
  local prefix = #names >= 3 and common_prefix(names) or ""
  for _, name in ipairs(names) do
    if #prefix >= 2 and PLAIN[name:sub(#prefix + 1)] then return prefix end
  end
  return ""
end

--- A prefix that all tables carry: "shop_order", "shop_item"; without a separator only where their
--- columns carry it too.
local function table_prefix(self)
  local names, columns = {}, {}
  for _, ref in ipairs(self.schema:names()) do
    names[#names + 1] = self.tables[ref].name:lower()
    columns[#columns + 1] = column_prefix(self.tables[ref])
  end
  local prefix = #names >= 3 and common_prefix(names) or ""
  local separated = prefix:match("^.+_")
  if separated or #prefix < 2 then return separated or "" end
  for _, one in ipairs(columns) do
    if one:sub(1, #prefix) ~= prefix then return "" end
  end
  return prefix
end

--- --- nouns --------------------------------------------------------------------------------------

local function noun_of(self, t)
  local said = lexicon.phrase_of(t.comment, 3)
  return words.singular(said or words.humanise(t.name:sub(#self.prefix + 1)))
end

--- Nouns for all tables; those that would be alike are told apart by their schema, or as written.
local function name_tables(self)
  local taken = {}
  for _, ref in ipairs(self.schema:names()) do self.tables[ref] = self.schema:table(ref) end
  self.prefix = table_prefix(self)
  for _, ref in ipairs(self.schema:names()) do
    local noun = noun_of(self, self.tables[ref])
    self.nouns[ref] = noun
    taken[noun] = (taken[noun] or 0) + 1
  end
  local again = {}
  for ref, noun in pairs(self.nouns) do
    if taken[noun] > 1 then
      local t = self.tables[ref]
      noun = words.humanise(t.schema) .. " " .. words.singular(words.humanise(t.name:sub(#self.prefix + 1)))
      self.nouns[ref] = noun
    end
    again[noun] = (again[noun] or 0) + 1
  end
  for ref, noun in pairs(self.nouns) do
    if again[noun] > 1 or noun == "" then self.nouns[ref] = self.tables[ref].name .. " row" end
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
  local comment = lexicon.phrase_of(comment_of(self.tables[edge.from], edge.columns[1]), 3)
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
  if said:find(" by$") or said:find(" to$") or said:find(" from$") then
    return said:gsub(" ", "-") .. " " .. target
  end
  return said
end

local function link_tables(self)
  for _, edge in ipairs(self.schema:edges()) do
    edge.role = role_of(self, edge)
    local list = self.parents[edge.from]
    if not list then
      list = {}
      self.parents[edge.from] = list
    end
    list[#list + 1] = edge
  end
  -- two keys to one table with the same role ("address", "address") say the column instead
  for _, list in pairs(self.parents) do
    local seen = {}
    for _, edge in ipairs(list) do seen[edge.role] = (seen[edge.role] or 0) + 1 end
    for _, edge in ipairs(list) do
      if seen[edge.role] > 1 then
        local said = words.humanise(strip_suffix(table.concat(edge.columns, "_")))
        edge.role = said ~= edge.role and said or ("%s (%s)"):format(edge.role, edge.columns[1])
      end
    end
  end
end

--- Foreign keys from `ref` to others, each with its `role`.
---@return table[]
function Lexicon:edges_from(ref) return self.parents[ref] or {} end

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

--- --- attributes ---------------------------------------------------------------------------------

--- A word is in the list of words.
local function has_word(name, list)
  for _, word in ipairs(words.split(name)) do
    if list[word] then return true end
  end
  return false
end

local CODES = set "id code zip zipcode postal postcode phone fax tel mobile ssn isbn ean barcode sku version number no nr num vat iban"
local PLACES = set "latitude longitude lat lon lng x y z"
local RATES = set ("price rate percent percentage pct share ratio score rating rank ranking average avg mean age level grade "
  .. "temperature temp height width depth year month day hour priority index position order factor min max minimum maximum "
  .. "limit threshold rev revision discount speed density salary wage score satisfaction period time lead delivery hourly")
local LABELS = { "name", "title", "full_name", "display_name", "label", "subject", "headline", "username", "user_name",
  "email", "caption", "description" }

--- Names that are nothing but a unit.
local UNITS = { milliseconds = "duration in milliseconds", ms = "duration in milliseconds", seconds = "duration in seconds",
  minutes = "duration in minutes", hours = "duration in hours", bytes = "size in bytes", kilobytes = "size in kilobytes",
  kb = "size in kilobytes", mb = "size in megabytes", grams = "weight in grams", kg = "weight in kilograms",
  pounds = "weight in pounds", meters = "length in meters", km = "distance in kilometers", miles = "distance in miles" }

--- Words that say too little without the noun before them: "order number", "invoice date".
local BARE = set "type date time ID"

local function phrase_for(self, t, column, prefix)
  local said = lexicon.phrase_of(column.comment, 6)
  if said then return said end
  said = words.humanise(column.name:sub(#prefix + 1))
  if UNITS[said] then return UNITS[said] end
  local noun = self.nouns[t.reference]
  local own = words.singular(words.humanise(t.name:sub(#self.prefix + 1)))
  for _, owner in ipairs { noun, own } do
    if said:sub(1, #owner + 1) == owner .. " " then
      local rest = said:sub(#owner + 2)
      if not CODES[rest] and not BARE[rest] then return rest end
    end
  end
  return said
end

local TEXT_TYPES = { text = true, varchar = true, bpchar = true, ["character varying"] = true, character = true,
  citext = true, name = true }

local function bare_type(column) return (column.base_type:gsub("%s*%(.*%)", "")) end

--- Most values that a category has, and most letters that one has.
local CATEGORY_VALUES, CATEGORY_LETTERS = 60, 40

local function role_of_text(column, p, rows)
  if column.category == "E" then return "category" end
  if p.distinct <= CATEGORY_VALUES and p.distinct * 2 <= p.filled and rows >= 4
      and (tonumber(p.max) or 0) <= CATEGORY_LETTERS then
    return "category"
  end
  return "text"
end

local function role_of_number(column, p, phrase)
  local kind = bare_type(column)
  if kind == "money" or kind == "oid" or has_word(column.name, PLACES) then return nil end
  if has_word(column.name, CODES) and not column.name:lower():find("number_of") then return nil end
  local low, high = tonumber(p.min), tonumber(p.max)
  local is_year = low and low >= 1500 and high <= 2200 and kind:find("int") and (column.name .. phrase):lower():find("year")
  if is_year then return "year" end
  return "number", not has_word(column.name, RATES) and not has_word(phrase, RATES)
end

local function role_for(column, p, rows, phrase)
  local kind = bare_type(column)
  if p.filled == 0 then return nil end
  if column.category == "B" then return "flag" end
  if column.category == "N" then return role_of_number(column, p, phrase) end
  if kind == "date" or kind:find("^timestamp") then return "date" end
  if column.category == "S" or column.category == "E" then
    if (TEXT_TYPES[kind] or column.category == "E") then return role_of_text(column, p, rows) end
  elseif column.category == "A" and (kind == "text[]" or kind == "character varying[]") then
    return "array"
  end
  return nil
end

local NO_IDS = set "valid invalid solid grid paid unpaid prepaid void avoid rapid hybrid bid aid humid acid liquid fluid said amid mid"

--- "id", "aid", "customerid": keys, also where none is declared.
local function id_like(word)
  return word:find("id$") ~= nil and (not NO_IDS[word] or word == "aid")
end

local function key_columns(t)
  local keys = {}
  for _, edge in ipairs(t.foreign) do
    for _, name in ipairs(edge.columns) do keys[name] = true end
  end
  for _, name in ipairs(t.primary or {}) do keys[name] = true end
  for _, column in ipairs(t.columns) do
    local list = words.split(column.name)
    local kind = bare_type(column)
    if list[#list] == "id" or list[#list] == "uuid" or list[#list] == "guid" or kind == "uuid" then
      keys[column.name] = true
    elseif #list == 1 and id_like(list[1]) then
      keys[column.name] = true
    end
  end
  return keys
end

local function add_attribute(entity, seen, attribute)
  if seen[attribute.phrase] then attribute.phrase = words.humanise(attribute.name) end
  if seen[attribute.phrase] then return end
  seen[attribute.phrase] = true
  entity.attributes[#entity.attributes + 1] = attribute
end

local function add_json(self, entity, seen, column)
  for _, one in ipairs(profile.json_keys(self.db, entity.table, column.name, self.seed)) do
    if one.distinct * 2 <= one.filled and one.distinct <= CATEGORY_VALUES and one.key:find("^[%a][%w_]*$") then
      add_attribute(entity, seen, {
        name = column.name, json = one.key, phrase = words.humanise(one.key), role = "category",
        sql = ("%s ->> '%s'"):format(catalog.quote(column.name), one.key), type = "text",
        nullable = true, distinct = one.distinct, sparse = one.filled * 2 < entity.rows,
      })
    end
  end
end

local function add_attributes(self, entity, p)
  local t, seen = entity.table, {}
  local keys, prefix = key_columns(t), column_prefix(t)
  for _, column in ipairs(t.columns) do
    local cp = p.columns[column.name]
    if cp and not keys[column.name] then
      if bare_type(column) == "jsonb" then
        add_json(self, entity, seen, column)
      else
        local phrase = phrase_for(self, t, column, prefix)
        local role, additive = role_for(column, cp, p.rows, phrase)
        local constant = cp.distinct <= 1 and p.rows > 3
        if role and not constant then
          add_attribute(entity, seen, {
            name = column.name, phrase = phrase, role = role, additive = additive,
            sql = catalog.quote(column.name), type = bare_type(column), nullable = cp.filled < p.rows,
            distinct = cp.distinct, mean = cp.mean, labels = column.labels, sparse = cp.filled * 2 < p.rows,
          })
        end
      end
    end
  end
end

local function find_attribute(entity, name)
  for _, attribute in ipairs(entity.attributes) do
    if attribute.name:lower() == name then return attribute end
  end
end

--- The column(s) that show a row to a person.
local function choose_label(entity, p)
  local own = entity.table.name:lower()
  local first, last = find_attribute(entity, "first_name") or find_attribute(entity, "firstname"),
    find_attribute(entity, "last_name") or find_attribute(entity, "lastname")
  if first and last then return { first, last } end
  local names = table.move(LABELS, 1, #LABELS, 1, {})
  table.insert(names, 3, own .. "_name")
  table.insert(names, 4, words.singular(own) .. "_name")
  for _, name in ipairs(names) do
    local attribute = find_attribute(entity, name)
    if attribute and (attribute.role == "text" or attribute.role == "category") and not attribute.nullable
        and attribute.distinct * 2 > p.rows then
      return { attribute }
    end
  end
  for _, attribute in ipairs(entity.attributes) do
    if attribute.role == "text" and attribute.name:lower():find("name$") and not attribute.nullable
        and attribute.distinct == p.rows then
      return { attribute }
    end
  end
end

--- The attributes that the key's columns would be, to show rows that have no name.
local function key_label(entity)
  local list, prefix = {}, column_prefix(entity.table)
  for i, name in ipairs(entity.key) do
    local whole = words.humanise(name:sub(#prefix + 1))
    if whole == "ID" then whole = entity.noun .. " ID" end
    list[i] = { name = name, phrase = whole, role = "key", sql = catalog.quote(name), nullable = false }
  end
  return list
end

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
  add_attributes(self, entity, p)
  local label = choose_label(entity, p)
  entity.named = label ~= nil
  entity.label = label or key_label(entity)
  if label then
    for _, attribute in ipairs(label) do
      if attribute.role == "text" then attribute.role = "label" end
    end
  end
  return entity
end

--- What is known of a table. Asks the database the first time.
---@param ref string
---@return nlsql.Entity
function Lexicon:entity(ref)
  return profile.once(self.entities, ref, function() return make_entity(self, ref) end)
end

--- Reads the names of all tables; asks nothing of the data yet.
---@param schema nlsql.Catalog
---@param db nlsql.Db
---@param seed integer
---@return nlsql.Lexicon
function lexicon.open(schema, db, seed)
  local self = setmetatable({
    schema = schema, db = db, seed = seed, tables = {}, nouns = {}, parents = {}, entities = {}, only = {},
    trees = {},
  }, Lexicon)
  name_tables(self)
  link_tables(self)
  return self
end

return lexicon
