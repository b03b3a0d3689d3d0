-- Schemas that do not fit a prompt: sets of tables are asked for over neighbourhoods of the keys' graph.
-- Here with 300 tables; `./dev bench wide` measures 5,000.
local catalog = require "nlsql.catalog"
local draws = require "nlsql.grammar.draw"
local graph = require "nlsql.graph"
local json = require "nlsql.json"
local neighbourhoods = require "nlsql.neighbourhoods"
local pg = require "nlsql.pg"
local support = require "tests.lua.support"
local wide = require "tests.lua.wide"

--- The catalog of a database made from these statements.
local function schema_of(name, sql)
  local path = os.tmpname()
  support.write(path, sql)
  local db = assert(pg.open(support.database(name, { path }), { sessions = 1 }))
  os.remove(path)
  local schema = assert(catalog.load(db, {}))
  db:close()
  return schema
end

local function set_of(list)
  local out = {}
  for _, one in ipairs(list) do out[one] = true end
  return out
end

--- The pieces of a schema, each with `has`, the set of its tables.
local function pieces_of(schema, budget)
  local pieces, loose = neighbourhoods.of(schema, graph.of(schema), budget)
  for _, piece in ipairs(pieces) do piece.has = set_of(piece.tables) end
  return pieces, loose
end

local function together(pieces, a, b)
  for _, piece in ipairs(pieces) do
    if piece.has[a] and piece.has[b] then return true end
  end
  return false
end

describe("neighbourhoods.of", function()
  local schema
  setup(function() schema = schema_of("wide_pieces", wide.sql(300)) end)

  for _, budget in ipairs { 2000, 6000, 22800 } do
    it(("has each key within some piece, and keeps to %d tokens"):format(budget), function()
      local pieces = pieces_of(schema, budget)
      assert.is_true(#pieces > 1)
      for _, edge in ipairs(schema:edges()) do
        assert.is_true(together(pieces, edge.from, edge.to), edge.from .. " and " .. edge.to .. " are never together")
      end
      local new, seen = 0, {}
      for _, piece in ipairs(pieces) do
        local _, cut, tokens = schema:render { format = "json", tables = piece.tables, max_tokens = budget }
        assert.is_nil(cut)
        assert.is_true(tokens <= budget and piece.tokens <= budget)
        new = new + piece.new
        for _, ref in ipairs(piece.tables) do seen[ref] = true end
      end
      assert.equal(300, new)
      for _, ref in ipairs(schema:names()) do assert.is_true(seen[ref], ref .. " is in no piece") end
    end)
  end

  it("gives the same each time, and few pieces", function()
    local one, other = pieces_of(schema, 22800), pieces_of(schema, 22800)
    assert.same(one, other)
    assert.equal(2, #one)
  end)

  it("links tables without keys by identifiers with the same name", function()
    local pieces = pieces_of(schema, 2000)
    for first = 10, 290, 20 do
      local a, b = ("t_%04d"):format(first), ("t_%04d"):format(first + 10)
      assert.is_true(together(pieces, a, b), a .. " and " .. b .. " are never together")
    end
  end)

  it("links a column that is named after a table, and leaves out what nothing links", function()
    local parts = { "CREATE TABLE customers (a int, b text); CREATE TABLE import (customer_id int, note text);",
      "CREATE TABLE lonely (id int, valid text);" }
    for i = 1, 30 do
      parts[#parts + 1] = ("CREATE TABLE p%d (id int PRIMARY KEY); CREATE TABLE c%d (p int REFERENCES p%d);"):format(i, i, i)
    end
    local pieces, loose = pieces_of(schema_of("alike", table.concat(parts)), 300)
    assert.is_true(together(pieces, "customers", "import"))
    assert.equal(1, loose)
    for _, piece in ipairs(pieces) do assert.is_nil(piece.has.lonely) end
    assert.is_true(#pieces < 30, "small connected parts share a piece")
  end)

  it("shows a table to which all refer in every piece", function()
    local parts = { "CREATE TABLE hub (id int PRIMARY KEY, name text);" }
    for i = 1, 120 do
      parts[#parts + 1] = ("CREATE TABLE leaf%d (id int PRIMARY KEY, hub_id int REFERENCES hub, a text, b text);"):format(i)
    end
    local pieces = pieces_of(schema_of("hub", table.concat(parts)), 2000)
    assert.is_true(#pieces > 3)
    for _, piece in ipairs(pieces) do assert.is_true(piece.has.hub) end
  end)

  it("takes tables in the order of their names where nothing links any", function()
    local parts = {}
    for i = 1, 40 do parts[i] = ("CREATE TABLE t%02d (name text, made date);"):format(i) end
    local pieces, loose = pieces_of(schema_of("unlinked", table.concat(parts)), 400)
    assert.equal(0, loose)
    assert.is_true(#pieces > 2)
    assert.equal("t01", pieces[1].tables[1])
    assert.equal("t40", pieces[#pieces].tables[#pieces[#pieces].tables])
  end)
end)

describe("graph", function()
  it("spreads a choice over a list, by the seed", function()
    local list = {}
    for i = 1, 100 do list[i] = i end
    for seed = 1, 20 do
      local chosen = graph.spread(list, 10, draws.new(seed, "x"))
      assert.equal(10, #chosen)
      for i, one in ipairs(chosen) do assert.equal(i - 1, (one - 1) // 10) end
    end
    assert.not_same(graph.spread(list, 10, draws.new(1, "x")), graph.spread(list, 10, draws.new(2, "x")))
    assert.same({ 1, 2, 3 }, graph.spread({ 1, 2, 3 }, 5, draws.new(1, "x")))
  end)

  it("adds the tables between the members of a set, if they are few", function()
    local parts = { "CREATE TABLE a1 (id int PRIMARY KEY);" }
    for i = 2, 9 do
      parts[i] = ("CREATE TABLE a%d (id int PRIMARY KEY, up int REFERENCES a%d);"):format(i, i - 1)
    end
    local g = graph.of(schema_of("chain", table.concat(parts)))
    assert.same({ "a1", "a2", "a3", "a4" }, g:linked { "a1", "a4" })
    assert.same({ "a1", "a9" }, g:linked { "a1", "a9" })
  end)

  it("starts connected sets all over a large schema", function()
    local g = graph.of(schema_of("wide_connected", wide.sql(300)))
    local sets, seen = {}, {}
    g:connected(3, 10, 1, function(set)
      sets[#sets + 1] = set
      seen[tonumber(set[1]:match("%d+")) // 60] = true
      return #sets == 10
    end)
    assert.equal(10, #sets)
    for part = 0, 4 do assert.is_true(seen[part], "none starts in part " .. part) end
  end)
end)

describe("nlsql run on 300 tables", function()
  local dir, endpoint, url
  before_each(function()
    dir = support.temp_dir()
    url = wide.url(300)
  end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function run(arguments)
    local words = table.move(arguments, 1, #arguments, 2, { "run" })
    return support.nlsql(dir, words, { DATABASE_URL = url, OPENAI_BASE_URL = endpoint and endpoint.url })
  end

  local function answers(rules)
    rules[#rules + 1] = { content = "no pairs here" }
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", rules) }
  end

  --- Texts of the requests for sets of tables.
  local function asked()
    local out = {}
    for _, line in ipairs(support.lines(dir .. "/requests")) do
      local body = json.decode(json.decode(line).body)
      local text = body.messages[#body.messages].content
      if text:find("different sets of tables", 1, true) then out[#out + 1] = text end
    end
    return out
  end

  local SETS = "different sets of tables"

  it("asks for sets over neighbourhoods, each its share, and says what each does not show", function()
    answers { { match = SETS, content = '{"sets": [{"tables": ["t_0006", "t_0002"]}, {"tables": ["t_0001", "t_0004"]}]}' } }
    local code, out, err = run { "joins", "--count", "1", "--set", "max_attempts=1", "--set", "total_table_pairs=12" }
    assert.equal(7, code, err)
    assert.truthy(out:find("12 planned, 12 done", 1, true), out)
    assert.truthy(err:find("300 tables do not fit one prompt of 24000 tokens: asked for in 2 of 2 neighbourhoods", 1, true), err)
    assert.truthy(err:find("2 from the model, 10 more from foreign keys", 1, true), err)
    local texts, shares, shown = asked(), 0, {}
    assert.equal(2, #texts)
    for _, text in ipairs(texts) do
      assert.is_true(catalog.tokens(text) < 24500, "too long")
      local n = tonumber(text:match("Not all of it is shown: these are (%d+) of its 300 tables"))
      assert.truthy(n, "it does not say what it leaves out")
      for ref in text:gmatch('"(t_%d+)":{"columns"') do
        shown[ref] = true
        n = n - 1
      end
      assert.equal(0, n)
      shares = shares + tonumber(text:match("Name (%d+) different sets"))
    end
    assert.equal(12, shares)
    for i = 1, 300 do assert.is_true(shown[("t_%04d"):format(i)], i .. " is shown nowhere") end
  end)

  it("makes no more requests than are worth it, of neighbourhoods that the seed spreads over the schema", function()
    support.write(dir .. "/config.yaml", "schema_tokens: 2000\n")
    answers { { match = SETS, content = '{"sets": []}' } }
    local first = {}
    for _, seed in ipairs { "1", "2", "1" } do
      local _, out, err = run { "joins", "--count", "1", "--set", "max_attempts=1", "--set", "total_table_pairs=6", "--fresh", "--seed", seed }
      assert.truthy(err:find("asked for in 3 of %d%d neighbourhoods"), err)
      assert.truthy(out:find("6 planned", 1, true), out)
      local now = {}
      for i, text in ipairs(asked()) do now[i] = text:match("t_%d+") end
      first[#first + 1] = table.concat(now, " ", #now - 2)
    end
    -- requests of one run come in any order
    local function sorted(text)
      local list = {}
      for word in text:gmatch("%S+") do list[#list + 1] = word end
      table.sort(list)
      return list
    end
    assert.same(sorted(first[1]), sorted(first[3]))
    assert.not_same(sorted(first[1]), sorted(first[2]))
  end)

  it("stays with one request where all of the schema fits", function()
    support.write(dir .. "/config.yaml", "schema_tokens: 100000\n")
    answers { { match = SETS, content = '{"sets": [{"tables": ["t_0006", "t_0002"]}]}' } }
    run { "joins", "--count", "1", "--set", "max_attempts=1", "--set", "total_table_pairs=12" }
    local texts = asked()
    assert.equal(1, #texts)
    assert.truthy(texts[1]:find("Name 12 different sets", 1, true))
    assert.falsy(texts[1]:find("Not all of it is shown", 1, true))
  end)

  -- how a request begins that shows this table first
  local FIRST = '{\\"tables\\":{\\"%s\\"'

  it("takes the sets in the order of the neighbourhoods, whichever is answered first", function()
    local made = {}
    for i, delay in ipairs { 0, 150 } do
      answers {
        { match = FIRST:format("t_0006"), pairs = { { question = "How many of each name?",
          sql = "SELECT d.name, count(*) AS n FROM t_0006 f JOIN t_0002 d ON d.id = f.t_0002_id GROUP BY d.name" } } },
        { match = FIRST:format("t_0297"), pairs = { { question = "How many of which name?",
          sql = "SELECT d.name, count(*) AS n FROM t_0297 f JOIN t_0293 d ON d.id = f.t_0293_id GROUP BY d.name" } } },
        { match = FIRST:format("t_0001"), content = '{"sets": [{"tables": ["t_0006", "t_0002"]}]}', delay_ms = delay },
        { match = SETS, content = '{"sets": [{"tables": ["t_0297", "t_0293"]}]}', delay_ms = 150 - delay },
      }
      run { "joins", "--count", "1", "--set", "max_attempts=1", "--set", "total_table_pairs=4", "--fresh" }
      made[i] = support.read(dir .. "/generated_datasets/joins/dataset.jsonl")
      endpoint.stop()
      endpoint = nil
      os.remove(dir .. "/requests")
    end
    assert.truthy(made[1]:find("each name.*which name"), made[1])
    assert.equal(made[1], made[2])
  end)

  it("is served by the grammar, the same at any parallelism", function()
    local made = {}
    for i, parallelism in ipairs { "1", "20" } do
      local code, out, err = run { "joins", "--provider", "offline", "--set", "anonymise=off", "--count", "4", "--fresh",
        "--parallelism", parallelism }
      assert.equal(0, code, out .. err)
      assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
      made[i] = support.read(dir .. "/generated_datasets/joins/dataset.jsonl")
    end
    assert.equal(140, select(2, made[1]:gsub("\n", "")))
    assert.equal(made[1], made[2])
  end)
end)
