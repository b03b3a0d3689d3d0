--- configfile: reading config.yaml, with the place of every value.
---
--- Values go into layers, `{ values = {key = …}, origins = {key = "config.yaml:3:1"}, places = {…} }`, in which
--- the members of `gates:` and `offline:` are keys of their own ("gates.max_cost"). Complaints are gathered in
--- `out.errors` and `out.warnings`.

local json = require "nlsql.json"
local options = require "nlsql.options"
local settings = require "nlsql.settings"
local text = require "nlsql.text"
local yaml = require "nlsql.yaml"

local configfile = {}

--- A node's value, and the spot where it stands.
local function convert(node, name)
  local spot = { at = ("%s:%d:%d"):format(name, node.line, node.column), text = node.text }
  if node.type == "map" or node.type == "list" then
    local value = node.type == "list" and json.array {} or {}
    spot.children = {}
    for i, item in ipairs(node.items) do
      local key = item.key or i
      value[key], spot.children[key] = convert(item, name)
      if item.key then
        spot.children[key].key_at = ("%s:%d:%d"):format(name, item.key_line, item.key_column)
      end
    end
    return value, spot
  end
  if node.type == "null" then return json.null, spot end
  return node.value, spot
end

--- Member `key` of a map, and the spot where it stands; nil where there is none.
function configfile.child(value, spot, key)
  if value == nil or value[key] == nil then return nil end
  return value[key], spot.children[key]
end

local function is_nothing(value) return value == nil or value == json.null end

local function is_map(value)
  return type(value) == "table" and value ~= json.null and not json.is_array(value)
end

--- A section that must be a map, or may be left empty.
function configfile.section(value, spot, path, out)
  if is_nothing(value) then return {}, { at = spot and spot.at or "", children = {} } end
  if is_map(value) then return value, spot end
  options.validate({ type = "map" }, value, spot, path, out)
  return {}, { at = spot.at, children = {} }
end

local RULES = settings.RULES

--- The places of a value and all that it holds: "tables", "tables.include", "tables.include[2]".
local function places_of(spot, path, out)
  out[path] = spot.at
  for key, below in pairs(spot.children or {}) do
    places_of(below, math.type(key) and ("%s[%d]"):format(path, key) or path .. "." .. key, out)
  end
  return out
end

--- Checks `value` and puts it into `layer`; the members of gates and offline each for itself.
function configfile.put(layer, key, value, spot, out)
  local checked = options.validate(RULES[key], value, spot, key, out)
  if checked == nil then return end
  if not settings.MEMBERS[key] then
    layer.values[key], layer.origins[key] = checked, spot.at
    if settings.PLACED[key] then layer.places[key] = places_of(spot, key, {}) end
    return
  end
  for name, one in pairs(checked) do
    local full = key .. "." .. name
    local below = spot.children and spot.children[name]
    layer.values[full], layer.origins[full] = one, below and below.at or spot.at
  end
end

--- One member of gates or offline, by its own name.
function configfile.put_member(layer, group, name, value, spot, out)
  local members = settings.MEMBERS[group]
  local full, rule = group .. "." .. name, members[name]
  if not rule then
    out.errors[#out.errors + 1] = ("%s: %s: there is no such key%s"):format(spot.at, full,
      options.did_you_mean(name, options.keys_of(members)))
    return
  end
  local checked = options.validate(rule, value, spot, full, out)
  if checked ~= nil then layer.values[full], layer.origins[full] = checked, spot.at end
end

--- A layer without values.
function configfile.new_layer() return { values = {}, origins = {}, places = {} } end

--- Every model's price with its date; complains where input or output is missing.
function configfile.finish_prices(layer, spot, out)
  local prices = layer.values.prices
  if not prices then return end
  local as_of = prices.as_of
  prices.as_of = nil
  for _, model in ipairs(options.keys_of(prices)) do
    local price, below = prices[model], spot.children[model]
    if not below.children.input or not below.children.output then
      out.errors[#out.errors + 1] = ("%s: prices.%s: expected input and output in dollars per million tokens")
        :format(below.at, model)
    end
    price.as_of = price.as_of or as_of
  end
end

--- The value and spot of the file; nil, message, code where it cannot be read.
function configfile.read_file(path, read)
  local source, message, code = read(path)
  if not source then return nil, message, code end
  local root, why = yaml.read(source, path)
  if not root then return nil, why, "config" end
  return { convert(root, path) }
end

local TOP_LEVEL = options.keys_of(RULES)
for _, key in ipairs { "defaults", "phases" } do TOP_LEVEL[#TOP_LEVEL + 1] = key end
for alias in pairs(settings.ALIASES) do TOP_LEVEL[#TOP_LEVEL + 1] = alias end
table.sort(TOP_LEVEL)

local function unknown_at_top(key, spot, out)
  local hint = options.did_you_mean(key, TOP_LEVEL)
  if options.COMMON[key] then hint = " (it belongs under defaults: or to a phase)" end
  out.warnings[#out.warnings + 1] = ("%s: %q is not a setting%s; it is ignored"):format(spot.key_at, key,
    hint)
end

--- Warns where a key is given in two spellings; returns the one that counts.
local function unalias(key, seen, spot, out)
  local name = settings.ALIASES[key] or key
  if seen[name] then
    out.warnings[#out.warnings + 1] = ("%s: %q means the same as %q at %s; the later counts"):format(
      spot.key_at, key, seen[name].key, seen[name].at)
  end
  seen[name] = { key = key, at = spot.key_at }
  return name
end

--- Members in the order in which they stand in the file.
local function in_order(value, spot)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  local function place(key)
    local line, column = (spot.children[key].key_at or ""):match(":(%d+):(%d+)$")
    return (tonumber(line) or 0) * 100000 + (tonumber(column) or 0)
  end
  table.sort(keys, function(a, b) return place(a) < place(b) end)
  return ipairs(keys)
end

--- Puts the settings of the file's top level into a layer.
function configfile.read_top(value, spot, out)
  local layer, seen = configfile.new_layer(), {}
  for _, key in in_order(value, spot) do
    local name, below = unalias(key, seen, spot.children[key], out), spot.children[key]
    if RULES[name] then
      configfile.put(layer, name, value[key], below, out)
      if name == "prices" then configfile.finish_prices(layer, below, out) end
    elseif name ~= "phases" and name ~= "defaults" then
      unknown_at_top(key, below, out)
    end
  end
  return layer
end

--- An option that `defaults` gives to all phases: a slip of a name that they share is worth a word.
local function check_default(name, spot, out)
  local near = text.nearest(name, options.keys_of(options.COMMON))
  if near then
    out.warnings[#out.warnings + 1] = ("%s: %q is not an option that phases share (did you mean %q?)"):format(
      spot.key_at, name, near)
  end
end

local NOT_OPTIONS = { phase = { name = true, file = true }, defaults = {} }

--- The settings of one section as a layer, and its options as entries. `from` is "defaults" or
--- "phase".
function configfile.read_section(value, spot, from, out)
  local layer, given, seen = configfile.new_layer(), {}, {}
  for _, key in in_order(value, spot) do
    local below = spot.children[key]
    local name = unalias(key, seen, below, out)
    local common = options.COMMON[name]
    local is_setting = settings.IN_PHASES[name] or from == "defaults" and settings.IN_DEFAULTS[name]
    if is_setting then
      configfile.put(layer, name, value[key], below, out)
    elseif common then
      options.validate(common, value[key], below, name, out)
    elseif from == "defaults" then
      check_default(name, below, out)
    end
    if (common or not is_setting) and not NOT_OPTIONS[from][name] then
      given[name] = {
        value = value[key], text = below.text, from = from, at = below.at, key_at = below.key_at,
      }
    end
  end
  return layer, given
end

local PHASE_NAME = {
  type = "text", match = function(s) return s:find("^[%w_][%w_%-]*$") ~= nil end,
  expected = "a name of letters, digits, _ and -",
}

--- The phases of the file: {name=, file=, value=, spot=}.
function configfile.listed_phases(value, spot, out)
  local list, seen = {}, {}
  if is_nothing(value) then return list end
  if not json.is_array(value) then
    options.validate({ type = "list", expected = 'a list ("- name: joins")' }, value, spot, "phases", out)
    return list
  end
  for i, one in ipairs(value) do
    local at = spot.children[i]
    if type(one) == "string" then one, at = { name = one }, { at = at.at, children = { name = at } } end
    if not is_map(one) then
      local path = ("phases[%d]"):format(i)
      options.validate({ type = "map", expected = "a phase's keys and values" }, one, at, path, out)
    else
      local name, name_spot = configfile.child(one, at, "name")
      name = options.validate(PHASE_NAME, name, name_spot or at, ("phases[%d].name"):format(i), out)
      local file = one.file and options.validate({ type = "text" }, one.file, at.children.file, "file", out)
      if name and seen[name] then
        out.errors[#out.errors + 1] = ("%s: phase %q is listed already (%s)"):format(at.at, name, seen[name])
      elseif name then
        seen[name] = at.at
        list[#list + 1] = { name = name, file = file, value = one, spot = at }
      end
    end
  end
  return list
end

return configfile
