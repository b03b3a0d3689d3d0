--- attributes: the columns of a table that questions can be about, each with its role:
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
local disguise = require "nlsql.grammar.disguise"
local profile = require "nlsql.grammar.profile"
local words = require "nlsql.grammar.words"

local attributes = {}

local set = words.set

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

--- --- names ---------------------------------------------------------------------------------------

--- What all names begin with, of which some other name is left of each.
function attributes.common_prefix(names)
  local prefix = names[1] or ""
  for _, name in ipairs(names) do
    while name:sub(1, #prefix) ~= prefix or #name == #prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local PLAIN = set "id no key code name"

--- A prefix that all columns of a table carry, its key among them: "cust_id", "cust_name" → "cust_".
function attributes.column_prefix(t)
  local names = {}
  for i, column in ipairs(t.columns) do names[i] = column.name:lower() end
  local prefix = #names >= 3 and attributes.common_prefix(names) or ""
  for _, name in ipairs(names) do
    if #prefix >= 2 and PLAIN[name:sub(#prefix + 1)] then return prefix end
  end
  return ""
end

--- A word is in the list of words.
local function has_word(name, list)
  for _, word in ipairs(words.split(name)) do
    if list[word] then return true end
  end
  return false
end

--- Digits that are no quantity; places; quantities that no sum makes sense of.
local CODES = set ("id code zip zipcode postal postcode phone fax tel mobile ssn isbn ean barcode sku version number no nr "
  .. "num vat iban")
local PLACES = set "latitude longitude lat lon lng x y z"
local RATES = set ("price rate percent percentage pct share ratio score rating rank ranking average avg mean age level grade "
  .. "temperature temp height width depth year month day hour priority index position order factor min max minimum maximum "
  .. "limit threshold rev revision discount speed density salary wage score satisfaction period time lead delivery hourly")
local LABELS = { "name", "title", "full_name", "display_name", "label", "subject", "headline", "username", "user_name",
  "email", "caption" }

--- Names that are nothing but a unit.
local UNITS = { milliseconds = "duration in milliseconds", ms = "duration in milliseconds", seconds = "duration in seconds",
  minutes = "duration in minutes", hours = "duration in hours", bytes = "size in bytes", kilobytes = "size in kilobytes",
  kb = "size in kilobytes", mb = "size in megabytes", grams = "weight in grams", kg = "weight in kilograms",
  pounds = "weight in pounds", meters = "length in meters", km = "distance in kilometers", miles = "distance in miles" }

--- Words that say too little without the noun before them: "order number", "invoice date".
local BARE = set "type date time ID"

local function phrase_for(self, t, column, prefix)
  local said = words.noun_phrase(column.comment, 6)
  if said then return said end
  said = words.humanise(column.name:sub(#prefix + 1))
  if UNITS[said] then return UNITS[said] end
  if column.category == "D" then said = words.date_of(said) end
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
  if low == 0 and high == 1 and p.distinct == 2 and kind:find("int") then return nil end -- yes or no, and which is not said
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

local NO_IDS = set ("valid invalid solid grid paid unpaid prepaid void avoid rapid hybrid bid aid humid acid liquid fluid said "
  .. "amid mid")

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
  local keys, prefix = key_columns(t), attributes.column_prefix(t)
  for _, column in ipairs(t.columns) do
    local cp = p.columns[column.name]
    if cp and not keys[column.name] then
      local covered = disguise.covers(self.anon, entity.ref, column.name)
      if bare_type(column) == "jsonb" then
        if not covered then add_json(self, entity, seen, column) end
      else
        local phrase = phrase_for(self, t, column, prefix)
        local role, additive = role_for(column, cp, p.rows, phrase)
        local constant = cp.distinct <= 1 and p.rows > 3
        if role and not constant and not (covered and role == "array") then
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
  table.insert(names, 5, words.singular(own) .. "name")
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
local function key_label(entity, table_prefix)
  local list, prefix = {}, attributes.column_prefix(entity.table)
  local own = words.singular(words.humanise(entity.table.name:sub(#table_prefix + 1)))
  for i, name in ipairs(entity.key) do
    local whole = words.humanise(name:sub(#prefix + 1))
    if whole == "ID" or whole == own .. " ID" then whole = entity.noun .. " ID" end
    list[i] = { name = name, phrase = whole, role = "key", sql = catalog.quote(name), nullable = false }
  end
  return list
end

--- The attributes of an entity and its label, from what its columns hold.
---@param entity nlsql.Entity without them
---@param p nlsql.Profile
---@param world nlsql.Lexicon
function attributes.fill(entity, p, world)
  add_attributes(world, entity, p)
  local label = choose_label(entity, p)
  entity.named = label ~= nil
  entity.label = label or key_label(entity, world.prefix)
  for _, attribute in ipairs(label or {}) do
    if attribute.role == "text" then attribute.role = "label" end
  end
end

return attributes
