--- changes: what a run is made with, and in words what changed of it since the run was last gone on with.
---
--- The store keeps it with the run: the phase's file and the prompts it renders by their hashes, its options
--- and the settings that bear on what comes out by their values. What only says how fast or how dear a run
--- may be is left out.

local json = require "nlsql.json"
local options = require "nlsql.options"
local prompt = require "nlsql.prompt"
local settings = require "nlsql.settings"
local text = require "nlsql.text"

local changes = {}

--- Settings that change nothing about what is asked or accepted.
local OPERATION = {}
for _, name in ipairs { "allow_insecure", "budget_usd", "connect_timeout", "db_concurrent_sessions", "idle_timeout",
  "loopback_is_free", "max_db_concurrent_limit_all", "max_parallel_requests", "max_reply_bytes", "parallelism",
  "phase_memory", "prices", "requests_per_minute", "retries", "retry_base", "store", "stream", "tokens_per_minute",
  "total_timeout", "gates" } do
  OPERATION[name] = true
end

--- Settings whose tables hold what `gates:` says.
local GATES = { "gates", "limits", "safe" }

--- Characters of a value that is told as it is; a longer one is kept as its hash.
local SHORT = 60

--- A value as the store keeps it: JSON, or "#" and its hash where that is long.
---@param value any
---@return string
function changes.kept(value)
  local written = assert(json.encode(value))
  if #written <= SHORT then return written end
  return "#" .. text.hex(text.key(written))
end

local function add_all(out, prefix, values)
  for _, name in ipairs(options.keys_of(values)) do
    if values[name] ~= nil then out[prefix .. name] = changes.kept(values[name]) end
  end
end

---@class nlsql.MadeWith
---@field phase string                     hash of the phase's file
---@field options table<string, string>    JSON, or "#" and a hash
---@field settings table<string, string>   likewise
---@field prompts table<string, string>    hashes, by the name of the template

--- What a run is made with now; of prompts those that were rendered before, as far as they are there.
---@param opt table       the phase's options
---@param all table       the settings
---@param source string   the phase's text
---@param before nlsql.MadeWith?
---@return nlsql.MadeWith
function changes.of(opt, all, source, before)
  local now = { phase = text.hex(text.key(source)), options = {}, settings = {}, prompts = {} }
  add_all(now.options, "", opt)
  for name in pairs(settings.RULES) do
    if not OPERATION[name] and all[name] ~= nil then now.settings[name] = changes.kept(all[name]) end
  end
  for _, part in ipairs(GATES) do add_all(now.settings, "gates.", all[part] or {}) end
  for name in pairs(before and before.prompts or {}) do
    local template = prompt.load(name)
    now.prompts[name] = template and template.key
  end
  return now
end

--- Reads what the store kept; nil where that is nothing of this kind.
---@param kept_text string
---@return nlsql.MadeWith?
function changes.read(kept_text)
  local before = json.decode(kept_text)
  if type(before) ~= "table" then return nil end
  for _, name in ipairs { "options", "settings", "prompts" } do
    if type(before[name]) ~= "table" then return nil end
  end
  return before
end

local function shown(value)
  if value == nil then return "nothing" end
  return value:sub(1, 1) == "#" and "something else" or value
end

local function compare(out, what, before, now)
  local names, seen = {}, {}
  for _, values in ipairs { before, now } do
    for name in pairs(values) do
      if not seen[name] then names[#names + 1], seen[name] = name, true end
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local was, is = before[name], now[name]
    if was ~= is then
      local long = (was or ""):sub(1, 1) == "#" and (is or ""):sub(1, 1) == "#"
      out[#out + 1] = long and ("%s%s changed"):format(what, name)
        or ("%s%s: %s before, %s now"):format(what, name, shown(was), shown(is))
    end
  end
end

--- What is different now, each in words; an empty list where nothing is.
---@param before nlsql.MadeWith
---@param now nlsql.MadeWith
---@param file string  what the phase's file is called
---@return string[]
function changes.words(before, now, file)
  local out = {}
  if before.phase ~= now.phase then out[1] = file .. " changed" end
  local names = {}
  for name in pairs(before.prompts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if not now.prompts[name] then
      out[#out + 1] = ("prompts/%s.txt is gone"):format(name)
    elseif now.prompts[name] ~= before.prompts[name] then
      out[#out + 1] = ("prompts/%s.txt changed"):format(name)
    end
  end
  compare(out, "option ", before.options, now.options)
  compare(out, "", before.settings, now.settings)
  return out
end

return changes
