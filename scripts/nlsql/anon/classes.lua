--- classes: what a column can hold, as far as its stand-ins go.

local text = require "nlsql.text"

local classes = {}

--- Names that `anonymise: {columns: …}` may give a column, with what each does.
---@type table<string, string>
classes.ALL = {
  address    = "a postal address or a part of it: as many words and digits",
  amount     = "a measure: keeps its length and its first two digits (amounts: keep leaves it as it is)",
  card       = "a card number: as many digits, with a right check digit",
  city       = "a place: as many words",
  code       = "a number or code that names one thing: letters for letters, digits for digits",
  company    = "the name of a company: as many words, its legal form stays",
  coordinate = "a latitude or longitude: whole degrees stay",
  date       = "a date or time: another day of the same month, another minute of the same hour (dates: keep)",
  document   = "JSON: its members stay, each value by its own name",
  email      = "an e-mail address, below .example",
  ip         = "a network address",
  keep       = "as it is",
  mac        = "a hardware address",
  person     = "the name of a person: as many words",
  phone      = "a telephone number, beginning with 000",
  text       = "anything else in words: as many words, 12 at most",
  url        = "a web address, below .example",
  uuid       = "a UUID",
  withheld   = "nothing is told but whether two values are the same",
}

--- Other words for them.
local ALIASES = {
  address_line = "address", account = "code", company_name = "company", coordinates = "coordinate", credit_card = "card",
  email_address = "email", ["e-mail"] = "email", enum = "keep", free_text = "text", hidden = "withheld", iban = "code",
  id = "code", ip_address = "ip", json = "document", key = "keep", mail = "email", name = "person", number = "amount",
  off = "keep", person_name = "person", phone_number = "phone", raw = "keep", secret = "withheld", telephone = "phone",
  timestamp = "date",
}

--- Classes whose real values the check of outgoing text looks for: dates and amounts are dense, so that a
--- stand-in is always somebody else's real value.
classes.PROTECTED = {
  address = true, card = true, city = true, code = true, company = true, email = true, ip = true, mac = true,
  person = true, phone = true, text = true, url = true, uuid = true, withheld = true,
}

local names = {}
for name in pairs(classes.ALL) do names[#names + 1] = name end
table.sort(names)

--- All names, sorted.
---@type string[]
classes.NAMES = names

--- The class that a configuration means; nil and a sentence.
---@param word string
---@return string? class
---@return string? message
function classes.find(word)
  local plain = word:lower():gsub("%s+", "_")
  if classes.ALL[plain] then return plain end
  if ALIASES[plain] then return ALIASES[plain] end
  local near = text.nearest(plain, names)
  return nil, ("there is no class %q%s"):format(word, near and (" (did you mean %q?)"):format(near)
    or " (there are: " .. table.concat(names, ", ") .. ")")
end

return classes
