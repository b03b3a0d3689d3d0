--- effective: the configuration as it holds, each value with its origin: what `nlsql config` prints.
---
--- Secrets are never part of it: of DATABASE_URL the user, host and database are shown, of a key
--- only whether there is one.

local json = require "nlsql.json"
local options = require "nlsql.options"
local session = require "nlsql.session"
local settings = require "nlsql.settings"

local effective = {}

---@class nlsql.EffectiveRow
---@field key string
---@field value any       nil where nothing is said
---@field origin string

---@class nlsql.EffectiveGroup
---@field title string    "settings", "environment", or the phase's name
---@field file string?    of a phase
---@field rows nlsql.EffectiveRow[]

local NOT_SET = "not set"

--- --- settings ---------------------------------------------------------------------------------

--- The value of a flat key ("gates.max_rows") among assembled settings.
local function value_of(values, key)
  local group, name = key:match("^(%l+)%.(.+)$")
  if group == "gates" then return (values[settings.GATES[name].part] or {})[name] end
  if group then return (values[group] or {})[name] end
  if key == "phase_memory" and values[key] then return values[key] >> 20 end -- megabytes, as it is written
  return values[key]
end

--- An address may have a user and a password in it.
local function without_login(url) return (url:gsub("^(%a[%w+.-]*://)[^/?#]*@", "%1***@")) end

local function row(key, values, origins)
  local value = value_of(values, key)
  if key == "base_url" and value then value = without_login(value) end
  return { key = key, value = value, origin = origins[key] or (value == nil and NOT_SET or "built in") }
end

local function setting_keys()
  local keys = {}
  for _, key in ipairs(options.keys_of(settings.RULES)) do
    local members = settings.MEMBERS[key]
    if not members then keys[#keys + 1] = key end
    for _, name in ipairs(members and options.keys_of(members) or {}) do keys[#keys + 1] = key .. "." .. name end
  end
  return keys
end

--- The settings of the whole run.
---@param got nlsql.Config
---@return nlsql.EffectiveGroup
function effective.settings(got)
  local group = { title = "settings", rows = {} }
  for i, key in ipairs(setting_keys()) do group.rows[i] = row(key, got.settings, got.origins) end
  return group
end

--- --- environment ------------------------------------------------------------------------------

--- The database's address without what is secret in it; nil where it is not read as one.
---@param url string
---@return string?
function effective.shown_url(url)
  local scheme, rest = url:match("^(postgres%a*://)([^?#]*)")
  if not scheme then return nil end
  local login, place = rest:match("^(.*)@(.*)$")
  if not login then return scheme .. rest end
  return scheme .. login:match("^[^:]*") .. "@" .. place
end

--- DATABASE_URL and OPENAI_API_KEY: that they are set, and where.
---@param env table<string, string>
---@param places table<string, string>
---@return nlsql.EffectiveGroup
function effective.environment(env, places)
  local url = env.DATABASE_URL
  local shown = url and effective.shown_url(url)
  local function one(name, value)
    return { key = name, value = value, origin = value and (places[name] or "environment") or NOT_SET }
  end
  return { title = "environment", rows = {
    one("DATABASE_URL", url and (shown and "set: " .. shown or "set")),
    one("OPENAI_API_KEY", env.OPENAI_API_KEY and "set" or nil),
  } }
end

--- --- phases -----------------------------------------------------------------------------------

local function setting_rows(phase)
  local rows = {}
  for i, key in ipairs(options.keys_of(phase.origins)) do rows[i] = row(key, phase.settings, phase.origins) end
  return rows
end

local function option_rows(phase, read, shown)
  local rows, given, own = {}, phase.options, read.options or {}
  local declared = session.declared(read)
  local names = options.keys_of(declared)
  for _, name in ipairs(options.keys_of(given)) do
    if not declared[name] and options.COMMON[name] then names[#names + 1] = name end
  end
  if not given.dataset_output_file_dir then names[#names + 1] = "dataset_output_file_dir" end
  table.sort(names)
  local values = options.check(declared, given, phase.name)
  for _, name in ipairs(names) do
    local value, entry = values[name], given[name]
    if name == "dataset_output_file_dir" then value = value or "generated_datasets/" .. phase.name end
    if not settings.RULES[name] then
      local default = own[name] and shown or "built in"
      rows[#rows + 1] = { key = name, value = value, origin = entry and entry.at or value == nil and NOT_SET or default }
    end
  end
  return rows
end

--- A phase: the settings that differ for it, and its options with the defaults of its file.
---@param phase nlsql.ConfigPhase
---@param read nlsql.Phase
---@param shown string its file
---@return nlsql.EffectiveGroup
function effective.phase(phase, read, shown)
  local rows, more = setting_rows(phase), option_rows(phase, read, shown)
  table.move(more, 1, #more, #rows + 1, rows)
  return { title = phase.name, file = shown, rows = rows }
end

--- --- printing ---------------------------------------------------------------------------------

local MOST_SHOWN = 44 -- bytes of one value in the table

local function shown_value(value)
  if value == nil then return "-" end
  local line = type(value) == "table" and assert(json.encode(value)) or tostring(value)
  if math.type(value) == "float" then line = ("%.14g"):format(value) end
  line = line:gsub("%c+", " ")
  if #line <= MOST_SHOWN then return line end
  local cut = line:sub(1, MOST_SHOWN - 1):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") -- no half character
  return cut .. "…"
end

local function width_of(s) return utf8.len(s) or #s end

local function padded(s, width) return s .. (" "):rep(width - width_of(s)) end

--- The groups as aligned text.
---@param groups nlsql.EffectiveGroup[]
---@return string
function effective.text(groups)
  local lines, keys, values = {}, 0, 0
  for _, group in ipairs(groups) do
    for _, one in ipairs(group.rows) do
      keys = math.max(keys, width_of(one.key))
      values = math.max(values, width_of(shown_value(one.value)))
    end
  end
  for i, group in ipairs(groups) do
    if i > 1 then lines[#lines + 1] = "" end
    lines[#lines + 1] = group.file and ("phase %s (%s)"):format(group.title, group.file) or group.title
    for _, one in ipairs(group.rows) do
      lines[#lines + 1] = ("  %s  %s  %s"):format(padded(one.key, keys), padded(shown_value(one.value), values), one.origin)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function by_key(rows)
  local map = {}
  for _, one in ipairs(rows) do
    map[one.key] = { value = one.value == nil and json.null or one.value, origin = one.origin }
  end
  return map
end

--- The groups as one JSON object: settings, environment, phases.
---@param groups nlsql.EffectiveGroup[]
---@param file string?
---@return string
function effective.json(groups, file)
  local out = { file = file or json.null, phases = json.array {} }
  for _, group in ipairs(groups) do
    if group.file then
      out.phases[#out.phases + 1] = { name = group.title, file = group.file, values = by_key(group.rows) }
    else
      out[group.title] = by_key(group.rows)
    end
  end
  return assert(json.encode(out)) .. "\n"
end

return effective
