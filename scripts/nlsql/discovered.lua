--- discovered: relations that no key declares, found for a run in the data and added to its schema.
---
--- Only where they are needed: a phase works along relations, and there are tables that no key links. What is
--- found goes into the catalog as relations by hand do, so that whatever goes along keys goes along them.

local console = require "nlsql.console"
local relations = require "nlsql.relations"
local scancache = require "nlsql.scancache"

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

--- relations.discover, over a scan that the store keeps until schema or data change.
---@param source { schema: nlsql.Catalog, db: nlsql.Db, stats: table? }
---@param options table?
---@param store nlsql.Store?  nil: nothing is kept
---@return nlsql.Discovered?, string?, nlsql.Code?
function discovered.find(source, options, store)
  local cache, why
  if store and not source.stats then
    cache, why = scancache.open(require "nlsql.stats", source.db, store)
    if not cache then console.debug("the scan is not kept: " .. why) end -- another run is at it, most likely
  end
  local stats = cache or source.stats
  local found, message, code = relations.discover({ schema = source.schema, db = source.db, stats = stats }, options)
  if cache then cache:close() end
  return found, message, code
end

--- Looks for relations where `settings.discover` and the schema call for it, and says so.
---@param source { schema: nlsql.Catalog, db: nlsql.Db, stats: table? }
---@param settings table
---@param store nlsql.Store?  keeps the scan for the next run
---@return integer added  0 too where nothing was looked for
function discovered.add(source, settings, store)
  local mode, schema = settings.discover, source.schema
  if mode == nil then mode = "auto" end
  if mode == "off" or #schema:names() < 2 then return 0 end
  local open
  if mode == "auto" then
    open = unlinked(schema)
    if #open == 0 then return 0 end
    console.info(("no key links %d of %d tables: looking in the data for what belongs together (discover: off in config.yaml "
      .. "leaves that out)"):format(#open, #schema:names()))
  end
  local found, message = discovered.find(source, nil, store)
  if not found then
    console.warn("relations that no key declares were not looked for: " .. message)
    return 0
  end
  local n = add(schema, found, open)
  console.info(("%d undeclared relations found%s (nlsql relations tells them and why)"):format(n, discovered.how(found)))
  return n
end

--- How it was found, for a message: ", in 0.4 s", or that nothing had to be read.
---@param found nlsql.Discovered
---@return string
function discovered.how(found)
  if found.recalled then return ": nothing changed since the last scan" end
  return (" in %.1f s"):format(found.seconds or 0)
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
