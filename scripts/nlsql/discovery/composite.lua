--- composite: several columns together that refer to a key of several columns.
---
--- For each such key, the columns of every table whose values are found among those of its parts are put
--- together and counted (nlsql.stats tuples): a part alone says little, the whole a lot.

local catalog = require "nlsql.catalog"
local weigh_pair = require "nlsql.discovery.weigh"

local composite = {}

--- Columns of a table that are tried for one part of a key, and combinations in all.
local A_PART, IN_ALL = 3, 400

--- The odds before anything is known: see nlsql.discovery.weigh. Chance speaks for itself here.
local PRIOR = -2

---@class nlsql.CompositeCandidacy
---@field from string
---@field columns string[]
---@field to string
---@field referred string[]
---@field names number
---@field facts table         of nlsql.stats tuples
---@field weighed nlsql.Weighed[]
---@field sum number
---@field score number
---@field ats integer[]       the child's columns in the scan
---@field parent_ats integer[]

--- The declared keys of more than one column, none of which is unique alone.
local function keys_of(t, column_at)
  local keys, out = { t.primary }, {}
  table.move(t.uniques or {}, 1, #(t.uniques or {}), #keys + 1, keys)
  for _, key in pairs(keys) do
    local parts = {}
    for i, name in ipairs(key) do
      local column = column_at[t.reference .. "\0" .. name]
      if column and not column.unique then parts[i] = column end
    end
    if #key > 1 and #key <= 4 and #parts == #key then out[#out + 1] = parts end
  end
  return out
end

--- The columns that may stand for each part, by their table: ref → part → list, the likeliest first.
local function possible(parts, children, naming)
  local by_ref, order = {}, {}
  for i, part in ipairs(parts) do
    for _, child in ipairs(children[part.at] or {}) do
      if not by_ref[child.ref] then
        by_ref[child.ref] = {}
        order[#order + 1] = child.ref
      end
      local list = by_ref[child.ref][i] or {}
      by_ref[child.ref][i] = list
      list[#list + 1] = { column = child, names = naming:score(child, part) }
    end
  end
  for i, part in ipairs(parts) do
    local own = by_ref[part.ref] -- (company, parent) refers to (company, number): a part may stay what it is
    if own then
      own[i] = own[i] or {}
      table.insert(own[i], { column = part, names = 1 })
    end
  end
  for _, ref in ipairs(order) do
    for _, list in pairs(by_ref[ref]) do
      table.sort(list, function(a, b)
        if a.names ~= b.names then return a.names > b.names end
        return a.column.at < b.column.at
      end)
    end
  end
  return by_ref, order
end

--- Calls `take` for each way to fill the parts with different columns.
local function combine(lists, n, chosen, used, take)
  local i = #chosen + 1
  if i > n then return take(chosen) end
  for k = 1, math.min(A_PART, #lists[i]) do
    local one = lists[i][k]
    if not used[one.column.at] then
      chosen[i], used[one.column.at] = one, true
      combine(lists, n, chosen, used, take)
      chosen[i], used[one.column.at] = nil, nil
    end
  end
end

local function claim_of(parts, chosen)
  local claim = { from = chosen[1].column.ref, to = parts[1].ref, columns = {}, referred = {}, names = 0, ats = {},
    parent_ats = {}, parts = parts, own = {}, part_names = {} }
  for i, one in ipairs(chosen) do
    claim.columns[i], claim.referred[i], claim.own[i] = one.column.name, parts[i].name, one.column
    claim.part_names[i] = one.names
    claim.ats[i], claim.parent_ats[i] = one.column.at, parts[i].at
    claim.names = claim.names + one.names / #chosen
  end
  return claim
end

--- Is it the key itself, or its parts changed round?
local function refers_to_itself(claim)
  local inside, n = {}, 0
  for _, at in ipairs(claim.parent_ats) do inside[at] = true end
  for _, at in ipairs(claim.ats) do n = n + (inside[at] and 1 or 0) end
  return n == #claim.ats
end

local function claims_of(world)
  local children, out = {}, {}
  for child_at, parent_at, common in world.overlaps:all() do
    local child, parent = world.columns[child_at], world.columns[parent_at]
    if child and parent and not parent.unique and not child.view and not parent.view
      and common / child.distinct >= world.min_containment then
      children[parent_at] = children[parent_at] or {}
      table.insert(children[parent_at], child)
    end
  end
  for _, ref in ipairs(world.schema:names()) do
    for _, parts in ipairs(keys_of(world.schema:table(ref), world.column_at)) do
      local by_ref, order = possible(parts, children, world.naming)
      for _, from in ipairs(order) do
        local lists = by_ref[from]
        local whole = true
        for i = 1, #parts do whole = whole and lists[i] ~= nil end
        if whole then
          combine(lists, #parts, {}, {}, function(chosen)
            local claim = claim_of(parts, chosen)
            if not refers_to_itself(claim) then out[#out + 1] = claim end
          end)
        end
      end
    end
  end
  table.sort(out, function(a, b)
    if a.names ~= b.names then return a.names > b.names end
    return a.ats[1] < b.ats[1]
  end)
  return table.move(out, 1, math.min(#out, IN_ALL), 1, {})
end

--- How many of the child's rows would be found, were each part drawn by itself, as often as it occurs: a
--- quantity of 1 finds the first line of any order. nil where the database did not say.
local function expected(world, claim)
  local joins, product, total = {}, {}, {}
  for i, name in ipairs(claim.columns) do
    local own, key = catalog.quote(name), catalog.quote(claim.referred[i])
    joins[i] = ("JOIN (SELECT %s AS v, count(*)::numeric AS n FROM %s WHERE %s IS NOT NULL GROUP BY 1) AS c%d "
      .. "ON c%d.v = p.%s"):format(own, claim.from, own, i, i, key)
    product[i] = ("c%d.n"):format(i)
    total[i] = ("(SELECT count(%s)::numeric FROM %s)"):format(own, claim.from)
  end
  local query = ("SELECT coalesce(sum(%s), 0) / nullif(%s, 0) FROM %s AS p %s"):format(table.concat(product, " * "),
    table.concat(total, " * "), claim.to, table.concat(joins, " "))
  local got = world.db:query(query, nil, world.limits)
  return got and got.rows[1] and tonumber(got.rows[1][1])
end

--- ln of how much likelier the share that is found is than the share that chance finds.
local function lift(facts, share)
  if facts.containment <= share then return 0 end
  share = math.min(0.9999, math.max(share, 1e-12))
  local sum = facts.common * math.log(facts.containment / share)
  if facts.orphans > 0 then sum = sum + facts.orphans * math.log((1 - facts.containment) / (1 - share)) end
  return math.max(0, sum)
end

--- What those parts say by themselves that refer to nothing else: the number of a plant, beside its company's.
local function inclusion(world, claim)
  local best = 0
  for i, part in ipairs(claim.parts) do
    local own = claim.own[i]
    if not world.leads[part.at] and own ~= part then
      local common = world.overlaps:common(own.at, part.at) or 0
      best = math.max(best, weigh_pair.inclusion(own, part, common, claim.part_names[i]))
    end
  end
  return best
end

local function weigh(world, claim)
  local facts, weighed = claim.facts, {}
  local function add(about, weight, format, ...)
    weighed[#weighed + 1] = { weight = weight, about = about, text = format:format(...) }
    claim.sum = claim.sum + weight
  end
  claim.sum, claim.weighed, claim.expected = PRIOR, weighed, expected(world, claim)
  for i, part in ipairs(claim.parts) do
    if claim.own[i].base ~= part.base then
      add("type", -1.2, "their types differ: %s, %s", claim.own[i].column.type, part.column.type)
    end
  end
  local names, n = 0, 0 -- of those parts that are known by nothing else
  for i, part in ipairs(claim.parts) do
    local own = claim.own[i]
    local agree = own == part or world.leads[part.at] and world.leads[part.at] == world.leads[own.at]
    if not agree then names, n = names + claim.part_names[i], n + 1 end
    if not agree and claim.part_names[i] == 0 then
      if world.naming:is_measure(own.name) then add("names", -2.5, "%s is called like a measure", own.name) end
      if world.naming:tells(own.table) and not world.naming:is_key_name(own.name) then
        add("names", -1, "%s is not called like a key, as others of its table are", own.name)
      end
    end
    if agree and own ~= part then
      add("parts", 1, "%s and %s refer to the same table", own.name, part.name)
    elseif own.unique and world.leads[part.at] == own.at then
      add("direction", -9, "%s of the other side refers to %s, the key here", part.name, own.name)
    end
  end
  if n > 0 then claim.names = names / n end
  if claim.names >= 0.5 then add("names", 4 * claim.names - 0.5, "the names agree to %.2f", claim.names) end
  if facts.orphans > 0 then
    add("containment", -0.5 - 40 * (1 - facts.containment), "%d of %d combinations are not found there", facts.orphans,
      facts.distinct)
  else
    add("containment", 0, "all %d combinations are found there", facts.distinct)
  end
  local share, alone = claim.expected or 0.5, inclusion(world, claim)
  local together = math.min(6, lift(facts, share))
  add("chance", math.max(together, alone), "of unrelated combinations of the same values %.1f %% would be found there%s",
    100 * share, alone > together and alone > 1 and ", but one of the values would hardly" or "")
  add("parent", 0.8, "the other side is a key")
end

--- Of two columns that may stand for one part, the other the same, the one that is called like it is meant.
local function prefer_namesakes(list)
  for _, one in ipairs(list) do
    for _, other in ipairs(list) do
      local differ, worse = 0, false
      if one.from == other.from and one.parts == other.parts then
        for i, at in ipairs(one.ats) do
          if at ~= other.ats[i] then
            differ = differ + 1
            worse = one.part_names[i] == 0 and other.part_names[i] >= 0.8
          end
        end
      end
      if differ == 1 and worse then
        one.weighed[#one.weighed + 1] = { about = "names", weight = -5,
          text = ("(%s) are called like the key there"):format(table.concat(other.columns, ", ")) }
        one.sum = one.sum - 5
        break
      end
    end
  end
end

--- Adds what became clear later, and scores again.
---@param list nlsql.CompositeCandidacy[]
---@param claim nlsql.CompositeCandidacy
---@param weight number
---@param text string
function composite.more(list, claim, weight, text)
  claim.weighed[#claim.weighed + 1] = { weight = weight, about = "transitivity", text = text }
  claim.sum = claim.sum + weight
  composite.score(list)
end

--- The parents of the same columns compete: see nlsql.discovery.choose.
---@param list nlsql.CompositeCandidacy[]
function composite.score(list)
  local groups = {}
  for _, one in ipairs(list) do
    local ats = table.move(one.ats, 1, #one.ats, 1, {})
    table.sort(ats)
    local key = table.concat(ats, ",")
    groups[key] = groups[key] or {}
    table.insert(groups[key], one)
  end
  for _, group in pairs(groups) do
    local all = 1
    for _, one in ipairs(group) do all = all + math.exp(math.min(50, one.sum)) end
    for _, one in ipairs(group) do one.score = math.exp(math.min(50, one.sum)) / all end
  end
end

--- Candidates of a scan, scored. nil, message, code where the tuples could not be counted.
---@param world table  { schema, stats, columns, column_at, overlaps, naming, min_containment }
---@return nlsql.CompositeCandidacy[]?, string?, string?
function composite.find(world)
  local claims = claims_of(world)
  if #claims == 0 then return {} end
  local asked = {} -- no more than is asked: it is what a kept answer is known by
  for i, one in ipairs(claims) do
    asked[i] = { from = one.from, columns = one.columns, to = one.to, referred = one.referred }
  end
  local facts, message, code = world.stats.tuples(world.schema, asked, world.tuple_options)
  if not facts then return nil, message, code end
  local out = {}
  for i, claim in ipairs(claims) do
    claim.facts = facts[i]
    local got = claim.facts
    if got and got.distinct > 0 and got.unique and got.containment >= world.min_containment then
      weigh(world, claim)
      out[#out + 1] = claim
    end
  end
  prefer_namesakes(out)
  composite.score(out)
  return out
end

return composite
