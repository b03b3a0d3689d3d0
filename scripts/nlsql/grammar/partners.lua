--- partners: rows with, without and per partner: EXISTS, IN, anti-joins, left joins that count zero.
---
--- Seen from a table that the base refers to: customers and their orders, where the base is orders.

local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local growth = require "nlsql.grammar.growth"
local select = require "nlsql.grammar.select"
local tree = require "nlsql.grammar.tree"
local words = require "nlsql.grammar.words"
local catalog = require "nlsql.catalog"

local SHOWN = { category = true, number = true, year = true, date = true, text = true }

--- A table that the base refers to itself, with the nodes above it, and the nodes on the base's side.
local function sides(g)
  local able = {}
  for _, node in ipairs(g.tree.nodes) do
    if node.parent == g.base and #node.label > 0 and node.entity ~= g.base.entity then able[#able + 1] = node end
  end
  local parent = g.draw:pick(able)
  if not parent then return nil end
  g:use(parent)
  return parent, g:part(parent), g:rest(parent)
end

--- A condition on the parent's side is said from the parent's point of view: "customers whose
--- country is 'Norway'", not "whose customer's country".
local function from_parent(g, parent, part)
  local saved = {}
  for _, node in ipairs(part) do
    saved[node] = { node.noun, node.parent }
    if node == parent then
      node.noun, node.parent = node.entity.noun, nil
    else
      node.noun = tree.noun_for(g.tree.lexicon, parent.entity.ref, node)
    end
  end
  return function()
    for node, old in pairs(saved) do node.noun, node.parent = old[1], old[2] end
  end
end

local function split(g, part)
  local inside = {}
  for _, node in ipairs(part) do inside[node] = true end
  local outer, inner = {}, {}
  for _, condition in ipairs(g.conditions) do
    local list = inside[condition.attribute.node] and outer or inner
    list[#list + 1] = condition
  end
  return outer, inner
end

--- What of the parent is shown: its label and sometimes more.
local function shown_of(g, parent)
  local columns, names = {}, {}
  for i, attribute in ipairs(parent.label) do
    if g.used[attribute] then return nil end
    g.used[attribute] = true
    columns[i], names[i] = g:output(attribute), attribute.phrase
  end
  if g.draw:chance(0.4) or not parent.entity.named then
    local more = g:take(SHOWN, { nodes = { parent } })
    if more then columns[#columns + 1], names[#names + 1] = g:output(more), more.phrase end
  end
  return columns, words.all(names)
end

local function from_of(g, nodes, first)
  local list = { first }
  for _, node in ipairs(nodes) do
    if node ~= first then list[#list + 1] = node end
  end
  return g:from(list)
end

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

local function deep_enough(g, part, rest)
  return math.max(#part, #rest) >= g.least
end

local function with_partner(g)
  local parent, part, rest = sides(g)
  if not parent or not deep_enough(g, part, rest) then return nil end
  local columns, shown = shown_of(g, parent)
  local back = from_parent(g, parent, part)
  local ok = columns and g:cover(part) and (g.draw:chance(0.6) or g:filter(part)) and g:cover(rest)
  if ok and g.draw:chance(0.7) then ok = g:filter(rest) ~= nil and g:cover(rest) end
  if not ok then
    back()
    return nil
  end
  local outer, inner = split(g, part)
  local edge = parent.edge
  local single = #edge.columns == 1
  local where, inner_where = g:where(outer), g:where(inner)
  if single and g.draw:chance(0.5) then
    local column = growth.column(parent, edge.referred_columns[1])
    where[#where + 1] = ("%s IN (%s)"):format(column, select.text {
      columns = { growth.column(g.base, edge.columns[1]) }, from = from_of(g, rest, g.base), where = inner_where })
  else
    table.insert(inner_where, 1, tree.on(g.base.alias, parent.alias, edge))
    where[#where + 1] = ("EXISTS (%s)"):format(select.text { columns = { "1" }, from = from_of(g, rest, g.base), where = inner_where })
  end
  local text = select.text { columns = columns, from = from_of(g, part, parent), where = where }
  local question = g.draw:pick { "Which %s %s? Show the %s.", "Find the %s that %s, and show the %s." }
    :format(parent.entity.nouns .. english.that(outer), partner_verb(parent, (role_of(parent) and "some " or "at least one of the ") .. g:nouns(inner)), shown)
  back()
  return text, question
end

local function without_partner(g)
  local parent, part, rest = sides(g)
  if not parent then return nil end
  local columns, shown = shown_of(g, parent)
  local back = from_parent(g, parent, part)
  local text, question
  local plain = #rest == 1 and g.draw:chance(0.5)
  if columns and (plain or deep_enough(g, part, rest)) then
    g.rows = g.tree.rows
    local ok = g:cover(part) and g:cover(rest)
    if ok and not plain and g.draw:chance(0.7) then ok = g:filter(rest) ~= nil end
    if ok and g.draw:chance(0.4) then g:filter(part) end
    local outer, inner = split(g, part)
    local where, edge = g:where(outer), parent.edge
    if ok and plain and #inner == 0 and g.base.entity.key[1] then
      where[#where + 1] = growth.key(g.base)[1] .. " IS NULL"
      text = select.text { columns = columns, from = ("%s LEFT JOIN %s%s%s ON %s"):format(from_of(g, part, parent), g.base.entity.ref,
        g:as(), g.base.alias, tree.on(g.base.alias, parent.alias, edge)), where = where }
    elseif ok and deep_enough(g, part, rest) then
      local inner_where = g:where(inner)
      table.insert(inner_where, 1, tree.on(g.base.alias, parent.alias, edge))
      where[#where + 1] = ("NOT EXISTS (%s)"):format(select.text { columns = { "1" }, from = from_of(g, rest, g.base), where = inner_where })
      text = select.text { columns = columns, from = from_of(g, part, parent), where = where }
    end
    if text and g:answers(text) then
      question = g.draw:pick { "Which %s %s? Show the %s.", "Find the %s that %s, and show the %s." }
        :format(parent.entity.nouns .. english.that(outer), partner_verb(parent, "no " .. g:nouns(inner)), shown)
    end
  end
  back()
  if question then return text, question end
end

--- For each parent the number of its partners, zero where there is none.
local function counting_zero(g)
  local parent, part, rest = sides(g)
  if not parent or #rest > 1 or #g.base.entity.key == 0 then return nil end
  local columns, shown = shown_of(g, parent)
  local back = from_parent(g, parent, part)
  local text, question
  if columns and g:cover(part) then
    if g.draw:chance(0.4) then g:filter(part) end
    local inside = g.draw:chance(0.4) and g:filter { g.base } or nil
    local outer, inner = split(g, part)
    local role = role_of(parent)
    local many = g:nouns(inner) .. (role and (" that have it as their %s"):format(role) or "")
    local on = { tree.on(g.base.alias, parent.alias, parent.edge) }
    if inside then on[2] = conditions.sql(inside) end
    local name = english.column(g.base.entity.noun) .. "_count"
    local group, seen = growth.key(parent), {}
    for _, expr in ipairs(group) do seen[expr] = true end
    for i, column in ipairs(columns) do
      local expr = column:match("^(.-) AS ") or column
      if not seen[expr] then group[#group + 1] = expr end
      columns[i] = column
    end
    columns[#columns + 1] = ("count(%s) AS %s"):format(growth.key(g.base)[1], catalog.quote(name))
    text = select.text { columns = columns, from = ("%s LEFT JOIN %s%s%s ON %s"):format(from_of(g, part, parent), g.base.entity.ref,
      g:as(), g.base.alias, table.concat(on, " AND ")), where = g:where(outer), group = group }
    local all = parent.entity.nouns .. english.that(outer)
    if not role and g.draw:chance(0.5) then
      question = ("How many %s does each of the %s have? Include those with none, and show the %s and the number."):format(many,
        all, shown)
    else
      question = ("For each of the %s, count the %s, with zero where there are none. Show the %s and the number."):format(all,
        many, shown)
    end
  end
  back()
  if question then return text, question end
end

return {
  { name = "with_partner", weight = 1.5, make = with_partner },
  { name = "without_partner", weight = 1.2, make = without_partner },
  { name = "counting_zero", weight = 1.2, make = counting_zero },
}
