--- chat: requests through the model client, store on: JSON in, HTTP, JSON out, one record each.
--- usage: nlsql lua tests/bench/chat.lua URL REQUESTS AT_ONCE; prints one JSON line
local json = require "nlsql.json"
local jobs = require "nlsql.jobs"
local llm = require "nlsql.llm"
local money = require "nlsql.money"
local settings = require "nlsql.settings"
local store = require "nlsql.store"

local url, requests, at_once = arg[1], tonumber(arg[2]), tonumber(arg[3])
local dir = os.tmpname()
os.remove(dir)

local s = settings.built_in()
s.base_url, s.stream, s.openai_model = url, false, "gpt-4o-mini"
local st = assert(store.open(dir .. "/nlsql.db"))
local run = assert(st:run { phase = "bench", version = "", fingerprint = "", dataset = dir .. "/d.jsonl" })
local model = llm.open(s, st, run, money.FREE)
local line = "CREATE TABLE customer (customer_id integer PRIMARY KEY, name text NOT NULL, country text);\n"
local schema = line:rep(14)

local function memory_kb()
  for text in io.lines("/proc/self/status") do
    local kb = text:match("^VmHWM:%s*(%d+)")
    if kb then return tonumber(kb) end
  end
end

local numbers = {}
for i = 1, requests do numbers[i] = i end
jobs.sleep(0)
local started = jobs.now()
local failed = 0
jobs.map(numbers, at_once, function(i)
  local reply = model:chat {
    purpose = "ask", max_tokens = 1000,
    messages = { { role = "system", content = "You write questions and SQL for PostgreSQL." },
      { role = "user", content = schema .. "Write 10 pairs, number " .. i } },
  }
  if not reply or reply.outcome ~= "ok" then failed = failed + 1 end
end)
local seconds = jobs.now() - started
assert(st:flush())
run:close()
st:close()
os.execute("rm -rf " .. dir)
print((json.encode { name = "nlsql chat", requests = requests, failed = failed, seconds = seconds,
  rate = requests / seconds, rss_kb = memory_kb() }))
