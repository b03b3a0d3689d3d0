--- support: what several specs need: one private cluster, a fake endpoint, runs of the program.

local cluster = require "nlsql.cluster"
local json = require "nlsql.json"
local proc = require "nlsql.proc"

local support = {}

--- The program under test and the fake endpoint lie in one build folder.
local build
function support.build()
  if not build then
    local f = assert(io.open("/proc/self/cmdline", "rb"))
    local program = f:read("a"):match("^[^\0]+")
    f:close()
    local _, path = proc.run { argv = { "readlink", "-f", program } }
    build = path:match("^(.*)/[^/]+\n$")
  end
  return build
end

function support.write(path, text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

function support.read(path)
  local f = io.open(path, "rb")
  if not f then return nil end
  local text = f:read("a")
  f:close()
  return text
end

function support.lines(path)
  local out = {}
  for line in (support.read(path) or ""):gmatch("[^\n]+") do out[#out + 1] = line end
  return out
end

--- What a shell's command prints, line by line.
function support.lines_of(command)
  local out, p = {}, assert(io.popen(command))
  for line in p:lines() do out[#out + 1] = line end
  p:close()
  return out
end

--- One JSON object a line; returns the path.
function support.write_json_lines(path, list)
  local lines = {}
  for i, one in ipairs(list) do lines[i] = assert(json.encode(one, { keys = { "question", "sql" } })) end
  support.write(path, table.concat(lines, "\n") .. "\n")
  return path
end

function support.temp_dir()
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir -p " .. path))
  return path
end

local started

--- A URL of database `name`, made from SQL files at its first use; one cluster for the process.
function support.database(name, files)
  if not started then
    started = { cluster = assert(cluster.start {}), made = {} }
  end
  if name ~= "postgres" and not started.made[name] then
    assert(started.cluster:create(name, files or {}))
    started.made[name] = true
  end
  return started.cluster:url(name)
end

--- The demo database, made from the files that are shipped.
function support.demo()
  local files = {}
  local list = assert(io.popen("ls scripts/demo/*.sql"))
  for line in list:lines() do files[#files + 1] = line end
  list:close()
  return support.database("demo", files)
end

function support.cluster() return started and started.cluster end

--- Starts the fake endpoint; returns { url=, stop=function() → its counts }.
function support.endpoint(arguments)
  local argv = { support.build() .. "/tests/fake_openai", "--port", "0" }
  for _, word in ipairs(arguments or {}) do argv[#argv + 1] = word end
  local p = assert(proc.start { argv = argv, stdout = "pipe" })
  local line = assert(p:read_line(10), "the fake endpoint did not start")
  local port = assert(line:match("^listening (%d+)"))
  return {
    url = ("http://127.0.0.1:%s/v1"):format(port),
    process = p,
    stop = function()
      p:kill("TERM")
      local counts = p:read_line(10)
      p:wait(10)
      return counts and json.decode(counts)
    end,
  }
end

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

--- Runs the program in folder `dir`; returns exit code, standard output, standard error.
function support.nlsql(dir, arguments, variables)
  local words = { "cd", quoted(dir), "&&", "env", "-u", "DATABASE_URL", "-u", "OPENAI_API_KEY", "-u", "OPENAI_BASE_URL" }
  for name, value in pairs(variables or {}) do words[#words + 1] = quoted(name .. "=" .. value) end
  words[#words + 1] = quoted(support.build() .. "/nlsql")
  for _, word in ipairs(arguments) do words[#words + 1] = quoted(word) end
  local out, err = dir .. "/.out", dir .. "/.err"
  local command = table.concat(words, " ") .. " >" .. quoted(out) .. " 2>" .. quoted(err) .. " </dev/null"
  local status = proc.run { argv = { "sh", "-c", command } }
  return status, support.read(out), support.read(err)
end

return support
