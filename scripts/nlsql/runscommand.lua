--- runscommand: `nlsql runs` and `nlsql log`, which look at the store and never write there.

local console = require "nlsql.console"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local money = require "nlsql.money"
local store = require "nlsql.store"
local summary = require "nlsql.summary"
local text = require "nlsql.text"

local runscommand = {}

--- Seconds between two looks of --follow.
local LOOK_EVERY = 0.3

local function time_of(ms, format) return ms and os.date(format, ms // 1000) or "-" end

--- In a word or two: how far a run is. One whose process is gone without a word was killed.
local function state_of(row, holder)
  if row.archived then return "archived" end
  if row.outcome then return row.outcome end
  if not row.opened then return "unknown" end -- by an older nlsql
  if holder and holder == row.pid then return ("running (process %d)"):format(holder) end
  return "cut off"
end

--- Opens the store; nil where it was said why not, with an exit code.
local function open(path)
  local view, why, code = store.view(path)
  if view then return view end
  if code == "not_found" then
    console.error(why .. ": nothing was run here yet (store: in config.yaml names another)")
  else
    console.error(why)
  end
  return nil, 1
end

--- Rows as the text commands show them: those with a dataset, or all.
local function rows_of(view, all)
  local list = {}
  for row in view:runs(all) do
    if all or row.dataset ~= "" then list[#list + 1] = row end
  end
  return list
end

--- --- nlsql runs ----------------------------------------------------------------------------------

local RUN_KEYS = { keys = { "run", "phase", "version", "state", "started", "opened", "ended" } }

local function run_json(row, holder)
  return assert(json.encode({
    run = row.id, phase = row.phase, version = row.version, state = state_of(row, holder),
    started = time_of(row.started, "!%Y-%m-%dT%H:%M:%SZ"), opened = row.opened and time_of(row.opened, "!%Y-%m-%dT%H:%M:%SZ"),
    ended = row.ended and time_of(row.ended, "!%Y-%m-%dT%H:%M:%SZ"), source = row.source, dataset = row.dataset,
    items = row.items, items_done = row.items_done, entries = row.entries, rejections = row.rejections, calls = row.calls,
    failed_calls = row.failed, cost_usd = row.cost / 1e9, changed = row.changed,
  }, RUN_KEYS))
end

local HEADS = { "run", "phase", "version", "state", "started", "items", "pairs", "rejected", "calls", "cost" }
local RIGHT = { run = true, items = true, pairs = true, rejected = true, calls = true, cost = true }

local function cells_of(row, holder)
  return { tostring(row.id), row.phase, row.version ~= "" and row.version or "-", state_of(row, holder),
    time_of(row.started, "%Y-%m-%d %H:%M"), ("%d/%d"):format(row.items_done, row.items), summary.thousands(row.entries),
    summary.thousands(row.rejections),
    summary.thousands(row.calls) .. (row.failed > 0 and (" (%s failed)"):format(summary.thousands(row.failed)) or ""),
    money.show(row.cost) }
end

local function table_of(rows, holder)
  local lines, widths, grid = {}, {}, { HEADS }
  for i, row in ipairs(rows) do grid[i + 1] = cells_of(row, holder) end
  for _, cells in ipairs(grid) do
    for c, cell in ipairs(cells) do widths[c] = math.max(widths[c] or 0, utf8.len(cell) or #cell) end
  end
  for i, cells in ipairs(grid) do
    local parts = {}
    for c, cell in ipairs(cells) do
      local pad = (" "):rep(widths[c] - (utf8.len(cell) or #cell))
      parts[c] = RIGHT[HEADS[c]] and pad .. cell or cell .. pad
    end
    lines[#lines + 1] = (table.concat(parts, "  "):gsub("%s+$", ""))
    local changed = i > 1 and rows[i - 1].changed
    if changed then lines[#lines + 1] = "     changed: " .. changed end
  end
  return lines
end

--- nlsql runs.
---@param flags { all: boolean?, json: boolean? }
---@param path string  of the store
---@return integer code
function runscommand.runs(flags, path)
  local view <close>, code = open(path)
  if not view then return code end
  local rows, holder = rows_of(view, flags.all), view:holder()
  for _, row in ipairs(flags.json and rows or {}) do console.out(run_json(row, holder), "\n") end
  if flags.json then return 0 end
  if #rows == 0 then
    console.info(("%s has no runs%s"):format(path, flags.all and "" or " that go on (--all shows the others)"))
    return 0
  end
  local spent, reserved = view:ledger()
  console.out(table.concat(table_of(rows, holder), "\n"), "\n")
  console.out(("\n%s spent over all runs of %s%s\n"):format(money.show(spent), path,
    reserved > 0 and (", %s reserved"):format(money.show(reserved)) or ""))
  return 0
end

--- --- nlsql log -----------------------------------------------------------------------------------

--- The run that `wanted` (a number, a phase, or nil) means; nil and a sentence.
local function choose(view, wanted)
  local rows, names, number = rows_of(view, true), {}, math.tointeger(tonumber(wanted))
  local found
  for _, row in ipairs(rows) do
    local fits = row.dataset ~= "" and not row.archived
    if number then
      fits = row.id == number
    elseif wanted then
      fits = fits and row.phase == wanted
    end
    names[#names + 1] = row.phase
    if fits and (not found or (row.opened or 0) >= (found.opened or 0)) then found = row end
  end
  if found then return found end
  if #rows == 0 then return nil, "the store has no runs" end
  if number then return nil, ("there is no run %d (nlsql runs --all lists them)"):format(number) end
  if not wanted then return nil, "the store has no run that goes on (nlsql runs --all lists the others)" end
  local near = text.nearest(wanted, names)
  return nil, ("there is no run of %q%s"):format(wanted, near and (" (did you mean %s?)"):format(near)
    or " (nlsql runs --all lists them)")
end

local function clip(words, width)
  words = words:gsub("%s+", " ")
  local n = utf8.len(words)
  return n and n > width and words:sub(1, utf8.offset(words, width) - 1) .. "…" or words
end

local function tokens(n) return n and summary.thousands(n) or "?" end

local function of_opening(event)
  local how = event.first and "the run began" or "the run went on"
  return event.reason and ("%s; changed: %s"):format(how, event.reason) or how
end

local function of_call(event)
  return ("%s %s: %s, %s tokens in, %s out, %s, %.1f s%s"):format(event.purpose or "?", event.model or "?",
    event.outcome or "?", tokens(event.tokens_in), tokens(event.tokens_out), money.show(event.cost), event.seconds or 0,
    event.kept == 1 and "" or "; not kept")
end

local function of_rejection(event)
  return ("%s: %s%s"):format(event.gate, clip(event.reason, 120),
    event.question and "  Q: " .. clip(event.question, 80) or "")
end

local function of_entry(event) return clip(event.question, 120) end

--- What follows the time, the kind and the item in a line.
local WORDS = { opening = of_opening, call = of_call, rejection = of_rejection, entry = of_entry }

local NAMES = { opening = "opened", call = "asked", rejection = "rejected", entry = "accepted" }

local EVENT_KEYS = { keys = { "at", "event", "run", "item", "turn", "candidate", "gate", "reason", "question", "sql" } }

local function event_json(run, event)
  local out = { at = event.at and ("%s.%03dZ"):format(time_of(event.at, "!%Y-%m-%dT%H:%M:%S"), event.at % 1000),
    event = NAMES[event.kind], run = run.id, kept = event.kind == "call" and event.kept == 1 or nil,
    cost_usd = event.cost and event.cost / 1e9 }
  for _, name in ipairs { "item", "turn", "candidate", "purpose", "model", "outcome", "sample", "tokens_in", "tokens_out",
    "seconds", "gate", "reason", "question", "sql" } do
    out[name] = event[name]
  end
  return assert(json.encode(out, EVENT_KEYS))
end

local function line_of(event)
  local where = event.item or ""
  if event.turn and event.turn > 0 then
    where = ("%s turn %d%s"):format(where, event.turn, event.candidate and event.candidate > 0 and
      " #" .. event.candidate or "")
  end
  return ("%s %-8s %s%s%s"):format(time_of(event.at, "%H:%M:%S"), NAMES[event.kind], where, where ~= "" and "  " or "",
    WORDS[event.kind](event))
end

--- Prints what lies behind the marks, and moves them.
local function print_new(view, run, marks, as_json)
  for event in view:events(run.id, marks) do -- which were read before the first of these
    event.first = not marks.opening
    marks[event.kind] = math.max(marks[event.kind] or 0, event.id)
    console.out(as_json and event_json(run, event) or line_of(event), "\n")
  end
  console.flush()
end

--- The run's row as it is now.
local function again(view, id)
  for row in view:runs(true) do
    if row.id == id then return row end
  end
end

local function end_line(row, holder)
  return ("run %d of %s: %s; %s pairs, %s rejected, %s calls, %s"):format(row.id, row.phase, state_of(row, holder),
    summary.thousands(row.entries), summary.thousands(row.rejections), summary.thousands(row.calls), money.show(row.cost))
end

--- nlsql log. --follow ends with the run, or at Ctrl-C.
---@param flags { run: string?, follow: boolean?, json: boolean? }
---@param path string  of the store
---@return integer code
function runscommand.log(flags, path)
  local view <close>, code = open(path)
  if not view then return code end
  local run, why = choose(view, flags.run)
  if not run then
    console.error(why)
    return 2
  end
  local marks = {}
  while true do
    local holder = view:holder() -- before the events: what it writes last is read after
    local row = again(view, run.id)
    print_new(view, run, marks, flags.json)
    if not flags.follow or not state_of(row, holder):find("^running") then
      console.info(end_line(again(view, run.id), holder))
      return 0
    end
    if jobs.stopping() > 0 then return 130 end
    jobs.sleep(LOOK_EVERY)
  end
end

return runscommand
