-- What ./dev quality is made of: figures, joins of gold queries, databases with other names and keys.
local databases = require "tests.quality.databases"
local gold = require "tests.quality.gold"
local pg = require "nlsql.pg"
local rewrite = require "tests.quality.rewrite"
local rewritesql = require "tests.quality.rewritesql"
local score = require "tests.quality.score"
local support = require "tests.lua.support"

--- "a.x,y b.x,y 0.7" as a relation.
local function relation(text)
  local from, columns, to, referred, points = text:match("^(%w+)%.(%S+) (%w+)%.(%S+) ?(%S*)$")
  local function list(names)
    local out = {}
    for name in names:gmatch("[^,]+") do out[#out + 1] = name end
    return out
  end
  return { from = from, columns = list(columns), to = to, referred = list(referred), score = tonumber(points) }
end

local function relations(list)
  local out = {}
  for i, text in ipairs(list) do out[i] = relation(text) end
  return out
end

describe("the figures", function()
  local cases = {
    { "all found", { "a.x b.x" }, { "a.x b.x" }, {}, found = 1, recall = 1, precision = 1, strict = 1 },
    { "nothing found", {}, { "a.x b.x" }, {}, found = 0, recall = 0, precision = 1, strict = 1 },
    { "one wrong, one missed", { "a.x b.x", "a.x c.x" }, { "a.x b.x", "a.y b.x" }, {}, found = 1, recall = 0.5,
      precision = 0.5, strict = 0.5 },
    { "the direction is wrong", { "b.x a.x" }, { "a.x b.x" }, {}, found = 0, recall = 0, precision = 0, strict = 0 },
    { "columns in another order", { "a.y,x b.v,u" }, { "a.x,y b.u,v" }, {}, found = 1, recall = 1, precision = 1, strict = 1 },
    { "columns crossed", { "a.x,y b.v,u" }, { "a.x,y b.u,v" }, {}, found = 0, recall = 0, precision = 0, strict = 0 },
    { "right though not asked for", { "a.x b.x", "a.z c.z" }, { "a.x b.x" }, { "a.z c.z" }, found = 1, recall = 1,
      precision = 1, strict = 0.5 },
    { "joins have no direction", { "b.x a.x", "a.x b.x" }, { "a.x b.x" }, {}, joins = true, found = 1, recall = 1,
      precision = 1, strict = 1 },
    { "two that refer to one are joined", { "a.x c.x", "b.x c.x" }, { "a.x b.x" }, {}, joins = true, found = 1, recall = 1,
      precision = 0, strict = 0 },
    { "but not where keys are", { "a.x c.x", "b.x c.x" }, { "a.x b.x" }, {}, found = 0, recall = 0, precision = 0, strict = 0 },
  }
  for _, case in ipairs(cases) do
    it("tell: " .. case[1], function()
      local got = score.figures(relations(case[2]), relations(case[3]), { also = relations(case[4]), joins = case.joins })
      for _, name in ipairs { "found", "recall", "precision", "strict" } do assert.equal(case[name], got[name], name) end
    end)
  end

  it("find the best cut, ties together", function()
    local list = relations { "a.a p.a 0.9", "a.b p.b 0.8", "a.c p.c 0.7", "a.d p.d 0.6", "x.x p.a 0.5", "a.e p.e 0.4", "x.y p.a 0.4",
      "x.z p.a 0.4" }
    local truth = relations { "a.a p.a", "a.b p.b", "a.c p.c", "a.d p.d", "a.e p.e" }
    assert.same({ 0.8, 0.6 }, { score.recall_at(list, truth, 0.8) }) -- all of 0.4 would leave 5 of 8
    assert.same({ 1, 0.4 }, { score.recall_at(list, truth, 0.6) })
    assert.same({ 0 }, { score.recall_at(relations { "x.x p.a 0.9" }, truth, 0.8) })
  end)
end)

describe("the joins of a query", function()
  local tables = { author = { aid = true, oid = true }, writes = { aid = true, pid = true }, paper = { pid = true, year = true } }
  local cases = {
    { "SELECT * FROM author JOIN writes ON author.aid = writes.aid", "author.aid=writes.aid" },
    { "SELECT * FROM Author AS a JOIN writes w ON w.aid=a.aid, paper p WHERE p.pid = w.pid", "writes.aid=author.aid paper.pid=writes.pid" },
    { "SELECT 1 FROM paper WHERE paper.pid IN (SELECT writes.pid FROM writes WHERE writes.aid = 1)", "paper.pid=writes.pid" },
    { "SELECT 1 FROM writes a JOIN writes b ON a.pid = b.pid", "" },
    { "SELECT 1 FROM paper p WHERE p.year = 2020 AND 'x' = 'w.pid = p.pid'", "" },
    { "WITH c AS (SELECT oid FROM author) SELECT 1 FROM c JOIN writes ON writes.aid = c.oid", "writes.aid=author.oid" },
    { "WITH c AS (SELECT pid FROM writes) SELECT 1 FROM c JOIN paper ON paper.pid = c.pid", "", 1 },
  }
  for _, case in ipairs(cases) do
    it("are read: " .. case[1], function()
      local list, unread = gold.joins(case[1], tables)
      for i, pair in ipairs(list) do list[i] = ("%s.%s=%s.%s"):format(pair[1].table, pair[1].column, pair[2].table, pair[2].column) end
      assert.same({ case[2], case[3] or 0 }, { table.concat(list, " "), unread })
    end)
  end
end)

describe("a rewritten database", function()
  local SQL = [[
    CREATE TABLE shop (code text PRIMARY KEY, name text); COMMENT ON TABLE shop IS 'shops';
    CREATE TABLE "Order" (id int PRIMARY KEY, "Shop" varchar(10), "before" int CHECK ("before" <> id), size numeric(8,2));
    INSERT INTO shop SELECT 'S' || i, 'shop ' || i FROM generate_series(1, 50) AS i;
    INSERT INTO "Order" SELECT i, 'S' || i % 40 + 1, nullif(i - 1, 0), i FROM generate_series(1, 200) AS i;
    CREATE VIEW v AS SELECT * FROM shop;
    ALTER TABLE "Order" ADD FOREIGN KEY ("Shop") REFERENCES shop, ADD FOREIGN KEY ("before") REFERENCES "Order";]]
  local dir, url, truth

  local function one(db, sql, ...) return assert(db:query(sql:format(...))).rows[1][1] end

  setup(function()
    dir = support.temp_dir()
    support.write(dir .. "/rewritten.sql", SQL .. rewritesql.DROP_FOREIGN)
    url = support.database("rewritten", { dir .. "/rewritten.sql" })
    truth = { { from = "public.Order", columns = { "Shop" }, to = "public.shop", referred = { "code" } },
      { from = "public.Order", columns = { "before" }, to = "public.Order", referred = { "id" } } }
  end)
  teardown(function() os.execute("rm -rf " .. dir) end)

  for _, names in ipairs { "renamed", "shuffled" } do
    it("keeps what belongs together, and nothing else: " .. names, function()
      local copy = databases.copy("rewritten", "rewritten_" .. names, dir)
      local db = assert(pg.open(copy))
      local sql, rename = rewrite.plan(db, truth, { seed = 3, names = names })
      assert.equal(sql, (rewrite.plan(db, truth, { seed = 3, names = names })))
      assert.not_equal(sql, (rewrite.plan(db, truth, { seed = 4, names = names })))
      support.write(dir .. "/rewrite.sql", sql)
      databases.psql(copy, dir .. "/rewrite.sql")

      local shop, before = rename(truth[1]), rename(truth[2])
      assert.equal(before.from, before.to)
      local function bare(name) return '"' .. name:gsub("^public%.", "") .. '"' end
      for _, key in ipairs { shop, before } do -- a foreign key still holds, and has as many values
        local child, parent = bare(key.from), bare(key.to)
        assert.equal("0", one(db, 'SELECT count(*) FROM %s WHERE "%s" NOT IN (SELECT "%s" FROM %s)', child, key.columns[1],
          key.referred[1], parent))
      end
      assert.equal("40", one(db, 'SELECT count(DISTINCT "%s") FROM %s', shop.columns[1], bare(shop.from)))
      assert.equal("199", one(db, 'SELECT count(DISTINCT "%s") FROM %s', before.columns[1], bare(before.from)))
      -- the parent has its very values, but other rows have them
      assert.equal("50", one(db, [[SELECT count(*) FROM %s WHERE "%s" ~ '^S[0-9]+$']], bare(shop.to), shop.referred[1]))
      assert.is_true(tonumber(one(db, "SELECT count(*) FROM (SELECT \"%s\" AS id, lag(\"%s\") OVER (ORDER BY ctid) AS last FROM %s) "
        .. "AS s WHERE id < last", before.referred[1], before.referred[1], bare(before.from))) > 50)
      -- constraints are back under other names; comments and views are gone
      assert.equal("3", one(db, "SELECT count(*) FROM pg_constraint WHERE conrelid > 0 AND conname ~ '^k_[0-9]+$' "
        .. "AND connamespace = 'public'::regnamespace"))
      assert.equal("0", one(db, "SELECT count(*) FROM pg_description WHERE objoid IN (SELECT oid FROM pg_class WHERE "
        .. "relnamespace = 'public'::regnamespace)"))
      assert.equal("0", one(db, "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"))
      db:close()
    end)
  end

  it("has none of the old names, or all of them elsewhere", function()
    local db = assert(pg.open(url))
    local _, renamed = rewrite.plan(db, truth, { seed = 5, names = "renamed" })
    local _, shuffled = rewrite.plan(db, truth, { seed = 5, names = "shuffled" })
    db:close()
    local old = { ["public.Order"] = true, ["public.shop"] = true, Shop = true, before = true, id = true, code = true, name = true, size = true }
    for _, key in ipairs(truth) do
      local a, b = renamed(key), shuffled(key)
      for _, name in ipairs { a.from, a.to, a.columns[1], a.referred[1] } do assert.is_nil(old[name]) end
      for _, name in ipairs { b.from, b.to, b.columns[1], b.referred[1] } do assert.is_true(old[name]) end
    end
  end)
end)
