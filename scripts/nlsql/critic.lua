--- critic: repairs a query that failed, with the failure in hand.
---
--- Called on a demonstrated failure only; what it proposes goes through every gate itself, and a
--- query that passes is never replaced.

local gates = require "nlsql.gates"
local replies = require "nlsql.replies"

local critic = {}

--- Failures that another wording of the query can mend. Not `read` (there is no query) and not
--- `answer`: to fill an empty result the critic would have to guess at the data.
local REPAIRABLE = { parse = true, safe = true, grounded = true, explain = true, execute = true, accept = true }

local SCHEMA = {
  name = "review",
  schema = {
    type = "object", additionalProperties = false, required = { "score", "reason", "fixed_sql" },
    properties = {
      score = { type = "number" },
      reason = { type = "string" },
      fixed_sql = { type = { "string", "null" } },
    },
  },
}

---@class nlsql.Critic
---@field rounds integer
---@field template string

--- A critic that asks the model for a repair, up to `rounds` times.
---@param options { rounds: integer?, template: string? }
---@return nlsql.Critic
function critic.repair(options)
  return { rounds = options.rounds or 2, template = options.template or "critic" }
end

local function proposal(ctx, item, candidate, verdict, template)
  local messages, why = ctx:render(template, {
    question = candidate.question,
    sql = candidate.sql,
    gate = verdict.gate,
    reason = verdict.reason,
    detail = verdict.detail or false,
    schema_json = (ctx:schema_json(item.tables)),
  })
  if not messages then return nil, why, "config" end
  local reply, message, code = ctx.llm:chat {
    purpose = "critic", item = item.key, messages = messages, schema = SCHEMA, temperature = 0,
    task = { kind = "review" },
  }
  if not reply then return nil, message, code end
  local review = replies.verdict(reply.content)
  local fixed = review and review.fixed_sql
  if type(fixed) ~= "string" or fixed == "" or fixed == candidate.sql then return false end
  return fixed
end

--- Tries to repair `candidate`, whose verdict is a failure.
--- Returns a passing verdict and the repaired candidate, or the first verdict unchanged; nil,
--- message, code where nothing can be asked any more.
---@param ctx nlsql.Context
---@return nlsql.Verdict?, table|string, string?
function critic.mend(ctx, item, candidate, verdict, phase)
  local wanted = phase.critic
  if not wanted or not REPAIRABLE[verdict.gate] or verdict.lost then return verdict, candidate end
  local current, current_verdict = candidate, verdict
  for round = 1, wanted.rounds do
    local fixed, message, code = proposal(ctx, item, current, current_verdict, wanted.template)
    if fixed == nil then return nil, message, code end
    if not fixed then break end
    ctx.counts.repairs_tried = ctx.counts.repairs_tried + 1
    current = { question = candidate.question, sql = fixed, original = candidate.sql, rounds = round }
    current_verdict = gates.check(ctx, item, current, phase.accept)
    if current_verdict.ok then
      ctx.counts.repaired = ctx.counts.repaired + 1
      ctx.counts.mended[verdict.gate] = (ctx.counts.mended[verdict.gate] or 0) + 1
      return current_verdict, current
    end
    if not REPAIRABLE[current_verdict.gate] or current_verdict.lost then break end
  end
  return verdict, candidate
end

return critic
