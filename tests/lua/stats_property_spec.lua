-- Statistics of columns and their overlaps are what plain SQL says, on databases drawn at random.
local catalog = require "nlsql.catalog"
local pg = require "nlsql.pg"
local random_database = require "tests.lua.random_database"
local reference = require "tests.lua.reference_stats"
local stats = require "nlsql.stats"
local support = require "tests.lua.support"

local DATABASES = 12

--- Families whose values are compared, but not written.
local UNWRITTEN = { inet = true, interval = true }

--- Numbers as SQL compares them: 1.50 is 1.5. What is infinite is in no time zone.
local function shown(family, text)
  if family == "timestamptz" and text then return (text:gsub("infinity%+00$", "infinity")) end
  if family ~= "number" or not text or not text:find("%.") or text:find("e") then return text end
  return (text:gsub("0+$", ""):gsub("%.$", ""):gsub("^%-0$", "0"))
end

local function id(tbl, column) return tbl .. "\0" .. column end

--- Indexes of the scan's columns by table and name; each once.
local function by_name(result)
  local out = {}
  for i, column in ipairs(result.columns) do
    assert.is_nil(out[id(column.table, column.column)])
    out[id(column.table, column.column)] = i
  end
  return out
end

local function check_common(db, told, column, place)
  local counts, last = reference.counts(db, column), math.huge
  for k, one in ipairs(told.common) do
    assert.equal(counts[k], one.count, place .. ": counts of the most common")
    assert.is_true(one.count <= last, place)
    last = one.count
    if not one.cut then
      assert.equal(one.count, reference.count(db, column, one.value), place .. ": " .. one.value)
    end
  end
  if UNWRITTEN[column.family] then
    assert.same({}, told.common, place)
  elseif #counts > 1 and counts[1] > counts[2] then
    assert.is_true(#told.common >= 1, place .. ": most common value")
  end
end

local function check_column(db, told, column, place)
  local expected = reference.column(db, column)
  assert.equal(column.family, told.family, place)
  for _, name in ipairs { "rows", "nulls", "distinct", "unique", "increasing" } do
    assert.equal(expected[name], told[name], place .. ": " .. name)
  end
  assert.same({ true, 0 }, { told.exact, told.error }, place)
  assert.is_nil(told.sampled, place)
  for _, name in ipairs { "min", "max" } do
    local wanted = shown(column.family, expected[name])
    if wanted and #wanted > 200 then -- long ones may be cut
      assert.equal(wanted:sub(1, 200), (told[name] or ""):sub(1, 200), place .. ": " .. name)
    else
      if UNWRITTEN[column.family] then wanted = nil end
      assert.equal(wanted, shown(column.family, told[name]), place .. ": " .. name)
    end
  end
  check_common(db, told, column, place)
end

--- "schema.table.column (type)".
local function shown_column(column) return ("%s.%s (%s)"):format(column.from, column.value, column.type) end

local function check_overlap(overlap, common, one, other, place)
  assert.is_truthy(overlap, place .. ": not told")
  assert.same({ common, one.distinct - common }, { overlap.common, overlap.orphans }, place)
  assert.is_true(math.abs(overlap.containment - common / one.distinct) < 1e-12, place)
  assert.is_true(math.abs(overlap.jaccard - common / (one.distinct + other.distinct - common)) < 1e-12, place)
end

--- Every pair of columns of one family, asked for; and no overlap is told that is not one of these.
local function check_overlaps(db, result, columns, index, least)
  local told, n = {}, #result.overlaps
  for _, overlap in ipairs(result.overlaps) do told[overlap.child .. ">" .. overlap.parent] = overlap end
  for _, child in ipairs(columns) do
    for _, parent in ipairs(columns) do
      if child ~= parent and child.family == parent.family then
        local one, other = result.columns[index[child]], result.columns[index[parent]]
        local place = shown_column(child) .. " in " .. shown_column(parent)
        local common, overlap = reference.common(db, child, parent), told[index[child] .. ">" .. index[parent]]
        if common > 0 and common / one.distinct >= least then
          check_overlap(overlap, common, one, other, place)
          n = n - 1
        else
          assert.is_nil(overlap, place .. ": told")
        end
      end
    end
  end
  assert.equal(0, n, "overlaps of columns that are not of one family")
end

--- The reference of a column's table in the catalog.
local function ref_of(schema, column)
  for _, name in ipairs(schema:names()) do
    local t = schema:table(name)
    if t.schema == column.schema and t.name == column.table then return name end
  end
end

local function check(db, schema, least, options)
  local wanted = { min_containment = least, values = true, db = db }
  for name, value in pairs(options or {}) do wanted[name] = value end
  local result = assert(stats.scan(schema, wanted))
  local columns, index, places = reference.columns(db), {}, by_name(result)
  assert.equal(#columns, #result.columns)
  for _, column in ipairs(columns) do
    index[column] = assert(places[id(ref_of(schema, column), column.name)], shown_column(column) .. " is not told")
    check_column(db, result.columns[index[column]], column, shown_column(column))
  end
  assert.same({}, result.skipped)
  check_overlaps(db, result, columns, index, least)
end

local function all_differ(list)
  local seen = {}
  for _, one in ipairs(list) do
    if seen[one] then return false end
    seen[one] = true
  end
  return true
end

--- Pairs of two or three columns of one table and as many of another, drawn, of the same families.
local function tuples_of(columns)
  local by_family, out = {}, {}
  for _, column in ipairs(columns) do
    local key = column.from .. column.family
    by_family[key] = by_family[key] or {}
    table.insert(by_family[key], column)
  end
  for try = 1, 400 do
    local child, parent = { columns[math.random(#columns)] }, {}
    local to = columns[math.random(#columns)].from
    for i = 2, 2 + try % 2 do child[i] = columns[math.random(#columns)] end
    for i, column in ipairs(child) do
      local list = by_family[to .. column.family]
      parent[i] = list and list[math.random(#list)]
      if column.from ~= child[1].from or not parent[i] then parent = nil break end
    end
    if parent and all_differ(child) and all_differ(parent) then out[#out + 1] = { child, parent } end
  end
  return out
end

local function names_of(columns)
  local out = {}
  for i, column in ipairs(columns) do out[i] = column.name end
  return out
end

local function check_tuples(db, schema)
  local drawn, wanted = tuples_of(reference.columns(db)), {}
  for i, pair in ipairs(drawn) do
    wanted[i] = { from = ref_of(schema, pair[1][1]), columns = names_of(pair[1]), to = ref_of(schema, pair[2][1]),
      referred = names_of(pair[2]) }
  end
  local told = assert(stats.tuples(schema, wanted, { db = db }))
  for i, pair in ipairs(drawn) do
    local expected, place = reference.tuple(db, pair[1], pair[2]), {}
    for k, column in ipairs(pair[1]) do place[k] = shown_column(column) .. " in " .. shown_column(pair[2][k]) end
    for _, name in ipairs { "rows", "distinct", "common", "unique" } do
      assert.equal(expected[name], told[i][name], table.concat(place, ", ") .. ": " .. name)
    end
    assert.equal(expected.distinct - expected.common, told[i].orphans)
  end
  return #drawn
end

describe("stats.scan", function()
  local dir

  setup(function() dir = support.temp_dir() end)
  teardown(function() os.execute("rm -rf " .. dir) end)

  local function open(name, sql, schemas)
    support.write(dir .. "/random.sql", sql)
    local db = assert(pg.open(support.database(name, { dir .. "/random.sql" }), { sessions = 2 }))
    return db, assert(catalog.load(db, { schemas = schemas }))
  end

  for seed = 1, DATABASES do
    it("says what SQL says: seed " .. seed, function()
      local db, schema = open("random_" .. seed, random_database.sql(seed))
      check(db, schema, seed % 3 / 3, { connections = 1 + seed % 3 })
      db:close()
    end)
  end

  it("says what SQL says of tuples of columns", function()
    local n = 0
    for seed = 101, 104 do
      local db, schema = open("random_" .. seed, random_database.sql(seed))
      n = n + check_tuples(db, schema)
      db:close()
    end
    assert.is_true(n >= 20, n .. " drawn")
  end)
end)
