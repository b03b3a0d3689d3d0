--- wide: databases of many tables, made by a rule: star schemas, some of them linked, and tables
--- without keys.
---
--- Ten tables make a star: t_0001 is its hub, four tables describe, three hold what happened, one the
--- lines of one of those, and one has no key at all. Ten stars hang together through their hubs, so 300
--- tables are three connected parts of 90 tables each, and 30 tables without keys, of which every two
--- have an identifier with the same name.

local support = require "tests.lua.support"

local wide = {}

--- Tables of one star.
wide.STAR = 10

--- Stars that hang together.
local TOGETHER = 10

local function name(i) return ("t_%04d"):format(i) end

local function add_hub(out, first, before)
  out[#out + 1] = ("CREATE TABLE %s (id int PRIMARY KEY, name text NOT NULL, region text NOT NULL, opened date NOT NULL%s);")
    :format(name(first), before and (", up_id int NOT NULL REFERENCES %s"):format(name(before)) or "")
  out[#out + 1] = ("INSERT INTO %s SELECT i, 'Site ' || chr(64 + i), (ARRAY['North', 'South', 'West'])[1 + i %% 3], "
    .. "date '2020-01-15' + 40 * i%s FROM generate_series(1, 12) AS i;"):format(name(first), before and ", i" or "")
end

local function add_described(out, at, refers)
  out[#out + 1] = ("CREATE TABLE %s (id int PRIMARY KEY, name text NOT NULL, kind text NOT NULL, price numeric(8,2) NOT NULL, "
    .. "hub_id int NOT NULL REFERENCES %s);"):format(name(at), name(refers))
  out[#out + 1] = ("INSERT INTO %s SELECT i, 'Item ' || chr(64 + i), (ARRAY['plain', 'fine'])[1 + i %% 2], 1.5 * i, "
    .. "1 + i %% 12 FROM generate_series(1, 20) AS i;"):format(name(at), name(refers))
end

local function add_fact(out, at, one, other)
  out[#out + 1] = ("CREATE TABLE %s (id int PRIMARY KEY, %s_id int NOT NULL REFERENCES %s, %s_id int NOT NULL REFERENCES %s, "
    .. "quantity int NOT NULL, happened_on date NOT NULL, status text NOT NULL);"):format(name(at), name(one), name(one),
    name(other), name(other))
  out[#out + 1] = ("INSERT INTO %s SELECT i, 1 + i * 7 %% 12, 1 + i * 3 %% 12, 1 + i * i %% 9, date '2023-01-01' + 5 * i, "
    .. "(ARRAY['new', 'paid', 'sent'])[1 + i %% 3] FROM generate_series(1, 60) AS i;"):format(name(at))
end

local function add_loose(out, at, batch)
  out[#out + 1] = ("CREATE TABLE %s (batch_%d_code text, label text, amount int);"):format(name(at), batch)
  out[#out + 1] = ("INSERT INTO %s SELECT 'B' || i, 'Batch ' || chr(64 + i), i * 3 FROM generate_series(1, 15) AS i;")
    :format(name(at))
end

--- The statements that make `n` tables, a multiple of ten.
---@param n integer
---@return string
function wide.sql(n)
  local out = {}
  for star = 0, n // wide.STAR - 1 do
    local first = star * wide.STAR + 1
    add_hub(out, first, star % TOGETHER > 0 and first - wide.STAR or nil)
    for at = first + 1, first + 4 do add_described(out, at, first) end
    for at = first + 5, first + 7 do add_fact(out, at, at - 4, at - 3) end
    add_fact(out, first + 8, first + 5, first + 1)
    add_loose(out, first + 9, star // 2)
  end
  out[#out + 1] = "ANALYZE;"
  return table.concat(out, "\n") .. "\n"
end

--- The URL of a database of `n` such tables.
---@param n integer
function wide.url(n)
  local path = os.tmpname()
  support.write(path, wide.sql(n))
  local url = support.database("wide_" .. n, { path })
  os.remove(path)
  return url
end

return wide
