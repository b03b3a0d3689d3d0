-- Correlations of live tables: against the same measures in SQL on the demo database; samples, odd
-- types, limits and failures on tests/data/correlate.sql.
local catalog = require "nlsql.catalog"
local correlate = require "nlsql.correlate"
local job = require "nlsql.job"
local pg = require "nlsql.pg"
local by_sql = require "tests.lua.correlate_sql"
local support = require "tests.lua.support"

local correlations = correlate.correlations

local function by_name(list)
  local out = {}
  for _, one in ipairs(list) do out[one.column or one.name] = one end
  return out
end

local function pair_of(result, a, b)
  for _, pair in ipairs(result.pairs) do
    if pair.a == a and pair.b == b then return pair end
  end
end

local function dependency_of(result, from, to)
  for _, one in ipairs(result.dependencies) do
    if one.from == from and one.to == to then return one end
  end
end

describe("correlations on the demo database", function()
  local db, schema
  setup(function()
    db = assert(pg.open(support.demo(), { sessions = 2 }))
    schema = assert(catalog.load(db))
  end)
  teardown(function() db:close() end)

  local function value(query)
    local result = assert(db:query(query, nil, { statement_timeout = 60 }))
    return tonumber(result.rows[1][1]), tonumber(result.rows[1][2]), tonumber(result.rows[1][3])
  end

  --- Is `found` what `query` gives? Both may be nothing.
  local function agrees(found, query, what, tolerance)
    local expected = value(query)
    if not found or not expected then
      assert(not found and not expected, ("%s: %s, in SQL %s"):format(what, found, expected))
      return 0
    end
    assert(math.abs(found - expected) <= (tolerance or 1e-9), ("%s: %.15g, in SQL %.15g"):format(what, found, expected))
    return 1
  end

  --- Every measure of every pair of the table; returns how many were there.
  local function check_pairs(ref, result)
    local columns, measured, checked = by_name(schema:table(ref).columns), by_name(result.columns), 0
    for _, pair in ipairs(result.pairs) do
      local a, b, what = columns[pair.a], columns[pair.b], ("%s: %s, %s"):format(ref, pair.a, pair.b)
      local number_a, number_b = measured[pair.a].measure == "number", measured[pair.b].measure == "number"
      assert.equal(value(by_sql.n(ref, a, b)), pair.n)
      checked = checked + agrees(pair.mutual_information,
        by_sql.mutual_information(ref, a, b, measured[pair.a].bins, measured[pair.b].bins), what .. ": information")
      if number_a and number_b then
        checked = checked + agrees(pair.pearson, by_sql.pearson(ref, a, b), what .. ": pearson")
          + agrees(pair.spearman, by_sql.spearman(ref, a, b), what .. ": spearman")
      elseif number_a or number_b then
        checked = checked + agrees(pair.correlation_ratio,
          by_sql.correlation_ratio(ref, number_a and b or a, number_a and a or b), what .. ": ratio", 1e-7)
      else
        checked = checked + agrees(pair.cramers_v, by_sql.cramers_v(ref, a, b), what .. ": V", 1e-7)
      end
    end
    return checked
  end

  --- Every ordered pair of columns: a dependency is told where SQL says that it should be.
  local function check_dependencies(ref, result)
    local columns, told = by_name(schema:table(ref).columns), 0
    for _, from in ipairs(result.columns) do
      for _, to in ipairs(result.columns) do
        if from ~= to then
          local a, b = columns[from.column], columns[to.column]
          local error, baseline, repeated = value(by_sql.dependency(ref, a, b))
          local found = dependency_of(result, from.column, to.column)
          local what = ("%s: %s -> %s"):format(ref, a.name, b.name)
          local expected = error and error <= 0.05 and error < baseline and repeated > 0
          assert(not found == not expected, what .. (found and " is told" or " is not told"))
          if found then
            told = told + 1
            assert(math.abs(found.error - error) < 1e-12 and math.abs(found.baseline - baseline) < 1e-12, what)
            assert.equal(repeated, found.repeated, what)
          end
        end
      end
    end
    return told
  end

  for _, ref in ipairs { "product", "customer", "country", "employee", "support_ticket", "monthly_revenue" } do
    it("are those that SQL computes, of " .. ref, function()
      local result = assert(correlations(schema, ref, { db = db }))
      assert.equal(value("SELECT count(*) FROM " .. ref), result.rows)
      assert.is_nil(result.sampled)
      assert(check_pairs(ref, result) >= 15)
      check_dependencies(ref, result)
    end)
  end

  it("find what the demo's own rules say", function()
    local addresses = assert(correlations(schema, "address", { db = db }))
    assert.equal(0, dependency_of(addresses, "city", "country_code").error)
    assert.is_nil(dependency_of(addresses, "country_code", "city"))
    local items = assert(correlations(schema, "order_item", { db = db }))
    assert(pair_of(items, "unit_price", "line_total").pearson > 0.5)
    local orders = assert(correlations(schema, "customer_order", { db = db }))
    assert.is_nil(dependency_of(orders, "order_id", "status")) -- a key tells nothing
    assert(pair_of(orders, "ordered_at", "shipped_at").pearson > 0.999)
    assert.is_nil(dependency_of(orders, "store_id", "channel")) -- where there is a store it is always "store"
  end)
end)

describe("correlations of odd tables", function()
  local db, schema
  setup(function()
    db = assert(pg.open(support.database("correlate", { "tests/data/correlate.sql" }), { sessions = 2 }))
    schema = assert(catalog.load(db))
  end)
  teardown(function() db:close() end)

  local function of(ref, options)
    options = options or {}
    options.db = db
    return correlations(schema, ref, options)
  end

  it("take each type for what it is, and say why one is left out", function()
    local result = assert(of("odd"))
    local columns, skipped = by_name(result.columns), by_name(result.skipped)
    for _, name in ipairs { "id", "Of Day", "at", "span", "clock", "price", "ratio", "same", "nothing" } do
      assert.equal("number", columns[name].measure, name)
    end
    for _, name in ipairs { "flag", "size", "address", "token", "label" } do
      assert.equal("category", columns[name].measure, name)
    end
    assert.same({
      essay = { column = "essay", reason = "wide text: a value has more than 200 bytes" },
      extra = { column = "extra", reason = "jsonb is neither a number nor a category" },
      nothing = { column = "nothing", reason = "no values" },
      tags = { column = "tags", reason = "text[] is neither a number nor a category" },
    }, skipped)
    assert.is_nil(columns.essay)
    assert.equal(120, columns.id.distinct) -- though their doubles are not
    assert.equal(2, columns.ratio.nulls)   -- NaN, Infinity
    assert.equal(1, columns["Of Day"].nulls)
    assert.equal(118, pair_of(result, "at", "ratio").n)
    for _, name in ipairs { "span", "clock", "price" } do
      assert(math.abs(pair_of(result, "at", name).pearson - 1) < 1e-9, name)
    end
    assert(pair_of(result, "at", "ratio").spearman > 0.999999)
    assert(pair_of(result, "at", "ratio").pearson < 0.99)
  end)

  it("give no coefficient to a column that is constant or empty", function()
    local result = assert(of("odd"))
    assert.same({ a = "same", b = "nothing", n = 0 }, pair_of(result, "same", "nothing"))
    assert.same({ a = "id", b = "same", n = 120 }, pair_of(result, "id", "same"))
    assert.same({ a = "flag", b = "same", n = 120 }, pair_of(result, "flag", "same"))
    local none = assert(of("vacant"))
    assert.equal(0, none.rows)
    assert.same({ { a = "a", b = "b", n = 0 } }, none.pairs)
    local unreadable = assert(of("unreadable"))
    assert.same({ 0, 0, 2 }, { #unreadable.columns, #unreadable.pairs, #unreadable.skipped })
  end)

  it("measure categories of few values, and dependencies of any number", function()
    local result = assert(of("odd", { max_categories = 6 }))
    assert.equal("label: 7 distinct values, more than 6: only its dependencies are told",
      ("label: %s"):format(by_name(result.skipped).label.reason))
    assert.is_nil(pair_of(result, "flag", "label"))
    assert.same({ from = "flag", to = "size", n = 120 }, { from = "flag", to = "size", n = pair_of(result, "flag", "size").n })
    assert.equal(0, dependency_of(result, "size", "flag").error)
    local large = assert(of("large"))
    assert.equal(600 / 60000 - 0, dependency_of(large, "city", "country").error)
    assert.is_nil(dependency_of(large, "country", "city"))
  end)

  it("look at the columns that are named, in their order", function()
    local result = assert(of("odd", { columns = { "size", "id" } }))
    assert.same({ "size", "id" }, { result.columns[1].column, result.columns[2].column })
    assert.equal(1, #result.pairs)
    assert.same({ nil, "odd has no column nosuch", "not_found" }, { of("odd", { columns = { "id", "nosuch" } }) })
    local few = assert(of("odd", { max_columns = 3 }))
    assert.equal(3, #few.columns)
    assert.equal("behind the first 3 columns that can be compared", by_name(few.skipped).span.reason)
  end)

  it("draw a seeded sample of all rows", function()
    local all = assert(of("large"))
    assert.same({ 60000, nil }, { all.rows, all.sampled })
    local one = assert(of("large", { rows = 2000 }))
    assert.same({ 2000, 2000 / 60000 }, { one.rows, one.sampled })
    assert.same(one, assert(of("large", { rows = 2000, seed = 1 })))
    local other = assert(of("large", { rows = 2000, seed = 2 }))
    local r, r1, r2 = pair_of(all, "x", "y").pearson, pair_of(one, "x", "y").pearson, pair_of(other, "x", "y").pearson
    assert.not_equal(r1, r2)
    assert(math.abs(r - r1) < 0.05 and math.abs(r - r2) < 0.05)
    local view = assert(of("large_view", { rows = 2000 }))
    assert.equal(2000 / 60000, view.sampled)
  end)

  it("read only some pages of a table that is larger than full_rows", function()
    local options = { rows = 1000, full_rows = 10000 }
    local one = assert(of("large", options))
    assert.same({ 1000, 1000 / 60000 }, { one.rows, one.sampled })
    assert.same(one, assert(of("large", options)))
    assert(math.abs(pair_of(one, "x", "y").pearson - pair_of(assert(of("large")), "x", "y").pearson) < 0.1)
    assert.not_same(one, assert(of("large", { rows = 1000, full_rows = 10000, seed = 3 })))
    assert.not_same(one, assert(of("large", { rows = 1000 }))) -- of all pages
  end)

  it("read a table whole that has shrunk since it was analysed", function()
    local result = assert(of("shrunk", { rows = 1000, full_rows = 5000 }))
    assert.same({ 30, nil }, { result.rows, result.sampled })
    assert.equal(1, pair_of(result, "a", "b").pearson)
  end)

  it("leave out what may not be read", function()
    local url = support.database("correlate"):gsub("^(postgres%w*://)[^@/]*@?", "%1reader@")
    local reader = assert(pg.open(url))
    local result = assert(correlations(assert(catalog.load(reader)), "large", { db = reader }))
    assert.same({ "id", "x" }, { result.columns[1].column, result.columns[2].column })
    assert.equal("no SELECT privilege on it", by_name(result.skipped).city.reason)
    assert.same({ nil, 'cannot read large: permission denied for table large', "db", "42501" },
      { correlations(schema, "large", { db = reader }) })
    reader:close()
  end)

  it("keep to their memory and their time", function()
    local result, message, code = of("wide", { memory_mb = 2 })
    assert.is_nil(result)
    assert.matches("^cannot read wide: %d+ of its rows take more than 2097152 bytes$", message)
    assert.equal("limit", code)
    assert(of("wide", { memory_mb = 2, rows = 1000 }))
    assert.same({ nil, "cannot read slow: canceling statement due to statement timeout", "timeout", "57014" },
      { of("slow", { statement_timeout = 0.2 }) })
    assert.equal("1", assert(db:query("SELECT 1")).rows[1][1])
  end)

  it("end with the job that asked, while rows come and while they are measured", function()
    local cancelled = 0
    for delay = 0, 0.2, 0.01 do
      local asking = job.spawn(function() return of("large") end)
      job.sleep(delay)
      asking:cancel()
      local ended, how = asking:wait()
      if not ended then
        assert.equal("cancelled", how)
        cancelled = cancelled + 1
      end
    end
    assert(cancelled > 5)
    assert.equal(60000, assert(of("large")).rows)
  end)

  it("want arguments that make sense", function()
    assert.error_matches(function() correlations(schema, "nosuch") end, "there is no such table")
    assert.error_matches(function() correlations({}, "odd") end, "nlsql.catalog expected")
    for name, bad in pairs { rows = 1, seed = -1, bins = 1.5, max_columns = 2.5, max_error = 2, memory_mb = "x", statement_timeout = 0, columns = "id" } do
      assert.error_matches(function() of("odd", { [name] = bad }) end, name .. ": expected")
    end
    assert.error_matches(function() of("odd", { columns = { 7 } }) end, "columns: expected a list of names")
    assert.same({ nil, "no database: DATABASE_URL is not set, and no db was given", "db" }, { correlations(schema, "odd") })
  end)
end)
