--- summary: what a run says at its end, and what it shows while it lasts.

local console = require "nlsql.console"
local gates = require "nlsql.gates"
local jobs = require "nlsql.jobs"
local money = require "nlsql.money"
local providers = require "nlsql.providers"

local summary = {}

local function thousands(n)
  local digits = ("%d"):format(n)
  local out = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (out:gsub("^,", ""))
end
summary.thousands = thousands

local function duration(seconds)
  if seconds < 60 then return ("%.1f s"):format(seconds) end
  seconds = math.floor(seconds)
  if seconds < 3600 then return ("%d min %02d s"):format(seconds // 60, seconds % 60) end
  return ("%d h %02d min"):format(seconds // 3600, seconds % 3600 // 60)
end
summary.duration = duration

local function by_gate(rejected)
  local parts = {}
  for _, gate in ipairs(gates.ORDER) do
    if rejected[gate] then parts[#parts + 1] = ("%s %s"):format(gate, thousands(rejected[gate])) end
  end
  return table.concat(parts, ", ")
end

--- The commonest reasons of a gate, most frequent first.
local function top_reasons(reasons, n)
  local list = {}
  for reason, count in pairs(reasons) do
    if reason ~= "kinds" then list[#list + 1] = { reason = reason, count = count } end
  end
  table.sort(list, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.reason < b.reason
  end)
  return table.move(list, 1, math.min(n, #list), 1, {})
end

local function clip(words, width)
  words = words:gsub("%s+", " ")
  if utf8.len(words) and utf8.len(words) > width then
    return words:sub(1, utf8.offset(words, width) - 1) .. "…"
  end
  return words
end

--- The live block: a bar, what is under way, the money, and what fell where.
---@param drive nlsql.Drive
---@param started number
function summary.block(drive, started)
  local entries, counts = drive.entries, drive.ctx.llm.counts
  local wanted = math.max(drive.wanted, 1)
  local share = math.min(entries.accepted / wanted, 1)
  local filled = math.floor(share * 24 + 0.5)
  local seconds = math.max(jobs.now() - started, 0.001)
  local fresh = entries.accepted - entries.resumed_with
  local rate = fresh / seconds
  local eta = rate > 0 and duration((wanted - entries.accepted) / rate) or "?"
  local spent, pace = money.show(drive.store:ledger()), drive.ctx.llm.pace
  local slowed = pace and pace.limit < pace.cap and (" of %d (slowed down)"):format(math.floor(pace.limit)) or ""
  if counts.cost > 0 and fresh > 0 then
    local left = counts.cost / fresh * math.max(wanted - entries.accepted, 0)
    spent = ("%s, about %s in all"):format(spent, money.show((drive.store:ledger()) + left))
  end
  return ("%s %s%s %s / %s pairs%s · %.1f/s · %d in flight%s · %s · ETA %s\nrejected: %s"):format(
    drive.ctx.phase, ("█"):rep(filled), ("░"):rep(24 - filled), thousands(entries.accepted), thousands(wanted),
    drive.plan_over and "" or "+", rate, counts.in_flight, slowed, spent, eta,
    next(entries.rejected) and by_gate(entries.rejected) or "none")
end

--- One plain line of the same, for where there is no terminal.
function summary.line(drive)
  local entries, counts = drive.entries, drive.ctx.llm.counts
  return ("%s: %s pairs accepted, %d of %d items done, %d requests, %s"):format(
    drive.ctx.phase, thousands(entries.accepted), drive.done + drive.skipped, drive.planned, counts.requests,
    money.show(drive.store:ledger()))
end

local function add_pairs(out, entries)
  if #entries.shown == 0 then return end
  out[#out + 1] = #entries.shown == 1 and "\nThe first pair of this run:"
    or ("\nThe first pairs of the first %d items of this run:"):format(#entries.shown)
  for _, entry in ipairs(entries.shown) do
    out[#out + 1] = "  Q: " .. clip(entry.question, 200)
    out[#out + 1] = "  A: " .. clip(entry.answer or entry.sql, 400)
    out[#out + 1] = ""
  end
end

--- How often each construct occurs in what this run accepted, the commonest first.
local function add_constructs(out, entries)
  local n, names = entries.accepted - entries.resumed_with, {}
  for name in pairs(entries.constructs) do names[#names + 1] = name end
  if n == 0 or #names == 0 then return end
  table.sort(names, function(a, b)
    local x, y = entries.constructs[a], entries.constructs[b]
    if x ~= y then return x > y end
    return a < b
  end)
  out[#out + 1] = ("Constructs in the %s %spairs of this run:"):format(thousands(n), entries.resumed_with > 0 and "new " or "")
  for _, name in ipairs(names) do
    local times = entries.constructs[name]
    out[#out + 1] = ("  %-16s %6s %5.1f %%"):format(name, thousands(times), 100 * times / n)
  end
  out[#out + 1] = ""
end

local function add_rejects(out, entries)
  if not next(entries.rejected) then
    out[#out + 1] = "Rejected, by gate: none"
    return
  end
  out[#out + 1] = "Rejected, by gate:"
  for _, gate in ipairs(gates.ORDER) do
    local n = entries.rejected[gate]
    if n then
      out[#out + 1] = ("  %-9s %6s"):format(gate, thousands(n))
      for _, one in ipairs(top_reasons(entries.reasons[gate], 3)) do
        out[#out + 1] = ("            %6s × %s"):format(thousands(one.count), clip(one.reason, 150))
      end
    end
  end
end

local function outcomes_of(counts)
  local parts = {}
  for outcome, n in pairs(counts.outcomes) do
    if outcome ~= "ok" then parts[#parts + 1] = ("%s %d"):format(outcome, n) end
  end
  table.sort(parts)
  return #parts > 0 and " (" .. table.concat(parts, ", ") .. ")" or ""
end

--- What was spoilt on purpose, where it was found, and what the critic made of it.
local function add_spoilt(out, ctx)
  local spoilt = ctx.llm.endpoint.spoilt
  if not spoilt or not next(spoilt) then return end
  out[#out + 1] = ("Spoilt on purpose (error_rate %g), by the gate that is to find it:"):format(ctx.llm.endpoint.error_rate)
  for _, gate in ipairs(gates.ORDER) do
    if spoilt[gate] then
      out[#out + 1] = ("  %-9s %6s spoilt, %6s found, %6s mended"):format(gate, thousands(spoilt[gate]),
        thousands(ctx.counts.faults[gate] or 0), thousands(ctx.counts.mended[gate] or 0))
    end
  end
end

--- What stood in, and what to do to have one's own in its place.
local function add_next(out, ctx)
  local settings = ctx.settings
  if not settings.stand_ins then return end
  out[#out + 1] = ""
  out[#out + 1] = settings.stand_ins:gsub("^%l", string.upper) .. "."
  local no_model = providers.of(settings).stand_in
  local both = settings.demo and no_model
  out[#out + 1] = ("Next, with your own %s:"):format(both and "database and model" or settings.demo and "database" or "model")
  if settings.demo then out[#out + 1] = "  export DATABASE_URL=postgresql://user:password@host:5432/name" end
  if no_model then
    out[#out + 1] = "  export OPENAI_API_KEY=sk-…    # or OPENAI_BASE_URL=http://127.0.0.1:11434/v1, a model on this machine"
  end
  out[#out + 1] = ("  nlsql run %s --fresh --count 20%s --budget 1"):format(ctx.phase,
    ctx.opt.total_table_pairs and " --set total_table_pairs=5" or "")
end

--- The report on standard output.
---@param drive nlsql.Drive
---@param dataset string
---@param started number
function summary.report(drive, dataset, started)
  local entries, counts, ctx = drive.entries, drive.ctx.llm.counts, drive.ctx
  local wanted = drive.wanted
  local out = {}
  out[#out + 1] = ("%s: %s of %s pairs in %s"):format(ctx.phase, thousands(entries.accepted),
    drive.plan_over and thousands(wanted) or "?", dataset)
  if entries.resumed_with > 0 then
    out[#out + 1] = ("  %s of them from earlier runs, %s new"):format(thousands(entries.resumed_with),
      thousands(entries.accepted - entries.resumed_with))
  end
  add_pairs(out, entries)
  if ctx.opt.construct_report then add_constructs(out, entries) end
  add_rejects(out, entries)
  out[#out + 1] = ""
  out[#out + 1] = ("Items:    %d planned, %d done, %d failed"):format(drive.planned, drive.done + drive.skipped, drive.failed)
  out[#out + 1] = ("Requests: %s%s, %s replies from the store, %s retries; %s tokens in, %s out"):format(
    thousands(counts.requests), outcomes_of(counts), thousands(counts.recalled), thousands(counts.retries),
    thousands(counts.tokens_in), thousands(counts.tokens_out))
  local paced = ctx.llm.pace and ctx.llm.pace:report()
  if paced then out[#out + 1] = "Pace:     " .. paced end
  if drive.retrying then
    out[#out + 1] = ("Retried:  %s rejected candidates met the gates again, %s passed"):format(
      thousands(drive.retried.tried), thousands(drive.retried.accepted))
  end
  if ctx.counts.repairs_tried > 0 then
    out[#out + 1] = ("Repairs:  %d of %d tried passed every gate"):format(ctx.counts.repaired, ctx.counts.repairs_tried)
  end
  if entries.surplus > 0 then
    out[#out + 1] = ("Surplus:  %s good pairs more than their items wanted"):format(thousands(entries.surplus))
  end
  local spent, free = drive.store:ledger(), providers.of(ctx.settings).free
  add_spoilt(out, ctx)
  out[#out + 1] = ("Cost:     %s in this run%s, %s over all runs of this store"):format(money.show(counts.cost),
    free and (" (%s)"):format(free) or
    ctx.settings.free and " (an endpoint on loopback costs nothing)" or
    ctx.settings.unpriced and " (no price is known for this model)" or "", money.show(spent))
  out[#out + 1] = ("Time:     %s"):format(duration(jobs.now() - started))
  if not drive.fatal and not ctx.llm.recorded then add_next(out, ctx) end
  console.out(table.concat(out, "\n"), "\n")
end

return summary
