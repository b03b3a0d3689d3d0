--- llm: asking the model, once for each question.
---
--- `llm:chat` looks for a recorded reply first, reserves the money, asks, retries what is worth
--- retrying, records what came, and settles. A reply that was paid for is never asked for twice.

local console = require "nlsql.console"
local guard = require "nlsql.guard"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local money = require "nlsql.money"
local pace = require "nlsql.pace"
local providers = require "nlsql.providers"
local replay = require "nlsql.replay"
local text = require "nlsql.text"

local llm = {}

---@class nlsql.Llm
---@field endpoint nlsql.Endpoint
---@field run table           the store's run
---@field store table
---@field price nlsql.Price  of the phase's model
---@field settings table
---@field anon nlsql.Anon?      what must not be sent
---@field phase string?
---@field chatlog nlsql.Chatlog?  hears of each request and reply
---@field counts table        requests, recalled, retries, tokens_in, tokens_out, cost, in_flight, answered, outcomes
---@field provider table
---@field pace nlsql.Pace?     of the endpoint; nil where nothing is sent
---@field failed_in_a_row integer
---@field warned_of_budget boolean?
---@field recorded nlsql.Recorded?  replies of an earlier run, which alone serve
---@field asking table<string, nlsql.Signal>  requests under way, each with who waits for the same
local Llm = {}
Llm.__index = Llm

--- Failures of the endpoint in a row after which it counts as down.
local DOWN_AFTER = 3

--- `world`: what the offline provider works on; `recorded`: whose replies serve in place of any provider's.
---@param world { schema: nlsql.Catalog, db: nlsql.Db, anon: nlsql.Anon? }
---@param recorded nlsql.Recorded?
---@return nlsql.Llm
function llm.open(settings, store, run, price, world, recorded)
  local provider = require(providers.of(settings).module)
  local endpoint = provider.open(settings, world)
  return setmetatable({
    endpoint = endpoint, provider = provider, pace = provider.PACED and pace.of(endpoint.url, settings) or nil,
    store = store, run = run, price = price, settings = settings,
    counts = { requests = 0, recalled = 0, retries = 0, tokens_in = 0, tokens_out = 0, cost = 0,
      in_flight = 0, answered = 0, outcomes = {} },
    failed_in_a_row = 0, recorded = recorded, asking = {},
  }, Llm)
end

--- The identity of a request: what is asked of which model, not how it is sent. Each part stands
--- behind its length, so that no two lists of parts read alike.
local function request_key(self, ask)
  local parts, n = {}, 0
  local function add(value)
    value = tostring(value)
    n = n + 1
    parts[n] = #value .. ":" .. value
  end
  add(ask.model or self.endpoint.model)
  add(ask.purpose)
  add(ask.temperature)
  add(ask.max_tokens)
  add(ask.schema and ask.schema.name)
  add(self.settings.seed)
  if self.provider.identity then add(self.provider.identity(self.endpoint, ask)) end
  if ask.tools then
    add("tools")
    add(assert(json.encode(json.array(ask.tools))))
  end
  for _, message in ipairs(ask.messages) do
    add(message.role)
    add(message.content)
    -- a request without any has the key that it had before there were tools
    for _, call in ipairs(message.tool_calls or {}) do
      add("calls")
      add(call.id)
      add(call.name)
      add(call.arguments)
    end
    if message.tool_call_id then
      add("answers")
      add(message.tool_call_id)
    end
  end
  return text.key(table.concat(parts))
end

--- Seconds before try number `n`: doubling, jittered by a hash so that runs repeat themselves.
local function backoff(self, key, n, asked_for)
  local base = math.min(self.settings.retry_base * 2 ^ (n - 1), 60)
  local jitter = (string.unpack("<I4", text.key(key .. n)) % 1000) / 1000
  local wait = base * (0.5 + jitter / 2)
  return math.max(wait, math.min(asked_for or 0, 600))
end

local function count_outcome(self, outcome)
  local outcomes = self.counts.outcomes
  outcomes[outcome] = (outcomes[outcome] or 0) + 1
end

--- Waits; less long where the user wants to stop.
local function sleep(seconds)
  local till = jobs.now() + seconds
  while jobs.now() < till and jobs.stopping() == 0 do jobs.sleep(math.min(till - jobs.now(), 0.5)) end
end

--- What a model says of the database's values without having been told is not kept: see nlsql.guard.
local function cleaned(self, reply)
  if reply.stored and guard.check(self, reply.stored) then
    local completion = guard.mask_all(self, json.decode(reply.stored))
    local again = self.provider.read(completion)
    reply.stored, reply.content, reply.tool_calls = json.encode(completion), again.content, again.tool_calls
  end
  reply.content = reply.content and guard.mask(self, reply.content)
  reply.message = reply.message and guard.mask(self, reply.message)
  reply.tool_calls = guard.mask_all(self, reply.tool_calls)
  return reply
end

--- A request that may not be sent: the reply that stands for it; nil where it may.
local function withheld(self, ask)
  if not providers.of(self.settings).sends then return nil end
  local what = guard.check_request(self, ask)
  if not what then return nil end
  return { outcome = "private", content = "", gave_up = true,
    message = ("phase %s, item %s: the request (%s) is not sent: %s"):format(self.phase or "?", ask.item or "none",
      ask.purpose, what) }
end

local STOPPED = { "stopping", "cancelled" }

--- Share of the budget from which on that is said, once.
local NEARLY = 0.8

local function warn_of_budget(self)
  local budget = self.settings.budget_usd
  if not budget or self.warned_of_budget then return end
  local spent = self.store:ledger()
  if spent < NEARLY * budget * 1e9 then return end
  self.warned_of_budget = true
  console.warn(("%s of the budget of %s is spent (%.0f %%)"):format(money.show(spent), money.show(math.floor(budget * 1e9)),
    spent / (budget * 1e7)))
end

--- The one call that waits for the endpoint; it may be cancelled while it does.
local function send(self, body, sent, size)
  local counts = self.counts
  counts.in_flight = counts.in_flight + 1
  local _ <close> = setmetatable({}, { __close = function() counts.in_flight = counts.in_flight - 1 end })
  return self.provider.send(self.endpoint, body, sent, size)
end

--- One try: reserve, send, settle. nil, message, code where there is no money or no store.
local function try(self, ask, key, sample)
  local size = self.provider.size and self.provider.size(ask) or 0
  local place <close> = self.pace and self.pace:enter(size, ask.max_tokens) or nil
  if self.pace and not place then return nil, table.unpack(STOPPED) end
  local body, no_room = self.provider.body(self.endpoint, ask)
  if not body then return { failure = "item", outcome = "too_long", message = no_room, content = "", sent = false } end
  local sent, why = json.encode(body)
  if not sent then return nil, "the request cannot be written: " .. tostring(why), "invalid" end
  local price = ask.price or self.price
  local profile = self.endpoint.profile
  local most = money.most(price, #sent, ask.max_tokens, profile and profile.overhead)
  local reservation = 0
  if most > 0 then
    local reserved, message, code = self.store:reserve(most)
    if not reserved then return nil, message, code end
    reservation = reserved
  end
  local hold <close> = reservation ~= 0 and self.store:hold(reservation) or nil -- luacheck: ignore 211
  if self.counts.requests == 0 then
    console.debug(("ready for the first request %.0f ms after the start"):format(jobs.uptime() * 1000))
  end
  self.counts.requests = self.counts.requests + 1
  local reply = cleaned(self, send(self, body, sent, size))
  if place then self.pace:settle(place, reply) end

  local usage, cost = reply.usage, 0
  if usage then
    cost = money.cost(price, usage)
    self.counts.tokens_in = self.counts.tokens_in + usage.tokens_in
    self.counts.tokens_out = self.counts.tokens_out + usage.tokens_out
  elseif reply.sent and (not reply.failure or not reply.outcome:find("^http_")) then
    cost = most -- nobody said what it cost: charged in full
  end
  self.counts.cost = self.counts.cost + cost
  local kept = not reply.failure and ask.keep(reply)
  local ok, message, code = self.run:record {
    key = key, sample = sample, purpose = ask.purpose, item = ask.item, model = ask.model or self.endpoint.model,
    request = sent, reply = kept and reply.stored or nil, outcome = reply.outcome,
    tokens_in = usage and usage.tokens_in or -1, tokens_out = usage and usage.tokens_out or -1,
    tokens_cached = usage and usage.tokens_cached or -1,
    cost = cost, reservation = reservation, seconds = reply.seconds,
  }
  if not ok then return nil, message, code end
  warn_of_budget(self)
  if usage and reservation ~= 0 and cost > most then
    return nil, ("the endpoint reports a cost of %s for a call that could cost %s at most: stopped")
      :format(money.show(cost), money.show(most)), "budget"
  end
  reply.kept = kept
  return reply
end

local function recalled(self, ask, key, sample)
  local stored
  if self.recorded then
    stored = replay.reply(self.recorded, key, sample)
  else
    stored = self.run:recall(key, sample)
  end
  if not stored then return nil end
  local completion = json.decode(stored)
  if type(completion) ~= "table" then return nil end
  local reply = cleaned(self, self.provider.read(completion))
  if not ask.keep(reply) then return nil end
  self.counts.recalled = self.counts.recalled + 1
  reply.recalled, reply.kept = true, true
  return reply
end

local function keep_all(reply) return reply.outcome ~= "broken" end

local MISSING = "no reply to its request %q%s is recorded"

--- Waits while the same is being asked, so that its reply, once recorded, serves here too. What it returns
--- ends the turn when it is closed.
local function take_turn(self, name)
  while self.asking[name] do self.asking[name]:wait() end
  local signal = jobs.signal()
  self.asking[name] = signal
  return setmetatable({}, { __close = function()
    self.asking[name] = nil
    signal:notify()
  end })
end

---@class nlsql.Ask
---@field messages table[]     {role=, content=}; of role "assistant" with `tool_calls`, as replies have them; of role
---                            "tool" with `tool_call_id`
---@field tools nlsql.Tool[]?  what the model may call. An endpoint that cannot call tools gives outcome "no_tools"
---@field purpose string       "ask", "critic", "join_set", …
---@field item string?         key of the item that asks
---@field model string?        in place of the phase's
---@field price nlsql.Price?    set by chat
---@field max_tokens integer?  output limit
---@field schema table?        {name=, schema=}: a JSON schema for the reply
---@field temperature number?
---@field task table?          the same as data, for a provider that does not read: { kind = "pairs", tables =, count =,
---                            least =, calls = (a function), number = }, { kind = "table_sets", least =, most = },
---                            { kind = "review" }
---@field sample integer?      the how-manieth answer to the same request this is (from 1)
---@field keep (fun(reply: nlsql.Reply): boolean)? is a broken-off reply worth keeping?

--- Tries that were told to slow down and do not count, for each one that does.
local PATIENCE = 2

--- How many times a request is tried again at most. One that was told to slow down, by an endpoint that has
--- answered others, waits longer: the pace goes down meanwhile, and its time will come.
local function tries_at_most(self, reply, slowed)
  local retries = self.settings.retries
  if self.counts.answered > 0 then return retries + math.min(slowed, PATIENCE * retries) end
  -- an endpoint that was never there is not waited for as long as one that went away
  return reply.sent and retries or math.min(2, retries)
end

--- May the endpoint call tools, as far as is known? Not before it was asked is it sure.
---@return boolean
function Llm:calls_tools()
  return not self.provider.NO_TOOLS and not (self.provider.manner and self.provider.manner(self.endpoint).no_tools)
end

--- Could the provider answer a request with this task? A model might; the grammar knows.
---@param task table
---@return boolean
function Llm:able(task)
  local able = self.provider.able
  return not able or able(self.endpoint, task)
end

--- Asks. Returns a reply whose outcome says what came; nil, message, code where nothing can:
--- code "model" (refused for good, or down), "budget", "cancelled", "missing" (a replay has no such
--- reply), or the store's.
---@param ask nlsql.Ask
---@return nlsql.Reply?, string?, string?
function Llm:chat(ask)
  local settings = self.settings
  ask.max_tokens = ask.max_tokens or settings.max_tokens
  if ask.model and ask.model ~= self.endpoint.model then
    local price, why = money.of(settings, ask.model)
    if not price then return nil, why, "config" end
    ask.price = price
  end
  if ask.temperature == nil then ask.temperature = settings.temperature end
  local worth = ask.keep
  ask.keep = worth and function(reply) return reply.outcome ~= "broken" or worth(reply) end or keep_all
  local key, sample = request_key(self, ask), ask.sample or 1
  local place <close> = take_turn(self, key .. sample) -- luacheck: ignore 211
  local reply = recalled(self, ask, key, sample)
  if reply then
    if self.chatlog then self.chatlog:chat(ask, reply) end
    return reply
  elseif self.recorded then
    return nil, MISSING:format(ask.purpose, sample > 1 and (" (sample %d)"):format(sample) or ""), "missing"
  end

  local held = withheld(self, ask)
  if held then
    count_outcome(self, held.outcome)
    return held
  end
  local tries, learnt, slowed = 0, 0, 0
  while true do
    if jobs.stopping() > 0 then return nil, "stopping", "cancelled" end
    if ask.tools and not self:calls_tools() then return { outcome = "no_tools", content = "" } end
    local message, code
    reply, message, code = try(self, ask, key, sample)
    if not reply then return nil, message, code end
    count_outcome(self, reply.outcome)
    if not reply.failure and reply.kept then
      self.failed_in_a_row = 0
      self.counts.answered = self.counts.answered + 1
      if self.chatlog then self.chatlog:chat(ask, reply) end
      return reply
    end
    if reply.failure == "fatal" then
      return nil, ("%s: %s"):format(self.endpoint.url, reply.message), reply.code or "model"
    end
    if reply.failure == "item" then
      return { outcome = reply.outcome, content = "", message = reply.message, gave_up = true }
    end
    if reply.failure == "learn" and learnt < 8 then
      learnt = learnt + 1
    else
      tries, slowed = tries + 1, slowed + (reply.slow and 1 or 0)
      if tries > tries_at_most(self, reply, slowed) then break end
      self.counts.retries = self.counts.retries + 1
      local wait = backoff(self, key, tries, reply.retry_after)
      console.debug(("retry %d in %.1f s: %s"):format(tries, wait, reply.message or reply.outcome))
      sleep(wait)
    end
  end
  self.failed_in_a_row = self.failed_in_a_row + 1
  local why = ("%s: %s (%d tries)"):format(self.endpoint.url, reply.message or reply.outcome, tries)
  -- one that cannot be reached is down at once; one that fails a request may do better with others
  if self.failed_in_a_row >= DOWN_AFTER or self.counts.answered == 0 and not reply.sent then
    return nil, why, "model"
  end
  return { outcome = reply.outcome, content = "", message = why, gave_up = true }
end

return llm
