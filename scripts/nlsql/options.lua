--- options: what a value may be, and whether it is.
---
--- A phase declares its options once, `count = { 200, "pairs wanted", { min = 1 } }`: the default's
--- type is the option's, and the third member may narrow it (min, max, choices, type). The keys of
--- config.yaml are described by the same rules.

local json = require "nlsql.json"
local text = require "nlsql.text"

local options = {}

---@class nlsql.Rule
---@field type string?             "integer", "number", "boolean", "text", "list", "map" or "any"
---@field min number?
---@field max number?
---@field choices string[]?
---@field match (fun(s: string): boolean)?  texts only; say in `expected` what is
---@field expected string?         instead of the words made from the above
---@field of nlsql.Rule?           of a list's members, of a map's other values
---@field keys table<string, nlsql.Rule>?  of a map; others are warned about unless there is `of`
---@field either nlsql.Rule[]?     instead of all that: the first whose type fits
---@field check (fun(value: any): any, string?)?  looks at a value that is of the right type; nil and why not

--- Where a value stands: `at` is "config.yaml:14:9", "--count" or "DG_PARALLELISM".
---@class nlsql.Spot
---@field at string
---@field key_at string?           where its key stands
---@field text string?             as written
---@field words boolean?           from the command line or environment: text whatever its type
---@field children table?          spots of a list's or map's members

--- Keys that every phase may have; each phase says what it makes of them.
---@type table<string, nlsql.Rule>
options.COMMON = {
  api_answer_count = { type = "integer", min = 1 },
  builtins = {
    either = {
      { type = "list", of = { type = "text" } },
      { type = "map", of = { type = "integer", min = 0 } },
    },
    expected = "a list of functions, or a map of function to count",
  },
  construct_report = { type = "boolean" },
  count = { type = "integer", min = 1 },
  dataset_fields = { type = "list", of = { type = "text" } },
  dataset_output_file_dir = { type = "text" },
  enable_worker_chat_log = { type = "boolean" },
  examples = { type = "list", of = { type = "map" } },
  language = { type = "text" },
  max_attempts = { type = "integer", min = 1 },
  min_joins = { type = "integer", min = 1 },
  n_rows = { type = "integer", min = 1 },
  notes = {
    either = { { type = "text" }, { type = "map", of = { type = "text" } } },
    expected = "text, or a map of table to text",
  },
  openai_model = { type = "text" },
  parallelism = { type = "integer", min = 1 },
  prompt_template = { type = "text" },
  question = { type = "text" },
  questions = { type = "list", of = { type = "text" } },
  tag_schema_json = { type = "boolean" },
  temperature = { type = "number", min = 0, max = 2 },
  total_table_pairs = { type = "integer", min = 1 },
  use_sample_rows = { type = "boolean" },
}

local WORD = { ["true"] = true, ["yes"] = true, on = true, ["false"] = false, no = false, off = false }

---@param t table
---@return string[] sorted
local function keys_of(t)
  local names = {}
  for name in pairs(t) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

options.keys_of = keys_of

--- "" or " (did you mean …?)".
---@param word string
---@param known string[]
---@return string
function options.did_you_mean(word, known)
  local meant = text.nearest(word, known)
  return meant and (" (did you mean %q?)"):format(meant) or ""
end

local function kind_of(value)
  if value == nil or value == json.null then return "nothing" end
  local kind = type(value)
  if kind == "table" then
    if json.is_array(value) or #value > 0 then return "list" end
    return getmetatable(value) == nil and "map" or "number"
  elseif kind == "userdata" then
    return "number" -- one that no double holds
  elseif kind == "string" then
    return "text"
  end
  return kind
end

local function number_words(n)
  return math.type(n) == "float" and ("%.14g"):format(n) or tostring(n)
end

--- What a rule asks for, in words: "a whole number of 1 or more".
---@param rule nlsql.Rule
---@return string
function options.expected(rule)
  if rule.expected then return rule.expected end
  if rule.choices then
    local quoted = {}
    for i, choice in ipairs(rule.choices) do quoted[i] = ("%q"):format(choice) end
    return (#quoted > 1 and "one of " or "") .. table.concat(quoted, ", ")
  end
  if rule.type == "boolean" then return "true or false" end
  if rule.type == "list" then return rule.of and rule.of.type == "text" and "a list of texts" or "a list" end
  if rule.type == "map" then return "keys and values" end
  if rule.type == "text" then return "text" end
  if rule.type == "any" then return "a value" end
  local noun = rule.type == "integer" and "a whole number" or "a number"
  if rule.min and rule.max then
    return ("%s from %s to %s"):format(noun, number_words(rule.min), number_words(rule.max))
  elseif rule.min then
    return ("%s of %s or more"):format(noun, number_words(rule.min))
  elseif rule.max then
    return ("%s of at most %s"):format(noun, number_words(rule.max))
  end
  return noun
end

local function found(value, spot)
  local kind = kind_of(value)
  if kind == "text" then
    local line = value:gsub("%c+", " ")
    return '"' .. (#line > 60 and line:sub(1, 60) .. "…" or line) .. '"'
  end
  if kind == "list" then return "a list" end
  if kind == "map" then return "keys and values" end
  if kind == "nothing" then return "nothing" end
  return spot.text or tostring(value)
end

--- Does the value's kind answer the rule's type at all?
local function fits(rule, value, spot)
  local kind = kind_of(value)
  if rule.type == "any" then return true end
  if spot.words then return rule.type ~= "map" end
  if rule.type == "boolean" then return kind == "boolean" or kind == "text" and WORD[value:lower()] ~= nil end
  if rule.type == "integer" or rule.type == "number" then return kind == "number" end
  if rule.type == "text" then
    return kind == "text" or spot.text ~= nil and (kind == "number" or kind == "boolean")
  end
  if rule.type == "list" or rule.type == "map" then
    return kind == rule.type or kind == "map" and next(value) == nil
  end
  return false
end

local function to_number(rule, value)
  local n = type(value) == "number" and value or tonumber(tostring(value))
  if not n or n ~= n or n == math.huge or n == -math.huge then return nil end
  if rule.type == "integer" then n = math.tointeger(n) end
  if not n or (rule.min and n < rule.min) or (rule.max and n > rule.max) then return nil end
  return n
end

local function to_text(rule, value, spot)
  local s = type(value) == "string" and value or spot.text
  if rule.choices then
    for _, choice in ipairs(rule.choices) do
      if s == choice then return s end
    end
    return nil
  end
  if rule.match and not rule.match(s) then return nil end
  return s
end

local function child_spot(spot, key)
  return spot.children and spot.children[key] or { at = spot.at, key_at = spot.key_at, words = spot.words }
end

local validate

local function to_list(rule, value, spot, path, out)
  if spot.words then
    local words = {}
    for word in (value .. ","):gmatch("%s*([^,]-)%s*,") do
      if word ~= "" then words[#words + 1] = word end
    end
    value = words
  end
  local list = json.array {}
  for i, one in ipairs(value) do
    local below = ("%s[%d]"):format(path, i)
    local member = validate(rule.of or { type = "any" }, one, child_spot(spot, i), below, out)
    if member ~= nil then list[#list + 1] = member end
  end
  return list
end

local function to_map(rule, value, spot, path, out)
  local map, names = {}, rule.keys and keys_of(rule.keys) or {}
  for _, key in ipairs(keys_of(value)) do
    local below = path == "" and key or path .. "." .. key
    local child, known = child_spot(spot, key), rule.keys and rule.keys[key] or rule.of
    if not known and rule.keys then
      out.warnings[#out.warnings + 1] = ("%s: %s: there is no such key%s; it is ignored"):format(
        child.key_at or child.at, below, options.did_you_mean(key, names))
    else
      map[key] = validate(known or { type = "any" }, value[key], child, below, out)
    end
  end
  return map
end

--- A value that fits the rule's type as that type; nil where it is out of range.
local function convert(rule, value, spot, path, out)
  if rule.type == "any" then return value end
  if rule.type == "boolean" then
    if type(value) == "string" then return WORD[value:lower()] end
    return value
  end
  if rule.type == "text" then return to_text(rule, value, spot) end
  if rule.type == "list" then return to_list(rule, value, spot, path, out) end
  if rule.type == "map" then return to_map(rule, value, spot, path, out) end
  return to_number(rule, value)
end

--- Checks a value against a rule. Returns it as the rule's type; nil after a complaint in
--- `out.errors`. Unknown keys of maps go to `out.warnings`.
---@param rule nlsql.Rule
---@param value any
---@param spot nlsql.Spot
---@param path string  "count", "gates.max_cost"
---@param out {errors: string[], warnings: string[]}
---@return any
function validate(rule, value, spot, path, out)
  local chosen = rule
  for _, one in ipairs(rule.either or {}) do
    if fits(one, value, spot) then
      chosen = one
      break
    end
  end
  local result, before = nil, #out.errors
  if chosen.type and fits(chosen, value, spot) then
    result = convert(chosen, value, spot, path, out)
  end
  if result == nil then
    out.errors[#out.errors + 1] = ("%s: %s: expected %s, found %s"):format(spot.at, path,
      options.expected(chosen.type and chosen or rule), found(value, spot))
    return nil
  end
  local check = rule.check or chosen.check
  if not check or #out.errors > before then return result end -- what is in it was complained about
  local good, why = check(result)
  if good then return result end
  out.errors[#out.errors + 1] = ("%s: %s: %s"):format(spot.at, path, why)
  return nil
end

options.validate = validate

--- The rule that a declaration `{ default, help, { min = … } }` makes.
---@param declared table
---@return nlsql.Rule
function options.rule_of(declared)
  local rule = {}
  for key, value in pairs(declared[3] or {}) do rule[key] = value end
  if not rule.type then
    local default = declared[1]
    local kind = kind_of(default)
    rule.type = kind == "number" and (math.type(default) == "integer" and "integer" or "number")
      or kind == "nothing" and "any" or kind
  end
  return rule
end

--- Makes reading an option that does not exist a mistake with a place and a suggestion.
local function guard(values, known, where)
  return setmetatable(values, {
    __index = function(_, name)
      if known[name] then return nil end
      error(("option %q is not one that %s declares%s"):format(tostring(name), where,
        options.did_you_mean(tostring(name), keys_of(known))), 2)
    end,
  })
end

local function spot_of(entry, where)
  if type(entry) == "table" and type(entry.at) == "string" then return entry.value, entry end
  return entry, { at = where, text = type(entry) ~= "table" and tostring(entry) or nil }
end

local function check_unknown(name, spot, names, where, out)
  if spot.from == "defaults" then return end -- another phase's
  local complaint = ("%s: %s has no option %q%s"):format(spot.key_at or spot.at, where, name,
    options.did_you_mean(name, names))
  if spot.words or spot.from == "flag" then
    out.errors[#out.errors + 1] = complaint
  else
    out.warnings[#out.warnings + 1] = complaint .. "; it is ignored"
  end
end

--- The values of a phase's options: what was given, checked, over what it declares. `given` holds
--- values, or entries {value=, at=, …} as config.load makes them; `where` names the phase.
--- Keys that every phase may have are checked and passed on without being declared. Reading an
--- option from `values` that is neither raises.
---@param declared table<string, table>
---@param given table<string, any>
---@param where string  'phase "joins"'
---@return table values
---@return string[] errors
---@return string[] warnings
function options.check(declared, given, where)
  if type(declared) ~= "table" or type(given) ~= "table" or type(where) ~= "string" then
    error("options.check(declared, given, where) takes two tables and a string", 2)
  end
  local values, known, out = {}, {}, { errors = {}, warnings = {} }
  for name in pairs(options.COMMON) do known[name] = true end
  for name, one in pairs(declared) do
    known[name] = true
    values[name] = one[1]
  end
  local names = keys_of(known)
  for _, name in ipairs(keys_of(given)) do
    local value, spot = spot_of(given[name], where)
    local common = options.COMMON[name]
    -- what may be one thing or another for every phase stays so, whatever its default is here
    local rule = common and common.either and common or declared[name] and options.rule_of(declared[name]) or common
    if rule then
      local checked = validate(rule, value, spot, name, out)
      if checked ~= nil then values[name] = checked end
    else
      check_unknown(name, spot, names, where, out)
    end
  end
  return guard(values, known, where), out.errors, out.warnings
end

return options
