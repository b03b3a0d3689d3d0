--- match: patterns over tokens.
---
--- A pattern is a line of elements with blanks between:
---   word|word     one of these words (or marks); "is", "has" and the other FAMILIES stand for all forms
---   C T E Y N V   a column, a table, a table or the noun for its rows, a type, a number, a value
---   R             C or E
---   ~             nothing, or a word that denies ("not"), and adverbs that change nothing
---   *             up to three words that are none of the above
---   $             the end of what is said: the end, or a mark, or a word that begins something new
--- Each may end in "?": it may be missing.

local match = {}

local FAMILIES = {
  is = "is are was were be been being",
  has = "has have having had",
  contains = "contains contain containing includes include including comprises comprise holds hold holding stores "
    .. "store storing",
  can = "can may could might",
  the = "the a an its their this that one",
  do_ = "does do did",
  in_ = "in of from on within for inside",
  columns = "column columns field fields attribute attributes",
}

local BREAKS = {}
for word in ([[
  , . ; : ) ? and or but which that who while whereas so because since as with where when if to for in of on by
]]):gmatch("%S+") do
  BREAKS[word] = true
end

local ADVERBS = {}
for word in ("also itself always therefore thus then simply usually typically currently directly explicitly actually "
  .. "indeed already still both all each together either just automatically here"):gmatch("%S+") do
  ADVERBS[word] = true
end

local DENIALS = { ["not"] = true, never = true, no = true, neither = true }

local function is_thing(t) return t.columns or t.refs and not t.noun or t.ytype or t.value or t.symbol or t.pronoun end

local KINDS = {
  C = function(t) return t.columns ~= nil or t.pronoun ~= nil end,
  T = function(t) return t.refs ~= nil and not t.noun or t.pronoun ~= nil end,
  E = function(t) return t.refs ~= nil or t.pronoun ~= nil end,
  R = function(t) return t.columns ~= nil or t.refs ~= nil or t.pronoun ~= nil end,
  Y = function(t) return t.ytype ~= nil end,
  N = function(t) return t.number ~= nil end,
  V = function(t) return t.value ~= nil end,
}

local function compile_element(text)
  local element = { optional = #text > 1 and text:sub(-1) == "?" }
  if element.optional then text = text:sub(1, -2) end
  if KINDS[text] then
    element.kind, element.test = text, KINDS[text]
  elseif text == "~" or text == "*" or text == "$" then
    element.special = text
  else
    element.words = {}
    for word in text:gmatch("[^|]+") do
      if FAMILIES[word] then
        for one in FAMILIES[word]:gmatch("%S+") do element.words[one] = true end
      else
        element.words[word] = true
      end
    end
  end
  return element
end

---@param pattern string
---@return table compiled
function match.compile(pattern)
  local out = {}
  for text in pattern:gmatch("%S+") do out[#out + 1] = compile_element(text) end
  return out
end

local step

local function step_denial(elements, e, list, at, found)
  local negated, from = found.negated, at
  while list[at] and not is_thing(list[at]) do
    local lower = list[at].lower
    if DENIALS[lower] then
      found.negated = not found.negated
    elseif not ADVERBS[lower] then
      break
    end
    at = at + 1
    local stop = step(elements, e + 1, list, at, found)
    if stop then return stop end
  end
  found.negated = negated
  return step(elements, e + 1, list, from, found)
end

local function step_gap(elements, e, list, at, found)
  for n = 0, 3 do
    local stop = step(elements, e + 1, list, at + n, found)
    if stop then return stop end
    local t = list[at + n]
    if not t or t.kind ~= "word" or is_thing(t) or DENIALS[t.lower] then return nil end
  end
end

--- Matches elements from `e` on at token `at`; returns the place behind the match.
function step(elements, e, list, at, found)
  local element = elements[e]
  if not element then return at end
  local t = list[at]
  if element.special == "~" then return step_denial(elements, e, list, at, found) end
  if element.special == "*" then return step_gap(elements, e, list, at, found) end
  if element.special == "$" then
    if not t or (not is_thing(t) and BREAKS[t.lower]) then return step(elements, e + 1, list, at, found) end
    return nil
  end
  local fits
  if t and element.test then
    fits = element.test(t)
  elseif t then
    fits = element.words[t.symbol or t.lower] and not (is_thing(t) and not t.symbol and not t.pronoun)
  end
  if fits then
    if element.kind then found[#found + 1] = t end
    local stop = step(elements, e + 1, list, at + 1, found)
    if stop then return stop end
    if element.kind then found[#found] = nil end
  end
  if element.optional then
    if element.kind then found[#found + 1] = false end
    local stop = step(elements, e + 1, list, at, found)
    if stop then return stop end
    if element.kind then found[#found] = nil end
  end
  return nil
end

--- Matches the pattern at token `from`. Its things are found[1], found[2], … in order (false: one
--- that may be missing is); found.negated: it is denied.
---@return table? found, integer? behind
function match.at(compiled, list, from)
  local found = { negated = false }
  local stop = step(compiled, 1, list, from, found)
  if stop then
    found.from, found.stop = from, stop
    return found, stop
  end
end

return match
