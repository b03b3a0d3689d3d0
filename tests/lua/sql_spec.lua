-- The binding of the SQL parser, gate, facts and keys, over a catalog read from a real database.
local catalog = require "nlsql.catalog"
local pg = require "nlsql.pg"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"

describe("nlsql.sql", function()
  local schema

  setup(function()
    local db = assert(pg.open(support.database("sql_shop", { "tests/data/sql_shop.sql" })))
    schema = assert(catalog.load(db, { schemas = { "public", "Sales" } }))
    db:close()
  end)

  local function facts(text, tables)
    return assert(assert(sql.parse(text)):facts(schema, tables))
  end

  it("keeps the text less its final semicolon", function()
    assert.equal("SELECT ';'", assert(sql.parse(" SELECT ';' ;\n")):text())
  end)

  it("says where the syntax is wrong, and what is not one statement", function()
    local statement, message, code = sql.parse("SELECT\n  FROM FROM x")
    assert.is_nil(statement)
    assert.equal('syntax error at or near "FROM" (line 2, column 8)', message)
    assert.equal("invalid", code)
    assert.same({ nil, "2 statements where one was expected", "invalid" },
      { sql.parse("SELECT 1; SELECT 2") })
    assert.equal("limit", select(3, sql.parse("SELECT " .. ("1 + "):rep(5000) .. "1")))
  end)

  it("gives the reason why a query is not safe", function()
    assert.is_true(assert(sql.parse("SELECT count(*) FROM orders")):safe(schema))
    local safe, reason = assert(sql.parse("SELECT pg_sleep(1)")):safe(schema)
    assert.is_nil(safe)
    assert.equal("function pg_sleep is not allowed", reason)
  end)

  it("allows what the policy lists", function()
    local own = assert(sql.parse("SELECT good_rank(1)"))
    assert.is_nil((own:safe(schema)))
    assert.is_true(own:safe(schema, { functions = { "good_rank" } }))
    local system = assert(sql.parse("SELECT relname FROM pg_class"))
    assert.is_nil((system:safe(schema, {})))
    assert.is_true(system:safe(schema, { system_catalogs = true }))
  end)

  it("tells what a query is about", function()
    local got = facts("SELECT c.name, sum(o.total) AS spent FROM customers c "
      .. "JOIN orders o ON o.customer_id = c.id WHERE o.status = 'paid' "
      .. "GROUP BY c.name ORDER BY spent DESC LIMIT 3")
    assert.same({ "customers", "orders" }, got.tables)
    assert.same({ "customers.name", "orders.total", "orders.customer_id", "customers.id", "orders.status" },
      got.columns)
    assert.same({ "sum" }, got.functions)
    assert.same({ "paid", "3" }, got.literals)
    assert.same({ "aggregate", "group_by", "join", "limit", "order_by" }, got.constructs)
    assert.same({}, got.unknown)
    assert.is_nil(got.ambiguous)
    assert.same({ 2, true, 2 }, { got.joined, got.ordered, got.output_columns })
  end)

  it("names what does not exist, is not given, or is ambiguous", function()
    assert.same({ 'column "naem" does not exist in customers (did you mean "name"?)' },
      facts("SELECT naem FROM customers").unknown)
    assert.same({ 'table "orders" is not among those given' },
      facts("SELECT 1 FROM orders", { "customers" }).unknown)
    assert.equal('column "id" is ambiguous: say which table\'s it is',
      facts("SELECT id FROM orders, items").ambiguous)
    assert.same({ '"Sales".orders' }, facts('SELECT 1 FROM "Sales".orders', { '"Sales".orders' }).tables)
  end)

  it("gives two keys of 16 bytes", function()
    local a, a_masked = assert(sql.parse("SELECT name FROM customers WHERE id = 1")):keys()
    local b, b_masked = assert(sql.parse("select c.NAME from Customers c where 1 = c.id")):keys()
    local other, other_masked = assert(sql.parse("SELECT name FROM customers WHERE id = 2")):keys()
    assert.equal(16, #a)
    assert.equal(16, #a_masked)
    assert.equal(a, b)
    assert.equal(a_masked, b_masked)
    assert.not_equal(a, other)
    assert.equal(a_masked, other_masked)
  end)

  it("can be closed more than once, and says so when it is used after that", function()
    local statement
    do
      local closing <close> = assert(sql.parse("SELECT 1"))
      statement = closing
    end
    statement:close()
    assert.has_error(function() statement:text() end,
      "calling 'text' on bad self (this statement is closed)")
  end)

  it("raises for a caller's mistake only", function()
    local statement = assert(sql.parse("SELECT 1"))
    assert.has_error(function() sql.parse() end)
    assert.has_error(function() statement:safe({}) end)
    assert.has_error(function() statement:facts(schema, { "no such table" }) end,
      "there is no table no such table")
    assert.has_error(function() statement:safe(schema, { functions = { {} } }) end)
  end)
end)
