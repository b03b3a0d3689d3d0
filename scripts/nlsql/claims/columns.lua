--- columns: what may be said of a column: its type, NULL, defaults, values.

local facts = require "nlsql.claims.facts"
local types = require "nlsql.claims.types"
local words = require "nlsql.grammar.words"

local columns = {}

--- --- types -----------------------------------------------------------------------------------------

local AFTER_PLAIN = words.set(", ) ( ; and but or : . ?")

--- "is a number that …" says what a value is in English, not what its type is.
local function is_english(claim, y, found)
  if not y.ytype.plain or y.coded then return false end
  local behind = claim.list[found.stop - 1] == y and claim.list[found.stop]
  return behind and not AFTER_PLAIN[behind.lower] and not behind.symbol and not behind.pronoun
end

local function type_said(t, column)
  if column.base_type ~= column.type then
    return ("%s is of type %s (%s)"):format(facts.called(t, column), column.type, column.base_type)
  end
  return ("%s is of type %s"):format(facts.called(t, column), column.type)
end
columns.type_said = type_said

--- Is it of that type?
function columns.judge_type(claim, c, y, negated, strict)
  strict = not y.ytype.in_words and (strict or y.coded or y.ytype.mods ~= nil)
  return facts.columns(claim, c, negated, function(_, column) return types.holds(column, y.ytype, strict) end,
    type_said)
end

local function type_rule(strict)
  return function(claim, found)
    local c, y = found[1], found[2]
    if not strict and is_english(claim, y, found) then return nil end
    return columns.judge_type(claim, c, y, found.negated, strict)
  end
end

--- "x is the primary key, a uuid"
local function type_added(claim, found)
  local c, y = found[1], found[2]
  local behind = claim.list[found.stop]
  if not c.pronoun or c.kind ~= "mark" or y.ytype.plain and not y.coded or behind and not AFTER_PLAIN[behind.lower] then
    return nil
  end
  return columns.judge_type(claim, c, y, found.negated, false)
end

--- "C (Y)", "C: Y": the very type, unless an article makes it a word.
local function type_given(claim, found)
  local c, y = found[1], found[2]
  if is_english(claim, y, found) then return nil end
  local before = claim.list[found.stop - 2]
  local article = before and (before.lower == "a" or before.lower == "an")
  return columns.judge_type(claim, c, y, found.negated, not article and y.lower ~= "timestamp")
end

local function type_in_front(claim, found)
  local y, c = found[1], found[2]
  if not c.cue_before and not c.cue then return nil end
  return columns.judge_type(claim, c, y, found.negated, false)
end

--- "C Y" side by side: words of everyday English say nothing there ("the opened_on date").
local function type_beside(claim, found)
  local c, y = found[1], found[2]
  if y.ytype.plain and not y.coded then return nil end
  return columns.judge_type(claim, c, y, found.negated, false)
end

--- --- NULL ------------------------------------------------------------------------------------------

local CONDITIONS = words.set("when if where whenever unless until while iff once whether because")
local LIMITS = words.set([[
  exactly precisely when if where whenever unless until while iff once for only in except to on by at during
]])

local function may_be_null(t, column)
  if facts.is_view(t) then return nil end
  return not column.not_null
end

local function null_said(t, column)
  return ("%s %s"):format(facts.called(t, column), column.not_null and "is NOT NULL" or "may be NULL")
end

local function null_token(claim, found)
  for i = found.from, found.stop - 1 do
    local t = claim.list[i]
    if t.symbol == "NOTNULL" or t.symbol == "NULLABLE" then return t end
  end
end

local function judge_null(claim, found, c, symbol, written)
  local nullable = (symbol == "NULLABLE") ~= found.negated
  local before, behind = claim.list[found.from - 1], claim.list[found.stop]
  if before and CONDITIONS[before.lower] then return nil end
  if not nullable then
    if behind and not behind.pronoun and LIMITS[behind.lower] and not claim.is_question then return nil end
    for i = 1, found.from - 1 do
      local lower = claim.list[i].lower
      if CONDITIONS[lower] or lower == "check" or lower == "ensures" or lower == "enforces" then return nil end
    end
  end
  local loosely = written and (written:find("optional") or written:find("omit") or written:find("left out")
    or written:find("require") or written:find("mandatory"))
  return facts.columns(claim, c, not nullable, function(t, column)
    if loosely and nullable and (column.default or column.identity or column.generated) then return nil end
    return may_be_null(t, column)
  end, null_said)
end

local function null_rule(claim, found)
  local c = found[1]
  local symbol = null_token(claim, found)
  return judge_null(claim, found, c, symbol.symbol, symbol.text:lower())
end

local function null_in_front(claim, found)
  local c = found[#found]
  if not c.cue and not c.cue_before then return nil end
  return null_rule(claim, { c, negated = found.negated, from = found.from, stop = found.stop })
end

local function null_listed(claim, found)
  return null_rule(claim, { found[#found], negated = found.negated, from = found.from, stop = found.stop })
end

local function null_when(claim, found)
  if found.negated then return nil end
  return facts.columns(claim, found[1], false, may_be_null, null_said)
end

local function null_all(claim, found)
  local symbol = null_token(claim, found)
  local want_null = symbol.symbol == "NULLABLE"
  if found.negated or claim.list[found.from - 1] and claim.list[found.from - 1].lower == "not" then return nil end
  return facts.tables(claim, found[1], false, function(t)
    if facts.is_view(t) then return nil end
    for _, column in ipairs(t.columns) do
      if column.not_null == want_null then return false end
    end
    return true
  end, function(t) return ("not all columns of %s are %s"):format(t.reference,
    want_null and "nullable" or "NOT NULL") end)
end

--- --- defaults --------------------------------------------------------------------------------------

local function bare_default(expression)
  local out = expression
  for _ = 1, 4 do
    out = out:gsub("::[%a_\"][%w_ \".]*$", ""):gsub("::[%a_\"][%w_ \".]*%(%d+[%d,]*%)$", "")
    out = out:match("^%((.*)%)$") or out
  end
  return (out:match("^'(.*)'$") or out):lower()
end

local NOW = words.set("now current_timestamp current_date localtimestamp transaction_timestamp current_time")

--- Is the column's default what the token says? nil where nobody can tell.
local function default_is(column, t)
  local said = t.text:lower():gsub("^'(.*)'$", "%1")
  if not column.default then
    if column.identity or column.generated then return nil end
    if said == "null" or said == "none" then return true end
    if t.kind == "word" and not (said == "true" or said == "false" or t.number or NOW[said] or t.inner) then
      return nil
    end
    return false
  end
  local bare = bare_default(column.default)
  local squashed = column.default:lower():gsub("%s", "")
  if bare == said or squashed == said:gsub("%s", "") or bare:gsub("[%s()]", "") == said:gsub("[%s()]", "") then
    return true
  end
  if t.number and tonumber(bare) then return tonumber(bare) == t.number end
  if (bare == "true" or bare == "t") and said == "true" or (bare == "false" or bare == "f") and said == "false" then
    return true
  end
  if bare:find("(", 1, true) or NOW[bare] or said:find("(", 1, true) and not t.call then
    return (t.kind == "number" or t.kind == "literal") and not bare:find(said, 1, true) and false or nil
  end
  if t.kind == "word" and not (said == "true" or said == "false" or said == "null" or t.number or t.inner) then
    return nil
  end
  return false
end

local function default_said(t, column)
  if not column.default then return ("%s has no default"):format(facts.called(t, column)) end
  return ("the default of %s is %s"):format(facts.called(t, column), column.default)
end

--- Is the default the token at `at`?
function columns.judge_default(claim, c, t, negated)
  return facts.columns(claim, c, negated, function(owner, column)
    if facts.is_view(owner) then return nil end
    return default_is(column, t)
  end, default_said)
end

local SKIPPED = words.set("the a an to of is : =")

local function default_value(claim, found)
  local at = found.stop
  while claim.list[at] and SKIPPED[claim.list[at].lower] and not claim.list[at].value do at = at + 1 end
  local t = claim.list[at]
  if not t or t.columns or t.refs and not t.noun then return nil end
  return columns.judge_default(claim, found[1], t, found.negated)
end

local NEUTRAL = words.set("of : = is to")

local function default_exists(claim, found)
  local behind = claim.list[found.stop]
  if behind and (NEUTRAL[behind.lower] or behind.value or behind.number) then return nil end
  return facts.columns(claim, found[1], found.negated, function(t, column)
    if facts.is_view(t) or column.identity or column.generated then return nil end
    return column.default ~= nil
  end, default_said)
end

local function made_by_itself(claim, found)
  return facts.columns(claim, found[1], found.negated, function(t, column)
    if facts.is_view(t) then return nil end
    return column.identity or column.generated or (column.default or ""):find("nextval", 1, true) ~= nil
      or (column.default or ""):find("(", 1, true) ~= nil
  end, function(t, column) return ("%s is no identity or generated column"):format(facts.called(t, column)) end)
end

--- --- labels ----------------------------------------------------------------------------------------

local BETWEEN = words.set(", or and : / the value values either one of as a an")

--- Each value that follows must be a label, where the column is an enum.
local function labels(claim, found)
  if found.negated then return nil end
  local at = found.stop
  while claim.list[at] do
    local t = claim.list[at]
    if t.value and t.kind ~= "number" then
      local ok, fact = facts.columns(claim, found[1], false, function(_, column)
        if not column.labels then return nil end
        for _, label in ipairs(column.labels) do
          if label:lower() == t.value:lower() then return true end
        end
        return false
      end, function(owner, column)
        return ("%s has no value %q: it is one of %s"):format(facts.called(owner, column), t.value,
          table.concat(column.labels, ", "))
      end)
      if ok == false then return false, fact end
    elseif not BETWEEN[t.lower] or t.columns then
      break
    end
    at = at + 1
  end
  return nil
end

--- --- rules -----------------------------------------------------------------------------------------

columns.RULES = {
  { type_rule(true),
    "C is ~ of|a|an? the? data|column? type|datatype a|an? Y", "C is ~ of the? data|column? type|datatype Y",
    "C has ~ a|an|the|as? data|column? type|datatype of|:? a|an? Y", "C has ~ a|an|the? Y data? type|datatype",
    "type|datatype of|for C is|: ~ a|an|the? Y", "C 's data|column? type|datatype is|: ~ a|an|the? Y",
    "C data|column? type|datatype is|: Y",
    "C uses|use|using a|an|the? Y type|datatype|data", "C uses|use|with|has a|an|the? data? type|datatype Y",
    "C is ~ a|an? Y type",
    "C is ~ declared|defined|stored as|with a|an|the? data? type|datatype Y", "C is ~ a|an? Y of type Y" },
  { type_rule(false),
    "C is ~ a|an? Y", "C is ~ a|an? * Y column|columns|field|fields|value|values|attribute",
    "C is ~ a|an? NOTNULL|NULLABLE|UNIQUE Y column|columns|field|fields|value|attribute",
    "C is ~ stored|defined|declared|kept|typed|represented|recorded|saved|held as|with|using|in a|an|the? Y",
    "C is ~ a|an|the? NOTNULL|NULLABLE|UNIQUE Y", "C uses|use a|an|the? Y", "C , a|an Y column|field",
    "C , a|an * Y column|field",
    "C contains the|a? * as a|an? Y", "C contains|takes|accepts|take|accept ~ a|an? Y value|values|data|numbers" },
  { type_given, "C ( a|an? Y", "C : a|an? Y", "C - a|an? Y" },
  { type_added, "C a|an Y" },
  { type_in_front, "Y C" },
  { type_beside, "C Y" },
  { null_rule,
    "C is|can|must|does|do|has? ~ NOTNULL|NULLABLE",
    "C is|has ~ a|an|the? * NOTNULL|NULLABLE Y? columns|field|value|FK|REF|PK|link",
    "C is ~ a|an|the? NOTNULL|NULLABLE Y",
    "C (|:|- a|an? NOTNULL|NULLABLE", "value|values for|of|in C is|can|must|does? ~ NOTNULL|NULLABLE" },
  { function(claim, found) return null_rule(claim,
    { found[1], negated = found.negated, from = found.from, stop = found.stop }) end,
    "C ( Y NOTNULL|NULLABLE", "C Y NOTNULL|NULLABLE", "C : Y NOTNULL|NULLABLE",
    "C , a|an NOTNULL|NULLABLE columns|field" },
  { null_listed, "NOTNULL|NULLABLE columns|ones of|in? E? is|contains|: C", "NOTNULL|NULLABLE : C" },
  { null_in_front, "NOTNULL|NULLABLE Y? C" },
  { null_when, "C is ~ null|empty|blank|missing when|if|for|until|while|where|unless",
    "C stays|remains|is left null|empty|blank" },
  { null_all, "all|every|each columns of|in? E is|must|can|does? NOTNULL|NULLABLE" },
  { default_value, "C has ~ a|an|the? default value|expression? of|:|=", "default value|expression? of|for C is ~",
    "C 's default value|expression? is ~",
    "C defaults|default ~ to", "C is ~ by default set to" },
  { default_exists, "C has ~ a|an|the|any? default value|expression|?", "there is ~ a|any? default value? for|on C" },
  { made_by_itself,
    "C is ~ a|an? * identity|auto-increment|auto-incrementing|autoincrement|auto-incremented|auto-generated columns?",
    "C is ~ a|an? generated|computed columns" },
  { labels, "C can|must|is ~ be|take|have|hold|contain|one? the|one? of? the? value|values|labels?",
    "value|values|labels|label of|for C is|contains|:",
    "C has|takes|accepts the? possible? value|values|labels" },
}

return columns
