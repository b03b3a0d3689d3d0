--- queryline: the query in one line of a JSONL file, whoever wrote it.
---
--- Known are nlsql's own field, Spider's `query`, BIRD's `SQL`, other usual names, and the last answer of a
--- chat's `messages`. A line is never guessed at: what could be two queries is refused, and says so.

local json = require "nlsql.json"

local queryline = {}

--- Names that say SQL, in any capitals; and those of answers in general, which hold it now and then.
local NAMES = { answer_sql = true, gold_query = true, gold_sql = true, query = true, sql = true, sql_query = true,
  sqlquery = true }
local ANSWERS = { answer = true, completion = true, output = true, response = true, target = true }
local QUESTIONS = { "question", "nl_question", "natural_language_question", "instruction", "prompt", "utterance" }

local OPENS = { select = true, with = true, values = true, table = true }

local function is_object(value) return type(value) == "table" and value ~= json.null and not json.is_array(value) end

local function found(value)
  if value == nil then return "nothing" elseif value == json.null then return "null" end
  if type(value) == "table" then return json.is_array(value) and "a list" or "an object" end
  return type(value) == "string" and "text" or type(value) == "boolean" and "true or false" or "a number"
end

local function keys_of(object)
  local keys = {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- A query in prose: the one fenced block, or the text itself where it begins like a query; nil otherwise.
local function in_text(text)
  local blocks = {}
  for block in text:gmatch("```%a*%s*\n(.-)```") do blocks[#blocks + 1] = block end
  if #blocks > 1 then return nil, ("there are %d fenced blocks"):format(#blocks) end
  local query = blocks[1] or text
  local word = query:match("^[%s(]*(%a+)")
  if blocks[1] or word and OPENS[word:lower()] then return query end
  return nil
end

--- The one query among the members that `names` names; nil where there is none, nil and a sentence where there
--- are two. `take` makes a query of a text, or nil.
local function among(object, names, take)
  local query, at, why
  for _, key in ipairs(keys_of(object)) do
    if names[key:lower()] and type(object[key]) == "string" then
      local one, fault = take(object[key])
      why = why or fault
      if one and query and one ~= query then
        return nil, ("both %q and %q hold a query: name the one with --field"):format(at, key)
      elseif one then
        query, at = one, key
      end
    end
  end
  return query, not query and why or nil
end

local function as_it_is(text) return text end

local in_object

--- Of a chat ("messages", or "conversations" with "from" and "value"): the last answer's query.
local function in_chat(object)
  local list = object.messages or object.conversations
  if type(list) ~= "table" or not json.is_array(list) then return nil end
  for i = #list, 1, -1 do
    local one = list[i]
    local who = is_object(one) and (one.role or one.from)
    if who == "assistant" or who == "gpt" or who == "model" then
      local text = one.content or one.value
      if type(text) ~= "string" then return nil, "the last answer of the chat is " .. found(text) end
      local inner = json.decode(text)
      if is_object(inner) then return in_object(inner) end
      local query, why = in_text(text)
      if query then return query end
      return nil, "the last answer of the chat holds no query" .. (why and ": " .. why or "")
    end
  end
  return nil, "the chat holds no answer"
end

in_object = function(object)
  local query, why = among(object, NAMES, as_it_is)
  if query or why then return query, why end
  query, why = in_chat(object)
  if query or why then return query, why end
  query, why = among(object, ANSWERS, in_text)
  if query or why then return query, why end
  local keys = keys_of(object)
  local shown = table.concat(keys, ", ", 1, math.min(#keys, 8)) .. (#keys > 8 and ", …" or "")
  return nil, ("no field holds a query (there are: %s); --field names it"):format(#keys > 0 and shown or "none")
end

local function question_of(object)
  for _, name in ipairs(QUESTIONS) do
    if type(object[name]) == "string" then return object[name] end
  end
  return ""
end

--- The query of a line, and the question beside it ("" where there is none); nil and a sentence where the line
--- holds none. `field`: the member that holds it; nil: whichever of the known ones does.
---@param line string  without its newline
---@param field string?
---@return string? query
---@return string question_or_message
function queryline.read(line, field)
  if not line:find("%S") then return nil, "the line is empty" end
  local object, why = json.decode(line)
  if object == nil then return nil, "not JSON: " .. tostring(why) end
  if not is_object(object) then return nil, ("expected a JSON object, found %s"):format(found(object)) end
  local query
  if field then
    query = object[field]
    if type(query) ~= "string" then return nil, ("%s: expected text, found %s"):format(field, found(query)) end
  else
    query, why = in_object(object)
    if not query then return nil, why end
  end
  if query:find("\0", 1, true) then return nil, "the query holds a NUL character" end
  if not query:find("%S") then return nil, "the query is empty" end
  return query, question_of(object)
end

return queryline
