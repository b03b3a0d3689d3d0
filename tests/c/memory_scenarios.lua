--- What test_memory_lua has done by the bindings while memory runs out: one function for each. Each
--- takes {folder=, base=, database=} (a folder of its own, the fake endpoint, a real database), and
--- raises where something is not as it should be; a failure told by nil, message, code is raised too.

local function must(value, message, code)
  if value == nil or value == false then error(("%s (%s)"):format(message, code), 0) end
  return value
end

local scenarios = {}

function scenarios.json()
  local json = require "nlsql.json"
  local text = '{"a":[1,2.5,true,null,"x\\u00e9"],"b":{"c":[[],{}],"n":12345678901234567890}}'
  local value = must(json.decode(text))
  must(#must(json.encode(value)) > 20)
  must(json.encode({ list = json.array {}, n = json.number "1.50", v = json.verbatim '{"x":1}' }, { indent = 2 }))
  must(json.fold 'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
end

function scenarios.yaml()
  local yaml = require "nlsql.yaml"
  must(yaml.read("a: [1, 2.5, x]\nb:\n  c: |\n    text\n  d: &x {e: true}\nf: *x\n", "x.yaml"))
end

function scenarios.text()
  local text = require "nlsql.text"
  local set = text.set()
  for i = 1, 300 do set:add(text.key("key " .. i)) end
  must(text.hex(text.question_key "How many orders?"))
  must(text.clean_utf8 "a\xffb")
  must(text.nearest("custmer", { "customer", "order" }) == "customer")
end

function scenarios.protect()
  local protect = require "nlsql.protect"
  local set = protect.set()
  for i = 1, 60 do set:add(("value number %d"):format(i)) end
  set:exempt "value number 7"
  must(set:find "there is value number 33 in it")
end

function scenarios.files()
  local files = require "nlsql.files"
  must(#must(files.list "prompts") > 5)
  local path = must(files.find("prompts", "join_sql.txt"))
  must(#must(files.read(path)) > 100)
  local prompt = require "nlsql.prompt"
  must(prompt.parse("### user:\nWrite {{count}}{{#more}} or {{more}}{{/more}}.", "x")):render { count = 1, more = false }
end

function scenarios.sql()
  local sql = require "nlsql.sql"
  local statement = must(sql.parse "SELECT count(*), c.name FROM customer c WHERE c.name LIKE 'a%' GROUP BY 2")
  must(#statement:text() > 20)
  must(statement:keys())
  statement:close()
end

local function connect(at)
  local pg = require "nlsql.pg"
  return must(pg.open(at.database, { sessions = 1 }))
end

function scenarios.pg(at)
  local db = connect(at)
  local result = must(db:query("SELECT n, 'text ' || n FROM generate_series(1, $1::int) n", { "40" }))
  must(#result.rows == 40, "rows")
  must(must(db:probe("SELECT * FROM customer", { rows = true })).rows, "no rows")
  db:close()
end

function scenarios.catalog(at)
  local catalog = require "nlsql.catalog"
  local sql = require "nlsql.sql"
  local db = connect(at)
  local schema = must(catalog.load(db))
  must(#schema:names() > 2)
  must(schema:find "customer")
  must(schema:table "purchase_line")
  schema:edges()
  schema:render { format = "markdown", max_tokens = 200 }
  schema:nearest "custmer"
  local statement = must(sql.parse "SELECT name FROM customer WHERE name = 'x' LIMIT 5")
  must(statement:safe(schema))
  must(statement:facts(schema))
  statement:literals(schema)
  db:close()
end

function scenarios.stats(at)
  local catalog = require "nlsql.catalog"
  local stats = require "nlsql.stats"
  local db = connect(at)
  local schema = must(catalog.load(db))
  local scan = must(stats.scan(schema, { db = db, connections = 1, values = true }))
  must(#scan.columns > 5)
  local correlate = require "nlsql.correlate"
  must(correlate.correlations(schema, "purchase_line", { db = db }))
  db:close()
end

function scenarios.http(at)
  local http = require "nlsql.http"
  local reply = must(http.request {
    url = at.base .. "/chat/completions", headers = { ["Content-Type"] = "application/json" },
    body = '{"model":"m","messages":[{"role":"user","content":"two"}]}', total = 5,
  })
  must(reply.status == 200, "status")
  must(http.header(reply, "content-type"))
end

function scenarios.proc()
  local proc = require "nlsql.proc"
  local status, output = proc.run { argv = { "sh", "-c", "echo $A; echo two" }, env = { A = "one" } }
  must(status == 0 and output == "one\ntwo\n", output)
  local process = must(proc.start { argv = { "sh", "-c", "echo three; sleep 5" } })
  process:close()
end

function scenarios.store(at)
  local store = require "nlsql.store"
  local text = require "nlsql.text"
  local opened = must(store.open(at.folder .. "/nlsql.db"))
  local run = must(opened:run { phase = "joins", version = "", fingerprint = "f", fresh = true,
    dataset = at.folder .. "/dataset.jsonl" })
  must(opened:budget(1000000) ~= false)
  local reservation = must(opened:reserve(1000))
  must(run:record { key = text.key "r", sample = 1, purpose = "ask", model = "m", request = "{}", reply = "yes",
    outcome = "ok", cost = 5, reservation = reservation })
  must(run:commit { item = "a", ordinal = 1, turn = 1, state = "{}",
    entries = { { line = '{"question":"q"}', question = "q", sql = "SELECT 1", sql_key = text.key "s",
      masked_key = text.key "m", question_key = text.key "q", facts = "{}" } },
    rejections = { { gate = "parse", reason = "no", sql = "SELEC", candidate = 1 } } })
  must(run:item "a")
  must(run:recall(text.key "r", 1) == "yes", "recalled")
  for _ in run:seen() do must(true) end
  opened:close()
end

function scenarios.journal()
  local journal = require "nlsql.journal"
  must(journal.append("x.log", "a line"))
end

function scenarios.watch(at)
  local watch = require "nlsql.watch"
  local opened = must(watch.open { at.folder })
  opened:wait(0.001)
  opened:close()
end

function scenarios.jobs()
  local job = require "nlsql.job"
  local jobs = {}
  for i = 1, 10 do
    jobs[i] = job.spawn(function()
      job.sleep(0)
      return i
    end)
  end
  for i = 1, 10 do jobs[i]:wait() end
end

return function(name, at) scenarios[name](at) end
