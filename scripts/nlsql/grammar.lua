--- grammar: pairs of a question and its query, made without a model from the live schema, its foreign
--- keys and values that occur in it.
---
--- Question and query come from one growth (see nlsql.grammar.growth), so they mean the same. Each
--- file of CONSTRUCTS holds a family of them; `offline.weights` in the configuration weighs each. One
--- whose queries always have a subquery, a CTE, a window function or a set operation says so in `shows`.

local calls = require "nlsql.grammar.calls"
local disguise = require "nlsql.grammar.disguise"
local draws = require "nlsql.grammar.draw"
local growth = require "nlsql.grammar.growth"
local jobs = require "nlsql.jobs"
local lexicon = require "nlsql.grammar.lexicon"
local profile = require "nlsql.grammar.profile"
local sql = require "nlsql.sql"
local text = require "nlsql.text"
local tree = require "nlsql.grammar.tree"

local grammar = {}

local CONSTRUCTS = {}
for _, family in ipairs { "lists", "totals", "classes", "periods", "windows", "nested", "partners" } do
  for _, construct in ipairs(require("nlsql.grammar." .. family)) do CONSTRUCTS[#CONSTRUCTS + 1] = construct end
end

--- Names of all constructs, sorted.
---@return string[]
function grammar.constructs()
  local names = {}
  for i, construct in ipairs(CONSTRUCTS) do names[i] = construct.name end
  table.sort(names)
  return names
end

---@class nlsql.Grammar
---@field schema nlsql.Catalog
---@field db nlsql.Db
---@field seed integer
---@field variants integer
---@field lexicon nlsql.Lexicon
---@field weighted table[]            {weight=, construct=}
---@field asked table                 what has_rows found out
local Grammar = {}
Grammar.__index = Grammar

---@class nlsql.GrammarOptions
---@field seed integer
---@field weights table<string, number>? by construct, in place of its own
---@field anon nlsql.Anon? stand-ins for values; nil: they are shown as they are
---@field variants integer? most queries of one reply that differ in their literals only (0: any number)

---@param schema nlsql.Catalog
---@param db nlsql.Db
---@param options nlsql.GrammarOptions
---@return nlsql.Grammar
function grammar.open(schema, db, options)
  local weighted = {}
  for i, construct in ipairs(CONSTRUCTS) do
    weighted[i] = { weight = options.weights and options.weights[construct.name] or construct.weight, construct = construct }
  end
  return setmetatable({
    schema = schema, db = db, asked = {}, seed = options.seed, variants = options.variants or 0, weighted = weighted,
    lexicon = lexicon.open(schema, db, options.seed, options.anon),
  }, Grammar)
end

--- A source of choices for these words, and the seed.
---@param ... string|number
---@return nlsql.Draw
function Grammar:draws(...) return draws.new(self.seed, ...) end

--- Is there a row to ask about?
---@return boolean
function Grammar:has_rows()
  return profile.once(self.asked, "has_rows", function()
    for _, ref in ipairs(self.schema:names()) do
      if self.lexicon:entity(ref).rows > 0 then return true end
    end
    return false
  end)
end

--- Up to `most` sets of at least `least` tables that its joins can connect.
---@return string[][]
function Grammar:sets(least, most, draw) return tree.sets(self.lexicon, least, most, draw) end

--- What `shows` of a construct may hold.
local SHOWN = { cte = true, set_operation = true, subquery = true, window = true }

--- The weighted constructs that show one of these, and the same as a set; all of them for nil.
local function showing(self, names)
  if not names then return self.weighted end
  local wanted, able = {}, {}
  for _, name in ipairs(names) do
    if not SHOWN[name] then error(("the grammar knows no construct %q to show"):format(tostring(name)), 0) end
    wanted[name] = true
  end
  for _, one in ipairs(self.weighted) do
    local shows = false
    for name in pairs(one.construct.shows or {}) do shows = shows or wanted[name] end
    if shows then able[#able + 1] = one end
  end
  return able, wanted
end

---@class nlsql.Known what there is already, so that nothing comes twice
---@field queries nlsql.KeySet
---@field questions nlsql.KeySet
---@field variants table<nlsql.Key, integer>
---@field most integer
local Known = {}
Known.__index = Known

---@param most integer variants of one query
function grammar.known(most)
  return setmetatable({ queries = text.set(), questions = text.set(), variants = {}, most = most }, Known)
end

--- Adds a pair; false where it is there already, or there are enough that differ in literals only.
---@param question string
---@param query string
---@return boolean
function Known:add(question, query)
  local statement <close>, why = sql.parse(query)
  if not statement then error(("the grammar wrote what does not parse (%s): %s"):format(why, query), 0) end
  local key, masked = statement:keys()
  local asked = text.question_key(question)
  local n = self.variants[masked] or 0
  if self.queries:has(key) or self.questions:has(asked) or (self.most > 0 and n >= self.most) then return false end
  self.queries:add(key)
  self.questions:add(asked)
  self.variants[masked] = n + 1
  return true
end

--- Notes a pair that was brought before, as far as it can be read: one that was spoilt may have been
--- mended since, so its question is taken.
---@param question string
---@param query string
function Known:note(question, query)
  self.questions:add(text.question_key(question))
  local statement <close> = sql.parse(query)
  if not statement then return end
  local key, masked = statement:keys()
  self.queries:add(key)
  self.variants[masked] = (self.variants[masked] or 0) + 1
end

---@class nlsql.GrammarPair
---@field question string
---@field sql string
---@field construct string

--- Attempts in a row that bring nothing new, after which the tables are taken to hold no more.
local IDLE = 200

--- Attempts between two turns of the loop: others are under way too.
local TURN = 32

--- One pair over the tables, or nil. `able`: the constructs that may be drawn, weighted; `wanted`: what the
--- query must show; `called`: a function that it must call.
local function one(self, set, least, draw, able, wanted, called)
  local joined = tree.over(self.lexicon, set, draw)
  if #joined.rows == 0 or #joined.nodes < least then return nil end
  local construct = draw:weighted(able)
  if not construct then return nil end
  local grown = growth.new(draw, joined, least, self.db)
  grown.wanted = wanted
  local query, question = construct.construct.make(grown)
  if not query or next(grown.need) then return nil end
  local anon = self.lexicon.anon
  if anon and not disguise.holds(anon, self.schema, query) then return nil end
  if called and not calls.in_query(self.schema, query, called) then return nil end
  return { question = question, sql = query, construct = construct.construct.name }
end

--- Up to `count` pairs that use all of `set` (as far as foreign keys connect it) and join at least
--- `least` tables, none of which `known` has; they are added to it.
---@param set string[]
---@param count integer
---@param least integer
---@param draw nlsql.Draw
---@param known nlsql.Known
---@param wish { constructs: string[]?, calls: string? }? each query shows one of the constructs (cte, set_operation,
---              subquery, window); calls the function (one of calls.names())
---@return nlsql.GrammarPair[]
function Grammar:pairs(set, count, least, draw, known, wish)
  local out, idle, n = {}, 0, 0
  local called = wish and wish.calls
  local able, wanted = showing(self, wish and wish.constructs)
  if called then able = calls.ways(called) end
  while #out < count and idle < IDLE do
    n = n + 1
    if n % TURN == 0 then jobs.sleep(0) end
    local pair = one(self, set, least, draw, able, wanted, called)
    if pair and known:add(pair.question, pair.sql) then
      out[#out + 1] = pair
      idle = 0
    else
      idle = idle + 1
    end
  end
  return out
end

return grammar
