--- tools: what a model may call while it works on an item (see nlsql.agent): have a query written,
--- validated, reviewed, run.
---
--- Queries go through the same gates as every candidate. Rows have stand-ins for what is private.

local critic = require "nlsql.critic"
local gates = require "nlsql.gates"
local replies = require "nlsql.replies"
local sample = require "nlsql.sample"
local sql = require "nlsql.sql"
local sqltext = require "nlsql.sqltext"
local words = require "nlsql.grammar.words"

local tools = {}

--- Letters of one value, and rows, that the model is shown at most.
local MOST_FIELD, MOST_ROWS = 120, 50

local TEXT = { type = "string" }

local function object(properties, required)
  return { type = "object", properties = properties, required = required }
end

--- --- which tables ----------------------------------------------------------------------------------

--- Does the text name it, as a word?
local function says(said, name)
  local from, to = said:find(name, 1, true)
  while from do
    if not said:sub(from - 1, from - 1):find("[%w_]") and not said:sub(to + 1, to + 1):find("[%w_]") then return true end
    from, to = said:find(name, to + 1, true)
  end
  return false
end

--- The tables of the item that a question names, by their name or as people would say it; all of them
--- where it names none.
---@param ctx nlsql.Context
---@param item table
---@param question string
---@return string[]? refs nil: all of the schema
function tools.named(ctx, item, question)
  local said, out = question:lower(), {}
  for _, ref in ipairs(item.tables or ctx.schema:names()) do
    local name = ctx.schema:table(ref).name
    local noun = words.singular(words.humanise(name)):lower()
    if says(said, name:lower()) or says(said, noun) or says(said, words.plural(noun)) then out[#out + 1] = ref end
  end
  if #out == 0 then return item.tables end
  return out
end

--- --- the tools -------------------------------------------------------------------------------------

--- The query in a reply: of a pair, or bare.
local function query_of(content)
  local pair = replies.read(content)[1]
  if pair then return pair.sql end
  local bare = sqltext.clean(content)
  if not bare:find("%S") then return nil end
  local statement <close> = sql.parse(bare)
  return statement and bare or nil
end

--- The form of a reply that is one pair.
tools.PAIR = {
  name = "pair",
  schema = {
    type = "object", additionalProperties = false, required = { "question", "sql" },
    properties = { question = TEXT, sql = TEXT },
  },
}

local function generate_sql(ctx, item, o)
  return function(arguments)
    local question = arguments.nl_question
    local refs = tools.named(ctx, item, question)
    local schema_json, cut = ctx:schema_json(refs)
    local messages, why = ctx:render(o.template, {
      question = question, schema_json = schema_json, cut = cut or false, rule = o.rule or false,
      sample_rows = o.use_sample_rows and refs and ctx:sample(refs) or false,
    })
    if not messages then return nil, why, "config" end
    local reply, message, code = ctx.llm:chat {
      purpose = "generate", item = item.key, messages = messages, schema = tools.PAIR, sample = o.sample,
    }
    if not reply then return nil, message, code end
    if reply.gave_up then return "error: no query came: " .. tostring(reply.message) end
    local query = query_of(reply.content)
    return query and { sql = query } or "error: no query came: the reply holds no SQL"
  end
end

--- One query through the gates; nil, message, code where the database could not be asked.
local function verdict_of(ctx, item, o, query)
  local verdict = gates.check(ctx, item, { question = "", sql = sqltext.clean(query) }, o.accept)
  if verdict.lost then return nil, verdict.reason, "db" end
  return verdict
end

local function told(verdict)
  if verdict.ok then return { valid = true, rows = verdict.probe.n_rows, more_rows = verdict.probe.more or nil } end
  return { valid = false, gate = verdict.gate, reason = verdict.reason, detail = verdict.detail }
end

local function validate_sql(ctx, item, o)
  return function(arguments)
    local verdict, message, code = verdict_of(ctx, item, o, arguments.sql)
    if not verdict then return nil, message, code end
    return told(verdict)
  end
end

local function review_sql(ctx, item, o, wanted)
  return function(arguments)
    local query = sqltext.clean(arguments.sql)
    local verdict, message, code = verdict_of(ctx, item, o, query)
    if not verdict then return nil, message, code end
    local review
    review, message, code = critic.review(ctx, item, { question = arguments.question or "(not given)", sql = query },
      not verdict.ok and verdict or nil, wanted)
    if message then return nil, message, code end
    if not review then return "error: the review cannot be read" end
    return { score = review.score, reason = review.reason, fixed_sql = review.fixed_sql }
  end
end

local function write_rows(ctx, item, o)
  return function(arguments)
    local verdict, message, code = verdict_of(ctx, item, o, arguments.sql)
    if not verdict then return nil, message, code end
    if not verdict.ok then return told(verdict) end
    local limits = gates.limits(ctx.settings.limits)
    limits.rows, limits.max_rows = true, math.min(arguments.n_rows or o.n_rows or 5, MOST_ROWS)
    local result = gates.rows(ctx, verdict, limits)
    if result.code == "net" then return nil, result.error, "db" end
    if result.stage ~= "done" then return { valid = false, reason = result.error } end
    return { columns = result.columns, rows = sample.cut(result.rows, MOST_FIELD), more_rows = result.more or nil }
  end
end

---@class nlsql.ToolOptions
---@field template string            of generate_sql's prompt; gets question, schema_json, cut, sample_rows, rule
---@field rule string?               what every query must do, in words
---@field accept function?           the phase's own rule, as of gates.check
---@field critic nlsql.Critic?       the phase's own
---@field use_sample_rows boolean?   show rows: in generate_sql's prompt, and by the tool "writer"
---@field n_rows integer?            rows that "writer" shows where the model does not say
---@field sample integer?            the how-manieth answer to the same question is wanted

--- The standard tools for an item: generate_sql, validate_sql, critic (unless the configuration wants
--- none), and writer, unless use_sample_rows is false.
---@param ctx nlsql.Context
---@param item table
---@param o nlsql.ToolOptions
---@return nlsql.AgentTool[]
function tools.standard(ctx, item, o)
  local list = {
    { name = "generate_sql", call = generate_sql(ctx, item, o),
      description = "Writes a PostgreSQL query that answers a question. Name the tables in the question.",
      parameters = object({ nl_question = TEXT }, { "nl_question" }) },
    { name = "validate_sql", call = validate_sql(ctx, item, o),
      description = "Checks a query: syntax, safety, names, the plan, a run. Tells which check failed, and why.",
      parameters = object({ sql = TEXT }, { "sql" }) },
  }
  local wanted = critic.of({ critic = o.critic or critic.repair {} }, ctx.settings)
  if wanted then
    list[#list + 1] = { name = "critic", call = review_sql(ctx, item, o, wanted),
      description = "Reviews a query: a score from 0 to 1, the reason, and a better query where there is one.",
      parameters = object({ sql = TEXT, question = TEXT }, { "sql" }) }
  end
  if o.use_sample_rows then
    list[#list + 1] = { name = "writer", call = write_rows(ctx, item, o),
      description = "Runs a query that passes all checks, and shows its first rows.",
      parameters = object({ sql = TEXT, n_rows = { type = "integer", minimum = 1, maximum = MOST_ROWS } }, { "sql" }) }
  end
  return list
end

return tools
