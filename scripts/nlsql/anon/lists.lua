--- lists: is a table no more than a list of a few names that others refer to, as genre (genre_id, name)?
---
--- Such a name comes once in its own table and again and again in those that refer to it: it is an enum that lies in
--- a table of its own. Whatever could be a list of people or places, or says more of each than its name, is none.

local names = require "nlsql.anon.names"
local words = require "nlsql.grammar.words"

local lists = {}

--- Columns that a list has at most.
local MOST_COLUMNS = 5

--- Names of the column that holds what is listed, beside the table's own name and that with "name" behind it.
local NAMED = words.set "name label title code description kind type"

--- What else a list has, beside its key: text of the same few names, when a row was changed, its place and whether it
--- holds.
local DATED = words.set "update updated create created change changed modified"
local PLACES = words.set "position rank order sort sequence ordinal"

local function last_word(list) return words.singular(list[#list] or "") end

--- Is the column's name one of what the table lists?
local function is_named(t, column)
  local own, of = words.split(column.name), words.split(t.name)
  if #own == 1 and (NAMED[own[1]] or last_word(own) == last_word(of)) then return true end
  return #own > 1 and NAMED[own[#own]] == true and words.singular(own[#own - 1]) == last_word(of)
end

local function has_word(column, set)
  for _, word in ipairs(words.split(column.name)) do
    if set[word] then return true end
  end
  return false
end

--- May a list have this column too?
local function goes_along(t, column)
  if column.category == "B" or column.category == "S" and is_named(t, column) then return true end
  if column.category == "D" then return has_word(column, DATED) end
  return column.category == "N" and has_word(column, PLACES)
end

--- Do most of the values look like somebody's name in two words or three?
local function are_people(values)
  local n = 0
  for _, value in ipairs(values) do
    local plain = value:gsub("[\x80-\xff]+", "X"):gsub("%.", "")
    if plain:find("^%u[%a'%-]* %u[%a'%-]+$") or plain:find("^%u[%a'%-]* %u%a? ?%u[%a'%-]+$") then n = n + 1 end
  end
  return n * 2 > #values
end

--- The key of a table that looks like a list of what its column `column` names; nil where it does not. Whether others
--- refer to it again and again is for the caller to ask.
---@param t nlsql.Table
---@param column nlsql.Column
---@param values string[]  the first of the column
---@return string? key
function lists.key(t, column, values)
  if t.kind ~= "table" or not t.primary or #t.primary ~= 1 or #t.foreign > 0 or #t.columns > MOST_COLUMNS then return nil end
  local tells = names.class(t.name, "") or names.class("name", t.name) or names.of_comment(t.comment)
  if tells or not is_named(t, column) then return nil end
  for _, other in ipairs(t.columns) do
    if other.name ~= t.primary[1] and other ~= column and not goes_along(t, other) then return nil end
  end
  return not are_people(values) and t.primary[1] or nil
end

return lists
