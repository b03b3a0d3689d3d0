-- What PostgreSQL offers to a query and a gate must not refuse: the queries of tests/data/harmless, over the demo
-- database as it is shipped. None is refused, none has a name that is not known, and each really runs. What people
-- answered to questions (gold.jsonl) likewise, where that is at hand.
local catalog = require "nlsql.catalog"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local sql = require "nlsql.sql"
local support = require "tests.lua.support"

local KINDS = { "selects", "joins", "groups", "windows", "ctes", "text", "numbers", "times", "arrays", "json", "xml" }

--- Queries one a line; "-- since 14" says which server the next line needs.
local function read(kind)
  local list, since = {}, 0
  for _, line in ipairs(support.lines(("tests/data/harmless/%s.sql"):format(kind))) do
    if line:sub(1, 2) ~= "--" then
      list[#list + 1] = { sql = line, since = since }
      since = 0
    else
      since = tonumber(line:match("^%-%- since (%d+)$")) or since
    end
  end
  return list
end

--- Nothing, or why the gates refuse it.
local function refusal(schema, text)
  local statement <close>, why = sql.parse(text)
  if not statement then return why end
  local safe, reason = statement:safe(schema)
  if not safe then return reason end
  local facts = assert(statement:facts(schema))
  return facts.unknown[1] or facts.ambiguous
end

describe("harmless queries", function()
  local db, schema, version

  setup(function()
    db = assert(pg.open(support.demo()))
    schema = assert(catalog.load(db))
    version = select(2, schema:version()) // 10000
  end)

  teardown(function() db:close() end)

  it("are many", function()
    local n = 0
    for _, kind in ipairs(KINDS) do n = n + #read(kind) end
    assert.is_true(n >= 300, tostring(n))
  end)

  for _, kind in ipairs(KINDS) do
    it("pass and run: " .. kind, function()
      local wrong = {}
      for _, one in ipairs(read(kind)) do
        if version >= one.since then
          local why = refusal(schema, one.sql)
          if why then
            wrong[#wrong + 1] = ("%s\n  refused: %s"):format(one.sql, why)
          else
            local got = db:probe(one.sql, { execute = true, statement_timeout = 10 })
            -- a server may be built without libxml
            if got.stage ~= "done" and not got.error:find("unsupported XML feature", 1, true) then
              wrong[#wrong + 1] = ("%s\n  fails at %s: %s"):format(one.sql, got.stage, got.error)
            end
          end
        end
      end
      assert.equal("", table.concat(wrong, "\n"))
    end)
  end

  it("are what people answered, too", function()
    local dir = os.getenv("NLSQL_GOLD_DIR") or "../shared/data"
    local lines, schemas, wrong = support.lines(dir .. "/gold.jsonl"), {}, {}
    if #lines == 0 then return pending("there is no " .. dir .. "/gold.jsonl") end
    for _, line in ipairs(lines) do
      local gold = assert(json.decode(line))
      if not schemas[gold.db] then
        local other = assert(pg.open(support.database(gold.db, { ("%s/%s.sql"):format(dir, gold.db) })))
        schemas[gold.db] = assert(catalog.load(other))
        other:close()
      end
      local why = refusal(schemas[gold.db], gold.sql)
      if why then wrong[#wrong + 1] = ("%s\n  refused: %s"):format(gold.sql, why) end
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)
end)
