--- entries: from judged candidates to rows of the dataset.
---
--- The last gate, `unique`, is here: candidates come in the order (item, turn, candidate), so what
--- counts as the double of what does not depend on which item was faster.

local json = require "nlsql.json"
local text = require "nlsql.text"

local entries = {}

---@class nlsql.Entries
local Entries = {}
Entries.__index = Entries

--- Starts with what the run holds already.
---@param ctx nlsql.Context
---@param phase table
---@param run table the store's run
function entries.open(ctx, phase, run)
  local self = setmetatable({
    ctx = ctx, phase = phase, queries = text.set(), questions = text.set(), variants = {},
    accepted = 0, surplus = 0, rejected = {}, reasons = {}, shown = {},
  }, Entries)
  for sql_key, masked_key, question_key in run:seen() do
    self:remember(sql_key, masked_key, question_key)
    self.accepted = self.accepted + 1
  end
  self.resumed_with = self.accepted
  return self
end

function Entries:remember(sql_key, masked_key, question_key)
  self.queries:add(sql_key)
  self.questions:add(question_key)
  self.variants[masked_key] = (self.variants[masked_key] or 0) + 1
end

--- nil, or why this is a double of what is there.
function Entries:double_of(verdict)
  if self.queries:has(verdict.sql_key) then return "the same query was accepted before" end
  if self.questions:has(verdict.question_key) then return "the same question was accepted before" end
  local most = self.ctx.settings.gates.literal_variants
  if most > 0 and (self.variants[verdict.masked_key] or 0) >= most then
    return ("%d queries were accepted before that differ from it in literals only"):format(most)
  end
end

--- Distinct reasons that a summary may name for one gate.
local REASONS_KEPT = 200

local function count_rejection(self, gate, reason)
  self.rejected[gate] = (self.rejected[gate] or 0) + 1
  local reasons = self.reasons[gate] or { kinds = 0 }
  self.reasons[gate] = reasons
  if not reasons[reason] then
    if reasons.kinds >= REASONS_KEPT then return end
    reasons.kinds = reasons.kinds + 1
    reasons[reason] = 0
  end
  reasons[reason] = reasons[reason] + 1
end

local function row_of(self, item, candidate)
  local record = self.phase.record
  local row = record and record(self.ctx, item, candidate) or { question = candidate.question, sql = candidate.sql }
  if self.ctx.opt.tag_schema_json and row.schema == nil then
    row.schema = json.decode((self.ctx:schema_json(candidate.facts.tables)))
  end
  return row
end

local function facts_of(self, item, turn, index, one)
  local f, probe = one.verdict.facts, one.verdict.probe
  return {
    phase = self.ctx.phase, item = item.key, turn = turn.number, candidate = index,
    provider = self.ctx.settings.provider, model = self.ctx.llm.endpoint.model,
    tables = f.tables, columns = f.columns, functions = f.functions, literals = f.literals,
    constructs = f.constructs, joined = f.joined, ordered = f.ordered,
    plan_cost = probe.cost, plan_rows = probe.plan_rows, rows = probe.n_rows, more_rows = probe.more,
    output_columns = probe.columns,
    repaired_from = one.candidate.original, repair_rounds = one.candidate.rounds,
    repaired_gate = one.first and one.first.gate,
  }
end

local function entry_of(self, item, turn, index, one)
  local verdict, candidate = one.verdict, one.candidate
  local kept = {
    question = candidate.question, sql = verdict.sql, facts = verdict.facts, probe = verdict.probe,
    original = candidate.original, rounds = candidate.rounds,
  }
  local line, why = json.encode(row_of(self, item, kept), { keys = { "question", "sql" } })
  if not line then return nil, why end
  return {
    line = line, question = candidate.question, sql = verdict.sql, sql_key = verdict.sql_key,
    masked_key = verdict.masked_key, question_key = verdict.question_key,
    facts = assert(json.encode(facts_of(self, item, turn, index, one))),
  }
end

--- How many accepted pairs the summary shows: the first of each item.
local SHOWN = 5

--- Takes a turn's candidates in order, until the item has what it may have.
---@param item table with `accepted`
---@param turn nlsql.Turn
---@return table[] entries, table[] rejections for the store
function Entries:take(item, turn)
  local taken, fallen = {}, {}
  local function reject(index, gate, reason, candidate, detail)
    count_rejection(self, gate, reason)
    fallen[#fallen + 1] = {
      gate = gate, reason = reason, candidate = index, question = candidate.question, sql = candidate.sql,
      detail = detail and json.encode { detail = detail } or nil,
    }
  end
  for _, one in ipairs(turn.unread) do reject(0, "read", one.reason or "unreadable", { sql = one.text }) end
  for index, one in ipairs(turn.judged) do
    local verdict = one.verdict
    local double = verdict.ok and self:double_of(verdict)
    if not verdict.ok then
      reject(index, verdict.gate, verdict.reason, one.candidate, verdict.detail)
    elseif double then
      self.ctx:count_fault("unique")
      reject(index, "unique", double, one.candidate)
    elseif item.accepted >= self.ctx.opt.count then
      self.surplus = self.surplus + 1
    else
      local entry, why = entry_of(self, item, turn, index, one)
      if entry then
        self:remember(verdict.sql_key, verdict.masked_key, verdict.question_key)
        taken[#taken + 1] = entry
        item.accepted = item.accepted + 1
        self.accepted = self.accepted + 1
        if #self.shown < SHOWN and not item.shown then
          item.shown = true
          self.shown[#self.shown + 1] = entry
        end
      else
        reject(index, "accept", "record: " .. tostring(why), one.candidate)
      end
    end
  end
  return taken, fallen
end

return entries
