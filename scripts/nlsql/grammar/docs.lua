--- docs: questions about a table of the schema with answers in words, true by the catalog.
---
--- A fact is something that the catalog says, with several ways to ask for it and to say it. All facts
--- come once before any comes again in other words. Values are labels and checks of the schema alone,
--- never data.

local columns = require "nlsql.grammar.docs.columns"
local relations = require "nlsql.grammar.docs.relations"
local style = require "nlsql.grammar.docs.style"
local tables = require "nlsql.grammar.docs.tables"
local text = require "nlsql.text"

local docs = {}

---@class nlsql.DocPair
---@field question string
---@field answer string
---@field wrong string?  an answer that is false, for the gate `untrue` to find

---@alias nlsql.DocFact nlsql.DocPair[] ways to ask for one thing

--- What the writers of facts get.
---@class nlsql.DocWorld
---@field t table              of the catalog
---@field lexicon nlsql.Lexicon
---@field style nlsql.DocStyle
---@field draw nlsql.Draw
---@field out table[]          foreign keys from the table
---@field into table[]         foreign keys to it
---@field others string[]      tables that no key connects with it
---@field add fun(ways: nlsql.DocFact)
---@field add_rare fun(kind: string, ways: nlsql.DocFact) what is so of most columns, and tells little

local function world_of(grammar, ref, draw)
  local lexicon, schema = grammar.lexicon, grammar.schema
  local near, out, into, others = { [ref] = true }, {}, {}, {}
  for _, edge in ipairs(schema:edges()) do
    if edge.from == ref then out[#out + 1], near[edge.to] = edge, true end
    if edge.to == ref and edge.from ~= ref then into[#into + 1], near[edge.from] = edge, true end
  end
  for _, other in ipairs(schema:names()) do
    if not near[other] then others[#others + 1] = other end
  end
  for _, edge in ipairs(out) do
    for _, known in ipairs(lexicon:edges_from(ref)) do
      if known.name == edge.name then edge.role = known.role end
    end
  end
  return { t = lexicon.tables[ref], lexicon = lexicon, style = style.new(lexicon, draw), draw = draw, out = out,
    into = into,
    others = others }
end

--- Of the rare facts of one kind so many come with the others, the rest when those have been told.
local RARE = 2

--- The facts of a table, and those that come last.
local function facts_of(grammar, ref, draw)
  local world, facts, late = world_of(grammar, ref, draw), {}, {}
  local rare, kinds = {}, {}
  function world.add(ways)
    if #ways > 0 then facts[#facts + 1] = draw:shuffled(ways) end
  end
  function world.add_rare(kind, ways)
    if not rare[kind] then rare[kind], kinds[#kinds + 1] = {}, kind end
    rare[kind][#rare[kind] + 1] = ways
  end
  tables.add(world)
  columns.add(world)
  relations.add(world)
  for _, kind in ipairs(kinds) do
    for i, ways in ipairs(draw:shuffled(rare[kind])) do
      if i <= RARE then world.add(ways) else late[#late + 1] = ways end
    end
  end
  return draw:shuffled(facts), draw:shuffled(late)
end

--- Rounds before the facts that come last.
local BEFORE_LATE = 2

--- Up to `count` pairs about the table whose question `known` (a set of question keys) lacks; they are
--- added to it. Fewer: there are no more.
---@param grammar nlsql.Grammar
---@param ref string
---@param count integer
---@param known table text.set()
---@return nlsql.DocPair[]
function docs.pairs(grammar, ref, count, known)
  local facts, late = facts_of(grammar, ref, grammar:draws("docs", ref))
  local out, round, any = {}, 1, true
  local function take(list, way)
    for _, ways in ipairs(list) do
      local pair = ways[way]
      any = any or pair ~= nil
      if pair and #out < count and known:add(text.question_key(pair.question)) then out[#out + 1] = pair end
    end
  end
  while #out < count and any do
    any = false
    take(facts, round)
    if round >= BEFORE_LATE then take(late, round - BEFORE_LATE + 1) end
    round = round + 1
  end
  return out
end

--- A spoilt copy of the pair and the gate that is to find it; nil where it cannot be spoilt.
---@param draw nlsql.Draw
---@param pair nlsql.DocPair
---@param is_name fun(name: string): boolean of a table or column
---@return { question: string, answer: string }?, string?
function docs.spoil(draw, pair, is_name)
  local name = pair.answer:match("`([%w_]+)`")
  local missing = name and is_name(name) and not is_name(name .. "_x")
  if pair.wrong and not (missing and draw:chance(0.3)) then
    return { question = pair.question, answer = pair.wrong }, "untrue"
  elseif missing then
    return { question = pair.question,
      answer = (pair.answer:gsub("`" .. name .. "`", "`" .. name .. "_x`", 1)) }, "grounded"
  end
end

return docs
