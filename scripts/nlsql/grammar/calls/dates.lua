--- Calls of functions on dates: EXTRACT, DATE_TRUNC, TO_CHAR, AGE, NOW, CURRENT_DATE, CURRENT_TIMESTAMP.
---
--- What the clock is asked for is bound to hold of rows that there are on the day it is written.

local dates = require "nlsql.grammar.dates"
local english = require "nlsql.grammar.english"
local frames = require "nlsql.grammar.frames"
local periods = require "nlsql.grammar.periods"
local profile = require "nlsql.grammar.profile"
local select = require "nlsql.grammar.select"

local DATES = { date = true }

local function date_of(g, wish) return frames.take(g, DATES, wish) end

local function has_time(a) return a.type:find("^timestamp") ~= nil end

--- --- EXTRACT ---------------------------------------------------------------------------------------

local FIELDS = {
  { field = "YEAR", noun = "year" },
  { field = "QUARTER", noun = "quarter (1 to 4)" },
  { field = "MONTH", noun = "month (1 to 12)" },
  { field = "DAY", noun = "day of the month" },
  { field = "ISODOW", noun = "day of the week (1 for Monday to 7 for Sunday)" },
  { field = "HOUR", noun = "hour (0 to 23)", time = true },
}

local function field_of(g, a)
  local field
  repeat field = g.draw:pick(FIELDS) until not field.time or has_time(a)
  local name = english.name(a)
  return { attribute = a, expr = ("EXTRACT(%s FROM %s)"):format(field.field, a.expr),
    column = (field.noun:gsub(" %(.*", "")), noun = ("%s of the %s"):format(field.noun, name),
    said = ("the %s of the %s"):format(field.noun, name) }
end

local function field_shown(g)
  local a = date_of(g)
  if not a then return nil end
  return frames.list(g, field_of(g, a))
end

local function field_counted(g)
  local a = date_of(g, { filled = true })
  if not a then return nil end
  return frames.groups(g, field_of(g, a))
end

local DAYS = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" }

--- 1 for Monday to 7 for Sunday: 1970-01-01 was a Thursday.
local function weekday(value) return (dates.number(value) + 3) % 7 + 1 end

local function is_day(value) return dates.parts(value) ~= nil end

local function field_compared(g)
  local a = date_of(g)
  local value = a and g.draw:pick(frames.values(g, a, is_day))
  if not value then return nil end
  local by_week = g.draw:chance(0.4)
  local _, month = dates.parts(value)
  local wanted = by_week and weekday(value) or month
  local kind = {
    values = { wanted },
    holds = function(values, other)
      if not is_day(other) then return false end
      local _, other_month = dates.parts(other)
      return values[1] == (by_week and weekday(other) or other_month)
    end,
    sql = function(values, expr)
      return ("EXTRACT(%s FROM %s) = %d"):format(by_week and "ISODOW" or "MONTH", expr, values[1])
    end,
    is = function(values)
      if by_week then return "is on a " .. DAYS[values[1]] end
      return ("is in %s of any year"):format(dates.month(2000, values[1]):match("^%a+"))
    end,
  }
  return frames.ask_of(g, a, kind)
end

--- --- DATE_TRUNC ------------------------------------------------------------------------------------

local UNITS = { "month", "quarter", "year", "week" }

local function truncated(g)
  local a = date_of(g)
  if not a then return nil end
  local unit, name = g.draw:pick(UNITS), english.name(a)
  return frames.list(g, { attribute = a, expr = ("date_trunc('%s', %s)"):format(unit, a.expr), column = name .. " " .. unit,
    said = ("the start of the %s of the %s"):format(unit, name) })
end

local PERIODS = {}
for _, construct in ipairs(periods) do PERIODS[construct.name] = construct.make end

--- --- TO_CHAR ---------------------------------------------------------------------------------------

local FORMATS = {
  { "YYYY-MM", "in the form YYYY-MM", "year and month (as YYYY-MM)" },
  { "DD.MM.YYYY", "in the form DD.MM.YYYY" },
  { "FMMonth YYYY", "as the month's name and the year", "month's name and year" },
  { "FMDay", "as the name of its day of the week", "name of the day of the week" },
  { "Mon DD, YYYY", "in the form Mon DD, YYYY" },
  { "YYYY/MM/DD", "in the form YYYY/MM/DD" },
}

local function date_written(g)
  local a = date_of(g)
  if not a then return nil end
  local format, name = g.draw:pick(FORMATS), english.name(a)
  return frames.list(g, { attribute = a, expr = ("to_char(%s, '%s')"):format(a.expr, format[1]), column = "written " .. name,
    said = ("the %s %s"):format(name, format[2]) })
end

local function written_counted(g)
  local a = date_of(g, { filled = true })
  if not a then return nil end
  local format
  repeat format = g.draw:pick(FORMATS) until format[3]
  return frames.groups(g, { attribute = a, expr = ("to_char(%s, '%s')"):format(a.expr, format[1]),
    column = (format[3]:gsub(" %(.*", "")), noun = ("%s of the %s"):format(format[3], english.name(a)) })
end

local NUMBERS = { number = true }

local function number_written(g)
  local a = frames.take(g, NUMBERS)
  if not a then return nil end
  return frames.list(g, { attribute = a, expr = ("to_char(%s, 'FM999,999,999,990.00')"):format(a.expr),
    column = "written " .. english.name(a),
    said = ("the %s with two decimals and commas between thousands"):format(english.name(a)) })
end

--- --- the clock -------------------------------------------------------------------------------------

--- The server's day, asked once a run.
local function today(g)
  return profile.once(g.tree.lexicon.trees, "\0today", function() -- no table's name
    return g:ask("SELECT to_char(CURRENT_DATE, 'YYYY-MM-DD')")[1][1]
  end)
end

--- Is every row's date over?
local function is_past(g, a)
  local now = today(g)
  for _, value in ipairs(frames.values(g, a)) do
    if not is_day(value) or value >= now then return false end
  end
  return true
end

--- The same day so many years before; 29 February becomes the 28th, as PostgreSQL has it.
local function years_before(day, n)
  local year, month, date = dates.parts(day)
  if month == 2 and date == 29 then date = 28 end
  return dates.iso(year - n, month, date)
end

--- Rows whose date is within the last N years, or more than N years ago, by what some rows have.
local function clock_compared(clock, up_to, before)
  return function(g)
    local a = date_of(g)
    local value = a and g.draw:pick(frames.values(g, a, function(v) return is_day(v) and v < today(g) end))
    if not value then return nil end
    local now = today(g)
    local n = dates.parts(now) - dates.parts(value) + 1
    local within = g.draw:chance(0.55)
    if not within then n = n - 2 end
    if n < 1 then return nil end
    local span = ("INTERVAL '%d year%s'"):format(n, n > 1 and "s" or "")
    local years = n > 1 and n .. " years" or "year"
    local kind = {
      values = { years_before(now, n), dates.plus(now, 1) },
      holds = function(values, other)
        if within then return other >= values[1] and other < values[2] end
        return other < values[1]
      end,
      sql = function(_, expr)
        if within then return ("%s BETWEEN %s - %s AND %s"):format(expr, clock, span, clock) end
        return ("%s < %s - %s"):format(expr, clock, span)
      end,
      is = function()
        if within then return ("is within the last %s %s"):format(years, up_to) end
        return ("is more than %s %s"):format(n > 1 and years or "1 year", before)
      end,
    }
    return frames.ask_of(g, a, kind)
  end
end

--- How long ago each is.
local function clock_shown(clock, in_days)
  return function(g)
    local a = date_of(g)
    if not a or not is_past(g, a) then return nil end
    local name = english.name(a)
    if in_days then
      return frames.list(g, { attribute = a, expr = ("EXTRACT(DAY FROM %s - %s)"):format(clock, a.expr), column = "days ago",
        said = ("how many whole days ago the %s was"):format(name) })
    end
    return frames.list(g, { attribute = a, expr = ("%s - %s"):format(clock, a.expr), column = "time since " .. name,
      said = ("the time that has passed from the %s until now"):format(name) })
  end
end

local function days_to_today(g)
  local a = date_of(g)
  if not a then return nil end
  local day = has_time(a) and a.expr .. "::date" or a.expr
  return frames.list(g, { attribute = a, expr = ("CURRENT_DATE - %s"):format(day), column = "days until today",
    said = ("the number of days from the %s until today"):format(english.name(a)) })
end

local function years_to_now(clock)
  return function(g)
    local a = date_of(g, { filled = true })
    if not a then return nil end
    local value = { attribute = a, expr = ("EXTRACT(YEAR FROM %s) - EXTRACT(YEAR FROM %s)"):format(clock, a.expr),
      column = "calendar years",
      noun = ("difference between the current calendar year and that of the %s"):format(english.name(a)) }
    value.said = "the " .. value.noun
    return (g.draw:chance(0.5) and frames.groups or frames.list)(g, value)
  end
end

--- The earliest or latest, as seen from today.
local function since_last(clock)
  return function(g)
    local a = date_of(g)
    if not a or not is_past(g, a) or not g:filters(1) or not frames.occurs(g, a) then return nil end
    local last, name = g.draw:chance(0.6), english.name(a)
    local column = frames.column(g, ("%s - %s(%s)"):format(clock, last and "max" or "min", a.expr),
      ("time since %s %s"):format(last and "last" or "first", name))
    return select.text { columns = { column }, from = g:from(), where = g:where() },
      ("How much time has passed from the %s %s of %s until now?"):format(last and "latest" or "earliest", name, g:nouns())
  end
end

--- --- AGE -------------------------------------------------------------------------------------------

local function age_shown(g)
  local a = date_of(g)
  if not a or not is_past(g, a) then return nil end
  local name = english.name(a)
  if g.draw:chance(0.5) then
    return frames.list(g, { attribute = a, expr = ("EXTRACT(YEAR FROM age(%s))"):format(a.expr), column = "full years",
      said = ("the number of full years from the %s until today"):format(name) })
  end
  return frames.list(g, { attribute = a, expr = ("age(%s)"):format(a.expr), column = "age of " .. name,
    said = ("the time from the %s until today, in years, months and days"):format(name) })
end

--- From one date of a row to another.
local function age_between(g)
  local a = date_of(g)
  local b = a and date_of(g, { test = function(one) return one.type == a.type end })
  if not b then return nil end
  local before, after = 0, 0
  for _, row in ipairs(g.rows) do
    local x, y = row[a.at], row[b.at]
    if x and y and x < y then before = before + 1 elseif x and y and x > y then after = after + 1 end
  end
  if before + after == 0 or (before > 0 and after > 0) then return nil end
  if after > 0 then a, b = b, a end
  return frames.list(g, { attribute = b, expr = ("age(%s, %s)"):format(b.expr, a.expr), column = "time between",
    said = ("the time from the %s to the %s, in years, months and days"):format(english.name(a), english.name(b)) })
end

local function age_compared(g)
  local a = date_of(g)
  local value = a and g.draw:pick(frames.values(g, a, function(v) return is_day(v) and v < today(g) end))
  if not value then return nil end
  local n = dates.parts(today(g)) - dates.parts(value) - 1
  if n < 1 then return nil end
  local kind = {
    values = { years_before(today(g), n) },
    holds = function(values, other) return other < values[1] end,
    sql = function(_, expr) return ("age(%s) > INTERVAL '%d year%s'"):format(expr, n, n > 1 and "s" or "") end,
    is = function() return ("is more than %d year%s before today"):format(n, n > 1 and "s" or "") end,
  }
  return frames.ask_of(g, a, kind)
end

return {
  extract = { { 2, field_shown }, { 3, field_counted }, { 3, field_compared } },
  date_trunc = { { 2, truncated }, { 4, PERIODS.per_period }, { 1, PERIODS.running_total }, { 1, PERIODS.change } },
  to_char = { { 3, date_written }, { 3, written_counted }, { 1.5, number_written } },
  now = { { 2, clock_shown("now()", true) }, { 1, clock_shown("now()") }, { 3, clock_compared("now()", "up to now", "ago") },
    { 1, years_to_now("now()") }, { 1, since_last("now()") } },
  current_timestamp = { { 1, clock_shown("CURRENT_TIMESTAMP", true) }, { 2, clock_shown("CURRENT_TIMESTAMP") },
    { 3, clock_compared("CURRENT_TIMESTAMP", "up to now", "ago") }, { 1, years_to_now("CURRENT_TIMESTAMP") },
    { 1, since_last("CURRENT_TIMESTAMP") } },
  current_date = { { 3, days_to_today }, { 3, clock_compared("CURRENT_DATE", "up to today", "before today") },
    { 1, years_to_now("CURRENT_DATE") } },
  age = { { 3, age_shown }, { 2, age_between }, { 2, age_compared } },
}
