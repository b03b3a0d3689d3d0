--- relationnames: what the names of columns and tables say of a relation between them.

local words = require "nlsql.grammar.words"

local relationnames = {}

--- Last words of columns that identify something.
local KEY_WORDS = words.set "id code no nr num number key pk fk uuid guid ref sku slug isbn"

--- Names of a schema are asked about again and again: a function of a name that remembers its last answers.
---@param f fun(name: string): any, any
---@return fun(name: string): any, any
function relationnames.remembered(f)
  local first, second, n = {}, {}, 0
  return function(name)
    if first[name] == nil then
      if n >= 20000 then first, second, n = {}, {}, 0 end
      first[name], second[name] = f(name)
      n = n + 1
    end
    return first[name], second[name]
  end
end

local remembered = relationnames.remembered

local joined = remembered(function(name) return table.concat(words.split(words.humanise(name))) end)

--- The table's name without prefix, singular: "tbl_order_items" → "order item".
local entity = remembered(function(name) return words.singular(words.humanise(name):lower()) end)

--- A column's words without the key word at their end, and that word: "billing address", "id".
local stem_of = remembered(function(name)
  local split = words.split(words.humanise(name))
  local last = split[#split]
  if #split > 1 and KEY_WORDS[last] then
    return table.concat(split, " ", 1, #split - 1), last
  end
  local glued = #split == 1 and last:match("^(%a%a%a+)id$")
  if glued then return glued, "id" end
  return table.concat(split, " "), KEY_WORDS[last] and last or nil
end)

local function ends_with_words(text, tail)
  return text == tail or text:sub(-#tail - 1) == " " .. tail
end

local function column_of(t, name)
  for _, column in ipairs(t.columns) do
    if column.name == name then return column end
  end
end

--- How one column's name agrees with a parent's table and column: see relationnames.score.
local function name_score(child, column, parent, key)
  local stem, key_word = stem_of(column.name)
  local key_stem, key_key = stem_of(key)
  local noun = entity(parent.name)
  local head = noun:match("(%S+)$") or noun
  local own = child.name ~= parent.name and #(child.primary or {}) == 1 and child.primary[1] == column.name
  local generic = key_key ~= nil and KEY_WORDS[key_stem] or false
  stem = words.singular(stem)
  if joined(column.name) == joined(key) and not generic then return 1 end
  if stem == noun or joined(column.name) == (noun .. key):gsub("%W", ""):lower() then return 1 end
  if noun ~= "" and ends_with_words(stem, noun) then return 0.9 end
  if not generic and ends_with_words(stem, words.singular(key_stem)) and key_word == key_key then return 0.9 end
  if #head > 2 and ends_with_words(stem, head) then return 0.8 end
  local comment = key_word and column.comment
  if comment and (" " .. comment:lower():gsub("%W+", " ") .. " "):find(" " .. noun .. "s? ") then return 0.8 end
  if key_word and #stem > 2 and noun:find("^" .. stem:gsub("%W", "%%%0") .. "%w") then return 0.7 end
  if own or stem == "" or KEY_WORDS[stem] then return 0 end
  return key_word and key_word == key_key and 0.5 or 0
end

local callers = setmetatable({}, { __mode = "k" })

--- The tables that a word or phrase calls, by their whole name or its last word: phrase → set of tables.
local function tables_called(schema)
  local known = callers[schema]
  if known then return known end
  known = {}
  for _, ref in ipairs(schema:names()) do
    local noun = entity(schema:table(ref).name)
    for _, phrase in ipairs { noun, noun:match("(%S+)$") or noun } do
      known[phrase] = known[phrase] or {}
      known[phrase][ref] = true
    end
  end
  callers[schema] = known
  return known
end

--- Does the column mean a table that is not the parent: by a declared key, or by what it is called?
local function means_another(schema, child, column, parent)
  for _, key in ipairs(child.foreign) do
    if #key.columns == 1 and key.columns[1] == column.name and key.referred ~= parent then return true end
  end
  local called, tail = tables_called(schema), words.singular((stem_of(column.name)))
  while tail do
    for ref in pairs(called[tail] or {}) do
      if ref ~= parent then return true end
    end
    tail = tail:match("^%S+ (.+)$")
  end
  return false
end

--- The same as relationnames.score of one column, where the tables are at hand.
---@param schema nlsql.Catalog
---@param child nlsql.Table
---@param column nlsql.Column  of the child
---@param parent nlsql.Table
---@param key string           the parent's column
---@return number
function relationnames.of_pair(schema, child, column, parent, key)
  local score = name_score(child, column, parent, key)
  if score > 0 and score < 0.8 and means_another(schema, child, column, parent.reference) then return 0 end
  return score
end

--- How far the names of a relation agree, 0 to 1 (of several columns, the mean):
---
---   1    the column is called like the key (customer_id, aid), or like the table, singular, with or
---        without "id" and the like behind it (customer, customer_id, CustomerId)
---   0.9  the same behind other words: billing_address_id → address.address_id
---   0.8  like the last word of the table's name (order_id → customer_order.id), or it ends in a word
---        for a key and its comment names the table
---   0.7  an abbreviation of the table's name: prod_id → product.id
---   0.5  it ends in the key's word for a key, no more: manager_id → employee.employee_id
---   0    none of these, or the child's own key; also instead of 0.7 and less where the column means
---        another table, by a declared key or because it is called like it
---@param schema nlsql.Catalog
---@param relation nlsql.Relation
---@return number
function relationnames.score(schema, relation)
  local child, parent, sum = schema:table(relation.from), schema:table(relation.to), 0
  for i, name in ipairs(relation.columns) do
    sum = sum + relationnames.of_pair(schema, child, column_of(child, name), parent, relation.referred[i])
  end
  return sum / #relation.columns
end

return relationnames
