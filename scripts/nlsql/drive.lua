--- drive: many conversations at once, their results taken in the order of the plan.
---
--- Workers talk; one job, the taker, takes finished turns in the order (item, turn, candidate) and
--- makes them durable. An item whose own count is full but that loses doubles to earlier items is
--- talked to again when its turn to be taken comes. So the same replies give the same dataset,
--- however many items are under way at once.

local conversation = require "nlsql.conversation"
local jobs = require "nlsql.jobs"
local retry = require "nlsql.retry"

local drive = {}

---@class nlsql.Drive
---@field ctx nlsql.Context
---@field phase nlsql.Phase
---@field run nlsql.Run
---@field store nlsql.Store
---@field entries nlsql.Entries
---@field parallelism integer
---@field window integer
---@field items table<integer, table>
---@field planned integer
---@field wanted integer
---@field head integer
---@field keys table<string, boolean>
---@field ready table
---@field first_ready integer
---@field last_ready integer
---@field again table[]
---@field done integer
---@field failed integer
---@field unanswered integer  of those: for want of a reply
---@field skipped integer
---@field missing integer      items that a replay had no reply for
---@field first_missing string?
---@field retrying boolean?    rejected candidates meet the gates again
---@field retried { tried: integer, accepted: integer }
---@field commits integer
---@field busy integer
---@field changed nlsql.Signal
---@field fatal { message: string, code: string }?
---@field plan_over boolean?
---@field over boolean?
local Drive = {}
Drive.__index = Drive

--- Seconds that what is in flight gets after the first interrupt.
local GRACE = 60

--- Items that may fail before the first success until the run counts as hopeless.
local HOPELESS = 5

--- Commits between two waits for the disk.
local COMMITS_AHEAD = 32

--- A plan that nothing was done of yet.
---@param ctx nlsql.Context
---@param phase nlsql.Phase
---@param run nlsql.Run
---@param entries nlsql.Entries
---@return nlsql.Drive
function drive.new(ctx, phase, run, entries)
  local parallelism = ctx.settings.parallelism
  return setmetatable({
    ctx = ctx, phase = phase, run = run, entries = entries,
    parallelism = parallelism,
    window = parallelism * 4 + 16, -- items between the first not taken and the last planned
    items = {}, planned = 0, wanted = 0, head = 1, keys = {},
    ready = {}, first_ready = 1, last_ready = 0, again = {},
    done = 0, failed = 0, unanswered = 0,
    skipped = 0, missing = 0, commits = 0, busy = 0, retried = { tried = 0, accepted = 0 },
    changed = jobs.signal(),
  }, Drive)
end

--- The run cannot go on. The first reason counts.
function Drive:stop(message, code)
  if not self.fatal then self.fatal = { message = message, code = code } end
  self.changed:notify()
end

--- Is nothing new to be begun?
function Drive:halted() return self.fatal ~= nil or jobs.stopping() > 0 end

--- --- planning --------------------------------------------------------------------------------

--- Checks an item that a phase emitted, and completes it: tables as references, and how many pairs it
--- wants (its own `count`, or the phase's option; with `at_most`, fewer are not too few). Raises what is
--- wrong, at the phase's line.
---@param ctx nlsql.Context
---@param item table
function drive.check_item(ctx, item)
  if type(item) ~= "table" or type(item.key) ~= "string" or item.key == "" then
    error("emit: expected a table with a key, a non-empty string", 3)
  end
  if item.tables ~= nil then
    if type(item.tables) ~= "table" then error("emit: tables: expected a list of table names", 3) end
    for i, name in ipairs(item.tables) do
      local ref = ctx.schema:find(tostring(name))
      if not ref then error(("emit: tables: there is no table %q"):format(tostring(name)), 3) end
      item.tables[i] = ref
    end
  end
  if item.count == nil then item.count = ctx.opt.count end
  if math.type(item.count) ~= "integer" or item.count < 1 then
    error(("emit: count: expected a whole number of 1 or more, found %s"):format(tostring(item.count)), 3)
  end
end

--- Adds an item to the plan; waits while enough of them wait to be worked on.
function Drive:emit(item)
  drive.check_item(self.ctx, item)
  if self.keys[item.key] then return end
  while self.planned - self.head + 1 >= self.window and not self:halted() do self.changed:wait() end
  if self:halted() then return end
  self.keys[item.key] = true
  self.planned = self.planned + 1
  self.wanted = self.wanted + item.count
  item.ordinal = self.planned
  local saved = self.run:item(item.key)
  local record = { item = item, turns = {}, first = 1, last = 0, saved = saved }
  item.accepted = saved and saved.accepted or 0
  self.items[item.ordinal] = record
  if self.retrying and saved and saved.accepted < item.count then
    record.retry = retry.worth(self.phase, self.run:rejected(item.key))
  end
  -- a larger count or more attempts than it was done with let an item go on
  local spent = saved and saved.done and (saved.accepted >= item.count or saved.turns >= self.ctx.opt.max_attempts)
  if spent and #(record.retry or {}) == 0 then
    record.skip = true
    self.skipped = self.skipped + 1
  else
    self.last_ready = self.last_ready + 1
    self.ready[self.last_ready] = record
  end
  self.changed:notify()
end

local function plan(self)
  local planner = jobs.spawn(self.phase.plan, self.ctx, function(item) self:emit(item) end)
  local ok, result, message, code = planner:wait()
  if not ok then
    self:stop("plan: " .. tostring(result), "script")
  elseif result == nil and message then -- nil, message, code: the world's failure
    self:stop(message, code)
  end
  self.plan_over = true
  self.changed:notify()
end

--- --- talking -----------------------------------------------------------------------------------

local function take_work(self)
  while not self:halted() do
    local record = table.remove(self.again)
    if not record and self.first_ready <= self.last_ready then
      record = self.ready[self.first_ready]
      self.ready[self.first_ready] = nil
      self.first_ready = self.first_ready + 1
    end
    if record then return record end
    if self.over then return nil end
    self.changed:wait()
  end
end

local function talk(self, record)
  record.talk = record.talk or conversation.open(self.ctx, self.phase, record.item, record.saved)
  record.saved = nil
  local c = record.talk
  while (c:wants_more() or record.retry) and not self:halted() do
    local again = record.retry
    record.retry = nil
    -- a job of its own, so that a hook that loops for ever or eats memory ends this item only
    local ok, turn, message, code = jobs.spawn(again and c.retry or c.turn, c, again):wait()
    if not ok then
      record.failure = tostring(turn)
      break
    elseif not turn and code == "missing" then
      record.failure, record.missing = ("turn %d: %s"):format(c.turns + 1, message), true
      break
    elseif not turn then
      if code ~= "cancelled" then self:stop(message, code) end
      return
    end
    if turn.gave_up then
      record.failure, record.unanswered = "no reply from the model", true
      break
    end
    record.last = record.last + 1
    record.turns[record.last] = turn
    self.changed:notify()
  end
  if not self:halted() or not c:wants_more() or record.failure then record.talked = true end
  self.changed:notify()
end

local function work(self, number)
  local record = take_work(self)
  while record do
    self.busy = self.busy + 1
    self.ctx.chatlog:assign(record.item.key, number)
    talk(self, record)
    self.busy = self.busy - 1
    record = take_work(self)
  end
end

--- --- taking ------------------------------------------------------------------------------------

local function commit(self, record, turn, done)
  local item = record.item
  local taken, fallen, retried = {}, {}, {}
  if turn then taken, fallen, retried = self.entries:take(item, turn) end
  if turn and turn.number == 0 then
    self.retried.tried = self.retried.tried + #turn.judged
    self.retried.accepted = self.retried.accepted + #taken
  end
  self.commits = self.commits + 1
  local ok, message, code = self.run:commit {
    item = item.key, ordinal = item.ordinal, turn = turn and turn.number or 0, done = done,
    state = turn and turn.state, entries = taken, rejections = fallen, retried = retried,
    wait = self.commits % COMMITS_AHEAD == 0,
  }
  if not ok then self:stop(message, code) end
  return ok
end

--- Whose fault it is that all items failed: the code of an error.
---@return string
function Drive:fault() return self.unanswered == self.failed and "model" or "script" end

local function finish(self, record)
  if record.failure then
    self.failed = self.failed + 1
    self.unanswered = self.unanswered + (record.unanswered and 1 or 0)
    if record.missing then
      self.missing = self.missing + 1
      self.first_missing = self.first_missing or ("item %s: %s"):format(record.item.key, record.failure)
    elseif self.failed - self.missing == HOPELESS and self.done + self.skipped == 0 then
      self:stop(("the first %d items all failed; the last: %s"):format(HOPELESS, record.failure), self:fault())
    end
    self.ctx:tell(("item %s: %s"):format(record.item.key, record.failure))
  else
    if record.item.at_most then self.wanted = self.wanted - record.item.count + record.item.accepted end
    if not record.skip then self.done = self.done + 1 end
  end
  self.items[self.head] = nil
  self.keys[record.item.key] = nil
  self.ctx.chatlog:assign(record.item.key, nil)
  self.head = self.head + 1
  self.changed:notify()
end

--- Does what can be done with the first item that is not finished; false: nothing can.
local function take_head(self)
  local record = self.items[self.head]
  if not record then return false end
  if record.skip then
    finish(self, record)
    return true
  end
  if record.first <= record.last then
    local turn = record.turns[record.first]
    record.turns[record.first] = nil
    record.first = record.first + 1
    return commit(self, record, turn, false)
  end
  if not record.talked then return false end
  local c, item = record.talk, record.item
  if not record.failure and not c.over and item.accepted < item.count and c.turns < self.ctx.opt.max_attempts then
    c.own = item.accepted -- doubles of earlier items do not count
    record.talked = false
    self.again[#self.again + 1] = record
    self.changed:notify()
    return false
  end
  if not record.failure and not commit(self, record, nil, true) then return false end
  finish(self, record)
  return true
end

local function all_taken(self) return self.plan_over and self.head > self.planned end

--- Works through the plan. Returns when all is done, or when the run had to stop: then self.fatal
--- says why, unless the user asked for it.
---@param tick fun(self: nlsql.Drive)? called a few times a second
function Drive:run_all(tick)
  local running = { jobs.spawn(plan, self) }
  for number = 1, self.parallelism do running[#running + 1] = jobs.spawn(work, self, number) end
  local ticker = jobs.spawn(function()
    while true do
      jobs.sleep(0.2)
      if tick then tick(self) end
      if jobs.stopping() > 0 then self.changed:notify() end
    end
  end)
  while not all_taken(self) and not self:halted() do
    if not take_head(self) and not self:halted() then self.changed:wait() end
  end
  self.over = true
  self.changed:notify()
  local deadline = jobs.now() + GRACE
  while self.busy > 0 and jobs.now() < deadline do jobs.sleep(0.02) end
  while take_head(self) do end -- what came in during the grace time
  for _, one in ipairs(running) do one:cancel() end
  ticker:cancel()
  if tick then tick(self) end
end

return drive
