-- What befalls sessions, tables and roles under a run: each time the run ends by itself, what was accepted is in
-- the dataset once, and what is said tells why. Each test names the line without which it falls. What befalls the
-- server as a whole is in tests/faults (./dev faults).
local dbruns = require "tests.lua.dbruns"
local jobs = require "nlsql.jobs"
local pg = require "nlsql.pg"
local proc = require "nlsql.proc"
local servers = require "tests.lua.servers"
local support = require "tests.lua.support"

local N, SLOW = dbruns.N, dbruns.SLOW

local server, port

setup(function()
  port = math.random(20000, 32000)
  server = servers.new({ "max_connections=20", "listen_addresses=127.0.0.1" }, port)
  server:create("shop", "tests/data/shop.sql")
  server:psql "CREATE ROLE app LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO app"
end)
teardown(function() server:remove() end)

describe("a run whose database", function()
  local runs

  before_each(function() runs = dbruns.new(server) end)
  after_each(function() runs:close() end)

  -- Falls without `result.code == "net"` in gates.ask_database: those under way would end the run.
  it("kills connections amid their queries goes on with others", function()
    runs:answers(SLOW)
    local killed = 0
    local code, out, err = runs:run(server:url(), 2, function()
      for _ = 1, 3 do
        killed = killed + tonumber(server:psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
          .. "WHERE application_name = 'nlsql' AND state = 'active'", "postgres"))
        jobs.sleep(0.05)
      end
    end)
    assert.equal(0, code, err)
    assert.equal(N, runs:rows(), out)
    assert.is_true(killed > 1, "killed: " .. killed)
  end)

  -- Falls without `if (alive > 0)` in pg_connect_failed() of pg_pool.c and `"53"` in is_passing() of pg_conn.c: each
  -- of the two serves alone.
  it("has few connections makes do with those", function()
    server:psql("ALTER ROLE app CONNECTION LIMIT 2")
    runs:answers(SLOW)
    local code, out, err = runs:run(server:url("shop", "app"))
    assert.equal(0, code, err)
    assert.equal(N, runs:rows(), out)
    server:psql("ALTER ROLE app CONNECTION LIMIT -1")
  end)

  -- Falls without `fail_waiting(pg, err)` at the end of pg_connect_failed() of pg_pool.c: it would wait for ever.
  it("has none left says so", function()
    server:psql("ALTER ROLE app CONNECTION LIMIT 0")
    runs:answers("SELECT %d AS number, name FROM customer", "connect_timeout: 0.5")
    local code, _, err = runs:run(server:url("shop", "app"))
    server:psql("ALTER ROLE app CONNECTION LIMIT -1")
    assert.equal(4, code)
    assert.truthy(err:find("error: cannot connect to postgresql://app@", 1, true), err)
    assert.truthy(err:find('too many connections for role "app"', 1, true), err)
  end)

  -- Falls without `|| result.stage == "connect"` in gates.check: what was paid for would be rejected.
  it("lets its role in no more ends, and keeps the answers for later", function()
    server:psql "CREATE ROLE leaving LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO leaving"
    runs:answers(SLOW)
    local code, out, err = runs:run(server:url("shop", "leaving"), 2, function()
      server:psql("ALTER ROLE leaving NOLOGIN")
      server:psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'leaving'", "postgres")
    end)
    server:psql("ALTER ROLE leaving LOGIN")
    assert.equal(4, code, err)
    assert.truthy(err:find('role "leaving" is not permitted to log in', 1, true), err)
    assert.truthy(out:find("Rejected, by gate: none", 1, true), out)
    code, out, err = runs:run(server:url("shop", "leaving"))
    assert.equal(0, code, err .. out)
    assert.equal(N, runs:rows())
    assert.equal(N, runs:stop().requests)
  end)

  -- Falls without the "statement_timeout" of SETTINGS and STEP_STATEMENT_MS in pg_trip.c.
  it("is slow rejects what takes too long, and keeps the rest", function()
    runs:answers({ "SELECT %d AS number, name FROM customer",
      "SELECT %d AS number, count(*) FROM generate_series(1, 30000) a, generate_series(1, 10000) b" }, "statement_timeout=0.2")
    local code, out, err = runs:run(server:url())
    assert.equal(7, code, err)
    assert.equal(N / 2, runs:rows())
    assert.truthy(out:find("execute +%d+\n +%d+ × canceling statement due to statement timeout"), out)
  end)

  -- Falls without `["55P03"]` of PASSING in gates.lua: the model would be asked again for what it had right.
  it("is locked for a while waits for it", function()
    runs:answers(SLOW)
    local holder
    local code, out, err = runs:run(server:url(), 1, function()
      holder = assert(proc.start { argv = { servers.bin() .. "/psql", "-Xq", "-d", server:url(), "-c",
        "BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.6); COMMIT" }, stdout = "null" })
    end)
    holder:wait(10)
    assert.equal(0, code, err)
    assert.equal(N, runs:rows(), out)
    assert.equal(N, runs:stop().requests)
  end)

  -- Falls without the server's sentence in fall(verdict, STAGE_GATE[…], result.error, …) of gates.check.
  it("loses a table rejects what needs it, and keeps what was there", function()
    server:create("losing", "tests/data/shop.sql")
    runs:answers { SLOW, (SLOW:gsub("customer", "product"):gsub("name", "title")) }
    local code, out, err = runs:run(server:url("losing"), 1, function()
      server:psql("DROP TABLE product CASCADE", "losing")
    end)
    assert.equal(7, code, err)
    assert.is_true(runs:rows() >= N / 2, out)
    assert.truthy(out:find('explain +%d+\n +%d+ × relation "product" does not exist'), out)
  end)

  -- Falls where a setting is a session's, or a statement has a name.
  it("is behind a pooler in transaction mode works, and leaves nothing on its connections", function()
    local url, stop = server:bouncer(2)
    if not url then return pending("there is no pgbouncer") end
    runs:answers("SELECT %d AS number, name FROM customer")
    local code, out, err = runs:run(url)
    local db = assert(pg.open(url .. "&application_name=other", { sessions = 1 }))
    local left = assert(db:query("SELECT current_setting('work_mem') || ' ' || current_setting('jit') || ' ' || "
      .. "(SELECT count(*) FROM pg_prepared_statements WHERE name <> '') || ' ' || (SELECT count(*) FROM pg_locks "
      .. "WHERE locktype = 'advisory')")).rows[1][1]
    db:close()
    stop()
    assert.equal(0, code, err)
    assert.equal(N, runs:rows(), out)
    assert.equal("4MB off 0 0", left)
  end)
end)

describe("what the server is sent", function()
  -- Falls where anything of ours goes by PQexec, which may hold more than one statement, or has a name; and without
  -- NO SCROLL CURSOR in DECLARE_PREFIX of pg_trip.c.
  it("is single statements without a name, and a query only as a cursor", function()
    local dir = support.temp_dir()
    server:stop()
    for _, setting in ipairs { "log_min_messages=log", "log_statement=all", "log_line_prefix=%a|" } do
      server.settings[#server.settings + 1] = setting
    end
    server:start()
    support.write(dir .. "/file.jsonl", '{"sql":"SELECT name FROM customer WHERE 7 = 7"}\n')
    local code, _, err = support.nlsql(dir, { "check", "file.jsonl" }, { DATABASE_URL = server:url() })
    os.execute("rm -rf " .. dir)
    assert.equal(0, code, err)
    local texts, n = {}, 0
    for line in support.read(server.folder .. "/log"):gmatch("[^\n]+") do
      local how, text = line:match("^nlsql|LOG:  (.-): (.*)$")
      if how then
        n = n + 1
        assert.equal("execute <unnamed>", how, line)
        if text:find("7 = 7", 1, true) then texts[#texts + 1] = text end
      end
    end
    assert.is_true(n > 10)
    assert.same({ "EXPLAIN (FORMAT JSON) DECLARE nlsql NO SCROLL CURSOR FOR SELECT name FROM customer WHERE 7 = 7",
      "DECLARE nlsql NO SCROLL CURSOR FOR SELECT name FROM customer WHERE 7 = 7" }, texts)
  end)
end)

describe("a role", function()
  local dir

  setup(function()
    server:psql [[
      CREATE ROLE views_only LOGIN;
      CREATE VIEW japanese AS SELECT customer_id, name FROM customer WHERE country = 'Japan';
      GRANT SELECT ON japanese TO views_only;
      CREATE ROLE ruled LOGIN;
      GRANT SELECT ON customer TO ruled;
      ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
      CREATE POLICY japanese ON customer TO ruled USING (country = 'Japan');
      REVOKE CREATE ON SCHEMA public FROM PUBLIC;]]
    dir = support.temp_dir()
  end)
  teardown(function()
    server:psql "ALTER TABLE customer DISABLE ROW LEVEL SECURITY; DROP VIEW japanese"
    os.execute("rm -rf " .. dir)
  end)

  local function nlsql(role, ...) return support.nlsql(dir, { ... }, { DATABASE_URL = server:url("shop", role) }) end

  -- Falls without has_any_column_privilege in the catalog's query of tables.
  it("that may read views alone sees and reads those alone", function()
    local code, out, err = nlsql("views_only", "schema")
    assert.equal(0, code, err)
    assert.truthy(out:find("japanese", 1, true), out)
    assert.is_nil(out:find("CREATE TABLE customer", 1, true), out)
    support.write(dir .. "/file.jsonl", '{"sql":"SELECT count(*) FROM japanese"}\n{"sql":"SELECT count(*) FROM customer"}\n')
    code, out, err = nlsql("views_only", "check", "file.jsonl")
    assert.equal(7, code, err)
    assert.truthy(out:find("^1: ok\n2: grounded: "), out)
    assert.is_nil(err:find("may do more", 1, true), err)
    code, out, err = nlsql("views_only", "run", "single_table", "--provider", "offline", "-n", "2", "-q")
    assert.truthy(code == 0 or code == 7, err)
    assert.truthy(out:find("japanese", 1, true), out)
  end)

  -- Falls where anything is read as another role than the one that was given.
  it("under row-level security reads its own rows", function()
    support.write(dir .. "/file.jsonl", '{"sql":"SELECT name FROM customer WHERE country = \'Japan\'"}\n'
      .. '{"sql":"SELECT name FROM customer WHERE country <> \'Japan\'"}\n')
    local code, out, err = nlsql("ruled", "check", "file.jsonl")
    assert.equal(7, code, err)
    assert.equal("1: ok\n2: answer: the result has no rows\n", out)
    code, out, err = nlsql("ruled", "run", "single_table", "--provider", "offline", "-n", "2", "-q")
    assert.truthy(code == 0 or code == 7, err .. out)
  end)
end)

describe("TLS with verify-full", function()
  local dir

  setup(function()
    dir = support.temp_dir()
    local status, out = proc.run { argv = { "sh", "-ec", [[
      exec 2>&1
      key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
      for ca in right wrong; do
        openssl req -x509 $key -days 2 -subj /CN=$ca-authority -keyout $ca.key -out $ca.crt
      done
      openssl req $key -subj /CN=localhost -keyout server.key -out server.csr
      echo subjectAltName=DNS:localhost >names
      openssl x509 -req -in server.csr -CA right.crt -CAkey right.key -CAcreateserial -days 2 -extfile names -out server.crt]] },
      cwd = dir }
    assert.equal(0, status, out)
    server:psql(("ALTER SYSTEM SET ssl_key_file = '%s';\nALTER SYSTEM SET ssl_cert_file = '%s';\nALTER SYSTEM SET ssl = on;\n"
      .. "SELECT pg_reload_conf()"):format(server:file("server.key", support.read(dir .. "/server.key")),
      server:file("server.crt", support.read(dir .. "/server.crt"))))
    for _ = 1, 200 do
      if server:psql("SHOW ssl") == "on" then break end
      jobs.sleep(0.01)
    end
    support.write(dir .. "/file.jsonl", '{"sql":"SELECT count(*) FROM customer"}\n')
  end)
  teardown(function() os.execute("rm -rf " .. dir) end)

  -- Falls where the address takes the place of the name: `{ "hostaddr", addresses }` in connect_now() of pg_conn.c.
  for _, case in ipairs {
    { "localhost", "right", 0 },
    { "localhost", "wrong", 4, "certificate verify failed" },
    { "127.0.0.1", "right", 4, 'does not match host name "127.0.0.1"' },
    { "localhost", "none", 4, 'root certificate file "' },
  } do
    it(("%s a server named %s with the %s authority"):format(case[3] == 0 and "takes" or "refuses", case[1], case[2]), function()
      local url = ("postgresql://postgres@%s:%d/shop?sslmode=verify-full&sslrootcert=%s/%s.crt"):format(case[1], port, dir, case[2])
      local code, out, err = support.nlsql(dir, { "check", "file.jsonl" }, { DATABASE_URL = url })
      assert.equal(case[3], code, err)
      if code == 0 then
        assert.equal("1: ok\n", out)
      else
        local line = err:match("error: (cannot connect to postgresql://postgres@[^\n]*)\n")
        assert.truthy(line and line:find(case[4], 1, true), err)
      end
    end)
  end
end)
