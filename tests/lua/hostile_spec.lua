-- What a model must not get done: the statements of tests/data/hostile, class by class, as superuser and as a
-- login with few rights. Each falls at the gate that it names; the database is afterwards as it was before.
-- Then the same past the first layer, straight into the database.
local catalog = require "nlsql.catalog"
local gates = require "nlsql.gates"
local hostile = require "tests.lua.hostile"
local pg = require "nlsql.pg"
local support = require "tests.lua.support"

local LIMITS = { statement_timeout = 0.15, lock_timeout = 0.15, max_rows = 1000, max_bytes = 16 << 20, max_field = 1 << 16 }

--- A URL of the database with the traps, for a login.
local function url_of(login)
  local url = support.database("hostile", { "tests/data/hostile/setup.sql" })
  if login == "plain" then url = assert(url:gsub("//[^@/]*@", "//plain@")) end
  return url
end

describe("hostile statements", function()
  local admin, before, locks, bystander, bystander_pid

  setup(function()
    local url = url_of "superuser"
    -- what is on an index would be sprung by reading the table ourselves
    admin = assert(pg.open(url .. (url:find("?", 1, true) and "&" or "?") .. "options=-c%20shop.building%3Dyes"))
    before, locks = hostile.state(admin), hostile.unguarded(admin)
    bystander = assert(pg.open(url_of "plain", { sessions = 1 }))
    bystander_pid = bystander:query("SELECT pg_backend_pid()").rows[1][1]
  end)

  teardown(function()
    bystander:close()
    admin:close()
  end)

  it("are many", function()
    local n = 0
    for _, class in ipairs(hostile.CLASSES) do n = n + #hostile.read(class) end
    assert.is_true(n >= 400, tostring(n))
  end)

  for _, login in ipairs { "superuser", "plain" } do
    describe("of the " .. login, function()
      local db, ctx

      setup(function()
        db = assert(pg.open(url_of(login), { sessions = 2 }))
        local schema = assert(catalog.load(db, { schemas = { "public", "hidden" } }))
        ctx = { db = db, schema = schema, settings = { limits = LIMITS, gates = {}, safe = {} } }
      end)

      teardown(function() db:close() end)

      for _, class in ipairs(hostile.CLASSES) do
        it("fall at their gate: " .. class, function()
          local wrong = {}
          for _, one in ipairs(hostile.read(class)) do
            local verdict = gates.check(ctx, {}, { question = "q", sql = one.sql })
            if verdict.ok then
              wrong[#wrong + 1] = ("%s: passed"):format(one.place)
            elseif one.gate == "execute" and (verdict.gate == "execute" or verdict.gate == "explain") then
              assert.falsy(verdict.lost, one.place)
            elseif verdict.gate ~= one.gate and not (one.gate == "parse" and verdict.gate == "read")
              or not verdict.reason:find(one.reason, 1, true) then
              wrong[#wrong + 1] = ("%s: %s: %s"):format(one.place, verdict.gate, verdict.reason)
            end
          end
          assert.equal("", table.concat(wrong, "\n"))
        end)
      end

      it("leave the whole database as it was", function()
        assert.same(before, hostile.state(admin))
        assert.equal(locks, hostile.unguarded(admin))
        assert.equal(bystander_pid, bystander:query("SELECT pg_backend_pid()").rows[1][1])
        assert.is_nil(support.read("/tmp/nlsql_hostile"))
      end)
    end)
  end

  describe("past the first layer, of the plain login", function()
    it("leave rows, schema, settings, roles and files as they were", function()
      local db = assert(pg.open(url_of "plain", { sessions = 1 }))
      local reached, done = 0, 0
      for _, class in ipairs(hostile.CLASSES) do
        for _, one in ipairs(hostile.read(class)) do
          if not one.sql:find("\0", 1, true) then
            local got = db:probe(one.sql, { execute = true, statement_timeout = 0.1, lock_timeout = 0.1, max_bytes = 1 << 20 })
            reached = reached + 1
            if got.stage == "done" then done = done + 1 end
          end
        end
      end
      local settings = "SELECT name, setting FROM pg_settings WHERE name !~ '^(transaction|plpgsql)' ORDER BY 1"
      local fresh = assert(pg.open(url_of "plain", { sessions = 1 }))
      assert.equal(hostile.told(fresh, settings), hostile.told(db, settings))
      fresh:close()
      db:close()
      assert.is_true(reached >= 400, tostring(reached))
      assert.is_true(done >= 50, tostring(done)) -- they really ran
      assert.same(before, hostile.state(admin))
      assert.is_nil(support.read("/tmp/nlsql_hostile"))
    end)
  end)
end)
