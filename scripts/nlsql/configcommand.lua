--- configcommand: `nlsql config`: prints the configuration as it holds, or with --check what is wrong.

local config = require "nlsql.config"
local configcheck = require "nlsql.configcheck"
local console = require "nlsql.console"
local effective = require "nlsql.effective"
local phasefile = require "nlsql.phasefile"

local configcommand = {}

---@class nlsql.ConfigWorld
---@field ask nlsql.ConfigAsk
---@field find fun(wanted: string): string?, string
---@field settings_of fun(got: nlsql.Config, serving: table, own: table?): table
---@field serving fun(got: nlsql.Config): nlsql.Serving

--- The phase's file, read; nil and a complaint.
---@return nlsql.FoundPhase?, string?
local function read_phase(phase, got, world)
  local path, shown = phasefile.find(phase, world.find)
  if not path then return nil, shown end
  local read, source = phasefile.read(path, shown)
  if not read then return nil, source end
  local own = not phase.file and world.find(phase.name) ~= nil
  return {
    phase = read, shown = shown, source = source, origins = got.origins,
    generic = not own and not phase.file and phasefile.generic(phase) or nil,
  }
end

local function check(got, errors, world)
  local out = table.move(errors or {}, 1, #(errors or {}), 1, {})
  if got then
    table.move(got.slips, 1, #got.slips, #out + 1, out)
    if #got.warnings > #got.slips then console.warn(got.origins.db_concurrent_sessions .. ": caps the sessions") end
    local serving = world.serving(got)
    for _, phase in ipairs(got.phases) do
      local found, why = read_phase(phase, got, world)
      if found then
        local merged = world.settings_of(got, serving, phase.settings)
        merged.provider = got.settings.provider -- what this machine lacks is no fault of the file
        configcheck.phase(phase, found, merged, out)
      else
        out[#out + 1] = why
      end
    end
    if serving.problem then console.info("a run here would stop: " .. serving.problem.message) end
    if serving.stand_ins then console.info("a run here would have " .. serving.stand_ins) end
  end
  for _, one in ipairs(out) do console.error(one) end
  if #out > 0 then return 3 end
  local n = #got.phases
  console.out(("%s: no fault found, %d phase%s\n"):format(got.file or "no config.yaml here", n, n == 1 and "" or "s"))
  return 0
end

local function print_all(flags, got, world)
  for _, warning in ipairs(got.warnings) do console.warn(warning) end
  local groups, code = { effective.settings(got), effective.environment(world.ask.env, world.ask.env_places or {}) }, 0
  for _, phase in ipairs(got.phases) do
    local found, why = read_phase(phase, got, world)
    if found then
      groups[#groups + 1] = effective.phase(phase, found.phase, found.shown)
    else
      console.error(why)
      code = 3
    end
  end
  console.out(flags.json and effective.json(groups, got.file) or effective.text(groups))
  local serving = world.serving(got)
  if serving.stand_ins then console.info(serving.stand_ins) end
  return code
end

--- Runs the command; returns its exit code.
---@param flags table
---@param world nlsql.ConfigWorld
---@return integer
function configcommand.run(flags, world)
  local got, errors, _, rest = config.load(world.ask)
  if flags.check then return check(got or rest, errors, world) end
  if got then return print_all(flags, got, world) end
  for _, message in ipairs(errors) do console.error(message) end
  return 3
end

return configcommand
