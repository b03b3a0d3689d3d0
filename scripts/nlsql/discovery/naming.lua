--- naming: what the names of a schema say of a relation, and whether they say anything at all.
---
--- Names add to the evidence; nothing depends on them. Where every identifier was made up (a3, x_17),
--- that a column is not called like a key means nothing, and so it does not count against it.

local relationnames = require "nlsql.relationnames"
local words = require "nlsql.grammar.words"

local naming = {}

--- Last words of columns that hold keys.
local KEY_WORDS = words.set "id ids code no nr num number key pk fk uuid guid ref sku slug isbn oid"

--- Persons who do something to a row, and who they may be.
local ROLES = words.set [[
  manager rep representative supervisor boss leader lead head agent owner creator author editor approver
  assignee assigned seller buyer sender receiver recipient referrer reporter reviewer responsible sponsor mentor
  teacher instructor coach contact operator clerk cashier driver pilot doctor physician by]]
local STAFF_ROLES = words.set [[manager rep representative supervisor boss clerk cashier agent operator head leader lead]]
local STAFF = words.set "employee staff worker personnel user person agent clerk"
local PEOPLE = words.set [[
  employee staff worker personnel user person people member customer client account contact player student
  teacher author patient individual subscriber profile]]

--- Words for another row of the same table.
local KIN = words.set [[
  parent super superior previous prev next predecessor successor root original reply reports replaces replaced
  base master ancestor upper boss manager supervisor referrer spouse sibling duplicate merged]]

--- Last words of columns that hold amounts, whatever stands before them.
local MEASURES = words.set [[
  amount amt count cnt total sum avg average min max price cost fee rate ratio percent percentage pct score
  rating quantity qty weight height width length depth size age year month week day hour hours minute minutes
  second seconds duration distance area volume level position rank sort priority version votes likes views stock
  balance salary discount tax latitude longitude lat lng lon capacity points goals wins losses milliseconds
  bytes]]

---@class nlsql.Naming
---@field schema nlsql.Catalog
---@field prefix string     that all tables carry
---@field telling boolean   do the names of this schema say what a key is?
---@field own_keys table<nlsql.Table, table<string, boolean>> answers of own_key
---@field keyed table<string, boolean> tables with a column that is called like a key
local Naming = {}
Naming.__index = Naming

local split_of = relationnames.remembered(words.split)

local joined = relationnames.remembered(function(name) return table.concat(split_of(name)) end)

--- The last word of a table's name, singular.
local head_of = relationnames.remembered(function(name)
  local split = words.split(words.humanise(name))
  return words.singular(split[#split] or "")
end)

local singular = relationnames.remembered(words.singular)

--- Does the name end like a key's: order_id, orderId, oid?
local is_key_name = relationnames.remembered(function(name)
  local split = split_of(name)
  local last = split[#split] or ""
  return KEY_WORDS[last] or last:find("^%a[%a%d]-id$") ~= nil and #last <= 24
end)

--- Does the name end like a key's?
---@param name string
---@return boolean
function Naming.is_key_name(_, name) return is_key_name(name) end

local function common_prefix(names)
  local prefix = #names >= 3 and names[1] or ""
  for _, name in ipairs(names) do
    while name:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return #prefix >= 2 and prefix or ""
end

--- Reads the names of the tables once.
---@param schema nlsql.Catalog
---@return nlsql.Naming
function naming.of(schema)
  local all, keyed, with_keys = {}, {}, 0
  for i, ref in ipairs(schema:names()) do
    local t = schema:table(ref)
    all[i] = joined(t.name)
    for _, column in ipairs(t.columns) do
      if is_key_name(column.name) then
        with_keys, keyed[ref] = with_keys + 1, true
        break
      end
    end
  end
  return setmetatable({ schema = schema, prefix = common_prefix(all), keyed = keyed,
    own_keys = setmetatable({}, { __mode = "k" }), telling = 2 * with_keys >= #all }, Naming)
end

--- Do the names of this table say which of its columns are keys?
---@param t nlsql.Table
---@return boolean
function Naming:tells(t) return self.telling and self.keyed[t.reference] or false end

local is_measure = relationnames.remembered(function(name)
  local split = split_of(name)
  local last = split[#split] or ""
  return MEASURES[last] or MEASURES[words.singular(last)] or split[1] == "num" or split[1] == "number"
end)

--- Is the column called like an amount?
---@param name string
---@return boolean
function Naming.is_measure(_, name) return is_measure(name) end

--- A name's words in one, without the prefix that all tables carry.
---@param name string
---@return string
function Naming:bare(name)
  local text = joined(name)
  return text:sub(1, #self.prefix) == self.prefix and text:sub(#self.prefix + 1) or text
end

local function noun_of(self, t)
  return singular(self:bare(t.name)), head_of(t.name)
end

local function is_own_key(self, t, name)
  local noun, head = noun_of(self, t)
  local text, initial = self:bare(name), noun:sub(1, 1)
  if text == "id" or text == "code" or text == "uuid" or text == "key" then return true end
  for _, suffix in ipairs { "id", "code", "no", "key", "number", "uuid", "nr" } do
    for _, stem in ipairs { noun, head, joined(t.name), initial } do
      if stem ~= "" and text == stem .. suffix then return true end
    end
    local stem = text:match("^(%w%w%w+)" .. suffix .. "$")
    if stem and noun:sub(1, #stem) == stem then return true end
  end
  return text == noun
end

--- Is the column called as the key of its own table is: customer.customer_id, customer.id, author.aid?
---@param t nlsql.Table
---@param name string
---@return boolean
function Naming:own_key(t, name)
  local known = self.own_keys[t]
  if not known then
    known = {}
    self.own_keys[t] = known
  end
  if known[name] == nil then known[name] = is_own_key(self, t, name) end
  return known[name]
end

local function people_noun(self, t)
  local _, head = noun_of(self, t)
  return head
end

--- A person's role in a column that refers to people: support_rep_id → employee.
local function role_score(self, child, parent)
  local split, role, staff = split_of(child.name), false, false
  for i, word in ipairs(split) do
    if ROLES[word] and (word ~= "by" or i > 1) then role = true end
    if STAFF_ROLES[word] then staff = true end
  end
  local head = people_noun(self, parent.table)
  if not role or not PEOPLE[head] then return 0 end
  if staff then return STAFF[head] and 0.8 or 0.4 end
  return 0.6
end

--- A column that means another row of its own table: parent_id, reports_to.
local function kin_score(child, parent)
  if child.ref ~= parent.ref then return 0 end
  for _, word in ipairs(split_of(child.name)) do
    if KIN[word] then return 0.8 end
  end
  return 0
end

--- Names without a border between their words: sbtxcustid ends like sbcustid, when the prefix of all is gone.
local function glued_score(self, child, parent)
  local own, key = joined(child.name), self:bare(parent.name)
  if #key >= 4 and own ~= joined(parent.name) and own:sub(-#key) == key then return 0.9 end
  local noun = noun_of(self, parent.table)
  for _, suffix in ipairs { "id", "code", "no", "" } do
    local tail = noun .. suffix
    if #noun >= 4 and own ~= tail and own:sub(-#tail) == tail then return 0.8 end
  end
  return 0
end

--- One word of the column begins as the parent does: ship_via → shipper.
local function word_score(self, child, parent)
  local _, head = noun_of(self, parent.table)
  for _, word in ipairs(split_of(child.name)) do
    if #word >= 4 and #head >= 4 and (head:sub(1, #word) == word or word:sub(1, #head) == head) then return 0.5 end
  end
  return 0
end

--- Does the child's comment name the parent: "store; empty for head office"?
local function comment_score(self, child, parent)
  local comment = child.column.comment
  local noun = noun_of(self, parent.table)
  if not comment or #noun < 3 then return 0 end
  local flat = " " .. comment:lower():gsub("%W+", " ") .. " "
  local spoken = words.singular(words.humanise(parent.table.name):lower())
  return (flat:find(" " .. noun .. "s? ") or flat:find(" " .. spoken .. "s? ")) and 0.7 or 0
end

--- How far the names agree, 0 to 1: see nlsql.relationnames; roles, kin, glued names and comments besides.
---@param child nlsql.DiscoveryColumn
---@param parent nlsql.DiscoveryColumn
---@return number
function Naming:score(child, parent)
  local score = relationnames.of_pair(self.schema, child.table, child.column, parent.table, parent.name)
  if score >= 0.9 then return score end
  local own_name = self:own_key(child.table, child.name)
  if own_name then return score end
  return math.max(score, role_score(self, child, parent), kin_score(child, parent), glued_score(self, child, parent),
    comment_score(self, child, parent), self:is_measure(child.name) and 0 or word_score(self, child, parent))
end

--- --- names that say nothing ------------------------------------------------------------------------

---@class nlsql.Silence : nlsql.Naming
local Silence = { telling = false }
Silence.__index = Silence

local function no() return false end
Silence.own_key, Silence.tells, Silence.is_measure, Silence.is_key_name = no, no, no, no
--- As if no name agreed with another.
---@return number
function Silence.score() return 0 end

--- In place of the names of a schema: says nothing of any.
---@return nlsql.Naming
function naming.silence() return setmetatable({}, Silence) end

return naming
