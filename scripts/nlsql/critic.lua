--- critic: reviews a query, and repairs one that failed with the failure in hand.
---
--- Repairs are asked for on a demonstrated failure only; what it proposes goes through every gate
--- itself, and a query that passes is never replaced. Where `critic.min_score` is set, a query that
--- passes is reviewed too, and falls at the gate `review` where its score is below that.
--- Each review is a line of logs/critic-DATE.jsonl.

local console = require "nlsql.console"

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
---@field model string?     in place of the phase's
---@field min_score number? what a query that passes every other gate must reach

--- A critic that asks the model for a repair, up to `rounds` times.
---@param options { rounds: integer?, template: string? }
---@return nlsql.Critic
function critic.repair(options)
  return { rounds = options.rounds or 2, template = options.template or "critic" }
end

--- The phase's critic as `critic:` of the configuration wants it: nil where there is none.
---@param phase nlsql.Phase
---@param settings table
---@return nlsql.Critic?
function critic.of(phase, settings)
  local own, told = phase.critic, settings.critic
  if told == false or type(told) == "table" and told.enabled == false then return nil end
  if type(told) ~= "table" then return own or told and critic.repair {} or nil end
  own = own or critic.repair {}
  return {
    rounds = told.rounds or own.rounds, template = told.prompt_template or own.template, model = told.openai_model,
    min_score = told.min_score,
  }
end

--- Asks for a review of a query; `verdict` says how it failed, nil that it passed.
--- nil where the reply is no review; nil, message, code where nothing can be asked any more.
---@param ctx nlsql.Context
---@param item table
---@param candidate nlsql.Candidate
---@param verdict nlsql.Verdict?
---@param wanted nlsql.Critic
---@return nlsql.Review?, string?, string?
function critic.review(ctx, item, candidate, verdict, wanted)
  local messages, why = ctx:render(wanted.template, {
    question = candidate.question,
    sql = candidate.sql,
    gate = verdict and verdict.gate or false,
    reason = verdict and verdict.reason or false,
    detail = verdict and verdict.detail or false,
    schema_json = (ctx:schema_json(item.tables)),
  })
  if not messages then return nil, why, "config" end
  local reply, message, code = ctx.llm:chat {
    purpose = "critic", item = item.key, messages = messages, schema = SCHEMA, temperature = 0, model = wanted.model,
    task = { kind = "review" },
  }
  if not reply then return nil, message, code end
  if reply.gave_up then console.warn(("%s: the critic: %s"):format(item.key, reply.message)) end
  local review = require("nlsql.replies").verdict(reply.content) -- not by every file that only chooses rounds
  ctx:journal("critic", {
    phase = ctx.phase, item = item.key, question = candidate.question, candidate = candidate.sql,
    verdict = verdict and verdict.gate or "passed", why = verdict and verdict.reason,
    score = review and review.score, reason = review and review.reason or not review and "the reply is no review" or nil,
    fixed_sql = review and review.fixed_sql,
  })
  return review
end

--- Tries to repair `candidate`, whose verdict is a failure.
--- Returns a passing verdict and the repaired candidate, or the first verdict unchanged; nil,
--- message, code where nothing can be asked any more.
---@param ctx nlsql.Context
---@return nlsql.Verdict?, table|string, string?
function critic.mend(ctx, item, candidate, verdict, phase)
  local wanted = critic.of(phase, ctx.settings)
  if not wanted or not candidate.sql or not REPAIRABLE[verdict.gate] or verdict.lost then return verdict, candidate end
  local current, current_verdict = candidate, verdict
  for round = 1, wanted.rounds do
    local review, message, code = critic.review(ctx, item, current, current_verdict, wanted)
    if message then return nil, message, code end
    local fixed = review and review.fixed_sql
    if not fixed or fixed == current.sql then break end
    ctx.counts.repairs_tried = ctx.counts.repairs_tried + 1
    current = { question = candidate.question, sql = fixed, original = candidate.sql, rounds = round }
    current_verdict = require("nlsql.gates").check(ctx, item, current, phase.accept)
    if current_verdict.ok then
      ctx.counts.repaired = ctx.counts.repaired + 1
      ctx.counts.mended[verdict.gate] = (ctx.counts.mended[verdict.gate] or 0) + 1
      return current_verdict, current
    end
    if not REPAIRABLE[current_verdict.gate] or current_verdict.lost then break end
  end
  return verdict, candidate
end

--- Reviews a query that passed, where the configuration asks for a score: the verdict, which is a
--- failure at `review` where the score is too low or the reply gives none. nil, message, code as above.
---@param ctx nlsql.Context
---@return nlsql.Verdict?, string?, string?
function critic.score(ctx, item, candidate, verdict, phase)
  local wanted = critic.of(phase, ctx.settings)
  if not wanted or not wanted.min_score or not candidate.sql then return verdict end
  local review, message, code = critic.review(ctx, item, candidate, nil, wanted)
  if message then return nil, message, code end
  local score = review and review.score
  if score and score >= wanted.min_score then
    candidate.known = candidate.known or {}
    candidate.known.score = score
    return verdict
  end
  verdict.ok, verdict.gate = false, "review"
  verdict.reason = score and ("the critic's score is %.2f, below %.2f: %s"):format(score, wanted.min_score,
    review.reason or "no reason given") or "the critic gave no score"
  return verdict
end

return critic
