--- conversation: one item's talk with the model, turn by turn.
---
--- A turn is one request and what became of its reply: every candidate with its verdict. What is
--- asked depends on the item's own history alone, never on how fast others are.

local critic = require "nlsql.critic"
local gates = require "nlsql.gates"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local language = require "nlsql.language"
local replies = require "nlsql.replies"
local text = require "nlsql.text"

local conversation = {}

--- A JSON schema for a list of pairs of a question and `other`.
local function pairs_schema(name, other)
  return {
    name = name,
    schema = {
      type = "object", additionalProperties = false, required = { "pairs" },
      properties = {
        pairs = {
          type = "array",
          items = {
            type = "object", additionalProperties = false, required = { "question", other },
            properties = { question = { type = "string" }, [other] = { type = "string" } },
          },
        },
      },
    },
  }
end

--- What a phase's `pairs` says a reply holds: its schema, its reader, what a provider is told.
local FORMS = {
  question_sql = { schema = pairs_schema("pairs", "sql"), read = replies.read, kind = "pairs" },
  question_answer = { schema = pairs_schema("answers", "answer"), read = replies.answers, kind = "answers" },
}

---@class nlsql.Conversation
---@field item table
---@field messages table[]   what was said so far
---@field turns integer      spent
---@field own integer        candidates of this item that passed all gates, less its own doubles
---@field keys table         what counts as a double within the item
---@field exhausted integer? the count that was wanted when nothing new was left to be had
---@field kept table?        the phase's own state of the item (item.state)
---@field sample integer     how often the same request was answered without anything usable
---@field ctx nlsql.Context
---@field phase nlsql.Phase
---@field form table           what a reply holds: its schema and reader
---@field faults string?
---@field over boolean?
local Conversation = {}
Conversation.__index = Conversation

--- A new conversation, or one that goes on from the state that its last turn left in the store.
---@param ctx nlsql.Context
---@param phase table
---@param item table
---@param saved table? {turns, state}
function conversation.open(ctx, phase, item, saved)
  local self = setmetatable({
    ctx = ctx, phase = phase, item = item, messages = {}, turns = 0, own = 0, keys = {}, sample = 1,
    form = FORMS[phase.pairs or "question_sql"],
  }, Conversation)
  if saved and saved.state then
    local state = json.decode(saved.state)
    if type(state) == "table" then
      self.turns = saved.turns
      self.messages, self.own, self.sample = state.messages, state.own, state.sample
      self.faults = state.faults
      self.exhausted = state.exhausted
      self.kept = state.kept
      self.over = self.exhausted ~= nil and item.count <= self.exhausted
      for _, key in ipairs(state.keys) do self.keys[key] = true end
    end
  end
  return self
end

--- The state after this turn, as the store keeps it.
function Conversation:snapshot()
  local keys = {}
  for key in pairs(self.keys) do keys[#keys + 1] = key end
  table.sort(keys)
  return assert(json.encode {
    messages = json.array(self.messages), own = self.own, sample = self.sample, keys = json.array(keys),
    faults = self.faults, exhausted = self.exhausted, kept = self.kept,
  })
end

--- May another turn be asked for, by the item's own count?
function Conversation:wants_more()
  return self.own < self.item.count and self.turns < self.ctx.opt.max_attempts and not self.over
end

local function as_messages(hook, got, why)
  if type(got) == "string" then return { { role = "user", content = got } } end
  if type(got) == "table" then return got end
  return nil, why or ("%s gave no messages: %s"):format(hook, type(got))
end

--- The messages of the next request, and how many of them are new.
function Conversation:next_messages()
  local ctx, phase, item = self.ctx, self.phase, self.item
  local fresh, why
  if #self.messages == 0 then
    fresh, why = as_messages("prompt", phase.prompt(ctx, item))
  elseif phase.follow then
    fresh, why = as_messages("follow", phase.follow(ctx, item, item.missing))
  else
    fresh, why = as_messages("follow", ctx:render("follow", {
      count = math.min(ctx.opt.api_answer_count or item.missing, item.missing),
      faults = self.faults or false,
    }))
  end
  if not fresh then return nil, why end
  local messages = table.move(self.messages, 1, #self.messages, 1, {})
  return table.move(fresh, 1, #fresh, #messages + 1, messages)
end

--- A few of the reasons why candidates of the last turn fell, for the next request.
local FAULTS_TOLD = 5

local function faults_of(judged)
  local lines, seen = {}, {}
  for _, one in ipairs(judged) do
    local line = not one.verdict.ok and ("- %s: %s"):format(one.verdict.gate, one.verdict.reason or "?")
    if line and not seen[line] then
      seen[line] = true
      lines[#lines + 1] = line
      if #lines == FAULTS_TOLD then break end
    end
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

--- One candidate through the gates, and to the critic where it fell.
local function judge(self, pair)
  local ctx = self.ctx
  local verdict = gates.check(ctx, self.item, pair, self.phase.accept)
  local one = { candidate = pair, verdict = verdict }
  if not verdict.ok then
    ctx:count_fault(verdict.gate)
    local mended, candidate, code = critic.mend(ctx, self.item, pair, verdict, self.phase)
    if not mended then return nil, candidate, code end
    one = { candidate = candidate, verdict = mended, first = verdict }
  end
  if one.verdict.ok then
    local scored, message, code = critic.score(ctx, self.item, one.candidate, one.verdict, self.phase)
    if not scored then return nil, message, code end
  end
  return one
end

local function judge_all(self, list, judge_one)
  local ctx, stop = self.ctx, nil
  local judged = jobs.map(list, ctx.settings.db_concurrent_sessions * 2, function(pair)
    if stop then return false end
    local one, message, code = judge_one(pair)
    if not one then
      stop = stop or { message, code }
    elseif one.verdict.lost then
      stop = stop or { one.verdict.reason, "db" }
    end
    return one or false
  end)
  if stop then return nil, stop[1], stop[2] end
  return judged
end

--- Marks what the item itself has brought before, in the order of the reply.
local function count_own(self, judged)
  for _, one in ipairs(judged) do
    local v = one.verdict
    if v.ok then
      local a, b = text.hex(v.sql_key), text.hex(v.question_key)
      if not self.keys[a] and not self.keys[b] then
        self.keys[a], self.keys[b] = true, true
        self.own = self.own + 1
      end
    end
  end
end

--- Sends candidates that fell in earlier turns through the gates again. No model repairs them; a score is
--- asked for where the configuration wants one.
---@param list nlsql.RejectedBefore[]  with `given`, the candidate
---@return nlsql.Turn?, string?, string?
function Conversation:retry(list)
  local ctx, phase, item = self.ctx, self.phase, self.item
  local judged, message, code = judge_all(self, list, function(rejected)
    local one = { candidate = rejected.given, before = rejected }
    one.verdict = gates.check(ctx, item, rejected.given, phase.accept)
    if not one.verdict.ok then return one end
    local scored, why, kind = critic.score(ctx, item, rejected.given, one.verdict, phase)
    if not scored then return nil, why, kind end
    return one
  end)
  if not judged then return nil, message, code end
  count_own(self, judged)
  return { number = 0, judged = judged, unread = {}, outcome = "retried", state = self:snapshot() }
end

--- What a turn brought, before the gates.
---@class nlsql.Brought
---@field candidates nlsql.Candidate[]
---@field unread table[]      {reason=, text=}: what could not be read
---@field outcome string
---@field over boolean?       nothing more is to come of this item
---@field gave_up string?     nothing came, and why: not recorded, so that the next run asks again

--- What a provider that reads no prompts is told instead.
local function task_of(self)
  local ctx, item = self.ctx, self.item
  local task = {
    kind = self.form.kind, tables = item.tables, least = ctx.opt.min_joins or 1,
    count = math.min(ctx.opt.api_answer_count or item.missing, item.missing),
  }
  for name, value in pairs(self.phase.task and self.phase.task(ctx, item) or {}) do task[name] = value end
  return task
end

--- Asks the model once and reads its reply.
---@return nlsql.Brought?, string?, string?
local function ask(self)
  local ctx, item, form = self.ctx, self.item, self.form
  local messages, why = self:next_messages()
  if not messages then return nil, why, "config" end
  local reply, message, code = ctx.llm:chat {
    purpose = "ask", item = item.key, messages = messages, schema = form.schema, sample = self.sample, task = task_of(self),
    keep = function(got) return #form.read(got.content) > 0 end,
  }
  if not reply then return nil, message, code end
  if reply.gave_up then return { candidates = {}, unread = {}, outcome = reply.outcome, gave_up = reply.message } end
  local found, state, refused = form.read(reply.content)
  local unread = refused or {}
  found = language.sift(found, unread, ctx.settings.language)
  if #found == 0 and reply.exhausted then
    unread = {}
  elseif #found == 0 and #unread == 0 then
    unread = { { reason = replies.nothing(reply.outcome, state) } }
  end
  if #found > 0 then
    self.messages, self.sample = messages, 1
    self.messages[#self.messages + 1] = { role = "assistant", content = reply.content }
  else
    self.sample = self.sample + 1 -- the same question once more
  end
  return { candidates = found, unread = unread, outcome = reply.outcome, over = reply.exhausted, reply = reply,
    sent = messages }
end

--- Complains about what a phase's `run` gave where it is no list of candidates.
local function check_candidates(phase, list)
  for i, one in ipairs(list) do
    local is_pair = type(one) == "table" and type(one.question) == "string"
      and (type(one.sql) == "string") ~= (type(one.answer) == "string")
    if not is_pair then
      error(("run of phase %q: candidate %d: expected a table with question, and sql or answer, all texts"):format(phase.name,
        i), 0)
    end
  end
end

--- Lets the phase's own `run` bring candidates.
---@return nlsql.Brought?, string?, string?
local function run_own(self)
  local item, phase = self.item, self.phase
  item.turn, item.state, item.faults = self.turns + 1, self.kept, self.faults
  local list, info, code = phase.run(self.ctx, item)
  if list == nil then return nil, info or ("run of phase %q gave nothing"):format(phase.name), code or "script" end
  check_candidates(phase, list)
  self.kept = item.state
  info = info or {}
  return { candidates = list, unread = info.unread or {}, outcome = "ok", over = info.over, gave_up = info.gave_up }
end

---@class nlsql.Turn
---@field number integer   0: no turn, but candidates of earlier ones
---@field judged table[]   {candidate=, verdict=, first=, before=}: in the order of the reply; `before`: how it fell in an
---                        earlier turn
---@field unread table[]   {reason=, text=}: what the read gate refused
---@field outcome string
---@field state string     the conversation's state after it

--- Asks once (or lets the phase do so) and judges what came. nil, message, code where the run cannot
--- go on.
---@return nlsql.Turn?, string?, string?
function Conversation:turn()
  local ctx, item = self.ctx, self.item
  item.missing = item.count - self.own
  local brought, message, code = (self.phase.run and run_own or ask)(self)
  if not brought then return nil, message, code end
  self.turns = self.turns + 1
  if brought.gave_up then
    self.over = true
    ctx:tell(("%s: %s"):format(item.key, brought.gave_up))
    return { number = self.turns, judged = {}, unread = {}, outcome = brought.outcome, gave_up = true }
  end
  local judged
  judged, message, code = judge_all(self, brought.candidates, function(pair) return judge(self, pair) end)
  if not judged then return nil, message, code end
  count_own(self, judged)
  if #judged > 0 then self.faults = faults_of(judged) end
  if brought.over then self.over, self.exhausted = true, item.count end
  for _ = 1, #brought.unread do ctx:count_fault("read") end
  return {
    number = self.turns, judged = judged, unread = brought.unread, outcome = brought.outcome, state = self:snapshot(),
    brought = brought,
  }
end

return conversation
