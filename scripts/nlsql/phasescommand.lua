--- phasescommand: `nlsql phases`.

local console = require "nlsql.console"
local files = require "nlsql.files"
local json = require "nlsql.json"
local phasefile = require "nlsql.phasefile"

local phasescommand = {}

--- A default as a reader knows it from config.yaml.
local function one_line(value)
  if value == nil or value == json.null then return "-" end
  if type(value) ~= "table" then return tostring(value) end
  return ("[%s%s]"):format(table.concat(value, ", ", 1, math.min(3, #value)),
    #value > 3 and (", … %d more"):format(#value - 3) or "")
end

--- Prints each phase's summary and options.
---@param names string[]
---@return integer code
function phasescommand.run(names)
  for _, name in ipairs(names) do
    local path = files.find("phases", name .. ".lua")
    local phase, why = phasefile.read(path, path:match("phases/[^/]+$") or path)
    if not phase then
      console.warn(why)
    else
      console.out(("%s: %s\n"):format(name, phase.summary or ""))
      local known = {}
      for option in pairs(phase.options or {}) do known[#known + 1] = option end
      table.sort(known)
      local width, values = 0, {}
      for i, option in ipairs(known) do
        values[i] = one_line(phase.options[option][1])
        width = math.max(width, #values[i])
      end
      for i, option in ipairs(known) do
        local help = phase.options[option][2] or ""
        console.out(("  %-18s %-" .. math.min(width, 40) .. "s  %s\n"):format(option, values[i], help))
      end
    end
  end
  return 0
end

return phasescommand
