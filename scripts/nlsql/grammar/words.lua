--- words: English for names: identifiers into words, plurals, articles, lists.

local words = {}

--- The words of a text as a set.
---@param text string
---@return table<string, boolean>
function words.set(text)
  local out = {}
  for word in text:gmatch("%S+") do out[word] = true end
  return out
end

--- Abbreviations that columns are full of, and what they stand for.
local LONG = {
  acct = "account", addr = "address", amt = "amount", app = "application", appt = "appointment", attr = "attribute",
  avail = "available", avg = "average", bal = "balance", bday = "birthday", bldg = "building", cat = "category",
  cnt = "count", cust = "customer", dept = "department", desc = "description", descr = "description",
  dest = "destination", dob = "date of birth", dt = "date", emp = "employee", freq = "frequency", fname = "first name",
  hr = "hour", hrs = "hours", img = "image", inv = "invoice", lang = "language", lat = "latitude", lname = "last name",
  lng = "longitude", loc = "location", lon = "longitude", max = "maximum", mgr = "manager", mid = "middle", min = "minimum",
  mins = "minutes", msg = "message", mth = "month", nbr = "number", num = "number", org = "organisation", pct = "percentage",
  perc = "percentage", pos = "position", prev = "previous", prod = "product", pwd = "password", qty = "quantity",
  qtr = "quarter", ref = "reference", rep = "representative", req = "request", sec = "seconds", secs = "seconds",
  src = "source", std = "standard", tel = "telephone", temp = "temperature", tot = "total", trans = "transaction",
  txn = "transaction", tx = "transaction", usr = "user", val = "value", vol = "volume", wt = "weight", yr = "year",
}

--- Words that stay in capitals.
local CAPITALS = { id = "ID", url = "URL", isbn = "ISBN", iban = "IBAN", ip = "IP", vat = "VAT", sku = "SKU", gps = "GPS",
  uuid = "UUID", zip = "ZIP", ssn = "SSN", pin = "PIN", eu = "EU", usd = "USD", eur = "EUR", gbp = "GBP" }

--- Units that stand behind a quantity, as they are written: "length_cm" is a length in cm.
local UNITS = { mah = "mAh", ml = "ml", kb = "kB", mb = "MB", gb = "GB", kwh = "kWh" }
for unit in ("grams kilograms kg cm mm m km ms centimetres centimeters millimetres millimeters metres meters kilometres "
  .. "kilometers inches miles litres liters watts bytes milliseconds seconds minutes"):gmatch("%S+") do
  UNITS[unit] = unit
end

--- The words of an identifier, in lower case: order_date, OrderDate, "Order Date", HTTPCode2.
---@param name string
---@return string[]
function words.split(name)
  local spaced = name:gsub("(%l)(%u)", "%1 %2"):gsub("(%u)(%u%l)", "%1 %2"):gsub("[_%-%.%s/$#]+", " ")
  local out = {}
  for word in spaced:gmatch("%S+") do out[#out + 1] = word:lower() end
  return out
end

--- The identifier as people would say it: "qty_on_hand" → "quantity on hand". Prefixes such as tbl_ go.
---@param name string
---@return string
function words.humanise(name)
  local list = words.split(name)
  if #list > 1 and (list[1] == "tbl" or list[1] == "tb" or list[1] == "dim" or list[1] == "fact" or list[1] == "vw") then
    table.remove(list, 1)
  end
  local unit = #list > 1 and list[#list - 1] ~= "in" and UNITS[list[#list]]
  if unit then
    list[#list] = "in"
    list[#list + 1] = unit
  end
  for i, word in ipairs(list) do list[i] = LONG[word] or CAPITALS[word] or word end
  return table.concat(list, " ")
end

--- What happened, as a noun: for columns such as sold_at.
local EVENTS = { added = "entry", approved = "approval", assigned = "assignment", booked = "booking", born = "birth",
  bought = "purchase", cancelled = "cancellation", closed = "closing", completed = "completion", confirmed = "confirmation",
  created = "creation", deleted = "deletion", delivered = "delivery", ended = "end", expires = "expiry", finished = "end",
  founded = "founding", hired = "hiring", invoiced = "invoice", issued = "issue", joined = "joining", left = "leaving",
  modified = "modification", opened = "opening", ordered = "order", paid = "payment", placed = "order", posted = "posting",
  published = "publication", purchased = "purchase", received = "receipt", registered = "registration", released = "release",
  rented = "rental", resolved = "resolution", returned = "return", reviewed = "review", sent = "sending", shipped = "shipping",
  signed = "signing", sold = "sale", started = "start", submitted = "submission", updated = "last update",
  verified = "verification", visited = "visit" }

--- A date column's name as a noun: "sold at" → "sale date", "last seen on" → "last seen date".
---@param phrase string
---@return string
function words.date_of(phrase)
  local before = phrase:match("^(.+) at$") or phrase:match("^(.+) on$")
  if not before then return phrase end
  local rest, last = before:match("^(.-)(%S+)$")
  return rest .. (EVENTS[last] or last) .. " date"
end

--- --- number ----------------------------------------------------------------------------------

local IRREGULAR = { person = "people", child = "children", man = "men", woman = "women", mouse = "mice", foot = "feet",
  tooth = "teeth", goose = "geese", datum = "data", medium = "media", criterion = "criteria", index = "indexes",
  analysis = "analyses", basis = "bases", crisis = "crises", status = "statuses", address = "addresses", bus = "buses",
  leaf = "leaves", shelf = "shelves", half = "halves", life = "lives", wife = "wives", quiz = "quizzes", movie = "movies",
  cookie = "cookies", calorie = "calories", tie = "ties", pie = "pies", zombie = "zombies" }
local SINGULAR = {}
for one, many in pairs(IRREGULAR) do SINGULAR[many] = one end

--- Words that are the same in both.
local BOTH = words.set("series species news information equipment staff stock goods software hardware feedback inventory "
  .. "metadata sms furniture media money data")

local function last_word(phrase)
  local before, word = phrase:match("^(.-)(%S+)$")
  return before or "", word or ""
end

--- Where the head of a phrase ends: "date of birth" is a kind of date.
local function head(phrase)
  local at = phrase:find(" of ", 1, true) or phrase:find(" in ", 1, true) or phrase:find(" per ", 1, true)
    or phrase:find(" on ", 1, true) or phrase:find(" for ", 1, true)
  if at and at > 1 then return phrase:sub(1, at - 1), phrase:sub(at) end
  return phrase, ""
end

local function plural_word(word)
  local lower = word:lower()
  if BOTH[lower] then return word end
  if IRREGULAR[lower] then return word:sub(1, 1) .. IRREGULAR[lower]:sub(2) end
  if lower:find("[sxz]$") or lower:find("[cs]h$") then return word .. "es" end
  if lower:find("[^aeiou]y$") then return word:sub(1, -2) .. "ies" end
  return word .. "s"
end

local function singular_word(word)
  local lower = word:lower()
  if BOTH[lower] then return word end
  if SINGULAR[lower] then return SINGULAR[lower] end
  if #lower < 4 or lower:find("ss$") or lower:find("us$") or lower:find("is$") then return word end
  if lower:find("ies$") and #lower > 4 then return word:sub(1, -4) .. "y" end
  if lower:find("[cs]hes$") or lower:find("xes$") or lower:find("sses$") then return word:sub(1, -3) end
  if lower:find("s$") then return word:sub(1, -2) end
  return word
end

--- "order date" → "order dates", "date of birth" → "dates of birth".
---@param phrase string
---@return string
function words.plural(phrase)
  local first, rest = head(phrase)
  local before, word = last_word(first)
  return before .. plural_word(word) .. rest
end

--- "order items" → "order item".
---@param phrase string
---@return string
function words.singular(phrase)
  local before, word = last_word(phrase)
  return before .. singular_word(word)
end

--- Does the phrase stand for several? "units in stock", "lumens"; not "address" or "status".
---@param phrase string
---@return boolean
function words.is_plural(phrase)
  local _, word = last_word((head(phrase)))
  local lower = word:lower()
  return not BOTH[lower] and not IRREGULAR[lower] and singular_word(word) ~= word
end

--- What one of a mass is called: "inventory" counts as inventory items.
local COUNTED = { inventory = "item", stock = "item", equipment = "item", merchandise = "item", furniture = "item",
  news = "item", software = "item", hardware = "item", staff = "member", personnel = "member", feedback = "entry", data = "row",
  information = "entry", metadata = "entry" }

--- The noun for one row: "inventory" → "inventory item", "customer" stays.
---@param noun string
---@return string
function words.countable(noun)
  local _, word = last_word(noun)
  return COUNTED[word] and noun .. " " .. COUNTED[word] or noun
end

--- --- articles and lists ------------------------------------------------------------------------

--- "a" or "an".
---@param phrase string
---@return string
function words.article(phrase)
  local first = phrase:match("^%S+") or ""
  local lower = first:lower()
  if first:find("^%u%u") then return first:find("^[AEFHILMNORSX]") and "an" or "a" end
  if lower:find("^hour") or lower:find("^honest") or lower:find("^heir") then return "an" end
  if lower:find("^uni[^n]") or lower:find("^use") or lower:find("^usa") or lower:find("^eu") or lower:find("^one") then
    return "a"
  end
  return lower:find("^[aeiou]") and "an" or "a"
end

--- The phrase behind its article, where it has one.
---@param phrase string
---@return string
function words.a(phrase)
  return words.is_plural(phrase) and phrase or words.article(phrase) .. " " .. phrase
end

local function joined(list, last)
  if #list <= 1 then return list[1] or "" end
  return table.concat(list, ", ", 1, #list - 1) .. " " .. last .. " " .. list[#list]
end

--- "a", "a and b", "a, b and c".
---@param list string[]
---@return string
function words.all(list) return joined(list, "and") end

--- "a", "a or b", "a, b or c".
---@param list string[]
---@return string
function words.any(list) return joined(list, "or") end

--- The possessive: "customer's", "address's".
---@param phrase string
---@return string
function words.owner(phrase) return phrase .. "'s" end

--- --- phrases from comments -----------------------------------------------------------------------

local NOT_IN_PHRASE = words.set("is are was were be been has have had if when where whether which that this these those used "
  .. "uses see refers references reference referencing foreign key fk pk primary identifies stores contains holds must may can "
  .. "should not null true false yes no e.g i.e todo deprecated table column row rows each every")

--- The noun phrase with which a comment begins, if it is one: "weight in grams; net" → "weight in grams".
---@param comment string?
---@param most integer words at most
---@return string?
function words.noun_phrase(comment, most)
  local phrase = comment and comment:match("^%s*([^.;:,(\n—–]+)")
  if not phrase then return nil end
  phrase = phrase:gsub("%s+", " "):gsub("%s+$", ""):gsub("^[TtAa][hn]?e? ", function(article)
    return (article:lower() == "the " or article:lower() == "a " or article:lower() == "an ") and "" or nil
  end)
  local n = 0
  for word in phrase:gmatch("%S+") do
    n = n + 1
    if NOT_IN_PHRASE[word:lower()] or not word:find("^[%a][%w%-'/]*$") then return nil end
  end
  if n == 0 or n > most then return nil end
  if phrase:find("^%u%l") then phrase = phrase:sub(1, 1):lower() .. phrase:sub(2) end
  return phrase
end

return words
