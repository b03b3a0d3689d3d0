--- dates: another day of the same month, another minute of the same hour.
---
--- Days go round within their month by a secret number, the same for all dates of that month; minutes within
--- their hour likewise. So questions about years, quarters, months and hours hold, two dates of one month are
--- mostly as far apart as before, no two dates share a stand-in, and none is its own.

local dates = {}

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function days_of(year, month)
  if month == 2 and (year % 4 == 0 and year % 100 ~= 0 or year % 400 == 0) then return 29 end
  return DAYS[month]
end

--- 1 to n - 1.
local function step(keyed, domain, value, n)
  local a, b, c = keyed:bytes(domain, value, 3):byte(1, 3)
  return 1 + (a << 16 | b << 8 | c) % (n - 1)
end

local function day_of(keyed, year, month, day, era)
  local n = days_of(tonumber(year), tonumber(month))
  if day < 1 or day > n then return nil end
  return (day - 1 + step(keyed, "month", year .. "-" .. month .. era, n)) % n + 1
end

--- The minute that stands for another. At midnight without minutes there is most likely no time at all: that
--- stays, and the other minutes of that hour go round without it.
local function minute_of(keyed, day, hour, minute, rest)
  local bare = hour == "00" and not rest:find("[1-9]")
  if bare and minute == 0 then return 0 end
  local low = bare and 1 or 0
  local n = 60 - low
  return (minute - low + step(keyed, bare and "bare hour" or "hour", day .. " " .. hour, n)) % n + low
end

--- The stand-in of a date or timestamp in ISO form, as PostgreSQL writes it; nil where it is none.
---@param keyed nlsql.Keyed
---@param value string
---@return string?
function dates.shift(keyed, value)
  if value == "infinity" or value == "-infinity" then return value end
  local year, month, day, rest = value:match("^(%d%d%d%d+)%-(%d%d)%-(%d%d)(.*)$")
  if not year or not DAYS[tonumber(month)] then return nil end
  local era = rest:match(" BC$") or ""
  local shifted = day_of(keyed, year, month, tonumber(day), era)
  if not shifted then return nil end
  local date = ("%s-%s-%02d"):format(year, month, shifted)
  local space, hour, minute, seconds, tail = rest:match("^([ T])(%d%d):(%d%d)([:%d%.]*)(.*)$")
  if not space then return rest == era and date .. rest or nil end
  local before = ("%s-%s-%s"):format(year, month, day)
  return ("%s%s%s:%02d%s%s"):format(date, space, hour, minute_of(keyed, before, hour, tonumber(minute), seconds), seconds, tail)
end

--- Is it the first moment of a month, as date_trunc gives it?
---@param value string
---@return boolean
function dates.begins_month(value)
  local time = value:match("^%d%d%d%d+%-%d%d%-01(.*)$")
  return time ~= nil and not time:gsub("[%+%-]%d%d:?%d?%d?$", ""):find("[1-9]")
end

return dates
