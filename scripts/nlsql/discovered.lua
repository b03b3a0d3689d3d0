--- discovered: relations that no key declares, found for a run in the data and added to its schema.
---
--- Only where they are needed: a phase works along relations, and there are tables that no key links. What is
--- found goes into the catalog as relations by hand do, so that whatever goes along keys goes along them.

local console = require "nlsql.console"
local relations = require "nlsql.relations"

local discovered = {}

--- Found relations of each schema, by their text.
local by_schema = setmetatable({}, { __mode = "k" })

--- The tables that no relation links to another.
local function unlinked(schema)
  local linked, out = {}, {}
  for _, edge in ipairs(schema:edges()) do
    if edge.from ~= edge.to then linked[edge.from], linked[edge.to] = true, true end
  end
  for _, ref in ipairs(schema:names()) do
    local t = schema:table(ref)
    local holds_rows = t.kind == "table" or t.kind == "partitioned" or t.kind == "foreign"
    if not linked[ref] and holds_rows and #t.columns > 0 then
      out[#out + 1] = ref
      out[ref] = true
    end
  end
  return out
end

--- Adds what links a table of `open` (nil: any).
local function add(schema, found, open)
  local kept, n = {}, 0
  for _, one in ipairs(found.relations) do
    local wanted = not open or open[one.from.reference] or open[one.to.reference]
    if wanted and not one.declared and not one.by_hand and not one.when then
      local fresh = schema:relate(one.from.reference, one.from.columns, one.to.reference, one.to.columns)
      if fresh then
        n = n + 1
        kept[relations.text { from = one.from.reference, columns = one.from.columns, to = one.to.reference,
          referred = one.to.columns }] = one
      end
    end
  end
  by_schema[schema] = kept
  return n
end

--- Looks for relations where `settings.discover` and the schema call for it, and says so.
---@param source { schema: nlsql.Catalog, db: nlsql.Db, stats: table? }
---@param settings table
---@return integer added  0 too where nothing was looked for
function discovered.add(source, settings)
  local mode, schema = settings.discover, source.schema
  if mode == nil then mode = "auto" end
  if mode == false or #schema:names() < 2 then return 0 end
  local open
  if mode == "auto" then
    open = unlinked(schema)
    if #open == 0 then return 0 end
    console.info(("no key links %d of %d tables: looking in the data for what belongs together (discover: off in config.yaml "
      .. "leaves that out)"):format(#open, #schema:names()))
  end
  local found, message = relations.discover(source)
  if not found then
    console.warn("relations that no key declares were not looked for: " .. message)
    return 0
  end
  local n = add(schema, found, open)
  console.info(("%d undeclared relations found in %.1f s (nlsql relations tells them and why)"):format(n, found.seconds or 0))
  return n
end

--- What was found of a relation of this schema; nil where it was not found so.
---@param schema nlsql.Catalog
---@param relation nlsql.Relation
---@return nlsql.FoundRelation?
function discovered.of(schema, relation)
  local kept = by_schema[schema]
  return kept and kept[relations.text(relation)]
end

return discovered
