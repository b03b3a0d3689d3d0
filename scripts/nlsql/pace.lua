--- pace: how many requests an endpoint gets at once, and how fast.
---
--- Concurrency goes down by half when the endpoint asks to slow down, once for all calls that were under
--- way then, and up by one for each round of good replies (additive increase, multiplicative decrease:
--- Chiu and Jain 1989). Rates per minute hold on top of that. One pace for each endpoint, for all phases of
--- a run: what one phase learnt is kept with the HTTP client for the next. Waiting calls are parked jobs.

local http = require "nlsql.http"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local rates = require "nlsql.rates"

local pace = {}

---@class nlsql.Pace
---@field url string
---@field cap integer       of concurrency, by the configuration
---@field limit number      as it is now, 1 to cap
---@field in_flight integer
---@field cut_at number     when it was last halved
---@field hold_until number nothing is sent before
---@field buckets table<string, nlsql.Bucket>  requests, tokens: by the configuration (own) and by headers (told)
---@field taken table<string, number>  of each rate, by all calls so far
---@field usual_output number tokens of a reply so far, on the whole
---@field cuts integer      how often it was halved
---@field lowest integer    concurrency
---@field waited number     seconds that rates and requests to wait held the head of the queue
---@field turn nlsql.Semaphore
---@field freed nlsql.Signal
local Pace = {}
Pace.__index = Pace

--- Longest that a rate or a wish to wait holds calls back: then one is tried.
local LONGEST = 600

--- How long the head of the queue sleeps at once: it looks whether the user wants to stop.
local NAP = 0.25

--- Of this state; others are found in what the HTTP client remembers.
local known = {} ---@type table<string, nlsql.Pace>

--- What of a pace outlives its phase. Times are of the loop's clock, which all phases share.
local KEPT = { "cut_at", "hold_until", "usual_output" }

local function recall(self)
  local saved = json.decode(http.remembered("pace " .. self.url) or "null")
  if type(saved) ~= "table" or saved == json.null then return end
  for _, name in ipairs(KEPT) do self[name] = saved[name] end
  self.limit = math.min(saved.limit or self.cap, self.cap)
  for name, bucket in pairs(saved.buckets) do self.buckets[name] = self.buckets[name] or rates.restored(bucket) end
end

local function remember(self)
  local saved = { buckets = {}, limit = self.limit < self.cap and self.limit or nil }
  for _, name in ipairs(KEPT) do saved[name] = self[name] end
  for name, bucket in pairs(self.buckets) do
    saved.buckets[name] = { room = bucket.room, level = bucket.level, per_second = bucket.per_second, at = bucket.at }
  end
  http.remember("pace " .. self.url, assert(json.encode(saved)))
end

--- The pace of an endpoint: the same for all who ask for it, for as long as the run lasts.
---@param url string
---@param settings table  parallelism, requests_per_minute, tokens_per_minute
---@return nlsql.Pace
function pace.of(url, settings)
  local self = known[url]
  local cap = math.max(settings.parallelism, 1)
  if self then
    self.limit = self.limit < self.cap and math.min(self.limit, cap) or cap
    self.cap = cap
    return self
  end
  local now = jobs.now()
  self = setmetatable({
    url = url, cap = cap, limit = cap, in_flight = 0, cut_at = 0, hold_until = 0, buckets = {}, usual_output = 1000,
    taken = { requests = 0, tokens = 0 }, cuts = 0, lowest = cap, waited = 0, turn = jobs.semaphore(1), freed = jobs.signal(),
  }, Pace)
  local own = { requests = settings.requests_per_minute, tokens = settings.tokens_per_minute }
  for name, rate in pairs(own) do self.buckets["own " .. name] = rates.even(rate, now) end
  recall(self)
  known[url] = self
  return self
end

--- What a call takes of each rate, before it is known what it took.
local function amounts(self, bytes, most_output)
  return { requests = 1, tokens = bytes / 4 + math.min(self.usual_output, most_output) }
end

--- Seconds to wait before a call of these amounts.
local function delay(self, wanted, now)
  local wait = self.hold_until - now
  for name, bucket in pairs(self.buckets) do
    wait = math.max(wait, bucket:wait(wanted[name:match("%a+$")], now))
  end
  return math.min(wait, LONGEST)
end

---@class nlsql.Place       one call under way
---@field began number
---@field wanted table<string, number>
---@field before table<string, number>  what calls up to this one had taken
---@field pace nlsql.Pace
---@field left boolean?
local Place = {}
Place.__index = Place

local function leave(place)
  if place.left then return end
  place.left = true
  local self = place.pace
  self.in_flight = self.in_flight - 1
  self.freed:notify()
end

Place.__close = leave -- a job that is cancelled gives its place back

local TURN = { __close = function(held) held.turn:release() end }

--- Waits until there is a place and the rates allow another call; first come, first served. nil where the
--- user wants to stop. The place is a to-be-closed value; closing it gives it back.
---@param bytes integer        of the request
---@param most_output integer  tokens of the reply at most
---@return nlsql.Place?
function Pace:enter(bytes, most_output)
  self.turn:acquire()
  local held <close> = setmetatable({ turn = self.turn }, TURN) -- luacheck: ignore 211
  local wanted, waited = amounts(self, bytes, most_output), 0
  while true do
    if jobs.stopping() > 0 then return nil end
    local wait = delay(self, wanted, jobs.now())
    if self.in_flight >= math.floor(self.limit) then
      self.freed:wait()
    elseif wait > 0 and waited < LONGEST then
      wait = math.min(wait, NAP)
      jobs.sleep(wait)
      waited, self.waited = waited + wait, self.waited + wait
    else
      break
    end
  end
  local now = jobs.now()
  for name, bucket in pairs(self.buckets) do bucket:take(wanted[name:match("%a+$")], now) end
  local before = {}
  for name, amount in pairs(wanted) do
    self.taken[name] = self.taken[name] + amount
    before[name] = self.taken[name]
  end
  self.in_flight = self.in_flight + 1
  return setmetatable({ pace = self, began = now, wanted = wanted, before = before }, Place)
end

local function slow_down(self, place, now)
  if place.began < self.cut_at then return end -- it was under way when the limit was cut: that was meant for it too
  self.limit, self.cut_at = math.max(self.limit / 2, 1), now
  self.cuts, self.lowest = self.cuts + 1, math.min(self.lowest, math.floor(self.limit))
end

--- A call is over. `reply.slow`: it was told to slow down; `reply.retry_after`: and for how long;
--- `reply.header`: its headers, where there are any.
---@param place nlsql.Place
---@param reply nlsql.Reply
function Pace:settle(place, reply)
  local now = jobs.now()
  if reply.slow then
    slow_down(self, place, now)
    if reply.retry_after then
      self.hold_until = math.max(self.hold_until, now + math.min(reply.retry_after, LONGEST))
    end
  elseif not reply.failure then
    self.limit = math.min(self.cap, self.limit + 1 / self.limit)
  end
  local usage = reply.usage
  if usage then
    self.usual_output = self.usual_output + (usage.tokens_out - self.usual_output) / 8
    local own = self.buckets["own tokens"]
    if own then own:take(usage.tokens_in + usage.tokens_out - place.wanted.tokens, now) end
  end
  for _, what in ipairs { "requests", "tokens" } do
    local told = reply.header and rates.read(reply.header, what, os.time())
    if told then
      self.buckets["told " .. what] = rates.told(self.buckets["told " .. what], told, place.began, now,
        self.taken[what] - place.before[what])
    end
  end
  leave(place)
  if self.in_flight == 0 or reply.slow then remember(self) end
end

--- What is worth saying of it at the end of a run; nil: nothing was out of the ordinary.
---@return string?
function Pace:report()
  local parts = {}
  if self.cuts > 0 then
    parts[1] = ("slowed down %d %s, to %d of %d at once, %d at the end"):format(self.cuts, self.cuts == 1 and "time" or "times",
      self.lowest, self.cap, math.floor(self.limit))
  end
  if self.waited >= 0.05 then parts[#parts + 1] = ("waited %.1f s for the endpoint's rates"):format(self.waited) end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

return pace
