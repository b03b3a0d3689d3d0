--- offline: the provider that asks nobody. A grammar over the live schema writes the pairs (see
--- nlsql.grammar), rules mend queries (see nlsql.grammar.repair).
---
--- It is no model: it does not read prompts. What is wanted comes as data beside the messages
--- (`task` of a request); only a review is answered from the rendered text alone. What it gives
--- depends on the seed, the database and the request, never on what else is under way.

local calls = require "nlsql.grammar.calls"
local docs = require "nlsql.grammar.docs"
local grammar = require "nlsql.grammar"
local json = require "nlsql.json"
local openai = require "nlsql.openai"
local options = require "nlsql.options"
local providers = require "nlsql.providers"
local repair = require "nlsql.grammar.repair"
local replies = require "nlsql.replies"
local spoil = require "nlsql.grammar.spoil"
local text = require "nlsql.text"

local offline = { reads_prompts = providers.KNOWN.offline.reads_prompts }

--- It calls no tools: whoever has some asks without them.
offline.NO_TOOLS = true

--- What is wrong with `offline.weights`: a construct that there is not, or none above 0.
local function weights_fault(weights)
  local names, any = grammar.constructs(), false
  local known = {}
  for _, name in ipairs(names) do
    known[name] = true
    any = any or (weights[name] or 1) > 0
  end
  for _, name in ipairs(options.keys_of(weights)) do
    if not known[name] then
      return ("offline.weights: there is no construct %q%s"):format(name, options.did_you_mean(name, names))
    end
  end
  return not any and "offline.weights: expected a weight above 0 for some construct" or nil
end

local ENGLISH = { english = true, en = true }

--- Why the grammar cannot serve with these settings, or nil.
---@param settings table
---@return string?
function offline.fault(settings)
  local language = settings.language
  if language and not ENGLISH[language:lower()] then -- its sentences are English ones
    return ("language: the offline grammar writes English only, not %s (a model can: --provider "
      .. "openai)"):format(language)
  end
  return weights_fault((settings.offline or {}).weights or {})
end

--- Opens the grammar on what a run works on.
---@param settings table
---@param world { schema: nlsql.Catalog, db: nlsql.Db, anon: nlsql.Anon? }
---@return table endpoint with `spoilt`: how many pairs were spoilt on purpose, by the gate to find them
function offline.open(settings, world)
  local told = settings.offline
  local fault = offline.fault(settings)
  if fault then error({ code = "config", message = fault }, 0) end
  local anon = world.anon
  return {
    url = "the offline grammar", model = "grammar", settings = settings, schema = world.schema,
    error_rate = told.error_rate or 0, weights = told.weights, spoilt = {},
    grammar = grammar.open(world.schema, world.db, {
      seed = settings.seed, weights = told.weights, variants = settings.gates.literal_variants,
      anon = anon and not anon:raw() and anon or nil,
    }),
  }
end

--- The request as it is recorded.
function offline.body(_, ask)
  return { model = "grammar", task = ask.task, sample = ask.sample, messages = json.array(ask.messages) }
end

--- What tells requests apart besides their messages.
---@return string
function offline.identity(endpoint, ask)
  return assert(json.encode { task = ask.task or false, error_rate = endpoint.error_rate,
    weights = endpoint.weights or false })
end

--- Reads a completion as openai.read does. `exhausted`: the tables hold no more pairs.
---@return nlsql.Reply
function offline.read(completion)
  local reply = openai.read(completion)
  reply.exhausted = completion.exhausted
  return reply
end

--- --- answers -------------------------------------------------------------------------------------

--- The pairs that this conversation has brought already.
local function pairs_before(body, known)
  local turns = 0
  for _, message in ipairs(body.messages) do
    if message.role == "assistant" then
      turns = turns + 1
      for _, pair in ipairs((replies.read(message.content))) do
        known:note(pair.question, pair.sql)
      end
    end
  end
  return turns
end

local function column_test(schema, tables)
  local names = {}
  for _, ref in ipairs(tables) do
    for _, column in ipairs(schema:table(ref).columns) do names[column.name] = true end
  end
  return function(name) return names[name] == true end
end

local function spoil_some(endpoint, draw, list, task)
  local out, earlier = {}, {}
  local given = {
    tables = task.tables, least = task.least, earlier = earlier, is_column = column_test(endpoint.schema, task.tables),
  }
  for i, pair in ipairs(list) do
    local spoilt, kind
    if draw:chance(endpoint.error_rate) then spoilt, kind = spoil.pair(draw, pair, given) end
    if spoilt then
      endpoint.spoilt[kind] = (endpoint.spoilt[kind] or 0) + 1
      out[i] = spoilt
    else
      out[i] = pair
      earlier[#earlier + 1] = pair
    end
  end
  return out
end

local KEYS = { keys = { "question", "sql" } }

local function write_pairs(endpoint, body)
  local task = body.task
  local tables = task.tables or endpoint.schema:names()
  local known = grammar.known(endpoint.settings.gates.literal_variants)
  local turns = pairs_before(body, known)
  local called, set = task.calls, table.concat(tables, "+")
  local draw = called and endpoint.grammar:draws("calls", called, task.number or 1, set, turns, body.sample or 1)
    or endpoint.grammar:draws("pairs", set, turns, body.sample or 1)
  local list = endpoint.grammar:pairs(tables, task.count, task.least, draw, known,
    { constructs = task.constructs, calls = called })
  if endpoint.error_rate > 0 then
    list = spoil_some(endpoint, draw, list, { tables = tables, least = task.least })
  end
  local lines = {}
  for i, pair in ipairs(list) do lines[i] = assert(json.encode({ question = pair.question, sql = pair.sql }, KEYS)) end
  return ('{"pairs": [%s]}'):format(table.concat(lines, ",\n")), #list < task.count
end

--- Could it write a pair for this task? Only where a function is to be called is it in doubt.
---@param endpoint table
---@param task table as of a request: tables, calls
---@return boolean
function offline.able(endpoint, task)
  if not task.calls then return true end
  if not calls.ways(task.calls) then return false end
  local draw = endpoint.grammar:draws("able", task.calls, table.concat(task.tables, "+"))
  return #endpoint.grammar:pairs(task.tables, 1, 1, draw, grammar.known(0), { calls = task.calls }) > 0
end

local function write_sets(endpoint, body)
  local task, sets = body.task, {}
  local draw = endpoint.grammar:draws("table sets")
  for i, set in ipairs(endpoint.grammar:sets(task.least, task.most, draw)) do sets[i] = { tables = json.array(set) } end
  if #sets == 0 then
    error({ code = "not_found",
      message = ("there is nothing to ask about: no foreign keys connect %d tables with rows in them")
      :format(task.least) }, 0)
  end
  return assert(json.encode { sets = json.array(sets) })
end

--- Names of tables and columns of the schema, for a misspelling to be none of them.
local function name_test(schema, ref)
  return function(name) return schema:find(name) ~= nil or column_test(schema, { ref })(name) end
end

--- Questions about one table with answers in words.
local function write_answers(endpoint, body)
  local task, known, turns = body.task, text.set(), 0
  local ref = task.tables and task.tables[1]
  if not ref then return nil end
  for _, message in ipairs(body.messages) do
    if message.role == "assistant" then
      turns = turns + 1
      for _, pair in ipairs((replies.answers(message.content))) do known:add(text.question_key(pair.question)) end
    end
  end
  local list = docs.pairs(endpoint.grammar, ref, task.count, known)
  local draw, is_name, lines = endpoint.grammar:draws("spoilt answers", ref, turns, body.sample or 1),
    name_test(endpoint.schema, ref), {}
  for i, pair in ipairs(list) do
    local spoilt, kind
    if draw:chance(endpoint.error_rate) then spoilt, kind = docs.spoil(draw, pair, is_name) end
    if spoilt then endpoint.spoilt[kind] = (endpoint.spoilt[kind] or 0) + 1 end
    pair = spoilt or pair
    lines[i] = assert(json.encode({ question = pair.question,
      answer = pair.answer }, { keys = { "question", "answer" } }))
  end
  return ('{"pairs": [%s]}'):format(table.concat(lines, ",\n")), #list < task.count
end

local ANSWERS = { pairs = write_pairs, table_sets = write_sets, answers = write_answers }

local function answer(endpoint, body)
  local kind = body.task and body.task.kind
  if kind ~= "answers" and not endpoint.grammar:has_rows() then
    error({ code = "not_found", message = "there is nothing to ask about: every table is empty" }, 0)
  end
  if ANSWERS[kind] then return ANSWERS[kind](endpoint, body) end
  if kind == "review" then
    return assert(json.encode(repair.review(body.messages[#body.messages].content)))
  end
  return nil
end

--- One request, answered in the process.
---@return nlsql.Reply
function offline.send(endpoint, body)
  local ok, content, exhausted = pcall(answer, endpoint, body)
  local reply = { content = "", sent = true, seconds = 0, usage = { tokens_in = 0, tokens_out = 0, tokens_cached = 0 } }
  if not ok then
    if type(content) ~= "table" then error(content, 0) end
    reply.failure, reply.outcome, reply.message, reply.code = "fatal", content.code, content.message, content.code
    return reply
  end
  local message = content and { role = "assistant", content = content }
    or { role = "assistant", refusal = "the offline grammar writes pairs, answers about tables, sets of tables and "
      .. "reviews, nothing else" }
  local completion = {
    model = "grammar", choices = json.array { { index = 0, message = message, finish_reason = "stop" } },
    usage = { prompt_tokens = 0, completion_tokens = 0 }, exhausted = exhausted or nil,
  }
  for name, value in pairs(offline.read(completion)) do reply[name] = value end
  reply.stored = assert(json.encode(completion))
  return reply
end

return offline
