--- guest: a phase that may come from a stranger, made fit to be run by the library.
---
--- Its file runs in an environment of its own (engine/script/vm.h), its hooks in jobs with caps on time
--- and memory, and only data passes in and out (nlsql.guest.plain): the library never holds a table of
--- the phase's, nor the phase one of the library's. A hook that loops, eats memory or gives garbage ends
--- its item, and the run goes on.

local job = require "nlsql.job"
local plain = require "nlsql.guest.plain"

local guest = {}

--- Seconds of processor time, and by the clock, that one call of a hook has (0: as long as it waits for
--- something). `plan` and `run` wait for the model and for room in the plan.
local HOOK, LONG, FILE = { 60, 600 }, { 600, 0 }, { 30, 60 }

--- Runs a stranger's function as a job on a guest's terms. true and its results, or false and a sentence.
local function call(terms, f, ...)
  local ok, a, b, c = job.guest(terms[1], terms[2], f, ...):wait()
  if not ok then return false, plain.text(a) end
  return true, a, b, c
end

local function call_hook(f, ...) return call(HOOK, f, ...) end

--- What the phase's file returns: a phase for the library; whatever else it is, loader.check says so.
---@param chunk function
---@return table? phase
---@return string? message
function guest.load(chunk)
  local ok, given = call(FILE, chunk)
  if not ok then return nil, given end
  if type(given) ~= "table" then return given end
  local done, phase = pcall(guest.wrap, given)
  if not done then return nil, plain.text(phase) end
  return phase
end

--- --- items ---------------------------------------------------------------------------------------

--- What the library knows of an item and tells the phase before each hook.
local TOLD = { "accepted", "count", "faults", "missing", "ordinal", "state", "tables", "turn" }

--- The phase's own table of an item, brought up to date.
local function view_of(item)
  local view = item.theirs and item.theirs() or plain.copy(item)
  for _, name in ipairs(TOLD) do rawset(view, name, plain.copy(item[name])) end
  rawset(view, "key", item.key)
  return view
end

--- The library's item of what a phase emits. The phase's table is reached through a function, so that
--- whoever copies the item has it too.
local function item_of(given)
  if type(given) ~= "table" then return given end
  local item = plain.copy(given)
  if type(item.key) == "string" and #item.key > 1000 then error("emit: key: expected at most 1,000 bytes", 0) end
  if math.type(item.count) == "integer" and item.count > 1000000000 then
    error("emit: count: expected at most 1,000,000,000", 0)
  end
  item.state, item.ordinal, item.accepted = nil, nil, nil
  item.theirs = function() return given end
  return item
end

--- --- hooks ---------------------------------------------------------------------------------------

local function words(value)
  if value == nil then return nil end
  return plain.text(value)
end

--- Runs a hook that gives data and, where it cannot, a sentence and a code; raises what it raised.
local function data_of(terms, f, ...)
  local ok, value, why, code = call(terms, f, ...)
  if not ok then error(value, 0) end
  return plain.copy(value), words(why), words(code)
end

--- For each hook: what the library calls in its place. `see` gives the phase's ctx.
local HOOKS = {}

--- Each item is a job of the run's own: whatever becomes of the phase, the plan stays whole.
function HOOKS.plan(f, see)
  return function(ctx, emit)
    local drive, here = require "nlsql.drive", job.current()
    local function emit_for_phase(given)
      local made, item = pcall(item_of, given)
      if not made then error(plain.text(item), 2) end
      local good, why = pcall(drive.check_item, ctx, item)
      if not good then error(plain.text(why):gsub("^%S+%.lua:%d+: ", ""), 2) end
      job.under(here, emit, item):wait()
    end
    local ok, given, why, code = call(LONG, f, see(ctx), emit_for_phase)
    if not ok then error(given, 0) end
    if given == nil and why ~= nil then return nil, words(why), words(code) end
    return true
  end
end

for _, name in ipairs { "prompt", "follow", "task" } do
  HOOKS[name] = function(f, see)
    return function(ctx, item, missing) return data_of(HOOK, f, see(ctx), view_of(item), missing) end
  end
end

--- Two numbers.
function HOOKS.requests(f, see)
  return function(ctx)
    local ok, least, most = call(HOOK, f, see(ctx))
    if not ok then error(least, 0) end
    return plain.copy(least), plain.copy(most)
  end
end

--- What the phase notes of the candidate in `known` is kept.
function HOOKS.accept(f, see)
  return function(ctx, item, candidate)
    local theirs = plain.copy(candidate)
    local ok, good, reason, detail = call(HOOK, f, see(ctx), view_of(item), theirs)
    if not ok then error(good, 0) end
    candidate.known = plain.copy(rawget(theirs, "known"))
    return good and true or nil, words(reason), words(detail)
  end
end

--- The row is data.
function HOOKS.record(f, see)
  return function(ctx, item, candidate)
    local row = data_of(HOOK, f, see(ctx), view_of(item), plain.copy(candidate))
    if type(row) ~= "table" then error("record: expected a table, found a " .. type(row), 0) end
    return row
  end
end

--- It gives a table beside its list, and changes the item's state.
function HOOKS.run(f, see)
  return function(ctx, item)
    local view = view_of(item)
    local ok, list, info, code = call(LONG, f, see(ctx), view)
    if not ok then error(list, 0) end
    if list ~= nil and type(list) ~= "table" then
      error("run: expected a list of candidates, found a " .. type(list), 0)
    end
    item.state = plain.copy(rawget(view, "state"))
    if type(info) ~= "table" then info = words(info) end
    return plain.copy(list), plain.copy(info), words(code)
  end
end

--- The phase that the library runs in the place of `given`: its data copied, its hooks called as
--- guests.
---@param given table
---@return nlsql.Phase
function guest.wrap(given)
  local main, seen = job.current(), setmetatable({}, { __mode = "k" })
  local function see(ctx) -- whoever only reads a phase's options needs none of what it is shown
    seen[ctx] = seen[ctx] or require("nlsql.guest.context").of(ctx, main, call_hook)
    return seen[ctx]
  end
  local phase = {}
  for name, value in next, given do
    if type(name) == "string" then
      local is_hook = HOOKS[name] and type(value) == "function"
      if is_hook then
        phase[name] = HOOKS[name](value, see)
      elseif type(value) == "function" then
        phase[name] = value
      else
        phase[name] = plain.copy(value)
      end
    else
      phase[type(name) == "number" and name or "(a " .. type(name) .. ")"] = true
    end
  end
  return phase
end

return guest
