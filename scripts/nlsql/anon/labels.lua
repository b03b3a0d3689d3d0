--- labels: what SECURITY LABEL FOR anon, of PostgreSQL Anonymizer, says of a column, as a class.

local labels = {}

--- By the name of the masking function, the first pattern that fits.
local FUNCTIONS = {
  { "e?mail", "email" },
  { "first_?name", "person" }, { "last_?name", "person" }, { "full_?name", "person" }, { "user_?name", "person" },
  { "name_male", "person" }, { "name_female", "person" }, { "^dummy_name", "person" }, { "title", "person" },
  { "phone", "phone" }, { "cell_number", "phone" },
  { "company", "company" }, { "buzzword", "text" }, { "profession", "text" },
  { "city", "city" }, { "region", "city" }, { "state_name", "city" }, { "town", "city" },
  { "address", "address" }, { "street", "address" }, { "zip", "address" }, { "postcode", "address" }, { "building", "address" },
  { "secondary", "address" },
  { "latitude", "coordinate" }, { "longitude", "coordinate" },
  { "iban", "code" }, { "siret", "code" }, { "siren", "code" }, { "ssn", "code" }, { "bic", "code" }, { "licence", "code" },
  { "credit_card", "card" }, { "^random_credit", "card" },
  { "ipv", "ip" }, { "_ip$", "ip" }, { "mac_?addr", "mac" }, { "uuid", "uuid" },
  { "uri", "url" }, { "url", "url" }, { "domain", "url" },
  { "date", "date" }, { "dnoise", "date" }, { "datetime", "date" }, { "time", "date" },
  { "noise", "amount" }, { "random_int", "amount" }, { "random_bigint", "amount" }, { "random_number", "amount" },
  { "numrange", "amount" }, { "int4range", "amount" }, { "generalize_int", "amount" }, { "generalize_numeric", "amount" },
  { "lorem", "text" }, { "random_string", "text" }, { "paragraph", "text" }, { "sentence", "text" }, { "word", "text" },
  { "partial", "text" }, { "pseudo", "text" },
  { "hash", "withheld" }, { "digest", "withheld" }, { "image_blur", "withheld" },
}

--- The class that a label asks for; nil and a sentence where it cannot be read, nil alone where it says nothing
--- of masking.
---@param label string
---@return string? class
---@return string? message
function labels.class(label)
  local said = label:gsub("%s+", " "):gsub("^ ", "")
  local upper = said:upper()
  if upper:find("^NOT MASKED") then return "keep" end
  if upper:find("^MASKED WITH VALUE") or upper:find("^MASKED WITH CONSTANT") then return "withheld" end
  local called = said:match("^%a+ %a+ %a+ ([^(]+)")
  if upper:find("^MASKED WITH FUNCTION") and called then
    local name = called:lower():gsub("^.*%.", ""):gsub('[" ]', "")
    for _, one in ipairs(FUNCTIONS) do
      if name:find(one[1]) then return one[2] end
    end
    return "text"
  end
  if upper:find("^MASKED") then return nil, ("the security label %q cannot be read"):format(label) end
  return nil -- of another kind: QUASI IDENTIFIER, TABLESAMPLE
end

return labels
