--- run: the benchmarks, each as a ratio beside a peer or a limit that is measured in the same run.
--- usage: ./dev bench [chat] [joins] [durable] [offline] [start] [jobs] [plan] [watch] [wide] [relations [large]]
---        (all of them without arguments, but large, which takes five minutes more)
local catalog = require "nlsql.catalog"
local grammar = require "nlsql.grammar"
local json = require "nlsql.json"
local jobs = require "nlsql.jobs"
local pg = require "nlsql.pg"
local proc = require "nlsql.proc"
local relations = require "tests.bench.relations"
local support = require "tests.lua.support"
local wide = require "tests.lua.wide"

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

local SETS, EACH = 100, 100

--- A chain of tables, each referring to the one before; a set of the plan is a neighbouring pair.
local function chain_sql(rows)
  local sql = {}
  for i = 1, SETS + 1 do
    sql[#sql + 1] = ("CREATE TABLE t%d (id integer PRIMARY KEY, name text, made date, other integer%s);"):format(i,
      i > 1 and (" REFERENCES t%d"):format(i - 1) or "")
    sql[#sql + 1] = ("INSERT INTO t%d SELECT i, 'name ' || i, date '2020-01-01' + i, i FROM generate_series(1, %d) AS i;")
      :format(i, rows)
  end
  sql[#sql + 1] = "ANALYZE;"
  return table.concat(sql, "\n")
end

local function chain_pairs(i)
  local list = {}
  for k = 1, EACH do
    list[k] = {
      question = ("How many of group %d after number %d are there for each day?"):format(i, k),
      sql = ("SELECT a.made, count(*) AS n, max(b.name) AS last FROM t%d a JOIN t%d b ON b.other = a.id WHERE a.id > %d "
        .. "GROUP BY a.made ORDER BY a.made LIMIT 20"):format(i, i + 1, k),
    }
  end
  return list
end

--- A database of chained tables, an endpoint that has answers to all that is asked of them, and what
--- else the runs on it need, in `dir`.
local function chain(dir)
  support.write(dir .. "/chain.sql", chain_sql(200))
  local url = support.database("chain", { dir .. "/chain.sql" })
  local rules, queries, sets = {}, {}, {}
  for i = 1, SETS do
    local list = chain_pairs(i)
    sets[i] = { tables = { "t" .. i, "t" .. i + 1 } }
    rules[i + 1] = json.encode { match = ('\\"t%d\\":{'):format(i), pairs = list }
    for _, pair in ipairs(list) do queries[#queries + 1] = pair.sql end
  end
  rules[1] = json.encode { match = "different sets of tables", content = json.encode { sets = sets } }
  support.write(dir .. "/rules.jsonl", table.concat(rules, "\n") .. "\n")
  support.write(dir .. "/queries.sql", table.concat(queries, "\n") .. "\n")
  return url, support.endpoint { "--script", dir .. "/rules.jsonl" }
end

--- One run of joins in `dir`: pairs a second, start and end included.
local function chain_run(dir, url, endpoint, env)
  support.write(dir .. "/config.yaml", "gates:\n  literal_variants: 0\ndb_concurrent_sessions: 8\n")
  local variables = { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url }
  for name, value in pairs(env or {}) do variables[name] = value end
  local started = jobs.now()
  local code, out, err = support.nlsql(dir, { "run", "phases/joins.lua", "--fresh", "--set", "total_table_pairs=" .. SETS,
    "--count", tostring(EACH), "--set", "max_attempts=1", "--parallelism", "8" }, variables)
  jobs.sleep(0)
  local accepted = (out or ""):match("joins: ([%d,]+) of")
  if code ~= 0 then error(("exit %d\n%s%s"):format(code, out, err)) end
  return { rate = tonumber((accepted:gsub(",", ""))) / (jobs.now() - started), accepted = accepted }
end

local function joins()
  say("joins: candidates through every gate, end to end, 8 database sessions, an endpoint that answers at once")
  local dir = support.temp_dir()
  local url, endpoint = chain(dir)
  local bare = best_of(2, function()
    return measure { build .. "/tests/bare_pg", url, dir .. "/queries.sql", "8", "5" }
  end)
  local ours = best_of(2, function() return chain_run(dir, url, endpoint) end)
  endpoint.stop()
  os.execute("rm -rf " .. dir)
  say("  %.0f pairs a second, start and end included (%s accepted); %.2f of a bare C loop's %.0f (aim 0.70)", ours.rate,
    ours.accepted, ours.rate / bare.rate, bare.rate)
end

--- The same run on the disk as it is, and in memory with every sync left out (tests/bench/nosync.c);
--- in turns, since a machine is now faster, now slower.
local function durable()
  say("durable: what it costs that nothing accepted or paid is lost; an endpoint that answers at once")
  local dir, memory = support.temp_dir(), "/dev/shm/nlsql-bench-" .. tostring(jobs.now()):gsub("%D", "")
  os.execute("mkdir -p " .. memory)
  local url, endpoint = chain(dir)
  local kept, lost = {}, {}
  for i = 1, 4 do
    kept[i] = chain_run(dir, url, endpoint).rate
    lost[i] = chain_run(memory, url, endpoint, { LD_PRELOAD = build .. "/tests/libnosync.so" }).rate
  end
  endpoint.stop()
  os.execute("rm -rf " .. dir .. " " .. memory)
  table.sort(kept)
  table.sort(lost)
  say("  %.0f pairs a second on the disk, %.0f in memory without a sync: durability costs %.0f %% (aim at most 10; best of 4)",
    kept[4], lost[4], 100 * (1 - kept[4] / lost[4]))
end

--- Pairs over the demo schema from the grammar alone: no gates, no store; 8 sets of tables at once.
local function grammar_rate(url, sets, each)
  local db = assert(pg.open(url, { sessions = 8 }))
  local schema = assert(catalog.load(db, {}))
  jobs.sleep(0)
  local started, n = jobs.now(), 0
  local g = grammar.open(schema, db, { seed = 1, variants = 5 })
  jobs.map(g:sets(2, sets, g:draws("bench")), 8, function(set)
    local list = g:pairs(set, each, 2, g:draws("bench", table.concat(set, "+")), grammar.known(5))
    n = n + #list -- after the waiting, or what others added meanwhile would be lost
  end)
  jobs.sleep(0)
  local seconds = jobs.now() - started
  db:close()
  return { rate = n / seconds, n = n, seconds = seconds }
end

local function offline()
  say("offline: pairs from the grammar on the demo database")
  local url = support.demo()
  local alone = best_of(2, function() return grammar_rate(url, 50, 200) end)
  say("  alone: %d pairs in %.1f s, %.0f a second (values looked up included)", alone.n, alone.seconds, alone.rate)
  local dir = support.temp_dir()
  local ours = best_of(2, function()
    local started = jobs.now()
    local code, out, err = support.nlsql(dir, { "run", "phases/joins.lua", "--fresh", "--provider", "offline",
      "--count", "100", "--set", "anonymise=off" }, { DATABASE_URL = url }) -- its queries run as they are
    jobs.sleep(0)
    if code ~= 0 then error(("exit %d\n%s%s"):format(code, out, err)) end
    local accepted = out:match("joins: ([%d,]+) of"):gsub(",", "")
    return { rate = tonumber(accepted) / (jobs.now() - started) }
  end)
  local queries = {}
  for i, line in ipairs(support.lines(dir .. "/generated_datasets/joins/dataset.jsonl")) do
    queries[i] = json.decode(line).sql
  end
  support.write(dir .. "/queries.sql", table.concat(queries, "\n") .. "\n")
  local bare = best_of(2, function() return measure { build .. "/tests/bare_pg", url, dir .. "/queries.sql", "8", "8" } end)
  os.execute("rm -rf " .. dir)
  say("  through every gate, start and end included: %.0f a second; %.2f of a bare C loop's %.0f over the same queries",
    ours.rate, ours.rate / bare.rate, bare.rate)
end

local function start()
  say("start: from opening the engine to the first request, a database of 100 tables")
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
    local _, _, err = support.nlsql(dir, { "run", "phases/joins.lua", "--verbose", "--fresh" },
      { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url, OPENAI_API_KEY = "sk-wrong" })
    local ms = tonumber(err:match("first request (%d+) ms"))
    best = best and math.min(best, ms) or ms
  end
  endpoint.stop()
  os.execute("rm -rf " .. dir)
  say("  ready for the first request after %.0f ms at best of 7 (aim 50)", best)
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
  support.write(dir .. "/rules.jsonl", '{"content": "no pairs here"}\n')
  local endpoint = support.endpoint { "--script", dir .. "/rules.jsonl" }
  local few = peak_of(dir, url, endpoint, 2000)
  local many = peak_of(dir, url, endpoint, 100000)
  endpoint.stop()
  os.execute("rm -rf " .. dir)
  say("  2,000 items: %.0f MB at most; 100,000 items: %.0f MB", few / 1024, many / 1024)
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

--- Milliseconds from a save of `path` to the first line that matches, and to the round's last line.
local function save_and_time(running, path, text, pattern)
  jobs.sleep(0.1)
  local saved, first = jobs.now(), nil
  support.write(path, text)
  while true do
    local line = assert(running:read_line(20), "nlsql try ended")
    if not first and line:find(pattern) then first = jobs.now() end
    if line:find("^seconds") then return (first - saved) * 1000, (jobs.now() - saved) * 1000 end
  end
end

local function watch()
  say("watch: from saving a file to seeing its effect, nlsql try --watch, the demo database, a recorded reply of 10 pairs")
  local dir = support.temp_dir()
  local url = support.demo()
  support.nlsql(dir, { "new", "phase", "mine" })
  local running = assert(proc.start {
    argv = { "sh", "-c", "cd " .. dir .. " && exec " .. build .. "/nlsql try mine --watch --provider offline --count 10" },
    env = { DATABASE_URL = url }, stdout = "pipe",
  })
  repeat until assert(running:read_line(20), "nlsql try ended"):find("^seconds")
  local prompt, phase = support.read(dir .. "/prompts/mine.txt"), support.read(dir .. "/phases/mine.lua")
  local differences, verdicts = {}, {}
  for i = 1, 15 do
    differences[i] = save_and_time(running, dir .. "/prompts/mine.txt", prompt:gsub("plain English", "plain English " .. i),
      "^prompt: changed")
    local _, whole = save_and_time(running, dir .. "/phases/mine.lua", phase .. "-- " .. i .. "\n", "^prompt: unchanged")
    verdicts[i] = whole
  end
  running:kill("INT")
  running:wait(10)
  local alone = {}
  for i = 1, 5 do
    local started = jobs.now()
    support.nlsql(dir, { "try", "mine", "--provider", "offline", "--count", "10" }, { DATABASE_URL = url })
    jobs.sleep(0)
    alone[i] = (jobs.now() - started) * 1000
  end
  os.execute("rm -rf " .. dir)
  say("  the prompt's difference: %.0f ms (aim 100); the recorded reply's new verdicts, the server's time included: %.0f ms "
    .. "(aim 100 and the server's); nlsql try anew: %.0f ms (medians)", median(differences), median(verdicts), median(alone))
end

if on "watch" then watch() end
--- Seconds, and peak memory in kilobytes, of one run of the program in `dir`, and what it wrote.
local function measured_run(dir, words, variables)
  local line = { "cd", dir, "&&", "env" }
  for name, value in pairs(variables) do line[#line + 1] = ("'%s=%s'"):format(name, value) end
  line[#line + 1] = ("python3 -c '%s' %s/nlsql run %s"):format("import resource,subprocess,sys,time; t=time.time(); "
    .. 'p=subprocess.run(sys.argv[1:],capture_output=True,text=True); print(p.stdout+p.stderr); '
    .. "print(time.time()-t,resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", build, words)
  local _, output = proc.run { argv = { "sh", "-c", table.concat(line, " ") } }
  local seconds, kb = output:match("([%d.]+) (%d+)%s*$")
  return tonumber(seconds), tonumber(kb), output
end

local WIDE = 5000

local function many_tables()
  say("wide: %d tables (half a minute to make them)", WIDE)
  local dir = support.temp_dir()
  local url = wide.url(WIDE)
  support.write(dir .. "/rules.jsonl", '{"match": "different sets of tables", "content": "{\\"sets\\": []}"}\n'
    .. '{"content": "no pairs here"}\n')
  local endpoint = support.endpoint { "--script", dir .. "/rules.jsonl" }
  local _, kb, output = measured_run(dir, "joins --verbose --count 1 --set max_attempts=1",
    { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url })
  endpoint.stop()
  say("  joins: ready for the first request after %s ms, in %s; %.0f MB at most",
    output:match("first request (%d+) ms") or "?", output:match("asked for in (%d+ of %d+ neighbourhoods)") or "?", kb / 1024)
  for _, phase in ipairs { "joins --count 20", "complex_sqls --count 20", "single_table --count 2" } do
    local seconds, peak
    seconds, peak, output = measured_run(dir, phase .. " --provider offline --fresh", { DATABASE_URL = url })
    say("  %s, offline: %s pairs in %.1f s, %.0f MB at most", phase, output:match(": ([%d,]+) of [%d,]+ pairs") or "?", seconds,
      peak / 1024)
  end
  os.execute("rm -rf " .. dir)
end

if on "chat" then chat() end
if on "joins" then joins() end
if on "durable" then durable() end
if on "offline" then offline() end
if on "start" then start() end
if on "jobs" then suspended() end
if on "plan" then plan() end
if on "wide" then many_tables() end
if on "relations" then relations.run({ say = say, measure = measure, best_of = best_of }, wanted.large ~= nil) end
