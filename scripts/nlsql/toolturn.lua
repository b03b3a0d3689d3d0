--- toolturn: one turn of an item whose model may call tools (for a phase's `run`).
---
--- Where the endpoint can call tools the model works with them until it answers; where it cannot, or
--- has called them to no end, the same is asked for in one plain prompt. What fell at a gate is told in
--- the next turn. The item's state in the store holds all that a turn depends on.

local agent = require "nlsql.agent"
local gates = require "nlsql.gates"
local json = require "nlsql.json"
local language = require "nlsql.language"
local replies = require "nlsql.replies"
local tools = require "nlsql.tools"

local toolturn = {}

---@class nlsql.ToolTurn
---@field task nlsql.Message[]      what is wanted of a model that has tools
---@field plain nlsql.Message[]     the same without tools
---@field tools fun(sample: integer): nlsql.AgentTool[]  what it may call
---@field rounds integer            requests of one turn at most; 0: no tools are offered
---@field follow string             template that tells what fell: gets question, sql, fault
---@field accept function?          the phase's own rule
---@field again integer?            the how-manieth item this is that asks the very same (from 1)
---@field offline table?            the same as data, for a provider that reads no prompts: see nlsql.Ask.task

---@class nlsql.ToolTurnState
---@field said nlsql.Message[]  answers and what was said of them, behind the task
---@field tries integer         answers to the same messages that held nothing
---@field plain boolean?        tools led nowhere
---@field last { question: string, sql: string }? the last turn's pair
---@field answer string?        and how it came

--- Adds the last turn's answer, and why it did not do, to what was said. nil, message, code where that
--- cannot be found out.
local function tell_fault(ctx, item, o, state)
  local last = state.last
  if not last then return true end
  local verdict = gates.check(ctx, item, { question = last.question, sql = last.sql }, o.accept)
  if verdict.lost then return nil, verdict.reason, "db" end
  local fault = verdict.ok and "The same question or query is there already: ask something else."
    or ("%s: %s"):format(verdict.gate, verdict.reason)
  local more, why = ctx:render(o.follow, { question = last.question, sql = last.sql, fault = fault })
  if not more then return nil, why, "config" end
  state.said[#state.said + 1] = { role = "assistant", content = state.answer }
  for _, message in ipairs(more) do state.said[#state.said + 1] = message end
  state.last, state.answer = nil, nil
  return true
end

--- Room for the tries of one item among the answers to what several ask alike.
local TRIES = 100

--- The how-manieth answer to the same messages is wanted: each item has its own, whichever is faster.
local function sample_of(o, state) return ((o.again or 1) - 1) * TRIES + state.tries + 1 end

local function messages_of(first, state)
  local out = table.move(first, 1, #first, 1, {})
  return table.move(state.said, 1, #state.said, #out + 1, out)
end

--- Asks without tools.
local function ask_plainly(ctx, item, o, state)
  local reply, message, code = ctx.llm:chat {
    purpose = "ask", item = item.key, messages = messages_of(o.plain, state), schema = tools.PAIR,
    sample = sample_of(o, state),
    task = o.offline, keep = function(got) return #replies.read(got.content) > 0 end,
  }
  if not reply then return nil, message, code end
  if reply.gave_up then return { gave_up = reply.message } end
  return { content = reply.content, over = reply.exhausted, outcome = reply.outcome }
end

--- Asks with tools where that may work; nil and no message: it may not.
local function ask_with_tools(ctx, item, o, state)
  if o.rounds == 0 or state.plain or not ctx.llm:calls_tools() then return nil end
  local sample = sample_of(o, state)
  local result, message, code = agent.run(ctx, item, {
    task = messages_of(o.task, state), tools = o.tools(sample), rounds = o.rounds, sample = sample,
  })
  if not result then return nil, message, code end
  if result.failure == "no_tools" then return nil end
  if result.gave_up then return { gave_up = result.reason } end
  -- the next turn does without
  if not result.content then state.plain = true end
  return { content = result.content or "", reason = result.reason, outcome = "ok" }
end

--- Brings the candidates of one turn, as a phase's `run` does.
---@param ctx nlsql.Context
---@param item table
---@param o nlsql.ToolTurn
---@return nlsql.Candidate[]?, table|string?, string?
function toolturn.pairs(ctx, item, o)
  local state = item.state or { said = json.array {}, tries = 0 }
  local told, why, code = tell_fault(ctx, item, o, state)
  if not told then return nil, why, code end
  local got
  got, why, code = ask_with_tools(ctx, item, o, state)
  if not got and why then return nil, why, code end
  if not got then got, why, code = ask_plainly(ctx, item, o, state) end
  if not got then return nil, why, code end
  if got.gave_up then return {}, { gave_up = got.gave_up } end

  local found, kind, refused = replies.read(got.content)
  local unread = refused or {}
  found = language.sift(found, unread, ctx.settings.language)
  item.state = state
  if #found > 0 then
    state.last, state.answer, state.tries = { question = found[1].question, sql = found[1].sql }, got.content, 0
  else
    state.tries = state.tries + 1 -- the same once more
    if #unread == 0 and not got.over then
      local reason = got.reason or replies.nothing(got.outcome, kind)
      unread = { { reason = reason, text = got.content ~= "" and got.content or nil } }
    end
  end
  return found, { unread = unread, over = got.over }
end

return toolturn
