--- runner: runs one phase from its file to its dataset.

local console = require "nlsql.console"
local drive = require "nlsql.drive"
local entries = require "nlsql.entries"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local money = require "nlsql.money"
local replay = require "nlsql.replay"
local session = require "nlsql.session"
local summary = require "nlsql.summary"

local runner = {}

local EXIT = session.EXIT

local LINE_EVERY = 10 -- seconds, where there is no terminal

local function progress(started)
  local live, last = console.is_live(), started
  return function(d)
    if live then
      console.block(summary.block(d, started))
    elseif jobs.now() - last >= LINE_EVERY then
      last = jobs.now()
      console.info(summary.line(d))
    end
  end
end

--- Why a replay is not whole. Of a run that went on with other options the requests come out otherwise.
local function missing_words(d, recorded)
  return ("%d of %d items lack a recorded reply; the first: %s%s; nlsql run without --replay asks for it"):format(d.missing,
    d.planned, d.first_missing,
    recorded.run.changed and ("; the run was changed on its way: " .. recorded.run.changed) or "")
end

local function verdict_of(d, dataset, recorded)
  local accepted = d.entries.accepted
  if d.fatal then
    local code, go_on = d.fatal.code, "run the same command again to go on"
    if code == "budget" and d.ctx.settings.budget_usd then
      go_on = ("go on with --budget %g"):format(money.larger(d.ctx.settings.budget_usd))
    end
    if code == "missing" then go_on = "nlsql run without --replay asks for it" end
    local message = d.fatal.message
    if accepted > 0 then message = ("%s; %s pairs are safe in %s"):format(message, summary.thousands(accepted), dataset) end
    if code ~= "config" and code ~= "not_found" then message = ("%s; %s"):format(message, go_on) end
    console.error(message)
    return EXIT[code] or 1
  elseif jobs.stopping() > 0 then
    console.warn(("interrupted; %s pairs are safe in %s, and replies that were not taken yet are kept; run the "
      .. "same command again to go on"):format(summary.thousands(accepted), dataset))
    return EXIT.cancelled
  elseif d.missing > 0 then
    console.error(missing_words(d, recorded))
    return EXIT.missing
  elseif d.failed > 0 and d.done + d.skipped == 0 then
    return EXIT[d:fault()]
  elseif accepted < math.max(d.wanted, 1) then -- nothing at all is too few, however little was wanted
    return EXIT.too_few
  end
  return EXIT.done
end

--- How a run ended, as the store keeps it.
local OUTCOMES = { [EXIT.done] = "done", [EXIT.model] = "model", [EXIT.db] = "database", [EXIT.budget] = "budget",
  [EXIT.too_few] = "too few", [EXIT.cancelled] = "interrupted" }

local function run_phase(spec, chunk, load_error, source)
  local started = jobs.now()
  local phase = session.load(spec, chunk, load_error, source)
  local s = session.open(spec, phase, source)
  session.know_private(s)
  local d = drive.new(s.ctx, phase, s.run, entries.open(s.ctx, phase, s.run))
  d.store, d.retrying = s.store, spec.retry_rejected
  d:run_all(progress(started))
  console.block("")
  local durable, message = s.store:flush()
  if not durable and not d.fatal then d.fatal = { message = message, code = "io" } end
  summary.report(d, spec.dataset, started)
  local code = verdict_of(d, spec.dataset, s.recorded)
  if s.recorded then replay.compare(s.recorded, spec.dataset) end
  s.run:ended(OUTCOMES[code] or "error")
  session.close(s)
  return code
end

--- Runs the phase that `spec_text` (JSON, made by nlsql.cli) describes. `chunk` is its loaded file,
--- or nil with `load_error`; `source` is the file's text. Returns the exit code.
---@param spec_text string
---@param chunk function?
---@param load_error string?
---@param source string
---@return integer
function runner.main(spec_text, chunk, load_error, source)
  return session.guard(run_phase, assert(json.decode(spec_text)), chunk, load_error, source)
end

return runner
