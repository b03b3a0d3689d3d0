--- runner: runs one phase from its file to its dataset.

local catalog = require "nlsql.catalog"
local console = require "nlsql.console"
local context = require "nlsql.context"
local drive = require "nlsql.drive"
local entries = require "nlsql.entries"
local http = require "nlsql.http"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local llm = require "nlsql.llm"
local loader = require "nlsql.loader"
local money = require "nlsql.money"
local options = require "nlsql.options"
local pg = require "nlsql.pg"
local store = require "nlsql.store"
local summary = require "nlsql.summary"
local text = require "nlsql.text"

local runner = {}

local EXIT = { done = 0, script = 1, io = 1, config = 3, db = 4, net = 4, timeout = 4, not_found = 4, model = 5,
  budget = 6, too_few = 7, cancelled = 130 }

--- Raises what `main` turns into one line and an exit code.
local function give_up(message, code) error({ message = message, code = code }, 0) end

--- A result, or the end of the run. Codes of an error beside it win over `code`.
local function need(code, value, message, own_code)
  if value == nil or value == false then give_up(message, EXIT[own_code] and own_code or code) end
  return value
end

local function load_phase(spec, chunk, load_error, source)
  if not chunk then give_up(load_error, "config") end
  local runs, phase = jobs.spawn(chunk):wait()
  if not runs then give_up(tostring(phase), "config") end
  local good, why = loader.check(phase, spec.file, source)
  if not good then give_up(why, "config") end
  return phase
end

--- Every phase that talks by turns has these.
local COMMON = {
  count = { 20, "pairs wanted for each item", { min = 1 } },
  api_answer_count = { 100, "pairs asked for in one reply", { min = 1 } },
  max_attempts = { 6, "turns of one conversation at most", { min = 1 } },
  tag_schema_json = { false, "add the schema of the tables that the query uses to each row" },
}

local function declared_options(phase)
  local declared = {}
  for name, option in pairs(COMMON) do declared[name] = option end
  for name, option in pairs(phase.options or {}) do declared[name] = option end
  return declared
end

local function check_options(spec, phase)
  local values, errors, warnings = options.check(declared_options(phase), spec.options, ("phase %q"):format(phase.name))
  for _, warning in ipairs(warnings or {}) do console.warn(warning) end
  if errors and #errors > 0 then give_up(table.concat(errors, "\n"), "config") end
  return values
end

local function open_database(settings)
  local db = need("db", pg.open(nil, { sessions = settings.db_concurrent_sessions,
    connect_timeout = settings.connect_timeout }))
  local schema, message, code = catalog.load(db, { schemas = settings.schemas })
  if not schema then
    local hint = code == "net" and " (is DATABASE_URL right, and the server up?)" or ""
    give_up(message .. hint, "db")
  end
  local denied = schema:denied()
  if #denied > 0 then
    console.warn(("left out for want of the SELECT privilege: %s"):format(table.concat(denied, ", ")))
  end
  local names, others = schema:names(), schema:other_schemas()
  local elsewhere = #others > 0 and ("; other schemas: %s (choose with --schemas)"):format(table.concat(others, ", ")) or ""
  if #names == 0 then
    give_up(("%s holds no table that can be read in %s%s"):format(db:name(), table.concat(schema:schemas(), ", "),
      elsewhere), "db")
  end
  console.info(("%s: PostgreSQL %s, %d tables in %s%s"):format(db:name(), (schema:version()), #names,
    table.concat(schema:schemas(), ", "), elsewhere))
  return db, schema
end

--- The model's price: nothing on loopback, an error where a budget needs one that nobody gave.
local function price_of(settings)
  if settings.provider == "offline" then
    settings.free = true
    return money.FREE
  end
  if settings.loopback_is_free and http.is_loopback(settings.base_url) then
    settings.free = true
    return money.FREE
  end
  local price = money.price(settings.prices, settings.openai_model)
  if price then
    if not settings.budget_usd then
      console.warn("no budget is set: --budget USD (or budget_usd in config.yaml) limits what is spent")
    end
    return price
  end
  if settings.budget_usd then
    give_up(("no price is known for model %q, so a budget cannot be kept: add it to prices: in config.yaml, "
      .. "or take budget_usd away"):format(settings.openai_model), "config")
  end
  settings.unpriced = true
  return money.FREE
end

local function fingerprint(spec, opt, source)
  return text.hex(text.key(source .. assert(json.encode(opt)) .. (spec.settings.provider == "offline" and "offline"
    or spec.settings.openai_model)))
end

--- What the pairs are of, in words. Those of a stand-in never mix with those of the user's own.
local function source_of(settings)
  return ("%s and %s"):format(settings.demo and "the demo database" or "your database",
    settings.provider == "offline" and "the offline grammar" or "a model")
end

local function open_store(spec, opt, source)
  local settings = spec.settings
  local st = need("io", store.open(settings.store))
  if settings.budget_usd then st:budget(math.floor(settings.budget_usd * 1e9)) end
  local run, info, code = st:run {
    phase = spec.name, version = spec.version, fingerprint = fingerprint(spec, opt, source), source = source_of(settings),
    dataset = spec.dataset, fresh = spec.fresh,
  }
  if not run then give_up(info, code) end
  if info.rewritten then
    console.warn(("%s did not match the store and was written again; what was there is in %s"):format(spec.dataset, info.kept))
  elseif info.torn > 0 then
    console.info(("%s: %d bytes of a torn last line were cut off"):format(spec.dataset, info.torn))
  end
  if info.resumed then
    console.info(("going on with an earlier run: %d pairs, %d items done, %d replies kept (--fresh starts over)")
      :format(info.entries, info.items_done, info.calls))
    if info.changed then
      console.warn("the phase, its options or the model changed since then; what is done stays as it is "
        .. "(--fresh starts over)")
    end
  end
  return st, run
end

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

local function verdict_of(d, dataset)
  local accepted = d.entries.accepted
  if d.fatal then
    local code, go_on = d.fatal.code, "run the same command again to go on"
    if code == "budget" then go_on = "go on with a larger --budget" end
    console.error(("%s; %s pairs are safe in %s; %s"):format(d.fatal.message, summary.thousands(accepted),
      dataset, go_on))
    return EXIT[code] or 1
  elseif jobs.stopping() > 0 then
    console.warn(("interrupted; %s pairs are safe in %s, and replies that were not taken yet are kept; run the "
      .. "same command again to go on"):format(summary.thousands(accepted), dataset))
    return EXIT.cancelled
  elseif d.failed > 0 and d.done + d.skipped == 0 then
    return EXIT.script
  elseif accepted < d.ctx.opt.count * d.planned then
    return EXIT.too_few
  end
  return EXIT.done
end

local function run_phase(spec, chunk, load_error, source)
  local started = jobs.now()
  local settings = spec.settings
  local phase = load_phase(spec, chunk, load_error, source)
  local opt = check_options(spec, phase)
  if spec.problem then give_up(spec.problem.message, spec.problem.code) end
  if settings.stand_ins then console.info(settings.stand_ins) end
  local price = price_of(settings)
  local db, schema = open_database(settings)
  local st, run = open_store(spec, opt, source)
  local ctx = context.new {
    phase = phase.name, opt = opt, settings = settings, schema = schema, db = db,
    llm = llm.open(settings, st, run, price, { schema = schema, db = db }),
    counts = { repaired = 0, repairs_tried = 0, faults = {}, mended = {} },
  }
  local d = drive.new(ctx, phase, run, entries.open(ctx, phase, run))
  d.store = st
  d:run_all(progress(started))
  console.block("")
  local durable, message = st:flush()
  if not durable and not d.fatal then d.fatal = { message = message, code = "io" } end
  summary.report(d, spec.dataset, started)
  local code = verdict_of(d, spec.dataset)
  run:close()
  st:close()
  db:close()
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
  local spec = assert(json.decode(spec_text))
  local ok, result = pcall(run_phase, spec, chunk, load_error, source)
  if ok then return result end
  console.block("")
  if type(result) == "table" and result.message then
    console.error(result.message)
    return EXIT[result.code] or 1
  end
  console.error(tostring(result))
  return 1
end

return runner
