--- lists: rows as they are: projections and filters, distinct values, the first few by some order.

local english = require "nlsql.grammar.english"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"

local SHOWN = { category = true, label = true, text = true, number = true, year = true, date = true }
local ORDERED = { number = true, year = true, date = true }

--- --- what is shown -------------------------------------------------------------------------------

local function is_often_there(attribute) return not attribute.sparse end

---@class nlsql.Outputs
---@field columns string[]  as SQL writes them
---@field names string[]    as they are called
---@field attributes nlsql.NodeAttribute[]

local function add(g, out, attribute)
  g.used[attribute] = true
  out.columns[#out.columns + 1] = g:output(attribute)
  out.names[#out.names + 1] = english.name(attribute)
  out.attributes[#out.attributes + 1] = attribute
end

--- Adds what shows the node's rows, as far as it is not used yet.
local function add_label(g, out, node)
  for _, attribute in ipairs(node.label) do
    if not g.used[attribute] then add(g, out, attribute) end
  end
end

--- The base's label (its key not always), what is wanted, up to `extra` more, and the names of leaves
--- that nothing else uses.
---@return nlsql.Outputs
local function outputs(g, extra, wanted)
  local out = { columns = {}, names = {}, attributes = {} }
  if g.base.entity.named or g.draw:chance(0.5) then add_label(g, out, g.base) end
  if wanted then add(g, out, wanted) end
  for _ = 1, extra + (#out.columns == 0 and 1 or 0) do
    local attribute = g:take(SHOWN, { test = is_often_there })
    if attribute then add(g, out, attribute) end
  end
  for _, leaf in ipairs(g.tree.leaves) do
    if g.need[leaf] and leaf.entity.named then
      g:use(leaf)
      add_label(g, out, leaf)
    end
  end
  return out
end

--- Would some row show more than NULLs?
local function shows(g, out)
  for _, attribute in ipairs(out.attributes) do
    for _, row in ipairs(g.rows) do
      if attribute.role == "key" or row[attribute.at] ~= nil then return true end
    end
  end
  return false
end

--- --- lists ---------------------------------------------------------------------------------------

local function ask_list(g, shown)
  local nouns, draw = g:nouns(), g.draw
  local verbs = #g.conditions > 0 and draw:chance(0.35) and english.verbs(g.conditions)
  if verbs then return ("Which %s %s? Show %s"):format(g.base.entity.nouns, verbs, shown) end
  local frame = draw:pick { "List %s of all %s", "Show %s of the %s", "Give me %s of all %s", "Find %s of the %s" }
  return frame:format(shown, nouns)
end

local function list(g)
  local by = g.draw:chance(0.4) and g:take(ORDERED, { filled = true, own = "first" }) or nil
  local out = outputs(g, g.draw:int(3) - 1, by)
  if #out.columns < (g.base.entity.named and 1 or 2) or not g:filters(2) then return nil end
  if #g.conditions == 0 and not by and not g:filter() then return nil end
  if not shows(g, out) then return nil end
  for _, attribute in ipairs(out.attributes) do g:present(attribute.node) end
  local s = { columns = out.columns, from = g:from(), where = g:where() }
  local question = ask_list(g, "the " .. words.all(out.names))
  if by then
    local down = g.draw:chance(0.6)
    s.order = { by.expr .. (down and " DESC" or "") }
    question = ("%s, ordered by %s %s"):format(question, english.name(by), english.direction(by.role, down))
  end
  return select.text(s), question .. "."
end

local VALUES = { category = true }

local function distinct(g)
  local first = g:take(VALUES, { filled = true })
  local second = first and g.draw:chance(0.25) and g:take(VALUES, { filled = true }) or nil
  if not first or not g:filters(2) then return nil end
  local s = { distinct = true, columns = { g:output(first) }, from = g:from(), where = g:where() }
  local nouns = g:nouns()
  if second then
    s.columns[2] = g:output(second)
    local a, b = english.name(first), english.name(second)
    return select.text(s), g.draw:pick {
      ("List the different combinations of %s and %s among %s."):format(a, b, nouns),
      ("Which combinations of %s and %s occur among the %s? List each once."):format(a, b, nouns),
    }
  end
  local many = words.plural(english.name(first))
  local question = g.draw:pick {
    ("What are the different %s among %s?"):format(many, nouns),
    ("List the distinct %s that occur among %s."):format(many, nouns),
    ("Which %s occur among the %s? List each once."):format(many, nouns),
  }
  if not first.labels and g.draw:chance(0.4) then -- the values of an enum have an order of their own
    s.order = { first.expr }
    question = question .. " Sort them alphabetically."
  end
  return select.text(s), question
end

--- --- the first few -------------------------------------------------------------------------------

local COUNTS = { 1, 1, 3, 5, 5, 10, 10, 20 }

local function ask_top(g, n, shown, extreme)
  local draw, entity = g.draw, g.base.entity
  if n == 1 then
    return draw:pick {
      "Show the %s of the %s with the %s among all %s.", "Find the %s of the %s that has the %s of all %s.",
    }:format(shown, entity.noun, extreme, g:nouns())
  end
  local only = #g.conditions > 0 and ", only counting " .. g:nouns() or ""
  return draw:pick { "Show the %s of the %d %s with the %s%s.", "List the %s of the %d %s that have the %s%s." }:format(
    shown, n, entity.nouns, extreme, only)
end

local function top(g)
  local by = g:take(ORDERED, { filled = true, own = "first", test = pieces.tells_apart })
  local order, ties = pieces.row_order(g.base)
  if not by or not order or by == g.base.label[1] then return nil end
  local out = outputs(g, g.draw:int(2) - 1, by)
  if not g:filters(2) or #out.columns < 2 then return nil end
  for _, attribute in ipairs(out.attributes) do g:present(attribute.node) end
  local n, down = g.draw:pick(COUNTS), g.draw:chance(0.65)
  if #g.rows <= n and g.rows ~= g.tree.rows then n = 1 end
  local s = { columns = out.columns, from = g:from(), where = g:where(), limit = n,
    order = pieces.plus({ by.expr .. (down and " DESC" or "") }, order) }
  return select.text(s), ask_top(g, n, words.all(out.names), english.extreme(by, down)) .. " " .. english.ties(g.draw, ties)
end

return {
  { name = "list", weight = 4, make = list },
  { name = "distinct", weight = 1, make = distinct },
  { name = "top", weight = 2.5, make = top },
}
