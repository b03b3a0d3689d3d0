--- jobs: doing several things at once, and waiting for them.
---
--- A job is a coroutine that the engine schedules. Whatever waits (a request, a query, a sleep)
--- lets the others run; a script reads top to bottom all the same.

local job = require "nlsql.job"

local jobs = {}

--- Runs `f(...)` as a job of its own, a child of the one that calls: it ends with its parent.
---@type fun(f: function, ...: any): nlsql.Job
jobs.spawn = job.spawn

--- Waits for so many seconds.
---@type fun(seconds: number)
jobs.sleep = job.sleep

--- Monotonic seconds, as of the start of this turn of the loop.
---@type fun(): number
jobs.now = job.now

--- Seconds since the engine was opened.
---@type fun(): number
jobs.uptime = job.uptime

--- 0; 1 where the user asked to stop (start nothing new); 2 where it is to be at once.
---@type fun(): integer
jobs.stopping = job.stopping

local function cancel_all(running)
  for _, one in ipairs(running) do one:cancel() end
end

--- Runs all functions at once and waits for all. An error in one cancels the others and is raised.
---@param list function[]
---@return { n: integer, [integer]: any } results the first result of each, in the order of the list
function jobs.all(list)
  local running, results = {}, { n = #list }
  for i, f in ipairs(list) do running[i] = job.spawn(f) end
  for i, one in ipairs(running) do
    local ok, result = one:wait()
    if not ok then
      cancel_all(running)
      error(result, 0)
    end
    results[i] = result
  end
  return results
end

--- Runs `make` for `key` once, however many jobs ask for it at the same time; one that raised is run again by the next.
---@generic T
---@param cache table<string, table>  holds what was made
---@param key string
---@param make fun(): T
---@return T
function jobs.once(cache, key, make)
  local slot = cache[key]
  if not slot then
    slot = { ready = jobs.signal() }
    cache[key] = slot
    local ok, value = pcall(make)
    slot.ok, slot.value, slot.over = ok, value, true
    if not ok then cache[key] = nil end
    slot.ready:notify()
  end
  while not slot.over do slot.ready:wait() end
  if not slot.ok then error(slot.value, 0) end
  return slot.value
end

--- Calls `f(value, index)` for each value of the list, at most `at_once` at a time.
--- An error cancels the rest and is raised.
---@param list any[]
---@param at_once integer
---@param f fun(value: any, index: integer): any
---@return { n: integer, [integer]: any } results the first result of each, in the order of the list
function jobs.map(list, at_once, f)
  local results, next_index = { n = #list }, 1
  local function work()
    while next_index <= #list do
      local i = next_index
      next_index = i + 1
      results[i] = f(list[i], i)
    end
  end
  local workers = {}
  for i = 1, math.min(at_once, #list) do workers[i] = work end
  jobs.all(workers)
  return results
end

---@class nlsql.Signal
---@field [integer] nlsql.Job   those that wait
local Signal = {}
Signal.__index = Signal

--- Something that several jobs can wait for: `wait` returns at the next `notify` after it.
---@return nlsql.Signal
function jobs.signal()
  return setmetatable({}, Signal)
end

--- Waits for the next `notify`.
function Signal:wait()
  self[#self + 1] = job.current()
  job.park()
end

--- Lets all jobs go on that wait.
function Signal:notify()
  local waiting = {}
  for i = 1, #self do
    waiting[i], self[i] = self[i], nil
  end
  for i = 1, #waiting do waiting[i]:unpark() end
end

---@class nlsql.Semaphore
---@field free integer
---@field first integer
---@field last integer
---@field queue table<integer, nlsql.Job>
local Semaphore = {}
Semaphore.__index = Semaphore

--- At most `n` holders at a time; the others wait, first come first served.
---@param n integer
---@return nlsql.Semaphore
function jobs.semaphore(n)
  return setmetatable({ free = n, first = 1, last = 0, queue = {} }, Semaphore)
end

--- Takes a place; waits while there is none.
function Semaphore:acquire()
  if self.free > 0 then
    self.free = self.free - 1
    return
  end
  self.last = self.last + 1
  self.queue[self.last] = job.current()
  job.park()
end

--- Gives the place back; the longest waiting job gets it.
function Semaphore:release()
  while self.first <= self.last do
    local waiter = self.queue[self.first]
    self.queue[self.first] = nil
    self.first = self.first + 1
    if waiter:state() == "parked" then -- a job that was cancelled meanwhile wants nothing
      waiter:unpark()
      return
    end
  end
  self.free = self.free + 1
end

return jobs
