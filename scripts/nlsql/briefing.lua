--- briefing: what the configuration has every prompt say besides: notes about the database, pairs to
--- imitate, the language of the questions.
---
--- A note is of the whole database, or of a table: then prompts that show the table have it. An
--- example that names its tables is shown where all of them are; one that names none, everywhere.

local json = require "nlsql.json"
local sql = require "nlsql.sql"

local briefing = {}

---@class nlsql.Briefing
---@field whole string?                 notes about the whole database
---@field of table<string, string>      notes by table
---@field order string[]                the tables that have notes, in the schema's order
---@field examples table[]              {line=, tables=}
---@field language string?
local Briefing = {}
Briefing.__index = Briefing

--- Examples that one prompt shows at most: more would be imitated too closely.
briefing.MOST_EXAMPLES = 5

--- The key of `notes:` for what is about no single table.
briefing.WHOLE = "*"

local function complain(out, settings, path, message)
  local at = (settings.places or {})[path]
  out[#out + 1] = (at and at .. ": " or "") .. path .. ": " .. message
end

local function read_notes(self, schema, settings, out)
  local notes = settings.notes
  if type(notes) ~= "table" then
    self.whole = notes ~= "" and notes or nil
    return
  end
  local names = {}
  for name in pairs(notes) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local ref = name ~= briefing.WHOLE and schema:find(name)
    if name == briefing.WHOLE then
      self.whole = notes[name]
    elseif not ref then
      local near = schema:nearest(name)
      complain(out, settings, "notes." .. name, ("there is no table %s%s"):format(name,
        near and (" (did you mean %s?)"):format(near) or ""))
    else
      self.of[ref] = (self.of[ref] and self.of[ref] .. "\n" or "") .. notes[name]
    end
  end
  for _, ref in ipairs(schema:names()) do
    if self.of[ref] then self.order[#self.order + 1] = ref end
  end
end

local function find_tables(schema, names, path, settings, out)
  local refs = {}
  for i, name in ipairs(names) do
    local ref = schema:find(name)
    if ref then
      refs[#refs + 1] = ref
    else
      local near = schema:nearest(name)
      complain(out, settings, ("%s.tables[%d]"):format(path, i), ("there is no table %s%s"):format(name,
        near and (" (did you mean %s?)"):format(near) or ""))
    end
  end
  return refs
end

local function read_examples(self, schema, settings, out)
  for i, example in ipairs(settings.examples or {}) do
    local path = ("examples[%d]"):format(i)
    local statement <close>, why = sql.parse(example.sql)
    local facts = statement and statement:facts(schema)
    if not statement then
      complain(out, settings, path .. ".sql", why)
    elseif facts and facts.unknown[1] then
      complain(out, settings, path .. ".sql", table.concat(facts.unknown, "; "))
    end
    self.examples[i] = {
      line = json.encode({ question = example.question, sql = example.sql }, { keys = { "question", "sql" } }),
      tables = find_tables(schema, example.tables or {}, path, settings, out),
    }
  end
end

--- What the settings say, checked against the schema. nil and all complaints where they name what is
--- not there.
---@param schema nlsql.Catalog
---@param settings table
---@return nlsql.Briefing?
---@return string[]? complaints
function briefing.open(schema, settings)
  local out = {}
  local self = setmetatable({ of = {}, order = {}, examples = {}, language = settings.language }, Briefing)
  read_notes(self, schema, settings, out)
  read_examples(self, schema, settings, out)
  if #out > 0 then return nil, out end
  return self
end

local function set_of(list)
  local set = {}
  for _, one in ipairs(list) do set[one] = true end
  return set
end

--- The notes for a prompt that shows these tables (nil: all), or nil.
---@param refs string[]?
---@return string?
function Briefing:notes(refs)
  local shown, lines = refs and set_of(refs), { self.whole }
  for _, ref in ipairs(self.order) do
    if not shown or shown[ref] then lines[#lines + 1] = ("- %s: %s"):format(ref, self.of[ref]) end
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

local function all_in(set, list)
  for _, one in ipairs(list) do
    if not set[one] then return false end
  end
  return true
end

--- The examples for a prompt that shows these tables (nil: all), one JSON object a line, or nil.
---@param refs string[]?
---@return string?
function Briefing:pairs(refs)
  local shown, lines = refs and set_of(refs), {}
  for _, example in ipairs(self.examples) do
    if #lines == briefing.MOST_EXAMPLES then break end
    if not shown or all_in(shown, example.tables) then lines[#lines + 1] = example.line end
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

--- The values that a template is given: `values`, and `notes`, `examples` and `language` (false where
--- there are none) unless `values` has them.
---@param values table<string, any>
---@param refs string[]?
---@return table<string, any>
function Briefing:fill(values, refs)
  local filled = { notes = self:notes(refs) or false, examples = self:pairs(refs) or false,
    language = self.language or false }
  for name, value in pairs(values) do filled[name] = value end
  return filled
end

return briefing
