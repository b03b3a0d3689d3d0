--- written: who wrote the queries of a file: the runs of a store whose stand-ins they hold.
---
--- A dataset of private data has stand-ins where the database has values, and what is behind them can be told by the
--- secret of the run that wrote them alone, which its store keeps. So a query is looked for among those that the
--- runs of the store accepted; one that is not there belongs to the run whose dataset the file is, if it is one.

local anon = require "nlsql.anon"
local changes = require "nlsql.changes"
local console = require "nlsql.console"
local context = require "nlsql.context"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local preread = require "nlsql.anon.preread"
local proc = require "nlsql.proc"
local store = require "nlsql.store"
local text = require "nlsql.text"

local written = {}

--- A mark behind everything, for events that are not wanted.
local ALL = math.maxinteger

--- Runs that have the same stand-ins.
---@class nlsql.World
---@field secret string
---@field anonymise any            what their configuration said of private values
---@field queries nlsql.KeySet     that they accepted
---@field newest integer           the number of the last of them

---@class nlsql.Written
---@field source { schema: nlsql.Catalog, settings: table, db: nlsql.Db }
---@field worlds nlsql.World[]     the newest first
---@field own nlsql.World?         whose dataset the file is
---@field opened table             contexts by world
---@field unknown string           why a query's stand-ins, if it has any, cannot be told
local Written = {}
Written.__index = Written

--- What the run's configuration said of private values: `now` where that was too long to be kept, or nothing was.
local function anonymise_of(row, now)
  local made_with = changes.read(row.config or "")
  local kept = made_with and made_with.settings.anonymise
  if not kept then return now end
  if kept:sub(1, 1) ~= "#" then return json.decode(kept) end
  if kept ~= changes.kept(now) then
    console.warn(("anonymise: is not what it was for run %d: its stand-ins may not be found"):format(row.id))
  end
  return now
end

--- Are the rows of this run's datasets as they are in the database?
local function is_raw(row, anonymise)
  return row.source and row.source:find("^the demo database") ~= nil or anon.raw { anonymise = anonymise }
end

--- Adds a run's queries to the world that its secret makes; nil where it has no stand-ins.
local function add_run(worlds, view, row, now)
  local anonymise, secret = anonymise_of(row, now), view:secret(row.id)
  if not secret or is_raw(row, anonymise) then return nil end
  local key = secret .. assert(json.encode(anonymise))
  local world = worlds[key]
  if not world then
    world = { secret = secret, anonymise = anonymise, queries = text.set() }
    worlds[key] = world
  end
  world.newest = row.id
  for event in view:events(row.id, { opening = ALL, call = ALL, rejection = ALL }) do
    if event.sql and event.sql ~= "" then world.queries:add(text.key(event.sql)) end
  end
  return world
end

--- Paths as the system knows them, in the same order; of what is not there as they are.
local function real_paths(paths)
  local status, out = proc.run { argv = { "readlink", "-m", "--", table.unpack(paths) }, stderr = "null" }
  local list = {}
  for line in (status == 0 and out or ""):gmatch("[^\n]+") do list[#list + 1] = line end
  return #list == #paths and list or paths
end

--- The rows of a store's runs, each with `path`, where its dataset is: a store knows it from the folder that the
--- program was started in, which is this one, or the one above the store's.
local function runs_of(view, path)
  local rows, paths, above = {}, {}, path:match("^(.*)/[^/]+/[^/]+$")
  for row in view:runs(true) do
    rows[#rows + 1] = row
    paths[#paths + 1] = row.dataset
    paths[#paths + 1] = (above and row.dataset:sub(1, 1) ~= "/" and above .. "/" or "") .. row.dataset
  end
  local real = #paths > 0 and real_paths(paths) or {}
  for i, row in ipairs(rows) do row.paths = { [real[2 * i - 1]] = true, [real[2 * i]] = true } end
  return rows
end

--- Where the store of a file may be: as configured; beside the folder of the dataset; beside the file.
local function places(file, configured)
  local list, folder = { configured }, file ~= "-" and (real_paths { file }[1]):match("^(.*)/[^/]*$")
  local name = configured:match("[^/]+$")
  if folder and name then
    list[2] = (folder:match("^(.*)/[^/]*$") or "") .. "/" .. name
    list[3] = folder .. "/" .. name
  end
  return list
end

--- Reads a store: its worlds, and the one whose dataset `file` is. nil and a sentence where it cannot be read.
local function read(path, file, now)
  local view <close>, why, code = store.view(path)
  if not view then return nil, why, code end
  local worlds, list, own, wanted = {}, {}, nil, real_paths { file }[1]
  for _, row in ipairs(runs_of(view, path)) do
    local world = row.dataset ~= "" and add_run(worlds, view, row, now)
    if world and row.paths[wanted] then own = world end
  end
  for _, world in pairs(worlds) do list[#list + 1] = world end
  table.sort(list, function(a, b) return a.newest > b.newest end)
  return list, own
end

local NO_STORE = "%s: without the store of the run that wrote it nobody can tell"
local NO_RUN = "no run of %s that has stand-ins wrote it"

--- What the stores at hand know of a file's queries. Waits.
---@param source { schema: nlsql.Catalog, settings: table, db: nlsql.Db }
---@param file string  "-": standard input
---@return nlsql.Written
function written.open(source, file)
  local settings, seen = source.settings, {}
  local self = setmetatable({ source = source, worlds = {}, opened = {} }, Written)
  if settings.demo then return self end
  for _, path in ipairs(places(file, settings.store)) do
    local real = real_paths({ path })[1]
    local list, own = nil, nil
    if not seen[real] then list, own = read(path, file, settings.anonymise) end
    seen[real] = true
    if list then
      self.unknown = self.unknown and not self.unknown:find("^there is no") and self.unknown or NO_RUN:format(path)
      table.move(list, 1, #list, #self.worlds + 1, self.worlds)
      self.own = self.own or own
    elseif own then
      self.unknown = self.unknown or NO_STORE:format(own)
    end
  end
  return self
end

--- The world of a query; nil: it is nobody's, and its values are taken for what they are.
local function world_of(self, query)
  local key = text.key((query:gsub("[%s;]+$", "")))
  if self.own and self.own.queries:has(key) then return self.own end
  for _, world in ipairs(self.worlds) do
    if world.queries:has(key) then return world end
  end
  return self.own
end

--- What the gates are given for queries of a world: values behind their stand-ins, and what must not be told.
local function context_of(self, world)
  local source, settings = self.source, {}
  for name, value in pairs(source.settings) do settings[name] = value end
  settings.anonymise = world.anonymise
  local disguise = anon.open(settings, source.schema, world.secret, source.db)
  local ctx = context.without_model { schema = source.schema, settings = settings, db = source.db, anon = disguise }
  ctx:exempt_all()
  preread.all(disguise, source.db, source.schema)
  return ctx
end

--- What the gates are to be given for a query; nil where no run is known that wrote it. Waits at the first time.
---@param query string
---@return nlsql.Context?
function Written:context(query)
  local world = world_of(self, query)
  return world and jobs.once(self.opened, world.secret .. tostring(world.newest), function()
    return context_of(self, world)
  end)
end

--- Learns which values the stand-ins of a query's tables stand for, beyond those of the columns beside its constants.
--- Waits. False where there are none.
---@param ctx nlsql.Context  of Written:context
---@param refs string[]
---@return boolean
function Written.learn(_, ctx, refs)
  local any = false
  ctx.learnt = ctx.learnt or {}
  for _, ref in ipairs(refs) do
    any = jobs.once(ctx.learnt, ref, function()
      return preread.stand_ins(ctx.anon, ctx.db, ctx.schema, ref)
    end) or any
  end
  return any
end

--- Why the values behind the stand-ins of a query of nobody's cannot be told; nil where it can have none.
---@return string?
function Written:doubt()
  if not self.unknown or anon.raw(self.source.settings) then return nil end
  return self.unknown
end

return written
