-- What config.yaml says about the database: tables to read, relations by hand, notes, examples, the
-- language; against a real PostgreSQL, the real program and a real endpoint.
local briefing = require "nlsql.briefing"
local catalog = require "nlsql.catalog"
local handwritten = require "nlsql.handwritten"
local introspect = require "nlsql.introspect"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local relation = require "nlsql.grammar.relation"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local LINES = '"Sales"."Order Lines"'

describe("handwritten.read", function()
  local good = {
    { "orders.customer_id -> customers.id", "orders", { "customer_id" }, "customers", { "id" } },
    { "  orders.customer_id->customers.id ", "orders", { "customer_id" }, "customers", { "id" } },
    { "(a.x, a.y) -> (b.x, b.y)", "a", { "x", "y" }, "b", { "x", "y" } },
    { "(a.x) -> b.y", "a", { "x" }, "b", { "y" } },
    { 'Sales."Order Lines"."Region.Id" -> "Sales"."Re""gion".id', 'Sales."Order Lines"', { "Region.Id" },
      '"Sales"."Re""gion"', { "id" } },
    { '"a -> b".x -> c."y, z"', '"a -> b"', { "x" }, "c", { "y, z" } },
    { { from = "a.x", to = "b.y" }, "a", { "x" }, "b", { "y" } },
    { { from = { "a.x", "a.y" }, to = "(b.x, b.y)" }, "a", { "x", "y" }, "b", { "x", "y" } },
  }
  for _, case in ipairs(good) do
    it("reads " .. (type(case[1]) == "string" and case[1] or json.encode(case[1])), function()
      local got = assert(handwritten.read(case[1]))
      assert.same({ case[2], case[3], case[4], case[5] }, { got.from, got.columns, got.to, got.referred })
    end)
  end

  local bad = {
    { "orders.customer_id", "^expected \"orders.customer_id" },
    { "a.x -> b.y -> c.z", "^expected" },
    { "customer_id -> customers.id", "is not two columns that are named with their tables" },
    { "orders.customer_id -> ", "is not two columns" },
    { 'orders."customer_id -> customers.id', "^expected" },
    { "(a.x, b.y) -> (c.x, c.y)", "names columns of two tables on one side, a and b" },
    { "(a.x, a.y) -> b.x", "relates 2 columns to 1" },
    { "a b.x -> c.y", "is not two columns" },
    { { from = "a.x" }, "^expected" },
    { { from = {}, to = "b.x" }, "is not two columns" },
    { 5, "^expected" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. (type(case[1]) == "table" and json.encode(case[1]) or tostring(case[1])), function()
      local got, why = handwritten.read(case[1])
      assert.is_nil(got)
      assert.truthy(why:find(case[2]), why)
    end)
  end
end)

describe("introspect.load", function()
  local db
  setup(function() db = assert(pg.open(shop.url())) end)
  teardown(function() db:close() end)

  it("reads the tables that are wanted, and keys between those only", function()
    local schema = assert(introspect.load(db, { schemas = { "public", "Sales" },
      tables = { include = { "purchase*", "Sales.*" }, exclude = { '"Region"' } } }))
    assert.same({ LINES, "purchase", "purchase_line" }, schema:names())
    local edges = schema:edges()
    assert.equal(1, #edges)
    assert.equal("purchase_line", edges[1].from)
    assert.is_true(edges[1].declared)
  end)

  local CHOSEN = {
    { { include = { "purchase", "custmer" } }, { ["tables.include[2]"] = "config.yaml:3:9" },
      'config.yaml:3:9: tables.include[2]: no table matches "custmer" (did you mean customer?)' },
    { { include = { "custmer" } }, { ["tables[1]"] = "config.yaml:3:9" },
      'config.yaml:3:9: tables[1]: no table matches "custmer" (did you mean customer?)' },
    { { exclude = { "x.y.z" } }, { tables = "--set tables=x" },
      '--set tables=x: tables.exclude[1]: the pattern "x.y.z" has more than one dot' },
    { { exclude = { "*" } }, { tables = "config.yaml:2:3" },
      "config.yaml:2:3: tables: no table is left of those that can be read" },
  }
  for _, case in ipairs(CHOSEN) do
    it("complains: " .. case[3], function()
      local got, message, code = introspect.load(db, { tables = case[1], places = case[2] })
      assert.is_nil(got)
      assert.equal("config", code)
      assert.equal(case[3], message:sub(1, #case[3]))
    end)
  end

  it("adds relations by hand, once, marked as such", function()
    local schema = assert(introspect.load(db, { relations = {
      "product.product_id -> purchase.purchase_id", "purchase.customer_id -> customer.customer_id",
      "(Purchase_Line.purchase_id, purchase_line.LINE_NO) -> (purchase.purchase_id, purchase.customer_id)",
    } }))
    local by_hand = {}
    for _, edge in ipairs(schema:edges()) do
      if not edge.declared then by_hand[#by_hand + 1] = { edge.from, edge.columns, edge.to, edge.referred_columns } end
    end
    assert.same({
      { "product", { "product_id" }, "purchase", { "purchase_id" } },
      { "purchase_line", { "purchase_id", "line_no" }, "purchase", { "purchase_id", "customer_id" } },
    }, by_hand)
    local shown = json.decode((schema:render { format = "json", tables = { "product", "purchase" } })).tables
    assert.equal("purchase", shown.product.foreign_keys[1].referred_table)
  end)

  it("complains of all that is not there, each with its place", function()
    local got, message, code = introspect.load(db, {
      relations = { "purchas.x -> product.y", "purchase.custmer_id -> customer.customer_id",
        "purchase.bought_on -> customer.customer_id", "purchase.bought_on -> nowhere.customer_id" },
      notes = { ["*"] = "all", custmer = "people", purchase = "bought" },
      examples = { { question = "q", sql = "SELECT nme FROM customer", tables = { "customer", "prodct" } },
        { question = "q", sql = "SELEC" } },
      places = { ["relations[1]"] = "config.yaml:1:13", ["notes.custmer"] = "config.yaml:7:3",
        ["examples[1].sql"] = "config.yaml:9:5", ["examples[1].tables[2]"] = "config.yaml:10:5" },
    })
    assert.is_nil(got)
    assert.equal("config", code)
    local lines = {}
    for line in message:gmatch("[^\n]+") do lines[#lines + 1] = line end
    local wanted = {
      "config.yaml:1:13: relations[1]: there is no table purchas (did you mean purchase?)",
      "relations[2]: purchase has no column custmer_id (did you mean customer_id?)",
      "relations[3]: purchase.bought_on is of type date, customer.customer_id of type integer: they cannot be compared",
      "relations[4]: there is no table nowhere",
      "config.yaml:7:3: notes.custmer: there is no table custmer (did you mean customer?)",
      "config.yaml:9:5: examples[1].sql: ",
      "config.yaml:10:5: examples[1].tables[2]: there is no table prodct (did you mean product?)",
      "examples[2].sql: ",
    }
    assert.equal(#wanted, #lines, message)
    for i, want in ipairs(wanted) do assert.equal(want, lines[i]:sub(1, #want)) end
  end)
end)

describe("the grammar's look at a relation by hand", function()
  it("asks the data what a declared key would promise", function()
    local db = assert(pg.open(support.database("keyless", { "tests/data/odd/keyless.sql" })))
    local schema = assert(catalog.load(db))
    local tables = {}
    for _, ref in ipairs(schema:names()) do tables[ref] = schema:table(ref) end
    local function look(from, column, to, referred)
      local edge = { from = from, columns = { column }, to = to, referred_columns = { referred } }
      return relation.leads_to_one(db, tables, edge), edge.orphans
    end
    assert.same({ true, false }, { look("writes", "aid", "author", "aid") })
    assert.same({ true, true }, { look("publication", "citations", "author", "aid") })
    assert.same({ false }, { look("author", "aid", "writes", "aid") })
    db:close()
  end)
end)

describe("a briefing", function()
  local db, schema
  setup(function()
    db = assert(pg.open(shop.url()))
    schema = assert(catalog.load(db))
  end)
  teardown(function() db:close() end)

  local NOTES = { ["*"] = "Sums are net.", purchase = "One visit.", customer = "People." }

  it("has the notes about everything and those of the tables shown", function()
    local brief = assert(briefing.open(schema, { notes = NOTES }))
    assert.equal("Sums are net.\n- customer: People.\n- purchase: One visit.", brief:notes())
    assert.equal("Sums are net.\n- purchase: One visit.", brief:notes { "product", "purchase" })
    assert.equal("Sums are net.", brief:notes {})
    assert.equal("Net.", assert(briefing.open(schema, { notes = "Net." })):notes { "product" })
    assert.is_nil(assert(briefing.open(schema, { notes = { customer = "People." } })):notes { "product" })
    assert.is_nil(assert(briefing.open(schema, {})):notes())
  end)

  it("has the examples whose tables are shown, and a handful at most", function()
    local list = { { question = "a?", sql = "SELECT 1" },
      { question = "b?", sql = "SELECT 2", tables = { "Customer", "purchase" } } }
    local brief = assert(briefing.open(schema, { examples = list }))
    local a, b = '{"question":"a?","sql":"SELECT 1"}', '{"question":"b?","sql":"SELECT 2"}'
    assert.equal(a .. "\n" .. b, brief:pairs())
    assert.equal(a .. "\n" .. b, brief:pairs { "customer", "product", "purchase" })
    assert.equal(a, brief:pairs { "customer" })
    for i = 1, 20 do list[i] = { question = i .. "?", sql = "SELECT " .. i } end
    local _, n = assert(briefing.open(schema, { examples = list })):pairs():gsub("\n", "")
    assert.equal(briefing.MOST_EXAMPLES, n + 1)
  end)

  it("gives way to what a phase gives itself", function()
    local brief = assert(briefing.open(schema, { notes = "Net.", language = "German" }))
    assert.same({ notes = "mine", examples = false, language = "German", count = 5 },
      brief:fill({ notes = "mine", count = 5 }, nil))
  end)
end)

describe("the program, told of the database", function()
  local dir, endpoint

  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function start(list)
    endpoint = support.endpoint { "--log", dir .. "/requests",
      "--script", support.write_json_lines(dir .. "/rules.jsonl", list) }
  end

  local function run(source, arguments, url)
    support.write(dir .. "/config.yaml", source)
    local variables = { DATABASE_URL = url or shop.url(), OPENAI_API_KEY = "sk-test-0123456789",
      OPENAI_BASE_URL = endpoint and endpoint.url }
    return support.nlsql(dir, arguments or { "run", "joins", "--set", "count=1", "--set", "total_table_pairs=1" }, variables)
  end

  --- Requests as the endpoint got them, by the text that marks their prompt.
  local function request(mark)
    for _, line in ipairs(support.lines(dir .. "/requests")) do
      local logged = json.decode(line)
      local body = logged.body or logged
      if type(body) == "string" then body = json.decode(body) end
      local said = ""
      for _, message in ipairs(body.messages or {}) do said = said .. message.content .. "\n" end
      if said:find(mark, 1, true) then return said, body end
    end
    error("no request has: " .. mark .. "\n" .. (support.read(dir .. "/requests") or ""))
  end

  local RIGHT = { question = shop.BY_COUNTRY.question, sql = shop.BY_COUNTRY.sql }

  it("keeps a table that is left out from prompts, and from queries", function()
    start { shop.sets { "customer", "purchase", "product" }, { pairs = { RIGHT, shop.BY_PRODUCT } } }
    local code, _, err = run("tables: {exclude: [prod*]}\n")
    assert.equal(0, code, err)
    assert.truthy(request("different sets of tables"):find('"customer"', 1, true))
    assert.is_nil(support.read(dir .. "/requests"):find("price", 1, true)) -- a column of it
    local out
    code, out, err = run("tables: {exclude: [prod*]}\n", { "run", "joins", "--fresh", "--set", "count=2", "--set",
      "total_table_pairs=1", "--set", "max_attempts=1" })
    assert.equal(7, code, err)
    assert.truthy(out:find("grounded%s+1\n"), out) -- BY_PRODUCT reads it
  end)

  it("shows them to `nlsql schema` the same way", function()
    local code, out = run("schemas: [Sales]\ntables: [\"*region\"]\n", { "schema" })
    assert.equal(0, code)
    assert.truthy(out:find('"Sales"."Region"', 1, true) and not out:find("Order Lines", 1, true), out)
    local _, _, err = run("tables: [purch]\n", { "schema" })
    assert.truthy(err:find("config.yaml:1:10: tables[1]: no table matches \"purch\"", 1, true), err)
    code, _, err = run("relations: ['purchase.customer -> customer.customer_id']\n", { "schema" })
    assert.equal(3, code)
    assert.truthy(err:find("config.yaml:1:13: relations[1]: purchase has no column customer", 1, true), err)
    code, out = run("relations: ['product.product_id -> purchase.purchase_id']\n", { "schema" })
    assert.equal(0, code)
    assert.truthy(out:find("FOREIGN KEY (product_id) REFERENCES purchase (purchase_id)", 1, true), out)
  end)

  it("has notes, examples and the language in the prompts", function()
    start { shop.sets { "customer", "purchase" }, { pairs = { RIGHT } } }
    local code, _, err = run([[
notes: {"*": All sums are net., purchase: A visit to the till., product: Not for sale.}
language: German
examples:
  - {question: Wie viele?, sql: SELECT count(*) FROM customer}
  - {question: Was kostet es?, sql: SELECT price FROM product, tables: [product]}
]])
    assert.equal(0, code, err)
    local asked = request("different pairs")
    assert.truthy(asked:find("All sums are net.\n- purchase: A visit to the till.", 1, true), asked)
    assert.is_nil(asked:find("Not for sale", 1, true))
    assert.truthy(asked:find('{"question":"Wie viele?","sql":"SELECT count(*) FROM customer"}', 1, true), asked)
    assert.is_nil(asked:find("Was kostet", 1, true))
    assert.truthy(asked:find("is in plain German, as", 1, true), asked)
    assert.truthy(request("different sets of tables"):find("- product: Not for sale.", 1, true))
  end)

  it("lets a phase have its own model, temperature, limit and notes", function()
    start { shop.sets { "customer", "purchase" }, { pairs = { RIGHT } } }
    local code, _, err = run([[
notes: for the others
openai_model: top-model
temperature: 0.9
max_tokens: 999
phases:
  - name: joins
    notes: for joins alone
    openai_model: own-model
    temperature: 0.3
    max_tokens: 777
    count: 1
    total_table_pairs: 1
]], { "run" })
    assert.equal(0, code, err)
    local said, body = request("different pairs")
    assert.same({ "own-model", 0.3, 777 }, { body.model, body.temperature, body.max_completion_tokens or body.max_tokens })
    assert.truthy(said:find("for joins alone", 1, true) and not said:find("for the others", 1, true))
  end)

  it("has the offline grammar join along relations by hand", function()
    local url = support.database("keyless", { "tests/data/odd/keyless.sql" })
    local code, _, err = run("discover: off\n", { "run", "joins", "--provider", "offline", "--count", "3", "--set",
      "total_table_pairs=1" }, url)
    assert.not_equal(0, code, err)
    code, _, err = run([[
discover: off
relations:
- writes.aid -> author.aid
- {from: writes.pid, to: publication.pid}
- author.aid -> writes.aid
]], { "run", "joins", "--provider", "offline", "--count", "3", "--set", "total_table_pairs=1", "--fresh" }, url)
    assert.equal(0, code, err)
    assert.truthy(err:find("leaves out the relation author (aid) -> writes (aid): there are rows of writes that are alike in it",
      1, true), err)
    for _, row in ipairs(shop.dataset(dir)) do assert.truthy(row.sql:find("JOIN", 1, true), row.sql) end
    assert.equal(3, #shop.dataset(dir))
  end)

  it("refuses another language offline", function()
    local code, _, err = run("language: German\n", { "run", "joins", "--provider", "offline", "--count", "3" })
    assert.equal(3, code)
    assert.truthy(err:find("the offline grammar writes English only, not German", 1, true), err)
    code, _, err = run("language: English\n", { "run", "joins", "--provider", "offline", "--count", "1",
      "--set", "total_table_pairs=1" })
    assert.equal(0, code, err)
  end)
end)
