--- fault_world: every phase that asks a model, in one run over the shop, with one request of each that can
--- be told from the others: the one that a fault hits. All else is answered well.

local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local world = {}

local function object(value) return assert(json.encode(value)) end
local function pair(question, sql) return object { question = question, sql = sql } end

--- A table's schema in a request, which is JSON in JSON.
local function shows(name) return ('\\"%s\\":{\\"columns\\"'):format(name) end

local TABLES = { "customer", "product", "purchase", "purchase_line" }
local BY_COUNTRY = object(shop.BY_COUNTRY)
local LINES = pair("How many lines has each purchase?",
  "SELECT p.purchase_id, count(*) AS lines FROM purchase p JOIN purchase_line l USING (purchase_id) GROUP BY p.purchase_id")
local COMPLEX = pair("Which customers bought more often than is usual?", "SELECT c.name FROM customer c WHERE (SELECT count(*) "
  .. "FROM purchase p WHERE p.customer_id = c.customer_id) > (SELECT count(*) / 60.0 FROM purchase)")
local COMPLEX_LINES = pair("What is the rank of each purchase by its lines?", "SELECT p.purchase_id, rank() OVER (ORDER BY "
  .. "count(*) DESC) AS place FROM purchase p JOIN purchase_line l USING (purchase_id) GROUP BY p.purchase_id")
local SETS = object { sets = json.array { { tables = { "customer", "purchase" } }, { tables = { "purchase", "purchase_line" } } } }

--- A phase of one's own, which asks for sets of tables and for nothing that other phases ask for.
world.SETS_PHASE = [[
local tables = require "nlsql.tables"
return {
  name = "sets", summary = "asks for sets of tables",
  options = { count = { 1, "pairs" } },
  plan = function(ctx, emit)
    local sets, why, code = tables.suggested(ctx, "sets", 2, 2)
    if not sets then return nil, why, code end
    for _, set in ipairs(sets) do emit { key = table.concat(set, "+"), tables = set } end
  end,
  prompt = function(_, item) return "A set of tables: " .. table.concat(item.tables, " + ") end,
}
]]

world.SETS_PROMPT = "### user:\nName {{total_table_pairs}} different sets of tables, for sets: {{schema_json}}\n"

world.CONFIG = [[
tables: {include: [customer, product, purchase, purchase_line]}
parallelism: 4
retries: 1
retry_base: 0.02
max_reply_bytes: 1000000
gates: {literal_variants: 0}
defaults: {max_attempts: 2}
phases:
- {name: single_table, count: 1}
- {name: joins, count: 1, total_table_pairs: 2}
- {name: complex_sqls, count: 1, total_table_pairs: 2, min_joins: 2}
- {name: builtins, builtins: {UPPER: 1, COUNT: 1}}
- {name: schema_docs, count: 4}
- {name: schema_relationship, count: 1}
- {name: ours, questions: ["How many customers?", "How many products?"]}
- {name: mended, questions: ["Which names are there?", "How many purchases?"]}
- {name: sets}
]]

---@class tests.Hit         the request of a phase that the fault hits
---@field phase string
---@field match string      finds it
---@field also string?
---@field good string       its right answer
---@field others integer    pairs that the phase gets without it
---@field wanted integer    pairs that it gets with it
---@field alone boolean?    nothing of the phase is answered before it
---@field kind string?      "critic", "sets"

---@type tests.Hit[]
world.HITS = {
  { phase = "single_table", match = "reads no table but customer;", wanted = 4, others = 3,
    good = pair("How many customers has each country?", "SELECT country, count(*) AS customers FROM customer GROUP BY country") },
  { phase = "joins", match = "joins at least 2 of these tables", also = shows "customer", good = BY_COUNTRY, wanted = 2, others = 1 },
  { phase = "complex_sqls", match = "uses at least 2 of these tables", also = shows "customer", good = COMPLEX, wanted = 2,
    others = 1 },
  { phase = "builtins", match = "needs the SQL function UPPER", wanted = 2, others = 1, good = "" }, -- by its table: see rules
  { phase = "schema_docs", match = "about the schema of customer and its answer", wanted = 4, others = 3,
    good = object { question = "What is the primary key of customer?", answer = "The primary key of `customer` is `customer_id`." } },
  { phase = "schema_relationship", match = "more relations in which columns", good = object { relations = json.array {} },
    wanted = 8, others = 8, alone = true },
  { phase = "ours", match = "Question: How many customers?", wanted = 2, others = 1,
    good = pair("How many customers?", "SELECT count(*) AS customers FROM customer") },
  { phase = "mended", match = "Find the fault and mend it", wanted = 2, others = 1, kind = "critic",
    good = object { score = 0.2, reason = "nme is no column", fixed_sql = "SELECT name FROM customer" } },
  { phase = "sets", match = "different sets of tables, for sets", good = SETS, wanted = 2, others = 0,
    alone = true, kind = "sets" },
}

local UPPER = { customer = "name", product = "title", purchase = "bought_on::text", purchase_line = "quantity::text" }

--- The rules that answer well.
local function good_rules()
  local rules = {}
  local function add(match, content, also) rules[#rules + 1] = { match = match, also = also, content = content } end
  for _, name in ipairs(TABLES) do
    local asks = "question about " .. name .. " whose answer needs the SQL function "
    add(asks .. "UPPER", pair(("What are the values of %s in capitals?"):format(name),
      ("SELECT upper(%s) AS value FROM %s"):format(UPPER[name], name)))
    add(asks .. "COUNT", pair(("How many rows has %s?"):format(name), ("SELECT count(*) AS number FROM %s"):format(name)))
    add("reads no table but " .. name .. ";", pair(("How many of %s are there?"):format(name),
      ("SELECT count(*) AS number FROM %s"):format(name)))
    local key = name == "purchase_line" and "`purchase_id` and `line_no`" or ("`%s_id`"):format(name)
    add("about the schema of " .. name .. " and its answer", object { question = ("What is the primary key of %s?"):format(name),
      answer = ("The primary key of `%s` is %s."):format(name, key) })
  end
  add("uses at least 2 of these tables", COMPLEX_LINES)
  add("joins at least 2 of these tables", LINES)
  add("Question: How many products?", pair("How many products?", "SELECT count(*) AS products FROM product"))
  add("Question: How many purchases?", pair("How many purchases?", "SELECT count(*) AS purchases FROM purchase"))
  add("Question: Which names are there?", pair("Which names are there?", "SELECT nme FROM customer"))
  add("A set of tables: customer + purchase", BY_COUNTRY)
  add("A set of tables: product + purchase_line", pair("How many lines has each product?",
    "SELECT p.title, count(*) AS lines FROM product p JOIN purchase_line l USING (product_id) GROUP BY p.title"))
  add("A set of tables: ", LINES)
  add("different sets of tables", SETS)
  return rules
end

--- The rules of an endpoint that has this fault for the request that is hit, of each phase. `fault` is a
--- list of rules, or a function of the hit that gives one; they go to it in their order.
---@param fault table|fun(hit: tests.Hit): table
function world.rules(fault)
  local rules = {}
  for _, hit in ipairs(world.HITS) do
    for _, rule in ipairs(type(fault) == "function" and fault(hit) or fault) do
      local copy = {}
      for name, value in pairs(rule) do copy[name] = value end
      copy.match, copy.also = hit.match, hit.also
      rules[#rules + 1] = copy
    end
    if hit.good ~= "" then
      rules[#rules + 1] = { match = hit.match, also = hit.also, content = hit.good }
    end
  end
  for _, rule in ipairs(good_rules()) do rules[#rules + 1] = rule end
  return rules
end

---@class tests.Told       of one phase of a run
---@field accepted integer
---@field wanted integer
---@field asked integer    how often the request that is hit came
---@field times integer[]  when, in ms
---@field said string      its part of the report

local function told(dir, out)
  local log, list = {}, {}
  for i, line in ipairs(support.lines(dir .. "/requests")) do log[i] = line end
  for _, hit in ipairs(world.HITS) do
    local said = out:match("%f[%w_]" .. hit.phase .. ": [%d,?]+ of [%d,?]+ pairs in.-Time: [^\n]*") or ""
    local accepted, wanted = said:match(": ([%d,?]+) of ([%d,?]+) pairs")
    local one = { accepted = tonumber(accepted), wanted = tonumber(wanted), asked = 0, times = {}, said = said }
    for _, line in ipairs(log) do
      -- the body stands in the log as a JSON text once more
      local body = json.decode(line).body or ""
      if body:find(hit.match, 1, true) and (not hit.also or body:find(hit.also, 1, true)) then
        one.asked, one.times[#one.times + 1] = one.asked + 1, json.decode(line).ms
      end
    end
    list[hit.phase] = one
  end
  return list
end

--- Runs all phases in a folder of its own against an endpoint with this fault.
---@param fault table|fun(hit: tests.Hit): table
---@param o { timed: boolean? }?  timed: with short times, for what never ends
---@return { code: integer, out: string, err: string, seconds: number, phases: table<string, tests.Told>, counts: table, dir: string }
function world.run(fault, o)
  o = o or {}
  local jobs = require "nlsql.jobs"
  local dir = support.temp_dir()
  os.execute("mkdir -p " .. dir .. "/phases " .. dir .. "/prompts")
  support.write(dir .. "/phases/sets.lua", world.SETS_PHASE)
  support.write(dir .. "/prompts/sets.txt", world.SETS_PROMPT)
  support.write(dir .. "/config.yaml", (o.timed and "idle_timeout: 0.5\ntotal_timeout: 2\n" or "") .. world.CONFIG)
  local arguments = { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", world.rules(fault)) }
  local endpoint, began = support.endpoint(arguments), jobs.now()
  local code, out, err = support.nlsql(dir, { "run" }, { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })
  local seconds = jobs.now() - began
  local counts = endpoint.stop()
  return { code = code, out = out, err = err, seconds = seconds, phases = told(dir, out), counts = counts, dir = dir }
end

return world
