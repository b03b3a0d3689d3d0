--- rates: how fast an endpoint may be asked, by its own headers or by the configuration.
---
--- A rate is a bucket that fills evenly: what a call takes out must be there first. Headers say how much
--- is in it and how long it takes to be full again, which is also how fast it fills.

local rates = {}

---@class nlsql.Bucket
---@field room number      what it holds at most
---@field level number     what was in it at `at`; below 0: owed
---@field per_second number
---@field at number        seconds of the loop's clock
local Bucket = {}
Bucket.__index = Bucket

--- A bucket for a rate in the configuration: an even pace, of which a second's worth may come at once.
---@param per_minute number
---@param now number
---@return nlsql.Bucket
function rates.even(per_minute, now)
  local room = math.max(per_minute / 60, 1)
  return setmetatable({ room = room, level = room, per_second = per_minute / 60, at = now }, Bucket)
end

--- A bucket from what `rates.save` gave.
---@param saved table
---@return nlsql.Bucket
function rates.restored(saved) return setmetatable(saved, Bucket) end

local function fill(self, now)
  self.level = math.min(self.room, self.level + (now - self.at) * self.per_second)
  self.at = now
end

--- Seconds until `amount` may be taken. More than there is room for may be owed once it is full.
---@param amount number
---@param now number
---@return number
function Bucket:wait(amount, now)
  fill(self, now)
  local missing = math.min(amount, self.room) - self.level
  if missing <= 1e-9 then return 0 end
  return self.per_second > 0 and missing / self.per_second or math.huge
end

--- Takes, or gives back where `amount` is below 0.
---@param amount number
---@param now number
function Bucket:take(amount, now)
  fill(self, now)
  self.level = math.min(self.room, self.level - amount)
end

--- Takes over what a reply's headers said of the moment when it began; `bucket` is what was known, or nil.
---@param bucket nlsql.Bucket?
---@param told { limit: number, remaining: number, reset: number }
---@param began number
---@param now number
---@param since number  what calls took that began later
---@return nlsql.Bucket
function rates.told(bucket, told, began, now, since)
  local used = told.limit - told.remaining
  local per_second = used > 0 and told.reset > 0 and used / told.reset or bucket and bucket.per_second or told.limit / 60
  local level = math.min(told.limit, told.remaining + per_second * (now - began)) - since
  return setmetatable({ room = told.limit, level = level, per_second = per_second, at = now }, Bucket)
end

--- --- headers ---------------------------------------------------------------------------------

local UNITS = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }

--- Days since 1970 of a date: Howard Hinnant's days_from_civil.
local function days(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

--- Seconds from `wall` until a time such as 2026-03-01T12:00:30Z or …+01:00; nil where it is none.
local function until_time(written, wall)
  local y, mo, d, h, mi, s, zone = written:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](%d%d):(%d%d):(%d%d%.?%d*)(.*)$")
  if not y then return nil end
  local sign, zone_h, zone_m = zone:match("^([+-])(%d%d):?(%d%d)$")
  local shift = sign and (zone_h * 3600 + zone_m * 60) * (sign == "-" and -1 or 1) or 0
  if not sign and zone ~= "Z" and zone ~= "z" and zone ~= "" then return nil end
  local at = days(y // 1, mo // 1, d // 1) * 86400 + h * 3600 + mi * 60 + s - shift
  return math.max(at - wall, 0)
end

--- Seconds that a header's text means: "8.64s", "6m0s", "120ms", "1h2m3s", "30", or a time.
---@param written string?
---@param wall number  seconds since 1970 now
---@return number?
function rates.seconds(written, wall)
  if not written then return nil end
  written = written:match("^%s*(.-)%s*$")
  local plain = written:find("^%d+%.?%d*$") and tonumber(written)
  if plain then return plain end
  local total, at = 0, 1
  while at <= #written do
    local number, unit, behind = written:match("^(%d+%.?%d*)(%a+)()", at)
    if not number or not UNITS[unit] then return until_time(written, wall) end
    total, at = total + tonumber(number) * UNITS[unit], behind
  end
  return #written > 0 and total or nil
end

--- What each rate's headers are called: OpenAI's way and those who took it over, then Anthropic's.
local NAMES = {
  requests = { { "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests" },
    { "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset" } },
  tokens = { { "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens" },
    { "anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset" } },
}

--- What a reply's headers say of the rate of "requests" or "tokens"; nil where they say nothing that can
--- be used (Azure sends -1 where it has no number).
---@param header fun(name: string): string?
---@param what "requests"|"tokens"
---@param wall number
---@return { limit: number, remaining: number, reset: number }?
function rates.read(header, what, wall)
  for _, names in ipairs(NAMES[what]) do
    local limit, remaining = tonumber(header(names[1])), tonumber(header(names[2]))
    if limit and remaining and limit >= 1 and limit < 1e15 and remaining >= 0 then
      return { limit = limit, remaining = math.min(remaining, limit), reset = rates.seconds(header(names[3]), wall) or 0 }
    end
  end
end

return rates
