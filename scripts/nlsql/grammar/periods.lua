--- periods: what happened when: date_trunc, years, running totals, change from one period to the next.

local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local growth = require "nlsql.grammar.growth"
local select = require "nlsql.grammar.select"

local DATES = { date = true }
local ONLY_YEAR = { year = true }

--- A date of the base and the period that it is cut to; months within one year, most often.
local function period(g)
  local attribute = g:take(DATES, { own = true })
  if not attribute or not g:filled(attribute) then return nil end
  local unit = g.draw:weighted { { unit = "month", weight = 4 }, { unit = "quarter", weight = 1.5 }, { unit = "year", weight = 3 } }.unit
  local needs_year = unit ~= "year" and g.draw:chance(0.8)
  if needs_year or attribute.nullable then
    local condition, left = conditions.on(g.draw, attribute, g.rows, needs_year and ONLY_YEAR or { since = true })
    if not condition then return nil end
    g.conditions[#g.conditions + 1] = condition
    g.rows = left
  end
  local expr = ("date_trunc('%s', %s)"):format(unit, attribute.expr)
  if unit == "year" and g.draw:chance(0.6) then expr = ("EXTRACT(YEAR FROM %s)"):format(attribute.expr) end
  return { unit = unit, attribute = attribute, expr = expr,
    said = ("%s of the %s"):format(unit, attribute.phrase) }
end

local function measure_of(g)
  local measure = g:measure { count = true, sum = true, avg = true }
  return measure, measure and english.measure_column(measure, g.base.entity.noun)
end

local function what(g, measure)
  if measure.fn == "count" then return "the number of " .. g:nouns() end
  return ("the %s of %s"):format(english.measure(measure, ""), g:nouns())
end

local function ending(measure) return measure.round and " Round to two decimals." or "" end

local function per_period(g)
  local cut = period(g)
  local measure, name = measure_of(g)
  if not cut or not measure or not g:filters(1) then return nil end
  local s = { columns = { ("%s AS %s"):format(cut.expr, cut.unit), ("%s AS %s"):format(growth.measure(measure), name) },
    from = g:from(), where = g:where(), group = { g.draw:chance(0.5) and cut.expr or "1" } }
  local question = g.draw:pick { "For each %s, show %s", "Show, per %s, %s" }:format(cut.said, what(g, measure))
  if g.draw:chance(0.7) then
    s.order = { cut.unit }
    question = question .. ", in order of time"
  end
  return select.text(s), question .. "." .. ending(measure)
end

local function running(g)
  local cut = period(g)
  local measure = g:measure { count = true, sum = true }
  if not cut or not measure or not g:filters(1) then return nil end
  local name, text = english.measure_column(measure, g.base.entity.noun), growth.measure(measure)
  local s = { columns = { ("%s AS %s"):format(cut.expr, cut.unit), ("%s AS %s"):format(text, name),
    ("sum(%s) OVER (ORDER BY %s) AS running_total"):format(text, cut.expr) },
    from = g:from(), where = g:where(), group = { cut.expr }, order = { cut.unit } }
  return select.text(s), ("For each %s, show %s and its running total so far, in order of time."):format(cut.said, what(g, measure))
end

local function change(g)
  local cut = period(g)
  local measure = g:measure { count = true, sum = true }
  if not cut or not measure or not g:filters(1) then return nil end
  local name, text = english.measure_column(measure, g.base.entity.noun), growth.measure(measure)
  local s = { columns = { ("%s AS %s"):format(cut.expr, cut.unit), ("%s AS %s"):format(text, name),
    ("%s - lag(%s) OVER (ORDER BY %s) AS change"):format(text, text, cut.expr) },
    from = g:from(), where = g:where(), group = { cut.expr }, order = { cut.unit } }
  return select.text(s), ("For each %s, show %s and how much it differs from the %s before that has any, in order of time.")
    :format(cut.said, what(g, measure), cut.unit)
end

return {
  { name = "per_period", weight = 2.5, make = per_period },
  { name = "running_total", weight = 0.7, make = running },
  { name = "change", weight = 0.6, make = change },
}
