-- What a login role may do besides reading is seen, warned of or refused; and the role that nlsql role prints
-- is one of which nothing is said.
local cluster = require "nlsql.cluster"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local proc = require "nlsql.proc"
local role = require "nlsql.role"
local support = require "tests.lua.support"

local server, dir

local function psql(database, sql)
  support.write(dir .. "/in.sql", sql)
  local status, out = proc.run { argv = { server:bin() .. "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", server:url(database) },
    stdin = dir .. "/in.sql" }
  assert.equal(0, status, out)
  return out
end

local function url_of(database, name)
  local encoded = name:gsub("[^%w_]", function(c) return ("%%%02X"):format(c:byte()) end)
  local url = server:url(database):gsub("user=[^&]*&?", "")
  return url .. (url:find("?", 1, true) and "&" or "?") .. "user=" .. encoded
end

local function look(database, name)
  local db = assert(pg.open(url_of(database, name), { sessions = 1 }))
  local found, who = role.look(db)
  db:close()
  assert(found, who)
  assert.equal(name, who)
  return found
end

setup(function()
  dir = support.temp_dir()
  server = assert(cluster.start {})
  assert(server:create("shop", { "tests/data/shop.sql" }))
end)
teardown(function()
  server:stop()
  os.execute("rm -rf " .. dir)
end)

describe("what a role may do besides reading", function()
  local version

  --- What is granted to role %s, and what is said of it. `since`: the first version that has it.
  local CASES = {
    { "plain", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s", nil },
    { "attributes", "ALTER ROLE %s CREATEDB CREATEROLE REPLICATION BYPASSRLS",
      { "it may create databases", "it may create roles", "it may start replication", "it is not bound by row-level security" } },
    { "files", "GRANT pg_read_server_files, pg_execute_server_program TO %s",
      { "it is a member of pg_execute_server_program, pg_read_server_files" } },
    { "signals", "GRANT pg_signal_backend TO %s", { "it is a member of pg_signal_backend" } },
    { "writes_all", "GRANT pg_write_all_data TO %s", { "it is a member of pg_write_all_data" }, since = 14, more = true },
    { "maintains", "GRANT pg_maintain TO %s", { "it is a member of pg_maintain" }, since = 17 },
    { "by_another", "CREATE ROLE boss SUPERUSER; GRANT boss TO %s", { "it is a member of boss" }, more = true },
    { "one_table", "GRANT INSERT ON customer TO %s", { "it may write to public.customer" } },
    { "one_column", "GRANT UPDATE (name) ON customer TO %s", { "it may write to public.customer" } },
    { "empties", "GRANT TRUNCATE, DELETE ON customer, product TO %s", { "it may write to 2 tables (public.customer, …)" } },
    { "sequence", "CREATE SEQUENCE counter; GRANT USAGE ON SEQUENCE counter TO %s", { "it may move the sequence public.counter" } },
    { "creates", "CREATE SCHEMA room; GRANT USAGE, CREATE ON SCHEMA room TO %s", { "it may create in schema room" } },
    { "spaces", "GRANT CREATE ON DATABASE shop TO %s", { "it may create schemas in shop" } },
    { "owner", "CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO %s", { "it owns the table public.mine" } },
    { "unreached", "CREATE SCHEMA shut; CREATE TABLE shut.t (a int); GRANT INSERT ON shut.t TO %s", nil },
  }

  setup(function() version = tonumber(psql("shop", "SHOW server_version_num")) // 10000 end)

  for _, case in ipairs(CASES) do
    it("is seen: " .. case[1], function()
      if case.since and version < case.since then return end
      local name = "may_" .. case[1]
      psql("shop", ("CREATE ROLE %s LOGIN; %s;"):format(name, case[2]:format(name)))
      local found = {}
      for _, one in ipairs(look("shop", name)) do
        if not one:find("PUBLIC", 1, true) then found[#found + 1] = one end -- before version 15
      end
      if case.more then found = { found[1] } end
      assert.same(case[3] or {}, found)
    end)
  end

  it("is seen of a superuser, of whom no more is told", function()
    assert.same({ "it is a superuser" }, look("shop", "postgres"))
  end)

  it("is seen where everybody may", function()
    psql("shop", "CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO PUBLIC; CREATE ROLE anybody LOGIN")
    local told = table.concat(look("shop", "anybody"), "; ")
    assert.truthy(told:find("as everybody (PUBLIC) it may create in", 1, true), told)
    psql("shop", "DROP SCHEMA open")
  end)
end)

describe("a run", function()
  local function check(url, arguments, config)
    support.write(dir .. "/config.yaml", config or "")
    support.write(dir .. "/one.jsonl", '{"sql": "SELECT count(*) FROM customer"}\n')
    return support.nlsql(dir, { "check", "one.jsonl", table.unpack(arguments or {}) }, { DATABASE_URL = url })
  end

  it("warns in one line of a role that may do more", function()
    local code, out, err = check(server:url("shop"))
    assert.same({ 0, "1: ok\n" }, { code, out })
    local first = err:match("^[^\n]*")
    assert.equal("warn: the role postgres may do more than read: it is a superuser (nlsql role prints one that only reads)", first)
  end)

  it("refuses one where the configuration wants a role that only reads", function()
    local code, out, err = check(server:url("shop"), nil, "require_readonly_role: true")
    assert.same({ 4, "" }, { code, out })
    assert.truthy(err:find("error: the role postgres may do more than read: it is a superuser (require_readonly_role;", 1, true), err)
    code, out, err = support.nlsql(dir, { "run", "joins", "--provider", "offline" }, { DATABASE_URL = server:url("shop") })
    assert.same({ 4, "" }, { code, out })
    assert.truthy(err:find("require_readonly_role", 1, true), err)
  end)

  it("says nothing of the demo database's", function()
    local code, _, err = check(nil, { "--demo" }, "require_readonly_role: true")
    assert.equal(0, code, err)
    assert.is_nil(err:find("may do more", 1, true))
  end)
end)

describe("nlsql role", function()
  local ODD = 'Odd "sch\'ema'

  --- Makes the role by what is printed, and returns what was printed.
  local function make(database, name, config)
    support.write(dir .. "/config.yaml", config or "")
    local code, out, err = support.nlsql(dir, { "role", name, "-q" }, { DATABASE_URL = server:url(database) })
    assert.equal(0, code, err)
    psql(database, out)
    return out
  end

  --- The SQL of a role that may still do something before version 15: PUBLIC may create.
  local function close_public(database) psql(database, "REVOKE CREATE ON SCHEMA public FROM PUBLIC") end

  for i, name in ipairs { "reader", 'Re"ader; DROP TABLE customer --', "sélect", "user" } do
    it("prints one of which no run warns: " .. name, function()
      local database = "made " .. i .. "\"'"
      assert(server:create(database, { "tests/data/shop.sql" }))
      close_public(database)
      psql(database, ('CREATE SCHEMA "%s"; CREATE TABLE "%s"."T\\a" AS SELECT 1 AS a; CREATE SEQUENCE s'):format(ODD:gsub('"', '""'),
        ODD:gsub('"', '""')))
      local out = make(database, name, assert(json.encode { schemas = json.array { "public", ODD } }))
      assert.is_nil(out:lower():find("password '", 1, true))
      support.write(dir .. "/some.jsonl", '{"sql": "SELECT count(*) FROM customer"}\n')
      local code, verdicts, err = support.nlsql(dir, { "check", "some.jsonl" }, { DATABASE_URL = url_of(database, name) })
      assert.same({ 0, "1: ok\n" }, { code, verdicts }, err)
      assert.is_nil(err:find("warn", 1, true), err)
      local db = assert(pg.open(url_of(database, name)))
      local got = assert(db:query(('SELECT a FROM "%s"."T\\a"'):format(ODD:gsub('"', '""'))))
      assert.equal("1", got.rows[1][1])
      assert.same({ {} , name }, { role.look(db) })
      db:close()
    end)
  end

  it("bounds the role's sessions, whoever uses it", function()
    psql("shop", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    make("shop", "bounded")
    local status, out = proc.run { argv = { server:bin() .. "/psql", "-XAt", "-d", url_of("shop", "bounded"), "-c",
      "SELECT concat_ws(' ', current_setting('default_transaction_read_only'), current_setting('statement_timeout'), "
      .. "current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'), "
      .. "current_setting('temp_file_limit'), rolconnlimit) FROM pg_roles WHERE rolname = current_user" } }
    assert.same({ 0, "on 1min 5s 2min 2GB 20\n" }, { status, out })
    status, out = proc.run { argv = { server:bin() .. "/psql", "-X", "-d", url_of("shop", "bounded"), "-c",
      "SET default_transaction_read_only = off", "-c", "DELETE FROM customer" } }
    assert.equal(1, status)
    assert.truthy(out:find("permission denied", 1, true), out)
  end)

  it("grants no more than the tables that are read, and again where there are more", function()
    assert(server:create("narrow", { "tests/data/shop.sql" }))
    make("narrow", "narrow", "tables: [customer]")
    local READS = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
      .. "AND relkind IN ('r', 'v') AND has_table_privilege('narrow', oid, 'SELECT')"
    assert.equal("customer\n", psql("narrow", READS))
    local out = make("narrow", "narrow", "tables: [customer, product]")
    assert.truthy(out:find('ALTER ROLE "narrow" LOGIN', 1, true), out)
    assert.equal("customer product\n", psql("narrow", READS))
  end)

  it("tells of schemas in which everybody may create", function()
    assert(server:create("wide", { "tests/data/shop.sql" }))
    psql("wide", "GRANT CREATE ON SCHEMA public TO PUBLIC")
    local out = make("wide", "wide")
    assert.truthy(out:find('\n-- REVOKE CREATE ON SCHEMA "public" FROM PUBLIC;\n', 1, true), out)
  end)

  for _, case in ipairs {
    { "pg_reader", "pg_reader is a name that PostgreSQL keeps for itself" }, { "public", "public is a name that" },
    { ("x"):rep(64), "the name is 64 bytes long: PostgreSQL keeps 63" }, { "", "a role needs a name" },
  } do
    it("refuses the name " .. case[1]:sub(1, 12), function()
      local code, out, err = support.nlsql(dir, { "role", case[1] }, { DATABASE_URL = server:url("shop") })
      assert.same({ 2, "" }, { code, out })
      assert.truthy(err:find(case[2], 1, true), err)
    end)
  end
end)
