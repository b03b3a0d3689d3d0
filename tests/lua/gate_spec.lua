-- What the first gate lets through in a database full of traps, what configuration allows besides, and what it
-- says where the server's grammar is newer than the parser's.
local catalog = require "nlsql.catalog"
local gates = require "nlsql.gates"
local pg = require "nlsql.pg"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"

local function open_traps()
  local db = assert(pg.open(support.database("hostile", { "tests/data/hostile/setup.sql" })))
  return db, assert(catalog.load(db, { schemas = { "public", "hidden" } }))
end

describe("the safe gate among traps", function()
  local db, schema

  setup(function() db, schema = open_traps() end)
  teardown(function() db:close() end)

  local function safe(text, policy)
    local statement <close> = assert(sql.parse(text))
    return statement:safe(schema, policy)
  end

  for _, query in ipairs {
    "SELECT total, name, city FROM paid_orders",
    "SELECT who FROM own_tenant", -- its policy asks who is asking, and may
    "SELECT name FROM plainly_indexed",
    "SELECT status FROM m_stored",
    "SELECT n FROM v_plus",
    "SELECT 5::fine, NULL::fine",
    "SELECT note, n FROM guarded",
    "SELECT feeling FROM customers",
    "SELECT * FROM customers WHERE city = 'Oslo' AND id = 1",
    "SELECT feeling, count(*) FROM customers GROUP BY feeling ORDER BY feeling DESC",
    "SELECT DISTINCT feeling FROM customers WHERE name LIKE 'A%'",
    "SELECT 'ok'::mood",
    "SELECT sum(abs(total)) FROM orders WHERE id = 2 OR status IN ('paid')",
    "SELECT json_agg(o) FROM orders o",
    "SELECT name::varchar(3), id::text FROM customers",
    "WITH v_function AS (SELECT 1 AS s) SELECT s FROM v_function",
    "SELECT o.status, (o).total FROM orders o",
    "SELECT tableoid::regclass, c.tableoid::regclass FROM customers c",
  } do
    it("passes " .. query, function()
      assert.equal("", select(2, safe(query)) or "")
      assert.equal("done", db:probe(query, { execute = true }).stage)
    end)
  end

  --- Each is refused without the policy, and passes with it.
  for _, case in ipairs {
    { "SELECT s FROM v_function", { functions = { "public.spring" } } },
    { "SELECT s FROM v_deep", { functions = { "spring" } } },
    { "SELECT 'x'::checked", { functions = { "spring_immutable" } } },
    { "SELECT '{x}'::nested[]", { functions = { "public.spring_immutable" } } },
    { "SELECT name FROM customers WHERE feeling = 'ok'", { functions = { "same_mood" } } },
    { "SELECT abs(feeling) FROM customers", { functions = { "public.abs" } } },
    { "SELECT feeling::int FROM customers", { functions = { "mood_to_int" } } },
    { "SELECT to_json(feeling) FROM customers", { functions = { "mood_to_json" } } },
    { "SELECT name FROM tenants", { functions = { "spring_number" } } },
    { "SELECT id FROM v_lateral", { functions = { "public.spring_number" } } },
    { "SELECT n FROM v_hidden", { functions = { "hidden.leak" } } },
    { "SELECT name FROM indexed", { functions = { "spring_quietly" } } },
    { "SELECT id FROM v_builtin", { functions = { "pg_sleep" } } },
    { "SELECT ## 0.0", { functions = { "pg_sleep" } } },
    { "SELECT 0::slow", { functions = { "pg_sleep" } } },
    { "SELECT id FROM far_orders", { foreign_tables = true } },
    { "SELECT id FROM measured", { foreign_tables = true } },
    { "SELECT id FROM v_far", { foreign_tables = true } },
    { "SELECT rolname FROM v_catalog", { system_catalogs = true } },
    { "SELECT relname FROM pg_class", { system_catalogs = true } },
  } do
    it("passes only where it is allowed: " .. case[1], function()
      assert.is_nil((safe(case[1])))
      assert.is_nil((safe(case[1], { functions = { "something_else", "other.spring" } })))
      assert.equal("", select(2, safe(case[1], case[2])) or "")
    end)
  end

  it("does not take a bare name for a function of a schema that is not searched", function()
    assert.is_nil((safe("SELECT n FROM v_hidden", { functions = { "leak" } })))
  end)

  it("says what a database column would have to be called, not that it is a function", function()
    assert.equal('column "citty" does not exist in customers (did you mean "city"?)',
      select(2, safe("SELECT customers.citty FROM customers")))
    assert.equal('type pair is not known', select(2, safe("SELECT NULL::pair", { functions = { "spring_immutable" } })))
  end)
end)

describe("what no parser here can read", function()
  local db, schema

  setup(function() db, schema = open_traps() end)
  teardown(function() db:close() end)

  for _, query in ipairs {
    "SELECT * FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (a int PATH '$', b numeric(8, 2) PATH '$.b')) AS t;",
    "SELECT name IS JSON, 1_000 FROM customers WHERE lower(name) LIKE 'a%' AND id IN (1, 2_0) ORDER BY 2;",
    "WITH big (n) AS (SELECT count(*) FROM orders WHERE total > 1_000) SELECT n::numeric(8, 2), round(n / 2) FROM big",
    "SELECT 'DELETE FROM x; SELECT pg_sleep(1)', $a$; pg_sleep(2) $a$, 1_0 -- pg_sleep(3);\n /* ; pg_sleep(4) */ FROM customers",
    "SELECT avg(o.total) FILTER (WHERE o.id > 1_0) OVER (PARTITION BY o.customer_id) FROM orders o",
    "SELECT json_array(name), coalesce(name, 'x'), pg_catalog.upper(name) FROM customers c",
    "SELECT c.update FROM customers c WHERE 1_0 > 1", "SELECT 1_0 FROM public.guarded g JOIN guarded ON true",
    "(SELECT 1_0)", "SELECT share, c.user, 0x1F, 1.5_0 FROM customers c",
    "WITH RECURSIVE spring (n) AS (SELECT 1_0) SELECT n, 'ok'::mood, random(), pg_catalog.random() FROM spring AS status (n)",
    "SELECT (c).name, e\"x\"\"y\", U&'\\', 5::fine, N'\\' || E'\\'' FROM public.customers c",
  } do
    it("may be left to the server: " .. query:sub(1, 60), function()
      local fine, why = sql.unread(query, schema)
      assert.is_true(fine, why)
    end)
  end

  for query, reason in pairs {
    ["SELECT 1_0; SELECT 2"] = "there is more than one statement", ["SELECT 1_0; ;"] = "there is more than one statement",
    ["SELECT 1_0;'x'"] = "there is more than one statement", ["DELETE FROM customers WHERE id = 1_0"] = "not a query",
    ["WITH d AS (DELETE FROM customers WHERE id = 1_0 RETURNING id) SELECT id FROM d"] = "writes or locks: delete",
    ["SELECT 1_0 INTO x"] = "writes or locks: into", ["SELECT 1_0 FROM customers FOR UPDATE"] = "writes or locks: update",
    ["SELECT 1_0 FROM customers FOR /**/ SHARE"] = "writes or locks: share",
    ["SELECT 1_0 FROM customers FOR KEY SHARE"] = "writes or locks: share",
    ["SELECT 1_0, pg_sleep(1)"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0, /**/ \"pg_sleep\" /* */ (1)"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0, U&\"pg\\005Fsleep\"(1)"] = "a name with escapes is not allowed",
    ["SELECT 1_0, x$q$, pg_sleep(1), y$q$ FROM customers"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0, E'\\'', pg_sleep(1), E'\\''"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT DISTINCT ON (1_0) nextval('x')"] = "function nextval is not allowed in newer grammar",
    ["SELECT 1_0, query_to_xml('SELECT 1', true, true, '')"] = "function query_to_xml is not allowed in newer grammar",
    ["SELECT 1_0, current_setting('port')"] = "function current_setting is not allowed in newer grammar",
    ["SELECT (ARRAY[1])[1:public.anything(2_0)]"] = "function anything is not allowed in newer grammar",
    ["SELECT (ARRAY[1])[1:anything(2_0)]"] = "function anything is not allowed in newer grammar",
    ["SELECT 1_0 FROM pg_catalog.pg_authid"] = "pg_authid is the system's own: not allowed",
    ["SELECT 1_0 FROM \"pg_authid\""] = "pg_authid is the system's own: not allowed",
    ["SELECT 1_0 FROM information_schema.tables"] = "tables is the system's own: not allowed",
    -- where comments, strings, numbers and names end
    ["SELECT 1_0 --\r, pg_sleep(1)"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0 /* /* */ pg_sleep(1) */ /*/**/*/, nextval/**/('x')"] = "function nextval is not allowed in newer grammar",
    ["SELECT 1_0, E'a'\n'\\'', pg_sleep(1) --'"] = "a string in two parts is not allowed",
    ["SELECT 1_0, e '\\', pg_sleep(1), '\\'"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0, U&'\\', pg_sleep(1), '\\'"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT $1$$ $1$ $$, 1_0, pg_sleep(1)"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0, $1$, pg_sleep(1), $1$"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0$a$ $a$, pg_sleep(1), $a$ $a$"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0, 1. INTO x FROM customers"] = "writes or locks: into",
    ["SELECT 0x1F, 1e5from, pg_sleep(1)"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0, 1..pg_sleep (1)"] = "function pg_sleep is not allowed in newer grammar",
    ["SELECT 1_0 FROM " .. ("x"):rep(64)] = ("x"):rep(63) .. "… is longer than a name may be",
    ["SELECT 1_0 FROM \"" .. ("x"):rep(70) .. "\""] = ("x"):rep(63) .. "… is longer than a name may be",
    ["SELECT 1_0 FROM \"" .. ("x"):rep(62) .. "é\""] = ("x"):rep(62) .. "\xC3… is longer than a name may be",
    ["\"select\" 1_0"] = "not a query", ["'select' 1_0"] = "not a query",
    -- what calls without looking like it
    ["SELECT 1_0, TREAT('counter' AS nextval)"] = "function treat is not allowed in newer grammar",
    ["SELECT g.pg_sleep, 1_0 FROM generate_series(5, 5) g"] = "pg_sleep is the system's own: not allowed",
    ["SELECT g.nextval, 1_0 FROM lower('counter') g"] = "function nextval is not allowed in newer grammar",
    ["SELECT (g).\"nextval\", 1_0 FROM lower('counter') g"] = "function nextval is not allowed in newer grammar",
    ["SELECT g.status, 1_0 FROM generate_series(1, 1) g"] = "function status is not allowed in newer grammar",
    ["SELECT g.initcap, 1_0 FROM generate_series(1, 1) g"] = "function initcap is not allowed in newer grammar",
    ["SELECT initcap(1_0)"] = "function initcap is not allowed in newer grammar",
    ["SELECT 1_0, current_user"] = "current_user tells about the session: not allowed",
    ["SELECT 1_0, 'x'::checked"] = "type checked calls public.spring_immutable, which is not allowed",
    ["SELECT CAST(1_0 AS public.slow)"] = "type slow: function pg_sleep is not allowed",
    ["SELECT 1_0, g.checked FROM lower('x') g"] = "type checked calls public.spring_immutable, which is not allowed",
    ["SELECT 1_0, 'pg_authid'::regclass"] = "type regclass is not allowed: it reads the system catalogs",
    ["SELECT 1_0, g.regrole FROM generate_series(10, 10) g"] = "type regrole is not allowed: it reads the system catalogs",
    ["SELECT CAST('(1,x,1)' AS guarded), 1_0"] = "type checked calls public.spring_immutable, which is not allowed",
    ["SELECT NULL::guarded, 1_0"] = "type checked calls public.spring_immutable, which is not allowed",
    ["SELECT public.guarded E'(1,x,1)', 1_0"] = "type checked calls public.spring_immutable, which is not allowed",
    ["SELECT guarded $$(1,x,1)$$, 1_0"] = "type checked calls public.spring_immutable, which is not allowed",
    ["SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (\"from\" guarded)) AS t"] =
      "type checked calls public.spring_immutable, which is not allowed",
    ["SELECT 1_0, 'x'::checked(1)"] = "function checked is not allowed in newer grammar",
    ["SELECT 1_0 FROM tenants"] = "table tenants: its row-level security calls public.spring_number, which is not allowed",
    ["SELECT 1_0 FROM v_function"] = true, -- a view that calls what it may not: in the words of the whole gate
  } do
    it("falls all the same: " .. query:sub(1, 60), function()
      local fine, why = sql.unread(query, schema)
      assert.is_nil(fine)
      if reason == true then
        local statement <close> = assert(sql.parse("SELECT * FROM v_function"))
        reason = select(2, statement:safe(schema))
      end
      assert.equal(reason, why)
    end)
  end

  it("may call what configuration allows", function()
    assert.is_true((sql.unread("SELECT 1_0, anything(2)", schema, { functions = { "anything" } })))
    assert.is_true((sql.unread("SELECT 1_0, public.anything(2)", schema, { functions = { "public.anything" } })))
    assert.is_true((sql.unread("SELECT 1_0 FROM pg_class", schema, { system_catalogs = true })))
  end)
end)

describe("a newer grammar", function()
  --- A catalog of a server that says it is of that version; only that is asked of it.
  local db, schema, version
  setup(function()
    db = assert(pg.open(support.database("postgres")))
    schema = assert(catalog.load(db))
    version = select(2, schema:version()) // 10000
  end)
  teardown(function() db:close() end)

  local ctx = function(newer_grammar)
    return { db = db, schema = schema, settings = { limits = {}, gates = {}, safe = { newer_grammar = newer_grammar } } }
  end
  local query = "SELECT * FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (a int PATH '$')) AS t;"

  it("is refused with that reason where the server is newer, else as the slip that it is", function()
    local verdict = gates.check(ctx "refuse", {}, { question = "q", sql = query })
    assert.equal("parse", verdict.gate)
    assert.equal(version >= 17, verdict.reason == "JSON_TABLE is newer grammar than PostgreSQL 15's, which is what can be checked",
      verdict.reason)
    assert.equal(version < 17, verdict.reason:find("syntax error", 1, true) ~= nil)
  end)

  it("is left to the server where configuration says so", function()
    local verdict = gates.check(ctx "server", {}, { question = "q", sql = query })
    assert.equal(version >= 17, verdict.ok, verdict.reason)
    if verdict.ok then assert.equal(2, verdict.probe.n_rows) end
    local stacked = gates.check(ctx "server", {}, { question = "q", sql = query .. " COMMIT" })
    assert.equal(version >= 17 and "safe" or "parse", stacked.gate)
  end)

  it("leaves plain errors alone", function()
    for _, text in ipairs { "SELECT FROM FROM", "SELECT 'is json' FROM FROM", "SELECT 'json_table(' x y z" } do
      assert.is_nil(sql.newer(text, schema))
    end
  end)
end)
