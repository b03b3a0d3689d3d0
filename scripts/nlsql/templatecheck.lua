--- templatecheck: can a prompt template be rendered by the phase that names it, as far as that can be
--- told without running it?
---
--- A phase gives its templates values by name, `count = …`, in its own file or in a module that it
--- requires. A placeholder whose name is nowhere given there is a slip.

local files = require "nlsql.files"
local options = require "nlsql.options"
local prompt = require "nlsql.prompt"

local templatecheck = {}

--- What every template is given: see nlsql.briefing.
local ALWAYS = { examples = true, language = true, notes = true }

--- The text of the phase's file and of the library's modules that it requires.
---@param source string
---@return string
function templatecheck.sources(source)
  local parts, seen = { source }, {}
  for name in source:gmatch('require%s*%(?%s*["\']nlsql%.([%w_.]+)["\']') do
    local path = not seen[name] and files.find("scripts", "nlsql/" .. name:gsub("%.", "/") .. ".lua")
    seen[name] = true
    parts[#parts + 1] = path and files.read(path) or nil
  end
  return table.concat(parts, "\n")
end

local function is_given(name, sources) return sources:find("%f[%w_]" .. name .. "%s*=[^=]") ~= nil end

--- Names that the template of that name uses; empty where there is none.
local function names_of(name)
  local template = name and prompt.load(name)
  return template and template:names() or {}
end

--- Complaints about the template `name`. `default`: the one that the phase has where nobody names
--- another; what that uses is given.
---@param name string
---@param default string?
---@param sources string  as templatecheck.sources gives it
---@return string[]
function templatecheck.faults(name, default, sources)
  local template, why = prompt.load(name)
  if not template then return { why } end
  local known, out = {}, {}
  for _, one in ipairs(default ~= name and names_of(default) or {}) do known[one] = true end
  for one in pairs(ALWAYS) do known[one] = true end
  for _, one in ipairs(template:names()) do
    if not known[one] and not is_given(one, sources) then
      out[#out + 1] = ("%s: {{%s}} is not given to this template%s"):format(template.name, one,
        options.did_you_mean(one, options.keys_of(known)))
    end
  end
  return out
end

return templatecheck
