--- anon: values of the database as others may see them.
---
--- Whatever leaves for a prompt or a dataset goes through here. A value that is somebody's has a stand-in: the
--- same value always the same one within a run, two values never one, so that joins still join. Which columns
--- hold what is decided in nlsql.anon.policy, what stand-ins look like in nlsql.anon.shapes. Both depend on the
--- database, the configuration and the run's secret alone, never on what was seen before: only where two stand-ins
--- meet (see shapes) does the later one give way.

local documents = require "nlsql.anon.documents"
local classes = require "nlsql.anon.classes"
local expressions = require "nlsql.anon.expressions"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local keyed = require "nlsql.keyed"
local policy = require "nlsql.anon.policy"
local protect = require "nlsql.protect"
local shapes = require "nlsql.anon.shapes"

local anon = {}

---@class nlsql.Anon
---@field protected nlsql.ProtectedSet  real values that have a stand-in
---@field policy nlsql.AnonPolicy
---@field settings table
---@field schema nlsql.Catalog
---@field key nlsql.Keyed
---@field known table<string, table<string, string>>  stand-ins by class and value
---@field n_known integer
---@field behind table<string, string>   values by stand-in
---@field folded table<string, string|false>  values by stand-in in small letters; false: there are several
---@field values table<string, string>    classes of all values that have a stand-in
---@field busy table<string, number>     tables that are being looked at, and since when
---@field kept table<string, boolean>
---@field clashes integer                stand-ins that gave way
---@field preread boolean?               what is private was read beforehand (nlsql.anon.preread)
local Anon = {}
Anon.__index = Anon

--- Do these settings let values out as they are? The demo's are made up.
---@param settings table
---@return boolean
function anon.raw(settings)
  return settings.demo == true or settings.anonymise == "off" or settings.anonymise == false
end

--- `secret`: of the run, 32 bytes; nil: one of its own, where nothing is kept.
---@param settings table
---@param schema nlsql.Catalog
---@param secret string?
---@param db nlsql.Db
---@return nlsql.Anon
function anon.open(settings, schema, secret, db)
  return setmetatable({
    settings = settings, schema = schema, policy = policy.open(settings, schema, db),
    key = assert(keyed.open(secret or assert(keyed.secret()))),
    protected = protect.set(), known = {}, n_known = 0,
    behind = {}, folded = {}, values = {}, busy = {}, kept = {}, clashes = 0,
  }, Anon)
end

--- Do values go out as they are?
---@return boolean
function Anon:raw() return anon.raw(self.settings) end

--- --- one value -------------------------------------------------------------------------------------

--- Stand-ins that are tried before a value counts as one that cannot have any.
local TRIES = 20

--- Finds the stand-in of a value that has none yet.
local function claim(self, class, value)
  local protected = classes.PROTECTED[class]
  for try = 0, TRIES do
    local other = shapes.of(self.key, class, value, try)
    if not protected or other == value and not value:find("[%w\x80-\xff]") then return other end
    local owner = self.behind[other]
    if owner == value then return other end
    if other ~= value and owner == nil and not self.values[other] then
      local folded = other:lower()
      self.behind[other], self.values[value] = value, self.values[value] or class
      self.folded[folded] = (self.folded[folded] == nil or self.folded[folded] == value) and value or false
      self.protected:add(value)
      return other
    end
    self.clashes = self.clashes + 1
  end
  error("no stand-in could be found for a value") -- 21 in a row taken
end

--- Stand-ins that are remembered at most, so as not to be made again.
local MOST_KNOWN = 100000

--- The stand-in of a text of this class.
local function stand_in(self, class, value)
  local known = self.known[class]
  if not known or self.n_known >= MOST_KNOWN then
    if self.n_known >= MOST_KNOWN then self.known, self.n_known = {}, 0 end -- they come out the same again
    known = {}
    self.known[class] = known
  end
  local other = known[value]
  if not other then
    other = claim(self, class, value)
    known[value], self.n_known = other, self.n_known + 1
  end
  return other
end

--- A value of few: wherever it stands, it is no secret.
local function show(self, value)
  if not self.kept[value] then
    self.kept[value] = true
    self.protected:exempt(value)
  end
  return value
end

--- The value as a decision wants it told; `name` is the column's.
local function told(self, decision, name, value)
  if value == json.null or value == nil then return value end
  local class, shape = decision.class, decision.shape
  if class == "keep" then return decision.code and show(self, value) or value end
  if shape == "number" then return stand_in(self, "number", value) end
  if shape == "array" then
    return documents.array(value, function(one) return stand_in(self, class, one) end) or stand_in(self, "withheld", value)
  elseif shape == "document" or class == "document" then
    return documents.json(value, name, function(of, one) return stand_in(self, of, one) end)
      or stand_in(self, "withheld", value)
  end
  return stand_in(self, class, value)
end

--- --- columns ---------------------------------------------------------------------------------------

--- Seconds that one job waits for another that looks at the same table.
local PATIENCE = 10

--- The decisions for a table's columns; jobs that want the same at once look once.
local function decisions(self, ref)
  local busy = self.busy
  while not self.policy.decided[ref] and busy[ref] and jobs.now() - busy[ref] < PATIENCE do jobs.sleep(0.005) end
  if self.policy.decided[ref] then return self.policy.decided[ref] end
  busy[ref] = jobs.now()
  local found = self.policy:table(ref)
  busy[ref] = nil
  return found
end

local UNKNOWN = { class = "text", why = "nothing is known of it" }

--- The class of a column and why. Waits when its table is first asked about.
---@param ref string
---@param column string
---@return nlsql.AnonDecision
function Anon:decision(ref, column) return decisions(self, ref)[column] or UNKNOWN end

--- What stands for a value of a column: itself, where that may be seen. Waits when the table is first asked about.
---@param ref string
---@param column string
---@param value any  text as PostgreSQL writes it, or json.null
---@return any
function Anon:value(ref, column, value)
  if self:raw() then return value end
  return told(self, self:decision(ref, column), column, value)
end

--- Protects a value of a column before anything shows it. Its stand-in is made when it is first wanted, since that
--- takes many times as long; of a value within a document or a list it is made now. Waits like `value`.
---@param ref string
---@param column string
---@param value any  text as PostgreSQL writes it, or json.null
function Anon:protect(ref, column, value)
  if self:raw() or value == json.null then return end
  local decision = self:decision(ref, column)
  if decision.shape or not classes.PROTECTED[decision.class] then
    told(self, decision, column, value)
  elseif not self.values[value] and value:find("[%w\x80-\xff]") then
    self.values[value] = decision.class
    self.protected:add(value)
  end
end

--- The value behind a stand-in in words; nil where it is none. Dates and numbers tell nothing: each is another's
--- stand-in too.
---@param text string
---@return string?
function Anon:real(text) return self.behind[text] end

--- The value behind a stand-in whose letter case was changed; nil where there is none, or more than one.
---@param text string
---@return string?
function Anon:real_folded(text) return self.folded[text:lower()] or nil end

--- The class of a value that has a stand-in.
---@param value string
---@return string?
function Anon:class_of(value) return self.values[value] end

--- --- results ---------------------------------------------------------------------------------------

--- Tables by their OID, columns by their number; and all labels of enums.
local function by_oid(self)
  if not self.tables then
    self.tables, self.labels = {}, {}
    for _, ref in ipairs(self.schema:names()) do
      local t, columns = self.schema:table(ref), {}
      for _, column in ipairs(t.columns) do
        columns[column.number] = column.name
        for _, label in ipairs(column.labels or {}) do self.labels[label] = true end
      end
      self.tables[t.oid] = { ref = ref, columns = columns }
    end
  end
  return self.tables
end

---@class nlsql.AnonOrigin
---@field table string
---@field column string

--- Where a column of a result comes from; nil: from an expression, or from what the schema does not hold.
---@param result { origins: nlsql.OriginOrNone[]? }
---@param c integer
---@return nlsql.AnonOrigin?
function Anon:origin(result, c)
  local origin = result.origins and result.origins[c]
  if not origin then return nil end
  local t = by_oid(self)[origin.oid]
  local column = t and t.columns[origin.number]
  return column and { table = t.ref, column = column } or nil
end

--- How the columns of a result are told.
local function columns_of(self, result)
  by_oid(self)
  local columns = {}
  for c, name in ipairs(result.columns) do
    local origin = self:origin(result, c)
    local decision = origin and self:decision(origin.table, origin.column)
      or expressions.decide(result, c, self.labels, self.policy.config)
    columns[c] = { name = origin and origin.column or name, decision = decision, is_expression = origin == nil }
  end
  return columns
end

--- The result with stand-ins in its rows: the same one where values go out as they are. What a query says itself
--- (CASE … THEN 'high') is no secret where an expression gives it.
---@generic T : { columns: string[], types: integer[], rows: any[][], origins: nlsql.OriginOrNone[]? }
---@param result T
---@param literals string[]?  the constants of the query, as it was written
---@return T
function Anon:rows(result, literals)
  if self:raw() then return result end
  local own = {}
  for _, literal in ipairs(literals or {}) do own[literal] = true end
  local columns = columns_of(self, result)
  local out, list = {}, json.array {}
  for name, value in pairs(result) do out[name] = value end
  for r, row in ipairs(result.rows) do
    local shown = json.array {}
    for c, column in ipairs(columns) do
      shown[c] = column.is_expression and own[row[c]] and row[c] or told(self, column.decision, column.name, row[c])
    end
    list[r] = shown
  end
  out.rows = list
  return out
end

return anon
