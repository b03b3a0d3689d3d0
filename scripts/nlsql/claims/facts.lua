--- facts: judging what is said of columns and tables by the catalog.
---
--- A name may stand for several columns: then a claim is true or false only where it is so of all of
--- them; else nobody can tell, and it is let through.

local words = require "nlsql.grammar.words"

local facts = {}

---@class nlsql.Claim what a rule sees
---@field names nlsql.Names
---@field reading nlsql.Reading
---@field list nlsql.Token[] the sentence

local function has_hard_rival(claim, name, at)
  for _, t in ipairs(claim.list) do
    for _, ref in ipairs(t.refs or {}) do
      if ref ~= at[1].ref and claim.names:column(ref, name) then return true end
    end
  end
  return false
end

--- Tables that a bare name of this sentence may belong to: those that the pair is about, that the question
--- names, and that the sentence names, but not as what is referred to.
local function own_tables(claim)
  if claim.own then return claim.own end
  local out, seen = {}, {}
  local function note(ref)
    if not seen[ref] then out[#out + 1], seen[ref] = ref, true end
  end
  for _, ref in ipairs(claim.reading.refs) do note(ref) end
  for _, list in ipairs { claim.list, claim.before or {}, table.unpack(claim.reading.question) } do
    for i, t in ipairs(list) do
      local before = list[i - 1]
      local is_object = list == claim.list and before
        and (before.symbol == "REF" or before.lower == "->" or before.lower == "to")
      if not is_object and t.refs and not t.noun and #t.refs == 1 then note(t.refs[1]) end
      for _, named in ipairs(not is_object and t.columns or {}) do
        if named.qualified and #named.at == 1 then note(named.at[1].ref) end
      end
    end
  end
  claim.own = out
  return out
end

--- Tables whose nouns stand in front of all columns, here or in the question: "an employee has a `store_id`".
function facts.nouns(claim)
  if claim.nouns then return claim.nouns end
  claim.nouns = {}
  for _, list in ipairs { claim.list, table.unpack(claim.reading.question) } do
    for _, t in ipairs(list) do
      if t.columns and not t.pronoun then break end
      if t.noun then claim.nouns[#claim.nouns + 1] = t.refs[1] end
    end
  end
  return claim.nouns
end

--- The columns that a name may stand for: {ref=, name=}…
---@param claim nlsql.Claim
---@param named table
---@param wide boolean? also those of the same name in other tables that were mentioned
function facts.candidates(claim, named, wide)
  if named.missing then return {} end
  if named.qualified and not wide then return named.at end
  local bound = not wide and claim.reading.bound[named.name:lower()]
  if bound and not has_hard_rival(claim, named.name, bound) then return bound end
  local out, seen = {}, {}
  for _, list in ipairs { own_tables(claim), facts.nouns(claim) } do
    for _, ref in ipairs(list) do
      local own = not seen[ref] and claim.names:column(ref, named.name)
      if own then
        out[#out + 1] = { ref = ref, name = own }
        seen[ref] = true
      end
    end
  end
  if #out == 0 then
    for _, ref in ipairs(claim.reading.scope) do
      local own = claim.names:column(ref, named.name)
      if own then out[#out + 1] = { ref = ref, name = own } end
    end
  end
  if named.qualified then
    for _, one in ipairs(named.at) do
      if not seen[one.ref] then out[#out + 1] = one end
    end
  end
  return #out > 0 and out or named.at
end

local function judge_named(claim, named, negated, test, say, wide)
  local verdict, fact
  for i, one in ipairs(facts.candidates(claim, named, wide)) do
    local t = claim.names:table(one.ref)
    local column = t.by_name[one.name]
    local value = test(t, column)
    local ok = nil
    if value ~= nil then ok = value ~= negated end
    if i == 1 then
      verdict = ok
    elseif ok ~= verdict then
      return nil
    end
    if ok == false and not fact then fact = say(t, column) end
  end
  return verdict, fact
end

local function judge_list(claim, columns, negated, test, say, wide)
  local all = true
  for _, named in ipairs(columns) do
    local ok, fact = judge_named(claim, named, negated, test, say, wide)
    if ok == false then return false, fact end
    if ok == nil then all = nil end
  end
  return all
end

--- Is `test(table, column)` true of each column that the token names? A pronoun may stand for any of
--- several: one of which it is not false will do.
---@param claim nlsql.Claim
---@param token nlsql.Token
---@param negated boolean
---@param test fun(t: table, column: table): boolean?
---@param say fun(t: table, column: table): string what is so where the claim is false
---@return boolean? ok, string? fact
function facts.columns(claim, token, negated, test, say)
  if not token.pronoun then return judge_list(claim, token.columns, negated, test, say, false) end
  local first
  for _, one in ipairs(token.pronoun) do
    if one.columns then
      local ok, fact = judge_list(claim, one.columns, negated, test, say, true)
      if ok ~= false then return ok end
      first = first or fact
    end
  end
  if first then return false, first end
  return nil
end

--- The same for tables: `test(table)`.
function facts.tables(claim, token, negated, test, say)
  local lists = {}
  if token.pronoun then
    for _, one in ipairs(token.pronoun) do
      if one.refs then lists[#lists + 1] = one.refs end
    end
  else
    lists[1] = token.refs
  end
  local first
  for _, refs in ipairs(lists) do
    for _, ref in ipairs(refs) do
      local t = claim.names:table(ref)
      local value = test(t)
      if value == nil or value ~= negated then return value ~= nil or nil end
      first = first or say(t)
    end
  end
  if first then return false, first end
  return nil
end

--- --- what is so ------------------------------------------------------------------------------------

--- A view of either kind?
function facts.is_view(t) return t.kind == "view" or t.kind == "materialised view" end

--- "purchase.customer_id"
function facts.called(t, column) return t.reference .. "." .. column.name end

local function sorted(list)
  local out = table.move(list, 1, #list, 1, {})
  table.sort(out)
  return out
end

--- Do two lists hold the same names?
function facts.same(a, b)
  return #a == #b and table.concat(sorted(a), "\0") == table.concat(sorted(b), "\0")
end

--- Is the name in the list (nil: an empty one)?
function facts.has(list, name)
  for _, one in ipairs(list or {}) do
    if one == name then return true end
  end
  return false
end

--- Does `columns` hold all of some unique key or of the primary key?
function facts.is_unique(t, columns)
  local keys = table.move(t.uniques, 1, #t.uniques, 1, {})
  keys[#keys + 1] = t.primary
  for _, key in ipairs(keys) do
    local all = #key > 0
    for _, name in ipairs(key) do all = all and facts.has(columns, name) end
    if all then return true end
  end
  return false
end

--- A table's primary key in words.
function facts.primary_said(t)
  if not t.primary then return ("%s has no primary key"):format(t.reference) end
  return ("the primary key of %s is %s"):format(t.reference, words.all(t.primary))
end

--- For each table that has all of the columns (of one token): the columns' names there.
---@return { [1]: table, [2]: string[] }[]
function facts.sets(claim, columns, owner)
  local out = {}
  local refs = owner and owner.refs
  if not refs then
    refs = {}
    for _, named in ipairs(columns) do
      for _, one in ipairs(facts.candidates(claim, named)) do
        if not facts.has(refs, one.ref) then refs[#refs + 1] = one.ref end
      end
    end
  end
  for _, ref in ipairs(refs) do
    local t, set = claim.names:table(ref), {}
    for _, named in ipairs(columns) do
      local in_table = not named.qualified or owner ~= nil
      for _, one in ipairs(named.at) do in_table = in_table or one.ref == ref end
      local own = in_table and claim.names:column(ref, named.name)
      if own and not facts.has(set, own) then set[#set + 1] = own end
    end
    if #set == #columns then out[#out + 1] = { t, set } end
  end
  return out
end

--- Judges a set of columns as one thing. `owner`: a token of the table that is meant, or nil.
function facts.set(claim, token, owner, negated, test, say)
  if token.pronoun then
    local first
    for _, one in ipairs(token.pronoun) do
      if one.columns then
        local ok, fact = facts.set(claim, one, owner, negated, test, say)
        if ok ~= false then return ok end
        first = first or fact
      end
    end
    if first then return false, first end
    return nil
  end
  local verdict, fact, n = nil, nil, 0
  for _, one in ipairs(facts.sets(claim, token.columns, owner and owner.refs and owner or nil)) do
    local value = test(one[1], one[2])
    local ok = nil
    if value ~= nil then ok = value ~= negated end
    n = n + 1
    if n > 1 and ok ~= verdict then return nil end
    verdict = ok
    if ok == false and not fact then fact = say(one[1], one[2]) end
  end
  return verdict, fact
end

return facts
