--- replies: reading what the model wrote.
---
--- Tolerant of form, strict about content: prose, fences, list marks, wrappers and <think> blocks
--- around the JSON don't matter, and keys may have other usual names; but text is only ever taken
--- as it was written, and an object that was cut off is reported, not completed.

local json = require "nlsql.json"
local salvage = require "nlsql.salvage"
local sqltext = require "nlsql.sqltext"

local replies = {}

local QUESTION = { "question", "natural_language_question", "nl_question", "nl", "q" }
local ANSWER = { "answer", "natural_language_answer", "nl_answer", "response", "reply", "a" }
local SQL = { "sql", "answer_sql", "sql_query", "query" }
local TABLES = { "tables", "table_set", "table_names" }
local WRAPPERS = {
  "pairs", "results", "data", "items", "questions", "queries", "examples", "output", "response", "sets",
  "table_sets", "relations", "relationships", "foreign_keys",
}

--- Wrappers in wrappers are looked into this deep.
local MAX_DEPTH = 6

local function is_object(value)
  return type(value) == "table" and value ~= json.null and not json.is_array(value)
    and getmetatable(value) == nil
end

local function kind_of(value)
  if value == nil then return "missing" end
  if value == json.null then return "null" end
  if type(value) == "string" then return "text" end
  if type(value) == "table" and json.is_array(value) then return "a list" end
  if is_object(value) then return "an object" end
  if type(value) == "boolean" then return "true or false" end
  return "a number"
end

--- The member that one of `names` names, and its key; capitals count only where both are there.
local function member(object, names)
  for _, name in ipairs(names) do
    if object[name] ~= nil then return object[name], name end
  end
  local keys = {}
  for key in pairs(object) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, name in ipairs(names) do
    for _, key in ipairs(keys) do
      if key:lower() == name then return object[key], key end
    end
  end
end

--- What a wrapper holds: {"pairs": […]}, or the only member of an object.
local function wrapped(object)
  for _, name in ipairs(WRAPPERS) do
    if type(object[name]) == "table" then return object[name] end
  end
  local key, value = next(object)
  if key ~= nil and next(object, key) == nil and type(value) == "table" then return value end
end

--- Is there an object in `value`, in its lists and wrappers, that `is_it` knows? With `visit`, each
--- goes to it, and what else stands in a list with one goes to `refuse`.
local function unfold(value, is_it, visit, refuse, depth)
  depth = depth or 1
  if type(value) ~= "table" or value == json.null or depth > MAX_DEPTH then return false end
  if is_it(value) then
    if visit then visit(value) end
    return true
  end
  if is_object(value) then return unfold(wrapped(value), is_it, visit, refuse, depth + 1) end
  if not json.is_array(value) then return false end
  local any = false
  for _, one in ipairs(value) do
    if unfold(one, is_it, nil, nil, depth + 1) then
      any = true
      if not visit then return true end
      unfold(one, is_it, visit, refuse, depth + 1)
    elseif visit then
      refuse(one)
    end
  end
  return any
end

local function shown_value(value)
  local text = json.encode(value)
  return salvage.shown(text or tostring(value))
end

--- What all readers of replies share: every object (or list) that `is_it` knows goes to `visit(object,
--- reject)`; returns the rejected and the state that goes with a number of results.
---@param text string
---@param is_it fun(value: any): boolean
---@param visit fun(object: table, reject: fun(reason: string, value: any))
---@return {reason: string, text: string}[] rejected
---@return fun(n_results: integer): string? state
function replies.each(text, is_it, visit)
  local rest, thinking = salvage.without_thought(text)
  local values, rejected, truncated = salvage.walk(rest, function(value) return unfold(value, is_it) end)
  local function reject(reason, value)
    rejected[#rejected + 1] = { reason = reason, text = shown_value(value) }
  end
  for _, value in ipairs(values) do
    unfold(value, is_it, function(object) visit(object, reject) end,
      function(other) reject("not what was asked for", other) end)
  end
  local function state(n_results)
    if truncated or thinking then return "truncated" end
    if n_results > 0 then return nil end
    if not rest:find("%S") then return "empty" end
    return (#values > 0 or #rejected > 0) and "nothing_usable" or "no_json"
  end
  return rejected, state
end

--- The text of a member, or nil and why it cannot be used.
local function text_of(value, what, clean)
  if type(value) ~= "string" then
    local kind = kind_of(value)
    return nil, kind == "missing" and ("there is no %s"):format(what)
      or ("the %s is %s, not text"):format(what, kind)
  end
  local text = clean(value)
  if text == "" then return nil, ("the %s is empty"):format(what) end
  if text:find("\0", 1, true) then return nil, ("the %s holds a NUL"):format(what) end
  return text
end

local function is_list_of_text(value)
  if type(value) ~= "table" or not json.is_array(value) or #value == 0 then return false end
  for _, one in ipairs(value) do
    if type(one) ~= "string" then return false end
  end
  return true
end

--- An answer: text, or a list of texts, which are joined.
local function answer_of(value)
  if is_list_of_text(value) then value = table.concat(value, "\n") end
  return text_of(value, "answer", sqltext.trim)
end

local function query_of(value) return text_of(value, "query", sqltext.clean) end

--- What read and answers share: pairs of a question and what `names` name, which becomes member `as`.
local function read_pairs(reply, names, as, value_of)
  local pairs_read, seen = {}, {}
  local function is_pair(value)
    if not is_object(value) then return false end
    local raw = member(value, names) -- where it holds objects it is a wrapper
    return member(value, QUESTION) ~= nil
      or raw ~= nil and (type(raw) ~= "table" or raw == json.null or is_list_of_text(raw))
  end
  local rejected, state = replies.each(reply, is_pair, function(object, reject)
    local raw_question, question_key = member(object, QUESTION)
    local raw, key_of_raw = member(object, names)
    local question, no_question = text_of(raw_question, "question", sqltext.trim)
    local value, no_value = value_of(raw)
    if not question or not value then
      reject(no_question or no_value, object)
      return
    end
    local key = #question .. ":" .. question .. value
    if seen[key] then return end
    seen[key] = true
    local pair = {}
    for name, other in pairs(object) do
      if type(name) == "string" and type(other) == "string" then pair[name] = other end
    end
    pair[question_key], pair[key_of_raw] = nil, nil
    pair.question, pair[as] = question, value
    pairs_read[#pairs_read + 1] = pair
  end)
  return pairs_read, state(#pairs_read), rejected
end

---@class nlsql.Pair
---@field question string
---@field sql string  without fence, final semicolon and blank space at its ends

--- The question and SQL pairs of a reply, each once, in order. An object's other members are kept
--- where they are text.
---
--- The state is nil where all is well; "truncated" where the reply ends inside an object (pairs
--- before it are there), and where there are no pairs "empty", "no_json" or "nothing_usable".
---@param text string
---@return nlsql.Pair[]
---@return string? state
---@return {reason: string, text: string}[] rejected what was there but is no pair, and why
function replies.read(text)
  if type(text) ~= "string" then error("replies.read(text) takes a string", 2) end
  return read_pairs(text, SQL, "sql", query_of)
end

---@class nlsql.AnswerPair
---@field question string
---@field answer string  words; a list of texts in the reply is one answer of several lines

--- The question and answer pairs of a reply. All else as with replies.read.
---@param text string
---@return nlsql.AnswerPair[]
---@return string? state
---@return {reason: string, text: string}[] rejected
function replies.answers(text)
  if type(text) ~= "string" then error("replies.answers(text) takes a string", 2) end
  return read_pairs(text, ANSWER, "answer", answer_of)
end

local function is_set(value)
  return is_list_of_text(value) or is_object(value) and member(value, TABLES) ~= nil
end

--- A table's name: text, or an object that has one.
local function name_of(value)
  if is_object(value) then value = member(value, { "name", "table", "table_name" }) end
  local name = type(value) == "string" and sqltext.trim(value) or ""
  return name ~= "" and name or nil
end

--- The sets of table names in a reply, from {"tables": […]} or bare lists, each set once, names in
--- the order given. State and rejected as with replies.read.
---@param text string
---@return string[][]
---@return string? state
---@return {reason: string, text: string}[] rejected
function replies.sets(text)
  if type(text) ~= "string" then error("replies.sets(text) takes a string", 2) end
  local sets, seen = {}, {}
  local rejected, state = replies.each(text, is_set, function(value, reject)
    local names = is_object(value) and member(value, TABLES) or value
    if type(names) ~= "table" or not json.is_array(names) then
      reject(("the tables are %s, not a list"):format(kind_of(names)), value)
      return
    end
    local set, inside = {}, {}
    for _, one in ipairs(names) do
      local name = name_of(one)
      if not name then
        reject("a table's name is not text", value)
        return
      end
      if not inside[name] then
        inside[name] = true
        set[#set + 1] = name
      end
    end
    if #set == 0 then
      reject("the set of tables is empty", value)
      return
    end
    local sorted = table.move(set, 1, #set, 1, {})
    table.sort(sorted)
    local key = table.concat(sorted, "\0")
    if not seen[key] then
      seen[key] = true
      sets[#sets + 1] = set
    end
  end)
  return sets, state(#sets), rejected
end

local FIXED = { "fixed_sql", "corrected_sql", "fixed_query", "fixed" }
local SCORE = { "score", "rating" }
local REASON = { "reason", "reasons", "explanation", "feedback" }
local NO_SQL = { [""] = true, ["null"] = true, ["none"] = true, ["n/a"] = true, ["nil"] = true }

--- 0 to 1 from 0.8, "0.8", "80 %", "8/10"; nil from anything else: 8 may be of 10 or of 100.
local function score_of(value)
  local kind = kind_of(value)
  if kind ~= "a number" and kind ~= "text" then return nil end
  local written, score = sqltext.trim(tostring(value)), nil
  local part, whole = written:match("^([%d.]+)%s*/%s*([%d.]+)$")
  local percent = written:match("^([%d.]+)%s*%%$")
  if part and tonumber(part) and (tonumber(whole) or 0) > 0 then
    score = tonumber(part) / tonumber(whole)
  elseif percent then
    score = tonumber(percent) and tonumber(percent) / 100
  elseif written:find("^[%d.eE+-]+$") then
    score = tonumber(written)
  end
  return score and score >= 0 and score <= 1 and score + 0.0 or nil
end

local function is_verdict(value)
  return is_object(value) and (member(value, FIXED) ~= nil or member(value, SCORE) ~= nil
    or member(value, REASON) ~= nil)
end

---@class nlsql.Review
---@field score number?      0 to 1
---@field reason string?
---@field fixed_sql string?  cleaned as replies.read does; nil where there is none

--- A critic's reply: the first object in it that has a score, a reason or a repaired query. What
--- cannot be understood of it is left out. Where there is none, nil and a state as of replies.read.
---@param text string
---@return nlsql.Review?
---@return string? state
function replies.verdict(text)
  if type(text) ~= "string" then error("replies.verdict(text) takes a string", 2) end
  local review
  local _, state = replies.each(text, is_verdict, function(object)
    if review then return end
    local reason, fixed = member(object, REASON), member(object, FIXED)
    if is_list_of_text(reason) then reason = table.concat(reason, "; ") end
    reason = type(reason) == "string" and sqltext.trim(reason) or ""
    fixed = type(fixed) == "string" and sqltext.clean(fixed) or ""
    review = {
      score = score_of((member(object, SCORE))),
      reason = reason ~= "" and reason or nil,
      fixed_sql = not NO_SQL[fixed:lower()] and not fixed:find("\0", 1, true) and fixed or nil,
    }
  end)
  if not review then return nil, state(0) end
  return review
end

--- Why there is nothing, in words; %s is what was wanted.
local NOTHING = {
  broken = "the reply broke off before its first whole %s",
  content_filter = "the endpoint's content filter held the reply back",
  empty = "the reply is empty",
  length = "the output limit cut the reply before its first whole %s",
  no_choices = "the endpoint answered without a choice",
  no_json = "there is no JSON object in the reply",
  nothing_usable = "no object in the reply is a usable %s",
  refusal = "the model refused to answer",
  tool_calls = "the model called tools that it was not offered",
  truncated = "the reply ends inside its first object",
}

--- Why a reply brought nothing usable: by what the endpoint said of it, else by the state that its reader
--- gave.
---@param outcome string   of nlsql.Reply
---@param state string?    of replies.read and its like
---@param what string?     what was wanted ("pair")
---@return string
function replies.nothing(outcome, state, what)
  local why = outcome ~= "ok" and NOTHING[outcome] or NOTHING[state] or state or outcome
  return (why:gsub("%%s", what or "pair"))
end

return replies
