--- tryout: one item of a phase, from its prompt to what every gate says of each candidate. What `try`
--- does once, and under --watch again for each change.

local context = require "nlsql.context"
local console = require "nlsql.console"
local conversation = require "nlsql.conversation"
local diff = require "nlsql.diff"
local drive = require "nlsql.drive"
local entries = require "nlsql.entries"
local gates = require "nlsql.gates"
local jobs = require "nlsql.jobs"
local llm = require "nlsql.llm"
local money = require "nlsql.money"
local plan = require "nlsql.plan"
local session = require "nlsql.session"

local tryout = {}

local function out(line) console.out(line, "\n") end

--- --- the item ------------------------------------------------------------------------------------

local function matcher(ctx, wanted)
  if wanted.table then
    local ref = ctx.schema:find(wanted.table)
    if not ref then
      local near = ctx.schema:nearest(wanted.table)
      session.give_up(("there is no table %q%s"):format(wanted.table,
        near and (" (did you mean %s?)"):format(near) or ""), "usage")
    end
    return function(item)
      for _, one in ipairs(item.tables or {}) do
        if one == ref then return true end
      end
    end, ("the plan has no item about %s"):format(ref)
  end
  local n = wanted.item or 1
  return function(_, ordinal) return ordinal == n end, ("the plan has no item %d"):format(n)
end

--- The item of the phase's plan that is wanted: the plan is made up to it only.
local function find_item(ctx, phase, wanted)
  local matches, none = matcher(ctx, wanted)
  local changed, found, over, seen = jobs.signal(), nil, false, 0
  local function emit(item)
    drive.check_item(ctx, item)
    seen = seen + 1
    if not found and matches(item, seen) then
      found = item
      changed:notify()
    end
    while found do jobs.sleep(3600) end -- the plan is not wanted any further
  end
  local result
  local planner = jobs.spawn(function()
    result = table.pack(phase.plan(ctx, emit))
    over = true
    changed:notify()
  end)
  local watcher = jobs.spawn(function()
    local ok, message = planner:wait()
    if not ok and not found then
      result, over = { nil, "plan: " .. tostring(message), "script" }, true
      changed:notify()
    end
  end)
  while not found and not over do changed:wait() end
  watcher:cancel()
  planner:cancel()
  if found then return found end
  if result[1] == nil and result[2] then session.give_up(result[2], result[3] or "script") end
  session.give_up(("%s (it has %d)"):format(none, seen), "usage")
end

--- --- showing -------------------------------------------------------------------------------------

local MARK = { passed = "✓", failed = "✗", ["not reached"] = "·" }

local function show_candidate(n, one, double)
  local candidate, verdict = one.candidate, one.verdict
  out(("%d. Q: %s"):format(n, candidate.question))
  out("   A: " .. (candidate.answer or verdict.sql or candidate.sql))
  if candidate.original then out("   repaired from: " .. candidate.original) end
  local trail = {}
  for i, state in ipairs(gates.trail(candidate, verdict)) do trail[i] = ("%s %s"):format(state.gate, MARK[state.state]) end
  trail[#trail + 1] = ("unique %s"):format(not verdict.ok and MARK["not reached"] or double and MARK.failed or MARK.passed)
  out("   " .. table.concat(trail, "  "))
  if not verdict.ok then
    out(("   %s: %s%s"):format(verdict.gate, verdict.reason, verdict.detail and " (" .. verdict.detail .. ")" or ""))
  end
  if double then out("   unique: " .. double) end
  local probe = verdict.probe
  if not probe then return end
  if probe.stage == "done" then
    out(("   %d%s rows in %.1f ms, planned in %.1f ms"):format(probe.n_rows, probe.more and "+" or "", probe.execute_ms,
      probe.explain_ms))
  end
  for _, line in ipairs(plan.lines(probe.plan) or {}) do out("     " .. line) end
end

local function as_text(messages)
  local parts = {}
  for i, message in ipairs(messages) do parts[i] = ("### %s:\n%s"):format(message.role, message.content) end
  return table.concat(parts, "\n")
end

--- The prompt whole, or what changed of it since it was last shown.
local function show_prompt(text, before)
  if not before then
    out(text)
    return true
  end
  local changes = diff.lines(before, text)
  if #changes == 0 then
    out("prompt: unchanged")
    return false
  end
  out("prompt: changed")
  for _, line in ipairs(changes) do out(line) end
  return true
end

--- --- one reply -----------------------------------------------------------------------------------

---@class nlsql.Score what became of one model's replies
---@field model string
---@field read integer
---@field passed integer
---@field rejected table<string, integer>

local function judge(ctx, score, turn)
  local seen = entries.open(ctx, score.phase, score.run)
  for _, one in ipairs(turn.unread) do
    out(("   read: %s"):format(one.reason or "unreadable"))
    score.rejected.read = (score.rejected.read or 0) + 1
  end
  for i, one in ipairs(turn.judged) do
    local verdict = one.verdict
    local double = verdict.ok and seen:double_of(verdict) or nil
    local gate = not verdict.ok and verdict.gate or double and "unique"
    score.read = score.read + 1
    if gate then
      score.rejected[gate] = (score.rejected[gate] or 0) + 1
    else
      seen:remember(verdict.sql_key, verdict.masked_key, verdict.question_key)
      score.passed = score.passed + 1
    end
    out("")
    show_candidate(i, one, double)
  end
end

--- Shows requests beside the first one as they are answered: an agent's tools, the critic.
local function listener(shown)
  return {
    chat = function(_, ask, reply)
      if ask.purpose == "ask" and not shown.own then return end
      local last = ask.messages[#ask.messages]
      local words = reply.tool_calls and #reply.tool_calls > 0 and ("calls %s %s"):format(reply.tool_calls[1].name,
        tostring(reply.tool_calls[1].arguments)) or reply.content
      shown.lines[#shown.lines + 1] = ("[%s] %s: %s"):format(ask.purpose, last.role, (last.content or ""):sub(1, 300))
      shown.lines[#shown.lines + 1] = ("[%s] answer: %s"):format(ask.purpose, words)
    end,
    assign = function() end, add = function() end, note_schema = function() end,
  }
end

--- Asks once, as sample number `n`, and shows what came.
local function ask_once(s, ctx, item, score, n)
  local shown = { own = s.phase.run ~= nil, lines = {} }
  local copy = {}
  for key, value in pairs(item) do copy[key] = value end
  local talk = conversation.open(ctx, s.phase, copy)
  talk.sample = n
  local listening = listener(shown)
  ctx.llm.chatlog = listening
  local started = jobs.now()
  local turn, message, code = talk:turn()
  jobs.sleep(0)
  if not turn then session.give_up(message, code) end
  if turn.gave_up then session.give_up(turn.brought.gave_up, "model") end
  score.seconds = score.seconds + jobs.now() - started
  local reply = turn.brought.reply
  out("")
  out(("--- %s%s%s"):format(score.model, n > 1 and (", reply %d"):format(n) or "",
    reply and reply.recalled and " (recorded; --fresh asks again)" or ""))
  if reply then out(reply.content) end
  for _, line in ipairs(shown.lines) do out(line) end
  judge(ctx, score, turn)
end

--- --- several models ------------------------------------------------------------------------------

local function context_for(s, model)
  if not model or model == s.settings.openai_model then return s.ctx end
  local settings = {}
  for key, value in pairs(s.settings) do settings[key] = value end
  settings.openai_model = model
  local price, why = money.of(settings, model)
  if not price then session.give_up(why, "config") end
  return context.new {
    phase = s.ctx.phase, opt = s.opt, settings = settings, schema = s.schema, db = s.db, counts = s.ctx.counts,
    anon = s.anon,
    llm = llm.open(settings, s.store, s.run, price, { schema = s.schema, db = s.db }),
  }
end

local function show_table(scores)
  local gates_met, lines = {}, {}
  for _, score in ipairs(scores) do
    for gate in pairs(score.rejected) do gates_met[gate] = true end
  end
  local function line(title, value)
    local cells = { ("%-22s"):format(title) }
    for _, score in ipairs(scores) do cells[#cells + 1] = ("%20s"):format(tostring(value(score))) end
    lines[#lines + 1] = table.concat(cells)
  end
  line("", function(score) return score.model end)
  line("pairs read", function(score) return score.read end)
  line("passed every gate", function(score) return score.passed end)
  for _, gate in ipairs(gates.ORDER) do
    if gates_met[gate] then line("fell at " .. gate, function(score) return score.rejected[gate] or 0 end) end
  end
  line("tokens in", function(score) return score.llm.counts.tokens_in end)
  line("tokens out", function(score) return score.llm.counts.tokens_out end)
  line("cost", function(score) return money.show(score.llm.counts.cost) end)
  line("seconds", function(score) return ("%.1f"):format(score.seconds) end)
  out("")
  for _, one in ipairs(lines) do out(one) end
end

--- --- one round -----------------------------------------------------------------------------------

---@class nlsql.TryWish
---@field item integer?    the Nth of the plan
---@field table string?    the first about this table
---@field models string[]?
---@field n integer?       replies to the same prompt

--- Shows the prompt, asks, and shows every verdict. `before` is the prompt's text as it was shown last
--- (nil: never). Returns the exit code and the prompt's text.
---@param s nlsql.Session
---@param wish nlsql.TryWish
---@param before string?
---@return integer code
---@return string prompt
function tryout.once(s, wish, before)
  local item = find_item(s.ctx, s.phase, wish)
  item.accepted, item.missing = 0, item.count
  out(("item: %s"):format(item.key))
  local prompt = ""
  if s.phase.run then
    out("(this phase drives itself: its requests are shown as they are answered)")
  else
    local messages, why = s.phase.prompt(s.ctx, item)
    if type(messages) == "string" then messages = { { role = "user", content = messages } } end
    if not messages then session.give_up(why or "prompt gave no messages", "config") end
    prompt = as_text(messages)
    show_prompt(prompt, before)
    console.flush()
  end
  local scores = {}
  for i, model in ipairs(wish.models or { s.settings.openai_model }) do
    local ctx = context_for(s, model)
    local score = {
      model = ctx.llm.endpoint.model, read = 0, passed = 0, rejected = {}, seconds = 0, phase = s.phase, run = s.run,
      llm = ctx.llm,
    }
    scores[i] = score
    for n = 1, wish.n or 1 do ask_once(s, ctx, item, score, n) end
  end
  show_table(scores)
  console.flush()
  local passed = 0
  for _, score in ipairs(scores) do passed = passed + score.passed end
  return passed > 0 and session.EXIT.done or session.EXIT.too_few, prompt
end

return tryout
