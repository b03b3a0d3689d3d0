--- shapes: the stand-in of a value, by its class.
---
--- A stand-in depends on the secret, the class and the value alone: on no order, and on nothing that went
--- before. Those in words hold 40 bits and more of a keyed hash, so that two of a million values meet about
--- once in two thousand runs; who keeps them (nlsql.anon) sees that, and asks for another: `try` says the
--- how-manieth.

local dates = require "nlsql.anon.dates"
local digits = require "nlsql.anon.digits"
local words = require "nlsql.anon.words"

local shapes = {}

--- Words of a text that have a stand-in, syllables and digits at most, syllables (or as much in digits) at least.
local MOST_WORDS, MOST_UNITS, LEAST_UNITS = 12, 60, 5

--- The pieces of a text: words, numbers, and what is between them.
local function pieces_of(value, most)
  local out, n_words, at = {}, 0, 1
  while at <= #value and n_words < most do
    local between = value:match("^[^%w\x80-\xff]+", at)
    local number = value:match("^%d+", at)
    local word = value:match("^[%a\x80-\xff][%a\x80-\xff']*", at)
    local found = between or number or word
    local kind = between and "between" or number and "number" or "word"
    if kind ~= "between" then n_words = n_words + 1 end
    out[#out + 1] = { kind = kind, text = found }
    at = at + #found
  end
  return out
end

--- Syllables by the length of a word: short ones stay short.
local function syllables(length) return length <= 2 and 1 or length <= 5 and 2 or length <= 9 and 3 or 4 end

--- How much of the hash each piece takes; longer words where it would be too little for all together.
local function share_out(pieces)
  local total, list = 0, {}
  for _, piece in ipairs(pieces) do
    if piece.kind == "word" then
      piece.n = syllables(utf8.len(piece.text) or #piece.text)
      list[#list + 1] = piece
      total = total + piece.n
    elseif piece.kind == "number" then
      total = total + #piece.text * 3 // 8
    end
  end
  local i = 0
  while total < LEAST_UNITS and #list > 0 do
    local piece = list[i % #list + 1]
    piece.n, total, i = piece.n + 1, total + 1, i + 1
  end
  return #list > 0
end

--- The text with invented words for its words, and other digits; nil where it holds none to go by.
local function disguised(bytes, value, most, kept)
  local pieces = pieces_of(value, most)
  if not share_out(pieces) then return nil end
  local out, at = {}, 1
  for i, piece in ipairs(pieces) do
    local left = MOST_UNITS - at
    if piece.kind == "between" or kept and kept(piece.text, i) then
      out[i] = piece.text:gsub("%s+", " "):sub(1, 3)
      if piece.kind ~= "between" then out[i] = piece.text end
    elseif piece.kind == "word" then
      local n = math.min(piece.n, left)
      out[i] = n > 0 and words.cased(words.word(bytes, at, n), piece.text) or ""
      at = at + n
    else
      out[i] = piece.text:sub(1, 6):gsub("()%d", function(place)
        at = math.min(at + 1, MOST_UNITS)
        return tostring((bytes:byte(at) + (place == 1 and 0 or 1)) % (place == 1 and 9 or 10) + (place == 1 and 1 or 0))
      end)
    end
  end
  return (table.concat(out):gsub("%s+$", ""))
end

local function hash(keyed, domain, value, try) return keyed:bytes(try > 0 and domain .. " " .. try or domain, value) end

local LEGAL = {}
for word in ("ab ag as bv co corp gbr gmbh inc kg limited llc llp ltd mbh nv oy plc pty sa sarl se spa srl"):gmatch("%a+") do
  LEGAL[word] = true
end

local function is_legal_form(word, place) return place > 1 and LEGAL[word:lower()] == true end

--- A host below .example (RFC 2606): of one host it is the same in mail and web addresses.
local function host_of(keyed, host, try)
  local www = host:match("^[wW][wW][wW]%.") or ""
  return www .. words.word(hash(keyed, "host", host:sub(#www + 1):lower(), try), 1, 4) .. ".example"
end

local function of_withheld(keyed, value, try)
  return "(" .. words.word(hash(keyed, "withheld", value, try), 1, 5) .. ")"
end

local function of_code(keyed, value, try)
  if value:find("[\x80-\xff]") then return of_withheld(keyed, value, try) end
  return digits.code(keyed, value, try > 0 and "code " .. try or "code") or value
end

--- All letters of an address count as the same in either case; its stand-in has the case of the value.
local function of_email(keyed, value, try)
  local name, host = value:match("^([^@%s]+)@([^@%s]+)$")
  if not name then return of_code(keyed, value, try) end
  local bytes = hash(keyed, "email", value:lower(), try)
  local own = disguised(bytes, name, 6) or words.word(bytes, 1, 5)
  return own .. "@" .. words.cased(host_of(keyed, host, try), host:find("%l") and "x" or "XX")
end

local function of_url(keyed, value, try)
  local scheme, rest = value:match("^(%a[%w+.-]*://)(.+)$")
  scheme, rest = scheme or "", rest or value
  local host, path = rest:match("^([^/?#]+)(.*)$")
  if not host then return of_code(keyed, value, try) end
  local out = scheme .. host_of(keyed, host:gsub("^.*@", ""):gsub(":%d+$", ""), try)
  if path == "" or path == "/" then
    -- what stands before the host or behind it told it from another address
    if host:find("[@:]") then out = out .. "/" .. words.word(hash(keyed, "url", value, try), 1, 5) end
    return out .. path
  end
  local bytes = hash(keyed, "url", value, try)
  local _, depth = path:gsub("/[^/?#]", "")
  local parts = {}
  for i = 1, math.max(1, math.min(depth, 4)) do parts[i] = words.word(bytes, i * 5 - 4, 5 - math.min(i, 3)) end
  parts[1] = words.word(bytes, 41, 5)
  return out .. "/" .. table.concat(parts, "/") .. (path:match("/$") or "")
end

local function of_uuid(keyed, value, try)
  local bytes = hash(keyed, "uuid", value:lower(), try)
  local at, half = 0, 0
  local template = value:lower()
  if not template:find("^%x+%-?%x*%-?%x*%-?%x*%-?%x+$") then return of_code(keyed, value, try) end
  local out = template:gsub("()%x", function(place)
    if place == 15 and template:find("^%x%x%x%x%x%x%x%x%-") then return template:sub(15, 15) end -- the version
    if place == 20 and template:find("^%x%x%x%x%x%x%x%x%-") then -- the variant
      at = at + 1
      return ("%x"):format(8 | bytes:byte(at) & 3)
    end
    half = half + 1
    local byte = bytes:byte(16 + half // 2)
    return ("%x"):format(half % 2 == 0 and byte >> 4 or byte & 15)
  end)
  return value:find("%u") and out:upper() or out
end

local function ipv4(keyed, value)
  local a, b, c, d, mask = value:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)(/?%d*)$")
  if not a then return nil end
  local number = tonumber(a) << 24 | tonumber(b) << 16 | tonumber(c) << 8 | tonumber(d)
  if number >= 1 << 32 then return nil end
  local bits = tonumber(mask:match("%d+")) or 32
  if bits > 32 then return nil end
  -- bits behind a network's own are zero, and stay so
  local free = number & (1 << (32 - bits)) - 1 == 0 and 32 - bits or 0
  local other = keyed:move("ip " .. free, number >> free, 1 << (32 - free)) << free
  return ("%d.%d.%d.%d%s"):format(other >> 24, other >> 16 & 255, other >> 8 & 255, other & 255, mask)
end

local function of_ip(keyed, value, try)
  local four = ipv4(keyed, value)
  if four then return four end
  if not value:find("^[%x:.]+:[%x:.]*/?%d*$") then return of_code(keyed, value, try) end
  local bytes, parts = hash(keyed, "ip", value:lower(), try), { "2001:db8" } -- RFC 3849
  for i = 1, 11, 2 do parts[#parts + 1] = ("%x"):format(bytes:byte(i) << 8 | bytes:byte(i + 1) | 1) end
  return table.concat(parts, ":") .. (value:match("/%d+$") or "")
end

local function of_mac(keyed, value)
  local hex = value:gsub("%X", "")
  if #hex > 15 or #hex < 2 then return of_code(keyed, value, 0) end
  local n = 1 << (4 * #hex)
  local other = ("%0" .. #hex .. "x"):format(keyed:move("mac " .. #hex, tonumber(hex, 16), n))
  local at = 0
  return (value:gsub("%x", function()
    at = at + 1
    return other:sub(at, at)
  end))
end

--- What a single value is, where its form says so without doubt: its stand-in is then the same as in a column
--- of that class.
---@param value string
---@return string? class
function shapes.looks(value)
  if #value > 200 or value:find("%s") then return nil end
  if value:find("^[^@%s<>]+@[^@%s<>]+%.%a%a+$") then return "email" end
  if value:find("^https?://[^%s]+$") then return "url" end
  if value:find("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$") then return "uuid" end
  if value:find("^%d+%.%d+%.%d+%.%d+$") then return "ip" end
  return nil
end

local LOOKS = { email = of_email, url = of_url, uuid = of_uuid, ip = of_ip }

local function of_text(keyed, value, try)
  local found = shapes.looks(value)
  if found then return LOOKS[found](keyed, value, try) end
  local is_code = value:find("%d") and not value:find("[%s\x80-\xff]") and #value <= 40
  return not is_code and disguised(hash(keyed, "text", value, try), value, MOST_WORDS) or of_code(keyed, value, try)
end

local function of_person(keyed, value, try)
  return disguised(hash(keyed, "person", value, try), value, 8) or of_text(keyed, value, try)
end

local function of_address(keyed, value, try)
  return disguised(hash(keyed, "address", value, try), value, 14) or of_code(keyed, value, try)
end

local function of_city(keyed, value, try)
  return disguised(hash(keyed, "city", value, try), value, 6) or of_text(keyed, value, try)
end

local function of_company(keyed, value, try)
  return disguised(hash(keyed, "company", value, try), value, 8, is_legal_form) or of_text(keyed, value, try)
end

local function of_phone(keyed, value, try) return digits.phone(keyed, value) or of_text(keyed, value, try) end

local function of_card(keyed, value, try) return digits.card(keyed, value) or of_code(keyed, value, try) end

local function of_amount(keyed, value)
  if not value:find("%d") then return value end -- NaN, Infinity
  return digits.amount(keyed, value)
end

local function of_coordinate(keyed, value) return digits.coordinate(keyed, value) end

local function of_date(keyed, value, try) return dates.shift(keyed, value) or of_withheld(keyed, value, try) end

--- A number that names something, in a column of numbers.
local function of_number(keyed, value) return digits.number(keyed, value) end

local OF = {
  address = of_address, amount = of_amount, card = of_card, city = of_city, code = of_code, company = of_company,
  coordinate = of_coordinate, date = of_date, email = of_email, ip = of_ip, mac = of_mac, number = of_number,
  person = of_person, phone = of_phone, text = of_text, url = of_url, uuid = of_uuid, withheld = of_withheld,
}

--- The stand-in of a value; the value itself where there is nothing in it to hide (no letter, no digit).
---@param keyed nlsql.Keyed
---@param class string    of nlsql.anon.classes, or "number"
---@param value string
---@param try integer?    from 1 on: another, since the one before belongs to somebody else
---@return string
function shapes.of(keyed, class, value, try) return OF[class](keyed, value, try or 0) end

return shapes
