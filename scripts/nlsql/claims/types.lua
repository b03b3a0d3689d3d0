--- types: what a column's type may be called.
---
--- A type is named as PostgreSQL does, with its aliases (int4, varchar, timestamptz), or in words ("a
--- whole number", "text", "a date"). In words a family is meant: a timestamp is a date too.

local types = {}

local ALIASES = {
  int = "integer", int4 = "integer", serial = "integer", serial4 = "integer", int8 = "bigint", bigserial = "bigint",
  serial8 = "bigint", int2 = "smallint", smallserial = "smallint", serial2 = "smallint", decimal = "numeric",
  dec = "numeric", varchar = "character varying", char = "character", bpchar = "character", nchar = "character",
  bool = "boolean", timestamptz = "timestamp with time zone", timestamp = "timestamp without time zone",
  timetz = "time with time zone", time = "time without time zone", float8 = "double precision",
    float = "double precision",
  float4 = "real", varbit = "bit varying", ["character varying"] = "character varying",
}

--- Types by name, longest first where they have several words.
local PHRASES = {
  { "timestamp", "without", "time", "zone" }, { "timestamp", "with", "time", "zone" },
    { "timestamp", "with", "timezone" },
  { "timestamp", "without", "timezone" }, { "time", "without", "time", "zone" }, { "time", "with", "time", "zone" },
  { "double", "precision" }, { "character", "varying" }, { "bit", "varying" },
}

local NAMES = {}
for name in ([[
  integer bigint smallint numeric real boolean text character date interval json jsonb uuid bytea money xml inet cidr
  macaddr citext tsvector tsquery point line polygon circle box path lseg bit oid int4range int8range numrange
  daterange tsrange tstzrange hstore geometry geography vector
]]):gmatch("%S+") do
  NAMES[name] = true
end
for alias in pairs(ALIASES) do
  if not alias:find(" ") then NAMES[alias] = true end
end

--- Names that are words of everyday English too: types only where the sentence says that it is one.
types.PLAIN = {}
for word in ([[
  text date time line path point box circle money real bit character interval vector geometry geography float int dec
  char
]]):gmatch("%S+") do
  types.PLAIN[word] = true
end
types.PLAIN.int, types.PLAIN.dec, types.PLAIN.float, types.PLAIN.char = nil, nil, nil, nil

--- Families of types that words stand for.
local FAMILIES = {
  number = "smallint integer bigint numeric real double precision money oid",
  whole = "smallint integer bigint oid",
  numeric = "smallint integer bigint numeric real double precision money",
  floating = "real double precision numeric",
  string = "text character varying character citext name",
  flag = "boolean",
  date = "date timestamp without time zone timestamp with time zone",
  time = "time without time zone time with time zone timestamp without time zone timestamp with time zone interval",
  stamp = "timestamp without time zone timestamp with time zone",
  interval = "interval",
  json = "json jsonb",
  money = "numeric money integer bigint real double precision smallint",
}

local SPOKEN = {
  { "number", "number" }, { "numbers", "number" }, { "whole number", "whole" }, { "whole numbers", "whole" },
  { "small integer", "whole" }, { "big integer", "whole" }, { "large integer", "whole" }, { "integers", "whole" },
  { "integer number", "whole" }, { "integer numbers", "whole" }, { "ints", "whole" }, { "smallints", "whole" },
    { "bigints", "whole" },
  { "decimal number", "numeric" }, { "decimal numbers", "numeric" }, { "decimals", "numeric" },
    { "numerics", "numeric" },
  { "floating-point number", "floating" }, { "floating-point", "floating" }, { "floating point number", "floating" },
  { "string", "string" }, { "strings", "string" }, { "character string", "string" }, { "text string", "string" },
    { "texts", "string" },
  { "booleans", "flag" }, { "boolean flag", "flag" }, { "boolean value", "flag" }, { "true/false value", "flag" },
  { "dates", "date" }, { "calendar date", "date" }, { "date and time", "stamp" }, { "timestamps", "stamp" },
    { "datetime", "stamp" },
  { "times", "time" }, { "time interval", "interval" }, { "intervals", "interval" }, { "duration", "interval" },
    { "json object", "json" }, { "json document", "json" },
  { "enum", "enum" }, { "enums", "enum" }, { "enumeration", "enum" }, { "enumerated", "enum" }, { "array", "array" },
    { "arrays", "array" },
}

--- Words alone that stand for a family too, where the sentence does not say "type".
local LOOSE = { integer = "whole", numeric = "numeric", text = "string", boolean = "flag", date = "date",
  ["time without time zone"] = "time", ["timestamp without time zone"] = "stamp", interval = "interval", json = "json",
  money = "money" }

local SPOKEN_BY_WORDS, LONGEST = {}, 4
for _, one in ipairs(SPOKEN) do SPOKEN_BY_WORDS[one[1]] = one[2] end

local function in_family(family, name)
  return (" " .. FAMILIES[family] .. " "):find(" " .. name .. " ", 1, true) ~= nil
end

---@class nlsql.SpokenType
---@field name string?    as PostgreSQL calls it
---@field mods string?    "10,2"
---@field array boolean   of an array
---@field family string?  what words stand for
---@field plain boolean?  a word of everyday English too
---@field serial boolean? numbered by a sequence
---@field written string

--- "timestamptz(3)[]" → its parts; nil where it is no type that PostgreSQL or `known` has.
---@param text string
---@param known table<string, boolean>? other types, in lower case
---@return nlsql.SpokenType?
function types.read(text, known)
  local lower = text:lower():gsub("%s+", " "):gsub('"', "")
  local array = lower:find("%[%d*%]$") ~= nil or lower:find(" array$") ~= nil
  lower = lower:gsub("%[%d*%]$", ""):gsub("%[%d*%]$", ""):gsub(" array$", "")
  local before, mods, behind = lower:match("^(.-) ?%(([%d, ]+)%)(.*)$")
  local name = before and before .. behind or lower
  name = name:gsub("timezone$", "time zone")
  local bare = name:match("^[%w_]+%.(.+)$")
  local canonical = ALIASES[name] or name
  local is_phrase = canonical:find(" ") and (canonical:find("^time") or canonical == "double precision"
    or canonical == "character varying" or canonical == "bit varying")
  if not (NAMES[name] or is_phrase) then
    if not known or not (known[name] or bare and known[bare]) then return nil end
    canonical = known[name] and name or bare
  end
  return { name = canonical, mods = mods and mods:gsub(" ", "") or nil, array = array,
    family = not array and LOOSE[canonical] or nil,
    serial = name:find("serial", 1, true) and ALIASES[name] ~= nil or nil,
    plain = types.PLAIN[name] and not array and not mods, written = text }
end

--- What a column's type is called, as types.read has it.
local function forms_of(column)
  local forms = {}
  for i, written in ipairs { column.type, column.base_type } do
    local lower = written:lower():gsub('"', "")
    local known = { [lower:gsub("%[%]$", "")] = true }
    local bare = lower:gsub("%[%]$", ""):match("([^.]+)$")
    if bare then known[bare] = true end
    forms[i] = types.read(written, known) or { name = lower, array = lower:find("%[%]$") ~= nil }
  end
  return forms
end

--- Is `said` true of the column? `strict`: the very type is meant, not a family of them.
---@param column table of the catalog
---@param said nlsql.SpokenType
---@param strict boolean
---@return boolean
function types.holds(column, said, strict)
  if said.serial and not column.identity and not (column.default or ""):find("nextval", 1, true) then return false end
  local forms = forms_of(column)
  for _, form in ipairs(forms) do
    if said.name and (form.name == said.name or form.name:match("([^.]+)$") == said.name) and form.array == said.array
        and (not said.mods or not form.mods and not NAMES[form.name] or form.mods == said.mods) then
      return true
    end
  end
  local base = forms[2]
  if said.family == "enum" then return column.category == "E" or column.labels ~= nil end
  if said.family == "array" then return column.category == "A" or base.array end
  if said.array and not said.name then return base.array end
  if said.family and (not strict or not said.name) and not said.mods then
    if base.array then return false end
    if said.family == "string" and column.category == "S" then return true end
    return in_family(said.family, base.name)
  end
  return false
end

--- A type in words or by name that begins at token `at`: it and the place behind it.
---@param list nlsql.Token[]
---@param at integer
---@return nlsql.SpokenType?, integer?
function types.spoken(list, at)
  local words = {}
  for n = 0, LONGEST - 1 do
    local t = list[at + n]
    if not t or t.kind ~= "word" or t.dotted or n > 0 and t.columns then break end
    words[n + 1] = t.lower
  end
  for n = #words, 1, -1 do
    local phrase = table.concat(words, " ", 1, n):gsub("^timestamps with", "timestamp with")
    local family = SPOKEN_BY_WORDS[phrase]
    if family then
      return { family = family, array = false, written = phrase, plain = true, in_words = true }, at + n
    end
    local is_name = n == 1 and NAMES[phrase]
    for _, one in ipairs(n > 1 and PHRASES or {}) do is_name = is_name or table.concat(one, " ") == phrase end
    if is_name then
      local stop, written = at + n, phrase
      local open, number = list[stop], list[stop + 1]
      if open and open.lower == "(" and number and number.kind == "number" and list[stop - 1].call then
        local close = stop + 2
        while list[close] and (list[close].kind == "number" or list[close].lower == ",") do close = close + 1 end
        if list[close] and list[close].lower == ")" then
          local mods = {}
          for i = stop + 1, close - 1 do mods[#mods + 1] = list[i].text end
          written, stop = written .. "(" .. table.concat(mods) .. ")", close + 1
        end
      end
      if list[stop] and list[stop].lower == "[" and list[stop + 1] and list[stop + 1].lower == "]" then
        written, stop = written .. "[]", stop + 2
      elseif list[stop] and (list[stop].lower == "array" or list[stop].lower == "arrays") then
        written, stop = written .. "[]", stop + 1
      end
      return types.read(written), stop
    end
  end
end

return types
