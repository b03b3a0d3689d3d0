--- relationstext: discovered relations as text, JSON, and graphs for Graphviz and Mermaid.

local json = require "nlsql.json"
local relations = require "nlsql.relations"

local relationstext = {}

--- Reasons that a line of text shows.
local SHOWN = 3

---@param side nlsql.FoundSide
---@return string
local function side(one) return relations.side(one.reference, one.columns) end
relationstext.side = side

local function arrow(one)
  local when = one.when and (" where %s is '%s'"):format(one.when.column, one.when.value) or ""
  return ("%s -> %s%s"):format(side(one.from), side(one.to), when)
end

local function few(reasons) return table.concat(reasons, "; ", 1, math.min(SHOWN, #reasons)) end

--- One line a relation: score, child and parent, the weightiest reasons; then the link tables.
---@param found nlsql.Discovered
---@return string
function relationstext.lines(found)
  local out = {}
  for i, one in ipairs(found.relations) do out[i] = ("%.2f  %s: %s"):format(one.score, arrow(one), few(one.reasons)) end
  for _, link in ipairs(found.many_to_many) do
    out[#out + 1] = ("%.2f  %s <-> %s through %s: many-to-many"):format(link.score, link.sides[1].to, link.sides[2].to,
      link.via)
  end
  return #out > 0 and table.concat(out, "\n") .. "\n" or ""
end

local KEYS = { "relations", "many_to_many", "skipped", "from", "to", "schema", "table", "columns", "score", "declared", "when",
  "evidence", "reasons", "via", "sides" }

local function plain_side(one) return { schema = one.schema, table = one.table, columns = json.array(one.columns) } end

local function plain(one)
  local evidence = {}
  for name, value in pairs(one.evidence) do evidence[name] = value end
  if #one.weights > 0 then evidence.weights = json.array(one.weights) end
  return { from = plain_side(one.from), to = plain_side(one.to), score = one.score, declared = one.declared,
    by_hand = one.by_hand, name = one.name, when = one.when, evidence = evidence, reasons = json.array(one.reasons) }
end

--- { relations = [{from, to, score, declared, evidence, reasons}], many_to_many, skipped } on one line.
---@param found nlsql.Discovered
---@return string
function relationstext.json(found)
  local list, many, skipped = {}, {}, {}
  for i, one in ipairs(found.relations) do list[i] = plain(one) end
  for i, link in ipairs(found.many_to_many) do
    local sides = {}
    for k, one in ipairs(link.sides) do sides[k] = { table = one.to, columns = json.array(one.columns) } end
    many[i] = { via = link.via, sides = json.array(sides), score = link.score }
  end
  for i, one in ipairs(found.skipped) do skipped[i] = { table = one.table, column = one.column, reason = one.reason } end
  return assert(json.encode({ relations = json.array(list), many_to_many = json.array(many), skipped = json.array(skipped) },
    { keys = KEYS })) .. "\n"
end

local function quoted(text) return '"' .. text:gsub('["\\]', "\\%0") .. '"' end

local function label(one)
  local text = table.concat(one.from.columns, ", ")
  if one.when then text = ("%s (%s = %s)"):format(text, one.when.column, one.when.value) end
  return text
end

--- A digraph for Graphviz: child to parent, dashed where no key declares it.
---@param found nlsql.Discovered
---@return string
function relationstext.dot(found)
  local out = { "digraph relations {", "  rankdir=LR;", "  node [shape=box];" }
  for _, one in ipairs(found.relations) do
    local style = one.declared and "" or (", style=dashed, tooltip=%s"):format(quoted(("%.2f"):format(one.score)))
    out[#out + 1] = ("  %s -> %s [label=%s%s];"):format(quoted(one.from.reference), quoted(one.to.reference),
      quoted(label(one)), style)
  end
  out[#out + 1] = "}"
  return table.concat(out, "\n") .. "\n"
end

--- Mermaid reads no quotes within a quoted name.
local function mermaid_name(ref)
  if ref:find("^[%a_][%w_]*$") then return ref end
  return '"' .. ref:gsub('"', "") .. '"'
end

--- An entity-relationship diagram for Mermaid: parent and child, dotted where no key declares it.
---@param found nlsql.Discovered
---@return string
function relationstext.mermaid(found)
  local out = { "erDiagram" }
  for _, one in ipairs(found.relations) do
    local many = one.evidence.cardinality == "one_to_one" and "o|" or "o{"
    out[#out + 1] = ("  %s ||%s%s %s : \"%s\""):format(mermaid_name(one.to.reference), one.declared and "--" or "..", many,
      mermaid_name(one.from.reference), (label(one):gsub('"', "'")))
  end
  return table.concat(out, "\n") .. "\n"
end

--- --- one pair, in words --------------------------------------------------------------------------

local function weigh_lines(one, out)
  local list = table.move(one.weights, 1, #one.weights, 1, {})
  local place = {}
  for i, w in ipairs(list) do place[w] = i end
  table.sort(list, function(a, b)
    if a.weight ~= b.weight then return a.weight > b.weight end
    return place[a] < place[b]
  end)
  for _, w in ipairs(list) do
    local sign = w.weight > 0 and "for" or w.weight < 0 and "against" or "besides"
    out[#out + 1] = ("  %-8s%+6.2f  %s"):format(sign, w.weight, w.text)
  end
end

--- All that was found for and against one pair; `others`: what else its child might refer to.
---@param one nlsql.FoundRelation
---@param others nlsql.FoundRelation[]
---@param threshold number
---@return string
function relationstext.explain(one, others, threshold)
  local verdict = one.declared and "declared" or one.by_hand and "written in the configuration"
    or one.score >= threshold and "believed" or ("not believed: below %.2f"):format(threshold)
  local out = { ("%s: score %.2f, %s"):format(arrow(one), one.score, verdict) }
  if #one.weights > 0 then
    weigh_lines(one, out)
  else
    for _, reason in ipairs(one.reasons) do out[#out + 1] = "  " .. reason end
  end
  for _, other in ipairs(others) do
    out[#out + 1] = ("%s might refer to %s as well: score %.2f"):format(side(one.from), side(other.to), other.score)
  end
  return table.concat(out, "\n") .. "\n"
end

return relationstext
