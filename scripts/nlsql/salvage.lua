--- salvage: the JSON objects in what a model wrote, and what about the rest.
---
--- A reply is prose, fences and list marks with JSON in between; it may be cut off at any byte.
--- Everything that reads as JSON is handed on. What was meant to be JSON but does not read is
--- reported, and so is a reply that ends inside an object; nothing is completed by guessing. One
--- fault is mended since it has one meaning only: a raw line break or tab inside a string.
---
--- The time it takes is linear in the reply's length, whatever the reply.

local json = require "nlsql.json"
local sqltext = require "nlsql.sqltext"

local salvage = {}

--- Bytes of a refused piece that are kept to be shown.
local SHOWN = 300

--- The first bytes of a piece, cut between two characters.
local function shown(piece)
  if #piece <= SHOWN then return piece end
  local last = SHOWN
  while last > 0 and (piece:byte(last + 1) & 0xC0) == 0x80 do last = last - 1 end
  return piece:sub(1, last) .. "…"
end

salvage.shown = shown

--- Does only blank space stand between the line's start and `at`?
local function begins_line(s, at)
  repeat at = at - 1 until at < 1 or not s:find("^[ \t]", at)
  return at < 1 or s:byte(at) == 10
end

--- The end of a closing tag that no opening one belongs to, as where the chat template wrote the
--- opening one: what stands before it was thought.
local function stray_close(lower)
  local _, stop
  local from = 1
  while true do
    local first, last = lower:find("</think", from, true)
    if not first then return stop end
    _, last = lower:find("^[a-z]*>", last + 1)
    if last and lower:find("^%s*[\n{%[`]", last + 1) and lower:find("%S", last + 1) then stop = last end
    from = first + 1
  end
end

--- Without `<think>…</think>` blocks, which begin a line, one that is never closed included.
--- Second result: true where the text ended inside such a block.
---@param text string
---@return string, boolean
function salvage.without_thought(text)
  local lower = text:lower()
  if not lower:find("think", 1, true) then return text, false end
  local kept, at, from = {}, 1, 1
  local stray_until = stray_close(lower)
  while true do
    local first, last = lower:find("<think", from, true)
    local tag_end = last and select(2, lower:find("^[a-z]*>", last + 1))
    if not first then break end
    from = last + 1
    if tag_end and begins_line(lower, first) then
      kept[#kept + 1] = text:sub(at, first - 1)
      local _, stop = lower:find("</" .. lower:sub(first + 1, tag_end), tag_end, true)
      if not stop then return table.concat(kept), true end
      at, from = stop + 1, stop + 1
    end
  end
  if stray_until and stray_until >= at then
    kept, at = {}, stray_until + 1
  end
  kept[#kept + 1] = text:sub(at)
  return table.concat(kept), false
end

--- The text of a broken piece with control characters in its strings escaped; nil where none was.
local function escaped(piece)
  local out, at, mended = {}, 1, false
  while true do
    local open = piece:find('"', at, true)
    if not open then break end
    out[#out + 1] = piece:sub(at, open)
    at = open + 1
    while true do
      local hit = piece:find('["\\%c]', at)
      if not hit then return nil end
      out[#out + 1] = piece:sub(at, hit - 1)
      local c = piece:sub(hit, hit)
      if c == "\\" then
        out[#out + 1] = piece:sub(hit, hit + 1)
        at = hit + 2
      else
        out[#out + 1] = c == '"' and c or ("\\u%04x"):format(c:byte())
        mended = mended or c ~= '"'
        at = hit + 1
        if c == '"' then break end
      end
    end
  end
  out[#out + 1] = piece:sub(at)
  return mended and table.concat(out) or nil
end

--- Finds where brackets close, each byte being looked at a bounded number of times: what one look
--- found out about the brackets on its way is kept, and the work is capped for texts made to defeat
--- that (quotes and backslashes so that every bracket stands inside another's string).
---@class nlsql.salvage.Finder
---@field text string
---@field ends table<integer, integer|false>  where each bracket closes
---@field endless integer|number  from where on no string ends
---@field left integer            work that may be done still
local Finder = {}
Finder.__index = Finder

local WORK_PER_BYTE, WORK_AT_LEAST = 16, 1 << 18

local function new_finder(text)
  local left = WORK_PER_BYTE * #text + WORK_AT_LEAST
  return setmetatable({ text = text, ends = {}, endless = math.huge, left = left }, Finder)
end

--- The quote that ends the string whose text begins at `at`; nil where there is none. A string that
--- begins within one without end has no end either.
function Finder:string_end(at)
  local text, from = self.text, at
  if at >= self.endless then return nil end
  while true do
    local hit = text:find('["\\]', at)
    if not hit then
      self.endless, self.left = from, self.left - (#text - from)
      return nil
    elseif text:byte(hit) == 34 then
      return hit
    end
    at = hit + 2
  end
end

--- Where the bracket at `from` closes; false where it doesn't.
function Finder:close_of(from)
  local text, ends = self.text, self.ends
  if ends[from] ~= nil then return ends[from] end
  local stack, at = {}, from
  repeat
    local hit = text:find('[{}%[%]"]', at)
    local c = hit and text:byte(hit)
    local past
    if c == 34 then -- a string
      past = self:string_end(hit + 1)
    elseif c == 123 or c == 91 then -- an opening bracket
      past = ends[hit] == nil and hit or ends[hit]
      if ends[hit] == nil then stack[#stack + 1] = hit end
    elseif c then
      past = hit
      ends[table.remove(stack)] = hit
    end
    if not past then break end
    self.left = self.left - (past + 1 - at)
    at = past + 1
  until #stack == 0 or self.left < 0
  for _, open in ipairs(stack) do ends[open] = false end
  ends[from] = ends[from] or false
  return ends[from]
end

--- The next object or array at or after `at` that reads: the value, its first and its last byte.
function Finder:next(at)
  while true do
    local first = self.text:find("[{%[]", at)
    if not first or self.left < 0 then return nil end
    local last = self:close_of(first)
    if last then
      self.left = self.left - (last - first)
      local value = json.decode(self.text:sub(first, last))
      if value ~= nil then return value, first, last end
    end
    at = first + 1
  end
end

--- Follows the brackets of what did not read as JSON.
---@class nlsql.salvage.Scanner
---@field text string
---@field at integer
---@field stack table[]
---@field open table<string, integer>
---@field string_from integer?
---@field broken integer[][]
local Scanner = {}
Scanner.__index = Scanner

local function new_scanner(text)
  return setmetatable({
    text = text, at = 1,
    stack = {},                        -- open brackets: {pos=, char=, got= (something was read in it)}
    open = { ["{"] = 0, ["["] = 0 },   -- how many of each
    string_from = nil,                 -- where the string that is open began
    broken = {},                       -- {first, last}: pieces that do not read, in order
  }, Scanner)
end

local OPENER = { ["}"] = "{", ["]"] = "[" }

--- Does the bracket at `at`, outside all others, look like JSON rather than prose?
local function looks_like_json(text, at, char)
  if text:find('^%s*"', at + 1) or text:find("^%s*$", at + 1) then return true end
  if char == "[" then return text:find("^%s*[{%[]", at + 1) ~= nil end
  return text:find("^%s*'", at + 1) ~= nil or text:find("^%s*[%a_]+%s*:", at + 1) ~= nil
end

--- An opening bracket.
function Scanner:push(pos, char)
  self.stack[#self.stack + 1] = { pos = pos, char = char, got = false }
  self.open[char] = self.open[char] + 1
end

--- Takes the innermost bracket off; what it held and did not read is broken up to `last`.
function Scanner:pop(last)
  local top = table.remove(self.stack)
  self.open[top.char] = self.open[top.char] - 1
  if top.got then return end
  local broken = self.broken
  while broken[#broken] and broken[#broken][1] > top.pos do broken[#broken] = nil end
  broken[#broken + 1] = { top.pos, last }
end

--- A closing bracket: those that stand open within its pair close with it.
function Scanner:close(pos, char)
  local opener = OPENER[char]
  if self.open[opener] == 0 then return end
  while true do
    local was = self.stack[#self.stack].char
    self:pop(pos)
    if was == opener then return end
  end
end

--- Looks at the text up to and including byte `upto`.
function Scanner:scan(upto)
  local text = self.text
  while self.at <= upto do
    local hit = text:find(self.string_from and '["\\]' or '[{}%[%]"]', self.at)
    if not hit or hit > upto then
      self.at = upto + 1
      return
    end
    local c = text:sub(hit, hit)
    self.at = hit + (c == "\\" and 2 or 1)
    if self.string_from then
      if c == '"' then self.string_from = nil end
    elseif c == '"' then
      if #self.stack > 0 then self.string_from = hit end
    elseif OPENER[c] then
      self:close(hit, c)
    elseif #self.stack > 0 or looks_like_json(text, hit, c) then
      self:push(hit, c)
    end
  end
end

--- Is the value at `first` where a wrapper would hold it: in a list, or behind a key's colon?
function Scanner:in_wrapper(first)
  if self.stack[#self.stack].char == "[" then return true end
  local at = first - 1
  while at > 0 and self.text:find("^%s", at) do at = at - 1 end
  return self.text:sub(at, at) == ":"
end

--- A value was read at [first, last]. What is open around it is a wrapper; but an object that was
--- left within a string or between members is one that somebody forgot to close.
function Scanner:took(first, last)
  self:scan(first - 1)
  if #self.stack > 0 and (self.string_from or not self:in_wrapper(first)) then
    self.string_from = nil
    self:pop(first - 1)
  end
  for i = #self.stack, 1, -1 do
    if self.stack[i].got then break end
    self.stack[i].got = true
  end
  self.at = last + 1
end

--- The end of a line that closes a bracket although the string from `string_from` is open: there
--- the quotes are odd in number, and the text is not cut off.
function Scanner:odd_line()
  local line_end = self.text:find("\n", self.string_from, true)
  if not line_end then return nil end
  local at = line_end - 1
  while at > self.string_from and self.text:find("^[%s,]", at) do at = at - 1 end
  return self.text:find("^[%]}]", at) and line_end
end

--- The end of the text. Returns true where it ends inside an object or array.
function Scanner:finish()
  self:scan(#self.text)
  local line_end = self.string_from and self:odd_line()
  if line_end then
    self.string_from, self.at = nil, line_end + 1
    self:pop(line_end - 1)
    self:scan(#self.text)
  end
  return #self.stack > 0
end

--- Adds what the broken pieces held after all, and a complaint for each of the others.
local function add_broken(text, pieces, wanted, found, rejected)
  for _, piece in ipairs(pieces) do
    local source = text:sub(piece[1], piece[2])
    local mended = escaped(source)
    local value = json.decode(source)
    if value == nil and mended then value = json.decode(mended) end
    if value ~= nil and wanted(value) then
      found[#found + 1] = { at = piece[1], value = value }
    else
      rejected[#rejected + 1] = {
        reason = value == nil and "not valid JSON" or "not what was asked for",
        text = shown(sqltext.trim(source)),
      }
    end
  end
end

--- The JSON values in `text` that `wanted(value)` says yes to, in the order of the text; values
--- inside of one that is wanted are not looked at.
---@param text string
---@param wanted fun(value: any): boolean
---@return any[] values
---@return {reason: string, text: string}[] rejected
---@return boolean truncated the text ends inside an object or array
function salvage.walk(text, wanted)
  local finder, scanner, found, rejected = new_finder(text), new_scanner(text), {}, {}
  local at = 1
  while true do
    local value, first, last = finder:next(at)
    if value == nil then break end
    at = last + 1
    if wanted(value) then
      scanner:took(first, last)
      found[#found + 1] = { at = first, value = value }
    end
  end
  local truncated = scanner:finish()
  add_broken(text, scanner.broken, wanted, found, rejected)
  table.sort(found, function(a, b) return a.at < b.at end)
  local values = {}
  for i, one in ipairs(found) do values[i] = one.value end
  return values, rejected, truncated
end

return salvage
