--- frames: questions around one value that a function gives for each row: shown in a list, counted
--- by group, or asked of rows. The families of nlsql.grammar.calls say what the value is.

local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local kinds = require "nlsql.grammar.kinds"
local lists = require "nlsql.grammar.lists"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"
local totals = require "nlsql.grammar.totals"
local words = require "nlsql.grammar.words"

local frames = {}

---@class nlsql.CallValue
---@field expr string     in SQL: "lower(email)"
---@field column string   what its column is called, as a phrase: "email in lower case"
---@field said string     in a list: "the email in lower case"
---@field noun string?    after "for each": "first letter of the email"
---@field attribute nlsql.NodeAttribute? whose values it is made of

--- Text that is text in SQL too: an enum's labels are not.
---@param attribute nlsql.Attribute
function frames.is_text(attribute) return attribute.labels == nil end

--- Names of the roles that texts have.
frames.TEXTS = { label = true, text = true, category = true }

--- An attribute of the base that the function can be called on; it may be part of what shows the row.
---@param g nlsql.Growth
---@param roles table<string, boolean>
---@param wish nlsql.Wish?
---@return nlsql.NodeAttribute?
function frames.take(g, roles, wish)
  wish = wish or {}
  local test = wish.test
  return g:take(roles, { own = true, filled = wish.filled, test = function(attribute)
    return not attribute.sparse and (not test or test(attribute))
  end })
end

--- Has some row that is left a value of it?
---@param g nlsql.Growth
---@param attribute nlsql.NodeAttribute?
function frames.occurs(g, attribute)
  if not attribute or not attribute.at then return true end
  for _, row in ipairs(g.rows) do
    if row[attribute.at] ~= nil then return true end
  end
  return false
end

--- The distinct values of an attribute in the rows that are left, sorted.
---@param g nlsql.Growth
---@param attribute nlsql.NodeAttribute
---@param good (fun(value: any): boolean)?
---@return any[]
function frames.values(g, attribute, good) return kinds.distinct(g.rows, attribute, good) end

--- An expression as a column of the result, under a name that is free.
---@param g nlsql.Growth
---@param expr string
---@param phrase string
---@return string column, string name
function frames.column(g, expr, phrase)
  local base = english.column(phrase)
  local name, n = base, 1
  while g.names[name] do
    n = n + 1
    name = base .. "_" .. n
  end
  g.names[name] = true
  return ("%s AS %s"):format(expr, name), name
end

--- What shows the base's rows: columns and the words for them; both empty where nothing does.
---@param g nlsql.Growth
---@return string[] columns, string[] said
function frames.label(g)
  local columns, said = {}, {}
  for i, attribute in ipairs(g.base.label) do
    g.used[attribute] = true
    columns[i] = g:output(attribute)
    said[i] = "the " .. english.name(attribute)
  end
  return columns, said
end

--- An order of the base's rows without ties, most often said: ORDER BY's list and a sentence.
local function some_order(g)
  if g.draw:chance(0.55) then return nil, "" end
  local order, ties = pieces.row_order(g.base)
  if not order or #order == 0 then return nil, "" end
  return order, (" Sort the result by %s."):format(ties)
end

--- "List the name and the length of the name of all products."
local function ask_for(g, said)
  local nouns = g:nouns()
  return g.draw:pick {
    ("List %s of all %s."):format(said, nouns), ("Show %s of all %s."):format(said, nouns),
    ("Give me %s of all %s."):format(said, nouns), ("For all %s, show %s."):format(nouns, said),
  }
end

--- The value beside what shows each row.
---@param g nlsql.Growth
---@param value nlsql.CallValue
---@return string? sql, string? question
function frames.list(g, value)
  local columns, said = frames.label(g)
  if not g:filters(1) or not frames.occurs(g, value.attribute) then return nil end
  columns[#columns + 1] = (frames.column(g, value.expr, value.column))
  said[#said + 1] = value.said
  local order, ending = some_order(g)
  return select.text { columns = columns, from = g:from(), where = g:where(), order = order },
    ask_for(g, words.all(said)) .. ending
end

--- How many rows have each of its values.
---@param g nlsql.Growth
---@param value nlsql.CallValue
---@return string? sql, string? question
function frames.groups(g, value)
  local column, name = frames.column(g, value.expr, value.column)
  if not g:filters(1) then return nil end
  local counted = g:measured { { fn = "count" } }
  local s = { columns = { column, counted[1] }, from = g:from(), where = g:where(),
    group = { g.draw:chance(0.4) and "1" or value.expr } }
  local question = g.draw:pick {
    "How many %s are there for each %s?", "Count the %s for each %s.", "Show the number of %s for each %s.",
  }:format(g:nouns(), value.noun)
  if g.draw:chance(0.5) then
    s.order = { name }
    question = ("%s Sort the result by the %s."):format(question, value.noun)
  end
  return select.text(s), question
end

--- The different values that there are.
---@param g nlsql.Growth
---@param value nlsql.CallValue
---@return string? sql, string? question
function frames.distinct(g, value)
  local column = frames.column(g, value.expr, value.column)
  if not g:filters(1) then return nil end
  return select.text { distinct = true, columns = { column }, from = g:from(), where = g:where() },
    ("List each different %s that occurs among the %s once."):format(value.noun, g:nouns())
end

---@class nlsql.CallKind
---@field values any[]
---@field sql fun(values: any[], expr: string): string
---@field is fun(values: any[]): string     after "whose price"
---@field holds (fun(values: any[], value: any): boolean)? nil: the rows cannot tell
---@field noun (fun(values: any[]): string)? after "with a price"

--- Asks it of the rows; false where none that is left meets it.
---@param g nlsql.Growth
---@param attribute nlsql.NodeAttribute
---@param kind nlsql.CallKind
---@return boolean
function frames.filter(g, attribute, kind)
  local condition = { attribute = attribute, kind = kind, name = "call", values = kind.values }
  if kind.holds then
    local left = conditions.matching(condition, g.rows)
    if #left == 0 or (#left == #g.rows and #g.rows >= 8) then return false end
    g.rows = left
  end
  g.conditions[#g.conditions + 1] = condition
  return true
end

local ASKED = {}
for _, family in ipairs { lists, totals } do
  for _, construct in ipairs(family) do ASKED[construct.name] = construct.make end
end

--- Asks about the rows that meet what was asked so far: lists them, counts them, and so on.
---@param g nlsql.Growth
---@return string? sql, string? question
function frames.ask(g)
  local chosen = g.draw:weighted {
    { name = "list", weight = 4 }, { name = "aggregate", weight = 3 }, { name = "group", weight = 1.5 },
    { name = "top", weight = 1 },
  }
  local query, question = ASKED[chosen.name](g)
  -- the sample cannot tell what a key's condition leaves
  if query and #g:ask(("SELECT 1 FROM (%s) AS q WHERE NOT (q IS NULL) LIMIT 1"):format(query)) == 0 then return nil end
  return query, question
end

--- Asks about the rows of which `kind` holds; nil where there are none.
---@param g nlsql.Growth
---@param attribute nlsql.NodeAttribute
---@param kind nlsql.CallKind
---@return string? sql, string? question
function frames.ask_of(g, attribute, kind)
  if not frames.filter(g, attribute, kind) then return nil end
  return frames.ask(g)
end

--- A construct with measures of this kind alone, made by one that there is.
---@param fn string
---@param name string "aggregate", "group" or "top_group"
---@return fun(g: nlsql.Growth): string?, string?
function frames.measured(fn, name)
  return function(g)
    g.measures = { [fn] = true }
    return ASKED[name](g)
  end
end

return frames
