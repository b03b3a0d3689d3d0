--- digits: stand-ins that are numbers: telephone and card numbers, numbers that name something, amounts,
--- coordinates. All but very long codes are permutations, so that no two values share a stand-in.

local digits = {}

--- Digits that one permutation takes at most: 10^18 is below 2^62.
local MOST = 18

local POWERS = { [0] = 1 }
for i = 1, MOST do POWERS[i] = POWERS[i - 1] * 10 end

--- The text with its digits from the `first`-th on in another secret order.
local function moved(keyed, domain, all, first)
  local tail = all:sub(first)
  local n = #tail
  if n == 0 then return all end
  local place = keyed:move(("%s %d %s"):format(domain, n, all:sub(1, first - 1)), tonumber(tail) --[[@as integer]], POWERS[n])
  return all:sub(1, first - 1) .. ("%0" .. n .. "d"):format(place)
end

--- The text with other digits in the places of its own.
local function refilled(value, all)
  local at = 0
  return (value:gsub("%d", function()
    at = at + 1
    return all:sub(at, at)
  end))
end

--- A telephone number: all digits moved, behind 000, which begins no real one. Nil where it is none.
---@param keyed nlsql.Keyed
---@param value string
---@return string?
function digits.phone(keyed, value)
  local all = value:gsub("%D", "")
  if #all < 3 or #all > MOST or value:find("[^%d%s%+%-%./()x#e]") then return nil end
  local filled = refilled(value, moved(keyed, "phone", all, 1))
  return (filled:gsub("%d", "000%0", 1))
end

--- The sum of Luhn over digits whose last is doubled first.
local function luhn(all)
  local sum, double = 0, true
  for i = #all, 1, -1 do
    local d = all:byte(i) - 48
    if double then d = d * 2 > 9 and d * 2 - 9 or d * 2 end
    sum, double = sum + d, not double
  end
  return sum
end

--- Has the number 12 to 19 digits, and is the last its check digit?
---@param all string digits
---@return boolean
function digits.is_card(all)
  return #all >= 12 and #all <= 19 and (luhn(all:sub(1, -2)) + all:byte(-1) - 48) % 10 == 0
end

--- A card number: the first digit stays, the check digit is right. Nil where it is none.
---@param keyed nlsql.Keyed
---@param value string
---@return string?
function digits.card(keyed, value)
  local all = value:gsub("%D", "")
  if value:find("[^%d%s%-]") or not digits.is_card(all) then return nil end
  local body = moved(keyed, "card", all:sub(1, -2), 2)
  return refilled(value, body .. (10 - luhn(body) % 10) % 10)
end

--- A number that names something, in a column of numbers: as many digits, the first no zero.
---@param keyed nlsql.Keyed
---@param value string
---@return string
function digits.number(keyed, value)
  local sign, all, rest = value:match("^(%-?)(%d+)(.*)$")
  if not all or #all > MOST then return value:gsub("%d", "0") end
  local least = #all > 1 and POWERS[#all - 1] or 0
  local n = POWERS[#all] - least
  local number = tonumber(all) --[[@as integer]]
  if number < least then return moved(keyed, "number", all, 1) end -- leading zeros
  return sign .. math.tointeger(least + keyed:move("number " .. #all, number - least, n)) .. rest
end

--- An amount: all digits behind its first two are moved; one of two digits or fewer stays.
---@param keyed nlsql.Keyed
---@param value string
---@return string
function digits.amount(keyed, value)
  local mantissa, exponent = value:match("^([^eE]*)([eE].*)$")
  mantissa, exponent = mantissa or value, exponent or ""
  local all = mantissa:gsub("%D", "")
  local zeros = #all:match("^0*")
  local first = zeros + 3 -- behind the first two that count
  if #all < first then return value end
  local last = math.min(#all, first + MOST - 1)
  local done = moved(keyed, "amount " .. #mantissa:match("^[^.]*"), all:sub(1, last), first)
  return refilled(mantissa, done .. all:sub(last + 1)) .. exponent
end

--- A coordinate: whole degrees stay.
---@param keyed nlsql.Keyed
---@param value string
---@return string
function digits.coordinate(keyed, value)
  local whole, part = value:match("^(%-?%d+)%.(%d+)$")
  if not whole then return value end
  local last = math.min(#part, MOST)
  return ("%s.%s%s"):format(whole, moved(keyed, "coordinate " .. whole, part:sub(1, last), 1), part:sub(last + 1))
end

--- Letters and digits by what may stand in their place.
local KINDS = { { "%d", 48, 10 }, { "%u", 65, 26 }, { "%l", 97, 26 } }

local function kind_of(c)
  for _, kind in ipairs(KINDS) do
    if c:find(kind[1]) then return kind end
  end
end

--- A longer code, whose letters and digits no one number holds: from a hash.
local function long_code(keyed, domain, value)
  local bytes = keyed:bytes(domain, value)
  local at = 0
  return "X" .. value:sub(1, 60):gsub("%w", function(c)
    local kind = kind_of(c)
    at = at % 64 + 1
    return string.char(kind[2] + bytes:byte(at) % kind[3])
  end)
end

--- A code behind an X: letters for letters, digits for digits, all in another secret order. Nil where there is
--- none of either.
---@param keyed nlsql.Keyed
---@param value string
---@param domain string
---@return string?
function digits.code(keyed, value, domain)
  local n, number, form = 1, 0, {}
  for c in value:gmatch("%w") do
    local kind = kind_of(c)
    if n > (1 << 62) // kind[3] then return long_code(keyed, domain, value) end
    number, n, form[#form + 1] = number * kind[3] + c:byte() - kind[2], n * kind[3], kind
  end
  if n == 1 then return nil end
  local pattern = value:gsub("%d", "9"):gsub("%u", "A"):gsub("%l", "a")
  local place = keyed:move(("%s %s"):format(domain, pattern):sub(1, 150), number, n)
  local out = {}
  for i = #form, 1, -1 do
    out[i], place = string.char(form[i][2] + place % form[i][3]), place // form[i][3]
  end
  local at = 0
  return "X" .. value:gsub("%w", function()
    at = at + 1
    return out[at]
  end)
end

return digits
