--- command: `nlsql schema --anon`: which column has stand-ins of which class, and why, before anything is sent.

local anon = require "nlsql.anon"
local console = require "nlsql.console"
local json = require "nlsql.json"

local command = {}

---@class nlsql.AnonColumn
---@field table string
---@field column string
---@field type string
---@field class string
---@field why string
---@field label string?   SECURITY LABEL FOR anon

--- What is decided about each column.
---@param source { schema: nlsql.Catalog, db: nlsql.Db, settings: table }
---@param refs string[]?  nil: all tables
---@return nlsql.AnonColumn[]
function command.columns(source, refs)
  local self, out = anon.open(source.settings, source.schema, nil, source.db), {}
  for _, ref in ipairs(refs or source.schema:names()) do
    local t = source.schema:table(ref) --[[@as nlsql.Table]]
    for _, column in ipairs(t.columns) do
      local decision = self:decision(ref, column.name)
      out[#out + 1] = { table = ref, column = column.name, type = column.type, class = decision.class,
        why = decision.why, label = column.label }
    end
  end
  return out
end

local function width_of(list, name)
  local width = 0
  for _, one in ipairs(list) do width = math.max(width, utf8.len(one[name]) or #one[name]) end
  return math.min(width, 40)
end

local function padded(text, width) return text .. (" "):rep(width - (utf8.len(text) or #text)) end

local function lines_of(list)
  local out, last = {}, nil
  local names, types, classes = width_of(list, "column"), width_of(list, "type"), width_of(list, "class")
  for _, one in ipairs(list) do
    if one.table ~= last then
      out[#out + 1] = (last and "\n" or "") .. one.table
      last = one.table
    end
    out[#out + 1] = ("  %s  %s  %s  %s"):format(padded(one.column, names), padded(one.type, types),
      padded(one.class, classes), one.why)
  end
  return out
end

local KEYS = { keys = { "table", "column", "type", "class", "why" } }

--- Prints it, as text or with `--format json` as a JSON object a line. Returns the exit code.
---@param flags table
---@param source { schema: nlsql.Catalog, db: nlsql.Db, settings: table, demo: boolean }
---@param refs string[]?
---@return integer
function command.run(flags, source, refs)
  if flags.format and flags.format ~= "json" then
    console.error(("--anon: --format: expected json, or nothing for text, found %q"):format(flags.format))
    return 2
  end
  local list = command.columns(source, refs)
  if flags.format == "json" then
    for _, one in ipairs(list) do console.out(assert(json.encode(one, KEYS)), "\n") end
  elseif #list > 0 then
    console.out(table.concat(lines_of(list), "\n"), "\n")
  end
  if source.demo then
    console.info("the demo's rows are made up: they are shown as they are all the same")
  elseif anon.raw(source.settings) then
    console.info("anonymise: off: values go out as they are all the same")
  end
  return 0
end

return command
