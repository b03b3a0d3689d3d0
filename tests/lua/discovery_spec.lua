-- Relations that the data supports: what is found in small databases, and how many of the demo's keys.
local catalog = require "nlsql.catalog"
local cases = require "tests.lua.discovery_cases"
local discovered = require "nlsql.discovered"
local pg = require "nlsql.pg"
local relations = require "nlsql.relations"
local relationscommand = require "nlsql.relationscommand"
local relationstext = require "nlsql.relationstext"
local shape = require "nlsql.discovery.shape"
local sqlstats = require "tests.lua.sqlstats"
local support = require "tests.lua.support"

--- One database with a schema for each case.
local function cases_url()
  local path, sql = os.tmpname(), {}
  for i, case in ipairs(cases) do
    sql[i] = ("CREATE SCHEMA %s;\nSET search_path = %s;\n%s\n"):format(case.name, case.name, case.sql)
  end
  support.write(path, table.concat(sql))
  local url = support.database("discovery", { path })
  os.remove(path)
  return url
end

local function open(url, options)
  local db = assert(pg.open(url))
  local schema = assert(catalog.load(db, options))
  return { db = db, schema = schema, stats = sqlstats.of(db) }
end

local function side(one)
  local out = {}
  for i, name in ipairs(one.columns) do out[i] = one.table .. "." .. name end
  return #out > 1 and "(" .. table.concat(out, ", ") .. ")" or out[1]
end

local function texts(found)
  local out = {}
  for i, one in ipairs(found.relations) do
    out[i] = ("%s -> %s%s%s"):format(side(one.from), side(one.to), one.declared and " (declared)" or "",
      one.when and (" where %s is %s"):format(one.when.column, one.when.value) or "")
  end
  table.sort(out)
  return out
end

describe("relations.discover", function()
  local url

  setup(function() url = cases_url() end)

  for _, case in ipairs(cases) do
    it(case.name .. ": " .. case.why, function()
      local source = open(url, { schemas = { case.name } })
      local found = assert(relations.discover(source))
      source.db:close()
      assert.same(case.found, texts(found))
      local links = {}
      for i, link in ipairs(found.many_to_many) do links[i] = source.schema:table(link.via).name end
      assert.same(case.links or {}, links)
    end)
  end

  it("gives every candidate where all are asked for, each with its weights", function()
    local source = open(url, { schemas = { "accident" } })
    local all = assert(relations.discover(source, { all = true }))
    source.db:close()
    local by_text = {}
    for i, text in ipairs(texts(all)) do by_text[text] = i end
    assert.truthy(by_text["sale.quantity -> customer.customer_id"])
    for _, one in ipairs(all.relations) do
      local sum = -2.2
      for _, w in ipairs(one.weights) do sum = sum + w.weight end
      assert.is_true(one.score >= 0 and one.score <= 1 / (1 + math.exp(-sum)) + 0.01, side(one.from))
    end
  end)

  it("scores by the very weights that it tells", function()
    local source, n = open(url, { schemas = { "accident", "composite" } }), 0
    local all = assert(relations.discover(source, { all = true }))
    source.db:close()
    local odds, sums = {}, {}
    for i, one in ipairs(all.relations) do
      if #one.weights > 0 and #one.from.columns == 1 then
        local sum, child = -2.2, side(one.from)
        for _, w in ipairs(one.weights) do sum = sum + w.weight end
        odds[i] = math.exp(sum)
        sums[child] = (sums[child] or 1) + odds[i]
      end
    end
    for i, one in ipairs(all.relations) do
      if odds[i] then
        n = n + 1
        assert.near(odds[i] / sums[side(one.from)], one.score, 0.03, side(one.from) .. " -> " .. side(one.to))
      end
    end
    assert.is_true(n > 10)
  end)

  it("tells of one pair with what stands beside it, and of no other table's columns", function()
    local source = open(url, { schemas = { "accident" } })
    local pair = { from = "accident.sale", columns = { "quantity" }, to = "accident.customer", referred = { "customer_id" } }
    local all = assert(relations.discover(source, { all = true }))
    local few = assert(relations.discover(source, { all = true, pair = pair }))
    source.db:close()
    local want = {}
    for _, one in ipairs(all.relations) do
      if one.declared or one.from.reference == pair.from then want[#want + 1] = one end
    end
    assert.is_true(#want < #all.relations)
    assert.same(want, few.relations)
  end)

  it("takes a threshold", function()
    local source = open(url, { schemas = { "accident" } })
    local few = assert(relations.discover(source, { threshold = 1.01 }))
    source.db:close()
    assert.same({}, few.relations)
  end)

  it("leaves views out unless asked", function()
    local file = os.tmpname()
    support.write(file, [[
      CREATE TABLE customer (customer_id int PRIMARY KEY);
      CREATE TABLE sale (sale_id int PRIMARY KEY, customer_id int);
      INSERT INTO customer SELECT generate_series(1, 40);
      INSERT INTO sale SELECT i, 1 + i * 7 % 40 FROM generate_series(1, 90) AS i;
      CREATE VIEW recent AS SELECT customer_id, count(*) AS n FROM sale GROUP BY 1;]])
    local source = open(support.database("discovery_views", { file }))
    os.remove(file)
    local without = texts(assert(relations.discover(source)))
    local with = texts(assert(relations.discover(source, { views = true })))
    source.stats = nil
    local scanned = texts(assert(relations.discover(source, { views = true })))
    source.db:close()
    assert.same({ "sale.customer_id -> customer.customer_id" }, without)
    assert.same({ "recent.customer_id -> customer.customer_id", "sale.customer_id -> customer.customer_id" }, with)
    assert.same(with, scanned)
  end)

  it("says why it could not", function()
    local source = open(url, { schemas = { "accident" } })
    source.stats = { scan = function() return nil, "the server went away", "net" end }
    local found, message, code = relations.discover(source)
    source.db:close()
    assert.same({ nil, "the server went away", "net" }, { found, message, code })
  end)

  it("finds the demo's foreign keys again when they are dropped", function()
    local demo = support.demo()
    local source = open(demo)
    local truth = {}
    for _, edge in ipairs(source.schema:edges()) do truth[relations.text { from = edge.from, columns = edge.columns, to = edge.to,
      referred = edge.referred_columns }] = true end
    source.db:close()
    local file = os.tmpname()
    support.write(file, [[DO $$ DECLARE k record; BEGIN FOR k IN SELECT conname, conrelid::regclass AS t FROM pg_constraint
      WHERE contype = 'f' LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.t, k.conname); END LOOP; END $$;]])
    local files = {}
    for path in assert(io.popen("ls scripts/demo/*.sql")):lines() do files[#files + 1] = path end
    files[#files + 1] = file
    local bare = open(support.database("demo_without_keys", files))
    os.remove(file)
    assert.equal(0, #bare.schema:edges())
    local found, right, wanted = assert(relations.discover(bare)), 0, 0
    bare.db:close()
    for _, one in ipairs(found.relations) do
      right = right + (truth[relations.text { from = one.from.reference, columns = one.from.columns, to = one.to.reference,
        referred = one.to.columns }] and 1 or 0)
    end
    for _ in pairs(truth) do wanted = wanted + 1 end
    assert.is_true(right / wanted >= 0.95, ("%d of %d"):format(right, wanted))
    assert.is_true(right / #found.relations >= 0.9, ("%d of %d"):format(right, #found.relations))
  end)
end)

describe("nlsql.discovery.shape", function()
  -- counted by hand, over all sets of k of n
  for _, case in ipairs { { 2, 2, 4, 3 / 6 }, { 2, 3, 4, 5 / 6 }, { 2, 4, 4, 1 }, { 3, 3, 5, 3 / 10 }, { 3, 4, 5, 7 / 10 },
    { 1, 1, 9, 1 }, { 9, 9, 10, 2 / 10 } } do
    it(("knows how likely %d of %d keys lie within %d"):format(case[1], case[3], case[2]), function()
      assert.near(case[4], shape.fit(case[1], case[2], case[3]), 1e-9)
    end)
  end

  it("agrees with counting, for larger numbers too", function()
    local function choose(n, k)
      local out = 1
      for i = 1, k do out = out * (n - k + i) / i end
      return out
    end
    for _, case in ipairs { { 5, 20, 40 }, { 10, 30, 60 }, { 3, 7, 500 } } do
      local k, span, n, count = case[1], case[2], case[3], 0
      for wide = k, span do count = count + (n - wide + 1) * choose(wide - 2, k - 2) end -- sets that span exactly `wide`
      assert.near(count / choose(n, k), shape.fit(k, span, n), 1e-9)
    end
  end)
end)

describe("discovered.add", function()
  local url

  setup(function() url = cases_url() end)

  local function edges(source)
    local out = {}
    for i, edge in ipairs(source.schema:edges()) do out[i] = ("%s>%s"):format(edge.from, edge.to) end
    return out
  end

  local modes = {
    { "keyless", "auto", { "keyless.writes>keyless.author", "keyless.writes>keyless.paper" }, "nothing is declared" },
    { "keyless", "on", { "keyless.writes>keyless.author", "keyless.writes>keyless.paper" }, "it is on" },
    { "keyless", "off", {}, "it is off" },
  }
  for _, mode in ipairs(modes) do
    it(("with discover: %s, where %s"):format(mode[2], mode[4]), function()
      local source = open(url, { schemas = { mode[1] } })
      local added = discovered.add(source, { discover = mode[2] })
      assert.same({ #mode[3], mode[3] }, { added, edges(source) })
      for _, relation in ipairs(relations.declared(source.schema)) do
        assert.is_false(relation.declared or relation.by_hand)
        assert.is_true(relation.found.score >= 0.5)
      end
      source.db:close()
    end)
  end

  it("keeps the scan in the store, and finds the same in what was kept", function()
    local dir, source = support.temp_dir(), open(url, { schemas = { "composite" } })
    source.stats = nil -- the real ones
    local st = assert(require("nlsql.store").open(dir .. "/nlsql.db"))
    local first = assert(discovered.find(source, { all = true }, st))
    local again = assert(discovered.find(source, { all = true }, st))
    st:close()
    source.db:close()
    os.execute("rm -rf " .. dir)
    assert.same({ nil, true }, { first.recalled, again.recalled })
    assert.is_true(#first.relations > 3)
    assert.same(first.relations, again.relations)
  end)

  it("finds with the engine's scan what plain SQL finds", function()
    for _, case in ipairs(cases) do
      local source = open(url, { schemas = { case.name } })
      local by_sql = assert(relations.discover(source, { all = true }))
      source.stats = nil
      local by_scan = assert(relations.discover(source, { all = true }))
      source.db:close()
      assert.same(texts(by_sql), texts(by_scan), case.name)
      for i, one in ipairs(by_sql.relations) do assert.near(one.score, by_scan.relations[i].score, 0.002, case.name) end
    end
  end)

  it("scans nothing where keys link every table", function()
    local source = open(support.demo())
    source.stats = { scan = function() error("it was scanned") end }
    assert.equal(0, discovered.add(source, { discover = "auto" }))
    source.db:close()
  end)
end)

describe("nlsql relations", function()
  local url
  setup(function() url = cases_url() end)

  local function printed(flags, schema)
    local console = require "nlsql.console"
    local out, errors, kept = {}, {}, { console.out, console.error, console.info }
    console.out = function(...) out[#out + 1] = table.concat { ... } end
    console.error = function(text) errors[#errors + 1] = text end
    console.info = function() end
    local source = open(url, { schemas = { schema or "composite" } })
    local ok, status = pcall(relationscommand.run, flags, source)
    console.out, console.error, console.info = table.unpack(kept)
    source.db:close()
    assert(ok, status)
    return status, table.concat(out), table.concat(errors, "\n")
  end

  it("prints a line a relation, with score and reasons", function()
    local status, out = printed {}
    assert.equal(0, status)
    assert.truthy(out:find("^%d%.%d%d  composite%.line%.order_id %-> composite%.orders%.order_id: the names agree to 1%.00"), out)
  end)

  it("prints JSON with both sides, score and evidence", function()
    local _, out = printed { json = true }
    local got = assert(require("nlsql.json").decode(out))
    assert.equal(2, #got.relations)
    local one = got.relations[1]
    assert.same({ schema = "composite", table = "line", columns = { "order_id" } }, one.from)
    assert.same({ schema = "composite", table = "orders", columns = { "order_id" } }, one.to)
    assert.is_false(one.declared)
    assert.is_true(one.score > 0.9)
    assert.same({ 120, 0, "primary" }, { one.evidence.distinct, one.evidence.orphans, one.evidence.parent_key })
    assert.equal(0, #got.many_to_many)
  end)

  it("prints graphs", function()
    local _, dot = printed { dot = true }
    assert.truthy(dot:find('"composite.refund" -> "composite.line" [label="order_id, line_no", style=dashed', 1, true), dot)
    local _, mermaid = printed { mermaid = true }
    assert.truthy(mermaid:find('"composite.orders" ||..o{ "composite.line" : "order_id"', 1, true), mermaid)
    local _, declared = printed({ dot = true }, "declared")
    assert.truthy(declared:find('[label="a_id"];', 1, true), declared)
  end)

  it("explains one pair, whatever it is", function()
    local explained = {
      { "accident", "sale.quantity", "customer.customer_id", "not believed: below 0.50", "against .*called like a measure" },
      { "accident", "sale.customer_id", "customer.customer_id", "score %d%.%d+, believed", "for .*the names agree to 1%.00" },
      { "accident", "sale.note", "product.name", "hardly a value of accident%.sale%.note is found in accident%.product%.name" },
      { "accident", "sale.note", "product.product_id", "no value of one equals one of the other" },
      { "accident", "sale.quantity", "sale.floor", "is not unique: its 900 rows hold 12 distinct values" },
      { "misleading", "delivery.product_id", "product.product_id", "hardly a value" },
      { "orphans", "visit.last_shop_id", "shop.shop_id", "%d+ of the 600 distinct values of .* are not in" },
      { "nothing", "two.one_id", "one.id", "two%.one_id holds no value that could refer to anything" },
      { "declared", "c.a_id", "b.id", "score 1%.00, declared" },
      { "declared", "c.a_id", "a.id", "against .*a declared key says that it refers to declared%.b%.id" },
    }
    for _, case in ipairs(explained) do
      local status, out = printed({ explain = case[2], column = case[3] }, case[1])
      assert.equal(0, status)
      for i = 4, #case do assert.truthy(out:find(case[i]), out) end
    end
  end)

  it("does not say that values are not found where it did not look at all pairs", function()
    local source = open(cases_url(), { schemas = { "accident" } })
    source.stats = nil
    local relation = { from = "accident.sale", columns = { "customer_id" }, to = "accident.product", referred = { "product_id" } }
    local all = assert(relations.discover(source)).refusal(relation)
    local few = assert(relations.discover(source, { scan = { max_overlaps = 1 } })).refusal(relation)
    assert.is_nil(all:find("others hold its values better", 1, true))
    assert.matches("^either hardly a value of accident%.sale%.customer_id is found in accident%.product%.product_id, or "
      .. "others hold its values better %(there are %d+ pairs", few)
    source.db:close()
  end)

  it("complains of columns that there are not", function()
    local status, _, errors = printed({ explain = "sale.custmer_id", column = "customer.customer_id" }, "accident")
    assert.equal(2, status)
    assert.truthy(errors:find("--explain: accident.sale has no column custmer_id (did you mean", 1, true), errors)
    status, _, errors = printed({ explain = "sale", column = "customer.customer_id" }, "accident")
    assert.equal(2, status)
    assert.truthy(errors:find("expected two columns such as a.x b.y", 1, true), errors)
  end)

  for _, case in ipairs { { { json = true, dot = true }, "--json and --dot" }, { { threshold = 1.5 }, "found 1.5" },
    { { column = "a.x" }, "too many" }, { { explain = "a.x" }, "expected two columns" },
    { { explain = "a.x", column = "b.y", json = true }, "--json and --explain" } } do
    it("refuses flags: " .. case[2], function()
      assert.truthy(relationscommand.fault(case[1]):find(case[2], 1, true))
    end)
  end

  it("is quiet about what is not there", function()
    local _, out = printed({}, "nothing")
    assert.equal("", out)
    assert.equal("digraph relations {\n  rankdir=LR;\n  node [shape=box];\n}\n",
      relationstext.dot { relations = {}, many_to_many = {} })
  end)
end)
