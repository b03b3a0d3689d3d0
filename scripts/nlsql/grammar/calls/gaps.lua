--- Calls of COALESCE and NULLIF: values that are missing, and values that count as if they were.

local english = require "nlsql.grammar.english"
local frames = require "nlsql.grammar.frames"
local kinds = require "nlsql.grammar.kinds"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"

local ANY = { label = true, text = true, category = true, number = true, year = true, date = true }
local NUMBERS, CATEGORIES = { number = true }, { category = true }

local function as_text(a) return a.labels and a.expr .. "::text" or a.expr end

local function is_nullable(a) return a.nullable and not a.json end

--- An attribute of the base of which some rows have no value.
local function nullable(g, roles, test)
  return g:take(roles, { own = true, test = function(a) return is_nullable(a) and (not test or test(a)) end })
end

--- --- COALESCE --------------------------------------------------------------------------------------

local INSTEAD = { "unknown", "none", "n/a", "not given" }

--- What stands in for a missing value, in SQL and in words.
local function stand_in(g, a)
  if a.role == "number" then return ("coalesce(%s, 0)"):format(a.expr), "0" end
  if a.role == "date" or a.role == "year" then
    local b = frames.take(g, { [a.role] = true }, { filled = true, test = function(one) return one.type == a.type end })
    if b then return ("coalesce(%s, %s)"):format(a.expr, b.expr), "the " .. english.name(b) end
    local word = g.draw:pick(INSTEAD)
    return ("coalesce(%s::text, '%s')"):format(a.expr, word), kinds.quoted(word)
  end
  local word = g.draw:pick(INSTEAD)
  return ("coalesce(%s, '%s')"):format(as_text(a), word), kinds.quoted(word)
end

local function filled_in(g)
  local a = nullable(g, ANY)
  if not a then return nil end
  local expr, instead = stand_in(g, a)
  local name = english.name(a)
  -- rows that lack it may not be left out, so the sample is asked for no value of it
  return frames.list(g, { expr = expr, column = name .. " or other",
    said = ("the %s (or %s where there is none)"):format(name, instead) })
end

local function filled_groups(g)
  local a = nullable(g, CATEGORIES)
  if not a then return nil end
  local word = g.draw:pick(INSTEAD)
  return frames.groups(g, { expr = ("coalesce(%s, '%s')"):format(as_text(a), word), column = english.name(a),
    noun = ("%s (taking a missing one as '%s')"):format(english.name(a), word) })
end

--- The average or sum over all rows, those without a number included as 0.
local function filled_measure(g)
  local a = nullable(g, NUMBERS)
  if not a or not g:filters(1) then return nil end
  local name = english.name(a)
  local sum = a.additive and g.draw:chance(0.4)
  local expr = ("%s(coalesce(%s, 0))"):format(sum and "sum" or "avg", a.expr)
  if not sum then
    expr = ("round(%s, 2)"):format((a.type == "real" or a.type == "double precision") and expr .. "::numeric" or expr)
  end
  local column = frames.column(g, expr, (sum and "total " or "average ") .. name)
  return select.text { columns = { column }, from = g:from(), where = g:where() },
    ("What is the %s %s of %s, counting a missing %s as 0?%s"):format(sum and "total" or "average", name, g:nouns(), name,
      sum and "" or " Round to two decimals.")
end

--- The average of a number of which no row lacks one, by a group that some lack.
local function number_groups(g)
  local a = nullable(g, CATEGORIES)
  local measure = a and g:measure()
  if not measure or not g:filters(1) then return nil end
  local word = g.draw:pick(INSTEAD)
  local expr = ("coalesce(%s, '%s')"):format(as_text(a), word)
  local column = frames.column(g, expr, english.name(a))
  local measured = g:measured { measure }
  local s = { columns = { column, measured[1] }, from = g:from(), where = g:where(), group = { expr } }
  return select.text(s), ("For each %s (taking a missing one as '%s'), show the %s%s.%s"):format(english.name(a), word,
    english.measure(measure, g:nouns()), measure.fn == "count" and "" or " of " .. g:nouns(), english.rounding { measure })
end

--- --- NULLIF ----------------------------------------------------------------------------------------

--- A value to be taken as missing, as SQL writes it and as a question does.
local function taken_out(g, a)
  if a.role == "number" then
    local value = g.draw:pick(frames.values(g, a, function(v) return #kinds.number(v) <= 8 end))
    for _, one in ipairs(frames.values(g, a)) do
      if one == 0 then value = one end -- what people mean most often
    end
    return value and kinds.number(value), value and kinds.number(value)
  end
  local value = g.draw:pick(frames.values(g, a, kinds.sayable))
  return value and kinds.text(value), value and kinds.quoted(value)
end

local MORE_THAN_ONE = 2

local function blanked(g)
  local a = frames.take(g, { category = true, number = true })
  if not a then return nil end
  local literal, said = taken_out(g, a)
  if not literal or #frames.values(g, a) < MORE_THAN_ONE then return nil end
  local name = english.name(a)
  return frames.list(g, { attribute = a, expr = ("nullif(%s, %s)"):format(a.expr, literal), column = name .. " or nothing",
    said = ("the %s (with nothing in its place where it is %s)"):format(name, said) })
end

local function average_without(g)
  local a = frames.take(g, NUMBERS)
  if not a or not g:filters(1) then return nil end
  local literal, said = taken_out(g, a)
  if not literal or #frames.values(g, a) < MORE_THAN_ONE then return nil end
  local name, expr = english.name(a), ("avg(nullif(%s, %s))"):format(a.expr, literal)
  if a.type == "real" or a.type == "double precision" then expr = expr .. "::numeric" end
  local column = frames.column(g, ("round(%s, 2)"):format(expr), "average " .. name)
  return select.text { columns = { column }, from = g:from(), where = g:where() },
    ("What is the average %s of %s, leaving out every %s of %s? Round to two decimals."):format(name, g:nouns(), name, said)
end

--- Counts those that have another value.
local function counted_without(g)
  local a = frames.take(g, CATEGORIES)
  if not a or not g:filters(1) then return nil end
  local literal, said = taken_out(g, a)
  if not literal or #frames.values(g, a) < MORE_THAN_ONE then return nil end
  local name = english.name(a)
  local column = frames.column(g, ("count(nullif(%s, %s))"):format(a.expr, literal), g.base.entity.noun .. " count")
  return select.text { columns = { column }, from = g:from(), where = g:where() },
    ("How many %s have %s that is not %s?"):format(g:nouns(), words.a(name), said)
end

return {
  coalesce = { { 4, filled_in }, { 2, filled_groups }, { 2, filled_measure }, { 1, number_groups } },
  nullif = { { 3, blanked }, { 2, average_without }, { 2, counted_without } },
}
