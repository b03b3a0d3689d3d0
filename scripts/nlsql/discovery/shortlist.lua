--- shortlist: of the many columns that hold a column's values, those that are worth weighing.
---
--- In a database of hundreds of tables with serial keys, a small number is found in hundreds of them. Few of
--- those can be its parent: those whose keys its values are spread over best, and those that are called alike.

local jobs = require "nlsql.jobs"
local words = require "nlsql.grammar.words"

local shortlist = {}

--- Parents of one column that are kept for the data's sake, and for their names'.
local BY_DATA, BY_NAME = 12, 12

--- Pairs after which other jobs get their turn.
local BREATH = 20000

local breaths = 0

--- Lets others run, every so often.
---@param n integer  steps that were done
function shortlist.breathe(n)
  breaths = breaths + n
  if breaths < BREATH then return end
  breaths = 0
  jobs.sleep(0)
end

local function words_of(cache, text)
  local known = cache[text]
  if known then return known end
  known = {}
  for _, word in ipairs(words.split(words.humanise(text))) do known[#known + 1] = words.singular(word:lower()) end
  cache[text] = known
  return known
end

local KEY_WORDS = words.set "id code no number key"

--- What a parent is called: the words of its table, its own name.
local function calls_of(cache, parent)
  local key = parent.ref .. "\0" .. parent.name
  local known = cache[key]
  if known then return known end
  known = { [table.concat(words.split(parent.name))] = true }
  for _, word in ipairs(words_of(cache, parent.table.name)) do known[word] = true end
  for _, word in ipairs(words_of(cache, parent.name)) do known[word] = not KEY_WORDS[word] or known[word] end
  cache[key] = known
  return known
end

local function are_called_alike(cache, child, parent)
  local calls = calls_of(cache, parent)
  if child.ref == parent.ref or calls[table.concat(words.split(child.name))] then return true end
  for _, word in ipairs(words_of(cache, child.name)) do
    if calls[word] then return true end
  end
  return false
end

--- How well the child's values are spread over the parent's keys, roughly: ln of a likelihood, and a little
--- for what kind of key it is.
local function spread(one)
  local child, parent = one.child, one.parent
  local score = one.common / math.max(1, parent.distinct) - 20 * (1 - one.common / child.distinct)
  if child.low and parent.low then
    local width = parent.high - parent.low + 1
    local inside = math.min(child.high, parent.high) - math.max(child.low, parent.low) + 1
    score = score + math.max(-40, one.common * math.log(math.max(1e-9, math.min(1, inside / width))))
  end
  if parent.key == "data" and parent.table.primary then score = score - 3 end
  if child.base ~= parent.base then score = score - 2 end
  return score
end

local function pick(list, cache)
  if #list <= BY_DATA then return list end
  for _, one in ipairs(list) do one.spread = spread(one) end
  table.sort(list, function(a, b)
    if a.spread ~= b.spread then return a.spread > b.spread end
    return a.parent.at < b.parent.at
  end)
  local out, named = table.move(list, 1, BY_DATA, 1, {}), 0
  for i = BY_DATA + 1, #list do
    local one = list[i]
    if one.kept or named < BY_NAME and are_called_alike(cache, one.child, one.parent) then
      named = named + 1
      out[#out + 1] = one
    end
  end
  return out
end

local function parents_of(world, at, child, is_candidate, kept)
  local list = {}
  for parent_at, common in world.overlaps:of(at) do
    local parent = world.columns[parent_at]
    if is_candidate(child, parent, common) then
      list[#list + 1] = { child = child, parent = parent, common = common, kept = kept(child, parent) }
    end
    shortlist.breathe(1)
  end
  return list
end

--- Calls `take` with each pair that is worth weighing, child by child, until it returns true: those of the child are
--- told even so. `is_candidate(child, parent, common)` says which may be at all, `kept` is one that has to stay.
---@param world table  { columns, overlaps, n_columns }
---@param is_candidate fun(child: nlsql.DiscoveryColumn, parent: nlsql.DiscoveryColumn?, common: integer): boolean?
---@param kept fun(child: nlsql.DiscoveryColumn, parent: nlsql.DiscoveryColumn): boolean
---@param take fun(pair: table): boolean?  { child, parent, common }
function shortlist.each(world, is_candidate, kept, take)
  local cache, enough = {}, false
  for at = 1, world.n_columns do
    local child = world.columns[at]
    local list = child and parents_of(world, at, child, is_candidate, kept) or {}
    shortlist.breathe(10 * #list)
    for _, one in ipairs(pick(list, cache)) do enough = take(one) or enough end
    if enough then return end
  end
end

return shortlist
