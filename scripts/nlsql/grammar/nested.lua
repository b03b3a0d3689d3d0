--- nested: queries in queries: above the average, averages of totals, set operations.

local catalog = require "nlsql.catalog"
local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"

local NUMBERS = { number = true }
local SHOWN = { category = true, label = true, number = true, year = true, date = true }

local function label_of(g)
  local columns, names = {}, {}
  for i, attribute in ipairs(g.base.label) do
    if g.used[attribute] then return nil end
    g.used[attribute] = true
    columns[i], names[i] = g:output(attribute), english.name(attribute)
  end
  return #columns > 0 and columns or nil, names
end

--- Does a sampled row lie above (below) the average of all rows? Of a parent's rows it is not known.
local function beyond(g, by, up, node)
  if node or not by.mean then return false end
  for _, row in ipairs(g.rows) do
    local value = row[by.at]
    if up and value > by.mean or not up and value < by.mean then return true end
  end
  return false
end

--- A table that the base refers to, whose rows the average may be taken over; nil: over all rows.
local function take_peers(g)
  local node = #g.tree.nodes > 1 and g.draw:chance(0.5) and g.tree.nodes[2] or nil
  if not node or node.entity == g.base.entity then return nil end
  g:use(node)
  return node
end

--- The average of an attribute over all rows, or over those with the same parent, as a query.
local function average_of(g, attribute, node)
  if not node then return ("SELECT avg(%s) FROM %s"):format(attribute.sql, g.base.entity.ref) end
  local links = {}
  for i, name in ipairs(node.edge.columns) do
    links[i] = ("other.%s = %s"):format(catalog.quote(name), pieces.column(node, node.edge.referred_columns[i]))
  end
  return ("SELECT avg(other.%s) FROM %s AS other WHERE %s"):format(attribute.sql, g.base.entity.ref,
    table.concat(links, " AND "))
end

local function above_average(g)
  local columns, names = label_of(g)
  local by = columns and g:take(NUMBERS, { own = true, filled = true })
  if not by then return nil end
  columns[#columns + 1], names[#names + 1] = g:output(by), english.name(by)
  local more = g.draw:chance(0.4) and g:take(SHOWN) or nil
  if more then columns[#columns + 1], names[#names + 1] = g:output(more), english.name(more) end
  local node, up = take_peers(g), g.draw:chance(0.7)
  if not g:filters(1) then return nil end
  if more then g:present(more.node) end
  local where = pieces.plus(g:where(), { ("%s %s (%s)"):format(by.expr, up and ">" or "<", average_of(g, by, node)) })
  local text = select.text { columns = columns, from = g:from(), where = where }
  if not beyond(g, by, up, node) and not g:answers(text) then return nil end
  local among = "all " .. g.base.entity.nouns .. (node and " of the same " .. node.noun or "")
  local what = ("%s %s the average over %s"):format(words.a(by.phrase), up and "above" or "below", among)
  return text, g.draw:pick {
    ("Which %s have %s? Show the %s."):format(g:nouns(), what, words.all(names)),
    ("Find the %s that have %s, and show the %s."):format(g:nouns(), what, words.all(names)),
  }
end

--- The average over groups of what each group has.
local function average_of_totals(g)
  local node = g:take_entity()
  local measure = node and g:measure { count = true, sum = true }
  if not measure or not g:filters(1) then return nil end
  local inner = select.text { columns = { pieces.measure(measure) .. " AS total" }, from = g:from(), where = g:where(),
    group = pieces.key(node) }
  local text = ("WITH totals AS (%s) SELECT round(%s, 2) AS average FROM totals"):format(inner,
    pieces.exact(measure.attribute, "avg(total)"))
  local what = ("number of %s per %s"):format(g:nouns(), node.noun)
  if measure.fn ~= "count" then
    what = ("over %s of the %s of %s"):format(words.plural(node.noun), english.measure(measure, ""), g:nouns())
  end
  return text, ("What is the average %s, counting only %s that have any? Round to two decimals."):format(what,
    words.plural(node.noun))
end

--- Groups whose total is above the average group's.
local function above_average_total(g)
  local group = g:group("entity")
  local measure = group and g:measure { count = true, sum = true }
  if not measure or not g:filters(1) then return nil end
  local columns = pieces.plus(group.columns, g:measured { measure })
  local name, shown = measure.column, pieces.result_names(columns)
  local inner = select.text { columns = columns, from = g:from(), where = g:where(), group = group.by }
  local text = ("WITH totals AS (%s) SELECT %s FROM totals WHERE %s > (SELECT avg(%s) FROM totals)"):format(inner,
    table.concat(shown, ", "), name, name)
  if not g:answers(text) then return nil end
  local what = measure.fn == "count" and "more " .. g:nouns() .. " than"
    or ("a higher %s of %s than"):format(english.measure(measure, ""), g:nouns())
  return text, ("Which %s have %s the average %s that has any? Show the %s and the %s."):format(group.nouns, what, group.noun,
    group.shown, english.measure(measure, g.base.entity.nouns))
end

--- --- set operations ------------------------------------------------------------------------------

local OPERATIONS = {
  { word = "INTERSECT", weight = 2, join = "and also" }, { word = "EXCEPT", weight = 2, join = "but no" },
  { word = "UNION", weight = 1, join = "or" },
}

--- Conditions of which two with other values say two things.
local TOLD_APART = { category = true, date = true, array = true, label = true }
local APART = { eq = true, year = true, month = true, has = true }

--- Two conditions on one attribute of the nodes, with different values.
local function two_conditions(g, nodes)
  local attribute = g:take(TOLD_APART, { nodes = nodes })
  local first = attribute and conditions.on(g.draw, attribute, g.rows, APART)
  local second = first and conditions.on(g.draw, attribute, g.rows, { [first.name] = true })
  if second and english.condition(second) ~= english.condition(first) then return first, second end
end

--- Rows of a group's table by their key too, or two with one name would count as one.
local function with_key(group)
  local columns, seen = pieces.key(group.node), {}
  for _, key in ipairs(columns) do seen[key] = true end
  for _, column in ipairs(group.columns) do
    if not seen[column:match("^(.-) AS ") or column] then columns[#columns + 1] = column end
  end
  group.columns = columns
  group.shown = ("%s ID and the %s"):format(group.noun, group.shown)
end

local function set_operation(g)
  local group = g:group()
  if not group or not g:cover() then return nil end
  local first, second = two_conditions(g, group.node and g:rest(group.node) or nil)
  if not first then return nil end
  if group.node then with_key(group) end
  local nouns = g.base.entity.nouns
  local function part(condition)
    local list = pieces.plus(g.conditions, { condition })
    return select.text { columns = group.columns, from = g:from(), where = g:where(list), group = group.node and group.by },
      nouns .. english.that(list)
  end
  local a, those_a = part(first)
  local b, those_b = part(second)
  local operation = g.draw:weighted(OPERATIONS)
  local text = ("%s %s %s"):format(a, operation.word, b)
  if operation.word ~= "UNION" and not g:answers(text) then return nil end
  return text, ("Which %s have %s %s %s? Show the %s."):format(group.nouns, those_a, operation.join, those_b, group.shown)
end

return {
  { name = "above_average", weight = 1.2, make = above_average, shows = { subquery = true } },
  { name = "average_of_totals", weight = 1, make = average_of_totals, shows = { cte = true } },
  { name = "above_average_total", weight = 0.8, make = above_average_total, shows = { cte = true, subquery = true } },
  { name = "set_operation", weight = 1.2, make = set_operation, shows = { set_operation = true } },
}
