--- discovery: the relations that the data supports, each with a score and its reasons.
---
--- 1. Every column is scanned once (nlsql.stats): which values are found among which others' values.
--- 2. Pairs whose parent is unique are weighed (discovery.weigh): containment, chance, range, keys, types, names.
--- 3. The parents of one column compete (discovery.choose).
--- 4. Composite keys, columns whose parent depends on another column, and link tables are read off.

local choose = require "nlsql.discovery.choose"
local columns = require "nlsql.discovery.columns"
local composite = require "nlsql.discovery.composite"
local findings = require "nlsql.discovery.findings"
local naming = require "nlsql.discovery.naming"
local overlaps = require "nlsql.discovery.overlaps"
local polymorphic = require "nlsql.discovery.polymorphic"
local shortlist = require "nlsql.discovery.shortlist"
local weigh = require "nlsql.discovery.weigh"

local discovery = {}

--- Score from which on a relation is believed.
discovery.THRESHOLD = findings.THRESHOLD

--- Least share of a column's values that a parent must have to be looked at.
discovery.MIN_CONTAINMENT = 0.8

local function is_candidate(child, parent, common)
  return parent and parent.unique and parent.family ~= "boolean" and not parent.view and child.distinct > 0
    and common / child.distinct >= discovery.MIN_CONTAINMENT
end

--- Columns that lead an index of their own, by table and name: those are looked up by.
local function indexed_columns(db)
  local out = {}
  local got = db and db:query([[
    SELECT DISTINCT n.nspname, c.relname, a.attname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE NOT i.indisunique]], nil, { max_rows = 100000 })
  for _, row in ipairs(got and got.rows or {}) do
    out[("%s\0%s\0%s"):format(row[1], row[2], row[3])] = true
  end
  return out
end

local function mark_indexed(world)
  local indexes = indexed_columns(world.db)
  for _, column in pairs(next(indexes) and world.columns or {}) do
    column.indexed = indexes[("%s\0%s\0%s"):format(column.table.schema, column.table.name, column.name)] or false
  end
end

--- Calls `take` with the pairs of single columns that are worth weighing: see shortlist.each. Columns that a declared
--- key takes are left out unless all is asked for.
local function each_pair(world, options, taken, take)
  local pair = options.pair
  local function wanted(child, parent, common)
    return (options.all or not taken[child.at]) and is_candidate(child, parent, common)
  end
  shortlist.each(world, wanted, function(child, parent)
    return pair ~= nil and child.ref == pair.from and parent.ref == pair.to and child.name == pair.columns[1]
      and parent.name == pair.referred[1]
  end, take)
end

--- Steps of shortlist.breathe that weighing a pair takes.
local WEIGHING = 50

--- All of them, weighed as they come; or the first ones: `most`, and the rest of the last one's child.
local function weigh_pairs(world, options, taken, names, most)
  local out = {}
  each_pair(world, options, taken, function(one)
    out[#out + 1] = weigh.pair(one, names)
    shortlist.breathe(WEIGHING)
    return most and #out >= most
  end)
  return out
end

--- Relations that the data alone must show before names are put to the test, and the score that it must
--- give them; the share of them whose names must agree.
local SURE_ONES, SURE, AGREEING = 4, 0.75, 0.35

--- Pairs that are looked at for that; they are in groups by their child.
local ENOUGH = 3000

--- Do the names of this database contradict its data? Where few of the relations are called so that need no
--- names to be seen, names were made up, and what they say of the others is worth nothing.
local function contradicted(world, options, taken)
  local sure, agree = 0, 0
  local singles = weigh_pairs(world, options, taken, naming.silence(), ENOUGH)
  choose.score(singles, {}, {})
  for _, c in ipairs(singles) do
    if c.score >= SURE and (c.parent.key ~= "data" or not c.parent.table.primary) then
      sure = sure + 1
      if world.naming:score(c.child, c.parent) > 0 then agree = agree + 1 end
    end
  end
  return sure >= SURE_ONES and agree < AGREEING * sure
end

--- --- the world -------------------------------------------------------------------------------------

--- The tables that are scanned: views are what they select from, seen again.
local function scanned(schema, options)
  local out = {}
  for _, ref in ipairs(options.tables or schema:names()) do
    local kind = schema:table(ref).kind
    if options.views or kind ~= "view" and kind ~= "materialised view" then out[#out + 1] = ref end
  end
  return out
end

--- Columns beyond which pairs that share less are not asked for: there would be too many.
local MANY_COLUMNS = 1000

local function scan_options(source, tables, options)
  local schema, n = source.schema, 0
  for _, ref in ipairs(tables) do n = n + #schema:table(ref).columns end
  local out = { tables = tables, db = source.db, min_containment = n <= MANY_COLUMNS and 0.05 or 0.5, fair = true,
    flat = true }
  for name, value in pairs(options.scan or {}) do out[name] = value end
  return out
end

local function open(source, options)
  local schema = source.schema
  local world = { schema = schema, db = source.db, stats = source.stats or require "nlsql.stats",
    min_containment = discovery.MIN_CONTAINMENT, naming = naming.of(schema), declared = schema:edges(),
    tables = findings.tables(schema),
    limits = { statement_timeout = 60 } }
  local tables = scanned(schema, options)
  world.scan_options = scan_options(source, tables, options)
  world.tuple_options = { db = source.db }
  local scan, message, code = world.stats.scan(schema, world.scan_options)
  if not scan then return nil, message, code end
  world.scan, world.overlaps = scan, overlaps.of(scan)
  world.columns, world.n_columns = columns.of(world.tables, scan), #scan.columns
  world.column_at = {}
  for _, column in pairs(world.columns) do world.column_at[column.ref .. "\0" .. column.name] = column end
  mark_indexed(world)
  return world
end

--- The columns that a declared key takes, each with what it refers to, in words.
local function taken_columns(world)
  local out = {}
  for _, edge in ipairs(world.declared) do
    for i, name in ipairs(edge.columns) do
      local column = world.column_at[edge.from .. "\0" .. name]
      if column and (#edge.columns == 1 or not out[column.at]) then
        out[column.at] = edge.to .. "." .. edge.referred_columns[i]
      end
    end
  end
  return out
end

--- --- what several columns show ---------------------------------------------------------------------

--- What each column refers to by itself, by index: a declared key's, else the best that is believed.
local function leads_of(world, singles)
  local out = {}
  for _, c in ipairs(singles) do
    if c.score >= discovery.THRESHOLD then out[c.child.at] = c.parent.at end
  end
  for _, edge in ipairs(world.declared) do
    if #edge.columns == 1 then
      local child = world.column_at[edge.from .. "\0" .. edge.columns[1]]
      local parent = world.column_at[edge.to .. "\0" .. edge.referred_columns[1]]
      if child and parent then out[child.at] = parent.at end
    end
  end
  return out
end

--- Where each of some columns refers by itself to what the other side's columns refer to, the other side is
--- a table that links those: that the pair is there too is a rule of the data and no reference to a row.
local function explain_wholes(leads, wholes)
  for _, one in ipairs(wholes) do
    local all = true
    for i, at in ipairs(one.ats) do all = all and leads[at] ~= nil and leads[at] == leads[one.parent_ats[i]] end
    if all then
      composite.more(wholes, one, -14, ("each of them refers by itself to what those of %s refer to"):format(one.to))
    end
  end
end

--- Where (x, y) refer to a table whose x refers to a third one, x alone does not refer there as well.
local function explain_parts(leads, singles, wholes)
  local changed, of_child = false, #wholes > 0 and choose.groups(singles) or {}
  for _, one in ipairs(wholes) do
    for i, at in ipairs(one.ats) do
      local via = leads[one.parent_ats[i]]
      for _, c in ipairs(via and of_child[at] or {}) do
        if c.parent.at == via and at ~= one.parent_ats[i] then
          weigh.more(c, "transitivity", -14, "with others it refers to %s, whose %s refers to that in turn", one.to,
            one.referred[i])
          changed = true
        end
      end
    end
  end
  if changed then choose.again(singles) end
end

--- Two tables that a composite key links already need no other.
local function undeclared(world, list)
  local out = {}
  for _, one in ipairs(list) do
    local known = false
    for _, edge in ipairs(world.declared) do
      known = known or edge.from == one.from and edge.to == one.to and #edge.columns > 1
    end
    if not known then out[#out + 1] = one end
  end
  return out
end

local function declared_wholes(world)
  local out = {}
  for _, edge in ipairs(world.declared) do
    if #edge.columns > 1 then
      local one = { from = edge.from, to = edge.to, referred = edge.referred_columns, ats = {}, parent_ats = {} }
      for i, name in ipairs(edge.columns) do
        local child = world.column_at[edge.from .. "\0" .. name]
        local parent = world.column_at[edge.to .. "\0" .. edge.referred_columns[i]]
        one.ats[i], one.parent_ats[i] = child and child.at or 0, parent and parent.at or 0
      end
      out[#out + 1] = one
    end
  end
  return out
end

--- The composite references that hold: the declared ones, and those that are believed.
local function believed_of(world, wholes)
  local out = declared_wholes(world)
  for _, one in ipairs(wholes) do
    if one.score >= discovery.THRESHOLD then out[#out + 1] = one end
  end
  return out
end

--- Is `far` what `near` and then `on` lead to: (a, b, c) to a line, whose (a, b) refer to an order?
local function leads_through(near, on, far)
  if near.to ~= on.from or on.to ~= far.to or #near.ats <= #far.ats then return false end
  local via = {}
  for i, at in ipairs(near.ats) do via[at] = near.parent_ats[i] end
  local onward = {}
  for i, at in ipairs(on.ats) do onward[at] = on.parent_ats[i] end
  for i, at in ipairs(far.ats) do
    if not via[at] or onward[via[at]] ~= far.parent_ats[i] then return false end
  end
  return true
end

--- Where (x, y, z) refer to a table whose own (x, y) refer to a third one, (x, y) do not refer there as well.
local function explain_by_wholes(wholes, believed)
  for _, far in ipairs(wholes) do
    local explained
    for _, near in ipairs(believed) do
      for _, on in ipairs(near.from == far.from and near ~= far and believed or {}) do
        explained = explained or leads_through(near, on, far) and near or nil
      end
    end
    if explained then
      composite.more(wholes, far, -14,
        ("with others they refer to %s, which refers there in turn"):format(explained.to))
    end
  end
end

--- A column that leads here or there, as another says, does not lead to one of them alone.
local function explain_kinds(singles, kinds)
  local by_at = {}
  for _, one in ipairs(kinds) do
    if one.score >= discovery.THRESHOLD then by_at[one.at] = one end
  end
  for _, c in ipairs(singles) do
    local one = by_at[c.child.at]
    if one then weigh.more(c, "polymorphic", -9, "which table it refers to depends on %s", one.kind) end
  end
  if next(by_at) then choose.again(singles) end
end

--- --- all together ----------------------------------------------------------------------------------

--- Finds the relations of a database.
---
--- `source`: { schema, db, stats = a stand-in for nlsql.stats? }; a context serves. `options`: tables (which;
--- nil: all), views (true: too), threshold, all (true: those below it too), pair (a relation that
--- is weighed whatever speaks against it), scan (further options of stats.scan).
---@param source { schema: nlsql.Catalog, db: nlsql.Db, stats: table? }
---@param options { tables: string[]?, views: boolean?, threshold: number?, all: boolean?, scan: table? }?
---@return nlsql.Discovered? found
---@return string? message
---@return nlsql.Code? code
function discovery.find(source, options)
  options = options or {}
  local world, message, code = open(source, options)
  if not world then return nil, message, code end
  local taken = taken_columns(world)
  if contradicted(world, options, taken) then world.naming = naming.silence() end
  local singles = weigh_pairs(world, options, taken, world.naming)
  choose.score(singles, taken, world.declared)
  world.leads = leads_of(world, singles)
  local wholes
  wholes, message, code = composite.find(world)
  if not wholes then return nil, message, code end
  wholes = undeclared(world, wholes)
  explain_wholes(world.leads, wholes)
  explain_by_wholes(wholes, believed_of(world, wholes))
  explain_parts(world.leads, singles, believed_of(world, wholes))
  local best = {}
  for _, c in ipairs(singles) do best[c.child.at] = math.max(best[c.child.at] or 0, c.score) end
  local kinds = polymorphic.find(world, best)
  explain_kinds(singles, kinds)
  local found = findings.of(world, singles, wholes, kinds, options)
  found.refusal = function(relation) return require("nlsql.discovery.refusal").of(world, relation) end
  return found
end

return discovery
