--- english: phrases for attributes, conditions, measures and orders, relative to the base of a tree.

local words = require "nlsql.grammar.words"

local english = {}

--- --- attributes ----------------------------------------------------------------------------------

local function is_label(attribute)
  local label = attribute.node.label
  return #label == 1 and label[1] == attribute and attribute.node.entity.named
end

--- Of a table that another refers to: what it is to the base, and what is asked of it.
local function owned(node, phrase)
  -- "order date" of an order, "billing address" of an address
  for _, own in ipairs { node.noun:match("^.*'s (.+)$") or node.noun, node.noun:match("(%S+)$") } do
    if phrase == own or phrase:sub(1, #own + 1) == own .. " " then return node.noun:sub(1, -#own - 1) .. phrase end
  end
  if phrase:find(" of ", 1, true) then return words.owner(node.noun) .. " " .. phrase end
  return node.noun .. " " .. phrase
end

--- What a list or a group calls the attribute: "price", "customer country", "album title".
---@param attribute nlsql.NodeAttribute
---@return string
function english.name(attribute)
  if not attribute.node.parent then return attribute.phrase end
  return owned(attribute.node, attribute.phrase)
end

--- The subject of "whose …": "price", "customer's country"; "customer" where its name is the value.
local function subject(attribute, by_name)
  local node = attribute.node
  if not node.parent then return attribute.phrase end
  if by_name and is_label(attribute) then return node.noun end
  local whole = owned(node, attribute.phrase)
  return #whole == #attribute.phrase and whole or words.owner(node.noun) .. " " .. attribute.phrase
end

--- What shows the rows of a node: "name", "customer first name and last name", "order ID".
---@param node nlsql.TreeNode
---@return string
function english.label(node)
  local parts = {}
  for i, attribute in ipairs(node.label) do
    parts[i] = i == 1 and node.parent and owned(node, attribute.phrase) or attribute.phrase
  end
  return words.all(parts)
end

--- --- flags ---------------------------------------------------------------------------------------

local ADJECTIVE_ENDS = { "ed", "ive", "able", "ible", "al", "ic", "ous", "ful", "less", "ent", "ant", "ary", "en", "ing" }
local ADJECTIVES = {}
for word in ("open free public private new final paid sold vegan remote online offline main default live late full empty "
  .. "urgent hot fresh rare safe closed done due primary lost"):gmatch("%S+") do
  ADJECTIVES[word] = true
end

local function is_adjective(word)
  if ADJECTIVES[word] then return true end
  for _, ending in ipairs(ADJECTIVE_ENDS) do
    if #word > #ending + 2 and word:sub(-#ending) == ending then return true end
  end
  return false
end

local VERBS = {}
for word in ("accepts allows requires needs includes supports contains uses wants offers receives sends ships sells owns gets "
  .. "takes sponsors blocks"):gmatch("%S+") do
  VERBS[word] = true
end

--- Is, or are, what `rest` says: "is active", "is a gift", "are gifts".
local function being(rest, wanted)
  local no = wanted and "" or "not "
  if is_adjective(rest:match("(%S+)$")) or is_adjective(rest:match("^(%S+)")) and not rest:find(" ") then
    return "is " .. no .. rest, "are " .. no .. rest
  end
  return "is " .. no .. words.a(rest), "are " .. no .. words.plural(rest)
end

local function having(rest, wanted)
  local plain = rest:find("ing$") or rest:find("s$")
  local one = plain and rest or words.a(rest)
  if wanted then return "has " .. one, "have " .. one end
  return "has no " .. rest, "have no " .. rest
end

--- The verb phrases of a yes-or-no attribute, singular and plural; nil where its name makes none.
local function flag_verbs(attribute, wanted)
  local list = words.split((attribute.name:gsub("_?[Bb]ool$", ""):gsub("_?[Ff]lag$", "")))
  local first = list[1]
  local rest = words.humanise(table.concat(list, "_", 2))
  if first == "is" and #list > 1 then
    return being(rest, wanted)
  elseif first == "has" and #list > 1 then
    return having(rest, wanted)
  elseif VERBS[first] and #list > 1 then
    local many = words.singular(first) .. " " .. rest
    return wanted and first .. " " .. rest or "does not " .. many, wanted and many or "do not " .. many
  elseif first == "can" and #list > 1 then
    local both = (wanted and "can " or "cannot ") .. rest
    return both, both
  elseif #list == 1 and first and is_adjective(first) then
    return wanted and "is " .. first or "is not " .. first, wanted and "are " .. first or "are not " .. first
  end
end

--- --- conditions ----------------------------------------------------------------------------------

local function flag_clause(condition)
  local attribute, wanted = condition.attribute, condition.kind.flag
  local one, many = flag_verbs(attribute, wanted)
  if not one then return nil end
  if not attribute.node.parent then return "that " .. many, many end
  return ("whose %s %s"):format(attribute.node.noun, one),
    ("have %s that %s"):format(words.a(attribute.node.noun), one)
end

local function having_clause(condition)
  local attribute, has = condition.attribute, condition.kind.has
  local node, it = attribute.node, condition.name == "null" and attribute.phrase or words.a(attribute.phrase)
  if condition.name == "not_null" then it = attribute.phrase end
  if not node.parent then
    return has.that:format(condition.name == "null" and words.a(attribute.phrase) or it), has.verb:format(it)
  end
  local verb = has.verb:gsub("^have", "has"):format(it)
  return ("whose %s %s"):format(node.noun, verb), ("have %s that %s"):format(words.a(node.noun), verb)
end

local function among_clause(condition)
  local attribute, value = condition.attribute, condition.kind.among(condition.values)
  local node = attribute.node
  local many = words.plural(words.singular(attribute.phrase))
  if not node.parent then
    return ("whose %s include %s"):format(many, value), ("have %s among their %s"):format(value, many)
  end
  return ("whose %s %s include %s"):format(words.owner(node.noun), many, value),
    ("have %s whose %s include %s"):format(words.a(node.noun), many, value)
end

local function present_clause(node)
  local owner = node.parent and node.parent.parent and words.owner(node.parent.noun) .. " "
  if not owner or node.noun:sub(1, #owner) ~= owner then
    return "that have " .. words.a(node.noun), "have " .. words.a(node.noun)
  end
  local own = node.noun:sub(#owner + 1)
  return ("whose %s has %s"):format(node.parent.noun, words.a(own)),
    ("have %s that has %s"):format(words.a(node.parent.noun), words.a(own))
end

--- The predicate of several: "is above 5" → "are above 5".
local function agree(is)
  return (is:gsub("^is ", "are "):gsub("^starts ", "start "):gsub("^ends ", "end "):gsub("^contains ", "contain "))
end

--- A condition behind a plural noun ("whose price is above 5", "that are active"), and as a verb
--- phrase of it ("have a price above 5", "are active").
---@param condition nlsql.Condition
---@return string that, string verb
function english.condition(condition)
  local attribute, kind, values = condition.attribute, condition.kind, condition.values
  if kind.present then return present_clause(attribute.node) end
  if kind.has then return having_clause(condition) end
  if kind.among then return among_clause(condition) end
  local is
  if kind.flag ~= nil then
    local that, verb = flag_clause(condition)
    if that then return that, verb end
    is = kind.flag and "is true" or "is false"
  else
    is = kind.is(values)
  end
  if words.is_plural(attribute.phrase) and not (kind.names and attribute.node.parent and is_label(attribute)) then
    is = agree(is)
  end
  local that = ("whose %s %s"):format(subject(attribute, kind.names), is)
  local node = attribute.node
  if node.parent and not (kind.names and is_label(attribute)) then
    return that, ("have %s whose %s %s"):format(words.a(node.noun), attribute.phrase, is)
  end
  local phrase = node.parent and node.noun or attribute.phrase
  if kind.names and kind.exact then return that, ("have the %s %s"):format(phrase, kind.noun(values)) end
  if not kind.noun then return that, ("have %s that %s"):format(words.a(phrase), is) end
  return that, ("have %s %s"):format(words.a(phrase), kind.noun(values))
end

--- All conditions behind a plural noun, with a space before; "" where there are none.
---@param list nlsql.Condition[]
---@return string
function english.that(list)
  local plain, whose = {}, {}
  for _, condition in ipairs(list) do
    local that = english.condition(condition)
    local to = that:find("^whose") and whose or plain
    to[#to + 1] = that
  end
  local parts = {}
  if #plain > 0 then parts[1] = words.all(plain) end
  if #whose > 0 then parts[#parts + 1] = words.all(whose) end
  return #parts > 0 and " " .. table.concat(parts, #plain > 0 and " and " or " ") or ""
end

--- All conditions as verb phrases: "have a price above 5, the status 'paid' and are active"; nil
--- where two are about the same other row, which would read like two rows.
---@param list nlsql.Condition[]
---@return string?
function english.verbs(list)
  local has, others, seen = {}, {}, {}
  for _, condition in ipairs(list) do
    local node = condition.attribute.node
    if node.parent and seen[node] then return nil end
    seen[node] = true
    local _, verb = english.condition(condition)
    local thing = verb:match("^have (.*)$")
    if thing then has[#has + 1] = thing else others[#others + 1] = verb end
  end
  if #has > 0 then table.insert(others, 1, "have " .. words.all(has)) end
  return table.concat(others, " and ")
end

--- --- measures ------------------------------------------------------------------------------------

---@class nlsql.Measure
---@field fn string             count, distinct, sum, avg, min, max
---@field attribute nlsql.NodeAttribute? nil for count
---@field column string?       its name in the result, once it has one
---@field round boolean?        to two decimals

local IN_TIME = { min = "earliest", max = "latest" }
local EXTREME = { year = IN_TIME, date = IN_TIME, number = { min = "lowest", max = "highest" } }

--- "number of orders", "average price", "latest order date". `nouns` is what is counted.
---@param measure nlsql.Measure
---@param nouns string
---@return string
function english.measure(measure, nouns)
  local fn, attribute = measure.fn, measure.attribute
  if fn == "count" then return "number of " .. nouns end
  local name = english.name(attribute)
  if fn == "distinct" then return "number of different " .. words.plural(name) end
  if fn == "avg" then return "average " .. name end
  if fn == "sum" then return (name:find("total") or name:find("sum")) and "combined " .. name or "total " .. name end
  return EXTREME[attribute.role][fn] .. " " .. name
end

--- A name for the measure's column: total_quantity, order_count.
---@param measure nlsql.Measure
---@param noun string
---@return string
function english.measure_column(measure, noun)
  if measure.fn == "count" then return english.column(noun) .. "_count" end
  if measure.fn == "distinct" then return english.column(english.name(measure.attribute)) .. "_count" end
  return english.column(english.measure(measure, ""))
end

--- Says that averages are rounded, where one is.
---@param measures nlsql.Measure[]
---@return string
function english.rounding(measures)
  for _, measure in ipairs(measures) do
    if measure.round then return " Round to two decimals." end
  end
  return ""
end

--- A phrase as an identifier: "weight in grams" → weight_in_grams; at most 60 letters, at a word's end.
---@param phrase string
---@return string
function english.column(phrase)
  local name = phrase:lower():gsub("'s ", "_"):gsub("[^%w\128-\255]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  while #name > 60 and name:find("_") do name = name:gsub("_[^_]*$", "") end
  if name == "" or name:find("^%d") then name = "value" end
  return name
end

--- --- order ---------------------------------------------------------------------------------------

--- "from highest to lowest", "newest first", "in alphabetical order".
---@param role string of what is ordered by
---@param down boolean
---@return string
function english.direction(role, down)
  if role == "date" or role == "year" then return down and "from latest to earliest" or "from earliest to latest" end
  if role == "number" then return down and "from highest to lowest" or "from lowest to highest" end
  return down and "in reverse alphabetical order" or "in alphabetical order"
end

--- "highest price", "earliest order date": which end of an attribute is asked for.
---@param attribute nlsql.NodeAttribute
---@param down boolean
---@return string
function english.extreme(attribute, down)
  return EXTREME[attribute.role][down and "max" or "min"] .. " " .. english.name(attribute)
end

--- A sentence that says how ties are broken.
---@param draw nlsql.Draw
---@param by string
---@return string
function english.ties(draw, by)
  return draw:pick { ("Break ties by %s."), ("If there are ties, go by %s."), ("Ties are ordered by %s.") }:format(by)
end

return english
