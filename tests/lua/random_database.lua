--- random_database: small databases drawn from a seed, of all types that keys can have.
---
--- Values come from short lists, so that columns have many in common; among them are those that are written
--- in two ways, sort strangely, or are equal in one type and not in another. Some columns are empty, some
--- hold one value, some every value once.

local random_database = {}

local UUIDS = { "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A12",
  "{00000000000000000000000000000001}", "ffffffff-ffff-ffff-ffff-ffffffffffff",
  "00000000-0000-0000-0000-000000000000" }
local LONG = ("long "):rep(80)

--- Values by what they are of; a type takes one or more of these.
local VALUES = {
  small = { "0", "1", "2", "3", "4", "5", "7", "-1", "-32768", "32767" },
  int = { "100", "70000", "-70000", "2147483647", "-2147483648" },
  big = { "9007199254740992", "-9007199254740992", "1000000000000000" },
  -- not all of these is held by a double: under `=` an integer equals the double that is nearest to it, so that two
  -- integers can equal one double; doubles have none of them
  huge = { "9223372036854775807", "-9223372036854775808", "9007199254740993" },
  decimal = { "0.5", "1.50", "1.5", "2.00", "-0.25", "3.125", "100.000", "-0.0" },
  tenths = { "0.1", "0.3", "12.7", "-99.95" },
  digits = { "123456789012345678901234567890", "0.000000000000000000001", "123456789012345678901234567890.0", "NaN" },
  float = { "NaN", "Infinity", "-Infinity", "-0", "1e15", "1e-7" },
  word = { "a", "b", "B", "A", "abc", "", " ", "1", "1.0", "ß", "日本", "e\u{301}", "é", "it''s", "x\\y", "tab\t",
    "-" },
  spaced = { "a ", "a  ", "b ", " a", "abc   ", "A\u{a0}" },
  long = { LONG, LONG .. "1", LONG .. "2", LONG .. " " },
  date = { "2024-02-29", "1999-12-31", "2000-01-01", "0044-03-15 BC", "infinity", "-infinity", "9999-12-31" },
  timestamp = { "2024-02-29 00:00", "2024-02-29 12:00:00.5", "2024-02-29 12:00:00.500000", "1969-12-31 23:59:59.999999",
    "infinity", "-infinity", "0001-01-01 BC" },
  zone = { "2024-02-29 00:00+00", "2024-02-29 02:00+02", "2024-02-28 19:00-05", "2024-07-01 12:00:00.25+00",
    "infinity" },
  time = { "00:00", "12:30", "12:30:00", "23:59:59.999999", "24:00" },
  uuid = UUIDS,
  boolean = { "true", "false" },
  mood = { "sad", "ok", "happy" },
  inet = { "10.0.0.1", "10.0.0.1/32", "10.0.0.1/8", "::1" },
  interval = { "1 day", "24 hours", "1 mon", "30 days", "-1 day", "00:00:01" },
}

local TYPES = {
  { "smallint", "small" }, { "integer", "small", "int" }, { "integer", "small" }, { "bigint", "small", "int", "big" },
  { "bigint", "huge", "small" }, { "numeric", "small", "decimal", "tenths", "int", "digits" },
  { "numeric(12,3)", "small", "decimal", "tenths" }, { "real", "small", "decimal", "tenths" },
  { "double precision", "small", "decimal", "tenths", "float" }, { "whole", "small", "int" },
  { "text", "word", "spaced" }, { "text", "word", "long" }, { "varchar(12)", "word", "spaced" },
  { "char(6)", "word", "spaced" }, { "char(10)", "word", "spaced" }, { "label", "word" }, { "date", "date" },
  { "timestamp", "timestamp" }, { "timestamptz", "zone" }, { "time", "time" }, { "uuid", "uuid" },
  { "boolean", "boolean" }, { "mood", "mood" }, { '"Mood 2"', "mood" }, { "inet", "inet" }, { "interval", "interval" },
}

local NAMES = { "plain", "Mixed Case", 'quo"te', "select", "a.b", "ünï", "日本", "x-y", "it's", "UPPER", "_1",
  "per%cent", "new\nline" }

local function quoted(name) return '"' .. name:gsub('"', '""') .. '"' end

local function any(list) return list[math.random(#list)] end

--- The values that one column takes: a part of what its type can have.
local function pool(type)
  local all, out = {}, {}
  for i = 2, #type do
    for _, value in ipairs(VALUES[type[i]]) do all[#all + 1] = value end
  end
  for i = 1, math.random(1, #all) do out[i] = table.remove(all, math.random(#all)) end
  return out
end

--- A column's way to give the value of a row.
local function giver(type)
  local values, way = pool(type), math.random(8)
  if way == 1 then return function() return "NULL" end end
  if way == 2 and (type[2] == "small" or type[2] == "huge") and type[1]:find("int") then
    local first = math.random(-5, 90)
    return function(row) return tostring(first + row) end -- unique, and in order
  end
  local nulls = way <= 4 and 0.3 or 0
  return function()
    if math.random() < nulls then return "NULL" end
    return "'" .. any(values) .. "'"
  end
end

local function add_table(out, schema, n)
  local columns, givers, used = {}, {}, {}
  for i = 1, math.random(2, 7) do
    local name = any(NAMES)
    if used[name] then name = name .. i end
    used[name] = true
    local type = any(TYPES)
    columns[i], givers[i] = quoted(name) .. " " .. type[1], giver(type)
  end
  local tbl = schema .. "." .. quoted(any(NAMES) .. n)
  out[#out + 1] = ("CREATE TABLE %s (%s);"):format(tbl, table.concat(columns, ", "))
  for row = 1, math.random(5) == 1 and 0 or math.random(1, 40) do
    local values = {}
    for i, give in ipairs(givers) do values[i] = give(row) end
    out[#out + 1] = ("INSERT INTO %s VALUES (%s);"):format(tbl, table.concat(values, ", "))
  end
end

--- The statements that make the database of a seed, and its schemas.
---@param seed integer
---@return string sql
---@return string[] schemas
function random_database.sql(seed)
  math.randomseed(seed)
  local out = { "SET client_min_messages = warning;", "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');",
    "CREATE TYPE \"Mood 2\" AS ENUM ('happy', 'ok', 'sad');", "CREATE DOMAIN whole AS integer;",
    "CREATE DOMAIN label AS text;", 'CREATE SCHEMA "Other one";' }
  for n = 1, math.random(3, 6) do add_table(out, math.random(4) == 1 and '"Other one"' or "public", n) end
  return table.concat(out, "\n") .. "\n", { "public", "Other one" }
end

return random_database
