-- What befalls a whole server under a run (./dev faults): each time the run ends by itself, what was accepted is
-- in the dataset once, and what is said tells why. Each test names the line without which it falls.
local dbruns = require "tests.lua.dbruns"
local jobs = require "nlsql.jobs"
local servers = require "tests.lua.servers"

local N, SLOW = dbruns.N, dbruns.SLOW

describe("a run whose server", function()
  local server, runs

  setup(function()
    server = servers.new { "max_connections=20", "wal_level=replica" }
    server:create("shop", "tests/data/shop.sql")
  end)
  teardown(function() server:remove() end)
  before_each(function() runs = dbruns.new(server) end)
  after_each(function() runs:close() end)

  -- Falls without `conn->pg->stats.connects > 0` in refused() of pg_conn.c: one that served may be restarting.
  for _, signal in ipairs { "INT", "QUIT" } do
    it("is restarted waits for it: " .. signal, function()
      runs:answers(SLOW)
      local code, out, err = runs:run(server:url(), 2, function()
        server:stop(signal)
        jobs.sleep(0.4)
        server:start()
      end)
      assert.equal(0, code, err)
      assert.equal(N, runs:rows(), out)
    end)
  end

  -- Falls without `verdict.lost` in gates.check: the answers would be thrown away as rejected.
  it("is gone ends with what it has, and goes on later without asking again", function()
    runs:answers(SLOW, "connect_timeout: 0.3")
    local code, out, err = runs:run(server:url(), 3, function() server:stop() end)
    local first = runs:rows()
    server:start()
    assert.equal(4, code, err)
    assert.is_true(first < N)
    assert.truthy(err:find("run the same command again to go on", 1, true), err)
    assert.truthy(err:find("cannot connect to", 1, true) or err:find("lost the connection to", 1, true), err)
    assert.truthy(out:find(("ours: %d of %d pairs"):format(first, N), 1, true), out)
    code, out, err = runs:run(server:url())
    assert.equal(0, code, err .. out)
    assert.equal(N, runs:rows())
    assert.equal(N, runs:stop().requests)
  end)

  -- Falls without `["40001"]` of PASSING in gates.lua.
  it("is a replica outlives its conflicts with recovery", function()
    local standby = server:standby { "max_standby_streaming_delay=0", "hot_standby=on" }
    if not standby then return pending("there is no pg_basebackup") end
    runs:answers(SLOW)
    local code, out, err = runs:run(standby:url(), 2, function()
      for _ = 1, 3 do -- replayed, that takes the table from whoever reads it
        server:psql("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE; COMMIT")
        jobs.sleep(0.1)
      end
    end, standby)
    local conflicts = tonumber(standby:psql("SELECT sum(confl_lock) FROM pg_stat_database_conflicts"))
    standby:remove()
    assert.equal(0, code, err)
    assert.equal(N, runs:rows(), out)
    assert.is_true(conflicts > 0)
  end)
end)
