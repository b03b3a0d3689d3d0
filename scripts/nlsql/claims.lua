--- claims: is what a question and its answer say about the schema true of the catalog?
---
--- For answers in words, in place of a query's gates. `grounded`: each table and column that is named
--- exists. `untrue`: stated types, NULL, defaults, keys and relations are those of the catalog.
---
--- It reads English with patterns, not with understanding. What it refuses is false; what it cannot
--- make out it lets through: conditions ("required when…"), "respectively", what is said of the data
--- or of meanings, lists that leave something out, names in whole SQL statements, and whatever stands beyond
--- the first 16 kB. In other languages it finds names of nothing, and little more.

local columns = require "nlsql.claims.columns"
local keys = require "nlsql.claims.keys"
local match = require "nlsql.claims.match"
local paths = require "nlsql.claims.paths"
local questions = require "nlsql.claims.questions"
local reading = require "nlsql.claims.reading"
local relations = require "nlsql.claims.relations"
local tables = require "nlsql.claims.tables"
local words = require "nlsql.grammar.words"

local claims = {}

local RULES = {}
for _, family in ipairs { columns, keys, tables, relations, paths } do
  for _, rule in ipairs(family.RULES) do
    for i = 2, #rule do RULES[#RULES + 1] = { judge = rule[1], pattern = match.compile(rule[i]) } end
  end
end

--- --- pronouns --------------------------------------------------------------------------------------

local PRONOUNS = words.set("it they this these which that")
local CONNECTORS = words.set(", and but or")
local STARTERS = words.set([[
  is are was were has have can may must does do defaults stores holds contains serves acts a an part not also belongs
  forms uniquely the both
]])
local ENDS = words.set(", ; and ( . :")

local function is_starter(t)
  return t ~= nil and (t.symbol ~= nil and t.symbol ~= "MANY" or STARTERS[t.lower] and not t.columns and not t.refs)
end

local function is_thing(t) return (t.columns or t.refs) and not t.pronoun end

--- "a text column with …", by itself, says it of what was asked for.
local function is_bare_type(list)
  local at = list[1] and (list[1].lower == "a" or list[1].lower == "an") and 2 or nil
  if not at then return false end
  while list[at] and list[at].symbol do at = at + 1 end
  return list[at] ~= nil and list[at].ytype ~= nil
end

--- Both of two columns that were named.
local function both_of(things)
  local out = {}
  for _, t in ipairs(things) do
    for _, named in ipairs(t.columns or {}) do out[#out + 1] = named end
  end
  return #out == 2 and out or nil
end

--- "…, and is not null", "it references …": the words that stand for what was named before get a list of
--- it. `focus`: things of the question.
local function mark_pronouns(list, focus)
  local before = {}
  local first, second = list[1], list[2]
  if first and (first.symbol == "NOTNULL" or first.symbol == "NULLABLE" or first.symbol == "REF" or first.ytype)
      and #focus > 0
      and (not second or ENDS[second.lower]) then
    table.insert(list, 1, { kind = "word", text = "", lower = "it", pronoun = focus })
  elseif #focus > 0 and is_bare_type(list) then
    table.insert(list, 1, { kind = "word", text = "", lower = "is" })
    table.insert(list, 1, { kind = "word", text = "", lower = "it", pronoun = focus })
  end
  for i, t in ipairs(list) do
    if is_thing(t) then
      table.insert(before, 1, t)
    elseif t.kind ~= "literal" and not t.symbol and not t.pronoun and is_starter(list[i + 1]) then
      local alone = PRONOUNS[t.lower]
      local both = t.lower == "both" and (both_of(before) or both_of(focus))
      if both then
        t.columns = both
      elseif alone or CONNECTORS[t.lower] then
        local meant = table.move(before, 1, #before, 1, {})
        if alone and t.lower ~= "which" and t.lower ~= "that" or #before == 0 then
          table.move(focus, 1, #focus, #meant + 1, meant)
        end
        if #meant > 0 then
          t.pronoun = meant
          if alone then table.move(meant, 1, #meant, #before + 1, before) end -- "it is …, but has …"
        end
      end
    end
  end
end

--- --- sentences -------------------------------------------------------------------------------------

local function is_beyond(list)
  for _, t in ipairs(list) do
    if t.lower == "respectively" or t.lower == "neither" or t.lower == "nor" or t.lower == "hypothetically"
        or t.lower == "unlike" then
      return true
    end
  end
  return false
end

local DENIALS = words.set("no not without any if whether neither never")
local SMALL = words.set("a an the any single such")

--- Is what matches from `at` on, and has no subject of its own, denied or supposed in front of it?
local function is_denied(list, at)
  local first, before = list[at], list[at - 1]
  if first.columns or first.refs or first.pronoun or first.lower == "no" then return false end
  if before and SMALL[before.lower] and list[at - 2] and DENIALS[list[at - 2].lower] then return true end
  return before ~= nil and DENIALS[before.lower] == true
end

--- Runs all rules over a sentence. `visit(ok, fact, gate)` gets what each says; it stops at true.
local function each_claim(claim, flip, visit)
  local list = claim.list
  if is_beyond(list) then return end
  for _, rule in ipairs(RULES) do
    for at = 1, #list do
      local found = match.at(rule.pattern, list, at)
      if found and not is_denied(list, at) then
        if flip then found.negated = not found.negated end
        if visit(rule.judge(claim, found)) then return end
      end
    end
  end
end

local function first_false(claim)
  local fact, gate
  each_claim(claim, false, function(ok, said, at_gate)
    if ok == false then
      fact, gate = said, at_gate
      return true
    end
  end)
  return fact, gate
end

--- "yes" or "no" where the answer begins with it.
local function yes_or_no(list)
  local first, second = list and list[1], list and list[2]
  if not first or first.lower ~= "yes" and first.lower ~= "no" then return nil end
  if second and second.kind ~= "mark" and not second.pronoun and second.lower ~= "it" and second.lower ~= "there" then
    return nil
  end
  return first.lower
end

--- What yes or no says about the question.
local function judge_yes_no(claim, said)
  if said == "yes" then return first_false(claim) end
  local all, any = true, false
  each_claim(claim, false, function(ok) -- of "is it a and b?" one part that is false is enough
    all, any = all and ok ~= false, any or ok == true
  end)
  if not all or not any then return nil end
  local fact
  each_claim(claim, true, function(ok, why)
    if ok == false then fact = fact or why end
  end)
  return fact
end

--- --- the pair --------------------------------------------------------------------------------------

local function bind_names(read)
  local bound = {}
  for _, list in ipairs(read.question) do
    for _, t in ipairs(list) do
      for _, named in ipairs(t.columns or {}) do
        local key = named.name:lower()
        if named.qualified then
          if bound[key] == nil then
            bound[key] = named.at
          elseif bound[key] and bound[key][1].ref ~= named.at[1].ref then
            bound[key] = false
          end
        end
      end
    end
  end
  return bound
end

local function first_thing(list)
  for _, t in ipairs(list) do
    if is_thing(t) then return t end
  end
end

local function focus_of(read)
  local out = {}
  for _, list in ipairs(read.question) do
    for _, t in ipairs(list) do
      if is_thing(t) then out[#out + 1] = t end
    end
  end
  return out
end

local function judge_answer(read)
  for i, list in ipairs(read.answer) do
    local fact, gate = first_false { names = read.names, reading = read, list = list, before = read.answer[i - 1] }
    if fact then return fact, gate end
  end
end

local function judge_question(read)
  local asked = #read.question
  local list = read.question[asked]
  if not list then return nil end
  local claim = { names = read.names, reading = read, list = list, answer = read.answer[1], is_question = true }
  if read.turned[asked] then
    local said = yes_or_no(read.answer[1])
    if not said then return nil end
    for _, t in ipairs(list) do
      if t.lower == "not" or t.lower == "or" then return nil end
    end
    mark_pronouns(list, {})
    return judge_yes_no(claim, said)
  end
  local _, fact = questions.judge(claim)
  return fact
end

--- Of a text so much is read.
local MOST_BYTES = 16000

--- Is the pair true of the schema? nil, the gate that it fails, and one sentence that says what is so.
---@param schema nlsql.Catalog
---@param refs string[]? tables that it is about
---@param question string
---@param answer string
---@return true?, "grounded"|"untrue"|nil, string?
function claims.check(schema, refs, question, answer)
  local read = reading.of(schema, refs, question:sub(1, MOST_BYTES), answer:sub(1, MOST_BYTES))
  if read.faults[1] then return nil, "grounded", read.faults[1] end
  read.bound = bind_names(read)
  local focus = focus_of(read)
  for i, list in ipairs(read.answer) do
    local last = read.answer[i - 1] and first_thing(read.answer[i - 1])
    local meant = table.move(focus, 1, #focus, 1, {})
    if last then meant[#meant + 1] = last end
    mark_pronouns(list, meant)
  end
  local fact, gate = judge_answer(read)
  if not fact then fact, gate = judge_question(read) end
  if fact then return nil, gate or "untrue", fact end
  return true
end

return claims
