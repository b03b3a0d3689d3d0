--- config: what a run is told, from config.yaml, the environment and the command line.
---
--- For each value the first that says it wins: a flag, the environment, the phase's section,
--- `defaults`, the top level, what is built in. Every complaint names its place; all are gathered,
--- not only the first. Whether a phase has an option is the phase's to know: its section's values
--- are passed on with their places, for options.check.

local configfile = require "nlsql.configfile"
local files = require "nlsql.files"
local json = require "nlsql.json"
local options = require "nlsql.options"
local settings = require "nlsql.settings"

local config = {}

local RULES, GATES = settings.RULES, settings.GATES

local DEFAULT_FILE = "config.yaml"

---@class nlsql.ConfigEntry : nlsql.Spot
---@field value any
---@field from string  "phase", "defaults" or "flag"

---@class nlsql.ConfigPhase
---@field name string
---@field file string?     as given on the command line or under `file:`
---@field at string?       where it is listed
---@field options table<string, nlsql.ConfigEntry>
---@field settings table   settings that differ for this phase
---@field origins table<string, string>

---@class nlsql.Config
---@field phases nlsql.ConfigPhase[]
---@field settings table
---@field origins table<string, string>  "config.yaml:3:1", "--budget", "DG_PARALLELISM", "built in"
---@field warnings string[]
---@field slips string[]     those of the warnings that are about keys, which are slips
---@field file string?

--- --- settings --------------------------------------------------------------------------------

local function overlay(base, over)
  for key, value in pairs(over.values) do
    base.values[key], base.origins[key], base.places[key] = value, over.origins[key], over.places[key]
  end
end

local function built_in()
  local layer = configfile.new_layer()
  for key, value in pairs(settings.built_in()) do layer.values[key] = value end
  layer.values.gates = nil
  for key, value in pairs(settings.GATE_DEFAULTS) do layer.values["gates." .. key] = value end
  for key in pairs(layer.values) do layer.origins[key] = "built in" end
  return layer
end

--- Is it a member of gates or offline?
local function is_member(key)
  local group = key:match("^(%l+)%.")
  return settings.MEMBERS[group] ~= nil
end

--- The tables that members come in: settings.gates, .limits and .safe of gates; settings.offline.
local function assemble_members(values)
  local parts = { gates = {}, limits = {}, safe = { functions = json.array {} }, offline = {} }
  for name, rule in pairs(GATES) do
    local value = values["gates." .. name]
    if value ~= nil then parts[rule.part][name] = value end
  end
  for name in pairs(settings.OFFLINE) do parts.offline[name] = values["offline." .. name] end
  return parts
end

--- Where the members of some settings stand: "tables.include[2]" is at "config.yaml:4:9".
local function assemble_places(layer)
  local result = {}
  for _, places in pairs(layer.places) do
    for path, at in pairs(places) do result[path] = at end
  end
  return result
end

local function as_tables(value)
  if json.is_array(value) then return { include = value } end
  return value
end

--- Flat values as the rest of the program reads them.
local function assemble(layer)
  local values = layer.values
  local result = assemble_members(values)
  for key, value in pairs(values) do
    if not is_member(key) then result[key] = value end
  end
  result.phase_memory = values.phase_memory << 20
  result.tables = as_tables(values.tables)
  result.places = assemble_places(layer)
  return result
end

--- Where the program's own config.yaml is: beside the scripts that it came with.
local function shipped_file()
  local own = files.find("scripts", "nlsql/config.lua")
  local dir = own and own:match("^(.*)/scripts/nlsql/config%.lua$")
  return dir and dir .. "/" .. DEFAULT_FILE
end

--- The shipped prices, for a configuration that has none.
local function shipped_prices(layer, read, out)
  local path = shipped_file()
  local got = path and configfile.read_file(path, read)
  if not got or type(got[1]) ~= "table" or type(got[1].prices) ~= "table" then return end
  local ignored = { errors = {}, warnings = out.warnings }
  configfile.put(layer, "prices", got[1].prices, got[2].children.prices, ignored)
  configfile.finish_prices(layer, got[2].children.prices, ignored)
end

--- --- environment and flags -------------------------------------------------------------------

local function read_environment(env, places, out)
  local layer = configfile.new_layer()
  for _, variable in ipairs(options.keys_of(settings.ENVIRONMENT)) do
    local value = env[variable]
    if value ~= nil and value ~= "" then
      configfile.put(layer, settings.ENVIRONMENT[variable], value, { at = places[variable] or variable, words = true }, out)
    end
  end
  return layer
end

--- One KEY=VALUE of --set, or a member of the C interface's options.
local function set_one(strong, key, value, spot, out)
  local first, rest = key:match("^([^.]+)%.(.+)$")
  if settings.MEMBERS[first] then
    configfile.put_member(strong, first, rest, value, spot, out)
    return
  end
  local name = settings.ALIASES[key] or settings.FLAGS[key] or key
  if RULES[name] then
    configfile.put(strong, name, value, spot, out)
  else
    strong.options[#strong.options + 1] = {
      phase = first, name = rest or key,
      entry = { value = value, at = spot.at, words = spot.words, from = "flag" },
    }
  end
end

local function read_flags(flags, out)
  local strong = configfile.new_layer()
  strong.options = {}
  for _, flag in ipairs(options.keys_of(settings.FLAGS)) do
    if flags[flag] ~= nil then
      local spot = { at = "--" .. flag:gsub("_", "-"), words = true }
      configfile.put(strong, settings.FLAGS[flag], flags[flag], spot, out)
    end
  end
  if flags.count ~= nil then set_one(strong, "count", flags.count, { at = "--count", words = true }, out) end
  for _, pair in ipairs(flags.set or {}) do
    local key, value = pair:match("^%s*([%w_.%-]+)%s*=(.*)$")
    if not key then
      out.errors[#out.errors + 1] = ("--set: expected KEY=VALUE, found %q"):format(pair)
    else
      set_one(strong, key, value, { at = "--set " .. pair, words = true }, out)
    end
  end
  for _, key in ipairs(options.keys_of(flags.options or {})) do
    set_one(strong, key, flags.options[key], { at = "options" }, out)
  end
  return strong
end

--- --- phases ----------------------------------------------------------------------------------

--- The listed phases, or the one that is asked for: by its name, or as a file.
local function chosen_phases(listed, wanted)
  if not wanted then return listed end
  local file = wanted:find("%.lua$") and wanted
  local name = file and file:match("([^/]+)%.lua$") or wanted
  for _, one in ipairs(listed) do
    if one.name == name then
      return { { name = name, file = file or one.file, value = one.value, spot = one.spot } }
    end
  end
  return { { name = name, file = file, value = {}, spot = { at = "", children = {} } } }
end

--- No more at once than OPENAI_MAX_PARALLEL says: an item has one request under way at most.
local function cap_parallelism(values, origins, base)
  local most = base.values.max_parallel_requests
  if most and values.parallelism and values.parallelism > most then
    values.parallelism, origins.parallelism = most, base.origins.max_parallel_requests
  end
end

local function make_phase(one, base, defaults, strong, out)
  local layer, given = configfile.read_section(one.value, one.spot, "phase", out)
  local at = one.spot.at ~= "" and one.spot.at or nil
  local phase = { name = one.name, file = one.file, at = at, options = {}, settings = {}, origins = {} }
  for name, entry in pairs(defaults) do phase.options[name] = entry end
  for name, entry in pairs(given) do phase.options[name] = entry end
  local merged = configfile.new_layer()
  overlay(merged, base)
  local any_member, any_placed = false, false
  for key, value in pairs(layer.values) do
    if strong.values[key] == nil then
      merged.values[key], merged.origins[key], merged.places[key] = value, layer.origins[key], layer.places[key]
      any_member = any_member or is_member(key)
      any_placed = any_placed or layer.places[key] ~= nil
    end
  end
  cap_parallelism(merged.values, merged.origins, base)
  for key in pairs(layer.values) do
    if strong.values[key] == nil then
      phase.origins[key] = merged.origins[key]
      if not is_member(key) then phase.settings[key] = merged.values[key] end
    end
  end
  if any_placed then phase.settings.places = assemble_places(merged) end
  if any_member then
    for part, values in pairs(assemble_members(merged.values)) do phase.settings[part] = values end
  end
  return phase
end

--- Gives each --set option to its phase, or to all of them.
local function hand_out(phases, strong, out)
  local names = {}
  for i, phase in ipairs(phases) do names[i] = phase.name end
  for _, one in ipairs(strong.options) do
    local taken = false
    for _, phase in ipairs(phases) do
      if not one.phase or one.phase == phase.name then
        phase.options[one.name], taken = one.entry, true
      end
    end
    if not taken and one.phase then
      out.errors[#out.errors + 1] = ("%s: there is no phase %q to run%s"):format(one.entry.at, one.phase,
        options.did_you_mean(one.phase, names))
    end
  end
end

local function cap_sessions(base, out)
  local values = base.values
  if values.db_concurrent_sessions > values.max_db_concurrent_limit_all then
    local warning = ("%s: db_concurrent_sessions: %d is above the limit of %d (%s): taken as that")
      :format(base.origins.db_concurrent_sessions, values.db_concurrent_sessions,
        values.max_db_concurrent_limit_all, base.origins.max_db_concurrent_limit_all)
    out.warnings[#out.warnings + 1], out.capped = warning, warning
    values.db_concurrent_sessions = values.max_db_concurrent_limit_all
    base.origins.db_concurrent_sessions = base.origins.max_db_concurrent_limit_all
  end
end

local function slips_of(out)
  local slips = {}
  for _, warning in ipairs(out.warnings) do
    if warning ~= out.capped then slips[#slips + 1] = warning end
  end
  return slips
end

---@class nlsql.ConfigAsk
---@field path string?   the file; without it config.yaml here, if there is one
---@field flags table?   of the command line: see settings.FLAGS; also count, set (a list of KEY=VALUE) and
---                       options (of the C interface: typed values by key)
---@field env table?     environment variables
---@field env_places table<string, string>?  where a variable was set, if not in the environment itself: ".env:3"
---@field phase string?  only this one: a name, or a file NAME.lua
---@field read (fun(path: string): string?, string?, string?)?  reads the file; default files.read

--- The effective configuration. Without a file the built-in values hold, and the shipped prices.
---@param ask nlsql.ConfigAsk
---@return nlsql.Config?
---@return string[]? errors  all of them
---@return string? code      "config"
---@return nlsql.Config? rest  what is right of it, where the file could be read at all
function config.load(ask)
  if type(ask) ~= "table" then error("config.load takes a table: { path=, flags=, env=, phase= }", 2) end
  local out = { errors = {}, warnings = {} }
  local read = ask.read or files.read
  local path = ask.path or DEFAULT_FILE
  local got, message, code = configfile.read_file(path, read)
  if not got and (ask.path or code ~= "not_found") then return nil, { message }, "config" end
  local root, spot = json.null, { at = path, children = {} }
  if got then root, spot = got[1], got[2] end
  root, spot = configfile.section(root, spot, "top level", out)

  local base = built_in()
  overlay(base, configfile.read_top(root, spot, out))
  if not base.values.prices then shipped_prices(base, read, out) end
  local defaults_value, defaults_spot = configfile.child(root, spot, "defaults")
  defaults_value, defaults_spot = configfile.section(defaults_value, defaults_spot, "defaults", out)
  local shared, defaults = configfile.read_section(defaults_value, defaults_spot, "defaults", out)
  overlay(base, shared)
  local strong = read_flags(ask.flags or {}, out)
  local environment = read_environment(ask.env or {}, ask.env_places or {}, out)
  overlay(environment, strong)
  environment.options = strong.options
  overlay(base, environment)
  cap_sessions(base, out)
  cap_parallelism(base.values, base.origins, base)

  local phases_value, phases_spot = configfile.child(root, spot, "phases")
  local listed = configfile.listed_phases(phases_value, phases_spot, out)
  local phases = {}
  for i, one in ipairs(chosen_phases(listed, ask.phase)) do
    phases[i] = make_phase(one, base, defaults, environment, out)
  end
  hand_out(phases, environment, out)
  local all = {
    phases = phases, settings = assemble(base), origins = base.origins, warnings = out.warnings,
    slips = slips_of(out), file = got and path or nil,
  }
  if #out.errors > 0 then return nil, out.errors, "config", all end
  return all
end

return config
