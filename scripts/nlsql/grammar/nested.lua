--- nested: queries in queries: above the average, averages of totals, set operations.

local english = require "nlsql.grammar.english"
local growth = require "nlsql.grammar.growth"
local conditions = require "nlsql.grammar.conditions"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"
local catalog = require "nlsql.catalog"

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

--- Rows above the average of all rows, or of those of the same parent.
local function above_average(g)
  local columns, names = label_of(g)
  local by = columns and g:take(NUMBERS, { own = true, filled = true })
  if not by then return nil end
  columns[#columns + 1], names[#names + 1] = g:output(by), english.name(by)
  local extra
  if g.draw:chance(0.4) then
    local more = g:take(SHOWN)
    if more then columns[#columns + 1], names[#names + 1] = g:output(more), english.name(more) end
    extra = more
  end
  local node = #g.tree.nodes > 1 and g.draw:chance(0.5) and g.tree.nodes[2] or nil
  if node and (node.parent ~= g.base or node.entity == g.base.entity) then node = nil end
  if node then g:use(node) end
  if not g:filters(1) then return nil end
  if extra then g:present(extra.node) end
  local up = g.draw:chance(0.7)
  local inner
  if node then
    local links = {}
    for i, name in ipairs(node.edge.columns) do
      links[i] = ("other.%s = %s.%s"):format(catalog.quote(name), node.alias, catalog.quote(node.edge.referred_columns[i]))
    end
    inner = ("SELECT avg(other.%s) FROM %s AS other WHERE %s"):format(catalog.quote(by.name), g.base.entity.ref,
      table.concat(links, " AND "))
  else
    inner = ("SELECT avg(%s) FROM %s"):format(catalog.quote(by.name), g.base.entity.ref)
  end
  local where = g:where()
  where[#where + 1] = ("%s %s (%s)"):format(by.expr, up and ">" or "<", inner)
  local text = select.text { columns = columns, from = g:from(), where = where }
  if not beyond(g, by, up, node) and not g:answers(text) then return nil end
  local among = node and ("all %s of the same %s"):format(g.base.entity.nouns, node.noun) or "all " .. g.base.entity.nouns
  local question = g.draw:pick { "Which %s have %s %s the average over %s? Show the %s.",
    "Find the %s that have %s %s the average over %s, and show the %s." }:format(g:nouns(), words.a(by.phrase),
    up and "above" or "below", among, words.all(names))
  return text, question
end

--- The average over groups of what each group has.
local function average_of_totals(g)
  local node = g:take_entity()
  local measure = node and g:measure { count = true, sum = true }
  if not measure or not g:filters(1) then return nil end
  local inner = select.text { columns = { growth.measure(measure) .. " AS total" }, from = g:from(), where = g:where(),
    group = growth.key(node) }
  local text = ("WITH totals AS (%s) SELECT round(%s, 2) AS average FROM totals"):format(inner,
    growth.exact(measure.attribute, "avg(total)"))
  local question
  if measure.fn == "count" then
    question = ("What is the average number of %s per %s, counting only %s that have any?"):format(g:nouns(), node.noun,
      words.plural(node.noun))
  else
    question = ("What is the %s of %s per %s on average, counting only %s that have any?"):format(english.measure(measure, ""),
      g:nouns(), node.noun, words.plural(node.noun))
  end
  return text, question .. " Round to two decimals."
end

--- Groups whose total is above the average group's.
local function above_average_total(g)
  local group = g:group("entity")
  local measure = group and g:measure { count = true, sum = true }
  if not measure or not g:filters(1) then return nil end
  local name = english.measure_column(measure, g.base.entity.noun)
  local columns, shown = table.move(group.columns, 1, #group.columns, 1, {}), {}
  for i, column in ipairs(columns) do shown[i] = column:match(" AS (.+)$") or column:match('("?[^."]+"?)$') end
  columns[#columns + 1] = ("%s AS %s"):format(growth.measure(measure), name)
  shown[#shown + 1] = name
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

local function set_operation(g)
  local group = g:group()
  if not group or not g:cover() then return nil end
  local shared = table.move(g.conditions, 1, #g.conditions, 1, {})
  local rows = g.rows
  local attribute = g:take(TOLD_APART, { nodes = group.node and g:rest(group.node) or nil })
  local first = attribute and conditions.on(g.draw, attribute, rows, APART)
  if not first then return nil end
  local second = conditions.on(g.draw, first.attribute, rows, { [first.name] = true })
  if not second or conditions.sql(second) == conditions.sql(first) then return nil end
  local operation = g.draw:weighted(OPERATIONS)
  local function part(condition)
    local list = table.move(shared, 1, #shared, 1, {})
    list[#list + 1] = condition
    return select.text { columns = group.columns, from = g:from(), where = g:where(list), group = group.node and group.by or nil }, list
  end
  -- by key too, or two rows with one name would count as one
  if group.node then
    local columns = growth.key(group.node)
    for _, column in ipairs(group.columns) do
      local plain = column:match("^(.-) AS ") or column
      local known = false
      for _, key in ipairs(columns) do known = known or key == plain end
      if not known then columns[#columns + 1] = column end
    end
    group.columns = columns
    group.shown = ("%s ID and the %s"):format(group.noun, group.shown)
  end
  local a, list_a = part(first)
  local b, list_b = part(second)
  local text = ("%s %s %s"):format(a, operation.word, b)
  if operation.word ~= "UNION" and not g:answers(text) then return nil end
  local nouns = g.base.entity.nouns
  return text, ("Which %s have %s%s %s %s%s? Show the %s."):format(group.nouns, nouns, english.that(list_a), operation.join,
    nouns, english.that(list_b), group.shown)
end

return {
  { name = "above_average", weight = 1.2, make = above_average },
  { name = "average_of_totals", weight = 1, make = average_of_totals },
  { name = "above_average_total", weight = 0.8, make = above_average_total },
  { name = "set_operation", weight = 1.2, make = set_operation },
}
