--- questions: what an answer says by itself, once it is known what was asked.
---
--- "Which column is the primary key of T?" – "`x`." says that x is it. An answer of many words is left
--- to the rules that read whole sentences.

local columns = require "nlsql.claims.columns"
local facts = require "nlsql.claims.facts"
local keys = require "nlsql.claims.keys"
local match = require "nlsql.claims.match"
local relations = require "nlsql.claims.relations"
local tables = require "nlsql.claims.tables"
local words = require "nlsql.grammar.words"

local questions = {}

local SMALL = words.set([[
  and or the a an it is are they these both , . : ( ) column columns table tables and/or to of yes as type field
  fields together combination composite only data in by through via using
]])

--- Things of the answer's first sentence, where it is hardly more than them.
local function things(claim, kind, most_others)
  local out, others = {}, 0
  for _, t in ipairs(claim.answer or {}) do
    if t[kind] and not t.pronoun then
      out[#out + 1] = t
    elseif not SMALL[t.lower] or t.symbol then
      others = others + 1
    end
  end
  if others > most_others then return {} end
  return out
end

local function merged(list)
  local out = { columns = {} }
  for _, t in ipairs(list) do table.move(t.columns, 1, #t.columns, #out.columns + 1, out.columns) end
  return #out.columns > 0 and out or nil
end

local function type_asked(claim, found)
  local c = found[1]
  if c.pronoun or #c.columns > 1 then return nil end
  local said, others = {}, false
  for _, t in ipairs(claim.answer or {}) do
    if t.ytype then said[#said + 1] = t end
    for _, named in ipairs(t.columns or {}) do others = others or named.name ~= c.columns[1].name end
    others = others or t.symbol == "REF" or t.lower == "not"
  end
  if #said ~= 1 or others then return nil end
  local place
  for i, t in ipairs(claim.answer) do
    if t == said[1] then place = i end
  end
  local behind, before = claim.answer[place + 1], claim.answer[place - 1]
  if said[1].ytype.plain and not said[1].coded
      and (behind and behind.kind == "word" or before and before.lower == "the") then
    return nil
  end
  local article = before and (before.lower == "a" or before.lower == "an")
  return columns.judge_type(claim, c, said[1], false, not article)
end

local function primary_asked(claim, found)
  local c = merged(things(claim, "columns", 0))
  if not c then return nil end
  return keys.judge_primary(claim, c, found[1], false)
end

local function target_asked(claim, found)
  local source = found[1]
  for _, kind in ipairs { "columns", "refs" } do
    local said = things(claim, kind, 1)
    if #said == 1 and said[1] ~= source then return relations.judge_reference(claim, source, said[1], false, false) end
  end
end

local function source_asked(claim, found)
  for _, t in ipairs(things(claim, "refs", 0)) do
    local ok, fact = relations.judge_reference(claim, t, found[1], false, false)
    if ok == false and t.refs[1] ~= found[1].refs[1] then return ok, fact end
  end
end

local function number_said(claim)
  local n
  for _, t in ipairs(claim.answer or {}) do
    if t.number then
      if n then return nil end
      n = t.number
    elseif not SMALL[t.lower] and not t.refs and t.lower ~= "has" and t.lower ~= "there" and t.symbol ~= "FK"
        and not t.pronoun then
      return nil
    end
  end
  return n
end

local function count_asked(claim, found)
  local n = number_said(claim)
  if not n then return nil end
  return tables.judge_count(claim, found[1], n, false)
end

local function foreign_count_asked(claim, found)
  local n = number_said(claim)
  if not n then return nil end
  return facts.tables(claim, found[1], false, function(t) return #t.foreign == n end,
    function(t) return ("%s has %s"):format(t.reference, keys.counted(#t.foreign, "foreign key")) end)
end

local function null_asked(claim, found)
  local symbol
  for i = found.from, found.stop - 1 do symbol = symbol or claim.list[i].symbol end
  for _, t in ipairs(claim.list) do
    if t.lower == "not" or t.lower == "besides" or t.lower == "no" then return nil end
  end
  local c = merged(things(claim, "columns", 0))
  if not c then return nil end
  local owner = found[1]
  return facts.set(claim, c, owner, false, function(t, set)
    if facts.is_view(t) then return nil end
    for _, name in ipairs(set) do
      if t.by_name[name].not_null ~= (symbol == "NOTNULL") then return false end
    end
    return true
  end, function(t, set)
    for _, name in ipairs(set) do
      if t.by_name[name].not_null ~= (symbol == "NOTNULL") then
        return ("%s.%s %s"):format(t.reference, name, symbol == "NOTNULL" and "may be NULL" or "is NOT NULL")
      end
    end
  end)
end

local function link_asked(claim, found)
  local c = merged(things(claim, "columns", 0))
  if not c then return nil end
  return relations.through(claim, { found[1], found[2], c, negated = false })
end

local function foreign_asked(claim, found)
  local c = merged(things(claim, "columns", 0))
  if not c then return nil end
  local owner = found[1]
  return facts.set(claim, c, owner, false, function(t, set)
    for _, name in ipairs(set) do
      local any = false
      for _, key in ipairs(t.foreign) do any = any or facts.has(key.columns, name) end
      if not any then return false end
    end
    return true
  end, function(t, set) return ("not each of %s is a foreign key of %s"):format(words.all(set), t.reference) end)
end

local function default_asked(claim, found)
  local c = found[1]
  if c.pronoun then return nil end
  local said = {}
  for _, t in ipairs(claim.answer or {}) do
    if t.value or t.number or t.lower == "true" or t.lower == "false" then said[#said + 1] = t end
    if t.lower == "no" or t.lower == "not" or t.lower == "none" then return nil end
  end
  if #said ~= 1 then return nil end
  return columns.judge_default(claim, c, said[1], false)
end

local INTENTS = {
  { type_asked, "type|datatype of|for|is|does|has|used|use C", "type|datatype has|have C", "type|datatype * C",
    "type|datatype of|for C", "C 's data? type|datatype",
    "how is C stored|typed|declared|defined" },
  { primary_asked, "what|which is the? PK columns? of|for|in E",
    "what|which columns? is|form|forms|make|makes|make|constitutes|serves? up|as|part? of? the? composite? PK "
      .. "of|for|in E",
    "what|which is E 's PK", "what|which columns? uniquely identify|identifies a|each|one? row|record|rows? of|in? E" },
  { target_asked, "what|which table|columns|tables? does|do|is C REF",
    "what|which table|columns|tables? does|do|is C point|refer|reference|link to?",
    "to? which|what table|columns? does C REF" },
  { source_asked, "what|which other? table|tables has|have? a|an? FK|REF? REF E",
    "what|which other? table|tables REF E" },
  { count_asked, "how MANY columns does|do|has|is|are? there? in? E" },
  { foreign_count_asked, "how MANY FK does|do|has|is|are? there? in? E" },
  { null_asked, "what|which columns of|in? E? is|are|can|may|must|has|does? NULLABLE|NOTNULL" },
  { link_asked, "what|which columns links|connects|joins|relates|link|connect|join|relate E to|and|with E",
    "what|which columns LINKED E and|to|with E",
    "what|which columns of|in? E? LINKED E", "what|which columns connects|links|joins|relates E E" },
  { foreign_asked, "what|which columns of|in E is|are ~ FK", "what|which is the? FK columns? of|in E" },
  { default_asked, "default value? of|for C", "C 's default value?", "default value? does|has|is C" },
}
for _, intent in ipairs(INTENTS) do
  for i = 2, #intent do intent[i] = match.compile(intent[i]) end
end

--- Judges the answer's first sentence by the question. Returns false and what is so where it is wrong.
---@param claim nlsql.Claim with `answer`, a sentence; its `list` is the question
---@return boolean? ok, string? fact
function questions.judge(claim)
  for _, intent in ipairs(INTENTS) do
    for i = 2, #intent do
      for at = 1, #claim.list do
        local found = match.at(intent[i], claim.list, at)
        if found then
          local ok, fact = intent[1](claim, found)
          if ok == false then return false, fact end
          break
        end
      end
    end
  end
  return nil
end

return questions
