--- servers: PostgreSQL servers of a spec's own, which can be stopped and started again with all that is in
--- them, copied to a standby, and reached by TCP; and PgBouncer before them.
local cluster = require "nlsql.cluster"
local jobs = require "nlsql.jobs"
local proc = require "nlsql.proc"
local support = require "tests.lua.support"

local servers = {}

local Server = {}
Server.__index = Server

local bin, is_root

--- The folder of the server's programs.
function servers.bin()
  if not bin then
    local c = assert(cluster.start {})
    bin = c:bin()
    c:stop()
  end
  return bin
end

local function run(argv)
  local status, output = proc.run { argv = argv, cwd = "/" }
  if status ~= 0 then error(("%s: %s"):format(table.concat(argv, " "), output), 2) end
  return output
end

--- The same command as who the server runs as: it refuses root.
local function as_server(argv)
  if is_root == nil then is_root = run { "id", "-u" } == "0\n" end
  if not is_root then return argv end
  return { "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", table.unpack(argv) }
end

local function own_folder()
  local folder = run({ "mktemp", "-d", "/tmp/nlsql-s-XXXXXX" }):gsub("%s+$", "")
  if is_root == nil then as_server {} end
  if is_root then run { "chown", "postgres:", folder } end
  run { "chmod", "0755", folder }
  return folder
end

--- A server that is started; `settings` are more "name=value"; `port` where it is not the usual.
function servers.new(settings, port)
  local self = setmetatable({ folder = own_folder(), settings = settings or {}, port = port or 5432 }, Server)
  run(as_server { servers.bin() .. "/initdb", "--pgdata", self.folder .. "/data", "--username=postgres", "--auth=trust",
    "--encoding=UTF8", "--locale=C", "--no-sync" })
  self:start()
  return self
end

--- A standby that follows this server. nil where the programs for it are not there.
function Server:standby(settings)
  local program = servers.bin() .. "/pg_basebackup"
  if not support.read(program) then return nil end
  local other = setmetatable({ folder = own_folder(), settings = settings or {}, port = self.port }, Server)
  run(as_server { program, "-D", other.folder .. "/data", "-d", self:url("postgres"), "-R", "-X", "stream", "-c", "fast", "--no-sync" })
  other:start()
  return other
end

--- A file of the server's own that nobody else may read.
function Server:file(name, text)
  local path = self.folder .. "/" .. name
  support.write(path, text)
  run { "chmod", "0600", path }
  if is_root then run { "chown", "postgres:", path } end
  return path
end

function Server:start()
  local argv = { servers.bin() .. "/postgres", "-D", self.folder .. "/data", "-k", self.folder }
  for _, setting in ipairs { "listen_addresses=", "fsync=off", "shared_buffers=16MB", "log_min_messages=fatal",
    "port=" .. self.port, table.unpack(self.settings) } do
    argv[#argv + 1] = "-c"
    argv[#argv + 1] = setting
  end
  self.process = assert(proc.start { argv = as_server(argv), stdout = "null", stderr = self.folder .. "/log", cwd = "/" })
  for _ = 1, 1000 do
    if proc.run { argv = { servers.bin() .. "/psql", "-Xqw", "-d", self:url("postgres"), "-c", "SELECT 1" } } == 0 then return end
    jobs.sleep(0.02)
  end
  error("the server does not start: " .. (support.read(self.folder .. "/log") or ""))
end

--- INT: sessions are cut, all is written; QUIT: as in a crash.
function Server:stop(signal)
  self.process:kill(signal or "INT")
  self.process:wait(20)
end

function Server:remove()
  self:stop("QUIT")
  run { "rm", "-rf", self.folder }
end

function Server:url(database, user)
  return ("postgresql://%s@/%s?host=%s&port=%d"):format(user or "postgres", database or "shop", self.folder, self.port)
end

--- Runs SQL with psql; gives what it printed.
function Server:psql(sql, database)
  support.write(self.folder .. "/in.sql", sql)
  local status, out = proc.run { argv = { servers.bin() .. "/psql", "-XqAtw", "-v", "ON_ERROR_STOP=1", "-d", self:url(database) },
    stdin = self.folder .. "/in.sql" }
  if status ~= 0 then error(out, 2) end
  return (out:gsub("%s+$", ""))
end

--- Makes a database from a file of SQL.
function Server:create(database, file)
  self:psql(("CREATE DATABASE %s"):format(database), "postgres")
  self:psql(support.read(file), database)
end

--- PgBouncer in transaction mode before this server: its URL's host, and how to stop it. nil where there is none.
function Server:bouncer(pool_size)
  local program
  for _, path in ipairs { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer" } do
    if support.read(path) then program = path end
  end
  if not program then return nil end
  local path = self:file("pgbouncer.ini", ([[
[databases]
* = host=%s port=%d user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = %s
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = %d
]]):format(self.folder, self.port, self.folder, pool_size))
  local p = assert(proc.start { argv = as_server { program, "-q", path }, stdout = "null", stderr = "null", cwd = "/" })
  local url = ("postgresql://anyone@/shop?host=%s&port=6432"):format(self.folder)
  for _ = 1, 500 do
    if proc.run { argv = { servers.bin() .. "/psql", "-Xqw", "-d", url, "-c", "SELECT 1" } } == 0 then break end
    jobs.sleep(0.02)
  end
  return url, function()
    p:kill("INT")
    p:wait(10)
  end
end

return servers
