--- tokens: prose as sentences of tokens.
---
--- A token is a word, a number, a mark of punctuation, or a piece that the writer set apart: code in
--- backticks, text in double quotes, a literal in single quotes. What is in a piece stays as written.

local tokens = {}

---@class nlsql.Token
---@field kind "word"|"number"|"mark"|"code"|"quoted"|"literal"
---@field text string   as written, without its quotes
---@field lower string  what patterns compare
---@field call boolean? is "(" right behind it?

local CONTRACTED = { ["won't"] = { "will", "not" }, ["can't"] = { "can", "not" }, ["cannot"] = { "can", "not" },
  ["it's"] = { "it", "is" }, ["that's"] = { "that", "is" }, ["there's"] = { "there", "is" },
    ["what's"] = { "what", "is" },
  ["they're"] = { "they", "are" } }

--- Abbreviations whose dot ends no sentence.
local SHORT = { ["e.g"] = "e.g", ["i.e"] = "i.e", ["etc"] = "etc", ["vs"] = "vs", ["approx"] = "approx" }

local WORD = "^[%a_\x80-\xFF][%w_\x80-\xFF]*"

local function token(kind, text, lower) return { kind = kind, text = text, lower = lower or text:lower() } end

--- The words of "isn't", "customer's", "the customers'".
local function add_word(out, word)
  local lower = word:lower()
  if CONTRACTED[lower] then
    for _, part in ipairs(CONTRACTED[lower]) do out[#out + 1] = token("word", part) end
  elseif lower:find("n't$") then
    out[#out + 1] = token("word", word:sub(1, -4))
    out[#out + 1] = token("word", "not")
  elseif lower:find("'s$") then
    out[#out + 1] = token("word", word:sub(1, -3))
    out[#out + 1] = token("word", "'s")
  else
    out[#out + 1] = token("word", word)
  end
end

--- A word at `at`, with the names that dots hang on it and the parts that hyphens do.
local function read_word(text, at)
  local short = text:match("^[%a]%.[%a]%f[^%w]", at)
  if short and SHORT[short:lower()] then
    return at + #short + (text:sub(at + #short, at + #short) == "." and 1 or 0), token("word", short)
  end
  local _, stop = text:find(WORD, at)
  local dotted = false
  while true do
    local _, more = text:find("^%.[%a_\x80-\xFF][%w_\x80-\xFF]*", stop + 1)
    if not more then break end
    -- "…in the table.The next": a sentence that lacks its blank
    if text:find("^%.%u%l+%f[%s]", stop + 1) and text:find("^%l", at) then break end
    stop, dotted = more, true
  end
  if not dotted then
    local _, more = text:find("^[%-][%a][%w%-]*", stop + 1)
    if more and not text:sub(at, stop):find("_") then stop = more end
    _, more = text:find("^'[%a]+", stop + 1)
    stop = more or stop
  end
  return stop + 1, nil, text:sub(at, stop), dotted
end

--- A piece between quotes that opens at `at`; nil where it is no quoting.
local function read_piece(text, at)
  local ticks = text:match("^`+", at)
  if ticks then
    local from, to = text:find(ticks, at + #ticks, true)
    if from then return to + 1, token("code", (text:sub(at + #ticks, from - 1):gsub("^%s+", ""):gsub("%s+$", ""))) end
  elseif text:find('^"', at) then
    local inner = text:match('^"([^"\n]*)"', at)
    local more = inner and text:match('^"[^"\n]*"%.?"?[^"\n]*"', at)
    if more and more:find('^"[^"]+"%."[^"]+"$') then -- "Sales"."Region"
      local stop, whole = at + #more, more
      local third = text:match('^%."[^"\n]+"', stop)
      if third then stop, whole = stop + #third, whole .. third end
      return stop, token("quoted", whole)
    end
    if inner and inner ~= "" then
      local behind = text:match("^%.[%a_][%w_]*", at + #inner + 2)
      if behind then return at + #inner + 2 + #behind, token("quoted", '"' .. inner .. '"' .. behind) end
      return at + #inner + 2, token("quoted", inner)
    end
  elseif text:find("^\xE2\x80\x9C", at) then
    local inner = text:match("^\xE2\x80\x9C(.-)\xE2\x80\x9D", at)
    if inner and #inner < 200 then return at + #inner + 6, token("quoted", inner) end
  elseif text:find("^'", at) and (at == 1 or not text:find("^[%w_`\"]", at - 1)) then
    local inner = text:match("^'([^'\n]*)'%f[^%w']", at)
    if inner then return at + #inner + 2, token("literal", inner) end
  end
end

local MARKS = { "->", "=>", "<>", "<=", ">=", "!=", "::" }

local function read_mark(text, at)
  for _, mark in ipairs(MARKS) do
    if text:sub(at, at + #mark - 1) == mark then return at + #mark, token("mark", mark) end
  end
  return at + 1, token("mark", text:sub(at, at))
end

--- Does the mark at `at` end a sentence?
local function ends(text, at, before)
  local c = text:sub(at, at)
  if c == "\n" or c == ";" then return true end
  if c == "?" or c == "!" then return true end
  return c == "." and text:find("^%.[\"')*]*%f[%s\0]", at) ~= nil and not (before and SHORT[before.lower])
end

--- The sentences of a text; marks that end them are left out, but "?" is kept.
---@param text string
---@return nlsql.Token[][]
function tokens.sentences(text)
  text = text:gsub("\xE2\x80\x99", "'"):gsub("\xC2\xA0", " "):gsub("\xE2\x86\x92", " -> "):gsub("\xE2\x80[\x93\x94]",
    " - ")
  local out, list, at = {}, {}, 1
  local function close()
    if #list > 0 then out[#out + 1] = list end
    list = {}
  end
  while at <= #text do
    local piece_end, piece = read_piece(text, at)
    if piece then
      at, list[#list + 1] = piece_end, piece
    elseif text:find(WORD, at) then
      local next_at, whole, word, dotted = read_word(text, at)
      at = next_at
      if whole then
        list[#list + 1] = whole
      elseif dotted then
        list[#list + 1] = token("word", word)
        list[#list].dotted = true
      else
        add_word(list, word)
      end
    elseif text:find("^%d", at) then
      local _, stop = text:find("^%d[%d,]*%.?%d*", at)
      while text:find("^[.,]", stop) do stop = stop - 1 end
      local _, more = text:find("^[%w_:/%-]+", stop + 1) -- 2023-01-01, 4x, 08:00
      if more and text:sub(more, more):find("[:/%-]") then more = more - 1 end
      stop = more and more > stop and more or stop
      list[#list + 1] = token("number", text:sub(at, stop))
      at = stop + 1
    elseif ends(text, at, list[#list]) then
      if text:sub(at, at) == "?" then list[#list + 1] = token("mark", "?") end
      close()
      at = at + 1
    elseif text:find("^[%s*#]", at) then
      at = at + 1
    elseif text:find("^'s%f[%W]", at) then -- `customer`'s
      list[#list + 1] = token("word", "'s")
      at = at + 2
    else
      local next_at, mark = read_mark(text, at)
      at = next_at
      if mark.text == "(" and #list > 0 and not text:sub(at - 2, at - 2):find("%s") then list[#list].call = true end
      list[#list + 1] = mark
    end
  end
  close()
  return out
end

return tokens
