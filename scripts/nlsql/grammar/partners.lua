--- partners: rows with, without and per partner: EXISTS, IN, anti-joins, left joins that count zero.
---
--- Seen from a table that the base refers to: customers and their orders, where the base is orders.

local catalog = require "nlsql.catalog"
local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"
local tree = require "nlsql.grammar.tree"
local words = require "nlsql.grammar.words"

local SHOWN = { category = true, number = true, year = true, date = true, text = true }

---@class nlsql.Sides
---@field parent nlsql.TreeNode
---@field outer nlsql.TreeNode[] the parent and the nodes above it
---@field inner nlsql.TreeNode[] the base and the others
---@field columns string[]       what is shown of the parent
---@field shown string           the same in words

--- The parent's label, and sometimes more of it.
local function show_parent(g, sides)
  local columns, names = {}, {}
  for i, attribute in ipairs(sides.parent.label) do
    if g.used[attribute] then return false end
    g.used[attribute] = true
    columns[i], names[i] = g:output(attribute), attribute.phrase
  end
  if g.draw:chance(0.4) or not sides.parent.entity.named then
    local more = g:take(SHOWN, { nodes = { sides.parent } })
    if more then columns[#columns + 1], names[#names + 1] = g:output(more), more.phrase end
  end
  sides.columns, sides.shown = columns, words.all(names)
  return true
end

--- A table that the base itself refers to, drawn, and what lies on either side.
---@return nlsql.Sides?
local function take_sides(g)
  local able = {}
  for _, node in ipairs(g.tree.nodes) do
    if node.parent == g.base and #node.label > 0 and node.entity ~= g.base.entity then able[#able + 1] = node end
  end
  local parent = g.draw:pick(able)
  if not parent then return nil end
  g:use(parent)
  local sides = { parent = parent, outer = g:part(parent), inner = g:rest(parent) }
  return show_parent(g, sides) and sides or nil
end

--- Calls `f` while nodes are called as the parent sees them: "customers whose country is …", not "whose
--- customer's country". The tree, which others share, is as it was afterwards: `f` must not wait.
local function seen_from_parent(g, sides, f)
  local saved = {}
  for i, node in ipairs(sides.outer) do
    saved[i] = { node.noun, node.parent }
    if node == sides.parent then
      node.noun, node.parent = node.entity.noun, nil
    else
      node.noun = tree.noun_for(g.tree.lexicon, sides.parent.entity.ref, node)
    end
  end
  local text, question = f()
  for i, node in ipairs(sides.outer) do node.noun, node.parent = saved[i][1], saved[i][2] end
  return text, question
end

--- The conditions of either side.
local function split(g, sides)
  local is_outer = {}
  for _, node in ipairs(sides.outer) do is_outer[node] = true end
  local outer, inner = {}, {}
  for _, condition in ipairs(g.conditions) do
    local list = is_outer[condition.attribute.node] and outer or inner
    list[#list + 1] = condition
  end
  return outer, inner
end

--- Does one of the two queries join as many tables as are wanted?
local function deep_enough(g, sides) return math.max(#sides.outer, #sides.inner) >= g.least end

--- What a row of the parent is to one of the base, where that is more than its noun: "billing address".
local function role_of(parent)
  local role = parent.edge.role
  return role ~= parent.entity.noun and role or nil
end

--- "have no orders", or, with a role, "are the billing address of no orders".
local function partner_verb(parent, what)
  local role = role_of(parent)
  return role and ("are the %s of %s"):format(role, what) or "have " .. what
end

local function all_parents(sides, outer) return sides.parent.entity.nouns .. english.that(outer) end

local function ask_which(g, sides, outer, what)
  local nouns, verb = all_parents(sides, outer), partner_verb(sides.parent, what)
  return g.draw:pick {
    ("Which %s %s? Show the %s."):format(nouns, verb, sides.shown),
    ("Find the %s that %s, and show the %s."):format(nouns, verb, sides.shown),
  }
end

--- The base's side as a subquery that is tied to the parent's row.
local function correlated(g, sides, inner)
  local where = pieces.plus({ tree.on(g.base.alias, sides.parent.alias, sides.parent.edge) }, g:where(inner))
  return select.text { columns = { "1" }, from = g:from(sides.inner), where = where }
end

--- The parent's side, with the base joined to its left.
local function left_joined(g, sides, extra)
  local on = pieces.plus({ tree.on(g.base.alias, sides.parent.alias, sides.parent.edge) }, extra or {})
  return ("%s LEFT JOIN %s%s%s ON %s"):format(g:from(sides.outer), g.base.entity.ref, g:as(), g.base.alias,
    table.concat(on, " AND "))
end

--- --- with ----------------------------------------------------------------------------------------

local function with_partner(g)
  local sides = take_sides(g)
  if not sides or not deep_enough(g, sides) then return nil end
  return seen_from_parent(g, sides, function()
    if g.draw:chance(0.4) then g:filter(sides.outer) end
    if g.draw:chance(0.7) then g:filter(sides.inner) end
    if not g:cover() then return nil end
    local outer, inner = split(g, sides)
    local where, edge = g:where(outer), sides.parent.edge
    if #edge.columns == 1 and g.draw:chance(0.5) then
      where[#where + 1] = ("%s IN (%s)"):format(pieces.column(sides.parent, edge.referred_columns[1]), select.text {
        columns = { pieces.column(g.base, edge.columns[1]) }, from = g:from(sides.inner), where = g:where(inner) })
    else
      where[#where + 1] = ("EXISTS (%s)"):format(correlated(g, sides, inner))
    end
    local some = role_of(sides.parent) and "some " or "at least one of the "
    return select.text { columns = sides.columns, from = g:from(sides.outer), where = where },
      ask_which(g, sides, outer, some .. g:nouns(inner))
  end)
end

--- --- without -------------------------------------------------------------------------------------

local function without_partner(g)
  local sides = take_sides(g)
  if not sides then return nil end
  local key = pieces.key(g.base)[1]
  local plain = #sides.inner == 1 and key and g.draw:chance(0.5) and not g.wanted
  if not plain and not deep_enough(g, sides) then return nil end
  local query, question = seen_from_parent(g, sides, function()
    if not plain and g.draw:chance(0.7) then g:filter(sides.inner) end
    if g.draw:chance(0.4) then g:filter(sides.outer) end
    if not g:cover() then return nil end
    local outer, inner = split(g, sides)
    local where, from = g:where(outer), g:from(sides.outer)
    if plain then
      where[#where + 1], from = key .. " IS NULL", left_joined(g, sides)
    else
      where[#where + 1] = ("NOT EXISTS (%s)"):format(correlated(g, sides, inner))
    end
    return select.text { columns = sides.columns, from = from, where = where },
      ask_which(g, sides, outer, "no " .. g:nouns(inner))
  end)
  if query and g:answers(query) then return query, question end
end

--- --- how many ------------------------------------------------------------------------------------

--- The parent's key and what is shown of it, each once.
local function group_of(sides)
  local group, seen = pieces.key(sides.parent), {}
  for _, expr in ipairs(group) do seen[expr] = true end
  for _, column in ipairs(sides.columns) do
    local expr = column:match("^(.-) AS ") or column
    if not seen[expr] then group[#group + 1] = expr end
  end
  return group
end

local function ask_how_many(g, sides, outer, inner)
  local role, all, many = role_of(sides.parent), all_parents(sides, outer), g:nouns(inner)
  if role then many = ("%s that have it as their %s"):format(many, role) end
  if not role and g.draw:chance(0.5) then
    return ("How many %s does each of the %s have? Include those with none, and show the %s and the number."):format(many, all,
      sides.shown)
  end
  return ("For each of the %s, count the %s, with zero where there are none. Show the %s and the number."):format(all, many,
    sides.shown)
end

local function counting_zero(g)
  local name = english.column(g.base.entity.noun) .. "_count"
  g:reserve(name)
  local sides = take_sides(g)
  if not sides or #sides.inner > 1 or #g.base.entity.key == 0 then return nil end
  return seen_from_parent(g, sides, function()
    if g.draw:chance(0.4) then g:filter(sides.outer) end
    local inside = g.draw:chance(0.4) and g:filter(sides.inner) or nil
    if not g:cover() then return nil end
    local outer, inner = split(g, sides)
    local count = ("count(%s) AS %s"):format(pieces.key(g.base)[1], catalog.quote(name))
    return select.text {
      columns = pieces.plus(sides.columns, { count }), from = left_joined(g, sides, inside and { conditions.sql(inside) }),
      where = g:where(outer), group = group_of(sides),
    }, ask_how_many(g, sides, outer, inner)
  end)
end

return {
  { name = "with_partner", weight = 1.5, make = with_partner, shows = { subquery = true } },
  { name = "without_partner", weight = 1.2, make = without_partner, shows = { subquery = true } },
  { name = "counting_zero", weight = 1.2, make = counting_zero },
}
