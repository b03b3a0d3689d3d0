--- run: the benchmarks, each as a ratio beside a peer or a limit that is measured in the same run.
--- usage: ./dev bench [chat] [joins] [start] [jobs] [plan]   (all of them without arguments)
local json = require "nlsql.json"
local jobs = require "nlsql.jobs"
local proc = require "nlsql.proc"
local support = require "tests.lua.support"

local build = support.build()
local wanted = {}
for _, name in ipairs(arg) do wanted[name] = true end
local function on(name) return #arg == 0 or wanted[name] end

local function say(format, ...) io.stdout:write(format:format(...), "\n") io.stdout:flush() end

--- Runs a program that prints one JSON line, and reads the line.
local function measure(argv)
  local status, output = proc.run { argv = argv }
  local line = output:match("{[^\n]*}%s*$")
  if status ~= 0 or not line then error(("%s failed (%d): %s"):format(argv[1], status, output)) end
  return assert(json.decode(line))
end

local function program(...) return { build .. "/nlsql", "lua", ... } end

local function best_of(n, f)
  local best
  for _ = 1, n do
    local got = f()
    if not best or got.rate > best.rate then best = got end
  end
  return best
end

local function chat()
  say("chat: requests through the model client (store on, JSON in and out, not streamed)")
  local slow = support.endpoint { "--delay-ms", "200" }
  local got = best_of(2, function() return measure(program("tests/bench/chat.lua", slow.url, "20000", "1000")) end)
  slow.stop()
  say("  200 ms delay, 1,000 in flight: %.0f replies a second, %.2f of the ideal 5,000 (aim 0.90); %.0f MB (aim 64)",
    got.rate, got.rate / 5000, got.rss_kb / 1024)
  local fast = support.endpoint {}
  local completions = fast.url .. "/chat/completions"
  local bare = best_of(3, function()
    return measure { build .. "/tests/bare_http", "--url", completions, "--requests", "40000", "--connections", "100" }
  end)
  local ours = best_of(3, function() return measure(program("tests/bench/chat.lua", fast.url, "30000", "100")) end)
  say("  no delay, 100 connections: %.0f a second; %.2f of a bare libcurl multi loop's %.0f (aim 0.40)",
    ours.rate, ours.rate / bare.rate, bare.rate)
  local peer = measure { "/usr/bin/python3", "tests/bench/aiohttp_peer.py", "--url", completions, "--requests", "8000",
    "--connections", "100" }
  if peer.skipped then
    say("  aiohttp: skipped (%s)", peer.skipped)
  else
    say("  … and %.1f times Python's aiohttp with %.0f (aim 4)", ours.rate / peer.rate, peer.rate)
  end
  fast.stop()
end

--- Distinct pairs on the shop of tests/data, in ten shapes.
local function many_pairs(n)
  local list = {}
  for i = 1, n do
    local a, b = i % 400, i // 400
    list[i] = {
      question = ("How many pieces over %d did purchases after number %d have for each country?"):format(b, a),
      sql = ("SELECT c.country, sum(l.quantity) AS pieces FROM customer c JOIN purchase p ON p.customer_id = c.customer_id "
        .. "JOIN purchase_line l ON l.purchase_id = p.purchase_id WHERE p.purchase_id > %d AND l.quantity >= 0 "
        .. "AND c.customer_id + %d > 0 GROUP BY c.country ORDER BY c.country"):format(a % 390, b + 1),
    }
  end
  return list
end

local function write_lines(path, list, f)
  local out = {}
  for i, one in ipairs(list) do out[i] = f(one) end
  support.write(path, table.concat(out, "\n") .. "\n")
end

local PAIRS = 20000

local function joins()
  say("joins: candidates through every gate, end to end, 8 database sessions, an endpoint that answers at once")
  local dir = support.temp_dir()
  local url = support.database("shop", { "tests/data/shop.sql" })
  local list = many_pairs(PAIRS)
  write_lines(dir .. "/pairs.jsonl", list, function(p) return (json.encode(p, { keys = { "question", "sql" } })) end)
  write_lines(dir .. "/queries.sql", list, function(p) return p.sql end)
  write_lines(dir .. "/rules.jsonl", { { match = "different sets of tables",
    content = '{"sets": [{"tables": ["customer", "purchase", "purchase_line"]}]}' } }, function(r) return (json.encode(r)) end)
  support.write(dir .. "/config.yaml", "gates:\n  literal_variants: 0\ndb_concurrent_sessions: 8\n")
  local bare = measure { build .. "/tests/bare_pg", url, dir .. "/queries.sql", "8", "8" }
  local endpoint = support.endpoint { "--script", dir .. "/rules.jsonl", "--pairs", dir .. "/pairs.jsonl",
    "--per-reply", "100" }
  local started = jobs.now()
  local code, out, err = support.nlsql(dir, { "run", "phases/joins.lua", "--set", "total_table_pairs=1", "--count",
    tostring(PAIRS), "--set", ("max_attempts=%d"):format(PAIRS // 100 + 5), "--parallelism", "8" },
    { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url })
  jobs.sleep(0)
  local seconds = jobs.now() - started
  endpoint.stop()
  os.execute("rm -rf " .. dir)
  local accepted = tonumber(((out or ""):match("joins: ([%d,]+) of") or "0"):gsub(",", ""), 10)
  if accepted == 0 then error(("exit %d\n%s%s"):format(code, out, err)) end
  local rate, limit = accepted / seconds, bare.rate or bare.candidates_per_second
  say("  %.0f pairs a second (%d accepted, exit %d), %.2f of a bare C loop's %.0f (aim 0.70)", rate, accepted, code,
    rate / limit, limit)
end

local function start()
  say("start: a run that ends with its first request (the endpoint answers 401), 100 tables")
  local dir = support.temp_dir()
  local sql = {}
  for i = 1, 100 do
    sql[i] = ("CREATE TABLE t%d (id integer PRIMARY KEY, name text, made date, t%d_id integer%s);"):format(i,
      math.max(i - 1, 1), i > 1 and (" REFERENCES t%d"):format(i - 1) or "")
  end
  support.write(dir .. "/hundred.sql", table.concat(sql, "\n"))
  local url = support.database("hundred", { dir .. "/hundred.sql" })
  local endpoint = support.endpoint { "--require-key", "another" }
  local best
  for _ = 1, 7 do
    local started = jobs.now()
    support.nlsql(dir, { "run", "phases/joins.lua" },
      { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url, OPENAI_API_KEY = "sk-wrong" })
    jobs.sleep(0)
    local ms = (jobs.now() - started) * 1000
    best = best and math.min(best, ms) or ms
  end
  endpoint.stop()
  os.execute("rm -rf " .. dir)
  say("  %.0f ms for the whole process, its end and the shell around it included (aim 50 to the request)", best)
end

local function suspended()
  say("jobs: memory of what waits")
  collectgarbage()
  collectgarbage()
  local before, list = collectgarbage "count", {}
  for i = 1, 100000 do list[i] = jobs.spawn(jobs.sleep, 3600) end
  jobs.sleep(0.1)
  local each = (collectgarbage "count" - before) * 1024 / #list
  for _, job in ipairs(list) do job:cancel() end
  say("  a suspended job: %.0f bytes (aim: under 4,096)", each)
end

local PLAN = [[
return { name = "plan", summary = "items and nothing else",
  options = { items = { 1000, "how many" } },
  plan = function(ctx, emit) for i = 1, ctx.opt.items do emit { key = "item " .. i } end end,
  prompt = function(_, item) return "Item " .. item.key end }
]]

--- Peak memory of the program itself, by GNU time's means: /proc as it ends.
local function peak_of(dir, url, endpoint, items)
  os.execute("mkdir -p " .. dir .. "/phases")
  support.write(dir .. "/phases/plan.lua", PLAN)
  local script = ("cd %s && env DATABASE_URL=%q OPENAI_BASE_URL=%s python3 -c '%s' %s/nlsql run phases/plan.lua "
    .. "--count 1 --set items=%d --set max_attempts=1 --parallelism 100 --fresh"):format(dir, url, endpoint.url,
    "import resource,subprocess,sys; subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL); "
    .. "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", build, items)
  local _, output = proc.run { argv = { "sh", "-c", script } }
  return assert(tonumber(output:match("(%d+)%s*$")), output)
end

local function plan()
  say("plan: memory of a long plan (every item asks once and is refused)")
  local dir = support.temp_dir()
  local url = support.database("shop", { "tests/data/shop.sql" })
  local endpoint = support.endpoint { "--script", dir .. "/rules.jsonl" }
  endpoint.stop()
  support.write(dir .. "/rules.jsonl", '{"content": "no pairs here"}\n')
  endpoint = support.endpoint { "--script", dir .. "/rules.jsonl" }
  local few = peak_of(dir, url, endpoint, 2000)
  local many = peak_of(dir, url, endpoint, 100000)
  endpoint.stop()
  os.execute("rm -rf " .. dir)
  say("  2,000 items: %.0f MB at most; 100,000 items: %.0f MB", few / 1024, many / 1024)
end

if on "chat" then chat() end
if on "joins" then joins() end
if on "start" then start() end
if on "jobs" then suspended() end
if on "plan" then plan() end
