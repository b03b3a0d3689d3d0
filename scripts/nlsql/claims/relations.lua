--- relations: what may be said of foreign keys: which column or table references which.

local edges = require "nlsql.claims.edges"
local facts = require "nlsql.claims.facts"
local keys = require "nlsql.claims.keys"
local words = require "nlsql.grammar.words"

local relations = {}

--- --- references --------------------------------------------------------------------------------------

--- Is there a foreign key from one to the other? `declared`: the words "foreign key" were used.
function relations.judge_reference(claim, a, b, negated, declared)
  return edges.judge(claim, a, b, negated, function(x, y)
    if not declared and facts.is_view(claim.names:table(x.ref)) then return nil end
    if #claim.names:table(x.ref).foreign > 0 and not edges.of(claim, x, y) then
      for _, key in ipairs(claim.names:table(x.ref).foreign) do
        if not key.referred then return nil end -- to a table that was not read
      end
    end
    return edges.of(claim, x, y) ~= nil
  end, function(x, y)
    local edge = edges.of(claim, x, y)
    return edge and edges.said(edge) or edges.missing_said(claim, x, y)
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

local function declared_from(claim, found)
  return relations.judge_reference(claim, found[1], found[2], found.negated, true)
end

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

--- "T references U through C": is C of such a key?
local function through(claim, found)
  local c = found[3]
  if found.negated or not c or c.pronoun or not c.columns then return nil end
  return edges.judge(claim, found[1], found[2], false, function(x, y)
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
  end, function(x, y) return edges.pair_said(claim, x, y) end)
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

relations.RULES = {
  { references, "R is|does|do|can|must|has|have|contains|serves? ~ as|only? a|an|the|one|two|no? REF R",
    "R is ~ a|an? NULLABLE|NOTNULL|UNIQUE REF R",
    "R has ~ a|an|the? columns|FK? that|which? REF R", "R -> R" },
  { declared_from, "FK from|of|in|on R to|into R", "R has ~ a|an? FK on R to|into R", "FK R to|into R" },
  { listed_to, "C to R" },
  { referenced, "R REFBY R", "R is ~ REFBY a|an? FK in|from|of|on R",
    "R is ~ the? target|parent of a|an|the? FK from|in|of R" },
  { through, "R has|is|does? ~ a|an|the? REF R through|via|by|using|with|on|in the|its|a? C",
    "R is|can ~ be? LINKED R through|via|by|using|with|on the|its|a? C" },
  { none_refers, "no other? table|tables REF E", "no other? table|tables has|have a|any? REF E", "nothing REF E",
    "E is not REFBY any other? table|tables", "E REFBY no other? table|tables" },
  { some_refer, "E REFBY exactly|only? N other? table|tables" },
  { all_refer, "table|tables that|which REF E is|contains|: R", "table|tables REF E is|contains|: R" },
}

return relations
