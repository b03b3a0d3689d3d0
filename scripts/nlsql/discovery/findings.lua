--- findings: what discovery found, as it is printed, cached and used: plain tables, child to parent.

local links = require "nlsql.discovery.links"
local weigh = require "nlsql.discovery.weigh"

local findings = {}

--- Score from which on a relation is believed.
findings.THRESHOLD = 0.5

---@class nlsql.FoundSide
---@field schema string
---@field table string
---@field columns string[]
---@field reference string  the table as SQL names it

---@class nlsql.FoundRelation
---@field from nlsql.FoundSide  the child
---@field to nlsql.FoundSide    the parent
---@field score number          0 to 1
---@field declared boolean
---@field by_hand boolean?      in the configuration
---@field name string?          of the foreign key
---@field when { column: string, value: string }?  it holds for the rows whose `column` has `value`
---@field evidence table<string, any>
---@field reasons string[]      for and against, the weightiest first
---@field weights { about: string, weight: number, text: string }[]

---@class nlsql.Discovered
---@field relations nlsql.FoundRelation[]  by child and, of one child, the likeliest first
---@field many_to_many nlsql.ManyToMany[]
---@field skipped { table: string, column: string?, reason: string }[]
---@field seconds number
---@field rows integer          that were read
---@field recalled boolean?     the scan was one that was kept
---@field threshold number
---@field refusal fun(relation: nlsql.Relation): string  why a pair is no candidate

--- Of a catalog: its tables, each read once.
---@param schema nlsql.Catalog
---@return { names: fun(self: table): string[], table: fun(self: table, ref: string): nlsql.Table }
function findings.tables(schema)
  local known = {}
  return {
    names = function() return schema:names() end,
    table = function(_, ref)
      known[ref] = known[ref] or schema:table(ref)
      return known[ref]
    end,
  }
end

local function side(schema, ref, names)
  local t = schema:table(ref)
  return { schema = t.schema, table = t.name, columns = table.move(names, 1, #names, 1, {}), reference = ref }
end

local function round(x, digits)
  local by = 10 ^ digits
  return math.floor(x * by + 0.5) / by
end

--- The reasons, the weightiest first; what has no weight last.
local function reasons_of(weighed)
  local list, out = table.move(weighed, 1, #weighed, 1, {}), {}
  local order = {}
  for i, one in ipairs(list) do order[one] = i end
  table.sort(list, function(a, b)
    local x, y = math.abs(a.weight), math.abs(b.weight)
    if x ~= y then return x > y end
    return order[a] < order[b]
  end)
  for _, one in ipairs(list) do
    if one.weight ~= 0 or one.about == "containment" or one.about == "rival" then out[#out + 1] = weigh.text(one) end
  end
  return out
end

local function weights_of(weighed)
  local out = {}
  for i, one in ipairs(weighed) do out[i] = { about = one.about, weight = round(one.weight, 2), text = weigh.text(one) } end
  return out
end

--- Does one row refer to another that no other refers to? A part of a key may be unique by chance.
local function cardinality(child)
  local alone = child.unique and child.distinct > 0 and (child.key ~= "data" or not child.in_key)
  return alone and "one_to_one" or "many_to_one"
end

local function evidence_of(c) -- of weigh.evidence
  return { rows = c.child.filled, distinct = c.child.distinct, orphans = c.orphans, containment = round(c.containment, 4),
    coverage = round(c.coverage, 4), names = round(c.names, 2), fit = c.fit and round(c.fit, 6) or nil,
    chance = round(math.exp(math.max(-700, c.accident)), 6), parent_key = c.parent.key, parent_rows = c.parent.rows,
    cardinality = cardinality(c.child), sampled = c.child.sampled or c.parent.sampled or nil }
end

local function single(world, c)
  local schema, all = world.tables, weigh.evidence(c, world.naming)
  local weighed = all.weighed --[[@as nlsql.Weighed[] ]]
  if c.rival and c.score < 0.95 then
    weighed[#weighed + 1] = { about = "rival", weight = 0, text = ("%s.%s fits %s"):format(c.rival.parent.ref,
      c.rival.parent.name, c.rival.sum > c.sum and "better" or "nearly as well") }
  end
  return { from = side(schema, c.child.ref, { c.child.name }), to = side(schema, c.parent.ref, { c.parent.name }),
    score = round(c.score, 3), declared = false, evidence = evidence_of(all), reasons = reasons_of(weighed),
    weights = weights_of(weighed) }
end

local function whole(schema, one)
  local facts = one.facts
  return { from = side(schema, one.from, one.columns), to = side(schema, one.to, one.referred), score = round(one.score, 3),
    declared = false, reasons = reasons_of(one.weighed), weights = weights_of(one.weighed),
    evidence = { rows = facts.rows, distinct = facts.distinct, orphans = facts.orphans, names = round(one.names, 2),
      containment = round(facts.containment, 4), expected = one.expected and round(one.expected, 4), parent_key = "declared",
      cardinality = facts.rows == facts.distinct and "one_to_one" or "many_to_one" } }
end

local function add_kinds(schema, kinds, out)
  for _, one in ipairs(kinds) do
    for _, parent in ipairs(one.parents) do
      out[#out + 1] = { from = side(schema, one.from, { one.column }), to = side(schema, parent.to, { parent.column }),
        score = round(one.score, 3), declared = false, when = { column = one.kind, value = parent.value },
        reasons = one.reasons, weights = {}, evidence = { rows = parent.rows, distinct = parent.distinct,
          orphans = parent.orphans, containment = round(1 - parent.orphans / parent.distinct, 4), polymorphic = true,
          cardinality = "many_to_one" } }
    end
  end
end

--- What the scan says of a key that needs no finding.
local function evidence_of_edge(world, edge, out)
  if #edge.columns > 1 then return out end
  local child = world.column_at[edge.from .. "\0" .. edge.columns[1]]
  local parent = world.column_at[edge.to .. "\0" .. edge.referred_columns[1]]
  if not child or not parent then return out end
  local common = world.overlaps:common(child.at, parent.at) or 0
  out.rows, out.distinct, out.orphans = child.filled, child.distinct, child.distinct - common
  out.containment = child.distinct > 0 and round(common / child.distinct, 4) or nil
  out.coverage = parent.distinct > 0 and round(common / parent.distinct, 4) or nil
  out.cardinality = cardinality(child)
  return out
end

local function declared(world, edge)
  local by_hand, schema = edge.declared == false, world.tables
  return { from = side(schema, edge.from, edge.columns), to = side(schema, edge.to, edge.referred_columns),
    score = by_hand and 0.99 or 1, declared = not by_hand, by_hand = by_hand or nil, name = not by_hand and edge.name or nil,
    evidence = evidence_of_edge(world, edge, { constraint = not by_hand and edge.name or nil }), weights = {},
    reasons = { by_hand and "it is written in the configuration" or ("the foreign key %s declares it"):format(edge.name) } }
end

--- Is it the same relation, whatever the score?
local function key_of(one)
  return table.concat({ one.from.reference, table.concat(one.from.columns, "\1"), one.to.reference,
    table.concat(one.to.columns, "\1"), one.when and one.when.value or "" }, "\0")
end

local function arrange(schema, list)
  local at = {}
  for i, ref in ipairs(schema:names()) do
    at[ref] = i * 10000
    for k, column in ipairs(schema:table(ref).columns) do at[ref .. "\0" .. column.name] = i * 10000 + k end
  end
  local function place(one) return at[one.from.reference .. "\0" .. one.from.columns[1]] or at[one.from.reference] end
  table.sort(list, function(a, b)
    if place(a) ~= place(b) then return place(a) < place(b) end
    if #a.from.columns ~= #b.from.columns then return #a.from.columns > #b.from.columns end
    if a.score ~= b.score then return a.score > b.score end
    return key_of(a) < key_of(b)
  end)
end

local function as_links(list, threshold)
  local out = {}
  for _, one in ipairs(list) do
    if one.score >= threshold and not one.when then
      out[#out + 1] = { from = one.from.reference, columns = one.from.columns, to = one.to.reference, score = one.score }
    end
  end
  return out
end

--- Is it told of: every one where all are asked for, but of one pair only those beside it.
local function is_told(c, options, threshold)
  if options.pair and c.child.ref ~= options.pair.from then return false end
  return options.all or c.score >= math.min(threshold, findings.THRESHOLD)
end

--- Makes the result of all candidates: those from the threshold on, or (options.all) every one.
---@param world table
---@param singles nlsql.Candidacy[]
---@param wholes nlsql.CompositeCandidacy[]
---@param kinds nlsql.Polymorphic[]
---@param options { threshold: number?, all: boolean?, pair: nlsql.Relation? }
---@return nlsql.Discovered
function findings.of(world, singles, wholes, kinds, options)
  local schema, threshold = world.tables, options.threshold or findings.THRESHOLD
  local every, out, known = {}, {}, {}
  for _, edge in ipairs(world.declared) do
    local one = declared(world, edge)
    if not known[key_of(one)] then every[#every + 1] = one end
    known[key_of(one)] = one
  end
  local function take(one)
    local before = known[key_of(one)]
    if before then
      for name, value in pairs(one.evidence) do before.evidence[name] = value end -- what the data says of a declared key
    else
      every[#every + 1] = one
    end
  end
  for _, c in ipairs(singles) do
    if is_told(c, options, threshold) then take(single(world, c)) end
  end
  for _, one in ipairs(wholes) do take(whole(schema, one)) end
  add_kinds(schema, kinds, every)
  arrange(schema, every)
  for _, one in ipairs(every) do
    if options.all or one.score >= threshold then out[#out + 1] = one end
  end
  return { relations = out, many_to_many = links.find(schema, as_links(every, threshold)),
    skipped = world.scan.skipped or {}, recalled = world.scan.recalled,
    seconds = world.scan.seconds, rows = world.scan.rows, threshold = threshold }
end

return findings
