--- session: what a phase works with, made from its spec: its file, its options, the database, the
--- store, the model. `run`, `try`, `ask` and a dry run all start here.

local anon = require "nlsql.anon"
local changes = require "nlsql.changes"
local console = require "nlsql.console"
local context = require "nlsql.context"
local discovered = require "nlsql.discovered"
local entries = require "nlsql.entries"
local guest = require "nlsql.guest"
local introspect = require "nlsql.introspect"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local llm = require "nlsql.llm"
local loader = require "nlsql.loader"
local money = require "nlsql.money"
local options = require "nlsql.options"
local pg = require "nlsql.pg"
local preread = require "nlsql.anon.preread"
local prompt = require "nlsql.prompt"
local providers = require "nlsql.providers"
local role = require "nlsql.role"
local replay = require "nlsql.replay"
local rawrows = require "nlsql.rawrows"
local store = require "nlsql.store"
local text = require "nlsql.text"

local session = {}

--- Exit codes by the code of an error.
session.EXIT = { done = 0, script = 1, io = 1, usage = 2, config = 3, db = 4, net = 4, timeout = 4, not_found = 4, model = 5,
  missing = 5, budget = 6, too_few = 7, cancelled = 130 }

--- Raises what `session.guard` turns into one line and an exit code.
---@param message string
---@param code string
function session.give_up(message, code) error({ message = message, code = code }, 0) end

local give_up = session.give_up

--- Calls `f(...)`, which returns an exit code; what it raised is said, and has its exit code.
---@param f fun(...): integer, ...
---@return integer, ...
function session.guard(f, ...)
  local result = table.pack(pcall(f, ...))
  if result[1] then return table.unpack(result, 2, result.n) end
  local raised = result[2]
  console.block("")
  if type(raised) == "table" and raised.message then
    console.error(raised.message)
    return session.EXIT[raised.code] or 1
  end
  console.error(tostring(raised))
  return 1
end

--- A result, or the end of the run. Codes of an error beside it win over `code`.
local function need(code, value, message, own_code)
  if value == nil or value == false then give_up(message, session.EXIT[own_code] and own_code or code) end
  return value
end

--- Says what a phase prints in the log, since standard output is for data.
local function say(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  console.info(table.concat(words, "\t"))
end

--- The phase that a file returned; with `spec.trust` as it is, else as a guest's. Raises what is wrong with it.
---@param spec table
---@param chunk function?      its loaded file, or nil with load_error
---@param load_error string?
---@param source string        its text
---@return nlsql.Phase
function session.load(spec, chunk, load_error, source)
  if not chunk then give_up(load_error, "config") end
  local phase, failure
  if spec.trust then
    rawset(_G, "print", say) -- a guest has this from its sandbox
    local runs, given = jobs.spawn(chunk):wait()
    if not runs then give_up(tostring(given), "config") end
    phase = given
  else
    phase, failure = guest.load(chunk)
    if phase == nil and failure then give_up(failure, "config") end
  end
  local good, why = loader.check(phase, spec.file, source)
  if not good then give_up(why, "config") end
  phase.name = spec.name -- one file may run under several names
  return phase
end

--- Every phase that talks by turns has these.
local COMMON = {
  count = { 20, "pairs wanted for each item", { min = 1 } },
  api_answer_count = { 100, "pairs asked for in one reply", { min = 1 } },
  max_attempts = { 6, "turns of one conversation at most", { min = 1 } },
  tag_schema_json = { false, "add the schema of the tables that the query uses to each row" },
  construct_report = { false, "print how often each construct occurs in the accepted pairs" },
}

--- The options that a phase has: those of every phase, and its own over them.
---@param phase nlsql.Phase
---@return table<string, table>
function session.declared(phase)
  local declared = {}
  for name, option in pairs(COMMON) do declared[name] = option end
  for name, option in pairs(phase.options or {}) do declared[name] = option end
  return declared
end

--- What is wrong with `dataset_fields`.
---@param fields string[]
---@return string[] complaints
function session.field_faults(fields)
  local out, known = {}, table.move(entries.FACTS, 1, #entries.FACTS, 1, {})
  known[#known + 1], known[#known + 2] = "rows", "schema"
  table.sort(known)
  for _, name in ipairs(fields) do
    local found = false
    for _, one in ipairs(known) do found = found or one == name end
    if not found then
      local meant = options.did_you_mean(name, known)
      out[#out + 1] = ("dataset_fields: there is no field %q%s"):format(name,
        meant ~= "" and meant or " (there are: " .. table.concat(known, ", ") .. ")")
    end
  end
  return out
end

--- The phase's options, checked; raises what is wrong with them.
---@return table
function session.options(spec, phase)
  local values, errors, warnings = options.check(session.declared(phase), spec.options, ("phase %q"):format(phase.name))
  for _, warning in ipairs(warnings or {}) do console.warn(warning) end
  if errors and #errors > 0 then give_up(table.concat(errors, "\n"), "config") end
  local faults = session.field_faults(values.dataset_fields or {})
  if faults[1] then give_up(table.concat(faults, "\n"), "config") end
  return values
end

local function open_database(settings)
  local db = need("db", pg.open(nil, { sessions = settings.db_concurrent_sessions,
    connect_timeout = settings.connect_timeout }))
  local schema, message, code = introspect.load(db, settings)
  if not schema then
    local hint = code == "net" and " (is DATABASE_URL right, and the server up?)" or ""
    give_up(message .. hint, code == "config" and "config" or "db")
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
  local fine, refused, refusal = role.check(db, settings)
  if not fine then give_up(refused, refusal) end
  return db, schema
end

--- The model's price: nothing on loopback, an error where a budget needs one that nobody gave.
local function price_of(settings)
  local price, why = money.of(settings, settings.openai_model)
  if not price then give_up(why, "config") end
  settings.free, settings.unpriced = why == "free", why == "unpriced"
  if not why and not settings.budget_usd then
    console.warn("no budget is set: --budget USD (or budget_usd in config.yaml) limits what is spent")
  end
  local old = not why and money.age(settings.prices, settings.openai_model)
  if old then console.warn(old) end
  return price
end

local function fingerprint(spec, opt, source)
  return text.hex(text.key(source .. assert(json.encode(opt)) .. (providers.of(spec.settings).model
    or spec.settings.openai_model)))
end

--- What the pairs are of, in words. Those of a stand-in never mix with those of the user's own.
local function source_of(settings)
  return ("%s and %s"):format(settings.demo and "the demo database" or "your database",
    providers.of(settings).words)
end

--- Says what changed since the run was last gone on with, and notes what it is made with now.
local function note_changes(spec, opt, source, run, info)
  local before = changes.read(run:before())
  local made_with = changes.of(opt, spec.settings, source, before)
  local words = before and info.resumed and changes.words(before, made_with, spec.file) or {}
  if #words > 0 then
    console.warn(("changed since then: %s; what is done stays as it is, the rest is made with what is there now "
      .. "(--fresh starts over)"):format(table.concat(words, "; ")))
  elseif info.changed and not before then
    console.warn("the phase, its options or the model changed since then; what is done stays as it is "
      .. "(--fresh starts over)")
  end
  run:note(assert(json.encode(made_with)), #words > 0 and table.concat(words, "; ") or nil)
  return made_with
end

local function open_store(spec, opt, source)
  local settings = spec.settings
  local st = need("io", (spec.replay and store.scratch or store.open)(settings.store))
  if settings.budget_usd and not spec.replay then st:budget(math.floor(settings.budget_usd * 1e9)) end
  local run, info, code = st:run {
    phase = spec.name, version = spec.version, fingerprint = fingerprint(spec, opt, source), source = source_of(settings),
    dataset = spec.dataset, fresh = spec.fresh, age_ms = math.floor(jobs.uptime() * 1000),
  }
  if not run then give_up(info, code) end
  if info.rewritten then
    console.warn(("%s did not match the store and was written again; what was there is in %s"):format(spec.dataset, info.kept))
  elseif info.torn > 0 then
    console.info(("%s: %d bytes of a torn last line were cut off"):format(spec.dataset, info.torn))
  end
  if info.resumed and spec.dataset then
    console.info(("going on with an earlier run: %d pairs, %d items done, %d replies kept (--fresh starts over)")
      :format(info.entries, info.items_done, info.calls))
  end
  local made_with = spec.dataset and not spec.replay and note_changes(spec, opt, source, run, info)
  return st, run, info.secret, made_with or nil
end

--- Keeps which prompts a run renders, as soon as it does.
local function note_template(run, made_with, template)
  local name = template.name:match("^prompts/(.+)%.txt$")
  if not name or made_with.prompts[name] == template.key then return end
  made_with.prompts[name] = template.key
  run:note(assert(json.encode(made_with)))
end

--- Templates that cannot be read are found before anything is asked and paid for.
local function check_templates(opt)
  for _, name in ipairs(options.keys_of(opt)) do
    if name:find("_template$") and type(opt[name]) == "string" then
      local template, why = prompt.load(opt[name])
      if not template then give_up(why, "config") end
    end
  end
end

---@class nlsql.Session
---@field phase nlsql.Phase
---@field opt table
---@field settings table
---@field db nlsql.Db
---@field schema nlsql.Catalog
---@field store table
---@field run table
---@field anon nlsql.Anon
---@field ctx nlsql.Context
---@field recorded nlsql.Recorded?  the run that is replayed

--- Opens all that a phase works with; raises what is wrong, with its code. `spec.dataset` nil: nothing
--- is written but calls; `spec.dry`: no store at all, the model must not be asked. `world`: what is open
--- already.
---@param spec table
---@param phase nlsql.Phase
---@param source string  the phase's text
---@param world { db: nlsql.Db, schema: nlsql.Catalog, store: table?, run: table?, anon: nlsql.Anon? }?
---@return nlsql.Session
function session.open(spec, phase, source, world)
  local settings, opt = spec.settings, session.options(spec, phase)
  local asks = phase.model ~= false
  check_templates(opt)
  if spec.problem and (asks or spec.problem.code ~= "model") then give_up(spec.problem.message, spec.problem.code) end
  local recorded
  if spec.replay then
    local why
    recorded, why = replay.open(spec, opt, source)
    if not recorded then give_up(why, "config") end
  end
  local raw = asks and not recorded and rawrows.refusal(settings)
  if raw then give_up(raw, "config") end
  local price = asks and not recorded and price_of(settings) or money.FREE
  local db, schema
  if world then
    db, schema = world.db, world.schema
  else
    if settings.stand_ins then console.info(settings.stand_ins) end
    db, schema = open_database(settings)
  end
  local st, run, secret, made_with = world and world.store, world and world.run, nil, nil
  if not st and not spec.dry then st, run, secret, made_with = open_store(spec, opt, source) end
  if recorded then secret = recorded.view:secret(recorded.run.id) or secret end
  if phase.relations and not world then discovered.add({ schema = schema, db = db }, settings, st) end
  local disguise = world and world.anon or anon.open(settings, schema, secret, db)
  local ctx = context.new {
    phase = phase.name, opt = opt, settings = settings, schema = schema, db = db, anon = disguise,
    llm = llm.open(settings, st, run, price, { schema = schema, db = db, anon = disguise }, recorded),
    counts = { repaired = 0, repairs_tried = 0, faults = {}, mended = {} },
  }
  if made_with then ctx.on_template = function(template) note_template(run, made_with, template) end end
  for _, name in ipairs(opt.dataset_fields or {}) do ctx.keep_rows = ctx.keep_rows or name == "rows" end
  return { phase = phase, opt = opt, settings = settings, db = db, schema = schema, store = st, run = run,
    anon = ctx.anon, ctx = ctx, recorded = recorded }
end

--- Seconds that reading what is private may take where somebody waits for one item.
session.SOON = 10

--- Learns what is private and what is no secret, before anything is asked: verdicts are the same in every command then.
--- Waits.
---@param s nlsql.Session
---@param seconds number?  see preread.all
function session.know_private(s, seconds)
  s.ctx:exempt_all()
  preread.all(s.anon, s.db, s.schema, seconds)
end

--- Closes store and run, and the database unless it is kept for another round.
---@param s nlsql.Session
---@param keep_world boolean?
function session.close(s, keep_world)
  if s.recorded then s.recorded.view:close() end
  if s.run then s.run:close() end
  if s.store then s.store:close() end
  if not keep_world then s.db:close() end
end

return session
