-- A few rows of each table with the query that gives them: no model, and stand-ins for what is private unless somebody says off.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

describe("nlsql run phases/sample_data.lua", function()
  local dir, url

  before_each(function() dir, url = support.temp_dir(), shop.url() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function run(arguments)
    local words = { "run", "phases/sample_data.lua" }
    for _, word in ipairs(arguments or {}) do words[#words + 1] = word end
    return support.nlsql(dir, words, { DATABASE_URL = url })
  end

  local function allow() support.write(dir .. "/config.yaml", "anonymise: off\n") end

  local function lines() return support.lines(dir .. "/generated_datasets/sample_data/dataset.jsonl") end

  local function of(name)
    for _, row in ipairs(shop.dataset(dir, "sample_data")) do
      if row.question:find(" from the " .. name .. " table.", 1, true) then return row end
    end
  end

  it("has stand-ins for what is private", function()
    local code, out, err = run()
    assert.equal(0, code, out .. err)
    local rows = of("customer").rows
    assert.same({ 1, "Canada", "neutral" }, { rows[1].customer_id, rows[1].country, rows[1].mood })
    assert.truthy(rows[1].name:find("^%u%l+ %d$"), rows[1].name)
    assert.not_equal(rows[1].name, rows[2].name)
    for _, line in ipairs(lines()) do
      assert.falsy(line:find("Customer 1", 1, true) or line:find("Product 1", 1, true), line)
    end
    local before = lines()
    assert.equal(0, (run { "--fresh" }))
    assert.not_same(before, lines()) -- another secret
  end)

  it("asks no model, and writes a row of the dataset for each table", function()
    allow()
    local code, out, err = run()
    assert.equal(0, code, err)
    assert.truthy(out:find("4 of 4 pairs", 1, true), out)
    assert.truthy(out:find("Requests: 0", 1, true), out)
    assert.equal('{"question":"Show me 2 sample rows from the customer table.",'
      .. '"sql":"SELECT customer_id, name, country, mood, referred_by FROM customer ORDER BY customer_id LIMIT 2",'
      .. '"rows":[{"customer_id":1,"name":"Customer 1","country":"Canada","mood":"neutral","referred_by":null},'
      .. '{"customer_id":2,"name":"Customer 2","country":"Norway","mood":"angry","referred_by":1}]}', lines()[1])
    assert.equal("SELECT purchase_id, line_no, product_id, quantity FROM purchase_line ORDER BY purchase_id, line_no LIMIT 2",
      of("purchase_line").sql)
  end)

  it("shows the demo's rows, which are made up", function()
    local words = { "run", "phases/sample_data.lua", "--demo", "--provider", "offline", "--set", "n_rows=1" }
    local code, _, err = support.nlsql(dir, words, {})
    assert.equal(0, code, err)
    assert.equal(22, #lines())
    local row = of("product")
    assert.equal("Show me 1 sample row from the product table.", row.question)
    assert.is_true(row.rows[1].is_active)
    assert.equal(27.95, row.rows[1].list_price)
    assert.equal("yellow", row.rows[1].attributes.colour)
    assert.truthy(of("monthly_revenue")) -- a view
  end)

  it("works with names that SQL has to quote", function()
    url = support.database("odd_names", { "tests/data/odd/names.sql" })
    allow()
    local code, out, err = run { "--schemas", "Head Office" }
    assert.equal(0, code, err .. out)
    assert.equal(3, #lines())
    local row = of '"Head Office"."User"'
    assert.equal('SELECT "Id", "Full Name", "group", "select", "isActive", "Größe (cm)", "it""s" FROM "Head Office"."User" '
      .. 'ORDER BY "Id" LIMIT 2', row.sql)
    assert.equal("2020-02-29", row.rows[1]['it"s'])
    assert.is_false(row.rows[1].isActive)
  end)

  it("works without keys and with views, in the same order each time", function()
    url = support.database("odd_keyless", { "tests/data/odd/keyless.sql" })
    allow()
    assert.equal(0, (run()))
    assert.equal("SELECT aid, pid FROM writes ORDER BY aid, pid LIMIT 2", of("writes").sql)
    assert.same({ { aid = 1, pid = 1 }, { aid = 1, pid = 1 } }, of("writes").rows)
    url = support.database("odd_views", { "tests/data/odd/views.sql" })
    assert.equal(0, (run { "--fresh", "--set", "n_rows=3" }))
    assert.equal(2, #lines())
    assert.equal(3, #of("sale").rows)
  end)

  it("leaves out what cannot be shown, cuts what is long, and says so", function()
    support.write(dir .. "/odd.sql", [[
      CREATE TABLE nothing ();
      CREATE TABLE empty (a integer);
      CREATE TABLE picture (data bytea);
      CREATE TABLE one (id bigint PRIMARY KEY, photo bytea, story text, exact numeric, truth boolean, ratio double precision);
      INSERT INTO nothing DEFAULT VALUES;
      INSERT INTO picture VALUES ('\x00');
      INSERT INTO one VALUES (9007199254740993, '\xff', repeat('é', 5000), 12345678901234567890.12345, false, 'NaN');]])
    url = support.database("odd_samples", { dir .. "/odd.sql" })
    allow()
    local code, out, err = run()
    assert.equal(0, code, err .. out)
    assert.equal(1, #lines())
    assert.truthy(err:find("left out, as they hold no rows: empty\n", 1, true), err)
    assert.truthy(err:find("left out, as none of their columns can be shown: nothing, picture\n", 1, true), err)
    local row = of "one"
    assert.equal("Show me 1 sample row from the one table.", row.question)
    assert.equal("SELECT id, story, exact, truth, ratio FROM one ORDER BY id LIMIT 1", row.sql)
    assert.equal(("é"):rep(250), row.rows[1].story)
    assert.truthy(lines()[1]:find('"id":9007199254740993', 1, true), lines()[1])
    assert.truthy(lines()[1]:find('"exact":12345678901234567890.12345,"truth":false,"ratio":"NaN"', 1, true), lines()[1])
  end)

  it("says so where there is nothing to show at all", function()
    support.write(dir .. "/none.sql", "CREATE TABLE empty (a integer);")
    url = support.database("no_samples", { dir .. "/none.sql" })
    allow()
    local code, out, err = run()
    assert.equal(7, code, out)
    assert.truthy(err:find("they hold no rows: empty", 1, true), err)
  end)

  it("goes on where it stopped", function()
    allow()
    assert.equal(0, (run()))
    local before = lines()
    local code, out = run()
    assert.equal(0, code, out)
    assert.same(before, lines())
  end)

  it("adds the schema where config asks for it", function()
    allow()
    assert.equal(0, (run { "--set", "tag_schema_json=true" }))
    local row = json.decode(lines()[1])
    assert.truthy(row.schema.tables.customer)
    assert.is_nil(row.schema.tables.product)
  end)
end)

describe("sample.text", function()
  local catalog = require "nlsql.catalog"
  local pg = require "nlsql.pg"
  local sample = require "nlsql.sample"

  it("keeps the rows of a prompt to a budget: the first of each table before the second of any", function()
    local db <close> = assert(pg.open(support.demo(), { sessions = 1 }))
    local settings = { demo = true, limits = { max_field = 65536 } }
    local ctx = { db = db, schema = assert(catalog.load(db, {})), settings = settings }
    ctx.anon = require("nlsql.anon").open(settings, ctx.schema, nil, db)
    local refs = { "product", "review", "brand" }
    local few = sample.text(ctx, refs, 2)
    assert.falsy(few:find("left out", 1, true))
    local many = sample.text(ctx, refs, 100)
    assert.truthy(many:find("\n(further rows are left out)", 1, true))
    assert.is_true(catalog.tokens(many) < 6100, tostring(catalog.tokens(many)))
    local n = {}
    for ref in many:gmatch("%f[^\n\0]([%a_]+): {") do n[ref] = (n[ref] or 0) + 1 end
    for _, ref in ipairs(refs) do
      assert.is_true(n[ref] > 2 and n[ref] < 100 or n[ref] == 32 and ref == "brand", ref .. " " .. tostring(n[ref]))
    end
  end)
end)
