--- relations: what may be said of how tables refer to each other.
---
--- "References" means a declared foreign key. "Belongs to", "has many" and "is linked to" may go
--- over several, and are left alone where the tables declare none.

local facts = require "nlsql.claims.facts"
local keys = require "nlsql.claims.keys"
local words = require "nlsql.grammar.words"

local relations = {}

--- --- ends of a relation ------------------------------------------------------------------------------

--- What a token may stand for: { ref=, columns= or nil }…
local function ends(claim, token)
  local out = {}
  if token.pronoun then
    for _, one in ipairs(token.pronoun) do table.move(ends(claim, one), 1, 100, #out + 1, out) end
    return out
  end
  if token.columns then
    for _, one in ipairs(facts.sets(claim, token.columns)) do out[#out + 1] = { ref = one[1].reference, columns = one[2] } end
  end
  for _, ref in ipairs(token.refs or {}) do out[#out + 1] = { ref = ref } end
  return out
end

local function place(list, name)
  for i, one in ipairs(list) do
    if one == name then return i end
  end
end

local function fits(edge, a, b)
  if edge.from ~= a.ref or edge.to ~= b.ref then return false end
  for i, name in ipairs(a.columns or {}) do
    local at = place(edge.columns, name)
    if not at then return false end
    local other = b.columns and b.columns[i]
    if other and #a.columns == #b.columns and edge.referred_columns[at] ~= other then return false end
  end
  for _, name in ipairs(b.columns or {}) do
    if not place(edge.referred_columns, name) then return false end
  end
  return true
end

--- A foreign key from `a` to `b`; of several columns that no key holds together, one from each.
local edge_of
function edge_of(claim, a, b)
  for _, edge in ipairs(claim.names.into[b.ref] or {}) do
    if fits(edge, a, b) then return edge end
  end
  if not a.columns or #a.columns < 2 or b.columns and #b.columns > 1 then return nil end
  local one
  for _, name in ipairs(a.columns) do
    one = edge_of(claim, { ref = a.ref, columns = { name } }, b)
    if not one then return nil end
  end
  return one
end

local function edge_said(edge)
  return ("%s.%s references %s.%s"):format(edge.from, table.concat(edge.columns, ", "), edge.to, table.concat(edge.referred_columns, ", "))
end

--- What foreign keys there are in place of one that there is not.
local function no_edge_said(claim, a, b)
  local t = claim.names:table(a.ref)
  for _, key in ipairs(t.foreign) do
    local of_columns = a.columns ~= nil
    for _, name in ipairs(a.columns or {}) do of_columns = of_columns and facts.has(key.columns, name) end
    if of_columns and key.referred then
      return edge_said { from = a.ref, to = key.referred, columns = key.columns, referred_columns = key.referred_columns }
    end
  end
  local from = a.columns and a.ref .. "." .. table.concat(a.columns, ", ") or a.ref
  return ("%s has no foreign key to %s"):format(from, b.columns and b.ref .. "." .. table.concat(b.columns, ", ") or b.ref)
end

--- Judges `test(a, b)` over all that both tokens may stand for.
local function judge(claim, first, second, negated, test, say)
  local verdict, fact, n = nil, nil, 0
  local is_pronoun = first.pronoun or second.pronoun
  for _, a in ipairs(ends(claim, first)) do
    for _, b in ipairs(ends(claim, second)) do
      local value = test(a, b)
      local ok = nil
      if value ~= nil then ok = value ~= negated end
      if is_pronoun and ok ~= false then return ok end
      n = n + 1
      if n > 1 and ok ~= verdict then return nil end
      verdict = ok
      if ok == false and not fact then fact = say(a, b) end
    end
  end
  return verdict, fact
end

--- --- references --------------------------------------------------------------------------------------

--- Is there a foreign key from one to the other? `declared`: the words "foreign key" were used.
function relations.judge_reference(claim, a, b, negated, declared)
  return judge(claim, a, b, negated, function(x, y)
    if not declared and facts.is_view(claim.names:table(x.ref)) then return nil end
    if #claim.names:table(x.ref).foreign > 0 and not edge_of(claim, x, y) then
      for _, key in ipairs(claim.names:table(x.ref).foreign) do
        if not key.referred then return nil end -- to a table that was not read
      end
    end
    return edge_of(claim, x, y) ~= nil
  end, function(x, y)
    local edge = edge_of(claim, x, y)
    return edge and edge_said(edge) or no_edge_said(claim, x, y)
  end)
end

local JOINERS = words.set(", and or")
local VERBS = words.set("is are has have does can must may refers was 's")

local VIA = words.set("via through by using on with")

--- The place behind "via C", or `at`.
local function past_via(list, at)
  local c = list[at] and VIA[list[at].lower] and list[at + 1]
  if c and c.lower == "both" then c, at = list[at + 2], at + 1 end
  if c and c.columns and not c.pronoun then return at + 2, c end
  return at
end

--- The tokens of a list that goes on behind the match: ", T and T", "via C, T via C".
local function list_behind(claim, stop)
  local out, at = {}, past_via(claim.list, stop)
  while claim.list[at] and JOINERS[claim.list[at].lower] and not claim.list[at].columns do
    local to = at + 1
    if claim.list[to] and JOINERS[claim.list[to].lower] then to = to + 1 end
    local t, behind = claim.list[to], claim.list[to + 1]
    if not (t and t.refs and not t.columns) then break end
    local goes_on = not behind or JOINERS[behind.lower] or VIA[behind.lower] or behind.kind == "mark"
    if not goes_on or behind and (behind.symbol or VERBS[behind.lower] or behind.columns) then break end
    out[#out + 1] = t
    at = past_via(claim.list, to + 1)
  end
  return out
end

local LEADS = words.set("tables table both : that which")

--- The tokens of a list that ends at the match: "T, T and" in front of it.
local function list_before(claim, from)
  local out, at = {}, from
  while true do
    local to = at - 1
    if not (claim.list[to] and JOINERS[claim.list[to].lower]) then break end
    if claim.list[to - 1] and JOINERS[claim.list[to - 1].lower] then to = to - 1 end
    local t = claim.list[to - 1]
    if not (t and t.refs and not t.columns) then break end
    out[#out + 1], at = t, to - 1
  end
  local lead = claim.list[at - 1]
  if lead and not LEADS[lead.lower] then return {} end -- "a references b, and c references …"
  return out
end

local function symbol_text(claim, found, symbol)
  for i = found.from, found.stop - 1 do
    if claim.list[i].symbol == symbol then return claim.list[i].text:lower() end
  end
  return ""
end

local function references(claim, found)
  local said = symbol_text(claim, found, "REF") .. " "
  local declared = said:find("foreign") ~= nil or said:find("fk ", 1, true) ~= nil
  local ok, fact = relations.judge_reference(claim, found[1], found[2], found.negated, declared)
  if ok == false then return ok, fact end
  for _, more in ipairs(list_behind(claim, found.stop)) do
    local good, why = relations.judge_reference(claim, found[1], more, found.negated, declared)
    if good == false then return good, why end
  end
  for _, more in ipairs(found[1].refs and not found[1].columns and list_before(claim, found.from) or {}) do
    local good, why = relations.judge_reference(claim, more, found[2], found.negated, declared)
    if good == false then return good, why end
  end
  return ok
end

local function declared_from(claim, found) return relations.judge_reference(claim, found[1], found[2], found.negated, true) end

--- "The foreign keys are a to T and b to U."
local function listed_to(claim, found)
  local before = claim.list[found.from - 1]
  if found[1].pronoun or found[1].refs or before and before.symbol == "LINKED" then return nil end
  local declared = false
  for i = 1, found.from - 1 do
    local t = claim.list[i]
    if t.symbol == "LINKED" or t.lower == "not" or t.lower == "join" then return nil end
    declared = declared or t.symbol == "FK"
  end
  if not declared then return nil end
  return relations.judge_reference(claim, found[1], found[2], false, true)
end

local function referenced(claim, found)
  for _, more in ipairs(list_behind(claim, found.stop)) do
    local good, why = relations.judge_reference(claim, more, found[1], found.negated, false)
    if good == false then return good, why end
  end
  return relations.judge_reference(claim, found[2], found[1], found.negated, false)
end

local function pairs_said(claim, x, y)
  local edge = edge_of(claim, { ref = x.ref }, { ref = y.ref }) or edge_of(claim, { ref = y.ref }, { ref = x.ref })
  return edge and edge_said(edge) or ("no foreign key leads from %s to %s"):format(x.ref, y.ref)
end

--- "T references U through C": is C of such a key?
local function through(claim, found)
  local c = found[3]
  if found.negated or not c or c.pronoun or not c.columns then return nil end
  return judge(claim, found[1], found[2], false, function(x, y)
    local any, good = false, false
    for _, pair in ipairs { { x.ref, y.ref }, { y.ref, x.ref } } do
      for _, edge in ipairs(claim.names.into[pair[2]] or {}) do
        if edge.from == pair[1] then
          any = true
          local all = true
          for _, named in ipairs(c.columns) do
            all = all and (facts.has(edge.columns, named.name) or facts.has(edge.referred_columns, named.name))
          end
          good = good or all
        end
      end
    end
    if not any then return nil end
    return good
  end, function(x, y) return pairs_said(claim, x, y) end)
end
relations.through = through

--- --- who refers to a table -----------------------------------------------------------------------------

local function referrers(claim, t)
  local seen, n = {}, 0
  for _, edge in ipairs(claim.names.into[t.reference] or {}) do
    if edge.from ~= t.reference and not seen[edge.from] then
      seen[edge.from], n = true, n + 1
    end
  end
  return n
end

local function referrers_said(claim)
  return function(t) return ("%s refer to %s"):format(keys.counted(referrers(claim, t), "other table"), t.reference) end
end

local function none_refers(claim, found)
  return facts.tables(claim, found[1], false, function(t) return referrers(claim, t) == 0 end, referrers_said(claim))
end

local function some_refer(claim, found)
  local n = found[2]
  return facts.tables(claim, found[1], found.negated, function(t)
    local count = referrers(claim, t)
    if n then return n.number == count or n.number == #(claim.names.into[t.reference] or {}) end
    return count > 0
  end, referrers_said(claim))
end

local function all_refer(claim, found)
  local t = found[1]
  local ok, fact = relations.judge_reference(claim, found[2], t, found.negated, false)
  if ok == false then return ok, fact end
  for _, more in ipairs(list_behind(claim, found.stop)) do
    local good, why = relations.judge_reference(claim, more, t, found.negated, false)
    if good == false then return good, why end
  end
  return ok
end

--- --- paths of keys -------------------------------------------------------------------------------------

local FAR = 4

--- Steps of foreign keys from one table to another (both ways where `either`, never over `avoided`); nil beyond
--- FAR.
local function distance(claim, from, to, either, avoided)
  local seen, row = { [from] = true, [avoided or from] = true }, { from }
  for n = 1, FAR do
    local following = {}
    for _, ref in ipairs(row) do
      local near = {}
      for _, key in ipairs(claim.names:table(ref).foreign) do near[#near + 1] = key.referred end
      if either then
        for _, edge in ipairs(claim.names.into[ref] or {}) do near[#near + 1] = edge.from end
      end
      for _, other in ipairs(near) do
        if other == to then return n end
        if not seen[other] then
          seen[other] = true
          following[#following + 1] = other
        end
      end
    end
    row = following
  end
end

local function declares(claim, ref)
  return #claim.names:table(ref).foreign > 0 or claim.names.into[ref] ~= nil
end

--- Can anything be said about how these two are related?
local function is_open(claim, x, y)
  if facts.is_view(claim.names:table(x.ref)) or facts.is_view(claim.names:table(y.ref)) then return true end
  return not declares(claim, x.ref) or not declares(claim, y.ref)
end

local function belongs(claim, found)
  return judge(claim, found[1], found[2], found.negated, function(x, y)
    if distance(claim, x.ref, y.ref) then return true end
    if is_open(claim, x, y) then return nil end
    if distance(claim, y.ref, x.ref) then return false end
    return nil
  end, function(x, y) return pairs_said(claim, x, y) end)
end

--- Is there a table that refers to both?
local function meets(claim, x, y)
  for _, edge in ipairs(claim.names.into[x.ref] or {}) do
    if edge.from ~= y.ref and distance(claim, edge.from, y.ref, false, x.ref) then return true end
  end
  return false
end

local function has_many(claim, found)
  return judge(claim, found[1], found[2], found.negated, function(x, y)
    if distance(claim, y.ref, x.ref) or meets(claim, x, y) then return true end
    if is_open(claim, x, y) then return nil end
    if distance(claim, x.ref, y.ref) then return false end
    return nil
  end, function(x, y) return pairs_said(claim, x, y) end)
end

local function linked(claim, found)
  local direct = false
  for i = found.from, found.stop - 1 do direct = direct or claim.list[i].text:lower():find("direct") ~= nil or claim.list[i].symbol == "FK" end
  return judge(claim, found[1], found[2], found.negated, function(x, y)
    local n = distance(claim, x.ref, y.ref, true)
    if direct then return n == 1 end
    if n == 1 then return true end
    if found.negated or is_open(claim, x, y) then return nil end
    return n ~= nil
  end, function(x, y) return pairs_said(claim, x, y) end)
end

--- --- one to many ---------------------------------------------------------------------------------------

local function is_one_to_one(claim, x, y)
  for _, pair in ipairs { { x.ref, y.ref }, { y.ref, x.ref } } do
    for _, edge in ipairs(claim.names.into[pair[2]] or {}) do
      if edge.from == pair[1] and facts.is_unique(claim.names:table(edge.from), edge.columns) then return true end
    end
  end
  return false
end

local function cardinality(claim, found, directed)
  local kind
  for i = found.from, found.stop - 1 do kind = kind or claim.list[i].lower:match("^%a+%-to%-%a+$") end
  return judge(claim, found[1], found[2], found.negated, function(x, y)
    local there, back = distance(claim, x.ref, y.ref), distance(claim, y.ref, x.ref)
    if is_open(claim, x, y) and not there and not back then return nil end
    if kind == "many-to-many" then
      if meets(claim, x, y) then return true end
      if there == 1 or back == 1 then return false end
      return nil
    elseif kind == "one-to-one" then
      if there ~= 1 and back ~= 1 then return nil end
      return is_one_to_one(claim, x, y)
    elseif not there and not back then
      return nil
    elseif directed then
      local wanted = there
      if kind == "one-to-many" then wanted = back end
      return wanted ~= nil
    end
    return true
  end, function(x, y) return pairs_said(claim, x, y) end)
end

local function directed(claim, found) return cardinality(claim, found, true) end
local function undirected(claim, found) return cardinality(claim, found, false) end

local TO_MANY = "one-to-many|many-to-one|many-to-many|one-to-one"

relations.RULES = {
  { references, "R is|does|do|can|must|has|have|contains|serves? ~ as|only? a|an|the|one|two|no? REF R", "R is ~ a|an? NULLABLE|NOTNULL|UNIQUE REF R",
    "R has ~ a|an|the? columns|FK? that|which? REF R", "R -> R" },
  { declared_from, "FK from|of|in|on R to|into R", "R has ~ a|an? FK on R to|into R", "FK R to|into R" },
  { listed_to, "C to R" },
  { referenced, "R REFBY R", "R is ~ REFBY a|an? FK in|from|of|on R", "R is ~ the? target|parent of a|an|the? FK from|in|of R" },
  { through, "R has|is|does? ~ a|an|the? REF R through|via|by|using|with|on|in the|its|a? C", "R is|can ~ be? LINKED R through|via|by|using|with|on the|its|a? C" },
  { none_refers, "no other? table|tables REF E", "no other? table|tables has|have a|any? REF E", "nothing REF E",
    "E is not REFBY any other? table|tables", "E REFBY no other? table|tables" },
  { some_refer, "E REFBY exactly|only? N other? table|tables" },
  { all_refer, "table|tables that|which REF E is|contains|: R", "table|tables REF E is|contains|: R" },
  { belongs, "E can|may|must? ~ OWNED exactly|only|one? one? E" },
  { has_many, "E can|may? ~ has|contains|place|places|receive|receives|be|appear ~ linked|related? to? MANY E" },
  { linked, "R is|can ~ be? LINKED R", "R and R is|can ~ be? directly? linked|related|connected|joined",
    "there is ~ a|any? direct? FK|relationship|relation|link|connection between R and R", "R has ~ a|any? direct? relationship|relation|link|connection with|to R" },
  { directed, TO_MANY .. " relationship|relation|association|link? from R to R", "R has|is|in ~ in? a|an? " .. TO_MANY .. " relationship|relation|association|link? with|to R" },
  { undirected, TO_MANY .. " relationship|relation|association|link? between R and R", "relationship|relation between R and R is ~ a|an? " .. TO_MANY },
}

return relations
