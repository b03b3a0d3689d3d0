--- scancache: what a scan of the data found is kept in the run store, until schema or data change.
---
--- That they did is told by PostgreSQL's own book-keeping: the files and sizes of all tables, and how many
--- rows were inserted, updated and deleted. It is behind by a second at most.

local json = require "nlsql.json"
local text = require "nlsql.text"

local scancache = {}

local STATE = [[
  SELECT current_database(), (SELECT oid FROM pg_database WHERE datname = current_database()),
         md5(coalesce(string_agg(concat_ws(' ', c.oid, pg_relation_filenode(c.oid), pg_relation_size(c.oid), s.n_tup_ins,
           s.n_tup_upd, s.n_tup_del), ',' ORDER BY c.oid), ''))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
   WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_']]

--- Bytes of a result above which it is not kept.
local MOST_BYTES = 8 << 20

--- What is computed here has another number where it comes to mean something else.
local VERSION = 1

--- What of the options tells one request from another: not which connection it takes.
local function plain(options)
  local out = {}
  for name, value in pairs(options or {}) do
    if name ~= "db" then out[name] = value end
  end
  return out
end

--- The text that a result is kept under; nil where the database does not tell.
local function fingerprint(self, schema, kind, asked)
  local state = self.db:query(STATE, nil, { statement_timeout = 10 })
  if not state or not state.rows[1] then return nil end
  local described = schema:render { format = "ddl" }
  local row = state.rows[1]
  return table.concat({ VERSION, kind, row[1], row[2], row[3], described and text.hex(text.key(described)) or "",
    assert(json.encode(asked)) }, "\n")
end

---@class nlsql.ScanCache  stands in for nlsql.stats
local ScanCache = {}
ScanCache.__index = ScanCache

--- `native` (nlsql.stats) with a memory: the run of the store that holds it.
---@param native table
---@param db nlsql.Db
---@param store nlsql.Store
---@return nlsql.ScanCache?
---@return string? message
---@return nlsql.Code? code
function scancache.open(native, db, store)
  local run, message, code = store:run { phase = "relations", version = "", fingerprint = "" }
  if not run then return nil, message --[[@as string]], code end
  local self = setmetatable({ native = native, db = db, run = run }, ScanCache)
  self.scan = function(schema, options) return self:kept("scan", schema, plain(options), options) end
  self.tuples = function(schema, list, options) return self:kept("tuples", schema, { list, plain(options) }, list, options) end
  return self
end

--- The kept result, or that of the native function, which is kept then.
---@param kind "scan"|"tuples"
---@param schema nlsql.Catalog
---@param asked table  what tells requests apart
---@param ... any      the native function's arguments behind the schema
---@return table?, string?, nlsql.Code?
function ScanCache:kept(kind, schema, asked, ...)
  local name = fingerprint(self, schema, kind, asked)
  local key = name and text.key(name)
  local known = key and self.run:recall(key, 1)
  local decoded = known and json.decode(known)
  if type(decoded) == "table" then
    decoded.recalled = true
    return decoded
  end
  local result, message, code = self.native[kind](schema, ...)
  if not result then return nil, message, code end
  local reply = key and json.encode(result)
  if reply and #reply <= MOST_BYTES then
    self.run:record {
      key = key, sample = 1, purpose = kind, model = "nlsql", request = name, reply = reply, outcome = "ok", tokens_in = -1,
      tokens_out = -1, tokens_cached = -1, cost = 0, reservation = 0, seconds = result.seconds or 0,
    }
  end
  return result
end

--- What was kept stays; the store may be closed after this.
function ScanCache:close() self.run:close() end

return scancache
