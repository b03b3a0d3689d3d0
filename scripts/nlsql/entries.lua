--- entries: from judged candidates to rows of the dataset.
---
--- The last gate, `unique`, is here: candidates come in the order (item, turn, candidate), so what
--- counts as the double of what does not depend on which item was faster.

local guard = require "nlsql.guard"
local json = require "nlsql.json"
local rows = require "nlsql.rows"
local text = require "nlsql.text"

local entries = {}

---@class nlsql.Entries
---@field ctx nlsql.Context
---@field phase nlsql.Phase
---@field fields string[]             what a row holds besides question and query
---@field queries nlsql.KeySet
---@field questions nlsql.KeySet
---@field variants table<nlsql.Key, integer>
---@field accepted integer
---@field resumed_with integer       of them, from earlier runs
---@field surplus integer
---@field rejected table<string, integer>  by gate
---@field reasons table<string, table>
---@field shown table[]              for the summary
local Entries = {}
Entries.__index = Entries

local function fields_of(opt)
  local fields = table.move(opt.dataset_fields or {}, 1, #(opt.dataset_fields or {}), 1, {})
  if opt.tag_schema_json then fields[#fields + 1] = "schema" end
  return fields
end

--- Starts with what the run holds already.
---@param ctx nlsql.Context
---@param phase table
---@param run table the store's run
function entries.open(ctx, phase, run)
  local self = setmetatable({
    ctx = ctx, phase = phase, queries = text.set(), questions = text.set(), variants = {},
    accepted = 0, surplus = 0, rejected = {}, reasons = {}, shown = {}, constructs = {}, fields = fields_of(ctx.opt),
  }, Entries)
  for sql_key, masked_key, question_key in run:seen() do
    self:remember(sql_key, masked_key, question_key)
    self.accepted = self.accepted + 1
  end
  self.resumed_with = self.accepted
  return self
end

--- Notes what was accepted, so that it is not accepted again.
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

--- The facts that `dataset_fields` may ask for, besides "rows" (the answer) and "schema" (of the
--- query's tables).
entries.FACTS = { "columns", "constructs", "functions", "item", "joined", "literals", "model", "ordered", "output_columns",
  "plan_cost", "plan_rows", "tables" }

local function facts_of(self, item, turn, index, one)
  local f, probe = one.verdict.facts, one.verdict.probe or {}
  local facts = {
    phase = self.ctx.phase, item = item.key, turn = one.before and one.before.turn or turn.number,
    candidate = one.before and one.before.candidate or index, retried_from = one.before and one.before.gate,
    provider = self.ctx.settings.provider, model = self.ctx.llm.endpoint.model,
    tables = f.tables, columns = f.columns, functions = f.functions, literals = f.literals,
    constructs = f.constructs, joined = f.joined, ordered = f.ordered,
    plan_cost = probe.cost, plan_rows = probe.plan_rows, rows = probe.n_rows, more_rows = probe.more,
    output_columns = probe.columns,
    repaired_from = one.candidate.original, repair_rounds = one.candidate.rounds,
    repaired_gate = one.first and one.first.gate,
  }
  for name, value in pairs(one.candidate.known or {}) do facts[name] = value end
  return facts
end

--- What each of `dataset_fields` adds to a row.
local function add_field(self, row, name, candidate, facts)
  if name == "rows" then
    if candidate.probe then row.rows = rows.objects(candidate.probe) end
  elseif name == "schema" then
    row.schema = json.verbatim((self.ctx:schema_json(candidate.facts.tables)))
  else
    row[name] = facts[name]
  end
end

local function row_of(self, item, candidate, facts)
  local record = self.phase.record
  local row = record and record(self.ctx, item, candidate)
    or { question = candidate.question, sql = candidate.sql, answer = candidate.answer }
  for _, name in ipairs(self.fields) do
    if row[name] == nil then add_field(self, row, name, candidate, facts) end
  end
  return row
end

--- Members of a row in this order, then the others by name.
local KEYS = { "question", "sql", "answer", "rows" }

local function entry_of(self, item, turn, index, one)
  local verdict, candidate = one.verdict, one.candidate
  local kept = {}
  for name, value in pairs(candidate) do kept[name] = value end
  kept.sql, kept.facts, kept.probe = verdict.sql, verdict.facts, verdict.probe
  local facts = facts_of(self, item, turn, index, one)
  local line, why = json.encode(row_of(self, item, kept, facts), { keys = KEYS })
  if not line then return nil, why end
  return {
    line = line, question = candidate.question, sql = verdict.sql or "", answer = candidate.answer, sql_key = verdict.sql_key,
    masked_key = verdict.masked_key, question_key = verdict.question_key, facts = assert(json.encode(facts)),
  }
end

--- Does the entry hold what must not leave? The reason why it falls then.
local function private(self, entry)
  local what = guard.check(self.ctx, ("%s\n%s"):format(entry.line, entry.facts))
  return what and "the row holds " .. what
end

--- Counts the constructs of what this run accepted, for its report.
local function count_constructs(self, verdict)
  for _, name in ipairs(verdict.facts and verdict.facts.constructs or {}) do
    self.constructs[name] = (self.constructs[name] or 0) + 1
  end
end

--- How many accepted pairs the summary shows: the first of each item.
local SHOWN = 5

--- Takes a turn's candidates in order, until the item has what it may have.
---@param item table with `accepted`
---@param turn nlsql.Turn
---@return table[] entries, table[] rejections for the store
---@return integer[] retried  earlier rejections that these replace
function Entries:take(item, turn)
  local taken, fallen, retried = {}, {}, {}
  local function shown(words) return words and guard.mask(self.ctx, words) end
  local function reject(index, gate, reason, candidate, detail, before)
    reason = shown(reason)
    if before and before.gate == gate and before.reason == reason then return end -- as it was
    count_rejection(self, gate, reason)
    fallen[#fallen + 1] = {
      gate = gate, reason = reason, candidate = before and before.candidate or index, question = shown(candidate.question),
      sql = shown(candidate.sql),
      detail = (detail or candidate.answer) and shown(json.encode { detail = detail, answer = candidate.answer }) or nil,
    }
    if before then retried[#retried + 1] = before.id end
  end
  for _, one in ipairs(turn.unread) do reject(0, "read", one.reason or "unreadable", { sql = one.text }) end
  for index, one in ipairs(turn.judged) do
    local verdict = one.verdict
    local double = verdict.ok and self:double_of(verdict)
    if not verdict.ok then
      reject(index, verdict.gate, verdict.reason, one.candidate, verdict.detail, one.before)
    elseif double then
      self.ctx:count_fault("unique")
      reject(index, "unique", double, one.candidate, nil, one.before)
    elseif item.accepted >= item.count then
      self.surplus = self.surplus + 1
    else
      local entry, why = entry_of(self, item, turn, index, one)
      local held = entry and private(self, entry)
      if held then
        reject(index, "private", held, one.candidate, nil, one.before)
      elseif entry then
        if one.before then retried[#retried + 1] = one.before.id end
        self:remember(verdict.sql_key, verdict.masked_key, verdict.question_key)
        taken[#taken + 1] = entry
        item.accepted = item.accepted + 1
        self.accepted = self.accepted + 1
        count_constructs(self, verdict)
        if #self.shown < SHOWN and not item.shown then
          item.shown = true
          self.shown[#self.shown + 1] = entry
        end
      else
        reject(index, "accept", "record: " .. tostring(why), one.candidate, nil, one.before)
      end
    end
  end
  return taken, fallen, retried
end

return entries
