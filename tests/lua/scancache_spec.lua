-- Scans are kept in the run store until the schema or the data changes: a real database, a real store.
local catalog = require "nlsql.catalog"
local jobs = require "nlsql.jobs"
local pg = require "nlsql.pg"
local scancache = require "nlsql.scancache"
local stats = require "nlsql.stats"
local store = require "nlsql.store"
local support = require "tests.lua.support"

describe("scancache", function()
  local dir, db, schema, st, cache, calls

  --- nlsql.stats on this database, with a count.
  local function counting(url)
    return {
      scan = function(of, options)
        calls = calls + 1
        local given = { url = url }
        for name, value in pairs(options or {}) do given[name] = value end
        given.db = db
        return stats.scan(of, given)
      end,
      tuples = function(of, list, options)
        calls = calls + 1
        return stats.tuples(of, list, { db = db, memory_mb = options and options.memory_mb })
      end,
    }
  end

  before_each(function()
    dir, calls = support.temp_dir(), 0
    local name = "scancache_" .. tostring(jobs.uptime()):gsub("%W", "")
    support.write(dir .. "/made.sql", "CREATE TABLE a (id int PRIMARY KEY, name text); INSERT INTO a VALUES (1, 'x'), (2, 'y');"
      .. "CREATE TABLE b (id int PRIMARY KEY, a_id int); INSERT INTO b VALUES (1, 1), (2, 1), (3, 2);")
    local url = support.database(name, { dir .. "/made.sql" })
    db = assert(pg.open(url, { sessions = 1 }))
    schema = assert(catalog.load(db, {}))
    st = assert(store.open(dir .. "/nlsql.db"))
    cache = assert(scancache.open(counting(url), db, st))
    support.url = url
  end)

  after_each(function()
    cache:close()
    st:close()
    db:close()
    os.execute("rm -rf " .. dir)
  end)

  local function psql(sql)
    support.write(dir .. "/change.sql", sql)
    assert(os.execute(("psql -q -v ON_ERROR_STOP=1 '%s' -f %s/change.sql"):format(support.url, dir)))
    jobs.sleep(1.2) -- the server's counters are that far behind
  end

  it("scans once, and gives the same again", function()
    local first = assert(cache.scan(schema, { min_containment = 0.5, db = db }))
    local again = assert(cache.scan(schema, { min_containment = 0.5, db = db }))
    assert.equal(1, calls)
    assert.is_nil(first.recalled)
    assert.is_true(again.recalled)
    assert.equal(#first.columns, #again.columns)
    for i, column in ipairs(first.columns) do
      for _, name in ipairs { "table", "column", "family", "rows", "nulls", "distinct", "exact", "min", "max", "unique" } do
        assert.equal(column[name], again.columns[i][name])
      end
    end
    assert.equal(#first.overlaps, #again.overlaps)
    assert.same(first.overlaps[1], again.overlaps[1])
  end)

  it("remembers beyond its store's closing", function()
    assert(cache.scan(schema, {}))
    cache:close()
    st:close()
    st = assert(store.open(dir .. "/nlsql.db"))
    cache = assert(scancache.open(counting(support.url), db, st))
    assert.is_true(assert(cache.scan(schema, {})).recalled)
    assert.equal(1, calls)
  end)

  it("scans anew where other things are asked, rows have changed, or the schema has", function()
    assert(cache.scan(schema, {}))
    assert(cache.scan(schema, { min_containment = 0.9 }))
    assert.equal(2, calls)
    psql("UPDATE b SET a_id = 2 WHERE id = 1;")
    local changed = assert(cache.scan(schema, {}))
    assert.equal(3, calls)
    assert.is_nil(changed.recalled)
    psql("ALTER TABLE b ADD COLUMN more int;")
    assert(cache.scan(assert(catalog.load(db, {})), {}))
    assert.equal(4, calls)
  end)

  it("keeps tuples too, and no failures", function()
    local list = { { from = "b", columns = { "a_id", "id" }, to = "a", referred = { "id", "id" } } }
    local first = assert(cache.tuples(schema, list))
    assert.equal(first[1].distinct, assert(cache.tuples(schema, list))[1].distinct)
    assert.equal(1, calls)
    local failing = assert(scancache.open({ scan = function() return nil, "no", "db" end }, db, assert(store.open(dir .. "/2.db"))))
    assert.same({ nil, "no", "db" }, { failing.scan(schema, {}) })
    assert.same({ nil, "no", "db" }, { failing.scan(schema, {}) })
  end)
end)
