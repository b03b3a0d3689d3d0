--- style: how names, lists and sentences are written where a schema is explained.

local words = require "nlsql.grammar.words"

local style = {}

---@class nlsql.DocStyle
local Style = {}
Style.__index = Style

---@param lexicon nlsql.Lexicon
---@param draw nlsql.Draw
---@return nlsql.DocStyle
function style.new(lexicon, draw)
  return setmetatable({ lexicon = lexicon, draw = draw }, Style)
end

--- A name as it stands in running text.
---@param name string
function style.code(name) return "`" .. name:gsub("`", "") .. "`" end

local taken = setmetatable({}, { __mode = "k" })

--- How many tables have a name.
local function names_taken(lexicon)
  local counts = taken[lexicon]
  if not counts then
    counts = {}
    for _, t in pairs(lexicon.tables) do counts[t.name:lower()] = (counts[t.name:lower()] or 0) + 1 end
    taken[lexicon] = counts
  end
  return counts
end

--- What a table is called: its name alone where no other has it.
---@param ref string
---@return string
function Style:table(ref)
  local name = self.lexicon.tables[ref].name
  return style.code(names_taken(self.lexicon)[name:lower()] == 1 and name or ref)
end

--- "the `c` column of `t`", "`t.c`", "the column `c` in `t`"
function Style:column(ref, name)
  local t = self.lexicon.tables[ref]
  local plain = t.name:find("^[%a_][%w_]*$") and name:find("^[%a_][%w_]*$") and self:table(ref) == style.code(t.name)
  local forms = { ("the %s column of %s"):format(style.code(name), self:table(ref)),
    ("the column %s in %s"):format(style.code(name), self:table(ref)),
    ("%s in the %s table"):format(style.code(name), self:table(ref)) }
  if plain then forms[#forms + 1] = style.code(t.name .. "." .. name) end
  return self.draw:pick(forms)
end

--- "`a`, `b` and `c`"
---@param names string[]
function style.list(names)
  local out = {}
  for i, name in ipairs(names) do out[i] = style.code(name) end
  return words.all(out)
end

--- The first letter made a capital.
function style.capital(sentence) return (sentence:gsub("^%l", string.upper)) end

--- A comment as one sentence's end: "order total, in euros; without fees" → "order total, in euros (without
--- fees)".
---@param comment string
---@return string
function style.comment(comment)
  local head, rest = comment:gsub("%s+", " "):gsub("[%s.]+$", ""):match("^([^;]+);%s*(.+)$")
  if head then return ("%s (%s)"):format(head, (rest:gsub(";", ","))) end
  return (comment:gsub("%s+", " "):gsub("[%s.]+$", ""))
end

--- A comment that is a sentence of its own.
---@param comment string
function style.sentence(comment)
  return style.capital((comment:gsub("%s+", " "):gsub("[%s.]+$", ""))) .. "."
end

--- "no columns", "1 column", "3 columns"
function style.counted(n, noun)
  if n == 0 then return "no " .. words.plural(noun) end
  return ("%d %s"):format(n, n == 1 and noun or words.plural(noun))
end

return style
