-- The binding of statistics, against the same figures computed by PostgreSQL, pair by pair.
local catalog = require "nlsql.catalog"
local job = require "nlsql.job"
local pg = require "nlsql.pg"
local stats = require "nlsql.stats"
local support = require "tests.lua.support"

local function url() return support.database("stats", { "tests/data/stats.sql" }) end

local db, cat
setup(function()
  db = assert(pg.open(url()))
  cat = assert(catalog.load(db))
end)
teardown(function() db:close() end)

local function scan(options)
  options.db = db
  return assert(stats.scan(cat, options))
end

local function by_name(result)
  local columns = {}
  for i, column in ipairs(result.columns) do
    columns[column.table .. "." .. column.column] = column
    column.index = i
  end
  return columns
end

local function value(sql) return assert(db:query(sql)).rows[1][1] end
local function number(sql) return math.tointeger(tonumber(value(sql))) end

local function quoted(column) return catalog.quote(column.column) end

--- How many distinct values of one column are among another's, with SQL's own `=`.
local function shared(child, parent)
  local function expression(column) -- oids as the numbers, char(n) as the texts that they are
    return quoted(column) .. (column.column == "reference" and "::bigint" or column.family == "text" and "::text" or "")
  end
  return number(("SELECT count(*) FROM (SELECT DISTINCT %s AS v FROM %s WHERE %s IS NOT NULL) AS c "
    .. "WHERE EXISTS (SELECT FROM %s p WHERE p.%s = c.v)"):format(expression(child), child.table, quoted(child),
    parent.table, expression(parent)))
end

describe("stats.scan", function()
  it("tells of every column what PostgreSQL counts", function()
    local result, compared = scan { values = true }, 0
    for name, column in pairs(by_name(result)) do
      local q, from = quoted(column), column.table
      assert.equal(number(("SELECT count(*) FROM %s"):format(from)), column.rows, name)
      assert.equal(number(("SELECT count(*) FROM %s WHERE %s IS NULL"):format(from, q)), column.nulls, name)
      assert.equal(number(("SELECT count(DISTINCT %s) FROM %s"):format(q, from)), column.distinct, name)
      assert.equal(column.rows - column.nulls == column.distinct, column.unique, name)
      assert.is_true(column.exact)
      assert.equal(0, column.error)
      compared = compared + 1
    end
    assert.is_true(compared > 35)
  end)

  it("tells the least and the greatest as PostgreSQL writes them", function()
    local compared = 0
    for name, column in pairs(by_name(scan { tables = { "numbers", "texts", "moments" } })) do
      local q = quoted(column)
      if column.min and column.family ~= "money" then
        local order = (column.family == "text" or column.family:find "^enum") and q .. '::text COLLATE "C"' or q
        if column.column == "padded" then order = "rtrim(padded::text) COLLATE \"C\"" end
        if column.family == "uuid" then order = q .. "::text" end
        if column.family == "boolean" then order = q .. "::int" end
        local text = column.family == "boolean" and "CASE %s(%s) WHEN 0 THEN 'false' ELSE 'true' END" or "%s(%s)::text"
        if column.family == "timestamptz" then text = "(%s(%s) AT TIME ZONE 'UTC')::text" end
        for _, which in ipairs { "min", "max" } do
          local expected = value(("SELECT " .. text .. " FROM %s"):format(which, order, column.table))
          if column.family == "timestamptz" then expected = expected:gsub("( ?B?C?)$", "+00%1", 1) end
          assert.equal(expected, column[which], name .. " " .. which)
          compared = compared + 1
        end
      end
    end
    assert.is_true(compared >= 40, compared)
  end)

  it("counts the values that two columns share as SQL's = does, for every pair of a family", function()
    local result = scan { min_containment = 0 }
    local found, pairs_compared = {}, 0
    for _, overlap in ipairs(result.overlaps) do found[overlap.child .. " " .. overlap.parent] = overlap end
    for i, child in ipairs(result.columns) do
      for j, parent in ipairs(result.columns) do
        if i ~= j and child.family == parent.family then
          local common, overlap = shared(child, parent), found[i .. " " .. j]
          local name = ("%s.%s in %s.%s"):format(child.table, child.column, parent.table, parent.column)
          assert.equal(common, overlap and overlap.common or 0, name)
          if overlap then
            assert.equal(child.distinct - common, overlap.orphans, name)
            assert.near(common / child.distinct, overlap.containment, 1e-12)
            assert.near(common / (child.distinct + parent.distinct - common), overlap.jaccard, 1e-12)
          end
          pairs_compared = pairs_compared + 1
        end
      end
    end
    assert.is_true(pairs_compared > 300)
    for _, overlap in ipairs(result.overlaps) do
      assert.equal(result.columns[overlap.child].family, result.columns[overlap.parent].family)
    end
  end)

  it("gives the most common values with their counts, where they are asked for", function()
    assert.same({}, by_name(scan { tables = { "texts" } })["texts.label"].common)
    local compared = 0
    for name, column in pairs(by_name(scan { values = true })) do
      local rows = assert(db:query(("SELECT count(*) FROM %s WHERE %s IS NOT NULL GROUP BY %s ORDER BY 1 DESC LIMIT 10")
        :format(column.table, quoted(column), quoted(column)))).rows
      if column.min and column.table ~= "bulky" then
        assert.equal(#rows, #column.common, name)
        for i, one in ipairs(column.common) do
          assert.equal(math.tointeger(tonumber(rows[i][1])), one.count, name)
          assert.is_nil(one.missed)
        end
        compared = compared + 1
      end
    end
    assert.is_true(compared > 30)
    local texts = by_name(scan { tables = { "texts" }, values = true })
    assert.same({ { "glad", "ok", "sad" }, 3 }, { (function()
      local list = {}
      for i, one in ipairs(texts["texts.label"].common) do list[i] = one.value end
      table.sort(list)
      return list
    end)(), #texts["texts.label"].common })
  end)

  it("sees whether values rise in physical order", function()
    local columns = by_name(scan {})
    assert.is_true(columns["odd.id"].increasing)
    assert.is_true(columns["pairs_parent.a"].increasing)
    assert.is_false(columns["pairs_parent.b"].increasing)
    assert.is_false(columns["odd.all_null"].increasing)
    assert.is_true(columns["moments.clock"].min == "00:00:00" and not columns["moments.clock"].increasing)
    assert.is_true(columns["moments.id"].increasing)
  end)

  it("says of what it leaves out why", function()
    local reasons = {}
    for _, one in ipairs(scan {}.skipped) do reasons[one.table .. "." .. (one.column or "")] = one.reason end
    for _, column in ipairs { "doc", "docb", "raw", "xml", "list", "place", "words" } do
      assert.matches("^values of type .* are not compared with other columns'$", reasons["odd." .. column], column)
    end
    assert.is_nil(reasons["odd.id"])
    assert.matches("json ", reasons["odd.doc"])
  end)

  it("reads partitioned tables through their parent, children with theirs, views where they are named", function()
    local columns = by_name(scan {})
    assert.equal(100, columns["measured.id"].rows)
    assert.equal(3, columns["forebear.id"].rows)
    assert.equal(1, columns["offspring.id"].rows)
    assert.equal(10, columns["kept.id"].rows)
    assert.is_nil(columns["seen.id"])
    assert.is_nil(columns["measured_low.id"])
    assert.equal(10, by_name(scan { tables = { "seen" } })["seen.id"].rows)
  end)

  it("takes columns without values, and tables without rows or columns", function()
    local result = scan { tables = { "empty", "nothing", "odd" }, min_containment = 0 }
    local columns = by_name(result)
    local empty, null = columns["empty.id"], columns["odd.all_null"]
    assert.same({ 0, 0, 0, 0 }, { empty.rows, empty.nulls, empty.distinct, empty.width })
    assert.same({ 10, 10, 0 }, { null.rows, null.nulls, null.distinct })
    assert.is_nil(null.min)
    assert.is_true(null.unique)
    for _, overlap in ipairs(result.overlaps) do
      assert.are_not_equal(null.index, overlap.child)
      assert.are_not_equal(null.index, overlap.parent)
    end
    local nothing = scan { tables = {} }
    assert.same({ {}, {}, {}, 0 }, { nothing.columns, nothing.overlaps, nothing.skipped, nothing.rows })
    assert.same({ {}, 0 }, { scan { tables = { "nothing" } }.columns, 0 })
  end)

  it("compares values too long to be sent whole", function()
    local columns = by_name(scan { tables = { "bulky" } })
    local body, copy = columns["bulky.body"], columns["bulky.copy"]
    assert.equal(5, body.distinct)
    assert.equal(5, copy.distinct)
    for _, overlap in ipairs(scan { tables = { "bulky" } }.overlaps) do
      if overlap.child == body.index and overlap.parent == copy.index then
        assert.same({ 4, 1 }, { overlap.common, overlap.orphans })
      end
    end
    assert.near((number "SELECT sum(octet_length(body)) FROM bulky") / 5, body.width, 1e-6)
    assert.equal(256, #body.min)
    assert.equal(value "SELECT left(min(body COLLATE \"C\"), 256) FROM bulky", body.min)
  end)

  it("estimates from sketches where they are asked for", function()
    local exact, rough = by_name(scan { min_containment = 0 }), by_name(scan { min_containment = 0, sketch = 16 })
    assert.is_true(rough["measured.region"].exact)
    assert.equal(3, rough["measured.region"].distinct)
    local large = rough["pairs_parent.a"]
    assert.is_false(large.exact)
    assert.near(0.01625, large.error, 1e-9)
    assert.near(exact["pairs_parent.a"].distinct, large.distinct, 2)
    local found
    for _, overlap in ipairs(scan { min_containment = 0, sketch = 16 }.overlaps) do
      if overlap.child == rough["pairs_child.x"].index and overlap.parent == large.index then found = overlap end
    end
    assert.equal(1, found.containment) -- all of a sample is in it
    assert.is_true(found.error > 0)
  end)

  it("leaves out the least contained above max_overlaps", function()
    local all, few = scan { min_containment = 0 }, scan { min_containment = 0, max_overlaps = 20 }
    assert.equal(20, #few.overlaps)
    assert.equal(#all.overlaps - 20, few.left_out)
    for _, overlap in ipairs(few.overlaps) do
      assert.equal(1, overlap.containment)
      assert.is_true(few.columns[overlap.parent].unique)
    end
    assert.is_nil(all.left_out)
  end)

  it("lets each child keep its best ones in turn, where that is to be fair", function()
    local all = scan { min_containment = 0 }
    local columns, turns = all.columns, {}
    local function worse(a, b)
      local p, q = columns[a.parent], columns[b.parent]
      if p.unique ~= q.unique then return q.unique end
      if a.containment ~= b.containment then return a.containment < b.containment end
      if a.child ~= b.child then return a.child > b.child end
      if p.distinct ~= q.distinct then return p.distinct > q.distinct end
      return a.parent > b.parent
    end
    table.sort(all.overlaps, function(a, b) return worse(b, a) end)
    for _, one in ipairs(all.overlaps) do
      turns[one.child] = (turns[one.child] or 0) + 1
      one.turn = turns[one.child]
    end
    table.sort(all.overlaps, function(a, b)
      if a.turn ~= b.turn then return a.turn < b.turn end
      return worse(b, a)
    end)
    for _, most in ipairs { 1, 7, 40, 100, #all.overlaps - 1 } do
      local few, told = scan { min_containment = 0, max_overlaps = most, fair = true }, {}
      assert.equal(most, #few.overlaps)
      assert.equal(#all.overlaps - most, few.left_out)
      for _, one in ipairs(few.overlaps) do told[one.child .. ">" .. one.parent] = one.common end
      for i = 1, most do
        local one = all.overlaps[i]
        assert.equal(one.common, told[one.child .. ">" .. one.parent])
      end
    end
  end)

  it("tells overlaps flat where that is asked for, the same ones", function()
    for _, most in ipairs { 30, 1e6 } do
      local all = scan { min_containment = 0.3, max_overlaps = most }
      local flat = scan { min_containment = 0.3, max_overlaps = most, flat = true }
      local want = {}
      for _, one in ipairs(all.overlaps) do
        table.move({ one.child, one.parent, one.common }, 1, 3, #want + 1, want)
        assert.equal(one.containment, one.common / all.columns[one.child].distinct)
        assert.equal(one.orphans, all.columns[one.child].distinct - one.common)
      end
      assert.is_true(#want > 60)
      assert.same(want, table.move(flat.shared, 1, #flat.shared, 1, {}))
      assert.equal(0, #flat.overlaps)
      assert.equal(all.left_out, flat.left_out)
      assert.is_nil(all.shared)
    end
  end)

  it("is alike with one connection and with several, and says which snapshot it saw", function()
    local one, four = scan { connections = 1, values = true }, scan { connections = 4, values = true }
    assert.same(one.overlaps, four.overlaps)
    assert.same(one.columns, four.columns)
    assert.matches("^%x+%-%x+%-%d+$", one.snapshot)
    assert.is_true(one.seconds > 0 and one.rows > 800)
    assert.equal(0, one.spilled)
  end)

  it("waits for nothing but itself: other jobs run meanwhile, and one that dies takes its scan along", function()
    local ticks = 0
    local ticker = job.spawn(function()
      while true do
        ticks = ticks + 1
        job.sleep(0.002)
      end
    end)
    scan {}
    assert.is_true(ticks > 2)
    local lone = job.spawn(function() scan {} end)
    job.sleep(0.005)
    lone:cancel()
    ticker:cancel()
    for _ = 1, 500 do
      if number "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%'" == 0 then return end
      job.sleep(0.01)
    end
    error "its queries still run"
  end)

  it("raises what the caller got wrong", function()
    assert.error_matches(function() stats.scan(db) end, "bad argument #1")
    assert.error_matches(function() stats.scan(cat, 5) end, "bad argument #2")
    assert.error_matches(function() scan { connections = 0 } end, "connections: expected 1")
    assert.error_matches(function() scan { memory_mb = "64" } end, "memory_mb: expected a number, not string")
    assert.error_matches(function() scan { min_containment = 2 } end, "min_containment: expected 0")
    assert.error_matches(function() scan { tables = { "no_such" } } end, "there is no table no_such")
    assert.error_matches(function() scan { values = 1 } end, "values: expected true or false")
    assert.error_matches(function() stats.scan(cat, { db = "postgresql://" }) end, "bad argument")
  end)

  it("returns what the world got wrong", function()
    local gone = assert(pg.open "postgresql://nobody@127.0.0.1:1/none")
    local result, message, code = stats.scan(cat, { db = gone })
    assert.same({ nil, "net" }, { result, code })
    assert.matches("^cannot connect to postgresql://nobody@127.0.0.1:1/none: ", message)
  end)
end)

describe("stats.tuples", function()
  local function tuples(...) return assert(stats.tuples(cat, { ... }, { db = db })) end
  local CHILD = { from = "pairs_child", columns = { "x", "y" }, to = "pairs_parent", referred = { "a", "b" } }

  it("counts tuples that another table has too, those with a NULL left out", function()
    local found = tuples(CHILD)[1]
    assert.same({ rows = 102, distinct = 101, common = 100, orphans = 1, containment = 100 / 101, unique = true },
      found)
    local back = tuples {
      from = "pairs_parent", columns = { "a", "b" }, to = "pairs_child", referred = { "x", "y" } }[1]
    assert.same({ rows = 200, distinct = 200, common = 100, orphans = 100, containment = 0.5, unique = false }, back)
  end)

  it("keeps the order of the columns", function()
    local found = tuples({ from = "pairs_child", columns = { "y", "z" }, to = "pairs_child", referred = { "z", "y" } },
      { from = "pairs_child", columns = { "y", "z" }, to = "pairs_child", referred = { "y", "z" } }, CHILD)
    assert.equal(0, found[1].common)
    assert.equal(1, found[2].containment)
    assert.equal(100, found[3].common)
    assert.same({}, assert(stats.tuples(cat, {}, { db = db })))
  end)

  it("says where columns cannot be compared", function()
    local found = tuples({ from = "pairs_child", columns = { "x", "z" }, to = "pairs_parent", referred = { "b", "b" } },
      { from = "odd", columns = { "doc", "id" }, to = "pairs_parent", referred = { "b", "a" } }, CHILD)
    assert.same({ reason = "pairs_parent.b (text) and pairs_child.x (number) cannot be compared" }, found[1])
    assert.matches("^odd.doc: values of type json", found[2].reason)
    assert.equal(100, found[3].common)
  end)

  it("raises what the caller got wrong", function()
    assert.error_matches(function() tuples { from = "no", columns = { "x" }, to = "odd", referred = { "id" } } end,
      "tuple 1: from: there is no table no")
    assert.error_matches(function()
      tuples(CHILD, { from = "odd", columns = { "x" }, to = "odd", referred = { "id" } })
    end, "tuple 2: columns: odd has no column x")
    assert.error_matches(function() tuples { from = "odd", columns = { "id" }, to = "odd", referred = {} } end,
      "expected 1 to 32 columns")
    assert.error_matches(function()
      tuples { from = "odd", columns = { "id" }, to = "odd", referred = { "id", "id" } }
    end, "as many columns on each side")
    assert.error_matches(function() tuples(5) end, "tuple 1: expected a table")
  end)
end)
