-- The binding of introspection: the shop of tests/data/shop.sql, whose schema "Sales" is off the path.
local catalog = require "nlsql.catalog"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local shop = require "tests.lua.shop"

describe("nlsql.catalog", function()
  local db, cat
  local LINES = '"Sales"."Order Lines"'

  setup(function()
    db = assert(pg.open(shop.url()))
    cat = assert(catalog.load(db, { schemas = { "public", "Sales" } }))
  end)
  teardown(function() db:close() end)

  it("lists tables as SQL names them", function()
    assert.same({ LINES, '"Sales"."Region"', "customer", "product", "purchase", "purchase_line" },
      cat:names())
    assert.same({ "public", "Sales" }, cat:schemas())
    assert.same({}, cat:other_schemas())
    assert.same({}, cat:denied())
    local version, number = cat:version()
    assert.equal(math.tointeger(version:match("^%d+")), number // 10000)
  end)

  it("reads the schemas of the search path where none is named", function()
    local own = assert(catalog.load(db))
    assert.same({ "customer", "product", "purchase", "purchase_line" }, own:names())
    assert.same({ "Sales" }, own:other_schemas())
  end)

  it("finds a table however a person writes it", function()
    local ways = { LINES, '"Order Lines"', "sales.order lines", "Sales.Order Lines", "ORDER LINES" }
    for _, text in ipairs(ways) do
      assert.equal(LINES, cat:find(text), text)
    end
    assert.equal("customer", cat:find("public.Customer"))
    assert.equal("customer", cat:find("shop.public.customer"))
    assert.is_nil(cat:find("custmer"))
    assert.is_nil(cat:find("hidden.customer"))
    assert.is_nil(cat:find(""))
    assert.is_nil(cat:find(("x"):rep(1000)))
  end)

  it("names the nearest table", function()
    assert.equal("customer", cat:nearest("custmer"))
    assert.equal(LINES, cat:nearest("Order Line"))
    assert.is_nil(cat:nearest("nothing like it"))
  end)

  it("tells of a table what is known", function()
    local t = cat:table("purchase_line")
    assert.equal("table", t.kind)
    assert.equal(800, t.rows)
    assert.same({ "purchase_id", "line_no" }, t.primary)
    local quantity = t.columns[4]
    assert.equal("pieces", quantity.comment)
    assert.equal("1", quantity.default)
    assert.is_true(quantity.not_null)
    assert.equal("N", quantity.category)
    assert.equal(4, quantity.distinct)
    assert.equal(0, quantity.null_fraction)
    assert.equal(4, #quantity.common)
    assert.equal("product", t.foreign[1].referred)
    assert.same({ "happy", "neutral", "angry" }, cat:table("customer").columns[4].labels)
    assert.equal("CHECK ((price > (0)::numeric))", cat:table("product").checks[1].expression)
    assert.is_nil(cat:table("no_such"))
  end)

  it("lists foreign keys between the tables that were read", function()
    local from = {}
    for _, edge in ipairs(cat:edges()) do from[#from + 1] = edge.from .. " " .. edge.to end
    assert.same({ LINES .. ' "Sales"."Region"', "customer customer", "purchase customer",
      "purchase_line product", "purchase_line purchase" }, from)
    assert.same({ "RegionId" }, cat:edges()[1].columns)
  end)

  it("renders a part, and says what it cut", function()
    local text, cut, tokens = cat:render { format = "json", tables = { LINES } }
    assert.is_nil(cut)
    assert.equal(catalog.tokens(text), tokens)
    local columns = json.decode(text).tables[LINES].columns
    assert.equal("integer", columns['"LineId"'].type)
    assert.equal("text", columns['"select"'].type)
    text, cut = cat:render { format = "ddl", max_tokens = 60 }
    assert.matches("^CREATE TABLE", text)
    assert.matches("^left out: ", cut)
    assert.error_matches(function() cat:render { tables = { "no_such" } } end, "there is no table no_such")
    assert.error_matches(function() cat:render { format = "html" } end, "invalid option 'html'")
  end)

  it("returns what the world got wrong", function()
    local got, message, code = catalog.load(db, { schemas = { "sales" } })
    assert.is_nil(got)
    assert.matches('there is no schema "sales" %(did you mean "Sales"%?', message)
    assert.equal("not_found", code)
  end)

  it("raises what the caller got wrong", function()
    assert.error_matches(function() catalog.load("url") end, "bad argument #1")
    assert.error_matches(function() catalog.load(db, { schemas = { 1.5, {} } }) end, "string expected")
    assert.error_matches(function() catalog.load(db, { schemas = "public" }) end, "schemas")
  end)

  it("takes relations by hand, and raises where the caller did not look", function()
    local own = assert(catalog.load(db))
    assert.is_true(own:relate("product", { "product_id" }, "purchase", { "purchase_id" }))
    assert.is_false(own:relate("product", { "product_id" }, "purchase", { "purchase_id" }))
    assert.is_false(own:relate("purchase", { "customer_id" }, "customer", { "customer_id" }))
    assert.equal("purchase", own:table("product").foreign[1].referred)
    assert.is_false(own:table("product").foreign[1].declared)
    local got, message, code = own:relate("product", { "id" }, "purchase", { "purchase_id" })
    assert.same({ nil, 'product has no column "id" that can be read', "invalid" }, { got, message, code })
    assert.error_matches(function() own:relate("prodct", { "a" }, "purchase", { "b" }) end, "there is no such table")
    assert.error_matches(function() own:relate("product", { "a" }, "purchase", {}) end, "as many columns on each side")
    assert.error_matches(function() own:relate("product", {}, "purchase", {}) end, "as many columns on each side")
    assert.error_matches(function() own:relate("product", { 5 }, "purchase", { "b" }) end, "string expected")
  end)

  it("reads the tables that patterns name", function()
    assert.same({ "purchase", "purchase_line" }, assert(catalog.load(db, { include = { "purch*" } })):names())
    assert.same({ "purchase" }, assert(catalog.load(db, { include = { "purch*" }, exclude = { "*line" } })):names())
    local got, message, code = catalog.load(db, { include = { "purchas" } })
    assert.same({ nil, 'include[1]: no table matches "purchas" (did you mean purchase?)', "config" }, { got, message, code })
    assert.is_true(catalog.pattern("a*.b?"))
    assert.is_nil(catalog.pattern("a.b.c"))
    assert.error_matches(function() catalog.load(db, { include = "purchase" }) end, "include: expected a list of names")
  end)

  it("quotes identifiers where SQL needs it", function()
    assert.equal("customer", catalog.quote("customer"))
    assert.equal('"Order Lines"', catalog.quote("Order Lines"))
  end)
end)
