--- ask: one question, answered: the query, what each gate says of it, and its rows.

local console = require "nlsql.console"
local critic = require "nlsql.critic"
local gates = require "nlsql.gates"
local guard = require "nlsql.guard"
local json = require "nlsql.json"
local money = require "nlsql.money"
local nearby = require "nlsql.nearby"
local providers = require "nlsql.providers"
local replies = require "nlsql.replies"
local rows = require "nlsql.rows"
local session = require "nlsql.session"

local ask = {}

local PHASE = {
  name = "ask", summary = "One question",
  options = {
    max_attempts = { 3, "replies until one holds a query", { min = 1 } },
    n_rows = { 2, "rows of each table that the model is shown (where config allows it)", { min = 1 } },
    prompt_template = { "ask", "the prompt: a file of prompts/, without .txt" },
  },
  critic = critic.repair { rounds = 2 },
}

local SCHEMA = {
  name = "answer",
  schema = {
    type = "object", additionalProperties = false, required = { "question", "sql" },
    properties = { question = { type = "string" }, sql = { type = "string" } },
  },
}

local NO_MODEL = "%s reads no question: set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own, "
  .. "e.g. http://127.0.0.1:11434/v1"

local PRIVATE = "the question holds %s: a real value of the database, which is not sent to a model; ask with the stand-in that "
  .. "nlsql shows for it, or without the value, or let its column be seen (anonymise: {columns: ...} in config.yaml; nlsql "
  .. "schema --anon tells each column's class)"

--- Asks until a reply holds a query; raises where none does.
local function candidate_for(s, item, question)
  local ctx = s.ctx
  local schema_json, cut = ctx:schema_json(item.tables)
  local messages, why = ctx:render(s.opt.prompt_template, {
    schema_json = schema_json, cut = cut or false, question = question,
    sample_rows = ctx:sample(item.tables or ctx.schema:names()) or false,
  })
  if not messages then session.give_up(why, "config") end
  local what = guard.check(ctx, question)
  if what then session.give_up(PRIVATE:format(what), "model") end
  local last
  for attempt = 1, s.opt.max_attempts do
    local reply, message, code = ctx.llm:chat { purpose = "ask", item = "ask", messages = messages, schema = SCHEMA,
      sample = attempt }
    if not reply then session.give_up(message, code) end
    if reply.gave_up then session.give_up(reply.message, "model") end
    local found = replies.read(reply.content)
    if found[1] then return { question = question, sql = found[1].sql } end
    last = reply.content
  end
  session.give_up(("there is no query in %d replies; the last: %s"):format(s.opt.max_attempts, (last or ""):sub(1, 300)),
    "model")
end

---@class nlsql.Answer
---@field ok boolean
---@field question string
---@field sql string?
---@field gate string?       where it fell
---@field reason string?
---@field gates nlsql.GateState[]
---@field repaired_from string?
---@field columns string[]?
---@field rows any[][]?      values as PostgreSQL writes them, json.null for NULL
---@field types integer[]?   OIDs
---@field more_rows boolean?
---@field cost_usd number

local function answer_of(s, candidate, verdict)
  local probe = verdict.ok and verdict.probe or {}
  return {
    ok = verdict.ok, question = candidate.question, sql = verdict.sql or candidate.sql, gate = verdict.gate,
    reason = verdict.reason, gates = json.array(gates.trail(candidate, verdict)), repaired_from = candidate.original,
    columns = probe.columns, rows = probe.rows, types = probe.types, more_rows = probe.more,
    cost_usd = s.ctx.llm.counts.cost / 1e9,
  }
end

local function ask_one(spec)
  local provider = providers.of(spec.settings)
  if not provider.reads_prompts and not spec.problem then session.give_up(NO_MODEL:format(provider.words), "model") end
  spec.settings.gates.allow_empty, spec.settings.gates.allow_null = true, true -- "none" is an answer
  local s = session.open(spec, PHASE, "")
  s.ctx.keep_rows = true
  session.know_private(s, session.SOON)
  local item = { key = "ask", tables = nearby.tables(s.ctx, spec.question), count = 1 }
  local candidate = candidate_for(s, item, spec.question)
  local verdict = gates.check(s.ctx, item, candidate)
  if not verdict.ok then
    local mended, repaired, code = critic.mend(s.ctx, item, candidate, verdict, PHASE)
    if not mended then session.give_up(repaired, code) end
    verdict, candidate = mended, repaired
  end
  local answer = answer_of(s, candidate, verdict)
  if answer.ok and not s.anon:raw() then
    console.info("values that are private have stand-ins (nlsql schema --anon tells which; anonymise: off in config.yaml "
      .. "shows all as they are)")
  end
  session.close(s)
  return answer
end

--- --- showing it ----------------------------------------------------------------------------------

local MARKS = { passed = "passed", failed = "FAILED", ["not reached"] = "not reached" }
local ROWS_SHOWN, WIDTH = 50, 60

local function cell(value)
  if value == json.null then return "NULL" end
  local line = value:gsub("%c", " ")
  if (utf8.len(line) or #line) > WIDTH then line = line:sub(1, (utf8.offset(line, WIDTH) or WIDTH + 1) - 1) .. "…" end
  return line
end

local function padded(text, width) return text .. (" "):rep(width - (utf8.len(text) or #text)) end

--- Rows in columns, as psql shows them.
local function grid(answer)
  local lines, widths, shown = {}, {}, {}
  for c, name in ipairs(answer.columns) do widths[c] = utf8.len(name) or #name end
  for r = 1, math.min(#answer.rows, ROWS_SHOWN) do
    shown[r] = {}
    for c, value in ipairs(answer.rows[r]) do
      shown[r][c] = cell(value)
      widths[c] = math.max(widths[c], utf8.len(shown[r][c]) or #shown[r][c])
    end
  end
  local function line(cells)
    local parts = {}
    for c, text in ipairs(cells) do parts[c] = padded(text, widths[c]) end
    lines[#lines + 1] = (table.concat(parts, " | "):gsub("%s+$", ""))
  end
  line(answer.columns)
  local rule = {}
  for c, width in ipairs(widths) do rule[c] = ("-"):rep(width) end
  lines[#lines + 1] = table.concat(rule, "-+-")
  for _, one in ipairs(shown) do line(one) end
  local left = #answer.rows - #shown
  lines[#lines + 1] = ("(%d row%s%s)"):format(#answer.rows, #answer.rows == 1 and "" or "s",
    answer.more_rows and ", and more" or left > 0 and (", %d not shown"):format(left) or "")
  return lines
end

local function show_text(answer)
  local out = { answer.sql, "" }
  local trail = {}
  for i, one in ipairs(answer.gates) do trail[i] = ("%s %s"):format(one.gate, MARKS[one.state]) end
  out[#out + 1] = "gates: " .. table.concat(trail, ", ")
  if answer.repaired_from then out[#out + 1] = "repaired from: " .. answer.repaired_from end
  if not answer.ok then out[#out + 1] = ("%s: %s"):format(answer.gate, answer.reason) end
  if answer.ok then
    out[#out + 1] = ""
    for _, line in ipairs(grid(answer)) do out[#out + 1] = line end
  end
  out[#out + 1] = ("cost: %s"):format(money.show(math.floor(answer.cost_usd * 1e9)))
  console.out(table.concat(out, "\n"), "\n")
end

local KEYS = { keys = { "ok", "question", "sql", "gate", "reason", "gates", "columns", "rows" } }

--- The answer as JSON: numbers and truth values as what they are.
local function show_json(answer)
  for _, row in ipairs(answer.rows or {}) do
    for c, value in ipairs(row) do row[c] = rows.value(value, answer.types[c]) end
  end
  answer.types = nil
  console.out(assert(json.encode(answer, KEYS)), "\n")
end

--- Answers the question of `spec_text` (JSON, made by nlsql.cli). Prints the answer as `spec.print`
--- ("text" or "json") says, or returns it as JSON behind the exit code where it says nothing.
---@param spec_text string
---@return integer code
---@return string? answer  nlsql.Answer as JSON
function ask.main(spec_text)
  local spec, answer = assert(json.decode(spec_text)), nil
  local code = session.guard(function()
    answer = ask_one(spec)
    return answer.ok and session.EXIT.done or session.EXIT.too_few
  end)
  if not answer then return code end
  if spec.print == "text" then
    show_text(answer)
  elseif spec.print == "json" then
    show_json(answer)
  else
    return code, assert(json.encode(answer, KEYS))
  end
  return code
end

return ask
