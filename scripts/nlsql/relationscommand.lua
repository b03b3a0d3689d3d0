--- relationscommand: `nlsql relations`: the relationships that the data supports, with their evidence.

local console = require "nlsql.console"
local discovered = require "nlsql.discovered"
local reader = require "nlsql.relationreader"
local relations = require "nlsql.relations"
local relationstext = require "nlsql.relationstext"
local session = require "nlsql.session"

local relationscommand = {}

--- The one way of printing that was asked for; nil where it was two.
local function format_of(flags)
  local format
  for _, name in ipairs { "json", "dot", "mermaid" } do
    if flags[name] then
      if format then return nil, ("--%s and --%s: expected one of them"):format(format, name) end
      format = name
    end
  end
  if format and flags.explain then return nil, ("--%s and --explain: expected one of them"):format(format) end
  return format or "lines"
end

--- Checks the flags before the database is opened: 2 and a sentence where they are no good.
---@param flags table
---@return string? why
function relationscommand.fault(flags)
  local _, why = format_of(flags)
  if why then return why end
  local least = flags.threshold
  if least and (least < 0 or least > 1) then return ("--threshold: expected a number from 0 to 1, found %s"):format(least) end
  if flags.column and not flags.explain then
    return ('"%s" is one argument too many for "relations" (two columns go with --explain)'):format(flags.column)
  end
  if flags.explain and not flags.column and not flags.explain:find("->", 1, true) then
    return "--explain: expected two columns, the one that refers and the one that it refers to: --explain a.x b.y"
  end
end

--- The pair that --explain names.
local function pair_of(schema, flags)
  local line = flags.column and ("%s -> %s"):format(flags.explain, flags.column) or flags.explain
  local claim = reader.line(line)
  if not claim then return nil, ("--explain: expected two columns such as a.x b.y, found %q"):format(line) end
  local relation, why = relations.find(schema, claim)
  if not relation then return nil, "--explain: " .. why end
  return relation
end

local function same(one, relation)
  return one.from.reference == relation.from and one.to.reference == relation.to
    and relations.text { from = relation.from, columns = one.from.columns, to = relation.to, referred = one.to.columns }
      == relations.text(relation)
end

local function same_child(one, relation)
  return one.from.reference == relation.from and table.concat(one.from.columns, "\0") == table.concat(relation.columns, "\0")
end

--- Candidates of the same child that are named beside the one that is explained.
local OTHERS = 3

local function explain(found, relation, threshold)
  local one, others = nil, {}
  for _, candidate in ipairs(found.relations) do
    if not one and same(candidate, relation) then
      one = candidate
    elseif same_child(candidate, relation) and #others < OTHERS and candidate.score >= 0.005 then
      others[#others + 1] = candidate
    end
  end
  if one then return relationstext.explain(one, others, threshold) end
  local out = { ("%s: %s"):format(relations.text(relation), found.refusal(relation)) }
  for _, other in ipairs(others) do
    out[#out + 1] = ("%s might refer to %s: score %.2f"):format(relationstext.side(other.from), relationstext.side(other.to),
      other.score)
  end
  return table.concat(out, "\n") .. "\n"
end

local function report(found, flags)
  local n, undeclared = #found.relations, 0
  for _, one in ipairs(found.relations) do
    if not one.declared then undeclared = undeclared + 1 end
  end
  local read = found.recalled and "nothing changed since the last scan (--fresh reads all again)"
    or ("%d rows read in %.1f s"):format(found.rows or 0, found.seconds or 0)
  console.info(("%d relations, %d of them undeclared; %s"):format(n, undeclared, read))
  for _, one in ipairs(found.skipped) do
    console.warn(("left out: %s%s: %s"):format(one.table, one.column and "." .. one.column or "", one.reason))
  end
  if n == 0 and not flags.all then console.info("--all shows what is below the threshold too") end
end

--- Finds and prints; returns an exit code.
---@param flags table
---@param source { schema: nlsql.Catalog, db: nlsql.Db, stats: table? }
---@param store nlsql.Store?  keeps the scan for the next time
---@return integer
function relationscommand.run(flags, source, store)
  local relation
  if flags.explain then
    local why
    relation, why = pair_of(source.schema, flags)
    if not relation then
      console.error(why)
      return 2
    end
  end
  local found, message, code = discovered.find(source, { all = flags.all or relation ~= nil, views = flags.views,
    threshold = flags.threshold, pair = relation }, store)
  if not found then
    console.error(message)
    return session.EXIT[code] or code == "nomem" and session.EXIT.script or session.EXIT.db
  end
  if relation then
    console.out(explain(found, relation, found.threshold))
    return 0
  end
  console.out(relationstext[format_of(flags)](found))
  report(found, flags)
  return 0
end

return relationscommand
