--- guard: nothing protected leaves.
---
--- nlsql.anon puts a stand-in in the place of each private value that goes out, and keeps the real ones in
--- `anon.protected`. Here what is about to leave is looked at once more: each prompt before it is sent, each
--- reply as it comes (a model may say what it knows from elsewhere), each candidate, row and line of a log. A value
--- of fewer than six bytes, a round number or what stands in the schema or a template is none (see nlsql.protect).

local json = require "nlsql.json"

local guard = {}

--- What stands in a text that came from outside in the place of a protected value.
guard.MARK = "[private]"

--- Words of queries and questions that are nobody's.
local COMMON = "select distinct between exists extract interval timestamp current_date current_timestamp coalesce nullif "
  .. "greatest least position substring replace concat string_agg array_agg date_trunc to_char to_date to_number "
  .. "row_number dense_rank percent_rank first_value last_value nth_value average minimum maximum number amount highest "
  .. "lowest ascending descending generate_series regexp_matches regexp_replace split_part percentile_cont percentile_disc"

--- Is nothing protected, since values may be seen as they are?
local function open(self) return self.anon == nil or self.anon:raw() end

--- What a value is, for a sentence: never the value itself.
local function class_of(self, value)
  local anon = self.anon
  return anon.class_of and anon:class_of(value) or "value"
end

--- nil where the text may leave, else what is in it: "a protected value (person)".
---@param self { anon: nlsql.Anon? }  a context, or a model that belongs to one
---@param text string
---@return string? what
function guard.check(self, text)
  if open(self) then return nil end
  local value = self.anon.protected:find(text)
  if value then return ("a protected value (%s)"):format(class_of(self, value)) end
  if text:find(guard.MARK, 1, true) then return "a protected value" end
  return nil
end

--- Takes for no secret what stands in texts that everybody may see: templates, the schema. `name` tells them apart:
--- each is taken once.
---@param self { anon: nlsql.Anon? }
---@param name string
---@param text string
function guard.exempt(self, name, text)
  if open(self) then return end
  local seen = self.exempted
  if not seen then
    seen = {}
    self.exempted = seen
    self.anon.protected:exempt(COMMON)
  end
  if seen[name] then return end
  seen[name] = true
  self.anon.protected:exempt(text)
end

--- A value as it can be spelt in a text: as it is, as SQL, as JSON, as JSON within JSON.
local function spellings(value)
  local function escaped(text) return (text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\r", "\\r"):gsub("\t", "\\t")) end
  local doubled = value:gsub("'", "''")
  return { value, doubled, escaped(value), escaped(doubled), escaped(escaped(value)), escaped(escaped(doubled)) }
end

--- The text with one piece of it, byte for byte, in place of another.
---@param text string
---@param what string
---@param with string
---@return string
function guard.replace(text, what, with)
  local out, at = {}, 1
  while true do
    local first, last = text:find(what, at, true)
    if not first then break end
    out[#out + 1] = text:sub(at, first - 1)
    out[#out + 1] = with
    at = last + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

--- The text with guard.MARK in the place of each protected value; all of it where one is spelt in a way that
--- cannot be told apart.
---@param self { anon: nlsql.Anon? }
---@param text string
---@return string
function guard.mask(self, text)
  if open(self) then return text end
  local value, found = self.anon.protected:find(text)
  while value do
    local before = text
    for _, spelling in ipairs(spellings(found --[[@as string]])) do text = guard.replace(text, spelling, guard.MARK) end
    if text == before then return guard.MARK end
    value, found = self.anon.protected:find(text)
  end
  return text
end

--- The same for each text of a value such as json.decode gives.
---@generic T
---@param self { anon: nlsql.Anon? }
---@param value T
---@return T
function guard.mask_all(self, value)
  if type(value) == "string" then return guard.mask(self, value) end
  if type(value) ~= "table" then return value end
  local is_list = json.is_array(value)
  if getmetatable(value) and not is_list then return value end -- a number that keeps its text
  local copy = is_list and json.array {} or {}
  for name, one in pairs(value) do copy[name] = guard.mask_all(self, one) end
  return copy
end

--- What of a request may not be sent: nil, or what is in it and in which message.
---@param self { anon: nlsql.Anon? }
---@param ask nlsql.Ask
---@return string? what
function guard.check_request(self, ask)
  if open(self) then return nil end
  for _, message in ipairs(ask.messages) do
    local what = guard.check(self, message.content or "")
    for _, call in ipairs(message.tool_calls or {}) do what = what or guard.check(self, call.arguments or "") end
    if what then return ("the %s message holds %s"):format(message.role, what) end
  end
  return nil
end

return guard
