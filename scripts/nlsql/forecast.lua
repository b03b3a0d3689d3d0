--- forecast: a dry run: the items of a phase, their first prompts, and what the run may cost, as a range
--- with its reasons. No model is asked, and nothing is written.
---
--- Tokens of prompts are counted as catalog.tokens does, some four bytes each. What a model answers is
--- not known beforehand: how long a pair is, how many pairs fail and are repaired, how many turns an item
--- takes. ASSUMED says what the two ends of the range take for granted.

local catalog = require "nlsql.catalog"
local console = require "nlsql.console"
local critic = require "nlsql.critic"
local drive = require "nlsql.drive"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local money = require "nlsql.money"
local session = require "nlsql.session"
local thousands = require("nlsql.summary").thousands

local forecast = {}

--- The ends of the range.
local ASSUMED = {
  low = { pair = 60, failed = 0.02, turns = 1 },
  high = { pair = 160, failed = 0.30, turns = 1.5 },
}

--- Tokens of one review, as answered.
local REVIEW_OUT = 120

--- Tokens of one call of a tool and of its result.
local CALLED = 120

--- Items whose prompts are made; of a longer plan as many, evenly spread.
local RENDERED = 200
--- Prompts that are shown.
local SHOWN = 2

local function tokens_of(messages)
  local n = 0
  for _, message in ipairs(messages) do n = n + catalog.tokens(message.content or "") + 4 end
  return n
end

--- A model in name only: counts what it is asked, and answers nothing.
local function silent_model(ctx)
  local asked = { list = {}, count = 0, tokens_in = 0 }
  local llm = setmetatable({
    provider = ctx.llm.provider, endpoint = ctx.llm.endpoint, counts = ctx.llm.counts,
    chat = function(_, ask)
      asked.count = asked.count + 1
      asked.tokens_in = asked.tokens_in + tokens_of(ask.messages)
      asked.list[#asked.list + 1] = ask
      return { outcome = "dry_run", content = "", dry_run = true }
    end,
  }, getmetatable(ctx.llm)) -- what else may be asked of it is answered as ever
  return llm, asked
end

--- --- the plan ------------------------------------------------------------------------------------

local function plan_items(ctx, phase)
  local items, keys, pairs_wanted = {}, {}, 0
  local ok, result, message, code = jobs.spawn(phase.plan, ctx, function(item)
    drive.check_item(ctx, item)
    if keys[item.key] then return end
    keys[item.key] = true
    items[#items + 1] = item
    pairs_wanted = pairs_wanted + item.count
  end):wait()
  if not ok then session.give_up("plan: " .. tostring(result), "script") end
  if result == nil and message then session.give_up(message, code or "script") end
  return items, pairs_wanted
end

local function as_messages(got, why)
  if type(got) == "string" then return { { role = "user", content = got } } end
  if type(got) ~= "table" then session.give_up(why or "prompt gave no messages", "config") end
  return got
end

--- The first request of each of some items: messages, or nothing where the phase asks no model.
local function first_requests(s, items)
  local step = math.max(#items / RENDERED, 1)
  local list, at = {}, 1
  while math.floor(at) <= #items do
    local item = items[math.floor(at)]
    item.missing, item.accepted, item.turn = item.count, 0, 1
    local asked
    s.ctx.llm, asked = silent_model(s.ctx)
    local messages
    if s.phase.run then
      s.phase.run(s.ctx, item)
      messages = asked.list[1] and asked.list[1].messages
    else
      messages = as_messages(s.phase.prompt(s.ctx, item))
    end
    list[#list + 1] = { item = item, messages = messages, tokens = messages and tokens_of(messages) or 0 }
    at = at + step
  end
  return list
end

--- --- the cost ------------------------------------------------------------------------------------

--- Tokens of one item's conversation: each turn sends again what was said before.
local function conversation(first, count, per_reply, assumed, most_turns)
  local turns = math.min(math.ceil(count / per_reply * assumed.turns), most_turns)
  local tokens_in, tokens_out, history = 0, 0, first
  for _ = 1, turns do
    local answer = math.min(per_reply, count) * assumed.pair
    tokens_in = tokens_in + history
    tokens_out = tokens_out + answer
    history = history + answer + 60
  end
  return turns, tokens_in, tokens_out
end

---@class nlsql.Forecast
---@field calls number
---@field tokens_in number
---@field tokens_out number

--- What a turn takes in which the model calls tools before it answers: each request sends again what
--- was called and answered.
local function with_tools(n, turns, first, tokens_in, tokens_out)
  local more = (n - 1) * turns
  return n * turns, tokens_in + more * (first + CALLED * n / 2), tokens_out + more * CALLED
end

--- `each`: requests of one turn.
local function estimate(s, requests, items, planning, assumed, each)
  local opt, wanted = s.opt, critic.of(s.phase, s.settings)
  local f = { calls = planning.count, tokens_in = planning.tokens_in, tokens_out = planning.count * 200, repairs = 0,
    reviews = 0 }
  local scale = #items / math.max(#requests, 1)
  for _, one in ipairs(requests) do
    if one.messages then
      local per_reply = math.min(opt.api_answer_count, one.item.count)
      local turns, tokens_in, tokens_out = conversation(one.tokens, one.item.count, per_reply, assumed, opt.max_attempts)
      turns, tokens_in, tokens_out = with_tools(each, turns, one.tokens, tokens_in, tokens_out)
      local repairs = wanted and one.item.count * assumed.failed * math.max(wanted.rounds, 0) or 0
      local reviews = wanted and wanted.min_score and one.item.count or 0
      f.calls = f.calls + (turns + repairs + reviews) * scale
      f.repairs, f.reviews = f.repairs + repairs * scale, f.reviews + reviews * scale
      f.tokens_in = f.tokens_in + (tokens_in + (repairs + reviews) * (one.tokens + assumed.pair)) * scale
      f.tokens_out = f.tokens_out + (tokens_out + (repairs + reviews) * REVIEW_OUT) * scale
    end
  end
  return f
end

local function cost_of(price, f)
  return money.cost(price, { tokens_in = math.ceil(f.tokens_in), tokens_out = math.ceil(f.tokens_out) })
end

--- --- showing it ----------------------------------------------------------------------------------

local function range(low, high, show)
  local a, b = show(low), show(high)
  return a == b and a or ("%s to %s"):format(a, b)
end

local function whole(n) return thousands(math.ceil(n)) end

local function show_requests(out, requests)
  for i = 1, math.min(SHOWN, #requests) do
    local one = requests[i]
    out[#out + 1] = ("\nThe first request of item %s (about %s tokens):"):format(one.item.key, thousands(one.tokens))
    if not one.messages then out[#out + 1] = "(none: this phase asks no model)" end
    for _, message in ipairs(one.messages or {}) do
      out[#out + 1] = ("### %s:\n%s"):format(message.role, message.content or "")
    end
  end
end

local function show_cost(out, s, low, high)
  local price, why = money.of(s.settings, s.settings.openai_model)
  if why == "free" then
    out[#out + 1] = "Cost:       nothing (the grammar, or an endpoint on this machine)"
  elseif why == "unpriced" then
    out[#out + 1] = ("Cost:       not known: there is no price of %s under prices: in config.yaml"):format(
      s.settings.openai_model)
  else
    local a, b = cost_of(price, low), cost_of(price, high)
    out[#out + 1] = ("Cost:       %s with %s"):format(range(a, b, money.show), s.settings.openai_model)
    local budget = s.settings.budget_usd
    if budget and b > budget * 1e9 then
      local ends = a > budget * 1e9 and "either end" or "the upper end"
      out[#out + 1] = ("            more than the budget of $%.2f at %s: the run would stop there, to be gone on with"):format(
        budget, ends)
    end
  end
end

local function report(s, items, pairs_wanted, requests, planning)
  local least, most = 1, 1
  if s.phase.requests then least, most = s.phase.requests(s.ctx) end
  local low = estimate(s, requests, items, planning, ASSUMED.low, least)
  local high = estimate(s, requests, items, planning, ASSUMED.high, most)
  local wanted = critic.of(s.phase, s.settings)
  local out = { ("%s: %s items, %s pairs wanted"):format(s.ctx.phase, thousands(#items), thousands(pairs_wanted)) }
  show_requests(out, requests)
  out[#out + 1] = ""
  out[#out + 1] = ("Requests:   %s (%s for the plan, the rest for items%s)"):format(range(low.calls, high.calls, whole),
    thousands(planning.count), wanted and (", %s of them repairs%s"):format(range(low.repairs, high.repairs, whole),
      wanted.min_score and (", %s reviews of what passed"):format(range(low.reviews, high.reviews, whole)) or "") or "")
  out[#out + 1] = ("Tokens in:  %s"):format(range(low.tokens_in, high.tokens_in, whole))
  out[#out + 1] = ("Tokens out: %s"):format(range(low.tokens_out, high.tokens_out, whole))
  show_cost(out, s, low, high)
  local a, b = ASSUMED.low, ASSUMED.high
  out[#out + 1] = ("Taken for granted: %d to %d tokens a pair; %.0f to %.0f %% of the pairs fail and go to the critic; %g to "
    .. "%g times the turns that %d pairs a reply need, each of which sends the conversation again."):format(a.pair, b.pair,
    a.failed * 100, b.failed * 100, a.turns, b.turns, s.opt.api_answer_count)
  if most > 1 then
    out[#out + 1] = ("A turn takes %d to %d requests, since the model calls tools before it answers."):format(least, most)
  end
  if #items > RENDERED then out[#out + 1] = ("Prompts of %d of the items were measured."):format(#requests) end
  if planning.count > 0 then
    out[#out + 1] = "The plan asks the model too; here it is made without its answer, so the run's items may be others."
  end
  out[#out + 1] = "No model was asked."
  console.out(table.concat(out, "\n"), "\n")
end

local function dry_run(spec, chunk, load_error, source)
  local phase = session.load(spec, chunk, load_error, source)
  local s = session.open(spec, phase, source)
  local planning
  s.ctx.llm, planning = silent_model(s.ctx)
  local items, pairs_wanted = plan_items(s.ctx, phase)
  report(s, items, pairs_wanted, first_requests(s, items), planning)
  session.close(s)
  return session.EXIT.done
end

--- Forecasts the phase that `spec_text` (JSON, made by nlsql.cli) describes; arguments as runner.main's.
---@param spec_text string
---@param chunk function?
---@param load_error string?
---@param source string
---@return integer code
function forecast.main(spec_text, chunk, load_error, source)
  local spec = assert(json.decode(spec_text))
  spec.dry = true
  return session.guard(dry_run, spec, chunk, load_error, source)
end

return forecast
