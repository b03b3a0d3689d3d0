--- relationreader: relations as people and models write them: in one line, "orders.customer_id -> customers.id"
--- or "(a.x, a.y) -> (b.x, b.y)", or as an object with the tables and columns of both sides.
---
--- Reading is all it does: whether there are such tables and columns is for nlsql.relations to say.

local json = require "nlsql.json"
local replies = require "nlsql.replies"
local sqltext = require "nlsql.sqltext"

local reader = {}

---@class nlsql.RelationClaim
---@field from string
---@field columns string[]
---@field to string
---@field referred string[]
---@field reason string?  why, in the words of who wrote it

--- --- one line ------------------------------------------------------------------------------------

--- The text as names, quoted or not, and the signs between them. Names keep their quotes.
local function tokens_of(text)
  local out, at = {}, 1
  while at <= #text do
    local sign = text:match("^%s*([.,()])%s*", at)
    if sign then
      out[#out + 1] = sign
      at = select(2, text:find("^%s*[.,()]%s*", at)) + 1
    else
      local first, last = text:find('^%s*"[^"]*"', at)
      while last and text:sub(last + 1, last + 1) == '"' do -- a doubled quote stays inside
        last = select(2, text:find('^"[^"]*"', last + 1))
      end
      if not first then first, last = text:find('^[^.,()"]+', at) end
      if not last then return nil end -- a quote that is not closed
      local name = sqltext.trim(text:sub(first, last))
      if name ~= "" then out[#out + 1] = { name = name } end
      at = last + 1
    end
  end
  return out
end

--- A dotted name from token `at` on: its parts, and the token behind it.
local function path_at(tokens, at)
  local parts = {}
  while type(tokens[at]) == "table" do
    parts[#parts + 1] = tokens[at].name
    at = at + 1
    if tokens[at] ~= "." then break end
    at = at + 1
  end
  return parts, at
end

--- "a.x", "(a.x, a.y)", "(a.x, y)" or "a (x, y)": the table and its columns.
local function side_of(text)
  local tokens = tokens_of(text)
  if not tokens or #tokens == 0 then return nil end
  local outer = tokens[1] == "("
  local ref, columns, at = nil, {}, outer and 2 or 1
  while at <= #tokens do
    local parts, next_at = path_at(tokens, at)
    if #parts == 0 then return nil end
    local own
    if not outer and tokens[next_at] == "(" then -- the whole path is the table
      own = table.concat(parts, ".")
      outer, at = true, next_at + 1
    else
      own = #parts > 1 and table.concat(parts, ".", 1, #parts - 1) or nil
      columns[#columns + 1] = parts[#parts]
      at = next_at
      local sign = tokens[at]
      if sign ~= nil and sign ~= "," and sign ~= ")" then return nil end
      if sign == ")" and (not outer or at < #tokens) then return nil end
      at = at + 1
    end
    if own and ref and own ~= ref then return nil end
    ref = ref or own
  end
  return ref and #columns > 0 and ref or nil, columns
end

local ARROWS = { { "<->" }, { "->" }, { "=>" }, { "→" }, { "<-", true }, { "←", true } }

--- The claim that a line makes, or nil.
---@param text string
---@return nlsql.RelationClaim?
function reader.line(text)
  for _, arrow in ipairs(ARROWS) do
    local first, last = text:find(arrow[1], 1, true)
    if first then
      local from, columns = side_of(text:sub(1, first - 1))
      local to, referred = side_of(text:sub(last + 1))
      if not from or not to then return nil end
      if arrow[2] then return { from = to, columns = referred, to = from, referred = columns } end
      return { from = from, columns = columns, to = to, referred = referred }
    end
  end
  return nil
end

--- --- objects -------------------------------------------------------------------------------------

local CHILD = {
  tables = { "from_table", "child_table", "source_table", "table" },
  columns = { "from_columns", "from_column", "child_columns", "child_column", "source_columns", "source_column", "columns",
    "column" },
  whole = { "from", "child", "source" },
}
local PARENT = {
  tables = { "to_table", "parent_table", "referenced_table", "target_table", "references_table" },
  columns = { "to_columns", "to_column", "parent_columns", "parent_column", "referenced_columns", "referenced_column",
    "target_columns", "target_column" },
  whole = { "to", "parent", "target", "references" },
}
local LINE = { "relation", "relationship", "answer" }

local function member(object, names)
  for _, name in ipairs(names) do
    if object[name] ~= nil and object[name] ~= json.null then return object[name] end
  end
end

local function is_object(value) return type(value) == "table" and value ~= json.null and not json.is_array(value) end

--- A list of texts from a text or a list of them; nil from anything else.
local function texts(value)
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" or value == json.null or #value == 0 then return nil end
  local out = {}
  for i, one in ipairs(value) do
    if type(one) ~= "string" or not one:find("%S") then return nil end
    out[i] = sqltext.trim(one)
  end
  return out
end

--- Columns as a text may list them: "x, y".
local function split_columns(list)
  if #list ~= 1 or list[1]:find('"', 1, true) then return list end
  local out = {}
  for name in list[1]:gsub("^%((.*)%)$", "%1"):gmatch("[^,]+") do out[#out + 1] = sqltext.trim(name) end
  return out
end

local function object_side(object, names)
  local whole, ref, columns = member(object, names.whole), member(object, names.tables), texts(member(object, names.columns))
  if is_object(whole) then
    ref, columns = member(whole, { "table", "table_name", "name" }), texts(member(whole, { "columns", "column" }))
  elseif whole ~= nil and not columns then
    local list = texts(whole)
    return side_of(list and (#list > 1 and "(" .. table.concat(list, ", ") .. ")" or list[1]) or "")
  elseif type(whole) == "string" then
    ref = ref or whole
  end
  if type(ref) ~= "string" or not ref:find("%S") or not columns then return nil end
  return sqltext.trim(ref), split_columns(columns)
end

--- The claim that an object makes, or nil.
---@param object table
---@return nlsql.RelationClaim?
function reader.object(object)
  local claim
  local from, columns = object_side(object, CHILD)
  local to, referred = object_side(object, PARENT)
  if from and to then
    claim = { from = from, columns = columns, to = to, referred = referred }
  else
    local line = member(object, LINE)
    claim = type(line) == "string" and reader.line(line) or nil
  end
  if claim and type(object.reason) == "string" then claim.reason = object.reason end
  return claim
end

local function is_about(object)
  for _, names in ipairs { CHILD.tables, CHILD.whole, PARENT.tables, PARENT.whole, LINE } do
    if member(object, names) ~= nil then return true end
  end
  return false
end

--- --- replies -------------------------------------------------------------------------------------

local function is_line(value) return type(value) == "string" and reader.line(value) ~= nil end

local function is_list_of_lines(value)
  if not json.is_array(value) or #value == 0 then return false end
  for _, one in ipairs(value) do
    if not is_line(one) then return false end
  end
  return true
end

local LISTS = { "relations", "relationships", "foreign_keys", "pairs", "results" }

--- Nothing, said in so many words: [] or {"relations": []}.
local function is_nothing(value)
  if not json.is_array(value) then value = member(value, LISTS) end
  return type(value) == "table" and json.is_array(value) and #value == 0
end

local function is_claim(value)
  if type(value) ~= "table" or value == json.null then return false end
  return is_nothing(value) or is_list_of_lines(value) or is_object(value) and is_about(value)
end

--- The relations that a reply claims, in its order. State and rejected as with replies.read; "none"
--- where it says that there are none.
---@param text string
---@return nlsql.RelationClaim[]
---@return string? state
---@return {reason: string, text: string}[] rejected
function reader.claims(text)
  local out, none = {}, false
  local rejected, state = replies.each(text, is_claim, function(value, reject)
    if is_nothing(value) then
      none = true
    elseif json.is_array(value) then
      for _, line in ipairs(value) do out[#out + 1] = reader.line(line) end
    else
      local claim = reader.object(value)
      if claim then
        out[#out + 1] = claim
      else
        reject("it does not name the tables and columns of both sides", value)
      end
    end
  end)
  if #out == 0 and #rejected == 0 and none then return out, "none", rejected end
  return out, state(#out), rejected
end

local RELATED = { "related", "is_related", "answer", "verdict", "agree", "agrees", "opinion" }
local WORDS = { yes = true, ["true"] = true, related = true, no = false, ["false"] = false, ["not related"] = false,
  unrelated = false }

local function truth_of(value)
  if type(value) == "boolean" then return value end
  if type(value) ~= "string" then return nil end
  return WORDS[(sqltext.trim(value):lower():gsub("[.!]$", ""))]
end

--- Whether a reply agrees with a claim, and its reason; nil where it does not say.
---@param text string
---@return boolean? related
---@return string? reason
function reader.opinion(text)
  local related, reason
  replies.each(text, function(value) return is_object(value) and member(value, RELATED) ~= nil end, function(object)
    if related ~= nil then return end
    related = truth_of(member(object, RELATED))
    reason = type(object.reason) == "string" and sqltext.trim(object.reason) or nil
  end)
  if related == nil then related = truth_of(text) end
  return related, reason
end

return reader
