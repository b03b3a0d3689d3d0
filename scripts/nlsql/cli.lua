--- cli: the commands that are scripts. Trusted: this file may read the environment and any file.
---
--- Each function gets the command line's flags as JSON (see engine/cli/main.c) and returns an exit
--- code; `plan` returns the plan of a run as JSON instead.

local cluster = require "nlsql.cluster"
local config = require "nlsql.config"
local console = require "nlsql.console"
local files = require "nlsql.files"
local introspect = require "nlsql.introspect"
local json = require "nlsql.json"
local options = require "nlsql.options"
local pg = require "nlsql.pg"
local phasefile = require "nlsql.phasefile"
local proc = require "nlsql.proc"
local profiles = require "nlsql.profiles"
local serving_of = require("nlsql.serving").of
local text = require "nlsql.text"

local cli = {}

local ENVIRONMENT = { "DATABASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_BUDGET_USD", "OPENAI_MAX_PARALLEL",
  "DG_PARALLELISM", "DB_COCURRENT_SESSION", "MAX_DB_CONCURRENT_LIMIT_ALL" }

local function environment()
  local env = {}
  for _, name in ipairs(ENVIRONMENT) do
    local value = os.getenv(name)
    if value and value ~= "" then env[name] = value end
  end
  return env
end

--- Any file, since the user named it; "not_found" as the code where there is none.
local function read_file(path)
  local f, message, number = io.open(path, "rb")
  if not f then return nil, "cannot read " .. message, number == 2 and "not_found" or "io" end
  local text_read, why = f:read("a")
  f:close()
  if not text_read then return nil, ("cannot read %s: %s"):format(path, why), "io" end
  return text_read
end

--- What config.load is asked for these flags.
local function asked(flags, phase)
  return { path = flags.config, flags = flags, env = environment(), env_places = flags.dotenv, phase = phase, read = read_file }
end

--- The configuration, or nil after its errors were printed.
local function load_config(flags, phase)
  local got, errors = config.load(asked(flags, phase))
  if not got then
    for _, message in ipairs(errors) do console.error(message) end
    return nil
  end
  for _, warning in ipairs(got.warnings) do console.warn(warning) end
  return got
end

local function exists(path)
  local f = io.open(path, "r")
  if f then f:close() end
  return f ~= nil
end

local function phase_names()
  local names = {}
  for _, file in ipairs(files.list("phases")) do
    local name = file:match("^(.+)%.lua$")
    if name then names[#names + 1] = name end
  end
  return names
end

--- Path, shown path and name of the phase that a user calls `wanted`; nil and a sentence.
local function find_phase(wanted)
  local name = wanted:match("([^/]+)%.lua$")
  if name then
    if exists(wanted) then return wanted, wanted, name end
    -- "phases/joins.lua" works in any folder: the shipped one serves
    local shipped = wanted:match("^%./*phases/[^/]+$") or wanted:match("^phases/[^/]+$")
    local path = shipped and files.find("phases", name .. ".lua")
    if path then return path, "phases/" .. name .. ".lua", name end
    return nil, ("cannot read %s: no such file"):format(wanted)
  end
  local plain = not wanted:find("..", 1, true) and wanted:sub(1, 1) ~= "/"
  local path = plain and files.find("phases", wanted .. ".lua")
  if path then return path, "phases/" .. wanted .. ".lua", wanted end
  local names = phase_names()
  local nearest = text.nearest(wanted, names)
  return nil, ("there is no phase %q (%s)"):format(wanted,
    nearest and ("did you mean %q?"):format(nearest) or "there are: " .. table.concat(names, ", "))
end

--- What was given: the environment, and for another program that opened an engine (nlsql.h) what
--- it says itself.
local function given_of(flags)
  local env, given = environment(), flags.given or {}
  return {
    database = env.DATABASE_URL ~= nil or given.database == true,
    key = env.OPENAI_API_KEY ~= nil or given.key == true,
    demo = flags.demo == true,
  }
end

--- The settings of a run: the configuration's, with what serves.
local function settings_of(got, serving, own)
  local settings = {}
  for key, value in pairs(got.settings) do settings[key] = value end
  for key, value in pairs(own or {}) do settings[key] = value end
  settings.provider = serving.provider
  settings.demo = serving.demo or nil
  settings.stand_ins = serving.stand_ins
  return settings
end

--- The version of the run in the store that keeps the replies of `try` and `ask`: no dataset is made of
--- them, so those of a stand-in lie beside one's own.
local function apart(name, settings)
  return ("%s %s %s"):format(name, settings.demo and "demo" or "own", settings.provider)
end

local function spec_of(phase, got, flags, serving)
  local name, path, shown = phase.name, phasefile.find(phase, find_phase)
  if not path then return nil, shown end
  local settings = settings_of(got, serving, phase.settings)
  local spec = {
    name = name, file = shown, options = phase.options, settings = settings, version = flags.run_version or "",
    fresh = flags.fresh, problem = serving.problem, trust = flags.trust,
  }
  local entry = "nlsql.runner"
  if flags.command == "try" then
    entry, spec.version, spec.path = "nlsql.try", apart("try", settings), path
    spec.try = { item = flags.item, table = flags.table, watch = flags.watch, models = flags.models, n = flags.n }
  else
    local dir = (phase.options.dataset_output_file_dir or {}).value or "generated_datasets/" .. name
    spec.dataset = ("%s/dataset%s%s.jsonl"):format(dir, spec.version ~= "" and "_" .. spec.version or "",
      flags.replay and ".replay" or "")
    spec.replay, spec.retry_rejected = flags.replay, flags.retry_rejected
    if flags.replay then
      settings.provider = require("nlsql.replay").provider(settings.store, name, spec.version) or settings.provider
    end
    if flags.dry_run then entry = "nlsql.forecast" end
  end
  return {
    path = path, shown = shown, title = ("phase %q"):format(name), max_memory = settings.phase_memory,
    slice_ms = math.ceil(settings.phase_slice * 1000), entry = entry,
    trust = flags.trust,
    spec = assert(json.encode(spec)),
  }
end

--- `nlsql ask`, in the place of a phase.
local function ask_of(got, flags, serving)
  if not flags.question or not flags.question:find("%S") then
    return nil, 'which question? usage: nlsql ask "how many …?"', 2
  end
  local settings = settings_of(got, serving)
  return {
    title = "ask", max_memory = settings.phase_memory,
    slice_ms = math.ceil(settings.phase_slice * 1000), entry = "nlsql.ask",
    spec = assert(json.encode {
      name = "ask", file = "ask", options = {}, settings = settings, version = apart("ask", settings), fresh = flags.fresh,
      problem = serving.problem, question = flags.question,
      print = not flags.returned and (flags.json and "json" or "text") or nil,
    }),
  }
end

--- `demo` among the options of another program is as --demo. False where it is something else, and
--- that was said.
local function take_demo(flags)
  local given = flags.options and flags.options.demo
  if given == nil then return true end
  local out = { errors = {} }
  flags.demo = options.validate({ type = "boolean" }, given, { at = "options" }, "demo", out)
  flags.options.demo = nil
  if out.errors[1] then console.error(out.errors[1]) end
  return flags.demo ~= nil
end

--- What is to be run: the phases, or the one question.
local function specs_of(got, flags, serving)
  local list = {}
  if flags.command == "ask" then
    local spec, why, code = ask_of(got, flags, serving)
    return spec and { spec }, why, code
  end
  for i, phase in ipairs(got.phases) do
    local spec, why = spec_of(phase, got, flags, serving)
    if not spec then return nil, why end
    list[i] = spec
  end
  return list
end

--- Flags that mean nothing together, as a sentence.
local function clash_of(flags)
  for _, two in ipairs { { "replay", "fresh" }, { "replay", "dry_run" }, { "replay", "retry_rejected" },
    { "retry_rejected", "fresh" }, { "retry_rejected", "dry_run" } } do
    if flags[two[1]] and flags[two[2]] then
      return ("--%s and --%s do not go together"):format((two[1]:gsub("_", "-")), (two[2]:gsub("_", "-")))
    end
  end
end

--- The plan of `nlsql run`, `try` or `ask` (flags.command): settings of the engine, and for each phase its file and spec.
---@param flags_text string
---@return string|integer plan as JSON, or an exit code where that was said already
function cli.plan(flags_text)
  local flags = assert(json.decode(flags_text))
  local clash = clash_of(flags)
  if clash then
    console.error(clash)
    return 2
  end
  if not take_demo(flags) then return 3 end
  if type(flags.model) == "table" then flags.models, flags.model = flags.model, flags.model[1] end
  local got = load_config(flags, flags.phase)
  if not got then return 3 end
  if flags.command == "try" and not flags.phase then
    console.error("which phase? usage: nlsql try phases/joins.lua")
    return 2
  elseif flags.command ~= "ask" and #got.phases == 0 then
    console.error("nothing to run: name a phase (nlsql run phases/joins.lua), or list phases in config.yaml")
    return 2
  end
  local serving = serving_of(given_of(flags), got, "run")
  if serving.warning then console.warn(serving.warning) end
  local problem = serving.problem
  local asks_none = flags.dry_run or flags.replay
  if asks_none and problem and problem.code == "model" then serving.problem = nil end
  if flags.trust then console.warn("--trust: the phases run without a sandbox, and may do what you may") end
  local phases, why, code = specs_of(got, flags, serving)
  if not phases then
    console.error(why)
    return code or 3
  end
  local most = got.settings.parallelism
  for _, phase in ipairs(got.phases) do most = math.max(most, phase.settings.parallelism or 0) end
  local settings = got.settings
  return assert(json.encode {
    base_url = settings.base_url, key_header = profiles.of(settings).key_header, allow_insecure = settings.allow_insecure,
    max_connections = math.max(most * 2, 64), phases = json.array(phases),
    demo = serving.demo and not serving.problem, blocked_ms = math.ceil(settings.phase_blocked * 1000),
    log = (flags.command or "run") == "run" and not flags.dry_run, -- what others say is for the moment
  })
end

--- The database that `nlsql run` would read: a pool, and the demo's cluster where that serves. Nil
--- where why not was said already.
local function open_database(flags, got, sessions)
  local serving = serving_of(given_of(flags), got, "schema")
  if serving.warning then console.warn(serving.warning) end
  if serving.problem then return nil, console.error(serving.problem.message) end
  local demo, db, why
  if serving.demo then
    console.info(serving.stand_ins)
    demo, why = cluster.demo()
    if not demo then return nil, console.error(why) end
  end
  got.settings.demo = serving.demo or nil
  db, why = pg.open(demo and demo:url(), { sessions = math.min(sessions or 2, got.settings.db_concurrent_sessions),
    connect_timeout = got.settings.connect_timeout })
  if not db then return nil, console.error(why) end
  return db, demo
end

--- Calls `f(settings, db, schema)`, which returns an exit code, with the database that a run would read,
--- of so many sessions (nil: the usual).
local function with_schema(flags, sessions, f)
  local got = load_config(flags)
  if not got then return 3 end
  local db, demo = open_database(flags, got, sessions)
  if not db then return 4 end
  local server <close> = demo -- luacheck: ignore 211
  local schema, message, code = introspect.load(db, got.settings)
  if not schema then
    console.error(message)
    return code == "config" and 3 or 4
  end
  local status = f(got.settings, db, schema)
  db:close()
  return status
end

--- nlsql check FILE: each line's query through the gates.
---@param flags_text string
---@return integer
function cli.check(flags_text)
  local flags = assert(json.decode(flags_text))
  if not flags.file then
    console.error("which file? usage: nlsql check FILE.jsonl, or - for standard input")
    return 2
  end
  return with_schema(flags, math.huge, function(settings, db, schema)
    local fine, why = require("nlsql.role").check(db, settings)
    if not fine then
      console.error(why)
      return 4
    end
    return require("nlsql.check").run(flags, { schema = schema, settings = settings, db = db })
  end)
end

--- nlsql role: the SQL of a role that only reads.
---@param flags_text string
---@return integer
function cli.role(flags_text)
  local flags = assert(json.decode(flags_text))
  local role = require "nlsql.role"
  local name = flags.name or "nlsql"
  local fault = role.fault(name)
  if fault then
    console.error(("nlsql role: %s"):format(fault))
    return 2
  end
  return with_schema(flags, 1, function(settings, db, schema)
    return role.run(name, { db = db, schema = schema }, settings)
  end)
end

--- What introspection sees, as the flags want it; the exit code.
local function show_schema(flags, settings, db, schema)
  local refs
  for _, name in ipairs(flags.tables or {}) do
    local ref = schema:find(name)
    if not ref then
      local near = text.nearest(name, schema:names())
      console.error(("there is no table %q%s"):format(name, near and (" (did you mean %s?)"):format(near) or ""))
      return 2
    end
    refs = refs or {}
    refs[#refs + 1] = ref
  end
  if flags.anon then
    return require("nlsql.anon.command").run(flags, { schema = schema, db = db, settings = settings,
      demo = settings.demo == true }, refs)
  end
  local formats = { ddl = "ddl", json = "json", markdown = "markdown" }
  local format = formats[flags.format or "ddl"]
  if not format then
    console.error(("--format: expected ddl, json or markdown, found %q"):format(flags.format))
    return 2
  end
  local out, cut = schema:render { format = format, tables = refs, max_tokens = flags.max_tokens }
  if not out then
    console.error(cut)
    return 1
  end
  console.out(out, out:sub(-1) == "\n" and "" or "\n")
  if cut then console.warn(cut) end
  local others = schema:other_schemas()
  if #others > 0 then console.info("other schemas: " .. table.concat(others, ", ") .. " (choose with --schemas)") end
  local denied = schema:denied()
  if #denied > 0 then console.warn("left out for want of the SELECT privilege: " .. table.concat(denied, ", ")) end
  return 0
end

--- nlsql schema: what introspection sees.
---@param flags_text string
---@return integer
function cli.schema(flags_text)
  local flags = assert(json.decode(flags_text))
  return with_schema(flags, nil, function(...) return show_schema(flags, ...) end)
end

--- nlsql relations: the relationships that the data supports.
---@param flags_text string
---@return integer
function cli.relations(flags_text)
  local flags = assert(json.decode(flags_text))
  local relationscommand = require "nlsql.relationscommand"
  local fault = relationscommand.fault(flags)
  if fault then
    console.error(fault)
    return 2
  end
  return with_schema(flags, nil, function(settings, db, schema)
    local kept = not flags.fresh and require("nlsql.store").open(settings.store) or nil -- goes without, too
    local status = relationscommand.run(flags, { schema = schema, db = db }, kept)
    if kept then kept:close() end
    return status
  end)
end

local function make_folder(path)
  local status, output = proc.run { argv = { "mkdir", "-p", path } }
  if status == 0 then return true end
  return nil, ("cannot make %s: %s"):format(path, (tostring(output):gsub("%s+$", "")))
end

--- nlsql runs: the runs of the store.
---@param flags_text string
---@return integer
function cli.runs(flags_text)
  local flags = assert(json.decode(flags_text))
  local got = load_config(flags)
  return got and require("nlsql.runscommand").runs(flags, got.settings.store) or 3
end

--- nlsql log: what happened in a run, and what happens.
---@param flags_text string
---@return integer
function cli.log(flags_text)
  local flags = assert(json.decode(flags_text))
  local got = load_config(flags)
  return got and require("nlsql.runscommand").log(flags, got.settings.store) or 3
end

--- nlsql new phase NAME: a phase to start from.
---@param flags_text string
---@return integer
function cli.new(flags_text)
  local name = assert(json.decode(flags_text)).name
  local written, why, code = require("nlsql.skeleton").phase(".", name, make_folder)
  if not written then
    console.error(why)
    return code == "usage" and 2 or code == "config" and 3 or 1
  end
  for _, path in ipairs(written) do console.info("wrote " .. path) end
  console.info(("try it: nlsql try phases/%s.lua --watch"):format(name))
  return 0
end

--- nlsql phases: the phases with their options.
---@return integer
function cli.phases() return require("nlsql.phasescommand").run(phase_names()) end

--- nlsql config: the configuration as it holds, or what is wrong with it.
---@param flags_text string
---@return integer
function cli.config(flags_text)
  local flags = assert(json.decode(flags_text))
  local ask = asked(flags, flags.phase)
  return require("nlsql.configcommand").run(flags, {
    ask = ask, find = find_phase, settings_of = settings_of,
    serving = function(got) return serving_of(given_of(flags), got, "run") end,
  })
end

return cli
