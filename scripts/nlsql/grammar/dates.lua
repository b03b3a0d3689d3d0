--- dates: calendar days as PostgreSQL writes them ("2021-03-09 12:00:00" and "2021-03-09") and as
--- people do ("9 March 2021").

local dates = {}

local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December" }

--- Year, month and day of a date or time stamp; nil for others ("infinity", years before 1000).
---@param value string
---@return integer?, integer?, integer?
function dates.parts(value)
  local year, month, day = value:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)")
  if not year or value:find("BC", 1, true) then return nil end
  return tonumber(year), tonumber(month), tonumber(day)
end

--- "9 March 2021".
---@param value string
function dates.spoken(value)
  local year, month, day = dates.parts(value)
  return ("%d %s %d"):format(day, MONTHS[month], year)
end

--- "March 2021".
function dates.month(year, month) return ("%s %d"):format(MONTHS[month], year) end

--- The day, without its time.
---@param value string
function dates.day(value) return value:sub(1, 10) end

--- "2024-02-29".
function dates.iso(year, month, day) return ("%04d-%02d-%02d"):format(year, month, day) end

--- Days since 1970-01-01 (Howard Hinnant: "chrono-compatible low-level date algorithms").
---@param value string
---@return integer
function dates.number(value)
  local y, m, d = dates.parts(value)
  if m <= 2 then y = y - 1 end
  local era = y // 400
  local of_era = y - era * 400
  local of_year = (153 * (m + (m > 2 and -3 or 9)) + 2) // 5 + d - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

--- The day of so many days since 1970-01-01.
---@param n integer
---@return string
function dates.of_number(n)
  n = n + 719468
  local era = n // 146097
  local of_era = n - era * 146097
  local year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
  local of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local shifted = (5 * of_year + 2) // 153
  local month = shifted + (shifted < 10 and 3 or -9)
  return dates.iso(year_of_era + era * 400 + (month <= 2 and 1 or 0), month, of_year - (153 * shifted + 2) // 5 + 1)
end

--- The day `n` days later.
---@param value string
---@param n integer
function dates.plus(value, n) return dates.of_number(dates.number(value) + n) end

return dates
