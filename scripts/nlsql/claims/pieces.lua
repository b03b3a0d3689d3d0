--- pieces: what a piece of prose that looks like a name means; a fault where it means nothing.

local tokens = require "nlsql.claims.tokens"
local words = require "nlsql.grammar.words"

local pieces = {}

pieces.TABLE_CUES = words.set("table tables view views relation")
pieces.COLUMN_CUES = words.set("column columns field fields attribute attributes")

--- Words in front of an example or a label, so that what follows is no name.
local VALUE_CUES = words.set([[
  value values label labels such like example examples e.g equal equals = <> != > < >= <= default defaults set either
  literal constant contains containing called-for format pattern between than string meaning means i.e currency unit
  code codes state states statuses option options keyword
]])

local KEYWORDS = words.set([[
  select from where join left right inner outer full cross on using and or not null is in as group by order having
  limit offset distinct count sum avg min max case when then else end exists between like ilike union all any some
  with primary foreign key references unique check default constraint index table view column create alter add drop
  insert into values update delete cascade restrict set no action true false unknown identity generated always stored
  asc desc nulls first last current_date current_timestamp current_time localtimestamp current_user session_user array
  row coalesce now serial enum type domain schema sequence trigger similar to nextval interval extract cast filter
  over partition window lateral natural deferrable initially deferred immediate match simple temporary materialized
  database postgresql sql nullable pk fk id using btree gin gist hash
]])

--- Functions and the like that prose names without "(".
local FUNCTIONS = words.set([[
  date_trunc to_char string_agg array_agg json_agg jsonb_agg date_part row_number dense_rank percent_rank lag lead
  nextval currval jsonb_typeof json_object jsonb_object char_length octet_length gen_random_uuid uuid_generate_v4
  current_date current_timestamp current_time localtime one_to_many many_to_one many_to_many one_to_one pg_catalog
  information_schema on_delete on_update
]])

local STATEMENTS = words.set([[
  select with join from where insert update delete create alter inner left group order having on
]])

local OF = words.set("of for in from on to")

local function is_value_context(list, at)
  if list[at - 1] and OF[list[at - 1].lower] then return false end -- "the values of `x`"
  for back = 1, 3 do
    local before = list[at - back]
    if not before then return false end
    if VALUE_CUES[before.lower] and before.kind ~= "code" then return true end
    if before.value and before.kind ~= "number" and back <= 2 then return true end -- "`a`, `b` or `c`"
  end
  return false
end

local function is_identifier(written)
  return written:find("^[%a_\x80-\xFF][%w_$\x80-\xFF]*$") ~= nil
    or written:find('^"?[%a_\x80-\xFF][^".]*"?%."?[%a_\x80-\xFF][^".]*"?$') ~= nil and not written:find("[%s=<>()].*%.")
    or written:find('^"[^"]+"$') ~= nil
end

local function no_name(reading, written)
  local parts = {}
  for part in written:gsub('"', ""):gmatch("[^.]+") do parts[#parts + 1] = part end
  return ("there is no table or column %s%s"):format(written,
    reading.names:nearest(parts[#parts] or written, reading.scope))
end

--- Words beside a piece that make it a name: "the column X", "X table".
local function cue(list, at)
  local before, behind = list[at - 1], list[at + 1]
  if before and (before.lower == "named" or before.lower == "called") then before = list[at - 2] end
  for _, t in pairs { behind or false, before or false } do
    if t and t.kind == "word" then
      if pieces.COLUMN_CUES[t.lower] then return "column" end
      if pieces.TABLE_CUES[t.lower] then return "table" end
    end
  end
end

local function copy_meaning(t, found)
  t.refs, t.columns = found.refs, nil
  if found.columns then
    t.columns = {}
    for i, one in ipairs(found.columns) do
      t.columns[i] = { name = one.name, at = one.at, qualified = one.qualified }
    end
  end
end

--- Is the text a label, a schema, a constraint?
local function is_known_text(reading, written)
  return reading.names.labels[written:lower()] or reading.names.schemas[written:lower()]
    or reading.names:is_constraint(written)
end

local function behind_type(list, at)
  local before, further = list[at - 1], list[at - 2]
  if not before then return false end
  return before.lower == "type" or before.lower == "datatype" or before.lower == "domain" or before.lower == "enum"
    or (before.lower == "of" or before.lower == "is" or before.lower == ":") and further ~= nil
    and further.lower == "type"
end

--- A single thing in backticks or quotes. `strict`: it must be a name of something.
local function single(reading, list, at, strict)
  local t, written = list[at], list[at].text
  local found, why = reading.names:resolve(written)
  local kind = reading.names:type(written)
  if kind and (not found or t.kind == "code") and not (found and cue(list, at)) then t.ytype, t.coded = kind, true end
  if found then
    copy_meaning(t, found)
    t.marked = true
    return
  end
  local lower = written:lower()
  if t.ytype then return end
  if t.kind == "code" and behind_type(list, at) and is_identifier(written) then -- no type that any column has
    t.ytype, t.coded = { name = lower, array = false, written = written }, true
    return
  end
  if is_known_text(reading, written) or KEYWORDS[lower] or FUNCTIONS[lower] then
    if not (KEYWORDS[lower] and not reading.names.labels[lower]) then t.value = written end
    return
  end
  local named = cue(list, at)
  if not is_identifier(written) and not (named and strict) then
    t.value = written
    return
  end
  if t.call or not named and is_value_context(list, at) then
    t.value = written
    return
  end
  if strict and not (not named and written:find("^%u+$") and #written <= 4) then
    reading:fault(why or no_name(reading, written))
  end
  t.value = written
end

--- Code of several words: its tokens take its place. False for a statement, which is left alone.
local function compound(reading, list, at)
  local t = list[at]
  local first = t.text:match("^%a+")
  if t.text:find("^[%a][%a ]*$") and is_value_context(list, at) then
    t.value = t.text
    return false
  end
  if first and STATEMENTS[first:lower()] and t.text:find("%s") and not reading.names:resolve(t.text) then
    t.value = t.text
    return false
  end
  local inner, is_rule = {},
    t.text:gsub("%->", ""):find("[=<>+*/|&]") ~= nil or t.text:find(" AND ") or t.text:find(" OR ")
  for _, sentence in ipairs(tokens.sentences(t.text)) do
    for _, one in ipairs(sentence) do
      one.inner, one.is_rule = true, is_rule
      inner[#inner + 1] = one
    end
  end
  table.remove(list, at)
  for i, one in ipairs(inner) do table.insert(list, at + i - 1, one) end
  return true
end

local function is_snake(t)
  return t.kind == "word" and not t.dotted and t.text:find("%w_%w") ~= nil
end

--- A word of an expression in code: a name, a keyword, a function; else a fault.
local function inner_word(reading, list, at)
  local t = list[at]
  local found = reading.names:resolve(t.text)
  if found then
    copy_meaning(t, found)
    if found.columns or not KEYWORDS[t.lower] then
      t.marked = true
      return
    end
    t.refs = nil
  end
  if reading.names.types[t.lower] or t.call or KEYWORDS[t.lower] or FUNCTIONS[t.lower] or reading.names:type(t.text)
      or is_known_text(reading, t.text) then
    return
  end
  local operator = list[at + 1] and list[at + 1].lower:find("^[<>=!]")
    or list[at - 1] and list[at - 1].lower:find("^[<>=!]")
  if is_snake(t) or operator and list[at + 1] and list[at + 1].lower:find("^[<>=!]") then
    reading:fault(no_name(reading, t.text))
  end
end

local function plain_word(reading, list, at)
  local t = list[at]
  if t.dotted then
    local before = list[at - 1]
    local found, why = reading.names:resolve(t.text)
    if found then
      copy_meaning(t, found)
      t.marked = true
    elseif before and (before.text == "@" or before.text == "/") or t.text:find("^www%.") then
      t.value = t.text
    elseif reading.names:type(t.text) then
      t.ytype, t.coded = reading.names:type(t.text), true
    elseif not t.call then
      reading:fault(why or no_name(reading, t.text))
    end
  elseif is_snake(t) then
    local found = reading.names:resolve(t.text)
    if found then copy_meaning(t, found) end
    t.marked = found ~= nil
    if reading.names:type(t.text) and (not found or behind_type(list, at)) then
      t.ytype, t.coded = reading.names:type(t.text), true
    end
    if not found and not t.ytype and not t.call and not FUNCTIONS[t.lower] and not is_known_text(reading, t.text) then
      if behind_type(list, at) then
        t.ytype, t.coded = { name = t.lower, array = false, written = t.text }, true
      elseif not (is_value_context(list, at) and not cue(list, at)) then
        reading:fault(no_name(reading, t.text))
      end
    end
  elseif t.text:find("%l%u") or t.text:find("^%u") and at > 1 then -- RegionId, Region
    local exact = reading.names.exact[t.text]
    local found = reading.names:resolve(t.text)
    if found and found.columns and found.columns[1].name == t.text then
      copy_meaning(t, { columns = found.columns, refs = exact })
    elseif exact and t.text:find("%l%u") then
      t.refs = exact
    end
  end
end

local NUMBERS = { zero = 0, one = 1, two = 2, three = 3, four = 4, five = 5, six = 6, seven = 7, eight = 8, nine = 9,
  ten = 10,
  eleven = 11, twelve = 12, thirteen = 13, fourteen = 14, fifteen = 15, sixteen = 16, seventeen = 17, eighteen = 18,
    nineteen = 19,
  twenty = 20 }

--- Says what each piece of the sentence means, in place.
---@param reading table the reading under way: names, scope, fault
---@param list nlsql.Token[]
function pieces.mark(reading, list)
  local at = 1
  while at <= #list do
    local t = list[at]
    local again = false
    if t.kind == "code" or t.kind == "quoted" then
      local whole = reading.names:resolve(t.text) or reading.names:type(t.text)
      local is_one = whole or is_known_text(reading, t.text) or is_identifier(t.text) or not t.text:find("[%s(=<>-]")
      if t.kind == "quoted" then
        local strict = cue(list, at) ~= nil or is_identifier(t.text) and t.text:find("[_.]") ~= nil
        single(reading, list, at, strict)
      elseif is_one or cue(list, at) == "table" and not t.text:find("[(=<>.]") then
        single(reading, list, at, true)
      else
        again = compound(reading, list, at)
      end
    elseif t.kind == "literal" then
      t.value = t.text
    elseif t.kind == "number" then
      t.number = tonumber((t.text:gsub(",", "")))
      t.value = t.text
    elseif t.inner and t.kind == "word" and not t.dotted then
      inner_word(reading, list, at)
    elseif t.kind == "word" then
      plain_word(reading, list, at)
      if not t.columns and not t.refs then t.number = NUMBERS[t.lower] end
    end
    if not again then at = at + 1 end
  end
end

return pieces
