--- introspect: the schema as the configuration wants it seen: which schemas, which tables, and
--- relations that somebody wrote by hand. One way for every command, so that all see the same.

local anonymising = require "nlsql.anon.config"
local briefing = require "nlsql.briefing"
local catalog = require "nlsql.catalog"
local console = require "nlsql.console"
local handwritten = require "nlsql.handwritten"

local introspect = {}

--- "config.yaml:4:7: tables.include[2]: …": C counts the patterns, the configuration knows where each
--- stands.
local function with_place(message, settings)
  local list, n, rest = message:match("^(%l+)%[(%d+)%]: (.*)$")
  if not list then return message end
  local places = settings.places or {}
  local path = ("tables.%s[%s]"):format(list, n)
  local at = places[path]
  if not at and list == "include" then
    path = ("tables[%s]"):format(n) -- written as a bare list
    at = places[path]
  end
  at = at or places.tables
  return ("%s%s: %s"):format(at and at .. ": " or "", path, rest)
end

local function relate(schema, settings, out)
  local places = settings.places or {}
  for i, value in ipairs(settings.relations or {}) do
    local path = ("relations[%d]"):format(i)
    local place = places[path] and ("%s: %s"):format(places[path], path) or path
    local relation, why = handwritten.read(value)
    local found
    if relation then found, why = handwritten.resolve(schema, relation) end
    if not found then
      out[#out + 1] = ("%s: %s"):format(place, why)
    elseif not schema:relate(table.unpack(found)) then
      console.debug(("%s: the database declares it already"):format(place))
    end
  end
end

--- Loads the schema that these settings describe. nil, message (a line for each complaint) and code,
--- which is "config" where the settings name what is not there.
---@param db nlsql.Db
---@param settings table
---@return nlsql.Catalog?
---@return string? message
---@return string? code
function introspect.load(db, settings)
  local wanted = settings.tables or {}
  local schema, message, code = catalog.load(db, {
    schemas = settings.schemas, include = wanted.include, exclude = wanted.exclude,
  })
  if not schema then return nil, code == "config" and with_place(message, settings) or message, code end
  if #schema:names() == 0 and (wanted.include or wanted.exclude) then
    local at = (settings.places or {}).tables
    return nil, (at and at .. ": " or "") .. "tables: no table is left of those that can be read", "config"
  end
  local out = {}
  relate(schema, settings, out)
  local _, complaints = briefing.open(schema, settings)
  for _, one in ipairs(complaints or {}) do out[#out + 1] = one end
  for _, one in ipairs(anonymising.read(settings):faults(schema)) do out[#out + 1] = one end
  if #out > 0 then return nil, table.concat(out, "\n"), "config" end
  return schema
end

return introspect
