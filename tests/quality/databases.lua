--- databases: what relationship discovery is judged on, with what is right in each.
---
--- Of those that declare foreign keys these are the truth, and dropped. Of those that declare none it is
--- what the gold queries join on. Lines "-- relation: a.x -> b.y" of a database's SQL tell of what no foreign
--- key can say.

local gold = require "tests.quality.gold"
local json = require "nlsql.json"
local known = require "tests.quality.known"
local pg = require "nlsql.pg"
local proc = require "nlsql.proc"
local reader = require "nlsql.relationreader"
local rewritesql = require "tests.quality.rewritesql"
local support = require "tests.lua.support"

local databases = {}

---@class quality.Database
---@field name string
---@field truth quality.Relation[]
---@field also quality.Relation[]
---@field joins boolean     the truth was read from joins: it has no direction
---@field unread integer    joins of the gold queries that could not be told
---@field url string

--- Runs a file of SQL in a database; raises with what psql said.
---@param url string
---@param path string
function databases.psql(url, path)
  local status, output = proc.run {
    argv = { support.cluster():bin() .. "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", path },
  }
  if status ~= 0 then error(("%s: psql ended with %s: %s"):format(path, status, output), 0) end
end

--- A file without the lines that make and enter a database of its own.
local function without_database(path, dir)
  local text = assert(support.read(path), path .. " cannot be read")
  local kept = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do
    local own = line:find("^DROP DATABASE") or line:find("^CREATE DATABASE") or line:find("^\\c[ %c]")
    if not own then kept[#kept + 1] = line end
  end
  local stripped = dir .. "/" .. path:match("[^/]+$")
  support.write(stripped, table.concat(kept, "\n"))
  return stripped
end

local function unquoted(name)
  return name:find('^"') and name:match('^"(.*)"$'):gsub('""', '"') or name:lower()
end

--- "a.x -> b.y" as a relation; tables without a schema are in public.
local function read_line(line)
  local claim = assert(reader.line(line), "no relation: " .. line)
  local out = { columns = {}, referred = {} }
  for _, end_ in ipairs { { "from", "columns" }, { "to", "referred" } } do
    local tbl = unquoted(claim[end_[1]])
    out[end_[1]] = tbl:find(".", 1, true) and tbl or "public." .. tbl
    for i, name in ipairs(claim[end_[2]]) do out[end_[2]][i] = unquoted(name) end
  end
  return out
end

--- What the lines "-- relation:" of SQL files say.
local function lines_of(files)
  local out = {}
  for _, path in ipairs(files) do
    for line in support.read(path):gmatch("%-%- relation: ([^\n]+)") do
      out[#out + 1] = read_line((line:gsub(" when .*$", "")))
    end
  end
  return out
end

local function declared(db)
  local out = {}
  for i, row in ipairs(assert(db:query(rewritesql.FOREIGN)).rows) do
    out[i] = { from = row[1], columns = json.decode(row[2]), to = row[3], referred = json.decode(row[4]) }
  end
  return out
end

--- Columns by table of schema public, in lower case.
local function shape(db)
  local out = {}
  local rows = assert(db:query(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")).rows
  for _, row in ipairs(rows) do
    local tbl = row[1]:lower()
    out[tbl] = out[tbl] or {}
    out[tbl][row[2]:lower()] = true
  end
  return out
end

--- Adds the pairs of columns that are not in the list yet.
local function add_pairs(out, list)
  for _, pair in ipairs(list) do
    local one, other = pair[1], pair[2]
    local a, b = one.table .. "." .. one.column, other.table .. "." .. other.column
    local key = a < b and a .. "=" .. b or b .. "=" .. a
    if not out[key] then
      out[key] = true
      out[#out + 1] = { from = "public." .. one.table, columns = { one.column }, to = "public." .. other.table,
        referred = { other.column } }
    end
  end
end

--- What the gold queries of a database join on, each pair once, and how many joins could not be told.
local function joined(db, name, path)
  local tables, out, unread = shape(db), {}, 0
  for _, line in ipairs(support.lines(path)) do
    local row = assert(json.decode(line))
    if row.db == name then
      local list, lost = gold.joins(row.sql, tables)
      unread = unread + lost
      add_pairs(out, list)
    end
  end
  return table.move(out, 1, #out, 1, {}), unread
end

--- Makes a database in the tests' cluster and drops its foreign keys.
local function make(name, files, dir, folder)
  local url = support.database("q_" .. name, files)
  local db = assert(pg.open(url))
  local out = { name = name, url = url, truth = declared(db), also = lines_of(files), joins = false, unread = 0 }
  if #out.truth == 0 and folder then
    out.joins = true
    out.truth, out.unread = joined(db, name, folder .. "/gold.jsonl")
    for _, line in ipairs(known[name] or {}) do out.also[#out.also + 1] = read_line(line) end
  end
  db:close()
  support.write(dir .. "/drop.sql", rewritesql.DROP_FOREIGN)
  databases.psql(url, dir .. "/drop.sql")
  return out
end

local SHARED = { "chinook", "academic", "yelp", "broker" }
local OWN = { "hospital", "events", "erp" }

--- Names of all databases, in the order of the report; those of a folder that is not there are left out.
---@param folder string?
---@return string[]
function databases.names(folder)
  local out = { "demo" }
  for _, name in ipairs(OWN) do out[#out + 1] = name end
  for _, name in ipairs(SHARED) do
    if folder and support.read(folder .. "/" .. name .. ".sql") then out[#out + 1] = name end
  end
  return out
end

---@param name string
---@param folder string?  of the databases that are not in the repository
---@param dir string      a folder to write in
---@return quality.Database
function databases.make(name, folder, dir)
  if name == "demo" then
    local list = assert(io.popen("ls scripts/demo/*.sql"))
    local files = {}
    for line in list:lines() do files[#files + 1] = line end
    list:close()
    return make(name, files, dir)
  end
  for _, own in ipairs(OWN) do
    if own == name then return make(name, { ("tests/quality/%s.sql"):format(name) }, dir) end
  end
  return make(name, { without_database(folder .. "/" .. name .. ".sql", dir) }, dir, folder)
end

--- A copy of a database under another name, made by the server; gives its URL.
---@param name string
---@param copy string
---@param dir string
---@return string
function databases.copy(name, copy, dir)
  support.write(dir .. "/copy.sql", ('CREATE DATABASE "%s" TEMPLATE "%s";\n'):format(copy, name))
  databases.psql(support.cluster():url("postgres"), dir .. "/copy.sql")
  return support.cluster():url(copy)
end

return databases
