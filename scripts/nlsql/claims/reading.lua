--- reading: a question and its answer as sentences whose names, types and phrases are known.
---
--- What the writer set apart (backticks, quotes, dots, underscores) must name something of the schema;
--- plain words are names only beside "table" or "column", or where the noun for a table's rows is used.

local bind = require "nlsql.claims.bind"
local names = require "nlsql.claims.names"
local phrases = require "nlsql.claims.phrases"
local pieces = require "nlsql.claims.pieces"
local plain_words = require "nlsql.claims.plain"
local tokens = require "nlsql.claims.tokens"
local words = require "nlsql.grammar.words"

local reading = {}

---@class nlsql.Reading
---@field names nlsql.Names
---@field refs string[]       tables that the pair is about
---@field scope string[]      those, and the tables that it names
---@field question nlsql.Token[][]
---@field answer nlsql.Token[][]
---@field faults string[]
local Reading = {}
Reading.__index = Reading

--- Notes what is not true.
function Reading:fault(reason) self.faults[#self.faults + 1] = reason end

local ARTICLES, JOINERS = bind.ARTICLES, bind.JOINERS

--- --- questions -------------------------------------------------------------------------------------

local AUXILIARIES = words.set("is are was were does do did can may could must should has have")

--- "Is X unique?" → "X is unique": whether it was turned round.
local function straighten(list)
  local first = list[1]
  if not first or first.kind ~= "word" or not AUXILIARIES[first.lower] or list[#list].lower ~= "?" then return false end
  local at = 2
  while list[at] and ARTICLES[list[at].lower] and not list[at].refs do at = at + 1 end
  if list[at] and list[at].lower == "there" then
    list[1], list[at] = list[at], list[1]
    return true
  end
  if not (list[at] and (list[at].columns or list[at].refs)) then return false end
  while list[at + 1] and JOINERS[list[at + 1].lower] and list[at + 2]
      and (list[at + 2].columns or list[at + 2].refs) do at = at + 2 end
  table.remove(list, 1)
  if not (first.lower == "does" or first.lower == "do" or first.lower == "did") then table.insert(list, at, first) end
  return true
end

--- --- all together ----------------------------------------------------------------------------------

local function note_scope(self, list)
  for _, t in ipairs(list) do
    if t.refs and #t.refs == 1 and not self.in_scope[t.refs[1]] then
      self.in_scope[t.refs[1]] = true
      self.scope[#self.scope + 1] = t.refs[1]
    end
    for _, named in ipairs(t.columns or {}) do
      local ref = named.qualified and #named.at == 1 and named.at[1].ref
      if ref and not self.in_scope[ref] then
        self.in_scope[ref] = true
        self.scope[#self.scope + 1] = ref
      end
    end
  end
end

local function read_sentence(self, list, is_question)
  pieces.mark(self, list)
  list = plain_words.mark(self, list, is_question, function(so_far) note_scope(self, so_far) end)
  list = bind.cues_and_owners(self, list)
  local turned = is_question and straighten(list)
  list = bind.lists(self, phrases.fold(list))
  note_scope(self, list)
  return list, turned
end

--- Reads the pair. `faults` names what is in no table of the schema.
---@param schema nlsql.Catalog
---@param refs string[]?
---@param question string
---@param answer string
---@return nlsql.Reading
function reading.of(schema, refs, question, answer)
  local self = setmetatable({ names = names.of(schema), refs = refs or {}, scope = {}, in_scope = {}, faults = {},
    question = {},
    answer = {}, turned = {} }, Reading)
  for i, ref in ipairs(self.refs) do
    self.scope[i], self.in_scope[ref] = ref, true
  end
  for i, list in ipairs(tokens.sentences(question)) do
    self.question[i], self.turned[i] = read_sentence(self, list, true)
  end
  for i, list in ipairs(tokens.sentences(answer)) do self.answer[i] = read_sentence(self, list, false) end
  return self
end

return reading
