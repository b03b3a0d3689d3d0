--- lists: rows as they are: projections and filters, distinct values, the first few by some order.

local english = require "nlsql.grammar.english"
local growth = require "nlsql.grammar.growth"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"

local SHOWN = { category = true, label = true, text = true, number = true, year = true, date = true }
local ORDERED = { number = true, year = true, date = true }

local function is_often_there(attribute) return not attribute.sparse end

--- The columns of a list: the base's label, then what else is wanted; with how they are called.
local function outputs(g, extra, wanted)
  local base, columns, names, shown = g.base, {}, {}, {}
  local function add(attribute)
    shown[#shown + 1] = attribute
    columns[#columns + 1] = g:output(attribute)
    names[#names + 1] = english.name(attribute)
  end
  if base.entity.named or g.draw:chance(0.5) then
    for _, attribute in ipairs(base.label) do
      if not g.used[attribute] then
        g.used[attribute] = true
        add(attribute)
      end
    end
  end
  for _, attribute in ipairs(wanted or {}) do add(attribute) end
  local most = extra + (#columns == 0 and 1 or 0)
  for _ = 1, most do
    local attribute = g:take(SHOWN, { test = is_often_there })
    if attribute then add(attribute) end
  end
  for _, leaf in ipairs(g.tree.leaves) do -- a label is as good a use of a leaf as a filter
    if g.need[leaf] and leaf.entity.named then
      g:use(leaf)
      for _, attribute in ipairs(leaf.label) do
        if not g.used[attribute] then
          g.used[attribute] = true
          add(attribute)
        end
      end
    end
  end
  return columns, names, shown
end

--- Would some row show more than NULLs?
local function shows(g, attributes)
  for _, attribute in ipairs(attributes) do
    for _, row in ipairs(g.rows) do
      if attribute.role == "key" or row[attribute.at] ~= nil then return true end
    end
  end
  return false
end

--- What ends all ties among rows of the base, in SQL and in words.
local function tie_break(g)
  local base, order, said = g.base, {}, {}
  local unique = false
  for i, attribute in ipairs(base.label) do
    order[i] = attribute.expr
    said[i] = attribute.phrase
    unique = unique or attribute.distinct == base.entity.rows
  end
  if #base.entity.key == 0 and not unique then return nil end
  if base.entity.named and not unique then
    for _, expr in ipairs(growth.key(base)) do order[#order + 1] = expr end
    said[#said + 1] = base.entity.noun .. " ID"
  end
  return order, table.concat(said, ", then by ")
end

local function list(g)
  local ordered = g.draw:chance(0.4) and g:take(ORDERED, { filled = true, own = "first" })
  local columns, names, attributes = outputs(g, g.draw:int(3) - 1, ordered and { ordered } or nil)
  if #columns == 0 or (#columns == 1 and not g.base.entity.named) or not g:filters(2) then return nil end
  if #g.conditions == 0 and not ordered and not g:filter() then return nil end
  if not shows(g, attributes) then return nil end
  for _, attribute in ipairs(attributes) do g:present(attribute.node) end
  local shown, nouns = "the " .. words.all(names), g:nouns()
  local s = { columns = columns, from = g:from(), where = g:where() }
  local question = g.draw:pick {
    "List %s of all %s", "Show %s of the %s", "Give me %s of all %s", "Find %s of the %s",
  }:format(shown, nouns)
  if #g.conditions > 0 and g.draw:chance(0.35) then
    question = ("Which %s %s? Show %s"):format(g.base.entity.nouns, english.verbs(g.conditions), shown)
  end
  if ordered then
    local down = g.draw:chance(0.6)
    s.order = { ordered.expr .. (down and " DESC" or "") }
    question = ("%s, ordered by %s %s"):format(question, english.name(ordered), english.direction(ordered.role, down))
  end
  return select.text(s), question .. "."
end

local VALUES = { category = true }

local function distinct(g)
  local attribute = g:take(VALUES, { filled = true })
  local second = attribute and g.draw:chance(0.25) and g:take(VALUES, { filled = true })
  if not attribute or not g:filters(2) then return nil end
  local s = { distinct = true, columns = { g:output(attribute) }, from = g:from(), where = g:where() }
  local question
  if second then
    s.columns[2] = g:output(second)
    question = g.draw:pick { "List the different combinations of %s and %s among %s.",
      "Which combinations of %s and %s occur among the %s? List each once." }:format(english.name(attribute),
      english.name(second), g:nouns())
  else
    question = g.draw:pick { "What are the different %s among %s?", "List the distinct %s that occur among %s.",
      "Which %s occur among the %s? List each once." }:format(words.plural(english.name(attribute)), g:nouns())
    if g.draw:chance(0.4) then
      s.order = { attribute.expr }
      question = question:gsub("[.?]$", "") .. (question:find("^What") and "? Sort them alphabetically."
        or question:find("once") and ", in alphabetical order." or ", in alphabetical order.")
    end
  end
  return select.text(s), question
end

local COUNTS = { 1, 1, 3, 5, 5, 10, 10, 20 }

local function top(g)
  local by = g:take(ORDERED, { filled = true, own = "first", test = growth.tells_apart })
  local order, ties = tie_break(g)
  if not by or not order or by == g.base.label[1] then return nil end
  local columns, names, attributes = outputs(g, g.draw:int(2) - 1, { by })
  if not g:filters(2) or #columns < 2 then return nil end
  for _, attribute in ipairs(attributes) do g:present(attribute.node) end
  local n, down = g.draw:pick(COUNTS), g.draw:chance(0.65)
  if n > 1 and #g.rows <= n and g.rows ~= g.tree.rows then n = 1 end
  table.insert(order, 1, by.expr .. (down and " DESC" or ""))
  local s = { columns = columns, from = g:from(), where = g:where(), order = order, limit = n }
  local extreme, shown = english.extreme(by, down), words.all(names)
  local question
  if n == 1 then
    question = g.draw:pick { "Show the %s of the one with the %s among all %s.",
      "Find the %s of the one that has the %s of all %s." }:format(shown, extreme, g:nouns())
    question = question:gsub("the one", "the " .. g.base.entity.noun, 1)
  else
    question = g.draw:pick { "Show the %s of the %d %s with the %s%s.", "List the %s of the %d %s that have the %s%s." }
      :format(shown, n, g.base.entity.nouns, extreme, #g.conditions > 0 and ", only counting " .. g:nouns() or "")
  end
  return select.text(s), question .. " " .. english.ties(g.draw, ties)
end

return {
  { name = "list", weight = 4, make = list },
  { name = "distinct", weight = 1, make = distinct },
  { name = "top", weight = 2.5, make = top },
}
