--- names: what a column's name, its type's name or its comment says of what it holds.
---
--- The last words of a name count: an email_status is no e-mail address. "name" and "title" alone say nothing
--- but together with the table: of a customer it is a person, of a supplier a company, of a product neither.

local words = require "nlsql.grammar.words"

local names = {}

--- Last words of a name, as they end, and the class that they mean; longer ones go before.
local ENDINGS = {}
for class, list in pairs {
  email = "email,e mail,mail,email address,mail address,e mail address,mailbox,contact email",
  phone = "phone,telephone,mobile,fax,cell,phone number,telephone number,mobile number,fax number,cell number,cellphone,"
    .. "mobile phone,cell phone,home phone,work phone,phone no,msisdn,whatsapp,telefon,telefono,telephone no",
  address = "address,street,address line,street address,postal address,street name,house number,house no,street line,"
    .. "mailing address,home address,billing address,shipping address,delivery address,postcode,postal code,zip,zip code,"
    .. "zipcode,plz,strasse,adresse,anschrift,po box,apartment,building,road",
  city = "city,town,village,suburb,neighbourhood,neighborhood,locality,municipality,birthplace,place of birth,county,"
    .. "city name,hometown,ort",
  company = "company,company name,employer,organisation,organization,organisation name,organization name,firm,"
    .. "business name,legal name,trading name,vendor name,supplier name,firma",
  url = "url,uri,website,homepage,web site,web page,link,href,web address,blog",
  ip = "ip,ip address,ip addr,ipv4,ipv6,remote addr,client ip,source ip,remote host",
  mac = "mac,mac address,mac addr",
  uuid = "uuid,guid",
  card = "card number,credit card,card no,cc number,credit card number,debit card,debit card number,pan,ccn,card num",
  code = "iban,bic,swift,ssn,social security number,tax id,vat id,vat number,tax number,passport,passport number,"
    .. "passport no,national id,driving licence,driver license,license plate,licence plate,license number,licence number,"
    .. "registration number,plate,account number,account no,bank account,insurance number,policy number,patient number,"
    .. "medical record number,mrn,nin,nino,nif,dni,bsn,serial number,imei,imsi,vin,tracking number,member number,"
    .. "customer number,employee number,staff number,student number,steuernummer,kontonummer,sin",
  person = "first name,last name,full name,surname,forename,given name,family name,middle name,maiden name,firstname,"
    .. "lastname,fullname,fname,lname,middlename,user name,username,login,nickname,nick,display name,contact name,"
    .. "contact person,author name,customer name,employee name,person name,patient name,owner name,manager name,"
    .. "recipient,recipient name,cardholder,card holder,account holder,middle initial,initials,screen name,handle,"
    .. "vorname,nachname,spouse,beneficiary,father name,mother name,signatory,salesperson,sales person",
  withheld = "password,passwd,pwd,password hash,hash,salt,secret,token,api key,private key,access token,refresh token,"
    .. "session id,session token,otp,pin,cvv,cvc,security answer,signature,fingerprint,biometric",
  coordinate = "latitude,longitude,lat,lng,lon,long,geo lat,geo lng",
} do
  for ending in list:gmatch("[^,]+") do ENDINGS[ending] = class end
end

--- Tables, by the last word of their name: whose "name" it is.
local PEOPLE = words.set("person people customer client user member employee staff patient contact student teacher doctor "
  .. "author guest driver passenger subscriber donor volunteer applicant candidate lead owner agent nurse physician worker "
  .. "participant attendee visitor resident citizen tenant instructor professor player actor artist child parent spouse "
  .. "manager rep seller buyer borrower beneficiary individual cast crew lawyer attorney judge witness suspect victim "
  .. "defendant plaintiff prisoner landlord shareholder investor payer payee household family")
local FIRMS = words.set("company supplier vendor organisation organization employer firm business partner merchant insurer "
  .. "carrier manufacturer provider bank agency account affiliate sponsor publisher contractor subcontractor competitor")

--- Words at the end of a name that say nothing of what it holds.
local EMPTY = words.set "1 2 3 4 5 old new raw text value str txt primary secondary alternate alt original current"

local function cut(list)
  while #list > 1 and (EMPTY[list[#list]] or list[#list]:find("^%d+$")) do list[#list] = nil end
  list[#list] = list[#list]:gsub("(%a)%d+$", "%1")
  return list
end

--- The class that the last three, two or one words mean.
local function ending(list)
  for n = math.min(4, #list), 1, -1 do
    local class = ENDINGS[table.concat(list, " ", #list - n + 1)]
    if class then return class end
  end
end

local ALONE = words.set "name title label"

--- The class that a name means in a table of this name; nil where it says nothing.
---@param column string
---@param table_name string
---@return string? class
function names.class(column, table_name)
  local list = words.split(column)
  if #list == 0 then return nil end
  cut(list)
  local class = ending(list)
  if class then return class end
  local owner = words.split(table_name)
  local noun = owner[#owner] and words.singular(owner[#owner]) or ""
  local last = list[#list]
  if last == "name" or (#list == 1 and ALONE[last]) then
    local of = #list > 1 and words.singular(list[#list - 1]) or noun
    if PEOPLE[of] then return last ~= "label" and "person" or nil end
    if FIRMS[of] then return "company" end
  elseif PEOPLE[last] and #list == 1 or PEOPLE[words.singular(last)] and list[#list - 1] == "of" then
    return "person" -- a column "customer" of text
  elseif FIRMS[last] and #list == 1 then
    return "company"
  end
  return nil
end

--- Phrases of a comment that tell, strongest first.
local PHRASES = {
  { "e%-?mail", "email" }, { "phone number", "phone" }, { "telephone", "phone" }, { "mobile number", "phone" },
  { "credit card", "card" }, { "card number", "card" }, { "ip address", "ip" }, { "mac address", "mac" },
  { "password", "withheld" }, { "first name", "person" }, { "last name", "person" }, { "full name", "person" },
  { "surname", "person" }, { "name of the %a+ ?person", "person" }, { "name of a person", "person" }, { "iban", "code" },
  { "social security", "code" }, { "passport", "code" }, { "postal address", "address" }, { "street", "address" },
  { "company name", "company" }, { "web ?site", "url" }, { "web address", "url" }, { "home ?page", "url" },
}
local OF_PEOPLE = { "name of the (%a+)", "names of the (%a+)", "(%a+)'s name", "who the (%a+) is" }

--- The class that a comment means: its first sentence counts.
---@param comment string?
---@return string? class
function names.of_comment(comment)
  local said = (comment or ""):lower():match("^[^.;(\n]*")
  for _, one in ipairs(PHRASES) do
    local from, to = said:find("%f[%a]" .. one[1] .. "s?%f[%A]")
    -- "whether the e-mail address is verified" and "status of the phone number" are about something else
    if from and not said:find("^%s*whether") and not said:find("^%s*if ") and not said:sub(1, from):find("%f[%a]of the ?$")
      and not said:sub(1, from):find("%f[%a]number of") and to - from + 1 >= 4 then
      return one[2]
    end
  end
  for _, pattern in ipairs(OF_PEOPLE) do
    local of = said:match("^%s*" .. pattern) or said:match("^%s*the " .. pattern)
    if of and PEOPLE[words.singular(of)] then return "person" end
    if of and FIRMS[words.singular(of)] then return "company" end
  end
  return nil
end

--- Is it the name of a key: customer_id, CustomerID, id?
---@param column string
---@return boolean
function names.is_key(column)
  local list = words.split(column)
  return list[#list] == "id" or list[#list] == "key" and #list > 1
end

--- Is it the name of a year, a number without measure?
---@param column string
---@return boolean
function names.is_year(column)
  local list = words.split(column)
  local last = list[#list]
  return last == "year" or last == "yr" or last == "month" or last == "quarter" or last == "week" or last == "weekday"
    or last == "decade"
end

return names
