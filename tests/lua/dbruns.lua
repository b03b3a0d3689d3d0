--- dbruns: runs of the program on a server that something befalls meanwhile.
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local proc = require "nlsql.proc"
local support = require "tests.lua.support"

local dbruns = {}

--- Questions of a run, each an item.
dbruns.N = 12

--- Each takes a moment and is another than the rest.
dbruns.SLOW = "SELECT %d AS number, name, (SELECT count(*) FROM generate_series(1, 1000000)) AS slow FROM customer"

local Runs = {}
Runs.__index = Runs

--- A folder for runs that read `server` where nothing else is said.
function dbruns.new(server) return setmetatable({ server = server, dir = support.temp_dir() }, Runs) end

function Runs:close()
  self:stop()
  os.execute("rm -rf " .. self.dir)
end

--- Ends the endpoint; what it has counted.
function Runs:stop()
  local counts = self.endpoint and self.endpoint.stop()
  self.endpoint = nil
  return counts
end

--- An endpoint that answers the questions, each by `sql` (or one of a list) with its number; `more`: lines of the
--- configuration.
function Runs:answers(sql, more)
  local rules, questions, list = {}, {}, type(sql) == "table" and sql or { sql }
  for i = 1, dbruns.N do
    local question = ("Question number %02d?"):format(i)
    questions[i] = question
    rules[i] = { match = question, content = json.encode { question = question, sql = list[i % #list + 1]:format(i) } }
  end
  self.endpoint = support.endpoint { "--script", support.write_json_lines(self.dir .. "/rules.jsonl", rules) }
  support.write(self.dir .. "/config.yaml", ([[
anonymise: off
gates: {literal_variants: 0, statement_timeout: %s}
db_concurrent_sessions: 4
critic: false
%s
phases:
- {name: ours, parallelism: 8, questions: %s}
]]):format(more and more:match("statement_timeout=([%d.]+)") or "8", more and more:gsub("statement_timeout=[%d.]+", "") or "",
    json.encode(json.array(questions))))
end

local UNDER_WAY = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nlsql' AND state = 'active' "
  .. "AND query LIKE '%FETCH%' AND pid <> pg_backend_pid()"

local function wait_for(server, wanted)
  local db = assert(pg.open(server:url("postgres"), { sessions = 1 }))
  for _ = 1, 3000 do
    local got = db:query(UNDER_WAY)
    if got and tonumber(got.rows[1][1]) >= wanted then break end
    jobs.sleep(0.005)
  end
  db:close()
end

--- Starts a run on `url`; once `wanted` (nil: none) of its queries are under way calls `harm`. Gives its exit code,
--- its report and its log.
function Runs:run(url, wanted, harm, watched)
  local p = assert(proc.start {
    argv = { "env", "-u", "OPENAI_API_KEY", support.build() .. "/nlsql", "run", "-q" }, cwd = self.dir,
    env = { DATABASE_URL = url, OPENAI_BASE_URL = self.endpoint.url }, stdout = self.dir .. "/out", stderr = self.dir .. "/err",
  })
  if wanted then wait_for(watched or self.server, wanted) end
  if harm then harm() end
  local code = assert(p:wait(60), "the run does not end")
  return code, support.read(self.dir .. "/out"), support.read(self.dir .. "/err")
end

--- How many rows the dataset has: each whole, and none twice.
function Runs:rows()
  local seen, n = {}, 0
  for _, line in ipairs(support.lines(self.dir .. "/generated_datasets/ours/dataset.jsonl")) do
    local row = assert(json.decode(line), "a torn line: " .. line)
    assert(not seen[row.question], row.question)
    seen[row.question], n = true, n + 1
  end
  return n
end

return dbruns
